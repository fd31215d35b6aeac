"""Time of one EM iteration against scikit-learn, in one run.

    python benchmarks/em_iteration.py            every shape (about six minutes)
    python benchmarks/em_iteration.py --quick    the smallest of each kind

The same start, tol=0; the time is the slope between two iteration counts, the best of
a few runs.  Prints the difference of the log-likelihoods that were reached.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning

import gmmem

SHAPES = [
    ("full", 1_000_000, 2, 5),
    ("full", 500_000, 4, 10),
    ("full", 200_000, 10, 10),
    ("full", 100_000, 20, 20),
    ("full", 100_000, 30, 50),
    ("full", 100_000, 50, 10),
    ("full", 50_000, 100, 10),
    ("tied", 100_000, 50, 10),
    ("tied", 50_000, 100, 20),
    ("diag", 1_000_000, 2, 5),
    ("diag", 200_000, 16, 64),
    ("diag", 100_000, 64, 128),
]
QUICK = [SHAPES[i] for i in (2, 5, 7, 9)]


def make(n, d, K, seed=0):
    """Overlapping clusters, and a start beside their centres."""
    rng = np.random.RandomState(seed)
    centres = rng.normal(size=(K, d)) * 2
    X = centres[rng.randint(K, size=n)] + rng.normal(size=(n, d))
    return X, np.full(K, 1 / K), centres + 0.3 * rng.normal(size=(K, d))


def precisions(covariance_type, d, K):
    return {
        "full": np.repeat(np.eye(d)[None], K, axis=0),
        "tied": np.eye(d),
        "diag": np.ones((K, d)),
        "spherical": np.ones(K),
    }[covariance_type]


def seconds(cls, params, X, iterations, repeats):
    best, log_likelihood = np.inf, None
    for _ in range(repeats):
        began = time.perf_counter()
        model = cls(max_iter=iterations, tol=0, **params).fit(X)
        best = min(best, time.perf_counter() - began)
        log_likelihood = model.lower_bound_
    return best, log_likelihood


def iteration(cls, params, X, few, many, repeats):
    """Slope of the time in the number of iterations, and the log-likelihood reached."""
    short, _ = seconds(cls, params, X, few, repeats)
    long, log_likelihood = seconds(cls, params, X, many, repeats)
    return (long - short) / (many - few), log_likelihood


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    shapes = QUICK if parser.parse_args().quick else SHAPES
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("type        n        d    K   scikit-learn ms   gmmem ms   ratio   log-lik. diff.")
    for covariance_type, n, d, K in shapes:
        X, weights, means = make(n, d, K)
        params = dict(
            n_components=K,
            covariance_type=covariance_type,
            weights_init=weights,
            means_init=means,
            precisions_init=precisions(covariance_type, d, K),
        )
        theirs, expected = iteration(sklearn_mixture.GaussianMixture, params, X, 2, 5, 2)
        ours, _ = iteration(gmmem.GaussianMixture, params, X, 2, 22, 3)
        _, got = seconds(gmmem.GaussianMixture, params, X, 5, 1)
        print(
            f"{covariance_type:5} {n:9,} {d:6} {K:4} {1e3 * theirs:17.1f} {1e3 * ours:10.2f}"
            f" {theirs / ours:7.1f} {got / expected - 1:16.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
