"""Agglomeration for EEE, where every merge changes the cost of all pairs.

Adding ``s g g'`` to W, g the gap between two means and s what its square counts,
multiplies ``|W|`` by ``1 + s g' inv(W) g``: the cheapest pair has the least of these.
W only grows.  So costs by an earlier W, the reference, tell which pairs can be the
cheapest now: with l the largest eigenvalue of W relative to the reference, no cost has
fallen by more than the factor l.  Those few are computed by the W of now; when they are
no longer few, this W is the next reference.

(mclust starts from W = 0 and ranks by rules of its own while that is singular.)
"""

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtrs

from gmmem.initializers.agglomeration import least_variance
from gmmem.initializers.costs import Costs

EPS = np.finfo(np.float64).eps

# Pairs for each cluster that may be computed before a new reference is taken.
MANY = 2


def agglomerate_equal(mass: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The merges for EEE, (m - 1, 2)."""
    m = len(means)
    merges = np.empty((m - 1, 2), dtype=np.intp)
    if m == 1:
        return merges
    left = Pooled(mass, means)
    for step in range(m - 1):
        merges[step] = left.merge(*left.cheapest())
    return merges


class Pooled:
    """The clusters that are left, their pooled scatter, and costs by a reference."""

    def __init__(self, mass: np.ndarray, means: np.ndarray):
        self.mass = mass.astype(np.float64)
        self.means = np.array((means - np.average(means, axis=0, weights=mass)).T, order="C")
        d = len(self.means)
        self.W = least_variance(mass, means) * np.eye(d)
        self.factor = dpotrf(self.W, lower=1)[0]
        self.costs: Costs | None = None
        self._refer()

    def _refer(self) -> None:
        """Let the W of now be the reference."""
        if self.costs is not None:
            kept = self.costs.places()
            self.costs.forget_gone(kept)
            self.mass, self.means = self.mass[kept], np.ascontiguousarray(self.means[:, kept])
        self.grown = np.eye(len(self.W))
        """W in the coordinates in which the reference is the identity."""
        self.reference = self.factor
        self.white = np.ascontiguousarray(self._whiten(self.means))
        self.squares = np.einsum("jm,jm->m", self.white, self.white)
        if self.costs is None:
            self.costs = Costs(len(self.mass), self._by_products)
        else:
            self.costs.fill(self._by_products)
        # The most by which a cost by products may be wrong.
        self.slack = 16 * (len(self.W) + 2) * EPS * self.squares.max() * self.mass.max()

    def _whiten(self, gaps: np.ndarray) -> np.ndarray:
        return dtrtrs(self.factor, gaps, lower=1)[0]

    def _by_products(self, i: slice, j: slice) -> np.ndarray:
        costs = self.white[:, i].T @ self.white[:, j]
        costs *= -2
        costs += self.squares[j]
        costs += self.squares[i, None]
        costs *= self.mass[j]
        costs *= self.mass[i, None]
        costs /= self.mass[i, None] + self.mass[j]
        return costs

    def _by_differences(self, i: int) -> np.ndarray:
        gaps = self.white - self.white[:, i, None]
        costs = np.einsum("jm,jm->m", gaps, gaps)
        costs *= self.mass[i] * self.mass
        costs /= self.mass[i] + self.mass
        return costs

    def _now(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """What merging pairs costs by the W of now."""
        white = self._whiten(self.means[:, j] - self.means[:, i])
        share = self.mass[i] * self.mass[j] / (self.mass[i] + self.mass[j])
        return share * np.einsum("jp,jp->p", white, white)

    def cheapest(self) -> tuple[int, int]:
        """The pair whose merge costs least, the first of them in order."""
        while True:
            first = self.costs.first_of_least()
            fresh = self.grown[0, 0] == 1 and not (self.grown != np.eye(len(self.W))).any()
            most = 1.0 if fresh else float(np.linalg.eigvalsh(self.grown)[-1])
            (cost,) = self._now(*np.array(first)[:, None])
            # What costs more by the reference than this costs more now.
            limit = float(cost) * most * (1 + 1e-9) + self.slack
            rows = (self.costs.least <= limit).nonzero()[0]
            at, j = (self.costs.cost[rows] <= limit).nonzero()
            i = rows[at]
            upper = i < j
            i, j = i[upper], j[upper]
            if fresh or len(i) <= MANY * self.costs.left:
                break
            self._refer()
        if len(i) < 2:
            return first
        best = int(self._now(i, j).argmin())
        return int(i[best]), int(j[best])

    def merge(self, i: int, j: int) -> tuple[int, int]:
        """Let j join i; their names."""
        names = int(self.costs.names[i]), int(self.costs.names[j])
        total = self.mass[i] + self.mass[j]
        share = self.mass[i] * self.mass[j] / total
        gap = self.means[:, j] - self.means[:, i]
        white = self.white[:, j] - self.white[:, i]
        self.W += share * gap * gap[:, None]
        self.factor = dpotrf(self.W, lower=1)[0]
        self.grown += share * white * white[:, None]
        for means in (self.means, self.white):
            means[:, i] += (means[:, j] - means[:, i]) * (self.mass[j] / total)
        self.mass[i] = total
        self.costs.merge(i, j, self._by_differences(i))
        kept = self.costs.keep()
        if kept is not None:
            self.mass = self.mass[kept]
            self.means, self.white = (
                np.ascontiguousarray(means[:, kept]) for means in (self.means, self.white)
            )
        return names
