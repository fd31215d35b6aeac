"""The density in long double, from a model's public attributes alone."""

from typing import Any

import numpy as np

WIDE = np.longdouble
EPS = np.finfo(np.float64).eps


def factors(model: Any) -> np.ndarray:
    """Factors U of the precisions, ``P = U U'``, one matrix a component, in long double."""
    K, d = model.means_.shape
    stored = np.asarray(model.precisions_cholesky_, dtype=WIDE)
    if stored.ndim == 1:
        return stored[:, None, None] * np.eye(d, dtype=WIDE)
    if stored.ndim == 3:
        return stored
    if getattr(model, "covariance_type_", getattr(model, "covariance_type", "")) == "tied":
        return np.repeat(stored[None], K, axis=0)
    return stored[:, :, None] * np.eye(d, dtype=WIDE)


def exact_log_joint(model: Any, X: np.ndarray) -> np.ndarray:
    """Log of weight times density, by differences, (n, K)."""
    X, d = np.asarray(X, dtype=WIDE), X.shape[1]
    columns = []
    for weight, mean, U in zip(model.weights_, model.means_, factors(model), strict=True):
        Y = (X - np.asarray(mean, dtype=WIDE)) @ U
        log_weight = np.log(WIDE(weight)) if weight > 0 else WIDE(-np.inf)
        peak = log_weight + np.log(np.diagonal(U)).sum() - d * np.log(2 * WIDE(np.pi)) / 2
        columns.append(peak - (Y * Y).sum(axis=1) / 2)
    return np.stack(columns, axis=1)


def log_sum(L: np.ndarray) -> np.ndarray:
    """``log(sum(exp(L)))`` along each row."""
    top = L.max(axis=1, keepdims=True)
    return (top + np.log(np.exp(L - top).sum(axis=1, keepdims=True)))[:, 0]


def rounding(model: Any, X: np.ndarray, single: bool) -> np.ndarray:
    """By how much a log-density may err, a row, in nats.

    What is promised (1e-8; 1e-3 of float32), the rounding of the answer itself, and what
    a difference ``x - mean`` loses: eps times the size of x, over the deviation.
    """
    X, L = np.asarray(X, dtype=WIDE), exact_log_joint(model, X)
    likely = L - L.max(axis=1, keepdims=True) > -40
    unit, promised = (1e-5, 1e-3) if single else (1e-11, 1e-8)
    lost = np.zeros(len(X), dtype=WIDE)
    for k, (mean, U) in enumerate(zip(model.means_, factors(model), strict=True)):
        mean = np.asarray(mean, dtype=WIDE)
        size = np.abs(U)
        Y = np.abs((X - mean) @ U)
        step = EPS * (np.abs(X) + np.abs(mean)) @ size + X.shape[1] * EPS * np.abs(X - mean) @ size
        here = 8 * (Y * step + step**2).sum(axis=1)
        lost = np.where(likely[:, k], np.maximum(lost, here), lost)
    return (promised + unit * np.abs(log_sum(L)) + lost).astype(np.float64)
