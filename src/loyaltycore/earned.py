"""What an activity has earned in a unit, as an entry: also what an event of the account's own has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from loyaltycore._exact import EMPTY, FrozenMap, apportion, floor
from loyaltycore.activity import Activity
from loyaltycore.awards import Award, Why
from loyaltycore.entries import Entry
from loyaltycore.points import Points

if TYPE_CHECKING:
    from loyaltycore.ledger import Ledger
    from loyaltycore.refunds import ByLine


@frozen
class Waiting:
    """An activity as the subject of the rule for pending points."""

    activity: Activity

    @property
    def since(self) -> date:
        """Its day."""
        return self.activity.day

    @property
    def moment(self) -> datetime:
        """Its moment."""
        return self.activity.at

    @property
    def earned(self) -> date:
        """Its day."""
        return self.activity.day

    @property
    def facts(self) -> Mapping[str, Any]:
        """Its facts."""
        return self.activity.facts


def write_earned(
    ledger: Ledger, unit: str, points: Points, award: Award, activity: Activity, at: datetime, posted: datetime,
    source: str, *, parts: ByLine | None = None, event: bool = False,
) -> list[Entry]:  # fmt: skip
    """Write an award as far as the balance can take it, pending if the unit says so, and pay debts from it first.

    *parts* is what each line of several has earned; *event* marks what no member did.
    """
    earned, exact = award.points, award.exact
    why: Why = award._why
    if points.at_most is not None:
        room = _room(ledger, unit, points.at_most)
        if earned > room:
            earned, why = room, ("{} points were earned and the balance can take {}", earned, room)
    data: dict[str, Any] = {"activity": activity, "exact": exact}
    if event:
        data["event"] = True
    if award.points != earned or exact != award.points != floor(exact):
        data["points"] = award.points
    if award.counts is not EMPTY:
        data["counts"] = award.counts
    if parts is not None:
        data |= _by_line(parts, award.points, earned)
    available = True
    if points.pending is not None:
        until = ledger.start(points.pending.falls_on(Waiting(activity), ledger.member(unit)))
        available = until is not None and until <= posted
        if not available:
            data["available"] = until
    lots = ((len(ledger.lots) + 1, earned),) if earned else ()
    entry = ledger.write("earned", activity.id, at, posted, unit, earned, lots, why, source=source,
                         data=FrozenMap.over(data))  # fmt: skip
    if available and ledger.books[unit].owed:
        return [entry, *ledger.repay(unit, at, posted, activity.id)]
    return [entry]


def _room(ledger: Ledger, unit: str, at_most: int) -> int:
    """How many points the balance can take."""
    book = ledger.book(unit)
    return max(0, at_most - book.available - book.pending - book.held)


def _by_line(parts: ByLine, points: int, earned: int) -> dict[str, Any]:
    """What each line has earned, of which the balance may have taken less, and counted."""
    told: dict[str, Any] = {}
    if parts.points and earned:
        told["by_line"] = parts.points if earned == points else tuple(apportion(earned, parts.points))
    if parts.counts:
        told["counts_by_line"] = parts.counts
    return told
