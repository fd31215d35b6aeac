"""Threads and the limit on BLAS: nobody's cores are kept, whoever overlaps or interrupts."""

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.sources import InMemory, Threads
from gmmem.sources.threads import n_threads_allowed, one_blas_thread


def blas_threads():
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


@pytest.fixture
def before():
    """BLAS with two threads, whatever the machine has."""
    with threadpool_limits(2, user_api="blas"):
        yield blas_threads()


def test_overlapping_calls_give_the_cores_back(before):
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    assert set(blas_threads()) == {1}
    second.__enter__()
    first.__exit__()
    assert set(blas_threads()) == {1}, "one of them still needs it"
    second.__exit__()
    assert blas_threads() == before


def test_any_thread_sets_the_limit_and_takes_it_back(before):
    """Not the first one only, as threadpoolctl 3.8 has it."""

    def inside():
        with one_blas_thread():
            return blas_threads()

    assert set(inside()) == {1}
    with ThreadPoolExecutor(1) as pool:
        assert set(pool.submit(inside).result()) == {1}
        assert blas_threads() == before
        own = threadpool_limits(1, user_api="blas")
        assert set(pool.submit(inside).result()) == {1}
        own.restore_original_limits()
    assert blas_threads() == before


def test_a_limit_of_anothers_is_not_taken_back(before):
    limit = one_blas_thread()
    with threadpool_limits(1, user_api="blas"):
        limit.__enter__()
    limit.__exit__()
    assert blas_threads() == before


def test_predictions_in_many_threads_give_the_cores_back(before):
    X = np.random.RandomState(0).normal(size=(200_000, 3))
    model = GaussianMixture(3, random_state=0).fit(X[:2000])
    expected = model.predict(X)
    with ThreadPoolExecutor(8) as pool:
        for labels in pool.map(lambda _: model.predict(X), range(24)):
            np.testing.assert_array_equal(labels, expected)
    assert blas_threads() == before


@pytest.fixture
def interruptible():
    """Also where a shell's background job was told to ignore interrupts."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot be interrupted by a signal.")
def test_interrupts_give_the_cores_back(before, interruptible):
    """At random moments of a search; some come before it begins, some after its end."""
    X = np.random.RandomState(0).normal(size=(400, 2))
    rng, interrupted = np.random.RandomState(1), 0
    for _ in range(25):
        delay = rng.uniform(0, 0.15)
        timer = threading.Timer(delay, signal.raise_signal, [signal.SIGINT])
        try:
            timer.start()
            GaussianMixtureIC([1, 2], covariance_type=["VVV", "EEE"]).fit(X)
            timer.join()
            time.sleep(0.001)
        except KeyboardInterrupt:
            interrupted += 1
        timer.join()
        assert blas_threads() == before
    assert interrupted > 5


def test_a_child_of_a_fork_has_its_cores():
    code = """
import os, sys
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from gmmem.sources.threads import one_blas_thread
def blas(): return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]
with threadpool_limits(2, user_api="blas"):
    before = blas()
    with one_blas_thread():
        child = os.fork()
        if child == 0:
            os._exit(0 if blas() == before else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert blas() == before
"""
    if not hasattr(signal, "SIGCHLD"):
        pytest.skip("There is no fork on this system.")
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_one_block_asks_for_no_threads(monkeypatch):
    rows = InMemory(np.random.RandomState(0).normal(size=(50, 2)))
    model = GaussianMixture(1).fit(rows.X)
    monkeypatch.setattr(Threads, "__enter__", lambda self: pytest.fail("threads were set up"))
    model.predict(rows.X)
    model.score(rows.X)


def test_tasks_end_in_order_and_errors_come_out():
    with Threads(4) as executor:
        assert list(executor.map(lambda i: i * i, range(100))) == [i * i for i in range(100)]
        with pytest.raises(ZeroDivisionError):
            list(executor.map(lambda i: 1 // (5 - i), range(100)))
        assert list(executor.map(str, range(3))) == ["0", "1", "2"]


def test_limits_are_obeyed():
    with threadpool_limits(1):
        assert n_threads_allowed() == 1


@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random", "random_from_data"])
@pytest.mark.parametrize("weighted", [False, True])
def test_any_number_of_threads_gives_the_same_to_the_last_bit(init_params, weighted):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60_000, 8)) + 3 * rng.randint(3, size=(60_000, 1))
    weight = rng.uniform(0, 2, size=len(X)) if weighted else None
    fits = []
    for number in (1, 2, 4, 4, 3):
        with threadpool_limits(number):
            model = GaussianMixture(3, init_params=init_params, max_iter=3, tol=1, random_state=0)
            model.fit(X, sample_weight=weight)
        fits.append(np.concatenate([model.means_.ravel(), model.covariances_.ravel()]))
    for fitted in fits[1:]:
        np.testing.assert_array_equal(fitted, fits[0])
