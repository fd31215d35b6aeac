"""scikit-learn's regularisation, as a prior; and one that goes by the data's own units."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from gmmem.contracts import fulfils
from gmmem.covariances.singular import ROUNDINGS
from gmmem.covariances.storage import EPS
from gmmem.forms import SQUARE
from gmmem.moments import Moments, Scatters
from gmmem.priors.base import Prior, PriorOf

# The share of a feature's variance that ``reg_covar="auto"`` adds: on features of unit
# variance it is scikit-learn's default.
SHARE = 1e-6


@dataclass(frozen=True)
class Ridge(Prior):
    """scikit-learn's regularisation: ``mass_k * reg_covar * I`` on every scatter.

    As the scatters are summed before the model estimates, every model keeps its structure.

    Parameters
    ----------
    reg_covar : float, default=0
        In squared units of the data.

    Raises
    ------
    ValueError
        If it is negative or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.priors import Ridge
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(np.array([[0.0], [2.0]])), get_model("full"), Ridge(0.5))
    >>> start = Mixture.from_arrays([1], [[0]], [[[1]]])
    >>> problem.maximise(problem.expect(start).moments).mixture.covariances.dense().ravel()
    array([1.5])
    """

    reg_covar: float = 0.0

    def __post_init__(self):
        if not (isinstance(self.reg_covar, Real) and 0 <= self.reg_covar < np.inf):
            raise ValueError(f"reg_covar={self.reg_covar!r} must be finite, and at least 0.")

    @property
    def keeps_regular(self) -> bool:
        return self.reg_covar > 0

    @property
    def floor(self) -> float:
        return self.reg_covar

    def add(self, scatters: Scatters) -> Scatters:
        if self.reg_covar == 0:
            return scatters
        return widened(scatters, self.reg_covar * scatters.form.identity(scatters.means.shape[1]))


NO_PRIOR = Ridge(0.0)


@dataclass(frozen=True, eq=False)
class FeatureRidge(Prior):
    """A ridge in the units of each feature: ``mass_k * diag(variances)`` on every scatter.

    Parameters
    ----------
    variances : ndarray of shape (n_features,)
        What each feature's variances grow by.
    wide : bool
        Whether each is more than rounding of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.forms import SQUARE
    >>> from gmmem.moments import Scatters
    >>> from gmmem.priors import FeatureRidge
    >>> scatters = Scatters(np.array([2.0]), np.zeros((1, 2)), np.array([[8.0, 4.0]]), SQUARE, None)
    >>> FeatureRidge(np.array([1.0, 0.5]), wide=True).add(scatters).scatter
    array([[10.,  5.]])
    """

    variances: np.ndarray
    wide: bool

    @property
    def keeps_regular(self) -> bool:
        return self.wide

    @property
    def floor(self) -> np.ndarray:
        return self.variances

    def add(self, scatters: Scatters) -> Scatters:
        return widened(scatters, scatters.form.of(np.diag(self.variances)[None])[0])


def widened(scatters: Scatters, covariance: np.ndarray) -> Scatters:
    """Scatters of components that are wider by a covariance, in the same form."""
    scatter, shares = scatters.scatter, scatters.mass
    if scatters.lost is not None:
        shares = np.where(scatters.lost, 0, shares)  # What is lost is not to grow either.
    if len(scatter) < len(shares):
        shares = shares.sum(keepdims=True)
    return scatters._replace(scatter=scatter + np.multiply.outer(shares, covariance))


@fulfils(PriorOf)
@dataclass(frozen=True)
class AutoRidge:
    """``reg_covar="auto"``: a share of each feature's own variance, whatever its units.

    Parameters
    ----------
    share : float, default=1e-6
        Of the variance that a feature has over all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem import GaussianMixture
    >>> X = np.random.RandomState(0).normal(size=(100, 2)) * [1e-4, 1e4]
    >>> model = GaussianMixture(1, reg_covar="auto").fit(X)
    >>> (model.covariances_[0].diagonal() / X.var(axis=0)).round(7)
    array([1.000001, 1.000001])
    """

    share: float = SHARE

    def on(self, total: Moments, model=None, n_components: int = 1) -> FeatureRidge:
        mass, means, scatter, form, _ = total.scatters()
        d = means.shape[1]
        if form.fineness < SQUARE.fineness:  # All that is known is their sum.
            variances = np.full(d, scatter[0] / mass[0] / d)
        else:
            variances = SQUARE.of(scatter)[0] / mass[0]
        variances = self.share * np.maximum(variances, 0)
        wide = variances > (ROUNDINGS * EPS * np.abs(means[0])) ** 2
        return FeatureRidge(variances, bool(wide.all()))


def ridge_of(reg_covar: float | str, total) -> Ridge | FeatureRidge:
    """What `reg_covar` adds.

    Parameters
    ----------
    reg_covar : float or "auto"
        As of the estimators.
    total : callable
        Gives the moments of all rows as one component, if they are needed.

    Returns
    -------
    ridge : Ridge or FeatureRidge
        For an M-step.

    Raises
    ------
    ValueError
        If `reg_covar` is neither.

    Examples
    --------
    >>> from gmmem.priors import ridge_of
    >>> ridge_of(1e-6, total=None)
    Ridge(reg_covar=1e-06)
    """
    if isinstance(reg_covar, str):
        if reg_covar != "auto":
            raise ValueError(f"reg_covar={reg_covar!r} must be a number of at least 0, or 'auto'.")
        return AutoRidge().on(total())
    return Ridge(reg_covar)
