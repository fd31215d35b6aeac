"""What `verbose` prints: a reader of the states of EM."""

from collections.abc import Iterator
from time import perf_counter

from gmmem.em import Solution, State, Status


class Progress:
    """Prints as scikit-learn does, from the states as they pass."""

    def __init__(self, verbose: int, interval: int, total_weight: float):
        self._verbose = verbose
        self._interval = interval
        self.total_weight = total_weight
        self._began = perf_counter()

    def begin(self, number: int) -> None:
        """Announce a start."""
        self._began = perf_counter()
        if self._verbose:
            print(f"Initialization {number}")

    def watch(self, states: Iterator[State]) -> Iterator[State]:
        """Pass the states on, printing every `interval`."""
        last, before = perf_counter(), -float("inf")
        for state in states:
            mean = state.log_likelihood / self.total_weight
            number = state.iteration + 1
            if self._verbose and number % self._interval == 0:
                line = f"  Iteration {number}"
                if self._verbose > 1:
                    now = perf_counter()
                    line += f"\t time lapse {now - last:.5f}s\t ll change {mean - before:.5f}"
                    last = now
                print(line)
            before = mean
            yield state

    def end(self, solution: Solution) -> None:
        """Say how a start ended."""
        if not self._verbose:
            return
        word = "converged" if solution.status is Status.CONVERGED else "did not converge"
        line = f"Initialization {word}."
        if self._verbose > 1:
            seconds = perf_counter() - self._began
            line += f" time lapse {seconds:.5f}s\t lower bound {solution.history[-1]:.5f}."
        print(line)
