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
from functools import cached_property, partial
from typing import Any

import numpy as np

from gmmem.contracts import fulfils
from gmmem.sources.base import FLOAT64, Pass, RowPass, Rows
from gmmem.sources.block import NO_COLUMNS
from gmmem.sources.memory import HEAVIEST, LEAST_WEIGHT, LIGHTEST, MOST_WEIGHT, InMemory
from gmmem.sources.tasks import (
    Answers,
    Facts,
    answer_chunk,
    combine_parts,
    fold_chunk,
    look_at_chunk,
    take_by_weight,
    take_from_chunk,
    take_weighing,
)

# Rows for each row to be drawn from which on places are drawn by trial.
SPARSE = 20


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
