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


def ordered(mixture: Mixture, by: str | None) -> tuple[Mixture, np.ndarray]:
    """The components in order, and which of them comes in each place, (n_components,).

    Components that are equal in all that is looked at stay as they were.

    Examples
    --------
    >>> from gmmem import Mixture
    >>> from gmmem.estimators.ordering import ordered
    >>> mixture = Mixture.from_arrays(
    ...     [0.2, 0.4, 0.4], [[0.0], [2.0], [1.0]], [1.0, 1.0, 1.0], "spherical")
    >>> [ordered(mixture, by)[1].tolist() for by in (None, "weight", "mean")]
    [[0, 1, 2], [2, 1, 0], [0, 2, 1]]
    """
    if by is None:
        return mixture, np.arange(mixture.n_components)
    placed = COMPONENT_ORDERS[by](mixture)
    return mixture.take(placed), placed


def unordered(estimator: Any) -> Mixture:
    """The mixture of an estimator's attributes, in the order that its fit had it in.

    Priors and what is fixed speak of components by that one.
    """
    mixture = as_mixture(estimator)
    placed = vars(estimator).get("_placed")
    if placed is None or len(placed) != mixture.n_components:
        return mixture
    return mixture.take(np.argsort(placed))
