"""How sure each assignment is."""

import numpy as np

from gmmem.displays.canvas import canvas, component_legend, styled
from gmmem.displays.fitted import responsibilities
from gmmem.displays.palette import colour, marker


class UncertaintyDisplay:
    """One minus the largest responsibility of each row, from the surest to the least sure.

    Parameters
    ----------
    uncertainty : ndarray of shape (n_samples,)
        Of each row, 0 where its component is certain.
    labels : ndarray of shape (n_samples,)
        The most probable component of each row.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of these axes.
    points_ : list of matplotlib PathCollection
        The rows, for each component that has any.

    See Also
    --------
    ClassificationDisplay : Where in a plane assignments are unsure.

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
        estimator : GaussianMixture, GaussianMixtureIC, or a Pipeline that ends in one
            Fitted, of gmmem or scikit-learn.
        X : array-like of shape (n_samples, n_features)
            The rows.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the points.

        Returns
        -------
        display : UncertaintyDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no `predict_proba`.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> from gmmem.displays import UncertaintyDisplay
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> round(float(UncertaintyDisplay.from_estimator(model, X).uncertainty.max()), 2) < 0.5
        True
        """
        shares = responsibilities(estimator, X, cls.__name__)
        return cls(1 - shares.max(axis=1), shares.argmax(axis=1)).plot(ax, **kwargs)

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
        display : UncertaintyDisplay
            Itself.

        Examples
        --------
        >>> from gmmem.displays import UncertaintyDisplay
        >>> len(UncertaintyDisplay([0.1, 0.2, 0], [0, 1, 1]).plot(color="black").points_)
        2
        """
        self.figure_, self.ax_ = canvas(ax)
        order = np.argsort(self.uncertainty, kind="stable")
        rank = np.empty(len(order), dtype=int)
        rank[order] = np.arange(1, len(order) + 1)
        self.points_, present = [], np.unique(self.labels)
        for position, label in enumerate(present):
            rows = self.labels == label
            # A component has its colour of the other pictures; labels of another kind their place.
            number = label if self.labels.dtype.kind in "iu" and label >= 0 else position
            style = {
                "s": 16,
                "marker": marker(number),
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
        component_legend(self.ax_, self.points_, list(present))
        self.ax_.grid(alpha=0.25)
        return self
