"""Whose the components are, where those of several mixtures are estimated at once."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from gmmem.covariances.storage import DegenerateCovariance


class Parts:
    """The components of several mixtures, one mixture after the other.

    Parameters
    ----------
    sizes : sequence of int
        How many components each mixture has.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances.parts import Parts
    >>> Parts([1, 2]).total(np.array([3.0, 4.0, 5.0]))
    array([3., 9., 9.])
    """

    def __init__(self, sizes: Sequence[int]):
        self.sizes = tuple(sizes)
        self.slices = slices(self.sizes)

    @cached_property
    def _firsts(self) -> list[int]:
        return [here.start for here in self.slices]

    @cached_property
    def _which(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sums over the components of each mixture: one for each component, or one for all."""
        if len(self.sizes) == 1:
            return values.sum(axis=0, keepdims=True)
        return np.add.reduceat(values, self._firsts, axis=0)[self._which]

    def each(self, solve: Callable[[slice], Any]) -> Iterator[tuple[slice, Any]]:
        """What is found for one mixture after the other, and where its components are."""
        for here in self.slices:
            try:
                found = solve(here)
            except DegenerateCovariance as error:
                raise DegenerateCovariance(here.start + error.component, error.reason) from None
            yield here, found


def slices(sizes: Sequence[int]) -> list[slice]:
    """Where the components of each mixture are."""
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]


@lru_cache(maxsize=256)
def whole(size: int) -> Parts:
    """All of one mixture."""
    return Parts((size,))
