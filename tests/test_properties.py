"""What must hold for any data: monotone, equivariant, weights as copies, any threads."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning

from gmmem import GaussianMixture, em
from gmmem.covariances import get_model
from gmmem.initializers import INITIALIZERS, GivenLabels, as_assignment
from gmmem.kernels.slabs import SlabKernel
from gmmem.problem import Problem
from gmmem.sources import InMemory

TYPES = ["full", "tied", "diag", "spherical"]
settings.register_profile("gmmem", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("gmmem")


def data(seed, n=120, d=3, K=3):
    rng = np.random.RandomState(seed)
    labels = np.arange(n) % K
    X = rng.normal(size=(K, d))[labels] * 3 + rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    return X, labels


def states(X, labels, covariance_type, count, weight=None, n_threads=None):
    model = get_model(covariance_type)
    rows = InMemory(X, weight, n_threads)
    K = labels.max() + 1
    start = em.initial_mixture(rows, as_assignment(labels, len(X), K, "labels"), K, model)
    return list(islice(em.iterate(start, rows, model), count))


@given(st.integers(0, 10_000), st.sampled_from(TYPES), st.integers(1, 4))
def test_likelihood_never_decreases(seed, covariance_type, d):
    history = [s.log_likelihood for s in states(*data(seed, d=d), covariance_type, 30)]
    assert (np.diff(history) >= -1e-9 * np.abs(history[0])).all()


@given(st.integers(0, 10_000), st.sampled_from(TYPES))
def test_permuting_rows_and_components(seed, covariance_type):
    X, labels = data(seed)
    rng = np.random.RandomState(seed)
    rows, names = rng.permutation(len(X)), rng.permutation(3)
    plain = states(X, labels, covariance_type, 8)[-1]
    moved = states(X[rows], names[labels[rows]], covariance_type, 8)[-1]
    assert moved.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-9)
    np.testing.assert_allclose(moved.update.means[names], plain.update.means, rtol=1e-6, atol=1e-7)


@given(st.integers(0, 10_000), st.sampled_from(TYPES), st.floats(1e-3, 1e3), st.floats(-1e4, 1e4))
def test_shifting_and_scaling(seed, covariance_type, scale, shift):
    X, labels = data(seed)
    plain = states(X, labels, covariance_type, 8)[-1]
    moved = states(X * scale + shift, labels, covariance_type, 8)[-1]
    expected = plain.log_likelihood - X.size * np.log(scale)
    assert moved.log_likelihood == pytest.approx(expected, rel=1e-7, abs=1e-5)


@given(st.integers(0, 10_000), st.sampled_from(["full", "tied", "spherical"]))
def test_rotating(seed, covariance_type):
    X, labels = data(seed)
    Q = np.linalg.qr(np.random.RandomState(seed).normal(size=(3, 3)))[0]
    plain = states(X, labels, covariance_type, 8)[-1]
    turned = states(X @ Q, labels, covariance_type, 8)[-1]
    assert turned.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-8)
    np.testing.assert_allclose(turned.update.means, plain.update.means @ Q, rtol=1e-6, atol=1e-7)


@given(st.integers(0, 10_000), st.sampled_from(TYPES))
def test_weights_equal_repetition(seed, covariance_type):
    X, labels = data(seed)
    weight = np.random.RandomState(seed).randint(1, 4, size=len(X))
    weighted = states(X, labels, covariance_type, 8, weight)[-1]
    repeated = states(X.repeat(weight, axis=0), labels.repeat(weight), covariance_type, 8)[-1]
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-9)
    np.testing.assert_allclose(weighted.update.means, repeated.update.means, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random_from_data"])
def test_weights_equal_repetition_in_initialisers(init_params):
    X, _ = data(0)
    weight = np.random.RandomState(0).randint(0, 6, size=len(X))
    params = dict(n_components=3, init_params=init_params, random_state=0, max_iter=500)
    weighted = GaussianMixture(**params).fit(X, sample_weight=weight)
    repeated = GaussianMixture(**params).fit(X.repeat(weight, axis=0))
    np.testing.assert_allclose(weighted.means_, repeated.means_, rtol=1e-7)
    assert weighted.score(X, sample_weight=weight) == pytest.approx(
        repeated.score(X.repeat(weight, axis=0))
    )


def test_rows_of_weight_zero_change_nothing():
    X, labels = data(1)
    weight = np.ones(len(X))
    wild = np.r_[X, np.full((5, 3), 1e12)]
    params = dict(n_components=3, random_state=0)
    for init in ("kmeans", GivenLabels(labels)):
        plain = GaussianMixture(init_params=init, **params).fit(X, sample_weight=weight)
        if isinstance(init, GivenLabels):
            init = GivenLabels(np.r_[labels, np.zeros(5, int)])
        ignored = GaussianMixture(init_params=init, **params).fit(
            wild, sample_weight=np.r_[weight, np.zeros(5)]
        )
        np.testing.assert_array_equal(plain.covariances_, ignored.covariances_)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_threads_change_no_bit(covariance_type):
    X, labels = data(2, n=200_000)
    results = [
        states(X, labels, covariance_type, 3, n_threads=threads)[-1] for threads in (1, 2, 5)
    ]
    for other in results[1:]:
        assert other.log_likelihood == results[0].log_likelihood
        np.testing.assert_array_equal(
            other.update.covariances.covariances, results[0].update.covariances.covariances
        )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d, K", [(24, 3), (40, 12)])
def test_many_features(d, K, weighted):
    """Of full covariances, with one product for all components: all of the above."""
    rng = np.random.RandomState(0)
    labels = np.arange(9000) % K
    X = rng.normal(size=(K, d))[labels] + rng.normal(size=(9000, d))
    X = (X @ (np.eye(d) + 0.3 * rng.normal(size=(d, d)) / np.sqrt(d)) + 5) * np.geomspace(
        0.01, 9, d
    )
    weight = np.random.RandomState(0).randint(1, 3, size=len(X)) if weighted else None
    one, three = (states(X, labels, "full", 6, weight, n_threads=count) for count in (1, 3))
    assert isinstance(Problem.of(InMemory(X), get_model("full")).kernel(one[-1].update), SlabKernel)
    history = [state.log_likelihood for state in one]
    assert history == [state.log_likelihood for state in three]
    assert (np.diff(history) >= -1e-9 * abs(history[0])).all()
    np.testing.assert_array_equal(one[-1].update.means, three[-1].update.means)
    found = one[-1].update.covariances.covariances
    np.testing.assert_array_equal(found, three[-1].update.covariances.covariances)
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))
    if weighted:
        X, labels = X.repeat(weight, axis=0), labels.repeat(weight)
    start = one[0].mixture
    theirs = sklearn_mixture.GaussianMixture(
        K,
        reg_covar=0,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=start.covariances.precisions,
        tol=0,
        max_iter=6,
    )
    with pytest.warns(ConvergenceWarning):
        theirs.fit(X)
    np.testing.assert_allclose(theirs.means_, one[-1].update.means, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(theirs.covariances_, found, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("init_params", INITIALIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows(init_params, dtype):
    X = data(3, n=50_000)[0].astype(dtype)
    model = GaussianMixture(3, init_params=init_params, random_state=0, max_iter=300).fit(X)
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        assert getattr(model, name).dtype == dtype
    assert model.predict_proba(X).dtype == dtype
    assert model.score_samples(X).dtype == dtype
    assert model.weights_.min() > 0.01
