"""What a regressor says of its outputs beyond their mean: whole densities, for each row."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from gmmem import prediction
from gmmem.conditioning import Conditional, LogDensity, by_pattern
from gmmem.estimators.joint import as_columns, side_by_side
from gmmem.mixture import Mixture
from gmmem.quantiles import Quantiles
from gmmem.sources import InMemory


class Conditionals:
    """Densities of the last columns of a fitted mixture, given the first."""

    def predict_mixture(self, X) -> list[Mixture]:
        """The whole density of y, for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        mixtures : list of gmmem.Mixture
            Each of `n_outputs_` features.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        >>> density = model.predict_mixture([[2.9]])[0]
        >>> density.weights.round(2), density.means.ravel().round(1)
        (array([0.54, 0.46]), array([59.9, 72.3]))
        """
        X = self._checked(X)
        found: list[Mixture] = [None] * len(X)
        for rows, conditional in self._conditionals(X):
            weights, means = conditional.parts(X[rows])
            numbers = np.arange(len(X))[rows]
            for i, place in enumerate(numbers):
                found[place] = conditional.mixture(weights[:, i], means[:, i])
        return found

    def predict_quantile(self, X, quantiles=0.5):
        """Quantiles of the density of each output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        quantiles : float or array-like of shape (n_quantiles,), default=0.5
            Probabilities, between 0 and 1.

        Returns
        -------
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            With a last axis (n_quantiles,) where `quantiles` has one.

        Raises
        ------
        ValueError
            If `quantiles` do not lie between 0 and 1.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        >>> model.predict_quantile([[2.0], [2.9]], [0.1, 0.5, 0.9]).round(1)
        array([[47.1, 54.2, 61.4],
               [54.9, 65.4, 76.7]])
        """
        probabilities = np.asarray(quantiles, dtype=np.float64)
        if probabilities.ndim > 1 or not ((probabilities > 0) & (probabilities < 1)).all():
            raise ValueError(
                f"quantiles={quantiles!r} must be a number between 0 and 1, or several in a row."
            )
        X, some = self._checked(X), np.atleast_1d(probabilities)
        found = self._asked(
            X, lambda conditional: Quantiles(conditional, some), (self.n_outputs_, len(some))
        )
        found = self._shaped(found)
        return found if probabilities.ndim else found[..., 0]

    def predict_interval(self, X, coverage=0.95):
        """Intervals in which y lies with a probability, as far below as above.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        coverage : float, default=0.95
            The probability.

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper ends: quantiles of the density of each output.

        Raises
        ------
        ValueError
            If `coverage` does not lie between 0 and 1.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        >>> model.predict_interval([[2.0], [4.5]], coverage=0.8).round(1)
        array([[47.1, 61.4],
               [74. , 88.2]])
        """
        if not isinstance(coverage, Real) or not 0 < coverage < 1:
            raise ValueError(f"coverage={coverage!r} must be a number between 0 and 1.")
        return self.predict_quantile(X, [0.5 - coverage / 2, 0.5 + coverage / 2])

    def score_samples(self, X, y=None):
        """Log of the density of y, given X; without y, of X alone.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            What came of them.  None asks how likely the rows themselves are: where that is
            little, predictions are extrapolation.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In nats.

        Raises
        ------
        ValueError
            If y has not as many columns as in `fit`.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        >>> model.score_samples([[2.0], [2.0]], [54, 85]).round(1)
        array([ -2.6, -17.9])
        """
        X = self._checked(X)
        if y is None:
            return self._marginal(X)
        Y = as_columns(check_array(y, ensure_2d=False, dtype=np.float64, input_name="y"))
        check_consistent_length(X, Y)
        if Y.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {Y.shape[1]} columns, but it had {self.n_outputs_} in the fit."
            )
        joint, found = side_by_side(X, Y), np.empty(len(X))
        for rows, conditional in self._conditionals(X):
            found[rows] = InMemory(joint[rows]).map(LogDensity(conditional), (), np.float64)
        return found

    def sample_y(self, X, n_samples=1, random_state=None):
        """Draw y from its density, given X.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features)
            The rows.
        n_samples : int, default=1
            Draws for each row.
        random_state : int, RandomState instance or None, default=None
            None is that of the fit.

        Returns
        -------
        draws : ndarray of shape (n_samples_X, n_samples) or (n_samples_X, n_outputs, n_samples)
            Along the last axis, as in scikit-learn's `GaussianProcessRegressor`.

        Raises
        ------
        ValueError
            If `n_samples` is no whole number of at least 1.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        >>> model.sample_y([[2.0], [4.5]], n_samples=3, random_state=0).shape
        (2, 3)
        """
        X = self._checked(X)
        if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
            raise ValueError(f"n_samples={n_samples!r} must be a whole number of at least 1.")
        own = self.estimator_.random_state
        rng = check_random_state(own if random_state is None else random_state)
        draws = np.empty((len(X), n_samples, self.n_outputs_))
        for rows, conditional in self._conditionals(X):
            for some in conditional.blocks(np.arange(len(X))[rows], n_samples):
                draws[some] = conditional.draw(X[some], int(n_samples), rng)
        return self._shaped(draws.transpose(0, 2, 1))

    # --- from rows to their densities --------------------------------------------

    def _marginal(self, X: np.ndarray) -> np.ndarray:
        """Log-density of what is there of each row."""
        alone = self.mixture_.marginal(np.arange(self.n_features_in_))
        return prediction.log_density(alone, InMemory(X.astype(np.float64, copy=False)))

    def _checked(self, X) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(
            self,
            X,
            reset=False,
            dtype=[np.float64, np.float32],
            ensure_all_finite=self._finite(),
        )

    def _conditionals(self, X: np.ndarray):
        """For the rows of each pattern of what is missing, the outputs given what is there."""
        mixture = self.mixture_
        asked = np.arange(self.n_features_in_, mixture.n_features)
        for rows, observed in by_pattern(X):
            yield rows, Conditional.of(mixture, observed, asked)

    def _asked(self, X: np.ndarray, question, shape: tuple[int, ...]) -> np.ndarray:
        """What a pass says of all rows."""
        found = np.empty((len(X), *shape))
        for rows, conditional in self._conditionals(X):
            found[rows] = InMemory(X[rows]).map(question(conditional), shape, np.float64)
        return found

    def _shaped(self, found: np.ndarray) -> np.ndarray:
        """Without the axis of outputs where y had none."""
        return found[:, 0] if self._one_output else found
