"""Spherical storage, one variance a component, and the models on it.

Sigma_k = lambda_k I                    EII, VII; in one dimension E, V
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from gmmem.contracts import fulfils
from gmmem.covariances.base import Lettered
from gmmem.covariances.gaps import Independent
from gmmem.covariances.storage import (
    DegenerateCovariance,
    Estimate,
    Held,
    Storage,
    read_only,
    unit_axes,
)
from gmmem.forms import NORM, Quadratic


@fulfils(Storage)
@dataclass(frozen=True, eq=False)
class Spherical(Held):
    """S variances, ``covariances`` of shape (S,).

    Parameters
    ----------
    covariances : ndarray of shape (S,)
        Variances.
    factors : ndarray of shape (S,)
        U with ``P = U U'`` for the precisions P.
    n_features : int
        d, the number of features.

    See Also
    --------
    Storage : What it can do.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import Spherical
    >>> held = Spherical.from_covariances(np.array([4.0]), n_features=2)
    >>> held.log_det.round(3)
    array([2.773])
    """

    form: ClassVar[Quadratic] = NORM

    covariances: np.ndarray
    factors: np.ndarray
    n_features: int

    @classmethod
    def from_covariances(cls, covariances, n_features):
        if not 0 < covariances.min() <= covariances.max() < np.inf:
            bad = ~(covariances > 0) | ~np.isfinite(covariances)
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

    # Features of a component do not tell of each other.
    conditional = marginal

    def regression(self, observed, missing):
        S, m = len(self.factors), len(missing)
        return np.zeros((S, m, len(observed))), self.covariances[:, None, None] * np.eye(m)

    def gaps(self, missing):
        return Independent(self.covariances[:, None], self.factors[:, None], missing, True)

    def dense(self):
        return self.covariances[:, None, None] * np.eye(self.n_features)

    def decompose(self, aligned):
        return unit_axes(self.covariances, np.ones((len(self.covariances), self.n_features)))

    def sample(self, component, mean, n_samples, rng):
        noise = rng.standard_normal(size=(n_samples, self.n_features))
        return mean + noise * np.sqrt(self.covariances[self.at(component)])


class EII(Lettered):
    """One variance for all components and directions.

    ``Sigma_k = lambda I`` with lambda = tr(W) / (n d), W the total scatter within components.

    Parameters
    ----------
    compact : bool, default=False
        Whether users see one covariance for all, and not K equal ones.

    Examples
    --------
    >>> from gmmem.covariances import EII
    >>> EII().n_parameters(n_components=3, n_features=2)
    1
    """

    name = "EII"
    storage = Spherical
    shared = True

    def of_each(self, scatter, mass, n_features, previous, parts):
        return Estimate(parts.total(scatter) / (parts.total(mass) * n_features))


class VII(Lettered):
    """Each component its own variance (scikit-learn's "spherical").

    ``Sigma_k = lambda_k I`` with lambda_k = tr(W_k) / (n_k d).

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.

    Examples
    --------
    >>> from gmmem.covariances import VII
    >>> VII().n_parameters(n_components=3, n_features=2)
    3
    """

    name = "VII"
    storage = Spherical

    def of_each(self, scatter, mass, n_features, previous, parts):
        return Estimate(scatter / (mass * n_features))


def _only_one_feature(name: str, n_features: int) -> None:
    if n_features != 1:
        raise ValueError(
            f"covariance_type={name!r} is for one feature, but X has {n_features}; "
            "use one of the codes of three letters."
        )


class E(EII):
    """One feature, one variance for all components.

    As `EII`, and an error for more features than one.

    Parameters
    ----------
    compact : bool, default=False
        Whether users see one covariance for all, and not K equal ones.

    Examples
    --------
    >>> from gmmem.covariances import E
    >>> E().n_parameters(n_components=3, n_features=1)
    1
    """

    name = "E"

    def of_each(self, scatter, mass, n_features, previous, parts):
        _only_one_feature(self.name, n_features)
        return super().of_each(scatter, mass, n_features, previous, parts)


class V(VII):
    """One feature, each component its own variance.

    As `VII`, and an error for more features than one.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.

    Examples
    --------
    >>> from gmmem.covariances import V
    >>> V().n_parameters(n_components=3, n_features=1)
    3
    """

    name = "V"

    def of_each(self, scatter, mass, n_features, previous, parts):
        _only_one_feature(self.name, n_features)
        return super().of_each(scatter, mass, n_features, previous, parts)
