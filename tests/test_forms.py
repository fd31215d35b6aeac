"""The quadratic features against their definition."""

import numpy as np
import pytest

from gmmem.forms import NORM, OUTER, SQUARE


@pytest.mark.parametrize("form", [NORM, SQUARE, OUTER])
@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 12])
def test_features_see_the_form(form, d):
    """z' A z from coefficients and features, and the form of sums from sums of features."""
    rng = np.random.RandomState(d)
    Z, A = rng.normal(size=(d, 9)), rng.normal(size=(3, d, d))
    A = form.of(A + A.transpose(0, 2, 1))
    terms = np.full((d + form.size(d), 9), np.nan)
    terms[:d] = Z
    form.fill(terms, d)
    np.testing.assert_array_equal(terms[:d], Z)
    dense = {
        NORM: lambda: A[:, None, None] * np.eye(d),
        SQUARE: lambda: A[:, None] * np.eye(d),
        OUTER: lambda: A,
    }[form]()
    expected = np.einsum("jb,kjl,lb->kb", Z, dense, Z)
    np.testing.assert_allclose(form.pack(A) @ terms[d:], expected, rtol=1e-12, atol=1e-12)
    total = form.unpack(terms[d:].sum(axis=1)[None], d)
    np.testing.assert_allclose(total, form.of((Z @ Z.T)[None]), rtol=1e-12, atol=1e-12)
