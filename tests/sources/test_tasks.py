"""What is done with a chunk: the thread's scratch memory is kept, and nothing of the last chunk."""

import numpy as np

from gmmem import Mixture
from gmmem.covariances import free_model
from gmmem.passes import Expected
from gmmem.problem import Problem
from gmmem.sources import InMemory, Workspace, tasks
from gmmem.sources.tasks import Answers, answer_chunk, fold_chunk


def e_step(X):
    """Of a mixture whose kernel finds a lone block as it left it."""
    start = Mixture.from_arrays([0.5, 0.5], [[-1, 0], [1, 0]], [np.eye(2)] * 2)
    problem = Problem.of(InMemory(X), free_model(start.covariances, 2))
    return Expected(problem.kernel(start))


def equal(part, expected):
    for one, other in zip(part, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_chunk_is_not_taken_for_the_one_before():
    first, second = np.random.RandomState(0).normal(size=(2, 300, 2))
    over = e_step(np.concatenate([first, second]))
    one = fold_chunk(over, first, None, None)
    other = fold_chunk(over, second, None, None)
    equal(one, InMemory(first).fold(over))
    equal(other, InMemory(second).fold(over))


def test_scratch_memory_is_kept_unless_it_is_large(monkeypatch):
    X = np.random.RandomState(0).normal(size=(300, 2))
    over = e_step(X)
    fold_chunk(over, X, None, None)
    kept = tasks._SCRATCH.workspace
    fold_chunk(over, X, None, None)
    assert tasks._SCRATCH.workspace is kept and kept.nbytes > 0
    monkeypatch.setattr(tasks, "MOST_KEPT", kept.nbytes - 1)
    fold_chunk(over, X, None, None)
    assert tasks._SCRATCH.workspace is not kept


def test_answers_of_a_chunk():
    class Doubled:
        row_bytes = 8

        def __call__(self, block, workspace, out):
            assert isinstance(workspace, Workspace)
            np.multiply(block.X[:, 0], 2, out=out)

    X = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(answer_chunk(Answers(Doubled(), (), float), X), [0, 4, 8])
    assert len(answer_chunk(Answers(Doubled(), (), float), X[:0])) == 0
