"""The order of components: labels that mean the same from run to run."""

import numpy as np
import pytest

from gmmem import GaussianMixture, GaussianMixtureIC, Mixture
from gmmem.datasets import load_old_faithful
from gmmem.estimators.ordering import by_mean, by_weight
from gmmem.priors import NormalInverseWishart

ORDERS = ["weight", "mean"]


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    sizes, centres = (40, 120, 80), ([6, 0], [0, 6], [-6, -6])
    return np.concatenate(
        [
            rng.normal(size=(n, 2)) @ rng.normal(size=(2, 2)) + centre
            for n, centre in zip(sizes, centres, strict=True)
        ]
    )


def mixture(weights, means):
    return Mixture.from_arrays(weights, means, np.ones(len(weights)), "spherical")


@pytest.mark.parametrize(
    "weights, means, weight, mean",
    [
        ([0.2, 0.5, 0.3], [[1, 0], [3, 0], [2, 0]], [1, 2, 0], [0, 2, 1]),
        # Equal weights go by means; means equal in the first feature by the next.
        ([0.25, 0.25, 0.5], [[2, 1], [2, 0], [9, 9]], [2, 1, 0], [1, 0, 2]),
        # Equal means go by weight.
        ([0.2, 0.3, 0.5], [[1, 1], [1, 1], [0, 5]], [2, 1, 0], [2, 1, 0]),
        # Who is equal in all stays.
        ([0.5, 0.5], [[1, 1], [1, 1]], [0, 1], [0, 1]),
    ],
)
def test_orders_and_ties(weights, means, weight, mean):
    held = mixture(weights, means)
    assert by_weight(held).tolist() == weight
    assert by_mean(held).tolist() == mean


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "EEE", "VEV"])
@pytest.mark.parametrize("by", ORDERS)
def test_every_attribute_is_in_order(X, covariance_type, by):
    params = dict(covariance_type=covariance_type, random_state=1, tol=1e-6)
    plain = GaussianMixture(3, **params).fit(X)
    model = GaussianMixture(3, component_order=by, **params).fit(X)
    placed = {"weight": by_weight, "mean": by_mean}[by](plain.mixture_)
    names = ["weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"]
    for name in names[:2] if covariance_type == "tied" else names:
        np.testing.assert_array_equal(getattr(model, name), getattr(plain, name)[placed])
    np.testing.assert_array_equal(placed[model.predict(X)], plain.predict(X))
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X)[:, placed], atol=1e-9)
    assert model.lower_bounds_ == plain.lower_bounds_
    np.testing.assert_allclose(model.score_samples(X), plain.score_samples(X), rtol=1e-10)


@pytest.mark.parametrize("by", ORDERS)
def test_labels_mean_the_same_from_run_to_run(X, by):
    labels = [
        GaussianMixture(3, component_order=by, random_state=seed, n_init=3, tol=1e-8).fit_predict(X)
        for seed in range(5)
    ]
    assert all((each == labels[0]).all() for each in labels)
    # The truth, read off the sizes and the places of the clusters.
    expected = {"weight": [2, 0, 1], "mean": [2, 1, 0]}[by]
    assert [np.bincount(part).argmax() for part in np.split(labels[0], [40, 160])] == expected


@pytest.mark.parametrize("by", ORDERS)
def test_a_search_orders_its_best(X, by):
    search = GaussianMixtureIC(range(1, 6), covariance_type="VVV", component_order=by).fit(X)
    assert search.n_components_ == 3
    found = {"weight": by_weight, "mean": by_mean}[by](search.mixture_)
    assert found.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(search.means_, search.best_estimator_.means_)
    np.testing.assert_array_equal(search.predict(X), search.best_estimator_.predict(X))


def test_a_warm_start_goes_on_as_without_an_order(X):
    """What is held, and priors, are of components in the order in which they were given."""
    means = [[6.0, 0.5], [0.5, 6.0], [-6.0, -5.5]]
    params = dict(
        fixed={"means": [1]},
        means_init=means,
        prior=NormalInverseWishart(),
        max_iter=2,
        tol=0,
        warm_start=True,
        random_state=0,
    )
    fits = {}
    for by in (None, *ORDERS):
        model = GaussianMixture(3, component_order=by, **params)
        with pytest.warns(UserWarning, match="did not converge"):
            fits[by] = model.fit(X).fit(X)
    for by in ORDERS:
        placed = {"weight": by_weight, "mean": by_mean}[by](fits[None].mixture_)
        assert placed.tolist() != [0, 1, 2]
        for name in ("weights_", "means_", "covariances_"):
            expected = getattr(fits[None], name)[placed]
            np.testing.assert_allclose(getattr(fits[by], name), expected, rtol=1e-12)
        assert means[1] in fits[by].means_.tolist()


def test_a_stream_keeps_its_first_order(X):
    rng = np.random.RandomState(0)
    model = GaussianMixture(3, component_order="weight", random_state=0)
    plain = GaussianMixture(3, random_state=0)
    for _ in range(5):
        batch = X[rng.permutation(len(X))[:150]]
        model.partial_fit(batch)
        plain.partial_fit(batch)
    placed = by_mean(plain.mixture_)[np.argsort(by_mean(model.mixture_))]
    np.testing.assert_allclose(model.means_, plain.means_[placed], rtol=1e-9)
    np.testing.assert_allclose(model.covariances_, plain.covariances_[placed], rtol=1e-9)


def test_known_parameters_are_ordered_too():
    model = GaussianMixture.from_parameters(
        [0.4, 0.6],
        [[2.0], [5.0]],
        [1.0, 2.0],
        covariance_type="spherical",
        component_order="weight",
    )
    assert model.means_.tolist() == [[5.0], [2.0]] and model.covariances_.tolist() == [2.0, 1.0]


def test_what_is_no_order_is_refused(X):
    with pytest.raises(ValueError, match="component_order"):
        GaussianMixture(2, component_order="size").fit(X)


@pytest.mark.parametrize("components", [[0], [0, 0], [0, 2], [1, 0, 2]])
def test_taking_names_each_component_once(components):
    with pytest.raises(ValueError, match="each of the 2 components once"):
        mixture([0.4, 0.6], [[2.0], [5.0]]).take(components)


def test_old_faithful_in_order():
    model = GaussianMixture(2, component_order="mean", random_state=3).fit(load_old_faithful())
    assert model.means_[0, 0] < model.means_[1, 0]
