"""What a store costs beside a program written by hand for the same rows, with the driver alone, in the same run.

    python benchmarks/store.py [--postgres postgresql+psycopg://...] [--rounds 5] [--seconds 1] [--only SQLite]

One earn a transaction, and 100 earns a transaction, by one client and by four processes at once. By hand is what one
would write for this one program to have the same rows in the same tables under the same keys: a transaction takes its
lock, reads the account with its version, inserts entries and events, adds to the balance, inserts the lots with a new
snapshot as often as the store does, and sets the account's row where its version is still the same; on SQLite under the
same pragmas. It makes the JSON of each row by `json.dumps` and adds up points as whole numbers, but asks no rule, reads
no entries and checks no reward. `inserts` are these statements alone, with texts that were made before, as if they came
from nowhere. Activities are ready when the clock begins, for the store as by hand.

One client does a block of each in turn, several clients alternate by rounds, so that other work on the machine slows
all; ratios are of medians, to the store. Then how long it takes to load an account of 100 entries and one of 10,000,
and to do something in it: where as many lots are left, and where all of them are.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from itertools import count
import json
from multiprocessing import get_context
import sqlite3
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psycopg
import sqlalchemy as sa

from loyaltycore import Account, Activity, After, Item, PerSpend, Points, Program
from loyaltycore.store import Store

club = Program(
    "Club",
    points={"points": Points(PerSpend(1), expiry=After(months=12))},
    rewards={"coffee": Item(10)},
)
MEMBERS = 50
BATCH = 100
CLIENTS = 4
SNAPSHOT = 20
"""Entries after a snapshot, before the store makes another one."""
MOST = 20_000
"""Activities of one member in a run."""
LARGE, SMALL, LEFT = 10_000, 100, 20

_numbers = count()


class ByStore:
    """The library."""

    def __init__(self, url: str, prefix: str, synchronous: str) -> None:
        self.store = Store(url, prefix=prefix, synchronous=synchronous, timeout=60)
        self.given = [Activity.purchase(10, at="2026-01-05", id=f"t-{n}") for n in range(MOST)]
        self.done: Counter[str] = Counter()

    def block(self, member: str, batch: int) -> None:
        """Earn so many times in one transaction."""
        begin = self.done[member]
        self.done[member] = end = begin + batch
        assert end <= MOST
        with self.store.account(member, club) as account:
            for activity in self.given[begin:end]:
                account.earn(activity)

    def close(self) -> None:
        self.store.close()


class ByHand:
    """The same rows with the driver alone."""

    def __init__(
        self, url: str, prefix: str, synchronous: str, rows: dict[str, dict[str, Any]], *, texts: bool
    ) -> None:
        self.on_sqlite = url.startswith("sqlite")
        if self.on_sqlite:
            self.connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60, isolation_level=None)
            for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "secure_delete=ON"):
                self.connection.execute(f"PRAGMA {pragma}")
        else:
            self.connection = psycopg.connect(url.replace("+psycopg", ""))
        self.cursor = self.connection.cursor()
        self.rows, self.texts = rows, texts
        mark = "?" if self.on_sqlite else "%s"

        def insert(table: str) -> str:
            columns = ", ".join(f'"{name}"' for name in rows[table])
            marks = ", ".join([mark] * len(rows[table]))
            return f"INSERT INTO {prefix}{table} ({columns}) VALUES ({marks})"  # noqa: S608 (names of our own)

        self.entry, self.event, self.account = insert("entries"), insert("events"), insert("accounts")
        self.lot = insert("lots")
        self.snapshot = f"{insert('snapshots')} ON CONFLICT (account) DO UPDATE SET data = EXCLUDED.data"
        self.balance = (
            f"{insert('balances')} ON CONFLICT (account, unit)"
            f" DO UPDATE SET available = {prefix}balances.available + EXCLUDED.available"
        )
        lock = "" if self.on_sqlite else " FOR UPDATE"
        columns = "version, length, posted, due, covered"
        self.lock = f"SELECT {columns} FROM {prefix}accounts WHERE member = {mark}{lock}"  # noqa: S608
        put = ", ".join(f"{column} = {mark}" for column in columns.split(", "))
        self.update = f"UPDATE {prefix}accounts SET {put} WHERE member = {mark} AND version = {mark}"  # noqa: S608
        self.told = {table: json.loads(rows[table]["data"]) for table in ("entries", "events", "lots", "snapshots")}

    def block(self, member: str, batch: int) -> None:
        """Earn so many times in one transaction."""
        cursor, points = self.cursor, self.rows["entries"]["points"]
        if self.on_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        row = cursor.execute(self.lock, (member,)).fetchone()
        if row is None:
            new = {**self.rows["accounts"], "member": member, "version": 0, "length": 0, "covered": 0}
            cursor.execute(self.account, tuple(new.values()))
            row = (0, 0, new["posted"], new["due"], 0)
        version, length, posted, due, covered = row
        end = length + batch
        places = range(length + 1, end + 1)
        cursor.executemany(self.entry, [self._entry(member, n, f"t-{next(_numbers)}") for n in places])
        cursor.executemany(self.event, [self._event(member, n) for n in places])
        cursor.execute(self.balance, (member, *self._rest("balances", available=points * batch)))
        if end - covered >= SNAPSHOT:
            cursor.executemany(self.lot, [self._lot(member, n) for n in range(covered + 1, end + 1)])
            cursor.execute(self.snapshot, self._snapshot(member, end))
            covered = end
        cursor.execute(self.update, (version + 1, end, posted, due, covered, member, version))
        assert cursor.rowcount == 1
        if self.on_sqlite:
            cursor.execute("COMMIT")
        else:
            self.connection.commit()

    def _entry(self, member: str, n: int, id: str) -> tuple[Any, ...]:
        row = {**self.rows["entries"], "account": member, "seq": n, "id": id}
        if self.texts:
            told = {**self.told["entries"], "seq": n, "id": id, "lots": [[n, row["points"]]]}
            told["data"] = {**told["data"], "activity": {**told["data"]["activity"], "id": id}}
            row["data"] = json.dumps(told)
        return tuple(row.values())

    def _event(self, member: str, n: int) -> tuple[Any, ...]:
        row = {**self.rows["events"], "account": member, "subject": str(n), "seq": n}
        if self.texts:
            row["data"] = json.dumps({**self.told["events"], "id": str(n)})
        return tuple(row.values())

    def _lot(self, member: str, n: int) -> tuple[Any, ...]:
        row = {**self.rows["lots"], "account": member, "lot": n}
        if self.texts:
            row["data"] = json.dumps({**self.told["lots"], "id": n, "activity": str(n)})
        return tuple(row.values())

    def _snapshot(self, member: str, seq: int) -> tuple[Any, ...]:
        row = {**self.rows["snapshots"], "account": member}
        if self.texts:
            row["data"] = json.dumps({**self.told["snapshots"], "seq": seq})
        return tuple(row.values())

    def _rest(self, table: str, **more: Any) -> tuple[Any, ...]:
        return tuple({**self.rows[table], **more}.values())[1:]

    def close(self) -> None:
        self.connection.close()


Way = Callable[[], ByStore | ByHand]


def in_turn(clients: list[ByStore | ByHand], batch: int, name: str, seconds: float) -> list[float]:
    """Microseconds for each earn, by each of them."""
    found: list[list[float]] = [[] for _ in clients]
    begin, n = perf_counter(), 0
    while perf_counter() - begin < seconds * len(clients):
        for i, client in enumerate(clients):
            before = perf_counter()
            client.block(f"{name}-{i}-{n % MEMBERS}", batch)
            found[i].append((perf_counter() - before) / batch * 1e6)
        n += 1
    return [sum(times) / len(times) for times in found]


def timed(client: ByStore | ByHand, batch: int, name: str, seconds: float) -> float:
    """Microseconds for each earn."""
    begin, done = perf_counter(), 0
    while perf_counter() - begin < seconds:
        client.block(f"{name}-{done // batch % MEMBERS}", batch)
        done += batch
    return (perf_counter() - begin) / done * 1e6


# Clients --------------------------------------------------------------------------------------------------------------


def one_of_several(
    kind: type, place: tuple[Any, ...], more: dict[str, Any], batch: int, name: str, seconds: float, gate: Any,
    results: Any,
) -> None:  # fmt: skip
    try:
        client = kind(*place, **more)
        timed(client, batch, name, 0.1)
        gate.wait()
        results.put(timed(client, batch, name, seconds))
        client.close()
    except BaseException as error:
        results.put(error)
        gate.abort()
        raise


def by_several(
    kind: type, place: tuple[Any, ...], more: dict[str, Any], batch: int, name: str, seconds: float
) -> float:
    """Microseconds for each earn of all clients together, who begin at one moment."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    gate, results = context.Barrier(CLIENTS), context.SimpleQueue()
    clients = [
        context.Process(target=one_of_several, args=(kind, place, more, batch, f"{name}{n}", seconds, gate, results))
        for n in range(CLIENTS)
    ]
    for process in clients:
        process.start()
    found = [results.get() for _ in clients]
    for process in clients:
        process.join()
    return 1 / sum(1 / each for each in found)


def measured(urls: tuple[str, str, str], synchronous: str, rounds: int, seconds: float) -> None:
    """Each has tables, and on SQLite a file of its own: what one writes is not in the cache of another."""
    prefixes = ("store_", "hand_", "inserts_")
    stores = [Store(url, prefix=prefix, synchronous=synchronous) for url, prefix in zip(urls, prefixes, strict=True)]
    for store in stores:
        store.create()
    rows = example(stores[0])
    sorts: tuple[tuple[type, tuple[Any, ...], dict[str, Any]], ...] = (
        (ByStore, (urls[0], prefixes[0], synchronous), {}),
        (ByHand, (urls[1], prefixes[1], synchronous, rows), {"texts": True}),
        (ByHand, (urls[2], prefixes[2], synchronous, rows), {"texts": False}),
    )
    here = [kind(*place, **more) for kind, place, more in sorts]
    database = f"SQLite {synchronous}" if urls[0].startswith("sqlite") else "PostgreSQL"
    for batch in (1, BATCH):
        for several in (False, True):
            found: list[list[float]] = [[], [], []]
            for n in range(rounds):
                name = f"{batch}{several}{n}"
                if several:
                    times = [by_several(*sort, batch, f"{name}-{i}", seconds) for i, sort in enumerate(sorts)]
                else:
                    times = in_turn(here, batch, name, seconds)
                for i, time in enumerate(times):
                    found[i].append(time)
            one, other, inserts = map(median, found)
            what = f"{database}, {batch} a transaction, {'four clients' if several else 'one client'}"
            print(
                f"{what:<47}{1e6 / one:>9,.0f}{1e6 / other:>10,.0f}{one / other:>7.2f}{1e6 / inserts:>10,.0f}"
                f"{one / inserts:>7.2f}",
                flush=True,
            )
    for client in here:
        client.close()
    for store in stores:
        if database == "PostgreSQL":
            store.metadata.drop_all(store._database._engine)
        store.close()


def example(store: Store) -> dict[str, dict[str, Any]]:
    """A row of each table as the store writes it."""
    with store.account("some", club) as account:
        for n in range(SNAPSHOT):
            account.earn(Activity.purchase(10, at="2026-01-05", id=f"t-{n}"))
    rows = {}
    with closing(sa.create_engine(store._database.url).connect()) as connection:
        for table in ("entries", "events", "accounts", "balances", "lots", "snapshots"):
            found = connection.exec_driver_sql(f"SELECT * FROM store_{table}").mappings().first()  # noqa: S608
            assert found is not None
            rows[table] = {column: value for column, value in found.items() if column not in ("row", "number")}
        connection.rollback()
    return rows


def loading(url: str, rounds: int, left: int) -> None:
    """Load an account of which so many lots are left, and all of them if there are fewer."""
    store = Store(url, prefix=f"load_{left}_", synchronous="NORMAL")
    store.create()
    for member, size in (("small", SMALL), ("large", LARGE)):
        n = 0
        while store._database and n < size:
            with store.account(member, club) as account:
                for _ in range(BATCH // 2):
                    at = f"2026-01-{1 + n // 400:02}T{n % 400 // 20:02}:{n % 20:02}"
                    account.earn(Activity.purchase(10, at=at, id=f"t-{n}"))
                    n += 1
                    if n > 2 * left and n < size:
                        account.redeem("coffee", id=f"r-{n}", at=at)
                        n += 1
    kept = f"{left} lots left" if left < SMALL else "all lots left"
    for what, doing in DOINGS.items():
        times: dict[str, list[float]] = {"small": [], "large": []}
        for _ in range(4 * rounds):
            for member, found in times.items():
                store._cache.clear()
                begin = perf_counter()
                with store.account(member, club) as account:
                    doing(account)
                found.append((perf_counter() - begin) * 1e3)
        small, large = (median(times[member]) for member in ("small", "large"))
        print(f"{what} {SMALL:,} entries: {small:.2f} ms, {LARGE:,}: {large:.2f} ms, ratio {large / small:.2f}, {kept}")
    store.close()


DOINGS: dict[str, Callable[[Account], object]] = {
    "load": lambda account: None,
    "load, earn once and leave": lambda account: account.earn(
        Activity.purchase(10, at="2026-02-01", id=f"t-{next(_numbers)} more")
    ),
    "load, redeem once and leave": lambda account: account.redeem(
        "coffee", id=f"r-{next(_numbers)} more", at="2026-02-01"
    ),
}
"""What is done to an account that was just opened."""


def main() -> None:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--postgres", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", default="", help="FULL, NORMAL, PostgreSQL or load")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        kinds = {name: tuple(f"sqlite:///{folder}/{name}-{n}.db" for n in range(3)) for name in ("FULL", "NORMAL")}
        kinds |= {"PostgreSQL": (options.postgres,) * 3} if options.postgres else {}
        print(f"{'earns a second':<47}{'store':>9}{'by hand':>10}{'ratio':>7}{'inserts':>10}{'ratio':>7}")
        for name, urls in kinds.items():
            if options.only in ("", name):
                measured(urls, name if name == "NORMAL" else "FULL", options.rounds, options.seconds)
        if options.only in ("", "load"):
            print()
            loading(f"sqlite:///{folder}/load.db", options.rounds, LEFT)
            loading(f"sqlite:///{folder}/load.db", options.rounds, LARGE)


if __name__ == "__main__":
    main()
