"""Dask against memory, two workers against one, traffic; Spark MLlib where it is installed.

    python benchmarks/scale.py            about 15 minutes, 4 GiB of rows that are never held
    python benchmarks/scale.py --quick    a tenth of that

Four tables, no figure:

1. Seconds of an EM iteration by one and by two workers (processes of one thread each) on rows
   that are made chunk by chunk in each pass: by Dask, and by plain processes, which shows what
   the machine has to give.
2. The same iteration on rows in memory: as an array, and as a Dask array of the same rows.
   The clock is to be believed on an idle machine only; processors' time on any.
3. Bytes that travel in a pass: what is asked, once a worker, and the sums of a task.
4. Spark: seconds of an iteration, and the labels of three clusters that lie far apart, by the
   number of features.  Needs pyspark, pyarrow and Java; a row says so where they are missing.
"""

import multiprocessing
import pickle
import shutil
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice

import numpy as np
from common import arguments, best_of, fill, make, slope
from sklearn.metrics import adjusted_rand_score

from gmmem import GaussianMixture, em
from gmmem.covariances import free_model
from gmmem.passes import Expected
from gmmem.problem import Problem
from gmmem.sources import Chunks, Dask, InMemory
from gmmem.sources.tasks import fold_chunk

ROWS, MADE = 250_000, 1_000_000
"""In a chunk of what is in memory, and of what is made: 20 and 80 MB of ten features."""

KEEPING = {"MALLOC_TRIM_THRESHOLD_": 2**28, "MALLOC_MMAP_THRESHOLD_": 2**26}
"""Settings of glibc's memory by which a worker keeps for the next chunk what it has freed."""


def start_for(X, K, name):
    """Means at the first rows of a sample, which no source has to be asked for."""
    labels = np.arange(len(X)) % K
    sample = InMemory(X).with_columns(label=labels)
    return em.initial_mixture(sample, lambda block, _: block.columns["label"], K, name)


def iterations(start, rows, name):
    """What `slope` runs: so many iterations."""

    def run(number):
        return len(em.fit(start, rows, name, tol=0, max_iter=number).history)

    return run


def seconds_of_iterations(start, rows, name, number):
    """By the clock and of this process's processors, (number, 2); what is set up is not in it."""
    with rows.working():
        states = islice(em.iterate(start, rows, name), 1 + number)
        times = [(time.perf_counter(), time.process_time()) for _ in states]
    return np.diff(times, axis=0)


def rows_of(number, d, centres):
    """The rows of a chunk, made in one place, a cacheful at a time."""
    X = np.empty((MADE, d))
    fill(X, centres, np.random.default_rng(number), rows=8192)
    return X


def generated(n_chunks, d, centres):
    """A Dask array that is made in each pass, and never held."""
    import dask.array as da

    def made(block_info=None):
        return rows_of(block_info[None]["chunk-location"][0], d, centres)

    chunks = ((MADE,) * n_chunks, (d,))
    return da.map_blocks(made, chunks=chunks, dtype=float, meta=np.empty((0, d)))


def e_step(start, X):
    """What a pass of EM asks."""
    problem = Problem.of(InMemory(X), free_model(start.covariances, start.n_components))
    return Expected(problem.kernel(start))


def milliseconds_of_a_processor(function, repeats=5):
    """What a call takes of one, without what others on the machine take."""
    function()
    began = time.process_time()
    for _ in range(repeats):
        function()
    return 1e3 * (time.process_time() - began) / repeats


def workers(quick):
    """One worker against two."""
    import dask
    from distributed import Client, LocalCluster

    d, K = 10, 10
    n_chunks = 8 if quick else 50
    X, centres = make(20_000, d, K)
    start = start_for(X, K, "full")
    gib = n_chunks * MADE * d * 8 / 2**30
    print(f"\n1. Workers: {n_chunks * MADE:,} x {d}, K = {K}, full, {gib:.1f} GiB")
    chunk, over = rows_of(0, d, centres), e_step(start, X)
    making = milliseconds_of_a_processor(lambda: rows_of(0, d, centres))
    passing = milliseconds_of_a_processor(lambda: fold_chunk(over, chunk, None, None))
    print(
        f"   a chunk takes {making:.1f} ms of a processor to make and {passing:.1f} to pass: "
        f"{n_chunks * (making + passing) / 1e3:.2f} s for all"
    )

    def measured(rows):
        return np.median(seconds_of_iterations(start, rows, "full", 3)[:, 0])

    def by_dask(number, **environment):
        settings = {
            f"distributed.nanny.pre-spawn-environ.{name}": value
            for name, value in environment.items()
        }
        options = dict(threads_per_worker=1, processes=True, dashboard_address=None)
        with (
            dask.config.set(settings),
            LocalCluster(n_workers=number, **options) as cluster,
            Client(cluster),
        ):
            return measured(Dask(generated(n_chunks, d, centres)))

    def by_processes(number):
        chunks = [partial(rows_of, i, d, centres) for i in range(n_chunks)]
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(number, mp_context=context) as pool:
            return measured(Chunks(chunks, run=pool.map))

    ways = {
        "Dask": by_dask,
        "Dask, whose memory is kept": partial(by_dask, **KEEPING),
        "processes of concurrent.futures": by_processes,
    }
    for name, way in ways.items():
        one, two = way(1), way(2)
        print(
            f"   {name:32} 1 worker {one:6.2f} s an iteration, 2 workers {two:6.2f}: "
            f"{one / two:.2f} times as fast"
        )
    print("   at least 1.6 is asked")


def overhead(quick):
    """A Dask array in memory against the array."""
    import dask.array as da

    n = 500_000 if quick else 4_000_000
    print(f"\n2. Overhead on one machine: {n:,} rows, K = 10, milliseconds an iteration")
    print("                         by the clock             of processors")
    print("                    array     Dask  ratio     array     Dask  ratio")
    for name, d in (("full", 10), ("full", 32), ("diag", 10)):
        X, _ = make(n // 2 if d > 20 else n, d, 10)
        start = start_for(X[:20_000], 10, name)
        times = {}
        for kind in ("array", "Dask") * 3:  # Alternating: the machine may be busy.
            rows = InMemory(X) if kind == "array" else Dask(da.from_array(X, (ROWS, d)))
            found = 1e3 * seconds_of_iterations(start, rows, name, 5).min(axis=0)
            times[kind] = np.minimum(times.get(kind, np.inf), found)
        line = f"   {name:5} d = {d:2}"
        for array, dask in zip(times["array"], times["Dask"], strict=True):
            line += f"  {array:8.1f} {dask:8.1f} {dask / array:6.2f}"
        print(line)
    print("   a ratio of at most 1.2 is asked")


def traffic():
    """What travels in a pass."""
    print("\n3. Bytes in a pass: asked (once a worker), and the sums of a task")
    for d, K in ((10, 10), (32, 64), (100, 50)):
        X, _ = make(20_000, d, K)
        start = start_for(X, K, "full")
        over = e_step(start, X)
        sums = InMemory(X).fold(over)
        asked, told = len(pickle.dumps(over)), len(pickle.dumps(sums))
        print(f"   d = {d:3}, K = {K:2}   {asked:10,}   {told:10,}")


def spark(quick):
    """MLlib beside ours."""
    print("\n4. Spark MLlib")
    try:
        import pyarrow as pa
        from pyspark.ml.clustering import GaussianMixture as Theirs
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import SparkSession
    except ImportError as error:
        print(f"   not measured: {error}")
        return
    if shutil.which("java") is None:
        print("   not measured: there is no Java")
        return
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.memory", "4g").getOrCreate()
    session.sparkContext.setLogLevel("OFF")

    def frame(X):
        names = [f"x{j}" for j in range(X.shape[1])]
        table = pa.table(
            {name: np.ascontiguousarray(x) for name, x in zip(names, X.T, strict=True)}
        )
        data = VectorAssembler(inputCols=names, outputCol="features").transform(
            session.createDataFrame(table)
        )
        data.cache().count()
        return data

    def run(data, K, number):
        return Theirs(k=K, seed=0, maxIter=number, tol=0.0).fit(data)

    n = 20_000 if quick else 100_000
    X, _ = make(n, 10, 10)
    data = frame(X)
    run(data, 10, 1)
    few, many = (best_of(lambda i=i: run(data, 10, i), 1)[0] for i in (2, 6))
    start = start_for(X[:20_000], 10, "full")
    ours = slope(iterations(start, InMemory(X), "full"), 5, 25).seconds
    theirs = (many - few) / 4
    print(
        f"   {n:,} x 10, K = 10: Spark {1e3 * theirs:.0f} ms an iteration, gmmem {1e3 * ours:.1f}"
    )
    rng = np.random.default_rng(0)
    for d in (2, 10, 20, 30):
        labels = rng.integers(3, size=3000)
        X = 10 * np.eye(3, d)[labels] if d > 2 else 10 * np.array([[0, 0], [1, 0], [0, 1]])[labels]
        X = X + rng.standard_normal((3000, d))
        found = []
        for scale in (1.0, 10.0):
            data = frame(scale * X)
            model = Theirs(k=3, seed=0, maxIter=100, tol=0.01).fit(data)
            predicted = [
                row.prediction for row in model.transform(data).select("prediction").collect()
            ]
            found.append(adjusted_rand_score(labels, predicted))
        mine = adjusted_rand_score(labels, GaussianMixture(3, random_state=0).fit(X).predict(X))
        print(
            f"   three clusters, d = {d:2}: ARI Spark {found[0]:.2f}, in units a tenth as large "
            f"{found[1]:.2f}; gmmem {mine:.2f}"
        )
    session.stop()


def main():
    options = arguments(__doc__, "scale", only=("", "workers, overhead, traffic or spark"))
    warnings.simplefilter("ignore")
    tables = {
        "workers": lambda: workers(options.quick),
        "overhead": lambda: overhead(options.quick),
        "traffic": traffic,
        "spark": lambda: spark(options.quick),
    }
    began = time.perf_counter()
    for name, table in tables.items():
        if options.only in ("", name):
            table()
    print(f"\n{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
