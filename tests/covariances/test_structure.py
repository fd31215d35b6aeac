"""Covariances that are given must be as their model ties them, whatever their units."""

import numpy as np
import pytest

from gmmem.covariances import Spherical, get_model
from gmmem.covariances.structure import asymmetry, structure_error
from tests.covariances.cases import CODES, TwoScales, contains, of_structure


def stored(model, dense):
    S = model.storage.form.of(dense) / (3 if model.storage is Spherical else 1)
    return S[:1] if model.shared else S


@pytest.mark.parametrize("scale", [1e-140, 1e-10, 1, 1e140])
@pytest.mark.parametrize("code", CODES)
def test_what_has_the_structure_passes(code, scale):
    model, rng = get_model(code), np.random.RandomState(0)
    for ratio in (1, 10, 1e6):
        S = stored(model, of_structure(code, rng, ratio=ratio)) * scale
        assert structure_error(model, S, 3) is None


@pytest.mark.parametrize("code", [code for code in CODES if not get_model(code).shared])
def test_what_another_model_ties_fails_where_that_is_looser(code):
    """Covariances of every model that this one does not contain, at any scale."""
    model, rng = get_model(code), np.random.RandomState(1)
    for other in CODES:
        if len({code.count("I"), other.count("I")}) > 1 or contains(code, other):
            continue
        for scale in (1e-120, 1e-10, 1, 1e120):
            S = stored(model, of_structure(other, rng)) * scale
            assert f"as the model {code} ties" in structure_error(model, S, 3), other


@pytest.mark.parametrize("off", [1e-3, 1e-1])
@pytest.mark.parametrize("code", ["VEI", "EVI", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV"])
def test_a_small_break_is_seen(code, off):
    model, rng = get_model(code), np.random.RandomState(2)
    S = stored(model, of_structure(code, rng))
    move = 1 + off * rng.uniform(0.5, 1, size=S.shape)
    if S.ndim == 3:
        move = np.sqrt(move * move.transpose(0, 2, 1))
    assert structure_error(model, S * move, 3)
    assert structure_error(model, S * (1 + off * 1e-6 * (move - 1)), 3) is None


@pytest.mark.parametrize("units", [[1, 1e-6, 1e6], [1e30, 1, 1e-30]])
@pytest.mark.parametrize("code", ["VEI", "EVI", "VEE", "EVV"])
def test_columns_have_units(code, units):
    """The models that do not look at units see structure and its break in any."""
    model, rng = get_model(code), np.random.RandomState(3)
    scale = np.outer(units, units)
    S = of_structure(code, rng)
    assert structure_error(model, stored(model, S * scale), 3) is None
    S[1, 1, 1] *= 1.01
    assert structure_error(model, stored(model, S * scale), 3)


def test_a_model_of_ones_own():
    assert structure_error(TwoScales(), np.array([[1.0, 2.0, 1.0]]), 3) is None
    assert "TwoScales" in structure_error(TwoScales(), np.array([[1.0, 2.0, 3.0]]), 3)


@pytest.mark.parametrize("scale", [1e-200, 1e-10, 1, 1e150])
def test_symmetry_is_relative(scale):
    rng = np.random.RandomState(4)
    S = of_structure("VVV", rng) * scale
    assert asymmetry(S).max() < 1e-15
    S[1, 0, 2] *= -1
    assert asymmetry(S)[1] > 1e-3
    assert "symmetric: that of component 1" in structure_error(get_model("VVV"), S, 3)
