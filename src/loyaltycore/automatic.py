"""What an account does by itself: points that are converted, and points that do not carry over.

Nothing is remembered but how far time has gone, and that follows from the entries: what was due before the last one is
done. What is due at that very instant may be asked about again, which is safe, as nothing is taken twice: less than a
block is left, and no more than may carry over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore.activity import Activity
from loyaltycore.entries import Entry
from loyaltycore.events import is_event
from loyaltycore.redemption import Automatic, Quote, RedemptionOption, automatic_in, inside
from loyaltycore.redemption_options import CarryOver, Convert

if TYPE_CHECKING:
    from loyaltycore.ledger import Ledger

JOIN: Final = -1
CONVERT: Final = 2
CARRY: Final = 5
"""The places among what is due at one instant: the member joins before all else, points are converted before tiers are
reviewed, and what does not carry over lapses after what has had its last day."""

PLACES: Final = (JOIN, CONVERT, CARRY)

_OPEN, _OVER = 0, 9
"""The places where the day's end begins, and after all of it."""

Place: TypeAlias = tuple[datetime, int]
"""An instant, and the place among what is due at it."""

BEFORE_ALL: Final[Place] = (datetime.min.replace(tzinfo=UTC), JOIN)

_TICK: Final = timedelta.resolution
_ASKED: Final = Activity.action("conversion", at="2000-01-01")


# How far time has gone ----------------------------------------------------------------------------------------------


def by_time(entry: Entry) -> bool:
    """Whether time alone has made an entry, and no call."""
    return (not entry.id and entry.kind != "noted") or is_event(entry)


def passed(settled: Place, entry: Entry) -> Place:
    """How far what is due is done once there is that entry; before a call writes, all that was due is done."""
    return max(settled, (entry.posted, _OPEN if by_time(entry) else _OVER))


def after(due: Place, tried: Place) -> Place:
    """How far was tried, once what is due there had nothing to write."""
    return (due[0], due[1] + 1) if due[1] in PLACES else tried


# What is due --------------------------------------------------------------------------------------------------------


class Routine(NamedTuple):
    """One of the options that a unit has in `converts`."""

    unit: str
    number: int
    option: RedemptionOption
    core: Convert | CarryOver
    when: Automatic
    at_once: bool
    place: int
    """Among what is due at one instant."""
    fewest: int
    """With fewer points nothing comes of it."""


def next_due(ledger: Ledger, tried: Place) -> tuple[datetime, int, str, tuple[Routine, ...]] | None:
    """What is due next after all that was *tried*, with nothing to write since: the place, and which routines."""
    since = max(ledger.settled, tried)
    dues: list[tuple[Place, Routine]] = []
    if ledger.posted is not None:
        dues = [*_at_once(ledger, ledger.posted, tried), *_at_ends(ledger, since)]
    first = min((place for place, _ in dues), default=None)
    if ledger.joins is not None and since <= (ledger.joins, JOIN) and (first is None or ledger.joins <= first[0]):
        return ledger.joins, JOIN, "", ()
    return None if first is None else (*first, "", tuple(routine for place, routine in dues if place == first))


def _routines(ledger: Ledger, at: datetime) -> Iterator[Routine]:
    """Those of the program in force at an instant, for which there are enough points."""
    program = ledger.terms.version(at)
    routines = ledger.routines.get(id(program))
    if routines is None:
        routines = ledger.routines[id(program)] = tuple(_all_routines(program))
    for routine in routines:
        book = ledger.books.get(routine.unit)
        if book is not None and book.available - book.owed >= routine.fewest:
            yield routine


def _all_routines(program: Any) -> Iterator[Routine]:
    for unit, points in program.points.items():
        for number, option in enumerate(points.converts):
            core: Any = inside(option)[-1]
            place = CARRY if isinstance(core, CarryOver) else CONVERT
            when: Any = automatic_in(option)
            yield Routine(unit, number, option, core, when, when.at_once, place, core.fewest)


def _at_once(ledger: Ledger, posted: datetime, tried: Place) -> Iterator[tuple[Place, Routine]]:
    """What is due since the last entry, which is what has brought the points."""
    for routine in _routines(ledger, posted):
        place = (posted, routine.place)
        if routine.at_once and place >= tried:
            yield place, routine


def _at_ends(ledger: Ledger, since: Place) -> list[tuple[Place, Routine]]:
    """What is due when a period ends; one that ends with a version of the program, by that version."""
    found: list[tuple[Place, Routine]] = []
    for change in (*(change for change in ledger.changes if change > since[0]), None):
        for routine in _routines(ledger, since[0]):
            end = None if routine.at_once else _next_end(ledger, routine, since)
            if end is not None and (change is None or end <= change):
                found.append(((end, routine.place), routine))
        if found or change is None:
            return found
        since = (change, _OVER)
    return found


def _next_end(ledger: Ledger, routine: Routine, since: Place) -> datetime | None:
    """When the routine's period ends next, at that instant itself if its place there is still ahead."""
    end = _end_after(ledger, routine, since[0] - _TICK)
    if end == since[0] and routine.place < since[1]:
        return _end_after(ledger, routine, since[0])
    return end


def _end_after(ledger: Ledger, routine: Routine, instant: datetime) -> datetime | None:
    """The next end of the routine's period after that instant."""
    today = ledger.day(instant)
    if today.year == date.max.year:
        return None  # the last year that a date can say has no end
    return ledger.end(routine.when.last_day(today, ledger.member()))


# Doing it -----------------------------------------------------------------------------------------------------------


def settle(ledger: Ledger, due: datetime, which: tuple[Routine, ...], at: datetime) -> None:
    """Do what is due at an instant, which the account learns of at *at*."""
    if not which:
        ledger.event("joined", f"joined/{ledger.joined}", due, at)
    for routine in which:
        _take(ledger, routine, due, at)


def _take(ledger: Ledger, routine: Routine, due: datetime, at: datetime) -> None:
    """Ask an option, as of the period that ends, and do as it says."""
    unit, core = routine.unit, routine.core
    asked = due if routine.at_once else due - _TICK
    member = ledger.member_at(f"{unit}.converts[{routine.number}]", due)
    purse: Any = member.lots
    member = member._with(member.counted, purse.of(unit), member.unit)
    quote = routine.option.quote(_ASKED.moved(asked.astimezone(ledger.zone)), member)
    if not quote.ok or not quote.points:
        return
    lots = ledger.plan(unit, quote.points, quote.lots)
    if isinstance(core, CarryOver):
        why = ("at most {} carry over", core.keeps)
        ledger.write("lapsed", "", at, at, unit, quote.points, lots, why)
    else:
        convert(ledger, core.into, quote._with(unit=unit), "", at, at, lots)


def convert(
    ledger: Ledger, into: str, quote: Quote, id: str, at: datetime, posted: datetime,
    lots: tuple[tuple[int, int], ...], data: Mapping[str, Any] = EMPTY, **facts: Any,
) -> tuple[Entry, ...]:  # fmt: skip
    """Turn the points of those lots into a lot of another unit; *facts* are of the event."""
    unit, given = quote.unit, quote.grants["points"]
    echo = not id and _has_fired(ledger, unit, posted)
    out = ledger.write("converted", id, at, posted, unit, -quote.points, lots, ("into {}", into), source=into,
                       data=FrozenMap(data))  # fmt: skip
    made = ((len(ledger.lots) + 1, given),)
    back = ledger.write("converted", id, at, posted, into, given, made, ("from {}", unit), source=unit)
    repaid = ledger.repay(into, at, posted, id)
    if not echo:
        event = f"{id or f'#{out.seq}'}/converted"
        ledger.event("converted", event, at, posted, cause=id, unit=unit, points=quote.points, into=into, gives=given,
                     **facts)  # fmt: skip
    return (out, back, *repaid)


def _has_fired(ledger: Ledger, unit: str, posted: datetime) -> bool:
    """Whether points of the unit were converted by time at this very instant, and that was an event already.

    What the event earns may be converted in turn; were that an event again, there might be no end.
    """
    for entry in reversed(ledger.entries):
        if entry.posted != posted or not by_time(entry):
            return False
        if is_event(entry):
            activity: Activity = entry.data["activity"]
            if activity.kind == "converted" and activity.facts["unit"] == unit:
                return True
    return False
