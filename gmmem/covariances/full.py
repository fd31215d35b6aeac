"""Full storage: one matrix a component.

Sigma_k = L_k L_k',     P_k = U_k U_k',     U_k = inv(L_k)'
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.linalg.lapack import dtrtri

from gmmem.contracts import fulfils
from gmmem.covariances.gaps import Correlated
from gmmem.covariances.orientation import common_axes
from gmmem.covariances.storage import (
    EPS,
    FLAT,
    Decomposition,
    DegenerateCovariance,
    Held,
    Storage,
    read_only,
)
from gmmem.covariances.volumes import volumes
from gmmem.forms import OUTER, Quadratic

# Of matrices whose pivots are no smaller share of the columns' variances, Cholesky's factors
# have all digits but two or three.
THIN = 1e-3

# More triangles than so many are inverted in one call, up to so many features.
BATCH, MOST_IN_BATCH = 3, 5


def _cholesky(matrices: np.ndarray) -> np.ndarray:
    """Lower factors; a pivot that is only rounding error counts as zero."""
    try:
        factors = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        raise DegenerateCovariance(_first_without_factor(matrices)) from None
    _check_pivots(factors, matrices)
    return factors


def _triangular(roots: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Lower factors L with ``L L' = R R'``."""
    try:
        factors = np.linalg.cholesky(matrices)
        if _above(THIN, factors, matrices).all():
            return factors  # As good as by the roots, and a third of the time.
    except np.linalg.LinAlgError:
        pass
    factors = np.linalg.qr(roots.transpose(0, 2, 1), mode="r").transpose(0, 2, 1)
    factors = factors * np.where(np.diagonal(factors, axis1=1, axis2=2) < 0, -1, 1)[:, None, :]
    _check_pivots(factors, matrices)
    return factors


def _check_pivots(factors: np.ndarray, matrices: np.ndarray) -> None:
    noise = max(4, matrices.shape[-1]) * EPS
    # What roots of a flat scatter leave of its variance may be below zero.
    regular = _above(noise, factors, matrices) & (factors.diagonal(0, 1, 2) > 0)
    if not regular.all():
        component = int(np.argmin(regular.all(axis=1)))
        raise DegenerateCovariance(component, "is singular to working precision")


def _above(share: float, factors: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Whether squared pivots are more than a share of the variances of the columns, (K, d)."""
    pivots = factors.diagonal(0, 1, 2)
    return pivots * pivots > share * matrices.diagonal(0, 1, 2)


def _first_without_factor(matrices: np.ndarray) -> int:
    for k, matrix in enumerate(matrices):
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            return k
    return 0


def _inverse_transposed(triangles: np.ndarray, lower: bool) -> np.ndarray:
    """``inv(T)'`` of triangular matrices."""
    if lower and len(triangles) > BATCH and triangles.shape[1] <= MOST_IN_BATCH:
        # Elimination finds nothing to do in an upper triangle, and substitutes back.
        return np.linalg.inv(triangles.transpose(0, 2, 1))
    inverses = np.empty_like(triangles)
    for k, triangle in enumerate(triangles):
        # LAPACK reads by columns: the transpose needs no copy.
        inverses[k] = dtrtri(triangle.T, lower=not lower)[0]
    return inverses


@fulfils(Storage)
@dataclass(frozen=True, eq=False)
class Full(Held):
    """S matrices, ``covariances`` of shape (S, n_features, n_features).

    Parameters
    ----------
    factors : ndarray of shape (S, n_features, n_features)
        U with ``P = U U'`` for the precisions P.
    n_features : int
        d, the number of features.
    given : ndarray of shape (S, n_features, n_features) or None, default=None
        The covariances, where they came before the factors.

    See Also
    --------
    Storage : What it can do.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import Full
    >>> held = Full.from_covariances(np.array([[[2.0, 1.0], [1.0, 2.0]]]), n_features=2)
    >>> held.log_det.round(3)
    array([1.099])
    """

    form: ClassVar[Quadratic] = OUTER

    factors: np.ndarray
    n_features: int
    given: np.ndarray | None = None

    @classmethod
    def from_covariances(cls, covariances, n_features):
        factors = _inverse_transposed(_cholesky(covariances), lower=True)
        return cls(factors, n_features, covariances)

    @classmethod
    def from_estimate(cls, estimate, n_features):
        covariances, _, roots = estimate
        if roots is None:
            return cls.from_covariances(covariances, n_features)
        factors = _inverse_transposed(_triangular(roots, covariances), lower=True)
        return cls(factors, n_features, covariances)

    @classmethod
    def from_precisions(cls, precisions, n_features):
        # P = U U' with U upper is the Cholesky factor of P read backwards.
        backwards = _cholesky(precisions[:, ::-1, ::-1])
        return cls.from_factors(np.ascontiguousarray(backwards[:, ::-1, ::-1]), n_features)

    @classmethod
    def from_factors(cls, factors, n_features):
        return cls(factors, n_features)

    @cached_property
    def covariances(self):
        if self.given is not None:
            return self.given
        lower = _inverse_transposed(self.factors, lower=False)
        return read_only(lower @ lower.transpose(0, 2, 1))

    @cached_property
    def precisions(self):
        return read_only(self.factors @ self.factors.transpose(0, 2, 1))

    @property
    def log_det(self):
        return -2 * np.log(self.factors.diagonal(0, 1, 2)).sum(axis=1)

    @property
    def variances(self):
        return np.diagonal(self.covariances, axis1=1, axis2=2)

    def whiten(self, component, Z, out, first=0):
        # U' is lower triangular.
        # (BLAS has a product for this, but SciPy calls it with Python's lock held.)
        lower = self.factors[self.at(component)].T[first : len(Z), : len(Z)]
        return np.matmul(lower.astype(Z.dtype, copy=False), Z, out=out)

    def standardised(self, steps, covariances):
        across = self.factors.transpose(0, 2, 1)
        return (across @ steps[:, :, None])[:, :, 0], across @ covariances @ self.factors

    def thinness(self, step):
        # In units in which all columns are equally wide, where rounding is the same for all.
        scale = np.sqrt(self.variances)
        correlations = self.covariances / scale[:, :, None] / scale[:, None, :]
        values, axes = np.linalg.eigh(correlations)
        # Every axis: a column that is narrow alone need not lie along the shortest.
        of_rows = np.einsum("kij,ki->kj", np.abs(axes), step / scale) ** 2
        return (values / np.maximum(FLAT * self.n_features, of_rows)).min(axis=1)

    def extremes(self, reference):
        # Both by a largest eigenvalue, which keeps its digits.
        scale = np.sqrt(np.diagonal(reference[0]))[:, None]
        lower = _cholesky(reference / scale / scale.T)
        root, inverse = scale * lower[0], _inverse_transposed(lower, lower=True)[0] / scale
        least = 1 / np.linalg.eigvalsh(root.T @ self.precisions @ root)[:, -1]
        return least, np.linalg.eigvalsh(inverse.T @ self.covariances @ inverse)[:, -1]

    def marginal(self, features):
        return self.from_covariances(self.covariances[:, features][:, :, features], len(features))

    def conditional(self, features):
        """The covariances of some of the features, given all others.

        Parameters
        ----------
        features : ndarray of int
            Those that are not given.

        Returns
        -------
        covariances : Full
            In those features.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import Full
        >>> both = Full.from_covariances(np.array([[[1, 0.5], [0.5, 1]]]), 2)
        >>> both.conditional(np.array([1])).covariances
        array([[[0.75]]])
        """
        # Rows of U, made triangular: the precision is not formed, so its digits are kept.
        backwards = self.factors[:, features[::-1]].transpose(0, 2, 1)
        upper = np.linalg.qr(backwards, mode="r")
        upper *= np.sign(np.diagonal(upper, axis1=1, axis2=2))[:, :, None]
        factors = upper.transpose(0, 2, 1)[:, ::-1, ::-1]
        return self.from_factors(np.ascontiguousarray(factors), len(features))

    def regression(self, observed, missing):
        # By the precision: what remains is positive definite, however thin.
        P = self.precisions
        remains = np.linalg.inv(P[:, missing][:, :, missing])
        remains = (remains + remains.transpose(0, 2, 1)) / 2
        return -remains @ P[:, missing][:, :, observed], remains

    def gaps(self, missing):
        return Correlated.of(self.precisions, self.factors, missing)

    def dense(self):
        return self.covariances

    def decompose(self, aligned):
        axes = common_axes(self.covariances) if aligned else None
        if aligned:
            values = np.einsum("ij,kil,lj->kj", axes, self.covariances, axes)
            axes = np.repeat(axes[None], len(values), axis=0)
        else:
            values, axes = np.linalg.eigh(self.covariances)
            values, axes = values[:, ::-1], axes[:, :, ::-1]
        volume = volumes(values)
        return Decomposition(volume, values / volume[:, None], axes)

    def sample(self, component, mean, n_samples, rng):
        # It is known to be positive definite: NumPy's own check is absolute, and warns.
        covariance = self.covariances[self.at(component)]
        return rng.multivariate_normal(mean, covariance, n_samples, check_valid="ignore")
