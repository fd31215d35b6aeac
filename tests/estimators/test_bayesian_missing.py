"""Missing values in `BayesianGaussianMixture`, as a user meets them."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureRegressor
from gmmem.criteria import CRITERIA
from gmmem.estimators import rows as rows_module
from gmmem.estimators.advice import ChoiceWarning
from gmmem.estimators.beliefs import as_posterior
from gmmem.initializers import INITIALIZERS, GivenLabels, Nearest
from gmmem.sources import Batches, Chunks
from tests import beliefs
from tests.problems import clusters
from tests.test_incomplete import knocked_out

TYPES = ["full", "tied", "diag", "spherical"]
PRIORS = ["dirichlet_process", "dirichlet_distribution"]
X, LABELS = clusters(1, 150, 3, distance=4.0)
GAPS = knocked_out(X, 0.15)
CENTRES = np.array([[0.0, 0, 0], [9, 0, 9], [0, 9, 9]])
KINDS = np.arange(300) % 3
BALLS = CENTRES[KINDS] + np.random.RandomState(0).normal(size=(300, 3))
EMPTY = np.isnan(GAPS).all(axis=1)


def fitted(rows=GAPS, weight=None, K=5, **params):
    settings = dict(random_state=0, max_iter=1_000) | params
    return BayesianGaussianMixture(K, **settings).fit(rows, sample_weight=weight)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("kind", PRIORS)
def test_every_answer_is_that_of_the_definition(covariance_type, kind):
    gaps = GAPS[:80]
    model = fitted(gaps, K=4, covariance_type=covariance_type, weight_concentration_prior_type=kind)
    belief = beliefs.read(as_posterior(model), kind == "dirichlet_process")
    rows = [beliefs.of_row(belief, x) for x in GAPS if not np.isnan(x).all()]
    log_sums, shares = np.zeros(len(GAPS)), np.tile(belief.weights, (len(GAPS), 1))
    log_sums[~EMPTY] = [row.log_sum for row in rows]
    shares[~EMPTY] = [row.shares for row in rows]
    np.testing.assert_allclose(model.score_samples(GAPS), log_sums, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(GAPS), shares, rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(model.predict(GAPS), shares.argmax(axis=1))
    assert model.score(GAPS) == pytest.approx(log_sums.sum() / np.sum(~EMPTY), rel=1e-9)
    assert all(np.isfinite(getattr(model, name)(GAPS)) for name in CRITERIA)
    np.testing.assert_allclose(model.weights_, belief.weights, rtol=1e-9)
    assert not np.isnan(model.sample(20)[0]).any()


def test_each_row_for_itself():
    model = fitted()
    alone = [model.score_samples(row[None])[0] for row in GAPS[:60]]
    np.testing.assert_allclose(model.score_samples(GAPS)[:60], alone, rtol=1e-12, atol=1e-12)
    far = np.array([[1e12, np.nan, 0.0], [np.nan] * 3, [1e300, np.nan, 1e300]])
    density, proba = model.score_samples(far), model.predict_proba(far)
    assert density[0] < -1e20 and abs(density[1]) < 1e-15 and density[2] == -np.inf
    np.testing.assert_allclose(proba[1], model.weights_, rtol=1e-12)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("kind", PRIORS)
def test_the_bound_never_falls(covariance_type, kind):
    """Whatever is missing, however the prior, and with a pattern for nearly every row."""
    for seed in range(4):
        rng = np.random.RandomState(seed)
        d, n = rng.randint(1, 6), rng.randint(30, 120)
        rows = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 4 * rng.randint(3, size=(n, 1))
        model = BayesianGaussianMixture(
            rng.randint(1, 6),
            covariance_type=covariance_type,
            weight_concentration_prior_type=kind,
            weight_concentration_prior=rng.choice([0.01, 1, 10]),
            mean_precision_prior=rng.choice([0.01, 1, 10]),
            init_params="random",
            random_state=seed,
            reg_covar=0,
            tol=0,
            max_iter=40,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(knocked_out(rows, rng.choice([0.05, 0.3, 0.6])))
        bounds = np.array(model.lower_bounds_)
        assert (np.diff(bounds) > -1e-10 * np.maximum(1, np.abs(bounds[1:]))).all()
        assert bounds[-1] > bounds[0]


@pytest.mark.parametrize("init", [*INITIALIZERS, lambda X, K, **_: Nearest(X[:K])])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_initialiser_sees_complete_rows(init, dtype):
    seen = []

    def watched(X, n_components, **others):
        seen.append(X)
        start = INITIALIZERS[init] if isinstance(init, str) else init
        return start(X, n_components, **others)

    gaps = GAPS.astype(dtype)
    model = fitted(gaps, init_params=watched)
    assert model.means_.dtype == model.predict_proba(gaps).dtype == dtype
    there = ~np.isnan(gaps)
    assert np.isfinite(seen[0]).all()
    np.testing.assert_array_equal(seen[0][there], gaps[there])
    assert model.converged_


@pytest.mark.parametrize("covariance_type", TYPES)
def test_float32(covariance_type):
    single = fitted(GAPS.astype(np.float32), covariance_type=covariance_type)
    double = fitted(covariance_type=covariance_type)
    np.testing.assert_allclose(single.means_, double.means_, atol=2e-2)
    assert np.mean(single.predict(GAPS.astype(np.float32)) == double.predict(GAPS)) > 0.99


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("kind", PRIORS)
def test_a_weight_stands_for_copies(covariance_type, kind):
    weight = np.random.RandomState(0).randint(0, 4, size=len(X))
    params = dict(covariance_type=covariance_type, weight_concentration_prior_type=kind)
    params |= dict(init_params="hierarchical", mean_prior=[0.0] * 3)
    weighted = fitted(weight=weight, **params)
    copied = fitted(np.repeat(GAPS, weight, axis=0), **params)
    assert weighted.lower_bound_ == pytest.approx(copied.lower_bound_, abs=1e-5)
    np.testing.assert_allclose(weighted.means_, copied.means_, atol=1e-4)
    np.testing.assert_allclose(weighted.covariance_prior_, copied.covariance_prior_, rtol=1e-6)
    assert weighted.n_components_ == copied.n_components_


def test_rows_without_a_value_change_nothing():
    more = np.vstack([GAPS[~EMPTY], np.full((50, 3), np.nan)])
    init = GivenLabels(np.append(LABELS[~EMPTY], np.zeros(50, dtype=int)))
    ours = fitted(more, K=3, init_params=init)
    theirs = fitted(GAPS[~EMPTY], K=3, init_params=GivenLabels(LABELS[~EMPTY]))
    np.testing.assert_allclose(ours.lower_bounds_, theirs.lower_bounds_, rtol=1e-12)
    np.testing.assert_allclose(ours.means_, theirs.means_, rtol=1e-9, atol=1e-12)


def test_default_priors_are_those_of_one_gaussian():
    """Which are the mean and covariance of what is there, where features are independent."""
    rng = np.random.RandomState(0)
    rows = knocked_out(rng.normal(size=(20_000, 2)) * [1, 10] + [5, 0], 0.3)
    model = fitted(rows, K=1)
    np.testing.assert_allclose(model.mean_prior_, np.nanmean(rows, axis=0), atol=5e-2)
    expected = np.diag(np.nanvar(rows, axis=0))
    np.testing.assert_allclose(model.covariance_prior_, expected, rtol=1e-2, atol=0.2)
    half = GAPS.copy()
    half[:, 2] = X[:, 2]
    assert fitted(half, K=1).mean_prior_[2] == pytest.approx(X[:, 2].mean(), rel=1e-6)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_sources(covariance_type):
    gaps = knocked_out(BALLS, 0.2)
    parts = np.array_split(gaps, 4)
    params = dict(K=3, covariance_type=covariance_type, init_params=GivenLabels(KINDS), tol=1e-4)
    given = fitted(gaps, **params)
    sources = [Chunks(parts), Batches(lambda: iter(parts))]
    dask = pytest.importorskip("dask.array", reason="Dask is not installed.")
    sources.append(dask.from_array(gaps, chunks=(100, 3)))
    for rows in sources:
        # What a start sees in the gaps is drawn otherwise; where it leads is the same.
        model = fitted(rows, **params)
        assert model.lower_bound_ == pytest.approx(given.lower_bound_, abs=0.01)
        np.testing.assert_allclose(model.means_, given.means_, atol=0.01)
        proba = given.predict_proba(gaps)
        np.testing.assert_allclose(np.asarray(model.predict_proba(rows)), proba, atol=0.01)
        np.testing.assert_allclose(np.asarray(given.predict_proba(rows)), proba, atol=1e-12)
        assert model.score(rows) == pytest.approx(model.score(gaps), rel=1e-9)


def test_more_rows_than_are_copied(monkeypatch):
    monkeypatch.setattr(rows_module, "MOST_COPIED", 300)
    monkeypatch.setattr(rows_module, "SEEN", 60)
    for init in ("kmeans", "hierarchical"):
        assert fitted(init_params=init).n_components_ == fitted().n_components_ == 3


@pytest.mark.parametrize("covariance_type", TYPES)
def test_clusters_are_found_as_on_complete_data(covariance_type):
    # scikit-learn's "tied" lets components without need go too slowly for a test.
    params = dict(K=3 if covariance_type == "tied" else 6, covariance_type=covariance_type)
    params |= dict(weight_concentration_prior=1e-3)
    complete, model = fitted(BALLS, **params), fitted(knocked_out(BALLS, 0.3), **params)
    assert np.sum(model.weights_ > 0.1) == np.sum(complete.weights_ > 0.1) == 3
    mine, theirs = (each.predict(CENTRES) for each in (model, complete))
    assert len(set(mine)) == 3
    np.testing.assert_allclose(model.weights_[mine], complete.weights_[theirs], atol=0.04)
    np.testing.assert_allclose(model.means_[mine], complete.means_[theirs], atol=0.3)
    # Gaps that are filled with means would make the clusters wider.
    wide, wanted = (each.mixture_.covariances.variances.mean() for each in (model, complete))
    assert wide == pytest.approx(wanted, rel=0.3)


def test_warm_start_pickles_and_several_starts():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = BayesianGaussianMixture(4, random_state=0, warm_start=True, tol=0, max_iter=5)
        first = model.fit(GAPS).lower_bound_
        assert model.fit(GAPS).lower_bound_ > first
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(GAPS), model.predict_proba(GAPS))
    several = fitted(n_init=2, init_params="k-means++")
    assert several.lower_bound_ == max(each[-1] for each in several.start_lower_bounds_)
    labels = BayesianGaussianMixture(5, random_state=0, max_iter=1_000).fit_predict(GAPS)
    np.testing.assert_array_equal(fitted().predict(GAPS), labels)


def test_pandas():
    frame = pd.DataFrame(GAPS, columns=["length", "width", "age"]).astype("Float64")
    model = fitted(frame)
    np.testing.assert_array_equal(model.means_, fitted().means_)
    assert model.predict(frame).shape == (150,)
    frame["age"] = np.nan
    other = BayesianGaussianMixture(2)
    with pytest.raises(ValueError, match=r"nothing but NaN in column\(s\) 'age'"):
        other.fit(frame)
    assert not hasattr(other, "means_")
    with pytest.raises(ValueError, match="nothing but NaN"):
        other.fit(np.full((5, 2), np.nan))
    with pytest.raises(ValueError, match="but for those without a value, must weigh more than one"):
        other.set_params(n_components=1).fit([[1.0, 2.0], [np.nan, np.nan]])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_nobody_observes_is_said():
    gaps, labels = clusters(0, 300, 3, distance=9.0)
    gaps[labels == 0, 2] = np.nan
    with pytest.warns(ChoiceWarning, match=r"0 has no row that observes column\(s\) 2: what is"):
        model = fitted(gaps, K=3, init_params=GivenLabels(labels), max_iter=50)
    assert np.isfinite(model.covariances_).all()
    # A component that no row belongs to is nobody's concern.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(K=8)


def test_a_constant_column_with_gaps_is_named():
    frame = pd.DataFrame(GAPS, columns=["length", "width", "age"])
    frame["width"] = np.where(np.isnan(GAPS[:, 1]), np.nan, 3.0)
    model = BayesianGaussianMixture(2, reg_covar=0, random_state=0, max_iter=500)
    with pytest.raises(ValueError, match=r"'width' is constant.*covariance_prior that is not"):
        model.fit(frame)
    assert not hasattr(model, "means_")
    model.set_params(covariance_prior=np.eye(3)).fit(frame)
    fitted(frame, reg_covar=1e-3)


def test_infinity_is_an_error_still():
    model = fitted()
    for value in (np.inf, -np.inf):
        gaps = GAPS.copy()
        gaps[0, 0] = value
        for call in (BayesianGaussianMixture(2).fit, model.predict, model.score):
            with pytest.raises(ValueError, match="infinity"):
                call(gaps)
        with pytest.raises(ValueError, match="infinity"):
            model.predict(Chunks([gaps, np.full((2, 3), [value, np.nan, 0])]))


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_many_features_and_few_rows(covariance_type):
    """More features than a start looks at together, and hardly two rows that lack the same."""
    rng = np.random.RandomState(0)
    rows = knocked_out(rng.normal(size=(80, 66)) + 5 * rng.randint(2, size=(80, 1)), 0.1)
    model = fitted(rows, K=3, covariance_type=covariance_type, max_iter=4)
    assert (np.diff(model.lower_bounds_) > -1e-8).all() and np.isfinite(model.score(rows))


def test_in_a_regressor():
    inner = BayesianGaussianMixture(3, random_state=0, max_iter=500)
    model = GaussianMixtureRegressor(estimator=inner).fit(GAPS[:, :2], X[:, 2])
    complete = GaussianMixtureRegressor(estimator=inner).fit(X[:, :2], X[:, 2])
    assert model.score(X[:, :2], X[:, 2]) > complete.score(X[:, :2], X[:, 2]) - 0.1
    assert np.isfinite(model.predict(GAPS[:, :2])).all()


def test_a_score_is_an_expected_log_density():
    """As beliefs grow certain, it is the log-density of what is observed."""
    truth, _ = clusters(2, 20_000, 2, distance=8.0)
    gaps = knocked_out(truth, 0.2)
    bayes = fitted(gaps, K=2)
    plain = GaussianMixture(2, random_state=0, tol=1e-6, max_iter=500).fit(gaps)
    assert bayes.score(gaps) == pytest.approx(plain.score(gaps), abs=5e-3)
