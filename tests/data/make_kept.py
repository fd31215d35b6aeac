"""Writes the models of test_persistence.py: `python -m tests.data.make_kept`.

To be run under the oldest scikit-learn that is supported (with skops), from the root; and
again where what a model keeps of a fit has changed.
"""

import pickle
import warnings
from pathlib import Path

import numpy as np
import skops.io

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC
from gmmem.priors import NormalInverseWishart

KEPT = Path(__file__).parent / "kept.npz"


def rows():
    rng = np.random.RandomState(0)
    return np.concatenate([rng.normal(size=(40, 2)) + centre for centre in (0, 4, 9)])


def models():
    X = rows()
    prior = NormalInverseWishart()
    grid = dict(covariance_type=["EII", "VVV"], random_state=0)
    return {
        "mixture": GaussianMixture(3, random_state=0, component_order="mean").fit(X),
        "code": GaussianMixture(3, covariance_type="VEE", prior=prior, random_state=0).fit(X),
        "several": GaussianMixture(3, random_state=0, n_init=2, reg_covar="auto").fit(X),
        "stream": GaussianMixture(3, random_state=0).partial_fit(X).partial_fit(X),
        "search": GaussianMixtureIC([2, 3], **grid).fit(X),
        "bayesian": BayesianGaussianMixture(3, random_state=0, max_iter=500).fit(X),
    }


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = models()
    held = {f"{name}.pickle": pickle.dumps(each, protocol=4) for name, each in found.items()}
    held |= {f"{name}.skops": skops.io.dumps(each) for name, each in found.items()}
    np.savez_compressed(KEPT, **{name: np.frombuffer(data, "u1") for name, data in held.items()})
