"""Data for tests, each named once: a function of a seed, rows (n, d) in float64.

`SHAPES` are kinds of data, of any number of rows and features and about the scale of
one: what the fuzz driver draws from.  `PROBLEMS` are data sets of one size: for tests
that go through a few of them by name.
"""

from collections.abc import Callable

import numpy as np
from sklearn.datasets import load_iris

from gmmem.datasets import load_old_faithful


def clusters(seed, n, d, K=3, distance=3.0):
    """Clusters of their own shapes and sizes, at about a distance; and their labels."""
    rng = np.random.RandomState(seed)
    labels = np.arange(n) % K
    axes = np.eye(d) + 0.3 * rng.normal(size=(K, d, d)) / np.sqrt(d)
    axes *= rng.uniform(0.7, 1.4, size=(K, 1, 1))
    Z = np.einsum("nj,nij->ni", rng.normal(size=(n, d)), axes[labels])
    return distance * rng.normal(size=(K, d))[labels] + Z, labels


def noise(seed, n, d):
    """No structure at all."""
    return np.random.RandomState(seed).normal(size=(n, d))


def overlapping(seed, n, d):
    """Clusters that share most of their rows."""
    return clusters(seed, n, d, distance=1.0)[0]


def separate(seed, n, d):
    """Clusters that share hardly a row."""
    return clusters(seed, n, d, distance=6.0)[0]


def far_apart(seed, n, d):
    """Clusters ten thousand of their deviations from each other."""
    return clusters(seed, n, d, distance=1e4)[0]


def heavy_tails(seed, n, d):
    """Cauchy: some rows are very far from the others."""
    return np.random.RandomState(seed).standard_cauchy(size=(n, d))


def outlier(seed, n, d):
    """Clusters and one row far away from them."""
    X = separate(seed, n, d)
    X[-1] = 1e10
    return X


def copies(seed, n, d):
    """A few distinct rows, over and over."""
    rng = np.random.RandomState(seed)
    few = rng.normal(size=(max(2, n // 8), d))
    return few[rng.randint(len(few), size=n)]


def all_equal(seed, n, d):
    """One row, over and over."""
    return np.repeat(noise(seed, 1, d), n, axis=0)


def constant(seed, n, d):
    """Clusters, with a last column that does not vary."""
    X = separate(seed, n, d)
    X[:, -1] = 7.0
    return X


def collinear(seed, n, d):
    """Clusters, with a last column that is the sum of the others."""
    X = separate(seed, n, d)
    X[:, -1] = X[:, :-1].sum(axis=1)
    return X


def units(seed, n, d):
    """Clusters whose first feature is there again, in another unit."""
    X = separate(seed, n, d)
    X[:, -1] = 2.54 * X[:, 0]
    return X


def collinear_counts(seed, n, d):
    """Whole numbers, the last of which is the sum of the others."""
    X = counts(seed, n, d)
    X[:, -1] = X[:, :-1].sum(axis=1)
    return X


def compositional(seed, n, d):
    """Shares: positive, and of sum one in each row."""
    X = np.exp(separate(seed, n, d) / 3)
    return X / X.sum(axis=1, keepdims=True)


def counts(seed, n, d):
    """Poisson counts of two rates."""
    rng = np.random.RandomState(seed)
    rate = rng.uniform(1, 9, size=(2, d))[rng.randint(2, size=n)]
    return rng.poisson(rate).astype(np.float64)


def zero_inflated(seed, n, d):
    """Counts, most of them zero."""
    rng = np.random.RandomState(seed)
    return counts(seed, n, d) * (rng.uniform(size=(n, d)) < 0.3)


def likert(seed, n, d):
    """Answers from 1 to 5, of people of two opinions."""
    return np.clip(np.rint(3 + overlapping(seed, n, d)), 1, 5)


def binary(seed, n, d):
    """Zeros and ones."""
    return (overlapping(seed, n, d) > 0).astype(np.float64)


Shape = Callable[[int, int, int], np.ndarray]

# From the simplest to the strangest: what a failure shrinks towards comes first.
REGULAR: dict[str, Shape] = {
    f.__name__: f for f in (separate, noise, overlapping, far_apart, heavy_tails, outlier)
}
DISCRETE: dict[str, Shape] = {
    f.__name__: f for f in (copies, counts, likert, binary, zero_inflated)
}
SINGULAR: dict[str, Shape] = {
    f.__name__: f for f in (constant, all_equal, collinear, units, collinear_counts, compositional)
}
SHAPES: dict[str, Shape] = {**REGULAR, **DISCRETE, **SINGULAR}


def faithful(seed=0):
    """Old Faithful: 272 rows, two overlapping clusters."""
    return load_old_faithful()


def iris(seed=0):
    """150 rows of four features; two of three clusters touch, and many rows are copies."""
    return load_iris().data


def waiting(seed=0):
    """One feature of whole minutes, over half of which are copies."""
    return load_old_faithful()[:, 1:]


PROBLEMS: dict[str, Callable[[int], np.ndarray]] = {
    "old faithful": faithful,
    "iris": iris,
    "waiting": waiting,
    "separate": lambda seed=0: separate(seed, 240, 3),
    "overlapping": lambda seed=0: overlapping(seed, 240, 3),
    "far apart": lambda seed=0: far_apart(seed, 240, 3),
    "one feature": lambda seed=0: np.random.RandomState(seed).gamma(2, size=(300, 1)),
    "wide": lambda seed=0: separate(seed, 20, 40),
    "many features": lambda seed=0: noise(seed, 900, 45) ** 3,
    "many rows": lambda seed=0: clusters(seed, 5000, 4, K=5, distance=5.0)[0],
    "counts": lambda seed=0: counts(seed, 200, 3),
    "likert": lambda seed=0: likert(seed, 180, 4),
    "compositional": lambda seed=0: compositional(seed, 150, 4),
    "outlier": lambda seed=0: outlier(seed, 200, 3),
    "constant column": lambda seed=0: constant(seed, 200, 3),
    "offset": lambda seed=0: separate(seed, 240, 3) + 1e6,
}
