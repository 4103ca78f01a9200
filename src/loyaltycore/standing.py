"""Where a member stands in one ladder of tiers, and the numbers that were counted towards it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any, Final, NamedTuple

from loyaltycore._exact import Exact, tidy
from loyaltycore._strategy import Stored, frozen
from loyaltycore.tiers import TierLadder

_TICK: Final = timedelta.resolution


class Series:
    """Numbers by the instant they belong to, added up over any stretch."""

    __slots__ = ("_sums", "instants", "values")

    def __init__(self) -> None:
        self.instants: list[datetime] = []
        self.values: list[Exact] = []
        self._sums: list[Any] = []

    def add(self, at: datetime, value: Exact) -> None:
        """One more, after those of the same instant."""
        place = bisect_right(self.instants, at)
        self.instants.insert(place, at)
        self.values.insert(place, value)
        del self._sums[place:]

    def take_out(self, at: datetime, value: Exact) -> None:
        """One that was added."""
        place = bisect_right(self.instants, at) - 1
        while self.values[place] != value:
            place -= 1
        del self.instants[place], self.values[place], self._sums[place:]

    def total(self, after: datetime | None, upto: datetime) -> Exact:
        """The sum of what came after one instant, up to and with another."""
        if after is not None and after >= upto:
            return 0
        return tidy(self._sum(bisect_right(self.instants, upto)) - self._sum(self._after(after)))

    def between(self, first: datetime, last: datetime) -> list[datetime]:
        """The instants from one to another, both included."""
        return self.instants[bisect_left(self.instants, first) : bisect_right(self.instants, last)]

    def first_from(self, first: datetime) -> datetime | None:
        """The first instant from one on."""
        place = bisect_left(self.instants, first)
        return self.instants[place] if place < len(self.instants) else None

    def _after(self, instant: datetime | None) -> int:
        return 0 if instant is None else bisect_right(self.instants, instant)

    def _sum(self, count: int) -> Any:
        """Of the first so many."""
        sums = self._sums
        while len(sums) < count:
            sums.append((sums[-1] if sums else 0) + self.values[len(sums)])
        return sums[count - 1] if count else 0


class Held(NamedTuple):
    """The tier that counting has brought: since when, by what was counted up to when, and until which day."""

    tier: str = ""
    since: datetime | None = None
    proof: datetime | None = None
    until: date | datetime | None = None
    grace: date | datetime | None = None
    """The last day, once a review at the end of *until* was not passed."""


class Floor(NamedTuple):
    """A tier that was granted: counting may bring a higher one, but no lower."""

    tier: str
    since: datetime
    seq: int
    until: date | None
    end: datetime | None


class Change(NamedTuple):
    """What one ladder counts beside what happened: less where it was deducted, more in a period carried over into."""

    at: datetime
    key: str
    n: Exact


class Judged(NamedTuple):
    """An instant at which counts have changed, and what was held before: what happens at once is judged together."""

    at: datetime
    since: datetime
    """The earliest instant at which a count has changed."""
    held: Held
    deducted: tuple[Change, ...]


@frozen
class StandingRecord(Stored):
    """Where a member stands in one ladder, as a snapshot keeps it."""

    _kind = "standing_record"

    name: str
    held: Held
    history: tuple[tuple[datetime, int, str], ...]
    floors: tuple[Floor, ...]
    ended: int
    boundary: datetime | None
    judged: Judged | None
    deducted: tuple[Change, ...]
    carried: tuple[Change, ...]
    turned: datetime | None = None


class Standing:
    """Where a member stands in one ladder."""

    __slots__ = ("boundary", "carried", "deducted", "ended", "floors", "held", "history", "judged", "name", "turned")

    def __init__(self, name: str) -> None:
        self.name = name
        self.held = Held()
        self.history: list[tuple[datetime, int, str]] = []
        """The tiers that counting brought, each with the instant and the number of its entry."""
        self.floors: list[Floor] = []
        self.ended = 0
        """How many ends of floors were written down."""
        self.boundary: datetime | None = None
        """When the next period of the window begins, if anything hangs on it."""
        self.judged: Judged | None = None
        """The last instant of a change, unless time has changed the tier since."""
        self.deducted: tuple[Change, ...] = ()
        """What was taken for tiers, where it was counted."""
        self.carried: tuple[Change, ...] = ()
        """What was carried over, each into the period that began at its instant."""
        self.turned: datetime | None = None
        """The last change of the program's ladder that the tier has gone through; those before the account are none."""

    def record(self) -> StandingRecord:
        """All of it, to go on from."""
        return StandingRecord(
            self.name, self.held, tuple(self.history), tuple(self.floors), self.ended, self.boundary, self.judged,
            self.deducted, self.carried, self.turned,
        )  # fmt: skip

    def take(self, record: StandingRecord) -> None:
        """Go on from a record."""
        self.held, self.history, self.floors = record.held, list(record.history), list(record.floors)
        self.ended, self.boundary, self.judged = record.ended, record.boundary, record.judged
        self.deducted, self.carried, self.turned = record.deducted, record.carried, record.turned

    def state(self) -> tuple[Any, ...]:
        """All of it, to go back to."""
        return (self.held, len(self.history), len(self.floors), self.ended, self.boundary, self.judged, self.deducted,
                self.carried, self.turned)  # fmt: skip

    def restore(self, state: tuple[Any, ...]) -> None:
        """Go back to what it was."""
        (self.held, events, floors, self.ended, self.boundary, self.judged, self.deducted,
         self.carried, self.turned) = state  # fmt: skip
        del self.history[events:], self.floors[floors:]

    def earned_at(self, at: datetime, *, strictly: bool = False) -> str:
        """The tier that counting had brought at a moment, or by changes before it alone."""
        find = bisect_left if strictly else bisect_right
        place = find(self.history, at, key=itemgetter(0))
        return self.history[place - 1][2] if place else ""

    def tier_at(self, ladder: TierLadder, at: datetime, *, strictly: bool = False) -> str:
        """The tier held at a moment, granted or earned; the ladder's lowest if everyone is in it."""
        held = [self.earned_at(at, strictly=strictly), ladder.base]
        for floor in self.floors:
            begun = floor.since < at or (floor.since == at and not strictly)
            if begun and (floor.end is None or at < floor.end):
                held.append(floor.tier)
        return ladder.highest(held)

    def tier_by(self, ladder: TierLadder, seq: int, at: datetime) -> str:
        """The tier held by the entries before one."""
        place = bisect_left(self.history, seq, key=itemgetter(1))
        held = [self.history[place - 1][2] if place else "", ladder.base]
        held += [f.tier for f in self.floors if f.seq < seq and (f.end is None or at < f.end)]
        return ladder.highest(held)

    def held_since(self, ladder: TierLadder, at: datetime) -> datetime | None:
        """When the tier of a moment began; `None` if it was always so."""
        return next((since for since, _ in reversed(self.tenures(ladder, at))), None)

    def tenures(self, ladder: TierLadder, upto: datetime) -> list[tuple[datetime, str]]:
        """The tiers held one after another, each with the instant at which it began."""
        found: list[tuple[datetime, str]] = []
        for at in sorted(at for at in self.edges() if at <= upto):
            tier = self.tier_at(ladder, at)
            if tier != (found[-1][1] if found else ladder.base):
                found.append((at, tier))
        return found

    def edges(self) -> set[datetime]:
        """The instants at which another tier may have begun."""
        edges = {at for at, _, _ in self.history} | {floor.since for floor in self.floors}
        return edges | {floor.end for floor in self.floors if floor.end is not None}

    def ends(self) -> list[datetime]:
        """When granted tiers end of which that was not written down yet."""
        return sorted(floor.end for floor in self.floors if floor.end is not None)[self.ended :]
