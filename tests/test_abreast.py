"""Several mixtures in the same passes are what each of them is alone."""

from dataclasses import fields

import numpy as np
import pytest

from gmmem import Mixture, em, prediction
from gmmem.covariances import FOURTEEN, VVV, DegenerateCovariance, get_model
from gmmem.covariances.parts import slices
from gmmem.covariances.several import Each
from gmmem.forms import OUTER
from gmmem.initializers import Hierarchical
from gmmem.kernels.allocation import Apart
from gmmem.kernels.arithmetic import DEPTH
from gmmem.passes import assigned_moments, fill_empty
from gmmem.problem import Problem
from gmmem.sources import InMemory
from tests.problems import clusters

SIZES = (1, 2, 3, 5)


def problem_of(X, covariance_type="VVV", weight=None, reg_covar=0.0):
    rows = InMemory(X, weight)
    return Problem.of(rows, get_model(covariance_type)).regularised(reg_covar)


def starts_of(problem, sizes=SIZES):
    """Moments by a tree, in the finest form."""
    X, form = problem.rows.X, OUTER
    moments = []
    for K in sizes:
        labels = Hierarchical()(X, K, random_state=0)
        found = assigned_moments(
            problem.rows,
            problem.extent,
            lambda block, _, labels=labels: labels[block.start :][: len(block.X)],
            K,
            form,
            False,
        )
        moments.append(fill_empty(found, problem.extent))
    return moments


def alone(problem, start, **limits):
    model = problem.model
    mixture = problem.maximise(start.coarsened(model.storage.form, model.shared)).mixture
    return em.solve(problem, [mixture], **limits).solutions[0]


def assert_close(found, expected, tol=1e-7):
    assert found.status is expected.status and found.passes == expected.passes
    np.testing.assert_allclose(found.history, expected.history, atol=1e-9)
    assert found.mixture.covariances.shared == expected.mixture.covariances.shared
    pairs = [(found.mixture, expected.mixture)]
    if expected.last is not None:
        pairs.append((found.last.update, expected.last.update))
    for one, other in pairs:
        np.testing.assert_allclose(one.weights, other.weights, atol=tol)
        np.testing.assert_allclose(one.means, other.means, atol=tol)
        np.testing.assert_allclose(
            one.covariances.covariances, other.covariances.covariances, atol=tol
        )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("code", FOURTEEN)
def test_each_is_what_it_is_alone(code, weighted):
    X = clusters(0, 240, 3)[0]
    weight = np.random.RandomState(0).uniform(0.5, 2, size=len(X)) if weighted else None
    problem = problem_of(X, code, weight, reg_covar=1e-3)
    starts, models = starts_of(problem), [get_model(code)] * len(SIZES)
    for max_iter in (6, 60):
        limits = dict(tol=1e-6, max_iter=max_iter)
        mixtures = em.start_abreast(problem, models, starts)
        for found, start in zip(
            em.solve_abreast(problem, models, mixtures, **limits), starts, strict=True
        ):
            assert_close(found, alone(problem, start, **limits))


def test_models_of_one_storage_go_together_and_on():
    X = clusters(1, 200, 2, distance=1.5)[0]
    codes = ("VVV", "EEE", "EEV", "EEE")
    models = [get_model(code) for code in codes]
    problem = problem_of(X)
    starts = starts_of(problem)
    limits = dict(tol=1e-6, max_iter=9)
    first = em.solve_abreast(
        problem, models, em.start_abreast(problem, models, starts), tol=1e-6, max_iter=4
    )
    running = [n for n, each in enumerate(first) if each.last is not None]
    assert len(running) >= 2
    found = em.solve_abreast(
        problem, [models[n] for n in running], [first[n] for n in running], **limits
    )
    for n, each in zip(running, found, strict=True):
        assert each.history[:4] == first[n].history
        assert_close(each, alone(problem.with_model(models[n]), starts[n], **limits))


def test_stopping_is_that_of_one():
    problem = problem_of(clusters(2, 200, 2)[0])
    starts, models = starts_of(problem), [get_model("VVV")] * len(SIZES)
    limits = dict(tol=1e-4, max_iter=200, stopping="aitken")
    mixtures = em.start_abreast(problem, models, starts)
    found = em.solve_abreast(problem, models, mixtures, **limits)
    for each, start in zip(found, starts, strict=True):
        assert_close(each, alone(problem, start, **limits))


def test_one_that_collapses_leaves_the_others():
    """Three rows at a place: the component that they start collapses."""
    X = np.r_[clusters(3, 150, 2)[0], np.full((3, 2), 30.0)]
    problem, models = problem_of(X), [get_model("VVV")] * 3
    good, bad = (
        Mixture.from_arrays(w, m, c)
        for w, m, c in (
            ([0.5, 0.5], [[0, 0], [3, 3]], [np.eye(2) * 100] * 2),
            ([0.9, 0.1], [[0, 0], [30, 30]], [np.eye(2) * 10, np.eye(2) * 0.1]),
        )
    )
    limits = dict(tol=1e-9, max_iter=30)
    found = em.solve_abreast(problem, models, [good, bad, good], **limits)
    expected = em.solve(problem, [good, bad], **limits).solutions
    assert expected[1].status is em.Status.DEGENERATE
    for each in (found[0], found[2]):
        np.testing.assert_allclose(
            each.history, expected[0].history[: len(each.history)], atol=1e-9
        )
    # What it came to before: alone it goes on, and says why it ends.
    before = expected[1].history
    assert found[1] is None or len(found[1].history) <= len(before)
    if found[1] is not None:
        np.testing.assert_allclose(found[1].history, before[: len(found[1].history)], atol=1e-9)


def test_one_that_cannot_start_is_nothing():
    X = np.r_[clusters(3, 60, 2)[0], np.full((3, 2), 30.0)]
    problem, models = problem_of(X), [get_model("VVV")] * 2
    labels = np.r_[np.zeros(60, int), np.ones(3, int)]
    bad = assigned_moments(
        problem.rows,
        problem.extent,
        lambda block, _: labels,
        2,
        get_model("VVV").storage.form,
        False,
    )
    (good,) = starts_of(problem, (2,))
    good = good if good.mass.min() > 3 else starts_of(problem, (1,))[0]
    mixtures = em.start_abreast(problem, models, [bad, good])
    assert mixtures[0] is None and mixtures[1].n_components == len(good.mass)


def test_one_that_needs_differences_leaves_the_others():
    """A component of a millionth of the reach."""
    X = np.r_[np.random.RandomState(0).normal(size=(200, 2)), [[1e7, 1e7]] * 3]
    X[-3:] += [[0, 1e6], [1e6, 0], [0, 0]]
    problem, models = problem_of(X, "VVI"), [get_model("VVI")] * 2
    wide = Mixture.from_arrays([1.0], [[0, 0]], [[1e14, 1e14]], "VVI")
    narrow = Mixture.from_arrays([0.9, 0.1], [[0, 0], [1e7, 1e7]], [[1, 1], [1e12, 1e12]], "VVI")
    found = em.solve_abreast(problem, models, [narrow, wide], tol=0, max_iter=5)
    assert found[0] is None
    assert_close(found[1], em.solve(problem, [wide], tol=0, max_iter=5).solutions[0], tol=1)


def scatters_of(storage, sizes, d=3):
    """Of components, in the form of a storage, and their masses."""
    rng = np.random.RandomState(0)
    K = sum(sizes)
    Z = rng.normal(size=(K, 7, d)) * rng.uniform(0.5, 2, size=(K, 1, d))
    return storage.form.of(np.einsum("kni,knj->kij", Z, Z)), rng.uniform(4, 9, size=K)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("name", ["Spherical", "Diagonal", "Full"])
def test_models_estimate_from_their_own(name, again):
    own = [get_model(code) for code in FOURTEEN if get_model(code).storage.__name__ == name]
    models, sizes = tuple(own * 3), tuple(1 + n % 4 for n in range(3 * len(own)))
    scatter, mass = scatters_of(own[0].storage, sizes)
    each, previous = Each(models, sizes), None
    if again:
        previous = each.estimate(scatter[::-1].copy(), mass, 3, None).covariances
    found = each.estimate(scatter, mass, 3, previous)
    for model, here in zip(models, slices(sizes), strict=True):
        part = scatter[here].sum(axis=0, keepdims=True) if model.shared else scatter[here]
        last = previous if previous is None else previous[here]
        expected = model.estimate(part, mass[here], 3, last).covariances
        np.testing.assert_allclose(
            found.covariances[here],
            np.broadcast_to(expected, scatter[here].shape),
            rtol=1e-6,
            atol=1e-9,
        )
    if found.roots is not None:
        np.testing.assert_allclose(
            found.roots @ found.roots.transpose(0, 2, 1), found.covariances, atol=1e-12
        )
    assert each.n_parameters(sum(sizes), 3) == sum(
        model.n_parameters(K, 3) for model, K in zip(models, sizes, strict=True)
    )


def test_an_m_step_of_ones_own_is_kept():
    class Doubled(VVV):
        def estimate(self, scatter, mass, n_features, previous):
            return super().estimate(2 * scatter, mass, n_features, previous)

    scatter, mass = scatters_of(VVV.storage, (2, 3))
    found = Each((Doubled(), VVV()), (2, 3)).estimate(scatter, mass, 3, None).covariances
    expected = scatter / mass[:, None, None] * np.r_[2, 2, 1, 1, 1][:, None, None]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("code", ["EVI", "VEI", "EVV", "EVE"])
def test_who_collapses_is_named(code):
    model, other = get_model(code), get_model("VVI" if code[2] == "I" else "VVV")
    scatter, mass = scatters_of(model.storage, (2, 1, 3))
    scatter[4] = 0
    with pytest.raises(DegenerateCovariance) as caught:
        Each((model, other, model), (2, 1, 3)).estimate(scatter, mass, 3, None)
    # Where axes are common, it is known of the mixture alone.
    assert caught.value.component in ((3, 4, 5) if code == "EVE" else (4,))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("narrow", [False, True])
def test_summaries_are_those_of_each(narrow, weighted):
    X = clusters(0, 240, 2)[0]
    if narrow:
        X = np.r_[X, X[:1] + 1e-7 * np.random.RandomState(0).normal(size=(40, 2))]
    weight = np.random.RandomState(0).uniform(0.5, 2, size=len(X)) if weighted else None
    problem, codes = problem_of(X, weight=weight), ("VVV", "EEE", "EVV")
    models = [get_model(code) for code in codes]
    mixtures = em.start_abreast(problem, models, starts_of(problem, (3, 1, 5)))
    if narrow:
        parts = [0.8, 0.2], [X.mean(axis=0), X[0]], [np.cov(X.T), 1e-14 * np.eye(2)]
        mixtures[0] = Mixture.from_arrays(*parts)
    found = em.summaries_abreast(problem, models, mixtures)
    for model, mixture, summary in zip(models, mixtures, found, strict=True):
        expected = prediction.summary(mixture, model, problem.rows)
        for field in fields(expected):
            np.testing.assert_allclose(
                getattr(summary, field.name), getattr(expected, field.name), rtol=1e-9, atol=1e-7
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [0.0, 1.0])
def test_rows_are_shared_among_each(dtype, far):
    """Also where a row is so far that its exponentials, below the ceiling, are nothing."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 2)).astype(dtype)
    X[7] += far * np.sqrt(4 * DEPTH[np.dtype(dtype)])
    sizes = (2, 1)
    one = Mixture.from_arrays([0.4, 0.6], [[0, 0], [1, 1]], [np.eye(2), 2 * np.eye(2)])
    other = Mixture.from_arrays([1.0], [[0.5, 0]], [3 * np.eye(2)])
    both = Mixture(
        np.r_[one.weights, other.weights] / 2,
        np.r_[one.means, other.means],
        one.covariances.from_covariances(
            np.r_[one.covariances.dense(), other.covariances.dense()], 2
        ),
    )
    problem = problem_of(X)
    alone = [problem.expect(each) for each in (one, other)]
    together = Problem.of(problem.rows, get_model("VVV"), allocation=Apart(sizes)).expect(both)
    rtol = 1e-12 if dtype == np.float64 else 1e-4
    shared = len(X) * np.log(2)
    np.testing.assert_allclose(
        together.objective + shared, [each.objective for each in alone], rtol=rtol
    )
    for name in ("mass", "first", "second"):
        expected = np.concatenate([getattr(each.moments, name) for each in alone])
        np.testing.assert_allclose(
            getattr(together.moments, name), expected, rtol=rtol, atol=rtol * len(X)
        )
