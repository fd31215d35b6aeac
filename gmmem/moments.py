"""The sufficient statistics of an EM step: they add, so anybody may sum them.

For component k, with responsibilities ``r_ik`` already times the row weights,

    mass_k   = sum_i r_ik
    first_k  = sum_i r_ik (x_i - c_k)
    second_k = sum_i r_ik (x_i - c_k)(x_i - c_k)'     in the form of its features

The centre c is stated because raw second moments cancel: the closer it is to
the mean, the more digits of the scatter survive the subtraction below.
"""

from dataclasses import dataclass, replace

import numpy as np

from gmmem.forms import SQUARE, Quadratic

# A component with less than this share of all weight has none.
LOST = 1e-30

# How many variances the squared distance from centre to mean may be: two digits are lost.
NEAR = 100


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the rows for each of K components, about a stated centre.

    Parameters
    ----------
    mass : ndarray of shape (n_components,)
    centre : ndarray of shape (n_components, n_features) or (1, n_features)
    first : ndarray of shape (n_components, n_features)
    second : ndarray of shape (n_components, ...) or (1, ...)
        A form of `form`; with a leading 1, summed over the components.
    form : Quadratic
    """

    mass: np.ndarray
    centre: np.ndarray
    first: np.ndarray
    second: np.ndarray
    form: Quadratic

    @property
    def means(self) -> np.ndarray:
        """Weighted mean of each component, (n_components, n_features)."""
        return self.centre + self.first / self.mass[:, None]

    @property
    def _of_means(self) -> np.ndarray:
        """What the distance of the means from the centre adds to `second`."""
        of_means = self.form.square(self.first / np.sqrt(self.mass)[:, None])
        return of_means.sum(axis=0, keepdims=True) if len(self.second) < len(of_means) else of_means

    @property
    def scatter(self) -> np.ndarray:
        """``sum_i r_ik (x_i - mean_k)(x_i - mean_k)'``, pooled where `second` is."""
        return self.second - self._of_means

    @property
    def empty(self) -> np.ndarray:
        """Which components have no rows."""
        return self.mass <= LOST * self.mass.sum()

    @property
    def near_means(self) -> bool:
        """Whether the centre is so close to the means that the scatter keeps its digits."""
        if self.empty.any():
            return False
        of_means = self._of_means
        scatter = self.second - of_means
        if scatter.ndim > 1:
            of_means, scatter = SQUARE.of(of_means), SQUARE.of(scatter)
        return bool((of_means <= NEAR * scatter).all())

    def seen_by(self, form: Quadratic, pooled: bool) -> "Moments":
        """The same by a coarser feature map, or summed over the components."""
        second = form.of(self.second)
        if pooled and len(second) > 1:
            second = second.sum(axis=0, keepdims=True)
        return replace(self, second=second, form=form)
