"""Where the rows live, and who adds up over them."""

from gmmem.sources.memory import InMemory

__all__ = ["InMemory"]
