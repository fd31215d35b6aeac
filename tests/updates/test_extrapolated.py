"""Accelerated EM: the same map, fewer passes, never down."""

from itertools import islice

import numpy as np
import pytest

from gmmem import GaussianMixture, em
from gmmem.covariances import FOURTEEN, get_model
from gmmem.initializers import Nearest
from gmmem.priors import Ridge
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.updates import Extrapolated, Plain


def overlapping(n=2000, d=2, K=3, seed=0, apart=2.0):
    rng = np.random.default_rng(seed)
    centres = apart * rng.standard_normal((K, d))
    return centres[rng.integers(K, size=n)] + rng.standard_normal((n, d)), centres


def path(problem, start, rule, passes):
    likely, done = [], []
    for state in em.states(problem, start, rule):
        likely.append(state.log_likelihood)
        done.append(state.passes)
        if sum(done) >= passes:
            return np.array(likely) / problem.extent.total_weight, np.cumsum(done)


@pytest.mark.parametrize("code", FOURTEEN)
@pytest.mark.parametrize("weighted", [False, True])
def test_monotone_and_a_member_of_the_model(code, weighted):
    X, centres = overlapping()
    weight = np.random.default_rng(1).uniform(0.2, 3, len(X)) if weighted else None
    problem = Problem.of(InMemory(X, weight), get_model(code), Ridge(0))
    start = problem.start(Nearest(centres + 0.7), 3)
    likely, _ = path(problem, start, Extrapolated(), 60)
    assert (np.diff(likely) >= -1e-10).all()
    plain, _ = path(problem, start, Plain(), 30)
    assert likely[-1] >= plain[-1] - 1e-8  # At worst every leap is taken back.


def test_fewer_passes_in_the_median_and_to_the_same_end():
    ratios = []  # The bar of benchmarks/acceleration.py, on problems that take a moment.
    for seed in range(4):
        for d, K in [(1, 2), (2, 3), (4, 3)]:
            X, centres = overlapping(d=d, K=K, seed=seed, apart=1.5)
            problem = Problem.of(InMemory(X), get_model("full"))
            start = problem.start(Nearest(centres), K)
            plain, passes = path(problem, start, Plain(), 400)
            likely, fewer = path(problem, start, Extrapolated(), 400)
            assert likely[-1] >= plain[-1] - 1e-7
            reached = likely >= plain[-1] - 1e-6
            needed = passes[np.argmax(plain >= plain[-1] - 1e-6)]
            ratios.append(fewer[np.argmax(reached)] / needed if reached.any() else 2)
    assert np.median(ratios) <= 0.5
    assert max(ratios) <= 1.1


def test_passes_are_counted():
    X, _ = overlapping(seed=3)
    model = GaussianMixture(3, accelerate=True, tol=0, max_iter=40, random_state=0)
    with pytest.warns(UserWarning, match="did not converge"):
        model.fit(X)
    assert model.n_iter_ in (40, 41)  # The last step may take two.
    assert len(model.lower_bounds_) <= model.n_iter_
    assert (np.diff(model.lower_bounds_) >= -1e-10).all()


def test_narrow_components_far_away_take_plain_steps():
    rng = np.random.default_rng(0)
    X = np.vstack(
        [1e-7 * rng.standard_normal((500, 2)), [1, 2] + 1e-7 * rng.standard_normal((500, 2))]
    )
    X = np.vstack([X, [2, 1] + 1e-7 * rng.standard_normal((500, 2))])
    problem = Problem.of(InMemory(X), get_model("full"))
    start = problem.start(Nearest(np.array([[0.0, 0], [1, 2], [2, 1]])), 3)
    steps = zip(
        em.states(problem, start, Extrapolated()), em.states(problem, start, Plain()), strict=False
    )
    for ours, plain in islice(steps, 6):
        np.testing.assert_array_equal(ours.update.means, plain.update.means)
