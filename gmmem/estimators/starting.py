"""From constructor parameters to the mixture that EM starts from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array

from gmmem import em
from gmmem.covariances import CovarianceModel, DegenerateCovariance, Storage
from gmmem.covariances.base import from_public, public_shape
from gmmem.forms import Quadratic
from gmmem.initializers import Nearest, Subset, as_assignment, as_initialiser
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.sources import InMemory


@dataclass(frozen=True, eq=False)
class GivenParameters:
    """The parts of a start that the user gave, checked; None where not given."""

    weights: np.ndarray | None = None
    means: np.ndarray | None = None
    covariances: Storage | None = None

    @property
    def complete(self) -> bool:
        return all(part is not None for part in (self.weights, self.means, self.covariances))


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
    single = getattr(value, "dtype", None) == np.float32
    if abs(weights.sum() - 1) > (1e-6 if single else 1e-8):
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
    if square and not np.allclose(stored, stored.transpose(0, 2, 1)):
        raise ValueError(f"{name} should be symmetric.")
    if (stored.ndim < 3 and (stored <= 0).any()) or (
        square and (np.diagonal(stored, axis1=1, axis2=2) <= 0).any()
    ):
        raise ValueError(f"{name} should be positive definite; it holds values <= 0.")
    try:
        return build(stored, n_features)
    except DegenerateCovariance as error:
        raise ValueError(
            f"{name} should be positive definite; that of component {error.component} is not."
        ) from None


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


def positive_rows(X: np.ndarray, sample_weight: np.ndarray | None) -> InMemory:
    """The rows that count: those of weight zero change nothing, so they are not there."""
    if sample_weight is None or sample_weight.all():
        return InMemory(X, sample_weight)
    positive = sample_weight > 0
    return InMemory(X[positive], sample_weight[positive])


initialiser = as_initialiser


class Start(NamedTuple):
    """Which rows belong to which component when EM begins."""

    assign: Callable
    subset: InMemory | None
    """The rows that stand for all, if not all start."""

    def mixture(
        self, rows: InMemory, n_components: int, model: CovarianceModel, reg_covar: float
    ) -> Mixture:
        """M-step from it; `rows` are those of positive weight."""
        moments = self.moments(rows, n_components, model.storage.form, model.shared)
        return em.maximise(moments, model, reg_covar).mixture

    def moments(self, rows: InMemory, n_components: int, form: Quadratic, pooled: bool) -> Moments:
        """What that M-step, or one of several, starts from."""
        begin = rows if self.subset is None else self.subset
        return em.gather(begin, self.assign, n_components, form, pooled)


def placed(
    initialise: Callable,
    X: np.ndarray,
    sample_weight: np.ndarray | None,
    n_components: int,
    random_state: np.random.RandomState,
    name: str,
) -> Start:
    """Ask an initialiser, which sees all rows, and check what it says.

    Raises
    ------
    ValueError
        If the answer is not usable; `name` says whose it is.
    """
    answer = initialise(X, n_components, sample_weight=sample_weight, random_state=random_state)
    if isinstance(answer, Subset):
        rows = _subset_rows(answer, X.shape[1], name)
        return Start(as_assignment(answer.labels, rows.n_rows, n_components, name), rows)
    assign = as_assignment(answer, len(X), n_components, name, X.shape[1])
    return Start(assign if sample_weight is None else assign.of_rows(sample_weight > 0), None)


def _subset_rows(subset: Subset, n_features: int, name: str) -> InMemory:
    """The rows of a subset, checked."""
    try:
        rows = InMemory(subset.rows, subset.weights)
    except ValueError as error:
        raise ValueError(f"{name} gave a Subset that is not usable: {error}") from None
    if rows.n_features != n_features:
        raise ValueError(
            f"{name} gave a Subset with {rows.n_features} features, but X has {n_features}."
        )
    return rows


def start(
    rows: em.Rows,
    X: np.ndarray,
    sample_weight: np.ndarray | None,
    given: GivenParameters,
    n_components: int,
    model: CovarianceModel,
    init_params,
    reg_covar: float,
    random_state: np.random.RandomState,
) -> Mixture:
    """The mixture to start from: what was given, and an initialiser for the rest.

    `rows` leaves out the rows of weight zero; X and `sample_weight` have them all, as
    a user's own labels do.  With means alone, each row goes to the nearest of them, so
    that weights and covariances belong to the means that they stand beside.
    """
    if given.complete:
        return Mixture(given.weights, given.means, given.covariances)
    if given.means is not None:
        begin = Start(Nearest(given.means), None)
    else:
        name = init_params if isinstance(init_params, str) else f"init_params={init_params!r}"
        initialise = initialiser(init_params)
        begin = placed(initialise, X, sample_weight, n_components, random_state, name)
    found = begin.mixture(rows, n_components, model, reg_covar)
    return Mixture(
        found.weights if given.weights is None else given.weights,
        found.means if given.means is None else given.means,
        found.covariances if given.covariances is None else given.covariances,
    )
