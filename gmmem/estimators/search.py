"""Fit every candidate of a grid: how a search works, without its interface."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from gmmem import em, prediction
from gmmem.covariances import FOURTEEN, CovarianceModel, get_model
from gmmem.criteria import CRITERIA, FitSummary
from gmmem.estimators.candidates import (
    TOGETHER,
    Candidate,
    GridPoint,
    Settings,
    advance_all,
    batches,
    shares_passes,
    stopped,
    summarised,
)
from gmmem.estimators.journal import Journal
from gmmem.estimators.race import hopes, race
from gmmem.estimators.rows import number_sampled
from gmmem.estimators.starting import assignment_from
from gmmem.forms import Quadratic
from gmmem.initializers import Hierarchical
from gmmem.initializers.base import UnusableAssignment
from gmmem.moments import Moments
from gmmem.passes import total_moments
from gmmem.problem import Problem


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
            # What a batch gave was kept as a whole.
            new = [
                batch
                for batch in batches(some, begun, problem, settings, until)
                if known[batch[0]] is None
            ]
            tasks = [
                delayed(advance_all)(
                    batch, [begun[each] for each in batch], problem, settings, until
                )
                for batch in new
            ]
            found = zip(new, parallel(tasks) if new else (), strict=True)
            for point in some:
                while known[point] is None:
                    batch, results = next(found)
                    fresh = dict(zip(batch, results, strict=True))
                    journal.record(fresh, until)
                    known.update(fresh)
                result = begun[point] = known[point]
                # A worker's copy of a point may not compare equal to ours.
                ended = isinstance(result, Candidate)
                yield point, replace(result, point=point) if ended else None

        if criterion is None:
            first = (TOGETHER,) if shares_passes(problem, settings) else ()
            for until in (*first, settings.max_iter):
                going = []
                for point, candidate in run(points, until):
                    if candidate is None:
                        going.append(point)
                    else:
                        yield candidate
                points = going
            return

        def stop(some: list[GridPoint]) -> list[tuple[GridPoint, Candidate]]:
            ended = [stopped(point, begun[point]) for point in some]
            return list(zip(some, summarised(ended, problem, settings), strict=True))

        raced = race(
            points,
            run,
            stop,
            lambda candidate: candidate.value(criterion),
            lambda point: hopes(point, begun[point].solution, weight, criterion),
            settings.max_iter,
            best,
        )
        for _, candidate in raced:
            yield candidate


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
