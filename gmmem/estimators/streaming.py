"""`partial_fit`: a mixture that follows a stream, a batch of rows at a time."""

from dataclasses import replace

import numpy as np

from gmmem.compat import fit_context
from gmmem.covariances import DegenerateCovariance, get_model
from gmmem.estimators import advice
from gmmem.estimators.attributes import to_attributes
from gmmem.estimators.believing import believed, with_start
from gmmem.estimators.given import (
    check_enough,
    check_given,
    check_observed,
    check_resumable,
    check_whole,
)
from gmmem.estimators.mixture_methods import unchanged_on_failure
from gmmem.estimators.ordering import unordered
from gmmem.estimators.rows import as_data, as_rows
from gmmem.initializers import as_initialiser
from gmmem.priors import ridge_of
from gmmem.problem import Problem
from gmmem.updates.stepwise import Decreasing, Running, begun, checked_size, moments_of, step

DECREASING = Decreasing()


class PartialFit:
    """Online EM for an estimator that has `fit`'s parameters and `step_size`."""

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Take a batch of rows into account: online EM on the running moments.

        The first call fits the mixture to its own rows, as `fit` would.  Each later one is
        one step: the expected moments of the batch, for a unit of weight, enter a running
        average by the share `step_size`, and the M-step follows.  After `fit`, it goes on from
        what was fitted.  Rows that come in an order (by time, by place) are to be mixed first.
        A component that gets no rows keeps its place and width, at a weight next to nothing,
        until rows come back.  A `prior` is weighed against as many rows as the average stands for:
        all that came, of which those long ago count less.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The batch.  A hundred rows a component or more keep the steps quiet.
        y : Ignored
            Present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        self : GaussianMixture
            Ready for every prediction.

        References
        ----------
        Cappe and Moulines (2009). On-line expectation-maximization algorithm for latent data
        models. Journal of the Royal Statistical Society B 71, 593-613.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import GaussianMixture
        >>> rng = np.random.RandomState(0)
        >>> model = GaussianMixture(2, random_state=0)
        >>> for _ in range(50):
        ...     batch = rng.normal(size=(200, 1)) + 6 * rng.randint(2, size=(200, 1))
        ...     model = model.partial_fit(batch)
        >>> np.sort(model.means_.ravel()).round(1) + 0
        array([0., 6.])
        """
        with unchanged_on_failure(self):
            if hasattr(self, "weights_"):
                self._take(as_rows(self, X, sample_weight, reset=False))
            else:
                self._begin(as_rows(self, X, sample_weight, reset=True), y)
        return self

    def _begin(self, rows, y) -> None:
        """Fit the first rows, and remember their moments."""
        check_whole(self, "n_components", "max_iter", "n_init")
        model = get_model(self.covariance_type)
        as_initialiser(self.init_params)
        given = with_start(check_given(self, model, rows.n_features), self.prior)
        X, sample_weight = as_data(rows)
        with rows.working():
            problem = Problem.of(rows, model)
            check_observed(self, problem.extent)
            problem = problem.regularised(self.reg_covar)
            check_enough(self.n_components, problem.extent.n_rows, sample_weight)
            problem = believed(self, given, problem)
            best, interrupt = self._solve(problem, X, y, sample_weight, given)
            if interrupt is not None:
                raise interrupt
            # In the order that `prior` and `fixed` speak of, whatever that of the attributes is.
            moments = problem.expect(best.mixture.take(np.argsort(self._placed))).moments
        self._stream = begun(moments, problem.extent.total_weight)

    def _take(self, rows) -> None:
        """One step."""
        model, mixture = get_model(self.covariance_type), unordered(self)
        check_resumable(self, model, rows.n_features)
        given = with_start(check_given(self, model, rows.n_features), self.prior)
        running = vars(self).get("_stream") or Running(moments_of(mixture), 0, 0.0)
        # A copy that travelled has a form of its own, which is the model's still.
        running = running._replace(moments=replace(running.moments, form=model.storage.form))
        rule = DECREASING if self.step_size is None else self.step_size
        size = checked_size(rule, running.n_steps + 1, "step_size")
        with rows.working():
            # The stream knows better than a batch how wide the features are.
            total = running.moments.pooled()
            batch = Problem.of(rows, model, ridge_of(self.reg_covar, lambda: total))
            known = running.stands_for(batch.extent.total_weight)
            batch = believed(self, given, batch, total * known)
            try:
                taken = step(running, batch, mixture, size)
            except DegenerateCovariance as error:
                raise ValueError(
                    f"The step failed: {str(error).rstrip('.')}. Increase reg_covar (now "
                    f"{advice.number(self.reg_covar)}), lower n_components (now "
                    f"{self.n_components}), give larger batches, or lower step_size."
                ) from error
        dtype = np.result_type(rows.dtype, np.asarray(self.means_).dtype)
        placed = vars(self).get("_placed", np.arange(self.n_components))
        vars(self).update(to_attributes(taken.mixture.take(placed), model, dtype))
        self._stream = taken.running
        self.converged_ = False
        self.n_iter_ += 1
        self.lower_bound_ = taken.log_likelihood
        self.lower_bounds_ = [*self.lower_bounds_, taken.log_likelihood]
