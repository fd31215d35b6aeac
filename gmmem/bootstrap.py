"""How many components, tested; how sure the parameters are: both by the bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy import stats
from scipy.optimize import linear_sum_assignment
from sklearn.utils import check_array, check_random_state

from gmmem import em, prediction
from gmmem.covariances import DegenerateCovariance, get_model
from gmmem.initializers import Hierarchical, as_assignment
from gmmem.mixture import Mixture
from gmmem.sources import InMemory

# Replicates between two looks at whether the test is decided.
BATCH = 24

# The risk, at each look, of a decision that all replicates would overturn.
RISK = 1e-3

# Trees whose better fit counts: a single start that happens to find a better optimum
# in the data than it does in most replicates would make the test reject too easily.
STARTS = (Hierarchical("VVV"), Hierarchical("EII"))

LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, eq=False)
class LikelihoodRatioTest:
    """Result of `likelihood_ratio_test`.

    Parameters
    ----------
    n_components : int
        Under the null hypothesis; the alternative has one more.
    statistic : float
        ``2 (L_alternative - L_null)`` of the data.
    p_value : float
        ``(1 + number of replicates at least as large) / (1 + number of replicates)``.
    replicates : ndarray of shape (n_done,)
        The statistic of each replicate.
    """

    n_components: int
    statistic: float
    p_value: float
    replicates: np.ndarray


def likelihood_ratio_test(
    X,
    n_components: int,
    *,
    covariance_type="VVV",
    n_replicates: int = 999,
    level: float = 0.05,
    reg_covar: float = 0.0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    n_jobs: int | None = None,
    random_state=None,
) -> LikelihoodRatioTest:
    """Test n_components against one more by the parametric bootstrap.

    Replicates are drawn from the mixture fitted under the null hypothesis, and both
    mixtures are fitted to each as to the data, from hierarchical starts.  (mclust's
    ``mclustBootstrapLRT`` goes on from the parameters fitted to the data instead, which
    takes less time, and can miss the optimum of a replicate.)  It stops early once it is
    clear whether the p-value is below `level`: when the exact binomial interval for it,
    at a risk of 0.001, excludes the level.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    n_components : int
        Under the null hypothesis.
    covariance_type : str or CovarianceModel, default="VVV"
    n_replicates : int, default=999
        At most.
    level : float, default=0.05
        The level that the stopping rule decides about.
    reg_covar, tol, max_iter
        As for `GaussianMixtureIC`.
    n_jobs : int, default=None
        Replicates at the same time; the result is the same for any.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    test : LikelihoodRatioTest

    Raises
    ------
    ValueError
        If the mixtures cannot be fitted to X, or a parameter is not usable.

    References
    ----------
    McLachlan (1987). On bootstrapping the likelihood ratio test statistic for the
    number of components in a normal mixture. Applied Statistics 36, 318-324.

    Examples
    --------
    >>> from gmmem.bootstrap import likelihood_ratio_test
    >>> from gmmem.datasets import load_old_faithful
    >>> test = likelihood_ratio_test(load_old_faithful(), 1, random_state=0)
    >>> round(test.statistic), test.p_value <= 0.05
    (319, True)
    """
    X = check_array(X, dtype=np.float64, ensure_min_samples=n_components + 1)
    _check_counts(n_components=n_components, n_replicates=n_replicates)
    if not 0 < level < 1:
        raise ValueError(f"level={level} must lie between 0 and 1.")
    model = get_model(covariance_type)
    settings = {"tol": tol, "max_iter": max_iter, "reg_covar": reg_covar}
    null, statistic = _statistic(X, n_components, model, settings)
    random_state, replicates = check_random_state(random_state), np.empty(0)
    with Parallel(n_jobs=n_jobs) as parallel:
        while len(replicates) < n_replicates and not _decided(replicates >= statistic, level):
            seeds = random_state.randint(LARGEST_SEED, size=BATCH)
            batch = parallel(
                delayed(_replicate)(null, len(X), n_components, model, settings, seed)
                for seed in seeds[: n_replicates - len(replicates)]
            )
            replicates = np.append(replicates, batch)
    p_value = (1 + np.sum(replicates >= statistic)) / (1 + len(replicates))
    return LikelihoodRatioTest(n_components, statistic, float(p_value), replicates)


def _check_counts(**counts) -> None:
    for name, count in counts.items():
        if int(count) != count or count < 1:
            raise ValueError(f"{name}={count} must be a positive whole number.")


def _decided(exceeds: np.ndarray, level: float) -> bool:
    """Whether the interval of Clopper and Pearson for the p-value excludes the level."""
    if not len(exceeds):
        return False
    interval = stats.binomtest(int(exceeds.sum()), len(exceeds)).proportion_ci(1 - RISK)
    return interval.high < level or interval.low > level


def _fit(rows: InMemory, grown: list, n_components: int, model, settings):
    """The most likely of the fits from several starts, and its log-likelihood."""
    fits, failure = [], None
    for tree in grown:
        assign = as_assignment(tree(rows.X, n_components), rows.n_rows, n_components, repr(STARTS))
        try:
            start = em.start_from(
                rows, assign, n_components, model, reg_covar=settings["reg_covar"]
            )
        except DegenerateCovariance as error:
            failure = error
            continue
        solution = em.fit(start, rows, model, **settings)
        failure = solution.failure or failure
        if solution.failure is None:
            fits.append((prediction.log_likelihood(solution.mixture, rows), solution.mixture))
    if not fits:
        raise failure
    return max(fits, key=lambda fit: fit[0])


def _statistic(X, n_components: int, model, settings) -> tuple[Mixture, float]:
    """The null mixture of the data, and twice the gain of one component more."""
    grown = [replace(start, max_samples=len(X)).grow(X) for start in STARTS]
    with InMemory(X) as rows:
        lower, null = _fit(rows, grown, n_components, model, settings)
        higher, _ = _fit(rows, grown, n_components + 1, model, settings)
    return null, 2 * (higher - lower)


def _replicate(null: Mixture, n_samples: int, n_components: int, model, settings, seed) -> float:
    """One statistic under the null hypothesis; a draw that cannot be fitted is redrawn."""
    rng = np.random.RandomState(seed)
    while True:
        X = null.sample(n_samples, rng)[0]
        try:
            return _statistic(X, n_components, model, settings)[1]
        except DegenerateCovariance:
            continue


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Parameters of a mixture over replicates, components aligned.

    Parameters
    ----------
    weights : ndarray of shape (n_replicates, n_components)
    means : ndarray of shape (n_replicates, n_components, n_features)
    covariances : ndarray of shape (n_replicates, n_components, n_features, n_features)
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def standard_errors(self) -> dict[str, np.ndarray]:
        """Standard deviation of each parameter over the replicates."""
        return {name: values.std(axis=0, ddof=1) for name, values in vars(self).items()}

    def intervals(self, confidence: float = 0.95) -> dict[str, np.ndarray]:
        """Percentile intervals: for each parameter an array whose first axis is (low, high)."""
        if not 0 < confidence < 1:
            raise ValueError(f"confidence={confidence} must lie between 0 and 1.")
        tails = (0.5 - confidence / 2, 0.5 + confidence / 2)
        return {name: np.quantile(values, tails, axis=0) for name, values in vars(self).items()}


def _drawn_again(X, mixture, rng) -> InMemory:
    counts = rng.multinomial(len(X), np.full(len(X), 1 / len(X)))
    return InMemory(X[counts > 0], counts[counts > 0])


def _simulated(X, mixture, rng) -> InMemory:
    return InMemory(mixture.sample(len(X), rng)[0])


def _weighted(X, mixture, rng) -> InMemory:
    weights = rng.exponential(size=len(X))
    return InMemory(X, weights * (len(X) / weights.sum()))


KINDS: dict[str, Callable[..., InMemory]] = {
    "nonparametric": _drawn_again,
    "parametric": _simulated,
    "weighted": _weighted,
}


def bootstrap(
    estimator: Any,
    X,
    *,
    kind: str = "nonparametric",
    n_replicates: int = 999,
    tol: float = 1e-5,
    max_iter: int = 1000,
    n_jobs: int | None = None,
    random_state=None,
) -> Bootstrap:
    """Refit a mixture to replicates of its data, as mclust's ``MclustBootstrap`` does.

    Every refit starts from the fitted mixture, and its components are matched to that
    mixture's by their means, so that a parameter is the same one in all replicates.

    Parameters
    ----------
    estimator : GaussianMixture or GaussianMixtureIC
        Fitted.
    X : array-like of shape (n_samples, n_features)
        The data that it was fitted to.
    kind : {"nonparametric", "parametric", "weighted"}, default="nonparametric"
        Rows drawn again; rows drawn from the fitted mixture; or every row with a
        weight drawn from the exponential distribution (the weighted likelihood
        bootstrap), which cannot lose a component's rows.
    n_replicates : int, default=999
    tol, max_iter
        As for `GaussianMixtureIC`.
    n_jobs : int, default=None
        Replicates at the same time; the result is the same for any.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    bootstrap : Bootstrap

    Raises
    ------
    ValueError
        If a parameter is not usable.

    References
    ----------
    O'Hagan, Murphy, Scrucca and Gormley (2019). Investigation of parameter uncertainty in
    clustering using a Gaussian mixture model via jackknife, bootstrap and weighted
    likelihood bootstrap. Computational Statistics 34, 1779-1813.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.bootstrap import bootstrap
    >>> from gmmem.datasets import load_old_faithful
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> replicates = bootstrap(model, X, n_replicates=99, random_state=0)
    >>> replicates.standard_errors()["weights"].round(2)
    array([0.03, 0.03])
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} must be one of {list(KINDS)}.")
    _check_counts(n_replicates=n_replicates)
    X = check_array(X, dtype=np.float64)
    mixture, model = estimator.mixture_, estimator.covariance_model_
    settings = {"tol": tol, "max_iter": max_iter, "reg_covar": estimator.reg_covar}
    seeds = check_random_state(random_state).randint(LARGEST_SEED, size=n_replicates)
    refits = Parallel(n_jobs=n_jobs)(
        delayed(_refit)(X, mixture, model, kind, settings, seed) for seed in seeds
    )
    return Bootstrap(*(np.array(values) for values in zip(*refits, strict=True)))


def _refit(X, mixture: Mixture, model, kind: str, settings, seed):
    """Weights, means and dense covariances of one refit; what collapses is drawn again."""
    rng = np.random.RandomState(seed)
    while True:
        try:
            solution = em.fit(mixture, KINDS[kind](X, mixture, rng), model, **settings)
        except DegenerateCovariance:
            continue
        if solution.failure is None:
            break
    found, d = solution.mixture, mixture.n_features
    scale = np.sqrt(np.broadcast_to(mixture.covariances.variances, mixture.means.shape))
    gaps = (mixture.means[:, None] - found.means) / scale[:, None]
    order = linear_sum_assignment((gaps**2).sum(axis=2))[1]
    dense = np.broadcast_to(found.covariances.dense(), (len(order), d, d))
    return found.weights[order], found.means[order], dense[order]
