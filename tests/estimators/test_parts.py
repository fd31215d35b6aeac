"""Marginals and conditionals of fitted estimators: those of their density, as estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC
from gmmem.covariances import MODELS
from tests.covariances.cases import CODES, TwoScales

IRIS = load_iris(as_frame=True).data
TYPES = [name for name in MODELS if name not in ("E", "V")]


def fitted(covariance_type="full", X=IRIS, K=3):
    model = GaussianMixture(K, covariance_type=covariance_type, reg_covar=1e-3, random_state=0)
    return model.fit(X)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("K", [1, 3])
def test_are_those_of_the_density(covariance_type, K):
    model = fitted(covariance_type, K=K)
    part, given = model.marginal([3, 1]), model.conditional([0, 2], [5.0, 1.5])
    X = IRIS.to_numpy()
    expected = model.mixture_.marginal([3, 1]).log_density(X[:, [3, 1]])
    np.testing.assert_allclose(part.score_samples(IRIS.iloc[:, [3, 1]]), expected, atol=1e-8)
    expected = model.mixture_.conditional([0, 2], [5.0, 1.5]).log_density(X[:, [1, 3]])
    np.testing.assert_allclose(given.score_samples(IRIS.iloc[:, [1, 3]]), expected, atol=1e-8)
    for found in (part, given):
        assert type(found) is GaussianMixture and found.n_features_in_ == 2
        assert found.covariance_type in MODELS and found.n_parameters_ > 0
        assert found.covariances_.shape == np.shape(found.precisions_)
        assert found.sample(5)[0].shape == (5, 2)
        assert found.marginal(0).means_.shape == (K, 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("full", "full"),
        ("tied", "tied"),
        ("diag", "diag"),
        ("spherical", "spherical"),
        ("EEE", "EEE"),
        ("EEI", "EEI"),
        ("EVE", "full"),
        ("VEI", "diag"),
        (TwoScales(), "EEI"),
    ],
)
def test_type_ties_no_more_than_holds(given, expected):
    model = fitted(given)
    assert model.marginal([0, 1, 2]).covariance_type == expected
    assert model.conditional(0, 5.0).covariance_type == expected


@pytest.mark.parametrize("code", CODES)
def test_draws_of_the_whole_are_draws_of_the_part(code):
    model = fitted(code)
    X = model.sample(20_000)[0][:, [2, 0]]
    part = model.marginal([2, 0])
    other = part.sample(20_000)[0]
    np.testing.assert_allclose(X.mean(axis=0), other.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(X.T), np.cov(other.T), atol=0.2)


def test_by_name():
    model = fitted()
    names = list(IRIS.columns)
    part = model.marginal([names[2], 0])
    assert part.feature_names_in_.tolist() == [names[2], names[0]]
    np.testing.assert_array_equal(part.means_, model.means_[:, [2, 0]])
    given = model.conditional(names[1], 3.0)
    assert given.feature_names_in_.tolist() == [names[0], names[2], names[3]]
    assert given.predict(IRIS[[names[0], names[2], names[3]]]).shape == (150,)
    same = model.conditional(slice(1, 2), [3.0])
    np.testing.assert_array_equal(given.means_, same.means_)
    with pytest.raises(ValueError, match=r"'weight' is no column.*one of the names 'sepal"):
        model.marginal("weight")
    unnamed = fitted(X=IRIS.to_numpy())
    assert not hasattr(unnamed.marginal(0), "feature_names_in_")
    with pytest.raises(ValueError, match="no names"):
        unnamed.marginal(names[0])


def test_of_a_search_and_of_a_variational_fit():
    search = GaussianMixtureIC([2, 3], random_state=0).fit(IRIS)
    given = search.conditional("petal length (cm)", 1.5)
    np.testing.assert_array_equal(given.means_, search.best_estimator_.conditional(2, 1.5).means_)
    variational = BayesianGaussianMixture(3, random_state=0).fit(IRIS)
    expected = variational.mixture_.conditional(2, 1.5).weights
    np.testing.assert_allclose(variational.conditional(2, 1.5).weights_, expected)


def test_float32_stays():
    model = fitted(X=IRIS.astype(np.float32))
    for part in (model.marginal([0, 1]), model.conditional([2, 3], [5.0, 2.0])):
        assert np.isfinite(part.score_samples(IRIS.iloc[:, :2].astype(np.float32))).all()
        assert part.means_.dtype == np.float32
        assert np.isfinite(part.sample(9)[0]).all()


def test_is_fitted_first():
    with pytest.raises(NotFittedError):
        GaussianMixture().marginal(0)
    with pytest.raises(ValueError, match="values must be finite"):
        fitted().conditional(0, np.nan)
    with pytest.raises(ValueError, match=r"values must have the shape \(1,\)"):
        fitted().conditional(0, [1.0, 2.0])


def test_thin_components_have_parts():
    """As thin as float64 can tell: nothing is refused that could be fitted."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(400, 2)) @ [[1, 1, 2], [0, 1e-6, 1e-6]] + 1e-6 * rng.normal(size=(400, 3))
    model = GaussianMixture(2, reg_covar=0, random_state=0).fit(
        pd.DataFrame(X, columns=list("abc"))
    )
    assert np.isfinite(model.marginal(["c", "a"]).means_).all()
    assert (model.conditional("a", 0.5).covariances_ > -1).all()
