"""Chunks over executors, and batches: the same as in memory, to the last bit for any workers."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

from gmmem.passes import locate
from gmmem.sources import Batches, Chunks, InMemory
from gmmem.sources.chunks import distinct_places
from gmmem.sources.tasks import combine_parts
from gmmem.testing import check_source


def cut(X, sizes):
    """X in chunks of these shares of it, some of which may be empty."""
    ends = np.cumsum(np.array(sizes) * len(X) // sum(sizes))
    ends[-1] = len(X)
    return np.split(X, ends[:-1])


SIZES = [3, 0, 1, 2, 2, 5, 0]


def chunks(X, w, run=map, sizes=SIZES):
    return Chunks(cut(X, sizes), None if w is None else cut(w, sizes), run)


def batches(X, w):
    parts = cut(X, SIZES)
    if w is None:
        return Batches(lambda: iter(parts))
    return Batches(lambda: zip(parts, cut(w, SIZES), strict=True), weighted=True)


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, get_context("forkserver")) as pool:
        yield pool


@pytest.mark.parametrize("build", [chunks, batches])
def test_in_order(build):
    check_source(build)


def test_threads():
    with ThreadPoolExecutor(3) as pool:
        check_source(partial(chunks, run=pool.map))


def test_processes(processes):
    check_source(partial(chunks, run=processes.map))


def test_files_that_are_read_where_tasks_run(processes, tmp_path):
    def build(X, w):
        paths = [tmp_path / f"{len(X)}-{i}.npy" for i in range(len(SIZES))]
        for path, part in zip(paths, cut(X, SIZES), strict=True):
            np.save(path, part)
        weights = None if w is None else cut(w, SIZES)
        return Chunks([partial(np.load, path) for path in paths], weights, processes.map)

    check_source(build)


@pytest.mark.parametrize("n", range(1, 40))
def test_the_tree_depends_on_the_number_of_parts_alone(n):
    class Words:
        def combine(self, total, part):
            return (f"({total[0]}+{part[0]})",)

    def tree(words):
        while len(words) > 1:
            pairs = [words[i : i + 2] for i in range(0, len(words), 2)]
            words = [f"({pair[0]}+{pair[1]})" if len(pair) == 2 else pair[0] for pair in pairs]
        return words[0]

    words = [str(i) for i in range(n)]
    assert combine_parts(Words(), [(word,) for word in words]) == (tree(words),)
    # A tree of trees of 2^m leaves is the same tree.
    groups = [combine_parts(Words(), [(w,) for w in words[i : i + 8]]) for i in range(0, n, 8)]
    assert combine_parts(Words(), groups) == (tree(words),)


def test_parts_are_not_added_to_in_place():
    class Adds:
        def combine(self, total, part):
            total[0][:] += part[0]
            return total

    parts = [(np.ones(2),) for _ in range(3)]
    assert combine_parts(Adds(), parts)[0].tolist() == [3, 3]
    assert all(part[0].tolist() == [1, 1] for part in parts)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_sample_of_enough_rows_is_all_of_them_and_draws_nothing(weighted):
    X = np.random.RandomState(0).normal(size=(50, 2))
    w = np.where(np.arange(50) % 3 == 0, 0.0, 2.0) if weighted else None
    rng = np.random.RandomState(5)
    sample = chunks(X, w).sample(50, rng)
    np.testing.assert_array_equal(sample.X, X if w is None else X[w > 0])
    assert rng.uniform() == np.random.RandomState(5).uniform()


def test_samples_are_fair():
    X = np.arange(30.0)[:, None]
    w = np.where(X[:, 0] % 4 == 0, 0, X[:, 0])
    plain, weighted, rng = np.zeros(30), np.zeros(30), np.random.RandomState(0)
    for _ in range(3000):
        drawn = chunks(X, None).sample(6, rng).X[:, 0].astype(int)
        assert len(set(drawn)) == 6
        plain[drawn] += 1
        sample = chunks(X, w).sample(6, rng)
        weighted[sample.X[:, 0].astype(int)] += sample.weight
    assert abs(plain / 600 - 1).max() < 0.2
    expected = 18_000 * w / w.sum()
    assert (abs(weighted - expected) < 6 * np.sqrt(expected) + 1e-9).all()


def test_places_of_many_rows_are_distinct_and_need_no_list_of_all():
    places = distinct_places(10**13, 1000, np.random.RandomState(0))
    assert len(np.unique(places)) == 1000 and places.max() < 10**13
    dense = distinct_places(20_001, 1000, np.random.RandomState(0))
    assert len(np.unique(dense)) == 1000 and dense.max() < 20_001


def test_float32_stays_unless_weights_have_no_room():
    X = np.random.RandomState(0).normal(size=(20, 2)).astype(np.float32)
    assert chunks(X, None).arithmetic == np.float32
    assert chunks(X, np.full(20, 1e-12)).arithmetic == np.float64
    assert chunks(X, np.full(20, 1e-12)).dtype == np.float32
    mixed = Chunks([X, X.astype(np.float64)])
    assert mixed.dtype == np.float64


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: Chunks([]), "at least one chunk"),
        (lambda: Chunks([np.ones((2, 2))], [np.ones(2)] * 2), "has 2 chunks, but X has 1"),
        (lambda: locate(Chunks([np.ones(2)])), r"rows and columns; its shape is \(2,\)"),
        (lambda: locate(Chunks([np.ones((2, 1)), np.ones((2, 3))])), r"features, not \[1, 3\]"),
        (lambda: locate(Chunks([np.array([["a"]])])), "real numbers"),
        (lambda: locate(Chunks([np.ones((2, 1))], [[1.0]])), r"shape \(2,\), not \(1,\)"),
        (lambda: locate(Chunks([np.ones((2, 1))], [[1.0, -1.0]])), "at least 0"),
        (lambda: locate(Chunks([np.ones((2, 1))], [[0.0, 0.0]])), "zero for every row"),
        (lambda: locate(Chunks([np.ones((0, 1))])), "no rows"),
        (lambda: locate(Chunks([np.full((2, 1), np.nan)])), "NaN"),
        (lambda: Chunks([np.ones((2, 1))] * 2, [[1e99] * 2] * 2).total_weight * 1e2, None),
        (lambda: Chunks([np.ones((2, 1))] * 2, [[1e100] * 2] * 2).total_weight, "rescale"),
        (lambda: Chunks([np.ones((2, 1))]).with_columns(label=[1]), "label has 1 rows"),
        (lambda: Batches(iter([np.ones((2, 1))])), "may be read once only"),
    ],
)
def test_what_is_not_usable_is_a_sentence(build, message):
    if message is None:
        build()
        return
    with pytest.raises(ValueError, match=message):
        build()


def test_an_iterator_that_ends_is_told_from_one_that_begins_anew():
    once = iter([np.ones((3, 1)), np.zeros((3, 1))])
    rows = Batches(lambda: once)
    assert rows.n_rows == 6
    with pytest.raises(ValueError, match="from the beginning"):
        locate(rows)
    numbers = iter([2, 3, 2, 1])
    rows = Batches(lambda: [np.ones((3, 1))] * next(numbers))
    assert rows.n_rows == 6
    with pytest.raises(ValueError, match="gave 3 batches, and another number before"):
        locate(rows)
    with pytest.raises(ValueError, match="gave 1 batches"):
        _ = locate(rows.with_columns(label=np.zeros(6))), locate(rows)


def test_chunks_give_what_memory_gives_for_far_rows():
    X = np.random.RandomState(0).normal(size=(1000, 3)) * 1e-3 + 1e5
    ours, theirs = locate(chunks(X, None)), locate(InMemory(X))
    np.testing.assert_allclose(ours.centre, theirs.centre, rtol=1e-15)
    np.testing.assert_allclose(ours.reach, theirs.reach, rtol=1e-6)
