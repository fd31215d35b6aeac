"""The contracts of an E-step: what is scored, by what, and what is made of the scores.

    scores     L = log(weight x density), one row a component     (a kernel)
    shares     R = softmax(L), or what else is believed of rows   (an allocation)
    moments    S = sums of R, R x and R x x'                      (the kernel again)

A kernel knows how a block of rows is scored and how its moments are taken; an allocation
stands between the two, and knows no components.  All arrays are wide: a row for each
component, a column for each row of the data.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from gmmem.covariances import Storage
from gmmem.moments import Moments
from gmmem.sources.base import Block, Workspace


class Components(Protocol):
    """All that a kernel reads: a `Mixture` is one, so is any posterior of the same shape."""

    log_peaks: np.ndarray
    """Log of weight times density at the mean, (K,)."""
    means: np.ndarray
    covariances: Storage

    @property
    def n_components(self) -> int: ...

    @property
    def n_features(self) -> int: ...


class WeightedComponents(Components, Protocol):
    """What scores any row, whatever it lacks."""

    log_weights: np.ndarray
    """Of a row without a value, (K,)."""


class Scores(NamedTuple):
    """Log of weight times density, (K, b), but for something that a row has in common."""

    L: np.ndarray
    """The taker's to overwrite."""
    left_out: Callable[[], Any]
    """What must be added in each row, a number or (b,): not always worth computing."""
    bounded: bool = False
    """Whether L is known not to exceed the ceiling of `arithmetic`."""
    again: Callable[[np.ndarray], np.ndarray] | None = None
    """Some columns of L computed anew."""


class Shares(NamedTuple):
    """What each row gives to each component."""

    R: np.ndarray
    """Up to a factor a row, (K, b)."""
    scale: np.ndarray
    """That factor, (b,)."""
    log_sum: np.ndarray
    """Objective of each row, less what the scores left out, (b,)."""


class Allocation(Protocol):
    """From scores to shares."""

    complete: bool
    """Whether the shares of every row sum to one: then what all components have in common
    never needs to be summed a component."""

    def __call__(self, scores: Scores, block: Block, workspace: Workspace) -> Shares:
        """Overwrites the scores."""


class Kernel(Protocol):
    """How a block is scored by some components, and how its moments are taken."""

    components: Components
    centre: np.ndarray
    """Of the rows, (d,)."""
    origin: np.ndarray
    """What features are prepared about: the centre, or zero."""
    exact: bool
    """Whether components of any scale are safe."""
    leaves_out: bool
    """Whether second moments are not summed, since every row gives all of itself."""
    begins: int
    """Where the features begin in what is prepared: behind a 1, or at once."""
    row_bytes: int

    def prepare(self, block: Block, workspace: Workspace) -> np.ndarray:
        """What scores and moments are both computed from: the features among it, (d..., b)."""

    def scores(self, prepared: np.ndarray, workspace: Workspace) -> Scores:
        """Log of weight times density."""

    def accumulate(
        self, prepared: np.ndarray, shares: Shares, workspace: Workspace
    ) -> tuple[Any, ...]:
        """Sums over the block, given shares (times row weights); overwrites both."""

    def moments(self, sums: tuple[Any, ...], total: Moments | None) -> Moments:
        """Moments from the sums over all blocks.

        `total` is that of the same rows as one component, where `leaves_out`.
        """
