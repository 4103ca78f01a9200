"""Accounts between the tables and the program: loaded from a snapshot and what came after it, and written back.

What is loaded are values that never change, so they are kept, and used again as long as the account's version is the
same. An account made of them belongs to one block alone.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
import json
from threading import Lock
from typing import Any, Final, NamedTuple, TypeAlias

import sqlalchemy as sa

from loyaltycore._database import StoreBusy, StoreError
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._statements import Statements
from loyaltycore._strategy import walk
from loyaltycore._tables import LONGEST, WHERE
from loyaltycore.account import Account
from loyaltycore.activity import CounterKey, FactValue, Member
from loyaltycore.entries import Entry
from loyaltycore.errors import RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.redemption import OptionLimit, Stock
from loyaltycore.serialize import from_json, to_json
from loyaltycore.snapshots import Archive, LotRecord, Snapshot, is_used_up, record
from loyaltycore.tiers import TierLadder

LEFT: Final = "its block was left; open it again with store.account(...) to write to it"

_FAR: Final = datetime.max.replace(tzinfo=UTC)

FEWEST: Final = 20
"""Entries after a snapshot before another one is made; more, where there are many lots to write."""


class Loaded(NamedTuple):
    """What is in the tables of an account, as values; `version` says whether it still is."""

    version: int
    joined: date | None
    facts: Mapping[str, FactValue]
    snapshot: Snapshot | None
    tail: tuple[Entry, ...]
    rewards: tuple[str, ...]
    revision: int


Reading: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
"""How to ask the database, once the block of an account was left."""


class Cache:
    """The accounts that were used last, by member; for all threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._kept: OrderedDict[str, Loaded] = OrderedDict()

    def get(self, member: str, version: int) -> Loaded | None:
        """What was kept of an account, if that is its version."""
        with self._lock:
            found = self._kept.get(member)
            if found is None or found.version != version:
                return None
            self._kept.move_to_end(member)
            return found

    def put(self, member: str, loaded: Loaded) -> None:
        """Keep an account, and let go of the one that was not asked for the longest."""
        with self._lock:
            self._kept[member] = loaded
            self._kept.move_to_end(member)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._kept.clear()


class SharedCounts(MutableMapping[CounterKey, int]):
    """What all members have counted, reward by reward: locked when it is first looked at, written at the end."""

    def __init__(self, connection: sa.Connection, statements: Statements, program: AnyProgram) -> None:
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
            connection, asked = self._connection, self._statements.counts
            of = {"of": self._program.name, "what": reward}
            text = connection.execute(asked, of).scalar()
            if text is None:
                connection.execute(self._statements.new_counts, {"program": self._program.name, "reward": reward})
                text = connection.execute(asked, of).scalar()
            found = self._found[reward] = {CounterKey(*key): count for key, count in json.loads(text or "[]")}
        return found

    def write(self) -> None:
        """Bring what has changed to the database."""
        for reward in sorted(self._changed):
            text = json.dumps(sorted((list(key), count) for key, count in self._found[reward].items()))
            put = {"of": self._program.name, "what": reward, "counts": text}
            self._connection.execute(self._statements.put_counts, put)
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
    """What a snapshot leaves out, asked in the block's own transaction as long as that is open."""

    def __init__(
        self, statements: Statements, member: str, loaded: Loaded, connection: sa.Connection, reading: Reading,
    ) -> None:  # fmt: skip
        self.connection: sa.Connection | None = connection
        self._statements = statements
        self._member = member
        self._seq = 0 if loaded.snapshot is None else loaded.snapshot.seq
        self._reading = reading
        # a call is on one side of the snapshot, so what came after it has nothing before it
        self._known: dict[str, tuple[Entry, ...]] = {entry.id: () for entry in loaded.tail}

    @contextmanager
    def _asked(self) -> Iterator[sa.Connection]:
        if self.connection is not None:
            yield self.connection
            return
        with self._reading() as connection:
            yield connection

    def __call__(self, id: str) -> tuple[Entry, ...]:
        """The entries about an id."""
        found = self._known.get(id)
        if found is None:
            with self._asked() as connection:
                found = entries_about(connection, self._statements, self._member, id) if len(id) <= LONGEST else ()
            self._known[id] = found
        return found

    def entries(self) -> tuple[Entry, ...]:
        """The entries before the snapshot."""
        with self._asked() as connection:
            return entries_of(connection, self._statements, self._member)[: self._seq]

    def lot(self, number: int) -> LotRecord | None:
        """A lot that is used up."""
        with self._asked() as connection:
            text = connection.execute(self._statements.lot, {"of": self._member, "number": number}).scalar()
        return None if text is None else from_json(text)


class Opened:
    """One account within a transaction."""

    def __init__(
        self, connection: sa.Connection, statements: Statements, member: str, program: AnyProgram, *,
        loaded: Loaded, shared: SharedCounts | None, reading: Reading,
    ) -> None:  # fmt: skip
        self.member = member
        self.program = program
        self.loaded = loaded
        self.shared = shared
        self._archive = InTables(statements, member, loaded, connection, reading)
        self.account = program.account(
            member, joined=loaded.joined, facts=loaded.facts, entries=loaded.tail, snapshot=loaded.snapshot,
            shared=shared, look_up=self._archive,
        )  # fmt: skip

    def leave(self) -> None:
        """The account can be asked from now on, but not written to."""
        self._archive.connection = None
        self.account._shared = None
        self.account._shut = LEFT

    @property
    def new(self) -> tuple[Entry, ...]:
        """What was written in the block."""
        ledger, loaded = self.account._ledger, self.loaded
        before = len(loaded.tail) + (0 if loaded.snapshot is None else loaded.snapshot.seq)
        return tuple(ledger.entries[before - ledger.before :])


# Reading --------------------------------------------------------------------------------------------------------------


def entries_of(connection: sa.Connection, statements: Statements, member: str, after: int = 0) -> tuple[Entry, ...]:
    """The entries of an account after the first so many."""
    found = connection.execute(statements.tail, {"of": member, "after": after})
    return tuple(map(from_json, found.scalars()))


def entries_about(connection: sa.Connection, statements: Statements, member: str, id: str) -> tuple[Entry, ...]:
    """The entries of an account that this is the id or the source of."""
    return tuple(map(from_json, connection.execute(statements.about, {"of": member, "about": id}).scalars()))


def lock_row(
    connection: sa.Connection, statements: Statements, member: str, program: AnyProgram, revision: int, *, locked: bool
) -> Any:
    """The row of an account, which nobody else can write as long as the transaction lasts; made if it is not there."""
    asked = statements.locked_row if locked else statements.row
    row = connection.execute(asked, {"of": member}).first()
    if row is None:
        new = {"member": member, "program": program.name, "revision": revision}
        connection.execute(statements.new_row, new)
        row = connection.execute(asked, {"of": member}).one()
    return row


def row_of(connection: sa.Connection, statements: Statements, member: str) -> Any:
    """The row of an account, `None` if there is none; not locked."""
    return connection.execute(statements.row, {"of": member}).first()


def read(connection: sa.Connection, statements: Statements, row: Any, program: AnyProgram, cache: Cache) -> Loaded:
    """What the tables have of an account."""
    if row.program != program.name:
        raise RuleError(
            f"{row.member}: it is an account of {row.program!r}, not of {program.name!r}; keep another program in"
            " tables of its own, by Store(..., prefix=...)"
        )
    found = cache.get(row.member, row.version)
    if found is None:
        snapshot = None
        if row.covered:
            snapshot = from_json(connection.execute(statements.snapshot, {"of": row.member}).scalar_one())
        tail = entries_of(connection, statements, row.member, row.covered)
        if row.covered + len(tail) < row.length:
            raise StoreError(
                f"{row.member}: of its {row.length} entries {row.covered + len(tail)} are there; bring back a backup"
            )
        facts = from_json(row.facts).facts if row.facts != "{}" else EMPTY
        found = Loaded(row.version, row.joined, facts, snapshot, tail, tuple(json.loads(row.rewards)), row.revision)
        cache.put(row.member, found)
    return found


# Writing --------------------------------------------------------------------------------------------------------------


def facts_text(facts: Mapping[str, FactValue]) -> str:
    """Facts of a member, as they are kept."""
    return to_json(Member(facts=FrozenMap(facts))) if facts else "{}"


def write(
    connection: sa.Connection, statements: Statements, opened: Opened, revision: int, *, guarded: bool
) -> Loaded | None:
    """Bring what a block has done to the database; `None` if it did nothing."""
    account, loaded, new = opened.account, opened.loaded, opened.new
    of = opened.member
    if account.id != of:
        raise RuleError(f"{of}: an account in a store is erased by store.erase(member)")
    same = (account._joined, account._facts) == (loaded.joined, loaded.facts)
    if not new and same and revision == loaded.revision:
        if not loaded.version:
            connection.execute(statements.drop_row, {"of": of})  # nothing was written, so there is no account
        return None
    if new:
        connection.execute(statements.put_entries, rows_of(of, new))
        _write_balances(connection, statements, balances_of(account, {entry.unit for entry in new}))
    ledger = account._ledger
    rewards = _affordable(account) if new else loaded.rewards
    kept = loaded._replace(
        version=loaded.version + 1, joined=account._joined, facts=account._facts, tail=(*loaded.tail, *new),
        rewards=rewards, revision=revision,
    )  # fmt: skip
    row = {
        "of": of, "before": loaded.version, "next": kept.version, "length": ledger.length, "posted": ledger.posted,
        "due": next_due(account), "rewards": json.dumps(rewards), "revision": revision,
    }  # fmt: skip
    if not guarded:
        del row["before"]
    done = connection.execute(statements.put_row_guarded if guarded else statements.put_row, row)
    if done.rowcount != 1:
        raise StoreBusy(f"{of}: it was changed by others meanwhile; nothing was written, try again")
    if not same:
        facts = facts_text(account._facts)
        connection.execute(statements.put_person, {"of": of, "joined": account._joined, "facts": facts})
    live = sum(len(book.live) for book in ledger.books.values())
    return _write_snapshot(connection, statements, opened, kept) if len(kept.tail) >= max(FEWEST, live) else kept


def _write_snapshot(connection: sa.Connection, statements: Statements, opened: Opened, kept: Loaded) -> Loaded:
    """Spare the next ones the entries up to here; lots that are used up are kept beside it."""
    snapshot, of = opened.account.snapshot(), opened.member
    used_up = [record(lot) for lot in opened.account._ledger.lots.values() if is_used_up(lot)]
    if used_up:
        rows = [{"account": of, "lot": lot.id, "data": to_json(lot)} for lot in used_up]
        connection.execute(statements.put_lots, rows)
    text = to_json(snapshot)
    connection.execute(statements.put_snapshot, {"of": of, "snapshot": text, "covered": snapshot.seq})
    return kept._replace(snapshot=snapshot, tail=())


def _write_balances(connection: sa.Connection, statements: Statements, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statements.put_balances, rows)


def next_due(account: Account) -> datetime | None:
    """When something falls due in an account next, as far as is known now."""
    due = account._ledger._next_due(_FAR)
    return None if due is None else due[0]


def rows_of(member: str, new: tuple[Entry, ...]) -> list[dict[str, Any]]:
    """Entries as rows; *part* counts those of one id."""
    parts: Counter[str] = Counter()
    rows = []
    for entry in new:
        check_id(entry.id, "id")
        check_id(entry.source, "source")
        part = parts[entry.id]
        parts[entry.id] += 1
        rows.append({
            "account": member, "seq": entry.seq, "id": entry.id or None, "part": part, "kind": entry.kind,
            "source": entry.source or None, "at": entry.at, "posted": entry.posted, "unit": entry.unit,
            "points": entry.points, "data": to_json(entry),
        })  # fmt: skip
    return rows


def check_id(id: str, what: str) -> None:
    """Refuse what one of the databases would not keep as it is."""
    if len(id) > LONGEST:
        raise RuleError(f"{what}: {id[:40]!r}... has {len(id):,} characters; a store keeps ids of up to {LONGEST}")
    if "\0" in id or not _encodes(id):
        raise RuleError(f"{what}: {id[:40]!r} has a character that is no text; leave NUL and lone surrogates out")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def balances_of(account: Account, units: set[str] | None = None) -> list[dict[str, Any]]:
    """Where the points of each unit are, as the entries leave them."""
    books = account._ledger.books
    return [
        {"account": account.id, "unit": unit, **{name: getattr(book, name) for name in WHERE}}
        for unit, book in sorted(books.items())
        if units is None or unit in units
    ]


# What others are told -------------------------------------------------------------------------------------------------


def _affordable(account: Account) -> tuple[str, ...]:
    """The rewards that the member could have now; what others have left of a stock is not looked at."""
    at = account._ledger.posted
    if at is None or not account._terms.version(at).rewards:
        return ()
    shared, account._shared = account._shared, None
    try:
        return tuple(sorted(quote.option for quote in account.options(at=at) if quote.ok))
    finally:
        account._shared = shared


def news(opened: Opened, rewards: tuple[str, ...]) -> list[dict[str, Any]]:
    """What happened in a block that others want to know, as rows of the outbox."""
    rows = [row for entry in opened.new for row in _told(opened, entry)]
    last = opened.account._ledger.posted
    for reward in rewards:
        if reward not in opened.loaded.rewards and last is not None:
            subject = f"{opened.account._ledger.length} {reward}"
            rows.append(event(opened.member, "reward_available", subject, last, {"reward": reward}))
    return rows


def _told(opened: Opened, entry: Entry) -> list[dict[str, Any]]:
    subject = str(entry.seq)
    points = {"unit": entry.unit, "points": entry.points}
    if entry.kind == "earned" and entry.points:
        return [event(opened.member, "points_earned", subject, entry.at, {"id": entry.id, **points})]
    if entry.kind == "lapsed":
        return [event(opened.member, "points_expired", subject, entry.at, points)]
    if entry.kind == "tier_changed" and _is_up(opened.program, entry):
        data = {"ladder": entry.data["ladder"], "tier": _tier(entry), "was": entry.data.get("was", "")}
        return [event(opened.member, "tier_up", subject, entry.at, data)]
    return []


def _is_up(program: AnyProgram, entry: Entry) -> bool:
    ladder: TierLadder | None = program.version(entry.at).ladders.get(entry.data["ladder"])
    return ladder is not None and ladder.index(_tier(entry)) > ladder.index(entry.data.get("was", ""))


def _tier(entry: Entry) -> str:
    """The tier that an entry says the member is in; one that was granted is a floor."""
    tier: str = entry.data.get("tier") or entry.data.get("floor", "")
    return tier


def event(member: str, kind: str, subject: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the outbox."""
    text = json.dumps(dict(data), ensure_ascii=False)
    return {"account": member, "kind": kind, "subject": subject, "at": at, "data": text}


def warnings_of(opened: Opened, to: datetime, notice: timedelta) -> list[dict[str, Any]]:
    """What a member should hear in time: points that are about to lapse, a tier that will not be kept."""
    account, until = opened.account, to + notice
    rows = []
    for unit, book in account._ledger.books.items():
        for lot in book.live.values():
            if lot.points and lot.ends is not None and to < lot.ends <= until:
                data = {"unit": unit, "points": lot.points, "expires_on": str(lot.expires_on), "lot": lot.id}
                rows.append(event(opened.member, "points_expiring", f"{lot.id} {lot.expires_on}", to, data))
    if account._ledger.standings is not None:
        rows += _tiers_at_risk(opened, to, until)
    return rows


def _tiers_at_risk(opened: Opened, to: datetime, until: datetime) -> list[dict[str, Any]]:
    rows = []
    zone = opened.program.zone
    for name in opened.program.version(to).ladders:
        found = opened.account.tier_progress(at=to, ladder=name)
        stay = found.to_stay
        if stay is None or stay.met or found.stay_by is None or found.stay_by > until.astimezone(zone).date():
            continue
        data = {"ladder": name, "tier": found.tier, "stay_by": str(found.stay_by), "missing": str(stay)}
        rows.append(event(opened.member, "tier_at_risk", f"{name} {found.tier} {found.stay_by}", to, data))
    return rows
