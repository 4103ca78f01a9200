"""What the tables have of an account, as values that never change: read once, and kept as long as they are so.

Beside them the cache keeps the account itself, as the last block has left it, for the next one to go on with: where an
account is written to again and again, nothing of it is read or folded twice. It belongs to one block at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import date
import json
from threading import Lock
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from loyaltycore._database import StoreError
from loyaltycore._exact import EMPTY
from loyaltycore._statements import AccountRow, Statements
from loyaltycore._tables import LONGEST
from loyaltycore.account import Account
from loyaltycore.activity import FactValue
from loyaltycore.entries import Entry
from loyaltycore.errors import LoyaltyError, RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.serialize import from_json
from loyaltycore.snapshots import Snapshot


class Loaded(NamedTuple):
    """What is in the tables of an account; `version` says whether it still is."""

    version: int
    joined: date | None
    facts: Mapping[str, FactValue]
    snapshot: Snapshot | None
    tail: tuple[Entry, ...]
    rewards: tuple[str, ...]
    revision: int


class Cache:
    """The accounts that were used last, by member; for all threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[Loaded, Account | None]] = OrderedDict()

    def get(self, member: str, version: int) -> Loaded | None:
        """What was kept of an account, if that is its version."""
        with self._lock:
            found = self._kept.get(member)
            if found is None or found[0].version != version:
                return None
            self._kept.move_to_end(member)
            return found[0]

    def take(self, member: str, loaded: Loaded) -> Account | None:
        """The account itself as it was left with these values, for the one who asks alone."""
        with self._lock:
            found = self._kept.get(member)
            if found is None or found[0] is not loaded:
                return None
            self._kept[member] = loaded, None
            return found[1]

    def put(self, member: str, loaded: Loaded, account: Account | None = None) -> None:
        """Keep an account, and let go of the one that was not asked for the longest."""
        with self._lock:
            self._kept[member] = loaded, account
            self._kept.move_to_end(member)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._kept.clear()


def entries_of(connection: sa.Connection, statements: Statements, member: str, after: int = 0) -> tuple[Entry, ...]:
    """The entries of an account after the first so many."""
    found = statements.tail.run(connection, {"of": member, "after": after})
    return tuple([from_json(text) for (text,) in found.fetchall()])


def entries_about(connection: sa.Connection, statements: Statements, member: str, id: str) -> tuple[Entry, ...]:
    """The entries of an account that this is the id or the source of."""
    if len(id) > LONGEST:
        return ()
    found = statements.about.run(connection, {"of": member, "about": id})
    return tuple([from_json(text) for _, text in found.fetchall()])


def snapshot_of(connection: sa.Connection, statements: Statements, member: str, covered: int) -> Snapshot | None:
    """The snapshot of an account after so many entries."""
    if not covered:
        return None
    row = statements.snapshot.run(connection, {"of": member}).fetchone()
    found = None if row is None else stored(row[0], f"{member}: its snapshot")
    if not isinstance(found, Snapshot) or found.seq != covered:
        raise StoreError(
            f"{member}: there is no snapshot of its first {covered} entries, as its row says; bring back a backup"
        )
    return found


def stored(text: str, what: str) -> Any:
    """What is kept as a text; a `StoreError` says what cannot be read."""
    try:
        return from_json(text)
    except LoyaltyError as error:
        raise StoreError(f"{what} cannot be read: {error}; bring back a backup") from error


def lock_row(
    connection: sa.Connection, statements: Statements, member: str, program: AnyProgram, revision: int, *, locked: bool
) -> AccountRow:
    """The row of an account, which nobody else can write as long as the transaction lasts; made if it is not there."""
    row = statements.account(connection, member, locked=locked)
    if row is None:
        statements.new_row.run(connection, {"member": member, "program": program.name, "revision": revision})
        row = statements.account(connection, member, locked=locked)
    if row is None:
        raise StoreError(f"{member}: its row was there and is gone; try again")
    return row


NO_FACTS: Final = "{}"


def read(
    connection: sa.Connection, statements: Statements, row: AccountRow, program: AnyProgram, cache: Cache
) -> Loaded:
    """What the tables have of an account."""
    if row.program != program.name:
        raise RuleError(
            f"{row.member}: it is an account of {row.program!r}, not of {program.name!r}; keep another program in"
            " tables of its own, by Store(..., prefix=...)"
        )
    found = cache.get(row.member, row.version)
    if found is None:
        snapshot = snapshot_of(connection, statements, row.member, row.covered)
        tail = entries_of(connection, statements, row.member, row.covered)
        if row.covered + len(tail) < row.length:
            raise StoreError(
                f"{row.member}: of its {row.length} entries {row.covered + len(tail)} are there; bring back a backup"
            )
        facts = EMPTY if row.facts == NO_FACTS else from_json(row.facts).facts
        found = Loaded(row.version, row.joined, facts, snapshot, tail, tuple(json.loads(row.rewards)), row.revision)
        cache.put(row.member, found)
    return found
