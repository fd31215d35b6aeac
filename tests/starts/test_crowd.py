"""Many starts in the same passes: each is what it would be alone."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from gmmem import em
from gmmem.covariances import FOURTEEN, get_model
from gmmem.kernels.allocation import Apart
from gmmem.mixture import Mixture
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.starts.crowd import (
    _best,
    _followed,
    _some,
    are_sound,
    crowd,
    likelihoods,
    seeded,
    separable,
    with_children,
)
from gmmem.starts.effort import Crowd
from gmmem.starts.report import rand_index


def data(seed=0, n=400, d=2, K=3):
    rng = np.random.default_rng(seed)
    centres = 4 * rng.standard_normal((K, d))
    return centres[rng.integers(K, size=n)] + rng.standard_normal((n, d))


def two_mixtures(X, code):
    """Two starts, and both as one."""
    rng = np.random.default_rng(1)
    K, d = 3, X.shape[1]
    storage = get_model(code).storage
    wide = storage.from_covariances(storage.form.of(np.repeat(np.eye(d)[None], 2 * K, axis=0)), d)
    means = X[rng.choice(len(X), 2 * K, replace=False)]
    half = wide.take(np.arange(K))
    alone = [Mixture(np.full(K, 1 / K), each, half) for each in (means[:K], means[K:])]
    return alone, Mixture(np.full(2 * K, 1 / (2 * K)), means, wide)


@pytest.mark.parametrize("code", ["VVV", "VVI", "VII"])
@pytest.mark.parametrize("weighted", [False, True])
def test_mixtures_side_by_side_go_as_each_alone(code, weighted):
    X = data()
    weight = np.random.default_rng(2).uniform(0.5, 2, len(X)) if weighted else None
    problem = Problem.of(InMemory(X, weight), get_model(code))
    alone, both = two_mixtures(X, code)
    apart = replace(problem, allocation=Apart((3, 3)))
    ends = []
    for start in (*alone, both):
        states = em.states(problem if start is not both else apart, start)
        ends.append(next(state for state in states if state.iteration == 20))
    together = np.vstack([ends[0].mixture.means, ends[1].mixture.means])
    np.testing.assert_allclose(ends[2].mixture.means, together, rtol=1e-7, atol=1e-9)
    # A weight is a share of all components of all mixtures: half of its own.
    own = np.array([each.log_likelihood for each in ends[:2]])
    shared = np.log(2) * problem.extent.total_weight
    np.testing.assert_allclose(ends[2].log_likelihood, own - shared)
    means = likelihoods(problem, ends[2].mixture, 3)
    own = [each.log_likelihood / problem.extent.total_weight for each in ends[:2]]
    np.testing.assert_allclose(means + np.log(2), own)


@pytest.mark.parametrize("code", FOURTEEN)
def test_which_models_are_separable(code):
    assert separable(get_model(code), 3) == (code in {"VVV", "VVI", "VII"})


def test_the_best_of_a_crowd_beats_most_single_starts():
    X = data(3, 600, 2, 8)
    problem = Problem.of(InMemory(X), get_model("VVV")).regularised(1e-6)
    plan, rng = Crowd(0, 0, ((10, 0.5), (20, 0.5))), np.random.RandomState(0)
    found = crowd(problem, 8, 40, plan, 6.0, rng)
    assert 2 <= len(found) <= 10
    assert all(abs(each.weights.sum() - 1) < 1e-12 for each in found)
    score = [problem.expect(each).objective for each in found]
    one = Crowd(0, 0, ((30, 1.0),))
    single = crowd(problem, 8, 1, one, 6.0, np.random.RandomState(1))
    assert max(score) >= problem.expect(single[0]).objective


@pytest.mark.parametrize("seed", range(3))
def test_a_child_has_one_side_of_each_parent(seed):
    X = data(seed, 300, 2, 3)
    problem = Problem.of(InMemory(X), get_model("VVV")).regularised(1e-6)
    both = two_mixtures(X, "VVV")[1]
    family = with_children(problem, both, 3, 20, np.random.RandomState(seed))
    assert family.n_components == 3 * 22
    np.testing.assert_allclose(family.weights.sum(), 1)
    np.testing.assert_allclose(family.weights.reshape(22, 3).sum(axis=1), 1 / 22)
    parents, children = np.split(family.means.reshape(22, 3, 2), [2])
    np.testing.assert_array_equal(parents.reshape(6, 2), both.means)
    for child in children:
        of = [{tuple(mean) for mean in each} for each in parents]
        shares = sorted(sum(tuple(mean) in each for mean in child) for each in of)
        assert shares == [1, 2]


@pytest.mark.parametrize("code", ["VVV", "VVI", "VII"])
def test_children_find_what_their_parents_have_found_apart(code):
    """Each parent has one of two groups right: with no start but theirs, a child has both."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0], [0, 6], [40, 0], [40, 6]])
    X = centres[rng.integers(4, size=400)] + rng.standard_normal((400, 2))
    problem = Problem.of(InMemory(X), get_model(code)).regularised(1e-6)
    left = [[0.0, 0], [0, 6], [40, 3], [41, 3]]
    right = [[0.0, 3], [1, 3], [40, 0], [40, 6]]
    storage = problem.model.storage
    wide = storage.from_covariances(storage.form.of(np.repeat(np.eye(2)[None], 8, axis=0)), 2)
    parents = Mixture(np.full(8, 1 / 8), np.array(left + right), wide)
    family = with_children(problem, parents, 4, 30, np.random.RandomState(0))
    means = likelihoods(problem, family, 4)
    assert means[2:].max() > means[:2].max() + 0.5


def test_of_those_alike_one_goes_on():
    X = data()
    problem = Problem.of(InMemory(X), get_model("VVV")).regularised(1e-6)
    both = two_mixtures(X, "VVV")[1]
    places = np.append(np.arange(6), np.arange(6))
    covariances = both.covariances.take(places)
    twice = Mixture(both.weights[places] / 2, both.means[places], covariances)
    best = _best(problem, twice, 3, 4, 1.0)
    assert best.n_components == 6


def test_a_mixture_of_too_light_a_component_is_not_sound():
    X = data()
    problem = Problem.of(InMemory(X), get_model("VVV")).regularised(1e-6)
    _, both = two_mixtures(X, "VVV")
    weights = both.weights.copy()
    weights[4] = 1e-3
    light = Mixture(weights / weights.sum(), both.means, both.covariances)
    assert are_sound(problem, light, 3, 6.0).tolist() == [True, False]


def test_seeds_are_rows_and_labels_those_of_the_nearest():
    X = data(1)
    labels, places = seeded(X, np.ones(len(X)), 4, 5, np.random.RandomState(0))
    for each, of in zip(labels.T, places, strict=True):
        distance = np.square(X[:, None] - X[of]).sum(axis=2)
        assert len(set(of)) == 4
        np.testing.assert_array_equal(each, distance.argmin(axis=1))


def test_rows_of_no_weight_are_no_seeds():
    X, weight = data(1), np.zeros(400)
    weight[:10] = 1
    places = seeded(X, weight, 4, 20, np.random.RandomState(0))[1]
    assert places.max() < 10


@pytest.mark.parametrize("seed", range(5))
def test_rand_index_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.integers(4, size=200), rng.integers(3, size=200)
    other = np.where(rng.random(200) < 0.5, one % 3, other)
    np.testing.assert_allclose(rand_index(one, other), adjusted_rand_score(one, other))


def test_rand_index_of_one_cluster():
    nothing = np.zeros(5, dtype=int)
    assert rand_index(nothing, nothing) == 1
    assert rand_index(nothing, np.arange(5)) == 0


def test_one_about_to_collapse_does_not_slow_the_others():
    """Its narrow component would have all mixtures scored by differences."""
    X = 100 * data()
    X[:30] = X[0]
    problem = Problem.of(InMemory(X), get_model("VVV")).regularised(1e-6)
    rng, wide = np.random.default_rng(0), 1e4 * np.eye(2)
    means = X[rng.choice(np.arange(30, 400), 6, replace=False)]
    means[4] = X[0]
    covariances = np.repeat(wide[None], 6, axis=0)
    covariances[4] = 1e-6 * np.eye(2)
    storage = problem.model.storage.from_covariances(covariances, 2)
    both = Mixture(np.full(6, 1 / 6), means, storage)
    assert problem.kernel(both).exact
    left = _followed(problem, both, 5, 3, 6.0)
    assert left.n_components == 3
    alone = _followed(problem, _some(both, np.array([0]), 3), 5, 3, 6.0)
    np.testing.assert_allclose(left.means, alone.means)
    assert _followed(problem, _some(both, np.array([1]), 3), 5, 3, 6.0) is None
