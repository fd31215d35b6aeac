"""A conjugate prior, as an M-step sees it: rows that nobody observed.

mean_k = (n_k xbar_k + kappa_k m_k) / (n_k + kappa_k)
scatter_k += Lambda_k + n_k kappa_k / (n_k + kappa_k) (xbar_k - m_k)(xbar_k - m_k)'
mass_k += count_k
"""

from dataclasses import dataclass, replace

import numpy as np

from gmmem.forms import Quadratic
from gmmem.priors.base import Prior


@dataclass(frozen=True, eq=False)
class PseudoRows(Prior):
    """Rows at a mean, rows' worth of scatter, and rows that only count.

    Parameters
    ----------
    means : ndarray of shape (n_components, n_features) or (1, n_features)
    rows_there : ndarray of shape (n_components,)
        Rows at the means.
    scatter : ndarray of shape (S, ...)
        What they are believed to add to the S scatters.
    counts : ndarray of shape (n_components,)
        What they add to the masses that covariances are divided by.
    weight_rows : ndarray of shape (n_components,)
        What they add to the masses that mixing weights come from.
    form : Quadratic
    moves : bool, default=True
        Whether the rows at the means move the means of the others, and not their scatter only.
    """

    means: np.ndarray
    rows_there: np.ndarray
    scatter: np.ndarray
    counts: np.ndarray
    weight_rows: np.ndarray
    form: Quadratic
    moves: bool = True

    @property
    def mean_rows(self):
        return self.rows_there

    @property
    def keeps_regular(self):
        return bool((self.counts > 0).all())

    def add(self, scatters):
        mass, rows = scatters.mass, self.rows_there
        share = rows / (mass + rows)
        away = self.means - scatters.means
        squares = self.form.square(away * np.sqrt(mass * share)[:, None])
        if len(scatters.scatter) < len(squares):
            squares = squares.sum(axis=0, keepdims=True)
        return scatters._replace(
            mass=mass + self.counts,
            means=scatters.means + self.moves * share[:, None] * away,
            scatter=scatters.scatter + squares + self.scatter,
        )

    def weights(self, mass):
        return super().weights(mass + self.weight_rows)

    def penalty(self, mixture):
        storage = mixture.covariances
        squares = self.form.square((self.means - mixture.means) * np.sqrt(self.rows_there)[:, None])
        believed = self.form.inner(storage.precisions, self.scatter).sum()
        believed += self.form.inner(storage.precisions, squares).sum()
        volume = np.sum(self.counts * storage.log_det)
        return float(self.weight_rows @ mixture.log_weights - 0.5 * (volume + believed))

    def resized(self, n_components):
        def alike(values: np.ndarray, number: int) -> np.ndarray:
            return np.repeat(values.mean(axis=0, keepdims=True), number, axis=0)

        stored = 1 if len(self.scatter) < len(self.counts) else n_components
        return replace(
            self,
            means=alike(self.means, 1),
            rows_there=alike(self.rows_there, n_components),
            scatter=alike(self.scatter, stored),
            counts=alike(self.counts, n_components),
            weight_rows=alike(self.weight_rows, n_components),
        )
