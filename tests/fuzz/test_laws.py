"""A law that cannot break is none: each is shown a model that is wrong in its way."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from gmmem import GaussianMixture
from tests.fuzz import laws
from tests.fuzz.laws import Broken, Facts
from tests.fuzz.strategies import DTYPES, LAYOUTS, WEIGHTS, Case, Data, combinations
from tests.problems import SHAPES

CASE = Case(data=Data(n=60, d=3), n_components=2, covariance_type="VEE")


def fitted(case=CASE):
    return case.estimator().fit(case.data.rows(), sample_weight=case.sample_weight())


def broken(model, case=CASE):
    """The law that a model of a case breaks, or None."""
    try:
        laws.check_model(model, case.data.rows(), Facts.of(case))
    except Broken as error:
        return error.law


def spoilt(name, change, case=CASE):
    model = fitted(case)
    setattr(model, name, change(np.copy(getattr(model, name))))
    return broken(model, case)


def test_a_right_model_breaks_none():
    assert broken(fitted()) is None


def stretched(S):
    S[0, 0] *= 1.5
    return S


@pytest.mark.parametrize(
    ("name", "change", "law"),
    [
        ("weights_", lambda w: w * 1.1, "weights sum to one"),
        ("weights_", lambda w: w - [1.5, -1.5], "weights are at least 0"),
        ("means_", lambda m: m * np.nan, "attributes are finite"),
        ("covariances_", lambda S: S + np.triu(np.ones(3), 1), "covariances are symmetric"),
        ("covariances_", lambda S: -S, "variances are positive"),
        ("covariances_", lambda S: 2 * S, "precisions are inverse to covariances"),
        ("covariances_", lambda S: S * [[[1.5]], [[1]]], "precisions are inverse"),
        ("lower_bounds_", lambda h: h[:-1], "n_iter_ counts the lower_bounds_"),
        ("lower_bound_", lambda b: b + 1, "lower_bound_ is the last"),
    ],
)
def test_spoilt_attributes(name, change, law):
    assert spoilt(name, change).startswith(law)


@pytest.mark.parametrize("letters", ["VEE", "EVV", "EEI", "VII", "EEE", "VVE"])
def test_spoilt_structure(letters):
    """A free model's covariances are not those of a tied one."""
    model = fitted(Case(data=CASE.data, covariance_type="VVV"))
    assert list(laws.structure_faults(model)) == []
    model.covariance_type = letters
    assert [law for law, _ in laws.structure_faults(model) if law.startswith(letters)]


@pytest.mark.parametrize(
    ("method", "change", "law"),
    [
        ("score_samples", lambda d: d + 1e-6, "densities are those of long double"),
        ("predict_proba", lambda R: R * 0.999, "shares are those of long double"),
        ("predict", lambda labels: labels * 0, "predict is the argmax"),
        ("score", lambda s: s + 1e-6, "score is the mean"),
        ("sample", lambda drawn: (drawn[0] * np.nan, drawn[1]), "a sample is finite"),
    ],
)
def test_spoilt_methods(method, change, law, monkeypatch):
    model, right = fitted(), getattr(GaussianMixture, method)
    monkeypatch.setattr(
        GaussianMixture, method, lambda self, *args, **kw: change(right(self, *args, **kw))
    )
    assert broken(model).startswith(law)


def test_a_falling_likelihood():
    case = Case(data=CASE.data, regularisation=0.0)
    model = fitted(case)
    model.lower_bounds_[0] = model.lower_bounds_[-1] + 1e-3
    assert broken(model, case) == "the likelihood never falls"


def test_refusals():
    facts = Facts.of(CASE)
    for message in (
        "something is wrong",
        "X holds values beyond 1e140",
        "Increase reg_covar (now ",
    ):
        with pytest.raises(Broken):
            laws.check_refusal(ValueError(message), facts)
    with pytest.raises(np.linalg.LinAlgError):
        laws.check_refusal(np.linalg.LinAlgError("Singular matrix"), facts)
    nothing = Facts.of(Case(data=Data(shape="all_equal"), regularisation=0.0))
    laws.check_refusal(ValueError("Increase reg_covar (now 0)"), nothing)


def test_warnings():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        warnings.warn("overflow in multiply", RuntimeWarning, stacklevel=1)
    with pytest.raises(Broken, match="overflow in multiply"):
        laws.check_warnings(heard, Facts.of(CASE))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        warnings.warn(
            "Component(s) [1] lost all rows and have weight 0; lower n_components (now 2)",
            ConvergenceWarning,
            stacklevel=1,
        )
    laws.check_warnings(heard, Facts.of(CASE))


def test_a_failed_fit_that_leaves_something(monkeypatch):
    def fit(self, X, sample_weight=None):
        self.weights_ = 1
        raise ValueError("Increase reg_covar (now 0)")

    monkeypatch.setattr(GaussianMixture, "fit", fit)
    with pytest.raises(Broken, match="leaves no attribute"):
        laws.check(Case(regularisation=0.0))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_hold_the_same_numbers(dtype, layout):
    data = Data(n=9, d=3, dtype=dtype, layout=layout)
    np.testing.assert_array_equal(np.asarray(data.rows()), data.values())


def test_recipes():
    """Every kind of rows and of weights has the size that was asked for, and is finite."""
    for shape in SHAPES:
        X = Data(shape=shape, n=12, d=3).values()
        assert X.shape == (12, 3) and np.isfinite(X).all()
    for weight in set(WEIGHTS) - {"none"}:
        values = Case(data=Data(n=12), weight=weight).sample_weight()
        assert values.shape == (12,) and (values >= 0).all() and np.isfinite(values).all()
    assert len(combinations(("a", "precisions_init", "covariances_init"))) == 6
