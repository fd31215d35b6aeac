"""Dask collections: fitted and predicted where they are, to the same result as in memory."""

import subprocess
import sys

import numpy as np
import pytest

from gmmem import GaussianMixture, GaussianMixtureIC, em
from gmmem.covariances import FOURTEEN
from gmmem.initializers import GivenLabels, KMeans
from gmmem.sources import Chunks, Dask
from gmmem.testing import check_source

da = pytest.importorskip("dask.array", reason="Dask is not installed.")
dask = pytest.importorskip("dask")

PREDICTIONS = ("predict", "predict_proba", "score_samples")


def three(n=1500, d=3, seed=0, dtype=np.float64):
    """Three overlapping clusters of different shape, far from the origin."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(3, size=n)
    axes = rng.normal(size=(3, d, d))
    X = 4 * rng.normal(size=(3, d))[labels] + 30
    return (X + np.einsum("nij,nj->ni", axes[labels], rng.normal(size=(n, d)))).astype(dtype)


def uneven(X):
    """In chunks of uneven length, some of them empty, and cut across the features."""
    n = len(X)
    lengths = (n // 5, 0, n // 3, 1, n - n // 5 - n // 3 - 1, 0)
    features = (1, X.shape[1] - 1) if X.ndim == 2 and X.shape[1] > 1 else X.shape[1:]
    return da.from_array(X, chunks=(lengths, *([features] if X.ndim == 2 else [])))


def unknown(X):
    """The same with lengths that nobody knows."""
    lazy = uneven(X)
    return lazy[lazy[:, 0] > -np.inf] if X.ndim == 2 else lazy[lazy > -np.inf]


@pytest.fixture(autouse=True)
def one_scheduler():
    with dask.config.set(scheduler="threads", num_workers=2):
        yield


@pytest.mark.parametrize("shape", [uneven, unknown])
def test_conformance(shape):
    check_source(lambda X, w: Dask(shape(X), None if w is None else shape(w)))


def test_conformance_with_weights_in_memory():
    check_source(lambda X, w: Dask(unknown(X), w))


def same(ours, theirs, rtol=1e-12):
    assert ours.n_iter_ == theirs.n_iter_
    for name in ("weights_", "means_", "covariances_", "lower_bounds_"):
        expected = getattr(theirs, name)
        np.testing.assert_allclose(
            getattr(ours, name), expected, rtol=rtol, atol=rtol * np.abs(expected).max()
        )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [*FOURTEEN, "full", "tied", "diag", "spherical"])
def test_every_covariance_model(name, weighted):
    X = three()
    w = np.random.RandomState(1).poisson(1.5, size=len(X)).astype(float) if weighted else None
    settings = dict(covariance_type=name, random_state=0, max_iter=30, tol=1e-5)
    theirs = GaussianMixture(3, **settings).fit(X, sample_weight=w)
    ours = GaussianMixture(3, **settings)
    ours.fit(uneven(X), sample_weight=None if w is None else uneven(w))
    same(ours, theirs, rtol=1e-9)
    assert np.isclose(ours.lower_bound_, theirs.lower_bound_, rtol=1e-12)


@pytest.mark.parametrize(
    "init", ["kmeans", "k-means++", "random", "random_from_data", "hierarchical"]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_initialiser(init, weighted):
    X = three(300)
    w = np.random.RandomState(1).poisson(1.5, size=len(X)).astype(float) if weighted else None
    settings = dict(init_params=init, random_state=0, max_iter=5, tol=0, n_init=2)
    with pytest.warns(match="did not converge"):
        theirs = GaussianMixture(3, **settings).fit(X, sample_weight=w)
    with pytest.warns(match="did not converge"):
        ours = GaussianMixture(3, **settings).fit(unknown(X), sample_weight=w)
    # "random" draws for every row, and rows without weight are not in a sample.
    if not (init == "random" and weighted):
        same(ours, theirs, rtol=1e-8)


def test_the_same_chunks_by_whoever_give_the_same_bits():
    X = three(4000)
    parts = np.array_split(X, 11)
    lengths = tuple(map(len, parts))
    start = em.initial_mixture(Chunks(parts), lambda b, _: (b.X[:, 0] > 30).astype(int), 2, "VVV")
    found = []
    for number in (1, 2, 3):
        with dask.config.set(num_workers=number):
            found.append(em.fit(start, Dask(da.from_array(X, (lengths, 3))), "VVV", tol=0))
    found.append(em.fit(start, Chunks(parts), "VVV", tol=0))
    for each in found[1:]:
        assert each.history == found[0].history
        np.testing.assert_array_equal(each.mixture.means, found[0].mixture.means)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [uneven, unknown])
def test_predictions_are_lazy_collections_of_the_same_chunks(dtype, shape):
    X = three(dtype=dtype)
    lazy, model = shape(X), GaussianMixture(3, random_state=0).fit(X)
    with dask.config.set(scheduler=lambda *args, **kwargs: pytest.fail("it was computed")):
        answers = {name: getattr(model, name)(lazy) for name in PREDICTIONS}
    for name, answer in answers.items():
        expected = getattr(model, name)(X)
        assert isinstance(answer, da.Array)
        assert str(answer.chunks[0]) == str(lazy.chunks[0])
        assert answer.dtype == expected.dtype
        np.testing.assert_allclose(
            answer.compute(), expected, rtol=1e-5 if dtype == np.float32 else 1e-9
        )
    assert np.isclose(model.score(lazy), model.score(X), rtol=1e-6)
    w = np.linspace(0, 2, len(X))
    lazy_w = shape(w)
    assert np.isclose(model.score(lazy, sample_weight=lazy_w), model.score(X, sample_weight=w))
    for name in ("bic", "icl", "nec"):
        ours, theirs = getattr(model, name)(lazy, lazy_w), getattr(model, name)(X, w)
        assert np.isclose(ours, theirs, rtol=1e-6), name
    assert GaussianMixture(2).fit_predict(lazy).compute().shape == (len(X),)


def test_float32_is_fitted_in_float32():
    X = three(dtype=np.float32)
    ours, theirs = (GaussianMixture(3, random_state=0).fit(rows) for rows in (uneven(X), X))
    assert ours.means_.dtype == theirs.means_.dtype == np.float32
    np.testing.assert_allclose(ours.means_, theirs.means_, rtol=1e-4)


def test_a_search():
    X = three(400)
    settings = dict(covariance_type=["EII", "VVI", "EEE", "VVV"], random_state=0, warm_start=True)
    theirs = GaussianMixtureIC([2, 3, 4], **settings).fit(X)
    ours = GaussianMixtureIC([2, 3, 4], **settings)
    lazy = uneven(X)
    ours.fit(lazy)
    assert (ours.covariance_type_, ours.n_components_) == (
        theirs.covariance_type_,
        theirs.n_components_,
    )
    np.testing.assert_allclose(ours.results_["bic"], theirs.results_["bic"], rtol=1e-9)
    np.testing.assert_array_equal(ours.predict(lazy).compute(), theirs.predict(X))
    before = ours.results_["seconds"]
    np.testing.assert_array_equal(ours.fit(lazy).results_["seconds"], before)
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(ours.fit(lazy + 0.5).results_["seconds"], before)


def test_initialisers_see_a_sample(monkeypatch):
    monkeypatch.setattr("gmmem.estimators.rows.SEEN", 500)
    X, seen = three(4000), []

    def initialise(rows, K, *, sample_weight=None, random_state=None):
        seen.append(rows)
        return (rows[:, 0] > np.median(rows[:, 0])).astype(int)

    model = GaussianMixture(2, init_params=initialise, random_state=0).fit(uneven(X))
    assert seen[0].shape == (500, 3) and model.converged_
    assert {row.tobytes() for row in seen[0]} <= {row.tobytes() for row in X}
    again = GaussianMixture(2, init_params=initialise, random_state=0).fit(uneven(X))
    np.testing.assert_array_equal(model.means_, again.means_)
    for init in ("kmeans", "hierarchical", "random"):
        fitted = GaussianMixture(3, init_params=init, random_state=0, max_iter=300, tol=1e-6)
        theirs = GaussianMixture(3, random_state=0, max_iter=300, tol=1e-6).fit(X)
        assert np.isclose(fitted.fit(uneven(X)).score(X), theirs.score(X), atol=1e-2), init


def test_the_number_of_starts_is_chosen_from_a_sample(monkeypatch):
    monkeypatch.setattr("gmmem.estimators.rows.SEEN", 500)
    X = three(2000)
    settings = dict(n_init="auto", random_state=0, tol=1e-6, max_iter=500)
    ours, theirs = (GaussianMixture(3, **settings).fit(rows) for rows in (uneven(X), X))
    assert np.size(ours.start_lower_bounds_) > 1
    assert np.isclose(ours.score(X), theirs.score(X), atol=1e-4)


def test_progress_shows(capsys):
    """The same lines as of rows in memory."""
    X, told = three(300), []
    for rows in (uneven(X), X):
        GaussianMixture(2, verbose=1, verbose_interval=2, random_state=0).fit(rows)
        told.append(capsys.readouterr().out)
    assert "Iteration 2" in told[0] and told[0] == told[1]


@pytest.mark.parametrize("weighted", [False, True])
def test_labels_of_all_rows_start_from_all_of_them(monkeypatch, weighted):
    monkeypatch.setattr("gmmem.estimators.rows.SEEN", 500)
    X = three()
    w = np.arange(len(X)) % 3.0 if weighted else None
    labels = (X[:, 0] > np.median(X[:, 0])).astype(int)
    for given in (labels, np.eye(2)[labels]):
        params = dict(init_params=GivenLabels(given), tol=1e-6, max_iter=500)
        theirs = GaussianMixture(2, **params).fit(X, sample_weight=w)
        ours = GaussianMixture(2, **params).fit(uneven(X), sample_weight=w)
        same(ours, theirs, rtol=1e-8)
    with pytest.raises(ValueError, match="gave an array of shape"):
        GaussianMixture(2, init_params=GivenLabels(labels[:700])).fit(uneven(X))


def test_a_fit_leaves_the_settings_of_dask_alone():
    """Those of a scheduler that is imported later, too."""
    script = """
import dask, dask.array as da, numpy as np
from gmmem import GaussianMixture
X = da.from_array(np.random.RandomState(0).normal(size=(50, 2)), chunks=(20, 2))
GaussianMixture(1).fit(X)
import distributed
assert dask.config.get("distributed.comm.timeouts.connect")
before = dask.config.get("distributed.admin.large-graph-warning-threshold")
GaussianMixture(1).fit(X)
assert dask.config.get("distributed.admin.large-graph-warning-threshold") == before
"""
    pytest.importorskip("distributed", reason="Dask's scheduler is not installed.")
    subprocess.run([sys.executable, "-c", script], check=True)


def test_warm_start_and_given_parameters_ask_for_no_sample(monkeypatch):
    X = three()
    theirs = GaussianMixture(3, random_state=0, warm_start=True).fit(X)
    monkeypatch.setattr(Dask, "sample", lambda *args: pytest.fail("a sample was drawn"))
    theirs.fit(uneven(X))
    given = dict(
        weights_init=theirs.weights_, means_init=theirs.means_, covariances_init=theirs.covariances_
    )
    assert np.isclose(
        GaussianMixture(3, **given).fit(uneven(X)).score(X), theirs.score(X), atol=1e-3
    )


def test_missing_values():
    X = three(200)
    X[np.random.RandomState(0).uniform(size=X.shape) < 0.1] = np.nan
    params = dict(init_params=KMeans(50), random_state=0, tol=1e-8, max_iter=500)
    ours, theirs = GaussianMixture(2, **params).fit(uneven(X)), GaussianMixture(2).fit(X)
    assert ours.score(uneven(X)) == pytest.approx(ours.score(X), rel=1e-10)
    assert ours.score(X) == pytest.approx(theirs.score(X), abs=5e-3)
    for name in PREDICTIONS:
        answer = getattr(ours, name)
        np.testing.assert_allclose(answer(uneven(X)).compute(), answer(X), rtol=1e-8, atol=1e-10)
    X[:, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN in column\(s\) 1"):
        GaussianMixture(2).fit(uneven(X))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_values_that_are_no_numbers(value):
    X = three(200)
    model = GaussianMixture(2, random_state=0).fit(X)
    X[150, 1] = value
    with pytest.raises(ValueError, match="beyond"):
        GaussianMixture(2).fit(uneven(X))
    for name in PREDICTIONS:
        answer = getattr(model, name)(uneven(X))
        with pytest.raises(ValueError, match=r"Input X contains infinity"):
            answer.compute()
    with pytest.raises(ValueError, match="Input X contains"):
        model.score(uneven(X))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda X: dict(X=da.from_array(X[:, 0])), "rows and columns"),
        (lambda X: dict(X=da.from_array(X + 1j)), "real numbers"),
        (lambda X: dict(X=da.from_array(X[:1])), "minimum of 2"),
        (lambda X: dict(X=da.from_array(X[:0])), "minimum of 2"),
        (lambda X: dict(X=da.from_array(X[:3])), "n_samples >= n_components"),
        (lambda X: dict(X=uneven(X), sample_weight=np.ones(3)), "a row for each of the 200"),
        (lambda X: dict(X=uneven(X), sample_weight=da.ones(3)), "has 3 rows, but X has 200"),
        (lambda X: dict(X=unknown(X), sample_weight=da.ones(200)), "has 1 chunks, but X has 6"),
        (lambda X: dict(X=unknown(X), sample_weight=uneven(X[1:, 0])), "shape"),
        (lambda X: dict(X=uneven(X), sample_weight=da.zeros(200)), "zero for every row"),
        (lambda X: dict(X=uneven(X), sample_weight=-da.ones(200)), "at least 0"),
        (lambda X: dict(X=uneven(X), sample_weight=da.full(200, np.nan)), "finite"),
    ],
)
def test_what_is_not_usable_is_a_sentence(make, message):
    model = GaussianMixture(4)
    with pytest.raises(ValueError, match=message):
        model.fit(**make(three(200)))
    assert not hasattr(model, "means_")


def test_features_are_counted():
    X = three(200)
    model = GaussianMixture(2, random_state=0).fit(uneven(X))
    assert model.n_features_in_ == 3
    with pytest.raises(ValueError, match="X has 2 features, but GaussianMixture is expecting 3"):
        model.predict(da.from_array(X[:, :2]))


class TestFrames:
    """DataFrames: names are kept and compared, whatever the columns hold."""

    @pytest.fixture(autouse=True)
    def frames(self):
        self.pd = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow", reason="Dask's DataFrame needs pyarrow.")
        self.dd = pytest.importorskip("dask.dataframe")

    def frame(self, X, names="abc"):
        return self.pd.DataFrame(X, columns=list(names))

    def test_names(self):
        X = three()
        frame = self.frame(X)
        lazy = self.dd.from_pandas(frame, npartitions=4)
        ours, theirs = (GaussianMixture(3, random_state=0).fit(rows) for rows in (lazy, frame))
        alike = da.from_array(X, chunks=(lazy.map_partitions(len).compute().tolist(), 3))
        same(ours, GaussianMixture(3, random_state=0).fit(alike), rtol=0)
        same(ours, theirs, rtol=1e-11)  # Cut otherwise: the last digits are others.
        assert ours.feature_names_in_.tolist() == ["a", "b", "c"]
        np.testing.assert_array_equal(ours.predict(lazy).compute(), theirs.predict(frame))
        with pytest.raises(ValueError, match="feature names should match"):
            ours.predict(lazy.rename(columns={"a": "z"}))
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            ours.predict(uneven(X))

    def test_weights_are_a_column(self):
        frame = self.frame(three()).assign(w=np.arange(1500) % 3)
        lazy = self.dd.from_pandas(frame, npartitions=4)
        lazy = lazy[lazy.a > 28]
        frame = frame[frame.a > 28]
        ours = GaussianMixture(2, random_state=0).fit(lazy[["a", "b"]], sample_weight=lazy.w)
        theirs = GaussianMixture(2, random_state=0).fit(frame[["a", "b"]], sample_weight=frame.w)
        same(ours, theirs, rtol=1e-9)

    def test_columns_of_other_kinds(self):
        frame = self.frame(np.round(three(400))).astype(
            {"a": "int32", "b": "float32", "c": "Int64"}
        )
        lazy = self.dd.from_pandas(frame, npartitions=3)
        ours, theirs = (GaussianMixture(2, random_state=0).fit(rows) for rows in (lazy, frame))
        same(ours, theirs, rtol=1e-9)
        with pytest.raises(ValueError, match=r"could not convert|real numbers"):
            GaussianMixture(2).fit(lazy.assign(c="word"))
