"""Bad input gets an error that names the data or the parameter."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from gmmem import GaussianMixture
from gmmem.initializers import Given, Nearest

X = np.random.RandomState(0).normal(size=(30, 2))


def with_value(value):
    bad = X.copy()
    bad[3, 1] = value
    return bad


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_value(np.nan), "NaN"),
        (with_value(np.inf), "infinity"),
        (np.empty((0, 2)), "0 sample"),
        (np.empty((5, 0)), "0 feature"),
        (X[:1], "minimum of 2"),
        (X[:, 0], "2D array"),
        (X[:2], "n_components = 3"),
        (np.repeat(X[:2], 10, axis=0), "2 distinct rows"),
        (X + 1j, "[Cc]omplex"),
        (np.array([["a", "b"]] * 5, dtype=object), "could not convert|dtype"),
        (with_value(1e200), "rescale the data"),
    ],
)
def test_data(data, message):
    with pytest.raises((ValueError, TypeError), match=message):
        GaussianMixture(3, random_state=0).fit(data)


def test_sparse():
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        GaussianMixture().fit(sparse.csr_matrix(X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"weights_init": [1.0]}, r"weights_init should have the shape \(2,\)"),
        ({"weights_init": [0.9, 0.9]}, "weights_init should sum to one"),
        ({"weights_init": [1.5, -0.5]}, "weights_init should be in the range"),
        ({"means_init": [[0.0], [1.0]]}, r"means_init should have the shape \(2, 2\)"),
        ({"means_init": [[0.0, np.nan], [1.0, 1.0]]}, "means_init"),
        ({"precisions_init": np.eye(2)}, r"precisions_init should have the shape \(2, 2, 2\)"),
        ({"precisions_init": [np.eye(2), -np.eye(2)]}, "precisions_init should be positive"),
        ({"covariances_init": [np.eye(2), np.ones((2, 2))]}, "covariances_init should be positive"),
        ({"covariances_init": [np.eye(2), [[1, 0.5], [0, 1]]]}, "should be symmetric"),
        ({"covariances_init": [np.eye(2)] * 2, "precisions_init": [np.eye(2)] * 2}, "not both"),
        ({"covariances_init": [[1, 0], [1, 1]], "covariance_type": "diag"}, "positive definite"),
        ({"precisions_init": [1, -1], "covariance_type": "spherical"}, "positive definite"),
        ({"init_params": Given(np.zeros(5, int))}, r"expected labels of shape \(30,\)"),
        ({"init_params": Given(np.full(30, 2))}, "labels from 2 to 2"),
        ({"init_params": Given(np.full(30, 0.5))}, "whole numbers"),
        ({"init_params": Given(np.full((30, 2), 0.7))}, "sum to one"),
        ({"init_params": Given(np.full((30, 2), np.nan))}, "finite"),
        ({"init_params": lambda X, K, **_: Nearest(X[:5])}, "5 centres for n_components=2"),
    ],
)
def test_start(params, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(2, **params).fit(X)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(30), "zero for every row|at least one non-zero"),
        (np.r_[-1, np.ones(29)], "must not be negative"),
        (np.r_[np.nan, np.ones(29)], "NaN"),
        (np.ones(29), "inconsistent|shape"),
        (np.r_[1.0, np.zeros(29)], "positive weight"),
    ],
)
def test_sample_weight(weight, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(2).fit(X, sample_weight=weight)


def test_collapse_names_component_and_remedy_and_leaves_nothing():
    collapsed = np.r_[np.zeros((10, 2)), X]
    model = GaussianMixture(2, reg_covar=0, init_params=Given(np.r_[np.zeros(10), np.ones(30)]))
    with pytest.raises(ValueError, match=r"component 0 .* Increase reg_covar"):
        model.fit(collapsed)
    assert not hasattr(model, "weights_")


def test_constant_column():
    constant = np.c_[X, np.full(30, 7.0)]
    assert np.isfinite(GaussianMixture(2, random_state=0).fit(constant).score(constant))
    with pytest.raises(ValueError, match="reg_covar"):
        GaussianMixture(2, random_state=0, reg_covar=0).fit(constant)


def test_one_feature():
    assert GaussianMixture(2, random_state=0).fit(X[:, :1]).means_.shape == (2, 1)


def test_unfitted_and_wrong_features():
    for name in ("predict", "predict_proba", "score_samples", "score", "bic", "aic"):
        with pytest.raises(NotFittedError):
            getattr(GaussianMixture(), name)(X)
    with pytest.raises(NotFittedError):
        GaussianMixture().sample()
    model = GaussianMixture().fit(X)
    with pytest.raises(ValueError, match="3 features"):
        model.predict(np.ones((2, 3)))
    with pytest.raises(ValueError, match="n_samples"):
        model.sample(0)


def test_wrong_feature_names():
    pandas = pytest.importorskip("pandas")
    model = GaussianMixture().fit(pandas.DataFrame(X, columns=["a", "b"]))
    assert model.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(pandas.DataFrame(X, columns=["a", "c"]))


@pytest.mark.parametrize(
    ("weights", "means", "covariances", "message"),
    [
        ([0.5, 0.6], [[0.0], [1.0]], [[[1.0]]] * 2, "weights should sum to one"),
        ([0.5, 0.5], [0.0, 1.0], [[[1.0]]] * 2, "means should have the shape"),
        ([0.5, 0.5], [[0.0], [1.0]], [[1.0]] * 2, "covariances should have the shape"),
        ([0.5, 0.5], [[0.0], [1.0]], [[[-1.0]]] * 2, "covariances should be positive definite"),
    ],
)
def test_from_parameters(weights, means, covariances, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture.from_parameters(weights, means, covariances)


def test_outlier_at_1e30_never_gives_nan():
    far = np.r_[X, [[1e30, 1e30]]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = GaussianMixture(2, random_state=0).fit(far)
        except ValueError as error:
            assert "reg_covar" in str(error)
        else:
            assert np.isfinite(model.score(X))
    model = GaussianMixture(2, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(far)).all()
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1)
    np.testing.assert_allclose(model.score_samples(far)[:-1], model.score_samples(X), rtol=1e-9)
