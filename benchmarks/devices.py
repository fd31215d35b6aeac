"""EM on a device by the array API, beside scikit-learn's own array API path and its NumPy path.

    python benchmarks/devices.py [--device cuda] [--quick]

Milliseconds an iteration of ten, from the same start, and the log-likelihood that each came
to; and the share of the device's own matrix product that gmmem's two products reach.  Needs
torch.
"""

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # scikit-learn asks for it.

import argparse
import time
import warnings
from functools import partial

import numpy as np
import sklearn
import torch
from sklearn.mixture import GaussianMixture as Theirs

from gmmem import GaussianMixture
from gmmem.sources import Device

ITERATIONS = 10
SHAPES = [(1_000_000, 10, 10), (100_000, 50, 20), (1_000_000, 64, 128)]
QUICK = [(100_000, 10, 10), (20_000, 50, 20)]


def problem(n, d, K, dtype):
    """Clusters that overlap, and where to start."""
    rng = np.random.RandomState(0)
    centres = 4 * rng.randn(K, d) / np.sqrt(d)
    X = (rng.randn(n, d) + centres[rng.randint(K, size=n)]).astype(dtype)
    start = dict(
        weights_init=np.full(K, 1 / K, dtype),
        means_init=(centres + 0.5 * rng.randn(K, d)).astype(dtype),
        precisions_init=np.repeat(np.eye(d, dtype=dtype)[None], K, axis=0),
    )
    return X, start


def iterations(fit, device):
    """Milliseconds an iteration, and the mean log-likelihood at the end."""
    fit()
    _wait(device)
    began = time.perf_counter()
    model = fit()
    _wait(device)
    return 1000 * (time.perf_counter() - began) / ITERATIONS, float(model.lower_bound_)


def product(n, d, K, dtype, device):
    """Milliseconds that two products of the sizes of an iteration take on the device."""
    p = 1 + d + d * (d + 1) // 2
    size = min(n, 100_000)
    kind = getattr(torch, np.dtype(dtype).name)
    Phi = torch.ones((size, p), dtype=kind, device=device)
    T = torch.ones((p, K), dtype=kind, device=device)
    _wait(device)
    began = time.perf_counter()
    for _ in range(3):
        Phi.T @ (Phi @ T)
    _wait(device)
    return 1000 * (time.perf_counter() - began) / 3 * n / size


def _wait(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--quick", action="store_true", help="smaller shapes")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    device, run = arguments.device, dict(max_iter=ITERATIONS, tol=0)
    print(f"device {device}: ms an iteration, log-likelihood a row")
    for n, d, K in QUICK if arguments.quick else SHAPES:
        for dtype in (np.float64, np.float32):
            X, start = problem(n, d, K, dtype)
            there = torch.asarray(X, device=device)
            begin = {key: torch.asarray(value, device=device) for key, value in start.items()}
            ours = GaussianMixture(K, **run, **start)
            theirs = Theirs(K, **run, **start)
            standard = Theirs(K, init_params="random", **run, **begin)
            rows = [
                ("gmmem", *iterations(partial(ours.fit, Device(there)), device)),
                ("gmmem, NumPy", *iterations(partial(ours.fit, X), device)),
            ]
            with sklearn.config_context(array_api_dispatch=True):
                rows.append(("scikit-learn", *iterations(partial(standard.fit, there), device)))
            rows.append(("scikit-learn, NumPy", *iterations(partial(theirs.fit, X), device)))
            floor = product(n, d, K, dtype, device)
            print(
                f"{n:,} x {d}, K = {K}, {np.dtype(dtype).name}: "
                f"{floor / rows[0][1]:.2f} of the products alone"
            )
            for name, ms, likelihood in rows:
                print(f"  {name:20} {ms:10.1f}  {likelihood:.8f}", flush=True)


if __name__ == "__main__":
    main()
