"""Earning rules that count: caps, limits, streaks and rests, and what is judged over the lines of a whole period.

Each counts under the name of the rule inside, by the periods of the calendar. `EarningRule` has a method for each.
"""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, date
from typing import ClassVar, Final

from attrs import evolve, field

from loyaltycore import _show
from loyaltycore._calendar import add_months, days_on
from loyaltycore._columns import LINE, Column, Columns
from loyaltycore._exact import Exact, FrozenMap, floor, whole
from loyaltycore._strategy import as_count, as_points, frozen
from loyaltycore.activity import SEEN, Activity, CounterKey, Member, Tally, add_counts
from loyaltycore.awards import Raw
from loyaltycore.earning import (
    Counted,
    EarningRule,
    _always_asked,
    _each_line,
    _nothing,
    _on,
    _one_by_one,
    counters_of,
)
from loyaltycore.errors import RuleError
from loyaltycore.periods import Calendar, Lifetime, Period, PeriodLike, Span, Word, as_period, counted_period


@frozen
class Cap(Counted):
    """A rule up to so many points; see `EarningRule.cap`."""

    kind = "cap"

    points: Exact = field(converter=as_points)
    per: Period = field(default=Word("activity"), converter=counted_period, kw_only=True)

    @property
    def monotone(self) -> bool:
        """Whether the rule inside is, and one line takes nothing from a counter that the next needs."""
        return self.rule.monotone and not (self.per == Word("line") and counters_of(self.rule))

    def _raw(self, activity: Activity, member: Member) -> Raw:
        if self.per == Word("line"):
            most = ("at most {} a line", self.points)
            return _one_by_one(self.rule, _each_line(activity), activity, member, most, self._capped)
        points, _, _, counts = part = self.rule._raw(activity, member)
        key = self._key("points", activity, member)
        if key is None:
            return self._capped(part)
        room = max(0, self.points - member.counted.get(key, 0))
        due = floor(min(points, room))
        why = ("at most {} per {!r}, of which {} were left", self.points, self.per, room)
        return due, why, (part,), add_counts(counts, {key: due} if due else {})

    def _capped(self, part: Raw) -> Raw:
        points, _, _, counts = part
        return min(points, self.points), ("at most {}", self.points), (part,), counts

    def _uncapped(self) -> EarningRule:
        inside = self.rule._uncapped()
        return evolve(self, rule=inside) if self.per == Word("line") else _Uncapped(inside, per=self.per)

    def _lower(self, columns: Columns) -> Column:
        if self.per == Word("line"):
            return columns.summed(columns.narrowed(LINE).earned(self.rule).up_to(self.points), LINE)
        points = columns.earned(self.rule)
        if isinstance(self.per, Word):
            return points.up_to(self.points)
        return columns.let_through(points, self.points, self.per)

    def _code(self) -> _show.Code:
        per = {} if self.per == Word("activity") else {"per": self.per}
        return _show.method(self.rule, "cap", self.points, **per)


@frozen
class _Uncapped(Counted):
    """What stands in the place of a cap where its room is to be shared out: it counts, and lets everything through."""

    def _raw(self, activity: Activity, member: Member) -> Raw:
        points, why, parts, counts = self.rule._raw(activity, member)
        key = self._key("points", activity, member)
        return points, why, parts, counts if key is None else add_counts(counts, {key: points})

    def _lower(self, columns: Columns) -> Column:
        return columns.earned(self.rule)


@frozen
class Running(Counted):
    """A rule over the lines of a period; see `EarningRule.running`."""

    kind = "running"

    monotone: ClassVar[bool] = False

    def _raw(self, activity: Activity, member: Member) -> Raw:
        lines, paid = (self._key(what, activity, member) for what in ("lines", "paid"))
        if lines is None or paid is None:
            return self.rule._raw(activity, member)
        these = Tally.of(activity)
        so_far: Tally = member.counted.get(lines, Tally()) + these
        before: Exact = member.counted.get(paid, 0)
        # the whole is judged afresh each time, so the counters of rules inside begin at nothing and are not kept
        seen = {key: count for key, count in member.counted.items() if key.what == SEEN}
        points, _, parts, _ = _on(self.rule, so_far.activity(activity), evolve(member, counted=seen), "")
        due = max(0, points - before)
        counts = FrozenMap({lines: these, **({paid: due} if due else {})})
        return due, ("{} so far, less {} paid before", points, before), parts, counts

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "running", per=self.per)


@frozen
class Limit(Counted):
    """A rule so many times a period; see `EarningRule.limit`."""

    kind = "limit"

    n: int = field(converter=as_count)

    monotone: ClassVar[bool] = False

    def _raw(self, activity: Activity, member: Member) -> Raw:
        key = self._key("times", activity, member)
        times = 0 if key is None else member.counted.get(key, 0)
        if times >= self.n:
            return _nothing("nothing: it has earned {} times per {!r} already", times, self.per)
        points, _, _, counts = part = self.rule._raw(activity, member)
        why = ("at most {} times per {!r}, of which {} were left", self.n, self.per, self.n - times)
        return points, why, (part,), add_counts(counts, {key: 1}) if key is not None and points else counts

    def _lower(self, columns: Columns) -> Column:
        _always_asked(self.rule, columns, self)
        points = columns.earned(self.rule)
        late = columns.place(points.more_than(0), self.per).more_than(self.n)
        return columns.pick(late, columns.number(0), points)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "limit", self.n, per=self.per)


@frozen
class EveryNthTime(Counted):
    """A rule every so many times that it would earn; see `EarningRule.every_nth`."""

    kind = "every_nth"

    n: int = field(converter=as_count)
    per: Period = field(default=Lifetime(), converter=counted_period, kw_only=True)

    monotone: ClassVar[bool] = False

    def _raw(self, activity: Activity, member: Member) -> Raw:
        key = self._key("nth", activity, member)
        points, _, _, counts = part = self.rule._raw(activity, member)
        if key is None or not points:
            return part
        place = (member.counted.get(key, 0) % self.n) + 1
        once = FrozenMap({key: 1})
        if place < self.n:
            # what the rule inside counts is counted only when it earns
            return 0, ("nothing yet: time {} of {}", place, self.n), (), once
        return points, ("time {} of {}", place, self.n), (part,), add_counts(counts, once)

    def _lower(self, columns: Columns) -> Column:
        _always_asked(self.rule, columns, self)
        points = columns.earned(self.rule)
        nth = columns.place(points.more_than(0), self.per).is_multiple(self.n)
        return columns.pick(nth, points, columns.number(0))

    def _code(self) -> _show.Code:
        other = {} if self.per == Lifetime() else {"per": self.per}
        return _show.method(self.rule, "every_nth", self.n, **other)


def _row_of(value: PeriodLike) -> Span:
    period = as_period(value)
    if isinstance(period, Span):
        return period
    raise RuleError(f"per: {period!r} has no next one that it is in a row with; give such as 'day', 'week' or 'month'")


@frozen
class InARow(Counted):
    """A rule for every so many periods in a row; see `EarningRule.in_a_row`."""

    kind = "in_a_row"

    n: int = field(converter=as_count)
    per: Span = field(converter=_row_of, kw_only=True)

    monotone: ClassVar[bool] = False

    def _raw(self, activity: Activity, member: Member) -> Raw:
        points, _, _, counts = part = self.rule._raw(activity, member)
        if not points:
            return part
        first, after = self.per.span(activity.day, member)
        here = self._on(first, member)
        once = FrozenMap({here: 1})
        if member.counted.get(here, 0) > 0:
            return 0, ("nothing more: this {!r} is counted already", self.per), (), once
        (before, had), (behind, has) = self._side(first, -1, member), self._side(after, 1, member)
        row, paid = before + 1 + behind, had + has
        # by what the row is and was paid, so the order of arrival never matters, and no day is paid for twice
        if row // self.n <= paid:
            there = max(0, row - self.n * paid)
            return 0, ("nothing yet: {} in a row of {} per {!r}", there, self.n, self.per), (), once
        once = FrozenMap({here: 1, self._on(first, member, "paid"): 1})
        return points, ("{} in a row per {!r}", row, self.per), (part,), add_counts(counts, once)

    def _on(self, first: date, member: Member, what: str = "in a row") -> CounterKey:
        """The counter of the period that begins on that day."""
        return CounterKey(member.unit, self.counter_name or "", f"{what} per {self.per!r}", first.isoformat())

    def _side(self, edge: date, step: int, member: Member) -> tuple[int, int]:
        """How many periods in a row are counted, up to an edge from behind, or from one onwards; how many were paid."""
        counted, like, paid_like = member.counted, self._on(edge, member), self._on(edge, member, "paid")
        length = paid = 0
        while MINYEAR < edge.year < MAXYEAR:
            first, after = self.per.span(days_on(edge, -1) if step < 0 else edge, member)
            day = first.isoformat()
            if counted.get(like._replace(period=day), 0) <= 0:
                break
            paid += counted.get(paid_like._replace(period=day), 0) > 0
            length, edge = length + 1, first if step < 0 else after
        return length, paid

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "in_a_row", self.n, per=self.per)


_DAY: Final = Calendar("day")
_MOST_DAYS: Final = 3_660


def _cool_days(value: int) -> int:
    return whole(value, "days", at_least=0, at_most=_MOST_DAYS)


def _cool_months(value: int) -> int:
    return whole(value, "months", at_least=0, at_most=_MOST_DAYS // 30)


@frozen
class Cooldown(Counted):
    """A rule that rests after it has earned; see `EarningRule.cooldown`."""

    kind = "cooldown"

    per: Period = field(default=_DAY, init=False, repr=False)
    days: int = field(default=0, converter=_cool_days, kw_only=True)
    months: int = field(default=0, converter=_cool_months, kw_only=True)

    monotone: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        if bool(self.days) == bool(self.months):
            raise RuleError("cooldown: give either days or months, as in .cooldown(days=30)")
        super().__attrs_post_init__()

    def _raw(self, activity: Activity, member: Member) -> Raw:
        near = self._near(activity, member)
        if near is not None:
            return near
        points, _, _, counts = part = self.rule._raw(activity, member)
        key = CounterKey(member.unit, self.counter_name or "", "rests", activity.day.isoformat())
        return points, "rested", (part,), add_counts(counts, {key: 1}) if points else counts

    def _rested(self, last: date) -> date:
        """The first day on which it can earn again."""
        return add_months(last, self.months) if self.months else days_on(last, self.days)

    def _near(self, activity: Activity, member: Member) -> Raw | None:
        """That it earned too short a time before, or after an activity that is learnt late."""
        today, counted = activity.day, member.counted
        like = CounterKey(member.unit, self.counter_name or "", "rests", "")
        # a month before the end of a longer one is clamped, so look a few days further
        longest = self.days or (today - add_months(today, -min(self.months, 12 * (today.year - 1)))).days + 3

        def first(step: int, room: int) -> date | None:
            days = (days_on(today, step * n) for n in range(min(longest, room) + 1))
            return next((day for day in days if counted.get(like._replace(period=day.isoformat()), 0) > 0), None)

        last, following = first(-1, (today - date.min).days), first(1, (date.max - today).days)
        if last is not None and self._rested(last) > today:
            return _nothing("nothing: it earned on {}, and rests until {}", last, self._rested(last))
        if following is not None and self._rested(today) > following:
            return _nothing("nothing: it earned on {}, too soon after this", following)
        return None

    def _code(self) -> _show.Code:
        rests = {"days": self.days} if self.days else {"months": self.months}
        return _show.method(self.rule, "cooldown", **rests)
