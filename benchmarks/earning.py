"""What one award costs, beside a hand-written function and other rule engines, all for the same rule.

    python benchmarks/earning.py [--events 2000] [--rounds 25]

The rule is the classic: 1 point per dollar between 50 and 100, 2 points per dollar over 100, rounded down. Every
contender is given amounts of up to 200 dollars in the form that suits it best, made ready beforehand; all must give the
same points. Times are the processor's and the rounds are interleaved, so that a busy machine slows all alike; a ratio
is the median over the rounds of a contender's time by the hand-written function's.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
import importlib
import os
from random import Random
from statistics import median
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import process_time_ns
from typing import Any

from loyaltycore import Activity, PerSpend

classic = PerSpend(1).between(50, 100) + PerSpend(2).over(100)


# By hand ------------------------------------------------------------------------------------------------------------


def by_hand_in_cents(cents: int) -> int:
    """The fewest steps there can be: whole cents in, whole points out, no reason why."""
    points = 0
    if cents > 5000:
        points = (cents if cents < 10000 else 10000) - 5000  # noqa: FURB136 (`min` takes longer)
        if cents > 10000:
            points += 2 * (cents - 10000)
    return points // 100


def by_hand_exactly(dollars: Decimal | Fraction) -> int:
    """The same on exact dollars."""
    points = 0
    if dollars > 50:
        points = (dollars if dollars < 100 else 100) - 50  # noqa: FURB136 (as above)
        if dollars > 100:
            points += 2 * (dollars - 100)
    return int(points)


# Other engines: each is handed whole cents, and the same rule in its own form ---------------------------------------


def zen_engine() -> Callable[[int], int]:
    """One expression, compiled beforehand; it computes in Rust, in decimals."""
    zen = importlib.import_module("zen")
    rule = zen.compile_expression(
        "floor(((cents > 5000 ? min([cents, 10000]) - 5000 : 0) + (cents > 10000 ? 2 * (cents - 10000) : 0)) / 100)"
    )
    return lambda cents: int(rule.evaluate({"cents": cents}))


def rule_engine() -> Callable[[int], int]:
    """One expression, parsed beforehand; it computes in Python, in decimals."""
    module = importlib.import_module("rule_engine")
    rule = module.Rule(
        "(cents > 5000 ? (cents < 10000 ? cents : 10000) - 5000 : 0) + (cents > 10000 ? 2 * (cents - 10000) : 0)"
    )
    return lambda cents: int(rule.evaluate({"cents": cents})) // 100


def business_rules() -> Callable[[int], int]:
    """Two conditions as data; what they lead to is Python, as its actions always are."""
    module = importlib.import_module("business_rules")
    actions = importlib.import_module("business_rules.actions")
    variables = importlib.import_module("business_rules.variables")

    class Amount(variables.BaseVariables):
        def __init__(self, cents: int) -> None:
            self._cents = cents

        @variables.numeric_rule_variable
        def cents(self) -> int:
            return self._cents

    class Points(actions.BaseActions):
        def __init__(self, cents: int) -> None:
            self.cents = cents
            self.points = 0

        @actions.rule_action()
        def one_each(self) -> None:
            self.points += min(self.cents, 10000) - 5000

        @actions.rule_action()
        def two_each(self) -> None:
            self.points += 2 * (self.cents - 10000)

    rules = [
        {
            "conditions": {"all": [{"name": "cents", "operator": "greater_than", "value": over}]},
            "actions": [{"name": action, "params": {}}],
        }
        for over, action in ((5000, "one_each"), (10000, "two_each"))
    ]

    def award(cents: int) -> int:
        points = Points(cents)
        module.run_all(rules, Amount(cents), points)
        return points.points // 100

    return award


def json_logic() -> Callable[[int], int]:
    """One expression as data."""
    evaluate = importlib.import_module("json_logic").jsonLogic
    cents = {"var": "cents"}
    first = {"if": [{">": [cents, 5000]}, {"-": [{"min": [cents, 10000]}, 5000]}, 0]}
    rest = {"if": [{">": [cents, 10000]}, {"*": [2, {"-": [cents, 10000]}]}, 0]}
    rule = {"+": [first, rest]}
    return lambda amount: int(evaluate(rule, {"cents": amount})) // 100


ENGINES = {
    "zen-engine": zen_engine,
    "rule-engine": rule_engine,
    "business-rules": business_rules,
    "json-logic-qubit": json_logic,
}


# Measuring ----------------------------------------------------------------------------------------------------------


@dataclass
class Contender:
    """A function, and the events in the form that it takes them."""

    name: str
    award: Callable[[Any], object]
    events: list[Any]


def contenders(cents: list[int]) -> Iterable[Contender]:
    """All there are; an engine that is not installed is left out, and said so."""
    dollars = [Decimal(n) / 100 for n in cents]
    activities = [Activity.purchase(amount, at="2026-03-01") for amount in dollars]
    yield Contender("by hand, on whole cents", by_hand_in_cents, cents)
    yield Contender("by hand, on Decimal dollars", by_hand_exactly, dollars)
    yield Contender("by hand, on Fraction dollars", by_hand_exactly, [Fraction(n, 100) for n in cents])
    yield Contender("rule.award(activity)", lambda activity: classic.award(activity).points, activities)
    yield Contender("print(rule.award(activity))", lambda activity: str(classic.award(activity)), activities)
    for package, make in ENGINES.items():
        try:
            yield Contender(f"{package}, on whole cents", make(), cents)
        except ImportError:
            print(f"{package} is not installed and left out")


def check(all_of_them: list[Contender]) -> None:
    """All give what the hand-written function gives."""
    base = all_of_them[0]
    expected = [base.award(event) for event in base.events]
    for contender in all_of_them:
        got = [contender.award(event) for event in contender.events]
        if not isinstance(got[0], str) and got != expected:
            raise SystemExit(f"{contender.name} gives other points")


def nanoseconds(contender: Contender) -> float:
    """The processor's time for one event, over all of them once."""
    award = contender.award
    start = process_time_ns()
    for event in contender.events:
        award(event)
    return (process_time_ns() - start) / len(contender.events)


def import_milliseconds(package: str, processes: int = 9) -> float:
    """The processor's time to import a package: the median of fresh processes, with bytecode cached as usual."""
    code = f"import time; s = time.process_time(); import {package}; print(time.process_time() - s)"
    with TemporaryDirectory() as cache:
        settings = {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        times = [
            float(subprocess.check_output([sys.executable, "-c", code], env=os.environ | settings, text=True))
            for _ in range(processes + 1)
        ]
    return 1000 * median(times[1:])  # the first fills the cache


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()

    random = Random(1)  # noqa: S311 (amounts, no secrets)
    running = list(contenders([random.randint(1, 20000) for _ in range(options.events)]))
    check(running)
    rounds = [[nanoseconds(contender) for contender in running] for _ in range(options.rounds)]

    print(f"{'':<34}{'ns/event':>10}{'ratio':>9}")
    for i, contender in enumerate(running):
        time = median(row[i] for row in rounds)
        ratio = median(row[i] / row[0] for row in rounds)
        print(f"{contender.name:<34}{time:>10,.0f}{ratio:>9.1f}")
    for package in ("attrs", "loyaltycore"):
        print(f"import {package:<27}{import_milliseconds(package):>10.0f} ms")


if __name__ == "__main__":
    main()
