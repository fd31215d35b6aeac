"""How fits end, and who follows them."""

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gmmem.contracts import shown_without_constructor
from gmmem.covariances import DegenerateCovariance
from gmmem.mixture import Mixture
from gmmem.stopping import UNKNOWN, Remaining
from gmmem.updates import State


@shown_without_constructor
class Status(enum.Enum):
    """How a fit ended, as a sentence for a human.

    Examples
    --------
    >>> from gmmem import em
    >>> em.Status.CONVERGED.value
    'The log-likelihood rose by less than tol.'
    """

    CONVERGED = "The log-likelihood rose by less than tol."
    MAX_ITER = "max_iter iterations were done before the log-likelihood settled."
    DEGENERATE = "A component collapsed: its covariance became singular, or it lost its rows."


@dataclass(frozen=True, eq=False)
class Solution:
    """What a fit found.

    Parameters
    ----------
    mixture : Mixture or None
        None where there was not even a start.
    status : Status
        How the fit ended.
    history : list of float
        Log-likelihood per unit of row weight before each M-step.
    failure : DegenerateCovariance or None
        What stopped a degenerate fit.
    settled : bool
        Whether the last M-step's inner iteration converged.
    passes : int
        Passes over the rows: as many as iterations, unless a rule takes some back.
    last : State or None
        Where it ran out of iterations: what `resume` goes on from.
    remaining : Remaining
        What is estimated to be still to be had, per unit of row weight.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import InMemory
    >>> rows = InMemory(load_old_faithful())
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> solution = em.fit(start, rows)
    >>> solution.status.name, len(solution.history), round(solution.history[-1], 4)
    ('CONVERGED', 5, -4.1554)
    """

    mixture: Mixture | None
    status: Status
    history: list[float]
    failure: DegenerateCovariance | None = None
    settled: bool = True
    passes: int = 0
    last: State | None = None
    remaining: Remaining = UNKNOWN


class Reader:
    """Follows the fits of `solve`: overwrite what is of interest.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> class Print(em.Reader):
    ...     def ended(self, solution):
    ...         print(solution.status.name, len(solution.history))
    >>> _ = em.solve(problem, [start], tol=1e-3, max_iter=100, reader=Print())
    CONVERGED 5
    """

    def starts(self, starts: Iterable, outcome: "Outcome") -> Iterable:
        """Pass the starts on; to end early ends the search.

        Parameters
        ----------
        starts : iterable
            What `solve` was given.
        outcome : Outcome
            What there is so far.

        Returns
        -------
        starts : iterable
            Those that are to be tried.

        Examples
        --------
        >>> from gmmem import em
        >>> list(em.Reader().starts([1, 2], em.Outcome()))
        [1, 2]
        """
        return starts

    def states(self, states: Iterator[State], outcome: "Outcome") -> Iterable[State]:
        """Pass the states of one fit on; to end early ends the fit.

        Parameters
        ----------
        states : iterator of State
            Those of EM from one start, for ever.
        outcome : Outcome
            What the starts before have given.

        Returns
        -------
        states : iterable of State
            Those that the fit is to read.

        Examples
        --------
        >>> from gmmem import em
        >>> from itertools import islice
        >>> class AtMostTwo(em.Reader):
        ...     def states(self, states, outcome):
        ...         return islice(states, 2)
        >>> list(AtMostTwo().states(iter("abc"), em.Outcome()))
        ['a', 'b']
        """
        return states

    def ended(self, solution: Solution) -> None:
        """Hear how a fit ended.

        Parameters
        ----------
        solution : Solution
            That of one start.

        Examples
        --------
        >>> from gmmem import em
        >>> em.Reader().ended(em.Solution(None, em.Status.DEGENERATE, [])) is None
        True
        """


@dataclass(eq=False)
class Outcome:
    """What the starts have given so far.

    Parameters
    ----------
    solutions : list of Solution
        One for each start that was tried, in order.

    Examples
    --------
    >>> from gmmem import em
    >>> em.Outcome().best is None
    True
    """

    solutions: list[Solution] = field(default_factory=list)

    @property
    def best(self) -> Solution | None:
        """The most likely of those that did not collapse, the first of equals.

        Examples
        --------
        >>> from gmmem import em
        >>> one = em.Solution(None, em.Status.CONVERGED, [-4.3])
        >>> other = em.Solution(None, em.Status.CONVERGED, [-4.2])
        >>> lost = em.Solution(None, em.Status.DEGENERATE, [], ValueError("singular"))
        >>> outcome = em.Outcome([one, other, lost])
        >>> outcome.best is other
        True
        """
        usable = [each for each in self.solutions if each.status is not Status.DEGENERATE]
        return max(usable, key=lambda each: each.history[-1:], default=None)

    @property
    def failure(self) -> DegenerateCovariance | None:
        """Why the last of the others collapsed.

        Examples
        --------
        >>> from gmmem import em
        >>> one = em.Solution(None, em.Status.CONVERGED, [-4.3])
        >>> other = em.Solution(None, em.Status.CONVERGED, [-4.2])
        >>> lost = em.Solution(None, em.Status.DEGENERATE, [], ValueError("singular"))
        >>> outcome = em.Outcome([one, other, lost])
        >>> outcome.failure
        ValueError('singular')
        """
        failures = [each.failure for each in self.solutions if each.failure is not None]
        return failures[-1] if failures else None
