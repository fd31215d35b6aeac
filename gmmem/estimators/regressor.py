"""`GaussianMixtureRegressor`: regression by conditioning a density."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from gmmem import prediction
from gmmem.compat import fit_context
from gmmem.conditioning import (
    Conditional,
    Covariances,
    Deviations,
    Expected,
    LogDensity,
    by_pattern,
)
from gmmem.estimators.joint import CONSTRAINTS, JointDensity, as_columns, side_by_side
from gmmem.estimators.mixture_methods import unchanged_on_failure
from gmmem.mixture import Mixture
from gmmem.quantiles import Quantiles
from gmmem.sources import InMemory


class GaussianMixtureRegressor(JointDensity, RegressorMixin, BaseEstimator):
    """Regression by the density of X and y together, given X.

    A Gaussian mixture is fitted to the columns of X and y side by side.  Given a row of X, y
    is again a Gaussian mixture: each component is a linear regression, and weighs as much as
    it is responsible for the row.  So not only a mean is predicted, but a density, which may
    be skewed, wider in some places than in others, or have several modes.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of components: with one it is linear regression.  None leaves that of
        `estimator`, which is 1 by default.
    covariance_type : str, CovarianceModel or None, default=None
        How the components look, as for `GaussianMixture`.  None leaves that of `estimator`,
        which is "full" by default.
    estimator : GaussianMixture, GaussianMixtureIC, BayesianGaussianMixture or None, default=None
        The mixture that is fitted, with parameters of its own; it is copied.  None is
        ``GaussianMixture()``.
    random_state : int, RandomState instance or None, default=None
        Seeds the fit, and `sample_y`.  None leaves that of `estimator`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted mixture of X and y; the columns of y are the last.
    mixture_ : gmmem.Mixture
        Its density.
    n_outputs_ : int
        Number of columns of y.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had them.

    See Also
    --------
    GaussianMixture.conditional : The density given one row, as an estimator.
    gmmem.displays.ConditionalDisplay : A picture of the densities.

    Notes
    -----
    Components are sought in X and y together: columns are to be in comparable units, as for
    `GaussianMixture`.

    References
    ----------
    Ghahramani and Jordan (1994). Supervised learning from incomplete data via an EM approach.
    Advances in Neural Information Processing Systems 6, 120-127.

    Examples
    --------
    >>> from gmmem import GaussianMixtureRegressor
    >>> from gmmem.datasets import load_old_faithful
    >>> X = load_old_faithful()
    >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
    >>> mean, std = model.predict([[2.0], [4.5]], return_std=True)
    >>> mean.round(1), std.round(1)
    (array([54.2, 81.1]), array([5.6, 5.6]))
    """

    _parameter_constraints: dict = CONSTRAINTS

    def __init__(
        self, n_components=None, *, covariance_type=None, estimator=None, random_state=None
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.estimator = estimator
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = self._allows_nan()
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Fit the density of X and y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What is known.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What is to be predicted.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        self : GaussianMixtureRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is not usable, or the mixture cannot be fitted.
        TypeError
            If `estimator` is no Gaussian mixture of gmmem.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        GaussianMixtureRegressor(n_components=2, random_state=0)
        """
        with unchanged_on_failure(self):
            inner = self._inner()
            X, y = validate_data(
                self,
                X,
                y,
                dtype=[np.float64, np.float32],
                multi_output=True,
                y_numeric=True,
                ensure_all_finite=self._finite(),
                ensure_min_samples=2,
            )
            Y = as_columns(y)
            self._one_output, self.n_outputs_ = np.ndim(y) == 1, Y.shape[1]
            self.estimator_ = inner.fit(side_by_side(X, Y), sample_weight=sample_weight)
        return self

    def predict(self, X, return_std=False, return_cov=False):
        """What is expected of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        return_std : bool, default=False
            Whether to return how far y is from that: the standard deviation of its density.
        return_cov : bool, default=False
            Whether to return the covariance of the outputs in each row.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As y was in `fit`.
        std : ndarray of the same shape
            Only with `return_std`.
        cov : ndarray of shape (n_samples, n_outputs, n_outputs)
            Only with `return_cov`.

        Raises
        ------
        ValueError
            If both are asked for.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        >>> model.predict([[2.0], [4.5]]).round(1)
        array([54.2, 81.1])
        """
        if return_std and return_cov:
            raise ValueError("return_std and return_cov: at most one of them can be True.")
        X, m = self._checked(X), self.n_outputs_
        if return_std:
            found = self._asked(X, Deviations, (2, m))
            return self._shaped(found[:, 0]), self._shaped(found[:, 1])
        if return_cov:
            found = self._asked(X, Covariances, (1 + m, m))
            return self._shaped(found[:, 0]), found[:, 1:]
        return self._shaped(self._asked(X, Expected, (m,)))

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
