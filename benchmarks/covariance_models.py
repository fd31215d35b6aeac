"""Time of one EM iteration and one M-step for each of the fourteen models, against mclust.

    python benchmarks/covariance_models.py            about three minutes
    python benchmarks/covariance_models.py --quick    fewer rows

The same labels to start from; the time is the slope between two numbers of iterations,
the best of a few runs.  Needs Rscript with the package mclust for the comparison;
without it, mclust's columns say so.  Prints the difference of the log-likelihoods
after five rounds.
"""

import csv
import shutil
import subprocess
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
from common import STYLES, arguments, plain_log, save

from gmmem import em
from gmmem.covariances import FOURTEEN
from gmmem.initializers import as_assignment
from gmmem.problem import Problem
from gmmem.sources import InMemory

SHAPES = [(100_000, 2, 5), (50_000, 10, 10), (20_000, 20, 20)]

SCRIPT = """
suppressMessages(library(mclust))
args <- commandArgs(TRUE)
X <- matrix(readBin(args[1], "double", 1e9), ncol = as.integer(args[3]))
z <- unmap(readBin(args[2], "integer", 1e9))
for (model in mclust.options("emModelNames")) {
  run <- function(rounds) me(X, model, z, control = emControl(tol = c(0, 1e-8),
                                                              itmax = c(rounds, 500)))
  seconds <- function(rounds) min(replicate(2, system.time(run(rounds))["elapsed"]))
  slope <- (seconds(7) - seconds(2)) / 5
  cat(model, slope, format(run(5)$loglik, digits = 15), "\\n", sep = ",")
}
"""


def make(n, d, K, seed=0):
    """Overlapping clusters of different covariances, and labels from their centres."""
    rng = np.random.RandomState(seed)
    centres = 2 * rng.normal(size=(K, d))
    labels = rng.randint(K, size=n)
    shapes = np.eye(d) + 0.3 * rng.normal(size=(K, d, d)) / np.sqrt(d)
    X = centres[labels] + np.einsum("nij,nj->ni", shapes[labels], rng.normal(size=(n, d)))
    distances = ((X[:, None] - centres) ** 2).sum(axis=2)
    return X, distances.argmin(axis=1)


def mclust(X, labels):
    """Seconds and log-likelihood of each model; empty where mclust is not installed."""
    if shutil.which("Rscript") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        data, start = Path(folder, "X"), Path(folder, "labels")
        data.write_bytes(X.astype(np.float64).tobytes(order="F"))
        start.write_bytes((labels + 1).astype(np.int32).tobytes())
        command = ["Rscript", "-e", SCRIPT, str(data), str(start), str(X.shape[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = csv.reader(done.stdout.split())
    return {row[0]: (float(row[1]), float(row[2])) for row in rows if len(row) > 2}


def seconds(rows, start, model, iterations, repeats=3):
    best = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in islice(em.iterate(start, rows, model), iterations):
            pass
        best = min(best, time.perf_counter() - began)
    return best


def m_step(state, rows, model):
    """Seconds of one M-step that starts from the last one's covariances."""
    problem = Problem.of(rows, model)
    _, moments, _ = problem.expect(state.update)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        problem.maximise(moments, state.update)
        times.append(time.perf_counter() - began)
    return min(times)


def measure(shapes):
    """Print a row for each model; return the milliseconds by shape, model and library."""
    table = {}
    for n, d, K in shapes:
        X, labels = make(n, d, K)
        theirs = mclust(X, labels)
        print(f"{n:,} x {d}, K = {K}")
        print("model   mclust ms   gmmem ms   ratio   log-lik. difference   M-step alone ms")
        found = table[f"{n:,} x {d}, K = {K}"] = {}
        rows = InMemory(X)
        with rows.working():
            for code, model in FOURTEEN.items():
                start = em.initial_mixture(rows, as_assignment(labels, n, K, "labels"), K, model)
                ours = (seconds(rows, start, model, 22) - seconds(rows, start, model, 2)) / 20
                state = list(islice(em.iterate(start, rows, model), 5))[-1]
                alone = m_step(state, rows, model)
                found[code] = {"gmmem": 1e3 * ours}
                if code in theirs:
                    slope, log_likelihood = theirs[code]
                    found[code]["mclust"] = 1e3 * slope
                    print(
                        f"{code} {1e3 * slope:14.1f} {1e3 * ours:10.2f} {slope / ours:7.1f} "
                        f"{state.log_likelihood - log_likelihood:20.1e} {1e3 * alone:17.3f}",
                        flush=True,
                    )
                else:
                    print(f"{code}  not installed {1e3 * ours:8.2f} {1e3 * alone:8.3f}", flush=True)
    return table


def draw(pyplot, table):
    figure, panels = pyplot.subplots(
        1, len(table), figsize=(10, 4.5), sharex=True, sharey=True, layout="constrained"
    )
    for axes, (shape, found) in zip(panels, table.items(), strict=True):
        for library in ("gmmem", "mclust"):
            points = [(row[library], code) for code, row in found.items() if library in row]
            if points:
                colour, marker = STYLES[library]
                axes.plot(*zip(*points, strict=True), marker, color=colour, label=library)
        axes.set(title=shape, xscale="log", xlabel="milliseconds per EM iteration")
        axes.grid(alpha=0.3)
        plain_log(axes.xaxis)
    panels[0].invert_yaxis()
    panels[0].legend()
    return figure


def main():
    options = arguments(__doc__, "covariance_models")
    shapes = [(n // 10, d, K) for n, d, K in SHAPES] if options.quick else SHAPES
    save(options.figure, draw, measure(shapes))


if __name__ == "__main__":
    main()
