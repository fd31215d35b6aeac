"""What the benchmarks share: data, starts, timing, the command line and the figures.

Needs NumPy alone, so that a peer in an environment of its own can use it too.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

# Okabe and Ito's palette, and shapes, so that no reader depends on the colour.
STYLES = {
    "gmmem": ("#0072b2", "o"),
    "scikit-learn": ("#e69f00", "s"),
    "oneDAL": ("#cc79a7", "D"),
    "mclust": ("#009e73", "^"),
    "pomegranate": ("#d55e00", "v"),
    "tgmm": ("#000000", "P"),
    "gmmx": ("#56b4e9", "X"),
    "full": ("#0072b2", "o"),
    "tied": ("#e69f00", "s"),
    "diag": ("#009e73", "^"),
    "spherical": ("#cc79a7", "D"),
}

# Distances between clusters in standard deviations.  On clusters that do not overlap EM ends
# after a few iterations, and what is zero can be left out; so both are measured.
OVERLAPPING, FAR = 4, 20

TYPES = ("full", "tied", "diag", "spherical")


class Start(NamedTuple):
    """Where EM starts: covariances are the identity, in the shape of their type."""

    covariance_type: str
    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


class Slope(NamedTuple):
    """Seconds an iteration, and how many iterations were done of those asked for."""

    seconds: float
    done: int
    asked: int


def fill(X, centres, rng, rows=65_536):
    """Overwrite X with overlapping clusters, block by block, so that nothing else is large."""
    for first in range(0, len(X), rows):
        block = X[first : first + rows]
        block[:] = rng.standard_normal(block.shape)
        block += centres[rng.integers(len(centres), size=len(block))]


def make(n, d, K, seed=0, apart=OVERLAPPING):
    """Clusters of unit variance about that far apart whatever d is, and their centres."""
    rng = np.random.default_rng(seed)
    centres = apart * rng.standard_normal((K, d)) / np.sqrt(2 * d)
    X = np.empty((n, d))
    fill(X, centres, rng)
    return X, centres


def start_beside(centres, covariance_type, seed=1):
    """Equal weights, means half a standard deviation from the centres, unit covariances."""
    K, d = centres.shape
    shift = 0.5 * np.random.default_rng(seed).standard_normal((K, d)) / np.sqrt(d)
    covariances = {
        "full": np.repeat(np.eye(d)[None], K, axis=0),
        "tied": np.eye(d),
        "diag": np.ones((K, d)),
        "spherical": np.ones(K),
    }[covariance_type]
    return Start(covariance_type, np.full(K, 1 / K), centres + shift, covariances)


def best_of(function, repeats):
    """The least seconds of some calls, and what the last one returned."""
    best = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - began)
    return best, result


def slope(run, few, many, repeats=2, patience=10.0):
    """Seconds an iteration: what the start and the end of a fit cost drops out.

    ``run(iterations)`` returns the number of iterations that it did.  A peer so slow
    that one run takes longer than `patience` is not run again.
    """
    short, fewest = best_of(lambda: run(few), 1)
    if short < patience:
        again, _ = best_of(lambda: run(few), repeats - 1) if repeats > 1 else (short, None)
        # The first run may have compiled something or read it from disk.
        short = min(short, again)
    long, most = best_of(lambda: run(many), repeats if short < patience else 1)
    if most == fewest:
        return Slope(np.nan, most, many)
    return Slope((long - short) / (most - fewest), most, many)


def arguments(doc, name, **options):
    """Parse --quick, --figure and the options of a script, each a default and a help text."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    figure = Path(__file__).parent / "figures" / f"{name}.png"
    parser.add_argument("--figure", type=Path, default=figure, help="where to write the figure")
    for option, (default, text) in options.items():
        kind = type(default) if default is not None else str
        flag = "--" + option.replace("_", "-")
        if kind is bool:
            parser.add_argument(flag, action="store_true", help=text)
        else:
            parser.add_argument(flag, type=kind, default=default, help=text)
    return parser.parse_args()


def save(path, draw, *args):
    """Write the figure that ``draw(pyplot, *args)`` returns, if Matplotlib is installed."""
    try:
        import matplotlib
    except ImportError:
        print("No figure was made: Matplotlib is not installed.")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = draw(pyplot, *args)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, pil_kwargs={"optimize": True})
    print(f"Figure: {path}")


def plain_log(axis):
    """Label the powers of ten of a logarithmic axis with plain numbers."""
    axis.set_major_formatter(lambda value, _: f"{value:,g}")
    axis.set_minor_formatter("")
