"""Quantiles of many mixtures of one feature at once."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from gmmem.conditioning import FLOAT, Conditional
from gmmem.sources.base import Block, Workspace

# Newton's steps, with a bisection after every second: a bracket shrinks 2^-80 in all.
MOST_STEPS = 240


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
    >>> quantile(0.5, np.array([[0.5], [0.5]]), np.array([[-4.0], [4.0]]), np.ones((1, 1)))
    array([0.])
    """
    if probability > 0.5:
        # From the other end, where small probabilities keep their digits.
        return -quantile(1 - probability, weights, -means, deviations)
    counts = weights > 0
    weights = weights / weights.sum(axis=0)
    ends = means + ndtri(probability) * deviations
    low = ends.min(axis=0, where=counts, initial=np.inf)
    high = ends.max(axis=0, where=counts, initial=-np.inf)
    scale = np.maximum(np.abs(low), np.abs(high)) + deviations.min()
    means = np.where(counts, means, low)
    x, going = (weights * np.where(counts, ends, low)).sum(axis=0), np.arange(weights.shape[1])
    for step in range(MOST_STEPS):
        Z = (x[going] - means[:, going]) / deviations
        excess = (weights[:, going] * ndtr(Z)).sum(axis=0) - probability
        slope = (weights[:, going] * np.exp(-0.5 * Z**2) / deviations).sum(axis=0)
        above = excess > 0
        high[going[above]] = x[going[above]]
        low[going[~above]] = x[going[~above]]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            new = x[going] - excess * np.sqrt(2 * np.pi) / slope
        middle = (low[going] + high[going]) / 2
        inside = (new > low[going]) & (new < high[going])
        new = np.where(inside & (step % 3 < 2), new, middle)
        moved = np.abs(new - x[going]) > 4 * np.finfo(float).eps * scale[going]
        x[going] = np.where(excess == 0, x[going], new)
        going = going[moved & (excess != 0)]
        if not len(going):
            break
    return x
