"""Entries and snapshots given from outside: what is not as an account wrote it is a `DataError` with its place.

An account trusts what it has written itself. What comes back from a file or a store may have lost an entry, or been
changed by hand: that is to be said, and not to end in the first look-up that fails, or in points that nobody earned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from loyaltycore.activity import Activity
from loyaltycore.entries import ENTRY_KINDS, Entry
from loyaltycore.errors import DataError, LoyaltyError, RuleError
from loyaltycore.redemption import Quote

if TYPE_CHECKING:
    from loyaltycore.archive import LotRecord
    from loyaltycore.books import LotState
    from loyaltycore.ledger import Ledger
    from loyaltycore.snapshots import Snapshot

NONE: Final = type(None)

_DATA: Final[Mapping[str, tuple[type, ...]]] = {
    "activity": (Activity,),
    "exact": (int, Fraction),
    "points": (int,),
    "counts": (Mapping,),
    "call": (Mapping, NONE),
    "quote": (Quote,),
    "available": (datetime, NONE),
    "until": (date, NONE),
    "due": (int, datetime),  # of a refund the points, of a tier the moment it was due
    "amount": (int, Fraction, NONE),
    "lines": (tuple,),
    "by_line": (tuple,),
    "facts": (Mapping,),
    "ages": (tuple,),
}
"""What the data of an entry are made of."""

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "earned": ("activity", "exact"),
    "spent": ("call", "quote"),
    "held": ("call", "quote", "until"),
    "reversed": ("due", "amount", "lines"),
    "extended": ("until",),
    "reinstated": ("until",),
    "tier_changed": ("ladder",),
}
"""What a fold needs of an entry's data, by its kind."""

_WRONG: Final = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)


def checked(values: Iterable[Entry], before: int, posted: datetime | None) -> tuple[Entry, ...]:
    """The entries, if they follow each other and say what entries say; *before* them there were so many."""
    entries = tuple(values)
    for place, entry in enumerate(entries):
        if not isinstance(entry, Entry):
            raise RuleError(f"entries: {entry!r} is no entry; read stored ones with from_data")
        wrong = _wrong_in(entry) or _out_of_order(entry, before + place + 1, posted)
        if wrong:
            raise DataError(f"{wrong}; give all entries as the account wrote them, in their order", _path(place))
        posted = entry.posted
    return entries


def _path(place: int) -> str:
    return f"entries[{place}]"


def _out_of_order(entry: Entry, number: int, posted: datetime | None) -> str:
    """Why an entry cannot be the next one, in words."""
    if entry.seq != number:
        return f"it is number {entry.seq} and should be {number}"
    if posted is not None and entry.posted < posted:
        return f"it was posted at {entry.posted.isoformat(timespec='minutes')}, before the one before it"
    return ""


def _wrong_in(entry: Entry) -> str:
    """What is wrong with an entry by itself, in words."""
    if entry.kind not in ENTRY_KINDS:
        return f"{entry.kind!r} is no kind of entry"
    for name in ("at", "posted"):
        at = getattr(entry, name)
        if not isinstance(at, datetime) or at.tzinfo is None:
            return f"{name}={at!r} is no instant"
    data = entry.data
    for name in _NEEDED.get(entry.kind, ()):
        if name not in data:
            return f"{entry.kind} {entry.id!r} does not say its {name}"
    for name, value in data.items():
        kinds = _DATA.get(name)
        if kinds is not None and not isinstance(value, kinds):
            return f"its {name} is {value!r}"
    return ""


def fold(ledger: Ledger, entries: Iterable[Entry]) -> None:
    """Fold entries into a ledger; one that does not fit what was before is a `DataError`."""
    try:
        for entry in entries:
            ledger.apply(entry)
    except LoyaltyError:
        raise
    except _WRONG as error:
        wrong, place = ledger.entries[-1], len(ledger.entries) - 1
        raise DataError(
            f"{wrong.kind} {wrong.id!r} does not follow from the entries before ({type(error).__name__}: {error});"
            " give all entries as the account wrote them, in their order",
            _path(place),
        ) from error


_REBUILD: Final = "build the account from all of its entries instead: program.account(id, entries=...)"


@contextmanager
def reading(snapshot: Snapshot) -> Iterator[None]:
    """What cannot be read in a snapshot is a `DataError`."""
    for name, entries in (("holds", snapshot.holds), ("past", snapshot.past or ())):
        for place, entry in enumerate(entries):
            wrong = _wrong_in(entry)
            if wrong:
                raise DataError(f"{wrong}; {_REBUILD}", f"snapshot.{name}[{place}]")
    if not snapshot.left:
        check_holds(snapshot.holds, {lot.id for lot in snapshot.lots})
    with as_written():
        yield


@contextmanager
def as_written() -> Iterator[None]:
    """What goes wrong with a snapshot, or with lots that it leaves out, is a `DataError`."""
    try:
        yield
    except LoyaltyError:
        raise
    except _WRONG as error:
        raise DataError(
            f"it is not as an account wrote it ({type(error).__name__}: {error}); {_REBUILD}", "snapshot"
        ) from error


def check_holds(holds: Iterable[Entry], lots: set[int]) -> None:
    """Raise if a hold of a snapshot has points of a lot that is not among these."""
    for place, entry in enumerate(holds):
        if not lots.issuperset(number for number, _ in entry.lots):
            raise DataError(f"it holds points of a lot that there is not; {_REBUILD}", f"snapshot.holds[{place}]")


def check_sums(lots: object, told: object) -> None:
    """Raise if lots are not those that a snapshot tells of: where their points are, by unit."""
    if lots != told:
        raise DataError(f"its lots have {lots}, and it tells of {told}; {_REBUILD}", "snapshot.lots")


def check_lots(ledger: Ledger) -> None:
    """Raise if more was taken from a lot than it had."""
    for lot in dict.values(ledger.lots):  # of those that an archive has the rest is checked when they are read
        check_lot(lot, "entries")


def check_lot(lot: LotState | LotRecord, place: str) -> None:
    """Raise if more was taken from a lot than it had."""
    least = min(lot.points, lot.held, lot.lapsed)
    if least < 0:
        raise DataError(f"lot {lot.id} is left with {least} points; give all entries as the account wrote them", place)
