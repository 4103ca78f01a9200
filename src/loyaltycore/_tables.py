"""The tables of a store: one schema for SQLite and PostgreSQL, its version, and how older ones are brought up to it.

An entry, a snapshot and a program are kept as their JSON data, which is read strictly; the columns beside it are what
the store searches by, and what people ask in SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
import re
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from loyaltycore.errors import RuleError

VERSION: Final = 1
"""The version of the schema; each later one has a step in `MIGRATIONS`."""

LONGEST: Final = 255
"""Characters of an id: two of them are a key that fits into a page of an index, whatever the script."""

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,30}", re.ASCII)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, elsewhere ISO text of one length, which sorts as the moments do."""

    impl = sa.String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the column."""
        zoned: TypeEngine[Any] = postgresql.TIMESTAMP(timezone=True)
        return dialect.type_descriptor(zoned if dialect.name == "postgresql" else sa.String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To the database."""
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


class Tables:
    """The tables, under a prefix and in a schema of the database."""

    def __init__(self, prefix: str, schema: str | None) -> None:
        for what, name in (("prefix", prefix), ("schema", schema)):
            if name and _NAME.fullmatch(name) is None:
                raise RuleError(
                    f"{what}: {name!r} is no name for tables; write small letters, digits and _, at most 31 of them"
                )
        self.metadata = metadata = sa.MetaData(schema=schema)

        def table(name: str, *parts: Any, **more: Any) -> sa.Table:
            return sa.Table(prefix + name, metadata, *parts, **more)

        def ident(name: str, **more: Any) -> sa.Column[Any]:
            return sa.Column(name, sa.String(LONGEST), **more)

        def check(rule: str, name: str) -> sa.CheckConstraint:
            return sa.CheckConstraint(rule, f"{prefix}{name}_check")

        self.versions = table(
            "versions",
            sa.Column("version", sa.Integer, primary_key=True),
            # the last number that an event was given: events that are dropped must not give theirs back
            sa.Column("numbered", sa.BigInteger, nullable=False),
        )
        self.programs = table(
            "programs",
            ident("name", primary_key=True),
            sa.Column("revision", sa.Integer, nullable=False),
            sa.Column("digest", sa.String(64), nullable=False),
            sa.Column("zone", sa.String(64), nullable=False),
            sa.Column("data", sa.Text),
        )
        self.accounts = table(
            "accounts",
            ident("member", primary_key=True),
            ident("program", nullable=False),
            sa.Column("joined", sa.Date),
            sa.Column("facts", sa.Text, nullable=False),
            sa.Column("version", sa.BigInteger, nullable=False),
            sa.Column("length", sa.BigInteger, nullable=False),
            sa.Column("posted", Instant),
            sa.Column("due", Instant, index=True),
            sa.Column("revision", sa.Integer, nullable=False),
            sa.Column("rewards", sa.Text, nullable=False),
            sa.Column("covered", sa.BigInteger, nullable=False),
            # up to which entry events may be missing, as they were dropped
            sa.Column("silent", sa.BigInteger, nullable=False),
            check("version >= 0 AND covered >= 0 AND covered <= length", "accounts"),
        )
        account = f"{schema}.{prefix}accounts.member" if schema else f"{prefix}accounts.member"

        def member() -> sa.ForeignKey:  # an account that is erased is renamed, and its rows with it
            return sa.ForeignKey(account, onupdate="CASCADE", ondelete="CASCADE")

        self.entries = table(
            "entries",
            sa.Column("account", sa.String(LONGEST), member(), primary_key=True),
            sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
            ident("id"),
            sa.Column("part", sa.Integer, nullable=False),
            sa.Column("kind", sa.String(20), nullable=False),
            ident("source"),
            sa.Column("at", Instant, nullable=False),
            sa.Column("posted", Instant, nullable=False),
            ident("unit", nullable=False),
            sa.Column("points", sa.BigInteger, nullable=False),
            sa.Column("data", sa.Text, nullable=False),
            sa.UniqueConstraint("account", "id", "part", name=f"{prefix}entries_id_once"),
            sa.Index(f"{prefix}entries_source", "account", "source"),
            check("seq > 0", "entries"),
        )
        self.balances = table(
            "balances",
            sa.Column("account", sa.String(LONGEST), member(), primary_key=True),
            ident("unit", primary_key=True),
            *(sa.Column(name, sa.BigInteger, nullable=False) for name in WHERE),
            check(" AND ".join(f"{name} >= 0" for name in WHERE), "balances"),
        )
        self.snapshots = table(  # not in the row of the account, which every block writes
            "snapshots",
            sa.Column("account", sa.String(LONGEST), member(), primary_key=True),
            sa.Column("data", sa.Text, nullable=False),
        )
        self.lots = table(  # as they were at the snapshot
            "lots",
            sa.Column("account", sa.String(LONGEST), member(), primary_key=True),
            sa.Column("lot", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("used_up", sa.Boolean, nullable=False),
            sa.Column("data", sa.Text, nullable=False),
            sqlite_with_rowid=False,
        )
        left = sa.not_(self.lots.c.used_up)
        sa.Index(f"{prefix}lots_left", self.lots.c.account, self.lots.c.lot, sqlite_where=left, postgresql_where=left)
        self.counters = table(
            "counters",
            ident("program", primary_key=True),
            ident("reward", primary_key=True),
            sa.Column("counts", sa.Text, nullable=False),
        )
        self.events = table(
            "events",
            # SQLite numbers rows by itself in an INTEGER only
            sa.Column("row", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
            sa.Column("number", sa.BigInteger, unique=True),
            sa.Column("account", sa.String(LONGEST), member(), nullable=False),
            sa.Column("kind", sa.String(20), nullable=False),
            sa.Column("subject", sa.Text, nullable=False),
            sa.Column("seq", sa.BigInteger),  # of the entry that it tells of
            sa.Column("at", Instant, nullable=False),
            # up to when the same would be told again, if it were not there
            sa.Column("until", Instant),
            sa.Column("data", sa.Text, nullable=False),
            sa.UniqueConstraint("account", "kind", "subject", name=f"{prefix}events_once"),
        )


WHERE: Final = ("available", "pending", "held", "owed")
"""What is kept of each unit beside the entries, so that it can be asked in SQL; none of it is ever below 0."""

MIGRATIONS: Mapping[int, Callable[[sa.Connection, Tables], None]] = {}
"""By version of the schema, the step that leads up to it from the one before."""


def create(connection: sa.Connection, tables: Tables) -> None:
    """Make the tables that are missing, or bring those of an older version up to this one."""
    found = version_of(connection, tables)
    if found is None:
        tables.metadata.create_all(connection)
        connection.execute(sa.insert(tables.versions).values(version=VERSION, numbered=0))
        return
    check_not_newer(found)
    for version in range(found + 1, VERSION + 1):
        MIGRATIONS[version](connection, tables)
    if found < VERSION:
        connection.execute(sa.update(tables.versions).values(version=VERSION))


def version_of(connection: sa.Connection, tables: Tables) -> int | None:
    """The version of the tables that there are."""
    versions = tables.versions
    if not sa.inspect(connection).has_table(versions.name, schema=versions.schema):
        return None
    found = connection.execute(sa.select(sa.func.max(versions.c.version))).scalar()
    return None if found is None else int(found)


def check_not_newer(found: int) -> None:
    """Refuse tables that a later version of the library has made."""
    if found > VERSION:
        raise RuleError(
            f"the store's tables are of version {found} and this library knows up to {VERSION}; update loyaltycore"
        )


def check_id(id: str, what: str) -> None:
    """Refuse what one of the databases would not keep as it is."""
    if id.isprintable() and id.isascii() and len(id) <= LONGEST:
        return  # as most are
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
