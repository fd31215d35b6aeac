"""A mixture of one feature: densities, the distribution function, and its inverse."""

import math

import numpy as np
from scipy.special import ndtr, ndtri

# Newton's steps, with a bisection after every third: a bracket shrinks by 2^-80 at least.
MOST_STEPS = 320

# Deviations beyond which a density is zero.
FARTHEST = 50.0

# Values at a time: the table of them by components stays small.
AT_ONCE = 65_536


def joint_density(
    x: np.ndarray, weights: np.ndarray, means: np.ndarray, deviations: np.ndarray
) -> np.ndarray:
    """Weight times density of each component, (n_components, n)."""
    peaks = weights / (math.sqrt(2 * math.pi) * deviations)
    return peaks[:, None] * np.exp(-0.5 * _standardised(x, means, deviations) ** 2)


def distribution(
    x: np.ndarray, weights: np.ndarray, means: np.ndarray, deviations: np.ndarray
) -> np.ndarray:
    """Probability of values up to x, (n,)."""
    # Weights that were kept in float32 add up to one but for their rounding.
    weights = weights / weights.sum()
    parts = np.array_split(x, -(-len(x) // AT_ONCE)) if len(x) else [x]
    found = [weights @ ndtr(_standardised(part, means, deviations)) for part in parts]
    return np.minimum(np.concatenate(found), 1)


def quantiles(
    p: np.ndarray, weights: np.ndarray, means: np.ndarray, deviations: np.ndarray
) -> np.ndarray:
    """The values up to which a probability p lies, (n,): infinite for 0 and for 1."""
    shown = weights > 0
    arrays = weights[shown], means[shown], deviations[shown]
    inside = (p > 0) & (p < 1)
    result = np.where(p > 0, np.inf, -np.inf)
    p = p[inside]
    weights, means, deviations = (array[:, None] for array in arrays)
    found = [
        quantile(part, *np.broadcast_arrays(weights, means, part)[:2], deviations)
        for part in (p[first : first + AT_ONCE] for first in range(0, len(p), AT_ONCE))
    ]
    result[inside] = np.concatenate(found) if found else p
    return result


def quantile(
    probability: float | np.ndarray, weights: np.ndarray, means: np.ndarray, deviations: np.ndarray
) -> np.ndarray:
    """One quantile of each of b mixtures.

    Parameters
    ----------
    probability : float or ndarray of shape (b,)
        Between 0 and 1.
    weights, means : ndarray of shape (K, b)
    deviations : ndarray of shape (K, 1) or (1, 1)

    Returns
    -------
    quantile : ndarray of shape (b,)

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.univariate import quantile
    >>> quantile(0.25, np.array([[0.5], [0.5]]), np.array([[-9.0], [9.0]]), np.ones((1, 1)))
    array([-9.])
    """
    p = np.broadcast_to(np.asarray(probability, dtype=np.float64), means.shape[1:])
    # From the other end where that is nearer: small probabilities keep their digits.
    side = np.where(p > 0.5, -1.0, 1.0)
    return side * _lower_quantile(np.where(p > 0.5, 1 - p, p), weights, side * means, deviations)


def _lower_quantile(
    p: np.ndarray, weights: np.ndarray, means: np.ndarray, deviations: np.ndarray
) -> np.ndarray:
    """The same for probabilities of at most a half."""
    counts = weights > 0
    weights = weights / weights.sum(axis=0)
    # Below the quantile of any component alone; and above where each of them has its part.
    with np.errstate(divide="ignore", over="ignore"):
        share = p / weights
        high = _ends(means, deviations, share, counts & (share < 1))
        low = _ends(means, deviations, share / counts.sum(axis=0), counts)
    middle = means + ndtri(p) * deviations
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
        above = below > p[going]
        high[going[above]] = x[going[above]]
        low[going[~above]] = x[going[~above]]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            # In logs, in which tails are nearly straight.
            excess = np.log(below / p[going])
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


def _standardised(x: np.ndarray, means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return (x - means[:, None]) / deviations[:, None]
