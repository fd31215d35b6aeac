"""Newton's method over rotations: its derivatives against differences."""

import itertools

import numpy as np
import pytest

from gmmem.covariances import orientation
from gmmem.covariances.orientation import Seen
from tests.covariances.cases import rotation, scatters


def vve(mass):
    return lambda values: (float(mass @ np.log(values).sum(axis=1)), mass, 0.0)


def eve(mass):
    def objective(values):
        d, size = values.shape[1], np.exp(np.log(values).mean(axis=1))
        total = mass.sum()
        return total * d * np.log(size.sum()), total * size / size.sum(), 1 / d

    return objective


@pytest.mark.parametrize("kind", [vve, eve])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_derivatives(kind, d):
    rng = np.random.RandomState(d)
    W, mass = scatters(rng, 4, d, 10.0, "free")
    objective, roots = kind(mass), np.linalg.cholesky(W).transpose(0, 2, 1)
    now = Seen.of(rotation(rng, d), roots, objective)
    planes, pairs = orientation._planes(d), orientation._pairs(d)
    gradient = orientation._gradients(now, planes)
    slope = now.weight @ gradient
    hessian = orientation._hessian(now, gradient, slope, mass.sum(), pairs)

    def at(step):
        return Seen.of(now.axes @ orientation._rotation(step, planes, d), roots, objective).value

    units = np.eye(len(slope)) * 1e-4
    ways = list(itertools.product(units, units))
    first = [(at(way) - at(-way)) / 2e-4 for way in units]
    second = [(at(p + q) - at(p - q) - at(q - p) + at(-p - q)) / 4e-8 for p, q in ways]
    scale = np.abs(hessian).max()
    np.testing.assert_allclose(slope, first, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(hessian.ravel(), second, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("d", [2, 3, 5, 20])
def test_rotations(d):
    """Orthogonal, and in one plane by the angle, to second order."""
    planes = orientation._planes(d)
    step = np.random.RandomState(d).uniform(-0.5, 0.5, d * (d - 1) // 2)
    turn = orientation._rotation(step, planes, d)
    np.testing.assert_allclose(turn.T @ turn, np.eye(d), atol=1e-14)
    step[:] = 0
    step[-1] = 1e-4
    turn = orientation._rotation(step, planes, d)
    assert turn[-2, -1] == pytest.approx(np.sin(1e-4), rel=1e-8)
