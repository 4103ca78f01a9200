"""A store: accounts in a database, SQLite or PostgreSQL. Needs the extra `sql`, and for PostgreSQL psycopg 3.

What a block does to an account is written in one transaction, its entries with the ids of the calls and what others
are told of it; if anything goes wrong, nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from attrs import frozen

from loyaltycore._calendar import civil_date, in_zone, moment, zone
from loyaltycore._exact import FrozenMap
from loyaltycore.account import Account
from loyaltycore.activity import FactValue, fact_map
from loyaltycore.desk import When
from loyaltycore.entries import Entry
from loyaltycore.errors import MissingExtra, RuleError
from loyaltycore.history import AnyProgram, ProgramHistory
from loyaltycore.program import Program
from loyaltycore.serialize import from_json

try:
    import sqlalchemy as sa
except ImportError as error:
    raise MissingExtra("sql", "sqlalchemy", "loyaltycore.store") from error

from loyaltycore import _loaded, _moving, _opened, _outbox, _tables, _verifying
from loyaltycore._database import Database, StoreBusy, StoreError, StoreFull, StoreLost
from loyaltycore._loaded import Cache, Loaded
from loyaltycore._opened import Opened, SharedCounts
from loyaltycore._outbox import Event, News
from loyaltycore._programs import Programs
from loyaltycore._statements import AccountRow, Statements
from loyaltycore._tables import Tables
from loyaltycore._written import write

__all__ = ["Event", "Expiring", "Store", "StoreBusy", "StoreError", "StoreFull", "StoreLost"]

R = TypeVar("R")

MONTH: Final = timedelta(days=30)
"""How long before points lapse, or a tier is reviewed, a member hears of it, unless another time is given."""

BATCH: Final = 100
"""Accounts that one transaction of `advance_all` writes to."""

_PAUSE: Final = 0.02


@frozen
class Expiring:
    """Points of a member that lapse together: *on* is the last day they can be used."""

    member: str
    unit: str
    points: int
    on: date


def _now() -> datetime:
    return datetime.now(UTC)


class Store:
    """Accounts in a database.

    *url* is `sqlite:///points.db`, `sqlite://` (in memory, gone with the store) or `postgresql+psycopg://...`. *prefix*
    and *schema* say where its tables are. *timeout* are the seconds that it waits for a lock before it raises
    `StoreBusy`. *synchronous* is SQLite's: `"FULL"` outlives a power cut, `"NORMAL"` may lose the last moments before
    one, though it never corrupts them. *cache* is how many accounts each process remembers. *clock* says what time
    it is to the one question that may leave that open, `expiring`; everything else is told.

    One store is for all threads of a process, and each process makes its own.

    >>> from loyaltycore.store import Store
    >>> store = Store("sqlite://")
    >>> store.create()
    >>> club = Program("Club", earning=PerSpend(1))
    >>> with store.account("m-1", club) as account:
    ...     receipt = account.earn(Activity.purchase(180, at="2026-01-05", id="t-1"))
    >>> dict(store.balances(at="2026-02-01"))
    {'m-1': {'points': 180}}
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "loyalty_",
        schema: str | None = None,
        timeout: float = 10,
        synchronous: str = "FULL",
        cache: int = 1000,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._tables = Tables(prefix, schema)
        self._database = Database(url, timeout=timeout, synchronous=synchronous)
        if schema and self._database.on_sqlite:
            raise RuleError("schema: SQLite has none; leave it out, and give a prefix")
        self._statements = Statements(self._tables, on_sqlite=self._database.on_sqlite)
        self._cache = Cache(cache)
        self._clock = clock
        self._ready = False
        self._programs = Programs(self._tables, self._database, self._statements)

    def __repr__(self) -> str:
        return f"<Store {self._database.url!r}>"

    @property
    def metadata(self) -> sa.MetaData:
        """SQLAlchemy's description of the tables, for applications that make them by Alembic."""
        return self._tables.metadata

    def create(self) -> None:
        """Make the tables, or bring older ones up to the version of this library; what is there is kept."""
        with self._database.writing(lambda connection: _tables.create(connection, self._tables)):
            pass

    def close(self) -> None:
        """Close the connections; a store in memory is gone."""
        self._database.close()

    # Accounts ---------------------------------------------------------------------------------------------------------

    def account(
        self,
        member: str,
        program: AnyProgram,
        *,
        joined: date | str | None = None,
        facts: Mapping[str, FactValue] | None = None,
    ) -> AbstractContextManager[Account]:
        """An account for one block: locked, and written in one transaction when the block is left.

        At an exception nothing is written. After the block the account still answers questions, as of its end.
        *joined* and *facts* are remembered once they are given, until others are. Raises `StoreBusy` where the lock is
        not to be had in time.
        """
        return self._opened((member,), program, {member: (joined, facts)}, _the_only)

    def accounts(self, *members_and_program: Any) -> AbstractContextManager[tuple[Account, ...]]:
        """Several accounts of one program for a block: `with store.accounts("a", "b", program) as (a, b):`.

        They are locked in the order of their ids, so that two blocks never wait for each other, and written together.
        """
        *members, program = members_and_program or (None,)
        return self._opened(tuple(members), program, {}, tuple)

    def run(
        self,
        member: str,
        program: AnyProgram,
        function: Callable[[Account], R],
        *,
        joined: date | str | None = None,
        facts: Mapping[str, FactValue] | None = None,
    ) -> R:
        """What the function returns of the account, tried again where others were in the way or a connection was lost.

        It may be called several times, so let it do nothing but call the account, with ids of its own: what was written
        before the connection was lost is then found, and not written twice.

        >>> from loyaltycore.store import Store
        >>> store = Store("sqlite://")
        >>> store.create()
        >>> club = Program("Club", earning=PerSpend(1))
        >>> store.run("m-1", club, lambda m: m.earn(Activity.purchase(18, at="2026-01-05", id="t-1"))).points
        18
        """
        until = monotonic() + self._database.timeout
        while True:
            try:
                with self.account(member, program, joined=joined, facts=facts) as account:
                    return function(account)
            except (StoreBusy, StoreLost):
                if monotonic() >= until:
                    raise
                sleep(_PAUSE)

    def look(self, member: str, program: AnyProgram | None = None) -> Account:
        """An account as it is now, to ask and not to write to; it takes no lock.

        The program may be left out where the account was written to before.
        """
        with self._reading() as connection:
            row = self._statements.account(connection, _member(member), locked=False)
            if row is None:
                if program is None:
                    raise RuleError(f"{member}: there is no such account; give the program, for a new one")
                account = program.account(member)
                account._shut = _opened.LEFT
                return account
            program = program or self._programs.named(connection, row.program)
            with self._seen(connection, row, program) as account:
                return account

    @contextmanager
    def _seen(self, connection: sa.Connection, row: AccountRow, program: AnyProgram) -> Iterator[Account]:
        """An account as its row has it, which nobody can write to; within, it reads what this transaction sees."""
        loaded = _loaded.read(connection, self._statements, row, program, self._cache)
        opened = Opened(
            connection, self._statements, row.member, program, loaded=loaded, reading=self._reading, cache=None
        )
        try:
            yield opened.account
        finally:
            opened.leave()

    @contextmanager
    def _opened(
        self, members: tuple[str, ...], program: AnyProgram, given: Mapping[str, tuple[Any, Any]],
        shown: Callable[[list[Account]], R],
    ) -> Iterator[R]:  # fmt: skip
        if not isinstance(program, (Program, ProgramHistory)):
            raise RuleError(f"program: {program!r} is no program; give the members' ids, and then the Program")
        if not members or len(set(members)) != len(members):
            raise RuleError(f"members: {members!r} must be one or several, and each of them once")
        for member in members:
            _member(member)
        revision = self._registered(program)

        def lock(connection: sa.Connection) -> list[AccountRow]:
            return [self._lock(connection, member, program, revision) for member in sorted(members)]

        opened: dict[str, Opened] = {}
        with self._database.writing(lock) as (connection, rows):
            shared = SharedCounts(self._database, connection, self._statements, program)
            try:
                for row in rows:
                    opened[row.member] = self._open(
                        connection, row, program, shared, *given.get(row.member, (None, None))
                    )
                yield shown([opened[member].account for member in members])
                kept = self._write(connection, opened.values(), revision, shared)
            finally:
                for one in opened.values():
                    one.leave()
        self._keep(opened.values(), kept)

    def _lock(self, connection: sa.Connection, member: str, program: AnyProgram, revision: int) -> AccountRow:
        locked = self._database.locking
        return _loaded.lock_row(connection, self._statements, member, program, revision, locked=locked)

    def _open(
        self, connection: sa.Connection, row: AccountRow, program: AnyProgram, shared: SharedCounts,
        joined: date | str | None = None, facts: Mapping[str, FactValue] | None = None,
    ) -> Opened:  # fmt: skip
        loaded = _loaded.read(connection, self._statements, row, program, self._cache)
        return Opened(
            connection, self._statements, row.member, program, loaded=loaded, shared=shared, reading=self._reading,
            cache=self._cache, joined=None if joined is None else civil_date(joined, "joined"),
            facts=None if facts is None else fact_map(facts),
        )  # fmt: skip

    def _write(
        self, connection: sa.Connection, opened: Iterable[Opened], revision: int, shared: SharedCounts
    ) -> dict[str, Loaded]:
        """What the tables have of each account then; of those that nothing was done to what they had."""
        self._database.check_begun(connection)
        guarded, news = self._database.locking, News(self._statements)
        kept = {one.member: one.loaded for one in opened}
        with self._database.together(connection):
            written = [
                done for one in opened if (done := write(connection, self._statements, one, revision, guarded=guarded))
            ]
            for done in written:
                kept[done.opened.member] = done.kept
                news.of_block(done.opened, done.kept.rewards)
            shared.write()
            news.write(connection)
        for done in written:
            done.check()
        return kept

    def _keep(self, opened: Iterable[Opened], kept: Mapping[str, Loaded]) -> None:
        """Remember accounts that were written."""
        for one in opened:
            loaded = kept[one.member]
            if loaded.version:
                self._cache.put(one.member, loaded, one.hand_on(loaded))

    # Programs and tables ----------------------------------------------------------------------------------------------

    def _registered(self, program: AnyProgram) -> int:
        """The number of this version of a program."""
        self._check_ready()
        return self._programs.revision(program)

    def _check_ready(self) -> None:
        """Refuse tables that are not there, or of another version."""
        if self._ready:
            return
        with self._database.reading() as connection:
            found = _tables.version_of(connection, self._tables)
        if found is None:
            raise StoreError("the tables are not there; make them with store.create()")
        _tables.check_not_newer(found)
        if found < _tables.VERSION:
            raise StoreError(f"the tables are of version {found}; bring them up to date with store.create()")
        self._ready = True

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        self._check_ready()
        with self._database.reading() as connection:
            yield connection

    # Questions about all ----------------------------------------------------------------------------------------------

    def each(self, program: AnyProgram | None = None) -> Iterator[Account]:
        """Every account one after the other, to ask and not to write to; those of one program, if it is given.

        Each is as it was when its turn came, read a hundred at a time.
        """
        last = ""
        while True:
            with self._reading() as connection:
                rows = self._some_rows(connection, last, program=None if program is None else (program.name, 0))
                accounts = []
                for row in rows:
                    named = program or self._programs.named(connection, row.program)
                    with self._seen(connection, row, named) as account:
                        accounts.append(account)
            if not rows:
                return
            yield from accounts
            last = rows[-1].member

    def balances(self, *, at: When) -> Mapping[str, Mapping[str, int]]:
        """What each member has of each unit at a moment, less what is owed, by member."""
        found: dict[str, dict[str, int]] = {}
        with self._reading() as connection:
            for row in self._rows(connection):
                program = self._programs.named(connection, row.program)
                instant = _instant(at, program.zone.key)
                if self._stands(row, program, instant):
                    found[row.member] = self._stored(connection, row.member)
                else:
                    with self._seen(connection, row, program) as account:
                        units = program.version(instant).points
                        found[row.member] = {unit: account.balance(unit, at=instant) for unit in units}
        return FrozenMap((member, FrozenMap(units)) for member, units in found.items())

    def _stands(self, row: Any, program: AnyProgram, at: datetime) -> bool:
        """Whether an account is at that moment as it was when it was last written."""
        posted, due = row.posted, row.due
        known = row.revision == self._registered(program)
        return known and (posted is None or posted <= at) and (due is None or due > at)

    def _stored(self, connection: sa.Connection, member: str) -> dict[str, int]:
        table = self._tables.balances
        asked = sa.select(table.c.unit, (table.c.available - table.c.owed).label("points")).where(
            table.c.account == member
        )
        return {row.unit: row.points for row in connection.execute(asked.order_by(table.c.unit))}

    def _rows(self, connection: sa.Connection) -> Iterator[Any]:
        """The rows of all accounts, in the order of their ids."""
        last = ""
        while rows := self._some_rows(connection, last):
            yield from rows
            last = rows[-1].member

    def _some_rows(
        self, connection: sa.Connection, after: str, due: datetime | None = None, program: tuple[str, int] | None = None
    ) -> list[Any]:
        table = self._tables.accounts
        asked = sa.select(table).where(table.c.member > after)
        if program is not None:
            asked = asked.where(table.c.program == program[0])
        if due is not None:
            stale = sa.false() if program is None else table.c.revision != program[1]
            asked = asked.where((table.c.due <= due) | stale)
        return list(connection.execute(asked.order_by(table.c.member).limit(BATCH)))

    def entries(self, member: str, *, since: When | None = None) -> tuple[Entry, ...]:
        """The entries of a member, all of them or those posted from a moment on."""
        table = self._tables.entries
        asked = sa.select(table.c.data).where(table.c.account == _member(member)).order_by(table.c.seq)
        with self._reading() as connection:
            if since is not None:
                row = self._statements.account(connection, member, locked=False)
                if row is None:
                    return ()
                asked = asked.where(table.c.posted >= _instant(since, self._programs.zone(connection, row.program)))
            return tuple(map(from_json, connection.execute(asked).scalars()))

    def expiring(self, *, within: timedelta | int, at: When | None = None) -> tuple[Expiring, ...]:
        """The points that lapse within a time (a number is days) from *at*, by member.

        Without *at* it is from now, by the store's clock.
        """
        length = _length(within, "within")
        now = self._clock() if at is None else at
        found: dict[tuple[str, str, date], int] = {}
        with self._reading() as connection:
            for row in self._rows(connection):
                program = self._programs.named(connection, row.program)
                begin = _instant(now, program.zone.key)
                # a last day is over when the next one begins
                far = row.due is None or row.due > begin + length + timedelta(days=1)
                if far and row.revision == self._registered(program):
                    continue
                last = (begin + length).astimezone(program.zone).date()
                with self._seen(connection, row, program) as account:
                    lots = [(unit, account.lots(unit, at=begin)) for unit in program.version(begin).points]
                for unit, lot in ((unit, lot) for unit, some in lots for lot in some):
                    if lot.expires_on is not None and lot.expires_on <= last:
                        key = (row.member, unit, lot.expires_on)
                        found[key] = found.get(key, 0) + lot.points
        return tuple(Expiring(member, unit, points, on) for (member, unit, on), points in sorted(found.items()))

    # Time -------------------------------------------------------------------------------------------------------------

    def advance_all(
        self,
        program: AnyProgram,
        *,
        to: When,
        notice: timedelta | int = MONTH,
        progress: Callable[[int, int], object] | None = None,
    ) -> int:
        """Advance every account of a program in which something falls due up to then, and say how many there were.

        Points become available and lapse, holds time out and free what they had of a stock, tiers are reviewed; who
        loses points or a tier within *notice* (a number is days) is told so in the outbox. It goes in transactions of
        100 accounts, each followed by `progress(done, of_how_many)`; stopped, by an exception of that too, it goes on
        from there when it is called again.
        """
        revision = self._registered(program)
        instant, warn = _instant(to, program.zone.key), _length(notice, "notice")
        key = (program.name, revision)
        total = self._count_due(key, instant + warn) if progress is not None else 0
        done, last = 0, ""
        while True:
            with self._reading() as connection:
                rows = self._some_rows(connection, last, instant + warn, key)
            if not rows:
                return done
            members = tuple(row.member for row in rows)
            self._advance(members, program, revision, instant, warn)
            done, last = done + len(members), members[-1]
            if progress is not None:
                progress(done, max(done, total))

    def _count_due(self, program: tuple[str, int], due: datetime) -> int:
        table = self._tables.accounts
        asked = sa.select(sa.func.count()).where(
            table.c.program == program[0], (table.c.due <= due) | (table.c.revision != program[1])
        )
        with self._reading() as connection:
            return int(connection.execute(asked).scalar_one())

    def _advance(
        self, members: tuple[str, ...], program: AnyProgram, revision: int, to: datetime, notice: timedelta
    ) -> None:
        def lock(connection: sa.Connection) -> list[AccountRow]:
            return [self._lock(connection, member, program, revision) for member in sorted(members)]

        with self._database.writing(lock) as (connection, rows):
            shared, near = SharedCounts(self._database, connection, self._statements, program), News(self._statements)
            opened = [self._open(connection, row, program, shared) for row in rows]
            for one in opened:
                if not one.account._ledger.closed:
                    one.account.advance(to)
                near.of_what_is_near(one, to, notice)
            kept = self._write(connection, opened, revision, shared)
            near.write(connection)
            for one in opened:
                one.leave()
        self._keep(opened, kept)

    # What others are told ---------------------------------------------------------------------------------------------

    def events(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """What others are told, past the event of that number and at most so many.

        Each is given its number when it is first read, so that none comes in below one that was read before.
        """
        self._check_ready()
        with self._database.writing(lambda connection: _outbox.lock(connection, self._tables)) as (connection, _):
            _outbox.number(connection, self._tables)
            return _outbox.read(connection, self._tables, after, limit)

    def drop_events(self, *, upto: int) -> int:
        """Drop the events up to and with that number, once everyone has dealt with them, and say how many.

        A warning of what is still to come stays until then, so that it is not given again. Numbers go on.
        """
        self._check_ready()
        with self._database.writing(lambda connection: _outbox.lock(connection, self._tables)) as (connection, _):
            return _outbox.drop(connection, self._tables, upto)

    # Upkeep -----------------------------------------------------------------------------------------------------------

    def erase(self, member: str, new_id: str = "") -> str:
        """Forget who a member was, and return the id that the account has instead; every number stays as it is.

        Entries are written anew without the old id, the facts of the person and reasons given by hand, here and in the
        accounts that points came from or went to. On SQLite the bytes are gone from the file; on PostgreSQL once the
        tables were vacuumed. Backups are yours to delete.
        """
        return _moving.erase(self, _member(member), _member(new_id or f"erased-{token_hex(8)}"))

    def verify(self, *, report: Callable[[str], object] | None = print) -> tuple[str, ...]:
        """Work every account out anew from its entries, and say what differs: nothing, in a store that is well.

        What is found is returned, and given to *report* line by line.
        """
        found = []
        for difference in _verifying.differences(self):
            found.append(difference)
            if report is not None:
                report(difference)
        return tuple(found)

    def export(self, path: str | Path) -> int:
        """Write all accounts with their entries to a file, and say how many rows: JSON lines, or Parquet to `.parquet`.

        Parquet needs polars, or pyarrow.
        """
        return _moving.export(self, Path(path))

    def import_(self, path: str | Path) -> int:
        """Read accounts from a file that `export` wrote, and say how many; those that are there already are refused."""
        return _moving.import_(self, Path(path))


def _the_only(accounts: list[Account]) -> Account:
    [account] = accounts
    return account


def _member(member: Any) -> str:
    if not isinstance(member, str) or not member:
        raise RuleError(f"member: {member!r} is no id; give text that is not empty")
    _tables.check_id(member, "member")
    return member


def _instant(at: When, where: str) -> datetime:
    return in_zone(in_zone(moment(at), zone(where)), UTC)


def _length(value: timedelta | int, what: str) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RuleError(f"{what}: {value!r} is no length of time; give days, or a timedelta")
    return timedelta(days=value)
