"""Between the parameters and attributes of `BayesianGaussianMixture` and the engine's beliefs."""

from typing import Any

import numpy as np
from sklearn.utils import check_array

from gmmem.covariances import CovarianceModel, DegenerateCovariance
from gmmem.covariances.base import from_public, to_public
from gmmem.covariances.singular import EPS, SingularRows
from gmmem.estimators.attributes import check_there, means_and
from gmmem.passes import Extent
from gmmem.priors import Prior
from gmmem.priors.dirichlet import Dirichlet, StickBreaking, WeightPrior
from gmmem.priors.variational import Posterior, VariationalPrior
from gmmem.problem import Problem

WEIGHT_PRIORS: dict[str, type[WeightPrior]] = {
    "dirichlet_process": StickBreaking,
    "dirichlet_distribution": Dirichlet,
}


def prior_of(params: Any, problem: Problem) -> VariationalPrior:
    """The prior that an estimator's parameters describe, with defaults from the rows.

    Raises
    ------
    ValueError
        If a parameter is not usable.
    SingularRows
        If a column with gaps is constant, and nothing keeps its variance from being zero.
    """
    d = problem.rows.n_features
    concentration, precision = params.weight_concentration_prior, params.mean_precision_prior
    freedom = params.degrees_of_freedom_prior
    if freedom is not None and freedom <= d - 1:
        raise ValueError(
            "The parameter 'degrees_of_freedom_prior' should be greater than "
            f"{d - 1}, but got {freedom:.3f}."
        )
    ridge = problem.regularised(params.reg_covar).prior
    weights = WEIGHT_PRIORS[params.weight_concentration_prior_type]
    return VariationalPrior(
        weights(1 / params.n_components if concentration is None else concentration),
        1.0 if precision is None else precision,
        _mean(params.mean_prior, problem),
        d if freedom is None else freedom,
        _scale(params.covariance_prior, problem, ridge),
        ridge,
    )


def _mean(given, problem: Problem) -> np.ndarray:
    if given is None:
        return problem.all_rows().scatters().means[0]
    return _array(given, "mean_prior", (problem.rows.n_features,))


def _scale(given, problem: Problem, ridge: Prior) -> np.ndarray:
    """In the form of the storage, for one component."""
    model, d = problem.model, problem.rows.n_features
    if given is None:
        return _covariance_of_rows(problem, ridge)
    scale = _array(given, "covariance_prior", model.storage.form.shape(d))
    if scale.ndim == 2 and not np.allclose(scale, scale.T):
        raise ValueError("covariance_prior should be symmetric.")
    if not (np.diagonal(scale) if scale.ndim == 2 else scale > 0).all():
        raise ValueError("covariance_prior should be positive; it holds values <= 0.")
    try:
        model.storage.from_covariances(scale[None], d)
    except DegenerateCovariance:
        raise ValueError("covariance_prior should be positive definite, and is not.") from None
    return scale


def _covariance_of_rows(problem: Problem, ridge: Prior) -> np.ndarray:
    n, scatters = problem.extent.total_weight, problem.all_rows().scatters()
    if not n > 1:
        raise ValueError(
            "covariance_prior=None is the covariance of X, for which its rows, but for those "
            f"without a value, must weigh more than one, not {n:g}: a sample_weight of w stands "
            "for w copies of a row. Rescale the weights, or give covariance_prior."
        )
    if problem.incomplete is not None and not ridge.keeps_regular:
        _refuse_constant(problem.extent, problem.rows.dtype)
    scale = scatters.scatter[0] / (n - 1)
    return scale if np.ndim(scale) else scale / problem.rows.n_features


def _refuse_constant(extent: Extent, dtype: np.dtype) -> None:
    """Raise where a column has one value, of which gaps would make a covariance nevertheless.

    Raises
    ------
    SingularRows
        With the first such column.
    """
    resolution = max(EPS, np.finfo(dtype).eps) * np.abs(extent.centre)
    constant = extent.reach <= resolution
    if constant.any():
        raise SingularRows(np.eye(len(constant))[np.argmax(constant)])


def _array(given, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if np.shape(given) != shape:
        raise ValueError(
            f"The parameter '{name}' should have the shape of {shape}, but got {np.shape(given)}."
        )
    options = dict(ensure_2d=False, input_name=name, ensure_min_samples=0, ensure_min_features=0)
    return check_array(np.atleast_1d(given), dtype=np.float64, **options).reshape(shape)


# --- what a fit leaves, beside what every mixture has ------------------------------------------

# What rows are scored by.
SCORED_BY = (
    "weight_concentration_",
    "mean_precision_",
    "means_",
    "degrees_of_freedom_",
    "precisions_cholesky_",
)


def prior_attributes(prior: VariationalPrior, dtype: np.dtype) -> dict[str, Any]:
    """A prior as fitted attributes."""
    return {
        "weight_concentration_prior_": prior.weights.concentration,
        "mean_precision_prior_": prior.mean_precision,
        "mean_prior_": prior.mean.astype(dtype),
        "degrees_of_freedom_prior_": prior.degrees_of_freedom,
        "covariance_prior_": prior.scale if np.ndim(prior.scale) else float(prior.scale),
    }


def posterior_attributes(
    posterior: Posterior, model: CovarianceModel, dtype: np.dtype
) -> dict[str, Any]:
    """What a posterior says beyond weights, means and covariances, as fitted attributes."""
    concentration = posterior.concentration.astype(dtype)
    freedom = to_public(model, posterior.degrees_of_freedom, posterior.n_components)
    return {
        "weight_concentration_": concentration if concentration.ndim == 1 else (*concentration,),
        "mean_precision_": posterior.mean_precision.astype(dtype),
        "degrees_of_freedom_": freedom.astype(dtype)[()],
        "n_components_": int(np.count_nonzero(posterior.mass >= 1)),
    }


def as_posterior(estimator: Any) -> Posterior:
    """The posterior that an estimator's attributes describe."""
    check_there(estimator, SCORED_BY)
    model, (means, factors) = estimator.covariance_model_, means_and(estimator, SCORED_BY[-1])
    parts = [np.asarray(getattr(estimator, name), dtype=np.float64) for name in SCORED_BY]
    concentration, precision, _, freedom, _ = parts
    process = isinstance(estimator.weight_concentration_, tuple)
    weights = WEIGHT_PRIORS["dirichlet_process" if process else "dirichlet_distribution"]
    storage = model.storage.from_factors(factors, means.shape[1])
    prior = weights(estimator.weight_concentration_prior_)
    return Posterior(prior, concentration, precision, means, from_public(model, freedom), storage)
