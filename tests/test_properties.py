"""Rows of weight zero, many features and many rows.

What must hold for any data (weights as copies, permutations, units, maps, threads) is
in `tests.fuzz.relations`; that likelihoods rise, for every model, in `test_covariances`.
"""

from itertools import islice

import numpy as np
import pytest
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning

from gmmem import GaussianMixture, em
from gmmem.covariances import get_model
from gmmem.initializers import INITIALIZERS, GivenLabels, as_assignment
from gmmem.kernels.slabs import SlabKernel
from gmmem.problem import Problem
from gmmem.sources import InMemory


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
        # k-means' centres are centres of moments where some rows do not count: rounding differs.
        np.testing.assert_allclose(plain.covariances_, ignored.covariances_, rtol=1e-12)
        np.testing.assert_allclose(plain.means_, ignored.means_, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d, K", [(28, 3), (43, 5)])
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
