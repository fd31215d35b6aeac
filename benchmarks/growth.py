"""How the time of one EM iteration grows with n, K and d, against what the mathematics says.

    python benchmarks/growth.py            about a minute
    python benchmarks/growth.py --quick    fewer rows

Log-log slopes by least squares over four doublings, one size at a time, for each type of
covariance: with its standard error, and beside it that of the last doubling.  An iteration costs
n K d^2 with full covariances and n K d with the others.
"""

import warnings

import numpy as np
from common import STYLES, TYPES, arguments, make, plain_log, save, slope, start_beside
from sklearn.exceptions import ConvergenceWarning

from gmmem import GaussianMixture

BASE = {"n": 100_000, "K": 10, "d": 10}
SIZES = {
    "n": [50_000 * 2**i for i in range(5)],
    "K": [4 * 2**i for i in range(5)],
    "d": [4 * 2**i for i in range(5)],
}
NAMES = {"n": "rows", "K": "components", "d": "features"}


def exponent(size, covariance_type):
    """What the number of operations says."""
    return 2 if size == "d" and covariance_type == "full" else 1


def seconds(n, d, K, covariance_type):
    X, centres = make(n, d, K)
    start = start_beside(centres, covariance_type)
    given = dict(
        weights_init=start.weights, means_init=start.means, precisions_init=start.covariances
    )

    def run(iterations):
        model = GaussianMixture(
            K, covariance_type=covariance_type, max_iter=iterations, tol=0, **given
        )
        return model.fit(X).n_iter_

    return slope(run, 2, 12, 3).seconds


def fitted(x, y):
    """Slope of a line by least squares, and its standard error."""
    (rise, _), covariance = np.polyfit(x, y, 1, cov=True)
    return rise, np.sqrt(covariance[0, 0])


def measure(quick):
    """Print the slopes; return the times by type and size."""
    print("type       in        slope       expected   last doubling    milliseconds")
    table = {}
    for covariance_type in TYPES:
        for size, values in SIZES.items():
            shapes = [dict(BASE, **{size: value}) for value in values]
            if quick:
                shapes = [dict(shape, n=shape["n"] // 5) for shape in shapes]
            times = np.array(
                [seconds(**shape, covariance_type=covariance_type) for shape in shapes]
            )
            used = [shape[size] for shape in shapes]
            table[covariance_type, size] = used, times
            rise, error = fitted(np.log2(used), np.log2(times))
            last = np.log2(times[-1] / times[-2])
            print(
                f"{covariance_type:10} {size}  {rise:8.2f} +- {error:.2f} "
                f"{exponent(size, covariance_type):8} {last:15.2f}       "
                + " ".join(f"{1e3 * time:.2f}" for time in times),
                flush=True,
            )
    return table


def draw(pyplot, table):
    figure, panels = pyplot.subplots(1, 3, figsize=(11, 4), sharey=True, layout="constrained")
    for axes, size in zip(panels, SIZES, strict=True):
        for covariance_type in TYPES:
            used, times = table[covariance_type, size]
            colour, marker = STYLES[covariance_type]
            axes.plot(used, 1e3 * times, "-" + marker, color=colour, label=covariance_type)
            if covariance_type in ("full", "tied"):
                guide = (np.array(used) / used[-1]) ** exponent(size, covariance_type)
                axes.plot(used, 1e3 * times[-1] * guide, ":", color=colour)
        axes.set(xscale="log", yscale="log", xlabel=NAMES[size])
        axes.set_xticks(used, [f"{value:,}" for value in used])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    plain_log(panels[0].yaxis)
    panels[0].set_ylabel("milliseconds per EM iteration")
    panels[0].legend(title="dotted: what the\nmathematics says", fontsize="small")
    return figure


def main():
    options = arguments(__doc__, "growth")
    warnings.simplefilter("ignore", ConvergenceWarning)
    save(options.figure, draw, measure(options.quick))


if __name__ == "__main__":
    main()
