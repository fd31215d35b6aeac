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
