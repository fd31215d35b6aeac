"""Where the time of one pass goes: each part of the E-step, and the floor that a machine sets.

    python benchmarks/parts.py            about three minutes
    python benchmarks/parts.py --quick    fewer rows

Nanoseconds a row, on one thread.  Every block is timed alone, the least of several passes, and
so is what sets the floor: a busy machine changes that little.  The parts are

    terms      1, x and the quadratic terms written, along the rows or as they lie
    scores     the first product, or whitening
    shares     exponentials, their sums, and the log-likelihood
    sums       the second product

and the floor is that of ``machine.py``: the two products at the rate of their shapes, and the
exponentials.  "square" is the fraction of the time that would be the floor if the products had the
rate of large square matrices: the harder one to reach, since parts of products can be faster than
a plain product of the same shape.
"""

import time

import numpy as np
from common import arguments, make, save, start_beside
from machine import BLUE, GREY, ORANGE, ROWS_AT_A_TIME, Count, count
from threadpoolctl import threadpool_limits

from gmmem import Mixture
from gmmem.covariances import get_model
from gmmem.kernels.allocation import SOFT, weighted
from gmmem.kernels.arithmetic import weighted_total
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.sources.base import Block, Workspace, block_size
from gmmem.sources.block import Kept

SHAPES = [
    ("full", 150_000, 10, 10),
    ("full", 150_000, 16, 12),
    ("full", 100_000, 20, 20),
    ("full", 60_000, 30, 10),
    ("full", 60_000, 50, 10),
    ("full", 60_000, 50, 20),
    ("full", 60_000, 64, 8),
    ("tied", 200_000, 10, 10),
    ("tied", 100_000, 50, 10),
    ("spherical", 200_000, 10, 10),
    ("diag", 300_000, 12, 20),
    ("diag", 100_000, 64, 128),
]
PARTS = ("terms", "scores", "shares", "sums")
PASSES, SQUARE = 8, (256, 256, 256)


def least(job, calls=40):
    """Seconds of a short job: the least of many."""
    best = np.inf
    for _ in range(calls):
        began = time.perf_counter()
        job()
        best = min(best, time.perf_counter() - began)
    return best


def product(m, k, n):
    """Seconds a multiplication with addition, (m, k) times (k, n)."""
    rng = np.random.default_rng(0)
    A, B, out = rng.standard_normal((m, k)), rng.standard_normal((k, n)), np.empty((m, n))
    return least(lambda: np.matmul(A, B, out=out)) / (2 * m * k * n)


def floors(needs: Count, n, square, exponential):
    """Nanoseconds a row of the operations alone, by the rates of their shapes and of a square."""
    onto = min(product(needs.m, needs.k, b) for b in ROWS_AT_A_TIME)
    over = min(product(needs.m, b, needs.k) for b in ROWS_AT_A_TIME)
    return tuple(
        1e9 / n * (needs.flops * each + needs.exponentials * exponential)
        for each in ((onto + over) / 2, square)
    )


def parts(covariance_type, X, start):
    """Nanoseconds a row of each part."""
    mixture = Mixture.from_arrays(*start[1:], covariance_type=covariance_type)
    kernel = Problem.of(InMemory(X), get_model(covariance_type)).kernel(mixture)
    size, workspace = block_size(len(X), kernel.row_bytes), Workspace()
    kept, firsts = Kept(*X.shape), range(0, len(X) - size + 1, size)
    blocks = [Block(first, X[first : first + size], kept=kept) for first in firsts]
    best = np.full((len(blocks), len(PARTS)), np.inf)
    for _ in range(PASSES):
        for taken, block in zip(best, blocks, strict=True):
            workspace.content = None
            marks = [time.perf_counter()]
            prepared = kernel.prepare(block, workspace)
            marks.append(time.perf_counter())
            scores = kernel.scores(prepared, workspace)
            marks.append(time.perf_counter())
            shares = SOFT(scores, block, workspace)
            weighted_total(shares.log_sum, None)
            marks.append(time.perf_counter())
            kernel.accumulate(prepared, weighted(shares, None), workspace)
            marks.append(time.perf_counter())
            np.minimum(taken, np.diff(marks), out=taken)
    return 1e9 / size * best.mean(axis=0)


def measure(quick):
    print("nanoseconds a row, one thread")
    print(f"{'shape':31}" + "".join(f"{p:>8}" for p in PARTS) + "     all   floor fraction square")
    rows = {}
    with threadpool_limits(1):
        L, out = -30 * np.random.default_rng(0).random(10_000), np.empty(10_000)
        rates = product(*SQUARE), least(lambda: np.exp(L, out=out)) / L.size
        for covariance_type, n, d, K in SHAPES:
            n = n // 5 if quick else n
            X, centres = make(n, d, K)
            start = start_beside(centres, covariance_type)
            each = parts(covariance_type, X, start)
            floor, square = floors(count(covariance_type, X, start), n, *rates)
            name = f"{covariance_type} {n:,} x {d}, K = {K}"
            rows[name] = each
            taken = each.sum()
            figures = "".join(f"{value:8.1f}" for value in (*each, taken, floor))
            print(f"{name:31}{figures} {floor / taken:8.2f} {square / taken:6.2f}", flush=True)
    return rows


def draw(pyplot, rows):
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    names, left = list(rows), np.zeros(len(rows))
    table = np.array(list(rows.values()))
    table = table / table.sum(axis=1, keepdims=True)
    colours = (GREY, BLUE, ORANGE, "#56b4e9")
    for part, share, colour in zip(PARTS, table.T, colours, strict=True):
        axes.barh(names, share, left=left, color=colour, edgecolor="white", label=part)
        left = left + share
    axes.set_xlabel("share of the time of a pass")
    axes.invert_yaxis()
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(PARTS))
    return figure


def main():
    options = arguments(__doc__, "parts")
    save(options.figure, draw, measure(options.quick))


if __name__ == "__main__":
    main()
