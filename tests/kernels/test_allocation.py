"""What stands between scores and shares, against the definitions."""

import numpy as np
import pytest

from gmmem import Mixture, em
from gmmem.covariances import get_model
from gmmem.kernels.allocation import Hard, Labelled, Outside, Soft
from gmmem.problem import Problem
from gmmem.sources import InMemory

TYPES = ["full", "tied", "diag", "spherical", "EEE", "VEV"]


def problem_of(allocation, covariance_type="full", weighted=False, **columns):
    rng = np.random.RandomState(0)
    X = np.r_[rng.normal(size=(300, 2)), rng.normal(size=(200, 2)) * 0.5 + 2.5]
    weight = rng.uniform(0.5, 2, size=len(X)) if weighted else None
    rows = InMemory(X, weight).with_columns(**columns)
    problem = Problem.of(rows, get_model(covariance_type), allocation=allocation)
    return problem, X, np.ones(len(X)) if weight is None else weight


def start_of(problem):
    labels = (problem.rows.X[:, 0] > 1.0).astype(int)
    return em.initial_mixture(
        problem.rows, lambda block, _: labels[block.start :][: len(block.X)], 2, problem.model
    )


def check_moments(problem, mixture, R, objective):
    """Objective and moments by the engine, and as they are defined."""
    found, moments, _ = problem.expect(mixture)
    assert found == pytest.approx(objective, rel=1e-12)
    X, scatters = problem.rows.X, moments.scatters()
    np.testing.assert_allclose(scatters.mass, R.sum(axis=0), rtol=1e-10)
    means = R.T @ X / R.sum(axis=0)[:, None]
    np.testing.assert_allclose(scatters.means, means, rtol=1e-9, atol=1e-9)
    Z = X[:, None] - means
    scatter = scatters.form.of(np.einsum("nk,nki,nkj->kij", R, Z, Z))
    if problem.model.shared:
        scatter = scatter.sum(axis=0, keepdims=True)
    np.testing.assert_allclose(scatters.scatter, scatter, rtol=1e-8, atol=1e-8)
    return moments


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_soft(covariance_type, weighted):
    problem, X, w = problem_of(Soft(), covariance_type, weighted)
    mixture = start_of(problem)
    R = mixture.responsibilities(X) * w[:, None]
    check_moments(problem, mixture, R, mixture.log_density(X) @ w)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_hard_gives_each_row_to_one(covariance_type, weighted):
    problem, X, w = problem_of(Hard(), covariance_type, weighted)
    mixture = start_of(problem)
    L = mixture.log_joint(X)
    check_moments(problem, mixture, np.eye(2)[L.argmax(axis=1)] * w[:, None], L.max(axis=1) @ w)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_labelled_rows_keep_their_labels(covariance_type, weighted):
    labels = np.full(500, -1)
    labels[::3], labels[1::7] = 0, 1  # Wrong ones too.
    problem, X, w = problem_of(Labelled(), covariance_type, weighted, label=labels)
    mixture = start_of(problem)
    R, objective = mixture.responsibilities(X), mixture.log_density(X)
    known = labels >= 0
    R[known] = np.eye(2)[labels[known]]
    objective[known] = mixture.log_joint(X)[known, labels[known]]
    check_moments(problem, mixture, R * w[:, None], objective @ w)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_outside_takes_its_share(covariance_type, weighted):
    """Also from a shared covariance, whose shortcut needs shares that sum to one."""
    noise = Outside(0.2, -np.log(40.0))
    problem, X, w = problem_of(noise, covariance_type, weighted)
    mixture = start_of(problem)
    inside = mixture.log_joint(X) + np.log(0.8)
    density = np.exp(inside).sum(axis=1) + 0.2 / 40
    R = np.exp(inside) / density[:, None] * w[:, None]
    moments = check_moments(problem, mixture, R, np.log(density) @ w)
    assert moments.outside == pytest.approx(w.sum() - R.sum(), rel=1e-9)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("allocation", [Soft(), Hard(), Labelled(), Outside(0.1, -4.0)])
def test_em_never_loses_by_any_of_them(covariance_type, allocation):
    labels = np.full(500, -1)
    labels[::4] = 0
    problem, _, _ = problem_of(allocation, covariance_type, label=labels)
    outcome = em.solve(problem, [start_of(problem)], tol=0, max_iter=40)
    history = np.array(outcome.best.history)
    assert (np.diff(history) > -1e-10).all() and history[-1] > history[0]


@pytest.mark.parametrize("weight", [0.0, 1.0, -0.1, np.nan])
def test_a_share_outside_lies_between_nothing_and_all(weight):
    with pytest.raises(ValueError, match="between 0 and 1"):
        Outside(weight, 0.0)


def test_components_need_not_be_a_mixture():
    """A kernel reads log peaks, means and covariances, and no more."""

    class Peaks:
        def __init__(self, mixture):
            self.log_peaks = mixture.log_peaks - 0.5  # No density: it need not integrate to one.
            self.means, self.covariances = mixture.means, mixture.covariances
            self.n_components, self.n_features = mixture.means.shape

    problem, X, _ = problem_of(Soft())
    mixture = Mixture.from_arrays([0.3, 0.7], [[0, 0], [2, 2]], [[[1, 0], [0, 1]]] * 2)
    objective, moments, _ = problem.expect(Peaks(mixture))
    assert objective == pytest.approx(mixture.log_density(X).sum() - 0.5 * len(X), rel=1e-12)
    np.testing.assert_allclose(moments.mass, mixture.responsibilities(X).sum(axis=0), rtol=1e-9)
