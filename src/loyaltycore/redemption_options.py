"""The redemption options that name a price and say what it buys: everything else is put around these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from attrs import field

from loyaltycore._exact import (
    EMPTY,
    Exact,
    FrozenMap,
    Number,
    above_zero,
    at_least_zero,
    floor,
    round_to,
    show,
    tidy,
    whole,
)
from loyaltycore._strategy import frozen, text
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award, award_of
from loyaltycore.dates import DateRule, as_date_rule
from loyaltycore.earning import EarningRule
from loyaltycore.earning_rules import PointsTable
from loyaltycore.errors import RuleError
from loyaltycore.redemption import Quote, RedemptionOption, enough, inside

# Fixed prices -------------------------------------------------------------------------------------------------------


def a_price(value: Number | EarningRule) -> Exact | EarningRule:
    """A price: a number of points, or an earning rule read on the order."""
    return value if isinstance(value, EarningRule) else at_least_zero(value, "price")


def _worth(value: Number) -> Exact:
    return above_zero(value, "worth")


def _step(value: Number) -> int:
    return whole(value, "step", at_least=1)


def _at_least(value: Number) -> int:
    return whole(value, "at_least", at_least=0)


def _most(value: Number | None) -> int | None:
    return None if value is None else whole(value, "at_most", at_least=1)


def _share(value: Number) -> Exact:
    share = above_zero(value, "share")
    if share > 1:
        raise RuleError(f"share: {show(share)} is more than the order; give at most 1, such as '0.5'")
    return share


def _percent(value: Number) -> Exact:
    percent = above_zero(value, "percent")
    if percent > 100:  # noqa: PLR2004 (percent)
        raise RuleError(f"percent: {show(percent)} is more than the order; give at most 100")
    return percent


def _money_or_none(value: Number | None) -> Exact | None:
    return None if value is None else above_zero(value, "at_most")


def _expiry(value: DateRule | None) -> DateRule | None:
    return None if value is None else as_date_rule(value)


def _priced(price: Exact | EarningRule, order: Activity, member: Member) -> Award:
    return price.award(order, member) if isinstance(price, EarningRule) else award_of((price, "the price", (), EMPTY))


def _whole_price(price: Exact | EarningRule) -> int | None:
    """A price that is no rule, in whole points."""
    return None if isinstance(price, EarningRule) else int(round_to(price, "ceil"))


@frozen
class Item(RedemptionOption):
    """Something handed over: a product, a perk, an upgrade, a ticket.

    *price* is in points, or a rule read on the order. *sku* and *grants* say what the application hands over.

    >>> print(Item(150, sku="latte").quote(Activity.action("order", at="2026-03-01")))
    latte: 150 points
    """

    kind = "item"

    cost: Exact | EarningRule = field(converter=a_price, alias="price")  # `price` is the hook
    sku: str = field(default="", kw_only=True)
    grants: str = field(default="", kw_only=True)
    unit: str = field(default="", kw_only=True)

    def price(self, order: Activity, member: Member) -> Quote:
        """The price, and what is granted."""
        part = _priced(self.cost, order, member)
        grants = {name: value for name, value in (("sku", self.sku), ("grants", self.grants)) if value}
        name = self.sku or self.grants
        return Quote(name, part.exact, unit=self.unit, grants=grants, parts=(part,))

    @property
    def _price_alone(self) -> int | None:
        return _whole_price(self.cost) if type(self) is Item else None


@frozen
class Voucher(RedemptionOption):
    """A gift card, certificate or discount of a fixed worth in money; *expiry* counts from the day it is redeemed."""

    kind = "voucher"

    cost: Exact | EarningRule = field(converter=a_price, alias="price")
    worth: Exact = field(converter=_worth, kw_only=True)
    expiry: DateRule | None = field(default=None, converter=_expiry, kw_only=True)
    unit: str = field(default="", kw_only=True)

    def price(self, order: Activity, member: Member) -> Quote:
        """The price and the worth, with the last day the voucher can be used."""
        part = _priced(self.cost, order, member)
        grants: dict[str, Any] = {"voucher": self.worth}
        if self.expiry is not None:
            last = self.expiry.falls_on(_FromOrder(order), member)
            if last is not None:
                grants["expires_on"] = last.isoformat()
        return Quote("voucher", part.exact, unit=self.unit, value=self.worth, grants=grants, parts=(part,))

    @property
    def _price_alone(self) -> int | None:
        return _whole_price(self.cost) if type(self) is Voucher and self.expiry is None else None


@frozen
class _FromOrder:
    """An order as the subject of a date rule."""

    order: Activity

    @property
    def since(self) -> date:
        return self.order.day

    earned = since

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.order.facts


@frozen
class PercentOff(RedemptionOption):
    """A share of the order's total off, at most *at_most* of money."""

    kind = "percent_off"

    cost: Exact | EarningRule = field(converter=a_price, alias="price")
    percent: Exact = field(converter=_percent, kw_only=True)
    at_most: Exact | None = field(default=None, converter=_money_or_none, kw_only=True)
    unit: str = field(default="", kw_only=True)

    def price(self, order: Activity, member: Member) -> Quote:
        """The price, and what it takes off the order."""
        part = _priced(self.cost, order, member)
        off = tidy(max(0, order.amount) * Fraction(self.percent) / 100)
        value = off if self.at_most is None else min(off, self.at_most)
        grants = {"percent": self.percent}
        return Quote("percent_off", part.exact, unit=self.unit, value=value, grants=grants, parts=(part,))


@frozen
class AwardChart(RedemptionOption):
    """Prices looked up by facts of the order: an airline's award chart.

    *rows* and *by* are those of `PointsTable`. An order that the chart has no row for is `not_eligible`.

    >>> chart = AwardChart({"domestic": 7_500, "overseas": 30_000}, by="zone")
    >>> chart.quote(Activity.action("order", at="2026-03-01", zone="overseas")).points
    30000
    """

    kind = "award_chart"

    rows: Any = field()
    by: Any = field(kw_only=True)
    unit: str = field(default="", kw_only=True)
    _table: PointsTable = field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        table = PointsTable(self.rows, by=self.by)
        for name, value in (("rows", table.rows), ("by", table.by), ("_table", table)):
            object.__setattr__(self, name, value)

    def price(self, order: Activity, member: Member) -> Quote:
        """The price of the order's row, and the facts that were looked up."""
        part = self._table.find(order)
        if part is None:
            by = ", ".join(map(str, self._table.by))
            return Quote("award", unit=self.unit).refused(
                "not_eligible", f"the chart by {by} has no row for this order"
            )
        return Quote("award", part.exact, unit=self.unit, grants=order.facts, parts=(part,))


# Where the customer chooses how many points -------------------------------------------------------------------------


@frozen
class Chosen(RedemptionOption):
    """Base of the options where the customer says how many points; all that can be, if not said."""

    def price(self, order: Activity, member: Member) -> Quote:
        """The quote for as many points as possible."""
        return self._quote(order, member, None)


def _total(order: Activity) -> Exact | None:
    """What can be paid; `None` where there is no order but a mere question: no purchase, and nothing with an amount."""
    asked = order.kind != "purchase" and not any(line.amount for line in order.lines)
    return None if asked else max(0, order.amount)


def _below(quote: Quote, at_least: int) -> Quote:
    return quote.refused(
        "below_minimum", f"at least {at_least:,} points are needed", at_least=at_least, points=quote.points
    )


@frozen
class PayWithPoints(Chosen):
    """Points as money: each is worth so much off the order, never more than its total or *share* of it.

    *worth* is money per point. Points come in steps of *step*, at least *at_least* and at most *at_most*; more than
    the order can take are cut to what it can.

    >>> pay = PayWithPoints(worth="0.01", step=100, share="0.5")
    >>> print(pay.quote(Activity.purchase("12.50", at="2026-03-01"), points=1000))
    pay: 600 points, worth 6
    """

    kind = "pay_with_points"

    worth: Exact = field(converter=_worth, kw_only=True)
    at_least: int = field(default=0, converter=_at_least, kw_only=True)
    step: int = field(default=1, converter=_step, kw_only=True)
    at_most: int | None = field(default=None, converter=_most, kw_only=True)
    share: Exact = field(default=1, converter=_share, kw_only=True)
    unit: str = field(default="", kw_only=True)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        most = [n for n in (self.at_most, self._order_takes(order)) if n is not None]
        there = member.available(self.unit) if member.lots_known else None
        least = max(1, -(-self.at_least // self.step)) * self.step
        wanted = points
        if wanted is None:
            wanted = min([*most, *([] if there is None else [there])], default=least)
        spent = min([wanted, *most])
        spent -= spent % self.step
        quote = Quote("pay", spent, unit=self.unit, value=spent * self.worth)
        if points is not None and points % self.step:
            nearest = points - points % self.step
            quote = quote.refused(
                "not_in_increment", f"points come in steps of {self.step:,}", step=self.step, nearest=nearest
            )
        if spent >= least:
            return quote
        if points is None and all(n >= least for n in most):
            # the order would take as many: it is the points that fall short
            return enough(quote._with(points=least, value=tidy(least * self.worth)), member)
        return _below(quote, least)

    def _order_takes(self, order: Activity) -> int | None:
        """How many points the order's total can take; no bound without an order."""
        total = _total(order)
        return None if total is None else floor(total * Fraction(self.share) / self.worth)


def _increments(value: Mapping[Any, Number]) -> FrozenMap[int, Exact]:
    if not isinstance(value, Mapping) or not value:
        raise RuleError("Increments: there are none; give points and their worth, as in {100: '3.00'}")
    table = {
        whole(points, "Increments", at_least=1): above_zero(worth, "Increments") for points, worth in value.items()
    }
    return FrozenMap(sorted(table.items()))


@frozen
class Increments(Chosen):
    """Fixed steps, each with its own worth in money: `Increments({100: "3.00", 250: "8.00"})`.

    Left to itself it takes the largest that the points and the order's total allow.
    """

    kind = "increments"

    table: FrozenMap[int, Exact] = field(converter=_increments)
    unit: str = field(default="", kw_only=True)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        total = _total(order)
        fits = [n for n, worth in self.table.items() if total is None or worth <= total]
        if points is None:
            there = member.available(self.unit) if member.lots_known else None
            can = [n for n in fits if there is None or n <= there]
            points = max(can, default=min(fits, default=min(self.table)))
        quote = Quote("increment", points, unit=self.unit, value=self.table.get(points, 0))
        if points not in self.table:
            nearest = max((n for n in self.table if n < points), default=min(self.table))
            steps = ", ".join(f"{n:,}" for n in self.table)
            return quote.refused("not_in_increment", f"points come as {steps}", nearest=nearest)
        if points not in fits:
            text = f"it is worth {show(quote.value)} and the order comes to {show(order.amount)}"
            return quote.refused("not_eligible", text, value=quote.value, total=order.amount)
        return quote


@frozen
class Donation(Chosen):
    """Points given away: each is worth so much money to a school, a charity or a fund."""

    kind = "donation"

    worth: Exact = field(converter=_worth, kw_only=True)
    to: str = field(kw_only=True)
    at_least: int = field(default=1, converter=_at_least, kw_only=True)
    unit: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        text(self.to, "to")

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        least = max(1, self.at_least)
        if points is None:
            points = max(least, member.available(self.unit)) if member.lots_known else least
        quote = Quote("donation", points, unit=self.unit, value=points * self.worth, grants={"to": self.to})
        return quote if points >= least else _below(quote, least)


def _block(value: Number) -> int:
    return whole(value, "points", at_least=1)


def _gives(value: Number) -> int:
    return whole(value, "gives", at_least=1)


def conversion(option: RedemptionOption) -> Convert | None:
    """The `Convert` that an option is or is around, if any."""
    core = inside(option)[-1]
    return core if isinstance(core, Convert) else None


@frozen
class Convert(Chosen):
    """Points into another unit of the program, in whole blocks; the rest stays.

    Every *points* become *gives* points of *into*, from *at_least* points on. What comes out are lots of that unit,
    with its own expiry: certificates, or a partner's miles.

    >>> convert = Convert(100, into="certificates", gives=5)
    >>> convert.quote(Activity.action("convert", at="2026-03-01"), points=250).points
    200
    """

    kind = "convert"

    block: int = field(converter=_block, alias="points")
    into: str = field(kw_only=True)
    gives: int = field(converter=_gives, kw_only=True)
    at_least: int = field(default=0, converter=_at_least, kw_only=True)
    unit: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        text(self.into, "into")

    @property
    def fewest(self) -> int:
        """With fewer points nothing comes of it."""
        return max(self.at_least, self.block)

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        least = self.fewest
        if points is None:
            points = max(least, member.available(self.unit)) if member.lots_known else least
        blocks = points // self.block
        grants = {"into": self.into, "points": blocks * self.gives}
        quote = Quote("convert", blocks * self.block, unit=self.unit, grants=grants)
        return quote if points >= least else _below(quote, least)


def gift_in(option: RedemptionOption) -> Gift | None:
    """The `Gift` that an option is or is around, if any."""
    core = inside(option)[-1]
    return core if isinstance(core, Gift) else None


@frozen
class Gift(Chosen):
    """Points for another member, by `account.give`: from *at_least* to *at_most* at a time.

    The other account gets as many points of *into*, or of the same unit if it is left out, as new ones. With another
    unit it is an allowance that can only be given away, and what was given can be spent. A factor is a fee.

    >>> kudos = Gift(into="kudos", unit="to give", at_most=100).limit(300, per="month", of="points")
    >>> kudos.quote(Activity.action("gift", at="2026-03-01"), points=40).grants
    {'points': 40, 'into': 'kudos'}
    """

    kind = "gift"

    into: str = field(default="", kw_only=True)
    at_least: int = field(default=1, converter=_step, kw_only=True)
    at_most: int | None = field(default=None, converter=_most, kw_only=True)
    unit: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.at_most is not None and self.at_most < self.at_least:
            raise RuleError(f"at_most: {self.at_most} is below at_least, {self.at_least}; swap them")

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        given = self.at_least if points is None else points
        quote = Quote("gift", given, unit=self.unit)
        quote = quote._with(grants=FrozenMap({"points": given, **({"into": self.into} if self.into else {})}))
        if given < self.at_least:
            return _below(quote, self.at_least)
        if self.at_most is None or given <= self.at_most:
            return quote
        text = f"at most {self.at_most:,} points can be given at a time"
        return quote.refused("limit_reached", text, at_most=self.at_most, points=given)


def _kept(value: Number) -> int:
    return whole(value, "points", at_least=0)


@frozen
class CarryOver(Chosen):
    """At most so many points carry over; the rest lapses. For `Points(converts=...)`, with `.every` or `.on`.

    What counts is what can be spent then: pending and held points are left alone. Those that would be spent first
    lapse first.

    >>> Points(PerSpend(1), converts=CarryOver(500).every("month")).converts
    (CarryOver(500).every('month'),)
    """

    kind = "carry_over"

    keeps: int = field(converter=_kept, alias="points")

    @property
    def fewest(self) -> int:
        """With fewer points nothing comes of it."""
        return self.keeps + 1

    def _quote(self, order: Activity, member: Member, points: int | None) -> Quote:
        there = member.available("") if member.lots_known else 0
        return Quote("carry over", max(0, there - self.keeps))
