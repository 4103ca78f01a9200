"""Conditions on when something happened, in the program's zone: a stretch of time, weekdays, hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import reduce
import re
from typing import Any, Final

from attrs import field

from loyaltycore import _show
from loyaltycore._calendar import civil_date, moment, show_moment
from loyaltycore._columns import Columns, Mask, NotLowered
from loyaltycore._exact import whole
from loyaltycore._strategy import STAR, frozen
from loyaltycore.activity import Activity, Member
from loyaltycore.condition import Whole
from loyaltycore.errors import RuleError


def _bound(value: date | datetime | str | None) -> date | datetime | None:
    if isinstance(value, str):
        value = moment(value, "During") if len(value) > len("2026-03-01") else civil_date(value, "During")
    if isinstance(value, datetime) and value.utcoffset() is not None:
        # an instant needs no zone, and Python compares moments of one zone by the clock, which goes back in autumn
        return value.astimezone(timezone(value.utcoffset() or timedelta(0)))
    return None if value is None else value if isinstance(value, datetime) else civil_date(value, "During")


@frozen
class During(Whole):
    """From *start* to *end*, both included: a date end includes its whole day. Either may be `None`.

    Naive bounds are civil time, as the activity's own fields are; an aware bound is an instant and needs an activity
    whose zone is known (aware, or judged by a program).

    >>> fair = During("2026-03-01", "2026-03-31")
    >>> [fair.holds(Activity.purchase(9, at=at), Member()) for at in ("2026-03-31T23:59", "2026-04-01")]
    [True, False]
    """

    kind = "during"

    start: date | datetime | None = field(default=None, converter=_bound)
    end: date | datetime | None = field(default=None, converter=_bound)

    def __attrs_post_init__(self) -> None:
        start, end = self.start, self.end
        if start is not None and end is not None and _zoned(start) == _zoned(end) and _starts_after(start, end):
            raise RuleError(f"During: it ends on {end}, before it starts on {start}; swap them")

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the activity's `at` is within."""
        return (self.start is None or _compare(activity, self.start) >= 0) and (
            self.end is None or _compare(activity, self.end) <= 0
        )

    def _lower(self, columns: Columns) -> Mask:
        engine = columns.engine
        bounds = [(self.start, False), (self.end, True)]
        within = [engine.compared(bound, late=late) for bound, late in bounds if bound is not None]
        if not within:
            raise NotLowered(self)
        return reduce(engine.both, within)

    def is_ahead(self, activity: Activity) -> bool:
        """Whether the activity is before the start."""
        return self.start is not None and _compare(activity, self.start) < 0

    def _code(self) -> _show.Code:
        return _show.call("During", [_show_bound(b) for b in (self.start, self.end)])


def _zoned(bound: date | datetime) -> bool:
    return isinstance(bound, datetime) and bound.tzinfo is not None


def _starts_after(start: date | datetime, end: date | datetime) -> bool:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return start > end
    first, last = (b.date() if isinstance(b, datetime) else b for b in (start, end))
    return first > last


def _compare(activity: Activity, bound: date | datetime) -> int:
    at: Any = activity.at
    limit: Any = bound
    if not isinstance(bound, datetime):
        at = activity.day
    elif bound.tzinfo is None:
        at = at.replace(tzinfo=None)
    elif at.tzinfo is None:
        raise RuleError(
            f"During: {bound.isoformat()} is an instant and the activity's civil time has no zone;"
            " give it one, or judge it by a Program"
        )
    return int((at > limit) - (at < limit))


def _show_bound(bound: date | datetime | None) -> object:
    # midnight as a datetime must keep its time, or it would read back as the whole day
    if isinstance(bound, datetime):
        shown = show_moment(bound)
        return shown if "T" in shown else f"{shown}T00:00"
    return bound


_WEEKDAY_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekday(value: object) -> int:
    if isinstance(value, str):
        names = [name for name in _WEEKDAY_NAMES if value.lower() in (name, name[:3])]
        day = _WEEKDAY_NAMES.index(names[0]) + 1 if names else 0
    else:
        day = whole(value, "OnWeekdays")
    if not 1 <= day <= 7:  # noqa: PLR2004 (days of a week)
        raise RuleError(f"OnWeekdays: {value!r} is no weekday; give 1 (Monday) to 7 (Sunday), or 'mon' to 'sun'")
    return day


@frozen(init=False)
class OnWeekdays(Whole):
    """On these days of the week, as ISO numbers (1 is Monday) or names; on none if none are given.

    >>> OnWeekdays("sat", "sun")
    OnWeekdays(6, 7)
    """

    kind = "on_weekdays"

    days: tuple[int, ...] = field(metadata=STAR)

    def __init__(self, *days: int | str) -> None:
        self.__attrs_init__(tuple(sorted({_weekday(day) for day in days})))

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the civil day is one of them."""
        return activity.at.isoweekday() in self.days

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.on_weekdays(self.days)


_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?", re.ASCII)


def _minutes(value: int | str) -> str:
    """A time of day as `"14:30"`."""
    text = value if isinstance(value, str) else str(whole(value, "InHours"))
    found = _CLOCK.fullmatch(text)
    if found:
        hour, minute = int(found[1]), int(found[2] or 0)
        if hour * 60 + minute <= 24 * 60 and minute < 60:  # noqa: PLR2004 (a clock)
            return f"{hour:02d}:{minute:02d}"
    raise RuleError(f"InHours: {value!r} is no time of day; give an hour 0 to 24 or text such as '14:30'")


@frozen
class InHours(Whole):
    """From one time of day until another, the latter excluded; past midnight if it is the earlier one.

    >>> happy = InHours("16:00", 18)
    >>> [happy.holds(Activity.purchase(9, at=f"2026-03-01T{t}"), Member()) for t in ("16:00", "17:59", "18:00")]
    [True, True, False]
    """

    kind = "in_hours"

    start: str = field(converter=_minutes)
    end: str = field(converter=_minutes)

    def __attrs_post_init__(self) -> None:
        if self.start == self.end:
            raise RuleError(f"InHours: from {self.start} to {self.end} is no time at all; give two different times")

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the civil time of day is within."""
        now = f"{activity.at.hour:02d}:{activity.at.minute:02d}"
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def _lower(self, columns: Columns) -> Mask:
        start, end = (60 * int(hour) + int(minute) for hour, minute in (t.split(":") for t in (self.start, self.end)))
        engine = columns.engine
        if start < end:
            return engine.in_minutes(start, end)
        return engine.negated(engine.in_minutes(end, start))
