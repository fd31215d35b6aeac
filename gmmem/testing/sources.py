"""What every source of rows must do, whoever keeps them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gmmem import em, prediction
from gmmem.covariances import get_model
from gmmem.passes import locate, total_moments
from gmmem.sources.base import Rows, added

__all__ = ["check_source"]

# Of sums, where blocks are other blocks.
ROUNDING = 1e-10


class _Whole:
    """Every row and what travels with it, to see who comes and in which order."""

    row_bytes = 100_000  # Blocks are to be small, and many.

    def __call__(self, block, workspace):
        weight = np.ones(len(block.X)) if block.weight is None else block.weight
        tag = block.columns["tag"]
        assert len(tag) == len(weight) == len(block.X) > 0, "a block's arrays are equally long"
        assert (weight > 0).all(), "rows of weight zero are not in a block"
        return float(weight.sum()), [np.column_stack([block.X, weight, tag])]

    def combine(self, total, part):
        return added(total[:1], part[:1])[0], total[1] + part[1]


class _Doubled:
    """An answer a row."""

    row_bytes = 100_000

    def __call__(self, block, workspace, out):
        out[:] = 2 * block.X


def _labelled(block, workspace):
    """Who belongs where: no lambda, as it travels to other processes."""
    return block.columns["label"]


def check_source(build: Callable[[np.ndarray, np.ndarray | None], Rows], seed: int = 0) -> None:
    """Check that a source gives what rows in one array give.

    Parameters
    ----------
    build : callable
        ``build(X, sample_weight)`` makes the source of an array (n_samples, n_features) and
        of weights (n_samples,) or None.
    seed : int, default=0
        Of the rows that it is tried on.

    Raises
    ------
    AssertionError
        If a pass sees other rows, or a fit gives another mixture.

    Examples
    --------
    >>> from gmmem.sources import InMemory
    >>> from gmmem.testing import check_source
    >>> check_source(InMemory)
    """
    rng = np.random.RandomState(seed)
    for n, d in [(2, 1), (7, 3), (1200, 2)]:
        X = rng.normal(size=(n, d)) + 3
        weight = rng.uniform(0.1, 2, size=n)
        some = np.where(rng.uniform(size=n) < 0.4, 0, weight)
        some[-1] = 1
        for w in (None, weight, some):
            _check_rows(build, X, w)
            if n > 100:
                _check_fits(build(X, w), X, w)


def _check_rows(build: Callable, X: np.ndarray, w: np.ndarray | None) -> None:
    rows, n = build(X, w), len(X)
    total = float(n if w is None else w.sum())
    assert (rows.n_rows, rows.n_features) == X.shape
    assert np.isclose(rows.total_weight, total, rtol=ROUNDING)
    tagged = rows.with_columns(tag=np.arange(n))
    for _ in range(2):
        weight, parts = tagged.fold(_Whole())
        seen = np.concatenate(parts)
        kept = np.arange(n) if w is None else np.flatnonzero(w)
        expected = np.column_stack([X, np.ones(n) if w is None else w, np.arange(n)])[kept]
        np.testing.assert_array_equal(seen, expected, err_msg="rows, weights, columns, in order")
        assert np.isclose(weight, total, rtol=ROUNDING)
    doubled: Any = rows.map(_Doubled(), (X.shape[1],), rows.dtype)
    np.testing.assert_array_equal(np.asarray(doubled), 2 * X, err_msg="answers for every row")
    with rows.working():
        np.testing.assert_array_equal(np.asarray(rows.map(_Doubled(), (X.shape[1],), float)), 2 * X)
    few = rows.sample(3, np.random.RandomState(0))
    assert locate(few).n_rows <= 3 and few.n_features == rows.n_features
    extent = locate(rows)
    lost = X if w is None else X[w > 0]
    np.testing.assert_allclose(
        total_moments(rows, extent, get_model("VVV").storage.form).mass, [total]
    )
    assert (np.abs(lost - extent.centre) <= extent.reach * (1 + ROUNDING)).all()


def _check_fits(rows: Rows, X: np.ndarray, w: np.ndarray | None) -> None:
    labels = (X[:, 0] > 3).astype(int)
    for name in ("full", "tied", "diag", "spherical"):
        fits = []
        for source in (rows, _reference(X, w)):
            tagged = source.with_columns(label=labels)
            start = em.initial_mixture(tagged, _labelled, 2, name)
            fits.append(em.fit(start, source, name, tol=0, max_iter=5))
        np.testing.assert_allclose(fits[0].history, fits[1].history, rtol=ROUNDING)
        mixture = fits[0].mixture
        np.testing.assert_allclose(mixture.means, fits[1].mixture.means, rtol=1e-8, atol=1e-8)
        density = np.asarray(prediction.log_density(mixture, rows))
        np.testing.assert_allclose(density, mixture.log_density(X), rtol=1e-8, atol=1e-8)
        shares = np.asarray(prediction.responsibilities(mixture, rows))
        np.testing.assert_allclose(shares, mixture.responsibilities(X), rtol=1e-6, atol=1e-8)


def _reference(X: np.ndarray, w: np.ndarray | None) -> Rows:
    from gmmem.sources import InMemory

    return InMemory(X, w)
