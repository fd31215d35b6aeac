"""Spherical storage, one variance a component, and the models on it.

Sigma_k = lambda_k I                    EII, VII; in one dimension E, V
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from gmmem.covariances.base import (
    DegenerateCovariance,
    Estimate,
    Held,
    Lettered,
    read_only,
    unit_axes,
)
from gmmem.forms import NORM, Quadratic


@dataclass(frozen=True, eq=False)
class Spherical(Held):
    """S variances, ``covariances`` of shape (S,)."""

    form: ClassVar[Quadratic] = NORM

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

    @cached_property
    def precisions(self):
        return read_only(self.factors**2)

    @property
    def log_det(self):
        return -2 * self.n_features * np.log(self.factors)

    @property
    def variances(self):
        return np.repeat(self.covariances[:, None], self.n_features, axis=1)

    def whiten(self, component, Z, out, first=0):
        return np.multiply(Z[first:], Z.dtype.type(self.factors[self.at(component)]), out=out)

    def standardised(self, steps, covariances):
        relative = self.n_features * covariances * self.factors**2
        return steps * self.factors[:, None], relative

    def thinness(self, step):
        with np.errstate(divide="ignore"):
            return self.covariances / step.min(axis=1) ** 2

    def extremes(self, reference):
        relative = self.covariances / reference
        return relative, relative

    def marginal(self, features):
        return type(self)(self.covariances, self.factors, len(features))

    def regression(self, observed, missing):
        S, m = len(self.factors), len(missing)
        return np.zeros((S, m, len(observed))), self.covariances[:, None, None] * np.eye(m)

    def dense(self):
        return self.covariances[:, None, None] * np.eye(self.n_features)

    def decompose(self, aligned):
        return unit_axes(self.covariances, np.ones((len(self.covariances), self.n_features)))

    def sample(self, component, mean, n_samples, rng):
        noise = rng.standard_normal(size=(n_samples, self.n_features))
        return mean + noise * np.sqrt(self.covariances[self.at(component)])


class EII(Lettered):
    """One variance for all components and directions."""

    name = "EII"
    storage = Spherical
    shared = True

    def estimate(self, scatter, mass, n_features, previous):
        return Estimate(scatter / (mass.sum() * n_features))


class VII(Lettered):
    """Each component its own variance (scikit-learn's "spherical")."""

    name = "VII"
    storage = Spherical

    def estimate(self, scatter, mass, n_features, previous):
        return Estimate(scatter / (mass * n_features))


def _only_one_feature(name: str, n_features: int) -> None:
    if n_features != 1:
        raise ValueError(
            f"covariance_type={name!r} is for one feature, but X has {n_features}; "
            "use one of the codes of three letters."
        )


class E(EII):
    """One feature, one variance for all components."""

    name = "E"

    def estimate(self, scatter, mass, n_features, previous):
        _only_one_feature(self.name, n_features)
        return super().estimate(scatter, mass, n_features, previous)


class V(VII):
    """One feature, each component its own variance."""

    name = "V"

    def estimate(self, scatter, mass, n_features, previous):
        _only_one_feature(self.name, n_features)
        return super().estimate(scatter, mass, n_features, previous)
