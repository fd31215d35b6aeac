"""What the observed features of a row say of its missing ones, by a covariance.

With P the inverse of a covariance, o the observed and m the missing features, and z the
difference from the mean,

    z_m is expected to be   -C P_mo z_o,     C = inv(P_mm) the covariance that remains,
    log|Sigma_oo| = log|Sigma| + log|P_mm|,

and the squared distance of z_o by Sigma_oo is that of the completed z by Sigma.  What is
factorised is as small as what is missing, for all patterns at once.
"""

import math
from dataclasses import dataclass

import numpy as np

LOG_TWO_PI = math.log(2 * math.pi)

# How many times the variance given all others a missing feature's may be, for one step to do.
THIN = 1e4

# Differences beyond this may overflow on the way: a power of two.
FAR = 2.0**512


@dataclass(frozen=True, eq=False)
class Independent:
    """Of features that say nothing of each other.

    Parameters
    ----------
    variances, factors : ndarray of shape (S, n_features) or (S, 1)
        The same for all features where there is one.
    missing : ndarray of shape (Q, n_features)
    summed : bool
        Whether a form is the sum over the features.
    """

    variances: np.ndarray
    factors: np.ndarray
    missing: np.ndarray
    summed: bool

    @property
    def gain(self) -> np.ndarray:
        gaps = self.missing.astype(np.float64)
        width = LOG_TWO_PI + np.log(self.variances)
        return 0.5 * np.broadcast_to(width, (len(width), gaps.shape[1])) @ gaps.T

    def fill(self, Z: np.ndarray, which: np.ndarray) -> None:
        """Nothing is expected but the mean."""

    def squares(self, Z: np.ndarray) -> np.ndarray:
        Y = Z * self.factors[:, None, :]
        return np.einsum("kbj,kbj->kb", Y, Y)

    def along(self, pattern: int) -> np.ndarray:
        return np.eye(self.missing.shape[1])[None][:, :, ~self.missing[pattern]]

    def remains(self, mass: np.ndarray) -> np.ndarray:
        each = self.variances * (mass @ self.missing.astype(np.float64))
        return each.sum(axis=1) if self.summed else each


@dataclass(frozen=True, eq=False)
class Correlated:
    """Of features that say something of each other.

    Parameters
    ----------
    precisions, factors : ndarray of shape (S, n_features, n_features)
    scale : ndarray of shape (S, n_features)
        Roots of the precisions' diagonals.
    places : ndarray of shape (Q, m)
        Which features are missing.
    left : ndarray of shape (S, Q, m, m)
        C, times the scales of its rows and columns.
    gain : ndarray of shape (S, Q)
    """

    precisions: np.ndarray
    factors: np.ndarray
    scale: np.ndarray
    places: np.ndarray
    left: np.ndarray
    gain: np.ndarray

    @classmethod
    def of(cls, precisions: np.ndarray, factors: np.ndarray, missing: np.ndarray) -> "Correlated":
        """Factorise what patterns lack, each as many features."""
        Q, d = missing.shape
        places = np.nonzero(missing)[1].reshape(Q, -1)
        # In units in which every feature is as wide, given the others.
        scale = np.sqrt(np.diagonal(precisions, axis1=1, axis2=2))
        scaled = precisions / scale[:, :, None] / scale[:, None, :]
        flat = places[:, :, None] * d + places[:, None, :]
        left, log_det = _inverted(scaled.reshape(len(scaled), -1)[:, flat])
        log_det = log_det + 2 * np.log(scale)[:, places].sum(axis=-1)
        gain = 0.5 * (places.shape[1] * LOG_TWO_PI - log_det)
        return cls(precisions, factors, scale, places, left, gain)

    def fill(self, Z: np.ndarray, which: np.ndarray) -> None:
        if not self.places.shape[1]:
            return
        if FAR < np.abs(Z[0]).max(initial=0) < np.inf:  # What is expected goes by the unit of Z.
            Z *= 1 / FAR
            self.fill(Z, which)
            Z *= FAR
            return
        self._step(Z, which)
        # Where C is thin, rounding leaves rows beside its plane; a second step puts them there.
        thin = (self.left.max(axis=(0, 2, 3)) > THIN)[which]
        if thin.any():
            rest = Z[:, thin]
            self._step(rest, which[thin])
            Z[:, thin] = rest

    def _step(self, Z: np.ndarray, which: np.ndarray) -> None:
        """Take off what missing values differ by from what is expected: all, if they are 0."""
        (K, b, d), m = Z.shape, self.places.shape[1]
        places = self.places[which]
        flat = (places + d * np.arange(b)[:, None]).reshape(-1)
        toward = np.matmul(Z, self.precisions / self.scale[:, None, :])
        toward = toward.reshape(K, -1)[:, flat].reshape(K, b, m)
        left = self.left[:, which]
        if m == 1:
            more = toward * left[..., 0]
        else:
            more = np.matmul(left, toward[..., None])[..., 0]
        more /= self.scale[:, places]
        Z.reshape(K, -1)[:, flat] -= more.reshape(K, -1)

    def squares(self, Z: np.ndarray) -> np.ndarray:
        Y = np.matmul(Z, self.factors)
        return np.einsum("kbj,kbj->kb", Y, Y)

    def along(self, pattern: int) -> np.ndarray:
        (S, d), gone = self.precisions.shape[:2], self.places[pattern]
        seen = np.delete(np.arange(d), gone)
        B = np.zeros((S, d, len(seen)))
        B[:, seen, np.arange(len(seen))] = 1
        toward = self.precisions[:, gone][:, :, seen] / self.scale[:, gone, None]
        B[:, gone] = -self.left[:, pattern] @ toward / self.scale[:, gone, None]
        return B

    def remains(self, mass: np.ndarray) -> np.ndarray:
        K, d = len(mass), self.precisions.shape[1]
        flat = (self.places[:, :, None] * d + self.places[:, None, :]).reshape(-1)
        left = np.broadcast_to(self.left, (K, *self.left.shape[1:]))
        sums = [
            np.bincount(flat, weights=(r[:, None, None] * C).reshape(-1), minlength=d * d)
            for r, C in zip(mass, left, strict=True)
        ]
        units = self.scale[:, :, None] * self.scale[:, None, :]
        return np.array(sums).reshape(K, d, d) / units


def _inverted(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverses and log-determinants of positive definite matrices (..., m, m)."""
    m = matrices.shape[-1]
    if m == 0:
        return matrices, np.zeros(matrices.shape[:-2])
    if m == 1:
        return 1 / matrices, np.log(matrices[..., 0, 0])
    inverses = np.linalg.inv(matrices)
    inverses = 0.5 * (inverses + np.swapaxes(inverses, -1, -2))
    return inverses, np.linalg.slogdet(matrices)[1]
