"""Fit every candidate of a grid: how a search works, without its interface."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from gmmem import em, prediction
from gmmem.covariances import FOURTEEN, CovarianceModel, DegenerateCovariance, get_model
from gmmem.criteria import CRITERIA, Evidence
from gmmem.estimators.starting import placed
from gmmem.initializers import Hierarchical
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.sources import InMemory
from gmmem.survey import together


class Place(NamedTuple):
    """Where a candidate stands in the grid."""

    covariance_type: Any
    n_components: int
    init_params: Any


class Settings(NamedTuple):
    """What all candidates have in common."""

    tol: float
    max_iter: int
    reg_covar: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fit that was tried, whether it worked or not."""

    place: Place
    status: str
    reason: str
    seconds: float
    history: list[float]
    mixture: Mixture | None = None
    evidence: Evidence | None = None

    @property
    def model(self) -> CovarianceModel:
        return get_model(self.place.covariance_type)

    def criteria(self) -> dict[str, float]:
        """Every criterion; not a number where there is no fit."""
        if self.evidence is None:
            return dict.fromkeys(CRITERIA, np.nan)
        return {name: criterion(self.evidence) for name, criterion in CRITERIA.items()}


def default_types(n_samples: int, n_features: int) -> list[str]:
    """The models that mclust tries: those on variances only, unless rows are enough."""
    if n_features == 1:
        return ["E", "V"]
    return [code for code in FOURTEEN if n_samples > n_features or code[2] == "I"]


def starts(
    places: Iterable[Place], X, sample_weight, rows: InMemory, random_state
) -> dict[tuple[Any, int], Moments | str]:
    """What each initialiser and number of components starts from, or why it cannot.

    A hierarchical initialiser grows one tree for all of them; one pair of passes serves
    all models, which see no more of the moments than the finest of them.
    """
    wanted: dict[Any, set[int]] = {}
    for place in places:
        wanted.setdefault(place.init_params, set()).add(place.n_components)
    maps = (get_model(place.covariance_type).storage.form for place in places)
    finest = max(maps, key=lambda form: form.size(rows.n_features), default=None)
    found: dict[tuple[Any, int], Moments | str] = {}
    for initialise, numbers in wanted.items():
        ready = initialise
        if isinstance(initialise, Hierarchical):
            ready = initialise.grow(X, sample_weight, random_state, n_components=max(numbers))
        for n_components in sorted(numbers):
            try:
                start = placed(
                    ready, X, sample_weight, n_components, random_state, f"{initialise!r}"
                )
                moments = start.moments(rows, n_components, finest, pooled=False)
                found[initialise, n_components] = moments
            except ValueError as error:
                found[initialise, n_components] = str(error)
    return found


def fit_candidate(
    place: Place, start: Moments | str, rows: InMemory, settings: Settings
) -> Candidate:
    """Fit one candidate; a failure is an answer, not an exception."""
    began, history = perf_counter(), []

    def lost(status: str, reason: str) -> Candidate:
        return Candidate(place, status, reason, perf_counter() - began, history)

    if isinstance(start, str):
        return lost("failed", start)
    if rows.n_rows < place.n_components:
        return lost("failed", f"{rows.n_rows} rows are fewer than the components.")
    model, rows = get_model(place.covariance_type), rows.again()
    try:
        with rows:
            moments = start.seen_by(model.storage.form, model.shared)
            mixture = em.maximise(moments, model, settings.reg_covar).mixture
            solution = em.fit(mixture, rows, model, **settings._asdict())
            history = solution.history
            if solution.failure is not None:
                return lost("degenerate", str(solution.failure))
            if (solution.mixture.weights == 0).any():
                return lost("degenerate", "A component lost all its rows.")
            evidence = prediction.evidence(solution.mixture, model, rows)
    except DegenerateCovariance as error:
        return lost("degenerate", str(error))
    except (ValueError, FloatingPointError) as error:
        return lost("failed", str(error))
    status = "converged" if solution.status is em.Status.CONVERGED else "max_iter"
    seconds = perf_counter() - began
    return Candidate(
        place, status, solution.status.value, seconds, history, solution.mixture, evidence
    )


def fit_all(
    places: list[Place], found: dict, rows: InMemory, settings: Settings, n_jobs
) -> Iterator[Candidate]:
    """Fit the candidates, in order, as they come."""
    tasks = (
        delayed(fit_candidate)(place, found[place.init_params, place.n_components], rows, settings)
        for place in places
    )
    # A worker's copy of a place may not compare equal to ours.
    results = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    for place, candidate in zip(places, results, strict=True):
        yield replace(candidate, place=place)


def with_one_component(
    candidates: list[Candidate], rows: InMemory, reg_covar: float
) -> list[Candidate]:
    """Tell each how likely the data are under one component of its model."""
    likely = {
        candidate.place.covariance_type: candidate.evidence.log_likelihood
        for candidate in candidates
        if candidate.evidence is not None and candidate.place.n_components == 1
    }
    result = []
    for candidate in candidates:
        if candidate.evidence is not None:
            key = candidate.place.covariance_type
            if key not in likely:
                likely[key] = _one_component(candidate.model, rows, reg_covar)
            evidence = replace(candidate.evidence, log_likelihood_one=likely[key])
            candidate = replace(candidate, evidence=evidence)
        result.append(candidate)
    return result


def _one_component(model: CovarianceModel, rows: InMemory, reg_covar: float) -> float:
    try:
        one = em.start_from(rows, together, 1, model, reg_covar=reg_covar)
        return prediction.log_likelihood(one, rows)
    except DegenerateCovariance:
        return np.nan


def table(candidates: list[Candidate]) -> dict[str, np.ndarray]:
    """The candidates as columns, for a data frame."""

    def name(value):
        return getattr(value, "name", value)

    nothing = Evidence(np.nan, 0, np.nan)
    columns: dict[str, list] = {
        "covariance_type": [name(c.place.covariance_type) for c in candidates],
        "n_components": [c.place.n_components for c in candidates],
        "init_params": [str(c.place.init_params) for c in candidates],
        "log_likelihood": [(c.evidence or nothing).log_likelihood for c in candidates],
        "n_parameters": [(c.evidence or nothing).n_parameters for c in candidates],
    }
    values = [candidate.criteria() for candidate in candidates]
    for criterion in CRITERIA:
        columns[criterion] = [each[criterion] for each in values]
    columns["n_iter"] = [len(c.history) for c in candidates]
    columns["seconds"] = [c.seconds for c in candidates]
    columns["status"] = [c.status for c in candidates]
    columns["reason"] = [c.reason for c in candidates]
    return {key: np.array(column) for key, column in columns.items()}
