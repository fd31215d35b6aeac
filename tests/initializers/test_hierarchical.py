"""The initialiser by agglomeration: mclust's labels, and brute force on few rows."""

from itertools import combinations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gmmem import GaussianMixture
from gmmem.initializers import Hierarchical, Subset, hierarchical
from gmmem.initializers.agglomeration import Ellipsoids, EqualSpheres, agglomerate
from gmmem.initializers.pooled_agglomeration import agglomerate_equal
from gmmem.initializers.ward import agglomerate_ward
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
        ({"model": "EEI"}, "model='EEI' must be None or one of"),
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
        (np.array([[0.0, np.inf]] * 5), None, "finite"),
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
    for K in (3, 4, 9):
        labels = Hierarchical()(X, K).labels
        np.testing.assert_array_equal(labels, [0, 1, 2])
    constant = np.c_[np.random.RandomState(0).normal(size=(30, 2)), np.ones(30)]
    GaussianMixture(2, init_params="hierarchical").fit(constant)


def slow_equal(X):
    """EEE's merges by definition: the determinant, for every pair at every step."""
    clusters = {i: (1, x) for i, x in enumerate(X)}
    d = X.shape[1]
    W, merges = np.eye(d) * ((X - X.mean(axis=0)) ** 2).sum() / X.size, []
    while len(clusters) > 1:
        names = np.array(list(clusters))
        n, Y = (np.array(values) for values in zip(*clusters.values(), strict=True))
        i, j = np.triu_indices(len(names), 1)
        gap = Y[i] - Y[j]
        share = n[i] * n[j] / (n[i] + n[j])
        after = W + share[:, None, None] * gap[:, :, None] * gap[:, None]
        best = np.linalg.slogdet(after)[1].argmin()
        one, two = names[i[best]], names[j[best]]
        W = after[best]
        total = clusters[one][0] + clusters[two][0]
        mean = (clusters[one][0] * clusters[one][1] + clusters[two][0] * clusters[two][1]) / total
        clusters[one] = total, mean
        del clusters[two]
        merges.append((one, two))
    return np.array(merges)


def kinds_of_rows(seed):
    """Noise, thin and rotated groups, scales that differ, more features than rows."""
    rng = np.random.RandomState(seed)
    yield rng.normal(size=(90, 2))
    groups = rng.normal(size=(90, 3)) * [1, 1e-3, 1] + 5 * rng.randint(3, size=(90, 1))
    yield groups @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    yield rng.normal(size=(60, 4)) * [1e-3, 1, 10, 1e3]
    yield rng.normal(size=(40, 12))
    yield rng.normal(size=(20, 25))


@pytest.mark.parametrize("seed", range(4))
def test_merges_of_equal_ellipsoids_by_definition(seed):
    for X in kinds_of_rows(seed):
        mass = np.ones(len(X))
        np.testing.assert_array_equal(agglomerate_equal(mass, X), slow_equal(X))


@pytest.mark.parametrize("seed", range(4))
def test_ward_is_what_the_table_of_costs_gives(seed):
    for X in kinds_of_rows(seed):
        table = agglomerate(np.ones(len(X)), X, EqualSpheres())
        np.testing.assert_array_equal(agglomerate_ward(X), table)


@pytest.mark.parametrize("model", ["EII", "VII", "EEE", "VVV"])
def test_scale_of_weights_does_not_matter(model):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 2)) + 9 * rng.randint(3, size=(300, 1))
    for weight in (np.ones(300), rng.exponential(size=300), rng.randint(1, 9, size=300) * 1.0):
        plain = Hierarchical(model).grow(X, weight).tree.merges
        for scale in (1e-90, 1e-5, 0.1, 3, 1e4, 1e5, 1e20, 1e90):
            scaled = Hierarchical(model).grow(X, scale * weight).tree.merges
            np.testing.assert_array_equal(scaled, plain)


def test_large_weights_leave_clear_clusters_clear():
    rng = np.random.RandomState(0)
    labels = np.arange(300) % 3
    X = rng.normal(size=(300, 2)) + 9 * labels[:, None]
    for scale in (1e-20, 1.0, 1e5, 1e20):
        model = GaussianMixture(3, init_params="hierarchical")
        model.fit(X, sample_weight=np.full(300, scale))
        assert same_partition(model.predict(X), labels)


@pytest.mark.parametrize("n_distinct", [500, 3000])
def test_weights_are_copies_above_the_most_rows(n_distinct):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_distinct, 2))
    weight = rng.randint(1, 9, size=n_distinct)
    copies = X.repeat(weight, axis=0)
    grow = Hierarchical(max_samples=1000).grow
    for scale in (1.0, 1e-9, 1e30):
        one = grow(X, scale * weight, np.random.RandomState(1))
        other = grow(copies, None, np.random.RandomState(1))
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.tree.merges, other.tree.merges)


def test_few_rows_in_many_features_start_from_spheres():
    """Three groups, as many features as mclust would start from EII with: see its mclustBIC."""
    for seed in range(5):
        rng = np.random.RandomState(seed)
        labels = np.arange(20) % 3
        X = rng.normal(size=(20, 40)) + 2.5 * rng.normal(size=(3, 40))[labels]
        grown = Hierarchical().grow(X)
        np.testing.assert_array_equal(grown.tree.merges, Hierarchical("EII").grow(X).tree.merges)
        assert same_partition(grown.labels(3), labels)
    X = rng.normal(size=(41, 40))
    np.testing.assert_array_equal(
        Hierarchical().grow(X).tree.merges, Hierarchical("VVV").grow(X).tree.merges
    )


@pytest.mark.parametrize("use", ["SVD", "STD", "VARS"])
@pytest.mark.parametrize("model", ["EII", "VII", "EEE", "VVV"])
def test_numbers_of_any_size(model, use):
    """The same tree in any unit, where the criterion does not depend on it; no warning."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(70, 3))
    plain = Hierarchical(model, use).grow(X)
    for exponent in (-1000, -500, -50, 50, 500, 1000):
        scaled = Hierarchical(model, use).grow(np.ldexp(X, exponent))
        if use != "VARS" or model != "VVV":
            np.testing.assert_array_equal(scaled.tree.merges, plain.tree.merges)
    assert len(Hierarchical(model, use).grow((X * 1e38).astype(np.float32)).tree.merges) == 69
    assert len(Hierarchical(model, use).grow(rng.normal(size=(300, 60)) * 1e6).tree.merges) == 299


def test_a_criterion_in_another_unit():
    """VVV adds a determinant and a trace: what it says in one unit, it says in another."""
    X = np.random.RandomState(0).normal(size=(60, 3)) * 7
    mass = np.ones(60)
    plain = agglomerate(mass, X, Ellipsoids())
    for unit in (-3, 5):
        log_unit = 2 * unit * np.log(2)
        other = agglomerate(mass, np.ldexp(X, -unit), Ellipsoids(), log_unit)
        np.testing.assert_array_equal(other, plain)
    assert (agglomerate(mass, X / 2**5, Ellipsoids()) != plain).any()


@pytest.mark.parametrize("model", ["EII", "VII", "EEE", "VVV"])
def test_threads_of_blas_do_not_matter(model):
    X = np.random.RandomState(0).normal(size=(150, 30))
    trees = []
    for n_threads in (1, 4):
        with threadpool_limits(n_threads):
            trees.append(Hierarchical(model).grow(X).tree.merges)
    np.testing.assert_array_equal(*trees)


@pytest.mark.parametrize("model", ["EEE", "VVV"])
def test_trees_grow_on_one_thread(model, monkeypatch):
    """Two took seventy times as long: products of thirty columns are too small for them."""
    X, seen = np.random.RandomState(0).normal(size=(60, 5)), []
    for name in ("agglomerate", "agglomerate_equal"):
        grow = getattr(hierarchical, name)

        def seeing(*args, grow=grow):
            seen.extend(blas_threads())
            return grow(*args)

        monkeypatch.setattr(hierarchical, name, seeing)
    with threadpool_limits(3, user_api="blas"):
        Hierarchical(model).grow(X)
        assert set(blas_threads()) == {3}
    assert set(seen) == {1}


def blas_threads():
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]
