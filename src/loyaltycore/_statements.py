"""What is asked of the database each time an account is opened and left, built once: that takes longer than asking.

All values are bound; no SQL is ever put together from data.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from loyaltycore._tables import WHERE, Tables


class Statements:
    """The statements of one store, for its kind of database."""

    def __init__(self, tables: Tables, *, on_sqlite: bool) -> None:
        self._on_sqlite = on_sqlite
        accounts, entries, counters = tables.accounts, tables.entries, tables.counters
        member = accounts.c.member == sa.bindparam("of")

        self.row = sa.select(*(column for column in accounts.c if column.name != "snapshot")).where(member)
        self.locked_row = self.row.with_for_update()
        new = {"facts": "{}", "version": 0, "length": 0, "rewards": "[]", "covered": 0}
        self.new_row = self.insert(accounts).values(new).on_conflict_do_nothing()
        self.drop_row = sa.delete(accounts).where(member)
        self.snapshot = sa.select(accounts.c.snapshot).where(member)
        row = _bound("length", "posted", "due", "rewards", "revision") | {"version": sa.bindparam("next")}
        self.put_row = sa.update(accounts).where(member).values(row)
        self.put_row_guarded = self.put_row.where(accounts.c.version == sa.bindparam("before"))
        self.put_person = sa.update(accounts).where(member).values(_bound("joined", "facts"))
        self.put_snapshot = sa.update(accounts).where(member).values(_bound("snapshot", "covered"))

        mine = entries.c.account == sa.bindparam("of")
        data = sa.select(entries.c.data).order_by(entries.c.seq).where(mine)
        self.tail = data.where(entries.c.seq > sa.bindparam("after"))
        name: sa.BindParameter[str] = sa.bindparam("about")
        self.about = data.where((entries.c.id == name) | (entries.c.source == name))
        self.put_entries = sa.insert(entries)

        balances = self.insert(tables.balances)
        self.put_balances = balances.on_conflict_do_update(
            index_elements=["account", "unit"], set_={name: balances.excluded[name] for name in WHERE}
        )

        used_up = tables.lots
        mine = (used_up.c.account == sa.bindparam("of")) & (used_up.c.lot == sa.bindparam("number"))
        self.lot = sa.select(used_up.c.data).where(mine)
        lots = self.insert(used_up)
        self.put_lots = lots.on_conflict_do_update(
            index_elements=["account", "lot"], set_={"data": lots.excluded["data"]}
        )

        reward = (counters.c.program == sa.bindparam("of")) & (counters.c.reward == sa.bindparam("what"))
        self.counts = sa.select(counters.c.counts).where(reward).with_for_update()
        self.new_counts = self.insert(counters).values(counts="[]").on_conflict_do_nothing()
        self.put_counts = sa.update(counters).where(reward).values(_bound("counts"))

        self.tell = self.insert(tables.events).on_conflict_do_nothing()

    def insert(self, table: sa.Table) -> Any:
        """An insert that can say what to do where the row is there."""
        return (sqlite if self._on_sqlite else postgresql).insert(table)


def _bound(*names: str) -> dict[str, Any]:
    """Columns with values of the same names."""
    return {name: sa.bindparam(name) for name in names}
