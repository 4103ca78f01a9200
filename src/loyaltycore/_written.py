"""What a block has done to an account, brought to the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
import json
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from loyaltycore._database import StoreBusy
from loyaltycore._exact import FrozenMap
from loyaltycore._json import Unusual, text_of
from loyaltycore._loaded import NO_FACTS, Loaded
from loyaltycore._opened import Opened
from loyaltycore._statements import Statements
from loyaltycore._tables import WHERE, check_id
from loyaltycore.account import Account
from loyaltycore.activity import FactValue, Member
from loyaltycore.archive import LotRecord, is_used_up, record
from loyaltycore.books import LotState, UnreadBook
from loyaltycore.entries import Entry
from loyaltycore.errors import RuleError
from loyaltycore.serialize import to_json
from loyaltycore.snapshots import freeze_without_lots
from loyaltycore.statement import saved

_FAR: Final = datetime.max.replace(tzinfo=UTC)

MOST: Final = 20
"""Entries after a snapshot, before another one is made."""

MANY: Final = 200
"""Lots that take long to read: where the entries after a snapshot have taken from earlier ones, another is made."""


class Written(NamedTuple):
    """An account that was sent to the database."""

    opened: Opened
    kept: Loaded
    """What its tables have now."""
    answer: Any
    """The cursor that tells, once the database has answered, whether the account was still as it was read."""

    def check(self) -> None:
        """Raise `StoreBusy` if others have changed it since."""
        if self.answer.rowcount != 1:
            raise StoreBusy(f"{self.opened.member}: it was changed by others meanwhile; nothing was written, try again")


def write(
    connection: sa.Connection, statements: Statements, opened: Opened, revision: int, *, guarded: bool
) -> Written | None:
    """Send what a block has done; `None` if it did nothing."""
    account, loaded, new, of = opened.account, opened.loaded, opened.new, opened.member
    if account.id != of:
        raise RuleError(f"{of}: an account in a store is erased by store.erase(member)")
    same = (account._joined, account._facts) == (loaded.joined, loaded.facts)
    if not new and same and revision == loaded.revision:
        if not loaded.version:
            statements.drop_row.run(connection, {"of": of})  # nothing was written, so there is no account
        return None
    ledger = account._ledger
    kept = Loaded(
        loaded.version + 1, account._joined, account._facts, loaded.snapshot, (*loaded.tail, *new), affordable(account),
        revision,
    )  # fmt: skip
    if new:
        statements.put_entries.run_for_each(connection, rows_of(statements, of, new))
        statements.put_balances.run_for_each(connection, balances_of(account, {entry.unit for entry in new}))
    if len(kept.tail) >= MOST or _takes_long(account, kept):
        kept = _write_snapshot(connection, statements, account, kept)
    row = {
        "of": of, "next": kept.version, "length": ledger.length, "posted": statements.instant(ledger.posted),
        "due": statements.instant(next_due(account)), "rewards": names_text(kept.rewards), "revision": revision,
        "covered": 0 if kept.snapshot is None else kept.snapshot.seq, "before": loaded.version,
    }  # fmt: skip
    answer = (statements.put_row_guarded if guarded else statements.put_row).run(connection, row)
    if not same:
        person = {"of": of, "joined": statements.day(account._joined), "facts": facts_text(account._facts)}
        statements.put_person.run(connection, person)
    return Written(opened, kept, answer)


def _takes_long(account: Account, kept: Loaded) -> bool:
    """Whether many lots would have to be read, for the entries after the snapshot to be folded."""
    made = 0 if kept.snapshot is None else kept.snapshot.made
    if made < MANY or not any(number <= made for entry in kept.tail for number, _ in entry.lots):
        return False
    return sum(len(book.live) for book in account._ledger.books.values()) >= MANY


def _write_snapshot(connection: sa.Connection, statements: Statements, account: Account, kept: Loaded) -> Loaded:
    """Spare the next ones the entries up to here; beside it are the lots, of which those are written that changed."""
    ledger = account._ledger
    snapshot = freeze_without_lots(ledger, saved(ledger))
    lots = ledger.lots.values() if account._snapshot is None else _changed(account)
    statements.put_lots.run_for_each(connection, (lot_row(account.id, lot) for lot in lots))
    statements.put_snapshot.run(connection, {"account": account.id, "data": to_json(snapshot)})
    return kept._replace(snapshot=snapshot, tail=())


def _changed(account: Account) -> list[LotState]:
    """The lots that entries have changed since the snapshot, and those whose wait may have moved with the member."""
    ledger = account._ledger
    numbers = {number for entry in ledger.entries for number, _ in entry.lots}
    for unit, book in ledger.books.items():
        if book.pending and not isinstance(book, UnreadBook) and ledger.wait_may_move(unit):
            numbers.update(lot.id for lot in book.lots.values() if not lot.ready)
    return [ledger.lots[number] for number in sorted(numbers)]


def lot_row(member: str, lot: LotState) -> tuple[str, int, bool, str]:
    """A lot as a row; a record is made of it only where it is not written as it stands."""
    moment = lot.moment
    try:
        text = text_of(lot, LotRecord) if moment is None or moment.tzinfo is UTC else to_json(record(lot))
    except Unusual:
        text = to_json(record(lot))
    return member, lot.id, is_used_up(lot), text


def next_due(account: Account) -> datetime | None:
    """When something falls due in an account next, as far as is known now."""
    due = account._ledger._next_due(_FAR)
    return None if due is None else due[0]


def rows_of(statements: Statements, member: str, new: tuple[Entry, ...]) -> Iterator[tuple[Any, ...]]:
    """Entries as rows; *part* counts those of one id."""
    parts: dict[str, int] = {}
    for entry in new:
        name, source, at, posted = entry.id, entry.source, entry.at, entry.posted
        check_id(name, "id")
        if source:
            check_id(source, "source")
        part = parts.get(name, 0)
        happened = statements.instant(at)
        yield (
            member, entry.seq, name or None, part, entry.kind, source or None, happened,
            happened if posted is at else statements.instant(posted), entry.unit, entry.points, to_json(entry),
        )  # fmt: skip
        parts[name] = part + 1


def balances_of(account: Account, units: set[str] | None = None) -> list[tuple[Any, ...]]:
    """Where the points of each unit are, as the entries leave them, as rows."""
    books = account._ledger.books
    return [
        (account.id, unit, *[getattr(book, name) for name in WHERE])
        for unit, book in sorted(books.items())
        if units is None or unit in units
    ]


@lru_cache
def names_text(names: tuple[str, ...]) -> str:
    """Names as JSON text."""
    return json.dumps(names)


def facts_text(facts: Mapping[str, FactValue]) -> str:
    """Facts of a member, as they are kept."""
    return to_json(Member(facts=FrozenMap(facts))) if facts else NO_FACTS


def affordable(account: Account) -> tuple[str, ...]:
    """The rewards that the member could have now; what others have left of a stock is not looked at."""
    at = account._ledger.posted
    if at is None:
        return ()
    shared, account._shared = account._shared, None
    try:
        return account._affordable(at)
    finally:
        account._shared = shared
