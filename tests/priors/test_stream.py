"""`partial_fit` with a prior, with parts that are held, and with bounds."""

import numpy as np
import pytest

from gmmem import GaussianMixture
from gmmem.datasets import load_old_faithful
from gmmem.priors import NormalInverseWishart, Prior
from gmmem.updates import Decreasing
from gmmem.updates.stepwise import Running, moments_of

OWN = NormalInverseWishart(30.0, mean=(1.0, -1.0), degrees_of_freedom=40.0, scale=20.0)


def stream(n_batches, size=200, seed=0):
    rng = np.random.RandomState(seed)
    centres = np.array([[0.0, 0.0], [4.0, 4.0], [-4.0, 4.0]])
    for _ in range(n_batches):
        labels = rng.choice(3, size=size, p=[0.5, 0.3, 0.2])
        yield centres[labels] + rng.normal(size=(size, 2)) * [1, 0.5]


def followed(batches, n_components=3, **params):
    model = GaussianMixture(n_components, random_state=0, **params)
    for batch in batches:
        model.partial_fit(batch)
    return model


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "EEV"])
@pytest.mark.parametrize("prior", [OWN, Prior], ids=["own", "old model"])
def test_every_row_counting_alike_is_a_fit_of_all_rows(covariance_type, prior):
    """With one component, EM is exact, and so is the weight that a prior has."""
    batches = list(stream(5))
    params = dict(covariance_type=covariance_type, reg_covar=0)
    if prior is Prior:
        old = GaussianMixture(1, **params).fit(batches[0] + 3)
        prior = Prior.from_mixture(old, relevance=100)
    alike = dict(step_size=lambda t: 1 / (t + 1), prior=prior, **params)
    online = followed(batches, 1, **alike)
    whole = GaussianMixture(1, prior=prior, **params).fit(np.concatenate(batches))
    np.testing.assert_allclose(online.means_, whole.means_, rtol=1e-9)
    np.testing.assert_allclose(online.covariances_, whole.covariances_, rtol=1e-9)
    free = GaussianMixture(1, **params).fit(np.concatenate(batches))
    assert np.abs(whole.means_ - free.means_).max() > 0.02


def test_it_converges_to_the_fit_with_the_prior():
    batches = list(stream(100))
    online = followed(batches, prior=OWN, step_size=Decreasing(0.7))
    whole = GaussianMixture(3, random_state=0, prior=OWN, tol=1e-8, max_iter=500)
    whole.fit(np.concatenate(batches))
    order, other = (np.argsort(model.means_[:, 0]) for model in (online, whole))
    np.testing.assert_allclose(online.means_[order], whole.means_[other], atol=0.1)


def test_a_constant_step_stands_for_as_many_rows_as_it_remembers():
    """Rows of weights 0.2 * 0.8 ** age stand for 1 / sum of squares: 9 batches."""
    model = followed(stream(60), prior="regularised", step_size=0.2)
    assert model._stream.stands_for(1.0) == pytest.approx(200 * 1.8 / 0.2, rel=1e-6)
    assert Running(moments_of(model.mixture_), 0, 0.0).stands_for(7.0) == 7.0


def test_small_batches_do_not_collapse():
    rows = np.repeat(load_old_faithful()[:8], 2, axis=0)
    params = dict(n_components=6, reg_covar=0, step_size=0.9, covariance_type="full")
    with pytest.raises(ValueError, match="failed"):
        followed([rows, rows[:4], rows[4:8]], **params)
    model = followed([rows, rows[:4], rows[4:8]], prior="regularised", **params)
    assert np.isfinite(model.score(rows))


def test_scores_of_batches_are_without_the_prior():
    first, second = stream(2)
    model = followed([first], prior=OWN)
    expected = model.score(second)
    assert model.partial_fit(second).lower_bound_ == pytest.approx(expected, rel=1e-9)


def test_what_is_held_stays_and_bounds_are_kept():
    means = np.array([[0.0, 0.0], [4.0, 4.2], [-4.0, 3.8]])
    given = dict(means_init=means, weights_init=[0.2, 0.4, 0.4])
    fixed = {"means": [1], "weights": [0]}
    model = followed(stream(8), fixed=fixed, **given)
    np.testing.assert_allclose(model.means_[1], means[1], rtol=1e-12)
    assert model.weights_[0] == pytest.approx(0.2) and model.n_parameters_ == 17 - 3
    assert np.abs(model.means_[0] - means[0]).max() > 1e-4
    model = followed(stream(8), weight_bounds=(0.3, 0.35))
    assert 0.3 <= model.weights_.min() and model.weights_.max() <= 0.35


def test_after_a_fit_and_after_known_parameters():
    first, *others = stream(4)
    model = GaussianMixture(3, random_state=0, prior="regularised").fit(first)
    assert np.abs(model.partial_fit(others[0]).means_).max() < 5
    known = GaussianMixture.from_parameters(
        model.weights_, model.means_, model.covariances_, prior=OWN
    )
    assert np.isfinite(known.partial_fit(others[1]).score(others[2]))


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (dict(prior="strong"), "prior='strong'"),
        (dict(fixed=["means"]), "whose values means_init"),
        (dict(weight_bounds=(0.5, None)), "lower weight_bounds sum to 1.5"),
    ],
)
def test_what_cannot_be_believed_is_named(params, sentence):
    first, second = stream(2)
    with pytest.raises(ValueError, match=sentence):
        followed([first], **params)
    model = followed([first])
    before = model.means_.copy()
    with pytest.raises(ValueError, match=sentence):
        model.set_params(**params).partial_fit(second)
    np.testing.assert_array_equal(model.means_, before)


@pytest.mark.parametrize("by", ["weight", "mean"])
def test_what_is_said_of_components_is_said_in_the_order_of_the_start(by):
    given = dict(means_init=[[4.0, 4.2], [0.0, 0.0], [-4.0, 3.8]], fixed={"means": [0]})
    given["weight_bounds"] = ([0, 0, 0.25], None)
    plain = followed(stream(6), **given)
    ordered = followed(stream(6), component_order=by, **given)
    places = np.argsort(plain.means_[:, 0]) if by == "mean" else np.argsort(-plain.weights_)
    for name in ("weights_", "means_", "covariances_"):
        np.testing.assert_allclose(getattr(ordered, name), getattr(plain, name)[places])
    assert plain.weights_[2] >= 0.25 and (plain.means_[0] == [4.0, 4.2]).all()
