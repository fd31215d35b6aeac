"""From constructor parameters to the mixture that EM starts from."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gmmem.estimators.given import GivenParameters
from gmmem.forms import Quadratic
from gmmem.initializers import INITIALIZERS, Nearest, Subset, as_assignment
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import assigned_moments, locate
from gmmem.problem import Problem
from gmmem.sources import InMemory


def initialiser(init_params) -> Callable:
    """The callable behind a name, or the callable itself.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(init_params, type):
        raise ValueError(
            f"init_params={init_params.__name__} is a class; pass an instance: "
            f"{init_params.__name__}()."
        )
    if callable(init_params):
        return init_params
    if isinstance(init_params, str) and init_params in INITIALIZERS:
        return INITIALIZERS[init_params]
    raise ValueError(
        f"init_params={init_params!r} is neither callable nor one of {', '.join(INITIALIZERS)}."
    )


class Assignment(NamedTuple):
    """Which rows belong to which component when EM begins."""

    assign: Callable
    subset: InMemory | None
    """The rows that stand for all, if not all start."""

    def moments(
        self, problem: Problem, n_components: int, form: Quadratic, pooled: bool
    ) -> Moments:
        """What the first M-step, or several of them, start from."""
        rows, extent = problem.rows, problem.extent
        if self.subset is not None:
            rows, extent = self.subset, locate(self.subset)
        return assigned_moments(rows, extent, self.assign, n_components, form, pooled)


def assignment_from(
    initialise: Callable,
    X: np.ndarray,
    sample_weight: np.ndarray | None,
    n_components: int,
    random_state: np.random.RandomState,
    name: str,
) -> Assignment:
    """Ask an initialiser, and check what it says.

    Raises
    ------
    ValueError
        If the answer is not usable; `name` says whose it is.
    """
    answer = initialise(X, n_components, sample_weight=sample_weight, random_state=random_state)
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
        initialise = initialiser(init_params)
        begin = assignment_from(initialise, X, sample_weight, n_components, random_state, name)
    model = problem.model
    moments = begin.moments(problem, n_components, model.storage.form, model.shared)
    found = problem.maximise(moments).mixture
    return Mixture(
        found.weights if given.weights is None else given.weights,
        found.means if given.means is None else given.means,
        found.covariances if given.covariances is None else given.covariances,
    )
