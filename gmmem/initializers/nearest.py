"""Rows that go to the nearest of some centres."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from gmmem.sources.base import Block, Workspace
from gmmem.sources.device import DeviceBlock, Place

EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class Nearest:
    """Each row belongs to the nearest centre.

    Parameters
    ----------
    centres : ndarray of shape (n_components, n_features)
        One for each component.

    Examples
    --------
    An initialiser of your own may answer so:

    >>> from gmmem import GaussianMixture
    >>> from gmmem.initializers import Nearest
    >>> def at_the_ends(X, n_components, *, sample_weight=None, random_state=None):
    ...     return Nearest(X[[X[:, 0].argmin(), X[:, 0].argmax()]])
    >>> model = GaussianMixture(2, init_params=at_the_ends)
    >>> model.fit([[0.0], [1], [8], [9]]).means_
    array([[0.5],
           [8.5]])
    """

    centres: np.ndarray

    numbers_a_component: ClassVar[int] = 2
    """Of scratch for a row: scores and their errors."""

    @cached_property
    def _expanded(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Middle m of the centres; ``c - m``, (K, d); and its half square, (K,)."""
        centres = np.asarray(self.centres, dtype=np.float64)
        middle = np.median(centres, axis=0)  # That of most centres, wherever some may lie.
        C = centres - middle
        return middle, C, np.einsum("kj,kj->k", C, C) / 2

    @cached_property
    def _scores(self) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Middle; coefficients of z and 1, (K, d + 1); and what rounding costs a unit of each."""
        middle, C, half = self._expanded
        rounding = 8 * (C.shape[1] + 1) * EPS
        per_unit, constant = rounding * np.abs(C).sum(axis=1).max(), rounding * half.max()
        return middle[:, None], np.column_stack([C, -half]), per_unit, constant

    def __call__(self, block: Block, workspace: Workspace) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            near = self._near(block, workspace).astype(np.float32)
        # How many may be the nearest, and the number of the one: several times as fast as argmax.
        numbers = np.arange(len(near), dtype=np.float32)
        many, one = np.stack([np.ones_like(numbers), numbers]) @ near
        labels = one.astype(np.intp)
        # Rounding decides where centres are as near as each other: differences do not round.
        unsure = np.flatnonzero(many != 1)
        if len(unsure):
            labels[unsure] = self._by_differences(block.X[unsure].T)
        return labels

    def on(self, place: Place) -> Callable:
        """The same on a device, but for what rounding decides.

        Parameters
        ----------
        place : Place
            The namespace and the device of the rows.

        Returns
        -------
        assign : callable
            From a block of rows there to their labels.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.initializers import Nearest
        >>> from gmmem.sources.device import DeviceBlock, Place
        >>> X = np.array([[1.0], [8.0], [2.0]])
        >>> Nearest([[0.0], [9.0]]).on(Place.of(X))(DeviceBlock(0, X))
        array([0, 1, 0])
        """
        middle, C, half = self._expanded
        middle, C, half = place.put(middle), place.put(C.T), place.put(half)

        def nearest(block: DeviceBlock):
            Z = place.xp.astype(block.X, place.xp.float64, copy=False) - middle
            return place.xp.argmax(Z @ C - half, axis=1)

        return nearest

    def _near(self, block: Block, workspace: Workspace) -> np.ndarray:
        """Which centres may be the nearest, by the expanded square, (K, b).

        The nearest has the largest ``z . c - |c|^2 / 2``.
        """
        middle, coefficients, per_unit, constant = self._scores
        K, d = len(coefficients), len(middle)
        Z = workspace.take("Z1", (d + 1, len(block.X)))
        Z[d] = 1
        np.subtract(block.X.T, middle, out=Z[:d])
        score = np.matmul(coefficients, Z, out=workspace.take("score", (K, len(block.X))))
        error = np.maximum(Z[:d].max(axis=0), -Z[:d].min(axis=0))
        error *= 2 * per_unit
        error += 2 * constant
        best = np.subtract(score.max(axis=0), error, out=error)
        return np.greater_equal(score, best, out=workspace.take("near", score.shape, np.bool_))

    def _by_differences(self, Xt: np.ndarray) -> np.ndarray:
        b = Xt.shape[1]
        least, labels = np.full(b, np.inf), np.zeros(b, dtype=np.intp)
        Z, distance, closer = np.empty(Xt.shape), np.empty(b), np.empty(b, dtype=bool)
        for k, centre in enumerate(np.asarray(self.centres, dtype=np.float64)):
            np.subtract(Xt, centre[:, None], out=Z)
            np.einsum("jb,jb->b", Z, Z, out=distance)
            np.less(distance, least, out=closer)
            np.copyto(least, distance, where=closer)
            np.copyto(labels, k, where=closer)
        return labels
