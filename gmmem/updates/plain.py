"""Plain EM: an E-step, then an M-step."""

from dataclasses import dataclass
from typing import NamedTuple

from gmmem.kernels.base import Kernel
from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.updates.base import State


class Point(NamedTuple):
    """A mixture, and the kernel that scores the rows by it."""

    mixture: Mixture
    kernel: Kernel


@dataclass(frozen=True)
class Plain:
    """The map that EM is: never a lower likelihood, and no memory."""

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
