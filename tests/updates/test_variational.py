"""The iteration against its definition (`tests.beliefs`), with and without missing values."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from gmmem.covariances import get_model
from gmmem.initializers import as_assignment
from gmmem.priors import Ridge
from gmmem.priors.dirichlet import Dirichlet, StickBreaking
from gmmem.priors.variational import VariationalPrior
from gmmem.sources import InMemory
from gmmem.updates.variational import Variational, VariationalProblem
from tests import beliefs

TYPES = ["full", "tied", "diag", "spherical"]
WEIGHTS = [StickBreaking(0.6), Dirichlet(0.6)]


def gaps_of(n, d, share, seed=0):
    """Rows of two clusters with values missing; the first has none, and the last nothing else."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3 * rng.randint(2, size=(n, 1))
    X[rng.uniform(size=X.shape) < share] = np.nan
    X[0] = rng.normal(size=d)
    if share:
        X[-1] = np.nan
    return X


def problem_of(X, weights, covariance_type, K=3, ridge=0.0, sample_weight=None):
    d = X.shape[1]
    A = np.random.RandomState(9).normal(size=(d, d))
    scale = A @ A.T + np.eye(d)
    scale = {"diag": np.diag(scale), "spherical": np.asarray(1.3)}.get(covariance_type, scale)
    prior = VariationalPrior(weights, 0.7, np.linspace(0, 1, d), d + 1.5, scale, Ridge(ridge))
    rows = InMemory(X, sample_weight, n_threads=1)
    problem = VariationalProblem.of(rows, get_model(covariance_type), prior)
    labels = np.random.RandomState(1).randint(K, size=len(X))
    return problem, problem.start(as_assignment(labels, len(X), K, "labels"), K)


def states(problem, start, number):
    rule, memory = Variational(), Variational().init(problem, start)
    for i in range(number):
        state = rule.step(problem, i, memory)
        yield state
        memory = state.memory


def assert_equal(posterior, belief):
    found = beliefs.read(posterior, belief.process)
    for name in ("concentration", "kappa", "means", "freedom", "inverse_scales"):
        ours, theirs = getattr(found, name), getattr(belief, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("d", [1, 3])
def test_each_step_is_that_of_the_definition(share, weights, covariance_type, d):
    X, process = gaps_of(40, d, share), isinstance(weights, StickBreaking)
    problem, start = problem_of(X, weights, covariance_type)
    prior = beliefs.read_prior(problem.prior, process, 3)
    belief, last = beliefs.read(start, process), -np.inf
    for state in states(problem, start, 4):
        rows = beliefs.e_step(belief, X)
        belief = beliefs.m_step(prior, rows, covariance_type)
        assert_equal(state.update, belief)
        bound = beliefs.lower_bound(prior, belief, rows)
        assert state.log_likelihood + beliefs.left_out(prior, rows) == pytest.approx(
            bound, abs=1e-8
        )
        assert bound > last
        last = bound


@pytest.mark.parametrize("covariance_type", TYPES)
def test_weights_and_a_ridge(covariance_type):
    X, weight = gaps_of(40, 3, 0.3), np.random.RandomState(0).uniform(0, 2, size=40)
    problem, start = problem_of(X, Dirichlet(2.0), covariance_type, 3, 0.1, weight)
    prior, belief = beliefs.read_prior(problem.prior, False, 3), beliefs.read(start, False)
    for state in states(problem, start, 3):
        belief = beliefs.m_step(prior, beliefs.e_step(belief, X, weight), covariance_type, 0.1)
        assert_equal(state.update, belief)


def test_what_nobody_observes_goes_to_the_prior_by_its_share():
    labels = np.arange(40) % 2
    X = np.random.RandomState(0).normal(size=(40, 2)) + 99 * labels[:, None]
    X[labels == 0, 1] = np.nan
    problem, _ = problem_of(X, Dirichlet(1.0), "diag", K=2)
    start = problem.start(as_assignment(labels, 40, 2, "labels"), 2)
    means = [state.mixture.means[0, 1] for state in states(problem, start, 5)]
    away = np.array(means) - problem.prior.mean[1]
    np.testing.assert_allclose(away[1:] / away[:-1], 20 / (0.7 + 20), rtol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_no_other_belief_has_a_higher_bound(share, covariance_type):
    """Of those that the type allows: each part of the M-step is a maximum."""
    X, rng = gaps_of(40, 3, share), np.random.RandomState(3)
    problem, start = problem_of(X, WEIGHTS[0], covariance_type)
    prior = beliefs.read_prior(problem.prior, True, 3)
    rows = beliefs.e_step(beliefs.read(start, True), X)
    best = beliefs.m_step(prior, rows, covariance_type)
    bound = beliefs.lower_bound(prior, best, rows)
    for _ in range(20):
        other = beliefs.m_step(prior, rows, covariance_type)
        other.means = other.means + 0.05 * rng.normal(size=(3, 3))
        other.kappa = other.kappa * rng.uniform(0.8, 1.25, size=3)
        other.concentration = other.concentration * rng.uniform(0.8, 1.25, size=(2, 3))
        size = 1 if covariance_type == "tied" else 3
        other.freedom = other.freedom * rng.uniform(0.9, 1.1, size=size)
        units = rng.uniform(0.8, 1.25, size=(size, 1 if covariance_type == "spherical" else 3))
        other.inverse_scales = other.inverse_scales * np.sqrt(units[:, :, None] * units[:, None])
        assert beliefs.lower_bound(prior, other, rows) < bound


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_the_bound_is_a_mean_over_the_posterior(share, weights, covariance_type):
    """Of log p(X, Z, theta) - log q, by Monte Carlo, with a Wishart matrix for each component."""
    X, process, n = gaps_of(60, 3, share), isinstance(weights, StickBreaking), 4_000
    problem, start = problem_of(X, weights, covariance_type)
    prior = beliefs.read_prior(problem.prior, process, 3)
    rows = beliefs.e_step(beliefs.read(start, process), X)
    state = next(states(problem, start, 1))
    values = draws_of_bound(prior, beliefs.read(state.update, process), rows, n)
    error = np.std(values) / np.sqrt(n)
    # Where q has the form of the best of all, every draw says the same.
    assert error < (1e-9 if covariance_type == "full" else 0.2)
    found = state.log_likelihood + beliefs.left_out(prior, rows)
    assert found == pytest.approx(np.mean(values), abs=4 * error + 1e-6)


def draws_of_bound(prior, q, rows, n):
    """What single draws of the parameters say of the bound."""
    rng, (K, d) = np.random.RandomState(5), q.means.shape
    c = q.concentration
    drawn = rng.beta(*c[:, None], size=(n, K)) if q.process else rng.dirichlet(c, size=n)
    values, log_w = np.full(n, beliefs.entropy(rows)), beliefs.log_weights_of(q, drawn)
    values += beliefs.log_density_of_weights(prior, drawn)
    values -= beliefs.log_density_of_weights(q, drawn)
    for k in range(K):
        P = wishart(q, k, n, rng)
        log_P, roots = np.linalg.slogdet(P)[1], np.linalg.cholesky(np.linalg.inv(P) / q.kappa[k])
        mu = q.means[k] + np.einsum("nij,nj->ni", roots, rng.normal(size=(n, d)))
        for each, sign in ((prior, 1), (q, -1)):
            nu, inverse_scale, z = each.freedom[k], each.inverse_scales[k], mu - each.means[k]
            values += sign * 0.5 * (nu - d - 1) * log_P
            values -= sign * 0.5 * np.einsum("ij,nij->n", inverse_scale, P)
            values -= sign * beliefs.log_wishart_constant(nu, inverse_scale)
            values += sign * 0.5 * (d * np.log(each.kappa[k]) + log_P - d * beliefs.LOG_TWO_PI)
            values -= sign * 0.5 * each.kappa[k] * np.einsum("ni,nij,nj->n", z, P, z)
        for row in rows:
            z = row.expected[k] - mu
            squares = np.einsum("ni,nij,nj->n", z, P, z)
            squares += np.einsum("ij,nij->n", row.remains[k], P)
            each = log_w[:, k] + 0.5 * (log_P - d * beliefs.LOG_TWO_PI - squares)
            values += row.weight * row.shares[k] * each
    return values


def wishart(q, k, n, rng):
    scale, d = np.linalg.inv(q.inverse_scales[k]), q.means.shape[1]
    drawn = stats.wishart.rvs(q.freedom[k], scale, size=n, random_state=rng)
    return np.reshape(drawn, (n, d, d))


@pytest.mark.parametrize("covariance_type", TYPES)
def test_the_bound_is_below_the_evidence(covariance_type):
    """One component and eight rows with gaps: the evidence by importance sampling from q."""
    X = gaps_of(8, 2, 0.3)
    problem, start = problem_of(X, Dirichlet(1.0), covariance_type, K=1)
    last = list(states(problem, start, 60))[-1]
    prior, q = (beliefs.read_prior(problem.prior, False, 1), beliefs.read(last.update, False))
    there = [x for x in X if not np.isnan(x).all()]
    bound = last.log_likelihood + beliefs.left_out(prior, beliefs.e_step(q, X))
    evidence = log_evidence(prior, q, there)
    assert bound < evidence < bound + 2


def log_evidence(prior, q, X, n=20_000):
    rng, d = np.random.RandomState(0), q.means.shape[1]
    P, value = wishart(q, 0, n, rng), np.zeros(n)
    S = np.linalg.inv(P)
    roots = np.linalg.cholesky(S / q.kappa[0])
    mu = q.means[0] + np.einsum("nij,nj->ni", roots, rng.normal(size=(n, d)))
    log_P = np.linalg.slogdet(P)[1]
    for each, sign in ((prior, 1), (q, -1)):
        nu, inverse_scale, z = each.freedom[0], each.inverse_scales[0], mu - each.means[0]
        value += sign * 0.5 * ((nu - d) * log_P - np.einsum("ij,nij->n", inverse_scale, P))
        value -= sign * beliefs.log_wishart_constant(nu, inverse_scale)
        value += sign * 0.5 * d * np.log(each.kappa[0])
        value -= sign * 0.5 * each.kappa[0] * np.einsum("ni,nij,nj->n", z, P, z)
    for x in X:
        o = np.flatnonzero(~np.isnan(x))
        seen, z = S[:, o][:, :, o], x[o] - mu[:, o]
        distance = np.einsum("ni,nij,nj->n", z, np.linalg.inv(seen), z)
        value -= 0.5 * (len(o) * beliefs.LOG_TWO_PI + np.linalg.slogdet(seen)[1] + distance)
    return logsumexp(value) - np.log(n)
