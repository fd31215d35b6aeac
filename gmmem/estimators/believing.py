"""From the parameters `prior` and `fixed` of an estimator to what an M-step believes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gmmem.covariances import CovarianceModel
from gmmem.estimators.given import GivenParameters
from gmmem.priors import REGULARISED, Adaptation, Held, Known, Prior, Together
from gmmem.problem import Problem

PARTS = ("weights", "means", "covariances")


def prior_for(prior: Any, problem: Problem, n_components: int) -> Prior:
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
    return Together(problem.prior, chosen.on(problem.all_rows(), problem.model, n_components))


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


def hold(
    fixed: Any, given: GivenParameters, prior: Prior, model: CovarianceModel, n_components: int
) -> Prior:
    """A prior with the parts held that `fixed` names.

    Raises
    ------
    ValueError
        If `fixed` names what is not there, or not given.
    """
    if fixed is None:
        return prior
    held = dict.fromkeys(PARTS, np.zeros(n_components, dtype=bool))
    for part, which in _items(fixed):
        mask = _mask(which, n_components, part)
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
    known = Known(given.weights, given.means, given.covariances)
    return Held(prior, known, *held.values(), model.storage.form)


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
    array = np.asarray(which)
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
