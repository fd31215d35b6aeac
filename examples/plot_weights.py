"""
Weights of rows, and binned data
================================

A weight of w counts like w copies of a row.  Two uses: data that came as counts, and a sample
that does not represent its population.
"""

import matplotlib.pyplot as plt
import numpy as np

from gmmem import GaussianMixture

rng = np.random.default_rng(0)


def curve(model, grid):
    """The density of a fitted mixture."""
    return np.exp(model.score_samples(grid[:, None]))


# %%
# A million numbers as a histogram
# --------------------------------
# The middles of 120 bins, weighted by the counts, give nearly the fit of the numbers.

x = np.concatenate([rng.normal(2, 1, 600_000), rng.normal(5, np.sqrt(2), 400_000)])
counts, edges = np.histogram(x, bins=120)
middles = (edges[1:] + edges[:-1]) / 2
params = {"tol": 1e-7, "max_iter": 2000, "random_state": 0}
by_rows = GaussianMixture(2, **params).fit(x[:, None])
by_bins = GaussianMixture(2, **params).fit(middles[:, None], sample_weight=counts)
for name, model in (("rows", by_rows), ("bins", by_bins)):
    order = np.argsort(model.means_[:, 0])
    means, variances = model.means_[order, 0], model.covariances_[order, 0, 0]
    print(f"{name}: weights {model.weights_[order].round(3)}, means {means.round(3)}, ", end="")
    print(f"variances {variances.round(3)}")

# %%
# A sample that was not drawn evenly
# ----------------------------------
# Every number above 4 was kept, and a quarter of those below.  Without weights the mixture
# describes the sample; with the inverse of the chance to be drawn it describes the population.

population = x[:: len(x) // 8000]
kept = (population > 4) | (rng.random(len(population)) < 0.25)
sample = population[kept]
weight = np.where(sample > 4, 1.0, 4.0)
plain = GaussianMixture(2, **params).fit(sample[:, None])
weighted = GaussianMixture(2, **params).fit(sample[:, None], sample_weight=weight)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
grid = np.linspace(-3, 11, 500)
left.stairs(counts / counts.sum() / np.diff(edges), edges, fill=True, color="#dddddd")
left.plot(grid, curve(by_rows, grid), color="black", lw=3, label="a million rows")
left.plot(grid, curve(by_bins, grid), "--", color="#d55e00", lw=1.5, label="120 bins")
right.hist(sample, bins=60, density=True, color="#dddddd", label="the sample")
right.plot(grid, curve(plain, grid), color="#d55e00", label="without weights")
right.plot(grid, curve(weighted, grid), color="#0072b2", label="with weights")
right.plot(grid, curve(by_rows, grid), ":", color="black", lw=2, label="the population")
for ax in (left, right):
    ax.legend(frameon=False)
    ax.set(xlabel="x", ylabel="density")
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
