"""`GaussianMixtureIC`: the number of components and the covariance model by a criterion."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from numbers import Integral, Real

import joblib
import numpy as np
from sklearn.base import BaseEstimator, DensityMixin

from gmmem import em, prediction
from gmmem.compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    check_random_state,
    fit_context,
)
from gmmem.covariances import get_model
from gmmem.criteria import CRITERIA
from gmmem.estimators import advice, callbacks, checkpoint, search
from gmmem.estimators.believing import check_prior
from gmmem.estimators.candidates import Candidate, GridPoint, Settings
from gmmem.estimators.completing import ready_to_start
from gmmem.estimators.gaussian_mixture import GaussianMixture
from gmmem.estimators.given import check_observed, check_whole
from gmmem.estimators.journal import Journal
from gmmem.estimators.mixture_methods import MixtureMethods, unchanged_on_failure
from gmmem.estimators.neighbours import from_neighbours
from gmmem.estimators.ordering import COMPONENT_ORDERS
from gmmem.estimators.rows import TakesMissing, as_data, as_rows, fingerprint, seen
from gmmem.initializers import as_initialiser
from gmmem.problem import Problem

FITTED = (
    "_fitted_model",
    "weights_",
    "means_",
    "covariances_",
    "precisions_",
    "precisions_cholesky_",
)
# Relative difference of criteria below which candidates are as good as each other.
SAME = 1e-10
REPORTED = ("converged_", "n_iter_", "lower_bound_", "lower_bounds_")


class GaussianMixtureIC(
    TakesMissing, MixtureMethods, CallbackSupportMixin, DensityMixin, BaseEstimator
):
    """Gaussian mixture whose size and covariance model a criterion chooses.

    Fits a grid of candidates and keeps the best.  With the defaults it does what
    mclust's ``Mclust`` does: 1 to 9 components, fourteen models, a hierarchical
    start, the BIC.

    Parameters
    ----------
    n_components : int or iterable of int, default=None
        Numbers of components to try; None is 1 to 9, or fewer if X has fewer rows.
    covariance_type : str, CovarianceModel or iterable of them, default=None
        As for `GaussianMixture`.  None is mclust's fourteen models; those that are
        diagonal only, where X has no more rows than features; "E" and "V" where it
        has one feature.
    criterion : {"bic", "aic", "aicc", "caic", "hqic", "sabic", "icl", "icl_entropy", "clc", \
"nec"}, default="bic"
        What is to be least: see `gmmem.criteria`.
    init_params : str, callable or list of them, default="hierarchical"
        Initialisers, as for `GaussianMixture`; with several, each is a candidate.
    tol : float, default=1e-5
        Stop when the mean log-likelihood of a row, in nats, changes by less.
    reg_covar : float or "auto", default=0
        Added to the diagonal of every covariance, as for `GaussianMixture`.  With 0, a
        candidate that collapses drops out, as in mclust.
    max_iter : int, default=1000
        Most iterations of EM for a candidate.
    prior : "regularised", NormalInverseWishart or None, default=None
        As for `GaussianMixture`: with it, no candidate collapses.
    early_stopping : bool, default=True
        Whether candidates that cannot win any more are stopped on their way, with the status
        "stopped": those whose criterion, with what they may still gain, stays more than 10
        above the best.  What is near the best is fitted to its end.  With False, and with a
        `prior`, every candidate is.
    accelerate : bool, default=True
        As for `GaussianMixture`; `n_iter_` and "n_iter" count passes over the rows.
    n_jobs : int, default=None
        Candidates fitted at the same time, by joblib.  The result is the same for any.
    random_state : int, RandomState instance or None, default=None
        Seeds the initialisers and `sample`.
    warm_start : bool, default=False
        Keep what was fitted to the same X with the same settings, and fit only what
        is new in the grid.  The best is chosen from the grid as it is now.
    verbose : int, default=0
        1 prints each candidate as it ends.
    component_order : {"weight", "mean"} or None, default=None
        The order of the best candidate's components, as for `GaussianMixture`.
    checkpoint : path-like or None, default=None
        A file that candidates are kept in as they end: a search that is begun again, with the
        same parameters and rows, goes on from it, and ends as it would have.
    checkpoint_every : float, default=60
        Seconds between two writes of that file, at least.

    Attributes
    ----------
    best_estimator_ : GaussianMixture
        The best candidate.
    best_score_ : float
        Its criterion.
    best_index_ : int
        Its row in `results_`.
    results_ : dict of ndarrays
        One row a candidate: "covariance_type", "n_components", "init_params",
        "log_likelihood", "n_parameters", every criterion, "n_iter", "seconds",
        "status" ("converged", "stopped", "max_iter", "degenerate" or "failed") and "reason".
        Of a "stopped" candidate, all numbers are what it had come to: to compare by another
        criterion than `criterion`, search with ``early_stopping=False``.
    n_components_ : int
        Number of components of the best.
    covariance_type_ : str or CovarianceModel
        Covariance model of the best.
    weights_, means_, covariances_, precisions_, precisions_cholesky_ : ndarrays
        As of `GaussianMixture`.
    converged_, n_iter_, lower_bound_, lower_bounds_
        As of `GaussianMixture`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had them.

    Notes
    -----
    From scikit-learn 1.9 on, ``set_callbacks`` sets scikit-learn's callbacks, which
    follow the candidates as they come back, for any `n_jobs`.

    References
    ----------
    Fraley and Raftery (2002). Model-based clustering, discriminant analysis, and
    density estimation. Journal of the American Statistical Association 97, 611-631.

    Examples
    --------
    >>> from gmmem import GaussianMixtureIC
    >>> from gmmem.datasets import load_old_faithful
    >>> search = GaussianMixtureIC().fit(load_old_faithful())
    >>> search.covariance_type_, search.n_components_
    ('EEE', 3)
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left"), Iterable, None],
        "covariance_type": [object],
        "criterion": [str],
        "init_params": [str, callable, list, tuple],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions(["auto"])],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "prior": [str, HasMethods(["on"]), None],
        "early_stopping": ["boolean"],
        "accelerate": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "component_order": [StrOptions(COMPONENT_ORDERS), None],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_every": [Interval(Real, 0.0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=None,
        *,
        covariance_type=None,
        criterion="bic",
        init_params="hierarchical",
        tol=1e-5,
        reg_covar=0.0,
        max_iter=1000,
        prior=None,
        early_stopping=True,
        accelerate=True,
        n_jobs=None,
        random_state=None,
        warm_start=False,
        verbose=0,
        component_order=None,
        checkpoint=None,
        checkpoint_every=60.0,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.criterion = criterion
        self.init_params = init_params
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.prior = prior
        self.early_stopping = early_stopping
        self.accelerate = accelerate
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.component_order = component_order
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Fit every candidate to X and keep the best.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, with NaN where a value is missing.
        y : Ignored
            Present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row; n in the criteria is their sum.

        Returns
        -------
        self : GaussianMixtureIC
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is not usable, or no candidate could be fitted.
        KeyboardInterrupt
            When interrupted; what was fitted so far is kept and usable.

        Examples
        --------
        >>> from gmmem import GaussianMixtureIC
        >>> from gmmem.datasets import load_old_faithful
        >>> search = GaussianMixtureIC([1, 2, 3, 4], covariance_type=["EEE", "VVV"])
        >>> search = search.fit(load_old_faithful())
        >>> search.results_["n_components"][search.best_index_], round(search.best_score_, 1)
        (np.int64(3), 2314.3)
        """
        with unchanged_on_failure(self):
            interrupt = self._fit(X, y, sample_weight)
        if interrupt is not None:
            raise interrupt
        return self

    def _fit(self, X, y, sample_weight) -> KeyboardInterrupt | None:
        """Search; an interrupt that leaves something usable is returned, not raised."""
        rows = as_rows(self, X, sample_weight, reset=True)
        X, sample_weight = as_data(rows)
        check_whole(self, "max_iter")
        check_prior(self.prior)
        if self.criterion not in CRITERIA:
            raise ValueError(f"criterion={self.criterion!r} must be one of {', '.join(CRITERIA)}.")
        with rows.working():
            problem = Problem.of(rows, get_model("VVV"))
            check_observed(self, problem.extent)
            problem = problem.regularised(self.reg_covar)
        advice.of_weights(problem.extent)
        points = self._grid(problem)
        # With a prior, EM's history is not of the likelihood that the criterion looks at.
        racing = self.criterion if self.early_stopping and self.prior is None else None
        names = getattr(self, "feature_names_in_", None)
        names = None if names is None else tuple(names)
        settings = Settings(
            self.tol, self.max_iter, self.reg_covar, self.prior, racing, names, self.accelerate
        )
        done = self._kept(rows, settings)
        new = [point for point in points if point not in done]
        before = (done[each].value(self.criterion) for each in points if each in done)
        best = min(before, default=np.inf)

        def best_so_far():
            with suppress(ValueError):  # No candidate is usable yet.
                return self._chosen(done, points, problem)

        task, interrupt = callbacks.fit_task(self, len(new), X, y, sample_weight), None
        # BLAS is told once to keep to one thread: at each candidate that takes time.
        with checkpoint.of_fit(self, problem, "_candidates") as kept, rows.working():
            journal = Journal(kept, new, problem)
            try:
                problem = search.in_finest(new, problem)
                if new:
                    problem = ready_to_start(problem, max(each.n_components for each in new))
                fits = self._fits(new, problem, settings, journal, best)
                for candidate in task.candidates(fits, len(new), best_so_far):
                    done[candidate.point] = candidate
                    self._tell(candidate)
                if new:
                    grid = {point: done[point] for point in points if point in done}
                    for better in from_neighbours(grid, problem, settings, self.criterion):
                        done[better.point] = grid[better.point] = better
                        self._tell(better)
            except KeyboardInterrupt as error:
                journal.keep()
                if all(candidate.mixture is None for candidate in done.values()):
                    raise
                interrupt = error
        vars(self).update(self._chosen(done, points, problem))
        tried = [done[point] for point in points if point in done]
        best = tried[self.best_index_]
        self._doubts = (
            *advice.of_choice(tried, self.best_index_, self.criterion),
            *advice.of_ridge(self, best.mixture, problem.prior),
        )
        advice.of_unobserved(self, best.mixture, problem)
        self._keep_summary(best.summary, rows)
        if interrupt is None:
            task.end(best_so_far)
        return interrupt

    def _fits(self, points, problem, settings, journal, best) -> Iterator[Candidate]:
        """Fit what is new, as it comes."""
        random_state = check_random_state(self.random_state)

        def begin():
            shown = seen(problem, random_state) if points else (None, None)
            return search.begin(points, *shown, problem, random_state)

        found = journal.starts(random_state, begin)
        yield from search.fit_all(points, found, problem, settings, self.n_jobs, journal, best)

    def _keep_summary(self, fit, rows) -> None:
        """Keep what a summary says of the rows, which are not kept."""
        self._summary_kept = fit, prediction.sizes(self.mixture_, rows)

    def _grid(self, problem) -> list[GridPoint]:
        """Every candidate that the parameters ask for."""
        n_rows = problem.extent.n_rows
        numbers, types, inits = self.n_components, self.covariance_type, self.init_params
        if numbers is None:
            numbers = range(1, min(9, n_rows) + 1)
        numbers = list_of(numbers)
        if not numbers or not all(_is_count(k) for k in numbers):
            raise ValueError(f"n_components={self.n_components!r} must be positive whole numbers.")
        if types is None:
            types = search.default_types(n_rows, problem.rows.n_features)
        types = list_of(types)
        for covariance_type in types:
            get_model(covariance_type)  # Raises for what is not a model.
        if not types or not list_of(inits):
            raise ValueError("covariance_type and init_params must not be empty.")
        points = [
            GridPoint(covariance_type, int(number), as_initialiser(init))
            for init in list_of(inits)
            for number in numbers
            for covariance_type in types
        ]
        try:
            return list(dict.fromkeys(points))
        except TypeError as error:
            raise ValueError(
                "covariance_type and init_params must be hashable, so that candidates can be told "
                f"apart ({error}): make a dataclass frozen."
            ) from None

    def _kept(self, rows, settings) -> dict:
        """Candidates of an earlier fit to the same data with the same settings."""
        if not self.warm_start:
            self._fingerprint = None
            return {}
        data = joblib.hash((*fingerprint(rows), settings, self.random_state))
        kept = self._candidates if getattr(self, "_fingerprint", None) == data else []
        self._fingerprint = data
        return {candidate.point: candidate for candidate in kept}

    def _tell(self, candidate) -> None:
        if self.verbose:
            point, value = candidate.point, candidate.value(self.criterion)
            name = getattr(point.covariance_type, "name", point.covariance_type)
            print(
                f"{name:9} {point.n_components:3}  {self.criterion} {value:14.4f}  "
                f"{len(candidate.history):4} iterations  {candidate.seconds:7.3f} s  "
                f"{candidate.status}"
            )

    def _chosen(self, done, points, problem) -> dict:
        """The best candidate of the grid, as fitted attributes."""
        candidates = [done[point] for point in points if point in done]
        candidates = search.with_one_component(candidates, problem)
        results = search.table(candidates)
        scores = results[self.criterion]
        if not np.isfinite(scores).any():
            if any(candidate.summary is not None for candidate in candidates):
                raise ValueError(
                    f"criterion={self.criterion!r} is infinite for every candidate that could be "
                    "fitted: try fewer components or another criterion."
                )
            reasons = sorted({candidate.reason for candidate in candidates})
            raise ValueError(
                f"No candidate could be fitted: {' '.join(reasons[:3])} Increase reg_covar "
                f"(now {advice.number(self.reg_covar)}) or try fewer components."
            )
        index = first_of_the_best(scores)
        best = self._estimator(candidates[index], problem.rows)
        return {
            "_candidates": list(done.values()),
            "results_": results,
            "best_index_": index,
            "best_score_": float(scores[index]),
            "best_estimator_": best,
            "n_components_": candidates[index].point.n_components,
            "covariance_type_": candidates[index].point.covariance_type,
            **{name: getattr(best, name) for name in FITTED + REPORTED},
        }

    def _estimator(self, candidate, rows) -> GaussianMixture:
        """The candidate as an estimator of its own."""
        model = GaussianMixture(
            candidate.point.n_components,
            covariance_type=candidate.point.covariance_type,
            init_params=candidate.point.init_params,
            tol=self.tol,
            reg_covar=self.reg_covar,
            max_iter=self.max_iter,
            prior=self.prior,
            accelerate=self.accelerate,
            random_state=self.random_state,
            component_order=self.component_order,
        )
        model.n_features_in_ = self.n_features_in_
        if hasattr(self, "feature_names_in_"):
            model.feature_names_in_ = self.feature_names_in_
        status = em.Status.CONVERGED if candidate.status == "converged" else em.Status.MAX_ITER
        solution = em.Solution(
            candidate.mixture,
            status,
            candidate.history,
            passes=candidate.passes,
            remaining=candidate.remaining,
        )
        vars(model).update(model._fitted(solution, candidate.model, rows.dtype))
        model._n_held = model.n_parameters_ - candidate.summary.n_parameters
        return model


def first_of_the_best(scores: np.ndarray) -> int:
    """The first of those that only rounding tells from the least: of one component, some models
    are the same.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.estimators.gaussian_mixture_ic import first_of_the_best
    >>> first_of_the_best(np.array([np.nan, 2.0, 1.0 + 1e-15, 1.0, np.inf]))
    2
    """
    finite = np.where(np.isfinite(scores), scores, np.inf)
    least = finite.min()
    return int(np.argmax(finite <= least + SAME * max(abs(least), 1.0)))


def _is_count(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_) and value >= 1


def list_of(value) -> list:
    """A list of what may be one thing or several."""
    if isinstance(value, np.ndarray):
        return np.atleast_1d(value).tolist()
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
