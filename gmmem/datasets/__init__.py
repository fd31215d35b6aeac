"""Small data sets that come with the package."""

from importlib.resources import files

import numpy as np

__all__ = ["load_old_faithful"]


def load_old_faithful() -> np.ndarray:
    """Eruptions of the Old Faithful geyser (Hardle 1991).

    Returns
    -------
    X : ndarray of shape (272, 2)
        Duration of an eruption and the wait for the next one, in minutes.

    Notes
    -----
    The 272 rows are R's ``faithful``.  Azzalini and Bowman (1990) treat a longer record of the same
    geyser, with 299 rows.

    References
    ----------
    Hardle (1991). Smoothing Techniques with Implementation in S. Springer.

    Examples
    --------
    >>> from gmmem.datasets import load_old_faithful
    >>> load_old_faithful().shape
    (272, 2)
    """
    text = files(__name__).joinpath("old_faithful.csv").read_text(encoding="utf-8")
    return np.loadtxt(text.splitlines(), delimiter=",", skiprows=1)
