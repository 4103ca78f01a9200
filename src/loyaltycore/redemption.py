"""Redemption: what points buy, and why not.

An option looks at an order (an activity) and a member and quotes a price in points. A refusal that a customer can
cause is a value with a code, a sentence and the numbers; it is never raised.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import date, datetime, timedelta
from html import escape
from typing import Any, ClassVar, Final, final

from attrs import evolve, field

from loyaltycore import _show
from loyaltycore._calendar import month_day, on_day
from loyaltycore._exact import (
    EMPTY,
    Exact,
    FrozenMap,
    Number,
    at_least_zero,
    exact,
    frozen_map,
    round_to,
    show,
    tidy,
    whole,
)
from loyaltycore._strategy import Stored, Strategy, check_finished, composes, frozen, unlocked, walk
from loyaltycore.activity import ANYONE, Activity, CounterKey, Member
from loyaltycore.awards import Award, award_of, raw_of
from loyaltycore.conditions import Condition, During, as_condition
from loyaltycore.earning import EarningRule
from loyaltycore.errors import RuleError
from loyaltycore.factors import Factor, a_factor, as_factor
from loyaltycore.periods import Period, PeriodLike, Span, Word, as_period, counted_period

CODES: Final = (
    "not_eligible",
    "not_available_yet",
    "out_of_stock",
    "limit_reached",
    "below_minimum",
    "not_in_increment",
    "insufficient_points",
)
"""Why a reward may be refused, in the order in which one is named where several hold."""


@frozen
class Refusal(Stored):
    """Why a customer cannot have something: a code, a sentence, and the numbers in it."""

    _kind = "refusal"

    code: str = field()
    text: str = field(default="")
    numbers: FrozenMap[str, Exact] = field(default=EMPTY, converter=frozen_map)

    def __attrs_post_init__(self) -> None:
        if self.code not in CODES:
            raise RuleError(f"code: {self.code!r} is no refusal; give one of {', '.join(CODES)}")

    def __str__(self) -> str:
        return self.text or self.code


def _points(value: Number) -> int:
    """A price in whole points: a fraction is rounded up, as a price is never below what was said."""
    return int(round_to(at_least_zero(value, "points"), "ceil"))


@frozen
class Quote(Stored):
    """What an option costs and gives for one order, or why it is refused.

    *points* of *unit* buy *value* (money, in the main unit, where there is a worth) and *grants* (what the
    application must hand over). *parts* explain the price. *counts* are counted when it is redeemed.
    """

    _kind = "quote"

    option: str = field(default="")
    points: int = field(default=0, converter=_points)
    unit: str = field(default="")
    value: Exact = field(default=0, converter=exact)
    grants: FrozenMap[str, Any] = field(default=EMPTY, converter=frozen_map)
    refusal: Refusal | None = field(default=None)
    parts: tuple[Award, ...] = field(default=())
    counts: FrozenMap[CounterKey, int] = field(default=EMPTY, converter=frozen_map, kw_only=True)
    lots: Condition | None = field(default=None, kw_only=True)

    @property
    def ok(self) -> bool:
        """Whether it can be redeemed."""
        return self.refusal is None

    @property
    def missing(self) -> int:
        """How many points are missing; 0 if it is refused for anything else, or not at all."""
        if self.refusal is None or self.refusal.code != "insufficient_points":
            return 0
        return int(self.refusal.numbers["missing"])

    def __str__(self) -> str:
        what = self.option or "a reward"
        worth = f", worth {show(self.value)}" if self.value else ""
        head = f"{what}: {self.points:,} {self.unit or 'points'}{worth}"
        return head if self.refusal is None else f"{head}; refused, {self.refusal}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>"

    def refused(self, code: str, text: str, **numbers: Exact) -> Quote:
        """This quote refused, unless it is already for a reason that is named before."""
        if self.refusal is not None and CODES.index(self.refusal.code) <= CODES.index(code):
            return self
        return self._with(refusal=Refusal(code, text, numbers))

    def _with(self, **changes: Any) -> Quote:
        """The same quote with other fields, unchecked."""
        new = _UnlockedQuote()
        new.option = self.option
        new.points = self.points
        new.unit = self.unit
        new.value = self.value
        new.grants = self.grants
        new.refusal = self.refusal
        new.parts = self.parts
        new.counts = self.counts
        new.lots = self.lots
        for name, value in changes.items():
            setattr(new, name, value)
        new.__class__ = Quote
        return new  # type: ignore[no-any-return]  # it is one now


_UnlockedQuote: Final = unlocked(Quote)


@frozen
class RedemptionOption(Strategy):
    """Base of redemption options. Implement `price`; call `quote`.

    >>> @frozen
    ... class HappyHour(RedemptionOption):
    ...     kind = "happy_hour"
    ...     def price(self, order, member):
    ...         return 100 if order.at.hour == 17 else 150
    >>> HappyHour().quote(Activity.action("order", at="2026-03-01T17:30")).points
    100
    """

    _operators: ClassVar[str] = "* .when(...) .limit(...) .stock(...)"

    @abstractmethod
    def price(self, order: Activity, member: Member) -> Number | Quote:
        """What it costs: points, rounded up if they are no whole number, or a `Quote` that also says what it gives."""

    @final
    def quote(self, order: Activity, member: Member = ANYONE, *, points: int | None = None) -> Quote:
        """What the option costs and gives for this order, or why not.

        *points* is how many the customer wants to spend, for options that leave the choice; fixed prices ignore it.
        Whether there are enough is asked of `member.lots`, and not at all where those are left out.
        """
        if points is not None:
            points = whole(points, "points", at_least=0)
        return enough(self._quote(order, member, points), member)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        """The quote before it is asked whether the points are there."""
        check_finished(self)
        priced = self.price(order, member)
        if isinstance(priced, Quote):
            return priced
        part = award_of(raw_of(priced, self, "price"))
        return Quote(points=part.exact, unit=self._unit, parts=(part,))

    @property
    def _unit(self) -> str:
        return getattr(self, "unit", "")

    @property
    def _price_alone(self) -> int | None:
        """How many points are all that is asked, of anyone at any time; `None` where that is not known beforehand."""
        return None

    # Operators and methods ------------------------------------------------------------------------------------------

    def __mul__(self, factor: Factor | Number) -> RedemptionOption:
        found = as_factor(factor)
        return NotImplemented if found is None else Priced(self, found)

    __rmul__ = __mul__

    @composes
    def when(self, condition: Condition) -> RedemptionOption:
        """This option on the lines that the condition keeps; `not_eligible` where it keeps none."""
        return OptionWhen(self, condition)

    @composes
    def during(self, start: date | datetime | str | None, end: date | datetime | str | None) -> RedemptionOption:
        """This option from *start* to *end*, both included; `not_available_yet` before."""
        return OptionWhen(self, During(start, end))

    @composes
    def limit(self, n: int, *, per: Any, among: str = "member", of: str = "times") -> RedemptionOption:
        """This option *n* times a period: per member, or with `among="all"` by all members together.

        With `of="points"` it is *n* points a period: those asked for, as priced inside. What is cancelled counts no
        more once all of it is.
        """
        return OptionLimit(self, n, per=per, among=among, of=of)

    @composes
    def stock(self, n: int) -> RedemptionOption:
        """This option *n* times altogether, for all members; `out_of_stock` after."""
        return Stock(self, n)

    @composes
    def from_lots(self, condition: Condition) -> RedemptionOption:
        """This option paid only from lots whose facts the condition accepts: a sponsor's, or a payer's points."""
        return FromLots(self, condition)

    @composes
    def every(self, period: PeriodLike) -> RedemptionOption:
        """This option taken by the account itself at the end of each period, or at once for `"activity"`.

        For `Points(converts=...)`. The period is a calendar one, or `MembershipYear()`.
        """
        return Automatic(self, per=period)

    @composes
    def on(self, day: str) -> RedemptionOption:
        """This option taken by the account itself each year at the end of that day, as in `"12-31"`; see `every`."""
        return Automatic(self, day=day)


def as_option(value: object) -> RedemptionOption:
    """`value`, if it is a redemption option."""
    if isinstance(value, RedemptionOption):
        return value
    raise RuleError(f"reward: {value!r} is no redemption option; give one such as Item(150, sku='latte')")


def enough(quote: Quote, member: Member) -> Quote:
    """The quote, refused where the member's points fall short."""
    if quote.refusal is not None or not member.lots_known:
        return quote
    there = (member if quote.lots is None else member.only_lots(quote.lots)).available(quote.unit)
    if there >= quote.points:
        return quote
    owed = member.owed(quote.unit)
    missing = quote.points - there + owed
    debt = f", {owed:,} are owed" if owed else ""
    return quote.refused(
        "insufficient_points",
        f"{there:,} points are available{debt} and {quote.points:,} are needed; {missing:,} are missing",
        required=quote.points,
        available=there,
        **({"owed": owed} if owed else {}),
        missing=missing,
    )


# Around an option ---------------------------------------------------------------------------------------------------


@frozen
class OptionAround(RedemptionOption):
    """Base of the options around one option."""

    option: RedemptionOption = field(converter=as_option)

    def price(self, order: Activity, member: Member) -> Number | Quote:
        """The quote, for as many points as possible where the customer may choose."""
        return self._quote(order, member, None)

    @property
    def _unit(self) -> str:
        return self.option._unit


@frozen
class Priced(OptionAround):
    """An option whose price is scaled, written `option * factor`."""

    kind = "priced"

    factor: Factor = field(converter=a_factor)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        quote = self.option._quote(order, member, points)
        factor = self.factor._exactly(order, member)
        exact_points: Exact = quote.parts[0].exact if len(quote.parts) == 1 else quote.points
        why = ("times {}: {!r}", show(factor), self.factor)
        part = Award(tidy(exact_points * factor), reason=why, parts=quote.parts)
        return evolve(quote, points=part.exact, parts=(part,))

    def _code(self) -> _show.Code:
        return _show.infix("*", _show.PRODUCT, (self.option, self.factor))


@frozen
class OptionWhen(OptionAround):
    """An option behind a condition; see `RedemptionOption.when`."""

    kind = "option_when"

    condition: Condition = field(converter=as_condition)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        kept = self.condition.select(order, member)
        # a rule says what something costs, and does not answer for lines that were only returned
        if kept.lines and (kept.amount >= 0 or not any(isinstance(part, EarningRule) for _, part in walk(self.option))):
            return self.option._quote(kept, member, points)
        quote = self.option._quote(order, member, points)
        if isinstance(self.condition, During) and self.condition.is_ahead(order):
            return quote.refused("not_available_yet", f"it is available from {self.condition.start}")
        return quote.refused("not_eligible", f"it is for {self.condition!r} only")

    def _code(self) -> _show.Code:
        if isinstance(self.condition, During):
            return _show.Code(f"{_show.within(self.option)}.{repr(self.condition).replace('During', 'during', 1)}")
        return _show.method(self.option, "when", self.condition)


def _among(value: str) -> str:
    if value in ("member", "all"):
        return value
    raise RuleError(f"among: {value!r} is nobody; give 'member' or 'all'")


def _of(value: str) -> str:
    if value in ("times", "points"):
        return value
    raise RuleError(f"of: {value!r} cannot be limited; give 'times' or 'points'")


def _n(value: Number) -> int:
    return whole(value, "n", at_least=0)


@frozen
class OptionLimit(OptionAround):
    """An option so many times a period; see `RedemptionOption.limit`."""

    kind = "option_limit"

    n: int = field(converter=_n)
    per: Period = field(converter=counted_period, kw_only=True)
    among: str = field(default="member", converter=_among, kw_only=True)
    of: str = field(default="times", converter=_of, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.per, Word):
            raise RuleError(f"per: {self.per!r} counts nothing; limit an option per day, month, year or ever")

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        quote = self.option._quote(order, member, points)
        points_of, more = ("", 1) if self.of == "times" else ("points ", quote.points)
        what = f"{points_of}redeemed" if self.among == "member" else f"{points_of}redeemed by all"
        key = CounterKey("", member.unit, what, self.per.key(order, member))
        used = member.counted.get(key, 0)
        quote = quote._with(counts=quote.counts.replacing({key: more}))
        if used + more <= self.n:
            return quote
        text = f"the limit of {self.n:,} per {self.per!r} is reached"
        if points_of and used < self.n:
            text = f"{self.n - used:,} points are left of the limit of {self.n:,} per {self.per!r}"
        return quote.refused("limit_reached", text, limit=self.n, used=used)

    def _code(self) -> _show.Code:
        among = {} if self.among == "member" else {"among": self.among}
        of = {} if self.of == "times" else {"of": self.of}
        return _show.method(self.option, "limit", self.n, per=self.per, **among, **of)


@frozen
class Stock(OptionAround):
    """An option with a stock; see `RedemptionOption.stock`."""

    kind = "stock"

    n: int = field(converter=_n)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        quote = self.option._quote(order, member, points)
        key = CounterKey("", member.unit, "stock taken by all", "ever")
        taken = member.counted.get(key, 0)
        quote = quote._with(counts=quote.counts.replacing({key: 1}))
        if taken < self.n:
            return quote
        return quote.refused("out_of_stock", "there are none left", stock=self.n, taken=taken)

    def _code(self) -> _show.Code:
        return _show.method(self.option, "stock", self.n)


@frozen
class FromLots(OptionAround):
    """An option paid from some lots only; see `RedemptionOption.from_lots`."""

    kind = "from_lots"

    condition: Condition = field(converter=as_condition)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        quote = self.option._quote(order, member.only_lots(self.condition), points)
        return quote._with(lots=self.condition if quote.lots is None else quote.lots & self.condition)

    def _code(self) -> _show.Code:
        return _show.method(self.option, "from_lots", self.condition)


# What an account does by itself -------------------------------------------------------------------------------------


def _per(value: PeriodLike | None) -> Period | None:
    return None if value is None else as_period(value)


@frozen
class Automatic(OptionAround):
    """An option that an account takes by itself; see `RedemptionOption.every` and `RedemptionOption.on`."""

    kind = "automatic"

    per: Period | None = field(default=None, converter=_per, kw_only=True)
    day: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if automatic_in(self.option) is not None:
            raise RuleError(f"option: {self.option!r} says already when it is taken; say it once")
        if (self.per is None) == (not self.day):
            raise RuleError("an option is taken every period or on a day of the year; give either per=... or day=...")
        if self.day:
            month_day(self.day, "day")
        elif not (isinstance(self.per, Span) or self.at_once):
            raise RuleError(f"per: {self.per!r} has no end; give a period such as 'month', or 'activity' for at once")

    @property
    def at_once(self) -> bool:
        """Whether it is taken whenever there is something to take."""
        return isinstance(self.per, Word) and self.per.word == "activity"

    def last_day(self, day: date, member: Member) -> date:
        """The last day of the stretch that *day* is in; the option is taken at its end."""
        if isinstance(self.per, Span):
            return self.per.span(day, member)[1] - timedelta(1)
        month, of_month = month_day(self.day, "day")
        this_year = on_day(day.year, month, of_month)
        return this_year if this_year >= day else on_day(day.year + 1, month, of_month)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        return self.option._quote(order, member, points)

    def _code(self) -> _show.Code:
        name, when = ("on", self.day) if self.day else ("every", self.per)
        return _show.method(self.option, name, when)


def inside(option: RedemptionOption) -> tuple[RedemptionOption, ...]:
    """An option and what it is around, from the outside to the core."""
    found = [option]
    while isinstance(option, OptionAround):
        option = option.option
        found.append(option)
    return tuple(found)


def automatic_in(option: RedemptionOption) -> Automatic | None:
    """When an option is taken by itself, if it is."""
    return next((part for part in inside(option) if isinstance(part, Automatic)), None)
