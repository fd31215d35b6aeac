"""Diagonal storage, one variance a feature and component, and the models on it.

Sigma_k = lambda_k diag(shape_k)        EEI, VEI, EVI, VVI

M-steps: Celeux and Govaert (1995), Gaussian parsimonious clustering models,
Pattern Recognition 28, 781-793, section 4.2.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from gmmem.covariances.base import (
    DegenerateCovariance,
    Estimate,
    Held,
    Iterated,
    Lettered,
    read_only,
    unit_axes,
)
from gmmem.covariances.volumes import common_shape, volumes
from gmmem.forms import SQUARE, Quadratic


@dataclass(frozen=True, eq=False)
class Diagonal(Held):
    """S vectors of variances, ``covariances`` of shape (S, n_features)."""

    form: ClassVar[Quadratic] = SQUARE

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

    @cached_property
    def precisions(self):
        return read_only(self.factors**2)

    @property
    def log_det(self):
        return -2 * np.sum(np.log(self.factors), axis=1)

    @property
    def variances(self):
        return self.covariances

    def whiten(self, component, Z, out, first=0):
        factors = self.factors[self.at(component)][first : len(Z), None].astype(Z.dtype)
        return np.multiply(Z[first:], factors, out=out)

    def standardised(self, steps, covariances):
        return steps * self.factors, covariances * self.factors**2

    def thinness(self, step):
        with np.errstate(divide="ignore"):
            return (self.covariances / step**2).min(axis=1)

    def extremes(self, reference):
        relative = self.covariances / reference
        return relative.min(axis=1), relative.max(axis=1)

    def marginal(self, features):
        return type(self)(self.covariances[:, features], self.factors[:, features], len(features))

    def regression(self, observed, missing):
        S, m = len(self.factors), len(missing)
        return np.zeros((S, m, len(observed))), self.covariances[:, missing, None] * np.eye(m)

    def dense(self):
        return self.covariances[:, :, None] * np.eye(self.n_features)

    def decompose(self, aligned):
        volume = volumes(self.covariances)
        return unit_axes(volume, self.covariances / volume[:, None])

    def sample(self, component, mean, n_samples, rng):
        noise = rng.standard_normal(size=(n_samples, self.n_features))
        return mean + noise * np.sqrt(self.covariances[self.at(component)])


class EEI(Lettered):
    """One diagonal covariance for all components."""

    name = "EEI"
    storage = Diagonal
    shared = True

    def estimate(self, scatter, mass, n_features, previous):
        return Estimate(scatter / mass.sum())


class VEI(Iterated):
    """One shape along the features, each component its own volume."""

    name = "VEI"
    storage = Diagonal

    def estimate(self, scatter, mass, n_features, previous):
        start = None if previous is None else volumes(previous)
        volume, shape, settled = common_shape(scatter, mass, start, self.tol, self.max_iter)
        return Estimate(volume[:, None] * shape, settled)


class EVI(Lettered):
    """One volume for all, each component its own shape along the features."""

    name = "EVI"
    storage = Diagonal

    def estimate(self, scatter, mass, n_features, previous):
        size = volumes(scatter)
        return Estimate(scatter / size[:, None] * (size.sum() / mass.sum()))


class VVI(Lettered):
    """Each component its own diagonal covariance (scikit-learn's "diag")."""

    name = "VVI"
    storage = Diagonal

    def estimate(self, scatter, mass, n_features, previous):
        return Estimate(scatter / mass[:, None])
