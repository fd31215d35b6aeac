"""Threads that share the blocks, while BLAS keeps to each one's core."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import joblib
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> ThreadpoolController:
    """The libraries with threads of their own that are loaded by now."""
    return ThreadpoolController()


@cache
def _of(user_api: str) -> list[Any]:
    """Those of them that are "blas" or "openmp"."""
    return _libraries().select(user_api=user_api).lib_controllers


def n_threads_allowed() -> int:
    """Threads that OMP_NUM_THREADS, threadpoolctl and an outer joblib call allow."""
    backend, _ = get_active_backend()
    if backend.nesting_level and threading.current_thread() is not threading.main_thread():
        return 1  # A thread of joblib's: its neighbours have the other cores.
    limits = [library.num_threads for library in _of("openmp")]
    if not limits:
        # Read as OpenMP would: a first number, if there is one.
        asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
        limits = [int(asked)] if asked.isdigit() and int(asked) > 0 else []
    return max(1, min(joblib.effective_n_jobs(-1), *limits, os.cpu_count() or 1))


def _set_threads(library: Any, number: int) -> None:
    """Set a library's threads from any thread.

    Since threadpoolctl 3.8 the first thread that sets OpenBLAS's is the only one that can, until
    that is cleared; calls from the others do nothing, and say nothing.  Here who asks is counted,
    whatever thread it is.
    """
    clear = getattr(library, "clear_controlling_thread", None)
    if clear is None:
        library.set_num_threads(number)
        return
    clear(force=True)
    library.set_num_threads(number)
    clear(force=True)  # Others', too, are to be heard from any thread.


class _OneBlasThread:
    """BLAS keeps to the calling thread while anybody in the process asks for that.

    Those who ask may overlap in time, in any order: the first one's entry sets the limit, the
    last one's exit takes it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: list[object] = []
        self._before: list[tuple[Any, int]] | None = None

    def hold(self, holder: object) -> None:
        """Set the limit, unless somebody has."""
        with self._lock:
            self._holders.append(holder)
            self._settle()

    def release(self, holder: object) -> None:
        """Take the limit back, unless somebody needs it still."""
        with self._lock:
            if holder in self._holders:
                self._holders.remove(holder)
            self._settle()

    def _settle(self) -> None:
        if self._holders and self._before is None:
            found = [(library, library.num_threads) for library in _of("blas")]
            # Known before the first is set: an interrupt may fall between two of them.  A limit
            # that was there is not ours to take back.
            self._before = [(library, number) for library, number in found if number != 1]
            for library, _ in self._before:
                _set_threads(library, 1)
        elif not self._holders and self._before is not None:
            for library, number in self._before:
                _set_threads(library, number)
            self._before = None

    def reset(self) -> None:
        """In a child of a fork nobody of the parent's threads is left to give back."""
        self._lock, self._holders = threading.Lock(), []
        self._settle()


_BLAS = _OneBlasThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_BLAS.reset)


class one_blas_thread:
    """Context in which BLAS keeps to the calling thread, for the whole process."""

    def __enter__(self) -> None:
        try:
            _BLAS.hold(self)
        except BaseException:
            _BLAS.release(self)
            raise

    def __exit__(self, *exc_info) -> None:
        # An interrupt may fall in here: what it leaves undone is done before it goes on.
        try:
            _BLAS.release(self)
        except KeyboardInterrupt:
            _BLAS.release(self)
            raise


@contextmanager
def one_openmp_thread() -> Iterator[None]:
    """Context in which the calling thread starts no others by OpenMP."""
    before = [(library, library.num_threads) for library in _of("openmp")]
    try:
        for library, _ in before:
            library.set_num_threads(1)
        yield
    finally:
        for library, number in before:
            library.set_num_threads(number)


class Threads:
    """An executor of tasks in order; entered, it keeps its threads and the limit on BLAS.

    Parameters
    ----------
    number : int, default=None
        How many; None is what OMP_NUM_THREADS, threadpoolctl or a joblib worker allow.

    Examples
    --------
    >>> from gmmem.sources import Threads
    >>> with Threads(2) as threads:
    ...     list(threads.map(lambda x: x * x, range(5)))
    [0, 1, 4, 9, 16]
    """

    def __init__(self, number: int | None = None):
        self.number = number
        self._lock, self._entered = threading.RLock(), 0
        self._pool: ThreadPoolExecutor | None = None
        self._limit = one_blas_thread()
        self._now: int | None = None  # How many there are, while entered.

    def __reduce__(self):
        return type(self), (self.number,)

    def __enter__(self) -> "Threads":
        with self._lock:
            self._entered += 1
            if self._entered == 1:
                try:
                    self._limit.__enter__()
                except BaseException:
                    self._entered = 0
                    self._limit.__exit__()
                    raise
        return self

    def __exit__(self, *exc_info) -> None:
        with self._lock:
            self._entered -= 1
            if self._entered == 0:
                pool, self._pool, self._now = self._pool, None, None
                try:
                    if pool is not None:
                        pool.shutdown(cancel_futures=True)
                finally:
                    self._limit.__exit__()

    def map(self, run: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Any]:
        """What `run` gives for each task, in order; to be read while entered.

        Not more are ahead than keep the threads busy: sums are large where components are
        many.

        Parameters
        ----------
        run : callable
            From a task to what it gives.
        tasks : iterable
            In order.

        Returns
        -------
        results : iterator
            One for each task, in their order.

        Examples
        --------
        >>> from gmmem.sources import Threads
        >>> with Threads(2) as threads:
        ...     sum(threads.map(abs, [-1, 2, -3]))
        6
        """
        with self._lock:
            if self._now is None:
                self._now = self.number or n_threads_allowed()
            number = self._now
        if number == 1:
            yield from map(run, tasks)
            return
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(number)
            pool = self._pool
        pending: deque = deque()
        for task in tasks:
            pending.append(pool.submit(run, task))
            if len(pending) > number:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
