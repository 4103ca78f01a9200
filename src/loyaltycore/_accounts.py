"""The accounts that a report is on, wherever they are: in a replay, a store, a list, or a frame of their entries.

A report asks for `opened` accounts, which know their lots and tiers, or for `lives`, rows of entries, which a frame
has, too. Both go through one account at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from loyaltycore._calendar import in_zone, moment
from loyaltycore._exact import Exact
from loyaltycore.account import Account
from loyaltycore.calls import is_frame
from loyaltycore.desk import When
from loyaltycore.entries import Entry
from loyaltycore.errors import DataError, MissingExtra, RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.instants import end_of
from loyaltycore.ledger import Ledger
from loyaltycore.replay import EntryRow, Replay

Accounts: TypeAlias = Iterable[Account] | Mapping[str, Iterable[Entry]] | Any
"""A replay, a store, accounts of one program, the entries of each member, or a frame as `Replay.entries` gives it."""

_UTC: Final = ZoneInfo("UTC")
_FIRST: Final = datetime.min.replace(tzinfo=UTC)


class Life(NamedTuple):
    """What happened to a member: when they joined, if that is known, and the entries in their order."""

    member: str
    joined: date | None
    entries: Sequence[EntryRow]


@frozen(eq=False)
class Source:
    """Accounts of a *program*; where there are none, it may be `None`."""

    program: Any
    _accounts: Callable[[], Iterator[Account]]

    @property
    def name(self) -> str:
        """The program's name."""
        return "" if self.program is None else self.program.name

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its days; UTC where there is no program."""
        zone: ZoneInfo = _UTC if self.program is None else self.program.zone
        return zone

    def places(self, unit: str) -> int:
        """Digits after the point when points of a unit are shown."""
        known = self.program is not None and self.program.is_unit(unit)
        return self.program.unit(unit).places if known else 0

    def unit(self, unit: str) -> str:
        """The unit that is asked about; left out, the only one that can be redeemed."""
        if self.program is None:
            return unit or "points"
        if unit:
            self.program.unit(unit)
        return unit or self.program.main_unit

    def until(self, at: When | None) -> datetime:
        """The moment that is asked about."""
        if at is None:
            raise RuleError("at: only a replay and a frame have an end of their own; give a moment")
        return in_zone(moment(at), self.zone)

    def opened(self, at: datetime) -> Iterator[tuple[Account, Ledger]]:
        """Each account with its ledger as it stood at a moment."""
        for account in self._accounts():
            self._check(account)
            account._needs_entries(None)
            with account._as_of(at.astimezone(UTC)) as ledger:
                yield account, ledger

    def opened_at_end(self, day: date) -> Iterator[tuple[Account, Ledger]]:
        """Each account with its ledger as it stood just before the next day began."""
        return self.opened(end_of(day, self.zone) - timedelta.resolution)

    def valued(self, at: datetime) -> Iterator[tuple[Life, Mapping[str, Exact] | None]]:
        """What happened to each member, and the money that each redemption was worth by its id, if that is known."""
        for account, ledger in self.opened(at):
            rows = [row_of(account.id, entry) for entry in ledger.entries]
            values = {entry.id: entry.data["quote"].value for entry in ledger.entries if "quote" in entry.data}
            yield Life(account.id, account._joined, rows), values

    def lives(self, at: datetime) -> Iterator[Life]:
        """What happened to each member up to and with a moment."""
        return (life for life, _ in self.valued(at))

    def _check(self, account: object) -> None:
        if not isinstance(account, Account):
            hint = "the replay itself" if isinstance(account, EntryRow) else "accounts, or entries by member"
            raise DataError(f"{account!r} is no account; give {hint}", "accounts")
        if account._terms.name != self.name:
            raise DataError(
                f"{account.id!r} is an account of {account._terms.name!r} and others of {self.name!r};"
                " give those of one",
                "accounts",
            )


@frozen(eq=False)
class _Replayed(Source):
    """The accounts of a replay, whose entries are to be had without them."""

    _replay: Replay

    def until(self, at: When | None) -> datetime:
        return self._replay.at if at is None else super().until(at)

    def lives(self, at: datetime) -> Iterator[Life]:
        if at > self._replay.at:  # what is due by then is in no entry yet
            yield from super().lives(at)
            return
        known = self._replay._job.known
        rows = {member: list(each) for member, each in groupby(self._rows, key=attrgetter("member"))}
        for member in self._replay._job.told.members:
            joined = known[member].joined if member in known else None
            yield Life(member, joined, [row for row in rows.get(member, ()) if row.posted <= at])

    @cached_property
    def _rows(self) -> list[EntryRow]:
        replay = self._replay
        job = evolve(replay._job, entries=True)
        columns = job.entry_columns(replay._done if replay._job.entries else job.all())
        return list(map(EntryRow, *columns))


@frozen(eq=False)
class _Framed(Source):
    """The entries in a frame, without their accounts."""

    _rows: Sequence[EntryRow]

    def unit(self, unit: str) -> str:
        units = sorted({row.unit for row in self._rows if row.unit})
        if unit or self.program is not None or not units:
            return super().unit(unit)
        if len(units) > 1:
            raise RuleError(f"unit: there are several; name one of {', '.join(map(repr, units))}")
        return units[0]

    def until(self, at: When | None) -> datetime:
        end = max((row.posted for row in self._rows), default=_FIRST)
        return end.astimezone(self.zone) if at is None else super().until(at)

    def opened(self, at: datetime) -> Iterator[tuple[Account, Ledger]]:
        raise DataError(
            "a frame of entries does not say what became of each lot; give the replay, the store or the accounts",
            "accounts",
        )

    def valued(self, at: datetime) -> Iterator[tuple[Life, Mapping[str, Exact] | None]]:
        known = (row for row in self._rows if row.posted <= at)
        for member, rows in groupby(known, key=attrgetter("member")):
            yield Life(member, None, list(rows)), None


def source_of(accounts: Accounts, program: AnyProgram | None = None) -> Source:
    """Where those accounts come from; *program* is needed for entries by member, and a store of several programs."""
    if isinstance(accounts, Source):
        return accounts
    if isinstance(accounts, Replay):
        return _Replayed(accounts.program, accounts.accounts, accounts)
    if is_frame(accounts):
        return _Framed(program, lambda: iter(()), _rows_in(accounts))
    if isinstance(accounts, Mapping):
        if program is None:
            raise RuleError("program: entries alone do not say what they are of; give the program")
        by_member = accounts
        return Source(program, lambda: (program.account(name, entries=given) for name, given in by_member.items()))
    if isinstance(accounts, Account):
        accounts = (accounts,)
    if hasattr(accounts, "each"):
        return _first_of(program, lambda: accounts.each(program))
    if isinstance(accounts, Sequence):
        return _first_of(program, lambda: iter(accounts))
    if not isinstance(accounts, Iterable):
        raise DataError(f"{accounts!r} has no accounts; give a replay, a store, accounts or a frame", "accounts")
    each = iter(accounts)
    first = next(each, None)
    whole = each if first is None else chain((first,), each)  # gone through once
    return Source(getattr(first, "_terms", program), lambda: whole)


def _first_of(program: AnyProgram | None, accounts: Callable[[], Iterator[Account]]) -> Source:
    """Accounts of the program that the first of them is of."""
    return Source(getattr(next(accounts(), None), "_terms", program), accounts)


def row_of(member: str, entry: Entry) -> EntryRow:
    """An entry as a row."""
    of = entry.data["activity"].kind if entry.kind == "earned" else ""
    return EntryRow(
        member, entry.seq, entry.kind, entry.id, entry.at, entry.posted, entry.unit, entry.points, entry.source, of
    )


# Frames -------------------------------------------------------------------------------------------------------------

_NEEDED: Final = ("member", "kind", "posted", "unit", "points")
_KNOWN: Final = EntryRow._fields


def _rows_in(frame: Any) -> list[EntryRow]:
    """The entries in a frame, of each member in their order."""
    try:
        import narwhals as nw
    except ImportError:
        raise MissingExtra("frames", "narwhals", "a report on a frame") from None
    found: Any = nw.from_native(frame)
    found = found.collect() if isinstance(found, nw.LazyFrame) else found
    missing = [name for name in _NEEDED if name not in found.columns]
    if missing:
        raise DataError(f"it has no column {missing[0]!r}; give entries as replay.entries() has them", "the frame")
    names = [name for name in _KNOWN if name in found.columns]
    rows = [_read(dict(zip(names, row, strict=True))) for row in found.select(names).iter_rows()]
    return sorted(rows, key=attrgetter("member", "posted", "seq"))


def _read(row: dict[str, Any]) -> EntryRow:
    posted = _instant(row["posted"])
    return EntryRow(
        str(row["member"]), int(row.get("seq", 0)), str(row["kind"]), str(row.get("id") or ""),
        _instant(row.get("at", posted)), posted, str(row["unit"] or ""), int(row["points"]),
        str(row.get("source") or ""), str(row.get("activity") or ""),
    )  # fmt: skip


def _instant(value: Any) -> datetime:
    """A moment as some library has it; in UTC, as entries are."""
    found: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
