"""Initialiser by model-based agglomeration, as mclust starts (its `hc`)."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from gmmem.initializers.agglomeration import (
    Ellipsoids,
    EqualSpheres,
    Spheres,
    Tree,
    agglomerate,
)
from gmmem.initializers.base import Subset
from gmmem.initializers.pooled_agglomeration import agglomerate_equal
from gmmem.initializers.seeding import distinct, seeding_rows
from gmmem.survey import LARGEST_EXTENT

CRITERIA = {"EII": EqualSpheres(), "VII": Spheres(), "VVV": Ellipsoids()}
EQUAL = "EEE"


@dataclass(frozen=True)
class Hierarchical:
    """Merge the rows, two clusters at a time (the name "hierarchical").

    One tree serves every number of components; with one feature, the groups lie
    between quantiles instead.

    Parameters
    ----------
    model : {"VVV", "EEE", "VII", "EII"}, default="VVV"
        What the clusters are taken to look like.
    use : {"SVD", "STD", "VARS"}, default="SVD"
        The data scaled to unit variance, rotated to principal axes and divided by
        the square roots of the singular values; only scaled; or as they are.
    max_samples : int, default=2000
        With more rows, a random subset of that many starts the mixture.  Memory
        and time grow with its square ("EEE": time with the cube).

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

    model: str = "VVV"
    use: str = "SVD"
    max_samples: int = 2000

    def __post_init__(self):
        if self.model not in {*CRITERIA, EQUAL}:
            raise ValueError(f"model={self.model!r} must be one of {[*CRITERIA, EQUAL]}.")
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
        sample_weight : ndarray of shape (n_samples,), optional
        random_state : numpy.random.RandomState, optional
        n_components : int, default=1
            The most components that will be asked for.

        Returns
        -------
        grown : Grown
            An initialiser for the same X.
        """
        X, random_state = np.asarray(X), check_random_state(random_state)
        if X.ndim != 2 or 0 in X.shape or X.dtype.kind not in "fiub":
            raise ValueError(f"X must be rows and columns of numbers, not {X.shape} {X.dtype}.")
        # Without a copy of X; what is not a number fails both comparisons.
        if not (-LARGEST_EXTENT < float(X.min()) and float(X.max()) < LARGEST_EXTENT):
            raise ValueError(f"X must be finite, and within {LARGEST_EXTENT:g}.")
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, dtype=np.float64)
            if sample_weight.shape != X.shape[:1]:
                raise ValueError(f"sample_weight must have the shape {X.shape[:1]}.")
            if not (np.isfinite(sample_weight) & (sample_weight >= 0)).all():
                raise ValueError("sample_weight must be finite and at least 0.")
        most = max(self.max_samples, n_components)
        rows, weights = seeding_rows(X, 1, sample_weight, most, random_state)
        tree = None if X.shape[1] == 1 else self._tree(rows, weights)
        return Grown(rows, weights, tree, whole=rows is X)

    def _tree(self, rows: np.ndarray, weights: np.ndarray | None) -> Tree:
        weights = np.ones(len(rows)) if weights is None else weights
        # Copies weigh at least one; weights on another scale are shares.
        weights = weights / min(1, weights.mean())
        Z = _TRANSFORMS[self.use](rows.astype(np.float64, copy=False), weights)
        _, first, leaf = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        mass = np.bincount(leaf.ravel(), weights=weights)
        if self.model in CRITERIA:
            merges = agglomerate(mass, Z[first], CRITERIA[self.model])
        else:
            merges = agglomerate_equal(mass, Z[first])
        return Tree(leaf.ravel(), merges)


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
        """The cluster of each of `rows` when there are that many."""
        if int(n_components) != n_components or n_components < 1:
            raise ValueError(f"n_components={n_components} must be a positive whole number.")
        if self.tree is None:
            return _between_quantiles(self.rows[:, 0], self.weights, n_components)
        if n_components > len(self.tree.merges) + 1:
            raise ValueError(
                f"n_components={n_components} is more than the {len(self.tree.merges) + 1} "
                "distinct rows; lower n_components."
            )
        return self.tree.labels(n_components)


def _between_quantiles(values, weights, n_components) -> np.ndarray:
    """Groups of about equal mass along one feature; equal values stay together."""
    weights = np.ones(len(values)) if weights is None else weights
    points, mass = distinct(values[:, None], weights)
    if len(points) < n_components:
        raise ValueError(
            f"n_components={n_components} is more than the {len(points)} distinct rows "
            "of X; lower n_components."
        )
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    group = np.minimum((n_components * middle).astype(np.intp), n_components - 1)
    if len(np.unique(group)) < n_components:  # One value is most of a group: count values.
        group = np.arange(len(points)) * n_components // len(points)
    return group[np.searchsorted(points[:, 0], values)]


def _standardised(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    centred = X - np.average(X, axis=0, weights=weights)
    deviation = np.sqrt(weights @ centred**2 / max(weights.sum() - 1, 1))
    return centred / np.where(deviation > 0, deviation, 1)


def _singular(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    scaled = _standardised(X, weights)
    _, values, axes = np.linalg.svd(scaled * np.sqrt(weights)[:, None], full_matrices=False)
    kept = values > 1e-10 * values[0]
    if not kept.any():
        return scaled
    return scaled @ axes[kept].T / np.sqrt(values[kept])


def _as_they_are(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return X


_TRANSFORMS = {"SVD": _singular, "STD": _standardised, "VARS": _as_they_are}
