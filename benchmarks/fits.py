"""Whole fits, predictions, small fits and imports against scikit-learn, in one run.

    python benchmarks/fits.py            about four minutes
    python benchmarks/fits.py --quick    the smallest of each kind

Defaults, start included.  Prints both mean log-likelihoods.
"""

import argparse
import statistics
import subprocess
import sys
import time
import warnings
from functools import partial

import numpy as np
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning

import gmmem
from gmmem.datasets import load_old_faithful

FITS = [(1_000_000, 2, 5), (200_000, 10, 10), (100_000, 50, 10)]


def make(n, d, K, seed=0):
    rng = np.random.RandomState(seed)
    centres = rng.normal(size=(K, d)) * 2
    return centres[rng.randint(K, size=n)] + rng.normal(size=(n, d))


def seconds(function, repeats):
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - began)
    return min(times), result


def fits(shapes):
    print("default fit             scikit-learn s   gmmem s   ratio   mean log-likelihoods")
    for n, d, K in shapes:
        X = make(n, d, K)
        peer = sklearn_mixture.GaussianMixture(K, random_state=0)
        theirs, a = seconds(partial(peer.fit, X), 1)
        ours, b = seconds(partial(gmmem.GaussianMixture(K, random_state=0).fit, X), 2)
        print(
            f"{n:9,} x {d:3}, K = {K:2} {theirs:15.2f} {ours:9.2f} {theirs / ours:7.1f}"
            f"   {a.score(X):.6f} {b.score(X):.6f}",
            flush=True,
        )


def small():
    print("small fit, K = 2        scikit-learn ms  gmmem ms  ratio")
    for name, X in [
        ("Old Faithful, 272 x 2", load_old_faithful()),
        ("200 x 5", make(200, 5, 3)),
    ]:
        times = {}
        for cls in (sklearn_mixture.GaussianMixture, gmmem.GaussianMixture):
            model = cls(2, random_state=0)
            runs = [seconds(partial(model.fit, X), 1)[0] for _ in range(30)]
            times[cls] = statistics.median(runs)
        theirs, ours = times.values()
        print(f"{name:22} {1e3 * theirs:16.2f} {1e3 * ours:9.2f} {theirs / ours:6.2f}")


def predictions(n):
    d, K = 10, 10
    X = make(n, d, K)
    model = gmmem.GaussianMixture(K, random_state=0, max_iter=5).fit(X[:20_000])
    other = sklearn_mixture.GaussianMixture(K, random_state=0, max_iter=5).fit(X[:20_000])
    print(f"{n:,} x {d}, K = {K}   scikit-learn s   gmmem s   ratio   largest difference")
    for name in ("predict", "predict_proba", "score_samples"):
        theirs, a = seconds(partial(getattr(other, name), X), 2)
        ours, b = seconds(partial(getattr(model, name), X), 3)
        difference = np.abs(a.astype(float) - b).max()
        print(f"{name:22} {theirs:15.3f} {ours:9.3f} {theirs / ours:7.1f} {difference:12.1e}")


def imports():
    def median(code):
        runs = [
            seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True), 1)[0]
            for _ in range(7)
        ]
        return 1e3 * statistics.median(runs)

    base = median("import sklearn.mixture")
    more = median("import sklearn.mixture, gmmem")
    print(f"import sklearn.mixture {base:.0f} ms; with gmmem {more - base:.0f} ms more")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore", ConvergenceWarning)
    imports()
    small()
    predictions(100_000 if quick else 1_000_000)
    fits(FITS[1:2] if quick else FITS)


if __name__ == "__main__":
    main()
