"""The density of one column given another, with its mean and a band."""

from numbers import Real

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from gmmem.columns import columns
from gmmem.conditioning import Conditional, Deviations, LogDensity
from gmmem.displays.canvas import canvas, styled
from gmmem.displays.fitted import described, last_step
from gmmem.displays.palette import colour
from gmmem.estimators import GaussianMixtureRegressor
from gmmem.estimators.joint import as_columns
from gmmem.mixture import Mixture
from gmmem.quantiles import Quantiles
from gmmem.sources import InMemory

# Points along each axis.
GRID = 240
# How far around the components, in their standard deviations, where there are no rows.
REACH = 3.0


class ConditionalDisplay:
    """The density of y at each x, with its mean and a band that holds it with a probability.

    Parameters
    ----------
    x, y : ndarray of shape (n_points,)
        The grid.
    density : ndarray of shape (n_points, n_points)
        Of y given x: one column for each x, of area one.
    mean : ndarray of shape (n_points,)
        Of y given x.
    band : ndarray of shape (n_points, 2)
        Quantiles of y given x.
    rows : ndarray of shape (n_samples, 2), default=None
        Rows to be drawn, as x and y.
    names : sequence of str, default=("x", "y")
        Of x and y.
    coverage : float, default=0.9
        What the band holds.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of these axes.
    image_ : matplotlib QuadMesh
        The densities.
    line_ : matplotlib Line2D
        The mean.
    band_ : list of matplotlib Line2D
        The lower and the upper end of the band.
    points_ : matplotlib PathCollection or None
        The rows.

    See Also
    --------
    GaussianMixtureRegressor : Predicts by these densities.

    Examples
    --------
    >>> from gmmem import GaussianMixtureRegressor
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import ConditionalDisplay
    >>> X = load_old_faithful()
    >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
    >>> display = ConditionalDisplay.from_estimator(model, X[:, :1], X[:, 1])
    >>> display.density.shape
    (240, 240)
    """

    def __init__(self, x, y, density, mean, band, rows=None, names=("x", "y"), coverage=0.9):
        self.x = x
        self.y = y
        self.density = density
        self.mean = mean
        self.band = band
        self.rows = rows
        self.names = names
        self.coverage = coverage

    @classmethod
    def from_estimator(
        cls, estimator, X=None, y=None, *, feature=0, target=None, coverage=0.9, ax=None, **kwargs
    ):
        """Draw the density of one column given another.

        Parameters
        ----------
        estimator : GaussianMixtureRegressor, GaussianMixture, or a Pipeline that ends in one
            Fitted.  Columns that are not drawn are integrated out.
        X : array-like of shape (n_samples, n_features), default=None
            Rows to be drawn; the grid spans them.  None draws none.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their outputs, of a regressor.
        feature : int or str, default=0
            The column of X along the horizontal axis.
        target : int or str, default=None
            Of a regressor the number of the output, by default the first; of a mixture the
            other column of X, by default the last.
        coverage : float, default=0.9
            The probability that the band holds.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the line of the mean.

        Returns
        -------
        display : ConditionalDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator is none of these.
        ValueError
            If a column is not there, or `coverage` does not lie between 0 and 1.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> from gmmem.displays import ConditionalDisplay
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> ConditionalDisplay.from_estimator(model, X, feature=1, target=0).ax_.get_xlabel()
        'feature 1'
        """
        if not isinstance(coverage, Real) or not 0 < coverage < 1:
            raise ValueError(f"coverage={coverage!r} must be a number between 0 and 1.")
        pair, names, rows = _pair(estimator, X, y, feature, target, cls.__name__)
        limits = [_limits(pair, rows, j) for j in range(2)]
        x, values = (np.linspace(low, high, GRID) for low, high in limits)
        conditional = Conditional.of(pair, np.array([0]), np.array([1]))
        line, grid = InMemory(x[:, None]), np.array(np.meshgrid(x, values)).reshape(2, -1).T
        density = np.exp(InMemory(grid).map(LogDensity(conditional), (), np.float64))
        mean = line.map(Deviations(conditional), (2, 1), np.float64)[:, 0, 0]
        ends = np.array([0.5 - coverage / 2, 0.5 + coverage / 2])
        band = line.map(Quantiles(conditional, ends), (1, 2), np.float64)[:, 0]
        density = density.reshape(GRID, GRID)
        return cls(x, values, density, mean, band, rows, names, coverage).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the line of the mean.

        Returns
        -------
        display : ConditionalDisplay
            Itself.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.displays import ConditionalDisplay
        >>> x = np.linspace(0, 1, 5)
        >>> display = ConditionalDisplay(x, x, np.ones((5, 5)), x, np.c_[x - 0.1, x + 0.1])
        >>> [len(line.get_xdata()) for line in display.plot(color="black").band_]
        [5, 5]
        """
        from matplotlib.colors import PowerNorm

        self.figure_, self.ax_ = canvas(ax)
        # The root shows what is unlikely beside what is likely.
        self.image_ = self.ax_.pcolormesh(
            self.x,
            self.y,
            self.density,
            cmap="Blues",
            norm=PowerNorm(0.5, 0, float(np.quantile(self.density.max(axis=0), 0.95))),
            shading="nearest",
            rasterized=True,
        )
        self.points_ = None
        if self.rows is not None:
            style = {"s": 7, "color": "#222222", "alpha": 0.35, "linewidth": 0}
            self.points_ = self.ax_.scatter(*self.rows.T, **style)
        style = {"color": colour(1), "linewidth": 2, "label": "mean", "zorder": 4}
        (self.line_,) = self.ax_.plot(self.x, self.mean, **styled(style, kwargs, "line"))
        style = {"color": self.line_.get_color(), "linewidth": 1.2, "linestyle": "--", "zorder": 4}
        label = f"{100 * self.coverage:.3g}% interval"
        self.band_ = [
            self.ax_.plot(self.x, end, label=label if j == 0 else None, **style)[0]
            for j, end in enumerate(self.band.T)
        ]
        self.ax_.set(
            xlabel=self.names[0],
            ylabel=self.names[1],
            xlim=(self.x[0], self.x[-1]),
            ylim=(self.y[0], self.y[-1]),
        )
        corner = "upper left" if self.mean[0] < self.y.mean() else "lower left"
        self.ax_.legend(framealpha=0.85, edgecolor="none", loc=corner)
        bar = self.figure_.colorbar(self.image_, ax=self.ax_, extend="max")
        bar.set_label(f"density of {self.names[1]} given {self.names[0]}")
        return self


def _pair(estimator, X, y, feature, target, display: str):
    """The density of the two columns, their names, and the rows (None where there are none)."""
    whole = estimator
    estimator, X, names = last_step(estimator, X)
    regressor = isinstance(estimator, GaussianMixtureRegressor)
    if not regressor and not hasattr(type(estimator), "mixture_"):
        raise TypeError(
            f"{display} draws a fitted GaussianMixtureRegressor or mixture of gmmem, a Pipeline "
            "that ends in one, or a search whose best_estimator_ is one; it got "
            f"{described(whole, estimator)}."
        )
    check_is_fitted(estimator)
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    d, density = estimator.n_features_in_, estimator.mixture_
    along = _column(feature, d, names, "feature")
    shown = _names(names, d)
    if regressor:
        output = _column(0 if target is None else target, estimator.n_outputs_, None, "target")
        place, label = d + output, "y" if estimator.n_outputs_ == 1 else f"output {output}"
    else:
        place = _column(d - 1 if target is None else target, d, names, "target")
        label = shown[place]
    if place == along:
        raise ValueError(f"feature={feature!r} and target={target!r} must be different columns.")
    rows = None if X is None else _numbers(X, "X")
    if rows is not None and rows.shape[1] != d:
        raise ValueError(f"X has {rows.shape[1]} columns, but it had {d} in the fit.")
    if regressor and rows is not None:
        if y is None:
            raise ValueError("y must be given where X is: a row has both.")
        Y = as_columns(_numbers(y, "y"))
        check_consistent_length(rows, Y)
        if Y.shape[1] != estimator.n_outputs_:
            raise ValueError(
                f"y has {Y.shape[1]} columns, but it had {estimator.n_outputs_} in the fit."
            )
        rows = np.concatenate([rows, Y], axis=1)
    pair = density.marginal([along, place])
    return pair, (shown[along], label), None if rows is None else rows[:, [along, place]]


def _numbers(given, name: str) -> np.ndarray:
    """Values as they were given, with NaN where one is missing."""
    return check_array(
        given,
        dtype=np.float64,
        ensure_2d=name == "X",
        ensure_all_finite="allow-nan",
        input_name=name,
    )


def _column(feature, n_features: int, names, parameter: str) -> int:
    found = columns(feature, n_features, names, parameter)
    if len(found) > 1:
        raise ValueError(f"{parameter}={feature!r} must be one column.")
    return int(found[0])


def _names(names, n_features: int) -> list[str]:
    if names is None:
        return [f"feature {j}" for j in range(n_features)]
    return [str(name) for name in names]


def _limits(pair: Mixture, rows: np.ndarray | None, column: int) -> tuple[float, float]:
    """What an axis spans: the rows, or the components where none has a value there."""
    if rows is not None:
        values = rows[np.isfinite(rows[:, column]), column]
        if len(values):
            margin = 0.05 * (np.ptp(values) or 1)
            return values.min() - margin, values.max() + margin
    shown = pair.weights > 0
    width = REACH * np.sqrt(pair.covariances.variances[:, column])
    means = pair.means[:, column]
    return (means - width)[shown].min(), (means + width)[shown].max()
