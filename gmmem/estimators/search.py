"""Fit every candidate of a grid: how a search works, without its interface."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from gmmem import em, prediction
from gmmem.covariances import FOURTEEN, CovarianceModel, get_model
from gmmem.criteria import CRITERIA, FitSummary
from gmmem.estimators.believing import prior_for
from gmmem.estimators.rows import number_sampled
from gmmem.estimators.starting import assignment_from
from gmmem.initializers import Hierarchical
from gmmem.initializers.base import UnusableAssignment
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import all_in_one, total_moments
from gmmem.problem import Problem
from gmmem.stopping import UNKNOWN, Remaining
from gmmem.updates import Extrapolated, Plain, Rule


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


def begin(
    points: Iterable[GridPoint], X, sample_weight, problem: Problem, random_state
) -> tuple[Problem, dict[tuple[Any, int], Moments | str]]:
    """What each initialiser and number of components starts from, or why it cannot.

    A hierarchical initialiser grows one tree for all of them; one pair of passes serves
    all models, which see no more of the moments than the finest of them.  The problem that
    comes back is in that form, too.
    """
    wanted: dict[Any, set[int]] = {}
    for point in points:
        wanted.setdefault(point.init_params, set()).add(point.n_components)
    models = [get_model(point.covariance_type) for point in points]
    if not models:
        return problem, {}
    finest = max((model.storage.form for model in models), key=lambda form: form.fineness)
    found: dict[tuple[Any, int], Moments | str] = {}
    with problem.rows.working():
        if any(model.shared for model in models):
            total = total_moments(problem.rows, problem.extent, finest)
            problem = replace(problem, total=total)
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
                        number_sampled(problem.rows),
                    )
                except UnusableAssignment as error:
                    found[initialise, n_components] = str(error)
                    continue
                moments = start.moments(problem, n_components, finest, pooled=False)
                found[initialise, n_components] = moments
    return problem, found


def fit_candidate(
    point: GridPoint, start: Moments | str, problem: Problem, settings: Settings
) -> Candidate:
    """Fit one candidate; a failure is an answer, not an exception."""
    began = perf_counter()

    def lost(status: str, reason: str, history: Iterable[float] = ()) -> Candidate:
        return Candidate(point, status, reason, perf_counter() - began, list(history))

    if isinstance(start, str):
        return lost("failed", start)
    if problem.extent.n_rows < point.n_components:
        return lost("failed", f"{problem.extent.n_rows} rows are fewer than the components.")
    problem = problem.with_model(get_model(point.covariance_type))
    model = problem.model
    problem = replace(problem, prior=prior_for(settings.prior, problem, point.n_components))

    def first() -> Mixture:
        return problem.maximise(start.coarsened(model.storage.form, model.shared)).mixture

    with problem.rows.working():
        limits = dict(tol=settings.tol, max_iter=settings.max_iter)
        outcome = em.solve(problem, [first], **limits, rule=settings.rule)
        solution = outcome.solutions[0]
        if solution.failure is not None:
            return lost("degenerate", str(solution.failure), solution.history)
        if (solution.mixture.weights == 0).any():
            return lost("degenerate", "A component lost all its rows.", solution.history)
        summary = prediction.summary(solution.mixture, model, problem.rows)
    return Candidate(
        point,
        "converged" if solution.status is em.Status.CONVERGED else "max_iter",
        solution.status.value,
        perf_counter() - began,
        solution.history,
        solution.mixture,
        summary,
        solution.passes,
        solution.remaining,
    )


def fit_all(
    points: list[GridPoint], found: dict, problem: Problem, settings: Settings, n_jobs
) -> Iterator[Candidate]:
    """Fit the candidates, in order, as they come."""
    tasks = (
        delayed(fit_candidate)(
            point, found[point.init_params, point.n_components], problem, settings
        )
        for point in points
    )
    # A worker's copy of a place may not compare equal to ours.
    results = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    for point, candidate in zip(points, results, strict=True):
        yield replace(candidate, point=point)


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
    start = partial(problem.start, all_in_one, 1)
    best = em.solve(problem, [start], tol=0, max_iter=0).best
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
