"""Does a mini-batch fit pay for rows in memory?  Online EM against full EM at equal likelihood.

    python benchmarks/minibatch.py [--rows 500000]

Both start from the same k-means.  Seconds until the mean log-likelihood of all rows is within
1e-2, 1e-3 and 1e-4 nats of the best that any came to: plain EM, accelerated EM (to tol 1e-8),
and `partial_fit` on batches drawn in a random order, three times over the rows, by the default
step size.  To look at the likelihood costs no time here.
"""

import argparse
import time
import warnings

import numpy as np

from gmmem import GaussianMixture, em, prediction
from gmmem.covariances import get_model
from gmmem.priors import Ridge
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.updates import Extrapolated, Plain

CASES = [("apart", 10, 10, 8.0), ("overlapping", 10, 10, 3.0), ("two features", 2, 12, 4.0)]
BATCHES, EPOCHS, WITHIN = (2_000, 20_000), 3, (1e-2, 1e-3, 1e-4)


def clusters(n, d, K, apart):
    """Clusters of unlike shapes at random places."""
    rng = np.random.RandomState(0)
    parts = [
        rng.randn(n // K, d) @ (np.eye(d) + 0.3 * rng.randn(d, d)) + apart * rng.randn(d) / 2
        for _ in range(K)
    ]
    return rng.permutation(np.vstack(parts))


def full(rows, start, rule):
    """Seconds and mean log-likelihoods of full EM."""
    problem = Problem.of(rows, get_model("full"), Ridge(1e-6))
    path, spent, likely = [], 0.0, -np.inf
    with rows.working():
        states = em.states(problem, start, rule)
        while len(path) < 300:
            began = time.perf_counter()
            state = next(states)
            spent += time.perf_counter() - began
            before, likely = likely, state.log_likelihood / rows.n_rows
            path.append((spent, likely))
            if likely - before < 1e-8:
                return path
    return path


def online(rows, model, size):
    """The same of online EM."""
    rng, path, spent = np.random.RandomState(1), [], 0.0
    for _ in range(EPOCHS):
        order = rng.permutation(rows.n_rows)
        for first in range(0, rows.n_rows, size):
            some = order[first : first + size]
            began = time.perf_counter()
            model.partial_fit(rows.X[some])
            spent += time.perf_counter() - began
            if first % (10 * size) == 0:
                likely = prediction.log_likelihood(model.mixture_, rows) / rows.n_rows
                path.append((spent, likely))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=500_000)
    n = parser.parse_args().rows
    warnings.simplefilter("ignore")
    print(f"{n:,} rows: seconds to within {WITHIN} nats a row, and the log-likelihood at the end")
    for name, d, K, apart in CASES:
        rows = InMemory(clusters(n, d, K, apart))
        begun = GaussianMixture(K, random_state=0, max_iter=0).fit(rows.X[:20_000])
        paths = {
            "EM": full(rows, begun.mixture_, Plain()),
            "accelerated": full(rows, begun.mixture_, Extrapolated()),
        }
        for size in BATCHES:
            model = GaussianMixture.from_parameters(
                begun.weights_, begun.means_, begun.covariances_, random_state=0
            )
            paths[f"batches of {size:,}"] = online(rows, model, size)
        best = max(likely for path in paths.values() for _, likely in path)
        print(f"{name}, {d} features, K = {K}")
        for way, path in paths.items():
            times = [
                next((spent for spent, likely in path if likely > best - within), np.inf)
                for within in WITHIN
            ]
            seconds = " ".join(f"{each:7.2f}" for each in times)
            print(f"  {way:18} {seconds}   {path[-1][1]:.6f}", flush=True)


if __name__ == "__main__":
    main()
