"""Rows whose missing values are filled in: what a start sees.

Each row by what its most probable component expects.  Nothing of it stays in a fit: the E-step
on incomplete rows is `gmmem.incomplete`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmem.kernels.completed import batches, complete, scores_of_incomplete
from gmmem.kernels.patterns import patterns, without_value
from gmmem.mixture import Mixture
from gmmem.sources.base import Block, Pass, RowPass, Rows, Workspace
from gmmem.sources.memory import InMemory


@dataclass(frozen=True, eq=False)
class Completed:
    """Rows whose missing values are what the most probable component expects.

    That is what a start sees.  Moments of them have the covariance that remains, too.

    Parameters
    ----------
    rows : Rows
    by : Mixture
    """

    rows: Rows
    by: Mixture

    @property
    def n_rows(self) -> int:
        return self.rows.n_rows

    @property
    def n_features(self) -> int:
        return self.rows.n_features

    @property
    def total_weight(self) -> float:
        return self.rows.total_weight

    @property
    def dtype(self) -> np.dtype:
        return self.rows.dtype

    @property
    def arithmetic(self) -> np.dtype:
        return self.rows.arithmetic

    def fold(self, over: Pass) -> tuple[Any, ...]:
        return self.rows.fold(OnCompleted(over, self.by))

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any) -> Any:
        return self.rows.map(OnCompleted(over, self.by), shape, dtype)

    def with_columns(self, **aligned: Any) -> "Completed":
        return Completed(self.rows.with_columns(**aligned), self.by)

    def working(self) -> AbstractContextManager:
        return self.rows.working()

    def sample(self, size: int, rng: np.random.RandomState) -> InMemory:
        """At most `size` rows drawn by their weights, completed, in memory.

        A row without a value weighs nothing.
        """
        few = self.rows.sample(size, rng)
        X = few.map(_Completing(self.by), (self.n_features,), few.dtype)
        weight, empty = few.weight, without_value(few.X)
        if empty is not None:
            weight = np.where(empty, 0.0, 1.0 if weight is None else weight)
        return InMemory(X, weight, few.executor.number)


@dataclass(frozen=True, eq=False)
class _Completing:
    """Every row, completed."""

    by: Mixture

    @property
    def row_bytes(self) -> int:
        return 32 * self.by.n_features

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        out[:] = completed_rows(self.by, block.X)[0]


def completed_rows(by: Mixture, X: np.ndarray) -> tuple[np.ndarray, list]:
    """Rows (b, d) with what is expected where they have nothing.

    And for each batch of rows that lack something their places, starts of patterns and gaps.
    """
    gone = np.isnan(X).any(axis=1)
    if not gone.any():
        return X, []
    filled, parts, places = X.astype(np.float64), [], np.flatnonzero(gone)
    best = scores_of_incomplete(by, X[places]).argmax(axis=0) if by.n_components > 1 else 0
    for k in range(by.n_components):
        own = places[best == k] if by.n_components > 1 else places
        parts.extend(_completed_by(alone(by, k), X, own, filled) if len(own) else [])
    return filled, parts


def alone(mixture: Mixture, component: int) -> Mixture:
    """One of the components, as a mixture."""
    storage, d = mixture.covariances, mixture.n_features
    at = storage.at(component)
    own = type(storage).from_factors(storage.factors[at : at + 1], d)
    return Mixture(np.ones(1), mixture.means[component : component + 1], own)


def _completed_by(one: Mixture, X: np.ndarray, own: np.ndarray, filled: np.ndarray) -> Iterator:
    """Complete some rows, in place, by one component."""
    found = patterns(X[own])
    for rows, some in batches(one, found):
        places = own[rows] if found.order is None else own[found.order[rows]]
        batch = complete(one, X[places], some)
        filled[places] = np.where(np.isnan(X[places]), batch.Z[0] + one.means[0], X[places])
        yield places, batch.starts, batch.gaps


@dataclass(frozen=True, eq=False)
class OnCompleted:
    """A pass that sees completed rows."""

    over: Any
    by: Mixture

    @property
    def row_bytes(self) -> int:
        return self.over.row_bytes + 32 * self.by.n_features

    @property
    def combine(self):
        return self.over.combine

    def __call__(self, block: Block, workspace: Workspace, *out: np.ndarray) -> Any:
        empty = without_value(block.X)
        if empty is not None and not out:
            if empty.all():
                return None
            block = block.taken(np.flatnonzero(~empty))
        X, parts = completed_rows(self.by, block.X)
        own = block._replace(X=X)
        found = self.over(own, workspace, *out)
        if not parts or not hasattr(self.over, "widened"):
            return found

        def remains(R: np.ndarray) -> np.ndarray:
            return sum(
                gaps.remains(np.add.reduceat(R[:, places], starts, axis=1))
                for places, starts, gaps in parts
            )

        return self.over.widened(found, own, remains, workspace)
