"""Rows in an array (in memory or memory-mapped), summed by threads over blocks.

The blocks and the order in which their sums are added depend on the data's
shape alone, so the result is the same to the last bit for any number of threads.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from typing import Any

import numpy as np

from gmmem.compat import n_threads_allowed, one_blas_thread
from gmmem.sources.base import Block, Workspace, block_size

# Sums of weights that leave room for responsibilities and squares in float64.
LEAST_WEIGHT, MOST_WEIGHT = 1e-100, 1e100

# Weights of a row that leave that room in float32.
LIGHTEST, HEAVIEST = 1e-10, 1e10

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

    Notes
    -----
    Used as a context manager, threads and the limit on BLAS are set up once for
    all passes in it; else for each pass.
    """

    def __init__(self, X, sample_weight=None, n_threads: int | None = None):
        X = np.asarray(X)
        if X.dtype.kind not in "biufO":
            raise ValueError(f"X must hold real numbers; its dtype is {X.dtype}.")
        self.X = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
        if self.X.ndim != 2 or 0 in self.X.shape:
            raise ValueError(f"X must have rows and columns; its shape is {X.shape}.")
        self.weight = None if sample_weight is None else _weights(sample_weight, len(X))
        self.known: dict[Any, Any] = {}
        self._n_threads = n_threads
        self._local = threading.local()
        self._lock, self._entered = threading.RLock(), 0
        self._stack: ExitStack | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._look_ahead = 0

    def __reduce__(self):
        return type(self), (self.X, self.weight, self._n_threads)

    def again(self) -> "InMemory":
        """The same rows for another thread, with what is known of them."""
        other = InMemory(self.X, self.weight, self._n_threads)
        other.known = self.known
        return other

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
    def precision(self) -> np.dtype:
        """What the rows allow to be computed in: float32 has no room for extreme weights."""
        if self.weight is not None and self.dtype == np.float32:
            positive = self.weight[self.weight > 0]
            if positive.min() < LIGHTEST or positive.max() > HEAVIEST:
                return np.dtype(np.float64)
        return self.dtype

    @property
    def total_weight(self) -> float:
        """Sum of the row weights: the number of rows that they stand for."""
        return float(self.n_rows if self.weight is None else self.weight.sum())

    def __enter__(self) -> "InMemory":
        with self._lock:
            self._entered += 1
            if self._entered == 1:
                self._stack = ExitStack()
                self._stack.enter_context(one_blas_thread())
                threads = self._n_threads or n_threads_allowed()
                self._look_ahead = threads
                if threads > 1:
                    self._pool = self._stack.enter_context(ThreadPoolExecutor(threads))
        return self

    def __exit__(self, *exc_info) -> None:
        with self._lock:
            self._entered -= 1
            if self._entered == 0:
                stack, self._stack, self._pool = self._stack, None, None
                stack.close()

    def fold(self, kernel: Any, combine: tuple[Callable, ...] | None = None) -> tuple[Any, ...]:
        """Combine ``kernel(block, workspace)`` over all blocks in order.

        Parameters
        ----------
        kernel : callable with an attribute ``row_bytes``
            Returns a tuple of numbers and arrays; arrays that it does not keep, because
            others are added to them.
        combine : tuple of callables, optional
            One for each thing that the kernel returns; by default all are added.
        """
        size = block_size(self.n_rows, kernel.row_bytes)
        with self:
            if size == self.n_rows:
                return self._run(kernel, combine, 0, size, size)
            total = None
            for part in self._parts(kernel, combine, size):
                total = part if total is None else _merge(total, part, combine)
        return total

    def _parts(self, kernel: Any, combine, size: int) -> Iterator[tuple[Any, ...]]:
        """Sums over runs of blocks, in order."""
        n_blocks = -(-self.n_rows // size)
        step = size * min(max(n_blocks // FEWEST_TASKS, 1), MOST_BLOCKS_A_TASK)
        starts = range(0, self.n_rows, step)

        def run(start):
            return self._run(kernel, combine, start, min(start + step, self.n_rows), size)

        if self._pool is None or len(starts) == 1:
            yield from map(run, starts)
            return
        # Not more than keeps the threads busy: sums are large where components are many.
        pending: deque = deque()
        for start in starts:
            pending.append(self._pool.submit(run, start))
            if len(pending) > self._look_ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _run(self, kernel: Any, combine, start: int, stop: int, size: int) -> tuple[Any, ...]:
        workspace = getattr(self._local, "workspace", None)
        if workspace is None:
            workspace = self._local.workspace = Workspace()
        total = None
        for first in range(start, stop, size):
            last = min(first + size, stop)
            weight = None if self.weight is None else self.weight[first:last]
            part = kernel(Block(first, self.X[first:last], weight), workspace)
            total = part if total is None else _merge(total, part, combine)
        return total


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


def _merge(total, part, combine) -> tuple[Any, ...]:
    """Combine two tuples entry by entry; arrays that are only added keep their place."""
    if combine is None:
        return tuple(map(_add, total, part))
    return tuple(f(a, b) for f, a, b in zip(combine, total, part, strict=True))


def _add(total, part):
    # Sums are large where components are many.  A view may be of the rows.
    own = isinstance(total, np.ndarray) and total.base is None
    if own and total.dtype == np.result_type(total, part):
        total += part
        return total
    return total + part
