"""What some components say of rows: passes whose answer is a sum, or as long as the data.

How a row is scored is told in `gmmem.scoring`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import entr

from gmmem.kernels import standard
from gmmem.kernels.allocation import weighted
from gmmem.kernels.arithmetic import weighted_total
from gmmem.kernels.patterns import without_value
from gmmem.scoring import Scorer
from gmmem.sources.base import Block, Workspace, added
from gmmem.sources.device import DeviceBlock, Place
from gmmem.univariate import distribution

# Tables of scores below this size take less time than the calls that spare their strides.
SMALL = 4096


@dataclass(frozen=True, eq=False)
class Densities:
    """Log-density of each row."""

    scorer: Scorer

    @property
    def row_bytes(self) -> int:
        return self.scorer.row_bytes

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        log_sum = self.scorer.posterior(block, workspace).log_sum
        with np.errstate(over="ignore"):  # In float32, very far away is infinitely far.
            out[:] = log_sum

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        ask = self.scorer.on(place)
        return lambda block: ask(block)[2]


@dataclass(frozen=True, eq=False)
class Responsibilities:
    """Posterior probability of each component, (b, K)."""

    scorer: Scorer

    @property
    def row_bytes(self) -> int:
        return self.scorer.row_bytes

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        shares = self.scorer.posterior(block, workspace)
        np.multiply(shares.R, shares.scale, out=out.T)

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        ask = self.scorer.on(place)
        return lambda block: ask(block)[1]


@dataclass(frozen=True, eq=False)
class MostProbable:
    """The most probable component of each row."""

    scorer: Scorer

    @property
    def row_bytes(self) -> int:
        return self.scorer.row_bytes

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        L = self.scorer.joint(block, workspace)
        if L.size < SMALL:
            np.argmax(L, axis=0, out=out)
            return
        # Component by component: runs along contiguous memory, the first largest wins.
        best = workspace.take("peak", L.shape[1:], L.dtype)
        best[:] = L[0]
        out[:] = 0
        for k in range(1, len(L)):
            larger = L[k] > best
            np.copyto(best, L[k], where=larger)
            np.copyto(out, k, where=larger)

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        ask = self.scorer.on(place)
        return lambda block: place.xp.argmax(ask(block)[0], axis=1)


@dataclass(frozen=True, eq=False)
class Counted:
    """Weight of the rows that each component is the most probable of, by class, (K, classes).

    Rows may come with a column "class", from 0 on; without one, there is one class.
    """

    scorer: Scorer
    n_classes: int = 1
    combine = staticmethod(added)

    @property
    def row_bytes(self) -> int:
        return self.scorer.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        labels = np.empty(len(block.X), dtype=np.int64)
        MostProbable(self.scorer)(block, workspace, labels)
        return (self._count(labels, block.weight, block.columns),)

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        ask = MostProbable(self.scorer).on(place)

        def count(block: DeviceBlock) -> tuple[Any, ...]:
            weight = None if block.weight is None else place.fetch(block.weight)
            return (self._count(place.host(ask(block)), weight, block.columns),)

        return count

    def _count(self, labels: np.ndarray, weight: np.ndarray | None, columns) -> np.ndarray:
        shape = self.scorer.kernel.components.n_components, self.n_classes
        cells = labels * self.n_classes + columns.get("class", 0)
        counts = np.bincount(cells, weight, minlength=shape[0] * shape[1])
        return counts.reshape(shape).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Cumulative:
    """Probability of values up to each row's, of one feature."""

    arrays: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Weights, means and standard deviations."""

    @property
    def row_bytes(self) -> int:
        return 16 * len(self.arrays[0])

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        out[:] = distribution(block.X[:, 0].astype(np.float64), *self.arrays)


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Log-densities times row weights, and the weight of rows without a value."""

    scorer: Scorer
    combine = staticmethod(added)

    @property
    def row_bytes(self) -> int:
        return self.scorer.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        log_sum = self.scorer.posterior(block, workspace).log_sum
        return weighted_total(log_sum, block.weight), weight_of_nothing(block)

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        ask = self.scorer.on(place)
        return lambda block: (standard.weighted_total(ask(block)[2], block, place), 0.0)


@dataclass(frozen=True, eq=False)
class Certainty:
    """The same, entropy, and the negative log of the largest responsibilities.

    Rows without a value add to none of them.
    """

    scorer: Scorer
    combine = staticmethod(added)

    @property
    def row_bytes(self) -> int:
        return 2 * self.scorer.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        shares = self.scorer.posterior(block, workspace)
        R = np.multiply(shares.R, shares.scale, out=shares.R)
        empty = without_value(block.X)
        if empty is not None:
            R[:, empty] = np.eye(1, len(R)).T  # As certain as can be.
        largest = R.max(axis=0)
        entropy, doubt = (
            weighted_total(values, block.weight)
            for values in (entr(R).sum(axis=0), -np.log(largest))
        )
        total = weighted_total(shares.log_sum, block.weight)
        return total, weight_of_nothing(block), entropy, doubt

    def on(self, place: Place) -> Callable:
        """The same on a device."""
        ask, xp = self.scorer.on(place), place.xp

        def certainty(block: DeviceBlock) -> tuple[float, ...]:
            _, R, log_sum = ask(block)
            none = R == 0
            entropy = -xp.sum(R * xp.log(xp.where(none, xp.ones_like(R), R)), axis=1)
            of_rows = log_sum, entropy, -xp.log(xp.max(R, axis=1))
            total, *doubts = (standard.weighted_total(each, block, place) for each in of_rows)
            return total, 0.0, *doubts

        return certainty


@dataclass(frozen=True, eq=False)
class Observed:
    """Weight of each component's rows in which a feature is observed, (K, d)."""

    scorer: Scorer
    combine = staticmethod(added)

    @property
    def row_bytes(self) -> int:
        return self.scorer.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        shares = weighted(self.scorer.posterior(block, workspace), block.weight)
        R = np.multiply(shares.R, shares.scale, out=shares.R)
        return (R.astype(np.float64, copy=False) @ ~np.isnan(block.X),)


def weight_of_nothing(block: Block) -> float:
    """Weight of the rows without a value."""
    empty = without_value(block.X)
    if empty is None:
        return 0.0
    return float(np.count_nonzero(empty) if block.weight is None else block.weight @ empty)
