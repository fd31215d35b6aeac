"""Whether covariances are what their model says: from the public attributes alone."""

from collections.abc import Iterator
from typing import Any

import numpy as np

LETTERS = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII", "E": "EII", "V": "VII"}


def matrices(model: Any, name: str) -> np.ndarray:
    """An attribute as one matrix a component, (K, d, d)."""
    K, d = model.means_.shape
    array = np.asarray(getattr(model, name), dtype=np.float64)
    if array.ndim == 3:
        return array
    if array.ndim == 1:
        return array[:, None, None] * np.eye(d)
    if name_of(model) == "tied":
        return np.repeat(array[None], K, axis=0)
    return array[:, :, None] * np.eye(d)


def name_of(model: Any) -> str:
    """The name of the covariance model that was fitted."""
    return getattr(model, "covariance_type_", getattr(model, "covariance_type", ""))


def letters_of(model: Any) -> str:
    """Volume, shape and orientation of the covariance model that was fitted."""
    return LETTERS.get(name_of(model), name_of(model))


def structure_faults(model: Any) -> Iterator[tuple[str, str]]:
    """Laws that the covariances break, and by how much."""
    S, P = matrices(model, "covariances_"), matrices(model, "precisions_")
    if not np.array_equal(S, S.transpose(0, 2, 1)):
        yield "covariances are symmetric", str(np.abs(S - S.transpose(0, 2, 1)).max())
    # A matrix is held to rounding times its condition, in units of its own deviations.
    variance = np.diagonal(S, axis1=1, axis2=2)
    if not (variance > 0).all():
        yield "variances are positive", str(variance)
        return
    deviation = np.sqrt(variance)
    scaled = S / deviation[:, :, None] / deviation[:, None, :]
    values = np.linalg.eigvalsh(scaled)
    eps = np.finfo(np.asarray(model.covariances_).dtype).eps
    if (values[:, 0] <= -8 * S.shape[1] * eps).any():
        yield "covariances are positive definite", str(values)
        return
    if (values[:, 0] <= 64 * S.shape[1] * eps).any():
        return  # Too flat for the digits of the attributes to be compared.
    unit = 64 * S.shape[1] * eps * values[:, -1] / values[:, 0]
    inverse = np.einsum("kij,kjl->kil", scaled, P * deviation[:, :, None] * deviation[:, None, :])
    wrong = np.abs(inverse - np.eye(S.shape[1])).max(axis=(1, 2))
    if (wrong > np.maximum(unit, 1e-9)).any():
        yield "precisions are inverse to covariances", f"by {wrong}, allowed {unit}"
    yield from letter_faults(S, letters_of(model), eps)


def letter_faults(S: np.ndarray, letters: str, eps: float) -> Iterator[tuple[str, str]]:
    """Volume, shape and orientation: the same in all (E), or none (I)."""
    S = S / np.abs(S).max()
    values = np.linalg.eigvalsh(S)
    condition = values[:, -1] / np.maximum(values[:, 0], eps * np.finfo(float).eps)
    tolerance = 1e-6 + 1e3 * eps * condition.max()
    if tolerance > 0.1:
        return  # Eigenvalues of a dense matrix have no digits left to compare.
    volume, shape, orientation = letters
    logs = np.log(values)
    log_volume = logs.mean(axis=1)
    logs = logs - log_volume[:, None]
    if volume == "E" and np.ptp(log_volume) > tolerance:
        yield f"{letters}: equal volumes", f"logs {log_volume}"
    if shape == "E" and np.ptp(logs, axis=0).max() > tolerance:
        yield f"{letters}: equal shapes", f"logs {logs.tolist()}"
    if shape == "I" and np.abs(logs).max() > tolerance:
        yield f"{letters}: spheres", f"logs {logs.tolist()}"
    unit = S / np.exp(log_volume)[:, None, None]
    size = np.abs(unit).max()
    off = np.abs(unit * (1 - np.eye(S.shape[1]))).max(initial=0)
    if orientation == "I" and off > tolerance * size:
        yield f"{letters}: axes along the features", str(off)
    if orientation == "E":
        products = unit[:1] @ unit
        swapped = np.abs(products - products.transpose(0, 2, 1)).max()
        if swapped > tolerance * size**2:
            yield f"{letters}: axes in common", str(swapped)
