"""What is done with a chunk where it lies, and how the parts are added; pure, and picklable."""

import copy
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gmmem.sources.base import FLOAT64, Pass, RowPass
from gmmem.sources.block import NO_COLUMNS, Workspace
from gmmem.sources.memory import InMemory
from gmmem.sources.threads import one_blas_thread


class Facts(NamedTuple):
    """What is known of a chunk once it has been looked at."""

    n_rows: int
    n_weighing: int
    """Rows of positive weight."""
    total_weight: float
    lightest: float
    """The least positive weight; infinity where there is none."""
    heaviest: float
    n_features: int
    dtype: np.dtype


class _Scratch(threading.local):
    """What a thread keeps from chunk to chunk.

    Where memory goes back to the system as soon as it is free, as in Dask's workers, a new one
    for each chunk costs a pass a quarter more.
    """

    def __init__(self):
        self.workspace = Workspace()


_SCRATCH = _Scratch()
MOST_KEPT = 2**25
"""Bytes."""


def fold_chunk(over: Pass, X, weight, columns: Mapping[str, Any] | None):
    """What a pass gives for a chunk; None where no row weighs anything."""
    X, weight = _arrays(X, weight)
    if not len(X) or (weight is not None and not weight.any()):
        return None
    rows = _by_this_thread(InMemory(X, n_threads=1).with_columns(**(columns or NO_COLUMNS)))
    rows.weight = weight
    with one_blas_thread():
        return rows.fold(over)


@dataclass(frozen=True, eq=False)
class Answers:
    """What `map` asks of each chunk."""

    over: RowPass
    shape: tuple[int, ...]
    dtype: Any


def answer_chunk(ask: Answers, X, weight=None, argument=None) -> np.ndarray:
    """Answers for every row of a chunk."""
    X, _ = _arrays(X, None)
    if not len(X):
        return np.empty((0, *ask.shape), ask.dtype)
    with one_blas_thread():
        return _by_this_thread(InMemory(X, n_threads=1)).map(ask.over, ask.shape, ask.dtype)


def look_at_chunk(shared, X, weight, argument) -> Facts:
    """Number, weights and kind of a chunk's rows."""
    X, weight = _arrays(X, weight)
    n, d = X.shape
    if weight is None:
        return Facts(n, n, float(n), 1.0, 1.0, d, X.dtype)
    positive = weight[weight > 0]
    least, most = (positive.min(), positive.max()) if len(positive) else (np.inf, 0.0)
    return Facts(n, len(positive), float(weight.sum()), float(least), float(most), d, X.dtype)


def take_from_chunk(shared, X, weight, places: np.ndarray) -> tuple[np.ndarray, None]:
    """Some rows of a chunk, by their places in it."""
    return _arrays(X, None)[0][places], None


def take_weighing(shared, X, weight, argument) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows of a chunk that weigh something, and what."""
    X, weight = _arrays(X, weight)
    return (X, None) if weight is None else (X[weight > 0], weight[weight > 0])


def take_by_weight(shared, X, weight, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows in whose share of the chunk's weight the points fall, and how many fall there."""
    X, weight = _arrays(X, weight)
    if not len(points):
        return X[:0], np.empty(0)
    places = np.searchsorted(np.cumsum(weight), points, side="right")
    # Rounding may leave the last points beyond the last sum.
    last = int(np.flatnonzero(weight)[-1])
    chosen, times = np.unique(np.minimum(places, last), return_counts=True)
    return X[chosen], times.astype(np.float64)


def combine_parts(over: Pass, parts: Iterable[Any]):
    """The sums over all parts, added pair by pair in a fixed order; None if all are None.

    Equal to the balanced tree over the parts in order, of which only a branch is held: as parts
    may come as they are ready, this also is how a stream is summed.
    """
    branch: list[tuple[int, Any]] = []
    for part in parts:
        size = 1
        while branch and branch[-1][0] == size:
            part, size = _combined(over, branch.pop()[1], part), 2 * size
        branch.append((size, part))
    total = None
    while branch:
        total = _combined(over, branch.pop()[1], total)
    return total


def _combined(over: Pass, total, part):
    if total is None or part is None:
        return part if total is None else total
    # A part may be somebody's result still: it is not to be added to in place.
    return over.combine(copy.deepcopy(total), part)


def _by_this_thread(rows: InMemory) -> InMemory:
    """Rows of a chunk, with the scratch memory that the thread keeps."""
    if _SCRATCH.workspace.nbytes > MOST_KEPT:
        _SCRATCH.workspace = Workspace()
    _SCRATCH.workspace.content = None  # That was of the chunk before.
    rows.scratch = _SCRATCH
    return rows


def _arrays(X, weight) -> tuple[np.ndarray, np.ndarray | None]:
    """A chunk's rows and weights, read or made where they are asked for, and checked."""
    X = np.asarray(X() if callable(X) else X)
    if X.ndim != 2:
        raise ValueError(f"A chunk must have rows and columns; its shape is {X.shape}.")
    if X.dtype.kind not in "biufO":
        raise ValueError(f"X must hold real numbers; the dtype of a chunk is {X.dtype}.")
    X = X if X.dtype == np.float32 else X.astype(FLOAT64, copy=False)
    if weight is None:
        return X, None
    weight = np.asarray(weight() if callable(weight) else weight, dtype=FLOAT64)
    if weight.shape != (len(X),):
        raise ValueError(
            f"sample_weight of a chunk must have the shape ({len(X)},), not {weight.shape}."
        )
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("sample_weight must be finite and at least 0.")
    return X, weight
