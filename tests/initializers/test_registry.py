"""Names of initialisers, and what else stands for one."""

import numpy as np
import pytest

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.initializers import INITIALIZERS, Hierarchical, KMeans, as_initialiser
from tests.test_golden import read


def test_names_and_instances():
    for name, initialise in INITIALIZERS.items():
        assert as_initialiser(name) is initialise
    mine = Hierarchical("EII")
    assert as_initialiser(mine) is mine


@pytest.mark.parametrize("wrong", [Hierarchical, KMeans])
def test_a_class_is_not_an_initialiser(wrong):
    message = (
        rf"init_params={wrong.__name__} is a class; give an instance of it, as {wrong.__name__}\(\)"
    )
    X = read("faithful")
    for fit in (
        lambda: as_initialiser(wrong),
        lambda: GaussianMixture(2, init_params=wrong).fit(X),
        lambda: GaussianMixtureIC(2, init_params=wrong).fit(X),
    ):
        with pytest.raises(ValueError, match=message):
            fit()


@pytest.mark.parametrize("wrong", ["k means", 3, None])
def test_neither(wrong):
    with pytest.raises(ValueError, match="neither callable nor one of kmeans"):
        as_initialiser(wrong)


def test_an_entry_put_into_the_registry_is_a_name(monkeypatch):
    monkeypatch.setitem(INITIALIZERS, "halves", lambda X, K, **_: np.arange(len(X)) * K // len(X))
    X = read("faithful")
    assert as_initialiser("halves") is INITIALIZERS["halves"]
    search = GaussianMixtureIC(2, covariance_type="VVV", init_params="halves").fit(X)
    assert search.n_components_ == 2
