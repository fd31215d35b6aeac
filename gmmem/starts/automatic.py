"""`n_init="auto"`: many short runs on few rows, moves from the best, and one run on all rows.

What is left to EM on all rows is the last few iterations; what finds the optimum costs as
much for a million rows as for some thousands.  Few components are found by a crowd of starts
(`gmmem.starts.crowd`), many by starts of too many.  `gmmem.starts.effort` says how much is tried.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gmmem import em
from gmmem.covariances import DegenerateCovariance
from gmmem.covariances.base import n_free
from gmmem.kernels.allocation import SOFT
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Problem
from gmmem.starts.crowd import are_wide, crowd, separable
from gmmem.starts.effort import EFFORT, Effort, Patience
from gmmem.starts.moves import candidates, merge_losses, moved, pruned
from gmmem.starts.report import COMPARED, StartsReport, compared
from gmmem.starts.splits import Split, split_each
from gmmem.starts.stages import Stages
from gmmem.updates import PLAIN, Extrapolated, Rule

# Gains a row below this are none: two starts are at the same place, a move has not helped.
SAME, RISE = 1e-4, 1e-3

# A component whose mass a move has changed by less than this share is split as before.
CHANGED = 0.02

# So many times the finalists are tried where some are not sound at their end.
TIMES = 3

# So many times in a row little must be left to gain.
STEADY = 2


class Place(NamedTuple):
    """A mixture, and what the subset says of it."""

    mixture: Mixture
    mean: float
    """Log-likelihood a row."""
    moments: Moments


class Walked(NamedTuple):
    """Where moves have led to."""

    place: Place
    splits: list[Split | None]
    """Of each component, None where it is to be tried anew."""
    moves: int = 0


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
    stages: Stages | None = None,
) -> Found:
    """The mixture to start from on all rows.

    Parameters
    ----------
    problem : Problem
    begin : callable
        ``begin(problem, number, n_components)`` gives a start for some of the rows.
    n_components : int
    rng : RandomState
    effort : Effort, optional
    stages : Stages, optional
        Does what takes time, or remembers what it gave; has the best so far.

    Raises
    ------
    DegenerateCovariance
        If a covariance became singular in every start.
    """
    K, d = n_components, problem.rows.n_features
    stages = Stages() if stages is None else stages
    small = on_some_rows(problem, effort.n_rows(K, d), rng)
    with small.rows.working():
        found = stages.once(_crowd, small, K, effort, rng)
        number = effort.beside if found else effort.n_starts(K)
        begun = _ranked(small, found + _begun(small, begin, K, number, effort, stages))
        stages.best = begun[0].mixture
        carried, others = _carried(begun, effort.n_carried(K))
        moves = small, effort, effort.quick, stages
        ends = _ranked(small, [stages.once(improve, place, *moves) for place in carried])
        stages.best = ends[0].mixture
    size = effort.n_final_rows(K, n_free(problem.model, K, d))
    large = small if size <= small.rows.n_rows else on_some_rows(problem, size, rng)
    with large.rows.working():
        number = min(len(_distinct(ends)), effort.finalists)
        best = _best_end(large, _distinct([*ends, *others]), number, effort, stages)
        stages.best = best.mixture
        moves = large, effort, effort.patience(large.rows.n_rows), stages
        better = stages.once(improve, best, *moves)
        if better.mean > best.mean and large.rows.n_rows == problem.rows.n_rows:
            better = stages.once(_finished, large, better, effort) or best
        best = _ranked(large, [better, best])[0]
    mixtures = [each.mixture for each in [*ends, *others]]
    means = [each.mean for each in [*ends, *others]]
    with small.rows.working():
        some = small.rows.sample(COMPARED, rng)
        return Found(best.mixture, compared(mixtures[0], mixtures, means, some))


def on_some_rows(problem: Problem, size: int, rng: np.random.RandomState) -> Problem:
    """The same problem on at most so many of its rows."""
    rows = problem.rows.sample(size, rng)
    if rows is problem.rows:
        return problem
    small = Problem.of(rows, problem.model, problem.prior).completed_as(problem)
    if small.extent.there.all():
        return small
    # A column is so rarely observed that none of these rows has it.
    return Problem.of(problem.complete.sample(rows.n_rows, rng), problem.model, problem.prior)


def _carried(begun: list[Place], number: int) -> tuple[list[Place], list[Place]]:
    """The best that are not the same, and the others."""
    carried = _distinct(begun)[:number]
    return carried, [each for each in begun if all(each is not one for one in carried)]


def _best_end(
    problem: Problem, places: list[Place], number: int, effort: Effort, stages: Stages
) -> Place:
    """The best of the first so many that are sound at their end."""
    runs: list[Place] = []
    for place in places[: TIMES * number]:
        end = stages.once(_finished, problem, place, effort)
        runs += [] if end is None else [end]
        if len(runs) == number:
            break
    return _ranked(problem, runs)[0] if runs else _at(problem, places[0].mixture)


def _finished(problem: Problem, place: Place, effort: Effort) -> Place | None:
    """Followed to its end, if that is sound."""
    try:
        end = _ended(problem, place.mixture, effort)
    except DegenerateCovariance:
        return None
    return end if is_sound(problem, end) else None


def _ended(problem: Problem, start: Mixture, effort: Effort) -> Place:
    """Followed until little is left to gain, and not by chance: on a plateau that varies."""
    weight, few = problem.extent.total_weight, 0
    for state in em.states(problem, start, Extrapolated()):
        left = state.remaining
        few = few + 1 if left is not None and left.gain / weight < effort.tol else 0
        if few == STEADY or state.iteration >= effort.last:
            break
    return _at(problem, state.mixture)


def _begun(
    problem: Problem, begin, n_components: int, number: int, effort: Effort, stages: Stages
) -> list[Place]:
    """Some iterations from each start, more from the better half; the best first."""
    found, failure = [], None
    for n in range(number):
        try:
            found.append(stages.once(_first, problem, begin, n, n_components, effort))
        except DegenerateCovariance as error:
            failure = error
    if not found:
        raise failure
    found = _ranked(problem, found)
    half = max(-(-len(found) // 2), effort.n_carried(n_components))
    more = effort.third, 0.0
    better = [stages.once(_run, problem, each.mixture, *more) or each for each in found[:half]]
    return _ranked(problem, better) + found[half:]


def _first(problem: Problem, begin, number: int, n_components: int, effort: Effort) -> Place:
    """The first iterations from one start."""
    start = _start(problem, begin, number, n_components, effort)
    return _follow(problem, start, effort.second, 0.0)


def _crowd(
    problem: Problem, n_components: int, effort: Effort, rng: np.random.RandomState
) -> list[Place]:
    """The best of a crowd, where rows are so few that one costs little."""
    number = effort.n_crowd(problem.rows, n_components)
    if number < effort.least_crowd or problem.incomplete is not None:
        return []
    if problem.allocation != SOFT:
        return []
    of_any = problem.prior.for_any(n_components * number) is problem.prior
    if not (of_any and separable(problem.model, problem.rows.n_features)):
        return []
    few = on_some_rows(problem, effort.crowd_rows, rng)
    try:
        found = crowd(few, n_components, number, effort.crowd(problem.rows), least_mass(few), rng)
        return [_at(problem, each) for each in found]
    except DegenerateCovariance:
        return []


def _start(problem: Problem, begin, number: int, n_components: int, effort: Effort) -> Mixture:
    """One start: mostly of too many components, of which those alike become one.

    Too many miss no cluster, and what is merged is seen from all of its rows.
    """
    if number == effort.plain:
        return begin(problem, number, n_components)
    many = min(int(np.ceil(effort.surplus * n_components)), problem.extent.n_rows)
    large = replace(problem, prior=problem.prior.for_any(many))
    start = begin(large, number, many)
    found = _follow(large, start, effort.first, 0.0)
    moments = found.moments.about(problem.extent.centre[None])
    return problem.maximise(pruned(moments, problem.model, n_components)).mixture


def _ranked(problem: Problem, places: list[Place]) -> list[Place]:
    """By likelihood, those that are not sound behind all others."""
    return sorted(places, key=lambda one: (is_sound(problem, one), one.mean), reverse=True)


def is_sound(problem: Problem, place: Place) -> bool:
    """Whether each component has rows enough, and width of its own.

    One of fewer rows, or of rows on a line that only `reg_covar` makes wider, has a likelihood
    as high as one likes.
    """
    if not place.moments.mass.min() >= least_mass(problem):
        return False
    return bool(are_wide(problem, place.mixture).all())


def _follow(
    problem: Problem, start: Mixture, iterations: int, tol: float, rule: Rule = PLAIN
) -> Place:
    """Some iterations of EM; raises where a component collapses."""
    previous, weight = -np.inf, problem.extent.total_weight
    for state in em.states(problem, start, rule):
        mean = state.log_likelihood / weight
        if state.iteration >= iterations or abs(mean - previous) < tol:
            break
        previous = mean
    return _at(problem, state.mixture)


def _run(
    problem: Problem, start: Mixture, iterations: int, tol: float, rule: Rule = PLAIN
) -> Place | None:
    """The same, None where a component collapses."""
    try:
        return _follow(problem, start, iterations, tol, rule)
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


def improve(
    place: Place, problem: Problem, effort: Effort, patience: Patience, stages: Stages
) -> Place:
    """Move after move, while one helps."""

    def move(at: Walked) -> Walked | None:
        if at.moves == effort.most_moves:
            return None
        splits = _split_anew(problem, at.place, at.splits, effort)
        better = _moved_on(problem, at.place, splits, effort, patience)
        if better is None:
            return None
        change = np.abs(at.place.moments.mass - better.moments.mass) / at.place.moments.mass
        kept = [
            None if changed else each
            for each, changed in zip(splits, change > CHANGED, strict=True)
        ]
        return Walked(better, kept, at.moves + 1)

    return stages.walk(move, Walked(place, [None] * place.mixture.n_components)).place


def _split_anew(problem: Problem, place: Place, splits: list, effort: Effort) -> list[Split]:
    """The splits, those of the components that have changed filled in."""
    splits, missing = list(splits), np.array([k for k, each in enumerate(splits) if each is None])
    if len(missing):
        least, iterations = least_mass(problem), effort.split_iterations
        anew = split_each(problem, place.mixture, missing, iterations, least)
        for k, each in zip(missing, anew, strict=True):
            splits[k] = each
    return splits


def _moved_on(
    problem: Problem, place: Place, splits: list[Split], effort: Effort, patience: Patience
) -> Place | None:
    """The first move that helps."""
    floor = effort.worst * problem.extent.total_weight
    moments = place.moments.about(problem.extent.centre[None])
    for move in candidates(merge_losses(moments, problem.model), splits, patience.tries):
        if move.net < floor:
            return None
        new = moved(moments, move, splits[move.split])
        try:
            start = problem.maximise(new, place.mixture).mixture
            found = _race(problem, start, place.mean, patience, effort.settle)
        except DegenerateCovariance:
            continue
        if found is not None and is_sound(problem, found):
            return found
    return None


def _race(
    problem: Problem, start: Mixture, goal: float, patience: Patience, settle: int
) -> Place | None:
    """EM until it is above `goal`, and a little on; None where it is not on its way there."""
    previous, weight, last, most = -np.inf, problem.extent.total_weight, None, patience.race
    for state in em.states(problem, start, patience.rule):
        mean, n = state.log_likelihood / weight, state.iteration
        if last is None and mean > goal + RISE:
            last = n + settle
        if n == last:
            return _at(problem, state.mixture)
        # A rise that slows down does not get there, unless it is on a plateau near by.
        too_slow = n >= 2 and mean + (most - n) * (mean - previous) < goal - patience.near
        if last is None and (too_slow or n >= most):
            return None
        previous = mean
    return None
