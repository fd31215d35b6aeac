"""Moments in units of their information.

The rows of a mixture, with their components, are an exponential family whose sufficient
statistics are, for each component, mass, first and second moments.  Their covariance matrix is
the information of the complete data.  About the component's own mean and in units of its own
covariance, ``y = U'(x - mean)``, the statistics

    1,    y,    (y y' - 1) / sqrt(2)

are uncorrelated and of variance one, times the mass of the component.  In these units the
gradient of the log-likelihood is the step that EM takes, and the Jacobian of EM is symmetric.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gmmem.mixture import Mixture


@dataclass(frozen=True, eq=False)
class Chart:
    """Coordinates of mixtures about a reference.

    Parameters
    ----------
    reference : Mixture
        All of its weights are positive.
    total : float
        Weight of all rows.

    Examples
    --------
    >>> from gmmem import Mixture
    >>> from gmmem.updates.information import Chart
    >>> one, other = (Mixture.from_arrays([1.0], [[m]], [[[4.0]]]) for m in (0.0, 0.2))
    >>> Chart(one, 100.0).of(other).round(3)
    array([0.   , 1.   , 0.071])
    """

    reference: Mixture
    total: float

    @cached_property
    def _roots(self) -> tuple[np.ndarray, np.ndarray]:
        """Square roots of the rows that means, and that covariances are estimated from."""
        mass = self.total * self.reference.weights
        wide = np.array([self.total]) if self.reference.covariances.shared else mass
        return np.sqrt(mass), np.sqrt(wide)

    @cached_property
    def _identity(self) -> np.ndarray:
        storage = self.reference.covariances
        return storage.form.identity(storage.n_features)

    def of(self, mixture: Mixture) -> np.ndarray:
        """The moments that a mixture expects less those of the reference, as one vector."""
        reference, form = self.reference, self.reference.covariances.form
        of_means, of_covariances = self._roots
        mass = self.total * mixture.weights
        steps, wide = reference.covariances.standardised(
            mixture.means - reference.means, mixture.covariances.covariances
        )
        squares = form.square(steps)
        each = mass.reshape(-1, *[1] * (squares.ndim - 1))
        if len(wide) < len(mass):
            second = self.total * (wide - self._identity) + (each * squares).sum(axis=0)
        else:
            second = each * (wide + squares - self._identity)
        unit = np.sqrt(2 * np.max(self._identity)) * of_covariances
        second = second.reshape(len(unit), -1) / unit[:, None]
        first = (mass / of_means)[:, None] * steps
        return np.concatenate([mass / of_means - of_means, first.ravel(), second.ravel()])

    @cached_property
    def _shares(self) -> np.ndarray:
        """What turns coordinates into changes of one component, relative to its own."""
        of_means, of_covariances = self._roots
        d = self.reference.n_features
        width = self._identity.size
        return 1 / np.concatenate(
            [of_means, np.repeat(of_means, d), np.repeat(of_covariances, width)]
        )

    def farthest(self, vector: np.ndarray) -> float:
        """The largest change of a component, in units of its own mass and width."""
        return float(np.abs(vector * self._shares).max())
