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
from gmmem.updates.extrapolated import modelled


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


@pytest.mark.parametrize("rates", [[0.9, 0.6, 0.3], [0.999, 0.5, 0.0]])
def test_a_symmetric_linear_map_is_seen_through(rates):
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.standard_normal((8, 3)))
    J = axes @ np.diag(rates) @ axes.T
    S, r = rng.standard_normal((4, 8)), J @ rng.standard_normal(8)
    model = modelled(np.stack([S, S @ J], axis=1), r)
    np.testing.assert_allclose(sorted(model.rates), sorted(rate for rate in rates if rate))
    for T in (1, 2, 7, 100):
        more = sum(np.linalg.matrix_power(J, t) @ r for t in range(1, T))
        np.testing.assert_allclose(model.leap(T) @ model.vectors, more, atol=1e-9)
        next_step = np.linalg.matrix_power(J, T) @ r
        np.testing.assert_allclose(model.ahead(T) @ model.vectors, next_step, atol=1e-9)
    # As combinations of what is known: the differences of images.
    np.testing.assert_allclose(model.weights @ (S @ J), model.vectors, atol=1e-9)
    newton = r @ np.linalg.solve(np.eye(8) - J, r) / 2
    np.testing.assert_allclose(model.remaining(r).gain, newton)


def test_no_model_where_nothing_moved():
    assert modelled(np.zeros((3, 2, 5)), np.ones(5)) is None


def test_leaps_where_each_kernel_has_a_centre_of_its_own():
    X, centres = overlapping(K=2, apart=1.5)
    # So narrow, beside their distance, that differences are taken.
    X, centres = (np.vstack([1e-7 * part, 1 + 1e-7 * part]) for part in (X, centres))
    problem = Problem.of(InMemory(X), get_model("diag"))
    start = problem.start(Nearest(centres), 4)
    assert problem.kernel(start).exact
    likely, _ = path(problem, start, Extrapolated(), 60)
    assert (np.diff(likely) >= -1e-10).all()
    plain, _ = path(problem, start, Plain(), 240)
    assert likely[-1] >= plain[-1] - 1e-8
