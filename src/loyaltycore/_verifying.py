"""Whether a store is as its entries tell it: accounts are worked out anew, and all that is kept beside is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
import json
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from loyaltycore import _loaded, _outbox
from loyaltycore._opened import Opened
from loyaltycore._tables import WHERE
from loyaltycore._written import affordable, balances_of
from loyaltycore.account import Account
from loyaltycore.archive import is_used_up, lots_left, record
from loyaltycore.entries import Entry
from loyaltycore.errors import LoyaltyError
from loyaltycore.ledger import Ledger
from loyaltycore.serialize import from_json
from loyaltycore.snapshots import Snapshot, outdated

if TYPE_CHECKING:
    from loyaltycore.store import Store

IN: Final = ("earned", "adjusted_up", "transferred_in", "converted_in", "reinstated", "owed", "repaid")
OUT: Final = (
    "available", "pending", "held", "spent", "lapsed", "reversed", "repaid",
    "adjusted_down", "transferred_out", "converted_out",
)  # fmt: skip
"""What came in is there or went: the totals of an account on both sides."""

_YEARS: Final = timedelta(days=10 * 365)


def differences(store: Store) -> Iterator[str]:
    """What is not as the entries tell it."""
    counted: dict[tuple[str, str], dict[Any, int]] = {}
    with store._reading() as connection:
        for row in store._rows(connection):
            try:
                one = _One(store, connection, row)
            except LoyaltyError as error:
                yield f"{row.member}: it cannot be read: {error}"
                continue
            yield from one.differences()
            ledger = one.anew._ledger
            for key in ledger.by_all:
                counts = counted.setdefault((row.program, key.name), {})
                counts[key] = counts.get(key, 0) + ledger.counted.get(key, 0)
        yield from _of_counters(store, connection, counted)


class _One:
    """One account: as its row and its snapshot have it, and anew from all its entries."""

    def __init__(self, store: Store, connection: sa.Connection, row: Any) -> None:
        self._tables, self._statements = store._tables, store._statements
        self._connection = connection
        self._row = row
        self._member: str = row.member
        self._program = store._programs.named(connection, row.program)
        self._reading = store._reading
        self._known = row.revision == store._registered(self._program)  # no other program has written to it since
        # from the tables, whatever the store remembers
        self._loaded = _loaded.read(connection, self._statements, row, self._program, _loaded.Cache(0))
        self._entries = _loaded.entries_of(connection, self._statements, self._member)
        self._opened = self._by(self._entries)
        self.anew = self._opened.account

    def _by(self, entries: tuple[Entry, ...], snapshot: Snapshot | None = None) -> Opened:
        """The account as entries tell it, those after the snapshot if there is one."""
        return Opened(
            self._connection, self._statements, self._member, self._program,
            loaded=self._loaded._replace(snapshot=snapshot, tail=entries), reading=self._reading,
        )  # fmt: skip

    def differences(self) -> Iterator[str]:
        """What differs, each in a line."""
        for what in (
            self._of_length(), self._of_entries(), self._of_balances(), self._of_row(), self._of_snapshot(),
            self._of_lots(), self._of_outbox(), self._of_sums(),
        ):  # fmt: skip
            try:
                yield from (f"{self._member}: {difference}" for difference in what)
            except LoyaltyError as error:
                yield f"{self._member}: it cannot be read: {error}"

    def _select(self, table: sa.Table, order: str) -> Any:
        asked = sa.select(table).where(table.c.account == self._member).order_by(table.c[order])
        return self._connection.execute(asked).mappings()

    def _of_length(self) -> Iterator[str]:
        places = [entry.seq for entry in self._entries]
        if places != list(range(1, self._row.length + 1)):
            yield f"it has {self._row.length} entries, and these are there: {places[:20]}"

    def _of_entries(self) -> Iterator[str]:
        """The columns beside the data of each entry."""
        parts: Counter[str] = Counter()
        for row, entry in zip(self._select(self._tables.entries, "seq"), self._entries, strict=True):
            kept = {name: value for name, value in row.items() if name not in {"account", "data"}}
            told = {
                "seq": entry.seq, "id": entry.id or None, "part": kept["part"], "kind": entry.kind,
                "source": entry.source or None, "at": entry.at, "posted": entry.posted, "unit": entry.unit,
                "points": entry.points,
            }  # fmt: skip
            if entry.id:
                told["part"] = parts[entry.id]
                parts[entry.id] += 1
            wrong = {name: value for name, value in kept.items() if value != told[name]}
            if wrong:
                yield f"the row of entry {entry.seq} has {wrong}, and its data { ({n: told[n] for n in wrong}) }"

    def _of_balances(self) -> Iterator[str]:
        kept = {row["unit"]: {n: row[n] for n in WHERE} for row in self._select(self._tables.balances, "unit")}
        told = {unit: dict(zip(WHERE, numbers, strict=True)) for _, unit, *numbers in balances_of(self.anew)}
        nothing = dict.fromkeys(WHERE, 0)
        for unit in sorted({*kept, *told}):
            one, other = told.get(unit, nothing), kept.get(unit, nothing)
            if one != other:
                yield f"{unit!r} is {one} by the entries, and {other} in the table of balances"

    def _of_row(self) -> Iterator[str]:
        """What the row of the account says beside who it is of."""
        last, row = self.anew._ledger.posted, self._row
        if row.posted != last:
            yield f"its last entry was posted at {last}, and the account says {row.posted}"
        if not self._known or last is None:
            return
        rewards = affordable(self.anew)
        if rewards != tuple(json.loads(row.rewards)):
            yield f"{rewards} are the rewards it can have, and the account says {row.rewards}"
        until = last + _YEARS if row.due is None else row.due - timedelta.resolution
        length = self.anew._ledger.length
        with self.anew._ledger.upto(until) as ledger:
            if ledger.length > length:
                first = ledger.entries[length - ledger.before]
                yield f"something falls due at {first.at}, and the account says {row.due}"

    def _of_snapshot(self) -> Iterator[str]:
        """What the account is by its snapshot: where points are, what became of them, its lots and counters."""
        last = self.anew._ledger.posted
        if last is None:
            return
        there = self._by(self._loaded.tail, self._loaded.snapshot).account
        for unit in self.anew._ledger.books:
            one, other = dict(self.anew.totals(unit, at=last)), dict(there.totals(unit, at=last))
            if one != other:
                yield f"{unit!r} is {one} by the entries, and {other} by the snapshot"
            if self.anew.lots(unit, at=last) != there.lots(unit, at=last):
                yield f"the lots of {unit!r} are others by the entries than by the snapshot"
        one, other = (_counted(account) for account in (self.anew, there))
        if one != other:
            yield f"{one} is counted by the entries, and {other} by the snapshot"

    def _of_lots(self) -> Iterator[str]:
        """The lots as they were at the snapshot, and what that says of those that it leaves out."""
        snapshot = self._loaded.snapshot
        if snapshot is not None and outdated(self.anew._ledger, snapshot):
            return  # nobody goes by them any more
        kept = {row["lot"]: row for row in self._select(self._tables.lots, "lot")}
        then = self._by(self._entries[: self._row.covered]).account._ledger
        for number, lot in then.lots.items():
            if number not in kept:
                yield f"lot {number} is not in the table of lots"
            elif from_json(kept[number]["data"]) != record(lot):
                yield f"lot {number} is {record(lot)} by the entries, and {kept[number]['data']} in the table of lots"
            elif kept[number]["used_up"] != is_used_up(lot):
                yield f"of lot {number} {lot.points} are left by the entries, and the table of lots says otherwise"
        for number in kept:
            if number not in then.lots:
                yield f"lot {number} is in the table of lots, and no entry has made it"
        if snapshot is not None:
            yield from self._of_what_is_left(snapshot, then)

    def _of_what_is_left(self, snapshot: Snapshot, then: Ledger) -> Iterator[str]:
        if snapshot.made != len(then.lots):
            yield f"{len(then.lots)} lots were made by the entries, and {snapshot.made} by the snapshot"
        told = lots_left(then)
        for unit in sorted({*told, *snapshot.left}):
            one, other = told.get(unit), snapshot.left.get(unit)
            # under another rule than at the snapshot, what it says of the first to end is not believed
            comparable = one is None or other is None or one.rule == other.rule
            if comparable and one != other:
                yield f"the lots of {unit!r} are left as {one} by the entries, and as {other} by the snapshot"

    def _of_outbox(self) -> Iterator[str]:
        """What others were told of the entries; nothing of those that were dropped, or came from another store."""
        news = _outbox.News(self._statements)
        for entry in self._entries:
            news.of_entry(self._opened, entry)
        told = {seq: (kind, at, json.loads(data)) for _, kind, _, seq, at, _, data in news.rows}
        kept = {}
        for row in self._select(self._tables.events, "row"):
            if row["seq"] is not None:
                kept[row["seq"]] = row["kind"], self._statements.instant(row["at"]), json.loads(row["data"])
        for seq in sorted({*told, *kept}):
            if seq not in kept and seq > self._row.silent:
                yield f"nobody is told of entry {seq}: {told[seq]}"
            elif seq in kept and kept[seq] != told.get(seq):
                yield f"of entry {seq} others are told {kept[seq]}, and it says {told.get(seq, 'nothing')}"

    def _of_sums(self) -> Iterator[str]:
        last = self.anew._ledger.posted
        if last is None:
            return
        for unit in self.anew._ledger.books:
            total = self.anew.totals(unit, at=last)
            came, went = sum(total[name] for name in IN), sum(total[name] for name in OUT)
            if came != went:
                yield f"of {unit!r} {came} came in, and {went} are there or went"


def _counted(account: Account) -> dict[Any, Any]:
    return {key: count for key, count in account._ledger.counted.items() if count}


def _of_counters(store: Store, connection: sa.Connection, counted: Mapping[tuple[str, str], Any]) -> Iterator[str]:
    table = store._tables.counters
    kept = {
        (row.program, row.reward): {tuple(key): count for key, count in json.loads(row.counts) if count}
        for row in connection.execute(sa.select(table))
    }
    for program, reward in sorted({*kept, *counted}):
        told = {tuple(key): count for key, count in counted.get((program, reward), {}).items() if count}
        other = kept.get((program, reward), {})
        if told != other:
            yield f"{program}: all together {reward!r} is counted {told} by the entries, and {other} in the counters"
