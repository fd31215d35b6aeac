"""What stands for missing values while a start is looked for.

Initialisers want complete rows.  What one Gaussian expects of a missing value may lie between
all clusters; so a mixture of as many components as wanted is fitted to some rows first, and
every row completed by the component that it most probably belongs to.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from gmmem import em
from gmmem.covariances import get_model
from gmmem.estimators.believing import prior_for
from gmmem.initializers import KMeans, as_assignment
from gmmem.problem import Problem

# Rows that the mixture is fitted to, and iterations of EM.
ROWS, ITERATIONS = 5_000, 20


def ready_to_start(problem: Problem, n_components: int) -> Problem:
    """The same problem, its rows completed by a mixture where values are missing."""
    if problem.incomplete is None or n_components == 1:
        return problem
    rng = np.random.RandomState(0)  # None of the numbers that seed the starts.
    rows = problem.rows.sample(ROWS, rng)
    model = get_model("EEE" if problem.incomplete.joint else "EEI")
    small = Problem.of(rows, model)
    if small.incomplete is None or not small.extent.there.all():
        return problem
    seen = small.complete.sample(rows.n_rows, rng)
    number = min(n_components, small.extent.n_rows)
    answer = KMeans()(seen.X, number, sample_weight=seen.weight, random_state=rng)
    assign = as_assignment(answer, rows.n_rows, number, "k-means")
    # No component is to collapse, whatever the rows.
    small = replace(small, prior=prior_for("regularised", small, number))
    start = partial(small.start, assign, number)
    best = em.solve(small, [start], tol=1e-3, max_iter=ITERATIONS).best
    if best is None:
        return problem
    return replace(problem, incomplete=problem.incomplete.completed_by(best.mixture))
