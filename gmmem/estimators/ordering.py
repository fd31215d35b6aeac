"""The order of components: one permutation, applied once, when a fit becomes attributes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gmmem.estimators.attributes import as_mixture
from gmmem.mixture import Mixture


def by_weight(mixture: Mixture) -> np.ndarray:
    """The heaviest first, of equals the one of the lesser mean, as `by_mean` compares them."""
    return np.lexsort((*mixture.means.T[::-1], -mixture.weights))


def by_mean(mixture: Mixture) -> np.ndarray:
    """By the first feature of the means, of equals by the next; then the heaviest first."""
    return np.lexsort((-mixture.weights, *mixture.means.T[::-1]))


COMPONENT_ORDERS: dict[str, Callable[[Mixture], np.ndarray]] = {
    "weight": by_weight,
    "mean": by_mean,
}


def order(mixture: Mixture, by: str | None) -> np.ndarray:
    """Which component comes in each place, (n_components,).

    Components that are equal in all that is looked at stay as they were.

    Examples
    --------
    >>> from gmmem import Mixture
    >>> from gmmem.estimators.ordering import order
    >>> mixture = Mixture.from_arrays(
    ...     [0.2, 0.4, 0.4], [[0.0], [2.0], [1.0]], [1.0, 1.0, 1.0], "spherical")
    >>> [order(mixture, by).tolist() for by in (None, "weight", "mean")]
    [[0, 1, 2], [2, 1, 0], [0, 2, 1]]
    """
    return np.arange(mixture.n_components) if by is None else COMPONENT_ORDERS[by](mixture)


def unordered(estimator: Any) -> Mixture:
    """The mixture of an estimator's attributes, in the order that its fit had it in.

    Priors and what is fixed speak of components by that one.
    """
    mixture = as_mixture(estimator)
    placed = vars(estimator).get("_placed")
    if placed is None or len(placed) != mixture.n_components:
        return mixture
    return mixture.take(np.argsort(placed))
