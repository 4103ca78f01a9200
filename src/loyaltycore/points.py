"""Points: one currency of a program, called a unit, with how it is earned and rounded."""

from __future__ import annotations

from typing import Final

from attrs import evolve, field, frozen

from loyaltycore._exact import Exact, above_zero, round_to, rounding_mode, whole
from loyaltycore._strategy import Stored
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.earning import EarningRule, Sum, as_rule
from loyaltycore.errors import RuleError

LEVELS: Final = ("activity", "line", "rule")


def _level(value: object) -> str:
    if value in LEVELS:
        return str(value)
    raise RuleError(f"each: {value!r} is no level; give one of {', '.join(LEVELS)}")


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
    to: Exact = field(default=1, converter=lambda v: above_zero(v, "to"), kw_only=True)
    each: str = field(default="activity", converter=_level, kw_only=True)

    def award(self, rule: EarningRule, activity: Activity, member: Member = Member()) -> Award:  # noqa: B008 (frozen)
        """What the rule gives, rounded so; `exact` stays what it was before the rounding of the whole."""
        award = self.within(rule).award(activity, member)
        points = round_to(award.exact, self.mode, self.to)
        if type(points) is not int:
            raise RuleError(f"to: multiples of {self.to} are not whole points; give a whole number")
        return award if points == award.points else evolve(award, points=points)

    def within(self, rule: EarningRule) -> EarningRule:
        """The rule with the rounding of its lines, or of the rules it adds up, made part of it."""
        if self.each == "line":
            return rule.rounded(self.mode, to=self.to).each_line()
        if self.each == "rule" and isinstance(rule, Sum):
            return Sum(tuple(part.rounded(self.mode, to=self.to) for part in rule.rules))
        return rule


@frozen
class Points(Stored):
    """One loyalty currency of a program: how it is earned, rounded and shown.

    *redeemable* is whether it can be spent; one that only counts towards a tier cannot. Points are whole numbers of
    the smallest step; *places* says how many digits of them stand after the point when they are shown, as 2 for cash.
    """

    _kind = "points"

    earning: EarningRule = field(converter=as_rule)
    rounding: Rounding = field(default=Rounding(), kw_only=True)
    redeemable: bool = field(default=True, kw_only=True)
    places: int = field(default=0, converter=lambda v: whole(v, "places", at_least=0), kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.rounding, Rounding):
            raise RuleError(f"rounding: {self.rounding!r} is no rounding; give one such as Rounding('half_up')")
        if not isinstance(self.redeemable, bool):
            raise RuleError(f"redeemable: {self.redeemable!r} is neither True nor False; give one of them")

    def award(self, activity: Activity, member: Member) -> Award:
        """What the activity earns in this unit."""
        return self.rounding.award(self.earning, activity, member)
