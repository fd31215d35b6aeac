"""A cluster of processes: the same bits for any workers, and a worker that dies is no end."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from gmmem import GaussianMixture, em
from gmmem.covariances import free_model
from gmmem.sources import Chunks, Dask

da = pytest.importorskip("dask.array", reason="Dask is not installed.")
distributed = pytest.importorskip("distributed", reason="Dask's scheduler is not installed.")

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="No worker can be killed here."),
    # Of the cluster's own, when processes come and go.
    pytest.mark.filterwarnings("default"),
]

N_CHUNKS, ROWS, D = 9, 400, 3


def chunk(number, seconds=0.0):
    """Rows of two clusters, made where they are asked for."""
    time.sleep(seconds)
    rng = np.random.RandomState(number)
    return rng.normal(size=(ROWS, D)) + 3 * rng.randint(2, size=(ROWS, 1))


def made(block_info=None, seconds=0.0):
    return chunk(block_info[None]["chunk-location"][0], seconds)


def collection(seconds=0.0):
    return da.map_blocks(
        made, chunks=((ROWS,) * N_CHUNKS, (D,)), dtype=float, seconds=seconds, meta=np.empty((0, D))
    )


def halves(block, workspace):
    return (block.X[:, 0] > 1.5).astype(int)


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield cluster, client


@pytest.fixture(scope="module")
def expected():
    parts = [chunk(i) for i in range(N_CHUNKS)]
    start = em.initial_mixture(Chunks(parts), halves, 2, "VVV")
    return start, em.fit(start, Chunks(parts), "VVV", tol=0, max_iter=6)


def equal(solution, expected):
    assert solution.history == expected.history
    np.testing.assert_array_equal(solution.mixture.means, expected.mixture.means)
    covariances = expected.mixture.covariances.covariances
    np.testing.assert_array_equal(solution.mixture.covariances.covariances, covariances)


def test_processes_give_the_same_bits(cluster, expected):
    start, solution = expected
    for rows in (collection(), collection().persist()):
        equal(em.fit(start, Dask(rows), "VVV", tol=0, max_iter=6), solution)
    # Whoever is first: chunks that take another time each.
    slow = collection().map_blocks(lambda X: (time.sleep(X[0, 0] % 0.02), X)[1], dtype=float)
    equal(em.fit(start, Dask(slow), "VVV", tol=0, max_iter=6), solution)


@pytest.mark.parametrize("persisted", [False, True])
def test_a_worker_that_dies_costs_its_tasks_not_the_fit(cluster, expected, persisted):
    cluster, client = cluster
    client.wait_for_workers(2)
    start, solution = expected
    rows = collection()
    rows = rows.persist() if persisted else rows
    distributed.wait(rows)
    slow = rows.map_blocks(lambda X: (time.sleep(0.05), X)[1], dtype=float)
    pid, killed = next(iter(client.run(os.getpid).values())), []

    def kill():
        os.kill(pid, signal.SIGKILL)
        killed.append(time.monotonic())

    timer = threading.Timer(0.4, kill)
    timer.start()
    fitted = em.fit(start, Dask(slow), "VVV", tol=0, max_iter=6)
    ended = time.monotonic()
    timer.join()
    assert killed[0] < ended - 0.4, "it died while the fit had passes to do"
    equal(fitted, solution)
    client.wait_for_workers(2, timeout=60)


def test_an_estimator_on_the_cluster(cluster):
    rows = collection()
    X = np.concatenate([chunk(i) for i in range(N_CHUNKS)])
    ours, theirs = (GaussianMixture(2, random_state=0).fit(each) for each in (rows, X))
    np.testing.assert_allclose(ours.means_, theirs.means_, rtol=1e-10)
    np.testing.assert_array_equal(ours.predict(rows).compute(), theirs.predict(X))
    # A second model of equal contents, while the first one's answers are lazy still.
    first, second = ours.score_samples(rows), ours.score_samples(rows)
    np.testing.assert_array_equal(first.compute(), second.compute())


def test_passes_of_equal_contents_at_the_same_time(cluster):
    rows = Dask(collection().persist())
    model = GaussianMixture(2, random_state=0).fit(np.concatenate([chunk(i) for i in range(2)]))
    answers, errors = [], []

    def score():
        try:
            answers.extend(model.score(rows) for _ in range(5))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=score) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(answers) == 20 and len(set(answers)) == 1


@pytest.mark.filterwarnings("error:Sending large graph")
def test_parameters_of_any_size_travel_without_a_warning(cluster):
    """Forty components in 120 features: 14 MB a pass."""
    rng = np.random.RandomState(0)
    means, covariances = rng.normal(size=(40, 120)), np.repeat(np.eye(120)[None], 40, axis=0)
    model = GaussianMixture.from_parameters(np.full(40, 1 / 40), means, covariances)
    X = rng.normal(size=(300, 120))
    lazy = da.from_array(X, chunks=(100, 120))
    assert np.isclose(model.score(lazy), model.score(X))


def test_traffic_is_that_of_the_sums(cluster, expected):
    """What comes to the caller in a pass does not grow with the rows."""
    from distributed.protocol import serialize

    from gmmem.passes import Expected
    from gmmem.problem import Problem

    start, _ = expected
    rows = Dask(collection())
    problem = Problem.of(rows, free_model(start.covariances, start.n_components))
    sums = rows.fold(Expected(problem.kernel(start)))
    _, frames = serialize(sums)
    assert sum(len(frame) for frame in frames) < 2000 < ROWS * N_CHUNKS * D
