"""Small data, where most models are chosen by BIC: searches, trees, tests, fits, predictions.

    python benchmarks/small.py [--quick] [--repeat 5]

Seconds (medians) with default settings, beside mclust (where Rscript and its package are
installed) and scikit-learn, one after the other in the same run on a machine with nothing
else to do; and log-likelihoods or BICs of both, for what is compared is to be equal first.
"""

import shutil
import subprocess
import tempfile
import warnings
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from common import STYLES, arguments, save
from sklearn.datasets import load_iris
from sklearn.mixture import GaussianMixture as Theirs

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.bootstrap import likelihood_ratio_test
from gmmem.initializers import Hierarchical

R_BEGIN = """
suppressMessages(library(mclust))
args <- commandArgs(TRUE)
X <- matrix(readBin(args[1], "double", 1e9), ncol = as.integer(args[2]))
repeats <- as.integer(args[3])
timed <- function(f) {
  seconds <- c()
  for (i in 1:repeats) { t <- proc.time(); r <- f(); t <- proc.time() - t
                         seconds <- c(seconds, t[3]) }
  cat(median(seconds), r)
}
"""

R_SEARCH = "timed(function() Mclust(X, verbose = FALSE)$bic)"
R_TREE = 'timed(function() nrow(X) + 0 * length(hc(X, modelName = "{0}", use = "VARS")))'
R_TEST = (
    'timed(function() mclustBootstrapLRT(X, modelName = "VVV", nboot = 10, maxG = 1, '
    "verbose = FALSE)$obs[1])"
)


def clusters(n, d, K=3, seed=0):
    """K clusters that overlap a little, wider and wider."""
    rng = np.random.RandomState(seed)
    sizes = np.bincount(np.arange(n) % K)
    parts = [
        (0.5 + 0.3 * k) * rng.randn(size, d) + 3 * rng.randn(d) for k, size in enumerate(sizes)
    ]
    return np.vstack(parts)


def mclust(script, X, repeat):
    """Median seconds and a number to compare, or nothing where there is no mclust."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "X")
        data.write_bytes(np.asarray(X, dtype=float).tobytes(order="F"))
        command = ["Rscript", "-e", R_BEGIN + script, str(data), str(X.shape[1]), str(repeat)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = done.stdout.split()
    return tuple(map(float, answer)) if len(answer) == 2 else None


def timed(call, repeat, times=1):
    """Median processor seconds of a call, and what it gave last."""
    call()
    seconds = []
    for _ in range(repeat):
        began = perf_counter()
        for _ in range(times):
            answer = call()
        seconds.append((perf_counter() - began) / times)
    return float(np.median(seconds)), answer


DONE = []
"""The rows of the table, for the figure."""


def line(case, ours, theirs, peer, compared):
    """One row of the table."""
    DONE.append((case, ours, theirs, peer))
    if theirs is None:
        print(f"{case:34} {ours:9.4f}  {peer} is not installed", flush=True)
    else:
        print(
            f"{case:34} {ours:9.4f} {theirs:9.4f} {ours / theirs:6.2f}  {peer:12} {compared}",
            flush=True,
        )


def searches(shapes, repeat):
    """The default search beside mclust's."""
    for name, X in shapes:
        seconds, search = timed(partial(GaussianMixtureIC().fit, X), repeat)
        peer = mclust(R_SEARCH, X, repeat)
        compared = f"BIC {search.best_score_:.3f} {-peer[1]:.3f}" if peer else ""
        line(f"default search, {name}", seconds, peer and peer[0], "mclust", compared)


def trees(cases, repeat):
    """Model-based agglomeration beside mclust's."""
    for model, n, d in cases:
        X = clusters(n, d)
        tree = Hierarchical(model, use="VARS")
        seconds, _ = timed(partial(tree.grow, X, None, None), repeat)
        peer = mclust(R_TREE.format(model), X, repeat)
        line(f"{model} tree, {n:,} x {d}", seconds, peer and peer[0], "mclust", "")


def tests(sizes, repeat):
    """The likelihood ratio test, ten replicates."""
    for n in sizes:
        X = clusters(n, 2)
        params = dict(covariance_type="VVV", n_replicates=10, random_state=0)
        seconds, result = timed(partial(likelihood_ratio_test, X, 1, **params), repeat)
        peer = mclust(R_TEST, X, repeat)
        compared = f"statistic {result.statistic:.3f} {peer[1]:.3f}" if peer else ""
        line(f"likelihood ratio test, {n:,} x 2", seconds, peer and peer[0], "mclust", compared)


def fits(sizes, repeat):
    """A fit from start to end, and predictions, beside scikit-learn's."""
    for n in sizes:
        X = clusters(n, 2)
        mine, model = timed(partial(GaussianMixture(3, random_state=0).fit, X), repeat, 10)
        sklearn, peer = timed(partial(Theirs(3, random_state=0).fit, X), repeat, 10)
        compared = f"log-likelihood a row {model.score(X):.6f} {peer.score(X):.6f}"
        line(f"fit, {n} x 2, K = 3", mine, sklearn, "scikit-learn", compared)
    for rows in (1, 100):
        for method in ("predict", "score_samples"):
            mine, _ = timed(partial(getattr(model, method), X[:rows]), repeat, 200)
            sklearn, _ = timed(partial(getattr(peer, method), X[:rows]), repeat, 200)
            line(f"{method}, {rows} rows", mine, sklearn, "scikit-learn", "")


def draw(pyplot, done):
    """The time of gmmem over its peer's, a bar a case: one is as fast."""
    rows = [(case, ours / theirs, peer) for case, ours, theirs, peer in done if theirs]
    figure, axes = pyplot.subplots(figsize=(8, 0.5 + 0.26 * len(rows)), layout="constrained")
    for peer in ("mclust", "scikit-learn"):
        places = [i for i, row in enumerate(rows) if row[2] == peer]
        widths = [rows[i][1] for i in places]
        colour = STYLES[peer][0]
        axes.barh(places, np.log2(widths), color=colour, label=f"beside {peer}")
    axes.axvline(0, color="black", linewidth=1)
    ticks = np.arange(-7, 3)
    axes.set_xticks(
        ticks, [f"{2**tick}" if tick >= 0 else f"1/{2**-tick}" for tick in ticks.tolist()]
    )
    axes.set(xlabel="time of gmmem / time of the peer", ylim=(len(rows) - 0.4, -0.6))
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower left", fontsize="small")
    return figure


def main():
    options = arguments(__doc__, "small", repeat=(5, "the median of so many"))
    warnings.simplefilter("ignore")
    repeat = options.repeat
    print(f"{'case':34} {'gmmem s':>9} {'peer s':>9} {'ratio':>6}  peer")
    small = [(f"{n:,} x {d}", clusters(n, d)) for n, d in ((200, 2), (300, 2), (500, 3), (1000, 3))]
    searches([*small, ("iris", load_iris().data)], repeat)
    fits((100, 300), repeat)
    trees([("VVV", 200, 30), ("EEE", 200, 30)], repeat)
    tests([1000], repeat)
    if not options.quick:
        trees([("VVV", 1000, 30), ("EEE", 1000, 10), ("EEE", 2000, 2)], min(repeat, 2))
        tests([2000, 4000, 8000], 1)
        larger = [(f"{n:,} x {d}", clusters(n, d)) for n, d in ((1000, 10), (5000, 5), (5000, 30))]
        searches(larger, 1)
    save(options.figure, draw, DONE)


if __name__ == "__main__":
    main()
