"""The guard: right answers where expanded quadratic forms lose their digits."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gmmem import GaussianMixture, em
from gmmem.initializers import GivenLabels
from gmmem.sources import InMemory
from tests.fuzz.density import exact_log_joint, log_sum

TYPES = ["full", "tied", "diag", "spherical"]


def clusters(distance, d=3, n=400):
    rng = np.random.RandomState(0)
    labels = np.arange(n) % 2
    return rng.normal(size=(n, d)) + distance * labels[:, None], labels


@pytest.mark.parametrize("covariance_type", TYPES)
def test_offset(covariance_type):
    X, labels = clusters(10)
    params = dict(n_components=2, covariance_type=covariance_type, init_params=GivenLabels(labels))
    plain = GaussianMixture(**params).fit(X)
    offset = GaussianMixture(**params).fit(X + 1e6)
    np.testing.assert_allclose(offset.covariances_, plain.covariances_, rtol=1e-6, atol=1e-8)
    assert offset.score(X + 1e6) == pytest.approx(plain.score(X), rel=1e-8)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("distance", [1e2, 1e4, 1e6])
def test_small_components_far_apart(covariance_type, dtype, distance):
    """Every row belongs to one component: parameters are those of each part, by long double."""
    X, labels = clusters(distance)
    X = X.astype(dtype)
    params = dict(covariance_type=covariance_type, reg_covar=0)
    model = GaussianMixture(2, init_params=GivenLabels(labels), **params).fit(X)
    parts = [X[labels == k].astype(np.longdouble) for k in (0, 1)]
    means = np.array([part.mean(axis=0) for part in parts])
    S = np.array([(p - m).T @ (p - m) / len(p) for p, m in zip(parts, means, strict=True)])
    expected = {
        "full": S,
        "tied": S.mean(axis=0),
        "diag": np.diagonal(S, axis1=1, axis2=2),
        "spherical": np.trace(S, axis1=1, axis2=2) / 3,
    }[covariance_type]
    tolerance = 2e-5 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(
        model.covariances_.astype(float), expected.astype(float), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(
        model.means_.astype(float),
        means.astype(float),
        rtol=np.finfo(dtype).eps * 4,
        atol=tolerance,
    )
    np.testing.assert_array_equal(model.predict(X), labels)
    density = log_sum(exact_log_joint(model, X)).astype(float)
    assert model.score(X) == pytest.approx(
        density.mean(), abs=1e-3 if dtype == np.float32 else 1e-8
    )


def test_one_row_far_from_everything():
    X, _ = clusters(5)
    far = np.r_[X, [[1e8, -1e8, 0]]]
    model = GaussianMixture(2, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(far)).all()
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1)


@pytest.mark.parametrize("covariance_type", [*TYPES, "VEV"])
@pytest.mark.parametrize("scale", [1e-60, 1e-20, 1e20, 1e60])
def test_scale_of_the_weights_changes_nothing(covariance_type, scale):
    X, labels = clusters(10)
    weight = np.random.RandomState(0).uniform(0.5, 2, size=len(X))
    for init in (GivenLabels(labels), "hierarchical"):
        if init == "hierarchical" and scale > 1:
            continue  # As many copies make a cluster of every row.
        params = dict(covariance_type=covariance_type, init_params=init)
        plain = GaussianMixture(2, **params).fit(X, sample_weight=weight)
        scaled = GaussianMixture(2, **params).fit(X, sample_weight=scale * weight)
        np.testing.assert_allclose(
            np.sort(scaled.means_, axis=0), np.sort(plain.means_, axis=0), rtol=1e-6, atol=1e-9
        )


def test_a_weight_of_zero_switches_a_component_off():
    model = GaussianMixture.from_parameters(
        [1, 0], [[0.0], [100.0]], [1.0, 1.0], covariance_type="spherical"
    )
    assert model.predict([[100.0]]) == [0]
    assert model.score_samples([[100.0]])[0] == pytest.approx(-5000.919, abs=1e-3)
    X = np.r_[np.random.RandomState(0).normal(size=(50, 1)), [[100.0]]]
    start = dict(weights_init=[1, 0], means_init=[[0], [100]], precisions_init=[1, 1])
    with pytest.warns(match="lost all rows"):
        fitted = GaussianMixture(2, covariance_type="spherical", **start).fit(X)
    np.testing.assert_array_equal(fitted.weights_, [1, 0])
    assert fitted.means_[1] == 100


def test_a_lost_component_keeps_its_covariance():
    X, _ = clusters(5, d=2)
    start = dict(
        weights_init=[1, 0], means_init=[[3, 1], [1e3, 1e3]], precisions_init=[np.eye(2)] * 2
    )
    with pytest.warns(match=r"lost all rows|did not converge"):
        model = GaussianMixture(2, reg_covar=1.0, max_iter=30, tol=0, **start).fit(X)
    np.testing.assert_allclose(model.covariances_[1], np.eye(2))


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_float32_of_any_scale(covariance_type, scale):
    X, labels = clusters(10)
    X = (X * scale).astype(np.float32)
    params = dict(covariance_type=covariance_type, init_params=GivenLabels(labels), reg_covar=0)
    model = GaussianMixture(2, **params).fit(X)
    assert np.isfinite(model.covariances_).all() and np.isfinite(model.precisions_).all()
    exact = GaussianMixture(2, **params).fit(X.astype(np.float64))
    assert model.score(X) == pytest.approx(exact.score(X), abs=1e-3)


def test_rows_to_predict_far_to_one_side():
    """The guard knows where the means are, not only where the rows are."""
    X, labels = clusters(10)
    model = GaussianMixture(2, init_params=GivenLabels(labels)).fit(X)
    rows = X[:50] + 1e7
    centred = rows[:, None] - model.means_
    exact = -0.5 * np.einsum("nki,kij,nkj->nk", centred, model.precisions_, centred)
    np.testing.assert_allclose(model.score_samples(rows), exact.max(axis=1), rtol=1e-9)


def test_rows_can_be_entered_twice_shared_and_pickled():
    X, labels = clusters(10, n=40_000)
    rows = InMemory(X, n_threads=2)
    model = GaussianMixture(2, init_params=GivenLabels(labels), max_iter=0).fit(X)
    start = model._mixture()
    expected = em.fit(start, rows).history
    with rows.working():
        with rows.working():
            assert em.fit(start, rows).history == expected
        assert em.fit(start, rows).history == expected

    def fit(_):
        with rows.working():
            return em.fit(start, rows).history

    with ThreadPoolExecutor(6) as pool:
        assert all(history == expected for history in pool.map(fit, range(24)))
    assert em.fit(start, pickle.loads(pickle.dumps(rows))).history == expected


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("scale", [1e-90, 1e-34, 1e-30, 1e-12, 1e12, 1e36, 1e90])
def test_weights_of_any_scale_on_float32(covariance_type, scale):
    X, labels = clusters(4)
    X = X.astype(np.float32)
    params = dict(
        covariance_type=covariance_type, init_params=GivenLabels(labels), max_iter=5, tol=0
    )
    with pytest.warns(match="did not converge"):
        plain = GaussianMixture(2, **params).fit(X)
        scaled = GaussianMixture(2, **params).fit(X, sample_weight=np.full(len(X), scale))
    np.testing.assert_allclose(scaled.lower_bounds_, plain.lower_bounds_, rtol=1e-6)
    np.testing.assert_allclose(scaled.means_, plain.means_, rtol=1e-4, atol=1e-4)


def test_weights_of_every_size_on_float32():
    X, labels = clusters(4)
    weight = 10 ** np.random.RandomState(0).uniform(0, 45, size=len(X))
    params = dict(init_params=GivenLabels(labels), covariance_type="diag", reg_covar=1e-3)
    wide = GaussianMixture(2, **params).fit(X, sample_weight=weight)
    single = GaussianMixture(2, **params).fit(X.astype(np.float32), sample_weight=weight)
    np.testing.assert_allclose(single.lower_bound_, wide.lower_bound_, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-70, 1e80])
def test_many_features_of_any_scale(scale):
    X, labels = clusters(10, d=40)
    params = dict(init_params=GivenLabels(labels), reg_covar=0)
    plain = GaussianMixture(2, **params).fit(X)
    scaled = GaussianMixture(2, **params).fit(scale * X)
    np.testing.assert_allclose(scaled.means_, scale * plain.means_, rtol=1e-9, atol=1e-9 * scale)
    assert scaled.score(scale * X) == pytest.approx(plain.score(X) - 40 * np.log(scale), rel=1e-9)
