"""A user's day: frames, routing, pickles, parallel searches, partial starts, memory."""

import pickle
import tracemalloc

import joblib
import numpy as np
import pandas
import polars
import pytest
import sklearn
from sklearn import mixture as sklearn_mixture
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.model_selection import GridSearchCV, cross_validate

from gmmem import GaussianMixture, Mixture, em
from gmmem.covariances import get_model
from gmmem.covariances.base import to_public
from gmmem.sources import InMemory
from gmmem.sources.threads import n_threads_allowed

TYPES = ["full", "tied", "diag", "spherical"]
IRIS = load_iris().data
STATE = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame])
def test_frames(frame):
    names = ["a", "b", "c", "d"]
    X = frame(dict(zip(names, IRIS.T, strict=True)))
    model = GaussianMixture(3, random_state=0).fit(X)
    plain = GaussianMixture(3, random_state=0).fit(IRIS)
    assert model.feature_names_in_.tolist() == names
    np.testing.assert_array_equal(model.predict(X), plain.predict(IRIS))
    np.testing.assert_array_equal(model.means_, plain.means_)


def test_metadata_routing():
    weight = np.random.RandomState(0).randint(1, 4, size=len(IRIS)).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        model = GaussianMixture(2, random_state=0)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        folds = [(np.arange(0, 150, 2), np.arange(1, 150, 2))]
        routed = cross_validate(model, IRIS, cv=folds, params={"sample_weight": weight})
    train, test = folds[0]
    expected = clone(model).fit(IRIS[train], sample_weight=weight[train])
    expected = expected.score(IRIS[test], sample_weight=weight[test])
    assert routed["test_score"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_pickle(covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(IRIS)
    again = pickle.loads(pickle.dumps(model))
    for name in STATE:
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    np.testing.assert_array_equal(again.score_samples(IRIS), model.score_samples(IRIS))


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib_backends(backend):
    grid = {"n_components": [1, 2, 3], "covariance_type": TYPES}
    scores = []
    for n_jobs in (1, 2):
        with joblib.parallel_config(backend, n_jobs=n_jobs):
            search = GridSearchCV(GaussianMixture(random_state=0), grid, cv=3).fit(IRIS)
        scores.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_no_more_threads_than_a_worker_has(backend):
    workers = max(2, joblib.cpu_count())
    with joblib.parallel_config(backend, n_jobs=workers):
        allowed = joblib.Parallel()(joblib.delayed(n_threads_allowed)() for _ in range(workers))
    assert allowed == [1] * workers


def test_score_with_weights_is_score_of_copies():
    model = GaussianMixture(3, random_state=0).fit(IRIS)
    weight = np.random.RandomState(0).randint(0, 4, size=len(IRIS))
    copies = IRIS.repeat(weight, axis=0)
    assert model.score(IRIS, sample_weight=weight) == pytest.approx(model.score(copies), rel=1e-13)
    with pytest.raises(ValueError, match="sample_weight must not be negative"):
        model.score(IRIS, sample_weight=-np.ones(len(IRIS)))


@pytest.mark.parametrize("covariance_type", TYPES)
def test_covariances_init_is_precisions_init_inverted(covariance_type):
    first = GaussianMixture(3, covariance_type=covariance_type, random_state=0, tol=0.1)
    first.fit(IRIS)
    params = dict(n_components=3, covariance_type=covariance_type, random_state=1)
    params |= dict(weights_init=first.weights_, means_init=first.means_)
    one = GaussianMixture(precisions_init=first.precisions_, **params).fit(IRIS)
    other = GaussianMixture(covariances_init=first.covariances_, **params).fit(IRIS)
    np.testing.assert_allclose(one.lower_bounds_, other.lower_bounds_, rtol=1e-9)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize(
    "given", [("means",), ("covariances",), ("weights",), ("means", "weights")]
)
def test_partial_starts(covariance_type, given):
    full = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(IRIS)
    start = {f"{name}_init": getattr(full, f"{name}_") for name in given}
    params = dict(n_components=3, covariance_type=covariance_type, random_state=0, **start)
    none = GaussianMixture(max_iter=0, **params).fit(IRIS)
    for name in given:
        np.testing.assert_allclose(
            getattr(none, f"{name}_"), getattr(full, f"{name}_"), rtol=1e-9, atol=1e-12
        )
    model = GaussianMixture(**params).fit(IRIS)
    assert model.lower_bound_ == pytest.approx(full.lower_bound_, abs=0.02)


def test_means_alone_take_the_rows_nearest_to_them():
    X, labels = make_blobs(300, 2, centers=[[0, 0], [30, 0], [0, 30]], random_state=0)
    order = [2, 0, 1]
    means = np.array([X[labels == k].mean(axis=0) for k in order])
    model = GaussianMixture(3, means_init=means, max_iter=0).fit(X)
    np.testing.assert_allclose(model.weights_, 1 / 3)
    for k, label in enumerate(order):
        np.testing.assert_allclose(
            model.covariances_[k], np.cov(X[labels == label].T, bias=True) + 1e-6 * np.eye(2)
        )


@pytest.mark.parametrize("covariance_type", TYPES)
def test_from_parameters_is_a_usable_model(covariance_type):
    fitted = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(IRIS)
    model = GaussianMixture.from_parameters(
        fitted.weights_,
        fitted.means_,
        fitted.covariances_,
        covariance_type=covariance_type,
        random_state=0,
    )
    np.testing.assert_allclose(model.score_samples(IRIS), fitted.score_samples(IRIS), rtol=1e-8)
    np.testing.assert_array_equal(model.predict(IRIS), fitted.predict(IRIS))
    for mine, other in zip(model.sample(20), fitted.sample(20), strict=True):
        np.testing.assert_allclose(mine, other)


def test_attributes_set_by_hand_are_the_model():
    theirs = sklearn_mixture.GaussianMixture(3, random_state=0).fit(IRIS)
    ours = GaussianMixture(3, random_state=0).fit(IRIS[::-1])
    for name in STATE:
        setattr(ours, name, getattr(theirs, name))
    np.testing.assert_allclose(ours.score_samples(IRIS), theirs.score_samples(IRIS))


def test_warm_start_after_the_shape_changed_says_so():
    model = GaussianMixture(2, random_state=0, warm_start=True).fit(IRIS)
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(IRIS[:, :2])
    with pytest.raises(ValueError, match="warm_start"):
        model.set_params(n_components=3).fit(IRIS)
    with pytest.raises(ValueError, match="warm_start"):
        model.set_params(n_components=2, covariance_type="tied").fit(IRIS)
    tied = GaussianMixture(2, covariance_type="tied", random_state=0, warm_start=True).fit(IRIS)
    with pytest.raises(ValueError, match="warm_start"):
        tied.set_params(n_components=3).fit(IRIS)
    assert model.means_.shape == (2, 4)


def test_an_instance_as_covariance_type():
    named = GaussianMixture(2, covariance_type="diag", random_state=0).fit(IRIS)
    model = GaussianMixture(2, covariance_type=get_model("diag"), random_state=0).fit(IRIS)
    np.testing.assert_array_equal(model.covariances_, named.covariances_)
    clone(model).fit(IRIS)


def test_rows_in_pieces_are_rows_at_once():
    X = make_blobs(150_001, 5, centers=4, random_state=0)[0]
    model = GaussianMixture(4, random_state=0).fit(X)
    pieces = np.array_split(X, 7)
    for name in ("predict", "predict_proba", "score_samples"):
        method = getattr(model, name)
        np.testing.assert_allclose(
            np.concatenate([method(piece) for piece in pieces]), method(X), atol=1e-9
        )


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_memory_does_not_grow_with_rows_times_components(covariance_type):
    K, X = 60, np.random.RandomState(0).normal(size=(300_000, 3))
    means = X[:K].copy()
    model = GaussianMixture(K, covariance_type=covariance_type, means_init=means, max_iter=2)
    table = X.shape[0] * K * 8
    peaks = {}
    for name in ("fit", "predict", "score_samples", "score", "bic"):
        tracemalloc.start()
        getattr(model, name)(X)
        peaks[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert max(peaks.values()) < 64 * 2**20 < table / 2, peaks


@pytest.mark.parametrize("covariance_type", TYPES)
def test_the_density_is_what_the_estimator_computes(covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(IRIS)
    stored = model.covariances_
    density = Mixture.from_arrays(model.weights_, model.means_, stored, covariance_type)
    np.testing.assert_allclose(density.log_density(IRIS), model.score_samples(IRIS), rtol=1e-9)
    np.testing.assert_allclose(density.responsibilities(IRIS), model.predict_proba(IRIS), atol=1e-9)
    public = to_public(get_model(covariance_type), density.covariances.covariances, 3)
    np.testing.assert_array_equal(public, stored)


def test_one_component_is_mean_and_maximum_likelihood_covariance():
    model = GaussianMixture(reg_covar=0).fit(IRIS)
    np.testing.assert_allclose(model.means_[0], IRIS.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(model.covariances_[0], np.cov(IRIS.T, bias=True), rtol=1e-12)


def test_engine_in_five_lines():
    rows = InMemory(IRIS)
    start = GaussianMixture(3, random_state=0, max_iter=0).fit(IRIS)
    mixture = Mixture.from_arrays(start.weights_, start.means_, start.covariances_)
    solution = em.fit(mixture, rows, reg_covar=1e-6, tol=1e-3)
    fitted = GaussianMixture(3, random_state=0).fit(IRIS)
    np.testing.assert_allclose(solution.history, fitted.lower_bounds_, rtol=1e-10)
