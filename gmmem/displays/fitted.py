"""What a picture reads from an estimator: the density, its rows, and the names of its features."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from gmmem.estimators import GaussianMixture

TAKEN = (
    "a fitted Gaussian mixture of gmmem or scikit-learn, a Pipeline that ends in one, or a search "
    "whose best_estimator_ is one"
)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A mixture of dense covariances, with the names of its features.

    Parameters
    ----------
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features, n_features)
    names : list of str
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    names: list[str]

    @property
    def univariate(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights, means and standard deviations of the first feature, each (n_components,)."""
        return self.weights, self.means[:, 0], np.sqrt(self.covariances[:, 0, 0])

    def marginal(self, columns: list[int]) -> "Fitted":
        """The density of some features alone."""
        return Fitted(
            self.weights,
            self.means[:, columns],
            self.covariances[:, columns][:, :, columns],
            [self.names[column] for column in columns],
        )


def last_step(estimator: Any, X: Any = None) -> tuple[Any, Any, list[str] | None]:
    """The estimator itself, the rows as it sees them, and the names of their columns.

    Of a Pipeline it is the last step, and the rows are those that the steps before make.
    """
    names = None
    while True:
        if isinstance(estimator, Pipeline) and len(estimator) > 1:
            before, estimator = estimator[:-1], estimator[-1]
            if X is not None:
                X = before.transform(X)
            names = _names_after(before)
        elif isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        elif hasattr(estimator, "refit"):
            estimator = _best(estimator)
        else:
            return estimator, X, names


def _names_after(steps: Pipeline) -> list[str] | None:
    try:
        return [str(name) for name in steps.get_feature_names_out()]
    except (AttributeError, ValueError):
        return None


def _best(search: Any) -> Any:
    """What a search of scikit-learn has found."""
    if not hasattr(search, "best_estimator_"):
        raise NotFittedError(
            f"This {type(search).__name__} has no best_estimator_ to draw: fit it with refit=True."
        )
    return search.best_estimator_


def check_is_mixture(mixture: Any, estimator: Any, display: str) -> None:
    """Refuse what is no mixture; `estimator` is what it was found in."""
    if not (hasattr(mixture, "predict_proba") and hasattr(mixture, "covariance_type")):
        raise TypeError(f"{display} draws {TAKEN}; it got {described(estimator, mixture)}.")


def read(estimator: Any, X: Any, display: str) -> tuple[Fitted, Any, np.ndarray | None]:
    """The density, the estimator that has it, and its rows (None where X is)."""
    mixture, X, names = last_step(estimator, X)
    check_is_mixture(mixture, estimator, display)
    check_is_fitted(mixture, ["weights_", "means_"])
    means = np.asarray(mixture.means_, dtype=np.float64)
    if names is None or len(names) != means.shape[1]:
        names = getattr(mixture, "feature_names_in_", None)
    if names is None:
        names = [f"feature {j}" for j in range(means.shape[1])]
    weights = np.asarray(mixture.weights_, dtype=np.float64)
    names = [str(name) for name in names]
    return Fitted(weights / weights.sum(), means, _dense(mixture), names), mixture, X


def responsibilities(estimator: Any, X: Any, display: str) -> np.ndarray:
    """Posterior probabilities of the components, from anything that has them."""
    if not hasattr(estimator, "predict_proba"):
        inner = last_step(estimator)[0]
        raise TypeError(f"{display} draws {TAKEN}; it got {described(estimator, inner)}.")
    return np.asarray(estimator.predict_proba(X))


def described(estimator: Any, inner: Any) -> str:
    """What was given, for an error: the class, and that of its last step."""

    def name(thing):
        return thing.__name__ if isinstance(thing, type) else type(thing).__name__

    if inner is estimator:
        return name(estimator)
    return f"{name(estimator)} whose estimator is {name(inner)}"


def _dense(mixture: Any) -> np.ndarray:
    """Covariances (K, d, d); scikit-learn's mixtures have the shapes that ours have."""
    if not hasattr(mixture, "decomposition_"):
        weights = np.asarray(mixture.weights_, dtype=np.float64)
        mixture = GaussianMixture.from_parameters(
            weights / weights.sum(),
            mixture.means_,
            mixture.covariances_,
            covariance_type=mixture.covariance_type,
        )
    volume, shape, axes = mixture.decomposition_
    return (axes * (volume[:, None] * shape)[:, None, :]) @ axes.transpose(0, 2, 1)


def rows(X: Any) -> np.ndarray:
    """The rows as numbers, from an array or a data frame."""
    return np.asarray(X, dtype=np.float64)


def columns(features: Any, names: list[str]) -> list[int]:
    """Numbers of the columns that are meant: by number, by name, or all with None."""
    if features is None:
        return list(range(len(names)))
    if isinstance(features, np.ndarray):
        features = features.tolist()
    alone = isinstance(features, str) or not hasattr(features, "__iter__")
    numbers = [_column(feature, names) for feature in ([features] if alone else features)]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"features={features!r} must be different columns of X, and at least one.")
    return numbers


def _column(feature: Any, names: list[str]) -> int:
    if isinstance(feature, str) and names.count(feature) == 1:
        return names.index(feature)
    is_number = isinstance(feature, Integral) and not isinstance(feature, (bool, np.bool_))
    if is_number and 0 <= feature < len(names):
        return int(feature)
    raise ValueError(
        f"features={feature!r} is no column of X: give a number, 0 to {len(names) - 1}, or one of "
        f"the names {_short(names)}."
    )


def _short(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return shown + (", ..." if len(names) > 8 else "")
