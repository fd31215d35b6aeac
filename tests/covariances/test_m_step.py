"""M-steps are the exact maximum, for variances that span up to ten orders of magnitude."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import ortho_group

from gmmem import GaussianMixture
from gmmem.covariances import DegenerateCovariance, get_model
from gmmem.covariances.base import checked_estimate
from tests.covariances import exact
from tests.covariances.cases import CODES, of_structure, scatters
from tests.test_golden import read

EPS = np.finfo(np.float64).eps
KINDS = ("free", "common", "near")
CLOSED = [code for code in CODES if code not in ("EVE", "VVE")]


def estimate(code, W, mass, previous=None):
    """Covariances as matrices, (K, d, d)."""
    model, d = get_model(code), W.shape[1]
    scatter = model.storage.form.of(W)
    scatter = scatter.sum(axis=0, keepdims=True) if model.shared else scatter
    if previous is not None:
        previous = model.storage.form.of(previous)
        previous = previous[:1] if model.shared else previous
        previous = previous / d if previous.ndim == 1 else previous
    found = checked_estimate(model, scatter, mass, d, previous)
    assert found.settled
    values = found.covariances
    dense = values if values.ndim == 3 else values.reshape(len(values), -1, 1) * np.eye(d)
    return np.broadcast_to(dense, W.shape)


def resolved(ratio):
    """What float64 keeps of a covariance whose variances have that ratio, in nats a row."""
    return 1e-13 + 2 * EPS * ratio


@pytest.mark.parametrize("magnitude", [0, 2, 4, 6, 8, 10])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", CLOSED)
def test_closed_forms(code, kind, magnitude):
    for seed, (K, d) in enumerate([(1, 3), (2, 2), (3, 3), (2, 4)]):
        W, mass = scatters(np.random.RandomState(seed), K, d, 10.0**magnitude, kind)
        found = exact.objective(W, mass, estimate(code, W, mass))
        excess = float((found - exact.least(code, W, mass)) / sum(map(int, mass)))
        assert abs(excess) <= resolved(10.0**magnitude), (seed, excess)


def in_the_plane(code, W, mass):
    """The objective of EVE or VVE in two dimensions as a function of the angle, but for a
    constant, in long double."""
    W, mass = W.astype(np.longdouble), mass.astype(np.longdouble)

    def profile(angle):
        c, s = np.cos(np.longdouble(angle)), np.sin(np.longdouble(angle))
        a, b, off = W[:, 0, 0], W[:, 1, 1], W[:, 0, 1]
        first = c * c * a + s * s * b + 2 * c * s * off
        second = W[:, 0, 0] * b - off * off + (c * c * off - s * s * off + c * s * (b - a)) ** 2
        logs = np.log(second)  # Of the product of both variances, without cancellation.
        assert (first > 0).all()
        if code == "VVE":
            return mass @ logs / mass.sum()
        return 2 * np.log(np.exp(logs / 2).sum())

    return profile


def _refined(profile, angle):
    """The least value near an angle, however narrow the valley."""
    here = profile(angle)
    found = [
        minimize_scalar(
            lambda x: float(profile(x) - here),
            bounds=(angle - width, angle + width),
            method="bounded",
            options={"xatol": 1e-13},
        ).x
        for width in 10.0 ** -np.arange(2, 9)
    ]
    return min(here, *(profile(x) for x in found))


@pytest.mark.parametrize("magnitude", [0, 1, 2, 4, 6, 8])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", ["EVE", "VVE"])
def test_common_axes_in_the_plane(code, kind, magnitude):
    """Brute force: all angles, and finer ones around the axes of each scatter."""
    for seed in range(4):
        W, mass = scatters(np.random.RandomState(seed), 3, 2, 10.0**magnitude, kind)
        profile = in_the_plane(code, W, mass)
        own = np.linalg.eigh(W)[1][:, :, 1]
        near = np.r_[0, np.logspace(-9, -0.5, 60)]
        angles = np.r_[
            np.linspace(0, np.pi / 2, 2001),
            (np.arctan2(own[:, 1], own[:, 0])[:, None] + np.r_[-near[::-1], near]).ravel(),
        ]
        values = np.array([profile(angle) for angle in angles])
        best = min(_refined(profile, angle) for angle in angles[np.argsort(values)[:5]])
        S = estimate(code, W, mass)
        axes = np.linalg.eigh(sum(A / np.trace(A) * (k + 1) for k, A in enumerate(S)))[1]
        ours = profile(np.arctan2(axes[1, 1], axes[0, 1]))
        assert float(ours - best) / 2 <= 1e-9 + resolved(10.0**magnitude), (seed, ours, best)


@pytest.mark.parametrize("dataset", ["faithful", "iris", "diabetes"])
@pytest.mark.parametrize("G", [2, 3, 4])
@pytest.mark.parametrize("code", ["EVE", "VVE"])
def test_no_other_start_finds_better_axes(code, dataset, G):
    X = read(dataset)
    labels = read(f"{dataset}_labels")[:, G - 1].astype(int) - 1
    parts = [X[labels == k] - X[labels == k].mean(axis=0) for k in range(G)]
    W, mass = np.array([part.T @ part for part in parts]), np.bincount(labels).astype(float)
    best, d = exact.objective(W, mass, estimate(code, W, mass)), X.shape[1]
    for seed in range(20):
        Q = ortho_group.rvs(d, random_state=seed)
        elsewhere = np.repeat(((Q * (1.0 + np.arange(d))) @ Q.T)[None], G, axis=0)
        other = exact.objective(W, mass, estimate(code, W, mass, elsewhere))
        assert best <= other + type(best)(1e-9 * len(X))


@pytest.mark.parametrize("code", CODES)
def test_never_worse_than_before(code):
    """From wherever an inner iteration starts, what it returns is at least as likely."""
    for seed in range(6):
        rng = np.random.RandomState(seed)
        magnitude = (0, 2, 4, 6, 8, 10)[seed]
        W, mass = scatters(rng, 3, 3, 10.0**magnitude, KINDS[seed % 3])
        before = of_structure(code, rng, ratio=10.0 ** min(magnitude, 3))
        found = exact.objective(W, mass, estimate(code, W, mass, before))
        known = exact.objective(W, mass, before)
        assert float((found - known) / sum(map(int, mass))) <= resolved(10.0**magnitude)
        start = estimate(code, W, mass)
        again = exact.objective(W, mass, estimate(code, W, mass, start))
        known = exact.objective(W, mass, start)
        assert float((again - known) / sum(map(int, mass))) <= resolved(10.0**magnitude)


@pytest.mark.parametrize("code", ["VEI", "VEE", "VEV"])
@pytest.mark.parametrize("d", [2, 5])
def test_volumes_from_any_start(code, d):
    """The function of the volumes is convex: wherever they start, they end in one place."""
    rng = np.random.RandomState(d)
    W, mass = scatters(rng, 5, d, 1e3, "near")
    plain = estimate(code, W, mass)
    spread = 10.0 ** np.arange(-2, 3)[:, None, None]
    for before in (plain, 1e9 * plain, spread * plain, of_structure("VVV", rng, K=5, d=d)):
        np.testing.assert_allclose(estimate(code, W, mass, before), plain, rtol=2e-7, atol=1e-12)


@pytest.mark.parametrize("code", ["EEV", "VEV"])
@pytest.mark.parametrize("seed", range(3))
def test_ties_do_not_depend_on_rounding(code, seed):
    """Components of few rows have many axes of no length: which is which, all decide."""
    rng = np.random.RandomState(seed)
    parts = [rng.normal(size=(n, 5)) for n in (2, 3, 40)]
    parts = [part - part.mean(axis=0) for part in parts]
    W, mass = np.array([part.T @ part for part in parts]), np.array([2.0, 3.0, 40.0])
    order = rng.permutation(5)
    plain = estimate(code, W, mass)
    moved = estimate(code, W[:, order][:, :, order], mass)
    np.testing.assert_allclose(moved, plain[:, order][:, :, order], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("code", CODES)
def test_scale(code):
    """The estimate of scatters times a number is that number times the estimate."""
    model = get_model(code)
    # Axes move by the root of their tol.
    rtol = 1e-12 if model.closed_form else 1e-5 if code in ("EVE", "VVE") else 1e-7
    W, mass = scatters(np.random.RandomState(0), 3, 3, 100.0, "near")
    plain = estimate(code, W, mass)
    for exponent in (-930, -463, -100, 100, 417, 930):
        scale = 2.0**exponent
        np.testing.assert_allclose(estimate(code, scale * W, mass), scale * plain, rtol=rtol)


@pytest.mark.parametrize("code", ["VEI", "VEE", "VEV"])
@pytest.mark.parametrize("mass", [[10.0, 10.0], [10.0, 30.0], [500.0, 1.0]])
def test_volumes_that_have_no_end_are_degenerate(code, mass):
    """Components that lie in planes of their own: one volume goes to zero for ever."""
    W, mass = np.array([np.diag([1.0, 0, 0]), np.diag([0, 2.0, 3.0])]), np.array(mass)
    model = get_model(code)
    try:
        found = checked_estimate(model, model.storage.form.of(W), mass, 3, None)
    except DegenerateCovariance:
        return
    assert np.isfinite(found.covariances).all() and found.settled


def test_volumes_that_vanish_give_no_warning():
    """Copies of three rows, one component each on a few: its share of the shape is rounding."""
    rng = np.random.RandomState(11)
    X = rng.normal(size=(30, 3))[rng.randint(30, size=90)]
    for K in range(2, 8):
        try:
            GaussianMixture(K, covariance_type="VEE", reg_covar=0, init_params="hierarchical").fit(
                X
            )
        except ValueError as error:
            assert "covariance" in str(error)
