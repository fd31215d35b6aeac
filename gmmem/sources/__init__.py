"""Where the rows live, and who adds up over them."""

from gmmem.sources.base import Block, Pass, RowPass, Rows, Workspace
from gmmem.sources.batches import Batches
from gmmem.sources.chunks import Chunks
from gmmem.sources.dask import Dask
from gmmem.sources.device import Device
from gmmem.sources.memory import InMemory
from gmmem.sources.spark import Spark
from gmmem.sources.threads import Threads

__all__ = [
    "Batches",
    "Block",
    "Chunks",
    "Dask",
    "Device",
    "InMemory",
    "Pass",
    "RowPass",
    "Rows",
    "Spark",
    "Threads",
    "Workspace",
]
