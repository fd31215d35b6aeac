"""From constructor parameters to the mixture that EM starts from."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from gmmem.covariances.base import n_stored
from gmmem.estimators.given import GivenParameters
from gmmem.estimators.rows import number_sampled
from gmmem.forms import Quadratic
from gmmem.initializers import Nearest, Subset, as_assignment, as_initialiser
from gmmem.initializers.base import RandomSoft
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import Extent, all_in_one, assigned_moments, fill_empty, is_empty, locate
from gmmem.priors import NO_PRIOR
from gmmem.problem import Problem
from gmmem.sources import InMemory, Rows


class Assignment(NamedTuple):
    """Which rows belong to which component when EM begins."""

    assign: Callable
    subset: InMemory | None
    """The rows that stand for all, if not all start."""

    def moments(
        self, problem: Problem, n_components: int, form: Quadratic, pooled: bool
    ) -> Moments:
        """What the first M-step, or several of them, start from."""
        rows, extent = self._rows(problem)
        moments = assigned_moments(rows, extent, self.assign, n_components, form, pooled)
        return fill_empty(moments, extent)

    def _rows(self, problem: Problem) -> tuple[Rows, Extent]:
        if self.subset is None:
            return problem.complete, problem.extent
        return self.subset, locate(self.subset)

    def moments_of_all(self, problem: Problem, n_components: int) -> Moments:
        """What beliefs start from: as many rows as there are, and none where none belong."""
        rows, extent = self._rows(problem)
        form, pooled = problem.model.storage.form, problem.model.shared
        moments = assigned_moments(rows, extent, self.assign, n_components, form, pooled)
        return moments * (problem.extent.total_weight / extent.total_weight)

    def mixture(self, problem: Problem, n_components: int, few: Callable[[], bool]) -> Mixture:
        """The first M-step.

        Components without rows are where all rows are, and as wide as the others.  They weigh
        as much as a row; or, where there is none for them (`few` says so) and a prior keeps
        the others from collapsing, nothing, and are as wide as all rows.
        """
        model, (rows, extent) = problem.model, self._rows(problem)
        form, pooled = model.storage.form, model.shared
        moments = assigned_moments(rows, extent, self.assign, n_components, form, pooled)
        empty = is_empty(moments)
        if empty.any() and problem.prior != NO_PRIOR and few():
            one = replace(problem, prior=problem.prior.for_any(1)).start(all_in_one, 1)
            stored = np.repeat(one.covariances.covariances, n_stored(model, n_components), axis=0)
            alike = Mixture(
                np.full(n_components, 1 / n_components),
                np.repeat(one.means, n_components, axis=0),
                model.storage.from_covariances(stored, problem.rows.n_features),
            )
            return problem.maximise(moments, alike).mixture
        return problem.maximise(fill_empty(moments, extent)).mixture


def assignment_from(
    initialise: Callable,
    X: np.ndarray,
    sample_weight: np.ndarray | None,
    n_components: int,
    random_state: np.random.RandomState,
    name: str,
    n_all: int | None = None,
) -> Assignment:
    """Ask an initialiser, and check what it says.

    With `n_all`, X is a sample of so many rows; an answer is for the sample or for all of them.

    Raises
    ------
    ValueError
        If the answer is not usable; `name` says whose it is.
    """
    answer = initialise(X, n_components, sample_weight=sample_weight, random_state=random_state)
    if n_all is not None and not isinstance(answer, Nearest | Subset):
        drawn = isinstance(answer, RandomSoft)  # For as many rows as were shown.
        if not drawn and len(X) != n_all and np.shape(answer)[:1] == (n_all,):
            return Assignment(as_assignment(answer, n_all, n_components, name), None)
        answer = Subset(X, sample_weight, answer)
    if isinstance(answer, Subset):
        rows = _subset_rows(answer, X.shape[1], name)
        return Assignment(as_assignment(answer.labels, rows.n_rows, n_components, name), rows)
    return Assignment(as_assignment(answer, len(X), n_components, name, X.shape[1]), None)


def _subset_rows(subset: Subset, n_features: int, name: str) -> InMemory:
    """The rows of a subset, checked."""
    try:
        rows = InMemory(subset.rows, subset.weights)
    except ValueError as error:
        raise ValueError(f"{name} gave a Subset that is not usable: {error}") from None
    if rows.n_features != n_features:
        raise ValueError(
            f"{name} gave a Subset with {rows.n_features} features, but X has {n_features}."
        )
    return rows


def has_fewer_distinct_rows(X: np.ndarray, sample_weight, n_components: int) -> bool:
    """Whether the rows that weigh something are fewer than the components, but for copies."""
    rows = X if sample_weight is None else X[sample_weight > 0]
    return len(np.unique(rows, axis=0)) < n_components


def initial_mixture(
    problem: Problem,
    X: np.ndarray,
    sample_weight: np.ndarray | None,
    given: GivenParameters,
    n_components: int,
    init_params,
    random_state: np.random.RandomState,
) -> Mixture:
    """The mixture to start from: what was given, and an initialiser for the rest.

    With means alone, each row goes to the nearest of them, so that weights and covariances
    belong to the means that they stand beside.
    """
    if given.complete:
        return Mixture(given.weights, given.means, given.covariances)
    if given.means is not None:
        begin = Assignment(Nearest(given.means), None)
    else:
        name = init_params if isinstance(init_params, str) else f"init_params={init_params!r}"
        initialise = as_initialiser(init_params)
        n_all = number_sampled(problem)
        begin = assignment_from(
            initialise, X, sample_weight, n_components, random_state, name, n_all
        )
    few = partial(has_fewer_distinct_rows, X, sample_weight, n_components)
    found = begin.mixture(problem, n_components, few)
    if given.empty:
        return found
    return Mixture(
        found.weights if given.weights is None else given.weights,
        found.means if given.means is None else given.means,
        found.covariances if given.covariances is None else given.covariances,
    )
