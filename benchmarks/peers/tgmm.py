"""tgmm, on PyTorch's CPU: full, shared, diagonal and spherical covariances, float64.

::

    python3.11 -m venv torch
    torch/bin/pip install torch==2.13.0 tgmm==0.4.3
"""

from peers.exchange import answer, missing

try:
    import tgmm
    import torch
except ImportError as error:
    missing(error)

NAMES = {"tied": "tied_full"}


def prepare(X, start):
    rows = torch.from_numpy(X)

    def fit(iterations):
        model = tgmm.GaussianMixture(
            len(start.weights),
            X.shape[1],
            NAMES.get(start.covariance_type, start.covariance_type),
            max_iter=iterations,
            tol=1e-300,
            reg_covar=0.0,
            init_weights=torch.from_numpy(start.weights),
            init_means=torch.from_numpy(start.means),
            init_covariances=torch.from_numpy(start.covariances),
            device="cpu",
        )
        model.fit(rows)
        found = model.weights_, model.means_, model.covariances_
        # It counts its iterations from zero.
        return int(model.n_iter_) + 1, tuple(value.numpy() for value in found)

    return fit


if __name__ == "__main__":
    answer(prepare)
