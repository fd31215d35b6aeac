"""Diagonal storage, one variance a feature and component, and the models on it.

Sigma_k = lambda_k diag(shape_k)        EEI, VEI, EVI, VVI

M-steps: Celeux and Govaert (1995), Gaussian parsimonious clustering models,
Pattern Recognition 28, 781-793, section 4.2.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from gmmem.contracts import fulfils
from gmmem.covariances.base import Iterated, Lettered
from gmmem.covariances.gaps import Independent
from gmmem.covariances.storage import (
    DegenerateCovariance,
    Estimate,
    Held,
    Storage,
    read_only,
    unit_axes,
)
from gmmem.covariances.volumes import common_shapes, volumes
from gmmem.forms import SQUARE, Quadratic


@fulfils(Storage)
@dataclass(frozen=True, eq=False)
class Diagonal(Held):
    """S vectors of variances, ``covariances`` of shape (S, n_features).

    Parameters
    ----------
    covariances : ndarray of shape (S, n_features)
        Variances of the features.
    factors : ndarray of shape (S, n_features)
        U with ``P = U U'`` for the precisions P.
    n_features : int
        d, the number of features.

    See Also
    --------
    Storage : What it can do.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import Diagonal
    >>> held = Diagonal.from_covariances(np.array([[1.0, 4.0]]), n_features=2)
    >>> held.log_det.round(3)
    array([1.386])
    """

    form: ClassVar[Quadratic] = SQUARE

    covariances: np.ndarray
    factors: np.ndarray
    n_features: int

    @classmethod
    def from_covariances(cls, covariances, n_features):
        if not 0 < covariances.min() <= covariances.max() < np.inf:
            bad = ~((covariances > 0) & np.isfinite(covariances)).all(axis=1)
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

    # Features of a component do not tell of each other.
    conditional = marginal

    def regression(self, observed, missing):
        S, m = len(self.factors), len(missing)
        return np.zeros((S, m, len(observed))), self.covariances[:, missing, None] * np.eye(m)

    def gaps(self, missing):
        return Independent(self.covariances, self.factors, missing, False)

    def dense(self):
        return self.covariances[:, :, None] * np.eye(self.n_features)

    def decompose(self, aligned):
        volume = volumes(self.covariances)
        return unit_axes(volume, self.covariances / volume[:, None])

    def sample(self, component, mean, n_samples, rng):
        noise = rng.standard_normal(size=(n_samples, self.n_features))
        return mean + noise * np.sqrt(self.covariances[self.at(component)])


class EEI(Lettered):
    """One diagonal covariance for all components.

    ``Sigma_k = diag(W) / n``, W the total scatter within components.

    Parameters
    ----------
    compact : bool, default=False
        Whether users see one covariance for all, and not K equal ones.

    Examples
    --------
    >>> from gmmem.covariances import EEI
    >>> EEI().n_parameters(n_components=3, n_features=2)
    2
    """

    name = "EEI"
    storage = Diagonal
    shared = True

    def of_each(self, scatter, mass, n_features, previous, parts):
        return Estimate(parts.total(scatter) / parts.total(mass)[:, None])


class VEI(Iterated):
    """One shape along the features, each component its own volume.

    ``Sigma_k = lambda_k B`` with B diagonal and of determinant one: volumes and shape in turn,
    then Newton's method for the volumes.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.
    tol : float, default=1e-7
        The inner iteration for the volumes stops where none changes by more, relatively.
    max_iter : int, default=500
        Most steps of the inner iteration.

    References
    ----------
    Celeux and Govaert (1995). Gaussian parsimonious clustering models. Pattern Recognition 28,
    781-793.

    Examples
    --------
    >>> from gmmem.covariances import VEI
    >>> VEI().n_parameters(n_components=3, n_features=2)
    4
    """

    name = "VEI"
    storage = Diagonal

    def of_each(self, scatter, mass, n_features, previous, parts):
        start = None if previous is None else previous.sum(axis=1)  # But for a factor of all.
        found = common_shapes(scatter, mass, start, parts, self.tol, self.max_iter)
        return Estimate(*found)


class EVI(Lettered):
    """One volume for all, each component its own shape along the features.

    ``Sigma_k = lambda B_k`` with B_k diag(W_k) over its volume, and lambda the sum of the
    volumes of diag(W_k) over n.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.

    References
    ----------
    Celeux and Govaert (1995). Gaussian parsimonious clustering models. Pattern Recognition 28,
    781-793.

    Examples
    --------
    >>> from gmmem.covariances import EVI
    >>> EVI().n_parameters(n_components=3, n_features=2)
    4
    """

    name = "EVI"
    storage = Diagonal

    def of_each(self, scatter, mass, n_features, previous, parts):
        size = volumes(scatter)
        return Estimate(scatter / size[:, None] * (parts.total(size) / parts.total(mass))[:, None])


class VVI(Lettered):
    """Each component its own diagonal covariance (scikit-learn's "diag").

    ``Sigma_k = diag(W_k) / n_k``.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.

    Examples
    --------
    >>> from gmmem.covariances import VVI
    >>> VVI().n_parameters(n_components=3, n_features=2)
    6
    """

    name = "VVI"
    storage = Diagonal

    def of_each(self, scatter, mass, n_features, previous, parts):
        return Estimate(scatter / mass[:, None])
