"""Values of the engine as JSON and plain arrays, and back, to the last bit.

Nothing is pickled.  What is read back are numbers, and objects of gmmem's own classes that are
made of them: a file can name no other class, and no code in it is run.
"""

import enum
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np

from gmmem.covariances import DegenerateCovariance
from gmmem.forms import NORM, OUTER, SQUARE

FORMS = {each.fineness: each for each in (NORM, SQUARE, OUTER)}


class Encoder:
    """Turns values into what JSON holds; arrays are put aside, each once."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self._places: dict[int, int] = {}
        self._kept: list[np.ndarray] = []  # So that no address is used twice.

    def __call__(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value if not isinstance(value, np.generic) else value.item()
        if isinstance(value, list):
            return [self(each) for each in value]
        if isinstance(value, np.ndarray):
            return {"array": self._place(value), "axes": _axes(value)}
        if isinstance(value, np.generic):
            return self(value.item())
        if isinstance(value, dict):
            return {"dict": [[self(key), self(each)] for key, each in value.items()]}
        if isinstance(value, enum.Enum):
            return {"enum": value.name, "class": _name(type(value))}
        if isinstance(value, DegenerateCovariance):
            return {"error": self(list(value.__reduce__()[1])), "class": _name(type(value))}
        if any(value is form for form in FORMS.values()):
            return {"form": value.fineness}
        if hasattr(value, "scores") and hasattr(value, "components"):
            return {"kernel": self(value.components)}
        names = _fields(type(value))
        if names is not None:
            parts = {name: self(getattr(value, name)) for name in names}
            return {"fields": parts, "class": _name(type(value))}
        if isinstance(value, tuple):
            return {"tuple": [self(each) for each in value]}
        raise TypeError(f"A {type(value).__name__} cannot be kept in a checkpoint.")

    def _place(self, array: np.ndarray) -> int:
        if array.dtype.kind not in "fiub":
            raise TypeError(f"An array of {array.dtype} cannot be kept in a checkpoint.")
        place = self._places.setdefault(id(array), len(self.arrays))
        if place == len(self.arrays):
            self._kept.append(array)
            # In the order in which it lies in memory, which sums may go by.
            self.arrays.append(np.asarray(array.transpose(_axes(array)), order="C"))
        return place


class Decoder:
    """The way back.

    Parameters
    ----------
    arrays : list of ndarray
    kernel : callable, optional
        Gives the kernel of a mixture again.
    known : types, optional
        Storages of covariances, which may be someone else's.
    """

    def __init__(self, arrays: list[np.ndarray], kernel: Callable | None = None, *known: type):
        self.arrays, self.kernel = arrays, kernel
        self.known = {_name(each): each for each in known}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "array" in value:
            return self.arrays[value["array"]].transpose(np.argsort(value["axes"]))
        if "dict" in value:
            return {self(key): self(each) for key, each in value["dict"]}
        if "tuple" in value:
            return tuple(self(each) for each in value["tuple"])
        if "form" in value:
            return FORMS[value["form"]]
        if "kernel" in value:
            return self.kernel(self(value["kernel"]))
        cls = self._class(value["class"])
        if "enum" in value:
            return cls[value["enum"]]
        if "error" in value:
            return cls(*self(value["error"]))
        return cls(**{name: self(each) for name, each in value["fields"].items()})

    def _class(self, name: str) -> type:
        """One of gmmem's own values, by its name."""
        if name in self.known:
            return self.known[name]
        module, _, own = name.partition(":")
        found = None
        if module.split(".")[0] == "gmmem":
            found = vars(import_module(module)).get(own)
        is_value = isinstance(found, type) and (
            _fields(found) is not None or issubclass(found, enum.Enum | DegenerateCovariance)
        )
        if not is_value:
            raise ValueError(f"It names {name}, which is no value of gmmem.")
        return found


def _fields(cls: type) -> tuple[str, ...] | None:
    """What a value of a class is made of."""
    if is_dataclass(cls):
        return tuple(each.name for each in fields(cls) if each.init)
    return getattr(cls, "_fields", None) if issubclass(cls, tuple) else None


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _axes(array: np.ndarray) -> list[int]:
    """Axes from the one of the longest step in memory to that of the shortest."""
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
