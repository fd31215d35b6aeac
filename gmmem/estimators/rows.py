"""Where the rows live: from what a user gives to a source.

Arrays are checked at once, as scikit-learn does.  Of what is not in memory the names and the
number of the features are checked at once, values where they are read.
"""

import sys
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.validation import validate_data

from gmmem.compat import check_sample_weight
from gmmem.problem import Problem
from gmmem.sources import Dask, Device, InMemory, Rows
from gmmem.sources.device import Place

# Rows that initialisers see of those that are elsewhere: more than they look at.
SEEN = 50_000

# Numbers of incomplete rows that are copied, to be filled in for an initialiser: of more it
# sees a sample.
MOST_COPIED = 4_000_000


def as_rows(estimator: Any, X, sample_weight=None, *, reset: bool) -> Rows:
    """The source of what was given as X: an array, a Dask collection, or a source itself.

    With scikit-learn's ``array_api_dispatch`` an array of a device stays on it.

    Parameters
    ----------
    estimator : estimator
        Whose names and number of features are set (`reset`, in `fit`) or compared.
    X, sample_weight
    reset : bool

    Raises
    ------
    ValueError
        If the rows or their weights are not usable.
    """
    if is_dask(X):
        return _dask(estimator, X, sample_weight, reset)
    if hasattr(X, "fold") and hasattr(X, "map"):
        return _source(estimator, X, sample_weight, reset)
    least = 2 if reset else 1
    if is_on_device(X):
        xp = Place.of(X).xp
        dtypes = [xp.float64, xp.float32]
        X = validate_data(estimator, X, reset=reset, dtype=dtypes, ensure_min_samples=least)
        return _device(X, sample_weight)
    if not is_ready(X, least):
        X = validate_data(
            estimator,
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            ensure_min_samples=least,
            ensure_all_finite="allow-nan" if takes_nan(estimator) else True,
        )
    elif reset:
        # What scikit-learn's check comes to, for an array has no names.
        vars(estimator).pop("feature_names_in_", None)
        estimator.n_features_in_ = X.shape[1]
    elif not is_known(estimator, X):
        _check_features(estimator, X, reset)
    return InMemory(X, check_weight(sample_weight, X))


def is_ready(X, least: int) -> bool:
    """Whether scikit-learn would leave X as it is: an array of at least so many finite rows.

    It takes longer to find that than a hundred rows take to be scored.
    """
    if type(X) is not np.ndarray or X.dtype.char not in "df" or not X.dtype.isnative:
        return False
    if X.ndim != 2 or len(X) < least or not X.shape[1]:
        return False
    with np.errstate(all="ignore"):  # A sum that is finite is of numbers that are.
        return bool(np.isfinite(X.sum()))


def is_known(estimator: Any, X: np.ndarray) -> bool:
    """Whether an array has the features of the fit, which had no names for them."""
    fitted = vars(estimator)
    return X.shape[1] == fitted.get("n_features_in_") and "feature_names_in_" not in fitted


def is_on_device(X) -> bool:
    """Whether X is an array of the array API standard that scikit-learn is told to leave there."""
    standard = hasattr(X, "__array_namespace__") or type(X).__module__.split(".")[0] == "torch"
    return standard and not isinstance(X, np.ndarray) and get_config()["array_api_dispatch"]


def _device(X, sample_weight) -> Device:
    """Rows in an array of the array API standard."""
    rows = Device(X)
    if sample_weight is None:
        return rows
    if not isinstance(sample_weight, np.ndarray | list | tuple):
        sample_weight = rows.place.host(sample_weight)
    return Device(X, check_weight(sample_weight, np.empty((rows.n_rows, 1))))


class TakesMissing:
    """An estimator of rows of which values may be missing: it says so to scikit-learn."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def takes_nan(estimator: Any) -> bool:
    """Whether an estimator takes rows of which values are missing."""
    return get_tags(estimator).input_tags.allow_nan


def is_dask(X) -> bool:
    """Whether X is a Dask array or DataFrame; Dask itself need not be there."""
    return "dask" in sys.modules and hasattr(X, "__dask_graph__") and hasattr(X, "to_delayed")


def _source(estimator, rows: Rows, sample_weight, reset: bool) -> Rows:
    """A source that the user made."""
    if sample_weight is not None:
        raise ValueError(
            f"sample_weight must be given to the source itself, {type(rows).__name__}, where X "
            "is one."
        )
    _check_features(estimator, np.empty((1, rows.n_features)), reset)
    return _enough(rows, reset)


def _dask(estimator, X, sample_weight, reset: bool) -> Rows:
    """A Dask collection; the values are looked at in the pass that needs them."""
    names = getattr(X, "_meta", None) if hasattr(X, "columns") else None
    rows = Dask(X, sample_weight)
    _check_features(estimator, np.empty((1, rows.n_features)) if names is None else names, reset)
    if not reset:
        # In a fit the first pass finds what is not finite.
        finite = rows.X.map_blocks(
            all_finite, takes_nan(estimator), dtype=rows.X.dtype, meta=rows.X._meta
        )
        rows = Dask(finite, rows.weight)
    return _enough(rows, reset)


def _check_features(estimator, like, reset: bool) -> None:
    validate_data(estimator, like, reset=reset, skip_check_array=True)


def _enough(rows: Rows, reset: bool) -> Rows:
    if reset and rows.n_rows < 2:
        raise ValueError(f"X has {rows.n_rows} row(s), while a minimum of 2 is required.")
    return rows


def all_finite(X: np.ndarray, or_missing: bool = False) -> np.ndarray:
    """The same, if every value is finite, or missing where that is allowed."""
    if X.dtype != np.float32:
        X = X.astype(np.float64, copy=False)
    assert_all_finite(X, allow_nan=or_missing, input_name="X")
    return X


def as_data(rows: Rows) -> tuple[Any, Any]:
    """Rows and weights as those who follow a fit may ask for them."""
    return getattr(rows, "X", rows), getattr(rows, "weight", None)


def number_sampled(problem: Problem) -> int | None:
    """Number of all rows where initialisers see a sample of them; None where they see all."""
    rows, complete = problem.rows, problem.incomplete is None
    if isinstance(rows, InMemory) and (complete or rows.X.size <= MOST_COPIED):
        return None
    return rows.n_rows


def fingerprint(rows: Rows) -> tuple:
    """What tells rows from others: their contents, or what they are made by."""
    if isinstance(rows, InMemory):
        return rows.X, rows.weight
    if isinstance(rows, Dask):
        return rows.X.name, getattr(rows.weight, "name", None)
    return (id(rows),)


def seen(
    problem: Problem, random_state: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows, and their weights, that initialisers see: all, or a sample of what is elsewhere.

    They are complete: what is missing is filled in, in a copy.
    """
    rows = problem.complete
    if number_sampled(problem) is not None:
        rows = rows.sample(SEEN, random_state)
    elif problem.incomplete is not None:
        rows = rows.sample(rows.n_rows, random_state)
    return _filled(rows.X, rows.weight, problem.extent.centre), rows.weight


def _filled(X: np.ndarray, weight: np.ndarray | None, centre: np.ndarray) -> np.ndarray:
    """The same with a centre for NaN, which rows of weight zero may still hold."""
    if weight is None:
        return X
    nothing = weight == 0
    gaps = np.isnan(X[nothing])
    if not gaps.any():
        return X
    X = X.copy()
    X[nothing] = np.where(gaps, centre, X[nothing])
    return X


def check_weight(sample_weight, X) -> np.ndarray | None:
    """Row weights as float64, or None: none negative, some positive."""
    if sample_weight is None:
        return None
    weight = check_sample_weight(sample_weight, X, dtype=np.float64)
    if (weight < 0).any():
        raise ValueError(f"sample_weight must not be negative; its least is {weight.min():g}.")
    if not weight.any():
        raise ValueError("sample_weight is zero for every row; some must be positive.")
    return weight
