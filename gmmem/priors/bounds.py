"""Bounds on mixing weights, and the weights that maximise the likelihood within them.

maximise  sum_k f_k log w_k     where  sum_k w_k = 1,  low_k <= w_k <= high_k
w_k = clip(t f_k, low_k, high_k)       for the one t > 0 at which they sum to one

Weights that are known have both bounds there.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Bounds:
    """Between which each mixing weight must lie.

    Parameters
    ----------
    low, high : ndarray of shape (n_components,)
        With ``low.sum() <= 1 <= high.sum()``.
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def none(cls, n_components: int) -> "Bounds":
        """Those that every weight keeps."""
        return cls(np.zeros(n_components), np.ones(n_components))

    def holding(self, weights: np.ndarray, held: np.ndarray) -> "Bounds":
        """These, with some weights where they are known to be."""
        return Bounds(np.where(held, weights, self.low), np.where(held, weights, self.high))

    @property
    def exclude_something(self) -> bool:
        return bool((self.low > 0).any() or (self.high < 1).any())

    @property
    def n_known(self) -> int:
        """How many weights are no free parameters."""
        return min(int((self.low == self.high).sum()), len(self.low) - 1)

    def weights(self, shares: np.ndarray) -> np.ndarray:
        """The weights that maximise ``shares @ log(weights)``."""
        if not self.exclude_something:
            return shares / shares.sum()
        if ((shares == 0) & (self.low < self.high)).any():
            return self._where_some_have_nothing(shares)
        return self._level(shares, 1.0)

    def _level(self, shares: np.ndarray, total: float) -> np.ndarray:
        """Weights ``clip(t shares, low, high)`` of that sum, shares positive or weights known."""
        known = self.low == self.high
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            leaves_low, reaches_high = self.low / shares, self.high / shares
        turns = np.concatenate([leaves_low[~known], reaches_high[~known]])
        # The sum grows with t, in a line between two turns.  At the last turn at which it is
        # not too large one sees who is at a bound.
        turns = np.unique(turns[np.isfinite(turns)])
        sums = [self._clipped(t, shares).sum() for t in turns]
        before = np.searchsorted(sums, total, side="right") - 1
        t = turns[max(before, 0)] if len(turns) else 0.0
        free = ~known & (leaves_low <= t) & (t < reaches_high)
        if free.any():
            bound = np.where(free, 0, self._clipped(t, shares)).sum()
            t = (total - bound) / shares[free].sum()
        return self._clipped(t, shares)

    def _clipped(self, t: float, shares: np.ndarray) -> np.ndarray:
        return np.clip(t * shares, self.low, self.high)

    def _where_some_have_nothing(self, shares: np.ndarray) -> np.ndarray:
        """Components without a share get least, and what the others may not have, alike."""
        nothing = (shares == 0) & (self.low < self.high)
        least = self.low[nothing].sum()
        others = Bounds(self.low[~nothing], self.high[~nothing])
        weights = np.empty(len(shares))
        weights[~nothing] = others._level(shares[~nothing], 1 - least)
        left = 1 - weights[~nothing].sum()
        same = Bounds(self.low[nothing], self.high[nothing])
        weights[nothing] = same._level(np.ones(nothing.sum()), left)
        return weights
