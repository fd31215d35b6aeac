"""The rows to seed on: few enough, and the same for weights as for copies.

The rule.  Only ratios of weights count.  Where all are whole multiples of the least they
stand for copies, which are then seeded on as if they were there; rows of no weight are not.
Rows of which more than half are copies, and rows of other weights, are seeded on as
distinct rows in a fixed order with their total weights.  What is more than `max_samples`
rows, copies counted, is represented by that many, drawn one from each of as many equal
shares of the total weight, in the order of the rows: copies that stand side by side are
drawn as the weight is that they stand for.  Up to `max_samples` distinct rows nothing is
drawn, whatever the number of copies.
"""

import numpy as np

# Weights that are added up at once.
PIECE = 2**16

# Ratios of weights that are whole up to rounding, and the largest taken for a number of copies.
WHOLE, MOST_COPIES = 1e-9, 1e9

# Weights are told apart by so many bits, so that rounding does not break ties; and what is
# lighter than this share of the heaviest counts as much.
BITS, LIGHTEST = 40, 1e-60


def seeding_rows(X, n_components, sample_weight, max_samples, random_state, drawn=None):
    """Choose rows for seeding, and their weights.

    Up to `max_samples` rows without weights are taken as they are, so that seeding
    follows scikit-learn's draws.  Of more, `drawn` are, by default as many.

    Returns
    -------
    rows : ndarray of shape (m, n_features)
        X itself where all of it is taken.  Fewer than the components where there are
        fewer distinct rows.
    weights : ndarray of shape (m,) or None
        Of distinct rows, about one; None where each counts as one.
    """
    if max_samples < 1:
        raise ValueError(f"max_samples={max_samples} must be at least 1.")
    max_samples = max(max_samples, n_components)
    copies, weight = as_copies(sample_weight)
    n_rows = len(X) if weight is None else weight.sum() if copies else np.count_nonzero(weight)
    if n_rows > max_samples:
        few = _few_distinct(X, weight, max_samples)
        if few is not None:
            return few[0], typical_one(few[1])
        total = len(X) if weight is None else weight
        rows = X[draw_by_weight(total, drawn or max_samples, random_state)]
        if not _more_distinct(rows, n_components - 1):
            return _heaviest(X, weight, max_samples)
    elif weight is None:
        rows = X
    elif copies:
        rows = X.repeat(weight.astype(np.intp), axis=0)
    else:
        rows, mass = distinct(X[weight > 0], weight[weight > 0])
        return rows, typical_one(mass)
    if not _more_distinct(rows, max(len(rows) // 2, n_components - 1)):
        rows, mass = distinct(rows, np.ones(len(rows)))
        return rows, typical_one(mass)
    return rows, None


def as_copies(sample_weight) -> tuple[bool, np.ndarray | None]:
    """Whether weights stand for copies, and their numbers (None is one of each) or weights."""
    if sample_weight is None:
        return True, None
    weight = np.asarray(sample_weight, dtype=np.float64)
    positive = weight[weight > 0]
    if not len(positive):
        raise ValueError("sample_weight must be positive for a row.")
    if positive.max() <= MOST_COPIES * positive.min():
        ratio = weight / positive.min()
        whole = np.rint(ratio)
        if (np.abs(ratio - whole) <= WHOLE * ratio).all():
            return True, None if (whole == 1).all() else whole
    return False, weight


def typical_one(mass: np.ndarray) -> np.ndarray:
    """Positive weights in a unit that makes the typical one about one.

    That is the median, so that single rows weigh one beside a few copies, as in mclust;
    unless most are light, and it is nearly nothing to the mean.
    """
    mass = mass / mass.max()
    mass = np.maximum(mass, LIGHTEST)
    fraction, exponent = np.frexp(mass / max(np.median(mass), mass.mean() / 2))
    return np.ldexp(np.rint(np.ldexp(fraction, BITS)), exponent - BITS)


def draw_by_weight(weight: np.ndarray | int, size: int, random_state) -> np.ndarray:
    """Places in order, one from each of `size` equal shares of the total weight.

    Parameters
    ----------
    weight : ndarray or int
        Of each place; or the number of places, which then weigh one.
    """
    total_weight = float(weight if np.ndim(weight) == 0 else weight.sum())
    points = (np.arange(size) + random_state.uniform(size=size)) * (total_weight / size)
    if np.ndim(weight) == 0:
        return np.minimum(points.astype(np.intp), weight - 1)
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


def _few_distinct(X, weight, limit: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Distinct rows and their weights, if there are not more than the limit."""
    n_rows = len(X) if weight is None else np.count_nonzero(weight)
    if n_rows > limit:
        # Some rows, evenly spread, usually show at once that there are more.
        spread = np.linspace(0, n_rows - 1, min(2 * limit, n_rows)).astype(np.intp)
        probe = X[spread if weight is None else weight.nonzero()[0][spread]]
        if _more_distinct(probe, limit):
            return None
    if weight is not None:
        X, weight = X[weight > 0], weight[weight > 0]
    rows, mass = distinct(X, np.ones(len(X)) if weight is None else weight)
    return None if len(rows) > limit else (rows, mass)


def _heaviest(X, weight, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of most weight: where a few have so much that no others are drawn."""
    rows, mass = distinct(X, np.ones(len(X)) if weight is None else weight)
    kept = np.sort(np.argsort(-mass, kind="stable")[:size])
    return rows[kept], typical_one(mass[kept])


def _more_distinct(rows: np.ndarray, limit: int) -> bool:
    values = np.sort(rows[:, 0])  # np.unique does the same, and takes twice as long of few.
    if np.count_nonzero(values[1:] != values[:-1]) >= limit:
        return True
    return len(distinct(rows, np.ones(len(rows)))[0]) > limit


def distinct(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows in lexicographic order, and the total weight of each."""
    order, first = _in_order(rows)
    starts = np.flatnonzero(first)
    mass = np.add.reduceat(np.asarray(weights, dtype=np.float64)[order], starts)
    return rows[order[starts]], mass


def which_distinct(rows: np.ndarray) -> np.ndarray:
    """The place of each row among the distinct ones."""
    order, first = _in_order(rows)
    places = np.empty(len(rows), dtype=np.intp)
    places[order] = np.cumsum(first) - 1
    return places


def _in_order(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows in lexicographic order, and which of them differ from the one before."""
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return order, first


def one_each(X: np.ndarray, sample_weight) -> np.ndarray:
    """Labels where there are fewer distinct rows than components: one for each of them.

    The components that are left over get no row.  (A row of no weight has the label 0.)
    """
    if sample_weight is None:
        return which_distinct(X)
    labels = np.zeros(len(X), dtype=np.intp)
    positive = np.asarray(sample_weight) > 0
    labels[positive] = which_distinct(X[positive])
    return labels
