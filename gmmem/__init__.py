"""gmmem: Gaussian mixtures by EM, with scikit-learn's interface."""

from gmmem import em
from gmmem._version import __version__
from gmmem.estimators import GaussianMixture
from gmmem.mixture import Mixture

__all__ = ["GaussianMixture", "Mixture", "__version__", "em"]
