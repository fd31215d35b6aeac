"""What both kinds of replicates share."""

from collections.abc import Callable
from numbers import Integral
from typing import TypeVar

from gmmem.covariances import DegenerateCovariance

LARGEST_SEED = 2**31 - 1

# Draws in a row that may fail.  What fails so often says nothing of the fits that succeed.
MOST_DRAWS = 100

Value = TypeVar("Value")


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
