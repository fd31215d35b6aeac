"""How sure each assignment is."""

import numpy as np

from gmmem.displays.canvas import MARKERS, canvas, colour, styled


class UncertaintyDisplay:
    """One minus the largest responsibility of each row, from the surest to the least sure.

    Parameters
    ----------
    uncertainty : ndarray of shape (n_samples,)
    labels : ndarray of shape (n_samples,)

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : list of matplotlib PathCollection

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import UncertaintyDisplay
    >>> X = load_old_faithful()
    >>> display = UncertaintyDisplay.from_estimator(GaussianMixture(2, random_state=0).fit(X), X)
    >>> len(display.points_)
    2
    """

    def __init__(self, uncertainty, labels):
        self.uncertainty = np.asarray(uncertainty)
        self.labels = np.asarray(labels)

    @classmethod
    def from_estimator(cls, estimator, X, *, ax=None, **kwargs):
        """Draw how sure a fitted mixture is of the rows.

        Parameters
        ----------
        estimator : GaussianMixture or GaussianMixtureIC
            Fitted.
        X : array-like of shape (n_samples, n_features)
            The rows.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the points.

        Returns
        -------
        display : UncertaintyDisplay
        """
        responsibilities = estimator.predict_proba(X)
        labels = responsibilities.argmax(axis=1)
        return cls(1 - responsibilities.max(axis=1), labels).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw on `ax`, or on a new figure; keywords go to the points."""
        self.figure_, self.ax_ = canvas(ax)
        order = np.argsort(self.uncertainty, kind="stable")
        rank = np.empty(len(order), dtype=int)
        rank[order] = np.arange(1, len(order) + 1)
        self.points_ = []
        for number, label in enumerate(np.unique(self.labels)):
            rows = self.labels == label
            style = {
                "s": 16,
                "marker": MARKERS[number % len(MARKERS)],
                "color": colour(number),
                "alpha": 0.8,
                "linewidth": 0,
                "label": f"component {label}",
            }
            points = self.ax_.scatter(
                rank[rows], self.uncertainty[rows], **styled(style, kwargs, "points")
            )
            self.points_.append(points)
        self.ax_.set(
            xlabel="Rows, from the surest to the least sure",
            ylabel="Uncertainty (1 - largest responsibility)",
            ylim=(-0.02, max(0.5, float(self.uncertainty.max())) + 0.02),
        )
        self.ax_.legend(frameon=False, loc="upper left")
        self.ax_.grid(alpha=0.25)
        return self
