"""M-steps are maxima: against optima by brute force, and likelihoods that never fall."""

import numpy as np
import pytest
from scipy.optimize import minimize

from gmmem import em
from gmmem.covariances import FOURTEEN, DegenerateCovariance, Diagonal, Full, Spherical
from gmmem.initializers import as_assignment
from gmmem.sources import InMemory


def objective(dense, scatter, mass):
    """``sum_k n_k log |S_k| + tr(inv(S_k) W_k)``: what an M-step makes least."""
    dense = np.broadcast_to(dense, (len(mass), *dense.shape[1:]))
    sign, log_det = np.linalg.slogdet(dense)
    assert (sign > 0).all()
    traces = np.trace(np.linalg.solve(dense, scatter), axis1=1, axis2=2)
    return float(mass @ log_det + traces.sum())


def rotation(angles, d):
    turn = np.zeros((d, d))
    turn[np.triu_indices(d, 1)] = angles
    turn -= turn.T
    return np.linalg.solve(np.eye(d) - turn, np.eye(d) + turn)


def covariances_of(letters, free, K, d, units):
    """The model's covariances from unconstrained numbers, one after the other."""
    free = iter(np.split(free, np.cumsum(sizes(letters, K, d))[:-1]))
    volume = np.exp(next(free)) * np.ones(K)
    shape = np.zeros((1, d))
    if letters[1] != "I":
        shape = np.pad(next(free).reshape(-1, d - 1), ((0, 0), (0, 1)))
        shape -= shape.mean(axis=1, keepdims=True)
    axes = [np.eye(d)]
    if letters[2] != "I":
        axes = [rotation(angles, d) for angles in next(free).reshape(-1, d * (d - 1) // 2)]
    lengths = volume[:, None] * np.exp(shape)
    return np.array(
        [a @ np.diag(v) @ a.T for a, v in zip(axes * (K // len(axes)), lengths, strict=True)]
    )


def sizes(letters, K, d):
    each = {"E": 1, "V": K}
    result = [each[letters[0]]]
    if letters[1] != "I":
        result.append(each[letters[1]] * (d - 1))
    if letters[2] != "I":
        result.append(each[letters[2]] * d * (d - 1) // 2)
    return result


@pytest.mark.parametrize("code", FOURTEEN)
@pytest.mark.parametrize("seed", range(3))
def test_against_brute_force(code, seed):
    """No parameters of the model do better than its M-step, from many places."""
    rng, d, K = np.random.RandomState(seed), 2, 2
    mass = rng.uniform(20, 60, size=K)
    parts = rng.normal(size=(K, 12, d)) * rng.uniform(0.3, 2, size=(K, 1, d))
    scatter = np.einsum("kni,knj->kij", parts, parts) * mass[:, None, None] / 12
    model = FOURTEEN[code]
    seen = model.storage.form.of(scatter)
    if model.shared:
        seen = seen.sum(axis=0, keepdims=True)
    estimate = model.estimate(seen, mass, d, None)
    held = model.storage.from_covariances(estimate.covariances, d)
    ours = objective(held.dense(), scatter, mass)
    best = np.inf
    for _ in range(8):
        start = rng.normal(size=sum(sizes(code, K, d)))
        found = minimize(
            lambda free: objective(covariances_of(code, free, K, d, 1), scatter, mass), start
        )
        best = min(best, found.fun)
    assert ours <= best + 1e-6 * mass.sum()


@pytest.mark.parametrize("code", ["EEV", "VEV", "VVV", "EVV", "EEE", "VEE"])
@pytest.mark.parametrize("thin", [1e2, 1e6, 1e10])
def test_thin_scatters_keep_their_digits(code, thin):
    """Components that have the model's structure are their own best covariances."""
    rng, d, K = np.random.RandomState(1), 3, 3
    lengths = np.array([1.0, 0.3, 1 / thin])
    axes = [np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(K)]
    if code[2] == "E":
        axes = axes[:1] * K
    truth = np.array([a @ np.diag(lengths) @ a.T for a in axes])
    mass, model = np.array([50.0, 80.0, 30.0]), FOURTEEN[code]
    scatter = truth * mass[:, None, None]
    if model.shared:
        scatter = scatter.sum(axis=0, keepdims=True)
    found = model.estimate(scatter, mass, d, None).covariances
    np.testing.assert_allclose(
        np.linalg.eigvalsh(found), np.sort(np.broadcast_to(lengths, (len(found), d))), rtol=1e-5
    )
    ours = objective(found, truth * mass[:, None, None], mass)
    assert ours <= objective(truth, truth * mass[:, None, None], mass) + 1e-5 * mass.sum()


def random_rows(rng):
    n, d = rng.randint(20, 150), rng.randint(1, 6)
    X = rng.normal(size=(n, d)) @ (np.eye(d) + rng.normal(size=(d, d)))
    X = X * 10.0 ** rng.uniform(-2, 2, size=d) + rng.normal(size=d) * 10.0 ** rng.uniform(-2, 3)
    return np.round(3 * X / X.std(axis=0)) if rng.uniform() < 0.3 else X


@pytest.mark.parametrize("code", FOURTEEN)
def test_the_likelihood_never_falls(code):
    """On rows of any kind; a fit may end because a component collapses."""
    model, fits = FOURTEEN[code], 0
    for seed in range(25):
        rng = np.random.RandomState(seed)
        X, K = random_rows(rng), rng.randint(1, 6)
        R = rng.dirichlet(np.full(K, 0.3), size=len(X))
        rows = InMemory(X)
        try:
            start = em.initial_mixture(rows, as_assignment(R, len(X), K, ""), K, model)
            history = np.array(em.fit(start, rows, model, tol=0, max_iter=40).history)
        except DegenerateCovariance:
            continue
        fits += 1
        assert (np.diff(history) >= -1e-9 * (1 + np.abs(history[1:]))).all(), seed
    assert fits > 10


@pytest.mark.parametrize("code", FOURTEEN)
@pytest.mark.parametrize("scale", [1e-120, 1e-30, 1e30, 1e120])
def test_any_scale(code, scale):
    rng = np.random.RandomState(0)
    labels = np.arange(90) % 3
    X = rng.normal(size=(90, 3)) + 3 * labels[:, None]
    mixtures = []
    for factor in (1.0, scale):
        rows = InMemory(factor * X)
        start = em.initial_mixture(rows, as_assignment(labels, 90, 3, ""), 3, code)
        mixtures.append(em.fit(start, rows, code, tol=0, max_iter=5).mixture)
    one, other = mixtures
    np.testing.assert_allclose(other.means / scale, one.means, rtol=1e-6)
    np.testing.assert_allclose(
        other.covariances.variances / scale / scale, one.covariances.variances, rtol=1e-5
    )


@pytest.mark.parametrize("code", FOURTEEN)
def test_collinear_integers_end_in_a_sentence(code):
    """And never in a LinAlgError or a warning, whatever the start."""
    for seed in range(10):
        rng = np.random.RandomState(seed)
        X = rng.randint(0, 5, size=(40, 3)).astype(float)
        X = np.c_[X, X[:, 0] + X[:, 1]]
        R = rng.dirichlet(np.ones(3), size=40)
        rows = InMemory(X)
        try:
            start = em.initial_mixture(rows, as_assignment(R, 40, 3, ""), 3, code)
            solution = em.fit(start, rows, code, max_iter=200)
        except DegenerateCovariance as error:
            assert code[2] != "I" and "singular" in str(error)
            continue
        assert code[2] == "I" or solution.failure is not None


@pytest.mark.parametrize("storage", [Spherical, Diagonal, Full])
@pytest.mark.parametrize("shared", [False, True])
def test_marginals_and_regressions_are_those_of_the_matrices(storage, shared):
    rng, d = np.random.RandomState(0), 4
    A = rng.normal(size=(1 if shared else 3, d, d))
    held = storage.from_covariances(storage.form.of(A @ A.transpose(0, 2, 1) + np.eye(d)), d)
    dense, o, m = held.dense(), np.array([0, 2]), np.array([1, 3])
    np.testing.assert_allclose(held.marginal(o).dense(), dense[:, o][:, :, o], rtol=1e-12)
    B, C = held.regression(o, m)
    cross, inner = dense[:, m][:, :, o], dense[:, o][:, :, o]
    expected = cross @ np.linalg.inv(inner)
    np.testing.assert_allclose(B, expected, atol=1e-10)
    remains = dense[:, m][:, :, m] - expected @ cross.transpose(0, 2, 1)
    np.testing.assert_allclose(C, remains, atol=1e-10)
    with pytest.raises(ValueError, match="read-only"):
        held.factors[...] = 1
