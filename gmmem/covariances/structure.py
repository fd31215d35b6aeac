"""Whether covariances that somebody gives are what their model says they are."""

import numpy as np

from gmmem.covariances.base import CovarianceModel, Lettered
from gmmem.covariances.orientation import common_axes

# How far from the constraint, relatively: they may have been kept in float32, or printed.
CLOSE = 1e-5


def is_symmetric(stored: np.ndarray) -> bool:
    """Whether matrices (S, d, d) are symmetric, at whatever scale.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances.structure import is_symmetric
    >>> is_symmetric(np.array([[[1e-10, 5e-11], [-5e-11, 1e-10]]]))
    False
    """
    if stored.ndim < 3:
        return True
    size = np.sqrt(np.abs(np.diagonal(stored, axis1=1, axis2=2)))
    gap = np.abs(stored - stored.transpose(0, 2, 1))
    return bool((gap <= CLOSE * size[:, :, None] * size[:, None, :]).all())


def structure_error(model: CovarianceModel, stored: np.ndarray) -> str | None:
    """What covariances break of a model's structure, as the end of a sentence.

    Parameters
    ----------
    model : CovarianceModel
        Only those of mclust's family say what their structure is.
    stored : ndarray of shape (S, ...)
        Positive definite, in the shape of the model's storage.

    Returns
    -------
    error : str or None
        None where nothing is broken.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import get_model
    >>> from gmmem.covariances.structure import structure_error
    >>> structure_error(get_model("EVI"), np.array([[1.0, 4.0], [2.0, 8.0]]))
    'must have the same volume for all components'
    >>> structure_error(get_model("VEI"), np.array([[1.0, 4.0], [2.0, 8.0]])) is None
    True
    """
    if not isinstance(model, Lettered) or len(stored) == 1:
        return None
    volume_letter, shape_letter, orientation_letter = model.letters
    # Moderate numbers: determinants are to fit.
    stored = stored / np.abs(stored).reshape(len(stored), -1).max()
    volume, unit = _volumes(stored), None
    if volume_letter == "E" and not np.allclose(volume, volume[0], rtol=CLOSE, atol=0):
        return "must have the same volume for all components"
    if stored.ndim == 1:
        return None
    unit = stored / volume.reshape(-1, *[1] * (stored.ndim - 1))
    if orientation_letter == "E" and not _share_axes(unit):
        return "must have the same principal axes for all components"
    if shape_letter == "E":
        shapes = np.linalg.eigvalsh(unit) if orientation_letter == "V" else unit
        if not np.allclose(shapes, shapes[0], rtol=CLOSE, atol=CLOSE * np.abs(shapes[0]).min()):
            return "must have the same shape for all components"
    return None


def _volumes(stored: np.ndarray) -> np.ndarray:
    """``|A_k| ** (1 / d)``, (S,)."""
    if stored.ndim == 1:
        return stored
    if stored.ndim == 2:
        return np.exp(np.log(stored).mean(axis=1))
    return np.exp(np.linalg.slogdet(stored)[1] / stored.shape[-1])


def _share_axes(matrices: np.ndarray) -> bool:
    """Whether all matrices are diagonal in the same axes."""
    axes = common_axes(matrices)
    turned = axes.T @ matrices @ axes
    size = np.sqrt(np.abs(np.diagonal(turned, axis1=1, axis2=2)))
    cosine = np.abs(turned) / (size[:, :, None] * size[:, None, :])
    return bool((cosine * (1 - np.eye(len(axes))) <= np.sqrt(CLOSE)).all())
