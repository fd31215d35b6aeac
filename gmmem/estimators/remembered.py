"""What the stages of a search gave: one that begins again is given it, and goes on from there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from gmmem.covariances import DegenerateCovariance
from gmmem.starts.stages import Stages


class Record(NamedTuple):
    """What a stage gave, or how far a walk has come."""

    depth: int
    """In how many others it is: once they have ended, it is forgotten."""
    value: Any
    random_state: dict[str, Any]
    """Where the generator was left."""


class Remembered(Stages):
    """Each stage is remembered, and not done again.

    Parameters
    ----------
    random_state : RandomState
        What the search draws with: it is left where each stage left it.
    records : list of Record
        Of a search before.
    told : callable
        Called after each stage, and each step of a walk.
    """

    def __init__(
        self, random_state: np.random.RandomState, records: list, told: Callable[[], None]
    ):
        self.random_state, self.records, self.told = random_state, list(records), told
        self._at = self._depth = 0

    def once(self, compute: Callable, *args) -> Any:
        begun = self._at
        if not self._is_done():
            with self._deeper():
                try:
                    value = compute(*args)
                except DegenerateCovariance as error:
                    value = error
            self._record(begun, value)
        return self._read(begun)

    def walk(self, step: Callable, at: Any) -> Any:
        begun = self._at
        if not self._is_done():
            with self._deeper():
                if begun < len(self.records):
                    at = self._read(begun)
                while (after := step(at)) is not None:
                    at = after
                    self._record(begun, at)
            self._record(begun, at)
        return self._read(begun)

    def _is_done(self) -> bool:
        return self._at < len(self.records) and self.records[self._at].depth == self._depth

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _record(self, begun: int, value: Any) -> None:
        """Remember it instead of what it was made of."""
        drawn = self.random_state.get_state(legacy=False)
        self.records[begun:] = [Record(self._depth, value, drawn)]
        self.told()

    def _read(self, begun: int) -> Any:
        record = self.records[begun]
        self._at = begun + 1
        self.random_state.set_state(record.random_state)
        if isinstance(record.value, DegenerateCovariance):
            raise record.value
        return record.value
