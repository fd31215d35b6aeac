"""Expectation maximisation: one loop for every model and every source of rows.

    expect:    rows, mixture   ->  log-likelihood, moments      (the only pass)
    maximise:  moments, model  ->  mixture                      (knows no rows)

`iterate` is a generator of states; `fit` is that generator with a stopping
rule; `solve` is `fit` from several starts.  Nothing here warns or prints: a fit
returns a `Solution` with a status.

Examples
--------
Step through EM by hand:

>>> from itertools import islice
>>> from gmmem import Mixture, em
>>> from gmmem.datasets import load_old_faithful
>>> from gmmem.sources import InMemory
>>> rows = InMemory(load_old_faithful())
>>> start = Mixture.from_arrays([0.5, 0.5], [[2, 80], [4, 60]], [[[1, 0], [0, 99]]] * 2)
>>> for state in islice(em.iterate(start, rows), 3):
...     print(state.iteration, round(state.log_likelihood, 1))
0 -1800.6
1 -1287.6
2 -1287.2
"""

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from gmmem.covariances import CovarianceModel, DegenerateCovariance, free_model, get_model
from gmmem.covariances.base import n_stored
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import all_in_one
from gmmem.priors import Ridge
from gmmem.problem import Problem, maximise
from gmmem.sources.base import Rows
from gmmem.stopping import STOPPING
from gmmem.updates import Plain, Rule, State

__all__ = [
    "Outcome",
    "Reader",
    "Solution",
    "State",
    "Status",
    "converge",
    "expect",
    "fit",
    "initial_mixture",
    "iterate",
    "maximise",
    "one_component",
    "solve",
    "states",
]

PLAIN = Plain()

# Of one component of incomplete rows, which EM finds in few iterations.
ONE_TOL, ONE_ITERATIONS = 1e-7, 1000


class Status(enum.Enum):
    """How a fit ended, as a sentence for a human."""

    CONVERGED = "The log-likelihood rose by less than tol."
    MAX_ITER = "max_iter iterations were done before the log-likelihood settled."
    DEGENERATE = "A covariance became singular."


@dataclass(frozen=True, eq=False)
class Solution:
    """What a fit found.

    Parameters
    ----------
    mixture : Mixture or None
        None where there was not even a start.
    status : Status
    history : list of float
        Log-likelihood per unit of row weight before each M-step.
    failure : DegenerateCovariance or None
        What stopped a degenerate fit.
    settled : bool
        Whether the last M-step's inner iteration converged.
    passes : int
        Passes over the rows: as many as iterations, unless a rule takes some back.
    """

    mixture: Mixture | None
    status: Status
    history: list[float]
    failure: DegenerateCovariance | None = None
    settled: bool = True
    passes: int = 0


def expect(mixture: Mixture, rows: Rows) -> tuple[float, Moments]:
    """E-step: log-likelihood of the rows, and their expected moments by a mixture.

    The expected moments of parts of the rows add up to those of all.
    """
    objective, moments, _ = Problem.of(
        rows, free_model(mixture.covariances, mixture.n_components)
    ).expect(mixture)
    return objective, moments


def initial_mixture(
    rows: Rows,
    assign: Callable,
    n_components: int,
    model: CovarianceModel | str,
    *,
    reg_covar: float = 0.0,
) -> Mixture:
    """M-step from given shares: how every initialiser becomes a mixture.

    A component without rows gets the covariance of all rows and the weight of one.

    Parameters
    ----------
    rows : Rows
    assign : callable
        ``assign(block, workspace)`` gives responsibilities (n_components, b) or labels (b,);
        what it needs a row travels with the rows as its ``columns``.
    n_components : int
    model : str or CovarianceModel
    reg_covar : float, default=0

    Returns
    -------
    mixture : Mixture
    """
    return Problem.of(rows, get_model(model), Ridge(reg_covar)).start(assign, n_components)


def states(problem: Problem, start: Mixture, rule: Rule = PLAIN) -> Iterator[State]:
    """Generate the states of EM on a problem, for ever."""
    memory, iteration = rule.init(problem, start), 0
    while True:
        state = rule.step(problem, iteration, memory)
        yield state
        memory, iteration = state.memory, iteration + 1


def iterate(
    start: Mixture,
    rows: Rows,
    model: CovarianceModel | str | None = None,
    *,
    reg_covar: float = 0.0,
) -> Iterator[State]:
    """Generate the states of EM, for ever.

    Parameters
    ----------
    start : Mixture
    rows : Rows
        For instance ``gmmem.sources.InMemory(X)``.
    model : str or CovarianceModel, optional
        By default the one that ties only what `start` shares.
    reg_covar : float, default=0
        Added to the diagonal of every covariance.

    Yields
    ------
    state : State

    Raises
    ------
    DegenerateCovariance
        When an M-step gives a singular covariance.
    """
    return states(_problem(start, rows, model, reg_covar), start)


def _problem(start: Mixture, rows: Rows, model, reg_covar: float) -> Problem:
    """The problem that a start is for, if it fits."""
    model = free_model(start.covariances, start.n_components) if model is None else get_model(model)
    shared = n_stored(model, start.n_components) == 1
    if model.storage is not type(start.covariances) or start.covariances.shared != shared:
        raise ValueError(f"start has covariances of another kind than the model {model.name}.")
    if start.n_features != rows.n_features:
        raise ValueError(f"start has {start.n_features} features, the rows {rows.n_features}.")
    return Problem.of(rows, model, Ridge(reg_covar))


def converge(
    states: Iterable[State],
    total_weight: float,
    *,
    tol: float,
    max_iter: int,
    previous: float = -np.inf,
    stopping: str = "change",
) -> Solution:
    """Read states until the mean log-likelihood changes, or has left to gain, less than `tol`.

    `previous` is what the first one is compared with; `stopping` is a key of
    `gmmem.stopping.STOPPING`.
    """
    history: list[float] = []
    passes = 0
    state, status, failure = None, Status.MAX_ITER, None
    try:
        for state in states:
            history.append(state.log_likelihood / total_weight)
            passes += state.passes
            if STOPPING[stopping](history, previous) < tol:
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
    return Solution(state.update, status, history, failure, state.settled, passes)


def fit(
    start: Mixture,
    rows: Rows,
    model: CovarianceModel | str | None = None,
    *,
    tol: float = 1e-3,
    max_iter: int = 100,
    reg_covar: float = 0.0,
) -> Solution:
    """Run EM from `start` until the mean log-likelihood gains less than `tol`.

    Parameters
    ----------
    start, rows, model, reg_covar
        As for `iterate`.
    tol : float, default=1e-3
        In nats per unit of row weight.
    max_iter : int, default=100

    Returns
    -------
    solution : Solution

    Raises
    ------
    ValueError
        If a parameter is not usable.
    DegenerateCovariance
        When the first M-step gives a singular covariance.
    """
    if max_iter < 1:
        raise ValueError(f"max_iter={max_iter} must be at least 1.")
    if not tol >= 0:
        raise ValueError(f"tol={tol} must be at least 0.")
    problem = _problem(start, rows, model, reg_covar)
    solution = solve(problem, [start], tol=tol, max_iter=max_iter).solutions[0]
    if solution.mixture is None:
        raise solution.failure
    return solution


class Reader:
    """Follows the fits of `solve`: overwrite what is of interest."""

    def starts(self, starts: Iterable, outcome: "Outcome") -> Iterable:
        """Pass the starts on; to end early ends the search."""
        return starts

    def states(self, states: Iterator[State], outcome: "Outcome") -> Iterable[State]:
        """Pass the states of one fit on; to end early ends the fit."""
        return states

    def ended(self, solution: Solution) -> None:
        """Hear how a fit ended."""


@dataclass(eq=False)
class Outcome:
    """What the starts have given so far.

    Parameters
    ----------
    solutions : list of Solution
        One for each start that was tried, in order.
    """

    solutions: list[Solution] = field(default_factory=list)

    @property
    def best(self) -> Solution | None:
        """The most likely of those that did not collapse, the first of equals."""
        usable = [each for each in self.solutions if each.status is not Status.DEGENERATE]
        return max(usable, key=lambda each: each.history[-1:], default=None)

    @property
    def failure(self) -> DegenerateCovariance | None:
        """Why the last of the others collapsed."""
        failures = [each.failure for each in self.solutions if each.failure is not None]
        return failures[-1] if failures else None


def solve(
    problem: Problem,
    starts: Iterable[Mixture | Callable[[], Mixture]],
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
    starts : iterable of Mixture, or of callables that give one
    tol : float
        In nats per unit of `per`.
    max_iter : int
        Most passes over the rows; with 0, the first start is the solution.
    previous : float, default=-inf
        Mean log-likelihood that the first state is compared with.
    rule : Rule, default=Plain()
    reader : Reader, optional
    per : float, optional
        What objectives are divided by: the total weight of the rows.
    stopping : {"change", "aitken"}, default="change"
        Whether `tol` is for the last change, or for what is estimated to be still to be had.

    Returns
    -------
    outcome : Outcome
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
    try:
        mixture = start() if callable(start) else start
    except DegenerateCovariance as error:
        return Solution(None, Status.DEGENERATE, [], error)
    if settings["max_iter"] == 0:
        return Solution(mixture, Status.MAX_ITER, [])
    read = followed(states(problem, mixture, rule))
    return converge(read, per, **settings)


def one_component(problem: Problem) -> Outcome:
    """One component by maximum likelihood: at once, or by EM where values are missing.

    Parameters
    ----------
    problem : Problem
        Rows, model and prior.

    Returns
    -------
    outcome : Outcome
        Of the one start.

    Examples
    --------
    >>> from gmmem import em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> em.one_component(problem).best.mixture.means.round(1)
    array([[ 3.5, 70.9]])
    """
    start = partial(problem.start, all_in_one, 1)
    if problem.incomplete is None:
        return solve(problem, [start], tol=0, max_iter=0)
    return solve(problem, [start], tol=ONE_TOL, max_iter=ONE_ITERATIONS)
