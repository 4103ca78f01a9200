"""Accounts as a whole: forget who a member was, write all of them to a file, and read them from one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve
import sqlalchemy as sa

from loyaltycore import _loaded
from loyaltycore._database import StoreError
from loyaltycore._exact import FrozenMap
from loyaltycore._opened import Opened, SharedCounts
from loyaltycore._reading import Object
from loyaltycore._statements import AccountRow
from loyaltycore._written import write
from loyaltycore.entries import Entry
from loyaltycore.errors import DataError, MissingExtra, RuleError
from loyaltycore.serialize import from_data, to_json

if TYPE_CHECKING:
    from loyaltycore.store import Store

# Erase ----------------------------------------------------------------------------------------------------------------


def erase(store: Store, old: str, new: str) -> str:
    """See `Store.erase`."""
    tables = store._tables
    others: tuple[str, ...] = ()

    def lock(connection: sa.Connection) -> dict[str, AccountRow]:
        table = tables.entries
        asked = sa.select(table.c.account).where(table.c.source == old, table.c.account != old).distinct()
        rows: dict[str, AccountRow] = {}
        for member in sorted({old, *connection.execute(asked).scalars()}):
            row = store._statements.account(connection, member, locked=True)
            if row is not None:
                rows[member] = row
        if old not in rows:
            raise RuleError(f"{old}: there is no such account to erase")
        if store._statements.account(connection, new, locked=False) is not None:
            raise RuleError(f"{new}: there is an account of that id; give another new_id")
        return rows

    store._check_ready()
    with store._database.writing(lock) as (connection, rows):
        others = tuple(member for member in rows if member != old)
        program = store._programs.named(connection, rows[old].program)
        loaded = _loaded.read(connection, store._statements, rows[old], program, store._cache)
        account = program.account(
            old, joined=loaded.joined, entries=_loaded.entries_of(connection, store._statements, old)
        )
        account.erase(new)
        connection.execute(sa.update(tables.accounts).where(tables.accounts.c.member == old).values(member=new))
        _rewrite(store, connection, new, rows[old], account.entries, facts="{}")
        for member in others:
            entries = _loaded.entries_of(connection, store._statements, member)
            _rewrite(store, connection, member, rows[member], [_renamed(entry, old, new) for entry in entries])
    store._cache.clear()
    store._database.wipe()
    return new


def _rewrite(
    store: Store, connection: sa.Connection, member: str, row: AccountRow, entries: Iterable[Entry], **more: Any
) -> None:
    """Put entries in the place of those that were there; snapshots begin anew."""
    table, accounts = store._tables.entries, store._tables.accounts
    mine = (table.c.account == member) & (table.c.seq == sa.bindparam("of"))
    rows = [{"of": entry.seq, "said": entry.source or None, "now": to_json(entry)} for entry in entries]
    if rows:
        put = sa.update(table).where(mine).values(source=sa.bindparam("said"), data=sa.bindparam("now"))
        connection.execute(put, rows)
    for beside in (store._tables.snapshots, store._tables.lots):
        connection.execute(sa.delete(beside).where(beside.c.account == member))
    values = {"version": row.version + 1, "covered": 0, **more}
    connection.execute(sa.update(accounts).where(accounts.c.member == member).values(**values))


def _renamed(entry: Entry, old: str, new: str) -> Entry:
    """An entry of another account, which points came from or went to."""
    if entry.source != old:
        return entry
    data = dict(entry.data)
    if "call" in data:
        data["call"] = FrozenMap({name: new if said == old else said for name, said in data["call"].items()})
    why = entry._why
    if isinstance(why, tuple):
        why = tuple(new if part == old else part for part in why)
    elif isinstance(why, str):
        why = " ".join(new if part == old else part for part in why.split(" "))
    return evolve(entry, source=new, reason=why, data=FrozenMap(data))


# Export and import ----------------------------------------------------------------------------------------------------

_COLUMNS: Final = ("what", "account", "seq", "data")


def export(store: Store, path: Path) -> int:
    """See `Store.export`."""
    with store._reading() as connection:
        rows = _exported(store, connection)
        if path.suffix == ".parquet":
            return _write_parquet(path, list(rows))
        with path.open("w", encoding="utf-8", newline="\n") as file:
            return sum(1 for row in rows if file.write(json.dumps(row, ensure_ascii=False) + "\n"))


def _exported(store: Store, connection: sa.Connection) -> Iterator[dict[str, Any]]:
    tables = store._tables
    programs = sa.select(tables.programs).order_by(tables.programs.c.name)
    for row in connection.execute(programs):
        data = None if row.data is None else json.loads(row.data)
        yield {"what": "program", "account": row.name, "seq": 0, "data": data}
    for row in store._rows(connection):
        about = {
            "program": row.program, "joined": None if row.joined is None else row.joined.isoformat(),
            "facts": json.loads(row.facts),
        }  # fmt: skip
        yield {"what": "account", "account": row.member, "seq": 0, "data": about}
        table = tables.entries
        asked = sa.select(table.c.seq, table.c.data).where(table.c.account == row.member).order_by(table.c.seq)
        for seq, data in connection.execute(asked):
            yield {"what": "entry", "account": row.member, "seq": seq, "data": json.loads(data)}


def import_(store: Store, path: Path) -> int:
    """See `Store.import_`."""
    store._check_ready()
    n = 0
    rows = _read_parquet(path) if path.suffix == ".parquet" else _read_lines(path)
    for group in _by_account(rows):
        if group[0]["what"] == "program":
            _import_program(store, group[0])
        else:
            _import_account(store, group)
            n += 1
    return n


def _import_program(store: Store, row: dict[str, Any]) -> None:
    """Make a program known; one that is known already stays as it is here."""
    if row["account"] in store._programs or row["data"] is None:
        return
    with store._reading() as connection:
        table = store._tables.programs
        known = connection.execute(sa.select(table.c.name).where(table.c.name == row["account"])).first()
    if known is None:
        store._registered(from_data(row["data"]))


def _by_account(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        if row["what"] != "entry" and found:
            yield found
            found = []
        if row["what"] == "entry" and (not found or found[0]["what"] != "account"):
            raise DataError("an entry stands alone; an account comes before its entries", "$")
        found.append(row)
    if found:
        yield found


def _import_account(store: Store, rows: list[dict[str, Any]]) -> None:
    head, *rest = rows
    member, about = head["account"], head["data"]
    if any(row["account"] != member for row in rest):
        raise DataError(f"an entry of another account stands among those of {member!r}")
    entries = tuple(from_data(row["data"]) for row in rest)
    facts = from_data(about["facts"]).facts if about["facts"] else {}
    with store._reading() as connection:
        program = store._programs.named(connection, about["program"])
        if store._statements.account(connection, member, locked=False) is not None:
            raise StoreError(f"{member}: it is there already; import into a store that does not have it")
    revision = store._registered(program)
    with store._database.writing(lambda c: store._lock(c, member, program, revision)) as (connection, row):
        loaded = _loaded.read(connection, store._statements, row, program, store._cache)
        shared = SharedCounts(store._database, connection, store._statements, program)
        opened = Opened(
            connection, store._statements, member, program, loaded=loaded, shared=shared, reading=store._reading
        )
        opened.account = program.account(
            member, joined=about["joined"], facts=facts, entries=entries, look_up=opened.account._look_up
        )
        for key in opened.account._ledger.by_all:
            shared[key] = shared.get(key, 0) + opened.account._ledger.counted.get(key, 0)
        done = write(connection, store._statements, opened, revision, guarded=True)
        shared.write()
        if done is not None:
            done.check()
        # where it comes from all of this was told
        accounts = store._tables.accounts
        connection.execute(sa.update(accounts).where(accounts.c.member == member).values(silent=len(entries)))


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for n, line in enumerate(file, start=1):
            try:
                row = json.loads(line, object_pairs_hook=Object)
            except ValueError as error:
                raise DataError(f"this is no JSON: {error}", f"{path.name}:{n}") from error
            if not isinstance(row, dict) or set(row) != set(_COLUMNS):
                raise DataError(f"a row has {', '.join(_COLUMNS)}", f"{path.name}:{n}")
            yield row


def _write_parquet(path: Path, rows: list[dict[str, Any]]) -> int:
    columns = {name: [row[name] for row in rows] for name in _COLUMNS[:-1]}
    columns["data"] = [json.dumps(row["data"], ensure_ascii=False) for row in rows]
    _polars("export").DataFrame(columns).write_parquet(path)
    return len(rows)


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    for row in _polars("import_").read_parquet(path).iter_rows(named=True):
        yield {**row, "data": json.loads(row["data"], object_pairs_hook=Object)}


def _polars(what: str) -> Any:
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtra("frames", "polars", f"Store.{what}() of Parquet") from error
    return pl
