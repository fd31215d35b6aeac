"""How covariances look (storage) and how they are tied (models)."""

from gmmem.covariances.base import CovarianceModel
from gmmem.covariances.diagonal import EEI, EVI, VEI, VVI, Diagonal
from gmmem.covariances.ellipsoidal import EEE, EEV, EVE, EVV, VEE, VEV, VVE, VVV
from gmmem.covariances.full import Full
from gmmem.covariances.spherical import EII, VII, E, Spherical, V
from gmmem.covariances.storage import Decomposition, DegenerateCovariance, Estimate, Storage

_FAMILY = (EII, VII, EEI, VEI, EVI, VVI, EEE, VEE, EVE, VVE, EEV, VEV, EVV, VVV)

# mclust's fourteen, in its order: names of volume, shape and orientation.
FOURTEEN: dict[str, CovarianceModel] = {model.name: model() for model in _FAMILY}

MODELS: dict[str, CovarianceModel] = {
    "full": VVV(),
    "tied": EEE(compact=True),
    "diag": VVI(),
    "spherical": VII(),
    **FOURTEEN,
    "E": E(),
    "V": V(),
}

__all__ = [
    "EEE",
    "EEI",
    "EEV",
    "EII",
    "EVE",
    "EVI",
    "EVV",
    "FOURTEEN",
    "MODELS",
    "VEE",
    "VEI",
    "VEV",
    "VII",
    "VVE",
    "VVI",
    "VVV",
    "CovarianceModel",
    "Decomposition",
    "DegenerateCovariance",
    "Diagonal",
    "E",
    "Estimate",
    "Full",
    "Spherical",
    "Storage",
    "V",
    "free_model",
    "get_model",
]


def get_model(covariance_type: "str | CovarianceModel") -> CovarianceModel:
    """The model of a name; a model is returned as it is.

    Parameters
    ----------
    covariance_type : str or CovarianceModel
        A name in `MODELS`, or an instance.

    Returns
    -------
    model : CovarianceModel
        With every member that the engine asks for.

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
    if isinstance(covariance_type, type):
        raise ValueError(
            f"covariance_type={covariance_type.__name__} is a class; pass an instance: "
            f"{covariance_type.__name__}()."
        )
    if hasattr(covariance_type, "estimate"):
        return _checked(covariance_type)
    if isinstance(covariance_type, str) and covariance_type in MODELS:
        return MODELS[covariance_type]
    raise ValueError(
        f"covariance_type={covariance_type!r} is neither a covariance model nor one of "
        f"{', '.join(MODELS)}."
    )


def free_model(storage: Storage, n_components: int) -> CovarianceModel:
    """The model that ties nothing but what a storage shares.

    Parameters
    ----------
    storage : Storage
        Covariances of components, or one for all.
    n_components : int
        How many components they are for.

    Returns
    -------
    model : CovarianceModel
        The one of that storage with the most free parameters.

    Raises
    ------
    ValueError
        If no model in the registry is for that storage.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import Diagonal, free_model
    >>> storage = Diagonal.from_covariances(np.ones((3, 2)), 2)
    >>> free_model(storage, n_components=3).name
    'VVI'
    """
    shared = storage.shared and n_components > 1
    fitting = [
        model
        for model in MODELS.values()
        if model.storage is type(storage) and model.shared == shared and not model.compact
    ]
    if not fitting:
        raise ValueError(f"No model is known for covariances of the kind {type(storage).__name__}.")
    return max(fitting, key=lambda model: model.n_parameters(2, 3))


MEMBERS = (
    "name",
    "storage",
    "shared",
    "aligned",
    "closed_form",
    "compact",
    "n_parameters",
)


def _checked(model: CovarianceModel) -> CovarianceModel:
    """A user's model, if it has what a model has."""
    missing = [member for member in MEMBERS if not hasattr(model, member)]
    if missing:
        raise ValueError(
            f"covariance_type={model!r} lacks {', '.join(missing)}: derive its class from "
            "gmmem.covariances.CovarianceModel, which has defaults for most."
        )
    if model.compact and not model.shared:
        raise ValueError(
            f"covariance_type={model!r} is compact but not shared: only one covariance for "
            "all components can be shown as one."
        )
    return model
