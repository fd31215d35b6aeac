"""The E-step of one block of rows, in two forms, and the guard that chooses.

*Features*: two matrix products and a softmax,

    L = T Phi(X),    R = softmax(L),    S = R Phi(X)'

fast, but the quadratic form is expanded, and errs by about eps (R/s)^2 where R
is the reach of the data about the centre and s the scale of a component.

*Whitened*: ``y = U_k'(x - mu_k)`` for every component, with second moments about
the current means.  It errs by eps |x - mu_k| / s only, and is the cheaper form
when the number of features is large.

Everything is component-major, (K, block): max, sum and scaling run along
contiguous memory.  A kernel is called with a block and a workspace; it returns
sums, which add over blocks.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gmmem.features import Quadratic
from gmmem.mixture import Mixture
from gmmem.moments import Moments

FLOAT64 = np.dtype(np.float64)

# A block's arrays are to stay near a core, but each operation on them must be long
# against handing over Python's lock from thread to thread (measured: 2 to 6 MB).
BLOCK_BYTES = 4_000_000
SMALLEST_BLOCK, LARGEST_BLOCK = 256, 32_768

# Above this many quadratic features, about 32 columns of full covariances,
# whitening costs less (measured by benchmarks/em_iteration.py).
MOST_FEATURES = 560

# What the expanded form may cost in nats.
TOLERANCE = {np.dtype(np.float64): 1e-8, np.dtype(np.float32): 1e-3}

# The largest bound on the expanded form's terms at which it keeps to that.
REACH = {dtype: tolerance / float(np.finfo(dtype).eps) for dtype, tolerance in TOLERANCE.items()}

# Below this the exponential gives subnormal numbers, which slow the product.
FLOOR = {np.dtype(np.float64): -700.0, np.dtype(np.float32): -80.0}

# A responsibility below this share of a block's largest cannot move any sum of the
# component, even one of scale 1e-8 of the data: most are, once there are many features.
NEGLIGIBLE = 1e-40


class Block(NamedTuple):
    """Rows ``start, start + 1, ...`` of the data, (b, d), and their weights or None."""

    start: int
    X: np.ndarray
    weight: np.ndarray | None


class Frame(NamedTuple):
    """Where the rows lie: what is known of them before any component is."""

    total_weight: float
    centre: np.ndarray
    extent: np.ndarray
    """Largest ``|x - centre|`` of each feature, (d,)."""
    spread: np.ndarray | None
    """Sum of ``(x - centre)(x - centre)'`` as a form (1, ...), if it was asked for."""


class Workspace:
    """Scratch arrays of one thread, allocated once and used again."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, Any], np.ndarray] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
        """An array of that shape whose content is left over from the last use."""
        size, key = math.prod(shape), (name, dtype)
        array = self._arrays.get(key)
        if array is None or array.size < size:
            array = self._arrays[key] = np.empty(size, dtype)
        return array[:size].reshape(shape)


def block_size(n_rows: int, row_bytes: int) -> int:
    """Rows in a block, by what a row needs; the blocks of a data set are even."""
    most = int(np.clip(BLOCK_BYTES // row_bytes, SMALLEST_BLOCK, LARGEST_BLOCK))
    n_blocks = -(-n_rows // most)
    return -(-n_rows // n_blocks)


def softmax(L: np.ndarray, workspace: Workspace) -> tuple[np.ndarray, np.ndarray]:
    """Exponentiate L in place up to a factor a column; return (log-sums, 1 / sums)."""
    peak = workspace.take("peak", L.shape[1:], L.dtype)
    np.max(L, axis=0, out=peak)
    np.subtract(L, peak, out=L)
    np.maximum(L, FLOOR[L.dtype], out=L)
    np.exp(L, out=L)
    total = np.sum(L, axis=0, out=workspace.take("total", L.shape[1:], L.dtype))
    log_sum = np.log(total, out=workspace.take("log_sum", L.shape[1:], L.dtype))
    np.add(log_sum, peak, out=log_sum)
    return log_sum, np.divide(1, total, out=total)


def weighted_total(values: np.ndarray, weight: np.ndarray | None) -> float:
    """Sum of the values times the row weights, in float64."""
    if weight is None:
        return float(np.sum(values, dtype=np.float64))
    return float(np.dot(values.astype(np.float64, copy=False), weight))


@dataclass(frozen=True, eq=False)
class FeatureKernel:
    """``L = T Phi(X)``; the quadratic rows are left out where all components share them."""

    mixture: Mixture
    frame: Frame
    coefficients: np.ndarray
    dtype: np.dtype

    @classmethod
    def of(cls, mixture: Mixture, frame: Frame, dtype: np.dtype) -> "FeatureKernel":
        """Write a mixture as the coefficients of the features."""
        storage, features = mixture.covariances, mixture.covariances.features
        means, precisions = mixture.means - frame.centre, storage.precisions
        linear = features.times(precisions, means)
        constant = mixture.log_peaks - 0.5 * np.einsum("kj,kj->k", linear, means)
        parts = [constant[:, None], linear]
        if len(precisions) > 1:
            parts.append(-0.5 * features.pack(precisions))
        return cls(mixture, frame, np.hstack(parts).astype(dtype), dtype)

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * sum(self.coefficients.shape)

    def _features(self, block: Block, workspace: Workspace) -> np.ndarray:
        d, p = self.mixture.n_features, self.coefficients.shape[1]
        Phi = workspace.take("Phi", (p, len(block.X)), self.dtype)
        Phi[0] = 1
        # Subtract in the precision of the data, then round to that of the kernel.
        np.subtract(block.X.T, self.frame.centre[:, None], out=Phi[1 : d + 1], casting="same_kind")
        if p > d + 1:
            self.mixture.covariances.features.fill(Phi[1 : d + 1], Phi[d + 1 :])
        return Phi

    def _joint(self, Phi: np.ndarray, workspace: Workspace) -> np.ndarray:
        shape = (len(self.coefficients), Phi.shape[1])
        return np.matmul(self.coefficients, Phi, out=workspace.take("L", shape, self.dtype))

    def log_joint(self, block: Block, workspace: Workspace) -> np.ndarray:
        """Log of weight times density, (K, b)."""
        Phi = self._features(block, workspace)
        L = self._joint(Phi, workspace)
        if len(self.mixture.covariances.factors) == 1:
            Z = Phi[1 : self.mixture.n_features + 1]
            Y = self.mixture.covariances.whiten(0, Z, workspace.take("Y", Z.shape, self.dtype))
            L -= 0.5 * np.einsum("jb,jb->b", Y, Y)
        return L

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        Phi = self._features(block, workspace)
        L = self._joint(Phi, workspace)
        log_sum, scale = softmax(L, workspace)
        log_likelihood = weighted_total(log_sum, block.weight)
        if block.weight is not None:
            np.multiply(scale, block.weight, out=scale, casting="same_kind")
        narrow = L if len(L) <= len(Phi) else Phi
        np.multiply(narrow, scale, out=narrow)
        return log_likelihood, (L @ Phi.T).astype(np.float64, copy=False)

    def moments(self, sums: tuple[Any, ...]) -> tuple[float, Moments]:
        """Log-likelihood and moments from the sums over all blocks."""
        log_likelihood, S = sums
        d, storage = self.mixture.n_features, self.mixture.covariances
        if len(storage.factors) == 1:
            second = self.frame.spread
            log_likelihood -= 0.5 * float(storage.features.inner(storage.precisions, second)[0])
        else:
            second = storage.features.unpack(S[:, d + 1 :], d)
        centre = self.frame.centre[None]
        return log_likelihood, Moments(S[:, 0], centre, S[:, 1 : d + 1], second, storage.features)


def sums_about(
    X: np.ndarray,
    R: np.ndarray,
    centres: np.ndarray,
    features: Quadratic,
    pooled: bool,
    workspace: Workspace,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass, first and second moments of one block about a centre for each component."""
    K, d = centres.shape
    mass, first = R.sum(axis=1, dtype=np.float64), np.zeros((K, d))
    second = np.zeros((1 if pooled else K, *features.shape(d)))
    Xt = transposed(X, workspace)
    for k in range(K):
        r, rows = R[k], Xt
        counted = np.flatnonzero(r > NEGLIGIBLE * r.max())
        if len(counted) < len(r) // 2:
            r, rows = r[counted], X[counted].T
        shape = (d, len(r))
        Z = np.subtract(rows, centres[k][:, None], out=workspace.take("Z", shape))
        np.matmul(Z, r, out=first[k])
        second[0 if pooled else k] += features.scatter(Z, r, workspace.take("A", shape))
    return mass, first, second


def transposed(X: np.ndarray, workspace: Workspace) -> np.ndarray:
    """The block with features along the rows, in float64."""
    Xt = workspace.take("Xt", X.T.shape)
    np.copyto(Xt, X.T)
    return Xt


@dataclass(frozen=True, eq=False)
class WhitenedKernel:
    """Differences first, then whitening: exact to rounding at any scale."""

    mixture: Mixture

    @property
    def row_bytes(self) -> int:
        return 8 * (self.mixture.n_components + 3 * self.mixture.n_features)

    def log_joint(self, block: Block, workspace: Workspace) -> np.ndarray:
        """Log of weight times density, (K, b)."""
        mixture, b = self.mixture, len(block.X)
        shared = len(mixture.covariances.factors) == 1
        Z = workspace.take("Z", (mixture.n_features, b))
        Y = workspace.take("A", (mixture.n_features, b))
        L = workspace.take("L", (mixture.n_components, b))
        Xt = transposed(block.X, workspace)
        for k, mean in enumerate(mixture.means):
            np.subtract(Xt, mean[:, None], out=Z)
            mixture.covariances.whiten(0 if shared else k, Z, Y)
            np.einsum("jb,jb->b", Y, Y, out=L[k])
        np.multiply(L, -0.5, out=L)
        np.add(L, mixture.log_peaks[:, None], out=L)
        return L

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        L = self.log_joint(block, workspace)
        log_sum, scale = softmax(L, workspace)
        log_likelihood = weighted_total(log_sum, block.weight)
        if block.weight is not None:
            np.multiply(scale, block.weight, out=scale)
        np.multiply(L, scale, out=L)
        storage = self.mixture.covariances
        pooled = len(storage.factors) == 1
        means, features = self.mixture.means, storage.features
        return log_likelihood, *sums_about(block.X, L, means, features, pooled, workspace)

    def moments(self, sums: tuple[Any, ...]) -> tuple[float, Moments]:
        """Log-likelihood and moments from the sums over all blocks."""
        log_likelihood, mass, first, second = sums
        features = self.mixture.covariances.features
        return log_likelihood, Moments(mass, self.mixture.means, first, second, features)


Kernel = FeatureKernel | WhitenedKernel


def expanded_error(mixture: Mixture, frame: Frame) -> float:
    """Bound, up to the unit roundoff, on what expanding the quadratic form costs."""
    storage = mixture.covariances
    # Rows to predict may all lie to one side of the means.
    extent = np.maximum(frame.extent, np.abs(mixture.means - frame.centre).max(axis=0))
    with np.errstate(over="ignore", invalid="ignore"):
        reach = np.max(storage.features.reach(storage.precisions, extent))
    return float(reach) if np.isfinite(reach) else np.inf


def choose(mixture: Mixture, frame: Frame, dtype: np.dtype) -> Kernel:
    """The cheapest kernel that is accurate for this mixture on these rows."""
    error = expanded_error(mixture, frame)
    storage = mixture.covariances
    shared = len(storage.factors) == 1
    few = shared or storage.features.size(mixture.n_features) <= MOST_FEATURES
    for candidate in (np.dtype(dtype), FLOAT64):
        if few and error <= REACH[candidate] and _in_range(mixture, frame, candidate):
            return FeatureKernel.of(mixture, frame, candidate)
    return WhitenedKernel(mixture)


def _in_range(mixture: Mixture, frame: Frame, dtype: np.dtype) -> bool:
    """Whether squares of the data and the precisions are neither too large nor too small."""
    most = float(np.sqrt(np.finfo(dtype).max)) / 1e3
    return frame.extent.max() < most and np.abs(mixture.covariances.precisions).max() < most**2


# --- before there is a mixture -------------------------------------------------


@dataclass(frozen=True)
class LocateKernel:
    """Total weight, weighted sum, and the smallest and largest value a feature."""

    n_features: int
    row_bytes: int = 64

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        Z = workspace.take("Z", (self.n_features, len(block.X)))
        np.copyto(Z, block.X.T)
        if block.weight is None:
            weight, first = float(len(block.X)), Z.sum(axis=1)
        else:
            weight, first = float(block.weight.sum()), Z @ block.weight
        return weight, first, Z.min(axis=1), Z.max(axis=1)


@dataclass(frozen=True, eq=False)
class AssignedKernel:
    """Moments of rows whose responsibilities are given: an E-step without a mixture."""

    assign: Callable[[Block, Workspace], np.ndarray]
    centres: np.ndarray
    features: Quadratic
    pooled: bool

    @property
    def row_bytes(self) -> int:
        return 8 * (len(self.centres) + 3 * self.centres.shape[1])

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        R = self.assign(block, workspace)
        if block.weight is not None:
            R = R * block.weight
        return sums_about(block.X, R, self.centres, self.features, self.pooled, workspace)
