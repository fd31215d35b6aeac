"""The criterion by number of components, one line a model."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gmmem.criteria import CRITERIA
from gmmem.displays.canvas import MARKERS, canvas, colour, styled


class CriterionDisplay:
    """Criterion by number of components for every model of a search, the winner marked.

    Parameters
    ----------
    n_components : ndarray of shape (n_candidates,)
    names : ndarray of shape (n_candidates,)
        Covariance model of each candidate.
    values : ndarray of shape (n_candidates,)
        Not a number where a candidate failed.
    criterion : str

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : dict of str to matplotlib Line2D
    winner_ : matplotlib Line2D

    Examples
    --------
    >>> from gmmem import GaussianMixtureIC
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import CriterionDisplay
    >>> search = GaussianMixtureIC(range(1, 4)).fit(load_old_faithful())
    >>> CriterionDisplay.from_estimator(search).ax_.get_ylabel()
    'BIC'
    """

    def __init__(self, n_components, names, values, criterion):
        self.n_components = n_components
        self.names = names
        self.values = values
        self.criterion = criterion

    @classmethod
    def from_estimator(cls, estimator, *, criterion=None, ax=None, **kwargs):
        """Draw the criterion of a fitted search.

        Parameters
        ----------
        estimator : GaussianMixtureIC
            Fitted.
        criterion : str, default=None
            A criterion in ``results_``; None is the one that the search chose by.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For every line.

        Returns
        -------
        display : CriterionDisplay
        """
        check_is_fitted(estimator, "results_", msg="Fit a GaussianMixtureIC first.")
        results, criterion = estimator.results_, criterion or estimator.criterion
        if criterion not in CRITERIA:
            raise ValueError(f"criterion={criterion!r} must be one of {list(CRITERIA)}.")
        display = cls(
            results["n_components"], results["covariance_type"], results[criterion], criterion
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw on `ax`, or on a new figure; keywords go to every line."""
        self.figure_, self.ax_ = canvas(ax, (7.2, 4.6))
        self.lines_ = {}
        for number, name in enumerate(dict.fromkeys(self.names)):
            numbers = sorted(set(self.n_components[self.names == name]))
            least = [self._least(name, k) for k in numbers]
            style = {
                "color": colour(number),
                "marker": MARKERS[number % len(MARKERS)],
                "linestyle": "-" if number < len(MARKERS) else "--",
                "markersize": 4.5,
                "linewidth": 1.2,
                "label": str(name),
            }
            (line,) = self.ax_.plot(numbers, least, **styled(style, kwargs, "line"))
            self.lines_[str(name)] = line
        best = int(np.nanargmin(self.values))
        (self.winner_,) = self.ax_.plot(
            self.n_components[best],
            self.values[best],
            "o",
            markersize=13,
            markerfacecolor="none",
            markeredgecolor="black",
            markeredgewidth=1.5,
            label=f"best: {self.names[best]}, {self.n_components[best]}",
        )
        self.ax_.set(
            xlabel="Number of components",
            ylabel=self.criterion.upper(),
            xticks=sorted(set(self.n_components)),
        )
        self.ax_.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
        self.ax_.grid(alpha=0.25)
        return self

    def _least(self, name, n_components) -> float:
        values = self.values[(self.names == name) & (self.n_components == n_components)]
        values = values[np.isfinite(values)]
        return values.min() if len(values) else np.nan
