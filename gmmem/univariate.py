"""A mixture of one feature: densities, the distribution function, and its inverse."""

import math

import numpy as np
from scipy.special import ndtr, ndtri

# Halvings of a bracket, more than float64 tells apart.
HALVINGS = 64

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
    # The mixture's quantile lies between those of its components.
    p = p[inside]
    each = arrays[1][:, None] + arrays[2][:, None] * ndtri(p)
    low, high = each.min(axis=0), each.max(axis=0)
    for _ in range(HALVINGS):
        middle = low + 0.5 * (high - low)
        below = distribution(middle, *arrays) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    result[inside] = low + 0.5 * (high - low)
    return result


def _standardised(x: np.ndarray, means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return (x - means[:, None]) / deviations[:, None]
