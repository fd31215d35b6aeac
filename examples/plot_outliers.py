"""
Outliers by a threshold on the density
======================================

Rows in places where the fitted density is low are unusual.  ``score_samples`` gives the
log-density; a quantile of it makes a threshold.
"""

import matplotlib.pyplot as plt
import numpy as np

from gmmem import GaussianMixture

rng = np.random.default_rng(7)
usual = np.vstack(
    [
        rng.multivariate_normal([0, 0], [[2.0, 1.6], [1.6, 2.0]], 500),
        rng.multivariate_normal([8, 0], [[0.3, 0.0], [0.0, 1.5]], 300),
    ]
)
odd = rng.uniform([-6, -6], [12, 6], (40, 2))
X, is_odd = np.vstack([usual, odd]), np.repeat([False, True], [800, 40])

# %%
# Five per cent of the rows are to be flagged.  The threshold is that quantile of the
# log-density of the rows themselves.

model = GaussianMixture(2, random_state=0).fit(X)
score = model.score_samples(X)
threshold = np.quantile(score, 0.05)
flagged = score < threshold
print(f"threshold {threshold:.2f}: {flagged.sum()} rows are flagged, ", end="")
print(f"of which {(flagged & is_odd).sum()} of the {is_odd.sum()} odd ones")

# %%
# The mean of all rows is no outlier by its distance from the mean, but few rows are there; a
# mixture sees that, one Gaussian does not.

one = GaussianMixture(1).fit(X)
middle = X.mean(axis=0, keepdims=True)
for name, fit in (("one Gaussian", one), ("mixture", model)):
    below = (fit.score_samples(X) < fit.score_samples(middle)).mean()
    print(f"{name}: {below:.0%} of the rows have a lower density than the mean of all rows")

# %%
# Left: the contour of the threshold.  The uniform rows that fall within a cluster cannot be told
# from its own.  Right: how many rows have each log-density, on a logarithmic scale; what is left of
# the threshold is flagged.

figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 4.4), layout="constrained")
x, y = np.meshgrid(np.linspace(-7, 13, 200), np.linspace(-7, 7, 200))
grid = model.score_samples(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
left.contour(x, y, grid, levels=[threshold], colors="black")
left.plot(*X[~flagged].T, ".", color="#999999", ms=4)
left.plot(*X[flagged & is_odd].T, "o", color="#d55e00", ms=5, label="flagged, odd")
left.plot(*X[flagged & ~is_odd].T, "s", color="#0072b2", ms=5, label="flagged, usual")
left.plot(*X[~flagged & is_odd].T, "x", color="#d55e00", label="odd, not flagged")
left.plot(*middle[0], "*", color="black", ms=12, label="mean of all rows")
left.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.16), ncols=3, fontsize=9)
bins = np.linspace(max(score.min(), -20), score.max(), 50)
right.hist(score[~is_odd], bins, color="#bbbbbb", label="usual")
right.hist(score[is_odd], bins, histtype="step", color="#d55e00", lw=1.6, label="odd")
right.axvline(threshold, color="black", ls="--", label="threshold")
right.set(xlabel="log-density (nats)", ylabel="rows", yscale="log")
right.legend(frameon=False, loc="upper left")
left.set(xlabel="feature 0", ylabel="feature 1")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
