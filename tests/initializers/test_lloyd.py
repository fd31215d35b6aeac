"""k-means gives scikit-learn's labels, and ends where the means are those of the nearest rows."""

import numpy as np
import pytest
from sklearn import cluster
from sklearn.datasets import load_iris

from gmmem.initializers import KMeans, KMeansPlusPlus
from gmmem.initializers.lloyd import AT_ONCE, Chunks, _are_same, k_means
from gmmem.testing.initialisers import groups

RNG = np.random.RandomState(0)
GRID = np.stack(np.meshgrid(np.arange(12.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
DATA = {
    "groups": groups(300, 3),
    "iris": load_iris().data,
    "one feature": RNG.normal(size=(300, 1)),
    "noise": RNG.normal(size=(2000, 4)),
    "grid": GRID,
    "far apart": RNG.standard_cauchy(size=(400, 2)),
    "several chunks": RNG.normal(size=(AT_ONCE // 4, 3)),
}


def theirs(X, K, seed, weight=None, n_init=1):
    random_state = np.random.RandomState(seed)
    return cluster.KMeans(K, n_init=n_init, random_state=random_state).fit(X, sample_weight=weight)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DATA)
def test_the_labels_are_those_of_scikit_learn(name, dtype):
    X = DATA[name].astype(dtype)
    if dtype == np.float32:
        X = X[:2000]  # Its sums are in float32: of many rows the last digits decide.
    for K in (1, 2, 3, 8):
        for seed in range(3):
            ours = KMeans()(X, K, random_state=np.random.RandomState(seed))
            np.testing.assert_array_equal(ours, theirs(X, K, seed).labels_)


@pytest.mark.parametrize("name", DATA)
def test_weights_and_centres_are_those_of_scikit_learn(name):
    X, weight = DATA[name], np.random.RandomState(1).exponential(size=len(DATA[name]))
    for seed in range(3):
        peer = theirs(X, 4, seed, weight)
        labels, centres = k_means(X, weight, 4, 1, np.random.RandomState(seed))
        np.testing.assert_array_equal(labels, peer.labels_)
        np.testing.assert_allclose(centres, peer.cluster_centers_, atol=1e-12 * np.abs(X).max())


def test_the_best_of_several_runs_is_that_of_scikit_learn():
    X = DATA["noise"]
    for seed in range(3):
        labels, _ = k_means(X, None, 6, 4, np.random.RandomState(seed))
        np.testing.assert_array_equal(labels, theirs(X, 6, seed, n_init=4).labels_)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_seeds_are_those_of_scikit_learn(dtype):
    X = groups(300, 3, dtype=dtype)
    for K in (1, 5, 40):
        peer, _ = cluster.kmeans_plusplus(X, K, random_state=np.random.RandomState(2))
        ours = KMeansPlusPlus()(X, K, random_state=np.random.RandomState(2)).centres
        np.testing.assert_array_equal(ours, peer)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_centre_without_rows_moves_as_in_scikit_learn(weighted):
    X = np.r_[groups(60, 2), [[30.0, 0], [0, 40], [-50, 7]]]
    weight = np.random.RandomState(0).exponential(size=len(X)) if weighted else np.ones(len(X))
    middle = X.mean(axis=0)
    begin = np.r_[X[:2], [[900.0, 900], [-900, 900]]]
    peer = cluster.KMeans(4, init=begin, n_init=1, max_iter=1).fit(X, sample_weight=weight)
    chunks = Chunks((X - middle).T.copy(), weight if weighted else None, 4)
    chunks.assign(begin - middle)
    assert len(np.unique(chunks.labels)) == 2
    centres = chunks.means(begin - middle)
    np.testing.assert_allclose(centres + middle, peer.cluster_centers_, atol=1e-12)


def test_what_moves_is_counted_as_if_all_were():
    X = np.random.RandomState(0).normal(size=(AT_ONCE // 3, 3))
    chunks, centres = Chunks(X.T.copy(), None, 7), X[:7]
    for _ in range(20):
        chunks.assign(centres)
        centres = chunks.means(centres)
    fresh = Chunks(X.T.copy(), None, 7)
    fresh.near = chunks.near
    for i in range(len(fresh.near)):
        every = np.arange(fresh.near[i].shape[1])
        fresh._count(i, fresh.near[i], every)
    np.testing.assert_allclose(sum(chunks.sums), sum(fresh.sums), atol=1e-9)
    assert len(fresh.near) > 1


def test_clusters_by_other_names_are_the_same():
    labels = np.array([0, 0, 1, 2, 2])
    assert _are_same(labels, (labels + 1) % 3)
    assert not _are_same(labels, np.array([0, 1, 1, 2, 2]))
