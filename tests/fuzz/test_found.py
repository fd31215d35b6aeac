"""What the long run has found, each kept as the small case that it was shrunk to."""

import pytest

from gmmem.covariances import FOURTEEN
from tests.fuzz.laws import check
from tests.fuzz.relations import RELATIONS, Pair
from tests.fuzz.strategies import Case, Data

EVERY = dict(init_params="hierarchical", regularisation=0.0, search=tuple(FOURTEEN), max_iter=1000)

CASES = {
    "fewer distinct rows than components, regularised": Case(Data("copies", 2)),
    "the same, of a tree": Case(Data("all_equal", 16), init_params="hierarchical"),
    "an outlier leaves k-means a label without rows": Case(Data("outlier", 3), n_components=3),
    "scikit-learn's warning of distinct clusters": Case(
        Data("outlier", 3), weight="ones", n_components=3
    ),
    "a start of hardly any weight": Case(
        Data("separate", 38, seed=255), weight="wide", n_components=38
    ),
    "one feature, a diagonal before a full model": Case(
        Data("separate", 2, 1), search=("diag", "full", "VEE")
    ),
    "one feature, a sphere before a full model": Case(
        Data("separate", 2, 1), n_components=1, search=("spherical", "full", "diag")
    ),
    "tiny weights on float32": Case(
        Data("separate", 2, dtype="float32"), weight="tiny", n_components=1
    ),
    "huge weights on float32": Case(
        Data("separate", 2, dtype="float32"), weight="huge", n_components=1
    ),
    "a draw from float32 weights": Case(
        Data("separate", 5, dtype="float32"), weight="one heavy", n_components=3
    ),
    "EVE on three features and two rows": Case(
        Data("separate", 2, 3), weight="huge", covariance_type="EVE", regularisation=0.0
    ),
    "VEE on two rows": Case(
        Data("separate", 2, seed=3694),
        n_components=1,
        covariance_type="VEE",
        init_params="k-means++",
        regularisation=0.0,
    ),
    "EVE on tiny numbers": Case(
        Data("separate", 2, scale=1e-126), weight="huge", n_components=1, covariance_type="EVE"
    ),
    "a precision beyond float64": Case(
        Data("separate", 2, 1, scale=1e-150),
        weight="one heavy",
        n_components=1,
        regularisation=0.0,
    ),
    "a search of copies": Case(
        Data("copies", 24, 7),
        n_components=3,
        init_params="kmeans",
        **{key: value for key, value in EVERY.items() if key != "init_params"},
    ),
    "EVE falls on zeros and ones": Case(
        Data("binary", 52, 3, scale=1e-75),
        covariance_type="EVE",
        init_params="random",
        regularisation=0.0,
    ),
    "a search prefers a singular fit": Case(Data("separate", 5, seed=1), n_components=3, **EVERY),
    "a search on normal noise": Case(Data("noise", 10, 3), n_components=9, **EVERY),
    "a search on answers from 1 to 5": Case(
        Data("likert", 180, 4, seed=2), n_components=4, **EVERY
    ),
    "a search on counts": Case(Data("counts", 200, 3, seed=1), n_components=5, **EVERY),
    "a search on shares": Case(Data("compositional", 150, 4), n_components=2, **EVERY),
    "a search on a variance below zero": Case(
        Data("overlapping", 16, 4, seed=16, scale=1e-06, dtype="float32"),
        weight="uniform",
        n_components=3,
        **{key: value for key, value in EVERY.items() if key != "init_params"},
    ),
    "a search overflows": Case(Data("separate", 3, 1), n_components=3, **EVERY),
    "a row of zeros far from a narrow component": Case(
        Data("zero_inflated", 2, seed=1), weight="wide", n_components=1, n_init=2
    ),
    "a search of rows that are all equal": Case(
        Data("all_equal", 3, seed=170), n_components=3, **EVERY
    ),
    "a search of narrow components in float32": Case(
        Data("separate", 6, seed=9, dtype="float32"), n_components=3, **EVERY
    ),
    "a search with a constant column beside others": Case(
        Data("separate", 13, 12, seed=9, dtype="uint8"), n_components=3, **EVERY
    ),
    "a search of one column in two units, in float32": Case(
        Data("units", 34, dtype=">f4"), n_components=6, **EVERY
    ),
    "scatters beyond float64, of heavy rows": Case(
        Data("separate", 2, scale=1e126), weight="huge", n_components=1
    ),
    "a row far from all components but one that is lost": Case(
        Data("outlier", 11, 7), n_components=4, init_params="kmeans"
    ),
    "a search stopped early": Case(
        Data("collinear_counts", 20), n_components=3, init_params="kmeans", search=("full",)
    ),
    "one component is one model, to rounding": Case(
        Data("overlapping", 58, 4, seed=5550, scale=1e126),
        n_components=1,
        regularisation=0.0,
        max_iter=0,
        search=("full", "VEV"),
    ),
    "a search whose best falls": Case(
        Data("noise", 5, 3, seed=220, offset=1e6), n_components=3, **EVERY
    ),
}
PAIRS = {
    "trees of large weights": ("units of weights", Pair(start="hierarchical", iterations=1)),
    "trees of copies above 2,000 rows": (
        "copies, many",
        Pair(n=806, start="hierarchical", iterations=1),
    ),
    "k-means by two threads, with weights": (
        "threads",
        Pair(seed=1, n=1028, start="kmeans", iterations=1, distance=1.0),
    ),
    "a search in another order": (
        "order of candidates",
        Pair(n=96, d=1, covariance_type="EII", iterations=1),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    check(CASES[name])


@pytest.mark.parametrize("name", PAIRS)
def test_pair(name):
    relation, pair = PAIRS[name]
    RELATIONS[relation].law(pair)
