"""`BayesianGaussianMixture` against scikit-learn's: time, memory, and clusters found.

    python benchmarks/bayesian.py            every shape of em_iteration.py that overlaps
    python benchmarks/bayesian.py --quick    a few of them with fewer rows
    python benchmarks/bayesian.py --part 5   all of them with a fifth of the rows

The time of an iteration is the slope between two fits from the same responsibilities, the least
of three by turns, in seconds of the processor: what all threads take together, with BLAS held to
one, so that neither a busy machine nor threads that wait count.  Memory is the peak above the
data.  "bound" is the largest relative difference of their lower bounds.  The second table counts
the clusters that a Dirichlet process of ten sticks finds where there are four.
"""

import time
import tracemalloc
import warnings

import numpy as np
from common import FAR, STYLES, arguments, make, plain_log, save
from em_iteration import QUICK, SHAPES
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import gmmem

CLASSES = {
    "scikit-learn": sklearn_mixture.BayesianGaussianMixture,
    "gmmem": gmmem.BayesianGaussianMixture,
}
FEW, MANY, REPEATS = 1, 6, 3

# Distances between four clusters, in standard deviations, and rows.
DISTANCES, ROWS, DATA_SETS = (3, 4, 6), (200, 2_000), 10


def fit(cls, X, shape, iterations):
    return cls(
        n_components=shape.K,
        covariance_type=shape.covariance_type,
        init_params="random",
        random_state=0,
        tol=0,
        max_iter=iterations,
    ).fit(X)


def seconds(cls, X, shape, iterations):
    began = time.process_time()
    model = fit(cls, X, shape, iterations)
    return time.process_time() - began, model


def peak(cls, X, shape):
    """Megabytes above the data."""
    tracemalloc.start()
    fit(cls, X, shape, 1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def times(shapes):
    """Rows of the first table."""
    print(f"{'case':32} {'scikit-learn':>12} {'gmmem':>8} {'ratio':>6} {'MB':>13} {'bound':>9}")
    rows = []
    for shape in shapes:
        X, _ = make(shape.n, shape.d, shape.K)
        least, bounds = dict.fromkeys(((n, i) for n in CLASSES for i in (FEW, MANY)), np.inf), {}
        for _ in range(REPEATS):
            for name, cls in CLASSES.items():
                for iterations in (FEW, MANY):
                    taken, model = seconds(cls, X, shape, iterations)
                    least[name, iterations] = min(least[name, iterations], taken)
                bounds[name] = np.ravel(model.lower_bounds_)
        best = {n: (least[n, MANY] - least[n, FEW]) / (MANY - FEW) for n in CLASSES}
        apart = np.abs(bounds["gmmem"] / bounds["scikit-learn"] - 1).max()
        memory = {name: peak(cls, X, shape) for name, cls in CLASSES.items()}
        theirs, ours = best["scikit-learn"], best["gmmem"]
        megabytes = f"{memory['scikit-learn']:.0f} / {memory['gmmem']:.0f}"
        print(
            f"{shape!s:32} {1e3 * theirs:12.1f} {1e3 * ours:8.1f} {theirs / ours:6.1f} "
            f"{megabytes:>13} {apart:9.0e}",
            flush=True,
        )
        rows.append((str(shape), theirs, ours))
    return rows


def found(cls, X, seed):
    """Components with at least one per cent of the weight."""
    model = cls(n_components=10, random_state=seed, max_iter=1_000, tol=1e-4).fit(X)
    return int(np.sum(model.weights_ > 0.01))


def recovery(data_sets):
    """How many clusters there are, four in truth, by both."""
    print(f"\n{'rows':>6} {'apart':>6} {'scikit-learn':>14} {'gmmem':>14}   found of four; exactly")
    for n in ROWS:
        for distance in DISTANCES:
            counts = {name: [] for name in CLASSES}
            for seed in range(data_sets):
                rng = np.random.default_rng(seed)
                centres = distance * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
                X = centres[rng.integers(4, size=n)] + rng.standard_normal((n, 2))
                for name, cls in CLASSES.items():
                    counts[name].append(found(cls, X, seed))
            cells = [
                f"{np.mean(each):5.1f}; {np.mean(np.array(each) == 4):4.0%}"
                for each in counts.values()
            ]
            print(f"{n:6} {distance:6} {cells[0]:>14} {cells[1]:>14}", flush=True)


def draw(plt, rows):
    names, theirs, ours = zip(*rows, strict=True)
    figure, ax = plt.subplots(figsize=(8, 0.36 * len(rows) + 1.4), layout="constrained")
    y = np.arange(len(rows))[::-1]
    for label, values in (("scikit-learn", theirs), ("gmmem", ours)):
        colour, marker = STYLES[label]
        ax.plot(1e3 * np.array(values), y, marker, color=colour, label=label, ls="none")
    ax.hlines(y, 1e3 * np.array(ours), 1e3 * np.array(theirs), color="#dddddd", zorder=0)
    ax.set_yticks(y, names, fontsize=8)
    ax.set(xscale="log", xlabel="milliseconds of the processor an iteration")
    plain_log(ax.xaxis)
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    options = arguments(__doc__, "bayesian", part=(1, "one row in how many is kept"))
    shapes = QUICK if options.quick else SHAPES
    shapes = [shape for shape in shapes if shape.apart != FAR]
    with threadpool_limits(1):
        table = times([shape._replace(n=shape.n // options.part) for shape in shapes])
    recovery(2 if options.quick else DATA_SETS)
    save(options.figure, draw, table)
