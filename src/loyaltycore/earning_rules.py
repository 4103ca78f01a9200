"""The earning rules that look at an activity and say a number: everything else is made of these."""

from __future__ import annotations

from typing import ClassVar

from attrs import field

from loyaltycore._columns import Column, Columns
from loyaltycore._exact import Exact, Number, above_zero, divided
from loyaltycore._strategy import as_points, frozen, is_name
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.earning import EarningRule
from loyaltycore.tables import Table


def _every(value: Number) -> Exact:
    return above_zero(value, "every")


@frozen
class PerSpend(EarningRule):
    """So many points for every so much money, fractions included: a rate.

    *every* is in the currency's main unit. `PerSpend(3, every=10)` and `PerSpend("0.3")` are the same rate; for whole
    steps only see `PerStep`.

    >>> PerSpend(2).award(Activity.purchase("49.75", at="2026-03-01")).exact
    Fraction(199, 2)
    """

    kind = "per_spend"
    monotone: ClassVar[bool] = True

    points: Exact = field(converter=as_points)
    every: Exact = field(default=1, converter=_every)

    def earn(self, activity: Activity, member: Member) -> Number:
        """`amount * points / every`."""
        return divided(activity.amount * self.points, self.every)

    def _lower(self, columns: Columns) -> Column:
        return columns.measure("amount") * divided(self.points, self.every)


@frozen
class PerStep(EarningRule):
    """So many points for each whole step of the total; the rest of a step earns nothing.

    >>> PerStep(1, every=10).award(Activity.purchase(105, at="2026-03-01")).points
    10
    """

    kind = "per_step"
    monotone: ClassVar[bool] = True

    points: Exact = field(converter=as_points)
    every: Exact = field(default=10, converter=_every)
    of: str = field(default="amount", validator=is_name)

    def earn(self, activity: Activity, member: Member) -> Number:
        """`floor(measure / every) * points`."""
        return max(0, int(activity.measure(self.of) // self.every)) * self.points

    def _lower(self, columns: Columns) -> Column:
        return (columns.measure(self.of) * divided(1, self.every)).rounded() * self.points


@frozen
class PerUnit(EarningRule):
    """So many points for each unit of a fact, such as a mile of distance or a night; a fact not stated is 0.

    >>> PerUnit(1).award(Activity.flight(at="2026-03-01", distance=800)).points
    800
    """

    kind = "per_unit"

    points: Exact = field(converter=as_points)
    of: str = field(default="distance", validator=is_name)

    def earn(self, activity: Activity, member: Member) -> Number:
        """`measure * points`."""
        return max(0, activity.measure(self.of)) * self.points

    def _lower(self, columns: Columns) -> Column:
        return columns.measure(self.of) * self.points


@frozen
class PerItem(EarningRule):
    """So many points for each item: the sum of the quantities.

    >>> PerItem(5).award(Activity.purchase(30, at="2026-03-01", quantity=3)).points
    15
    """

    kind = "per_item"

    points: Exact = field(converter=as_points)

    def earn(self, activity: Activity, member: Member) -> Number:
        """`quantity * points`."""
        return max(0, activity.quantity) * self.points

    def _lower(self, columns: Columns) -> Column:
        return columns.measure("quantity") * self.points


@frozen
class Flat(EarningRule):
    """So many points, once per activity.

    >>> Flat(50).when(OfKind("review")).award(Activity.action("review", at="2026-03-01")).points
    50
    """

    kind = "flat"
    monotone: ClassVar[bool] = True

    points: Exact = field(converter=as_points)

    def earn(self, activity: Activity, member: Member) -> Number:
        """`points`."""
        return self.points

    def _lower(self, columns: Columns) -> Column:
        return columns.once(columns.number(self.points))


# Tables -------------------------------------------------------------------------------------------------------------


@frozen
class PointsTable(Table, EarningRule):
    """Points looked up by facts, once per activity: fixed tables by route, zone, fare or cabin.

    *rows* is a mapping of keys (a tuple where *by* has several) to points, a nested mapping, or rows of keys and
    points; a tuple in the place of one key is any of its values. *by* names the facts, or is a `Band`. A key without a
    row is a `RuleError` that names it.

    >>> table = PointsTable({"domestic": {"economy": 500, ("business", "first"): 600}}, by=("zone", "cabin"))
    >>> table.award(Activity.flight(at="2026-03-01", zone="domestic", cabin="business")).points
    600
    """

    kind = "points_table"
    _number = "points"

    def find(self, activity: Activity) -> Award | None:
        """The points of the activity's row, or `None` if there is no such row."""
        keys = self._stated(activity)
        points = self._numbers.get(keys)
        if points is None:
            return None
        shown = ", ".join(f"{by!s} {key}" for by, key in zip(self.by, keys, strict=True))
        return Award(points, reason=f"PointsTable: {shown}")

    def earn(self, activity: Activity, member: Member) -> Award:
        """The points of the activity's row."""
        found = self.find(activity)
        if found is None:
            raise self._missing(self._stated(activity))
        return found

    def _lower(self, columns: Columns) -> Column:
        return columns.once(self._looked_up(columns, None))
