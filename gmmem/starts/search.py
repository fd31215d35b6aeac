"""`n_init="auto"`: the mixture to start from on all rows, found on a subset of them."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gmmem import em, prediction
from gmmem.covariances import DegenerateCovariance
from gmmem.mixture import Mixture
from gmmem.problem import Expectation, Problem
from gmmem.starts import moves


@dataclass(frozen=True)
class Effort:
    """How much is tried."""

    rows: int = 5_000
    work: int = 100
    iterations: int = 8
    carry: int = 18
    split_iterations: int = 8
    tries: int = 5
    after: int = 12
    most_moves: int = 60
    worst: float = -0.5
    rise: float = 1e-3
    tol: float = 1e-3


class Place(NamedTuple):
    """A mixture, its likelihood and moments on the subset, a row."""

    mixture: Mixture
    mean: float
    moments: object


def at(problem: Problem, mixture: Mixture) -> Place:
    found = problem.expect(mixture)
    return Place(mixture, found.objective / problem.extent.total_weight, found.moments)


def run(problem: Problem, mixture: Mixture, iterations: int, tol: float = 0.0) -> Place | None:
    """Some iterations of EM, at least one; None if a component collapses."""
    previous, weight = -np.inf, problem.extent.total_weight
    try:
        memory = None
        for state in em.states(problem, mixture):
            mean = state.log_likelihood / weight
            if state.iteration >= iterations or abs(mean - previous) < tol:
                break
            previous = mean
        expectation = problem.expect(state.mixture)
    except DegenerateCovariance:
        return None
    return Place(state.mixture, mean, expectation.moments)


def race(problem: Problem, start: Mixture, goal: float, effort: Effort) -> Place | None:
    """EM until it is above `goal`, and a little on; None where it is not on the way there."""
    previous, weight, left = -np.inf, problem.extent.total_weight, None
    try:
        for state in em.states(problem, start):
            mean = state.log_likelihood / weight
            if left is None and mean > goal + effort.rise:
                left = 3
            elif left is not None:
                left -= 1
            elif state.iteration >= 2 and mean + (effort.after - state.iteration) * (mean - previous) < goal:
                return None
            elif state.iteration >= effort.after:
                return None
            if left == 0:
                return at(problem, state.mixture)
            previous = mean
    except DegenerateCovariance:
        return None


def distinct(found: list[Place]) -> list[Place]:
    """Without those as likely as the one before."""
    return [each for i, each in enumerate(found) if i == 0 or found[i - 1].mean - each.mean > 1e-4]


def least_weight(problem: Problem, effort: Effort) -> float:
    d = problem.rows.n_features
    return (2 * d + 2) * problem.extent.total_weight / problem.extent.n_rows


def improve(problem: Problem, place: Place, effort: Effort, log=None) -> Place:
    """Move after move, while one helps."""
    rows, weight = problem.rows, problem.extent.total_weight
    least = least_weight(problem, effort)
    K = place.mixture.n_components
    cache = [None] * K
    for number in range(effort.most_moves):
        shares = None
        missing = [k for k in range(K) if cache[k] is None]
        if missing:
            shares = prediction.responsibilities(place.mixture, rows)
            for k in missing:
                cache[k] = moves.split(
                    problem, rows, shares[:, k].astype(float), effort.split_iterations, least
                )
        moments = moves.common(place.moments, problem.extent.centre)
        losses = moves.merge_losses(moments, problem)
        better = None
        for tried, move in enumerate(moves.candidates(losses, cache, effort.tries)):
            if move.net < effort.worst * weight:
                break
            try:
                start = problem.maximise(
                    moves.moved(moments, move, cache[move.split]), place.mixture
                ).mixture
            except DegenerateCovariance:
                continue
            found = race(problem, start, place.mean, effort)
            if found is not None and found.moments.mass.min() > least:
                better = found
                if log is not None:
                    log.append((tried, move.net / weight, found.mean - place.mean))
                break
        if better is None:
            return place
        changed = distance(place.moments, better.moments)
        cache = [None if changed[k] > 0.02 or k in (*move.pair, move.split) else cache[k] for k in range(K)]
        place = better
    return place


def distance(one, other) -> np.ndarray:
    """How much the components' masses changed, relatively."""
    return np.abs(one.mass - other.mass) / one.mass


def search(problem: Problem, begin, n_components: int, effort: Effort, rng, log=None):
    """The best mixture found on a subset of the rows."""
    size = max(effort.rows, 20 * n_components * (problem.rows.n_features + 1))
    sub = problem.rows.sample(size, rng)
    small = problem if sub is problem.rows else Problem.of(sub, problem.model, problem.prior)
    found = []
    with sub.working():
        for number in range(min(max(effort.work // n_components, 4), 20)):
            try:
                place = run(small, begin(small, sub, number), effort.iterations)
            except DegenerateCovariance:
                place = None
            if place is not None:
                found.append(place)
        found.sort(key=lambda each: -each.mean)
        ends = [improve(small, place, effort, log) for place in distinct(found)[: min(max(effort.carry // n_components, 1), 4)]]
        least = least_weight(small, effort)
        best = max(ends, key=lambda each: (each.moments.mass.min() >= least, each.mean))
        best = run(small, best.mixture, 30, effort.tol) or best
    return best
