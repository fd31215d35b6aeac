"""What every storage of covariances must do: agree with the dense matrices that it stands for."""

import numpy as np

from gmmem.covariances.storage import DegenerateCovariance, Storage

__all__ = ["check_storage"]


def check_storage(storage: type, tolerance: float = 1e-9, seed: int = 0) -> None:
    """Check a storage class against dense matrices.

    Parameters
    ----------
    storage : type
        A class with the members of `gmmem.covariances.Storage`.
    tolerance : float, default=1e-9
        Allowed relative error.
    seed : int, default=0
        Of the covariances that it is tried on.

    Raises
    ------
    AssertionError
        If an answer is not that of the dense matrices.

    Examples
    --------
    >>> from gmmem.covariances import Diagonal
    >>> from gmmem.testing import check_storage
    >>> check_storage(Diagonal)
    """
    rng = np.random.RandomState(seed)
    for S, d in [(1, 1), (3, 1), (1, 4), (3, 2), (2, 7)]:
        for scale in (1e-140, 1.0, 1e140):
            covariances = scale * random_covariances(rng, storage, S, d)
            held = storage.from_covariances(covariances.copy(), d)
            _check_held(held, covariances, d, tolerance)
            for again in (
                storage.from_precisions(held.precisions.copy(), d),
                storage.from_factors(held.factors.copy(), d),
            ):
                _close(again.covariances, covariances, tolerance, "covariances from precisions")
                _close(again.precisions, held.precisions, tolerance, "precisions")
        _check_algebra(held, rng, d, tolerance)
        _check_samples(held, rng, d)
    _check_refusals(storage)


def random_covariances(rng, storage: type, S: int, d: int) -> np.ndarray:
    """Positive definite covariances in the shape of a storage, (S, ...)."""
    root = np.eye(d) + 0.4 * rng.normal(size=(S, d, d))
    dense = root @ root.transpose(0, 2, 1)
    form = storage.form.of(dense)
    return form / d if form.ndim == 1 else form


def _close(got, expected, tolerance: float, what: str) -> None:
    size = float(np.abs(expected).max())
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * size, err_msg=what)


def _check_held(held: Storage, covariances: np.ndarray, d: int, tolerance: float) -> None:
    S = len(covariances)
    assert held.n_features == d and held.shared == (S == 1)
    assert [held.at(k) for k in range(3)] == ([0, 0, 0] if S == 1 else [0, 1, 2]), "at"
    np.testing.assert_array_equal(held.covariances, covariances, "covariances as given")
    dense = held.dense()
    assert dense.shape == (S, d, d)
    _close(held.form.of(dense), _seen(held, covariances, d), tolerance, "dense")
    _close(held.variances, np.diagonal(dense, axis1=1, axis2=2), tolerance, "variances")
    np.testing.assert_allclose(held.log_det, np.linalg.slogdet(dense)[1], 1e-9, 1e-9, "log_det")
    for array in (held.covariances, held.factors, held.precisions):
        assert not array.flags.writeable, "arrays of a storage are read-only"
    Z = np.ones((d, 1)) * np.sqrt(np.abs(dense).max())
    for k in range(S):
        Y = held.whiten(k, Z, np.empty_like(Z))
        distance = Z[:, 0] @ np.linalg.solve(dense[k], Z[:, 0])
        np.testing.assert_allclose(Y[:, 0] @ Y[:, 0], distance, rtol=tolerance, err_msg="whiten")


def _seen(held: Storage, covariances: np.ndarray, d: int) -> np.ndarray:
    return d * covariances if covariances.ndim == 1 else covariances


def _check_algebra(held: Storage, rng, d: int, tolerance: float) -> None:
    """Parts of whitening, bounds, marginals, regression and axes, at moderate scales."""
    held = type(held).from_covariances(random_covariances(rng, type(held), len(held.factors), d), d)
    dense, S = held.dense(), len(held.factors)
    P = np.linalg.inv(dense)
    Z = rng.normal(size=(d, 5))
    for k in range(S):
        whole = held.whiten(k, Z, np.empty_like(Z))
        for first in range(d):
            part = held.whiten(k, Z, np.empty((d - first, 5)), first)
            _close(part, whole[first:], tolerance, "whiten from a row on")
            last = held.whiten(k, Z[: first + 1], np.empty((1, 5)), first)
            _close(last, whole[first : first + 1], tolerance, "whiten needs no rows below")
    others = random_covariances(rng, type(held), S, d)
    steps, wide = held.standardised(Z[:, :S].T, others)
    for k in range(S):
        white = held.whiten(k, Z[:, k : k + 1], np.empty((d, 1)))[:, 0]
        _close(steps[k], white, tolerance, "standardised steps are white")
    relative = np.linalg.solve(dense, type(held).from_covariances(others, d).dense())
    trace = wide if wide.ndim == 1 else held.form.inner(wide, wide * 0 + held.form.identity(d))
    _close(trace, np.trace(relative, axis1=1, axis2=2), tolerance, "standardised covariances")
    extent = np.abs(Z).max(axis=1)
    terms = np.einsum("kij,i,j->k", np.abs(P), extent, extent)
    _close(held.bound(extent), terms, tolerance, "bound")
    places = np.arange(S)[::-1]
    taken = held.take(places)
    _close(taken.dense(), dense[places], tolerance, "take")
    _close(taken.precisions, held.precisions[places], tolerance, "precisions of take")
    order = rng.permutation(d)
    for size in range(1, d):
        seen, missing = order[:size], order[size:]
        inner = dense[:, seen][:, :, seen]
        _close(held.marginal(seen).dense(), inner, tolerance, "marginal")
        B, C = held.regression(seen, missing)
        cross = dense[:, missing][:, :, seen]
        expected = cross @ np.linalg.inv(inner)
        np.testing.assert_allclose(B, expected, tolerance, tolerance, err_msg="regression")
        rest = dense[:, missing][:, :, missing] - expected @ cross.transpose(0, 2, 1)
        _close(C, rest, tolerance, "what a regression leaves")
        _close(held.conditional(missing).dense(), rest, tolerance, "conditional")
    parts = held.decompose(False)
    values = parts.volume[:, None] * parts.shape
    rebuilt = (parts.orientation * values[:, None, :]) @ parts.orientation.transpose(0, 2, 1)
    _close(rebuilt, dense, tolerance, "decompose")
    np.testing.assert_allclose(np.prod(parts.shape, axis=1), 1, 1e-9, err_msg="shape")
    _check_thinness(held, rng, d)


def _check_thinness(held: Storage, rng, d: int) -> None:
    least = np.linalg.eigvalsh(held.dense())[:, 0]
    fine = np.full((len(least), d), 1e-3) * np.sqrt(least)[:, None] / d
    assert (held.thinness(fine) > 1).all(), "what is wider than the rounding of rows is regular"
    coarse = 10 * np.sqrt(held.variances.max()) * np.ones_like(fine)
    assert not (held.thinness(coarse) > 1).any(), "what is narrower is singular"
    if held.factors.ndim > 1:
        for column in range(d):
            narrow = fine.copy()
            narrow[:, column] = 10 * np.sqrt(held.variances[:, column])
            assert not (held.thinness(narrow) > 1).any(), "a narrow column is singular"
    reference = random_covariances(rng, type(held), 1, d)
    other = type(held).from_covariances(reference, d).dense()[0]
    seen = reference * d if reference.ndim == 1 else reference
    low, high = held.extremes(seen)
    if reference.ndim > 1:
        values = np.linalg.eigvals(np.linalg.solve(other, held.dense())).real
        _close(low, values.min(axis=1), 1e-8, "least of extremes")
        _close(high, values.max(axis=1), 1e-8, "largest of extremes")


def _check_samples(held: Storage, rng, d: int) -> None:
    held = type(held).from_covariances(random_covariances(rng, type(held), len(held.factors), d), d)
    mean = np.arange(d) * 10.0
    for k, dense in enumerate(held.dense()):
        X = held.sample(k, mean, 20_000, rng)
        assert X.shape == (20_000, d)
        width = np.sqrt(np.diagonal(dense))
        np.testing.assert_allclose((X.mean(axis=0) - mean) / width, 0, atol=0.05, err_msg="mean")
        spread = np.cov(X.T, bias=True).reshape(d, d) / width / width[:, None]
        np.testing.assert_allclose(spread, dense / width / width[:, None], atol=0.1)


def _check_refusals(storage: type) -> None:
    """What is not positive definite is refused, with the component's place."""
    rng = np.random.RandomState(0)
    for wrong in (0.0, -1.0):
        covariances = random_covariances(rng, storage, 3, 3)
        covariances[1] = wrong * covariances[1]
        try:
            storage.from_covariances(covariances, 3)
        except DegenerateCovariance as error:
            assert error.component == 1, "a DegenerateCovariance says which component"
        else:
            raise AssertionError("what is not positive definite must be refused")
