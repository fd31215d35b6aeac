"""The contracts of a source of rows: blocks, passes over them, and who folds and maps.

A *source* knows where the rows lie and in what pieces they are read.  A *pass* knows what
to do with one piece.  Neither knows the other: what a pass gives for the pieces adds up
to what it gives for all rows.
"""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np

FLOAT64 = np.dtype(np.float64)

# A block's arrays are to stay near a core, but each operation on them must be long
# against handing over Python's lock from thread to thread (measured: 4 to 6 MB).
BLOCK_BYTES = 5_000_000
SMALLEST_BLOCK, LARGEST_BLOCK = 384, 131_072

# Sums of squares must stay finite, for any number of rows.
LARGEST_EXTENT = 1e140

NO_COLUMNS: Mapping[str, Any] = {}


class Block(NamedTuple):
    """Some rows of the data, (b, d), in the order of the data."""

    start: int
    """Place of the first of them; the block's own key."""
    X: np.ndarray
    weight: np.ndarray | None = None
    """(b,), all positive, or None where every row counts once."""
    columns: Mapping[str, np.ndarray] = NO_COLUMNS
    """What travels with the rows, (b, ...)."""


class Workspace:
    """Scratch arrays of one thread, allocated once and used again."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, Any], np.ndarray] = {}
        self.content: Any = None
        """What the quadratic terms were last filled with, while they are untouched."""

    def take(self, name: str, shape: tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
        """An array of that shape whose content is left over from the last use."""
        size, key = math.prod(shape), (name, dtype)
        array = self._arrays.get(key)
        if array is None or array.size < size:
            array = self._arrays[key] = np.empty(size, dtype)
        return array[:size].reshape(shape)


class Pass(Protocol):
    """What is asked of the rows, block by block: pure, and picklable."""

    row_bytes: int
    """Scratch memory for each row of a block: what the size of blocks goes by."""

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        """Sums over one block: numbers and arrays that are the caller's to change."""

    def combine(self, total: tuple[Any, ...], part: tuple[Any, ...]) -> tuple[Any, ...]:
        """The sums over both, given those over earlier and over later rows."""


class RowPass(Protocol):
    """A question whose answer is as long as the data."""

    row_bytes: int

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        """Write the answers of a block's rows into out, (b, ...)."""


class Rows(Protocol):
    """A source: rows that passes go over, wherever they are.

    Rows of weight zero are not there for `fold`; `map` answers for every row.
    """

    n_rows: int
    n_features: int
    total_weight: float
    dtype: np.dtype
    """Of the answers."""
    arithmetic: np.dtype
    """What the rows allow to be computed in."""

    def fold(self, over: Pass) -> tuple[Any, ...]:
        """What a pass gives for all rows, combined in a fixed order."""

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any) -> Any:
        """Answers of shape (n_rows, *shape), in the source's own kind of array."""

    def with_columns(self, **aligned: Any) -> "Rows":
        """The same rows, with something (n_rows, ...) that travels with them."""

    def sample(self, size: int, rng: np.random.RandomState) -> "Rows":
        """At most `size` rows drawn by their weights, in memory."""

    def working(self) -> AbstractContextManager:
        """What is to be set up once for many passes."""


def added(total: tuple[Any, ...], part: tuple[Any, ...]) -> tuple[Any, ...]:
    """Add sums entry by entry; an array of the total's own keeps its place."""
    return tuple(map(_add, total, part))


def _add(total, part):
    # Sums are large where components are many.  A view may be of the rows.
    own = isinstance(total, np.ndarray) and total.base is None and total.flags.writeable
    if own and total.dtype == np.result_type(total, part):
        total += part
        return total
    return total + part


def block_size(n_rows: int, row_bytes: int) -> int:
    """Rows in a block, by what a row needs; the blocks of a data set are even.

    The number of threads must not matter, so that sums are the same for any; but two, four
    or eight can share the blocks evenly.
    """
    most = min(max(BLOCK_BYTES // max(row_bytes, 1), SMALLEST_BLOCK), LARGEST_BLOCK)
    n_blocks = -(-n_rows // most)
    if n_blocks > 1:
        share = 2 if n_blocks <= 8 else 4 if n_blocks <= 32 else 8
        n_blocks = -(-n_blocks // share) * share
    size = -(-n_rows // n_blocks)
    # Rows of an array that lie a power of two apart share places in the cache.
    return size + 8 if size % 512 == 0 and n_blocks > 1 else size
