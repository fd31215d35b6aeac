"""Plain EM: an E-step, then an M-step."""

from dataclasses import dataclass
from typing import NamedTuple

from gmmem.contracts import fulfils
from gmmem.kernels.base import Kernel
from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.updates.base import Rule, State


class Point(NamedTuple):
    """A mixture, and the kernel that scores the rows by it."""

    mixture: Mixture
    kernel: Kernel | None
    """None where it is still to be chosen."""


@fulfils(Rule)
@dataclass(frozen=True)
class Plain:
    """The map that EM is: never a lower likelihood, and no memory.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> from gmmem.updates import Plain
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> best = em.solve(problem, [start], tol=1e-6, max_iter=100, rule=Plain()).best
    >>> round(best.history[-1], 4)
    -4.1554
    """

    def init(self, problem: Problem, start: Mixture) -> Point:
        return Point(start, problem.kernel(start))

    def step(self, problem: Problem, iteration: int, memory: Point) -> State:
        mixture, kernel = memory
        expectation = problem.expect(mixture, kernel)
        expectation, update, kernel = problem.improve(expectation, mixture)
        following = Point(update.mixture, kernel)
        return State(
            iteration, expectation.objective, mixture, update.mixture, update.settled, following
        )


PLAIN = Plain()
