"""Variational Bayes: beliefs about every parameter, and what rows make of them.

    mu_k | P_k ~ N(m, inv(kappa P_k)),     P_k ~ Wishart(nu, inv(W)),     w ~ a `WeightPrior`

The posterior is of the same form.  Its parameters are those of an M-step whose moments have
kappa rows more at m, whose scatters have W more, and whose masses have nu more.  An E-step
reads it as any `Components`: log peaks that are expectations, means, and covariances.
Bishop (2006), Pattern recognition and machine learning, section 10.2.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import digamma, gammaln

from gmmem.covariances import CovarianceModel, Storage
from gmmem.covariances.base import checked_estimate, n_stored
from gmmem.mixture import logs_of
from gmmem.moments import Moments
from gmmem.priors.base import Prior
from gmmem.priors.dirichlet import WeightPrior


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is believed of K components after the rows: all that a kernel reads, and more.

    Parameters
    ----------
    weight_prior : WeightPrior
        Whose form the concentration has.
    concentration : ndarray of shape (..., n_components)
    mean_precision : ndarray of shape (n_components,)
        How many rows the belief about a mean is worth.
    means : ndarray of shape (n_components, n_features)
    degrees_of_freedom : ndarray of shape (S,)
        One for each of the S covariances.
    covariances : Storage
        Inverses of the expected precisions.
    """

    weight_prior: WeightPrior
    concentration: np.ndarray
    mean_precision: np.ndarray
    means: np.ndarray
    degrees_of_freedom: np.ndarray
    covariances: Storage

    @property
    def n_components(self) -> int:
        """K, the number of components."""
        return self.means.shape[0]

    @property
    def n_features(self) -> int:
        """d, the number of features."""
        return self.means.shape[1]

    @cached_property
    def weights(self) -> np.ndarray:
        """Expected mixing weights, (n_components,)."""
        return self.weight_prior.means(self.concentration)

    @cached_property
    def log_weights(self) -> np.ndarray:
        """What a row without a value is scored by, (n_components,)."""
        return logs_of(self.weights)

    @property
    def mass(self) -> np.ndarray:
        """Rows that belong to each component, (n_components,)."""
        return self.weight_prior.mass(self.concentration)

    @cached_property
    def log_peaks(self) -> np.ndarray:
        """Expected log of weight times density at the mean, (n_components,)."""
        d = self.n_features
        log_precision = digamma(self._halves).sum(axis=0) + d * math.log(2) + self._log_scale
        log_normaliser = d * math.log(2 * math.pi) + d / self.mean_precision - log_precision
        return self.weight_prior.expected_logs(self.concentration) - 0.5 * log_normaliser

    @property
    def log_normaliser(self) -> float:
        """Log of the integral of the posterior's kernel, but for powers of pi.

        With the entropy of the responsibilities that it was made from, the lower bound of
        the log-evidence up to a constant.
        """
        d, dof = self.n_features, self.degrees_of_freedom
        wishart = 0.5 * dof * (self._log_scale + d * math.log(2)) + gammaln(self._halves).sum(
            axis=0
        )
        times = self.n_components // len(dof)
        mean = 0.5 * d * np.log(self.mean_precision).sum()
        weights = self.weight_prior.log_normaliser(self.concentration)
        return float(times * wishart.sum() + weights - mean)

    @property
    def _halves(self) -> np.ndarray:
        return 0.5 * (self.degrees_of_freedom - np.arange(self.n_features)[:, None])

    @property
    def _log_scale(self) -> np.ndarray:
        """Log-determinants of the Wishart's scale matrices, (S,)."""
        return -self.covariances.log_det - self.n_features * np.log(self.degrees_of_freedom)


@dataclass(frozen=True, eq=False)
class VariationalPrior:
    """Beliefs about every parameter before the rows.

    Parameters
    ----------
    weights : WeightPrior
    mean_precision : float
    mean : ndarray of shape (n_features,)
    degrees_of_freedom : float
    scale : ndarray
        Of a covariance, in the form of the storage without an axis of components.
    ridge : Ridge
        scikit-learn's regularisation, on what comes from the rows.
    """

    weights: WeightPrior
    mean_precision: float
    mean: np.ndarray
    degrees_of_freedom: float
    scale: np.ndarray
    ridge: Prior

    @property
    def keeps_regular(self) -> bool:
        """Every scatter is at least the believed one."""
        return True

    def penalty(self, posterior: Posterior) -> float:
        """Nothing: it is in the bound."""
        return 0.0

    def posterior(self, moments: Moments, model: CovarianceModel) -> Posterior:
        """What rows of these moments make of it.

        Raises
        ------
        DegenerateCovariance
            If a covariance is singular.
        """
        mass, d = moments.mass, len(self.mean)
        scatters = (moments + self._as_rows(moments)).scatters()
        means = scatters.means
        if scatters.lost is not None:
            means = np.where(scatters.lost[:, None], self.mean, means)
        scatter = self.ridge.add(scatters._replace(mass=mass)).scatter
        times = len(mass) // n_stored(model, len(mass))
        # A sphere's scatter is the sum over its directions, its covariance their mean.
        directions = 1 if np.ndim(self.scale) else d
        scatter = scatter + times * directions * self.scale
        dof = self.degrees_of_freedom + mass
        storage = model.storage.from_estimate(checked_estimate(model, scatter, dof, d, None), d)
        if storage.shared:
            dof = dof.mean(keepdims=True)
        concentration = self.weights.posterior(mass)
        return Posterior(self.weights, concentration, scatters.mass, means, dof, storage)

    def _as_rows(self, moments: Moments) -> Moments:
        """So many rows at the believed mean, for each component."""
        K, d = moments.first.shape
        return Moments(
            np.full(K, self.mean_precision),
            self.mean[None],
            np.zeros((K, d)),
            np.zeros_like(moments.second),
            moments.form,
        )
