"""Density, distribution function and quantiles of one feature, against scipy's."""

import numpy as np
import pytest
from scipy import integrate, stats

from gmmem import GaussianMixture
from gmmem.datasets import load_old_faithful
from gmmem.displays import DistributionDisplay

X = load_old_faithful()
MODEL = GaussianMixture(2, random_state=0).fit(X)


def scipy_mixture(function, x, feature=1, model=MODEL):
    deviations = np.sqrt(model.covariances_[:, feature, feature])
    return sum(
        weight * getattr(stats.norm(mean, deviation), function)(x)
        for weight, mean, deviation in zip(
            model.weights_, model.means_[:, feature], deviations, strict=True
        )
    )


def test_density():
    display = DistributionDisplay.from_estimator(MODEL, X, feature=1)
    x = display.line_.get_xdata()
    np.testing.assert_allclose(display.line_.get_ydata(), scipy_mixture("pdf", x))
    parts = np.array([part.get_ydata() for part in display.parts_])
    np.testing.assert_allclose(parts.sum(axis=0), display.line_.get_ydata())
    area = sum(bar.get_width() * bar.get_height() for bar in display.data_)
    assert area == pytest.approx(1)
    assert display.ax_.get_xlim() == (x[0], x[-1])
    assert x[0] < X[:, 1].min() and X[:, 1].max() < x[-1]
    assert display.ax_.get_xlabel(), display.ax_.get_ylabel() == ("feature 1", "density")


def test_cdf():
    display = DistributionDisplay.from_estimator(MODEL, X, feature=1, kind="cdf")
    x, y = display.line_.get_data()
    np.testing.assert_allclose(y, scipy_mixture("cdf", x), atol=1e-15)
    # The steps are the empirical distribution function: at each, the share of rows up to it.
    steps, shares = display.data_.get_data()
    expected = [(X[:, 1] <= step).mean() for step in steps]
    last = np.r_[np.diff(steps) > 0, True]
    np.testing.assert_allclose(shares[last], np.array(expected)[last])
    assert display.data_.get_drawstyle() == "steps-post"
    assert display.ax_.get_ylim() == (-0.02, 1.02)


def test_quantile():
    display = DistributionDisplay.from_estimator(MODEL, X, feature=1, kind="quantile")
    p, x = display.line_.get_data()
    assert (np.diff(x) > 0).all() and 0 < p[0] < 0.01 and 0.99 < p[-1] < 1
    np.testing.assert_allclose(scipy_mixture("cdf", x), p, rtol=1e-12)
    shares, values = display.data_.get_data()
    np.testing.assert_array_equal(values, np.sort(X[:, 1]))
    np.testing.assert_allclose(shares, (np.arange(272) + 0.5) / 272)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("probability", "feature 1")


def test_quantiles_against_quantiles():
    display = DistributionDisplay.from_estimator(MODEL, X, feature=1, kind="qq")
    expected, values = display.line_.get_data()
    np.testing.assert_array_equal(values, np.sort(X[:, 1]))
    np.testing.assert_allclose(scipy_mixture("cdf", expected), (np.arange(272) + 0.5) / 272)
    np.testing.assert_array_equal(*display.data_.get_data())
    assert display.ax_.get_ylabel() == "quantiles of feature 1"


@pytest.mark.parametrize("kind", ["density", "cdf", "quantile"])
def test_without_rows(kind):
    display = DistributionDisplay.from_estimator(MODEL, feature=0, kind=kind)
    assert display.data_ is None
    assert np.isfinite(display.line_.get_data()).all()
    if kind == "density":
        x, y = display.line_.get_data()
        assert integrate.trapezoid(y, x) == pytest.approx(1, abs=1e-3)


def test_kinds_and_what_they_need():
    with pytest.raises(ValueError, match="kind='pdf' must be one of"):
        DistributionDisplay.from_estimator(MODEL, X, feature=0, kind="pdf")
    with pytest.raises(ValueError, match='kind="qq" compares with rows: give X'):
        DistributionDisplay.from_estimator(MODEL, feature=0, kind="qq")
