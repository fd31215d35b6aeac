"""Priors against brute force: the M-step is where the penalised likelihood is largest."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris

from gmmem import GaussianMixture, GaussianMixtureIC, Mixture, em, prediction
from gmmem.covariances import FOURTEEN, get_model
from gmmem.initializers import Nearest, as_assignment
from gmmem.priors import NormalInverseWishart, Ridge, Together
from gmmem.problem import Problem
from gmmem.sources import InMemory

X = load_iris().data
OPEN = NormalInverseWishart(2.0, mean=(5.0, 3.0, 4.0, 1.0), degrees_of_freedom=9.0, scale=1.5)
TYPES = ["full", "tied", "diag", "spherical", *FOURTEEN]


def problem_of(covariance_type, prior=OPEN, K=3, ridge=0.0):
    model = get_model(covariance_type)
    problem = Problem.of(InMemory(X, n_threads=1), model)
    found = Together(Ridge(ridge), prior.on(problem.all_rows(), model, K))
    return replace(problem, prior=found)


def start_of(problem, K=3, seed=0):
    labels = np.random.RandomState(seed).permutation(np.repeat(np.arange(K), len(X) // K))
    return problem.start(as_assignment(labels, len(X), K, "labels"), K)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("as_mclust", [False, True])
def test_em_never_loses(covariance_type, as_mclust):
    if as_mclust and covariance_type == "EEI":
        covariance_type = "VVI"  # There, mclust's means are not those its prior asks for.
    problem = problem_of(covariance_type, replace(OPEN, as_mclust=as_mclust))
    found = em.solve(problem, [start_of(problem)], tol=0, max_iter=80).solutions[0]
    history = np.array(found.history)  # Until rows are lost, where mclust counts none.
    assert (np.diff(history) > -1e-10).all() and history[-1] > history[0]


@pytest.mark.parametrize("covariance_type", TYPES)
def test_no_step_aside_is_better(covariance_type):
    """At the end, other means and weights, and covariances scaled, are worse."""
    problem = problem_of(covariance_type)
    best = em.solve(problem, [start_of(problem)], tol=1e-14, max_iter=5_000).best.mixture
    rng, storage = np.random.RandomState(0), best.covariances

    def objective(weights, means, factor):
        covariances = type(storage).from_covariances(storage.covariances * factor, 4)
        mixture = Mixture(weights, means, covariances)
        return prediction.log_likelihood(mixture, problem.rows) + problem.prior.penalty(mixture)

    top = objective(best.weights, best.means, 1.0)
    for _ in range(20):
        weights = best.weights * np.exp(0.03 * rng.normal(size=3))
        means = best.means + 0.02 * rng.normal(size=best.means.shape)
        assert objective(weights / weights.sum(), best.means, 1.0) < top
        assert objective(best.weights, means, 1.0) < top
    assert (
        objective(best.weights, best.means, 1.01) < top > objective(best.weights, best.means, 0.99)
    )


def test_the_penalty_is_the_log_density_of_the_prior():
    """Differences of it, as constants are left out: full, tied, diagonal and spherical."""
    rng, scale, m = np.random.RandomState(0), 1.5, np.array(OPEN.mean)
    normal = stats.multivariate_normal

    def log_prior(covariance_type, means, S):
        total = 0.0
        dense = [np.diag(s * np.ones(4)) if np.ndim(s) < 2 else s for s in S]
        if covariance_type in ("full", "tied"):
            own = [stats.invwishart.logpdf(s, 9.0, scale * np.eye(4)) for s in dense]
        else:  # A variance has the density of an inverse gamma (9 / 2, scale / 2).
            own = [stats.invgamma.logpdf(s, 4.5, scale=scale / 2).sum() for s in S]
        total += own[0] if covariance_type == "tied" else sum(own)
        for mean, s in zip(means, dense, strict=True):
            total += normal.logpdf(mean, m, s / 2.0)
        return total

    for covariance_type in ("full", "tied", "diag", "spherical"):
        problem, values = problem_of(covariance_type), []
        for _ in range(3):
            means = rng.normal(size=(3, 4)) + m
            A = rng.normal(size=(3, 4, 4))
            S = {
                "full": A @ A.transpose(0, 2, 1) + np.eye(4),
                "tied": (A @ A.transpose(0, 2, 1) + np.eye(4))[[0, 0, 0]],
                "diag": np.exp(rng.normal(size=(3, 4))),
                "spherical": np.exp(rng.normal(size=3)),
            }[covariance_type]
            public = S[0] if covariance_type == "tied" else S
            mixture = Mixture.from_arrays([0.2, 0.3, 0.5], means, public, covariance_type)
            found = problem.prior.penalty(mixture)
            values.append(found - log_prior(covariance_type, means, S))
        np.testing.assert_allclose(values, values[0], rtol=1e-9)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_components_do_not_collapse(covariance_type):
    rng = np.random.RandomState(0)
    Y = np.repeat(rng.normal(size=(8, 3)), 6, axis=0)  # Eight places, six rows at each.
    for prior in ("regularised", NormalInverseWishart()):
        if covariance_type in ("EII", "VEV") and prior == "regularised":
            continue  # Where mclust leaves its scale, or its rows, out.
        model = GaussianMixture(
            8, covariance_type=covariance_type, prior=prior, reg_covar=0, random_state=0
        ).fit(Y)
        assert np.isfinite(model.score(Y))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "EEV"])
def test_a_weight_stands_for_copies(covariance_type):
    weight = np.random.RandomState(0).randint(0, 3, size=len(X))
    params = dict(covariance_type=covariance_type, prior="regularised", random_state=0, tol=1e-9)
    params["max_iter"] = 5_000
    weighted = GaussianMixture(2, **params).fit(X, sample_weight=weight)
    copied = GaussianMixture(2, **params).fit(np.repeat(X, weight, axis=0))
    assert weighted.lower_bound_ == pytest.approx(copied.lower_bound_, abs=1e-8)
    found, expected = (model.means_[model.means_[:, 0].argsort()] for model in (weighted, copied))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_search_loses_no_candidate():
    prior = NormalInverseWishart()
    free, believed = (GaussianMixtureIC(range(3, 8), prior=p).fit(X) for p in (None, prior))
    assert "degenerate" in free.results_["status"]
    assert set(believed.results_["status"]) == {"converged"}
    assert np.isfinite(believed.results_["bic"]).all()
    assert believed.best_estimator_.prior is prior


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "VEE"])
@pytest.mark.parametrize("prior", ["regularised", NormalInverseWishart(0.2)], ids=str)
def test_the_search_for_a_start_has_the_prior_for_one_and_for_two(covariance_type, prior):
    """Splits are tried with a prior for fewer components than the problem has."""
    places = np.array([[0, 0], [9, 0], [0, 9], [9, 9]])
    Y = np.repeat(places, 40, axis=0) + np.random.RandomState(0).normal(size=(160, 2))
    bad = [[0, 0], [0.5, 0], [9, 0], [4.5, 9]]  # Two on one cluster, and one on two.

    def start(rows, n_components, *, sample_weight=None, random_state=None):
        return Nearest(np.array(bad))

    settings = dict(covariance_type=covariance_type, prior=prior, random_state=0, max_iter=500)
    model = GaussianMixture(4, n_init="auto", init_params=start, **settings).fit(Y)
    found = model.means_[np.lexsort(model.means_.round().T)]
    np.testing.assert_allclose(found, places, atol=0.6)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_a_prior_for_one_component_is_that_of_one_component(covariance_type):
    model, prior = get_model(covariance_type), NormalInverseWishart(2.0, scale=3.0, mean=(0,) * 4)
    total = Problem.of(InMemory(X), model).all_rows()
    for size in (1, 2, 5):
        some, asked = prior.on(total, model, 6).for_any(size), prior.on(total, model, size)
        # What all components share of the shrinkage is a matter of how many there are.
        loose = 2 * model.shared
        np.testing.assert_allclose(some.counts.sum(), asked.counts.sum(), atol=6 * loose)
        for name in ("means", "rows_there", "scatter"):
            np.testing.assert_allclose(getattr(some, name), getattr(asked, name))


def test_scores_and_criteria_are_without_the_prior():
    model = GaussianMixture(3, prior="regularised", random_state=0, tol=1e-8, max_iter=500).fit(X)
    free = GaussianMixture(3, random_state=0, tol=1e-8, max_iter=500).fit(X)
    assert model.score(X) < free.score(X)
    assert model.score(X) == pytest.approx(model.mixture_.log_density(X).mean(), rel=1e-9)
    assert model.n_parameters_ == free.n_parameters_ == 44
    expected = -2 * model.score(X) * len(X) + 44 * np.log(len(X))
    assert model.bic(X) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("prior", "sentence"),
    [
        ("strong", "prior='strong' must be None, 'regularised'"),
        (NormalInverseWishart(mean=(1.0, 2.0)), "must be 4 finite numbers"),
        (NormalInverseWishart(degrees_of_freedom=3.0), "more than n_features - 1 = 3"),
        (NormalInverseWishart(scale=-1.0), "must be positive"),
        (NormalInverseWishart(scale=(1.0, 2.0)), "of the shape"),
        (NormalInverseWishart(scale=np.nan), "must be finite"),
        (NormalInverseWishart(mean="high"), "must be 4 finite numbers"),
        (NormalInverseWishart(scale="wide"), "must be finite"),
        (NormalInverseWishart(scale=[[1.0, 2.0], [2.0]]), "must be finite"),
        (NormalInverseWishart(degrees_of_freedom="many"), "must be a number"),
        (NormalInverseWishart, "prior="),
        (3, "prior"),
    ],
)
def test_what_is_no_prior_is_named(prior, sentence):
    with pytest.raises(ValueError, match=sentence):
        GaussianMixture(2, prior=prior).fit(X)


@pytest.mark.parametrize("shrinkage", [-1.0, np.nan, np.inf, "much"])
def test_shrinkage_is_a_number_of_rows(shrinkage):
    with pytest.raises(ValueError, match="at least 0 and finite"):
        NormalInverseWishart(shrinkage)
