"""`n_init="auto"`: many short runs on few rows, moves from the best, and one run on all rows.

What is left to EM on all rows is the last few iterations; what finds the optimum costs as
much for a million rows as for some thousands.  The numbers in `Effort` are those that
`benchmarks/starts.py` measured to be worth their time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gmmem import em, prediction
from gmmem.covariances import DegenerateCovariance
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Problem
from gmmem.starts.moves import NO_SPLIT, Split, candidates, merge_losses, moved, split
from gmmem.starts.report import COMPARED, StartsReport, compared

# Gains a row below this are none: two starts are at the same place, a move has not helped.
SAME, RISE = 1e-4, 1e-3

# A component whose mass a move has changed by less than this share is split as before.
CHANGED = 0.02


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Parameters
    ----------
    rows, rows_a_number : int
        Rows of the subset: so many, or so many for each coordinate of the centres.
    work, carried : int
        Starts, and those of them that are moved on from, times the components.
    most_starts, fewest_starts, most_carried : int
    iterations, split_iterations, race, settle, last : int
        Of EM: from a start; of a split; for a move to be better than what was; from
        there on; and of the best at the end.
    tries, most_moves : int
        Moves from one place, and places.
    worst : float
        The estimated gain a row below which a move is not tried.  Runnalls' bound is a loose
        one: most moves that help have one below zero.
    tol : float
        Of the last run on the subset, a row.
    """

    rows: int = 5_000
    rows_a_number: int = 20
    work: int = 60
    fewest_starts: int = 4
    most_starts: int = 8
    carried: int = 10
    most_carried: int = 2
    iterations: int = 8
    split_iterations: int = 8
    race: int = 12
    settle: int = 3
    last: int = 30
    tries: int = 5
    most_moves: int = 60
    worst: float = -0.5
    tol: float = 1e-3

    def n_rows(self, n_components: int, n_features: int) -> int:
        return max(self.rows, self.rows_a_number * n_components * (n_features + 1))

    def n_starts(self, n_components: int) -> int:
        """More where they are cheap."""
        return min(max(self.work // n_components, self.fewest_starts), self.most_starts)

    def n_carried(self, n_components: int) -> int:
        return min(max(self.carried // n_components, 1), self.most_carried)


EFFORT = Effort()


class Place(NamedTuple):
    """A mixture, and what the subset says of it."""

    mixture: Mixture
    mean: float
    """Log-likelihood a row."""
    moments: Moments


class Found(NamedTuple):
    """What a search found."""

    mixture: Mixture
    report: StartsReport


def search(
    problem: Problem,
    begin: Callable[[Problem, int], Mixture],
    n_components: int,
    rng: np.random.RandomState,
    effort: Effort = EFFORT,
) -> Found:
    """The mixture to start from on all rows.

    Parameters
    ----------
    problem : Problem
    begin : callable
        ``begin(problem, number)`` gives a start for some of the rows.
    n_components : int
    rng : RandomState
    effort : Effort, optional

    Raises
    ------
    DegenerateCovariance
        If a covariance became singular in every start.
    """
    rows = problem.rows.sample(effort.n_rows(n_components, problem.rows.n_features), rng)
    small = problem if rows is problem.rows else Problem.of(rows, problem.model, problem.prior)
    small = small.completed_as(problem)
    if not small.extent.there.all():
        # A column is so rarely observed that none of these rows has it.
        rows = problem.complete.sample(rows.n_rows, rng)
        small = Problem.of(rows, problem.model, problem.prior)
    with rows.working():
        begun = _begun(small, begin, effort.n_starts(n_components), effort.iterations)
        carried = _distinct(begun)[: effort.n_carried(n_components)]
        ends = [improve(small, place, effort) for place in carried]
        ends = [_run(small, end.mixture, effort.last, effort.tol) or end for end in ends]
        best = max(ends, key=partial(_rank, least_mass(small)))
        others = [*ends, *(each for each in begun if all(each is not one for one in carried))]
        mixtures, means = [each.mixture for each in others], [each.mean for each in others]
        some = rows.sample(COMPARED, rng)
        return Found(best.mixture, compared(best.mixture, mixtures, means, some))


def _begun(problem: Problem, begin, number: int, iterations: int) -> list[Place]:
    """Some iterations from each start, the best first."""
    found, failure = [], None
    for n in range(number):
        try:
            found.append(_follow(problem, begin(problem, n), iterations, 0.0))
        except DegenerateCovariance as error:
            failure = error
    if not found:
        raise failure
    return sorted(found, key=partial(_rank, least_mass(problem)), reverse=True)


def _rank(least: float, place: Place) -> tuple[bool, float]:
    """By likelihood, those with a component of too few rows behind all others."""
    return bool(place.moments.mass.min() >= least), place.mean


def _follow(problem: Problem, start: Mixture, iterations: int, tol: float) -> Place:
    """Some iterations of EM; raises where a component collapses."""
    previous, weight = -np.inf, problem.extent.total_weight
    for state in em.states(problem, start):
        mean = state.log_likelihood / weight
        if state.iteration >= iterations or abs(mean - previous) < tol:
            break
        previous = mean
    return _at(problem, state.mixture)


def _run(problem: Problem, start: Mixture, iterations: int, tol: float) -> Place | None:
    """The same, None where a component collapses."""
    try:
        return _follow(problem, start, iterations, tol)
    except DegenerateCovariance:
        return None


def _at(problem: Problem, mixture: Mixture) -> Place:
    found = problem.expect(mixture)
    return Place(mixture, found.objective / problem.extent.total_weight, found.moments)


def _distinct(found: list[Place]) -> list[Place]:
    """Without those as likely as the one before."""
    pairs = pairwise(found)
    return found[:1] + [each for before, each in pairs if abs(before.mean - each.mean) > SAME]


def least_mass(problem: Problem) -> float:
    """What a component must weigh: fewer rows have a likelihood as high as one likes."""
    weight_of_row = problem.extent.total_weight / problem.extent.n_rows
    return 2 * (problem.rows.n_features + 1) * weight_of_row


def improve(problem: Problem, place: Place, effort: Effort = EFFORT) -> Place:
    """Move after move, while one helps."""
    splits: list[Split | None] = [None] * place.mixture.n_components
    for _ in range(effort.most_moves):
        better = _moved_on(problem, place, _split_anew(problem, place, splits, effort), effort)
        if better is None:
            break
        change = np.abs(place.moments.mass - better.moments.mass) / place.moments.mass
        splits = [
            None if changed else each
            for each, changed in zip(splits, change > CHANGED, strict=True)
        ]
        place = better
    return place


def _split_anew(problem: Problem, place: Place, splits: list, effort: Effort) -> list[Split]:
    """Fill in the splits of the components that have changed."""
    missing = [k for k, each in enumerate(splits) if each is None]
    if missing:
        least = least_mass(problem)
        shares = prediction.responsibilities(place.mixture, problem.rows)
        for k in missing:
            own = shares[:, k].astype(np.float64)
            splits[k] = split(problem, own, effort.split_iterations, least) or NO_SPLIT
    return splits


def _moved_on(problem: Problem, place: Place, splits: list[Split], effort: Effort) -> Place | None:
    """The first move that helps."""
    least, floor = least_mass(problem), effort.worst * problem.extent.total_weight
    moments = place.moments.about(problem.extent.centre[None])
    for move in candidates(merge_losses(moments, problem.model), splits, effort.tries):
        if move.net < floor:
            return None
        try:
            new = moved(moments, move, splits[move.split])
            found = _race(problem, problem.maximise(new, place.mixture).mixture, place.mean, effort)
        except DegenerateCovariance:
            continue
        if found is not None and found.moments.mass.min() >= least:
            return found
    return None


def _race(problem: Problem, start: Mixture, goal: float, effort: Effort) -> Place | None:
    """EM until it is above `goal`, and a little on; None where it is not on its way there."""
    previous, weight, last = -np.inf, problem.extent.total_weight, None
    for state in em.states(problem, start):
        mean, n = state.log_likelihood / weight, state.iteration
        if last is None and mean > goal + RISE:
            last = n + effort.settle
        if n == last:
            return _at(problem, state.mixture)
        # A rise that slows down does not get there.
        too_slow = n >= 2 and mean + (effort.race - n) * (mean - previous) < goal
        if last is None and (too_slow or n >= effort.race):
            return None
        previous = mean
    return None
