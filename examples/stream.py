"""
A stream
========

Follow a stream whose clusters drift: online EM, a batch at a time::

    python examples/stream.py
"""

import numpy as np

from gmmem import GaussianMixture


def stream(n_batches, rng):
    """Two clusters, of which one moves and the other is away for a while."""
    for t in range(n_batches):
        moving = rng.normal(0.05 * t, 1, size=150)
        still = rng.normal(-8, 1, size=0 if 40 <= t < 70 else 150)
        yield t, np.concatenate([moving, still])[:, None]


def main(n_batches=120):
    model = GaussianMixture(2, step_size=0.2, random_state=0)
    print("batch   weights        means")
    for t, batch in stream(n_batches, np.random.default_rng(0)):
        model.partial_fit(batch)
        if t % 10 == 9:
            order = model.means_.ravel().argsort()
            weights, means = model.weights_[order], model.means_[order, 0]
            print(
                f"{t + 1:5}   {weights[0]:.3f} {weights[1]:.3f}   {means[0]:6.2f} {means[1]:6.2f}"
            )
    return model


if __name__ == "__main__":
    main()
