"""What needs no conversion is taken as it is; all else is told as scikit-learn tells it."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.validation import validate_data

from gmmem import GaussianMixture
from gmmem.estimators.rows import is_known, is_ready

X = np.random.RandomState(0).normal(size=(30, 2))

WRONG = {
    "one feature": X[:, :1],
    "three features": np.c_[X, X[:, 0]],
    "one dimension": X[0],
    "three dimensions": X[None],
    "no rows": X[:0],
    "no features": X[:, :0],
    "infinity": np.r_[X, [[np.inf, 0]]],
    "words": np.array([["a", "b"]]),
    "complex": X.astype(complex),
}


def validated(model, rows):
    dtypes = [np.float64, np.float32]
    return validate_data(model, rows, reset=False, dtype=dtypes, ensure_all_finite="allow-nan")


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score_samples", "score"])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_as_scikit_learn_tells_it(name, method):
    model = GaussianMixture(2).fit(X)
    with pytest.raises(ValueError) as told:
        validated(model, WRONG[name])
    with pytest.raises(ValueError, match=re.escape(str(told.value))):
        getattr(model, method)(WRONG[name])


@pytest.mark.parametrize(
    "rows",
    [
        X,
        X.astype(np.float32),
        X[::-2],
        np.asfortranarray(X),
        X.astype(">f8"),
        X.tolist(),
        np.ma.array(X),
        np.rint(X).astype(int),
        X.astype(object),
        pd.DataFrame(X),
        X * 1e307,
    ],
    ids=lambda rows: f"{type(rows).__name__} {getattr(rows, 'dtype', '')}",
)
def test_what_is_ready_is_what_validation_leaves_as_it_is(rows):
    model = GaussianMixture(2).fit(X)
    checked = validated(model, rows)
    if is_ready(rows, 1):
        assert checked is rows
    plain = np.array(checked, dtype=np.float64)
    np.testing.assert_allclose(model.score_samples(rows), model.score_samples(plain), rtol=1e-5)


def test_plain_rows_are_ready_and_names_are_still_missed():
    model = GaussianMixture(2).fit(X)
    assert is_ready(X, 1) and is_ready(X[:1], 1) and not is_ready(X[:1], 2)
    assert is_known(model, X) and not is_known(model, X[:, :1])
    assert not is_ready(np.r_[X, [[np.nan, 0]]], 1)
    named = GaussianMixture(2).fit(pd.DataFrame(X, columns=["a", "b"]))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        named.predict(X)


def test_a_second_fit_forgets_names():
    model = GaussianMixture(2).fit(pd.DataFrame(X, columns=["a", "b"]))
    model.fit(X[:, :1])
    assert not hasattr(model, "feature_names_in_") and model.n_features_in_ == 1
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        model.fit(X[:1])
