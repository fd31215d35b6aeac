"""Split components: each into two that explain its own rows, all of them at once.

What a split is worth is the gain of two components in the likelihood of the rows of one,
weighted by their responsibilities: by Jensen's inequality the likelihood of all rows gains no
less.  It is EM like any other, but that a row's share of a component is divided between the
two that come of it and no others: an allocation, so all pairs are fitted in the same passes.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from gmmem import em, prediction
from gmmem.covariances import DegenerateCovariance
from gmmem.kernels.base import Scores, Shares
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import assigned_moments
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.sources.base import Block, Workspace

# Rows that belong to a component by less than this say nothing of how to split it.
LEAST_SHARE = 0.02


class Split(NamedTuple):
    """One component's rows as two."""

    gain: float
    """In log-likelihood, total."""
    moments: Moments | None
    """Of the two; None where a split is not possible."""


NO_SPLIT = Split(-np.inf, None)


@dataclass(frozen=True)
class Within:
    """The column "shares" (b, K) is divided, each among two of 2 K components: k and K + k."""

    complete: ClassVar[bool] = False

    def __call__(self, scores: Scores, block: Block, workspace: Workspace) -> Shares:
        L, shares = scores.L, block.columns["shares"].T
        first, second = np.split(L, 2)
        # Most rows belong to one or two components, and to all others not at all.
        some = np.nonzero(shares)
        share, one, two = shares[some], first[some], second[some]
        top, away = np.maximum(one, two), np.exp(-np.abs(one - two))
        log_sum = np.bincount(some[1], share * (top + np.log1p(away)), L.shape[1])
        ratio = np.where(one >= two, 1, away) / (1 + away)
        L[:] = 0
        first[some] = share * ratio
        second[some] = share * (1 - ratio)
        return Shares(L, np.ones_like(log_sum), log_sum)


@dataclass(frozen=True, eq=False)
class Sides:
    """How the shares are divided at first: "sides" (b, K) says who goes to the second."""

    columns: dict[str, np.ndarray]
    centres: np.ndarray
    """Near the means of the 2 K."""

    def __call__(self, block: Block, workspace: Workspace) -> np.ndarray:
        shares, sides = block.columns["shares"].T, block.columns["sides"].T
        second = shares * sides
        return np.vstack([shares - second, second])


def halves(X: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Which of two sides of the rows' first axis, features in comparable units."""
    Z = X - weight @ X / weight.sum()
    scale = np.sqrt(weight @ (Z * Z) / weight.sum())
    Z = Z / np.where(scale > 0, scale, 1)
    axis = np.linalg.eigh((Z * weight[:, None]).T @ Z)[1][:, -1]
    return Z @ axis > 0


def split_each(
    problem: Problem, mixture: Mixture, which: np.ndarray, iterations: int, least: float
) -> list[Split]:
    """Split the components `which`, with some iterations.

    `least` is the weight that each of the two must have: those for which that cannot be are
    not split.
    """
    rows = problem.rows
    if problem.incomplete is not None:
        rows = problem.complete.sample(rows.n_rows, np.random.RandomState(0))
    shares = prediction.responsibilities(mixture, rows)[:, which].astype(np.float64)
    shares[shares < LEAST_SHARE] = 0
    near = shares.any(axis=1)
    if rows.weight is not None:
        near &= rows.weight > 0  # Of others there may be anything.
    near = np.flatnonzero(near)
    weight = None if rows.weight is None else rows.weight[near]
    X, shares = rows.X[near], shares[near]
    weighed = shares if weight is None else shares * weight[:, None]
    sides, possible = np.zeros(shares.shape, dtype=bool), np.zeros(len(which), dtype=bool)
    for k, own in enumerate(weighed.T):
        some = np.flatnonzero(own)
        if own.sum() > 2 * least:
            sides[some, k] = halves(X[some], own[some])
            parts = own @ sides[:, k]
            possible[k] = 0 < parts < own.sum()
    splits, own = [NO_SPLIT] * len(which), InMemory(X, weight, 1)
    while possible.any():
        tried = np.flatnonzero(possible)
        local = own.with_columns(shares=np.ascontiguousarray(shares[:, tried]))
        try:
            means = mixture.means[which[tried]]
            sided = np.ascontiguousarray(sides[:, tried])
            found = _fitted(problem, local, means, sided, iterations)
        except DegenerateCovariance as error:
            possible[tried[error.component % len(tried)]] = False
            continue
        gains = _gains(mixture, which[tried], found.mixture, local)
        for n, k in enumerate(tried):
            two = _only(found.moments, [n, len(tried) + n])
            if two.mass.min() > least:
                splits[k] = Split(float(gains[n]), two)
        break
    return splits


class _Found(NamedTuple):
    mixture: Mixture
    moments: Moments


def _fitted(
    problem: Problem, rows: InMemory, means: np.ndarray, sides: np.ndarray, iterations: int
) -> _Found:
    """Two components for each column of shares, after some iterations."""
    K = 2 * sides.shape[1]
    local = Problem.of(rows, problem.model, problem.prior.for_any(K), Within())
    form, pooled = problem.model.storage.form, problem.model.shared
    sided = Sides({**rows.columns, "sides": sides}, np.vstack([means, means]))
    moments = assigned_moments(rows, local.extent, sided, K, form, pooled)
    start = local.maximise(moments).mixture
    for state in em.states(local, start):
        if state.iteration == iterations:
            break
    return _Found(state.mixture, local.expect(state.mixture).moments)


def _gains(mixture: Mixture, which: np.ndarray, two: Mixture, rows: InMemory) -> np.ndarray:
    """What each pair gains in log-likelihood over the component it comes from."""
    gains, K = np.zeros(len(which)), len(which)
    for k, shares in enumerate(rows.columns["shares"].T):
        some = np.flatnonzero(shares)
        X, weighed = rows.X[some], shares[some]
        if rows.weight is not None:
            weighed = weighed * rows.weight[some]
        joined = np.logaddexp(_log_joint(two, k, X), _log_joint(two, K + k, X))
        # Together the pair weighs what it comes from does.
        weight = mixture.log_weights[which[k]] - np.log(two.weights[[k, K + k]].sum())
        gains[k] = weighed @ (joined + weight - _log_joint(mixture, which[k], X))
    return gains


def _log_joint(mixture: Mixture, component: int, X: np.ndarray) -> np.ndarray:
    """Log of weight times density of one component, for each row."""
    Z = X.T - mixture.means[component][:, None]
    Y = mixture.covariances.whiten(component, Z, np.empty_like(Z))
    return mixture.log_peaks[component] - 0.5 * np.einsum("jb,jb->b", Y, Y)


def _only(moments: Moments, places: list[int]) -> Moments:
    """Those of some components."""
    every = len(moments.second) == len(moments.mass)
    centre = moments.centre if len(moments.centre) == 1 else moments.centre[places]
    return replace(
        moments,
        mass=moments.mass[places],
        centre=centre,
        first=moments.first[places],
        second=moments.second[places] if every else moments.second,
        outside=0.0,
    )
