"""Which columns are meant: by number, name, mask or slice."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

# Names that an error shows.
SHOWN = 8


def columns(
    features: Any, n_features: int, names: Sequence[str] | None = None, parameter: str = "features"
) -> np.ndarray:
    """Numbers of the columns that are meant, in the order given.

    Parameters
    ----------
    features : int, str, slice, mask, or sequence of int and str
        A negative number counts from the end.
    n_features : int
    names : sequence of str, default=None
        Of the columns, where they have any.
    parameter : str, default="features"
        What errors call it.

    Returns
    -------
    columns : ndarray of int

    Raises
    ------
    ValueError
        If one is no column or is there twice, or there is none.

    Examples
    --------
    >>> from gmmem.columns import columns
    >>> columns(["height", -1], 3, ["age", "height", "weight"])
    array([1, 2])
    """
    if isinstance(features, slice):
        return _some(np.arange(n_features)[features], features, parameter)
    alone = isinstance(features, str) or not np.iterable(features)
    wanted = [features] if alone else list(features)
    if wanted and all(isinstance(one, bool | np.bool_) for one in wanted) and not alone:
        if len(wanted) != n_features:
            raise ValueError(
                f"{parameter} is a mask of {len(wanted)} columns; there are {n_features}."
            )
        return _some(np.flatnonzero(wanted), features, parameter)
    numbers = [_number(one, n_features, names, parameter) for one in wanted]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{parameter}={features!r} has a column twice.")
    return _some(np.array(numbers, dtype=np.intp), features, parameter)


def others(columns: np.ndarray, n_features: int) -> np.ndarray:
    """Numbers of all other columns, in order."""
    return np.setdiff1d(np.arange(n_features), columns)


def _some(numbers: np.ndarray, features: Any, parameter: str) -> np.ndarray:
    if not len(numbers):
        raise ValueError(f"{parameter}={features!r} is no column at all; give at least one.")
    return numbers


def _number(feature: Any, n_features: int, names: Sequence[str] | None, parameter: str) -> int:
    if isinstance(feature, str) and names is not None:
        places = [place for place, name in enumerate(names) if name == feature]
        if len(places) == 1:
            return places[0]
    is_number = isinstance(feature, Integral) and not isinstance(feature, bool | np.bool_)
    if is_number and -n_features <= feature < n_features:
        return int(feature) % n_features
    raise ValueError(
        f"{parameter}: {feature!r} is no column; give a number, 0 to {n_features - 1}"
        + (f", or one of the names {_listed(names)}." if names is not None else ".")
        + (" The columns have no names." if names is None and isinstance(feature, str) else "")
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(str(name)) for name in names[:SHOWN])
    return shown + (", ..." if len(names) > SHOWN else "")
