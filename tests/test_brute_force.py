"""The oracle is the definition, in plain Python loops and scipy.stats."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from gmmem import GaussianMixture, Mixture, em
from gmmem.covariances import get_model
from gmmem.sources import InMemory

TYPES = ["full", "tied", "diag", "spherical"]


def random_mixture(covariance_type, K, d, rng):
    matrices = [np.cov(rng.normal(size=(d, d + 5))).reshape(d, d) for _ in range(K)]
    values = {
        "full": matrices,
        "tied": matrices[0],
        "diag": [np.diag(m) for m in matrices],
        "spherical": [m[0, 0] for m in matrices],
    }[covariance_type]
    weights = rng.dirichlet(np.ones(K))
    means = 3 * rng.normal(size=(K, d))
    return Mixture.from_arrays(weights / weights.sum(), means, values, covariance_type)


def loops(mixture, X):
    """Densities, responsibilities and log-likelihood, one number at a time."""
    K, d = mixture.means.shape
    dense = mixture.covariances.dense()
    densities = []
    for x in X:
        row = []
        for k in range(K):
            sigma = dense[k if len(dense) > 1 else 0]
            z = x - mixture.means[k]
            inverse = np.linalg.inv(sigma)
            distance = sum(z[i] * inverse[i, j] * z[j] for i in range(d) for j in range(d))
            normaliser = (2 * math.pi) ** (d / 2) * math.sqrt(np.linalg.det(sigma))
            row.append(mixture.weights[k] * math.exp(-distance / 2) / normaliser)
        densities.append(row)
    density = [sum(row) for row in densities]
    shares = [[p / total for p in row] for row, total in zip(densities, density, strict=True)]
    return np.array(density), np.array(shares), sum(math.log(p) for p in density)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("d", [1, 2, 4])
def test_one_step(covariance_type, d):
    rng = np.random.RandomState(d)
    X, K = 3 * rng.normal(size=(25, d)), 3
    mixture = random_mixture(covariance_type, K, d, rng)
    density, R, log_likelihood = loops(mixture, X)
    np.testing.assert_allclose(np.exp(mixture.log_density(X)), density, rtol=1e-10)
    np.testing.assert_allclose(mixture.responsibilities(X), R, rtol=1e-9, atol=1e-12)

    model = get_model(covariance_type)
    state = next(em.iterate(mixture, InMemory(X), model))
    assert state.log_likelihood == pytest.approx(log_likelihood, rel=1e-10)
    mass = R.sum(axis=0)
    np.testing.assert_allclose(state.update.weights, mass / len(X), rtol=1e-10)
    np.testing.assert_allclose(state.update.means, (R.T @ X) / mass[:, None], rtol=1e-9)
    scatters = [
        sum(r * np.outer(x - m, x - m) for r, x in zip(R[:, k], X, strict=True))
        for k, m in enumerate(state.update.means)
    ]
    expected = {
        "full": [s / n for s, n in zip(scatters, mass, strict=True)],
        "tied": [sum(scatters) / len(X)],
        "diag": [np.diag(np.diag(s / n)) for s, n in zip(scatters, mass, strict=True)],
        "spherical": [np.eye(d) * np.trace(s) / n / d for s, n in zip(scatters, mass, strict=True)],
    }[covariance_type]
    np.testing.assert_allclose(state.update.covariances.dense(), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_scipy(covariance_type):
    rng = np.random.RandomState(0)
    mixture = random_mixture(covariance_type, 4, 3, rng)
    X = rng.normal(size=(50, 3)) * 5
    dense = np.broadcast_to(mixture.covariances.dense(), (4, 3, 3))
    expected = sum(
        w * multivariate_normal(m, s).pdf(X)
        for w, m, s in zip(mixture.weights, mixture.means, dense, strict=True)
    )
    values = mixture.covariances.covariances
    values = values[0] if covariance_type == "tied" else values
    model = GaussianMixture.from_parameters(
        mixture.weights, mixture.means, values, covariance_type=covariance_type
    )
    np.testing.assert_allclose(np.exp(model.score_samples(X)), expected, rtol=1e-9)
    assert model.predict(X).tolist() == mixture.log_joint(X).argmax(axis=1).tolist()


def test_one_component_is_mean_and_covariance():
    X = np.random.RandomState(0).normal(size=(100, 3)) + 50
    model = GaussianMixture(reg_covar=0).fit(X)
    np.testing.assert_allclose(model.means_[0], X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(model.covariances_[0], np.cov(X.T, bias=True), rtol=1e-12)
