"""Lots: points that were earned together, and the order in which they are spent.

A lot keeps the day it was earned and the rule it expires by; what is left of it is never stored but follows from the
entries. A lot order is a sort key, nothing more.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from attrs import field

from loyaltycore._calendar import civil_date
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._strategy import Stored, Strategy, frozen
from loyaltycore.activity import Activity, FactValue, Line, Member, fact_map
from loyaltycore.conditions import Condition

_LAST = datetime.max.replace(tzinfo=UTC)

FAR: date = date.max
"""Sorts after every expiry: lots that never lapse are spent last."""


def _day(value: date | str) -> date:
    return civil_date(value, "lot")


def _day_or_none(value: date | str | None) -> date | None:
    return None if value is None else civil_date(value, "lot")


@frozen
class Lot(Stored):
    """Points that were earned together, as they stand at one moment.

    *points* are those left to spend (or still pending, where *available* is `None` or ahead). *earned* is the civil
    date of the activity, *available* the one from which they can be spent, *expires_on* the last day they can, `None`
    for never. *activity* is the id of what earned them, *facts* what it stated.
    """

    _kind = "lot"

    id: int
    unit: str
    points: int
    earned: date = field(converter=_day)
    available: date | None = field(default=None, converter=_day_or_none)
    expires_on: date | None = field(default=None, converter=_day_or_none)
    activity: str = field(default="")
    facts: FrozenMap[str, FactValue] = field(default=EMPTY, converter=fact_map)

    @property
    def since(self) -> date:
        """Where expiry counts from: the day the points became available, else the day they were earned."""
        return self.earned if self.available is None else self.available

    def accepted(self, condition: Condition, member: Member) -> bool:
        """Whether the condition accepts the facts of this lot."""
        return accepts(condition, self.earned, self.facts, member)


def accepts(condition: Condition, earned: date, facts: Mapping[str, Any], member: Member) -> bool:
    """Whether a condition accepts a lot of that day with those facts."""
    asked = Activity(Line(0), at=earned, kind="lot", facts=facts)
    return bool(condition.select(asked, member).lines)


@frozen
class LotOrder(Strategy):
    """Base of lot orders. Implement `key`: the lot with the smallest is spent first.

    The library appends the lot's number, so that the order is total whatever the key.

    >>> @frozen
    ... class SmallestFirst(LotOrder):
    ...     kind = "smallest_first"
    ...     def key(self, lot):
    ...         return lot.points
    >>> SmallestFirst()
    SmallestFirst()
    """

    fixed: ClassVar[bool] = False
    """Whether the key of a lot changes only with its expiry; accounts then keep lots sorted instead of sorting them."""

    @abstractmethod
    def key(self, lot: Lot) -> Any:
        """What to sort by."""


@frozen
class SoonestToExpire(LotOrder):
    """The lot that lapses first, never-expiring ones last; of equals the one earned first."""

    kind = "soonest_to_expire"
    fixed: ClassVar[bool] = True

    def key(self, lot: Lot) -> Any:
        """The last day, and the day it was earned."""
        # an account also knows the moment, which may be within that day
        return (lot.expires_on or FAR, getattr(lot, "ends", None) or _LAST, lot.earned)


@frozen
class OldestFirst(LotOrder):
    """The lot earned first: first in, first out."""

    kind = "oldest_first"
    fixed: ClassVar[bool] = True

    def key(self, lot: Lot) -> Any:
        """The day it was earned."""
        return lot.earned


@frozen
class NewestFirst(LotOrder):
    """The lot earned last: last in, first out."""

    kind = "newest_first"
    fixed: ClassVar[bool] = True

    def key(self, lot: Lot) -> Any:
        """The day it was earned, backwards."""
        return -lot.earned.toordinal()
