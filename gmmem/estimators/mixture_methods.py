"""What every fitted mixture can do: predict, score, sample, and be judged.

The attributes are the model: a prediction builds its `Mixture` from them, so what
a user reads, pickles or sets is what is computed with.
"""

from contextlib import contextmanager
from functools import cache
from inspect import Parameter, signature
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gmmem import prediction
from gmmem.compat import FIT_CALLBACKS, check_random_state, validate_parameter_constraints
from gmmem.covariances import CovarianceModel, Decomposition, get_model
from gmmem.covariances.base import n_free
from gmmem.estimators.attributes import NEEDED, as_drawn_from, as_mixture, remembered_scorer
from gmmem.estimators.one_feature import OneFeature
from gmmem.estimators.parts import Parts
from gmmem.estimators.rows import as_rows
from gmmem.estimators.summarised import Summarised
from gmmem.mixture import Mixture
from gmmem.scoring import Scorer
from gmmem.sources import Rows


class MixtureMethods(Parts, Summarised, OneFeature):
    """The methods of a fitted mixture; a subclass says which covariance model it has."""

    def fit_predict(self, X, y=None, sample_weight=None):
        """Fit to X and return the most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : Ignored
            Present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The same as ``fit(X).predict(X)``.

        See Also
        --------
        table : Labels against known classes.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture(2, means_init=[[0], [9]])
        >>> model.fit_predict([[0.0], [1], [9], [10]])
        array([0, 0, 1, 1])
        """
        return self.fit(X, sample_weight=sample_weight).predict(X)

    def predict(self, X):
        """The most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Component labels.

        See Also
        --------
        predict_proba : How sure that is.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([0.6, 0.4], [[2], [5]], [[[1]], [[2]]])
        >>> model.predict([[1], [3.5], [6]])
        array([0, 0, 1])
        """
        return prediction.labels(*self._scored(X))

    def predict_proba(self, X):
        """Responsibilities: the posterior probability of each component.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            Rows sum to one.

        See Also
        --------
        predict : The most probable component alone.

        Examples
        --------
        At 3.5 of N(2, 1) at .6 and N(5, 2) at .4, by Bayes' rule:

        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([0.6, 0.4], [[2], [5]], [[[1]], [[2]]])
        >>> model.predict_proba([[3.5]]).round(3)
        array([[0.547, 0.453]])
        """
        return prediction.responsibilities(*self._scored(X))

    def score_samples(self, X):
        """Log-density of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In nats.

        See Also
        --------
        score : Their mean.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([0.6, 0.4], [[2], [5]], [[[1]], [[2]]])
        >>> import numpy as np
        >>> np.exp(model.score_samples([[3.5]])).round(4)
        array([0.142])
        """
        return prediction.log_density(*self._scored(X))

    def score(self, X, y=None, sample_weight=None):
        """Mean log-density of the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : Ignored
            Present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        log_likelihood : float
            In nats per row, or per unit of weight.

        See Also
        --------
        score_samples : Of each row.
        bic : Takes the number of parameters into account.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([0.6, 0.4], [[2], [5]], [[[1]], [[2]]])
        >>> round(model.score([[3.5], [2.0]]), 3)
        -1.667
        >>> round(model.score([[3.5], [2.0]], sample_weight=[2, 1]), 3)
        -1.762
        """
        scorer, rows = self._scored(X, sample_weight)
        return prediction.mean_log_likelihood(scorer, rows)

    def sample(self, n_samples=1):
        """Draw rows from the fitted density.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows, ordered by component.
        y : ndarray of shape (n_samples,)
            Their components.

        Raises
        ------
        ValueError
            If `n_samples` is no positive whole number.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters(
        ...     [0.6, 0.4], [[2], [5]], [[[1]], [[2]]], random_state=0)
        >>> X, y = model.sample(1000)
        >>> X.shape, int((y == 0).sum())
        ((1000, 1), 597)
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples}. The sampling requires at least "
                "one sample, and a whole number of them."
            )
        return as_drawn_from(self).sample(int(n_samples), check_random_state(self.random_state))

    @property
    def n_parameters_(self) -> int:
        """Free parameters: covariances, means and mixing weights, but for those held.

        Examples
        --------
        Two means, two covariances of three numbers each, and one weight, as they sum to one:

        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> GaussianMixture(2, random_state=0).fit(load_old_faithful()).n_parameters_
        11
        """
        check_is_fitted(self)
        held = vars(self).get("_n_held", 0)
        return n_free(self.covariance_model_, *np.shape(self.means_)) - held

    @property
    def mixture_(self) -> Mixture:
        """The density that the attributes describe.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([1], [[0]], [[[1]]])
        >>> model.mixture_.log_density([[0.0]]).round(4)
        array([-0.9189])
        """
        return self._checked_mixture()

    @property
    def decomposition_(self) -> Decomposition:
        """Volume (K,), shape (K, d) and orientation (K, d, d) of the covariances.

        ``covariance = volume * orientation @ diag(shape) @ orientation.T``

        See Also
        --------
        gmmem.covariances.Decomposition : What comes back.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([1], [[0, 0]], [[[4, 0], [0, 1]]])
        >>> model.decomposition_.volume.round(3), model.decomposition_.shape.round(3)
        (array([2.]), array([[2. , 0.5]]))
        """
        mixture, model = self._checked_mixture(), self.covariance_model_
        parts = mixture.covariances.decompose(model.aligned)
        repeats = mixture.n_components // len(parts.volume)
        return Decomposition(*(np.repeat(part, repeats, axis=0) for part in parts))

    @classmethod
    @cache
    def _get_param_names(cls):
        """Read from the constructor once: every fit asks for them."""
        return super()._get_param_names()

    @classmethod
    @cache
    def _get_defaults(cls):
        """What each parameter is where it is not given, but for those that must be."""
        parameters = signature(cls.__init__).parameters
        found = {name: parameters[name].default for name in cls._get_param_names()}
        return {name: value for name, value in found.items() if value is not Parameter.empty}

    def _validate_params(self):
        """As scikit-learn does, of what is not the default, which is valid."""
        known, params = self._get_defaults(), self.get_params(deep=False)
        given = {
            name: value
            for name, value in params.items()
            if name not in known or value is not known[name]
        }
        name = type(self).__name__
        validate_parameter_constraints(self._parameter_constraints, given, caller_name=name)

    def __setstate__(self, state):
        """What was kept before a parameter was there has its default."""
        super().__setstate__(state)
        for name, default in self._get_defaults().items():
            vars(self).setdefault(name, default)

    # --- between attributes and the engine -------------------------------------

    # The attributes that rows are scored by.
    _scored_by = NEEDED

    # What `lower_bounds_` and `tol` are measured in.
    _bound_in = "nats a row"

    def _components(self):
        """What rows are scored by."""
        return self._mixture()

    @property
    def covariance_model_(self) -> CovarianceModel:
        """The covariance model, as an object: that of the fit, whatever the parameter is now.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> GaussianMixture(2, random_state=0).fit(load_old_faithful()).covariance_model_.name
        'VVV'
        """
        return vars(self).get("_fitted_model") or get_model(self.covariance_type)

    def _mixture(self) -> Mixture:
        """The density that the attributes describe."""
        return as_mixture(self)

    def _checked_mixture(self) -> Mixture:
        check_is_fitted(self)
        return self._mixture()

    def _scored(self, X, sample_weight=None) -> tuple[Scorer, Rows]:
        """What scores rows by the attributes, and the rows."""
        check_is_fitted(self)
        rows = self._rows(X, sample_weight)
        return remembered_scorer(self, rows.arithmetic), rows

    def _rows(self, X, sample_weight=None) -> Rows:
        return as_rows(self, X, sample_weight, reset=False)


@contextmanager
def unchanged_on_failure(estimator):
    """Give an estimator its attributes back if its fit raises or is interrupted.

    Except what its callbacks are still to be torn down with.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        after = vars(estimator)
        before |= {name: after[name] for name in FIT_CALLBACKS if name in after}
        after.clear()
        after.update(before)
        raise
