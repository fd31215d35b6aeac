"""The examples of this folder's subject run as they stand, and find what they made."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def main(name):
    return runpy.run_path(str(EXAMPLES / name))["main"]


def test_a_stream_of_clusters_that_move_and_come_back(capsys):
    model = main("stream.py")()
    assert "batch   weights        means" in capsys.readouterr().out
    np.testing.assert_allclose(np.sort(model.means_.ravel()), [-8, 5.8], atol=0.3)
    np.testing.assert_allclose(model.weights_, 0.5, atol=0.02)


def test_files_a_batch_at_a_time(capsys):
    model = main("out_of_core.py")()
    assert "200,000 rows" in capsys.readouterr().out
    np.testing.assert_allclose(np.sort(model.means_, axis=0), [[0] * 3, [4] * 3], atol=0.05)


def test_a_cluster_with_one_command():
    pytest.importorskip("distributed", reason="Dask's scheduler is not installed.")
    command = [sys.executable, str(EXAMPLES / "dask_cluster.py"), "40000"]
    root = str(EXAMPLES.parent)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=root,
        env=dict(os.environ, PYTHONPATH=root),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Dashboard: http" in done.stdout and "40,000 rows in 4 chunks" in done.stdout
    assert "[0.2 0.3 0.5]" in done.stdout
