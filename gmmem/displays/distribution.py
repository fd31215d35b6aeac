"""One feature's distribution: density, distribution function, quantiles."""

import math

import numpy as np
from scipy.special import ndtr

from gmmem.displays.canvas import canvas, styled
from gmmem.displays.fitted import Fitted, columns, read, rows
from gmmem.displays.palette import colour, line
from gmmem.univariate import distribution, joint_density, quantiles

KINDS = ("density", "cdf", "quantile", "qq")
# Points of a curve; deviations of a component drawn on either side.
CURVE, REACH = 400, 3.5
MOST_BARS = 100


class DistributionDisplay:
    """The distribution of one feature under a mixture, and that of the rows beside it.

    Parameters
    ----------
    x : ndarray of shape (n_samples,) or None
        Values of the feature; None draws the mixture alone.
    density : Fitted
        The mixture of this one feature.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of these axes.
    line_ : matplotlib Line2D
        The mixture; with "qq" the points.
    parts_ : list of matplotlib Line2D
        With "density", weight times density of each component.
    data_ : matplotlib artist or None
        The rows: bars, steps or points; with "qq" the line where the points would lie.

    See Also
    --------
    MixtureDisplay : Rows, ellipses and contours.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import DistributionDisplay
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> display = DistributionDisplay.from_estimator(model, X, feature=1, kind="cdf")
    >>> display.ax_.get_ylabel()
    'probability'
    """

    def __init__(self, x, density):
        self.x = x
        self.density = density

    @classmethod
    def from_estimator(cls, estimator, X=None, *, feature=None, kind="density", ax=None, **kwargs):
        """Draw one feature of a fitted mixture.

        Parameters
        ----------
        estimator : GaussianMixture, GaussianMixtureIC, or a Pipeline that ends in one
            Fitted, of gmmem or scikit-learn.
        X : array-like of shape (n_samples, n_features), default=None
            The rows; None draws the mixture alone.
        feature : int or str, default=None
            Which feature, by number or name; None is the only one.
        kind : {"density", "cdf", "quantile", "qq"}, default="density"
            What to draw: the density, the distribution function, the quantiles by
            probability, or the quantiles of the rows against those of the mixture.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the mixture's line, or the points of "qq".

        Returns
        -------
        display : DistributionDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator is no Gaussian mixture.
        ValueError
            If there are several features and none is named, or `kind` is unknown.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> from gmmem.displays import DistributionDisplay
        >>> waiting = load_old_faithful()[:, 1:]
        >>> model = GaussianMixture(2, random_state=0).fit(waiting)
        >>> len(DistributionDisplay.from_estimator(model, waiting).parts_)
        2
        """
        fitted, _, X = read(estimator, X, cls.__name__)
        if feature is None and len(fitted.names) > 1:
            raise ValueError(
                f"The mixture has {len(fitted.names)} features: name the one to draw, such as "
                f"feature={fitted.names[0]!r} or feature=0."
            )
        chosen = columns(feature, fitted.names)
        if len(chosen) > 1:
            raise ValueError(f"feature={feature!r} must be one feature.")
        x = None if X is None else rows(X)[:, chosen[0]]
        return cls(x, fitted.marginal(chosen)).plot(ax, kind=kind, **kwargs)

    def plot(self, ax=None, *, kind="density", **kwargs):
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        kind : {"density", "cdf", "quantile", "qq"}, default="density"
            What to draw.
        **kwargs : dict
            For the mixture's line, or the points of "qq".

        Returns
        -------
        display : DistributionDisplay
            Itself.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.displays import DistributionDisplay
        >>> model = GaussianMixture.from_parameters([1], [[0]], [[[1]]])
        >>> display = DistributionDisplay.from_estimator(model)
        >>> display.plot(kind="quantile").ax_.get_xlabel()
        'probability'
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} must be one of {list(KINDS)}.")
        if kind == "qq" and self.x is None:
            raise ValueError('kind="qq" compares with rows: give X.')
        self.figure_, self.ax_ = canvas(ax)
        self.parts_, self.data_ = [], None
        getattr(self, f"_plot_{kind}")(kwargs)
        return self

    def _plot_density(self, kwargs):
        if self.x is not None:
            self.data_ = draw_histogram(self.ax_, self.x)
        points = self._points()
        self.parts_, self.line_ = draw_densities(self.ax_, points, self.density, kwargs)
        self.ax_.set(xlabel=self._name, ylabel="density", xlim=(points[0], points[-1]))

    def _plot_cdf(self, kwargs):
        points = self._points()
        if self.x is not None:
            x = self._sorted()
            share = np.arange(len(x) + 1) / len(x)
            steps = np.concatenate([[points[0]], x, [points[-1]]])
            (self.data_,) = self.ax_.step(
                steps, np.append(share, 1), where="post", color="#888888", label="rows"
            )
        self._draw(points, distribution(points, *self.density.univariate), kwargs)
        self.ax_.set(xlabel=self._name, ylabel="probability", ylim=(-0.02, 1.02))
        self.ax_.set_xlim(points[0], points[-1])

    def _plot_quantile(self, kwargs):
        if self.x is not None:
            x = self._sorted()
            style = {"color": "#888888", "linestyle": "none", "marker": ".", "label": "rows"}
            (self.data_,) = self.ax_.plot(_positions(len(x)), x, **style)
        # Closer together where the quantile grows fast, at both ends.
        p = ndtr(np.linspace(-3, 3, CURVE))
        self._draw(p, quantiles(p, *self.density.univariate), kwargs)
        self.ax_.set(xlabel="probability", ylabel=self._name, xlim=(-0.02, 1.02))

    def _plot_qq(self, kwargs):
        x = self._sorted()
        expected = quantiles(_positions(len(x)), *self.density.univariate)
        ends = [min(x[0], expected[0]), max(x[-1], expected[-1])]
        (self.data_,) = self.ax_.plot(ends, ends, color="#888888", linewidth=1)
        self._draw(expected, x, {"linestyle": "none", "marker": "o", "markersize": 3} | kwargs)
        self.ax_.set(xlabel="quantiles of the mixture", ylabel=f"quantiles of {self._name}")

    def _draw(self, x, y, kwargs):
        style = {"color": colour(0), "linewidth": 1.8, "zorder": 3, "label": "mixture"}
        (self.line_,) = self.ax_.plot(x, y, **styled(style, kwargs, "line"))
        self.ax_.grid(alpha=0.25)

    @property
    def _name(self) -> str:
        return self.density.names[0]

    def _sorted(self) -> np.ndarray:
        return np.sort(self.x[np.isfinite(self.x)])

    def _points(self) -> np.ndarray:
        return curve_points(self.x, self.density)


def _positions(n: int) -> np.ndarray:
    """Probabilities of n sorted rows."""
    return (np.arange(n) + 0.5) / n


def curve_points(x: np.ndarray | None, density: Fitted) -> np.ndarray:
    """Where to draw a curve: over the rows, or over the components where there are none."""
    if x is None:
        shown = density.weights > 0
        deviation = np.sqrt(density.covariances[shown, 0, 0])
        low = (density.means[shown, 0] - REACH * deviation).min()
        high = (density.means[shown, 0] + REACH * deviation).max()
    else:
        low, high = np.nanmin(x), np.nanmax(x)
    margin = 0.08 * (high - low or 1) if x is not None else 0
    return np.linspace(low - margin, high + margin, CURVE)


def draw_histogram(ax, x: np.ndarray):
    """Bars of the rows, of area one."""
    x = x[np.isfinite(x)]
    bars = {"density": True, "color": "#dddddd", "edgecolor": "white"}
    return ax.hist(x, bins=_n_bars(x), **bars)[2]


def _n_bars(x: np.ndarray) -> int:
    """By Freedman and Diaconis, but at least Sturges' number and never more than can be seen."""
    least = math.ceil(math.log2(max(len(x), 1))) + 1
    low, quarter, three, high = np.quantile(x, [0, 0.25, 0.75, 1])
    width = 2 * (three - quarter) / np.cbrt(len(x))
    return int(np.clip((high - low) / width if width > 0 else 0, least, max(least, MOST_BARS)))


def draw_densities(ax, points: np.ndarray, density: Fitted, kwargs: dict) -> tuple[list, object]:
    """A line for each component's share of the density, and one for their sum."""
    joint = joint_density(points, *density.univariate)
    parts = [
        ax.plot(points, part, color=colour(k), linestyle=line(k), linewidth=1.6, zorder=3)[0]
        for k, part in enumerate(joint)
    ]
    style = {"color": "black", "linewidth": 1, "linestyle": "--", "zorder": 4}
    (total,) = ax.plot(points, joint.sum(axis=0), **styled(style, kwargs, "line"))
    return parts, total
