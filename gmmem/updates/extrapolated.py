"""EM whose steps are extrapolated on the sufficient statistics (Anderson's acceleration).

EM is a fixed-point map on the moments, ``S -> G(S)``: an M-step, then an E-step.  From the
last few points and their residuals ``F = G(S) - S`` the next point is

    sum_i a_i G(S_i),    sum_i a_i = 1,    |sum_i a_i F_i| least.

The M-step of any moments is a mixture of the covariance model, so one piece of code serves
all models; where they are not those of any rows, the plain step is taken, and where the
likelihood turns out lower than it was, the plain step is taken after all.

Walker and Ni (2011), SIAM Journal on Numerical Analysis 49, 1715; Henderson and Varadhan
(2019), Journal of Computational and Graphical Statistics 28, 834.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gmmem.contracts import fulfils
from gmmem.covariances import DegenerateCovariance
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Expectation, Problem
from gmmem.updates.base import Rule, State
from gmmem.updates.plain import Point

# A component of a smaller share of the mean mass is not extrapolated to.
LEAST_SHARE = 1e-6


class Step(NamedTuple):
    """A point and where EM takes it."""

    residual: np.ndarray
    """In comparable units."""
    target: Moments


class Memory(NamedTuple):
    """What the next step goes on from."""

    trial: Point | None
    """An extrapolated mixture, if there is one."""
    plain: Point
    """What EM would go on from."""
    origin: Moments | None
    """The moments whose mixture is gone on from: the trial's, if there is one."""
    target: Moments | None
    """The moments behind `plain`."""
    floor: float
    """The likelihood that a trial must reach."""
    steps: tuple[Step, ...]


@fulfils(Rule)
@dataclass(frozen=True)
class Extrapolated:
    """EM with Anderson's acceleration, monotone.

    Parameters
    ----------
    depth : int, default=8
        Steps that are looked back on.
    ridge : float, default=1e-10
        Relative to the squared residuals: how much their combination is damped.
    begin : float, default=0.01
        Steps are plain until one gains less than this a row: a leap from far away may end
        in another optimum.

    See Also
    --------
    Plain : Without extrapolation.

    Examples
    --------
    Two components that overlap, from where plain EM needs far more passes:

    >>> import numpy as np
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> from gmmem.updates import Extrapolated, Plain
    >>> x = np.random.RandomState(0).normal(size=(500, 1)) + np.repeat([0, 2], 250)[:, None]
    >>> problem = Problem.of(InMemory(x), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[0], [1]], [[[1]]] * 2)
    >>> plain, fast = (
    ...     em.solve(problem, [start], tol=1e-9, max_iter=9999, rule=rule).best
    ...     for rule in (Plain(), Extrapolated()))
    >>> bool(fast.passes < plain.passes / 3 and fast.history[-1] > plain.history[-1] - 1e-6)
    True
    """

    depth: int = 8
    ridge: float = 1e-10
    begin: float = 0.01

    def init(self, problem: Problem, start: Mixture) -> Memory:
        return Memory(None, Point(start, problem.kernel(start)), None, None, -np.inf, ())

    def step(self, problem: Problem, iteration: int, memory: Memory) -> State:
        point, origin, steps, passes = memory.plain, memory.target, memory.steps, 1
        expectation = None
        if memory.trial is not None:
            expectation = problem.expect(*memory.trial)
            if expectation.objective >= memory.floor:
                point, origin = memory.trial, memory.origin
            else:
                expectation, passes, steps = None, 2, steps[-1:]
        if expectation is None:
            expectation = problem.expect(*point)
        mixture = point.mixture
        expectation, update, kernel = problem.improve(expectation, mixture)
        target = expectation.moments.about(problem.extent.centre[None])
        if origin is not None:
            residual = _flat(target, problem) - _flat(origin, problem)
            steps = (*steps, Step(residual, target))[-self.depth :]
        plain = Point(update.mixture, kernel)
        gain = (expectation.objective - memory.floor) / problem.extent.total_weight
        trial, of_trial = None, None
        if gain < self.begin:
            trial, of_trial = self._trial(problem, steps, mixture, expectation, kernel)
        following = Memory(trial, plain, of_trial, target, expectation.objective, steps)
        return State(
            iteration,
            expectation.objective,
            mixture,
            update.mixture,
            update.settled,
            following,
            passes,
        )

    def _trial(self, problem: Problem, steps, mixture, expectation: Expectation, kernel):
        """An extrapolated point and its moments, or nothing where it is not valid."""
        # Components too narrow for moments about a common centre are not extrapolated either.
        if len(steps) < 2 or expectation.exact or kernel.exact:
            return None, None
        moments = combined(steps, self.ridge)
        if not _positive(moments):
            return None, None
        try:
            found = problem.maximise(moments, mixture).mixture
        except DegenerateCovariance:
            return None, None
        kernel = problem.kernel(found)
        return (None, None) if kernel.exact else (Point(found, kernel), moments)


def combined(steps: tuple[Step, ...], ridge: float) -> Moments:
    """The combination of targets whose residuals cancel best."""
    last = steps[-1]
    differences = np.stack([each.residual - last.residual for each in steps[:-1]])
    gram = differences @ differences.T
    gram[np.diag_indices(len(gram))] += ridge * np.trace(gram) + np.finfo(float).tiny
    share = -np.linalg.lstsq(gram, differences @ last.residual, rcond=None)[0]
    total = (1 - share.sum()) * last.target
    for each, number in zip(steps[:-1], share, strict=True):
        total = total + float(number) * each.target
    return total


def _positive(moments: Moments) -> bool:
    """Whether they may be those of rows: every mass and every variance positive."""
    if not moments.mass.min() > LEAST_SHARE * moments.mass.sum() / len(moments.mass):
        return False
    scatter = moments.scatters().scatter
    if scatter.ndim == 3:
        return bool((np.linalg.eigvalsh(scatter) > 0).all())
    return bool((scatter > 0).all())


def _flat(moments: Moments, problem: Problem) -> np.ndarray:
    """As one vector, features in comparable units: the reach of the rows."""
    reach = np.where(problem.extent.reach > 0, problem.extent.reach, 1.0)
    second = moments.second
    if second.ndim == 1:
        second = second / (reach @ reach)
    elif second.ndim == 2:
        second = second / reach**2
    else:
        second = second / np.multiply.outer(reach, reach)
    return np.concatenate([moments.mass, (moments.first / reach).ravel(), second.ravel()])
