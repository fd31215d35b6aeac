"""Quantiles of many mixtures of one feature at once."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from gmmem.conditioning import FLOAT, Conditional
from gmmem.sources.base import Block, Workspace

# Newton's steps, with a bisection after every third: a bracket shrinks by 2^-80 at least.
MOST_STEPS = 320

# Deviations beyond which a density is zero.
FARTHEST = 50.0


@dataclass(frozen=True, eq=False)
class Quantiles:
    """Quantiles of each feature that is asked for, (b, m, q).

    Parameters
    ----------
    conditional : Conditional
    probabilities : ndarray of shape (q,)
        Between 0 and 1.
    """

    conditional: Conditional
    probabilities: np.ndarray

    @property
    def row_bytes(self) -> int:
        return self.conditional.row_bytes + 4 * FLOAT * self.conditional.n_components

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        weights, means = self.conditional.block_parts(block, workspace)
        deviations = np.sqrt(self.conditional.remains.variances)
        for j in range(self.conditional.n_asked):
            for q, probability in enumerate(self.probabilities):
                out[:, j, q] = quantile(
                    probability, weights, means[:, :, j], deviations[:, j, None]
                )


def quantile(
    probability: float, weights: np.ndarray, means: np.ndarray, deviations: np.ndarray
) -> np.ndarray:
    """One quantile of b mixtures.

    Parameters
    ----------
    probability : float
        Between 0 and 1.
    weights, means : ndarray of shape (K, b)
    deviations : ndarray of shape (K, 1) or (1, 1)

    Returns
    -------
    quantile : ndarray of shape (b,)

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.quantiles import quantile
    >>> quantile(0.25, np.array([[0.5], [0.5]]), np.array([[-9.0], [9.0]]), np.ones((1, 1)))
    array([-9.])
    """
    if probability > 0.5:
        # From the other end, where small probabilities keep their digits.
        return -quantile(1 - probability, weights, -means, deviations)
    counts = weights > 0
    weights = weights / weights.sum(axis=0)
    # Below the quantile of any component alone; and above where each of them has its part.
    with np.errstate(divide="ignore", over="ignore"):
        share = probability / weights
        high = _ends(means, deviations, share, counts & (share < 1))
        low = _ends(means, deviations, share / counts.sum(axis=0), counts)
    middle = means + ndtri(probability) * deviations
    high = np.minimum(high, middle.max(axis=0, where=counts, initial=-np.inf))
    low = np.maximum(low, middle.min(axis=0, where=counts, initial=np.inf))
    high = np.maximum(high, low)  # But for rounding.
    scale = np.maximum(np.abs(low), np.abs(high)) + deviations.min()
    rounding = 4 * len(means) * np.finfo(np.float64).eps
    means = np.where(counts, means, low)
    x, going = high.copy(), np.arange(len(high))
    for step in range(MOST_STEPS):
        w = weights[:, going]
        Z = (x[going] - means[:, going]) / deviations
        below = (w * ndtr(Z)).sum(axis=0)
        slope = (w * np.exp(-0.5 * np.square(Z.clip(-FARTHEST, FARTHEST))) / deviations).sum(axis=0)
        above = below > probability
        high[going[above]] = x[going[above]]
        low[going[~above]] = x[going[~above]]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            # In logs, in which tails are nearly straight.
            excess = np.log(below / probability)
            new = x[going] - excess * below * np.sqrt(2 * np.pi) / slope
        inside = (new > low[going]) & (new < high[going]) & (step % 4 < 3)
        new = np.where(inside, new, (low[going] + high[going]) / 2)
        new = np.where(np.abs(excess) <= rounding, x[going], new)
        moved = np.abs(new - x[going]) > rounding * scale[going]
        x[going] = new
        going = going[moved]
        if not len(going):
            break
    return x


def _ends(
    means: np.ndarray, deviations: np.ndarray, share: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Where the first component has a share of its own below, (b,)."""
    ends = means + deviations * ndtri(np.where(counts, np.minimum(share, 1), 0.5))
    return ends.min(axis=0, where=counts, initial=np.inf)
