"""
The colours of a picture
========================

A picture is a table with a row for each pixel and three features, red, green and blue.  A
mixture of eight components finds its colours: quantisation takes the mean of each component, and
the responsibilities say where one colour passes into another.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from gmmem import GaussianMixture

picture = load_sample_image("flower.jpg") / 255.0
rows = picture.reshape(-1, 3)
few = np.random.default_rng(0).choice(rows, 20_000, replace=False)
model = GaussianMixture(8, reg_covar="auto", tol=1e-4, max_iter=500, random_state=0).fit(few)
labels = model.predict(rows)
print(f"{len(rows):,} pixels, {model.n_iter_} iterations on {len(few):,} of them")
for k in np.argsort(-model.weights_):
    print(f"  {model.weights_[k]:5.1%}  rgb {(255 * model.means_[k]).round().astype(int)}")

# %%
# Each pixel in the colour of its component; below, the palette by weight; and one component's
# responsibility as a grey level.  The flower is cut out by the components whose means
# are more red than green.

quantised = model.means_[labels].reshape(picture.shape)
petals = model.means_[:, 0] > model.means_[:, 1]
share = model.predict_proba(rows)[:, petals].sum(axis=1).reshape(picture.shape[:2])
figure, axes = plt.subplots(2, 3, figsize=(14, 3.9), height_ratios=(9, 1), layout="constrained")
axes[0, 0].imshow(picture)
axes[0, 0].set_title("the picture")
axes[0, 1].imshow(quantised.clip(0, 1))
axes[0, 1].set_title("in eight colours")
axes[0, 2].imshow(share, cmap="gray", vmin=0, vmax=1)
axes[0, 2].set_title("probability of the petals' components")
order = np.argsort(-model.weights_)
ends = np.concatenate([[0], np.cumsum(model.weights_[order])])
for k, left, right in zip(order, ends[:-1], ends[1:], strict=True):
    axes[1, 1].axvspan(left, right, color=model.means_[k].clip(0, 1))
axes[1, 1].set_xlim(0, 1)
for ax in axes.flat:
    ax.set_axis_off()
plt.show()
