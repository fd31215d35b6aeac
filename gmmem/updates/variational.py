"""Variational Bayes: EM whose M-step gives beliefs, and whose objective is a lower bound.

    E-step: posterior  ->  responsibilities R, moments
    M-step: moments    ->  posterior
    bound:  entropy(R) + log-normaliser(posterior)

The entropy needs no pass of its own: ``log R = L - logsumexp(L)``, and L is linear in what
the moments are sums of.
"""

from dataclasses import dataclass

import numpy as np

from gmmem.covariances import DegenerateCovariance
from gmmem.kernels.base import Components
from gmmem.moments import Moments
from gmmem.priors.variational import Posterior, VariationalPrior
from gmmem.problem import Problem, Update
from gmmem.updates.base import State
from gmmem.updates.plain import Point


@dataclass(frozen=True, eq=False)
class VariationalProblem(Problem):
    """Rows to be explained by beliefs: its prior is a `VariationalPrior`, a mixture a posterior."""

    prior: VariationalPrior

    def maximise(self, moments: Moments, previous: Posterior | None = None) -> Update:
        """M-step: the posterior that maximises the bound."""
        try:
            return Update(self.prior.posterior(moments, self.model))
        except DegenerateCovariance:
            self._refuse_singular_rows(moments)  # The better reason.
            raise


@dataclass(frozen=True)
class Variational:
    """The map whose bound never falls: the states' likelihoods are lower bounds."""

    def init(self, problem: VariationalProblem, start: Posterior) -> Point:
        return Point(start, problem.kernel(start))

    def step(self, problem: VariationalProblem, iteration: int, memory: Point) -> State:
        posterior, kernel = memory
        expectation = problem.expect(posterior, kernel)
        expectation, update, kernel = problem.improve(expectation, posterior)
        following = update.mixture
        entropy = expectation.objective - expected_scores(posterior, expectation.moments)
        bound = entropy + following.log_normaliser
        return State(iteration, bound, posterior, following, memory=Point(following, kernel))


def expected_scores(components: Components, moments: Moments) -> float:
    """Sum over rows and components of responsibility times score, from the moments."""
    storage = components.covariances
    squares = storage.form.inner(storage.precisions, moments.about(components.means).second)
    return float(moments.mass @ components.log_peaks - 0.5 * np.sum(squares))
