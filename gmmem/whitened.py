"""The E-step by whitening: differences first, ``y = U_k'(x - mu_k)``.

Exact to rounding at any scale, with second moments about the current means; and the
cheaper form where features are many.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gmmem.arithmetic import softmax, weighted_total
from gmmem.blocks import FLOAT64, Block, Frame, Workspace
from gmmem.features import Quadratic
from gmmem.mixture import Mixture
from gmmem.moments import Moments

# Rows of the whitened difference that are computed at once.
SLAB = 32

# A responsibility below this share of its component's largest in a block cannot move any
# sum, even of a component of scale 1e-8 of the data: most are, where features are many.
FAINT = {np.dtype(np.float64): 1e-40, np.dtype(np.float32): 1e-20}


def sums_about(
    X: np.ndarray,
    R: np.ndarray,
    centres: np.ndarray,
    features: Quadratic,
    pooled: bool,
    workspace: Workspace,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass, first and second moments of one block about a centre for each component.

    X (b, d) and R (K, b) in the precision of the arithmetic; the sums in float64.
    """
    K, d = centres.shape
    mass, first = R.sum(axis=1, dtype=np.float64), np.zeros((K, d))
    second = np.zeros((1 if pooled else K, *features.shape(d)))
    Xt = transposed(X, workspace)
    for k, centre in enumerate(centres.astype(R.dtype, copy=False)):
        r, rows = R[k], Xt
        counted = np.flatnonzero(r > FAINT[r.dtype] * r.max())
        if len(counted) < len(r) // 2:
            r, rows = r[counted], X[counted].T
        shape = (d, len(r))
        Z = np.subtract(rows, centre[:, None], out=workspace.take("Z", shape, r.dtype))
        first[k] = Z @ r
        second[0 if pooled else k] += features.scatter(Z, r, workspace.take("A", shape, r.dtype))
    return mass, first, second


def transposed(X: np.ndarray, workspace: Workspace) -> np.ndarray:
    """The block with features along the rows."""
    Xt = workspace.take("Xt", X.T.shape, X.dtype)
    np.copyto(Xt, X.T)
    return Xt


@dataclass(frozen=True, eq=False)
class WhitenedKernel:
    """Differences first, then whitening: exact to rounding at any scale.

    In float32 rows and means are taken about the centre of the data, so that the means
    lose no more digits than the rows have.
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
        return self.dtype.itemsize * (self.mixture.n_components + 3 * self.mixture.n_features)

    def _rows(self, block: Block, workspace: Workspace) -> np.ndarray:
        if self.exact:
            return block.X.astype(FLOAT64, copy=False)
        rows = workspace.take("rows", block.X.shape, self.dtype)
        return np.subtract(block.X, self.frame.centre.astype(self.dtype), out=rows)

    @cached_property
    def _means(self) -> np.ndarray:
        if self.exact:
            return self.mixture.means
        return (self.mixture.means - self.frame.centre).astype(self.dtype)

    def _joint(self, X: np.ndarray, workspace: Workspace) -> np.ndarray:
        """`log_joint` of rows about the origin.

        Rows of the whitened difference need only the rows of the difference above them,
        so its length grows from the first on.  As soon as a component is out of question
        for a row its length is left as it is.
        """
        (b, d), mixture = X.shape, self.mixture
        head = min(SLAB, d)
        L = workspace.take("L", (mixture.n_components, b), self.dtype)
        Z = workspace.take("Z", (head, b), self.dtype)
        Y = workspace.take("A", (head, b), self.dtype)
        Xt = transposed(X[:, :head], workspace)
        for k, mean in enumerate(self._means):
            np.subtract(Xt, mean[:head, None], out=Z)
            self._whiten(k, Z, Y, 0)
            np.einsum("jb,jb->b", Y, Y, out=L[k])
        np.multiply(L, -0.5, out=L)
        np.add(L, mixture.log_peaks[:, None].astype(self.dtype), out=L)
        if head < d:
            self._grow(L, X, workspace)
        return L

    def _whiten(self, k: int, Z: np.ndarray, out: np.ndarray, first: int) -> np.ndarray:
        storage = self.mixture.covariances
        return storage.whiten(0 if len(storage.factors) == 1 else k, Z, out, first)

    def _grow(self, L: np.ndarray, X: np.ndarray, workspace: Workspace) -> None:
        """Go on from the first rows' lengths, with the likeliest component of each row first."""
        nearest = L.argmax(axis=0)
        for k in range(len(L)):
            self._finish(L, k, X, np.flatnonzero(nearest == k), None, workspace)
        least = L[nearest, np.arange(len(X))] + np.log(FAINT[self.dtype])
        for k in range(len(L)):
            open_ = (L[k] > least) & (nearest != k)
            self._finish(L, k, X, np.flatnonzero(open_), least, workspace)

    def _finish(self, L, k: int, X, rows: np.ndarray, least, workspace: Workspace) -> None:
        """Subtract half the remaining squares, unless a row falls below its least on the way."""
        d, log_joint = X.shape[1], L[k, rows]
        D = workspace.take("D", (len(rows), d), self.dtype)
        np.take(X, rows, axis=0, out=D, mode="clip")
        np.subtract(D, self._means[k], out=D)
        for first in range(SLAB, d, SLAB):
            last = min(first + SLAB, d)
            Y = workspace.take("A", (last - first, len(rows)), self.dtype)
            self._whiten(k, D[:, :last].T, Y, first)
            log_joint -= 0.5 * np.einsum("jb,jb->b", Y, Y)
            if least is None or last == d:
                continue
            left = np.flatnonzero(log_joint > least[rows])
            if len(left) < len(rows) // 2:
                L[k, rows] = log_joint
                rows, log_joint, D = rows[left], log_joint[left], D[left]
        L[k, rows] = log_joint

    def log_joint(self, block: Block, workspace: Workspace) -> np.ndarray:
        """Log of weight times density (K, b); a bound on it where it is out of question."""
        return self._joint(self._rows(block, workspace), workspace)

    def posterior(self, block: Block, workspace: Workspace) -> tuple[np.ndarray, ...]:
        """Responsibilities up to a factor a row (K, b), log-densities and factors (b,)."""
        R = self.log_joint(block, workspace)
        return R, *softmax(R, workspace)

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        X = self._rows(block, workspace)
        R = self._joint(X, workspace)
        log_sum, scale = softmax(R, workspace)
        log_likelihood = weighted_total(log_sum, block.weight)
        if block.weight is not None:
            np.multiply(scale, block.weight, out=scale, casting="same_kind")
        np.multiply(R, scale, out=R)
        storage = self.mixture.covariances
        pooled = len(storage.factors) == 1
        return log_likelihood, *sums_about(X, R, self._means, storage.features, pooled, workspace)

    def moments(self, sums: tuple[Any, ...]) -> tuple[float, Moments]:
        """Log-likelihood and moments from the sums over all blocks."""
        log_likelihood, mass, first, second = sums
        features = self.mixture.covariances.features
        origin = 0.0 if self.exact else self.frame.centre
        centre = self._means.astype(np.float64) + origin
        return log_likelihood, Moments(mass, centre, first, second, features)
