"""The three storages against dense matrices, and the driver against storages that are wrong."""

import numpy as np
import pytest

from gmmem.covariances import Diagonal, Full, Spherical
from gmmem.testing import check_storage


@pytest.mark.parametrize("storage", [Spherical, Diagonal, Full])
@pytest.mark.parametrize("seed", range(3))
def test_conforms(storage, seed):
    check_storage(storage, seed=seed)


@pytest.mark.parametrize("base", [Spherical, Diagonal, Full])
@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("at", lambda self, component: component),
        ("log_det", property(lambda self: np.zeros(len(self.factors)))),
        ("variances", property(lambda self: np.ones((len(self.factors), self.n_features)))),
        ("bound", lambda self, extent: np.ones(len(self.factors))),
        ("whiten", lambda self, component, Z, out, first=0: Z[first:]),
        ("standardised", lambda self, steps, covariances: (2 * steps, covariances)),
        ("sample", lambda self, component, mean, n, rng: rng.normal(size=(n, len(mean)))),
        ("marginal", lambda self, features: self),
        ("conditional", lambda self, features: self),
        ("thinness", lambda self, step: np.full(len(self.factors), 2.0)),
        ("regression", lambda self, o, m: (np.ones((len(self.factors), len(m), len(o))), 0)),
    ],
)
def test_the_driver_sees_what_is_wrong(base, member, wrong):
    mistaken = type("Mistaken", (base,), {member: wrong})
    with pytest.raises((AssertionError, ValueError)):
        check_storage(mistaken)


def test_factors_need_no_covariances():
    """A prediction needs factors alone: covariances are formed when they are asked for."""
    held = Full.from_factors(np.eye(3)[None] * 2, 3)
    assert "covariances" not in vars(held)
    np.testing.assert_allclose(held.covariances, np.eye(3)[None] / 4)
    assert "covariances" in vars(held)


@pytest.mark.parametrize("storage", [Spherical, Diagonal, Full])
def test_nobody_can_write(storage):
    held = storage.from_covariances(storage.form.of(np.eye(2)[None]) / 1.0, 2)
    for name in ("covariances", "factors", "precisions"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(held, name)[0] = 9


@pytest.mark.parametrize("order", ["C", "F"])
def test_thin_covariances_are_regressed_well(order):
    """Two columns that are nearly the same: what remains stays positive."""
    S = np.array([[[1.0, 1 - 1e-10], [1 - 1e-10, 1.0]]], order=order)
    B, C = Full.from_covariances(S, 2).regression(np.array([0]), np.array([1]))
    np.testing.assert_allclose(B, 1, rtol=1e-9)
    np.testing.assert_allclose(C, 2e-10, rtol=1e-4)


@pytest.mark.parametrize("d", [1, 2, 5, 6])
def test_many_are_factorised_as_one_is(d):
    """Whether in one call or one by one: triangles, with the same digits in all units."""
    rng = np.random.RandomState(d)
    R = rng.normal(size=(9, d, 2 * d)) * 10.0 ** rng.uniform(-9, 9, size=(9, d, 1))
    covariances = R @ R.transpose(0, 2, 1)
    factors = Full.from_covariances(covariances, d).factors
    alone = [Full.from_covariances(each[None], d).factors[0] for each in covariances]
    np.testing.assert_allclose(factors, alone, rtol=1e-13)
    assert (np.tril(factors, -1) == 0).all()
    scale = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))[:, :, None]
    white = (factors * scale).transpose(0, 2, 1) @ (R / scale)
    np.testing.assert_allclose(white @ white.transpose(0, 2, 1), [np.eye(d)] * 9, atol=1e-11)
