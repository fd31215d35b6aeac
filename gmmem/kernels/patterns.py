"""Which values are missing in which rows: rows of the same pattern beside each other."""

from typing import NamedTuple

import numpy as np

# Bits in a word of a pattern's key.
WORD = 64


class Patterns(NamedTuple):
    """The patterns of some rows, those that lack least first."""

    missing: np.ndarray
    """What each pattern lacks, (Q, n_features)."""
    starts: np.ndarray
    """Where its rows begin, and where the last ones end, (Q + 1,)."""
    order: np.ndarray | None
    """Places of the rows in this order; None where they are in it."""

    @property
    def lacks(self) -> np.ndarray:
        """How many values each pattern lacks, (Q,)."""
        return np.count_nonzero(self.missing, axis=1)


def keys(missing: np.ndarray) -> np.ndarray:
    """For each row (b, d) the number of missing values, then words that say which, (w, b)."""
    b, d = missing.shape
    words = np.zeros((b, -(-d // WORD) * (WORD // 8)), dtype=np.uint8)
    packed = np.packbits(missing, axis=1)
    words[:, : packed.shape[1]] = packed
    return np.vstack([np.count_nonzero(missing, axis=1), words.view(np.uint64).T])


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
    return Patterns(missing[starts[:-1]], starts, order)


def _changes(code: np.ndarray) -> np.ndarray:
    """Where a row's key is another than that of the row before."""
    return np.flatnonzero((code[:, 1:] != code[:, :-1]).any(axis=0)) + 1


def _sorted(code: np.ndarray, changes: np.ndarray) -> bool:
    """Whether keys of which only some change rise."""
    few = code[:, np.concatenate([[0], changes])]
    return np.array_equal(np.lexsort(few[::-1]), np.arange(few.shape[1]))
