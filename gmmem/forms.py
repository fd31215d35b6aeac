"""The quadratic features: what a Gaussian log-density is linear in.

With ``z = x - c`` the log of ``weight * density`` of a component is

    t0 + t1 . z - 1/2 q(z),        q(z) = z' P z = <P, phi(z)>

and the M-step needs the sums of the same ``phi(z)``.  How much of ``z z'`` the
covariance can see decides ``phi``: its trace, its diagonal or all of it.  Each
form below is one answer; everything else is written once for all three.

A *form* is an array over components in that answer's own shape, ``(K,)``,
``(K, d)`` or ``(K, d, d)``: second moments, scatters, covariances and
precisions are all forms.
"""

from functools import lru_cache
from typing import Any, Protocol

import numpy as np


class Quadratic(Protocol):
    """What the engine asks of a quadratic feature map."""

    fineness: int
    """A finer map sees all that a coarser one does."""

    def shape(self, n_features: int) -> tuple[int, ...]:
        """Shape of one component's form."""

    def size(self, n_features: int) -> int:
        """Number of feature rows."""

    def fill(self, terms: np.ndarray, n_features: int) -> None:
        """Write the feature rows, (d + size, b), behind the first d rows: those are z."""

    def pack(self, form: np.ndarray) -> np.ndarray:
        """Coefficients (K, size) with ``pack(A) @ phi(z) == z' A z``."""

    def unpack(self, sums: np.ndarray, n_features: int) -> np.ndarray:
        """The form whose feature sums are given, (K, size) to a form."""

    def of(self, form: np.ndarray) -> np.ndarray:
        """What this map sees of a form of its own or of a finer one, (K, ...)."""

    def square(self, V: np.ndarray) -> np.ndarray:
        """The form of ``v v'`` for each row of V (K, d)."""

    def cross(self, U: np.ndarray, V: np.ndarray) -> np.ndarray:
        """The form of ``u v' + v u'`` for the rows of U and V (K, d)."""

    def scatter(self, Z: np.ndarray, r: np.ndarray, out: np.ndarray) -> np.ndarray:
        """The form of ``sum_i r_i z_i z_i'`` (no component axis); out is scratch."""

    def terms(self, Z: Any, place: Any) -> Any:
        """The feature rows as columns, (b, size), of rows Z (b, d) on a device."""

    def weighed(self, Z: Any, r: Any, place: Any) -> Any:
        """The form of ``sum_i r_i z_i z_i'`` of rows Z (b, d) on a device."""

    def identity(self, n_features: int) -> np.ndarray:
        """The form of the identity matrix (no component axis)."""

    def mapped(self, form: np.ndarray, A: np.ndarray) -> np.ndarray:
        """The form of ``A_k z z' A_k'`` from that of ``z z'``.

        A (K, p, d) or (1, p, d) mixes no features where the form sees no products of two.
        """

    def times(self, form: np.ndarray, V: np.ndarray) -> np.ndarray:
        """``A_k v_k`` for each component, (K, d)."""

    def inner(self, form: np.ndarray, other: np.ndarray) -> np.ndarray:
        """``trace(A_k B_k)`` for each component, B a second moment, (K,)."""

    def reach(self, form: np.ndarray, extent: np.ndarray) -> np.ndarray:
        """``r' |A_k| r``: what the terms of ``z' A_k z`` add up to if |z| <= r."""


class Norm:
    """``|z|^2``: all that one variance for all directions can see."""

    fineness = 0

    def shape(self, n_features):
        return ()

    def size(self, n_features):
        return 1

    def fill(self, terms, n_features):
        Z = terms[:n_features]
        np.einsum("jb,jb->b", Z, Z, out=terms[n_features])

    def pack(self, form):
        return form[:, None]

    def unpack(self, sums, n_features):
        return sums[:, 0]

    def of(self, form):
        return form if form.ndim == 1 else SQUARE.of(form).sum(axis=1)

    def square(self, V):
        return np.einsum("kj,kj->k", V, V)

    def cross(self, U, V):
        return 2 * np.einsum("kj,kj->k", U, V)

    def scatter(self, Z, r, out):
        np.multiply(Z, Z, out=out)
        return np.sum(out @ r)

    def terms(self, Z, place):
        return place.xp.sum(Z * Z, axis=1, keepdims=True)

    def weighed(self, Z, r, place):
        return place.xp.sum(r @ (Z * Z))

    def identity(self, n_features):
        return np.float64(n_features)

    def mapped(self, form, A):
        return form

    def times(self, form, V):
        return form[:, None] * V

    def inner(self, form, other):
        return form * other

    def reach(self, form, extent):
        return form * np.dot(extent, extent)


class Square:
    """``z * z``: what one variance a feature can see."""

    fineness = 1

    def shape(self, n_features):
        return (n_features,)

    def size(self, n_features):
        return n_features

    def fill(self, terms, n_features):
        Z = terms[:n_features]
        np.multiply(Z, Z, out=terms[n_features:])

    def pack(self, form):
        return form

    def unpack(self, sums, n_features):
        return sums

    def of(self, form):
        return form if form.ndim == 2 else np.diagonal(form, axis1=1, axis2=2).copy()

    def square(self, V):
        return V * V

    def cross(self, U, V):
        return 2 * (U * V)

    def scatter(self, Z, r, out):
        np.multiply(Z, Z, out=out)
        return out @ r

    def terms(self, Z, place):
        return Z * Z

    def weighed(self, Z, r, place):
        return r @ (Z * Z)

    def identity(self, n_features):
        return np.ones(n_features)

    def mapped(self, form, A):
        return np.matmul(A * A, form[:, :, None])[:, :, 0]

    def times(self, form, V):
        return form * V

    def inner(self, form, other):
        return np.sum(form * other, axis=1)

    def reach(self, form, extent):
        return form @ (extent * extent)


@lru_cache(maxsize=64)
def _pairs(n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both members of each pair of features, and how often ``z' A z`` has it.

    By their distance around a circle: every feature with itself, every one with the next
    one, and so on half around.
    """
    distances, rows = np.divmod(np.arange(OUTER.size(n_features)), n_features)
    columns = (rows + distances) % n_features
    return rows, columns, np.where(rows == columns, 1.0, 2.0)


class Outer:
    """Half of ``z z'``, by diagonals: what a full covariance can see."""

    fineness = 2

    def shape(self, n_features):
        return (n_features, n_features)

    def size(self, n_features):
        return n_features * (n_features + 1) // 2

    def fill(self, terms, n_features):
        d, half, b = n_features, n_features // 2, terms.shape[1]
        Z, squares, others = terms[:d], terms[d : 2 * d], terms[2 * d :]
        # The circle, cut open: its beginning comes again, where the squares will be.
        np.copyto(squares[:half], Z[:half])
        apart = (d - 1) // 2
        step, item = terms.strides
        ahead = np.ndarray((apart, d, b), terms.dtype, terms, step, (step, step, item))
        np.multiply(Z, ahead, out=others[: apart * d].reshape(apart, d, b))
        if d % 2 == 0:  # Who is opposite to whom is one pair, not two.
            np.multiply(Z[:half], Z[half:], out=others[apart * d :])
        np.multiply(Z, Z, out=squares)

    def pack(self, form):
        rows, columns, multiplicity = _pairs(form.shape[-1])
        return form[:, rows, columns] * multiplicity

    def unpack(self, sums, n_features):
        rows, columns, _ = _pairs(n_features)
        form = np.empty((len(sums), n_features, n_features))
        form[:, rows, columns] = sums
        form[:, columns, rows] = sums
        return form

    def of(self, form):
        return form

    def square(self, V):
        return V[:, :, None] * V[:, None, :]

    def cross(self, U, V):
        half = U[:, :, None] * V[:, None, :]
        return half + half.transpose(0, 2, 1)

    def scatter(self, Z, r, out):
        # A times its own transpose is half the work: BLAS fills one triangle.
        np.multiply(Z, np.sqrt(r), out=out)
        return out @ out.T

    def terms(self, Z, place):
        xp, d = place.xp, Z.shape[1]
        parts = [Z * xp.roll(Z, -distance, axis=1) for distance in range(d // 2 + 1)]
        return xp.concat(parts, axis=1)[:, : self.size(d)]

    def weighed(self, Z, r, place):
        return place.xp.matrix_transpose(Z * r[:, None]) @ Z

    def identity(self, n_features):
        return np.eye(n_features)

    def mapped(self, form, A):
        return A @ form @ A.transpose(0, 2, 1)

    def times(self, form, V):
        return (form @ V[:, :, None])[:, :, 0]

    def inner(self, form, other):
        return np.sum(form * other, axis=(1, 2))

    def reach(self, form, extent):
        return np.abs(form) @ extent @ extent


NORM, SQUARE, OUTER = Norm(), Square(), Outer()
