"""The E-step's forms and its arithmetic, against their definitions."""

import numpy as np
import pytest

from gmmem import Mixture, em
from gmmem.covariances import Diagonal, Full, Spherical
from gmmem.forms import NORM, OUTER, SQUARE
from gmmem.initializers.base import Hard, Nearest, Soft
from gmmem.initializers.seeding import draw_by_weight
from gmmem.kernels.allocation import SOFT
from gmmem.kernels.arithmetic import (
    CEILING,
    DEPTH,
    above_ceiling,
    joint,
    joint_of_rows,
    softmax,
    softmax_below_ceiling,
    statistics,
    summed,
)
from gmmem.kernels.expanded import ExpandedKernel
from gmmem.kernels.guard import choose
from gmmem.kernels.slabs import SlabKernel
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.passes import Expected, assigned_moments, fill_empty, locate
from gmmem.prediction import log_density
from gmmem.sources import InMemory
from gmmem.sources.base import Block, Workspace, added

DTYPES = [np.float64, np.float32]
EXACT = {np.float64: 1e-12, np.float32: 2e-5}


def mixture_of(rng, K, d, storage, spread=4.0, scale=1.0, offset=0.0):
    """Components of about a scale, as far from each other as the spread."""
    means = spread * rng.normal(size=(K, d)) + offset
    if storage is Spherical:
        covariances = scale**2 * rng.uniform(0.5, 2, size=K)
    elif storage is Diagonal:
        covariances = scale**2 * rng.uniform(0.5, 2, size=(K, d))
    else:
        axes = np.eye(d) + 0.3 * rng.normal(size=(K, d, d)) / np.sqrt(d)
        covariances = scale**2 * axes @ axes.transpose(0, 2, 1)
    return Mixture(rng.dirichlet(np.full(K, 5)), means, storage.from_covariances(covariances, d))


def rows_of(rng, mixture, n, dtype):
    return mixture.sample(n, rng)[0].astype(dtype)


def exact_log_density(mixture, X):
    """By differences in long double, from the factors that the mixture holds."""
    X, wide = X.astype(np.longdouble), np.longdouble
    d, L = X.shape[1], []
    for k, mean in enumerate(mixture.means):
        Z, factor = X - mean.astype(wide), mixture.covariances.factors[k].astype(wide)
        Y = Z @ factor if factor.ndim == 2 else Z * factor
        diagonal = np.diagonal(factor) if factor.ndim == 2 else factor * np.ones(d, dtype=wide)
        peak = np.log(wide(mixture.weights[k])) + np.log(diagonal).sum()
        L.append(peak - (Y * Y).sum(axis=1) / 2 - d * np.log(2 * wide(np.pi)) / 2)
    L = np.array(L)
    top = L.max(axis=0)
    return top + np.log(np.exp(L - top).sum(axis=0))


def expanded(mixture, rows, dtype):
    extent = locate(rows)
    return ExpandedKernel.of(mixture, extent.centre, extent.reach, np.dtype(dtype))


def posterior(kernel, X):
    """Shares of one block, and whole log-densities."""
    block, workspace = Block(0, X), Workspace()
    scores = kernel.scores(kernel.prepare(block, workspace), workspace)
    left_out = scores.left_out()
    R, scale, log_sum = SOFT(scores, block, workspace)
    return R, scale, log_sum + left_out


@pytest.mark.parametrize("storage", [Full, Diagonal, Spherical])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1, 3, 8, 45])
@pytest.mark.parametrize("reach", [1e1, 1e3, 1e5, 1e7])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_log_density_keeps_its_digits(storage, dtype, d, reach, offset):
    """Components of scale 1, `reach` from each other, `offset` times as far from the origin."""
    rng = np.random.RandomState(0)
    mixture = mixture_of(rng, 3, d, storage, reach, 1.0, offset * reach)
    X = rows_of(rng, mixture, 300, np.float64)
    if dtype == np.float32:
        # Rows that float32 holds exactly, near the means that they belong to.
        X = X.astype(np.float32)
        near = np.abs(X[:, None] - mixture.means).max(axis=2).min(axis=1) < 30
        X = X[near] if near.sum() > 9 else mixture.means.astype(np.float32)
    error = np.abs(log_density(mixture, InMemory(X)) - exact_log_density(mixture, X))
    size = np.abs(exact_log_density(mixture, X)).astype(float)
    # What is asked: 1e-8 nats in float64 and 1e-3 in float32, and the rounding of the
    # answer; beyond that what x itself does not resolve, eps |x| / s a feature.
    eps = np.finfo(np.float64).eps
    unresolved = 20 * d * eps * (1 + offset) * reach
    assert (error <= (1e-7 if dtype == np.float64 else 4e-3) + 1e-6 * size + unresolved).all()


@pytest.mark.parametrize("storage", [Full, Diagonal, Spherical])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d, K", [(2, 5), (12, 19), (40, 5), (33, 19)])
@pytest.mark.parametrize("spread", [0.3, 1.0, 4.0])
def test_all_kernels_add_up_to_the_same(storage, dtype, weighted, d, K, spread):
    """With components that overlap, and with some that most rows have nothing of."""
    rng = np.random.RandomState(1)
    mixture = mixture_of(rng, K, d, storage, spread)
    X = rows_of(rng, mixture, 1500, dtype)
    weight = rng.uniform(0, 2, size=len(X)) if weighted else None
    rows = InMemory(X, weight)
    extent, R = locate(rows), mixture.responsibilities(X.astype(float)).T
    R = R if weight is None else R * weight
    expected = mixture.log_density(X.astype(float)) @ (
        np.ones(len(X)) if weight is None else weight
    )
    for kernel in (
        ExpandedKernel.of(mixture, extent.centre, extent.reach, np.dtype(dtype)),
        WhitenedKernel(mixture, extent.centre, np.dtype(dtype)),
        WhitenedKernel(mixture, extent.centre),
        *([SlabKernel(mixture, extent.centre, np.dtype(dtype))] if storage is Full else []),
    ):
        tolerance = 100 * d * EXACT[dtype]
        over = Expected(kernel)
        log_likelihood, moments = over.result(rows.fold(over))
        found = moments.scatters()
        assert log_likelihood == pytest.approx(expected, rel=tolerance)
        np.testing.assert_allclose(moments.mass, R.sum(axis=1), rtol=tolerance)
        np.testing.assert_allclose(
            found.means,
            R @ X.astype(float) / R.sum(axis=1)[:, None],
            rtol=tolerance,
            atol=tolerance * spread,
        )
        centred = X[None].astype(float) - found.means[:, None]
        scatter = np.einsum("ki,kij,kil->kjl", R, centred, centred)
        scatter = mixture.covariances.form.of(scatter)
        np.testing.assert_allclose(
            found.scatter, scatter, rtol=10 * tolerance, atol=tolerance * scatter.max()
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_without_a_maximum(dtype):
    rng, dtype = np.random.RandomState(0), np.dtype(dtype)
    top = CEILING[dtype]
    L = (top - rng.exponential(DEPTH[dtype] / 3, size=(4, 500))).astype(dtype)
    L[:, 7] = top - 50 * DEPTH[dtype]  # A row far from everything.
    L[1:, 8] = -1e30  # Components of weight zero.
    expected = L.copy()
    log_sum, scale = softmax(expected, Workspace())
    expected *= scale
    got, original = L.copy(), L.copy()
    sums, factors = softmax_below_ceiling(got, Workspace(), lambda columns: original[:, columns])
    np.testing.assert_allclose(sums, log_sum, rtol=EXACT[dtype.type], atol=EXACT[dtype.type])
    np.testing.assert_allclose(got * factors, expected, rtol=1e-3, atol=EXACT[dtype.type])
    np.testing.assert_allclose((got * factors).sum(axis=0), 1, rtol=EXACT[dtype.type])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "K, p", [(1, 2), (3, 6), (10, 66), (20, 231), (64, 33), (200, 40), (1500, 7)]
)
@pytest.mark.parametrize("b", [1, 511, 1024, 3000])
@pytest.mark.parametrize("share", [1.0, 0.01])
def test_products(dtype, K, p, b, share):
    rng = np.random.RandomState(0)
    T, Phi = rng.normal(size=(K, p)).astype(dtype), rng.normal(size=(p, b)).astype(dtype)
    R = (rng.uniform(size=(K, b)) * (rng.uniform(size=(K, b)) <= share)).astype(dtype)
    scale = rng.uniform(0.5, 1, size=b).astype(dtype)
    tolerance = 100 * EXACT[dtype]
    L = joint(T, Phi, np.empty((K, b), dtype))
    np.testing.assert_allclose(L, T.astype(float) @ Phi, rtol=tolerance, atol=tolerance)
    tall = joint_of_rows(T, np.ascontiguousarray(Phi.T), np.empty((b, K), dtype))
    np.testing.assert_allclose(tall.T, T.astype(float) @ Phi, rtol=tolerance, atol=tolerance)
    exact = (R.astype(float) * scale) @ Phi.T.astype(float)
    S = statistics(R.copy(), scale, Phi.copy(), Workspace())
    assert S.dtype == np.float64
    np.testing.assert_allclose(S, exact, rtol=tolerance, atol=tolerance * np.sqrt(b))
    S = summed(R * scale, np.asfortranarray(Phi))
    np.testing.assert_allclose(S, exact, rtol=tolerance, atol=tolerance * np.sqrt(b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_beyond_every_component_change_no_sum_but_their_own(dtype):
    rng = np.random.RandomState(0)
    mixture = mixture_of(rng, 3, 2, Full)
    X = np.r_[rows_of(rng, mixture, 900, dtype), np.array([[3e3, 3e3]], dtype)]
    rows = InMemory(X)
    R, scale, log_sum = posterior(expanded(mixture, rows, dtype), X)
    np.testing.assert_allclose((R * scale).sum(axis=0), 1, rtol=1e-5)
    expected = mixture.log_density(X.astype(float))
    np.testing.assert_allclose(log_sum, expected, rtol=1e-3 if dtype == np.float32 else 1e-9)


@pytest.mark.parametrize("K", [2, 9])
def test_a_lone_block_that_keeps_its_features_gives_the_same_again(K):
    """Also where they are scaled in place, K being larger than the number of features."""
    rng = np.random.RandomState(0)
    mixture = mixture_of(rng, K, 2, Diagonal)
    X = rows_of(rng, mixture, 400, np.float64)
    rows = InMemory(X)
    extent = locate(rows)
    over = Expected(choose(mixture, extent.centre, extent.reach, rows.dtype))
    first = rows.fold(over)
    for _ in range(3):
        for got, expected in zip(rows.fold(over), first, strict=True):
            np.testing.assert_array_equal(got, expected)
    other = mixture_of(rng, K, 2, Full)
    for found in (mixture, other, mixture):
        assert em.expect(found, rows)[0] == em.expect(found, InMemory(X))[0]


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", [NORM, SQUARE, OUTER])
def test_labels_add_up_as_responsibilities_do(form, pooled, weighted):
    rng = np.random.RandomState(0)
    X, labels = rng.normal(size=(700, 3)) + 50, rng.choice([0, 1, 3], size=700)
    rows = InMemory(X, rng.uniform(size=700) if weighted else None)
    hard = fill_empty(
        assigned_moments(rows, locate(rows), Hard(labels, 5), 5, form, pooled), locate(rows)
    )
    soft = fill_empty(
        assigned_moments(rows, locate(rows), Soft(np.eye(5)[labels]), 5, form, pooled),
        locate(rows),
    )
    hard, soft = hard.scatters(), soft.scatters()
    np.testing.assert_allclose(hard.mass, soft.mass, rtol=1e-12)
    np.testing.assert_allclose(hard.means, soft.means, rtol=1e-12)
    np.testing.assert_allclose(hard.scatter, soft.scatter, rtol=1e-10, atol=1e-9)


def test_rows_drawn_by_weight():
    weight = np.random.RandomState(0).exponential(size=200_000)
    weight[::3] = 0
    drawn = draw_by_weight(weight, 60_000, np.random.RandomState(1))
    assert len(drawn) == 60_000 and (weight[drawn] > 0).all()
    counts = np.add.reduceat(
        np.bincount(drawn, minlength=len(weight)), range(0, len(weight), 20_000)
    )
    expected = 60_000 * np.add.reduceat(weight, range(0, len(weight), 20_000)) / weight.sum()
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected.max())


@pytest.mark.parametrize("offset", [0.0, 1e9, 1e17])
@pytest.mark.parametrize("d, K", [(1, 4), (3, 7), (40, 30)])
def test_nearest_breaks_ties_as_differences_do(offset, d, K):
    """On a grid many rows are as near to one centre as to another: the first one takes them."""
    rng = np.random.RandomState(0)
    X = 2.0 * rng.randint(-3, 4, size=(2000, d)) + offset
    centres = np.concatenate([X[rng.choice(len(X), K - 1)], X[:1] + 2])
    labels = Nearest(centres)(Block(0, X, None), Workspace())
    distance = ((X[:, None] - centres) ** 2).sum(axis=2)
    assert ((distance == distance.min(axis=1)[:, None]).sum(axis=1) > 1).any()
    assert np.array_equal(labels, distance.argmin(axis=1))


@pytest.mark.parametrize("away", [0.0, 0.1, 1e4])
@pytest.mark.parametrize("form, pooled", [(OUTER, False), (SQUARE, True), (NORM, False)])
def test_start_about_known_centres(away, form, pooled):
    """However far the centres are from the means of their rows, nothing cancels."""
    rng = np.random.RandomState(0)
    X = np.repeat([[0.0, 1e5], [9e5, 0.0]], 500, axis=0) + rng.normal(size=(1000, 2))
    rows = InMemory(X)
    nearest = Nearest(np.array([[0.0, 1e5], [9e5, 0.0]]) + away)
    labels = Hard(np.repeat([0, 1], 500), 2)
    moments, expected = (
        fill_empty(
            assigned_moments(rows, locate(rows), assign, 2, form, pooled).scatters(),
            locate(rows),
        )
        for assign in (nearest, labels)
    )
    np.testing.assert_allclose(moments.mass, expected.mass)
    np.testing.assert_allclose(moments.means, expected.means, rtol=1e-13)
    np.testing.assert_allclose(moments.scatter, expected.scatter, rtol=1e-10, atol=1e-8)


@pytest.mark.parametrize("far", [1e3, 1e9, 1e155, 1e307])
def test_nearest_with_a_centre_far_away(far):
    """It takes no row from the others, and the others keep telling themselves apart."""
    rng = np.random.RandomState(0)
    X, centres = rng.normal(size=(500, 3)), rng.normal(size=(6, 3))
    expected = ((X[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    for place in (0, 5):
        labels = Nearest(np.insert(centres, place, far, axis=0))(Block(0, X, None), Workspace())
        assert np.array_equal(labels, expected + (expected >= place))


def test_a_fold_overwrites_nothing_but_sums():
    X = np.arange(2_000_000.0).reshape(-1, 2)
    before = X.copy()

    class First:
        row_bytes = 160

        def __call__(self, block, workspace):
            return block.X[0], np.arange(2) if block.start else np.ones(2) / 2

        combine = staticmethod(added)

    class Earliest(First):
        def combine(self, total, part):
            return total[0], np.maximum(total[1], part[1])

    rows = InMemory(X, n_threads=2)
    total, halves = rows.fold(First())
    starts = total[1] - total[0]
    assert starts > 1 and halves[0] == 0.5 and halves[1] == starts - 0.5
    first, _ = rows.fold(Earliest())
    np.testing.assert_array_equal(first, X[0])
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", [1.0, 6.0, 12.0, 60.0])
def test_shared_covariances_at_any_spread(dtype, spread):
    """Without the quadratic part, which they share, what is left may swing beyond any ceiling."""
    rng = np.random.RandomState(0)
    K, d = 4, 8
    covariance = np.eye(d) + 0.3
    mixture = Mixture(
        rng.dirichlet(np.full(K, 5)),
        spread * rng.normal(size=(K, d)),
        Full.from_covariances(covariance[None], d),
    )
    X = rows_of(rng, mixture, 3000, dtype)
    X[5] *= 3  # A row beyond all others.
    kernel = expanded(mixture, InMemory(X), dtype)
    R, scale, log_sum = posterior(kernel, X)
    tolerance = EXACT[dtype] * 50 * (1 + spread**2)
    wide = X.astype(float)
    np.testing.assert_allclose(log_sum, mixture.log_density(wide), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose((R * scale).T, mixture.responsibilities(wide), atol=tolerance)
    assert not kernel.bounded or spread < 12


@pytest.mark.parametrize("dtype", DTYPES)
def test_how_far_above_the_ceiling(dtype):
    rng, top = np.random.RandomState(0), CEILING[np.dtype(dtype)]
    L = (top + 7 - rng.exponential(3, size=(4, 1000))).astype(dtype)
    assert above_ceiling(L) == L.max() - top
    L[:, 1] -= 100 * DEPTH[np.dtype(dtype)]
    assert above_ceiling(L) == L.max() - top
    L[:, ::2] -= 100 * DEPTH[np.dtype(dtype)]
    assert above_ceiling(L) is None


@pytest.mark.parametrize(("apart", "passes"), [(3.0, 1), (1e3, 2)])
def test_labels_take_one_pass_where_nothing_cancels(monkeypatch, apart, passes):
    rng = np.random.RandomState(0)
    labels = rng.randint(3, size=300)
    X = rng.normal(size=(300, 2)) + apart * labels[:, None]
    rows, count, fold = InMemory(X), [], InMemory.fold
    extent = locate(rows)
    monkeypatch.setattr(InMemory, "fold", lambda self, over: count.append(over) or fold(self, over))
    found = assigned_moments(rows, extent, Hard(labels, 3), 3, OUTER, False).scatters()
    assert len(count) == passes
    for k in range(3):
        group = X[labels == k]
        np.testing.assert_allclose(found.means[k], group.mean(axis=0), rtol=1e-13, atol=1e-13)
        expected = np.cov(group.T, ddof=0) * len(group)
        np.testing.assert_allclose(found.scatter[k], expected, rtol=1e-11, atol=1e-11)
