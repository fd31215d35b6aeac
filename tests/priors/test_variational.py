"""Variational posteriors against definitions and Monte Carlo."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris

from gmmem import BayesianGaussianMixture
from gmmem.covariances import get_model
from gmmem.initializers import as_assignment
from gmmem.priors import Ridge
from gmmem.priors.dirichlet import Dirichlet, StickBreaking
from gmmem.priors.variational import VariationalPrior
from gmmem.sources import InMemory
from gmmem.updates.variational import VariationalProblem

PRIORS = {"dirichlet_process": StickBreaking, "dirichlet_distribution": Dirichlet}


def problem_of(weights, covariance_type="full", K=3, n=60, seed=0):
    rng = np.random.RandomState(seed)
    X = np.r_[rng.normal(size=(n // 2, 2)), rng.normal(size=(n - n // 2, 2)) + 3]
    scale = np.array([[1.5, 0.3], [0.3, 0.8]])
    prior = VariationalPrior(weights, 0.7, np.array([0.5, 1.0]), 4.5, scale, Ridge(0.0))
    problem = VariationalProblem.of(InMemory(X, n_threads=1), get_model(covariance_type), prior)
    labels = rng.randint(K, size=n)
    return problem, X, problem.start(as_assignment(labels, n, K, "labels"), K)


def log_weights_of(sticks_or_weights, process):
    if not process:
        return np.log(sticks_or_weights)
    v = sticks_or_weights
    return np.log(v) + np.append(0, np.cumsum(np.log1p(-v))[:-1])


@pytest.mark.parametrize("weights", [StickBreaking(0.6), Dirichlet(0.6)], ids=str)
def test_log_peaks_are_expectations(weights):
    """Of log weight plus log density at the mean, by Monte Carlo."""
    _, _, q = problem_of(weights)
    rng, n = np.random.RandomState(2), 40_000
    if isinstance(weights, StickBreaking):
        v = rng.beta(*q.concentration[:, None], size=(n, 3))
        log_w = np.array([log_weights_of(each, True) for each in v]).mean(axis=0)
    else:
        log_w = np.log(rng.dirichlet(q.concentration, size=n)).mean(axis=0)
    for k in range(3):
        nu, kappa = q.degrees_of_freedom[k], q.mean_precision[k]
        W = np.linalg.inv(nu * q.covariances.covariances[k])
        P = stats.wishart.rvs(nu, W, size=n, random_state=rng)
        # The mean itself is not known: it costs d / kappa squares.
        expected = log_w[k] + 0.5 * np.linalg.slogdet(P)[1].mean() - np.log(2 * np.pi) - 1 / kappa
        assert q.log_peaks[k] == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("name", PRIORS)
def test_expected_weights(name):
    mass, prior = np.array([30.0, 0.0, 12.5, 3.0]), PRIORS[name](0.4)
    concentration = prior.posterior(mass)
    rng = np.random.RandomState(0)
    if name == "dirichlet_process":
        v = rng.beta(*concentration[:, None], size=(100_000, 4))
        drawn = np.exp([np.log(v) + np.log1p(-v).cumsum(1) - np.log1p(-v)])[0].mean(axis=0)
        drawn /= drawn.sum()
    else:
        drawn = rng.dirichlet(concentration, size=100_000).mean(axis=0)
    np.testing.assert_allclose(prior.means(concentration), drawn, atol=3e-3)
    np.testing.assert_allclose(prior.mass(concentration), mass, atol=1e-12)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_component_without_rows_is_its_prior(covariance_type):
    X = load_iris().data
    model = BayesianGaussianMixture(
        12,
        covariance_type=covariance_type,
        init_params=lambda X, K, **_: np.eye(12)[(X[:, 2] > 2.5).astype(int)],
        max_iter=0,
    ).fit(X)
    np.testing.assert_allclose(model.means_[2:], np.tile(model.mean_prior_, (10, 1)))
    np.testing.assert_allclose(model.mean_precision_[2:], 1.0)
    if covariance_type != "tied":
        expected = model.covariance_prior_ / model.degrees_of_freedom_prior_
        for covariance in model.covariances_[2:]:
            np.testing.assert_allclose(covariance, expected)
    assert model.n_components_ == 2


def test_a_belief_worth_next_to_nothing_leaves_no_nan():
    X = load_iris().data
    model = BayesianGaussianMixture(
        3,
        mean_precision_prior=1e-60,
        mean_prior=[9.0] * 4,
        init_params=lambda X, K, **_: np.eye(3)[(X[:, 2] > 2.5).astype(int)],
        max_iter=0,
    ).fit(X)
    np.testing.assert_array_equal(model.means_[2], 9.0)
    assert np.isfinite(model.score(X))
