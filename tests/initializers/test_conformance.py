"""Every initialiser passes the driver, and the driver fails one that is wrong."""

import numpy as np
import pytest

from gmmem.initializers import (
    Hierarchical,
    KMeans,
    KMeansPlusPlus,
    RandomPoints,
    RandomResponsibilities,
)
from gmmem.testing.initialisers import check_initialiser

TREES = [
    Hierarchical(model, use)
    for model in (None, "EII", "VII", "EEE", "VVV")
    for use in ("SVD", "STD", "VARS")
]


@pytest.mark.parametrize("initialise", TREES, ids=repr)
def test_trees(initialise):
    check_initialiser(initialise, deterministic=True)


@pytest.mark.parametrize("initialise", [KMeans(), KMeansPlusPlus(), RandomPoints()], ids=repr)
def test_centres(initialise):
    check_initialiser(initialise)


def test_random_responsibilities():
    check_initialiser(RandomResponsibilities(), hard=False)


def by_weight(X, n_components, *, sample_weight=None, random_state=None):
    """Wrong: heavy rows have a component of their own."""
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    return np.minimum(weight, n_components - 1).astype(int)


def by_place(X, n_components, *, sample_weight=None, random_state=None):
    """Right but for the order of the rows, copies and few distinct ones."""
    return np.arange(len(X)) % n_components


def at_random(X, n_components, *, sample_weight=None, random_state=None):
    """Wrong: draws from a generator of its own."""
    return np.random.randint(n_components, size=len(X))  # noqa: NPY002


def of_other_shape(X, n_components, *, sample_weight=None, random_state=None):
    return np.zeros(len(X) + 1, dtype=int)


@pytest.mark.parametrize("initialise", [by_weight, by_place, at_random, of_other_shape])
def test_wrong_ones_are_found(initialise):
    with pytest.raises((AssertionError, ValueError)):
        check_initialiser(initialise, deterministic=True)
