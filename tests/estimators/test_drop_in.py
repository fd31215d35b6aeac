"""The oracle is scikit-learn: one changed import line changes no answer."""

import numpy as np
import pytest
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning

from gmmem import GaussianMixture
from gmmem.initializers import INITIALIZERS
from gmmem.sources.base import Block, Workspace
from tests.problems import PROBLEMS

TYPES = ["full", "tied", "diag", "spherical"]
NAMES = ("old faithful", "iris", "many rows", "one feature", "many features")
DATA = {name: PROBLEMS[name](1) for name in NAMES}


def both(X, **params):
    ours = GaussianMixture(**params).fit(X)
    theirs = sklearn_mixture.GaussianMixture(**params).fit(X)
    return ours, theirs


def assert_same(ours, theirs, X):
    # Before 1.7 scikit-learn kept the last one only.
    expected = getattr(theirs, "lower_bounds_", [theirs.lower_bound_])
    np.testing.assert_allclose(ours.lower_bounds_[-len(expected) :], expected, rtol=1e-8)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-9 * np.abs(other).max())
    for name in ("converged_", "n_iter_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-8)
    for name in ("score", "bic", "aic"):
        assert getattr(ours, name)(X) == pytest.approx(getattr(theirs, name)(X), rel=1e-8)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("n_components", [1, 3])
def test_default_start(name, covariance_type, n_components):
    X = DATA[name]
    ours, theirs = both(
        X, n_components=n_components, covariance_type=covariance_type, random_state=0, max_iter=500
    )
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_given_start_and_n_iter(covariance_type):
    X = DATA["many rows"]
    first = sklearn_mixture.GaussianMixture(
        5, covariance_type=covariance_type, random_state=3, init_params="random", max_iter=0
    ).fit(X)
    params = dict(
        n_components=5,
        covariance_type=covariance_type,
        weights_init=first.weights_,
        means_init=first.means_,
        precisions_init=first.precisions_,
        tol=0,
        max_iter=20,
    )
    with pytest.warns(ConvergenceWarning):
        ours, theirs = both(X, **params)
    assert_same(ours, theirs, X)
    np.testing.assert_array_equal(ours.means_init, first.means_)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_sampling(covariance_type):
    ours, theirs = both(
        DATA["iris"], n_components=2, covariance_type=covariance_type, random_state=0
    )
    for mine, other in zip(ours.sample(50), theirs.sample(50), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-8)


def test_random_start_n_init_and_no_iterations():
    X = DATA["iris"]
    assert_same(*both(X, n_components=3, init_params="random", n_init=4, random_state=5), X)
    ours, theirs = both(X, n_components=3, max_iter=0, random_state=0)
    np.testing.assert_allclose(ours.means_, theirs.means_)
    assert (ours.lower_bound_, ours.lower_bounds_, ours.n_iter_) == (-np.inf, [], 0)


def test_warm_start():
    X = DATA["iris"]
    models = [
        cls(3, random_state=0, warm_start=True, max_iter=2)
        for cls in (GaussianMixture, sklearn_mixture.GaussianMixture)
    ]
    for _ in range(3):
        with pytest.warns(ConvergenceWarning):
            for model in models:
                model.fit(X)
    assert_same(*models, X)


@pytest.mark.parametrize("verbose", [1, 2])
def test_verbose(verbose, capsys):
    lines = []
    for cls in (GaussianMixture, sklearn_mixture.GaussianMixture):
        cls(3, random_state=0, verbose=verbose, verbose_interval=2).fit(DATA["iris"])
        text = capsys.readouterr().out
        lines.append([line.split("time")[0] for line in text.splitlines()])
    assert lines[0] == lines[1]


def test_random_responsibilities_are_one_table_that_is_never_held():
    X = np.random.RandomState(0).normal(size=(10_001, 2))
    generator = np.random.RandomState(3)
    table = generator.uniform(size=(len(X), 3))
    table /= table.sum(axis=1)[:, None]
    after = np.random.RandomState(3)
    drawn = INITIALIZERS["random"](X, 3, random_state=after)
    assert after.uniform() == generator.uniform()
    for start, stop in [(0, 5), (1000, 3000), (len(X) - 1, len(X))]:
        columns = {name: column[start:stop] for name, column in drawn.columns.items()}
        block = Block(start, X[start:stop], None, columns)
        np.testing.assert_array_equal(drawn(block, Workspace()), table[start:stop].T)
