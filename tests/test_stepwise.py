"""Online EM: steps by definition, convergence to full EM, and components that come back."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from gmmem import GaussianMixture
from gmmem.covariances import FOURTEEN, get_model
from gmmem.datasets import load_old_faithful
from gmmem.priors import Ridge
from gmmem.problem import Problem, maximise
from gmmem.sources import Batches, InMemory
from gmmem.updates import Decreasing
from gmmem.updates.stepwise import Running, begun, moments_of, step

NAMES = [*FOURTEEN, "full", "tied", "diag", "spherical"]


def stream(n_batches, size=300, seed=0, d=2, apart=4.0):
    rng = np.random.RandomState(seed)
    centres = apart * np.array([[0.0] * d, [1.0] * d, [-1.0] + [1.0] * (d - 1)])
    for _ in range(n_batches):
        labels = rng.choice(3, size=size, p=[0.5, 0.3, 0.2])
        yield centres[labels] + rng.normal(size=(size, d)) * [1, 2, 0.5][:d]


def followed(batches, weights=None, **params):
    model = GaussianMixture(3, random_state=0, **params)
    for i, batch in enumerate(batches):
        model.partial_fit(batch, sample_weight=None if weights is None else weights[i])
    return model


def by_definition(start, batch, w, averages, size, reg_covar):
    """One step of Cappe and Moulines' algorithm for full covariances, from raw moments."""
    R = start.responsibilities(batch) * w[:, None] / w.sum()
    new = (
        R.sum(axis=0),
        R.T @ batch,
        np.einsum("nk,ni,nj->kij", R, batch, batch),
    )
    mass, first, second = ((1 - size) * a + size * b for a, b in zip(averages, new, strict=True))
    means = first / mass[:, None]
    covariances = second / mass[:, None, None] - means[:, :, None] * means[:, None, :]
    return (mass, first, second), (mass, means, covariances + reg_covar * np.eye(batch.shape[1]))


@pytest.mark.parametrize("weighted", [False, True])
def test_steps_are_those_of_the_paper(weighted):
    batches = list(stream(6))
    rng = np.random.RandomState(3)
    weights = [rng.uniform(0.1, 3, size=len(b)) if weighted else np.ones(len(b)) for b in batches]
    model = GaussianMixture(3, random_state=0, reg_covar=1e-3)
    model.partial_fit(batches[0], sample_weight=weights[0])
    w = weights[0]
    R = model.mixture_.responsibilities(batches[0]) * w[:, None] / w.sum()
    X = batches[0]
    averages = R.sum(axis=0), R.T @ X, np.einsum("nk,ni,nj->kij", R, X, X)
    for t, (batch, w) in enumerate(zip(batches[1:], weights[1:], strict=True), 1):
        size = (t + 1) ** -0.6
        averages, expected = by_definition(model.mixture_, batch, w, averages, size, 1e-3)
        model.partial_fit(batch, sample_weight=w)
        for name, value in zip(("weights_", "means_", "covariances_"), expected, strict=True):
            np.testing.assert_allclose(getattr(model, name), value, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_call_fits_its_own_rows_and_a_step_of_one_is_em(name):
    X = next(stream(1, size=500))
    params = dict(covariance_type=name, random_state=0)
    first, fitted = GaussianMixture(3, **params), GaussianMixture(3, **params).fit(X)
    first.partial_fit(X)
    np.testing.assert_array_equal(first.means_, fitted.means_)
    assert first.n_iter_ == fitted.n_iter_
    # With a step of 1 everything before is forgotten: an iteration of EM on the batch.
    other = next(stream(1, size=400, seed=5))
    first.set_params(step_size=1.0).partial_fit(other)
    problem = Problem.of(InMemory(other), get_model(name), Ridge(1e-6))
    expectation = problem.expect(fitted.mixture_)
    expected = problem.maximise(expectation.moments, fitted.mixture_).mixture
    np.testing.assert_allclose(first.means_, expected.means, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        first.mixture_.log_density(other), expected.log_density(other), rtol=1e-7
    )
    assert np.isclose(first.lower_bound_, expectation.objective / 400)


@pytest.mark.parametrize("name", NAMES)
def test_moments_of_a_mixture_give_it_back(name):
    X = next(stream(1))
    mixture = GaussianMixture(3, covariance_type=name, random_state=0).fit(X).mixture_
    again = maximise(moments_of(mixture), get_model(name), previous=mixture).mixture
    np.testing.assert_allclose(again.weights, mixture.weights, rtol=1e-12)
    np.testing.assert_allclose(again.means, mixture.means, rtol=1e-12)
    np.testing.assert_allclose(again.log_density(X), mixture.log_density(X), rtol=1e-4)


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical", "VEV"])
def test_a_long_stream_comes_to_what_full_em_finds(name):
    batches = list(stream(250))
    online = followed(batches, covariance_type=name)
    full = GaussianMixture(3, covariance_type=name, random_state=0, tol=1e-7, max_iter=500)
    full.fit(Batches(lambda: iter(batches)))
    held_out = np.concatenate(list(stream(40, seed=99)))
    # As near as the noise of a few hundred rows: the memory of the last steps.
    assert abs(online.score(held_out) - full.score(held_out)) < 2e-3
    order, other = online.means_[:, 0].argsort(), full.means_[:, 0].argsort()
    np.testing.assert_allclose(online.means_[order], full.means_[other], atol=0.1)


def test_the_end_is_nearer_than_the_beginning():
    held_out = np.concatenate(list(stream(40, seed=99)))
    scores = [followed(stream(number)).score(held_out) for number in (1, 20, 300)]
    assert scores == sorted(scores)


def test_usable_between_calls_and_reproducible():
    model, again = GaussianMixture(3, random_state=0), GaussianMixture(3, random_state=0)
    for batch in stream(5):
        model.partial_fit(batch)
        assert np.isfinite(model.score(batch)) and len(model.predict(batch)) == len(batch)
        assert np.isclose(model.weights_.sum(), 1)
        again = pickle.loads(pickle.dumps(again.partial_fit(batch)))
        np.testing.assert_array_equal(model.means_, again.means_)
        twin = copy.deepcopy(again)
        np.testing.assert_array_equal(twin.covariances_, model.covariances_)
    assert len(model.lower_bounds_) == model.n_iter_


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical", "EVE"])
def test_a_component_that_died_is_revived(name):
    rng = np.random.RandomState(0)

    def batch(centres):
        return np.concatenate([rng.normal(size=(100, 2)) + centre for centre in centres])

    model = GaussianMixture(3, covariance_type=name, random_state=0, step_size=0.5)
    model.partial_fit(batch([0, 10, 20]))
    far = int(np.argmax(model.means_[:, 0]))
    for _ in range(200):
        model.partial_fit(batch([0, 10]))
    # A weight of next to nothing, with the place that it had.
    assert model.weights_[far] < 1e-7
    np.testing.assert_allclose(model.means_[far], 20, atol=0.5)
    for _ in range(3):
        model.partial_fit(batch([0, 10, 20]))
    assert 0.2 < model.weights_[far] < 0.45
    np.testing.assert_allclose(model.means_[far], 20, atol=0.5)
    labels = model.predict(batch([0, 10, 20]))
    assert len(set(labels)) == 3


def test_a_component_without_weight_is_revived_too():
    X = next(stream(1, apart=8))
    model = GaussianMixture.from_parameters(
        [0.6, 0.4, 0.0], [[0, 0], [8, 8], [-8, 8]], np.ones(3), covariance_type="spherical"
    )
    model.partial_fit(X).partial_fit(X)
    assert 0.1 < model.weights_[2] < 0.3


def test_a_constant_step_follows_a_stream_that_changes():
    rng = np.random.RandomState(0)
    model = GaussianMixture(2, random_state=0, step_size=0.2)
    for t in range(100):
        X = rng.normal(size=(200, 1)) + 0.1 * t + 6 * rng.randint(2, size=(200, 1))
        model.partial_fit(X)
    np.testing.assert_allclose(np.sort(model.means_.ravel()), [9.9, 15.9], atol=1)


def test_fit_and_partial_fit_in_turn():
    first, *others = stream(4)
    model = GaussianMixture(3, random_state=0).fit(first).partial_fit(others[0])
    assert np.abs(model.means_ - GaussianMixture(3, random_state=0).fit(first).means_).max() < 2
    model.partial_fit(others[1]).fit(first)
    expected = GaussianMixture(3, random_state=0).fit(first)
    np.testing.assert_array_equal(model.means_, expected.means_)
    # What a fit has forgotten does not come back.
    np.testing.assert_array_equal(
        model.partial_fit(others[2]).means_, expected.partial_fit(others[2]).means_
    )


def test_small_components_far_from_the_origin_keep_their_digits():
    rng = np.random.RandomState(0)
    model = GaussianMixture(2, random_state=0, reg_covar=0)
    for _ in range(30):
        labels = rng.randint(2, size=300)
        X = np.array([[1e6], [1e6 + 1]])[labels] + 1e-4 * rng.normal(size=(300, 1))
        model.partial_fit(X)
    np.testing.assert_allclose(np.sqrt(model.covariances_.ravel()), 1e-4, rtol=0.1)


@pytest.mark.parametrize(
    "size, message",
    [(0.0, "step_size"), (1.5, "step_size"), (lambda t: 0, "step 1 is 0"), ("fast", "step_size")],
)
def test_steps_that_are_none(size, message):
    first, second = stream(2)
    model = GaussianMixture(3, random_state=0, step_size=size)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(first).partial_fit(second)


@pytest.mark.parametrize("values", [dict(exponent=0.5), dict(exponent=1.1), dict(offset=-1)])
def test_a_rule_that_does_not_converge_is_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Decreasing(**values)


def test_a_failed_step_leaves_the_model_as_it_was():
    first, second = stream(2)
    model = GaussianMixture(3, random_state=0, reg_covar=0, step_size=1.0).partial_fit(first)
    before = clone(model), model.means_.copy()
    constant = np.repeat(second[:1], 50, axis=0)
    with pytest.raises(ValueError, match="larger batches"):
        model.partial_fit(constant)
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full((5, 2), np.nan))
    with pytest.raises(ValueError, match="X has 1 features"):
        model.partial_fit(second[:, :1])
    with pytest.raises(ValueError, match="n_components"):
        model.set_params(n_components=2).partial_fit(second)
    np.testing.assert_array_equal(model.means_, before[1])
    model.set_params(n_components=3, step_size=0.1).partial_fit(second)


def test_the_first_batch_needs_a_row_a_component():
    with pytest.raises(ValueError, match="n_samples >= n_components"):
        GaussianMixture(3).partial_fit(np.arange(4.0).reshape(2, 2))


def test_a_batch_may_be_one_row():
    model = GaussianMixture(2, random_state=0).partial_fit(load_old_faithful())
    model.partial_fit([[4.0, 80.0]])
    assert model.n_iter_ > 1


def test_the_engine_alone():
    X, other = stream(2)
    mixture = GaussianMixture(3, random_state=0).fit(X).mixture_
    problem = Problem.of(InMemory(X), get_model("VVV"))
    running = begun(problem.expect(mixture).moments, len(X))
    assert isinstance(running, Running) and np.isclose(running.moments.mass.sum(), 1)
    taken = step(running, Problem.of(InMemory(other), get_model("VVV")), mixture, 0.3)
    assert taken.running.n_steps == 1
    np.testing.assert_allclose(taken.mixture.weights, taken.running.moments.mass)
