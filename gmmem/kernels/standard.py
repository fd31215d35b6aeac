"""The E-step by the array API standard: for rows that are on a device.

The same arithmetic as on the host, in functions that every array library has: two products
and one exponential, the sums to the host.  Arrays are tall here, a row for each row of the
data, as these libraries have them.
"""

from typing import Any

import numpy as np

from gmmem.sources.device import DeviceBlock, Place


class StandardExpanded:
    """``L = Phi(X) T'``: `ExpandedKernel` on a device."""

    def __init__(self, kernel: Any, place: Place):
        self.kernel, self.place = kernel, place
        self.form = kernel.components.covariances.form
        self.dtype = place.dtype(kernel.dtype)
        self.centre = place.put(kernel.centre, kernel.dtype)
        self.coefficients = place.put(kernel.coefficients.T, kernel.dtype)

    def prepare(self, X: Any) -> Any:
        """1, z = x - centre, and the quadratic terms of z: (b, p)."""
        xp = self.place.xp
        Z = xp.astype(X, self.dtype, copy=False) - self.centre
        parts = [xp.ones((Z.shape[0], 1), dtype=self.dtype, device=self.place.device), Z]
        if not self.kernel.leaves_out:
            parts.append(self.form.terms(Z, self.place))
        return xp.concat(parts, axis=1)

    def scores(self, Phi: Any) -> Any:
        """Log of weight times density but for what is left out, (b, K)."""
        return Phi @ self.coefficients

    def left_out(self, Phi: Any) -> Any:
        """What the scores left out: a number, or (b,)."""
        kernel = self.kernel
        if not kernel.leaves_out:
            return kernel.shift
        Z = Phi[:, 1 : kernel.components.n_features + 1]
        factor = self.place.put(kernel.components.covariances.factors[0], kernel.dtype)
        return kernel.shift - 0.5 * self.place.xp.sum(whitened(Z, factor) ** 2, axis=1)

    def accumulate(self, Phi: Any, R: Any) -> tuple[np.ndarray, ...]:
        """What `ExpandedKernel.moments` takes."""
        return (self.place.fetch(self.place.xp.matrix_transpose(R) @ Phi),)


class StandardDifferences:
    """``y = U_k'(x - mu_k)`` one component after the other: whitening on a device.

    Parameters
    ----------
    kernel : WhitenedKernel
    place : Place
    centres : ndarray of shape (n_components, n_features)
        What moments are taken about, less the kernel's origin.
    """

    def __init__(self, kernel: Any, place: Place, centres: np.ndarray):
        self.kernel, self.place = kernel, place
        components, dtype = kernel.components, kernel.dtype
        self.storage = components.covariances
        self.dtype = place.dtype(dtype)
        self.origin = place.put(kernel.origin, dtype)
        self.means = place.put(components.means - kernel.origin, dtype)
        self.centres = centres
        self.factors = [place.put(factor, dtype) for factor in self.storage.factors]
        self.log_peaks = [float(value) for value in components.log_peaks]

    def prepare(self, X: Any) -> Any:
        """Rows about the origin, (b, d)."""
        return self.place.xp.astype(X, self.dtype, copy=False) - self.origin

    def scores(self, Z: Any) -> Any:
        """Log of weight times density, (b, K)."""
        xp = self.place.xp
        columns = [
            peak - 0.5 * xp.sum(whitened(Z - self.means[k, :], self._factor(k)) ** 2, axis=1)
            for k, peak in enumerate(self.log_peaks)
        ]
        return xp.stack(columns, axis=1)

    def left_out(self, Z: Any) -> float:
        """Nothing."""
        return 0.0

    def accumulate(self, Z: Any, R: Any) -> tuple[np.ndarray, ...]:
        """Mass, first and second moments about the centres."""
        form, pooled = self.storage.form, self.storage.shared
        return sums_about(Z, R, self.centres, form, pooled, self.place)

    def _factor(self, k: int) -> Any:
        return self.factors[self.storage.at(k)]


def whitened(Z: Any, factor: Any) -> Any:
    """``U'z`` of each row, U a matrix, a diagonal or a number."""
    return Z @ factor if len(factor.shape) == 2 else Z * factor


def softmax(L: Any, xp: Any) -> tuple[Any, Any]:
    """Responsibilities (b, K) and log-sums (b,)."""
    peak = xp.max(L, axis=1, keepdims=True)
    R = xp.exp(L - peak)
    total = xp.sum(R, axis=1, keepdims=True)
    return R / total, (xp.log(total) + peak)[:, 0]


def weighted_total(values: Any, block: DeviceBlock, place: Place) -> float:
    """Sum of the values times the row weights, in float64."""
    values = place.xp.astype(values, place.xp.float64, copy=False)
    if block.weight is not None:
        values = values * block.weight
    return float(place.xp.sum(values))


def weighed(R: Any, block: DeviceBlock, place: Place) -> Any:
    """Shares times the row weights."""
    if block.weight is None:
        return R
    return R * place.xp.astype(block.weight, R.dtype, copy=False)[:, None]


def total_weight(block: DeviceBlock, place: Place) -> float:
    """Of the rows of a block."""
    return float(block.X.shape[0] if block.weight is None else place.xp.sum(block.weight))


def sums_about(
    Z: Any, R: Any, centres: np.ndarray, form: Any, pooled: bool, place: Place
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass, first and second moments of one block about a centre for each component."""
    xp, (K, d) = place.xp, centres.shape
    mass = place.fetch(xp.sum(R, axis=0))
    first, second = np.zeros((K, d)), np.zeros((1 if pooled else K, *form.shape(d)))
    where = xp.astype(place.put(centres), Z.dtype)
    for k in range(K):
        D, r = Z - where[k, :], R[:, k]
        first[k] = place.fetch(r @ D)
        second[0 if pooled else k] += place.fetch(form.weighed(D, r, place))
    return mass, first, second


def shares_of(answer: Any, n_components: int, place: Place) -> Any:
    """Labels (b,) or responsibilities (b, K) as responsibilities."""
    xp = place.xp
    if len(answer.shape) == 2:
        return answer
    numbers = place.put(np.arange(n_components), np.int64)
    return xp.astype(answer[:, None] == numbers, xp.float64)
