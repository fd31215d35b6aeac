"""What a matrix of pictures draws, and how long it takes."""

import time

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from gmmem import GaussianMixture
from gmmem.displays import MixtureDisplay


def clusters(n_features, n_components=3, n_rows=1000, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_rows, n_features))
    X += rng.randint(n_components, size=(n_rows, 1)) * rng.normal(size=n_features, scale=3)
    return GaussianMixture(n_components, random_state=seed).fit(X), X


def log_density(model, pair, points):
    """By scipy, component by component."""
    return np.log(
        sum(
            weight * multivariate_normal(mean[pair], covariance[np.ix_(pair, pair)]).pdf(points)
            for weight, mean, covariance in zip(
                model.weights_, model.means_, model.covariances_, strict=True
            )
        )
    )


@pytest.mark.parametrize("n_features", [3, 5])
def test_the_panels_of_a_matrix(n_features):
    model, X = clusters(n_features)
    display = MixtureDisplay.from_estimator(model, X)
    pairs = n_features * (n_features - 1)
    assert display.ax_.shape == (n_features, n_features)
    assert len(display.ellipses_) == pairs * 3 * 2
    assert len(display.contours_) == len(display.points_) == pairs
    limits = [ax.get_xlim() for ax in display.ax_[-1]]
    for i in range(n_features):
        for j in range(n_features):
            ax = display.ax_[i, j]
            assert ax.get_xlim() == limits[j]
            if i != j:
                assert ax.get_ylim() == limits[i]
                (points,) = [p for p in display.points_ if p.axes is ax]
                np.testing.assert_array_equal(points.get_offsets(), X[:, [j, i]])
                assert points.get_rasterized()
                assert len(ax.patches) + len([a for a in ax.artists]) == 6
            # Ticks at the rim alone; the height of a diagonal says nothing.
            assert ax.yaxis.get_visible() == (j == 0)
            assert ax.xaxis.get_visible() == (i == n_features - 1)
        assert display.ax_[i, 0].get_ylabel() == f"feature {i}"
        assert display.ax_[-1, i].get_xlabel() == f"feature {i}"
        assert limits[i][0] < X[:, i].min() and X[:, i].max() < limits[i][1]
    *parts, total = display.ax_[1, 1].lines
    x = total.get_xdata()
    np.testing.assert_allclose(np.log(total.get_ydata()), log_density(model, [1], x))
    np.testing.assert_allclose(sum(part.get_ydata() for part in parts), total.get_ydata())


@pytest.mark.parametrize(("n_features", "tolerance"), [(2, 0.01), (3, 0.05)])
def test_contours_lie_where_the_density_has_fallen_so_far(n_features, tolerance):
    model, X = clusters(n_features, seed=3)
    display = MixtureDisplay.from_estimator(model, X)
    pair = [0, 1] if n_features == 2 else [1, 0]
    contours = display.contours_[0]
    np.testing.assert_allclose(np.diff(contours.levels), np.log(10) / 2)
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        assert len(path.vertices) > 10
        drawn = log_density(model, pair, path.vertices)
        # The path cuts each cell of the grid by a straight line.
        np.testing.assert_allclose(drawn, level, atol=tolerance * 10)
        assert np.abs(drawn - level).mean() < tolerance
    highest = contours.levels[-1] + np.log(10) / 2
    at_means = log_density(model, pair, model.means_[:, pair]).max()
    assert highest == pytest.approx(at_means, abs=0.05)
    plain = MixtureDisplay.from_estimator(model, X, contours=False)
    assert plain.contours_ == []


@pytest.mark.parametrize("k", [0, 2])
def test_ellipses_of_a_matrix_hold_their_share(k):
    model, X = clusters(4, seed=1)
    rows = multivariate_normal(model.means_[k], model.covariances_[k]).rvs(4000, random_state=0)
    display = MixtureDisplay.from_estimator(model, X, probability=(0.5, 0.9))
    for ax in (display.ax_[0, 3], display.ax_[2, 1]):
        i, j = next(zip(*np.where(display.ax_ == ax), strict=True))
        ellipses = [e for e in display.ellipses_ if e.axes is ax][2 * k : 2 * k + 2]
        for ellipse, share in zip(ellipses, (0.5, 0.9), strict=True):
            inside = ellipse.get_patch_transform().inverted().transform(rows[:, [j, i]])
            assert ((inside**2).sum(axis=1) < 1).mean() == pytest.approx(share, abs=0.03)


def test_all_rows_and_ellipses_are_within_the_limits():
    model, X = clusters(2, seed=5)
    display = MixtureDisplay.from_estimator(model, X[:20], probability=(0.99,))
    (left, right), (bottom, top) = display.ax_.get_xlim(), display.ax_.get_ylim()
    for ellipse in display.ellipses_:
        outline = ellipse.get_patch_transform().transform(ellipse.get_path().vertices)
        assert (outline > [left, bottom]).all() and (outline < [right, top]).all()


def test_a_component_of_weight_zero_is_not_drawn_towards():
    model = GaussianMixture.from_parameters(
        [0.5, 0.5, 0], [[0, 0], [3, 3], [1e6, 1e6]], np.ones((3, 2)), covariance_type="diag"
    )
    X = np.random.RandomState(0).normal(size=(50, 2))
    display = MixtureDisplay.from_estimator(model, X)
    assert display.ax_.get_xlim()[1] < 10
    assert len(display.contours_[0].levels) == 4


@pytest.mark.filterwarnings("ignore:reg_covar=1e-06 makes up")
@pytest.mark.parametrize("column", [np.zeros(60), np.r_[np.zeros(59), 1e12]])
def test_bars_of_columns_without_a_width(column):
    other = np.random.RandomState(0).normal(size=60)
    X = np.column_stack([other, column])
    model = GaussianMixture(1).fit(X)
    display = MixtureDisplay.from_estimator(model, X[:, :], features=1)
    assert 1 <= len(display.ax_.patches) <= 100
    heights = [bar.get_height() * bar.get_width() for bar in display.ax_.patches]
    assert sum(heights) == pytest.approx(1)


def test_twelve_features_take_little_more_than_their_axes():
    def seconds(draw):
        before = time.process_time()
        draw().canvas.draw()
        return time.process_time() - before

    model, X = clusters(12)
    empty = min(seconds(lambda: plt.subplots(12, 12)[0]) for _ in range(2))
    full = min(seconds(lambda: MixtureDisplay.from_estimator(model, X).figure_) for _ in range(2))
    assert full < 2 * empty
