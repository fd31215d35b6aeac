"""The conjugate prior of means and covariances, and mclust's way of counting it.

    mu_k | Sigma_k ~ N(m, Sigma_k / kappa)
    Sigma_k        ~ inverse Wishart(nu, Lambda), or a variance ~ inverse gamma(nu/2, s2/2)

Fraley and Raftery (2007), Bayesian regularization for normal mixture estimation and
model-based clustering, Journal of Classification 24, 155-181.
"""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from gmmem.contracts import fulfils
from gmmem.covariances import CovarianceModel
from gmmem.covariances.base import n_stored
from gmmem.forms import NORM, OUTER, SQUARE, Quadratic
from gmmem.moments import Moments
from gmmem.priors.base import PriorOf
from gmmem.priors.pseudo_rows import PseudoRows

# What the prior of one covariance adds to the mass that divides its scatter, by how much of
# the scatter the covariance sees: from nu and d.
COUNT = {
    NORM: lambda nu, d: (nu + 2) / d,
    SQUARE: lambda nu, d: nu + 2,
    OUTER: lambda nu, d: nu + d + 1,
}

# What mclust 6 adds, from nu, d, K and whether means are shrunk (1 or 0): in total where the
# volume is the same for all components, else for each.
MCLUST = {
    "E": lambda nu, d, K, shrunk: nu + 2 + K,
    "EII": lambda nu, d, K, shrunk: (nu + 2) / d + K,
    "EEI": lambda nu, d, K, shrunk: nu + 1 + shrunk,
    "EVI": lambda nu, d, K, shrunk: nu + 1 + shrunk,
    "EEE": lambda nu, d, K, shrunk: nu + d + 1 + shrunk * K,
    "EEV": lambda nu, d, K, shrunk: nu + d + 1 + shrunk,
    "V": lambda nu, d, K, shrunk: nu + 3,
    "VII": lambda nu, d, K, shrunk: (nu + 2) / d + shrunk,
    "VEI": lambda nu, d, K, shrunk: (nu + 2 + shrunk) / d,
    "VVI": lambda nu, d, K, shrunk: nu + 2 + shrunk,
    "VEV": lambda nu, d, K, shrunk: 0.0,
    "VVV": lambda nu, d, K, shrunk: nu + d + 2,
}

# Where mclust computes the scale and does not use it, and where it does not shrink the means.
WITHOUT_SCALE, WITHOUT_SHRINKAGE = {"EII"}, {"EEI"}


@fulfils(PriorOf)
@dataclass(frozen=True)
class NormalInverseWishart:
    """A belief about means and covariances that keeps components from collapsing.

    Parameters
    ----------
    shrinkage : float, default=0.01
        How many rows the belief about each mean is worth; with 0, means are free.
    mean : tuple of n_features floats, default=None
        Where the means are believed to lie; None is the mean of X.
    degrees_of_freedom : float, default=None
        How many rows the belief about each covariance is worth; None is ``n_features + 2``.
    scale : float, or tuple of floats or of tuples, default=None
        The scatter that components are believed to have: a number, one a feature, or a
        matrix.  None is the covariance of X over ``n_components ** (2 / n_features)``; for
        "diag", "spherical" and the like, the mean variance over that.
    as_mclust : bool, default=False
        Whether degrees of freedom are counted as mclust does, model by model, which departs
        from the mode of the prior's density for some.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.priors import NormalInverseWishart
    >>> X = load_old_faithful()
    >>> prior = NormalInverseWishart(degrees_of_freedom=20)
    >>> model = GaussianMixture(20, prior=prior, reg_covar=0, max_iter=500, random_state=0).fit(X)
    >>> model.converged_
    True
    """

    shrinkage: float = 0.01
    mean: Any = None
    degrees_of_freedom: float | None = None
    scale: Any = None
    as_mclust: bool = False

    def __post_init__(self):
        if not (isinstance(self.shrinkage, Real) and 0 <= self.shrinkage < np.inf):
            raise ValueError(
                f"shrinkage={self.shrinkage!r} must be a number, at least 0 and finite."
            )

    def on(self, total: Moments, model: CovarianceModel, n_components: int) -> PseudoRows:
        K, d, form = n_components, total.first.shape[1], model.storage.form
        nu = d + 2.0 if self.degrees_of_freedom is None else self.degrees_of_freedom
        if not (isinstance(nu, Real) and d - 1 < nu < np.inf):
            raise ValueError(
                f"degrees_of_freedom={nu!r} of the prior must be a number, more than n_features - "
                f"1 = {d - 1} and finite."
            )
        scale = self._scale(total, form, K)
        S = n_stored(model, K)
        # One component is a matter of its own to mclust, and as it should be.
        as_mclust = self.as_mclust and model.name in MCLUST and K > 1
        if as_mclust:
            count = MCLUST[model.name](nu, d, K, float(self.shrinkage > 0))
            count = count / K if model.name.startswith("E") else count
            scale = 0 * scale if model.name in WITHOUT_SCALE else scale
        else:
            count = COUNT[form](nu, d) * S / K + float(self.shrinkage > 0)
        return PseudoRows(
            self._mean(total)[None],
            np.full(K, float(self.shrinkage)),
            np.repeat(scale[None], S, axis=0),
            np.full(K, count),
            np.zeros(K),
            form,
            moves=not (as_mclust and model.name in WITHOUT_SHRINKAGE),
        )

    def _mean(self, total: Moments) -> np.ndarray:
        if self.mean is None:
            return total.scatters().means[0]
        mean = _numbers(self.mean)
        if mean.shape != total.first.shape[1:] or not np.isfinite(mean).all():
            raise ValueError(
                f"mean={self.mean} of the prior must be {total.first.shape[1]} finite numbers, one "
                "for each feature."
            )
        return mean

    def _scale(self, total: Moments, form: Quadratic, n_components: int) -> np.ndarray:
        d = total.first.shape[1]
        if self.scale is not None:
            return _as_scale(self.scale, form, d)
        n = float(total.mass[0])
        if not n > 1:
            raise ValueError(
                "The scale of a prior is by default the covariance of X, for which sample_weight "
                f"must sum to more than one, not {n:g}: a weight of w stands for w copies of a "
                "row. Rescale the weights, or give the scale."
            )
        covariance = total.scatters().scatter[0] / (n - 1) / n_components ** (2 / d)
        if np.ndim(covariance) == 2:
            return covariance if n > d else np.diag(np.diagonal(covariance))
        mean = np.sum(covariance) / d
        return mean * np.ones(form.shape(d))


def _as_scale(given: Any, form: Quadratic, d: int) -> np.ndarray:
    """A scale that was given, in the form of the covariances."""
    scale = _numbers(given)
    shapes = [(), form.shape(d)] if form.shape(d) != (d, d) else [(), (d,), (d, d)]
    if scale.shape not in shapes or not np.isfinite(scale).all():
        raise ValueError(
            f"scale of the prior must be finite and of the shape {' or '.join(map(str, shapes))} "
            f"for this covariance model and {d} features, not {given!r}."
        )
    full = np.diag(np.broadcast_to(scale, d)) if scale.ndim < 2 else scale
    if not np.allclose(full, full.T) or np.linalg.eigvalsh(full).min() <= 0:
        raise ValueError("scale of the prior must be positive, and a matrix positive definite.")
    if form is OUTER:
        return full
    return scale * np.ones(form.shape(d))


def _numbers(given: Any) -> np.ndarray:
    """As an array; of what is none, one that is refused."""
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        return np.full(1, np.nan)


REGULARISED = NormalInverseWishart(as_mclust=True)
