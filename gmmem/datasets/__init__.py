"""Small data sets that come with the package."""

from importlib.resources import files

import numpy as np

__all__ = ["load_old_faithful"]


def load_old_faithful() -> np.ndarray:
    """Eruptions of the Old Faithful geyser (Azzalini and Bowman 1990).

    Returns
    -------
    X : ndarray of shape (272, 2)
        Duration of an eruption and the wait for the next one, in minutes.

    Examples
    --------
    >>> from gmmem.datasets import load_old_faithful
    >>> load_old_faithful().shape
    (272, 2)
    """
    text = files(__name__).joinpath("old_faithful.csv").read_text(encoding="utf-8")
    return np.loadtxt(text.splitlines(), delimiter=",", skiprows=1)
