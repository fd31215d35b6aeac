"""scikit-learn's callbacks follow a fit, where the installed scikit-learn has them."""

import importlib.util
import pickle
from collections import Counter

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.criteria import Scorer
from gmmem.datasets import load_old_faithful

SUPPORTED = importlib.util.find_spec("sklearn.callback") is not None
RICH = importlib.util.find_spec("rich") is not None
X = load_old_faithful()
GRID = dict(n_components=range(1, 4), covariance_type=["EII", "VVV"], random_state=0)
DENSITY = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")
REPORT = ("converged_", "n_iter_", "lower_bound_", "lower_bounds_")

pytestmark = pytest.mark.filterwarnings("ignore::gmmem.estimators.advice.ChoiceWarning")


class Recorder:
    """Keeps what it is told, and each `fitted_estimator` at the end of the tasks named."""

    def __init__(self, *fitted):
        self.wanted = fitted
        self.told, self.fitted, self.data = [], [], []

    def names(self, what):
        return [name for told, name, _ in self.told if told == what]

    def setup(self, estimator, context):
        self.told.append(("setup", context.task_name, context.task_id))

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.told.append(("end", context.task_name, context.task_id))
        if context.task_name in self.wanted:
            self.fitted.append(fitted_estimator)
            self.data.append((X, y, metadata))
        return self.stop(context)

    def teardown(self, estimator, context):
        self.told.append(("teardown", context.task_name, context.task_id))

    def stop(self, context):
        return None


class PropagatedRecorder(Recorder):
    max_propagation_depth = None


class Stopper(Recorder):
    """Asks to stop at the end of task `number` of its siblings."""

    def __init__(self, name, number):
        super().__init__()
        self.name, self.number = name, number

    def stop(self, context):
        return (context.task_name, context.task_id) == (self.name, self.number)


class Failure(Recorder):
    """Raises as the task ends."""

    def __init__(self, name, error):
        super().__init__()
        self.name, self.error = name, error

    def stop(self, context):
        if context.task_name == self.name and context.task_id == 1:
            raise self.error


def assert_same(one, other, names=DENSITY + REPORT):
    for name in names:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def assert_balanced(told):
    """Tasks are nested, and each begins and ends once."""
    assert told[0][0] == "setup" and told[-1][0] == "teardown"
    stack = []
    for what, *task in told[1:-1]:
        if what == "begin":
            stack.append(task)
        else:
            assert stack.pop() == task
    assert not stack


class CollapsesFirst:
    """An initialiser: from its first answer a component shrinks onto rows that are the same."""

    rows = np.random.RandomState(0).normal(size=(105, 2))
    rows[:50] -= [3, 0]
    rows[50:100] += [3, 0]
    rows[100:] = 20

    def __init__(self):
        self.calls = 0

    def __call__(self, X, n_components, random_state, sample_weight=None):
        self.calls += 1
        if self.calls == 1:
            return (np.arange(len(X)) < 96).astype(int)
        return (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("estimator", [GaussianMixture, GaussianMixtureIC])
def test_fits_without_callbacks_keep_nothing_of_them(estimator):
    model = estimator(2, random_state=0).fit(X)
    assert hasattr(model, "set_callbacks") == SUPPORTED
    assert not [name for name in vars(model) if "callback" in name]
    with pytest.raises(ValueError):
        model.fit(np.full((5, 2), np.nan))
    assert not [name for name in vars(model) if "callback" in name]


def test_warnings_point_to_the_line_that_fits():
    for recorders in [(), (Recorder(),)] if SUPPORTED else [()]:
        model = GaussianMixture(3, max_iter=1, random_state=0)
        if recorders:
            model.set_callbacks(*recorders)
        with pytest.warns(ConvergenceWarning, match="did not converge") as caught:
            model.fit(X)
        assert [warning.filename for warning in caught] == [__file__]


class TestStarts:
    __test__ = SUPPORTED

    def test_tasks_are_starts_and_iterations(self):
        recorder = Recorder()
        model = GaussianMixture(3, n_init=3, random_state=0).set_callbacks(recorder).fit(X)
        assert_balanced(recorder.told)
        expected = Counter(fit=1, start=3, iteration=sum(map(len, model.start_lower_bounds_)))
        assert Counter(recorder.names("end")) == expected

    @pytest.mark.parametrize("params", [{}, {"max_iter": 0}, {"verbose": 2, "n_init": 2}])
    def test_the_fit_is_the_same(self, params, capsys):
        model = GaussianMixture(3, random_state=0, **params)
        followed = clone(model).set_callbacks(Recorder("fit", "start", "iteration")).fit(X)
        printed = capsys.readouterr().out
        assert_same(followed, model.fit(X))
        assert printed.count("\n") == capsys.readouterr().out.count("\n")

    @pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEV"])
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_fitted_estimator_is_the_fit_so_far(self, covariance_type):
        recorder = Recorder("iteration")
        model = GaussianMixture(2, covariance_type=covariance_type, random_state=0)
        clone(model).set_callbacks(recorder).fit(X)
        for number, fitted in enumerate(recorder.fitted, 1):
            short = clone(model).set_params(max_iter=number).fit(X)
            assert_same(fitted, short, (*DENSITY, "n_iter_", "lower_bounds_"))
            np.testing.assert_array_equal(fitted.predict(X), short.predict(X))
        assert recorder.fitted[0].start_lower_bounds_ == [recorder.fitted[0].lower_bounds_]

    def test_fitted_estimator_of_a_start_is_the_best_so_far(self):
        recorder = Recorder("start", "fit")
        model = GaussianMixture(3, n_init=4, init_params="random_from_data", random_state=0)
        model.set_callbacks(recorder).fit(X)
        bounds = [history[-1] for history in model.start_lower_bounds_]
        best = [fitted.lower_bound_ for fitted in recorder.fitted]
        assert best == [*np.maximum.accumulate(bounds), model.lower_bound_]
        assert_same(recorder.fitted[-1], model)

    def test_data_is_what_was_fitted(self):
        recorder, weight, y = Recorder("iteration", "fit"), np.arange(len(X)), np.zeros(len(X))
        GaussianMixture(2, random_state=0).set_callbacks(recorder).fit(X, y, sample_weight=weight)
        for given, labels, metadata in recorder.data:
            np.testing.assert_array_equal(given, X)
            assert labels is y
            np.testing.assert_array_equal(metadata["sample_weight"], weight)

    @pytest.mark.filterwarnings("error")
    def test_stop_after_an_iteration(self):
        stopper = Stopper("iteration", 2)
        model = GaussianMixture(3, n_init=2, tol=1e-6, random_state=0).set_callbacks(stopper)
        model.fit(X)
        assert_balanced(stopper.told)
        assert [len(history) for history in model.start_lower_bounds_] == [3, 3]
        assert model.n_iter_ == 3 and not model.converged_

    def test_stop_after_a_start(self):
        stopper = Stopper("start", 1)
        model = GaussianMixture(3, n_init=10, random_state=0).set_callbacks(stopper).fit(X)
        assert_balanced(stopper.told)
        assert len(model.start_lower_bounds_) == 2
        assert_same(model, GaussianMixture(3, n_init=2, random_state=0).fit(X))

    def test_a_degenerate_start_ends_too(self):
        recorder, start = Recorder("start"), CollapsesFirst()
        model = GaussianMixture(2, init_params=start, reg_covar=0, n_init=2, tol=1e-6)
        model.set_callbacks(recorder).fit(start.rows)
        assert_balanced(recorder.told)
        first, second = model.start_lower_bounds_
        assert len(recorder.names("end")) == 3 + len(first) + 1 + len(second)
        assert recorder.fitted[0] is None
        assert recorder.fitted[1].lower_bounds_ == second

    def test_a_fit_that_fails_is_torn_down(self):
        recorder, start = Recorder(), CollapsesFirst()
        model = GaussianMixture(2, init_params=start, reg_covar=0).set_callbacks(recorder)
        with pytest.raises(ValueError, match="Increase reg_covar"):
            model.fit(start.rows)
        assert [told[:2] for told in recorder.told[-2:]] == [("end", "start"), ("teardown", "fit")]
        assert not hasattr(model, "_callback_fit_ctx")

    def test_warm_start_is_one_start(self):
        recorder = Recorder("iteration")
        model = GaussianMixture(3, tol=1e-2, n_init=3, warm_start=True, random_state=0).fit(X)
        before = model.lower_bound_
        model.set_params(tol=1e-5).set_callbacks(recorder).fit(X)
        assert recorder.names("end").count("start") == 1
        assert recorder.fitted[0].lower_bound_ > before
        assert recorder.fitted[-1].n_iter_ == model.n_iter_

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_an_interrupt_leaves_what_em_had_come_to(self):
        failure = Failure("iteration", KeyboardInterrupt())
        model = GaussianMixture(2, tol=0, random_state=0).set_callbacks(failure)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X)
        assert failure.told[-1][0] == "teardown"
        assert not hasattr(model, "_callback_fit_ctx")
        assert model.converged_ is False and model.n_iter_ > 0
        assert model.predict(X).shape == (len(X),)

    def test_a_callback_that_fails_leaves_the_estimator_as_it_was(self):
        model = GaussianMixture(2, random_state=0).fit(X)
        before = dict(vars(model))
        failure = Failure("iteration", RuntimeError("mine"))
        model.set_callbacks(failure)
        with pytest.raises(RuntimeError):
            model.fit(X[::2])
        assert failure.told[-1][0] == "teardown"
        model.set_callbacks()
        assert vars(model) == before

    def test_what_a_callback_does_to_its_copy_stays_there(self):
        class Vandal(Recorder):
            def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
                if fitted_estimator is not None:
                    for name, value in vars(fitted_estimator).items():
                        if name.endswith("_") and isinstance(value, np.ndarray):
                            value += 100
                        if name.endswith("_") and isinstance(value, list):
                            value.clear()

        for estimator in (GaussianMixture(2, random_state=0), GaussianMixtureIC(**GRID)):
            plain = clone(estimator).fit(X)
            assert_same(estimator.set_callbacks(Vandal()).fit(X), plain)

    def test_data_refused_are_no_task(self):
        recorder = Recorder()
        with pytest.raises(ValueError, match="n_components = 9"):
            GaussianMixture(9).set_callbacks(recorder).fit(X[:5])
        assert recorder.told == []


class TestSearch:
    __test__ = SUPPORTED

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_tasks_are_candidates(self, n_jobs):
        recorder = Recorder("candidate", "fit")
        search = GaussianMixtureIC(n_jobs=n_jobs, **GRID).set_callbacks(recorder).fit(X)
        assert_balanced(recorder.told)
        assert Counter(recorder.names("end")) == Counter(fit=1, candidate=6)
        assert_same(search, GaussianMixtureIC(**GRID).fit(X))
        scores = [fitted.best_score_ for fitted in recorder.fitted]
        best = np.minimum.accumulate(search.results_["bic"])
        assert scores == [*best, search.best_score_]
        sizes = [len(fitted.results_["bic"]) for fitted in recorder.fitted]
        assert sizes == [1, 2, 3, 4, 5, 6, 6]
        assert np.isfinite(recorder.fitted[0].score(X))

    def test_nothing_is_fitted_until_a_candidate_is_usable(self):
        recorder = Recorder("candidate")
        rows = X[:4]
        search = GaussianMixtureIC([4, 1], covariance_type="VVV", init_params="kmeans")
        search.set_callbacks(recorder).fit(rows)
        assert recorder.fitted[0] is None
        assert recorder.fitted[1].n_components_ == 1

    @pytest.mark.parametrize("n_jobs", [None, 2])
    @pytest.mark.filterwarnings("error")
    def test_stop_keeps_what_is_there(self, n_jobs):
        search = GaussianMixtureIC(n_jobs=n_jobs, warm_start=True, **GRID)
        stopper = Stopper("candidate", 3)
        search.set_callbacks(stopper).fit(X)
        assert_balanced(stopper.told)
        assert len(search.results_["bic"]) == 4
        # Those that are there already are no tasks.
        recorder = Recorder()
        search.set_callbacks(recorder).fit(X)
        assert Counter(recorder.names("end")) == Counter(fit=1, candidate=2)
        assert_same(search, GaussianMixtureIC(**GRID).fit(X))

    def test_an_interrupt_keeps_what_is_there(self):
        failure = Failure("candidate", KeyboardInterrupt())
        search = GaussianMixtureIC(**GRID).set_callbacks(failure)
        with pytest.raises(KeyboardInterrupt):
            search.fit(X)
        assert failure.told[-1][0] == "teardown"
        assert len(search.results_["bic"]) == 2
        assert not hasattr(search, "_callback_fit_ctx")

    def test_a_callback_that_fails_leaves_the_search_as_it_was(self):
        search = GaussianMixtureIC(**GRID).fit(X)
        before = dict(vars(search))
        with pytest.raises(RuntimeError):
            search.set_callbacks(Failure("candidate", RuntimeError("mine"))).fit(X[::2])
        search.set_callbacks()
        assert vars(search) == before


class TestAsInScikitLearn:
    __test__ = SUPPORTED

    @pytest.mark.parametrize("estimator", [GaussianMixture, GaussianMixtureIC])
    def test_clone_shares_and_pickle_copies(self, estimator):
        recorder = Recorder()
        model = estimator(2, random_state=0).set_callbacks(recorder)
        clone(model).fit(X)
        assert recorder.names("teardown") == ["fit"]
        model.fit(X)
        again = pickle.loads(pickle.dumps(model))
        again.fit(X)
        assert recorder.names("teardown") == ["fit"] * 2
        assert_same(again, model)

    @pytest.mark.parametrize("estimator", [GaussianMixture(2), GaussianMixtureIC(2)])
    def test_a_callback_of_a_search_follows_what_it_fits(self, estimator):
        recorder = PropagatedRecorder()
        model = make_pipeline(StandardScaler(), estimator)
        name = model.steps[1][0]
        search = GridSearchCV(model, {f"{name}__random_state": [0, 1]}, cv=2)
        search.set_callbacks(recorder).fit(X)
        assert_balanced(recorder.told)
        inner = {"iteration", "start"} if name == "gaussianmixture" else {"candidate"}
        assert inner < set(recorder.names("end"))
        assert not hasattr(search.best_estimator_[-1], "_skl_callbacks")

    def test_a_callback_of_the_model_follows_each_fit_of_a_search(self):
        recorder = Recorder()
        model = GaussianMixture(random_state=0).set_callbacks(recorder)
        GridSearchCV(model, {"n_components": [1, 2]}, cv=2).fit(X)
        assert len(recorder.names("setup")) == len(recorder.names("teardown")) == 5

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_scoring_monitor(self, n_jobs):
        from sklearn.callback import ScoringMonitor

        monitor, y = ScoringMonitor(scoring={"bic": Scorer("bic")}), np.zeros(len(X))
        model = GaussianMixture(random_state=0).set_callbacks(monitor)
        # Scorers are called where there is a y.
        search = GridSearchCV(model, {"n_components": [1, 2]}, cv=2, n_jobs=n_jobs).fit(X, y)
        found = [row["bic"] for row in monitor.get_logs().data if row["task_name"] == "fit"]
        assert len(found) == 5 and -search.best_estimator_.bic(X) in found

    @pytest.mark.parametrize("estimator", [GaussianMixture(2), GaussianMixtureIC(2, n_jobs=2)])
    def test_progress_bar(self, estimator, capsys):
        from sklearn.callback import ProgressBar

        if RICH:
            estimator.set_callbacks(ProgressBar()).fit(X)
            printed = capsys.readouterr().out
            assert f"{type(estimator).__name__} - fit" in printed and "100%" in printed
        else:
            with pytest.raises(ImportError, match="rich"):
                ProgressBar()
