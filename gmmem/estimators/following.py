"""What follows a fit of `GaussianMixture`: what is printed, callbacks, the best so far."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from gmmem import em
from gmmem.estimators.callbacks import Task, Unfollowed
from gmmem.estimators.progress import Progress
from gmmem.estimators.saving import Saving
from gmmem.stopping import remaining


class Reached(NamedTuple):
    """How far a start has come."""

    state: em.State
    n_states: int
    passes: int


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
    saving : Saving, optional
        Keeps what was done on a file.
    """

    def __init__(
        self,
        task: Task | Unfollowed,
        n_starts: int,
        max_iter: int,
        progress: Progress,
        attributes: Callable[[em.Solution, list[list[float]]], dict[str, Any]],
        saving: Saving | None = None,
    ):
        self.task, self.n_starts, self.max_iter = task, n_starts, max_iter
        self.progress, self.attributes = progress, attributes
        self.saving = Saving() if saving is None else saving
        self._start: Task | Unfollowed = task
        self._outcome = em.Outcome()
        # Of the start that is under way: its history, where it is, and where more was asked for.
        self._history: list[float] = []
        self._last: Reached | None = None
        self._asked: Reached | None = None

    def fitted(self, outcome: em.Outcome) -> dict[str, Any] | None:
        """The attributes of the estimator by what is the best so far."""
        best = outcome.best
        return None if best is None else self.attributes(best, histories(outcome))

    def interrupted(self) -> tuple[em.Solution, dict[str, Any]] | None:
        """The most likely of what there is, and its attributes; what there is is kept."""
        self.saving.keep(self._outcome, self._solution(self._asked))
        last = self._solution(self._last)
        usable = [self._outcome.best, last]
        found = [each for each in usable if each is not None and each.history]
        if not found and self.saving.stages.best is not None:  # The start is searched for.
            found = [em.Solution(self.saving.stages.best, em.Status.MAX_ITER, [])]
        if not found:
            return None
        best, done = max(found, key=lambda each: each.history[-1:]), histories(self._outcome)
        fitted = self.attributes(best, [*done, last.history] if last else done)
        return best, fitted | {"converged_": False}

    def starts(self, starts: Iterable, outcome: em.Outcome) -> Iterator:
        self._outcome, starts = outcome, self.saving.restored(list(starts), outcome)
        parts = self.task.starts(self.n_starts, self.max_iter, lambda: self.fitted(outcome))
        begun = zip(parts, starts, strict=False)
        for number, (part, start) in enumerate(begun, len(outcome.solutions)):
            if isinstance(start, em.Solution):
                self._history = list(start.history)
                self._last = Reached(start.last, len(start.history), start.passes)
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

        before, passes = list(self._history), self._last.passes if self._last else 0
        weight, following = self.progress.total_weight, self.progress.watch(states)
        for state in self._start.states(following, after, weight, before):
            self._history.append(state.log_likelihood / weight)
            passes += state.passes
            self._last = Reached(state, len(self._history), passes)
            yield state
            # The next is asked for, so this was not the end.
            self._asked = self._last
            self.saving.offer(outcome, self._under_way)

    def ended(self, solution: em.Solution) -> None:
        self._history, self._last, self._asked = [], None, None
        self.saving.offer(self._outcome)
        if solution.history:
            self.progress.end(solution)

    def _under_way(self) -> em.Solution | None:
        return self._solution(self._asked)

    def _solution(self, reached: Reached | None) -> em.Solution | None:
        """What the start that is under way has come to."""
        if reached is None:
            return None
        state, n, passes = reached
        history = self._history[:n]
        known = state.remaining
        left = remaining(history) if known is None else known.per(self.progress.total_weight)
        more = dict(settled=state.settled, passes=passes, last=state, remaining=left)
        return em.Solution(state.update, em.Status.MAX_ITER, history, **more)


def histories(outcome: em.Outcome) -> list[list[float]]:
    """The mean log-likelihoods of each start that began."""
    return [list(each.history) for each in outcome.solutions if each.history]
