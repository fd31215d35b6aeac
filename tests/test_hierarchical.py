"""The initialiser by agglomeration: mclust's labels, and brute force on few rows."""

from itertools import combinations

import numpy as np
import pytest

from gmmem import GaussianMixture
from gmmem.initializers import Hierarchical, Subset
from tests.test_golden import read


def same_partition(one, other):
    return len(set(zip(one, other, strict=True))) == len(set(one)) == len(set(other))


@pytest.mark.parametrize("dataset", ["iris", "diabetes"])
def test_labels_are_those_of_mclust(dataset):
    grown, golden = Hierarchical().grow(read(dataset)), read(f"{dataset}_labels")
    for K in range(1, 7):
        assert same_partition(grown.labels(K), golden[:, K - 1])


def term(rows, model, a):
    """What one cluster adds to the criterion, from its rows."""
    n, d = rows.shape
    centred = rows - rows.mean(axis=0)
    W = centred.T @ centred
    if model == "EII":
        return np.trace(W)
    if model == "VII":
        return n * np.log((np.trace(W) + a) / n)
    determinant = np.linalg.det(W / n) if n > d else 0
    return n * np.log(determinant + (np.trace(W) + a) / n)


def cost(X, clusters, model):
    """The whole criterion, which each merge is to raise least."""
    a = ((X - X.mean(axis=0)) ** 2).sum() / X.size
    if model != "EEE":
        return sum(term(X[members], model, a) for members in clusters)
    W = sum(np.cov(X[c].T, bias=True) * len(c) for c in clusters if len(c) > 1)
    return np.linalg.det(W + a * np.eye(X.shape[1]))


def merged(clusters, i, j):
    kept = [members for k, members in enumerate(clusters) if k not in (i, j)]
    return [*kept, clusters[i] + clusters[j]]


def brute_force(X, model, K):
    clusters = [[i] for i in range(len(X))]
    while len(clusters) > K:
        every = [merged(clusters, i, j) for i, j in combinations(range(len(clusters)), 2)]
        costs = [cost(X, after, model) for after in every]
        clusters = every[costs.index(min(costs))]
    labels = np.empty(len(X), dtype=int)
    for k, members in enumerate(clusters):
        labels[members] = k
    return labels


@pytest.mark.parametrize("model", ["EII", "VII", "EEE", "VVV"])
@pytest.mark.parametrize("d", [2, 3])
def test_brute_force(model, d):
    X = np.random.RandomState(d).normal(size=(18, d))
    grown = Hierarchical(model, use="VARS").grow(X)
    for K in (2, 3, 5, 9):
        assert same_partition(grown.labels(K), brute_force(X, model, K))


@pytest.mark.parametrize("use", ["SVD", "STD"])
@pytest.mark.parametrize("model", ["EII", "VII", "EEE", "VVV"])
def test_scale_of_a_feature_does_not_matter(model, use):
    X = read("iris")
    one = Hierarchical(model, use).grow(X).labels(3)
    other = Hierarchical(model, use).grow(X * [1, 10, 100, 1000] + 5).labels(3)
    assert same_partition(one, other)


def test_weights_are_copies():
    X = np.random.RandomState(0).normal(size=(60, 2))
    weight = np.random.RandomState(1).randint(1, 5, size=60)
    weighted = Hierarchical().grow(X, weight.astype(float))
    copies = Hierarchical().grow(X.repeat(weight, axis=0))
    for K in (2, 3, 6):
        one = GaussianMixture(K, init_params="hierarchical", max_iter=0)
        other = GaussianMixture(K, init_params="hierarchical", max_iter=0)
        one.fit(X, sample_weight=weight)
        other.fit(X.repeat(weight, axis=0))
        assert np.sort(one.weights_) == pytest.approx(np.sort(other.weights_), rel=1e-12)
    assert len(weighted.tree.merges) == len(copies.tree.merges) == 59


def test_one_feature_is_cut_between_quantiles():
    X = np.random.RandomState(0).gamma(2, size=(90, 1))
    labels = Hierarchical().grow(X).labels(3)
    np.testing.assert_array_equal(np.bincount(labels), [30, 30, 30])
    assert X[labels == 0].max() < X[labels == 1].min()
    mostly_zero = np.r_[np.zeros((50, 1)), X[:10]]
    assert set(Hierarchical().grow(mostly_zero).labels(4)) == {0, 1, 2, 3}


def test_many_rows_start_from_a_subset():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(20_000, 2)) + 12 * rng.randint(2, size=(20_000, 1))
    initialise = Hierarchical(max_samples=300)
    answer = initialise(X, 2, random_state=np.random.RandomState(0))
    assert isinstance(answer, Subset)
    assert len(answer.rows) == len(answer.labels) == 300
    model = GaussianMixture(2, init_params=initialise, random_state=0).fit(X)
    assert model.weights_ == pytest.approx([0.5, 0.5], abs=0.02)
    weighted = GaussianMixture(2, init_params=initialise, random_state=0)
    weighted.fit(X, sample_weight=np.r_[np.ones(10_000), np.zeros(10_000)])
    assert weighted.weights_ == pytest.approx([0.5, 0.5], abs=0.02)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"model": "EEI"}, "model='EEI' must be one of"),
        ({"use": "PCA"}, "use='PCA' must be one of"),
        ({"max_samples": 1}, "max_samples=1 must be at least 2, and whole"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        Hierarchical(**params)


@pytest.mark.parametrize(
    ("X", "weight", "message"),
    [
        (np.ones((5, 2)) * 1e200, None, "within 1e"),
        (np.array([["a", "b"]]), None, "numbers"),
        (np.ones((5, 0)), None, "rows and columns"),
        (np.eye(5), np.ones(3), "shape"),
        (np.eye(5), -np.ones(5), "at least 0"),
        (np.eye(5), np.full(5, np.nan), "finite"),
    ],
)
def test_bad_rows(X, weight, message):
    with pytest.raises(ValueError, match=message):
        Hierarchical().grow(X, weight)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("K", [0, -1, 2.5])
def test_bad_number_of_clusters(d, K):
    with pytest.raises(ValueError, match="positive whole number"):
        Hierarchical().grow(read("faithful")[:, :d]).labels(K)


def test_more_components_than_max_samples():
    X = np.random.RandomState(0).normal(size=(60, 2))
    model = GaussianMixture(20, init_params=Hierarchical(max_samples=10), reg_covar=0.1)
    assert model.set_params(random_state=0, max_iter=0).fit(X).means_.shape == (20, 2)


@pytest.mark.parametrize("d", [1, 2])
def test_too_few_distinct_rows(d):
    X = np.repeat(np.arange(3.0), 10)[:, None].repeat(d, axis=1)
    with pytest.raises(ValueError, match="3 distinct rows"):
        GaussianMixture(4, init_params="hierarchical").fit(X)
    constant = np.c_[np.random.RandomState(0).normal(size=(30, 2)), np.ones(30)]
    GaussianMixture(2, init_params="hierarchical").fit(constant)
