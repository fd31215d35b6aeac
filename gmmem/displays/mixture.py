"""The mixture itself: rows by responsibility, ellipses, contours of the density."""

import numpy as np

from gmmem.displays import plane
from gmmem.displays.canvas import canvas, pyplot, styled
from gmmem.displays.distribution import curve_points, draw_densities, draw_histogram
from gmmem.displays.fitted import Fitted, columns, read, rows
from gmmem.displays.palette import blend

# Points of a contour grid along each axis: of one picture, and of one in a matrix of them.
GRID, SMALL_GRID = 120, 48
# Most components whose numbers need not stand beside their colours.
TOLD_BY_COLOUR = 7


class MixtureDisplay:
    """Rows coloured by responsibility, and the density that was fitted to them.

    One feature is drawn as a histogram with the densities of mixture and components;
    two with an ellipse for each component and contours of the density; more as a
    matrix of every two features, with marginal densities on the diagonal.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The rows.
    responsibilities : ndarray of shape (n_samples, n_components)
        Of the rows, which are coloured by them.
    weights : ndarray of shape (n_components,)
        Mixing weights.
    means : ndarray of shape (n_components, n_features)
        Means.
    covariances : ndarray of shape (n_components, n_features, n_features)
        Covariances.
    names : list of str
        Of the features.

    Attributes
    ----------
    ax_ : matplotlib Axes, or ndarray of Axes with more than two features
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of these axes.
    ellipses_ : list of matplotlib Ellipse
        Those of a pair of features, component by component.
    contours_ : list of matplotlib QuadContourSet
        One for each pair of features.
    points_ : list of matplotlib PathCollection
        The rows, for each pair of features.

    See Also
    --------
    ClassificationDisplay : Where each component is the most probable.
    DistributionDisplay : Density, distribution function and quantiles of one feature.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import MixtureDisplay
    >>> X = load_old_faithful()
    >>> display = MixtureDisplay.from_estimator(GaussianMixture(2, random_state=0).fit(X), X)
    >>> len(display.ellipses_)
    4
    """

    def __init__(self, X, responsibilities, weights, means, covariances, names):
        self.X = X
        self.responsibilities = responsibilities
        self.weights = weights
        self.means = means
        self.covariances = covariances
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        features=None,
        probability=(0.5, 0.95),
        contours=True,
        ax=None,
        **kwargs,
    ):
        """Draw a fitted mixture.

        Parameters
        ----------
        estimator : GaussianMixture, GaussianMixtureIC, or a Pipeline that ends in one
            Fitted, of gmmem or scikit-learn.  After a Pipeline's other steps, the
            picture shows the features that these make.
        X : array-like of shape (n_samples, n_features)
            The rows.
        features : list of int or str, default=None
            Which features to draw, by number or by name; None is all.
        probability : tuple of float, default=(0.5, 0.95)
            What share of a component each of its ellipses holds.
        contours : bool, default=True
            Whether to draw contours of the mixture's density.
        ax : matplotlib Axes, default=None
            Where to draw one or two features; None makes a figure.
        **kwargs : dict
            For the points.

        Returns
        -------
        display : MixtureDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator is no Gaussian mixture.
        ValueError
            If a feature is not there, or `probability` not between 0 and 1.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from gmmem import GaussianMixture
        >>> from gmmem.displays import MixtureDisplay
        >>> X = load_iris().data
        >>> model = GaussianMixture(3, random_state=0).fit(X)
        >>> MixtureDisplay.from_estimator(model, X, features=[0, 2]).ax_.get_ylabel()
        'feature 2'
        """
        fitted, mixture, X = read(estimator, X, cls.__name__)
        chosen = columns(features, fitted.names)
        drawn = fitted.marginal(chosen)
        display = cls(
            rows(X)[:, chosen],
            mixture.predict_proba(X),
            drawn.weights,
            drawn.means,
            drawn.covariances,
            drawn.names,
        )
        return display.plot(ax, probability=probability, contours=contours, **kwargs)

    def plot(self, ax=None, *, probability=(0.5, 0.95), contours=True, **kwargs):
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw one or two features; None makes a figure.
        probability : tuple of float, default=(0.5, 0.95)
            What share of a component each of its ellipses holds.
        contours : bool, default=True
            Whether to draw contours of the mixture's density.
        **kwargs : dict
            For the points.

        Returns
        -------
        display : MixtureDisplay
            Itself.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> from gmmem.displays import MixtureDisplay
        >>> X = load_old_faithful()
        >>> display = MixtureDisplay.from_estimator(GaussianMixture(2, random_state=0).fit(X), X)
        >>> len(display.plot(contours=False).contours_)
        0
        """
        probability = np.atleast_1d(probability)
        if not ((probability > 0) & (probability < 1)).all():
            raise ValueError(f"probability={probability} must lie between 0 and 1.")
        d = self.X.shape[1]
        self.ellipses_, self.contours_, self.points_ = [], [], []
        if d > 2 and ax is not None:
            raise ValueError("More than two features need a figure of their own: leave ax out.")
        if d > 2:
            return self._plot_pairs(probability, contours, kwargs)
        self.figure_, self.ax_ = canvas(ax)
        density = Fitted(self.weights, self.means, self.covariances, self.names)
        if d == 1:
            self._draw_line(self.ax_, density, self.X[:, 0])
            self.ax_.set(xlabel=self.names[0], ylabel="density")
            return self
        limits = plane.limits(self.X, density, probability)
        self.ax_.set(xlabel=self.names[0], ylabel=self.names[1], xlim=limits[0], ylim=limits[1])
        self._draw_points(self.ax_, self.X, {"s": 14} | kwargs)
        self._draw_ellipses(self.ax_, density, probability)
        if len(self.weights) > TOLD_BY_COLOUR:
            plane.numbers(self.ax_, density)
        if contours:
            self.contours_.append(plane.contours(self.ax_, density, limits, GRID))
        return self

    def _plot_pairs(self, probability, contours, kwargs):
        density = Fitted(self.weights, self.means, self.covariances, self.names)
        limits = plane.limits(self.X, density, probability)
        self.figure_, self.ax_ = _matrix(self.names, limits)
        d = len(self.names)
        for i in range(d):
            self._draw_line(self.ax_[i, i], density.marginal([i]), self.X[:, i])
        for i, j in zip(*np.where(~np.eye(d, dtype=bool)), strict=True):
            ax, pair = self.ax_[i, j], [int(j), int(i)]
            self._draw_points(ax, self.X[:, pair], {"s": 5, "rasterized": True} | kwargs)
            self._draw_ellipses(ax, density.marginal(pair), probability)
            if contours:
                drawn = plane.contours(ax, density.marginal(pair), limits[pair], SMALL_GRID)
                self.contours_.append(drawn)
        return self

    def _draw_line(self, ax, density, x) -> None:
        draw_histogram(ax, x)
        draw_densities(ax, curve_points(x, density), density, {})

    def _draw_points(self, ax, X, kwargs) -> None:
        style = {"alpha": 0.75, "linewidth": 0, "c": blend(self.responsibilities)}
        self.points_.append(ax.scatter(*X.T, **styled(style, kwargs, "points")))

    def _draw_ellipses(self, ax, density, probability) -> None:
        self.ellipses_ += plane.ellipses(ax, density, probability)


def _matrix(names, limits):
    """A figure of d x d axes that share their features' limits, with ticks at its rim alone.

    Ticks and the search for a layout took most of the time: axes inside have none, and the
    margins are known beforehand.
    """
    d = len(names)
    size = float(np.clip(2.4 * d, 6, 16))
    figure = pyplot().figure(figsize=(size, size))
    grid = figure.add_gridspec(
        d, d, left=0.75 / size, right=1 - 0.1 / size, bottom=0.6 / size, top=1 - 0.1 / size
    )
    grid.update(wspace=0.06, hspace=0.06)
    inches = size / d
    # A letter is about 0.6 of the size of the font wide.
    fontsize = float(np.clip(72 * inches / (0.6 * max(map(len, names))), 5, 10))
    axes = np.empty((d, d), dtype=object)
    for i in range(d):
        # The diagonal's own height is a density, of which only the shape matters.
        first = 1 if i == 0 else 0
        for j in range(d):
            shared = {"sharex": axes[0, j], "sharey": axes[i, first] if i != j else None}
            axes[i, j] = figure.add_subplot(grid[i, j], **shared)
            axes[i, j].yaxis.set_visible(j == 0)
            axes[i, j].xaxis.set_visible(i == d - 1)
        axes[0, i].set_xlim(limits[i])
        axes[i, first].set_ylim(limits[i])
        axes[i, 0].set_ylabel(names[i], fontsize=fontsize)
        axes[i, 0].yaxis.set_label_coords(-0.55 / inches, 0.5)
    for j in range(d):
        axes[-1, j].set_xlabel(names[j], fontsize=fontsize)
    axes[0, 0].tick_params(left=False, labelleft=False)
    return figure, axes
