"""The tasks: the only home of scikit-learn's estimator API."""

from gmmem.estimators.bayesian import BayesianGaussianMixture
from gmmem.estimators.gaussian_mixture import GaussianMixture
from gmmem.estimators.gaussian_mixture_ic import GaussianMixtureIC
from gmmem.estimators.imputer import GaussianMixtureImputer
from gmmem.estimators.regressor import GaussianMixtureRegressor
from gmmem.estimators.summary import ClassTable, Summary

__all__ = [
    "BayesianGaussianMixture",
    "ClassTable",
    "GaussianMixture",
    "GaussianMixtureIC",
    "GaussianMixtureImputer",
    "GaussianMixtureRegressor",
    "Summary",
]
