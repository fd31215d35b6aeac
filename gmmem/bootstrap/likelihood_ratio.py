"""How many components, tested by the parametric bootstrap."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from scipy import stats
from sklearn.utils import check_array, check_random_state

from gmmem import em, prediction
from gmmem.bootstrap.replicates import LARGEST_SEED, check_counts, checkpoint_for, redrawn
from gmmem.covariances import DegenerateCovariance, get_model
from gmmem.covariances.singular import SingularRows
from gmmem.estimators.advice import number
from gmmem.initializers import Hierarchical, Subset, as_assignment
from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.stopping import check_limits
from gmmem.updates import Extrapolated, Plain, Rule

# Replicates between two looks at whether the test is decided.
BATCH = 24

# The risk, at each look, of a decision that all replicates would overturn.
RISK = 1e-3

# Rows that a tree grows on: so many for each number of a component, that clusters of enough rows
# are found, within these limits.  In noise, trees on a few rows find the better optimum as often
# as trees on all rows.
ROWS_A_NUMBER, FEWEST, MOST = 10, 100, 500

REMEDY = "Lower n_components, or choose a covariance_type with fewer parameters."

# Every start goes on until it gains less than so many times tol; then only the best does.
LOOSE = 10


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

    See Also
    --------
    likelihood_ratio_test : Where it comes from.

    Examples
    --------
    The p-value counts the data among the replicates, so that it is never 0:

    >>> import numpy as np
    >>> from gmmem.bootstrap import LikelihoodRatioTest
    >>> replicates = np.linspace(1, 9, 99)
    >>> test = LikelihoodRatioTest(1, statistic=30.0, p_value=1 / 100, replicates=replicates)
    >>> test.p_value == (1 + (replicates >= test.statistic).sum()) / (1 + len(replicates))
    np.True_
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
    reg_covar: float | str = 0.0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    accelerate: bool = True,
    n_jobs: int | None = None,
    random_state=None,
    checkpoint=None,
    checkpoint_every: float = 60.0,
) -> LikelihoodRatioTest:
    """Test n_components against one more by the parametric bootstrap.

    Replicates are drawn from the mixture fitted under the null hypothesis, and both
    mixtures are fitted to each as to the data, from hierarchical starts on at most 500 rows,
    so that time grows with n as that of EM does.  (mclust's
    ``mclustBootstrapLRT`` goes on from the parameters fitted to the data instead, which
    takes less time, and can miss the optimum of a replicate.)  It stops early once it is
    clear whether the p-value is below `level`: when the exact binomial interval for it,
    at a risk of 0.001, excludes the level.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The rows.
    n_components : int
        Under the null hypothesis.
    covariance_type : str or CovarianceModel, default="VVV"
        Of both mixtures, as for `GaussianMixture`.
    n_replicates : int, default=999
        At most.
    level : float, default=0.05
        The level that the stopping rule decides about.
    reg_covar : float, default=0
        Added to the diagonal of every covariance.
    tol : float, default=1e-5
        A fit stops when the mean log-likelihood of a row, in nats, changes by less.
    max_iter : int, default=1000
        Most iterations of a fit.
    accelerate : bool, default=True
        As for `GaussianMixtureIC`.
    n_jobs : int, default=None
        Replicates at the same time; the result is the same for any.
    random_state : int, RandomState instance or None, default=None
        Seeds the replicates and the starts.
    checkpoint : path-like or None, default=None
        A file that replicates are kept in as they are finished: a call with the same arguments
        goes on from it, and ends as it would have; then the file is removed.  One that was
        under way is done again.
    checkpoint_every : float, default=60
        Seconds between two writes of that file, at least.

    Returns
    -------
    test : LikelihoodRatioTest
        The statistic, its p-value, and the statistics of the replicates.

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
    >>> test = likelihood_ratio_test(load_old_faithful(), 1, n_replicates=39, random_state=0)
    >>> round(test.statistic), test.p_value <= 0.05
    (319, True)
    """
    check_counts(n_components=n_components, n_replicates=n_replicates)
    check_limits(tol, max_iter)
    X = check_array(X, dtype=np.float64, ensure_min_samples=n_components + 1)
    if not 0 < level < 1:
        raise ValueError(f"level={level} must lie between 0 and 1.")
    model = get_model(covariance_type)
    settings = tol, max_iter, reg_covar, Extrapolated() if accelerate else Plain()
    given = dict(n_components=n_components, model=model, settings=settings, level=level)
    given |= dict(n_replicates=n_replicates, random_state=random_state)
    kept = checkpoint_for(checkpoint, checkpoint_every, "likelihood_ratio_test", given, X)
    random_state, saved = check_random_state(random_state), kept.saved(None, model.storage)
    if saved is None:
        try:
            null, statistic = _statistic(X, n_components, model, settings, random_state)
        except SingularRows:
            raise  # It says what to do.
        except DegenerateCovariance as failure:
            raise ValueError(
                f"{n_components} and {n_components + 1} components cannot both be fitted to X: "
                f"{str(failure).rstrip('.')}. {REMEDY} Or increase reg_covar "
                f"(now {number(reg_covar)})."
            ) from failure
        replicates, seeds, drawn = [], [], random_state.get_state(legacy=False)
        kept.offer(partial(_state, null, statistic, replicates, seeds, drawn))
    else:
        null, statistic, replicates, seeds, drawn = saved
        random_state.set_state(drawn)
    with Parallel(n_jobs=n_jobs, return_as="generator") as parallel:
        while True:
            # What a look at the test has asked for, it gets.
            if len(seeds) == len(replicates):
                values = np.array(replicates)
                if len(values) >= n_replicates or _decided(values >= statistic, level):
                    break
                batch = random_state.randint(LARGEST_SEED, size=BATCH).tolist()
                seeds = seeds + batch[: n_replicates - len(seeds)]
            drawn = random_state.get_state(legacy=False)
            pending = (
                delayed(_replicate)(null, len(X), n_components, model, settings, seed)
                for seed in seeds[len(replicates) :]
            )
            for value in parallel(pending):
                replicates.append(value)
                kept.offer(partial(_state, null, statistic, replicates, seeds, drawn))
    kept.remove()
    p_value = (1 + np.sum(values >= statistic)) / (1 + len(values))
    return LikelihoodRatioTest(n_components, statistic, float(p_value), values)


def _state(*parts) -> tuple:
    """What a checkpoint holds."""
    return parts


def _decided(exceeds: np.ndarray, level: float) -> bool:
    """Whether the interval of Clopper and Pearson for the p-value excludes the level."""
    if not len(exceeds):
        return False
    interval = stats.binomtest(int(exceeds.sum()), len(exceeds)).proportion_ci(1 - RISK)
    return interval.high < level or interval.low > level


def _fit(problem: Problem, grown: list, n_components: int, tol: float, max_iter: int, rule: Rule):
    """The most likely of the fits from several starts, and its log-likelihood."""
    # One component is the same from every start.
    trees = grown if n_components > 1 else grown[:1]
    starts = [partial(_start, tree, problem, n_components) for tree in trees]
    tried = em.solve(problem, starts, tol=LOOSE * tol, max_iter=max_iter, rule=rule)
    failure = tried.failure
    usable = [each for each in tried.solutions if each.failure is None]
    for best in sorted(usable, key=lambda solution: -solution.history[-1]):
        settings = dict(tol=tol, max_iter=max_iter, previous=best.history[-1], rule=rule)
        refined = em.solve(problem, [best.mixture], **settings)
        if refined.best is not None:
            mixture = refined.best.mixture
            return prediction.log_likelihood(mixture, problem.rows), mixture
        failure = refined.failure
    raise failure


def _start(tree, problem: Problem, n_components: int) -> Mixture:
    """The mixture that a tree gives: from all rows, or from some that stand for them."""
    answer = tree(problem.rows.X, n_components)
    if isinstance(answer, Subset):
        rows = InMemory(answer.rows, answer.weights)
        problem = Problem.of(rows, problem.model, problem.prior)
        answer = answer.labels
    assign = as_assignment(answer, problem.rows.n_rows, n_components, repr(tree))
    return problem.start(assign, n_components)


def _trees(n_components: int, n_features: int) -> tuple[Hierarchical, Hierarchical]:
    """Trees whose better fit counts.

    A single start that happens to find a better optimum in the data than it does in most
    replicates would make the test reject too easily.
    """
    size = ROWS_A_NUMBER * (n_components + 1) * (n_features + 1)
    size = min(max(size, FEWEST), MOST)
    return Hierarchical("VVV", max_samples=FEWEST), Hierarchical("EII", max_samples=size)


def _statistic(X, n_components: int, model, settings, rng) -> tuple[Mixture, float]:
    """The null mixture of the data, and twice the gain of one component more."""
    rows, (tol, max_iter, reg_covar, rule) = InMemory(X), settings
    with rows.working():
        problem = Problem.of(rows, model).regularised(reg_covar)
        trees = _trees(n_components, rows.n_features)
        grown = [tree.grow(X, random_state=rng) for tree in trees]
        lower, null = _fit(problem, grown, n_components, tol, max_iter, rule)
        higher, _ = _fit(problem, grown, n_components + 1, tol, max_iter, rule)
    return null, 2 * (higher - lower)


def _replicate(null: Mixture, n_samples: int, n_components: int, model, settings, seed) -> float:
    """One statistic under the null hypothesis; a draw that cannot be fitted is redrawn."""
    rng = np.random.RandomState(seed)

    def draw():
        return _statistic(null.sample(n_samples, rng)[0], n_components, model, settings, rng)[1]

    return redrawn(draw, REMEDY)
