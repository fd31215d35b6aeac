"""
EM on Old Faithful: a plateau, and what lies beyond
===================================================

The start of the README's five steps: two components with weights of one half, at (2, 80) and
(4, 60).  After one round the log-likelihood is -1288, and in the next few it hardly moves.  It
looks converged, and is not.
"""

from itertools import islice

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Ellipse

from gmmem import Mixture, em
from gmmem.datasets import load_old_faithful
from gmmem.sources import InMemory

BLUE, ORANGE = "#0072b2", "#d55e00"
X = load_old_faithful()
start = Mixture.from_arrays([0.5, 0.5], [[2, 80], [4, 60]], [[[1, 0], [0, 99]]] * 2)
states = list(islice(em.iterate(start, InMemory(X)), 31))
curve = [state.log_likelihood for state in states]
print("round  log-likelihood  gain")
for number in (0, 1, 2, 3, 4, 5, 10, 15, 20, 25):
    gain = curve[number] - curve[number - 1] if number else np.nan
    print(f"{number:5} {curve[number]:15.2f} {gain:5.2f}")

# %%
# Rows are coloured by responsibility; the ellipses are at one standard deviation of each
# component.  On the plateau both components cover all rows, and every row is shared: together
# they are little more than one Gaussian.  A slight difference between them grows by a
# constant factor a round, until they separate.

SHOWN = (0, 1, 2, 5, 10, 20)
colours = LinearSegmentedColormap.from_list("responsibility", [BLUE, "#b8a9b9", ORANGE])
figure, axes = plt.subplots(2, 4, figsize=(13, 6.4), layout="constrained")
panels = [*axes[0, :3], *axes[1, :3]]
for ax, number in zip(panels, SHOWN, strict=True):
    mixture = states[number].mixture
    share = mixture.responsibilities(X)[:, 0]
    ax.scatter(*X.T, c=share, cmap=colours, vmin=0, vmax=1, s=12, alpha=0.75, lw=0)
    for mean, covariance, colour in zip(
        mixture.means, mixture.covariances.dense(), (ORANGE, BLUE), strict=True
    ):
        variances, vectors = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
        width, height = 2 * np.sqrt(variances[::-1])
        ax.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, lw=2, ec=colour))
        ax.plot(*mean, "o", ms=7, mfc=colour, mec="white")
    ax.set(title=f"after {number}: {curve[number]:.0f}", xlim=(0.5, 6), ylim=(38, 102))
axes[0, 0].set_ylabel("wait for the next (min)")
axes[1, 0].set_ylabel("wait for the next (min)")
for ax in axes[1, :3]:
    ax.set_xlabel("eruption (min)")
likelihood = axes[0, 3]
likelihood.plot(range(1, 31), curve[1:], "o-", color="black", ms=3)
likelihood.set(title="log-likelihood, from round 1", xlabel="round")
gains = axes[1, 3]
gains.semilogy(range(2, 27), np.diff(curve[1:27]), "o-", color="black", ms=3)
gains.axhline(0.001 * len(X), color="#999999", ls=":")
gains.annotate("below it the default\ntol stops", (2, 0.02), color="#666666", fontsize=9)
gains.set(title="gain of each round", xlabel="round")
for ax in axes.flat:
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
