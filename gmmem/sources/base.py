"""Blocks of rows, and the scratch memory to work on them."""

import math
from typing import Any, NamedTuple

import numpy as np

FLOAT64 = np.dtype(np.float64)

# A block's arrays are to stay near a core, but each operation on them must be long
# against handing over Python's lock from thread to thread (measured: 4 to 6 MB).
BLOCK_BYTES = 5_000_000
SMALLEST_BLOCK, LARGEST_BLOCK = 384, 131_072


class Block(NamedTuple):
    """Rows ``start, start + 1, ...`` of the data, (b, d), and their weights or None."""

    start: int
    X: np.ndarray
    weight: np.ndarray | None


class Frame(NamedTuple):
    """Where the rows lie: what is known of them before any component is."""

    total_weight: float
    centre: np.ndarray
    """In the precision of the rows, so that they can be subtracted in it."""
    extent: np.ndarray
    """Largest ``|x - centre|`` of each feature, (d,)."""
    spread: np.ndarray | None
    """Sum of ``(x - centre)(x - centre)'`` as a form (1, ...), if it was asked for."""


class Workspace:
    """Scratch arrays of one thread, allocated once and used again."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, Any], np.ndarray] = {}
        self.content: Any = None
        """What the features were last filled with, while they are untouched."""

    def take(self, name: str, shape: tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
        """An array of that shape whose content is left over from the last use."""
        size, key = math.prod(shape), (name, dtype)
        array = self._arrays.get(key)
        if array is None or array.size < size:
            array = self._arrays[key] = np.empty(size, dtype)
        return array[:size].reshape(shape)


def block_size(n_rows: int, row_bytes: int) -> int:
    """Rows in a block, by what a row needs; the blocks of a data set are even.

    The number of threads must not matter, so that sums are the same for any; but two, four
    or eight can share the blocks evenly.
    """
    most = min(max(BLOCK_BYTES // row_bytes, SMALLEST_BLOCK), LARGEST_BLOCK)
    n_blocks = -(-n_rows // most)
    if n_blocks > 1:
        share = 2 if n_blocks <= 8 else 4 if n_blocks <= 32 else 8
        n_blocks = -(-n_blocks // share) * share
    size = -(-n_rows // n_blocks)
    # Rows of an array that lie a power of two apart share places in the cache.
    return size + 8 if size % 512 == 0 and n_blocks > 1 else size
