"""The tasks: the only home of scikit-learn's estimator API."""

from gmmem.estimators.gaussian_mixture import GaussianMixture
from gmmem.estimators.gaussian_mixture_ic import GaussianMixtureIC

__all__ = ["GaussianMixture", "GaussianMixtureIC"]
