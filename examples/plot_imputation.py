"""
Filling in what is missing
==========================

Four measurements of iris flowers, of which a third is removed.  Each gap is filled from what is
there of its row: by what is expected, or by draws, which keep the spread.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer

from gmmem import GaussianMixtureIC, GaussianMixtureImputer

iris = load_iris(as_frame=True)
truth, species = iris.data, iris.target
rng = np.random.default_rng(0)
gone = rng.random(truth.shape) < 0.33
X = truth.mask(gone)
print(f"{gone.sum()} of {gone.size} entries removed; {(~gone.any(axis=1)).sum()} rows complete")

# %%
# One fill for each gap
# ---------------------
# The number of components and their covariances are chosen on the incomplete rows.  The species
# are not told; the components find them.

search = GaussianMixtureIC(range(1, 5), covariance_type=["EEE", "VEV", "VVV"], reg_covar=1e-3)
ours = GaussianMixtureImputer(estimator=search, random_state=0)
imputers = {
    "mean of the column": SimpleImputer(),
    "chained regressions": IterativeImputer(random_state=0, max_iter=50),
    "mixture": ours,
}
filled = {name: imputer.fit_transform(X) for name, imputer in imputers.items()}
print(f"chosen: {ours.estimator_.n_components_} components, {ours.estimator_.covariance_type_}")
for name, values in filled.items():
    error = np.sqrt(np.mean((values - truth.to_numpy())[gone] ** 2))
    print(f"{name}: root mean squared error {error:.3f} cm")

# %%
# What is filled in should look like what is there
# ------------------------------------------------
# Black points are complete in both columns.  Expected values lie on curves, where no flower need
# be; draws scatter as flowers do.

filled["mixture, drawn"] = ours.impute(X, 1)[0]
figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained", sharex=True, sharey=True)
columns = [0, 3]
touched = gone[:, columns].any(axis=1)
for ax, (name, values) in zip(axes, filled.items(), strict=True):
    ax.scatter(*values[~touched][:, columns].T, s=8, color="black", label="complete")
    ax.scatter(*values[touched][:, columns].T, s=12, color="#d55e00", alpha=0.7, label="filled")
    ax.set(title=name, xlabel=truth.columns[0])
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel(truth.columns[3])
axes[0].legend(frameon=False)

# %%
# How unsure is what follows?
# ---------------------------
# Twenty completed data sets, each with a mean of its own.  Rubin's rules add how much they differ
# to what the mean of so many rows is unsure by anyway.

m = 20
sets = ours.impute(X, m, random_state=1)
means, within = sets.mean(axis=1), sets.var(axis=1, ddof=1).mean(axis=0) / len(X)
total = within + (1 + 1 / m) * means.var(axis=0, ddof=1)
for j, name in enumerate(truth.columns):
    print(
        f"{name}: {means[:, j].mean():.3f} +- {np.sqrt(total[j]):.3f}; of all flowers "
        f"{truth[name].mean():.3f}, of those that are there {X[name].mean():.3f}"
    )
plt.show()
