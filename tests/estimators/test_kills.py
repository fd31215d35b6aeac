"""Processes are killed at random moments: what they were doing goes on to the same end.

A few kills for each task here.  For more of them, at other moments each time::

    GMMEM_KILLS=300 python -m pytest tests/estimators/test_kills.py
"""

import multiprocessing
import os
import random
import warnings

import numpy as np
import pytest

from gmmem.estimators.checkpoint import aside
from tests.estimators import killed

KILLS = int(os.environ.get("GMMEM_KILLS", 6))

pytestmark = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="no forks here"
)


@pytest.fixture(scope="module")
def processes():
    """Processes that have imported everything when they begin."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.estimators.killed"])
    return context


@pytest.mark.parametrize("name", killed.TASKS)
def test_a_killed_task_goes_on(processes, tmp_path, name):
    path, result = tmp_path / "kept.npz", tmp_path / "result.npz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = killed.TASKS[name]()
    moments = random.Random()
    seed = moments.randrange(2**32)
    moments.seed(seed)
    kills, most = 0, KILLS if name == "fit" else (KILLS + 1) // 2
    while not result.exists():
        task = processes.Process(target=killed.do, args=(name, str(path), str(result)))
        task.start()
        if kills < most:
            task.join(moments.uniform(0, 0.4))
        else:
            task.join(120)
        if task.is_alive():
            task.kill()
            task.join()
            kills += 1
            if path.exists():  # There is a whole file, whenever that was.
                with np.load(path, allow_pickle=False) as held:
                    assert all(len(held[each].tobytes()) >= 0 for each in held.files)
        else:
            assert task.exitcode == 0, f"after {kills} kills, seed {seed}"
            if kills < most and KILLS > 6:  # Begin anew: there are kills left.
                _compare(result, expected, seed)
                result.unlink()
    _compare(result, expected, seed)
    assert not path.exists() and not aside(path).exists()


def _compare(result, expected, seed):
    with np.load(result) as found:
        for got, value in zip((found[each] for each in found.files), expected, strict=True):
            np.testing.assert_array_equal(got, value, err_msg=f"seed {seed}")
