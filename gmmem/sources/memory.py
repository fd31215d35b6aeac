"""Rows in an array (in memory or memory-mapped), summed by threads over blocks.

The blocks and the order in which their sums are added depend on the data's
shape alone, so the result is the same to the last bit for any number of threads.
"""

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from gmmem.contracts import fulfils
from gmmem.sources.base import Block, Pass, RowPass, Rows, Workspace, block_size
from gmmem.sources.block import NO_COLUMNS, Kept
from gmmem.sources.threads import Threads

# Sums of weights that leave room for responsibilities and squares in float64.
LEAST_WEIGHT, MOST_WEIGHT = 1e-100, 1e100

# Weights of a row that leave that room in float32.
LIGHTEST, HEAVIEST = 1e-10, 1e10

# Bytes of rows that are copied to have them in another order, which is faster than to gather
# them in every pass.
MOST_COPIED = 2**25

# Bytes of rows of which a copy is kept, about their centre and feature by feature.
MOST_KEPT = 40_000_000

# Fewer, larger tasks cost less, but there must be enough of them for many threads, and for two,
# four or eight as many.
MOST_BLOCKS_A_TASK, SHARED_BY = 4, 8


@fulfils(Rows)
class InMemory:
    """Rows of an array.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64 or float32
        The rows; other numbers are copied to float64.
    sample_weight : ndarray of shape (n_samples,), default=None
        A weight of w means w copies of the row.
    n_threads : int, default=None
        None is what OMP_NUM_THREADS, threadpoolctl or a joblib worker allow.  The result is
        the same for any number.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import InMemory
    >>> rows = InMemory(load_old_faithful(), n_threads=2)
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> em.fit(start, rows).mixture.weights.round(2)
    array([0.36, 0.64])
    """

    def __init__(self, X, sample_weight=None, n_threads: int | None = None):
        X = np.asarray(X)
        if X.dtype.kind not in "biufO":
            raise ValueError(f"X must hold real numbers; its dtype is {X.dtype}.")
        self.X = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
        if self.X.ndim != 2 or 0 in self.X.shape:
            raise ValueError(f"X must have rows and columns; its shape is {X.shape}.")
        self.weight = None if sample_weight is None else check_weights(sample_weight, len(X))
        self.columns: Mapping[str, Any] = NO_COLUMNS
        self.order: np.ndarray | None = None
        self.executor = Threads(n_threads)
        self.scratch = threading.local()

    def __reduce__(self):
        return _build, (self.X, self.weight, self.executor, self.columns, self.order)

    @property
    def n_rows(self) -> int:
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        return self.X.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return self.X.dtype

    @cached_property
    def arithmetic(self) -> np.dtype:
        """What the rows allow to be computed in: float32 has no room for extreme weights."""
        return np.dtype(np.float64) if are_extreme(self.weight) else self.dtype

    @cached_property
    def total_weight(self) -> float:
        """Sum of the row weights: the number of rows that they stand for."""
        return float(self.n_rows if self.weight is None else self.weight.sum())

    @cached_property
    def _kept(self) -> Kept | None:
        return Kept(self.n_rows, self.n_features) if self.X.nbytes <= MOST_KEPT else None

    @cached_property
    def _some_weigh_nothing(self) -> bool:
        return self.weight is not None and not self.weight.all()

    def arranged(self, order: np.ndarray) -> "InMemory":
        """Rows of these places, in this order, for `fold`.

        A copy where it is small; else `map` still answers for every row as it lies.

        Parameters
        ----------
        order : ndarray of shape (m,)
            Places of rows that weigh something.

        Returns
        -------
        rows : InMemory
            That `fold` reads in this order.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import InMemory
        >>> InMemory(np.arange(6).reshape(3, 2)).arranged(np.array([2, 0])).n_rows
        2
        """
        if self.X.nbytes <= MOST_COPIED:
            weight = None if self.weight is None else self.weight[order]
            columns = {name: column[order] for name, column in self.columns.items()}
            return _build(self.X[order], weight, self.executor, columns, None)
        return _build(self.X, self.weight, self.executor, self.columns, order)

    def with_columns(self, **aligned: Any) -> "InMemory":
        for name, column in aligned.items():
            if len(column) != self.n_rows:
                raise ValueError(f"{name} has {len(column)} rows, but X has {self.n_rows}.")
        columns = {**self.columns, **aligned}
        return _build(self.X, self.weight, self.executor, columns, self.order)

    def sample(self, size: int, rng: np.random.RandomState) -> "InMemory":
        if self.weight is None:
            if self.n_rows <= size:
                return self
            chosen = np.sort(rng.choice(self.n_rows, size=size, replace=False))
            return InMemory(self.X[chosen], None, self.executor.number)
        if np.count_nonzero(self.weight) <= size:
            return self
        points = np.sort(rng.uniform(0, self.total_weight, size=size))
        places = np.searchsorted(np.cumsum(self.weight), points, side="right")
        # Rounding may leave the last points beyond the last sum.
        last = int(np.flatnonzero(self.weight)[-1])
        chosen, times = np.unique(np.minimum(places, last), return_counts=True)
        return InMemory(self.X[chosen], times, self.executor.number)

    def working(self) -> AbstractContextManager:
        return self.executor

    def fold(self, over: Pass) -> tuple[Any, ...]:
        n = self.n_rows if self.order is None else len(self.order)
        size = block_size(n, over.row_bytes)
        if size >= n:
            return self._run(over, 0, n, size)
        ends = [min(size * block, n) for block in _shared(-(-n // size))]

        def run(rows: tuple[int, int]):
            return self._run(over, *rows, size)

        total = None
        with self.executor:
            for part in self.executor.map(run, pairwise(ends)):
                total = _combined(over, total, part)
        return total

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        out = np.empty((self.n_rows, *shape), dtype)
        size = block_size(self.n_rows, over.row_bytes)

        def run(first: int) -> None:
            last = min(first + size, self.n_rows)
            over(Block(first, self.X[first:last]), self._workspace(), out[first:last])

        if size >= self.n_rows:
            run(0)
            return out
        with self.executor:
            for _ in self.executor.map(run, range(0, self.n_rows, size)):
                pass
        return out

    def _workspace(self) -> Workspace:
        workspace = getattr(self.scratch, "workspace", None)
        if workspace is None:
            workspace = self.scratch.workspace = Workspace()
        return workspace

    def _block(self, first: int, last: int, workspace: Workspace) -> Block | None:
        """Those of the rows that weigh something; None if there are none."""
        if self.order is not None:
            return self._gathered(first, last, workspace)
        rows = slice(first, last)
        weight = None if self.weight is None else self.weight[rows]
        columns = {name: column[rows] for name, column in self.columns.items()}
        # What a lone block is made into stays in the workspace.
        kept = self._kept if last - first < self.n_rows else None
        block = Block(first, self.X[rows], weight, columns, kept)
        if not self._some_weigh_nothing or weight.all():
            return block
        some = np.flatnonzero(weight)
        return block.taken(some) if len(some) else None

    def _gathered(self, first: int, last: int, workspace: Workspace) -> Block:
        """Rows in another order, in scratch memory."""
        rows = self.order[first:last]
        out = workspace.take("gathered", (len(rows), self.n_features), self.X.dtype)
        # In this mode nothing is copied twice.
        X = np.take(self.X, rows, axis=0, out=out, mode="clip")
        weight = None if self.weight is None else self.weight[rows]
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Block(first, X, weight, columns)

    def _run(self, over: Pass, start: int, stop: int, size: int) -> tuple[Any, ...] | None:
        workspace, total = self._workspace(), None
        for first in range(start, stop, size):
            block = self._block(first, min(first + size, stop), workspace)
            if block is not None:
                total = _combined(over, total, over(block, workspace))
        return total


def _build(X, weight, executor: Threads, columns, order) -> InMemory:
    """Rows that were checked before; threads are shared where they stay in the process."""
    rows = InMemory.__new__(InMemory)
    rows.X, rows.weight, rows.executor, rows.columns = X, weight, executor, columns
    rows.order = order
    rows.scratch = threading.local()
    return rows


def _shared(n_blocks: int) -> list[int]:
    """Where tasks of almost as many blocks begin and end."""
    n_tasks = n_blocks
    if n_blocks > 2 * SHARED_BY:
        n_tasks = SHARED_BY * -(-n_blocks // (SHARED_BY * MOST_BLOCKS_A_TASK))
    return [-(-n_blocks * task // n_tasks) for task in range(n_tasks + 1)]


def _combined(over: Pass, total, part):
    if total is None or part is None:
        return part if total is None else total
    return over.combine(total, part)


def are_extreme(weight: np.ndarray | None) -> bool:
    """Whether some weights, but for zeros, are too small or too large for float32."""
    if weight is None:
        return False
    positive = weight[weight > 0]
    return bool(positive.min() < LIGHTEST or positive.max() > HEAVIEST)


def check_weights(sample_weight, n_rows: int) -> np.ndarray:
    """Row weights as float64: finite, none negative, and of a moderate sum."""
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n_rows,):
        raise ValueError(f"sample_weight must have the shape ({n_rows},), not {weight.shape}.")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("sample_weight must be finite and at least 0.")
    if not LEAST_WEIGHT < weight.sum() < MOST_WEIGHT:
        raise ValueError(
            f"sample_weight sums to {weight.sum():g}; it must lie between {LEAST_WEIGHT:g} and "
            f"{MOST_WEIGHT:g}: rescale it."
        )
    return weight
