"""What a store costs beside the same inserts by hand, with the driver alone, in the same run.

    python benchmarks/store.py [--postgres postgresql+psycopg://...] [--rounds 5] [--seconds 1]

One earn a transaction, and 100 earns a transaction, by one client and by four processes at once. By hand, a transaction
takes its lock, reads the version of the account, inserts the same rows and sets the same columns, with texts that were
made before: it neither works anything out nor makes JSON. Rounds alternate, so that other work on the machine slows
both; ratios are of medians. Then how long it takes to load an account of 100 entries and one of 10,000 with as many
lots that are left.
"""

from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import closing
from itertools import count
from multiprocessing import get_context
import sqlite3
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psycopg
import sqlalchemy as sa

from loyaltycore import Activity, After, Item, PerSpend, Points, Program
from loyaltycore.store import Store

club = Program(
    "Club",
    points={"points": Points(PerSpend(1), expiry=After(months=12))},
    rewards={"coffee": Item(10)},
)
MEMBERS = 50
BATCH = 100
LARGE, SMALL, LEFT = 10_000, 100, 20

_numbers = count()


def earn(store: Store, batch: int, client: str, seconds: float) -> float:
    """Microseconds for each earn."""
    begin, done = perf_counter(), 0
    while perf_counter() - begin < seconds:
        with store.account(f"{client}-{done // batch % MEMBERS}", club) as account:
            for _ in range(batch):
                account.earn(Activity.purchase(10, at="2026-01-05", id=f"{client}-{next(_numbers)}"))
        done += batch
    return (perf_counter() - begin) / done * 1e6


class ByHand:
    """The same rows with the driver alone."""

    def __init__(self, url: str, synchronous: str, names: dict[str, str], rows: dict[str, Any]) -> None:
        self.on_sqlite = url.startswith("sqlite")
        if self.on_sqlite:
            self.connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60, isolation_level=None)
            for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "secure_delete=ON"):
                self.connection.execute(f"PRAGMA {pragma}")
        else:
            self.connection = psycopg.connect(url.replace("+psycopg", ""))
        self.rows = rows
        mark = "?" if self.on_sqlite else "%s"

        def insert(table: str) -> str:
            columns = ", ".join(f'"{name}"' for name in rows[table])
            marks = ", ".join([mark] * len(rows[table]))
            return f"INSERT INTO {names[table]} ({columns}) VALUES ({marks})"  # noqa: S608 (names of our own)

        self.entry, self.event, self.account = insert("entries"), insert("events"), insert("accounts")
        self.balance = insert("balances") + " ON CONFLICT (account, unit) DO UPDATE SET available = EXCLUDED.available"
        lock = "" if self.on_sqlite else " FOR UPDATE"
        accounts, columns = names["accounts"], "version, length, posted, due"
        self.lock = f"SELECT {columns} FROM {accounts} WHERE member = {mark}{lock}"  # noqa: S608
        put = ", ".join(f"{column} = {mark}" for column in columns.split(", "))
        self.update = f"UPDATE {accounts} SET {put} WHERE member = {mark} AND version = {mark}"  # noqa: S608

    def earn(self, batch: int, client: str, seconds: float) -> float:
        """Microseconds for each earn."""
        entry, event, account, balance = (self.rows[t] for t in ("entries", "events", "accounts", "balances"))
        cursor = self.connection.cursor()
        begin, done = perf_counter(), 0
        while perf_counter() - begin < seconds:
            member = f"{client}-{done // batch % MEMBERS}"
            if self.on_sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            row = cursor.execute(self.lock, (member,)).fetchone()
            if row is None:
                new = {**account, "member": member, "version": 0, "length": 0}
                cursor.execute(self.account, tuple(new.values()))
                row = (0, 0, account["posted"], account["due"])
            version, length, posted, due = row
            places = range(length + 1, length + 1 + batch)
            entries = [tuple({**entry, "account": member, "seq": n, "id": f"{client}-{n}"}.values()) for n in places]
            cursor.executemany(self.entry, entries)
            events = [tuple({**event, "account": member, "subject": str(n)}.values()) for n in places]
            cursor.executemany(self.event, events)
            cursor.execute(self.balance, tuple({**balance, "account": member}.values()))
            cursor.execute(self.update, (version + 1, length + batch, posted, due, member, version))
            if self.on_sqlite:
                cursor.execute("COMMIT")
            else:
                self.connection.commit()
            done += batch
        return (perf_counter() - begin) / done * 1e6


# Clients --------------------------------------------------------------------------------------------------------------


def one_of_several(what: str, place: tuple[Any, ...], batch: int, client: str, seconds: float, results: Any) -> None:
    try:
        if what == "store":
            store = Store(place[0], prefix=place[1], synchronous=place[2], timeout=60)
            earn(store, batch, f"{client} warm", 0.1)
            results.put(earn(store, batch, client, seconds))
            store.close()
        else:
            hand = ByHand(*place)
            results.put(hand.earn(batch, client, seconds))
            hand.connection.close()
    except BaseException as error:
        results.put(error)
        raise


def by_four(what: str, place: tuple[Any, ...], batch: int, client: str, seconds: float) -> float:
    """Microseconds for each earn of four clients together."""
    context = get_context("spawn")
    results = context.SimpleQueue()
    clients = [
        context.Process(target=one_of_several, args=(what, place, batch, f"{client}{n}", seconds, results))
        for n in range(4)
    ]
    for process in clients:
        process.start()
    found = [results.get() for _ in clients]
    for process in clients:
        process.join()
    return 1 / sum(1 / each for each in found)


def measured(url: str, synchronous: str, rounds: int, seconds: float) -> None:
    store = Store(url, prefix="store_", synchronous=synchronous, timeout=60)
    store.create()
    hand_made = Store(url, prefix="hand_", synchronous=synchronous)
    hand_made.create()
    names, rows = {}, {}
    with store.account("some", club) as account:
        account.earn(Activity.purchase(5, at="2026-01-05", id="t-1"))
    with closing(sa.create_engine(store._database.url).connect()) as connection:
        for table in store.metadata.sorted_tables:
            name = table.name.removeprefix("store_")
            names[name] = f"hand_{name}"
            if name in ("entries", "events", "accounts", "balances"):
                raw = connection.exec_driver_sql(f"SELECT * FROM {table.name}").mappings().first()  # noqa: S608
                rows[name] = {column: value for column, value in raw.items() if column not in ("row", "number")}
        connection.rollback()
    hand = ByHand(url, synchronous, names, rows)
    place, by_hand = (url, "store_", synchronous), (url, synchronous, names, rows)
    for batch in (1, BATCH):
        ways: dict[str, tuple[Callable[[str], float], Callable[[str], float]]] = {
            "one client": (
                lambda client, batch=batch: earn(store, batch, client, seconds),
                lambda client, batch=batch: hand.earn(batch, client, seconds),
            ),
            "four clients": (
                lambda client, batch=batch: by_four("store", place, batch, client, seconds),
                lambda client, batch=batch: by_four("hand", by_hand, batch, client, seconds),
            ),
        }
        for way, (ours, theirs) in ways.items():
            found = [(ours(f"{way}{batch}{n}"), theirs(f"{way}{batch}{n}")) for n in range(rounds)]
            one, other = (median(times) for times in zip(*found, strict=True))
            kind = f"{'SQLite ' + synchronous if hand.on_sqlite else 'PostgreSQL'}, {batch} a transaction, {way}"
            print(f"{kind:<48}{1e6 / one:>9,.0f}{1e6 / other:>11,.0f}{one / other:>8.2f}")
    assert store.verify() == ()
    hand.connection.close()
    for each in (store, hand_made):
        if not hand.on_sqlite:
            each.metadata.drop_all(each._database._engine)
        each.close()


def loading(url: str, rounds: int) -> None:
    store = Store(url, prefix="load_", synchronous="NORMAL")
    store.create()
    for member, size in (("small", SMALL), ("large", LARGE)):
        for first in range(0, size // 2, BATCH // 2):
            with store.account(member, club) as account:
                for n in range(first, min(first + BATCH // 2, size // 2)):
                    at = f"2026-01-{1 + n // 400:02}T{n % 400 // 20:02}:{n % 20:02}"
                    account.earn(Activity.purchase(10, at=at, id=f"t-{n}"))
                    if n >= LEFT:
                        account.redeem("coffee", id=f"r-{n}", at=at)
    times: dict[str, list[float]] = {"small": [], "large": []}
    for _ in range(20 * rounds):
        for member, found in times.items():
            store._cache.clear()
            begin = perf_counter()
            store.look(member)
            found.append((perf_counter() - begin) * 1e3)
    small, large = (median(times[member]) for member in ("small", "large"))
    ratio = large / small
    print(f"\nload an account of {SMALL:,} entries: {small:.2f} ms, of {LARGE:,}: {large:.2f} ms, ratio {ratio:.2f}")
    store.close()


def main() -> None:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--postgres", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    print(f"{'earns a second':<48}{'store':>9}{'by hand':>11}{'ratio':>8}")
    with TemporaryDirectory() as folder:
        for synchronous in ("FULL", "NORMAL"):
            measured(f"sqlite:///{folder}/{synchronous}.db", synchronous, options.rounds, options.seconds)
        if options.postgres:
            measured(options.postgres, "FULL", options.rounds, options.seconds)
        loading(f"sqlite:///{folder}/load.db", options.rounds)


if __name__ == "__main__":
    main()
