"""Regression by conditioning: scikit-learn's checks, what is known exactly, and draws."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_linnerud
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture as Sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gmmem import (
    BayesianGaussianMixture,
    GaussianMixture,
    GaussianMixtureIC,
    GaussianMixtureRegressor,
)
from tests.covariances.cases import CODES
from tests.test_conditioning import dense, mixture_of


def curve(n=600, seed=0):
    """Two branches where x is negative, one elsewhere, and more noise to the right."""
    rng = np.random.RandomState(seed)
    x = rng.uniform(-3, 3, size=n)
    branch = np.where(x < 0, rng.choice([-1, 1], size=n) * x, 0)
    return x[:, None], branch + rng.normal(size=n) * np.where(x < 0, 0.2, 0.3 + 0.3 * x.clip(0))


def of_mixture(mixture, d):
    """A regressor whose density is known: features first, outputs last."""
    inner = GaussianMixture.from_parameters(mixture.weights, mixture.means, dense(mixture))
    model = GaussianMixtureRegressor()
    model.estimator_, model.n_features_in_ = inner, d
    model.n_outputs_ = mixture.n_features - d
    model._one_output = model.n_outputs_ == 1
    return model


@parametrize_with_checks(
    [
        GaussianMixtureRegressor(),
        GaussianMixtureRegressor(2, covariance_type="tied"),
        GaussianMixtureRegressor(
            estimator=GaussianMixture(2, covariance_type="VEV", reg_covar=1e-3)
        ),
        GaussianMixtureRegressor(
            estimator=GaussianMixtureIC([1, 2], covariance_type="full", reg_covar=1e-3)
        ),
    ]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scikit_learn(estimator, check):
    check(estimator)


def test_one_component_is_linear_regression():
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, X[:, 0] - y**2 / 100])
    weight = np.random.RandomState(0).randint(0, 4, size=len(X))
    model = GaussianMixtureRegressor(estimator=GaussianMixture(reg_covar=0))
    for target in (y, Y):
        found = model.fit(X, target, sample_weight=weight)
        expected = LinearRegression().fit(X, target, sample_weight=weight)
        np.testing.assert_allclose(found.predict(X), expected.predict(X), rtol=1e-8)
        rest = (target - expected.predict(X)).reshape(len(X), -1)
        cov = np.cov(rest.T, fweights=weight, bias=True).reshape(rest.shape[1], -1)
        mean, std = found.predict(X[:5], return_std=True)
        assert mean.shape == std.shape == target[:5].shape
        np.testing.assert_allclose(std[0], np.sqrt(np.diag(cov)).reshape(std[0].shape), rtol=1e-6)
        mean, covs = found.predict(X[:5], return_cov=True)
        np.testing.assert_allclose(covs, np.repeat(cov[None], 5, axis=0), rtol=1e-6)
        np.testing.assert_allclose(mean, expected.predict(X[:5]), rtol=1e-8)
        assert found.score(X, target) == pytest.approx(expected.score(X, target))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("m", [1, 2])
def test_is_the_conditional_of_the_density(code, m):
    mixture = mixture_of(code, 4, seed=3)
    model = of_mixture(mixture, 4 - m)
    rows = 2 * np.random.RandomState(0).normal(size=(30, 4))
    X, Y = rows[:, : 4 - m], rows[:, 4 - m :]
    mean, cov = model.predict(X, return_cov=True)
    same, std = model.predict(X, return_std=True)
    densities, logs = model.predict_mixture(X), model.score_samples(X, Y[:, 0] if m == 1 else Y)
    for i in range(len(X)):
        one = mixture.conditional(np.arange(4 - m), X[i])
        center = one.weights @ one.means
        spread = sum(
            w * (S + np.outer(mu - center, mu - center))
            for w, mu, S in zip(one.weights, one.means, dense(one), strict=True)
        )
        np.testing.assert_allclose(np.atleast_1d(mean[i]), center, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(cov[i], spread, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(np.atleast_1d(std[i]) ** 2, np.diag(spread), rtol=1e-7)
        np.testing.assert_allclose(densities[i].weights, one.weights, atol=1e-9)
        np.testing.assert_allclose(densities[i].means, one.means, rtol=1e-8, atol=1e-10)
        assert logs[i] == pytest.approx(one.log_density(Y[i : i + 1])[0], abs=1e-8)
    np.testing.assert_allclose(same, mean, rtol=1e-12)
    np.testing.assert_allclose(model.predict(X), mean, rtol=1e-10)


def test_density_of_y_given_x_is_joint_over_marginal():
    X, y = curve()
    model = GaussianMixtureRegressor(6, random_state=0).fit(X, y)
    joint = model.estimator_.score_samples(np.column_stack([X, y]))
    expected = joint - model.estimator_.marginal(0).score_samples(X)
    np.testing.assert_allclose(model.score_samples(X, y), expected, atol=1e-8)
    alone = model.estimator_.marginal(0).score_samples(X)
    np.testing.assert_allclose(model.score_samples(X), alone, atol=1e-8)


def test_intervals_hold_what_they_say():
    X, y = curve(4000)
    model = GaussianMixtureRegressor(10, random_state=0).fit(X[:2000], y[:2000])
    for coverage in (0.5, 0.9):
        low, high = model.predict_interval(X[2000:], coverage=coverage).T
        assert ((low < y[2000:]) & (y[2000:] < high)).mean() == pytest.approx(coverage, abs=0.04)
        for x, ends in zip(X[:5], model.predict_interval(X[:5], coverage=coverage), strict=True):
            one = model.mixture_.conditional(0, x)
            width = np.sqrt(one.covariances.variances[:, 0])
            upto = [one.weights @ ndtr((end - one.means[:, 0]) / width) for end in ends]
            np.testing.assert_allclose(upto, [0.5 - coverage / 2, 0.5 + coverage / 2], atol=1e-10)
    # The mean of two branches is no value that occurs: the interval knows.
    assert abs(model.predict([[-2.5]])[0]) < 1
    np.testing.assert_allclose(model.predict_interval([[-2.5]], 0.5), [[-2.5, 2.5]], atol=0.6)


def test_quantiles():
    X, Y = load_linnerud(return_X_y=True)
    model = GaussianMixtureRegressor(estimator=GaussianMixture(2, reg_covar=1.0)).fit(X, Y)
    assert model.predict_quantile(X).shape == (20, 3)
    assert model.predict_quantile(X, [0.1, 0.9]).shape == (20, 3, 2)
    assert model.predict_interval(X).shape == (20, 3, 2)
    one = GaussianMixtureRegressor(2, random_state=0).fit(*curve())
    assert one.predict_quantile([[0.0]]).shape == (1,)
    values = one.predict_quantile(curve()[0], [0.2, 0.5, 0.51])
    assert (np.diff(values, axis=1) > 0).all()
    np.testing.assert_array_equal(one.predict_quantile(curve()[0]), values[:, 1])


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "VII"])
@pytest.mark.parametrize("m", [1, 2])
def test_draws(code, m):
    model = of_mixture(mixture_of(code, 4, seed=8), 4 - m)
    X = np.random.RandomState(1).normal(size=(3, 4 - m))
    draws = model.sample_y(X, 40_000, random_state=0)
    assert draws.shape == ((3, 40_000) if m == 1 else (3, 2, 40_000))
    mean, cov = model.predict(X, return_cov=True)
    for i, found in enumerate(draws.reshape(3, m, -1)):
        width = np.sqrt(np.diag(cov[i]))
        off = (found.mean(axis=1) - mean[i]) / width
        np.testing.assert_allclose(off, 0, atol=5 / 200)
        spread = np.cov(found, bias=True).reshape(m, m) / np.outer(width, width)
        np.testing.assert_allclose(spread, cov[i] / np.outer(width, width), atol=0.05)
    low, high = np.quantile(draws.reshape(3, m, -1)[:, 0], [0.1, 0.9], axis=1)
    exact = model.predict_quantile(X, [0.1, 0.9]).reshape(3, m, 2)[:, 0]
    np.testing.assert_allclose(np.column_stack([low, high]), exact, atol=0.1)


def test_draws_by_seed():
    X, y = curve(50)
    model = GaussianMixtureRegressor(2, random_state=3).fit(X, y)
    np.testing.assert_array_equal(model.sample_y(X, 2), model.sample_y(X, 2, random_state=3))
    assert (model.sample_y(X, 2) != model.sample_y(X, 2, random_state=4)).all()
    shared = np.random.RandomState(3)
    assert (model.sample_y(X, 2, shared) != model.sample_y(X, 2, shared)).all()


def test_large_and_small_blocks_are_the_same():
    """Rows do not see each other, and memory is that of a block."""
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(30_000, 3)), rng.normal(size=(30_000, 6))
    model = GaussianMixtureRegressor(estimator=GaussianMixture(8, max_iter=2, tol=1e9)).fit(X, Y)
    mean, cov = model.predict(X, return_cov=True)
    part, again = model.predict(X[-100:], return_cov=True)
    np.testing.assert_allclose(part, mean[-100:], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(again, cov[-100:], rtol=1e-9, atol=1e-12)


def test_memory():
    import tracemalloc

    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(20_000, 2)), rng.normal(size=(20_000, 10))
    inner = GaussianMixture(20, max_iter=2, tol=1e9, init_params="random_from_data")
    model = GaussianMixtureRegressor(estimator=inner, random_state=0).fit(X, Y)
    model.predict(X[:10], return_std=True)
    tracemalloc.start()
    model.predict(X, return_std=True)
    model.predict_interval(X[:2000])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The answers are 1.6 MB each; means of all components would be 32, covariances 320.
    assert peak < 25e6


def test_parameters_are_passed_on():
    X, y = curve()
    model = GaussianMixtureRegressor(3, covariance_type="VEV", random_state=7).fit(X, y)
    inner = model.estimator_
    assert (inner.n_components, inner.covariance_type, inner.random_state) == (3, "VEV", 7)
    given = GaussianMixture(4, tol=1e-5, covariance_type="tied")
    inner = GaussianMixtureRegressor(estimator=given).fit(X, y).estimator_
    assert inner is not given and inner.get_params() == given.get_params()
    assert GaussianMixtureRegressor(2, estimator=given).fit(X, y).estimator_.tol == 1e-5
    assert clone(model).get_params() == model.get_params()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_other_mixtures_inside():
    X, y = curve()
    found = GaussianMixtureRegressor(estimator=GaussianMixtureIC([1, 4], random_state=0)).fit(X, y)
    assert found.estimator_.n_components_ == 4
    X, y = load_diabetes(return_X_y=True)
    inner = BayesianGaussianMixture(2, random_state=0)
    assert GaussianMixtureRegressor(estimator=inner).fit(X, y / 1000).score(X, y / 1000) > 0.3
    with pytest.raises(TypeError, match=r"estimator=.*must be a GaussianMixture"):
        GaussianMixtureRegressor(estimator=Sklearn(2)).fit(X, y)
    with pytest.raises(ValueError, match="tied"):
        GaussianMixtureRegressor(covariance_type="round").fit(X, y)


def test_in_a_pipeline_and_a_search():
    X, y = load_diabetes(return_X_y=True)
    model = make_pipeline(StandardScaler(), GaussianMixtureRegressor(random_state=0))
    grid = {"gaussianmixtureregressor__n_components": [1, 2]}
    search = GridSearchCV(model, grid, n_jobs=1).fit(X, y)
    assert search.best_score_ > 0.3
    inner = GaussianMixtureRegressor(estimator=GaussianMixture(), random_state=0)
    search = GridSearchCV(inner, {"estimator__reg_covar": [1e-4, 1e-2]}).fit(X, y)
    assert search.best_params_["estimator__reg_covar"] in (1e-4, 1e-2)


def test_data_frames():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = GaussianMixtureRegressor(2, random_state=0).fit(X, y)
    assert model.feature_names_in_.tolist() == list(X.columns)
    with pytest.warns(UserWarning, match="valid feature names"):
        model.predict(X.to_numpy())
    assert model.fit(X, pd.DataFrame({"y": y})).predict(X).shape == (442, 1)


def test_float32():
    X, y = curve()
    model = GaussianMixtureRegressor(3, random_state=0)
    expected = model.fit(X, y).predict(X)
    found = model.fit(X.astype(np.float32), y.astype(np.float32))
    assert found.estimator_.means_.dtype == np.float32
    np.testing.assert_allclose(found.predict(X.astype(np.float32)), expected, atol=0.05)


def test_far_away():
    X, y = curve()
    model = GaussianMixtureRegressor(3, random_state=0).fit(X, y)
    far = [[1e6], [-1e100], [1e300]]
    for values in (*model.predict(far, return_std=True), model.predict_interval(far)):
        assert np.isfinite(values).all()
    assert np.isfinite(model.score_samples(far[:1], [0.0])).all()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.predict([[0.0]], return_std=True, return_cov=True), "at most one"),
        (lambda m: m.predict([[0.0, 1.0]]), "X has 2 features"),
        (lambda m: m.predict_interval([[0.0]], coverage=1.0), "coverage=1.0 must"),
        (lambda m: m.predict_interval([[0.0]], coverage="all"), "coverage='all' must"),
        (lambda m: m.predict_quantile([[0.0]], 0.0), "quantiles=0.0 must"),
        (lambda m: m.predict_quantile([[0.0]], [[0.5]]), "quantiles="),
        (lambda m: m.predict_quantile([[0.0]], np.nan), "quantiles=nan"),
        (lambda m: m.sample_y([[0.0]], 0), "n_samples=0 must"),
        (lambda m: m.sample_y([[0.0]], 1.5), "n_samples=1.5 must"),
        (lambda m: m.score_samples([[0.0]], [[0.0, 1.0]]), "y has 2 columns, but it had 1"),
        (lambda m: m.score_samples([[0.0]], [0.0, 1.0]), "inconsistent numbers"),
        (lambda m: m.score_samples([[0.0]], [np.nan]), "y contains NaN"),
    ],
)
def test_bad_input(ask, message):
    model = GaussianMixtureRegressor(2, random_state=0).fit(*curve(60))
    with pytest.raises(ValueError, match=message):
        ask(model)
    with pytest.raises((NotFittedError, ValueError)):
        ask(GaussianMixtureRegressor())


def test_failed_fit_leaves_what_was():
    X, y = curve(60)
    model = GaussianMixtureRegressor(2, random_state=0)
    with pytest.raises(ValueError, match="n_samples"):
        model.set_params(n_components=99).fit(X, y)
    assert not hasattr(model, "n_features_in_")
    before = model.set_params(n_components=2).fit(X, y).predict(X)
    with pytest.raises(ValueError, match="sample_weight"):
        model.fit(np.hstack([X, X]), y, sample_weight=-np.ones(60))
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "VII"])
@pytest.mark.parametrize("m", [1, 2])
def test_missing_entries_are_integrated_out(code, m):
    mixture = mixture_of(code, 5, seed=11)
    d = 5 - m
    model, rows = of_mixture(mixture, d), np.random.RandomState(0).normal(size=(12, 5))
    X, Y = rows[:, :d].copy(), rows[:, d:]
    X[3:9, 0] = X[6:, 2] = X[11] = np.nan
    mean, cov = model.predict(X, return_cov=True)
    logs, alone = model.score_samples(X, Y), model.score_samples(X)
    draws = model.sample_y(X, 20_000, random_state=0).reshape(12, m, -1)
    for i, x in enumerate(X):
        given = np.flatnonzero(~np.isnan(x))
        asked = np.arange(d, 5)
        kept = mixture.marginal(np.append(given, asked))
        one = kept.conditional(np.arange(len(given)), x[given]) if len(given) else kept
        center = one.weights @ one.means
        np.testing.assert_allclose(np.atleast_1d(mean[i]), center, rtol=1e-8, atol=1e-10)
        assert logs[i] == pytest.approx(one.log_density(Y[i : i + 1])[0], abs=1e-8)
        width = np.sqrt(np.diag(cov[i]))
        np.testing.assert_allclose((draws[i].mean(axis=1) - center) / width, 0, atol=0.04)
        if len(given):
            expected = mixture.marginal(given).log_density(x[None, given])[0]
            assert alone[i] == pytest.approx(expected, abs=1e-8)
    assert alone[11] == pytest.approx(0, abs=1e-12)
    assert len(model.predict_mixture(X)) == 12
    low, high = model.predict_interval(X).reshape(12, m, 2).transpose(2, 0, 1)
    assert (low < mean.reshape(12, m)).all() and (mean.reshape(12, m) < high).all()


def test_fit_with_missing_entries():
    """Rows with gaps add to the fit: closer to the truth than the complete rows alone."""
    rng = np.random.RandomState(3)
    mixture = mixture_of("VVV", 4, K=2, seed=2)
    rows, fresh = mixture.sample(3000, rng)[0], mixture.sample(5000, rng)[0]
    X, y = rows[:, :3].copy(), rows[:, 3]
    X[rng.uniform(size=X.shape) < 0.4] = np.nan
    best = of_mixture_scores(mixture, fresh)
    inner = GaussianMixture(2, tol=1e-6, max_iter=500, random_state=0)
    model = GaussianMixtureRegressor(estimator=inner).fit(X, y)
    complete = ~np.isnan(X).any(axis=1)
    fewer = GaussianMixtureRegressor(estimator=inner).fit(X[complete], y[complete])
    scores = [m.score_samples(fresh[:, :3], fresh[:, 3]).mean() for m in (model, fewer)]
    assert scores[0] > scores[1]
    assert abs(best - scores[0]) < 0.01


def of_mixture_scores(mixture, rows):
    joint = mixture.log_density(rows)
    return (joint - mixture.marginal([0, 1, 2]).log_density(rows[:, :3])).mean()


def test_missing_targets_are_refused():
    X, y = curve(40)
    y[3] = np.nan
    with pytest.raises(ValueError, match="Input y contains NaN"):
        GaussianMixtureRegressor().fit(X, y)


def test_a_column_without_a_value_is_named():
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(30, 3)), columns=["a", "b", "c"])
    y = X["a"] + X["b"]
    X["b"] = np.nan
    with pytest.raises(ValueError, match=r"NaN in column\(s\) 'b'"):
        GaussianMixtureRegressor().fit(X, y)
    with pytest.raises(ValueError, match=r"NaN in column\(s\) 1"):
        GaussianMixtureRegressor().fit(X.to_numpy(), y)


def test_rows_of_weight_zero_do_not_count_in_the_score():
    X, y = load_diabetes(return_X_y=True)
    wild, far = np.r_[X, np.full((1, X.shape[1]), -1e300)], np.r_[y, 3.0]
    weight = np.r_[np.ones(len(X)), 0]
    model = GaussianMixtureRegressor(2, random_state=0).fit(wild, far, sample_weight=weight)
    expected = model.score(X, y)
    assert model.score(wild, far, sample_weight=weight) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="zero"):
        model.score(X, y, sample_weight=np.zeros(len(X)))
