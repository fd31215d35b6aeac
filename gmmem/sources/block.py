"""Some rows, and the scratch of the thread that works on them."""

import math
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

NO_COLUMNS: Mapping[str, Any] = {}


class Block(NamedTuple):
    """Some rows of the data, in the order of the data.

    Parameters
    ----------
    start : int
        Place of the first of them; the block's own key.
    X : ndarray of shape (b, n_features)
        The rows.
    weight : ndarray of shape (b,) or None, default=None
        Their weights, all positive; None where every row counts once.
    columns : mapping of str to ndarray of shape (b, ...), default={}
        What travels with the rows.
    kept : Kept or None, default=None
        Where rows about a centre stay from pass to pass, if they do.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.sources import Block
    >>> block = Block(0, np.array([[1.0], [2.0]]), np.array([1.0, 3.0]))
    >>> float(block.weight @ block.X[:, 0])
    7.0
    """

    start: int
    X: np.ndarray
    weight: np.ndarray | None = None
    columns: Mapping[str, np.ndarray] = NO_COLUMNS
    kept: "Kept | None" = None

    @property
    def total_weight(self) -> float:
        """Of its rows: their number, where every row counts once.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import Block
        >>> Block(0, np.zeros((4, 1))).total_weight
        4.0
        """
        return float(len(self.X) if self.weight is None else self.weight.sum())

    def about(self, centre: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Rows about a centre, feature by feature: of a copy that is kept, if one is.

        Parameters
        ----------
        centre : ndarray of shape (n_features,)
            What is subtracted.
        out : ndarray of shape (n_features, b)
            Overwritten, in its precision.

        Returns
        -------
        out : ndarray
            The same.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import Block
        >>> Block(0, np.array([[1.0, 5.0], [3.0, 9.0]])).about(np.ones(2), np.empty((2, 2)))
        array([[0., 2.],
               [4., 8.]])
        """
        Z = None if self.kept is None else self.kept.about(self, centre, out.dtype)
        if Z is None:
            return np.subtract(self.X.T, centre.astype(out.dtype)[:, None], out=out)
        np.copyto(out, Z)
        return out

    def taken(self, places: Any, start: int | None = None) -> "Block":
        """Some of its rows.

        Parameters
        ----------
        places : slice or ndarray of int
            Which, in their order.
        start : int, default=None
            The key of the new block; None is that of this one.

        Returns
        -------
        block : Block
            With what travels with these rows.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import Block
        >>> Block(0, np.arange(6.0).reshape(3, 2)).taken([2, 0]).X
        array([[4., 5.],
               [0., 1.]])
        """
        weight = None if self.weight is None else self.weight[places]
        columns = {name: column[places] for name, column in self.columns.items()}
        return Block(self.start if start is None else start, self.X[places], weight, columns)


class Kept:
    """Rows about a centre, feature by feature: made once, where they are read in pass after pass.

    To transpose rows takes as long as a product with some components.

    Parameters
    ----------
    n_rows, n_features : int
        Of the source.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.sources import Block
    >>> from gmmem.sources.block import Kept
    >>> block, centre = Block(0, np.array([[1.0, 5.0], [3.0, 9.0]])), np.array([2.0, 7.0])
    >>> kept = Kept(2, 2)
    >>> for _ in range(3):
    ...     print(kept.about(block, centre, np.dtype(float)))
    None
    [[-1.  1.]
     [-2.  2.]]
    [[-1.  1.]
     [-2.  2.]]
    """

    def __init__(self, n_rows: int, n_features: int) -> None:
        self._shape, self._lock = (n_features, n_rows), threading.Lock()
        # Of which centre rows are kept, and which other one was asked for last.
        self._centre: np.ndarray | None = None
        self._other: np.ndarray | None = None
        self._Z: np.ndarray = np.empty((0, 0))
        self._asked: set[tuple[int, int]] = set()
        self._there: set[tuple[int, int]] = set()

    def about(self, block: Block, centre: np.ndarray, dtype: np.dtype) -> np.ndarray | None:
        """The rows of a block about the centre, which are to be read only.

        Parameters
        ----------
        block : Block
            Of the source.
        centre : ndarray of shape (n_features,)
            Another array is another centre, whatever it holds: one is found for each fit,
            before which the rows may have been changed in place.
        dtype : dtype
            The precision.

        Returns
        -------
        Z : ndarray of shape (n_features, b) or None
            None for a centre of which no block was asked for twice: it may be for one pass.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.sources import Block
        >>> from gmmem.sources.block import Kept
        >>> Kept(1, 1).about(Block(0, np.ones((1, 1))), np.ones(1), np.dtype(float)) is None
        True
        """
        place = block.start, block.start + len(block.X)
        with self._lock:
            if centre is not self._centre or dtype != self._Z.dtype:
                if centre is not self._other:
                    self._other, self._asked = centre, set()
                if place not in self._asked:
                    self._asked.add(place)
                    return None
                self._centre, self._other = centre, None
                self._Z, self._there = np.empty(self._shape, dtype), set()
            # Another thread may begin anew: this one goes on with what it has.
            whole, there = self._Z, self._there
        Z = whole[:, slice(*place)]
        if place not in there:
            # Two threads may come here at once: they write the same.
            np.subtract(block.X.T, centre.astype(dtype)[:, None], out=Z)
            there.add(place)
        return Z


class Workspace:
    """Scratch arrays of one thread, allocated once and used again.

    Attributes
    ----------
    content : object
        What the quadratic terms were last filled with, while they are untouched.

    Examples
    --------
    >>> from gmmem.sources import Workspace
    >>> workspace = Workspace()
    >>> one, other = (workspace.take("scores", (3, 100)) for _ in range(2))
    >>> one.base is other.base
    True
    """

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, Any], np.ndarray] = {}
        self.content: Any = None

    @property
    def nbytes(self) -> int:
        """What it takes by now.

        Examples
        --------
        >>> from gmmem.sources import Workspace
        >>> workspace = Workspace()
        >>> taken = workspace.take("scores", (3, 100))
        >>> workspace.nbytes
        2400
        """
        return sum(array.nbytes for array in self._arrays.values())

    def take(self, name: str, shape: tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
        """An array of that shape whose content is left over from the last use.

        Parameters
        ----------
        name : str
            What it is for: under another name it is another array.
        shape : tuple of int
            Its shape; the memory grows where it has to.
        dtype : dtype, default=float64
            Of the numbers; under another one it is another array.

        Returns
        -------
        array : ndarray
            Nobody else's until the name is taken again.

        Examples
        --------
        >>> from gmmem.sources import Workspace
        >>> Workspace().take("Z", (2, 3)).shape
        (2, 3)
        """
        size, key = math.prod(shape), (name, dtype)
        array = self._arrays.get(key)
        if array is None or array.size < size:
            array = self._arrays[key] = np.empty(size, dtype)
        return array[:size].reshape(shape)
