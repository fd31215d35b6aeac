"""Passes over the rows until EM's own end, plain and accelerated.

    python benchmarks/acceleration.py            about ten minutes on one core
    python benchmarks/acceleration.py --quick    1,000 rows of each problem

The problems of `problems.py`, at most 3,000 rows of each, from one k-means start.  Counted are
the passes until the mean log-likelihood is within 1e-6 nats a row of where plain EM ends (its
gain over 15 iterations below 1e-9, or 1,500 passes), and the difference of the two ends.
"""

import warnings

import numpy as np
from common import arguments, save
from problems import PROBLEMS

from gmmem import em
from gmmem.covariances import get_model
from gmmem.estimators.starting import assignment_from
from gmmem.initializers import KMeans
from gmmem.priors import Ridge
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.updates import Extrapolated, Plain

MOST, WITHIN = 1_500, 1e-6


def follow(problem, start, rule):
    """Mean log-likelihoods, and the passes until each."""
    likely, passes = [], []
    for state in em.states(problem, start, rule):
        likely.append(state.log_likelihood / problem.extent.total_weight)
        passes.append(state.passes)
        if sum(passes) >= MOST or (len(likely) > 30 and likely[-1] - likely[-15] < 1e-9):
            return np.array(likely), np.cumsum(passes)


def measure(named, n_rows):
    """Passes of plain EM, of the accelerated, and how much higher the latter ends."""
    X, K = named.X()[:n_rows], named.n_components
    problem = Problem.of(InMemory(X), get_model("full"), Ridge(1e-6))
    begin = assignment_from(KMeans(), X, None, K, np.random.RandomState(0), "KMeans")
    start = begin.mixture(problem, K, lambda: False)
    plain, passes = follow(problem, start, Plain())
    likely, fewer = follow(problem, start, Extrapolated())
    goal = plain[-1] - WITHIN
    reached = likely >= goal
    needed = fewer[np.argmax(reached)] if reached.any() else np.inf
    return passes[np.argmax(plain >= goal)], needed, likely[-1] - plain[-1]


def draw(pyplot, found):
    """A line for each problem, from plain to accelerated."""
    figure, axes = pyplot.subplots(figsize=(8, 8.5), layout="constrained")
    places = np.arange(len(found))[::-1]
    plain, fast = (np.array([each[i] for each in found.values()], dtype=float) for i in (0, 1))
    axes.hlines(places, fast, plain, color="0.75", zorder=1)
    axes.plot(plain, places, "s", color="#e69f00", label="EM")
    axes.plot(fast, places, "o", color="#0072b2", label="accelerated")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_yticks(places, found)
    axes.set_xlabel("Passes to within 1e-6 nats a row of EM's end (no mark: not reached)")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2, frameon=False)
    return figure


def main():
    options = arguments(__doc__, "acceleration")
    warnings.simplefilter("ignore")
    found = {}
    print(f"{'passes':40}{'EM':>8}{'fast':>8}{'ratio':>8}{'higher by':>12}")
    for named in PROBLEMS:
        plain, fast, higher = found[named.name] = measure(named, 1_000 if options.quick else 3_000)
        print(f"{named.name:40}{plain:8}{fast:8g}{fast / plain:8.2f}{higher:12.6f}", flush=True)
    ratios = np.array([fast / plain for plain, fast, _ in found.values()])
    lower = sum(higher < -WITHIN for *_, higher in found.values())
    print(
        f"Median ratio {np.median(ratios):.2f}; above 1.1 or not reached in "
        f"{(ratios > 1.1).sum()}, a lower end in {lower} of {len(ratios)} problems."
    )
    save(options.figure, draw, found)


if __name__ == "__main__":
    main()
