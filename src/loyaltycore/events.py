"""The account's own events: that the member joined, rose to a tier, redeemed, or had points converted.

An event is read as an activity of that kind, which the `on_event` rule of a unit may award. What it earns is an entry
with an id of its own, that can be reversed as any activity can. Events are nothing that the member did: they count
among those of their kind alone, and keep no points from lapsing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loyaltycore._strategy import walk
from loyaltycore.activity import Activity
from loyaltycore.conditions import EveryNth, FirstTime
from loyaltycore.earned import write_earned
from loyaltycore.entries import Entry
from loyaltycore.points import Points

if TYPE_CHECKING:
    from loyaltycore.ledger import Ledger


def fire(
    ledger: Ledger, kind: str, id: str, at: datetime, posted: datetime, cause: str, facts: Mapping[str, Any]
) -> list[Entry]:
    """Write what an event earns in each unit; *id* is the event's own, with a number behind it if it is taken."""
    units = {unit: points for unit, points in ledger.terms.version(at).points.items() if points.on_event is not None}
    if not units:
        return []
    activity = Activity.action(kind, at=at.astimezone(ledger.zone), id=unused(ledger, id), **facts)
    awards = {}
    for unit, points in units.items():
        awards[unit] = points.rounding.award(points.on_event, activity, ledger.member_at(unit, at))
    written: list[Entry] = []
    for unit, award in awards.items():
        if award.points or award.counts or (not written and _counts(units[unit], kind)):
            written += write_earned(ledger, unit, units[unit], award, activity, at, posted, cause, event=True)
    return written


def is_event(entry: Entry) -> bool:
    """Whether an entry says what an event earned."""
    return entry.kind == "earned" and "event" in entry.data


def unused(ledger: Ledger, id: str) -> str:
    """The id, with a number behind it if it is taken."""
    name, n = id, 1
    while ledger.first_of.get(name) is not None:
        n += 1
        name = f"{id}/{n}"
    return name


def _counts(points: Points, kind: str) -> bool:
    """Whether it matters how many events of a kind there were, those that earned nothing included."""
    return any(isinstance(part, (EveryNth, FirstTime)) and part.of_kind == kind for _, part in walk(points))
