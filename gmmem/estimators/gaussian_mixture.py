"""`GaussianMixture`: scikit-learn's estimator on gmmem's engine."""

import os
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin

from gmmem import em
from gmmem.compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    check_random_state,
    fit_context,
)
from gmmem.covariances import get_model
from gmmem.estimators import advice, callbacks, checkpoint, several
from gmmem.estimators.attributes import to_attributes
from gmmem.estimators.believing import believed, bounds_of, check_within, with_start
from gmmem.estimators.completing import ready_to_start
from gmmem.estimators.following import Following
from gmmem.estimators.given import (
    check_enough,
    check_given,
    check_observed,
    check_resumable,
    check_whole,
)
from gmmem.estimators.known import FromParameters
from gmmem.estimators.mixture_methods import MixtureMethods, unchanged_on_failure
from gmmem.estimators.ordering import COMPONENT_ORDERS, ordered, unordered
from gmmem.estimators.progress import Progress
from gmmem.estimators.rows import TakesMissing, as_data, as_rows
from gmmem.estimators.saving import NOWHERE, Saving
from gmmem.estimators.streaming import PartialFit
from gmmem.initializers import as_initialiser
from gmmem.problem import Problem
from gmmem.stopping import STOPPING
from gmmem.updates import Extrapolated, Plain


class GaussianMixture(
    FromParameters,
    TakesMissing,
    PartialFit,
    MixtureMethods,
    CallbackSupportMixin,
    DensityMixin,
    BaseEstimator,
):
    """Gaussian mixture fitted by expectation maximisation.

    A drop-in for ``sklearn.mixture.GaussianMixture``: the same parameters,
    attributes and answers, and sample weights, covariances as a start, and
    initialisers of your own beside.

    Parameters
    ----------
    n_components : int, default=1
        Number of components.
    covariance_type : str or CovarianceModel, default="full"
        How the components look:

        - "full": each its own covariance matrix;
        - "tied": one covariance matrix for all;
        - "diag": each its own variance for every feature;
        - "spherical": each one variance;
        - one of mclust's fourteen codes for volume, shape and orientation (Equal,
          Variable, Identity): "EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE",
          "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"; for one feature "E" or "V" too;
        - an instance: see `gmmem.covariances.CovarianceModel`.
    tol : float, default=1e-3
        Stop when the mean log-likelihood of a row, in nats, changes by less.
    reg_covar : float or "auto", default=1e-6
        Added to the diagonal of every covariance, in squared units of the data.  "auto" adds
        a millionth of each feature's own variance, so that units change nothing.
    max_iter : int, default=100
        Most iterations of EM; with 0, the start is the model.
    n_init : int or "auto", default=1
        Number of starts, of which the most likely result is kept.  "auto" tries several on
        a subset of the rows, moves on from the best by splitting and merging components, and
        then runs EM once on all rows, until the change is below a tenth of `tol`.
    init_params : {"kmeans", "k-means++", "random", "random_from_data", "hierarchical"} or \
callable, default="kmeans"
        Where EM starts: a name, an instance from `gmmem.initializers`, or a
        callable as described there.
    weights_init : array-like of shape (n_components,), default=None
        Mixing weights to start from.
    means_init : array-like of shape (n_components, n_features), default=None
        Means to start from.  Given alone, each row goes to the nearest of them
        to find weights and covariances.
    precisions_init : array-like, default=None
        Inverse covariances to start from, in the shape of ``precisions_``.
    covariances_init : array-like, default=None
        Covariances to start from, in the shape of ``covariances_``; not together
        with `precisions_init`.
    prior : "regularised", NormalInverseWishart, Adaptation or None, default=None
        What is believed before the rows: see `gmmem.priors`.  The log of its density counts
        in the lower bounds, not in scores and criteria.  "regularised" is mclust's
        ``priorControl()``, with which components do not collapse.
    fixed : dict, list of str or None, default=None
        Parts of the start that are held: from "weights", "means", "covariances" or
        "components" (all three) to the components concerned, True for all of them; or a list
        of such names.  Their values are those of `weights_init` and the like.
    weight_bounds : tuple (low, high) or None, default=None
        Between which the mixing weights are to lie: each a number, one a component, or None.
        ``(0.05, None)`` keeps every component at a twentieth of the rows at least.
    random_state : int, RandomState instance or None, default=None
        Seeds the initialiser and `sample`.
    warm_start : bool, default=False
        Whether to start from the last solution, if there is one.
    verbose : int, default=0
        1 prints each start and some iterations, 2 also likelihoods and times.
    verbose_interval : int, default=10
        Iterations between two prints.
    step_size : float, callable or None, default=None
        Of `partial_fit`, for which alone it is: the share by which a batch enters the running
        moments.  A number in (0, 1] follows a stream that changes, with a memory of about
        1 / step_size batches; ``step_size(t)`` gives that of step t = 1, 2, ...; None is
        ``gmmem.updates.Decreasing()``, which converges where the stream does not change.
    accelerate : bool, default=False
        Whether to take several steps of EM at once where a model of it foresees them: fewer
        passes over the rows, and never a lower likelihood from one to the next.
    stopping : {"change", "aitken"}, default="change"
        What `tol` is compared with: the last change, or what is estimated to be still to
        be had, which is many times more where components overlap.
    component_order : {"weight", "mean"} or None, default=None
        In which order the components are given, in every attribute and as labels: as EM left
        them; by weight, the heaviest first, of equals by their means; or by the first feature
        of their means, of equals by the next.  In `partial_fit` the order is that of the first
        call, and a component keeps its place.
    checkpoint : path-like or None, default=None
        A file that the state of `fit` is kept in while it runs, that of a search for a start
        included.  Where there is one, of the same parameters and rows, `fit` goes on from it,
        and ends as it would have, to the last bit; then the file is removed.
    checkpoint_every : float, default=60
        Seconds between two writes of that file, at least.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Mixing weights.
    means_ : ndarray of shape (n_components, n_features)
        Means.
    covariances_ : ndarray
        Covariances.  The shape is (n_components,) for "spherical", (n_features,
        n_features) for "tied", (n_components, n_features) for "diag" and
        (n_components, n_features, n_features) for "full".  For a code it is the
        first of these if it ends in "II", else the third if it ends in "I", else
        the last.
    precisions_ : ndarray
        Their inverses.
    precisions_cholesky_ : ndarray
        Factors U of the precisions, ``P = U U'``, upper triangular.
    converged_ : bool
        Whether the best start converged.
    n_iter_ : int
        Its number of iterations; with `accelerate`, of passes over the rows.
    lower_bound_ : float
        Its mean log-likelihood before the last M-step, in nats per row.
    lower_bounds_ : list of float
        The same for each of its iterations.
    remaining_gain_ : float
        What is estimated to be still to be had by more iterations, in nats per row, by
        Aitken's extrapolation, with `accelerate` by its model of EM; infinite where that
        cannot be told yet.
    start_lower_bounds_ : list of list of float
        The same for each start.
    starts_report_ : StartsReport
        After a fit with several starts: ``n_starts`` that ended, ``n_best`` of them within
        0.01 nats a row of the best, the ``shortfall`` of each and the ``agreement`` of its
        partition with the best one (adjusted Rand index).  With "auto", on the subset.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had them.

    Notes
    -----
    From scikit-learn 1.9 on, ``set_callbacks`` sets scikit-learn's callbacks, which
    follow the starts and, in each, the iterations.

    References
    ----------
    Dempster, Laird and Rubin (1977). Maximum likelihood from incomplete data via
    the EM algorithm. Journal of the Royal Statistical Society B 39, 1-38.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> model.means_[model.means_[:, 0].argsort()].round(2)
    array([[ 2.04, 54.48],
           [ 4.29, 79.97]])
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [str, HasMethods(["estimate", "n_parameters"])],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions(["auto"])],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left"), StrOptions(["auto"])],
        "init_params": [str, callable],
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
        "covariances_init": ["array-like", None],
        "prior": [str, HasMethods(["on"]), None],
        "fixed": [dict, list, tuple, str, None],
        "weight_bounds": [tuple, list, None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "step_size": [Interval(Real, 0.0, 1.0, closed="right"), callable, None],
        "accelerate": ["boolean"],
        "stopping": [StrOptions(STOPPING)],
        "component_order": [StrOptions(COMPONENT_ORDERS), None],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_every": [Interval(Real, 0.0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        tol=1e-3,
        reg_covar=1e-6,
        max_iter=100,
        n_init=1,
        init_params="kmeans",
        weights_init=None,
        means_init=None,
        precisions_init=None,
        covariances_init=None,
        prior=None,
        fixed=None,
        weight_bounds=None,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        step_size=None,
        accelerate=False,
        stopping="change",
        component_order=None,
        checkpoint=None,
        checkpoint_every=60.0,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.covariances_init = covariances_init
        self.prior = prior
        self.fixed = fixed
        self.weight_bounds = weight_bounds
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.step_size = step_size
        self.accelerate = accelerate
        self.stopping = stopping
        self.component_order = component_order
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the mixture to X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, with NaN where a value is missing.
        y : Ignored
            Present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        self : GaussianMixture
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is not usable, or a covariance becomes
            singular in every start.
        KeyboardInterrupt
            When interrupted; what EM had come to, or a search for its start, is kept, with
            `converged_` False.

        See Also
        --------
        partial_fit : A batch of rows at a time.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> model = GaussianMixture(2, random_state=0).fit(load_old_faithful())
        >>> model.converged_, round(model.lower_bound_, 3)
        (True, -4.155)
        """
        with unchanged_on_failure(self):
            interrupt = self._fit(X, y, sample_weight)
        if interrupt is not None:
            raise interrupt
        return self

    def _fit(self, X, y, sample_weight) -> KeyboardInterrupt | None:
        """Fit; an interrupt that leaves something usable is returned, not raised."""
        rows = as_rows(self, X, sample_weight, reset=True)
        X, sample_weight = as_data(rows)
        check_whole(self, "n_components", "max_iter", "n_init")
        model = get_model(self.covariance_type)
        as_initialiser(self.init_params)  # Refuses what is none, before anything is tried.
        given = with_start(check_given(self, model, rows.n_features), self.prior)
        with rows.working():
            problem = Problem.of(rows, model)
            check_observed(self, problem.extent)
            check_enough(self.n_components, problem.extent.n_rows, sample_weight)
            problem = believed(self, given, problem.regularised(self.reg_covar))
            with checkpoint.of_fit(self, problem, "weights_") as kept:
                best, interrupt = self._solve(problem, X, y, sample_weight, given, kept)
            advice.of_unobserved(self, best.mixture, problem)
        vars(self).pop("_stream", None)
        vars(self).pop("_doubts", None)
        if interrupt is not None:
            advice.of_interrupt(best)
            return interrupt
        advice.of_convergence(self, best)
        advice.of_solution(self, best)
        if best.history:
            self._doubts = advice.of_ridge(self, best.mixture, problem.prior)
        return None

    def _solve(self, problem, X, y, sample_weight, given, kept=NOWHERE):
        """Run EM from each start, and take the most likely result on; or what there is of it."""
        previous, resume = -np.inf, self.warm_start and hasattr(self, "converged_")
        if resume:
            saving = Saving(kept, problem)
            check_resumable(self, problem.model, problem.rows.n_features)
            starts, previous = [unordered(self)], self.lower_bound_
            bounds = bounds_of(self.weight_bounds, self.n_components)
            check_within(starts[0].weights, bounds, "warm_start=True, but weights_")
        else:
            random_state = check_random_state(self.random_state)
            problem = problem if given.complete else ready_to_start(problem, self.n_components)
            saving = Saving(kept, problem, random_state)
            starts = several.starts(self, problem, given, random_state, saving.stages)

        def attributes(solution, histories):
            fitted = self._fitted(solution, problem.model, problem.rows.dtype)
            n_held = problem.prior.n_held(problem.model, problem.rows.n_features)
            return fitted | {"start_lower_bounds_": histories, "_n_held": n_held}

        task = callbacks.fit_task(self, len(starts), X, y, sample_weight)
        progress = Progress(self.verbose, self.verbose_interval, problem.extent.total_weight)
        reader = Following(task, len(starts), self.max_iter, progress, attributes, saving)
        automatic = self.n_init == "auto" and not resume
        settings = dict(
            tol=several.TIGHTER * self.tol if automatic else self.tol,
            max_iter=self.max_iter,
            previous=previous,
            rule=Extrapolated() if self.accelerate else Plain(),
            stopping=self.stopping,
        )
        try:
            outcome = em.solve(problem, starts, **settings, reader=reader)
        except KeyboardInterrupt as interrupt:
            found = reader.interrupted()
            if found is None:
                raise
            best, fitted = found
            vars(self).pop("starts_report_", None)
            vars(self).update(fitted)
            return self._in_order(best), interrupt
        if outcome.best is None:
            raise ValueError(
                f"Fitting the mixture failed: {advice.reason(outcome, self, problem.rows)}"
            ) from outcome.failure
        vars(self).pop("starts_report_", None)  # There may be none this time.
        vars(self).update(reader.fitted(outcome), **several.report(starts, outcome, problem))
        task.end(lambda: reader.fitted(outcome))
        return self._in_order(outcome.best), None

    def _in_order(self, solution):
        """With the components as the attributes have them."""
        return replace(solution, mixture=ordered(solution.mixture, self.component_order)[0])

    def _fitted(self, solution, model, dtype) -> dict:
        """A solution as fitted attributes."""
        history = solution.history
        mixture, placed = ordered(solution.mixture, self.component_order)
        return to_attributes(mixture, model, dtype) | {
            "_placed": placed,
            "converged_": solution.status is em.Status.CONVERGED,
            "n_iter_": max(solution.passes, len(history)),
            "lower_bounds_": list(history),
            "remaining_gain_": solution.remaining.gain,
            "lower_bound_": history[-1] if history else -np.inf,
        }
