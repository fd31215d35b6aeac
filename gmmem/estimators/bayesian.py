"""`BayesianGaussianMixture`: scikit-learn's variational estimator on gmmem's engine."""

from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin

from gmmem import em
from gmmem.compat import CallbackSupportMixin, Interval, StrOptions, check_random_state, fit_context
from gmmem.covariances import DegenerateCovariance, get_model
from gmmem.covariances.singular import SingularRows
from gmmem.estimators import advice, callbacks
from gmmem.estimators.attributes import to_attributes
from gmmem.estimators.beliefs import (
    SCORED_BY,
    WEIGHT_PRIORS,
    as_posterior,
    posterior_attributes,
    prior_attributes,
    prior_of,
)
from gmmem.estimators.completing import ready_to_start
from gmmem.estimators.following import Following
from gmmem.estimators.given import check_enough, check_observed, check_resumable, check_whole
from gmmem.estimators.mixture_methods import MixtureMethods, unchanged_on_failure
from gmmem.estimators.progress import Progress
from gmmem.estimators.rows import TakesMissing, as_data, as_rows, number_sampled, seen
from gmmem.estimators.starting import assignment_from
from gmmem.initializers import as_initialiser
from gmmem.priors.variational import Posterior
from gmmem.problem import Problem
from gmmem.updates.variational import Variational, VariationalProblem

# The bound is of all rows, and so are its changes and `tol`.
ALL_ROWS = 1.0


class BayesianGaussianMixture(
    TakesMissing, MixtureMethods, CallbackSupportMixin, DensityMixin, BaseEstimator
):
    """Gaussian mixture fitted by variational Bayes.

    A drop-in for ``sklearn.mixture.BayesianGaussianMixture``: the same parameters, attributes
    and answers, and sample weights, missing values, initialisers of your own and rows that are
    elsewhere beside.  Components that the rows do not need end with next to no weight.

    Parameters
    ----------
    n_components : int, default=1
        The most components there may be.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        How the components look, as for `GaussianMixture`.
    tol : float, default=1e-3
        Stop when the lower bound, in nats over all rows, changes by less.
    reg_covar : float or "auto", default=1e-6
        Added to the diagonal of every covariance of rows, in squared units of the data; "auto"
        as for `GaussianMixture`.
    max_iter : int, default=100
        Most iterations; with 0, the start is the model.
    n_init : int, default=1
        Number of starts, of which the one with the highest lower bound is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data", "hierarchical"} or \
callable, default="kmeans"
        Which rows belong together at the start, as for `GaussianMixture`.
    weight_concentration_prior_type : {"dirichlet_process", "dirichlet_distribution"}, \
default="dirichlet_process"
        What is believed of the weights: sticks broken off one after the other, each smaller
        than the last, or components that are all alike.
    weight_concentration_prior : float, default=None
        The larger, the more components are used; None is ``1 / n_components``.
    mean_precision_prior : float, default=None
        How many rows the belief about each mean is worth; None is 1.
    mean_prior : array-like of shape (n_features,), default=None
        Where the means are believed to lie; None is the mean of X (of one Gaussian fitted to
        it where values are missing).
    degrees_of_freedom_prior : float, default=None
        How many rows the belief about each covariance is worth, more than ``n_features - 1``;
        None is `n_features`.
    covariance_prior : float or array-like, default=None
        The scatter that the components are believed to have, in the shape of one covariance:
        (n_features, n_features) for "full" and "tied", (n_features,) for "diag", a float for
        "spherical".  None is the covariance of X, found as its mean is.
    random_state : int, RandomState instance or None, default=None
        Seeds the initialiser and `sample`.
    warm_start : bool, default=False
        Whether to start from the last solution, if there is one.
    verbose : int, default=0
        1 prints each start and some iterations, 2 also bounds and times.
    verbose_interval : int, default=10
        Iterations between two prints.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Expected mixing weights.
    means_ : ndarray of shape (n_components, n_features)
        Expected means.
    covariances_ : ndarray
        Inverses of the expected precisions, in shape as of `GaussianMixture`.
    precisions_ : ndarray
        Their inverses.
    precisions_cholesky_ : ndarray
        Factors U of the precisions, ``P = U U'``, upper triangular.
    n_components_ : int
        Number of components that at least one row's weight belongs to.
    converged_ : bool
        Whether the best start converged.
    n_iter_ : int
        Its number of iterations.
    lower_bound_ : float
        Its lower bound of the log-evidence of all rows, but for a constant.
    lower_bounds_ : list of float
        The same for each of its iterations.
    start_lower_bounds_ : list of list of float
        The same for each start.
    weight_concentration_prior_ : float
        The concentration that was used.
    weight_concentration_ : tuple of two ndarrays, or ndarray, of shape (n_components,)
        Parameters of the Beta distributions of the sticks, or of the Dirichlet distribution.
    mean_precision_prior_, mean_prior_, degrees_of_freedom_prior_, covariance_prior_
        The priors that were used.
    mean_precision_ : ndarray of shape (n_components,)
        How many rows what is known of each mean is worth.
    degrees_of_freedom_ : ndarray of shape (n_components,), or float for "tied"
        The same of the covariances.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had them.

    Notes
    -----
    ``score_samples`` and what follows from it score rows by expected log-densities, as
    scikit-learn does: they do not integrate to one.  ``mixture_`` is the density at the
    expected parameters; it is what `sample` draws from and what criteria such as `bic` judge.

    As in scikit-learn, every component has a covariance of its own, whatever `covariance_type`;
    what is believed of the precisions is the same for all ("tied"), or has a diagonal scale
    ("diag") or a multiple of the identity ("spherical").  The bound is one of that evidence.

    Of rows with NaN what is missing has a distribution of its own, by each component, beside
    those of the labels and the parameters, and the bound counts them all: a row is scored by
    what is observed of it.  One without a value is left out, scores 0 and has the expected
    weights as its probabilities.

    References
    ----------
    Bishop (2006). Pattern recognition and machine learning, section 10.2.

    Blei and Jordan (2006). Variational inference for Dirichlet process mixtures. Bayesian
    Analysis 1, 121-143.

    Examples
    --------
    >>> from gmmem import BayesianGaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> X = load_old_faithful()
    >>> model = BayesianGaussianMixture(6, max_iter=1000, random_state=0).fit(X)
    >>> model.n_components_, model.weights_[:2].round(2)
    (2, array([0.36, 0.64]))
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(("full", "tied", "diag", "spherical"))],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions(["auto"])],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [str, callable],
        "weight_concentration_prior_type": [StrOptions(WEIGHT_PRIORS)],
        "weight_concentration_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "mean_precision_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "mean_prior": [None, "array-like"],
        "degrees_of_freedom_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "covariance_prior": [None, "array-like", Interval(Real, 0.0, None, closed="neither")],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
    }

    _scored_by = SCORED_BY
    _bound_in = "nats"

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
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=None,
        mean_precision_prior=None,
        mean_prior=None,
        degrees_of_freedom_prior=None,
        covariance_prior=None,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the mixture to X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), Dask collection, or source
            The rows, with NaN where a value is missing; a source is one of `gmmem.sources`.
        y : Ignored
            Present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        self : BayesianGaussianMixture
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is not usable, or a covariance becomes
            singular in every start.
        KeyboardInterrupt
            When interrupted; what the iterations had come to is kept, with `converged_` False.

        Examples
        --------
        >>> from gmmem import BayesianGaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> model = BayesianGaussianMixture(5, max_iter=1000, random_state=0)
        >>> model.fit(load_old_faithful()).n_components_
        2
        """
        with unchanged_on_failure(self):
            interrupt = self._fit(X, y, sample_weight)
        if interrupt is not None:
            raise interrupt
        return self

    def _fit(self, X, y, sample_weight) -> KeyboardInterrupt | None:
        rows = as_rows(self, X, sample_weight, reset=True)
        X, sample_weight = as_data(rows)
        check_whole(self, "n_components", "max_iter", "n_init")
        as_initialiser(self.init_params)  # Refuses what is none, before anything is tried.
        with rows.working():
            problem = Problem.of(rows, get_model(self.covariance_type))
            check_observed(self, problem.extent)
            check_enough(self.n_components, problem.extent.n_rows, sample_weight)
            try:
                parts = {**vars(problem), "prior": prior_of(self, problem)}
            except SingularRows as failure:
                raise self._failed(failure) from failure
            best, interrupt = self._solve(VariationalProblem(**parts), X, y, sample_weight)
            advice.of_unobserved_beliefs(self, best.mixture, problem)
        vars(self).pop("_doubts", None)
        if interrupt is not None:
            advice.of_interrupt(best)
            return interrupt
        advice.of_convergence(self, best)
        if best.history:
            self._doubts = advice.of_ridge(self, best.mixture, parts["prior"].ridge)
        return None

    def _solve(self, problem, X, y, sample_weight):
        """Iterate from each start, and take the result with the highest bound on."""
        previous, resume = -np.inf, self.warm_start and hasattr(self, "converged_")
        if resume:
            check_resumable(self, problem.model, problem.rows.n_features)
            starts, previous = [as_posterior(self)], self.lower_bound_
        else:
            random_state = check_random_state(self.random_state)
            problem = ready_to_start(problem, self.n_components)
            shown = seen(problem, random_state)
            starts = [partial(self._begin, problem, *shown, random_state)] * self.n_init

        def attributes(solution, histories):
            fitted = self._fitted(solution, problem, problem.rows.dtype)
            return fitted | {"start_lower_bounds_": histories}

        task = callbacks.fit_task(self, len(starts), X, y, sample_weight)
        progress = Progress(self.verbose, self.verbose_interval, ALL_ROWS)
        reader = Following(task, len(starts), self.max_iter, progress, attributes)
        settings = dict(tol=self.tol, max_iter=self.max_iter, previous=previous, per=ALL_ROWS)
        try:
            outcome = em.solve(problem, starts, **settings, rule=Variational(), reader=reader)
        except KeyboardInterrupt as interrupt:
            found = reader.interrupted()
            if found is None:
                raise
            best, fitted = found
            vars(self).update(fitted)
            return best, interrupt
        if outcome.best is None:
            raise self._failed(outcome.failure) from outcome.failure
        vars(self).update(reader.fitted(outcome))
        task.end(lambda: reader.fitted(outcome))
        return outcome.best, None

    def _failed(self, failure: DegenerateCovariance) -> ValueError:
        names = getattr(self, "feature_names_in_", None)
        return ValueError(
            f"Fitting the mixture failed: {advice.told(failure, names)} Or increase "
            f"reg_covar (now {advice.number(self.reg_covar)}), give a covariance_prior that is "
            "not singular, or scale the data."
        )

    def _begin(self, problem, X, sample_weight, random_state) -> Posterior:
        """The posterior of rows that an initialiser has shared out."""
        init, size = self.init_params, self.n_components
        name = init if isinstance(init, str) else f"init_params={init!r}"
        n_all = number_sampled(problem)
        shares = assignment_from(
            as_initialiser(init), X, sample_weight, size, random_state, name, n_all
        )
        return problem.maximise(shares.moments_of_all(problem, size)).mixture

    # --- between attributes and the engine -------------------------------------

    def _components(self) -> Posterior:
        return as_posterior(self)

    def _fitted(self, solution, problem, dtype) -> dict:
        """A solution as fitted attributes."""
        posterior, model, history = solution.mixture, problem.model, solution.history
        return {
            **to_attributes(posterior, model, dtype),
            **prior_attributes(problem.prior, dtype),
            **posterior_attributes(posterior, model, dtype),
            "converged_": solution.status is em.Status.CONVERGED,
            "n_iter_": len(history),
            "lower_bounds_": list(history),
            "lower_bound_": history[-1] if history else -np.inf,
        }
