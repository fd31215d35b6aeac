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

from gmmem.covariances import Storage
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
    >>> Chart(one, 100.0).of(one, other).round(3)
    array([[0.   , 0.   , 0.   ],
           [0.   , 1.   , 0.071]])
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

    @cached_property
    def _widths(self) -> np.ndarray:
        """What second moments are in units of, (S, ...)."""
        units = np.sqrt(2 * np.max(self._identity)) * self._roots[1]
        return units.reshape(-1, *[1] * np.ndim(self._identity))

    @cached_property
    def _twice(self) -> Storage:
        return self._repeated(2)

    def _repeated(self, times: int) -> Storage:
        """The covariances of the reference, as many times: for mixtures one after the other."""
        return self.reference.covariances.take(np.tile(np.arange(len(self._roots[0])), times))

    def of(self, *mixtures: Mixture) -> np.ndarray:
        """The moments that mixtures expect less those of the reference, a row each."""
        n, of_means, shape = len(mixtures), self._roots[0], self.reference.means.shape
        own = self._twice if n == 2 else self._repeated(n)
        mass = self.total * np.array([each.weights for each in mixtures])
        away = np.array([each.means for each in mixtures]) - self.reference.means
        covariances = np.concatenate([each.covariances.covariances for each in mixtures])
        steps, wide = own.standardised(away.reshape(-1, shape[1]), covariances)
        squares = own.form.square(steps).reshape(n, -1, *self._identity.shape)
        wide = wide.reshape(n, -1, *self._identity.shape) - self._identity
        each = mass.reshape(*mass.shape, *[1] * self._identity.ndim)
        if own.shared:
            second = self.total * wide + (each * squares).sum(axis=1, keepdims=True)
        else:
            second = each * (wide + squares)
        shares = mass / of_means
        first = shares[:, :, None] * steps.reshape(away.shape)
        parts = shares - of_means, first, second / self._widths
        return np.concatenate([part.reshape(n, -1) for part in parts], axis=1)

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
