"""The account's own events: that the member joined, rose to a tier, redeemed, or had points converted."""

from datetime import UTC, datetime, timedelta

import pytest

from loyaltycore import *

TICK = timedelta(microseconds=1)


def club(on_event, timezone="UTC", rewards=None, **points):
    """A club whose points are earned by spending, and by events."""
    return Program(
        "Club",
        timezone=timezone,
        points={
            "stars": Points(PerSpend(1), on_event=on_event, **points),
            "vouchers": Points(Flat(0), redeemable=False),
        },
        rewards={
            "coffee": Item(30),
            "gift": Donation(worth="0.01", to="the school"),
            "voucher": Convert(10, into="vouchers", gives=1),
            **(rewards or {}),
        },
    )


def purchase(amount, at, id, **facts):
    return Activity.purchase(amount, at=at, id=id, **facts)


def earned_by_events(account):
    return [(e.id, e.points) for e in account.entries if "event" in e.data]


JOINED = Flat(100).when(OfKind("joined"))
REDEEMED = Flat(5).when(OfKind("redeemed"))


# Joining --------------------------------------------------------------------------------------------------------------


def test_joining_earns_at_the_first_moment_of_the_day():
    account = club(JOINED, timezone="America/New_York").account("m-1", joined="2026-01-05")
    first = datetime(2026, 1, 5, 5, tzinfo=UTC)

    assert [account.balance(at=at) for at in (first - TICK, first, "2026-03-01")] == [0, 100, 100]
    assert account.entries == ()


def test_joining_earns_once_whatever_is_called_after():
    program = club(JOINED)
    account = program.account("m-1", joined="2026-01-05")
    account.advance("2026-01-05")
    account.advance("2026-02-05")
    account.earn(purchase(10, "2026-02-10", "t-1"))
    assert earned_by_events(account) == [("joined/2026-01-05", 100)]

    for again in (
        program.account("m-1", joined="2026-01-05", entries=account.entries),
        program.account("m-1", joined="2026-01-05", snapshot=account.snapshot()),
    ):
        assert again.balance(at="2026-03-01") == 110
        again.earn(purchase(10, "2026-03-10", "t-2"))
        assert again.balance(at="2026-03-10") == 120


def test_the_first_call_may_be_later():
    account = club(JOINED).account("m-1", joined="2026-01-05")
    receipt = account.earn(purchase(10, "2026-03-10", "t-1"))

    assert [(e.id, e.at) for e in account.entries] == [
        ("joined/2026-01-05", datetime(2026, 1, 5, tzinfo=UTC)),
        ("t-1", datetime(2026, 3, 10, tzinfo=UTC)),
    ]
    assert receipt.points == 10


def test_what_was_earned_before_joining_is_no_reason_to_earn_twice():
    account = club(JOINED).account("m-1", joined="2026-01-05")
    account.earn(purchase(10, "2026-01-04", "t-1"))
    account.earn(purchase(10, "2026-01-06", "t-2"))

    assert [e.id for e in account.entries] == ["t-1", "joined/2026-01-05", "t-2"]


def test_an_account_that_is_older_than_the_rule_does_not_join_again():
    account = Program("Club", points={"stars": Points(PerSpend(1))}).account("m-1", joined="2026-01-05")
    account.earn(purchase(10, "2026-01-06", "t-1"))
    later = club(JOINED).account("m-1", joined="2026-01-05", entries=account.entries)

    assert later.balance(at="2026-03-01") == 10


def test_who_has_joined_on_no_known_day_earns_nothing_for_it():
    account = club(JOINED).account("m-1")
    account.earn(purchase(10, "2026-01-06", "t-1"))
    assert account.balance(at="2026-01-06") == 10


# Redeeming ------------------------------------------------------------------------------------------------------------


def test_redeeming_earns_under_an_id_of_its_own():
    account = club(REDEEMED).account("m-1")
    account.earn(purchase(100, "2026-01-05", "t-1"))
    redemption = account.redeem("coffee", id="r-1", at="2026-01-06")

    assert earned_by_events(account) == [("r-1/redeemed", 5)]
    assert account.balance(at="2026-01-06") == 75
    assert account.redeem("coffee", id="r-1", at="2026-01-06") == redemption
    assert account.balance(at="2026-01-06") == 75


def test_a_refused_redemption_is_no_event():
    account = club(REDEEMED).account("m-1")
    assert not account.redeem("coffee", id="r-1", at="2026-01-06").ok
    assert account.entries == ()


def test_a_hold_is_an_event_once_it_is_captured():
    account = club(PerUnit(1, of="points").when(Fact("reward", "gift") & Fact("unit", "stars"))).account("m-1")
    account.earn(purchase(100, "2026-01-05", "t-1"))
    for hold in ("h-1", "h-2"):
        account.hold("gift", points=40, id=hold, at="2026-01-06")
    assert earned_by_events(account) == []

    account.capture("h-1", points=15, id="c-1", at="2026-01-06T12:00")
    account.release("h-2", id="x-1", at="2026-01-06T12:00")
    assert earned_by_events(account) == [("c-1/redeemed", 15)]


def test_what_an_event_earned_is_reversed_as_any_activity():
    account = club(REDEEMED).account("m-1")
    account.earn(purchase(100, "2026-01-05", "t-1"))
    account.redeem("coffee", id="r-1", at="2026-01-06")
    account.cancel("r-1", id="c-1", at="2026-01-07")
    account.reverse("r-1/redeemed", id="b-1", at="2026-01-07")

    assert account.balance(at="2026-01-07") == 100
    with pytest.raises(Conflict):
        account.earn(purchase(100, "2026-01-08", "r-1/redeemed"))


def test_the_application_may_have_used_the_id():
    account = club(REDEEMED).account("m-1")
    account.earn(purchase(100, "2026-01-05", "r-1/redeemed"))
    account.redeem("coffee", id="r-1", at="2026-01-06")

    assert earned_by_events(account) == [("r-1/redeemed/2", 5)]


# What earns, and what comes of it -------------------------------------------------------------------------------------


def test_each_unit_may_have_a_rule():
    program = Program(
        "Club",
        points={
            "stars": Points(PerSpend(1), on_event=REDEEMED),
            "status": Points(PerSpend(1), redeemable=False, on_event=Flat(1).when(Fact("reward", "coffee"))),
        },
        rewards={"coffee": Item(30)},
    )
    account = program.account("m-1")
    account.earn(purchase(100, "2026-01-05", "t-1"))
    account.redeem("coffee", id="r-1", at="2026-01-06")
    assert [account.balance(unit, at="2026-01-06") for unit in program.points] == [75, 101]

    account.reverse("r-1/redeemed", id="b-1", at="2026-01-07")
    assert [account.balance(unit, at="2026-01-07") for unit in program.points] == [70, 100]


def test_points_of_an_event_wait_lapse_and_are_limited_as_any():
    account = club(REDEEMED, pending=After(days=2), expiry=After(days=10), at_most=72).account("m-1")
    account.earn(purchase(100, "2026-01-05", "t-1"))
    account.redeem("coffee", id="r-1", at="2026-01-08")
    account.redeem("coffee", id="r-2", at="2026-01-08T12:00", posted="2026-01-09")

    assert account.totals(at="2026-01-09")["pending"] == 10
    account.earn(purchase(80, "2026-01-09", "t-2"))
    account.advance("2026-01-13")
    account.redeem("gift", points=1, id="r-3", at="2026-01-13")
    assert earned_by_events(account)[2:] == [("r-3/redeemed", 1)]
    assert [account.balance(at=at) for at in ("2026-01-17T23:59", "2026-01-25T23:59", "2026-02-01")] == [72, 1, 0]


def test_debts_are_paid_from_what_an_event_earns():
    account = club(Flat(8).when(OfKind("converted"))).account("m-1")
    account.earn(purchase(10, "2026-01-05", "t-1"))
    account.redeem("voucher", id="r-1", at="2026-01-06")
    assert account.balance(at="2026-01-06") == 8
    account.redeem("gift", points=8, id="r-2", at="2026-01-06")
    account.earn(purchase(10, "2026-01-07", "t-2"))
    account.reverse("t-1", on_shortfall="owe", id="b-1", at="2026-01-07")
    account.earn(purchase(10, "2026-01-08", "t-3"))
    account.convert("voucher", id="v-2", at="2026-01-09")

    assert account.balance(at="2026-01-09") == 8


def test_points_turned_into_others_are_an_event_by_hand_and_by_itself():
    rule = PerUnit(1, of="gives").when(OfKind("converted") & Fact("into", "vouchers"))
    converts = Convert(100, into="vouchers", gives=7).every("month")
    account = club(rule, converts=converts).account("m-1")
    account.earn(purchase(220, "2026-01-05", "t-1"))
    account.convert("voucher", points=20, id="v-1", at="2026-01-06")
    account.advance("2026-02-01")

    assert earned_by_events(account) == [("v-1/converted", 2), ("#5/converted", 14)]


def test_an_event_that_earns_what_is_converted_again_is_one_event():
    converts = Convert(100, into="vouchers", gives=1).every("activity")
    account = club(Flat(100).when(OfKind("converted")), converts=converts).account("m-1")
    account.earn(purchase(100, "2026-01-05", "t-1"))
    account.earn(purchase(100, "2026-01-05", "t-2"))

    assert [points for _, points in earned_by_events(account)] == [100, 100]
    assert account.balance("vouchers", at="2026-01-05") == 4


def test_a_cap_holds_for_events():
    account = club(REDEEMED.named("thanks").cap(8, per="month")).account("m-1")
    account.earn(purchase(200, "2026-01-05", "t-1"))
    for n, day in enumerate(["2026-01-06", "2026-01-07", "2026-01-08", "2026-02-01"]):
        account.redeem("coffee", id=f"r-{n}", at=day)

    assert [points for _, points in earned_by_events(account)] == [5, 3, 5]


@pytest.mark.parametrize(
    ("rule", "points"),
    [
        (Flat(5).when(FirstTime("redeemed")), [5, 0, 0, 0]),
        (Flat(5).when(EveryNth(2, kind="redeemed")), [0, 5, 0, 5]),
        (Flat(5).when(OfKind("redeemed")).named("third").every_nth(3), [0, 0, 5, 0]),
    ],
    ids=repr,
)
def test_events_of_a_kind_are_counted(rule, points):
    program = club(rule)
    account = program.account("m-1")
    account.earn(purchase(200, "2026-01-05", "t-1"))
    found = []
    for n in range(4):
        account = program.account("m-1", entries=account.entries)
        before = account.balance(at="2026-01-06")
        account.redeem("coffee", id=f"r-{n}", at="2026-01-06")
        found.append(account.balance(at="2026-01-06") - before + 30)

    assert found == points


def test_an_event_of_a_kind_that_nothing_counts_leaves_no_entry():
    account = club(JOINED + Flat(5).when(FirstTime("converted"))).account("m-1")
    account.earn(purchase(30, "2026-03-01", "t-1"))
    account.redeem("coffee", id="r-1", at="2026-03-02")

    assert earned_by_events(account) == []


def test_an_event_is_nothing_that_the_member_did():
    welcome = PerSpend(1) + Flat(50).when(FirstTime())
    program = Program(
        "Club",
        points={
            "stars": Points(
                welcome, on_event=JOINED + REDEEMED, expiry=AfterInactivity(months=1, resets=OfKind("joined"))
            )
        },
        rewards={"coffee": Item(30)},
    )
    account = program.account("m-1", joined="2026-01-05")
    account.earn(purchase(10, "2026-01-10", "t-1"))

    assert account.balance(at="2026-01-10") == 160
    assert account.member(at="2026-01-10").times() == 1
    assert account.balance(at="2026-02-06") == 60  # those for joining have lapsed


def test_a_reversed_event_was_none():
    account = club(Flat(5).when(FirstTime("redeemed"))).account("m-1")
    account.earn(purchase(100, "2026-01-05", "t-1"))
    account.redeem("coffee", id="r-1", at="2026-01-06")
    account.reverse("r-1/redeemed", id="b-1", at="2026-01-06")
    account.redeem("coffee", id="r-2", at="2026-01-07")

    assert earned_by_events(account) == [("r-1/redeemed", 5), ("r-2/redeemed", 5)]
    assert account.member(at="2026-01-07").times() == 1


def test_rising_to_a_tier_is_an_event():
    program = Program(
        "Club",
        points={
            "stars": Points(
                PerSpend(1), on_event=Flat(500).when(OfKind("tier_up") & Fact("tier", "gold") & Fact("was", "silver"))
            )
        },
        tiers=TierLadder(
            Tier("silver", Reach("spend", 100)), Tier("gold", Reach("spend", 300)), window=Calendar("year")
        ),
    )
    account = program.account("m-1")
    account.earn(purchase(150, "2026-01-05", "t-1"))
    assert account.balance(at="2026-01-05") == 150

    account.earn(purchase(150, "2026-01-06", "t-2"))
    assert account.balance(at="2026-01-06") == 800


def test_two_rules_under_one_name_are_an_error_also_where_one_is_for_events():
    thanks = REDEEMED.named("thanks").cap(8, per="month")
    with pytest.raises(RuleError, match="counts as 'thanks'"):
        Program("Club", points={"stars": Points(PerSpend(1).named("thanks").cap(9, per="month"), on_event=thanks)})


def test_rules_for_events_are_stored():
    program = club(JOINED + REDEEMED)
    assert from_data(to_data(program)) == program
    with pytest.raises(RuleError, match="no earning rule"):
        Points(PerSpend(1), on_event="joined")


def test_erasing_keeps_what_events_earned():
    account = club(JOINED + REDEEMED).account("m-1", joined="2026-01-05")
    account.earn(purchase(100, "2026-01-05", "t-1"))
    account.redeem("coffee", id="r-1", at="2026-01-06")
    account.erase("gone")

    assert account.balance(at="2026-01-06") == 175


def test_a_preview_shows_the_whole_cascade_and_earning_does_the_same():
    stars = Points(
        PerSpend(1) * by_tier(gold=2),
        on_event=Flat(500).when(OfKind("tier_up")),
        converts=Convert(1000, into="certificates", gives=1).every("activity"),
    )
    program = Program(
        "Club",
        points={
            "stars": stars,
            "status": Points(PerSpend(1), redeemable=False),
            "certificates": Points(Flat(0), expiry=After(months=3)),
        },
        tiers=TierLadder(Tier("gold", Reach("status", 500)), window="year"),
    )
    account = program.account("m-1")
    purchase = Activity.purchase(600, at="2026-03-01", id="t-1")
    seen = account.preview(purchase)
    assert [str(line) for line in str(seen).split("\n")][-4:] == [
        "then gold is reached",
        "then stars +500: on OfKind('tier_up')",
        "then stars -1,000: into certificates",
        "then certificates +1: from stars",
    ]
    assert account.entries == ()
    account.earn(purchase)
    assert account.entries == seen.entries
