"""The contract of a storage: how a covariance looks (spherical, diagonal, full).

It is all that a density or an E-step needs.  A storage holds S covariances: one for each of K
components, or one (S = 1) that all of them share.
"""

from dataclasses import fields
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from gmmem.contracts import contract, fulfils
from gmmem.forms import Quadratic

EPS = float(np.finfo(np.float64).eps)


# The least variance, as a share of the largest in comparable units, that is no rounding
# error, for each feature.
FLAT = 64 * EPS


class DegenerateCovariance(ValueError):
    """A covariance is not positive definite, as far as float64 can tell.

    Parameters
    ----------
    component : int
        The component concerned; 0 where all components share one covariance.
    reason : str, default="is not positive definite"
        What follows "The covariance of component 3" in the message.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import DegenerateCovariance, Full
    >>> try:
    ...     Full.from_covariances(np.ones((1, 2, 2)), 2)
    ... except DegenerateCovariance as error:
    ...     print(error)
    The covariance of component 0 is not positive definite.
    """

    def __init__(self, component: int, reason: str = "is not positive definite"):
        super().__init__(f"The covariance of component {component} {reason}.")
        self.component = component
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.component, self.reason)


@contract
class Storage(Protocol):
    """S covariances in one of the three shapes, factorised once, and read-only.

    With the factor U of a precision, ``P = U U'``, whitening is ``y = U' z`` and
    the squared Mahalanobis distance is ``y' y``.

    Attributes
    ----------
    form : Quadratic
        What of ``x x'`` it sees: the trace, the diagonal, or all.
    covariances : ndarray of shape (S, ...)
        In that form.
    factors : ndarray of shape (S, ...)
        U, upper triangular.
    n_features : int
        d, the number of features.

    See Also
    --------
    gmmem.testing.check_storage : Whether a storage of your own does all this.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import Full
    >>> held = Full.from_covariances(np.array([[[4.0, 0.0], [0.0, 1.0]]]), n_features=2)
    >>> np.abs(held.factors)
    array([[[0.5, 0. ],
            [0. , 1. ]]])
    """

    form: ClassVar[Quadratic]
    covariances: np.ndarray
    factors: np.ndarray
    n_features: int

    @classmethod
    def from_covariances(cls, covariances: np.ndarray, n_features: int) -> "Storage":
        """Factorise covariances.

        Parameters
        ----------
        covariances : ndarray of shape (S, ...)
            In the storage's form.
        n_features : int
            d, the number of features.

        Returns
        -------
        storage : Storage
            Factorised.

        Raises
        ------
        DegenerateCovariance
            If one is not positive definite.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.factors
        array([[1.        , 0.5       ],
               [0.33333333, 1.        ]])
        """

    @classmethod
    def from_estimate(cls, estimate: "Estimate", n_features: int) -> "Storage":
        """Factorise what a model estimates, by its roots where it gives them.

        Parameters
        ----------
        estimate : Estimate
            Covariances, and their roots where the model gives them.
        n_features : int
            d, the number of features.

        Returns
        -------
        storage : Storage
            Factorised.

        Raises
        ------
        DegenerateCovariance
            If a covariance is not positive definite.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Estimate, Spherical
        >>> Spherical.from_estimate(Estimate(np.array([4.0])), n_features=2).factors
        array([0.5])
        """

    @classmethod
    def from_precisions(cls, precisions: np.ndarray, n_features: int) -> "Storage":
        """Factorise the inverses of covariances.

        Parameters
        ----------
        precisions : ndarray of shape (S, ...)
            In the storage's form.
        n_features : int
            d, the number of features.

        Returns
        -------
        storage : Storage
            Factorised.

        Raises
        ------
        DegenerateCovariance
            If one is not positive definite.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Spherical
        >>> Spherical.from_precisions(np.array([4.0]), n_features=2).covariances
        array([0.25])
        """

    @classmethod
    def from_factors(cls, factors: np.ndarray, n_features: int) -> "Storage":
        """From the factors of the precisions, which are taken as they are.

        Parameters
        ----------
        factors : ndarray of shape (S, ...)
            U with ``P = U U'``, upper triangular.
        n_features : int
            d, the number of features.

        Returns
        -------
        storage : Storage
            With these factors.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Spherical
        >>> Spherical.from_factors(np.array([2.0]), n_features=2).covariances
        array([0.25])
        """

    @property
    def shared(self) -> bool:
        """Whether one covariance serves all components.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.shared
        False
        """

    def at(self, component: int) -> int:
        """Place of a component's covariance among those that are held.

        Parameters
        ----------
        component : int
            Which component.

        Returns
        -------
        place : int
            0 where one serves all.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.at(1)
        1
        """

    @property
    def precisions(self) -> np.ndarray:
        """The inverses, in the shape of `covariances`.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.precisions.round(3)
        array([[1.   , 0.25 ],
               [0.111, 1.   ]])
        """

    @property
    def log_det(self) -> np.ndarray:
        """Logarithms of the determinants, (S,).

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> np.exp(held.log_det).round(9)
        array([4., 9.])
        """

    @property
    def variances(self) -> np.ndarray:
        """Variances of the features, (S, n_features): the diagonals.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Spherical
        >>> Spherical.from_covariances(np.array([4.0]), n_features=2).variances
        array([[4., 4.]])
        """

    def bound(self, extent: np.ndarray) -> np.ndarray:
        """What the terms of ``z' P z`` add up to at most if ``|z| <= extent``.

        What is lost where they are summed with other signs is a share of this.

        Parameters
        ----------
        extent : ndarray of shape (n_features,)
            How far z reaches in each feature.

        Returns
        -------
        bound : ndarray of shape (S,)
            ``r' |P| r``.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.bound(np.array([1.0, 2.0])).round(3)
        array([2.   , 4.111])
        """

    def whiten(self, component: int, Z: np.ndarray, out: np.ndarray, first: int = 0) -> np.ndarray:
        """Rows ``first`` to ``m - 1`` of ``U' z``, given the first m rows of z.

        Parameters
        ----------
        component : int
            Whose covariance.
        Z : ndarray of shape (m, b)
            Differences from a centre, a column a row of data.
        out : ndarray of shape (m - first, b)
            Where the answer is written.
        first : int, default=0
            The first row that is asked for.

        Returns
        -------
        out : ndarray of shape (m - first, b)
            ``y = U' z``: its square is the squared Mahalanobis distance.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> Z = np.array([[3.0], [1.0]])
        >>> held.whiten(1, Z, np.empty_like(Z)).ravel()
        array([1., 1.])
        """

    def standardised(
        self, steps: np.ndarray, covariances: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Steps and other covariances, in units in which the own covariances are one.

        Parameters
        ----------
        steps : ndarray of shape (n_components, n_features)
            Differences v of means.
        covariances : ndarray of shape (S, ...)
            Other covariances C, in the storage's form.

        Returns
        -------
        steps : ndarray of shape (n_components, n_features)
            ``U' v``.
        relative : ndarray of shape (S, ...)
            The form of ``U' C U``: of the own covariances that of the identity.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> steps, relative = held.standardised(np.full((2, 2), 6.0), held.covariances)
        >>> steps.round(9), relative.round(9)
        (array([[6., 3.],
               [2., 6.]]), array([[1., 1.],
               [1., 1.]]))
        """

    def thinness(self, step: np.ndarray) -> np.ndarray:
        """Least variance over what it would be by rounding alone.

        Parameters
        ----------
        step : ndarray of shape (S, n_features)
            By how much each column may be off.

        Returns
        -------
        thinness : ndarray of shape (S,)
            At 1 and below, or not a number, a covariance is singular.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.thinness(np.full((2, 2), 0.1)).round(6)
        array([100., 100.])
        """

    def extremes(self, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest variance in units of another covariance.

        Parameters
        ----------
        reference : ndarray of shape (1, ...)
            One covariance, in the storage's form.

        Returns
        -------
        least, largest : ndarrays of shape (S,)
            Over all directions.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> least, largest = held.extremes(np.array([[1.0, 2.0]]))
        >>> least, largest
        (array([1. , 0.5]), array([2., 9.]))
        """

    def take(self, components: np.ndarray) -> "Storage":
        """The covariances in another order; the same, where one serves all.

        Parameters
        ----------
        components : ndarray of int of shape (n_components,)
            Which one comes in each place.

        Returns
        -------
        storage : Storage
            In that order.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0], [2.0]]), 1)
        >>> held.take(np.array([1, 0])).covariances.ravel()
        array([2., 1.])
        """

    def marginal(self, features: np.ndarray) -> "Storage":
        """The covariances of some of the features.

        Parameters
        ----------
        features : ndarray of int
            Which ones, in the order that is wanted.

        Returns
        -------
        storage : Storage
            In these features.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.marginal(np.array([1])).covariances.ravel()
        array([4., 1.])
        """

    def conditional(self, features: np.ndarray) -> "Storage":
        """The covariances of some of the features, given all others.

        Parameters
        ----------
        features : ndarray of int
            Those that are not given.

        Returns
        -------
        covariances : Storage
            In those features.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Full
        >>> both = Full.from_covariances(np.array([[[1, 0.5], [0.5, 1]]]), 2)
        >>> both.conditional(np.array([1])).covariances
        array([[[0.75]]])
        """

    def regression(
        self, observed: np.ndarray, missing: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Regression of some features on others.

        Parameters
        ----------
        observed : ndarray of int of shape (o,)
            The features that are known.
        missing : ndarray of int of shape (m,)
            The others.

        Returns
        -------
        coefficients : ndarray of shape (S, m, o)
            By how much a missing feature is expected to be off its mean for each unit that an
            observed one is off its own.
        remains : ndarray of shape (S, m, m)
            The covariances of the missing features, given the observed ones.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Full
        >>> held = Full.from_covariances(np.array([[[1.0, 0.5], [0.5, 1.0]]]), 2)
        >>> coefficients, remains = held.regression(np.array([0]), np.array([1]))
        >>> coefficients.round(6), remains.round(6)
        (array([[[0.5]]]), array([[[0.75]]]))
        """

    def gaps(self, missing: np.ndarray) -> "Gaps":
        """What is known of missing features.

        Parameters
        ----------
        missing : ndarray of bool of shape (Q, n_features)
            Patterns, each of which lacks as many features.

        Returns
        -------
        gaps : Gaps
            What fills them, and what remains open.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import get_model
        >>> storage = get_model("full").storage.from_covariances(np.eye(2)[None], 2)
        >>> storage.gaps(np.array([[False, True]])).along(0)
        array([[[1.],
                [0.]]])
        """

    def dense(self) -> np.ndarray:
        """The covariances as matrices.

        Returns
        -------
        matrices : ndarray of shape (S, n_features, n_features)
            Whatever the storage's own form is.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.dense()[0]
        array([[1., 0.],
               [0., 4.]])
        """

    def decompose(self, aligned: bool) -> "Decomposition":
        """Volume, shape and axes of the covariances.

        Parameters
        ----------
        aligned : bool
            Whether all S are known to have the same axes.

        Returns
        -------
        parts : Decomposition
            Of S covariances.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> held.decompose(aligned=True).volume.round(9)
        array([2., 3.])
        """

    def sample(self, component: int, mean: np.ndarray, n_samples: int, rng: Any) -> np.ndarray:
        """Draw rows of one component.

        Parameters
        ----------
        component : int
            Whose covariance.
        mean : ndarray of shape (n_features,)
            Their mean.
        n_samples : int
            How many.
        rng : numpy.random.RandomState or numpy.random.Generator
            Where the numbers come from.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0], [9.0, 1.0]]), 2)
        >>> X = held.sample(0, np.zeros(2), 100_000, np.random.RandomState(0))
        >>> X.std(axis=0).round(1)
        array([1., 2.])
        """


class Gaps(Protocol):
    """What covariances say of missing features, for Q patterns that lack m features each.

    All differences are from the means of the components.
    """

    gain: np.ndarray
    """By how much the log-peaks of the observed features exceed those of all, (S, Q)."""

    def fill(self, Z: np.ndarray, which: np.ndarray) -> None:
        """Write what is expected into differences (K, b, d) that are zero where missing.

        `which` (b,) are the rows' patterns.
        """

    def squares(self, Z: np.ndarray) -> np.ndarray:
        """Squared distances of the observed features, from what `fill` has filled, (K, b)."""

    def along(self, pattern: int) -> np.ndarray:
        """What all features are expected to be a unit of the observed ones, (S, d, o)."""

    def remains(self, mass: np.ndarray) -> np.ndarray:
        """The covariance that is not explained, times the mass (K, Q) and added up: a form."""


def read_only(array: np.ndarray) -> np.ndarray:
    """The array itself, which nobody can write to any more."""
    array.setflags(write=False)
    return array


@lru_cache(maxsize=64)
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@fulfils(Storage)
class Held:
    """What follows from how many covariances are held; arrays become read-only."""

    covariances: np.ndarray
    factors: np.ndarray

    def __post_init__(self):
        for array in vars(self).values():
            if isinstance(array, np.ndarray):
                read_only(array)

    @classmethod
    def from_estimate(cls, estimate, n_features):
        return cls.from_covariances(estimate.covariances, n_features)

    @property
    def shared(self):
        return len(self.factors) == 1

    def at(self, component):
        return 0 if self.shared else component

    def take(self, components):
        """The covariances in another order; the same, where one serves all.

        Parameters
        ----------
        components : ndarray of int of shape (n_components,)
            Which one comes in each place.

        Returns
        -------
        storage : Storage
            In that order.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Diagonal
        >>> held = Diagonal.from_covariances(np.array([[1.0], [2.0]]), 1)
        >>> held.take(np.array([1, 0])).covariances.ravel()
        array([2., 1.])
        """
        if self.shared:
            return self
        own = (getattr(self, name) for name in _names(type(self)))
        return type(self)(
            *(each[components] if isinstance(each, np.ndarray) else each for each in own)
        )

    def bound(self, extent):
        return self.form.reach(self.precisions, extent)


class Estimate(NamedTuple):
    """What an M-step found.

    Parameters
    ----------
    covariances : ndarray of shape (S, ...)
        In the form of the storage: of every component, or one that all share.
    settled : bool, default=True
        False if an inner iteration stopped before it converged.
    roots : ndarray of shape (S, n_features, n_features), default=None
        R with ``Sigma = R R'``, where that keeps digits which the matrices lose.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import VII
    >>> scatter, mass = np.array([8.0, 6.0]), np.array([4.0, 1.0])
    >>> VII().estimate(scatter, mass, n_features=2, previous=None)
    Estimate(covariances=array([1., 3.]), settled=True, roots=None)
    """

    covariances: np.ndarray
    settled: bool = True
    roots: np.ndarray | None = None


class Decomposition(NamedTuple):
    """``Sigma_k = volume_k * orientation_k diag(shape_k) orientation_k'``.

    Parameters
    ----------
    volume : ndarray of shape (n_components,)
        ``|Sigma_k| ** (1 / d)``.
    shape : ndarray of shape (n_components, n_features)
        Variances along the axes over the volume: their product is one.
    orientation : ndarray of shape (n_components, n_features, n_features)
        The axes, one a column.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import Full
    >>> held = Full.from_covariances(np.array([[[4.0, 0.0], [0.0, 1.0]]]), 2)
    >>> volume, shape, orientation = held.decompose(aligned=False)
    >>> volume.round(3), shape.round(3)
    (array([2.]), array([[2. , 0.5]]))
    """

    volume: np.ndarray
    shape: np.ndarray
    orientation: np.ndarray


def unit_axes(volume: np.ndarray, shape: np.ndarray) -> Decomposition:
    """The decomposition of covariances whose axes are the features."""
    n, d = shape.shape
    return Decomposition(volume, shape, np.repeat(np.eye(d)[None], n, axis=0))
