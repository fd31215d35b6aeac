"""Fit every candidate of a grid: how a search works, without its interface."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from gmmem import em, prediction
from gmmem.covariances import FOURTEEN, CovarianceModel, get_model
from gmmem.criteria import CRITERIA, FitSummary
from gmmem.estimators import advice
from gmmem.estimators.believing import prior_for
from gmmem.estimators.journal import Journal
from gmmem.estimators.race import hopes, race
from gmmem.estimators.rows import number_sampled
from gmmem.estimators.starting import assignment_from
from gmmem.forms import Quadratic
from gmmem.initializers import Hierarchical
from gmmem.initializers.base import UnusableAssignment
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import total_moments
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.stopping import UNKNOWN, Remaining
from gmmem.updates import Extrapolated, Plain, Rule


# So many rows at most: where there are more, the arithmetic of a pass is most of it.
MOST_ROWS = 2_000

# Iterations in which they do: later, each goes on in leaps of its own.
TOGETHER = 27


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
        return Extrapolated() if self.accelerate else Plain()


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

    def criteria(self) -> dict[str, float]:
        """Every criterion; not a number where there is no fit."""
        if self.summary is None:
            return dict.fromkeys(CRITERIA, np.nan)
        return {name: criterion(self.summary) for name, criterion in CRITERIA.items()}


def default_types(n_samples: int, n_features: int) -> list[str]:
    """The models that mclust tries: those on variances only, unless rows are enough."""
    if n_features == 1:
        return ["E", "V"]
    return [code for code in FOURTEEN if n_samples > n_features or code[2] == "I"]


def in_finest(points: list[GridPoint], problem: Problem) -> Problem:
    """The problem in the form of the finest model: the others see no more of the moments."""
    models = [get_model(point.covariance_type) for point in points]
    if not models:
        return problem
    finest = _finest(models)
    problem = problem.seeing(finest)
    if problem.incomplete is not None or not any(model.shared for model in models):
        return problem
    with problem.rows.working():
        total = total_moments(problem.rows, problem.extent, finest)
    return replace(problem, total=total)


def _finest(models: list[CovarianceModel]) -> Quadratic:
    return max((model.storage.form for model in models), key=lambda form: form.fineness)


def begin(
    points: list[GridPoint], X, sample_weight, problem: Problem, random_state
) -> dict[tuple[Any, int], Moments | str]:
    """What each initialiser and number of components starts from, or why it cannot.

    A hierarchical initialiser grows one tree for all of them; one pair of passes serves
    all models.
    """
    wanted: dict[Any, set[int]] = {}
    for point in points:
        wanted.setdefault(point.init_params, set()).add(point.n_components)
    models = [get_model(point.covariance_type) for point in points]
    if not models:
        return {}
    finest = _finest(models)
    found: dict[tuple[Any, int], Moments | str] = {}
    with problem.rows.working():
        for initialise, numbers in wanted.items():
            ready = initialise
            if isinstance(initialise, Hierarchical):
                most = max(numbers)
                ready = initialise.grow(X, sample_weight, random_state, n_components=most)
            for n_components in sorted(numbers):
                try:
                    start = assignment_from(
                        ready,
                        X,
                        sample_weight,
                        n_components,
                        random_state,
                        f"{initialise!r}",
                        number_sampled(problem),
                    )
                except UnusableAssignment as error:
                    found[initialise, n_components] = str(error)
                    continue
                moments = start.moments(problem, n_components, finest, pooled=False)
                found[initialise, n_components] = moments
    return found


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
    problem = of_point(problem, point, settings)
    with problem.rows.working():
        solution = _solution(begun, problem, settings, min(until, settings.max_iter))
        seconds = before + perf_counter() - began
        return _answer(point, solution, problem, settings, until, seconds)


def _answer(
    point: GridPoint,
    solution: em.Solution,
    problem: Problem,
    settings: Settings,
    until: int,
    seconds: float,
) -> Candidate | Running:
    """What a solution says of a candidate."""
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
        _summary(solution.mixture, problem),
        solution.passes,
        solution.remaining,
    )


def advance_all(
    points: list[GridPoint], begun: list, problem: Problem, settings: Settings, until: int
) -> list[Candidate | Running]:
    """The same for some that `batches` has put together: they share their passes."""
    if len(points) == 1:
        return [advance(points[0], begun[0], problem, settings, until)]
    began = perf_counter()
    problems = [of_point(problem, point, settings) for point in points]
    models, starts = [each.model for each in problems], list(begun)
    with problem.rows.working():
        if isinstance(begun[0], Moments):
            starts = em.start_abreast(problems[0], models, begun)
        else:
            starts = [each.solution for each in begun]
        some = [n for n, start in enumerate(starts) if start is not None]
        found = em.solve_abreast(
            problems[0],
            [models[n] for n in some],
            [starts[n] for n in some],
            tol=settings.tol,
            max_iter=until,
            # As near to its end as leaps would have come.
            stopping="aitken" if settings.accelerate else "change",
        )
        solutions = dict(zip(some, found, strict=True))
        seconds = (perf_counter() - began) / len(points)
        return [
            _followed(point, begun[n], solutions.get(n), problems[n], settings, until, seconds)
            for n, point in enumerate(points)
        ]


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
    if solution.last is not None:
        memory = settings.rule.init(problem, solution.last.update)
        solution = replace(solution, last=solution.last._replace(memory=memory))
    result = _answer(point, solution, problem, settings, until, seconds)
    if isinstance(result, Running) and solution.passes < until:
        return advance(point, result, problem, settings, until)
    return result


def batches(
    points: list[GridPoint], begun: dict, problem: Problem, settings: Settings, until: int
) -> list[list[GridPoint]]:
    """Which candidates share their passes: of few rows, those of one storage and one kind."""
    together: dict[Any, list[GridPoint]] = {}
    rows, alike = problem.rows, until <= TOGETHER and settings.prior is None
    alike = alike and isinstance(rows, InMemory) and problem.incomplete is None
    alike = alike and problem.extent.n_rows <= MOST_ROWS
    for point in points:
        start, key = begun[point], point
        if alike and not isinstance(start, str):
            model = get_model(point.covariance_type)
            done = start.solution.passes if isinstance(start, Running) else 0
            key = done, model.storage, None if model.closed_form else model
        together.setdefault(key, []).append(point)
    return list(together.values())


def of_point(problem: Problem, point: GridPoint, settings: Settings) -> Problem:
    """With the model of a point, and its prior."""
    problem = problem.with_model(get_model(point.covariance_type))
    return replace(problem, prior=prior_for(settings.prior, problem, point.n_components))


def _summary(mixture: Mixture, problem: Problem) -> FitSummary:
    """Without the parameters that a prior holds."""
    found = prediction.summary(mixture, problem.model, problem.rows)
    held = problem.prior.n_held(problem.model, problem.rows.n_features)
    return replace(found, n_parameters=found.n_parameters - held)


def _solution(
    begun: Moments | Running, problem: Problem, settings: Settings, until: int
) -> em.Solution:
    limits = dict(tol=settings.tol, max_iter=until, rule=settings.rule)
    if isinstance(begun, Running):
        return em.resume(problem, begun.solution, **limits)
    model = problem.model

    def first() -> Mixture:
        return problem.maximise(begun.coarsened(model.storage.form, model.shared)).mixture

    return em.solve(problem, [first], **limits).solutions[0]


def fit_all(
    points: list[GridPoint],
    found: dict,
    problem: Problem,
    settings: Settings,
    n_jobs,
    journal: Journal,
    best: float = np.inf,
) -> Iterator[Candidate]:
    """Fit the candidates, as they come; `best` is what the criterion was before."""
    begun = {point: found[point.init_params, point.n_components] for point in points}
    weight, criterion = problem.extent.total_weight, settings.racing
    with Parallel(n_jobs=n_jobs, return_as="generator") as parallel:

        def run(some: list[GridPoint], until: int) -> Iterator[tuple[GridPoint, Candidate | None]]:
            known = {each: journal.replay(each, until) for each in some}
            # Whole batches, even if some of them is known: what is found is to be the same.
            new = [
                batch
                for batch in batches(some, begun, problem, settings, until)
                if any(known[each] is None for each in batch)
            ]
            tasks = (
                delayed(advance_all)(
                    batch, [begun[each] for each in batch], problem, settings, until
                )
                for batch in new
            )
            found = zip(new, parallel(tasks) if new else (), strict=True)
            for point in some:
                while known[point] is None:
                    for each, result in zip(*next(found), strict=True):
                        if known[each] is None:
                            known[each] = result
                            journal.record(each, until, result)
                result = begun[point] = known[point]
                # A worker's copy of a point may not compare equal to ours.
                ended = isinstance(result, Candidate)
                yield point, replace(result, point=point) if ended else None

        if criterion is None:
            yield from (candidate for _, candidate in run(points, settings.max_iter))
            return
        raced = race(
            points,
            run,
            lambda candidate: candidate.criteria()[criterion],
            lambda point: hopes(point, begun[point].solution, weight, criterion),
            settings.max_iter,
            best,
        )
        for point, candidate in raced:
            if candidate is None:
                candidate = stopped(point, begun[point], of_point(problem, point, settings))
            yield candidate


def stopped(point: GridPoint, running: Running, problem: Problem) -> Candidate:
    """A candidate that cannot win any more, as it is."""
    solution = running.solution
    return Candidate(
        point,
        "stopped",
        f"It could not win any more: stopped after {len(solution.history)} iterations, and what "
        "is said of it is what it had come to.",
        running.seconds,
        solution.history,
        solution.mixture,
        _summary(solution.mixture, problem),
        solution.passes,
        solution.remaining,
    )


def with_one_component(candidates: list[Candidate], problem: Problem) -> list[Candidate]:
    """Tell each how likely the data are under one component of its model."""
    likely = {
        candidate.point.covariance_type: candidate.summary.log_likelihood
        for candidate in candidates
        if candidate.summary is not None and candidate.point.n_components == 1
    }
    result = []
    for candidate in candidates:
        if candidate.summary is not None:
            key = candidate.point.covariance_type
            if key not in likely:
                likely[key] = one_component(problem.with_model(candidate.model))
            summary = replace(candidate.summary, log_likelihood_one=likely[key])
            candidate = replace(candidate, summary=summary)
        result.append(candidate)
    return result


def one_component(problem: Problem) -> float:
    """Log-likelihood of the rows under one component; not a number where there is none."""
    best = em.one_component(problem).best
    return np.nan if best is None else prediction.log_likelihood(best.mixture, problem.rows)


def table(candidates: list[Candidate]) -> dict[str, np.ndarray]:
    """The candidates as columns, for a data frame."""

    def name(value):
        return getattr(value, "name", value)

    nothing = FitSummary(np.nan, 0, np.nan)
    columns: dict[str, list] = {
        "covariance_type": [name(c.point.covariance_type) for c in candidates],
        "n_components": [c.point.n_components for c in candidates],
        "init_params": [str(c.point.init_params) for c in candidates],
        "log_likelihood": [(c.summary or nothing).log_likelihood for c in candidates],
        "n_parameters": [(c.summary or nothing).n_parameters for c in candidates],
    }
    values = [candidate.criteria() for candidate in candidates]
    for criterion in CRITERIA:
        columns[criterion] = [each[criterion] for each in values]
    columns["n_iter"] = [max(c.passes, len(c.history)) for c in candidates]
    columns["seconds"] = [c.seconds for c in candidates]
    columns["status"] = [c.status for c in candidates]
    columns["reason"] = [c.reason for c in candidates]
    return {key: np.array(column) for key, column in columns.items()}
