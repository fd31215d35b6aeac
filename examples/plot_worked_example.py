"""
A worked example in one dimension
=================================

Two components, N(2, 1) with the weight 0.6 and N(5, 2) with the weight 0.4 (the second number is
the variance), and six rows.  Every figure of it is worked out in the theory's page of the same
name; here it is drawn.
"""

from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

from gmmem import Mixture, em
from gmmem.sources import InMemory

BLUE, ORANGE = "#0072b2", "#d55e00"
rows = np.array([1, 2, 2.5, 3.5, 5, 6])[:, None]
start = Mixture.from_arrays([0.6, 0.4], [[2.0], [5.0]], [[[1.0]], [[2.0]]])

# %%
# Above, weight times density of each component and their sum, the mixture.  Below, each
# component's share of that sum: its responsibility.  At 3.5 the shares are 0.547 and 0.453.

grid = np.linspace(-2, 10, 601)[:, None]
figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(7, 5.6), sharex=True, height_ratios=(3, 2), layout="constrained"
)
terms = np.exp(start.log_joint(grid))
top.plot(grid, terms.sum(axis=1), color="black", lw=2, label="mixture")
shares = start.responsibilities(grid)
for k, (colour, name) in enumerate([(BLUE, "0.6 N(2, 1)"), (ORANGE, "0.4 N(5, 2)")]):
    top.plot(grid, terms[:, k], color=colour, label=name)
    bottom.plot(grid, shares[:, k], color=colour, lw=2)
of_rows = start.responsibilities(rows)
colours = of_rows @ [plt.matplotlib.colors.to_rgb(BLUE), plt.matplotlib.colors.to_rgb(ORANGE)]
top.scatter(rows, np.zeros(len(rows)), c=colours, s=60, zorder=3, clip_on=False, ec="white")
for ax in (top, bottom):
    ax.axvline(3.5, color="#999999", lw=1, ls=":")
    ax.spines[["top", "right"]].set_visible(False)
for share, colour, height in zip(
    start.responsibilities([[3.5]])[0], (BLUE, ORANGE), (14, -18), strict=True
):
    bottom.plot(3.5, share, "o", color=colour)
    bottom.annotate(
        f"{share:.3f}", (3.5, share), (-44, height), textcoords="offset points", color=colour
    )
top.set(ylabel="density", ylim=(0, None))
bottom.set(xlabel="x", ylabel="responsibility", xlim=(-2, 10), ylim=(-0.03, 1.03))
top.legend(frameon=False)

# %%
# EM on the six rows, from there.  The curve of the log-likelihood seems to settle at first, then
# rises again when the second component gives up the row at 3.5.

SHOWN = (0, 1, 5, 30)
states = list(islice(em.iterate(start, InMemory(rows)), SHOWN[-1] + 1))
figure, axes = plt.subplots(1, 5, figsize=(13, 3), width_ratios=(1, 1, 1, 1, 1.3))
for ax, number in zip(axes[:-1], SHOWN, strict=True):
    mixture = states[number].mixture
    terms = np.exp(mixture.log_joint(grid))
    ax.plot(grid, terms.sum(axis=1), color="black", lw=1.6)
    ax.plot(grid, terms[:, 0], color=BLUE, lw=1)
    ax.plot(grid, terms[:, 1], color=ORANGE, lw=1)
    shares = mixture.responsibilities(rows)
    colours = shares @ [plt.matplotlib.colors.to_rgb(c) for c in (BLUE, ORANGE)]
    ax.scatter(rows, np.zeros(len(rows)), c=colours, s=40, zorder=3, clip_on=False, ec="white")
    ax.set(xlim=(-1, 8), ylim=(0, 0.3), title=f"after {number}", xlabel="x")
axes[0].set_ylabel("density")
axes[-1].plot([state.log_likelihood for state in states], "o-", color="black", ms=3)
axes[-1].set(xlabel="round", title="log-likelihood")
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
plt.show()
