"""
Choosing the number of components
=================================

Three hundred rows from three clusters, one of them small.  Criteria weigh fit against the number
of parameters; held-out rows need no penalty; the bootstrap tests one size against the next.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import cross_val_score

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.bootstrap import likelihood_ratio_test
from gmmem.displays import MixtureDisplay

rng = np.random.default_rng(2)
X = np.vstack(
    [
        rng.multivariate_normal([0, 0], [[1.0, 0.5], [0.5, 1.0]], 150),
        rng.multivariate_normal([3.2, 0.5], [[0.6, -0.3], [-0.3, 1.0]], 110),
        rng.multivariate_normal([1.5, 4.5], [[0.4, 0.0], [0.0, 0.4]], 40),
    ]
)

# %%
# By criteria
# -----------
# One line a criterion, each as what it is above its own least.  AIC and SABIC charge least for a
# parameter, so their lines are flat to the right, and AIC goes on to six; ICL asks for separated
# clusters as well.

sizes = range(1, 8)
# All to their ends: the criteria that it does not choose by are looked at, too.
search = GaussianMixtureIC(sizes, covariance_type="VVV", early_stopping=False).fit(X)
results = search.results_
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
for name, colour in zip(
    ("bic", "aic", "sabic", "icl"), ("#0072b2", "#d55e00", "#cc79a7", "#009e73"), strict=True
):
    values = results[name] - np.nanmin(results[name])
    left.plot(results["n_components"], values, "o-", color=colour, label=name.upper())
    print(f"{name.upper():5} chooses {results['n_components'][np.nanargmin(values)]}")
left.set(xlabel="number of components", ylabel="above the least", ylim=(-5, 150))
left.legend(frameon=False)

# %%
# By held-out rows
# ----------------
# The mean log-density of rows that the fit has not seen, in five folds (grey) and on average.
# It is largest at three, and falls slowly beyond.

order = rng.permutation(len(X))
scores = np.array(
    [cross_val_score(GaussianMixture(k, n_init=3, random_state=0), X[order], cv=5) for k in sizes]
)
middle.plot(sizes, scores, ".", color="#999999")
middle.plot(sizes, scores.mean(axis=1), "o-", color="black")
middle.set(xlabel="number of components", ylabel="held-out log-density (nats a row)")

# %%
# By a test
# ---------
# Is k + 1 significantly better than k?  Small p-values say that k components are too few.

for k in (2, 3):
    test = likelihood_ratio_test(X, k, n_replicates=39, tol=1e-4, random_state=0)
    print(f"{k} against {k + 1}: p = {test.p_value:.2f} ({len(test.replicates)} replicates)")

MixtureDisplay.from_estimator(search, X, ax=right, s=10)
right.set_title("the choice of the BIC")
for ax in (left, middle):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
