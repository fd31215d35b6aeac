"""Several mixtures of the same rows in the same passes: on few rows most of a pass is fixed cost.

They are one mixture of all their components, whose rows are shared among those of each (an
allocation), whose covariances are estimated from those of each (a model), and whose objective
is a number for each.  So it is EM like any other, by the one loop.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

import numpy as np

from gmmem.covariances import CovarianceModel, DegenerateCovariance, Estimate
from gmmem.covariances.roots import root
from gmmem.em.loop import converge, states
from gmmem.em.outcome import Solution
from gmmem.kernels.allocation import Apart
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Problem
from gmmem.updates import State


@dataclass(frozen=True)
class Each(CovarianceModel):
    """A model for each of several mixtures, all of one storage.

    Parameters
    ----------
    models : tuple of CovarianceModel
    sizes : tuple of int
        How many components each mixture has.
    """

    models: tuple[CovarianceModel, ...]
    sizes: tuple[int, ...]
    aligned: ClassVar[bool] = False
    closed_form: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return ", ".join(model.name for model in self.models)

    @property
    def storage(self) -> type:
        return self.models[0].storage

    def n_parameters(self, n_components, n_features):
        each = zip(self.models, self.sizes, strict=True)
        return sum(model.n_parameters(K, n_features) for model, K in each)

    def estimate(self, scatter, mass, n_features, previous):
        covariances, roots, settled = np.empty_like(scatter), {}, True
        for model, here in zip(self.models, slices(self.sizes), strict=True):
            last = None if previous is None else previous[here]
            try:
                found = _estimate(model, scatter[here], mass[here], n_features, last)
            except DegenerateCovariance as error:
                raise DegenerateCovariance(here.start + error.component, error.reason) from None
            except np.linalg.LinAlgError:
                raise DegenerateCovariance(here.start, "could not be decomposed") from None
            covariances[here], settled = found.covariances, settled and found.settled
            if found.roots is not None:
                roots[here.start] = here, found.roots
        return Estimate(covariances, settled, _all_roots(covariances, list(roots.values())))


def _all_roots(covariances: np.ndarray, known: list) -> np.ndarray | None:
    """Roots of all, where those of some say more than their covariances."""
    if not known:
        return None
    others = np.ones(len(covariances), dtype=bool)
    for here, _ in known:
        others[here] = False
    roots = np.empty_like(covariances)
    roots[others] = root(covariances[others])
    for here, each in known:
        roots[here] = each
    return roots


def _estimate(model: CovarianceModel, scatter, mass, n_features: int, last) -> Estimate:
    if not model.shared:
        return model.estimate(scatter, mass, n_features, last)
    total = scatter.sum(axis=0, keepdims=True)
    return model.estimate(total, mass, n_features, None if last is None else last[:1])


def slices(sizes: Sequence[int]) -> list[slice]:
    """Where the components of each mixture are."""
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def solve_abreast(
    problem: Problem,
    models: Sequence[CovarianceModel],
    starts: Sequence[Moments],
    *,
    tol: float,
    max_iter: int,
) -> list[Solution | None]:
    """What plain EM finds from each start in so many iterations, or in fewer.

    Parameters
    ----------
    problem : Problem
        Of complete rows, without a prior but for a ridge.
    models : sequence of CovarianceModel
        Those of the mixtures, all of one storage.
    starts : sequence of Moments
        For each mixture, those of its components, in the form of the model or a finer one.
    tol : float
        In nats per unit of row weight.
    max_iter : int
        Most passes over the rows.

    Returns
    -------
    solutions : list of Solution or None
        One that collapses ends before it does, and all end where one needs differences: what
        follows is to be seen alone.  None for what did not even start.
    """
    weight = problem.extent.total_weight
    found: list[list[tuple[State, slice]]] = [[] for _ in starts]
    with problem.rows.working():
        for which, state in islice(_states(problem, models, starts), max_iter):
            # They have equal shares of all weight.
            objectives = (state.log_likelihood + weight * np.log(len(which))).tolist()
            places = slices([len(starts[n].mass) for n in which])
            for n, objective, here in zip(which, objectives, places, strict=True):
                found[n].append((state._replace(log_likelihood=objective, memory=None), here))
    limits = dict(tol=tol, max_iter=max_iter)
    return [
        _alone(model, states, weight, limits) if states else None
        for model, states in zip(models, found, strict=True)
    ]


def _states(
    problem: Problem, models: Sequence[CovarianceModel], starts: Sequence[Moments]
) -> Iterator[tuple[list[int], State]]:
    """States of all that go on, and which these are."""
    which, mixture = list(range(len(starts))), None
    while which:
        sizes = tuple(len(starts[n].mass) for n in which)
        together = replace(
            problem,
            model=Each(tuple(models[n] for n in which), sizes),
            allocation=Apart(sizes),
            total=None,
        )
        try:
            if mixture is None:
                moments = _joined([starts[n] for n in which])
                form = together.model.storage.form
                mixture = together.maximise(moments.coarsened(form, pooled=False)).mixture
            for state in states(together, mixture):
                yield which, state
                if state.memory.kernel.exact:
                    return
                mixture = state.update
        except DegenerateCovariance as error:
            lost = int(np.searchsorted(np.cumsum(sizes), error.component, side="right"))
            if mixture is not None:
                mixture = _without(mixture, slices(sizes)[lost])
            which = which[:lost] + which[lost + 1 :]


def _joined(starts: Sequence[Moments]) -> Moments:
    """Moments of all components."""
    centres = [np.broadcast_to(each.centre, each.first.shape) for each in starts]
    mass, first, second = (
        np.concatenate([getattr(each, name) for each in starts])
        for name in ("mass", "first", "second")
    )
    return Moments(mass, np.concatenate(centres), first, second, starts[0].form)


def _without(mixture: Mixture, some: slice) -> Mixture:
    places = np.delete(np.arange(mixture.n_components), some)
    weights = mixture.weights[places]
    return Mixture.of_parts(
        weights / weights.sum(), mixture.means[places], mixture.covariances.take(places)
    )


def _alone(
    model: CovarianceModel, states: list[tuple[State, slice]], weight: float, limits: dict
) -> Solution:
    """What one of them has come to."""
    solution = converge([state for state, _ in states], weight, **limits)
    _, here = states[len(solution.history) - 1]
    # Where a model keeps one covariance, the first is as good as any.
    held = np.arange(here.start, here.start + 1 if model.shared else here.stop)
    last = solution.last
    if last is not None:
        mixture, update = (_part(each, here, held) for each in (last.mixture, last.update))
        last = last._replace(mixture=mixture, update=update)
    return replace(solution, mixture=_part(solution.mixture, here, held), last=last)


def _part(mixture: Mixture, here: slice, held: np.ndarray) -> Mixture:
    weights = mixture.weights[here]
    covariances = mixture.covariances.take(held)
    return Mixture.of_parts(weights / weights.sum(), mixture.means[here], covariances)
