"""Regions of classification: where the boundary lies, which colour a region has."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from sklearn.datasets import load_iris

from gmmem import GaussianMixture
from gmmem.datasets import load_old_faithful
from gmmem.displays import ClassificationDisplay
from gmmem.displays.palette import colour

IRIS = load_iris().data
DATA = {
    "faithful": (load_old_faithful(), 2),
    "petals": (IRIS[:, 2:], 3),
    "noise": (np.random.RandomState(0).normal(size=(300, 2)), 5),
}


@pytest.fixture(params=DATA)
def fitted(request):
    X, n_components = DATA[request.param]
    return GaussianMixture(n_components, random_state=0).fit(X), X


def test_the_two_most_probable_are_as_probable_at_the_boundary(fitted):
    model, X = fitted
    display = ClassificationDisplay.from_estimator(model, X)
    assert len(display.boundaries_) == model.n_components - 1
    vertices = np.vstack([b.get_paths()[0].vertices for b in display.boundaries_])
    assert len(vertices) > 50
    shares = np.sort(model.predict_proba(vertices), axis=1)
    # A straight cut through a cell of the grid: on average within a few hundredths.
    assert (shares[:, -1] - shares[:, -2]).mean() < 0.02


def test_each_point_has_the_tint_of_its_responsibilities(fitted):
    model, X = fitted
    display = ClassificationDisplay.from_estimator(model, X)
    picture = display.image_.get_array()
    left, right, bottom, top = display.image_.get_extent()
    rows, columns = picture.shape[:2]
    # Centres of pixels.
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    palette = np.array([to_rgb(colour(k)) for k in range(model.n_components)])
    expected = 1 - 0.35 * (1 - model.predict_proba(grid) @ palette)
    np.testing.assert_allclose(np.asarray(picture).reshape(-1, 3), expected, atol=1e-6)
    assert display.image_.origin == "lower"


def test_rows_by_component(fitted):
    model, X = fitted
    display = ClassificationDisplay.from_estimator(model, X)
    labels = model.predict(X)
    for k, points in zip(np.unique(labels), display.points_, strict=True):
        np.testing.assert_array_equal(points.get_offsets(), X[labels == k])
        np.testing.assert_allclose(points.get_facecolor()[0, :3], to_rgb(colour(k)))
    assert [text.get_text() for text in display.numbers_] == [
        str(k) for k in range(model.n_components)
    ]
    np.testing.assert_allclose([text.get_position() for text in display.numbers_], model.means_)
    (left, right), (bottom, top) = display.ax_.get_xlim(), display.ax_.get_ylim()
    assert (X > [left, bottom]).all() and (X < [right, top]).all()
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("feature 0", "feature 1")


def test_two_equal_spheres_part_in_the_middle():
    model = GaussianMixture.from_parameters(
        [0.5, 0.5], [[-2, 0], [2, 0]], [1, 1], covariance_type="spherical"
    )
    X = np.random.RandomState(0).normal(size=(40, 2))
    (boundary,) = ClassificationDisplay.from_estimator(model, X).boundaries_
    np.testing.assert_allclose(boundary.get_paths()[0].vertices[:, 0], 0, atol=1e-9)


def test_two_of_four_features():
    model = GaussianMixture(3, random_state=0).fit(IRIS)
    display = ClassificationDisplay.from_estimator(model, IRIS, features=[3, 0])
    np.testing.assert_array_equal(display.labels, model.predict(IRIS))
    marginal = GaussianMixture.from_parameters(
        model.weights_, model.means_[:, [3, 0]], model.covariances_[:, [3, 0]][:, :, [3, 0]]
    )
    vertices = np.vstack([b.get_paths()[0].vertices for b in display.boundaries_])
    shares = np.sort(marginal.predict_proba(vertices), axis=1)
    assert (shares[:, -1] - shares[:, -2]).mean() < 0.02


def test_one_component_has_no_boundary():
    X = load_old_faithful()
    display = ClassificationDisplay.from_estimator(GaussianMixture(1).fit(X), X)
    assert display.boundaries_ == [] and len(display.points_) == 1
