"""The log-likelihood by iteration of EM, a line for each start."""

from sklearn.utils.validation import check_is_fitted

from gmmem.displays.canvas import canvas, colour, styled


class LikelihoodDisplay:
    """Mean log-likelihood by iteration, one line for each start.

    Parameters
    ----------
    histories : list of list of float
        For each start, in nats per row.
    best : int
        The start that was kept.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.displays import LikelihoodDisplay
    >>> model = GaussianMixture(3, n_init=4, init_params="random", random_state=0)
    >>> len(LikelihoodDisplay.from_estimator(model.fit(load_old_faithful())).lines_)
    4
    """

    def __init__(self, histories, best):
        self.histories = histories
        self.best = best

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **kwargs):
        """Draw the likelihoods of a fitted mixture.

        Parameters
        ----------
        estimator : GaussianMixture
            Fitted, with at least one iteration.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For every line.

        Returns
        -------
        display : LikelihoodDisplay
        """
        check_is_fitted(estimator, "lower_bounds_")
        kept = list(estimator.lower_bounds_)
        if not kept:
            raise ValueError("The estimator did no iteration of EM: there is nothing to draw.")
        histories = getattr(estimator, "start_lower_bounds_", [kept])
        return cls(histories, histories.index(kept)).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw on `ax`, or on a new figure; keywords go to every line."""
        self.figure_, self.ax_ = canvas(ax)
        self.lines_ = []
        for number, history in enumerate(self.histories):
            kept = number == self.best
            style = {
                "color": colour(0) if kept else "#999999",
                "linewidth": 2 if kept else 1,
                "marker": "o",
                "markersize": 3.5 if kept else 2,
                "zorder": 3 if kept else 2,
                "label": "kept" if kept else "other starts",
            }
            (line,) = self.ax_.plot(
                range(1, len(history) + 1), history, **styled(style, kwargs, "line")
            )
            self.lines_.append(line)
        self.ax_.set(xlabel="Iteration", ylabel="Mean log-likelihood (nats per row)")
        if len(self.histories) > 1:
            handles = {line.get_label(): line for line in self.lines_}
            self.ax_.legend(handles.values(), handles.keys(), frameon=False, loc="lower right")
        self.ax_.grid(alpha=0.25)
        return self
