"""A bounded number of cases and pairs; ``python -m tests.fuzz`` draws thousands."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.__main__ import Run, main
from tests.fuzz.laws import Broken, check
from tests.fuzz.relations import RELATIONS
from tests.fuzz.strategies import cases, plain_code, searches

bounded = settings(
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)


@settings(bounded, max_examples=300)
@given(cases())
def test_a_case_is_fitted_or_refused(case):
    check(case)


# Shrinking takes hundreds of searches: the long run does that.
@settings(bounded, max_examples=8, phases=[Phase.generate])
@given(searches())
def test_a_default_search_is_fitted_or_refused(case):
    check(case)


@pytest.mark.parametrize("name", RELATIONS)
def test_relation(name):
    relation = RELATIONS[name]

    processes = name in ("workers", "order of candidates")

    @settings(bounded, max_examples=2 if processes else 6)
    @given(relation.pairs)
    def holds(pair):
        relation.law(pair)

    holds()


def test_the_long_run_shrinks_what_it_finds_and_goes_on():
    def law(case):
        if case.data.n > 20:
            raise Broken("few rows")
        if case.n_components > 3:
            raise Broken("few components")
        return "fitted"

    run = Run(law, cases())
    run.go(100, 0)
    assert sum(run.endings.values()) + sum(run.met.values()) == 100
    assert run.found.keys() == {"few rows", "few components"}
    assert run.found["few rows"].case.data.n == 21
    assert run.found["few components"].case.n_components == 4
    assert "check(Case(" in plain_code(run.found["few rows"].case)


def test_the_command(capsys):
    assert main(["--cases", "1", "--searches", "0", "--pairs", "0"]) in (0, 1)
    assert "1 cases" in capsys.readouterr().out
