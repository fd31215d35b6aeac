"""Some features of a mixture given others, for as many rows as there are.

    p(x_m | x_o) = sum_k p(k | x_o) N(x_m; mu_m + B_k (x_o - mu_o), C_k)

What a component's regression leaves, C_k, is the same for every row: a row has only weights
and means of its own.  What is asked of them is a pass over the rows, in memory that n does
not grow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from gmmem.covariances import Storage
from gmmem.kernels.base import Shares
from gmmem.kernels.completed import batches, complete
from gmmem.kernels.patterns import patterns
from gmmem.mixture import Mixture
from gmmem.scoring import Scorer
from gmmem.sources.base import BLOCK_BYTES, Block, Workspace

FLOAT = 8

# Responsibilities that are the floor of their exponential; far out they would count for much.
RULED_OUT = 1e-290


class Parts(NamedTuple):
    """The conditional mixtures of b rows, all but their covariances."""

    weights: np.ndarray
    """(K, b)."""
    means: np.ndarray
    """(K, b, m)."""


@dataclass(frozen=True, eq=False)
class Unseen:
    """Scores rows of which nothing is seen: each component by its weight."""

    mixture: Mixture
    row_bytes: int = 0

    def joint(self, block: Block, workspace: Workspace) -> np.ndarray:
        return np.repeat(self.mixture.log_weights[:, None], len(block.X), axis=1)

    def posterior(self, block: Block, workspace: Workspace) -> Shares:
        b = len(block.X)
        R = np.repeat(self.mixture.weights[:, None], b, axis=1)
        return Shares(R, np.ones(b), np.zeros(b))


@dataclass(frozen=True, eq=False)
class Conditional:
    """Components regressed on the features that are given.

    Parameters
    ----------
    given, asked : ndarray of int
        Columns of the rows; the first o are known, the last m are what is asked about.
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

    given: np.ndarray
    asked: np.ndarray
    scorer: Scorer | Unseen
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
            Columns, none in both, and at least one that is asked for.

        Returns
        -------
        conditional : Conditional
        """
        o, m = len(given), len(asked)
        if o + m < mixture.n_features:
            mixture = mixture.marginal(np.concatenate([given, asked]))
            known, wanted = np.arange(o), np.arange(o, o + m)
        else:
            known, wanted = given, asked
        means = mixture.means[:, wanted]
        if not o:
            none, remains = np.zeros((1, m, 0)), mixture.covariances.marginal(wanted)
            return cls(given, asked, Unseen(mixture), np.zeros(0), means, none, remains)
        B, _ = mixture.covariances.regression(known, wanted)
        scorer = Scorer.of(mixture.marginal(known), np.float64)
        centre = scorer.kernel.centre
        offsets = means + (B @ (centre - mixture.means[:, known])[:, :, None])[:, :, 0]
        remains = mixture.covariances.conditional(wanted)
        return cls(given, asked, scorer, centre, offsets, B, remains)

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
        """Scratch memory of a row: its scores, and means of all components twice."""
        return self.scorer.row_bytes + 2 * FLOAT * self.n_components * self.n_asked

    def parts(self, X: np.ndarray) -> Parts:
        """Weights and means of rows."""
        return self.block_parts(Block(0, X), Workspace())

    def block_parts(self, block: Block, workspace: Workspace) -> Parts:
        """The same of a block."""
        block = self.seen(block)
        return Parts(self.weights(block, workspace), np.stack(list(self.means(block.X))))

    def seen(self, block: Block) -> Block:
        """Of a block, the columns that are given."""
        o = len(self.given)
        first = self.given[0] if o else 0
        if np.array_equal(self.given, np.arange(first, first + o)):
            return block._replace(X=block.X[:, first : first + o])
        return block._replace(X=block.X[:, self.given])

    def weights(self, seen: Block, workspace: Workspace) -> np.ndarray:
        """Responsibilities for what is given, (K, b)."""
        shares = self.scorer.posterior(seen, workspace)
        return _without_floor(shares.R * shares.scale)

    def means(self, X: np.ndarray):
        """What each component expects of rows of what is given, (b, m), one after another."""
        Z = X.astype(np.float64, copy=False) - self.centre
        shared = Z @ self.coefficients[0].T if len(self.coefficients) == 1 else None
        for k, offset in enumerate(self.offsets):
            slope = Z @ self.coefficients[k].T if shared is None else shared
            yield slope + offset

    def mixture(self, weights: np.ndarray, means: np.ndarray) -> Mixture:
        """One row's density, from its weights (K,) and means (K, m)."""
        return Mixture(weights / weights.sum(), means, self.remains)

    def blocks(self, numbers: np.ndarray, n_samples: int) -> Iterator[np.ndarray]:
        """Numbers of rows, as many at once as draws of them are to be held."""
        size = FLOAT * self.n_asked * (n_samples + 2 * self.n_components)
        step = max(1, BLOCK_BYTES // size)
        for first in range(0, len(numbers), step):
            yield numbers[first : first + step]

    def draw(self, X: np.ndarray, n_samples: int, rng: np.random.RandomState) -> np.ndarray:
        """Draws for each row, (b, n_samples, m)."""
        weights, means = self.parts(X)
        b, K = len(X), self.n_components
        # In a row's own sum, so that rounding leaves no draw without a component.
        upto = np.cumsum(weights, axis=0)
        points = rng.uniform(size=(b, n_samples)) * upto[-1][:, None]
        chosen = np.zeros((b, n_samples), dtype=np.intp)
        for k in range(K - 1):
            chosen += points >= upto[k][:, None]
        out = means[chosen, np.arange(b)[:, None]]
        for k in range(K):
            mine = chosen == k
            count = int(np.count_nonzero(mine))
            if count:
                out[mine] += self.remains.sample(k, np.zeros(self.n_asked), count, rng)
        return out


@dataclass(frozen=True, eq=False)
class Expected:
    """Conditional mean, (b, m)."""

    conditional: Conditional

    @property
    def row_bytes(self) -> int:
        return self.conditional.scorer.row_bytes + 4 * FLOAT * self.conditional.n_asked

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        seen = self.conditional.seen(block)
        weights, mean = self.conditional.weights(seen, workspace), 0.0
        for weight, means in zip(weights, self.conditional.means(seen.X), strict=True):
            mean += weight[:, None] * means
        out[:] = mean


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
        _centre(means, mean, weights)
        within = self.conditional.remains.variances[:, None]
        with np.errstate(over="ignore"):
            out[:, 1] = np.sqrt(_mean(weights, means**2 + within))


@dataclass(frozen=True, eq=False)
class Covariances:
    """Conditional mean and, below, covariance, (b, 1 + m, m)."""

    conditional: Conditional

    @property
    def row_bytes(self) -> int:
        return self.conditional.row_bytes + 3 * FLOAT * self.conditional.n_asked**2

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        weights, means = self.conditional.block_parts(block, workspace)
        out[:, 0] = mean = _mean(weights, means)
        _centre(means, mean, weights)
        within = self.conditional.remains.dense()
        shared = len(within) == 1
        out[:, 1:] = within[0] if shared else np.tensordot(weights, within, axes=(0, 0))
        out[:, 1:] += (means * weights[:, :, None]).transpose(1, 2, 0) @ means.transpose(1, 0, 2)


@dataclass(frozen=True, eq=False)
class LogDensity:
    """Log of the conditional density at what rows have where it was asked, (b,)."""

    conditional: Conditional

    @property
    def row_bytes(self) -> int:
        c = self.conditional
        return c.scorer.row_bytes + FLOAT * (4 * c.n_asked + c.n_components)

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        found, seen = self.conditional, self.conditional.seen(block)
        Y, remains = block.X[:, found.asked], found.remains
        # As logs: what is all but ruled out by what is given may be all that explains the rest.
        joint = found.scorer.joint(seen, workspace).astype(np.float64)
        given = logsumexp(joint, axis=0)
        peaks = -0.5 * (found.n_asked * np.log(2 * np.pi) + remains.log_det)
        with np.errstate(over="ignore"):
            for k, means in enumerate(found.means(seen.X)):
                Z = (Y - means).T
                whitened = remains.whiten(k, Z, np.empty_like(Z))
                distance = np.einsum("jb,jb->b", whitened, whitened)
                joint[k] += peaks[remains.at(k)] - 0.5 * distance
        out[:] = logsumexp(joint, axis=0) - given


def _mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Over the components, (b, m)."""
    return np.einsum("kb,kbm->bm", weights, values)


def _without_floor(weights: np.ndarray) -> np.ndarray:
    weights[weights < RULED_OUT] = 0
    return weights


def _centre(means: np.ndarray, mean: np.ndarray, weights: np.ndarray) -> None:
    """Differences from the mean of a row, in place."""
    means -= mean
    # However far out, a component that is ruled out adds nothing.
    means[weights == 0] = 0


@dataclass(frozen=True, eq=False)
class Completed:
    """Rows with what is expected of their missing entries in place, (b, d).

    One pass for all patterns, of however few rows.
    """

    mixture: Mixture
    scorer: Scorer

    @classmethod
    def of(cls, mixture: Mixture) -> "Completed":
        """By the density of complete rows."""
        return cls(mixture, Scorer.of(mixture, np.float64))

    @property
    def row_bytes(self) -> int:
        return self.scorer.row_bytes + 4 * FLOAT * self.mixture.n_features

    def __call__(self, block: Block, workspace: Workspace, out: np.ndarray) -> None:
        out[:] = block.X
        missing, found = np.isnan(block.X), patterns(block.X)
        for rows, some in batches(self.mixture, found):
            if not some.lacks[0]:
                continue
            places = np.arange(len(out))[rows] if found.order is None else found.order[rows]
            X = block.X[places]
            filled = complete(self.mixture, X, some)
            shares = self.scorer.posterior(Block(0, X), Workspace())
            weights = _without_floor(shares.R * shares.scale)
            expected = np.einsum("kb,kbj->bj", weights, filled.Z) + weights.T @ self.mixture.means
            np.copyto(X, expected, where=missing[places], casting="same_kind")
            out[places] = X


def by_pattern(X: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
    """Rows that lack the same entries: pairs (numbers of rows, columns that are observed).

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        With NaN for what is missing.

    Yields
    ------
    rows : ndarray of int, or slice where no entry is missing
    observed : ndarray of int

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.conditioning import by_pattern
    >>> [(rows.tolist(), observed.tolist()) for rows, observed in by_pattern(
    ...     np.array([[1, np.nan], [2, 3], [4, np.nan]]))]
    [([1], [0, 1]), ([0, 2], [0])]
    """
    if not np.isnan(X).any():
        yield slice(None), np.arange(X.shape[1])
        return
    found = patterns(X)
    order = np.arange(len(X)) if found.order is None else found.order
    for missing, rows in zip(found.missing, np.split(order, found.starts[1:-1]), strict=True):
        yield rows, np.flatnonzero(~missing)
