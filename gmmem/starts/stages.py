"""The stages of a search, one after another; who calls it may remember what they gave."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gmmem.mixture import Mixture

Value = TypeVar("Value")


class Stages:
    """Does each stage, and remembers the best that there is, and nothing else.

    A stage follows from those before it, and from the generator that the search draws with.
    What it gives is not changed afterwards.
    """

    best: Mixture | None = None
    """For who cannot wait for the end."""
    records: Sequence[Any] = ()
    """What is remembered."""

    def once(self, compute: Callable[..., Value], *args) -> Value:
        """What a stage gives; it may have stages of its own, and may collapse."""
        return compute(*args)

    def walk(self, step: Callable[[Value], Value | None], at: Value) -> Value:
        """Step after step, until one gives None: where that was.  Steps have no stages."""
        while (after := step(at)) is not None:
            at = after
        return at
