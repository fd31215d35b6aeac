"""The oracle is the definition: row by row, in plain loops, with dense matrices."""

import math
from itertools import product

import numpy as np
import pytest

from gmmem import GaussianMixture, Mixture, em, incomplete, prediction
from gmmem.covariances import FOURTEEN, get_model
from gmmem.incomplete import NothingObserved
from gmmem.initializers.base import Hard, Nearest
from gmmem.kernels.allocation import Hard as HardAllocation
from gmmem.kernels.allocation import Labelled, Outside
from gmmem.kernels.completed import batches, complete
from gmmem.kernels.patterns import patterns
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.moments import Moments
from gmmem.problem import Problem, maximise
from gmmem.sources import Batches, Chunks, InMemory
from gmmem.sources import memory as memory_source
from tests.problems import clusters


def random_mixture(model, K, d, seed=0):
    """A mixture that the model allows: an M-step of scatters of rows."""
    rng = np.random.RandomState(seed)
    X = 2 * rng.normal(size=(60 * K, d)) + 4 * np.repeat(rng.normal(size=(K, d)), 60, axis=0)
    labels = np.repeat(np.arange(K), 60)
    problem = Problem.of(InMemory(X, rng.uniform(0.5, 2, size=len(X))), model)
    return problem.start(Hard(labels, K), K)


def knocked_out(X, share, seed=0):
    """The same with values missing at random."""
    X = X.copy()
    X[np.random.RandomState(seed).uniform(size=X.shape) < share] = np.nan
    return X


def by_definition(mixture, X, weight=None):
    """Log-likelihood, responsibilities and expected moments about the means, one row at a time."""
    (K, d), dense = mixture.means.shape, mixture.covariances.dense()
    weight = np.ones(len(X)) if weight is None else weight
    total, shares = 0.0, []
    mass, first, second = np.zeros(K), np.zeros((K, d)), np.zeros((K, d, d))
    for x, w in zip(X, weight, strict=True):
        o, m = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
        if not len(o):
            shares.append(mixture.weights)
            continue
        density, completed, left = [], [], []
        for k in range(K):
            sigma, mean = dense[k if len(dense) > 1 else 0], mixture.means[k]
            z, inverse = x[o] - mean[o], np.linalg.inv(sigma[np.ix_(o, o)])
            normaliser = math.sqrt(np.linalg.det(2 * math.pi * sigma[np.ix_(o, o)]))
            density.append(mixture.weights[k] * math.exp(-z @ inverse @ z / 2) / normaliser)
            along = sigma[np.ix_(m, o)] @ inverse
            whole, rest = np.zeros(d), np.zeros((d, d))
            whole[o], whole[m] = z, along @ z
            rest[np.ix_(m, m)] = sigma[np.ix_(m, m)] - along @ sigma[np.ix_(o, m)]
            completed.append(whole)
            left.append(rest)
        total += w * math.log(sum(density))
        shares.append([p / sum(density) for p in density])
        for k in range(K):
            r = w * shares[-1][k]
            mass[k] += r
            first[k] += r * completed[k]
            second[k] += r * (np.outer(completed[k], completed[k]) + left[k])
    form = mixture.covariances.form
    second = form.of(second)
    if mixture.covariances.shared:
        second = second.sum(axis=0, keepdims=True)
    return total, np.array(shares), Moments(mass, mixture.means, first, second, form)


def same_moments(found, expected, rtol=1e-9):
    found = found.about(expected.centre)
    for name in ("mass", "first", "second"):
        want = getattr(expected, name)
        np.testing.assert_allclose(
            getattr(found, name), want, rtol=rtol, atol=rtol * (1 + np.abs(want).max())
        )


CODES = [*FOURTEEN, "full", "tied", "diag", "spherical"]


@pytest.mark.parametrize("code", [*CODES, "E", "V"])
@pytest.mark.parametrize("fewest", [1, incomplete.FEWEST])
def test_one_step(code, fewest, monkeypatch):
    """By a kernel for each pattern, and completed: every pattern of up to four features."""
    monkeypatch.setattr(incomplete, "FEWEST", fewest)
    model, K = get_model(code), 3
    for d in (1,) if code in ("E", "V") else (1, 2, 3, 4, 6):
        mixture = random_mixture(model, K, d, seed=d)
        rng = np.random.RandomState(d)
        X = mixture.sample(100, rng)[0]
        masks = np.array(list(product([False, True], repeat=min(d, 4))))
        X[:, : masks.shape[1]][masks[np.arange(100) % len(masks)]] = np.nan
        weight = rng.uniform(0.5, 2, size=100)
        total, shares, moments = by_definition(mixture, X, weight)
        problem = Problem.of(InMemory(X, weight), model)
        found = problem.expect(mixture)
        assert found.objective == pytest.approx(total, rel=1e-10)
        same_moments(found.moments, moments)
        exactly = problem.expect_exactly(mixture)
        assert exactly.objective == pytest.approx(total, rel=1e-12)
        same_moments(exactly.moments, moments, rtol=1e-11)
        state = next(em.states(problem, mixture))
        update = maximise(moments, model, previous=mixture).mixture
        np.testing.assert_allclose(state.update.weights, update.weights, rtol=1e-9)
        np.testing.assert_allclose(state.update.means, update.means, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(
            state.update.covariances.dense(), update.covariances.dense(), rtol=1e-5, atol=1e-7
        )
        np.testing.assert_allclose(
            prediction.responsibilities(mixture, problem.rows), shares, rtol=1e-8, atol=1e-11
        )
        density = prediction.log_density(mixture, problem.rows)
        assert density @ weight == pytest.approx(total, rel=1e-10)
        assert np.abs(density[np.isnan(X).all(axis=1)]).max(initial=0) < 1e-14


@pytest.mark.parametrize("code", FOURTEEN)
def test_the_likelihood_never_falls(code):
    X = knocked_out(clusters(3, 300, 3)[0], 0.25)
    model = get_model(code)
    problem = Problem.of(InMemory(X), model)
    labels = np.random.RandomState(0).randint(3, size=len(X))
    outcome = em.solve(problem, [lambda: problem.start(Hard(labels, 3), 3)], tol=0, max_iter=40)
    history = np.array(outcome.solutions[0].history)
    assert len(history) == 40
    # The M-steps of some models end at a tolerance of their own.
    assert np.diff(history).min() > -1e-9
    assert history[-1] > history[0] + 0.1


def problem_of(X, code="VVV", weight=None, source=InMemory, **options):
    rows = source(X) if weight is None else source(X, weight)
    return Problem.of(rows, get_model(code), **options)


def test_complete_rows_are_read_as_before():
    X = clusters(0, 200, 3)[0]
    assert problem_of(X).incomplete is None
    mixture = random_mixture(get_model("VVV"), 3, 3)
    whole = problem_of(X).expect(mixture)
    # One value less changes what one row gives, and nothing else.
    X[7, 1] = np.nan
    total, _, moments = by_definition(mixture, X)
    found = problem_of(X).expect(mixture)
    assert found.objective == pytest.approx(total, rel=1e-11)
    same_moments(found.moments, moments)
    assert np.abs(found.moments.mass - whole.moments.mass).max() < 1


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "EII"])
def test_a_column_that_nobody_observes_is_as_if_it_were_not_there(code):
    model = get_model(code)
    wide = random_mixture(model, 3, 4, seed=1)
    seen = np.array([0, 1, 3])
    X = knocked_out(wide.sample(150, np.random.RandomState(0))[0], 0.1)
    X[:, 2] = np.nan
    narrow = Mixture(wide.weights, wide.means[:, seen], wide.covariances.marginal(seen))
    ours = problem_of(X, code).expect(wide)
    theirs = problem_of(X[:, seen], code).expect(narrow)
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-12)
    np.testing.assert_allclose(ours.moments.mass, theirs.moments.mass, rtol=1e-10)
    scatters, others = ours.moments.scatters(), theirs.moments.scatters()
    np.testing.assert_allclose(scatters.means[:, seen], others.means, rtol=1e-9, atol=1e-9)
    if code == "VVV":
        own = scatters.scatter[:, seen][:, :, seen]
        np.testing.assert_allclose(own, others.scatter, rtol=1e-8, atol=1e-7)
    with pytest.raises(NothingObserved, match=r"column\(s\) 2: no row"):
        _ = problem_of(X, code).complete


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "EII"])
@pytest.mark.parametrize("fewest", [20, incomplete.FEWEST])
def test_whoever_reads_the_rows(code, fewest, monkeypatch):
    """Weights are copies; order, blocks, threads and sources change nothing but rounding."""
    monkeypatch.setattr(incomplete, "FEWEST", fewest)
    mixture = random_mixture(get_model(code), 3, 3, seed=2)
    rng = np.random.RandomState(0)
    X = knocked_out(mixture.sample(400, rng)[0], 0.2)
    X[5] = np.nan
    counts = rng.randint(0, 4, size=400)
    expected = problem_of(X, code, counts).expect(mixture)

    def check(problem):
        found = problem.expect(mixture)
        assert found.objective == pytest.approx(expected.objective, rel=1e-12)
        same_moments(found.moments, expected.moments, rtol=1e-11)

    check(problem_of(np.repeat(X, counts, axis=0), code))
    places = rng.permutation(400)
    check(problem_of(X[places], code, counts[places]))
    cuts = [np.array_split(each, 7) for each in (X, counts.astype(float))]
    check(problem_of(*cuts[:1], code, cuts[1], source=Chunks))
    pairs = list(zip(*cuts, strict=True))
    check(problem_of(lambda: iter(pairs), code, True, source=Batches))
    monkeypatch.setattr(memory_source, "block_size", lambda n, row_bytes: 37)
    check(problem_of(X, code, counts))
    by_threads = [
        Problem.of(InMemory(X, counts, n), get_model(code)).expect(mixture) for n in (1, 2, 3)
    ]
    assert len({each.objective for each in by_threads}) == 1
    for each in by_threads[1:]:
        np.testing.assert_array_equal(each.moments.second, by_threads[0].moments.second)


@pytest.mark.parametrize("code", ["VVV", "EEE", "VEV", "VVI"])
def test_shifts_and_units_change_nothing(code):
    """Also where components are so small that differences are taken first."""
    mixture = random_mixture(get_model(code), 2, 3, seed=4)
    X = knocked_out(mixture.sample(200, np.random.RandomState(0))[0], 0.3)
    reference = problem_of(X, code).expect(mixture)
    for scale, shift in [(1.0, 1e7), (2.0**-40, 0.0), (2.0**60, 0.0)]:
        means = mixture.means * scale + shift
        covariances = mixture.covariances.covariances * scale**2
        moved = Mixture(
            mixture.weights, means, type(mixture.covariances).from_covariances(covariances, 3)
        )
        problem = problem_of(X * scale + shift, code)
        found = problem.expect(moved)
        there = np.count_nonzero(~np.isnan(X))
        log_likelihood = found.objective + there * math.log(scale)
        assert log_likelihood == pytest.approx(reference.objective, abs=1e-5 if shift else 1e-7)
        np.testing.assert_allclose(found.moments.mass, reference.moments.mass, rtol=1e-7)
    one = np.array([[0.0, np.nan, 0.0]])
    X = np.concatenate([X, one + 1e9])
    assert isinstance(problem_of(X, code).kernel(mixture), WhitenedKernel)
    total, _, _ = by_definition(mixture, X[:-1])
    exactly = problem_of(X[:-1], code).expect_exactly(mixture)
    assert exactly.objective == pytest.approx(total, rel=1e-12)


def test_float32():
    mixture = random_mixture(get_model("VVV"), 3, 3, seed=5)
    X = knocked_out(mixture.sample(500, np.random.RandomState(0))[0].astype(np.float32), 0.2)
    total, _, moments = by_definition(mixture, X.astype(np.float64))
    for fewest in (10, 10_000):
        incomplete_fewest, incomplete.FEWEST = incomplete.FEWEST, fewest
        try:
            found = problem_of(X).expect(mixture)
        finally:
            incomplete.FEWEST = incomplete_fewest
        assert found.objective == pytest.approx(total, rel=1e-5)
        same_moments(found.moments, moments, rtol=1e-4)


def test_means_are_recovered_as_rows_grow():
    """Values missing at random cost precision, and nothing else."""
    K, d = 3, 4
    truth = random_mixture(get_model("VVV"), K, d, seed=6)
    errors = []
    for n in (400, 40_000):
        X = knocked_out(truth.sample(n, np.random.RandomState(1))[0], 0.25)
        solution = em.fit(truth, InMemory(X), tol=1e-7, max_iter=200)
        apart = np.abs(solution.mixture.means - truth.means).max()
        wide = solution.mixture.covariances.dense() / truth.covariances.dense()
        errors.append([apart, np.abs(np.diagonal(wide, axis1=1, axis2=2) - 1).max()])
    assert (np.array(errors[1]) < [0.1, 0.08]).all()
    assert (np.array(errors[1]) < np.array(errors[0]) / 3).all()


def test_a_column_missing_wherever_a_component_lives():
    """What is known of it there comes from before: it stays, and nothing else suffers."""
    X, labels = clusters(7, 300, 3, K=2, distance=6.0)
    X[labels == 0, 2] = np.nan
    problem = problem_of(X)
    solution = em.solve(problem, [problem.start(Hard(labels, 2), 2)], tol=0, max_iter=30).best
    history = np.array(solution.history)
    assert np.diff(history).min() > -1e-10
    assert np.isfinite(solution.mixture.covariances.dense()).all()
    both = problem_of(X[labels == 0][:, :2])
    alone = em.one_component(both).best.mixture
    np.testing.assert_allclose(solution.mixture.means[0, :2], alone.means[0], atol=1e-3)


def test_rows_without_a_value_add_nothing():
    X, labels = clusters(8, 200, 2, K=2)
    some = np.concatenate([X, np.full((50, 2), np.nan)])
    X = knocked_out(X, 0.1, seed=1)
    some[:200] = X
    assert problem_of(some).extent.n_rows == problem_of(X).extent.n_rows
    mixture = random_mixture(get_model("VVV"), 2, 2)
    ours, theirs = problem_of(some).expect(mixture), problem_of(X).expect(mixture)
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-12)
    same_moments(ours.moments, theirs.moments, rtol=1e-11)
    centres = np.array([X[labels == k].mean(axis=0) for k in range(2)])
    centres[np.isnan(centres)] = 0
    for source, cut in ((InMemory, some), (Chunks, [some[:120], some[120:200], some[200:]])):
        start = problem_of(cut, source=source).start(Nearest(centres), 2)
        other = problem_of(X).start(Nearest(centres), 2)
        np.testing.assert_allclose(start.weights, other.weights, rtol=1e-10)
        np.testing.assert_allclose(start.means, other.means, rtol=1e-9, atol=1e-9)
    summary = prediction.summary(mixture, get_model("VVV"), InMemory(some))
    other = prediction.summary(mixture, get_model("VVV"), InMemory(X))
    assert summary.n_samples == other.n_samples
    assert summary.entropy == pytest.approx(other.entropy, rel=1e-10)
    assert summary.map_entropy == pytest.approx(other.map_entropy, rel=1e-10)
    with pytest.raises(ValueError, match="nothing but NaN"):
        prediction.summary(mixture, get_model("VVV"), InMemory(some[200:]))
    with pytest.raises(ValueError, match="nothing but NaN"):
        problem_of(some[200:])


def test_other_allocations():
    mixture = random_mixture(get_model("VVV"), 3, 3, seed=9)
    X = knocked_out(mixture.sample(300, np.random.RandomState(0))[0], 0.2)
    _, shares, _ = by_definition(mixture, X)
    X = X[~np.isnan(X).all(axis=1)]
    _, shares, _ = by_definition(mixture, X)
    best = shares.argmax(axis=1)
    hard = problem_of(X, allocation=HardAllocation()).expect(mixture)
    np.testing.assert_allclose(hard.moments.mass, np.bincount(best, minlength=3))
    known = np.where(np.arange(len(X)) % 2, -1, 1)
    rows = InMemory(X).with_columns(label=known)
    labelled = Problem.of(rows, get_model("VVV"), allocation=Labelled()).expect(mixture)
    expected = np.where(known[:, None] < 0, shares, np.eye(3)[1]).sum(axis=0)
    np.testing.assert_allclose(labelled.moments.mass, expected, rtol=1e-8)
    noisy = problem_of(X, allocation=Outside(0.2, -6.0)).expect(mixture)
    density = np.exp(prediction.log_density(mixture, InMemory(X)))
    outside = 0.2 * np.exp(-6.0) / (0.2 * np.exp(-6.0) + 0.8 * density)
    assert noisy.moments.outside == pytest.approx(outside.sum(), rel=1e-8)


def test_a_start_sees_what_one_gaussian_expects():
    rng = np.random.RandomState(0)
    truth = random_mixture(get_model("VVV"), 1, 3, seed=3)
    X = knocked_out(truth.sample(2000, rng)[0], 0.15)
    problem = problem_of(X)
    one, moments = problem.incomplete.one
    exact = em.one_component(problem).best.mixture
    np.testing.assert_allclose(one.means, exact.means, atol=2e-3)
    np.testing.assert_allclose(one.covariances.dense(), exact.covariances.dense(), rtol=0.02)
    assert moments.mass[0] == pytest.approx(problem.extent.total_weight)
    filled = problem.complete.sample(len(X), rng).X
    there = ~np.isnan(X)
    np.testing.assert_array_equal(filled[there], X[there])
    sigma, mean = one.covariances.dense()[0], one.means[0]
    for x, y in zip(X[:200], filled, strict=False):
        o, m = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
        if len(o) and len(m):
            z = np.linalg.solve(sigma[np.ix_(o, o)], x[o] - mean[o])
            np.testing.assert_allclose(y[m], mean[m] + sigma[np.ix_(m, o)] @ z, atol=1e-9)


@pytest.mark.parametrize("d", [5, incomplete.MOST_JOINT + 1])
def test_many_features_and_every_form(d):
    """Beyond so many features a start of a diagonal model looks at each alone."""
    rng = np.random.RandomState(0)
    X = knocked_out(rng.normal(size=(200, d)) + 3 * (np.arange(200) % 2)[:, None], 0.1)
    problem = problem_of(X, "VVI")
    labels = np.arange(200) % 2
    assert np.isfinite(problem.start(Hard(labels, 2), 2).means).all()
    joint = problem.with_model(get_model("VVV"))
    assert joint.all_rows().second.shape == (1, d, d)
    start = joint.start(Hard(labels, 2), 2)
    assert np.linalg.eigvalsh(start.covariances.dense()).min() > 0
    assert problem.with_model(get_model("EII")).all_rows().second.shape == (1,)


def test_what_was_found_out_of_the_rows_is_kept():
    problem = Problem.of(InMemory(knocked_out(clusters(0, 80, 3)[0], 0.2)), get_model("full"))
    found = problem.incomplete
    by, grouped = found.one[0], found.grouped
    other = found.completed_by(random_mixture(get_model("full"), 2, 3))
    assert other.grouped is grouped and other.one[0] is by and found.by is None
    assert other.completed.by is other.by


@pytest.mark.parametrize("thin", [1e-3, 1e-5, 1e-6])
def test_rows_are_completed_in_the_plane_of_a_thin_covariance(thin):
    """One value that lacks is enough to put a row into it, but for the square of what is thin."""
    rng = np.random.RandomState(0)
    normal = np.ones(4) / 2
    X = rng.normal(size=(50, 4))
    X -= ((1 - thin) * X @ normal)[:, None] * normal
    missing = np.zeros(X.shape, dtype=bool)
    for i, gone in enumerate(missing):
        gone[rng.permutation(4)[: 1 + i % 3]] = True
    covariance = np.eye(4) - (1 - thin**2) * np.outer(normal, normal)
    mixture = Mixture.from_arrays([1.0], np.zeros((1, 4)), covariance[None])
    found = patterns(np.where(missing, np.nan, X))
    for rows, some in batches(mixture, found):
        places = rows if found.order is None else found.order[rows]
        Z = complete(mixture, np.where(missing, np.nan, X)[places], some).Z[0]
        assert np.abs(Z @ normal).max() < 0.01 * thin


@pytest.mark.parametrize("code", ["VVV", "EEE", "VEV", "EVE"])
@pytest.mark.parametrize("seed", [1, 4])
def test_sums_are_found_where_values_lack(code, seed):
    """Percentages; EM narrows towards their plane until nothing but rounding is left."""
    rng = np.random.RandomState(seed)
    shares = rng.gamma(2, size=(40, 4))
    X = np.round(100 * shares / shares.sum(axis=1, keepdims=True), 1)
    X[:, 3] = 100 - X[:, :3].sum(axis=1)
    X[rng.random_sample(X.shape) < 0.1] = np.nan
    with pytest.raises(ValueError, match="columns 0 to 3 add up to a constant"):
        GaussianMixture(covariance_type=code, reg_covar=0, max_iter=400, tol=1e-9).fit(X)
