"""gmmem: Gaussian mixtures by EM, with scikit-learn's interface."""

from importlib import import_module
from pkgutil import iter_modules

from gmmem import em
from gmmem._version import __version__
from gmmem.estimators import (
    BayesianGaussianMixture,
    GaussianMixture,
    GaussianMixtureIC,
    GaussianMixtureImputer,
    GaussianMixtureRegressor,
)
from gmmem.mixture import Mixture

__all__ = [
    "BayesianGaussianMixture",
    "GaussianMixture",
    "GaussianMixtureIC",
    "GaussianMixtureImputer",
    "GaussianMixtureRegressor",
    "Mixture",
    "__version__",
    "em",
]


def __getattr__(name: str):
    """A module of the package, imported when it is first asked for."""
    if not name.startswith("_") and name in _modules():
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_modules()})


def _modules() -> set[str]:
    return {module.name for module in iter_modules(__path__) if not module.name.startswith("_")}
