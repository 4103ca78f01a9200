"""Periods: over what stretch a cap, a limit or a running total counts, and a tier's window reaches.

A period names the stretch that an activity falls in; the name is part of the counter's key, so a new month simply has
a new counter. In arguments a word will do: `"activity"`, `"line"`, `"day"`, `"week"`, `"month"`, `"quarter"`,
`"year"`, `"ever"`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, TypeAlias

from attrs import field

from loyaltycore._calendar import add_months, days_on, month_day, on_day
from loyaltycore._columns import Columns, Key, NotLowered
from loyaltycore._exact import whole
from loyaltycore._show import Code, code_of
from loyaltycore._strategy import Strategy, check_finished, frozen, is_name
from loyaltycore.activity import Activity, Member
from loyaltycore.errors import RuleError

LONGEST: Final = 1_000
"""Years, or periods, that are counted at most, on or back: dates end with the year 9999, and more is a slip."""

CALENDAR_UNITS: Final = ("day", "week", "month", "quarter", "year")
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_PLAIN_STARTS: Final = {"week": 1, "month": 1, "quarter": "01-01", "year": "01-01"}


@frozen
class Period(Strategy):
    """Base of periods. Implement `key`."""

    @abstractmethod
    def key(self, activity: Activity, member: Member) -> str:
        """A text that is the same for all activities of one stretch and differs between stretches."""


PeriodLike: TypeAlias = Period | str | Sequence[Period | str]
"""What may be given where a period is wanted: one, its word, or several of either."""


@frozen
class Span(Period):
    """Base of periods that are a stretch of days. Implement `span`."""

    @abstractmethod
    def span(self, day: date, member: Member) -> tuple[date, date]:
        """The first day of the stretch that *day* falls in, and the first day after it."""

    def key(self, activity: Activity, member: Member) -> str:
        """The kind of stretch and its first day."""
        return f"{self._stretch} {self.span(activity.day, member)[0].isoformat()}"

    @property
    def _stretch(self) -> str:
        # a month and a year may begin on the same day, and must not share a counter
        return self.kind


@frozen
class Word(Period):
    """`"activity"` or `"line"`: no counter is needed, each is judged alone."""

    kind = "word"

    word: str

    def __attrs_post_init__(self) -> None:
        if self.word not in ("activity", "line"):
            raise RuleError(f"word: {self.word!r} is no period of one activity; give 'activity' or 'line'")

    def key(self, activity: Activity, member: Member) -> str:
        """Nothing is counted over one activity."""
        return ""

    def _code(self) -> Code:
        return Code(repr(self.word))


@frozen
class Calendar(Span):
    """A calendar stretch: day, week, month, quarter or year, which may start elsewhere than the calendar's.

    *starts* is `"03-01"` for a year or a quarter that starts on 1 March (a quarter also every three months from
    there), a day 1 to 31 for a month (the last day in shorter months), an ISO weekday 1 to 7 for a week.

    >>> member, at = Member(), Activity.purchase(1, at="2026-02-28")
    >>> Calendar("year", starts="03-01").key(at, member), Calendar("month").key(at, member)
    ('year 2025-03-01', 'month 2026-02-01')
    """

    kind = "calendar"

    unit: str = field()
    starts: Any = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.unit not in CALENDAR_UNITS:
            raise RuleError(f"unit: {self.unit!r} is no calendar unit; give one of {', '.join(CALENDAR_UNITS)}")
        if self.starts is None:
            return
        if self.unit in ("year", "quarter"):
            month_day(self.starts, "starts")
        elif self.unit == "day":
            raise RuleError("starts: a day starts at its first moment; leave starts out")
        else:
            first, last = whole(self.starts, "starts"), 7 if self.unit == "week" else 31
            if not 1 <= first <= last:
                raise RuleError(f"starts: {first} is no day of a {self.unit}; give 1 to {last}")
            object.__setattr__(self, "starts", first)  # it may have been given as text
        if self.starts == _PLAIN_STARTS[self.unit]:  # the same stretches must not be two periods
            object.__setattr__(self, "starts", None)

    def span(self, day: date, member: Member) -> tuple[date, date]:
        """The stretch that *day* falls in."""
        if self.unit == "day":
            return day, days_on(day, 1)
        if self.unit == "week":
            first = days_on(day, -((day.isoweekday() - (self.starts or 1)) % 7))
            return first, days_on(first, 7)
        months = _MONTHS[self.unit]
        if self.unit == "month":
            month, start = 1, self.starts or 1
        else:
            month, start = month_day(self.starts or "01-01", "starts")
        return _months_from(day, months, month, start)

    def _lower(self, columns: Columns) -> tuple[Key, ...]:
        if self.unit in ("day", "week"):
            return (columns.engine.days(1 if self.unit == "day" else 7, self.starts or 1),)
        if self.starts is not None:
            raise NotLowered(self)
        return (columns.engine.months(_MONTHS[self.unit]),)

    @property
    def _stretch(self) -> str:
        return self.unit

    def _code(self) -> Code:
        # as an argument, where it is seen most, the plain period is a word
        return Code(repr(self.unit)) if self.starts is None else super()._code()


@lru_cache(maxsize=4096)
def _months_from(day: date, months: int, month: int, start: int) -> tuple[date, date]:
    """The stretch of so many months around `day` among those that start on that day of that month."""
    back = (day.month - month) % months
    first = on_day(*_month(day.year, day.month - back), start)
    if first > day:
        first = on_day(*_month(first.year, first.month - months), start)
    return first, on_day(*_month(first.year, first.month + months), start)


def _month(year: int, month: int) -> tuple[int, int]:
    years, rest = divmod(month - 1, 12)
    return year + years, rest + 1


@frozen
class MembershipYear(Span):
    """A year from the day the member joined; one who joined on 29 February has it on the 28th in other years.

    >>> MembershipYear().span(date(2026, 3, 4), Member(joined="2024-03-05"))
    (datetime.date(2025, 3, 5), datetime.date(2026, 3, 5))
    """

    kind = "membership_year"

    def span(self, day: date, member: Member) -> tuple[date, date]:
        """The membership year that *day* falls in."""
        if member.joined is None:
            raise RuleError(
                "MembershipYear counts from the day the member joined; give Member(joined=...), or"
                " program.account(id, joined=...)"
            )
        years = day.year - member.joined.year
        if add_months(member.joined, 12 * years) > day:
            years -= 1
        return add_months(member.joined, 12 * years), add_months(member.joined, 12 * (years + 1))


@frozen
class Lifetime(Period):
    """All time; as an argument `"ever"`."""

    kind = "lifetime"

    def key(self, activity: Activity, member: Member) -> str:
        """One stretch for everything."""
        return "ever"

    def _lower(self, columns: Columns) -> tuple[Key, ...]:
        return ()

    def _code(self) -> Code:
        return Code("'ever'")


@frozen
class Each(Period):
    """One counter for each value of a fact, such as each ticket; an activity without the fact is counted alone.

    >>> Each("ticket").key(Activity.flight(at="2026-03-01", ticket="T1"), Member())
    "ticket='T1'"
    """

    kind = "each"

    fact: str = field(validator=is_name)

    def key(self, activity: Activity, member: Member) -> str:
        """The fact and its value."""
        value = activity.fact(self.fact)
        return "" if value is None else f"{self.fact}={value!r}"

    def _lower(self, columns: Columns) -> tuple[Key, ...]:
        return (columns.engine.values(columns.agreed(self.fact)),)


def _periods(value: Iterable[PeriodLike]) -> tuple[Period, ...]:
    periods = tuple(map(as_period, value))
    if len(periods) < 2:  # noqa: PLR2004 (several)
        raise RuleError("periods: give at least two; one stands by itself")
    return periods


@frozen
class Every(Period):
    """Several periods at once, written as a tuple: `per=("month", Each("store"))` counts per month and store."""

    kind = "every"

    periods: tuple[Period, ...] = field(converter=_periods)

    def key(self, activity: Activity, member: Member) -> str:
        """All the keys; empty, so counted alone, where one is."""
        keys = [period.key(activity, member) for period in self.periods]
        return " & ".join(keys) if all(keys) else ""

    def _lower(self, columns: Columns) -> tuple[Key, ...]:
        return tuple(key for period in self.periods for key in columns.stretch(period))

    def _code(self) -> Code:
        return code_of(self.periods)


# Windows: they say how far back a tier looks, and name no stretch ----------------------------------------------------


@frozen
class Window(Period):
    """Base of the periods that only a tier's window can be: they move with every question."""

    def key(self, activity: Activity, member: Member) -> str:
        """There is none: a window is no stretch with a beginning that stays."""
        raise RuleError(f"{self!r} is a window for tiers and cannot be counted per; give a calendar period")


def _months(value: int) -> int:
    return whole(value, "months", at_least=0, at_most=LONGEST * 12)


def _days(value: int) -> int:
    return whole(value, "days", at_least=0, at_most=LONGEST * 366)


@frozen
class Rolling(Window):
    """The last so many months or days: after the same moment then, up to and with this one."""

    kind = "rolling"

    months: int = field(default=0, converter=_months, kw_only=True)
    days: int = field(default=0, converter=_days, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if bool(self.months) == bool(self.days):
            raise RuleError("Rolling: give either months or days, as in Rolling(months=12)")


@frozen
class TierTerm(Window):
    """Since the tier held now was reached or last kept; for who has none, since the last one was lost, if ever."""

    kind = "tier_term"


@frozen
class Balance(Window):
    """No window at all: what is available now, which redeeming lowers."""

    kind = "balance"


_WORDS: Final[dict[str, Period]] = {
    "activity": Word("activity"),
    "line": Word("line"),
    **{unit: Calendar(unit) for unit in CALENDAR_UNITS},
    "ever": Lifetime(),
}


def as_period(value: PeriodLike) -> Period:
    """A period from a period, its word, or a tuple of either."""
    if isinstance(value, Period):
        check_finished(value)
        return value
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    if isinstance(value, (tuple, list)) and value:
        return Every(value) if len(value) > 1 else as_period(value[0])
    words = ", ".join(map(repr, _WORDS))
    raise RuleError(f"per: {value!r} is no period; give one of {words}, Calendar(...), Each(...) or a tuple of them")


def counted_period(value: PeriodLike) -> Period:
    """A period that something can be counted over; windows are refused."""
    period = as_period(value)
    parts = period.periods if isinstance(period, Every) else (period,)
    for part in parts:
        if isinstance(part, Window):
            raise RuleError(f"per: {part!r} is a window for tiers; count per a calendar period or Each(...)")
        if isinstance(part, Word) and len(parts) > 1:
            raise RuleError(f"per: {part!r} counts nothing, so it cannot stand with others; leave it out")
    return period
