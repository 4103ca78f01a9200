"""Programs that change: which version judges what, and what becomes of the points that members have by then."""

# ruff: noqa: N802 (a promise is written with a capital)

from datetime import UTC, date, datetime, timedelta
import pickle

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
import polars as pl
import pytest
import stories
from stories import STORIES, Teller, plain

from loyaltycore import *
from loyaltycore.balances import balances_report
from loyaltycore.checks import Problem
from loyaltycore.cli import main
from loyaltycore.frames import award_frame
from loyaltycore.reports import explain, points_report
from loyaltycore.testing import AccountMachine

TICK = timedelta(microseconds=1)
DAY = "2026-03-01"


def club(rate=1, *, expiry=None, rewards=None, timezone="UTC", **program):
    """A club with one unit."""
    points = {"points": Points(PerSpend(rate), expiry=Never() if expiry is None else expiry)}
    return Program("Club", points=points, rewards=rewards or {}, timezone=timezone, **program)


def purchase(amount, at, id="t-1", **facts):
    return Activity.purchase(amount, at=at, id=id, **facts)


def earned(history, amount, at):
    return history.award(purchase(amount, at))["points"].points


def last_days(account, at):
    return [str(lot.expires_on) for lot in account.lots("points", at=at)]


# Which version is in force ------------------------------------------------------------------------------------------

BOOTS = ProgramHistory(
    Program("Advantage Card", earning=PerSpend(4), currency="GBP", timezone="Europe/London"),
    ("2023-05-01", Program("Advantage Card", earning=PerSpend(3), currency="GBP", timezone="Europe/London")),
)
"""From 4 to 3 points a pound on 1 May 2023."""

CUP, OWN_CUP = Fact("cup", "paper"), Fact("cup", "own")
STARBUCKS = ProgramHistory(
    Program("My Starbucks Rewards", points={"stars": Points(Flat(1))}, rewards={"drink": Item(12)}),
    ("2016-04-12", Program("Starbucks Rewards", points={"stars": Points(PerSpend(2))}, rewards={"drink": Item(125)})),
    (
        "2019-04-16",
        Program(
            "Starbucks Rewards",
            points={
                "stars": Points(PerSpend(1) + PerSpend(1).when(Fact("tender", "card")), expiry=EndOf("month", plus=6))
            },
            rewards={"extra": Item(25), "coffee": Item(50), "drink": Item(150)},
        ),
    ),
)
"""A star a visit, then two a dollar, then one or two by how it is paid; and what a drink costs."""


def test_boots_gives_four_points_a_pound_and_from_may_2023_three():
    account = BOOTS.account("m-1")
    for day in ("2023-04-01", "2023-06-01"):
        account.earn(purchase(12, day, id=day))
    assert [lot.points for lot in account.lots(at="2023-06-01")] == [48, 36]


def test_starbucks_goes_by_visits_then_by_dollars_then_by_how_one_pays():
    visits = [purchase("8.50", day, tender="card") for day in ("2016-04-11", "2016-04-12", "2019-04-16")]
    assert [STARBUCKS.award(visit)["stars"].points for visit in visits] == [1, 17, 17]
    assert STARBUCKS.award(purchase("8.50", "2019-04-16", tender="cash"))["stars"].points == 8


def test_a_reward_costs_what_it_does_on_the_day_of_the_order():
    account = STARBUCKS.account("m-1")
    account.adjust(300, reason="a gift", actor="me", id="gift", at="2016-01-01")
    days = ("2016-04-11", "2016-04-12", "2019-04-16")
    assert [account.quote("drink", at=day).points for day in days] == [12, 125, 150]
    assert [{quote.option for quote in account.options(at=day)} for day in days[1:]] == [
        {"drink"},
        {"extra", "coffee", "drink"},
    ]
    with pytest.raises(RuleError, match=r"'coffee' is no reward; the program has 'drink'"):
        account.quote("coffee", at="2019-04-15")


def test_a_statement_goes_by_the_name_of_its_day():
    account = STARBUCKS.account("m-1")
    account.earn(purchase(5, "2016-01-01"))
    assert [account.statement(at=day).program for day in ("2016-04-11", "2016-04-12")] == [
        "My Starbucks Rewards",
        "Starbucks Rewards",
    ]


@pytest.mark.parametrize("timezone", ["UTC", "Europe/London", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata"])
def test_a_version_begins_with_the_first_moment_of_its_day(timezone):
    history = ProgramHistory(club(1, timezone=timezone), ("2018-11-04", club(2, timezone=timezone)))
    (begins,) = history.changes
    assert (begins - TICK).astimezone(history.zone).date() == date(2018, 11, 3)
    assert begins.astimezone(history.zone).date() == date(2018, 11, 4)
    account = history.account("m-1")
    for at, points in ((begins - TICK, 10), (begins, 20), (begins + TICK, 20)):
        assert earned(history, 10, at) == points
        assert account.preview(purchase(10, at)).awards["points"].points == points


def test_where_midnight_is_missing_a_version_begins_an_hour_later():
    history = ProgramHistory(
        club(1, timezone="America/Sao_Paulo"), ("2018-11-04", club(2, timezone="America/Sao_Paulo"))
    )
    assert [earned(history, 10, f"2018-11-{at}") for at in ("03T23:59:59", "04T01:00:00")] == [10, 20]
    assert history.changes == (datetime(2018, 11, 4, 3, tzinfo=UTC),)


def test_a_version_can_be_asked_for():
    first, second = (program for program in (club(4), club(3)))
    history = ProgramHistory(first, (date(2023, 5, 1), second))
    moments = ("2023-04-30T23:59", date(2023, 4, 30), "2023-05-01", datetime(2023, 5, 1, tzinfo=UTC))
    assert [history.version(at) for at in moments] == [first, first, second, second]
    assert history.version("0001-01-01") == first


def test_orders_are_quoted_on_both_sides_of_a_change():
    before = club(rewards={"pay": PayWithPoints(worth="0.01")}, hold_timeout="1 day")
    after = club(rewards={"pay": PayWithPoints(worth="0.005")}, hold_timeout="2 days")
    account = ProgramHistory(before, ("2026-03-01", after)).account("m-1")
    account.earn(purchase(1000, "2026-02-01"))
    order = [Activity.purchase(5, at=at) for at in ("2026-02-28T23:59", "2026-03-01")]
    assert [account.quote("pay", asked, at=asked.at, points=400).value for asked in order] == [4, 2]
    account.hold("pay", id="h-1", at="2026-02-28T12:00", order=order[0], points=100)
    account.hold("pay", id="h-2", at="2026-03-01T12:00", order=order[1], points=100)
    assert [account.totals(at=at)["held"] for at in ("2026-03-01T12:00", "2026-03-03T11:59", "2026-03-03T12:00")] == [
        100, 100, 0,
    ]  # fmt: skip


# Promise 25: what was learnt late -----------------------------------------------------------------------------------


def test_I25_a_late_activity_earns_under_the_version_of_its_own_time():
    account = BOOTS.account("m-1")
    receipt = account.earn(purchase(12, "2023-04-30T23:59"), posted="2023-08-01")
    assert receipt.awards["points"].points == 48
    assert account.earn(purchase(12, "2023-05-01", id="t-2"), posted="2023-08-01").awards["points"].points == 36


def test_I25_a_refund_takes_back_what_was_earned_under_the_old_version():
    account = BOOTS.account("m-1")
    account.earn(purchase(12, "2023-04-30"))
    account.reverse("t-1", amount=6, id="back", at="2023-06-01")
    assert account.balance(at="2023-06-01") == 24


def test_I25_a_cancelled_redemption_gives_back_what_it_cost():
    account = STARBUCKS.account("m-1")
    account.adjust(20, reason="a gift", actor="me", id="gift", at="2016-01-01")
    account.redeem("drink", id="r-1", at="2016-04-11")
    account.cancel("r-1", id="back", at="2020-01-01")
    assert account.balance(at="2020-01-01") == 20


# Random lives: versions that differ in all that an account can tell ---------------------------------------------------

OLD = stories.CLUB


def changed(*, grandfather):
    """The club of the stories, later."""
    stars, cash = OLD.points["stars"], OLD.points["cash"]
    return Program(
        "New Club",
        timezone="America/New_York",
        hold_timeout="2 days",
        points={
            "stars": Points(
                PerSpend(3) + PerSpend(2).when(Category("dining")).named("dining").cap(90, per="month"),
                pending=After(days=3),
                expiry=After(days=20, hours=7).unless(MemberFact("plan", "pro")),
                order=OldestFirst(),
                at_most=1_500,
            ),
            "cash": Points(cash.earning, expiry=AfterInactivity(days=30), places=2),
            "miles": Points(PerSpend(1), redeemable=False),
            "status": Points(stars.earning, redeemable=False),
        },
        rewards={**OLD.rewards, "coffee": Item(60, sku="latte", unit="stars").limit(3, per="month")},
        grandfather=grandfather,
    )


def third():
    return Program(
        "New Club",
        timezone="America/New_York",
        points={unit: OLD.points[unit] for unit in OLD.points},
        rewards=OLD.rewards,
        grandfather=False,
    )


HISTORIES = [
    ProgramHistory(OLD, ("2026-01-25", changed(grandfather=keeps)), ("2026-03-08", third())) for keeps in (True, False)
]
"""The second change is on a day on which clocks change; a month and a half of a story comes before it."""

histories = st.sampled_from(HISTORIES)
FEW = settings(max_examples=max(10, settings.default.max_examples // 5))


def begun(program, entries=(), snapshot=None):
    return program.account("m-1", joined="2026-01-01", facts={"size": "M"}, entries=entries, snapshot=snapshot)


def teller(program):
    """One who plays a story in a program, with something to spend from the start."""
    account = begun(program)
    account.earn(Activity.action("review", at=stories.BEGIN, id="welcome", payer="bank"))
    account.adjust(300, unit="stars", reason="a gift", actor="me", id="gift", at=stories.BEGIN)
    player = Teller(account)
    player.other = program.account("other")
    return player


def told(account, at, *, since=None):
    """All that an account says at a moment, of the units that there are then."""
    units = account._terms.version(at).points
    return {
        "totals": {unit: dict(account.totals(unit, at=at)) for unit in units},
        "lots": {unit: account.lots(unit, at=at) for unit in units},
        "options": account.options(at=at),
        "statement": account.statement(at=at, since=since).units,
    }


def moments_near(history, later):
    """A tick before, at and after each change that is still ahead, and the end."""
    ticks = [change + step for change in history.changes for step in (-TICK, timedelta(), TICK)]
    return [*(at for at in ticks if at > later), later + timedelta(days=45)]


@given(histories, STORIES)
def test_I25_entries_replay_under_the_version_that_was_in_force(history, steps):
    player = teller(history)
    player.tell(steps)
    entries = player.account.entries
    replayed = begun(history, entries)
    for at in moments_near(history, max(player.now, entries[-1].posted)):
        assert told(replayed, at) == told(player.account, at)
    later = (*history.versions, ("2099-12-01", changed(grandfather=False)))
    assert told(begun(ProgramHistory(*later), entries), player.now) == told(player.account, player.now)


@FEW
@given(histories, STORIES)
def test_I25_every_cut_gives_the_same_account(history, steps):
    player = teller(history)
    player.tell(steps[:12])
    entries = player.account.entries
    now = max(player.now, entries[-1].posted)
    cuts = [begun(history, entries[n:], begun(history, entries[:n]).snapshot()) for n in range(len(entries) + 1)]
    for at in moments_near(history, now):
        whole = told(player.account, at, since=now + TICK)
        assert all(told(cut, at, since=now + TICK) == whole for cut in cuts)


@given(histories, STORIES, STORIES, st.data())
def test_I25_every_later_call_gives_the_same_from_a_snapshot(history, before, after, data):
    here = teller(history)
    here.tell(before)
    entries = here.account.entries
    n = data.draw(st.integers(0, len(entries)))
    there = here.fork(begun(history, entries[n:], from_json(to_json(begun(history, entries[:n]).snapshot()))))
    here = here.fork(begun(history, entries))
    here.other = there.other = history.account("other")
    assert plain(there.tell(after)) == plain(here.tell(after))
    assert there.account.entries == here.account.entries[n:]


@given(histories, STORIES, st.sampled_from([0, 1, 2]))
def test_I25_a_version_to_come_changes_nothing_before_its_day(history, steps, known):
    short = ProgramHistory(*history.versions[:known]) if known else OLD
    end = history.changes[max(known, 1) - 1]
    here, there = teller(history), teller(short)
    for step in steps:
        if here.now + timedelta(hours=step.hours + step.late) >= end:
            break
        assert plain(here.tell([step])) == plain(there.tell([step]))
    assert here.account.entries == there.account.entries
    for at in (here.now + timedelta(hours=80), end - TICK):
        if here.account.entries[-1].posted <= at < end:
            assert told(here.account, at) == told(there.account, at)


activities = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 60), st.sampled_from(["", "dining"])), min_size=1, max_size=12
)


@given(histories, activities)
def test_I25_each_stretch_earns_as_its_version_would(history, visits):
    """Points of each activity, whatever happened in other stretches: here no cap is shared."""
    account = history.account("m-1")
    for n, (days, amount, category) in enumerate(sorted(visits)):
        at = datetime(2026, 1, 10, 12, tzinfo=UTC) + timedelta(days)
        activity = Activity.purchase(amount, at=at, id=f"t-{n}", category=category)
        alone = history.version(at).account("m-2")
        for past in account.entries:
            if past.kind == "earned" and history.version(past.at) == history.version(at) and past.unit == "stars":
                alone.earn(past.data["activity"])
        assert account.earn(activity).awards["status"].points == alone.earn(activity).awards["status"].points


@given(histories, STORIES, st.lists(st.integers(0, 100), max_size=5))
def test_advancing_more_often_changes_no_number(history, steps, stops):
    often, once = teller(history), teller(history)
    for n, step in enumerate(steps):
        if n in {stop % len(steps) for stop in stops}:
            often.account.advance(often.now + timedelta(hours=step.hours))
        often.tell([step])
        once.tell([step])
    for at in moments_near(history, max(once.now, once.account.entries[-1].posted)):
        assert told(often.account, at) == told(once.account, at)


class Life(AccountMachine):
    """Through a change for those who have points, and one for those who do not."""

    program = ProgramHistory(
        club(1, expiry=AfterInactivity(days=40), rewards={"gift": Donation(worth="0.01", to="a school")}),
        (
            "2024-03-01",
            club(2, expiry=After(days=20), rewards={"gift": Donation(worth="0.02", to="a school")}, grandfather=False),
        ),
        ("2024-04-01", club(3, expiry=After(hours=70), rewards={"gift": Donation(worth="0.02", to="a school")})),
        ("2024-05-01", club(1, expiry=AfterInactivity(days=3), rewards={"mug": Item(5)}, grandfather=False)),
    )


TestLife = Life.TestCase


# What becomes of the points that are there ----------------------------------------------------------------------------


def test_points_keep_the_expiry_they_were_earned_under():
    history = ProgramHistory(club(expiry=After(months=24)), ("2026-03-01", club(expiry=After(months=6))))
    account = history.account("m-1")
    account.earn(purchase(10, "2026-02-28", id="old"))
    account.earn(purchase(10, "2026-03-01", id="new"))
    account.earn(purchase(10, "2026-02-28", id="late"), posted="2026-03-02")
    assert last_days(account, "2026-03-02") == ["2026-09-01", "2028-02-28", "2028-03-02"]


@pytest.mark.parametrize(
    ("last_use", "removed"), [("2021-05-01", "2022-06-20"), ("2021-07-01", "2022-07-01"), ("2022-06-18", "2023-06-18")]
)
def test_boots_points_unused_for_a_year_go_on_the_day_of_the_change_and_not_before(last_use, removed):
    unused = [AfterInactivity(years=years) for years in (2, 1)]
    history = ProgramHistory(club(expiry=unused[0]), ("2022-06-20", club(expiry=unused[1], grandfather=False)))
    account = history.account("m-1")
    account.earn(purchase(10, last_use))
    # what Boots calls removed on the day a year after is the last day for us, but for what the change itself takes
    gone = date.fromisoformat(removed) + timedelta(removed != "2022-06-20")
    assert [account.balance(at=at) for at in (gone - timedelta(1), gone)] == [10, 0]
    assert [entry.at.date() for entry in account.advance("2024-01-01")] == [gone]


def test_the_new_expiry_holds_from_the_change_on_and_not_before():
    history = ProgramHistory(club(expiry=After(months=6)), ("2026-03-01", club(expiry=Never(), grandfather=False)))
    account = history.account("m-1")
    account.earn(purchase(10, "2026-01-10"))
    assert last_days(account, "2026-02-28") == ["2026-07-10"]
    assert last_days(account, "2026-03-01") == ["None"]
    assert last_days(account, "2026-02-28") == ["2026-07-10"]


def test_points_whose_last_day_is_the_one_before_the_change_have_lapsed():
    history = ProgramHistory(club(expiry=EndOf("month")), ("2026-03-01", club(expiry=Never(), grandfather=False)))
    account = history.account("m-1")
    account.earn(purchase(10, "2026-02-10"))
    assert [account.balance(at=day) for day in ("2026-02-28", "2026-03-01")] == [10, 0]


def test_points_that_wait_at_the_change_come_under_it_too():
    before = Program("Club", points={"points": Points(PerSpend(1), pending=After(days=30), expiry=After(days=90))})
    history = ProgramHistory(before, ("2026-03-01", club(expiry=After(days=10), grandfather=False)))
    account = history.account("m-1")
    account.earn(purchase(10, "2026-02-20"))
    assert last_days(account, "2026-03-22") == ["2026-04-01"]


def test_what_was_extended_keeps_its_date():
    history = ProgramHistory(club(expiry=After(days=90)), ("2026-03-01", club(expiry=After(days=1), grandfather=False)))
    account = history.account("m-1")
    account.earn(purchase(10, "2026-02-01"))
    account.extend(1, "2026-08-31", id="goodwill", at="2026-02-02")
    assert last_days(account, "2026-03-01") == ["2026-08-31"]


def test_a_later_version_leaves_alone_what_an_earlier_one_has_taken():
    history = ProgramHistory(
        club(expiry=After(months=24)),
        ("2026-03-01", club(expiry=After(months=12), grandfather=False)),
        ("2026-06-01", club(expiry=After(months=1))),
    )
    account = history.account("m-1")
    account.earn(purchase(10, "2026-01-10"))
    assert last_days(account, "2026-07-01") == ["2027-01-10"]


def test_points_that_move_to_another_account_keep_their_expiry_if_they_keep_their_age():
    history = ProgramHistory(club(expiry=After(months=24)), ("2026-03-01", club(expiry=After(months=6))))
    account, other, third = (history.account(f"m-{n}") for n in range(3))
    account.earn(purchase(10, "2026-01-10"))
    account.transfer(4, other, id="m", at="2026-04-01", keep_age=True)
    account.transfer(4, other, id="n", at="2026-04-01")
    third.merge(other, id="both", at="2026-04-02")
    for holder in (other, third):
        assert last_days(holder, "2026-04-01" if holder is other else "2026-04-02") == ["2026-10-01", "2028-01-10"]


def test_hours_count_from_the_moment_the_points_were_there_also_for_old_points():
    history = ProgramHistory(
        club(expiry=After(days=90)), ("2026-03-01", club(expiry=After(hours=60), grandfather=False))
    )
    account = history.account("m-1")
    account.earn(purchase(10, "2026-02-27T18:00"))
    assert [account.balance(at=at) for at in ("2026-03-02T05:59", "2026-03-02T06:00")] == [10, 0]


def test_a_change_of_the_order_of_spending_holds_for_all_lots():
    def ordered(order):
        return Program("Club", points={"points": Points(PerSpend(1), order=order)}, rewards={"tea": Item(10)})

    history = ProgramHistory(
        ordered(OldestFirst()), ("2026-03-01", ordered(NewestFirst())), ("2026-04-01", ordered(SoonestToExpire()))
    )
    account = history.account("m-1")
    for day in range(1, 5):
        account.earn(purchase(10, f"2026-02-0{day}", id=f"t-{day}"))
    orders = [
        [lot.id for lot in account.lots(at=at)] for at in ("2026-02-28", "2026-03-01", "2026-04-01", "2026-02-28")
    ]
    assert orders == [[1, 2, 3, 4], [4, 3, 2, 1], [1, 2, 3, 4], [1, 2, 3, 4]]
    taken = [
        account.redeem("tea", id=day, at=day).entries[0].lots for day in ("2026-02-20", "2026-03-02", "2026-04-02")
    ]
    assert taken == [((1, 10),), ((4, 10),), ((2, 10),)]


@frozen
class LargestFirst(LotOrder):
    """What is left of a lot changes with every redemption, so such an order is asked each time."""

    kind = "largest_first"

    def key(self, lot):
        return -lot.points


def test_the_order_of_spending_may_become_one_of_your_own():
    def ordered(order):
        return Program("Club", points={"points": Points(PerSpend(1), order=order)}, rewards={"tea": Item(4)})

    account = ProgramHistory(ordered(OldestFirst()), (DAY, ordered(LargestFirst()))).account("m-1")
    for name, amount in (("t-1", 10), ("t-2", 7)):
        account.earn(purchase(amount, "2026-02-01", id=name))
    taken = [
        account.redeem("tea", id=day, at=day).entries[0].lots for day in ("2026-02-20", "2026-03-02", "2026-03-03")
    ]
    assert taken == [((1, 4),), ((2, 4),), ((1, 4),)]


def test_old_points_go_by_inactivity_once_a_version_says_so():
    rewards = {"tea": Item(10)}
    history = ProgramHistory(
        club(rewards=rewards), (DAY, club(expiry=AfterInactivity(days=30), rewards=rewards, grandfather=False))
    )
    account = history.account("m-1")
    for day in ("2026-02-24", "2026-02-25"):
        account.earn(purchase(10, day, id=day))
    account.extend(1, "2026-04-05", id="goodwill", at="2026-03-02")
    assert last_days(account, "2026-03-19") == ["2026-03-27", "2026-04-05"]
    account.earn(Activity.action("visit", at="2026-03-20", id="visit"))
    assert account.redeem("tea", id="r-1", at="2026-03-21").entries[0].lots == ((1, 10),)


def test_points_wait_for_what_their_own_version_says():
    def waiting(pending):
        return Program("Club", points={"points": Points(PerSpend(1), pending=pending)})

    account = ProgramHistory(waiting(AfterFact("verified", days=0)), (DAY, waiting(After(days=14)))).account("m-1")
    account.earn(purchase(10, "2026-02-20"))
    account.note(at="2026-03-05", verified="2026-03-05")
    assert [account.balance(at=at) for at in ("2026-03-04", "2026-03-05")] == [0, 10]


def test_within_the_instant_of_a_change_replay_goes_on_where_it_was():
    history = ProgramHistory(club(expiry=EndOf("month").from_earning()), (DAY, club(expiry=Never(), grandfather=False)))
    account = history.account("m-1")
    for name in ("t-1", "t-2"):
        account.earn(purchase(10, "2026-02-10", id=name))
    account.earn(purchase(10, "2026-01-10", id="late"), posted=DAY)
    entries = account.entries
    assert [(entry.kind, entry.posted.date()) for entry in entries[2:]] == [
        ("lapsed", date(2026, 3, 1)), ("lapsed", date(2026, 3, 1)), ("earned", date(2026, 3, 1)),
    ]  # fmt: skip
    assert account.balance(at=DAY) == 10  # the late one came under the new rules
    for n in range(2, len(entries) + 1):
        expected = 10 if n == len(entries) else 0
        cut = history.account("m-1", entries=entries[:n])
        assert cut.balance(at=DAY) == history.account("m-1", snapshot=cut.snapshot()).balance(at=DAY) == expected


def test_a_call_that_is_refused_leaves_no_trace_of_a_change():
    history = ProgramHistory(
        club(expiry=After(days=90)), ("2026-03-01", club(expiry=After(days=60), grandfather=False))
    )
    account = history.account("m-1")
    account.earn(purchase(10, "2026-02-01"))
    with pytest.raises(RuleError, match="11 were to go"):
        account.adjust(-11, reason="too many", actor="me", id="a", at="2026-03-10")
    with pytest.raises(RuleError, match="'t-9' is no redemption"):
        account.cancel("t-9", id="b", at="2026-03-10")
    account.advance("2026-03-10")
    assert account.snapshot() == history.account("m-1", entries=account.entries).snapshot()
    assert last_days(account, "2026-02-10") == ["2026-05-02"]


# Units that come and go -----------------------------------------------------------------------------------------------


def test_a_unit_may_be_added():
    both = {"points": Points(PerSpend(1)), "status": Points(PerSpend(2), redeemable=False)}
    history = ProgramHistory(club(), ("2026-03-01", Program("Club", points=both)))
    account = history.account("m-1")
    assert list(account.earn(purchase(10, "2026-02-28")).awards) == ["points"]
    assert list(account.earn(purchase(10, "2026-03-01", id="t-2")).awards) == ["points", "status"]
    assert (account.balance(at="2026-03-01"), account.balance("status", at="2026-03-01")) == (20, 20)
    assert [[unit.unit for unit in account.statement(at=at).units] for at in ("2026-02-01", "2026-03-01")] == [
        ["points"],
        ["points", "status"],
    ]


def test_a_unit_that_is_gone_is_still_known_to_those_who_have_it():
    old = Program(
        "Club",
        points={"points": Points(PerSpend(1)), "stamps": Points(Flat(1), expiry=After(months=3), redeemable=False)},
    )
    account = ProgramHistory(old, ("2026-03-01", club(grandfather=False))).account("m-1")
    account.earn(purchase(10, "2026-02-10"))
    account.earn(purchase(10, "2026-02-10", id="late"), posted="2026-03-20")
    assert [str(lot.expires_on) for lot in account.lots("stamps", at="2026-04-01")] == ["2026-05-10", "2026-06-20"]
    assert [unit.unit for unit in account.statement(at="2026-04-01").units] == ["points", "stamps"]
    assert account.reverse("t-1", id="back", at="2026-04-01")[1].unit == "stamps"


def test_a_unit_that_can_no_longer_be_spent_is_pointed_out():
    with pytest.warns(
        LoyaltyWarning, match=r"^\$\.versions\[1\]\.points: 'points' is gone, so what members have of it can"
    ):
        history = ProgramHistory(club(), ("2026-03-01", Program("Club", points={"stars": Points(PerSpend(1))})))
    assert [problem.severity for problem in history.check()] == ["warning"]
    with pytest.raises(RuleError, match=r"Club: its versions have 2 redeemable units, \['points', 'stars'\]; name one"):
        history.account("m-1").balance(at="2026-03-01")
    assert history.account("m-1").balance("points", at="2026-03-01") == 0


def test_a_unit_that_cannot_be_spent_any_more_could_be_before():
    stars = Points(PerSpend(1))
    before = Program("Club", points={"points": Points(PerSpend(1)), "stars": stars},
                     rewards={"tea": Item(5, unit="points")})  # fmt: skip
    after = Program("Club", points={"points": Points(PerSpend(1), redeemable=False), "stars": stars})
    account = ProgramHistory(before, ("2026-03-01", after)).account("m-1")
    account.earn(purchase(10, "2026-01-10"))
    assert account.quote("tea", at="2026-02-28").ok
    assert account.options(at="2026-03-01") == ()


# What is refused when it is built -------------------------------------------------------------------------------------

CENTS = Program("Club", points={"points": Points(PerSpend(1), places=2)})
TWO_UNITS = Program("Club", points={"points": Points(PerSpend(1)), "miles": Points(PerSpend(1))})
ALONE = "versions[0]: the first version has always been in force; give its Program alone, without a day"
PAIR = "versions[1]: give a pair of the day from which it is in force and the Program; in a file, from = ..."


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ((), ALONE),
        (((DAY, club()),), ALONE),
        ((club(), club()), PAIR),
        ((club(), (DAY, 5)), PAIR),
        ((club(), ("soon", club())), "versions[1]: 'soon' is not a date; write it as in '2026-03-01'"),
        (
            (club(), ("0001-01-01", club())),
            "versions[1]: there is nothing before 0001-01-01; make it the first version, without a day",
        ),
        ((club(), (DAY, club(2)), (DAY, club(3))), "$.versions[2]: two versions begin on 2026-03-01; keep one of them"),
        (
            (club(), (DAY, club(2)), ("2026-02-28", club(3))),
            "$.versions[2]: it begins on 2026-02-28, and the one before it on 2026-03-01; give them in their order",
        ),
        (
            (club(), (DAY, club(timezone="Asia/Tokyo"))),
            "$.versions[1].timezone: 'Asia/Tokyo', and the first version says 'UTC'; an account has one, so keep it",
        ),
        (
            (club(), (DAY, club(currency="EUR"))),
            "$.versions[1].currency: 'EUR', and the first version says 'USD'; an account has one, so keep it",
        ),
        (
            (club(), (DAY, CENTS)),
            "$.versions[1].points.points.places: 2, and before it was 0; points there are mean that, so keep it",
        ),
        (
            (club(rewards={"free tea": Item(5)}), (DAY, TWO_UNITS)),
            "$.versions[0].rewards['free tea'].unit: it names no unit, and versions have 'points', 'miles'; name one",
        ),
    ],
)
def test_versions_that_do_not_follow_each_other_are_refused(versions, message):
    with pytest.raises(RuleError) as refused:
        ProgramHistory(*versions)
    assert str(refused.value) == message


@pytest.mark.parametrize("grandfather", [1, None, "no"])
def test_whether_old_points_keep_their_expiry_is_yes_or_no(grandfather):
    with pytest.raises(RuleError, match=r"^grandfather: .* is neither True nor False; give one of them$"):
        club(grandfather=grandfather)


def test_what_is_doubtful_about_a_version_is_told_with_its_place():
    with pytest.warns(LoyaltyWarning, match="multiplies past the cap"):
        doubtful = Program("Club", earning=PerSpend(1).named("x").cap(5, per="month") * 2)
    (problem,) = ProgramHistory(club(), (DAY, doubtful)).check()
    assert isinstance(problem, Problem)
    assert problem.place.startswith("$.versions[1].points.points")


# As a value, as data, and in files ------------------------------------------------------------------------------------


def test_a_history_is_a_value():
    again = ProgramHistory(*BOOTS.versions)
    assert (again, hash(again), repr(again)) == (BOOTS, hash(BOOTS), repr(BOOTS))
    assert ProgramHistory(BOOTS.versions[0]) != BOOTS
    assert pickle.loads(pickle.dumps(BOOTS)) == BOOTS  # noqa: S301 (our own bytes)
    assert repr(ProgramHistory(Program("A", earning=Flat(1)), (date(2026, 3, 1), Program("B", earning=Flat(2))))) == (
        "ProgramHistory(Program('A', earning=Flat(1)), ('2026-03-01', Program('B', earning=Flat(2))))"
    )


@pytest.mark.parametrize("history", [BOOTS, STARBUCKS, *HISTORIES], ids=["boots", "starbucks", "kept", "taken"])
@pytest.mark.parametrize("ending", ["toml", "json"])
def test_a_history_goes_to_a_file_and_back(history, ending, tmp_path):
    file = tmp_path / f"club.{ending}"
    assert history.dump(file) == file.read_text()
    assert ProgramHistory.load(file) == history
    assert from_data(to_data(history)) == history
    assert from_json(to_json(history)) == history


def test_a_file_of_versions_reads_like_one(tmp_path):
    text = """\
version = 1
name = "Advantage Card"
currency = "GBP"
timezone = "Europe/London"

[[versions]]
earning = "PerSpend(4)"

[[versions]]
from = 2023-05-01
earning = "PerSpend(3)"
"""
    assert BOOTS.dump() == text
    file = tmp_path / "boots.toml"
    file.write_text(text)
    assert ProgramHistory.load(file) == BOOTS


def test_a_version_in_a_file_may_say_otherwise_than_what_stands_above(tmp_path):
    file = tmp_path / "club.toml"
    file.write_text(
        'name = "Old"\nhold_timeout = "2 days"\n[[versions]]\nearning = "Flat(1)"\n'
        '[[versions]]\nfrom = "2026-03-01"\nname = "New"\nearning = "Flat(2)"\ngrandfather = false\n'
    )
    assert ProgramHistory.load(file) == ProgramHistory(
        Program("Old", earning=Flat(1), hold_timeout="2 days"),
        ("2026-03-01", Program("New", earning=Flat(2), hold_timeout="2 days", grandfather=False)),
    )


def test_the_file_of_a_program_is_a_history_of_one_version(tmp_path):
    file = tmp_path / "club.toml"
    club(3).dump(file)
    assert ProgramHistory.load(file) == ProgramHistory(club(3))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[[versions]]\nearning = 'Flat(1)'\n", "$.versions[0].name", "it is missing; give text"),
        (
            "name = 'x'\n[[versions]]\nearning = 'Flat(1)'\n[[versions]]\nfrom = 2026-03-01\nearning = 'Flat(x)'\n",
            "$.versions[1].earning",
            "column 6: 'x' stands alone",
        ),
        (
            "name = 'x'\n[[versions]]\nearning = 'Flat(1)'\n[[versions]]\nfrom = 'May'\nearning = 'Flat(2)'\n",
            "$.versions[1].from",
            "the text 'May' is not what goes here; give a date as in '2026-03-01'",
        ),
        (
            "name = 'x'\n[[versions]]\nfrom = 2026-03-01\nearning = 'Flat(1)'\n",
            "$.versions[0]",
            "the first version has always been in force; give its Program alone, without a day",
        ),
        (
            "name = 'x'\n[[versions]]\nearning = 'Flat(1)'\n[[versions]]\nearning = 'Flat(2)'\n",
            "$.versions[1]",
            "give a pair of the day from which it is in force and the Program; in a file, from = ...",
        ),
        (
            "name='x'\nversions = [{earning='Flat(1)'}, {from=2026-03-01, currency='JPY', earning='Flat(1)'}]",
            "$.versions[1].currency",
            "'JPY', and the first version says 'USD'; an account has one, so keep it",
        ),
        ("versions = 5", "$.versions", "the number 5 is not what goes here; give a list"),
        ("versions = []", "$.versions[0]", "the first version has always been in force"),
        ("name = 'x'\nearning = 'Flat(1)'\n[[versions]]\n", "$.earning", "'program_history' has no such field; it has"),
        ("versions = [5]", "$.versions[0]", "the number 5 is not what goes here; give Program as a table"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_of_versions_is_told_with_its_place(text, place, message, tmp_path):
    file = tmp_path / "club.toml"
    file.write_text(text)
    with pytest.raises(DataError) as refused:
        ProgramHistory.load(file)
    assert refused.value.path == f"{file}: {place}"
    assert refused.value.message.startswith(message)


def test_a_program_is_not_read_from_a_file_of_versions(tmp_path):
    file = tmp_path / "boots.toml"
    BOOTS.dump(file)
    with pytest.raises(
        DataError, match=r"\$\.versions: it has several versions of a program; read it by ProgramHistory"
    ):
        Program.load(file)


# Reports and the command line -----------------------------------------------------------------------------------------

VISITS = [purchase(12, day, id=day) for day in ("2023-04-01", "2023-04-30", "2023-05-01")]


def test_reports_judge_each_activity_by_its_version():
    report = BOOTS.report(VISITS)
    assert (report.periods, report.rows[0].points) == (("2023-04", "2023-05"), (96, 36))
    assert points_report(BOOTS, VISITS, by="year").total == 132
    assert explain(BOOTS, VISITS, "2023-05-01").awards["points"].points == 36
    (row,) = balances_report(BOOTS, VISITS, at="2023-06-01").rows
    assert row.available == 132


def test_a_frame_is_judged_by_one_version():
    frame = pl.DataFrame({"at": [date(2023, 4, 1)], "amount": [12_00]})
    with pytest.raises(RuleError, match=r"several versions; give one, as in history\.version\('2026-03-01'\)"):
        award_frame(BOOTS, frame)
    assert award_frame(BOOTS.version("2023-04-01"), frame)["points"].to_list() == [48]


@pytest.fixture
def files(tmp_path):
    """A file of transactions, and one of a program's versions."""
    sales, program = tmp_path / "sales.csv", tmp_path / "boots.toml"
    sales.write_text("customer,date,amount\nanna,2023-04-01,12\nanna,2023-06-01,12\n")
    BOOTS.dump(program)
    return str(sales), str(program)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["report", "--by", "year"], "84"),
        (["balances", "--at", "2023-07-01"], "84"),
        (["statement", "--member", "anna", "--at", "2023-07-01"], "84"),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_the_command_line_takes_a_file_of_versions(command, said, files, capsys):
    sales, program = files
    name, *options = command
    assert main([name, sales, "--program", program, *options]) == 0
    assert said in capsys.readouterr().out


def test_the_command_line_checks_a_file_of_versions(files, tmp_path, capsys):
    doubtful = tmp_path / "doubtful.toml"
    doubtful.write_text(
        "name = 'x'\n[[versions]]\nearning = 'Flat(1)'\n"
        "[[versions]]\nfrom = 2026-03-01\npoints.stars.earning = 'Flat(2)'\n"
    )
    assert main(["check", files[1], str(doubtful)]) == 0
    clean, found = capsys.readouterr().out.splitlines()
    assert clean.endswith("no problems")
    assert "warning $.versions[1].points: 'points' is gone" in found
