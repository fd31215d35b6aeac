"""What a fitted mixture is judged by: its likelihood, and what criteria make of it."""

from dataclasses import replace

from gmmem import criteria, em, prediction
from gmmem.estimators import advice
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
        return self._judged(X, sample_weight)

    def _judged(self, X, sample_weight, by=prediction.summary) -> criteria.FitSummary:
        """By the likelihood alone, `by` takes half of the time."""
        mixture, rows = self._checked_mixture(), self._rows(X, sample_weight)
        found = by(mixture, self.covariance_model_, rows)
        advice.of_criteria(rows)
        return replace(found, n_parameters=self.n_parameters_)

    def bic(self, X, sample_weight=None):
        """Bayesian information criterion (Schwarz 1978) of the model on X.

        ``-2 L + p log n``: what a fit of n rows has to pay for each of p free parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        bic : float
            In nats; the lower the better.

        See Also
        --------
        icl : Counts against components that overlap.
        gmmem.criteria.bic : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> two, three = (GaussianMixture(k, random_state=0).fit(X) for k in (2, 3))
        >>> bool(two.bic(X) < three.bic(X))
        True
        """
        return criteria.bic(self._judged(X, sample_weight, prediction.likelihood))

    def aic(self, X, sample_weight=None):
        """Akaike's information criterion (1974) of the model on X.

        ``-2 L + 2 p``: about twice the Kullback-Leibler distance to what made the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        aic : float
            In nats; the lower the better.

        See Also
        --------
        aicc : Corrected for few rows.
        gmmem.criteria.aic : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> round(model.aic(X), 1)
        2282.5
        """
        return criteria.aic(self._judged(X, sample_weight, prediction.likelihood))

    def aicc(self, X, sample_weight=None):
        """AIC of the model on X, corrected for few rows (Hurvich and Tsai 1989).

        ``AIC + 2 p (p + 1) / (n - p - 1)``; infinite unless n > p + 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        aicc : float
            In nats; the lower the better.

        See Also
        --------
        aic : Without the correction.
        gmmem.criteria.aicc : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> round(model.aicc(X) - model.aic(X), 2)
        1.02
        """
        return criteria.aicc(self._judged(X, sample_weight, prediction.likelihood))

    def caic(self, X, sample_weight=None):
        """Consistent AIC (Bozdogan 1987) of the model on X.

        ``-2 L + p (log n + 1)``: the BIC and one more for each parameter.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        caic : float
            In nats; the lower the better.

        See Also
        --------
        bic : The same less one a parameter.
        gmmem.criteria.caic : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> round(model.caic(X) - model.bic(X), 6), model.n_parameters_
        (11.0, 11)
        """
        return criteria.caic(self._judged(X, sample_weight, prediction.likelihood))

    def hqic(self, X, sample_weight=None):
        """Criterion of Hannan and Quinn (1979) of the model on X.

        ``-2 L + 2 p log log n``: the least penalty that is consistent; n counts as e at least.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        hqic : float
            In nats; the lower the better.

        See Also
        --------
        bic : A larger penalty.
        gmmem.criteria.hqic : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> bool(model.aic(X) < model.hqic(X) < model.bic(X))
        True
        """
        return criteria.hqic(self._judged(X, sample_weight, prediction.likelihood))

    def sabic(self, X, sample_weight=None):
        """Sample size adjusted BIC (Sclove 1987) of the model on X.

        ``-2 L + p log((n + 2) / 24)``: below AIC where n < 176.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        sabic : float
            In nats; the lower the better.

        See Also
        --------
        bic : Without the adjustment.
        gmmem.criteria.sabic : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> bool(model.aic(X) < model.sabic(X) < model.bic(X))
        True
        """
        return criteria.sabic(self._judged(X, sample_weight, prediction.likelihood))

    def icl(self, X, sample_weight=None):
        """Integrated completed likelihood of the model on X, by the MAP classification.

        ``BIC - 2 sum_i log max_k r_ik``, as mclust has it (with the other sign): a row between two
        components counts against them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        icl : float
            In nats; the lower the better.

        See Also
        --------
        icl_entropy : By all responsibilities.
        gmmem.criteria.icl : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixtureIC
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> search = GaussianMixtureIC(criterion="icl").fit(X)
        >>> search.n_components_
        2
        """
        return criteria.icl(self._judged(X, sample_weight))

    def icl_entropy(self, X, sample_weight=None):
        """Integrated completed likelihood of the model on X, by the entropy.

        ``BIC + 2 EN`` with ``EN = -sum_i sum_k r_ik log r_ik`` (Biernacki, Celeux and Govaert 2000,
        section 3).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        icl_entropy : float
            In nats; the lower the better.

        See Also
        --------
        icl : By the largest responsibility of each row.
        gmmem.criteria.icl_entropy : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> bool(model.icl_entropy(X) > model.icl(X) > model.bic(X))
        True
        """
        return criteria.icl_entropy(self._judged(X, sample_weight))

    def clc(self, X, sample_weight=None):
        """Classification likelihood criterion (Biernacki and Govaert 1997) of the model on X.

        ``-2 L + 2 EN``: nothing is paid for parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row: n is the sum of weights.

        Returns
        -------
        clc : float
            In nats; the lower the better.

        See Also
        --------
        icl_entropy : With a penalty for parameters.
        gmmem.criteria.clc : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> bool(model.clc(X) < model.icl_entropy(X))
        True
        """
        return criteria.clc(self._judged(X, sample_weight))

    def nec(self, X, sample_weight=None):
        """Normalised entropy criterion (Biernacki, Celeux and Govaert 1999) of the model on X.

        ``EN / (L_K - L_1)``: how much of what components gain in likelihood is paid for in
        uncertain rows.  One component of the same covariance model is fitted to X to compare
        with; it has 1 by convention.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        nec : float
            A ratio: the lower the better; infinite where K components are no more likely
            than one.

        Raises
        ------
        ValueError
            If one component cannot be fitted to X.

        See Also
        --------
        icl : Another criterion of how far components lie apart.
        gmmem.criteria.nec : The same from a `FitSummary`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> two, three = (GaussianMixture(k, random_state=0).fit(X) for k in (2, 3))
        >>> bool(two.nec(X) < three.nec(X))
        True
        """
        summary, rows = self._judged(X, sample_weight), self._rows(X, sample_weight)
        problem = Problem.of(rows, self.covariance_model_).regularised(self.reg_covar)
        one = em.one_component(problem)
        if one.best is None:
            told = advice.of_failure(one.failure, getattr(self, "feature_names_in_", None))
            raise ValueError(
                f"nec compares with one component, which cannot be fitted to X: {told} "
                f"Increase reg_covar (now {advice.number(self.reg_covar)}) or give more rows."
            )
        likelihood = prediction.log_likelihood(one.best.mixture, rows)
        return criteria.nec(replace(summary, log_likelihood_one=likelihood))
