"""The contract of an update rule: pure steps on values."""

from typing import Any, NamedTuple, Protocol

from gmmem.contracts import contract
from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.stopping import Remaining


class State(NamedTuple):
    """One iteration of EM: one pass over the rows, or more where a rule says so.

    Parameters
    ----------
    iteration : int
        From 0 on.
    log_likelihood : float
        Of `mixture`, total over the rows times their weights; with a prior, plus its penalty.
    mixture : Mixture
        Before this iteration's M-step.
    update : Mixture
        After it.
    settled : bool, default=True
        False if the M-step's inner iteration, where it has one, did not converge.
    memory : object, default=None
        What the rule goes on from.
    passes : int, default=1
        Passes over the rows that it took.
    remaining : Remaining, default=None
        What the rule knows to be still to be had at `mixture`, in total; None is by the history.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import InMemory
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> state = next(em.iterate(start, InMemory(load_old_faithful())))
    >>> state.iteration, state.mixture is start, state.update.weights.round(2)
    (0, True, array([0.36, 0.64]))
    """

    iteration: int
    log_likelihood: float
    mixture: Mixture
    update: Mixture
    settled: bool = True
    memory: Any = None
    passes: int = 1
    remaining: Remaining | None = None


@contract
class Rule(Protocol):
    """From a state to the next.

    See Also
    --------
    gmmem.em.states : The states of a rule, for ever.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem import Mixture
    >>> from gmmem.covariances import get_model
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> from gmmem.updates import Plain
    >>> problem = Problem.of(InMemory(np.array([[0.0], [1], [8], [9]])), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[0], [9]], [[[1]]] * 2)
    >>> rule = Plain()
    >>> rule.step(problem, 0, rule.init(problem, start)).update.means.round(6).ravel()
    array([0.5, 8.5])
    """

    def init(self, problem: Problem, start: Mixture) -> Any:
        """What the first step goes on from.

        Parameters
        ----------
        problem : Problem
            What is fitted.
        start : Mixture
            Where EM starts.

        Returns
        -------
        memory : object
            The rule's own; a later one comes in `State.memory`.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> from gmmem.covariances import get_model
        >>> from gmmem.problem import Problem
        >>> from gmmem.sources import InMemory
        >>> from gmmem.updates import Plain
        >>> problem = Problem.of(InMemory(np.array([[0.0], [1], [8], [9]])), get_model("full"))
        >>> start = Mixture.from_arrays([0.5, 0.5], [[0], [9]], [[[1]]] * 2)
        >>> Plain().init(problem, start).mixture is start
        True
        """

    def step(self, problem: Problem, iteration: int, memory: Any) -> State:
        """One pass over the rows, and what it leads to.

        Parameters
        ----------
        problem : Problem
            What is fitted.
        iteration : int
            Its number, from 0 on.
        memory : object
            What the last step, or `init`, has left.

        Returns
        -------
        state : State
            What it found, and what the next one goes on from.

        Raises
        ------
        DegenerateCovariance
            When an M-step gives a singular covariance.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> from gmmem.covariances import get_model
        >>> from gmmem.problem import Problem
        >>> from gmmem.sources import InMemory
        >>> from gmmem.updates import Plain
        >>> problem = Problem.of(InMemory(np.array([[0.0], [1], [8], [9]])), get_model("full"))
        >>> start = Mixture.from_arrays([0.5, 0.5], [[0], [9]], [[[1]]] * 2)
        >>> first = Plain().step(problem, 0, Plain().init(problem, start))
        >>> second = Plain().step(problem, 1, first.memory)
        >>> second.log_likelihood > first.log_likelihood
        True
        """
