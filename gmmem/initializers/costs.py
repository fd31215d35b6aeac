"""What it costs to merge each pair of clusters, and the least of each cluster's costs."""

from collections.abc import Callable

import numpy as np

# Rows of the table that are filled at once.
ROWS_AT_ONCE = 32

# The table shrinks when this share of its clusters is left, unless it is small.
FEW, SMALL = 0.8, 48


class Costs:
    """A symmetric table, with the least of each row and where it stands.

    Clusters that have joined others stay, at an infinite cost, until the table shrinks:
    rows are then whole, and nothing is picked out of them.

    Parameters
    ----------
    m : int
        Clusters.
    fill : callable
        ``fill(i, j)`` gives the costs of merging each of the slice i with each of j.
    """

    def __init__(self, m: int, fill: Callable[[slice, slice], np.ndarray]):
        self.names = np.arange(m)
        """The clusters' numbers before any merge."""
        self.gone = np.zeros(m)
        """Infinity for those that have joined others, else zero."""
        self.left = m
        self.fill(fill)

    def fill(self, fill: Callable[[slice, slice], np.ndarray]) -> None:
        """Compute all of it, for clusters that are all left."""
        m = len(self.names)
        self.cost = np.empty((m, m))
        for first in range(0, m, ROWS_AT_ONCE):
            i, j = slice(first, first + ROWS_AT_ONCE), slice(first, m)
            block = fill(i, j)
            self.cost[i, j], self.cost[j, i] = block, block.T
        np.fill_diagonal(self.cost, np.inf)
        self.partner = self.cost.argmin(axis=1)
        self.least = self.cost[np.arange(m), self.partner]

    def first_of_least(self) -> tuple[int, int]:
        """The pair that costs least, the first of them in order."""
        i = int(self.least.argmin())
        j = int(self.partner[i])
        return (i, j) if i < j else (j, i)

    def correct(self, i: int, j: int, cost: float) -> None:
        """Set the cost of a pair, which was the least of both, to something higher."""
        self.cost[i, j] = self.cost[j, i] = cost
        self._rescan(np.array([i, j]))

    def merge(self, i: int, j: int, row: np.ndarray) -> None:
        """Let j join i, which then has these costs (taken as its own)."""
        cost, gone, least, partner = self.cost, self.gone, self.least, self.partner
        self.left -= 1
        gone[j] = cost[j] = cost[:, j] = least[j] = np.inf
        partner[j] = -1
        row += gone
        row[i] = np.inf
        cost[i] = cost[:, i] = row
        closer = row < least
        stale = partner == i
        stale &= ~closer
        stale |= partner == j
        stale[i] = False
        np.copyto(least, row, where=closer)
        partner[closer] = i
        partner[i] = row.argmin()
        least[i] = row[partner[i]]
        rows = stale.nonzero()[0]
        if len(rows):
            self._rescan(rows)

    def _rescan(self, rows: np.ndarray) -> None:
        costs = self.cost[rows]
        partner = costs.argmin(axis=1)
        self.partner[rows] = partner
        self.least[rows] = costs[np.arange(len(rows)), partner]

    def keep(self) -> np.ndarray | None:
        """Shrink to the clusters that are left, if they are few: their places, or None."""
        m = len(self.names)
        if m <= SMALL or self.left > FEW * m:
            return None
        kept = self.places()
        self.cost, self.least = self.cost[np.ix_(kept, kept)], self.least[kept]
        moved = np.cumsum(self.gone == 0) - 1
        self.partner = moved[self.partner[kept]]
        self.forget_gone(kept)
        return kept

    def places(self) -> np.ndarray:
        """Where the clusters stand that are left."""
        return (self.gone == 0).nonzero()[0]

    def forget_gone(self, kept: np.ndarray) -> None:
        """Name only these; the table is the caller's matter."""
        self.names, self.gone = self.names[kept], np.zeros(len(kept))
