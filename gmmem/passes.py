"""What one pass over the rows asks, for EM: sums that add up over any parts of them.

    Locate       where the rows lie
    Assigned     moments, given who belongs where
    Expected     objective and expected moments: the E-step

What fitted components say of rows is asked by the passes in `gmmem.answers`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gmmem.forms import Quadratic
from gmmem.kernels import standard
from gmmem.kernels.allocation import SOFT, weighted
from gmmem.kernels.arithmetic import weighted_total
from gmmem.kernels.base import Allocation, Kernel
from gmmem.kernels.sums import sums_about, sums_of_groups, transposed
from gmmem.moments import LOST, Moments, spread
from gmmem.sources.base import FLOAT64, LARGEST_EXTENT, Block, Rows, Workspace, added
from gmmem.sources.device import DeviceBlock, OnHost, Place


class Extent(NamedTuple):
    """Where the rows lie: what is known of them before any component is."""

    n_rows: int
    """Those that weigh something."""
    total_weight: float
    centre: np.ndarray
    """In the precision of the rows, so that they can be subtracted in it."""
    reach: np.ndarray
    """Largest ``|x - centre|`` of each feature, (d,)."""
    there: np.ndarray
    """Weight of the rows in which each feature is observed, (d,)."""
    n_missing: int
    """Values that are missing."""


@dataclass(frozen=True)
class Locate:
    """Number, weight, weighted sum, weight of what is there, and extremes of each feature.

    Of rows and values that are there: between them is how many values are missing.
    """

    n_features: int

    @property
    def row_bytes(self) -> int:
        return 16 * self.n_features

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        Z = workspace.take("Z", (self.n_features, len(block.X)))
        np.copyto(Z, block.X.T)
        low, high = Z.min(axis=1), Z.max(axis=1)
        if np.isnan(low).any():
            return self._incomplete(block, Z)
        if block.weight is None:
            weight, first = float(len(block.X)), Z.sum(axis=1)
        else:
            weight, first = float(block.weight.sum()), Z @ block.weight
        there = np.full(self.n_features, weight)
        return len(block.X), weight, first, there, 0, low, high

    def _incomplete(self, block: Block, Z: np.ndarray) -> tuple[Any, ...]:
        """The same of the values that are there, and of the rows that have one."""
        seen = ~np.isnan(Z)
        some = seen.any(axis=0)
        weight = np.ones(len(block.X)) if block.weight is None else block.weight
        first, there = np.where(seen, Z, 0) @ weight, seen @ weight
        low, high = np.fmin.reduce(Z, axis=1), np.fmax.reduce(Z, axis=1)
        n_missing = np.count_nonzero(~seen)
        return np.count_nonzero(some), float(weight @ some), first, there, n_missing, low, high

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        return partial(_locate_on, place)

    def combine(self, total, part):
        *sums, low, high = total
        *more, lower, higher = part
        return *added(sums, more), np.fmin(low, lower), np.fmax(high, higher)


def _locate_on(place: Place, block: DeviceBlock) -> tuple[Any, ...]:
    xp = place.xp
    Z = xp.astype(block.X, xp.float64, copy=False)
    first = xp.sum(Z, axis=0) if block.weight is None else block.weight @ Z
    weight = standard.total_weight(block, place)
    first, low, high = map(place.fetch, (first, xp.min(Z, axis=0), xp.max(Z, axis=0)))
    if np.isnan(low).any():
        raise ValueError(
            "X contains NaN: rows of which values are missing must be in memory of the host."
        )
    return Z.shape[0], weight, first, np.full(len(low), weight), 0, low, high


def locate(rows: Rows) -> Extent:
    """Where the rows lie; what is missing lies nowhere, and a row without a value is none.

    Raises
    ------
    ValueError
        If the rows hold NaN alone, or values whose squares would not fit in float64.
    """
    over = Locate(rows.n_features)
    n_rows, total, first, there, n_missing, low, high = rows.fold(over)
    if not n_rows:
        raise ValueError("X holds nothing but NaN.")
    seen = there > 0
    if not seen.all():
        low, high, there_or_one = np.where(seen, (low, high, there), ((0,), (0,), (1,)))
    else:
        there_or_one = there
    if max(high.max(), -low.min()) >= LARGEST_EXTENT:
        raise ValueError(
            f"X holds values beyond {LARGEST_EXTENT:g}: squares would not fit in float64; "
            "rescale the data or remove the outliers."
        )
    centre = (first / there_or_one).astype(rows.dtype).astype(np.float64)
    return Extent(n_rows, total, centre, np.maximum(high - centre, centre - low), there, n_missing)


@dataclass(frozen=True, eq=False)
class Assigned:
    """Moments of rows whose shares are given: an E-step without a mixture.

    ``assign(block, workspace)`` gives responsibilities (K, b), or labels (b,).
    """

    assign: Callable[[Block, Workspace], np.ndarray]
    centres: np.ndarray
    form: Quadratic
    pooled: bool
    combine = staticmethod(added)

    @property
    def row_bytes(self) -> int:
        # One is a responsibility; labels need none, to find the nearest centre takes more.
        numbers = getattr(self.assign, "numbers_a_component", 1)
        return 8 * (numbers * len(self.centres) + 4 * self.centres.shape[1] + 4)

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        answer = self.assign(block, workspace)
        about = self.centres, self.form, self.pooled, workspace
        if answer.ndim == 1:
            X = block.X.astype(FLOAT64, copy=False)
            return sums_of_groups(X, answer, block.weight, *about)
        R = answer if block.weight is None else answer * block.weight
        return sums_about(transposed(block, None, FLOAT64, workspace)[1:], R, *about)

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        return partial(_assigned_on, self, place)

    def widened(
        self, sums: tuple[Any, ...], block: Block, remains: Callable, workspace: Workspace
    ) -> tuple[Any, ...]:
        """The sums over rows that were completed, with what their values may be off by.

        ``remains(R)`` is that covariance, summed by shares (K, b).
        """
        R, (mass, first, second) = self.assign(block, workspace), sums
        if R.ndim == 1:
            R = (R == np.arange(len(self.centres))[:, None]).astype(np.float64)
        more = self.form.of(remains(R if block.weight is None else R * block.weight))
        if self.pooled:
            more = np.sum(more, axis=0, keepdims=True)
        return mass, first, second + more

    def moments(self, sums: tuple[Any, ...]) -> Moments:
        """Moments from the sums over all blocks."""
        mass, first, second = sums
        return Moments(mass, self.centres, first, second, self.form)


def _assigned_on(over: Assigned, place: Place, block: DeviceBlock) -> tuple[Any, ...]:
    if over.assign is all_in_one:
        answer = place.xp.ones((block.X.shape[0], 1), dtype=place.xp.float64, device=place.device)
    elif hasattr(over.assign, "on"):
        answer = over.assign.on(place)(block)
    else:
        wide = OnHost(over.assign, place)(block)  # As they are on the host.
        answer = place.put(wide.T, wide.dtype)
    R = standard.weighed(standard.shares_of(answer, len(over.centres), place), block, place)
    Z = place.xp.astype(block.X, place.xp.float64, copy=False)
    return standard.sums_about(Z, R, over.centres, over.form, over.pooled, place)


def all_in_one(block: Block, workspace: Workspace) -> np.ndarray:
    """Every row belongs to the one component there is."""
    return np.ones((1, len(block.X)))


def total_moments(rows: Rows, extent: Extent, form: Quadratic) -> Moments:
    """Moments of all rows as one component, about their centre."""
    over = Assigned(all_in_one, extent.centre[None], form, pooled=True)
    return over.moments(rows.fold(over))


def assigned_moments(
    rows: Rows,
    extent: Extent,
    assign: Callable,
    n_components: int,
    form: Quadratic,
    pooled: bool,
) -> Moments:
    """Moments from given shares: how every initialiser begins.

    They are about the means, or about known centres if these are near enough.  A component
    without rows has no mass: see `fill_empty`.
    """
    rows = rows.with_columns(**getattr(assign, "columns", {}))
    known = np.asarray(getattr(assign, "centres", np.inf), dtype=np.float64)
    if (np.abs(known - extent.centre) <= extent.reach).all():
        over = Assigned(assign, known, form, pooled)
        moments = over.moments(rows.fold(over))
        if moments.well_centred:
            return moments
    # Two passes: about the means that the first one finds nothing cancels.
    over = Assigned(assign, np.repeat(extent.centre[None], n_components, axis=0), _NOTHING, True)
    mass, first, _ = rows.fold(over)
    centres = extent.centre + first / np.where(mass > 0, mass, 1)[:, None]
    over = Assigned(assign, centres, form, pooled)
    return over.moments(rows.fold(over))


def is_empty(moments: Moments) -> np.ndarray:
    """Which components have next to no mass."""
    # What `fill_empty` adds makes the share of the others less, at most by half.
    return ~(moments.mass > 4 * LOST * moments.mass.sum())


def fill_empty(moments: Moments, extent: Extent) -> Moments:
    """Give a component without rows the scatter within the others and the weight of one row.

    Not the scatter of all rows: one that is far from the others makes that singular.
    """
    empty = is_empty(moments)
    if not empty.any():
        return moments
    one = extent.total_weight / extent.n_rows
    pooled = len(moments.second) < len(moments.mass)
    times = (empty.sum() if pooled else empty).reshape(-1, *[1] * (moments.second.ndim - 1))
    second = moments.second + times * one * spread(moments)[1]
    # About the centre of all rows, so that the second moment is the scatter.
    centre = np.where(empty[:, None], extent.centre, moments.centre)
    mass = np.where(empty, one, moments.mass)
    return Moments(mass, centre, moments.first, second, moments.form)


class _Nothing:
    """No second moments: for a pass that only finds the means."""

    def weighed(self, Z, r, place):
        return place.put(0.0)

    def shape(self, n_features):
        return ()

    def of(self, form):
        return np.zeros(1)

    def scatter(self, Z, r, out):
        return 0.0


_NOTHING = _Nothing()


@dataclass(frozen=True, eq=False)
class Expected:
    """The E-step: objective and expected moments of the rows by a kernel's components.

    Where the kernel leaves second moments out, `total` asks for them over all components.
    """

    kernel: Kernel
    allocation: Allocation = SOFT
    total: bool = True
    combine = staticmethod(added)

    @property
    def row_bytes(self) -> int:
        return self.kernel.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        total = ()
        if self.kernel.leaves_out and self.total:
            form, centre = self.kernel.components.covariances.form, self.kernel.centre[None]
            total = Assigned(all_in_one, centre, form, True)(block, workspace)
        prepared = self.kernel.prepare(block, workspace)
        shares = self.allocation(self.kernel.scores(prepared, workspace), block, workspace)
        objective = weighted_total(shares.log_sum, block.weight)
        weight = block.total_weight
        shares = weighted(shares, block.weight)
        return objective, weight, *total, *self.kernel.accumulate(prepared, shares, workspace)

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        return partial(_expected_on, self, self.kernel.on(place), place)

    def result(self, sums: tuple[Any, ...], total: Moments | None = None) -> tuple[float, Moments]:
        """Objective and moments from the sums over all blocks.

        `total` is `total_moments` of the same rows, where this pass did not ask for it.
        """
        objective, weight, *sums = sums
        if self.kernel.leaves_out and self.total:
            form, centre = self.kernel.components.covariances.form, self.kernel.centre[None]
            total = Moments(*sums[:1], centre, *sums[1:3], form)
            sums = sums[3:]
        moments = self.kernel.moments(tuple(sums), total)
        objective += self.kernel.left_out_in_total(weight, total)
        if not self.allocation.complete:
            outside = max(weight - float(moments.mass.sum()), 0.0)
            moments = Moments(**{**vars(moments), "outside": outside})
        return objective, moments


def _expected_on(over: Expected, kernel: Any, place: Place, block: DeviceBlock) -> tuple[Any, ...]:
    total = ()
    if over.kernel.leaves_out and over.total:
        form, centre = over.kernel.components.covariances.form, over.kernel.centre[None]
        total = Assigned(all_in_one, centre, form, True).on(place)(block)
    prepared = kernel.prepare(block.X)
    R, log_sum = over.allocation.on(kernel.scores(prepared), place)
    objective = standard.weighted_total(log_sum, block, place)
    weight = standard.total_weight(block, place)
    return (
        objective,
        weight,
        *total,
        *kernel.accumulate(prepared, standard.weighed(R, block, place)),
    )
