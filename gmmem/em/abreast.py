"""Several mixtures of the same rows in the same passes: on few rows most of a pass is fixed cost.

They are one mixture of all their components, whose rows are shared among those of each (an
allocation), whose covariances are estimated from those of each (a model), and whose objective
is a number for each.  So it is EM like any other, by the one loop.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from scipy.special import entr

from gmmem.covariances import CovarianceModel, DegenerateCovariance
from gmmem.covariances.base import n_free
from gmmem.covariances.parts import slices
from gmmem.covariances.several import Each
from gmmem.criteria import FitSummary
from gmmem.em.loop import converge, states
from gmmem.em.outcome import Solution
from gmmem.kernels.allocation import Apart
from gmmem.kernels.arithmetic import weighted_total
from gmmem.kernels.base import Kernel
from gmmem.kernels.guard import choose, need_differences
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Problem
from gmmem.scoring import TOLERANCE
from gmmem.sources.base import Block, Workspace, added
from gmmem.updates import State
from gmmem.updates.plain import Point


def start_abreast(
    problem: Problem, models: Sequence[CovarianceModel], starts: Sequence[Moments]
) -> list[Mixture | None]:
    """M-steps from what each starts from.

    Parameters
    ----------
    problem : Problem
        Of complete rows, without a prior but for a ridge.
    models : sequence of CovarianceModel
        Those of the mixtures, all of one storage.
    starts : sequence of Moments
        Of their components, in the form of the models or a finer one.

    Returns
    -------
    mixtures : list of Mixture or None
        None for what did not even start: alone it says why.

    Examples
    --------
    >>> from gmmem import em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> model = get_model("full")
    >>> problem = Problem.of(InMemory(load_old_faithful()), model)
    >>> mixtures = em.start_abreast(problem, [model] * 2, [problem.all_rows()] * 2)
    >>> [mixture.means.round(1).tolist() for mixture in mixtures]
    [[[3.5, 70.9]], [[3.5, 70.9]]]
    """
    mixtures: list[Mixture | None] = [None for _ in starts]
    alike: dict[CovarianceModel | None, list[int]] = {}
    for n, model in enumerate(models):
        # What takes long is not done anew where another model's fails.
        alike.setdefault(None if model.closed_form else model, []).append(n)
    for which in alike.values():
        for n, mixture in _started(problem, models, starts, which):
            mixtures[n] = mixture
    return mixtures


def _started(
    problem: Problem,
    models: Sequence[CovarianceModel],
    starts: Sequence[Moments],
    which: Sequence[int],
) -> Iterator[tuple[int, Mixture]]:
    """Those of some, but for what fails."""
    left = list(which)
    while left:
        sizes = [len(starts[n].mass) for n in left]
        together = _together(problem, [models[n] for n in left], sizes)
        moments = _joined_moments([starts[n] for n in left])
        try:
            update = together.maximise(moments.coarsened(together.model.storage.form, pooled=False))
        except DegenerateCovariance as error:
            del left[_lost(error, sizes)]
            continue
        for n, here in zip(left, slices(sizes), strict=True):
            yield n, _part(update.mixture, here, models[n])
        return


def solve_abreast(
    problem: Problem,
    models: Sequence[CovarianceModel],
    starts: Sequence[Mixture | Solution],
    *,
    tol: float,
    max_iter: int,
    stopping: str = "change",
) -> list[Solution | None]:
    """What plain EM finds from each start in so many iterations, or in fewer.

    Parameters
    ----------
    problem : Problem
        Of complete rows, without a prior but for a ridge.
    models : sequence of CovarianceModel
        Those of the mixtures, all of one storage.
    starts : sequence of Mixture or Solution
        Where each starts, or what it goes on from.
    tol : float
        In nats per unit of row weight.
    max_iter : int
        Most passes over the rows, those of a solution included.
    stopping : {"change", "aitken"}, default="change"
        Whether `tol` is for the last change, or for what is estimated to be still to be had.

    Returns
    -------
    solutions : list of Solution or None
        One that collapses ends before it does, and one that needs differences where it does:
        what follows is to be seen alone.  None where nothing was done.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> model = get_model("full")
    >>> problem = Problem.of(InMemory(load_old_faithful()), model)
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> other = Mixture.from_arrays([1.0], [[3, 70]], [[[1, 0], [0, 99]]])
    >>> found = em.solve_abreast(problem, [model] * 2, [start, other], tol=1e-3, max_iter=100)
    >>> [(solution.status.name, solution.passes) for solution in found]
    [('CONVERGED', 5), ('CONVERGED', 3)]
    """
    weight = problem.extent.total_weight
    before = [start if isinstance(start, Solution) else None for start in starts]
    done = max((each.passes for each in before if each is not None), default=0)
    mixtures = [each.last.update if isinstance(each, Solution) else each for each in starts]
    found: list[list[tuple[State, slice]]] = [[] for _ in starts]
    with problem.rows.working():
        for which, state in islice(_states(problem, models, mixtures), max_iter - done):
            # They have equal shares of all weight.
            objectives = (state.log_likelihood + weight * math.log(len(which))).tolist()
            iteration, _, mixture, update, settled, *_ = state
            for (n, here), objective in zip(which.items(), objectives, strict=True):
                found[n].append((State(iteration, objective, mixture, update, settled), here))
    solutions, limits = list(before), dict(tol=tol, max_iter=max_iter, stopping=stopping)
    for n, read in enumerate(found):
        if read:
            states = [state for state, _ in read]
            solution = converge(states, weight, before=before[n], **limits)
            _, here = read[len(solution.history) - len(before[n].history if before[n] else ()) - 1]
            solutions[n] = _alone(solution, here, models[n])
    return solutions


@dataclass(frozen=True, eq=False)
class _Certainties:
    """Log-likelihood of each, entropy, and the negative log of the largest responsibilities."""

    kernel: Kernel
    sizes: tuple[int, ...]
    combine = staticmethod(added)

    @property
    def row_bytes(self) -> int:
        return 2 * self.kernel.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple[np.ndarray, ...]:
        scores = self.kernel.scores(self.kernel.prepare(block, workspace), workspace)
        left_out = scores.left_out()
        R, _, likely = Apart(self.sizes)(scores, block, workspace)
        firsts = [here.start for here in slices(self.sizes)]
        entropy = np.add.reduceat(weighted_total(entr(R), block.weight), firsts)
        largest = np.maximum.reduceat(R, firsts, axis=0)
        likely, doubt = np.add(likely, left_out, dtype=np.float64), -np.log(largest)
        likely, doubt = (weighted_total(each, block.weight) for each in (likely, doubt))
        return likely, doubt, entropy


def summaries_abreast(
    problem: Problem, models: Sequence[CovarianceModel], mixtures: Sequence[Mixture]
) -> list[FitSummary]:
    """What every criterion looks at, of each.

    Parameters
    ----------
    problem : Problem
        Of complete rows.
    models : sequence of CovarianceModel
        Those of the mixtures, all of one storage.
    mixtures : sequence of Mixture
        Of positive weights.

    Returns
    -------
    summaries : list of FitSummary
        As `gmmem.prediction.summary` gives them one by one.

    Examples
    --------
    >>> from gmmem import em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> model = get_model("full")
    >>> problem = Problem.of(InMemory(load_old_faithful()), model)
    >>> mixtures = em.start_abreast(problem, [model] * 2, [problem.all_rows()] * 2)
    >>> found = em.summaries_abreast(problem, [model] * 2, mixtures)
    >>> [round(each.log_likelihood) for each in found]
    [-1290, -1290]
    """
    rows, joined, n = problem.rows, _joined(mixtures), len(mixtures)
    centre, reach = problem.extent.centre, problem.extent.reach
    kernel = choose(joined, centre, reach, rows.arithmetic, False, TOLERANCE)
    sizes = tuple(each.n_components for each in mixtures)
    likely, doubt, entropy = (each.tolist() for each in rows.fold(_Certainties(kernel, sizes)))
    weight = rows.total_weight
    return [
        FitSummary(
            # They have equal shares of all weight.
            likely[i] + weight * math.log(n),
            n_free(model, *mixture.means.shape),
            weight,
            entropy[i],
            doubt[i],
            mixture.n_components,
        )
        for i, (model, mixture) in enumerate(zip(models, mixtures, strict=True))
    ]


def _states(
    problem: Problem, models: Sequence[CovarianceModel], mixtures: Sequence[Mixture]
) -> Iterator[tuple[dict[int, slice], State]]:
    """States of all that go on, and which these are, and where."""
    which, now = _without_narrow(problem, list(range(len(mixtures))), mixtures)
    while which:
        sizes = [each.n_components for each in now]
        together = _together(problem, [models[n] for n in which], sizes)
        places = dict(zip(which, slices(sizes), strict=True))
        state, lost = None, []
        try:
            for state in states(together, _joined(now)):
                yield places, state
                if state.memory.kernel.exact:
                    break
        except DegenerateCovariance as error:
            lost = [_lost(error, sizes)]
        if state is not None:
            now = [_part(state.update, here, models[n]) for n, here in places.items()]
        left = [i for i in range(len(which)) if i not in lost]
        which, now = [which[i] for i in left], [now[i] for i in left]
        which, now = _without_narrow(problem, which, now)


def _without_narrow(
    problem: Problem, which: list[int], mixtures: Sequence[Mixture]
) -> tuple[list[int], list[Mixture]]:
    """Those whose rows need no differences, which would cost all others their time."""
    if not mixtures or not problem.kernel(_joined(mixtures)).exact:
        return which, list(mixtures)
    centre, reach = problem.extent.centre, problem.extent.reach
    wide = [i for i, each in enumerate(mixtures) if not need_differences(each, centre, reach).any()]
    if len(wide) == len(mixtures):
        wide = []
    return [which[i] for i in wide], [mixtures[i] for i in wide]


def _together(problem: Problem, models: Sequence[CovarianceModel], sizes: Sequence[int]) -> Problem:
    """The problem of all of them."""
    model, allocation = Each(tuple(models), tuple(sizes)), Apart(tuple(sizes))
    return replace(problem, model=model, allocation=allocation, total=None)


def _lost(error: DegenerateCovariance, sizes: Sequence[int]) -> int:
    """Which mixture a component is of."""
    return int(np.searchsorted(np.cumsum(sizes), error.component, side="right"))


def _joined_moments(starts: Sequence[Moments]) -> Moments:
    centres = [
        each.centre
        if each.centre.shape == each.first.shape
        else np.broadcast_to(each.centre, each.first.shape)
        for each in starts
    ]
    mass, first, second = (
        np.concatenate([getattr(each, name) for each in starts])
        for name in ("mass", "first", "second")
    )
    return Moments(mass, np.concatenate(centres), first, second, starts[0].form)


def _joined(mixtures: Sequence[Mixture]) -> Mixture:
    """One mixture, of which each has an equal share."""
    weights = np.concatenate([each.weights for each in mixtures]) / len(mixtures)
    means = np.concatenate([each.means for each in mixtures])
    factors = []
    for each in mixtures:
        held, K = each.covariances.factors, each.n_components
        factors.append(held if len(held) == K else np.repeat(held, K, axis=0))
    # In C's order, whatever theirs is: what is computed of them is the same to the last bit.
    factors = np.ascontiguousarray(np.concatenate(factors))
    storage = mixtures[0].covariances.from_factors(factors, means.shape[1])
    return Mixture.of_parts(weights, means, storage)


def _part(mixture: Mixture, here: slice, model: CovarianceModel) -> Mixture:
    weights = mixture.weights[here]
    # Where a model keeps one covariance, the first is as good as any.
    held = np.arange(here.start, here.start + 1 if model.shared else here.stop)
    covariances = mixture.covariances.take(held)
    return Mixture.of_parts(weights / weights.sum(), mixture.means[here].copy(), covariances)


def _alone(solution: Solution, here: slice, model: CovarianceModel) -> Solution:
    last, mixture = solution.last, _part(solution.mixture, here, model)
    if last is not None:
        before = _part(last.mixture, here, model)
        last = last._replace(mixture=before, update=mixture, memory=Point(mixture, None))
    return replace(solution, mixture=mixture, last=last)
