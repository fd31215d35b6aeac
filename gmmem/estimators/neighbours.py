"""The best candidate of a search, started anew from its neighbours in size.

A hierarchical start is one start.  The best candidate, and those of one component more or fewer,
also start from each other: from a larger one by a merger, from a smaller one by a split.  A
candidate is replaced by what comes of it if its criterion is better, so none gets worse.
"""

from collections.abc import Iterator

import numpy as np

from gmmem.covariances import DegenerateCovariance
from gmmem.estimators.candidates import Candidate, GridPoint, Settings, advance, of_point
from gmmem.moments import Moments
from gmmem.problem import Problem
from gmmem.starts.automatic import least_mass, on_some_rows
from gmmem.starts.moves import expanded, pruned
from gmmem.starts.splits import NO_SPLIT, split_each

# Rows that a split is looked for on, and iterations of it.
ROWS, ITERATIONS = 5_000, 8

# A criterion must be better by this: the same optimum is not found anew.
LEAST = 0.1

# Best candidates in a row whose neighbours are tried.
ROUNDS = 4


def from_neighbours(
    done: dict[GridPoint, Candidate], problem: Problem, settings: Settings, criterion: str
) -> Iterator[Candidate]:
    """Candidates that are better than those in `done`, which the caller puts there.

    Parameters
    ----------
    done : dict of GridPoint to Candidate
    problem : Problem
    settings : Settings
    criterion : str
        What is to be least.
    """
    tried = set()
    for _ in range(ROUNDS):
        values = {point: each.value(criterion) for point, each in done.items()}
        values = {point: value for point, value in values.items() if np.isfinite(value)}
        if not values:
            return
        best = min(values, key=values.__getitem__)
        near = [best._replace(n_components=best.n_components + step) for step in (-1, 1)]
        near = [point for point in near if point in values]
        steps = [(best, each) for each in near] + [(each, best) for each in near]
        again = False
        for origin, target in steps:
            key = id(done[origin]), target
            if key in tried:
                continue
            tried.add(key)
            found = _moved(done[origin], target, problem, settings)
            if found is not None and found.value(criterion) < values[target] - LEAST:
                again, values[target] = True, found.value(criterion)
                yield found
        if not again:
            return


def _moved(
    origin: Candidate, target: GridPoint, whole: Problem, settings: Settings
) -> Candidate | None:
    """The candidate that a neighbour leads to; None where it leads nowhere sound."""
    problem = of_point(whole, origin.point, settings)
    with problem.rows.working():
        try:
            start = _start(origin, target.n_components, problem)
        except DegenerateCovariance:
            return None
    if start is None:
        return None
    found = advance(target, start, whole, settings, settings.max_iter)
    if not isinstance(found, Candidate) or found.mixture is None:
        return None
    enough = found.mixture.weights.min() * problem.extent.total_weight >= least_mass(problem)
    return found if enough else None


def _start(origin: Candidate, n_components: int, problem: Problem) -> Moments | None:
    """Moments of one component more, or fewer."""
    mixture = origin.mixture
    moments = problem.expect(mixture).moments.about(problem.extent.centre[None])
    if n_components < mixture.n_components:
        return pruned(moments, problem.model, n_components)
    some = on_some_rows(problem, ROWS, np.random.RandomState(0))
    which = np.arange(mixture.n_components)
    splits = split_each(some, mixture, which, ITERATIONS, least_mass(some))
    best = max(which, key=lambda k: splits[k].gain)
    if splits[best].moments is None:
        return None
    # Of some rows, for all of them.
    share = problem.extent.total_weight / some.extent.total_weight
    two = splits[best]._replace(moments=splits[best].moments * share)
    return expanded(moments, [two if k == best else NO_SPLIT for k in which])
