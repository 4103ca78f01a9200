"""What is seldom done to a store: work everything out anew, move it elsewhere, forget a member."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve
import sqlalchemy as sa

from loyaltycore import _opened
from loyaltycore._database import StoreError
from loyaltycore._exact import FrozenMap
from loyaltycore._opened import Opened, SharedCounts
from loyaltycore._reading import Object
from loyaltycore._tables import WHERE
from loyaltycore.account import Account
from loyaltycore.entries import Entry
from loyaltycore.errors import DataError, LoyaltyError, MissingExtra, RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.serialize import from_data, to_json

if TYPE_CHECKING:
    from loyaltycore.store import Store

IN: Final = ("earned", "adjusted_up", "transferred_in", "converted_in", "reinstated", "owed", "repaid")
OUT: Final = (
    "available", "pending", "held", "spent", "lapsed", "reversed", "repaid",
    "adjusted_down", "transferred_out", "converted_out",
)  # fmt: skip
"""What came in is there or went: the totals of an account on both sides."""


_YEARS: Final = timedelta(days=10 * 365)


# Verify ---------------------------------------------------------------------------------------------------------------


def differences(store: Store) -> Iterator[str]:
    """What is not as the entries tell it."""
    counted: dict[tuple[str, str], dict[Any, int]] = {}
    with store._reading() as connection:
        for row in store._rows(connection):
            program = store._program(connection, row.program)
            try:
                account = yield from _of_account(store, connection, row, program)
            except LoyaltyError as error:
                yield f"{row.member}: it cannot be read: {error}"
                continue
            ledger = account._ledger
            for key in ledger.by_all:
                counts = counted.setdefault((row.program, key.name), {})
                counts[key] = counts.get(key, 0) + ledger.counted.get(key, 0)
        yield from _of_counters(store, connection, counted)


def _of_account(
    store: Store, connection: sa.Connection, row: Any, program: AnyProgram
) -> Generator[str, None, Account]:
    """The differences of one account, and the account by its entries."""
    member = row.member
    opened = store._seen(connection, row, program)
    entries = _opened.entries_of(connection, store._statements, member)
    if [entry.seq for entry in entries] != list(range(1, row.length + 1)):
        yield f"{member}: it has {row.length} entries, and these are there: {[entry.seq for entry in entries][:20]}"
    anew = program.account(member, joined=opened.loaded.joined, facts=opened.loaded.facts, entries=entries)
    yield from _of_rows(store, connection, member, entries)
    yield from _of_balances(store, connection, anew)
    last = anew._ledger.posted
    if last is None:
        return anew
    if row.posted != last:
        yield f"{member}: its last entry was posted at {last}, and the account says {row.posted}"
    there = opened.account
    for unit in anew._ledger.books:
        one, other = dict(anew.totals(unit, at=last)), dict(there.totals(unit, at=last))
        if one != other:
            yield f"{member}: {unit!r} is {one} by the entries, and {other} by the snapshot"
        if anew.lots(unit, at=last) != there.lots(unit, at=last):
            yield f"{member}: the lots of {unit!r} are others by the entries than by the snapshot"
        came, went = sum(one[name] for name in IN), sum(one[name] for name in OUT)
        if came != went:
            yield f"{member}: of {unit!r} {came} came in, and {went} are there or went"
    if row.revision == store._registered(program):
        yield from _before_due(anew, row.due)
    return anew


def _before_due(account: Account, due: datetime | None) -> Iterator[str]:
    """What happens before the moment at which the account is looked at next: nothing, if that is right."""
    last = account._ledger.posted or datetime.min.replace(tzinfo=UTC)
    until = last + _YEARS if due is None else due - timedelta.resolution
    length = account._ledger.length
    with account._ledger.upto(until) as ledger:
        if ledger.length > length:
            first = ledger.entries[length - ledger.before]
            yield f"{account.id}: something falls due at {first.at}, and the account says {due}"


def _of_rows(store: Store, connection: sa.Connection, member: str, entries: tuple[Entry, ...]) -> Iterator[str]:
    """The columns beside the data of each entry."""
    table = store._tables.entries
    columns = [column for column in table.c if column.name not in {"data", "part"}]
    asked = sa.select(*columns).where(table.c.account == member).order_by(table.c.seq)
    for row, entry in zip(connection.execute(asked), entries, strict=True):
        kept = (row.seq, row.id or "", row.kind, row.source or "", row.at, row.posted, row.unit, row.points)
        told = (
            entry.seq, entry.id, entry.kind, entry.source, entry.at, entry.posted, entry.unit, entry.points
        )  # fmt: skip
        if kept != told:
            yield f"{member}: the row of entry {entry.seq} has {kept}, and its data {told}"


def _of_balances(store: Store, connection: sa.Connection, account: Account) -> Iterator[str]:
    table = store._tables.balances
    rows = connection.execute(sa.select(table).where(table.c.account == account.id)).mappings()
    kept = {row["unit"]: {name: row[name] for name in WHERE} for row in rows}
    told = {row["unit"]: {name: row[name] for name in WHERE} for row in _opened.balances_of(account)}
    for unit in sorted({*kept, *told}):
        nothing = dict.fromkeys(WHERE, 0)
        one, other = told.get(unit, nothing), kept.get(unit, nothing)
        if one != other:
            yield f"{account.id}: {unit!r} is {one} by the entries, and {other} in the table of balances"


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


# Erase ----------------------------------------------------------------------------------------------------------------


def erase(store: Store, old: str, new: str) -> str:
    """See `Store.erase`."""
    tables = store._tables
    others: tuple[str, ...] = ()

    def lock(connection: sa.Connection) -> dict[str, Any]:
        table = tables.entries
        asked = sa.select(table.c.account).where(table.c.source == old, table.c.account != old).distinct()
        rows: dict[str, Any] = {}
        for member in sorted({old, *connection.execute(asked).scalars()}):
            row = connection.execute(store._statements.locked_row, {"of": member}).first()
            if row is not None:
                rows[member] = row
        if old not in rows:
            raise RuleError(f"{old}: there is no such account to erase")
        if _opened.row_of(connection, store._statements, new) is not None:
            raise RuleError(f"{new}: there is an account of that id; give another new_id")
        return rows

    store._check_ready()
    with store._database.writing(lock) as (connection, rows):
        others = tuple(member for member in rows if member != old)
        program = store._program(connection, rows[old].program)
        loaded = _opened.read(connection, store._statements, rows[old], program, store._cache)
        account = program.account(
            old, joined=loaded.joined, entries=_opened.entries_of(connection, store._statements, old)
        )
        account.erase(new)
        connection.execute(sa.update(tables.accounts).where(tables.accounts.c.member == old).values(member=new))
        _rewrite(store, connection, new, rows[old], account.entries, facts="{}")
        for member in others:
            entries = _opened.entries_of(connection, store._statements, member)
            _rewrite(store, connection, member, rows[member], [_renamed(entry, old, new) for entry in entries])
    store._cache.clear()
    store._database.wipe()
    return new


def _rewrite(
    store: Store, connection: sa.Connection, member: str, row: Any, entries: Iterable[Entry], **more: Any
) -> None:
    """Put entries in the place of those that were there; snapshots begin anew."""
    table, accounts = store._tables.entries, store._tables.accounts
    mine = (table.c.account == member) & (table.c.seq == sa.bindparam("of"))
    rows = [{"of": entry.seq, "said": entry.source or None, "now": to_json(entry)} for entry in entries]
    if rows:
        put = sa.update(table).where(mine).values(source=sa.bindparam("said"), data=sa.bindparam("now"))
        connection.execute(put, rows)
    lots = store._tables.lots
    connection.execute(sa.delete(lots).where(lots.c.account == member))
    values = {"version": row.version + 1, "covered": 0, "snapshot": None, **more}
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
        program = store._program(connection, about["program"])
        if _opened.row_of(connection, store._statements, member) is not None:
            raise StoreError(f"{member}: it is there already; import into a store that does not have it")
    revision = store._registered(program)
    with store._database.writing(lambda c: store._lock(c, member, program, revision)) as (connection, row):
        loaded = _opened.read(connection, store._statements, row, program, store._cache)
        shared = SharedCounts(connection, store._statements, program)
        opened = Opened(
            connection, store._statements, member, program, loaded=loaded, shared=shared, reading=store._reading
        )
        opened.account = program.account(
            member, joined=about["joined"], facts=facts, entries=entries, look_up=opened._archive
        )
        for key in opened.account._ledger.by_all:
            shared[key] = shared.get(key, 0) + opened.account._ledger.counted.get(key, 0)
        kept = _opened.write(connection, store._statements, opened, revision, guarded=True)
        shared.write()
    if kept is not None:
        store._cache.put(member, kept)


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
