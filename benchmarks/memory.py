"""Peak memory above the data, against scikit-learn; and a file larger than the memory allowed.

    python benchmarks/memory.py            about 20 minutes; up to 6 GiB of memory, 4 of disk
    python benchmarks/memory.py --quick    fewer rows, and a file of 1 GiB

First, a table: by how much the peak of the resident memory grows in one call of a method,
each in a process of its own in which X is already there.  What the method has to return (8 bytes
a row for `predict` and `score_samples`) is subtracted.

Second, a memory-mapped file is fitted under a hard limit on memory far below its size, and the
result is compared bit by bit with that of the same rows in memory.  The limit is one on private
memory (RLIMIT_DATA), which counts all but the pages of the file itself.  For one that counts
those too, name a command that runs another under such a limit; for instance

    python benchmarks/memory.py --under "systemd-run --user --scope -p MemoryMax=512M"

or, where control groups are set by hand (as root; version 1 has memory.limit_in_bytes), a script

    mkdir -p /sys/fs/cgroup/memory/small
    echo 512M > /sys/fs/cgroup/memory/small/memory.limit_in_bytes
    echo $$ > /sys/fs/cgroup/memory/small/cgroup.procs
    exec "$@"
"""

import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import STYLES, TYPES, arguments, fill, make, plain_log, save, start_beside

MIB = 2**20
PATIENCE = 1_200
METHODS = ("fit", "predict", "score_samples", "score")
RETURNED = {"fit": 0, "predict": 8, "score_samples": 8, "score": 0}
"""Bytes a row."""

WIDE = [(50_000, 50, 50), (50_000, 100, 50), (20_000, 200, 10)]
"""Rows, features and components where the covariances themselves are large."""

INITIALISERS = ("kmeans", "k-means++", "random_from_data", "random")
ATTRIBUTES = ("weights_", "means_", "covariances_", "precisions_cholesky_", "lower_bounds_")

OPTIONS = {
    "gib": (4.0, "size of the file to map"),
    "limit": (512, "MiB of memory allowed for its fit"),
    "folder": (tempfile.gettempdir(), "where to write it"),
    "under": ("", "command that runs another under a limit, instead of RLIMIT_DATA"),
    "only": ("", "peaks or mapped: one of the two parts"),
    "task": ("", "for the script's own subprocesses"),
}


class Case(NamedTuple):
    """One call of one method."""

    package: str
    method: str
    n: int
    d: int
    K: int
    covariance_type: str = "full"
    init_params: str = "kmeans"


# --- in a process of its own ----------------------------------------------------


def peak():
    """Largest resident memory so far, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def forget_peak():
    """Let the peak begin at what is resident now, where the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def estimator(library):
    if library == "gmmem":
        from gmmem import GaussianMixture
    else:
        from sklearn.mixture import GaussianMixture
    return GaussianMixture


def ready(cls, case, X, centres):
    """A model on which the method can be called."""
    params = dict(covariance_type=case.covariance_type, random_state=0)
    if case.method == "fit":
        return cls(case.K, init_params=case.init_params, max_iter=2, **params)
    start = start_beside(centres, case.covariance_type)
    if case.package == "gmmem":
        return cls.from_parameters(*start[1:], **params)
    given = dict(
        weights_init=start.weights, means_init=start.means, precisions_init=start.covariances
    )
    return cls(case.K, max_iter=1, **given, **params).fit(X[: max(20_000, 2 * case.K)])


def growth(case):
    """Bytes by which the peak grew, less what was returned, and the seconds of the call."""
    X, centres = make(case.n, case.d, case.K)
    call = getattr(ready(estimator(case.package), case, X, centres), case.method)
    forget_peak()
    before, began = peak(), time.perf_counter()
    call(X)
    seconds = time.perf_counter() - began
    return {"bytes": peak() - before - RETURNED[case.method] * case.n, "seconds": seconds}


def fit_file(path, mapped, limit, result):
    """Fit the rows of a file, mapped or read, and keep the parameters."""
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    from gmmem import GaussianMixture

    X = np.load(path, mmap_mode="r" if mapped else None)
    model = GaussianMixture(10, means_init=np.array(X[:10]), max_iter=3, tol=0)
    began = time.perf_counter()
    model.fit(X)
    seconds = time.perf_counter() - began
    np.savez(result, **{name: getattr(model, name) for name in ATTRIBUTES})
    return {"seconds": seconds}


def perform(task):
    warnings.simplefilter("ignore")
    if "path" in task:
        return fit_file(**task)
    return growth(Case(**task))


# --- in the script's own --------------------------------------------------------


def ask(task, under=()):
    """What a process of its own answers; a string that says why where it does not."""
    command = [*under, sys.executable, __file__, "--task", json.dumps(task)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"took more than {PATIENCE} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:70]
    return json.loads(done.stdout.strip().splitlines()[-1])


def cases(quick):
    """Sizes first; then wide data, the other starts, the other types; then scikit-learn."""
    shapes = [(100_000, 10), (1_000_000, 2), (1_000_000, 10), (10_000_000, 2)]
    sizes = (5, 50, 500)
    compared = [(shape, K) for shape in shapes[:3] for K in (5, 50)]
    one, K = shapes[2], 50
    if quick:
        shapes, sizes = [(20_000, 10), (200_000, 2)], (5, 50)
        compared, one, K = [(shape, 5) for shape in shapes], shapes[1], 5
    for n, d in shapes:
        for size in sizes:
            yield from (Case("gmmem", method, n, d, size) for method in METHODS)
    for n, d, size in [] if quick else WIDE:
        yield from (Case("gmmem", method, n, d, size) for method in METHODS)
    for init_params in INITIALISERS[1:]:
        for n, d in shapes[-2:]:
            yield Case("gmmem", "fit", n, d, K, init_params=init_params)
    for covariance_type in TYPES[1:]:
        yield from (Case("gmmem", method, *one, K, covariance_type) for method in METHODS)
    for (n, d), size in compared:
        yield from (Case("scikit-learn", method, n, d, size) for method in METHODS)
    for init_params in INITIALISERS[1:]:
        yield Case("scikit-learn", "fit", *compared[-1][0], K, init_params=init_params)


def peaks(quick):
    """Print a row for each case; return those that were measured."""
    print("library       method          n x  d, K                type       start", end="")
    print("               MiB above X       s   n x K table, MiB")
    rows = []
    for case in cases(quick):
        start = case.init_params if case.method == "fit" else ""
        print(
            f"{case.package:13} {case.method:13} {case.n:10,} x {case.d:3}, K = {case.K:3}"
            f"   {case.covariance_type:10} {start:17}",
            end="",
        )
        answer = ask(case._asdict())
        if isinstance(answer, str):
            print(f" {answer}", flush=True)
            continue
        above = answer["bytes"] / MIB
        rows.append((case, above))
        print(
            f"{above:15.1f} {answer['seconds']:7.1f} {case.n * case.K * 8 / MIB:18,.0f}", flush=True
        )
    ours = [row for row in rows if row[0].package == "gmmem"]
    case, above = max(ours, key=lambda row: row[1])
    print(f"Most of gmmem's: {above:.1f} MiB, {case.method}, {case}")
    return rows


def write(path, gib, d=10):
    """A file of rows, of which no page stays in memory."""
    rng = np.random.default_rng(0)
    shape = int(gib * 2**30 / (8 * d)), d
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=shape)
    fill(X, 2 * rng.standard_normal((10, d)), rng)
    X.flush()
    del X
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        # Pages that are still there would not count as the fit's own.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return shape


def mapped(options):
    """Fit a file under a limit, and compare with the fit in memory."""
    gib, allowed = 1.0 if options.quick else options.gib, options.limit
    under = shlex.split(options.under)
    limit = 0 if under else allowed * MIB
    means = f"{options.under!r}" if under else f"{allowed} MiB of private memory (RLIMIT_DATA)"
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path, results = str(Path(folder, "X.npy")), [str(Path(folder, f"{i}.npz")) for i in (0, 1)]
        n, d = write(path, gib)
        print(f"\n{gib:g} GiB, {n:,} x {d}, K = 10, three iterations; the limit: {means}")
        small = ask({"path": path, "mapped": True, "limit": limit, "result": results[0]}, under)
        print("memory-mapped, under the limit:", told(small), flush=True)
        full = ask({"path": path, "mapped": False, "limit": limit, "result": results[1]}, under)
        print("read into memory, under the limit:", told(full), flush=True)
        full = ask({"path": path, "mapped": False, "limit": 0, "result": results[1]})
        print("read into memory, without it:", told(full))
        if isinstance(small, str) or isinstance(full, str):
            return
        a, b = (np.load(result) for result in results)
        same = all(np.array_equal(a[name], b[name]) for name in ATTRIBUTES)
        print(f"equal to the last bit ({', '.join(ATTRIBUTES)}): {'yes' if same else 'NO'}")


def told(answer):
    return answer if isinstance(answer, str) else f"{answer['seconds']:.1f} s"


def draw(pyplot, rows):
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    fills = dict(zip(METHODS, ("full", "left", "bottom", "none"), strict=True))
    for library in ("gmmem", "scikit-learn"):
        colour, marker = STYLES[library]
        for method in METHODS:
            points = [
                (case.n * case.K, max(above, 1))
                for case, above in rows
                if case.package == library and case.method == method
            ]
            axes.plot(
                *zip(*points, strict=True),
                marker,
                color=colour,
                fillstyle=fills[method],
                label=f"{library}, {method}",
            )
    axes.axhline(64, color="grey", linewidth=1)
    axes.annotate("64 MiB", (1, 64), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    table = np.array(axes.get_xlim())
    axes.plot(table, 8 * table / MIB, ":", color="grey", label="one table of n x K")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="rows x components",
        ylabel="peak memory above the data, MiB",
    )
    axes.set_ylim(bottom=1)
    plain_log(axes.yaxis)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def main():
    options = arguments(__doc__, "memory", **OPTIONS)
    if options.task:
        print(json.dumps(perform(json.loads(options.task))))
        return
    if options.only != "mapped":
        save(options.figure, draw, peaks(options.quick))
    if options.only != "peaks":
        mapped(options)


if __name__ == "__main__":
    main()
