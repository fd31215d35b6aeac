"""One rule of what is singular: the mechanisms, the data that show them, and what must pass."""

import numpy as np
import pytest

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.covariances import DegenerateCovariance, Diagonal, Full, Spherical
from gmmem.covariances.singular import (
    SingularRows,
    constant_combination,
    refuse_singular,
    rounding,
    sentence,
)
from gmmem.initializers import GivenLabels
from tests.covariances.cases import CODES, rotation

ELLIPSOIDAL = [code for code in CODES if code[2] != "I"]


def noise(n, d):
    return lambda rng: rng.normal(size=(n, d))


def likert(rng):
    answers = 3 + 0.7 * rng.normal(size=(180, 1)) + 0.8 * rng.normal(size=(180, 4))
    return np.clip(np.round(answers), 1, 5)


def counts(rng):
    return rng.poisson([2, 5, 1], size=(200, 3)).astype(float)


REGULAR = {
    "10 rows of noise": noise(10, 3),
    "15 rows of noise": noise(15, 4),
    "12 rows of noise": noise(12, 6),
    "answers": likert,
    "counts": counts,
    "counts and 5": lambda rng: counts(rng) + 5,
}


def percentages(rng):
    return 100 * rng.dirichlet([2, 3, 4, 5], size=150)


def two_units(rng):
    x = rng.normal(size=(150, 2))
    return np.c_[x, 2.54 * x[:, 0]]


def with_sum(rng):
    x = rng.normal(size=(150, 2))
    return np.c_[x, x.sum(axis=1)]


def with_difference(rng):
    x = rng.normal(size=(150, 2))
    return np.c_[x[:, 0], 1000 * x[:, 1], x[:, 0] - 1000 * x[:, 1]]


COLLINEAR = {
    percentages: "columns 0 to 3 add up to a constant",
    two_units: "column 2 is 2.54 times column 0 and a constant",
    with_sum: "column 2 is column 0 + column 1 and a constant",
    with_difference: "column 2 is column 0 - column 1 and a constant",
}


def flatness(X, mixture):
    """Least eigenvalue of the covariances as correlations, and longest against all rows."""
    S = np.broadcast_to(mixture.covariances.dense(), (mixture.n_components, *[X.shape[1]] * 2))
    scale = np.sqrt(np.diagonal(S, axis1=1, axis2=2))
    correlations = S / scale[:, :, None] / scale[:, None, :]
    longest = np.linalg.eigvals(np.linalg.solve(np.cov(X.T), S)).real.max()
    return np.linalg.eigvalsh(correlations).min(), (scale / X.std(axis=0)).min(), longest


@pytest.mark.filterwarnings("ignore")  # What a search warns of is tested elsewhere.
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", REGULAR)
def test_a_search_prefers_no_singular_candidate(name, seed):
    X = REGULAR[name](np.random.RandomState(seed))
    search = GaussianMixtureIC(n_components=range(1, 8)).fit(X)
    least, narrowest, longest = flatness(X, search.mixture_)
    assert least > 1e-10 and narrowest > 1e-7 and longest < 1e4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", COLLINEAR, ids=lambda make: make.__name__)
def test_a_search_of_collinear_columns_keeps_to_models_that_do_not_mind(make):
    search = GaussianMixtureIC(n_components=range(1, 5)).fit(make(np.random.RandomState(0)))
    results = search.results_
    for code, status, reason in zip(
        results["covariance_type"], results["status"], results["reason"], strict=True
    ):
        if code in ELLIPSOIDAL:
            assert status == "degenerate" and COLLINEAR[make] in reason
    assert search.mixture_.covariances.covariances.ndim < 3


def labelled(code, labels, **params):
    K = int(labels.max()) + 1
    return GaussianMixture(
        K, covariance_type=code, init_params=GivenLabels(labels), reg_covar=0, **params
    )


@pytest.mark.parametrize("n_components", [1, 2, 3])
@pytest.mark.parametrize("code", ELLIPSOIDAL)
@pytest.mark.parametrize("make", COLLINEAR, ids=lambda make: make.__name__)
def test_collinear_columns_are_named(make, code, n_components):
    """In every model and K, shifted or not, in any units."""
    X = make(np.random.RandomState(1))
    labels = np.arange(len(X)) % n_components
    for moved in (X, X + 1e3, 1e60 * X):
        with pytest.raises(ValueError, match=COLLINEAR[make].replace("+", r"\+")):
            labelled(code, labels).fit(moved)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0, 1, 1e3])
@pytest.mark.parametrize("code", ["EEE", "EEV", "VVE", "VVV"])
def test_collinear_but_for_the_rounding_of_the_rows(code, offset, dtype):
    """A sum that was rounded far from zero leaves more than float64's own rounding."""
    far = offset * (1e7 if dtype == np.float64 else 1)
    x = np.random.RandomState(2).normal(size=(200, 2)) + far
    X = np.c_[x, x.sum(axis=1)].astype(dtype)
    for K in (1, 2):
        with pytest.raises(ValueError, match="column 2 is column 0"):
            labelled(code, np.arange(200) % K).fit(X)


@pytest.mark.parametrize("distance", [1e4, 1e8, 1e12])
@pytest.mark.parametrize("code", CODES)
def test_clusters_may_be_far_apart(code, distance):
    """How wide all rows are says nothing of a component."""
    rng = np.random.RandomState(3)
    X, labels = rng.normal(size=(250, 3)), np.repeat([0, 1], [200, 50])
    X[labels == 1] += [distance, 0.3 * distance, 0]
    model = labelled(code, labels).fit(X)
    assert (model.predict(X) == labels).all()


@pytest.mark.parametrize("distance", [1e8, 1e10])
@pytest.mark.parametrize("code", ["EII", "EEI", "EEE"])
def test_a_lone_row_far_away_makes_nothing_singular(code, distance):
    rng = np.random.RandomState(4)
    X = np.r_[rng.normal(size=(200, 3)), [[distance] * 3]]
    model = labelled(code, np.r_[np.zeros(200, int), 1]).fit(X)
    assert model.weights_[1] == pytest.approx(1 / 201)


@pytest.mark.parametrize("ratio", [1e2, 1e6, 1e10])
@pytest.mark.parametrize("code", ELLIPSOIDAL)
def test_thin_is_not_singular(code, ratio):
    """Variances may differ by ten orders of magnitude, turned or not, wherever they lie."""
    rng = np.random.RandomState(5)
    thin = rng.normal(size=(300, 3)) * np.sqrt([1, 1, 1 / ratio])
    labels = np.arange(300) % 2
    thin[labels == 1] += [6, 0, 0]
    for turn in (np.eye(3), rotation(rng, 3)):
        for shift in (0, 100):
            labelled(code, labels).fit(thin @ turn + shift)


@pytest.mark.parametrize("shift", [0, 5, 1e6, -1e8])
@pytest.mark.parametrize("code", [code for code in CODES if code[0] == "V"])
def test_a_component_on_copies_is_a_point_wherever_it_is(code, shift):
    """Mechanism (b): at the origin, too, and for every model whose volumes vary."""
    rng = np.random.RandomState(6)
    X = np.r_[rng.normal(size=(60, 3)) + 8, np.zeros((20, 3))] + shift
    with pytest.raises(ValueError, match="component 1"):
        labelled(code, np.repeat([0, 1], [60, 20]), tol=0, max_iter=300).fit(X)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("code", ["EVI", "EVE", "EVV"])
def test_a_flat_component_is_not_endless(code, turned):
    """Mechanism (c): flat in one direction, equal volumes make it longer in the others."""
    rng = np.random.RandomState(7)
    X, labels = rng.normal(size=(120, 3)), np.arange(120) % 2
    X[labels == 1] = np.round(X[labels == 1])
    X[labels == 1, 0] += 6
    X[labels == 1, 2] = 0
    X = X @ rotation(rng, 3) if turned and code != "EVI" else X
    with pytest.raises(ValueError, match="component 1"):
        labelled(code, labels, tol=1e-9, max_iter=300).fit(X)


@pytest.mark.parametrize("code", ["VVV", "EVV"])
@pytest.mark.parametrize("correlated", [1, 1e-2, 1e-4])
def test_few_rows_are_singular_however_correlated(code, correlated):
    """Mechanism (a): of d rows the scatter is singular, whatever rounding makes of it."""
    for seed in range(10):
        rng = np.random.RandomState(seed)
        X = rng.normal(size=(60, 3)) @ rotation(rng, 3)
        X[:, 2] = X[:, 1] + correlated * X[:, 2]
        X[57:] += 20
        with pytest.raises(ValueError, match="component 1"):
            labelled(code, np.repeat([0, 1], [57, 3])).fit(X)


@pytest.mark.parametrize("code", CODES)
def test_integers_with_a_collinear_column(code):
    """An error of ours or a fit, and no warning, from whatever labels."""
    for seed in range(12):
        rng = np.random.RandomState(seed)
        X = rng.randint(0, 5, size=(20, 3)).astype(float)
        X = np.c_[X, X[:, 0] - X[:, 2]]
        labels = np.r_[0, 1, 2, rng.randint(3, size=17)]
        try:
            model = labelled(code, labels).fit(X)
        except ValueError as error:
            assert "failed" in str(error)
        else:
            assert code not in ELLIPSOIDAL and np.isfinite(model.covariances_).all()


@pytest.mark.parametrize("scale", [1e-140, 1e-100, 1e-60, 1e60, 1e100, 1e130])
@pytest.mark.parametrize("code", CODES)
def test_scale_changes_nothing(code, scale):
    rng = np.random.RandomState(8)
    labels = np.arange(90) % 3
    X = rng.normal(size=(90, 3)) @ rotation(rng, 3) + 2 * labels[:, None]
    plain = labelled(code, labels, tol=1e-6, max_iter=500).fit(X)
    power = 2.0 ** np.round(np.log2(scale))
    scaled = labelled(code, labels, tol=1e-6, max_iter=500).fit(X * power)
    np.testing.assert_allclose(scaled.means_, plain.means_ * power, rtol=1e-4)
    expected = plain.score(X) - 3 * np.log(power)
    assert scaled.score(X * power) == pytest.approx(expected, abs=1e-6)


# --- the functions themselves ---------------------------------------------------


def test_units_and_rotations_change_no_verdict():
    rng = np.random.RandomState(9)
    for ratio, regular in ((1e10, True), (1e15, False)):
        for _ in range(20):
            root = rotation(rng, 4) * np.sqrt([1, 1, 1, 1 / ratio])
            units = 10.0 ** rng.uniform(-20, 20, size=4)
            S = root @ root.T * units * units[:, None]
            try:
                refuse_singular(Full.from_covariances(S[None], 4), 1e-12 * units[None])
                passed = True
            except DegenerateCovariance:
                passed = False
            assert passed == regular


@pytest.mark.parametrize("storage", [Spherical, Diagonal, Full])
def test_points_and_planes_are_told_apart(storage):
    S = storage.form.of(np.eye(2)[None] * 1e-20)
    held = storage.from_covariances(S, 2)
    with pytest.raises(DegenerateCovariance, match="shrunk to a point"):
        refuse_singular(held, np.full((1, 2), 1e-9))
    refuse_singular(held, np.full((1, 2), 1e-12))
    if storage is not Spherical:
        held = storage.from_covariances(storage.form.of(np.diag([1, 1e-20])[None]), 2)
        with pytest.raises(DegenerateCovariance, match="is flat"):
            refuse_singular(held, np.full((1, 2), 1e-9))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("width", [1e-152, 1e-60, 1e-13])
def test_a_column_that_is_narrow_alone(width, correlation):
    """The least eigenvalue of the correlations says nothing of it."""
    S = np.array([[1, 0, 0], [0, 1, correlation], [0, correlation, 1.0]])
    scale = np.array([width, 1, 1])
    held = Full.from_covariances((S * scale * scale[:, None])[None], 3)
    with pytest.raises(DegenerateCovariance, match="is flat"):
        refuse_singular(held, np.full((1, 3), 1e-12))
    refuse_singular(held, np.full((1, 3), width / 100))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("code", ["VVE", "VVV", "EVE", "VEE", "EVV"])
def test_counts_are_no_more_likely_at_the_origin(code, seed):
    """Mechanism (b) as it was found: a column of zeros shrinks a component for ever."""
    X = counts(np.random.RandomState(seed))
    labels = np.where(X[:, 0] == 0, 0, 1 + (X[:, 1] > 5))
    for shift in (0, 5):
        try:
            model = labelled(code, labels, max_iter=500).fit(X + shift)
        except ValueError as error:
            assert "component" in str(error)
        else:
            assert model.score(X + shift) < 0


def test_rounding_is_that_of_the_rows():
    held = Diagonal.from_covariances(np.array([[1.0], [4.0]]), 1)
    means, eps = np.array([[0.0], [1e6]]), np.finfo(np.float64).eps
    np.testing.assert_allclose(rounding(np.array([2e6]), means, held), 2e6 * eps)
    coarse = rounding(np.array([2e6]), means, held, np.float32)
    np.testing.assert_allclose(coarse[:, 0], np.finfo(np.float32).eps * np.array([1, 1e6 + 2]))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (lambda a, b: [a, b, 0 * a + 7], "column 2 is constant"),
        (lambda a, b: [a, b, -2 * a + 3], "column 2 is -2 times column 0 and a constant"),
        (lambda a, b: [a, b, 5 - a - b], "columns 0 to 2 add up to a constant"),
        (lambda a, b: [a, b, a / 2 - 3 * b], "column 2 is 0.5 times column 0 - 3 times column 1"),
        (lambda a, b: [a, a, b], "column 1 is 1 times column 0"),
        (lambda a, b: [a, b, a * b], None),
        (lambda a, b: [a, b, a + 1e-4 * a * b], None),
    ],
)
@pytest.mark.parametrize("scale", [1e-100, 1, 1e100])
def test_what_is_constant_is_said(columns, said, scale):
    a, b = np.random.RandomState(10).normal(size=(2, 100))
    X = np.column_stack(columns(a, b))
    found = constant_combination(np.cov(X.T) * scale**2)
    assert (found is None) == (said is None)
    if found is not None:
        assert said in sentence(found)
        assert "'p'" in sentence(found, ["p", "q", "r"]) or "'r'" in sentence(found, "pqr")
        assert said in str(SingularRows(found)) and "reg_covar" in str(SingularRows(found))
