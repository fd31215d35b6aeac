"""What a user is told: of choices that are to be doubted, of weights, of parameters."""

import warnings

import numpy as np
import pandas
import pytest
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC, Mixture, em
from gmmem.covariances import VVI
from gmmem.criteria import CRITERIA, Scorer
from gmmem.estimators.advice import ChoiceWarning
from gmmem.initializers import GivenLabels, Hierarchical
from gmmem.sources import InMemory


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    return np.concatenate([rng.normal(size=(80, 2)) + centre for centre in (0, 6, 12, 18)])


def test_the_largest_number_tried_is_told(X):
    with pytest.warns(ChoiceWarning, match="3 components, the most that were tried"):
        GaussianMixtureIC([1, 2, 3], covariance_type=["EII"]).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GaussianMixtureIC(range(1, 7), covariance_type=["EII"]).fit(X)
        GaussianMixtureIC([3], covariance_type=["EII"]).fit(X)


def test_a_best_that_did_not_converge_is_told(X):
    with pytest.warns(ConvergenceWarning, match="did not converge in 2 iterations"):
        GaussianMixtureIC([5], covariance_type=["VVV"], max_iter=2).fit(X)


def test_a_best_that_won_for_lack_of_rivals_is_told():
    """Counts with many zeros: one variance for all is all that does not collapse."""
    rng = np.random.RandomState(0)
    x = rng.poisson(3, size=(200, 1)) * rng.binomial(1, 0.5, size=(200, 1)).astype(float)
    with pytest.warns(ChoiceWarning, match="every more flexible model .* was degenerate"):
        search = GaussianMixtureIC(range(2, 6)).fit(x)
    assert search.covariance_type_ == "E"


def test_one_feature_in_any_order():
    """At one feature all models see the same: the order of the grid does not matter."""
    x = np.random.RandomState(0).normal(size=(100, 1)) ** 3
    scores = []
    for order in (["spherical", "full", "diag"], ["full", "diag", "spherical"]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ChoiceWarning)
            results = GaussianMixtureIC([2, 3], covariance_type=order).fit(x).results_
        names = zip(results["covariance_type"], results["n_components"], strict=True)
        scores.append(dict(zip(names, results["bic"], strict=True)))
    assert scores[0].keys() == scores[1].keys()
    for key, value in scores[0].items():
        assert value == pytest.approx(scores[1][key], rel=1e-9)


@pytest.mark.parametrize("total", [1.0, 1e-9, 10.0])
def test_weights_that_are_shares_are_told(X, total):
    weight = np.random.RandomState(1).uniform(size=len(X))
    with (
        warnings.catch_warnings(),
        pytest.warns(UserWarning, match=r"sample_weight sums to .* over 320 rows"),
    ):
        warnings.simplefilter("ignore", ChoiceWarning)
        GaussianMixtureIC([2, 3, 4, 5], covariance_type=["EII"]).fit(
            X, sample_weight=total * weight / weight.sum()
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaled = len(X) * weight / weight.sum()
        search = GaussianMixtureIC(range(2, 7), covariance_type=["EII"]).fit(
            X, sample_weight=scaled
        )
    assert search.n_components_ == 4


@pytest.mark.parametrize("name", CRITERIA)
def test_criteria_of_weights_that_are_shares_are_told(X, name):
    """Wherever they are asked for; of rows that some weights leave out, only the others count."""
    weight = np.random.RandomState(1).uniform(size=len(X))
    model = GaussianMixture(2, random_state=0).fit(X)
    criterion = getattr(model, name)
    with pytest.warns(UserWarning, match=r"sums to 1 over 320 rows.*count n = 1,") as heard:
        criterion(X, weight / weight.sum())
    assert heard[0].filename == __file__
    with pytest.warns(UserWarning, match=r"sums to 1 over 320 rows") as heard:
        model.fit_summary(X, weight / weight.sum())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        criterion(X)
        criterion(X, weight)
        criterion(X, (weight > 0.9).astype(float))


def test_programming_errors_are_no_reasons(X):
    class Broken(VVI):
        name = "broken"

        def estimate(self, scatter, mass, n_features, previous):
            raise ValueError("a mistake of mine")

    with pytest.raises(ValueError, match="a mistake of mine"):
        GaussianMixtureIC([1, 2], covariance_type=[Broken()]).fit(X)

    def initialise(X, n_components, *, sample_weight=None, random_state=None):
        raise ValueError("another mistake")

    with pytest.raises(ValueError, match="another mistake"):
        GaussianMixtureIC([1, 2], init_params=initialise).fit(X)


@pytest.mark.parametrize(
    "params, said",
    [
        ({"n_components": True}, "n_components=True"),
        ({"n_init": True}, "n_init=True"),
        ({"max_iter": True}, "max_iter=True"),
        ({"init_params": Hierarchical}, "Hierarchical is a class"),
        ({"covariance_type": VVI}, "VVI is a class"),
        ({"covariance_type": "vvv"}, "neither a covariance model nor one of full, tied, diag"),
        ({"init_params": "kmean"}, r"nor one of kmeans, k-means\+\+"),
    ],
)
def test_parameters_are_named_in_one_order(X, params, said):
    with pytest.raises(ValueError, match=said):
        GaussianMixture(**({"n_components": 2} | params)).fit(X)


@pytest.mark.parametrize(
    "params, said",
    [
        ({"criterion": "BIC"}, "criterion='BIC' must be one of bic, aic, aicc"),
        ({"n_components": [True]}, "positive whole numbers"),
        ({"n_components": [0]}, "positive whole numbers"),
        ({"covariance_type": ["vvv"]}, "neither a covariance model nor one of full"),
    ],
)
def test_parameters_of_a_search(X, params, said):
    with pytest.raises(ValueError, match=said):
        GaussianMixtureIC(**params).fit(X)


@pytest.mark.parametrize("n_samples", [None, 0, True, 1.5, "3"])
def test_samples_are_counted(X, n_samples):
    with pytest.raises(ValueError, match="n_samples"):
        GaussianMixture(1).fit(X).sample(n_samples)


@pytest.mark.parametrize("params", [{"tol": -1}, {"tol": np.nan}, {"max_iter": 0}])
def test_em_checks_its_parameters(X, params):
    start = Mixture.from_arrays([1], [[0, 0]], [[[1, 0], [0, 1]]])
    with pytest.raises(ValueError, match=next(iter(params))):
        em.fit(start, InMemory(X), **params)


def test_a_routed_search_is_scored_by_its_weights(X):
    seen = []

    class Seen(Scorer):
        def __call__(self, estimator, X, y=None, sample_weight=None):
            seen.append(None if sample_weight is None else len(sample_weight))
            return super().__call__(estimator, X, y, sample_weight)

    weight = np.random.RandomState(0).uniform(0.5, 2, size=len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        model = GaussianMixture(random_state=0).set_fit_request(sample_weight=True)
        scorer = Seen("bic").set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"n_components": [1, 2]}, scoring=scorer, cv=4)
        search.fit(X, sample_weight=weight)
        assert seen == [80] * 8
        with pytest.raises(ValueError, match="sample_weight"):
            GridSearchCV(model, {"n_components": [1]}, scoring=Seen("bic"), cv=4).fit(
                X, sample_weight=weight
            )
    part = X[:50], weight[:50]
    fitted = GaussianMixture(2, random_state=0).fit(X)
    assert Scorer("aic")(fitted, *part[:1], sample_weight=part[1]) == -fitted.aic(*part)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEV"])
def test_a_ridge_that_is_not_negligible_is_told(X, covariance_type):
    """Units in which 1e-6 is much, and no others."""
    params = dict(covariance_type=covariance_type, random_state=0)
    for scale, told in ((1e-4, True), (1e-3, True), (1.0, False), (1e3, False)):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            GaussianMixture(4, **params).fit(X * scale)
        sentences = [str(each.message) for each in found if each.category is ChoiceWarning]
        assert len(sentences) == told
        assert all("reg_covar=1e-06 makes up" in each for each in sentences)
        assert all('"auto"' in each for each in sentences)
        assert all(each.filename == __file__ for each in found)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GaussianMixture(4, reg_covar="auto", **params).fit(X * 1e-4)
        GaussianMixture(4, reg_covar=0, **params).fit(X * 1e-4)


def test_a_share_of_a_variance_is_what_it_is_said_to_be():
    """By the moments themselves, of one component whose narrowest direction is known."""
    rng = np.random.RandomState(0)
    X = pandas.DataFrame(rng.normal(size=(500, 2)) @ np.diag([3, 0.01]), columns=["a", "b"])
    share = 5e-5 / (5e-5 + X["b"].var(ddof=0))
    with pytest.warns(ChoiceWarning, match=f"makes up {share:.0%} of .* component 0, .*'b'"):
        GaussianMixture(1, reg_covar=5e-5).fit(X)
    turned = X.to_numpy() @ np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    with pytest.warns(ChoiceWarning, match=f"{share:.0%} of .* a combination of columns"):
        GaussianMixture(1, reg_covar=5e-5).fit(turned)
    with pytest.warns(ChoiceWarning, match="makes up"):
        BayesianGaussianMixture(1, reg_covar=5e-3, max_iter=500).fit(X)
    with pytest.warns(ChoiceWarning, match="makes up"):
        GaussianMixtureIC([1], reg_covar=5e-5).fit(X)


COPIES = np.r_[np.random.RandomState(0).normal(size=(60, 2)), np.full((3, 2), 7.0)]


def test_a_point_is_told_by_its_place_and_rows():
    frame = pandas.DataFrame(COPIES, columns=["width", "height"])
    labels = np.r_[np.zeros(60, dtype=int), np.ones(3, dtype=int)]
    model = GaussianMixture(2, reg_covar=0, n_init=2, init_params=GivenLabels(labels))
    said = (
        r"component 1 .*; it lies at width = 7, height = 7\. There are rows 60, 61, 62\. "
        r"So did a component of each of 2 starts\. Increase reg_covar \(now 0; \"auto\""
    )
    with pytest.raises(ValueError, match=said):
        model.fit(frame)
    with pytest.warns(ChoiceWarning, match="makes up 100% of the least variance of component 1"):
        model.set_params(reg_covar=1e-6).fit(frame)
    # Where components may not be flat alone, there is nothing to tell.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_params(reg_covar=0, covariance_type="tied").fit(frame)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "VVE"])
def test_what_is_constant_in_a_component_is_told(covariance_type):
    rng = np.random.RandomState(0)
    flat = np.r_[rng.normal(size=(60, 3)), np.c_[rng.normal(size=(20, 2)) + 5, np.full(20, 5.0)]]
    labels = np.repeat([0, 1], [60, 20])
    model = GaussianMixture(
        2, covariance_type=covariance_type, reg_covar=0, init_params=GivenLabels(labels)
    )
    with pytest.raises(ValueError, match="within it column 2 is constant; it lies at column 0 = "):
        model.fit(flat)


def test_other_starts_go_on():
    """One start puts a component on copies, the other does not."""

    def initialise(X, n_components, *, sample_weight=None, random_state=None):
        started.append(len(started))
        return np.r_[np.zeros(60), np.ones(3)] if len(started) == 1 else np.arange(63) % 2

    started = []
    model = GaussianMixture(2, reg_covar=0, n_init=2, init_params=initialise, tol=1e3)
    model.fit(COPIES)
    assert len(started) == 2 and len(model.start_lower_bounds_) == 1


def test_a_component_that_loses_its_rows_ends_its_start():
    """Where nothing keeps it: the others go on, and when there is none, it is named."""
    X = np.random.RandomState(0).normal(size=(100, 2))
    start = dict(
        weights_init=[0.5, 0.5],
        means_init=[[0, 0], [0, 300]],
        precisions_init=np.eye(2),
        covariance_type="tied",
    )
    with pytest.raises(ValueError, match=r"component 1 .* lost all its rows; it lies at .* = 300"):
        GaussianMixture(2, reg_covar=0, **start).fit(X)
    with pytest.warns(ConvergenceWarning, match=r"\[1\] lost all rows"):
        GaussianMixture(2, **start).fit(X)
    # What weighs nothing from the start has nothing to lose.
    with pytest.warns(ConvergenceWarning, match=r"\[1\] lost all rows"):
        GaussianMixture(2, reg_covar=0, **(start | dict(weights_init=[1, 0]))).fit(X)


def test_columns_that_add_up_are_named(X):
    frame = pandas.DataFrame({"width": X[:, 0], "height": X[:, 1]})
    frame["girth"] = frame["width"] + frame["height"]
    model = GaussianMixture(2, reg_covar=0, random_state=0)
    with pytest.raises(ValueError, match=r"column 'girth' is column 'width' \+ column 'height'"):
        model.fit(frame)
    with pytest.raises(ValueError, match=r"column 'girth' is column 'width' \+ column 'height'"):
        GaussianMixtureIC([1, 2], covariance_type=["VVV", "EEE"]).fit(frame)
    with pytest.warns(ChoiceWarning, match="degenerate .* column 'girth' is column 'width'"):
        search = GaussianMixtureIC([1], covariance_type=["VVV", "EII"]).fit(frame)
    reasons = search.results_["reason"][search.results_["covariance_type"] == "VVV"]
    assert all("column 'girth' is column 'width' + column 'height'" in reason for reason in reasons)
    fitted = GaussianMixture(2, reg_covar=0, random_state=0).fit(frame.assign(girth=X[:, 1] ** 2))
    with pytest.raises(ValueError, match=r"cannot be fitted .* column 'girth' is column 'width'"):
        fitted.nec(frame)
