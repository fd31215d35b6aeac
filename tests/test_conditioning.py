"""Marginals and conditionals: by definition in plain loops, by integration, and by draws."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import log_softmax

from gmmem import Mixture
from gmmem.conditioning import Conditional, Covariances, Deviations, Expected, LogDensity
from gmmem.covariances import get_model
from gmmem.covariances.base import from_public
from gmmem.sources import InMemory
from tests.covariances.cases import CODES, of_structure


def mixture_of(code, d, K=3, seed=0, distance=2.0):
    rng = np.random.RandomState(seed)
    dense = of_structure(code.ljust(3, "I"), rng, K, d)
    model = get_model(code)
    form = model.storage.form.of(dense)
    stored = from_public(model, form / d if form.ndim == 1 else form)
    weights = rng.dirichlet(np.full(K, 3.0))
    storage = model.storage.from_covariances(stored, d)
    return Mixture(weights, distance * rng.normal(size=(K, d)), storage)


def dense(mixture):
    found = mixture.covariances.dense()
    return np.repeat(found, mixture.n_components // len(found), axis=0)


def normal(x, mean, covariance):
    """One density, from its definition."""
    x, mean = np.atleast_1d(x), np.atleast_1d(mean)
    z, inverse = x - mean, np.linalg.inv(covariance)
    distance = sum(z[i] * inverse[i, j] * z[j] for i in range(len(z)) for j in range(len(z)))
    size = (2 * math.pi) ** (len(z) / 2) * math.sqrt(np.linalg.det(covariance))
    return math.exp(-distance / 2) / size


def by_loops(mixture, given, values):
    """Weights, means and covariances of the conditional, component by component."""
    asked = [j for j in range(mixture.n_features) if j not in given]
    weights, means, covariances = [], [], []
    for w, mu, S in zip(mixture.weights, mixture.means, dense(mixture), strict=True):
        inner, cross = S[np.ix_(given, given)], S[np.ix_(asked, given)]
        weights.append(w * normal(values, mu[given], inner))
        means.append(mu[asked] + cross @ np.linalg.inv(inner) @ (values - mu[given]))
        covariances.append(S[np.ix_(asked, asked)] - cross @ np.linalg.inv(inner) @ cross.T)
    return np.array(weights) / sum(weights), np.array(means), np.array(covariances)


def patterns(d):
    """Every proper part of the features up to four, and a few beyond."""
    every = [list(p) for size in range(1, d) for p in itertools.combinations(range(d), size)]
    return every if d <= 4 else every[:: len(every) // 8]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("d", range(1, 7))
def test_by_loops(code, d):
    mixture = mixture_of(code, d, seed=d)
    rng = np.random.RandomState(d)
    for kept in [*patterns(d), list(range(d))]:
        marginal = mixture.marginal(kept)
        np.testing.assert_array_equal(marginal.means, mixture.means[:, kept])
        expected = dense(mixture)[:, kept][:, :, kept]
        np.testing.assert_allclose(dense(marginal), expected, rtol=1e-9, atol=1e-12)
        assert type(marginal.covariances) is type(mixture.covariances)
    for given in patterns(d):
        x = 2 * rng.normal(size=len(given))
        found = mixture.conditional(given, x)
        weights, means, covariances = by_loops(mixture, given, x)
        np.testing.assert_allclose(found.weights, weights, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(found.means, means, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(dense(found), covariances, rtol=1e-8, atol=1e-10)
        assert type(found.covariances) is type(mixture.covariances)


@pytest.mark.parametrize("code", CODES)
def test_many_rows_at_once(code):
    """Moments and densities of rows together are those of each row's own mixture."""
    mixture = mixture_of(code, 5, seed=1)
    given, asked = np.array([3, 0]), np.array([4, 1])
    rows = 3 * np.random.RandomState(0).normal(size=(40, 5))
    rows[:, 2] = np.nan  # Neither given nor asked for.
    conditional, X = Conditional.of(mixture, given, asked), InMemory(rows)
    means = X.map(Expected(conditional), (2,), float)
    deviations = X.map(Deviations(conditional), (2, 2), float)
    covariances = X.map(Covariances(conditional), (3, 2), float)
    densities = X.map(LogDensity(conditional), (), float)
    parts = conditional.parts(rows)
    for i, row in enumerate(rows):
        one = mixture.marginal([3, 0, 4, 1]).conditional([0, 1], row[given])
        np.testing.assert_allclose(parts.weights[:, i], one.weights, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(parts.means[:, i], one.means, rtol=1e-9, atol=1e-12)
        mean = one.weights @ one.means
        spread = sum(
            w * (S + np.outer(m - mean, m - mean))
            for w, m, S in zip(one.weights, one.means, dense(one), strict=True)
        )
        np.testing.assert_allclose(means[i], mean, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(deviations[i], [mean, np.sqrt(np.diag(spread))], rtol=1e-9)
        np.testing.assert_allclose(covariances[i, 1:], spread, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(covariances[i, 0], mean, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(densities[i], one.log_density(row[None, asked])[0], atol=1e-8)
        again = conditional.mixture(parts.weights[:, i], parts.means[:, i])
        np.testing.assert_allclose(again.log_density(row[None, asked])[0], densities[i], atol=1e-8)


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "VII", "VEV"])
def test_density_is_that_of_the_parts(code):
    """p(x_o, x_m) = p(x_o) p(x_m | x_o), in logs."""
    mixture = mixture_of(code, 4, seed=2)
    for x in 3 * np.random.RandomState(1).normal(size=(10, 4)):
        given = [2, 0]
        joint = mixture.log_density(x[None])[0]
        marginal = mixture.marginal(given).log_density(x[None, given])[0]
        rest = mixture.conditional(given, x[given]).log_density(x[None, [1, 3]])[0]
        assert marginal + rest == pytest.approx(joint, abs=1e-9)


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "VII"])
def test_by_integration(code):
    """A marginal is the density integrated; a conditional is the density over its integral."""
    mixture = mixture_of(code, 2, seed=3, distance=1.0)

    def joint(y, x):
        return float(np.exp(mixture.log_density([[x, y]])[0]))

    def moment(y, x):
        return y * joint(y, x)

    for x in (-2.0, 0.3, 5.0):
        area = quad(joint, -30, 30, args=(x,), epsabs=0, epsrel=1e-11, limit=400)[0]
        assert np.exp(mixture.marginal(0).log_density([[x]])[0]) == pytest.approx(area, rel=1e-8)
        given = mixture.conditional(0, x)
        mean = quad(moment, -30, 30, args=(x,), epsabs=1e-13, limit=400)[0] / area
        assert (given.weights @ given.means)[0] == pytest.approx(mean, rel=1e-7)
        for y in (-1.0, 0.0, 2.0):
            density = np.exp(given.log_density([[y]])[0])
            assert density == pytest.approx(joint(y, x) / area, rel=1e-8)


@pytest.mark.parametrize("code", ["VVV", "VEI"])
def test_law_of_total_probability(code):
    """Over what is given, conditional means and second moments average to the marginal's."""
    mixture = mixture_of(code, 3, seed=4)
    X = mixture.sample(200_000, np.random.RandomState(0))[0]
    conditional = Conditional.of(mixture, np.array([0, 2]), np.array([1]))
    found = InMemory(X).map(Deviations(conditional), (2, 1), float)[:, :, 0]
    mean, deviation = found.T
    other = mixture.marginal(1)
    exact = other.weights @ other.means[:, 0]
    second = other.weights @ (other.means[:, 0] ** 2 + dense(other)[:, 0, 0])
    assert mean.mean() == pytest.approx(exact, abs=5 * mean.std() / len(X) ** 0.5)
    squares = mean**2 + deviation**2
    assert squares.mean() == pytest.approx(second, abs=5 * squares.std() / len(X) ** 0.5)
    # What is left over is unrelated to what was expected.
    rest = X[:, 1] - mean
    assert abs(np.corrcoef(rest, mean)[0, 1]) < 5 / len(X) ** 0.5


@pytest.mark.parametrize("code", CODES)
def test_order_and_steps_do_not_matter(code):
    """Marginal of a marginal, and one known value after another."""
    mixture = mixture_of(code, 4, seed=5)
    x = np.array([0.4, -1.0, 2.0])
    once = mixture.conditional([3, 0, 2], x)
    steps = mixture.conditional(3, x[0]).conditional([0, 2], x[1:])
    np.testing.assert_allclose(once.weights, steps.weights, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(once.means, steps.means, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(dense(once), dense(steps), rtol=1e-8, atol=1e-10)
    again = mixture.marginal([3, 1, 0]).marginal([2, 0])
    np.testing.assert_allclose(dense(again), dense(mixture.marginal([0, 3])), rtol=1e-9)


@pytest.mark.parametrize("far", [1e3, 1e6, 1e12, 1e80, 1e160, 1e300])
@pytest.mark.parametrize("code", ["VVV", "VVI", "VII", "EEE"])
def test_far_away(code, far):
    """All densities there are zero in float64; what is sure of them is still said."""
    mixture = mixture_of(code, 2, seed=6)
    one = mixture.conditional(0, far)
    assert np.isfinite(one.means).all() and one.weights.sum() == pytest.approx(1)
    means, variances = mixture.means[:, 0], dense(mixture)[:, 0, 0]
    if far < 1e12:
        logs = np.log(mixture.weights) - (far - means) ** 2 / 2 / variances - np.log(variances) / 2
        np.testing.assert_allclose(one.weights, np.exp(log_softmax(logs)), atol=1e-6)
    elif code in ("VVV", "VVI", "VII"):
        assert one.weights.argmax() == variances.argmax() and one.weights.max() == 1
    parts = Conditional.of(mixture, np.array([0]), np.array([1])).parts(np.array([[far]]))
    np.testing.assert_allclose(parts.weights[:, 0], one.weights, atol=1e-6)
    np.testing.assert_allclose(parts.means[:, 0], one.means, rtol=1e-9)


def test_a_component_that_is_off_stays_off():
    mixture = Mixture.from_arrays([1.0, 0.0], [[0, 0], [9, 9]], [np.eye(2)] * 2)
    for x in (9.0, 1e40):
        assert mixture.conditional(0, x).weights.tolist() == [1, 0]


def test_improbable_before_certain_after():
    """Log densities do not lose a component that what is given all but rules out."""
    mixture = Mixture.from_arrays([0.5, 0.5], [[0, 0], [60, 60]], [np.eye(2)] * 2)
    conditional = Conditional.of(mixture, np.array([0]), np.array([1]))
    row = np.array([[0.0, 60.0]])
    found = InMemory(row).map(LogDensity(conditional), (), float)[0]
    joint, given = mixture.log_density(row)[0], mixture.marginal(0).log_density(row[:, :1])[0]
    assert found == pytest.approx(joint - given, abs=1e-9)


def test_thin_covariances_keep_their_digits():
    """Two columns that are nearly the same: what is left is positive, and right."""
    S = np.array([[1.0, 1 - 1e-10], [1 - 1e-10, 1.0]])
    given = Mixture.from_arrays([1.0], [[0, 0]], [S]).conditional(0, 2.0)
    assert given.covariances.dense()[0, 0, 0] == pytest.approx(2e-10, rel=1e-5)
    assert given.means[0, 0] == pytest.approx(2, rel=1e-8)


def test_far_from_the_origin():
    """An offset of the data costs no digits but their own."""
    near = mixture_of("VVV", 3, seed=7)
    far = Mixture(near.weights, near.means + 1e7, near.covariances)
    x = np.random.RandomState(0).normal(size=(5, 2))
    given, asked = np.array([0, 1]), np.array([2])
    parts = [Conditional.of(m, given, asked).parts(x + by) for m, by in ((near, 0), (far, 1e7))]
    np.testing.assert_allclose(parts[1].weights, parts[0].weights, atol=1e-6)
    np.testing.assert_allclose(parts[1].means - 1e7, parts[0].means, atol=1e-7)


def test_columns_by_mask_slice_and_from_the_end():
    mixture = mixture_of("VVV", 4)
    same = [[1, 2], slice(1, 3), [False, True, True, False], np.array([-3, -2]), (1, -2)]
    for features in same:
        np.testing.assert_array_equal(mixture.marginal(features).means, mixture.means[:, 1:3])
        given = mixture.conditional(features, [0.0, 1.0])
        np.testing.assert_array_equal(given.means, mixture.conditional([1, 2], [0.0, 1.0]).means)
    assert mixture.marginal([2, 0]).means[0].tolist() == mixture.means[0, [2, 0]].tolist()


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([], "features=.* at least one"),
        ([4], "features: 4 is no column; give a number, 0 to 3"),
        ([-5], "features: -5"),
        ([1, 1], "twice"),
        ([1, -3], "twice"),
        ("height", "no names"),
        ([1.0], "features: 1.0"),
        (True, "features: True"),
        ([True, False], "mask of 2 columns; there are 4"),
        ([False] * 4, "at least one"),
        (slice(3, 3), "at least one"),
        (None, "features: None"),
    ],
)
def test_what_is_no_column(features, message):
    mixture = mixture_of("VVV", 4)
    with pytest.raises(ValueError, match=message):
        mixture.marginal(features)
    with pytest.raises(ValueError, match=message):
        mixture.conditional(features, [0.0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0], r"values must have the shape \(2,\), not \(1,\)"),
        ([[0.0, 1.0]], "values must have the shape"),
        ([0.0, np.nan], "values must be finite"),
        ([0.0, np.inf], "values must be finite"),
    ],
)
def test_values_that_do_not_fit(values, message):
    with pytest.raises(ValueError, match=message):
        mixture_of("VVV", 4).conditional([0, 1], values)


def test_something_is_left_to_ask():
    with pytest.raises(ValueError, match="none is left"):
        mixture_of("VVV", 2).conditional([1, 0], [0.0, 0.0])
