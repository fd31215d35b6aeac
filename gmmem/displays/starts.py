"""What several starts of one fit came to."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from gmmem.displays.canvas import canvas, styled
from gmmem.starts.report import WITHIN


class StartsDisplay:
    """How far each start ended below the best, and how much its partition differs.

    Parameters
    ----------
    shortfall : array-like of shape (n_starts,)
        Nats a row below the best start.
    agreement : array-like of shape (n_starts,)
        Adjusted Rand index between each partition and the best one, which is the colour.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of these axes.
    points_ : matplotlib PathCollection
        The starts, the best first.
    limit_ : matplotlib Line2D
        Starts below it have reached the best: 0.01 nats a row.

    See Also
    --------
    LikelihoodDisplay : The way of each start, iteration by iteration.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import StartsDisplay
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(4, n_init=5, init_params="k-means++", random_state=0).fit(X)
    >>> display = StartsDisplay.from_estimator(model)
    >>> display.ax_.get_title()
    '3 of 5 starts reached the best'
    """

    def __init__(self, shortfall, agreement):
        shortfall = np.asarray(shortfall, dtype=float)
        order = np.argsort(shortfall, kind="stable")
        self.shortfall = shortfall[order]
        self.agreement = np.asarray(agreement, dtype=float)[order]

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **kwargs):
        """Draw the report of a fit with several starts.

        Parameters
        ----------
        estimator : GaussianMixture, or a Pipeline that ends in one
            Fitted, with ``n_init`` above 1 or "auto".
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the points.

        Returns
        -------
        display : StartsDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no report of its starts.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> from gmmem.displays import StartsDisplay
        >>> model = GaussianMixture(3, n_init="auto", random_state=0).fit(load_old_faithful())
        >>> len(StartsDisplay.from_estimator(model).shortfall) == model.starts_report_.n_starts
        True
        """
        last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        check_is_fitted(last)
        report = getattr(last, "starts_report_", None)
        if report is None:
            raise TypeError(
                f"{cls.__name__} draws the starts_report_ of a fit with several starts, which "
                f"{type(last).__name__} has not: fit a GaussianMixture with n_init=10 or "
                'n_init="auto".'
            )
        return cls(report.shortfall, report.agreement).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the points.

        Returns
        -------
        display : StartsDisplay
            Itself.

        Examples
        --------
        >>> from gmmem.displays import StartsDisplay
        >>> StartsDisplay([0, 0.2, 0.001], [1, 0.6, 0.99]).plot().ax_.get_title()
        '2 of 3 starts reached the best'
        """
        self.figure_, self.ax_ = canvas(ax)
        n_starts = len(self.shortfall)
        style = {
            "s": 40,
            "c": self.agreement,
            "cmap": "viridis",
            "vmin": min(0.0, float(self.agreement.min())),
            "vmax": 1.0,
            "edgecolor": "black",
            "linewidth": 0.5,
            "zorder": 3,
        }
        style = styled(style, kwargs, "points")
        if "c" not in style:
            for name in ("cmap", "vmin", "vmax"):
                style.pop(name, None)
        self.points_ = self.ax_.scatter(np.arange(1, n_starts + 1), self.shortfall, **style)
        self.limit_ = self.ax_.axhline(WITHIN, color="#666666", linewidth=1, linestyle="--")
        # Even from 0 to where it matters, logarithmic above.
        self.ax_.set_yscale("symlog", linthresh=WITHIN)
        self.ax_.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        n_best = int((self.shortfall < WITHIN).sum())
        self.ax_.set(
            xlabel="Starts, the best first",
            ylabel="Nats a row below the best",
            title=f"{n_best} of {n_starts} starts reached the best",
            ylim=(-WITHIN / 4, 2 * max(float(self.shortfall.max()), 2 * WITHIN)),
        )
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        if "c" in style:
            self.figure_.colorbar(
                self.points_, ax=self.ax_, label="Agreement with the best (adjusted Rand)"
            )
        self.ax_.grid(alpha=0.25)
        return self
