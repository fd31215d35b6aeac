"""Rows on a device: arrays of the array API standard stay where they are.

    fold(pass) = sum over blocks of  pass.on(place)(block)      K p numbers a block come back
    map(pass)  = answers of the same kind, on the same device

A pass says by ``on(place)`` how it is asked there; for one that does not, blocks come to the
host.  The M-step is on the host, in float64.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gmmem.contracts import fulfils
from gmmem.sources.base import FLOAT64, Block, Pass, RowPass, Rows, Workspace
from gmmem.sources.block import NO_COLUMNS
from gmmem.sources.memory import InMemory, are_extreme, check_weights

# Scratch of a block: long operations keep a device busy, and it has memory for them.
DEVICE_BYTES = 256_000_000


@dataclass(frozen=True)
class Place:
    """Where arrays are, and whose functions they obey.

    Parameters
    ----------
    xp : module
        A namespace of the array API standard.
    device : object
        In its language.
    """

    xp: Any
    device: Any

    @classmethod
    def of(cls, array: Any) -> "Place":
        """That of an array.

        Raises
        ------
        ImportError
            Without array-api-compat.
        """
        try:
            import array_api_compat
        except ImportError:
            raise ImportError(
                "Arrays on devices need array-api-compat: install gmmem[array-api]."
            ) from None
        return cls(array_api_compat.array_namespace(array), array_api_compat.device(array))

    def put(self, array: np.ndarray, dtype: Any = FLOAT64) -> Any:
        """An array of the host there."""
        array = np.array(array, dtype=dtype, order="C")
        return self.xp.asarray(array, device=self.device)

    def fetch(self, array: Any) -> np.ndarray:
        """An array from there, in float64."""
        return self.host(array).astype(np.float64, copy=False)

    def host(self, array: Any) -> np.ndarray:
        """An array from there, as it is."""
        for name in ("get", "cpu"):  # CuPy's and torch's; others are on the host.
            if hasattr(array, name):
                array = getattr(array, name)()
        return np.array(np.from_dlpack(array) if hasattr(array, "__dlpack__") else array)

    def dtype(self, dtype: Any) -> Any:
        """A dtype of NumPy in the language of the namespace."""
        return getattr(self.xp, np.dtype(dtype).name)


class DeviceBlock(NamedTuple):
    """Some rows of the data, where they are."""

    start: int
    X: Any
    weight: Any = None
    """(b,), none negative, or None where every row counts once."""
    columns: Mapping[str, Any] = NO_COLUMNS
    """What travels with the rows, on the host."""


@dataclass(frozen=True)
class OnHost:
    """A pass that knows no devices: blocks are brought to the host for it."""

    over: Any
    place: Place
    answer: tuple[tuple[int, ...], Any] | None = None
    """Shape and dtype of a row's answer, where there is one."""

    def __call__(self, block: DeviceBlock) -> Any:
        weight = None if block.weight is None else self.place.fetch(block.weight)
        rows = Block(block.start, self.place.host(block.X), weight, block.columns)
        if self.answer is None:
            return self.over(rows, Workspace())
        shape, dtype = self.answer
        out = np.empty((len(rows.X), *shape), dtype)
        self.over(rows, Workspace(), out)
        return self.place.put(out, dtype)


@fulfils(Rows)
class Device:
    """Rows in an array of a device.

    Parameters
    ----------
    X : array of the array API standard, shape (n_rows, n_features)
        For instance a torch tensor, in float64 or float32; other numbers become float64.
    sample_weight : array-like of shape (n_rows,), default=None
        A weight of w means w copies of the row.

    Attributes
    ----------
    place : Place
        The namespace and the device of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import Device
    >>> rows = Device(load_old_faithful())
    >>> np.sort(GaussianMixture(2, random_state=0).fit(rows).weights_).round(3)
    array([0.356, 0.644])
    """

    def __init__(self, X: Any, sample_weight: Any = None):
        self.place = Place.of(X)
        if len(X.shape) != 2:
            raise ValueError(f"X must have rows and columns; its shape is {X.shape}.")
        floats = (self.place.xp.float32, self.place.xp.float64)
        self.X = X if X.dtype in floats else self.place.xp.astype(X, floats[1])
        self.weight = None
        if sample_weight is not None:
            host = sample_weight
            if not isinstance(host, np.ndarray | list | tuple):
                host = self.place.host(host)
            self.weight = check_weights(host, self.n_rows)
        self.columns: Mapping[str, Any] = NO_COLUMNS

    @property
    def n_rows(self) -> int:
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        return int(self.X.shape[1])

    @property
    def dtype(self) -> np.dtype:
        single = self.X.dtype == self.place.xp.float32
        return np.dtype(np.float32) if single else FLOAT64

    @cached_property
    def arithmetic(self) -> np.dtype:
        """What the rows allow to be computed in: float32 has no room for extreme weights."""
        return FLOAT64 if are_extreme(self.weight) else self.dtype

    @property
    def total_weight(self) -> float:
        return float(self.n_rows) if self.weight is None else float(self.weight.sum())

    @cached_property
    def _weight(self) -> Any:
        """The weights, where the rows are."""
        return None if self.weight is None else self.place.put(self.weight)

    def with_columns(self, **aligned: Any) -> "Device":
        rows = Device.__new__(Device)
        vars(rows).update(vars(self), columns={**self.columns, **aligned})
        return rows

    def sample(self, size: int, rng: np.random.RandomState) -> InMemory:
        weight = np.ones(self.n_rows) if self.weight is None else self.weight
        some = np.flatnonzero(weight)
        if len(some) > size and self.weight is None:
            some, times = np.sort(rng.choice(some, size, replace=False)), None
        elif len(some) > size:
            drawn = rng.choice(some, size, p=weight[some] / weight[some].sum())
            some, times = np.unique(drawn, return_counts=True)
        else:
            times = None if self.weight is None else weight[some]
        places = self.place.put(some, np.int64)
        return InMemory(self.place.host(self.place.xp.take(self.X, places, axis=0)), times)

    def working(self) -> AbstractContextManager:
        return nullcontext()

    def fold(self, over: Pass) -> tuple[Any, ...]:
        ask, total = self._asked(over), None
        for rows in self._slices(over.row_bytes):
            block = self._block(rows)
            if block is not None:
                part = ask(block)
                total = part if total is None else over.combine(total, part)
        return total

    def map(self, over: RowPass, shape: tuple[int, ...], dtype: Any) -> Any:
        place, kind = self.place, self.place.dtype(dtype)
        ask = over.on(place) if hasattr(over, "on") else OnHost(over, place, (shape, dtype))
        out = place.xp.empty((self.n_rows, *shape), dtype=kind, device=place.device)
        for rows in self._slices(over.row_bytes):
            answer = ask(DeviceBlock(rows.start, self.X[rows, :]))
            out[rows, ...] = place.xp.astype(answer, kind, copy=False)
        return out

    def _asked(self, over: Pass) -> Callable[[DeviceBlock], Any]:
        return over.on(self.place) if hasattr(over, "on") else OnHost(over, self.place)

    def _block(self, rows: slice) -> DeviceBlock | None:
        """Those of the rows that weigh something; None if there are none."""
        X, columns = self.X[rows, :], {name: each[rows] for name, each in self.columns.items()}
        if self.weight is None:
            return DeviceBlock(rows.start, X, None, columns)
        kept = np.flatnonzero(self.weight[rows])
        if len(kept) == X.shape[0]:
            return DeviceBlock(rows.start, X, self._weight[rows], columns)
        if not len(kept):
            return None
        places = self.place.put(kept, np.int64)
        X, weight = (self.place.xp.take(each, places, axis=0) for each in (X, self._weight[rows]))
        columns = {name: np.asarray(each)[kept] for name, each in columns.items()}
        return DeviceBlock(rows.start, X, weight, columns)

    def _slices(self, row_bytes: int) -> list[slice]:
        size = max(1, min(self.n_rows, DEVICE_BYTES // max(row_bytes, 1)))
        return [
            slice(first, min(first + size, self.n_rows)) for first in range(0, self.n_rows, size)
        ]
