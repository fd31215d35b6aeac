"""Splits and mergers: sums of moments, and bounds that hold."""

import numpy as np
import pytest
from scipy import stats

from gmmem.covariances import FOURTEEN, get_model
from gmmem.initializers import Nearest
from gmmem.initializers.base import Hard
from gmmem.priors import Ridge
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.starts.moves import Move, candidates, merge_losses, moved, pruned
from gmmem.starts.splits import Split, halves, split_each


def problem_of(code="VVV", seed=0, n=600, d=3, K=4):
    rng = np.random.default_rng(seed)
    centres = 5 * rng.standard_normal((K, d))
    X = centres[rng.integers(K, size=n)] + rng.standard_normal((n, d))
    problem = Problem.of(InMemory(X), get_model(code), Ridge(1e-9))
    return problem, problem.start(Nearest(centres), K), X


@pytest.mark.parametrize("seed", range(3))
def test_loss_of_a_merger_by_brute_force(seed):
    problem, mixture, X = problem_of(seed=seed)
    moments = problem.expect(mixture).moments
    losses = merge_losses(moments, problem.model)
    R = mixture.responsibilities(X)

    def half_log_det(r):
        return 0.5 * r.sum() * np.linalg.slogdet(np.cov(X.T, aweights=r, ddof=0))[1]

    for a, b in [(0, 1), (2, 3), (3, 0)]:
        expected = half_log_det(R[:, a] + R[:, b]) - half_log_det(R[:, a]) - half_log_det(R[:, b])
        np.testing.assert_allclose(losses[a, b], expected, rtol=1e-8)
    assert np.isinf(np.diagonal(losses)).all()


@pytest.mark.parametrize("code", FOURTEEN)
def test_a_move_keeps_the_sums_over_all_components(code):
    problem, mixture, X = problem_of(code)
    moments = problem.expect(mixture).moments.about(problem.extent.centre[None])
    shares = mixture.responsibilities(X)[:, 2]
    own = InMemory(X, shares)
    labels = halves(X, shares)
    parts = Problem.of(own, problem.model, problem.prior)
    from gmmem.passes import assigned_moments

    labels = labels.astype(np.intp)
    two = assigned_moments(
        own, parts.extent, Hard(labels, 2), 2, problem.model.storage.form, problem.model.shared
    )
    after = moved(moments, Move((0, 1), 2, 0.0), Split(0.0, two))
    np.testing.assert_allclose(after.mass.sum(), moments.mass.sum())
    np.testing.assert_allclose(after.first.sum(axis=0), moments.first.sum(axis=0), atol=1e-8)
    np.testing.assert_allclose(after.second.sum(axis=0), moments.second.sum(axis=0), atol=1e-7)
    np.testing.assert_allclose(after.mass[0], moments.mass[0] + moments.mass[1])
    assert problem.maximise(after).mixture.n_components == 4


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_gain_of_a_split_finds_the_component_on_two_clusters(scale):
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0], [12, 0], [0, 12], [4, 0]])
    X = centres[rng.integers(4, size=800)] + rng.standard_normal((800, 2))
    X = X * [scale, 1.0]
    problem = Problem.of(InMemory(X), get_model("full"))
    mixture = problem.start(Nearest(centres[:3] * [scale, 1.0]), 3)
    gains = [each.gain for each in split_each(problem, mixture, np.arange(3), 8, 6.0)]
    assert np.argmax(gains) == 0
    assert gains[0] > 50 > max(gains[1:])


def test_no_split_into_a_few_rows():
    problem, mixture, _ = problem_of()
    (only,) = split_each(problem, mixture, np.array([0]), 8, 400.0)
    assert only.moments is None
    assert only.gain == -np.inf


def test_candidates_never_merge_what_they_split():
    losses = np.where(np.eye(4) > 0, np.inf, 1.0)
    moves = candidates(losses, [Split(g, None) for g in (9.0, 5.0, 1.0, -np.inf)], 10)
    assert moves
    assert moves[0].split == 0
    assert all(move.split not in move.pair and move.split != 3 for move in moves)
    assert [m.net for m in moves] == sorted((m.net for m in moves), reverse=True)


@pytest.mark.parametrize("code", ["VVV", "EEE", "VII", "VEV"])
def test_what_is_pruned_keeps_the_sums_and_merges_what_was_split(code):
    problem, mixture, _ = problem_of(code, K=4, n=900)
    centres = np.vstack([mixture.means + 0.7, mixture.means - 0.7])
    large = problem.start(Nearest(centres), 8)
    moments = problem.expect(large).moments.about(problem.extent.centre[None])
    after = pruned(moments, problem.model, 4)
    np.testing.assert_allclose(after.mass.sum(), moments.mass.sum())
    np.testing.assert_allclose(after.first.sum(axis=0), moments.first.sum(axis=0), atol=1e-8)
    np.testing.assert_allclose(after.second.sum(axis=0), moments.second.sum(axis=0), atol=1e-7)
    found = problem.maximise(after).mixture
    away = np.linalg.norm(found.means[:, None] - mixture.means[None], axis=2)
    assert sorted(away.argmin(axis=1)) == [0, 1, 2, 3]
    assert away.min(axis=1).max() < 1


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gain_of_a_split_by_brute_force(weighted):
    problem, mixture, X = problem_of(n=400)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X)) if weighted else None
    problem = Problem.of(InMemory(X, weight), problem.model, problem.prior)
    which = np.array([1, 3])
    for k, each in zip(which, split_each(problem, mixture, which, 60, 4.0), strict=True):
        shares = mixture.responsibilities(X)[:, k]
        shares = np.where(shares < 0.02, 0, shares)
        own = shares if weight is None else shares * weight
        pair = problem.maximise(each.moments).mixture
        alone = np.log(mixture.weights[k]) + _log_normal(X, mixture, k)
        two = np.logaddexp(*(np.log(pair.weights[c]) + _log_normal(X, pair, c) for c in (0, 1)))
        expected = own @ (two + np.log(mixture.weights[k]) - alone)
        np.testing.assert_allclose(each.gain, expected, rtol=1e-3, atol=0.05)


def _log_normal(X, mixture, k):
    covariance = mixture.covariances.dense()[k]
    return stats.multivariate_normal(mixture.means[k], covariance).logpdf(X)
