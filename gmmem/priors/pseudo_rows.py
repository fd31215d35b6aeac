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
        Where the means are believed to lie.
    rows_there : ndarray of shape (n_components,)
        Rows at the means.
    scatter : ndarray of shape (S, ...)
        What they are believed to add to the S scatters.
    counts : ndarray of shape (n_components,)
        What they add to the masses that covariances are divided by.
    weight_rows : ndarray of shape (n_components,)
        What they add to the masses that mixing weights come from.
    form : Quadratic
        Of the scatters.
    moves : bool, default=True
        Whether the rows at the means move the means of the others, and not their scatter only.

    Examples
    --------
    Ten rows at 0, as wide as a variance of 1, and four rows seen at 7:

    >>> import numpy as np
    >>> from gmmem.forms import NORM
    >>> from gmmem.moments import Scatters
    >>> from gmmem.priors import PseudoRows
    >>> ten = np.array([10.0])
    >>> believed = dict(scatter=ten, counts=ten, weight_rows=ten, form=NORM)
    >>> prior = PseudoRows(np.zeros((1, 1)), ten, **believed)
    >>> seen = Scatters(np.array([4.0]), np.array([[7.0]]), np.array([0.0]), NORM, None)
    >>> found = prior.add(seen)
    >>> found.means, found.mass
    (array([[2.]]), array([14.]))
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

    def for_any(self, n_components):
        counts, scatter = self.counts.mean(), self.scatter
        if len(scatter) < len(self.counts):
            counts = self.counts.sum() / n_components  # One scatter, however many share it.
        else:
            scatter = np.repeat(scatter.mean(axis=0, keepdims=True), n_components, axis=0)
        return replace(
            self,
            means=self.means.mean(axis=0, keepdims=True),
            rows_there=np.full(n_components, self.rows_there.mean()),
            scatter=scatter,
            counts=np.full(n_components, counts),
            weight_rows=np.full(n_components, self.weight_rows.mean()),
        )

    def penalty(self, mixture):
        storage = mixture.covariances
        squares = self.form.square((self.means - mixture.means) * np.sqrt(self.rows_there)[:, None])
        believed = self.form.inner(storage.precisions, self.scatter).sum()
        believed += self.form.inner(storage.precisions, squares).sum()
        volume = np.sum(self.counts * storage.log_det)
        return float(self.weight_rows @ mixture.log_weights - 0.5 * (volume + believed))
