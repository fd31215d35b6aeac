"""
Slow and accelerated convergence
================================

Near its end EM loses a constant share of what is missing in each round: much where components lie
apart, next to nothing where they overlap.  What is so regular can be foreseen.
"""

from itertools import accumulate, takewhile

import matplotlib.pyplot as plt
import numpy as np

from gmmem import GaussianMixture, Mixture, em
from gmmem.covariances import get_model
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.updates import Extrapolated, Plain

rng = np.random.default_rng(0)
noise, second = rng.normal(size=(2_000, 2)), np.arange(2_000) % 2 == 1
MOST = 500


def missing(X, rule) -> tuple[np.ndarray, np.ndarray]:
    """Passes over the rows, and the log-likelihood after them, from a start off the truth."""
    problem = Problem.of(InMemory(X), get_model("full"))
    ends = X[~second].mean(axis=0), X[second].mean(axis=0)
    start = Mixture.from_arrays([0.5, 0.5], ends, [np.cov(X.T)] * 2)
    states = takewhile(lambda state: state.iteration < MOST, em.states(problem, start, rule))
    passes, values = zip(*((s.passes, s.log_likelihood) for s in states), strict=True)
    return np.array(list(accumulate(passes))), np.array(values)


# %%
# Two round clouds of a thousand rows each, four, three and two standard deviations apart.  The
# curves show how many nats the log-likelihood is below its maximum after so many passes over the
# rows.  On this scale a constant share is a straight line: steep at four, nearly flat at two.  The
# accelerated curves (solid) leave the plain ones (dashed) once there is something to go by.

figure, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
for distance, colour in zip((4, 3, 2), ("#0072b2", "#009e73", "#d55e00"), strict=True):
    X = noise + np.where(second, distance, 0)[:, None] * [1, 0]
    curves = [missing(X, rule) for rule in (Plain(), Extrapolated())]
    best = max(values.max() for _, values in curves)
    for (passes, values), style, name in zip(
        curves, ("--", "-"), ("EM", "accelerated"), strict=True
    ):
        near = best - values < 1e-6
        print(f"{distance} apart, {name:11}: ", end="")
        print(f"{passes[near.argmax()]} passes" if near.any() else f"more than {MOST} passes")
        left = np.maximum(best - values, 1e-9)
        ax.semilogy(passes, left, style, color=colour, label=f"{name}, {distance} apart")
ax.set(xlim=(1, 250), ylim=(1e-7, None), xlabel="passes over the rows", ylabel="nats missing")
ax.legend(frameon=False, ncols=3, loc="upper right", fontsize=9)
ax.spines[["top", "right"]].set_visible(False)

# %%
# With the default tolerance EM stops early: the last gain was below it, but many such gains were
# to follow.  ``remaining_gain_`` estimates how much they add up to.

model = GaussianMixture(2, random_state=0).fit(X)
full = GaussianMixture(2, tol=1e-9, max_iter=5_000, accelerate=True, random_state=0).fit(X)
print(f"2 apart, default tolerance: {model.n_iter_} passes")
print(f"missing, in nats a row: {full.score(X) - model.score(X):.1e}")
print(f"estimated:              {model.remaining_gain_:.1e}")
plt.show()
