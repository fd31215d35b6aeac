"""How often a fit reaches the best known optimum, and in what time.

    python benchmarks/starts.py            20 seeds: about ten minutes on one core
    python benchmarks/starts.py --quick    3 seeds

The problems of `problems.py`, each with gmmem's ``n_init="auto"``, and scikit-learn with
``n_init=1`` (its default) and 10.  A hit is a mean log-likelihood within 0.01 nats a row of
the best that any of the fits found.  A fit with a component of less than 2 (d + 1) rows is
taken for degenerate: it is no hit, and never the best.  Times are those of the processor.
"""

import time
import warnings

import numpy as np
from common import STYLES, arguments, save
from problems import PROBLEMS
from sklearn import mixture as sklearn_mixture

from gmmem import GaussianMixture

FITS = {
    "gmmem auto": (GaussianMixture, "auto"),
    "scikit-learn 1": (sklearn_mixture.GaussianMixture, 1),
    "scikit-learn 10": (sklearn_mixture.GaussianMixture, 10),
}
WITHIN = 0.01


def fit(name, X, n_components, seed):
    """Mean log-likelihood (none if degenerate), and seconds."""
    estimator, n_init = FITS[name]
    began = time.process_time()
    model = estimator(n_components, n_init=n_init, random_state=seed).fit(X)
    seconds = time.process_time() - began
    degenerate = model.weights_.min() * len(X) < 2 * (X.shape[1] + 1)
    return (-np.inf if degenerate else model.score(X)), seconds


def measure(problem, seeds):
    """Of each kind of fit: log-likelihoods and seconds, (seeds, 2)."""
    X = problem.X()
    return {
        name: np.array([fit(name, X, problem.n_components, seed) for seed in range(seeds)])
        for name in FITS
    }


def draw(pyplot, rates):
    """A row for each problem, a mark for each kind of fit."""
    figure, axes = pyplot.subplots(figsize=(8, 8.5), layout="constrained")
    looks = {
        "gmmem auto": (*STYLES["gmmem"], 0.0, "gmmem, n_init='auto'"),
        "scikit-learn 10": (*STYLES["pomegranate"], 0.16, "scikit-learn, n_init=10"),
        "scikit-learn 1": (*STYLES["scikit-learn"], -0.16, "scikit-learn, n_init=1"),
    }
    places = np.arange(len(rates))[::-1]
    for name, (colour, marker, shift, label) in looks.items():
        share = [100 * rate[name] for rate in rates.values()]
        axes.plot(share, places + shift, marker, color=colour, label=label, clip_on=False)
    axes.set_yticks(places, rates)
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.6, len(rates) - 0.4)
    axes.set_xlabel("Fits within 0.01 nats a row of the best known (%)")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3, frameon=False)
    return figure


def main():
    options = arguments(__doc__, "starts", seeds=(20, "fits of each kind"))
    seeds = 3 if options.quick else options.seeds
    warnings.simplefilter("ignore")
    print(f"{'hits of ' + str(seeds):40}" + "".join(f"{name:>24}" for name in FITS))
    rates, total = {}, dict.fromkeys(FITS, 0.0)
    for problem in PROBLEMS:
        found = measure(problem, seeds)
        best = max(values[:, 0].max() for values in found.values())
        rates[problem.name] = {
            name: float((values[:, 0] > best - WITHIN).mean()) for name, values in found.items()
        }
        line = f"{problem.name:40}"
        for name, values in found.items():
            total[name] += values[:, 1].sum()
            line += f"{rates[problem.name][name]:14.0%} {values[:, 1].mean():7.3f} s"
        print(line, flush=True)
    mean = {name: np.mean([rate[name] for rate in rates.values()]) for name in FITS}
    print(f"{'all':40}" + "".join(f"{mean[name]:14.1%} {total[name]:7.1f} s" for name in FITS))
    ratio = total["gmmem auto"] / total["scikit-learn 1"]
    print(f"Time of gmmem auto to that of scikit-learn's default: {ratio:.2f}")
    save(options.figure, draw, rates)


if __name__ == "__main__":
    main()
