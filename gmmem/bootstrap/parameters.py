"""How sure the parameters are: refits to replicates of the data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import linear_sum_assignment
from sklearn.utils import check_array, check_random_state

from gmmem import em
from gmmem.bootstrap.replicates import LARGEST_SEED, check_counts
from gmmem.covariances import DegenerateCovariance
from gmmem.mixture import Mixture
from gmmem.sources import InMemory


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
    check_counts(n_replicates=n_replicates)
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
