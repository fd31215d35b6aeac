"""Known parts and adaptation, against their definitions."""

import warnings

import numpy as np
import pytest
from sklearn import mixture as sklearn_mixture
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.covariances import FOURTEEN
from gmmem.priors import Adaptation, NormalInverseWishart, Prior

X = load_iris().data
TYPES = ["full", "tied", "diag", "spherical"]
FIRST = GaussianMixture(3, random_state=0, max_iter=300).fit(X)


def start_of(covariance_type, seed=0):
    """A start that is none of EM's fixed points."""
    rng = np.random.RandomState(seed)
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0, max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X)
    return dict(
        weights_init=np.array([0.2, 0.3, 0.5]),
        means_init=model.means_ + 0.3 * rng.normal(size=(3, 4)),
        covariances_init=model.covariances_,
    )


def fit(covariance_type, fixed, prior=None, **params):
    start = start_of(covariance_type)
    settings = dict(covariance_type=covariance_type, fixed=fixed, prior=prior, **start)
    settings |= dict(tol=1e-10, max_iter=3_000, reg_covar=0)
    return GaussianMixture(3, **(settings | params)).fit(X), start


FIXED = [
    {"means": True},
    {"means": [0, 2]},
    {"weights": True},
    {"weights": [1]},
    {"weights": [0, 1]},
    {"covariances": True},
    {"means": [1], "weights": [1]},
    ["means", "covariances"],
    {"components": True},
]


@pytest.mark.parametrize("covariance_type", [*TYPES, "VEE", "EEV"])
@pytest.mark.parametrize("fixed", FIXED, ids=str)
@pytest.mark.parametrize("prior", [None, NormalInverseWishart(2.0)], ids=["free", "prior"])
def test_what_is_held_stays_and_em_never_loses(covariance_type, fixed, prior):
    model, start = fit(covariance_type, fixed, prior)
    items = fixed.items() if isinstance(fixed, dict) else [(part, True) for part in fixed]
    for part, which in items:
        which = slice(None) if which is True else which
        for name in ("weights", "means", "covariances") if part == "components" else (part,):
            held, given = getattr(model, f"{name}_"), start[f"{name}_init"]
            np.testing.assert_allclose(held[which], given[which], rtol=1e-12, atol=1e-15)
    assert (np.diff(model.lower_bounds_) > -1e-12).all()
    assert model.weights_.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
def test_some_components_held_as_a_whole(covariance_type):
    model, start = fit(covariance_type, {"components": [2]})
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(model, f"{name}_")[2], start[f"{name}_init"][2])
        assert not np.allclose(getattr(model, f"{name}_")[0], start[f"{name}_init"][0])
    assert (np.diff(model.lower_bounds_) > -1e-12).all()


@pytest.mark.parametrize("covariance_type", TYPES)
def test_a_free_covariance_is_about_its_held_mean(covariance_type):
    """One step, by hand."""
    start = start_of(covariance_type)
    settings = dict(covariance_type=covariance_type, tol=0, max_iter=1, reg_covar=0)
    first = GaussianMixture(3, max_iter=0, covariance_type=covariance_type, **start).fit(X)
    R = first.predict_proba(X)
    with pytest.warns(UserWarning, match="did not converge"):
        model = GaussianMixture(3, fixed={"means": [0]}, **settings, **start).fit(X)
    mass = R.sum(axis=0)
    means = R.T @ X / mass[:, None]
    means[0] = start["means_init"][0]
    Z = X[:, None] - means
    scatter = np.einsum("nk,nki,nkj->kij", R, Z, Z)
    expected = {
        "full": scatter / mass[:, None, None],
        "tied": scatter.sum(axis=0) / len(X),
        "diag": scatter.diagonal(axis1=1, axis2=2) / mass[:, None],
        "spherical": scatter.trace(axis1=1, axis2=2) / mass / 4,
    }[covariance_type]
    np.testing.assert_allclose(model.means_, means, rtol=1e-9)
    np.testing.assert_allclose(model.covariances_, expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("fixed", "free"),
    [
        (None, 44),
        ({"means": [0, 2]}, 44 - 8),
        ({"weights": [1]}, 43),
        ({"weights": True}, 42),
        ({"covariances": [0]}, 34),
        ({"components": [1]}, 44 - 1 - 4 - 10),
        ("components", 0),
    ],
)
def test_what_is_held_is_no_parameter(fixed, free):
    model, _ = fit("full", fixed)
    assert model.n_parameters_ == free
    expected = -2 * model.score(X) * len(X) + free * np.log(len(X))
    assert model.bic(X) == pytest.approx(expected)
    assert model.fit_summary(X).n_parameters == free


@pytest.mark.parametrize(
    "fixed", [["weights"], ["covariances"], {"means": [0]}, {"covariances": [1], "weights": [1]}]
)
def test_what_is_held_stays_in_the_search_for_a_start(fixed):
    start = start_of("full")
    given = {f"{part}_init": start[f"{part}_init"] for part in fixed}
    settings = dict(fixed=fixed, random_state=0, max_iter=500)
    model = GaussianMixture(3, n_init="auto", **settings, **given).fit(X)
    items = fixed.items() if isinstance(fixed, dict) else [(part, slice(None)) for part in fixed]
    for part, which in items:
        held = getattr(model, f"{part}_")[which]
        np.testing.assert_allclose(held, start[f"{part}_init"][which], rtol=1e-12)


@pytest.mark.parametrize("fixed", [{}, [], {"means": []}, {"means": False}], ids=str)
def test_nothing_may_be_held(fixed):
    np.testing.assert_array_equal(
        GaussianMixture(2, fixed=fixed, random_state=0).fit(X).means_,
        GaussianMixture(2, random_state=0).fit(X).means_,
    )


@pytest.mark.parametrize(
    ("fixed", "sentence"),
    [
        ({"scales": True}, "fixed names 'scales'"),
        ({"means": [3]}, r"a list of components from 0 to 2"),
        ({"means": [-1]}, r"a list of components from 0 to 2"),
        ({"means": [0.5]}, r"a list of components from 0 to 2"),
    ],
)
def test_what_cannot_be_held_is_named(fixed, sentence):
    with pytest.raises(ValueError, match=sentence):
        GaussianMixture(3, fixed=fixed, means_init=FIRST.means_).fit(X)


@pytest.mark.parametrize("part", ["weights", "means", "covariances"])
def test_values_must_be_given(part):
    with pytest.raises(ValueError, match=f"whose values {part}_init"):
        GaussianMixture(3, fixed=[part]).fit(X)


@pytest.mark.parametrize("code", sorted(set(FOURTEEN) - {"VVV", "VVI", "VII"}))
def test_covariances_in_common_are_held_together(code):
    with pytest.raises(ValueError, match="hold all, or none"):
        fit(code, {"covariances": [0]})


def test_means_held_alone_find_the_rest():
    model = GaussianMixture(3, fixed=["means"], means_init=FIRST.means_, max_iter=500).fit(X)
    np.testing.assert_array_equal(model.means_, FIRST.means_)
    np.testing.assert_allclose(model.covariances_, FIRST.covariances_, atol=0.02)


# --- adaptation --------------------------------------------------------------------------------

FEW = X[::11] + np.array([0.3, -0.2, 0.1, 0.0])


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("relevance", [0.5, 16.0])
def test_one_step_is_relevance_adaptation(covariance_type, relevance):
    """Reynolds, Quatieri and Dunn (2000), equations 11 to 13; weights by rows added."""
    old = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(X)
    prior = Prior.from_mixture(old, relevance=relevance)
    settings = dict(covariance_type=covariance_type, prior=prior, max_iter=1, tol=0, reg_covar=0)
    with pytest.warns(UserWarning, match="did not converge"):
        model = GaussianMixture(3, **settings).fit(FEW)
    R = old.predict_proba(FEW)
    mass = R.sum(axis=0)
    a = (mass / (mass + relevance))[:, None]
    means = a * (R.T @ FEW) / mass[:, None] + (1 - a) * old.means_
    np.testing.assert_allclose(model.means_, means, rtol=1e-9)
    weights = mass + 3 * relevance * old.weights_
    np.testing.assert_allclose(model.weights_, weights / weights.sum(), rtol=1e-9)
    square = np.einsum("nk,ni,nj->kij", R, FEW, FEW) / mass[:, None, None]
    dense = np.broadcast_to(old.mixture_.covariances.dense(), (3, 4, 4))
    known = dense + np.einsum("ki,kj->kij", old.means_, old.means_)
    b = a[:, :, None]
    S = b * square + (1 - b) * known - np.einsum("ki,kj->kij", means, means)
    total = mass + relevance
    expected = {
        "full": S,
        "tied": np.tensordot(total, S, 1) / total.sum(),
        "diag": S.diagonal(axis1=1, axis2=2),
        "spherical": S.trace(axis1=1, axis2=2) / 4,
    }[covariance_type]
    np.testing.assert_allclose(model.covariances_, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("adapt", [["means"], ["weights"], ["covariances"], ["means", "weights"]])
def test_what_is_not_adapted_is_held(adapt):
    prior = Prior.from_mixture(FIRST, adapt=adapt)
    model = GaussianMixture(3, prior=prior, max_iter=500).fit(FEW)
    for name in ("weights", "means", "covariances"):
        same = np.allclose(getattr(model, f"{name}_"), getattr(FIRST, f"{name}_"), rtol=1e-9)
        assert same == (name not in adapt)
    assert (np.diff(model.lower_bounds_) > -1e-10).all()
    assert model.n_parameters_ < FIRST.n_parameters_


def test_relevance_goes_from_the_old_model_to_the_new_rows():
    far = [
        np.abs(
            GaussianMixture(3, prior=Prior.from_mixture(FIRST, relevance=r), max_iter=1_000)
            .fit(FEW)
            .means_
            - FIRST.means_
        ).max()
        for r in (1e6, 100, 1, 1e-3)
    ]
    assert far == sorted(far) and far[0] < 1e-4


@pytest.mark.parametrize(
    ("params", "prior", "sentence"),
    [
        ({"n_components": 2}, {}, "has 3 components of 4 features; n_components is 2"),
        ({"covariance_type": "diag"}, {}, "covariances of another kind"),
        ({"covariance_type": "tied"}, {}, "covariances of another kind"),
        ({}, {"relevance": 0}, "relevance=0 must be positive"),
        ({}, {"relevance": "much"}, "relevance='much' must be positive"),
        ({}, {"adapt": ["colour"]}, "adapt="),
        ({}, {"adapt": 3}, "adapt=3"),
        ({}, {"adapt": []}, "adapt="),
    ],
)
def test_a_prior_that_does_not_fit_is_named(params, prior, sentence):
    with pytest.raises(ValueError, match=sentence):
        GaussianMixture(
            **({"n_components": 3, "prior": Prior.from_mixture(FIRST, **prior)} | params)
        ).fit(X)


def test_only_a_mixture_can_be_adapted():
    with pytest.raises(ValueError, match="not list"):
        Adaptation([1, 2, 3])
    with pytest.raises(NotFittedError):
        Prior.from_mixture(GaussianMixture(3))
    with pytest.raises(ValueError, match=r"GaussianMixture\.from_parameters"):
        Prior.from_mixture(sklearn_mixture.GaussianMixture(2).fit(X))


def test_a_search_counts_no_parameter_that_is_held():
    prior = Prior.from_mixture(FIRST, adapt=["means"])
    search = GaussianMixtureIC([3], covariance_type=["VVV"], prior=prior).fit(FEW)
    free = 3 * 4
    assert search.results_["n_parameters"][0] == search.best_estimator_.n_parameters_ == free
    expected = -2 * search.results_["log_likelihood"][0] + free * np.log(len(FEW))
    assert search.best_score_ == pytest.approx(expected)
    assert search.best_estimator_.bic(FEW) == pytest.approx(expected)


@pytest.mark.parametrize("code", ["full", "tied", "VEV", "EVE"])
@pytest.mark.parametrize(
    "params",
    [
        {"weight_bounds": (0.02, None)},
        {"fixed": {"means": [0]}, "means_init": [[2.0, 3, 3, 8], [4, 3, 3, 10]]},
    ],
)
def test_what_reg_covar_keeps_regular_it_does_beside_what_is_held(code, params):
    """A sum column: as without parts that are held."""
    rows = np.random.RandomState(5).poisson(3, (40, 3)).astype(float)
    rows = np.c_[rows, rows.sum(axis=1)]
    model = GaussianMixture(2, covariance_type=code, random_state=0, **params)
    assert np.isfinite(model.fit(rows).score(rows))
    with pytest.raises(ValueError, match="column 3 is column 0 "):
        model.set_params(reg_covar=0).fit(rows)
