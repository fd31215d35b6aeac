"""Parameters that a user gives: checked, and in the engine's form."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array

from gmmem.covariances import CovarianceModel, DegenerateCovariance, Storage
from gmmem.covariances.base import from_public, public_shape
from gmmem.covariances.structure import is_skewed, structure_error
from gmmem.incomplete import NothingObserved
from gmmem.mixture import WEIGHTS_SUM_TO, Mixture
from gmmem.passes import Extent


@dataclass(frozen=True, eq=False)
class GivenParameters:
    """The parts of a start that the user gave, checked; None where not given."""

    weights: np.ndarray | None = None
    means: np.ndarray | None = None
    covariances: Storage | None = None

    @property
    def complete(self) -> bool:
        return all(part is not None for part in (self.weights, self.means, self.covariances))

    @property
    def empty(self) -> bool:
        return self.weights is None and self.means is None and self.covariances is None


def check_whole(estimator, *names: str) -> None:
    """Numbers that count something: True and False are none.

    Raises
    ------
    ValueError
        If one of the parameters is a truth value.
    """
    for name in names:
        value = getattr(estimator, name)
        if isinstance(value, bool | np.bool_):
            raise ValueError(f"{name}={value} must be a whole number, not True or False.")


def check_enough(n_components: int, n_rows: int, sample_weight) -> None:
    """There are at least as many rows as components.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    if n_rows < n_components:
        raise ValueError(
            f"Expected n_samples >= n_components but got n_components = "
            f"{n_components}, n_samples = {n_rows}"
            + ("." if sample_weight is None else " with a positive weight.")
        )


def check_observed(estimator, extent: Extent) -> None:
    """Every column has a value in some row.

    Raises
    ------
    NothingObserved
        If one has none; the columns' names are told.
    """
    unseen = np.flatnonzero(extent.there == 0)
    if len(unseen):
        raise NothingObserved(unseen.tolist(), getattr(estimator, "feature_names_in_", None))


def check_resumable(estimator, model: CovarianceModel, n_features: int) -> None:
    """The last solution of an estimator is one that its next fit can go on from.

    Raises
    ------
    ValueError
        If it has another shape.
    """
    shapes = {
        "means_": (estimator.n_components, n_features),
        "covariances_": public_shape(model, estimator.n_components, n_features),
    }
    for name, shape in shapes.items():
        if np.shape(getattr(estimator, name)) != shape:
            raise ValueError(
                f"warm_start=True goes on from the last solution, whose {name} have the "
                f"shape {np.shape(getattr(estimator, name))}; n_components, covariance_type and "
                f"X now make it {shape}. Set warm_start=False to start anew."
            )


def _array(value, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = check_array(
        value,
        dtype=np.float64,
        ensure_2d=False,
        allow_nd=True,
        input_name=name,
        ensure_min_samples=0,
        ensure_min_features=0,
    )
    if array.shape != shape:
        raise ValueError(f"{name} should have the shape {shape}, but got {array.shape}.")
    return array


def check_weights(value, n_components: int, name: str = "weights_init") -> np.ndarray:
    """Mixing weights: non-negative and summing to one."""
    weights = _array(value, name, (n_components,))
    if (weights < 0).any() or (weights > 1).any():
        raise ValueError(
            f"{name} should be in the range [0, 1], but got min {weights.min():.5g} "
            f"and max {weights.max():.5g}."
        )
    if abs(weights.sum() - 1) > WEIGHTS_SUM_TO:
        raise ValueError(f"{name} should sum to one, but sums to {weights.sum():.8g}.")
    return weights


def check_means(value, n_components: int, n_features: int, name: str = "means_init") -> np.ndarray:
    """Means, one row a component."""
    return _array(value, name, (n_components, n_features))


def check_covariances(
    value,
    model: CovarianceModel,
    n_components: int,
    n_features: int,
    name: str,
    build: Callable[[np.ndarray, int], Storage],
) -> Storage:
    """Covariances, or precisions: symmetric and positive definite.

    `build` is what the model's storage makes of the one or of the other.
    """
    array = _array(value, name, public_shape(model, n_components, n_features))
    stored = from_public(model, array)
    if (
        model.shared
        and not model.compact
        and not np.array_equal(array, np.broadcast_to(stored, array.shape))
    ):
        raise ValueError(
            f"{name} should be the same for all components of covariance_type={model.name!r}."
        )
    square = stored.ndim == 3
    if is_skewed(stored):
        raise ValueError(f"{name} should be symmetric.")
    if (stored.ndim < 3 and (stored <= 0).any()) or (
        square and (np.diagonal(stored, axis1=1, axis2=2) <= 0).any()
    ):
        raise ValueError(f"{name} should be positive definite; it holds values <= 0.")
    try:
        storage = build(stored, n_features)
    except DegenerateCovariance as error:
        raise ValueError(
            f"{name} should be positive definite; that of component {error.component} is not."
        ) from None
    error = structure_error(model, storage.covariances, n_features)
    if error is not None:
        raise ValueError(f"{name} do not fit covariance_type={model.name!r}: {error}.")
    return storage


def check_given(estimator, model: CovarianceModel, n_features: int) -> GivenParameters:
    """Check what the user gave to start from."""
    n_components = estimator.n_components
    weights = means = covariances = None
    if estimator.weights_init is not None:
        weights = check_weights(estimator.weights_init, n_components)
    if estimator.means_init is not None:
        means = check_means(estimator.means_init, n_components, n_features)
    if estimator.precisions_init is not None and estimator.covariances_init is not None:
        raise ValueError("Give precisions_init or covariances_init, not both.")
    choices = {
        "precisions_init": model.storage.from_precisions,
        "covariances_init": model.storage.from_covariances,
    }
    for given, build in choices.items():
        value = getattr(estimator, given)
        if value is not None:
            covariances = check_covariances(value, model, n_components, n_features, given, build)
    return GivenParameters(weights, means, covariances)


def known_mixture(weights, means, covariances, model: CovarianceModel) -> Mixture:
    """A density of parameters that the user gave, checked."""
    if np.ndim(means) != 2:
        raise ValueError(
            f"means should have the shape (n_components, n_features), but got {np.shape(means)}."
        )
    K, d = np.shape(means)
    build = model.storage.from_covariances
    return Mixture(
        check_weights(weights, K, "weights"),
        check_means(means, K, d, "means"),
        check_covariances(covariances, model, K, d, "covariances", build),
    )
