"""A checkpoint: what is in the file, whose it is, and how a task goes on from it."""

import itertools
import json
import warnings
from functools import partial

import numpy as np
import pytest

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC, Mixture, em
from gmmem.bootstrap import bootstrap, likelihood_ratio_test
from gmmem.covariances import DegenerateCovariance, get_model
from gmmem.covariances.full import Full
from gmmem.covariances.singular import Collapsed, SingularRows
from gmmem.estimators import checkpoint
from gmmem.estimators.encoding import Decoder, Encoder
from gmmem.estimators.following import Following
from gmmem.problem import Problem
from gmmem.sources import Chunks, InMemory
from gmmem.updates import Extrapolated, Plain
from tests.covariances.cases import CODES

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::gmmem.estimators.advice.ChoiceWarning"),
]


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    return np.concatenate([rng.normal(size=(60, 2)) + centre for centre in (0, 2, 4, 7)])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept.npz"


class Killed(BaseException):
    """Stands for a signal that nobody hears."""


@pytest.fixture
def killed_after(monkeypatch):
    """Do something until a file was written so many times."""

    def do(number, task):
        writes, put = itertools.count(1), checkpoint.put

        def put_and_die(path, content):
            put(path, content)
            if next(writes) == number:
                raise Killed

        monkeypatch.setattr(checkpoint, "put", put_and_die)
        try:
            with pytest.raises(Killed):
                task()
        finally:
            monkeypatch.setattr(checkpoint, "put", put)

    return do


def fitted(estimator):
    """What was fitted, but for times."""
    names = [name for name in vars(estimator) if name.endswith("_") and name[0] != "_"]
    return {name: getattr(estimator, name) for name in sorted(names)}


def assert_same(one, other):
    one, other = fitted(one), fitted(other)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if name in ("results_", "best_estimator_"):
            continue
        parts = zip(value, other[name], strict=True) if isinstance(value, tuple) else None
        for a, b in parts or [(value, other[name])]:
            assert np.array_equal(a, b) or a == b, name


FITS = {
    "plain": dict(n_components=4, tol=1e-7),
    "accelerated": dict(n_components=4, tol=1e-9, accelerate=True, init_params="random"),
    "several": dict(n_components=3, n_init=4, init_params="random", max_iter=8),
    # Its start is so near that with a tolerance EM ends before there is anything to kill.
    "auto": dict(n_components=4, n_init="auto", tol=0, max_iter=12),
    "aitken": dict(n_components=4, stopping="aitken", tol=1e-4),
    "inner": dict(n_components=3, covariance_type="VVE", tol=1e-7, prior="regularised"),
    "shared": dict(n_components=3, covariance_type="tied", tol=1e-7, accelerate=True),
    "sphere": dict(n_components=3, covariance_type="spherical", tol=1e-7, reg_covar="auto"),
}


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("after", [1, 5])
def test_a_fit_goes_on_to_the_same_end(X, path, killed_after, name, after):
    params = FITS[name] | dict(random_state=0)
    whole = GaussianMixture(**params).fit(X)
    kept = params | dict(checkpoint=path, checkpoint_every=0)
    killed_after(after, lambda: GaussianMixture(**kept).fit(X))
    assert path.exists()
    starts = []
    model = GaussianMixture(**kept)
    original = em.solve

    def solve(*args, reader, **settings):
        outcome = original(*args, reader=reader, **settings)
        starts.append(len(outcome.solutions))
        return outcome

    em.solve, em_solve = solve, em.solve
    try:
        model.fit(X)
    finally:
        em.solve = em_solve
    assert starts == [params.get("n_init") if name == "several" else 1]
    assert_same(model, whole)
    assert list(path.parent.iterdir()) == []


def test_a_generator_goes_on_where_it_was(X, path, killed_after):
    """What is drawn after a fit is what would have been drawn."""
    params = dict(n_components=3, n_init=3, init_params="random", max_iter=5, tol=0)
    whole = np.random.RandomState(3)
    expected = GaussianMixture(random_state=whole, **params).fit(X)

    def fit():
        rng = np.random.RandomState(3)
        kept = dict(checkpoint=path, checkpoint_every=0)
        return rng, GaussianMixture(random_state=rng, **kept, **params).fit(X)

    killed_after(7, fit)
    rng, model = fit()
    model.random_state, expected.random_state = None, None
    assert_same(model, expected)
    assert rng.randint(2**31) == whole.randint(2**31)


def test_an_unseeded_fit_goes_on(X, path, killed_after):
    """It draws from the generator that the process shares, which is seeded for that (NPY002)."""
    params = dict(n_components=3, n_init=3, init_params="random", max_iter=5, tol=0)
    np.random.seed(5)  # noqa: NPY002
    whole = GaussianMixture(**params).fit(X)
    np.random.seed(5)  # noqa: NPY002
    kept = GaussianMixture(checkpoint=path, checkpoint_every=0, **params)
    killed_after(8, lambda: kept.fit(X))
    np.random.seed(99)  # noqa: NPY002
    assert_same(kept.fit(X), whole)


@pytest.fixture
def passes(monkeypatch):
    """Numbers the E-steps."""
    done, expect = [], Problem.expect
    monkeypatch.setattr(Problem, "expect", lambda *a: (done.append(1), expect(*a))[1])
    return done


def some_missing(X):
    X = X.copy()
    X[::9, 0] = np.nan
    return X


def in_chunks(X):
    """More rows than a search looks at."""
    X = np.tile(X, (60, 1)) + np.linspace(0, 1, 60 * len(X))[:, None]
    return Chunks([X[:10_000], X[10_000:]])


SEARCHES = {
    "from a crowd": (np.copy, dict(random_state=None)),
    "one by one": (np.copy, dict(covariance_type="VVE")),
    "on a subset": (in_chunks, dict(init_params="random")),
    "missing": (some_missing, dict(covariance_type="diag")),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_of_starts_goes_on_from_its_last_stage(X, path, killed_after, passes, name):
    rows, params = SEARCHES[name]
    params = dict(n_components=4, n_init="auto", random_state=0, max_iter=20) | params
    np.random.seed(1)  # noqa: NPY002
    whole, number = GaussianMixture(**params).fit(rows(X)), len(passes)
    kept = GaussianMixture(checkpoint=path, checkpoint_every=0, **params)
    each = []
    for after in (1, 3, 2, 4):
        del passes[:]
        np.random.seed(len(each) + 1)  # noqa: NPY002
        killed_after(after, lambda: kept.fit(rows(X)))
        each.append(len(passes))
    del passes[:]
    assert_same(kept.fit(rows(X)), whole)
    assert not path.exists()
    each.append(len(passes))
    # Each pass was made once, but for those that complete the rows before the first stage.
    again = each[0] if name == "missing" else 0
    assert max(each) < 0.8 * number and again < 10
    assert sum(each) == number + 4 * again


def test_an_interrupted_search_of_starts_goes_on(X, path, passes, monkeypatch):
    params = dict(n_components=4, n_init="auto", random_state=0, covariance_type="VVE")
    whole, number = GaussianMixture(**params).fit(X), len(passes)
    model = GaussianMixture(checkpoint=path, **params)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        interrupting(patched, 100)
        model.fit(X)
    assert path.exists()
    del passes[:]
    assert_same(model.fit(X), whole)
    assert len(passes) < number - 70 and not path.exists()
    # So does one of which the search has ended, and that has not gone on.
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Following, "states", interrupted)
        model.fit(X)
    del passes[:]
    assert_same(model.fit(X), whole)
    assert len(passes) == whole.n_iter_ and not path.exists()


def test_a_search_of_starts_is_written_no_more_often_than_asked(X, path, monkeypatch):
    times, writes = iter(np.arange(0, 1e5, 1.0)), []
    monkeypatch.setattr(checkpoint, "monotonic", lambda: next(times))
    monkeypatch.setattr(checkpoint, "put", lambda path, content: writes.append(len(content)))
    params = dict(n_init="auto", random_state=0, checkpoint=path, max_iter=1)
    GaussianMixture(4, checkpoint_every=0, **params).fit(X)
    stages = len(writes)
    del writes[:]
    GaussianMixture(4, checkpoint_every=8, **params).fit(X)
    # A second passes each time somebody looks at the clock: after each stage, and each write.
    assert 0 < len(writes) <= stages / 8 + 1


def test_a_search_goes_on_to_the_same_end(X, path, killed_after):
    params = dict(n_components=[1, 2, 5], covariance_type=["EII", "VVV", "VEI"], random_state=0)
    whole = GaussianMixtureIC(**params).fit(X)
    for after in (1, 6, 3):
        kept = GaussianMixtureIC(checkpoint=path, checkpoint_every=0, **params)
        killed_after(after, partial(kept.fit, X))
    kept.fit(X)
    assert_same(kept, whole)
    for name, column in whole.results_.items():
        if name != "seconds":
            np.testing.assert_array_equal(kept.results_[name], column)
    assert not path.exists()


def test_finished_candidates_are_kept(X, path, killed_after, monkeypatch):
    params = dict(n_components=[1, 2, 3], covariance_type=["EII"], early_stopping=False)
    from gmmem.estimators import candidates

    # Those of few rows would be fitted at once.
    monkeypatch.setattr(candidates, "MOST_ROWS", 0)
    kept = GaussianMixtureIC(checkpoint=path, checkpoint_every=0, **params)
    killed_after(2, lambda: kept.fit(X))
    advanced, advance = [], candidates.advance
    monkeypatch.setattr(candidates, "advance", lambda *a: (advanced.append(a[0]), advance(*a))[1])
    kept.fit(X)
    assert [point.n_components for point in advanced] == [3]


@pytest.mark.parametrize("seed", [0, None])
def test_replicates_go_on(X, path, killed_after, seed):
    model = GaussianMixture(2, random_state=0).fit(X)
    kept = dict(checkpoint=path, checkpoint_every=0)
    for task in (
        lambda **more: bootstrap(model, X, n_replicates=6, random_state=seed, **more),
        lambda **more: likelihood_ratio_test(X[::4], 1, n_replicates=6, random_state=seed, **more),
    ):
        # Without a seed it draws from the generator that the process shares.
        np.random.seed(1)  # noqa: NPY002
        whole = vars(task())
        np.random.seed(1)  # noqa: NPY002
        killed_after(2, partial(task, **kept))
        killed_after(3, partial(task, **kept))
        np.random.seed(7)  # noqa: NPY002
        for name, value in vars(task(**kept)).items():
            np.testing.assert_array_equal(value, whole[name])
        assert not path.exists()


def test_a_file_of_something_else_is_named(X, path, killed_after):
    kept = dict(checkpoint=path, checkpoint_every=0)
    killed_after(2, lambda: GaussianMixture(3, random_state=0, **kept).fit(X))
    before = path.read_bytes()

    def refused(match, task, *args, **more):
        with pytest.raises(ValueError, match=match):
            task(*args, **more)
        assert path.read_bytes() == before

    for params, named in (
        (dict(n_components=4), "n_components differs"),
        (dict(tol=1e-5, max_iter=7), "max_iter, tol differ"),
        (dict(random_state=1), "random_state differs"),
    ):
        model = GaussianMixture(**(dict(n_components=3, random_state=0) | params), **kept)
        refused(named, model.fit, X)
    model = GaussianMixture(3, random_state=0, **kept)
    refused("the data differs", model.fit, X + 1e-9)
    refused("the data differs", model.fit, X[::-1])
    refused("the data differs", model.fit, X, sample_weight=np.r_[2, np.ones(len(X) - 1)])
    refused("the task", GaussianMixtureIC(3, random_state=0, **kept).fit, X)
    known = GaussianMixture(3, random_state=0).fit(X)
    refused("the task", bootstrap, known, X, n_replicates=3, random_state=0, **kept)
    # What changes no result may change.
    GaussianMixture(3, random_state=0, checkpoint=str(path), checkpoint_every=9).fit(X)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"some text", "half"])
def test_a_damaged_file_is_refused_and_stays(X, path, killed_after, content):
    model = GaussianMixture(3, random_state=0, checkpoint=path, checkpoint_every=0)
    if content == "half":
        killed_after(1, lambda: model.fit(X))
        content = path.read_bytes()[:-100]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint=.* damaged .* remove the file"):
        model.fit(X)
    assert path.read_bytes() == content and not hasattr(model, "weights_")


@pytest.mark.parametrize("damage", ["a part is missing", "another class", "no parts"])
def test_a_file_that_can_be_read_but_not_used_is_refused_and_stays(X, path, killed_after, damage):
    model = GaussianMixture(3, n_init="auto", random_state=0, checkpoint=path, checkpoint_every=0)
    killed_after(2, lambda: model.fit(X))
    with np.load(path) as held:
        parts = dict(held)
    document = json.loads(parts["document"].tobytes())
    if damage == "a part is missing":  # As in a file of before searches were kept.
        document["state"]["dict"] = [
            each for each in document["state"]["dict"] if each[0] != "stages"
        ]
    elif damage == "another class":
        document = json.loads(json.dumps(document).replace("mixture:Mixture", "mixture:Other"))
    else:
        document["state"] = 3
    parts["document"] = np.frombuffer(json.dumps(document).encode(), np.uint8)
    with open(path, "wb") as file:
        np.savez(file, **parts)
    content = path.read_bytes()
    with pytest.raises(ValueError, match=r"checkpoint=.* damaged .* remove the file"):
        model.fit(X)
    assert path.read_bytes() == content and not hasattr(model, "weights_")


def test_a_folder_that_is_not_there(X, path):
    for where in (path.parent / "none" / "kept.npz", path.parent):
        with pytest.raises(ValueError, match="path of a file in a folder that exists"):
            GaussianMixture(2, checkpoint=where).fit(X)
    with pytest.raises(ValueError, match="checkpoint"):
        GaussianMixture(2, checkpoint=7).fit(X)
    with pytest.raises(ValueError, match="checkpoint_every"):
        bootstrap(GaussianMixture(2).fit(X), X, checkpoint=path, checkpoint_every=-1)


def test_a_file_holds_numbers_and_names_alone(X, path, killed_after):
    params = dict(n_components=3, accelerate=True, init_params="random", tol=0, random_state=0)
    model = GaussianMixture(checkpoint=path, checkpoint_every=0, **params)
    killed_after(12, lambda: model.fit(X))
    with np.load(path, allow_pickle=False) as held:
        assert all(held[name].dtype.kind in "fiu" for name in held.files)
        document = json.loads(held["document"].tobytes())
    assert set(document) == {"of", "state"}


def test_it_is_written_no_more_often_than_asked(X, path, monkeypatch):
    times, writes = iter(np.arange(0, 1e5, 1.0)), []
    monkeypatch.setattr(checkpoint, "monotonic", lambda: next(times))
    monkeypatch.setattr(checkpoint, "put", lambda path, content: writes.append(len(content)))
    GaussianMixture(4, tol=0, max_iter=61, checkpoint=path, checkpoint_every=20).fit(X)
    # A second passes each time somebody looks at the clock: after each iteration, and write.
    assert len(writes) == 3


def test_a_full_disk_costs_the_file_and_not_the_fit(X, path, monkeypatch):
    def put(path, content):
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "put", put)
    with pytest.warns(UserWarning, match="was not written: No space left"):
        model = GaussianMixture(3, random_state=0, checkpoint=path, checkpoint_every=0).fit(X)
    assert_same(model, GaussianMixture(3, random_state=0).fit(X))


def test_a_fit_that_fails_has_ended(path):
    X = np.repeat(np.random.RandomState(0).normal(size=(4, 2)), 5, axis=0)
    with pytest.raises(ValueError, match="failed"):
        GaussianMixture(3, reg_covar=0, n_init=3, checkpoint=path, checkpoint_every=0).fit(X)
    assert not path.exists()


def test_rows_that_are_elsewhere_are_told_apart(X, path, killed_after):
    params = dict(n_components=3, random_state=0, tol=1e-6)

    def rows(X):
        return Chunks([X[:100], X[100:]])

    whole = GaussianMixture(**params).fit(rows(X))
    kept = params | dict(checkpoint=path, checkpoint_every=0)
    killed_after(3, lambda: GaussianMixture(**kept).fit(rows(X)))
    with pytest.raises(ValueError, match="the data differs"):
        GaussianMixture(**kept).fit(rows(X * 2))
    assert_same(GaussianMixture(**kept).fit(rows(X)), whole)


def test_a_warm_start_goes_on_from_the_same_model(X, path, killed_after):
    params = dict(n_components=4, max_iter=6, tol=0, random_state=0, warm_start=True)
    whole = GaussianMixture(**params).fit(X).fit(X)
    once = GaussianMixture(**params).fit(X)
    once.set_params(checkpoint=path, checkpoint_every=0)
    killed_after(2, lambda: once.fit(X))
    with pytest.raises(ValueError, match="weights_ differs"):
        GaussianMixture(checkpoint=path, **params).fit(X)
    assert_same(once.fit(X), whole)


# --- an interrupt -----------------------------------------------------------------------------


def interrupting(monkeypatch, at):
    """Ctrl-C in the E-step number `at`."""
    calls, expect = itertools.count(1), Problem.expect

    def interrupted(self, *args):
        if next(calls) == at:
            raise KeyboardInterrupt
        return expect(self, *args)

    monkeypatch.setattr(Problem, "expect", interrupted)


@pytest.mark.parametrize("cls", [GaussianMixture, BayesianGaussianMixture])
def test_an_interrupted_fit_is_usable_and_honest(X, monkeypatch, cls):
    params = dict(n_components=4, tol=0, random_state=0)
    short = cls(max_iter=5, **params).fit(X)
    interrupting(monkeypatch, 6)
    model = cls(max_iter=60, **params)
    with warnings.catch_warnings(record=True) as told, pytest.raises(KeyboardInterrupt):
        warnings.simplefilter("always")
        model.fit(X)
    assert any("interrupted" in str(each.message) for each in told)
    monkeypatch.undo()
    assert model.converged_ is False and model.n_iter_ == 5
    assert_same(model, short)
    assert model.predict(X).shape == (len(X),)


def test_an_interrupt_that_leaves_nothing_changes_nothing(X, monkeypatch):
    model = GaussianMixture(2, random_state=0).fit(X)
    before = dict(vars(model))
    interrupting(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:50])
    assert vars(model) == before


def interrupted(*args, **settings):
    raise KeyboardInterrupt


@pytest.mark.parametrize("at", [60, 200, 300, "first"])
def test_an_interrupted_search_of_starts_leaves_its_best(X, monkeypatch, at):
    model = GaussianMixture(4, n_init="auto", random_state=0, covariance_type="VVE")
    if at == "first":  # The search has ended, and no iteration on all rows.
        monkeypatch.setattr(Following, "states", interrupted)
    else:
        interrupting(monkeypatch, at)
    with warnings.catch_warnings(record=True) as told, pytest.raises(KeyboardInterrupt):
        warnings.simplefilter("always")
        model.fit(X)
    monkeypatch.undo()
    if at == 60:  # There is none yet.
        assert not hasattr(model, "weights_")
        return
    assert any("the best start found so far" in str(each.message) for each in told)
    assert model.converged_ is False and model.n_iter_ == 0 and model.lower_bound_ == -np.inf
    one = GaussianMixture(4, random_state=0, covariance_type="VVE").fit(X)
    assert model.score(X) > one.score(X) - (0.5 if at == 200 else 0.01)
    told = str(model.summary())
    assert "Not converged in 0 iterations." in told and "interrupted before the first" in told


def test_an_interrupted_fit_keeps_the_best_start(X, monkeypatch):
    params = dict(n_components=3, n_init=3, init_params="random", random_state=1, tol=0, max_iter=9)
    first = GaussianMixture(**(params | dict(n_init=1))).fit(X)
    interrupting(monkeypatch, 12)  # In the third iteration of the second start.
    model = GaussianMixture(**params)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert not model.converged_ and len(model.start_lower_bounds_) == 2
    assert model.lower_bound_ == max(each[-1] for each in model.start_lower_bounds_)
    assert model.start_lower_bounds_[0] == first.lower_bounds_


def test_an_interrupted_fit_goes_on(X, path, monkeypatch):
    params = dict(n_components=4, n_init=3, init_params="random", random_state=0, max_iter=10)
    params |= dict(tol=0)
    whole = GaussianMixture(**params).fit(X)
    model = GaussianMixture(checkpoint=path, **params)
    interrupting(monkeypatch, 15)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    monkeypatch.undo()
    assert path.exists()
    assert_same(model.fit(X), whole)
    assert not path.exists()


def test_an_interrupted_search_goes_on(X, path, monkeypatch):
    params = dict(n_components=[1, 2, 3], covariance_type=["EII", "VVV"], random_state=0)
    whole = GaussianMixtureIC(**params).fit(X)
    model = GaussianMixtureIC(checkpoint=path, **params)
    interrupting(monkeypatch, 25)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    monkeypatch.undo()
    assert path.exists() and model.predict(X).shape == (len(X),)
    assert_same(model.fit(X), whole)


# --- values to JSON and arrays, and back ------------------------------------------------------


def there_and_back(value, *args):
    encode = Encoder()
    document = json.loads(json.dumps(encode(value)))
    return Decoder(encode.arrays, *args)(document)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("rule", [Plain(), Extrapolated()])
def test_every_state_comes_back_to_the_last_bit(X, code, rule):
    rows = InMemory(X if len(code) == 3 or code in ("full", "tied", "diag") else X[:, :1])
    problem = Problem.of(rows, get_model(code)).regularised(1e-6)
    rng = np.random.RandomState(0)
    shares = rng.dirichlet(np.ones(3), size=len(X)).T
    start = problem.start(lambda block, workspace: shares[:, block.start :][:, : len(block.X)], 3)
    states = em.states(problem, start, rule)
    for state in itertools.islice(states, 12):
        again = there_and_back(state, problem.kernel)
        one = next(em.states_after(problem, state, rule))
        other = next(em.states_after(problem, again, rule))
        assert one.log_likelihood == other.log_likelihood
        np.testing.assert_array_equal(one.update.means, other.update.means)
        np.testing.assert_array_equal(
            one.update.covariances.covariances, other.update.covariances.covariances
        )


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(6.0).reshape(2, 3).T,
        np.arange(24.0).reshape(2, 3, 4).transpose(0, 2, 1),
        np.arange(24.0).reshape(2, 3, 4)[:, ::-1],
        np.float32([1, np.nan, np.inf]),
        np.array(3.0),
        np.zeros((0, 2)),
        np.array([True, False]),
    ],
)
def test_arrays_come_back_as_they_lay(array):
    again = there_and_back([array, array])
    for each in again:
        np.testing.assert_array_equal(each, array)
        assert each.dtype == array.dtype
    lay = [np.argsort([-abs(step) for step in each.strides], kind="stable") for each in again]
    expected = np.argsort([-abs(step) for step in array.strides], kind="stable")
    assert all(np.array_equal(each, expected) for each in lay)


def test_values_come_back():
    mixture = Mixture.from_arrays([0.4, 0.6], [[1.0], [2.0]], [[[1.0]], [[2.0]]])
    errors = [
        DegenerateCovariance(2, "is flat"),
        Collapsed(1, "is flat", np.ones(2), np.array([0.0, 1.0])),
        SingularRows(np.array([1.0, -1.0])),
    ]
    for error in errors:
        again = there_and_back(error)
        assert type(again) is type(error) and str(again) == str(error)
    solution = em.Solution(mixture, em.Status.MAX_ITER, [-1.5, float("-inf")], errors[1])
    again = there_and_back(solution)
    assert again.status is em.Status.MAX_ITER and again.history == [-1.5, float("-inf")]
    assert isinstance(again.mixture.covariances, Full)
    state = np.random.RandomState(3).get_state(legacy=False)
    rng = np.random.RandomState()
    rng.set_state(there_and_back(state))
    assert rng.randint(2**31) == np.random.RandomState(3).randint(2**31)
    assert there_and_back({1: (2, [None, True, "x"]), "a": np.int64(3)}) == {
        1: (2, [None, True, "x"]),
        "a": 3,
    }


@pytest.mark.parametrize("value", [object(), print, np.array([object()]), {1, 2}])
def test_what_is_no_value_is_not_written(value):
    with pytest.raises(TypeError, match="cannot be kept"):
        Encoder()(value)


@pytest.mark.parametrize(
    "name",
    ["os:system", "subprocess:Popen", "builtins:eval", "gmmem.em:solve", "gmmem.mixture:np", "x"],
)
def test_a_file_can_name_no_other_class(name):
    with pytest.raises(ValueError, match="no value of gmmem"):
        Decoder([])({"class": name, "fields": {}})
