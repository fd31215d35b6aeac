"""What a user is told after a fit that ended, but not as it should: sentences, and warnings."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from gmmem import em, prediction
from gmmem.covariances.singular import Collapsed, SingularRows
from gmmem.mixture import Mixture
from gmmem.passes import Extent, locate
from gmmem.priors import Prior
from gmmem.priors.variational import Posterior
from gmmem.problem import Problem
from gmmem.sources import InMemory, Rows
from gmmem.stopping import Remaining, remaining

# Frames between a warning and the user's call of fit, or of a criterion.
DEPTH = 6

# Times tol: what is missing beyond that is worth a sentence.
MUCH = 10

# Weights with a mean below this are taken for shares, not for copies.
LEAST_MEAN_WEIGHT = 0.5


# Rows that a sentence lists.
MOST_ROWS = 5

# A share of a variance that is not negligible.
NOTABLE, MOSTLY = 0.05, 0.5

# The squared part of a column in a direction that is said to be its own.
ALONG = 0.9


class ChoiceWarning(UserWarning):
    """A fit or search ended with what is to be doubted, or a parameter has been a bad one."""


def warn(sentence: str, category: type[Warning] = UserWarning) -> None:
    """Warn where the user called fit."""
    warnings.warn(sentence, category, stacklevel=DEPTH)


def number(reg_covar: float | str) -> str:
    """As the user may have written it."""
    return reg_covar if isinstance(reg_covar, str) else f"{reg_covar:g}"


def of_convergence(params: Any, solution: em.Solution) -> None:
    """Warn where the best start did not converge."""
    # With fewer iterations, a callback asked to stop and needs no advice.
    stopped = 0 < params.max_iter <= solution.passes
    if solution.status is not em.Status.CONVERGED and stopped:
        warn(
            "Best performing initialization did not converge. Try different init "
            "parameters, or increase max_iter, tol, or check for degenerate data."
            + missing(solution.remaining, params),
            ConvergenceWarning,
        )


def told(failure: Exception, names: Sequence[str] | None) -> str:
    """Why a fit failed, as a sentence, with the names of the columns where X had them."""
    if isinstance(failure, SingularRows | Collapsed):
        return f"{failure.told(names).rstrip('.')}."
    return f"{str(failure).rstrip('.')}."


def of_failure(failure: Exception, names: Sequence[str] | None) -> str:
    """The same of a candidate, to whom nothing else is said."""
    return failure.explained(names) if isinstance(failure, SingularRows) else told(failure, names)


def reason(outcome: em.Outcome, params: Any, rows: Rows) -> str:
    """The same of a fit's last start, and what to do."""
    failure, now = outcome.failure, number(params.reg_covar)
    why = told(failure, getattr(params, "feature_names_in_", None))
    if isinstance(failure, SingularRows):
        above = " to a number" if now == "auto" else ""
        return f"{why} Increase reg_covar (now {now}){above} to fit them all the same."
    there = ""
    if isinstance(failure, Collapsed) and failure.coefficients is None:
        there = _rows_at(failure.place, rows)
    number_of = len(outcome.solutions)
    others = f" So did a component of each of {number_of} starts." if number_of > 1 else ""
    prior = "a prior" if getattr(params, "prior", None) is None else "a narrower prior"
    return (
        f'{why}{there}{others} Increase reg_covar (now {now}; "auto" goes by the '
        f"units of X), lower n_components (now {params.n_components}), or set {prior}."
    )


def _rows_at(place: np.ndarray | None, rows: Rows) -> str:
    """Which rows lie at a place, where they can be looked at."""
    if place is None or not isinstance(rows, InMemory):
        return ""
    near = np.sqrt(np.finfo(rows.dtype).eps) * rows.X.std(axis=0)
    found = np.flatnonzero((np.abs(rows.X - place) <= near).all(axis=1))
    if not len(found):
        return ""
    listed = ", ".join(map(str, found[:MOST_ROWS])) + (", ..." if len(found) > MOST_ROWS else "")
    return f" There {'is row' if len(found) == 1 else 'are rows'} {listed}."


def of_interrupt(solution: em.Solution) -> None:
    """Warn that a fit is not one that ended, whatever becomes of the interrupt."""
    n = len(solution.history)
    kept = f"the best start's iteration {n}" if n else "the best start found so far"
    with suppress(UserWarning):
        warn(
            f"The fit was interrupted: what is kept is {kept}, which need not be near an optimum.",
            ConvergenceWarning,
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


def of_unobserved(params: Any, mixture: Mixture, problem: Problem) -> None:
    """Warn where no row of a component observes a feature: then nothing is learnt of it there."""
    mass = mixture.weights * problem.extent.total_weight
    for k, columns in _unobserved(params, mixture, problem, mass):
        warn(
            f"Component {k} has no row that observes column(s) {columns}: its mean and covariance "
            "there are what they were at the start. Give them (means_init, covariances_init), "
            f"lower n_components (now {mixture.n_components}), or do not trust them.",
            ChoiceWarning,
        )


def of_unobserved_beliefs(params: Any, posterior: Posterior, problem: Problem) -> None:
    """The same of components that at least one row's weight belongs to."""
    mass = np.where(posterior.mass >= 1, posterior.mass, 0)
    for k, columns in _unobserved(params, posterior, problem, mass):
        warn(
            f"Component {k} has no row that observes column(s) {columns}: what is believed of it "
            "there comes of the prior and the start, not of X. Give the prior (mean_prior, "
            f"covariance_prior), lower n_components (now {posterior.n_components}), or do not "
            "trust it.",
            ChoiceWarning,
        )


def _unobserved(
    params: Any, by: Mixture | Posterior, problem: Problem, mass: np.ndarray
) -> Iterator[tuple[int, str]]:
    """Components of some mass (K,), and columns that next to none of it has a value of."""
    if problem.incomplete is None:
        return
    extent = problem.extent
    seen = prediction.observed(by, problem.rows)
    row = extent.total_weight / extent.n_rows
    bare = seen < np.minimum((by.n_features + 1) * row, 0.5 * mass[:, None])
    names = getattr(params, "feature_names_in_", range(bare.shape[1]))
    for k in np.flatnonzero(bare.any(axis=1)):
        yield k, ", ".join(str(names[j]) for j in np.flatnonzero(bare[k]))


def of_ridge(params: Any, mixture: Mixture, prior: Prior) -> tuple[str, ...]:
    """Warn where a fitted variance is in good part what `reg_covar` added; so the sentence says."""
    floor = np.zeros(mixture.n_features) + prior.floor
    storage, auto = mixture.covariances, isinstance(params.reg_covar, str)
    least, units = MOSTLY if auto else NOTABLE, np.sqrt(floor)
    # No share is more than that.
    if not floor.min() > 0 or not storage.bound(units).max() > least:
        return ()
    # The trace is no less than the largest share.
    traces = storage.form.inner(storage.precisions, storage.form.of(np.diag(floor)[None]))
    alive = traces > least if storage.shared else (traces > least) & (mixture.weights > 0)
    for k in np.flatnonzero(alive):
        values, axes = np.linalg.eigh(storage.dense()[k] / units[:, None] / units)
        if 1 / values[0] > least:
            one = mixture.n_components > 1 and storage.shared
            whose = "the covariance that all components share" if one else f"component {k}"
            sentence = _on_ridge(params, whose, 1 / values[0], axes[:, 0])
            warn(sentence, ChoiceWarning)
            return (sentence,)
    return ()


def _on_ridge(params: Any, whose: str, share: float, axis: np.ndarray) -> str:
    """How much it makes up, of what, and what to do."""
    j = int(np.argmax(np.abs(axis)))
    names = getattr(params, "feature_names_in_", None)
    column = f"column {j if names is None else repr(str(names[j]))}"
    along = column if axis[j] ** 2 > ALONG else f"a combination of columns, of {column} most"
    remedy = (
        "leave out columns that are constant or add up, or lower n_components."
        if isinstance(params.reg_covar, str)
        else 'set reg_covar="auto", which goes by the variance of each feature, lower it, or '
        "rescale X; if there are copies in X, or columns that add up, lower n_components or leave "
        "columns out."
    )
    return (
        f"reg_covar={number(params.reg_covar)} makes up {share:.0%} of the least variance of "
        f"{whose}, that of {along}: the fit depends on it; {remedy}"
    )


def missing(found: Remaining, params: Any) -> str:
    """How much the likelihood still lacks, and what would do."""
    if not np.isfinite(found.gain):
        return " Its gains do not shrink yet: how much is missing cannot be told."
    more = found.iterations(params.tol)
    advice = (
        f"; about {more} more iterations would leave less than tol" if 0 < more < np.inf else ""
    )
    return f" About {found.gain:.2g} {params._bound_in} are estimated to be missing{advice}."


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


def of_criteria(rows: Rows) -> None:
    """The same for rows that a criterion is asked of."""
    if rows.total_weight < LEAST_MEAN_WEIGHT * rows.n_rows:
        of_weights(locate(rows))  # Which of them weigh something.


def of_choice(candidates: list, index: int, criterion: str) -> tuple[str, ...]:
    """Warn where the choice of a search is to be doubted; the sentences come back."""
    found = tuple(doubts(candidates, index, criterion))
    for sentence, category in found:
        warn(sentence, category)
    return tuple(sentence for sentence, _ in found)


def doubts(candidates: list, index: int, criterion: str) -> Iterator[tuple[str, type[Warning]]]:
    """Why the choice of a search is to be doubted: sentences, and the class of the warning."""
    best = candidates[index]
    numbers = {candidate.point.n_components for candidate in candidates}
    number, name = best.point.n_components, getattr(best.model, "name", best.model)
    if best.status == "max_iter":
        yield (
            f"The best candidate ({name}, {number} components) did not converge in "
            f"{len(best.history)} iterations: increase max_iter or tol.",
            ConvergenceWarning,
        )
    if len(numbers) > 1 and number == max(numbers):
        yield (
            f"The best candidate has {number} components, the most that were tried: try more, "
            f"for criterion={criterion!r} may still fall.",
            ChoiceWarning,
        )
    richer = [each for each in candidates if _is_richer(each, best)]
    if richer and all(each.status in ("degenerate", "failed") for each in richer):
        yield (
            f"{name} with {number} components won only because every more flexible model of as "
            f"many components was degenerate ({richer[0].reason.rstrip('.')}): the data may "
            "hold copies, constants or sums, for which reg_covar > 0 or fewer components help.",
            ChoiceWarning,
        )


def of_fit(params: Any, sizes: np.ndarray | None) -> tuple[str, ...]:
    """What is to be doubted of a fitted mixture, in sentences."""
    return (
        *vars(params).get("_doubts", ()),
        *_of_iterations(params),
        *_of_starts(params),
        *_of_sizes(params, sizes),
    )


def _of_iterations(params: Any) -> Iterator[str]:
    history, told = params.lower_bounds_, hasattr(params, "best_estimator_")
    if "_stream" in vars(params) or told:
        return
    if not history:
        if not params.converged_ and params.max_iter:
            yield "the fit was interrupted before the first iteration: fit it again."
        return
    left, steady = getattr(params, "remaining_gain_", 0), not getattr(params, "accelerate", False)
    if not params.converged_:
        more = missing(remaining(history), params) if steady else ""
        yield f"raise max_iter (now {params.max_iter}), or tol (now {params.tol:g}).{more}"
    elif params.tol * MUCH < left < np.inf:
        yield (
            f"about {left:.2g} nats a row are estimated to be missing: lower tol (now "
            f"{params.tol:g})."
        )
    elif left == np.inf and steady and np.ptp(history[-2:]) > params.tol / MUCH:
        yield (
            f"the last change was below tol (now {params.tol:g}), but the changes did not shrink "
            "yet: this may be a plateau, so lower tol."
        )


def _of_starts(params: Any) -> Iterator[str]:
    report = getattr(params, "starts_report_", None)
    if report is not None and report.n_starts > 2 and report.n_best == 1:
        yield (
            f"only one of {report.n_starts} starts ended at the best likelihood, which may not be "
            'the highest there is: raise n_init, or try n_init="auto".'
        )


def _of_sizes(params: Any, sizes: np.ndarray | None) -> Iterator[str]:
    lost = np.flatnonzero(np.asarray(params.weights_) == 0)
    if len(lost):
        yield f"component(s) {lost.tolist()} have no rows: lower n_components."
    if sizes is None or getattr(params, "prior", True) is not None:
        return  # A prior, such as a variational mixture has, holds covariances up.
    d = params.means_.shape[1]
    few = np.setdiff1d(np.flatnonzero(sizes <= d), lost)
    if len(few) and not params.covariance_model_.shared:
        yield (
            f"component(s) {few.tolist()} hold no more rows than there are features ({d}), too "
            "few for covariances of their own: lower n_components, or choose a model that shares "
            "them."
        )


def _is_richer(one, other) -> bool:
    """Whether a candidate has more free parameters in as many components."""
    if one.point.n_components != other.point.n_components:
        return False
    K, d = other.mixture.means.shape
    return one.model.n_parameters(K, d) > other.model.n_parameters(K, d)
