"""Initialiser by model-based agglomeration, as mclust starts (its `hc`)."""

import math
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from gmmem.compat import check_random_state
from gmmem.initializers.agglomeration import (
    Ellipsoids,
    EqualSpheres,
    Spheres,
    Tree,
    agglomerate,
)
from gmmem.initializers.base import Subset
from gmmem.initializers.pooled_agglomeration import agglomerate_equal
from gmmem.initializers.seeding import (
    distinct,
    seeding_rows,
    typical_one,
    which_distinct,
)
from gmmem.initializers.ward import agglomerate_ward
from gmmem.sources.threads import one_blas_thread

CRITERIA = {"EII": EqualSpheres(), "VII": Spheres(), "VVV": Ellipsoids()}
EQUAL = "EEE"

EPS = np.finfo(np.float64).eps

# Sizes of numbers whose squares add up without loss.
LEAST, MOST = 1e-90, 1e120


@dataclass(frozen=True)
class Hierarchical:
    """Merge the rows, two clusters at a time (the name "hierarchical").

    One tree serves every number of components; with one feature, the groups lie
    between quantiles instead.

    Parameters
    ----------
    model : {"VVV", "EEE", "VII", "EII"} or None, default=None
        What the clusters are taken to look like.  None is "VVV" where there are more
        distinct rows than features, else "EII", as in mclust: so few rows show no
        shape of a cluster.
    use : {"SVD", "STD", "VARS"}, default="SVD"
        The data scaled to unit variance, rotated to principal axes and divided by
        the square roots of the singular values; only scaled; or as they are.
    max_samples : int, default=2000
        With more rows than that, and more distinct ones, a random subset of that many
        starts the mixture.  Memory and time grow with its square.

    Notes
    -----
    Equal rows start in one cluster.  Weights count as copies do, and in either case
    only ratios: the median distinct row counts as one row, unless most are so light
    that half the mean is more.

    References
    ----------
    Scrucca and Raftery (2015). Improved initialisation of model-based clustering
    using Gaussian hierarchical partitions. Advances in Data Analysis and
    Classification 9, 447-460.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.initializers import Hierarchical
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(2, init_params=Hierarchical()).fit(X)
    >>> model.weights_.round(2)
    array([0.64, 0.36])
    """

    model: str | None = None
    use: str = "SVD"
    max_samples: int = 2000

    def __post_init__(self):
        if self.model is not None and self.model not in {*CRITERIA, EQUAL}:
            raise ValueError(f"model={self.model!r} must be None or one of {[*CRITERIA, EQUAL]}.")
        if self.use not in _TRANSFORMS:
            raise ValueError(f"use={self.use!r} must be one of {list(_TRANSFORMS)}.")
        if not isinstance(self.max_samples, Integral) or self.max_samples < 2:
            raise ValueError(f"max_samples={self.max_samples!r} must be at least 2, and whole.")

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        return self.grow(X, sample_weight, random_state, n_components)(X, n_components)

    def grow(self, X, sample_weight=None, random_state=None, n_components=1) -> "Grown":
        """Build the tree once, for fits with any number of components.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            The rows.
        sample_weight : ndarray of shape (n_samples,), default=None
            Their weights.
        random_state : numpy.random.RandomState, default=None
            Draws the subset, where there are more rows than `max_samples`.
        n_components : int, default=1
            The most components that will be asked for.

        Returns
        -------
        grown : Grown
            An initialiser for the same X.

        Raises
        ------
        ValueError
            If X or the weights are not finite numbers of the right shape.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.initializers import Hierarchical
        >>> X = np.array([[0.0, 0], [1, 0], [8, 1], [9, 0], [20, 1]])
        >>> tree = Hierarchical("EII", use="VARS").grow(X)
        >>> tree.labels(2), tree.labels(3)
        (array([0, 0, 0, 0, 1]), array([0, 0, 1, 1, 2]))
        """
        X, random_state = np.asarray(X), check_random_state(random_state)
        if X.ndim != 2 or 0 in X.shape or X.dtype.kind not in "fiub":
            raise ValueError(f"X must be rows and columns of numbers, not {X.shape} {X.dtype}.")
        # Without a copy of X.
        if not (np.isfinite(X.min()) and np.isfinite(X.max())):
            raise ValueError("X must be finite.")
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, dtype=np.float64)
            if sample_weight.shape != X.shape[:1]:
                raise ValueError(f"sample_weight must have the shape {X.shape[:1]}.")
            if not (np.isfinite(sample_weight) & (sample_weight >= 0)).all():
                raise ValueError("sample_weight must be finite and at least 0.")
        rows, weights = seeding_rows(X, n_components, sample_weight, self.max_samples, random_state)
        tree = None if X.shape[1] == 1 else self._tree(rows, weights)
        return Grown(rows, weights, tree, whole=rows is X)

    def _tree(self, rows: np.ndarray, weights: np.ndarray | None) -> Tree:
        leaf = which_distinct(rows)
        points, mass = distinct(rows, np.ones(len(rows)) if weights is None else weights)
        mass, model = typical_one(mass), self.model
        if model is None:
            model = "VVV" if len(points) > points.shape[1] else "EII"
        with one_blas_thread():  # Its threads take longer to begin than to multiply.
            Z, unit = _TRANSFORMS[self.use](points.astype(np.float64), mass)
            if model == EQUAL:
                return Tree(leaf, agglomerate_equal(mass, Z))
            if model == "EII" and (mass == mass[0]).all():
                return Tree(leaf, agglomerate_ward(Z))
            return Tree(leaf, agglomerate(mass, Z, CRITERIA[model], 2 * unit * math.log(2)))


@dataclass(frozen=True, eq=False, repr=False)
class Grown:
    """A tree on some rows, ready to be cut: an initialiser for the data it grew on."""

    rows: np.ndarray
    weights: np.ndarray | None
    tree: Tree | None
    whole: bool

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        labels = self.labels(n_components)
        return labels if self.whole else Subset(self.rows, self.weights, labels)

    def labels(self, n_components: int) -> np.ndarray:
        """The cluster of each of `rows` when there are that many.

        With fewer distinct rows, each of them is one, and the last components get no row.
        """
        if int(n_components) != n_components or n_components < 1:
            raise ValueError(f"n_components={n_components} must be a positive whole number.")
        if self.tree is None:
            return _between_quantiles(self.rows[:, 0], self.weights, n_components)
        return self.tree.labels(min(n_components, self.tree.n_leaves))


def _between_quantiles(values, weights, n_components) -> np.ndarray:
    """Groups of about equal mass along one feature; equal values stay together."""
    weights = np.ones(len(values)) if weights is None else weights
    points, mass = distinct(values[:, None], weights)
    n_groups = min(n_components, len(points))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    group = np.minimum((n_groups * middle).astype(np.intp), n_groups - 1)
    if len(np.unique(group)) < n_groups:  # One value is most of a group: count values.
        group = np.arange(len(points)) * n_groups // len(points)
    return group[np.searchsorted(points[:, 0], values)]


def _in_range(X: np.ndarray, axis: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """X in a unit, a power of two, in which squares add up; and which power.

    No digit changes, and values of ordinary size stay as they are.
    """
    size = np.abs(X).max(axis=axis)
    extreme = (size > 0) & ~((size > LEAST) & (size < MOST))
    unit = np.where(extreme, np.frexp(size)[1], 0)
    return np.ldexp(X, -unit), unit


def _standardised(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    X = _in_range(X, axis=0)[0]
    centred = X - np.average(X, axis=0, weights=weights)
    centred = _in_range(centred, axis=0)[0]  # A constant feature leaves nothing.
    deviation = np.sqrt(weights @ centred**2 / max(weights.sum() - 1, 1))
    # What is constant but for rounding is no feature.
    constant = np.ptp(X, axis=0) <= 4 * EPS * np.abs(X).max(axis=0)
    return np.where(constant, 0, centred / np.where(constant, 1, deviation))


def _scaled(X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, int]:
    return _standardised(X, weights), 0


def _singular(X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, int]:
    scaled = _standardised(X, weights)
    _, values, axes = np.linalg.svd(scaled * np.sqrt(weights)[:, None], full_matrices=False)
    kept = values > 1e-10 * values[0]
    if not kept.any():
        return scaled, 0
    return scaled @ axes[kept].T / np.sqrt(values[kept]), 0


def _as_they_are(X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, int]:
    Z, unit = _in_range(X)
    return Z, int(unit)


_TRANSFORMS = {"SVD": _singular, "STD": _scaled, "VARS": _as_they_are}
