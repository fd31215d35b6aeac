"""k-means: seeds far from each other, then means of those that are nearest, by turns.

The draws, the labels and when it ends are those of scikit-learn's ``KMeans``, which takes twice
as long where rows are few: there what is called costs more than what is computed.

Rows are columns here, as in the E-step.

References
----------
Arthur and Vassilvitskii (2007). k-means++: the advantages of careful seeding. Proceedings
of the 18th ACM-SIAM Symposium on Discrete Algorithms, 1027-1035.
Lloyd (1982). Least squares quantization in PCM. IEEE Transactions on Information
Theory 28, 129-137.
"""

from typing import NamedTuple

import numpy as np

# It ends where all centres together move, squared, by less than this share of a feature's variance.
TOLERANCE, MOST_ITERATIONS = 1e-4, 300

# Numbers of the table rows by centres that are computed at once.
AT_ONCE = 2**16

# Sums follow the rows that move, where they are fewer than this share: they need no others.
FEW = 0.25


class Clustering(NamedTuple):
    """Where k-means ended."""

    labels: np.ndarray
    """Of each row, (n,)."""
    centres: np.ndarray
    """(n_clusters, d)."""


def k_means(
    rows: np.ndarray, weights: np.ndarray | None, n_clusters: int, n_runs: int, random_state
) -> Clustering:
    """The best of several runs, by the sum of squares.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float64 or float32
        Finite, and at least as many distinct ones as clusters.
    weights : ndarray of shape (n,) or None
        Positive; None counts each once.
    n_clusters : int
    n_runs : int
    random_state : numpy.random.RandomState

    Returns
    -------
    clustering : Clustering
        A cluster may have no row.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.initializers.lloyd import k_means
    >>> rows = np.array([[0.0], [1], [8], [9]])
    >>> k_means(rows, None, 2, 1, np.random.RandomState(0))
    Clustering(labels=array([1, 1, 0, 0]), centres=array([[8.5],
           [0.5]]))
    """
    middle = rows.mean(axis=0)
    Z = np.array((rows - middle).T, dtype=np.float64, order="C")
    tol = TOLERANCE * float(np.var(rows, axis=0).mean())
    chunks = Chunks(Z, weights, n_clusters)
    best, least = None, np.inf
    for _ in range(n_runs):
        seeds = spread_out(Z, weights, n_clusters, random_state, rows.dtype)
        found = _run(chunks, Z[:, seeds].T, tol)
        if n_runs == 1:
            best = found
            break
        squares = ((Z - found.centres.T[:, found.labels]) ** 2).sum(axis=0)
        inertia = squares.sum() if weights is None else weights @ squares
        # The same clusters under other names are no better, whatever rounding says.
        if best is None or (inertia < least and not _are_same(found.labels, best.labels)):
            best, least = found, inertia
    return best._replace(centres=best.centres + middle)


def spread_out(
    Z: np.ndarray, weights: np.ndarray | None, n_seeds: int, random_state, dtype: np.dtype
) -> np.ndarray:
    """Places of seeds by k-means++: of some drawn by squared distance, the one that helps most.

    Distances are rounded to `dtype`, as scikit-learn's draws are from such.
    """
    n, n_trials = Z.shape[1], 2 + int(np.log(n_seeds))
    weight = np.ones(n, dtype) if weights is None else weights.astype(dtype)
    squares = np.einsum("jn,jn->n", Z, Z)

    def distances(places: np.ndarray) -> np.ndarray:
        D = Z[:, places].T @ Z
        D *= -2
        D += squares[places, None]
        D += squares
        return np.maximum(D, 0, out=D).astype(dtype, copy=False)

    seeds = np.empty(n_seeds, dtype=np.intp)
    seeds[0] = random_state.choice(n, p=weight / weight.sum())
    nearest = distances(seeds[:1])[0]
    potential = nearest @ weight
    for k in range(1, n_seeds):
        points = random_state.uniform(size=n_trials) * potential
        share = nearest if weights is None else weight * nearest
        drawn = np.minimum(np.cumsum(share).searchsorted(points), n - 1)
        each = distances(drawn)
        np.minimum(nearest, each, out=each)
        potentials = each @ weight
        best = int(potentials.argmin())
        seeds[k], nearest, potential = drawn[best], each[best], potentials[best]
    return seeds


class Chunks:
    """Rows in chunks that stay in the cache, and to which centre each was the nearest.

    Parameters
    ----------
    Z : ndarray of shape (d, n)
    weights : ndarray of shape (n,) or None
    n_clusters : int
    """

    def __init__(self, Z: np.ndarray, weights: np.ndarray | None, n_clusters: int):
        n, K = Z.shape[1], n_clusters
        self.Z, self.n_clusters, self.weighted = Z, K, weights is not None
        self.weight = np.ones(n) if weights is None else weights
        n_chunks = -(-n * K // AT_ONCE)
        self.places = [slice(i * n // n_chunks, (i + 1) * n // n_chunks) for i in range(n_chunks)]
        # With a one each, so that products hold what is added or counted once a row.
        ones = np.ones((1, n))
        self.parts = [np.concatenate([Z[:, at], ones[:, at]]) for at in self.places]
        self.moments = [
            np.ascontiguousarray((part * self.weight[at]).T)
            for part, at in zip(self.parts, self.places, strict=True)
        ]
        self.forget()

    def forget(self) -> None:
        """No row belongs to a centre."""
        K = self.n_clusters
        self.near = [np.zeros((K, part.shape[1]), dtype=bool) for part in self.parts]
        self.sums = [np.zeros((K, len(part))) for part in self.parts]

    def assign(self, centres: np.ndarray) -> bool:
        """Give each row to the nearest, the first of them; whether some were another's."""
        # The nearest has the largest ``z . c - |c|^2 / 2``.
        C = np.empty((len(centres), centres.shape[1] + 1))
        C[:, :-1] = centres
        C[:, -1] = np.einsum("kj,kj->k", centres, centres) / -2
        changed = False
        for i, part in enumerate(self.parts):
            score = C @ part
            near = score >= score.max(axis=0)
            if np.count_nonzero(near) > near.shape[1]:
                near = score.argmax(axis=0) == np.arange(len(C))[:, None]
            moved = (near != self.near[i]).any(axis=0).nonzero()[0]
            if len(moved):
                changed = True
                self._count(i, near, moved)
        return changed

    def _count(self, i: int, near: np.ndarray, moved: np.ndarray) -> None:
        """What the rows of a chunk sum up to, some of which have moved."""
        before, self.near[i] = self.near[i], near
        # Whole weights leave nothing behind when they go.
        if self.weighted or len(moved) > FEW * near.shape[1]:
            self.sums[i] = near.astype(np.float64) @ self.moments[i]
        else:
            change = near[:, moved].astype(np.float64) - before[:, moved]
            self.sums[i] += change @ self.moments[i][moved]

    @property
    def labels(self) -> np.ndarray:
        """The number of each row's centre, (n,)."""
        return np.concatenate([near.argmax(axis=0) for near in self.near])

    def means(self, centres: np.ndarray) -> np.ndarray:
        """Of the rows of each centre; one without rows moves to the row farthest from its own."""
        sums = sum(self.sums)
        if not np.logical_or.reduce([near.any(axis=1) for near in self.near]).all():
            sums = self._relocated(sums, centres)
        return sums[:, :-1] / sums[:, -1:]

    def _relocated(self, sums: np.ndarray, centres: np.ndarray) -> np.ndarray:
        labels = self.labels
        filled = np.bincount(labels, minlength=self.n_clusters) > 0
        empty = np.flatnonzero(~filled)
        squares = ((self.Z - centres.T[:, labels]) ** 2).sum(axis=0)
        if squares.max() > 0:
            farthest = np.argpartition(squares, -len(empty))[: -len(empty) - 1 : -1]
            for k, far in zip(empty, farthest, strict=True):
                row = np.append(self.Z[:, far], 1) * self.weight[far]
                sums[labels[far]] -= row
                sums[k] = row
        none = ~(sums[:, -1] > 0)
        sums[none] = sums[np.argmax(sums[:, -1])]
        return sums


def _run(chunks: Chunks, centres: np.ndarray, tol: float) -> Clustering:
    """Lloyd's iterations from some centres."""
    chunks.forget()
    for _ in range(MOST_ITERATIONS):
        changed = chunks.assign(centres)
        before, centres = centres, chunks.means(centres)
        if not changed:
            return Clustering(chunks.labels, centres)
        if ((centres - before) ** 2).sum() <= tol:
            break
    chunks.assign(centres)
    return Clustering(chunks.labels, centres)


def _are_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether rows together in one are together in the other."""
    pairs = np.unique(np.stack([one, other]), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1]
