"""Date rules: when points lapse, when pending ones become available, how long a tier is kept.

A date rule looks at a subject (a lot, an earning, a tier held) and says a civil date, or never. `|` is whichever
comes first, `&` only once both have come. Expiry names the last day the points can be used; pending names the day they
can first be used.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Protocol

from attrs import field

from loyaltycore import _show
from loyaltycore._calendar import add_months, civil_date, month_day, on_day
from loyaltycore._exact import whole
from loyaltycore._strategy import Strategy, check_finished, composes, frozen, text
from loyaltycore.activity import Activity, Line, Member
from loyaltycore.conditions import Condition, as_condition
from loyaltycore.errors import RuleError
from loyaltycore.periods import LONGEST, Calendar, Span


class Subject(Protocol):
    """What a date rule is asked about: a lot, an earning, or a tier that is held."""

    @property
    def since(self) -> date:
        """The civil date to count from; where its moment is known, as in an account, that is `moment`."""

    @property
    def earned(self) -> date:
        """The civil date of the activity behind it."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """The facts of that activity."""


@frozen
class DateRule(Strategy):
    """Base of date rules. Implement `falls_on`.

    >>> @frozen
    ... class NextFriday(DateRule):
    ...     kind = "next_friday"
    ...     fixed = True
    ...     def falls_on(self, subject, member):
    ...         return subject.since + timedelta((4 - subject.since.weekday()) % 7 or 7)
    >>> NextFriday() | After(days=3)
    NextFriday() | After(days=3)
    """

    _operators: ClassVar[str] = "| (whichever comes first) and & (once both have come)"

    fixed: ClassVar[bool] = False
    """Whether the date depends on the subject alone, and so never moves; accounts ask such rules once."""

    hourly: ClassVar[bool] = False
    """Whether the hour matters, not only the day: the rule looks at the subject's `moment`, if it has one."""

    @abstractmethod
    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The date, or `None` for never. A datetime is that very moment."""

    def __or__(self, other: DateRule) -> DateRule:
        return Earliest((self, other)) if isinstance(other, DateRule) else NotImplemented

    def __and__(self, other: DateRule) -> DateRule:
        return Latest((self, other)) if isinstance(other, DateRule) else NotImplemented

    @composes
    def plus(self, *, days: int = 0, months: int = 0, years: int = 0) -> DateRule:
        """So much later than this rule says."""
        return Plus(self, days=days, months=months, years=years)

    @composes
    def to_end_of(self, unit: str) -> DateRule:
        """The last day of the week, month, quarter or year that this rule falls in.

        >>> lot = Lot(1, "stars", 10, earned=date(2020, 7, 6))
        >>> After(months=12).to_end_of("month").falls_on(lot, Member())
        datetime.date(2021, 7, 31)
        """
        return ToEndOf(self, unit)

    @composes
    def unless(self, condition: Condition) -> DateRule:
        """Never while the condition holds: of the member, or of the facts of the activity."""
        return Unless(self, condition)

    @composes
    def from_earning(self) -> DateRule:
        """Counted from the day of the activity, where it would be from the day the points became available."""
        return FromEarning(self)


def _rules_of(of: type[Earliest | Latest], rule: DateRule) -> tuple[DateRule, ...]:
    return rule.rules if isinstance(rule, of) else (rule,)


def as_date_rule(value: object) -> DateRule:
    """`value`, if it is a date rule."""
    if isinstance(value, DateRule):
        check_finished(value)
        return value
    raise RuleError(f"{value!r} is no date rule; give one such as After(months=12) or Never()")


def _several(value: object, of: type[Earliest | Latest]) -> tuple[DateRule, ...]:
    given = map(as_date_rule, value if isinstance(value, (tuple, list)) else (value,))
    found = tuple(inner for rule in given for inner in _rules_of(of, rule))
    if len(found) < 2:  # noqa: PLR2004 (a pair)
        raise RuleError("rules: give at least two to combine")
    return found


def _earliest(value: object) -> tuple[DateRule, ...]:
    return _several(value, Earliest)


def _latest(value: object) -> tuple[DateRule, ...]:
    return _several(value, Latest)


def _hours(value: int) -> int:
    return whole(value, "hours", at_least=0, at_most=LONGEST * 366 * 24)


def _days(value: int) -> int:
    return whole(value, "days", at_least=0, at_most=LONGEST * 366)


def _months(value: int) -> int:
    return whole(value, "months", at_least=0, at_most=LONGEST * 12)


def _years(value: int) -> int:
    return whole(value, "years", at_least=0, at_most=LONGEST)


def _plus(value: int) -> int:
    return whole(value, "plus", at_least=0, at_most=LONGEST)


def _later(day: date, *, days: int = 0, months: int = 0, hours: int = 0) -> date:
    """`day` so much later; months first, clamped, then days, then hours as they pass, whatever the clocks do."""
    if months:
        moved = add_months(day, months)
        day = datetime.combine(moved, day.timetz()) if isinstance(day, datetime) else moved
    try:
        later = day + timedelta(days=days)
        if not hours or not isinstance(later, datetime) or later.tzinfo is None:
            return later + timedelta(hours=hours)
        return (later.astimezone(UTC) + timedelta(hours=hours)).astimezone(later.tzinfo)
    except OverflowError:
        raise RuleError(f"{day} and {days} days is past the year 9999; count fewer") from None


def civil(day: date) -> date:
    """The date of a date or datetime."""
    return day.date() if isinstance(day, datetime) else day


# Of several rules ---------------------------------------------------------------------------------------------------


@frozen
class Earliest(DateRule):
    """Whichever comes first, written `a | b`; a rule that never falls does not count."""

    kind = "earliest"

    rules: tuple[DateRule, ...] = field(converter=_earliest)

    @property
    def fixed(self) -> bool:  # type: ignore[override]
        """Whether all the rules are."""
        return all(rule.fixed for rule in self.rules)

    @property
    def hourly(self) -> bool:  # type: ignore[override]
        """Whether any rule is."""
        return any(rule.hourly for rule in self.rules)

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The earliest of the dates."""
        dates = [day for rule in self.rules if (day := rule.falls_on(subject, member)) is not None]
        return min(dates, key=_sortable, default=None)

    def _code(self) -> _show.Code:
        return _show.infix("|", _show.OR, self.rules)


@frozen
class Latest(DateRule):
    """Only once all have come, written `a & b`; never, if one never falls."""

    kind = "latest"

    rules: tuple[DateRule, ...] = field(converter=_latest)

    @property
    def fixed(self) -> bool:  # type: ignore[override]
        """Whether all the rules are."""
        return all(rule.fixed for rule in self.rules)

    @property
    def hourly(self) -> bool:  # type: ignore[override]
        """Whether any rule is."""
        return any(rule.hourly for rule in self.rules)

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The latest of the dates."""
        dates = [rule.falls_on(subject, member) for rule in self.rules]
        return None if None in dates else max((day for day in dates if day is not None), key=_sortable)

    def _code(self) -> _show.Code:
        return _show.infix("&", _show.AND, self.rules)


def _sortable(day: date) -> tuple[date, bool, Any]:
    """Dates and moments side by side: a bare date is the whole day, so after any moment in it."""
    return (
        civil(day),
        not isinstance(day, datetime),
        day.timetz().replace(tzinfo=None) if isinstance(day, datetime) else 0,
    )


# Of one rule --------------------------------------------------------------------------------------------------------


@frozen
class Around(DateRule):
    """Base of rules around one rule, as fixed as that is."""

    rule: DateRule = field(converter=as_date_rule)

    @property
    def fixed(self) -> bool:  # type: ignore[override]
        """Whether the rule inside is."""
        return self.rule.fixed

    @property
    def hourly(self) -> bool:  # type: ignore[override]
        """Whether the rule inside is."""
        return self.rule.hourly


@frozen
class Plus(Around):
    """A rule later by so much; see `DateRule.plus`."""

    kind = "plus"

    days: int = field(default=0, converter=_days, kw_only=True)
    months: int = field(default=0, converter=_months, kw_only=True)
    years: int = field(default=0, converter=_years, kw_only=True)

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The date, and so much."""
        day = self.rule.falls_on(subject, member)
        return None if day is None else _later(day, days=self.days, months=self.months + 12 * self.years)

    def _code(self) -> _show.Code:
        given = {"days": self.days, "months": self.months, "years": self.years}
        return _show.method(self.rule, "plus", **{name: n for name, n in given.items() if n})


def _unit(value: str) -> str:
    if value in ("week", "month", "quarter", "year"):
        return value
    raise RuleError(f"{value!r} has no end to count to; give 'week', 'month', 'quarter' or 'year'")


@frozen
class ToEndOf(Around):
    """A rule put off to the end of a period; see `DateRule.to_end_of`."""

    kind = "to_end_of"

    unit: str = field(converter=_unit)

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The last day of the period that the date is in."""
        day = self.rule.falls_on(subject, member)
        return None if day is None else Calendar(self.unit).span(civil(day), member)[1] - timedelta(1)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "to_end_of", self.unit)


@frozen
class Unless(Around):
    """A rule that never falls while a condition holds; see `DateRule.unless`."""

    kind = "unless"
    fixed: ClassVar[bool] = False

    condition: Condition = field(converter=as_condition)

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The date, or never."""
        asked = Activity(Line(0), at=subject.since, kind="date", facts=subject.facts)
        return None if self.condition.select(asked, member).lines else self.rule.falls_on(subject, member)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "unless", self.condition)


@frozen
class _Since:
    """A subject that counts from its earning."""

    earned: date
    facts: Mapping[str, Any]

    @property
    def since(self) -> date:
        return self.earned


@frozen
class FromEarning(Around):
    """A rule counted from the activity; see `DateRule.from_earning`."""

    kind = "from_earning"

    def __attrs_post_init__(self) -> None:
        if self.hourly:
            raise RuleError("from_earning: hours count from the moment the points became available; give days instead")

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The date, as if the points had been available at once."""
        return self.rule.falls_on(_Since(subject.earned, subject.facts), member)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "from_earning")


# Rules that say a date ----------------------------------------------------------------------------------------------


@frozen
class Never(DateRule):
    """No date at all."""

    kind = "never"
    fixed: ClassVar[bool] = True

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """`None`."""
        return None


@frozen
class After(DateRule):
    """So long after: months and years are added to the date and clamp to the month's end, then days and hours.

    With *hours* the answer is a moment, not a day, and counts from the moment where that is known.

    >>> [After(months=1).falls_on(Lot(1, "", 5, earned=date(2026, 1, d)), Member()).isoformat() for d in (15, 31)]
    ['2026-02-15', '2026-02-28']
    """

    kind = "after"
    fixed: ClassVar[bool] = True

    days: int = field(default=0, converter=_days, kw_only=True)
    months: int = field(default=0, converter=_months, kw_only=True)
    years: int = field(default=0, converter=_years, kw_only=True)
    hours: int = field(default=0, converter=_hours, kw_only=True)

    @property
    def hourly(self) -> bool:  # type: ignore[override]
        """Whether hours are given."""
        return self.hours > 0

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The date so long after `since`."""
        since = civil(subject.since)
        start: date = (getattr(subject, "moment", None) or datetime.combine(since, time.min)) if self.hours else since
        return _later(start, days=self.days, months=self.months + 12 * self.years, hours=self.hours)


@frozen
class AfterInactivity(DateRule):
    """So long after the member's last activity, or after `since` if that is later.

    *resets* says which activities count: a redemption is one of kind `"redeemed"`; `None` counts them all.
    """

    kind = "after_inactivity"

    days: int = field(default=0, converter=_days, kw_only=True)
    months: int = field(default=0, converter=_months, kw_only=True)
    years: int = field(default=0, converter=_years, kw_only=True)
    resets: Condition | None = field(default=None, kw_only=True)
    watch: str = field(init=False, eq=False)
    """The key of `Member.last` under which the account keeps the last activity that counts."""

    def __attrs_post_init__(self) -> None:
        if not (self.days or self.months or self.years):
            raise RuleError("AfterInactivity: no time is given; write AfterInactivity(months=12)")
        watch = "" if self.resets is None else repr(as_condition(self.resets))
        object.__setattr__(self, "watch", watch)

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The date so long after the last activity."""
        since = civil(subject.since)
        last: date | None = member.last.get(self.watch)
        anchor = since if last is None or last < since else last
        return _later(anchor, days=self.days, months=self.months + 12 * self.years)


@frozen
class OnDate(DateRule):
    """The next such day of the year, the same day included, and so many *years* more.

    >>> OnDate("12-31", years=1).falls_on(Lot(1, "", 5, earned=date(2026, 3, 1)), Member())
    datetime.date(2027, 12, 31)
    """

    kind = "on_date"
    fixed: ClassVar[bool] = True

    day: str = field()
    years: int = field(default=0, converter=_years)

    def __attrs_post_init__(self) -> None:
        month_day(self.day, "OnDate")

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The next such day, and the years."""
        since = civil(subject.since)
        month, day = month_day(self.day, "OnDate")
        this_year = on_day(since.year, month, day)
        return on_day(since.year + self.years + (this_year < since), month, day)


def _fixed_day(value: date | str) -> date:
    return civil_date(value, "On")


@frozen
class On(DateRule):
    """One day for everyone, such as the end of a campaign."""

    kind = "on"
    fixed: ClassVar[bool] = True

    day: date = field(converter=_fixed_day)

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """That day."""
        return self.day


@frozen
class EndOf(DateRule):
    """The last day of the week, month, quarter or year, or of the one so many further on.

    >>> EndOf("month", plus=1).falls_on(Lot(1, "", 5, earned=date(2023, 3, 12)), Member())
    datetime.date(2023, 4, 30)
    """

    kind = "end_of"
    fixed: ClassVar[bool] = True

    unit: str = field(converter=_unit)
    more: int = field(default=0, converter=_plus, kw_only=True, alias="plus")  # `plus` is a method

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The last day."""
        return _end_of(Calendar(self.unit), civil(subject.since), self.more, member)


def _end_of(span: Span, day: date, plus: int, member: Member) -> date:
    end = span.span(day, member)[1]
    for _ in range(plus):
        end = span.span(end, member)[1]
    return end - timedelta(1)


@frozen
class EndOfPeriod(DateRule):
    """The last day of the period of the tier ladder's window, or of the one so many further on."""

    kind = "end_of_period"

    more: int = field(default=0, converter=_plus, alias="plus")

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The last day."""
        window = getattr(subject, "window", None)
        if not isinstance(window, Span):
            raise RuleError(
                "EndOfPeriod: there is no ladder whose window has periods; write EndOf('year') or After(...)"
            )
        return _end_of(window, civil(subject.since), self.more, member)


@frozen
class EndOfBirthMonth(DateRule):
    """The end of the member's next birth month, this one included, and so many *years* more; never if unknown.

    The month is the member's fact `birth_month`, else that of `birthday`.
    """

    kind = "end_of_birth_month"

    years: int = field(default=0, converter=_years)

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The last day of that month."""
        month = member.birth_month
        if month is None:
            return None
        since = civil(subject.since)
        return on_day(since.year + self.years + (month < since.month), month, 31)


@frozen
class AfterFact(DateRule):
    """So long after a date that is a fact, of the activity or else of the member; never while it is not stated."""

    kind = "after_fact"

    name: str = field()
    days: int = field(default=0, converter=_days, kw_only=True)
    months: int = field(default=0, converter=_months, kw_only=True)
    years: int = field(default=0, converter=_years, kw_only=True)

    def __attrs_post_init__(self) -> None:
        text(self.name, "AfterFact")

    def falls_on(self, subject: Subject, member: Member) -> date | None:
        """The date so long after."""
        stated = subject.facts.get(self.name, member.facts.get(self.name))
        if stated is None:
            return None
        day = civil_date(str(stated)[:10], f"AfterFact({self.name!r})")
        return _later(day, days=self.days, months=self.months + 12 * self.years)
