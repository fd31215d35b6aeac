"""Variational posteriors against definitions and Monte Carlo."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, multigammaln
from sklearn.datasets import load_iris

from gmmem import BayesianGaussianMixture
from gmmem.covariances import get_model
from gmmem.initializers import as_assignment
from gmmem.priors import Ridge
from gmmem.priors.dirichlet import Dirichlet, StickBreaking
from gmmem.priors.variational import VariationalPrior
from gmmem.sources import InMemory
from gmmem.updates.variational import Variational, VariationalProblem

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
def test_the_bound_is_a_mean_over_the_posterior(weights):
    """E[log p(X, Z, theta) - log q(theta)] + entropy, drawn from q, for the full model."""
    problem, X, start = problem_of(weights)
    state = Variational().step(problem, 0, Variational().init(problem, start))
    R = np.exp(scores_of(start, X))
    R /= R.sum(axis=1, keepdims=True)
    q, prior, rng = state.update, problem.prior, np.random.RandomState(1)
    process = isinstance(weights, StickBreaking)
    values = []
    for _ in range(200):
        values.append(-(R * np.log(R)).sum())
        if process:
            v = rng.beta(*q.concentration)
            values[-1] += stats.beta.logpdf(v, 1, 0.6).sum()
            values[-1] -= stats.beta.logpdf(v, *q.concentration).sum()
        else:
            v = rng.dirichlet(q.concentration)
            values[-1] += stats.dirichlet.logpdf(v, np.full(3, 0.6))
            values[-1] -= stats.dirichlet.logpdf(v, q.concentration)
        log_w = log_weights_of(v, process)
        for k in range(3):
            nu, kappa = q.degrees_of_freedom[k], q.mean_precision[k]
            W = np.linalg.inv(nu * q.covariances.covariances[k])
            P = stats.wishart.rvs(nu, W, random_state=rng)
            S = np.linalg.inv(P)
            mu = rng.multivariate_normal(q.means[k], S / kappa)
            normal = stats.multivariate_normal
            values[-1] += stats.wishart.logpdf(P, 4.5, np.linalg.inv(prior.scale))
            values[-1] -= stats.wishart.logpdf(P, nu, W)
            values[-1] += normal.logpdf(mu, prior.mean, S / 0.7)
            values[-1] -= normal.logpdf(mu, q.means[k], S / kappa)
            values[-1] += R[:, k] @ (log_w[k] + normal.logpdf(X, mu, S))
    found = state.log_likelihood + constant_of(problem, weights, len(X), 3)
    assert np.std(values) < 1e-6  # The posterior is conjugate: every draw says the same.
    assert found == pytest.approx(np.mean(values), abs=1e-6)


def constant_of(problem, weights, n, K):
    """What the bound leaves out: log-normalisers of the priors, and powers of pi."""
    prior, d = problem.prior, 2
    _, log_det = np.linalg.slogdet(prior.scale)
    wishart = 0.5 * 4.5 * log_det - 0.5 * 4.5 * d * np.log(2) - multigammaln(2.25, d)
    mean = 0.5 * d * np.log(prior.mean_precision)
    of_weights = gammaln(K * 0.6) - K * gammaln(0.6)
    if isinstance(weights, StickBreaking):
        of_weights = K * np.log(0.6)
    pi = K * 0.25 * d * (d - 1) * np.log(np.pi)  # Of the multivariate gamma, which q has too.
    return K * (wishart + mean) + of_weights + pi - 0.5 * n * d * np.log(2 * np.pi)


def scores_of(posterior, X):
    L = np.empty((len(X), posterior.n_components))
    for k in range(posterior.n_components):
        Z = X - posterior.means[k]
        P = posterior.covariances.precisions[k]
        L[:, k] = posterior.log_peaks[k] - 0.5 * np.einsum("ij,jl,il->i", Z, P, Z)
    return L


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
