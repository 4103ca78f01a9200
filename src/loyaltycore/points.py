"""Points: one currency of a program, called a unit, with how it is earned and rounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from attrs import evolve, field

from loyaltycore import _show
from loyaltycore._columns import Column, Columns, NotLowered
from loyaltycore._exact import Number, round_to, rounding_mode, whole
from loyaltycore._often import QUICK, Judging, often
from loyaltycore._strategy import Stored, check_finished, frozen
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.conditions import Condition
from loyaltycore.dates import DateRule, Never, as_date_rule
from loyaltycore.earning import EarningRule, Sum, as_rule
from loyaltycore.errors import RuleError
from loyaltycore.lots import LotOrder, SoonestToExpire
from loyaltycore.redemption import Automatic, FromLots, OptionWhen, RedemptionOption, as_option, automatic_in, inside
from loyaltycore.redemption_options import CarryOver, Convert

LEVELS: Final = ("activity", "line", "rule")


def _level(value: str) -> str:
    if value in LEVELS:
        return str(value)
    raise RuleError(f"each: {value!r} is no level; give one of {', '.join(LEVELS)}")


def _multiple(value: Number) -> int:
    return whole(value, "to", at_least=1)


@frozen
class Rounding(Stored):
    """The one rounding of a unit: the mode, the multiple, and of what each.

    *each* is `"activity"` (the whole award once), `"line"` (each line by itself) or `"rule"` (each rule added up at
    the top). Modes are floor, ceil, half_up, half_down and half_even.

    >>> coins = PerSpend(1)
    >>> at_till = Activity([Line("4.99"), Line("4.99")], at="2026-03-01")
    >>> [Rounding(each=each).award(coins, at_till).points for each in ("activity", "line")]
    [9, 8]
    """

    _kind = "rounding"

    mode: str = field(default="floor", converter=rounding_mode)
    to: int = field(default=1, converter=_multiple, kw_only=True)
    each: str = field(default="activity", converter=_level, kw_only=True)

    def award(self, rule: EarningRule, activity: Activity, member: Member = Member()) -> Award:  # noqa: B008 (frozen)
        """What the rule gives, rounded so; `exact` stays what it was before the rounding of the whole."""
        whole = self.each == "activity"
        award = rule.award(activity, member) if whole else self.within(rule)._award(activity, member)
        if self.mode == "floor" and self.to == 1:
            return award  # every award is rounded so
        points = int(round_to(award.exact, self.mode, self.to))
        return award if points == award.points else evolve(award, points=points)

    def within(self, rule: EarningRule) -> EarningRule:
        """The rule with the rounding of its lines, or of the rules it adds up, made part of it."""
        if self.each == "line":
            return rule.rounded(self.mode, to=self.to).each_line()
        if self.each == "rule" and isinstance(rule, Sum):
            return Sum(tuple(part.rounded(self.mode, to=self.to) for part in rule.rules))
        return rule


_MOST_PLACES: Final = 18


def _places(value: int) -> int:
    return whole(value, "places", at_least=0, at_most=_MOST_PLACES)


def _pending(value: DateRule | None) -> DateRule | None:
    return None if value is None else as_date_rule(value)


def _order(value: LotOrder) -> LotOrder:
    if isinstance(value, LotOrder):
        check_finished(value)
        return value
    raise RuleError(f"order: {value!r} is no lot order; give one such as SoonestToExpire()")


def _on_event(value: EarningRule | None) -> EarningRule | None:
    return None if value is None else as_rule(value)


def _converts(value: RedemptionOption | Iterable[RedemptionOption]) -> tuple[RedemptionOption, ...]:
    options = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    for option in options:
        *around, core = inside(as_option(option))
        if not isinstance(core, (Convert, CarryOver)):
            raise RuleError(f"converts: {option!r} is not converted by itself; give a Convert or a CarryOver")
        if automatic_in(option) is None:
            raise RuleError(f"converts: {option!r} does not say when; end it with .every('month') or .on('12-31')")
        if not all(isinstance(part, (Automatic, OptionWhen, FromLots)) for part in around):
            raise RuleError(f"converts: {option!r} is more than .when and .from_lots say; leave the rest out")
    return options


def _at_most(value: Number | None) -> int | None:
    return None if value is None else whole(value, "at_most", at_least=1)


@frozen
class Points(Stored):
    """One loyalty currency of a program: how it is earned, rounded and shown.

    *redeemable* is whether it can be spent; one that only counts towards a tier cannot. Points are whole numbers of
    the smallest step; *places* says how many digits of them stand after the point when they are shown, as 2 for cash.

    *pending* says from which day they can be used: at once if left out, when the application activates them if
    `Never()`. *expiry* says the last day, counted from then. *order* is the order of spending, *at_most* the most
    points of an account, pending and held ones included: what would go beyond is not earned.

    *converts* is what an account does with its points by itself: each `Convert` or `CarryOver` says when, by
    `.every(period)` or `.on(day)`. *on_event* earns on the account's own events, read as activities of the kinds
    `joined`, `tier_up`, `redeemed` and `converted`.

    >>> stars = Points(
    ...     PerSpend(1),
    ...     converts=Convert(100, into="vouchers", gives=5).every("month"),
    ...     on_event=Flat(50).when(OfKind("joined")),
    ... )
    """

    _kind = "points"

    earning: EarningRule = field(converter=as_rule)
    rounding: Rounding = field(default=Rounding(), kw_only=True)
    redeemable: bool = field(default=True, kw_only=True)
    places: int = field(default=0, converter=_places, kw_only=True)
    pending: DateRule | None = field(default=None, converter=_pending, kw_only=True)
    expiry: DateRule = field(default=Never(), converter=as_date_rule, kw_only=True)
    order: LotOrder = field(default=SoonestToExpire(), converter=_order, kw_only=True)
    at_most: int | None = field(default=None, converter=_at_most, kw_only=True)
    converts: tuple[RedemptionOption, ...] = field(default=(), converter=_converts, kw_only=True)
    on_event: EarningRule | None = field(default=None, converter=_on_event, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.rounding, Rounding):
            raise RuleError(f"rounding: {self.rounding!r} is no rounding; give one such as Rounding('half_up')")
        if not isinstance(self.redeemable, bool):
            raise RuleError(f"redeemable: {self.redeemable!r} is neither True nor False; give one of them")

    def award(self, activity: Activity, member: Member) -> Award:
        """What the activity earns in this unit."""
        if activity.__class__ is Activity and member.__class__ is Member:
            return (QUICK.get(id(self)) or often(self, self._award, self._judging))(activity, member)
        return self._award(activity, member)

    def _award(self, activity: Activity, member: Member) -> Award:
        """The award, by the rules themselves."""
        return self.rounding.award(self.earning, activity, member)

    def _judging(self) -> Judging:
        """The award, by what the rules are compiled to."""
        from loyaltycore._judged import judging

        rounding = self.rounding
        if type(rounding) is not Rounding:  # what it awards is its own
            return self._award
        return judging(rounding.within(self.earning), self._award, rounding.mode, rounding.to)

    def show(self, n: int) -> str:
        """So many points of the unit as text.

        >>> Points(PerSpend(100), places=2).show(123450)
        '1,234.50'
        """
        return _show.points(n, self.places)

    def _lower(self, columns: Columns) -> Column:
        rounding = self.rounding
        if type(rounding) is not Rounding:
            raise NotLowered(rounding)
        return columns.earned(rounding.within(self.earning)).rounded(rounding.mode, rounding.to)


class Terms(Protocol):
    """What an account needs of a program."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its days."""

    @property
    def main_unit(self) -> str:
        """The only redeemable unit; a `RuleError` where there is none or there are several."""

    @property
    def watches(self) -> tuple[tuple[str, Condition | None], ...]:
        """The activities that expiry rules count inactivity from."""

    @property
    def by_itself(self) -> bool:
        """Whether accounts do something by themselves: convert, let points not carry over, or earn on events."""

    @property
    def changes(self) -> tuple[datetime, ...]:
        """The instants at which another version comes into force."""

    @property
    def ladder_names(self) -> tuple[str, ...]:
        """The names of the ladders of tiers, of all versions."""

    @property
    def counted(self) -> Mapping[str, Any]:
        """What is counted towards tiers, by the name that it is kept under, in all versions."""

    def is_unit(self, name: str) -> bool:
        """Whether there is, or was, a unit of that name."""

    def counted_as_balance(self, name: str) -> bool:
        """Whether a tier looks at what there is of a unit, not at what was counted."""

    def unit(self, name: str, at: datetime | None = None) -> Points:
        """The unit of that name, as it was at that instant."""

    def expiry(self, unit: str, born: datetime, now: datetime) -> DateRule:
        """By what points that were earned at one instant lapse, as things are at another."""

    @property
    def revisions(self) -> tuple[datetime, ...]:
        """The instants at which points that are there come under another `expiry` or order of spending."""

    def version(self, at: datetime) -> Any:
        """The program in force at that instant."""
