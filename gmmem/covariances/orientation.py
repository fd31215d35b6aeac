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

needs a handful; halving the step until f falls keeps it monotone.

References
----------
Browne and McNicholas (2014). Orthogonal Stiefel manifold optimization for
eigen-decomposed covariance parameter estimation in mixture models. Statistics and
Computing 24, 203-210.
Flury and Gautschi (1986). An algorithm for simultaneous orthogonal transformation of
several positive definite symmetric matrices to nearly diagonal form. SIAM Journal on
Scientific and Statistical Computing 7, 169-184.
"""

from collections.abc import Callable

import numpy as np

# The largest angle of one step, in radians.
LARGEST_TURN = 0.5
HALVINGS = 30

# From the variances along the axes (K, d): the objective, and the weights w (K,).
Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


def common_axes(matrices: np.ndarray) -> np.ndarray:
    """The axes, one a column, of matrices that share them (or nearly)."""
    # In a combination with unrelated coefficients no two axes tie by chance.
    share = 1 + np.modf(np.arange(len(matrices)) * 0.6180339887498949)[0]
    share /= np.trace(matrices, axis1=1, axis2=2)
    return np.linalg.eigh(np.tensordot(share, matrices, axes=1))[1][:, ::-1]


def rotate(axes: np.ndarray, scatter: np.ndarray) -> np.ndarray:
    """``D' W_k D`` for each component."""
    return axes.T @ scatter @ axes


def best_axes(
    scatter: np.ndarray, objective: Objective, axes: np.ndarray, tol: float, max_iter: int
) -> tuple[np.ndarray, bool]:
    """Axes that minimise an objective of the variances along them.

    Parameters
    ----------
    scatter : ndarray of shape (n_components, n_features, n_features)
    objective : callable
    axes : ndarray of shape (n_features, n_features)
        Where to start.
    tol : float
        Stop when a step would gain less than this in nats per unit of mass.
    max_iter : int

    Returns
    -------
    axes : ndarray of shape (n_features, n_features)
    settled : bool
    """
    identity = np.eye(len(axes))
    S = rotate(axes, scatter)
    value, weight = objective(_diagonals(S))
    for _ in range(max_iter):
        turn, gain = _newton(S, weight)
        if gain <= tol * weight.sum():
            return axes, True
        for _ in range(HALVINGS):
            # Cayley's transform: a rotation, to first order exp(turn).
            new_axes = axes @ np.linalg.solve(identity - turn / 2, identity + turn / 2)
            new_S = rotate(new_axes, scatter)
            new_value, new_weight = objective(_diagonals(new_S))
            if new_value < value:
                break
            turn, gain = turn / 2, gain / 2
        else:
            return axes, True  # No descent left that float64 can see.
        axes, S, value, weight = new_axes, new_S, new_value, new_weight
    return axes, False


def _diagonals(S: np.ndarray) -> np.ndarray:
    """Variances along the axes; what a singular scatter lacks counts as next to nothing."""
    values = np.diagonal(S, axis1=1, axis2=2)
    return np.maximum(values, np.finfo(np.float64).tiny)


def _newton(S: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """The skew matrix of the step, and what it gains in nats if f were a parabola."""
    values = _diagonals(S)
    inverse = 1 / values
    across = inverse[:, None, :] - inverse[:, :, None]
    gradient = 2 * np.tensordot(weight, S * across, axes=1)
    ratio = values[:, :, None] * inverse[:, None, :]
    curvature = 2 * np.tensordot(weight, ratio + ratio.transpose(0, 2, 1) - 2, axes=1)
    np.fill_diagonal(gradient, 0)
    steep = np.abs(gradient) / LARGEST_TURN
    turn = -gradient / np.maximum(np.maximum(curvature, steep), np.finfo(np.float64).tiny)
    return turn, -0.25 * float(np.sum(gradient * turn)) / 2
