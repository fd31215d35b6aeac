"""A fit as scikit-learn's callbacks see it: tasks, and what is fitted when they end.

A fit has a task for each start, and a start one for each iteration of EM; a search has
one for each candidate.  Those who tell them are readers of streams that pass anyway, and
are not there at all where no callback is set or scikit-learn, before 1.9, has none.
"""

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from typing import Any

from gmmem.compat import callback_context
from gmmem.covariances import DegenerateCovariance
from gmmem.em import State

Fitted = Callable[[], dict | None]
"""Gives the attributes of the estimator if fit stopped now; None if it would fail."""


@dataclass(frozen=True, eq=False)
class Task:
    """A task that callbacks follow.

    Parameters
    ----------
    estimator : estimator
    context : sklearn.callback.CallbackContext
    data : dict
        The X, y and metadata that a callback may ask for.
    """

    estimator: Any
    context: Any
    data: dict[str, Any]

    def begin(self) -> "Task":
        """Tell that the task begins."""
        self.context.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return self

    def end(self, fitted: Fitted | None = None) -> bool:
        """Tell that the task ended; True if a callback asks to stop after it."""
        return self.context.call_on_fit_task_end(
            estimator=self.estimator, **self.data, reconstruction_attributes=fitted
        )

    def starts(self, number: int, n_iterations: int, fitted: Fitted) -> Iterator["Task"]:
        """Tasks one after the other; one ends when the next is asked for."""
        for _ in range(number):
            part = self._part("start", n_iterations)
            yield part
            if part.end(fitted):
                return

    def states(
        self,
        states: Iterator[State],
        fitted: Callable[[State, list[float]], dict],
        total_weight: float,
        before: Sequence[float] = (),
    ) -> Iterator[State]:
        """Pass the states of EM on, each with a task that ends with its M-step.

        `fitted` is given the state and the mean log-likelihoods up to it, from those before.
        """
        history = list(before)
        stop = False
        while not stop:
            part = self._part("iteration")
            try:
                state = next(states)
            except DegenerateCovariance:
                part.end()
                raise
            history.append(state.log_likelihood / total_weight)
            stop = part.end(partial(fitted, state, list(history)))
            yield state

    def candidates(self, candidates: Generator, number: int, fitted: Fitted) -> Iterator:
        """Pass candidates on, each with a task that ends when the next one is asked for."""
        try:
            for _ in range(number):
                part = self._part("candidate")
                yield next(candidates)
                if part.end(fitted):
                    return
            # At its end joblib keeps its workers; left before, it kills them.
            next(candidates, None)
        finally:
            with warnings.catch_warnings():
                # By joblib, that work is lost: where a callback asks to stop, or fails.
                warnings.simplefilter("ignore")
                candidates.close()

    def _part(self, name: str, n_parts: int = 0) -> "Task":
        context = self.context.subcontext(task_name=name, max_subtasks=n_parts)
        return replace(self, context=context).begin()


class Unfollowed:
    """A task that nobody follows."""

    def end(self, fitted=None) -> bool:
        return False

    def starts(self, number, n_iterations, fitted) -> Iterator["Unfollowed"]:
        return repeat(self, number)

    def states(self, states, fitted, total_weight, before=()) -> Iterator[State]:
        return states

    def candidates(self, candidates, number, fitted) -> Iterator:
        return candidates


def fit_task(estimator, n_parts: int, X, y, sample_weight) -> Task | Unfollowed:
    """Begin the task of a fit, which has `n_parts` subtasks."""
    context = callback_context(estimator, n_parts)
    if context is None:
        return Unfollowed()
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return Task(estimator, context, {"X": X, "y": y, "metadata": metadata}).begin()
