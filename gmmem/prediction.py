"""What a mixture says of rows, block by block, in memory that n does not grow.

Only the answer itself is as long as the data.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from gmmem.covariances import CovarianceModel
from gmmem.covariances.base import n_free
from gmmem.criteria import Evidence
from gmmem.kernels import guard as kernels
from gmmem.kernels.arithmetic import weighted_total
from gmmem.kernels.guard import Kernel
from gmmem.mixture import Mixture
from gmmem.sources.base import Block, Workspace
from gmmem.survey import Rows, survey


@dataclass(frozen=True, eq=False)
class _Writer:
    """A kernel that adds nothing up: it writes its rows of the answer."""

    kernel: Kernel
    out: np.ndarray
    write: Callable[[Kernel, Block, Workspace, np.ndarray], None]

    @property
    def row_bytes(self) -> int:
        return self.kernel.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple:
        out = self.out[block.start : block.start + len(block.X)]
        self.write(self.kernel, block, workspace, out)
        return ()


def _density(kernel, block, workspace, out):
    _, out[:], _ = kernel.posterior(block, workspace)


def _responsibilities(kernel, block, workspace, out):
    R, _, scale = kernel.posterior(block, workspace)
    np.multiply(R, scale, out=out.T)


def _labels(kernel, block, workspace, out):
    L = kernel.log_joint(block, workspace)
    # Component by component: runs along contiguous memory, the first largest wins.
    best = workspace.take("peak", L.shape[1:], L.dtype)
    best[:] = L[0]
    out[:] = 0
    for k in range(1, len(L)):
        larger = L[k] > best
        np.copyto(best, L[k], where=larger)
        np.copyto(out, k, where=larger)


@dataclass(frozen=True, eq=False)
class _Total:
    """A kernel that adds up log-densities times row weights, and nothing else."""

    kernel: Kernel

    @property
    def row_bytes(self) -> int:
        return self.kernel.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple:
        _, log_sum, _ = self.kernel.posterior(block, workspace)
        return (weighted_total(log_sum, block.weight),)


@dataclass(frozen=True, eq=False)
class _Certainty:
    """A kernel that adds up log-densities and the entropies of the responsibilities."""

    kernel: Kernel

    @property
    def row_bytes(self) -> int:
        return 2 * self.kernel.row_bytes

    def __call__(self, block: Block, workspace: Workspace) -> tuple:
        R, log_sum, scale = self.kernel.posterior(block, workspace)
        np.multiply(R, scale, out=R)
        largest = R.max(axis=0)
        return tuple(
            weighted_total(values, block.weight)
            for values in (log_sum, entr(R).sum(axis=0), -np.log(largest))
        )


def _evaluate(mixture: Mixture, rows: Rows, out: np.ndarray, write: Callable) -> np.ndarray:
    kernel = kernels.choose(mixture, survey(rows), rows.precision)
    rows.fold(_Writer(kernel, out, write))
    return out


def log_likelihood(mixture: Mixture, rows: Rows) -> float:
    """Sum of the log-densities times the row weights."""
    kernel = kernels.choose(mixture, survey(rows), rows.precision)
    return rows.fold(_Total(kernel))[0]


def likelihood(mixture: Mixture, model: CovarianceModel, rows: Rows) -> Evidence:
    """What criteria of the likelihood alone look at."""
    n_parameters = n_free(model, *mixture.means.shape)
    return Evidence(
        log_likelihood(mixture, rows),
        n_parameters,
        rows.total_weight,
        n_components=mixture.n_components,
    )


def evidence(mixture: Mixture, model: CovarianceModel, rows: Rows) -> Evidence:
    """What every criterion looks at, in one pass; without the one component to compare with."""
    kernel = kernels.choose(mixture, survey(rows), rows.precision)
    total, entropy, map_entropy = rows.fold(_Certainty(kernel))
    n_parameters = n_free(model, *mixture.means.shape)
    return Evidence(
        total, n_parameters, rows.total_weight, entropy, map_entropy, mixture.n_components
    )


def log_density(mixture: Mixture, rows: Rows) -> np.ndarray:
    """Log-density of each row, (n_samples,), in the dtype of the rows."""
    return _evaluate(mixture, rows, np.empty(rows.n_rows, rows.dtype), _density)


def responsibilities(mixture: Mixture, rows: Rows) -> np.ndarray:
    """Posterior probabilities, (n_samples, n_components), in the dtype of the rows."""
    out = np.empty((rows.n_rows, mixture.n_components), rows.dtype)
    return _evaluate(mixture, rows, out, _responsibilities)


def labels(mixture: Mixture, rows: Rows) -> np.ndarray:
    """The most probable component of each row, (n_samples,)."""
    return _evaluate(mixture, rows, np.empty(rows.n_rows, np.int64), _labels)
