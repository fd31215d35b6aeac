"""The likelihood ratio test: mclust's statistics, copies, level, limits, any number of jobs."""

import time

import numpy as np
import pytest

from gmmem import Mixture, em
from gmmem.bootstrap import likelihood_ratio, likelihood_ratio_test
from gmmem.bootstrap.replicates import MOST_DRAWS
from gmmem.covariances import DegenerateCovariance, get_model
from gmmem.initializers import as_assignment
from gmmem.sources import InMemory
from tests.test_golden import read


def converged(X, labels):
    rows, K = InMemory(X), labels.max() + 1
    start = em.initial_mixture(rows, as_assignment(labels, len(X), K, ""), K, get_model("VVV"))
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


def test_waiting_times_of_which_most_are_copies():
    """mclust: V, 1 against 2, on Old Faithful's waiting times gives 122.57."""
    waiting = read("faithful")[:, 1:]
    assert len(np.unique(waiting)) < len(waiting) / 2
    test = likelihood_ratio_test(
        waiting, 1, covariance_type="V", n_replicates=99, level=0.5, random_state=0
    )
    assert test.statistic == pytest.approx(122.57, abs=0.01)
    assert test.p_value == 1 / (1 + len(test.replicates)) < 0.05
    assert likelihood_ratio_test(
        waiting, 1, covariance_type="V", n_replicates=99, level=0.01, random_state=0
    ).p_value == pytest.approx(0.01)


@pytest.mark.parametrize("covariance_type", ["VVV", "EEE", "EII"])
@pytest.mark.parametrize("d", [1, 2])
def test_rounded_data(covariance_type, d):
    rng = np.random.RandomState(0)
    X = np.rint(2 * rng.normal(size=(400, d)) + 6 * rng.randint(2, size=(400, 1)))
    X = np.repeat(X, 2, axis=0)
    test = likelihood_ratio_test(
        X, 1, covariance_type=covariance_type, n_replicates=9, random_state=0
    )
    assert test.statistic > test.replicates.max()


def test_time_is_linear_in_the_rows():
    """Where trees on all rows take the square."""
    seconds = []
    for n in (2000, 16_000):
        X = np.random.RandomState(0).normal(size=(n, 2))
        began = time.process_time()
        likelihood_ratio_test(X, 1, n_replicates=2, max_iter=20, random_state=0)
        seconds.append(time.process_time() - began)
    assert seconds[1] < 20 * seconds[0]


def test_what_cannot_be_fitted_ends():
    """The data can, with one component of the null; a second one has too few rows."""
    for X in (np.random.RandomState(0).normal(size=(60, 50)), np.ones((2, 1))):
        with pytest.raises(ValueError, match=r"covariance|could be fitted|column 0 is constant"):
            likelihood_ratio_test(X, 1, n_replicates=9, random_state=0)


@pytest.mark.parametrize("covariance_type", ["E", "V"])
def test_two_values_are_told_what_to_do(covariance_type):
    """Of zeros and ones, and where most are zero, two components are points."""
    rng = np.random.RandomState(0)
    for X in (rng.randint(2, size=(90, 1)), rng.poisson(3, (90, 1)) * rng.randint(2, size=(90, 1))):
        if covariance_type == "E" and len(np.unique(X)) > 2:
            continue  # One variance for both does not collapse.
        message = r"1 and 2 components cannot both be fitted .* Lower n_comp.* reg_covar \(now 0"
        with pytest.raises(ValueError, match=message):
            likelihood_ratio_test(X, 1, covariance_type=covariance_type, random_state=0)
        likelihood_ratio_test(X, 1, covariance_type=covariance_type, reg_covar=1e-3, n_replicates=3)


def test_replicates_that_cannot_be_fitted_are_not_redrawn_for_ever(monkeypatch):
    tried = []

    def statistic(X, *args):
        tried.append(X)
        if len(tried) > 1:
            raise DegenerateCovariance(1, "is flat")
        return Mixture.from_arrays([1.0], [[0.0]], [[[1.0]]]), 0.0

    monkeypatch.setattr(likelihood_ratio, "_statistic", statistic)
    X = np.random.RandomState(0).normal(size=(60, 1))
    with pytest.raises(ValueError, match=r"None of 100 .* component 1 is flat\. Lower n_comp"):
        likelihood_ratio_test(X, 1, covariance_type="V", n_replicates=9, random_state=0)
    assert len(tried) == 1 + MOST_DRAWS


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, "n_components=0 must be an integer of at least 1"),
        ({"n_components": 2.0}, "n_components=2.0 must be an integer"),
        ({"n_components": True}, "n_components=True must be an integer"),
        ({"n_replicates": 0}, "n_replicates=0 must be an integer"),
        ({"n_replicates": 2.0}, "n_replicates=2.0 must be an integer"),
        ({"n_replicates": True}, "n_replicates=True must be an integer"),
        ({"n_replicates": "9"}, "n_replicates='9' must be an integer"),
        ({"level": 1}, "level=1"),
        ({"tol": -1}, "tol=-1 must be"),
        ({"tol": np.nan}, "tol=nan must be"),
        ({"tol": "x"}, "tol='x' must be"),
        ({"max_iter": 0}, "max_iter=0 must be"),
        ({"max_iter": True}, "max_iter=True must be"),
        ({"max_iter": 2.5}, "max_iter=2.5 must be"),
        ({"checkpoint_every": "a"}, "checkpoint_every='a' must be"),
        ({"covariance_type": "round"}, "covariance_type"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        likelihood_ratio_test(read("iris"), **{"n_components": 1} | params)
