"""Rows on devices: the same fits and answers, by the array API standard."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.covariances import FOURTEEN
from gmmem.sources import Device, InMemory
from gmmem.testing import check_source

pytest.importorskip("array_api_compat", reason="array-api-compat comes with gmmem[array-api]")


def strict(X):
    return pytest.importorskip("array_api_strict", reason="not installed").asarray(X)


def torch(X):
    return pytest.importorskip("torch", reason="torch is not installed").asarray(X)


NAMESPACES = pytest.mark.parametrize("put", [np.asarray, strict, torch])


def clusters(n=600, d=3, seed=0):
    rng = np.random.RandomState(seed)
    parts = [rng.randn(n // 3, d) @ rng.randn(d, d) + 4 * rng.randn(d) for _ in range(3)]
    return np.vstack(parts)


@NAMESPACES
def test_is_a_source(put):
    check_source(lambda X, weight: Device(put(X), weight))


@NAMESPACES
@pytest.mark.parametrize("name", [*FOURTEEN, "tied", "spherical"])
def test_every_model_fits_as_in_memory(put, name):
    X = clusters()
    model = GaussianMixture(3, covariance_type=name, random_state=0)
    host = model.fit(X).lower_bounds_, model.means_
    rows = Device(put(X))
    model.fit(rows)
    np.testing.assert_allclose(model.lower_bounds_, host[0], rtol=1e-10)
    np.testing.assert_allclose(model.means_, host[1], rtol=1e-7)
    assert type(model.predict(rows)) is type(rows.X)


@NAMESPACES
def test_answers_are_those_of_the_host(put):
    X, weight = clusters(), np.random.RandomState(1).uniform(size=600) * (np.arange(600) % 5 > 0)
    model = GaussianMixture(3, random_state=0).fit(X, sample_weight=weight)
    rows, weighted = Device(put(X)), Device(put(X), weight)
    for method in ("predict", "predict_proba", "score_samples"):
        answer = getattr(model, method)(rows)
        np.testing.assert_allclose(rows.place.host(answer), getattr(model, method)(X), rtol=1e-9)
    for criterion in ("score", "bic", "icl", "clc"):
        expected = getattr(model, criterion)(X, sample_weight=weight)
        assert getattr(model, criterion)(weighted) == pytest.approx(expected, rel=1e-11)
    again = GaussianMixture(3, random_state=0, means_init=model.means_).fit(weighted)
    host = GaussianMixture(3, random_state=0, means_init=model.means_).fit(X, sample_weight=weight)
    np.testing.assert_allclose(again.lower_bounds_, host.lower_bounds_, rtol=1e-12)


@NAMESPACES
@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical"])
def test_single_precision_stays_and_is_as_accurate(put, name):
    X = clusters().astype(np.float32)
    model = GaussianMixture(3, covariance_type=name, tol=1e-5, random_state=0)
    host = model.fit(X).lower_bound_
    rows = Device(put(X))
    assert model.fit(rows).lower_bound_ == pytest.approx(host, abs=1e-4)
    assert model.means_.dtype == np.float32
    assert model.score_samples(rows).dtype == rows.X.dtype


@NAMESPACES
def test_narrow_components_and_far_rows_keep_their_digits(put):
    # Expanded squares would cancel: scale 1e-6 at a distance of 1e3; and one row at 1e100.
    rng = np.random.RandomState(0)
    X = np.vstack([1e-6 * rng.randn(200, 2) + centre for centre in (-1e3, 0, 1e3)])
    host = GaussianMixture(3, reg_covar=0, random_state=0).fit(X)
    model = GaussianMixture(3, reg_covar=0, random_state=0).fit(Device(put(X)))
    assert model.lower_bound_ == pytest.approx(host.lower_bound_, rel=1e-9)
    wild = np.vstack([X[:3], [[1e100, 0]], X[-2:]])
    rows = Device(put(wild))
    answers = [rows.place.host(f(rows)) for f in (model.score_samples, model.predict_proba)]
    np.testing.assert_allclose(answers[0], model.score_samples(wild), rtol=1e-9)
    np.testing.assert_allclose(answers[1], model.predict_proba(wild), atol=1e-9)
    np.testing.assert_array_equal(rows.place.host(model.predict(rows)), model.predict(wild))


@pytest.mark.filterwarnings("ignore:reg_covar=")
def test_starts_see_a_sample_and_blocks_do_not_matter(monkeypatch):
    X = clusters(60_000, 2)
    fits = []
    for size in (None, 100_000):
        if size is not None:
            monkeypatch.setattr("gmmem.sources.device.DEVICE_BYTES", size)
        for init in ("kmeans", "k-means++", "random_from_data"):
            fits.append(GaussianMixture(3, init_params=init, random_state=0).fit(Device(X)))
    for whole, blocks in zip(fits[:3], fits[3:], strict=True):
        np.testing.assert_allclose(blocks.lower_bounds_, whole.lower_bounds_, rtol=1e-10)
    host = GaussianMixture(3, random_state=0).fit(X)
    assert fits[0].lower_bound_ == pytest.approx(host.lower_bound_, abs=1e-3)


def test_a_search_on_a_device():
    X = clusters()
    grid = dict(n_components=range(1, 5), covariance_type=["EII", "VVV"], random_state=0)
    host, device = GaussianMixtureIC(**grid).fit(X), GaussianMixtureIC(**grid).fit(Device(X))
    assert device.best_index_ == host.best_index_
    assert device.best_score_ == pytest.approx(host.best_score_, rel=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_table_as_long_as_the_data_is_made(monkeypatch):
    monkeypatch.setattr("gmmem.sources.device.DEVICE_BYTES", 1_000_000)
    lengths = []

    class Watched(Device):
        def _block(self, rows):
            lengths.append(rows.stop - rows.start)
            return super()._block(rows)

    X = np.random.RandomState(0).randn(20_000, 2)
    GaussianMixture(100, max_iter=1, random_state=0, means_init=X[:100]).fit(Watched(X))
    assert lengths[-1] * 100 * 8 < 1_000_000


@pytest.mark.filterwarnings("ignore:reg_covar=")
@pytest.mark.parametrize("weight", [1e-25, 1e25])
def test_extreme_weights_are_computed_in_double(weight):
    X, weights = clusters().astype(np.float32), np.ones(600)
    weights[:3] = weight
    rows = Device(strict(X), weights)
    assert rows.arithmetic == np.float64 and rows.dtype == np.float32
    model = GaussianMixture(2, random_state=0, means_init=X[::400][:2])
    host = model.fit(X, sample_weight=weights).lower_bound_
    assert model.fit(rows).lower_bound_ == pytest.approx(host, rel=1e-9)


@pytest.mark.parametrize(
    "X, message",
    [
        (np.zeros(3), "rows and columns"),
        (np.array([[1.0, np.nan], [2, 3]]), "NaN"),
        (np.array([[1.0, 1e200], [2, 3]]), "beyond"),
    ],
)
def test_bad_rows_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture().fit(Device(X))


def test_bad_weights_are_refused():
    with pytest.raises(ValueError, match="sample_weight must have the shape"):
        Device(np.zeros((3, 1)), [1.0, 2])
    with pytest.raises(ValueError, match="finite and at least 0"):
        Device(np.zeros((3, 1)), [1.0, -1, 2])


def test_integers_become_numbers():
    assert Device(np.arange(6).reshape(3, 2)).dtype == np.float64


def test_without_the_extra_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    with pytest.raises(ImportError, match=r"gmmem\[array-api\]"):
        Device(np.zeros((3, 1)))


DISPATCH = """
import numpy as np, sklearn
import array_api_strict as xp
from gmmem import GaussianMixture, GaussianMixtureIC
X = np.random.RandomState(0).randn(300, 2) + 3 * (np.arange(300) % 2)[:, None]
host = GaussianMixture(2, random_state=0).fit(X, sample_weight=np.arange(300.0))
with sklearn.config_context(array_api_dispatch=True):
    rows, weight = xp.asarray(X), xp.arange(300, dtype=xp.float64)
    model = GaussianMixture(2, random_state=0).fit(rows, sample_weight=weight)
    labels = model.predict(rows)
    assert type(labels) is type(rows) and labels.shape == (300,)
    assert type(model.fit_predict(rows)) is type(rows)
    assert np.isclose(model.fit(rows, sample_weight=weight).lower_bound_, host.lower_bound_)
    search = GaussianMixtureIC(range(1, 3), covariance_type=["EEE"]).fit(rows)
    for bad, name in ((rows[:, :1], "features"), (rows * xp.nan, "NaN")):
        try:
            model.predict(bad)
        except ValueError as error:
            assert name in str(error), error
        else:
            raise AssertionError("not refused")
"""


def test_scikit_learns_dispatch_leaves_arrays_where_they_are():
    pytest.importorskip("array_api_strict", reason="not installed")
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, "-c", textwrap.dedent(DISPATCH)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_pass_that_knows_no_device_sees_the_rows_on_the_host():
    class Rows:
        row_bytes = 8

        def __call__(self, block, workspace):
            assert isinstance(block.X, np.ndarray)
            return (block.X.sum(),)

        def combine(self, total, part):
            return (total[0] + part[0],)

    X = clusters()
    assert Device(strict(X)).fold(Rows())[0] == pytest.approx(InMemory(X).fold(Rows())[0])
