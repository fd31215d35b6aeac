"""The loop: a fit that is resumed is the fit that was not interrupted."""

import numpy as np
import pytest

from gmmem import Mixture, em
from gmmem.covariances import FOURTEEN, get_model
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.updates import Extrapolated, Plain

X = np.random.RandomState(0).randn(120, 3) * [1, 2, 0.5] + np.arange(120)[:, None] % 3


def begin(problem):
    return problem.start(lambda block, _: np.arange(block.start, block.start + len(block.X)) % 3, 3)


@pytest.mark.parametrize("rule", [Plain(), Extrapolated()], ids=["plain", "extrapolated"])
@pytest.mark.parametrize("name", FOURTEEN)
def test_a_resumed_fit_is_the_uninterrupted_one(name, rule):
    problem = Problem.of(InMemory(X), get_model(name))
    start = begin(problem)
    whole = em.solve(problem, [start], tol=1e-7, max_iter=60, rule=rule).solutions[0]
    parts = em.solve(problem, [start], tol=1e-7, max_iter=4, rule=rule).solutions[0]
    for until in (9, 23, 60):
        if parts.last is not None:
            parts = em.resume(problem, parts, tol=1e-7, max_iter=until, rule=rule)
    assert parts.history == whole.history
    assert parts.passes == whole.passes
    assert parts.status is whole.status
    np.testing.assert_array_equal(
        parts.mixture.covariances.covariances, whole.mixture.covariances.covariances
    )
    assert (parts.last is None) == (parts.status is em.Status.CONVERGED)


def test_an_m_step_takes_moments_that_see_more_than_the_model():
    X = np.random.RandomState(0).normal(size=(60, 2)) * [1, 3]
    start = Mixture.from_arrays([0.5, 0.5], [[-1, 0], [1, 0]], [np.eye(2)] * 2)
    _, moments = em.expect(start, InMemory(X))
    mass, _, W, *_ = moments.scatters()
    variances = np.diagonal(W, axis1=1, axis2=2)
    expected = {
        "EII": [np.eye(2) * variances.sum() / 120] * 2,
        "VII": [np.eye(2) * each.sum() / 2 / n for each, n in zip(variances, mass, strict=True)],
        "EEI": [np.diag(variances.sum(axis=0)) / 60] * 2,
        "VVI": [np.diag(each) / n for each, n in zip(variances, mass, strict=True)],
        "EEE": [W.sum(axis=0) / 60] * 2,
    }
    for name, covariances in expected.items():
        found = em.maximise(moments, get_model(name)).mixture.covariances.dense()
        np.testing.assert_allclose(np.broadcast_to(found, (2, 2, 2)), covariances)
