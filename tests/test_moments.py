"""Moments are a vector space, and a pass over any part of the rows is right."""

import numpy as np
import pytest

from gmmem import Mixture, em
from gmmem.covariances import MODELS
from gmmem.forms import NORM, OUTER, SQUARE
from gmmem.moments import Moments
from gmmem.sources import InMemory

FORMS = [NORM, SQUARE, OUTER]


def sums(X, R, centre, form, pooled):
    """By definition."""
    Z = X[:, None] - np.broadcast_to(centre, (R.shape[1], X.shape[1]))
    second = form.of(np.einsum("nk,nki,nkj->kij", R, Z, Z))
    second = second.sum(axis=0, keepdims=True) if pooled else second
    return Moments(R.sum(axis=0), centre, np.einsum("nk,nki->ki", R, Z), second, form)


def case(seed=0, n=60, d=3, K=4):
    rng = np.random.RandomState(seed)
    return rng.normal(size=(n, d)) + 2, rng.dirichlet(np.ones(K), size=n), rng.normal(size=(K, d))


def assert_same(one, other, rtol=1e-10):
    other = other.about(one.centre)
    for name in ("mass", "first", "second", "outside"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=rtol, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pooled", [False, True])
def test_parts_add_up_whatever_they_are_about(form, pooled):
    X, R, centre = case()
    whole = sums(X, R, centre, form, pooled)
    parts = [
        sums(X[s], R[s], c, form, pooled)
        for s, c in [
            (slice(0, 20), centre),
            (slice(20, 21), centre + 1),
            (slice(21, 60), centre[:1]),
        ]
    ]
    assert_same(whole, (parts[0] + parts[1]) + parts[2])
    assert_same(whole, parts[2] + (parts[1] + parts[0]))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pooled", [False, True])
def test_times_a_number_is_rows_of_another_weight(form, pooled):
    X, R, centre = case()
    one = sums(X, R, centre, form, pooled)
    assert_same(sums(X, 2.5 * R, centre, form, pooled), 2.5 * one)
    assert_same(sums(X, 0.5 * R, centre, form, pooled), one + one * -0.5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pooled", [False, True])
def test_about_another_centre(form, pooled):
    X, R, centre = case()
    there = sums(X, R, centre, form, pooled).about(centre[::-1] + 3)
    assert_same(sums(X, R, centre[::-1] + 3, form, pooled), there)
    back = there.about(centre).scatters()
    np.testing.assert_allclose(back.scatter, sums(X, R, centre, form, pooled).scatters().scatter)


@pytest.mark.parametrize("coarse, fine", [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)])
def test_coarsened(coarse, fine):
    X, R, centre = case()
    found = sums(X, R, centre, FORMS[fine], False).coarsened(FORMS[coarse], True)
    assert_same(sums(X, R, centre, FORMS[coarse], True), found)


def test_other_forms_do_not_add():
    X, R, centre = case()
    with pytest.raises(ValueError, match="one form"):
        sums(X, R, centre, NORM, False) + sums(X, R, centre, SQUARE, False)


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical", "EEE", "VEV", "EII"])
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_e_step_on_parts_adds_up_to_one_on_all(name, K, weighted):
    X, _, centre = case(K=K)
    weight = np.random.RandomState(1).uniform(0, 2, size=len(X)) if weighted else None
    shape = {"full": (K, 3, 3), "tied": (3, 3), "diag": (K, 3), "spherical": (K,)}
    model = MODELS[name]
    covariances = model.storage.from_covariances(
        np.multiply.outer(np.ones(1 if model.shared else K), model.storage.form.identity(3)), 3
    )
    mixture = Mixture(np.full(K, 1 / K), centre, covariances)
    assert name not in shape or len(covariances.factors) == (1 if model.shared else K)
    weights = [None, None] if weight is None else [weight[:25], weight[25:]]
    whole = em.expect(mixture, InMemory(X, weight))
    parts = [
        em.expect(mixture, InMemory(part, w))
        for part, w in zip([X[:25], X[25:]], weights, strict=True)
    ]
    assert whole[0] == pytest.approx(parts[0][0] + parts[1][0], rel=1e-12)
    assert_same(whole[1], parts[0][1] + parts[1][1])
