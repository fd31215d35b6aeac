"""Tasks that a process of their own does, to be killed: see test_kills.py."""

import warnings

import numpy as np

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.bootstrap import bootstrap, likelihood_ratio_test


def rows(n=150):
    rng = np.random.RandomState(0)
    centres = ([0, 0], [2, 1], [4, 4], [-2, 3])
    return np.concatenate([rng.normal(size=(n, 2)) + centre for centre in centres])


def fit(**params):
    model = GaussianMixture(5, n_init=3, tol=0, max_iter=60, random_state=0, **params).fit(rows())
    return [model.weights_, model.means_, model.covariances_, model.lower_bounds_]


def accelerated_fit(**params):
    model = GaussianMixture(
        6, accelerate=True, init_params="random", tol=0, max_iter=80, random_state=0, **params
    ).fit(rows())
    return [model.weights_, model.means_, model.covariances_, model.lower_bounds_]


def fit_from_a_search(**params):
    """On a subset of the rows, which are too many for it."""
    X = np.tile(rows(700), (4, 1)) * np.linspace(0.8, 1.2, 11_200)[:, None]
    model = GaussianMixture(8, n_init="auto", max_iter=30, random_state=0, **params).fit(X)
    return [model.weights_, model.means_, model.covariances_, *model.starts_report_]


def search(**params):
    found = GaussianMixtureIC(range(1, 5), random_state=0, **params).fit(rows(30))
    return [found.results_["bic"], found.weights_, found.means_, found.covariances_]


def replicates(**params):
    X = rows(100)
    model = GaussianMixture(4, random_state=0).fit(X)
    found = bootstrap(model, X, n_replicates=40, random_state=0, **params)
    return list(vars(found).values())


def test_of_number(**params):
    found = likelihood_ratio_test(rows(15), 2, n_replicates=24, random_state=0, **params)
    return [found.replicates, found.p_value]


test_of_number.__test__ = False
FITS = (fit, accelerated_fit, fit_from_a_search)
TASKS = {each.__name__: each for each in (*FITS, search, replicates, test_of_number)}


def do(name: str, path: str, result: str) -> None:
    """Do a task, kept in a checkpoint as often as possible, and write down what it gave."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = TASKS[name](checkpoint=path, checkpoint_every=0.02)
    np.savez(result, *found)
