"""Stages are remembered: none that has ended is done again, however they lie in one another."""

import numpy as np
import pytest

from gmmem.covariances import DegenerateCovariance
from gmmem.estimators.remembered import Remembered
from gmmem.starts.stages import Stages


class Killed(BaseException):
    """Stands for the end of a process."""


class Task:
    """Stages in stages, walks, and one that collapses; each draws a number."""

    def __init__(self, stages, rng):
        self.stages, self.rng, self.done = stages, rng, []

    def draw(self, name):
        self.done.append(name)
        return name, self.rng.randint(1000)

    def collapse(self):
        self.stages.once(self.draw, "before it collapses")
        raise DegenerateCovariance(1, "is flat")

    def walked(self, name, number):
        def step(at):
            return None if len(at) == number else [*at, self.draw(f"{name} {len(at)}")]

        return self.stages.walk(step, [])

    def inner(self):
        first = self.stages.once(self.draw, "inner one")
        return [first, self.walked("inner walk", 2), self.stages.once(self.draw, "inner two")]

    def whole(self):
        once = self.stages.once
        found = [once(self.draw, "one"), self.rng.randint(1000), once(self.inner)]
        with pytest.raises(DegenerateCovariance, match="is flat"):
            once(self.collapse)
        found += [self.walked("walk", 3), self.rng.randint(1000), self.walked("nowhere", 0)]
        return [*found, once(self.draw, "two")]


def begun(records, lives=None, seed=0):
    """The task, killed when it has told so much: what it gave, did, and told, and its generator."""
    told = [records]

    def tell():
        told.append(list(stages.records))
        if len(told) - 1 == lives:
            raise Killed

    rng = np.random.RandomState(seed)
    stages = Remembered(rng, records, tell)
    task, found = Task(stages, rng), None
    try:
        found = stages.once(task.whole)
    except Killed:
        pass
    return found, task.done, told[-1], rng.get_state()


def test_it_goes_on_wherever_it_was_killed():
    rng = np.random.RandomState(0)
    plain = Task(Stages(), rng)
    expected, number = plain.whole(), 0
    assert len(plain.done) == len(set(plain.done)) == 10
    found = None
    while found is None:
        number += 1
        found, done, records, _ = begun([], number)
        if found is None:
            found_then, more, records, drawn = begun(records)
            assert found_then == expected and done + more == plain.done
            np.testing.assert_equal(drawn, rng.get_state())
    assert number > 14 and found == expected and done == plain.done
    assert len(records) == 1  # Those that it was made of are forgotten.
    assert begun(records)[:2] == (expected, [])


def test_it_goes_on_when_it_is_killed_each_time():
    expected = Task(Stages(), np.random.RandomState(0))
    whole, all_done, records, found = expected.whole(), [], [], None
    while found is None:
        found, done, records, _ = begun(records, 1)
        all_done += done
        assert len(done) <= 1
    assert found == whole and all_done == expected.done


def test_a_search_is_under_way_from_its_first_stage_to_its_end():
    rng = np.random.RandomState(0)
    seen = []
    stages = Remembered(rng, [], lambda: seen.append(stages.records[-1].depth > 0))
    stages.once(Task(stages, rng).whole)
    assert seen[-1] is False and all(seen[:-1]) and len(seen) > 10


def test_what_collapsed_collapses_again():
    rng = np.random.RandomState(0)
    stages = Remembered(rng, [], lambda: None)
    for again in (stages, Remembered(rng, stages.records, lambda: None)):
        with pytest.raises(DegenerateCovariance, match="is flat") as raised:
            again.once(Task(again, rng).collapse)
        assert raised.value.component == 1
    assert len(stages.records) == 1
