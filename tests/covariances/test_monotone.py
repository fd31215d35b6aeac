"""The likelihood never falls: random rows of many kinds, every model, from random labels."""

from itertools import islice

import numpy as np
import pytest

from gmmem import em
from gmmem.covariances import FOURTEEN, DegenerateCovariance
from gmmem.initializers import as_assignment
from gmmem.sources import InMemory
from tests.covariances.cases import CODES, rotation

EPS = np.finfo(np.float64).eps


def nearly_collinear(rng, X):
    X[:, -1] = X[:, 0] + 10 ** rng.uniform(-6, 0) * X[:, -1]
    return X


def thin_beside_others(rng, X):
    near = X[:, 0] < np.median(X[:, 0])
    X[near] = X[near][:1] + 10 ** rng.uniform(-5, -1) * (X[near] - X[near][:1])
    return X


def units_graded_and_heavy(rng, X):
    for kind in ("units", "graded", "heavy"):
        X = KINDS[kind](rng, X)
    return X


KINDS = {
    "normal": lambda rng, X: X,
    "integers": lambda rng, X: np.round(2 * X),
    "graded": lambda rng, X: X @ (rotation(rng, X.shape[1]) * 10 ** rng.uniform(-4, 1, X.shape[1])),
    "heavy": lambda rng, X: X * np.exp(2 * rng.normal(size=(len(X), 1))),
    "offset": lambda rng, X: X + 10 ** rng.uniform(0, 6),
    "nearly collinear": nearly_collinear,
    "units": lambda rng, X: X * 10 ** rng.uniform(-3, 3, size=X.shape[1]),
    "thin beside others": thin_beside_others,
    "units, graded and heavy": units_graded_and_heavy,
}


def fitted(seed, kind, code):
    """Log-likelihoods and mixtures until they settle or a covariance is singular."""
    rng = np.random.RandomState(seed)
    d, K = rng.randint(1, 7), rng.randint(1, 6)
    n = rng.randint(2 * K, 120)
    X = rng.normal(size=(n, d)) + 3 * rng.normal(size=(K, d))[rng.randint(K, size=n)]
    labels = rng.permutation(np.r_[np.arange(K), rng.randint(K, size=n - K)])
    rows, model = InMemory(KINDS[kind](rng, X), None, 1), FOURTEEN[code]
    try:
        start = em.initial_mixture(rows, as_assignment(labels, n, K, "labels"), K, model)
        last = -np.inf
        for state in islice(em.iterate(start, rows, model), 150):
            yield n, state
            if state.log_likelihood - last < 1e-7:
                break
            last = state.log_likelihood
    except DegenerateCovariance:
        return


def condition(mixture):
    """How many times the widest direction is as wide as the narrowest, squared: in units in
    which the columns are equally wide."""
    dense = mixture.covariances.dense()
    scale = np.sqrt(np.diagonal(dense, axis1=1, axis2=2))
    return np.linalg.cond(dense / scale[:, :, None] / scale[:, None, :]).max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", CODES)
def test_never_falls(code, kind):
    """By more than 1e-9 relative: where a scatter keeps so much of a thin component.

    Sums of squares lose ``eps`` times the condition of its variance, and the maximum of what
    they are is that share, squared, below that of what they should be.
    """
    steps = 0
    for seed in range(8):
        last = -np.inf
        for n, state in fitted(seed, kind, code):
            fall = (last - state.log_likelihood) / max(n, abs(last))
            if fall > 1e-9:
                lost = EPS * condition(state.mixture)
                assert fall <= lost**2, (seed, state.iteration, fall, lost)
            last, steps = state.log_likelihood, steps + 1
    assert steps > 20
