"""The E-step on rows with missing values, whatever is missing in which of them.

Differences from each component's mean are completed by what is expected of them.  Their
squared distance is then that of the observed values, and the sums of what is completed, with
the covariance that remains, are the expected moments: as exact as whitening, at about its
price, for as many patterns as there are rows.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gmmem.covariances.storage import Gaps
from gmmem.kernels.base import Components, WeightedComponents
from gmmem.kernels.patterns import Patterns, patterns

# Rows are completed in batches of this size: K x d numbers a row are held.
BATCH_BYTES = 2_000_000
SMALLEST_BATCH = 16


class Completed(NamedTuple):
    """Rows that lack as many values each, completed for every component."""

    L: np.ndarray
    """Log of weight times density of what is observed, (K, b)."""
    Z: np.ndarray
    """Differences from the means, (K, b, d)."""
    gaps: Gaps
    starts: np.ndarray
    """Where the rows of each pattern begin, (Q,)."""


def complete(components: Components, X: np.ndarray, found: Patterns) -> Completed:
    """Complete rows, which are in the order of their patterns; all lack as many values."""
    storage, b = components.covariances, len(X)
    which = np.repeat(np.arange(len(found.missing)), np.diff(found.starts))
    gaps = storage.gaps(found.missing)
    Z = X.astype(np.float64) - components.means[:, None, :]
    np.copyto(Z, 0.0, where=found.missing[which])
    with np.errstate(over="ignore", invalid="ignore"):  # Rows to predict may be very far away.
        gaps.fill(Z, which)
        L = -0.5 * gaps.squares(Z)
    L += components.log_peaks[:, None]
    L += np.broadcast_to(gaps.gain[:, which], (len(gaps.gain), b))
    return Completed(L, Z, gaps, found.starts[:-1])


def completed_sums(
    components: Components, rows: Completed, R: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass, first and second moments about the means, given shares R (K, b)."""
    storage, Z = components.covariances, rows.Z
    mass = np.add.reduceat(R, rows.starts, axis=1)
    first = np.matmul(R[:, None, :], Z)[:, 0]
    second = np.stack(
        [storage.form.scatter(z.T, r, np.empty(z.T.shape)) for z, r in zip(Z, R, strict=True)]
    )
    second = second + rows.gaps.remains(mass)
    if storage.shared:
        second = second.sum(axis=0, keepdims=True)
    return mass.sum(axis=1), first, second


def batches(components: Components, found: Patterns) -> Iterator[tuple[slice, Patterns]]:
    """Rows to complete at once, and their patterns: as many values lack in each of them."""
    K, d, lacks = components.n_components, components.n_features, found.lacks
    ends = np.flatnonzero(np.diff(lacks)) + 1
    for first, last in zip(np.append(0, ends), np.append(ends, len(lacks)), strict=True):
        size = 3 * d + 4 * components.covariances.form.size(int(lacks[first]))
        most = BATCH_BYTES // (8 * K * size)
        most = max(most, SMALLEST_BATCH)
        for start in range(found.starts[first], found.starts[last], most):
            stop = min(start + most, found.starts[last])
            yield slice(start, stop), found.within(start, stop)


def scores_of_incomplete(components: WeightedComponents, X: np.ndarray) -> np.ndarray:
    """Log of weight times density of what is observed of rows (b, d), whatever that is, (K, b).

    Of a row without a value, the log of the weight.
    """
    found, L = patterns(X), np.empty((components.n_components, len(X)))
    for rows, some in batches(components, found):
        places = rows if found.order is None else found.order[rows]
        if some.lacks[0] == X.shape[1]:
            L[:, places] = components.log_weights[:, None]
            continue
        L[:, places] = complete(components, X[places], some).L
    return L
