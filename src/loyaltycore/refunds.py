"""Refunds: how much of what an activity earned is due back, so that partial refunds add up to the full one.

Everything is a share of what was stored when it was earned; today's rules are not asked.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from loyaltycore._exact import EMPTY, Exact, FrozenMap, apportion, divided, floor, share_between, show, tidy
from loyaltycore.activity import Activity, Count, CounterKey, Member, Tally, counts_of
from loyaltycore.awards import Award
from loyaltycore.errors import LoyaltyError, RuleError
from loyaltycore.ledger import Earned, Seen
from loyaltycore.points import Points


def by_line(points: Points, award: Award, activity: Activity, member: Member) -> tuple[int, ...]:
    """The points of each line of a basket, so that lines can be returned one by one; they add up to the award.

    In proportion to what each line would earn alone, else to its amount.
    """
    if len(activity.lines) == 1 or not award.points:
        return ()
    weights = _alone(points, activity, member)
    if not any(weights):
        weights = [max(0, line.amount) for line in activity.lines]
    if not any(weights):
        weights = [1] * len(activity.lines)
    return tuple(apportion(award.points, weights))


def _alone(points: Points, activity: Activity, member: Member) -> list[Exact]:
    """What each line would earn alone; nothing where the rule does not answer for a part of the basket."""
    try:
        return [
            points.earning.award(activity.keeping((line,)), member).exact if line.amount >= 0 else 0
            for line in activity.lines
        ]
    except LoyaltyError:
        return []


def _share_done(seen: Seen, amount: Exact, lines: frozenset[int]) -> Exact:
    """The share of an activity that is refunded; of one without an amount all or nothing."""
    everything = seen.activity.amount
    returned = sum(seen.activity.lines[n].amount for n in lines) + amount
    if len(lines) == len(seen.activity.lines):
        return 1
    return divided(min(max(0, returned), everything), everything) if everything else 0


def dues_of(
    seen: Seen, refund: Exact | None, numbers: tuple[int, ...] | None, count: int | None
) -> tuple[dict[str, int], Exact, frozenset[int]]:
    """The points due back in each unit, and what is refunded now altogether: by amount, and which lines."""
    lines = seen.activity.lines
    amount, gone = seen.amount, seen.lines
    if count is not None:
        return _by_points(seen, count), amount, gone
    if numbers is not None:
        gone = _with_lines(seen, numbers)
    elif refund is None:
        gone = frozenset(range(len(lines)))
    left = tidy(seen.activity.amount - sum(lines[n].amount for n in gone))
    if refund is not None:
        amount = tidy(amount + refund)
        if amount > left:
            raise RuleError(f"amount: {tidy(left - seen.amount)} of the activity is left to refund; give at most that")
    elif numbers is not None and amount > left:
        raise RuleError(f"lines: {show(amount)} was refunded by amount, more than the other lines are; give amount=")
    dues = {}
    for unit, earned in seen.units.items():
        returned = sum(earned.by_line[n] for n in gone) if earned.by_line else earned.points if gone else 0
        rest = earned.points - returned
        share = 0 if not amount else rest if amount >= left else floor(Fraction(rest) * amount / left)
        target = returned + share
        dues[unit] = max(0, target - earned.reversed)
    return dues, amount, gone


def _with_lines(seen: Seen, numbers: tuple[int, ...]) -> frozenset[int]:
    """The lines refunded once these are, too."""
    count = len(seen.activity.lines)
    for n in numbers:
        if n >= count:
            raise RuleError(f"lines: there is no line {n}; the activity has {count}, counted from 0")
        if n in seen.lines:
            raise RuleError(f"lines: line {n} was refunded before; give lines that were not")
    return seen.lines | frozenset(numbers)


def _by_points(seen: Seen, count: int) -> dict[str, int]:
    units = [unit for unit, earned in seen.units.items() if earned.points]
    if len(units) != 1:
        raise RuleError(f"points: the activity earned in {len(units)} units; reverse it by amount or by lines")
    left = seen.units[units[0]].points - seen.units[units[0]].reversed
    if count > left:
        raise RuleError(f"points: {left:,} of what it earned can still be taken back; give at most those")
    return {units[0]: count}


def counts_back(
    seen: Seen, earned: Earned, amount: Exact, gone: frozenset[int], *, first: bool
) -> FrozenMap[CounterKey, Count]:
    """What the refund frees of the counters, as counts below 0: caps, limits, running totals, the activity itself."""
    before, after = _share_done(seen, seen.amount, seen.lines), _share_done(seen, amount, gone)
    back: dict[CounterKey, Count] = {}
    if after == before:
        return EMPTY
    for key, count in earned.counts.items():
        freed: Any
        if isinstance(count, Tally):
            freed = count.scaled(before - after)
        elif isinstance(count, int):
            freed = -share_between(count, before, after, 1)
        else:
            freed = tidy(count * (before - after))
        if freed:
            back[key] = freed
    if first and after == 1 > before:
        back.update((key, -1) for key in counts_of(seen.activity.kind))
    return FrozenMap(back)
