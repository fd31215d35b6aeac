"""The rows to seed on: few enough, and the same for weights as for copies."""

import numpy as np
from sklearn.utils.random import sample_without_replacement

# Weights that are added up at once.
PIECE = 2**16


def seeding_rows(X, n_components, sample_weight, max_samples, random_state):
    """Choose rows for seeding, and their weights.

    Up to `max_samples` unweighted rows are taken as they are, so that seeding
    follows scikit-learn's draws.  With weights, or where most rows repeat others,
    the distinct rows stand in a fixed order with their total weights: copies and
    weights are then the same thing to the last bit.

    Returns
    -------
    rows : ndarray of shape (m, n_features)
    weights : ndarray of shape (m,) or None

    Raises
    ------
    ValueError
        If there are fewer distinct rows than components.
    """
    if max_samples < 1:
        raise ValueError(f"max_samples={max_samples} must be at least 1.")
    max_samples = max(max_samples, n_components)
    n_samples = len(X) if sample_weight is None else np.count_nonzero(sample_weight)
    if n_samples < len(X) and n_samples <= max_samples:
        X, sample_weight = X[sample_weight > 0], sample_weight[sample_weight > 0]
    if sample_weight is None:
        rows, weights = X, None
        if n_samples > max_samples:
            chosen = sample_without_replacement(n_samples, max_samples, random_state=random_state)
            rows = X[np.sort(chosen)]
    elif n_samples > max_samples:
        drawn = draw_by_weight(sample_weight, max_samples, random_state)
        chosen, weights = np.unique(drawn, return_counts=True)
        rows = X[chosen]
    else:
        rows, weights = X, sample_weight
    if weights is not None or _few_distinct(rows, n_components):
        rows, weights = distinct(rows, np.ones(len(rows)) if weights is None else weights)
        if len(rows) < n_components:
            raise ValueError(
                f"n_components={n_components} is more than the {len(rows)} distinct rows "
                "of X; lower n_components."
            )
    return rows, weights


def draw_by_weight(weight: np.ndarray, size: int, random_state) -> np.ndarray:
    """Places drawn with replacement, in proportion to their weights, piece by piece."""
    points = np.sort(random_state.uniform(0, weight.sum(), size=size))
    drawn, before, done, last = [], 0.0, 0, 0
    for first in range(0, len(weight), PIECE):
        piece = weight[first : first + PIECE]
        total = before + np.cumsum(piece)
        inside = points[done : np.searchsorted(points, total[-1])]
        drawn.append(first + np.searchsorted(total, inside, side="right"))
        before, done = total[-1], done + len(inside)
        if piece.any():
            last = first + int(np.flatnonzero(piece)[-1])
    # Rounding may leave the last points beyond the last sum.
    return np.concatenate([*drawn, np.full(size - done, last)])


def _few_distinct(rows: np.ndarray, n_components: int) -> bool:
    """Whether over half of the rows are copies, or there are too few distinct ones."""
    limit = max(len(rows) // 2, n_components - 1)
    if len(np.unique(rows[:, 0])) > limit:
        return False
    return len(distinct(rows, np.ones(len(rows)))[0]) <= limit


def distinct(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows in lexicographic order, and the total weight of each."""
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    starts = np.flatnonzero(first)
    return ordered[starts], np.add.reduceat(np.asarray(weights, dtype=np.float64)[order], starts)
