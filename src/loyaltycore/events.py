"""The account's own events: that the member joined, rose to a tier, redeemed, or had points converted.

An event is read as an activity of that kind, which the `on_event` rule of a unit may award. What it earns is an entry
with an id of its own, that can be reversed as any activity can. Events are nothing that the member did: they count
among those of their kind alone, and keep no points from lapsing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from loyaltycore._exact import FrozenMap, floor
from loyaltycore._strategy import walk
from loyaltycore.activity import Activity
from loyaltycore.awards import Award
from loyaltycore.conditions import EveryNth, FirstTime
from loyaltycore.entries import Entry
from loyaltycore.points import Points

if TYPE_CHECKING:
    from loyaltycore.ledger import Ledger


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


def fire(
    ledger: Ledger, kind: str, id: str, at: datetime, posted: datetime, cause: str, facts: Mapping[str, Any]
) -> list[Entry]:
    """Write what an event earns in each unit; *id* is the event's own, with a number behind it if it is taken."""
    units = {unit: points for unit, points in ledger.terms.version(at).points.items() if points.on_event is not None}
    if not units:
        return []
    activity = Activity.action(kind, at=at.astimezone(ledger.zone), id=_unused(ledger, id), **facts)
    awards = {}
    for unit, points in units.items():
        awards[unit] = points.rounding.award(points.on_event, activity, ledger.member_at(unit, at))
    written: list[Entry] = []
    for unit, award in awards.items():
        if award.points or award.counts or (not written and _counts(units[unit], kind)):
            written += _earn(ledger, unit, units[unit], award, activity, at, posted, cause)
    return written


def is_event(entry: Entry) -> bool:
    """Whether an entry says what an event earned."""
    return entry.kind == "earned" and "event" in entry.data


def _unused(ledger: Ledger, id: str) -> str:
    name, n = id, 1
    while ledger.first_of.get(name) is not None:
        n += 1
        name = f"{id}/{n}"
    return name


def _counts(points: Points, kind: str) -> bool:
    """Whether it matters how many events of a kind there were, those that earned nothing included."""
    return any(isinstance(part, (EveryNth, FirstTime)) and part.of_kind == kind for _, part in walk(points))


def _earn(
    ledger: Ledger, unit: str, points: Points, award: Award, activity: Activity, at: datetime, posted: datetime,
    cause: str,
) -> list[Entry]:  # fmt: skip
    earned, why = award.points, award._why
    if points.at_most is not None:
        book = ledger.book(unit)
        room = max(0, points.at_most - book.available - book.pending - book.held)
        if earned > room:
            earned, why = room, ("{} points were earned and the balance can take {}", earned, room)
    data: dict[str, Any] = {"activity": activity, "exact": award.exact, "event": True}
    if award.points != earned or award.points != floor(award.exact):
        data["points"] = award.points
    if award.counts:
        data["counts"] = award.counts
    available = True
    if points.pending is not None:
        until = ledger.start(points.pending.falls_on(Waiting(activity), ledger.member_at(unit, at)))
        available = until is not None and until <= posted
        if not available:
            data["available"] = until
    lots = ((len(ledger.lots) + 1, earned),) if earned else ()
    entry = ledger.write("earned", activity.id, at, posted, unit, earned, lots, why, source=cause,
                         data=FrozenMap(data))  # fmt: skip
    return [entry, *(ledger.repay(unit, at, posted, activity.id) if available else ())]
