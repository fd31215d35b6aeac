"""
Densities in one dimension and in pairs
=======================================

A mixture with enough components follows any smooth density.  Here it is the waits between
eruptions of Old Faithful, one by one, and the four measurements of iris flowers, two by two.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import gaussian_kde
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.datasets import load_old_faithful
from gmmem.displays import DistributionDisplay, MixtureDisplay

# %%
# One dimension
# -------------
# The search over sizes finds two components.  A kernel density estimate needs all rows to
# say the same, with a bandwidth that suits both humps at once; the mixture has four numbers.

waits = load_old_faithful()[:, [1]]
search = GaussianMixtureIC(range(1, 6)).fit(waits)
print(f"waits: {search.n_components_} components, model {search.covariance_type_}")
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
MixtureDisplay.from_estimator(search, waits, ax=ax)
grid = np.linspace(35, 105, 400)
ax.plot(grid, gaussian_kde(waits[:, 0])(grid), color="#999999", ls="--", label="kernel density")
ax.set(xlabel="wait (min)")
ax.legend(frameon=False)

# %%
# Left: the share of waits up to each value, in the data (steps) and by the mixture.  Right: every
# row against the quantile that the mixture expects for it.  Where a density is right, the dots lie
# along the line.  The methods behind both are ``cdf`` and ``quantile``.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
DistributionDisplay.from_estimator(search, waits, kind="cdf", ax=left)
DistributionDisplay.from_estimator(search, waits, kind="qq", ax=right)
left.set(xlabel="wait (min)")
left.legend(frameon=False)
right.set(ylabel="waits (min)")
print("nine waits of ten are shorter than", round(search.quantile(0.9), 1), "minutes")

# %%
# Held-out rows judge a density without looking at its form: the larger, the better.

mixture_score = cross_val_score(GaussianMixture(2, random_state=0), waits, cv=10).mean()
folds = np.array_split(np.arange(len(waits)), 10)
kernel_score = np.mean(
    [gaussian_kde(np.delete(waits[:, 0], fold)).logpdf(waits[fold, 0]).mean() for fold in folds]
)
print(f"held out: mixture {mixture_score:.3f}, kernel density {kernel_score:.3f} nats a row")

# %%
# Every two of four features
# --------------------------
# The diagonal shows the density of one feature, the other panels of two, with ellipses that hold
# half and 95% of a component.  One mixture in four dimensions stands behind all of them.

iris = load_iris(as_frame=True).data
best = GaussianMixtureIC(range(1, 5)).fit(iris)
print(f"iris: {best.n_components_} components, model {best.covariance_type_}")
MixtureDisplay.from_estimator(best, iris, s=8)
plt.show()
