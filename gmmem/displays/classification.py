"""Which component is the most probable where, in a plane of two features."""

import numpy as np

from gmmem.displays import plane
from gmmem.displays.canvas import canvas, styled
from gmmem.displays.fitted import columns, read, rows
from gmmem.displays.palette import blend, colour, marker

# Points of the grid along each axis; how much of its colour a region keeps beside white.
GRID, TINT = 240, 0.35
# Share of a component that the limits of the picture leave room for.
HELD = 0.95


class ClassificationDisplay:
    """Regions where each component is the most probable, their boundaries, and the rows.

    The tint of a region is a mixture of the components' colours by responsibility:
    where two are equally probable, at the boundary, it is halfway between theirs.

    Parameters
    ----------
    X : ndarray of shape (n_samples, 2)
        The rows.
    labels : ndarray of shape (n_samples,)
        The component of each row.
    density : Fitted
        The mixture of these two features.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of these axes.
    image_ : matplotlib AxesImage
        The tint of the regions.
    boundaries_ : list of matplotlib QuadContourSet
        The boundary of each component's region, for those that have one.
    points_ : list of matplotlib PathCollection
        The rows of each component that has any.
    numbers_ : list of matplotlib Text
        The numbers of the components, at their means.

    See Also
    --------
    MixtureDisplay : Ellipses and contours of the density.
    UncertaintyDisplay : How sure the assignment of each row is.

    Notes
    -----
    With more than two features the regions are those of the marginal mixture of the
    two that are drawn, but the rows carry the labels that `predict` gives them by all
    features, so that some may lie beyond a boundary.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import ClassificationDisplay
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> len(ClassificationDisplay.from_estimator(model, X).boundaries_)
    1
    """

    def __init__(self, X, labels, density):
        self.X = X
        self.labels = labels
        self.density = density

    @classmethod
    def from_estimator(cls, estimator, X, *, features=None, ax=None, **kwargs):
        """Draw how a fitted mixture divides a plane.

        Parameters
        ----------
        estimator : GaussianMixture, GaussianMixtureIC, or a Pipeline that ends in one
            Fitted, of gmmem or scikit-learn.
        X : array-like of shape (n_samples, n_features)
            The rows.
        features : list of two int or str, default=None
            Which two features, by number or by name; None is the only two.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the points.

        Returns
        -------
        display : ClassificationDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator is no Gaussian mixture.
        ValueError
            If the features are not two.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from gmmem import GaussianMixture
        >>> from gmmem.displays import ClassificationDisplay
        >>> X = load_iris(as_frame=True).data
        >>> model = GaussianMixture(3, random_state=0).fit(X)
        >>> features = ["petal length (cm)", "petal width (cm)"]
        >>> display = ClassificationDisplay.from_estimator(model, X, features=features)
        >>> display.ax_.get_xlabel()
        'petal length (cm)'
        """
        fitted, mixture, X = read(estimator, X, cls.__name__)
        chosen = columns(features, fitted.names)
        if len(chosen) != 2:
            raise ValueError(
                f"A plane has two features, not {len(chosen)}: name two, such as features="
                f"{fitted.names[:2]!r}."
            )
        labels = np.asarray(mixture.predict(X))
        return cls(rows(X)[:, chosen], labels, fitted.marginal(chosen)).plot(ax, **kwargs)

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
        display : ClassificationDisplay
            Itself.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> from gmmem.displays import ClassificationDisplay
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> display = ClassificationDisplay.from_estimator(model, X)
        >>> len(display.plot(s=5).points_)
        2
        """
        self.figure_, self.ax_ = canvas(ax)
        limits = plane.limits(self.X, self.density, np.array([HELD]))
        x, y, joint = plane.on_grid(self.density, limits, GRID)
        self.image_ = self._draw_regions(limits, joint)
        self.boundaries_ = self._draw_boundaries(x, y, joint)
        self.points_ = []
        for label in np.unique(self.labels):
            style = {
                "s": 16,
                "marker": marker(label),
                "color": colour(label),
                "edgecolor": "white",
                "linewidth": 0.4,
                "zorder": 3,
            }
            drawn = self.X[self.labels == label].T
            self.points_.append(self.ax_.scatter(*drawn, **styled(style, kwargs, "points")))
        names = self.density.names
        self.ax_.set(xlabel=names[0], ylabel=names[1], xlim=limits[0], ylim=limits[1])
        self.numbers_ = plane.numbers(self.ax_, self.density)
        return self

    def _draw_regions(self, limits, joint):
        shares = np.exp(joint - np.logaddexp.reduce(joint, axis=0))
        tint = 1 - TINT * (1 - blend(shares.reshape(len(shares), -1).T))
        # A pixel's centre lies on a point of the grid.
        half = np.diff(limits, axis=1)[:, 0] / (GRID - 1) / 2
        extent = (limits + half[:, None] * [-1, 1]).ravel()
        picture = tint.reshape(GRID, GRID, 3)
        return self.ax_.imshow(picture, extent=extent, origin="lower", aspect="auto", zorder=0)

    def _draw_boundaries(self, x, y, joint):
        drawn = []
        winner = joint.argmax(axis=0)
        # The last region's boundary is that of the others.
        for k in np.unique(winner)[:-1]:
            lead = joint[k] - np.delete(joint, k, axis=0).max(axis=0)
            drawn.append(self.ax_.contour(x, y, lead, levels=[0], colors="black", linewidths=1))
        return drawn
