"""The contract of a prior: what an M-step believes before it sees the rows.

A prior speaks in the currency of rows: it adds to masses and scatters what rows of its own
would add.  EM then maximises the log-likelihood plus `penalty`, and never loses any of it.
"""

from typing import Any, Protocol

import numpy as np

from gmmem.covariances import CovarianceModel, Estimate
from gmmem.covariances.base import checked_estimate
from gmmem.mixture import Mixture
from gmmem.moments import Moments, Scatters


class Prior(Protocol):
    """What an M-step adds before it estimates; what is not overwritten changes nothing."""

    @property
    def mean_rows(self) -> Any:
        """How many rows the belief about a mean is worth, a number or (n_components,)."""
        return 0.0

    @property
    def keeps_regular(self) -> bool:
        """Whether no covariance can become singular for lack of rows."""
        return False

    @property
    def floor(self) -> Any:
        """The variance that it adds to every covariance, a number or (n_features,)."""
        return 0.0

    def add(self, scatters: Scatters) -> Scatters:
        """The scatters with the prior's own."""
        return scatters

    def weights(self, mass: np.ndarray) -> np.ndarray:
        """Mixing weights of components that rows of that mass belong to."""
        return mass / mass.sum()

    def estimate(
        self, model: CovarianceModel, scatters: Scatters, previous: np.ndarray | None
    ) -> Estimate:
        """The model's covariances, from scatters with the prior's own."""
        d = scatters.means.shape[1]
        return checked_estimate(model, scatters.scatter, scatters.mass, d, previous)

    def penalty(self, mixture: Mixture) -> float:
        """Log of the prior's density at some parameters, up to a constant."""
        return 0.0

    def n_held(self, model: CovarianceModel, n_features: int) -> int:
        """How many parameters are not free."""
        return 0

    def for_any(self, n_components: int) -> "Prior":
        """The same belief about so many components that are none in particular."""
        return self

    @staticmethod
    def from_mixture(model, relevance=16.0, adapt=("weights", "means", "covariances")):
        """A prior for few rows from a model of many: see `gmmem.priors.Adaptation`."""
        from gmmem.priors.adaptation import Adaptation

        # Of an estimator that is not fitted yet, this says so.
        known = model.mixture_ if hasattr(type(model), "mixture_") else model
        return Adaptation(known, relevance, adapt)


class PriorOf(Protocol):
    """What becomes a prior when rows, a covariance model and a size are known."""

    def on(self, total: Moments, model: CovarianceModel, n_components: int) -> Prior:
        """The prior for these rows, of which `total` are the moments as one component."""
