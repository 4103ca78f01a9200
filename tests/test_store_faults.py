"""A store under races, kills and full disks: nothing is lost, nothing is half there, nothing is spent twice."""

from contextlib import ExitStack, contextmanager, suppress
import os
from pathlib import Path
import sqlite3
from time import sleep

import pytest
import sqlalchemy as sa
from stores import (
    CLUB,
    MANY,
    POSTGRES,
    again,
    die_at,
    earn_for_ever,
    earn_same,
    fresh_store,
    in_processes,
    mixed,
    one_process,
    pipe,
    spend_dots,
)

from loyaltycore import *
from loyaltycore.store import StoreError, StoreFull, StoreLost

PROCESSES = 8


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path):
    with fresh_store(request.param, tmp_path) as made:
        yield made


def earn(store, member, n=100, id="t-1"):
    with store.account(member, CLUB) as account:
        return account.earn(Activity.purchase(n, at="2026-01-05", id=id))


def conserved(store):
    """The store is well: its tables are what the entries tell, and what came in is there or went (I1)."""
    return store.verify() == ()


# Races ----------------------------------------------------------------------------------------------------------------


def test_a_hundred_points_are_spent_a_hundred_times_by_eight_processes(store):
    for repeat in range(5 if MANY else 1):
        earn(store, f"m-{repeat}")
        done = in_processes(PROCESSES, spend_dots, store.place, f"m-{repeat}", 50, True)
        assert sum(done) == 100
        assert sum(entry.kind == "spent" for entry in store.entries(f"m-{repeat}")) == 100
        assert store.balances(at="2026-02-01")[f"m-{repeat}"] == {"points": 0}
    assert conserved(store)


def test_without_locks_and_keys_more_is_spent_than_there_is(store):
    """So that the test above can fail: of one point each, that all want at one moment, some are spent twice."""
    (entries,) = [table for table in store.metadata.sorted_tables if table.name.endswith("entries")]
    with store._database._engine.connect() as connection:
        for change in ("CREATE TABLE {0}_2 AS SELECT * FROM {0}", "DROP TABLE {0}", "ALTER TABLE {0}_2 RENAME TO {0}"):
            connection.exec_driver_sql(change.format(entries.name))
        connection.commit()
    done = 0
    for member in map(str, range(10)):
        earn(store, member, 1)
        done = sum(in_processes(PROCESSES, spend_dots, store.place, member, 1, False))
        if done > 1:
            break
    assert done > 1
    assert sum(entry.kind == "spent" for entry in store.entries(member)) == done


def test_fifty_activities_delivered_by_twenty_processes_are_earned_once(store):
    processes, ids = (20, 50) if MANY else (8, 12)
    in_processes(processes, earn_same, store.place, "m-1", ids)
    assert len(store.entries("m-1")) == ids
    assert store.balances(at="2026-02-01") == {"m-1": {"points": 10 * ids}}
    assert conserved(store)


def test_everything_at_once_on_the_same_members(store):
    members = ("a", "b", "c")
    in_processes(4, mixed, store.place, members, 25 if MANY else 10)
    assert conserved(store)
    store.advance_all(CLUB, to="2026-04-01")
    assert conserved(store)
    kinds = {entry.kind for member in members for entry in store.entries(member)}
    assert kinds >= {"earned", "held", "captured", "released", "reversed", "transferred"}


# Kills ----------------------------------------------------------------------------------------------------------------


def test_what_was_acknowledged_is_there_however_often_the_process_is_killed(store):
    told = 0
    for kill in range(100 if MANY else 8):
        receiver, sender = pipe()
        process = one_process(earn_for_ever, store.place, sender, f"k-{kill}")
        sender.close()
        acknowledged = [receiver.recv()]  # it has begun
        sleep(0.02 + 0.01 * (kill % 5))
        process.kill()
        process.join()
        while receiver.poll():
            try:
                acknowledged.append(receiver.recv())
            except EOFError:
                break
        receiver.close()
        entries = store.entries("m-1")
        kinds = {}
        for entry in entries:
            kinds.setdefault(entry.id.removeprefix("r "), []).append(entry.kind)
        assert set(acknowledged) <= set(kinds)
        assert all(kind == ["earned", "spent"] for kind in kinds.values())  # both of a block, or neither
        told += len(acknowledged)
    assert told
    assert conserved(store)
    if store._database.on_sqlite:
        with sqlite3.connect(store._database.url.database) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


@pytest.mark.parametrize("n", range(7))
def test_killed_between_two_statements_nothing_is_half_there(store, n):
    earn(store, "m-1")
    process = one_process(die_at, store.place, n)
    process.join()
    assert process.exitcode == -9
    assert store.entries("m-2") == ()
    assert "m-2" not in store.balances(at="2026-02-01")
    assert [event.member for event in store.events()].count("m-2") == 0
    assert conserved(store)
    assert earn(store, "m-2", 150).points == 150


def killed_at_commit(store, *, before):
    """Let PostgreSQL lose the connection at the next COMMIT, before it is done or after."""
    database, times = store._database, [1]
    real = database._commit

    def lost(connection):
        if not times:
            real(connection)
            return
        times.pop()
        if not before:
            real(connection)
        backend = connection.connection.dbapi_connection
        with again(store.place)._database._engine.begin() as other:
            other.execute(sa.select(sa.func.pg_terminate_backend(backend.info.backend_pid)))
        backend.execute("SELECT 1")
        raise AssertionError("the connection is still there")

    database._commit = lost


@pytest.mark.parametrize("before", [True, False])
def test_a_connection_lost_at_commit_is_resolved_by_the_same_id(tmp_path, before):
    with fresh_store("postgres", tmp_path) as store:
        earn(store, "m-1")
        killed_at_commit(store, before=before)
        with pytest.raises(StoreLost, match="is not known, make the call again with the same id"):
            earn(store, "m-1", id="t-2")
        assert len(store.entries("m-1")) == (1 if before else 2)
        assert earn(store, "m-1", id="t-2").points == 100
        killed_at_commit(store, before=before)
        assert store.run("m-1", CLUB, lambda a: a.redeem("mug", id="r-1", at="2026-01-06")).ok
        assert [entry.kind for entry in store.entries("m-1")] == ["earned", "earned", "spent"]
        assert conserved(store)


def test_a_connection_lost_in_a_block_writes_nothing(tmp_path):
    with fresh_store("postgres", tmp_path) as store:
        earn(store, "m-1")
        with pytest.raises(StoreLost, match="nothing was written"), store.account("m-1", CLUB) as account:
            account.earn(Activity.purchase(10, at="2026-01-06", id="t-2"))
            pid = store._database._here.writes.connection.dbapi_connection.info.backend_pid
            with again(store.place)._database._engine.begin() as other:
                other.execute(sa.select(sa.func.pg_terminate_backend(pid)))
            sleep(0.1)
        assert earn(store, "m-1", id="t-2").points == 100
        assert conserved(store)


def pids_of(store):
    """The backends of the store's own connections, which are idle."""
    with store._database.reading() as connection:
        return [connection.connection.dbapi_connection.info.backend_pid]


def test_connections_that_died_between_two_blocks_are_made_again(tmp_path):
    with fresh_store("postgres", tmp_path) as store:
        earn(store, "m-1")
        with again(store.place)._database._engine.begin() as other:
            other.execute(sa.select(sa.func.pg_terminate_backend(pids_of(store)[0])))
        sleep(0.1)
        assert earn(store, "m-1", id="t-2").points == 100
        assert conserved(store)


def test_after_a_restart_of_postgres_one_block_is_lost_and_not_one_for_each_connection(tmp_path):
    with fresh_store("postgres", tmp_path) as watched:
        url, options = watched.place
        own = sa.make_url(url).update_query_dict({"application_name": options["prefix"]})
        store = again((own.render_as_string(hide_password=False), {**options, "timeout": 0}))
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(store._database._engine.connect())  # so many stay in the pool
        with pytest.raises(StoreLost), store.account("m-1", CLUB) as account:
            account.earn(Activity.purchase(10, at="2026-01-05", id="t-1"))
            its = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name")
            with watched._database._engine.begin() as other:
                assert len(other.execute(its, {"name": options["prefix"]}).all()) == 4
        sleep(0.1)
        assert store.entries("m-1") == ()
        assert earn(store, "m-1").points == 100


# A full disk ----------------------------------------------------------------------------------------------------------


def test_a_full_disk_writes_nothing_by_halves_and_is_overcome(tmp_path):
    with fresh_store("sqlite", tmp_path) as store:
        earn(store, "m-1")
        small = again(store.place)

        @sa.event.listens_for(small._database._engine, "connect")
        def limit(connection, _):
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages + 8}")

        written = 0
        with pytest.raises(StoreFull, match=r"there is no room left .*; nothing was written, make room and try again"):
            for n in range(10_000):
                earn(small, "m-1", id=f"s-{n}")
                written += 1
        assert written
        with pytest.raises(StoreFull):
            earn(small, "m-1", id=f"s-{written}")
        entries = store.entries("m-1")
        assert [entry.id for entry in entries] == ["t-1", *(f"s-{n}" for n in range(written))]
        assert conserved(store)
        small.close()
        assert earn(again(store.place), "m-1", id=f"s-{written}").points == 100  # there is room again
        assert conserved(store)


def test_a_block_that_goes_on_after_the_disk_was_full_writes_nothing(tmp_path):
    """SQLite takes the whole transaction back then; what the block does after that would be written at once."""
    with fresh_store("sqlite", tmp_path) as store:
        many = {f"{'rare' * 20} {n}": Item(1).stock(9) for n in range(200)}
        club = Program("Club", earning=PerSpend(1), rewards=many)
        with store.account("m-1", club) as account:
            account.earn(Activity.purchase(1000, at="2026-01-05", id="t-1"))
        connection = store._database._idle[0].connection.dbapi_connection
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")
        told = "nothing was written, make room and try again"
        with pytest.raises(StoreError, match=told), store.account("m-1", club) as account:
            for reward in many:
                with suppress(sqlite3.OperationalError):
                    account.redeem(reward, id=reward, at="2026-01-06")
            account.earn(Activity.purchase(5, at="2026-01-07", id="t-2"))
        connection.execute(f"PRAGMA max_page_count={2 * pages}")
        assert [entry.id for entry in store.entries("m-1")] == ["t-1"]
        assert store.verify() == ()
        with store.account("m-1", club) as account:
            assert all(account.redeem(reward, id=reward, at="2026-01-06").ok for reward in list(many)[:50])
        assert store.verify() == ()


def test_a_full_disk_of_postgres_writes_nothing_by_halves_and_is_overcome(tmp_path):
    with fresh_store("postgres", tmp_path) as watched, small_disk(watched) as (store, make_room):
        written = 0
        with pytest.raises(StoreFull, match=r"there is no room left .*; nothing was written, make room and try again"):
            for n in range(500):
                twenty(store, n)
                written += 1
        assert written
        with pytest.raises(StoreFull):
            twenty(store, written)
        ids = [f"{n} {i}" for n in range(written) for i in range(20)]
        assert [entry.id for entry in store.entries("m-1")] == ids
        assert conserved(store)
        make_room()
        twenty(store, written)
        assert len(store.entries("m-1")) == len(ids) + 20
        assert conserved(store)


def twenty(store, n):
    with store.account("m-1", CLUB) as account:
        for i in range(20):
            account.earn(Activity.purchase(10, at="2026-01-05", id=f"{n} {i}", note="x" * 500))


@contextmanager
def small_disk(beside):
    """A store on the tablespace `small`; where nothing could be mounted, the server says that it is full."""
    (url, options), filler = beside.place, f"filler_{os.getpid()}"
    with beside._database._engine.begin() as connection:
        small = connection.execute(sa.text("SELECT count(*) FROM pg_tablespace WHERE spcname = 'small'")).scalar()
        if small:
            connection.execute(sa.text(f"CREATE TABLE {filler} TABLESPACE small AS SELECT repeat('x', 300000) AS x"))
            connection.execute(sa.text(f"ALTER TABLE {filler} ALTER x SET STORAGE EXTERNAL"))
            connection.execute(sa.text(f"UPDATE {filler} SET x = repeat('y', 200000)"))  # noqa: S608 (our own name)
    place = (url + "&options=-c%20default_tablespace%3Dsmall" if small else url, options | {"prefix": filler + "_"})
    store = again(place)
    store.create()
    if not small:
        with beside._database._engine.begin() as connection:
            connection.execute(
                sa.text(f"""
                CREATE FUNCTION {filler}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF NEW.seq > 110 THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END IF;
                    RETURN NEW;
                END $$""")
            )
            connection.execute(sa.text(
                f"CREATE TRIGGER full_disk BEFORE INSERT ON {filler}_entries FOR EACH ROW EXECUTE FUNCTION {filler}()"
            ))  # fmt: skip

    def make_room():
        with beside._database._engine.begin() as connection:
            connection.execute(sa.text(f"DROP TABLE {filler}" if small else f"DROP FUNCTION {filler} CASCADE"))

    try:
        yield store, make_room
    finally:
        with beside._database._engine.begin() as connection:
            store.metadata.drop_all(connection)
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {filler}"))
            connection.execute(sa.text(f"DROP FUNCTION IF EXISTS {filler}"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_disk_at_an_export_is_an_error_of_the_file(tmp_path):
    with fresh_store("sqlite", tmp_path) as store:
        for n in range(50):
            earn(store, "m-1", id=f"t-{n}")
        with pytest.raises(OSError, match="No space left"):
            store.export("/dev/full")
        assert conserved(store)


def test_a_child_process_makes_connections_of_its_own(tmp_path):
    with fresh_store("sqlite", tmp_path) as store:
        earn(store, "m-1")
        child = os.fork()
        if not child:
            code = 1
            try:
                earn(store, "m-1", id="t-2")
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert earn(store, "m-1", id="t-3").points == 100
        assert len(store.entries("m-1")) == 3
        assert conserved(store)


def test_postgres_is_tested_in_ci():
    assert POSTGRES or os.environ.get("CI") != "true"
