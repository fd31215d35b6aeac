"""Candidates that share their passes: each is what it is without the others."""

import numpy as np
import pytest

from gmmem import GaussianMixtureIC
from gmmem.estimators import candidates, search
from gmmem.estimators.candidates import MOST_ROWS, TOGETHER, shares_passes
from gmmem.priors import NormalInverseWishart
from gmmem.problem import Problem
from gmmem.sources import InMemory
from tests import problems

# What the data deserve to be warned of is the same in both, and not what is asked here.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

KINDS = {
    "clusters": problems.separate(0, 120, 2),
    "far apart": problems.far_apart(0, 120, 2),
    "heavy tails": problems.heavy_tails(0, 80, 3),
    "an outlier": problems.outlier(0, 200, 2),
    "counts": problems.counts(0, 200, 2),
    "zeros and ones": problems.binary(0, 80, 3),
    "copies": problems.copies(0, 200, 2),
    "a constant column": problems.constant(0, 80, 3),
    "collinear columns": problems.collinear(0, 80, 3),
    "fewer rows than features": problems.separate(0, 12, 20),
    "one feature": problems.noise(0, 150, 1),
    "far from the origin": problems.separate(0, 120, 2) + 1e8,
    "tiny": problems.separate(0, 120, 2) * 1e-150,
}


def both(X, monkeypatch, weight=None, **params):
    """A search whose candidates share their passes, and one in which each is alone."""
    together = GaussianMixtureIC(random_state=0, **params).fit(X, sample_weight=weight)
    for module in (candidates, search):
        monkeypatch.setattr(module, "shares_passes", lambda *_: False)
    alone = GaussianMixtureIC(random_state=0, **params).fit(X, sample_weight=weight)
    return together, alone


def assert_same(together, alone, atol=1e-6):
    np.testing.assert_array_equal(together.results_["status"], alone.results_["status"])
    np.testing.assert_allclose(together.results_["bic"], alone.results_["bic"], atol=atol, rtol=0)
    assert together.covariance_type_ == alone.covariance_type_
    assert together.n_components_ == alone.n_components_


@pytest.mark.parametrize("kind", KINDS)
def test_with_others_or_without_is_the_same(kind, monkeypatch):
    assert_same(*both(KINDS[kind], monkeypatch, n_components=range(1, 6)))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_weights_of_any_scale(scale, monkeypatch):
    X = KINDS["clusters"]
    weight = scale * np.random.RandomState(0).uniform(0.5, 2, size=len(X))
    weight[::7] = 0
    together, alone = both(X, monkeypatch, weight, n_components=range(1, 5))
    assert_same(together, alone, atol=1e-6 * max(scale, 1))


def test_float32(monkeypatch):
    X = KINDS["clusters"].astype(np.float32)
    assert_same(*both(X, monkeypatch, n_components=range(1, 4)), atol=0.05)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_processes_do_not_matter(n_jobs):
    X = KINDS["counts"]
    found = GaussianMixtureIC(n_components=range(1, 5), n_jobs=n_jobs).fit(X)
    expected = GaussianMixtureIC(n_components=range(1, 5)).fit(X)
    np.testing.assert_array_equal(found.results_["bic"], expected.results_["bic"])


def test_fewer_iterations_than_they_share():
    search = GaussianMixtureIC(n_components=[3], max_iter=3, tol=0).fit(KINDS["clusters"])
    assert 3 < TOGETHER
    assert (search.results_["n_iter"] == 3).all()
    assert (search.results_["status"] == "max_iter").all()


def test_who_shares_passes():
    X = KINDS["clusters"]
    model = candidates.get_model("VVV")
    settings = candidates.Settings(1e-5, 100, 0.0)
    gaps = X.copy()
    gaps[0, 0] = np.nan
    many = np.random.RandomState(0).normal(size=(MOST_ROWS + 1, 1))
    assert shares_passes(Problem.of(InMemory(X), model), settings)
    assert not shares_passes(Problem.of(InMemory(gaps), model), settings)
    assert not shares_passes(Problem.of(InMemory(many), model), settings)
    prior = settings._replace(prior=NormalInverseWishart())
    assert not shares_passes(Problem.of(InMemory(X), model), prior)
