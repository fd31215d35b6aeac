"""How often a fit reaches the best known optimum, and in what time.

    python benchmarks/starts.py            29 problems, 20 seeds: about half an hour
    python benchmarks/starts.py --quick    2 seeds, 1 for the slow peers: minutes
    python benchmarks/starts.py --seeds 10 --slow-seeds 3    12 minutes

The problems of `problems.py`, each with gmmem's ``n_init="auto"``, scikit-learn with
``n_init=1`` (its default) and 10, and mclust's VVV from its own hierarchical start, where R and
mclust are installed.  The fits alternate.  A hit is a mean log-likelihood within 0.01 nats a row
of the best that any of the fits found, or EM from the best of them to its end.  A fit with a
component of less than 2 (d + 1) rows, or a width that is mostly ``reg_covar``, is taken for
degenerate: it is no hit, and never the best.  Times are those of the processor; that of mclust
is R's own.  The slow peers, scikit-learn with ten starts and mclust, get fewer seeds:
``--slow-seeds``, and mclust no more rows than `MOST_ROWS`.
"""

import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from common import STYLES, arguments, save
from problems import PROBLEMS
from sklearn import mixture as sklearn_mixture

from gmmem import GaussianMixture

WITHIN, REG_COVAR = 0.01, 1e-6
SLOW_SEEDS, MOST_ROWS = 5, 30_000

FITS = ("gmmem auto", "scikit-learn 1", "scikit-learn 10", "mclust")


def sound(model, X):
    """Whether no component is degenerate."""
    enough = model.weights_.min() * len(X) >= 2 * (X.shape[1] + 1)
    return enough and np.linalg.eigvalsh(model.covariances_).min() > 2 * REG_COVAR


def fit(name, X, n_components, seed):
    """Mean log-likelihood (none if degenerate), and seconds."""
    params = {"reg_covar": REG_COVAR, "random_state": seed}
    began = time.process_time()
    if name == "gmmem auto":
        model = GaussianMixture(n_components, n_init="auto", **params).fit(X)
    else:
        n_init = int(name.split()[1])
        model = sklearn_mixture.GaussianMixture(n_components, n_init=n_init, **params).fit(X)
    seconds = time.process_time() - began
    return (model.score(X) if sound(model, X) else -np.inf), seconds


def has_mclust():
    """Whether R and mclust are there."""
    if shutil.which("Rscript") is None:
        return False
    code = "quit(status = !requireNamespace('mclust', quietly = TRUE))"
    return subprocess.run(["Rscript", "-e", code], capture_output=True).returncode == 0


def fit_mclust(X, n_components, seed):
    """The same by mclust; not a number where it has no answer in time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "X.csv"
        np.savetxt(file, X, delimiter=",")
        command = ["Rscript", str(Path(__file__).with_suffix(".R")), file, n_components, seed]
        try:
            done = subprocess.run(
                list(map(str, command)), capture_output=True, text=True, timeout=120
            )
        except subprocess.TimeoutExpired:
            return np.nan, np.nan
    if done.returncode:
        return np.nan, np.nan
    likelihood, seconds, *rows = done.stdout.split()[-3:]
    enough = bool(rows) and float(rows[0]) >= 2 * (X.shape[1] + 1)
    return (float(likelihood) if enough else -np.inf), float(seconds)


def measure(problem, seeds, slow, names):
    """Of each kind of fit: log-likelihoods and seconds, (seeds, 2), and the best known."""
    X, K = problem.X(), problem.n_components
    found = {name: [] for name in names}
    for seed in range(seeds):
        for name in names:
            if name in ("scikit-learn 10", "mclust") and seed >= slow:
                continue
            if name == "mclust":
                if len(X) <= MOST_ROWS:
                    found[name].append(fit_mclust(X, K, seed))
            else:
                found[name].append(fit(name, X, K, seed))
    found = {name: np.array(values).reshape(-1, 2) for name, values in found.items()}
    best = max(values[:, 0].max(initial=-np.inf) for name, values in found.items())
    return found, max(best, longest(X, K, found["gmmem auto"][:, 0].argmax()))


def longest(X, n_components, seed):
    """EM to its end from what gmmem found."""
    model = GaussianMixture(
        n_components, n_init="auto", random_state=int(seed), tol=1e-6, max_iter=500
    ).fit(X)
    return model.score(X) if sound(model, X) else -np.inf


def draw(pyplot, rates):
    """A row for each problem, a mark for each kind of fit."""
    figure, axes = pyplot.subplots(figsize=(8, 8.5), layout="constrained")
    looks = {
        "gmmem auto": (*STYLES["gmmem"], 0.0, "gmmem, n_init='auto'"),
        "scikit-learn 10": (*STYLES["pomegranate"], 0.16, "scikit-learn, n_init=10"),
        "scikit-learn 1": (*STYLES["scikit-learn"], -0.16, "scikit-learn, n_init=1"),
        "mclust": (*STYLES["mclust"], -0.32, "mclust, VVV"),
    }
    places = np.arange(len(rates))[::-1]
    for name in next(iter(rates.values())):
        colour, marker, shift, label = looks[name]
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
    options = arguments(
        __doc__,
        "starts",
        seeds=(20, "fits of each kind"),
        slow_seeds=(SLOW_SEEDS, "fits of the slow peers"),
    )
    seeds = 2 if options.quick else options.seeds
    slow = min(1 if options.quick else options.slow_seeds, seeds)
    names = FITS
    if not has_mclust():
        names = FITS[:-1]
        print("Without mclust: R, or its package mclust, is not installed.")
    warnings.simplefilter("ignore")
    print(f"{'hits of ' + str(seeds):36}" + "".join(f"{name:>23}" for name in names))
    rates, total = {}, dict.fromkeys(names, 0.0)
    for problem in PROBLEMS:
        found, best = measure(problem, seeds, slow, names)
        rates[problem.name], line = {}, f"{problem.name:36}"
        for name, values in found.items():
            tried = values[~np.isnan(values[:, 0])]
            rate = float((tried[:, 0] > best - WITHIN).mean()) if len(tried) else np.nan
            mean = tried[:, 1].mean() if len(tried) else np.nan
            rates[problem.name][name] = rate
            total[name] += 0 if np.isnan(mean) else mean
            line += f"{rate:13.0%} {mean:7.3f} s"
        print(line, flush=True)
    mean = {name: np.nanmean([rate[name] for rate in rates.values()]) for name in names}
    print(f"{'all':36}" + "".join(f"{mean[name]:13.1%} {total[name]:7.2f} s" for name in names))
    ratio = total["gmmem auto"] / total["scikit-learn 1"]
    print(f"Time of gmmem auto to that of scikit-learn's default: {ratio:.2f}")
    save(options.figure, draw, rates)


if __name__ == "__main__":
    main()
