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


KINDS = {
    "normal": lambda rng, X: X,
    "integers": lambda rng, X: np.round(2 * X),
    "graded": lambda rng, X: X @ (rotation(rng, X.shape[1]) * 10 ** rng.uniform(-4, 1, X.shape[1])),
    "heavy": lambda rng, X: X * np.exp(2 * rng.normal(size=(len(X), 1))),
    "offset": lambda rng, X: X + 10 ** rng.uniform(0, 6),
    "nearly collinear": nearly_collinear,
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", CODES)
def test_never_falls(code, kind):
    """But for what float64 keeps of covariances that are very thin."""
    steps = 0
    for seed in range(8):
        last = -np.inf
        for n, state in fitted(seed, kind, code):
            fall = last - state.log_likelihood
            if fall > 1e-9 * max(n, abs(last)):
                thin = np.linalg.cond(state.mixture.covariances.dense()).max()
                assert fall <= n * EPS * thin, (seed, state.iteration, fall, thin)
            last, steps = state.log_likelihood, steps + 1
    assert steps > 20
