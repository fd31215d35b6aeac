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

from gmmem import Mixture
from gmmem.kernels.arithmetic import (
    CEILING,
    joint,
    softmax,
    softmax_below_ceiling,
    statistics,
)
from gmmem.kernels.base import Shares
from gmmem.kernels.slabs import SlabKernel
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.sources.base import FLOAT64, Block, Workspace

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


def kernels_for_full(d, K, b):
    """One block and the two kernels that whiten it: by components, and all in one product."""
    rng = np.random.default_rng(0)
    X, means = rng.normal(size=(b, d)), rng.normal(size=(K, d)) / np.sqrt(d)
    covariances = np.repeat(np.eye(d)[None], K, axis=0) + 0.1 / d
    mixture = Mixture.from_arrays(np.full(K, 1 / K), means, covariances)
    return Block(0, X), WhitenedKernel(mixture, np.zeros(d)), SlabKernel(mixture, np.zeros(d))


def slabs_of_all(d, K, b):
    """Whitening: a slab of rows of all components at once, not one component after the other."""
    block, each, stacked = kernels_for_full(d, K, b)
    return (
        lambda: each.scores(each.prepare(block, WORKSPACE), WORKSPACE).L,
        lambda: stacked.scores(stacked.prepare(block, WORKSPACE), WORKSPACE).L,
    )


def slabs_of_moments(d, K, b):
    """Second moments by the same slabs, against a symmetric update for each component."""
    block, _, stacked = kernels_for_full(d, K, b)
    prepared, one, A = stacked.prepare(block, Workspace()), np.ones(b), np.empty((d, b))
    R = np.ascontiguousarray(np.random.default_rng(1).dirichlet(np.ones(K), size=b).T)

    def without():
        second = np.empty((K, d, d))
        for k, r in enumerate(R):
            np.multiply(prepared[1:], np.sqrt(r), out=A)
            second[k] = A @ A.T
        return np.triu(second)

    return without, lambda: np.triu(
        stacked.accumulate(prepared, Shares(R.copy(), one, one), WORKSPACE)[-1]
    )


LEVERS = [
    (
        "components along rows, arrays used again: K = 10",
        textbook_softmax(10, 16_000),
        10,
        16_000,
    ),
    ("no maximum a row: K = 10", no_maximum(10, 16_000), 10, 16_000),
    ("no maximum a row: K = 128", no_maximum(128, 2_000), 128, 2_000),
    ("E-step's product in tiles: K = 10, q = 15", small_products(10, 16_000, 15), 10, 16_000),
    ("E-step's product in tiles: K = 20, q = 231", small_products(20, 2_000, 231), 20, 2_000),
    ("M-step's product in tiles: K = 10, q = 15", small_sums(10, 16_000, 15), 10, 16_000),
    ("M-step's product in tiles: K = 10, q = 66", small_sums(10, 6_000, 66), 10, 6_000),
    ("only what counts, far clusters: K = 128, q = 129", sparse_sums(128, 2_000, 129), 128, 2_000),
    ("whitening, slabs of all components: d = 50", slabs_of_all(50, 10, 2_000), 10, 2_000),
    ("whitening, slabs of all components: d = 100", slabs_of_all(100, 10, 2_000), 10, 2_000),
    ("second moments by the same slabs: d = 50", slabs_of_moments(50, 10, 2_000), 10, 2_000),
    ("second moments by the same slabs: d = 100", slabs_of_moments(100, 10, 2_000), 10, 2_000),
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
