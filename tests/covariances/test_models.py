"""Every model by one driver, and the driver against models that are wrong."""

from dataclasses import dataclass

import numpy as np
import pytest

from gmmem.covariances import EEV, EVE, FOURTEEN, VVI, VVV, Estimate, get_model
from gmmem.testing import check_model
from tests.covariances.cases import CODES, TwoScales

ROTATING = {"EII", "VII", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"}
WITHOUT_UNITS = {"EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVV", "VVV"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("code", CODES)
def test_conforms(code, seed):
    goes_along = {"rotations": ROTATING, "units": WITHOUT_UNITS, "order": set(CODES)}
    invariances = [name for name, codes in goes_along.items() if code in codes]
    check_model(get_model(code), invariances, seed=seed)


def test_others_conform():
    check_model(TwoScales())
    for letter in ("E", "V"):
        check_model(get_model(letter), n_features=[1])
    for name in ("full", "tied", "diag", "spherical"):
        check_model(get_model(name))


def test_units_and_rotations_matter_to_the_others():
    for code in FOURTEEN:
        for name, codes in {"rotations": ROTATING, "units": WITHOUT_UNITS}.items():
            if code not in codes:
                with pytest.raises(AssertionError, match=name):
                    check_model(get_model(code), [name])


@dataclass(frozen=True)
class TooNarrow(VVI):
    """Divides by the rows and one."""

    def estimate(self, scatter, mass, n_features, previous):
        return Estimate(scatter / (mass[:, None] + 1))


@dataclass(frozen=True)
class Miscounted(VVI):
    """Forgets that components have variances of their own."""

    def n_parameters(self, n_components, n_features):
        return n_features


@dataclass(frozen=True)
class Tilted(EEV):
    """Axes of all scatters together (what EEV once did to break ties, and more)."""

    def estimate(self, scatter, mass, n_features, previous):
        return super().estimate(scatter + 0.1 * scatter.sum(axis=0), mass, n_features, None)


@dataclass(frozen=True)
class Forgetful(EVE):
    """Stops after one step of its inner iteration."""

    max_iter: int = 1


@dataclass(frozen=True)
class WrongRoots(VVV):
    """Gives the scatters' roots for the covariances'."""

    def estimate(self, scatter, mass, n_features, previous):
        return Estimate(scatter / mass[:, None, None], roots=np.linalg.cholesky(scatter))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (WrongRoots(), "R R'"),
        (TooNarrow(), "estimates from its own|likelier"),
        (Miscounted(), "n_parameters says"),
        (Tilted(), "likelier|worse|estimates from its own"),
        (Forgetful(), "converge"),
    ],
)
def test_the_driver_sees_what_is_wrong(model, message):
    with pytest.raises(AssertionError, match=message):
        check_model(model)
