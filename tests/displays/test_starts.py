"""The picture of several starts."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn import mixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gmmem import GaussianMixture
from gmmem.displays import StartsDisplay


def rows():
    rng = np.random.default_rng(0)
    centres = 6 * rng.standard_normal((6, 2))
    return centres[rng.integers(6, size=400)] + rng.standard_normal((400, 2))


@pytest.mark.parametrize("n_init", [5, "auto"])
def test_it_draws_what_the_report_says(n_init):
    params = {"init_params": "random_from_data", "random_state": 0}
    model = make_pipeline(StandardScaler(), GaussianMixture(6, n_init=n_init, **params))
    report = model.fit(rows())[-1].starts_report_
    display = StartsDisplay.from_estimator(model)
    places = np.column_stack([np.arange(1, report.n_starts + 1), report.shortfall])
    np.testing.assert_allclose(display.points_.get_offsets(), places)
    np.testing.assert_allclose(display.points_.get_array(), report.agreement)
    assert (places[:, 1] < display.limit_.get_ydata()[0]).sum() == report.n_best
    title = f"{report.n_best} of {report.n_starts} starts reached the best"
    assert display.ax_.get_title() == title


def test_own_axes_and_colour():
    figure, ax = plt.subplots()
    display = StartsDisplay([0.3, 0.0], [0.5, 1.0]).plot(ax, color="red")
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert display.points_.get_offsets()[0, 1] == 0
    assert figure.axes == [ax]  # A colour of one's own needs no scale.


@pytest.mark.parametrize(
    "model", [GaussianMixture(2, random_state=0), mixture.GaussianMixture(2, n_init=3)]
)
def test_without_a_report_it_says_what_to_do(model):
    with pytest.raises(TypeError, match="n_init="):
        StartsDisplay.from_estimator(model.fit(rows()))
