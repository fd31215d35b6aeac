"""Two priors at once: scikit-learn's regularisation under another one."""

from dataclasses import dataclass

from gmmem.priors.base import Prior


@dataclass(frozen=True, eq=False)
class Together(Prior):
    """A ridge on what comes from the rows, then a prior.

    Parameters
    ----------
    ridge : Ridge or FeatureRidge
        Counts for each row.
    prior : Prior
        Counts once.

    Examples
    --------
    >>> from gmmem.priors import NO_PRIOR, Ridge, Together
    >>> Together(Ridge(1e-6), NO_PRIOR).keeps_regular
    True
    """

    ridge: Prior
    prior: Prior

    @property
    def mean_rows(self):
        return self.prior.mean_rows

    @property
    def keeps_regular(self):
        return self.ridge.keeps_regular or self.prior.keeps_regular

    @property
    def floor(self):
        return self.ridge.floor

    def add(self, scatters):
        return self.prior.add(self.ridge.add(scatters))

    def weights(self, mass):
        return self.prior.weights(mass)

    def estimate(self, model, scatters, previous):
        return self.prior.estimate(model, scatters, previous)

    def penalty(self, mixture):
        return self.prior.penalty(mixture)

    def for_any(self, n_components):
        return Together(self.ridge, self.prior.for_any(n_components))

    def n_held(self, model, n_features):
        return self.prior.n_held(model, n_features)
