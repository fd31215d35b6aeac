"""The E-step on rows with missing values: the likelihood and moments of what is observed.

Rows of a pattern that many have are scored by the marginal mixture of what they have, by the
kernels that score complete rows; their moments are lifted to all features once.  Others are
completed (`gmmem.kernels.completed`).  A row without a value adds nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gmmem.completion import Completed
from gmmem.covariances import Diagonal, Full, Storage
from gmmem.forms import OUTER, SQUARE, Quadratic
from gmmem.kernels.allocation import SOFT, weighted
from gmmem.kernels.arithmetic import weighted_total
from gmmem.kernels.base import Allocation, Components, Kernel, Scores
from gmmem.kernels.completed import batches, complete, completed_sums
from gmmem.kernels.guard import choose
from gmmem.kernels.patterns import Patterns, patterns, patterns_of_all
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import Expected, Extent
from gmmem.sources.base import Block, Rows, Workspace, added

# Rows of a pattern from which on a kernel of its own pays.
FEWEST = 500

# Patterns whose kernels are kept from block to block.
MOST_KEPT = 64


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


class _OfPattern(NamedTuple):
    """What a pattern's rows are scored and lifted by."""

    over: Expected
    seen: np.ndarray
    along: np.ndarray
    remains: np.ndarray


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
    table : Patterns or None
        Those of all rows, where these come in their order.
    """

    kernel: Kernel
    extent: Extent
    dtype: Any
    allocation: Allocation = SOFT
    table: Patterns | None = None
    combine = staticmethod(added)

    _kept: dict[bytes, Any] = field(default_factory=dict, repr=False)

    def __reduce__(self):
        return type(self), (self.kernel, self.extent, self.dtype, self.allocation, self.table)

    @property
    def row_bytes(self) -> int:
        return self.kernel.row_bytes + 8 * self._components.n_features

    @property
    def _components(self) -> Components:
        return self.kernel.components

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        if self.table is None:
            found = patterns(block.X)
            numbers = np.diff(found.starts)
            if found.order is not None:
                block = block.taken(found.order)
        else:
            first, last = block.start, block.start + len(block.X)
            found = self.table.within(first, last)
            begin = int(np.searchsorted(self.table.starts, first, side="right")) - 1
            numbers = np.diff(self.table.starts[begin : begin + len(found.missing) + 1])
        total = self._nothing()
        for rows, some, alone in self._pieces(found, numbers):
            piece = block.taken(rows, block.start + rows.start)
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

    def _pieces(
        self, found: Patterns, numbers: np.ndarray
    ) -> Iterator[tuple[slice, Patterns, bool]]:
        """Patterns that have a kernel of their own, and runs of those that have none."""
        lacks = found.lacks
        alone = (lacks == 0) | ((numbers >= FEWEST) & (not self.kernel.exact))
        last = int(np.searchsorted(lacks, found.missing.shape[1]))  # Without a value, nothing.
        ends = np.flatnonzero(alone[1:] | alone[:-1]) + 1
        ends = np.append(ends[ends < last], last)
        for first, stop in zip(np.append(0, ends), ends, strict=False):
            if first == stop:
                continue
            begin, end = found.starts[first], found.starts[stop]
            starts = found.starts[first : stop + 1] - begin
            some = Patterns(found.missing[first:stop], starts, None, lacks[first:stop])
            yield slice(begin, end), some, bool(alone[first])

    def _by_kernel(
        self, block: Block, missing: np.ndarray, workspace: Workspace
    ) -> tuple[Any, ...]:
        """Sums over rows of one pattern, by a kernel for what they have."""
        means = self._components.means
        if not missing.any():
            over = Expected(self.kernel, self.allocation)
            objective, moments = over.result(over(block, workspace))
            moments = moments.about(means)
        else:
            over, seen, along, remains = self._of_pattern(missing)
            own = block._replace(X=block.X[:, seen])
            objective, moments = over.result(over(own, workspace))
            moments = moments.lifted(means, seen, along, remains)
        return objective, block.total_weight, moments.mass, moments.first, moments.second

    def _of_pattern(self, missing: np.ndarray) -> "_OfPattern":
        """What rows of a pattern are scored and lifted by, kept for the blocks to come."""
        key = missing.tobytes()
        found = self._kept.get(key)
        if found is None:
            components = self._components
            means, storage = components.means, components.covariances
            seen, gaps = np.flatnonzero(~missing), storage.gaps(missing[None])
            centre, reach = self.extent.centre[seen], self.extent.reach[seen]
            peaks = components.log_peaks + gaps.gain[:, 0]
            marginal = Marginal(peaks, means[:, seen], storage.marginal(seen))
            kernel = choose(marginal, centre, reach, self.dtype, self.allocation.complete)
            remains = gaps.remains(np.ones((len(storage.factors), 1)))
            found = _OfPattern(Expected(kernel, self.allocation), seen, gaps.along(0), remains)
            if len(self._kept) < MOST_KEPT:
                self._kept[key] = found
        return found

    def _completed(
        self, block: Block, found: Patterns, workspace: Workspace
    ) -> Iterator[tuple[Any, ...]]:
        """Sums over rows that are completed, in batches."""
        components = self._components
        for rows, some in batches(components, found):
            piece = block.taken(rows, block.start)
            filled = complete(components, piece.X, some)
            scores = Scores(filled.L, lambda: 0.0)
            shares = self.allocation(scores, piece, workspace)
            objective = weighted_total(shares.log_sum, piece.weight)
            shares = weighted(shares, piece.weight)
            sums = completed_sums(components, filled, shares.R * shares.scale)
            yield objective, piece.total_weight, *sums


# --- starts ---------------------------------------------------------------------------------

# Features up to which rows are completed by what their features have in common, whatever
# model is to be fitted.
MOST_JOINT = 64

# EM of the one Gaussian that completes them: iterations, and the gain a row that is enough.
ITERATIONS, ENOUGH = 30, 1e-5

# Its covariance has this share of every variance more, so that sums of columns do no harm.
SHARE = 1e-6


class NothingObserved(ValueError):
    """A column without a value in any row.

    Attributes
    ----------
    columns : list of int
    """

    def __init__(self, columns: list[int], names: Any = None):
        self.columns = columns
        self.names = names
        called = ", ".join(str(j) if names is None else repr(str(names[j])) for j in columns)
        super().__init__(
            f"X holds nothing but NaN in column(s) {called}: no row of positive weight says "
            "anything of it. Leave it out."
        )

    def __reduce__(self):
        return type(self), (self.columns, self.names)


@dataclass(frozen=True, eq=False)
class Incomplete:
    """Rows of which values are missing, made ready.

    Parameters
    ----------
    rows : Rows
    extent : Extent
    form : Quadratic
        What is to be known of all rows as one component.
    by : Mixture, optional
        What they are completed by for a start: each row by its most probable component.
    """

    rows: Rows
    extent: Extent
    form: Quadratic
    by: Mixture | None = None

    def with_form(self, form: Quadratic) -> "Incomplete":
        """The same, where all that this form sees is to be known."""
        enough = form.fineness <= self.form.fineness or self.joint
        return self if enough else replace(self, form=form)

    def completed_by(self, by: Mixture | None) -> "Incomplete":
        """The same, completed by another mixture: what was found out of the rows is kept."""
        other = replace(self, by=by)
        found = {name: vars(self)[name] for name in ("grouped", "one") if name in vars(self)}
        vars(other).update(found)
        return other

    @property
    def joint(self) -> bool:
        """Whether a start looks at what features have in common."""
        return self.form is OUTER or self.rows.n_features <= MOST_JOINT

    @cached_property
    def grouped(self) -> tuple[Rows, Patterns | None]:
        """The rows in the order of their patterns, if their source can be arranged."""
        arranged = getattr(self.rows, "arranged", None)
        if arranged is None:
            return self.rows, None
        weight = self.rows.weight
        found = patterns_of_all(self.rows.X, None if weight is None else weight > 0)
        return arranged(found.order), found._replace(order=None)

    def expect(self, kernel: Kernel, allocation: Allocation = SOFT) -> tuple[float, Moments]:
        """E-step: objective and expected moments."""
        rows, table = self.grouped
        over = ExpectedIncomplete(kernel, self.extent, self.rows.arithmetic, allocation, table)
        return over.result(rows.fold(over))

    @cached_property
    def one(self) -> tuple[Mixture, Moments]:
        """One Gaussian by maximum likelihood, and the moments that it expects of the rows.

        Raises
        ------
        NothingObserved
            If a column has no value.
        """
        unseen = np.flatnonzero(self.extent.there == 0)
        if len(unseen):
            raise NothingObserved(unseen.tolist())
        mixture, last = self._independent(), -np.inf
        storage: type = Diagonal
        if self.joint:
            storage = Full
            mixture = _gaussian(mixture.means, mixture.covariances.dense(), Full)
        for _ in range(ITERATIONS):
            objective, moments = self.expect(self._kernel(mixture))
            if objective - last < ENOUGH * self.extent.total_weight:
                break
            scatters, last = moments.scatters(), objective
            covariances = scatters.scatter / scatters.mass
            mixture = _gaussian(scatters.means, covariances, storage)
        return mixture, moments

    def _kernel(self, mixture: Mixture) -> Kernel:
        centre, reach = self.extent.centre, self.extent.reach
        return choose(mixture, centre, reach, self.rows.arithmetic)

    def _independent(self) -> Mixture:
        """The means and variances of what is observed of each feature."""
        extent = self.extent
        width = np.where(extent.reach > 0, extent.reach, 1.0) ** 2
        alone = _gaussian(extent.centre[None], width[None], Diagonal)
        _, moments = self.expect(self._kernel(alone))
        gone = extent.total_weight - extent.there
        variances = (moments.second - gone * width) / extent.there
        return _gaussian(extent.centre[None], np.maximum(variances, 1e-12 * width), Diagonal)

    @property
    def completed(self) -> Completed:
        """The rows as a start sees them."""
        return Completed(self.rows, self.one[0] if self.by is None else self.by)


def _gaussian(means: np.ndarray, covariances: np.ndarray, storage: type) -> Mixture:
    """One component, its covariance kept from being singular."""
    d = means.shape[1]
    variances = SQUARE.of(covariances)
    more = np.where(variances > 0, SHARE * variances, 1.0)
    if storage is Full:
        more = more[:, :, None] * np.eye(d)
    return Mixture(np.ones(1), means, storage.from_covariances(covariances + more, d))
