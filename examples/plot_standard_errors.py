"""
How sure the parameters are
===========================

The bootstrap fits the mixture again to replicates of the rows.  The spread of the refits is the
standard error; their quantiles are an interval.
"""

import matplotlib.pyplot as plt
import numpy as np

from gmmem import GaussianMixture
from gmmem.bootstrap import bootstrap
from gmmem.datasets import load_old_faithful
from gmmem.displays import MixtureDisplay

X = load_old_faithful()
model = GaussianMixture(2, tol=1e-6, random_state=0).fit(X)
replicates = bootstrap(model, X, n_replicates=300, random_state=0)
errors, (low, high) = replicates.standard_errors(), replicates.intervals()["means"]
print("component  feature   mean   s.e.  95% interval")
for k in range(2):
    for j, feature in enumerate(("eruption", "waiting")):
        print(
            f"{k:9}  {feature:8} {model.means_[k, j]:6.2f} {errors['means'][k, j]:6.3f}  "
            f"{low[k, j]:.2f} to {high[k, j]:.2f}"
        )

# %%
# For a component as well separated as these, the standard error of a mean is nearly that of a
# plain average of its rows, sd / sqrt(N_k):

r = model.predict_proba(X)
plain = np.sqrt(model.covariances_[:, [0, 1], [0, 1]] / r.sum(axis=0)[:, None])
print("bootstrap", errors["means"].round(3).tolist())
print("plain    ", plain.round(3).tolist())

# %%
# Left: the means of all refits lie on the two modes, and hardly spread on the scale of the data.
# Right: the weight of the component with the short eruptions, with its interval.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
MixtureDisplay.from_estimator(model, X, ax=left, s=12)
for k in range(2):
    left.plot(*replicates.means[:, k].T, ".", color="black", ms=3)
left.set(xlabel="eruption (min)", ylabel="wait for the next (min)")
short = int(np.argmin(model.means_[:, 0]))
right.hist(replicates.weights[:, short], bins=25, color="#bbbbbb")
right.axvline(model.weights_[short], color="black")
for end in replicates.intervals()["weights"][:, short]:
    right.axvline(end, color="#d55e00", ls="--")
right.set(xlabel="weight of the short eruptions", ylabel="refits")
right.spines[["top", "right"]].set_visible(False)
plt.show()
