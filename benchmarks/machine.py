"""One EM iteration against the machine's own limit: what its operations alone would take.

    python benchmarks/machine.py            about four minutes
    python benchmarks/machine.py --quick    fewer rows

In one run: the rate of the matrix product (dgemm) and of the exponential, with as many threads as
gmmem uses; the number of both that an iteration needs; the time that these would take alone, the
floor; the time that the iteration takes; and the fraction of the limit, floor over time.

An iteration with p terms a row (1, x and what the covariance sees of x x') is two products of
2 n K p operations and n K exponentials.  Where columns are many for the number of components,
gmmem whitens instead: for each row and component a triangular product and half of a symmetric one,
d (d + 1) operations each, and 4 d for the mean and the length.  The product's rate is that of the
shapes that the kernel has, for the number of rows at a time that suits it best; the last two
columns have the floor that a product of large square matrices would set.
"""

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from common import arguments, best_of, make, save, slope, start_beside
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from gmmem import GaussianMixture, Mixture
from gmmem.covariances import get_model
from gmmem.kernels.slabs import PRODUCT_ROWS
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.sources.threads import n_threads_allowed

SHAPES = [
    ("full", 1_000_000, 2, 5),
    ("full", 500_000, 4, 10),
    ("full", 200_000, 10, 10),
    ("full", 150_000, 16, 12),
    ("full", 100_000, 20, 20),
    ("full", 100_000, 30, 50),
    ("full", 100_000, 50, 10),
    ("full", 60_000, 64, 8),
    ("full", 50_000, 100, 10),
    ("full", 20_000, 200, 10),
    ("tied", 100_000, 50, 10),
    ("diag", 1_000_000, 2, 5),
    ("diag", 200_000, 16, 64),
    ("diag", 100_000, 64, 128),
    ("spherical", 200_000, 10, 10),
]
ROWS_AT_A_TIME = (250, 1_000, 4_000, 16_000)

# Okabe and Ito's palette.
BLUE, ORANGE, GREY = "#0072b2", "#e69f00", "#bbbbbb"


class Count(NamedTuple):
    """Operations of one iteration; its products of b rows are (m, k)(k, b) and (m, b)(b, k)."""

    form: str
    flops: float
    exponentials: float
    m: int
    k: int


def rate(prepare, amount, threads, seconds=0.05):
    """Amount of work a second when all threads do the same, each on its own arrays."""
    jobs = [prepare(thread) for thread in range(threads)]
    for job in jobs:
        job()
    once, _ = best_of(jobs[0], 3)
    calls = max(1, int(seconds / once))

    def work(job):
        for _ in range(calls):
            job()

    with ThreadPoolExecutor(threads) as pool:
        best, _ = best_of(lambda: list(pool.map(work, jobs)), 8)
    return threads * calls * amount / best


def product_rate(m, k, n, threads):
    """Operations a second of (m, k) times (k, n)."""

    def prepare(thread):
        rng = np.random.default_rng(thread)
        A, B, out = rng.standard_normal((m, k)), rng.standard_normal((k, n)), np.empty((m, n))
        return lambda: np.matmul(A, B, out=out)

    return rate(prepare, 2 * m * k * n, threads)


def slowness(needs, threads):
    """Seconds an operation: half of them in the one product, half in the other."""
    m, k = needs.m, needs.k
    onto = max(product_rate(m, k, b, threads) for b in ROWS_AT_A_TIME)
    over = max(product_rate(m, b, k, threads) for b in ROWS_AT_A_TIME)
    return (1 / onto + 1 / over) / 2


def exponential_rate(threads, size=30_000):
    """Exponentials a second, of the numbers that a softmax has, where they are near a core."""

    def prepare(thread):
        L, out = -30 * np.random.default_rng(thread).random(size), np.empty(size)
        return lambda: np.exp(L, out=out)

    return rate(prepare, size, threads)


def count(covariance_type, X, start):
    """What an iteration from this start needs."""
    (n, d), K = X.shape, len(start.weights)
    mixture = Mixture.from_arrays(*start[1:], covariance_type=covariance_type)
    kernel = Problem.of(InMemory(X), get_model(covariance_type)).kernel(mixture)
    if hasattr(kernel, "coefficients"):
        p = kernel.coefficients.shape[1]
        return Count("expanded", 4 * n * K * p, n * K, K, p)
    return Count("whitened", n * K * (2 * d * (d + 1) + 4 * d), n * K, PRODUCT_ROWS, d)


def iteration(X, start):
    given = dict(
        weights_init=start.weights, means_init=start.means, precisions_init=start.covariances
    )

    def run(iterations):
        model = GaussianMixture(
            len(start.weights),
            covariance_type=start.covariance_type,
            max_iter=iterations,
            tol=0,
            **given,
        )
        return model.fit(X).n_iter_

    return slope(run, 2, 22, 5).seconds


def limits(threads):
    """Print and return what the machine can do at best."""
    for number in sorted({1, threads}):
        square, exponential = product_rate(1000, 1000, 1000, number), exponential_rate(number)
        print(
            f"{number} thread(s): dgemm of 1000 x 1000 {square / 1e9:.1f} GFLOP/s, "
            f"exp {1e9 * number / exponential:.2f} ns a number and thread"
        )
    return square, exponential


def measure(quick):
    """Print a row for each shape; return the parts of its time."""
    threads, rows = n_threads_allowed(), {}
    with threadpool_limits(1, "blas"):
        square, exponential = limits(threads)
        print(
            "shape                                form      GFLOP  10^6 exp  GFLOP/s  floor ms"
            "  iteration ms  fraction   square: floor ms  fraction"
        )
        for covariance_type, n, d, K in SHAPES:
            n = n // 10 if quick else n
            X, centres = make(n, d, K)
            start = start_beside(centres, covariance_type)
            needs = count(covariance_type, X, start)
            each = slowness(needs, threads)
            parts = needs.flops * each, needs.exponentials / exponential
            floor, lowest = sum(parts), needs.flops / square + parts[1]
            taken = iteration(X, start)
            name = f"{covariance_type} {n:,} x {d}, K = {K}"
            rows[name] = *parts, taken
            print(
                f"{name:36} {needs.form:8} {needs.flops / 1e9:6.2f} "
                f"{needs.exponentials / 1e6:9.2f} {1e-9 / each:8.1f} {1e3 * floor:9.2f} "
                f"{1e3 * taken:13.2f} {floor / taken:9.2f} {1e3 * lowest:18.2f} "
                f"{lowest / taken:9.2f}",
                flush=True,
            )
    return rows


def draw(pyplot, rows):
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    names = list(rows)
    products, exponentials, taken = np.array(list(rows.values())).T
    left = np.zeros(len(rows))
    parts = {
        "matrix products": (products / taken, BLUE, None),
        "exponentials": (exponentials / taken, ORANGE, "//"),
    }
    for label, (share, colour, hatch) in parts.items():
        axes.barh(
            names, share, left=left, color=colour, hatch=hatch, edgecolor="white", label=label
        )
        left = left + share
    rest = np.maximum(1 - left, 0)
    axes.barh(names, rest, left=left, color=GREY, label="everything else")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("share of the time of an iteration")
    axes.invert_yaxis()
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return figure


def main():
    options = arguments(__doc__, "machine")
    warnings.simplefilter("ignore", ConvergenceWarning)
    save(options.figure, draw, measure(options.quick))


if __name__ == "__main__":
    main()
