"""
Rows on a cluster
=================

Fit rows that are never in memory all at once, on a cluster: here, that of a laptop::

    python examples/dask_cluster.py                 10 million rows
    python examples/dask_cluster.py 200000          fewer

The address of the dashboard, where the passes can be watched, is printed.  On a cluster of
machines only the line that makes the client is another.  Needs ``pip install "gmmem[dask]"``.
"""

import sys
import time

import dask.array as da
import numpy as np
from dask.distributed import Client

from gmmem import GaussianMixture

CHUNK = 250_000


def made(block_info=None):
    """A chunk of three clusters in ten features, as it might be read from a file."""
    number, shape = block_info[None]["chunk-location"][0], block_info[None]["chunk-shape"]
    rng = np.random.default_rng(number)
    centres = 5 * np.eye(3, 10)
    return centres[rng.choice(3, size=shape[0], p=[0.5, 0.3, 0.2])] + rng.standard_normal(shape)


def main(n_rows=10_000_000):
    chunk = min(CHUNK, -(-n_rows // 4))
    lengths = tuple(min(chunk, n_rows - first) for first in range(0, n_rows, chunk))
    X = da.map_blocks(made, chunks=(lengths, (10,)), dtype=float, meta=np.empty((0, 10)))
    with Client(threads_per_worker=1) as client:
        print("Dashboard:", client.dashboard_link)
        begin = time.perf_counter()
        model = GaussianMixture(3, random_state=0).fit(X)
        print(f"{len(X):,} rows in {len(lengths)} chunks: {time.perf_counter() - begin:.1f} s")
        print("Weights:", np.sort(model.weights_).round(2))
        labels = model.predict(X)  # Lazy: nothing is computed yet.
        print("Rows in each component:", np.sort(da.bincount(labels, minlength=3).compute()))
    return model


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
