"""Regularisation that goes by the data's own units."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC, em
from gmmem.bootstrap import bootstrap, likelihood_ratio_test
from gmmem.covariances import get_model
from gmmem.estimators.advice import ChoiceWarning
from gmmem.initializers import GivenLabels
from gmmem.moments import Moments
from gmmem.priors import AutoRidge
from gmmem.problem import Problem
from gmmem.sources import InMemory
from tests.covariances.cases import CODES

# Models that say nothing of how wide a feature is beside another one, nor of angles.
FREE = ["full", "tied", "diag", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVV", "VVV"]


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    root = rng.normal(size=(3, 2, 2))
    return np.concatenate(
        [rng.normal(size=(70, 2)) @ each + at for each, at in zip(root, (0, 3, 6), strict=True)]
    )


@pytest.mark.parametrize("code", FREE)
def test_units_of_a_feature_change_nothing(X, code):
    """From the same start: the parameters are those of the other units."""
    labels = np.repeat([0, 1, 2], 70)
    units = np.array([1e-4, 1e5])
    params = dict(
        covariance_type=code, init_params=GivenLabels(labels), reg_covar="auto", max_iter=30, tol=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = GaussianMixture(3, **params).fit(X)
        other = GaussianMixture(3, **params).fit(X * units)
    np.testing.assert_allclose(other.weights_, one.weights_, rtol=1e-6)
    np.testing.assert_allclose(other.means_ / units, one.means_, rtol=1e-6)
    seen = one.mixture_.covariances.dense() * np.outer(units, units)
    found = other.mixture_.covariances.dense()
    scale = np.sqrt(np.einsum("kii->ki", seen))
    scale = scale[:, :, None] * scale[:, None, :]
    np.testing.assert_allclose(found / scale, seen / scale, atol=1e-5)


@pytest.mark.parametrize("code", CODES)
def test_units_of_all_features_change_nothing(X, code):
    """The same data in units of 1e-4: what scikit-learn's default turns into one heap."""
    params = dict(covariance_type=code, random_state=0, n_init=3)
    X = X if len(code) == 3 or code in ("full", "tied", "diag", "spherical") else X[:, :1]
    one = GaussianMixture(3, reg_covar="auto", **params).fit(X)
    other = GaussianMixture(3, reg_covar="auto", **params).fit(X * 1e-4)
    assert adjusted_rand_score(one.predict(X), other.predict(X * 1e-4)) == 1
    np.testing.assert_allclose(other.means_, one.means_ * 1e-4, rtol=1e-5)


def test_a_number_does_depend_on_units():
    rng = np.random.RandomState(1)
    X = np.concatenate([rng.normal(size=(100, 2)) * [1, 0.05] + [0, y] for y in (0, 1)])
    truth = np.repeat([0, 1], 100)
    found = {}
    for reg_covar in (1e-6, "auto"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = GaussianMixture(2, reg_covar=reg_covar, random_state=0, tol=1e-7, max_iter=999)
            found[reg_covar] = model.fit(X * 1e-5).predict(X * 1e-5)
    assert adjusted_rand_score(truth, found["auto"]) > 0.9
    assert adjusted_rand_score(truth, found[1e-6]) < 0.5


@pytest.mark.parametrize("code", ["spherical", "diag", "full", "tied", "VEV"])
def test_what_is_added_is_a_millionth(X, code):
    labels = np.zeros(len(X), dtype=int)
    model = GaussianMixture(
        1, covariance_type=code, reg_covar="auto", init_params=GivenLabels(labels)
    ).fit(X)
    plain = GaussianMixture(
        1, covariance_type=code, reg_covar=0, init_params=GivenLabels(labels)
    ).fit(X)
    added = model.mixture_.covariances.dense()[0] - plain.mixture_.covariances.dense()[0]
    variances = np.diag(X.var(axis=0))
    expected = np.eye(2) * variances.trace() / 2 if code == "spherical" else variances
    np.testing.assert_allclose(added, 1e-6 * expected, rtol=1e-3, atol=1e-12)


def test_components_on_copies_do_not_collapse():
    X = np.repeat([[0.0, 0.0], [1.0, 2.0], [5.0, 1.0]], 15, axis=0)
    X = np.concatenate([X, np.random.RandomState(0).normal(size=(40, 2))])
    for scale in (1e-6, 1.0, 1e6):
        with pytest.warns(ChoiceWarning, match="reg_covar=auto makes up 100%"):
            model = GaussianMixture(4, reg_covar="auto", random_state=0).fit(X * scale)
        assert np.linalg.eigvalsh(model.covariances_).min() > 1e-7 * scale**2


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, -3.7e-9])
@pytest.mark.parametrize("code", ["full", "diag", "tied", "EEV"])
def test_a_constant_column_has_no_units_and_is_named(X, value, code):
    with pytest.raises(ValueError, match="column 2 is constant"):
        GaussianMixture(2, covariance_type=code, reg_covar="auto", random_state=0).fit(
            np.c_[X, np.full(len(X), value)]
        )


def test_every_task_takes_it(X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GaussianMixtureIC([1, 2, 3], reg_covar="auto").fit(X * 1e-6)
        plain = GaussianMixtureIC([1, 2, 3]).fit(X * 1e-6)
        assert search.best_estimator_.reg_covar == "auto"
        assert (search.results_["status"] != "degenerate").all()
        np.testing.assert_allclose(search.best_score_, plain.best_score_, rtol=1e-3)
        bayes = BayesianGaussianMixture(3, reg_covar="auto", random_state=0).fit(X)
    assert np.isfinite(bayes.lower_bound_)
    assert np.isfinite(search.nec(X * 1e-6))
    found = bootstrap(search.best_estimator_, X * 1e-6, n_replicates=3, random_state=0)
    assert np.isfinite(found.covariances).all()
    test = likelihood_ratio_test(X[:60], 1, reg_covar="auto", n_replicates=9, random_state=0)
    assert np.isfinite(test.statistic)


@pytest.mark.parametrize("code", ["spherical", "diag", "full", "tied"])
def test_a_stream_takes_it(X, code):
    rng = np.random.RandomState(0)
    models = [
        GaussianMixture(2, covariance_type=code, reg_covar="auto", random_state=0) for _ in range(2)
    ]
    for _ in range(4):
        batch = X[rng.permutation(len(X))[:100]]
        for model, scale in zip(models, (1.0, 1e-5), strict=True):
            model.partial_fit(batch * scale)
    one, other = models
    np.testing.assert_allclose(other.means_, one.means_ * 1e-5, rtol=1e-6)
    one.partial_fit(X[:1])
    assert np.isfinite(one.covariances_).all()


def test_em_by_hand_takes_it(X):
    rows = InMemory(X)
    start = GaussianMixture(2, random_state=0).fit(X).mixture_
    found = em.fit(start, rows, reg_covar="auto", max_iter=5)
    plain = em.fit(start, rows, max_iter=5)
    np.testing.assert_allclose(found.mixture.means, plain.mixture.means, rtol=1e-4)
    with pytest.raises(ValueError, match="reg_covar='none'"):
        em.fit(start, rows, reg_covar="none")


def test_widths_from_moments_of_several_components(X):
    """A stream has moments of components; pooled, they are those of all rows."""
    problem = Problem.of(InMemory(X), get_model("full"))
    mixture = GaussianMixture(3, random_state=0).fit(X).mixture_
    moments = problem.expect(mixture).moments
    assert isinstance(moments.pooled(), Moments)
    np.testing.assert_allclose(AutoRidge().on(moments.pooled()).variances, 1e-6 * X.var(axis=0))


@pytest.mark.parametrize("value", ["Auto", "yes", -1, np.nan, None])
def test_what_is_neither_is_refused(X, value):
    with pytest.raises(ValueError, match="reg_covar"):
        GaussianMixture(2, reg_covar=value).fit(X)
