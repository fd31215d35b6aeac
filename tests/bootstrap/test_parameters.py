"""Standard errors and intervals: theory, weights, components that are told apart, kinds."""

import numpy as np
import pytest
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gmmem import GaussianMixture, GaussianMixtureIC, Mixture
from gmmem.bootstrap import bootstrap
from gmmem.bootstrap.parameters import KINDS, matched
from gmmem.bootstrap.replicates import MOST_DRAWS, redrawn
from gmmem.covariances import DegenerateCovariance
from gmmem.priors import NormalInverseWishart
from tests.test_golden import read


@pytest.mark.parametrize("kind", KINDS)
def test_standard_errors_of_one_component(kind):
    X = read("iris")
    model = GaussianMixture(reg_covar=0).fit(X)
    replicates = bootstrap(model, X, kind=kind, n_replicates=400, random_state=0)
    errors = replicates.standard_errors()
    theory = np.sqrt(np.diag(model.covariances_[0]) / len(X))
    np.testing.assert_allclose(errors["means"][0], theory, rtol=0.15)
    variance = np.sqrt(2 / len(X)) * np.diag(model.covariances_[0])
    if kind == "parametric":
        np.testing.assert_allclose(np.diag(errors["covariances"][0]), variance, rtol=0.15)
    np.testing.assert_allclose(errors["weights"], 0, atol=1e-12)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "EEV"])
def test_intervals_hold_the_estimate_and_components_are_aligned(covariance_type):
    X = read("faithful")
    model = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    replicates = bootstrap(model, X, n_replicates=200, random_state=0, n_jobs=2)
    assert replicates.means.shape == (200, 2, 2)
    assert replicates.covariances.shape == (200, 2, 2, 2)
    low, high = replicates.intervals(0.99)["means"]
    assert ((low < model.means_) & (model.means_ < high)).all()
    assert (high - low < np.ptp(model.means_, axis=0) / 4).all()
    again = bootstrap(model, X, n_replicates=200, random_state=0)
    np.testing.assert_array_equal(again.weights, replicates.weights)


def one_inside_the_other(seed=0, n=500):
    """N(0, 1) beside N(0, 9), and their mixture fitted."""
    rng = np.random.RandomState(seed)
    X = np.r_[rng.normal(size=(n, 1)), 3 * rng.normal(size=(n, 1))]
    model = GaussianMixture(
        2,
        weights_init=[0.5, 0.5],
        means_init=[[0.0], [0.0]],
        covariances_init=[[[1.0]], [[9.0]]],
        tol=1e-8,
        max_iter=5000,
        reg_covar=0,
    )
    return X, model.fit(X)


def errors_by_theory(X, model):
    """Of the weight of the first, two means and two variances: from the scores' squares."""

    def density(theta):
        w, m, n, v, u = theta
        return Mixture.from_arrays([w, 1 - w], [[m], [n]], [[[v]], [[u]]]).log_density(X)

    theta = np.r_[model.weights_[0], model.means_.ravel(), model.covariances_.ravel()]
    scores = [(density(theta + e) - density(theta - e)) / 2e-5 for e in 1e-5 * np.eye(5)]
    return np.sqrt(np.diag(np.linalg.inv(np.array(scores) @ np.transpose(scores))))


@pytest.mark.parametrize("kind", KINDS)
def test_components_of_one_mean_are_told_apart(kind):
    X, model = one_inside_the_other()
    errors = bootstrap(model, X, kind=kind, n_replicates=200, random_state=0).standard_errors()
    theory = errors_by_theory(X, model)
    np.testing.assert_allclose(errors["covariances"].ravel(), theory[3:], rtol=0.35)
    np.testing.assert_allclose(errors["means"].ravel(), theory[1:3], rtol=0.35)
    np.testing.assert_allclose(errors["weights"], theory[0], rtol=0.35)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEV"])
def test_components_in_another_order_are_found(covariance_type):
    rng = np.random.RandomState(0)
    for seed in range(10):
        X = rng.normal(size=(200, 3)) * rng.uniform(0.2, 3, size=(4, 1)).repeat(50, axis=0)
        X += np.repeat(rng.normal(size=(4, 3)), 50, axis=0)
        model = GaussianMixture(4, covariance_type=covariance_type, random_state=seed).fit(X)
        order = rng.permutation(4)
        covariances = model.covariances_
        if covariance_type != "tied":
            covariances = covariances[order]
        other = Mixture.from_arrays(
            model.weights_[order], model.means_[order] + 1e-3, covariances, covariance_type
        )
        np.testing.assert_array_equal(order[matched(model.mixture_, other)], np.arange(4))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_copies(kind):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 1)) + 8 * (np.arange(200)[:, None] >= 100)
    weight = np.where(np.arange(200) < 100, 9, 1)
    model = GaussianMixture(2, random_state=0).fit(X, sample_weight=weight)
    order = model.means_[:, 0].argsort()
    weighted = bootstrap(
        model, X, kind=kind, sample_weight=weight, n_replicates=200, random_state=0
    )
    copies = bootstrap(model, X.repeat(weight, axis=0), kind=kind, n_replicates=200, random_state=1)
    np.testing.assert_allclose(weighted.weights.mean(axis=0)[order], [0.9, 0.1], atol=0.01)
    for name, errors in weighted.standard_errors().items():
        np.testing.assert_allclose(errors, copies.standard_errors()[name], rtol=0.25)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_no_weight_is_not_there(kind):
    X, weight = read("iris"), np.r_[np.ones(100), np.zeros(50)]
    model = GaussianMixture(2, random_state=0).fit(X, sample_weight=weight)
    settings = dict(kind=kind, n_replicates=5, random_state=0)
    with_it = bootstrap(model, X, sample_weight=weight, **settings)
    without = bootstrap(model, X[:100], sample_weight=weight[:100], **settings)
    np.testing.assert_array_equal(with_it.means, without.means)


@pytest.mark.parametrize(
    ("weight", "kind", "message"),
    [
        (np.full(150, 1 / 150), "nonparametric", "sample_weight sums to 1 for 150 rows"),
        (np.full(150, 1e8), "parametric", "sums to 1.5e\\+10, too many rows"),
        (-np.ones(150), "weighted", "[Nn]egative"),
        (np.ones(3), "weighted", "sample_weight"),
    ],
)
def test_weights_that_do_not_do(weight, kind, message):
    X = read("iris")
    model = GaussianMixture(2, random_state=0).fit(X)
    with pytest.raises(ValueError, match=message):
        bootstrap(model, X, kind=kind, sample_weight=weight, n_replicates=2)


def test_large_weights():
    X = read("iris")
    model = GaussianMixture(2, random_state=0).fit(X)
    for kind in ("nonparametric", "weighted"):
        found = bootstrap(model, X, kind=kind, sample_weight=np.full(150, 1e18), n_replicates=3)
        assert (found.standard_errors()["means"] < 1e-3).all()


def test_columns_are_those_of_the_fit():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(read("faithful"), columns=["eruptions", "waiting"])
    model = GaussianMixture(2, random_state=0).fit(frame)
    bootstrap(model, frame, n_replicates=2)
    with pytest.raises(ValueError, match="feature names"):
        bootstrap(model, frame[["waiting", "eruptions"]], n_replicates=2)
    model = GaussianMixture(2, random_state=0).fit(read("faithful"))
    with pytest.raises(ValueError, match="1 features, but GaussianMixture is expecting 2"):
        bootstrap(model, read("faithful")[:, :1], n_replicates=2)


def test_a_search_and_a_pipeline():
    X = read("faithful")
    search = GaussianMixtureIC(range(1, 5), covariance_type=["EEE", "VVV"]).fit(X)
    found = bootstrap(search, X, n_replicates=3, random_state=0)
    assert found.means.shape == (3, search.n_components_, 2)
    scaled = StandardScaler().fit_transform(X)
    model = GaussianMixture(2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model).fit(X)
    one = bootstrap(pipeline, X, n_replicates=3, random_state=0)
    other = bootstrap(model, scaled, n_replicates=3, random_state=0)
    np.testing.assert_array_equal(one.covariances, other.covariances)
    alone = make_pipeline(GaussianMixture(2, random_state=0)).fit(X)
    assert bootstrap(alone, X, n_replicates=2).means.shape == (2, 2, 2)


def test_other_estimators_are_told_so():
    X = read("faithful")
    theirs = sklearn_mixture.GaussianMixture(2).fit(X)
    for wrong in (theirs, make_pipeline(StandardScaler(), theirs).fit(X), StandardScaler().fit(X)):
        with pytest.raises(TypeError, match="takes a fitted GaussianMixture or GaussianMixtureIC"):
            bootstrap(wrong, X)
    for unfitted in (GaussianMixture(), make_pipeline(StandardScaler(), GaussianMixture())):
        with pytest.raises(NotFittedError):
            bootstrap(unfitted, X)


def nearly_singular():
    X = np.random.RandomState(0).normal(size=(60, 50))
    return GaussianMixture(covariance_type="EEE", reg_covar=0).fit(X), X


def one_row():
    model = GaussianMixture.from_parameters([1.0], [[0.0]], [[[1.0]]], reg_covar=0)
    return model, np.ones((2, 1))


@pytest.mark.parametrize("problem", [nearly_singular, one_row])
def test_what_cannot_be_refitted_is_an_error(problem):
    with pytest.raises(ValueError, match=f"None of {MOST_DRAWS} replicates drawn in a row"):
        bootstrap(*problem(), n_replicates=3, random_state=0)


def test_what_is_redrawn():
    draws = iter(range(MOST_DRAWS))

    def draw():
        if (number := next(draws)) < MOST_DRAWS - 1:
            raise DegenerateCovariance(0, "is flat")
        return number

    assert redrawn(draw, "") == MOST_DRAWS - 1
    with pytest.raises(ZeroDivisionError):  # Not a matter of the draw.
        redrawn(lambda: 1 / 0, "")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kind": "jackknife"}, "kind='jackknife'"),
        ({"n_replicates": 1.5}, "n_replicates=1.5 must be an integer of at least 1"),
        ({"n_replicates": 2.0}, "n_replicates=2.0 must be an integer of at least 1"),
        ({"n_replicates": True}, "n_replicates=True must be an integer of at least 1"),
        ({"tol": "x"}, "tol='x' must be"),
        ({"max_iter": 2.5}, "max_iter=2.5 must be"),
        ({"max_iter": True}, "max_iter=True must be"),
    ],
)
def test_bad_parameters(params, message):
    X = read("iris")
    model = GaussianMixture().fit(X)
    with pytest.raises(ValueError, match=message):
        bootstrap(model, X, **params)
    with pytest.raises(ValueError, match="confidence"):
        bootstrap(model, X, n_replicates=2).intervals(95)


def two_groups():
    rng = np.random.RandomState(5)
    return np.r_[rng.normal(size=(60, 2)), rng.normal(size=(40, 2)) * [0.5, 2] + [5, 1]]


@pytest.mark.parametrize("kind", KINDS)
def test_refits_hold_what_the_fit_held(kind):
    X, params = two_groups(), dict(means_init=[[0.0, 0.0], [5.0, 1.0]], fixed={"means": [0]})
    for order in (None, "mean", "weight"):
        model = GaussianMixture(2, component_order=order, random_state=0, **params).fit(X)
        replicates = bootstrap(model, X, kind=kind, n_replicates=20, random_state=0)
        held = int(np.argmin(np.abs(model.means_).sum(axis=1)))
        np.testing.assert_array_equal(replicates.means[:, held], 0)
        assert (replicates.standard_errors()["means"][1 - held] > 0).all()
    bounded = GaussianMixture(2, weight_bounds=(0.45, None), random_state=0).fit(X)
    replicates = bootstrap(bounded, X, kind=kind, n_replicates=20, random_state=0)
    assert replicates.weights.min() >= 0.45 - 1e-12


@pytest.mark.parametrize(
    "model",
    [
        GaussianMixture(2, prior=NormalInverseWishart(degrees_of_freedom=400), random_state=0),
        GaussianMixtureIC(2, prior=NormalInverseWishart(degrees_of_freedom=400)),
    ],
)
def test_refits_believe_what_the_fit_believed(model):
    """By a prior worth many more rows than there are, covariances are about those of the fit."""
    X = two_groups()
    covariances = bootstrap(model.fit(X), X, n_replicates=30, random_state=0).covariances
    variances = np.diagonal(model.mixture_.covariances.dense(), axis1=1, axis2=2)
    means = np.diagonal(covariances.mean(axis=0), axis1=1, axis2=2)
    np.testing.assert_allclose(means, np.broadcast_to(variances, means.shape), rtol=0.1)
