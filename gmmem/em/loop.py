"""The one loop: states, read until they settle, from each of several starts."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from gmmem.covariances import DegenerateCovariance
from gmmem.em.outcome import Outcome, Reader, Solution, Status
from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.stopping import STOPPING, Remaining, remaining
from gmmem.updates import PLAIN, Rule, State


def states(problem: Problem, start: Mixture, rule: Rule = PLAIN) -> Iterator[State]:
    """Generate the states of EM on a problem, for ever.

    Parameters
    ----------
    problem : Problem
        What is fitted.
    start : Mixture
        Where EM starts.
    rule : Rule, default=Plain()
        How it goes from one state to the next.

    Yields
    ------
    state : State
        One for each iteration.

    Examples
    --------
    >>> from itertools import islice
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> [round(state.log_likelihood) for state in islice(em.states(problem, start), 3)]
    [-1381, -1145, -1131]
    """
    state = rule.step(problem, 0, rule.init(problem, start))
    yield state
    yield from states_after(problem, state, rule)


def states_after(problem: Problem, state: State, rule: Rule = PLAIN) -> Iterator[State]:
    """Generate the states that follow one.

    Parameters
    ----------
    problem : Problem
        What is fitted.
    state : State
        One of those that `states` gives for the problem.
    rule : Rule, default=Plain()
        The one that gave the state.

    Yields
    ------
    state : State
        One for each iteration.

    Examples
    --------
    >>> from itertools import islice
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 80], [4, 60]], [[[1, 0], [0, 99]]] * 2)
    >>> second = list(islice(em.states(problem, start), 2))[1]
    >>> next(em.states_after(problem, second)).iteration
    2
    """
    while True:
        state = rule.step(problem, state.iteration + 1, state.memory)
        yield state


def converge(
    states: Iterable[State],
    total_weight: float,
    *,
    tol: float,
    max_iter: int,
    previous: float = -np.inf,
    stopping: str = "change",
    before: Solution | None = None,
) -> Solution:
    """Read states until the mean log-likelihood changes, or has left to gain, less than `tol`.

    Parameters
    ----------
    states : iterable of State
        Those of EM from one start.
    total_weight : float
        What log-likelihoods are divided by.
    tol : float
        In nats per unit of `total_weight`.
    max_iter : int
        Most passes over the rows.
    previous : float, default=-inf
        Mean log-likelihood that the first state is compared with.
    stopping : {"change", "aitken"}, default="change"
        Whether `tol` is for the last change, or for what is estimated to be still to be had.
    before : Solution, default=None
        The one that the states follow.

    Returns
    -------
    solution : Solution
        With its status, whatever that is.

    Raises
    ------
    ValueError
        If there is no state.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> weight = problem.extent.total_weight
    >>> em.converge(em.states(problem, start), weight, tol=1e-3, max_iter=2).status.name
    'MAX_ITER'
    """
    history = [] if before is None else list(before.history)
    passes, state = (0, None) if before is None else (before.passes, before.last)
    status, failure = Status.MAX_ITER, None
    try:
        for state in states:
            history.append(state.log_likelihood / total_weight)
            passes += state.passes
            known = _known(state, total_weight)
            if STOPPING[stopping](history, previous, known) < tol:
                status = Status.CONVERGED
                break
            if passes >= max_iter:
                break
    except DegenerateCovariance as error:
        status, failure = Status.DEGENERATE, error
    if state is None:
        if failure is None:
            raise ValueError("There was no state to read.")
        return Solution(None, status, history, failure)
    last = state if status is Status.MAX_ITER else None
    left = _known(state, total_weight) or remaining(history)
    return Solution(state.update, status, history, failure, state.settled, passes, last, left)


def _known(state: State, total_weight: float) -> Remaining | None:
    return None if state.remaining is None else state.remaining.per(total_weight)


def resume(
    problem: Problem, solution: Solution, *, tol: float, max_iter: int, rule: Rule = PLAIN
) -> Solution:
    """Go on from where a fit ran out of iterations: what it would have found with more.

    Parameters
    ----------
    problem : Problem
        What was fitted, as it was.
    solution : Solution
        With a state that it stopped at.
    tol : float
        In nats per unit of row weight.
    max_iter : int
        Most passes over the rows, those of `solution` included.
    rule : Rule, default=Plain()
        The one that it was fitted by.

    Returns
    -------
    solution : Solution
        With the history of both.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 80], [4, 60]], [[[1, 0], [0, 99]]] * 2)
    >>> (solution,) = em.solve(problem, [start], tol=1e-3, max_iter=5).solutions
    >>> em.resume(problem, solution, tol=1e-3, max_iter=100).passes
    21
    """
    return solve(problem, [solution], tol=tol, max_iter=max_iter, rule=rule).solutions[0]


def solve(
    problem: Problem,
    starts: Iterable[Mixture | Solution | Callable[[], Mixture]],
    *,
    tol: float,
    max_iter: int,
    previous: float = -np.inf,
    rule: Rule = PLAIN,
    reader: Reader | None = None,
    per: float | None = None,
    stopping: str = "change",
) -> Outcome:
    """Run EM from each start: the one way to fit.

    A start that collapses, at once or on the way, is one of the solutions, with its status;
    the others go on.

    Parameters
    ----------
    problem : Problem
        What is fitted.
    starts : iterable of Mixture, or of callables that give one
        Where EM starts; a callable may raise `DegenerateCovariance`.  Or solutions that ran out
        of iterations, to go on from.
    tol : float
        In nats per unit of `per`.
    max_iter : int
        Most passes over the rows; with 0, the first start is the solution.
    previous : float, default=-inf
        Mean log-likelihood that the first state is compared with.
    rule : Rule, default=Plain()
        How EM goes from one state to the next.
    reader : Reader, default=None
        Follows the fits, and may end them.
    per : float, default=None
        What objectives are divided by; None is the total weight of the rows.
    stopping : {"change", "aitken"}, default="change"
        Whether `tol` is for the last change, or for what is estimated to be still to be had.

    Returns
    -------
    outcome : Outcome
        A solution for each start, and which is the best.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> other = Mixture.from_arrays([0.5, 0.5], [[2, 80], [4, 60]], [[[1, 0], [0, 99]]] * 2)
    >>> outcome = em.solve(problem, [start, other], tol=1e-3, max_iter=100)
    >>> [len(solution.history) for solution in outcome.solutions]
    [5, 21]
    """
    reader, outcome = reader or Reader(), Outcome()
    per = problem.extent.total_weight if per is None else per
    with problem.rows.working():
        for start in reader.starts(starts, outcome):
            settings = dict(tol=tol, max_iter=max_iter, previous=previous, stopping=stopping)
            followed = partial(reader.states, outcome=outcome)
            solution = _solution(problem, start, rule, followed, per, settings)
            outcome.solutions.append(solution)
            reader.ended(solution)
    return outcome


def _solution(
    problem: Problem, start, rule: Rule, followed: Callable, per: float, settings: dict
) -> Solution:
    """What EM finds from one start."""
    if isinstance(start, Solution):
        read = followed(states_after(problem, start.last, rule))
        return converge(read, per, before=start, **settings)
    try:
        mixture = start() if callable(start) else start
    except DegenerateCovariance as error:
        return Solution(None, Status.DEGENERATE, [], error)
    if settings["max_iter"] == 0:
        return Solution(mixture, Status.MAX_ITER, [])
    read = followed(states(problem, mixture, rule))
    return converge(read, per, **settings)
