"""The bootstrap test and intervals: mclust's statistics, theory, any number of jobs."""

import numpy as np
import pytest

from gmmem import GaussianMixture, em
from gmmem.bootstrap import bootstrap, likelihood_ratio_test
from gmmem.bootstrap.parameters import KINDS
from gmmem.covariances import get_model
from gmmem.initializers import as_assignment
from gmmem.sources import InMemory
from tests.test_golden import read


def converged(X, labels):
    rows, K = InMemory(X), labels.max() + 1
    start = em.start_from(rows, as_assignment(labels, len(X), K, ""), K, get_model("VVV"))
    return em.fit(start, rows, tol=1e-5, max_iter=1000).history[-1] * len(X)


def test_statistics_of_mclust_from_its_labels():
    X, labels = read("faithful"), read("faithful_labels").astype(int) - 1
    likely = [converged(X, labels[:, G - 1]) for G in (1, 2, 3)]
    assert 2 * (likely[1] - likely[0]) == pytest.approx(319.065, abs=0.05)
    assert 2 * (likely[2] - likely[1]) == pytest.approx(6.130, abs=0.2)


def test_old_faithful_has_more_than_one_component():
    X = read("faithful")
    test = likelihood_ratio_test(X, 1, random_state=0)
    assert test.statistic == pytest.approx(319.065, abs=0.05)
    assert test.p_value == 1 / (1 + len(test.replicates)) < 0.05
    assert len(test.replicates) < 200
    # mclust's gain from two to three components is what chance alone gives.
    two = likelihood_ratio_test(X, 2, n_replicates=48, random_state=0)
    assert two.statistic >= 6.13 - 0.2
    assert np.mean(two.replicates >= 6.13) > 0.2


def test_the_same_for_any_number_of_jobs():
    X = np.random.RandomState(0).normal(size=(60, 1))
    params = dict(covariance_type="V", n_replicates=30, random_state=0)
    one = likelihood_ratio_test(X, 1, **params)
    two = likelihood_ratio_test(X, 1, n_jobs=2, **params)
    np.testing.assert_array_equal(one.replicates, two.replicates)


def test_under_the_null_it_seldom_rejects():
    rng = np.random.RandomState(0)
    rejected = [
        likelihood_ratio_test(
            rng.normal(size=(50, 1)), 1, covariance_type="E", n_replicates=96, random_state=seed
        ).p_value
        <= 0.2
        for seed in range(30)
    ]
    # Binomial(30, 0.2): between 1 and 12 with probability 0.998.
    assert 1 <= sum(rejected) <= 12


@pytest.mark.parametrize("kind", KINDS)
def test_standard_errors_of_one_component(kind):
    X = read("iris")
    model = GaussianMixture(reg_covar=0).fit(X)
    replicates = bootstrap(model, X, kind=kind, n_replicates=400, random_state=0)
    errors = replicates.standard_errors()
    theory = np.sqrt(np.diag(model.covariances_[0]) / len(X))
    np.testing.assert_allclose(errors["means"][0], theory, rtol=0.15)
    variance = np.sqrt(2 / len(X)) * np.diag(model.covariances_[0])
    if kind == "parametric":
        np.testing.assert_allclose(np.diag(errors["covariances"][0]), variance, rtol=0.15)
    np.testing.assert_allclose(errors["weights"], 0, atol=1e-12)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "EEV"])
def test_intervals_hold_the_estimate_and_components_are_aligned(covariance_type):
    X = read("faithful")
    model = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    replicates = bootstrap(model, X, n_replicates=200, random_state=0, n_jobs=2)
    assert replicates.means.shape == (200, 2, 2)
    assert replicates.covariances.shape == (200, 2, 2, 2)
    low, high = replicates.intervals(0.99)["means"]
    assert ((low < model.means_) & (model.means_ < high)).all()
    assert (high - low < np.ptp(model.means_, axis=0) / 4).all()
    again = bootstrap(model, X, n_replicates=200, random_state=0)
    np.testing.assert_array_equal(again.weights, replicates.weights)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, "n_components=0"),
        ({"n_replicates": 0}, "n_replicates=0"),
        ({"level": 1}, "level=1"),
        ({"covariance_type": "round"}, "covariance_type"),
    ],
)
def test_bad_parameters(params, message):
    X = read("iris")
    with pytest.raises(ValueError, match=message):
        likelihood_ratio_test(X, **{"n_components": 1} | params)
    model = GaussianMixture().fit(X)
    for wrong, text in [({"kind": "jackknife"}, "kind"), ({"n_replicates": 1.5}, "n_replicates")]:
        with pytest.raises(ValueError, match=text):
            bootstrap(model, X, **wrong)
    with pytest.raises(ValueError, match="confidence"):
        bootstrap(model, X, n_replicates=2).intervals(95)
