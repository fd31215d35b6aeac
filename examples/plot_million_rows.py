"""
A million rows
==============

How the time of a fit grows with the rows, beside scikit-learn's.  The figures depend on the
machine, and on what else it is doing; see the page on speed for careful ones.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.mixture import GaussianMixture as TheirMixture

from gmmem import GaussianMixture

rng = np.random.default_rng(0)
K, d = 5, 2
centres = rng.uniform(-8, 8, (K, d))
X = centres[rng.integers(K, size=1_000_000)] + rng.normal(size=(1_000_000, d))


def seconds_an_iteration(estimator, rows) -> float:
    """Of EM from fixed parameters, the best of three where it is short."""
    estimator.set_params(
        n_components=K,
        weights_init=np.full(K, 1 / K),
        means_init=centres + 0.5,
        precisions_init=np.array([np.eye(d)] * K),
        max_iter=200,
        tol=1e-2,
    )
    times = []
    for _ in range(1 if len(rows) > 10_000 else 3):
        begin = perf_counter()
        estimator.fit(rows)
        times.append(perf_counter() - begin)
    return min(times) / estimator.n_iter_


# %%
# The same start, the same stopping rule and, to rounding, the same result.

sizes = (1_000, 10_000, 100_000, 1_000_000)
ours, theirs = [], []
print("     rows   gmmem  scikit-learn   (milliseconds an iteration)")
for n in sizes:
    mine, other = GaussianMixture(), TheirMixture()
    ours.append(1e3 * seconds_an_iteration(mine, X[:n]))
    theirs.append(1e3 * seconds_an_iteration(other, X[:n]))
    assert abs(mine.lower_bound_ - other.lower_bound_) < 1e-8
    print(f"{n:9,} {ours[-1]:7.2f} {theirs[-1]:13.2f}")

begin = perf_counter()
whole = GaussianMixture(K, random_state=0).fit(X)
print(f"\nA whole fit of a million rows, start included: {perf_counter() - begin:.2f} s")

# %%
# Both axes are logarithmic.  With many rows the time is in proportion to them; with few, what
# a call costs whatever it does shows.

figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
ax.loglog(sizes, theirs, "s-", color="#d55e00", label="scikit-learn")
ax.loglog(sizes, ours, "o-", color="#0072b2", label="gmmem")
ax.set(xlabel="rows", ylabel="milliseconds an iteration")
ax.grid(alpha=0.25)
ax.legend(frameon=False)
plt.show()
