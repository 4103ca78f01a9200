"""What a compiled rule costs, beside functions written by hand and other rule engines, all for the same rules.

    python benchmarks/compiled.py [--events 2000] [--rounds 25]

Two rules: the classic (1 point per dollar between 50 and 100, 2 points per dollar over 100), and rates (1 point per
dollar, 3 for dining and travel, 50 more from 200 dollars on, times 1.25 and 1.5 for silver and gold members). Amounts
go up to 200 and 400 dollars. All contenders for a rule must give the same points. They take turns, and a ratio is the
median over the rounds of a contender's processor time by that of the function written by hand for this rule alone.
"""

from argparse import ArgumentParser
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import starmap
from random import Random
from statistics import median
from time import process_time_ns
from typing import Any

from earning import ENGINES, by_hand_in_cents, classic

from loyaltycore import Activity, Award, Category, Flat, Member, MinSpend, PerSpend, by_tier

named = PerSpend(1).between(50, 100).named("first") + PerSpend(2).over(100).named("rest")
dining = PerSpend(2).when(Category("dining", "travel"))
rates = (PerSpend(1) + dining + Flat(50).when(MinSpend(200))) * by_tier(silver="1.25", gold="1.5")


def rates_by_hand(cents: int, category: str, tier: str) -> int:
    """Whole cents in, whole points out, no reason why."""
    points = cents
    if category == "dining" or category == "travel":  # noqa: PLR1714 (a set takes longer)
        points += 2 * cents
    if cents >= 20000:
        points += 5000
    if tier == "gold":
        return points * 6 // 400
    if tier == "silver":
        return points * 5 // 400
    return points // 100


@dataclass
class Contender:
    """A function, and what it is given for each event."""

    name: str
    award: Any
    events: list[tuple[Any, ...]]

    def points(self) -> list[int]:
        """The points of all events."""
        return [_points(found) for found in starmap(self.award, self.events)]

    def nanoseconds(self) -> float:
        """The processor's time for one event, over all of them once."""
        start = process_time_ns()
        deque(starmap(self.award, self.events), maxlen=0)
        return (process_time_ns() - start) / len(self.events)


def _points(found: Any) -> int:
    """The points in an answer: an award, a number, numbers of which it is the first, or the tree of an award."""
    if isinstance(found, Award):
        return found.points
    if isinstance(found, str):
        return int(found.split()[0].replace(",", ""))
    return found[0] if isinstance(found, tuple) else found


def classics(random: Random, events: int) -> Iterable[Contender]:
    """For the classic rule; an engine that is not installed is left out, and said so."""
    cents = [random.randint(1, 20000) for _ in range(events)]
    amounts = [(n,) for n in cents]
    activities = [(Activity.purchase(Decimal(n) / 100, at="2026-03-01"),) for n in cents]
    yield Contender("by hand", by_hand_in_cents, amounts)
    yield Contender("rule.compiled()", classic.compiled(), amounts)
    yield Contender("rule.compiled(parts=True)", named.compiled(parts=True), amounts)
    yield Contender("rule.award(activity)", classic.award, activities)
    yield Contender("print(rule.award(activity))", lambda activity: str(classic.award(activity)), activities)
    for package, make in ENGINES.items():
        try:
            yield Contender(package, make(), amounts)
        except ImportError:
            print(f"{package} is not installed and left out")


def all_rates(random: Random, events: int) -> Iterable[Contender]:
    """For the rates."""
    categories, tiers = ("dining", "travel", "fuel", ""), ("", "silver", "gold")
    values = [(random.randint(1, 40000), random.choice(categories), random.choice(tiers)) for _ in range(events)]
    activities = [
        (Activity.purchase(Decimal(n) / 100, at="2026-03-01", category=category), Member(tier=tier))
        for n, category, tier in values
    ]
    yield Contender("by hand", rates_by_hand, values)
    yield Contender("rule.compiled()", rates.compiled(), values)
    yield Contender("rule.award(activity, member)", rates.award, activities)
    yield Contender("print(rule.award(activity, member))", lambda *event: str(rates.award(*event)), activities)


def measured(contenders: list[Contender], rounds: int) -> None:
    """Print what each takes; all must agree first, by which rules are asked often enough to be compiled."""
    expected = contenders[0].points()
    for contender in contenders:
        if contender.points() != expected:
            raise SystemExit(f"{contender.name} gives other points")
    times = [[contender.nanoseconds() for contender in contenders] for _ in range(rounds)]
    for i, contender in enumerate(contenders):
        time = median(row[i] for row in times)
        ratio = median(row[i] / row[0] for row in times)
        print(f"{contender.name:<36}{time:>10,.0f}{ratio:>9.2f}")


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()

    random = Random(1)  # noqa: S311 (amounts, no secrets)
    print(f"{'the classic':<36}{'ns/event':>10}{'ratio':>9}")
    measured(list(classics(random, options.events)), options.rounds)
    print(f"\n{'rates':<36}{'ns/event':>10}{'ratio':>9}")
    measured(list(all_rates(random, options.events)), options.rounds)


if __name__ == "__main__":
    main()
