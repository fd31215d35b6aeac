"""One orientation for all components: the inner iteration of EVE and VVE.

With the other parameters at their best for it, the axes D minimise

    VVE:  f(D) = sum_k n_k sum_j log (D' W_k D)_jj
    EVE:  f(D) = n d log sum_k prod_j (D' W_k D)_jj ** (1 / d)

over the orthogonal matrices.  Both have the gradient, for a small rotation in the
plane of axes i and j,

    g_ij = 2 sum_k w_k S_kij (1 / S_kjj - 1 / S_kii),      S_k = D' W_k D,

with w_k = n_k for VVE and n times the component's share of the sum for EVE.  The
majorisation of Browne and McNicholas (2014) needs hundreds of rounds where axes are
nearly as long as each other.  Dividing by the curvature of each plane as if the S_k
were diagonal, which they nearly are at the optimum,

    h_ij = 2 sum_k w_k (S_kii - S_kjj)^2 / (S_kii S_kjj),

needs ten or more, and fewer with the memory of the last steps (L-BFGS, Liu and Nocedal
1989).  Where features are few, Newton's method with the whole Hessian needs three.
Halving a step until f falls keeps both monotone.

References
----------
Browne and McNicholas (2014). Orthogonal Stiefel manifold optimization for
eigen-decomposed covariance parameter estimation in mixture models. Statistics and
Computing 24, 203-210.
Flury and Gautschi (1986). An algorithm for simultaneous orthogonal transformation of
several positive definite symmetric matrices to nearly diagonal form. SIAM Journal on
Scientific and Statistical Computing 7, 169-184.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dgesv, dpotrf, dpotrs

from gmmem.covariances.parts import Parts
from gmmem.covariances.roots import eigen, root
from gmmem.covariances.volumes import check_positive

# The largest angle of one step, in radians.
LARGEST_TURN = 0.5
HALVINGS = 30

# Of the axes to begin with, how many are followed, and to within how many nats a unit of
# mass of their end: then one is.
STARTS, NEAR = 4, 1e-6

# Axes with such cosines between them are drawn to the same end.
ALIKE = 0.98

# Steps that the approximate Hessian remembers.
MEMORY = 8

# Up to so many features the whole Hessian is worth its price.
MOST_FOR_NEWTON = 16

# Least curvature, a unit of mass: by which a step is divided, and for Cholesky's factors.
LEAST_CURVATURE, REGULAR = 1e-6, 1e-3

# From the variances along the axes (K, d): the objective, the weights w (K,), and how
# much a weight grows with its component's share: 0, or 1 / d in EVE.
Objective = Callable[[np.ndarray], tuple[float, np.ndarray, float]]


class Seen(NamedTuple):
    """Scatters as some axes see them, and what the objective says of that."""

    axes: np.ndarray
    S: np.ndarray
    """``D' W_k D``, (K, d, d)."""
    values: np.ndarray
    """Its diagonals; what a singular scatter lacks counts as next to nothing."""
    value: float
    weight: np.ndarray
    coupling: float

    @classmethod
    def of(cls, axes: np.ndarray, roots: np.ndarray, objective: Objective) -> "Seen":
        """From ``R_k'`` with ``W_k = R_k R_k'``."""
        turned = roots @ axes
        S = turned.transpose(0, 2, 1) @ turned
        values = S.diagonal(0, 1, 2)
        values = np.maximum(values, max(1e-60 * values.max(), 1e-150))
        return cls(axes, S, values, *objective(values))


class Planes(NamedTuple):
    """The pairs of axes i < j."""

    first: np.ndarray
    second: np.ndarray
    flat: np.ndarray
    """Places (i, j) in (d, d)."""


class Pairs(NamedTuple):
    """Planes that have an axis in common, and where to find in flat arrays what is theirs."""

    common: np.ndarray
    """For planes {c, a} and {c, b} the place (c, a, b) in (d, d, d), (P, P)."""
    signs: np.ndarray
    """That of one times that of the other; zero where planes have no axis in common."""
    own: tuple[np.ndarray, np.ndarray]
    """For a plane the places (j, i, i) and (i, j, j), (P,)."""


@lru_cache(maxsize=64)
def _planes(d: int) -> Planes:
    i, j = np.triu_indices(d, 1)
    return Planes(i, j, i * d + j)


@lru_cache(maxsize=64)
def _pairs(d: int) -> Pairs:
    i, j = np.triu_indices(d, 1)
    common, signs = np.zeros((len(i), len(i)), dtype=np.intp), np.zeros((len(i), len(i)))
    ways = ((j, i, 1), (i, j, -1))
    for c, a, sign in ways:
        for other, b, its in ways:
            shared = (c[:, None] == other) & (a[:, None] != b)
            common += shared * ((c * d + a)[:, None] * d + b)
            signs += shared * (sign * its)
    return Pairs(common, signs, ((j * d + i) * d + i, (i * d + j) * d + j))


@lru_cache(maxsize=64)
def _unrelated(n: int) -> np.ndarray:
    """Coefficients with which no two axes tie by chance."""
    return 1 + np.modf(np.arange(n) * 0.6180339887498949)[0]


def common_axes(matrices: np.ndarray) -> np.ndarray:
    """The axes, one a column, of matrices that share them (or nearly)."""
    flat = matrices.reshape(len(matrices), -1)
    traces = flat[:, :: matrices.shape[1] + 1].sum(axis=1)
    # One that is nothing but rounding is not to count for more than float64 holds.
    least = max(1e-60 * float(traces.max()), np.finfo(np.float64).tiny)
    share = _unrelated(len(matrices)) / np.maximum(traces, least)
    return eigen(share.dot(flat).reshape(1, *matrices.shape[1:]))[1][0]


def best_axes(
    scatter: np.ndarray,
    roots: np.ndarray,
    objective: Objective,
    previous: np.ndarray | None,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Axes that minimise an objective of the variances along them.

    Parameters
    ----------
    scatter : ndarray of shape (n_components, n_features, n_features)
    roots : ndarray of shape (n_components, n_features, n_features)
        ``R_k'`` with ``W_k = R_k R_k'``.
    objective : callable
    previous : ndarray of shape (n_components, n_features, n_features) or None
        Covariances whose axes to start from.  Without them the axes of all scatters
        together and those of each alone are tried, for there are local minima.
    tol : float
        Stop when a step would gain less than this in nats per unit of mass.
    max_iter : int

    Returns
    -------
    axes : ndarray of shape (n_features, n_features)
    values : ndarray of shape (n_components, n_features)
        Variances along them, times the mass.
    settled : bool
    """
    # Turning would give a column that does not vary some of the others' variance.
    variances = scatter.diagonal(0, 1, 2)
    if not variances.min() > 0:
        check_positive(variances.max(axis=0)[None])
    if previous is not None:
        best = Seen.of(common_axes(previous), roots, objective)
    else:
        starts = [common_axes(scatter), *eigen(scatter)[1]]
        starts = [Seen.of(axes, roots, objective) for axes in starts]
        starts.sort(key=lambda each: each.value)
        # The memory of steps is too slow for its next gain to tell what is left.
        near = max(tol, NEAR) if scatter.shape[1] <= MOST_FOR_NEWTON else tol
        ends: list[Seen] = []
        for each in starts[:STARTS]:
            ends.append(_descend(roots, objective, each, near, max_iter, ends)[0])
        best = min(ends, key=lambda each: each.value)
    best, settled = _descend(roots, objective, best, tol, max_iter)
    return best.axes, best.S.diagonal(0, 1, 2), settled


def axes_of_each(
    scatter: np.ndarray,
    objective: Callable[[slice], Objective],
    previous: np.ndarray | None,
    parts: Parts,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Axes (K, d, d) and variances along them (K, d), of which each mixture has its own.

    The objective is that of some components.
    """
    roots, settled = root(scatter).transpose(0, 2, 1), True
    axes, values = np.empty_like(scatter), np.empty(scatter.shape[:2])

    def solve(here):
        last = None if previous is None else previous[here]
        return best_axes(scatter[here], roots[here], objective(here), last, tol, max_iter)

    for here, (its, along, done) in parts.each(solve):
        axes[here], values[here], settled = its, along, settled and done
    return axes, values, settled


def _descend(
    roots: np.ndarray,
    objective: Objective,
    now: Seen,
    tol: float,
    max_iter: int,
    ends: Sequence[Seen] = (),
) -> tuple[Seen, bool]:
    """The end, and whether it is settled: it is not where others' ends are near and better."""
    d, total = len(now.axes), now.weight.sum()
    planes = _planes(d)
    if d == 1:
        return now, True
    towards = _Newton(_pairs(d)) if d <= MOST_FOR_NEWTON else _LimitedMemory(planes)
    for _ in range(max_iter):
        if ends and any(_on_its_way(now, end) for end in ends):
            return now, False
        gradient = _gradients(now, planes)
        slope = now.weight.dot(gradient)
        step = towards(now, gradient, slope, total)
        # f is twice a negative log-likelihood: a Newton step gains a quarter of this.
        gain = -slope.dot(step) / (4 * total)
        if gain <= tol:
            return now, True
        if step.dot(step) > LARGEST_TURN**2:
            step *= min(1, LARGEST_TURN / np.abs(step).max())
        for _ in range(HALVINGS):
            new = Seen.of(now.axes.dot(_rotation(step, planes, d)), roots, objective)
            if new.value < now.value:
                break
            step = step / 2
        else:
            return now, True  # No descent left that float64 can see.
        towards.went(step)
        now = new
        if towards.quadratic and gain <= 0.1 * np.sqrt(tol):
            return now, True  # The next gain would be about the square of this.
    return now, False


def _on_its_way(now: Seen, end: Seen) -> bool:
    """Whether axes, in some order, are the end's but for a few degrees."""
    cosines = np.abs(now.axes.T.dot(end.axes))
    return bool(now.value >= end.value and cosines.max(axis=0).min() > ALIKE)


def _rotation(step: np.ndarray, planes: Planes, d: int) -> np.ndarray:
    """Cayley's transform: a rotation, to second order the exponential."""
    half = np.zeros(d * d)
    half[planes.flat] = step / 2
    half = half.reshape(d, d)
    half = half - half.T
    identity = _identity(d)
    return dgesv(identity - half, identity + half)[2]


@lru_cache(maxsize=64)
def _identity(d: int) -> np.ndarray:
    return np.eye(d)


def _gradients(now: Seen, planes: Planes) -> np.ndarray:
    """``g / w`` of each component and plane, (K, P)."""
    i, j = planes.first, planes.second
    inverse = 2 / now.values
    across = now.S.reshape(len(now.S), -1).take(planes.flat, axis=1)
    return across * (inverse.take(j, axis=1) - inverse.take(i, axis=1))


class _Newton:
    """Steps with the Hessian in all planes, its negative curvatures turned round."""

    quadratic = True

    def __init__(self, pairs):
        self.pairs = pairs

    def went(self, step):
        """Nothing needs to be remembered."""

    def __call__(self, now, gradient, slope, total):
        hessian = _hessian(now, gradient, slope, total, self.pairs)
        if len(slope) == 1:
            return -slope / max(abs(hessian[0, 0]), LEAST_CURVATURE * total)
        factor, failed = dpotrf(hessian)
        if not failed and (factor.diagonal() ** 2).min() > REGULAR * total:
            return -dpotrs(factor, slope)[0]
        curvature, ways = np.linalg.eigh(hessian)
        curvature = np.maximum(np.abs(curvature), LEAST_CURVATURE * total)
        return -ways @ ((slope @ ways) / curvature)


def _hessian(
    now: Seen, gradient: np.ndarray, slope: np.ndarray, total: float, pairs: Pairs
) -> np.ndarray:
    """Second derivatives of the objective in the planes, (P, P)."""
    hessian = _of_one_plane(now) if len(slope) == 1 else _of_planes(now, pairs)
    if now.coupling:
        together = (gradient.T * now.weight).dot(gradient) - slope[:, None] * (slope / total)
        hessian += now.coupling * together
    return hessian


def _of_planes(now: Seen, pairs: Pairs) -> np.ndarray:
    """Those of ``sum_k w_k sum_j log S_kjj``.

    Turned by ``exp(O)``, O antisymmetric with columns o_j, S_kjj changes to second order
    by ``2 s_kj o_j + o_j' S_k o_j + s_kj O o_j``, s_kj being row j of S_k.  So the terms of
    second order are half of those of ``sum_cab T_cab O_ac O_bc``, with

        T_cab = sum_k w_k (2 S_kab / S_kcc - 4 S_kca S_kcb / S_kcc^2
                           - S_kab / S_kaa - S_kab / S_kbb).
    """
    S, d = now.S, now.S.shape[1]
    shares = now.weight[:, None] / now.values
    rows = S * np.sqrt(shares / now.values)[:, :, None]
    each = shares.T.dot(S.reshape(len(S), -1)).reshape(d, d, d)
    own = each.diagonal(0, 0, 1)
    each = 2 * each - 4 * (rows.transpose(1, 2, 0) @ rows.transpose(1, 0, 2)) - (own + own.T)
    hessian = pairs.signs * each.take(pairs.common)
    hessian.ravel()[:: len(hessian) + 1] = each.take(pairs.own[0]) + each.take(pairs.own[1])
    return hessian


def _of_one_plane(now: Seen) -> np.ndarray:
    """The same for two features, from a few numbers a component."""
    inverse = 1 / now.values
    ratio, across = now.values[:, 0] * inverse[:, 1], now.S[:, 0, 1]
    inverse *= inverse
    second = 2 * (ratio + 1 / ratio - 2) - 4 * across * across * (inverse[:, 0] + inverse[:, 1])
    return now.weight.dot(second).reshape(1, 1)


class _LimitedMemory:
    """Steps with the curvature of each plane and the last steps (L-BFGS)."""

    quadratic = False

    def __init__(self, planes):
        self.planes = planes
        self.memory: deque = deque(maxlen=MEMORY)
        self.step = self.slope = None

    def went(self, step):
        self.step = step

    def __call__(self, now, gradient, slope, total):
        if self.step is not None and self.step @ (slope - self.slope) > 0:
            self.memory.append((self.step, slope - self.slope))
        self.slope = slope
        i, j = self.planes.first, self.planes.second
        ratio = now.values[:, i] / now.values[:, j]
        curvature = np.maximum(2 * now.weight @ (ratio + 1 / ratio - 2), 1e-3 * total)
        step = -_inverse_hessian(slope, curvature, self.memory)
        if slope @ step < 0:
            return step
        self.memory.clear()
        return -slope / curvature


def _inverse_hessian(gradient: np.ndarray, curvature: np.ndarray, memory: deque) -> np.ndarray:
    """Inverse Hessian times gradient, from h and the last steps."""
    result, shares = gradient, []
    for step, change in reversed(memory):
        share = (step @ result) / (step @ change)
        result = result - share * change
        shares.append(share)
    result = result / curvature
    for (step, change), share in zip(memory, reversed(shares), strict=True):
        result = result + step * (share - (change @ result) / (step @ change))
    return result
