"""Stores to test on, SQLite and PostgreSQL, and what processes of their own do to them."""

from contextlib import contextmanager
from functools import partial
from itertools import count
from multiprocessing import get_context
import os
from pathlib import Path
from time import sleep

import pytest
import sqlalchemy as sa

from loyaltycore import *
from loyaltycore._database import Database
from loyaltycore._statements import Statement
from loyaltycore.store import Store

POSTGRES = os.environ.get("LOYALTYCORE_POSTGRES", "")
MANY = os.environ.get("HYPOTHESIS_PROFILE") == "ci"
SERVERS = ["postgres"] if POSTGRES or MANY else []
"""Databases beside SQLite to compare with, where they are there; the tests of each of them say what is missing."""
HOW = "no PostgreSQL; with Debian's postgresql: export LOYALTYCORE_POSTGRES=$(.ci/postgres start FOLDER)"

_numbers = count()
_others = []
# the server that processes are forked from is found this module only so: it imports it once for all of them
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
_processes = get_context("forkserver")
_processes.set_forkserver_preload(["stores"])

CLUB = Program(
    "Club",
    points={"points": Points(PerSpend(1), expiry=After(months=12))},
    rewards={"dot": Item(1), "mug": Item(100), "rare": Item(10).stock(3)},
    hold_timeout="1 day",
)


@contextmanager
def fresh_store(kind, folder, **more):
    """A new store with its tables, gone afterwards."""
    if kind == "postgres" and not POSTGRES:
        if MANY or os.environ.get("CI") == "true":
            pytest.fail(HOW)
        pytest.skip(HOW)
    n = next(_numbers)
    url = POSTGRES if kind == "postgres" else f"sqlite:///{folder}/store-{n}.db"
    store = Store(url, prefix=f"t{os.getpid()}_{n}_", **more)
    store.create()
    store.place = (url, {"prefix": f"t{os.getpid()}_{n}_", **more})
    yield store
    while _others:
        _others.pop().close()
    if kind == "postgres":
        with store._database._engine.begin() as connection:
            store.metadata.drop_all(connection)
    store.close()


def empty(store):
    """Drop all accounts."""
    with store._database._engine.begin() as connection:
        for table in reversed(store.metadata.sorted_tables):
            if not table.name.endswith(("versions", "programs")):
                connection.execute(sa.delete(table))
    store._cache.clear()


def again(place, **more):
    """The same store, as another process opens it."""
    url, options = place
    store = Store(url, **{**options, **more})
    store.place = place
    _others.append(store)
    return store


def in_processes(n, function, *args):
    """What the function returns in so many processes that begin at one moment; it is told which one it is."""
    barrier, results = _processes.Barrier(n), _processes.SimpleQueue()
    processes = [_processes.Process(target=_run, args=(function, i, barrier, results, args)) for i in range(n)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    for result in found:
        if isinstance(result, BaseException):
            raise result
    return found


def _run(function, i, barrier, results, args):
    barrier.wait()
    try:
        results.put(function(i, *args))
    except BaseException as error:  # noqa: BLE001 (the parent raises it)
        results.put(AssertionError(f"{type(error).__name__}: {error}"))


def one_process(function, *args):
    """A process that has begun."""
    process = _processes.Process(target=function, args=args)
    process.start()
    return process


def pipe():
    return _processes.Pipe(duplex=False)


# What they do ---------------------------------------------------------------------------------------------------------


def spend_dots(i, place, member, tries, locking):
    """Try to spend one point, so many times; how often it was told that it had."""
    store = again(place, timeout=60)
    store._database.locking = locking
    done = 0
    for n in range(tries):
        try:
            with store.account(member, CLUB) as account:
                ok = account.redeem("dot", id=f"{i}-{n}", at="2026-02-01").ok
                sleep(0.0005)
            done += ok
        except LoyaltyError:  # without locks a late one may find that others have written twice already
            if locking:
                raise
    store.close()
    return done


def earn_same(i, place, member, ids):
    """Deliver the same activities as all others do, each in another order; how many entries it was told of."""
    store = again(place, timeout=60)
    order = [(n * (2 * i + 1) + i) % ids for n in range(ids)]
    order += [n for n in range(ids) if n not in order]
    for n in order:
        activity = Activity.purchase(10, at="2026-01-05", id=f"t-{n}")
        receipt = store.run(member, CLUB, lambda account, activity=activity: account.earn(activity))
        assert receipt.points == 10
    store.close()


def mixed_step(account, at, name):
    account.earn(Activity.purchase(30, at=at, id=f"t {name}"))
    account.hold("rare", id=f"h {name}", at=at, until="2026-03-15")
    if account.hold("dot", id=f"d {name}", at=at, until="2026-03-15").ok:
        account.capture(f"d {name}", id=f"c {name}", at=at)
    account.reverse(f"t {name}", id=f"x {name}", at=at, amount=10, on_shortfall="owe")


def mixed(i, place, members, steps):
    """Earn, hold, capture, reverse, transfer and advance on the same members as all others."""
    store = again(place, timeout=60)
    for n in range(steps):
        member, other = members[(i + n) % len(members)], members[(i + n + 1) % len(members)]
        at, name = f"2026-02-{1 + n % 27:02}", f"{i}-{n}"
        store.run(member, CLUB, partial(mixed_step, at=at, name=name))
        with store.accounts(member, other, CLUB) as (one, two):
            if one.balance(at=at) > 5:
                one.transfer(5, two, id=f"move {name}", at=at)
        if n % 5 == 4:
            store.advance_all(CLUB, to=at)
    store.close()


def earn_for_ever(place, sender, first):
    """Earn until it is killed; each id is told once its block was left."""
    store = again(place)
    for n in count():
        with store.account("m-1", CLUB) as account:
            account.earn(Activity.purchase(10, at="2026-01-05", id=f"{first}-{n}"))
            account.redeem("dot", id=f"r {first}-{n}", at="2026-01-05")
        sender.send(f"{first}-{n}")


def die_at(place, n):
    """Be killed before the statement of that number; a commit is one."""
    store = again(place)
    store._registered(CLUB)
    left = [n]

    def step(*_):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), 9)

    def counted(real):
        return lambda *args: (step(), real(*args))[1]

    with store.account("m-2", CLUB) as account:
        Statement.run, Statement.run_for_each = counted(Statement.run), counted(Statement.run_for_each)
        Database._commit = counted(Database._commit)
        account.earn(Activity.purchase(150, at="2026-01-05", id="t-1"))
        account.redeem("rare", id="r-1", at="2026-01-06")
