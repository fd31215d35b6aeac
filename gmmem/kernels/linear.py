"""The E-step where 1 and x are all that is left of the terms, on rows as they lie.

    L = T_1 z + t_0,    R = softmax(L),    S_1 = R z',    S_0 = R 1

All components share a covariance, and every row gives all of itself: the quadratic terms drop
out.  The two products are then so short that to transpose the rows first, as the other kernels
do, would take longer than both.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmem.kernels.arithmetic import joint, joint_of_rows, summed
from gmmem.kernels.base import Scores, Shares
from gmmem.kernels.expanded import ExpandedKernel
from gmmem.sources.base import Block, Workspace


@dataclass(frozen=True, eq=False)
class LinearKernel(ExpandedKernel):
    """For shared covariances: what is prepared is the features alone, row by row in memory."""

    begins = 0

    def prepare(self, block: Block, workspace: Workspace) -> np.ndarray:
        """Rows about the centre, as columns (d, b)."""
        if block.kept is not None:
            return block.about(self.centre, workspace.take("wide", block.X.T.shape, self.dtype))
        Z = workspace.take("Phi", block.X.shape, self.dtype)
        content = (block.start, Z.shape, self.dtype, "rows")
        kept, centre = workspace.content or (None, None)
        if content != kept or centre is not self.centre:
            np.subtract(block.X, self.centre.astype(self.dtype), out=Z)
            workspace.content = content, self.centre
        return Z.T

    def scores(self, prepared: np.ndarray, workspace: Workspace) -> Scores:
        K, b = len(self.coefficients), prepared.shape[1]
        constant, linear = self.coefficients[:, :1], self.coefficients[:, 1:]
        L = workspace.take("L", (K, b), self.dtype)
        if prepared.strides[1] == self.dtype.itemsize:
            scores = joint(linear, prepared, L)
        else:
            tall = workspace.take("tall", (b, K), self.dtype)
            scores = joint_of_rows(linear, prepared.T, tall).T
        return Scores(
            np.add(scores, constant, out=L),
            lambda: self._left_out(prepared, workspace),
            self.bounded,
            lambda some: linear @ prepared[:, some] + constant,
        )

    def accumulate(
        self, prepared: np.ndarray, shares: Shares, workspace: Workspace
    ) -> tuple[Any, ...]:
        R = np.multiply(shares.R, shares.scale, out=shares.R)
        mass = R.sum(axis=1, dtype=np.float64)
        return (np.column_stack([mass, summed(R, prepared)]),)
