"""`n_init="auto"`: many short runs on few rows, moves from the best, and one run on all rows.

What is left to EM on all rows is the last few iterations; what finds the optimum costs as
much for a million rows as for some thousands.  The numbers in `Effort` are those that
`benchmarks/starts.py` measured to be worth their time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gmmem import em
from gmmem.covariances import DegenerateCovariance
from gmmem.covariances.base import n_free
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Problem
from gmmem.sources.base import Rows
from gmmem.starts.moves import candidates, merge_losses, moved, pruned
from gmmem.starts.report import COMPARED, StartsReport, compared
from gmmem.starts.splits import Split, split_each
from gmmem.updates import Extrapolated

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
    carried: int = 20
    fewest_carried: int = 2
    most_carried: int = 4
    surplus: float = 1.75
    first: int = 3
    plain: tuple = (1,)
    second: int = 3
    iterations: int = 6
    split_iterations: int = 5
    race: int = 12
    fast: bool = True
    near: float = 0.0
    settle: int = 3
    last: int = 30
    tries: int = 10
    most_moves: int = 60
    worst: float = -0.5
    tol: float = 1e-3
    rows_a_parameter: int = 50
    finalists: int = 2
    polish: int = 8
    polish_tries: int = 4

    def n_rows(self, n_components: int, n_features: int) -> int:
        return max(self.rows, self.rows_a_number * n_components * (n_features + 1))

    def n_starts(self, n_components: int) -> int:
        """More where they are cheap."""
        return min(max(self.work // n_components, self.fewest_starts), self.most_starts)

    def n_carried(self, n_components: int) -> int:
        return min(max(self.carried // n_components, self.fewest_carried), self.most_carried)


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
    begin: Callable[[Problem, Rows, int], Mixture],
    n_components: int,
    rng: np.random.RandomState,
    effort: Effort = EFFORT,
) -> Found:
    """The mixture to start from on all rows.

    Parameters
    ----------
    problem : Problem
    begin : callable
        ``begin(problem, rows, number)`` gives a start from some of the rows.
    n_components : int
    rng : RandomState
    effort : Effort, optional

    Raises
    ------
    DegenerateCovariance
        If a covariance became singular in every start.
    """
    rows = problem.rows.sample(effort.n_rows(n_components, problem.rows.n_features), rng)
    small = _on(problem, rows)
    with rows.working():
        begun = _begun(small, begin, n_components, effort)
        carried = _distinct(begun)[: effort.n_carried(n_components)]
        ends = [improve(small, place, effort) for place in carried]
        ends += [_run(small, end.mixture, effort.last, effort.tol) or end for end in ends]
        ends += [each for each in begun if all(each is not one for one in carried)]
        ends.sort(key=partial(_rank, small), reverse=True)
        best = _polished(problem, small, _distinct(ends)[: effort.finalists], rng, effort)
        mixtures, means = [each.mixture for each in ends], [each.mean for each in ends]
        some = rows.sample(COMPARED, rng)
        return Found(best.mixture, compared(best.mixture, mixtures, means, some))


def _on(problem: Problem, rows: Rows) -> Problem:
    """The same problem on some of its rows."""
    return problem if rows is problem.rows else Problem.of(rows, problem.model, problem.prior)


def _polished(problem: Problem, small: Problem, finalists: list[Place], rng, effort) -> Place:
    """The best of some on more rows, moved on there.

    What so many parameters gain by chance is their number over twice that of the rows:
    optima that differ by less cannot be told apart.
    """
    K, d = finalists[0].mixture.means.shape
    size = effort.rows_a_parameter * n_free(problem.model, K, d)
    if small.rows is problem.rows or size < 1.5 * small.extent.n_rows:
        return finalists[0]
    rows = problem.rows.sample(size, rng)
    large = _on(problem, rows)
    with rows.working():
        runs = [_run(large, each.mixture, effort.polish, effort.tol) for each in finalists]
        runs = [each for each in runs if each is not None]
        if not runs:
            return finalists[0]
        best = max(runs, key=partial(_rank, large))
        return improve(large, best, replace(effort, tries=effort.polish_tries))


def _begun(problem: Problem, begin, n_components: int, effort: Effort) -> list[Place]:
    """Some iterations from each start, more from the better half; the best first."""
    found, failure = [], None
    rank = partial(_rank, problem)
    for n in range(effort.n_starts(n_components)):
        try:
            start = _start(problem, begin, n, n_components, effort)
            found.append(_follow(problem, start, effort.second, 0.0))
        except DegenerateCovariance as error:
            failure = error
    if not found:
        raise failure
    found.sort(key=rank, reverse=True)
    half = max(-(-len(found) // 2), effort.n_carried(n_components))
    better = [_run(problem, each.mixture, effort.iterations, 0.0) or each for each in found[:half]]
    return sorted(better, key=rank, reverse=True) + found[half:]


def _start(problem: Problem, begin, number: int, n_components: int, effort: Effort) -> Mixture:
    """One start: mostly of too many components, of which those alike become one.

    Too many miss no cluster, and what is merged is seen from all of its rows.
    """
    if number in effort.plain:
        return begin(problem, problem.rows, number, n_components)
    many = min(int(np.ceil(effort.surplus * n_components)), problem.extent.n_rows)
    large = replace(problem, prior=problem.prior.resized(many))
    start = begin(large, problem.rows, number, many)
    found = _follow(large, start, effort.first, 0.0)
    moments = found.moments.about(problem.extent.centre[None])
    return problem.maximise(pruned(moments, problem.model, n_components)).mixture


def _rank(problem: Problem, place: Place) -> tuple[bool, float]:
    """By likelihood, those that are not sound behind all others."""
    return is_sound(problem, place), place.mean


def is_sound(problem: Problem, place: Place) -> bool:
    """Whether each component has rows enough, and width of its own.

    One of fewer rows, or of rows on a line that only `reg_covar` makes wider, has a likelihood
    as high as one likes.
    """
    if not place.moments.mass.min() >= least_mass(problem):
        return False
    narrowest = np.linalg.eigvalsh(place.mixture.covariances.dense()).min()
    return bool(narrowest > 2 * problem.prior.floor)


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
    missing = np.array([k for k, each in enumerate(splits) if each is None])
    if len(missing):
        least, iterations = least_mass(problem), effort.split_iterations
        anew = split_each(problem, place.mixture, missing, iterations, least)
        for k, each in zip(missing, anew, strict=True):
            splits[k] = each
    return splits


def _moved_on(problem: Problem, place: Place, splits: list[Split], effort: Effort) -> Place | None:
    """The first move that helps."""
    moments = place.moments.about(problem.extent.centre[None])
    for new in _moves(problem, moments, splits, effort):
        try:
            found = _race(problem, problem.maximise(new, place.mixture).mixture, place.mean, effort)
        except DegenerateCovariance:
            continue
        if found is not None and is_sound(problem, found):
            return found
    return None


def _moves(problem: Problem, moments: Moments, splits: list[Split], effort: Effort):
    """Moments to go on from, by what they are estimated to be worth."""
    floor = effort.worst * problem.extent.total_weight
    for move in candidates(merge_losses(moments, problem.model), splits, effort.tries):
        if move.net < floor:
            return
        yield moved(moments, move, splits[move.split])


def _race(problem: Problem, start: Mixture, goal: float, effort: Effort) -> Place | None:
    """EM until it is above `goal`, and a little on; None where it is not on its way there."""
    previous, weight, last = -np.inf, problem.extent.total_weight, None
    rule = Extrapolated() if effort.fast else em.PLAIN
    for state in em.states(problem, start, rule):
        mean, n = state.log_likelihood / weight, state.iteration
        if last is None and mean > goal + RISE:
            last = n + effort.settle
        if n == last:
            return _at(problem, state.mixture)
        # A rise that slows down does not get there, unless from a plateau near by.
        too_slow = n >= 2 and mean + (effort.race - n) * (mean - previous) < goal - effort.near
        if last is None and (too_slow or n >= effort.race):
            return None
        previous = mean
    return None
