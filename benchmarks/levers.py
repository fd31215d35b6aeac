"""What each lever of the E-step is worth, on one block and one core.

    python benchmarks/levers.py            half a minute
    python benchmarks/levers.py --quick    fewer repeats

Each line is a piece of arithmetic with and without one idea, in nanoseconds for each row and
component, and the ratio; both give the same numbers, and the largest difference is printed.  How
they work together is told in the documentation, "Where the speed comes from".
"""

import numpy as np
from common import arguments, best_of, save
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from gmmem.arithmetic import (
    CEILING,
    joint,
    softmax,
    softmax_below_ceiling,
    statistics,
)
from gmmem.blocks import FLOAT64, Workspace

WORKSPACE = Workspace()


def log_densities(K, b, far=0.0, seed=0):
    """Log of weight times density as EM meets it: one component near, the others less so."""
    rng = np.random.default_rng(seed)
    L = -rng.exponential(20 + far, size=(K, b)) - far
    L[rng.integers(K, size=b), np.arange(b)] = -rng.exponential(2, size=b)
    return L


def textbook_softmax(K, b):
    """Row by row of the data, with logsumexp, as one would write it at first."""
    L = np.ascontiguousarray(log_densities(K, b).T)
    source = np.ascontiguousarray(L.T)
    out = np.empty_like(source)

    def without():
        total = logsumexp(L, axis=1)
        return np.exp(L - total[:, None]).T

    def with_it():
        np.copyto(out, source)
        _, scale = softmax(out, WORKSPACE)
        return out * scale

    return without, with_it


def no_maximum(K, b):
    source = log_densities(K, b)
    out = np.empty_like(source)

    def without():
        np.copyto(out, source)
        _, scale = softmax(out, WORKSPACE)
        return out * scale

    def with_it():
        np.add(source, CEILING[FLOAT64], out=out)
        _, scale = softmax_below_ceiling(out, WORKSPACE, None)
        return out * scale

    return without, with_it


def small_products(K, b, p):
    rng = np.random.default_rng(0)
    T, Phi, out = rng.normal(size=(K, p)), rng.normal(size=(p, b)), np.empty((K, b))
    return lambda: np.matmul(T, Phi, out=out), lambda: joint(T, Phi, out)


def small_sums(K, b, p):
    rng = np.random.default_rng(0)
    R, Phi, one = rng.uniform(size=(K, b)), rng.normal(size=(p, b)), np.ones(b)
    return lambda: (R * one) @ Phi.T, lambda: statistics(R, one, Phi, WORKSPACE)


def sparse_sums(K, b, p):
    rng = np.random.default_rng(0)
    Phi, one = rng.normal(size=(p, b)), np.ones(b)
    R = log_densities(K, b, far=300.0)
    _, scale = softmax(R, WORKSPACE)
    R *= scale
    return lambda: (R * one) @ Phi.T, lambda: statistics(R, one, Phi, WORKSPACE)


def symmetric_update(d, b):
    """Second moments of one component: A A' takes half of what A' diag(r) A does."""
    rng = np.random.default_rng(0)
    Z, r, A = rng.normal(size=(d, b)), rng.uniform(size=b), np.empty((d, b))

    def with_it():
        np.multiply(Z, np.sqrt(r), out=A)
        return A @ A.T

    return lambda: (Z * r) @ Z.T, with_it


LEVERS = [
    (
        "components along rows, arrays used again: K = 10",
        textbook_softmax(10, 16_000),
        10,
        16_000,
    ),
    ("no maximum a row: K = 10", no_maximum(10, 16_000), 10, 16_000),
    ("no maximum a row: K = 128", no_maximum(128, 2_000), 128, 2_000),
    ("E-step's product in tiles: K = 10, p = 15", small_products(10, 16_000, 15), 10, 16_000),
    ("E-step's product in tiles: K = 20, p = 231", small_products(20, 2_000, 231), 20, 2_000),
    ("M-step's product in tiles: K = 10, p = 15", small_sums(10, 16_000, 15), 10, 16_000),
    ("M-step's product in tiles: K = 10, p = 66", small_sums(10, 6_000, 66), 10, 6_000),
    ("only what counts, far clusters: K = 128, p = 129", sparse_sums(128, 2_000, 129), 128, 2_000),
    ("symmetric update: d = 100", symmetric_update(100, 1_600), 1, 1_600),
]


def measure(repeats):
    print(f"{'lever':52} without ns  with ns  ratio  largest difference")
    table = []
    for name, (without, with_it), K, b in LEVERS:
        plain, expected = best_of(lambda f=without: f().copy(), repeats)
        ours, got = best_of(lambda f=with_it: f().copy(), repeats)
        scale = 1e9 / (K * b)
        table.append((name, plain / ours))
        print(
            f"{name:52} {scale * plain:10.2f} {scale * ours:8.2f} {plain / ours:6.2f}"
            f" {np.abs(got - expected).max():12.1e}"
        )
    return table


def draw(pyplot, table):
    figure, axes = pyplot.subplots(figsize=(8, 3.6), layout="constrained")
    names, ratios = zip(*table, strict=True)
    bars = axes.barh(names, ratios, color="#0072b2")
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.axvline(1, color="#999999", linewidth=1)
    axes.set(xlabel="times as fast with it, one core", xlim=(0, 1.12 * max(ratios)))
    axes.invert_yaxis()
    return figure


def main():
    options = arguments(__doc__, "levers")
    with threadpool_limits(1, user_api="blas"):
        save(options.figure, draw, measure(20 if options.quick else 200))


if __name__ == "__main__":
    main()
