"""Time of the default search over 9 x 14 candidates, against mclust.

    python benchmarks/search.py

Prints seconds and the BIC chosen (on mclust's scale), with one and with two jobs; and where
the time goes: the tree, and EM by model.  Needs Rscript with the package mclust for the
comparison.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from gmmem import GaussianMixtureIC
from gmmem.initializers import Hierarchical

SCRIPT = """
suppressMessages(library(mclust))
args <- commandArgs(TRUE)
X <- matrix(readBin(args[1], "double", 1e9), ncol = as.integer(args[2]))
seconds <- system.time(fit <- Mclust(X, verbose = FALSE))["elapsed"]
cat(seconds, fit$modelName, fit$G, fit$bic)
"""


def make(n, d, seed=0):
    """Four clusters, each with a covariance of its own."""
    rng = np.random.RandomState(seed)
    parts = [
        rng.normal(size=(n // 4, d)) @ rng.normal(size=(d, d)) + 4 * rng.normal(size=d)
        for _ in range(4)
    ]
    return np.vstack(parts)


def mclust(X):
    if shutil.which("Rscript") is None:
        return "not installed"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "X")
        data.write_bytes(X.tobytes(order="F"))
        command = ["Rscript", "-e", SCRIPT, str(data), str(X.shape[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "not installed"


def main():
    GaussianMixtureIC(range(1, 3), n_jobs=2).fit(make(100, 2))  # Start the workers.
    for n, d in [(10_000, 2), (2_000, 5)]:
        X = make(n, d)
        print(f"{n:,} x {d}\n  mclust: seconds, model, K, BIC: {mclust(X)}")
        for n_jobs in (1, 2):
            began = time.perf_counter()
            search = GaussianMixtureIC(n_jobs=n_jobs, random_state=0).fit(X)
            seconds = time.perf_counter() - began
            print(
                f"  gmmem, {n_jobs} job(s): {seconds:.2f} {search.covariance_type_} "
                f"{search.n_components_} {-search.best_score_:.3f}"
            )
            if n_jobs == 1:
                alone = search.results_
        began = time.perf_counter()
        Hierarchical().grow(X, random_state=np.random.RandomState(0))
        print(f"  of which the tree: {time.perf_counter() - began:.2f} s; EM by model:")
        table = pd.DataFrame(alone).groupby("covariance_type")[["n_iter", "seconds"]].sum()
        print(table.T.round(2).to_string())
    X = make(2_000, 2)
    print("trees of 2,000 x 2, seconds:", end="")
    for model in ("EII", "VII", "VVV", "EEE"):
        began = time.perf_counter()
        Hierarchical(model).grow(X)
        print(f"  {model} {time.perf_counter() - began:.2f}", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
