"""What follows a fit of `GaussianMixture`: what is printed, callbacks, the best so far."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gmmem import em
from gmmem.estimators.callbacks import Task, Unfollowed
from gmmem.estimators.progress import Progress
from gmmem.stopping import remaining


class Following(em.Reader):
    """Tells the user, and scikit-learn's callbacks, what the starts give.

    Parameters
    ----------
    task : Task or Unfollowed
        Of the whole fit.
    n_starts, max_iter : int
    progress : Progress
    attributes : callable
        From a solution and the histories of all starts to the estimator's attributes.
    """

    def __init__(
        self,
        task: Task | Unfollowed,
        n_starts: int,
        max_iter: int,
        progress: Progress,
        attributes: Callable[[em.Solution, list[list[float]]], dict[str, Any]],
    ):
        self.task, self.n_starts, self.max_iter = task, n_starts, max_iter
        self.progress, self.attributes = progress, attributes
        self._start: Task | Unfollowed = task

    def fitted(self, outcome: em.Outcome) -> dict[str, Any] | None:
        """The attributes of the estimator by what is the best so far."""
        best = outcome.best
        return None if best is None else self.attributes(best, histories(outcome))

    def starts(self, starts: Iterable, outcome: em.Outcome) -> Iterator:
        parts = self.task.starts(self.n_starts, self.max_iter, lambda: self.fitted(outcome))
        for number, (part, start) in enumerate(zip(parts, starts, strict=False)):
            self.progress.begin(number)
            self._start = part
            yield start

    def states(self, states: Iterator[em.State], outcome: em.Outcome) -> Iterator[em.State]:
        def after(state: em.State, means: list[float]) -> dict[str, Any]:
            """The attributes if EM stopped here, whatever the other starts have given."""
            solution = em.Solution(
                state.update, em.Status.MAX_ITER, means, remaining=remaining(means)
            )
            return self.attributes(solution, [*histories(outcome), means])

        return self._start.states(self.progress.watch(states), after, self.progress.total_weight)

    def ended(self, solution: em.Solution) -> None:
        if solution.history:
            self.progress.end(solution)


def histories(outcome: em.Outcome) -> list[list[float]]:
    """The mean log-likelihoods of each start that began."""
    return [list(each.history) for each in outcome.solutions if each.history]
