"""What is asked of the database each time an account is opened and left, as text that was made once.

SQLAlchemy writes the text, for its kind of database, and the driver is given it with the values: to have it looked at
anew takes longer than the database needs. All values are bound; no SQL is ever put together from data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from loyaltycore._calendar import UTC_TEXTS, utc_texts
from loyaltycore._database import driver
from loyaltycore._tables import WHERE, Tables

ENTRY: Final = ("account", "seq", "id", "part", "kind", "source", "at", "posted", "unit", "points", "data")
BALANCE: Final = ("account", "unit", *WHERE)
LOT: Final = ("account", "lot", "used_up", "data")
EVENT: Final = ("account", "kind", "subject", "seq", "at", "until", "data")
"""The columns of rows that are written, in the order in which their values are given."""


class AccountRow(NamedTuple):
    """The row of an account."""

    member: str
    program: str
    joined: date | None
    facts: str
    version: int
    length: int
    posted: datetime | None
    due: datetime | None
    revision: int
    rewards: str
    covered: int


class Statement:
    """A statement as its driver wants it, and the names of its values in order."""

    def __init__(self, statement: Any, dialect: sa.Dialect, columns: Sequence[str] | None = None) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self.text = str(compiled)
        self.names: tuple[str, ...] = tuple(compiled.positiontup)
        self._fixed = {} if columns else {name: value for name, value in compiled.params.items() if value is not None}
        if columns and self.names != tuple(columns):
            raise AssertionError(f"{self.names} are not the columns {columns}")

    def run(self, connection: sa.Connection, values: dict[str, Any]) -> Any:
        """Run it with these values, and return the cursor."""
        given = {**self._fixed, **values}
        return driver(connection).execute(self.text, [given[name] for name in self.names])

    def run_for_each(self, connection: sa.Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Run it with the values of each row, which stand in the order of the names."""
        driver(connection).cursor().executemany(self.text, rows)


class Statements:
    """The statements of one store, for its kind of database."""

    def __init__(self, tables: Tables, *, on_sqlite: bool) -> None:
        self._on_sqlite = on_sqlite
        self._dialect: Any = (sqlite.dialect if on_sqlite else postgresql.psycopg.dialect)(
            paramstyle="qmark" if on_sqlite else "format"
        )
        make = self._made
        accounts, entries, counters = tables.accounts, tables.entries, tables.counters
        member = accounts.c.member == sa.bindparam("of")

        row = sa.select(*(accounts.c[name] for name in AccountRow._fields)).where(member)
        self._row = make(row)
        self._locked_row = make(row.with_for_update())
        new = {"facts": "{}", "version": 0, "length": 0, "rewards": "[]", "covered": 0, "silent": 0}
        self.new_row = make(
            self.insert(accounts).values({**_bound("member", "program", "revision"), **new}).on_conflict_do_nothing()
        )
        self.drop_row = make(sa.delete(accounts).where(member))
        self.covered = make(sa.select(accounts.c.covered).where(member))
        changed = _bound("length", "posted", "due", "rewards", "revision", "covered")
        put_row = sa.update(accounts).where(member).values({**changed, "version": sa.bindparam("next")})
        self.put_row = make(put_row)
        self.put_row_guarded = make(put_row.where(accounts.c.version == sa.bindparam("before")))
        self.put_person = make(sa.update(accounts).where(member).values(_bound("joined", "facts")))

        snapshots = self.insert(tables.snapshots)
        self.snapshot = make(sa.select(tables.snapshots.c.data).where(tables.snapshots.c.account == sa.bindparam("of")))
        self.put_snapshot = make(
            snapshots.values(_bound("account", "data")).on_conflict_do_update(
                index_elements=["account"], set_={"data": snapshots.excluded["data"]}
            )
        )

        mine = entries.c.account == sa.bindparam("of")
        data = sa.select(entries.c.data).order_by(entries.c.seq).where(mine)
        self.tail = make(data.where(entries.c.seq > sa.bindparam("after")))
        name: sa.BindParameter[str] = sa.bindparam("about")
        # with OR, or in an order, SQLite goes through all entries of the account; whoever asks sorts the few there are
        by_name = [
            sa.select(entries.c.seq, entries.c.data).where(mine, column == name)
            for column in (entries.c.id, entries.c.source)
        ]
        self.about = make(sa.union(*by_name))
        self.names = make(sa.select(entries.c.id, entries.c.source).where(mine, entries.c.seq <= sa.bindparam("upto")))
        self.put_entries = make(sa.insert(entries), ENTRY)

        balances = self.insert(tables.balances)
        self.put_balances = make(
            balances.on_conflict_do_update(
                index_elements=["account", "unit"], set_={name: balances.excluded[name] for name in WHERE}
            ),
            BALANCE,
        )

        mine = tables.lots.c.account == sa.bindparam("of")
        lot = sa.select(tables.lots.c.lot, tables.lots.c.data).where(mine)
        self.lot = make(lot.where(tables.lots.c.lot == sa.bindparam("number")))
        self.lots_left = make(lot.where(sa.not_(tables.lots.c.used_up)).order_by(tables.lots.c.lot))
        lots = self.insert(tables.lots)
        self.put_lots = make(
            lots.on_conflict_do_update(
                index_elements=["account", "lot"], set_={name: lots.excluded[name] for name in ("used_up", "data")}
            ),
            LOT,
        )

        reward = (counters.c.program == sa.bindparam("of")) & (counters.c.reward == sa.bindparam("what"))
        self.counts = make(sa.select(counters.c.counts).where(reward).with_for_update())
        self.new_counts = make(
            self.insert(counters).values({**_bound("program", "reward"), "counts": "[]"}).on_conflict_do_nothing()
        )
        self.put_counts = make(sa.update(counters).where(reward).values(_bound("counts")))

        self.tell = make(self.insert(tables.events).inline().on_conflict_do_nothing(), EVENT)

    def _made(self, statement: Any, columns: Sequence[str] | None = None) -> Statement:
        return Statement(statement, self._dialect, columns)

    def insert(self, table: sa.Table) -> Any:
        """An insert that can say what to do where the row is there."""
        return (sqlite if self._on_sqlite else postgresql).insert(table)

    # Moments: `timestamptz` on PostgreSQL, on SQLite text as `Instant` writes it -----------------------------------

    def instant(self, at: datetime | None) -> Any:
        """A moment as the driver wants it."""
        if at is None or not self._on_sqlite:
            return at
        known = UTC_TEXTS.get(id(at))
        if known is None or known[0] is not at:
            known = utc_texts(at if at.tzinfo is UTC else at.astimezone(UTC))
        return known[2]

    def day(self, day: date | None) -> Any:
        """A day as the driver wants it."""
        return day.isoformat() if day is not None and self._on_sqlite else day

    def account(self, connection: sa.Connection, member: str, *, locked: bool) -> AccountRow | None:
        """The row of an account, if there is one."""
        found = (self._locked_row if locked else self._row).run(connection, {"of": member}).fetchone()
        if found is None:
            return None
        of, program, joined, facts, version, length, posted, due, *rest = found
        joined = date.fromisoformat(joined) if isinstance(joined, str) else joined
        return AccountRow(of, program, joined, facts, version, length, _read_instant(posted), _read_instant(due), *rest)


def _read_instant(value: Any) -> datetime | None:
    if value is None:
        return None
    at: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _bound(*names: str) -> dict[str, Any]:
    """Columns with values of the same names."""
    return {name: sa.bindparam(name) for name in names}
