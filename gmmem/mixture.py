"""The density itself: an immutable mixture of Gaussians.

    p(x) = sum_k w_k N(x; mu_k, Sigma_k)

What stands here is the definition, written to be read.  The block-wise E-step
of `gmmem.kernels` computes the same numbers faster, and is tested against it.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gmmem.columns import columns, others
from gmmem.covariances import Storage, get_model
from gmmem.covariances.base import from_public, public_shape, to_public
from gmmem.covariances.structure import is_skewed, structure_error

# How far from one mixing weights may add up to: they may have been kept in float32.
WEIGHTS_SUM_TO = 1e-6

# Stands for minus infinity, which a matrix product may turn into NaN.
LOG_ZERO = -1e30

# The largest whitened difference whose square is sure to fit in float64.
LARGEST_WHITENED = 1e150


@dataclass(frozen=True, eq=False)
class Mixture:
    """A Gaussian mixture density.

    Parameters
    ----------
    weights : ndarray of shape (n_components,)
        Mixing weights; they sum to one, and a zero switches a component off.
    means : ndarray of shape (n_components, n_features)
        Means.
    covariances : Storage
        One covariance a component, or one for all.

    Examples
    --------
    >>> from gmmem import Mixture
    >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])
    >>> mixture.responsibilities([[3.5]]).round(4)
    array([[0.5472, 0.4528]])
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: Storage

    def __post_init__(self):
        weights, means = _copy(self.weights, "weights"), _copy(self.means, "means")
        if means.ndim != 2 or 0 in means.shape:
            raise ValueError(f"means must be (n_components, n_features), not {means.shape}.")
        _check_shape("weights", weights, means.shape[:1])
        if (weights < 0).any() or abs(weights.sum() - 1) > WEIGHTS_SUM_TO:
            raise ValueError(
                f"weights must be at least 0 and sum to one, not {weights.tolist()}, which sum "
                f"to {weights.sum():.8g}."
            )
        stored, n_features = len(self.covariances.factors), self.covariances.n_features
        if n_features != means.shape[1] or stored not in (1, len(means)):
            raise ValueError(
                f"covariances are {stored} in {n_features} features; means of shape {means.shape} "
                "need one for all components, or one for each."
            )
        vars(self).update(weights=weights, means=means)

    @classmethod
    def of_parts(cls, weights: np.ndarray, means: np.ndarray, covariances: Storage) -> "Mixture":
        """A mixture of parts that are known to fit together, and nobody else's.

        Parameters
        ----------
        weights : ndarray of shape (n_components,)
            Mixing weights that sum to one; they become read-only, as the means do.
        means : ndarray of shape (n_components, n_features)
            Means.
        covariances : Storage
            One covariance a component, or one for all.

        Returns
        -------
        mixture : Mixture
            Nothing is copied and nothing checked.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> from gmmem.covariances import Spherical
        >>> spheres = Spherical.from_covariances(np.array([1.0, 2.0]), n_features=1)
        >>> Mixture.of_parts(np.array([0.6, 0.4]), np.array([[2.0], [5.0]]), spheres).n_components
        2
        """
        mixture = object.__new__(cls)
        weights.setflags(write=False)
        means.setflags(write=False)
        vars(mixture).update(weights=weights, means=means, covariances=covariances)
        return mixture

    @classmethod
    def from_arrays(cls, weights, means, covariances, covariance_type="full") -> "Mixture":
        """Build a mixture from plain arrays.

        Parameters
        ----------
        weights : array-like of shape (n_components,)
            Mixing weights: at least 0, and they sum to one.
        means : array-like of shape (n_components, n_features)
            Means.
        covariances : array-like
            In the shape of `covariance_type`, as in ``GaussianMixture.covariances_``.
        covariance_type : str or CovarianceModel, default="full"
            As for `GaussianMixture`.

        Returns
        -------
        mixture : Mixture
            The density; it holds copies of the arrays.

        Raises
        ------
        ValueError
            If shapes disagree, weights do not sum to one, or a covariance is not
            symmetric or not positive definite (`DegenerateCovariance`).

        Examples
        --------
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([1], [[0, 0]], [[4, 9]], covariance_type="diag")
        >>> mixture.covariances.dense()
        array([[[4., 0.],
                [0., 9.]]])
        """
        model = get_model(covariance_type)
        means, covariances = _copy(means, "means"), _copy(covariances, "covariances")
        if means.ndim != 2 or 0 in means.shape:
            raise ValueError(f"means must be (n_components, n_features), not {means.shape}.")
        _check_shape("covariances", covariances, public_shape(model, *means.shape))
        stored = from_public(model, covariances)
        if is_skewed(stored):
            raise ValueError("covariances must be symmetric.")
        if not (model.compact or (covariances == to_public(model, stored, len(means))).all()):
            raise ValueError(f"covariances of the model {model.name} must be all the same.")
        storage = model.storage.from_covariances(stored, means.shape[1])
        error = structure_error(model, stored, means.shape[1])
        if error is not None:
            raise ValueError(f"{error}.")
        return cls(weights, means, storage)

    def take(self, components) -> "Mixture":
        """The same components in another order.

        Parameters
        ----------
        components : array-like of int
            All of them: which one comes in each place.

        Returns
        -------
        mixture : Mixture
            The same density.

        Raises
        ------
        ValueError
            If a component is not named, or named twice.

        Examples
        --------
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])
        >>> mixture.take([1, 0]).weights
        array([0.4, 0.6])
        """
        components = np.asarray(components)
        if not np.array_equal(np.sort(components), np.arange(self.n_components)):
            raise ValueError(
                f"components={components.tolist()} must name each of the {self.n_components} "
                "components once."
            )
        weights, means = self.weights[components], self.means[components]
        return Mixture.of_parts(weights, means, self.covariances.take(components))

    @property
    def n_components(self) -> int:
        """K, the number of components.

        Examples
        --------
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])
        >>> mixture.n_components
        2
        """
        return self.means.shape[0]

    @property
    def n_features(self) -> int:
        """d, the number of features.

        Examples
        --------
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])
        >>> mixture.n_features
        1
        """
        return self.means.shape[1]

    @cached_property
    def log_weights(self) -> np.ndarray:
        """Logarithms of the mixing weights, that of zero far below all others."""
        return logs_of(self.weights)

    @cached_property
    def log_peaks(self) -> np.ndarray:
        """Log of weight times the density at the mean: the most a component gives."""
        log_normaliser = self.n_features * math.log(2 * math.pi) + self.covariances.log_det
        return self.log_weights - 0.5 * log_normaliser

    def log_joint(self, X) -> np.ndarray:
        """Log of weight times density of each component.

        As it is defined, with P the inverse of Sigma:
        ``log w_k - (d log 2 pi + log |Sigma_k| + (x - mu_k)' P_k (x - mu_k)) / 2``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        log_joint : ndarray of shape (n_samples, n_components)
            In nats.

        Raises
        ------
        ValueError
            If X has not as many columns as the mixture has features, or holds NaN.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])
        >>> np.exp(mixture.log_joint([[3.5]])).round(4)
        array([[0.0777, 0.0643]])
        """
        X = np.asarray(X, dtype=np.float64)
        _check_shape("X", X, (len(X), self.n_features))
        if np.isnan(X).any():
            raise ValueError("X contains NaN: marginal(features) is the density of what is there.")
        distances = np.empty((self.n_components, len(X)))
        for k, mean in enumerate(self.means):
            Z = X.T - mean[:, None]
            Y = self.covariances.whiten(k, Z, np.empty_like(Z))
            distances[k] = np.einsum("jb,jb->b", Y, Y)
        return (self.log_peaks[:, None] - 0.5 * distances).T

    def log_density(self, X) -> np.ndarray:
        """Log-density of each row: the logarithm of the sum of the components' parts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In nats.

        Raises
        ------
        ValueError
            If X has not as many columns as the mixture has features, or holds NaN.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])
        >>> np.exp(mixture.log_density([[3.5]])).round(4)
        array([0.142])
        """
        return np.logaddexp.reduce(self.log_joint(X), axis=1)

    def responsibilities(self, X) -> np.ndarray:
        """Posterior probabilities of the components, by Bayes' rule.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            Rows sum to one.

        Raises
        ------
        ValueError
            If X has not as many columns as the mixture has features, or holds NaN.

        Examples
        --------
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])
        >>> mixture.responsibilities([[3.5]]).round(3)
        array([[0.547, 0.453]])
        """
        X = np.asarray(X, dtype=np.float64)
        # Far out, where squares overflow, shares are those of the row's direction.
        size = np.abs(X).max(axis=1, keepdims=True)
        farthest = LARGEST_WHITENED / (
            self.n_features * max(np.abs(self.covariances.factors).max(), 1)
        )
        log_joint = self.log_joint(
            np.where(size > farthest, X * (farthest / np.maximum(size, 1)), X)
        )
        log_joint[:, self.weights == 0] = -np.inf
        shares = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def marginal(self, features) -> "Mixture":
        """The density of some features alone.

        Parameters
        ----------
        features : int, slice, mask or sequence of int
            Columns that are kept, in the order given.

        Returns
        -------
        mixture : Mixture
            Of the same components, in those features.

        Raises
        ------
        ValueError
            If these are no columns, or none, or one of them twice.

        See Also
        --------
        conditional : The density of the others, where some are known.

        Examples
        --------
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2, 0], [5, 1]], [[[1, 0.5], [0.5, 1]]] * 2)
        >>> mixture.marginal(1).means
        array([[0.],
               [1.]])
        """
        kept = columns(features, self.n_features)
        return Mixture(self.weights, self.means[:, kept], self.covariances.marginal(kept))

    def conditional(self, features, values) -> "Mixture":
        """The density of the other features, where some are known.

        Each component is regressed on what is known, and weighs as much as it is responsible
        for that:

            p(x_m | x_o) = sum_k p(k | x_o) N(x_m; mu_m + B_k (x_o - mu_o), C_k)

        Parameters
        ----------
        features : int, slice, mask or sequence of int
            Columns that are known.
        values : float or array-like of shape (n_known,)
            What they are, in the same order.

        Returns
        -------
        mixture : Mixture
            Of the same components, in the features that are not known, in their order.

        Raises
        ------
        ValueError
            If `features` are no columns, or all, or `values` are not one finite number for each.

        See Also
        --------
        gmmem.conditioning.Conditional : The same for many rows at once.
        marginal : The density of some features, whatever the others are.

        Examples
        --------
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2, 0], [5, 1]], [[[1, 0.5], [0.5, 1]]] * 2)
        >>> given = mixture.conditional(0, 3.0)
        >>> given.weights.round(3), given.means.ravel(), given.covariances.dense().ravel()
        (array([0.871, 0.129]), array([0.5, 0. ]), array([0.75, 0.75]))
        """
        known = columns(features, self.n_features)
        asked = others(known, self.n_features)
        if not len(asked):
            raise ValueError(f"features={features!r} are all that there are: none is left to ask.")
        values = np.atleast_1d(np.asarray(values, dtype=np.float64))
        _check_shape("values", values, (len(known),))
        if not np.isfinite(values).all():
            raise ValueError(f"values must be finite; they are {values.tolist()}.")
        B, _ = self.covariances.regression(known, asked)
        means = self.means[:, asked] + np.einsum("kmo,ko->km", B, values - self.means[:, known])
        weights = self.marginal(known).responsibilities(values[None])[0]
        return Mixture(weights, means, self.covariances.conditional(asked))

    def sample(self, n_samples: int, rng) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows and the components they came from, ordered by component.

        Parameters
        ----------
        n_samples : int
            Number of rows.
        rng : numpy.random.RandomState or numpy.random.Generator
            Where the numbers come from.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows.
        y : ndarray of shape (n_samples,)
            Their components.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> mixture = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])
        >>> X, y = mixture.sample(10, np.random.RandomState(0))
        >>> X.shape, y
        ((10, 1), array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1]))
        """
        # In float64, whatever the weights were kept in, they sum to one.
        counts = rng.multinomial(n_samples, self.weights / self.weights.sum())
        rows = [
            self.covariances.sample(k, mean, int(count), rng)
            for k, (mean, count) in enumerate(zip(self.means, counts, strict=True))
        ]
        return np.vstack(rows), np.repeat(np.arange(self.n_components), counts)


def logs_of(weights: np.ndarray) -> np.ndarray:
    """Logarithms of weights, that of zero far below all others."""
    if weights.min() > 0:
        return np.log(weights)
    positive = weights > 0
    return np.where(positive, np.log(np.where(positive, weights, 1)), LOG_ZERO)


def _copy(values, name: str) -> np.ndarray:
    """A float64 array of one's own that nobody can write to."""
    array = np.array(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite.")
    array.setflags(write=False)
    return array


def _check_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {array.shape}.")
