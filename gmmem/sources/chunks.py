"""Rows in chunks, wherever they are: passes go to the chunks, sums come back.

    fold(pass) = sum over chunks of  pass(chunk)          K p numbers a chunk travel
    map(pass)  = for each chunk      pass(chunk)          nothing travels

A chunk is folded where it lies, by one thread.  What the chunks give is added in a tree whose
shape depends on the number of chunks alone, so neither who did what, nor how many did it, nor
who was first, changes a bit of the result.  `Chunked` is all that sources of chunks have in
common; `Chunks` is one over whatever maps a function over a list.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from gmmem.contracts import fulfils
from gmmem.sources.base import FLOAT64, Pass, RowPass, Rows
from gmmem.sources.block import NO_COLUMNS
from gmmem.sources.memory import HEAVIEST, LEAST_WEIGHT, LIGHTEST, MOST_WEIGHT, InMemory
from gmmem.sources.threads import one_blas_thread

# Rows for each row to be drawn from which on places are drawn by trial.
SPARSE = 20


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


# --- tasks: what is done with a chunk where it lies; pure, and picklable ---------------------


def fold_chunk(over: Pass, X, weight, columns: Mapping[str, Any] | None):
    """What a pass gives for a chunk; None where no row weighs anything."""
    X, weight = _arrays(X, weight)
    if not len(X) or (weight is not None and not weight.any()):
        return None
    rows = InMemory(X, n_threads=1)
    rows.weight = weight
    with one_blas_thread():
        return rows.with_columns(**(columns or NO_COLUMNS)).fold(over)


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
        return InMemory(X, n_threads=1).map(ask.over, ask.shape, ask.dtype)


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


# --- the source -----------------------------------------------------------------------------


@fulfils(Rows)
class Chunked(ABC):
    """What sources of chunks have in common; one says how a task is run on each chunk."""

    weighted: bool = False
    columns: Mapping[str, Any] = NO_COLUMNS

    @abstractmethod
    def each(
        self, task: Callable, shared: Any = None, arguments: Sequence | None = None
    ) -> Iterable[Any]:
        """``task(shared, X, weight, argument)`` for every chunk, in order.

        Parameters
        ----------
        task : callable
            Pure, and picklable; X and weight are arrays, or callables that give them.
        shared : object, default=None
            What travels to all.
        arguments : sequence, default=None
            For each chunk its own.

        Returns
        -------
        results : iterable
            One for each chunk.

        Examples
        --------
        >>> from gmmem.sources import Chunks
        >>> rows = Chunks([[[1.0]], [[2.0], [3.0]]])
        >>> list(rows.each(lambda shared, X, weight, argument: len(X) * shared, 10))
        [10, 20]
        """

    def _sum(self, over: Pass, columns: Sequence | None):
        """The tree of additions over all chunks."""
        return combine_parts(over, self.each(fold_chunk, over, columns))

    @cached_property
    def facts(self) -> list[Facts]:
        """Of each chunk: one look at all of them, where somebody has to know."""
        return list(self.each(look_at_chunk))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Rows in each chunk.

        Examples
        --------
        >>> from gmmem.sources import Chunks
        >>> Chunks([[[1.0]], [[2.0], [3.0]]]).lengths
        (1, 2)
        """
        return tuple(chunk.n_rows for chunk in self.facts)

    @property
    def n_rows(self) -> int:
        return sum(self.lengths)

    @cached_property
    def n_features(self) -> int:
        numbers = sorted({chunk.n_features for chunk in self.facts})
        if len(numbers) != 1:
            raise ValueError(f"Chunks must have the same number of features, not {numbers}.")
        return numbers[0]

    @cached_property
    def dtype(self) -> np.dtype:
        return np.result_type(*{chunk.dtype for chunk in self.facts})

    @cached_property
    def arithmetic(self) -> np.dtype:
        """What the rows allow to be computed in: float32 has no room for extreme weights."""
        if self.weighted and self.dtype == np.float32:
            lightest = min(chunk.lightest for chunk in self.facts)
            heaviest = max(chunk.heaviest for chunk in self.facts)
            if lightest < LIGHTEST or heaviest > HEAVIEST:
                return FLOAT64
        return self.dtype

    @cached_property
    def total_weight(self) -> float:
        """Sum of the row weights: the number of rows that they stand for."""
        if not self.weighted:
            return float(self.n_rows)
        total = float(sum(chunk.total_weight for chunk in self.facts))
        if not LEAST_WEIGHT < total < MOST_WEIGHT:
            raise ValueError(
                f"sample_weight sums to {total:g}; it must lie between {LEAST_WEIGHT:g} and "
                f"{MOST_WEIGHT:g}: rescale it."
            )
        return total

    def working(self) -> AbstractContextManager:
        return nullcontext()  # Who runs the tasks is there already.

    def fold(self, over: Pass) -> tuple[Any, ...]:
        total = self._sum(over, self._column_chunks())
        if total is None:
            raise ValueError(
                "sample_weight is zero for every row; some must be positive."
                if self.weighted
                else "X has no rows."
            )
        return tuple(_owned(part) for part in total)

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.concatenate(list(self.each(answer_chunk, Answers(over, shape, dtype))))

    def with_columns(self, **aligned: Any) -> "Chunked":
        for name, column in aligned.items():
            if len(column) != self.n_rows:
                raise ValueError(f"{name} has {len(column)} rows, but X has {self.n_rows}.")
        if not aligned:
            return self
        other = copy.copy(self)
        other.columns = {**self.columns, **aligned}
        return other

    def _column_chunks(self) -> list[dict[str, Any]] | None:
        """What travels with each chunk's rows."""
        if not self.columns:
            return None
        return [
            {name: column[rows] for name, column in self.columns.items()} for rows in self._slices()
        ]

    def _slices(self) -> Iterator[slice]:
        start = 0
        for length in self.lengths:
            yield slice(start, start + length)
            start += length

    def sample(self, size: int, rng: np.random.RandomState) -> InMemory:
        if self._n_weighing() <= size:
            return _in_memory(self.each(take_weighing))
        if not self.weighted:
            drawn = distinct_places(self.n_rows, size, rng)
            return _in_memory(self.each(take_from_chunk, None, self._shared_out(drawn)))
        ends = np.cumsum([chunk.total_weight for chunk in self.facts])
        points = np.sort(rng.uniform(0, ends[-1], size=size))
        # The last chunk of positive weight has what rounding leaves beyond its end.
        last = max(i for i, chunk in enumerate(self.facts) if chunk.n_weighing)
        owners = np.minimum(np.searchsorted(ends, points, side="right"), last)
        starts = np.concatenate([[0.0], ends[:-1]])
        parts = [points[owners == i] - start for i, start in enumerate(starts)]
        return _in_memory(self.each(take_by_weight, None, parts))

    def _n_weighing(self) -> int:
        """Rows of positive weight."""
        return sum(chunk.n_weighing for chunk in self.facts) if self.weighted else self.n_rows

    def _shared_out(self, places: np.ndarray) -> list[np.ndarray]:
        """Sorted places of all rows as places in each chunk."""
        return [
            places[np.searchsorted(places, rows.start) : np.searchsorted(places, rows.stop)]
            - rows.start
            for rows in self._slices()
        ]


def distinct_places(n: int, size: int, rng: np.random.RandomState) -> np.ndarray:
    """Places of rows drawn without replacement, sorted, without a list of all."""
    if n < SPARSE * size:
        return np.sort(rng.choice(n, size=size, replace=False))
    places = np.empty(0, np.int64)
    while len(places) < size:
        more = rng.randint(n, size=size - len(places), dtype=np.int64)
        places = np.unique(np.concatenate([places, more]))
    return places


def _in_memory(parts: Iterable[tuple[np.ndarray, np.ndarray | None]]) -> InMemory:
    rows, weights = zip(*parts, strict=True)
    weight = None if weights[0] is None else np.concatenate(weights)
    return InMemory(np.concatenate(rows), weight)


def _owned(part):
    """A sum that the caller may change."""
    if isinstance(part, np.ndarray) and not part.flags.writeable:
        return part.copy()
    return part


@fulfils(Chunked)
class Chunks(Chunked):
    """Rows in chunks, and whatever maps a function over a list.

    Parameters
    ----------
    chunks : sequence
        Arrays (b, n_features), or callables that give one where the task runs: then rows
        never travel.
    sample_weight : sequence, default=None
        For each chunk its row weights (b,), or a callable that gives them.
    run : callable, default=map
        ``run(function, *lists)`` gives the results in order: the ``map`` of an executor of
        ``concurrent.futures``, of MPI's futures, or of what else has one.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> import numpy as np
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import Chunks
    >>> X = load_old_faithful()
    >>> with ThreadPoolExecutor(2) as pool:
    ...     rows = Chunks(np.array_split(X, 5), run=pool.map)
    ...     model = GaussianMixture(2, random_state=0).fit(rows)
    >>> bool(np.isclose(model.score(X), GaussianMixture(2, random_state=0).fit(X).score(X)))
    True
    """

    def __init__(
        self, chunks: Sequence, sample_weight: Sequence | None = None, run: Callable = map
    ):
        self.chunks, self.run = list(chunks), run
        if not self.chunks:
            raise ValueError("There must be at least one chunk.")
        self.weighted = sample_weight is not None
        self.weights = list(sample_weight) if self.weighted else [None] * len(self.chunks)
        if len(self.weights) != len(self.chunks):
            raise ValueError(
                f"sample_weight has {len(self.weights)} chunks, but X has {len(self.chunks)}."
            )

    def each(self, task, shared=None, arguments=None) -> Iterable[Any]:
        arguments = [None] * len(self.chunks) if arguments is None else arguments
        return self.run(partial(task, shared), self.chunks, self.weights, arguments)
