"""The guard: right answers where expanded quadratic forms lose their digits."""

import numpy as np
import pytest

from gmmem import GaussianMixture
from gmmem.initializers import Given

TYPES = ["full", "tied", "diag", "spherical"]


def clusters(distance, d=3, n=400):
    rng = np.random.RandomState(0)
    labels = np.arange(n) % 2
    return rng.normal(size=(n, d)) + distance * labels[:, None], labels


@pytest.mark.parametrize("covariance_type", TYPES)
def test_offset(covariance_type):
    X, labels = clusters(10)
    params = dict(n_components=2, covariance_type=covariance_type, init_params=Given(labels))
    plain = GaussianMixture(**params).fit(X)
    offset = GaussianMixture(**params).fit(X + 1e6)
    np.testing.assert_allclose(offset.covariances_, plain.covariances_, rtol=1e-6, atol=1e-8)
    assert offset.score(X + 1e6) == pytest.approx(plain.score(X), rel=1e-8)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("distance", [1e2, 1e4, 1e6])
def test_small_components_far_apart(covariance_type, dtype, distance):
    X, labels = clusters(distance)
    X = X.astype(dtype)
    params = dict(covariance_type=covariance_type, reg_covar=0)
    model = GaussianMixture(2, init_params=Given(labels), **params).fit(X)
    exact = X.astype(np.longdouble)
    for k in (0, 1):
        part = exact[labels == k]
        centred = part - part.mean(axis=0)
        scatter = (centred.T @ centred / len(part)).astype(float)
        if covariance_type == "full":
            np.testing.assert_allclose(
                model.covariances_[k],
                scatter,
                rtol=1e-3 if dtype == np.float32 else 1e-7,
                atol=1e-3 if dtype == np.float32 else 1e-9,
            )
        if covariance_type == "diag":
            np.testing.assert_allclose(
                model.covariances_[k], np.diag(scatter), rtol=1e-3 if dtype == np.float32 else 1e-7
            )
    np.testing.assert_array_equal(model.predict(X), labels)
    assert np.isfinite(model.score(X))


def test_one_row_far_from_everything():
    X, _ = clusters(5)
    far = np.r_[X, [[1e8, -1e8, 0]]]
    model = GaussianMixture(2, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(far)).all()
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1)
