"""The E-step by whitening: differences first, ``y = U_k'(x - mu_k)``.

Exact to rounding at any scale, with second moments about the current means.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gmmem.forms import Quadratic
from gmmem.kernels.arithmetic import softmax, weighted_total
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.sources.base import FLOAT64, Block, Frame, Workspace

# Rows of the whitened difference that are computed at once.
SLAB = 32

# A responsibility below this share of its component's largest in a block cannot move any
# sum, even of a component of scale 1e-8 of the data: most are, where features are many.
FAINT = {np.dtype(np.float64): 1e-40, np.dtype(np.float32): 1e-20}


def sums_about(
    Xt: np.ndarray,
    R: np.ndarray,
    centres: np.ndarray,
    form: Quadratic,
    pooled: bool,
    workspace: Workspace,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass, first and second moments of one block about a centre for each component.

    Xt (d, b) and R (K, b) in the precision of the arithmetic; the sums in float64.
    """
    K, d = centres.shape
    mass, first = R.sum(axis=1, dtype=np.float64), np.zeros((K, d))
    second = np.zeros((1 if pooled else K, *form.shape(d)))
    for k, r in enumerate(R):
        rows, counted = Xt, np.flatnonzero(r > FAINT[r.dtype] * r.max())
        if len(counted) < len(r) // 2:
            r, rows = r[counted], np.take(Xt, counted, axis=1)
        Z = workspace.take("Z", (d, len(r)), r.dtype)
        np.subtract(rows, centres[k].astype(r.dtype)[:, None], out=Z)
        first[k] = Z @ r
        scratch = workspace.take("A", Z.shape, r.dtype)
        second[0 if pooled else k] += form.scatter(Z, r, scratch)
    return mass, first, second


def sums_of_groups(
    X: np.ndarray,
    labels: np.ndarray,
    weight: np.ndarray | None,
    centres: np.ndarray,
    form: Quadratic,
    pooled: bool,
    workspace: Workspace,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same where row i belongs to component ``labels[i]`` alone."""
    (K, d), r = centres.shape, np.ones(len(X)) if weight is None else weight
    mass, first = np.bincount(labels, weights=r, minlength=K), np.zeros((K, d))
    second = np.zeros((1 if pooled else K, *form.shape(d)))
    order = np.argsort(labels, kind="stable")
    rows, r = X[order], r[order]
    stops = np.cumsum(np.bincount(labels, minlength=K))
    for k in np.unique(labels):
        group = slice(stops[k - 1] if k else 0, stops[k])
        Z = np.subtract(rows[group].T, centres[k][:, None])
        first[k] = Z @ r[group]
        scratch = workspace.take("A", Z.shape)
        second[0 if pooled else k] += form.scatter(Z, r[group], scratch)
    return mass, first, second


def transposed(
    X: np.ndarray, centre: np.ndarray | None, dtype: np.dtype, workspace: Workspace
) -> np.ndarray:
    """A one, then the features along the rows, about a centre: (1 + d, b)."""
    Z = workspace.take("Xt", (1 + X.shape[1], len(X)), dtype)
    Z[0] = 1
    if centre is None:
        np.copyto(Z[1:], X.T)
    else:
        np.subtract(X.T, centre.astype(dtype)[:, None], out=Z[1:])
    return Z


@dataclass(frozen=True, eq=False)
class WhitenedKernel:
    """Differences first, then whitening: exact to rounding at any scale.

    In float32 rows and means are taken about the centre of the data first.
    """

    mixture: Mixture
    frame: Frame
    dtype: np.dtype = FLOAT64

    @property
    def exact(self) -> bool:
        """Whether components of any scale are safe."""
        return self.dtype == FLOAT64

    @property
    def row_bytes(self) -> int:
        # Half of what it takes, for twice the rows: its operations are many and short, and
        # suffer from handing over Python's lock.
        return self.dtype.itemsize * (self.mixture.n_components + 3 * self.mixture.n_features) // 2

    @property
    def _origin(self) -> np.ndarray | None:
        return None if self.exact else self.frame.centre

    @cached_property
    def _means(self) -> np.ndarray:
        if self._origin is None:
            return self.mixture.means
        return (self.mixture.means - self._origin).astype(self.dtype)

    def _rows(self, block: Block, workspace: Workspace) -> np.ndarray:
        return transposed(block.X, self._origin, self.dtype, workspace)

    def _joint(self, Z: np.ndarray, workspace: Workspace) -> np.ndarray:
        """`log_joint` of rows as `transposed` gives them."""
        (K, d), b, storage = self.mixture.means.shape, Z.shape[1], self.mixture.covariances
        L = workspace.take("L", (K, b), self.dtype)
        D = workspace.take("Z", (d, b), self.dtype)
        square = workspace.take("square", (b,), self.dtype)
        for k, mean in enumerate(self._means):
            L[k] = self.mixture.log_peaks[k]
            np.subtract(Z[1:], mean[:, None], out=D)
            # Rows of the whitened difference need only the rows of the difference above them.
            for start in range(0, d, SLAB):
                last = min(start + SLAB, d)
                Y = workspace.take("A", (last - start, b), self.dtype)
                storage.whiten(0 if len(storage.factors) == 1 else k, D[:last], Y, start)
                np.einsum("jb,jb->b", Y, Y, out=square)
                np.multiply(square, 0.5, out=square)
                np.subtract(L[k], square, out=L[k])
        return L

    def log_joint(self, block: Block, workspace: Workspace) -> np.ndarray:
        """Log of weight times density, (K, b)."""
        return self._joint(self._rows(block, workspace), workspace)

    def posterior(self, block: Block, workspace: Workspace) -> tuple[np.ndarray, ...]:
        """Responsibilities up to a factor a row (K, b), log-densities and factors (b,)."""
        R = self.log_joint(block, workspace)
        return R, *softmax(R, workspace)

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        Z = self._rows(block, workspace)
        R = self._joint(Z, workspace)
        log_sum, scale = softmax(R, workspace)
        log_likelihood = weighted_total(log_sum, block.weight)
        if block.weight is not None:
            np.multiply(scale, block.weight, out=scale, casting="same_kind")
        np.multiply(R, scale, out=R)
        return log_likelihood, *self.sums(Z[1:], R, workspace)

    def sums(self, Xt: np.ndarray, R: np.ndarray, workspace: Workspace) -> tuple[Any, ...]:
        """Mass, first and second moments of the columns of Xt (d, b), given R (K, b)."""
        storage = self.mixture.covariances
        pooled = len(storage.factors) == 1
        return sums_about(Xt, R, self._means, storage.form, pooled, workspace)

    def moments(self, sums: tuple[Any, ...]) -> tuple[float, Moments]:
        """Log-likelihood and moments from the sums over all blocks."""
        log_likelihood, mass, first, second = sums
        centres = self._means.astype(np.float64)
        if self._origin is not None:
            centres = centres + self._origin
        form = self.mixture.covariances.form
        return log_likelihood, Moments(mass, centres, first, second, form)
