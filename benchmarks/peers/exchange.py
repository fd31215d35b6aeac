"""How a benchmark asks a peer in another environment: arrays in a folder, JSON on a pipe.

`ask` and `ask_mclust` run in the benchmark.  They write X and the start to files and run the
peer's file with the peer's interpreter.  `answer` runs there: it times the peer's `fit` and
writes the parameters that it returns.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).parent
FIELDS = ("weights", "means", "covariances")

# The time is the slope between FEW and MANY iterations: from one on, because some peers stop
# as soon as the log-likelihood does not change.  Parameters are compared after five.
FEW, MANY, COMPARED = 1, 5, 5

TYPES_OF = {
    "onedal": ("full", "diag"),
    "pomegranate": ("full", "diag"),
    "tgmm": ("full", "tied", "diag", "spherical"),
    "gmmx": ("full", "diag"),
}
CODES = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}


class Unanswered(Exception):
    """A peer that gave no result, and why, in a few words."""


class Answer(NamedTuple):
    """Seconds an iteration, iterations done of those asked for, parameters after five."""

    seconds: float
    done: int
    asked: int
    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def ask(name, python, X, start, patience):
    """What the peer of that name in the environment of that interpreter answers.

    Raises
    ------
    Unanswered
        If it is not installed, does not have this type of covariance, failed, or took more
        than `patience` seconds.
    """
    if start.covariance_type not in TYPES_OF[name]:
        raise Unanswered("has no such type")
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "X.npy"), X)
        for field, array in zip(FIELDS, start[1:], strict=True):
            np.save(Path(folder, f"{field}.npy"), array)
        command = [python, "-m", f"peers.{name}", folder, start.covariance_type]
        message = run(command, patience, beside(python))
        parameters = [np.load(Path(folder, f"{field}.npy")) for field in FIELDS]
    return Answer(message["seconds"], message["done"], message["asked"], *parameters)


def ask_mclust(rscript, X, responsibilities, start, patience):
    """What mclust answers, from the responsibilities that the start gives."""
    (n, d), K = X.shape, len(start.weights)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "X").write_bytes(X.tobytes(order="F"))
        Path(folder, "z").write_bytes(responsibilities.tobytes(order="F"))
        sizes = [str(size) for size in (n, d, K, FEW, MANY, COMPARED)]
        command = [rscript, str(HERE / "mclust.R"), folder, CODES[start.covariance_type], *sizes]
        message = run(command, patience, dict(os.environ))
        weights, means, dense = (np.fromfile(Path(folder, field)) for field in FIELDS)
    dense = dense.reshape(K, d, d)
    covariances = {
        "full": dense,
        "tied": dense[0],
        "diag": np.diagonal(dense, axis1=1, axis2=2),
        "spherical": dense[:, 0, 0],
    }[start.covariance_type]
    parameters = weights, means.reshape(K, d), covariances
    return Answer(message["seconds"], message["done"], message["asked"], *parameters)


def beside(python):
    """Environment variables that let an interpreter find its own environment's libraries."""
    libraries = str(Path(python).absolute().parents[1] / "lib")
    paths = [libraries, os.environ.get("LD_LIBRARY_PATH")]
    return dict(os.environ, LD_LIBRARY_PATH=os.pathsep.join(filter(None, paths)))


def run(command, patience, environment):
    """The JSON object on the last line of what a command prints."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=HERE.parent,
            env=environment,
            timeout=patience,
            check=False,
        )
    except FileNotFoundError:
        raise Unanswered("not installed") from None
    except subprocess.TimeoutExpired:
        raise Unanswered(f"took more than {patience} s") from None
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise Unanswered(f"failed: {last[:60]}")
    message = json.loads(lines[-1])
    if "missing" in message:
        raise Unanswered("not installed")
    return message


def missing(error):
    """Tell the benchmark that a peer cannot be imported here."""
    print(json.dumps({"missing": str(error)}))
    sys.exit()


def answer(prepare):
    """Time ``fit = prepare(X, start)`` and write the parameters that it finds.

    ``fit(iterations)`` returns the iterations that it did, and weights, means and
    covariances in the shapes of the start.
    """
    from common import Start, slope

    folder, covariance_type = sys.argv[1:]
    X, *arrays = (np.load(Path(folder, f"{name}.npy")) for name in ("X", *FIELDS))
    fit = prepare(X, Start(covariance_type, *arrays))
    timed = slope(lambda iterations: fit(iterations)[0], FEW, MANY)
    _, parameters = fit(COMPARED)
    for field, before, array in zip(FIELDS, arrays, parameters, strict=True):
        array = np.asarray(array, dtype=np.float64)
        np.save(Path(folder, f"{field}.npy"), array.reshape(before.shape))
    print(json.dumps({"seconds": timed.seconds, "done": timed.done, "asked": timed.asked}))
