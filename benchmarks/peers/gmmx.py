"""gmmx, on JAX's CPU: full and diagonal covariances, float32 only.

::

    python3.11 -m venv jax
    jax/bin/pip install gmmx==0.7 jax==0.10.2
"""

import numpy as np
from peers.exchange import answer, missing

try:
    import jax.numpy as jnp
    from gmmx import EMFitter, GaussianMixtureModelJax
except ImportError as error:
    missing(error)


def prepare(X, start):
    rows = jnp.asarray(X, dtype=jnp.float32)
    begin = GaussianMixtureModelJax.from_squeezed(
        means=start.means.astype(np.float32),
        covariances=start.covariances.astype(np.float32),
        weights=start.weights.astype(np.float32),
        covariance_type=start.covariance_type,
    )
    fitters = {}

    def fit(iterations):
        if iterations not in fitters:
            # Another number of iterations is another program: compile it, untimed.
            fitter = EMFitter(tol=0.0, reg_covar=0.0, max_iter=iterations)
            fitters[iterations] = fitter, EMFitter.fit.lower(fitter, rows, begin).compile()
        fitter, program = fitters[iterations]
        found = program(fitter, rows, begin)
        model = found.gmm
        parameters = model.weights_numpy, model.means_numpy, model.covariances.values_numpy
        return int(found.n_iter), parameters

    return fit


if __name__ == "__main__":
    answer(prepare)
