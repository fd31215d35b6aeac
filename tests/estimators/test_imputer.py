"""Imputation: scikit-learn's checks, the conditional means by loops, and what draws keep."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.mixture import GaussianMixture as Sklearn
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gmmem import GaussianMixture, GaussianMixtureIC, GaussianMixtureImputer, Mixture
from tests.covariances.cases import CODES
from tests.test_conditioning import by_loops, dense, mixture_of

IRIS = load_iris().data


def with_gaps(X, share=0.2, seed=0):
    """Some entries gone at random, and of some rows all."""
    rng = np.random.RandomState(seed)
    X = X.copy()
    X[rng.uniform(size=X.shape) < share] = np.nan
    return X


def of_mixture(mixture, **params):
    """An imputer whose density is known."""
    K = mixture.n_components
    inner = GaussianMixture.from_parameters(mixture.weights, mixture.means, dense(mixture))
    model = GaussianMixtureImputer(K, **params)
    model.estimator_, model.n_features_in_ = inner, mixture.n_features
    model._seen, model.indicator_ = np.arange(mixture.n_features), None
    return model


@parametrize_with_checks(
    [
        GaussianMixtureImputer(),
        GaussianMixtureImputer(2, covariance_type="tied", add_indicator=True),
        GaussianMixtureImputer(2, covariance_type="diag", strategy="sample"),
        GaussianMixtureImputer(estimator=GaussianMixture(2, covariance_type="VEE", reg_covar=1e-3)),
        GaussianMixtureImputer(
            estimator=GaussianMixtureIC([1, 2], covariance_type="full", reg_covar=1e-3)
        ),
    ]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_is_the_conditional_mean(code, d):
    """Every pattern there is, a row at a time, in plain loops."""
    mixture = mixture_of(code, d, seed=d)
    rng = np.random.RandomState(d)
    patterns = np.array(list(itertools.product([False, True], repeat=d)))
    X = 2 * rng.normal(size=(3 * len(patterns), d))
    X[np.tile(patterns, (3, 1))] = np.nan
    completed = of_mixture(mixture).transform(X)
    for x, found in zip(X, completed, strict=True):
        given = np.flatnonzero(~np.isnan(x)).tolist()
        expected = x.copy()
        if not given:
            expected = mixture.weights @ mixture.means
        elif len(given) < d:
            weights, means, _ = by_loops(mixture, given, x[given])
            expected[np.isnan(x)] = weights @ means
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(found[given], x[given])


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "VII"])
def test_draws_are_of_the_conditional(code):
    mixture = mixture_of(code, 4, seed=9)
    X = np.array([[0.5, np.nan, 1.0, np.nan], [np.nan] * 4, [1.0, 2.0, 3.0, np.nan], [0, 1, 2, 3]])
    draws = of_mixture(mixture).impute(X, 40_000, random_state=0)
    assert draws.shape == (40_000, 4, 4)
    given = mixture.conditional([0, 2], [0.5, 1.0])
    for found, expected in ((draws[:, 0, [1, 3]], given), (draws[:, 1], mixture)):
        mean = expected.weights @ expected.means
        spread = sum(
            w * (S + np.outer(m - mean, m - mean))
            for w, m, S in zip(expected.weights, expected.means, dense(expected), strict=True)
        )
        width = np.sqrt(np.diag(spread))
        np.testing.assert_allclose((found.mean(axis=0) - mean) / width, 0, atol=5 / 200)
        units = np.outer(width, width)
        np.testing.assert_allclose(np.cov(found.T) / units, spread / units, atol=0.05)
    assert (draws[:, 0, [0, 2]] == [0.5, 1.0]).all() and (draws[:, 3] == X[3]).all()


def test_complete_rows_are_left_alone():
    model = GaussianMixtureImputer(2, random_state=0).fit(IRIS)
    found = model.transform(IRIS)
    np.testing.assert_array_equal(found, IRIS)
    assert found is not IRIS and not np.shares_memory(found, IRIS)
    inner = GaussianMixture(2, random_state=0).fit(IRIS)
    np.testing.assert_array_equal(model.estimator_.means_, inner.means_)


def test_one_gaussian_is_linear_regression():
    """One column with gaps that depend on the others: the likelihood factorises."""
    rng = np.random.RandomState(0)
    X = IRIS.copy()
    X[rng.uniform(size=150) < 1 / (1 + np.exp(5.8 - X[:, 0])), 3] = np.nan
    there = ~np.isnan(X[:, 3])
    line = LinearRegression().fit(X[there, :3], X[there, 3])
    inner = GaussianMixture(reg_covar=0, tol=1e-12, max_iter=1000)
    model = GaussianMixtureImputer(estimator=inner).fit(X)
    np.testing.assert_allclose(model.transform(X)[~there, 3], line.predict(X[~there, :3]), 1e-4)


def test_better_than_means_and_than_chained_regressions_on_clusters():
    rng = np.random.RandomState(0)
    mixture = Mixture.from_arrays(
        [0.5, 0.5], [[0, 0, 0], [6, 0, 6]], [np.eye(3) + s * (1 - np.eye(3)) for s in (0.8, -0.4)]
    )
    truth = mixture.sample(1500, rng)[0]
    X = with_gaps(truth)
    there = ~np.isnan(X)

    def error(model):
        return np.sqrt(np.mean((model.fit_transform(X) - truth)[~there] ** 2))

    ours = error(GaussianMixtureImputer(2, random_state=0))
    assert ours < 0.95 * error(IterativeImputer(random_state=0, max_iter=30))
    assert ours < 0.6 * error(SimpleImputer())
    best = of_mixture(mixture).transform(X)
    assert ours < 1.03 * np.sqrt(np.mean((best - truth)[~there] ** 2))


def test_draws_keep_what_means_shrink():
    rng = np.random.RandomState(0)
    truth = mixture_of("VVV", 3, K=2, seed=3).sample(4000, rng)[0]
    X = with_gaps(truth, 0.3)
    mean, sample = (
        GaussianMixtureImputer(2, strategy=strategy, random_state=0).fit_transform(X)
        for strategy in ("mean", "sample")
    )
    spread = truth.std(axis=0)
    np.testing.assert_allclose(sample.std(axis=0), spread, rtol=0.03)
    assert (mean.std(axis=0) < 0.97 * spread).all()


def test_several_data_sets_cover_what_was_missing():
    rng = np.random.RandomState(1)
    truth = mixture_of("VVV", 4, K=2, seed=5).sample(2000, rng)[0]
    X = with_gaps(truth)
    gone = np.isnan(X)
    draws = GaussianMixtureImputer(2, random_state=0).fit(X).impute(X, 99)
    below = (draws < truth).sum(axis=0)[gone]
    # The rank of the truth among the draws is uniform.
    assert ((below >= 5) & (below < 95)).mean() == pytest.approx(0.9, abs=0.03)
    assert below.mean() == pytest.approx(49.5, abs=3)


def test_seeds():
    X = with_gaps(IRIS)
    model = GaussianMixtureImputer(2, strategy="sample", random_state=3).fit(X)
    np.testing.assert_array_equal(model.transform(X), model.transform(X))
    np.testing.assert_array_equal(model.transform(X), model.impute(X, 1)[0])
    np.testing.assert_array_equal(model.impute(X, 2), model.impute(X, 2, random_state=3))
    assert (model.impute(X, 2, random_state=4) != model.impute(X, 2))[:, np.isnan(X)].all()


def test_weights_are_copies():
    X = with_gaps(IRIS)
    weight = np.random.RandomState(0).randint(0, 3, size=150)
    inner = GaussianMixture(1, tol=1e-10, max_iter=500)
    model = GaussianMixtureImputer(estimator=inner)
    found = clone(model).fit(X, sample_weight=weight).transform(X)
    expected = clone(model).fit(np.repeat(X, weight, axis=0)).transform(X)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_empty_columns():
    X = np.insert(with_gaps(IRIS), 2, np.nan, axis=1)
    left_out = GaussianMixtureImputer(2, random_state=0).fit(X)
    expected = GaussianMixtureImputer(2, random_state=0).fit_transform(np.delete(X, 2, axis=1))
    np.testing.assert_array_equal(left_out.transform(X), expected)
    assert left_out.get_feature_names_out().tolist() == ["x0", "x1", "x3", "x4"]
    kept = GaussianMixtureImputer(2, keep_empty_features=True, random_state=0).fit(X)
    np.testing.assert_array_equal(kept.transform(X), np.insert(expected, 2, 0, axis=1))
    assert kept.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3", "x4"]
    assert kept.impute(X, 3).shape == (3, 150, 5) and left_out.impute(X, 3).shape == (3, 150, 4)
    X[0, 2] = 7
    assert kept.transform(X)[0, 2] == 7
    with pytest.raises(ValueError, match="no entry"):
        kept.fit(np.full((5, 2), np.nan))


def test_indicator_and_names():
    frame = pd.DataFrame(IRIS, columns=["a", "b", "c", "d"])
    frame.iloc[::7, 1] = np.nan
    frame.iloc[::5, 3] = np.nan
    model = GaussianMixtureImputer(2, add_indicator=True, random_state=0)
    model.set_output(transform="pandas")
    found = model.fit_transform(frame)
    names = ["a", "b", "c", "d", "missingindicator_b", "missingindicator_d"]
    assert list(found.columns) == names == model.get_feature_names_out().tolist()
    np.testing.assert_array_equal(found["missingindicator_d"], frame["d"].isna())
    assert model.impute(frame, 2).shape == (2, 150, 4)
    with pytest.raises(ValueError, match="input_features"):
        model.get_feature_names_out(["a", "b"])


def test_nullable_columns():
    frame = pd.DataFrame({"a": [1, 2, None, 4, 9], "b": [2.0, 4, 6, None, 18]}, dtype="Int64")
    found = GaussianMixtureImputer().fit_transform(frame)
    np.testing.assert_allclose(found[2, 0], 3, atol=0.05)
    np.testing.assert_allclose(found[3, 1], 8, atol=0.1)


def test_float32():
    X = with_gaps(IRIS)
    model = GaussianMixtureImputer(2, random_state=0, add_indicator=True)
    found = model.fit_transform(X.astype(np.float32))
    assert found.dtype == np.float32 and model.impute(X.astype(np.float32), 2).dtype == np.float32
    np.testing.assert_allclose(found, model.fit_transform(X), atol=0.02)


def test_far_away():
    model = GaussianMixtureImputer(2, random_state=0).fit(IRIS)
    far = [[1e6, *[np.nan] * 3], [np.nan, -1e100, 1, 1], [1e200, 1, 1, np.nan], [np.nan] * 4]
    assert np.isfinite(model.transform(far)).all() and np.isfinite(model.impute(far)).all()


def test_rows_do_not_see_each_other():
    X = with_gaps(np.random.RandomState(0).normal(size=(20_000, 6)), 0.3)
    model = GaussianMixtureImputer(estimator=GaussianMixture(3, max_iter=2, tol=1e9)).fit(X)
    np.testing.assert_allclose(model.transform(X[-50:]), model.transform(X)[-50:], rtol=1e-9)


def test_in_a_pipeline_and_a_search():
    X, y = load_wine(return_X_y=True)
    X = with_gaps(X, 0.1)
    inner = GaussianMixture(covariance_type="tied", reg_covar=0.01)
    imputer = GaussianMixtureImputer(estimator=inner, random_state=0)
    model = make_pipeline(StandardScaler(), imputer, LogisticRegression(max_iter=1000))
    assert cross_val_score(model, X, y).mean() > 0.9
    search = GridSearchCV(model, {"gaussianmixtureimputer__n_components": [1, 2]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.9


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"strategy": "median"}, ValueError, "strategy"),
        ({"n_components": 0}, ValueError, "n_components"),
        ({"covariance_type": "round"}, ValueError, "covariance_type"),
        ({"estimator": 3}, ValueError, "estimator"),
        ({"estimator": Sklearn()}, TypeError, "must be a GaussianMixture"),
        ({"estimator": GaussianMixtureIC(), "covariance_type": 3}, ValueError, "covariance_type"),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        GaussianMixtureImputer(**params).fit(IRIS)


def test_bad_input():
    model = GaussianMixtureImputer()
    for ask in (model.transform, model.impute):
        with pytest.raises(NotFittedError):
            ask(IRIS)
    model.fit(IRIS)
    with pytest.raises(ValueError, match="X contains infinity"):
        model.transform([[np.inf, 1, 1, 1]])
    with pytest.raises(ValueError, match="X has 3 features"):
        model.transform(IRIS[:, :3])
    for number in (0, 1.5, True):
        with pytest.raises(ValueError, match="n_imputations"):
            model.impute(IRIS, number)
    with pytest.raises(ValueError, match="infinity"):
        model.fit(np.full((5, 4), np.inf))
    np.testing.assert_array_equal(model.transform(IRIS), IRIS)


def test_rows_of_weight_zero_are_not_there():
    X = with_gaps(IRIS)
    weight = np.ones(150)
    weight[:9] = 0
    X[9:, 1] = np.nan
    X[9:, 3] = np.where(np.isnan(X[9:, 3]), 1.0, X[9:, 3])
    X[:9, 3] = np.nan
    model = GaussianMixtureImputer(2, add_indicator=True, random_state=0)
    weighted, without = clone(model).fit(X, sample_weight=weight), clone(model).fit(X[9:])
    np.testing.assert_array_equal(weighted.get_feature_names_out(), without.get_feature_names_out())
    np.testing.assert_allclose(weighted.transform(X), without.transform(X), rtol=1e-6)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_row_that_is_too_far_to_square_warns_of_nothing(covariance_type):
    X = with_gaps(IRIS)
    model = GaussianMixtureImputer(2, covariance_type=covariance_type, random_state=0).fit(X)
    expected = model.transform(X[:4])
    for far in (1e155, 1.7e308, -1.7e308):
        rows = np.vstack([X[:4], [[np.nan, far, 0.0, np.nan]]])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = model.transform(rows)
        np.testing.assert_allclose(found[:4], expected, rtol=1e-12)
        assert not np.isnan(found).any() and found[4, 1] == far
