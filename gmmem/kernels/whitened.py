"""The E-step by whitening: differences first, ``y = U_k'(x - mu_k)``.

Exact to rounding at any scale, with second moments about the current means.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gmmem.kernels.base import Components, Scores, Shares
from gmmem.kernels.standard import StandardDifferences
from gmmem.kernels.sums import sums_about, transposed
from gmmem.moments import Moments
from gmmem.sources.base import FLOAT64, Block, Workspace
from gmmem.sources.device import Place

# Rows of the whitened difference that are computed at once.
SLAB = 32


@dataclass(frozen=True, eq=False)
class WhitenedKernel:
    """Differences first, then whitening: exact to rounding at any scale.

    In float32 rows and means are taken about the centre of the data first.
    """

    components: Components
    centre: np.ndarray
    dtype: np.dtype = FLOAT64
    leaves_out = False
    begins = 1

    @property
    def exact(self) -> bool:
        """Whether components of any scale are safe."""
        return self.dtype == FLOAT64

    @property
    def row_bytes(self) -> int:
        # Half of what it takes, for twice the rows: its operations are many and short, and
        # suffer from handing over Python's lock.
        (K, d) = self.components.means.shape
        return self.dtype.itemsize * (K + 3 * d) // 2

    @property
    def _origin(self) -> np.ndarray | None:
        return None if self.exact else self.centre

    @property
    def origin(self) -> np.ndarray:
        """What features are prepared about."""
        return np.zeros_like(self.centre) if self.exact else self.centre

    @cached_property
    def _means(self) -> np.ndarray:
        if self._origin is None:
            return self.components.means
        return (self.components.means - self._origin).astype(self.dtype)

    def prepare(self, block: Block, workspace: Workspace) -> np.ndarray:
        """A one, then the features along the rows."""
        return transposed(block, self._origin, self.dtype, workspace)

    def scores(self, prepared: np.ndarray, workspace: Workspace) -> Scores:
        return Scores(self._joint(prepared, workspace), lambda: 0.0)

    def _joint(self, Z: np.ndarray, workspace: Workspace) -> np.ndarray:
        """Log of weight times density of rows as they were prepared."""
        (K, d), b = self.components.means.shape, Z.shape[1]
        L = workspace.take("L", (K, b), self.dtype)
        D = workspace.take("Z", (d, b), self.dtype)
        square = workspace.take("square", (b,), self.dtype)
        for k, mean in enumerate(self._means):
            L[k] = self.components.log_peaks[k]
            np.subtract(Z[1:], mean[:, None], out=D)
            # Rows of the whitened difference need only the rows of the difference above them.
            for start in range(0, d, SLAB):
                last = min(start + SLAB, d)
                Y = workspace.take("A", (last - start, b), self.dtype)
                self.components.covariances.whiten(k, D[:last], Y, start)
                np.einsum("jb,jb->b", Y, Y, out=square)
                np.multiply(square, 0.5, out=square)
                np.subtract(L[k], square, out=L[k])
        return L

    def accumulate(
        self, prepared: np.ndarray, shares: Shares, workspace: Workspace
    ) -> tuple[Any, ...]:
        R = np.multiply(shares.R, shares.scale, out=shares.R)
        return self._sums(prepared[1:], R, workspace)

    def _sums(self, Xt: np.ndarray, R: np.ndarray, workspace: Workspace) -> tuple[Any, ...]:
        storage = self.components.covariances
        return sums_about(Xt, R, self._means, storage.form, storage.shared, workspace)

    def moments(self, sums: tuple[Any, ...], total: Moments | None) -> Moments:
        mass, first, second = sums
        centres = self._means.astype(np.float64)
        if self._origin is not None:
            centres = centres + self._origin
        return Moments(mass, centres, first, second, self.components.covariances.form)

    def on(self, place: Place) -> StandardDifferences:
        """The same on a device."""
        return StandardDifferences(self, place, self._means)

    def left_out_in_total(self, weight: float, total: Moments | None) -> float:
        """What the scores left out: nothing."""
        return 0.0
