"""Model-based agglomeration: merge two clusters at a time, cheapest first.

Of a cluster C only its mass n, mean and scatter W enter.  With ``a = tr(W of all) /
(n d)``, merging two clusters costs what it adds to

    EII    sum_C  tr W_C
    VII    sum_C  n_C log((tr W_C + a) / n_C)
    EEE    |a I + sum_C W_C|
    VVV    sum_C  n_C log(|W_C / n_C| + (tr W_C + a) / n_C),  |W_C| = 0 while n_C <= d

References
----------
Fraley (1998). Algorithms for model-based Gaussian hierarchical clustering. SIAM
Journal on Scientific Computing 20, 270-281.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

# Rows of the table of costs that are filled at once.
ROWS_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Tree:
    """Which clusters merged, in order.

    Parameters
    ----------
    leaf : ndarray of shape (n_samples,)
        The cluster that each row starts in.
    merges : ndarray of shape (n_leaves - 1, 2)
        Step by step, the cluster that stays and the one that joins it.
    """

    leaf: np.ndarray
    merges: np.ndarray

    def labels(self, n_clusters: int) -> np.ndarray:
        """Hard (n_samples,) when that many clusters are left, in order of appearance."""
        n_leaves = len(self.merges) + 1
        if not 1 <= n_clusters <= n_leaves:
            raise ValueError(f"A tree of {n_leaves} distinct rows has no {n_clusters} clusters.")
        owner = np.arange(n_leaves)
        # Backwards, a cluster's last owner is known before those that joined it.
        for stays, joins in self.merges[: n_leaves - n_clusters][::-1]:
            owner[joins] = owner[stays]
        found, first, labels = np.unique(owner[self.leaf], return_index=True, return_inverse=True)
        order = np.empty(len(found), dtype=np.intp)
        order[np.argsort(first)] = np.arange(len(found))
        return order[labels]


class Clusters:
    """Mass, mean and scatter of each cluster, all of which may be merged."""

    def __init__(self, mass: np.ndarray, means: np.ndarray, with_scatter: bool):
        m, d = means.shape
        # Clusters lie along the last axis, as rows do in the E-step.
        self.mass, self.means = mass.astype(np.float64), np.ascontiguousarray(means.T)
        self.trace = np.zeros(m)
        self.scatter = np.zeros((d, d, m)) if with_scatter else None
        centred = means - np.average(means, axis=0, weights=mass)
        self.least_variance = float(mass @ (centred * centred).sum(axis=1)) / (mass.sum() * d)

    def joined(self, i: np.ndarray, j: np.ndarray):
        """Mass, trace, gap and share of the pairs (i, j), arrays that broadcast."""
        mass = self.mass[i] + self.mass[j]
        gap = self.means[:, j] - self.means[:, i]
        share = self.mass[i] * self.mass[j] / mass
        trace = np.einsum("j...,j...->...", gap, gap)
        trace *= share
        trace += self.trace[i]
        trace += self.trace[j]
        return mass, trace, gap, share

    def merge(self, i: int, j: int) -> None:
        """Let cluster j join cluster i."""
        mass, trace, gap, share = self.joined(np.array([i]), np.array([j]))
        if self.scatter is not None:
            self.scatter[..., i] += self.scatter[..., j] + share[0] * gap * gap.T
        self.means[:, i] += gap[:, 0] * (self.mass[j] / mass[0])
        self.mass[i], self.trace[i] = mass[0], trace[0]


class Criterion(Protocol):
    """What a cluster adds to the criterion."""

    with_scatter: bool

    def alone(self, clusters: Clusters) -> np.ndarray:
        """Of each cluster while it has no scatter."""

    def at_least(self, clusters: Clusters, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """No more than the clusters add that i would make with j; both broadcast."""

    def loose(self, clusters: Clusters, i: np.ndarray, j: np.ndarray) -> np.ndarray | bool:
        """Where that is not what they add."""

    def term(self, clusters: Clusters, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """What they add."""


class EqualSpheres:
    """EII: the sum of squares, Ward's criterion."""

    with_scatter = False

    def alone(self, clusters):
        return np.zeros(len(clusters.mass))

    def at_least(self, clusters, i, j):
        return clusters.joined(i, j)[1]

    def loose(self, clusters, i, j):
        return False

    term = at_least


class Spheres:
    """VII."""

    with_scatter = False

    def alone(self, clusters):
        return clusters.mass * np.log(clusters.least_variance / clusters.mass)

    def at_least(self, clusters, i, j):
        mass, value, _, _ = clusters.joined(i, j)
        value += clusters.least_variance
        value /= mass
        np.log(value, out=value)
        value *= mass
        return value

    def loose(self, clusters, i, j):
        return False

    term = at_least


class Ellipsoids(Spheres):
    """VVV: without the determinant, which is small beside the trace, it is VII."""

    with_scatter = True

    def loose(self, clusters, i, j):
        return clusters.mass[i] + clusters.mass[j] > len(clusters.means)

    def term(self, clusters, i, j):
        mass, trace, gap, share = clusters.joined(i, j)
        W = clusters.scatter[..., i] + clusters.scatter[..., j]
        W += (gap * share)[:, None] * gap
        W /= mass
        return mass * np.log((trace + clusters.least_variance) / mass + _determinants(W))


def _determinants(W: np.ndarray) -> np.ndarray:
    """Of positive semidefinite matrices (d, d, m), by elimination in place."""
    scale = 1e-13 * np.diagonal(W).T
    result = np.maximum(W[0, 0], 0)
    for k in range(1, len(W)):
        # What is left of the matrix once the first k features are known.
        pivot = W[k - 1, k - 1]
        ratio = W[k:, k - 1] / np.where(pivot > scale[k - 1], pivot, np.inf)
        W[k:, k:] -= ratio[:, None] * W[k - 1, None, k:]
        result *= np.where(W[k, k] > scale[k], W[k, k], 0)
    return result


class Costs:
    """The cost of merging each pair, and each cluster's least of them.

    A cost may be only a lower bound at first; it is computed when it matters, which
    is when it is the least of all.
    """

    def __init__(self, clusters: Clusters, criterion: Criterion):
        m = len(clusters.mass)
        self.clusters, self.criterion = clusters, criterion
        self.own = criterion.alone(clusters)
        self.cost = np.empty((m, m))
        self.loose = np.empty((m, m), dtype=bool)
        everyone = np.arange(m)
        for first in range(0, m, ROWS_AT_ONCE):
            i, j = everyone[first : first + ROWS_AT_ONCE], everyone[first:]
            self._fill(i[:, None], j[None], i, j)
        np.fill_diagonal(self.cost, np.inf)
        self.partner = self.cost.argmin(axis=1)
        self.least = self.cost[everyone, self.partner]

    def _fill(self, pairs_i, pairs_j, i, j) -> np.ndarray:
        row = self.criterion.at_least(self.clusters, pairs_i, pairs_j)
        row -= self.own[pairs_i]
        row -= self.own[pairs_j]
        loose = self.criterion.loose(self.clusters, pairs_i, pairs_j)
        i, j = np.ix_(i, j)
        self.cost[i, j], self.loose[i, j] = row, loose
        self.cost[j.T, i.T], self.loose[j.T, i.T] = row.T, np.transpose(loose)
        return row

    def cheapest(self) -> tuple[int, int]:
        """The pair whose merge costs least, the first of them in order."""
        while True:
            i = int(self.least.argmin())
            j = int(self.partner[i])
            if not self.loose[i, j]:
                return min(i, j), max(i, j)
            pair = np.array([i]), np.array([j])
            cost = self.criterion.term(self.clusters, *pair)[0] - self.own[i] - self.own[j]
            self.cost[i, j] = self.cost[j, i] = cost
            self.loose[i, j] = self.loose[j, i] = False
            self._rescan(np.array([i, j]))

    def _rescan(self, rows: np.ndarray) -> None:
        self.partner[rows] = self.cost[rows].argmin(axis=1)
        self.least[rows] = self.cost[rows, self.partner[rows]]

    def merge(self, i: int, j: int, others: np.ndarray) -> None:
        """Let j join i; the others are left."""
        self.own[i] += self.own[j] + self.cost[i, j]
        self.clusters.merge(i, j)
        self.cost[j], self.cost[:, j], self.least[j] = np.inf, np.inf, np.inf
        one = np.array([i])
        row = self._fill(one[:, None], others[None], one, others)[0]
        nearest = int(row.argmin())
        self.least[i], self.partner[i] = row[nearest], others[nearest]
        closer = row < self.least[others]
        self.least[others[closer]], self.partner[others[closer]] = row[closer], i
        known = self.partner[others]
        stale = others[((known == i) & ~closer) | (known == j)]
        if len(stale):
            self._rescan(stale)


def agglomerate(mass: np.ndarray, means: np.ndarray, criterion: Criterion) -> np.ndarray:
    """Merge clusters until one is left; return the merges, (m - 1, 2)."""
    m = len(means)
    merges = np.empty((m - 1, 2), dtype=np.intp)
    if m == 1:
        return merges
    costs = Costs(Clusters(mass, means, criterion.with_scatter), criterion)
    left = np.arange(m)
    for step in range(m - 1):
        i, j = merges[step] = costs.cheapest()
        left = left[left != j]
        if len(left) > 1:
            costs.merge(i, j, left[left != i])
    return merges


def agglomerate_equal(mass: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The merges for EEE, where every merge changes the cost of all pairs.

    Adding ``c gap gap'`` to W multiplies its determinant by ``1 + c gap' inv(W) gap``.
    (mclust starts from W = 0 and ranks by rules of its own while that is singular.)
    """
    m, d = means.shape
    if m == 1:
        return np.empty((0, 2), dtype=np.intp)
    clusters = Clusters(mass, means, with_scatter=False)
    mass, means = clusters.mass, clusters.means.T
    pooled = clusters.least_variance * np.eye(d)
    alive = np.arange(m)
    merges = np.empty((m - 1, 2), dtype=np.intp)
    for step in range(m - 1):
        n, Y = mass[alive], means[alive]
        values, axes = np.linalg.eigh(pooled)
        Y = (Y - Y.mean(axis=0)) @ (axes / np.sqrt(values))
        squares = np.einsum("mj,mj->m", Y, Y)
        cost = Y @ (-2 * Y.T)
        cost += squares
        cost += squares[:, None]
        cost *= 1 / (1 / n + 1 / n[:, None])
        np.fill_diagonal(cost, np.inf)
        i, j = sorted(divmod(int(cost.argmin()), len(alive)))
        first, second = alive[i], alive[j]
        gap = means[second] - means[first]
        total = mass[first] + mass[second]
        pooled += mass[first] * mass[second] / total * np.outer(gap, gap)
        means[first] += gap * (mass[second] / total)
        mass[first] = total
        merges[step] = first, second
        alive = np.delete(alive, j)
    return merges
