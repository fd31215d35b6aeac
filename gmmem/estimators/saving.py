"""What of a fit with several starts is kept in a checkpoint, and how it goes on from there."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gmmem import em
from gmmem.estimators.checkpoint import Checkpoint
from gmmem.estimators.remembered import Remembered
from gmmem.problem import Problem
from gmmem.starts.stages import Stages

NOWHERE = Checkpoint(None, 0, {})

# What there is of a fit.
KEPT = {"solutions", "under_way", "begun", "random_state", "stages", "found"}


class Saving:
    """Keeps the solutions so far, the state of the start that is under way, and a search for it.

    Parameters
    ----------
    checkpoint : Checkpoint, optional
    problem : Problem, optional
    random_state : RandomState, optional
        What the starts are drawn with.  It is put where it was when the fit that is kept began,
        so that the same is drawn.

    Attributes
    ----------
    stages : Stages
        Those of a search for a start.
    """

    def __init__(
        self,
        checkpoint: Checkpoint = NOWHERE,
        problem: Problem | None = None,
        random_state: Any = None,
    ):
        self.checkpoint, self.random_state = checkpoint, random_state
        self.stages = Stages()
        self._saved: dict[str, Any] | None = None
        self._begun: dict[str, Any] | None = None
        self._starts: list = []
        self._outcome = em.Outcome()
        if not checkpoint.kept:
            return
        saved = self._saved = checkpoint.saved(problem.kernel, problem.model.storage)
        if saved is not None and not (isinstance(saved, dict) and KEPT <= saved.keys()):
            raise checkpoint.refused(KeyError("it does not hold what is kept of a fit"))
        if random_state is not None:
            if saved is not None:
                random_state.set_state(saved["begun"])
            self._begun = random_state.get_state(legacy=False)
            records = [] if saved is None else saved["stages"]
            self.stages = Remembered(random_state, records, lambda: self.offer(self._outcome))

    def restored(self, starts: list, outcome: em.Outcome) -> list:
        """What is still to be done of the starts; what was done is put into the outcome."""
        self._starts, self._outcome, saved = starts, outcome, self._saved
        if saved is None:
            return starts
        outcome.solutions.extend(saved["solutions"])
        if saved["random_state"] is not None:
            self.random_state.set_state(saved["random_state"])
        for start, found in zip(starts, saved["found"], strict=True):
            if found is not None:
                start.found = found
        rest, under_way = starts[len(outcome.solutions) :], saved["under_way"]
        return rest if under_way is None else [under_way, *rest[1:]]

    def offer(self, outcome: em.Outcome, under_way: Callable = lambda: None) -> None:
        """Keep it, if it is time; `under_way` gives what a start has come to."""
        if self.checkpoint.kept:
            self.checkpoint.offer(lambda: self._state(outcome, under_way()))

    def keep(self, outcome: em.Outcome, under_way: em.Solution | None) -> None:
        """Keep it for good; what was kept before, where a start has but been drawn."""
        if not self.checkpoint.kept:
            return
        self.checkpoint.stays = True
        if under_way is not None or self.stages.records:
            self.checkpoint.write(self._state(outcome, under_way))

    @property
    def _searching(self) -> bool:
        """Whether a stage has ended, and the search has not."""
        records = self.stages.records
        return bool(records) and records[-1].depth > 0

    def _state(self, outcome: em.Outcome, under_way: em.Solution | None) -> dict[str, Any]:
        drawn = None
        if self.random_state is not None and not self._searching:  # That knows where it was.
            drawn = self.random_state.get_state(legacy=False)
        return {
            "solutions": [replace(each, last=None) for each in outcome.solutions],
            "under_way": under_way,
            "begun": self._begun,
            "random_state": drawn,
            "stages": list(self.stages.records),
            "found": [getattr(each, "found", None) for each in self._starts],
        }
