"""What is believed of the mixing weights, and what rows make of it: variational posteriors.

    Dirichlet        w ~ Dirichlet(a, ..., a)
                     afterwards Dirichlet(a + N_k)
    StickBreaking    w_k = v_k prod_{j<k} (1 - v_j),  v_k ~ Beta(1, a)
                     afterwards Beta(1 + N_k, a + sum_{j>k} N_j)

`concentration` is the posterior's parameters, an array whose last axis is the components.
Blei and Jordan (2006), Variational inference for Dirichlet process mixtures.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import betaln, digamma, gammaln


class WeightPrior(Protocol):
    """A prior of the mixing weights whose posterior has its form."""

    def posterior(self, mass: np.ndarray) -> np.ndarray:
        """Concentration after rows of that mass a component."""

    def expected_logs(self, concentration: np.ndarray) -> np.ndarray:
        """Expected logarithms of the weights, (K,)."""

    def means(self, concentration: np.ndarray) -> np.ndarray:
        """Expected weights, (K,), summing to one."""

    def log_normaliser(self, concentration: np.ndarray) -> float:
        """Log of the integral of the posterior's kernel: what the bound gains by it."""

    def mass(self, concentration: np.ndarray) -> np.ndarray:
        """Of the rows that led there, (K,)."""


@dataclass(frozen=True)
class Dirichlet:
    """A finite mixture: every component as likely before the rows.

    Parameters
    ----------
    concentration : float
        Rows that each component is believed to have had; the fewer, the emptier may one be.
    """

    concentration: float

    def posterior(self, mass):
        return self.concentration + mass

    def expected_logs(self, concentration):
        return digamma(concentration) - digamma(concentration.sum())

    def means(self, concentration):
        return concentration / concentration.sum()

    def log_normaliser(self, concentration):
        return float(gammaln(concentration).sum() - gammaln(concentration.sum()))

    def mass(self, concentration):
        return concentration - self.concentration


@dataclass(frozen=True)
class StickBreaking:
    """A Dirichlet process, cut off at K sticks: earlier components are larger.

    Parameters
    ----------
    concentration : float
        The larger, the more components there are before the rows.
    """

    concentration: float

    def posterior(self, mass):
        later = np.append(np.cumsum(mass[:0:-1])[::-1], 0)
        return np.stack([1 + mass, self.concentration + later])

    def expected_logs(self, concentration):
        logs = digamma(concentration) - digamma(concentration.sum(axis=0))
        return logs[0] + np.append(0, np.cumsum(logs[1])[:-1])

    def means(self, concentration):
        broken, left = concentration / concentration.sum(axis=0)
        weights = broken * np.append(1, np.cumprod(left[:-1]))
        return weights / weights.sum()

    def log_normaliser(self, concentration):
        return float(betaln(*concentration).sum())

    def mass(self, concentration):
        return concentration[0] - 1
