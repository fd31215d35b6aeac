"""Bounds on mixing weights, against the conditions of an optimum and against a grid."""

import itertools
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris

from gmmem import GaussianMixture
from gmmem.priors import NormalInverseWishart, Prior
from gmmem.priors.bounds import Bounds

X = load_iris().data
TYPES = ["full", "tied", "diag", "spherical", "VEV"]


def a_case(rng):
    """Shares, some of them nothing, and bounds that leave room for some weights."""
    K = rng.randint(1, 9)
    shares, inside = rng.dirichlet(np.full(K, 0.5)), rng.dirichlet(np.full(K, 0.7))
    low, high = inside * rng.rand(K), inside + (1 - inside) * rng.rand(K) ** 2
    kind = rng.rand(K)
    low = np.where(kind < 0.2, inside, np.where(kind < 0.4, 0, low))
    high = np.where(kind < 0.2, inside, np.where(kind > 0.8, 1, high))
    if rng.rand() < 0.4:
        shares[rng.rand(K) < 0.4] = 0
    if not shares.any():
        shares[0] = 1
    return shares / shares.sum(), Bounds(low, high)


def test_no_exchange_between_two_weights_is_better():
    """The problem is convex: where no two can exchange a little, nothing is better."""
    rng = np.random.RandomState(0)
    for _ in range(2_000):
        shares, bounds = a_case(rng)
        weights = bounds.weights(shares)
        assert weights.sum() == pytest.approx(1, abs=1e-12)
        assert (weights >= bounds.low).all() and (weights <= bounds.high).all()
        slope = np.where(shares > 0, shares / np.maximum(weights, 1e-300), 0)
        may_rise, may_fall = weights < bounds.high - 1e-12, weights > bounds.low + 1e-12
        if may_rise.any() and may_fall.any():
            most = slope[may_rise].max()
            assert most <= slope[may_fall].min() + 1e-8 * max(1, most)


def test_nothing_on_a_grid_is_better():
    grid = np.linspace(0, 1, 101)
    triples = np.array([(a, b, 1 - a - b) for a, b in itertools.product(grid, grid)])
    rng = np.random.RandomState(1)
    for _ in range(50):
        shares = rng.dirichlet(np.ones(3))
        bounds = Bounds(np.array([0.1, 0.0, 0.25]), np.array([0.4, 0.6, 0.5]))
        inside = ((triples >= bounds.low) & (triples <= bounds.high)).all(axis=1)
        with np.errstate(divide="ignore"):
            best = (np.log(triples[inside]) @ shares).max()
        found = np.log(bounds.weights(shares)) @ shares
        assert best - 1e-12 <= found <= best + 0.05


def test_bounds_that_exclude_nothing_change_no_bit():
    shares = np.random.RandomState(0).rand(5)
    np.testing.assert_array_equal(Bounds.none(5).weights(shares), shares / shares.sum())


def test_without_shares_components_get_least_and_what_nobody_may_have():
    low, high = np.array([0.0, 0.1, 0.0]), np.array([0.5, 1.0, 0.1])
    weights = Bounds(low, high).weights(np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(weights, [0.5, 0.4, 0.1])
    weights = Bounds(low, np.ones(3)).weights(np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(weights, [0.9, 0.1, 0.0])


# --- estimators ---------------------------------------------------------------------------------


def fit(n_components=4, data=X, **params):
    settings = dict(random_state=0, tol=1e-9, max_iter=2_000, reg_covar=0)
    return GaussianMixture(n_components, **(settings | params)).fit(data)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("prior", [None, NormalInverseWishart()], ids=["free", "prior"])
def test_em_stays_within_bounds_and_never_loses(covariance_type, accelerate, prior):
    params = dict(covariance_type=covariance_type, accelerate=accelerate, prior=prior)
    model = fit(weight_bounds=(0.2, 0.3), **params)
    assert (model.weights_ >= 0.2).all() and (model.weights_ <= 0.3).all()
    assert model.weights_.sum() == pytest.approx(1, abs=1e-12)
    assert (np.diff(model.lower_bounds_) > -1e-10).all()
    assert ((model.weights_ == 0.2) | (model.weights_ == 0.3)).any()


def test_the_end_is_a_constrained_optimum():
    """No weights within the bounds, beside those found, make the rows more likely."""
    model = fit(3, weight_bounds=(None, [0.3, 0.4, 1.0]), tol=1e-12)
    rng, best = np.random.RandomState(0), model.score(X)
    for _ in range(200):
        step = rng.normal(size=3) * 10 ** rng.uniform(-6, -2)
        weights = model.weights_ + step - step.mean()
        if (weights >= 0).all() and (weights <= [0.3, 0.4, 1.0]).all():
            other = GaussianMixture.from_parameters(weights, model.means_, model.covariances_)
            assert other.score(X) <= best + 1e-9


def test_loose_bounds_change_nothing():
    free, loose = fit(3), fit(3, weight_bounds=([0.01, 0.0, 0.01], None))
    np.testing.assert_allclose(loose.weights_, free.weights_, rtol=1e-12)
    np.testing.assert_allclose(loose.means_, free.means_, rtol=1e-12)
    assert loose.n_parameters_ == free.n_parameters_


def test_a_component_that_would_be_lost_keeps_its_weight():
    rows = np.random.RandomState(0).normal(size=(200, 2))
    start = dict(
        weights_init=[0.5, 0.5], means_init=[[0, 0], [60, 60]], covariances_init=[np.eye(2)] * 2
    )
    with pytest.raises(ValueError, match=r"component 1 .* has lost all its rows"):
        fit(2, rows, max_iter=20, **start)
    kept = fit(2, rows, weight_bounds=(0.1, None), **start)
    assert kept.weights_[1] == 0.1 and np.isfinite(kept.score(rows))


def test_held_weights_and_bounds_of_the_others():
    fixed, given = {"weights": [0]}, [0.5, 0.2, 0.3]
    model = fit(3, fixed=fixed, weights_init=given, weight_bounds=(0.2, None))
    assert model.weights_[0] == 0.5 and (model.weights_[1:] >= 0.2).all()
    assert model.n_parameters_ == fit(3).n_parameters_ - 1
    one = fit(3, weight_bounds=([0.25, 0, 0], [0.25, 1, 1]))
    assert one.weights_[0] == 0.25 and one.n_parameters_ == model.n_parameters_
    alike = fit(3, weight_bounds=(1 / 3, 1 / 3))
    assert alike.n_parameters_ == fit(3).n_parameters_ - 2


def test_several_starts_and_adaptation():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fit(n_init="auto", weight_bounds=(0.2, None))
        assert model.weights_.min() >= 0.2
        old = fit(3)
        prior = Prior.from_mixture(old, relevance=1)
        assert fit(3, X[:60], prior=prior, weight_bounds=(0.1, None)).weights_.min() >= 0.1


def test_warm_start():
    model = fit(3, warm_start=True, weight_bounds=(0.2, None))
    assert model.fit(X).n_iter_ <= 2
    with pytest.raises(ValueError, match=r"warm_start=True, but weights_\[\d\]=.* outside"):
        model.set_params(weight_bounds=(None, [0.25, 0.25, 1])).fit(X)


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        ((0.3, None), r"lower weight_bounds sum to 1.2, .* at most 1, .* 0.25 each"),
        ((None, 0.2), r"upper weight_bounds sum to 0.8, .* at least 1, .* 0.25 each"),
        ((0.2, 0.1), "weight_bounds of component 0 are 0.2 and 0.1"),
        ((-0.1, None), "lower of weight_bounds, -0.1, must be a number from 0 to 1"),
        ((None, 1.5), "upper of weight_bounds, 1.5, must be"),
        ((np.nan, None), "lower of weight_bounds, nan, must be"),
        (("a", None), "lower of weight_bounds, 'a', must be"),
        (([0.1, 0.1], None), "4 such numbers"),
        ((0.1,), "must be two: the lower bound and the upper one"),
        ((0.1, 0.2, 0.3), "must be two"),
        (0.1, "weight_bounds"),
    ],
)
def test_what_cannot_be_a_bound_is_named(bounds, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(weight_bounds=bounds)


def test_a_start_outside_is_named():
    with pytest.raises(ValueError, match=r"weights_init\[1\]=0.1 lies outside of weight_bounds"):
        fit(3, weights_init=[0.6, 0.1, 0.3], weight_bounds=(0.2, None))
