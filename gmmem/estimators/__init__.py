"""The tasks: the only home of scikit-learn's estimator API."""

from gmmem.estimators.gaussian_mixture import GaussianMixture

__all__ = ["GaussianMixture"]
