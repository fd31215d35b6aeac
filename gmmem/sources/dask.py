"""Rows in a Dask array or DataFrame: on a laptop, a cluster, Kubernetes or a batch system.

A pass is one graph: what is asked, once; a task for each chunk; and a tree of additions, whose
root alone comes to the caller.  All of it can be computed again, so a worker that dies costs its
tasks and no more: nothing is scattered.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any
from uuid import uuid4

import numpy as np

from gmmem.contracts import fulfils
from gmmem.sources.base import FLOAT64, Pass, RowPass
from gmmem.sources.chunks import Chunked
from gmmem.sources.tasks import Answers, answer_chunk, combine_parts, fold_chunk

# Parts that one task adds: a power of two, so that the tree stays the binary one.
FAN_IN = 8


@fulfils(Chunked)
class Dask(Chunked):
    """Rows of a Dask collection, which is never collected.

    Parameters
    ----------
    X : dask.array.Array of shape (n_samples, n_features), or dask.dataframe.DataFrame
        Chunks may be empty and of unknown length.  What is not persisted is made anew in
        each pass, and need not fit in memory.
    sample_weight : dask.array.Array, dask.dataframe.Series or array (n_samples,), default=None
        A weight of w means w copies of the row.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> X = da.from_array(load_old_faithful(), chunks=(100, 2))
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> np.sort(model.weights_).round(2)
    array([0.36, 0.64])
    >>> type(model.predict(X)), model.predict(X).chunks
    (<class 'dask.array.core.Array'>, ((100, 100, 72),))
    """

    def __init__(self, X, sample_weight=None):
        self.X = _table(X)
        self.weight = None
        if sample_weight is not None:
            # By rows without weights, so that nothing is remembered of those.
            self.weight = Dask(self.X)._aligned(sample_weight, "sample_weight")
        self.weighted = self.weight is not None

    @property
    def n_features(self) -> int:
        return int(self.X.shape[1])

    @property
    def dtype(self) -> np.dtype:
        return self.X.dtype if self.X.dtype == np.float32 else FLOAT64

    @property
    def lengths(self) -> tuple[int, ...]:
        """Rows in each chunk; where that is unknown, all chunks are looked at once.

        Examples
        --------
        >>> import dask.array as da
        >>> from gmmem.sources import Dask
        >>> rows = Dask(da.zeros((250, 2), chunks=(100, 2)))
        >>> rows.lengths
        (100, 100, 50)
        """
        known = self.X.chunks[0]
        return super().lengths if np.isnan(known).any() else tuple(map(int, known))

    @cached_property
    def _blocks(self) -> tuple[list[Any], list[Any]]:
        """The chunks of rows, and those of weights or None."""
        blocks = list(self.X.to_delayed().ravel())
        if self.weight is None:
            return blocks, [None] * len(blocks)
        return blocks, list(self.weight.to_delayed().ravel())

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_blocks"}

    def _tasks(self, task, shared, arguments: Sequence | None) -> tuple[Any, list[Any]]:
        """What is shared by a pass's tasks, and those."""
        from dask import delayed

        # Under a name of its own: equal contents of two passes are not to be one thing that
        # the end of the first takes away from the second.
        shared = delayed(shared, name=f"pass-{uuid4().hex}", traverse=False)
        if arguments is None:
            return shared, self._with_their_blocks(task, shared)
        blocks, weights = self._blocks
        run = delayed(task, pure=False, traverse=False)
        parts = zip(blocks, weights, arguments, strict=True)
        return shared, [run(shared, *part) for part in parts]

    def _with_their_blocks(self, task, shared) -> list[Any]:
        """Tasks that Dask can fuse with those that make their chunks.

        A chunk is then made and asked in one place, waits nowhere, and never travels.
        """
        from dask.array import blockwise

        blocks = (self.X, "ij", self.weight, None if self.weight is None else "i")
        whole = blockwise(
            run_on_block,
            "ij",
            *blocks,
            *(task, None, shared, None),
            name=f"{task.__name__}-{uuid4().hex}",
            adjust_chunks=dict.fromkeys("ij", lambda length: 1),
            align_arrays=False,
            dtype=object,
            meta=np.empty((0, 0), object),
        )
        return list(whole.to_delayed().ravel())

    def each(self, task, shared=None, arguments=None) -> Iterable[Any]:
        from dask import compute

        with _of_any_size():
            return compute(*self._tasks(task, shared, arguments)[1])

    def _sum(self, over: Pass, columns):
        shared, parts = self._tasks(fold_chunk, over, columns)
        with _of_any_size():
            return _tree(shared, parts).compute()

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any):
        """Answers for every row: a lazy Dask array of the same chunks.

        Parameters
        ----------
        over : RowPass
            What is asked of each block.
        shape : tuple of int
            Of the answer for one row; () for a number.
        dtype : dtype
            Of the answers.

        Returns
        -------
        answers : dask.array.Array of shape (n_rows, ...)
            Computed where it is asked for.

        Examples
        --------
        >>> import dask.array as da
        >>> from gmmem.sources import Dask
        >>> rows = Dask(da.zeros((250, 2), chunks=(100, 2)))
        >>> from gmmem import Mixture
        >>> from gmmem.answers import MostProbable
        >>> from gmmem.scoring import Scorer
        >>> mixture = Mixture.from_arrays([1], [[0, 0]], [[[1, 0], [0, 1]]])
        >>> rows.map(MostProbable(Scorer.of(mixture, "float64")), (), "int64").chunks
        ((100, 100, 50),)
        """
        from dask import delayed

        ask = delayed(Answers(over, shape, dtype), name=f"answers-{uuid4().hex}", traverse=False)
        return self.X.map_blocks(
            answer_block,
            ask=ask,
            dtype=dtype,
            chunks=(self.X.chunks[0], *((length,) for length in shape)),
            drop_axis=[] if shape else [1],
            meta=np.empty((0, *shape), dtype),
        )

    def _column_chunks(self):
        if not self.columns:
            return None
        columns = {
            name: self._aligned(column, name).to_delayed().ravel()
            if hasattr(column, "to_delayed")
            else [column[rows] for rows in self._slices()]
            for name, column in self.columns.items()
        }
        return [
            dict(zip(columns, chunks, strict=True))
            for chunks in zip(*columns.values(), strict=True)
        ]

    def _aligned(self, column, name: str):
        """A column as a Dask array in the chunks of the rows."""
        import dask.array as da

        if hasattr(column, "to_dask_array"):
            column = column.to_dask_array()
        if not hasattr(column, "to_delayed"):
            column = np.asarray(column)
            if column.ndim == 0 or len(column) != self.n_rows:
                raise ValueError(
                    f"{name} must have a row for each of the {self.n_rows} of X; its shape is "
                    f"{column.shape}."
                )
            return da.from_array(column, chunks=(self.lengths, *column.shape[1:]))
        if column.ndim > 1:
            column = column.rechunk({1: -1})
        ours, theirs = self.X.chunks[0], column.chunks[0]
        if not np.isnan(ours).any() and not np.isnan(theirs).any():
            if sum(ours) != sum(theirs):
                raise ValueError(f"{name} has {sum(theirs)} rows, but X has {sum(ours)}.")
            return column.rechunk({0: ours})
        if len(ours) != len(theirs):
            raise ValueError(
                f"{name} has {len(theirs)} chunks, but X has {len(ours)}: where lengths are "
                "unknown, they must be cut alike."
            )
        return column


def _tree(shared, parts: list[Any]):
    """The additions over all parts, as a graph that is written down.

    Dask's own calls would look at all parts for each of them.
    """
    from dask.delayed import Delayed
    from dask.highlevelgraph import HighLevelGraph

    name, additions = f"sum-{uuid4().hex}", {}
    keys = [part.key for part in parts]
    while len(keys) > 1:
        groups = [keys[i : i + FAN_IN] for i in range(0, len(keys), FAN_IN)]
        keys = [(name, len(additions) + i) for i in range(len(groups))]
        tasks = [(combine_parts, shared.key, group) for group in groups]
        additions.update(zip(keys, tasks, strict=True))
    if not additions:
        return parts[0]
    graph = HighLevelGraph.from_collections(name, additions, dependencies=[shared, *parts])
    return Delayed(keys[0], graph, layer=name)


def _of_any_size():
    """Context in which Dask does not warn of large graphs.

    A pass tells its parameters once; to scatter them, as the warning advises, would lose them
    with the worker that has them.
    """
    from dask import config

    # What is not loaded warns of nothing, and must find its own settings when it is.
    if "distributed" not in sys.modules:
        return nullcontext()
    return config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"})


def run_on_block(X, weight, task: Callable, shared):
    """A task on a block, as Dask's own functions have their arguments."""
    return task(shared, X, weight, None)


def answer_block(X: np.ndarray, ask: Answers) -> np.ndarray:
    """Answers for every row of a block."""
    return answer_chunk(ask, X)


def _table(X):
    """A collection as a Dask array whose chunks hold whole rows."""
    if hasattr(X, "to_dask_array"):
        X = X.to_dask_array()
    if not hasattr(X, "to_delayed"):
        raise ValueError(f"X must be a Dask array or DataFrame, not {type(X).__name__}.")
    if X.ndim != 2:
        raise ValueError(f"X must have rows and columns; its shape is {X.shape}.")
    if X.dtype.kind not in "biufO":
        raise ValueError(f"X must hold real numbers; its dtype is {X.dtype}.")
    return X.rechunk({1: -1}) if X.numblocks[1] > 1 else X
