"""
Regression with several answers
===============================

Where does a curve have a height?  Turned around, a function may have several values, and their
mean is none of them.  A mixture fitted to x and y together knows all: given x, it is a density
of y.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression

from gmmem import GaussianMixture, GaussianMixtureRegressor
from gmmem.displays import ConditionalDisplay

rng = np.random.default_rng(0)


def draw(n):
    """Heights of a sine on a slope, and where they are."""
    where = rng.uniform(0, 1, size=n)
    return (where + 0.3 * np.sin(2 * np.pi * where) + rng.normal(0, 0.05, size=n))[:, None], where


x, y = draw(1000)
x_new, y_new = draw(1000)

# %%
# The density of y at each x
# --------------------------
# In the middle there are three places of the same height.  The mean (solid) runs between them;
# the band (dashed) and the colours show what is likely.

inner = GaussianMixture(10, tol=1e-5, max_iter=500)
model = GaussianMixtureRegressor(estimator=inner, random_state=0).fit(x, y)
figure, (left, right) = plt.subplots(
    1, 2, figsize=(12, 4.5), layout="constrained", width_ratios=(1.4, 1)
)
ConditionalDisplay.from_estimator(model, x, y, ax=left)
left.set(xlabel="height", ylabel="where")

# %%
# For one x it is a mixture like any other: to be drawn, sampled, or searched for its modes.

places = np.linspace(-0.05, 1.05, 400)[:, None]
for height, colour in ((0.2, "#0072b2"), (0.5, "#d55e00")):
    density = np.exp(model.predict_mixture([[height]])[0].log_density(places))
    right.plot(places, density, color=colour, label=f"height {height}")
    drawn = model.sample_y([[height]], 2000, random_state=0)[0]
    right.hist(drawn, bins=80, density=True, color=colour, alpha=0.25, range=(-0.05, 1.05))
    right.axvline(model.predict([[height]])[0], color=colour, linestyle=":")
right.set(xlabel="where", ylabel="density; the mean is dotted")
right.legend(frameon=False)
right.spines[["top", "right"]].set_visible(False)

# %%
# Is the density right?
# ---------------------
# Held-out rows judge it: by the log of the density of what came, and by the share of rows in an
# interval.  A straight line with normal errors is the same with one component.

line = LinearRegression().fit(x, y)
one = GaussianMixtureRegressor(estimator=GaussianMixture(reg_covar=0)).fit(x, y)
print(f"a line and one component differ by {np.abs(line.predict(x) - one.predict(x)).max():.0e}")
for name, fitted in (("one component", one), ("ten components", model)):
    low, high = fitted.predict_interval(x_new, coverage=0.9).T
    inside = np.mean((low < y_new) & (y_new < high))
    print(
        f"{name}: R2 {fitted.score(x_new, y_new):.2f}, log density "
        f"{fitted.score_samples(x_new, y_new).mean():.2f} nats a row, {inside:.0%} in the 90% "
        f"intervals, which are {np.mean(high - low):.2f} wide"
    )

# %%
# Beside another package
# ----------------------
# gmr does Gaussian mixture regression too.  (Shown if it is installed: ``pip install gmr``.)

try:
    import gmr
except ImportError:
    print("gmr is not installed: nothing to compare with.")
else:
    began = time.perf_counter()
    peer = gmr.GMM(n_components=10, random_state=0)
    peer.from_samples(np.column_stack([x, y]), n_iter=500, init_params="kmeans++")
    fitted_in, began = time.perf_counter() - began, time.perf_counter()
    densities = [
        peer.condition(np.array([0]), height).to_probability_density(where)[0]
        for height, where in zip(x_new[:200], y_new[:200, None], strict=True)
    ]
    asked_in, began = time.perf_counter() - began, time.perf_counter()
    model.fit(x, y)
    ours, began = time.perf_counter() - began, time.perf_counter()
    model.score_samples(x_new[:200], y_new[:200])
    print(
        f"gmr: log density {np.log(densities).mean():.2f}; fit {fitted_in:.2f} s, "
        f"200 densities {asked_in:.3f} s; gmmem {ours:.2f} and "
        f"{time.perf_counter() - began:.4f} s"
    )
plt.show()
