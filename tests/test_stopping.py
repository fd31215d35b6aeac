"""What remains to be gained, and a warning that says so."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from gmmem import GaussianMixture
from gmmem.stopping import remaining


@pytest.mark.parametrize("factor", [0.1, 0.5, 0.9, 0.99])
def test_a_geometric_sequence_is_extrapolated_to_its_limit(factor):
    history = list(-3 - factor ** np.arange(6))
    found = remaining(history)
    np.testing.assert_allclose(found.gain, -3 - history[-1], rtol=1e-6)
    more = found.iterations(1e-4)
    assert factor ** (5 + more) <= 1.0001e-4
    assert more == 0 or factor ** (4 + more) > 0.9999e-4


@pytest.mark.parametrize("history", [[], [1.0], [1.0, 2.0], [0, 1, 3], [0, 1, 0.5, 0.7]])
def test_what_cannot_be_told_is_infinite(history):
    assert remaining(history).gain == np.inf


def test_nothing_remains_at_the_limit():
    assert remaining([-1.0, -0.5, -0.5, -0.5]).gain == 0


def overlapping(seed):
    rng = np.random.default_rng(seed)
    first = rng.random(20_000) < 0.25
    return (rng.standard_normal(20_000) + np.where(first, 0.0, 1.8))[:, None]


@pytest.mark.parametrize("seed", range(3))
def test_the_trap_of_two_overlapping_components(seed):
    X = overlapping(seed)
    change = GaussianMixture(2, tol=1e-8, max_iter=9000, random_state=0).fit(X)
    aitken = GaussianMixture(2, tol=1e-8, max_iter=9000, random_state=0, stopping="aitken").fit(X)
    end = GaussianMixture(2, tol=1e-11, max_iter=20_000, random_state=0).fit(X)
    missing = end.lower_bound_ - change.lower_bound_
    assert change.remaining_gain_ > 5 * change.tol  # It says that it is not there,
    np.testing.assert_allclose(change.remaining_gain_, missing, rtol=0.5)  # and by how much.
    assert aitken.converged_
    assert end.lower_bound_ - aitken.lower_bound_ < 10 * aitken.tol
    assert aitken.remaining_gain_ < aitken.tol


def test_the_warning_says_how_much_is_missing():
    with pytest.warns(ConvergenceWarning, match=r"did not converge.*estimated to be missing.*more"):
        GaussianMixture(2, tol=1e-9, max_iter=60, random_state=0).fit(overlapping(0))


def test_what_remains_of_an_accelerated_fit_is_known_too():
    X = overlapping(0)
    params = dict(random_state=0, max_iter=5000)
    model = GaussianMixture(2, accelerate=True, stopping="aitken", tol=1e-6, **params).fit(X)
    end = GaussianMixture(2, tol=1e-13, **params).fit(X).score(X)
    assert model.converged_ and model.remaining_gain_ < 1e-6
    assert end - model.score(X) < 1e-5
