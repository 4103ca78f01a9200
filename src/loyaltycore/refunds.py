"""Refunds: how much of what an activity earned is due back, so that partial refunds add up to the full one.

Everything is a share of what was stored when it was earned; today's rules are not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from loyaltycore._exact import EMPTY, Exact, FrozenMap, apportion, divided, floor, show, tidy
from loyaltycore.activity import Activity, Count, CounterKey, Line, Member, Tally, counts_of
from loyaltycore.awards import Award
from loyaltycore.earning import EarningRule
from loyaltycore.errors import LoyaltyError, RuleError
from loyaltycore.points import Points
from loyaltycore.records import Earned, Seen


class ByLine(NamedTuple):
    """What each line of a basket brought, so that lines can be returned one by one; nothing of a single line."""

    points: tuple[int, ...] = ()
    """They add up to the award."""
    counts: FrozenMap[CounterKey, tuple[Count, ...]] = EMPTY
    """Those of a counter add up to what it counted; one that cannot be told by line, such as of visits, is left out."""


def by_line(points: Points, award: Award, activity: Activity, member: Member) -> ByLine:
    """The share of each line in what the activity earned and counted.

    In proportion to what each line would earn alone if there were no caps, else to its amount.
    """
    lines = activity.lines
    if len(lines) == 1 or not (award.points or award.counts):
        return ByLine()
    alone = _alone(points.earning, activity, member)
    weights = _weights([one.exact for one in alone], lines)
    counts = {
        key: parts for key, count in award.counts.items() if (parts := _count_by_line(key, count, alone, weights))
    }
    return ByLine(tuple(apportion(award.points, weights)) if award.points else (), FrozenMap(counts))


def weights_of(rule: EarningRule, activity: Activity, member: Member) -> Sequence[Exact]:
    """What the points of an activity are split over its lines in proportion to."""
    return _weights([one.exact for one in _alone(rule, activity, member)], activity.lines)


def _alone(rule: EarningRule, activity: Activity, member: Member) -> list[Award]:
    """What each line would earn alone; nothing where the rule does not answer for a part of the basket."""
    rule = _uncapped(rule)
    try:
        return [
            rule.award(activity.keeping((line,)), member) if line.amount >= 0 else Award(0) for line in activity.lines
        ]
    except LoyaltyError:
        return []


@lru_cache(maxsize=64)
def _uncapped(rule: EarningRule) -> EarningRule:
    return rule._uncapped()


def _weights(found: Sequence[Exact], lines: Sequence[Line]) -> Sequence[Exact]:
    """What is found of each line, else its amount; alike, if there is neither."""
    if any(found):
        return found
    amounts = [max(0, line.amount) for line in lines]
    return amounts if any(amounts) else [1] * len(lines)


def _count_by_line(
    key: CounterKey, count: Count, alone: Sequence[Award], weights: Sequence[Exact]
) -> tuple[Count, ...] | None:
    """What each line has of a counter of points or of a running total; `None` for other counters."""
    found: list[Any] = [one.counts.get(key, 0) for one in alone]
    if isinstance(count, Tally):
        parts = tuple(part or Tally() for part in found)
        return parts if _added_up(parts) == count else None
    if key.what not in ("points", "paid"):
        return None
    shares = found if any(found) else weights
    if isinstance(count, int):
        return tuple(apportion(count, shares))
    return tuple(tidy(count * share / sum(shares)) for share in shares)


def _added_up(tallies: Iterable[Tally]) -> Tally:
    return Tally() + Tally(line for tally in tallies for line in tally.lines)


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


def counts_back(seen: Seen, amount: Exact, gone: frozenset[int]) -> Mapping[str, FrozenMap[CounterKey, Count]]:
    """What the refund frees of each unit's counters, as counts below 0; with the first also of the activity itself."""
    before, after = (seen.amount, seen.lines), (amount, gone)
    back: dict[str, dict[CounterKey, Count]] = {unit: {} for unit in seen.units}
    for unit, earned in seen.units.items():
        for key in earned.counts:
            freed = _freed(seen, earned, key, *before) + -_freed(seen, earned, key, *after)
            if freed != (Tally() if isinstance(freed, Tally) else 0):
                back[unit][key] = freed
    if _share_done(seen, *after) == 1 > _share_done(seen, *before):
        next(iter(back.values())).update((key, -1) for key in counts_of(seen.activity.kind, event=seen.event))
    return {unit: FrozenMap(counts) for unit, counts in back.items()}


def _freed(seen: Seen, earned: Earned, key: CounterKey, amount: Exact, gone: frozenset[int]) -> Any:
    """How much of a counter is free once so much is refunded altogether, by amount and by line."""
    count, parts = earned.counts[key], earned.counts_by_line.get(key)
    if parts is None:
        return _part(count, _share_done(seen, amount, gone))
    returned = [parts[n] for n in gone]
    rest = [part for n, part in enumerate(parts) if n not in gone]
    left = seen.activity.amount - sum(seen.activity.lines[n].amount for n in gone)
    share = 0 if not amount else 1 if amount >= left else divided(amount, left)
    if isinstance(count, Tally):
        return _added_up(returned) + _added_up(rest).scaled(share)
    return sum(returned) + _part(sum(rest), share)


def _part(count: Count, share: Exact) -> Any:
    """A share of a count, of whole ones rounded down."""
    if isinstance(count, Tally):
        return count.scaled(share)
    return floor(count * share) if isinstance(count, int) else tidy(count * share)
