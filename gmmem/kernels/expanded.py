"""The E-step by quadratic terms: the quadratic form expanded.

    L = T Phi(X),    R = softmax(L),    S = R Phi(X)'

Two matrix products and one exponential a row and component.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gmmem.kernels.arithmetic import CEILING, DEPTH, joint, statistics
from gmmem.kernels.base import Components, Scores, Shares
from gmmem.kernels.standard import StandardExpanded
from gmmem.moments import Moments
from gmmem.sources.base import Block, Workspace
from gmmem.sources.device import Place


@dataclass(frozen=True, eq=False)
class ExpandedKernel:
    """``L = T Phi(X)``; the quadratic rows are left out where all components share them.

    The coefficients are those of L less `shift`, which keeps L below the ceiling; where
    no bound is near, `shift` is zero and `bounded` false.
    """

    components: Components
    centre: np.ndarray
    extent: np.ndarray
    dtype: np.dtype
    leaves_out: bool
    exact = False
    begins = 1

    @classmethod
    def of(
        cls,
        components: Components,
        centre: np.ndarray,
        extent: np.ndarray,
        dtype: np.dtype,
        complete: bool = True,
    ) -> "ExpandedKernel":
        """Components as the coefficients of 1, x and the quadratic terms."""
        leaves_out = complete and components.covariances.shared
        return cls(components, centre, extent, dtype, leaves_out)

    @cached_property
    def _written(self) -> tuple[np.ndarray, float, bool]:
        """Coefficients, shift, and whether L is bounded: not every kernel comes to a pass."""
        components, dtype = self.components, self.dtype
        storage, form = components.covariances, components.covariances.form
        means, precisions = components.means - self.centre, storage.precisions
        linear = form.times(precisions, means)
        constant = components.log_peaks - 0.5 * np.einsum("kj,kj->k", linear, means)
        parts = [constant[:, None], linear]
        if self.leaves_out:
            swing = np.abs(linear) @ self.extent
            most, least = (constant + swing).max(), (constant - swing).max()
            bounded = most - least < DEPTH[dtype]
        else:
            packed = -0.5 * form.pack(precisions)
            parts.append(packed.repeat(len(means), axis=0) if storage.shared else packed)
            most, bounded = components.log_peaks.max(), True
        shift = float(most - CEILING[dtype]) if bounded else 0.0
        constant -= shift
        coefficients = np.concatenate(parts, axis=1).astype(dtype, copy=False)
        return coefficients, shift, bool(bounded)

    @property
    def coefficients(self) -> np.ndarray:
        """Those of L less the shift, (K, p)."""
        return self._written[0]

    @property
    def shift(self) -> float:
        """What keeps L below the ceiling."""
        return self._written[1]

    @property
    def bounded(self) -> bool:
        """Whether it does."""
        return self._written[2]

    @property
    def origin(self) -> np.ndarray:
        """What features are prepared about."""
        return self.centre

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * sum(self.coefficients.shape)

    def prepare(self, block: Block, workspace: Workspace) -> np.ndarray:
        """The rows of Phi: 1, z = x - centre, and the quadratic terms of z."""
        d, p = self.components.n_features, self.coefficients.shape[1]
        Phi = workspace.take("Phi", (p, len(block.X)), self.dtype)
        # They do not change from pass to pass: a lone block finds them as they were.
        content = (block.start, Phi.shape, self.dtype, self.components.covariances.form)
        kept, centre = workspace.content or (None, None)
        if content == kept and centre is self.centre:
            return Phi
        Phi[0] = 1
        block.about(self.centre, Phi[1 : d + 1])
        if p > d + 1:
            self.components.covariances.form.fill(Phi[1:], d)
        workspace.content = content, self.centre
        return Phi

    def scores(self, prepared: np.ndarray, workspace: Workspace) -> Scores:
        shape = len(self.coefficients), prepared.shape[1]
        L = joint(self.coefficients, prepared, workspace.take("L", shape, self.dtype))
        return Scores(
            L,
            lambda: self._left_out(prepared, workspace),
            self.bounded,
            lambda some: self.coefficients @ prepared[:, some],
        )

    def _left_out(self, Phi: np.ndarray, workspace: Workspace) -> np.ndarray | float:
        if not self.leaves_out:
            return self.shift
        Z = Phi[self.begins : self.begins + self.components.n_features]
        storage = self.components.covariances
        Y = storage.whiten(0, Z, workspace.take("Y", Z.shape, self.dtype))
        return self.shift - 0.5 * np.einsum("jb,jb->b", Y, Y)

    def accumulate(
        self, prepared: np.ndarray, shares: Shares, workspace: Workspace
    ) -> tuple[Any, ...]:
        return (statistics(shares.R, shares.scale, prepared, workspace),)

    def moments(self, sums: tuple[Any, ...], total: Moments | None) -> Moments:
        (S,) = sums
        d, form = self.components.n_features, self.components.covariances.form
        if self.leaves_out:
            second = total.second
        else:
            second = form.unpack(S[:, d + 1 :], d)
            if self.components.covariances.shared:
                second = second.sum(axis=0, keepdims=True)
        return Moments(S[:, 0], self.centre[None], S[:, 1 : d + 1], second, form)

    def on(self, place: Place) -> StandardExpanded:
        """The same on a device."""
        return StandardExpanded(self, place)

    def left_out_in_total(self, weight: float, total: Moments | None) -> float:
        """What the scores left out, over rows of a weight in all."""
        storage, left_out = self.components.covariances, self.shift * weight
        if self.leaves_out:
            left_out -= 0.5 * float(storage.form.inner(storage.precisions, total.second)[0])
        return left_out
