"""Earning rules: the base class, and how rules combine.

A rule is a function from an activity and a member to an award. Rules add up with `+` and scale with `*`; every other
combination is a method, and the outer method acts first: `.when(A).over(100)` trims the basket to what is over 100,
then keeps A's lines of that.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar, final

from attrs import field, frozen

from loyaltycore import _show
from loyaltycore._exact import (
    EMPTY,
    Exact,
    FrozenMap,
    Number,
    above_zero,
    at_least_zero,
    floor,
    round_to,
    rounding_mode,
    show,
    tidy,
    whole,
)
from loyaltycore._strategy import STAR, Strategy, check_finished, composes, readable, text
from loyaltycore.activity import ANYONE, Activity, CounterKey, Member, Tally, add_counts
from loyaltycore.awards import Award, Why, explained
from loyaltycore.conditions import Condition, During, as_condition
from loyaltycore.errors import RuleError
from loyaltycore.factors import Constant, Factor, a_factor, as_factor
from loyaltycore.periods import Period, Word, counted_period


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

    monotone: ClassVar[bool] = False
    """Whether more spent, all else the same, never earns fewer points; `loyaltycore.testing` holds a rule to it."""

    @abstractmethod
    def earn(self, activity: Activity, member: Member) -> Number | Award:
        """Points for the activity: a number of 0 or more, or an `Award` that gives its reason in words."""

    @final
    def award(self, activity: Activity, member: Member = ANYONE) -> Award:
        """What the activity earns, exactly and in whole points rounded down, with the reasons.

        >>> PerSpend("0.5").award(Activity.purchase(15, at="2026-03-01")).points
        7
        """
        if not isinstance(activity, Activity):
            raise RuleError(f"award: {activity!r} is no activity; write Activity.purchase({activity!r}, at=...)")
        return self._award(activity, member)

    def _award(self, activity: Activity, member: Member) -> Award:
        check_finished(self)
        return explained(self.earn(activity, member), ("{!r}", self))

    # Operators ------------------------------------------------------------------------------------------------------

    def __add__(self, other: EarningRule) -> EarningRule:
        return Sum((*_addends(self), *_addends(other))) if isinstance(other, EarningRule) else NotImplemented

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
        return When(self, During(start, end))  # type: ignore[arg-type]

    @composes
    def between(self, low: Number, high: Number, *, of: str = "amount") -> EarningRule:
        """This rule on the part of the amount (or quantity, or fact) above *low* and up to *high*.

        >>> [PerSpend(1).between(50, 100).award(Activity.purchase(n, at="2026-03-01")).points for n in (50, 80, 120)]
        [0, 30, 50]
        """
        return Within(self, low, high, of=of)  # type: ignore[arg-type]

    @composes
    def over(self, low: Number, *, of: str = "amount") -> EarningRule:
        """This rule on the part of the amount (or quantity, or fact) above *low*."""
        return Within(self, low, of=of)  # type: ignore[arg-type]

    @composes
    def named(self, name: str) -> EarningRule:
        """This rule under a name: in explanations, reports, and for its counters."""
        return Named(self, name)

    @composes
    def cap(self, points: Number, *, per: Any = "activity") -> EarningRule:
        """At most so many points per activity, line or period; per period the rule must be named.

        Per period it lets through whole points, and counts exactly those.
        """
        return Cap(self, points, per=per)  # type: ignore[arg-type]

    @composes
    def running(self, *, per: Any) -> EarningRule:
        """This rule on the period's lines so far, less what it paid for them before; the rule must be named.

        For bands by the year, milestones, retroactive bonuses and stamp cards that carry over.

        >>> bonus = Flat(100).when(Has(at_least=3, of="quantity")).named("third").running(per="month")
        >>> member, paid = Member(), []
        >>> for day in range(1, 5):
        ...     award = bonus.award(Activity.purchase(5, at=date(2026, 3, day)), member)
        ...     member, paid = member.after(award), [*paid, award.points]
        >>> paid
        [0, 0, 100, 0]
        """
        return Running(self, per=per)

    @composes
    def limit(self, n: int, *, per: Any) -> EarningRule:
        """This rule the first *n* times in a period that it earns anything; the rule must be named."""
        return Limit(self, n, per=per)

    @composes
    def every_nth(self, n: int) -> EarningRule:
        """This rule every *n*th time that it would earn anything; the rule must be named."""
        return EveryNthTime(self, n)

    @composes
    def at_least(self, points: Number) -> EarningRule:
        """At least so many points where this rule gives any."""
        return AtLeast(self, points)  # type: ignore[arg-type]

    @composes
    def each_line(self) -> EarningRule:
        """This rule on each line by itself, added up."""
        return EachLine(self)

    @composes
    def rounded(self, mode: str = "floor", *, to: Number = 1) -> EarningRule:
        """This rule's points rounded here, to a multiple of *to*: floor, ceil, half_up, half_down or half_even."""
        return Rounded(self, mode, to=to)  # type: ignore[arg-type]


def _addends(rule: EarningRule) -> tuple[EarningRule, ...]:
    return rule.rules if isinstance(rule, Sum) else (rule,)


def as_rule(value: object) -> EarningRule:
    """`value`, if it is an earning rule."""
    if isinstance(value, EarningRule):
        return value
    raise RuleError(f"rule: {value!r} is no earning rule; give one such as PerSpend(1) or Flat(50)")


def _rules(value: object) -> tuple[EarningRule, ...]:
    rules = tuple(map(as_rule, value if isinstance(value, (tuple, list)) else (value,)))
    if not rules:
        raise RuleError("rules: there is none; give at least one")
    return rules


def _ask(rule: EarningRule, smaller: Activity, member: Member, why: Why) -> Award:
    """What the rule inside gives for a smaller activity; nothing for one that comes to less than 0."""
    if smaller.amount < 0:
        return Award(0, 0, reason=("nothing: what is left comes to {}, below 0", show(smaller.amount)))
    part = rule._award(smaller, member)
    return Award(part.exact, part.points, reason=why, parts=(part,), counts=part.counts)


# Of several rules ---------------------------------------------------------------------------------------------------


@frozen
class Sum(EarningRule):
    """Rules added up, written `a + b`."""

    kind = "sum"

    rules: tuple[EarningRule, ...] = field(converter=_rules)

    @property
    def monotone(self) -> bool:  # type: ignore[override]
        """Whether each rule is."""
        return all(rule.monotone for rule in self.rules)

    def earn(self, activity: Activity, member: Member) -> Award:
        """All of the awards."""
        total: Exact = 0
        counts: FrozenMap[CounterKey, Any] = EMPTY
        parts = []
        for rule in self.rules:
            part = rule._award(activity, member)
            parts.append(part)
            total += part.exact
            if part.counts:
                # the same named rule may stand twice: the second sees what the first has counted
                member = member.after(part)
                counts = add_counts(counts, part.counts)
        return Award(tidy(total), reason="total of", parts=tuple(parts), counts=counts)

    def _code(self) -> _show.Code:
        return _show.infix("+", _show.SUM, self.rules)


@frozen(init=False)
class BestOf(EarningRule):
    """The rule that gives most; see `best_of`."""

    kind = "best_of"

    rules: tuple[EarningRule, ...] = field(metadata=STAR)

    def __init__(self, *rules: EarningRule) -> None:
        self.__attrs_init__(_rules(rules))  # type: ignore[attr-defined]

    @property
    def monotone(self) -> bool:  # type: ignore[override]
        """Whether each rule is."""
        return all(rule.monotone for rule in self.rules)

    def earn(self, activity: Activity, member: Member) -> Award:
        """The largest award; only its counts leave."""
        parts = tuple(rule._award(activity, member) for rule in self.rules)
        best = max(parts, key=lambda part: part.exact)  # the first of equals
        place = parts.index(best) + 1
        return Award(
            best.exact, reason=("the best of {}, number {}", len(parts), place), parts=parts, counts=best.counts
        )

    def _code(self) -> _show.Code:
        return _show.call("best_of", self.rules)


@readable
def best_of(*rules: EarningRule) -> EarningRule:
    """The rule that gives most for an activity; of equals the first. Only what the winner counts is counted.

    >>> best_of(PerSpend(2), Flat(100)).award(Activity.purchase(30, at="2026-03-01")).points
    100
    """
    return BestOf(*rules)


@frozen(init=False)
class FirstOf(EarningRule):
    """The first rule that gives anything; see `first_of`."""

    kind = "first_of"

    rules: tuple[EarningRule, ...] = field(metadata=STAR)

    def __init__(self, *rules: EarningRule) -> None:
        self.__attrs_init__(_rules(rules))  # type: ignore[attr-defined]

    def earn(self, activity: Activity, member: Member) -> Award:
        """The first award above 0; the rules after it are not asked."""
        parts = []
        for rule in self.rules:
            part = rule._award(activity, member)
            parts.append(part)
            if part.exact:
                break
        why = ("the first of {} that earns, number {}", len(self.rules), len(parts))
        return Award(part.exact, reason=why, parts=tuple(parts), counts=part.counts)

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
class Wrapped(EarningRule):
    """Base of the rules around one rule, which is as monotone as what is inside."""

    rule: EarningRule = field(converter=as_rule)

    @property
    def monotone(self) -> bool:  # type: ignore[override]
        """Whether the rule inside is."""
        return self.rule.monotone


@frozen
class Times(Wrapped):
    """A rule scaled, written `rule * factor`."""

    kind = "times"

    factor: Factor = field(converter=a_factor)

    @property
    def monotone(self) -> bool:  # type: ignore[override]
        """Whether the rule inside is, and the factor a number."""
        return isinstance(self.factor, Constant) and self.rule.monotone

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award, multiplied."""
        part = self.rule._award(activity, member)
        factor = self.factor._exactly(activity, member)
        why = (
            ("times {}", show(factor))
            if isinstance(self.factor, Constant)
            else ("times {}: {!r}", show(factor), self.factor)
        )
        return Award(tidy(part.exact * factor), reason=why, parts=(part,), counts=part.counts)

    def _code(self) -> _show.Code:
        return _show.infix("*", _show.PRODUCT, (self.rule, self.factor))


@frozen
class When(Wrapped):
    """A rule on the lines that a condition keeps; see `EarningRule.when`."""

    kind = "when"

    condition: Condition = field(converter=as_condition)

    monotone: ClassVar[bool] = False

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award for the lines kept."""
        kept = self.condition.select(activity, member)
        if not kept.lines:
            return Award(0, 0, reason=("nothing: no line is {!r}", self.condition))
        if kept is activity:
            return _ask(self.rule, kept, member, ("on {!r}", self.condition))
        why = ("on {!r}, {} of {} lines", self.condition, len(kept.lines), len(activity.lines))
        return _ask(self.rule, kept, member, why)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "when", self.condition)


@frozen
class Within(Wrapped):
    """A rule on a band of the amount; see `EarningRule.between` and `EarningRule.over`."""

    kind = "within"

    low: Exact = field(converter=lambda v: at_least_zero(v, "low"))
    high: Exact | None = field(default=None, converter=lambda v: v if v is None else above_zero(v, "high"))
    of: str = field(default="amount", converter=lambda v: text(v, "of"), kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.high is not None and self.low >= self.high:
            raise RuleError(f"between: {show(self.low)} is not below {show(self.high)}; give the lower bound first")

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award for the part within, if the amount reaches it."""
        there = activity.measure(self.of)
        if there <= self.low:
            return Award(0, 0, reason=("nothing: the {}, {}, is not over {}", self.of, show(there), show(self.low)))
        top = there if self.high is None or there < self.high else self.high
        smaller = activity.scaled(self.of, tidy(top - self.low), there)
        return _ask(self.rule, smaller, member, self._why())

    def _why(self) -> Why:
        if self.high is None:
            return ("on the {} over {}", self.of, show(self.low))
        return ("on the {} between {} and {}", self.of, show(self.low), show(self.high))

    def _code(self) -> _show.Code:
        other = {} if self.of == "amount" else {"of": self.of}
        if self.high is None:
            return _show.method(self.rule, "over", self.low, **other)
        return _show.method(self.rule, "between", self.low, self.high, **other)


@frozen
class Named(Wrapped):
    """A rule under a name; see `EarningRule.named`."""

    kind = "named"

    name: str = field(converter=lambda v: text(v, "name"))

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award, under the name."""
        part = self.rule._award(activity, member)
        return Award(part.exact, part.points, reason=self.name, parts=(part,), counts=part.counts)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "named", self.name)


@frozen
class AtLeast(Wrapped):
    """A rule lifted to a minimum where it gives anything; see `EarningRule.at_least`."""

    kind = "at_least"

    points: Exact = field(converter=lambda v: at_least_zero(v, "points"))

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award, lifted."""
        part = self.rule._award(activity, member)
        lifted = 0 < part.exact < self.points
        why = "at least {}" if lifted else "at least {}, and there are more" if part.exact else "nothing to lift to {}"
        return Award(
            self.points if lifted else part.exact, reason=(why, show(self.points)), parts=(part,), counts=part.counts
        )

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "at_least", self.points)


@frozen
class EachLine(Wrapped):
    """A rule on each line by itself; see `EarningRule.each_line`."""

    kind = "each_line"

    monotone: ClassVar[bool] = False

    def earn(self, activity: Activity, member: Member) -> Award:
        """The awards for the lines, one after another."""
        return _line_by_line(self.rule, activity, member, lambda part: part, "for each line")

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "each_line")


def _line_by_line(
    rule: EarningRule, activity: Activity, member: Member, change: Callable[[Award], Award], why: Why
) -> Award:
    total: Exact = 0
    counts: FrozenMap[CounterKey, Any] = EMPTY
    parts = []
    for i, line in enumerate(activity.lines):
        alone = activity if len(activity.lines) == 1 else activity.keeping((line,))
        part = change(_ask(rule, alone, member, ("line {}{}", i + 1, f" ({line.category})" if line.category else "")))
        parts.append(part)
        total += part.exact
        if part.counts:
            member = member.after(part)
            counts = add_counts(counts, part.counts)
    return Award(tidy(total), reason=why, parts=tuple(parts), counts=counts)


@frozen
class Rounded(Wrapped):
    """A rule rounded; see `EarningRule.rounded`."""

    kind = "rounded"

    mode: str = field(default="floor", converter=rounding_mode)
    to: Exact = field(default=1, converter=lambda v: above_zero(v, "to"), kw_only=True)

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award, rounded."""
        part = self.rule._award(activity, member)
        why: Why = ("rounded by {} to {}", self.mode, show(self.to))
        return Award(round_to(part.exact, self.mode, self.to), reason=why, parts=(part,), counts=part.counts)

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
        inside: EarningRule = self.rule
        while isinstance(inside, Wrapped) and not isinstance(inside, Named):
            inside = inside.rule
        return inside.name if isinstance(inside, Named) else None

    def _key(self, what: str, activity: Activity, member: Member) -> CounterKey | None:
        """The counter for this activity; `None` if it is to be judged alone."""
        period = self.per.key(activity, member)
        return CounterKey(member.unit, self.counter_name or "", what, period) if period else None


@frozen
class Cap(Counted):
    """A rule up to so many points; see `EarningRule.cap`."""

    kind = "cap"

    points: Exact = field(converter=lambda v: at_least_zero(v, "points"))
    per: Period = field(default="activity", converter=counted_period, kw_only=True)

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award, as far as there is room."""
        if isinstance(self.per, Word) and self.per.word == "line":
            why = ("at most {} a line", show(self.points))
            return _line_by_line(self.rule, activity, member, self._capped, why)
        part = self.rule._award(activity, member)
        key = self._key("points", activity, member)
        if key is None:
            return self._capped(part)
        used = member.counted.get(key, 0)
        room = max(0, self.points - used)
        points = floor(min(part.exact, room))
        why = ("at most {} per {!r}, of which {} were left", show(self.points), self.per, show(tidy(room)))
        counts = add_counts(part.counts, {key: points} if points else {})
        return Award(points, points, reason=why, parts=(part,), counts=counts)

    def _capped(self, part: Award) -> Award:
        points = min(part.exact, self.points)
        return Award(points, reason=("at most {}", show(self.points)), parts=(part,), counts=part.counts)

    def _code(self) -> _show.Code:
        per = {} if self.per == Word("activity") else {"per": self.per}
        return _show.method(self.rule, "cap", self.points, **per)


@frozen
class Running(Counted):
    """A rule over the lines of a period; see `EarningRule.running`."""

    kind = "running"

    monotone: ClassVar[bool] = False

    def earn(self, activity: Activity, member: Member) -> Award:
        """What the rule gives for all lines so far, less what was paid for them; never below 0."""
        lines, paid = (self._key(what, activity, member) for what in ("lines", "paid"))
        if lines is None or paid is None:
            return self.rule._award(activity, member)
        these = Tally.of(activity)
        so_far: Tally = member.counted.get(lines, Tally()) + these
        before: Exact = member.counted.get(paid, 0)
        # the whole is judged afresh each time, so counters inside begin at nothing and are not kept
        afresh = Member(
            member.id, tier=member.tier, tiers=member.tiers, ladder=member.ladder, joined=member.joined,
            facts=member.facts, last=member.last, lots=member.lots, unit=member.unit,
        )  # fmt: skip
        part = _ask(self.rule, so_far.activity(activity), afresh, ("so far per {!r}", self.per))
        due = tidy(max(0, part.exact - before))
        why = ("{} so far, less {} paid before", show(part.exact), show(before))
        return Award(
            due, reason=why, parts=part.parts, counts=FrozenMap({lines: these, **({paid: due} if due else {})})
        )

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "running", per=self.per)


@frozen
class Limit(Counted):
    """A rule so many times a period; see `EarningRule.limit`."""

    kind = "limit"

    n: int = field(converter=lambda v: whole(v, "n", at_least=1))

    monotone: ClassVar[bool] = False

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award, if it is not one too many."""
        key = self._key("times", activity, member)
        times = 0 if key is None else member.counted.get(key, 0)
        if times >= self.n:
            return Award(0, 0, reason=("nothing: it has earned {} times per {!r} already", times, self.per))
        part = self.rule._award(activity, member)
        counts = add_counts(part.counts, {key: 1}) if key is not None and part.exact else part.counts
        why = ("at most {} times per {!r}, of which {} were left", self.n, self.per, self.n - times)
        return Award(part.exact, part.points, reason=why, parts=(part,), counts=counts)

    def _code(self) -> _show.Code:
        return _show.method(self.rule, "limit", self.n, per=self.per)


@frozen
class EveryNthTime(Counted):
    """A rule every so many times that it would earn; see `EarningRule.every_nth`."""

    kind = "every_nth"

    n: int = field(converter=lambda v: whole(v, "n", at_least=1))
    per: Period = field(default="ever", converter=counted_period, kw_only=True)

    monotone: ClassVar[bool] = False

    def earn(self, activity: Activity, member: Member) -> Award:
        """The award, if it is the *n*th time; what the rule inside counts is counted only then."""
        key = self._key("nth", activity, member)
        part = self.rule._award(activity, member)
        if key is None or not part.exact:
            return part
        place = (member.counted.get(key, 0) % self.n) + 1
        once = FrozenMap({key: 1})
        if place < self.n:
            return Award(0, 0, reason=("nothing yet: time {} of {}", place, self.n), parts=(), counts=once)
        why = ("time {} of {}", place, self.n)
        return Award(part.exact, part.points, reason=why, parts=(part,), counts=add_counts(part.counts, once))

    def _code(self) -> _show.Code:
        other = {} if self.per == counted_period("ever") else {"per": self.per}
        return _show.method(self.rule, "every_nth", self.n, **other)
