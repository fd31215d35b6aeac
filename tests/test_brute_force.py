"""The oracle is the definition: in plain Python loops, and in long double."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from gmmem import GaussianMixture, Mixture, em
from gmmem.covariances import MODELS, get_model
from gmmem.initializers import GivenLabels
from gmmem.sources import InMemory
from tests.fuzz.density import exact_log_joint, log_sum
from tests.problems import PROBLEMS, clusters

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


# Where expanded squares, float32 or scikit-learn's own formulas lose their digits.
HARD = {
    "plain": lambda: PROBLEMS["separate"](),
    "far apart": lambda: clusters(1, 240, 3, distance=1e6)[0],
    "offset": lambda: clusters(2, 240, 3)[0] + 1e8,
    "units": lambda: clusters(3, 240, 3)[0] * [1e-9, 1.0, 1e9],
    "small": lambda: 1e-100 * clusters(4, 240, 3)[0],
    "large": lambda: 1e100 * clusters(5, 240, 3)[0],
    "nearly flat": lambda: clusters(6, 240, 3)[0] @ np.diag([1, 1, 1e-5]) @ rotation(3),
    "many features": lambda: clusters(8, 300, 40)[0],
    "one feature": lambda: clusters(9, 240, 1)[0],
    "float32": lambda: clusters(10, 240, 3)[0].astype(np.float32),
    "float32, far apart": lambda: clusters(11, 240, 3, distance=1e4)[0].astype(np.float32),
}


def rotation(d):
    return np.linalg.qr(np.random.RandomState(0).normal(size=(d, d)))[0]


@pytest.mark.parametrize("covariance_type", [name for name in MODELS if name not in ("E", "V")])
@pytest.mark.parametrize("name", HARD)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_predictions_against_long_double(name, covariance_type):
    """Of the rows that were fitted, and of rows from beside to far beyond them.

    The promise: 1e-8 nats, 1e-3 for float32, and the rounding of the answer itself.
    """
    X = HARD[name]()
    params = dict(covariance_type=covariance_type, reg_covar=0, max_iter=2)
    model = GaussianMixture(2, init_params=GivenLabels(np.arange(len(X)) % 3 > 0), **params).fit(X)
    size = np.abs(X - X.mean(axis=0)).max(axis=0)
    beyond = X.mean(axis=0) + np.multiply.outer([0, -1, 3, 1e2, -1e3], size)
    eps, promised = np.finfo(X.dtype).eps, 1e-3 if X.dtype == np.float32 else 1e-8
    for rows in (X, beyond.astype(X.dtype)):
        joint = exact_log_joint(model, rows)
        expected = log_sum(joint)
        unsure = promised + 8 * eps * np.abs(expected)
        assert (np.abs(model.score_samples(rows) - expected) <= unsure).all()
        shares = np.exp(joint - expected[:, None])
        assert (np.abs(model.predict_proba(rows) - shares) <= 2 * unsure[:, None]).all()
        margin = np.abs(np.diff(joint))[:, 0]
        sure = margin > 4 * promised + 16 * eps * np.abs(joint).min(axis=1)
        assert np.array_equal(model.predict(rows)[sure], joint.argmax(axis=1)[sure])
        total = abs(model.score(rows) - expected.mean())
        assert total <= promised + 8 * eps * np.abs(expected).mean()


def test_long_double_is_scipys_density_where_that_is_right():
    """The oracle itself, from the covariances."""
    X = HARD["plain"]()
    model = GaussianMixture(3, random_state=0).fit(X)
    expected = sum(
        weight * multivariate_normal(mean, covariance).pdf(X)
        for weight, mean, covariance in zip(
            model.weights_, model.means_, model.covariances_, strict=True
        )
    )
    np.testing.assert_allclose(log_sum(exact_log_joint(model, X)).astype(float), np.log(expected))


def test_a_density_of_nothing_is_refused():
    mixture = Mixture.from_arrays([1], [[0, 0]], [np.eye(2)])
    for ask in (mixture.log_joint, mixture.log_density, mixture.responsibilities):
        with pytest.raises(ValueError, match=r"X contains NaN: marginal\(features\)"):
            ask([[0, 1], [np.nan, 1]])
