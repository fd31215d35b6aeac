"""What of a fit with several starts is kept in a checkpoint, and how it goes on from there."""

from dataclasses import replace
from typing import Any

from gmmem import em
from gmmem.estimators.checkpoint import Checkpoint
from gmmem.problem import Problem

NOWHERE = Checkpoint(None, 0, {})


class Saving:
    """Keeps the solutions so far, and the state of the start that is under way.

    Parameters
    ----------
    checkpoint : Checkpoint, optional
    problem : Problem, optional
    random_state : RandomState, optional
        What the starts are drawn with: where it is now tells where the next start begins.
    """

    def __init__(
        self,
        checkpoint: Checkpoint = NOWHERE,
        problem: Problem | None = None,
        random_state: Any = None,
    ):
        self.checkpoint, self.problem, self.random_state = checkpoint, problem, random_state
        self._starts: list = []

    def restored(self, starts: list, outcome: em.Outcome) -> list:
        """What is still to be done of the starts; what was done is put into the outcome."""
        self._starts = starts
        if not self.checkpoint.kept:
            return starts
        saved = self.checkpoint.saved(self.problem.kernel, self.problem.model.storage)
        if saved is None:
            return starts
        outcome.solutions.extend(saved["solutions"])
        if self.random_state is not None:
            self.random_state.set_state(saved["random_state"])
        for start, found in zip(starts, saved["found"], strict=True):
            if found is not None:
                start.found = found
        rest, under_way = starts[len(outcome.solutions) :], saved["under_way"]
        return rest if under_way is None else [under_way, *rest[1:]]

    def offer(self, outcome: em.Outcome, under_way: em.Solution | None = None) -> None:
        """Keep it, if it is time."""
        if self.checkpoint.kept:
            self.checkpoint.offer(lambda: self._state(outcome, under_way))

    def keep(self, outcome: em.Outcome, under_way: em.Solution | None) -> None:
        """Keep it for good; what was kept before, where a start has but begun."""
        if not self.checkpoint.kept:
            return
        self.checkpoint.stays = True
        if under_way is not None:
            self.checkpoint.write(self._state(outcome, under_way))

    def _state(self, outcome: em.Outcome, under_way: em.Solution | None) -> dict[str, Any]:
        drawn = self.random_state
        return {
            "solutions": [replace(each, last=None) for each in outcome.solutions],
            "under_way": under_way,
            "random_state": None if drawn is None else drawn.get_state(legacy=False),
            "found": [getattr(each, "found", None) for each in self._starts],
        }
