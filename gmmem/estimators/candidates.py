"""How one candidate of a search is fitted, or a few at once, and what is known of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from gmmem import em, prediction
from gmmem.covariances import CovarianceModel, get_model
from gmmem.criteria import CRITERIA, FitSummary
from gmmem.estimators import advice
from gmmem.estimators.believing import prior_for
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.stopping import UNKNOWN, Remaining
from gmmem.updates import PLAIN, Extrapolated, Rule

# So many rows at most: where there are more, the arithmetic of a pass is most of it.
MOST_ROWS = 2_000

# Iterations in which they do, plain ones: later, each goes on in leaps of its own.
TOGETHER = 41


class GridPoint(NamedTuple):
    """Where a candidate stands in the grid."""

    covariance_type: Any
    n_components: int
    init_params: Any


class Settings(NamedTuple):
    """What all candidates have in common."""

    tol: float
    max_iter: int
    reg_covar: float
    prior: Any = None
    racing: str | None = None
    """The criterion by which candidates that cannot win are stopped, if any are."""
    names: tuple[str, ...] | None = None
    """Of the columns, for reasons."""
    accelerate: bool = True

    @property
    def rule(self) -> Rule:
        return Extrapolated() if self.accelerate else PLAIN

    @property
    def stopping(self) -> str:
        """Of few rows: all candidates come as near to their ends."""
        return "aitken" if self.accelerate else "change"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fit that was tried, whether it worked or not."""

    point: GridPoint
    status: str
    reason: str
    seconds: float
    history: list[float]
    mixture: Mixture | None = None
    summary: FitSummary | None = None
    passes: int = 0
    remaining: Remaining = UNKNOWN

    @property
    def model(self) -> CovarianceModel:
        return get_model(self.point.covariance_type)

    def value(self, criterion: str) -> float:
        """Of a criterion; not a number where there is no fit."""
        return np.nan if self.summary is None else CRITERIA[criterion](self.summary)

    def criteria(self) -> dict[str, float]:
        """Every one."""
        return {name: self.value(name) for name in CRITERIA}


@dataclass(frozen=True, eq=False)
class Running:
    """A candidate that has not ended."""

    solution: em.Solution
    seconds: float


def advance(
    point: GridPoint,
    begun: Moments | Running | str,
    problem: Problem,
    settings: Settings,
    until: int,
) -> Candidate | Running:
    """Fit one candidate for `until` iterations in all; a failure is an answer, not an exception."""
    began = perf_counter()
    before = begun.seconds if isinstance(begun, Running) else 0.0
    if isinstance(begun, str):
        return Candidate(point, "failed", begun, 0.0, [])
    if problem.extent.n_rows < point.n_components:
        few = f"{problem.extent.n_rows} rows are fewer than the components."
        return Candidate(point, "failed", few, 0.0, [])
    until = min(until, settings.max_iter)
    with problem.rows.working():
        solution = _solution(begun, of_point(problem, point, settings), settings, until)
        seconds = before + perf_counter() - began
        result = _answer(point, solution, settings, until, seconds)
        return summarised([result], problem, settings)[0]


def _answer(
    point: GridPoint,
    solution: em.Solution,
    settings: Settings,
    until: int,
    seconds: float,
) -> Candidate | Running:
    """What a solution says of a candidate, but for its summary."""
    if solution.failure is not None:
        told = advice.of_failure(solution.failure, settings.names)
        return Candidate(point, "degenerate", told, seconds, solution.history)
    if solution.last is not None and until < settings.max_iter:
        return Running(solution, seconds)
    if (solution.mixture.weights == 0).any():
        told = "A component lost all its rows."
        return Candidate(point, "degenerate", told, seconds, solution.history)
    return Candidate(
        point,
        "converged" if solution.status is em.Status.CONVERGED else "max_iter",
        solution.status.value,
        seconds,
        solution.history,
        solution.mixture,
        None,
        solution.passes,
        solution.remaining,
    )


def advance_all(
    points: list[GridPoint], begun: list, problem: Problem, settings: Settings, until: int
) -> list[Candidate | Running]:
    """The same for some that `batches` has put together: they share their passes."""
    if len(points) == 1:
        return [advance(points[0], begun[0], problem, settings, until)]
    began, until = perf_counter(), min(until, settings.max_iter)
    models, starts = [get_model(each.covariance_type) for each in points], list(begun)
    first = of_point(problem, points[0], settings)
    with problem.rows.working():
        if isinstance(begun[0], Moments):
            starts = em.start_abreast(first, models, begun)
        else:
            starts = [each.solution for each in begun]
        some = [n for n, start in enumerate(starts) if start is not None]
        found = em.solve_abreast(
            first,
            [models[n] for n in some],
            [starts[n] for n in some],
            tol=settings.tol,
            max_iter=until,
            stopping=settings.stopping,
        )
        solutions = dict(zip(some, found, strict=True))
        seconds = (perf_counter() - began) / len(points)
        results = [
            _followed(point, begun[n], solutions.get(n), problem, settings, until, seconds)
            for n, point in enumerate(points)
        ]
        return summarised(results, problem, settings)


def _followed(
    point: GridPoint,
    begun: Moments | Running,
    solution: em.Solution | None,
    problem: Problem,
    settings: Settings,
    until: int,
    seconds: float,
) -> Candidate | Running:
    """What one of a batch has come to, alone if it must be."""
    if isinstance(begun, Running):
        seconds += begun.seconds
    if solution is None:
        return advance(point, begun, problem, settings, until)
    result = _answer(point, solution, settings, until, seconds)
    if isinstance(result, Running) and solution.passes < until:
        return advance(point, result, problem, settings, until)
    return result


def batches(
    points: list[GridPoint], begun: dict, problem: Problem, settings: Settings, until: int
) -> list[list[GridPoint]]:
    """Which candidates share their passes: of few rows, those of one storage."""
    together: dict[Any, list[GridPoint]] = {}
    alike = until <= TOGETHER and shares_passes(problem, settings)
    for point in points:
        start, key = begun[point], point
        enough = problem.extent.n_rows >= point.n_components
        if alike and enough and not isinstance(start, str):
            model = get_model(point.covariance_type)
            done = start.solution.passes if isinstance(start, Running) else 0
            key = done, model.storage
        together.setdefault(key, []).append(point)
    return list(together.values())


def shares_passes(problem: Problem, settings: Settings) -> bool:
    """Whether the first iterations of candidates are done together."""
    known = isinstance(problem.rows, InMemory) and problem.incomplete is None
    return known and settings.prior is None and problem.extent.n_rows <= MOST_ROWS


def of_point(problem: Problem, point: GridPoint, settings: Settings) -> Problem:
    """With the model of a point, and its prior."""
    problem = problem.with_model(get_model(point.covariance_type))
    return replace(problem, prior=prior_for(settings.prior, problem, point.n_components))


def _solution(
    begun: Moments | Running, problem: Problem, settings: Settings, until: int
) -> em.Solution:
    start = begun.solution if isinstance(begun, Running) else _first(begun, problem)
    stopping = "change"
    if problem.extent.n_rows <= MOST_ROWS:
        # As those do that share their passes, so that with or without others it is the same.
        solution = _plain(start, problem, settings, min(until, TOGETHER))
        if solution.last is None or until <= TOGETHER:
            return solution
        start = solution if solution.passes > TOGETHER else _in_leaps(solution, problem, settings)
        stopping = settings.stopping
    limits = dict(tol=settings.tol, max_iter=until, rule=settings.rule, stopping=stopping)
    return em.solve(problem, [start], **limits).solutions[0]


def _first(begun: Moments, problem: Problem) -> Callable[[], Mixture]:
    model = problem.model
    return lambda: problem.maximise(begun.coarsened(model.storage.form, model.shared)).mixture


def _plain(start, problem: Problem, settings: Settings, until: int) -> em.Solution:
    """The first iterations."""
    if isinstance(start, em.Solution) and start.passes >= until:
        return start
    limits = dict(tol=settings.tol, max_iter=until, stopping=settings.stopping)
    return em.solve(problem, [start], **limits).solutions[0]


def _in_leaps(solution: em.Solution, problem: Problem, settings: Settings) -> em.Solution:
    """The same, to go on by the rule of the search."""
    memory = settings.rule.init(problem, solution.last.update)
    return replace(solution, last=solution.last._replace(memory=memory))


def stopped(point: GridPoint, running: Running) -> Candidate:
    """A candidate that cannot win any more, as it is, but for its summary."""
    solution = running.solution
    return Candidate(
        point,
        "stopped",
        f"It could not win any more: stopped after {len(solution.history)} iterations, and what "
        "is said of it is what it had come to.",
        running.seconds,
        solution.history,
        solution.mixture,
        None,
        solution.passes,
        solution.remaining,
    )


def summarised(
    results: list[Candidate | Running], problem: Problem, settings: Settings
) -> list[Candidate | Running]:
    """The same, with the summaries that are wanting: those of one storage in one pass."""
    wanting: dict[Any, list[int]] = {}
    for n, each in enumerate(results):
        if isinstance(each, Candidate) and each.mixture is not None and each.summary is None:
            wanting.setdefault(each.model.storage, []).append(n)
    results = list(results)
    for which in wanting.values():
        some = [results[n] for n in which]
        if shares_passes(problem, settings):
            models, mixtures = [each.model for each in some], [each.mixture for each in some]
            found = em.summaries_abreast(problem, models, mixtures)
        else:
            found = [_summary(each, problem, settings) for each in some]
        for n, each, summary in zip(which, some, found, strict=True):
            results[n] = replace(each, summary=summary)
    return results


def _summary(candidate: Candidate, problem: Problem, settings: Settings) -> FitSummary:
    """Without the parameters that a prior holds."""
    problem = of_point(problem, candidate.point, settings)
    found = prediction.summary(candidate.mixture, problem.model, problem.rows)
    held = problem.prior.n_held(problem.model, problem.rows.n_features)
    return replace(found, n_parameters=found.n_parameters - held)
