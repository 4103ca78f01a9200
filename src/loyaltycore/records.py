"""What an account remembers of an activity it earned for, and of points that were taken from lots."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from loyaltycore._exact import EMPTY
from loyaltycore.activity import Activity, Count, CounterKey
from loyaltycore.entries import Entry


class Earned:
    """What an activity earned in one unit, and how much of it was taken back."""

    __slots__ = ("by_line", "counts", "counts_by_line", "lot", "points", "reversed")

    def __init__(self, points: int, lot: int | None, data: Mapping[str, Any]) -> None:
        self.points = points
        self.lot = lot
        self.by_line: tuple[int, ...] = data.get("by_line", ())
        self.counts: Mapping[CounterKey, Count] = data.get("counts", EMPTY)
        self.counts_by_line: Mapping[CounterKey, tuple[Any, ...]] = data.get("counts_by_line", EMPTY)
        self.reversed = 0


class Seen:
    """An activity that was earned for, by unit, and how much of it was refunded."""

    __slots__ = ("activity", "amount", "event", "lines", "units")

    def __init__(self, activity: Activity) -> None:
        self.activity = activity
        self.event = False
        """Whether it is an event of the account's own."""
        self.units: dict[str, Earned] = {}
        self.amount: Any = 0
        self.lines: frozenset[int] = frozenset()

    def earn(self, entry: Entry) -> None:
        """Fold in what it earned in one unit."""
        data, number = entry.data, entry.lots[0][0] if entry.lots else None
        self.event = "event" in data
        self.units[entry.unit] = Earned(entry.points, number, data)

    def reverse(self, entry: Entry) -> None:
        """Fold in what was taken back of it."""
        data = entry.data
        self.units[entry.unit].reversed += data["due"]
        self.amount, self.lines = data["amount"], frozenset(data["lines"])


class Taken:
    """Points that a redemption or a hold took, lot by lot, and how many of them went back."""

    __slots__ = ("back", "entry", "lots", "open", "until")

    def __init__(self, entry: Entry, lots: tuple[tuple[int, int], ...], until: datetime | None = None) -> None:
        self.entry = entry
        self.lots = lots
        self.until = until
        self.open = True
        self.back = 0

    @property
    def points(self) -> int:
        """How many were taken."""
        return sum(points for _, points in self.lots)


def from_end(lots: tuple[tuple[int, int], ...], skip: int, points: int) -> list[tuple[int, int]]:
    """So many points of those lots, the last taken first, after *skip* that went back before."""
    back = []
    for number, part in reversed(lots):
        passed = min(part, skip)
        skip -= passed
        now = min(part - passed, points)
        points -= now
        if now:
            back.append((number, now))
    return back
