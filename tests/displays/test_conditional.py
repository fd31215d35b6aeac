"""Conditional densities drawn: those of the density, over the rows, of the columns asked for."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, load_linnerud
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture as Sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureRegressor
from gmmem.datasets import load_old_faithful
from gmmem.displays import ConditionalDisplay

X = load_old_faithful()
IRIS = pd.DataFrame(load_iris().data, columns=["height", "weight", "span", "age"])


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_is_the_density_of_the_model():
    model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
    display = ConditionalDisplay.from_estimator(model, X[:, :1], X[:, 1], coverage=0.8)
    grid = display.x[:, None]
    np.testing.assert_allclose(display.line_.get_ydata(), model.predict(grid))
    band = np.column_stack([line.get_ydata() for line in display.band_])
    np.testing.assert_allclose(band, model.predict_interval(grid, coverage=0.8))
    for j in (0, 100, 239):
        at = np.full((240, 1), display.x[j])
        expected = np.exp(model.score_samples(at, display.y))
        np.testing.assert_allclose(display.density[:, j], expected, rtol=1e-8, atol=1e-300)
    np.testing.assert_array_equal(display.image_.get_array(), display.density)
    np.testing.assert_array_equal(display.points_.get_offsets(), X)
    assert display.x[0] < X[:, 0].min() and X[:, 1].max() < display.y[-1]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("feature 0", "y")
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["mean", "80% interval"]


def test_without_rows_the_components_are_spanned():
    model = GaussianMixture(2, random_state=0).fit(X)
    display = ConditionalDisplay.from_estimator(model)
    assert display.points_ is None
    np.testing.assert_allclose(trapezoid(display.density, display.y, axis=0), 1, atol=0.04)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("feature 0", "feature 1")


def test_other_columns_are_integrated_out():
    model = GaussianMixture(3, random_state=0).fit(IRIS)
    display = ConditionalDisplay.from_estimator(model, IRIS, feature="span", target="weight")
    pair = model.marginal(["span", "weight"])
    for j in (0, 120):
        given = pair.conditional("span", display.x[j])
        expected = np.exp(given.mixture_.log_density(display.y[:, None]))
        np.testing.assert_allclose(display.density[:, j], expected, rtol=1e-8, atol=1e-300)
    np.testing.assert_array_equal(display.points_.get_offsets(), IRIS[["span", "weight"]])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("span", "weight")


def test_one_of_several_outputs():
    Z, Y = load_linnerud(return_X_y=True, as_frame=True)
    inner = GaussianMixture(reg_covar=1.0)
    model = GaussianMixtureRegressor(estimator=inner).fit(Z, Y)
    display = ConditionalDisplay.from_estimator(model, Z, Y, feature="Jumps", target=2)
    points = np.column_stack([Z["Jumps"], Y.iloc[:, 2]])
    np.testing.assert_array_equal(display.points_.get_offsets(), points)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("Jumps", "output 2")


def test_rows_with_gaps():
    rows = X.copy()
    rows[::4, 0] = np.nan
    model = GaussianMixtureRegressor(2, random_state=0).fit(rows[:, :1], rows[:, 1])
    display = ConditionalDisplay.from_estimator(model, rows[:, :1], rows[:, 1])
    assert np.isfinite(display.x).all() and np.isfinite(display.density).all()


def test_pipelines_searches_and_variational_fits():
    steps = make_pipeline(StandardScaler(), GaussianMixtureRegressor(2, random_state=0))
    steps.fit(IRIS.iloc[:, :3], IRIS["age"])
    shown = ConditionalDisplay.from_estimator(steps, IRIS.iloc[:, :3], IRIS["age"], feature="span")
    assert shown.ax_.get_xlabel() == "span" and abs(shown.x.mean()) < 0.5
    search = GridSearchCV(GaussianMixtureRegressor(random_state=0), {"n_components": [1, 2]})
    search.fit(X[:, :1], X[:, 1])
    assert ConditionalDisplay.from_estimator(search).ax_.get_ylabel() == "y"
    variational = BayesianGaussianMixture(2, random_state=0).fit(X)
    assert ConditionalDisplay.from_estimator(variational, X).points_ is not None


def test_axes_and_style():
    figure, ax = plt.subplots()
    model = GaussianMixture(2, random_state=0).fit(X)
    display = ConditionalDisplay.from_estimator(model, ax=ax, color="black", lw=3)
    assert display.ax_ is ax and display.figure_ is figure
    assert display.line_.get_linewidth() == 3
    assert {line.get_color() for line in (display.line_, *display.band_)} == {"black"}


def test_what_is_taken():
    with pytest.raises(TypeError, match=r"ConditionalDisplay draws .* it got KMeans"):
        ConditionalDisplay.from_estimator(KMeans(2, n_init=1).fit(X))
    with pytest.raises(TypeError, match="it got Pipeline whose estimator is PCA"):
        ConditionalDisplay.from_estimator(make_pipeline(StandardScaler(), PCA(1)).fit(X))
    with pytest.raises(TypeError, match="it got GaussianMixture"):
        ConditionalDisplay.from_estimator(Sklearn(2).fit(X))
    with pytest.raises(NotFittedError):
        ConditionalDisplay.from_estimator(GaussianMixtureRegressor())
    model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
    mixture = GaussianMixture(2, random_state=0).fit(X)
    for given, message in (
        ({"feature": 1}, "feature: 1 is no column"),
        ({"feature": [0, 0]}, "twice"),
        ({"target": 1}, "target: 1 is no column"),
        ({"coverage": 1.0}, "coverage=1.0"),
        ({"X": X[:, :1]}, "y must be given"),
    ):
        with pytest.raises(ValueError, match=message):
            ConditionalDisplay.from_estimator(model, **given)
    for given, message in (
        ({"feature": 1}, "must be different columns"),
        ({"feature": [0, 1]}, "must be one column"),
    ):
        with pytest.raises(ValueError, match=message):
            ConditionalDisplay.from_estimator(mixture, **given)


def test_rows_of_nullable_columns():
    rows = pd.DataFrame(X, columns=["length", "pause"]).astype("Float64")
    mixture = GaussianMixture(2, random_state=0).fit(rows)
    unseen = ConditionalDisplay.from_estimator(mixture)
    rows.iloc[::3, 1] = pd.NA
    display = ConditionalDisplay.from_estimator(mixture, rows)
    assert np.isnan(display.rows[::3, 1]).all()
    # Where no row has a value, the components say what an axis spans.
    rows["pause"] = pd.array([pd.NA] * len(rows), "Float64")
    display = ConditionalDisplay.from_estimator(mixture, rows)
    np.testing.assert_array_equal(display.y, unseen.y)


def test_rows_that_do_not_fit():
    model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
    for given, message in (
        ((X, X[:, 1]), "X has 2 columns, but it had 1 in the fit"),
        ((X[:, :1], X), "y has 2 columns, but it had 1 in the fit"),
        ((X[:, :1], X[:9, 1]), "inconsistent numbers of samples"),
        ((X[:0, :1], X[:0, 1]), "0 sample"),
        ((X[:, :1] * np.inf, X[:, 1]), "X contains infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            ConditionalDisplay.from_estimator(model, *given)
