"""What the pictures draw: artists, limits, labels."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest
from matplotlib.colors import to_rgba
from scipy import stats
from sklearn.exceptions import NotFittedError

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.datasets import load_old_faithful
from gmmem.displays import (
    ClassificationDisplay,
    CriterionDisplay,
    DistributionDisplay,
    LikelihoodDisplay,
    MixtureDisplay,
    UncertaintyDisplay,
)
from tests.test_golden import read

X = load_old_faithful()


@pytest.fixture(scope="module")
def search():
    return GaussianMixtureIC(range(1, 5)).fit(X)


@pytest.fixture(scope="module")
def model():
    return GaussianMixture(2, random_state=0).fit(X)


def test_criterion(search):
    display = CriterionDisplay.from_estimator(search)
    results = search.results_
    assert set(display.lines_) == set(results["covariance_type"])
    for name, line in display.lines_.items():
        rows = results["covariance_type"] == name
        np.testing.assert_array_equal(line.get_xdata(), results["n_components"][rows])
        np.testing.assert_array_equal(line.get_ydata(), results["bic"][rows])
    assert display.winner_.get_xdata() == search.n_components_
    assert display.winner_.get_ydata() == search.best_score_
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("Number of components", "BIC")
    styles = {
        (line.get_color(), line.get_marker(), line.get_linestyle())
        for line in display.lines_.values()
    }
    assert len(styles) == 14
    _, ax = plt.subplots()
    other = CriterionDisplay.from_estimator(search, criterion="icl", ax=ax, linewidth=3)
    assert other.ax_ is ax and other.figure_ is ax.figure
    assert other.ax_.get_ylabel() == "ICL"
    assert all(line.get_linewidth() == 3 for line in other.lines_.values())
    with pytest.raises(ValueError, match="criterion='mdl'"):
        CriterionDisplay.from_estimator(search, criterion="mdl")


@pytest.mark.filterwarnings("ignore:.* components")
def test_a_failed_candidate_is_a_gap():
    data = np.repeat(np.random.RandomState(0).normal(size=(4, 2)), 5, axis=0)
    search = GaussianMixtureIC([1, 2], covariance_type=["VVV", "EII"]).fit(data)
    line = CriterionDisplay.from_estimator(search).lines_["VVV"]
    assert np.isnan(line.get_ydata()).tolist() == [False, True]


def test_mixture_in_two_dimensions(model):
    display = MixtureDisplay.from_estimator(model, X, probability=(0.5, 0.9))
    assert len(display.ellipses_) == 4
    for number, ellipse in enumerate(display.ellipses_):
        k, share = divmod(number, 2)
        np.testing.assert_allclose(ellipse.center, model.means_[k])
        # Its area is that of the ellipse that holds the stated probability.
        radius = stats.chi2.ppf((0.5, 0.9)[share], 2)
        area = np.pi * radius * np.sqrt(np.linalg.det(model.covariances_[k]))
        assert np.pi * ellipse.width * ellipse.height / 4 == pytest.approx(area)
        # And its outline lies at that Mahalanobis distance.
        outline = ellipse.get_transform().transform(ellipse.get_path().vertices)
        outline = display.ax_.transData.inverted().transform(outline) - model.means_[k]
        distance = np.einsum("ni,ij,nj->n", outline, model.precisions_[k], outline)
        assert distance[0] == pytest.approx(radius, rel=1e-6)
    points = display.ax_.collections[0]
    np.testing.assert_array_equal(points.get_offsets(), X)
    assert len(points.get_facecolors()) == len(X)
    left, right = display.ax_.get_xlim()
    assert left < X[:, 0].min() and right > X[:, 0].max()
    with_contours = len(display.ax_.collections)
    plain = MixtureDisplay.from_estimator(model, X, contours=False)
    assert with_contours == len(plain.ax_.collections) + 1


def test_mixture_in_one_dimension():
    line = GaussianMixture(2, random_state=0).fit(X[:, 1:])
    display = MixtureDisplay.from_estimator(line, X[:, 1:])
    *parts, total = display.ax_.lines
    assert len(parts) == 2
    np.testing.assert_allclose(sum(part.get_ydata() for part in parts), total.get_ydata())
    x = total.get_xdata()
    np.testing.assert_allclose(total.get_ydata(), np.exp(line.score_samples(x[:, None])))


@pytest.mark.parametrize("covariance_type", ["tied", "VVI", "VII", "EEV"])
def test_mixture_of_many_features(covariance_type):
    frame = pandas.DataFrame(read("iris"), columns=["a", "b", "c", "d"])
    fitted = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(frame)
    display = MixtureDisplay.from_estimator(fitted, frame, probability=(0.9,))
    assert display.ax_.shape == (4, 4)
    assert len(display.ellipses_) == 12 * 3
    assert [ax.get_xlabel() for ax in display.ax_[-1]] == ["a", "b", "c", "d"]
    pair = MixtureDisplay.from_estimator(fitted, frame, features=[2, 0])
    assert (pair.ax_.get_xlabel(), pair.ax_.get_ylabel()) == ("c", "a")
    np.testing.assert_allclose(pair.ellipses_[0].center, fitted.means_[0, [2, 0]])
    with pytest.raises(ValueError, match="features="):
        MixtureDisplay.from_estimator(fitted, frame, features=[4])
    with pytest.raises(ValueError, match="leave ax out"):
        MixtureDisplay.from_estimator(fitted, frame, ax=pair.ax_)
    with pytest.raises(ValueError, match="probability="):
        MixtureDisplay.from_estimator(fitted, frame, features=[0, 1], probability=(1.5,))


def test_likelihood():
    model = GaussianMixture(3, n_init=3, init_params="random_from_data", random_state=0).fit(X)
    display = LikelihoodDisplay.from_estimator(model)
    assert len(display.lines_) == 3
    kept = display.lines_[display.best]
    np.testing.assert_array_equal(kept.get_ydata(), model.lower_bounds_)
    assert max(line.get_ydata()[-1] for line in display.lines_) == model.lower_bound_
    assert display.ax_.get_xlabel() == "Iteration"
    start = GaussianMixture(2, random_state=0, max_iter=0).fit(X)
    with pytest.raises(ValueError, match="no iteration"):
        LikelihoodDisplay.from_estimator(start)


def test_likelihood_of_a_search(search):
    assert len(LikelihoodDisplay.from_estimator(search).lines_) == 1


def test_uncertainty(model):
    display = UncertaintyDisplay.from_estimator(model, X)
    drawn = np.vstack([points.get_offsets() for points in display.points_])
    expected = 1 - model.predict_proba(X).max(axis=1)
    np.testing.assert_allclose(drawn[drawn[:, 0].argsort(), 1], np.sort(expected))
    counts = [len(points.get_offsets()) for points in display.points_]
    assert counts == np.bincount(model.predict(X)).tolist()
    assert "Uncertainty" in display.ax_.get_ylabel()


def test_keywords_take_the_place_of_the_style(search, model):
    lines = CriterionDisplay.from_estimator(search, lw=3, c="red", ls=":", label="x").lines_
    assert {(line.get_linewidth(), line.get_color()) for line in lines.values()} == {(3, "red")}
    (line,) = LikelihoodDisplay.from_estimator(model, lw=4, ms=9).lines_
    assert (line.get_linewidth(), line.get_markersize()) == (4, 9)
    red = to_rgba("red")
    for keywords in ({"color": "red"}, {"c": "red"}):
        (points,) = MixtureDisplay.from_estimator(model, X, **keywords).points_
        np.testing.assert_allclose(points.get_facecolors()[:, :3], [red[:3]])
        for points in UncertaintyDisplay.from_estimator(model, X, **keywords).points_:
            np.testing.assert_allclose(points.get_facecolors()[:, :3], [red[:3]])
        for points in ClassificationDisplay.from_estimator(model, X, **keywords).points_:
            np.testing.assert_allclose(points.get_facecolors(), [red])
    (points,) = MixtureDisplay.from_estimator(model, X, c=np.arange(272.0)).points_
    np.testing.assert_array_equal(points.get_array(), np.arange(272))
    (points,) = MixtureDisplay.from_estimator(model, X, lw=1).points_
    assert points.get_linewidth() == [1]
    for points in UncertaintyDisplay.from_estimator(model, X, linewidths=1).points_:
        assert points.get_linewidth() == [1]
    line = DistributionDisplay.from_estimator(model, feature=0, c="red", lw=5).line_
    assert (line.get_color(), line.get_linewidth()) == ("red", 5)


def test_bad_input(model):
    for display in (CriterionDisplay, LikelihoodDisplay):
        with pytest.raises(NotFittedError):
            display.from_estimator(GaussianMixture())
    for features in (["a", "b"], [1, 1], [True, False], [0.5], []):
        with pytest.raises(ValueError, match="features="):
            MixtureDisplay.from_estimator(model, X, features=features)
    assert MixtureDisplay.from_estimator(model, X, features=1).ax_.get_xlabel() == "feature 1"
    assert len(MixtureDisplay.from_estimator(model, X, probability=0.9).ellipses_) == 2


def test_matplotlib_is_an_extra():
    code = (
        "import sys; sys.modules['matplotlib'] = None; sys.modules['matplotlib.pyplot'] = None\n"
        "import gmmem.displays as displays\n"
        "try:\n    displays.UncertaintyDisplay([0.1], [0]).plot()\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "gmmem[plot]" in done.stdout
