"""
A first fit
===========

Old Faithful: how long each of 272 eruptions lasted, and the wait for the next.  Two components
find the two kinds of eruption.
"""

import matplotlib.pyplot as plt

from gmmem import GaussianMixture
from gmmem.datasets import load_old_faithful
from gmmem.displays import MixtureDisplay

X = load_old_faithful()
model = GaussianMixture(n_components=2, random_state=0).fit(X)
for weight, mean in zip(model.weights_, model.means_, strict=True):
    print(f"{weight:.1%} of the eruptions last {mean[0]:.1f} min, with a wait of {mean[1]:.0f} min")

# %%
# Rows in the colour of their component, mixed where both claim them.  Solid ellipses hold half
# and 95% of a component; dashed lines join places of equal density.

display = MixtureDisplay.from_estimator(model, X)
display.ax_.set(xlabel="eruption (min)", ylabel="wait for the next (min)")
plt.show()
