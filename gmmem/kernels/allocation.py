"""From scores to shares: what stands between the two halves of an E-step.

*Soft* is EM's own.  The others change what a row gives, and nothing else: the kernels, the
M-step and the loop are the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, ClassVar

import numpy as np

from gmmem.kernels import standard
from gmmem.kernels.arithmetic import (
    above_ceiling,
    exponentiate_below_ceiling,
    softmax,
    softmax_below_ceiling,
)
from gmmem.kernels.base import Scores, Shares
from gmmem.sources.base import Block, Workspace
from gmmem.sources.device import Place

# Responsibilities of several mixtures that are exponentiated at once.
CACHED = 32_768


@dataclass(frozen=True)
class Soft:
    """Responsibilities: ``R = softmax(L)``, and the log-likelihood ``logsumexp(L)``."""

    complete: ClassVar[bool] = True

    def on(self, L: Any, place: Place) -> tuple[Any, Any]:
        """Responsibilities (b, K) and log-sums (b,) of scores (b, K) on a device."""
        return standard.softmax(L, place.xp)

    def __call__(self, scores: Scores, block: Block, workspace: Workspace) -> Shares:
        L = scores.L
        if scores.again is None:
            return _shares(L, softmax(L, workspace))
        shift = 0.0 if scores.bounded else above_ceiling(L)
        if shift is None:
            return _shares(L, softmax(L, workspace))
        if not shift:
            return _shares(L, softmax_below_ceiling(L, workspace, scores.again))
        np.subtract(L, L.dtype.type(shift), out=L)
        log_sum, scale = softmax_below_ceiling(
            L, workspace, lambda some: scores.again(some) - shift
        )
        np.add(log_sum, L.dtype.type(shift), out=log_sum)
        return Shares(L, scale, log_sum)


def _shares(R: np.ndarray, sums: tuple[np.ndarray, np.ndarray]) -> Shares:
    log_sum, scale = sums
    return Shares(R, scale, log_sum)


SOFT = Soft()


@dataclass(frozen=True)
class Apart:
    """Several mixtures side by side: rows are shared among the components of each.

    The objectives are those of each of them, (mixtures, b).

    Parameters
    ----------
    sizes : tuple of int
        How many components each has, in their order.
    """

    sizes: tuple[int, ...]
    complete: ClassVar[bool] = False

    def __call__(self, scores: Scores, block: Block, workspace: Workspace) -> Shares:
        L = scores.L
        if scores.bounded and scores.again is not None:
            log_sums = self._below_ceiling(L, workspace, scores.again)
        else:
            log_sums = self._by_peaks(L, workspace)
        return Shares(L, np.ones(L.shape[1], L.dtype), log_sums)

    def _below_ceiling(self, L: np.ndarray, workspace: Workspace, columns: Callable) -> np.ndarray:
        """Shares in place of scores that do not exceed the ceiling, and log-sums.

        Rows that lie far below it by one of the mixtures are computed anew by their peaks.
        """
        least = exponentiate_below_ceiling(L, workspace)
        total = self._members.astype(L.dtype, copy=False) @ L
        far = ()
        if not total.min() >= least:
            far = np.flatnonzero(~(total >= least).all(axis=0))
            total[:, far] = 1
        log_sums = np.log(total)
        np.divide(1, total, out=total)
        scale = workspace.take("scale", L.shape, L.dtype)
        L *= np.take(total, self._whose, axis=0, out=scale, mode="clip")
        if len(far):
            part = columns(far)
            log_sums[:, far] = self._by_peaks(part, Workspace())
            L[:, far] = part
        return log_sums

    @cached_property
    def _whose(self) -> np.ndarray:
        """Which mixture each component is of, (K,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def _members(self) -> np.ndarray:
        """What sums the components of each, (mixtures, K)."""
        return (self._whose == np.arange(len(self.sizes))[:, None]).astype(np.float64)

    def _by_peaks(self, L: np.ndarray, workspace: Workspace) -> np.ndarray:
        """The same of any scores."""
        log_sums = []
        for some in self._alike(L):
            of_each, scale = softmax(some, workspace)
            some *= scale
            log_sums.append(of_each.copy())  # The scratch is the next ones'.
        return np.concatenate(log_sums)

    def _alike(self, L: np.ndarray) -> Iterator[np.ndarray]:
        """Neighbours of one size, as many as stay in a processor's cache, (size, some, b)."""
        first, b = 0, L.shape[1]
        for size, them in groupby(self.sizes):
            number, step = len(list(them)), max(CACHED // (size * b), 1)
            for start in range(0, number, step):
                last = first + size * min(step, number - start)
                yield L[first:last].reshape(-1, size, b).transpose(1, 0, 2)
                first = last


@dataclass(frozen=True)
class Hard:
    """Every row to its most probable component alone: classification EM.

    The objective is the classification log-likelihood (Celeux and Govaert 1992).
    """

    complete: ClassVar[bool] = True

    def __call__(self, scores: Scores, block: Block, workspace: Workspace) -> Shares:
        L = scores.L
        best, places = L.argmax(axis=0), np.arange(L.shape[1])
        log_sum = L[best, places]
        L[:] = 0
        L[best, places] = 1
        return Shares(L, np.ones_like(log_sum), log_sum)


@dataclass(frozen=True)
class Labelled:
    """Some rows' components are known: the column "label" has them, and -1 elsewhere.

    The objective of a known row is the log of its own component's weight times density.
    """

    complete: ClassVar[bool] = True

    def __call__(self, scores: Scores, block: Block, workspace: Workspace) -> Shares:
        labels = block.columns["label"]
        known = np.flatnonzero(labels >= 0)
        own = scores.L[labels[known], known]
        # What remains of the others is exactly nothing, not a small number.
        scores.L[:, known] = own
        R, scale, log_sum = SOFT(scores._replace(again=None), block, workspace)
        R[:, known] = 0
        R[labels[known], known] = 1
        scale[known], log_sum[known] = 1, own
        return Shares(R, scale, log_sum)


@dataclass(frozen=True)
class Outside:
    """A share of the rows belongs to no component: noise of a known density.

    Parameters
    ----------
    weight : float
        The share, between 0 and 1, which is held.
    log_density : float
        Of the noise, in nats: minus the log of the volume in which it is uniform.
    """

    weight: float
    log_density: float
    complete: ClassVar[bool] = False

    def __post_init__(self):
        if not 0 < self.weight < 1:
            raise ValueError(f"weight={self.weight} must lie between 0 and 1.")

    def __call__(self, scores: Scores, block: Block, workspace: Workspace) -> Shares:
        L = scores.L
        joined = np.empty((len(L) + 1, L.shape[1]), L.dtype)
        joined[:-1] = L + np.log1p(-self.weight)
        joined[-1] = np.log(self.weight) + self.log_density - scores.left_out()
        log_sum, scale = softmax(joined, workspace)
        return Shares(joined[:-1], scale, log_sum)


def weighted(shares: Shares, weight: np.ndarray | None) -> Shares:
    """The same times the weights of the rows."""
    if weight is not None:
        np.multiply(shares.scale, weight, out=shares.scale, casting="same_kind")
    return shares
