"""pomegranate, on PyTorch's CPU: full, diagonal and spherical covariances, float64.

::

    python3.11 -m venv torch
    torch/bin/pip install torch==2.13.0 pomegranate==1.1.2
"""

from peers.exchange import answer, missing

try:
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel
except ImportError as error:
    missing(error)


def prepare(X, start):
    # Sums of weights are kept in the default precision, whatever the data's.
    torch.set_default_dtype(torch.float64)
    rows = torch.from_numpy(X)
    kind = {"spherical": "sphere"}.get(start.covariance_type, start.covariance_type)

    def fit(iterations):
        components = [
            Normal(torch.tensor(mean), torch.tensor(covariance), covariance_type=kind)
            for mean, covariance in zip(start.means, start.covariances, strict=True)
        ]
        model = GeneralMixtureModel(
            components, torch.tensor(start.weights), max_iter=iterations, tol=-float("inf")
        )
        model.fit(rows)
        means = torch.stack([component.means for component in components])
        covariances = torch.stack([component.covs for component in components])
        # Only an improvement below tol ends a fit early, and none is.
        return iterations, tuple(
            value.detach().numpy() for value in (model.priors, means, covariances)
        )

    return fit


if __name__ == "__main__":
    answer(prepare)
