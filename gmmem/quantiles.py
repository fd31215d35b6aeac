"""Quantiles of many mixtures of one feature at once."""

from dataclasses import dataclass

import numpy as np

from gmmem.conditioning import FLOAT, Conditional
from gmmem.sources.base import Block, Workspace
from gmmem.univariate import quantile


@dataclass(frozen=True, eq=False)
class Quantiles:
    """Quantiles of each feature that is asked for, (b, m, q).

    Parameters
    ----------
    conditional : Conditional
    probabilities : ndarray of shape (q,)
        Between 0 and 1.
    """

    conditional: Conditional
    probabilities: np.ndarray

    @property
    def row_bytes(self) -> int:
        return self.conditional.row_bytes + 4 * FLOAT * self.conditional.n_components

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        weights, means = self.conditional.block_parts(block, workspace)
        deviations = np.sqrt(self.conditional.remains.variances)
        for j in range(self.conditional.n_asked):
            for q, probability in enumerate(self.probabilities):
                out[:, j, q] = quantile(
                    probability, weights, means[:, :, j], deviations[:, j, None]
                )
