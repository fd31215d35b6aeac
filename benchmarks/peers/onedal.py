"""Intel's oneDAL, by its package daal4py: full and diagonal covariances, float64.

::

    python3.11 -m venv onedal
    onedal/bin/pip install scikit-learn-intelex==2026.2.0
"""

import numpy as np
from peers.exchange import answer, missing

try:
    import daal4py
except ImportError as error:
    missing(error)


def prepare(X, start):
    K = len(start.weights)
    rows = {"full": list(start.covariances), "diag": list(start.covariances[:, None])}
    weights, covariances = start.weights.reshape(1, -1), rows[start.covariance_type]
    storage = {"full": "full", "diag": "diagonal"}[start.covariance_type]

    def fit(iterations):
        algorithm = daal4py.em_gmm(
            K, maxIterations=iterations, accuracyThreshold=0.0, covarianceStorage=storage
        )
        found = algorithm.compute(X, weights, start.means, covariances)
        done = int(np.ravel(found.nIterations)[0])
        return done, (found.weights, found.means, np.array(found.covariances))

    return fit


if __name__ == "__main__":
    answer(prepare)
