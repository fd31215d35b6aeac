"""A Dask array four times as large as the memory that its fit may take."""

import subprocess
import sys

import pytest

pytest.importorskip("dask.array", reason="Dask is not installed.")

SCRIPT = """
import resource
import dask
import dask.array as da
import numpy as np
from gmmem import GaussianMixture

ROWS, D = 50_000, 32
base = np.random.RandomState(0).normal(size=(ROWS // 20, D))

def made(block_info=None):
    number = block_info[None]["chunk-location"][0]
    X = np.tile(base, (20, 1))
    X += 4 * (number % 2)
    return X

def collection(n_chunks):
    meta = np.empty((0, D))
    return da.map_blocks(made, chunks=((ROWS,) * n_chunks, (D,)), dtype=float, meta=meta)

def fit(n_chunks):
    settings = dict(random_state=0, max_iter=1, covariance_type="diag")
    return GaussianMixture(2, **settings).fit(collection(n_chunks))

dask.config.set(scheduler="threads", num_workers=1)
few = fit(2)  # What is loaded and started once is there.
with open("/proc/self/status") as status:
    data = next(1024 * int(line.split()[1]) for line in status if line.startswith("VmData"))
limit = data + 64 * 2**20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
many = collection(4 * limit // (ROWS * D * 8) // 2 * 2 + 2)
assert many.nbytes > 4 * limit
if "collect" in __import__("sys").argv:
    many.compute()
model = fit(len(many.chunks[0]))
np.testing.assert_allclose(np.sort(model.means_, axis=0), np.sort(few.means_, axis=0), atol=0.02)
labels = model.predict(many)
assert int((labels == labels[0]).sum().compute()) in range(many.shape[0] * 2 // 5, many.shape[0])
print("fitted", many.nbytes, limit)
"""


def run(*args):
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="Private memory can be limited on Linux only.")
def test_four_times_the_memory():
    done = run()
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("fitted")


@pytest.mark.skipif(sys.platform != "linux", reason="Private memory can be limited on Linux only.")
def test_the_limit_is_one():
    done = run("collect")
    assert done.returncode != 0 and "MemoryError" in done.stderr
