"""Which candidates of a search cannot win any more: they are stopped early.

All candidates run for a few iterations, then for half as many more, and so on.  After each round
the most promising run to their ends, so that what the others are compared with is a fit and
not a hope; then those whose criterion cannot come near it are stopped.  How much likelihood a
candidate may still gain is judged by what the last half of its iterations gained: EM's gains
shrink, but for its plateaus.  The factor and the allowance below were chosen on 51 data sets
(``benchmarks/racing.py``).  One of them lost its best candidate, which jumped by 39 nats after
64 iterations that had gained next to nothing.

What is done does not depend on how many processes do it.
"""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from gmmem.covariances import get_model
from gmmem.covariances.base import n_free
from gmmem.criteria import CRITERIA, FitSummary
from gmmem.em import Solution

# Iterations of the first round, and by how many times more there are with each.
FIRST, GROWTH = 8, 1.5

# How many run to their ends at a time.
LEADERS = 2

# A candidate that may come this near the best criterion is fitted to its end: beyond a
# difference of ten in BIC the evidence is called very strong (Kass and Raftery 1995).
MARGIN = 10.0

# What a candidate may still gain: so many times what the last half of its iterations
# gained, and so many nats in all.
FACTOR, ALLOWANCE = 5.0, 10.0

# From so many iterations on; before, proportionally more of both.
WISE = 24


def race(
    points: Iterable,
    run: Callable,
    stop: Callable,
    value: Callable,
    hopes: Callable,
    max_iter: int,
    best: float,
) -> Iterator:
    """Run candidates until they end or cannot win.

    Parameters
    ----------
    points : iterable
    run : callable
        ``run(points, until)`` gives pairs of a point and what ended there, or None where
        it goes on.
    stop : callable
        ``stop(points)`` gives pairs of a point and what it has come to, of those that go on
        no more.
    value : callable
        ``value(candidate)``, the criterion of one that ended.
    hopes : callable
        ``hopes(point)`` gives the criterion that a running candidate has, and the least
        that it may come to.
    max_iter : int
    best : float
        Of what was fitted before.

    Yields
    ------
    point, candidate : tuple
        As they end, or are stopped where they are.
    """
    running, until = dict.fromkeys(points), FIRST

    def go_on(some, until):
        nonlocal best
        for point, ended in run(some, until):
            if ended is not None:
                del running[point]
                best = np.fmin(best, value(ended))
                yield point, ended

    while running:
        yield from go_on(list(running), until)
        while leaders := _ahead({point: hopes(point)[0] for point in running}, best):
            yield from go_on(leaders, max_iter)
        lost = [point for point in running if hopes(point)[1] > best + MARGIN]
        for point in lost:
            del running[point]
        yield from stop(lost)
        until = math.ceil(GROWTH * until)


def _ahead(values: dict, best: float) -> list:
    """The first few of those that are better than what ended."""
    better = [point for point, value in values.items() if value < best]
    return sorted(better, key=values.__getitem__)[:LEADERS]


def hopes(point, solution: Solution, total_weight: float, criterion: str) -> tuple[float, float]:
    """The criterion of a running candidate at best, as it is and as it may come to be.

    At best: as if every row were certain of its component, where the criterion looks at that.
    """
    K, d = solution.mixture.means.shape
    n_parameters = n_free(get_model(point.covariance_type), K, d)
    history = solution.history
    gain = FACTOR * (history[-1] - history[len(history) // 2]) * total_weight + ALLOWANCE
    gain *= max(1, WISE / len(history))
    likelihood = history[-1] * total_weight

    def of(log_likelihood: float) -> float:
        return CRITERIA[criterion](
            FitSummary(log_likelihood, n_parameters, total_weight, 0.0, 0.0, K, -np.inf)
        )

    return of(likelihood), of(likelihood + gain)
