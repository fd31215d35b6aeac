"""The sufficient statistics of an EM step: they add, so anybody may sum them.

For component k, with responsibilities ``r_ik`` already times the row weights,

    mass_k   = sum_i r_ik
    first_k  = sum_i r_ik (x_i - c_k)
    second_k = sum_i r_ik (x_i - c_k)(x_i - c_k)'     in the shape of its form

They are a vector space: sums over different rows add, and times a number they are those of
rows of another weight.  The centre c is stated because raw second moments cancel: the closer
it is to the mean, the more digits of the scatter survive the subtraction below.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gmmem.forms import SQUARE, Quadratic

# A component with less than this share of all weight has none.
LOST = 1e-30

# How many variances the squared distance from centre to mean may be: two digits are lost.
NEAR = 100


class Scatters(NamedTuple):
    """What an M-step looks at: how much, where, and how wide each component is."""

    mass: np.ndarray
    """(n_components,)"""
    means: np.ndarray
    """(n_components, n_features)"""
    scatter: np.ndarray
    """``sum_i r_ik (x_i - mean_k)(x_i - mean_k)'``, a form (n_components, ...) or (1, ...)."""
    form: Quadratic
    lost: np.ndarray | None
    """Which components have no rows, if any: their means and scatters say nothing."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the rows for each of K components, about a stated centre.

    Parameters
    ----------
    mass : ndarray of shape (n_components,)
    centre : ndarray of shape (n_components, n_features) or (1, n_features)
    first : ndarray of shape (n_components, n_features)
    second : ndarray of shape (n_components, ...) or (1, ...)
        In the shape of `form`; with a leading 1, summed over the components.
    form : Quadratic
    outside : float, default=0
        Weight of the rows that belongs to no component.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.forms import SQUARE
    >>> from gmmem.moments import Moments
    >>> x = np.array([1.0, 2.0, 6.0])
    >>> one, other = (
    ...     Moments(np.array([len(part)]), np.zeros((1, 1)), part.sum(keepdims=True)[None],
    ...             (part @ part)[None, None], SQUARE)
    ...     for part in (x[:2], x[2:]))
    >>> (one + other).scatters().means.item(), 0.5 * (one + other).mass
    (3.0, array([1.5]))
    """

    mass: np.ndarray
    centre: np.ndarray
    first: np.ndarray
    second: np.ndarray
    form: Quadratic
    outside: float = 0.0

    def __add__(self, other: "Moments") -> "Moments":
        if self.form is not other.form or self.second.shape != other.second.shape:
            raise ValueError("Moments add where they are of one form and one number of components.")
        if self.centre is not other.centre and not np.array_equal(self.centre, other.centre):
            other = other.about(self.centre)
        return replace(
            self,
            mass=self.mass + other.mass,
            first=self.first + other.first,
            second=self.second + other.second,
            outside=self.outside + other.outside,
        )

    def __mul__(self, number: float) -> "Moments":
        return replace(
            self,
            mass=number * self.mass,
            first=number * self.first,
            second=number * self.second,
            outside=number * self.outside,
        )

    __rmul__ = __mul__

    def about(self, centre: np.ndarray) -> "Moments":
        """The same about another centre, (n_components, n_features) or (1, n_features)."""
        step = self.centre - centre
        if step.shape != self.first.shape:
            step = np.broadcast_to(step, self.first.shape)
        squares = self.form.square(step)
        mass = self.mass.reshape(-1, *[1] * (squares.ndim - 1))
        moved = self.form.cross(self.first, step) + mass * squares
        return replace(
            self,
            centre=centre,
            first=self.first + self.mass[:, None] * step,
            second=self.second + self._as_second(moved),
        )

    def coarsened(self, form: Quadratic, pooled: bool) -> "Moments":
        """The same in a coarser form, or summed over the components."""
        second = form.of(self.second)
        if pooled and len(second) > 1:
            second = second.sum(axis=0, keepdims=True)
        return replace(self, second=second, form=form)

    def pooled(self) -> "Moments":
        """Of all components as one, about the mean of the centres."""
        own = self.about(self.centre.mean(axis=0, keepdims=True))
        sums = (each.sum(axis=0, keepdims=True) for each in (own.mass, own.first, own.second))
        mass, first, second = sums
        return replace(self, mass=mass, centre=own.centre, first=first, second=second)

    def lifted(
        self, means: np.ndarray, observed: np.ndarray, along: np.ndarray, remains: np.ndarray
    ) -> "Moments":
        """Those expected of all features, from those of the observed ones.

        With ``z`` the differences from the means, what is expected of all features is
        ``B z_observed``, and what is not explained has the covariance C:

            first = B first,    second = B second B' + mass C

        Parameters
        ----------
        means : ndarray of shape (n_components, n_features)
            Of all features: what the result is about.
        observed : ndarray of shape (n_observed,)
            Which of them these moments are of.
        along : ndarray of shape (S, n_features, n_observed)
            B: the identity for the observed, the regression of the others on them.
        remains : ndarray of shape (S, ...)
            C, a form of all features: nothing where they are observed.

        Returns
        -------
        moments : Moments
        """
        near = self.about(means[:, observed])
        mass = near.mass if len(near.second) == len(near.mass) else near.mass.sum(keepdims=True)
        more = mass.reshape(-1, *[1] * (remains.ndim - 1)) * remains
        return replace(
            near,
            centre=means,
            first=np.matmul(along, near.first[:, :, None])[:, :, 0],
            second=self.form.mapped(near.second, along) + more,
        )

    def scatters(self) -> Scatters:
        """About the means, which is where the M-step looks from."""
        mass, first, lost = self.mass, self.first, None
        least = LOST * (mass.sum() + self.outside)
        if not mass.min() > least:
            lost = ~(mass > least)
            mass, first = np.where(lost, 1, mass), np.where(lost[:, None], 0, first)
        step = first / mass[:, None]
        of_means = self._as_second(self.form.square(step * np.sqrt(mass)[:, None]))
        return Scatters(self.mass, self.centre + step, self.second - of_means, self.form, lost)

    @property
    def well_centred(self) -> bool:
        """Whether the centre is so close to the means that the scatter keeps its digits."""
        scatters = self.scatters()
        if scatters.lost is not None:
            return False
        scatter, of_means = scatters.scatter, self.second - scatters.scatter
        if scatter.ndim > 1:
            of_means, scatter = SQUARE.of(of_means), SQUARE.of(scatter)
        return bool((of_means <= NEAR * scatter).all())

    def _as_second(self, each: np.ndarray) -> np.ndarray:
        """A form for each component, summed where `second` is."""
        return each.sum(axis=0, keepdims=True) if len(self.second) < len(each) else each


def spread(moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Covariances (1, ...) of all rows, and within components, from moments of any mixture."""
    mass, means, scatter, form, lost = moments.scatters()
    if lost is not None:
        mass, means = np.where(lost, 0, mass), np.where(lost[:, None], 0, means)
        scatter = scatter if len(scatter) < len(mass) else scatter[~lost]
    weight = mass.sum()
    away = (means - mass @ means / weight) * np.sqrt(mass / weight)[:, None]
    within = scatter.sum(axis=0, keepdims=True) / weight
    return within + form.square(away).sum(axis=0, keepdims=True), within
