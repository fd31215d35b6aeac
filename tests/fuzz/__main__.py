"""The long run: thousands of cases, and each distinct failure shrunk to a small one.

Hypothesis stops at a failure and shrinks it.  It is then noted, looked for no more, and
the run goes on with the next cases until all are spent.
"""

import argparse
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.laws import Broken, check
from tests.fuzz.relations import RELATIONS, Pair
from tests.fuzz.strategies import cases, plain_code, searches


def signature(error: BaseException) -> str:
    """What tells a failure from another: the law, or the line of the package that raised."""
    if isinstance(error, Broken):
        return error.law
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if "/gmmem/" in f.filename] or frames[-1:]
    place = f"{inside[-1].filename.rpartition('/gmmem/')[2]}, {inside[-1].name}"
    return f"{type(error).__name__} in {place}"


@dataclass
class Found:
    """A distinct failure, the smallest case of it so far, and how often it came."""

    error: BaseException
    case: Any


@dataclass
class Run:
    """Cases seen, and what failed among them."""

    law: Callable[[Any], Any]
    strategy: st.SearchStrategy
    found: dict[str, Found] = field(default_factory=dict)
    endings: Counter = field(default_factory=Counter)
    met: Counter = field(default_factory=Counter)

    def go(self, n_cases: int, first_seed: int) -> None:
        """Draw so many cases, whatever fails."""
        spent, number = 0, first_seed
        while spent < n_cases:
            spent += self._until_a_new_failure(n_cases - spent, number)
            number += 1

    def _until_a_new_failure(self, most: int, number: int) -> int:
        """How many cases were drawn until one failed in a new way, and was shrunk."""
        target, drawn = None, 0

        @seed(number)
        @settings(
            max_examples=most,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            print_blob=False,
        )
        @given(self.strategy)
        def one(case):
            nonlocal target, drawn
            drawn += target is None
            try:
                ending = self.law(case)
            except Exception as error:
                name = signature(error)
                if target is None:
                    self.met[name] += 1
                if name not in self.found and target is None:
                    target = name
                if name == target:
                    self.found[name] = Found(error, case)
                    raise
            else:
                if target is None:
                    self.endings[ending or "held"] += 1

        try:
            one()
        except Exception as error:
            if target is None or signature(error) != target:
                print(f"  (not the same when run again: {target})", file=sys.stderr)
        return max(drawn, 1)

    def report(self, show: Callable[[Any], str]) -> None:
        """Print each failure with its count and the code that shows it."""
        ends = ", ".join(f"{count} {name}" for name, count in self.endings.most_common())
        total = sum(self.endings.values()) + sum(self.met.values())
        broken = f"{sum(self.met.values())} broken, in {len(self.found)} ways"
        print(f"{total} cases: {ends or 'none'}; {broken}\n", flush=True)
        for name, times in self.met.most_common():
            failure = self.found[name]
            print(f"--- {name}   ({times} times)")
            print(f"{type(failure.error).__name__}: {str(failure.error)[:300]}")
            print(show(failure.case), "\n")


def pair_code(name: str, pair: Pair) -> str:
    """What shows a pair that breaks a relation."""
    start = "from tests.fuzz.relations import RELATIONS, Pair"
    return f"{start}\nRELATIONS[{name!r}].law({pair!r})"


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 if every case obeyed every law."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="cases of `laws.check`")
    parser.add_argument("--searches", type=int, default=100, help="default searches")
    parser.add_argument("--pairs", type=int, default=100, help="pairs for each relation")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    broken, began = 0, perf_counter()
    runs = {"cases": (Run(check, cases()), options.cases)}
    runs["default searches"] = Run(check, searches()), options.searches
    for name, relation in RELATIONS.items():
        runs[name] = Run(relation.law, relation.pairs), options.pairs
    for name, (run, number) in runs.items():
        if number:
            print(f"=== {name}", flush=True)
            run.go(number, options.seed)
            run.report(partial(pair_code, name) if name in RELATIONS else plain_code)
            broken += len(run.found)
    print(f"{broken} distinct failures in {perf_counter() - began:.0f} s")
    return min(broken, 1)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
