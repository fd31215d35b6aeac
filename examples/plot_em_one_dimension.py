"""
EM in one dimension, from two starts
====================================

300 numbers from the mixture 0.6 N(2, 1) + 0.4 N(5, 2).  EM starts twice: once between the two
groups, once to the left of everything.  Both runs climb with every round, and end on different
optima.
"""

from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

from gmmem import Mixture, em
from gmmem.sources import InMemory

rng = np.random.default_rng(3)
X = np.concatenate([rng.normal(2, 1, 180), rng.normal(5, np.sqrt(2), 120)])[:, None]


def run(*means):
    """The first hundred states of EM from two components of variance one."""
    start = Mixture.from_arrays([0.5, 0.5], np.reshape(means, (2, 1)), [[[1.0]], [[1.0]]])
    return list(islice(em.iterate(start, InMemory(X)), 101))


runs = {"between the groups": run(4.0, 4.6), "left of all rows": run(-1.0, 0.0)}
for name, states in runs.items():
    print(f"{name}: log-likelihood {states[-1].log_likelihood:.2f}")
    print(f"  weights {states[-1].mixture.weights.round(2)}")
    print(f"  means {states[-1].mixture.means[:, 0].round(2)}")

# %%
# Each row of panels is one start, with the log-likelihood by round at the right.  The
# curves begin after the first round; the dotted line is the better of the two ends.

SHOWN = (0, 1, 5, 20, 100)
grid = np.linspace(-3, 9, 481)[:, None]
figure, axes = plt.subplots(2, 6, figsize=(14, 5.2), layout="constrained")
best = max(states[-1].log_likelihood for states in runs.values())
for line, (name, states) in zip(axes, runs.items(), strict=True):
    for ax, number in zip(line[:-1], SHOWN, strict=True):
        terms = np.exp(states[number].mixture.log_joint(grid))
        ax.hist(X[:, 0], bins=30, density=True, color="#dddddd")
        ax.plot(grid, terms[:, 0], color="#0072b2")
        ax.plot(grid, terms[:, 1], color="#d55e00")
        ax.plot(grid, terms.sum(axis=1), color="black", lw=1.6)
        ax.set(title=f"after {number}", ylim=(0, 0.34), yticks=[])
    line[0].set_ylabel(name)
    curve = [state.log_likelihood for state in states]
    line[-1].semilogx(range(1, 101), curve[1:], "o-", color="black", ms=2.5)
    line[-1].axhline(best, color="#999999", ls=":")
    line[-1].set(ylim=(-620, -601), title="log-likelihood", xlabel="round")
for ax in axes.flat:
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
