"""Diagonal storage, one variance a feature and component, and the models on it.

Sigma_k = lambda_k diag(shape_k)
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gmmem.covariances.base import DegenerateCovariance
from gmmem.features import SQUARE, Quadratic


@dataclass(frozen=True, eq=False)
class Diagonal:
    """S vectors of variances, ``covariances`` of shape (S, n_features)."""

    features: ClassVar[Quadratic] = SQUARE

    covariances: np.ndarray
    factors: np.ndarray
    n_features: int

    @classmethod
    def from_covariances(cls, covariances, n_features):
        bad = ~((covariances > 0) & np.isfinite(covariances)).all(axis=1)
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
        return -2 * np.sum(np.log(self.factors), axis=1)

    @property
    def variances(self):
        return self.covariances

    def whiten(self, component, Z, out):
        return np.multiply(Z, self.factors[component][:, None].astype(Z.dtype), out=out)

    def dense(self):
        return self.covariances[:, :, None] * np.eye(self.n_features)

    def sample(self, component, mean, n_samples, rng):
        noise = rng.standard_normal(size=(n_samples, self.n_features))
        return mean + noise * np.sqrt(self.covariances[component])


@dataclass(frozen=True)
class VVI:
    """Each component its own diagonal covariance (scikit-learn's "diag")."""

    name: ClassVar[str] = "VVI"
    storage: ClassVar[type] = Diagonal
    shared: ClassVar[bool] = False
    compact: bool = False

    def n_parameters(self, n_components, n_features):
        return n_components * n_features

    def estimate(self, scatter, mass, n_features, previous):
        return scatter / mass[:, None]
