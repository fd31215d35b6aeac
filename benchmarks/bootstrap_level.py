"""How often the bootstrap likelihood ratio test rejects a null hypothesis that is true.

    python benchmarks/bootstrap_level.py            about fifteen minutes on one core
    python benchmarks/bootstrap_level.py --quick    four sets of each null, 19 replicates

100 sets simulated from each of four known mixtures with K components; each set is tested for K
against K + 1 components at the level 0.05 with at most 99 replicates.  With 99 replicates a
p-value of at most 0.05 has probability 0.05 exactly, if the statistics of data and replicates
are exchangeable.  Prints the share of sets rejected with its exact binomial interval at 95 %,
and whether that contains the level.  A test stops early once the decision at 0.05 is clear, so
the shares at 0.1 and 0.2 are approximate.  Then the same test on Old Faithful, with at most
999 replicates.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy import stats

from gmmem import Mixture
from gmmem.bootstrap import likelihood_ratio_test
from gmmem.covariances import DegenerateCovariance
from gmmem.datasets import load_old_faithful

LEVEL = 0.05
LEVELS = (LEVEL, 0.1, 0.2)

# Okabe and Ito's palette, and shapes, so that no reader depends on the colour.
STYLES = (("#0072b2", "o"), ("#e69f00", "s"), ("#009e73", "^"), ("#cc79a7", "D"))


class Null(NamedTuple):
    """A mixture that generates the sets, and the model that is fitted."""

    model: str
    n: int
    mixture: Mixture

    @property
    def name(self):
        return f"{self.model}, K = {self.mixture.n_components}"


class Test(NamedTuple):
    """Of one set: the test's p-value, what it took, and how many sets could not be fitted."""

    p_value: float
    n_replicates: int
    seconds: float
    redrawn: int


ROUND, LONG, TILTED = np.eye(2), np.diag([3.0, 0.5]), np.array([[1.5, 0.9], [0.9, 1.0]])

NULLS = [
    Null(model, n, Mixture.from_arrays(weights, means, covariances))
    for model, n, weights, means, covariances in [
        ("VVV", 100, [1], [[0, 0]], [TILTED]),
        ("EEE", 100, [1], [[0, 0]], [TILTED]),
        ("VVV", 100, [0.6, 0.4], [[0, 0], [5, 3]], [TILTED, LONG]),
        ("EEE", 100, [0.6, 0.4], [[0, 0], [5, 3]], [TILTED, TILTED]),
    ]
]


def one_set(number, seed, n_replicates):
    """Test one set; as for the replicates, one that cannot be fitted is drawn again."""
    null, rng = NULLS[number], np.random.RandomState([number, seed])
    began, redrawn = time.perf_counter(), 0
    while True:
        X = null.mixture.sample(null.n, rng)[0]
        try:
            test = likelihood_ratio_test(
                X,
                null.mixture.n_components,
                covariance_type=null.model,
                n_replicates=n_replicates,
                level=LEVEL,
                random_state=seed,
            )
        except DegenerateCovariance:
            redrawn += 1
            continue
        return Test(test.p_value, len(test.replicates), time.perf_counter() - began, redrawn)


def share(tests, level):
    """Share of sets rejected at a level, with its exact binomial interval."""
    rejected = sum(test.p_value <= level for test in tests)
    interval = stats.binomtest(rejected, len(tests)).proportion_ci(0.95, method="exact")
    return rejected / len(tests), interval.low, interval.high


def old_faithful(n_replicates):
    X = load_old_faithful()
    print("\nOld Faithful, VVV")
    for K in (1, 2):
        test = likelihood_ratio_test(X, K, n_replicates=n_replicates, random_state=0)
        print(
            f"{K} against {K + 1}: statistic {test.statistic:.2f}, p = {test.p_value:.3f} "
            f"after {len(test.replicates)} replicates"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="four sets, 19 replicates")
    parser.add_argument("--n-jobs", type=int, default=2, help="sets tested at the same time")
    parser.add_argument(
        "--figure",
        type=Path,
        default=Path(__file__).parent / "figures" / "bootstrap_level.png",
        help="where to write the figure",
    )
    options = parser.parse_args()
    n_sets, n_replicates = (4, 19) if options.quick else (100, 99)
    print(f"{n_sets} sets each, n x d; share rejected at level [95 % interval]: * lacks the level")
    print(
        "null         n x d    "
        + "".join(f"{level:<19}" for level in LEVELS)
        + "replicates  s a test  redrawn"
    )
    table = []
    with Parallel(n_jobs=options.n_jobs) as parallel:
        for number, null in enumerate(NULLS):
            tests = parallel(delayed(one_set)(number, seed, n_replicates) for seed in range(n_sets))
            cells = [share(tests, level) for level in LEVELS]
            shown = "".join(
                f"{each:.2f} [{low:.2f}, {high:.2f}]{' ' if low <= level <= high else '*'} "
                for level, (each, low, high) in zip(LEVELS, cells, strict=True)
            )
            replicates, seconds, redrawn = np.mean(
                [(test.n_replicates, test.seconds, test.redrawn) for test in tests], axis=0
            )
            print(
                f"{null.name:11}{null.n:4} x {null.mixture.n_features}    {shown}"
                f"{replicates:9.0f}{seconds:10.1f}{redrawn * n_sets:9.0f}",
                flush=True,
            )
            table.append(cells)
    old_faithful(99 if options.quick else 999)
    options.figure.parent.mkdir(parents=True, exist_ok=True)
    picture(table, n_sets, options.figure)


def picture(table, n_sets, path):
    """Shares rejected with their intervals, beside the levels."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
    places = np.arange(len(LEVELS))
    for number, (null, cells) in enumerate(zip(NULLS, table, strict=True)):
        shares, low, high = np.array(cells).T
        colour, marker = STYLES[number]
        ax.errorbar(
            places + 0.18 * (number - 1.5),
            shares,
            yerr=[shares - low, high - shares],
            fmt=marker,
            color=colour,
            capsize=3,
            label=f"{null.name} against {null.mixture.n_components + 1}",
        )
    ax.hlines(LEVELS, places - 0.42, places + 0.42, color="black", linewidth=1, label="level")
    ax.set(
        xlabel="Level of the test",
        ylabel=f"Share of {n_sets} sets rejected, 95 % interval",
        ylim=(0, None),
    )
    ax.set_xticks(places, LEVELS)
    ax.legend(loc="upper left", frameon=False, fontsize=9)
    figure.savefig(path, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()
