"""The log-likelihood by iteration of EM, a line for each start."""

from sklearn.utils.validation import check_is_fitted

from gmmem.displays.canvas import canvas, styled
from gmmem.displays.fitted import check_is_mixture, last_step
from gmmem.displays.palette import colour


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
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of these axes.
    lines_ : list of matplotlib Line2D
        One for each start.

    See Also
    --------
    gmmem.em.iterate : The iterations, one by one.

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
        estimator : GaussianMixture, GaussianMixtureIC, or a Pipeline that ends in one
            Fitted, with at least one iteration; of gmmem, or of scikit-learn from 1.7
            on, which keeps the likelihoods of the best start.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For every line.

        Returns
        -------
        display : LikelihoodDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator is no Gaussian mixture.
        ValueError
            If the mixture has kept no likelihoods.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> from gmmem.displays import LikelihoodDisplay
        >>> model = GaussianMixture(2, random_state=0).fit(load_old_faithful())
        >>> LikelihoodDisplay.from_estimator(model).ax_.get_xlabel()
        'Iteration'
        """
        whole, estimator = estimator, last_step(estimator)[0]
        check_is_mixture(estimator, whole, cls.__name__)
        check_is_fitted(estimator)
        if not hasattr(estimator, "lower_bounds_"):
            raise ValueError(
                f"This {type(estimator).__name__} keeps no likelihoods of its iterations: fit "
                "gmmem.GaussianMixture, or scikit-learn's from 1.7 on."
            )
        kept = list(estimator.lower_bounds_)
        if not kept:
            raise ValueError("The estimator did no iteration of EM: there is nothing to draw.")
        histories = getattr(estimator, "start_lower_bounds_", [kept])
        return cls(histories, histories.index(kept)).plot(ax, **kwargs)

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
        display : LikelihoodDisplay
            Itself.

        Examples
        --------
        >>> from gmmem.displays import LikelihoodDisplay
        >>> display = LikelihoodDisplay([[-4.1, -4.0], [-4.3, -4.1, -4.05]], 0).plot()
        >>> [len(line.get_xdata()) for line in display.lines_]
        [2, 3]
        """
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
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        if len(self.histories) > 1:
            handles = {line.get_label(): line for line in self.lines_}
            self.ax_.legend(handles.values(), handles.keys(), frameon=False, loc="lower right")
        self.ax_.grid(alpha=0.25)
        return self
