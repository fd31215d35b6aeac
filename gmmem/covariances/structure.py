"""Whether given covariances have the structure of a model, for every model alike.

Covariances S_k that have it are what the model estimates from themselves: each term of

    sum_k log |C_k| + tr(S_k inv(C_k))

is least at C_k = S_k alone.  What a model estimates has its structure, so the converse holds.
"""

import numpy as np

from gmmem.covariances.base import CovarianceModel, checked_estimate
from gmmem.covariances.storage import DegenerateCovariance
from gmmem.forms import SQUARE

# How far off a structure is rounding, in units in which all columns are equally wide.
STRUCTURE_TOL = 1e-5


def structure_error(
    model: CovarianceModel, stored: np.ndarray, n_features: int, tol: float = STRUCTURE_TOL
) -> str | None:
    """What given covariances lack to be a model's, as a sentence; None if nothing.

    Parameters
    ----------
    model : CovarianceModel
    stored : ndarray of shape (S, ...)
        Positive definite covariances as the model's storage holds them.
    n_features : int
    tol : float, default=1e-5
        Allowed difference, relative to the standard deviations of the two columns.

    Returns
    -------
    error : str or None

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import get_model
    >>> from gmmem.covariances.structure import structure_error
    >>> two = np.array([[1.0, 4.0], [2.0, 8.0]])
    >>> structure_error(get_model("VEI"), two, n_features=2)
    >>> structure_error(get_model("EVI"), two, n_features=2)
    'covariances are not as the model EVI ties them: that of component 0 is 50 % off'
    """
    skewed = asymmetry(stored)
    if skewed.max() > tol:
        return f"covariances are not symmetric: that of component {skewed.argmax()}"
    mass = np.ones(len(stored))
    # One variance for all directions comes of a trace.
    scatter = n_features * stored if stored.ndim == 1 else stored
    try:
        expected = checked_estimate(model, scatter, mass, n_features, stored).covariances
    except DegenerateCovariance as error:
        return f"covariances are not those of the model {model.name}: {error}"
    off = _difference(expected, stored)
    if off.max() <= tol:
        return None
    component = int(off.argmax())
    return (
        f"covariances are not as the model {model.name} ties them: that of component "
        f"{component} is {100 * off[component]:.3g} % off"
    )


def is_skewed(stored: np.ndarray) -> bool:
    """Whether matrices are not symmetric, by more than rounding."""
    return bool(asymmetry(stored).max() > STRUCTURE_TOL)


def asymmetry(stored: np.ndarray) -> np.ndarray:
    """How far covariances are from symmetric, relative to the columns' widths, (S,).

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances.structure import asymmetry
    >>> asymmetry(np.array([[[1e-10, 5e-11], [-5e-11, 1e-10]]]))
    array([1.])
    """
    if stored.ndim < 3:
        return np.zeros(len(stored))
    return _difference(stored, stored.transpose(0, 2, 1))


def _difference(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Largest difference in units in which all columns are equally wide, (S,)."""
    width = np.sqrt(np.abs(those if those.ndim < 3 else SQUARE.of(those)))
    width = np.maximum(width, np.finfo(np.float64).tiny)
    off = np.abs(these - those)
    if those.ndim == 3:
        off = off / width[:, :, None] / width[:, None, :]
    else:
        off = off / width / width
    return off.reshape(len(off), -1).max(axis=1)
