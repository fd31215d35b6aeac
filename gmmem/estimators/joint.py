"""The mixture inside an estimator that fits a density to do something else with it."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import get_tags

from gmmem.compat import HasMethods
from gmmem.estimators.gaussian_mixture import GaussianMixture
from gmmem.mixture import Mixture

# Parameters that are set in the mixture inside, unless they are None.
PASSED_ON = ("n_components", "covariance_type", "random_state")

CONSTRAINTS: dict[str, list] = {
    name: [*GaussianMixture._parameter_constraints[name], None] for name in PASSED_ON
} | {"estimator": [HasMethods(["fit"]), None]}


class JointDensity:
    """What estimators have in common that fit a mixture: which one, and what it takes."""

    @property
    def mixture_(self) -> Mixture:
        """The joint density that was fitted.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> GaussianMixtureRegressor().fit(X[:, :1], X[:, 1]).mixture_.means.round(1)
        array([[ 3.5, 70.9]])
        """
        return self.estimator_.mixture_

    def _inner(self) -> Any:
        """The mixture to fit: a copy of `estimator`, with what was given here.

        Raises
        ------
        TypeError
            If `estimator` is no Gaussian mixture of gmmem.
        ValueError
            If it lacks a parameter that was given here.
        """
        inner = GaussianMixture() if self.estimator is None else clone(self.estimator)
        if not hasattr(type(inner), "mixture_"):
            raise TypeError(
                f"estimator={self.estimator!r} must be a GaussianMixture, GaussianMixtureIC or "
                "BayesianGaussianMixture of gmmem."
            )
        given = {name: getattr(self, name) for name in PASSED_ON}
        given = {name: value for name, value in given.items() if value is not None}
        lacking = sorted(set(given) - set(inner.get_params(deep=False)))
        if lacking:
            raise ValueError(
                f"{', '.join(lacking)} cannot be set in {type(inner).__name__}: leave it None."
            )
        return inner.set_params(**given)

    def _allows_nan(self) -> bool:
        """Whether the mixture inside does."""
        inner = GaussianMixture() if self.estimator is None else self.estimator
        return get_tags(inner).input_tags.allow_nan

    def _finite(self) -> bool | str:
        """scikit-learn's ``ensure_all_finite``."""
        return "allow-nan" if self._allows_nan() else True


def side_by_side(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Columns of X, then those of Y, in a dtype that holds both."""
    return np.concatenate([X, Y], axis=1, dtype=np.result_type(X, Y))


def as_columns(y) -> np.ndarray:
    """Outputs (n, m), as real numbers.

    Raises
    ------
    ValueError
        If they are something else.
    """
    if issparse(y):
        raise ValueError("y is a sparse matrix; give an array: y.toarray().")
    y = np.asarray(y)
    if y.dtype != np.float32:
        y = y.astype(np.float64)
    return y[:, None] if y.ndim == 1 else y
