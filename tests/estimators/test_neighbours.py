"""The best candidate of a search starts anew from its neighbours."""

import numpy as np
import pytest

from gmmem import GaussianMixtureIC
from gmmem.estimators import gaussian_mixture_ic


@pytest.fixture(params=["VVV", "EEE", "VII", "VVI"])
def code(request):
    return request.param


def far_apart(seed):
    """Four groups of three clusters, where a k-means start often misses one."""
    rng = np.random.default_rng(seed)
    outer = 15 * rng.standard_normal((4, 1, 2))
    centres = (outer + 3 * rng.standard_normal((4, 3, 2))).reshape(-1, 2)
    return centres[rng.integers(12, size=900)] + rng.standard_normal((900, 2))


def search(X, code, **params):
    model = GaussianMixtureIC(
        range(8, 16), covariance_type=code, init_params="kmeans", random_state=0, **params
    )
    return model.fit(X)


def test_never_worse_and_sometimes_better(code, monkeypatch):
    samples = [far_apart(seed) for seed in range(3)]
    after = [search(X, code) for X in samples]
    monkeypatch.setattr(gaussian_mixture_ic, "from_neighbours", lambda *given: iter(()))
    before = [search(X, code) for X in samples]
    for one, other in zip(after, before, strict=True):
        assert one.best_score_ <= other.best_score_ + 1e-6
        assert (one.results_["bic"] <= other.results_["bic"] + 1e-6).all()
    assert min(a.best_score_ - b.best_score_ for a, b in zip(after, before, strict=True)) < -5


def test_what_is_better_is_the_model():
    X = far_apart(0)
    model = search(X, "VVV")
    assert model.best_score_ == pytest.approx(model.bic(X), rel=1e-9)
    assert model.results_["bic"][model.best_index_] == model.best_score_
    again = search(X, "VVV", n_jobs=2)
    np.testing.assert_array_equal(again.means_, model.means_)


def test_no_component_of_a_few_rows_is_split_off():
    rng = np.random.default_rng(1)
    X = np.vstack([rng.standard_normal((200, 2)), [[0.5, 0.5]] * 3 + 1e-4 * rng.random((3, 2))])
    model = GaussianMixtureIC(range(1, 4), covariance_type="VVV").fit(X)
    assert (model.weights_ * len(X)).min() > 6
