"""Recipes of rows, weights and parameters, and how hypothesis draws them.

A recipe is a frozen value whose `repr` builds it again.  Numbers and names stand from
the simplest to the strangest, so that hypothesis shrinks towards a plain case.
"""

import tempfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas
import polars
from hypothesis import strategies as st

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.covariances import FOURTEEN, MODELS
from gmmem.criteria import CRITERIA
from gmmem.initializers import INITIALIZERS, GivenLabels, Nearest
from tests.problems import SHAPES

SCALES = (1.0, 1e3, 1e-3, 1e6, 1e-6, 1e30, 1e-30, 1e75, 1e-75, 1e126, 1e-126, 1e150, 1e-150)
OFFSETS = (0.0, 5.0, -1e3, 1e6, 1e9)
DTYPES = (
    *("float64", "float32", "float16", "longdouble", "int64", "int8", "uint8"),
    *("bool", "object", ">f8", ">f4"),
)
LAYOUTS = (
    *("C", "Fortran", "strided", "reversed", "read-only", "memory-mapped"),
    *("list", "pandas", "polars"),
)


def typed(X: np.ndarray, dtype: str) -> np.ndarray:
    """The rows as numbers of a type, of its own range."""
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        return np.clip(np.rint(X), float(info.min), float(info.max) / 2).astype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        return X.astype(dtype)


def laid_out(X: np.ndarray, layout: str) -> Any:
    """The same rows in another place."""
    n, d = X.shape
    if layout == "Fortran":
        return np.asfortranarray(X)
    if layout == "strided":
        wide = np.zeros((2 * n, 3 * d), X.dtype)
        wide[::2, ::3] = X
        return wide[::2, ::3]
    if layout == "reversed":
        return X[::-1, ::-1].copy()[::-1, ::-1]
    if layout == "read-only":
        X.setflags(write=False)
        return X
    if layout == "memory-mapped" and X.dtype != object:
        with tempfile.TemporaryFile() as file:
            mapped = np.memmap(file, dtype=X.dtype, shape=X.shape)
        mapped[:] = X
        return mapped
    if layout == "list":
        return X.tolist()
    names = [f"x{j}" for j in range(d)]
    if layout == "pandas":
        return pandas.DataFrame(X, columns=names)
    if layout == "polars" and X.dtype.str not in ("|O", "<f2", "<f16", ">f8", ">f4"):
        return polars.DataFrame(dict(zip(names, X.T, strict=True)))
    return X


@dataclass(frozen=True)
class Data:
    """Rows: of a shape of `tests.problems`, times a scale, plus an offset of that scale."""

    shape: str = "separate"
    n: int = 30
    d: int = 2
    seed: int = 0
    scale: float = 1.0
    offset: float = 0.0
    dtype: str = "float64"
    layout: str = "C"

    def values(self) -> np.ndarray:
        """As an array in memory, of the type."""
        exact = self.scale * (SHAPES[self.shape](self.seed, self.n, self.d) + self.offset)
        return typed(exact, self.dtype)

    def rows(self) -> Any:
        """As they are given to `fit`."""
        return laid_out(self.values(), self.layout)


def _one_heavy(rng, n):
    return np.r_[1e12, np.ones(n - 1)]


WEIGHTS = {
    "none": lambda rng, n: None,
    "ones": lambda rng, n: np.ones(n),
    "whole": lambda rng, n: rng.randint(1, 4, size=n),
    "with zeros": lambda rng, n: rng.randint(0, 3, size=n).astype(float),
    "uniform": lambda rng, n: rng.uniform(0.5, 2, size=n),
    "sum to one": lambda rng, n: rng.dirichlet(np.ones(n)),
    "large": lambda rng, n: np.full(n, 1e5),
    "huge": lambda rng, n: 1e60 * rng.uniform(0.5, 2, size=n),
    "tiny": lambda rng, n: 1e-60 * rng.uniform(0.5, 2, size=n),
    "wide": lambda rng, n: 10 ** rng.uniform(-20, 20, size=n),
    "one heavy": _one_heavy,
    "float32": lambda rng, n: rng.uniform(0.5, 2, size=n).astype(np.float32),
    "few": lambda rng, n: (np.arange(n) < 2).astype(float),
}

STARTS = (*INITIALIZERS, "labels", "responsibilities", "centres")
GIVEN = ("weights_init", "means_init", "precisions_init", "covariances_init")


@dataclass(frozen=True)
class Case:
    """An estimator, and what it is fitted to."""

    data: Data = field(default_factory=Data)
    weight: str = "none"
    n_components: int = 2
    covariance_type: str = "full"
    init_params: str = "kmeans"
    regularisation: float = 1e-6
    """`reg_covar` in squared units of the data's scale."""
    given: tuple[str, ...] = ()
    max_iter: int = 50
    n_init: int = 1
    n_fits: int = 1
    """With more than one, of a warm start."""
    search: tuple[str, ...] = ()
    """Covariance types of a `GaussianMixtureIC`; of none, a `GaussianMixture`."""
    criterion: str = "bic"

    @property
    def reg_covar(self) -> float:
        return self.regularisation * min(self.data.scale, 1e150) ** 2

    def sample_weight(self) -> np.ndarray | None:
        return WEIGHTS[self.weight](np.random.RandomState(self.data.seed), self.data.n)

    def estimator(self) -> GaussianMixture | GaussianMixtureIC:
        common = dict(
            init_params=self._start(),
            reg_covar=self.reg_covar,
            random_state=0,
            warm_start=self.n_fits > 1,
        )
        if self.search:
            return GaussianMixtureIC(
                range(1, self.n_components + 1),
                covariance_type=list(self.search),
                criterion=self.criterion,
                max_iter=max(self.max_iter, 1),
                **common,
            )
        return GaussianMixture(
            self.n_components,
            covariance_type=self.covariance_type,
            max_iter=self.max_iter,
            n_init=self.n_init,
            **common,
            **self._given(),
        )

    def _start(self) -> Any:
        rng, n, K = np.random.RandomState(self.data.seed), self.data.n, self.n_components
        if self.search:
            return self.init_params if self.init_params in INITIALIZERS else "hierarchical"
        if self.init_params == "labels":
            return GivenLabels(np.arange(n) % K)
        if self.init_params == "responsibilities":
            shares = rng.uniform(size=(n, K))
            return GivenLabels(shares / shares.sum(axis=1, keepdims=True))
        if self.init_params == "centres":
            return first_rows
        return self.init_params

    def _given(self) -> dict[str, np.ndarray]:
        """Parts of a start that are of the structure of every covariance model."""
        rng, K, d = np.random.RandomState(self.data.seed), self.n_components, self.data.d
        variance = max(self.data.scale**2, 1e-290)
        shape = self._shape()
        square = shape[-2:] == (d, d) and (len(shape) == 3 or self.covariance_type == "tied")
        unit = np.broadcast_to(np.eye(d) if square else 1.0, shape)
        exact = self.data.values().astype(np.float64)
        values = {
            "weights_init": rng.dirichlet(np.ones(K)),
            "means_init": exact[rng.randint(len(exact), size=K)],
            "covariances_init": variance * unit,
            "precisions_init": unit / variance,
        }
        return {name: values[name] for name in self.given}

    def _shape(self) -> tuple[int, ...]:
        """Of `covariances_`, as the documentation has it."""
        K, d, name = self.n_components, self.data.d, self.covariance_type
        if name == "tied":
            return (d, d)
        if name in ("spherical", "E", "V", "EII", "VII"):
            return (K,)
        return (K, d) if name == "diag" or name.endswith("I") else (K, d, d)


def first_rows(X, n_components, *, sample_weight=None, random_state=None):
    """A user's initialiser: the first rows are centres."""
    return Nearest(np.resize(X, (n_components, X.shape[1])))


def data(shapes=tuple(SHAPES), scales=SCALES, most_rows=60) -> st.SearchStrategy[Data]:
    """Small rows of any kind."""
    return st.builds(
        Data,
        shape=st.sampled_from(shapes),
        n=st.integers(2, most_rows),
        d=st.sampled_from((2, 1, 3, 4, 7, 12)),
        seed=st.integers(0, 10_000),
        scale=mostly(1.0, scales),
        offset=mostly(0.0, OFFSETS),
        dtype=mostly("float64", DTYPES),
        layout=mostly("C", LAYOUTS),
    )


def mostly(plain, others) -> st.SearchStrategy:
    """The plain value half of the time: strange ones one or two at a time."""
    return st.booleans().flatmap(lambda odd: st.sampled_from(others) if odd else st.just(plain))


@st.composite
def cases(draw) -> Case:
    """Any case; one in eight is a search."""
    rows = draw(data())
    names = [name for name in MODELS if rows.d == 1 or name not in ("E", "V")]
    sizes = {"n - 1": max(1, rows.n - 1), "n": rows.n, "n + 1": rows.n + 1}
    size = draw(st.sampled_from((1, 2, 3, 4, *sizes)))
    searching = draw(st.integers(0, 7)) == 7
    given = draw(mostly((), combinations(GIVEN))) if not searching else ()
    return Case(
        data=rows,
        weight=draw(mostly("none", tuple(WEIGHTS))),
        n_components=draw(st.integers(1, 3)) if searching else sizes.get(size, size),
        covariance_type=draw(st.sampled_from(names)),
        init_params=draw(st.sampled_from(STARTS)),
        regularisation=draw(st.sampled_from((1e-6, 0.0, 1e-2))),
        given=given,
        max_iter=draw(mostly(50, (0, 1, 3))),
        n_init=draw(mostly(1, (2, 3))),
        n_fits=draw(mostly(1, (2, 3))),
        search=tuple(draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)))
        if searching
        else (),
        criterion=draw(mostly("bic", tuple(CRITERIA))),
    )


def searches() -> st.SearchStrategy[Case]:
    """The default search, on few rows: where it has every chance to prefer a singular fit."""
    return st.builds(
        Case,
        data=data(scales=(1.0, 1e-6, 1e6), most_rows=40),
        weight=mostly("none", ("whole", "uniform")),
        n_components=st.sampled_from((3, 6, 9)),
        init_params=mostly("hierarchical", ("kmeans",)),
        regularisation=st.just(0.0),
        max_iter=st.just(1000),
        search=st.just(tuple(FOURTEEN)),
        criterion=mostly("bic", ("icl", "aic")),
    )


def combinations(names) -> tuple[tuple[str, ...], ...]:
    """All subsets but those that give covariances and precisions both."""
    subsets = [
        tuple(name for bit, name in enumerate(names) if number >> bit & 1)
        for number in range(2 ** len(names))
    ]
    return tuple(s for s in subsets if not {"precisions_init", "covariances_init"} <= set(s))


def plain_code(case: Case) -> str:
    """What shows a case without this folder, where its rows are few."""
    X, weight, model = case.data.values(), case.sample_weight(), case.estimator()
    lines = ["from tests.fuzz.laws import check", "from tests.fuzz.strategies import Case, Data"]
    lines += [f"check({case!r})"]
    if X.size <= 40:
        lines += [
            "# or, without the laws:",
            f"X = np.array({X.tolist()}, dtype={case.data.dtype!r})",
        ]
        argument = "" if weight is None else f", sample_weight={weight.tolist()}"
        lines += [f"{model!r}.fit(X{argument})"]
    return "\n".join(lines)
