"""What stopping hopeless candidates early saves a search, and what it may lose.

    python benchmarks/racing.py [--sets 40]

Default searches on real and on simulated data (Gaussian, overlapping, heavy-tailed and
skewed), with and without `early_stopping`: iterations, time, whether the same candidate won,
and whether anything within 10 of the best was stopped.
"""

import argparse
import warnings
from time import process_time

import numpy as np
from sklearn import datasets

from gmmem import GaussianMixtureIC
from gmmem.datasets import load_old_faithful
from gmmem.estimators.race import MARGIN


def real():
    """Data that scikit-learn and gmmem ship, some columns of them."""
    yield "Old Faithful", load_old_faithful()
    yield "Old Faithful, durations", load_old_faithful()[:, :1]
    yield "iris", datasets.load_iris().data
    wine, cancer = datasets.load_wine().data, datasets.load_breast_cancer().data
    diabetes, linnerud = datasets.load_diabetes().data, datasets.load_linnerud()
    yield "wine, 5 columns", wine[:, :5]
    yield "wine, 3 columns", wine[:, [0, 6, 9]]
    yield "diabetes, 3 columns", diabetes[:, [2, 3, 4]]
    yield "diabetes, 4 columns", diabetes[:, [2, 4, 5, 8]]
    yield "breast cancer, 3 columns", cancer[:, :3]
    yield "breast cancer, 2 columns", cancer[:, [1, 4]]
    yield "linnerud", np.hstack([linnerud.data, linnerud.target])


def simulated(n_sets):
    """Mixtures apart and overlapping, heavy tails, skewed columns, in turn."""
    for seed in range(n_sets):
        rng = np.random.RandomState(seed)
        n, d, K = rng.randint(80, 700), rng.randint(1, 5), rng.randint(1, 7)
        apart, kind = rng.choice([1, 2, 4]), seed % 4
        if kind < 2:
            parts = [
                rng.randn(max(5, n // K), d) @ (0.7 * rng.randn(d, d) + 0.3 * np.eye(d))
                + apart * rng.randn(d)
                for _ in range(K)
            ]
            X = np.vstack(parts)
        elif kind == 2:
            X = rng.standard_t(3, size=(n, d))
        else:
            X = np.exp(0.5 * rng.randn(n, d) + rng.randn(d))
        name = ("mixture", "mixture", "heavy tails", "skewed")[kind]
        yield f"{name} {seed}, {X.shape[0]} x {X.shape[1]}", X


def fitted(X, **params):
    """A search and its seconds of processor time."""
    began = process_time()
    search = GaussianMixtureIC(**params).fit(X)
    return search, process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", type=int, default=40, help="simulated data sets")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'data':32} {'iterations':>13} {'seconds':>13}  best BIC, early and not")
    iterations, seconds, lost, near = np.zeros(2), np.zeros(2), 0, 0
    for name, X in (*real(), *simulated(arguments.sets)):
        (raced, quick), (whole, slow) = fitted(X), fitted(X, early_stopping=False)
        n_iter = [search.results_["n_iter"].sum() for search in (raced, whole)]
        iterations += n_iter
        seconds += quick, slow
        stopped = raced.results_["status"] == "stopped"
        close = whole.results_["bic"][stopped] < whole.best_score_ + MARGIN
        near += close.sum()
        lost += raced.best_score_ > whole.best_score_ + 1e-9
        print(
            f"{name:32} {n_iter[0]:5} / {n_iter[1]:5} {quick:5.2f} / {slow:5.2f}  "
            f"{raced.best_score_:.4f} {whole.best_score_:.4f}"
            + ("  LOST" if raced.best_score_ > whole.best_score_ + 1e-9 else ""),
            flush=True,
        )
    share, time = iterations[0] / iterations[1], seconds[0] / seconds[1]
    print(
        f"\niterations {share:.2f}, time {time:.2f} of the whole search; best lost {lost}, "
        f"within {MARGIN:g} of the best and stopped {near}"
    )


if __name__ == "__main__":
    main()
