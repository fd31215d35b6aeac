"""Which values are missing in which rows: rows of the same pattern beside each other."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

# Bits that a float64 holds exactly, and that a word of a pattern's key has.
WORD = 52

# Rows whose keys are computed at once.
MANY = 65_536


class Patterns(NamedTuple):
    """The patterns of some rows, those that lack least first."""

    missing: np.ndarray
    """What each pattern lacks, (Q, n_features)."""
    starts: np.ndarray
    """Where its rows begin, and where the last ones end, (Q + 1,)."""
    order: np.ndarray | None
    """Places of the rows in this order; None where they are in it."""
    lacks: np.ndarray
    """How many values each pattern lacks, (Q,)."""

    def within(self, first: int, last: int) -> "Patterns":
        """Those of a run of rows that are in this order."""
        begin = int(np.searchsorted(self.starts, first, side="right")) - 1
        end = int(np.searchsorted(self.starts, last, side="left"))
        starts = self.starts[begin : end + 1] - first
        starts[0], starts[-1] = 0, last - first
        return Patterns(self.missing[begin:end], starts, None, self.lacks[begin:end])


def keys(missing: np.ndarray) -> np.ndarray:
    """For each row (b, d) the number of missing values, then words that say which, (w, b)."""
    return _places(missing.shape[1]) @ missing.T.astype(np.float64)


@lru_cache(maxsize=16)
def _places(n_features: int) -> np.ndarray:
    """What each feature adds to the words of a key."""
    places = np.arange(n_features)
    words = np.zeros((2 + (n_features - 1) // WORD, n_features))
    words[0] = 1
    words[1 + places // WORD, places] = 2.0 ** (places % WORD)
    return words


def patterns(X: np.ndarray) -> Patterns:
    """The patterns of rows (b, d)."""
    missing = np.isnan(X)
    code = keys(missing)
    changes = _changes(code)
    order = None
    if not _sorted(code, changes):
        order = np.lexsort(code[::-1])
        code, missing = code[:, order], missing[order]
        changes = _changes(code)
    starts = np.concatenate([[0], changes, [len(X)]])
    return Patterns(missing[starts[:-1]], starts, order, code[0, starts[:-1]].astype(np.intp))


def _changes(code: np.ndarray) -> np.ndarray:
    """Where a row's key is another than that of the row before."""
    return np.flatnonzero((code[:, 1:] != code[:, :-1]).any(axis=0)) + 1


def _sorted(code: np.ndarray, changes: np.ndarray) -> bool:
    """Whether keys of which only some change rise."""
    few = code[:, np.concatenate([[0], changes])]
    return np.array_equal(np.lexsort(few[::-1]), np.arange(few.shape[1]))


def without_value(X: np.ndarray) -> np.ndarray | None:
    """Which rows have nothing but NaN; None where none has."""
    gone = np.isnan(X[:, 0])
    if not gone.any():
        return None
    gone[gone] = np.isnan(X[gone]).all(axis=1)
    return gone if gone.any() else None


def patterns_of_all(X: np.ndarray, kept: np.ndarray | None) -> Patterns:
    """The patterns of many rows: of those that are kept, if not all, and have a value.

    The order is that of the rows that are left.
    """
    n, d = X.shape
    code = np.empty((len(_places(d)), n))
    for first in range(0, n, MANY):
        some = slice(first, first + MANY)
        code[:, some] = keys(np.isnan(X[some]))
    counted = code[0] < d
    if kept is not None:
        counted &= kept
    places = np.flatnonzero(counted)
    order = places[np.lexsort(code[::-1, places])]
    starts = np.concatenate([[0], _changes(code[:, order]), [len(order)]])
    small = np.int32 if n <= np.iinfo(np.int32).max else np.int64
    missing = np.isnan(X[order[starts[:-1]]])
    lacks = np.count_nonzero(missing, axis=1)
    return Patterns(missing, starts, order.astype(small), lacks)
