"""What a user is told after a fit that ended, but not as it should: sentences, and warnings."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from gmmem import em
from gmmem.covariances.singular import SingularRows
from gmmem.passes import Extent
from gmmem.stopping import Remaining

# Frames between a warning and the user's call of fit.
DEPTH = 6

# Weights with a mean below this are taken for shares, not for copies.
LEAST_MEAN_WEIGHT = 0.5


class ChoiceWarning(UserWarning):
    """A search ended with a choice that is to be doubted."""


def warn(sentence: str, category: type[Warning] = UserWarning) -> None:
    """Warn where the user called fit."""
    warnings.warn(sentence, category, stacklevel=DEPTH)


def of_convergence(params: Any, solution: em.Solution) -> None:
    """Warn where the best start did not converge."""
    # With fewer iterations, a callback asked to stop and needs no advice.
    stopped = 0 < params.max_iter <= solution.passes
    if solution.status is not em.Status.CONVERGED and stopped:
        warn(
            "Best performing initialization did not converge. Try different init "
            "parameters, or increase max_iter, tol, or check for degenerate data."
            + _missing(solution.remaining, params.tol),
            ConvergenceWarning,
        )


def reason(failure: Exception, params: Any) -> str:
    """Why a fit failed, with the names of the columns where X had them, and what to do."""
    if isinstance(failure, SingularRows):
        told = failure.told(getattr(params, "feature_names_in_", None))
        return f"{told} Increase reg_covar (now {params.reg_covar:g}) to fit them all the same."
    return (
        f"{str(failure).rstrip('.')}. Increase reg_covar (now {params.reg_covar:g}), lower "
        f"n_components (now {params.n_components}), or scale the data."
    )


def of_solution(params: Any, solution: em.Solution) -> None:
    """Warn of what the best start of a `GaussianMixture` did not reach otherwise."""
    if not solution.settled:
        warn(
            "The inner iteration of the last M-step did not converge for "
            f"covariance_type={params.covariance_type!r}; pass an instance of the model with "
            "a larger max_iter or tol.",
            ConvergenceWarning,
        )
    lost = np.flatnonzero(solution.mixture.weights == 0)
    if len(lost) and solution.history:
        warn(
            f"Component(s) {lost.tolist()} lost all rows and have weight 0; lower "
            f"n_components (now {params.n_components}) or try another start.",
            ConvergenceWarning,
        )


def _missing(found: Remaining, tol: float) -> str:
    """How much the likelihood still lacks, and what would do."""
    if not np.isfinite(found.gain):
        return " Its gains do not shrink yet: how much is missing cannot be told."
    more = found.iterations(tol)
    advice = (
        f"; about {more} more iterations would leave less than tol" if 0 < more < np.inf else ""
    )
    return f" About {found.gain:.2g} nats a row are estimated to be missing{advice}."


def of_weights(extent: Extent) -> None:
    """Warn where the criteria count far fewer rows than there are."""
    if extent.total_weight < LEAST_MEAN_WEIGHT * extent.n_rows:
        warn(
            f"sample_weight sums to {extent.total_weight:g} over {extent.n_rows} rows. A weight "
            "of w stands for w copies of a row, so the criteria count n = "
            f"{extent.total_weight:g}, which weakens or removes their penalty: for weights that "
            "are shares or densities, multiply them so that they sum to the number of rows (or "
            "to the effective number, sum(w)**2 / sum(w**2))."
        )


def of_choice(candidates: list, index: int, criterion: str) -> None:
    """Warn where the choice of a search is to be doubted."""
    best = candidates[index]
    numbers = {candidate.point.n_components for candidate in candidates}
    number, name = best.point.n_components, getattr(best.model, "name", best.model)
    if best.status == "max_iter":
        warn(
            f"The best candidate ({name}, {number} components) did not converge in "
            f"{len(best.history)} iterations: increase max_iter or tol.",
            ConvergenceWarning,
        )
    if len(numbers) > 1 and number == max(numbers):
        warn(
            f"The best candidate has {number} components, the most that were tried: try more, "
            f"for criterion={criterion!r} may still fall.",
            ChoiceWarning,
        )
    richer = [each for each in candidates if _is_richer(each, best)]
    if richer and all(each.status in ("degenerate", "failed") for each in richer):
        warn(
            f"{name} with {number} components won only because every more flexible model of as "
            f"many components was degenerate ({richer[0].reason.rstrip('.')}): the data may "
            "hold copies, constants or sums, for which reg_covar > 0 or fewer components help.",
            ChoiceWarning,
        )


def _is_richer(one, other) -> bool:
    """Whether a candidate has more free parameters in as many components."""
    if one.point.n_components != other.point.n_components:
        return False
    K, d = other.mixture.means.shape
    return one.model.n_parameters(K, d) > other.model.n_parameters(K, d)
