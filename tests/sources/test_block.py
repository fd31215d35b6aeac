"""What stays of rows between passes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gmmem import Mixture, em
from gmmem.covariances import get_model
from gmmem.problem import Problem
from gmmem.sources import Block, InMemory, memory
from gmmem.sources.block import Kept

FLOAT64 = np.dtype(np.float64)


def blocks(X, size):
    return [Block(first, X[first : first + size]) for first in range(0, len(X), size)]


def test_kept_rows_are_those_about_the_centre_from_the_second_time_on():
    X, centre = np.random.RandomState(0).normal(size=(50, 3)), np.array([1.0, -2.0, 0.5])
    kept = Kept(*X.shape)
    assert all(kept.about(block, centre, FLOAT64) is None for block in blocks(X, 20))
    for size in (20, 50, 7):  # Blocks of other sizes see the same rows.
        for _ in range(2):
            for block in blocks(X, size):
                np.testing.assert_array_equal(
                    kept.about(block, centre, FLOAT64), (block.X - centre).T
                )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_another_centre_or_precision_takes_over_where_it_is_asked_for_again(dtype):
    X = np.arange(12.0).reshape(4, 3)
    kept, (block,) = Kept(*X.shape), blocks(X, 4)
    centre, other, dtype = np.ones(3), np.ones(3), np.dtype(dtype)
    kept.about(block, centre, FLOAT64)
    for _ in range(2):  # One for a pass alone, as a scorer's is, does not.
        assert kept.about(block, centre, FLOAT64) is not None
        assert kept.about(block, np.zeros(3), dtype) is None
    assert kept.about(block, other, dtype) is None
    assert kept.about(block, other, dtype).dtype == dtype
    assert kept.about(block, centre, FLOAT64) is None
    np.testing.assert_array_equal(
        block._replace(kept=kept).about(np.zeros(3), np.empty((3, 4))), X.T
    )


def test_many_threads_read_what_is_written_whole():
    X, centre = np.random.RandomState(1).normal(size=(20_000, 5)), np.arange(5.0)
    for _ in range(20):
        kept = Kept(*X.shape)

        def reads(block, kept=kept):
            Z = kept.about(block, centre, FLOAT64)
            return Z is None or np.array_equal(Z, (block.X - centre).T)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(reads, [each for each in blocks(X, 997) for _ in range(6)]))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("d", [3, 30])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_passes_over_kept_rows_give_the_same(monkeypatch, covariance_type, d, dtype):
    rng = np.random.RandomState(d)
    X = (rng.normal(size=(30_000, d)) + 100).astype(dtype)
    model, labels = get_model(covariance_type), (np.arange(len(X)) % 3 == 0).astype(int)
    found = []
    for most in (0, 10**9):
        monkeypatch.setattr(memory, "MOST_KEPT", most)
        problem = Problem.of(InMemory(X), model)
        mixture = problem.start(
            lambda block, _: labels[block.start : block.start + len(block.X)], 2
        )
        found.append([problem.expect(mixture) for _ in range(4)])
    plain, kept = found
    exactly = dict(rtol=1e-12) if dtype is np.float64 else dict(rtol=1e-6)
    for one, other in zip(plain, kept, strict=True):
        np.testing.assert_allclose(other.objective, one.objective, **exactly)
        np.testing.assert_allclose(other.moments.mass, one.moments.mass, **exactly)
    assert len({each.objective for each in kept}) == 1  # To the last bit, from pass to pass.


def test_rows_changed_in_place_between_two_fits_are_read_anew():
    rng = np.random.RandomState(0)
    half = rng.randint(-9, 10, size=(30_000, 4)).astype(float)
    X, start = np.concatenate([half, -half]), Mixture.from_arrays(*_two(4))
    rows = InMemory(X)
    em.fit(start, rows, tol=0, max_iter=4)
    X[:, 0] *= np.where(np.abs(X[:, 1]) > 4, 3, 1)  # Their centre remains where it was.
    again, anew = (em.fit(start, each, tol=0, max_iter=4) for each in (rows, InMemory(X)))
    assert again.history == anew.history
    np.testing.assert_array_equal(again.mixture.means, anew.mixture.means)


def test_what_is_kept_of_another_centre_is_left_alone_where_it_is_read():
    X = np.arange(12.0).reshape(4, 3)
    kept, (block,), found = Kept(*X.shape), blocks(X, 4), []
    for value, dtype in ((1.0, FLOAT64), (2.0, np.dtype(np.float32)), (3.0, FLOAT64)):
        centre = np.full(3, value)
        kept.about(block, centre, dtype)
        found.append(kept.about(block, centre, dtype))
    for value, Z in enumerate(found, 1):
        np.testing.assert_array_equal(Z, (X - value).T)


def _two(d):
    return [0.4, 0.6], [[-2.0] * d, [2.0] * d], [9 * np.eye(d)] * 2
