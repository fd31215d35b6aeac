"""Spark DataFrames: what their rows give in memory, to the last bit of the same chunks."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import gmmem
from gmmem import BayesianGaussianMixture, GaussianMixture, em
from gmmem.sources import Chunks, Spark
from gmmem.testing import check_source

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed.")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed.")

pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, and there is none."),
    # Spark's own, on what it supports.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def session():
    from pyspark.sql import SparkSession

    # Workers are to be of this Python, and to know this gmmem.
    root = str(Path(gmmem.__file__).parents[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", root + os.pathsep + os.environ.get("PYTHONPATH", ""))
        yield from started(SparkSession)


def started(SparkSession):
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


class Collected(Spark):
    """Answers brought to the driver, in the order of the rows, to be compared."""

    def map(self, over, shape, dtype):
        answers = super().map(over, shape, dtype).select("answer").collect()
        return np.array([row.answer for row in answers], dtype).reshape(-1, *shape)


def frame(session, X, w=None):
    """A DataFrame of the rows, in their order."""
    names = [f"x{j}" for j in range(X.shape[1])]
    columns = dict(zip(names, X.T, strict=True)) | ({} if w is None else {"w": w})
    table = pa.table({name: np.ascontiguousarray(column) for name, column in columns.items()})
    return session.createDataFrame(table)


def test_conformance(session):
    check_source(
        lambda X, w: Collected(frame(session, X, w).cache(), weight=None if w is None else "w")
    )


def three(n=900, seed=0, dtype=np.float64):
    rng = np.random.RandomState(seed)
    centres = np.array([[0, 0, 0], [4, 4, 0], [-4, 4, 2]])
    return (centres[rng.randint(3, size=n)] + rng.normal(size=(n, 3))).astype(dtype)


def parts_of(spark):
    from gmmem.sources.tasks import take_weighing

    return [X for X, _ in spark.each(take_weighing)]


@pytest.mark.parametrize("fan_in", [64, 2])
def test_the_same_bits_as_the_same_chunks(session, monkeypatch, fan_in):
    monkeypatch.setattr("gmmem.sources.spark.FAN_IN", fan_in)
    rows = Spark(
        frame(session, three()).repartitionByRange(5, "x0").sortWithinPartitions("x1").cache()
    )
    parts = parts_of(rows)
    assert len(parts) == 5 and sum(map(len, parts)) == 900
    start = GaussianMixture(3, random_state=0).fit(three()).mixture_
    ours = em.fit(start, rows, "VVV", tol=0, max_iter=2)
    theirs = em.fit(start, Chunks(parts), "VVV", tol=0, max_iter=2)
    assert ours.history == theirs.history
    np.testing.assert_array_equal(ours.mixture.means, theirs.mixture.means)


@pytest.mark.parametrize("cls", [GaussianMixture, BayesianGaussianMixture])
def test_an_estimator(session, cls):
    X = three()
    w = np.arange(len(X)) % 3.0
    data = frame(session, X, w).cache()
    rows = Spark(data, weight="w")
    ours = cls(3, random_state=0).fit(rows)
    theirs = cls(3, random_state=0).fit(X, sample_weight=w)
    np.testing.assert_allclose(ours.means_, theirs.means_, rtol=1e-8, atol=1e-9)
    assert np.isclose(ours.score(rows), theirs.score(X, sample_weight=w))
    labels = ours.predict(rows)
    assert labels.columns == ["x0", "x1", "x2", "w", "answer"]
    np.testing.assert_array_equal([row.answer for row in labels.collect()], theirs.predict(X))
    shares = ours.predict_proba(Spark(data, ["x0", "x1", "x2"])).collect()
    np.testing.assert_allclose([row.answer for row in shares], theirs.predict_proba(X), atol=1e-9)


def test_float32_and_partitions_without_rows(session):
    X = three(dtype=np.float32)
    rows = Spark(frame(session, X).repartition(3).filter("x0 > 0").cache())
    assert rows.dtype == rows.arithmetic == np.float32
    assert rows.n_rows == (X[:, 0] > 0).sum()
    few = Spark(frame(session, three(2)).repartition(5))
    assert sorted(few.lengths)[0] == 0 and few.n_rows == 2


def test_what_is_not_usable_is_a_sentence(session):
    X = three(20)
    data = frame(session, X)
    with pytest.raises(ValueError, match=r"no column\(s\) z, w"):
        Spark(data, ["x0", "z"], "w")
    with pytest.raises(ValueError, match="at least one column"):
        Spark(data, [])
    X[:, 1] = np.nan
    with pytest.raises(ValueError, match="nothing but NaN"):
        GaussianMixture(2).fit(Spark(frame(session, X)))
