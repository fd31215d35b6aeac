"""Known parts: some parameters are held while EM fits the rest."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gmmem.covariances import Estimate, Storage
from gmmem.forms import Quadratic
from gmmem.priors.base import Prior


class Known(NamedTuple):
    """Values of parameters, where they are known."""

    weights: np.ndarray | None
    means: np.ndarray | None
    covariances: Storage | None


@dataclass(frozen=True, eq=False)
class Held(Prior):
    """A prior, and parameters that no M-step changes.

    Parameters
    ----------
    prior : Prior
        Of the others.
    known : Known
        Their values, for all components.
    weights_held, means_held, covariances_held : ndarray of bool of shape (n_components,)
        Which are held.
    form : Quadratic
    """

    prior: Prior
    known: Known
    weights_held: np.ndarray
    means_held: np.ndarray
    covariances_held: np.ndarray
    form: Quadratic

    @property
    def mean_rows(self):
        return self.prior.mean_rows

    @property
    def floor(self):
        return self.prior.floor

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
        found, held = self.prior.weights(mass), self.weights_held
        if not held.any():
            return found
        known = np.where(held, self.known.weights, 0)
        free = np.where(held, 0, found)
        if not free.any():
            free = (~held).astype(np.float64)
        share = free / free.sum() if free.any() else free
        return known + max(1 - known.sum(), 0) * share

    def estimate(self, model, scatters, previous):
        held = self.covariances_held
        if not held.any():
            return self.prior.estimate(model, scatters, previous)
        known = self.known.covariances.covariances
        if held.all():
            return Estimate(known)
        values, settled = self.prior.estimate(model, scatters, previous)
        where = held.reshape(-1, *[1] * (values.ndim - 1))
        return Estimate(np.where(where, known, values), settled)

    def penalty(self, mixture):
        return self.prior.penalty(mixture)

    def resized(self, n_components):
        return self.prior.resized(n_components)

    def n_held(self, model, n_features):
        K = len(self.weights_held)
        weights = min(int(self.weights_held.sum()), K - 1)
        means = n_features * int(self.means_held.sum())
        # Some are held only where components have nothing in common.
        share = self.covariances_held.sum() / K
        return weights + means + round(share * model.n_parameters(K, n_features))
