"""Coordinates in which EM's step is a gradient, against their definition."""

import numpy as np
import pytest

from gmmem.covariances import FOURTEEN, get_model
from gmmem.forms import NORM, OUTER, SQUARE
from gmmem.initializers import Nearest
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.updates.information import Chart

SEEN = {
    NORM: lambda matrix: np.trace(matrix, axis1=1, axis2=2)[:, None],
    SQUARE: lambda matrix: np.diagonal(matrix, axis1=1, axis2=2),
    OUTER: lambda matrix: matrix.reshape(len(matrix), -1),
}


def mixtures(code, d=3, K=2, n=300, number=5):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) @ rng.standard_normal((d, d))
    problem = Problem.of(InMemory(X), get_model(code))
    return [problem.start(Nearest(rng.standard_normal((K, d))), K) for _ in range(number)], n


def by_definition(reference, mixture, total):
    """Moments of 1, y and (y y' - 1) / sqrt(2), over the root of the mass."""
    d, mass = mixture.n_features, total * mixture.weights
    of_means = total * reference.weights
    inverse = np.linalg.inv(np.linalg.cholesky(reference.covariances.dense()))
    inverse = np.broadcast_to(inverse, (len(mass), d, d))
    y = np.einsum("kij,kj->ki", inverse, mixture.means - reference.means)
    wide = inverse @ mixture.covariances.dense() @ inverse.transpose(0, 2, 1)
    seen = SEEN[mixture.covariances.form]
    second = mass[:, None] * seen(wide + y[:, :, None] * y[:, None, :] - np.eye(d))
    unit = 2.0 * (d if mixture.covariances.form is NORM else 1)
    if mixture.covariances.shared:
        second = second.sum(axis=0) / np.sqrt(unit * total)
    else:
        second = second / np.sqrt(unit * of_means)[:, None]
    first = mass[:, None] * y / np.sqrt(of_means)[:, None]
    return (mass - of_means) / np.sqrt(of_means), first, second


def lengths(parts):
    return np.array([np.sqrt(np.sum(np.square(part))) for part in parts])


@pytest.mark.parametrize("code", FOURTEEN)
def test_coordinates_are_those_of_the_definition(code):
    (reference, *others), total = mixtures(code)
    chart = Chart(reference, float(total))
    K, d = reference.means.shape
    found = chart.of(*others)
    assert found.shape[0] == len(others)
    for mixture, vector in zip(others, found, strict=True):
        parts = by_definition(reference, mixture, total)
        np.testing.assert_allclose(vector[:K], parts[0], atol=1e-9)
        # Whatever root of the precision is taken: lengths are the same.
        ours = lengths(np.split(vector, [K, K + K * d]))
        np.testing.assert_allclose(ours, lengths(parts), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("code", ["EII", "VVI", "EEE", "VVV"])
def test_several_mixtures_are_as_one_by_one(code):
    (reference, *others), total = mixtures(code)
    chart = Chart(reference, float(total))
    alone = np.concatenate([chart.of(each) for each in others])
    np.testing.assert_allclose(chart.of(*others), alone, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(chart.of(*others[:2]), alone[:2], rtol=1e-13, atol=1e-13)
    assert np.abs(chart.of(reference)).max() < 1e-9
