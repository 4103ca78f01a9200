"""Conditions: which lines of an activity a rule sees.

A condition tests each line; those that pass are the selection. Conditions on the whole activity or on the member
accept every line or none. They combine by `&`, `|` and `~`, and both sides see the same activity.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from functools import reduce
import re
from typing import Any, ClassVar, Final, final

from attrs import field

from loyaltycore import _show
from loyaltycore._calendar import civil_date, moment, month_day, on_day, show_moment
from loyaltycore._columns import (
    AT,
    CATEGORY,
    JOINED,
    KIND,
    LADDER,
    MEMBER,
    SKU,
    TIER,
    Column,
    Columns,
    Mask,
    NotLowered,
)
from loyaltycore._exact import Exact, Number, exact, whole
from loyaltycore._strategy import STAR, Strategy, as_count, check_finished, frozen, is_name, readable, text, texts
from loyaltycore.activity import Activity, FactValue, Line, Member, fact_value, same_fact
from loyaltycore.errors import RuleError


@frozen
class Condition(Strategy):
    """Base of conditions. Implement `test`; call `select`.

    >>> @frozen
    ... class Premium(Condition):
    ...     kind = "premium"
    ...     def test(self, line, activity, member):
    ...         return line.amount >= 100
    >>> basket = Activity([Line(150), Line(40)], at="2026-03-01")
    >>> Premium().select(basket, Member()).amount, (~Premium()).select(basket, Member()).amount
    (150, 40)
    """

    _operators: ClassVar[str] = "& | ~"

    @abstractmethod
    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether this line of the activity is meant. The activity is as narrowed so far."""

    @final
    def select(self, activity: Activity, member: Member) -> Activity:
        """The activity with the lines that pass; there may be none."""
        mask = self._mask(activity, member)
        if all(mask):
            return activity
        return activity.keeping(tuple(line for line, kept in zip(activity.lines, mask, strict=True) if kept))

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        """`test` for each line."""
        check_finished(self)
        return [bool(self.test(line, activity, member)) for line in activity.lines]

    def __and__(self, other: Condition) -> Condition:
        return And((self, other)) if isinstance(other, Condition) else NotImplemented

    def __or__(self, other: Condition) -> Condition:
        return Or((self, other)) if isinstance(other, Condition) else NotImplemented

    def __invert__(self) -> Condition:
        return self.condition if isinstance(self, Not) else Not(self)


def _operands(of: type[And | Or], condition: Condition) -> tuple[Condition, ...]:
    return condition.conditions if isinstance(condition, of) else (condition,)


def as_condition(value: Condition) -> Condition:
    """`value`, if it is a condition."""
    if isinstance(value, Condition):
        return value
    hint = "; wrap a function in matching(...)" if callable(value) else "; give one such as Category('dining')"
    raise RuleError(f"condition: {value!r} is no condition{hint}")


def _conditions(value: Sequence[Condition], of: type[And | Or]) -> tuple[Condition, ...]:
    given = map(as_condition, value if isinstance(value, (tuple, list)) else (value,))
    found = tuple(operand for condition in given for operand in _operands(of, condition))
    if len(found) < 2:  # noqa: PLR2004 (a pair)
        raise RuleError("conditions: give at least two to combine")
    return found


def _both(value: Sequence[Condition]) -> tuple[Condition, ...]:
    return _conditions(value, And)


def _either(value: Sequence[Condition]) -> tuple[Condition, ...]:
    return _conditions(value, Or)


def _to_invert(value: Condition) -> Condition:
    if isinstance(value, Not):
        raise RuleError(f"not: {value!r} is inverted already; give the condition inside it")
    return as_condition(value)


@frozen
class And(Condition):
    """Lines that all the conditions accept, written `a & b`."""

    kind = "and"

    conditions: tuple[Condition, ...] = field(converter=_both)

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether all accept the line."""
        return all(c.test(line, activity, member) for c in self.conditions)

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        return [all(row) for row in zip(*(c._mask(activity, member) for c in self.conditions), strict=True)]

    def _lower(self, columns: Columns) -> Mask:
        return reduce(columns.engine.both, map(columns.where, self.conditions))

    def _code(self) -> _show.Code:
        return _show.infix("&", _show.AND, self.conditions)


@frozen
class Or(Condition):
    """Lines that at least one of the conditions accepts, written `a | b`."""

    kind = "or"

    conditions: tuple[Condition, ...] = field(converter=_either)

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether one accepts the line."""
        return any(c.test(line, activity, member) for c in self.conditions)

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        return [any(row) for row in zip(*(c._mask(activity, member) for c in self.conditions), strict=True)]

    def _lower(self, columns: Columns) -> Mask:
        return reduce(columns.engine.either, map(columns.where, self.conditions))

    def _code(self) -> _show.Code:
        return _show.infix("|", _show.OR, self.conditions)


@frozen
class Not(Condition):
    """Lines that the condition does not accept, written `~a`."""

    kind = "not"

    condition: Condition = field(converter=_to_invert)

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether it refuses the line."""
        return not self.condition.test(line, activity, member)

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        return [not kept for kept in self.condition._mask(activity, member)]

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.negated(columns.where(self.condition))

    def _code(self) -> _show.Code:
        return _show.Code(f"~{_show.within(self.condition, _show.NOT)}", _show.NOT)


# Of the line --------------------------------------------------------------------------------------------------------


@frozen(init=False)
class Category(Condition):
    """Lines of one of these categories.

    >>> Category("dining", "travel").select(Activity([Line(30, "dining"), Line(9)], at="2026-03-01"), Member()).amount
    30
    """

    kind = "category"

    names: tuple[str, ...] = field(metadata=STAR)

    def __init__(self, *names: str) -> None:
        self.__attrs_init__(texts(names, "Category"))

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether the line's category is one of the names."""
        return line.category in self.names

    def _lower(self, columns: Columns) -> Mask:
        return columns.is_in(CATEGORY, self.names)


@frozen(init=False)
class Sku(Condition):
    """Lines of one of these stock-keeping units."""

    kind = "sku"

    skus: tuple[str, ...] = field(metadata=STAR)

    def __init__(self, *skus: str) -> None:
        self.__attrs_init__(texts(skus, "Sku"))

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether the line's sku is one of them."""
        return line.sku in self.skus

    def _lower(self, columns: Columns) -> Mask:
        return columns.is_in(SKU, self.skus)


def matches(stated: object, wanted: tuple[FactValue, ...]) -> bool:
    """Whether a fact is stated, and is (or, a tuple, contains) one of the values if any are wanted."""
    if stated is None:
        return False
    if not wanted:
        return True
    values = stated if isinstance(stated, tuple) else (stated,)
    return any(same_fact(v, w) for v in values for w in wanted)


def _values(values: Sequence[object], what: str) -> tuple[FactValue, ...]:
    wanted = tuple(fact_value(value, what) for value in values)
    for value in wanted:
        if isinstance(value, tuple):
            raise RuleError(f"{what}: {value!r} is several values; give them one by one")
    return wanted


def _told_apart(values: tuple[FactValue, ...]) -> tuple[tuple[bool, FactValue], ...]:
    """What values are compared by: in Python `True == 1`, but a condition that wants the one refuses the other."""
    return tuple((isinstance(value, bool), value) for value in values)


@frozen(init=False)
class Fact(Condition):
    """Lines that state a fact, of themselves or else of their activity, with one of these values (any, if none).

    >>> flight = Activity.flight(base_fare=300, at="2026-03-01", cabin="first")
    >>> Fact("cabin", "first", "business").select(flight, Member()).amount
    300
    """

    kind = "fact"

    name: str = field()
    values: tuple[FactValue, ...] = field(metadata=STAR, eq=_told_apart)

    def __init__(self, name: str, *values: object) -> None:
        self.__attrs_init__(text(name, "Fact"), _values(values, "Fact"))

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether the fact is stated so."""
        stated = line.facts.get(self.name)
        return matches(activity.facts.get(self.name) if stated is None else stated, self.values)

    def _lower(self, columns: Columns) -> Mask:
        return columns.is_in(("fact", self.name), self.values)


# Of the whole activity, or of the member -----------------------------------------------------------------------------


@frozen
class Whole(Condition):
    """Base of conditions that accept every line of an activity or none. Implement `holds`."""

    @abstractmethod
    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the activity, as narrowed so far, is meant."""

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """`holds`, whatever the line."""
        return self.holds(activity, member)

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        check_finished(self)
        return [bool(self.holds(activity, member))] * len(activity.lines)


@frozen(init=False)
class OfKind(Whole):
    """Activities of one of these kinds, such as `"purchase"`, `"flight"` or `"review"`."""

    kind = "of_kind"

    kinds: tuple[str, ...] = field(metadata=STAR)

    def __init__(self, *kinds: str) -> None:
        self.__attrs_init__(texts(kinds, "OfKind"))

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the activity's kind is one of them."""
        return activity.kind in self.kinds

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.is_in(KIND, self.kinds)


def _condition_or_none(value: Condition | None) -> Condition | None:
    return None if value is None else as_condition(value)


def _at_least(value: Number) -> Exact:
    return exact(value, "at_least")


@frozen
class Has(Whole):
    """The selection as a whole has enough: of its amount, its quantity, or a fact summed.

    With a *condition*, only the lines it keeps count towards it; all lines pass, or none. *at_least* is inclusive.

    >>> basket = Activity([Line(90, "dining"), Line(40)], at="2026-03-01")
    >>> [Has(Category("dining"), at_least=n).holds(basket, Member()) for n in (90, 91)]
    [True, False]
    """

    kind = "has"

    condition: Condition | None = field(default=None, converter=_condition_or_none)
    at_least: Exact = field(default=1, converter=_at_least, kw_only=True)
    of: str = field(default="amount", validator=is_name, kw_only=True)

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether there is enough."""
        kept = activity if self.condition is None else self.condition.select(activity, member)
        return bool(kept.lines) and kept.measure(self.of) >= self.at_least

    def _lower(self, columns: Columns) -> Mask:
        kept = columns if self.condition is None else columns.keeping(columns.where(self.condition))
        return kept.reaches(self.at_least, self.of)

    def _code(self) -> _show.Code:
        if self == Has(at_least=self.at_least):
            return _show.call("MinSpend", (self.at_least,))
        return super()._code()


@readable
def MinSpend(amount: Number) -> Has:  # noqa: N802 (reads as the conditions beside it)
    """The selection comes to at least this much money: `Has(at_least=amount)`."""
    return Has(at_least=amount)


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


@frozen
class BirthMonth(Whole):
    """In the month the member was born.

    By the fact `birth_month` (1 to 12), else the fact `birthday` (`"1990-05-17"` or `"05-17"`).
    """

    kind = "birth_month"

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether it is that month; not, if neither fact is known."""
        return member.birth_month == activity.day.month

    def _lower(self, columns: Columns) -> Mask:
        facts = ("member_fact", "birth_month"), ("member_fact", "birthday")
        return columns.engine.told(self, _born_in, AT, *facts)


def _born_in(at: datetime, month: FactValue | None, birthday: FactValue | None) -> bool:
    return Member(facts={"birth_month": month, "birthday": birthday}).birth_month == at.month


def _around(value: int) -> int:
    return whole(value, "days", at_least=0, at_most=180)


@frozen
class Anniversary(Whole):
    """On the day of the year that a fact of the member names, such as the birthday, or some days *before* or *after*.

    The fact is a date, `"1990-05-17"` or `"05-17"`; `"joined"` is the day the member joined. The day itself is no
    anniversary. 29 February is kept on the 28th in other years.

    >>> party = Activity.action("visit", at="2026-05-19")
    >>> [Anniversary(after=days).holds(party, Member(facts={"birthday": "1990-05-17"})) for days in (1, 2)]
    [False, True]
    """

    kind = "anniversary"

    of: str = field(default="birthday", validator=is_name)
    before: int = field(default=0, converter=_around, kw_only=True)
    after: int = field(default=0, converter=_around, kw_only=True)

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether it is that day, or near enough; not, if the fact is not known."""
        return self._near(activity.at, member.joined if self.of == "joined" else member.facts.get(self.of))

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.told(self, self._near, AT, JOINED if self.of == "joined" else ("member_fact", self.of))

    def _near(self, at: datetime, first: Any) -> bool:
        """Whether a moment is near enough to the day that the fact names."""
        if first is None:
            return False
        today = at.date()
        if str(first).count("-") == 1:
            since, (month, day) = None, month_day(str(first), self.of)
        else:
            since = civil_date(first, self.of)
            month, day = since.month, since.day
        years = range(today.year - 1, today.year + 2)
        days = (on_day(year, month, day) for year in years if since is None or year > since.year)
        return any(-self.before <= (today - that).days <= self.after for that in days)


@frozen(init=False)
class MemberFact(Whole):
    """Members of whom a fact is known, with one of these values (any, if none): segments, plans, employees.

    >>> MemberFact("plan", "pro").holds(Activity.action("login", at="2026-03-01"), Member(facts={"plan": "pro"}))
    True
    """

    kind = "member_fact"

    name: str = field()
    values: tuple[FactValue, ...] = field(metadata=STAR, eq=_told_apart)

    def __init__(self, name: str, *values: object) -> None:
        self.__attrs_init__(text(name, "MemberFact"), _values(values, "MemberFact"))

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the fact is known so."""
        return matches(member.facts.get(self.name), self.values)

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.is_in(("member_fact", self.name), self.values)


@frozen(init=False)
class InTier(Whole):
    """Members in one of these tiers, of any ladder."""

    kind = "in_tier"

    tiers: tuple[str, ...] = field(metadata=STAR)

    def __init__(self, *tiers: str) -> None:
        self.__attrs_init__(texts(tiers, "InTier"))

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the member's tier is one of them."""
        return member.tier in self.tiers or any(tier in self.tiers for tier in member.tiers.values())

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.is_in(TIER, self.tiers)


@frozen
class AtLeastTier(Whole):
    """Members in this tier or a higher one of the program's first ladder."""

    kind = "at_least_tier"

    tier: str = field(validator=is_name)

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the member's tier is not lower; raises `RuleError` if the ladder does not know both."""
        return self._reached(member.tier, member.ladder)

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.told(self, self._reached, TIER, LADDER)

    def _reached(self, tier: str, ladder: tuple[str, ...]) -> bool:
        """Whether a tier of the ladder is not lower."""
        if tier in ("", self.tier):
            return tier == self.tier
        if self.tier not in ladder or tier not in ladder:
            raise RuleError(
                f"AtLeastTier: the ladder {ladder!r} does not have both {self.tier!r} and {tier!r};"
                " give Member(ladder=...) with all tiers from the lowest up"
            )
        return ladder.index(tier) >= ladder.index(self.tier)


def _kind_or_none(value: str | None) -> str | None:
    return None if value is None else text(value, "kind")


@frozen
class FirstTime(Whole):
    """The member's first activity, or the first of a kind: a counter that the account keeps."""

    kind = "first_time"

    of_kind: str | None = field(default=None, converter=_kind_or_none, alias="kind")

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether none was counted before."""
        return self.of_kind in (None, activity.kind) and member.times(self.of_kind) == 0

    def _lower(self, columns: Columns) -> Mask:
        these, place = _place_of_kind(columns, self.of_kind)
        first = columns.engine.negated(place.more_than(1))
        return first if these is None else columns.engine.both(these, first)


@frozen
class EveryNth(Whole):
    """Every *n*th activity of the member, or of a kind: a counter that the account keeps."""

    kind = "every_nth_activity"

    n: int = field(converter=as_count)
    of_kind: str | None = field(default=None, converter=_kind_or_none, alias="kind")

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether this one, counted, makes a multiple of *n*."""
        return self.of_kind in (None, activity.kind) and (member.times(self.of_kind) + 1) % self.n == 0

    def _lower(self, columns: Columns) -> Mask:
        these, place = _place_of_kind(columns, self.of_kind)
        nth = place.is_multiple(self.n)
        return nth if these is None else columns.engine.both(these, nth)


def _place_of_kind(columns: Columns, kind: str | None) -> tuple[Mask, Column]:
    """Where activities are of the kind, and the place of each among the member's."""
    these = None if kind is None else columns.engine.is_in(KIND, (kind,))
    return these, columns.place(these)


def _share(value: Number) -> Exact:
    share = exact(value, "share")
    if not 0 <= share <= 1:
        raise RuleError(f"share: {value!r} is no share of the members; give 0 to 1, such as '0.1'")
    return share


@frozen
class InExperiment(Whole):
    """A share of the members, drawn by their id and the experiment's name: the same ones on every machine.

    The draw is the first 8 bytes of SHA-256 of `name`, a NUL and the id, as a fraction of 2**64. A member without an
    id is in no experiment.
    """

    kind = "in_experiment"

    name: str = field(validator=is_name)
    share: Exact = field(converter=_share)

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the member was drawn."""
        return self.draws(member.id)

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.told(self, self.draws, MEMBER)

    def draws(self, id: str) -> bool:
        """Whether the member of that id is in the experiment, for what the application itself does differently."""
        if not id:
            return False
        from hashlib import sha256

        drawn = int.from_bytes(sha256(f"{self.name}\0{id}".encode(errors="surrogatepass")).digest()[:8])
        return Fraction(drawn, 2**64) < self.share


@frozen
class Matching(Condition):
    """Lines that a function accepts, for a one-off; see `matching`."""

    function: Callable[[Line, Activity, Member], bool] = field()

    def __attrs_post_init__(self) -> None:
        if not callable(self.function):
            raise RuleError(f"matching: {self.function!r} is no function; give one of (line, activity, member)")

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """What the function says."""
        return bool(self.function(line, activity, member))

    def _code(self) -> _show.Code:
        name = getattr(self.function, "__qualname__", repr(self.function))
        return _show.Code(f"matching({name})")


def matching(function: Callable[[Line, Activity, Member], bool]) -> Condition:
    """A condition from a function of (line, activity, member); the only one that cannot be stored.

    >>> several = matching(lambda line, activity, member: line.quantity > 2)
    >>> several.select(Activity(Line(9), at="2026-03-01"), Member()).lines
    ()
    """
    return Matching(function)
