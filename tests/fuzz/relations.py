"""Laws between two fits: what a change of the rows must do to the answer, and no more.

Each is a function of a `Pair` and raises `Broken`.  The rows are regular, and EM is
stopped after as many iterations in both fits, so that only rounding may differ.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import joblib
import numpy as np
import threadpoolctl
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.covariances import FOURTEEN, MODELS
from gmmem.initializers import INITIALIZERS, GivenLabels
from tests.fuzz.laws import require
from tests.fuzz.structure import LETTERS
from tests.problems import clusters

TYPES = tuple(name for name in MODELS if name not in ("E", "V"))
# What the classes of models are equivariant under, beside shifts and one unit for all.
ALIGNED = {name for name in TYPES if LETTERS.get(name, name)[2] == "I"}
ROUND = {name for name in TYPES if LETTERS.get(name, name)[1] == "I"}
UNIT_FREE = ALIGNED - ROUND
LINEAR = {name for name in TYPES if LETTERS.get(name, name) in ("EEE", "VEE", "EVV", "VVV")}
# Answers of an initialiser that the order of the rows does not change, nor their copies.
DETERMINED = ("labels", "hierarchical")


@dataclass(frozen=True)
class Pair:
    """Rows in clusters, and a model of them."""

    seed: int = 0
    n: int = 90
    d: int = 2
    K: int = 2
    covariance_type: str = "full"
    start: str = "labels"
    iterations: int = 5
    distance: float = 4.0

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        return clusters(self.seed, self.n, self.d, self.K, self.distance)

    def generator(self) -> np.random.RandomState:
        return np.random.RandomState(self.seed + 1)

    def fit(self, X, labels, weight=None, **params) -> GaussianMixture:
        start = GivenLabels(labels) if self.start == "labels" else self.start
        # A start at random may have a component of a single row.
        reg_covar = 0 if self.start in DETERMINED else 1e-3
        params = dict(tol=0, max_iter=self.iterations, random_state=0) | params
        model = GaussianMixture(
            self.K,
            covariance_type=self.covariance_type,
            init_params=start,
            reg_covar=reg_covar,
            **params,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(X, sample_weight=weight)


def pairs(
    starts=("labels",), most_rows=150, types=TYPES, features=(2, 1, 3, 4)
) -> st.SearchStrategy[Pair]:
    """Enough rows a component that none collapses."""
    fewest = 22 * max(features)
    return st.builds(
        Pair,
        seed=st.integers(0, 10_000),
        n=st.integers(fewest, max(fewest, most_rows)),
        d=st.sampled_from(features),
        K=st.sampled_from((2, 1, 3)),
        covariance_type=st.sampled_from(sorted(types, key=TYPES.index)),
        start=st.sampled_from(starts),
        iterations=st.integers(1, 8),
        distance=st.sampled_from((4.0, 1.0, 30.0)),
    )


def same_density(one, other, law: str, nats: float = 1e-6) -> None:
    """Two arrays of log-densities, to so many nats a row."""
    wrong = np.abs(one - other).max()
    require(wrong <= nats, law, f"{wrong:.2g} nats a row")


def copies(pair: Pair) -> None:
    """A weight of w is w copies.

    Of starts at random too where over half of the rows are copies: below that they
    follow scikit-learn's draws, which copies change.
    """
    X, labels = pair.rows()
    least, most = (0, 6)
    if pair.start in DETERMINED:
        least, most = ((0, 6), (1, 3), (0, 2))[pair.seed % 3]
    weight = pair.generator().randint(least, most, size=len(X))
    weight[: 4 * pair.K] = 1  # No component without a row.
    weighted = pair.fit(X, labels, weight)
    repeated = pair.fit(X.repeat(weight, axis=0), labels.repeat(weight))
    same_density(weighted.score_samples(X), repeated.score_samples(X), "weights equal copies")
    mine, other = weighted.bic(X, sample_weight=weight), repeated.bic(X.repeat(weight, axis=0))
    require(abs(mine - other) <= 1e-7 * abs(other), "criteria of weights and of copies")


def units_of_weights(pair: Pair) -> None:
    """The scale of the weights changes nothing."""
    X, labels = pair.rows()
    weight = pair.generator().uniform(0.5, 2, size=len(X))
    plain = pair.fit(X, labels, weight)
    for scale in (1e-60, 1e-5, 1e5, 1e60):
        scaled = pair.fit(X, labels, weight * scale)
        one, other = plain.score_samples(X), scaled.score_samples(X)
        same_density(one, other, "the scale of the weights changes nothing")


def order_of_rows(pair: Pair) -> None:
    """Rows in another order are the same rows."""
    X, labels = pair.rows()
    order = pair.generator().permutation(len(X))
    plain, moved = pair.fit(X, labels), pair.fit(X[order], labels[order])
    same_density(plain.score_samples(X), moved.score_samples(X), "the order of the rows")


def order_of_features(pair: Pair) -> None:
    """Features in another order are the same features."""
    X, labels = pair.rows()
    order = pair.generator().permutation(pair.d)
    plain, moved = pair.fit(X, labels), pair.fit(X[:, order], labels)
    one, other = plain.score_samples(X), moved.score_samples(X[:, order])
    same_density(one, other, "the order of the features")


def names_of_components(pair: Pair) -> None:
    """Components in another order are the same components."""
    X, labels = pair.rows()
    order = pair.generator().permutation(pair.K)
    plain, moved = pair.fit(X, labels), pair.fit(X, order[labels])
    same_density(plain.score_samples(X), moved.score_samples(X), "the order of the components")
    wrong = np.abs(plain.weights_ - moved.weights_[order]).max()
    require(wrong <= 1e-6, "components keep their names", wrong)


def _mapped(pair: Pair, A: np.ndarray, shift: np.ndarray, law: str) -> None:
    X, labels = pair.rows()
    plain, moved = pair.fit(X, labels), pair.fit(X @ A + shift, labels)
    log_det = np.linalg.slogdet(A)[1]
    other = moved.score_samples(X @ A + shift) + log_det
    same_density(plain.score_samples(X), other, law, 1e-5)


def shifts_and_scales(pair: Pair) -> None:
    """One shift and one unit for all features, for every model."""
    rng = pair.generator()
    scale = 10 ** rng.uniform(-9, 9)
    shift = scale * 1e3 * rng.normal(size=pair.d)
    _mapped(pair, scale * np.eye(pair.d), shift, "shifts and scales")


def units(pair: Pair) -> None:
    """A unit for each feature."""
    if pair.covariance_type in UNIT_FREE | LINEAR:
        scales = 10 ** pair.generator().uniform(-3, 3, size=pair.d)
        _mapped(pair, np.diag(scales), np.zeros(pair.d), "units of the features")


def rotations(pair: Pair) -> None:
    """Other axes."""
    if pair.covariance_type not in UNIT_FREE:
        Q = np.linalg.qr(pair.generator().normal(size=(pair.d, pair.d)))[0]
        _mapped(pair, Q, np.zeros(pair.d), "rotations")


def affine_maps(pair: Pair) -> None:
    """Any linear map and shift."""
    if pair.covariance_type in LINEAR:
        rng = pair.generator()
        A = np.eye(pair.d) + 0.4 * rng.normal(size=(pair.d, pair.d)) / pair.d
        _mapped(pair, A, rng.normal(size=pair.d), "affine maps")


def company(pair: Pair) -> None:
    """A row's log-density does not depend on the other rows in the call."""
    X, labels = pair.rows()
    model = pair.fit(X, labels)
    rows = np.r_[X, X.mean(axis=0)[None] + 1e6, X[:1] - 1e9]
    together = model.score_samples(rows)
    for part in (slice(0, 1), slice(5, 30), slice(None, None, 3), slice(len(X), None)):
        alone = model.score_samples(rows[part])
        wrong = (np.abs(alone - together[part]) / (1 + 1e-2 * np.abs(alone))).max()
        require(wrong <= 1e-9, "a row's density does not depend on the others", f"{wrong:.2g}")


def layouts(pair: Pair) -> None:
    """Fortran order, strides and the other byte order are the same numbers."""
    X, labels = pair.rows()
    plain = pair.fit(X, labels).score_samples(X)
    wide = np.repeat(X, 2, axis=1)[::-1]
    for other in (np.asfortranarray(X), wide[::-1, ::2], X.astype(">f8"), X.astype(object)):
        same_density(plain, pair.fit(other, labels).score_samples(other), "layouts", 1e-8)


def same_bits(one, other, law: str) -> None:
    for name in ("weights_", "means_", "covariances_", "lower_bounds_"):
        same = np.array_equal(getattr(one, name), getattr(other, name))
        require(same, law, name)


def threads(pair: Pair) -> None:
    """The same to the last bit for any number of threads."""
    X, labels = pair.rows()
    weight = pair.generator().randint(1, 3, size=len(X)) if pair.seed % 2 else None
    fits = []
    for count in (1, 2, 4):
        with threadpoolctl.threadpool_limits(count):
            fits.append((pair.fit(X, labels, weight), count))
    for other, count in fits[1:]:
        same_bits(fits[0][0], other, f"the same to the last bit with {count} threads")


def workers(pair: Pair) -> None:
    """The same from joblib's processes and threads."""
    X, labels = pair.rows()
    plain = pair.fit(X, labels)
    for backend in ("loky", "threading"):
        work = joblib.Parallel(n_jobs=2, backend=backend)
        with warnings.catch_warnings():  # What threads do to the filters is not their own.
            warnings.simplefilter("ignore", ConvergenceWarning)
            others = work(joblib.delayed(pair.fit)(X, labels) for _ in range(2))
        for other in others:
            same_bits(plain, other, f"the same from joblib's {backend}")


def order_of_candidates(pair: Pair) -> None:
    """A search finds the same for any order of its candidates, and any number of jobs."""
    X, _ = pair.rows()
    types = [pair.covariance_type, "EII", "VVV"]
    params = dict(random_state=0, max_iter=40)
    plain = GaussianMixtureIC([1, 2, 3], covariance_type=types, **params).fit(X)
    turned = GaussianMixtureIC([3, 2, 1], covariance_type=types[::-1], **params).fit(X)
    both = GaussianMixtureIC([1, 2, 3], covariance_type=types, n_jobs=2, **params).fit(X)
    same_bits(plain, both, "a search with two jobs")
    close = abs(plain.best_score_ - turned.best_score_) <= 1e-7 * abs(plain.best_score_)
    require(close, "a search in another order", (plain.best_score_, turned.best_score_))


@dataclass(frozen=True)
class Relation:
    """A law between fits, and the pairs that it holds for."""

    law: Callable[[Pair], None]
    pairs: st.SearchStrategy[Pair]


SMALL = pairs()
RELATIONS = {
    "copies": Relation(copies, pairs(DETERMINED)),
    "copies, k-means": Relation(copies, pairs(("kmeans", "k-means++", "random_from_data"))),
    "copies, many": Relation(copies, pairs((*DETERMINED, "kmeans"), 1500)),
    "units of weights": Relation(units_of_weights, pairs((*DETERMINED, "kmeans"))),
    "order of rows": Relation(order_of_rows, pairs(DETERMINED)),
    "order of features": Relation(order_of_features, pairs(DETERMINED)),
    "names of components": Relation(names_of_components, SMALL),
    "shifts and scales": Relation(shifts_and_scales, pairs(DETERMINED)),
    "units": Relation(units, SMALL),
    "rotations": Relation(rotations, SMALL),
    "affine maps": Relation(affine_maps, SMALL),
    "company": Relation(company, SMALL),
    "layouts": Relation(layouts, pairs(tuple(INITIALIZERS))),
    "threads": Relation(threads, pairs((*INITIALIZERS, "labels"), 60_000, features=(2, 1, 5, 20))),
    "workers": Relation(workers, pairs(tuple(INITIALIZERS))),
    "order of candidates": Relation(order_of_candidates, pairs(types=tuple(FOURTEEN))),
}
