"""The E-step on rows with missing values: the likelihood and moments of what is observed.

Rows of a pattern that many have are scored by the marginal mixture of what they have, by the
kernels that score complete rows; their moments are lifted to all features once.  Others are
completed (`gmmem.kernels.completed`).  A row without a value adds nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gmmem.covariances import DegenerateCovariance, Storage
from gmmem.kernels.allocation import SOFT, weighted
from gmmem.kernels.arithmetic import weighted_total
from gmmem.kernels.base import Allocation, Components, Kernel, Scores
from gmmem.kernels.completed import batches, complete, completed_sums
from gmmem.kernels.guard import choose
from gmmem.kernels.patterns import Patterns, patterns
from gmmem.moments import Moments
from gmmem.passes import Expected, Extent
from gmmem.sources.base import Block, Workspace, added

# Rows of a pattern from which on a kernel of its own pays.
FEWEST = 500


class Marginal(NamedTuple):
    """Components seen in some of the features only: all that a kernel reads."""

    log_peaks: np.ndarray
    means: np.ndarray
    covariances: Storage

    @property
    def n_components(self) -> int:
        return self.means.shape[0]

    @property
    def n_features(self) -> int:
        return self.means.shape[1]


@dataclass(frozen=True, eq=False)
class ExpectedIncomplete:
    """The E-step where values are missing: objective and expected moments of all features.

    Parameters
    ----------
    kernel : Kernel
        For the rows that are complete.
    extent : Extent
    dtype : dtype
        The narrowest to compute in.
    allocation : Allocation
    """

    kernel: Kernel
    extent: Extent
    dtype: Any
    allocation: Allocation = SOFT
    combine = staticmethod(added)

    @property
    def row_bytes(self) -> int:
        return self.kernel.row_bytes + 8 * self._components.n_features

    @property
    def _components(self) -> Components:
        return self.kernel.components

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        found = patterns(block.X)
        if found.order is not None:
            block = taken(block, found.order)
        total = self._nothing()
        for rows, some, alone in self._pieces(found):
            piece = taken(block, rows, block.start + rows.start)
            if alone:
                parts = [self._by_kernel(piece, some.missing[0], workspace)]
            else:
                parts = self._completed(piece, some, workspace)
            for part in parts:
                total = added(total, part)
        return total

    def result(self, sums: tuple[Any, ...]) -> tuple[float, Moments]:
        """Objective and moments, about the means, from the sums over all blocks."""
        objective, weight, mass, first, second = sums
        outside = 0.0 if self.allocation.complete else max(weight - float(mass.sum()), 0.0)
        components = self._components
        form = components.covariances.form
        return objective, Moments(mass, components.means, first, second, form, outside)

    def _nothing(self) -> tuple[Any, ...]:
        components = self._components
        (K, d), storage = components.means.shape, components.covariances
        second = np.zeros((1 if storage.shared else K, *storage.form.shape(d)))
        return 0.0, 0.0, np.zeros(K), np.zeros((K, d)), second

    def _pieces(self, found: Patterns) -> Iterator[tuple[slice, Patterns, bool]]:
        """Patterns that have a kernel of their own, and runs of those that have none."""
        numbers, lacks = np.diff(found.starts), found.lacks
        alone = (lacks == 0) | ((numbers >= FEWEST) & (not self.kernel.exact))
        last = int(np.searchsorted(lacks, found.missing.shape[1]))  # Without a value, nothing.
        ends = np.flatnonzero(alone[1:] | alone[:-1]) + 1
        ends = np.append(ends[ends < last], last)
        for first, stop in zip(np.append(0, ends), ends, strict=False):
            if first == stop:
                continue
            begin, end = found.starts[first], found.starts[stop]
            starts = found.starts[first : stop + 1] - begin
            some = Patterns(found.missing[first:stop], starts, None)
            yield slice(begin, end), some, bool(alone[first])

    def _by_kernel(
        self, block: Block, missing: np.ndarray, workspace: Workspace
    ) -> tuple[Any, ...]:
        """Sums over rows of one pattern, by a kernel for what they have."""
        components = self._components
        means, storage = components.means, components.covariances
        if not missing.any():
            over = Expected(self.kernel, self.allocation)
            objective, moments = over.result(over(block, workspace))
            moments = moments.about(means)
        else:
            seen, gaps = np.flatnonzero(~missing), storage.gaps(missing[None])
            centre, reach = self.extent.centre[seen], self.extent.reach[seen]
            peaks = components.log_peaks + gaps.gain[:, 0]
            marginal = Marginal(peaks, means[:, seen], storage.marginal(seen))
            kernel = choose(marginal, centre, reach, self.dtype, self.allocation.complete)
            over = Expected(kernel, self.allocation)
            own = block._replace(X=block.X[:, seen])
            objective, moments = over.result(over(own, workspace))
            remains = gaps.remains(np.ones((len(storage.factors), 1)))
            moments = moments.lifted(means, seen, gaps.along(0), remains)
        return objective, weight_of(block), moments.mass, moments.first, moments.second

    def _completed(
        self, block: Block, found: Patterns, workspace: Workspace
    ) -> Iterator[tuple[Any, ...]]:
        """Sums over rows that are completed, in batches."""
        components = self._components
        for rows, some in batches(components, found):
            piece = taken(block, rows, block.start)
            filled = complete(components, piece.X, some)
            scores = Scores(filled.L, lambda: 0.0)
            shares = self.allocation(scores, piece, workspace)
            objective = weighted_total(shares.log_sum, piece.weight)
            shares = weighted(shares, piece.weight)
            sums = completed_sums(components, filled, shares.R * shares.scale)
            yield objective, weight_of(piece), *sums


def taken(block: Block, rows: Any, start: int | None = None) -> Block:
    """Some rows of a block."""
    weight = None if block.weight is None else block.weight[rows]
    columns = {name: column[rows] for name, column in block.columns.items()}
    return Block(block.start if start is None else start, block.X[rows], weight, columns)


def weight_of(block: Block) -> float:
    return float(len(block.X) if block.weight is None else block.weight.sum())
