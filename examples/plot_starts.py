"""
Bad starts and ``n_init="auto"``
================================

Twenty clusters that overlap a little.  How many starts find the best optimum, and what a search
by splits and mergers finds in their place.
"""

import matplotlib.pyplot as plt
import numpy as np

from gmmem import GaussianMixture
from gmmem.displays import MixtureDisplay, StartsDisplay

rng = np.random.default_rng(3)
centres = rng.uniform(0, 30, (20, 2))
widths = rng.uniform(0.5, 1.5, 20)
labels = rng.integers(20, size=4000)
X = centres[labels] + widths[labels, None] * rng.standard_normal((4000, 2))

# %%
# Twenty starts by k-means.  Each fit says that it has converged, and each has: on a hill of its
# own.  The report tells how far the ends are apart, and how differently they cut the rows.

several = GaussianMixture(20, n_init=20, random_state=0).fit(X)
report = several.starts_report_
print(f"{report.n_best} of {report.n_starts} within 0.01 nats a row of the best of them")
print(f"Median shortfall {np.median(report.shortfall):.3f} nats a row")

# %%
# With "auto" a few starts run on a subset of the rows, from too many components of which those
# that are alike are merged.  From the best of them one component is split and two are merged,
# over and over, as long as that helps; then EM runs once on all rows.

auto = GaussianMixture(20, n_init="auto", random_state=0).fit(X)
one = GaussianMixture(20, random_state=0).fit(X)
for name, model in {"one start": one, "20 starts": several, "auto": auto}.items():
    print(f"{name:10} {model.score(X):.4f} nats a row")

figure, axes = plt.subplots(1, 3, figsize=(15, 4.4), layout="constrained")
StartsDisplay.from_estimator(several, ax=axes[0])
for ax, (name, model) in zip(
    axes[1:], {"One start": one, 'n_init="auto"': auto}.items(), strict=True
):
    MixtureDisplay.from_estimator(model, X, ax=ax, contours=False, s=4)
    ax.set(title=f"{name}: {model.score(X):.3f} nats a row", xlabel="", ylabel="", aspect="equal")
plt.show()
