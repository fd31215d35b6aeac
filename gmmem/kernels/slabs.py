"""The E-step by whitening where no component is small: all components in one product.

    y_k = U_k'z - U_k'm_k = [-U_k'm_k, U_k'] [1; z],      z = x - c,  m_k = mu_k - c

The matrices of all components stand above each other, cut into slabs of few rows: U_k' is
lower triangular, and each slab ends where its last row does.  Second moments are taken
about c, by the same slabs, and the half that symmetry gives is left out.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gmmem.forms import OUTER
from gmmem.kernels.arithmetic import NEGLIGIBLE
from gmmem.kernels.standard import StandardDifferences
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.moments import Moments
from gmmem.sources.base import Workspace
from gmmem.sources.device import Place

# Rows of a component in a slab, with few components and with many, and rows in a product
# (measured on blocks of a thousand rows: narrow slabs leave out more, wide ones are faster).
WIDE_SLAB, NARROW_SLAB, MANY = 16, 8, 8
PRODUCT_ROWS = 128


@dataclass(frozen=True, eq=False)
class SlabKernel(WhitenedKernel):
    """For full covariances: whitening and second moments about the centre of the data.

    As accurate as the quadratic terms, and cheaper where these are many.
    """

    exact = False

    @property
    def row_bytes(self) -> int:
        K, d = self.components.n_components, self.components.n_features
        return self.dtype.itemsize * (K + d + PRODUCT_ROWS)

    @property
    def _width(self) -> int:
        return WIDE_SLAB if self.components.n_components < MANY else NARROW_SLAB

    @cached_property
    def _slabs(self) -> list[np.ndarray]:
        """For each slab the matrices of all components over root 2, (K, rows, 1 + columns)."""
        lower = np.sqrt(0.5) * self.components.covariances.factors.transpose(0, 2, 1)
        bias = -(lower @ (self.components.means - self.centre)[:, :, None])
        slabs, d = [], lower.shape[1]
        for first in range(0, d, self._width):
            last = min(first + self._width, d)
            parts = bias[:, first:last], lower[:, first:last, :last]
            slabs.append(np.concatenate(parts, axis=2).astype(self.dtype, copy=False))
        return slabs

    def _groups(self, n_components: int):
        """Slices of components that make up one product."""
        size = PRODUCT_ROWS // self._width
        return [slice(k, min(k + size, n_components)) for k in range(0, n_components, size)]

    def _joint(self, Z: np.ndarray, workspace: Workspace) -> np.ndarray:
        """Log of weight times density of rows as they were prepared."""
        K, b = self.components.n_components, Z.shape[1]
        L = workspace.take("L", (K, b), self.dtype)
        L[:] = self.components.log_peaks[:, None]
        for some in self._groups(K):
            square = workspace.take("square", L[some].shape, self.dtype)
            for W in self._slabs:
                size, rows, columns = W[some].shape
                Y = workspace.take("A", (size, rows, b), self.dtype)
                np.matmul(W[some].reshape(-1, columns), Z[:columns], out=Y.reshape(-1, b))
                np.einsum("kjb,kjb->kb", Y, Y, out=square)
                np.subtract(L[some], square, out=L[some])
        return L

    def _sums(self, Xt: np.ndarray, R: np.ndarray, workspace: Workspace) -> tuple[Any, ...]:
        """Mass, first and (the upper triangle of) second moments about the centre."""
        (K, b), d = R.shape, len(Xt)
        mass, first = R.sum(axis=1, dtype=np.float64), (R @ Xt.T).astype(np.float64, copy=False)
        second = np.zeros((K, d, d))
        counted = R > NEGLIGIBLE[R.dtype] * R.max(axis=1, keepdims=True)
        if np.count_nonzero(counted) < counted.size // 2:
            for k, r in enumerate(R):
                rows = np.flatnonzero(counted[k])
                Z = np.take(Xt, rows, axis=1)
                second[k] = OUTER.scatter(Z, r[rows], Z)
            return mass, first, second
        for some in self._groups(K):
            r = R[some, None, :]
            for start in range(0, d, self._width):
                last = min(start + self._width, d)
                A = workspace.take("A", (len(r), last - start, b), self.dtype)
                np.multiply(r, Xt[start:last], out=A)
                part = A.reshape(-1, b) @ Xt[start:].T
                second[some, start:last, start:] = part.reshape(len(r), -1, d - start)
        return mass, first, second

    def moments(self, sums: tuple[Any, ...], total: Moments | None) -> Moments:
        mass, first, second = sums
        rows, columns = np.tril_indices(second.shape[1], -1)
        second[:, rows, columns] = second[:, columns, rows]
        return Moments(mass, self.centre[None], first, second, OUTER)

    def on(self, place: Place) -> StandardDifferences:
        """On a device: the same moments, and scores by differences."""
        return StandardDifferences(self, place, np.zeros_like(self.components.means))
