"""Early stopping of candidates: the winner stays, and what is near it is fitted to its end."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from gmmem import GaussianMixtureIC
from gmmem.datasets import load_old_faithful
from gmmem.displays import CriterionDisplay
from gmmem.estimators.race import FIRST, MARGIN, race

pytestmark = pytest.mark.filterwarnings("ignore::gmmem.estimators.advice.ChoiceWarning")


class Runners:
    """Candidates with a known path: values fall to their ends, and may fail there."""

    def __init__(self, paths, gains):
        self.paths, self.gains = paths, gains
        self.at = dict.fromkeys(paths, 0)

    def run(self, points, until):
        for point in points:
            path = self.paths[point]
            self.at[point] = min(until, len(path))
            yield point, path[-1] if until >= len(path) else None

    def stop(self, points):
        return [(point, None) for point in points]

    def hopes(self, point):
        value = self.paths[point][self.at[point] - 1]
        return value, value - self.gains[point]

    def raced(self, best=np.inf):
        return dict(
            race(self.paths, self.run, self.stop, lambda ended: ended, self.hopes, 1000, best)
        )


def falling(start, end, length):
    return list(np.linspace(start, end, length))


def test_what_cannot_win_is_stopped_and_what_can_is_not():
    paths = {
        "short": falling(50, 40, 5),
        "winner": falling(60, 10, 200),
        "hopeless": falling(500, 490, 300),
        "near": falling(30, 19, 300),
    }
    runners = Runners(paths, {"short": 0, "winner": 100, "hopeless": 20, "near": 15})
    assert runners.raced() == {"short": 40, "winner": 10, "hopeless": None, "near": 19}
    assert runners.at["hopeless"] == FIRST


def test_a_leader_that_fails_stops_nobody():
    paths = {
        "collapses": [*falling(0, -1000, 99), np.nan],
        "sound": falling(100, 90, 100),
        "other": falling(101, 95, 100),
    }
    runners = Runners(paths, {"collapses": 5000, "sound": 5, "other": 1})
    raced = runners.raced()
    assert np.isnan(raced["collapses"])
    assert raced["sound"] == 90
    assert raced["other"] == 95


def test_a_value_from_before_counts():
    paths = {"a": falling(100, 90, 100), "b": falling(24, 20, 100)}
    runners = Runners(paths, {"a": 1, "b": 1})
    assert runners.raced(best=15.0) == {"a": None, "b": 20}


@pytest.mark.parametrize("criterion", ["bic", "aicc", "icl", "clc", "nec"])
@pytest.mark.parametrize("load", [load_old_faithful, lambda: load_iris().data])
def test_the_choice_is_that_of_the_whole_search(load, criterion):
    X = load()
    grid = dict(
        n_components=range(1, 7),
        covariance_type=["EII", "VII", "EEE", "VEV", "VVV"],
        criterion=criterion,
    )
    whole = GaussianMixtureIC(early_stopping=False, **grid).fit(X)
    raced = GaussianMixtureIC(**grid).fit(X)
    assert raced.best_index_ == whole.best_index_
    # With others in the same passes, or without: equal but for rounding.
    assert raced.lower_bounds_ == pytest.approx(whole.lower_bounds_, abs=1e-8)
    assert raced.best_score_ == pytest.approx(whole.best_score_, abs=1e-6)
    stopped = raced.results_["status"] == "stopped"
    if criterion == "bic":
        assert stopped.any()
        assert raced.results_["n_iter"].sum() < 0.9 * whole.results_["n_iter"].sum()
    # What was stopped is a bound, and so far off that it is no matter.
    likely = "log_likelihood"
    assert (raced.results_[likely][stopped] <= whole.results_[likely][stopped] + 1e-9).all()
    assert (whole.results_[criterion][stopped] > whole.best_score_ + MARGIN).all()
    same = ~stopped
    expected = whole.results_[criterion][same]
    np.testing.assert_allclose(raced.results_[criterion][same], expected, rtol=1e-7)


def test_any_number_of_processes_stops_the_same():
    X = load_iris().data
    grid = dict(n_components=range(1, 6), covariance_type=["EEE", "VEV", "VVI"])
    one, two = (GaussianMixtureIC(n_jobs=n, **grid).fit(X).results_ for n in (1, 2))
    assert (one["status"] == "stopped").any()
    for key in set(one) - {"seconds"}:
        np.testing.assert_array_equal(one[key], two[key])


def test_stopped_candidates_say_so_and_are_drawn():
    search = GaussianMixtureIC(range(1, 7)).fit(load_old_faithful())
    stopped = search.results_["status"] == "stopped"
    assert 0 < stopped.sum() < len(stopped)
    assert all("could not win" in each for each in search.results_["reason"][stopped])
    display = CriterionDisplay.from_estimator(search)
    assert len(display.stopped_.get_xdata()) == stopped.sum()
    whole = GaussianMixtureIC(range(1, 4), early_stopping=False).fit(load_old_faithful())
    assert CriterionDisplay.from_estimator(whole).stopped_ is None


def test_a_wider_grid_keeps_what_was_stopped():
    X = load_iris().data
    search = GaussianMixtureIC(range(1, 6), covariance_type=["EEE", "VEV"], warm_start=True)
    first = search.fit(X).results_
    again = search.set_params(covariance_type=["EEE", "VEV", "VVV"]).fit(X)
    kept = again.results_["covariance_type"] != "VVV"
    np.testing.assert_array_equal(again.results_["status"][kept], first["status"])
    fresh = GaussianMixtureIC(range(1, 6), covariance_type=["EEE", "VEV", "VVV"]).fit(X)
    assert again.best_score_ == pytest.approx(fresh.best_score_, rel=1e-12)
