"""Rows in an array (in memory or memory-mapped), summed by threads over blocks.

The blocks and the order in which their sums are added depend on the data's
shape alone, so the result is the same to the last bit for any number of threads.
"""

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import numpy as np

from gmmem.sources.base import NO_COLUMNS, Block, Pass, RowPass, Workspace, block_size
from gmmem.sources.threads import Threads

# Sums of weights that leave room for responsibilities and squares in float64.
LEAST_WEIGHT, MOST_WEIGHT = 1e-100, 1e100

# Weights of a row that leave that room in float32.
LIGHTEST, HEAVIEST = 1e-10, 1e10

# Bytes of rows that are copied to have them in another order, which is faster than to gather
# them in every pass.
MOST_COPIED = 2**25

# Fewer, larger tasks cost less, but there must be enough of them for many threads.
MOST_BLOCKS_A_TASK, FEWEST_TASKS = 4, 8


class InMemory:
    """Rows of an array.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64 or float32
    sample_weight : ndarray of shape (n_samples,), optional
        A weight of w means w copies of the row.
    n_threads : int, optional
        By default what OMP_NUM_THREADS, threadpoolctl or a joblib worker allow.
    """

    def __init__(self, X, sample_weight=None, n_threads: int | None = None):
        X = np.asarray(X)
        if X.dtype.kind not in "biufO":
            raise ValueError(f"X must hold real numbers; its dtype is {X.dtype}.")
        self.X = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
        if self.X.ndim != 2 or 0 in self.X.shape:
            raise ValueError(f"X must have rows and columns; its shape is {X.shape}.")
        self.weight = None if sample_weight is None else _weights(sample_weight, len(X))
        self.columns: Mapping[str, Any] = NO_COLUMNS
        self.order: np.ndarray | None = None
        self.executor = Threads(n_threads)
        self._local = threading.local()

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
        if self.weight is not None and self.dtype == np.float32:
            positive = self.weight[self.weight > 0]
            if positive.min() < LIGHTEST or positive.max() > HEAVIEST:
                return np.dtype(np.float64)
        return self.dtype

    @cached_property
    def total_weight(self) -> float:
        """Sum of the row weights: the number of rows that they stand for."""
        return float(self.n_rows if self.weight is None else self.weight.sum())

    @cached_property
    def _some_weigh_nothing(self) -> bool:
        return self.weight is not None and not self.weight.all()

    def arranged(self, order: np.ndarray) -> "InMemory":
        """Rows of these places, in this order, for `fold`: all of them weigh something.

        A copy where it is small; else `map` still answers for every row as it lies.

        Parameters
        ----------
        order : ndarray of shape (m,)
            The places.

        Returns
        -------
        rows : InMemory
            For `fold`.
        """
        if self.X.nbytes <= MOST_COPIED:
            weight = None if self.weight is None else self.weight[order]
            columns = {name: column[order] for name, column in self.columns.items()}
            return _build(self.X[order], weight, self.executor, columns, None)
        return _build(self.X, self.weight, self.executor, self.columns, order)

    def with_columns(self, **aligned: Any) -> "InMemory":
        """The same rows; each column is sliced as the rows are."""
        for name, column in aligned.items():
            if len(column) != self.n_rows:
                raise ValueError(f"{name} has {len(column)} rows, but X has {self.n_rows}.")
        columns = {**self.columns, **aligned}
        return _build(self.X, self.weight, self.executor, columns, self.order)

    def sample(self, size: int, rng: np.random.RandomState) -> "InMemory":
        """At most `size` rows, drawn without replacement; with weights, by their weights."""
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
        """Keeps the threads, and BLAS to one of them, over many passes."""
        return self.executor

    def fold(self, over: Pass) -> tuple[Any, ...]:
        """Combine what a pass gives for all blocks, in order."""
        n = self.n_rows if self.order is None else len(self.order)
        size = block_size(n, over.row_bytes)
        if size >= n:
            return self._run(over, 0, n, size)
        step = size * min(max(-(-n // size) // FEWEST_TASKS, 1), MOST_BLOCKS_A_TASK)

        def run(start: int):
            return self._run(over, start, min(start + step, n), size)

        total = None
        with self.executor:
            for part in self.executor.map(run, range(0, n, step)):
                total = _combined(over, total, part)
        return total

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Answers for every row, whatever it weighs, in an array (n_rows, ...)."""
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
        workspace = getattr(self._local, "workspace", None)
        if workspace is None:
            workspace = self._local.workspace = Workspace()
        return workspace

    def _block(self, first: int, last: int, workspace: Workspace) -> Block | None:
        """Those of the rows that weigh something; None if there are none."""
        if self.order is not None:
            return self._gathered(first, last, workspace)
        rows = slice(first, last)
        weight = None if self.weight is None else self.weight[rows]
        columns = {name: column[rows] for name, column in self.columns.items()}
        if not self._some_weigh_nothing or weight.all():
            return Block(first, self.X[rows], weight, columns)
        kept = np.flatnonzero(weight)
        if not len(kept):
            return None
        columns = {name: column[kept] for name, column in columns.items()}
        return Block(first, self.X[rows][kept], weight[kept], columns)

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
    rows._local = threading.local()
    return rows


def _combined(over: Pass, total, part):
    if total is None or part is None:
        return part if total is None else total
    return over.combine(total, part)


def _weights(sample_weight, n_rows: int) -> np.ndarray:
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
