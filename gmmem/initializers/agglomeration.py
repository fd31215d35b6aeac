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
        """Labels (n_samples,) when that many clusters are left, in order of appearance."""
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

    def joined(self, i: int, others: np.ndarray):
        """Mass, trace, and a way to the scatter of cluster i with each of the others."""
        mass = self.mass[i] + self.mass[others]
        gap = self.means[:, others] - self.means[:, i, None]
        share = self.mass[i] * self.mass[others] / mass
        trace = np.einsum("jm,jm->m", gap, gap)
        trace *= share
        trace += self.trace[i] + self.trace[others]
        return mass, trace, gap, share

    def merge(self, i: int, j: int) -> None:
        """Let cluster j join cluster i."""
        mass, trace, gap, share = self.joined(i, np.array([j]))
        if self.scatter is not None:
            self.scatter[..., i] += self.scatter[..., j] + share[0] * gap * gap.T
        self.means[:, i] += gap[:, 0] * (self.mass[j] / mass[0])
        self.mass[i], self.trace[i] = mass[0], trace[0]


class Criterion(Protocol):
    """What a cluster adds to the criterion."""

    with_scatter: bool

    def alone(self, clusters: Clusters) -> np.ndarray:
        """Of each cluster while it has no scatter."""

    def term(self, clusters: Clusters, i: int, others: np.ndarray) -> np.ndarray:
        """Of the clusters that i would make with each of the others."""


class EqualSpheres:
    """EII: the sum of squares, Ward's criterion."""

    with_scatter = False

    def alone(self, clusters):
        return np.zeros(len(clusters.mass))

    def term(self, clusters, i, others):
        return clusters.joined(i, others)[1]


class Spheres:
    """VII."""

    with_scatter = False

    def alone(self, clusters):
        return clusters.mass * np.log(clusters.least_variance / clusters.mass)

    def term(self, clusters, i, others):
        mass, trace, _, _ = clusters.joined(i, others)
        return mass * np.log((trace + clusters.least_variance) / mass)


class Ellipsoids(Spheres):
    """VVV."""

    with_scatter = True

    def term(self, clusters, i, others):
        mass, trace, gap, share = clusters.joined(i, others)
        value = (trace + clusters.least_variance) / mass
        d = len(gap)
        large = np.flatnonzero(mass > d)
        if len(large):
            W = clusters.scatter[..., others[large]]
            W += clusters.scatter[..., i, None]
            gap = gap[:, large]
            W += (gap * share[large])[:, None] * gap
            W /= mass[large]
            value[large] += _determinants(W)
        return mass * np.log(value)


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


def agglomerate(mass: np.ndarray, means: np.ndarray, criterion: Criterion) -> np.ndarray:
    """Merge clusters until one is left; return the merges, (m - 1, 2).

    The cost of every pair is kept, (m, m), and each row's least of them.
    """
    if len(means) == 1:
        return np.empty((0, 2), dtype=np.intp)
    clusters = Clusters(mass, means, criterion.with_scatter)
    m, own = len(means), criterion.alone(clusters)
    cost = np.empty((m, m))
    everyone = np.arange(m)
    np.fill_diagonal(cost, np.inf)
    for i in everyone[:-1]:
        row = criterion.term(clusters, i, everyone[i + 1 :]) - own[i] - own[i + 1 :]
        cost[i, i + 1 :] = row
        cost[i + 1 :, i] = row
    partner = cost.argmin(axis=1)
    least = cost[everyone, partner]
    alive = np.ones(m, dtype=bool)
    merges = np.empty((m - 1, 2), dtype=np.intp)
    for step in range(m - 1):
        i = int(least.argmin())
        i, j = sorted((i, int(partner[i])))
        merges[step] = i, j
        own[i] += own[j] + cost[i, j]
        clusters.merge(i, j)
        alive[j] = False
        cost[j], cost[:, j], least[j] = np.inf, np.inf, np.inf
        alive[i] = False
        others = np.flatnonzero(alive)
        alive[i] = True
        if not len(others):
            break
        row = criterion.term(clusters, i, others) - own[i] - own[others]
        cost[i, others] = row
        cost[others, i] = row
        nearest = int(row.argmin())
        least[i], partner[i] = row[nearest], others[nearest]
        closer = row < least[others]
        least[others[closer]], partner[others[closer]] = row[closer], i
        stale = others[((partner[others] == i) & ~closer) | (partner[others] == j)]
        if len(stale):
            partner[stale] = cost[stale].argmin(axis=1)
            least[stale] = cost[stale, partner[stale]]
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
