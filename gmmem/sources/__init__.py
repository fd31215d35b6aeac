"""Where the rows live, and who adds up over them."""

from gmmem.sources.base import Block, Pass, RowPass, Rows, Workspace
from gmmem.sources.memory import InMemory
from gmmem.sources.threads import Threads

__all__ = ["Block", "InMemory", "Pass", "RowPass", "Rows", "Threads", "Workspace"]
