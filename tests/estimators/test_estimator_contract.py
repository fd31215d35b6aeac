"""scikit-learn's own checks, with nothing excused, and its tools around us."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import gmmem
from gmmem import GaussianMixture
from gmmem.compat import validate_parameter_constraints
from gmmem.covariances import VVE

# Each way to keep a covariance, to tie it, to start and to iterate, once.
ESTIMATORS = [
    GaussianMixture(),
    GaussianMixture(2, covariance_type="tied", init_params="k-means++"),
    GaussianMixture(2, covariance_type="diag", n_init=2),
    GaussianMixture(3, covariance_type="spherical", init_params="random_from_data"),
    GaussianMixture(2, covariance_type="VEI", init_params="hierarchical", reg_covar=1e-3),
    GaussianMixture(2, covariance_type="EVE", reg_covar=1e-3),
    GaussianMixture(2, covariance_type="VEV", warm_start=True, reg_covar=1e-3),
    GaussianMixture(2, covariance_type=VVE(tol=1e-5), reg_covar=1e-3),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn(estimator, check):
    check(estimator)


def test_in_a_pipeline_and_a_search():
    X = load_iris().data
    model = make_pipeline(StandardScaler(), PCA(2), GaussianMixture(random_state=0))
    grid = {
        "gaussianmixture__n_components": [1, 2, 3],
        "gaussianmixture__covariance_type": ["full", "spherical"],
    }
    search = GridSearchCV(model, grid, n_jobs=2).fit(X)
    assert search.best_params_["gaussianmixture__n_components"] > 1
    assert np.isfinite(cross_val_score(search.best_estimator_, X)).all()
    assert search.predict_proba(X).shape == (150, search.best_estimator_[-1].n_components)


def test_clone_keeps_what_was_given():
    model = GaussianMixture(2, means_init=[[0.0], [1.0]])
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_components", 0),
        ("covariance_type", "round"),
        ("covariance_type", 3),
        ("covariance_type", None),
        ("tol", -1),
        ("reg_covar", -1e-6),
        ("max_iter", -1),
        ("n_init", 0),
        ("init_params", "nowhere"),
        ("weights_init", 3),
        ("means_init", 3),
        ("precisions_init", 3),
        ("covariances_init", 3),
        ("random_state", "seed"),
        ("warm_start", "yes"),
        ("verbose", -1),
        ("verbose_interval", 0),
    ],
)
def test_bad_parameter_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        GaussianMixture(**{name: value}).fit(np.arange(20.0).reshape(10, 2))


@pytest.mark.parametrize(
    "name", ["GaussianMixture", "BayesianGaussianMixture", "GaussianMixtureIC"]
)
def test_defaults_which_are_not_checked_are_valid(name):
    cls = getattr(gmmem, name)
    params = cls._get_defaults()
    assert cls().get_params().keys() == params.keys()
    validate_parameter_constraints(cls._parameter_constraints, params, caller_name=name)


def test_names_of_features_are_forgotten_with_the_fit_that_had_them():
    frame = load_iris(as_frame=True).data
    model = GaussianMixture(2, random_state=0).fit(frame)
    assert list(model.feature_names_in_) == list(frame)
    model.fit(frame.to_numpy()[:, :3])
    assert model.n_features_in_ == 3 and not hasattr(model, "feature_names_in_")
