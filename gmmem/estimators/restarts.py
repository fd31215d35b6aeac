"""EM from several starts, of which the most likely result is kept: what `n_init` does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gmmem import em
from gmmem.covariances import CovarianceModel, DegenerateCovariance
from gmmem.estimators.callbacks import Task, Unfollowed
from gmmem.estimators.progress import Progress
from gmmem.mixture import Mixture
from gmmem.sources import InMemory


@dataclass(eq=False)
class Restarts:
    """What the starts have given so far.

    Parameters
    ----------
    estimator : GaussianMixture
        Whose parameters are followed, and which knows a solution as attributes.
    rows : InMemory
    model : CovarianceModel
    dtype : dtype
        Of the attributes.
    """

    estimator: Any
    rows: InMemory
    model: CovarianceModel
    dtype: np.dtype
    best: em.Solution | None = None
    failure: DegenerateCovariance | None = None
    histories: list[list[float]] = field(default_factory=list)

    def run(
        self,
        begin: Callable[[], tuple[Mixture, float]],
        progress: Progress,
        task: Task | Unfollowed,
    ) -> None:
        """Run EM from one more start.

        Parameters
        ----------
        begin : callable
            Gives the mixture to start from, and the mean log-likelihood before it.
        progress, task
            Readers of the states.
        """
        params = self.estimator
        try:
            mixture, previous = begin()
            if params.max_iter == 0:
                self.best = em.Solution(mixture, em.Status.MAX_ITER, [])
                return
            solution = em.fit(
                mixture,
                self.rows,
                self.model,
                tol=params.tol,
                max_iter=params.max_iter,
                reg_covar=params.reg_covar,
                previous=previous,
                watch=lambda states: task.states(progress.watch(states), self._after),
            )
        except DegenerateCovariance as error:
            self.failure = error
            return
        progress.end(solution)
        self.histories.append(solution.history)
        if solution.status is em.Status.DEGENERATE:
            self.failure = solution.failure
        elif self.best is None or solution.history[-1] > self.best.history[-1]:
            self.best = solution

    def fitted(self) -> dict | None:
        """The attributes of the estimator by what is the best so far."""
        return None if self.best is None else self._attributes(self.best, self.histories)

    def _after(self, state: em.State, history: list[float]) -> dict:
        """The same if EM stopped at a state, whatever the other starts have given."""
        means = [log_likelihood / self.rows.total_weight for log_likelihood in history]
        solution = em.Solution(state.update, em.Status.MAX_ITER, means)
        return self._attributes(solution, [*self.histories, means])

    def _attributes(self, solution: em.Solution, histories: list[list[float]]) -> dict:
        attributes = self.estimator._fitted(solution, self.dtype)
        return attributes | {"start_lower_bounds_": [list(history) for history in histories]}
