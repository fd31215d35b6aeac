"""What a search has done so far, kept in a checkpoint: one that begins again reads it first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gmmem.covariances import get_model
from gmmem.estimators.checkpoint import Checkpoint
from gmmem.moments import Moments
from gmmem.problem import Problem


class Journal:
    """The rounds of every candidate, by its place in the grid.

    What a round gave is read back instead of being done again, so that all decisions of the
    search are those that it made before.

    Parameters
    ----------
    checkpoint : Checkpoint
    points : list of GridPoint
        What is to be fitted.
    problem : Problem
    """

    def __init__(self, checkpoint: Checkpoint, points: list, problem: Problem):
        self.checkpoint = checkpoint
        self._places = {point: place for place, point in enumerate(points)}
        self._initialisers = list(dict.fromkeys(point.init_params for point in points))
        self._rounds: dict[int, list[tuple[int, int]]] = {}
        self._running: dict[int, Any] = {}
        self._ended: dict[int, Any] = {}
        self._read: dict[int, int] = {}
        self._random_state: Any = None
        self.found: dict[tuple[Any, int], Moments | str] | None = None
        known = {get_model(point.covariance_type).storage for point in points}
        saved = checkpoint.saved(problem.kernel, *known)
        if saved is not None:
            self._rounds, self._running = saved["rounds"], saved["running"]
            self._ended, self._random_state = saved["ended"], saved["random_state"]
            self.found = {(self._initialisers[n], K): each for (n, K), each in saved["found"]}

    def starts(self, random_state: Any, begin: Callable) -> dict:
        """What candidates start from: as it was, or as `begin` gives it."""
        if self.found is None:
            self.found = begin()
            self._random_state = random_state.get_state(legacy=False)
        random_state.set_state(self._random_state)
        return self.found

    def replay(self, point: Any, until: int) -> Any:
        """What a round has given before, or None."""
        place = self._places[point]
        read = self._read.get(place, 0)
        rounds = self._rounds.get(place, [])
        if read == len(rounds) or rounds[read][0] != until:
            return None
        self._read[place] = read + 1
        n, running = rounds[read][1], self._running.get(place)
        if read == len(rounds) - 1 and place in self._ended:
            return replace(self._ended[place], point=point)
        if n == len(running.solution.history):
            return running
        before = replace(running.solution, history=running.solution.history[:n])
        return replace(running, solution=before)

    def record(self, results: dict[Any, Any], until: int) -> None:
        """Remember what a round gave some points, all or none, and keep it if it is time."""
        for point, result in results.items():
            place, running = self._places[point], hasattr(result, "solution")
            history = result.solution.history if running else result.history
            self._rounds.setdefault(place, []).append((until, len(history)))
            self._read[place] = len(self._rounds[place])
            (self._running if running else self._ended)[place] = result
        self.checkpoint.offer(self._state)

    def keep(self) -> None:
        """Keep it for good: the search was interrupted."""
        if self.checkpoint.kept:
            self.checkpoint.stays = True
            if self.found is not None:
                self.checkpoint.write(self._state())

    def _state(self) -> dict[str, Any]:
        places = {each: n for n, each in enumerate(self._initialisers)}
        return {
            "rounds": self._rounds,
            "running": self._running,
            "ended": {n: replace(each, point=None) for n, each in self._ended.items()},
            "random_state": self._random_state,
            "found": [((places[init], K), each) for (init, K), each in self.found.items()],
        }
