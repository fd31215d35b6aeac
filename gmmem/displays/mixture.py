"""The mixture itself: rows by responsibility, ellipses, contours of the density."""

import numpy as np
from scipy import stats

from gmmem.displays.canvas import blend, canvas, colour, pyplot, styled
from gmmem.mixture import Mixture

# Points of a contour grid along each axis, and of a curve.
GRID, CURVE = 120, 400


class MixtureDisplay:
    """Rows coloured by responsibility, and the density that was fitted to them.

    One feature is drawn as a histogram with the densities of mixture and components;
    two with an ellipse for each component and contours of the density; more as a
    matrix of every two features, with marginal densities on the diagonal.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    responsibilities : ndarray of shape (n_samples, n_components)
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features, n_features)
    names : list of str
        Of the features.

    Attributes
    ----------
    ax_ : matplotlib Axes, or ndarray of Axes with more than two features
    figure_ : matplotlib Figure
    ellipses_ : list of matplotlib Ellipse

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
        estimator : GaussianMixture or GaussianMixtureIC
            Fitted.
        X : array-like of shape (n_samples, n_features)
            The rows.
        features : list of int, default=None
            Which features to draw; None is all.
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
        """
        responsibilities = estimator.predict_proba(X)
        d = estimator.n_features_in_
        features = list(range(d)) if features is None else np.atleast_1d(features).tolist()
        columns = all(type(feature) is int and 0 <= feature < d for feature in features)
        if not features or not columns or len(set(features)) < len(features):
            raise ValueError(
                f"features={features} must be different columns of X, by number, 0 to {d - 1}."
            )
        covariances = _dense(estimator)
        names = getattr(estimator, "feature_names_in_", [f"feature {j}" for j in range(d)])
        display = cls(
            np.asarray(X, dtype=np.float64)[:, features],
            responsibilities,
            estimator.weights_,
            estimator.means_[:, features],
            covariances[:, features][:, :, features],
            [str(names[feature]) for feature in features],
        )
        return display.plot(ax, probability=probability, contours=contours, **kwargs)

    def plot(self, ax=None, *, probability=(0.5, 0.95), contours=True, **kwargs):
        """Draw on `ax`, or on a new figure; keywords go to the points."""
        probability = np.atleast_1d(probability)
        if not ((probability > 0) & (probability < 1)).all():
            raise ValueError(f"probability={probability} must lie between 0 and 1.")
        d, self.ellipses_ = self.X.shape[1], []
        if d > 2 and ax is not None:
            raise ValueError("More than two features need a figure of their own: leave ax out.")
        if d > 2:
            return self._plot_pairs(probability, contours, kwargs)
        self.figure_, self.ax_ = canvas(ax)
        if d == 1:
            self._draw_line(self.ax_, 0)
            self.ax_.set(xlabel=self.names[0], ylabel="density")
        else:
            self._draw_plane(self.ax_, [0, 1], probability, contours, kwargs)
            self.ax_.set(xlabel=self.names[0], ylabel=self.names[1])
        return self

    def _plot_pairs(self, probability, contours, kwargs):
        d = self.X.shape[1]
        size = min(2.4 * d, 12)
        self.figure_, self.ax_ = pyplot().subplots(
            d, d, figsize=(size, size), sharex="col", layout="constrained", squeeze=False
        )
        for i in range(d):
            for j in range(d):
                if i == j:
                    self._draw_line(self.ax_[i, i], i)
                    self.ax_[i, i].set_yticks([])
                else:
                    self._draw_plane(
                        self.ax_[i, j], [j, i], probability, contours, {"s": 5} | kwargs
                    )
            self.ax_[i, 0].set_ylabel(self.names[i])
            self.ax_[-1, i].set_xlabel(self.names[i])
        return self

    def _marginal(self, pair) -> Mixture:
        covariances = self.covariances[:, pair][:, :, pair]
        return Mixture.from_arrays(self.weights, self.means[:, pair], covariances)

    def _draw_line(self, ax, feature) -> None:
        x = self.X[:, feature]
        ax.hist(x, bins="auto", density=True, color="#dddddd", edgecolor="white")
        margin = 0.08 * (x.max() - x.min() or 1)
        points = np.linspace(x.min() - margin, x.max() + margin, CURVE)
        joint = np.exp(self._marginal([feature]).log_joint(points[:, None]))
        for k, part in enumerate(joint.T):
            ax.plot(points, part, color=colour(k), linewidth=1.6, zorder=3)
        total = joint.sum(axis=1)
        ax.plot(points, total, color="black", linewidth=1, linestyle="--", zorder=4)

    def _draw_plane(self, ax, pair, probability, contours, kwargs) -> None:
        x, y = self.X[:, pair].T
        style = {"s": 14, "alpha": 0.75, "linewidth": 0, "c": blend(self.responsibilities)}
        ax.scatter(x, y, **styled(style, kwargs, "points"))
        for k in range(len(self.weights)):
            covariance = self.covariances[k][np.ix_(pair, pair)]
            for share in probability:
                self._draw_ellipse(ax, self.means[k, pair], covariance, share, colour(k))
        ax.autoscale_view()
        if contours:
            self._draw_contours(ax, pair)

    def _draw_ellipse(self, ax, mean, covariance, share, shade) -> None:
        from matplotlib.patches import Ellipse

        values, axes = np.linalg.eigh(covariance)
        # The squared radius that holds a share of a plane's normal distribution.
        width, height = 2 * np.sqrt(stats.chi2.ppf(share, 2) * values)
        angle = np.degrees(np.arctan2(axes[1, 0], axes[0, 0]))
        style = {"facecolor": "none", "edgecolor": shade, "linewidth": 1.5}
        ellipse = Ellipse(mean, width, height, angle=angle, **style)
        self.ellipses_.append(ax.add_patch(ellipse))

    def _draw_contours(self, ax, pair) -> None:
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        x, y = np.meshgrid(np.linspace(left, right, GRID), np.linspace(bottom, top, GRID))
        density = self._marginal(pair).log_density(np.c_[x.ravel(), y.ravel()]).reshape(x.shape)
        # From one to the next the density falls to about a third, the square root of a tenth.
        levels = density.max() - np.log(10) * np.arange(4, 0, -1) / 2
        ax.contour(x, y, density, levels=levels, colors="#888888", linewidths=0.6, alpha=0.7)


def _dense(estimator) -> np.ndarray:
    volume, shape, axes = estimator.decomposition_
    return (axes * (volume[:, None] * shape)[:, None, :]) @ axes.transpose(0, 2, 1)
