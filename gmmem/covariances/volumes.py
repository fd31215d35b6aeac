"""Volumes, and the inner iteration of the models whose volumes vary and shapes do not.

With the scatters ``W_k`` of masses ``n_k``, the covariances ``lambda_k C``, |C| = 1,
that maximise the expected log-likelihood solve

    C is proportional to  sum_k W_k / lambda_k,
    lambda_k = tr(W_k inv(C)) / (d n_k),

one after the other until the volumes stand still.
"""

from collections.abc import Callable

import numpy as np

from gmmem.covariances.base import DegenerateCovariance


def volumes(values: np.ndarray) -> np.ndarray:
    """Geometric mean of each row of variances, (K,)."""
    _check_positive((values > 0).all(axis=1))
    return np.exp(np.mean(np.log(values), axis=1))


def _check_positive(good: np.ndarray) -> None:
    if not good.all():
        raise DegenerateCovariance(int(np.argmin(good)))


def settle(
    step: Callable[[np.ndarray], np.ndarray], start: np.ndarray, tol: float, max_iter: int
) -> tuple[np.ndarray, bool]:
    """Repeat a step on volumes until they change by less than `tol`, relatively."""
    volume = start
    _check_positive(volume > 0)
    # What collapses may overflow on its way; it is told by its volume.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for _ in range(max_iter):
            before, volume = volume, step(volume)
            _check_positive((volume > 0) & (volume < np.inf))
            if np.abs(volume / before - 1).max() <= tol:
                return volume, True
    return volume, False


def common_shape(
    values: np.ndarray, mass: np.ndarray, start: np.ndarray | None, tol: float, max_iter: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Volumes (K,) and one shape (d,) for scatters that are diagonal, (K, d)."""
    d = values.shape[1]

    def shape(volume):
        pooled = (1 / volume) @ values
        return pooled / volumes(pooled[None])

    def step(volume):
        return values @ (1 / shape(volume)) / (d * mass)

    start = values.sum(axis=1) / (d * mass) if start is None else start
    volume, settled = settle(step, start, tol, max_iter)
    return volume, shape(volume), settled


def common_matrix(
    scatter: np.ndarray, mass: np.ndarray, start: np.ndarray | None, tol: float, max_iter: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """The same for scatters that are matrices, (K, d, d): one matrix of determinant one."""
    n_components, d = scatter.shape[:2]
    flat = scatter.reshape(n_components, -1)

    def matrix(volume):
        pooled = ((1 / volume) @ flat).reshape(d, d)
        sign, log_det = np.linalg.slogdet(pooled)
        _check_positive(np.array([sign > 0]))
        return pooled / np.exp(log_det / d)

    def step(volume):
        return flat @ np.linalg.inv(matrix(volume)).ravel() / (d * mass)

    start = np.trace(scatter, axis1=1, axis2=2) / (d * mass) if start is None else start
    volume, settled = settle(step, start, tol, max_iter)
    return volume, matrix(volume), settled
