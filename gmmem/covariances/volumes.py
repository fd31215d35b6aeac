"""Volumes, and the inner iteration of the models whose volumes vary and shapes do not.

With the scatters ``W_k`` of masses ``n_k``, the covariances ``lambda_k C``, |C| = 1,
that maximise the expected log-likelihood solve

    C is proportional to  A = sum_k W_k / lambda_k,
    lambda_k = tr(W_k inv(C)) / (d n_k).

One after the other they settle soon where scatters are of like shapes, and else slowly.  In
the logarithms t_k of the volumes

    f(t) = d sum_k n_k t_k + n log |A(t)|,

which is twice the negative log-likelihood once C is the best for t, is convex: Newton's
method settles in a few steps.  Halving a step until f falls keeps it monotone.  A step of the
first kind is cheaper, so it is left only where it slows down.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri

from gmmem.covariances.parts import Parts
from gmmem.covariances.storage import EPS, DegenerateCovariance

# A step in turn is worth another if it changes less than this share of the one before.
FAST = 0.2

# A step of Newton's method up to this many times the root of the tolerance is the last.
ENOUGH = 0.3

# The largest change of a volume in one step, as a logarithm.
LARGEST_CHANGE = 3.0
HALVINGS = 30

# Volumes that change by more than this, as a logarithm, have no end: one goes to zero.
ENDLESS = 100.0

# Curvatures, of which the largest is one, below this are rounding error.
LEAST_CURVATURE = 1e-12

# From 1 / lambda_k: log |A|, and the scatters over their volumes, whitened by A and flat
# (K, d) or (K, d * d), with their traces (K,).
Whiten = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]


def volumes(values: np.ndarray) -> np.ndarray:
    """Geometric mean of each row of variances, (K,)."""
    check_positive(values)
    return np.exp(np.log(values).sum(axis=1) / values.shape[1])


def check_positive(values: np.ndarray) -> None:
    """Raise for the first component that has a value which is not positive."""
    if not values.min() > 0:
        good = (values > 0).reshape(len(values), -1).all(axis=1)
        raise DegenerateCovariance(int(np.argmin(good)))


def settle(
    in_turn: Callable[[np.ndarray], np.ndarray],
    whiten: Whiten,
    mass: np.ndarray,
    d: int,
    start: np.ndarray,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, bool]:
    """Volumes at which f is least, to within `tol` relatively; and whether they are."""
    check_positive(start)
    volume, last, speed = start, np.inf, FAST
    for done in range(max_iter):
        before, volume = volume, in_turn(volume)
        ratio = volume / before
        least = float(ratio.min())
        if not least > 0:
            check_positive(volume)
        # What multiplies all alike changes nothing.
        change = float(ratio.max()) / least - 1
        before_speed, speed = speed, change / last if done else FAST
        # Changes go down like a geometric series: what is left is about the next.
        if change * min(FAST, max(before_speed, speed)) <= FAST * tol:
            return volume, True
        if change > FAST * last:
            volume, settled = _by_newton(whiten, mass, d, volume, tol, max_iter - done - 1)
            return in_turn(volume), settled  # Newton's method leaves their scale open.
        last = change
    return volume, False


def _by_newton(
    whiten: Whiten, mass: np.ndarray, d: int, start: np.ndarray, tol: float, max_iter: int
) -> tuple[np.ndarray, bool]:
    share, begin = mass / mass.sum(), np.log(start)
    logs = begin
    log_det, flat, traces = whiten(1 / start)
    value = d * share @ logs + log_det
    for _ in range(max_iter):
        step = _newton(share * d - traces, flat, traces)
        step *= min(1, LARGEST_CHANGE / max(np.abs(step).max(), LARGEST_CHANGE))
        for _ in range(HALVINGS):
            new_logs = logs + step
            log_det, new_flat, new_traces = whiten(np.exp(-new_logs))
            new_value = d * share @ new_logs + log_det
            # Rounding is no reason to halve the last step.
            if new_value <= value + d * EPS * abs(value):
                break
            step = step / 2
        else:
            return np.exp(logs), True  # No descent left that float64 can see.
        logs, flat, traces, value = new_logs, new_flat, new_traces, new_value
        if np.abs(logs - begin).max() > ENDLESS:
            raise DegenerateCovariance(int(np.argmin(logs - begin)))
        if np.abs(step).max() <= ENOUGH * np.sqrt(tol):
            return np.exp(logs), True  # The next step would be about the square of this.
    return np.exp(logs), False


def _newton(gradient: np.ndarray, flat: np.ndarray, traces: np.ndarray) -> np.ndarray:
    """A step in the logarithms; what multiplies all volumes alike changes nothing."""
    root = np.sqrt(np.maximum(traces, np.finfo(np.float64).tiny))
    hessian = np.eye(len(root)) - (flat / root[:, None]) @ (flat / root[:, None]).T
    alike = root / np.sqrt(root @ root)
    hessian += np.outer(alike, alike) + LEAST_CURVATURE * np.eye(len(root))
    step = -np.linalg.solve(hessian, gradient / root) / root
    return step - step.mean()


def common_shape(
    values: np.ndarray, mass: np.ndarray, start: np.ndarray | None, tol: float, max_iter: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Volumes (K,) and one shape (d,) for scatters that are diagonal, (K, d)."""
    d = values.shape[1]
    # What is below zero is rounding, of moments that must be taken by differences.
    totals = values.sum(axis=1)
    if not values.min() > 0:
        check_positive(np.where((values < 0).any(axis=1), -1, totals))
    scale = 1 / (d * mass)

    def whiten(inverse):
        pooled = inverse @ values
        check_positive(pooled[None])
        flat = values * inverse[:, None] / pooled
        return float(np.log(pooled).sum()), flat, flat.sum(axis=1)

    def shape(volume):
        pooled = (1 / volume).dot(values)
        numbers = pooled.tolist()
        if not min(numbers) > 0:
            raise DegenerateCovariance(0)
        # For a few numbers Python is faster than NumPy.
        return pooled / math.exp(sum(map(math.log, numbers)) / d)

    def in_turn(volume):
        return values.dot(1 / shape(volume)) * scale

    start = totals * scale if start is None else start
    volume, settled = settle(in_turn, whiten, mass, d, start, tol, max_iter)
    return volume, shape(volume), settled


def common_shapes(
    values: np.ndarray,
    mass: np.ndarray,
    start: np.ndarray | None,
    parts: Parts,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, bool]:
    """Volumes times shapes (K, d), of which the components of each mixture share one."""
    found, settled = np.empty_like(values), True

    def solve(here):
        begin = None if start is None else start[here]
        return common_shape(values[here], mass[here], begin, tol, max_iter)

    for here, (volume, shape, done) in parts.each(solve):
        found[here], settled = volume[:, None] * shape, settled and done
    return found, settled


def common_matrix(
    scatter: np.ndarray,
    roots: np.ndarray,
    mass: np.ndarray,
    start: np.ndarray | None,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """The same for scatters that are matrices, (K, d, d): the root of one of determinant one.

    By their roots no trace is negative, and none is small beside what it was taken from.
    """
    d = scatter.shape[1]
    flat = scatter.reshape(len(scatter), -1)
    traces = flat[:, :: d + 1].sum(axis=1)
    check_positive(traces)
    scale = 1 / (d * mass)

    def factorised(volume):
        return _factorised((1 / volume).dot(flat).reshape(d, d))

    rows, ones = roots.transpose(0, 2, 1).reshape(-1, d), np.ones(d * d)

    def whiten(inverse):
        log_det, _, whitener = factorised(1 / inverse)
        part = (whitener @ roots) * np.sqrt(inverse)[:, None, None]
        white = part @ part.transpose(0, 2, 1)
        return log_det, white.reshape(len(white), -1), np.trace(white, axis1=1, axis2=2)

    def in_turn(volume):
        log_det, _, whitener = factorised(volume)
        part = rows.dot(whitener.T).reshape(len(roots), -1)
        return (part * part).dot(ones) * (math.exp(log_det / d) * scale)

    start = traces * scale if start is None else start
    volume, settled = settle(in_turn, whiten, mass, d, start, tol, max_iter)
    log_det, lower, _ = factorised(volume)
    return volume, lower / np.exp(log_det / (2 * d)), settled


def _factorised(matrix: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Logarithm of the determinant, the lower Cholesky factor, and its inverse."""
    lower, failed = dpotrf(matrix, lower=True)
    if failed:
        raise DegenerateCovariance(0)
    # For a few numbers Python is faster than NumPy.
    pivots = lower.diagonal().tolist()
    of_rows = zip(pivots, matrix.diagonal().tolist(), strict=True)
    if not all(pivot * pivot > EPS * own for pivot, own in of_rows):
        raise DegenerateCovariance(0, "is singular to working precision")
    return 2 * sum(map(math.log, pivots)), lower, dtrtri(lower, lower=True)[0]
