"""Named data sets on which EM has more than one end, for `starts.py` and `acceleration.py`.

Each is a function of nothing but its name: the rows are the same in every run.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Named(NamedTuple):
    """Rows, and how many components to fit to them."""

    name: str
    n_components: int
    rows: Callable[[np.random.Generator], np.ndarray]

    def X(self) -> np.ndarray:
        return self.rows(np.random.default_rng(sum(map(ord, self.name))))


def gaussians(n, d, K, apart=4.0, stretch=1.0, uneven=False, scale=1.0):
    """A mixture of Gaussians.

    apart
        Root mean square distance between two centres, in standard deviations.
    stretch
        Up to how many times longer than wide a component is, in random directions.
    uneven
        Whether weights differ by up to twenty times and widths by up to four.
    scale
        Units of the last feature to the first.
    """

    def rows(rng):
        centres = apart * rng.standard_normal((K, d)) / np.sqrt(2 * d)
        weights = np.exp(rng.uniform(0, np.log(20), K)) if uneven else np.ones(K)
        widths = np.exp(rng.uniform(np.log(0.25), 0, K)) if uneven else np.ones(K)
        parts = []
        for k, count in enumerate(rng.multinomial(n, weights / weights.sum())):
            axes = np.linalg.qr(rng.standard_normal((d, d)))[0]
            lengths = widths[k] * np.exp(rng.uniform(0, np.log(stretch), d)) if d > 1 else widths[k]
            parts.append(centres[k] + (rng.standard_normal((count, d)) * lengths) @ axes)
        return rng.permutation(np.vstack(parts)) * np.geomspace(1, scale, d)

    return rows


def grid(n, side, spread):
    """Round clusters on a square grid of unit steps."""

    def rows(rng):
        places = rng.integers(side, size=(n, 2))
        return places + spread * rng.standard_normal((n, 2))

    return rows


def nested(n, groups, inner, d):
    """Clusters in clusters: few far groups of several near ones each."""

    def rows(rng):
        outer = 20 * rng.standard_normal((groups, 1, d))
        centres = (outer + 2.5 * rng.standard_normal((groups, inner, d))).reshape(-1, d)
        return centres[rng.integers(len(centres), size=n)] + rng.standard_normal((n, d))

    return rows


def heavy_tailed(n, d, K, degrees):
    """Student's t in place of Gaussians."""

    def rows(rng):
        centres = 6 * rng.standard_normal((K, d)) / np.sqrt(2 * d)
        stretch = np.sqrt(rng.chisquare(degrees, (n, 1)) / degrees)
        return centres[rng.integers(K, size=n)] + rng.standard_normal((n, d)) / stretch

    return rows


def skewed(n, d, K):
    """Clusters with a tail to one side."""

    def rows(rng):
        centres = 6 * rng.standard_normal((K, d)) / np.sqrt(2 * d)
        return centres[rng.integers(K, size=n)] + rng.gamma(2.0, 0.7, (n, d))

    return rows


def with_noise(n, d, K, share):
    """Clusters, and rows anywhere."""

    def rows(rng):
        noisy = int(share * n)
        X = gaussians(n - noisy, d, K, 6.0, 2.0)(rng)
        noise = rng.uniform(X.min(axis=0), X.max(axis=0), (noisy, d))
        return rng.permutation(np.vstack([X, noise]))

    return rows


def ring(n, K):
    """Long clusters along a circle: no Gaussian explains it, K do."""

    def rows(rng):
        angle = rng.uniform(0, 2 * np.pi, n)
        radius = 5 + 0.3 * rng.standard_normal(n)
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])

    return rows


def crossing(n):
    """Three pairs of long clusters that cross."""

    def rows(rng):
        centres = np.repeat([[0.0, 0.0], [9.0, 0.0], [4.0, 8.0]], 2, axis=0)
        angles = np.array([0.5, 2.0, 0.2, 1.4, 0.9, 2.6])
        k = rng.integers(6, size=n)
        along, across = 2.5 * rng.standard_normal(n), 0.3 * rng.standard_normal(n)
        turned = [
            along * np.cos(angles[k]) - across * np.sin(angles[k]),
            along * np.sin(angles[k]) + across * np.cos(angles[k]),
        ]
        return centres[k] + np.column_stack(turned)

    return rows


def real(load, features=None, log=False):
    """One of scikit-learn's own data sets, some of its features."""

    def rows(rng):
        from sklearn import datasets

        X = getattr(datasets, load)().data.astype(np.float64)
        X = X if features is None else X[:, features]
        return np.log(X) if log else X

    return rows


def digits(n_features):
    """The first principal components of the handwritten digits."""

    def rows(rng):
        from sklearn import datasets, decomposition

        return decomposition.PCA(n_features, random_state=0).fit_transform(
            datasets.load_digits().data
        )

    return rows


PROBLEMS = (
    Named("apart 2-d, K=8", 8, gaussians(10_000, 2, 8, 12.0, uneven=True)),
    Named("overlapping 2-d, K=4", 4, gaussians(10_000, 2, 4, 3.0)),
    Named("overlapping 2-d, K=20", 20, gaussians(30_000, 2, 20, 8.0)),
    Named("uneven 2-d, K=30", 30, gaussians(40_000, 2, 30, 16.0, 2.0, True)),
    Named("grid 2-d, K=25", 25, grid(25_000, 5, 0.22)),
    Named("nested 2-d, K=12", 12, nested(12_000, 4, 3, 2)),
    Named("nested 5-d, K=15", 15, nested(25_000, 5, 3, 5)),
    Named("nested 8-d, K=24", 24, nested(40_000, 8, 3, 8)),
    Named("elongated 2-d, K=6", 6, gaussians(6_000, 2, 6, 8.0, 8.0)),
    Named("elongated 2-d, K=15", 15, gaussians(20_000, 2, 15, 20.0, 10.0)),
    Named("elongated 5-d, K=10", 10, gaussians(20_000, 5, 10, 8.0, 6.0)),
    Named("crossing 2-d, K=6", 6, crossing(5_000)),
    Named("ring 2-d, K=8", 8, ring(8_000, 8)),
    Named("one feature, K=5", 5, gaussians(20_000, 1, 5, 6.0, uneven=True)),
    Named("3-d, K=20", 20, gaussians(30_000, 3, 20, 10.0, uneven=True)),
    Named("3-d, K=30", 30, gaussians(40_000, 3, 30, 14.0, 2.0)),
    Named("6-d, K=25", 25, gaussians(40_000, 6, 25, 10.0, 2.0, True)),
    Named("8-d, K=10", 10, gaussians(20_000, 8, 10, 6.0, 3.0, True)),
    Named("10-d, K=15", 15, gaussians(40_000, 10, 15, 9.0, 2.0)),
    Named("15-d, K=12", 12, gaussians(40_000, 15, 12, 9.0, 2.0, True)),
    Named("badly scaled 4-d, K=8", 8, gaussians(10_000, 4, 8, 8.0, 2.0, scale=1e4)),
    Named("badly scaled 6-d, K=12", 12, gaussians(20_000, 6, 12, 9.0, 2.0, True, 30.0)),
    Named("heavy-tailed 3-d, K=10", 10, heavy_tailed(20_000, 3, 10, 5)),
    Named("skewed 3-d, K=5", 5, skewed(10_000, 3, 5)),
    Named("noisy 3-d, K=9", 9, with_noise(15_000, 3, 8, 0.1)),
    Named("iris, K=4", 4, real("load_iris")),
    Named("wine, log, 3 features, K=4", 4, real("load_wine", [0, 6, 9], True)),
    Named("breast cancer, log, 4 features, K=4", 4, real("load_breast_cancer", [0, 1, 4, 5], True)),
    Named("digits, 6 components, K=10", 10, digits(6)),
)
