"""Spherical storage, one variance a component, and the models on it.

Sigma_k = lambda_k I
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gmmem.covariances.base import DegenerateCovariance
from gmmem.features import NORM, Quadratic


@dataclass(frozen=True, eq=False)
class Spherical:
    """S variances, ``covariances`` of shape (S,)."""

    features: ClassVar[Quadratic] = NORM

    covariances: np.ndarray
    factors: np.ndarray
    n_features: int

    @classmethod
    def from_covariances(cls, covariances, n_features):
        bad = ~(covariances > 0) | ~np.isfinite(covariances)
        if bad.any():
            raise DegenerateCovariance(int(np.argmax(bad)))
        return cls(covariances, 1 / np.sqrt(covariances), n_features)

    @classmethod
    def from_precisions(cls, precisions, n_features):
        return cls.from_covariances(1 / precisions, n_features)

    @classmethod
    def from_factors(cls, factors, n_features):
        return cls(1 / factors**2, factors, n_features)

    @property
    def precisions(self):
        return self.factors**2

    @property
    def log_det(self):
        return -2 * self.n_features * np.log(self.factors)

    @property
    def variances(self):
        return np.repeat(self.covariances[:, None], self.n_features, axis=1)

    def whiten(self, component, Z, out):
        return np.multiply(Z, Z.dtype.type(self.factors[component]), out=out)

    def dense(self):
        return self.covariances[:, None, None] * np.eye(self.n_features)

    def sample(self, component, mean, n_samples, rng):
        noise = rng.standard_normal(size=(n_samples, self.n_features))
        return mean + noise * np.sqrt(self.covariances[component])


@dataclass(frozen=True)
class VII:
    """Each component its own variance (scikit-learn's "spherical")."""

    name: ClassVar[str] = "VII"
    storage: ClassVar[type] = Spherical
    shared: ClassVar[bool] = False
    compact: bool = False

    def n_parameters(self, n_components, n_features):
        return n_components

    def estimate(self, scatter, mass, n_features, previous):
        return scatter / (mass * n_features)
