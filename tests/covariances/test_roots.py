"""Roots and eigenvalues to every digit, however thin: against arithmetic of fifty digits."""

import numpy as np
import pytest

from gmmem.covariances import Estimate, Full, get_model
from gmmem.covariances.base import checked_estimate
from gmmem.covariances.roots import eigen, root
from tests.covariances import exact
from tests.covariances.cases import rotation, scatters

UNITS = np.array([1e-9, 1.0, 1e9])


@pytest.mark.parametrize("units", [np.ones(3), UNITS])
@pytest.mark.parametrize("magnitude", [0, 4, 8, 12])
def test_eigenvalues(magnitude, units):
    """Relative to themselves, but for what the matrix keeps of the narrowest."""
    W, _ = scatters(np.random.RandomState(magnitude), 4, 3, 10.0**magnitude, "free")
    W = W * units * units[:, None]
    values, axes = eigen(W)
    kept = 1e-12 + 1e-15 * 10.0**magnitude
    for k, matrix in enumerate(W):
        right = np.array([float(value) for value in exact.eigenvalues(matrix)])
        np.testing.assert_allclose(values[k], right, rtol=kept)
    np.testing.assert_allclose(axes.transpose(0, 2, 1) @ axes, [np.eye(3)] * 4, atol=1e-14)


def test_roots_of_any_rank():
    rng = np.random.RandomState(0)
    parts = [rng.normal(size=(n, 4)) * [1e-6, 1.0, 1e6, 1.0] for n in (1, 3, 9)]
    parts[2][:, 3] = 0
    W = np.array([part.T @ part for part in parts])
    R = root(W)
    scale = np.sqrt(np.diagonal(W, axis1=1, axis2=2)) + 1e-300
    wrong = (R @ R.transpose(0, 2, 1) - W) / scale[:, :, None] / scale[:, None, :]
    assert np.abs(wrong).max() < 1e-14
    assert [np.count_nonzero(r.any(axis=0)) for r in R] == [1, 3, 3]
    values, axes = eigen(W)
    assert (values[0, 1:] == 0).all() and (values[1:, 3] == 0).all()
    # What does not vary has an axis of its own, and no share in others.
    assert (axes[2, 3, :3] == 0).all()


@pytest.mark.parametrize("magnitude", [0, 2, 3, 4, 6, 12])
def test_factors_from_roots(magnitude):
    """Variances of 1e-12 beside one come from a root with ten digits, from the matrix with four."""
    rng = np.random.RandomState(1)
    values = 10.0 ** -np.array([0.0, magnitude / 2, magnitude])
    R = (rotation(rng, 3) * np.sqrt(values))[None]
    held = Full.from_estimate(Estimate(R @ R.transpose(0, 2, 1), roots=R), 3)
    expected = float(exact.log_det(exact.square(R[0])))
    assert held.log_det[0] == pytest.approx(expected, abs=1e-15 * 10.0 ** (magnitude / 2) + 1e-13)


@pytest.mark.parametrize("code", ["EEV", "VEV", "EVE", "VVE", "VEE", "EVV"])
def test_covariances_are_tied_however_thin(code):
    """What a model has in common, components have to the last digits: matrices keep six."""
    W, mass = scatters(np.random.RandomState(2), 3, 3, 1e10, "near")
    held = Full.from_estimate(checked_estimate(get_model(code), W, mass, 3, None), 3)
    # Of the precisions, and so the other way round.
    values = [exact.eigenvalues(exact.square(factor)) for factor in held.factors]
    values = np.array([[float(1 / value) for value in of_one] for of_one in values])
    volume = np.exp(np.log(values).mean(axis=1))
    if code[0] == "E":
        np.testing.assert_allclose(volume, volume[0], rtol=1e-11)
    if code[1] == "E":
        shape = values / volume[:, None]
        np.testing.assert_allclose(shape, shape[[0, 0, 0]], rtol=1e-12)


def test_axes_that_are_short_are_not_tied():
    """Two variances of 1e-11 beside 1e7 are a factor of three apart, and not the same."""
    rng = np.random.RandomState(3)
    axes = [rotation(rng, 2) for _ in range(2)]
    W = np.zeros((2, 3, 3))
    W[:, 0, 0] = 1e7
    for k, turn in enumerate(axes):
        W[k, 1:, 1:] = (turn * [3e-11, 1e-11]) @ turn.T
    mass = np.array([10.0, 20.0])
    found = exact.objective(W, mass, checked_estimate(get_model("EEV"), W, mass, 3, None)[0])
    assert float(found - exact.least("EEV", W, mass)) / 30 < 1e-12
