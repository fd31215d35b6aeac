"""What is singular: on data of many kinds, and whatever their place, units and directions."""

import warnings

import numpy as np
import pytest

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.covariances import FOURTEEN, Full
from gmmem.covariances.singular import SingularRows, constant_combination, sentence
from gmmem.estimators.advice import ChoiceWarning


def likert(rng):
    trait = 0.8 * rng.normal(size=(180, 1))
    return np.clip(np.round(trait + rng.normal(size=(180, 4)) + 3), 1, 5)


def counts(rng):
    return rng.poisson([0.5, 2, 4], size=(200, 3)).astype(float)


def percentages(rng):
    return 100 * rng.dirichlet(np.ones(4), size=150)


def two_units(rng):
    X = rng.normal(size=(100, 2))
    return np.c_[X, 2.54 * X[:, 0]]


def with_sum(rng):
    X = rng.normal(size=(100, 3))
    return np.c_[X, X.sum(axis=1)]


def with_difference(rng):
    X = rng.randint(0, 10, size=(100, 2)).astype(float)
    return np.c_[X, X[:, 0] - X[:, 1]]


REGULAR = {
    "10 x 3": lambda rng: rng.normal(size=(10, 3)),
    "15 x 4": lambda rng: rng.normal(size=(15, 4)),
    "12 x 6": lambda rng: rng.normal(size=(12, 6)),
    "likert": likert,
    "counts": counts,
    "counts + 5": lambda rng: counts(rng) + 5,
    "rounded percentages": lambda rng: np.round(percentages(rng), 1),
}
SINGULAR = {
    "percentages": (percentages, "columns 0 to 3 add up to a constant"),
    "two units": (two_units, "column 2 is 2.54 times column 0 and a constant"),
    "sum": (with_sum, r"-1 x column 0 -1 x column 1 -1 x column 2 \+1 x column 3 is constant"),
    "difference": (with_difference, r"-1 x column 0 \+1 x column 1 \+1 x column 2 is constant"),
}


def search(X, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChoiceWarning)
        return GaussianMixtureIC(**params).fit(X)


def flattest(model, X):
    """Least variance in any direction beside the largest, in the rows' units; and the largest."""
    total = np.cov(X.T).reshape(1, X.shape[1], X.shape[1])
    held = Full.from_covariances(model.mixture_.covariances.dense(), X.shape[1])
    least, most = held.extremes(total)
    return (least / most).min(), most.max()


@pytest.mark.parametrize("name", REGULAR)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_search_never_prefers_a_singular_candidate(name, seed):
    X = REGULAR[name](np.random.RandomState(seed))
    ratio, _ = flattest(search(X), X)
    assert ratio > 1e-10


@pytest.mark.parametrize("name", SINGULAR)
def test_rows_that_are_singular_as_a_whole_are_told_so(name):
    make, words = SINGULAR[name]
    X = make(np.random.RandomState(0))
    for K in (1, 3):
        for code in ("VVV", "EEE", "EEV", "VEE", "EVE", "VVE", "VEV", "EVV"):
            model = GaussianMixture(K, covariance_type=code, reg_covar=0, random_state=0)
            with pytest.raises(ValueError, match=words):
                model.fit(X)
    model = search(X)
    assert model.covariance_type_[2] == "I"
    lost = [
        r
        for c, r in zip(*(model.results_[k] for k in ("covariance_type", "reason")), strict=True)
        if c[2] != "I"
    ]
    assert all("X is singular as a whole" in reason for reason in lost)


def test_a_search_of_singular_candidates_alone_says_so():
    X = with_sum(np.random.RandomState(0))
    with pytest.raises(ValueError, match=r"X is singular as a whole.*reg_covar"):
        GaussianMixtureIC(covariance_type=["VVV", "EEE"]).fit(X)


@pytest.mark.parametrize("code", ["EEI", "VVI", "VVV", "VII"])
def test_a_constant_column_is_named(code):
    X = np.c_[np.random.RandomState(0).normal(size=(50, 2)), np.full(50, 0.1 + 0.2)]
    model = GaussianMixture(2, covariance_type=code, reg_covar=0, random_state=0)
    if code == "VII":
        model.fit(X)  # A sphere has a variance all the same.
        return
    with pytest.raises(ValueError, match=r"column 2 is constant|component"):
        model.fit(X)


def test_a_shift_changes_nothing():
    """Counts: a component of rows at the origin is as much a point as one elsewhere."""
    X = counts(np.random.RandomState(3))
    one, other = search(X), search(X + 5)
    assert (one.covariance_type_, one.n_components_) == (
        other.covariance_type_,
        other.n_components_,
    )
    assert one.best_score_ == pytest.approx(other.best_score_, abs=1e-4)


@pytest.mark.parametrize("units", [1e-60, 1e-9, 1e9, 1e60])
def test_units_change_nothing(units):
    X = np.random.RandomState(0).normal(size=(15, 4))  # Without ties, which rounding breaks.
    params = dict(n_components=range(1, 5), covariance_type=["VVV", "VVI", "EEE"])
    one, other = search(X, **params), search(units * X, **params)
    assert list(one.results_["status"]) == list(other.results_["status"])
    assert one.n_components_ == other.n_components_


def test_no_component_becomes_longer_than_the_rows():
    """Under equal volumes, one that is flat would be without end in its other directions."""
    X = likert(np.random.RandomState(1))
    for code in ("EVE", "EEV", "EVV"):
        for K in range(2, 8):
            model = search(X, n_components=[K], covariance_type=[code, "EII"])
            _, longest = flattest(model, X)
            assert longest < 10


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "VVE", "VEV"])
@pytest.mark.parametrize("thin", [1e-2, 1e-5])
def test_thin_components_are_not_singular(code, thin):
    """Eigenvalues down to 1e-10 of each other."""
    rng = np.random.RandomState(0)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    noise = rng.normal(size=(300, 3)) * [1, 1, thin]
    X = noise @ axes.T + np.repeat([[0, 0, 0], [8, 0, 0], [0, 8, 8]], 100, axis=0)
    model = GaussianMixture(3, covariance_type=code, reg_covar=0, random_state=0, tol=1e-6)
    model.fit(X)
    assert model.converged_


@pytest.mark.parametrize("far", [1e4, 1e8, 1e10])
def test_a_lone_row_far_away_makes_no_other_component_singular(far):
    rng = np.random.RandomState(0)
    X = np.r_[rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 6, [[far, far]]]
    model = GaussianMixture(3, random_state=0).fit(X)
    assert sorted(np.bincount(model.predict(X))) == [1, 200, 200]


def test_the_first_combination_that_is_constant():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 5))
    assert constant_combination(np.cov(X.T)) is None
    X[:, 3] = 2 * X[:, 1] - 3 * X[:, 2] + 7
    X[:, 4] = X[:, 0]
    found = constant_combination(np.cov(X.T))
    np.testing.assert_allclose(found, [0, -2, 3, 1, 0], atol=1e-6)
    assert (
        sentence(found, list("abcde"))
        == "-2 x column 'b' +3 x column 'c' +1 x column 'd' is constant"
    )


def test_the_error_can_be_sent_to_another_process():
    import pickle

    error = pickle.loads(pickle.dumps(SingularRows([1.0, 1.0, 1.0])))
    assert "columns 0 to 2 add up" in str(error)


def test_every_model_says_something_of_singular_rows():
    X = with_sum(np.random.RandomState(0)) * [1e-3, 1, 1e3, 1]
    for name in FOURTEEN:
        model = GaussianMixture(2, covariance_type=name, reg_covar=0, random_state=0)
        if name[2] == "I":
            model.fit(X)
        else:
            with pytest.raises(ValueError, match=r"singular as a whole|component"):
                model.fit(X)
