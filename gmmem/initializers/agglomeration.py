"""Model-based agglomeration: merge two clusters at a time, cheapest first.

Of a cluster C only its mass n, mean and scatter W enter.  With ``a = tr(W of all) /
(n d)``, merging two clusters costs what it adds to

    EII    sum_C  tr W_C
    VII    sum_C  n_C log((tr W_C + a) / n_C)
    EEE    |a I + sum_C W_C|                      (in `pooled_agglomeration`)
    VVV    sum_C  n_C log(|W_C / n_C| + (tr W_C + a) / n_C),  |W_C| = 0 while n_C <= d

References
----------
Fraley (1998). Algorithms for model-based Gaussian hierarchical clustering. SIAM
Journal on Scientific Computing 20, 270-281.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg.lapack import dpotrf

from gmmem.initializers.costs import Costs

# A pivot below this share of the variance it is left of is rounding error.
SINGULAR = 1e-13


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

    @property
    def n_leaves(self) -> int:
        return len(self.merges) + 1

    def labels(self, n_clusters: int) -> np.ndarray:
        """Hard (n_samples,) when that many clusters are left, in order of appearance."""
        if not 1 <= n_clusters <= self.n_leaves:
            raise ValueError(f"A tree of {self.n_leaves} leaves has no {n_clusters} clusters.")
        owner = np.arange(self.n_leaves)
        # Backwards, a cluster's last owner is known before those that joined it.
        for stays, joins in self.merges[: self.n_leaves - n_clusters][::-1]:
            owner[joins] = owner[stays]
        found, first, labels = np.unique(owner[self.leaf], return_index=True, return_inverse=True)
        order = np.empty(len(found), dtype=np.intp)
        order[np.argsort(first)] = np.arange(len(found))
        return order[labels]


def least_variance(mass: np.ndarray, means: np.ndarray) -> float:
    """The `a` of the criteria: the mean variance of the features."""
    centred = means - np.average(means, axis=0, weights=mass)
    return float(mass @ (centred * centred).sum(axis=1)) / (mass.sum() * means.shape[1])


class Clusters:
    """Mass, mean and scatter of each cluster, all of which may be merged.

    Clusters lie along the last axis of the means, as rows do in the E-step.
    """

    def __init__(self, mass: np.ndarray, means: np.ndarray, with_scatter: bool, log_unit: float):
        m, d = means.shape
        self.mass, self.means = mass.astype(np.float64), np.array(means.T, order="C")
        self.trace = np.zeros(m)
        self.scatter = np.zeros((m, d, d)) if with_scatter else None
        self.least_variance = least_variance(mass, means)
        self.log_unit = log_unit
        """Log of the unit of the squares."""

    def joined(self, i: slice, j: slice) -> tuple[np.ndarray, np.ndarray]:
        """Mass and trace that each of i and each of j would have together."""
        mass = self.mass[i, None] + self.mass[j]
        gap = self.means[:, None, j] - self.means[:, i, None]
        trace = np.einsum("dij,dij->ij", gap, gap)
        trace *= self.mass[i, None] * self.mass[j] / mass
        trace += self.trace[i, None] + self.trace[j]
        return mass, trace

    def pair(self, i: int, j: int) -> tuple[float, float, np.ndarray, float]:
        """Mass and trace of two together, their gap and what its square counts."""
        mass = float(self.mass[i] + self.mass[j])
        gap = self.means[:, j] - self.means[:, i]
        share = float(self.mass[i] * self.mass[j]) / mass
        trace = float(gap @ gap) * share + float(self.trace[i] + self.trace[j])
        return mass, trace, gap, share

    def merge(self, i: int, j: int) -> None:
        """Let cluster j join cluster i."""
        mass, trace, gap, share = self.pair(i, j)
        if self.scatter is not None:
            self.scatter[i] += self.scatter[j] + share * gap * gap[:, None]
        self.means[:, i] += gap * (self.mass[j] / mass)
        self.mass[i], self.trace[i] = mass, trace

    def keep(self, kept: np.ndarray) -> None:
        """Forget all clusters but these."""
        self.mass, self.trace = self.mass[kept], self.trace[kept]
        self.means = np.ascontiguousarray(self.means[:, kept])
        if self.scatter is not None:
            self.scatter = self.scatter[kept]


class Criterion(Protocol):
    """What a cluster adds to the criterion."""

    with_scatter: bool

    def alone(self, clusters: Clusters) -> np.ndarray:
        """Of each cluster while it has no scatter."""

    def at_least(self, mass: np.ndarray, trace: np.ndarray, clusters: Clusters) -> np.ndarray:
        """No more than clusters of that mass and trace add."""

    def loose(self, clusters: Clusters, mass: np.ndarray) -> np.ndarray | None:
        """Where that is not what they add; None is nowhere."""

    def term(self, clusters: Clusters, i: int, j: int) -> float:
        """What i and j add together."""


class EqualSpheres:
    """EII: the sum of squares, Ward's criterion."""

    with_scatter = False

    def alone(self, clusters):
        return np.zeros(len(clusters.mass))

    def at_least(self, mass, trace, clusters):
        return trace

    def loose(self, clusters, mass):
        return None


class Spheres:
    """VII."""

    with_scatter = False

    def alone(self, clusters):
        return clusters.mass * np.log(clusters.least_variance / clusters.mass)

    def at_least(self, mass, trace, clusters):
        trace += clusters.least_variance
        trace /= mass
        np.log(trace, out=trace)
        trace *= mass
        return trace

    def loose(self, clusters, mass):
        return None


class Ellipsoids(Spheres):
    """VVV: without the determinant, which is small beside the trace, it is VII."""

    with_scatter = True

    def loose(self, clusters, mass):
        return mass > len(clusters.means)

    def term(self, clusters, i, j):
        mass, trace, gap, share = clusters.pair(i, j)
        W = share * gap * gap[:, None]
        W += clusters.scatter[i]
        W += clusters.scatter[j]
        W /= mass
        log_volume = log_determinant(W) + (len(W) - 1) * clusters.log_unit
        log_trace = math.log((trace + clusters.least_variance) / mass)
        # The log of the sum of both, which may be too large or too small for a number.
        more, less = max(log_volume, log_trace), min(log_volume, log_trace)
        return mass * (more + math.log1p(math.exp(less - more)))


def log_determinant(W: np.ndarray) -> float:
    """Of a positive semidefinite matrix, minus infinity if it is singular."""
    factor, failed = dpotrf(W, lower=1)
    if failed:
        return -math.inf
    pivots = np.diagonal(factor) ** 2
    if (pivots <= SINGULAR * np.diagonal(W)).any():
        return -math.inf
    return float(np.log(pivots).sum())


class Merging:
    """The clusters that are left, and what it costs to merge each pair of them.

    A cost may be only a lower bound at first; it is computed when it matters, which
    is when it is the least of all.
    """

    def __init__(self, clusters: Clusters, criterion: Criterion):
        m = len(clusters.mass)
        self.clusters, self.criterion = clusters, criterion
        self.own = criterion.alone(clusters)
        self.loose = np.zeros((m, m), dtype=bool) if criterion.with_scatter else None
        self.costs = Costs(m, self._bounds)
        if self.loose is not None:
            self.loose[:] = criterion.loose(clusters, clusters.mass[:, None] + clusters.mass)

    def _bounds(self, i: slice, j: slice) -> np.ndarray:
        mass, trace = self.clusters.joined(i, j)
        bounds = self.criterion.at_least(mass, trace, self.clusters)
        bounds -= self.own[i, None] + self.own[j]
        return bounds

    def cheapest(self) -> tuple[int, int]:
        """The pair whose merge costs least, the first of them in order."""
        while True:
            i, j = self.costs.first_of_least()
            if self.loose is None or not self.loose[i, j]:
                return i, j
            cost = self.criterion.term(self.clusters, i, j) - (self.own[i] + self.own[j])
            self.loose[i, j] = self.loose[j, i] = False
            self.costs.correct(i, j, cost)

    def merge(self, i: int, j: int) -> tuple[int, int]:
        """Let j join i; their names."""
        names = int(self.costs.names[i]), int(self.costs.names[j])
        self.own[i] += self.own[j] + self.costs.cost[i, j]
        self.clusters.merge(i, j)
        one, everyone = slice(i, i + 1), slice(None)
        self.costs.merge(i, j, self._bounds(one, everyone)[0])
        if self.loose is not None:
            loose = self.criterion.loose(self.clusters, self.clusters.mass[i] + self.clusters.mass)
            self.loose[i] = self.loose[:, i] = loose
        kept = self.costs.keep()
        if kept is not None:
            self.clusters.keep(kept)
            self.own = self.own[kept]
            self.loose = None if self.loose is None else self.loose[np.ix_(kept, kept)]
        return names


def agglomerate(
    mass: np.ndarray, means: np.ndarray, criterion: Criterion, log_unit: float = 0.0
) -> np.ndarray:
    """Merge clusters until one is left; return the merges, (m - 1, 2).

    The square of a unit of the means is ``exp(log_unit)`` squares of the data's.
    """
    m = len(means)
    merges = np.empty((m - 1, 2), dtype=np.intp)
    if m == 1:
        return merges
    left = Merging(Clusters(mass, means, criterion.with_scatter, log_unit), criterion)
    for step in range(m - 1):
        merges[step] = left.merge(*left.cheapest())
    return merges
