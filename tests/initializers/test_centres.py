"""k-means and its relations: components without rows, sizes of numbers, threads, weights."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn import cluster
from threadpoolctl import threadpool_info, threadpool_limits

from gmmem import GaussianMixture
from gmmem.initializers import Hierarchical, KMeans, KMeansPlusPlus, RandomPoints
from gmmem.initializers.centres import in_range
from gmmem.initializers.seeding import as_copies, draw_by_weight, seeding_rows, typical_one
from gmmem.testing.initialisers import groups, start

CENTRES = [KMeans(), KMeansPlusPlus(), RandomPoints()]


def with_an_outlier(dtype=np.float32):
    X = np.random.RandomState(0).normal(size=(200, 2))
    X[0] = 1e10
    return X.astype(dtype)


def far_apart(seed):
    rng = np.random.RandomState(seed)
    return rng.normal(size=(300, 2)) + 1e4 * rng.randint(4, size=(300, 1))


@pytest.mark.parametrize("initialise", CENTRES, ids=repr)
@pytest.mark.parametrize(
    "X",
    [with_an_outlier(), with_an_outlier(np.float64), *map(far_apart, range(4))],
    ids=["float32", "float64", *(f"far {seed}" for seed in range(4))],
)
def test_a_component_may_get_no_row(initialise, X):
    for K in (3, 8):
        for seed in range(5):
            found = start(initialise, X, K, seed=seed)  # Warnings are errors in there.
            assert found.weights.sum() == pytest.approx(1)


def outlier_in_every_column(seed):
    return np.r_[np.random.RandomState(seed).normal(size=(50, 3)), [[1e10] * 3]]


@pytest.mark.parametrize(
    "X",
    [with_an_outlier(), *map(far_apart, range(4)), *map(outlier_in_every_column, range(3))],
)
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEV"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_default_fits_that_scikit_learn_can_do(X, covariance_type):
    for seed in range(3):
        for K in (5, 8):
            for max_iter in (0, 20):
                model = GaussianMixture(
                    K, covariance_type=covariance_type, random_state=seed, max_iter=max_iter
                ).fit(X)
                assert np.isfinite(model.means_).all()


def test_labels_without_rows_are_taken_from_any_callable():
    X = groups()
    for labels in (np.zeros(60, int), np.arange(60) % 2 * 2):
        model = GaussianMixture(3, init_params=lambda *_, labels=labels, **__: labels, max_iter=0)
        model.fit(X)
        assert np.isfinite(model.means_).all() and np.isfinite(model.covariances_).all()
        # As gather has it: a component without rows has the weight of one.
        empty = np.bincount(labels, minlength=3) == 0
        np.testing.assert_allclose(model.weights_[empty], 1 / (60 + empty.sum()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_rows_are_clustered_as_scikit_learn_does(dtype):
    X = groups(300, 3, dtype=dtype)
    theirs = cluster.KMeans(4, n_init=1, random_state=np.random.RandomState(3)).fit(X).labels_
    ours = KMeans()(X, 4, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("initialise", CENTRES, ids=repr)
def test_the_unit_does_not_matter(initialise):
    X = groups(80, 3)
    plain = start(initialise, X, 4)
    for exponent in (-1000, -400, -20, 20, 400, 1000):
        other = start(initialise, np.ldexp(X, exponent), 4)
        if abs(exponent) <= 400:  # Beyond, the squares of `Nearest` end.
            np.testing.assert_array_equal(other.shares, plain.shares)
    single = X.astype(np.float32)
    for exponent in (-80, 110):
        start(initialise, np.ldexp(single, exponent), 4)


def test_in_range_changes_no_digit():
    X = groups(20)
    for exponent in (-900, 0, 900):
        scaled, unit = in_range(np.ldexp(X, exponent))
        np.testing.assert_array_equal(np.ldexp(scaled, unit), np.ldexp(X, exponent))
        assert np.isfinite((scaled**2).sum())
    assert in_range(X)[0] is X


@pytest.mark.parametrize("n", [2000, 30_000])
def test_threads_do_not_matter(n):
    X = np.random.RandomState(0).normal(size=(n, 12))
    weight = np.random.RandomState(1).exponential(size=n)
    for sample_weight in (None, weight):
        found = []
        for n_threads in (1, 4):
            with threadpool_limits(n_threads):
                answer = KMeans()(X, 9, sample_weight=sample_weight, random_state=0)
            found.append(getattr(answer, "centres", answer))
        np.testing.assert_array_equal(*found)


def test_kmeans_runs_on_one_thread(monkeypatch):
    """On a busy machine several took fifteen times as long."""
    X, seen = np.random.RandomState(0).normal(size=(400, 3)), []
    fit = cluster.KMeans.fit

    def seeing(self, *args, **params):
        # Of libraries that k-means knows; another test may have brought torch's.
        known = (each for each in threadpool_info() if "torch" not in each["filepath"])
        seen.extend(each["num_threads"] for each in known)
        return fit(self, *args, **params)

    monkeypatch.setattr(cluster.KMeans, "fit", seeing)
    with threadpool_limits(3):
        KMeans()(X, 4, random_state=0)
        assert {each["num_threads"] for each in threadpool_info()} == {3}
    assert set(seen) == {1}


@pytest.mark.parametrize("initialise", CENTRES, ids=repr)
@pytest.mark.parametrize("max_samples", [20_000, 500])
def test_weights_are_copies_in_any_unit(initialise, max_samples):
    initialise = type(initialise)(max_samples)
    rng = np.random.RandomState(0)
    X, weight = rng.normal(size=(700, 2)), rng.randint(1, 4, size=700)
    copies = start(initialise, X.repeat(weight, axis=0), 5)
    for scale in (1.0, 1e-9, 0.3, 1e30):
        weighted = start(initialise, X, 5, scale * weight)
        np.testing.assert_array_equal(weighted.shares.repeat(weight, axis=1), copies.shares)


@pytest.mark.parametrize("extreme", [1e200, 1e-200])
@pytest.mark.parametrize("initialise", CENTRES, ids=repr)
def test_weights_of_very_different_sizes(initialise, extreme):
    X, weight = groups(), np.ones(60)
    weight[5] = extreme
    start(initialise, X, 4, weight)


def test_what_stands_for_copies():
    for weight in ([2.0, 4, 6], [0.1, 0.2, 0.3], [1e-30, 5e-30, 0]):
        copies, numbers = as_copies(np.array(weight))
        assert copies
        np.testing.assert_array_equal(numbers, np.rint(np.array(weight) / weight[0]))
    assert as_copies(np.full(4, 0.3)) == (True, None)
    assert not as_copies(np.array([1, 1.5]))[0]
    assert not as_copies(np.array([1, 1e300]))[0]
    with pytest.raises(ValueError, match="positive"):
        as_copies(np.zeros(3))


def test_the_typical_row_weighs_one():
    assert np.median(typical_one(np.array([3.0, 3, 3, 6, 9]))) == 1
    light = np.r_[np.full(60, 1e-6), np.ones(40)]
    assert 1 < typical_one(light).max() < 10
    assert typical_one(np.array([1e-300, 1e300]))[0] > 0


def test_drawn_one_from_each_share():
    for n, size in ((1000, 100), (1000, 1000), (130_000, 700)):
        drawn = draw_by_weight(n, size, np.random.RandomState(0))
        same = draw_by_weight(np.ones(n), size, np.random.RandomState(0))
        np.testing.assert_array_equal(drawn, same)
        share = drawn * size // n
        assert (np.abs(share - np.arange(size)) <= 1).all()
    with pytest.raises(ValueError, match="max_samples=0"):
        seeding_rows(groups(), 2, None, 0, np.random.RandomState(0))


def test_many_copies_of_few_rows_are_not_drawn():
    X = np.repeat(groups(30), 1000, axis=0)
    rows, weights = seeding_rows(X, 2, None, 500, np.random.RandomState(0))
    assert len(rows) == 30 and (weights == 1).all()


@pytest.mark.parametrize("initialise", [*CENTRES, Hierarchical()], ids=repr)
def test_a_few_rows_of_nearly_all_weight(initialise):
    """Draws by weight find hardly any others: all components get rows all the same."""
    initialise = replace(initialise, max_samples=20)
    X, weight = groups(90), np.ones(90)
    for heavy in (1e8, 1e30):
        weight[:2] = heavy
        found = start(initialise, X, 5, weight)
        assert (found.weights > 0).all()


def test_other_warnings_are_still_heard():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        KMeans()(np.repeat(groups(5), 9, axis=0), 4, random_state=0)
        warnings.warn("afterwards", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in heard] == ["afterwards"]


def runs_of(initialise, monkeypatch, n, d, K, **weights):
    """How many rows k-means is given, and how often it runs."""
    seen, fit = [], cluster.KMeans.fit

    def seeing(self, X, *args, **params):
        seen.append((len(X), self.n_init))
        return fit(self, X[:100], *args, sample_weight=None)

    monkeypatch.setattr(cluster.KMeans, "fit", seeing)
    initialise(np.random.RandomState(0).normal(size=(n, d)), K, random_state=0, **weights)
    return seen.pop()


@pytest.mark.parametrize(
    ("n", "d", "K", "expected"),
    [
        (20_000, 2, 3, (20_000, 1)),
        (20_001, 2, 3, (2500, 4)),
        (20_001, 2, 20, (5000, 4)),
        (20_001, 16, 3, (4000, 4)),
        (20_001, 2, 90, (20_000, 3)),
    ],
)
def test_of_many_rows_some_are_clustered_several_times(monkeypatch, n, d, K, expected):
    assert runs_of(KMeans(), monkeypatch, n, d, K) == expected


def test_a_subset_is_no_larger_than_asked_for(monkeypatch):
    assert runs_of(KMeans(max_samples=300), monkeypatch, 400, 2, 3) == (300, 3)
    weight = np.random.RandomState(0).randint(1, 3, size=25_000)
    assert runs_of(KMeans(), monkeypatch, 25_000, 2, 3, sample_weight=weight) == (2500, 4)


@pytest.mark.parametrize("initialise", [KMeans(), KMeansPlusPlus()], ids=repr)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_refused(initialise, value):
    X = groups()
    X[7, 1] = value
    with pytest.raises(ValueError, match="Input X contains"):
        initialise(X, 3, random_state=0)
