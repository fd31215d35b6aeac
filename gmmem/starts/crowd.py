"""Many starts in the same passes: on few rows most of a pass is not arithmetic.

Several mixtures are one of all their components, if every row is shared among those of each:
an allocation, so it is EM like any other.  Those that fall behind are left on the way, and the
best breed: a child has some components of one and some of another.

Deaven and Ho (1995). Molecular geometry optimization with a genetic algorithm. Physical Review
Letters 75, 288-291.
"""

from dataclasses import dataclass, replace

import numpy as np

from gmmem import em
from gmmem.covariances import CovarianceModel, DegenerateCovariance
from gmmem.kernels.allocation import Apart
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import assigned_moments, fill_empty
from gmmem.problem import Problem
from gmmem.sources.base import Block, Workspace
from gmmem.sources.memory import InMemory
from gmmem.starts.effort import Crowd

# Iterations after which they are looked through for those that make a pass slow.
OFTEN = 3

# Two of which the likelihood a row differs by less than this are alike.
SAME = 1e-4


@dataclass(frozen=True, eq=False)
class Labels:
    """Which component of each mixture a row belongs to: the column "labels" (b, mixtures)."""

    columns: dict[str, np.ndarray]
    centres: np.ndarray
    size: int

    def __call__(self, block: Block, workspace: Workspace) -> np.ndarray:
        labels = block.columns["labels"].T
        R = np.zeros((len(labels), self.size, labels.shape[1]))
        np.put_along_axis(R, labels[:, None], 1, axis=1)
        return R.reshape(-1, labels.shape[1])


def separable(model: CovarianceModel, n_features: int) -> bool:
    """Whether components have nothing in common, so that mixtures side by side have neither."""
    one, two = (model.n_parameters(K, n_features) for K in (1, 2))
    return two == 2 * one and model.closed_form


def crowd(
    problem: Problem,
    n_components: int,
    number: int,
    plan: Crowd,
    least: float,
    rng: np.random.RandomState,
) -> list[Mixture]:
    """The best of many starts, and of what comes of them.

    Parameters
    ----------
    problem : Problem
        In memory and complete, of a model whose components have nothing in common; rows that
        weigh nothing are left out.
    n_components : int
    number : int
        How many start.
    plan : Crowd
        Who goes on, and how many are bred from them.
    least : float
        What a component must weigh.
    rng : RandomState
    """
    K = n_components
    alone = _weighing(problem)
    mixture = _start(alone, K, number, rng)
    for iterations, share in plan.rungs:
        mixture = _followed(alone, mixture, iterations, K, least)
        if mixture is None:
            return []
        most = int(np.ceil(share * (mixture.n_components // K)))
        mixture = _best(alone, mixture, K, max(most, plan.parents), least)
    for _ in range(plan.generations):
        n = mixture.n_components // K
        if n < 2 or K < 2:
            break
        children = min(plan.children, number // 2)
        family = with_children(alone, mixture, K, children, rng)
        family = _followed(alone, family, plan.growth, K, least)
        if family is None:
            break
        mixture = _best(alone, family, K, n, least)
    n = mixture.n_components // K
    return [_some(mixture, np.array([g]), K) for g in range(n)]


def _best(problem: Problem, mixture: Mixture, size: int, most: int, least: float) -> Mixture:
    """The most likely, those that are not sound behind all others, of those alike one."""
    means = likelihoods(problem, mixture, size)
    order = np.lexsort([-means, ~are_sound(problem, mixture, size, least)])
    alike = np.abs(np.diff(means[order], prepend=np.inf)) < SAME
    return _some(mixture, order[~alike][:most], size)


def with_children(
    problem: Problem, mixture: Mixture, size: int, number: int, rng: np.random.RandomState
) -> Mixture:
    """The mixtures, and children of two each: one side of the one, the other of the other.

    Sides are those of a random direction, from one row to another in units of the features.
    What one has found here and the other there, a child has both (Deaven and Ho, 1995).
    """
    n, X = mixture.n_components // size, problem.rows.X
    one = rng.randint(n, size=number)
    other = (one + rng.randint(1, n, size=number)) % n
    first, second = X[rng.randint(len(X), size=(2, number))].astype(np.float64)
    wide = np.var(X, axis=0, dtype=np.float64)
    direction = (first - second) / np.where(wide > 0, wide, 1)
    along = np.einsum("nkd,cd->cnk", mixture.means.reshape(n, size, -1), direction)
    order = np.argsort(along, axis=2) + size * np.arange(n)[:, None]
    child = np.arange(number)
    low = np.arange(size) < rng.randint(1, size, size=(number, 1))
    places = np.where(low, order[child, one], order[child, other])
    weights = mixture.weights[places]
    weights = weights / weights.sum(axis=1, keepdims=True) / n  # As much as a parent's.
    places = np.append(np.arange(mixture.n_components), places)
    weights = np.append(mixture.weights, weights) / (1 + number / n)
    return Mixture(weights, mixture.means[places], mixture.covariances.take(places))


def _apart(problem: Problem, mixture: Mixture, size: int) -> Problem:
    """The problem of mixtures of one size."""
    sizes = (size,) * (mixture.n_components // size)
    return replace(problem, allocation=Apart(sizes))


def _weighing(problem: Problem) -> Problem:
    """The problem of the rows that weigh something, and no others."""
    rows = problem.rows
    if rows.weight is None or rows.weight.all():
        return problem
    some = np.flatnonzero(rows.weight)
    return replace(problem, rows=InMemory(rows.X[some], rows.weight[some], rows.executor.number))


def are_sound(problem: Problem, mixture: Mixture, size: int, least: float) -> np.ndarray:
    """Which of the mixtures have components of weight and width enough."""
    weights = mixture.weights.reshape(-1, size)
    shares = weights / weights.sum(axis=1, keepdims=True)
    heavy = shares * problem.extent.total_weight >= least
    return (heavy & are_wide(problem, mixture).reshape(-1, size)).all(axis=1)


def are_wide(problem: Problem, mixture: Mixture) -> np.ndarray:
    """Which components have a width of their own, and not of `reg_covar` alone."""
    dense, floor = mixture.covariances.dense(), np.asarray(problem.prior.floor)
    if not floor.any():
        return np.ones(len(dense), dtype=bool)
    units = np.sqrt(np.broadcast_to(np.where(floor > 0, floor, 1), dense.shape[1]))
    return np.linalg.eigvalsh(dense / np.outer(units, units)).min(axis=1) > 2


def _some(mixture: Mixture, which: np.ndarray, size: int) -> Mixture:
    """Some of the mixtures."""
    places = (which[:, None] * size + np.arange(size)).ravel()
    weights = mixture.weights[places]
    return Mixture(weights / weights.sum(), mixture.means[places], mixture.covariances.take(places))


def _followed(
    problem: Problem, mixture: Mixture, iterations: int, size: int, least: float
) -> Mixture | None:
    """Some iterations, without those of which a component collapses, or is about to."""
    done = 0
    while True:
        try:
            for state in em.states(_apart(problem, mixture, size), mixture):
                mixture = state.mixture
                if done == iterations:
                    return mixture
                if done % OFTEN == 0 and (slow := _slow(problem, mixture, size, least)).any():
                    break
                done += 1
        except DegenerateCovariance as error:
            slow = np.zeros(mixture.n_components // size, dtype=bool)
            slow[error.component // size] = True
        if slow.all():
            return None
        mixture = _some(mixture, np.flatnonzero(~slow), size)


def _slow(problem: Problem, mixture: Mixture, size: int, least: float) -> np.ndarray:
    """Which have a component so narrow that all would be scored by differences, for nothing."""
    n = mixture.n_components // size
    if not _apart(problem, mixture, size).kernel(mixture).exact:
        return np.zeros(n, dtype=bool)
    return ~are_sound(problem, mixture, size, least)


def likelihoods(problem: Problem, mixture: Mixture, size: int) -> np.ndarray:
    """Mean log-likelihood of each of the mixtures, whose weights are shares of all of them."""
    return _apart(problem, mixture, size).expect(mixture).objective / problem.extent.total_weight


def _start(problem: Problem, size: int, number: int, rng: np.random.RandomState) -> Mixture:
    """Rows to the nearest of seeds: as they are, in units of the features, and of all rows."""
    rows = problem.rows
    Z = (rows.X - problem.extent.centre).astype(np.float64, copy=False)
    weight = np.ones(len(Z)) if rows.weight is None else rows.weight
    C = (Z * weight[:, None]).T @ Z / weight.sum()
    scale = np.sqrt(np.diagonal(C))
    scale = np.where(scale > 0, scale, 1)
    Z = Z / scale
    values, axes = np.linalg.eigh(C / np.outer(scale, scale))
    white = Z @ (axes / np.sqrt(np.maximum(values, 1e-6 * values[-1])))
    labels, places = [], []
    for n, here in enumerate((Z * scale, Z, white)):
        found, at = seeded(here, weight, size, len(range(n, number, 3)), rng)
        labels.append(found)
        places.append(at)
    labels, places = np.concatenate(labels, axis=1), np.concatenate(places)
    form = problem.model.storage.form
    assign = Labels({"labels": labels}, rows.X[places.ravel()], size)
    moments = assigned_moments(rows, problem.extent, assign, number * size, form, False)
    moments = fill_empty(moments, problem.extent)
    return problem.maximise(_widened(moments, size)).mixture


def seeded(
    Z: np.ndarray, weight: np.ndarray, size: int, number: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """k-means++, many at once: which seed is the nearest (n, number), and the seeds' places."""
    n = len(Z)
    labels = np.zeros((n, number), dtype=np.intp)
    nearest, places = np.full((n, number), np.inf), np.empty((number, size), dtype=np.intp)
    square = np.einsum("ij,ij->i", Z, Z)[:, None]
    mass = np.repeat(weight[:, None], number, axis=1)
    for k in range(size):
        upto = np.cumsum(mass, axis=0)
        drawn = rng.uniform(size=number) * upto[-1]
        at = np.minimum((upto <= drawn).sum(axis=0), n - 1)
        places[:, k] = at
        distance = np.maximum(square + square[at].T - 2 * Z @ Z[at].T, 0)
        closer = distance < nearest
        labels[closer] = k
        nearest = np.where(closer, distance, nearest)
        mass = nearest * weight[:, None]
    return labels, places


def _widened(moments: Moments, size: int) -> Moments:
    """With some rows' worth of the scatter within all components: none is flat."""
    mass, means, scatter, form, _ = moments.scatters()
    each = scatter.reshape(-1, size, *scatter.shape[1:])
    within = each.sum(axis=1) / mass.reshape(-1, size).sum(axis=1).reshape(
        -1, *[1] * (scatter.ndim - 1)
    )
    rows = means.shape[1] + 1
    return Moments(
        mass, means, np.zeros_like(means), scatter + rows * np.repeat(within, size, axis=0), form
    )
