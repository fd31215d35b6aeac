"""gmmem: Gaussian mixtures by EM, with scikit-learn's interface."""

from gmmem import em
from gmmem.estimators import GaussianMixture
from gmmem.mixture import Mixture

__version__ = "0.1.0.dev0"

__all__ = ["GaussianMixture", "Mixture", "em"]
