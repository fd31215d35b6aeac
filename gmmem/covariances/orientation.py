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
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from gmmem.covariances.roots import eigen, root
from gmmem.covariances.volumes import check_positive

# The largest angle of one step, in radians.
LARGEST_TURN = 0.5
HALVINGS = 30

# Of the axes to begin with, how many are followed to the end.
STARTS = 4

# Steps that the approximate Hessian remembers.
MEMORY = 8

# Up to so many features the whole Hessian is worth its price.
MOST_FOR_NEWTON = 16

# From the variances along the axes (K, d): the objective, the weights w (K,), and how
# much a weight grows with its component's share: 0, or 1 / d in EVE.
Objective = Callable[[np.ndarray], tuple[float, np.ndarray, float]]


def common_axes(matrices: np.ndarray) -> np.ndarray:
    """The axes, one a column, of matrices that share them (or nearly)."""
    # In a combination with unrelated coefficients no two axes tie by chance.
    share = 1 + np.modf(np.arange(len(matrices)) * 0.6180339887498949)[0]
    traces = np.trace(matrices, axis1=1, axis2=2)
    # One that is nothing but rounding is not to count for more than float64 holds.
    least = max(1e-60 * float(np.abs(matrices).max()), np.finfo(np.float64).tiny)
    share /= np.maximum(traces, least)
    pooled = (share @ matrices.reshape(len(matrices), -1)).reshape(matrices.shape[1:])
    return eigen(pooled[None])[1][0]


def rotate(axes: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """``D' W_k D`` for each component, from ``R_k'`` with ``W_k = R_k R_k'``."""
    turned = roots @ axes
    return turned.transpose(0, 2, 1) @ turned


def best_axes(
    scatter: np.ndarray,
    objective: Objective,
    previous: np.ndarray | None,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Axes that minimise an objective of the variances along them.

    Parameters
    ----------
    scatter : ndarray of shape (n_components, n_features, n_features)
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
    check_positive(np.diagonal(scatter, axis1=1, axis2=2).max(axis=0)[None])
    roots = root(scatter).transpose(0, 2, 1)
    if previous is not None:
        starts = [common_axes(previous)]
    else:
        starts = [common_axes(scatter), *eigen(scatter)[1]]
        starts.sort(key=lambda axes: objective(_diagonals(rotate(axes, roots)))[0])
    found = [_descend(roots, objective, axes, tol, max_iter) for axes in starts[:STARTS]]
    _, axes, settled = min(found, key=lambda end: end[0])
    return axes, np.diagonal(rotate(axes, roots), axis1=1, axis2=2), settled


def _descend(
    roots: np.ndarray, objective: Objective, axes: np.ndarray, tol: float, max_iter: int
) -> tuple[float, np.ndarray, bool]:
    """The value, the axes, and whether they are settled, from given axes."""
    identity, planes = np.eye(len(axes)), _planes(len(axes))
    towards = _Newton(planes) if len(axes) <= MOST_FOR_NEWTON else _LimitedMemory(planes)
    S = rotate(axes, roots)
    value, *weights = objective(_diagonals(S))
    for _ in range(max_iter):
        gradient = _gradients(S, planes)
        slope = weights[0] @ gradient
        step = towards(S, gradient, slope, *weights)
        # f is twice a negative log-likelihood: a Newton step gains a quarter of this.
        gain = -(slope @ step) / (4 * weights[0].sum())
        if gain <= tol:
            return value, axes, True
        step *= min(1, LARGEST_TURN / np.abs(step).max())
        for _ in range(HALVINGS):
            turn = np.zeros_like(identity)
            turn[planes] = step / 2
            turn -= turn.T
            # Cayley's transform: a rotation, to second order the exponential.
            new_axes = axes @ np.linalg.solve(identity - turn, identity + turn)
            new_S = rotate(new_axes, roots)
            new_value, *new_weights = objective(_diagonals(new_S))
            if new_value < value:
                break
            step = step / 2
        else:
            return value, axes, True  # No descent left that float64 can see.
        towards.went(step)
        axes, S, value, weights = new_axes, new_S, new_value, new_weights
        if towards.quadratic and gain <= 0.1 * np.sqrt(tol):
            return value, axes, True  # The next gain would be about the square of this.
    return value, axes, False


@lru_cache(maxsize=64)
def _planes(n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of axes i < j."""
    return np.triu_indices(n_features, 1)


def _diagonals(S: np.ndarray) -> np.ndarray:
    """Variances along the axes; what a singular scatter lacks counts as next to nothing."""
    values = np.diagonal(S, axis1=1, axis2=2)
    return np.maximum(values, max(1e-60 * values.max(), 1e-150))


def _gradients(S: np.ndarray, planes) -> np.ndarray:
    """``g / w`` of each component and plane, (K, P)."""
    i, j = planes
    inverse = 1 / _diagonals(S)
    return 2 * S[:, i, j] * (inverse[:, j] - inverse[:, i])


class _Newton:
    """Steps with the Hessian in all planes, its negative curvatures turned round."""

    quadratic = True

    def __init__(self, planes):
        self.planes = planes

    def went(self, step):
        """Nothing needs to be remembered."""

    def __call__(self, S, gradient, slope, weight, coupling):
        hessian = _hessian(S, weight, self.planes)
        if coupling:
            hessian += coupling * (gradient.T * weight) @ gradient
            hessian -= coupling / weight.sum() * np.outer(slope, slope)
        curvature, ways = np.linalg.eigh(hessian)
        curvature = np.maximum(np.abs(curvature), 1e-6 * weight.sum())
        return -ways @ ((slope @ ways) / curvature)


def _hessian(S: np.ndarray, weight: np.ndarray, planes) -> np.ndarray:
    """Second derivatives of ``sum_k w_k sum_j log S_kjj`` in the planes, (P, P).

    Turned by ``exp(O)``, O antisymmetric with columns o_j, S_kjj changes to second order
    by ``2 s_kj o_j + o_j' S_k o_j + s_kj O o_j``, s_kj being row j of S_k.
    """
    d = S.shape[1]
    values = _diagonals(S)
    shares = weight[:, None] / values
    rows = S * np.sqrt(shares / values)[:, :, None]
    each = (shares.T @ S.reshape(len(S), -1)).reshape(d, d, d)
    each -= 2 * (rows.transpose(1, 2, 0) @ rows.transpose(1, 0, 2))
    pooled = (shares[:, :, None] * S).sum(axis=0)
    # Coefficients of O_ij O_lm: those of the two terms, then of t for O_ab = t = -O_ba.
    Q, j = np.zeros((d, d, d, d)), np.arange(d)
    Q[:, j, :, j] += each
    Q[:, j, j, :] += pooled.T[:, None, :]
    a, b = planes
    Q = Q[a, b] - Q[b, a]
    Q = Q[:, a, b] - Q[:, b, a]
    return Q + Q.T


class _LimitedMemory:
    """Steps with the curvature of each plane and the last steps (L-BFGS)."""

    quadratic = False

    def __init__(self, planes):
        self.planes = planes
        self.memory: deque = deque(maxlen=MEMORY)
        self.step = self.slope = None

    def went(self, step):
        self.step = step

    def __call__(self, S, gradient, slope, weight, coupling):
        if self.step is not None and self.step @ (slope - self.slope) > 0:
            self.memory.append((self.step, slope - self.slope))
        self.slope = slope
        i, j = self.planes
        values = _diagonals(S)
        ratio = values[:, i] / values[:, j]
        curvature = np.maximum(2 * weight @ (ratio + 1 / ratio - 2), 1e-3 * weight.sum())
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
