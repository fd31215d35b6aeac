"""The two contracts of this folder: how covariances look, and how they are tied.

*Storage* (spherical, diagonal, full) is how a covariance looks.  It is all that
a density or an E-step needs.  A storage holds S covariances: one for each of K
components, or one (S = 1) that all of them share.

*Model* is how the covariances of the components depend on each other.  It is
all that an M-step needs: from the within-component scatters to covariances.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from gmmem.forms import Quadratic

EPS = float(np.finfo(np.float64).eps)

# The least variance, as a share of the largest in comparable units, that is no rounding
# error, for each feature.
FLAT = 64 * EPS


class DegenerateCovariance(ValueError):
    """A covariance is not positive definite, as far as float64 can tell.

    Attributes
    ----------
    component : int
        The component concerned; 0 where all components share one covariance.
    """

    def __init__(self, component: int, reason: str = "is not positive definite"):
        super().__init__(f"The covariance of component {component} {reason}.")
        self.component = component
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.component, self.reason)


class Storage(Protocol):
    """S covariances in one of the three shapes, factorised once, and read-only.

    With the factor U of a precision, ``P = U U'``, whitening is ``y = U' z`` and
    the squared Mahalanobis distance is ``y' y``.
    """

    form: ClassVar[Quadratic]
    covariances: np.ndarray
    factors: np.ndarray
    n_features: int

    @classmethod
    def from_covariances(cls, covariances: np.ndarray, n_features: int) -> "Storage":
        """Factorise; raise `DegenerateCovariance` where that is impossible."""

    @classmethod
    def from_precisions(cls, precisions: np.ndarray, n_features: int) -> "Storage":
        """The same from the inverses."""

    @classmethod
    def from_factors(cls, factors: np.ndarray, n_features: int) -> "Storage":
        """The same from the factors of the precisions."""

    @property
    def shared(self) -> bool:
        """Whether one covariance serves all components."""

    def at(self, component: int) -> int:
        """Place of a component's covariance among those that are held."""

    @property
    def precisions(self) -> np.ndarray:
        """The inverses, in the shape of `covariances`."""

    @property
    def log_det(self) -> np.ndarray:
        """Logarithms of the determinants, (S,)."""

    @property
    def variances(self) -> np.ndarray:
        """Diagonals, (S, n_features)."""

    def bound(self, extent: np.ndarray) -> np.ndarray:
        """What the terms of ``z' P z`` add up to at most if |z| <= extent, (S,)."""

    def whiten(self, component: int, Z: np.ndarray, out: np.ndarray, first: int = 0) -> np.ndarray:
        """Rows ``first`` to ``m - 1`` of ``U' z``, given the first m rows of z as Z (m, b)."""

    def standardised(
        self, steps: np.ndarray, covariances: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """``U' v`` of steps v (K, d), and the form of ``U' C U`` of other covariances C (S, ...).

        Of these covariances themselves it is the form of the identity.
        """

    def thinness(self, step: np.ndarray) -> np.ndarray:
        """Least variance over what it would be by rounding alone, (S,).

        `step` (S, n_features) is by how much each column may be off.  At 1 and below, or
        not a number, a covariance is singular.
        """

    def extremes(self, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest variance in units of another covariance (1, ...), each (S,)."""

    def marginal(self, features: np.ndarray) -> "Storage":
        """The covariances of some of the features."""

    def regression(
        self, observed: np.ndarray, missing: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of some features on others: coefficients (S, m, o), what remains (S, m, m)."""

    def dense(self) -> np.ndarray:
        """The covariances as matrices, (S, n_features, n_features)."""

    def decompose(self, aligned: bool) -> "Decomposition":
        """Volume, shape and axes; `aligned` if all S are known to have the same axes."""

    def sample(self, component: int, mean: np.ndarray, n_samples: int, rng: Any) -> np.ndarray:
        """Draws of one component, (n_samples, n_features)."""


def read_only(array: np.ndarray) -> np.ndarray:
    """The array itself, which nobody can write to any more."""
    array.setflags(write=False)
    return array


class Held:
    """What follows from how many covariances are held; arrays become read-only."""

    covariances: np.ndarray
    factors: np.ndarray

    def __post_init__(self):
        for array in vars(self).values():
            if isinstance(array, np.ndarray):
                read_only(array)

    @property
    def shared(self):
        return len(self.factors) == 1

    def at(self, component):
        return 0 if self.shared else component

    def bound(self, extent):
        return self.form.reach(self.precisions, extent)


class Estimate(NamedTuple):
    """What an M-step found."""

    covariances: np.ndarray
    settled: bool = True
    """False if an inner iteration stopped before it converged."""


class CovarianceModel(Protocol):
    """A constraint on the covariances of the components, and its M-step.

    A model is a frozen, comparable value.  To add one, write a class with these
    members and put it into the registry of `gmmem.covariances`; or pass an
    instance as ``covariance_type``.
    """

    name: ClassVar[str]
    storage: ClassVar[type]
    shared: ClassVar[bool] = False
    """One covariance for all components: its quadratic part drops out of the
    responsibilities, and the scatter is needed only in total."""
    aligned: ClassVar[bool] = False
    """Whether all components have the same principal axes."""
    closed_form: ClassVar[bool] = True
    """Whether the M-step needs no inner iteration."""
    compact: bool = False
    """Whether users see one covariance for all, and not K equal ones."""

    def n_parameters(self, n_components: int, n_features: int) -> int:
        """Number of free parameters in the covariances."""

    def estimate(
        self,
        scatter: np.ndarray,
        mass: np.ndarray,
        n_features: int,
        previous: np.ndarray | None,
    ) -> Estimate:
        """The covariances that maximise the expected log-likelihood.

        Parameters
        ----------
        scatter : ndarray of shape (S, ...)
            Within-component scatter in the form of the storage, total if shared.
        mass : ndarray of shape (n_components,)
        n_features : int
        previous : ndarray of shape (S, ...) or None
            The covariances of the last iteration: where an inner iteration starts.

        Returns
        -------
        estimate : Estimate
            Covariances of shape (S, ...), and whether they are settled.
        """


def checked_estimate(
    model: CovarianceModel,
    scatter: np.ndarray,
    mass: np.ndarray,
    n_features: int,
    previous: np.ndarray | None,
) -> Estimate:
    """What a model estimates, if it is what its storage can hold.

    Raises
    ------
    ValueError
        If the model did not return an `Estimate` of the shape of the scatter.
    DegenerateCovariance
        If a covariance is not finite.
    """
    scale = _power_of_two(scatter)
    try:
        if scale == 1:
            estimate = model.estimate(scatter, mass, n_features, previous)
        else:
            last = None if previous is None else previous / scale
            estimate = model.estimate(scatter / scale, mass, n_features, last)
    except np.linalg.LinAlgError:
        raise DegenerateCovariance(0, "could not be decomposed") from None
    if not isinstance(estimate, tuple) or len(estimate) != 2:
        raise ValueError(
            f"The covariance model {model.name} returned {type(estimate).__name__}; "
            "it must return an Estimate."
        )
    values = np.asarray(estimate[0])
    if values.shape != scatter.shape or values.dtype.kind not in "fiu":
        raise ValueError(
            f"The covariance model {model.name} estimated covariances of shape {values.shape} "
            f"and dtype {values.dtype}; expected real numbers of shape {scatter.shape}."
        )
    finite = np.isfinite(values)
    if not finite.all():
        component = int(np.argmin(finite.reshape(len(values), -1).all(axis=1)))
        raise DegenerateCovariance(component, "is not finite")
    if scale == 1:
        return Estimate(values.astype(np.float64, copy=False), bool(estimate[1]))
    with np.errstate(over="ignore", under="ignore"):
        return Estimate(values * scale, bool(estimate[1]))


# Where products of a few scatters fit in float64.
LEAST_SCALE, MOST_SCALE = 1e-30, 1e30


def _power_of_two(scatter: np.ndarray) -> float:
    """By what scatters are divided, which changes no digit: 1 where they are moderate."""
    # Of a scatter, the largest number is a variance.
    largest = float(scatter.max())
    if LEAST_SCALE < largest < MOST_SCALE or not 0 < largest < np.inf:
        return 1.0
    return 2.0 ** np.floor(np.log2(largest))


class Decomposition(NamedTuple):
    """``Sigma_k = volume_k * orientation_k diag(shape_k) orientation_k'``."""

    volume: np.ndarray
    """``|Sigma_k| ** (1 / d)``, (n_components,)."""
    shape: np.ndarray
    """Variances along the axes over the volume, product one, (n_components, d)."""
    orientation: np.ndarray
    """The axes, one a column, (n_components, d, d)."""


@dataclass(frozen=True)
class Lettered(CovarianceModel):
    """A model of mclust's family: its name says volume, shape and orientation.

    E is one for all components, V is one for each, I is none (a sphere, or axes
    along the features).
    """

    compact: bool = False

    @property
    def letters(self) -> str:
        """Of volume, shape and orientation."""
        return self.name.ljust(3, "I")

    @property
    def aligned(self) -> bool:
        return self.letters[2] != "V"

    def n_parameters(self, n_components, n_features):
        d = n_features
        times = {"E": 1, "V": n_components, "I": 0}
        free = (1, d - 1, d * (d - 1) // 2)
        return sum(times[letter] * size for letter, size in zip(self.letters, free, strict=True))


@dataclass(frozen=True)
class Iterated(Lettered):
    """One whose M-step has an inner iteration."""

    closed_form: ClassVar[bool] = False
    tol: float = 1e-7
    max_iter: int = 500


def unit_axes(volume: np.ndarray, shape: np.ndarray) -> Decomposition:
    """The decomposition of covariances whose axes are the features."""
    n, d = shape.shape
    return Decomposition(volume, shape, np.repeat(np.eye(d)[None], n, axis=0))


def n_free(model: CovarianceModel, n_components: int, n_features: int) -> int:
    """Free parameters of a whole mixture: covariances, means and mixing weights."""
    covariances = model.n_parameters(n_components, n_features)
    return covariances + n_components * n_features + n_components - 1


def n_stored(model: CovarianceModel, n_components: int) -> int:
    """S, the number of covariances that a model keeps for K components."""
    return 1 if model.shared else n_components


def public_shape(model: CovarianceModel, n_components: int, n_features: int) -> tuple[int, ...]:
    """Shape of ``covariances_``, ``precisions_init`` and the like for a model."""
    form = model.storage.form.shape(n_features)
    return form if model.compact else (n_components, *form)


def to_public(model: CovarianceModel, stored: np.ndarray, n_components: int) -> np.ndarray:
    """What users see of an array that a storage holds."""
    if model.compact:
        return stored[0].copy()
    return np.repeat(stored, n_components // len(stored), axis=0)


def from_public(model: CovarianceModel, array: np.ndarray) -> np.ndarray:
    """The inverse of `to_public`."""
    if model.compact:
        return array[None]
    return array[:1] if model.shared else array
