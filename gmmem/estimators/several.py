"""The starts of a `GaussianMixture`: as many as asked for, or those of ``n_init="auto"``."""

from functools import partial
from typing import Any

import numpy as np

from gmmem import em
from gmmem.estimators.given import GivenParameters
from gmmem.estimators.rows import seen
from gmmem.estimators.starting import initial_mixture
from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.starts.automatic import Found, search
from gmmem.starts.report import COMPARED, compared
from gmmem.starts.stages import Stages

# After a search, a run ends at this share of `tol`: what was found is not to be given away.
TIGHTER = 0.1

NOTHING = GivenParameters()


class Automatic:
    """A start that is searched for; what was found stays for the report."""

    def __init__(self, problem, begin, n_components, random_state, stages: Stages):
        self.search = partial(search, problem, begin, n_components, random_state, stages=stages)
        self.stages = stages
        self.found: Found | None = None

    def __call__(self) -> Mixture:
        self.found = self.stages.once(self.search)
        self.stages.best = self.found.mixture
        return self.found.mixture


def starts(params: Any, problem: Problem, given, random_state, stages: Stages) -> list:
    """What EM starts from, each a callable; a search is done in those stages."""
    K, init = params.n_components, params.init_params
    shown = (None, None) if given.complete else seen(problem, random_state)
    whole = partial(initial_mixture, problem, *shown, given, K, init, random_state)
    if params.n_init != "auto":
        return [whole] * params.n_init
    if given.means is not None or K == 1 or params.max_iter == 0:
        return [whole]  # There is nothing to choose from.

    def begin(small, number, n):
        shown = seen(small, random_state)
        if n == K:
            return initial_mixture(small, *shown, given, K, init, random_state)
        # Of more, seeds will do, and nothing is known of them.
        return initial_mixture(small, *shown, NOTHING, n, "k-means++", random_state)

    return [Automatic(problem, begin, K, random_state, stages)]


def report(starts: list, outcome: em.Outcome, problem: Problem) -> dict[str, Any]:
    """How the starts compare, if there were several."""
    if isinstance(starts[0], Automatic) and starts[0].found is not None:
        return {"starts_report_": starts[0].found.report}
    usable = [
        each
        for each in outcome.solutions
        if each.status is not em.Status.DEGENERATE and each.history
    ]
    if len(starts) < 2 or not usable:
        return {}
    # The same rows each time, and no number drawn from what seeds the starts.
    rows = problem.rows.sample(COMPARED, np.random.RandomState(0))
    mixtures = [each.mixture for each in usable]
    means = [each.history[-1] for each in usable]
    return {"starts_report_": compared(outcome.best.mixture, mixtures, means, rows)}
