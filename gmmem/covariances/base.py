"""The contract of a model: how the covariances of the components depend on each other.

It is all that an M-step needs: from the within-component scatters to covariances.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from gmmem.contracts import contract, fulfils
from gmmem.covariances.parts import Parts, whole
from gmmem.covariances.storage import DegenerateCovariance, Estimate


@contract
class CovarianceModel(Protocol):
    """A constraint on the covariances of the components, and its M-step.

    A model is a frozen, comparable value.  To add one, write a class with these
    members and put it into the registry of `gmmem.covariances`; or pass an
    instance as ``covariance_type``.

    Attributes
    ----------
    name : str
        What it is called.
    storage : type
        `Spherical`, `Diagonal`, `Full`, or another `Storage`: how a covariance is kept.

    Examples
    --------
    >>> from gmmem.covariances import get_model
    >>> model = get_model("VVV")
    >>> model.storage.__name__, model.shared, model.closed_form
    ('Full', False, True)
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
        """Number of free parameters in the covariances.

        Parameters
        ----------
        n_components : int
            K, the number of components.
        n_features : int
            d, the number of features.

        Returns
        -------
        n_parameters : int
            Means and weights are not counted.

        Examples
        --------
        >>> from gmmem.covariances import get_model
        >>> [get_model(name).n_parameters(3, 2) for name in ("EII", "EEE", "VVV")]
        [1, 3, 9]
        """

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
            Sums of the responsibilities, all positive.
        n_features : int
            d, the number of features.
        previous : ndarray of shape (S, ...) or None
            The covariances of the last iteration: where an inner iteration starts.

        Returns
        -------
        estimate : Estimate
            Covariances of shape (S, ...), and whether they are settled.

        Raises
        ------
        DegenerateCovariance
            Where a component collapses inside an inner iteration.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import get_model
        >>> scatter, mass = np.array([[8.0, 4.0], [2.0, 1.0]]), np.array([4.0, 1.0])
        >>> get_model("VVI").estimate(scatter, mass, 2, None).covariances
        array([[2., 1.],
               [2., 1.]])
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
    if not isinstance(estimate, Estimate):
        raise ValueError(
            f"The covariance model {model.name} returned {type(estimate).__name__}; "
            "it must return an Estimate."
        )
    values = np.asarray(estimate.covariances)
    if values.shape != scatter.shape or values.dtype.kind not in "fiu":
        raise ValueError(
            f"The covariance model {model.name} estimated covariances of shape {values.shape} "
            f"and dtype {values.dtype}; expected real numbers of shape {scatter.shape}."
        )
    roots = estimate.roots
    if roots is not None and np.shape(roots) != (len(scatter), n_features, n_features):
        raise ValueError(
            f"The covariance model {model.name} gave roots of shape {np.shape(roots)}; expected "
            f"{(len(scatter), n_features, n_features)}, with covariances R R'."
        )
    finite = np.isfinite(values)
    if not finite.all():
        component = int(np.argmin(finite.reshape(len(values), -1).all(axis=1)))
        raise DegenerateCovariance(component, "is not finite")
    if scale == 1 and values is estimate.covariances and values.dtype == np.float64:
        return estimate
    if scale == 1:
        return estimate._replace(covariances=values.astype(np.float64))
    with np.errstate(over="ignore", under="ignore"):
        roots = None if roots is None else roots * np.sqrt(scale)
        return estimate._replace(covariances=values * scale, roots=roots)


# Where products of a few scatters fit in float64.
LEAST_SCALE, MOST_SCALE = 1e-30, 1e30


def _power_of_two(scatter: np.ndarray) -> float:
    """By what scatters are divided, which changes no digit: 1 where they are moderate.

    A power of four, so that neither do their roots change.
    """
    # Of a scatter, the largest number is a variance.
    largest = float(scatter.max())
    if LEAST_SCALE < largest < MOST_SCALE or not 0 < largest < np.inf:
        return 1.0
    return 4.0 ** np.floor(np.log2(largest) / 2)


@dataclass(frozen=True)
class Lettered(CovarianceModel):
    """A model of mclust's family: its name says volume, shape and orientation.

    E is one for all components, V is one for each, I is none (a sphere, or axes
    along the features).
    """

    compact: bool = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        fulfils(Lettered)(cls)

    @property
    def letters(self) -> str:
        """Of volume, shape and orientation: E is one for all, V one for each, I none.

        Examples
        --------
        >>> from gmmem.covariances import get_model
        >>> get_model("full").letters, get_model("E").letters
        ('VVV', 'EII')
        """
        return self.name.ljust(3, "I")

    @property
    def aligned(self) -> bool:
        """Whether all components have the same principal axes.

        Examples
        --------
        >>> from gmmem.covariances import get_model
        >>> get_model("VVE").aligned, get_model("VVV").aligned
        (True, False)
        """
        return self.letters[2] != "V"

    def estimate(self, scatter, mass, n_features, previous):
        return self.of_each(scatter, mass, n_features, previous, whole(len(mass)))

    def of_each(
        self,
        scatter: np.ndarray,
        mass: np.ndarray,
        n_features: int,
        previous: np.ndarray | None,
        parts: Parts,
    ) -> Estimate:
        """`estimate` for several mixtures at once, where scatters are those of components.

        Parameters
        ----------
        scatter, mass, n_features, previous
            As for `estimate`, of the components of all.
        parts : Parts
            Whose they are.

        Returns
        -------
        estimate : Estimate
            A covariance for each component, also where those of a mixture are equal.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import get_model
        >>> from gmmem.covariances.parts import Parts
        >>> scatter, mass = np.array([2.0, 4.0, 2.0, 8.0]), np.ones(4)
        >>> get_model("EII").of_each(scatter, mass, 1, None, Parts([2, 2])).covariances
        array([3., 3., 5., 5.])
        """
        raise NotImplementedError(f"{type(self).__name__} has neither of_each nor estimate.")

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
