"""A file that a long task is kept in: what was done, and of what.

It is written aside and then put in place, so that there is a whole file at any time: the
last or the one before.  It holds numbers and JSON, and no code.
"""

import hashlib
import io
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import joblib
import numpy as np

from gmmem._version import __version__
from gmmem.estimators.encoding import Decoder, Encoder
from gmmem.passes import Extent
from gmmem.problem import Problem
from gmmem.sources import InMemory, Rows

# Parameters that change no result.
IDLE = ("checkpoint", "checkpoint_every", "n_jobs", "verbose", "verbose_interval")

# Rows that are hashed at a time.
HASHED = 65_536

DATA, TASK, VERSION = "the data", "the task", "the version of gmmem"


class Checkpoint:
    """Where a task is kept, or nowhere.

    Parameters
    ----------
    path : path-like or None
        None keeps nothing.
    every : float
        Seconds between two writes, at least.
    of : dict of str
        What tells the task from others, by name: see `identity`.

    Raises
    ------
    ValueError
        If the file is of another task, or none; or there is no such folder.
    """

    def __init__(self, path: Any, every: float, of: Mapping[str, str]):
        self.path = None if path is None else Path(os.fspath(path))
        self.every, self.of = every, dict(of)
        self.stays = False  # After the task, as one that was interrupted.
        self._written = monotonic()
        self._saved: tuple[Any, list[np.ndarray]] | None = None
        if self.path is None:
            return
        if self.path.is_dir() or not self.path.absolute().parent.is_dir():
            raise ValueError(
                f"checkpoint={str(path)!r} must be the path of a file in a folder that exists."
            )
        if self.path.exists():
            self._saved = self._read()

    @property
    def kept(self) -> bool:
        """Whether anything is kept at all."""
        return self.path is not None

    def saved(self, kernel: Callable | None = None, *known: type) -> Any:
        """What was done before, None if nothing."""
        if self._saved is None:
            return None
        state, arrays = self._saved
        try:
            return Decoder(arrays, kernel, *known)(state)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise self.refused(error) from error

    def refused(self, error: Exception) -> ValueError:
        """What to raise where what was done before is of no use; the file stays."""
        self.stays = True
        return ValueError(self._damaged(error))

    def offer(self, state: Callable[[], Any]) -> None:
        """Write what was done, if it is time."""
        if self.path is not None and monotonic() - self._written >= self.every:
            self.write(state())

    def write(self, state: Any) -> None:
        """Write what was done: the file is the old one, then the new one, and never a part."""
        if self.path is None:
            return
        encode = Encoder()
        document = json.dumps({"of": self.of, "state": encode(state)})
        held = io.BytesIO()
        named = {f"array_{n}": array for n, array in enumerate(encode.arrays)}
        np.savez(held, document=np.frombuffer(document.encode(), np.uint8), **named)
        try:
            put(self.path, held.getbuffer())
        except OSError as error:  # A full disk is no reason to lose the fit as well.
            warnings.warn(f"checkpoint={str(self.path)!r} was not written: {error}", stacklevel=2)
        self._written = monotonic()

    def remove(self) -> None:
        """The task has ended."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            aside(self.path).unlink(missing_ok=True)

    def _read(self) -> tuple[Any, list[np.ndarray]]:
        try:
            with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as held:
                document = json.loads(held["document"].tobytes())
                arrays = [held[f"array_{n}"] for n in range(len(held.files) - 1)]
            of, state = document["of"], document["state"]
        except Exception as error:
            raise ValueError(self._damaged(error)) from error
        other = [name for name in {**of, **self.of} if of.get(name) != self.of.get(name)]
        if other:
            named = [name for name in (TASK, VERSION, DATA) if name in other] or sorted(other)
            raise ValueError(
                f"checkpoint={str(self.path)!r} is of another task: {', '.join(named)} "
                f"{'differs' if len(named) == 1 else 'differ'}. Give another path, or remove the "
                "file to start anew."
            )
        return state, arrays

    def _damaged(self, error: Exception) -> str:
        return (
            f"checkpoint={str(self.path)!r} is no file that gmmem wrote, or it is damaged "
            f"({type(error).__name__}: {error}). Give another path, or remove the file to start "
            "anew."
        )


def aside(path: Path) -> Path:
    """Where the next file is written before it takes its place."""
    return path.with_name(path.name + ".part")


def put(path: Path, content) -> None:
    """Put a file in place, on the disk and all at once."""
    part = aside(path)
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    if hasattr(os, "O_DIRECTORY"):  # Not on Windows.
        folder = os.open(path.absolute().parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def identity(task: str, params: Mapping[str, Any], data: str) -> dict[str, str]:
    """What tells a task from others, by name.

    Parameters
    ----------
    task : str
    params : mapping of str to Any
        By the hashes of what they are pickled to; the state of a RandomState is its hash.
    data : str
        A hash of the rows.
    """
    hashed = {}
    for name, value in params.items():
        if name not in IDLE:
            try:
                hashed[name] = joblib.hash(value)
            except Exception as error:
                raise ValueError(
                    f"checkpoint needs parameters that can be told from others, and {name} cannot "
                    f"be pickled: {error}"
                ) from error
    return {TASK: task, VERSION: __version__, DATA: data, **hashed}


@contextmanager
def of_fit(estimator: Any, problem: Problem, *resumed: str) -> Iterator[Checkpoint]:
    """The checkpoint of an estimator's fit; once that has ended, one way or other, it is gone.

    Parameters
    ----------
    estimator : estimator
        With `checkpoint` and `checkpoint_every`.
    problem : Problem
    resumed : str
        Attributes that a warm start goes on from.
    """
    path, of = estimator.checkpoint, {}
    if path is not None:
        params = estimator.get_params(deep=False)
        if params.get("warm_start"):
            params |= {name: getattr(estimator, name, None) for name in resumed}
        of = identity(type(estimator).__name__, params, fingerprint(problem.rows, problem.extent))
    kept = Checkpoint(path, estimator.checkpoint_every, of)
    try:
        yield kept
    except ValueError:  # As it would be the next time.
        if not kept.stays:
            kept.remove()
        raise
    if not kept.stays:
        kept.remove()


def fingerprint(rows: Rows, extent: Extent) -> str:
    """A hash of the rows: of their bytes in memory, of where they lie elsewhere."""
    arrays: list[Any] = [np.array([rows.n_rows, rows.n_features])]
    if isinstance(rows, InMemory):
        arrays += [rows.X] if rows.weight is None else [rows.X, rows.weight]
    else:
        arrays += [np.array([extent.n_rows, extent.total_weight]), extent.centre, extent.reach]
    return hashed(*arrays)


def hashed(*arrays: np.ndarray) -> str:
    """A hash of arrays, block by block."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        for first in range(0, len(array), HASHED):
            digest.update(np.ascontiguousarray(array[first : first + HASHED]))
    return digest.hexdigest()
