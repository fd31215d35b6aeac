"""How sure the parameters are: refits to replicates of the data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import linear_sum_assignment
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from gmmem import em
from gmmem.bootstrap.replicates import LARGEST_SEED, check_counts, checkpoint_for, redrawn
from gmmem.compat import check_sample_weight
from gmmem.covariances import CovarianceModel
from gmmem.estimators import GaussianMixture, GaussianMixtureIC
from gmmem.estimators.believing import believed
from gmmem.estimators.given import GivenParameters
from gmmem.estimators.ordering import unordered
from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.stopping import check_limits
from gmmem.updates import Extrapolated, Plain

# Rows of a replicate whose numbers are drawn, and that are drawn themselves, at most.
MOST_DRAWN, MOST_SIMULATED = 10**15, 10**8


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Parameters of a mixture over replicates, components aligned.

    Parameters
    ----------
    weights : ndarray of shape (n_replicates, n_components)
        Mixing weights.
    means : ndarray of shape (n_replicates, n_components, n_features)
        Means.
    covariances : ndarray of shape (n_replicates, n_components, n_features, n_features)
        Covariances, as matrices whatever the covariance model.

    See Also
    --------
    bootstrap : Where it comes from.
    gmmem.GaussianMixture.summary : Shows standard errors beside the parameters.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.bootstrap import bootstrap
    >>> from gmmem.datasets import load_old_faithful
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> bootstrap(model, X, n_replicates=19, random_state=0).means.shape
    (19, 2, 2)
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def standard_errors(self) -> dict[str, np.ndarray]:
        """Standard deviation of each parameter over the replicates.

        Returns
        -------
        errors : dict of ndarrays
            Of "weights", "means" and "covariances", in the shapes of these.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.bootstrap import Bootstrap
        >>> weights, means = np.array([[0.4, 0.6], [0.5, 0.5]]), np.zeros((2, 2, 1))
        >>> Bootstrap(weights, means, means[..., None]).standard_errors()["weights"].round(3)
        array([0.071, 0.071])
        """
        return {name: values.std(axis=0, ddof=1) for name, values in vars(self).items()}

    def intervals(self, confidence: float = 0.95) -> dict[str, np.ndarray]:
        """Percentile intervals of each parameter.

        Parameters
        ----------
        confidence : float, default=0.95
            Share of the replicates that lie inside.

        Returns
        -------
        intervals : dict of ndarrays
            Of "weights", "means" and "covariances": the first axis is (low, high).

        Raises
        ------
        ValueError
            If `confidence` does not lie between 0 and 1.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.bootstrap import Bootstrap
        >>> share = np.linspace(0.3, 0.5, 101)
        >>> weights, means = np.transpose([share, 1 - share]), np.zeros((101, 2, 1))
        >>> Bootstrap(weights, means, means[..., None]).intervals(0.9)["weights"]
        array([[0.31, 0.51],
               [0.49, 0.69]])
        """
        if not 0 < confidence < 1:
            raise ValueError(f"confidence={confidence} must lie between 0 and 1.")
        tails = (0.5 - confidence / 2, 0.5 + confidence / 2)
        return {name: np.quantile(values, tails, axis=0) for name, values in vars(self).items()}


@dataclass(frozen=True, eq=False)
class Data:
    """The rows that a mixture was fitted to, and how many they stand for.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    weight : ndarray of shape (n_samples,) or None
        A weight of w stands for w copies.
    """

    X: np.ndarray
    weight: np.ndarray | None

    @property
    def total(self) -> float:
        return float(len(self.X) if self.weight is None else self.weight.sum())


@dataclass(frozen=True, eq=False)
class Known:
    """What a fit knew beside its rows, and every refit knows, too.

    Parameters
    ----------
    start : Mixture
        The fitted one, its components in the order that `fixed` and the others speak of.
    reg_covar, prior, fixed, weight_bounds
        As of `GaussianMixture`.
    """

    start: Mixture
    reg_covar: float | str
    prior: Any
    fixed: Any
    weight_bounds: Any

    @classmethod
    def of(cls, estimator: Any) -> "Known":
        params = estimator.get_params(deep=False)
        names = ("reg_covar", "prior", "fixed", "weight_bounds")
        return cls(unordered(estimator), *(params.get(name) for name in names))

    @property
    def n_components(self) -> int:
        return self.start.n_components

    def on(self, rows: InMemory, model: CovarianceModel) -> Problem:
        """The problem of the rows of one replicate."""
        start = GivenParameters(self.start.weights, self.start.means, self.start.covariances)
        return believed(self, start, Problem.of(rows, model).regularised(self.reg_covar))


def _drawn_again(data: Data, mixture: Mixture, rng) -> InMemory:
    n, total = len(data.X), data.total
    share = np.full(n, 1 / n) if data.weight is None else data.weight / total
    draws = min(round(total), MOST_DRAWN)
    counts = rng.multinomial(draws, share / share.sum())
    return InMemory(data.X[counts > 0], counts[counts > 0] * (total / draws))


def _simulated(data: Data, mixture: Mixture, rng) -> InMemory:
    X, missing = mixture.sample(round(data.total), rng)[0], np.isnan(data.X)
    if missing.any():
        # Who lacks what is drawn from the rows, as if it had nothing to do with the values.
        share = None if data.weight is None else data.weight / data.total
        X[missing[rng.choice(len(missing), size=len(X), p=share)]] = np.nan
    return InMemory(X)


def _weighted(data: Data, mixture: Mixture, rng) -> InMemory:
    if data.weight is None:
        weight = rng.exponential(size=len(data.X))
    else:  # The sum of an exponential weight for each copy.
        weight = rng.gamma(data.weight)
    some = weight > 0
    return InMemory(data.X[some], weight[some] * (data.total / weight.sum()))


KINDS: dict[str, Callable[[Data, Mixture, Any], InMemory]] = {
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
    sample_weight=None,
    tol: float = 1e-5,
    max_iter: int = 1000,
    accelerate: bool = True,
    n_jobs: int | None = None,
    random_state=None,
    checkpoint=None,
    checkpoint_every: float = 60.0,
) -> Bootstrap:
    """Refit a mixture to replicates of its data, as mclust's ``MclustBootstrap`` does.

    Every refit starts from the fitted mixture, with the `reg_covar`, `prior`, `fixed` and
    `weight_bounds` that the estimator has, and its components are matched to that
    mixture's by the distance of their densities, so that a parameter is the same one in
    all replicates.

    Parameters
    ----------
    estimator : GaussianMixture, GaussianMixtureIC or Pipeline
        Fitted.  A pipeline that ends in one of them: its other steps stay as they were
        fitted, and the parameters are those of what they make of X.
    X : array-like of shape (n_samples, n_features)
        The data that it was fitted to, with NaN for missing values.
    kind : {"nonparametric", "parametric", "weighted"}, default="nonparametric"
        Rows drawn again; rows drawn from the fitted mixture; or every row with a
        weight drawn from the exponential distribution (the weighted likelihood
        bootstrap), which cannot lose a component's rows.
    n_replicates : int, default=999
        Number of refits: a hundred do for standard errors, intervals need more.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights that it was fitted with: a weight of w stands for w copies of a row
        in every kind, so that a replicate has as many rows as their sum.
    tol : float, default=1e-5
        A refit stops when the mean log-likelihood of a row, in nats, changes by less.
    max_iter : int, default=1000
        Most iterations of a refit.
    accelerate : bool, default=True
        As for `GaussianMixtureIC`.
    n_jobs : int, default=None
        Replicates at the same time; the result is the same for any.
    random_state : int, RandomState instance or None, default=None
        Seeds the replicates.
    checkpoint : path-like or None, default=None
        A file that replicates are kept in as they are finished: a call with the same arguments
        goes on from it, and ends as it would have; then the file is removed.  One that was
        under way is done again.
    checkpoint_every : float, default=60
        Seconds between two writes of that file, at least.

    Returns
    -------
    bootstrap : Bootstrap
        The parameters of every refit, their standard errors and intervals.

    Raises
    ------
    ValueError
        If a parameter is not usable, or nearly every replicate has a singular covariance.
    TypeError
        If the estimator is of another kind.

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
    check_counts(n_replicates=n_replicates)
    check_limits(tol, max_iter)
    estimator, X = _mixture_of(estimator, X)
    X = validate_data(estimator, X, dtype=np.float64, reset=False, ensure_all_finite="allow-nan")
    mixture, model = estimator.mixture_, estimator.covariance_model_
    data, known = _data(X, sample_weight, mixture, kind), Known.of(estimator)
    settings = {"tol": tol, "max_iter": max_iter}
    given = settings | {"kind": kind, "random_state": random_state, "model": model}
    given |= {"reg_covar": known.reg_covar, "prior": known.prior}
    given |= {"fixed": known.fixed, "weight_bounds": known.weight_bounds}
    given |= {"mixture": [mixture.weights, mixture.means, mixture.covariances.covariances]}
    given |= {"n_replicates": n_replicates}
    kept = checkpoint_for(checkpoint, checkpoint_every, "bootstrap", given, data.X, data.weight)
    settings["rule"] = Extrapolated() if accelerate else Plain()
    seeds = check_random_state(random_state).randint(LARGEST_SEED, size=n_replicates)
    seeds, refits = kept.saved() or (seeds, [])
    pending = (
        delayed(_refit)(data, mixture, model, known, kind, settings, seed)
        for seed in seeds[len(refits) :]
    )
    for refit in Parallel(n_jobs=n_jobs, return_as="generator")(pending):
        refits.append(refit)
        kept.offer(lambda: (seeds, refits))
    kept.remove()
    return Bootstrap(*(np.array(values) for values in zip(*refits, strict=True)))


def _mixture_of(estimator, X):
    """The fitted mixture, and the rows as it saw them."""
    whole = estimator
    if isinstance(estimator, Pipeline):
        check_is_fitted(estimator)
        steps, estimator = estimator[:-1], estimator[-1]
        X = steps.transform(X) if len(steps) else X
    if not isinstance(estimator, (GaussianMixture, GaussianMixtureIC)):
        raise TypeError(
            "bootstrap takes a fitted GaussianMixture or GaussianMixtureIC of gmmem, or a "
            f"Pipeline that ends in one, not {type(whole).__module__}.{type(whole).__name__}; "
            "GaussianMixture.from_parameters makes one from weights, means and covariances."
        )
    check_is_fitted(estimator)
    return estimator, X


def _data(X, sample_weight, mixture: Mixture, kind: str) -> Data:
    """The rows that count, checked against what a replicate needs."""
    weight = None
    if sample_weight is not None:
        weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        X, weight = X[weight > 0], weight[weight > 0]
    data, least = Data(X, weight), mixture.n_components + 1
    if round(data.total) < least:
        raise ValueError(
            f"sample_weight sums to {data.total:g} for {len(X)} rows, and a replicate "
            f"stands for as many; "
            f"a mixture of {mixture.n_components} needs at least {least}. Multiply the "
            "weights so that they sum to the number of observations."
            if weight is not None
            else f"A mixture of {mixture.n_components} needs at least {least} rows in X, not "
            f"{len(X)}."
        )
    if kind == "parametric" and data.total > MOST_SIMULATED:
        raise ValueError(
            f"sample_weight sums to {data.total:g}, too many rows to draw from the mixture; scale "
            'the weights, or choose kind="nonparametric".'
        )
    return data


def _refit(data: Data, mixture: Mixture, model, known: Known, kind: str, settings, seed):
    """Weights, means and dense covariances of one refit; what collapses is drawn again."""
    rng = np.random.RandomState(seed)

    def draw() -> Mixture:
        problem = known.on(KINDS[kind](data, mixture, rng), model)
        solution = em.solve(problem, [known.start], **settings).solutions[0]
        if solution.failure is not None:
            raise solution.failure
        return solution.mixture

    advice = "Fit with a larger reg_covar or fewer parameters"
    if kind != "weighted":
        advice += ', or choose kind="weighted", which keeps every row'
    found = redrawn(draw, f"{advice}.")
    order = matched(mixture, found)
    return found.weights[order], found.means[order], _dense(found)[order]


def matched(mixture: Mixture, other: Mixture) -> np.ndarray:
    """Which component of another mixture is which of this one, by their densities.

    The sum of Bhattacharyya's distances is the least: for normal densities
    ``gap' inv(S) gap / 8 + log(|S| / sqrt(|S_1| |S_2|)) / 2``, S the mean of S_1 and S_2.
    """
    distances = np.empty((mixture.n_components, other.n_components))
    ours, theirs = _dense(mixture), _dense(other)
    log_ours, log_theirs = np.linalg.slogdet(ours)[1], np.linalg.slogdet(theirs)[1]
    for k, covariance in enumerate(ours):
        middle = (covariance + theirs) / 2
        gaps = other.means - mixture.means[k]
        squares = np.einsum("ki,ki->k", gaps, np.linalg.solve(middle, gaps[..., None])[..., 0])
        volumes = np.linalg.slogdet(middle)[1] - (log_ours[k] + log_theirs) / 2
        distances[k] = squares / 8 + volumes / 2
    return linear_sum_assignment(distances)[1]


def _dense(mixture: Mixture) -> np.ndarray:
    """Covariances of all components, (n_components, n_features, n_features)."""
    K, d = mixture.means.shape
    return np.broadcast_to(mixture.covariances.dense(), (K, d, d))
