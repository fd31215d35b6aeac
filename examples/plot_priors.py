"""
A prior where rows are few
==========================

Three beliefs about the same rows: none, mclust's regularisation, and a Dirichlet process that
is free to leave components empty.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from gmmem import BayesianGaussianMixture, GaussianMixture

rng = np.random.default_rng(0)
X = np.vstack(
    [
        rng.multivariate_normal([0, 0], [[1.0, 0.8], [0.8, 1.0]], 40),
        rng.multivariate_normal([4, 0], [[0.4, 0.0], [0.0, 1.5]], 30),
        rng.multivariate_normal([1, 4], [[1.5, 0.0], [0.0, 0.3]], 20),
    ]
)

# %%
# Ten components for 90 rows.  Maximum likelihood uses all of them: some have shrunk to a handful
# of rows.  The regularised fit uses them too, but none is thinner than is plausible.  Variational
# Bayes gives what it does not need next to no weight.

# Of the first gmmem warns: a component on few rows is kept from collapsing by reg_covar alone.
warnings.filterwarnings("ignore", "reg_covar=")
process = dict(weight_concentration_prior=0.01)
settings = dict(n_components=10, random_state=0, max_iter=2_000)
models = {
    "maximum likelihood": GaussianMixture(**settings).fit(X),
    'prior="regularised"': GaussianMixture(prior="regularised", **settings).fit(X),
    "Dirichlet process": BayesianGaussianMixture(**process, **settings).fit(X),
}
new = np.vstack(
    [
        rng.multivariate_normal([0, 0], [[1.0, 0.8], [0.8, 1.0]], 4_000),
        rng.multivariate_normal([4, 0], [[0.4, 0.0], [0.0, 1.5]], 3_000),
        rng.multivariate_normal([1, 4], [[1.5, 0.0], [0.0, 0.3]], 2_000),
    ]
)
for name, model in models.items():
    density = model.mixture_.log_density(new).mean()
    thinnest = np.sqrt(model.mixture_.covariances.decompose(False).volume.min())
    used = np.sum(model.weights_ > 0.01)
    print(f"{name:20} {used:2} components, thinnest {thinnest:.2f}, new rows {density:.2f} nats")

# %%
# Ellipses of one standard deviation, as dark as their component has weight.

figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharex=True, sharey=True, layout="constrained")
circle = np.array([np.cos(t := np.linspace(0, 2 * np.pi, 100)), np.sin(t)])
for ax, (name, model) in zip(axes, models.items(), strict=True):
    ax.plot(*X.T, ".", color="#999999", ms=4)
    for weight, mean, covariance in zip(
        model.weights_, model.means_, model.covariances_, strict=True
    ):
        outline = mean[:, None] + np.linalg.cholesky(covariance) @ circle
        ax.plot(*outline, color="#0072b2", alpha=min(1, 0.05 + 4 * weight), lw=2)
    ax.set_title(name, fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
