"""Time of one EM iteration against scikit-learn, oneDAL, mclust, pomegranate, tgmm and gmmx.

    python benchmarks/em_iteration.py            every shape (about half an hour with all peers)
    python benchmarks/em_iteration.py --quick    the smallest of each kind, fewer rows

Peers that live in an environment of their own are named by its interpreter:

    python benchmarks/em_iteration.py --onedal onedal/bin/python --pomegranate torch/bin/python \\
        --tgmm torch/bin/python --gmmx jax/bin/python

The same start and the same data: clusters that overlap and, where it says "far", clusters that
do not.  The time is the slope between two numbers of iterations, the
best of a few runs, per iteration really done.  After five iterations the log-likelihood of
every library's parameters is computed by one formula, and its difference from gmmem's,
relative, stands beside the time.  A second table has gmmem's float32 against its float64.
"""

import sys
import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
from common import (
    FAR,
    OVERLAPPING,
    STYLES,
    TYPES,
    arguments,
    make,
    plain_log,
    save,
    slope,
    start_beside,
)
from peers.exchange import COMPARED, FEW, MANY, Answer, Unanswered, ask, ask_mclust
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning

import gmmem


class Shape(NamedTuple):
    """A type of covariance and a size."""

    covariance_type: str
    n: int
    d: int
    K: int
    apart: float = OVERLAPPING

    def __str__(self):
        far = ", far" if self.apart == FAR else ""
        return f"{self.covariance_type} {self.n:,} x {self.d}, K = {self.K}{far}"


SHAPES = [
    Shape("full", 1_000_000, 2, 5),
    Shape("full", 500_000, 4, 10),
    Shape("full", 200_000, 10, 10),
    Shape("full", 100_000, 20, 20),
    Shape("full", 100_000, 30, 50),
    Shape("full", 100_000, 50, 10),
    Shape("full", 100_000, 50, 10, FAR),
    Shape("full", 50_000, 100, 10),
    Shape("full", 50_000, 100, 10, FAR),
    Shape("tied", 100_000, 50, 10),
    Shape("tied", 50_000, 100, 20),
    Shape("diag", 1_000_000, 2, 5),
    Shape("diag", 200_000, 16, 64),
    Shape("diag", 100_000, 64, 128),
    Shape("diag", 100_000, 64, 128, FAR),
    Shape("full", 20_000, 200, 10),
    Shape("tied", 200_000, 10, 10),
    Shape("spherical", 200_000, 10, 10),
]
QUICK = [SHAPES[i]._replace(n=SHAPES[i].n // 10) for i in (2, 5, 6, 9, 11)]

ROWS = {2: 1_000_000, 10: 200_000, 50: 50_000}
"""Of the second table, by the number of features."""

LIBRARIES = ("gmmem", "scikit-learn", "oneDAL", "mclust", "pomegranate", "tgmm", "gmmx")

OPTIONS = {
    "onedal": ("", "interpreter of the environment that has daal4py"),
    "pomegranate": ("", "interpreter of the environment that has pomegranate"),
    "tgmm": ("", "interpreter of the environment that has tgmm"),
    "gmmx": ("", "interpreter of the environment that has gmmx"),
    "rscript": ("Rscript", "R's interpreter for scripts, which has mclust"),
    "patience": (600, "most seconds for one peer on one shape"),
}


def params(start):
    """The constructor's parameters for a start, and for nothing to be added to covariances."""
    precisions = start.covariances  # Of the identity, the inverse is itself.
    return dict(
        n_components=len(start.weights),
        covariance_type=start.covariance_type,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=precisions,
        reg_covar=0.0,
        tol=0,
    )


def fit(cls, X, start, iterations):
    return cls(max_iter=iterations, **params(start)).fit(X)


def iterate(cls, X, start, iterations):
    return fit(cls, X, start, iterations).n_iter_


def measure(cls, X, start, many):
    """Time a class with scikit-learn's interface in this process."""
    timed = slope(partial(iterate, cls, X, start), FEW, many, 3)
    model = fit(cls, X, start, COMPARED)
    return Answer(*timed, model.weights_, model.means_, model.covariances_)


def mclust(options, X, start):
    model = gmmem.GaussianMixture.from_parameters(
        start.weights, start.means, start.covariances, covariance_type=start.covariance_type
    )
    responsibilities = model.predict_proba(X)
    return ask_mclust(options.rscript, X, responsibilities, start, options.patience)


def libraries(options):
    """For each name a function of X and a start that gives the library's answer."""

    def peer(name):
        python = getattr(options, name) or sys.executable
        return lambda X, start: ask(name, python, X, start, options.patience)

    runs = (
        lambda X, start: measure(gmmem.GaussianMixture, X, start, 22),
        lambda X, start: measure(sklearn_mixture.GaussianMixture, X, start, MANY),
        peer("onedal"),
        partial(mclust, options),
        peer("pomegranate"),
        peer("tgmm"),
        peer("gmmx"),
    )
    return dict(zip(LIBRARIES, runs, strict=True))


def log_likelihood(answer, covariance_type, X):
    """Mean log-likelihood of the parameters that were found, by one formula for all."""
    weights = np.asarray(answer.weights, dtype=np.float64)
    model = gmmem.GaussianMixture.from_parameters(
        weights / weights.sum(), answer.means, answer.covariances, covariance_type=covariance_type
    )
    return model.score(X)


def against_peers(shapes, options):
    """Print a row for each shape and library; return milliseconds by shape, then library."""
    print(f"{'shape':34} library            ms   times gmmem's   log-lik. diff.   iterations done")
    table = {}
    for shape in shapes:
        X, centres = make(shape.n, shape.d, shape.K, apart=shape.apart)
        start = start_beside(centres, shape.covariance_type)
        ours, expected = None, None
        row = table[shape] = {}
        for library, run in libraries(options).items():
            line = f"{shape!s:34} {library:12}"
            try:
                answer = run(X, start)
                score = log_likelihood(answer, shape.covariance_type, X)
                if not answer.seconds > 0:
                    raise Unanswered(f"no slope; {answer.done} of {answer.asked} iterations done")
            except (Unanswered, ValueError) as error:
                print(f"{line} {error}", flush=True)
                continue
            milliseconds = row[library] = 1e3 * answer.seconds
            if library == "gmmem":
                ours, expected = milliseconds, score
            print(
                f"{line} {milliseconds:8.2f} {milliseconds / ours:10.1f} "
                f"{score / expected - 1:18.1e} {answer.done:4} of {answer.asked}",
                flush=True,
            )
    return table


def summary(table):
    """The same milliseconds, a row for each shape."""
    print("\n" + " " * 34 + "".join(f"{name:>13}" for name in LIBRARIES))
    for shape, row in table.items():
        cells = (f"{row[name]:13.2f}" if name in row else f"{'-':>13}" for name in LIBRARIES)
        print(f"{shape!s:34}{''.join(cells)}")


def single_precision(rows):
    """float32 against float64, both gmmem's: what it gains and what it costs."""
    K, table = 10, {}
    print("\ntype          n x d, K = 10   float64 ms   float32 ms   ratio   mean log-lik. diff.")
    for d, n in rows.items():
        X, centres = make(n, d, K)
        for covariance_type in TYPES:
            start = start_beside(centres, covariance_type)
            double, single = (
                measure(gmmem.GaussianMixture, X.astype(dtype), start, 22)
                for dtype in (np.float64, np.float32)
            )
            difference = log_likelihood(single, covariance_type, X) - log_likelihood(
                double, covariance_type, X
            )
            ratio = table[covariance_type, d] = double.seconds / single.seconds
            print(
                f"{covariance_type:9} {n:9,} x {d:2} {1e3 * double.seconds:15.2f} "
                f"{1e3 * single.seconds:12.2f} {ratio:7.2f} {difference:17.1e}",
                flush=True,
            )
    return table


def draw(pyplot, table, ratios):
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(11, 5), width_ratios=[2, 1], layout="constrained"
    )
    for name in LIBRARIES:
        points = [(row[name], i) for i, row in enumerate(table.values()) if name in row]
        if points:
            colour, marker = STYLES[name]
            left.plot(*zip(*points, strict=True), marker, color=colour, label=name)
    left.set(
        xscale="log",
        xlabel="milliseconds per EM iteration",
        yticks=range(len(table)),
        yticklabels=[str(shape) for shape in table],
    )
    left.invert_yaxis()
    left.grid(alpha=0.3)
    left.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=7, fontsize="small")
    plain_log(left.xaxis)
    for covariance_type in TYPES:
        features = [d for kind, d in ratios if kind == covariance_type]
        colour, marker = STYLES[covariance_type]
        values = [ratios[covariance_type, d] for d in features]
        right.plot(features, values, "-" + marker, color=colour, label=covariance_type)
    right.axhline(1, color="grey", linewidth=1)
    right.set(xscale="log", xlabel="features", ylabel="time in float64 / time in float32")
    right.set_ylim(bottom=0)
    right.set_xticks(features, [str(d) for d in features])
    right.minorticks_off()
    right.grid(alpha=0.3)
    right.legend()
    return figure


def main():
    options = arguments(__doc__, "em_iteration", **OPTIONS)
    warnings.simplefilter("ignore", ConvergenceWarning)
    table = against_peers(QUICK if options.quick else SHAPES, options)
    summary(table)
    rows = {d: n // 10 if options.quick else n for d, n in ROWS.items()}
    ratios = single_precision(rows)
    save(options.figure, draw, table, ratios)


if __name__ == "__main__":
    main()
