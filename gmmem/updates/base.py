"""The contract of an update rule: pure steps on values."""

from typing import Any, NamedTuple, Protocol

from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.stopping import Remaining


class State(NamedTuple):
    """One iteration of EM: one pass over the rows, or more where a rule says so."""

    iteration: int
    log_likelihood: float
    """Of `mixture`, total over the rows times their weights."""
    mixture: Mixture
    update: Mixture
    """The mixture after this iteration's M-step."""
    settled: bool = True
    """False if the M-step's inner iteration, where it has one, did not converge."""
    memory: Any = None
    """What the rule goes on from."""
    passes: int = 1
    """Passes over the rows that it took."""
    remaining: Remaining | None = None
    """What the rule knows to be still to be had at `mixture`, in total; None is by the history."""


class Rule(Protocol):
    """From a state to the next."""

    def init(self, problem: Problem, start: Mixture) -> Any:
        """What the first step goes on from."""

    def step(self, problem: Problem, iteration: int, memory: Any) -> State:
        """One pass over the rows, and what it leads to.

        Raises
        ------
        DegenerateCovariance
            When an M-step gives a singular covariance.
        """
