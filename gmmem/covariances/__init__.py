"""How covariances look (storage) and how they are tied (models)."""

from gmmem.covariances.base import CovarianceModel, DegenerateCovariance, Storage
from gmmem.covariances.diagonal import VVI, Diagonal
from gmmem.covariances.full import EEE, VVV, Full
from gmmem.covariances.spherical import VII, Spherical

MODELS: dict[str, CovarianceModel] = {
    "full": VVV(),
    "tied": EEE(compact=True),
    "diag": VVI(),
    "spherical": VII(),
    "VVV": VVV(),
    "EEE": EEE(),
    "VVI": VVI(),
    "VII": VII(),
}

__all__ = [
    "EEE",
    "MODELS",
    "VII",
    "VVI",
    "VVV",
    "CovarianceModel",
    "DegenerateCovariance",
    "Diagonal",
    "Full",
    "Spherical",
    "Storage",
    "get_model",
]


def get_model(covariance_type: "str | CovarianceModel") -> CovarianceModel:
    """The model of a name; a model is returned as it is.

    Raises
    ------
    ValueError
        If it is neither a name in the registry nor a model.

    Examples
    --------
    >>> from gmmem.covariances import get_model
    >>> get_model("tied").n_parameters(n_components=3, n_features=2)
    3
    """
    if hasattr(covariance_type, "estimate") and hasattr(covariance_type, "storage"):
        return covariance_type
    if isinstance(covariance_type, str) and covariance_type in MODELS:
        return MODELS[covariance_type]
    raise ValueError(
        f"covariance_type={covariance_type!r} is neither a covariance model nor one of "
        f"{', '.join(MODELS)}."
    )
