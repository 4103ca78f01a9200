"""Earning rules: the base class, and how rules combine.

A rule is a function from an activity and a member to an award. Rules add up with `+` and scale with `*`; every other
combination is a method, and the outer method acts first: `.when(A).over(100)` trims the basket to what is over 100,
then keeps A's lines of that.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import reduce
from typing import TYPE_CHECKING, ClassVar, final

from attrs import evolve, field

from loyaltycore import _show
from loyaltycore._columns import LINE, Column, Columns, NotLowered
from loyaltycore._exact import (
    EMPTY,
    Exact,
    FrozenMap,
    Number,
    above_zero,
    at_least_zero,
    round_to,
    rounding_mode,
    show,
    total,
)
from loyaltycore._often import QUICK, Judging, often
from loyaltycore._strategy import (
    STAR,
    Strategy,
    as_multiple,
    as_points,
    check_finished,
    composes,
    frozen,
    is_name,
    readable,
    walk,
)
from loyaltycore.activity import ANYONE, Activity, Count, CounterKey, Line, Member, add_counts
from loyaltycore.awards import Award, Raw, Why, award_of, raw_of
from loyaltycore.conditions import Condition, During, as_condition
from loyaltycore.errors import RuleError
from loyaltycore.factors import Constant, Factor, a_factor, as_factor
from loyaltycore.periods import Period, PeriodLike, Word, counted_period

if TYPE_CHECKING:
    from loyaltycore._compile import Compiled


def wrongly_asked(activity: object, member: object) -> RuleError:
    """What to say where an amount stands instead of an activity, or an id instead of a member."""
    if not isinstance(activity, Activity):
        return RuleError(f"award: {activity!r} is no activity; write Activity.purchase({activity!r}, at=...)")
    return RuleError(f"award: {member!r} is no member; give Member(...), or leave it out")


@frozen
class EarningRule(Strategy):
    """Base of earning rules. Implement `earn`; call `award`.

    >>> @frozen
    ... class BirthdayBonus(EarningRule):
    ...     kind = "birthday_bonus"
    ...     bonus: int = 500
    ...     def earn(self, activity, member):
    ...         return self.bonus if activity.day.month == member.facts.get("birth_month") else 0
    >>> rule = PerSpend(1) + BirthdayBonus().when(MinSpend(20))
    >>> rule.award(Activity.purchase(30, at="2026-05-02"), Member(facts={"birth_month": 5})).points
    530
    """

    _operators: ClassVar[str] = "+ * best_of first_of .when(...)"

    @property
    def monotone(self) -> bool:
        """Whether more spent, all else the same, never earns fewer points; say `monotone = True` where it holds.

        `loyaltycore.testing` holds a rule to it.
        """
        return False

    @abstractmethod
    def earn(self, activity: Activity, member: Member) -> Number | Award:
        """Points for the activity: a number of 0 or more, or an `Award` that gives its reason in words."""

    @final
    def award(self, activity: Activity, member: Member = ANYONE) -> Award:
        """What the activity earns, exactly and in whole points rounded down, with the reasons.

        >>> PerSpend("0.5").award(Activity.purchase(15, at="2026-03-01")).points
        7
        """
        if activity.__class__ is Activity and member.__class__ is Member:
            return (QUICK.get(id(self)) or often(self, self._award, self._judging))(activity, member)
        if not (isinstance(activity, Activity) and isinstance(member, Member)):
            raise wrongly_asked(activity, member)
        return self._award(activity, member)

    def _award(self, activity: Activity, member: Member) -> Award:
        """The award, by the rule itself."""
        return award_of(self._raw(activity, member))

    def _judging(self) -> Judging:
        """The award, by what the rule is compiled to."""
        from loyaltycore._judged import judging

        return judging(self, self._award)

    @final
    def compiled(self, *, parts: bool = False, decimals: int = 2) -> Compiled:
        """This rule as a generated function of plain values, which gives the same points many times faster.

        It judges one activity of one line, by what the rule reads of it: `.fields` names the values that it takes, in
        their order, by position or keyword. The amount is the first: a whole number of hundredths, or of parts with
        other *decimals*. `.source` is the text that was generated. With *parts* the function returns a tuple: the
        points, then those of each named part in `.parts`, rounded down, before the factors and caps around it.

        Raises `RuleError` where a part counts from one activity to the next, or is of a class of your own.

        >>> points = (PerSpend(1).over(50) + Flat(10).when(Category("dining"))).compiled()
        >>> points.fields, points(75_50, "dining")
        (('amount', 'category'), 35)
        """
        from loyaltycore._compile import compile_

        return compile_(self, parts=parts, decimals=decimals)

    def _raw(self, activity: Activity, member: Member) -> Raw:
        """The award before it is made into one, as a part of another rule's."""
        if self._finished is not type(self):
            check_finished(self)
        return raw_of(self.earn(activity, member), self)

    def _uncapped(self) -> EarningRule:
        """This rule with no cap over more than a line, which counts all the same: what there was to share of a cap."""
        return self

    # Operators ------------------------------------------------------------------------------------------------------

    def __add__(self, other: EarningRule) -> EarningRule:
        return Sum((self, other)) if isinstance(other, EarningRule) else NotImplemented

    def __radd__(self, other: object) -> EarningRule:
        # sum(rules) starts from 0
        return self if type(other) is int and other == 0 else NotImplemented

    def __mul__(self, factor: Factor | Number) -> EarningRule:
        found = as_factor(factor)
        return NotImplemented if found is None else Times(self, found)

    __rmul__ = __mul__

    # Methods --------------------------------------------------------------------------------------------------------

    @composes
    def when(self, condition: Condition) -> EarningRule:
        """This rule on the lines that the condition keeps; 0 where it keeps none."""
        return When(self, condition)

    @composes
    def during(self, start: date | datetime | str | None, end: date | datetime | str | None) -> EarningRule:
        """This rule from *start* to *end*, both included: `.when(During(start, end))`."""
        return When(self, During(start, end))

    @composes
    def between(self, low: Number, high: Number, of: str = "amount") -> EarningRule:
        """This rule on the part of the amount (or quantity, or fact) above *low* and up to *high*.

        >>> [PerSpend(1).between(50, 100).award(Activity.purchase(n, at="2026-03-01")).points for n in (50, 80, 120)]
        [0, 30, 50]
        """
        return Within(self, low, high, of=of)

    @composes
    def over(self, low: Number, of: str = "amount") -> EarningRule:
        """This rule on the part of the amount (or quantity, or fact) above *low*."""
        return Within(self, low, of=of)

    @composes
    def named(self, name: str) -> EarningRule:
        """This rule under a name: in explanations, reports, and for its counters."""
        return Named(self, name)

    @composes
    def cap(self, points: Number, per: PeriodLike = "activity") -> EarningRule:
        """At most so many points per activity, line or period; per period the rule must be named.

        Per period it lets through whole points, and counts exactly those.
        """
        from loyaltycore.counted import Cap

        return Cap(self, points, per=per)

    @composes
    def running(self, *, per: PeriodLike) -> EarningRule:
        """This rule on the period's lines so far, less what it paid for them before; the rule must be named.

        For bands by the year, milestones, retroactive bonuses and stamp cards that carry over. Fractions of a point
        carry over too; write `.rounded()` before it where each total is to be whole.

        >>> bonus = Flat(100).when(Has(at_least=3, of="quantity")).named("third").running(per="month")
        >>> member, paid = Member(), []
        >>> for day in range(1, 5):
        ...     award = bonus.award(Activity.purchase(5, at=date(2026, 3, day)), member)
        ...     member, paid = member.after(award), [*paid, award.points]
        >>> paid
        [0, 0, 100, 0]
        """
        from loyaltycore.counted import Running

        return Running(self, per=per)

    @composes
    def limit(self, n: int, *, per: PeriodLike) -> EarningRule:
        """This rule the first *n* times in a period that it earns anything; the rule must be named."""
        from loyaltycore.counted import Limit

        return Limit(self, n, per=per)

    @composes
    def every_nth(self, n: int, *, per: PeriodLike = "ever") -> EarningRule:
        """This rule every *n*th time in a period that it would earn anything; the rule must be named."""
        from loyaltycore.counted import EveryNthTime

        return EveryNthTime(self, n, per=per)

    @composes
    def in_a_row(self, n: int, *, per: PeriodLike) -> EarningRule:
        """This rule once for every *n* days (weeks, months) in a row in each of which it would earn anything: a streak.

        It is paid by the activity that makes the row long enough, which may be a late one in the middle. Then the next
        *n* begin. The rule must be named.

        >>> streak = Flat(50).named("streak").in_a_row(3, per="day")
        >>> member, paid = Member(), []
        >>> for day in (1, 2, 2, 3, 4, 6):
        ...     award = streak.award(Activity.action("workout", at=date(2026, 3, day)), member)
        ...     member, paid = member.after(award), [*paid, award.points]
        >>> paid
        [0, 0, 0, 50, 0, 0]
        """
        from loyaltycore.counted import InARow

        return InARow(self, n, per=per)

    @composes
    def cooldown(self, *, days: int = 0, months: int = 0) -> EarningRule:
        """This rule only where it has not earned anything for so many days or months; the rule must be named.

        Days are civil dates: after `cooldown(days=30)` what was earned on 1 March can be earned again on the 31st. An
        activity that is learnt late earns nothing, either, if the rule has earned on a day within the rest after it.
        """
        from loyaltycore.counted import Cooldown

        return Cooldown(self, days=days, months=months)

    @composes
    def at_least(self, points: Number) -> EarningRule:
        """At least so many points where this rule gives any."""
        return AtLeast(self, points)

    @composes
    def each_line(self) -> EarningRule:
        """This rule on each line by itself, added up."""
        return EachLine(self)

    @composes
    def each(self, fact: str) -> EarningRule:
        """This rule on the lines of each value of a fact by themselves, added up; lines without it are one value more.

        >>> legs = [Line(90, facts={"leg": 1}), Line(10, facts={"leg": 1}), Line(60, facts={"leg": 2})]
        >>> PerSpend(1).at_least(80).each("leg").award(Activity(legs, at="2026-03-01")).points
        180
        """
        return EachOf(self, fact)

    @composes
    def rounded(self, mode: str = "floor", to: Number = 1) -> EarningRule:
        """This rule's points rounded here, to a multiple of *to*: floor, ceil, half_up, half_down or half_even."""
        return Rounded(self, mode, to=to)


def _addends(value: Sequence[EarningRule]) -> tuple[EarningRule, ...]:
    found: list[EarningRule] = []
    for rule in _rules(value):
        found += rule.rules if isinstance(rule, Sum) else (rule,)
    if len(found) < 2:  # noqa: PLR2004 (a pair)
        raise RuleError("rules: a sum has two or more; give the one rule by itself")
    return tuple(found)


def as_rule(value: EarningRule) -> EarningRule:
    """`value`, if it is an earning rule."""
    if isinstance(value, EarningRule):
        return value
    raise RuleError(f"rule: {value!r} is no earning rule; give one such as PerSpend(1) or Flat(50)")


def _rules(value: Sequence[EarningRule]) -> tuple[EarningRule, ...]:
    rules = tuple(map(as_rule, value if isinstance(value, (tuple, list)) else (value,)))
    if not rules:
        raise RuleError("rules: there is none; give at least one")
    return rules


# Of several rules ---------------------------------------------------------------------------------------------------


@frozen
class Combined(EarningRule):
    """Base of the rules made of rules. They implement `_raw`: most awards inside others are never looked at."""

    @abstractmethod
    def _raw(self, activity: Activity, member: Member) -> Raw: ...

    def earn(self, activity: Activity, member: Member) -> Award:
        """What the rules inside give, combined."""
        return award_of(self._raw(activity, member))


@frozen
class Sum(Combined):
    """Rules added up, written `a + b`."""

    kind = "sum"

    rules: tuple[EarningRule, ...] = field(converter=_addends)

    @property
    def monotone(self) -> bool:
        """Whether each rule is, and none takes from a counter of another."""
        counters = [name for rule in self.rules for name in counters_of(rule)]
        return all(rule.monotone for rule in self.rules) and len(counters) == len(set(counters))

    def _raw(self, activity: Activity, member: Member) -> Raw:
        counts: FrozenMap[CounterKey, Count] = EMPTY
        parts = []
        for rule in self.rules:
            part = rule._raw(activity, member)
            counted = part[3]
            parts.append(part)
            if counted is not EMPTY:
                # the same named rule may stand twice: the second sees what the first has counted
                member = member.counting(counted)
                counts = add_counts(counts, counted)
        return total([part[0] for part in parts]), "total of", tuple(parts), counts

    def _uncapped(self) -> EarningRule:
        return Sum(tuple(rule._uncapped() for rule in self.rules))

    def _lower(self, columns: Columns) -> Column:
        first, *others = map(columns.earned, self.rules)
        return sum(others, first)

    def _code(self) -> _show.Code:
        return _show.infix("+", _show.SUM, self.rules)


@frozen(init=False)
class BestOf(Combined):
    """The rule that gives most; see `best_of`."""

    kind = "best_of"

    rules: tuple[EarningRule, ...] = field(metadata=STAR)

    def __init__(self, *rules: EarningRule) -> None:
        self.__attrs_init__(_rules(rules))

    @property
    def monotone(self) -> bool:
        """Whether each rule is."""
        return all(rule.monotone for rule in self.rules)

    def _raw(self, activity: Activity, member: Member) -> Raw:
        parts = [rule._raw(activity, member) for rule in self.rules]
        points = [part[0] for part in parts]
        best = points.index(max(points))  # the first of equals
        why = ("the best of {}{}", len(parts), _which(self.rules[best], best))
        return points[best], why, tuple(parts), parts[best][3]

    def _lower(self, columns: Columns) -> Column:
        if any(map(counters_of, self.rules)):
            raise NotLowered("best_of of rules that count")
        return reduce(columns.largest, map(columns.earned, self.rules))

    def _uncapped(self) -> EarningRule:
        return BestOf(*(rule._uncapped() for rule in self.rules))

    def _code(self) -> _show.Code:
        return _show.call("best_of", self.rules)


def _which(rule: EarningRule, place: int) -> str:
    """The rule of several, by its name if it has one."""
    name = _name_of(rule)
    return f", number {place + 1}" if name is None else f": {name}"


@readable
def best_of(*rules: EarningRule) -> EarningRule:
    """The rule that gives most for an activity; of equals the first. Only what the winner counts is counted.

    >>> best_of(PerSpend(2), Flat(100)).award(Activity.purchase(30, at="2026-03-01")).points
    100
    """
    return BestOf(*rules)


@frozen(init=False)
class FirstOf(Combined):
    """The first rule that gives anything; see `first_of`."""

    kind = "first_of"

    rules: tuple[EarningRule, ...] = field(metadata=STAR)

    def __init__(self, *rules: EarningRule) -> None:
        self.__attrs_init__(_rules(rules))

    def _raw(self, activity: Activity, member: Member) -> Raw:
        parts = []
        for rule in self.rules:
            points, _, _, counts = part = rule._raw(activity, member)
            parts.append(part)
            if points:
                break
        last = len(parts) - 1
        why: Why = ("the first of {} that earns{}", len(self.rules), _which(self.rules[last], last))
        if not points:
            why = ("none of {} earns", len(self.rules))
        return points, why, tuple(parts), counts

    def _lower(self, columns: Columns) -> Column:
        for rule in self.rules[1:]:
            _always_asked(rule, columns, self)
        *others, last = map(columns.earned, self.rules)
        for points in reversed(others):
            last = columns.pick(points.more_than(0), points, last)
        return last

    def _uncapped(self) -> EarningRule:
        return FirstOf(*(rule._uncapped() for rule in self.rules))

    def _code(self) -> _show.Code:
        return _show.call("first_of", self.rules)


@readable
def first_of(*rules: EarningRule) -> EarningRule:
    """The first rule that gives anything for an activity; those after it are not asked.

    >>> double = PerSpend(2).when(Category("dining"))
    >>> first_of(double, PerSpend(1)).award(Activity.purchase(30, at="2026-03-01", category="fuel")).points
    30
    """
    return FirstOf(*rules)


# Of one rule --------------------------------------------------------------------------------------------------------


@frozen
class Wrapped(Combined):
    """Base of the rules around one rule, which is as monotone as what is inside."""

    rule: EarningRule = field(converter=as_rule)

    @property
    def monotone(self) -> bool:
        """Whether the rule inside is."""
        return self.rule.monotone

    def _uncapped(self) -> EarningRule:
        return evolve(self, rule=self.rule._uncapped())


@frozen
class Times(Wrapped):
    """A rule scaled, written `rule * factor`."""

    kind = "times"

    factor: Factor = field(converter=a_factor)

    @property
    def monotone(self) -> bool:
        """Whether the rule inside is, and the factor a number."""
        return isinstance(self.factor, Constant) and self.rule.monotone

    def _raw(self, activity: Activity, member: Member) -> Raw:
        points, _, _, counts = part = self.rule._raw(activity, member)
        factor = self.factor._exactly(activity, member)
        constant = isinstance(self.factor, Constant)
        why = ("times {}", factor) if constant else ("times {}: {!r}", factor, self.factor)
        return points * factor, why, (part,), counts

    def _lower(self, columns: Columns) -> Column:
        return columns.earned(self.rule) * columns.factor(self.factor)

    def _code(self) -> _show.Code:
        return _show.infix("*", _show.PRODUCT, (self.rule, self.factor))


@frozen
class When(Wrapped):
    """A rule on the lines that a condition keeps; see `EarningRule.when`."""

    kind = "when"

    condition: Condition = field(converter=as_condition)

    monotone: ClassVar[bool] = False

    def _raw(self, activity: Activity, member: Member) -> Raw:
        kept = self.condition.select(activity, member)
        if not kept.lines:
            return _nothing("nothing: {!r} keeps no line", self.condition)
        if kept is activity:
            return _on(self.rule, kept, member, ("on {!r}", self.condition))
        why = ("on {!r}, {} of {} lines", self.condition, len(kept.lines), len(activity.lines))
        return _on(self.rule, kept, member, why)

    def _lower(self, columns: Columns) -> Column:
        return columns.keeping(columns.where(self.condition)).earned(self.rule)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "when", self.condition)


def _nothing(*why: object) -> Raw:
    return 0, why, (), EMPTY


def _on(rule: EarningRule, smaller: Activity, member: Member, why: Why) -> Raw:
    """What the rule inside gives for a smaller activity; nothing for one that comes to less than 0."""
    if not smaller.lines:
        return _nothing("nothing: no line is left")
    if smaller.amount < 0:
        return _nothing("nothing: what is left comes to {}, below 0", smaller.amount)
    points, _, _, counts = part = rule._raw(smaller, member)
    return points, why, (part,), counts


def _low(value: Number) -> Exact:
    return at_least_zero(value, "low")


def _high(value: Number | None) -> Exact | None:
    return None if value is None else above_zero(value, "high")


@frozen
class Within(Wrapped):
    """A rule on a band of the amount; see `EarningRule.between` and `EarningRule.over`."""

    kind = "within"

    low: Exact = field(converter=_low)
    high: Exact | None = field(default=None, converter=_high)
    of: str = field(default="amount", validator=is_name, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.high is not None and self.low >= self.high:
            raise RuleError(f"between: {show(self.low)} is not below {show(self.high)}; give the lower bound first")

    def _raw(self, activity: Activity, member: Member) -> Raw:
        of, low, high = self.of, self.low, self.high
        there = activity.measure(of)
        if there <= low:
            return 0, ("nothing: the {}, {}, is not over {}", of, there, low), (), EMPTY
        top = there if high is None or there < high else high
        why = ("on the {} over {}", of, low) if high is None else ("on the {} between {} and {}", of, low, high)
        points, _, _, counts = part = self.rule._raw(activity.scaled(of, top - low, there), member)
        return points, why, (part,), counts

    def _lower(self, columns: Columns) -> Column:
        return columns.between(self.low, self.high, self.of).earned(self.rule)

    def _code(self) -> _show.Code:
        other = {} if self.of == "amount" else {"of": self.of}
        if self.high is None:
            return _show.method(self.rule, "over", self.low, **other)
        return _show.method(self.rule, "between", self.low, self.high, **other)


@frozen
class Named(Wrapped):
    """A rule under a name; see `EarningRule.named`."""

    kind = "named"

    name: str = field(validator=is_name)

    def _raw(self, activity: Activity, member: Member) -> Raw:
        points, _, _, counts = part = self.rule._raw(activity, member)
        return points, self.name, (part,), counts

    def _lower(self, columns: Columns) -> Column:
        return columns.tell(self.name, columns.earned(self.rule))

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "named", self.name)


@frozen
class AtLeast(Wrapped):
    """A rule lifted to a minimum where it gives anything; see `EarningRule.at_least`."""

    kind = "at_least"

    points: Exact = field(converter=as_points)

    def _raw(self, activity: Activity, member: Member) -> Raw:
        points, _, _, counts = part = self.rule._raw(activity, member)
        if 0 < points < self.points:
            return self.points, ("at least {}", self.points), (part,), counts
        why = "at least {}, and there are more" if points else "nothing to lift to {}"
        return points, (why, self.points), (part,), counts

    def _lower(self, columns: Columns) -> Column:
        points = columns.earned(self.rule)
        return columns.pick(points.more_than(0), columns.largest(points, columns.number(self.points)), points)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "at_least", self.points)


@frozen
class EachLine(Wrapped):
    """A rule on each line by itself; see `EarningRule.each_line`."""

    kind = "each_line"

    monotone: ClassVar[bool] = False

    def _raw(self, activity: Activity, member: Member) -> Raw:
        return _one_by_one(self.rule, _each_line(activity), activity, member, "for each line")

    def _lower(self, columns: Columns) -> Column:
        return columns.summed(columns.narrowed(LINE).earned(self.rule), LINE)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "each_line")


@frozen
class EachOf(Wrapped):
    """A rule on the lines of each value of a fact by themselves; see `EarningRule.each`."""

    kind = "each_of"

    fact: str = field(validator=is_name)

    monotone: ClassVar[bool] = False

    def _raw(self, activity: Activity, member: Member) -> Raw:
        groups: dict[Why, list[Line]] = {}
        for line in activity.lines:
            stated = line.facts.get(self.fact)
            # by the text of the value: True is no 1
            which: Why = "without one" if stated is None else ("{} {}", self.fact, _show.code_of(stated).text)
            groups.setdefault(which, []).append(line)
        if len(groups) == 1:
            return self.rule._raw(activity, member)
        several = [(which, tuple(lines)) for which, lines in groups.items()]
        return _one_by_one(self.rule, several, activity, member, ("for each {!r}", self.fact))

    def _lower(self, columns: Columns) -> Column:
        scope = columns.scope if columns.scope == LINE else (*columns.scope, self.fact)
        return columns.summed(columns.narrowed(scope).earned(self.rule), scope)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "each", self.fact)


def _each_line(activity: Activity) -> Iterator[tuple[Why, tuple[Line, ...]]]:
    """The lines one by one, and what to call each."""
    for i, line in enumerate(activity.lines):
        yield ("line {} ({})", i + 1, line.category) if line.category else ("line {}", i + 1), (line,)


def _one_by_one(
    rule: EarningRule,
    several: Iterable[tuple[Why, tuple[Line, ...]]],
    activity: Activity,
    member: Member,
    why: Why,
    change: Callable[[Raw], Raw] | None = None,
) -> Raw:
    """What a rule gives for some of the lines, and then for others, with the counters carried along."""
    counts: FrozenMap[CounterKey, Count] = EMPTY
    parts = []
    for which, lines in several:
        part = _on(rule, activity.keeping(lines), member, which)
        if change is not None:
            part = change(part)
        counted = part[3]
        parts.append(part)
        if counted is not EMPTY:
            member = member.counting(counted)
            counts = add_counts(counts, counted)
    return total([part[0] for part in parts]), why, tuple(parts), counts


@frozen
class Rounded(Wrapped):
    """A rule rounded; see `EarningRule.rounded`."""

    kind = "rounded"

    mode: str = field(default="floor", converter=rounding_mode)
    to: Exact = field(default=1, converter=as_multiple, kw_only=True)

    def _raw(self, activity: Activity, member: Member) -> Raw:
        points, _, _, counts = part = self.rule._raw(activity, member)
        return round_to(points, self.mode, self.to), ("rounded by {} to {}", self.mode, self.to), (part,), counts

    def _lower(self, columns: Columns) -> Column:
        return columns.earned(self.rule).rounded(self.mode, self.to)

    def _code(self) -> _show.Code:
        mode = () if self.mode == "floor" else (self.mode,)
        return _show.method(self.rule, "rounded", *mode, **({} if self.to == 1 else {"to": self.to}))


# With counters ------------------------------------------------------------------------------------------------------


@frozen
class Counted(Wrapped):
    """Base of the rules that count over a period under the name of the rule inside.

    The counters come in with the member and leave with the award: `member.after(award)` folds them in.
    """

    per: Period = field(converter=counted_period, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.counter_name is None and not isinstance(self.per, Word):
            raise RuleError(f"per={self.per!r} counts under a name; write .named('...') before it on {self.rule!r}")

    @property
    def counter_name(self) -> str | None:
        """The name of the rule inside, through the methods around it."""
        return _name_of(self.rule)

    def _key(self, what: str, activity: Activity, member: Member) -> CounterKey | None:
        """The counter for this activity; `None` if it is to be judged alone."""
        period = self.per.key(activity, member)
        return CounterKey(member.unit, self.counter_name or "", what, period) if period else None


def _name_of(rule: EarningRule) -> str | None:
    """The name of a rule, through the methods around it."""
    while isinstance(rule, Wrapped) and not isinstance(rule, Named):
        rule = rule.rule
    return rule.name if isinstance(rule, Named) else None


def _always_asked(rule: EarningRule, columns: Columns, around: EarningRule) -> None:
    """Refuse columns, where all is asked, for a rule that is not always asked and that counts or is told by name."""
    named = columns.parts is not None and any(isinstance(part, Named) for _, part in walk(rule))
    if named or counters_of(rule):
        raise NotLowered(around)


def counters_of(rule: EarningRule) -> set[str | None]:
    """The names that the rules in *rule* count under."""
    counted = (inside for _, inside in walk(rule) if isinstance(inside, Counted))
    return {inside.counter_name for inside in counted if not isinstance(inside.per, Word)}
