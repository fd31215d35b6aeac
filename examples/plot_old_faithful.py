"""
EM on Old Faithful, from a deliberately poor start
==================================================

Panels after 0, 1, 2, 5 and 20 iterations: responsibilities as colour, ellipses at
one standard deviation.  Prints the fitted table and writes old_faithful.png.
"""

from itertools import islice

import numpy as np

from gmmem import GaussianMixture, Mixture, em
from gmmem.datasets import load_old_faithful
from gmmem.sources import InMemory

try:
    import matplotlib.pyplot as plt
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Ellipse
except ImportError:
    raise SystemExit('This picture needs matplotlib: pip install "gmmem[plot]"') from None

SHOWN = (0, 1, 2, 5, 20)
BLUE, ORANGE = "#0072B2", "#D55E00"

X = load_old_faithful()
start = Mixture.from_arrays([0.5, 0.5], [[2.6, 88], [4.4, 52]], [np.diag([0.35, 45.0])] * 2)
states = [s for s in islice(em.iterate(start, InMemory(X)), max(SHOWN) + 1) if s.iteration in SHOWN]

figure, axes = plt.subplots(1, len(SHOWN), figsize=(15, 3.6), sharex=True, sharey=True)
colours = LinearSegmentedColormap.from_list("responsibility", [BLUE, "#B8A9B9", ORANGE])
for ax, state in zip(axes, states, strict=True):
    share = state.mixture.responsibilities(X)[:, 0]
    ax.scatter(*X.T, c=share, cmap=colours, vmin=0, vmax=1, s=13, alpha=0.75, linewidths=0)
    covariances = state.mixture.covariances.dense()
    for mean, covariance, colour in zip(
        state.mixture.means, covariances, (ORANGE, BLUE), strict=True
    ):
        variances, axes_ = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(axes_[1, 1], axes_[0, 1]))
        width, height = 2 * np.sqrt(variances[::-1])
        ax.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, lw=2, ec=colour))
        ax.plot(*mean, marker="o", ms=7, mfc=colour, mec="white", mew=1.2)
    ax.set_title(f"after {state.iteration}: log-lik. {state.log_likelihood:.0f}", fontsize=11)
    ax.set_xlabel("eruption (min)")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("wait for the next (min)")
figure.tight_layout()
figure.savefig("old_faithful.png", dpi=150)

model = GaussianMixture(2, random_state=0).fit(X)
print("component  weight  eruption  waiting   sd(eruption)  sd(waiting)")
for k in np.argsort(model.means_[:, 0]):
    eruption, waiting = model.means_[k]
    sd = np.sqrt(np.diag(model.covariances_[k]))
    row = f"{k:9d} {model.weights_[k]:7.3f} {eruption:9.3f} {waiting:8.2f}"
    print(row, f"{sd[0]:14.3f} {sd[1]:12.2f}")
print(f"log-likelihood {model.score(X) * len(X):.2f}, BIC {model.bic(X):.2f}")
print("wrote old_faithful.png")
