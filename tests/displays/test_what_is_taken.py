"""Pipelines, searches, scikit-learn's mixtures, and features by name; all else is told so."""

import numpy as np
import pandas as pd
import pytest
from sklearn import mixture as peers
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC
from gmmem.displays import (
    ClassificationDisplay,
    CriterionDisplay,
    DistributionDisplay,
    LikelihoodDisplay,
    MixtureDisplay,
    UncertaintyDisplay,
)

X = load_iris().data
FRAME = pd.DataFrame(X, columns=["height", "weight", "span", "age"])
DRAWN = {
    MixtureDisplay: {"X": FRAME, "features": (0, 2)},
    ClassificationDisplay: {"X": FRAME, "features": (0, 2)},
    DistributionDisplay: {"X": FRAME, "feature": 2},
    UncertaintyDisplay: {"X": FRAME},
    LikelihoodDisplay: {},
}


def draw(display, estimator, **given):
    return display.from_estimator(estimator, **(DRAWN[display] | given))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("kind", [peers.GaussianMixture, peers.BayesianGaussianMixture])
def test_the_mixtures_of_scikit_learn(kind, covariance_type):
    # As many components as features: tied and diagonal covariances have one shape.
    given = {"n_components": 4, "covariance_type": covariance_type, "random_state": 0}
    fitted = kind(**given, reg_covar=1e-3, max_iter=1000).fit(FRAME)
    eye = np.eye(4)
    dense = {
        "full": lambda c: c,
        "tied": lambda c: np.broadcast_to(c, (4, 4, 4)),
        "diag": lambda c: c[:, :, None] * eye,
        "spherical": lambda c: c[:, None, None] * eye,
    }
    covariances = dense[covariance_type](fitted.covariances_)
    display = draw(MixtureDisplay, fitted)
    np.testing.assert_allclose(display.covariances, covariances[:, ::2, ::2], atol=1e-12)
    np.testing.assert_array_equal(display.means, fitted.means_[:, ::2])
    np.testing.assert_allclose(display.responsibilities, fitted.predict_proba(FRAME))
    assert display.ax_.get_xlabel() == "height"
    labels = draw(ClassificationDisplay, fitted).labels
    np.testing.assert_array_equal(labels, fitted.predict(FRAME))
    uncertainty = draw(UncertaintyDisplay, fitted).uncertainty
    np.testing.assert_allclose(uncertainty, 1 - fitted.predict_proba(FRAME).max(axis=1))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_variational_beliefs(covariance_type):
    fitted = BayesianGaussianMixture(4, covariance_type=covariance_type, random_state=0)
    fitted = fitted.set_params(max_iter=1000).fit(FRAME)
    display = draw(MixtureDisplay, fitted)
    np.testing.assert_array_equal(display.means, fitted.means_[:, ::2])
    np.testing.assert_allclose(display.responsibilities, fitted.predict_proba(FRAME))
    np.testing.assert_array_equal(draw(ClassificationDisplay, fitted).labels, fitted.predict(FRAME))
    uncertainty = draw(UncertaintyDisplay, fitted).uncertainty
    np.testing.assert_allclose(uncertainty, 1 - fitted.predict_proba(FRAME).max(axis=1))
    (line,) = draw(LikelihoodDisplay, fitted).lines_
    np.testing.assert_array_equal(line.get_ydata(), fitted.lower_bounds_)
    assert draw(DistributionDisplay, fitted).ax_ is not None


def test_the_likelihoods_of_scikit_learn():
    fitted = peers.GaussianMixture(3, random_state=0).fit(X)
    if hasattr(fitted, "lower_bounds_"):
        (line,) = LikelihoodDisplay.from_estimator(fitted).lines_
        np.testing.assert_array_equal(line.get_ydata(), fitted.lower_bounds_)
        del fitted.lower_bounds_
    with pytest.raises(ValueError, match="GaussianMixture keeps no likelihoods"):
        LikelihoodDisplay.from_estimator(fitted)


@pytest.mark.parametrize("last", [GaussianMixture(3, random_state=0), GaussianMixtureIC([2, 3])])
def test_a_pipeline_shows_what_its_last_step_sees(last):
    pipeline = make_pipeline(StandardScaler(), last).fit(FRAME)
    scaled = pipeline[:-1].transform(FRAME)
    for display in DRAWN:
        draw(display, pipeline)
    display = draw(MixtureDisplay, pipeline)
    np.testing.assert_allclose(display.points_[0].get_offsets(), scaled[:, [0, 2]])
    np.testing.assert_array_equal(display.means, pipeline[-1].means_[:, [0, 2]])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("height", "span")
    projected = make_pipeline(StandardScaler(), PCA(2), last).fit(FRAME)
    display = MixtureDisplay.from_estimator(projected, FRAME)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("pca0", "pca1")
    by_name = MixtureDisplay.from_estimator(projected, FRAME, features="pca1")
    assert by_name.ax_.get_xlabel() == "pca1"
    nameless = make_pipeline(FunctionTransformer(np.log), last).fit(X)
    display = MixtureDisplay.from_estimator(nameless, X, features=[3])
    assert display.ax_.get_xlabel() == "feature 3"


def test_a_pipeline_in_a_pipeline_and_of_one_step():
    inner = make_pipeline(PCA(2), GaussianMixture(2, random_state=0))
    outer = make_pipeline(StandardScaler(), inner).fit(X)
    display = MixtureDisplay.from_estimator(outer, X)
    np.testing.assert_array_equal(display.means, outer[-1][-1].means_)
    alone = make_pipeline(GaussianMixture(2, random_state=0)).fit(X)
    assert len(LikelihoodDisplay.from_estimator(alone).lines_) == 1


@pytest.mark.filterwarnings("ignore:reg_covar=1e-06 makes up")
def test_a_search_of_scikit_learn_shows_its_best():
    pipeline = make_pipeline(StandardScaler(), GaussianMixture(random_state=0))
    grid = {"gaussianmixture__n_components": [2, 3]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(FRAME)
    for display in DRAWN:
        draw(display, search)
    best = search.best_estimator_[-1]
    np.testing.assert_array_equal(draw(MixtureDisplay, search).means, best.means_[:, [0, 2]])
    for not_refitted in (
        GridSearchCV(pipeline, grid),
        GridSearchCV(pipeline, grid, cv=2, refit=False).fit(X),
    ):
        with pytest.raises(NotFittedError, match="refit=True"):
            draw(MixtureDisplay, not_refitted)


@pytest.mark.filterwarnings("ignore:The best candidate")
def test_the_criterion_of_a_search_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), GaussianMixtureIC([1, 2], covariance_type="EEE"))
    display = CriterionDisplay.from_estimator(pipeline.fit(X))
    np.testing.assert_array_equal(display.lines_["EEE"].get_ydata(), pipeline[-1].results_["bic"])
    display.values = np.full(2, np.nan)
    with pytest.raises(ValueError, match="No candidate has a BIC"):
        display.plot()


@pytest.mark.parametrize("display", [*DRAWN, CriterionDisplay])
@pytest.mark.parametrize(
    "other",
    [
        KMeans(3, n_init=1, random_state=0),
        make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)),
        StandardScaler(),
    ],
)
def test_other_estimators_are_refused(display, other):
    given = {} if display is CriterionDisplay else DRAWN[display]
    with pytest.raises(TypeError, match=r"Display draws .* it got (Pipeline.*KMeans|[KS]\w+)\."):
        display.from_estimator(other.fit(FRAME), **given)


def test_a_classifier_is_no_mixture():
    classifier = LogisticRegression(max_iter=1000).fit(X, load_iris().target)
    for display in (MixtureDisplay, ClassificationDisplay, DistributionDisplay, LikelihoodDisplay):
        with pytest.raises(TypeError, match="it got LogisticRegression"):
            draw(display, classifier)
    with pytest.raises(TypeError, match="it got LogisticRegression"):
        CriterionDisplay.from_estimator(classifier)


@pytest.mark.parametrize("display", DRAWN)
@pytest.mark.parametrize(
    "unfitted",
    [
        GaussianMixture(),
        GaussianMixtureIC(),
        peers.GaussianMixture(),
        make_pipeline(PCA(2), GaussianMixture()),
    ],
)
def test_a_fit_comes_first(display, unfitted):
    with pytest.raises(NotFittedError, match="not fitted"):
        draw(display, unfitted)


def test_features_by_name():
    model = GaussianMixture(3, random_state=0).fit(FRAME)
    for features in (("height", "weight"), ["height", 1], (0, "weight"), np.array([0, 1])):
        display = MixtureDisplay.from_estimator(model, FRAME, features=features)
        assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("height", "weight")
        np.testing.assert_array_equal(display.X, X[:, :2])
        other = ClassificationDisplay.from_estimator(model, FRAME, features=features)
        np.testing.assert_array_equal(other.X, X[:, :2])
    for one in ("span", 2, ["span"], np.int64(2), np.array(2)):
        display = DistributionDisplay.from_estimator(model, FRAME, feature=one)
        np.testing.assert_array_equal(display.x, X[:, 2])
    # Without names of their own they have those that the axes show.
    nameless = GaussianMixture(3, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(nameless, X, features=["feature 3", "feature 0"])
    np.testing.assert_array_equal(display.X, X[:, [3, 0]])


@pytest.mark.parametrize(
    "features",
    ["size", ("height", "size"), -1, [4], [True], [0.0], [None], [["height"]], [["height"], 1]],
)
def test_features_that_are_not_there(features):
    model = GaussianMixture(2, random_state=0).fit(FRAME)
    with pytest.raises(ValueError, match=r"features=.* is no column of X: .* 0 to 3.*'height'"):
        MixtureDisplay.from_estimator(model, FRAME, features=features)


@pytest.mark.parametrize("features", [[], ["height", "height"], ["height", 0]])
def test_features_that_are_not_different(features):
    model = GaussianMixture(2, random_state=0).fit(FRAME)
    with pytest.raises(ValueError, match=r"features=.* must be different columns"):
        MixtureDisplay.from_estimator(model, FRAME, features=features)


def test_how_many_features_a_picture_takes():
    model = GaussianMixture(2, random_state=0).fit(FRAME)
    with pytest.raises(ValueError, match="A plane has two features, not 4"):
        ClassificationDisplay.from_estimator(model, FRAME)
    with pytest.raises(ValueError, match="has 4 features: name the one"):
        DistributionDisplay.from_estimator(model, FRAME)
    with pytest.raises(ValueError, match="must be one feature"):
        DistributionDisplay.from_estimator(model, FRAME, feature=[0, 1])
