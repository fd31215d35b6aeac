"""One driver for every covariance model: mclust's fourteen and one of a user's own."""

from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np
import pytest
from scipy.stats import multivariate_normal, ortho_group
from sklearn.base import clone

from gmmem import GaussianMixture, em
from gmmem.covariances import FOURTEEN, CovarianceModel, Diagonal, Estimate, Full, get_model
from gmmem.initializers import GivenLabels, as_assignment
from gmmem.sources import InMemory
from gmmem.sources import base as blocks
from tests.test_golden import read


@dataclass(frozen=True)
class TwoScales(CovarianceModel):
    """A user's model: in all components, one variance for odd and one for even features."""

    name: ClassVar[str] = "TwoScales"
    storage: ClassVar[type] = Diagonal
    shared: ClassVar[bool] = True
    aligned: ClassVar[bool] = True

    def n_parameters(self, n_components, n_features):
        return min(2, n_features)

    def estimate(self, scatter, mass, n_features, previous):
        variances = scatter / mass.sum()
        for first in range(min(2, n_features)):
            variances[:, first::2] = variances[:, first::2].mean()
        return Estimate(variances)


CODES = list(FOURTEEN)
EVERY = [*FOURTEEN.values(), TwoScales()]
ROTATING = ("EII", "VII", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
every_model = pytest.mark.parametrize("model", EVERY, ids=lambda model: model.name)


def data(seed=0, n=240, d=3, K=3):
    """Overlapping clusters of different volumes, shapes and orientations."""
    rng = np.random.RandomState(seed)
    labels = np.arange(n) % K
    X = np.empty((n, d))
    for k in range(K):
        rows = labels == k
        X[rows] = rng.normal(size=(rows.sum(), d)) @ rng.normal(size=(d, d)) * (0.5 + k)
        X[rows] += 3 * rng.normal(size=d)
    return X, labels


def states(X, labels, model, count, weight=None, reg_covar=0.0, n_threads=1):
    rows, K = InMemory(X, weight, n_threads), labels.max() + 1
    assign = as_assignment(labels, len(X), K, "labels")
    start = em.initial_mixture(rows, assign, K, model, reg_covar=reg_covar)
    return list(islice(em.iterate(start, rows, model, reg_covar=reg_covar), count))


def dense(mixture):
    d = mixture.n_features
    return np.broadcast_to(mixture.covariances.dense(), (mixture.n_components, d, d))


def parts(mixture, model):
    found = mixture.covariances.decompose(model.aligned)
    repeats = mixture.n_components // len(found.volume)
    return tuple(np.repeat(part, repeats, axis=0) for part in found)


@every_model
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("d", [1, 2, 5])
def test_likelihood_never_decreases(model, seed, d):
    run = states(*data(seed, d=d), model, 40)
    history = np.array([state.log_likelihood for state in run])
    assert (np.diff(history) >= -1e-9 * np.abs(history[0])).all()
    assert all(state.settled for state in run)


@every_model
def test_likelihood_is_that_of_the_density(model):
    X, labels = data()
    state = states(X, labels, model, 3)[-1]
    mixture = state.mixture
    density = sum(
        w * multivariate_normal(mean, covariance).pdf(X)
        for w, mean, covariance in zip(mixture.weights, mixture.means, dense(mixture), strict=True)
    )
    assert state.log_likelihood == pytest.approx(np.log(density).sum(), rel=1e-10)


@every_model
@pytest.mark.parametrize("reg_covar", [0, 0.1])
def test_structure_holds(model, reg_covar):
    mixture = states(*data(), model, 10, reg_covar=reg_covar)[-1].update
    volume, shape, axes = parts(mixture, model)
    K, d = shape.shape
    np.testing.assert_allclose(np.prod(shape, axis=1), 1, rtol=1e-9)
    np.testing.assert_allclose(axes @ axes.transpose(0, 2, 1), [np.eye(d)] * K, atol=1e-12)
    rebuilt = (axes * (volume[:, None] * shape)[:, None, :]) @ axes.transpose(0, 2, 1)
    np.testing.assert_allclose(rebuilt, dense(mixture), atol=1e-9 * volume.max())
    if model.name in FOURTEEN:
        for letter, values in zip(model.name, (volume, shape, axes), strict=True):
            equal = np.allclose(values, values[:1], rtol=1e-8, atol=1e-8)
            assert equal == (letter in "EI")
        if model.name[1] == "I":
            np.testing.assert_array_equal(shape, 1)
        if model.name[2] == "I":
            np.testing.assert_array_equal(axes, [np.eye(d)] * K)


@pytest.mark.parametrize(
    "codes",
    [
        ("EII", "VII"),
        ("EEI", "VEI", "EVI", "VVI"),
        ("EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"),
    ],
)
def test_one_component_is_the_same_for_all_of_a_storage(codes):
    X, labels = data(K=1)
    found = [dense(states(X, labels, get_model(code), 2)[-1].update) for code in codes]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-7, atol=1e-9)


def contains(larger, smaller):
    """Whether every covariance structure of `smaller` is one of `larger`."""
    order = {"I": 0, "E": 1, "V": 2}
    return larger != smaller and all(
        order[a] >= order[b] for a, b in zip(larger, smaller, strict=True)
    )


def test_what_contains_another_model_is_at_least_as_likely_from_its_optimum():
    X, labels = data(3)
    pairs = [(a, b) for a in CODES for b in CODES if contains(a, b)]
    assert len(pairs) > 40
    solutions = {}
    for _, small in pairs:
        rows = InMemory(X, n_threads=1)
        if small not in solutions:
            start = em.initial_mixture(
                rows, as_assignment(labels, len(X), 3, ""), 3, get_model(small)
            )
            solutions[small] = em.fit(start, rows, get_model(small), tol=1e-12, max_iter=3000)
    for large, small in pairs:
        rows, optimum, model = InMemory(X, n_threads=1), solutions[small], get_model(large)
        R = optimum.mixture.responsibilities(X)
        start = em.initial_mixture(rows, as_assignment(R, len(X), 3, ""), 3, model)
        further = em.fit(start, rows, model, tol=1e-9, max_iter=500)
        assert further.history[0] >= optimum.history[-1] - 1e-7, (large, small)
        assert further.history[-1] >= optimum.history[-1] - 1e-7, (large, small)


def test_tied_optimum_is_a_point_of_every_model_with_its_features():
    """With equal scatters in every component, all full models give the tied covariance."""
    rng = np.random.RandomState(0)
    base = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 3))
    base -= base.mean(axis=0)
    X = np.vstack([base + shift for shift in ([0, 0, 0], [500, 0, 0], [0, 500, 0])])
    labels = np.repeat(np.arange(3), 80)
    expected = np.cov(base.T, bias=True)
    for code in ROTATING[2:]:
        update = states(X, labels, get_model(code), 1)[-1].update
        for covariance in dense(update):
            np.testing.assert_allclose(covariance, expected, rtol=1e-5, atol=1e-6)


@every_model
def test_rotation(model):
    X, labels = data(1)
    Q = ortho_group.rvs(3, random_state=0)
    plain = states(X, labels, model, 8)[-1].log_likelihood
    turned = states(X @ Q, labels, model, 8)[-1].log_likelihood
    assert (turned == pytest.approx(plain, rel=1e-8)) == (model.name in ROTATING)


@every_model
def test_shift_and_permutations(model):
    X, labels = data(2)
    plain = states(X, labels, model, 8)[-1]
    shifted = states(X + 1e3, labels, model, 8)[-1]
    assert shifted.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-7)
    order, names = np.random.RandomState(0).permutation(len(X)), np.array([2, 0, 1])
    moved = states(X[order], names[labels[order]], model, 8)[-1]
    assert moved.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-8)
    np.testing.assert_allclose(moved.update.means[names], plain.update.means, atol=1e-5)


@every_model
def test_weights_are_copies(model):
    X, labels = data(4)
    weight = np.random.RandomState(0).randint(1, 4, size=len(X))
    weighted = states(X, labels, model, 8, weight)[-1]
    copies = states(X.repeat(weight, axis=0), labels.repeat(weight), model, 8)[-1]
    assert weighted.log_likelihood == pytest.approx(copies.log_likelihood, rel=1e-8)
    np.testing.assert_allclose(dense(weighted.update), dense(copies.update), rtol=1e-4, atol=1e-6)


@every_model
def test_threads_change_no_bit(model):
    X, labels = data(5, n=120_000)
    one, two = (states(X, labels, model, 2, n_threads=threads)[-1] for threads in (1, 2))
    assert one.log_likelihood == two.log_likelihood
    np.testing.assert_array_equal(dense(one.update), dense(two.update))


@every_model
def test_size_of_the_blocks_changes_rounding_only(model, monkeypatch):
    X, labels = data(5, n=20_000)
    plain = states(X, labels, model, 5)[-1]
    monkeypatch.setattr(blocks, "LARGEST_BLOCK", 300)
    small = states(X, labels, model, 5)[-1]
    assert small.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(dense(small.update), dense(plain.update), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("d", range(1, 7))
@pytest.mark.parametrize("K", range(1, 7))
def test_number_of_parameters(K, d):
    """The formulas of mclust's nVarParams, written out."""
    axes = d * (d - 1) // 2
    expected = {
        "EII": 1,
        "VII": K,
        "EEI": d,
        "VEI": K + d - 1,
        "EVI": 1 + K * (d - 1),
        "VVI": K * d,
        "EEE": d * (d + 1) // 2,
        "VEE": K + d - 1 + axes,
        "EVE": 1 + K * (d - 1) + axes,
        "VVE": K + K * (d - 1) + axes,
        "EEV": 1 + d - 1 + K * axes,
        "VEV": K + d - 1 + K * axes,
        "EVV": 1 + K * (d - 1 + axes),
        "VVV": K * d * (d + 1) // 2,
    }
    assert {code: get_model(code).n_parameters(K, d) for code in CODES} == expected
    assert get_model("E").n_parameters(K, 1) == 1
    assert get_model("V").n_parameters(K, 1) == K


def scatters(model, X, labels):
    """The scatters that the first M-step sees, and the covariances it finds."""
    found = []
    for k in range(labels.max() + 1):
        part = X[labels == k] - X[labels == k].mean(axis=0)
        found.append(part.T @ part)
    mass = np.bincount(labels).astype(float)
    return np.array(found), mass, model.estimate(np.array(found), mass, X.shape[1], None)


def objective(scatter, mass, covariances):
    """Twice the negative expected log-likelihood, up to a constant."""
    return sum(
        n * np.linalg.slogdet(S)[1] + np.trace(np.linalg.solve(S, W))
        for W, n, S in zip(scatter, mass, covariances, strict=True)
    )


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("seed", range(3))
def test_no_nearby_covariances_of_the_structure_are_better(code, seed):
    """Brute force: random moves within the model never improve an M-step."""
    model, (X, labels) = get_model(code), data(seed)
    mixture = states(X, labels, model, 1)[-1].mixture
    volume, shape, axes = parts(mixture, model)
    scatter, mass, _ = scatters(get_model("VVV"), X, labels)
    best = objective(scatter, mass, dense(mixture))
    rng = np.random.RandomState(seed)
    for _ in range(300):
        moves = [rng.normal(size=(3, 1)), rng.normal(size=(3, 3)), rng.normal(size=(3, 3, 3))]
        for letter, move in zip(code, moves, strict=True):
            if letter == "E":
                move[:] = move[0]
            if letter == "I":
                move[:] = 0
        size = 10 ** rng.uniform(-4, -1)
        move = moves[1] - moves[1].mean(axis=1, keepdims=True)
        skew = size * (moves[2] - moves[2].transpose(0, 2, 1))
        turn = np.linalg.solve(np.eye(3) - skew / 2, np.eye(3) + skew / 2)
        near = axes @ turn
        values = volume[:, None] * np.exp(size * moves[0]) * shape * np.exp(size * move)
        there = (near * values[:, None, :]) @ near.transpose(0, 2, 1)
        assert objective(scatter, mass, there) > best - 1e-7 * abs(best)


@pytest.mark.parametrize("code", ["EVE", "VVE"])
@pytest.mark.parametrize("seed", range(10))
def test_common_axes_are_the_best(code, seed):
    """Brute force in two dimensions: no angle out of 20,000 is better."""
    model, (X, labels) = get_model(code), data(seed, d=2)
    scatter, mass, estimate = scatters(model, X, labels)
    best = objective(scatter, mass, estimate.covariances)
    angles = np.linspace(0, np.pi / 2, 20_000)
    axes = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    values = np.einsum("ija,kil,lja->akj", axes, scatter, axes)
    if code == "VVE":
        every = (mass[:, None] * np.log(values / mass[:, None])).sum(axis=(1, 2))
    else:
        volume = np.sqrt(values.prod(axis=2)).sum(axis=1) / mass.sum()
        every = 2 * mass.sum() * np.log(volume)
    assert best <= every.min() + mass.sum() * 2 + 1e-6


@pytest.mark.parametrize("dataset", ["faithful", "iris", "diabetes"])
@pytest.mark.parametrize("G", [2, 3, 4])
def test_vve_axes_are_the_best(dataset, G):
    """No other start of the inner iteration finds better axes than ours."""
    X = read(dataset)
    labels = read(f"{dataset}_labels")[:, G - 1].astype(int) - 1
    model = get_model("VVE")
    scatter, mass, estimate = scatters(model, X, labels)
    best, d = objective(scatter, mass, estimate.covariances), X.shape[1]
    assert estimate.settled
    for seed in range(20):
        Q = ortho_group.rvs(d, random_state=seed)
        values = 1 + np.arange(d) + np.zeros((G, 1))
        elsewhere = (Q * values[:, None, :]) @ Q.T
        other = model.estimate(scatter, mass, d, elsewhere)
        assert best <= objective(scatter, mass, other.covariances) + 1e-6 * abs(best)


@pytest.mark.parametrize("code", [code for code in CODES if not get_model(code).closed_form])
def test_an_inner_iteration_cut_short_is_reported(code):
    X, labels = data(6)
    model = type(get_model(code))(max_iter=1, tol=1e-15)
    with pytest.warns(match="inner iteration"):
        GaussianMixture(3, covariance_type=model, init_params=GivenLabels(labels), tol=1).fit(X)


@pytest.mark.parametrize("code", CODES)
def test_public_shapes_and_predictions(code):
    X, labels = data()
    model = GaussianMixture(3, covariance_type=code, init_params=GivenLabels(labels)).fit(X)
    shape = {2: (3,), 1: (3, 3), 0: (3, 3, 3)}[code.count("I")]
    assert model.covariances_.shape == shape == model.precisions_.shape
    again = GaussianMixture.from_parameters(
        model.weights_, model.means_, model.covariances_, covariance_type=code
    )
    np.testing.assert_allclose(again.score_samples(X), model.score_samples(X), rtol=1e-9)
    assert [part.shape for part in model.decomposition_] == [(3,), (3, 3), (3, 3, 3)]
    assert model.bic(X) == pytest.approx(
        -2 * model.score(X) * len(X) + (get_model(code).n_parameters(3, 3) + 11) * np.log(len(X))
    )


def test_scikit_learns_names_are_codes():
    X, labels = data()
    for name, code in {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}.items():
        one, other = (
            GaussianMixture(3, covariance_type=given, init_params=GivenLabels(labels)).fit(X)
            for given in (name, code)
        )
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_a_model_of_ones_own():
    X, labels = data()
    model = GaussianMixture(3, covariance_type=TwoScales(), init_params=GivenLabels(labels)).fit(X)
    np.testing.assert_array_equal(model.covariances_[:, 0], model.covariances_[:, 2])
    clone(model).fit(X)


def returning(answer, **members):
    """A model on full storage that estimates what it is told."""

    class Mistaken(CovarianceModel):
        name = "Mistaken"
        storage = Full

        def n_parameters(self, n_components, n_features):
            return 1

        def estimate(self, scatter, mass, n_features, previous):
            return answer(scatter)

    for member, value in members.items():
        setattr(Mistaken, member, value)
    return Mistaken()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda scatter: scatter, "must return an Estimate"),
        (lambda scatter: None, "must return an Estimate"),
        (lambda scatter: Estimate(scatter[0]), "Mistaken estimated covariances of shape"),
        (lambda scatter: Estimate(scatter + 1j), "expected real numbers"),
        (lambda scatter: Estimate(scatter * np.nan), "is not finite"),
        (lambda scatter: Estimate(scatter, roots=scatter[0]), "gave roots of shape"),
    ],
)
def test_a_mistaken_model_is_told(answer, message):
    X, labels = data()
    model = GaussianMixture(3, covariance_type=returning(answer), init_params=GivenLabels(labels))
    with pytest.raises(ValueError, match=message):
        model.fit(X)


def test_a_model_that_lacks_members():
    X, _ = data()
    with pytest.raises(ValueError, match="compact but not shared"):
        GaussianMixture(3, covariance_type=returning(Estimate, compact=True)).fit(X)

    class Bare:
        def n_parameters(self, n_components, n_features):
            return 1

        def estimate(self, scatter, mass, n_features, previous):
            return Estimate(scatter)

    with pytest.raises(ValueError, match="lacks name, storage"):
        GaussianMixture(3, covariance_type=Bare()).fit(X)


def test_sampling_at_extreme_scales():
    X, labels = data()
    X = X * [1e-6, 1, 1e6]
    for code in ("EEE", "VEE", "VVE", "VVV"):
        model = GaussianMixture(
            3, covariance_type=code, init_params=GivenLabels(labels), reg_covar=0
        )
        assert np.isfinite(model.fit(X).sample(10)[0]).all()


def test_one_feature():
    X, labels = data(d=1)
    for letter, code in {"E": "EII", "V": "VII"}.items():
        one, other = (
            GaussianMixture(3, covariance_type=given, init_params=GivenLabels(labels)).fit(X)
            for given in (letter, code)
        )
        np.testing.assert_array_equal(one.covariances_, other.covariances_)
        with pytest.raises(ValueError, match="is for one feature"):
            GaussianMixture(2, covariance_type=letter).fit(np.c_[X, X[::-1]])


def test_shared_covariances_must_be_the_same():
    with pytest.raises(ValueError, match="should be the same for all components"):
        GaussianMixture.from_parameters(
            [0.5, 0.5], [[0.0], [1.0]], [[[1.0]], [[2.0]]], covariance_type="EEE"
        )


@pytest.mark.parametrize("code", CODES)
def test_collapse_is_reported(code):
    X = np.repeat(np.random.RandomState(0).normal(size=(2, 3)), 20, axis=0)
    model = GaussianMixture(
        2, covariance_type=code, reg_covar=0, init_params=GivenLabels(np.repeat([0, 1], 20))
    )
    with pytest.raises(ValueError, match="Increase reg_covar"):
        model.fit(X)
    model.set_params(reg_covar=1e-6).fit(X)
