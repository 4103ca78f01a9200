"""Connections to the database of a store: transactions that lock, and errors that say what to do.

A transaction that writes takes its lock before it reads. SQLite has one lock for all (`BEGIN IMMEDIATE`); on
PostgreSQL what is read is locked row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
import os
import sqlite3
from threading import RLock, local
from time import monotonic, sleep
from typing import Any, Final, NoReturn, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from loyaltycore.errors import LoyaltyError, RuleError

R = TypeVar("R")


class StoreError(LoyaltyError):
    """What a store cannot do, with the remedy."""


class StoreBusy(StoreError, TimeoutError):
    """Others held the lock for too long, or changed the same account first; nothing was written, so try again."""


class StoreFull(StoreError, OSError):
    """The disk, or the room that the database may take, is full; nothing was written."""


class StoreLost(StoreError, ConnectionError):
    """The connection was lost. Whether a call on its way was written is not known; make it again with the same id."""


_SQLITE: Final = {"pysqlite"}
_POSTGRES: Final = {"psycopg"}

_SYNCHRONOUS: Final = {"FULL": "PRAGMA synchronous=FULL", "NORMAL": "PRAGMA synchronous=NORMAL"}

_BUSY_STATES: Final = {"55P03", "40P01", "40001", "57014", "42P07"}
"""What PostgreSQL says where a lock was not to be had, two transactions waited for each other, or made one table."""

_FULL_STATES: Final = {"53100"}

_OUT_OF_RANGE: Final = "22003"
_TOO_LARGE: Final = "a number of points is too large for the database; keep below 2**63"

_MOST_IDLE: Final = 5

_NOTHING_MORE: Final = nullcontext()

_PAUSE: Final = 0.01
"""Seconds before a lock is asked for again."""


class Database:
    """The database of one store, used from any thread and process."""

    def __init__(self, url: str, *, timeout: float, synchronous: str) -> None:
        try:
            self.url = sa.make_url(url)
            name = self.url.get_driver_name()
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, AttributeError, TypeError) as error:
            raise _unknown(url) from error
        self.on_sqlite = name in _SQLITE
        if not self.on_sqlite and name not in _POSTGRES:
            raise _unknown(url)
        if synchronous not in _SYNCHRONOUS:
            raise RuleError(f"synchronous: {synchronous!r} is not known; give 'FULL' or 'NORMAL'")
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 <= timeout <= 10**6:
            raise RuleError(f"timeout: {timeout!r} is no number of seconds; give 0 or more")
        self.timeout = timeout
        self.in_memory = self.on_sqlite and self.url.database in (None, "", ":memory:")
        self.locking = True
        """Only tests that show what locks are for switch them off."""
        self._alone = RLock()
        self._here = local()
        self._synchronous = synchronous
        self._process = os.getpid()
        self._engine = self._connected()
        self._idle: list[sa.Connection] = []
        """Connections of SQLite that the next transaction takes: the pool takes longer than an empty one."""
        self._of_others: list[sa.Connection] = []
        """Those of the process that this one was forked from, which are not to be closed here."""
        self.driver_error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        self._pipelines = not self.on_sqlite and self._engine.dialect.loaded_dbapi.Pipeline.is_supported()

    def _connected(self) -> sa.Engine:
        more: dict[str, Any] = {}
        if self.on_sqlite:
            more["connect_args"] = {"timeout": self.timeout, "check_same_thread": False}
        if self.in_memory:
            more["poolclass"] = StaticPool
        engine = sa.create_engine(self.url, **more)
        sa.event.listen(engine, "connect", self._prepare)
        if self.on_sqlite:
            sa.event.listen(engine, "begin", self._begin)
        return engine

    def _prepare(self, connection: Any, _: Any) -> None:
        if not self.on_sqlite:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", (f"{int(self.timeout * 1000) or 1}ms",))
            connection.commit()
            return
        connection.isolation_level = None  # the driver must not begin transactions of its own
        if not self.in_memory:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(_SYNCHRONOUS[self._synchronous])
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # so that what is erased is gone from the file

    def _begin(self, connection: sa.Connection) -> None:
        if self.locking and not driver(connection).in_transaction:
            driver(connection).execute("BEGIN")

    # Transactions -----------------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the database."""
        within: sa.Connection | None = getattr(self._here, "writes", None)
        if self.in_memory and within is not None:
            yield within  # there is no other connection to ask
            return
        # on SQLite each transaction sees one state anyway
        one_state = {} if self.on_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._mine(), self._translated() as lost:
            connection = self._connect().execution_options(**one_state)
            lost.connection = connection
            try:
                with connection.begin():
                    yield connection
            finally:
                self._put_by(connection)

    @contextmanager
    def writing(self, lock: Callable[[sa.Connection], R]) -> Iterator[tuple[sa.Connection, R]]:
        """A transaction that begins with *lock*, which is tried again until it has its locks or the time is up.

        It is committed at the end, and rolled back at an exception. The driver begins and ends it: the detour through
        SQLAlchemy, which joins it when it is asked anything, takes as long as the statements of a small block.
        """
        if getattr(self._here, "writes", None) is not None:
            raise RuleError("one block of a store is within another; open all accounts at once, by store.accounts(...)")
        with self._mine():
            connection, locked = self._locked(lock)
            self._here.writes = connection
            try:
                with self._translated(connection):
                    yield connection, locked
                with self._translated(connection, committing=True):
                    self._commit(connection)
            except BaseException:
                self._give_up(connection)
                raise
            finally:
                self._here.writes = None
                with self._translated():
                    self._put_by(connection)

    def _locked(self, lock: Callable[[sa.Connection], R]) -> tuple[sa.Connection, R]:
        until = monotonic() + self.timeout
        while True:
            try:
                with self._translated():
                    connection = self._connect()
                try:
                    with self._translated(connection):
                        if self.on_sqlite and self.locking:
                            driver(connection).execute("BEGIN IMMEDIATE")
                        return connection, lock(connection)
                except BaseException:
                    self._give_up(connection)
                    with self._translated():
                        self._put_by(connection)
                    raise
            except (StoreBusy, StoreLost):
                if monotonic() >= until:
                    raise
                sleep(_PAUSE)

    def check_begun(self, connection: sa.Connection) -> None:
        """Raise if SQLite has taken the transaction back by itself, as where there is no room, and nobody has noticed.

        What is written after that would be there at once.
        """
        if self.on_sqlite and self.locking and not driver(connection).in_transaction:
            raise StoreError(
                "SQLite has taken this transaction back, as it does where there is no room or the disk fails; nothing"
                " was written, make room and try again"
            )

    def _commit(self, connection: sa.Connection) -> None:
        if connection.in_transaction():  # SQLAlchemy has joined it
            connection.commit()
        else:
            driver(connection).commit()

    def _give_up(self, connection: sa.Connection) -> None:
        """Roll back, if there is still anything to roll back on."""
        if connection.closed or connection.invalidated:
            return
        try:
            if connection.in_transaction():
                connection.rollback()
            else:
                driver(connection).rollback()
        except (sa.exc.SQLAlchemyError, self.driver_error):
            connection.invalidate()
            self._engine.dispose()  # those that wait in the pool are lost as well, most likely

    def together(self, connection: sa.Connection) -> AbstractContextManager[Any]:
        """Statements that are sent without waiting for the answer to each; what went wrong is told at the end."""
        if self._pipelines:
            return cast("AbstractContextManager[Any]", driver(connection).pipeline())
        return _NOTHING_MORE

    def _connect(self) -> sa.Connection:
        if os.getpid() != self._process:  # a connection belongs to the process that made it
            self._process = os.getpid()
            self._of_others, self._idle = self._idle, []
            self._engine.dispose(close=False)
        try:
            return self._idle.pop()
        except IndexError:
            return self._engine.connect()

    def _put_by(self, connection: sa.Connection) -> None:
        """Keep a connection for the next one, or give it back."""
        ended = not (connection.closed or connection.invalidated or connection.in_transaction())
        if self.on_sqlite and ended and len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _mine(self) -> AbstractContextManager[None]:
        """The turn of this thread: a database in memory has one connection."""
        return self._turn() if self.in_memory else _NOTHING_MORE

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._alone.acquire(timeout=self.timeout):
            raise StoreBusy(f"the store was in use for {self.timeout:g} seconds; try again")
        try:
            yield
        finally:
            self._alone.release()

    def _translated(self, connection: sa.Connection | None = None, *, committing: bool = False) -> _Translated:
        return _Translated(self, connection, committing=committing)

    def wipe(self) -> None:
        """Let what was erased be gone from SQLite's log, too."""
        if self.on_sqlite and not self.in_memory:
            with self._translated(), self._connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        with self._translated():
            while self._idle:
                self._idle.pop().close()
            self._engine.dispose()


def driver(connection: sa.Connection) -> Any:
    """The driver's own connection, which is asked without a detour where it is asked often."""
    return connection.connection.dbapi_connection


def _unknown(url: object) -> RuleError:
    shown = str(url).partition("://")[0]
    return RuleError(
        f"{shown!r} is no database of a store; write 'sqlite:///points.db', 'sqlite://' or 'postgresql+psycopg://...'"
    )


# Errors ---------------------------------------------------------------------------------------------------------------


class _Translated:
    """What goes wrong in the database, in the words of the store; as a class, as it is entered many times."""

    __slots__ = ("_committing", "_database", "connection")

    def __init__(self, database: Database, connection: sa.Connection | None, *, committing: bool) -> None:
        self._database = database
        self._committing = committing
        self.connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, sa.exc.DBAPIError):
            _translate(error, error.orig, lost=error.connection_invalidated, committing=self._committing)
        elif isinstance(error, self._database.driver_error):
            _translate(error, error, lost=self._lost(error), committing=self._committing)
        elif isinstance(error, OverflowError):
            raise StoreError(_TOO_LARGE) from error

    def _lost(self, error: Any) -> bool:
        connection = self.connection
        if connection is None or connection.closed or connection.invalidated:
            return False
        return bool(connection.dialect.is_disconnect(error, driver(connection), None))


def _translate(error: BaseException, cause: Any, *, lost: bool, committing: bool) -> NoReturn:
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    state = getattr(cause, "sqlstate", None) or ""
    what = str(cause).strip().partition("\n")[0]
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or state in _BUSY_STATES:
        raise StoreBusy(f"others held the lock for too long ({what}); nothing was written, try again") from error
    if code == sqlite3.SQLITE_FULL or state in _FULL_STATES:
        raise StoreFull(f"there is no room left ({what}); nothing was written, make room and try again") from error
    if lost or state.startswith(("08", "57P")):
        known = "whether it was written is not known" if committing else "nothing was written"
        raise StoreLost(f"the connection was lost ({what}); {known}, make the call again with the same id") from error
    if type(cause).__name__ == "IntegrityError" or state.startswith("23"):
        raise StoreBusy(
            f"the same account was changed by others ({what}); nothing was written, try again; if it stays so, look"
            " with store.verify()"
        ) from error
    if state == _OUT_OF_RANGE:
        raise StoreError(_TOO_LARGE) from error
    if "no such table" in what or state == "42P01":
        raise StoreError(f"the tables are not there ({what}); make them with store.create()") from error
    raise StoreError(f"the database refused it: {what}") from error
