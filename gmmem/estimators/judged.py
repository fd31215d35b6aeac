"""What a fitted mixture is judged by: its likelihood, and what criteria make of it."""

from dataclasses import replace
from functools import partial

from gmmem import criteria, em, prediction
from gmmem.passes import all_in_one
from gmmem.priors import Ridge
from gmmem.problem import Problem


class Judged:
    """Criteria of a fitted mixture on rows."""

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
        one = em.solve(problem, [partial(problem.start, all_in_one, 1)], tol=0, max_iter=0)
        if one.best is None:
            raise ValueError(
                f"nec compares with one component, which cannot be fitted to X: {one.failure} "
                f"Increase reg_covar (now {self.reg_covar:g}) or give more rows."
            )
        likelihood = prediction.log_likelihood(one.best.mixture, rows)
        return criteria.nec(replace(summary, log_likelihood_one=likelihood))
