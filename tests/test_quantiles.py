"""Quantiles of mixtures against the distribution function, and where they are known."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from gmmem.univariate import quantile


def below(x, weights, means, deviations):
    return (weights * ndtr((x - means) / deviations)).sum(axis=0)


@pytest.mark.parametrize("probability", [1e-12, 1e-4, 0.025, 0.3, 0.5, 0.8, 0.975, 1 - 1e-9])
@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0, 1e8])
def test_inverse_of_the_distribution_function(probability, spread):
    rng = np.random.RandomState(0)
    weights = rng.dirichlet([0.3] * 5, size=200).T
    means, deviations = spread * rng.normal(size=(5, 200)), np.exp(rng.normal(size=(5, 1)))
    x = quantile(probability, weights, means, deviations)
    # Where the density is nearly nothing, the function is flat and its inverse unsure.
    step = 1e-12 * (1 + np.abs(x))
    found = [below(x + by, weights, means, deviations) for by in (-step, step)]
    slack = 4e-16 / probability
    assert (found[0] <= probability * (1 + 1e-9 + slack)).all()
    assert (found[1] >= probability * (1 - 1e-9 - slack)).all()


def test_one_component_is_a_normal_distribution():
    for probability in (1e-300, 1e-10, 0.2, 0.5, 0.9):
        x = quantile(probability, np.ones((1, 2)), np.array([[3.0, -2.0]]), np.array([[2.0]]))
        np.testing.assert_allclose(x, np.array([3, -2]) + 2 * ndtri(probability), rtol=1e-14)


def test_components_that_weigh_nothing_do_not_count():
    weights, means = np.array([[1.0], [0.0]]), np.array([[0.0], [1e300]])
    assert quantile(0.3, weights, means, np.ones((1, 1)))[0] == pytest.approx(ndtri(0.3))


def test_symmetric():
    rng = np.random.RandomState(1)
    weights, means = rng.dirichlet([1] * 3, size=50).T, rng.normal(size=(3, 50))
    low = quantile(0.1, weights, means, np.ones((1, 1)))
    high = quantile(0.9, weights, -means, np.ones((1, 1)))
    np.testing.assert_allclose(low, -high, rtol=1e-12)


def test_a_probability_each():
    rng = np.random.RandomState(2)
    weights, means = rng.dirichlet([1] * 3, size=40).T, rng.normal(size=(3, 40))
    p = rng.uniform(size=40)
    found = quantile(p, weights, means, np.ones((1, 1)))
    one = [quantile(p[i], weights[:, [i]], means[:, [i]], np.ones((1, 1)))[0] for i in range(40)]
    np.testing.assert_array_equal(found, one)
