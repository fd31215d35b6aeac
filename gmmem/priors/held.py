"""Known parts: some parameters are held, or bounded, while EM fits the rest."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gmmem.covariances import Estimate, Storage
from gmmem.forms import Quadratic
from gmmem.priors.base import Prior
from gmmem.priors.bounds import Bounds


class Known(NamedTuple):
    """Values of parameters, where they are known.

    Parameters
    ----------
    means : ndarray of shape (n_components, n_features) or None
        Means.
    covariances : Storage or None
        Covariances.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.priors import Known
    >>> Known(np.array([[0.0], [9.0]]), None).covariances is None
    True
    """

    means: np.ndarray | None
    covariances: Storage | None


@dataclass(frozen=True, eq=False)
class Held(Prior):
    """A prior, and parameters that no M-step changes, or not beyond bounds.

    Parameters
    ----------
    prior : Prior
        Of the others.
    bounds : Bounds
        Of the weights; those that are held have one value.
    known : Known
        Values of the rest, for all components.
    means_held, covariances_held : ndarray of bool of shape (n_components,)
        Which are held.
    form : Quadratic
        Of the scatters.

    Examples
    --------
    `GaussianMixture` makes one of its parameter ``fixed``:

    >>> import numpy as np
    >>> from gmmem import GaussianMixture
    >>> X = np.array([[0.0], [1.0], [8.0], [9.0]])
    >>> model = GaussianMixture(2, fixed={"means": [0]}, means_init=[[0.0], [9.0]])
    >>> model.fit(X).means_
    array([[0. ],
           [8.5]])
    """

    prior: Prior
    bounds: Bounds
    known: Known
    means_held: np.ndarray
    covariances_held: np.ndarray
    form: Quadratic

    @property
    def mean_rows(self):
        return self.prior.mean_rows

    @property
    def keeps_regular(self):
        return self.prior.keeps_regular

    @property
    def floor(self):
        # What is known is not added to.
        return 0.0 if self.covariances_held.any() else self.prior.floor

    def add(self, scatters):
        found = self.prior.add(scatters)
        if not self.means_held.any():
            return found
        held = self.means_held[:, None]
        means = np.where(held, self.known.means, found.means)
        rows = scatters.mass + self.prior.mean_rows
        # About another mean than their own, rows scatter more.
        more = self.form.square((found.means - means) * np.sqrt(rows)[:, None])
        if len(found.scatter) < len(more):
            more = more.sum(axis=0, keepdims=True)
        return found._replace(means=means, scatter=found.scatter + more)

    def weights(self, mass):
        found = self.prior.weights(mass)
        return self.bounds.weights(found) if self.bounds.exclude_something else found

    def estimate(self, model, scatters, previous):
        held = self.covariances_held
        if not held.any():
            return self.prior.estimate(model, scatters, previous)
        known = self.known.covariances.covariances
        if held.all():
            return Estimate(known)
        values, settled, _ = self.prior.estimate(model, scatters, previous)
        where = held.reshape(-1, *[1] * (values.ndim - 1))
        return Estimate(np.where(where, known, values), settled)

    def penalty(self, mixture):
        return self.prior.penalty(mixture)

    def for_any(self, n_components):
        return self.prior.for_any(n_components)

    def n_held(self, model, n_features):
        K = len(self.means_held)
        means = n_features * int(self.means_held.sum())
        # Some are held only where components have nothing in common.
        share = self.covariances_held.sum() / K
        return self.bounds.n_known + means + round(share * model.n_parameters(K, n_features))
