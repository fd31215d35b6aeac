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

# How many rows of a block tell whether lengths are left early, and the share of the
# work below which that pays for the selection of rows.
PROBES, WORTHWHILE = 64, 0.6

# A responsibility below this share of its component's largest in a block cannot move any
# sum, even of a component of scale 1e-8 of the data: most are, where features are many.
FAINT = {np.dtype(np.float64): 1e-40, np.dtype(np.float32): 1e-20}


def sums_about(
    X: np.ndarray,
    R: np.ndarray,
    centres: np.ndarray | None,
    features: Quadratic,
    pooled: bool,
    workspace: Workspace,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass, first and second moments of one block about a centre for each component.

    X (b, d) and R (K, b) in the precision of the arithmetic; the sums in float64.
    Without centres, about the origin.
    """
    K, d = len(R), X.shape[1]
    mass = R.sum(axis=1, dtype=np.float64)
    first = np.zeros((K, d)) if centres is not None else (R @ X).astype(np.float64, copy=False)
    second = np.zeros((1 if pooled else K, *features.shape(d)))
    Xt = transposed(X, workspace)
    for k, r in enumerate(R):
        rows, counted = Xt, np.flatnonzero(r > FAINT[r.dtype] * r.max())
        if len(counted) < len(r) // 2:
            r, rows = r[counted], X[counted].T
        if centres is not None:
            Z = workspace.take("Z", (d, len(r)), r.dtype)
            rows = np.subtract(rows, centres[k].astype(r.dtype)[:, None], out=Z)
            first[k] = rows @ r
        scratch = workspace.take("A", (d, len(r)), r.dtype)
        second[0 if pooled else k] += features.scatter(rows, r, scratch)
    return mass, first, second


def sums_of_groups(
    X: np.ndarray,
    labels: np.ndarray,
    weight: np.ndarray | None,
    centres: np.ndarray,
    features: Quadratic,
    pooled: bool,
    workspace: Workspace,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same where row i belongs to component ``labels[i]`` alone."""
    (K, d), r = centres.shape, np.ones(len(X)) if weight is None else weight
    mass, first = np.bincount(labels, weights=r, minlength=K), np.zeros((K, d))
    second = np.zeros((1 if pooled else K, *features.shape(d)))
    order = np.argsort(labels, kind="stable")
    rows, r = X[order], r[order]
    stops = np.cumsum(np.bincount(labels, minlength=K))
    for k in np.unique(labels):
        group = slice(stops[k - 1] if k else 0, stops[k])
        Z = np.subtract(rows[group].T, centres[k][:, None])
        first[k] = Z @ r[group]
        scratch = workspace.take("A", Z.shape)
        second[0 if pooled else k] += features.scatter(Z, r[group], scratch)
    return mass, first, second


def transposed(X: np.ndarray, workspace: Workspace) -> np.ndarray:
    """The block with features along the rows."""
    Xt = workspace.take("Xt", X.T.shape, X.dtype)
    np.copyto(Xt, X.T)
    return Xt


@dataclass(frozen=True, eq=False)
class WhitenedKernel:
    """Differences first, then whitening: exact to rounding at any scale.

    Where no component is small, second moments about the centre of the data do, and take
    less time.  Then, and in float32, rows and means are taken about that centre first.
    """

    mixture: Mixture
    frame: Frame
    dtype: np.dtype = FLOAT64
    common: bool = False
    """Whether second moments are taken about the centre of the data."""

    @property
    def exact(self) -> bool:
        """Whether components of any scale are safe."""
        return self.dtype == FLOAT64 and not self.common

    @property
    def row_bytes(self) -> int:
        # Half of what it takes, for twice the rows: its operations are many and short, and
        # suffer from handing over Python's lock.
        return self.dtype.itemsize * (self.mixture.n_components + 3 * self.mixture.n_features) // 2

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
        so its length grows from the first on.  Where components are soon out of question
        for most rows, their lengths are left as they are then.
        """
        (b, d), L = X.shape, workspace.take("L", (self.mixture.n_components, len(X)), self.dtype)
        if d <= SLAB or not self._soon_settled(X[:: max(1, b // PROBES)]):
            return self._lengths(L, X, d, workspace)
        self._lengths(L, X, SLAB, workspace)
        nearest = L.argmax(axis=0)
        for k in range(len(L)):
            self._finish(L, k, X, np.flatnonzero(nearest == k), None, workspace)
        least = L[nearest, np.arange(b)] + np.log(FAINT[self.dtype])
        for k in range(len(L)):
            still_open = (L[k] > least) & (nearest != k)
            self._finish(L, k, X, np.flatnonzero(still_open), least, workspace)
        return L

    def _whiten(self, k: int, Z: np.ndarray, out: np.ndarray, first: int) -> np.ndarray:
        storage = self.mixture.covariances
        return storage.whiten(0 if len(storage.factors) == 1 else k, Z, out, first)

    def _lengths(self, L, X: np.ndarray, stop: int, workspace: Workspace) -> np.ndarray:
        """Log of weight times density as far as the first rows of the difference go."""
        b, Xt = len(X), transposed(X[:, :stop], workspace)
        Z = workspace.take("Z", (stop, b), self.dtype)
        square = workspace.take("square", (b,), self.dtype)
        for k, mean in enumerate(self._means):
            L[k] = self.mixture.log_peaks[k]
            np.subtract(Xt, mean[:stop, None], out=Z)
            for start in range(0, stop, SLAB):
                last = min(start + SLAB, stop)
                Y = workspace.take("A", (last - start, b), self.dtype)
                self._whiten(k, Z[:last], Y, start)
                np.einsum("jb,jb->b", Y, Y, out=square)
                np.multiply(square, 0.5, out=square)
                np.subtract(L[k], square, out=L[k])
        return L

    def _soon_settled(self, X: np.ndarray) -> bool:
        """Whether most lengths can be left early, going by a few rows."""
        d, m = X.shape[1], len(X)
        L = np.empty((self.mixture.n_components, m), self.dtype)
        self._lengths(L, X, SLAB, Workspace())
        gap = (L.max(axis=0) - L) / SLAB
        # A component is out of question once its gap makes up for what the nearest has to go.
        rows_needed = (d / 2 - np.log(FAINT[self.dtype])) / (gap + 0.5)
        return bool(np.mean(np.minimum(rows_needed / d, 1) ** 2) < WORTHWHILE)

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
        centres = None if self.common else self._means
        return log_likelihood, *sums_about(X, R, centres, storage.features, pooled, workspace)

    def moments(self, sums: tuple[Any, ...]) -> tuple[float, Moments]:
        """Log-likelihood and moments from the sums over all blocks."""
        log_likelihood, mass, first, second = sums
        centre = self.frame.centre[None]
        if not self.common:
            origin = 0.0 if self.exact else centre
            centre = self._means.astype(np.float64) + origin
        return log_likelihood, Moments(
            mass, centre, first, second, self.mixture.covariances.features
        )
