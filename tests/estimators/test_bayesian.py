"""The oracle is scikit-learn's class: one changed import line changes no answer."""

import types
from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn import mixture as sklearn_mixture
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from gmmem import BayesianGaussianMixture
from gmmem.datasets import load_old_faithful

TYPES = ["full", "tied", "diag", "spherical"]
PRIORS = ["dirichlet_process", "dirichlet_distribution"]
DATA = {
    "old_faithful": load_old_faithful(),
    "iris": load_iris().data,
    "blobs": make_blobs(5_000, 4, centers=5, random_state=1)[0],
    "line": np.random.RandomState(0).gamma(2, size=(300, 1)),
    "many": np.random.RandomState(1).standard_t(4, size=(400, 12)),
}
PARAMETERS = [
    "weights_",
    "means_",
    "covariances_",
    "precisions_",
    "precisions_cholesky_",
    "mean_precision_",
    "mean_precision_prior_",
    "mean_prior_",
    "degrees_of_freedom_",
    "degrees_of_freedom_prior_",
    "covariance_prior_",
    "weight_concentration_prior_",
]


def both(X, **params):
    ours = BayesianGaussianMixture(**params).fit(X)
    theirs = sklearn_mixture.BayesianGaussianMixture(**params).fit(X)
    return ours, theirs


def assert_same(ours, theirs, X, rtol=1e-8):
    expected = getattr(theirs, "lower_bounds_", [theirs.lower_bound_])
    # For "tied" scikit-learn's bounds are arrays of one number.
    np.testing.assert_allclose(ours.lower_bounds_[-len(expected) :], np.ravel(expected), rtol=rtol)
    for name in PARAMETERS:
        mine, other = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        assert mine.shape == other.shape, name
        np.testing.assert_allclose(
            mine, other, rtol=rtol, atol=rtol / 10 * np.abs(other).max(), err_msg=name
        )
    assert type(ours.weight_concentration_) is type(theirs.weight_concentration_)
    np.testing.assert_allclose(
        ours.weight_concentration_, theirs.weight_concentration_, rtol=rtol, atol=rtol * len(X)
    )
    for name in ("converged_", "n_iter_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-7)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-8)
    assert ours.score(X) == pytest.approx(theirs.score(X), rel=1e-9)


def test_signature_is_scikit_learns():
    ours, theirs = BayesianGaussianMixture(), sklearn_mixture.BayesianGaussianMixture()
    assert ours.get_params() == theirs.get_params()
    missing = {name for name in dir(theirs) if not name.startswith("_")} - set(dir(ours))
    assert not missing


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.parametrize("n_components", [1, 4])
def test_default_start(name, covariance_type, prior_type, n_components):
    X = DATA[name]
    ours, theirs = both(
        X,
        n_components=n_components,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        random_state=0,
        max_iter=3_000,
    )
    assert ours.converged_
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:reg_covar=0.01 makes up")
def test_every_prior_given(covariance_type, prior_type):
    X, rng = DATA["iris"], np.random.RandomState(0)
    A = rng.normal(size=(4, 4))
    scale = {
        "full": A @ A.T + np.eye(4),
        "tied": A @ A.T + np.eye(4),
        "diag": [0.5, 1.0, 2.0, 3.0],
        "spherical": 0.7,
    }
    params = dict(
        n_components=6,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        weight_concentration_prior=0.03,
        mean_precision_prior=0.2,
        mean_prior=[5.0, 3.0, 4.0, 1.0],
        degrees_of_freedom_prior=7.5,
        covariance_prior=scale[covariance_type],
        reg_covar=1e-2,
        init_params="random",
        n_init=3,
        random_state=2,
        max_iter=12,  # Starts that lead to the same place would not tell which was kept.
        tol=1e-9,
    )
    ours, theirs = both(X, **params)
    assert len(ours.start_lower_bounds_) == 3
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_components_far_apart_and_small(covariance_type):
    """Where quadratic terms cancel, as scikit-learn's do, differences are taken."""
    rng = np.random.RandomState(0)
    parts = [rng.normal(size=(200, 3)), 1e5 + 1e-2 * rng.normal(size=(200, 3))]
    prior = {"full": 1e-4 * np.eye(3), "tied": np.eye(3), "diag": [1e-4] * 3, "spherical": 1e-4}
    model = BayesianGaussianMixture(
        2,
        covariance_type=covariance_type,
        covariance_prior=prior[covariance_type],
        mean_precision_prior=1e-9,
        random_state=0,
        reg_covar=0,
    ).fit(np.concatenate(parts))
    order = np.argsort(model.means_[:, 0])
    means = [part.mean(axis=0) for part in parts]
    np.testing.assert_allclose(model.means_[order], means, rtol=1e-9, atol=1e-6)
    far = np.subtract(means, np.mean(means, axis=0))  # From the mean that is believed in.
    scatters = np.array(
        [
            (part - mean).T @ (part - mean) + 1e-9 * np.outer(away, away)
            for part, mean, away in zip(parts, means, far, strict=True)
        ]
    )
    expected = {
        "full": (scatters + 1e-4 * np.eye(3)) / 203,
        "tied": (scatters.mean(axis=0) + np.eye(3)) / 203,
        "diag": (scatters.diagonal(axis1=1, axis2=2) + 1e-4) / 203,
        "spherical": (scatters.trace(axis1=1, axis2=2) / 3 + 1e-4) / 203,
    }[covariance_type]
    found = model.covariances_ if covariance_type == "tied" else model.covariances_[order]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_no_iterations_and_warm_start():
    X = DATA["iris"]
    ours, theirs = both(X, n_components=3, max_iter=0, random_state=0)
    np.testing.assert_allclose(ours.means_, theirs.means_)
    assert (ours.lower_bound_, ours.lower_bounds_, ours.n_iter_) == (-np.inf, [], 0)
    models = [
        cls(n_components=3, random_state=0, warm_start=True, max_iter=2)
        for cls in (BayesianGaussianMixture, sklearn_mixture.BayesianGaussianMixture)
    ]
    for _ in range(3):
        with pytest.warns(ConvergenceWarning):
            for model in models:
                model.fit(X)
    assert_same(*models, X)
    with pytest.raises(ValueError, match="warm_start=True goes on"):
        models[0].set_params(n_components=4).fit(X)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_sampling(covariance_type):
    ours, theirs = both(
        DATA["iris"], n_components=3, covariance_type=covariance_type, random_state=0, max_iter=500
    )
    for mine, other in zip(ours.sample(50), theirs.sample(50), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-7)


@pytest.mark.parametrize("verbose", [1, 2])
def test_verbose(verbose, capsys):
    lines = []
    for cls in (BayesianGaussianMixture, sklearn_mixture.BayesianGaussianMixture):
        cls(n_components=3, random_state=0, verbose=verbose, verbose_interval=2).fit(DATA["iris"])
        text = capsys.readouterr().out
        lines.append([line.split("time")[0] for line in text.splitlines()])
    assert lines[0] == lines[1]


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("prior_type", PRIORS)
def test_a_weight_stands_for_copies(covariance_type, prior_type):
    X = DATA["old_faithful"]
    weight = np.random.RandomState(0).randint(0, 4, size=len(X))
    params = dict(
        n_components=4,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        random_state=0,
        max_iter=500,
    )
    weighted = BayesianGaussianMixture(**params).fit(X, sample_weight=weight)
    copied = BayesianGaussianMixture(**params).fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(weighted.lower_bounds_, copied.lower_bounds_, rtol=1e-9)
    np.testing.assert_allclose(weighted.means_, copied.means_, rtol=1e-6)
    np.testing.assert_allclose(weighted.covariance_prior_, copied.covariance_prior_, rtol=1e-9)
    assert weighted.n_components_ == copied.n_components_


def test_weights_that_are_shares_name_the_way_out():
    X = DATA["iris"]
    share = np.full(len(X), 0.5 / len(X))
    with pytest.raises(ValueError, match=r"more than one, not 0.5: .* give covariance_prior"):
        BayesianGaussianMixture(2).fit(X, sample_weight=share)
    BayesianGaussianMixture(2, covariance_prior=np.eye(4)).fit(X, sample_weight=share)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_float32(covariance_type):
    X = DATA["blobs"]
    params = dict(n_components=5, covariance_type=covariance_type, random_state=0, max_iter=300)
    single = BayesianGaussianMixture(**params).fit(X.astype(np.float32))
    double = BayesianGaussianMixture(**params).fit(X)
    assert single.means_.dtype == single.predict_proba(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(single.means_, double.means_, atol=1e-2)
    assert np.mean(single.predict(X.astype(np.float32)) == double.predict(X)) > 0.999


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("prior_type", PRIORS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_bound_never_falls(covariance_type, prior_type):
    model = BayesianGaussianMixture(
        6,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        init_params="random",
        random_state=0,
        reg_covar=0,
        max_iter=200,
        tol=1e-6,
    ).fit(DATA["iris"])
    bounds = np.array(model.lower_bounds_)
    assert (np.diff(bounds) > -1e-8).all() and bounds[-1] > bounds[0] + 1


def test_what_is_missing_of_the_bound_is_that_of_all_rows():
    model = BayesianGaussianMixture(3, random_state=0, max_iter=20, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match=r"About [\d.]+ nats are estimated to be missing"):
        model.fit(DATA["iris"])
    assert "nats are" in model.summary(DATA["iris"]).advice[0]


def test_attributes_are_the_model():
    """What a user sets is what counts, and a pickled or cloned estimator says the same."""
    X = DATA["iris"]
    model = BayesianGaussianMixture(3, random_state=0).fit(X)
    before = model.score(X)
    model.mean_precision_ = model.mean_precision_ / 2
    d, precision = X.shape[1], model.mean_precision_
    assert model.score(X) < before
    concentration = model.weight_concentration_
    model.weight_concentration_ = (concentration[0][::-1].copy(), concentration[1][::-1].copy())
    assert model.score(X) != pytest.approx(before - 0.5 * d / precision.mean())
    assert clone(model).get_params() == model.get_params()


def test_n_components_counts_those_with_rows():
    X = make_blobs(600, 2, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)[0]
    model = BayesianGaussianMixture(
        10, weight_concentration_prior=1e-3, max_iter=1_000, random_state=0
    ).fit(X)
    assert model.n_components_ == 3 == np.sum(model.weights_ > 1e-2)


@pytest.mark.skipif(
    not hasattr(BayesianGaussianMixture, "set_callbacks"), reason="scikit-learn has no callbacks"
)
def test_callbacks_follow_and_stop():
    class Recorder:
        def __init__(self):
            self.bounds, self.starts = [], 0

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            self.starts += context.task_name == "start"

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, **data):
            if context.task_name == "iteration":
                self.bounds.append(fitted_estimator.lower_bound_)
                fitted_estimator.predict(DATA["iris"])
                return len(self.bounds) == 5

    recorder = Recorder()
    model = BayesianGaussianMixture(4, random_state=0)
    model.set_callbacks(recorder).fit(DATA["iris"])
    assert recorder.starts == 1
    assert model.n_iter_ == 5 and recorder.bounds == model.lower_bounds_


# --- what is wrong is named -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"mean_prior": [0.0, 1.0]}, "'mean_prior' should have the shape of"),
        ({"mean_prior": [0.0, 1.0, np.nan, 1.0]}, "mean_prior"),
        ({"covariance_prior": np.eye(3)}, "'covariance_prior' should have the shape of"),
        ({"covariance_prior": 2.0}, "'covariance_prior' should have the shape of"),
        ({"covariance_prior": -np.eye(4)}, "covariance_prior should be positive"),
        ({"covariance_prior": np.ones((4, 4))}, "covariance_prior should be positive definite"),
        ({"covariance_prior": np.triu(np.ones((4, 4)))}, "covariance_prior should be symmetric"),
        ({"covariance_type": "diag", "covariance_prior": [1, 1, 0, 1]}, "covariance_prior"),
        ({"covariance_type": "spherical", "covariance_prior": [1.0]}, "covariance_prior"),
        ({"covariance_type": "VEV"}, "covariance_type"),
        ({"degrees_of_freedom_prior": 3.0}, "greater than 3, but got 3.000"),
        ({"weight_concentration_prior": 0.0}, "weight_concentration_prior"),
        ({"weight_concentration_prior_type": "pitman"}, "weight_concentration_prior_type"),
        ({"mean_precision_prior": -1.0}, "mean_precision_prior"),
        ({"init_params": "nowhere"}, "init_params"),
        ({"n_components": 151}, "n_samples >= n_components"),
        ({"n_components": True}, "n_components"),
    ],
)
def test_bad_parameters(params, sentence):
    model = BayesianGaussianMixture(**params)
    with pytest.raises(ValueError, match=sentence):
        model.fit(DATA["iris"])
    assert not hasattr(model, "means_")


def test_singular_data_name_the_way_out():
    X = np.repeat(np.random.RandomState(0).normal(size=(40, 1)), 2, axis=1)
    with pytest.raises(ValueError, match=r"X is singular.*covariance_prior that is not singular"):
        BayesianGaussianMixture(2, reg_covar=0).fit(X)
    table = pandas.DataFrame({"width": X[:, 0], "length": np.ones(40)})
    with pytest.raises(ValueError, match="'length' is constant"):
        BayesianGaussianMixture(2, reg_covar=0).fit(table)
    BayesianGaussianMixture(2, reg_covar=0, covariance_prior=np.eye(2)).fit(X)


# --- scikit-learn's own -----------------------------------------------------------------------

ESTIMATORS = [
    BayesianGaussianMixture(2, covariance_type=name, weight_concentration_prior_type=prior)
    for name, prior in zip(TYPES, 2 * PRIORS, strict=True)
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore:reg_covar=1e-06 makes up")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn(estimator, check):
    check(estimator)


# Of private functions, or through private methods.
PRIVATE = {"test_log_dirichlet_norm", "test_log_wishart_norm", "test_compare_covar_type"}


def their_tests() -> dict:
    """scikit-learn's tests of its class, as functions that find ours."""
    name = "sklearn.mixture.tests.test_bayesian_mixture"
    module = pytest.importorskip(name)
    ours = types.ModuleType(name)
    ours.__dict__.update(vars(module), BayesianGaussianMixture=BayesianGaussianMixture)
    exec(
        compile(_with_ours(Path(module.__file__).read_text()), module.__file__, "exec"), vars(ours)
    )
    return {key: value for key, value in vars(ours).items() if key.startswith("test_")}


def _with_ours(source: str) -> str:
    line = "from sklearn.mixture import BayesianGaussianMixture"
    assert line in source
    return source.replace(line, "from gmmem import BayesianGaussianMixture")


THEIRS = their_tests()


def _cases():
    for name, test in THEIRS.items():
        marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        if name in PRIVATE:
            continue
        if not marks:
            yield pytest.param(test, (), id=name)
        for mark in marks:
            for i, values in enumerate(mark.args[1]):
                yield pytest.param(test, values, id=f"{name}-{i}")


@pytest.mark.parametrize(("test", "values"), list(_cases()))
@pytest.mark.filterwarnings("ignore:.*did not converge.*")
def test_their_tests(test, values):
    test(*(values if isinstance(values, tuple) else (values,)))


def test_their_tests_are_there():
    assert len(THEIRS) > 10 and set(THEIRS) >= PRIVATE
