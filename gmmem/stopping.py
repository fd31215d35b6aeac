"""When EM is done: by what the last iteration gained, or by what is still to be had.

Near its end EM gains less and less by a steady factor ``a``.  By Aitken's extrapolation of the
last gain ``g`` what remains is

    g (a + a^2 + a^3 + ...)  =  g a / (1 - a),

a hundred times the last gain where components overlap so much that a = 0.99.  Boehning et al.
(1994), Ann. Inst. Statist. Math. 46, 373.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

# Gains that are compared: the slowest of their factors counts, as one alone may mislead.
GAINS = 4

# Gains below this share of the likelihood's size are rounding error.
ROUNDING = 32 * float(np.finfo(np.float64).eps)


class Remaining(NamedTuple):
    """What is estimated to be still to be had."""

    gain: float
    """In nats a row; infinite where gains do not shrink, or are too few to tell."""
    factor: float
    """By which each gain is smaller than the one before."""

    def per(self, weight: float) -> "Remaining":
        """Of a total, what that is a unit of weight."""
        return self._replace(gain=self.gain / weight)

    def iterations(self, tol: float) -> float:
        """How many more until less than `tol` remains; infinite where that is not known."""
        if self.gain <= tol:
            return 0
        if not (0 < self.factor < 1 and tol > 0 and math.isfinite(self.gain)):
            return math.inf
        return math.ceil(math.log(tol / self.gain) / math.log(self.factor))


UNKNOWN = Remaining(math.inf, 1.0)


def remaining(history: Sequence[float]) -> Remaining:
    """What is still to be had, by the mean log-likelihoods so far.

    Examples
    --------
    >>> from gmmem.stopping import remaining
    >>> history = [-2.0 - 0.9**n for n in range(30)]
    >>> found = remaining(history)
    >>> round(found.gain, 6), round(-2.0 - history[-1], 6), found.iterations(1e-3)
    (0.047101, 0.047101, 37)
    """
    # For a few numbers Python is faster than NumPy.
    last = history[-GAINS - 1 :]
    gains = [after - before for before, after in pairwise(last)]
    if len(gains) < 2:
        return UNKNOWN
    if gains[-1] <= ROUNDING * max(abs(last[-1]), 1.0):
        return Remaining(0.0, 0.0)
    if not min(gains[:-1]) > 0:
        return UNKNOWN
    factor = max(after / before for before, after in pairwise(gains))
    if factor >= 1:
        return UNKNOWN
    return Remaining(gains[-1] * factor / (1 - factor), factor)


def last_change(history: Sequence[float], previous: float, known: Remaining | None) -> float:
    """What the last iteration changed; `previous` is what the first is compared with."""
    return abs(history[-1] - (history[-2] if len(history) > 1 else previous))


def remaining_gain(history: Sequence[float], previous: float, known: Remaining | None) -> float:
    """What is still to be had, a row; as it is `known`, if it is."""
    return (known or remaining(history)).gain


def check_limits(tol: Any, max_iter: Any) -> None:
    """Refuse what iterations could not end by.

    Raises
    ------
    ValueError
        If `tol` is no number of at least 0, or `max_iter` no whole number of at least 1.
    """
    if not isinstance(tol, Real) or not tol >= 0:
        raise ValueError(f"tol={tol!r} must be a number of at least 0.")
    if isinstance(max_iter, bool) or not isinstance(max_iter, Integral) or max_iter < 1:
        raise ValueError(f"max_iter={max_iter!r} must be a whole number of at least 1.")


STOPPING: dict[str, Callable[[Sequence[float], float, Remaining | None], float]] = {
    "change": last_change,
    "aitken": remaining_gain,
}
