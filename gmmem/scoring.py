"""Components made ready to score rows, wherever the rows lie.

A row's answer depends on the components and on the row alone.  So the kernel is chosen for
the rows that the components would give; rows from farther away are scored by differences, and
those of which values are missing by what is observed.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gmmem.kernels.allocation import SOFT
from gmmem.kernels.base import Kernel, Scores, Shares, WeightedComponents
from gmmem.kernels.completed import scores_of_incomplete
from gmmem.kernels.guard import choose
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.mixture import LOG_ZERO
from gmmem.sources.base import Block, Workspace
from gmmem.sources.device import DeviceBlock, Place

# In standard deviations of each component: how far its own rows lie.
WIDTH = 10.0

# What expansion may cost, as a share of what it may cost in a fit.
TOLERANCE = 1e-2

# The largest whitened difference whose square is sure to fit in float64.
LARGEST_WHITENED = 1e150

# Rows scored by differences at a time, in memory of their own.
FEW = 4096


@dataclass(frozen=True, eq=False)
class Scorer:
    """Components made ready to score rows.

    Parameters
    ----------
    kernel : Kernel
        Good for rows within `reach` of its centre.
    reach : ndarray of shape (n_features,)
    limit : float
        Values up to this can be whitened and squared.
    """

    kernel: Kernel
    reach: np.ndarray
    limit: float

    @classmethod
    def of(cls, components: WeightedComponents, dtype: Any) -> "Scorer":
        """The cheapest accurate arithmetic, in `dtype` or wider."""
        means, storage, dtype = components.means, components.covariances, np.dtype(dtype)
        with np.errstate(over="ignore"):
            middle = (means.min(axis=0) / 2 + means.max(axis=0) / 2).astype(dtype)
        centre = np.where(np.isfinite(middle), middle, 0).astype(np.float64)
        reach = (np.abs(means - centre) + WIDTH * np.sqrt(storage.variances)).max(axis=0)
        kernel = choose(components, centre, reach, dtype, tolerance=TOLERANCE)
        limit = LARGEST_WHITENED / (components.n_features * max(np.abs(storage.factors).max(), 1))
        return cls(kernel, np.full_like(reach, limit) if kernel.exact else reach, limit)

    @property
    def row_bytes(self) -> int:
        return self.kernel.row_bytes

    @cached_property
    def _differences(self) -> WhitenedKernel:
        return WhitenedKernel(self.kernel.components, self.kernel.centre)

    @cached_property
    def _lost(self) -> np.ndarray:
        """Components of weight zero, which have no row, however far from all others."""
        return np.flatnonzero(self.kernel.components.log_peaks < LOG_ZERO / 2)

    def joint(self, block: Block, workspace: Workspace) -> np.ndarray:
        """Log of weight times density but for a number a row, (K, b)."""
        prepared, far = self._prepare(block, workspace)
        L = self.kernel.scores(prepared, workspace).L
        for some in far:
            L[:, some], _ = self._from_afar(block.X[some])
        L[self._lost] = -np.inf
        return L

    def posterior(self, block: Block, workspace: Workspace) -> Shares:
        """Responsibilities, and log-densities as the sums."""
        prepared, far = self._prepare(block, workspace)
        scores = self.kernel.scores(prepared, workspace)
        left_out = scores.left_out()
        scores.L[self._lost] = -np.inf
        shares = SOFT(scores, block, workspace)
        np.add(shares.log_sum, left_out, out=shares.log_sum, casting="same_kind")
        for some in far:
            L, size = self._from_afar(block.X[some])
            L[self._lost] = -np.inf
            part = SOFT(Scores(L, lambda: 0.0), block, Workspace())
            shares.R[:, some], shares.scale[some] = part.R, part.scale
            with np.errstate(over="ignore"):
                shares.log_sum[some] = part.log_sum / size**2
        return shares

    def on(self, place: Place) -> "ScorerOn":
        """The same on a device."""
        return ScorerOn(self, self.kernel.on(place), place)

    def _prepare(self, block: Block, workspace: Workspace) -> tuple[np.ndarray, list[np.ndarray]]:
        """A block as the kernel wants it, and which rows are too far for it, in parts."""
        with np.errstate(over="ignore", invalid="ignore"):
            prepared = self.kernel.prepare(block, workspace)
            Z = prepared[self.kernel.begins :][: len(self.reach)]
            if (Z.max(axis=1) <= self._high).all() and (Z.min(axis=1) >= self._low).all():
                return prepared, []
        X, centre = block.X.astype(np.float64), self.kernel.centre
        # What is missing is not within reach either.
        far = np.flatnonzero(~(np.abs(X - centre) <= self.reach).all(axis=1))
        X[far] = centre
        # Under another key: what is kept of the block is not that of these rows.
        clean = block._replace(start=-1 - block.start, X=X)
        prepared = self.kernel.prepare(clean, workspace)
        return prepared, np.array_split(far, -(-len(far) // FEW)) if len(far) else []

    @cached_property
    def _high(self) -> np.ndarray:
        return self.kernel.centre - self.kernel.origin + self.reach

    @cached_property
    def _low(self) -> np.ndarray:
        return self.kernel.centre - self.kernel.origin - self.reach

    def _from_afar(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (K, m) by differences, and by what each row was scaled to fit in float64."""
        X, workspace = X.astype(np.float64), Workspace()
        largest = np.fmax.reduce(np.abs(X), axis=1)
        size = self.limit / np.fmax(largest, self.limit)
        gaps = np.isnan(X).any(axis=1)
        if not gaps.any():
            prepared = self._differences.prepare(Block(0, X * size[:, None]), workspace)
            return self._differences.scores(prepared, workspace).L, size
        components = self.kernel.components
        if np.isinf(X).any():
            raise ValueError("X contains infinity.")
        L = np.empty((components.n_components, len(X)))
        whole, some = np.flatnonzero(~gaps), np.flatnonzero(gaps)
        if len(whole):
            prepared = self._differences.prepare(Block(0, (X * size[:, None])[whole]), workspace)
            L[:, whole] = self._differences.scores(prepared, workspace).L
        L[:, some] = scores_of_incomplete(components, (X * size[:, None])[some])
        return L, size


@dataclass(frozen=True, eq=False)
class ScorerOn:
    """Components made ready to score rows on a device; rows from afar come to the host."""

    scorer: Scorer
    kernel: Any
    place: Place

    def __call__(self, block: DeviceBlock) -> tuple[Any, Any, Any]:
        """Scores but for a number a row (b, K), responsibilities, and log-densities."""
        xp, scorer = self.place.xp, self.scorer
        X, far = self._near(block.X)
        prepared = self.kernel.prepare(X)
        L = self.kernel.scores(prepared)
        R, log_sum = SOFT.on(L, self.place)
        log_sum = log_sum + self.kernel.left_out(prepared)
        if far is not None:
            rows = self.place.host(block.X)[far]
            wide = Block(0, rows)
            shares = scorer.posterior(wide, Workspace())
            of_far = [scorer.joint(wide, Workspace()), shares.R * shares.scale, shares.log_sum]
            mask = self.place.put(far, np.bool_)
            for array, values in zip((L, R, log_sum), of_far, strict=True):
                array[mask] = xp.astype(self.place.put(values.T), array.dtype)
        return L, R, log_sum

    def _near(self, X: Any) -> tuple[Any, np.ndarray | None]:
        """The rows, those from afar at the centre, and which they are, if any."""
        xp, place = self.place.xp, self.place
        centre = xp.astype(place.put(self.scorer.kernel.centre), X.dtype)
        far = xp.any(xp.abs(X - centre) > xp.astype(place.put(self.scorer.reach), X.dtype), axis=1)
        if not bool(xp.any(far)):
            return X, None
        return xp.where(far[:, None], centre, X), place.host(far)
