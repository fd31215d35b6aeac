"""The contract of a prior: what an M-step believes before it sees the rows.

A prior speaks in the currency of rows: it adds to the scatters what rows of its own would
add, and says what the log of its density is, up to a constant.
"""

from typing import Protocol

from gmmem.moments import Scatters


class Prior(Protocol):
    """What an M-step adds before it estimates."""

    def add(self, scatters: Scatters) -> Scatters:
        """The scatters with the prior's own."""
