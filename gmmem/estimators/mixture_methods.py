"""What every fitted mixture can do: predict, score, sample, and be judged.

The attributes are the model: a prediction builds its `Mixture` from them, so what
a user reads, pickles or sets is what is computed with.
"""

from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from gmmem import criteria, em, prediction
from gmmem.answers import Scorer
from gmmem.compat import FIT_CALLBACKS
from gmmem.covariances import CovarianceModel, Decomposition, DegenerateCovariance, get_model
from gmmem.covariances.base import from_public, n_free
from gmmem.estimators.attributes import NEEDED, as_mixture, remembered_scorer
from gmmem.estimators.parts import Parts
from gmmem.estimators.rows import as_rows
from gmmem.mixture import Mixture
from gmmem.priors import Ridge
from gmmem.problem import Problem
from gmmem.sources import Rows


class MixtureMethods(Parts):
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
        """
        scorer, rows = self._scored(X, sample_weight)
        return prediction.mean_log_likelihood(scorer, rows)

    def fit_summary(self, X, sample_weight=None) -> criteria.FitSummary:
        """What model selection criteria look at.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        summary : gmmem.criteria.FitSummary
            For any function of `gmmem.criteria`.

        Examples
        --------
        >>> from gmmem import GaussianMixture, criteria
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> round(criteria.bic(model.fit_summary(X)), 1) == round(model.bic(X), 1)
        True
        """
        mixture, rows = self._checked_mixture(), self._rows(X, sample_weight)
        found = prediction.summary(mixture, self.covariance_model_, rows)
        return replace(found, n_parameters=self.n_parameters_)

    def _likelihood(self, X, sample_weight) -> criteria.FitSummary:
        """The same without the entropies, which cost as much as the likelihood."""
        mixture, rows = self._checked_mixture(), self._rows(X, sample_weight)
        found = prediction.likelihood(mixture, self.covariance_model_, rows)
        return replace(found, n_parameters=self.n_parameters_)

    def bic(self, X, sample_weight=None):
        """Bayesian information criterion of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.bic` for the formula.
        """
        return criteria.bic(self._likelihood(X, sample_weight))

    def aic(self, X, sample_weight=None):
        """Akaike's information criterion of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.aic` for the formula.
        """
        return criteria.aic(self._likelihood(X, sample_weight))

    def aicc(self, X, sample_weight=None):
        """AIC corrected for few rows of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.aicc` for the formula.
        """
        return criteria.aicc(self._likelihood(X, sample_weight))

    def caic(self, X, sample_weight=None):
        """Consistent AIC of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.caic` for the formula.
        """
        return criteria.caic(self._likelihood(X, sample_weight))

    def hqic(self, X, sample_weight=None):
        """Criterion of Hannan and Quinn of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.hqic` for the formula.
        """
        return criteria.hqic(self._likelihood(X, sample_weight))

    def sabic(self, X, sample_weight=None):
        """Sample size adjusted BIC of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.sabic` for the formula.
        """
        return criteria.sabic(self._likelihood(X, sample_weight))

    def icl(self, X, sample_weight=None):
        """Integrated completed likelihood of the model on X by the MAP classification.

        See `fit_summary` for the parameters and `gmmem.criteria.icl` for the formula.
        """
        return criteria.icl(self.fit_summary(X, sample_weight))

    def icl_entropy(self, X, sample_weight=None):
        """Integrated completed likelihood by the entropy of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.icl_entropy` for the formula.
        """
        return criteria.icl_entropy(self.fit_summary(X, sample_weight))

    def clc(self, X, sample_weight=None):
        """Classification likelihood criterion of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.clc` for the formula.
        """
        return criteria.clc(self.fit_summary(X, sample_weight))

    def nec(self, X, sample_weight=None):
        """Normalised entropy criterion of the model on X: the lower the better.

        See `fit_summary` for the parameters and `gmmem.criteria.nec` for the formula; one
        component of the same covariance model is fitted to X to compare with.
        """
        summary, rows = self.fit_summary(X, sample_weight), self._rows(X, sample_weight)
        problem = Problem.of(rows, self.covariance_model_, Ridge(self.reg_covar))
        one = em.one_component(problem)
        if one.best is None:
            raise ValueError(
                f"nec compares with one component, which cannot be fitted to X: {one.failure} "
                f"Increase reg_covar (now {self.reg_covar:g}) or give more rows."
            )
        likelihood = prediction.log_likelihood(one.best.mixture, rows)
        return criteria.nec(replace(summary, log_likelihood_one=likelihood))

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
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples}. The sampling requires at least "
                "one sample, and a whole number of them."
            )
        model, means = self.covariance_model_, np.asarray(self.means_, dtype=np.float64)
        stored = from_public(model, np.asarray(self.covariances_, dtype=np.float64))
        try:
            storage = model.storage.from_covariances(stored, means.shape[1])
            mixture = Mixture(np.asarray(self.weights_, dtype=np.float64), means, storage)
        except DegenerateCovariance:
            mixture = self._mixture()  # Rounded to float32; the factors still are regular.
        return mixture.sample(int(n_samples), check_random_state(self.random_state))

    @property
    def n_parameters_(self) -> int:
        """Free parameters: covariances, means and mixing weights, but for those held."""
        check_is_fitted(self)
        held = vars(self).get("_n_held", 0)
        return n_free(self.covariance_model_, *self.means_.shape) - held

    @property
    def mixture_(self) -> Mixture:
        """The density that the attributes describe."""
        return self._checked_mixture()

    @property
    def decomposition_(self) -> Decomposition:
        """Volume (K,), shape (K, d) and orientation (K, d, d) of the covariances.

        ``covariance = volume * orientation @ diag(shape) @ orientation.T``
        """
        mixture, model = self._checked_mixture(), self.covariance_model_
        parts = mixture.covariances.decompose(model.aligned)
        repeats = mixture.n_components // len(parts.volume)
        return Decomposition(*(np.repeat(part, repeats, axis=0) for part in parts))

    # --- between attributes and the engine -------------------------------------

    # The attributes that rows are scored by.
    _scored_by = NEEDED

    def _components(self):
        """What rows are scored by."""
        return self._mixture()

    @property
    def covariance_model_(self) -> CovarianceModel:
        """The covariance model, as an object: that of the fit, whatever the parameter is now."""
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
