"""n_init="auto": it finds what one start does not."""

import numpy as np
import pytest
from sklearn import mixture as sklearn_mixture

from gmmem import GaussianMixture, Mixture
from gmmem.covariances import get_model
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.starts.automatic import _at, _best_end, _ended, is_sound
from gmmem.starts.effort import EFFORT
from gmmem.starts.stages import Stages


def separated(K, d, seed, n=3000):
    rng = np.random.default_rng(seed)
    centres = 12 * rng.standard_normal((K, d)) / np.sqrt(d)
    weights = rng.dirichlet(np.full(K, 5.0))
    return centres[rng.choice(K, size=n, p=weights)] + rng.standard_normal((n, d)), centres


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("K", "d"), [(12, 2), (20, 3), (10, 6)])
def test_at_least_as_likely_as_the_true_centres_and_ten_starts(K, d, seed):
    X, centres = separated(K, d, seed)
    auto = GaussianMixture(K, n_init="auto", random_state=seed).fit(X)
    from_truth = GaussianMixture(K, means_init=centres, tol=1e-5).fit(X)
    ten = sklearn_mixture.GaussianMixture(K, n_init=10, random_state=seed).fit(X)
    assert auto.score(X) > max(from_truth.score(X), ten.score(X)) - 0.01


@pytest.mark.parametrize("code", ["tied", "diag", "spherical", "VEV", "EEI", "VVE"])
def test_every_covariance_model_and_weights(code):
    X, centres = separated(12, 2, 1, 1500)
    weight = np.random.default_rng(0).uniform(0.2, 2, len(X))
    auto = GaussianMixture(12, covariance_type=code, n_init="auto", max_iter=999, random_state=0)
    auto.fit(X, sample_weight=weight)
    truth = GaussianMixture(12, covariance_type=code, means_init=centres, tol=1e-5, max_iter=999)
    truth.fit(X, sample_weight=weight)
    assert auto.lower_bound_ > truth.lower_bound_ - 0.01


def test_the_same_seed_the_same_model():
    X, _ = separated(8, 2, 0)
    one, two = (GaussianMixture(8, n_init="auto", random_state=3).fit(X) for _ in range(2))
    np.testing.assert_array_equal(one.means_, two.means_)
    np.testing.assert_array_equal(one.starts_report_.shortfall, two.starts_report_.shortfall)


def test_more_rows_than_the_subset():
    X, centres = separated(10, 2, 4, 30_000)
    auto = GaussianMixture(10, n_init="auto", random_state=0).fit(X)
    truth = GaussianMixture(10, means_init=centres, tol=1e-5).fit(X)
    assert auto.lower_bound_ > truth.lower_bound_ - 0.01


@pytest.mark.filterwarnings("ignore:reg_covar=")
@pytest.mark.parametrize("rows", [2, 3, 7])
def test_few_rows(rows):
    X = np.random.default_rng(0).standard_normal((rows, 2))
    model = GaussianMixture(2, n_init="auto", random_state=0).fit(X)
    assert np.isfinite(model.means_).all()


def test_report_of_several_starts():
    X, _ = separated(10, 2, 0)
    model = GaussianMixture(10, n_init=6, init_params="random_from_data", random_state=0).fit(X)
    report = model.starts_report_
    ends = np.array([each[-1] for each in model.start_lower_bounds_])
    assert report.n_starts == 6
    assert report.n_best == (ends > ends.max() - 0.01).sum()
    np.testing.assert_allclose(report.shortfall, np.sort(ends.max() - ends))
    assert report.agreement[0] == 1
    model.set_params(n_init=1).fit(X)
    assert not hasattr(model, "starts_report_")


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="n_init"):
        GaussianMixture(2, n_init="automatic").fit(np.eye(3))


GIVEN = {
    "fixed weights": {"weights_init": [0.1, 0.2, 0.3, 0.4], "fixed": ["weights"]},
    "fixed covariances": {"covariances_init": [np.eye(2)] * 4, "fixed": {"covariances": [0, 1]}},
    "weights": {"weights_init": [0.1, 0.2, 0.3, 0.4]},
    "prior": {"prior": "regularised"},
    "prior, tied": {"prior": "regularised", "covariance_type": "tied"},
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_known_of_the_components_is_kept(name):
    X = separated(4, 2, 0, 600)[0]
    auto = GaussianMixture(4, n_init="auto", random_state=0, max_iter=500, **GIVEN[name]).fit(X)
    one = GaussianMixture(4, random_state=0, max_iter=500, **GIVEN[name]).fit(X)
    assert auto.lower_bound_ > one.lower_bound_ - 0.01
    if name == "fixed weights":
        np.testing.assert_allclose(auto.weights_, [0.1, 0.2, 0.3, 0.4])
    if name == "fixed covariances":
        np.testing.assert_allclose(auto.covariances_[:2], [np.eye(2)] * 2)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "EEI", "EII"])
@pytest.mark.parametrize("K", [4, 5, 9])
def test_no_fewer_components_than_distinct_rows(covariance_type, K):
    """Nothing but `reg_covar` is within the components, and that is enough."""
    X = np.random.RandomState(31).randint(0, 2, (60, 2)).astype(float)
    params = dict(covariance_type=covariance_type, reg_covar=1e-3, random_state=0)
    with pytest.warns(UserWarning):
        model = GaussianMixture(K, n_init="auto", **params).fit(X)
    assert np.count_nonzero(model.weights_) == 4
    assert model.score(X) == pytest.approx(GaussianMixture(4, **params).fit(X).score(X), abs=1e-6)


def test_a_finalist_that_ends_degenerate_is_none():
    """However likely it is: the next is followed in its place."""
    X, centres = separated(3, 2, 0, 300)
    X[:30] = X[0]
    problem = Problem.of(InMemory(X), get_model("full")).regularised(1e-6)
    tight = Mixture.from_arrays(
        np.full(3, 1 / 3),
        [X[0], *centres[:2]],
        [1e-4 * np.eye(2), *np.repeat(np.eye(2)[None], 2, 0)],
    )
    sound = Mixture.from_arrays(np.full(3, 1 / 3), centres, np.repeat(np.eye(2)[None], 3, 0))
    places = [_at(problem, each) for each in (tight, sound)]
    ends = [_ended(problem, each, EFFORT) for each in (tight, sound)]
    assert [is_sound(problem, each) for each in ends] == [False, True]
    assert ends[0].mean > ends[1].mean
    assert _best_end(problem, places, 1, EFFORT, Stages()).mean == ends[1].mean
    # Where there is no other, it is what there is.
    assert _best_end(problem, places[:1], 1, EFFORT, Stages()).mixture is tight
