"""What both kinds of replicates share."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, TypeVar

from gmmem.covariances import DegenerateCovariance
from gmmem.estimators.checkpoint import Checkpoint, hashed, identity

LARGEST_SEED = 2**31 - 1

# Draws in a row that may fail.  What fails so often says nothing of the fits that succeed.
MOST_DRAWS = 100

Value = TypeVar("Value")


def checkpoint_for(path: Any, every: float, task: str, params: dict, *arrays) -> Checkpoint:
    """Where the replicates of a task are kept.

    Parameters
    ----------
    path : path-like or None
    every : float
    task : str
    params : dict
        What it depends on, but for the data.
    *arrays : ndarray or None
        The data.

    Raises
    ------
    ValueError
        If there is something else.
    """
    if not isinstance(every, Real) or not every >= 0:
        raise ValueError(f"checkpoint_every={every!r} must be a number of seconds, at least 0.")
    if path is None:
        return Checkpoint(None, every, {})
    data = hashed(*(each for each in arrays if each is not None))
    return Checkpoint(path, every, identity(task, params, data))


def check_counts(**counts) -> None:
    """Refuse what is not a whole number of at least one."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
            raise ValueError(f"{name}={count!r} must be an integer of at least 1.")


def redrawn(draw: Callable[[], Value], advice: str) -> Value:
    """What a draw gives; one whose fit collapses is drawn again, up to a limit.

    Raises
    ------
    ValueError
        If every draw collapsed: it says why.
    """
    failure = None
    for _ in range(MOST_DRAWS):
        try:
            return draw()
        except DegenerateCovariance as error:
            failure = error
    raise ValueError(
        f"None of {MOST_DRAWS} replicates drawn in a row could be fitted: "
        f"{str(failure).rstrip('.')}. {advice}"
    ) from failure
