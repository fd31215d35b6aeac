"""gmmem: Gaussian mixtures by EM, with scikit-learn's interface."""

from gmmem import em
from gmmem._version import __version__
from gmmem.estimators import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC
from gmmem.mixture import Mixture

__all__ = [
    "BayesianGaussianMixture",
    "GaussianMixture",
    "GaussianMixtureIC",
    "Mixture",
    "__version__",
    "em",
]
