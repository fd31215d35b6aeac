"""On how many rows k-means finds as good a start as on 20,000 of many more.

    python benchmarks/subsets.py [--quick] [--seeds 5]

`KMeans` with more rows than `max_samples` runs on a subset.  Here beside it: three runs on 20,000
rows.  Default fits of 60,000 rows by both, of 24 mixtures: how many end more than 0.01 nats a row
below the best that was found, their mean log-likelihoods, iterations and processor seconds.
"""

import time
import warnings

import numpy as np
from common import arguments
from problems import gaussians, grid, heavy_tailed, nested
from sklearn import cluster

from gmmem import GaussianMixture
from gmmem.initializers import KMeans, Nearest
from gmmem.initializers.seeding import seeding_rows
from gmmem.sources.threads import one_blas_thread

N, WITHIN = 60_000, 0.01

PROBLEMS = [
    (5, gaussians(N, 2, 5)),
    (5, gaussians(N, 2, 5, uneven=True, stretch=5)),
    (10, gaussians(N, 10, 10)),
    (10, gaussians(N, 10, 10, apart=3)),
    (10, gaussians(N, 10, 10, uneven=True, stretch=4)),
    (10, gaussians(N, 10, 10, apart=8, uneven=True)),
    (20, gaussians(N, 5, 20, apart=6)),
    (20, gaussians(N, 5, 20, apart=6, uneven=True)),
    (8, gaussians(N, 20, 8, apart=5)),
    *[(8, gaussians(N, 20, 8, apart=5, uneven=True, stretch=4))] * 3,
    (5, gaussians(N, 40, 5, apart=5)),
    *[(5, gaussians(N, 40, 5, apart=6, uneven=True, stretch=3))] * 3,
    (12, nested(N, 4, 3, 3)),
    (20, nested(N, 5, 4, 5)),
    (6, heavy_tailed(N, 4, 6, 4)),
    (16, grid(N, 4, 0.15)),
    (3, gaussians(N, 2, 3, apart=3)),
    (30, gaussians(N, 3, 30, apart=8)),
    (3, gaussians(N, 10, 3, apart=2)),
    (40, gaussians(N, 6, 40, apart=10, uneven=True)),
]


def three_on_20_000(X, n_components, *, sample_weight=None, random_state=None):
    """The best of three runs on 20,000 rows."""
    rows, _ = seeding_rows(X, n_components, sample_weight, 20_000, random_state)
    model = cluster.KMeans(n_components, n_init=3, random_state=random_state)
    with one_blas_thread():
        return Nearest(model.fit(rows).cluster_centers_)


STARTS = {"three on 20,000": three_on_20_000, "KMeans": KMeans()}


def fit(X, n_components, start, seed):
    """Mean log-likelihood, iterations and processor seconds."""
    began = time.process_time()
    model = GaussianMixture(n_components, init_params=start, random_state=seed).fit(X)
    seconds = time.process_time() - began
    return model.score(X), model.n_iter_, seconds


def main():
    options = arguments(__doc__, "subsets", seeds=(5, "random states of each problem"))
    warnings.simplefilter("ignore")
    problems, seeds = (PROBLEMS[:8:3], 2) if options.quick else (PROBLEMS, options.seeds)
    found = []
    for number, (K, rows) in enumerate(problems):
        X = rows(np.random.default_rng(number))
        found.append(
            [[fit(X, K, start, seed) for start in STARTS.values()] for seed in range(seeds)]
        )
        means = np.mean(found[-1], axis=0)
        print(f"K = {K:2}, d = {X.shape[1]:2} ", *map(" {:9.4f}".format, means[:, 0]), flush=True)
    table = np.array(found)  # By problem, seed, start and what was measured.
    below = table[..., 0].max(axis=(1, 2), keepdims=True) - table[..., 0]
    print(f"{'':16} {'below the best':>16} {'mean':>10} {'iterations':>10} {'seconds':>8}")
    for number, name in enumerate(STARTS):
        score, iterations, seconds = table[:, :, number].reshape(-1, 3).T
        failed = (below[..., number] > WITHIN).sum()
        print(
            f"{name:16} {failed:6} of {len(score):6} {score.mean():10.4f} "
            f"{iterations.mean():10.2f} {seconds.mean():8.3f}"
        )


if __name__ == "__main__":
    main()
