"""`BayesianGaussianMixture` against scikit-learn's: time, memory, and clusters found.

    python benchmarks/bayesian.py            every shape of em_iteration.py that overlaps, a quarter
                                             of its rows, and the clusters found (ten minutes)
    python benchmarks/bayesian.py --quick    a few shapes with fewer rows, a few data sets
    python benchmarks/bayesian.py --part 1   all of the rows
    python benchmarks/bayesian.py --wall     also with as many threads as each library takes

The time of an iteration is the slope between two fits from the same responsibilities, the least
of three by turns, in seconds of the processor with everybody held to one thread: a busy machine
changes them least.  With --wall, a machine of one's own is needed.
"floor" is what the multiplications alone would take that no EM in float64 does without (scores
from the quadratic terms of the rows, moments from responsibilities), at the speed at which a
core multiplies large square matrices.  Memory is the peak above the data.  "bound" is the
largest relative difference of their lower bounds.

The second table counts the clusters that a Dirichlet process of ten sticks finds where there
are four, a cluster being a component with a hundredth of the weight; ARI is the adjusted Rand
index of its partition with the truth.
"""

import time
import tracemalloc
import warnings

import numpy as np
from common import FAR, STYLES, arguments, make, plain_log, save
from em_iteration import QUICK, SHAPES
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

import gmmem

CLASSES = {
    "scikit-learn": sklearn_mixture.BayesianGaussianMixture,
    "gmmem": gmmem.BayesianGaussianMixture,
}
FEW, MANY, REPEATS = 1, 6, 3

# Rows of the matrices whose product tells how fast a core multiplies.
SQUARE = 768

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


def compared(X, shape, clock):
    """Seconds an iteration by each class, by turns, and how far their bounds are apart."""
    least, bounds = dict.fromkeys(((n, i) for n in CLASSES for i in (FEW, MANY)), np.inf), {}
    for _ in range(REPEATS):
        for name, cls in CLASSES.items():
            for iterations in (FEW, MANY):
                began = clock()
                model = fit(cls, X, shape, iterations)
                least[name, iterations] = min(least[name, iterations], clock() - began)
            bounds[name] = np.ravel(model.lower_bounds_)
    best = {n: (least[n, MANY] - least[n, FEW]) / (MANY - FEW) for n in CLASSES}
    return best, np.abs(bounds["gmmem"] / bounds["scikit-learn"] - 1).max()


def rate():
    """Multiplications with additions a second of one core, in a product of square matrices."""
    A = np.random.default_rng(0).standard_normal((SQUARE, SQUARE))
    best = np.inf
    for _ in range(5 * REPEATS):
        began = time.process_time()
        A @ A
        best = min(best, time.process_time() - began)
    return SQUARE**3 / best


def floor(shape, speed):
    """Seconds of the multiplications of one iteration, were they such a product."""
    terms = {
        "full": shape.d * (shape.d + 3) // 2 + 1,
        "tied": shape.d + 1,
        "diag": 2 * shape.d + 1,
        "spherical": shape.d + 2,
    }[shape.covariance_type]
    return 2 * shape.n * shape.K * terms / speed


def peak(cls, X, shape):
    """Megabytes above the data."""
    tracemalloc.start()
    fit(cls, X, shape, 1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def times(shapes, wall):
    """Rows of the first table."""
    print("milliseconds an iteration by scikit-learn and gmmem, and megabytes")
    print(f"{'case':29}    theirs    ours ratio    floor {'MB':>9}  bound{'  wall' * wall}")
    with threadpool_limits(1):
        speed = rate()
    rows = []
    for shape in shapes:
        X, _ = make(shape.n, shape.d, shape.K)
        with threadpool_limits(1):
            core, apart = compared(X, shape, time.process_time)
        memory = " / ".join(f"{peak(cls, X, shape):.0f}" for cls in CLASSES.values())
        line = f"{_row(core)} {1e3 * floor(shape, speed):8.1f} {memory:>9} {apart:6.0e}"
        if wall:
            line += _row(compared(X, shape, time.perf_counter)[0])
        print(f"{shape!s:29} {line}", flush=True)
        rows.append((str(shape), *core.values()))
    return rows


def _row(seconds):
    theirs, ours = seconds.values()
    return f"{1e3 * theirs:9.1f} {1e3 * ours:7.1f} {theirs / ours:5.1f}"


def found(cls, X, seed):
    """A fit, the number of its components with a hundredth of the weight, and seconds."""
    began = time.process_time()
    model = cls(n_components=10, random_state=seed, max_iter=500, tol=1e-3).fit(X)
    return model, int(np.sum(model.weights_ > 0.01)), time.process_time() - began


def recovery(data_sets):
    """How many clusters there are, four in truth, by both."""
    print("\nfound of four; how often exactly; ARI; seconds of the processor")
    print(f"{'rows':>6} {'apart':>6} {'scikit-learn':>28} {'gmmem':>28}")
    for n in ROWS:
        for distance in DISTANCES:
            results = {name: [] for name in CLASSES}
            for seed in range(data_sets):
                rng = np.random.default_rng(seed)
                centres = distance * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
                truth = rng.integers(4, size=n)
                X = centres[truth] + rng.standard_normal((n, 2))
                for name, cls in CLASSES.items():
                    model, number, seconds = found(cls, X, seed)
                    ari = adjusted_rand_score(truth, model.predict(X))
                    results[name].append((number, number == 4, ari, seconds))
            cells = []
            for each in results.values():
                number, exactly, ari, seconds = np.mean(each, axis=0)
                cells.append(f"{number:5.1f} {exactly:7.0%} {ari:6.2f} {seconds:7.2f}")
            print(f"{n:6} {distance:6} {cells[0]:>28} {cells[1]:>28}", flush=True)


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
    parts = (4, "one row in how many is kept"), (False, "also measure what passes on the clock")
    options = arguments(__doc__, "bayesian", part=parts[0], wall=parts[1])
    shapes = QUICK if options.quick else SHAPES
    shapes = [shape for shape in shapes if shape.apart != FAR]
    table = times([shape._replace(n=shape.n // options.part) for shape in shapes], options.wall)
    with threadpool_limits(1):
        recovery(2 if options.quick else DATA_SETS)
    save(options.figure, draw, table)
