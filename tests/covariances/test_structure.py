"""Covariances that are given: symmetric, and of the structure that their model names."""

import numpy as np
import pytest

from gmmem import GaussianMixture, Mixture, em
from gmmem.covariances import FOURTEEN
from gmmem.covariances.structure import structure_error
from gmmem.initializers import as_assignment
from gmmem.sources import InMemory


def fitted(code, scale=1.0, d=3, K=3):
    rng = np.random.RandomState(0)
    labels = rng.randint(K, size=200)
    X = rng.normal(size=(200, d)) * rng.uniform(0.3, 2, size=(K, d))[labels] + 2.0 * labels[:, None]
    rows = InMemory(scale * X)
    return em.initial_mixture(rows, as_assignment(labels, 200, K, ""), K, FOURTEEN[code])


@pytest.mark.parametrize("code", FOURTEEN)
@pytest.mark.parametrize("scale", [1e-60, 1.0, 1e60])
def test_what_a_model_estimates_has_its_structure(code, scale):
    mixture, model = fitted(code, scale), FOURTEEN[code]
    assert structure_error(model, mixture.covariances.covariances) is None
    # float32 is near enough.
    rounded = (mixture.covariances.covariances / scale**2).astype(np.float32)
    assert structure_error(model, rounded.astype(float)) is None


@pytest.mark.parametrize("code", [c for c in FOURTEEN if c not in ("VII", "VVI", "VVV")])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_what_another_model_estimates_has_not(code, scale):
    free = {"I": "VII" if code[1] == "I" else "VVI"}.get(code[2], "VVV")
    mixture = fitted(free, scale)
    K, d = mixture.means.shape
    public = mixture.covariances.covariances
    with pytest.raises(ValueError, match=r"must (have|be) the same|must be all the same"):
        Mixture.from_arrays(mixture.weights, mixture.means, public, code)
    with pytest.raises(ValueError, match="the same"):
        GaussianMixture.from_parameters(
            mixture.weights, mixture.means, public, covariance_type=code
        )
    model = GaussianMixture(K, covariance_type=code, covariances_init=public)
    with pytest.raises(ValueError, match=r"covariances_init.*the same"):
        model.fit(np.random.RandomState(0).normal(size=(50, d)) * scale)


@pytest.mark.parametrize("scale", [1e-10, 1.0, 1e10])
def test_symmetry_is_relative(scale):
    with pytest.raises(ValueError, match="symmetric"):
        Mixture.from_arrays([1], [[0, 0]], [scale * np.array([[1, 0.5], [-0.5, 1]])])
    with pytest.raises(ValueError, match="symmetric"):
        GaussianMixture.from_parameters([1], [[0, 0]], [scale * np.array([[1, 0.5], [0.4, 1]])])
    Mixture.from_arrays([1], [[0, 0]], [scale * np.array([[1, 0.5], [0.5, 1]])])
