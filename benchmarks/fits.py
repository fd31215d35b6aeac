"""Whole fits, their starts, predictions, small fits and imports against scikit-learn, in one run.

    python benchmarks/fits.py            about ten minutes
    python benchmarks/fits.py --quick    smaller sizes, two seeds

Defaults, start included.  Fits from several random states: with both mean log-likelihoods side
by side, because each library finds an optimum of its own, and the iterations that it took.
"""

import statistics
import subprocess
import sys
import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
from common import FAR, OVERLAPPING, STYLES, arguments, best_of, make, plain_log, save
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning

import gmmem
from gmmem.datasets import load_old_faithful
from gmmem.initializers import KMeans

CLASSES = {
    "scikit-learn": sklearn_mixture.GaussianMixture,
    "gmmem": gmmem.GaussianMixture,
}
FITS = [
    (1_000_000, 2, 5, OVERLAPPING),
    (200_000, 10, 10, OVERLAPPING),
    (100_000, 50, 10, OVERLAPPING),
    (100_000, 50, 10, FAR),
]
OPTIONS = {"seeds": (5, "number of random states")}

# Differences of the mean log-likelihood below this are drawn as this.
NO_DIFFERENCE = 1e-6


class Fit(NamedTuple):
    """One default fit: seconds, mean log-likelihood of the rows, iterations."""

    seconds: float
    score: float
    n_iter: int


def default_fit(cls, X, K, seed):
    seconds, model = best_of(partial(cls(K, random_state=seed).fit, X), 1)
    # By one formula for both.
    covariances = model.covariances_
    found = gmmem.GaussianMixture.from_parameters(model.weights_, model.means_, covariances)
    return Fit(seconds, found.score(X), model.n_iter_)


def fits(shapes, seeds):
    """Print a row for each seed and the medians; return the fits by shape and library."""
    print("\n" + " " * 54 + "mean log-likelihood       iterations")
    print("default fit           random state  sklearn s  gmmem s  ratio  ", end="")
    print("scikit-learn        gmmem  sklearn  gmmem")
    table = {}
    for n, d, K, apart in shapes:
        X, _ = make(n, d, K, apart=apart)
        name = f"{n:,} x {d}, K = {K}" + (", far" if apart == FAR else "")
        pairs = [
            [default_fit(cls, X, K, seed) for cls in CLASSES.values()] for seed in range(seeds)
        ]
        for seed, (theirs, ours) in enumerate(pairs):
            row(name, seed, theirs, ours)
        theirs, ours = (
            Fit(*(statistics.median(values) for values in zip(*column, strict=True)))
            for column in zip(*pairs, strict=True)
        )
        row(name, "median", theirs, ours)
        table[name] = dict(zip(CLASSES, zip(*pairs, strict=True), strict=True))
    return table


def row(name, seed, theirs, ours):
    print(
        f"{name:26} {seed!s:>6} {theirs.seconds:11.2f} {ours.seconds:8.2f} "
        f"{theirs.seconds / ours.seconds:6.1f} {theirs.score:14.6f} {ours.score:12.6f} "
        f"{theirs.n_iter:8g} {ours.n_iter:6g}",
        flush=True,
    )


def small():
    print("small fit, K = 2        scikit-learn ms  gmmem ms  ratio")
    for name, X in [
        ("Old Faithful, 272 x 2", load_old_faithful()),
        ("200 x 5", make(200, 5, 3)[0]),
    ]:
        times = []
        for cls in CLASSES.values():
            model = cls(2, random_state=0)
            runs = [best_of(partial(model.fit, X), 1)[0] for _ in range(30)]
            times.append(statistics.median(runs))
        theirs, ours = times
        print(f"{name:22} {1e3 * theirs:16.2f} {1e3 * ours:9.2f} {theirs / ours:6.2f}")


def shares(sizes):
    """Print how much of a default fit is its start: all but EM."""
    d, K = 10, 10
    print(f"default fit, K = {K}     whole s  start s  share   k-means alone s")
    for n in sizes:
        X, _ = make(n, d, K)
        whole, start = (
            best_of(partial(gmmem.GaussianMixture(K, random_state=0, **params).fit, X), 5)[0]
            for params in ({}, {"max_iter": 0})
        )
        kmeans, _ = best_of(partial(KMeans(), X, K, random_state=0), 5)
        print(f"{n:9,} x {d:<11} {whole:9.4f} {start:8.4f} {start / whole:6.0%} {kmeans:17.4f}")


def predictions(n):
    """Print a row for each method; return the seconds by method and library."""
    d, K, table = 10, 10, {}
    X, _ = make(n, d, K)
    theirs, ours = (cls(K, random_state=0, max_iter=5).fit(X[:20_000]) for cls in CLASSES.values())
    print(f"{n:,} x {d}, K = {K}   scikit-learn s   gmmem s   ratio   largest difference")
    for name in ("predict", "predict_proba", "score_samples"):
        slow, a = best_of(partial(getattr(theirs, name), X), 2)
        fast, b = best_of(partial(getattr(ours, name), X), 3)
        difference = np.abs(a.astype(float) - b).max()
        print(f"{name:22} {slow:15.3f} {fast:9.3f} {slow / fast:7.1f} {difference:12.1e}")
        table[f"{name}, {n:,} x {d}, K = {K}"] = {"scikit-learn": [slow], "gmmem": [fast]}
    return table


# A collection of the garbage of the first import may fall into the second: there is to be none.
IMPORTS = """
import gc
import time
gc.disable()
began = time.perf_counter()
import sklearn.mixture
between = time.perf_counter()
import gmmem
print(between - began, time.perf_counter() - between)
"""


def imports():
    """In processes of their own, first the one and then the other."""
    command = [sys.executable, "-c", IMPORTS]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(9)
    ]
    base, more = (1e3 * statistics.median(map(float, column)) for column in zip(*runs, strict=True))
    print(f"import sklearn.mixture {base:.0f} ms; gmmem after it {more:.0f} ms more")


def draw(pyplot, predicted, fitted):
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    times = {
        f"fit, {name}": {library: [fit.seconds for fit in found] for library, found in row.items()}
        for name, row in fitted.items()
    }
    times.update(predicted)
    for library in CLASSES:
        colour, marker = STYLES[library]
        style = dict(marker=marker, linestyle="", color=colour, alpha=0.7)
        points = [(value, i) for i, row in enumerate(times.values()) for value in row[library]]
        left.plot(*zip(*points, strict=True), label=library, **style)
        points = []
        for i, row in enumerate(fitted.values()):
            best = max(fit.score for found in row.values() for fit in found)
            # The two libraries side by side where they found the same.
            place = i + (0.12 if library == "gmmem" else -0.12)
            points += [(max(best - fit.score, NO_DIFFERENCE), place) for fit in row[library]]
        right.plot(*zip(*points, strict=True), **style)
    for axes, names in ((left, times), (right, fitted)):
        axes.set(xscale="log", yticks=range(len(names)), yticklabels=list(names))
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(alpha=0.3)
    plain_log(left.xaxis)
    left.set_xlabel("seconds")
    right.set_xlabel(
        "mean log-likelihood below the best found\n"
        f"(nats per row; at the left {NO_DIFFERENCE:g} or less)"
    )
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return figure


def main():
    options = arguments(__doc__, "fits", **OPTIONS)
    warnings.simplefilter("ignore", ConvergenceWarning)
    imports()
    small()
    shares([10_000, 100_000] if options.quick else [10_000, 100_000, 1_000_000])
    predicted = predictions(100_000 if options.quick else 1_000_000)
    shapes, seeds = FITS, options.seeds
    if options.quick:
        shapes, seeds = [(n // 10, d, K, apart) for n, d, K, apart in FITS[1:3]], 2
    save(options.figure, draw, predicted, fits(shapes, seeds))


if __name__ == "__main__":
    main()
