"""The earning rules that look at an activity and say a number: everything else is made of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from attrs import field

from loyaltycore._columns import Column, Columns
from loyaltycore._exact import Exact, FrozenMap, Number, above_zero, at_least_zero, divided, exact
from loyaltycore._show import code_of
from loyaltycore._strategy import Stored, as_points, frozen, is_name, text
from loyaltycore.activity import Activity, FactValue, Member, fact_value
from loyaltycore.awards import Award
from loyaltycore.earning import EarningRule
from loyaltycore.errors import RuleError

OVER: Final = "over"
"""The key of a `Band` for what is above its last bound."""


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
        return columns.amount * divided(self.points, self.every)


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
        return columns.once(self.points)


# Tables -------------------------------------------------------------------------------------------------------------


def _bounds(value: object) -> tuple[Exact, ...]:
    bounds = tuple(at_least_zero(v, "upto") for v in value) if isinstance(value, (tuple, list)) else ()
    if not bounds or list(bounds) != sorted(set(bounds)):
        raise RuleError(f"upto: {value!r} is no row of bounds; give them from the lowest up, as in [600, 1200]")
    return bounds


@frozen
class Band(Stored):
    """A key of a `PointsTable`: the upper bound, included, of the band that a measure falls in.

    What is above the last bound has the key `"over"`.

    >>> band = Band("distance", upto=[600, 1200])
    >>> [band.key(Activity.flight(at="2026-03-01", distance=miles)) for miles in (600, 601, 1201)]
    [600, 1200, 'over']
    """

    _kind = "band"

    of: str = field(validator=is_name)
    upto: tuple[Exact, ...] = field(converter=_bounds, kw_only=True)

    def key(self, activity: Activity) -> FactValue:
        """The bound of the activity's band."""
        there = activity.measure(self.of)
        return next((bound for bound in self.upto if there <= bound), OVER)

    def __str__(self) -> str:
        return self.of


def _keys(value: object) -> tuple[str | Band, ...]:
    keys = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    for key in keys:
        if not isinstance(key, Band):
            text(key, "by")
    if not keys:
        raise RuleError("by: there is no key; name a fact or a Band")
    return keys


def _rows(value: object) -> tuple[tuple[FactValue, ...], ...]:
    """Rows of keys and points from a mapping, a nested mapping, or rows."""
    if isinstance(value, Mapping):
        return tuple(_unfold((), value))
    rows = value if isinstance(value, Iterable) and not isinstance(value, str) else ()
    return tuple(_row(*row) if isinstance(row, (tuple, list)) else _row(row) for row in rows)


def _unfold(above: tuple[Any, ...], table: Mapping[Any, Any]) -> Iterable[tuple[FactValue, ...]]:
    for key, value in table.items():
        keys = (*above, *(key if isinstance(key, tuple) else (key,)))
        if isinstance(value, Mapping):
            yield from _unfold(keys, value)
        else:
            yield _row(*keys, value)


def _row(*cells: object) -> tuple[FactValue, ...]:
    if not cells:
        raise RuleError("rows: there is an empty one; give its keys and its points")
    *keys, points = cells
    return (*(fact_value(key, "rows") for key in keys), at_least_zero(points, f"rows[{keys}]"))


@frozen
class PointsTable(EarningRule):
    """Points looked up by facts, once per activity: fixed tables by route, zone, fare or cabin.

    *rows* is a mapping of keys (a tuple where *by* has several) to points, a nested mapping, or rows of keys and
    points. *by* names the facts, or is a `Band`. A key without a row is a `RuleError` that names it.

    >>> table = PointsTable({("domestic", "economy"): 500, ("domestic", "business"): 600}, by=("zone", "cabin"))
    >>> table.award(Activity.flight(at="2026-03-01", zone="domestic", cabin="business")).points
    600
    """

    kind = "points_table"

    rows: tuple[tuple[FactValue, ...], ...] = field(converter=_rows)
    by: tuple[str | Band, ...] = field(converter=_keys, kw_only=True)
    _points: FrozenMap[tuple[FactValue, ...], Exact] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.rows:
            raise RuleError("rows: the table is empty; give at least one row")
        points: dict[tuple[FactValue, ...], Exact] = {}
        for i, row in enumerate(self.rows):
            if len(row) != len(self.by) + 1:
                raise RuleError(
                    f"rows[{i}]: {row!r} does not have {len(self.by)} keys and its points; give all of them"
                )
            if row[:-1] in points:
                raise RuleError(f"rows[{i}]: {row[:-1]!r} stands twice; give each key one row")
            points[row[:-1]] = exact(row[-1], "points")
            for key, cell in zip(self.by, row, strict=False):
                if isinstance(key, Band) and cell not in (*key.upto, OVER):
                    raise RuleError(f"rows[{i}]: {cell!r} is no bound of {key!r}; give one of them, or {OVER!r}")
        object.__setattr__(self, "_points", FrozenMap(points))

    def find(self, activity: Activity) -> Award | None:
        """The points of the activity's row, or `None` if there is no such row."""
        keys = self._keys(activity)
        points = self._points.get(keys)
        if points is None:
            return None
        shown = ", ".join(f"{by!s} {key}" for by, key in zip(self.by, keys, strict=True))
        return Award(points, reason=f"PointsTable: {shown}")

    def _keys(self, activity: Activity) -> tuple[Any, ...]:
        return tuple(by.key(activity) if isinstance(by, Band) else activity.fact(by) for by in self.by)

    def earn(self, activity: Activity, member: Member) -> Award:
        """The points of the activity's row."""
        found = self.find(activity)
        if found is not None:
            return found
        keys = self._keys(activity)
        known = ", ".join(code_of(row[:-1] if len(self.by) > 1 else row[0]).text for row in self.rows[:8])
        wanted = code_of(keys if len(self.by) > 1 else keys[0]).text
        raise RuleError(f"the table by {', '.join(map(str, self.by))} has no row for {wanted}; it has {known}")
