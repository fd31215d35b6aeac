"""Some features of a mixture given others, for as many rows as there are.

    p(x_m | x_o) = sum_k p(k | x_o) N(x_m; mu_m + B_k (x_o - mu_o), C_k)

What a component's regression leaves, C_k, is the same for every row: a row has only weights
and means of its own.  What is asked of them is a pass over the rows that are given, in memory
that n does not grow.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from gmmem.answers import Scorer
from gmmem.covariances import Storage
from gmmem.mixture import Mixture
from gmmem.sources.base import Block, Workspace

FLOAT = 8


class Parts(NamedTuple):
    """The conditional mixtures of b rows, all but their covariances."""

    weights: np.ndarray
    """(K, b)."""
    means: np.ndarray
    """(K, b, m)."""


@dataclass(frozen=True, eq=False)
class Conditional:
    """Components regressed on the features that are given.

    Parameters
    ----------
    scorer : Scorer
        Of the marginal density of what is given.
    centre : ndarray of shape (o,)
        Where the regressions are taken about.
    offsets : ndarray of shape (K, m)
        What each component expects there.
    coefficients : ndarray of shape (S, m, o)
        One for each component, or one for all.
    remains : Storage
        The covariances that are left, in m features.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem import Mixture
    >>> from gmmem.conditioning import Conditional
    >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2, 0], [5, 1]], [[[1, 0.5], [0.5, 1]]] * 2)
    >>> parts = Conditional.of(mixture, np.array([0]), np.array([1])).parts(np.array([[3.0]]))
    >>> parts.weights.ravel().round(3), parts.means.ravel()
    (array([0.871, 0.129]), array([0.5, 0. ]))
    """

    scorer: Scorer
    centre: np.ndarray
    offsets: np.ndarray
    coefficients: np.ndarray
    remains: Storage

    @classmethod
    def of(cls, mixture: Mixture, given: np.ndarray, asked: np.ndarray) -> "Conditional":
        """Some features given others; the rest is left out.

        Parameters
        ----------
        mixture : Mixture
        given, asked : ndarray of int
            Columns, none in both, and at least one in each.

        Returns
        -------
        conditional : Conditional
            Rows of which are those of the columns `given`.
        """
        d, o = mixture.n_features, len(given)
        if o + len(asked) < d:
            mixture = mixture.marginal(np.concatenate([given, asked]))
            given, asked = np.arange(o), np.arange(o, mixture.n_features)
        B, _ = mixture.covariances.regression(given, asked)
        scorer = Scorer.of(mixture.marginal(given), np.float64)
        centre = scorer.kernel.centre
        away = (centre - mixture.means[:, given])[:, :, None]
        offsets = mixture.means[:, asked] + (B @ away)[:, :, 0]
        return cls(scorer, centre, offsets, B, mixture.covariances.conditional(asked))

    @property
    def n_components(self) -> int:
        """K, the number of components."""
        return len(self.offsets)

    @property
    def n_asked(self) -> int:
        """m, the number of features that are asked for."""
        return self.offsets.shape[1]

    @property
    def row_bytes(self) -> int:
        """Scratch memory of a row, weights and means of the components."""
        means = FLOAT * self.n_components * self.n_asked
        return self.scorer.row_bytes + 2 * means

    def parts(self, X: np.ndarray) -> Parts:
        """Weights and means of rows of what is given, (b, o)."""
        return self.block_parts(Block(0, X), Workspace())

    def block_parts(self, block: Block, workspace: Workspace) -> Parts:
        """The same of a block."""
        shares = self.scorer.posterior(block, workspace)
        return Parts(shares.R * shares.scale, self.means(block.X))

    def means(self, X: np.ndarray) -> np.ndarray:
        """What each component expects of rows, (K, b, m)."""
        Z = X.astype(np.float64, copy=False) - self.centre
        return Z @ self.coefficients.transpose(0, 2, 1) + self.offsets[:, None]

    def mixture(self, weights: np.ndarray, means: np.ndarray) -> Mixture:
        """One row's density, from its weights (K,) and means (K, m)."""
        return Mixture(weights / weights.sum(), means, self.remains)

    def residual_covariances(self) -> np.ndarray:
        """What is left, dense, (S, m, m)."""
        return self.remains.dense()


@dataclass(frozen=True, eq=False)
class Expected:
    """Conditional mean, (b, m)."""

    conditional: Conditional

    @property
    def row_bytes(self) -> int:
        return self.conditional.row_bytes

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        weights, means = self.conditional.block_parts(block, workspace)
        out[:] = _mean(weights, means)


@dataclass(frozen=True, eq=False)
class Deviations:
    """Conditional mean and, below, standard deviation, (b, 2, m)."""

    conditional: Conditional

    @property
    def row_bytes(self) -> int:
        return self.conditional.row_bytes

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        weights, means = self.conditional.block_parts(block, workspace)
        out[:, 0] = mean = _mean(weights, means)
        means -= mean
        within = self.conditional.remains.variances[:, None]
        out[:, 1] = np.sqrt(_mean(weights, means**2 + within))


@dataclass(frozen=True, eq=False)
class Covariances:
    """Conditional mean and, below, covariance, (b, 1 + m, m)."""

    conditional: Conditional

    @property
    def row_bytes(self) -> int:
        return self.conditional.row_bytes

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        weights, means = self.conditional.block_parts(block, workspace)
        out[:, 0] = mean = _mean(weights, means)
        means -= mean
        between = (means * weights[:, :, None]).transpose(1, 2, 0) @ means.transpose(1, 0, 2)
        within = self.conditional.residual_covariances()
        if len(within) == 1:
            out[:, 1:] = between + within
        else:
            out[:, 1:] = between + np.tensordot(weights, within, axes=(0, 0))


@dataclass(frozen=True, eq=False)
class LogDensity:
    """Log of the conditional density at rows of what is given, then what was asked, (b,)."""

    conditional: Conditional

    @property
    def row_bytes(self) -> int:
        return self.conditional.row_bytes

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        found, m = self.conditional, self.conditional.n_asked
        X, Y = block.X[:, :-m], block.X[:, -m:]
        # As logs: what is all but ruled out by X may be all that explains Y.
        joint = found.scorer.joint(block._replace(X=X), workspace).astype(np.float64)
        prior = logsumexp(joint, axis=0)
        peaks = -0.5 * (m * np.log(2 * np.pi) + found.remains.log_det)
        with np.errstate(over="ignore"):
            for k, means in enumerate(found.means(X)):
                Z = (Y - means).T
                whitened = found.remains.whiten(k, Z, np.empty_like(Z))
                joint[k] += peaks[found.remains.at(k)] - 0.5 * np.einsum(
                    "jb,jb->b", whitened, whitened
                )
        out[:] = logsumexp(joint, axis=0) - prior


def _mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Over the components, (b, m)."""
    return np.einsum("kb,kbm->bm", weights, values)
