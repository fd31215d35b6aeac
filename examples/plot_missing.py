"""
Rows with missing values
========================

Fisher's irises, a quarter of whose measurements are taken away.  A mixture is fitted to what is
left: no row is left out, and nothing is filled in.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.metrics import adjusted_rand_score

from gmmem import GaussianMixture

iris = load_iris()
rng = np.random.default_rng(3)
X = iris.data.copy()
X[rng.random(X.shape) < 0.25] = np.nan
complete = ~np.isnan(X).any(axis=1)
print(f"{np.isnan(X).sum()} of {X.size} values are missing; {complete.sum()} rows are complete")

# %%
# Three ways to fit three components: to the rows as they are, to the complete rows alone, and to
# rows whose gaps have the mean of their column.  Each is judged by the irises as they were: how
# likely they are, and how well the clusters are the species.

params = dict(
    n_components=3,
    init_params="hierarchical",
    covariance_type="EEV",
    reg_covar=0,
    tol=1e-6,
    max_iter=1000,
)
ways = {
    "as they are": X,
    "complete rows": X[complete],
    "means filled in": SimpleImputer().fit_transform(X),
}
models = {name: GaussianMixture(**params).fit(rows) for name, rows in ways.items()}
for name, model in models.items():
    agreement = adjusted_rand_score(iris.target, model.predict(iris.data))
    print(f"{name:16} {model.score(iris.data):6.2f} nats a row, agreement {agreement:.2f}")

# %%
# A row is assigned by what is known of it.  Where that does not tell, the responsibilities say so.

model = models["as they are"]
known = 4 - np.isnan(X).sum(axis=1)
certainty = model.predict_proba(X).max(axis=1)
for number in range(1, 5):
    print(f"{number} values known: {np.mean(certainty[known == number]):.3f} certain on average")

# %%
# Petals, with a tick at the axis where only one of the two is known.  The means of the columns
# are no place where a flower is.

figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", sharex=True, sharey=True)
colours = np.array(["#0072b2", "#e69f00", "#009e73"])
x, y = X[:, 2], X[:, 3]
low, high = np.array([0.5, -0.4]), np.array([7.5, 3.0])
grid = np.meshgrid(np.linspace(low[0], high[0], 150), np.linspace(low[1], high[1], 150))
plane = np.full((grid[0].size, 4), np.nan)
plane[:, 2], plane[:, 3] = grid[0].ravel(), grid[1].ravel()
for ax, name in zip(axes, ("as they are", "means filled in"), strict=True):
    # Sepals are missing in the rows of the plane, so this is the density of petals alone.
    density = models[name].score_samples(plane).reshape(grid[0].shape)
    ax.contour(*grid, density, levels=np.arange(-6, 2), colors="#999999", linewidths=0.8)
    ax.set(title=name, xlabel="petal length (cm)")
labels = model.predict(X)
axes[0].scatter(x, y, c=colours[labels], s=14)
for at, label in zip(x[np.isnan(y)], labels[np.isnan(y)], strict=True):
    axes[0].plot([at, at], [-0.4, -0.2], color=colours[label], lw=1)
for at, label in zip(y[np.isnan(x)], labels[np.isnan(x)], strict=True):
    axes[0].plot([0.5, 0.7], [at, at], color=colours[label], lw=1)
filled = ways["means filled in"]
axes[1].scatter(*filled[:, 2:].T, c=colours[models["means filled in"].predict(filled)], s=14)
axes[0].set_ylabel("petal width (cm)")
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
