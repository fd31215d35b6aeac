"""Rows that are elsewhere give `BayesianGaussianMixture` what they give it in memory."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from gmmem import BayesianGaussianMixture
from gmmem.sources import Batches, Chunks, Device

TYPES = ["full", "tied", "diag", "spherical"]
ENDS = [0, 130, 130, 400, 900]  # One chunk has no rows.


def three(n=900, seed=0, dtype=np.float64):
    rng = np.random.RandomState(seed)
    centres = np.array([[0, 0, 0], [4, 4, 0], [-4, 4, 2]])
    return (centres[rng.randint(3, size=n)] + rng.normal(size=(n, 3))).astype(dtype)


X, W = three(), np.arange(900) % 3 + 0.5
PARTS = [slice(*pair) for pair in itertools.pairwise(ENDS)]


def chunks(X, w, run=map):
    return Chunks([X[p] for p in PARTS], None if w is None else [w[p] for p in PARTS], run)


def batches(X, w):
    if w is None:
        return Batches(lambda: (X[p] for p in PARTS))
    return Batches(lambda: ((X[p], w[p]) for p in PARTS), weighted=True)


def dask(X, w):
    da = pytest.importorskip("dask.array", reason="Dask is not installed.")
    sizes = tuple(b - a for a, b in itertools.pairwise(ENDS))
    return da.from_array(X, chunks=(sizes, X.shape[1]))


def device(X, w):
    pytest.importorskip("array_api_compat", reason="array-api-compat comes with gmmem[array-api].")
    return Device(X, w)


BUILDS = {"chunks": chunks, "batches": batches, "dask": dask, "device": device}


def fit(rows, sample_weight=None, **params):
    settings = dict(n_components=5, random_state=0, max_iter=500, tol=1e-6) | params
    return BayesianGaussianMixture(**settings).fit(rows, sample_weight=sample_weight)


def assert_same(ours, theirs, rtol=1e-8):
    np.testing.assert_allclose(ours.lower_bounds_, theirs.lower_bounds_, rtol=rtol)
    for name in ("weights_", "means_", "covariances_", "mean_precision_", "degrees_of_freedom_"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-7, err_msg=name)
    for name in ("mean_prior_", "covariance_prior_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-9)
    assert ours.n_components_ == theirs.n_components_


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_same_as_in_memory(build, covariance_type, weighted):
    w = W if weighted else None
    rows, params = build(X, w), dict(covariance_type=covariance_type, max_iter=12)
    ours = fit(rows, w if build is dask else None, **params)
    theirs = fit(X, w, **params)
    assert_same(ours, theirs)
    np.testing.assert_allclose(np.asarray(ours.predict_proba(rows)), theirs.predict_proba(X))
    np.testing.assert_array_equal(np.asarray(ours.predict(rows)), theirs.predict(X))


def test_both_priors_of_the_weights_and_several_starts():
    for kind in ("dirichlet_process", "dirichlet_distribution"):
        params = dict(weight_concentration_prior_type=kind, init_params="k-means++", n_init=2)
        assert_same(fit(chunks(X, W), **params), fit(X, W, **params))


def test_whoever_does_it_gives_the_same_bits():
    with ThreadPoolExecutor(3) as pool:
        ours, theirs = fit(chunks(X, W, pool.map)), fit(chunks(X, W))
    assert ours.lower_bounds_ == theirs.lower_bounds_
    np.testing.assert_array_equal(ours.covariances_, theirs.covariances_)


def test_initialisers_see_a_sample_that_stands_for_all(monkeypatch):
    monkeypatch.setattr("gmmem.estimators.rows.SEEN", 300)
    seen = []

    def initialise(rows, K, *, sample_weight=None, random_state=None):
        seen.append(len(rows))
        return (rows[:, 0] > 2).astype(int)

    model = fit(chunks(X, None), n_components=2, init_params=initialise, max_iter=0)
    assert seen == [300]
    assert model.mean_precision_.sum() == pytest.approx(len(X) + 2)
    assert fit(chunks(X, None)).n_components_ == fit(X).n_components_


def test_warm_start_and_float32():
    rows = chunks(X.astype(np.float32), None)
    # In float32 the bound of all rows is no surer than 1e-3 nats.
    assert fit(rows, tol=1e-2).means_.dtype == np.float32
    model = BayesianGaussianMixture(5, random_state=0, warm_start=True, max_iter=500)
    first = model.fit(rows).lower_bound_
    assert model.fit(rows).lower_bound_ >= first - 1e-2 and model.n_iter_ < 5


@pytest.mark.parametrize(
    ("rows", "sample_weight", "sentence"),
    [
        (partial(chunks, X, None), W, "must be given to the source itself, Chunks"),
        (partial(chunks, X[:1], None), None, r"X has 1 row"),
        (partial(chunks, X[:4], None), None, "n_samples >= n_components"),
        (partial(chunks, np.where(X == X[0], np.inf, X), None), None, "values beyond"),
        (partial(chunks, X * [np.nan, 1, 1], None), None, r"nothing but NaN in column\(s\) 0"),
    ],
)
def test_what_is_not_usable_is_a_sentence(rows, sample_weight, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(rows(), sample_weight)
