"""A store: what its blocks write, what it answers, and what it does to all accounts."""

import ast
from contextlib import closing
from datetime import UTC, datetime, timedelta
import gc
from importlib import reload
import json
from pathlib import Path
import re
import sqlite3
import sys
from threading import Thread

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import sqlalchemy as sa
from stores import CLUB, SERVERS, again, empty, fresh_store
from stories import tell_stories

from loyaltycore import *
from loyaltycore._statements import Statements
from loyaltycore.books import LotState
from loyaltycore.ledger import Ledger
import loyaltycore.store
from loyaltycore.store import Expiring, Store, StoreBusy, StoreError

FEW = settings(max_examples=max(8, settings.default.max_examples // 20))


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path):
    with fresh_store(request.param, tmp_path) as made:
        yield made


def bought(n, id="t-1", at="2026-01-05"):
    return Activity.purchase(n, at=at, id=id)


def earn(store, member, n=150, id="t-1", program=CLUB, at="2026-01-05", **more):
    with store.account(member, program, **more) as account:
        return account.earn(bought(n, id, at))


# Blocks ---------------------------------------------------------------------------------------------------------------


def test_what_a_block_does_is_there_for_the_next_one(store):
    earn(store, "m-1")
    with store.account("m-1", CLUB) as account:
        assert account.balance(at="2026-01-06") == 150
        assert account.redeem("mug", id="r-1", at="2026-01-06").ok
    assert store.balances(at="2026-01-07") == {"m-1": {"points": 50}}
    assert again(store.place).balances(at="2026-01-07") == {"m-1": {"points": 50}}


def test_at_an_exception_nothing_is_written(store):
    earn(store, "m-1")
    with pytest.raises(ZeroDivisionError), store.account("m-1", CLUB) as account:
        account.redeem("mug", id="r-1", at="2026-01-06")
        raise ZeroDivisionError
    assert [entry.kind for entry in store.entries("m-1")] == ["earned"]
    with store.account("m-1", CLUB) as account:
        assert account.redeem("mug", id="r-1", at="2026-01-07").ok  # the id was not used up


def test_a_block_that_writes_nothing_makes_no_account(store):
    with store.account("m-1", CLUB) as account:
        assert not account.redeem("mug", id="r-1", at="2026-01-06").ok
    assert store.balances(at="2026-02-01") == {}


def test_after_its_block_an_account_can_be_asked_but_not_written_to(store):
    with store.account("m-1", CLUB) as account:
        account.earn(bought(150))
    assert account.balance(at="2026-01-06") == 150
    with pytest.raises(RuleError, match="its block was left; open it again"):
        account.earn(bought(150, "t-2"))


def test_a_call_that_is_made_again_gives_the_same_and_writes_nothing(store):
    receipt = earn(store, "m-1")
    assert earn(again(store.place), "m-1").entries == receipt.entries
    assert len(store.entries("m-1")) == 1
    with pytest.raises(Conflict, match="t-1"):
        earn(store, "m-1", 151)


def test_a_long_account_is_loaded_from_its_snapshot_and_still_knows_every_id(store):
    for n in range(130):
        earn(store, "m-1", id=f"t-{n}")
    other = again(store.place)
    assert earn(other, "m-1", id="t-0").points == 150
    with other.account("m-1", CLUB) as account:
        assert len(account.entries) < 130
        account.reverse("t-3", id="x-1", at="2026-01-06")
        account.redeem("mug", id="r-1", at="2026-01-07")
    with store.account("m-1", CLUB) as account:
        account.cancel("r-1", id="x-2", at="2026-01-08")
    assert account.reverse is not None
    assert store.balances(at="2026-01-08") == {"m-1": {"points": 129 * 150}}
    assert [entry.seq for entry in store.entries("m-1")] == list(range(1, len(store.entries("m-1")) + 1))
    assert store.verify() == ()


def test_a_long_account_answers_about_any_time(store):
    for n in range(60):
        earn(store, "m-1", id=f"t-{n}", at=f"2026-01-05T{n // 10:02}:{n % 10:02}")
    for account in (store.look("m-1"), again(store.place).look("m-1")):
        assert len(account.entries) < 60
        assert account.balance(at="2026-01-05T00:00") == 150
        assert account.statement(at="2026-02-01").units[0].closing == 60 * 150
    with store.account("m-1", CLUB) as account:
        assert account.balance(at="2026-01-05T00:00") == 150
        account.redeem("mug", id="r-1", at="2026-02-01")
        assert account.balance(at="2026-01-05T00:01") == 300
    assert len(store.entries("m-1")) == 61
    assert store.verify() == ()


def test_an_account_that_was_left_answers_as_of_its_end_whatever_comes_later(store):
    for n in range(30):
        with store.account("m-1", CLUB) as account:
            account.earn(bought(150, f"t-{n}"))
        if n == 7:
            left = account
    assert left.balance(at="2026-01-06") == 8 * 150
    assert len(left.entries) == 8
    assert left.preview(bought(5, "t-x")).points == 5
    with pytest.raises(RuleError, match="its block was left"):
        left.redeem("mug", id="r-1", at="2026-01-06")
    assert account.balance(at="2026-01-06") == 30 * 150


def test_what_a_block_that_failed_did_is_not_seen_by_the_next(store):
    earn(store, "m-1")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), store.account("m-1", CLUB) as account:
            account.earn(bought(150, "t-2"))
            raise ZeroDivisionError
        with store.account("m-1", CLUB) as account:
            assert account.balance(at="2026-01-06") == 150


def test_looking_far_ahead_leaves_no_trace(store):
    club = Program(
        "Club", earning=PerSpend(1) * by_tier(gold=2),
        tiers=TierLadder(Tier("gold", Reach("spend", 100)), window=Calendar("year"), keeps=EndOfPeriod(0)),
    )  # fmt: skip
    memory = club.account("m-1")
    for kind in (store, again(store.place)):
        with kind.account("m-1", club) as account:
            account.earn(bought(150, "t-1"))
    memory.earn(bought(150, "t-1"))
    with store.account("m-1", club) as account:
        account.advance("2026-12-31")
    with store.account("m-1", club) as account:
        assert (
            account.earn(bought(10, "t-2", "2026-02-01")).points == memory.earn(bought(10, "t-2", "2026-02-01")).points
        )
    assert store.verify() == ()


def test_what_another_process_wrote_meanwhile_is_seen(store):
    other = again(store.place)
    for n in range(6):
        earn((store, other)[n % 2], "m-1", id=f"t-{n}")
    for each in (store, other):
        with each.account("m-1", CLUB) as account:
            assert account.balance(at="2026-01-06") == 6 * 150
    assert store.verify() == ()


def test_facts_that_are_given_are_used_though_the_account_is_remembered(store):
    club = Program("Club", earning=PerSpend(1) + Flat(100).when(MemberFact("plan", "pro")))
    assert earn(store, "m-1", program=club).points == 150
    assert earn(store, "m-1", id="t-2", program=club, facts={"plan": "pro"}).points == 250
    assert earn(store, "m-1", id="t-3", program=club, facts={"plan": "pro"}).points == 250


def test_a_snapshot_that_the_program_has_outgrown_is_made_anew_from_the_entries(store):
    """It lacks what a ladder that came later has to count."""
    for n in range(30):
        earn(store, "m-1", id=f"t-{n}")
    tiered = Program(
        "Club",
        points={"points": Points(PerSpend(1), expiry=After(months=12))},
        tiers=TierLadder(Tier("gold", Reach("spend", 4000)), window=Calendar("year"), keeps=EndOfPeriod(1)),
    )
    newer = again(store.place)
    assert newer.look("m-1", tiered).balance(at="2026-01-06") == 30 * 150
    assert earn(newer, "m-1", id="t-3", program=tiered).points == 150  # known still
    earn(newer, "m-1", id="t-30", program=tiered)
    there = again(store.place).look("m-1")
    assert (there.tier(at="2026-01-06"), there.balance(at="2026-01-06")) == ("gold", 31 * 150)
    assert newer.verify() == ()


def test_someone_who_looks_sees_one_state(store):
    """What is written while an account is being read is not seen by halves."""
    for n in range(60):
        earn(store, "m-1", id=f"t-{n}")
    other = again(store.place)
    real = Statements.account

    def slow(self, connection, member, *, locked):
        row = real(self, connection, member, locked=locked)
        if not locked:
            thread = Thread(target=lambda: [earn(other, member, id=f"u-{n}") for n in range(200)])
            thread.start()
            thread.join()
        return row

    watched = again(store.place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Statements, "account", slow)
        seen = watched.look("m-1", CLUB)
    assert seen.balance(at="2026-01-06") == 60 * 150
    assert watched.look("m-1").balance(at="2026-01-06") == 260 * 150


def test_what_the_application_says_of_a_member_is_remembered(store):
    club = Program("Club", earning=PerSpend(1) + Flat(100).when(MemberFact("plan", "pro")))
    earn(store, "m-1", program=club, joined="2026-01-01", facts={"plan": "pro"})
    assert earn(again(store.place), "m-1", id="t-2", program=club).points == 250
    assert earn(store, "m-1", id="t-3", program=club, facts={"plan": "free"}).points == 150
    assert earn(store, "m-1", id="t-4", program=club).points == 150
    assert str(store.look("m-1").member(at="2026-01-06").joined) == "2026-01-01"


def test_several_accounts_are_written_together(store):
    earn(store, "b")
    with store.accounts("b", "a", CLUB) as (b, a):
        b.transfer(50, a, id="x-1", at="2026-01-06")
    assert store.balances(at="2026-01-06") == {"a": {"points": 50}, "b": {"points": 100}}
    with pytest.raises(ZeroDivisionError), store.accounts("a", "b", CLUB) as (a, b):
        a.transfer(50, b, id="x-2", at="2026-01-07")
        raise ZeroDivisionError
    assert store.balances(at="2026-01-08") == {"a": {"points": 50}, "b": {"points": 100}}
    with store.accounts("a", "b", CLUB) as (a, b):
        a.merge(b, id="x-3", at="2026-01-09")
    assert store.balances(at="2026-01-09") == {"a": {"points": 150}, "b": {"points": 0}}
    assert store.verify() == ()


@pytest.mark.parametrize("members", [(), ("a", "a"), ("a", "")])
def test_several_accounts_have_an_id_each(store, members):
    with pytest.raises(RuleError, match="member"), store.accounts(*members, CLUB):
        pass
    with pytest.raises(RuleError, match="program"), store.accounts("a", "b"):
        pass


def test_a_block_within_a_block_is_refused(store):
    with (
        store.account("a", CLUB),
        pytest.raises(RuleError, match=r"open all accounts at once, by store\.accounts"),
        store.account("b", CLUB),
    ):
        pass


def test_an_account_is_of_one_program(store):
    earn(store, "m-1")
    with pytest.raises(RuleError, match="it is an account of 'Club', not of 'Other'"):
        earn(store, "m-1", program=Program("Other", earning=PerSpend(1)))


def test_run_gives_what_the_function_returns(store):
    assert store.run("m-1", CLUB, lambda account: account.earn(bought(150))).points == 150
    assert store.look("m-1").balance(at="2026-01-06") == 150


def test_someone_who_waits_too_long_for_the_lock_is_told(store):
    impatient = again(store.place, timeout=0.1)
    impatient._registered(CLUB)
    found = []

    def other():
        for wait in (lambda: earn(impatient, "m-1", id="t-2"), lambda: impatient.run("m-1", CLUB, lambda a: None)):
            try:
                wait()
            except StoreBusy as error:
                found.append(error)

    with store.account("m-1", CLUB) as account:
        account.earn(bought(150))
        thread = Thread(target=other)
        thread.start()
        thread.join()
    assert len(found) == 2
    assert "nothing was written, try again" in str(found[0])
    assert earn(impatient, "m-1", id="t-2").points == 150


def test_threads_share_a_store(store):
    def work(n):
        for i in range(10):
            store.run("m-1", CLUB, lambda account, i=i: account.earn(bought(10, f"{n}-{i}")))

    threads = [Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.balances(at="2026-01-06") == {"m-1": {"points": 400}}
    assert store.verify() == ()


def test_the_clock_may_go_back(store):
    earn(store, "m-1", at="2026-03-01")
    earn(store, "m-1", id="t-2", at="2026-02-01")
    first, second = store.entries("m-1")
    assert second.at < first.at
    assert second.posted == first.posted
    assert store.verify() == ()


@pytest.mark.parametrize("back", [timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)])
def test_the_clock_may_go_back_a_little(store, back):
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    earn(store, "m-1", at=now)
    with again(store.place).account("m-1", CLUB) as account:
        assert account.redeem("mug", id="r-1", at=now - back).ok
    _, spent = store.entries("m-1")
    assert (spent.at, spent.posted) == (now - back, now)
    assert store.balances(at=now) == {"m-1": {"points": 50}}
    assert store.verify() == ()


def test_deliveries_in_any_order_and_twice_end_alike(store):
    @FEW
    @given(order=st.permutations(range(6)), data=st.data())
    def delivered(order, data):
        empty(store)
        for n in [*order, *data.draw(st.lists(st.sampled_from(order), max_size=6))]:
            earn(store, "m-1", 10 * n, id=f"t-{n}", at=f"2026-01-0{n + 1}")
        assert store.balances(at="2026-02-01") == {"m-1": {"points": 150}}
        assert len(store.entries("m-1")) == 6
        assert store.verify() == ()

    delivered()


# The same in memory and in a database ---------------------------------------------------------------------------------


def test_every_step_is_in_each_database_as_in_memory(tmp_path):
    """One of them remembers accounts from step to step, one reads them anew each time, and one is on a server."""
    tell_stories(tmp_path, ("sqlite", {}), ("sqlite", {"cache": 1}), *[(server, {}) for server in SERVERS])


TIERED = ProgramHistory(
    Program(
        "Air",
        points={
            "miles": Points(
                PerSpend(5) * by_tier(gold=2),
                expiry=AfterInactivity(months=18),
                on_event=Flat(500).when(OfKind("tier_up")),
            ),
            "cash": Points(Flat(0)),
        },
        tiers=TierLadder(
            Tier("gold", Reach("spend", 500)), window=Calendar("year"), keeps=EndOfPeriod(1), downgrade="one_level"
        ),
    ),
    (
        "2026-06-01",
        Program(
            "Air",
            points={
                "miles": Points(
                    PerSpend(3) * by_tier(gold=2),
                    expiry=AfterInactivity(months=12),
                    on_event=Flat(500).when(OfKind("tier_up")),
                    converts=Convert(1000, into="cash", gives=10).every("month"),
                ),
                "cash": Points(Flat(0)),
            },
            tiers=TierLadder(
                Tier("gold", Reach("spend", 500)), window=Calendar("year"), keeps=EndOfPeriod(1), downgrade="one_level"
            ),
        ),
    ),
)


def test_tiers_events_conversions_and_versions_of_a_program_are_kept(store):
    memory = TIERED.account("m-1", joined="2026-01-01")
    for month in range(1, 13):
        activity = bought(60, f"t-{month}", f"2026-{month:02}-05")
        for n in range(3):
            each = bought(32, f"t-{month}-{n}", f"2026-{month:02}-1{n}")
            memory.earn(each)
            other = again(store.place)
            with other.account("m-1", TIERED, joined="2026-01-01") as account:
                account.earn(each)
            other.close()
        memory.earn(activity)
        with store.account("m-1", TIERED) as account:
            account.earn(activity)
    memory.advance("2029-02-01")
    assert store.advance_all(TIERED, to="2029-02-01") == 1
    assert store.entries("m-1") == memory.entries
    assert {entry.kind for entry in memory.entries} >= {"earned", "tier_changed", "converted", "lapsed"}
    assert store.verify() == ()
    kinds = {event.kind for event in store.events(limit=10**6)}
    assert {"points_earned", "points_expired", "tier_up"} <= kinds


# What all members share -----------------------------------------------------------------------------------------------


def ask_for_rare(store, *members, day):
    answers = []
    for member in members:
        with store.account(member, CLUB) as account:
            answers.append(account.redeem("rare", id=f"{member} {day} {len(answers)}", at=f"2026-01-{day}").ok)
    return answers


def test_a_stock_is_for_all_members_of_the_store(store):
    earn(store, "a")
    earn(store, "b")
    assert ask_for_rare(store, "a", "b", day="06") == [True, True]
    with store.account("a", CLUB) as account:
        assert account.hold("rare", id="h-1", at="2026-01-07").ok
    assert ask_for_rare(again(store.place), "b", "a", day="07") == [False, False]
    with store.account("a", CLUB) as account:
        account.release("h-1", id="x-1", at="2026-01-07")
    assert ask_for_rare(store, "b", "a", day="08") == [True, False]
    assert store.verify() == ()


def test_a_hold_that_times_out_frees_the_stock_when_all_are_advanced(store):
    earn(store, "a")
    earn(store, "b")
    for n in range(3):
        with store.account("a", CLUB) as account:
            assert account.hold("rare", id=f"h-{n}", at="2026-01-06").ok
    assert ask_for_rare(store, "b", day="08") == [False]
    assert store.advance_all(CLUB, to="2026-01-09") == 1
    assert ask_for_rare(store, "b", day="09") == [True]
    assert store.verify() == ()


def test_what_a_block_that_failed_took_of_the_stock_is_there(store):
    earn(store, "a")
    for _ in range(4):
        with pytest.raises(ZeroDivisionError), store.account("a", CLUB) as account:
            account.redeem("rare", id="r-1", at="2026-01-06")
            raise ZeroDivisionError
    assert ask_for_rare(store, "a", day="07") == [True]


# Questions about all --------------------------------------------------------------------------------------------------


def test_balances_are_as_of_any_moment(store):
    earn(store, "a", at="2026-01-05")
    earn(store, "b", at="2026-02-05")
    days = ("2026-01-01", "2026-01-05", "2026-03-01", "2027-01-06", "2027-02-06")
    found = [{m: store.balances(at=day)[m].get("points", 0) for m in "ab"} for day in days]
    assert found == [
        {"a": 0, "b": 0}, {"a": 150, "b": 0}, {"a": 150, "b": 150}, {"a": 0, "b": 150}, {"a": 0, "b": 0}
    ]  # fmt: skip
    assert again(store.place).balances(at="2026-03-01") == store.balances(at="2026-03-01")  # the program is kept


def test_entries_since(store):
    earn(store, "a", at="2026-01-05")
    earn(store, "a", id="t-2", at="2026-02-05")
    assert [entry.id for entry in store.entries("a", since="2026-02-05")] == ["t-2"]
    assert store.entries("nobody") == store.entries("nobody", since="2026-01-01") == ()


def test_what_expires_soon(store):
    earn(store, "a", at="2026-01-05")
    earn(store, "b", at="2026-03-05")
    assert store.expiring(within=30, at="2026-12-20") == (Expiring("a", "points", 150, datetime(2027, 1, 5).date()),)
    assert store.expiring(within=timedelta(days=3), at="2026-12-20") == ()
    assert store.expiring(within=0, at="2027-01-05")[0].member == "a"


def test_what_expires_soon_from_now_goes_by_the_clock_of_the_store(store):
    earn(store, "a", at="2026-01-05")
    told = again(store.place, clock=lambda: datetime(2026, 12, 20, tzinfo=UTC))
    assert told.expiring(within=30) == told.expiring(within=30, at="2026-12-20") != ()
    early = again(store.place, clock=lambda: datetime(2026, 1, 20, tzinfo=UTC))
    assert early.expiring(within=30) == ()


def test_without_a_clock_given_it_is_the_machines(store):
    now = datetime.now(UTC)
    earn(store, "a", at=now - timedelta(days=360))
    [soon] = store.expiring(within=30)
    assert (soon.member, soon.points) == ("a", 150)


def test_advance_all_can_be_stopped_and_run_again(store, monkeypatch):
    monkeypatch.setattr(loyaltycore.store, "BATCH", 2)
    for n in range(7):
        earn(store, f"m-{n}")
    seen = []

    def progress(done, total):
        seen.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.advance_all(CLUB, to="2027-02-01", progress=progress)
    lapsed = [m for m in range(7) if store.entries(f"m-{m}")[-1].kind == "lapsed"]
    assert lapsed == [0, 1, 2, 3]
    assert store.advance_all(CLUB, to="2027-02-01", progress=progress) == 3
    assert seen == [(2, 7), (4, 7), (2, 3), (3, 3)]
    assert store.advance_all(CLUB, to="2027-02-01") == 0
    assert all(store.entries(f"m-{m}")[-1].kind == "lapsed" for m in range(7))
    assert store.verify() == ()


def test_accounts_under_a_program_that_changed_are_looked_at_again(store):
    earn(store, "m-1")
    sooner = Program("Club", points={"points": Points(PerSpend(1), expiry=After(months=1))})
    assert store.advance_all(CLUB, to="2026-03-01") == 0
    other = again(store.place)
    assert other.advance_all(sooner, to="2026-03-01") == 1
    assert other.balances(at="2026-03-01") == {"m-1": {"points": 0}}


@pytest.mark.parametrize("program", [CLUB, TIERED], ids=["club", "tiered"])
def test_what_a_block_leaves_behind_needs_no_collector(tmp_path, program):
    """What is left in a circle is there until Python looks for circles, among all there is."""
    with fresh_store("sqlite", tmp_path) as store:

        def block(n):
            with store.account("m-1", program) as account:
                for i in range(30):  # more than a snapshot waits for
                    account.earn(bought(10, f"t-{n}-{i}"))
                if program is CLUB:
                    account.redeem("mug", id=f"r-{n}", at="2026-01-05")

        block(0)
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            for n in (1, 2, 3):
                block(n)
            gc.collect()
            assert [found for found in gc.garbage if isinstance(found, (Entry, LotState, Ledger))] == []
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()


@frozen
class Watched(EarningRule):
    """A rule of somebody's own that keeps the members it was asked about."""

    kind = "watched"

    def earn(self, activity, member):
        SEEN.append(member)
        return activity.amount


SEEN = []


@pytest.mark.parametrize("tiers", [(), (Tier("gold", Reach("spend", 100)),)], ids=["no tiers", "tiers"])
def test_a_member_that_a_rule_has_kept_still_answers_after_its_block(store, tiers):
    program = Program(
        "Watched",
        points={"points": Points(Watched(), expiry=After(months=12))},
        tiers=TierLadder(*tiers, window="year", keeps=EndOfPeriod(1)) if tiers else None,
    )
    SEEN.clear()
    for n in range(3):
        with store.account("m-1", program) as account:
            for i in range(25):  # more than a snapshot waits for
                account.earn(bought(10, f"t-{n}-{i}"))
        member = SEEN[-1]
        assert sum(lot.points for lot in member.lots) == 250 * (n + 1)
        assert member.available("points") == 250 * (n + 1)
        assert len(list(member.only_lots(~Fact("none")).lots)) == 25 * (n + 1)


class Stamp(datetime):
    """A moment that knows more than microseconds, as those of pandas do."""

    def isoformat(self, sep="T", timespec="auto"):
        return f"{super().isoformat(sep, timespec)}{'' if timespec == 'microseconds' else '001'}"


def test_moments_are_kept_in_one_length(tmp_path):
    with fresh_store("sqlite", tmp_path) as store:
        for n, at in enumerate([Stamp(2026, 1, 5, tzinfo=UTC), Stamp(2026, 1, 5, 0, 0, 0, 1, tzinfo=UTC)]):
            earn(store, "m-1", id=f"t-{n}", at=at)
        (entries,) = [t for t in store.metadata.sorted_tables if t.name.endswith("entries")]
        with store._database._engine.begin() as connection:
            kept = connection.execute(sa.select(sa.cast(entries.c.at, sa.String))).scalars().all()
        assert {len(text) for text in kept} == {len("2026-01-05T00:00:00.000000+00:00")}


# The outbox -----------------------------------------------------------------------------------------------------------


def test_what_others_are_told(store):
    club = Program(
        "Club",
        points={"points": Points(PerSpend(1), expiry=After(months=12))},
        rewards={"mug": Item(100)},
        tiers=TierLadder(
            Tier("gold", Reach("points", 150)), window=Calendar("year"), keeps=EndOfPeriod(1), downgrade="one_level"
        ),
    )
    earn(store, "m-1", 90, program=club)
    assert [event.kind for event in store.events()] == ["points_earned"]
    earn(store, "m-1", 90, id="t-2", program=club, at="2026-02-05")
    later = store.events(after=1)
    assert sorted(event.kind for event in later) == ["points_earned", "reward_available", "tier_up"]
    assert [event.number for event in later] == [2, 3, 4]
    assert store.events(after=4) == ()
    store.advance_all(club, to="2026-12-15")
    store.advance_all(club, to="2026-12-16")  # nobody is told twice
    soon = store.events(after=4)
    assert [(event.kind, event.data.get("points")) for event in soon] == [("points_expiring", 90)]
    store.advance_all(club, to="2027-12-10")
    rest = [event.kind for event in store.events(after=5)]
    assert rest.count("points_expired") == 2
    assert rest.count("tier_at_risk") == 1
    assert store.events(after=2, limit=1)[0].number == 3


@frozen
class Haggled(Item):
    """Somebody's own item, which is given for less than it says."""

    kind = "haggled"

    def price(self, order, member):
        return 2


MENU = Program(
    "Menu",
    points={
        "points": Points(PerSpend(1)),
        "stars": Points(PerUnit(1, of="stars")),
    },
    rewards={
        "tea": Item("7.5", unit="points"),
        "free": Item(0, unit="points"),
        "card": Voucher(15, worth=5, unit="points"),
        "brief": Voucher(15, worth=5, unit="points", expiry=EndOf("year")),
        "once": Item(10, unit="points").limit(1, per="year"),
        "half": Item(30, unit="points") * "0.5",
        "large": Item(PerUnit(3, of="size"), unit="points"),
        "haggled": Haggled(30, unit="points"),
        "badge": Item(3, unit="stars"),
    },
)


@given(spent=st.integers(0, 40), stars=st.integers(0, 5), back=st.integers(0, 40), redeemed=st.integers(0, 2))
def test_others_are_told_of_each_reward_that_can_be_had(spent, stars, back, redeemed):
    with closing(Store("sqlite://")) as store:
        store.create()
        with store.account("m-1", MENU) as account:
            account.earn(Activity([Line(spent + 20)], at="2026-01-05", id="t-0"))
            for n in range(redeemed):
                account.redeem("tea", id=f"r-{n}", at="2026-01-05")
            if back:
                account.reverse("t-0", amount=min(back, spent + 20), id="x-0", at="2026-01-05", on_shortfall="owe")
            if stars:
                account.earn(Activity([Line(0)], at="2026-01-05", id="t-1", facts={"stars": stars}))
        told = {event.data["reward"] for event in store.events() if event.kind == "reward_available"}
        assert told == {quote.option for quote in account.options(at="2026-01-05") if quote.ok}


def test_events_are_numbered_in_the_order_in_which_they_can_be_seen(tmp_path):
    """One that was begun first and is there last must not come in below a number that was read meanwhile."""
    with fresh_store("postgres", tmp_path) as store:
        earn(store, "a", 5)
        (events,) = [t for t in store.metadata.sorted_tables if t.name.endswith("events")]
        slow = {"account": "a", "kind": "slow", "subject": "", "at": datetime(2026, 1, 1, tzinfo=UTC), "data": "{}"}
        with store._database._engine.begin() as connection:
            connection.execute(sa.insert(events).values(slow))
            earn(store, "b", 5)
            seen = store.events()
            assert {event.member for event in seen} == {"a", "b"}
        last = len(seen)
        assert [(event.number, event.kind) for event in store.events(after=last)] == [(last + 1, "slow")]


def test_events_that_were_delivered_can_be_dropped(store):
    earn(store, "a", at="2026-01-05")
    earn(store, "b", at="2026-01-06")
    first = store.events()
    assert store.drop_events(upto=first[1].number) == 2
    assert store.events() == first[2:]
    assert store.drop_events(upto=first[-1].number) == len(first) - 2
    assert store.events() == ()
    earn(again(store.place), "a", id="t-2", at="2026-01-07")
    [later] = store.events()
    assert (later.number, later.data["id"]) == (first[-1].number + 1, "t-2")  # numbers are not given twice
    assert store.verify() == ()


def test_what_nobody_has_read_is_not_dropped(store):
    earn(store, "a")
    assert store.drop_events(upto=10**6) == 0
    assert {event.kind for event in store.events()} == {"points_earned", "reward_available"}


def test_a_warning_that_was_dropped_is_not_given_again(store):
    earn(store, "a", at="2026-01-05")
    store.advance_all(CLUB, to="2026-12-20")
    [*_, warning] = store.events()
    assert warning.kind == "points_expiring"
    store.drop_events(upto=warning.number)
    store.advance_all(CLUB, to="2026-12-21")
    assert store.events() == (warning,)  # it stays until it has come true
    store.advance_all(CLUB, to="2027-01-06")
    store.drop_events(upto=warning.number)
    assert [event.kind for event in store.events()] == ["points_expired"]
    assert store.verify() == ()


# Upkeep ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_what_is_exported_can_be_imported(store, tmp_path, suffix):
    earn(store, "a", joined="2026-01-01", facts={"plan": "pro"})
    earn(store, "b")
    ask_for_rare(store, "a", "b", "a", day="06")
    file = tmp_path / f"all.{suffix}"
    assert store.export(file) == 1 + 2 + 5
    with fresh_store("sqlite", tmp_path) as other:
        assert other.import_(file) == 2
        assert other.verify() == ()
        assert other.entries("a") == store.entries("a")
        assert other.balances(at="2026-02-01") == store.balances(at="2026-02-01")
        assert str(other.look("a").member(at="2026-02-01").joined) == "2026-01-01"
        assert ask_for_rare(other, "b", day="07") == [False]  # the stock came along
        with pytest.raises(StoreError, match="a: it is there already"):
            other.import_(file)


def test_a_file_that_was_damaged_is_refused(store, tmp_path):
    earn(store, "a")
    file = tmp_path / "all.jsonl"
    store.export(file)
    program, account, entry = file.read_text().splitlines()
    with fresh_store("sqlite", tmp_path) as other:
        for lines, match in (
            ([program, entry, account], "an account comes before its entries"),
            ([program, account, entry[:-9]], r"all.jsonl:3: this is no JSON"),
            ([program, account, '{"what": "entry"}'], "a row has what, account, seq, data"),
            ([program, account, entry.replace('"points": 150', '"points": true')], r"\$"),
        ):
            file.write_text("\n".join(lines))
            with pytest.raises(DataError, match=match):
                other.import_(file)
        assert other.balances(at="2026-02-01") == {}


def test_an_erased_member_is_nowhere_in_the_database(store, tmp_path):
    secret = "anna-7f3a"  # noqa: S105 (an id)
    earn(store, secret, facts={"city": "Lyon-sur-Mer"})
    with store.accounts(secret, "ben", CLUB) as (anna, ben):
        anna.earn(Activity.purchase(40, at="2026-01-06", id="t-2", member=secret))
        anna.note(at="2026-01-06", id="n-1", street="Rue Longue")
        anna.transfer(50, ben, id="x-1", at="2026-01-07")
        ben.transfer(10, anna, id="x-2", at="2026-01-08")
    before = {m: dict(totals) for m, totals in store.balances(at="2026-02-01").items()}
    new = store.erase(secret)
    assert store.balances(at="2026-02-01") == {new: before[secret], "ben": before["ben"]}
    assert store.verify() == ()
    rows = []
    with store._database.reading() as connection:
        for table in store.metadata.sorted_tables:
            rows += [str(row) for row in connection.execute(sa.select(table))]
    for word in (secret, "Lyon-sur-Mer", "Rue Longue"):
        assert not [row for row in rows if word in row]
        if store._database.on_sqlite:
            store.close()
            files = Path(store._database.url.database).parent.glob("*.db*")
            assert not [file for file in files if word.encode() in file.read_bytes()]
    with pytest.raises(RuleError, match="there is no such account to erase"):
        store.erase(secret)
    with pytest.raises(RuleError, match="there is an account of that id"):
        store.erase(new, "ben")


DAMAGE = {
    "when something falls due": ("accounts", {"due": None}, "falls due"),
    "the last entry": ("accounts", {"posted": None}, "its last entry was posted at"),
    "how many entries there are": ("accounts", {"length": 99}, "of its 99 entries"),
    "the rewards it can have": ("accounts", {"rewards": "[]"}, "are the rewards it can have"),
    "a balance": ("balances", {"available": 7}, "in the table of balances"),
    "a counter": ("counters", {"counts": "[]"}, "in the counters"),
    "the points of an entry": ("entries", {"points": 1}, "the row of entry"),
    "the source of an entry": ("entries", {"source": "x"}, "the row of entry"),
    "the part of a call": ("entries", {"part": sa.column("seq")}, "the row of entry"),
    "when an entry was posted": ("entries", {"posted": datetime(2020, 1, 1, tzinfo=UTC)}, "the row of entry"),
    "what others are told": ("events", {"data": "{}"}, "others are told"),
    "of what others are told": ("events", {"kind": "tier_up"}, "others are told"),
    "a lot that is used up": (
        "lots", {"data": sa.func.replace(sa.column("data"), '"size": 10', '"size": 11')}, "lot 1 is",
    ),
    "which lot it is": ("lots", {"lot": 999}, "lot 999 is in the table of lots"),
    "whether it is used up": ("lots", {"used_up": sa.not_(sa.column("used_up"))}, "the table of lots says otherwise"),
    "a lot of which something is left": (
        "lots", {"data": sa.func.replace(sa.column("data"), '"points": 10, ', '"points": 9, ')}, "in the table of lots",
    ),
    "a lot that is no lot": ("lots", {"data": "[]"}, "it cannot be read: "),
    "what is left by the snapshot": (
        "snapshots", {"data": sa.func.replace(sa.column("data"), '"available": ', '"available": 1')}, "by the snapshot",
    ),
    "which lot ends first by the snapshot": (
        "snapshots", {"data": sa.func.replace(sa.column("data"), '"ends": ["2027-01', '"ends": ["2028-01')},
        "are left as",
    ),
    "how many lots there were by the snapshot": (
        "snapshots", {"data": sa.func.replace(sa.column("data"), '"made": ', '"made": 1')}, "lots were made",
    ),
    "the snapshot's counters": (
        "snapshots", {"data": sa.func.replace(sa.column("data"), '"ever"], ', '"ever"], 1')},
        "is counted by the entries",
    ),
    "a snapshot that is none": ("snapshots", {"data": "{}"}, "it cannot be read: "),
}  # fmt: skip


def long_lived(store):
    """A member with a snapshot, lots that are used up, rewards, and something in stock."""
    for n in range(40):
        earn(store, "a", 10, id=f"t-{n}")
        if n % 2:
            with store.account("a", CLUB) as account:
                account.redeem("rare" if n == 1 else "dot", id=f"r-{n}", at="2026-01-06")
    with store.account("a", CLUB) as account:
        account.redeem("mug", id="r-mug", at="2026-01-06")
        account.cancel("r-mug", id="x-mug", at="2026-01-06")


def change(store, table, values):
    with store._database._engine.begin() as connection:
        (changed,) = [t for t in store.metadata.sorted_tables if t.name.endswith(table)]
        assert connection.execute(sa.update(changed).values(**values)).rowcount


@pytest.mark.parametrize("what", DAMAGE)
def test_verify_finds_what_was_changed_by_hand(store, what, capsys):
    long_lived(store)
    assert store.verify() == ()
    table, values, said = DAMAGE[what]
    if what == "which lot it is":
        with store._database._engine.begin() as connection:  # the others would have one number
            (lots,) = [t for t in store.metadata.sorted_tables if t.name.endswith(table)]
            connection.execute(sa.delete(lots).where(lots.c.lot > 1))
    change(store, table, values)
    found = again(store.place).verify()
    assert capsys.readouterr().out.splitlines() == list(found)
    assert any(said in line for line in found), found


@pytest.mark.parametrize(
    ("table", "said"),
    {"lots": "is not in the table", "snapshots": "there is no snapshot", "events": "nobody is told of"}.items(),
)
def test_verify_finds_rows_that_are_missing(store, table, said):
    long_lived(store)
    with store._database._engine.begin() as connection:
        (emptied,) = [t for t in store.metadata.sorted_tables if t.name.endswith(table)]
        connection.execute(sa.delete(emptied))
    assert any(said in line for line in again(store.place).verify(report=None))


def test_verify_finds_an_entry_that_is_missing(store):
    for n in range(3):
        earn(store, "a", id=f"t-{n}")
    (entries,) = [t for t in store.metadata.sorted_tables if t.name.endswith("entries")]
    with store._database._engine.begin() as connection:
        connection.execute(sa.delete(entries).where(entries.c.seq == 2))
    assert "a: it cannot be read: a: of its 3 entries 2 are there" in again(store.place).verify(report=None)[0]


# The tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Points", "1st", "a-b", 'a"; drop table x; --', "ü", "x" * 40])
def test_names_of_tables_are_checked(name):
    with pytest.raises(RuleError, match=r"prefix: .* is no name for tables"):
        Store("sqlite://", prefix=name)
    with pytest.raises(RuleError, match=r"schema: .* is no name for tables"):
        Store("postgresql+psycopg://localhost/x", schema=name)


def test_a_store_may_have_a_schema_of_its_own(tmp_path):
    with fresh_store("postgres", tmp_path) as store:
        with store._database._engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema("own", if_not_exists=True))
        own = Store(store.place[0], prefix=store.place[1]["prefix"], schema="own")
        own.create()
        earn(own, "m-1")
        assert own.verify() == ()
        assert own.balances(at="2026-02-01")
        assert store.balances(at="2026-02-01") == {}
        with own._database._engine.begin() as connection:
            own.metadata.drop_all(connection)
        own.close()


def test_tables_that_are_not_there_are_told_of(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(StoreError, match=r"make them with store\.create\(\)"):
        earn(store, "m-1")
    store.metadata.create_all(store._database._engine)  # as Alembic would
    store.create()
    store.create()
    earn(store, "m-1")
    store.close()


def test_several_may_make_the_tables_at_once(tmp_path):
    for kind in ("sqlite", "postgres"):
        with fresh_store(kind, tmp_path) as store:
            url, options = store.place
            stores = [Store(url, **options | {"prefix": f"{options['prefix']}x_"}) for _ in range(6)]
            errors = []
            threads = [Thread(target=made, args=(each, errors)) for each in stores]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert errors == []
            earn(stores[0], "m-1")
            assert stores[-1].balances(at="2026-02-01") == {"m-1": {"points": 150}}
            with stores[0]._database._engine.begin() as connection:
                stores[0].metadata.drop_all(connection)
            for each in stores:
                each.close()


def made(store, errors):
    try:
        store.create()
    except Exception as error:  # noqa: BLE001 (the test looks at it)
        errors.append(error)


def test_tables_of_version_1_are_brought_up_to_date(store, monkeypatch):
    earn(store, "m-1")

    def to_version_2(connection, tables):
        connection.execute(sa.insert(tables.counters).values(program="-", reward="-", counts="[]"))

    monkeypatch.setattr("loyaltycore._tables.VERSION", 2)
    monkeypatch.setattr("loyaltycore._tables.MIGRATIONS", {2: to_version_2})
    newer = again(store.place)
    with pytest.raises(StoreError, match=r"the tables are of version 1; bring them up to date with store\.create\(\)"):
        newer.balances(at="2026-02-01")
    newer.create()
    newer.create()
    assert newer.balances(at="2026-02-01") == {"m-1": {"points": 150}}
    monkeypatch.undo()
    with pytest.raises(RuleError, match="of version 2 and this library knows up to 1; update loyaltycore"):
        again(store.place).balances(at="2026-02-01")


def test_the_database_itself_keeps_an_id_and_a_place_from_being_used_twice(store):
    earn(store, "m-1")
    (entries,) = [t for t in store.metadata.sorted_tables if t.name.endswith("entries")]
    (balances,) = [t for t in store.metadata.sorted_tables if t.name.endswith("balances")]
    with store._database._engine.begin() as connection:
        row = dict(connection.execute(sa.select(entries)).mappings().one())
    for same in ({}, {"seq": 2}, {"id": None}):
        with pytest.raises(sa.exc.IntegrityError), store._database._engine.begin() as connection:
            connection.execute(sa.insert(entries).values({**row, **same}))
    with pytest.raises(sa.exc.IntegrityError), store._database._engine.begin() as connection:
        connection.execute(sa.update(balances).values(available=-1))


def test_a_version_that_others_changed_first_is_noticed_without_a_lock(store):
    earn(store, "m-1")
    with pytest.raises(StoreBusy, match="changed by others"), store.account("m-1", CLUB) as account:
        account.earn(bought(10, "t-2"))
        (accounts,) = [t for t in store.metadata.sorted_tables if t.name.endswith("accounts")]
        connection = store._database._here.writes
        connection.execute(sa.update(accounts).values(version=99))
    assert len(store.entries("m-1")) == 1


# What comes from outside ----------------------------------------------------------------------------------------------

HOSTILE = [
    "'; DROP TABLE loyalty_accounts; --",
    '"',
    "a\0b",
    "🎁 ﷽",
    "\ud800",
    "x" * 10_000,
    "ä" * 255,
    "%s %(x)s :x ?",
    "\\",
]


@pytest.mark.parametrize("id", HOSTILE, ids=lambda name: repr(name)[:20])
def test_ids_are_kept_as_they_are_or_refused(store, id):
    for member, call in ((id, "t-1"), ("m-1", id)):
        try:
            earn(store, member, id=call)
        except LoyaltyError:
            assert store.entries("m-1") == ()
        else:
            (entry,) = again(store.place).entries(member)
            assert entry.id == call
            assert earn(store, member, id=call).entries == (entry,)
    assert store.verify() == ()


def test_any_id_is_kept_as_it_is_or_refused(store):
    @FEW
    @given(st.text(min_size=1), st.text(min_size=1))
    def kept(member, call):
        empty(store)
        try:
            earn(store, member, id=call)
        except LoyaltyError:
            assert store.balances(at="2026-02-01") == {}
        else:
            assert [entry.id for entry in store.entries(member)] == [call]
            assert earn(store, member, id=call).points == 150

    kept()


def test_numbers_too_large_for_the_database_are_refused(store):
    with pytest.raises(StoreError, match="number"):
        earn(store, "m-1", 10**20)
    assert store.balances(at="2026-02-01") == {}


PARTS = sorted(
    path.stem
    for path in Path(loyaltycore.__file__).parent.glob("*.py")
    if "import sqlalchemy as sa" in path.read_text() or path.stem == "store"
)


SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|PRAGMA|BEGIN|FROM|WHERE|VALUES)\b")


def texts_made(tree):
    """The places at which text is put together, each with the constant parts of it."""
    for node in ast.walk(tree):
        made = isinstance(node, ast.JoinedStr | ast.BinOp) or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"format", "format_map", "join", "replace"}
        )
        if made:
            yield node, [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def test_the_parts_that_ask_the_database_are_all_known():
    assert {"_database", "_moving", "_outbox", "_statements", "_tables", "_verifying", "store"} <= set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_no_sql_is_put_together_from_data(part):
    """Values are bound: what is executed is a constant, or built by SQLAlchemy."""
    tree = ast.parse(Path(loyaltycore.__file__).with_name(f"{part}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"text", "literal_column", "literal", "executescript", "mogrify"}
            if node.func.attr in {"execute", "executemany", "exec_driver_sql"}:
                assert not isinstance(node.args[0], ast.JoinedStr | ast.BinOp), ast.unparse(node)
    for node, parts in texts_made(tree):
        assert not any(map(SQL.search, parts)), ast.unparse(node)


def test_sql_that_is_put_together_would_be_seen():
    for code in (
        'f"SELECT {x}"',
        '"DELETE FROM " + x',
        '"UPDATE {}".format(x)',
        '" ".join(["DROP", x])',
        '"DROP %s" % x',
    ):
        [(_, parts), *_] = texts_made(ast.parse(code))
        assert any(map(SQL.search, parts))


@pytest.mark.parametrize(
    "url", ["", "points.db", "mysql://localhost/x", "postgresql+pg8000://localhost/x", "sqlite+nothing://", None]
)
def test_other_databases_are_refused(url):
    with pytest.raises(RuleError, match="is no database of a store"):
        Store(url)


@pytest.mark.parametrize(
    "wrong", [{"synchronous": "OFF"}, {"timeout": -1}, {"timeout": True}, {"timeout": float("nan")}]
)
def test_options_are_checked(wrong):
    with pytest.raises(RuleError, match=next(iter(wrong))):
        Store("sqlite://", **wrong)


def test_a_store_in_memory_is_for_all_threads_and_gone_with_it():
    store = Store("sqlite://")
    store.create()
    thread = Thread(target=earn, args=(store, "m-1"))
    thread.start()
    thread.join()
    with store.account("m-1", CLUB) as account:
        account.earn(bought(150, "t-2"))
        assert store.balances(at="2026-01-06") == {"m-1": {"points": 150}}  # within a block too
    assert store.balances(at="2026-01-06") == {"m-1": {"points": 300}}
    store.close()


def test_without_sqlalchemy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtra, match=r"loyaltycore.store needs sqlalchemy, .*; pip install 'loyaltycore\[sql\]'"):
        reload(loyaltycore.store)


def test_a_program_with_a_function_in_it_is_not_kept(store):
    club = Program("Club", earning=PerSpend(1).when(matching(lambda line, activity, member: True)))
    earn(store, "m-1", program=club)
    assert store.balances(at="2026-02-01") == {"m-1": {"points": 150}}
    with pytest.raises(StoreError, match="'Club' has parts that cannot be stored; open an account of it first"):
        again(store.place).balances(at="2026-02-01")
    assert again(store.place).look("m-1", club).balance(at="2026-02-01") == 150


def test_what_is_in_the_file_is_plain_sql(tmp_path):
    with fresh_store("sqlite", tmp_path) as store:
        earn(store, "m-1")
        connection = sqlite3.connect(store._database.url.database)
        prefix = store.place[1]["prefix"]
        rows = connection.execute(f"SELECT kind, points, posted, data FROM {prefix}entries").fetchall()  # noqa: S608
        connection.close()
    ((kind, points, posted, data),) = rows
    assert (kind, points, posted) == ("earned", 150, "2026-01-05T00:00:00.000000+00:00")
    assert json.loads(data)["id"] == "t-1"
    assert datetime.fromisoformat(posted).tzinfo == UTC
