"""Some rows, and the scratch of the thread that works on them."""

import math
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
