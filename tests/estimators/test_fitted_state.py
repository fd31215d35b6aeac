"""What was fitted stays what it was fitted as, and cannot be changed behind its back."""

import copy
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC, Mixture
from gmmem.covariances import MODELS, VVI, Full


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    return np.r_[rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) * [0.3, 1] + 4]


@pytest.mark.parametrize("before, after", [("full", "diag"), ("tied", "full"), ("VEI", "VVI")])
def test_parameters_that_are_set_change_no_prediction(X, before, after):
    model = GaussianMixture(2, covariance_type=before, random_state=0).fit(X)
    expected, n_parameters = model.score_samples(X), model.n_parameters_
    model.set_params(covariance_type=after)
    np.testing.assert_array_equal(model.score_samples(X), expected)
    assert model.n_parameters_ == n_parameters
    with pytest.raises(ValueError):
        model.fit(np.full((4, 2), np.nan))
    np.testing.assert_array_equal(model.score_samples(X), expected)
    model.fit(X)
    assert model.covariance_model_ is MODELS[after]


def test_a_mixture_is_immutable(X):
    model = GaussianMixture(2, random_state=0).fit(X)
    expected = model.score_samples(X)
    mixture = model.mixture_
    for array in (mixture.weights, mixture.means, mixture.covariances.covariances):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 9
    np.testing.assert_array_equal(model.score_samples(X), expected)


def test_a_mixture_keeps_nobody_elses_array():
    weights, means = np.array([0.5, 0.5]), np.zeros((2, 1))
    mixture = Mixture(weights, means, Full.from_covariances(np.ones((1, 1, 1)), 1))
    weights[0] = means[0] = 7
    assert mixture.weights[0] == 0.5 and mixture.means[0] == 0


@pytest.mark.parametrize(
    "weights, means, said",
    [
        ([0.5, 0.6], np.zeros((2, 1)), "sum to one"),
        ([-0.5, 1.5], np.zeros((2, 1)), "at least 0"),
        ([1.0], np.zeros((2, 1)), "shape"),
        ([0.5, 0.5], np.zeros(2), "n_components, n_features"),
        ([0.5, 0.5], np.full((2, 1), np.nan), "finite"),
        ([0.5, 0.5], np.zeros((2, 3)), "features"),
    ],
)
def test_a_mixture_is_checked_on_construction(weights, means, said):
    held = Full.from_covariances(np.ones((1, 1, 1)), 1)
    with pytest.raises(ValueError, match=said):
        Mixture(np.array(weights), means, held)


def test_covariances_that_are_set_are_sampled_from(X):
    model = GaussianMixture(2, random_state=0).fit(X)
    model.covariances_ = model.covariances_ * 1e-12
    drawn, labels = model.sample(50)
    assert np.abs(drawn - model.means_[labels]).max() < 1e-4


def test_what_is_missing_is_named(X):
    model = GaussianMixture(2, random_state=0).fit(X)
    del model.precisions_cholesky_
    with pytest.raises(ValueError, match=r"precisions_cholesky_.*from_parameters"):
        model.predict(X)


def test_attributes_that_are_changed_in_place_count(X):
    model = GaussianMixture(2, random_state=0).fit(X)
    before = model.score_samples(X)
    model.means_[0] += 100
    assert (model.score_samples(X) < before + 1e-12).all()
    assert not np.allclose(model.score_samples(X), before)


def test_a_row_of_no_weight_changes_nothing_wherever_it_is(X):
    wild = np.r_[X, [[1e300, -1e300]]]
    weight = np.r_[np.ones(len(X)), 0]
    model = GaussianMixture(2, random_state=0, init_params="k-means++")
    model.fit(wild, sample_weight=weight)
    assert model.score(wild, sample_weight=weight) == pytest.approx(model.score(X), rel=1e-12)
    assert model.bic(wild, weight) == pytest.approx(model.bic(X), rel=1e-12)


@pytest.mark.parametrize("K", [2, 5])
def test_float32_models_sample_with_a_lost_component(K):
    X = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)
    with pytest.warns(ConvergenceWarning):
        model = GaussianMixture(K + 2, random_state=0).fit(X[:, :2])
    assert model.weights_.dtype == np.float32
    for seed in range(20):
        model.random_state = seed
        assert np.isfinite(model.sample(100)[0]).all()


def test_float32_weights_that_sum_to_more_than_one_are_sampled_from():
    """By their rounding, before a last one that is zero."""
    model = GaussianMixture(12, covariance_type="spherical", random_state=0)
    model.fit(np.random.RandomState(0).normal(size=(80, 2)).astype(np.float32))
    above = 0
    for seed in range(40):
        share = np.random.RandomState(seed).dirichlet(np.ones(11)).astype(np.float32)
        model.weights_ = np.append(share, np.float32(0))
        above += model.weights_.astype(float).sum() > 1 + 1e-12
        assert np.isfinite(model.sample(50)[0]).all()
    assert above > 5


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEV", "EVE"])
@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random_from_data", "hierarchical"])
def test_fewer_distinct_rows_than_components(covariance_type, init_params):
    """With reg_covar they are fitted, and what is too many weighs nothing."""
    X = np.repeat([[0.0, 0.0], [1.0, 2.0], [5.0, 1.0]], 15, axis=0)
    model = GaussianMixture(
        5, covariance_type=covariance_type, init_params=init_params, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="have weight 0"):
        model.fit(X)
    assert np.count_nonzero(model.weights_) == 3
    assert len(np.unique(model.predict(X))) == 3
    np.testing.assert_allclose(np.sort(model.weights_)[2:], 1 / 3, rtol=1e-6)
    assert np.isfinite(model.covariances_).all()
    model.set_params(reg_covar=0)
    if covariance_type not in ("tied", "VEV", "EVE"):
        with pytest.raises(ValueError, match="reg_covar"):
            model.fit(X)


def test_a_model_of_ones_own_goes_by_its_own_name(X):
    class Named(VVI):
        name = "named"

    MODELS["named"] = Named()
    try:
        model = GaussianMixture(2, covariance_type="named", random_state=0).fit(X)
    finally:
        del MODELS["named"]
    assert model.covariance_model_.name == "named"


@pytest.mark.parametrize("wild", [[1e300, np.nan], [np.nan, np.nan], [-1e308, 3.0]])
@pytest.mark.parametrize(
    "model",
    [
        GaussianMixture(2, init_params="hierarchical", random_state=0),
        GaussianMixture(2, n_init="auto", random_state=0),
        GaussianMixtureIC([1, 2, 3]),
    ],
)
def test_a_row_of_weight_zero_may_hold_anything(X, model, wild):
    rows, weight = np.insert(X, 7, wild, axis=0), np.insert(np.ones(len(X)), 7, 0)
    plain = clone(model).fit(X, sample_weight=np.ones(len(X)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model.fit(rows, sample_weight=weight)
    assert model.score(rows, sample_weight=weight) == pytest.approx(plain.score(X), rel=1e-6)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEI"])
def test_attributes_of_other_shapes_are_named(X, covariance_type):
    fitted = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    check_names_of_shapes(fitted, X)
    model = clone(fitted).fit(X)
    model.covariances_ = model.covariances_[..., None]
    with pytest.raises(ValueError, match="covariances_ must have the shape"):
        model.sample(3)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_attributes_of_other_shapes_are_named_in_variational_fits(X, covariance_type):
    model = BayesianGaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    check_names_of_shapes(model, X)
    del model.precisions_cholesky_
    with pytest.raises(ValueError, match="has no precisions_cholesky_; fit it first"):
        model.predict(X)


def check_names_of_shapes(fitted, X):
    for name, value in [
        ("precisions_cholesky_", fitted.precisions_cholesky_[..., :1, None]),
        ("precisions_cholesky_", None),
        ("means_", None),
        ("means_", fitted.means_[:, :1]),
    ]:
        model = copy.copy(fitted)
        setattr(model, name, value)
        for ask in (model.predict, model.bic):
            with pytest.raises(
                ValueError, match=r"(means_|precisions_cholesky_) must have the sha"
            ):
                ask(X)


def test_attributes_may_be_lists_and_factors_are_enough_to_draw(X):
    fitted = GaussianMixture(2, random_state=0).fit(X)
    model = GaussianMixture(2, random_state=0)
    for name in ("weights_", "means_", "precisions_cholesky_"):
        setattr(model, name, getattr(fitted, name).tolist())
    assert model.bic(X) == pytest.approx(fitted.bic(X), rel=1e-12)
    np.testing.assert_allclose(model.sample(9)[0], fitted.sample(9)[0], rtol=1e-9)


def test_rows_that_are_far_in_float32_are_infinitely_unlikely(X):
    rows = X[:4].astype(np.float32)
    model = GaussianMixture(2, random_state=0).fit(X.astype(np.float32))
    expected = model.score_samples(rows)
    for far in (1e20, 3e38):
        rows[2, 1] = far
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            density, shares = model.score_samples(rows), model.predict_proba(rows)
        assert density[2] == -np.inf and shares[2].sum() == pytest.approx(1)
        np.testing.assert_array_equal(np.delete(density, 2), np.delete(expected, 2))
