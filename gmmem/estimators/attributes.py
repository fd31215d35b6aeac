"""Between fitted attributes and the engine: the attributes are the model.

A prediction is computed from them, so what a user reads, pickles or sets is what counts.
What is computed from them once more and again is remembered beside the estimator, not in it,
and only as long as they stay what they are.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from gmmem.covariances import CovarianceModel, DegenerateCovariance
from gmmem.covariances.base import from_public, public_shape, to_public
from gmmem.mixture import Mixture
from gmmem.scoring import Scorer

# Models of up to so many numbers are remembered: to look up larger ones saves nothing.
MOST_REMEMBERED = 200_000


class _Memory(NamedTuple):
    key: tuple
    scorer: Scorer


_memories: WeakKeyDictionary[Any, _Memory] = WeakKeyDictionary()


def to_attributes(mixture: Mixture, model: CovarianceModel, dtype: np.dtype) -> dict[str, Any]:
    """A density as fitted attributes, in the dtype of the data."""
    storage = mixture.covariances

    def public(stored):
        return _in_dtype(to_public(model, stored, mixture.n_components), dtype)

    return {
        "_fitted_model": model,
        "weights_": mixture.weights.astype(dtype),
        "means_": mixture.means.astype(dtype),
        "covariances_": public(storage.covariances),
        "precisions_": public(storage.precisions),
        "precisions_cholesky_": public(storage.factors),
    }


def _in_dtype(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """In the dtype of the data, unless that is too narrow to hold the values."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore", under="ignore"):
        narrow = array.astype(dtype)
    held = np.isfinite(narrow).all() and np.abs(narrow).max() > np.finfo(dtype).tiny
    return narrow if held else array


def as_mixture(estimator: Any) -> Mixture:
    """The density that an estimator's attributes describe.

    Raises
    ------
    ValueError
        If an attribute is missing, or they do not fit together.
    """
    check_there(estimator, NEEDED)
    means, factors = means_and(estimator, "precisions_cholesky_")
    storage = estimator.covariance_model_.storage.from_factors(factors, means.shape[1])
    return Mixture(np.asarray(estimator.weights_, dtype=np.float64), means, storage)


def check_there(estimator: Any, names: Sequence[str]) -> None:
    """An estimator has these attributes.

    Raises
    ------
    ValueError
        If it lacks some.
    """
    missing = [name for name in names if not hasattr(estimator, name)]
    if missing:
        raise ValueError(
            f"{type(estimator).__name__} has no {', '.join(missing)}. To make a model of known "
            f"parameters, use {type(estimator).__name__}.from_parameters."
            if hasattr(estimator, "from_parameters")
            else f"{type(estimator).__name__} has no {', '.join(missing)}; fit it first."
        )


def as_drawn_from(estimator: Any) -> Mixture:
    """The same by `covariances_`, where they are there and regular.

    Raises
    ------
    ValueError
        If an attribute is missing, or they do not fit together.
    """
    if any(getattr(estimator, name, None) is None for name in ("weights_", *DRAWN_BY)):
        return as_mixture(estimator)
    means, stored = means_and(estimator, "covariances_")
    try:
        storage = estimator.covariance_model_.storage.from_covariances(stored, means.shape[1])
    except DegenerateCovariance:
        return as_mixture(estimator)  # Rounded to float32; the factors still are regular.
    return Mixture(np.asarray(estimator.weights_, dtype=np.float64), means, storage)


def means_and(estimator: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Means, and covariances or factors as they are stored: of shapes that fit together."""
    model = estimator.covariance_model_
    means = np.asarray(estimator.means_, dtype=np.float64)
    d = getattr(estimator, "n_features_in_", None)
    if means.ndim != 2 or d not in (None, means.shape[1]):
        called = "n_features" if d is None else d
        raise ValueError(f"means_ must have the shape (n_components, {called}), not {means.shape}.")
    shape = public_shape(model, *means.shape)
    array = np.asarray(getattr(estimator, name), dtype=np.float64)
    if array.shape != shape:
        raise ValueError(
            f"{name} must have the shape {shape} for means_ of the shape {means.shape} and "
            f"covariance_type={model.name!r}, not {array.shape}."
        )
    return means, from_public(model, array)


NEEDED = ("weights_", "means_", "precisions_cholesky_")
DRAWN_BY = ("means_", "covariances_")


def remembered_scorer(estimator: Any, dtype: np.dtype) -> Scorer:
    """What scores rows by an estimator's attributes, made anew where they have changed."""
    arrays = [np.asarray(getattr(estimator, name, ())) for name in estimator._scored_by]
    if sum(array.size for array in arrays) > MOST_REMEMBERED:
        return Scorer.of(estimator._components(), dtype)
    contents = [part for array in arrays for part in (array.shape, array.dtype, array.tobytes())]
    key = (estimator.covariance_model_, np.dtype(dtype), *contents)
    memory = _memories.get(estimator)
    if memory is None or memory.key != key:
        scorer = Scorer.of(estimator._components(), dtype)
        memory = _memories[estimator] = _Memory(key, scorer)
    return memory.scorer
