"""Rows in a Spark DataFrame: a partition is a chunk.

Each pass is one ``mapInArrow``: rows come to Python as Arrow batches, a partition's sums leave it
as one row.  Where partitions are many, groups of neighbours are added on the executors first.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from gmmem.contracts import fulfils
from gmmem.sources.base import FLOAT64, Pass, RowPass
from gmmem.sources.chunks import Chunked
from gmmem.sources.tasks import Answers, answer_chunk, combine_parts, fold_chunk

# Parts added by one task: a power of two, so that the tree stays the binary one; up to so many
# parts come to the driver.
FAN_IN = 64

PART = "number long, part binary"


@fulfils(Chunked)
class Spark(Chunked):
    """Rows of a Spark DataFrame, which is never collected.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Cache it if it is slow to make: each pass makes it again.  It must give the same rows in
        the same order every time, as files do.
    features : list of str, default=None
        The columns to fit; None is all but `weight`.
    weight : str, default=None
        The column of row weights.

    Examples
    --------
    >>> from pyspark.sql import SparkSession  # doctest: +SKIP
    >>> from gmmem import GaussianMixture
    >>> from gmmem.sources import Spark
    >>> frame = SparkSession.builder.getOrCreate().read.parquet("rows")  # doctest: +SKIP
    >>> rows = Spark(frame, features=["width", "height"])  # doctest: +SKIP
    >>> model = GaussianMixture(3, random_state=0).fit(rows)  # doctest: +SKIP
    >>> model.predict(rows).select("id", "answer").show()  # doctest: +SKIP
    """

    def __init__(self, frame, features: Sequence[str] | None = None, weight: str | None = None):
        names = [name for name in frame.columns if name != weight]
        self.features = names if features is None else list(features)
        missing = [name for name in [*self.features, weight] if name and name not in frame.columns]
        if missing or not self.features:
            raise ValueError(
                f"The DataFrame has no column(s) {', '.join(missing)}."
                if missing
                else "There must be at least one column of features."
            )
        self.weighted, self.weight = weight is not None, weight
        self.frame = frame
        self._table = frame.select(*self.features, *([weight] if weight else []))

    @property
    def n_features(self) -> int:
        return len(self.features)

    @property
    def dtype(self) -> np.dtype:
        types = {kind for name, kind in self._table.dtypes if name in self.features}
        return np.dtype(np.float32) if types == {"float"} else FLOAT64

    def _tell(self, *what):
        """To every executor once, however many tasks ask for it."""
        return self.frame.sparkSession.sparkContext.broadcast(pickle.dumps(what))

    def _parts(self, told, arguments: Sequence | None):
        """A lazy DataFrame of each partition's number, and what it gives."""
        own = None if arguments is None else self._tell(*arguments)
        width = len(self.features) + self.weighted
        run = partial(_run, told, own, width, self.weighted, self.dtype)
        return self._table.mapInArrow(run, PART)

    def each(self, task, shared=None, arguments=None) -> Iterable[Any]:
        told = self._tell(task, shared)
        try:
            return _in_order(self._parts(told, arguments))
        finally:
            told.destroy()

    def _sum(self, over: Pass, columns):
        told = self._tell(fold_chunk, over)
        parts, number = self._parts(told, columns), self._n_partitions
        while number > FAN_IN:
            group = (parts.number / FAN_IN).cast("long").alias("group")
            parts = parts.groupBy(group).applyInArrow(partial(_add, told, FAN_IN), PART)
            number = -(-number // FAN_IN)
        try:
            return combine_parts(over, _in_order(parts))
        finally:
            told.destroy()

    @cached_property
    def _n_partitions(self) -> int:
        return self._table.rdd.getNumPartitions()

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any):
        """Answers for every row: the DataFrame, lazy, with a column "answer" beside the others.

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
        answers : pyspark.sql.DataFrame
            Computed where it is asked for; the answer is a number or an array.

        Examples
        --------
        >>> from gmmem.sources import Spark
        >>> rows = Spark(frame, features=["width", "height"])  # doctest: +SKIP
        >>> model.predict_proba(rows).select("answer").first()  # doctest: +SKIP
        Row(answer=[0.97, 0.03])
        """
        from pyspark.sql.types import StructType

        kind = "long" if np.dtype(dtype).kind == "i" else "double"
        field = f"answer array<{kind}>" if shape else f"answer {kind}"
        schema = StructType([*self.frame.schema, *StructType.fromDDL(field)])
        told = self._tell(Answers(over, shape, dtype), self.features, self.dtype)
        return self.frame.mapInArrow(partial(_answered, told), schema)


# --- on the executors -------------------------------------------------------------------------


def _run(told, own, width: int, weighted: bool, dtype, batches: Iterator) -> Iterator:
    """A task on a partition, as a row of its number and of what it gives."""
    from pyspark import TaskContext

    number, (task, shared) = TaskContext.get().partitionId(), pickle.loads(told.value)
    # A partition without rows has no batch that would tell its width.
    table = np.concatenate([np.empty((0, width)), *map(_numbers, batches)])
    X, weight = (table[:, :-1], table[:, -1]) if weighted else (table, None)
    argument = None if own is None else pickle.loads(own.value)[number]
    yield _row(number, task(shared, X.astype(dtype, copy=False), weight, argument))


def _add(told, fan_in: int, table):
    """Neighbours' sums, added in their order, under the number of their group."""
    import pyarrow

    _, over = pickle.loads(told.value)
    parts = sorted(zip(table["number"].to_pylist(), table["part"].to_pylist(), strict=True))
    total = combine_parts(over, [pickle.loads(part) for _, part in parts])
    return pyarrow.Table.from_batches([_row(parts[0][0] // fan_in, total)])


def _answered(told, batches: Iterator) -> Iterator:
    """Rows with their answers beside them."""
    import pyarrow

    ask, features, dtype = pickle.loads(told.value)
    for batch in batches:
        X = _numbers(batch.select(features)).astype(dtype, copy=False)
        if np.isinf(X).any():
            raise ValueError("X contains infinity.")
        answers = answer_chunk(ask, X)
        whole = "int64" if answers.dtype.kind == "i" else "float64"
        column = pyarrow.array(list(answers) if ask.shape else answers)
        if not ask.shape:
            column = column.cast(whole)
        else:
            column = column.cast(pyarrow.list_(pyarrow.type_for_alias(whole)))
        names = [*batch.schema.names, "answer"]
        yield pyarrow.RecordBatch.from_arrays([*batch.columns, column], names)


def _numbers(batch) -> np.ndarray:
    """An Arrow batch as a table; what is null is not a number."""
    columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
    return np.column_stack([column.astype(FLOAT64, copy=False) for column in columns])


def _row(number: int, part):
    import pyarrow

    return pyarrow.RecordBatch.from_pydict({"number": [number], "part": [pickle.dumps(part)]})


# --- and back at the driver -------------------------------------------------------------------


def _in_order(parts) -> list[Any]:
    return [pickle.loads(row.part) for row in sorted(parts.collect(), key=lambda row: row.number)]
