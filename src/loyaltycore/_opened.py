"""An account within a transaction, with what it asks of the tables meanwhile; and once its block was left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from functools import partial
import json
from typing import Any, Final, TypeAlias, cast

import sqlalchemy as sa

from loyaltycore._database import Database, StoreError
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._loaded import Cache, Loaded, entries_about, entries_of, snapshot_of, stored
from loyaltycore._statements import Statement, Statements
from loyaltycore._strategy import walk
from loyaltycore.account import Account
from loyaltycore.activity import CounterKey, FactValue
from loyaltycore.archive import Archive, ArchivedLots, LotRecord, LotsChanged
from loyaltycore.entries import Entry
from loyaltycore.history import AnyProgram
from loyaltycore.redemption import OptionLimit, Stock
from loyaltycore.snapshots import OutdatedSnapshot

LEFT: Final = "its block was left; open it again with store.account(...) to write to it"

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)

Reading: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
"""How to ask the database, once the block of an account was left."""


class SharedCounts(MutableMapping[CounterKey, int]):
    """What all members have counted, reward by reward: locked when it is first looked at, written at the end."""

    def __init__(
        self, database: Database, connection: sa.Connection, statements: Statements, program: AnyProgram
    ) -> None:
        self._database = database
        self._connection = connection
        self._statements = statements
        self._program = program
        self._found: dict[str, dict[CounterKey, int]] = {}
        self._changed: set[str] = set()

    def of(self, reward: str) -> Mapping[CounterKey, int]:
        """The counters of a reward, where all members count together."""
        return self._locked(reward) if counts_by_all(self._program, reward) else EMPTY

    def _locked(self, reward: str) -> dict[CounterKey, int]:
        found = self._found.get(reward)
        if found is None:
            asked, of = self._statements.counts, {"of": self._program.name, "what": reward}
            row = asked.run(self._connection, of).fetchone()
            if row is None:
                self._database.check_begun(self._connection)
                self._statements.new_counts.run(self._connection, {"program": self._program.name, "reward": reward})
                row = asked.run(self._connection, of).fetchone()
            found = self._found[reward] = {
                CounterKey(*key): count for key, count in json.loads(row[0] if row else "[]")
            }
        return found

    def write(self) -> None:
        """Bring what has changed to the database."""
        for reward in sorted(self._changed):
            text = json.dumps(sorted((list(key), count) for key, count in self._found[reward].items()))
            put = {"of": self._program.name, "what": reward, "counts": text}
            self._statements.put_counts.run(self._connection, put)
        self._changed.clear()

    def __getitem__(self, key: CounterKey) -> int:
        return self._locked(key.name)[key]

    def __setitem__(self, key: CounterKey, count: int) -> None:
        self._locked(key.name)[key] = count
        self._changed.add(key.name)

    def __delitem__(self, key: CounterKey) -> None:
        self[key] = 0

    def __iter__(self) -> Iterator[CounterKey]:
        return (key for counts in self._found.values() for key in counts)

    def __len__(self) -> int:
        return sum(map(len, self._found.values()))


def counts_by_all(program: AnyProgram, reward: str) -> bool:
    """Whether what the others had of a reward matters to it; of options of one's own that is not known."""
    for version in getattr(program, "_programs", (program,)):
        option = version.rewards.get(reward)
        for _, part in () if option is None else walk(option):
            if isinstance(part, Stock) or (isinstance(part, OptionLimit) and part.among == "all"):
                return True
            if not type(part).__module__.startswith("loyaltycore."):
                return True
    return False


class InTables(Archive):
    """What a snapshot leaves out, asked in the block's own transaction as long as that is open.

    Whoever asks about many ids is soon told all there are, so that most of them need not be looked for.
    """

    def __init__(self, statements: Statements, member: str, loaded: Loaded, reading: Reading) -> None:
        self.connection: sa.Connection | None = None
        self._statements = statements
        self._member = member
        self._snapshot = loaded.snapshot
        self._seq = 0 if loaded.snapshot is None else loaded.snapshot.seq
        self._reading = reading
        # a call is on one side of the snapshot, so what came after it has nothing before it
        self._known: dict[str, tuple[Entry, ...]] = {entry.id: () for entry in loaded.tail}
        self._asked_for = 0
        self._names: set[str] | None = None

    def follow(self, earlier: InTables, since: Iterable[Entry]) -> InTables:
        """Know what an archive knew, with the entries that have come since."""
        names = earlier._names
        if names is not None:
            names.update([entry.id for entry in since])
            names.update([entry.source for entry in since if entry.source])
            self._names, earlier._names = names, None
        return self

    @contextmanager
    def _asked(self) -> Iterator[sa.Connection]:
        if self.connection is not None:
            yield self.connection
            return
        with self._reading() as connection:
            yield connection

    def __call__(self, id: str) -> tuple[Entry, ...]:
        """The entries about an id."""
        if self._names is not None and id not in self._names:
            return ()
        found = self._known.get(id)
        if found is None:
            self._asked_for += 1
            with self._asked() as connection:
                if self._names is None and self._asked_for * _MOST > self._seq and self._asked_for > 1:
                    named = self._statements.names.run(connection, {"of": self._member, "upto": self._seq}).fetchall()
                    self._names = {name for row in named for name in row}
                    if id not in self._names:
                        return ()
                found = entries_about(connection, self._statements, self._member, id)
            self._known[id] = found
        return found

    def entries(self) -> tuple[Entry, ...]:
        """The entries before the snapshot."""
        with self._asked() as connection:
            found = entries_of(connection, self._statements, self._member)[: self._seq]
        if self._snapshot is not None and (len(found) < self._seq or found[-1].posted != self._snapshot.posted):
            raise StoreError(f"{self._member}: it is not there any more; open it anew, by the id that it has now")
        return found

    def lots(self) -> tuple[LotRecord, ...]:
        """The lots of which something is left."""
        return self._lots(self._statements.lots_left)

    def lot(self, number: int) -> LotRecord | None:
        """A lot that the snapshot leaves out."""
        return next(iter(self._lots(self._statements.lot, number=number)), None)

    def _lots(self, asked: Statement, **values: int) -> tuple[LotRecord, ...]:
        """Lots as they were at the snapshot; a later one has written them anew, as far as they have changed."""
        of = {"of": self._member}
        with self._asked() as connection:
            texts = asked.run(connection, {**of, **values}).fetchall()
            row = self._statements.covered.run(connection, of).fetchone()
            if row is None or row[0] != self._seq:
                raise LotsChanged
            if connection is not self.connection:  # meanwhile somebody else may have come to be of that id
                there = snapshot_of(connection, self._statements, self._member, self._seq)
                if there != self._snapshot:
                    raise LotsChanged
        return tuple([self._lot(number, text) for number, text in texts])

    def _lot(self, number: int, text: str) -> LotRecord:
        lot = stored(text, f"{self._member}: lot {number}")
        if not isinstance(lot, LotRecord) or lot.id != number:
            raise StoreError(f"{self._member}: lot {number} is kept as {text[:100]!r}; bring back a backup")
        return lot


_MOST: Final = 100
"""Names of entries that take as long to read as one search among them."""


class AccountInBlock(Account):
    """An account that a store gave to a block; once that was left it is folded again, if it is asked anything."""

    _left_as: tuple[Loaded, Callable[[], Archive]]

    def __getattr__(self, name: str) -> Any:
        if name not in ("_ledger", "_look_up"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        loaded, archive = self._left_as
        self._look_up = archive()
        self._ledger = self._fold(loaded.tail)
        return vars(self)[name]


class Opened:
    """One account within a transaction, with the facts that the application has just given of it, if it did."""

    def __init__(
        self, connection: sa.Connection, statements: Statements, member: str, program: AnyProgram, *,
        loaded: Loaded, reading: Reading, shared: SharedCounts | None = None, cache: Cache | None = None,
        joined: date | None = None, facts: FrozenMap[str, FactValue] | None = None,
    ) -> None:  # fmt: skip
        self.member = member
        self.program = program
        self.loaded = loaded
        self._statements = statements
        self._reading = reading
        told = (loaded.joined if joined is None else joined, loaded.facts if facts is None else facts)
        account = None
        if cache is not None and told == (loaded.joined, loaded.facts):
            account = cache.take(member, loaded)
        if account is None or account._terms is not program:
            account = self._folded(connection, *told, shared)
        self.account = account
        self._archive: InTables = account._look_up  # type: ignore[assignment]
        self._archive.connection = connection
        account._shared, account._shut = shared, ""
        self.begun = account._ledger.length

    def _folded(
        self, connection: sa.Connection, joined: date | None, facts: Mapping[str, FactValue], shared: Any
    ) -> Account:
        archive = self._archive_of(self.loaded)
        archive.connection = connection
        try:
            return self._made(archive, joined, facts, shared)
        except OutdatedSnapshot:  # the entries know what the program counts since
            entries = (*archive.entries(), *self.loaded.tail)
        self.loaded = self.loaded._replace(snapshot=None, tail=entries)
        return self._made(archive, joined, facts, shared)

    def _made(self, archive: InTables, joined: date | None, facts: Mapping[str, FactValue], shared: Any) -> Account:
        return AccountInBlock(
            self.program, self.member, joined=joined, facts=facts, entries=self.loaded.tail,
            snapshot=self.loaded.snapshot, shared=shared, look_up=archive,
        )  # fmt: skip

    @property
    def new(self) -> tuple[Entry, ...]:
        """What was written in the block."""
        ledger = self.account._ledger
        return tuple(ledger.entries[self.begun - ledger.before :])

    def leave(self) -> None:
        """The account can be asked from now on, but not written to."""
        self._archive.connection = None
        self.account._shared = None
        self.account._shut = LEFT

    def hand_on(self, kept: Loaded) -> Account | None:
        """The account for the next block, once everything is in the tables; none if it was folded from its entries."""
        left = cast("AccountInBlock", self.account)
        ended = kept
        if left._snapshot is not kept.snapshot:
            if left._snapshot is not self.loaded.snapshot:
                return None
            ended = self.loaded._replace(tail=(*self.loaded.tail, *self.new))
        account = AccountInBlock.__new__(AccountInBlock)
        vars(account).update(vars(left), _awards={})
        if ended is not kept:
            account._snapshot = kept.snapshot
            account._look_up = self._archive_of(kept).follow(self._archive, left._ledger.entries)
            account._ledger = account._fold(())
            before = left._ledger
            if isinstance(before.lots, ArchivedLots):  # else all was new, and nobody has asked for lots of the archive
                account._ledger.lots.take_from(before)  # type: ignore[attr-defined]  # they are an archive's
                before.lots.let_go()
            before.let_go()
        account._ledger.clock = _BEGINNING  # as it is of one that was read
        left._left_as = ended, partial(InTables, self._statements, self.member, ended, self._reading)
        del left._ledger, left._look_up
        return account

    def _archive_of(self, loaded: Loaded) -> InTables:
        return InTables(self._statements, self.member, loaded, self._reading)
