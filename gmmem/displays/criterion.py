"""The criterion by number of components, one line a model."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gmmem.criteria import CRITERIA
from gmmem.displays.canvas import canvas, styled
from gmmem.displays.fitted import described, last_step
from gmmem.displays.palette import colour, line, marker


class CriterionDisplay:
    """Criterion by number of components for every model of a search, the winner marked.

    Parameters
    ----------
    n_components : ndarray of shape (n_candidates,)
        Number of components of each candidate.
    names : ndarray of shape (n_candidates,)
        Covariance model of each candidate.
    values : ndarray of shape (n_candidates,)
        Not a number where a candidate failed.
    criterion : str
        The name of the criterion.
    stopped : ndarray of bool, shape (n_candidates,), default=None
        Which candidates were stopped on their way, since they could not win.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of these axes.
    lines_ : dict of str to matplotlib Line2D
        The line of each model.
    winner_ : matplotlib Line2D
        The mark around the best candidate.
    stopped_ : matplotlib Line2D or None
        The crosses on candidates that were stopped: what they had come to.

    See Also
    --------
    gmmem.GaussianMixtureIC : The search.

    Examples
    --------
    >>> from gmmem import GaussianMixtureIC
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import CriterionDisplay
    >>> search = GaussianMixtureIC(range(1, 5)).fit(load_old_faithful())
    >>> CriterionDisplay.from_estimator(search).ax_.get_ylabel()
    'BIC'
    """

    def __init__(self, n_components, names, values, criterion, stopped=None):
        self.n_components = n_components
        self.names = names
        self.values = values
        self.criterion = criterion
        self.stopped = stopped

    @classmethod
    def from_estimator(cls, estimator, *, criterion=None, ax=None, **kwargs):
        """Draw the criterion of a fitted search.

        Parameters
        ----------
        estimator : GaussianMixtureIC, or a Pipeline that ends in one
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
            Drawn.

        Raises
        ------
        TypeError
            If the estimator is no search by a criterion.
        ValueError
            If there is no such criterion.

        Examples
        --------
        >>> from gmmem import GaussianMixtureIC
        >>> from gmmem.datasets import load_old_faithful
        >>> from gmmem.displays import CriterionDisplay
        >>> search = GaussianMixtureIC(range(1, 5), covariance_type=["EEE", "VVV"])
        >>> search = search.fit(load_old_faithful())
        >>> list(CriterionDisplay.from_estimator(search, criterion="icl").lines_)
        ['EEE', 'VVV']
        """
        estimator = _search(estimator)
        check_is_fitted(estimator, "results_", msg="Fit a GaussianMixtureIC first.")
        results, criterion = estimator.results_, criterion or estimator.criterion
        if criterion not in CRITERIA:
            raise ValueError(f"criterion={criterion!r} must be one of {list(CRITERIA)}.")
        columns = [results[key] for key in ("n_components", "covariance_type", criterion)]
        display = cls(*columns, criterion, results["status"] == "stopped")
        return display.plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw on given axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For every line.

        Returns
        -------
        display : CriterionDisplay
            Itself.

        Raises
        ------
        ValueError
            If no candidate has a value.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.displays import CriterionDisplay
        >>> names, values = np.array(["EII", "VVV"]), np.array([310.2, 305.4])
        >>> display = CriterionDisplay(np.array([2, 2]), names, values, "bic").plot()
        >>> display.winner_.get_label()
        'best: VVV, 2'
        """
        if not np.isfinite(self.values).any():
            raise ValueError(f"No candidate has a {self.criterion.upper()}: all have failed.")
        self.figure_, self.ax_ = canvas(ax, (7.2, 4.6))
        self.lines_ = {}
        for number, name in enumerate(dict.fromkeys(self.names)):
            numbers = sorted(set(self.n_components[self.names == name]))
            least = [self._least(name, k) for k in numbers]
            style = {
                "color": colour(number),
                "marker": marker(number),
                "linestyle": line(number),
                "markersize": 4.5,
                "linewidth": 1.2,
                "label": str(name),
            }
            (self.lines_[str(name)],) = self.ax_.plot(
                numbers, least, **styled(style, kwargs, "line")
            )
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
        self.stopped_ = None
        if self.stopped is not None and self.stopped.any():
            (self.stopped_,) = self.ax_.plot(
                self.n_components[self.stopped],
                self.values[self.stopped],
                "x",
                color="0.25",
                markersize=6,
                markeredgewidth=1,
                label="stopped on its way",
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


def _search(estimator):
    """The search itself, also where it is the last step of a Pipeline."""
    search = last_step(estimator)[0]
    if not (hasattr(search, "criterion") and hasattr(search, "predict_proba")):
        check_is_fitted(search, msg="Fit a GaussianMixtureIC first.")
        raise TypeError(
            "CriterionDisplay draws a fitted GaussianMixtureIC, or a Pipeline that ends in one; it "
            f"got {described(estimator, search)}."
        )
    return search
