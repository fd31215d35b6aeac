"""Criteria against their formulas, written out from the responsibilities."""

import numpy as np
import pytest
from sklearn import mixture as sklearn_mixture

from gmmem import GaussianMixture, criteria
from gmmem.criteria import CRITERIA, FitSummary
from tests.test_golden import read

X = read("iris")


@pytest.fixture(scope="module", params=["full", "tied", "VEV"])
def model(request):
    return GaussianMixture(3, covariance_type=request.param, random_state=0).fit(X)


def test_by_the_responsibilities(model):
    n, p = len(X), model.n_parameters_
    L, R = model.score_samples(X).sum(), model.predict_proba(X)
    EN = -np.sum(R[R > 0] * np.log(R[R > 0]))
    one = GaussianMixture(covariance_type=model.covariance_type, reg_covar=0).fit(X)
    bic = -2 * L + p * np.log(n)
    expected = {
        "bic": bic,
        "aic": -2 * L + 2 * p,
        "aicc": -2 * L + 2 * p * n / (n - p - 1),
        "caic": -2 * L + p * (np.log(n) + 1),
        "hqic": -2 * L + 2 * p * np.log(np.log(n)),
        "sabic": -2 * L + p * np.log((n + 2) / 24),
        "icl": bic - 2 * np.log(R.max(axis=1)).sum(),
        "icl_entropy": bic + 2 * EN,
        "clc": -2 * L + 2 * EN,
        "nec": EN / (L - one.score(X) * n),
    }
    assert set(expected) == set(CRITERIA)
    for name, value in expected.items():
        assert getattr(model, name)(X) == pytest.approx(value, rel=1e-9)


def test_against_scikit_learn():
    ours = GaussianMixture(3, random_state=0).fit(X)
    theirs = sklearn_mixture.GaussianMixture(3, random_state=0).fit(X)
    assert ours.bic(X) == pytest.approx(theirs.bic(X), rel=1e-9)
    assert ours.aic(X) == pytest.approx(theirs.aic(X), rel=1e-9)


@pytest.mark.parametrize("name", CRITERIA)
def test_weights_are_copies(model, name):
    weight = np.random.RandomState(0).randint(0, 4, size=len(X))
    copies = getattr(model, name)(X.repeat(weight, axis=0))
    assert getattr(model, name)(X, sample_weight=weight) == pytest.approx(copies, rel=1e-9)


def test_edges():
    assert criteria.nec(FitSummary(-10, 2, 5, 0.0, 0.0, 1, -10)) == 1
    assert criteria.nec(FitSummary(-10, 2, 5, 0.5, 0.0, 2, -9)) == np.inf
    assert criteria.aicc(FitSummary(-10, 4, 5)) == np.inf
    assert GaussianMixture().fit(X).nec(X) == 1
