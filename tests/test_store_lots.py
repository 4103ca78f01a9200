"""Lots that a store leaves unread: nobody who asks can tell, but for the time it takes."""

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier, Thread
from typing import ClassVar

from attrs import evolve, frozen
import pytest
import sqlalchemy as sa
from stores import SERVERS, again, fresh_store
import stories
from stories import plain, tell_stories

from loyaltycore import *
from loyaltycore import _written
from loyaltycore._statements import Statement
from loyaltycore.store import Store, StoreError

LASTING = evolve(
    stories.CLUB,
    points={
        **stories.CLUB.points,
        "stars": evolve(stories.CLUB.points["stars"], expiry=After(days=60).to_end_of("week")),
    },
)
"""The club of the stories, in which the last day of points never moves."""

TIERED = evolve(
    LASTING,
    tiers=TierLadder(Tier("gold", Reach("spend", 60)), window=Calendar("month"), keeps=EndOfPeriod(1)),
)
CLUBS = {"lasting": LASTING, "moving": stories.CLUB, "tiered": TIERED}


@pytest.fixture(autouse=True)
def snapshots_soon(monkeypatch):
    """A snapshot after three entries, and sooner where lots were touched of which there are four."""
    monkeypatch.setattr(_written, "MOST", 3)
    monkeypatch.setattr(_written, "MANY", 4)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path):
    with fresh_store(request.param, tmp_path) as made:
        yield made


@contextmanager
def reads():
    """How often which statement is sent within."""
    sent, real = Counter(), Statement.run

    def run(self, connection, values):
        sent[self] += 1
        return real(self, connection, values)

    Statement.run = run
    try:
        yield sent
    finally:
        Statement.run = real


# Stories --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("club", CLUBS)
def test_every_story_is_the_same_as_in_memory(tmp_path, club, monkeypatch):
    monkeypatch.setattr(stories, "CLUB", CLUBS[club])
    tell_stories(tmp_path, ("sqlite", {}), ("sqlite", {"cache": 0}), *[(server, {"cache": 0}) for server in SERVERS])


# One verb on an account of many lots ----------------------------------------------------------------------------------

MANY = Program(
    "Many",
    points={
        "points": Points(PerSpend(1).when(~Fact("slow", "yes")), expiry=After(months=12)),
        "later": Points(PerSpend(1).when(Fact("slow", "yes")), expiry=After(months=12), pending=After(days=3)),
        "stars": Points(Flat(1)),
    },
    rewards={
        "dot": Item(1, unit="points"),
        "mug": Item(100, unit="points"),
        "gift": Gift(unit="points"),
        "exchange": Convert(50, into="stars", gives=2, unit="points"),
    },
    hold_timeout="30 days",
)  # fmt: skip
"""Points that end on a day that never moves."""

OF_LOTS = evolve(MANY, rewards={**MANY.rewards, "bank": Item(25, unit="points").from_lots(Fact("payer", "bank"))})
"""A reward that asks for the lots, after whatever is done."""

DAY = "2026-03-05"


def bought(n, id, at=DAY, **facts):
    return Activity.purchase(n, at=at, id=id, **facts)


def begin(account):
    """Many lots of which some are used up, some are held, some wait, and one lasts longer."""
    for n in range(28):
        day, payer = f"2026-01-{1 + n:02}", ("bank", "shop")[n % 2]
        account.earn(bought(20, f"t-{n}", day, payer=payer, slow="yes" if n % 10 == 9 else "no"))
    account.redeem("mug", id="r-0", at="2026-03-01")
    account.hold("mug", id="h-0", at="2026-03-01", until="2026-06-01")
    account.extend(30, "2027-06-30", id="e-0", at="2026-03-02")
    account.earn(bought(7, "slow", "2026-03-04", slow="yes"))
    account.redeem("dot", id="r-1", at="2026-03-04")


@pytest.fixture
def both(store):
    """The account in memory, and the one in a store that has read nothing yet."""
    memory = MANY.account("m-1")
    begin(memory)
    with store.account("m-1", MANY) as account:
        begin(account)
    return memory, again(store.place, cache=0)


NEVER_READS = {
    "earn": lambda a: plain([a.earn(bought(10, "x"))]),
    "earn what waits": lambda a: plain([a.earn(bought(10, "x", slow="yes"))]),
    "earn again": lambda a: plain([a.earn(bought(7, "slow", "2026-03-04", slow="yes"))]),
    "balance": lambda a: a.balance("points", at=DAY),
    "totals": lambda a: dict(a.totals("points", at=DAY)),
    "options": lambda a: a.options(at=DAY),
    "what is due": _written.next_due,
    "preview": lambda a: a.preview(bought(10, "x")).points,
    "advance": lambda a: a.advance(DAY),
    "note": lambda a: a.note(at=DAY, id="x", plan="pro"),
    "adjust up": lambda a: a.adjust(5, unit="points", reason="a gift", actor="me", id="x", at=DAY),
}  # fmt: skip
READS = {
    "redeem": lambda a: a.redeem("mug", id="x", at=DAY),
    "lots of what waits": lambda a: a.lots("later", at=DAY),
    "hold": lambda a: a.hold("mug", id="x", at=DAY),
    "capture": lambda a: a.capture("h-0", id="x", at=DAY, points=30),
    "release": lambda a: a.release("h-0", id="x", at=DAY),
    "cancel": lambda a: a.cancel("r-0", id="x", at=DAY),
    "reverse": lambda a: a.reverse("t-20", id="x", at=DAY),
    "reverse what is used up": lambda a: a.reverse("t-0", id="x", at=DAY),
    "activate": lambda a: a.activate("slow", id="x", at=DAY),
    "extend": lambda a: a.extend([3, 50], "2027-12-31", id="x", at=DAY),
    "take": lambda a: a.adjust(-50, unit="points", reason="a test", actor="me", id="x", at=DAY),
    "convert": lambda a: a.redeem("exchange", id="x", at=DAY),
    "close": lambda a: a.close(id="x", at=DAY),
    "lapse": lambda a: a.advance("2027-01-20"),
    "become available": lambda a: a.advance("2026-03-20"),
    "time out": lambda a: a.advance("2026-07-01"),
    "earn after a lapse": lambda a: plain([a.earn(bought(10, "x", "2027-01-20"))]),
    "lots": lambda a: a.lots("points", at=DAY),
    "lots of later": lambda a: a.lots("points", at="2027-01-20"),
    "member": lambda a: a.member(at=DAY).lots,
    "balance of later": lambda a: a.balance("points", at="2027-01-20"),
    "balance of before": lambda a: a.balance("points", at="2026-01-13"),
    "totals by": lambda a: a.totals_by("payer", "points", at=DAY),
    "statement": lambda a: a.statement(at=DAY),
    "statement since": lambda a: a.statement(at=DAY, since="2026-03-05"),
}
AFTER = {
    "at once": lambda _: None,
    "after an earn": lambda a: a.earn(bought(12, "before", payer="bank")),
    "after a preview": lambda a: a.preview(bought(12, "before", payer="bank")),
    "after one that waits": lambda a: a.earn(bought(12, "before", slow="yes")),
    "after an earn that is taken back": lambda a: (a.earn(bought(12, "before")), a.reverse("before", id="b", at=DAY)),
}  # fmt: skip


@pytest.mark.parametrize("what", NEVER_READS)
def test_what_needs_no_lots_reads_none(both, what):
    memory, store = both
    with reads() as sent:
        with store.account("m-1", MANY) as account:
            found = NEVER_READS[what](account)
        assert sent[store._statements.covered] == 0
    assert found == NEVER_READS[what](memory)
    is_the_same(memory, store)


@pytest.mark.parametrize(("kind", "first"), [*(("sqlite", first) for first in AFTER), ("postgres", "at once")])
def test_what_needs_lots_reads_them_and_is_the_same(tmp_path, kind, first):
    with fresh_store(kind, tmp_path) as store:
        each_reads_lots(store, first)


def each_reads_lots(store, first):
    for what, doing in READS.items():
        name, memory = f"m {what}", MANY.account(f"m {what}")
        begin(memory)
        with store.account(name, MANY) as account:
            begin(account)
        store._cache.clear()
        AFTER[first](memory)
        with reads() as sent:
            with store.account(name, MANY) as account:
                AFTER[first](account)
                assert not sent[store._statements.lots_left]
                assert (what, doing(account)) == (what, doing(memory))
            assert sent[store._statements.lots_left] or sent[store._statements.tail] > 1
        looks_the_same(memory, store)
    assert store.verify() == ()


def is_the_same(memory, store):
    looks_the_same(memory, store)
    assert store.verify() == ()


def looks_the_same(memory, store):
    name = memory.id
    assert store.entries(name) == memory.entries
    for account in (store.look(name), store.look(name)):
        store._cache.clear()
        for at in (memory.entries[-1].posted, memory.entries[-1].posted + timedelta(days=300)):
            for unit in MANY.points:
                assert account.totals(unit, at=at) == memory.totals(unit, at=at)
                assert account.lots(unit, at=at) == memory.lots(unit, at=at)


def edited(zone="UTC", pending=None, **more):
    first = Points(PerSpend(1), expiry=After(months=2), pending=pending)
    return Program("Edited", timezone=zone, points={"points": first, **more}, rewards={"mug": Item(7, unit="points")})


EDITS = {
    "another zone": (edited(), edited("America/Sao_Paulo")),
    "UTC again": (edited("Pacific/Apia"), edited()),
    "another zone while points wait": (edited(pending=After(days=9)), edited("Pacific/Apia", pending=After(days=9))),
    "a wait that has moved": (edited(pending=AfterFact("verified")), edited(pending=After(days=9))),
    "a wait that would have": (edited(pending=After(days=9)), edited(pending=AfterFact("verified", days=2))),
    "another wait that moves": (edited(pending=AfterFact("verified")), edited(pending=AfterFact("verified", days=3))),
    "no wait any more": (edited(pending=AfterFact("verified")), edited()),
    "another unit": (edited(), edited(stars=Points(PerSpend(2), expiry=After(days=5)))),
}


@pytest.mark.parametrize(("before", "after"), EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("cache", [0, 1000])
def test_under_an_edited_program_an_account_is_what_its_entries_tell_then(store, before, after, cache):
    store = again(store.place, cache=cache)
    n = 0
    for block in range(3):
        with store.account("m-1", before) as account:
            for _ in range(15):
                n += 1
                account.earn(bought(5, f"t-{n}", f"2026-01-{1 + n % 14:02}T23:{n:02}"))
            if block == 1:
                account.note(verified="2026-01-20", id="n-1", at="2026-01-15")
    with store.account("m-2", after) as account:
        account.earn(bought(5, "first", "2026-01-31"))
    assert store.verify() == ()
    memory = after.account("m-1", entries=store.entries("m-1"))
    memory.earn(bought(5, "later", "2026-01-31T23:30"))
    with store.account("m-1", after) as account:
        account.earn(bought(5, "later", "2026-01-31T23:30"))
        assert account.lots("points", at="2026-02-01") == memory.lots("points", at="2026-02-01")
    for at in ("2026-01-15", "2026-02-01", "2026-03-11T02:00", "2026-04-01"):
        assert store.look("m-1", after).balance("points", at=at) == memory.balance("points", at=at)
    memory.advance("2026-04-01")
    store.advance_all(after, to="2026-04-01")
    assert store.entries("m-1") == memory.entries
    assert store.verify() == ()


@pytest.mark.parametrize("slow", ["yes", "no"])
@pytest.mark.parametrize("later", ["yes", "no", ""])
def test_what_falls_due_first_is_known_of_unread_lots_and_of_new_ones(store, slow, later):
    memory = MANY.account("m-1")
    for n in range(9):
        with store.account("m-1", MANY) as account:
            for one in (account, memory):
                one.earn(bought(5, f"t-{n}", f"2026-01-0{n + 1}", slow=slow))
    store = again(store.place, cache=0)
    if later:
        for one in (memory, None):
            with store.account("m-1", MANY) as account:
                (one or account).advance("2026-01-13")
        with store.account("m-1", MANY) as account:
            for one in (account, memory):
                one.earn(bought(5, "later", "2026-01-14", slow=later))
                assert one.balance("later", at="2026-01-18") == 45 * (slow == "yes") + 5 * (later == "yes")
            assert _written.next_due(account) == _written.next_due(memory)
    for _ in range(25):
        due = _written.next_due(memory)
        with reads() as sent:
            assert _written.next_due(store.look("m-1")) == due
            assert not sent[store._statements.lots_left]
        if due is None:
            break
        with store.account("m-1", MANY) as account:
            assert account.advance(due - timedelta.resolution) == ()
            for one in (account, memory):
                one.advance(due)
        is_the_same(memory, store)
    assert due is None


@pytest.mark.parametrize("keep_age", [True, False])
def test_two_accounts_of_unread_lots(both, keep_age):
    memory, store = both
    other = MANY.account("m-2")
    begin(other)
    with store.account("m-2", MANY) as account:
        begin(account)
    store = again(store.place, cache=0)
    with store.accounts("m-1", "m-2", MANY) as (one, two):
        for a, b in ((memory, other), (one, two)):
            a.transfer(45, b, unit="points", id="x-1", at=DAY, keep_age=keep_age)
            a.give("gift", b, points=20, id="x-2", at=DAY)
    with store.accounts("m-1", "m-2", MANY) as (one, two):
        for a, b in ((memory, other), (one, two)):
            a.release("h-0", id="x-3", at=DAY)
            b.merge(a, id="x-4", at=DAY)
    for account in (memory, other):
        is_the_same(account, store)


def test_a_block_that_took_of_many_lots_leaves_nothing_to_fold(both):
    """Or opening the account would have to read them."""
    memory, store = both
    with store.account("m-1", MANY) as account:
        account.redeem("dot", id="x", at=DAY)
    with reads() as sent, again(store.place, cache=0).account("m-1", MANY) as account:
        assert account.balance("points", at=DAY) == memory.balance("points", at=DAY) - 1
        assert not sent[store._statements.lots_left]


def test_a_reward_of_some_lots_has_them_read(both):
    memory, store = both
    memory = OF_LOTS.account("m-1", entries=memory.entries)
    for n in range(6):
        with store.account("m-1", OF_LOTS) as account:
            for one in (account, memory):
                one.earn(bought(3, f"y-{n}", payer=("bank", "shop")[n % 2]))
                assert one.redeem("bank", id=f"x-{n}", at=DAY).ok
    assert [quote.ok for quote in store.look("m-1").options(at=DAY)] == [q.ok for q in memory.options(at=DAY)]
    is_the_same(memory, store)


def test_an_account_that_is_remembered_has_read_its_lots_once(both):
    memory, store = both
    store = again(store.place)
    with reads() as sent:
        for n in range(30):
            with store.account("m-1", MANY) as account:
                for one in (account, memory):
                    one.redeem("dot", id=f"x-{n}", at=DAY)
                    one.earn(bought(3, f"y-{n}"))
    assert sum(n for statement, n in sent.items() if "lots" in statement.text and "SELECT" in statement.text) == 1
    is_the_same(memory, store)


def test_what_a_store_keeps_as_a_snapshot_is_for_the_store_alone(both):
    _, store = both
    (table,) = [t for t in store.metadata.sorted_tables if t.name.endswith("snapshots")]
    with store._database.reading() as connection:
        snapshot = from_json(connection.execute(sa.select(table.c.data)).scalar_one())
    with pytest.raises(RuleError, match="it leaves out lots that only its store has; take one by"):
        MANY.account("m-1", snapshot=snapshot, look_up=lambda _: ())


def test_a_snapshot_of_an_account_in_a_store_has_all_lots(both):
    memory, store = both
    entries = store.entries("m-1")
    snapshot = store.look("m-1").snapshot()
    account = MANY.account(
        "m-1", snapshot=snapshot, look_up=lambda name: [e for e in entries if name in (e.id, e.source)]
    )
    for one in (account, memory):
        one.earn(bought(7, "x"))
        one.cancel("r-0", id="y", at=DAY)
    for unit in MANY.points:
        assert account.lots(unit, at=DAY) == memory.lots(unit, at=DAY)
        assert account.totals(unit, at=DAY) == memory.totals(unit, at=DAY)


def test_lots_that_were_written_anew_are_worked_out_by_the_entries(both):
    memory, store = both
    before = {unit: memory.lots(unit, at=DAY) for unit in MANY.points}
    left = [store.look("m-1"), store.look("m-1")]
    with store.account("m-1", MANY) as account:
        account.redeem("mug", id="x-1", at=DAY)
        account.cancel("r-0", id="x-2", at=DAY)
    assert {unit: left[0].lots(unit, at=DAY) for unit in MANY.points} == before
    assert left[1].balance("points", at=DAY) == memory.balance("points", at=DAY)
    assert 1 in left[1]._ledger.lots
    assert 999 not in left[1]._ledger.lots


def test_an_account_that_was_erased_meanwhile_is_told_of(both):
    _, store = both
    left = store.look("m-1")
    store.erase("m-1")
    with pytest.raises(StoreError, match="m-1: it is not there any more; open it anew"):
        left.lots("points", at=DAY)


@pytest.mark.parametrize(
    "club",
    [
        evolve(MANY, points={**MANY.points, "points": evolve(MANY.points["points"], expiry=After(days=40))}),
        evolve(MANY, points={**MANY.points, "points": evolve(MANY.points["points"], expiry=AfterInactivity(months=2))}),
        evolve(MANY, timezone="Asia/Tokyo"),
        evolve(MANY, points={**MANY.points, "points": evolve(MANY.points["points"], order=NewestFirst())}),
        ProgramHistory(
            MANY,
            ("2026-03-06", evolve(MANY, points={u: evolve(p, expiry=After(months=3)) for u, p in MANY.points.items()})),
        ),
    ],
    ids=["another expiry", "one that moves", "another zone", "another order", "another version"],
)
def test_a_program_that_changed_is_asked_anew(both, club):
    memory, store = both
    memory = club.account("m-1", entries=memory.entries)
    with store.account("m-1", club) as account:
        for one in (account, memory):
            one.earn(bought(5, "x"))
            one.advance("2026-05-20")
            one.redeem("mug", id="y", at="2026-05-20")
    is_the_same(memory, store)


@frozen
class OfOurs(DateRule):
    """An expiry whose days stand in the application's code."""

    fixed: ClassVar[bool] = True
    days: ClassVar[int] = 400

    def falls_on(self, lot, member):
        return lot.since + timedelta(days=self.days)


def test_an_expiry_of_ones_own_is_asked_anew_as_its_code_may_have_changed(store, monkeypatch):
    club = evolve(MANY, points={unit: evolve(points, expiry=OfOurs()) for unit, points in MANY.points.items()})
    memory = club.account("m-1")
    begin(memory)
    with store.account("m-1", club) as account:
        begin(account)
    monkeypatch.setattr(OfOurs, "days", 66)
    memory = club.account("m-1", entries=memory.entries)
    with again(store.place).account("m-1", club) as account:
        for one in (account, memory):
            one.earn(bought(5, "x", "2026-03-20"))
    assert "lapsed" in {entry.kind for entry in memory.entries}
    assert store.entries("m-1") == memory.entries


SAID_OTHERWISE = "snapshot.lots: its lots have .*, and it tells of .*; build the account from all of its entries"
BROKEN = {
    "a lot that is no lot": ("lots", {"data": "[]"}, "m-1: lot 2 cannot be read: "),
    "a lot that is no JSON": ("lots", {"data": "{"}, "m-1: lot 2 cannot be read: this is no JSON"),
    "another value": ("lots", {"data": '{"version": 1, "type": "after", "days": 3}'}, "m-1: lot 2 is kept as"),
    "points": (
        "lots", {"data": sa.func.replace(sa.column("data"), '"points": 20, ', '"points": -20, ')},
        r"snapshot.lots\[\d+\]: lot \d+ is left with -20 points",
    ),
    "fewer points": (
        "lots", {"data": sa.func.replace(sa.column("data"), '"points": 20, ', '"points": 9, ')}, SAID_OTHERWISE,
    ),
    "another unit": (
        "lots", {"data": sa.func.replace(sa.column("data"), '"unit": "points"', '"unit": "stars"')}, SAID_OTHERWISE,
    ),
    "no lots": ("lots", {"used_up": True}, SAID_OTHERWISE),
    "the sums": (
        "snapshots", {"data": sa.func.replace(sa.column("data"), '"pending": ', '"pending": 1')}, SAID_OTHERWISE,
    ),
    "a unit": (
        "snapshots", {"data": sa.func.replace(sa.column("data"), '"left": {"points"', '"left": {"nothing"')},
        "snapshot: it is not as",
    ),
    "no snapshot": ("snapshots", {"data": "{}"}, "m-1: its snapshot cannot be read: "),
    "another snapshot": (
        "snapshots", {"data": sa.func.replace(sa.column("data"), '"seq": ', '"seq": 1')}, "m-1: there is no snapshot",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_lots_that_are_broken_are_told_of_and_nothing_is_written(both, what):
    _, store = both
    table, values, said = BROKEN[what]
    (changed,) = [t for t in store.metadata.sorted_tables if t.name.endswith(table)]
    with store._database._engine.begin() as connection:
        connection.execute(sa.update(changed).values(**values))
    before = store.entries("m-1")
    with pytest.raises(LoyaltyError, match=said), store.account("m-1", MANY) as account:
        account.earn(bought(5, "x"))
        account.redeem("mug", id="y", at=DAY)
    assert store.entries("m-1") == before
    assert any("m-1" in line for line in again(store.place).verify(report=None))


def test_a_block_that_goes_on_after_lots_that_were_broken_has_not_lost_them(both):
    memory, store = both
    (lots,) = [t for t in store.metadata.sorted_tables if t.name.endswith("lots")]
    more = sa.func.replace(sa.column("data"), '"points": 20, ', '"points": 1007, ')
    less = sa.func.replace(sa.column("data"), '"points": 1007, ', '"points": 20, ')
    with store._database._engine.begin() as connection:
        connection.execute(sa.update(lots).values(data=more))
    with store.account("m-1", MANY) as account:
        with pytest.raises(LoyaltyError, match=SAID_OTHERWISE):
            account.redeem("mug", id="y", at=DAY)
        account.earn(bought(5, "x"))
    with store._database._engine.begin() as connection:
        connection.execute(sa.update(lots).values(data=less))
    memory.earn(bought(5, "x"))
    is_the_same(memory, store)


# What is asked within one transaction ---------------------------------------------------------------------------------


def test_a_store_in_memory_reads_lots_in_the_transaction_that_asks():
    memory, store = MANY.account("m-1"), Store("sqlite://")
    store.create()
    begin(memory)
    with store.account("m-1", MANY) as account:
        begin(account)
    store._cache.clear()
    later, lots = "2027-01-20", {unit: memory.lots(unit, at=DAY) for unit in MANY.points}
    ends = {(unit, lot.expires_on) for unit, some in lots.items() for lot in some if lot.expires_on}
    assert store.verify() == ()
    assert {(found.unit, found.on) for found in store.expiring(within=900, at=DAY)} == ends
    assert store.balances(at=later) == {"m-1": {unit: memory.balance(unit, at=later) for unit in MANY.points}}
    assert [{unit: account.lots(unit, at=DAY) for unit in MANY.points} for account in store.each()] == [lots]


def test_many_threads_may_ask_about_all_members_at_once(tmp_path):
    with fresh_store("postgres", tmp_path) as store:
        for n in range(3):
            with store.account(f"m-{n}", MANY) as account:
                begin(account)
        gate, answers = Barrier(20), []

        def ask():
            gate.wait()
            answers.append(store.balances(at="2027-01-20"))

        threads = [Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [store.balances(at="2027-01-20")] * 20


def test_somebody_else_of_the_same_id_is_not_taken_for_who_was_looked_at(both):
    _, store = both
    left = store.look("m-1")
    store.erase("m-1")
    with store.account("m-1", MANY) as account:
        for n in range(40):
            account.earn(bought(20, f"other-{n}"))
    with pytest.raises(StoreError, match="m-1: it is not there any more; open it anew"):
        left.lots("points", at=DAY)


@pytest.mark.parametrize(
    "expiry", [After(days=60, hours=1), After(days=60).unless(MemberFact("plan", "pro"))], ids=["hourly", "moving"]
)
def test_the_moment_of_a_lot_is_there_when_a_program_begins_to_ask_for_it(store, expiry):
    before, after = (
        Program("Club", points={"points": Points(PerSpend(1), expiry=one)}) for one in (After(days=60), expiry)
    )
    with store.account("m-1", before) as account:
        for n in range(25):
            account.earn(bought(10, f"t-{n}", "2026-01-01T15:00"))
    with again(store.place).account("m-1", after) as account:
        account.earn(bought(10, "later", "2026-02-01"))
    memory = after.account("m-1", entries=store.entries("m-1"))
    for at in ("2026-03-02T14:00", "2026-03-02T15:30", "2026-03-02T16:30"):
        assert store.look("m-1", after).balance(at=at) == memory.balance(at=at)
    assert store.verify() == ()


def test_a_call_that_is_made_again_gives_what_it_brought_before_the_snapshot_too(store):
    bonus = Points(PerSpend(1), on_event=Flat(9).when(OfKind("converted")))
    club = Program(
        "Club", points={"points": bonus, "stars": Points(Flat(0))},
        rewards={"stars": Convert(10, into="stars", gives=1, unit="points")},
    )  # fmt: skip
    with store.account("m-1", club) as account:
        account.earn(bought(99, "t-1"))
        for n in range(25):
            account.note(at=DAY, id=f"n-{n}", visits=n)
        told = account.redeem("stars", id="r-1", at=DAY)
    assert [entry.kind for entry in told.entries] == ["converted", "converted", "earned"]
    for there in (store, again(store.place)):
        with there.account("m-1", club) as account:
            assert account.redeem("stars", id="r-1", at=DAY) == told


def test_the_lots_of_a_member_end_as_those_of_the_account():
    club = Program("Club", points={"points": Points(PerSpend(1), expiry=AfterInactivity(days=60))})
    account = club.account("m-1")
    for n in range(3):
        account.earn(bought(10, f"t-{n}", f"2026-01-{1 + 10 * n:02}"))
    lots = account.lots(at="2026-02-01")
    assert {str(lot.expires_on) for lot in lots} == {"2026-03-22"}
    assert account.member(at="2026-02-01").lots == lots
