"""
Rows in files
=============

Full EM over files that do not fit in memory: a batch at a time, as often as asked::

    python examples/out_of_core.py

Writes ten files into a temporary folder and fits them all: Parquet, where pyarrow is
installed, and NumPy's own otherwise.
"""

import tempfile
from pathlib import Path

import numpy as np

from gmmem import GaussianMixture
from gmmem.sources import Batches

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    pq = None


def write(folder, number):
    """A file of two clusters."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((20_000, 3)) + 4 * rng.integers(2, size=(20_000, 1))
    if pq is None:
        np.save(folder / f"{number}.npy", X)
    else:
        table = pa.table({f"x{j}": X[:, j] for j in range(3)})
        pq.write_table(table, folder / f"{number}.parquet")


def batches(folder):
    """The rows of every file, from the beginning: what `Batches` asks for in each pass."""
    for path in sorted(folder.iterdir()):
        if pq is None:
            yield np.load(path)
        else:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=10_000):
                yield np.column_stack([column.to_numpy() for column in batch.columns])


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(10):
            write(folder, number)
        rows = Batches(lambda: batches(folder))
        model = GaussianMixture(2, random_state=0).fit(rows)
        print(f"{rows.n_rows:,} rows from {'npy' if pq is None else 'Parquet'} files")
        print("Means:", np.sort(model.means_[:, 0]).round(1))
        print("Mean log-density:", round(model.score(rows), 3))
    return model


if __name__ == "__main__":
    main()
