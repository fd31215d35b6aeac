"""The E-step by features: the quadratic form expanded.

    L = T Phi(X),    R = softmax(L),    S = R Phi(X)'

Two matrix products and one exponential a row and component.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmem.kernels.arithmetic import (
    CEILING,
    DEPTH,
    above_ceiling,
    joint,
    softmax,
    softmax_below_ceiling,
    statistics,
    weighted_total,
)
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.sources.base import Block, Frame, Workspace


@dataclass(frozen=True, eq=False)
class FeatureKernel:
    """``L = T Phi(X)``; the quadratic rows are left out where all components share them.

    The coefficients are those of L less `shift`, which keeps L below the ceiling; where
    no bound is near, `shift` is zero and `bounded` false.
    """

    mixture: Mixture
    frame: Frame
    coefficients: np.ndarray
    dtype: np.dtype
    shift: float
    bounded: bool

    @classmethod
    def of(cls, mixture: Mixture, frame: Frame, dtype: np.dtype) -> "FeatureKernel":
        """Write a mixture as the coefficients of the features."""
        storage, form = mixture.covariances, mixture.covariances.form
        means, precisions = mixture.means - frame.centre, storage.precisions
        linear = form.times(precisions, means)
        constant = mixture.log_peaks - 0.5 * np.einsum("kj,kj->k", linear, means)
        parts = [constant[:, None], linear]
        if len(precisions) > 1:
            parts.append(-0.5 * form.pack(precisions))
            most, bounded = mixture.log_peaks.max(), True
        else:
            swing = np.abs(linear) @ frame.extent
            most, least = (constant + swing).max(), (constant - swing).max()
            bounded = most - least < DEPTH[dtype]
        shift = float(most - CEILING[dtype]) if bounded else 0.0
        constant -= shift
        return cls(mixture, frame, np.hstack(parts).astype(dtype), dtype, shift, bool(bounded))

    @property
    def exact(self) -> bool:
        """Whether components of any scale are safe."""
        return False

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * sum(self.coefficients.shape)

    def _features(self, block: Block, workspace: Workspace) -> np.ndarray:
        d, p = self.mixture.n_features, self.coefficients.shape[1]
        Phi = workspace.take("Phi", (p, len(block.X)), self.dtype)
        # Features do not change from pass to pass: a lone block finds them as they were.
        content = (block.start, Phi.shape, self.dtype, self.mixture.covariances.form)
        kept, centre = workspace.content or (None, None)
        if content == kept and centre is self.frame.centre:
            return Phi
        Phi[0] = 1
        np.subtract(block.X.T, self.frame.centre[:, None].astype(self.dtype), out=Phi[1 : d + 1])
        if p > d + 1:
            self.mixture.covariances.form.fill(Phi[1 : d + 1], Phi[d + 1 :])
        workspace.content = content, self.frame.centre
        return Phi

    def _joint(self, Phi: np.ndarray, workspace: Workspace) -> np.ndarray:
        out = workspace.take("L", (len(self.coefficients), Phi.shape[1]), self.dtype)
        return joint(self.coefficients, Phi, out)

    def _softmax(self, Phi: np.ndarray, workspace: Workspace) -> tuple[np.ndarray, ...]:
        L = self._joint(Phi, workspace)
        shift = 0.0 if self.bounded else above_ceiling(L)
        if shift is None:
            return L, *softmax(L, workspace)
        if shift:
            np.subtract(L, self.dtype.type(shift), out=L)
        log_sum, scale = softmax_below_ceiling(
            L, workspace, lambda columns: self.coefficients @ Phi[:, columns] - shift
        )
        if shift:
            np.add(log_sum, self.dtype.type(shift), out=log_sum)
        return L, log_sum, scale

    def _left_out(self, Phi: np.ndarray, workspace: Workspace) -> np.ndarray | float:
        """What the coefficients leave out of the log-density of a row, (b,)."""
        storage = self.mixture.covariances
        if len(storage.factors) > 1:
            return self.shift
        Z = Phi[1 : self.mixture.n_features + 1]
        Y = storage.whiten(0, Z, workspace.take("Y", Z.shape, self.dtype))
        return self.shift - 0.5 * np.einsum("jb,jb->b", Y, Y)

    def log_joint(self, block: Block, workspace: Workspace) -> np.ndarray:
        """Log of weight times density, (K, b)."""
        Phi = self._features(block, workspace)
        L = self._joint(Phi, workspace)
        L += self._left_out(Phi, workspace)
        return L

    def posterior(self, block: Block, workspace: Workspace) -> tuple[np.ndarray, ...]:
        """Responsibilities up to a factor a row (K, b), log-densities and factors (b,)."""
        Phi = self._features(block, workspace)
        R, log_sum, scale = self._softmax(Phi, workspace)
        log_sum += self._left_out(Phi, workspace)
        return R, log_sum, scale

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        Phi = self._features(block, workspace)
        R, log_sum, scale = self._softmax(Phi, workspace)
        log_likelihood = weighted_total(log_sum, block.weight)
        if block.weight is not None:
            np.multiply(scale, block.weight, out=scale, casting="same_kind")
        return log_likelihood, statistics(R, scale, Phi, workspace)

    def moments(self, sums: tuple[Any, ...]) -> tuple[float, Moments]:
        """Log-likelihood and moments from the sums over all blocks."""
        log_likelihood, S = sums
        log_likelihood += self.shift * self.frame.total_weight
        d, storage = self.mixture.n_features, self.mixture.covariances
        if len(storage.factors) == 1:
            second = self.frame.spread
            log_likelihood -= 0.5 * float(storage.form.inner(storage.precisions, second)[0])
        else:
            second = storage.form.unpack(S[:, d + 1 :], d)
        centre = self.frame.centre[None]
        return log_likelihood, Moments(S[:, 0], centre, S[:, 1 : d + 1], second, storage.form)
