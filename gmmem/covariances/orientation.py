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

needs a few, and fewer with the memory of the last steps (L-BFGS, Liu and Nocedal
1989); halving a step until f falls keeps it monotone.

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

import numpy as np

# The largest angle of one step, in radians.
LARGEST_TURN = 0.5
HALVINGS = 30

# Of the axes to begin with, how many are followed to the end.
STARTS = 4

# Steps that the approximate Hessian remembers.
MEMORY = 8

# From the variances along the axes (K, d): the objective, and the weights w (K,).
Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


def common_axes(matrices: np.ndarray) -> np.ndarray:
    """The axes, one a column, of matrices that share them (or nearly)."""
    # In a combination with unrelated coefficients no two axes tie by chance.
    share = 1 + np.modf(np.arange(len(matrices)) * 0.6180339887498949)[0]
    share /= np.maximum(np.trace(matrices, axis1=1, axis2=2), np.finfo(np.float64).tiny)
    return np.linalg.eigh(np.tensordot(share, matrices, axes=1))[1][:, ::-1]


def rotate(axes: np.ndarray, scatter: np.ndarray) -> np.ndarray:
    """``D' W_k D`` for each component."""
    return axes.T @ scatter @ axes


def best_axes(
    scatter: np.ndarray,
    objective: Objective,
    previous: np.ndarray | None,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, bool]:
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
    settled : bool
    """
    if previous is not None:
        return _descend(scatter, objective, common_axes(previous), tol, max_iter)[1:]
    starts = [common_axes(scatter), *np.linalg.eigh(scatter)[1]]
    starts.sort(key=lambda axes: objective(_diagonals(rotate(axes, scatter)))[0])
    found = [_descend(scatter, objective, axes, tol, max_iter) for axes in starts[:STARTS]]
    return min(found, key=lambda end: end[0])[1:]


def _descend(
    scatter: np.ndarray, objective: Objective, axes: np.ndarray, tol: float, max_iter: int
) -> tuple[float, np.ndarray, bool]:
    """The value, the axes, and whether they are settled, from given axes."""
    identity, planes = np.eye(len(axes)), np.triu_indices(len(axes), 1)
    S = rotate(axes, scatter)
    value, weight = objective(_diagonals(S))
    gradient, curvature = _slopes(S, weight, planes)
    memory: deque = deque(maxlen=MEMORY)
    for _ in range(max_iter):
        step = -_inverse_hessian(gradient, curvature, memory)
        if gradient @ step >= 0:
            memory.clear()
            step = -gradient / curvature
        # f is twice a negative log-likelihood: a Newton step gains a quarter of this.
        if -(gradient @ step) <= 4 * tol * weight.sum():
            return value, axes, True
        step *= min(1, LARGEST_TURN / np.abs(step).max())
        for _ in range(HALVINGS):
            turn = np.zeros_like(identity)
            turn[planes] = step / 2
            turn -= turn.T
            # Cayley's transform: a rotation, to first order the exponential.
            new_axes = axes @ np.linalg.solve(identity - turn, identity + turn)
            new_S = rotate(new_axes, scatter)
            new_value, new_weight = objective(_diagonals(new_S))
            if new_value < value:
                break
            step = step / 2
        else:
            return value, axes, True  # No descent left that float64 can see.
        axes, S, value, weight = new_axes, new_S, new_value, new_weight
        before = gradient
        gradient, curvature = _slopes(S, weight, planes)
        if step @ (gradient - before) > 0:
            memory.append((step, gradient - before))
    return value, axes, False


def _diagonals(S: np.ndarray) -> np.ndarray:
    """Variances along the axes; what a singular scatter lacks counts as next to nothing."""
    values = np.diagonal(S, axis1=1, axis2=2)
    return np.maximum(values, max(1e-60 * values.max(), np.finfo(np.float64).tiny))


def _slopes(S: np.ndarray, weight: np.ndarray, planes) -> tuple[np.ndarray, np.ndarray]:
    """g and h of each plane."""
    i, j = planes
    values, cross = _diagonals(S), S[:, i, j]
    ratio = values[:, i] / values[:, j]
    gradient = 2 * weight @ (cross * (1 / values[:, j] - 1 / values[:, i]))
    curvature = 2 * weight @ (ratio + 1 / ratio - 2)
    return gradient, np.maximum(curvature, 1e-3 * weight.sum())


def _inverse_hessian(gradient: np.ndarray, curvature: np.ndarray, memory: deque) -> np.ndarray:
    """Inverse Hessian times gradient, from h and the last steps (L-BFGS)."""
    result, shares = gradient, []
    for step, change in reversed(memory):
        share = (step @ result) / (step @ change)
        result = result - share * change
        shares.append(share)
    result = result / curvature
    for (step, change), share in zip(memory, reversed(shares), strict=True):
        result = result + step * (share - (change @ result) / (step @ change))
    return result
