"""Colours that can be told apart: none twice, and seven for any colour vision."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from gmmem import GaussianMixture
from gmmem.displays import CriterionDisplay, MixtureDisplay, UncertaintyDisplay
from gmmem.displays.canvas import canvas
from gmmem.displays.palette import COLOURS, colour, line, marker, oklab

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def seen(colours, vision="normal"):
    """Colours in OKLab, as an eye of some kind sees them."""
    rgb = np.array([to_rgb(name) for name in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return oklab(rgb)


def closest(places):
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    return apart[~np.eye(len(places), dtype=bool)].min()


def test_oklab():
    # Ottosson's own table: white, and the corners of sRGB.
    np.testing.assert_allclose(oklab(np.array([1.0, 1, 1])), [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(oklab(np.array([1.0, 0, 0])), [0.628, 0.225, 0.126], atol=5e-4)
    np.testing.assert_allclose(oklab(np.array([0.0, 0, 1])), [0.452, -0.032, -0.312], atol=5e-4)


@pytest.mark.parametrize(("vision", "least"), [(v, 0.07) for v in VISION])
def test_seven_colours_for_any_vision(vision, least):
    assert closest(seen([colour(k) for k in range(7)], vision)) > least


@pytest.mark.parametrize(("n", "least"), [(14, 0.12), (30, 0.08), (100, 0.04)])
def test_no_colour_twice(n, least):
    colours = [colour(k) for k in range(n)]
    assert colours[:7] == list(COLOURS)
    assert closest(seen(["white", "black", *colours])) > min(least, closest(seen(COLOURS)))
    # 0.02 is a difference that can just be seen.
    assert least >= 0.04
    # Asked for one by one, in any order, they are the same.
    assert [colour(np.int64(k)) for k in reversed(range(n))] == colours[::-1]


def many(n_components, seed=0):
    rng = np.random.RandomState(seed)
    centres = rng.uniform(-20, 20, size=(n_components, 2))
    covariances = np.ones(n_components)
    model = GaussianMixture.from_parameters(
        np.full(n_components, 1 / n_components),
        centres,
        covariances,
        covariance_type="spherical",
        random_state=seed,
    )
    return model, model.sample(1000)[0]


@pytest.mark.parametrize("n_components", [8, 30, 60])
def test_many_components_are_told_apart(n_components):
    model, X = many(n_components)
    display = MixtureDisplay.from_estimator(model, X, probability=0.5)
    edges = {ellipse.get_edgecolor() for ellipse in display.ellipses_}
    assert len(edges) == n_components
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts == [str(k) for k in range(n_components)]
    np.testing.assert_allclose([text.get_position() for text in display.ax_.texts], model.means_)
    uncertainty = UncertaintyDisplay.from_estimator(model, X)
    faces = {tuple(points.get_facecolor()[0]) for points in uncertainty.points_}
    assert len(faces) == len(np.unique(model.predict(X)))


def test_few_components_need_no_numbers():
    model, X = many(7)
    assert len(MixtureDisplay.from_estimator(model, X).ax_.texts) == 0


@pytest.mark.parametrize("n_components", [8, 30, 60])
@pytest.mark.parametrize("own_axes", [False, True])
def test_a_long_legend_does_not_squash_the_axes(n_components, own_axes):
    model, X = many(n_components)
    ax = canvas()[1] if own_axes else None
    few = UncertaintyDisplay.from_estimator(*many(2))
    few.figure_.canvas.draw()
    display = UncertaintyDisplay.from_estimator(model, X, ax=ax)
    display.figure_.canvas.draw()
    box, before = display.ax_.get_window_extent(), few.ax_.get_window_extent()
    assert box.width > 0.97 * before.width and box.height > 0.97 * before.height
    legend = display.ax_.get_legend()
    inside = legend.get_window_extent()
    assert box.x0 <= inside.x0 and inside.x1 <= box.x1
    assert box.y0 <= inside.y0 and inside.y1 <= box.y1
    # Numbers of all components that have rows, in order.
    shown = [text.get_text().removeprefix("component ") for text in legend.get_texts()]
    assert shown == [str(k) for k in np.unique(model.predict(X))]


def test_a_component_without_rows_does_not_shift_the_colours():
    display = UncertaintyDisplay([0.1, 0.2, 0.3], [0, 2, 2]).plot()
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "component 0",
        "component 2",
    ]
    np.testing.assert_allclose(display.points_[1].get_facecolor()[0, :3], to_rgb(colour(2)))
    named = UncertaintyDisplay([0.1, 0.2], ["b", "a"]).plot()
    np.testing.assert_allclose(named.points_[0].get_facecolor()[0, :3], to_rgb(colour(0)))


def test_forty_models_of_a_search():
    names = np.array([f"model {k}" for k in range(40)])
    display = CriterionDisplay(np.full(40, 2), names, np.arange(40.0), "bic").plot()
    assert len({drawn.get_color() for drawn in display.lines_.values()}) == 40
    assert [display.lines_[name].get_marker() for name in names] == [marker(k) for k in range(40)]
    assert display.lines_["model 7"].get_linestyle() == line(7) == "--"
