"""The distribution function of one feature and its inverse, against scipy's and each other."""

import numpy as np
import pytest
from scipy import stats

from gmmem import GaussianMixture
from gmmem.univariate import AT_ONCE, distribution, joint_density, quantiles

ARRAYS = np.array([0.6, 0.4]), np.array([2.0, 5.0]), np.array([1.0, 2.0])


@pytest.mark.parametrize("scale", [1e-8, 1, 1e8])
@pytest.mark.parametrize("seed", range(5))
def test_quantiles_invert_the_distribution_function(seed, scale):
    rng = np.random.RandomState(seed)
    K = rng.randint(1, 7)
    arrays = (
        rng.dirichlet(np.ones(K)),
        rng.normal(scale=10 * scale, size=K),
        np.sqrt(rng.gamma(1, size=K)) * scale,
    )
    p = np.array([1e-12, 1e-3, 0.2, 0.5, 0.7, 0.999])
    x = quantiles(p, *arrays)
    assert (np.diff(x) >= 0).all()
    # In a gap between components the function is flat to rounding: compare probabilities.
    np.testing.assert_allclose(distribution(x, *arrays), p, rtol=1e-9)


def test_quantiles_of_a_component_of_weight_zero():
    arrays = np.array([1.0, 0]), np.array([0.0, 50]), np.ones(2)
    np.testing.assert_allclose(quantiles(np.array([0.1, 0.9]), *arrays), stats.norm.ppf([0.1, 0.9]))


def test_ends():
    found = quantiles(np.array([0, 1.0]), *ARRAYS)
    assert found.tolist() == [-np.inf, np.inf]
    assert distribution(np.array([-np.inf, np.inf]), *ARRAYS).tolist() == [0, 1]


def test_against_scipy():
    x = np.linspace(-5, 15, AT_ONCE + 7)
    weights, means, deviations = ARRAYS
    parts = [stats.norm(mean, width) for mean, width in zip(means, deviations, strict=True)]
    expected = sum(weight * part.cdf(x) for weight, part in zip(weights, parts, strict=True))
    np.testing.assert_allclose(distribution(x, *ARRAYS), expected, rtol=1e-12)
    expected = [weight * part.pdf(x) for weight, part in zip(weights, parts, strict=True)]
    np.testing.assert_allclose(joint_density(x, *ARRAYS), expected, rtol=1e-12)


def test_no_values():
    assert distribution(np.array([]), *ARRAYS).shape == (0,)
    assert quantiles(np.array([]), *ARRAYS).shape == (0,)


# --- as methods of an estimator ----------------------------------------------

MODEL = GaussianMixture.from_parameters([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[4.0]]])


def test_methods():
    X = np.linspace(-2, 9, 50)[:, None]
    np.testing.assert_allclose(MODEL.cdf(X), distribution(X[:, 0], *ARRAYS), rtol=1e-14)
    np.testing.assert_allclose(MODEL.quantile(MODEL.cdf(X)), X[:, 0], rtol=1e-9)
    assert MODEL.cdf(X.astype(np.float32)).dtype == np.float32
    median = MODEL.quantile(0.5)
    assert isinstance(median, float)
    assert MODEL.cdf([[median]])[0] == pytest.approx(0.5, rel=1e-14)
    assert MODEL.quantile([[0.1, 0.2], [0.5, 0.9]]).shape == (2, 2)
    assert MODEL.quantile([]).shape == (0,)


def test_shares_of_a_sample():
    X, _ = MODEL.sample(20_000)
    u = MODEL.cdf(X)
    assert stats.kstest(u, "uniform").pvalue > 1e-4


def test_features_other_than_one():
    model = GaussianMixture.from_parameters([1], [[0.0, 1]], np.eye(2)[None])
    message = "is of one feature, and the mixture has 2"
    with pytest.raises(ValueError, match=message):
        model.cdf([[0.0, 1]])
    with pytest.raises(ValueError, match=message):
        model.quantile(0.5)


@pytest.mark.parametrize("q", [-0.1, 1.1, np.nan, [0.5, 2], "half", True])
def test_probabilities_are_checked(q):
    with pytest.raises(ValueError, match="q must hold probabilities, from 0 to 1"):
        MODEL.quantile(q)
