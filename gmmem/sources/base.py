"""The contracts of a source of rows: blocks, passes over them, and who folds and maps.

A *source* knows where the rows lie and in what pieces they are read.  A *pass* knows what
to do with one piece.  Neither knows the other: what a pass gives for the pieces adds up
to what it gives for all rows.
"""

from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from gmmem.contracts import contract
from gmmem.sources.block import Block, Workspace

FLOAT64 = np.dtype(np.float64)

# A block's arrays are to stay near a core, but each operation on them must be long
# against handing over Python's lock from thread to thread (measured: 4 to 6 MB).
BLOCK_BYTES = 5_000_000
SMALLEST_BLOCK, LARGEST_BLOCK = 256, 131_072

# Rows that a product takes at once, at most (see `gmmem.kernels.arithmetic`).
TILE = 504

# Sums of squares must stay finite, for any number of rows.
LARGEST_EXTENT = 1e140


@contract
class Pass(Protocol):
    """What is asked of the rows, block by block: pure, and picklable.

    Attributes
    ----------
    row_bytes : int
        Scratch memory for each row of a block: what the size of blocks goes by.

    Examples
    --------
    The sum of the rows, by their weights:

    >>> import numpy as np
    >>> from gmmem.sources import InMemory
    >>> class Sum:
    ...     row_bytes = 8
    ...     def __call__(self, block, workspace):
    ...         w = np.ones(len(block.X)) if block.weight is None else block.weight
    ...         return (w @ block.X,)
    ...     def combine(self, total, part):
    ...         return (total[0] + part[0],)
    >>> InMemory(np.array([[1.0, 2.0], [3.0, 4.0]]), [1, 10]).fold(Sum())
    (array([31., 42.]),)
    """

    row_bytes: int

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        """Sums over one block: numbers and arrays that are the caller's to change."""

    def combine(self, total: tuple[Any, ...], part: tuple[Any, ...]) -> tuple[Any, ...]:
        """The sums over both, given those over earlier and over later rows.

        Parameters
        ----------
        total : tuple
            Of earlier rows.  It is the pass's own, and may be changed in place.
        part : tuple
            Of the rows that follow.

        Returns
        -------
        total : tuple
            Of both.

        Examples
        --------
        Most passes add entry by entry:

        >>> from gmmem.sources.base import added
        >>> added((1.0, 2.0), (10.0, 20.0))
        (11.0, 22.0)
        """


@contract
class RowPass(Protocol):
    """A question whose answer is as long as the data.

    Attributes
    ----------
    row_bytes : int
        Scratch memory for each row of a block.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.sources import InMemory
    >>> class Length:
    ...     row_bytes = 8
    ...     def __call__(self, block, workspace, out):
    ...         np.sqrt((block.X ** 2).sum(axis=1), out=out)
    >>> InMemory(np.array([[3.0, 4.0], [0.0, 1.0]])).map(Length(), (), np.float64)
    array([5., 1.])
    """

    row_bytes: int

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        """Write the answers of a block's rows into out, (b, ...)."""


@contract
class Rows(Protocol):
    """A source: rows that passes go over, wherever they are.

    Rows of weight zero are not there for `fold`; `map` answers for every row.

    See Also
    --------
    gmmem.testing.check_source : Whether a source of your own does all this.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.sources import InMemory
    >>> rows = InMemory(np.array([[1.0, 2.0], [3.0, 4.0]]), [1, 10])
    >>> rows.n_rows, rows.n_features, rows.total_weight
    (2, 2, 11.0)
    """

    @property
    def n_rows(self) -> int:
        """Number of rows.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import InMemory
        >>> rows = InMemory(np.zeros((2, 3), np.float32), [1, 10])
        >>> rows.n_rows
        2
        """

    @property
    def n_features(self) -> int:
        """Number of columns.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import InMemory
        >>> rows = InMemory(np.zeros((2, 3), np.float32), [1, 10])
        >>> rows.n_features
        3
        """

    @property
    def total_weight(self) -> float:
        """Sum of the row weights: the number of rows that they stand for.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import InMemory
        >>> rows = InMemory(np.zeros((2, 3), np.float32), [1, 10])
        >>> rows.total_weight
        11.0
        """

    @property
    def dtype(self) -> np.dtype:
        """Of the answers: float32 where the rows are.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import InMemory
        >>> rows = InMemory(np.zeros((2, 3), np.float32), [1, 10])
        >>> rows.dtype
        dtype('float32')
        """

    @property
    def arithmetic(self) -> np.dtype:
        """What the rows allow to be computed in: float32 has no room for extreme weights.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import InMemory
        >>> rows = InMemory(np.zeros((2, 3), np.float32), [1, 10])
        >>> rows.arithmetic
        dtype('float32')
        """

    def fold(self, over: Pass) -> tuple[Any, ...]:
        """What a pass gives for all rows, combined in a fixed order.

        Parameters
        ----------
        over : Pass
            What is asked of each block.

        Returns
        -------
        total : tuple
            Sums that are the caller's to change.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> from gmmem.answers import Likelihood
        >>> from gmmem.scoring import Scorer
        >>> from gmmem.sources import InMemory
        >>> mixture = Mixture.from_arrays([1], [[0]], [[[1]]])
        >>> total, _ = InMemory(np.zeros((4, 1))).fold(Likelihood(Scorer.of(mixture, "float64")))
        >>> round(total, 2)
        -3.68
        """

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any) -> Any:
        """Answers for every row, whatever it weighs.

        Parameters
        ----------
        over : RowPass
            What is asked of each block.
        shape : tuple of int
            Of the answer for one row; () for a number.
        dtype : dtype
            Of the answers.

        Returns
        -------
        answers : array of shape (n_rows, ...)
            In the source's own kind of array.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> from gmmem.answers import MostProbable
        >>> from gmmem.scoring import Scorer
        >>> from gmmem.sources import InMemory
        >>> mixture = Mixture.from_arrays([0.5, 0.5], [[0], [9]], [[[1]]] * 2)
        >>> ask = MostProbable(Scorer.of(mixture, np.float64))
        >>> InMemory(np.array([[1.0], [8.0]])).map(ask, (), np.int64)
        array([0, 1])
        """

    def with_columns(self, **aligned: Any) -> "Rows":
        """The same rows, with something that travels with them, cut as they are.

        Parameters
        ----------
        **aligned : array-like of shape (n_rows, ...)
            Columns by their names: a pass finds them in `Block.columns`.

        Returns
        -------
        rows : Rows
            Another source of the same rows.

        Raises
        ------
        ValueError
            If a column is not as long as the rows.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import InMemory
        >>> rows = InMemory(np.zeros((3, 1))).with_columns(label=np.array([0, 1, 0]))
        >>> sorted(rows.columns)
        ['label']
        """

    def sample(self, size: int, rng: np.random.RandomState) -> "Rows":
        """At most `size` rows, drawn without replacement; with weights, by their weights.

        Parameters
        ----------
        size : int
            The most rows to draw.
        rng : numpy.random.RandomState
            Where the numbers come from.

        Returns
        -------
        rows : InMemory
            In memory; all rows that weigh something, where they are no more than `size`.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import InMemory
        >>> rows = InMemory(np.arange(1000.0)[:, None])
        >>> rows.sample(10, np.random.RandomState(0)).n_rows
        10
        """

    def working(self) -> AbstractContextManager:
        """What is to be set up once for many passes.

        Returns
        -------
        context : context manager
            Around the passes; a pass outside sets up its own.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture, em
        >>> from gmmem.sources import InMemory
        >>> rows = InMemory(np.array([[0.0], [1], [8], [9]]))
        >>> start = Mixture.from_arrays([0.5, 0.5], [[0], [9]], [[[1]]] * 2)
        >>> with rows.working():
        ...     em.fit(start, rows).mixture.means.ravel()
        array([0.5, 8.5])
        """


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
    if n_blocks == 1:
        return size
    n_tiles = -(-size // TILE)
    length = 8 * -(-size // (8 * n_tiles))
    # Rows of an array that lie a power of two apart share places in the cache.
    return n_tiles * (length + 8 if n_tiles * length % 512 == 0 else length)
