"""Missing values, as a user meets them."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils import get_tags

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC, em
from gmmem.bootstrap import bootstrap, likelihood_ratio_test
from gmmem.covariances import FOURTEEN, get_model
from gmmem.criteria import CRITERIA
from gmmem.estimators import rows as rows_module
from gmmem.estimators.advice import ChoiceWarning
from gmmem.initializers import INITIALIZERS, GivenLabels, Nearest
from gmmem.problem import Problem
from gmmem.sources import Batches, Chunks, InMemory
from tests.problems import clusters
from tests.test_incomplete import by_definition, knocked_out

X, LABELS = clusters(1, 300, 3, distance=4.0)
GAPS = knocked_out(X, 0.15)


@pytest.mark.parametrize("code", [*FOURTEEN, "full", "tied", "diag", "spherical"])
def test_every_answer_is_that_of_the_definition(code):
    init = GivenLabels(LABELS)
    model = GaussianMixture(3, covariance_type=code, init_params=init, tol=1e-7, max_iter=500)
    model.fit(GAPS)
    total, shares, _ = by_definition(model.mixture_, GAPS)
    there = ~np.isnan(GAPS).all(axis=1)
    n = np.count_nonzero(there)
    assert model.score(GAPS) == pytest.approx(total / n, rel=1e-9)
    assert model.lower_bound_ == pytest.approx(total / n, abs=1e-5)
    np.testing.assert_allclose(model.predict_proba(GAPS), shares, rtol=1e-7, atol=1e-10)
    np.testing.assert_array_equal(model.predict(GAPS), shares.argmax(axis=1))
    assert model.score_samples(GAPS).sum() == pytest.approx(total, rel=1e-9)
    own = shares[there]
    entropy = -np.sum(own * np.log(own, where=own > 0, out=np.zeros_like(own)))
    bic = -2 * total + model.n_parameters_ * np.log(n)
    assert model.bic(GAPS) == pytest.approx(bic, rel=1e-9)
    assert model.icl_entropy(GAPS) == pytest.approx(bic + 2 * entropy, rel=1e-8)
    assert all(np.isfinite(getattr(model, name)(GAPS)) for name in CRITERIA)


def test_each_row_for_itself():
    """What is said of a row does not depend on the rows beside it."""
    model = GaussianMixture(3, random_state=0).fit(GAPS)
    together = model.score_samples(GAPS)
    alone = [model.score_samples(row[None])[0] for row in GAPS]
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)
    far = np.array([[1e12, np.nan, 0.0], [np.nan, np.nan, np.nan], [1e300, np.nan, 1e300]])
    density = model.score_samples(far)
    assert density[0] < -1e20 and abs(density[1]) < 1e-15 and density[2] == -np.inf
    np.testing.assert_allclose(model.predict_proba(far)[1], model.weights_, rtol=1e-12)
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1)


@pytest.mark.parametrize("init", [*INITIALIZERS, lambda X, K, **_: Nearest(X[:K])])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_initialiser_sees_complete_rows(init, dtype):
    seen = []

    def watched(X, n_components, **others):
        seen.append(X)
        start = INITIALIZERS[init] if isinstance(init, str) else init
        return start(X, n_components, **others)

    gaps = GAPS.astype(dtype)
    model = GaussianMixture(3, init_params=watched, random_state=0, max_iter=200).fit(gaps)
    assert model.means_.dtype == dtype
    assert np.isfinite(seen[0]).all()
    there = ~np.isnan(gaps)
    np.testing.assert_array_equal(seen[0][there], gaps[there])
    assert (np.diff(model.lower_bounds_) > (-1e-9 if dtype == np.float64 else -1e-4)).all()


PARAMS = [
    {"n_init": "auto"},
    {"n_init": 3, "init_params": "k-means++"},
    {"accelerate": True, "tol": 1e-7, "max_iter": 1000},
    {"stopping": "aitken"},
    {"prior": "regularised", "covariance_type": "EVV"},
    {"means_init": np.array([X[LABELS == k].mean(axis=0) for k in range(3)])},
    {"covariance_type": "tied", "weights_init": [0.3, 0.3, 0.4]},
    {"max_iter": 0},
]


@pytest.mark.filterwarnings("ignore:reg_covar=")
@pytest.mark.parametrize("params", PARAMS)
def test_every_way_to_fit(params):
    model = GaussianMixture(3, random_state=0, **{"max_iter": 300, **params})
    weight = np.random.RandomState(0).randint(0, 3, size=len(X))
    model.fit(GAPS, sample_weight=weight)
    other = GaussianMixture(3, random_state=0, **{"max_iter": 300, **params})
    other.fit(GAPS[weight > 0], sample_weight=weight[weight > 0])
    assert model.score(GAPS) == pytest.approx(other.score(GAPS), abs=2e-3)
    complete = GaussianMixture(3, random_state=0, **{"max_iter": 300, **params}).fit(X)
    assert model.score(X) > complete.score(X) - (0.5 if params == {"max_iter": 0} else 0.15)
    again = GaussianMixture(3, random_state=0, **{"max_iter": 300, **params})
    np.testing.assert_array_equal(again.fit(GAPS, sample_weight=weight).means_, model.means_)


def test_weights_are_copies():
    weight = np.random.RandomState(0).randint(0, 4, size=len(X))
    params = dict(init_params="hierarchical", covariance_type="VEV", tol=1e-8, max_iter=500)
    weighted = GaussianMixture(3, **params).fit(GAPS, sample_weight=weight)
    copied = GaussianMixture(3, **params).fit(np.repeat(GAPS, weight, axis=0))
    assert weighted.lower_bound_ == pytest.approx(copied.lower_bound_, abs=1e-6)
    assert weighted.bic(GAPS, weight) == pytest.approx(copied.bic(np.repeat(GAPS, weight, axis=0)))


def test_warm_start_goes_on():
    model = GaussianMixture(3, random_state=0, warm_start=True, tol=0, max_iter=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = model.fit(GAPS).lower_bound_
        assert model.fit(GAPS).lower_bound_ > first


def test_chosen_as_on_complete_data():
    truth, _ = clusters(4, 300, 3, distance=6.0)
    params = dict(n_components=[2, 3, 4], covariance_type=["EII", "VVI", "VVV"])
    complete = GaussianMixtureIC(**params).fit(truth)
    gaps = knocked_out(truth, 0.1)
    found = GaussianMixtureIC(**params).fit(gaps)
    assert (found.n_components_, found.covariance_type_) == (
        complete.n_components_,
        complete.covariance_type_,
    )
    assert found.best_score_ == pytest.approx(found.bic(gaps), rel=1e-6)
    assert set(found.results_["status"]) <= {"converged", "degenerate", "stopped"}
    assert np.isfinite(found.results_["nec"][found.results_["status"] == "converged"]).any()
    parallel = GaussianMixtureIC(**params, n_jobs=2).fit(gaps)
    np.testing.assert_array_equal(parallel.results_["bic"], found.results_["bic"])
    one = GaussianMixtureIC(1, covariance_type="EEE", criterion="nec").fit(gaps)
    assert one.best_estimator_.nec(gaps) == 1
    assert found.best_estimator_.nec(gaps) == pytest.approx(
        found.results_["nec"][found.best_index_], rel=1e-3
    )


def test_sources():
    parts = np.array_split(GAPS, 4)
    given = GaussianMixture(3, init_params=GivenLabels(LABELS), tol=1e-7, max_iter=300).fit(GAPS)
    for rows in (Chunks(parts), Batches(lambda: iter(parts))):
        model = GaussianMixture(3, init_params=GivenLabels(LABELS), tol=1e-7, max_iter=300)
        assert model.fit(rows).lower_bound_ == pytest.approx(given.lower_bound_, rel=1e-8)
        np.testing.assert_allclose(model.predict_proba(rows), model.predict_proba(GAPS), atol=1e-9)
        start = dict(init_params="hierarchical", max_iter=300)
        assert GaussianMixture(3, **start).fit(rows).score(rows) == (
            pytest.approx(GaussianMixture(3, **start).fit(GAPS).score(GAPS), abs=0.01)
        )


def test_more_rows_than_are_copied(monkeypatch):
    """An initialiser then sees a sample of them, completed."""
    monkeypatch.setattr(rows_module, "MOST_COPIED", 600)
    monkeypatch.setattr(rows_module, "SEEN", 100)
    for init in ("kmeans", "hierarchical"):
        model = GaussianMixture(3, init_params=init, random_state=0, max_iter=300).fit(GAPS)
        assert model.score(GAPS) > GaussianMixture(3, random_state=0).fit(GAPS).score(GAPS) - 0.02


def test_pandas():
    pd = pytest.importorskip("pandas")
    columns = ["length", "width", "age"]
    frame = pd.DataFrame(GAPS, columns=columns).astype("Float64")
    assert frame.isna().to_numpy().any()
    model = GaussianMixture(3, random_state=0).fit(frame)
    np.testing.assert_array_equal(model.means_, GaussianMixture(3, random_state=0).fit(GAPS).means_)
    assert model.predict(frame).shape == (300,)
    whole = pd.DataFrame({"a": pd.array([1, None, 3, 4, 9], "Int64"), "b": np.arange(5.0)})
    assert np.isfinite(GaussianMixture(1).fit(whole).means_).all()
    frame["age"] = np.nan
    for estimator in (GaussianMixture(2), GaussianMixtureIC(2)):
        with pytest.raises(ValueError, match=r"nothing but NaN in column\(s\) 'age'"):
            estimator.fit(frame)
        assert not hasattr(estimator, "means_")


def test_what_nobody_observes_is_said():
    gaps, labels = clusters(0, 300, 3, distance=9.0)
    gaps[labels == 0, 2] = np.nan
    init = GivenLabels(labels)
    with pytest.warns(ChoiceWarning, match=r"0 has no row that observes column\(s\) 2: its mean"):
        model = GaussianMixture(3, init_params=init, max_iter=200).fit(gaps)
    assert np.isfinite(model.covariances_).all()
    with pytest.warns(ChoiceWarning, match="no row that observes"):
        GaussianMixtureIC(3, covariance_type="VVI", init_params=init).fit(gaps)


@pytest.mark.parametrize("covariance_type", [code for code in FOURTEEN if code[1:] != "II"])
def test_a_constant_column_with_gaps_is_named(covariance_type):
    rng = np.random.RandomState(0)
    seen = np.where(rng.uniform(size=200) < 0.1, 3.0, np.nan)
    X = np.c_[rng.normal(size=(200, 2)), seen]
    model = GaussianMixture(2, covariance_type=covariance_type, reg_covar=0, random_state=0)
    with pytest.raises(ValueError, match="column 2 is constant"):
        model.fit(X)
    assert not hasattr(model, "means_")


def test_infinity_is_an_error_still():
    for value in (np.inf, -np.inf):
        gaps = GAPS.copy()
        gaps[0, 0] = value
        model = GaussianMixture(2, random_state=0).fit(GAPS)
        for call in (model.fit, model.predict, model.score, GaussianMixtureIC(2).fit):
            with pytest.raises(ValueError, match="infinity"):
                call(gaps)
        with pytest.raises(ValueError, match="infinity"):
            model.predict(Chunks([gaps, np.full((2, 3), [value, np.nan, 0])]))


def test_who_takes_them_says_so():
    for estimator in (GaussianMixture(), GaussianMixtureIC(), BayesianGaussianMixture()):
        assert get_tags(estimator).input_tags.allow_nan
    with pytest.raises(ValueError, match="NaN"):
        likelihood_ratio_test(GAPS, 1)


def test_in_a_search_of_scikit_learn():
    # The irises come sorted by species, and folds are not to hold one out.
    places = np.random.RandomState(0).permutation(150)
    iris = knocked_out(load_iris().data[places], 0.1)
    grid = {"n_components": [1, 2]}
    search = GridSearchCV(
        GaussianMixture(random_state=0), grid, cv=KFold(3, shuffle=True, random_state=0)
    ).fit(iris)
    assert search.best_params_["n_components"] > 1


def test_a_first_batch_and_more():
    model = GaussianMixture(3, init_params=GivenLabels(LABELS[:150]), max_iter=200)
    model.partial_fit(GAPS[:150])
    before = model.score(GAPS)
    for _ in range(5):
        batch = GAPS[150:].copy()
        model.partial_fit(batch)
        batch[:, 0] = np.nan  # A batch may lack a column.
        model.partial_fit(batch)
    assert np.isfinite(model.covariances_).all()
    assert model.score(GAPS) > before - 0.1


def test_bootstrap():
    model = GaussianMixture(3, init_params=GivenLabels(LABELS), max_iter=200).fit(GAPS)
    complete = GaussianMixture(3, init_params=GivenLabels(LABELS), max_iter=200).fit(X)
    for kind in ("nonparametric", "weighted", "parametric"):
        ours = bootstrap(model, GAPS, kind=kind, n_replicates=10, random_state=0)
        theirs = bootstrap(complete, X, kind=kind, n_replicates=10, random_state=0)
        ratio = ours.standard_errors()["means"] / theirs.standard_errors()["means"]
        assert 0.7 < np.median(ratio) < 2


def test_one_component_is_the_maximum():
    model = GaussianMixture(1, tol=1e-10, max_iter=2000, reg_covar=0).fit(GAPS)
    best = em.one_component(Problem.of(InMemory(GAPS), get_model("full"))).best
    assert best.history[-1] == pytest.approx(model.lower_bound_, abs=1e-6)
