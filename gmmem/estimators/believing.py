"""From `prior`, `fixed` and `weight_bounds` of an estimator to what an M-step believes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gmmem.covariances import CovarianceModel
from gmmem.estimators.given import GivenParameters
from gmmem.mixture import WEIGHTS_SUM_TO
from gmmem.moments import Moments
from gmmem.priors import REGULARISED, Adaptation, Held, Known, Prior, Together
from gmmem.priors.bounds import Bounds
from gmmem.problem import Problem

PARTS = ("weights", "means", "covariances")


def believed(
    params: Any, given: GivenParameters, problem: Problem, total: Moments | None = None
) -> Problem:
    """A problem with all that an estimator's parameters say of its mixture beforehand.

    `total` are the moments of all rows as one component, by default those of the problem.
    """
    prior = prior_for(params.prior, problem, params.n_components, total)
    return replace(problem, prior=hold(params, given, prior, problem.model))


def prior_for(
    prior: Any, problem: Problem, n_components: int, total: Moments | None = None
) -> Prior:
    """What is believed of the rows of a problem, over its own ridge.

    Raises
    ------
    ValueError
        If `prior` is none, or not for these rows.
    """
    check_prior(prior)
    if prior is None:
        return problem.prior
    chosen = REGULARISED if isinstance(prior, str) else prior
    total = problem.all_rows() if total is None else total
    return Together(problem.prior, chosen.on(total, problem.model, n_components))


def check_prior(prior: Any) -> None:
    """Refuse what is no prior."""
    named = isinstance(prior, str) and prior in ("regularised", "regularized")
    if prior is None or named or (hasattr(prior, "on") and not isinstance(prior, type)):
        return
    raise ValueError(
        f"prior={prior!r} must be None, 'regularised', or an instance from gmmem.priors such as "
        "NormalInverseWishart()."
    )


def with_start(given: GivenParameters, prior: Any) -> GivenParameters:
    """The parts of a start, and those of the mixture that is adapted."""
    if not isinstance(prior, Adaptation):
        return given
    values = [getattr(given, part) for part in PARTS]
    known = [getattr(prior.mixture, part) for part in PARTS]
    return GivenParameters(*(k if v is None else v for v, k in zip(values, known, strict=True)))


def hold(params: Any, given: GivenParameters, prior: Prior, model: CovarianceModel) -> Prior:
    """A prior with the parts held that `fixed` names, and the weights within `weight_bounds`.

    Raises
    ------
    ValueError
        If `fixed` names what is not there, or not given, or weights cannot be within bounds.
    """
    if params.fixed is None and params.weight_bounds is None:
        return prior
    held = _held(params, given, model)
    bounds = bounds_of(params.weight_bounds, params.n_components)
    if given.weights is not None:
        check_within(given.weights, bounds, "weights_init")
        bounds = bounds.holding(given.weights, held["weights"])
    known = Known(given.means, given.covariances)
    return Held(prior, bounds, known, held["means"], held["covariances"], model.storage.form)


def bounds_of(given: Any, n_components: int) -> Bounds:
    """The parameter `weight_bounds`, checked."""
    none = Bounds.none(n_components)
    if given is None:
        return none
    if len(given) != 2:
        raise ValueError(
            f"weight_bounds={given!r} must be two: the lower bound and the upper one, each a "
            f"number, {n_components} numbers (one a component), or None."
        )
    low, high = map(_bound, given, (none.low, none.high), ("lower", "upper"))
    if (low > high).any():
        k = int(np.argmax(low > high))
        raise ValueError(
            f"weight_bounds of component {k} are {low[k]:g} and {high[k]:g}: the lower one must "
            "not exceed the upper one."
        )
    if low.sum() > 1 + WEIGHTS_SUM_TO or high.sum() < 1 - WEIGHTS_SUM_TO:
        which, total, side = (
            ("lower", low.sum(), "most") if low.sum() > 1 else ("upper", high.sum(), "least")
        )
        raise ValueError(
            f"The {which} weight_bounds sum to {total:g}, but weights sum to one: the sum must "
            f"be at {side} 1, which for {n_components} components alike is "
            f"{1 / n_components:.4g} each."
        )
    return Bounds(low, high)


def _bound(given: Any, none: np.ndarray, which: str) -> np.ndarray:
    """One of the two, a number a component."""
    if given is None:
        return none
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.asarray(np.nan)
    if values.shape not in ((), none.shape) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"The {which} of weight_bounds, {given!r}, must be a number from 0 to 1, "
            f"{len(none)} such numbers (one a component), or None."
        )
    return values * np.ones(len(none))


def check_within(weights: np.ndarray, bounds: Bounds, name: str) -> None:
    """Weights to start from lie within the bounds: otherwise EM could lose likelihood."""
    outside = (weights < bounds.low - WEIGHTS_SUM_TO) | (weights > bounds.high + WEIGHTS_SUM_TO)
    if outside.any():
        k = int(np.argmax(outside))
        raise ValueError(
            f"{name}[{k}]={weights[k]:g} lies outside of weight_bounds, which are "
            f"{bounds.low[k]:g} and {bounds.high[k]:g} for this component."
        )


def _held(params: Any, given: GivenParameters, model: CovarianceModel) -> dict[str, np.ndarray]:
    """Which components' parts are held, by the part."""
    held = dict.fromkeys(PARTS, np.zeros(params.n_components, dtype=bool))
    for part, which in _items(() if params.fixed is None else params.fixed):
        mask = _mask(which, params.n_components, part)
        for name in PARTS if part == "components" else (part,):
            held[name] = held[name] | mask
    for name in PARTS:
        if held[name].any() and getattr(given, name) is None:
            also = " (or precisions_init)" if name == "covariances" else ""
            raise ValueError(f"fixed holds {name}, whose values {name}_init{also} must give.")
    some = held["covariances"].any() and not held["covariances"].all()
    if some and model.n_parameters(2, 3) != 2 * model.n_parameters(1, 3):
        raise ValueError(
            "fixed holds the covariances of some components, but those of "
            f"covariance_type={model.name!r} have something in common: hold all, or none."
        )
    return held


def _items(fixed: Any) -> list[tuple[str, Any]]:
    if isinstance(fixed, str):
        fixed = [fixed]
    items = fixed.items() if isinstance(fixed, Mapping) else [(part, True) for part in fixed]
    for part, _ in items:
        if part not in (*PARTS, "components"):
            raise ValueError(
                f"fixed names {part!r}; it can name {', '.join(PARTS)} and components."
            )
    return list(items)


def _mask(which: Any, n_components: int, part: str) -> np.ndarray:
    """Which components are meant by True, by indices or by a mask."""
    if isinstance(which, bool | np.bool_):
        return np.full(n_components, which)
    array = np.asarray(which, dtype=None if np.size(which) else int)  # An empty list holds none.
    if array.dtype == bool and array.shape == (n_components,):
        return array
    if (
        array.ndim != 1
        or array.dtype.kind not in "iu"
        or not np.isin(array, np.arange(n_components)).all()
    ):
        raise ValueError(
            f"fixed[{part!r}]={which!r} must be True or a list of components from 0 to "
            f"{n_components - 1}."
        )
    mask = np.zeros(n_components, dtype=bool)
    mask[array] = True
    return mask
