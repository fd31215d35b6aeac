"""Features against whitening: one pass by each, by the number of components and of columns.

    python benchmarks/crossover.py            about a minute
    python benchmarks/crossover.py --quick    fewer sizes

Full covariances, overlapping clusters and far ones.  The kernel that gmmem chooses is starred: it
goes by the number of components and of columns (``gmmem.kernels.guard.expansion_pays``), whose
constants come from this table.  Both give the same log-likelihood, and the relative difference is
printed.
"""

import numpy as np
from common import FAR, OVERLAPPING, arguments, best_of, make, save, start_beside

from gmmem import Mixture
from gmmem.kernels.expanded import ExpandedKernel
from gmmem.kernels.guard import expansion_pays
from gmmem.kernels.slabs import SlabKernel
from gmmem.passes import Expected, locate
from gmmem.sources import InMemory

COMPONENTS, COLUMNS = (2, 3, 5, 10, 20, 50), (8, 12, 16, 20, 25, 30, 40, 50)
OPERATIONS = 4e8
TICKS = (0.25, 0.5, 1, 2, 4)


def compare(K, d, apart):
    """Nanoseconds a row and component of both kernels; whether features are chosen; difference."""
    n = int(np.clip(OPERATIONS / (K * d * d), 500 * K, 200_000))
    X, centres = make(n, d, K, apart=apart)
    mixture = Mixture.from_arrays(*start_beside(centres, "full")[1:])
    rows = InMemory(X)
    with rows.working():
        (_, _, centre, reach, *_), dtype = locate(rows), np.dtype(np.float64)
        kernels = ExpandedKernel.of(mixture, centre, reach, dtype), SlabKernel(mixture, centre)
        both = [Expected(kernel) for kernel in kernels]
        taken, found = zip(*(best_of(lambda e=e: rows.fold(e), 6) for e in both), strict=True)
    ours, other = (each.result(sums)[0] for each, sums in zip(both, found, strict=True))
    times = [1e9 * seconds / (n * K) for seconds in taken]
    return *times, expansion_pays(mixture), ours / other - 1


def measure(quick):
    print("clusters        K    d  features ns  whitening ns  ratio  log-lik. diff.")
    table = {}
    for name, apart in (("overlapping", OVERLAPPING), ("far", FAR)):
        for K in COMPONENTS[::2] if quick else COMPONENTS:
            for d in COLUMNS[::2] if quick else COLUMNS:
                features, whitening, pay, difference = compare(K, d, apart)
                table[name, K, d] = whitening / features
                stars = ("*", " ") if pay else (" ", "*")
                print(
                    f"{name:12} {K:4} {d:4} {features:11.1f}{stars[0]} {whitening:12.1f}{stars[1]} "
                    f"{whitening / features:6.2f} {difference:12.1e}",
                    flush=True,
                )
    return table


def draw(pyplot, table):
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for ax, name in zip(axes, ("overlapping", "far"), strict=True):
        sizes = sorted({K for kind, K, _ in table if kind == name})
        for K, marker in zip(sizes, "osD^vX", strict=False):
            points = [(d, ratio) for (kind, k, d), ratio in table.items() if (kind, k) == (name, K)]
            ax.plot(*zip(*points, strict=True), marker=marker, label=f"K = {K}")
        ax.axhline(1, color="grey", linewidth=1)
        ax.set(title=name, xlabel="columns", yscale="log")
        ax.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("time of whitening / time of features")
    axes[0].legend(fontsize="small")
    return figure


def main():
    options = arguments(__doc__, "crossover")
    save(options.figure, draw, measure(options.quick))


if __name__ == "__main__":
    main()
