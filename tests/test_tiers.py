"""Tiers: what a member has counted, which tier that brings and for how long, and what the tier brings in turn."""

from datetime import UTC, date, datetime, timedelta

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
import pytest
from stored import PUBLIC, built

from loyaltycore import *

SILVER, GOLD, PLATINUM = (Tier(n, Reach("status", k)) for n, k in (("silver", 100), ("gold", 500), ("platinum", 1000)))
A_YEAR_AND_THE_NEXT = {"window": "year", "keeps": EndOfPeriod(1)}


def club(*tiers, ladders=None, **ladder):
    """A point and a status point a dollar, and one ladder or several."""
    return Program(
        "Club",
        points={"stars": Points(PerSpend(1)), "status": Points(PerSpend(1), redeemable=False)},
        rewards={"gift": Donation(worth="0.01", to="the school")},
        tiers=TierLadder(*tiers, **ladder) if tiers else None,
        ladders=ladders or {},
    )


METALS = club(SILVER, GOLD, PLATINUM, **A_YEAR_AND_THE_NEXT)


def who_spends(program, *spent, joined=None):
    """A member who has spent so much on each of these days."""
    account = program.account("m-1", joined=joined)
    for at, amount in spent:
        buy(account, amount, at)
    return account


def buy(account, amount, at, id="", posted=None, **facts):
    named = id or f"t-{len(account.entries) + 1}"
    return account.earn(Activity.purchase(amount, at=at, id=named, **facts), posted=posted)


def tiers_on(account, *days):
    return [account.tier(at=day) for day in days]


def why(quote_or_use):
    return quote_or_use.refusal.code


# What is counted ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "counted"),
    [
        ("status", 340),
        ("spend", 330),
        ("activities", 4),
        ("nights", 15),
        (OfKind("stay"), 3),
        (OfKind("stay") & MinSpend(100), 2),
    ],
)
def test_a_tier_counts_points_money_activities_a_fact_or_what_meets_a_condition(what, counted):
    def account_of(n):
        account = club(Tier("guest", Reach(what, n))).account("m-1")
        for day, (amount, nights) in enumerate([(100, 4), (50, 5), (150, 6)], 1):
            line = Line(amount)
            account.earn(Activity(line, kind="stay", at=f"2026-03-0{day}", id=f"stay {day}", facts={"nights": nights}))
        buy(account, 30, "2026-03-05")
        account.adjust(10, unit="status", reason="a kindness", actor="me", id="a-1", at="2026-03-06")
        return account

    assert account_of(counted).tier(at="2026-03-07") == "guest"
    assert account_of(counted + 1).tier(at="2026-03-07") == ""
    assert account_of(counted + 1).tier_progress(at="2026-03-07").to_next.have == counted


def test_a_unit_of_that_name_is_meant_before_money():
    program = Program(
        "Club", points={"spend": Points(PerSpend(2))}, tiers=TierLadder(Tier("gold", Reach("spend", 200)))
    )
    assert who_spends(program, ("2026-03-01", 100)).tier(at="2026-03-01") == "gold"


def test_bonuses_that_do_not_count_are_left_out_of_the_unit_that_does():
    miles = PerSpend(5) + Flat(1000).when(MinSpend(100))
    program = Program(
        "Airline",
        points={"miles": Points(miles), "qualifying": Points(PerSpend(5), redeemable=False)},
        tiers=TierLadder(Tier("gold", Reach("qualifying", 1000))),
    )
    account = who_spends(program, ("2026-03-01", 199))
    assert (account.balance("miles", at="2026-03-01"), account.tier(at="2026-03-01")) == (1995, "")


def test_all_of_several_counts_and_one_of_several_each_over_its_own_window():
    nights, spend, stays = (
        Reach("nights", 10, window=Rolling(months=12)),
        Reach("spend", 500, window="year"),
        Reach("activities", 3),
    )
    for qualification, expected in {
        nights & spend: [False, False, False, True],
        nights | spend: [False, True, True, True],
        (nights & spend) | stays: [False, False, True, True],
        nights & (spend | stays): [False, False, True, True],
    }.items():
        account = club(Tier("gold", qualification)).account("m-1")
        found = []
        for day, amount, stayed in [("2025-07-01", 400, 6), ("2026-01-01", 100, 4), ("2026-02-01", 0, 1)]:
            found.append(account.tier(at=day) == "gold")
            buy(account, amount, day, nights=stayed)
        found.append(account.tier(at="2026-02-01") == "gold")
        buy(account, 400, "2026-02-02", nights=0)
        assert [*found[1:], account.tier(at="2026-02-02") == "gold"] == expected, qualification


@frozen
class Twice(Qualification):
    """Twice 50 of something."""

    kind = "twice_50_of_tests"

    what: str

    def progress(self, counts):
        return Progress("halves", counts.count(self.what, None) // 50, 2)


def test_a_qualification_of_ones_own():
    account = who_spends(club(Tier("steady", Twice("status"))), ("2026-03-01", 50))
    assert account.tier(at="2026-03-01") == ""
    buy(account, 50, "2026-03-02")
    assert account.tier(at="2026-03-02") == "steady"


# Over which window ----------------------------------------------------------------------------------------------------


def test_a_year_begins_on_any_day():
    program = club(GOLD, window=Calendar("year", starts="03-01"), keeps=EndOfPeriod(1))
    account = who_spends(program, ("2026-02-28T23:59", 300), ("2026-03-01", 300))
    assert account.tier(at="2026-03-01") == ""
    buy(account, 200, "2027-02-28T23:59:59")
    assert account.tier_progress(at="2027-02-28T23:59:59").until == date(2028, 2, 29)


def test_a_membership_year_begins_when_the_member_joined():
    program = club(GOLD, window=MembershipYear(), keeps=EndOfPeriod())
    account = who_spends(program, ("2026-06-14", 499), ("2026-06-15", 499), joined="2025-06-15")
    assert account.tier(at="2026-06-15") == ""
    buy(account, 1, "2027-06-14")
    assert tiers_on(account, "2027-06-14", "2027-06-15") == ["gold", ""]


def test_the_last_twelve_months_leave_out_the_same_moment_a_year_ago():
    program = club(GOLD, window=Rolling(months=12), keeps=After(months=12))
    before, then = "2027-03-01T11:59:59.999999", "2027-03-01T12:00"
    assert who_spends(program, ("2026-03-01T12:00", 300), (before, 200)).tier(at=before) == "gold"
    assert who_spends(program, ("2026-03-01T12:00", 300), (then, 200)).tier(at=then) == ""


def test_a_lifetime_counts_everything_and_is_kept():
    account = who_spends(club(GOLD), ("2001-03-01", 300), ("2026-03-01", 200))
    assert tiers_on(account, "2026-02-28", "2026-03-01", "2099-01-01") == ["", "gold", "gold"]


def test_a_tier_of_two_years_may_be_kept_by_what_was_counted_in_both():
    both = Tier("gold", Reach("status", 500), renewal=Reach("status", 700, window=TierTerm()))
    program = club(both, window="year", keeps=EndOfPeriod(2))
    kept = who_spends(program, ("2025-06-01", 500), ("2025-07-01", 100), ("2026-06-01", 300), ("2027-06-01", 300))
    lost = who_spends(program, ("2025-06-01", 500), ("2025-07-01", 100), ("2026-06-01", 300), ("2027-06-01", 299))
    assert tiers_on(kept, "2027-12-31", "2028-01-01", "2029-12-31", "2030-01-01") == ["gold", "gold", "gold", ""]
    assert tiers_on(lost, "2027-12-31", "2028-01-01") == ["gold", ""]


def test_a_tier_of_the_balance_goes_up_and_down_with_it():
    program = club(Tier("rich", Reach("stars", 100)), window=Balance())
    account = who_spends(program, ("2026-03-01", 100))
    assert account.tier(at="2026-03-01") == "rich"
    account.redeem("gift", points=1, id="r-1", at="2026-03-02")
    assert account.tier(at="2026-03-02") == ""
    account.cancel("r-1", id="x-1", at="2026-03-03")
    assert account.tier(at="2026-03-03") == "rich"
    account.hold("gift", points=1, id="h-1", at="2026-03-04")
    assert tiers_on(account, "2026-03-04", "2026-03-05") == ["", "rich"]  # the hold times out after a day


def test_a_tier_of_the_balance_goes_when_points_lapse():
    program = Program(
        "Club",
        points={"stars": Points(PerSpend(1), expiry=After(days=30))},
        tiers=TierLadder(Tier("rich", Reach("stars", 100)), window=Balance()),
    )
    account = who_spends(program, ("2026-03-01", 100))
    assert tiers_on(account, "2026-03-31T23:59", "2026-04-01") == ["rich", ""]


def test_a_tier_of_the_balance_may_have_some_grace():
    program = club(Tier("rich", Reach("stars", 100)), window=Balance(), grace=After(days=10))
    account = who_spends(program, ("2026-03-01", 100))
    account.redeem("gift", points=1, id="r-1", at="2026-03-02")
    assert tiers_on(account, "2026-03-12", "2026-03-13") == ["rich", ""]
    buy(account, 1, "2026-03-12")
    assert account.tier(at="2026-03-13") == "rich"


# Reaching a tier ------------------------------------------------------------------------------------------------------


def test_a_tier_is_reached_at_once_and_levels_may_be_skipped():
    account = METALS.account("m-1")
    receipt = buy(account, 99, "2026-03-01")
    assert (receipt.tier_before, receipt.tier_after) == ("", "")
    receipt = buy(account, "901.00", "2026-03-02")
    assert (receipt.tier_before, receipt.tier_after) == ("", "platinum")
    assert [entry.kind for entry in receipt.entries] == ["earned", "earned", "tier_changed"]
    assert receipt.entries[-1].reason == "platinum is reached"


def test_the_lowest_tier_may_be_everyones():
    program = club(Tier("member"), GOLD, **A_YEAR_AND_THE_NEXT)
    account = who_spends(program, ("2026-03-01", 500))
    assert tiers_on(account, "2026-02-28", "2026-03-01", "2028-01-01") == ["member", "gold", "member"]
    assert str(account.tiers_held[0]) == "member since the beginning until 2026-03-01"


def doubling(applies="before"):
    return Program(
        "Club",
        earning=PerSpend(1) * by_tier(gold=2),
        tiers=TierLadder(Tier("gold", Reach("spend", 500)), applies=applies),
    )


def test_an_activity_is_judged_in_the_tier_that_earlier_ones_reached():
    account = doubling().account("m-1")
    assert buy(account, 500, "2026-03-01T12:00").points == 500
    assert buy(account, 10, "2026-03-01T12:00").points == 10  # at once is not earlier
    assert buy(account, 10, "2026-03-01T12:00:00.000001").points == 20


def test_or_in_the_tier_that_it_reaches_itself():
    account = doubling(applies="after").account("m-1")
    assert buy(account, 499, "2026-03-01").points == 499
    receipt = buy(account, 1, "2026-03-02")
    assert (receipt.points, receipt.tier_before, receipt.tier_after) == (2, "", "gold")


def test_a_tier_that_is_reached_may_bring_points_once():
    program = Program(
        "Club",
        points={"stars": Points(PerSpend(1), on_event=Flat(100).when(OfKind("tier_up")))},
        tiers=TierLadder(Tier("gold", Reach("spend", 500))),
    )
    account = who_spends(program, ("2026-03-01", 500), ("2026-03-02", 500))
    assert account.balance(at="2026-03-02") == 1100


def test_a_reward_can_be_had_in_the_tier_that_was_just_reached():
    program = Program(
        "Club",
        earning=PerSpend(1),
        tiers=TierLadder(Tier("gold", Reach("spend", 500))),
        rewards={"lounge": Item(100, grants="lounge_visit").when(InTier("gold"))},
    )
    account = program.account("m-1")
    buy(account, 499, "2026-03-01")
    assert why(account.redeem("lounge", id="r-1", at="2026-03-01").quote) == "not_eligible"
    buy(account, 1, "2026-03-02")
    assert account.redeem("lounge", id="r-1", at="2026-03-02").ok


def test_a_preview_shows_the_tier_and_its_bonus_and_writes_nothing():
    account = who_spends(METALS, ("2026-03-01", 400))
    receipt = account.preview(Activity.purchase(100, at="2026-03-02"))
    assert (receipt.tier_before, receipt.tier_after) == ("silver", "gold")
    assert account.tier(at="2026-03-02") == "silver"


def test_a_tier_may_begin_with_the_next_period():
    program = club(SILVER, GOLD, window="year", keeps=EndOfPeriod(), starts="next_period")
    account = who_spends(program, ("2026-03-01", 500))
    assert tiers_on(account, "2026-03-01", "2026-12-31T23:59", "2027-01-01", "2027-12-31", "2028-01-01") == [
        "", "", "gold", "gold", "",
    ]  # fmt: skip
    assert account.tier_progress(at="2027-06-01").since == date(2027, 1, 1)


def test_a_tier_that_begins_with_each_next_period_is_kept_by_each():
    program = club(SILVER, GOLD, window="year", keeps=EndOfPeriod(), starts="next_period")
    account = who_spends(program, ("2026-03-01", 500), ("2027-03-01", 500), ("2028-03-01", 100))
    assert tiers_on(account, "2027-01-01", "2028-01-01", "2029-01-01", "2030-01-01") == ["gold", "gold", "silver", ""]


def test_a_threshold_may_be_deducted_from_what_is_counted():
    paid = [Tier("silver", Reach("status", 100), deducts=True), Tier("gold", Reach("status", 300), deducts=True)]
    account = who_spends(club(*paid, window="year", keeps=EndOfPeriod(1)), ("2026-03-01", 350))
    assert account.tier(at="2026-03-01") == "silver"  # 250 are left, and gold takes 300
    assert account.tier_progress(at="2026-03-01").to_next.missing == 50
    buy(account, 49, "2026-03-02")
    assert account.tier(at="2026-03-02") == "silver"
    buy(account, 1, "2026-03-03")
    assert account.tier(at="2026-03-03") == "gold"


def test_several_levels_are_deducted_one_after_another():
    paid = [Tier(name, Reach("status", n), deducts=True) for name, n in (("silver", 100), ("gold", 300), ("top", 1000))]
    account = who_spends(club(*paid), ("2026-03-01", 450))
    assert account.tier(at="2026-03-01") == "gold"
    assert account.tier_progress(at="2026-03-01").to_next == Progress("status", 50, 1000)
    assert account.balance("status", at="2026-03-01") == 450  # only the count is less


def test_what_is_deducted_is_what_has_brought_the_tier():
    nights, spend = Reach("nights", 5), Reach("spend", 100)
    for qualification, left in ((nights & spend, (2, 50)), (nights | spend, (2, 150)), (spend | nights, (7, 50))):
        one_more = Tier("top", Reach("nights", 1000) & Reach("spend", 1000))
        program = club(Tier("gold", qualification, deducts=True), one_more)
        account = program.account("m-1")
        buy(account, 150, "2026-03-01", nights=7)
        assert account.tier(at="2026-03-01") == "gold"
        assert tuple(part.have for part in account.tier_progress(at="2026-03-01").to_next.parts) == left


# Keeping a tier -------------------------------------------------------------------------------------------------------


def test_a_tier_lasts_until_its_last_day_is_over():
    account = who_spends(METALS, ("2026-03-01", 500))
    assert tiers_on(account, "2026-03-01", "2027-12-31T23:59:59.999999", "2028-01-01") == ["gold", "gold", ""]


def test_the_last_day_ends_where_the_program_is():
    ladder = TierLadder(Tier("gold", Reach("spend", 500)), **A_YEAR_AND_THE_NEXT)
    program = Program("Club", earning=PerSpend(1), timezone="Asia/Tokyo", tiers=ladder)
    account = who_spends(program, ("2026-03-01", 500))
    over = datetime(2027, 12, 31, 15, tzinfo=UTC)
    assert tiers_on(account, over - timedelta.resolution, over) == ["gold", ""]


@pytest.mark.parametrize(
    ("downgrade", "in_2027", "then"),
    [
        ("none", 0, ["platinum", "platinum", "platinum", "platinum"]),
        ("one_level", 0, ["gold", "silver", "", ""]),
        ("one_level", 150, ["gold", "silver", "", ""]),
        ("requalify", 0, ["", "", "", ""]),
        ("requalify", 150, ["silver", "", "", ""]),
        ("requalify", 999, ["gold", "", "", ""]),
        ("requalify", 1000, ["platinum", "", "", ""]),
        ("one_level", 1000, ["platinum", "gold", "silver", ""]),
    ],
)
def test_a_review_keeps_lowers_or_lands_softly(downgrade, in_2027, then):
    program = club(SILVER, GOLD, PLATINUM, **A_YEAR_AND_THE_NEXT, downgrade=downgrade)
    account = who_spends(program, ("2026-03-01", 1000), *([("2027-03-01", in_2027)] if in_2027 else []))
    assert account.tier(at="2027-12-31") == "platinum"
    assert tiers_on(account, "2028-01-01", "2029-01-01", "2030-01-01", "2031-01-01") == then


def test_what_was_counted_before_the_last_year_keeps_no_tier():
    account = who_spends(METALS, ("2026-03-01", 500), ("2026-11-01", 500 - 1))
    assert tiers_on(account, "2027-12-31", "2028-01-01") == ["gold", ""]


def test_what_has_reached_a_tier_does_not_keep_it_as_well():
    program = club(GOLD, window="year", keeps=EndOfPeriod())
    reached = who_spends(program, ("2026-03-01", 500), ("2026-03-02", 499))
    assert tiers_on(reached, "2026-12-31", "2027-01-01") == ["gold", ""]
    buy(reached, 1, "2026-12-31")
    assert tiers_on(reached, "2027-01-01", "2028-01-01") == ["gold", ""]


def test_it_may_take_less_to_stay_than_to_rise():
    regular = Tier("gold", Reach("status", 500), renewal=Reach("status", 400))
    program = club(SILVER, regular, **A_YEAR_AND_THE_NEXT)
    for spent, then in ((400, "gold"), (399, "silver")):
        account = who_spends(program, ("2026-03-01", 500), ("2027-03-01", spent))
        assert account.tier(at="2028-01-01") == then
    assert who_spends(program, ("2026-03-01", 400)).tier(at="2026-03-01") == "silver"


def test_some_tiers_are_kept_longer():
    lasting = Tier("platinum", Reach("status", 1000), keeps=Never())
    account = who_spends(club(GOLD, lasting, **A_YEAR_AND_THE_NEXT), ("2026-03-01", 1000))
    assert tiers_on(account, "2028-01-01", "2099-01-01") == ["platinum", "platinum"]


def airline():
    """A year from March; status lasts through the next one, and the March after."""
    return club(
        GOLD,
        window=Calendar("year", starts="03-01"),
        keeps=EndOfPeriod(1),
        grace=After(months=1).to_end_of("month"),
    )


def test_grace_keeps_a_tier_some_days_more():
    account = who_spends(airline(), ("2022-06-01", 500))
    assert account.tier_progress(at="2022-06-01").until == date(2024, 3, 31)
    assert tiers_on(account, "2024-02-29", "2024-03-01", "2024-03-31T23:59", "2024-04-01") == [
        "gold",
        "gold",
        "gold",
        "",
    ]


def test_what_is_counted_in_the_days_of_grace_keeps_the_tier():
    account = who_spends(airline(), ("2022-06-01", 500), ("2024-03-31", 500))
    assert tiers_on(account, "2024-04-01", "2025-04-01") == ["gold", "gold"]
    assert account.tier_progress(at="2024-04-01").until == date(2026, 3, 31)
    almost = who_spends(airline(), ("2022-06-01", 500), ("2024-03-31", 499))
    assert almost.tier(at="2024-04-01") == ""


def test_a_surplus_counts_in_the_next_period_up_to_a_limit():
    carrying = Tier("gold", Reach("status", 500), carry=200)
    program = club(carrying, **A_YEAR_AND_THE_NEXT)
    account = who_spends(program, ("2026-03-01", 1000))
    assert account.tier_progress(at="2027-01-01").to_stay == Progress("status", 200, 500)
    buy(account, 299, "2027-03-01")
    assert account.tier(at="2028-01-01") == ""
    buy(account, 1, "2027-03-02")
    assert account.tier(at="2028-01-01") == "gold"
    little = who_spends(program, ("2026-03-01", 550))
    assert little.tier_progress(at="2027-01-01").to_stay == Progress("status", 50, 500)


def test_a_surplus_that_is_learnt_late_is_carried_over_as_well_but_none_twice():
    program = club(Tier("gold", Reach("status", 500), carry=200), **A_YEAR_AND_THE_NEXT)
    account = who_spends(program, ("2026-03-01", 550))
    account.advance("2027-02-01")
    for late, carried in ((10, 60), (20, 80), (500, 200), (1, 200)):
        buy(account, late, "2026-12-15", posted="2027-02-01")
        assert account.tier_progress(at="2027-02-01").to_stay.have == carried


def test_a_surplus_that_is_refunded_is_not_carried_over():
    program = club(Tier("gold", Reach("status", 500), carry=200), **A_YEAR_AND_THE_NEXT)
    account = who_spends(program, ("2026-03-01", 500))
    buy(account, 100, "2026-04-01", id="back")
    account.advance("2027-02-01")
    account.reverse("back", amount=30, id="x-1", at="2027-02-01")
    assert account.tier_progress(at="2027-02-01").to_stay.have == 70
    account.reverse("back", id="x-2", at="2027-02-02")
    assert account.tier_progress(at="2027-02-02").to_stay.have == 0


def test_each_ladder_deducts_and_carries_for_itself():
    ladders = {
        "paid": TierLadder(Tier("silver", Reach("status", 100), deducts=True)),
        "carried": TierLadder(Tier("gold", Reach("status", 500), carry=200), **A_YEAR_AND_THE_NEXT),
        "for life": TierLadder(Tier("million", Reach("status", 1000))),
    }
    account = who_spends(club(ladders=ladders), ("2026-03-01", 700))
    account.advance("2027-02-01")
    assert account.tier_progress(at="2027-02-01", ladder="for life").to_next.have == 700
    assert account.tier_progress(at="2027-02-01", ladder="carried").to_stay.have == 200


def test_a_surplus_is_not_counted_twice_for_life():
    lasting = Tier("million", Reach("status", 1000, window="ever"), keeps=Never())
    program = club(Tier("gold", Reach("status", 500), carry=200), lasting, **A_YEAR_AND_THE_NEXT)
    account = who_spends(program, ("2026-03-01", 700))
    assert account.tier_progress(at="2027-02-01").to_next.have == 700


def test_a_surplus_that_is_learnt_years_late_goes_on_from_period_to_period():
    program = club(Tier("gold", Reach("status", 500), carry=200), window="year", keeps=EndOfPeriod(3))
    account = who_spends(program, ("2025-03-01", 500), ("2026-03-01", 500), ("2027-03-01", 10))
    buy(account, 90, "2025-12-15", posted="2027-04-01")
    account.advance("2027-04-01")
    assert [change.n for change in account.snapshot().standings[0].carried] == [90, 90]


def test_an_account_that_is_taken_over_deducts_no_threshold_twice():
    program = club(Tier("silver", Reach("status", 100), deducts=True), Tier("gold", Reach("status", 300)))
    account = program.account("m-2")
    account.merge(who_spends(program, ("2026-03-01", 250)), id="m-1", at="2026-05-01")
    assert account.tier_progress(at="2026-05-01").to_next.have == 150


def test_an_account_that_is_taken_over_hands_on_its_surplus():
    program = club(Tier("gold", Reach("status", 500), carry=200), **A_YEAR_AND_THE_NEXT)
    account, other = program.account("m-2"), who_spends(program, ("2026-03-01", 600))
    other.advance("2027-02-01")
    account.merge(other, id="m-1", at="2027-02-01")
    assert account.tier_progress(at="2027-02-01").to_stay.have == 100


# Given by hand --------------------------------------------------------------------------------------------------------


def test_a_tier_can_be_guaranteed_until_a_day():
    account = who_spends(METALS, ("2026-03-01", 100))
    account.grant_tier("gold", at="2026-04-01", until="2026-09-30", id="g-1")
    days = ("2026-03-31", "2026-04-01", "2026-09-30T23:59", "2026-10-01", "2028-01-01")
    assert tiers_on(account, *days) == ["silver", "gold", "gold", "silver", ""]
    assert account.tier_progress(at="2026-04-01").until == date(2026, 9, 30)


def test_a_granted_tier_is_a_floor_under_what_is_counted():
    account = METALS.account("m-1")
    account.grant_tier("gold", at="2026-01-01", id="g-1")
    buy(account, 1000, "2026-03-01")
    assert tiers_on(account, "2026-02-28", "2026-03-01", "2028-01-01", "2099-01-01") == [
        "gold", "platinum", "gold", "gold",
    ]  # fmt: skip


def test_a_tier_by_invitation_is_only_granted():
    circle = Tier("circle", Invitation())
    program = club(SILVER, GOLD, circle, **A_YEAR_AND_THE_NEXT)
    account = who_spends(program, ("2026-03-01", 100_000))
    assert (account.tier(at="2026-03-01"), account.tier_progress(at="2026-03-01").to_next) == ("gold", None)
    account.grant_tier("circle", at="2026-04-01", until="2026-12-31", id="g-1")
    assert tiers_on(account, "2026-04-01", "2027-01-01", "2028-01-01") == ["circle", "gold", ""]


def test_an_invitation_may_be_one_way_among_others():
    program = club(Tier("circle", Invitation() | Reach("spend", 10_000)))
    assert who_spends(program, ("2026-03-01", 10_000)).tier(at="2026-03-01") == "circle"
    invited = program.account("m-2")
    invited.grant_tier("circle", at="2026-03-01", id="g-1")
    assert invited.tier(at="2026-03-01") == "circle"


def test_nobody_lands_softly_on_a_tier_by_invitation():
    program = club(SILVER, Tier("friends", Invitation()), GOLD, **A_YEAR_AND_THE_NEXT, downgrade="one_level")
    assert who_spends(program, ("2026-03-01", 500)).tier(at="2028-01-01") == "silver"


def test_granting_again_under_the_same_id_changes_nothing():
    account = METALS.account("m-1")
    first = account.grant_tier("gold", at="2026-04-01", until="2026-09-30", id="g-1")
    assert account.grant_tier("gold", at="2026-04-01", until="2026-09-30", id="g-1") == first
    assert len(account.entries) == len(first)
    with pytest.raises(Conflict, match="tier='gold' and now with 'silver'"):
        account.grant_tier("silver", at="2026-04-01", until="2026-09-30", id="g-1")


@pytest.mark.parametrize(
    ("grant", "error"),
    [
        ({"name": "bronze"}, "'bronze' is no tier of 'tiers'; it has 'silver', 'gold', 'platinum'"),
        ({"name": "gold", "until": "2026-03-31"}, "until: 2026-03-31 is over already"),
        ({"name": "gold", "ladder": "clubs"}, "'clubs' is no ladder; there is 'tiers'"),
    ],
)
def test_a_grant_that_is_refused_writes_nothing(grant, error):
    account = METALS.account("m-1")
    with pytest.raises(RuleError, match=error):
        account.grant_tier(at="2026-04-01", id="g-1", **grant)
    assert account.entries == ()


def test_what_nothing_ends_is_kept_without_a_last_day():
    for program in (club(GOLD), club(GOLD, window="year", keeps=EndOfPeriod(), downgrade="none")):
        account = who_spends(program, ("2026-03-01", 500))
        account.grant_tier("gold", at="2026-04-01", until="2026-09-30", id="g-1")
        assert account.tier_progress(at="2026-05-01").until is None


# Several ladders ------------------------------------------------------------------------------------------------------


def test_a_program_may_have_several_ladders():
    ladders = {
        "status": TierLadder(GOLD, **A_YEAR_AND_THE_NEXT),
        "lifetime": TierLadder(Tier("million", Reach("status", 1000), benefits=("plaque",))),
    }
    account = who_spends(club(ladders=ladders), ("2026-03-01", 500), ("2027-03-01", 500))
    assert tiers_on(account, "2026-03-01", "2030-01-01") == ["gold", ""]
    assert [account.tier(at=day, ladder="lifetime") for day in ("2026-03-01", "2030-01-01")] == ["", "million"]
    assert account.tier_progress(at="2026-03-01", ladder="lifetime").to_next.missing == 500
    account.grant_tier("million", ladder="lifetime", at="2027-03-01", id="g-1")
    assert list(account.benefits(at="2030-01-01")) == ["plaque"]
    assert {held.ladder for held in account.tiers_held} == {"status", "lifetime"}


def test_rules_see_the_first_ladder_and_each_by_name():
    ladders = {"status": TierLadder(GOLD), "fun": TierLadder(Tier("player", Reach("status", 100)))}
    account = who_spends(club(ladders=ladders), ("2026-03-01", 500))
    member = account.member(at="2026-03-02")
    assert (member.tier, dict(member.tiers), member.ladder) == ("gold", {"status": "gold", "fun": "player"}, ("gold",))


# Learnt late, pending, taken back -------------------------------------------------------------------------------------


def test_an_activity_that_is_learnt_late_earns_in_the_tier_of_its_day():
    account = who_spends(doubling(), ("2026-03-01", 500))
    assert buy(account, 10, "2026-02-01", posted="2026-04-01").points == 10
    assert buy(account, 10, "2026-03-02", posted="2026-04-01").points == 20


def test_a_tier_reached_late_begins_when_it_is_learnt_and_lasts_from_when_it_was_met():
    account = METALS.account("m-1")
    receipt = buy(account, 500, "2026-12-31", posted="2027-02-01")
    assert receipt.tier_after == "gold"
    assert tiers_on(account, "2026-12-31", "2027-01-31", "2027-02-01", "2027-12-31", "2028-01-01") == [
        "", "", "gold", "gold", "",
    ]  # fmt: skip


def test_what_no_ladder_counts_brings_no_tier_back():
    counting = TierLadder(GOLD, window="year", keeps=After(days=30))
    ladders = {"status": counting, "rich": TierLadder(Tier("rich", Reach("stars", 10_000)), window=Balance())}
    account = who_spends(club(ladders=ladders), ("2026-03-01", 500))
    account.redeem("gift", points=1, id="r-1", at="2026-06-01")
    assert tiers_on(account, "2026-03-31", "2026-04-01", "2026-06-01") == ["gold", "", ""]


def test_what_is_learnt_late_opens_no_period_again_that_has_brought_a_tier():
    program = club(GOLD, window="year", keeps=EndOfPeriod(1), starts="next_period")
    account = who_spends(program, ("2024-03-01", 500), ("2025-03-01", 500))
    assert tiers_on(account, "2025-01-01", "2026-12-31", "2027-01-01") == ["gold", "gold", ""]
    buy(account, 1, "2024-03-02", posted="2027-01-02")
    assert account.tier(at="2027-01-02") == ""


def test_a_late_activity_counts_in_the_window_of_its_day():
    account = who_spends(METALS, ("2026-12-01", 300), ("2027-01-15", 300))
    assert buy(account, 100, "2026-12-15", posted="2027-02-01").tier_after == "silver"
    assert buy(account, 100, "2026-12-16", posted="2027-02-02").tier_after == "gold"


def test_a_tier_that_would_be_over_already_is_not_begun():
    account = METALS.account("m-1")
    assert buy(account, 500, "2024-03-01", posted="2026-03-01").tier_after == ""


def waiting():
    return Program(
        "Club",
        points={"stars": Points(PerSpend(1)), "status": Points(PerSpend(1), redeemable=False, pending=After(days=14))},
        tiers=TierLadder(GOLD, **A_YEAR_AND_THE_NEXT),
    )


def test_pending_points_count_once_they_are_there_in_the_window_of_their_day():
    account = who_spends(waiting(), ("2026-12-20", 500))
    assert tiers_on(account, "2026-12-20", "2027-01-02T23:59", "2027-01-03") == ["", "", "gold"]
    progress = account.tier_progress(at="2027-01-03")
    assert (progress.since, progress.until) == (date(2027, 1, 3), date(2027, 12, 31))
    assert progress.to_stay.have == 0  # they are of 2026


def test_pending_points_count_when_they_are_activated_by_hand():
    account = who_spends(waiting(), ("2026-12-20", 500))
    account.activate(account.entries[0].id, id="a-1", at="2026-12-22")
    assert tiers_on(account, "2026-12-21", "2026-12-22") == ["", "gold"]


def test_pending_points_that_are_taken_back_never_counted():
    account = who_spends(waiting(), ("2026-12-20", 500))
    account.reverse(account.entries[0].id, amount=1, id="x-1", at="2026-12-22")
    assert account.tier(at="2027-01-03") == ""


def test_a_refund_gives_counts_back_to_the_period_of_the_purchase():
    for refunded, kept in ((("2026-03-01", 100), "gold"), (("2027-03-01", 1), "")):
        account = club(GOLD, **A_YEAR_AND_THE_NEXT).account("m-1")
        for day in ("2026-03-01", "2027-03-01"):
            buy(account, 500, day, id=day)
        day, amount = refunded
        account.reverse(day, amount=amount, id="x-1", at="2027-11-01")
        assert tiers_on(account, "2027-11-01", "2027-12-31", "2028-01-01") == ["gold", "gold", kept]


def test_a_refund_takes_money_and_activities_off_as_well():
    program = club(Tier("gold", Reach("spend", 500) & Reach("activities", 2)))
    account = who_spends(program, ("2026-03-01", 300))
    buy(account, 100, "2026-03-02", id="back")
    account.reverse("back", amount=40, id="x-1", at="2026-03-03")
    spend, activities = account.tier_progress(at="2026-03-03").to_next.parts
    assert (spend.have, activities.have) == (360, 2)
    account.reverse("back", id="x-2", at="2026-03-04")
    spend, activities = account.tier_progress(at="2026-03-04").to_next.parts
    assert (spend.have, activities.have) == (300, 1)


def test_a_refund_lowers_no_tier_before_the_review():
    account = METALS.account("m-1")
    buy(account, 500, "2026-03-01", id="t-1")
    account.reverse("t-1", id="x-1", at="2026-03-02")
    assert tiers_on(account, "2026-03-02", "2027-12-31", "2028-01-01") == ["gold", "gold", ""]


def test_redeeming_lowers_no_tier():
    program = club(Tier("gold", Reach("stars", 500)), **A_YEAR_AND_THE_NEXT)
    account = who_spends(program, ("2026-03-01", 500), ("2027-03-01", 500))
    account.redeem("gift", points=1000, id="r-1", at="2027-04-01")
    assert tiers_on(account, "2027-04-01", "2028-01-01", "2028-12-31") == ["gold", "gold", "gold"]


def test_points_that_have_lapsed_still_count():
    program = Program(
        "Club",
        points={"stars": Points(PerSpend(1), expiry=After(days=10))},
        tiers=TierLadder(Tier("gold", Reach("stars", 500)), window="year", keeps=EndOfPeriod(1)),
    )
    assert who_spends(program, ("2026-03-01", 300), ("2026-05-01", 200)).tier(at="2026-05-01") == "gold"


# Benefits -------------------------------------------------------------------------------------------------------------


def perks():
    gold = Tier(
        "gold",
        Reach("status", 500),
        benefits=(
            "lounge_access",
            Benefit("extra_bag", 2, per="year"),
            Choice("milestone", ("8000 points", "lounge pass"), default="8000 points", within=After(days=60)),
        ),
    )
    silver = Tier("silver", Reach("status", 100), benefits=("free_shipping", Benefit("extra_bag", 1)))
    return club(silver, gold, **A_YEAR_AND_THE_NEXT)


def test_a_tier_brings_its_benefits_as_long_as_it_is_held():
    account = who_spends(perks(), ("2026-03-01", 100), ("2026-04-01", 400))
    assert [list(account.benefits(at=day)) for day in ("2026-02-28", "2026-03-01", "2026-04-01", "2028-01-01")] == [
        [],
        ["free_shipping", "extra_bag"],
        ["lounge_access", "extra_bag", "milestone"],
        [],
    ]
    assert {name: str(held) for name, held in account.benefits(at="2026-04-01").items()} == {
        "lounge_access": "lounge_access",
        "extra_bag": "extra_bag: 2 left",
        "milestone": "milestone: choose 8000 points or lounge pass, by 2026-05-31",
    }


def test_a_benefit_can_be_used_so_often_in_a_period():
    account = who_spends(perks(), ("2026-03-01", 500))
    assert account.use("extra_bag", id="u-1", at="2026-03-02").ok
    refused = account.use("extra_bag", id="u-2", at="2026-03-03", quantity=2)
    assert (why(refused), refused.refusal.numbers["left"]) == ("limit_reached", 1)
    assert account.use("extra_bag", id="u-2", at="2026-03-03").ok  # a refusal uses up no id
    assert account.benefits(at="2026-03-04")["extra_bag"].left == 0
    assert account.benefits(at="2027-01-01")["extra_bag"].left == 2


def test_a_benefit_without_a_number_is_free_to_use():
    account = who_spends(perks(), ("2026-03-01", 500))
    assert all(account.use("lounge_access", id=f"u-{n}", at="2026-03-02").ok for n in range(10))


def test_what_the_tier_does_not_bring_cannot_be_used():
    account = who_spends(perks(), ("2026-03-01", 100))
    before = account.entries
    for name in ("lounge_access", "milestone", "nothing"):
        assert why(account.use(name, id="u-1", at="2026-03-02")) == "not_eligible"
        assert why(account.choose(name, "lounge pass", id="u-1", at="2026-03-02")) == "not_eligible"
    assert account.entries == before


def test_what_was_used_in_a_lower_tier_is_used():
    account = who_spends(perks(), ("2026-03-01", 100))
    account.use("extra_bag", id="u-1", at="2026-03-02")
    buy(account, 400, "2026-04-01")
    assert account.benefits(at="2026-04-01")["extra_bag"].left == 1


def test_using_again_under_the_same_id_is_using_once():
    account = who_spends(perks(), ("2026-03-01", 500))
    first = account.use("extra_bag", id="u-1", at="2026-03-02")
    assert account.use("extra_bag", id="u-1", at="2026-03-02") == first
    assert account.benefits(at="2026-03-02")["extra_bag"].left == 1
    with pytest.raises(Conflict, match="quantity=1 and now with 2"):
        account.use("extra_bag", id="u-1", at="2026-03-02", quantity=2)


def test_a_choice_is_made_once_and_in_time():
    account = who_spends(perks(), ("2026-03-01", 500))
    chosen = account.choose("milestone", "lounge pass", id="c-1", at="2026-04-30")
    assert chosen.ok
    assert account.choose("milestone", "lounge pass", id="c-1", at="2026-04-30") == chosen
    assert why(account.choose("milestone", "8000 points", id="c-2", at="2026-04-30")) == "limit_reached"
    assert account.benefits(at="2027-01-01")["milestone"].chosen == "lounge pass"


def test_who_does_not_choose_in_time_has_the_default():
    account = who_spends(perks(), ("2026-03-01", 500))
    assert [account.benefits(at=day)["milestone"].chosen for day in ("2026-04-30T23:59", "2026-05-01")] == [
        "",
        "8000 points",
    ]
    assert not account.choose("milestone", "lounge pass", id="c-1", at="2026-05-01").ok


def test_a_choice_can_be_made_anew_when_the_tier_is_reached_anew():
    account = who_spends(perks(), ("2026-03-01", 500))
    account.choose("milestone", "lounge pass", id="c-1", at="2026-03-02")
    buy(account, 500, "2030-03-01")
    assert account.benefits(at="2030-03-01")["milestone"].chosen == ""
    assert account.choose("milestone", "8000 points", id="c-2", at="2030-03-02").ok


def test_an_option_that_is_none_is_refused():
    account = who_spends(perks(), ("2026-03-01", 500))
    with pytest.raises(RuleError, match="'a pony' is none of '8000 points', 'lounge pass'"):
        account.choose("milestone", "a pony", id="c-1", at="2026-03-02")


# Where a member stands ------------------------------------------------------------------------------------------------


def test_progress_says_what_is_missing_by_when_and_what_it_takes_to_stay():
    account = who_spends(METALS, ("2026-03-01", 600))
    progress = account.tier_progress(at="2026-03-02")
    assert (progress.tier, progress.since, progress.until) == ("gold", date(2026, 3, 1), date(2027, 12, 31))
    assert (progress.next, progress.to_next.missing, progress.by) == ("platinum", 400, date(2026, 12, 31))
    assert (progress.to_stay.missing, progress.stay_by) == (500, date(2027, 12, 31))
    assert str(progress) == (
        "gold until 2027-12-31\n"
        "  platinum: 600 of 1,000 status, 400 missing, by 2026-12-31\n"
        "  to stay gold: 0 of 500 status, 500 missing, by 2027-12-31"
    )


def test_progress_of_several_counts_shows_each():
    program = club(Tier("top", Reach("status", 1000) & (Reach("activities", 3) | Invitation())))
    progress = who_spends(program, ("2026-03-01", 600)).tier_progress(at="2026-03-02")
    assert str(progress.to_next) == (
        "600 of 1,000 status, 400 missing and (1 of 3 activities, 2 missing or 0 of 1 invitation, 1 missing)"
    )
    assert [leaf.what for leaf in progress.to_next.leaves] == ["status", "activities", "invitation"]
    assert not progress.to_next.met


def test_who_is_at_the_top_has_nothing_more_to_reach():
    progress = who_spends(METALS, ("2026-03-01", 1000)).tier_progress(at="2026-03-02")
    assert (progress.next, progress.to_next, progress.by) == ("", None, None)


def test_who_never_loses_a_tier_has_nothing_to_do_to_stay():
    progress = who_spends(club(GOLD), ("2026-03-01", 500)).tier_progress(at="2026-03-02")
    assert (progress.until, progress.to_stay, progress.stay_by) == (None, None, None)


def test_progress_of_a_newcomer():
    progress = METALS.account("m-1").tier_progress(at="2026-03-02")
    assert (progress.tier, progress.since, progress.next, progress.to_next.missing) == ("", None, "silver", 100)
    assert who_spends(METALS, ("2026-03-01", 1)).tiers_held == ()


def test_the_tiers_held_one_after_another():
    account = who_spends(METALS, ("2026-03-01", 100), ("2026-04-01T12:30", 400))
    account.advance("2028-06-01")
    assert [str(held) for held in account.tiers_held] == [
        "silver since 2026-03-01 until 2026-04-01T12:30",
        "gold since 2026-04-01T12:30 until 2028-01-01",
    ]


def test_a_program_without_tiers_has_none_to_ask_about():
    account = who_spends(Program("Club", earning=PerSpend(1)), ("2026-03-01", 100))
    assert account.tiers_held == ()
    for question in (account.tier, account.tier_progress):
        with pytest.raises(RuleError, match="it has no tiers; give the program tiers=TierLadder"):
            question(at="2026-03-01")


# Entries, and what is stored ------------------------------------------------------------------------------------------


def test_an_account_is_its_entries_in_all_tiers():
    account = who_spends(perks(), ("2026-03-01", 500), ("2027-03-01", 50))
    account.grant_tier("silver", at="2027-04-01", until="2029-06-30", id="g-1")
    account.use("extra_bag", id="u-1", at="2027-04-01")
    account.advance("2028-02-01")
    again = perks().account("m-1", entries=[from_data(to_data(entry)) for entry in account.entries])
    assert again.tiers_held == account.tiers_held
    for day in ("2026-06-01", "2028-02-01", "2030-01-01"):
        assert again.tier_progress(at=day) == account.tier_progress(at=day)
        assert again.benefits(at=day) == account.benefits(at=day)


@pytest.mark.parametrize(
    "ladder",
    [
        TierLadder(GOLD, window="year", keeps=EndOfPeriod(), starts="next_period"),
        TierLadder(Tier("gold", Reach("status", 500), carry=200), **A_YEAR_AND_THE_NEXT),
    ],
    ids=["starts", "carries"],
)
def test_what_the_next_period_brings_follows_from_the_entries(ladder):
    program = club(ladders={"tiers": ladder})
    account = who_spends(program, ("2026-03-01", 600))
    again = program.account("m-1", entries=account.entries)
    assert again.tier_progress(at="2027-01-01") == account.tier_progress(at="2027-01-01")
    assert again.tier(at="2027-01-01") == "gold"


def test_an_account_goes_on_from_a_snapshot():
    account = who_spends(perks(), ("2026-03-01", 500))
    account.use("extra_bag", id="u-1", at="2026-04-01")
    later = perks().account("m-1", snapshot=from_data(to_data(account.snapshot())))
    for one in (account, later):
        buy(one, 500, "2027-03-01", id="more")
    for day in ("2027-03-01", "2028-01-01", "2029-01-01"):
        assert later.tier_progress(at=day) == account.tier_progress(at=day)
        assert later.benefits(at=day) == account.benefits(at=day)


def test_earning_again_under_the_same_id_has_the_same_tiers():
    account = METALS.account("m-1")
    first = buy(account, 500, "2026-03-01", id="t-1")
    buy(account, 500, "2026-03-02", id="t-2")
    assert buy(account, 500, "2026-03-01", id="t-1") == first


def test_a_program_with_tiers_is_the_same_from_a_file(tmp_path):
    ladders = {**LADDERS, **BALANCED, "perks": perks().ladders["tiers"]}
    for name, ladder in ladders.items():
        program = club(ladders={"tiers": ladder})
        for file in (tmp_path / f"{name}.toml", tmp_path / f"{name}.json"):
            program.dump(file)
            assert Program.load(file) == program


def test_a_program_with_tiers_can_be_written_by_hand(tmp_path):
    (tmp_path / "club.toml").write_text(
        """
        version = 1
        name = "Club"
        [points.status]
        earning = "PerSpend(1)"
        redeemable = false
        [tiers]
        window = "Calendar('year', starts='03-01')"
        keeps = "EndOfPeriod(1)"
        [[tiers.tiers]]
        name = "member"
        [[tiers.tiers]]
        name = "gold"
        qualification = "Reach('status', 500) | Reach('nights', 30)"
        benefits = ["lounge_access", { name = "extra_bag", quantity = 2, type = "benefit" }]
        """
    )
    gold = Tier(
        "gold",
        Reach("status", 500) | Reach("nights", 30),
        benefits=("lounge_access", Benefit("extra_bag", 2)),
    )
    assert Program.load(tmp_path / "club.toml") == Program(
        "Club",
        points={"status": Points(PerSpend(1), redeemable=False)},
        tiers=TierLadder(Tier("member"), gold, window=Calendar("year", starts="03-01"), keeps=EndOfPeriod(1)),
    )


def test_a_call_again_has_the_same_result_whatever_its_tier_has_brought():
    program = Program(
        "Club",
        points={"stars": Points(PerSpend(1), on_event=Flat(100).when(OfKind("tier_up", "redeemed")))},
        rewards={"gift": Donation(worth="0.01", to="the school")},
        tiers=TierLadder(
            Tier("silver", Reach("stars", 100)), Tier("gold", Reach("stars", 200)), Tier("top", Reach("stars", 300))
        ),
    )
    account = program.account("m-1")
    calls = [
        lambda one: buy(one, 100, "2026-03-01", id="t-1"),
        lambda one: one.redeem("gift", points=50, id="r-1", at="2026-03-02"),
        lambda one: one.grant_tier("top", at="2026-03-03", id="g-1"),
    ]
    first = [call(account) for call in calls]
    assert first[0].tier_after == "top"  # 100 points, 100 for silver, and 100 for gold
    assert [call(account) for call in calls] == first
    stored = [from_data(to_data(entry)) for entry in account.entries]
    again = [call(program.account("m-1", entries=stored)) for call in calls]
    assert [getattr(result, "entries", result) for result in again] == [getattr(r, "entries", r) for r in first]
    assert (again[0].tier_before, again[0].tier_after) == (first[0].tier_before, first[0].tier_after)


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("TierLadder()", "tiers: there is none"),
        ("TierLadder('gold')", "'gold' is no tier"),
        ("TierLadder(GOLD, GOLD)", "'gold' stands twice"),
        ("TierLadder(SILVER, Tier('gold'))", "'gold' has no qualification, which only the lowest may lack"),
        ("TierLadder(GOLD, downgrade='two_levels')", "'two_levels' is not known; give one of 'none', 'one_level'"),
        ("TierLadder(GOLD, starts='soon')", "'soon' is not known; give one of 'at_once', 'next_period'"),
        ("TierLadder(GOLD, applies='later')", "'later' is not known; give one of 'before', 'after'"),
        ("TierLadder(GOLD, window='activity')", "is no window for tiers"),
        ("TierLadder(GOLD, window=Each('ticket'))", "is no window for tiers"),
        ("TierLadder(GOLD, starts='next_period')", "has no next period; give a window such as"),
        ("TierLadder(GOLD, window=Rolling(months=12), keeps=EndOfPeriod(1))", "has no periods; give a calendar"),
        ("TierLadder(GOLD, window=Balance(), grace=EndOfPeriod().plus(days=7))", "has no periods; give a calendar"),
        ("TierLadder(GOLD, keeps='a year')", "'a year' is no date rule"),
        ("TierLadder(Tier('gold', Reach('status', 1), carry=5))", "gold: carry: 'ever' has no next period"),
        ("TierLadder(Tier('gold', Reach('status', 1), deducts=True), window=Balance())", "a balance is not a count"),
        ("TierLadder(Tier('gold', Reach(OfKind('stay'), 1)), window=Balance())", "has no balance; give the name"),
        ("Tier('gold', Flat(5))", "is no qualification; give one such as Reach"),
        ("Tier('gold', deducts=True)", "gold: everyone is in a tier without a qualification"),
        ("Tier('gold', Reach('status', 1), deducts=1)", "deducts: 1 is neither True nor False"),
        ("Tier('gold', Reach('status', 1), carry=0)", "carry: "),
        ("Tier('gold', benefits=('bag', Benefit('bag', 2)))", "'bag' stands twice; keep one"),
        ("Reach('status', 0)", "n: "),
        ("Reach('status', 0.5)", "0.5"),
        ("Reach('status', 1, window='line')", "is no window for tiers"),
        ("Reach(OfKind('stay'), 1, window=Balance())", "a balance is of a unit's points"),
        ("Benefit('bag', 0)", "quantity: "),
        ("Benefit('bag', 1, per=Rolling(months=12))", "is no stretch of days"),
        ("Choice('gift', ('one',))", "is no choice; give at least two"),
        ("Choice('gift', ('one', 'one'))", "is no choice; give at least two different names"),
        ("Choice('gift', ('one', 'two'), default='three')", "'three' is none of the options; give one of one, two"),
        ("Choice('gift', ('one', 'two'), default='one')", r"'one' would never be taken; .* within=After\(days=60\)"),
        ("club(ladders={'a': GOLD})", "ladders.a: .* is no ladder"),
        ("Reach('status', 1) and Invitation()", r"& \(all of them\) and \| \(one of them\)"),
        ("club(GOLD, ladders={'a': TierLadder(GOLD)})", "give either tiers=... or ladders="),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(code, error):
    with pytest.raises(LoyaltyError, match=error):
        built(code, PUBLIC | {"club": club, "SILVER": SILVER, "GOLD": GOLD})


# Whatever happens -----------------------------------------------------------------------------------------------------


def ladder_of(*qualifications, deducts=False, **ladder):
    names = ("silver", "gold", "platinum")
    return TierLadder(*(Tier(n, q, deducts=deducts) for n, q in zip(names, qualifications, strict=False)), **ladder)


def reaches(what, *ns, **reach):
    return [Reach(what, n, **reach) for n in ns]


LADDERS = {
    "a month and the next": ladder_of(*reaches("status", 100, 200, 400), window="month", keeps=EndOfPeriod(1)),
    "one level at a time": ladder_of(
        *reaches("status", 100, 200, 400), window="month", keeps=EndOfPeriod(1), downgrade="one_level"
    ),
    "never lost": ladder_of(*reaches("spend", 100, 200, 400), window="month", keeps=EndOfPeriod(), downgrade="none"),
    "with grace": ladder_of(
        *reaches("status", 100, 200, 400), window=Calendar("month", starts=15), keeps=EndOfPeriod(), grace=After(days=7)
    ),
    "rolling": ladder_of(*reaches("status", 100, 200, 400), window=Rolling(days=30), keeps=After(days=30)),
    "the next month": ladder_of(
        *reaches("status", 100, 200, 400), window="month", keeps=EndOfPeriod(), starts="next_period"
    ),
    "deducted": ladder_of(*reaches("status", 100, 200, 400), window="month", keeps=EndOfPeriod(1), deducts=True),
    "for life": ladder_of(*reaches("stars", 200, 500, 900)),
    "one of several": ladder_of(
        Reach("status", 200) | Reach("activities", 3, window=Rolling(days=10)),
        Reach("spend", 200) & Reach(OfKind("stay"), 2),
        window="month",
        keeps=After(days=20),
    ),
    "the term": ladder_of(
        Reach("status", 100), Reach("status", 200, window=TierTerm()), window="month", keeps=After(days=20)
    ),
    "carried": TierLadder(Tier("gold", Reach("status", 100), carry=50), window="month", keeps=EndOfPeriod(1)),
}
BALANCED = {
    "balance": ladder_of(*reaches("stars", 100, 200, 400), window=Balance()),
    "balance with grace": ladder_of(*reaches("stars", 100, 200, 400), window=Balance(), grace=After(days=3)),
    "balance for some days": ladder_of(*reaches("stars", 100, 200), window=Balance(), keeps=After(days=10)),
}
PENDING = ("with grace", "deducted")
ANY_LADDER = st.sampled_from([*LADDERS, *BALANCED])
BEGIN = datetime(2026, 1, 5, 12, tzinfo=UTC)


def program_of(name):
    return Program(
        "Club",
        points={
            "stars": Points(PerSpend(1) * by_tier(gold=2), expiry=After(days=45)),
            "status": Points(PerSpend(1), redeemable=False, pending=After(days=2) if name in PENDING else None),
        },
        rewards={"gift": Donation(worth="0.01", to="the school")},
        tiers=(LADDERS | BALANCED)[name],
    )


EVENTS = st.one_of(
    st.tuples(st.just("stay"), st.sampled_from([1, 50, 99, 100, 101, 200, 400])),
    st.tuples(st.just("purchase"), st.sampled_from([1, 50, 100, 200])),
    st.tuples(st.just("adjust"), st.sampled_from([1, 100, 150])),
    st.tuples(st.just("redeem"), st.sampled_from([1, 50, 100])),
    st.tuples(st.just("refund"), st.sampled_from([1, 50, 100])),
    st.tuples(st.just("grant"), st.sampled_from([2, 10, 40])),
    st.tuples(st.just("late"), st.sampled_from([1, 2, 20, 45])),
)
WAITS = st.sampled_from([0, 0, 1, 2, 3, 9, 10, 20, 29, 30, 31, 45]) | st.tuples(
    st.sampled_from([None, 1, 15]), st.sampled_from([-1, 0, 1])
)
"""So many days; or up to the next midnight, to that of a day of the month, and one tick before, at or after it."""
HISTORIES = st.lists(st.tuples(WAITS, EVENTS), min_size=1, max_size=12)


def happen(account, at, what, n, id):
    """One thing that happens to an account; what it refuses did not happen."""
    stays = [entry.id for entry in account.entries if entry.kind == "earned"]
    try:
        if what in ("stay", "purchase"):
            return account.earn(Activity(Line(n), kind=what, at=at, id=id))
        if what == "late":
            return account.earn(Activity(Line(150), kind="stay", at=at - timedelta(n), id=id), posted=at)
        if what == "adjust":
            return account.adjust(n, unit="status", reason="a kindness", actor="me", id=id, at=at)
        if what == "redeem":
            return account.redeem("gift", points=n, id=id, at=at)
        if what == "refund":
            return account.reverse(stays[0] if stays else "none", amount=n, id=id, at=at, on_shortfall="owe")
        return account.grant_tier("silver" if n == 2 else "gold", at=at, until=at.date() + timedelta(n), id=id)
    except LoyaltyError:
        return None


def later(at, wait):
    if isinstance(wait, int):
        return at + timedelta(wait)
    day, ticks = wait
    edge = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(1)
    while day is not None and edge.day != day:
        edge += timedelta(1)
    return edge + ticks * timedelta.resolution


def history(account, steps):
    """Each moment of it, after what happened then."""
    at = BEGIN
    for number, (wait, (what, n)) in enumerate(steps):
        at = later(at, wait)
        happen(account, at, what, n, f"c-{number}")
        yield at


def stands(account, at):
    return account.tier(at=at), account.tier_progress(at=at)


def slowly(counted, upto):
    """The tier by months, kept through the next: told again from the beginning, by adding up all there is."""
    needed = [0, 100, 200, 400]
    held, proof, until = 0, None, None

    def level(first, last):
        n = sum(points for at, points in counted if first <= at <= last)
        return max(k for k, enough in enumerate(needed) if n >= enough)

    def month(at):
        return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    for now in [*(at for at, _ in counted if at <= upto), upto]:
        while until is not None and until <= now:
            last = until - timedelta.resolution
            held = min(held, level(max(month(last), proof + timedelta.resolution), last))
            proof, until = last, month(until + timedelta(31)) if held else None
        reached = level(month(now), now)
        if reached > held:
            held, proof, until = reached, now, month(month(month(now) + timedelta(31)) + timedelta(31))
    return ("", "silver", "gold", "platinum")[held]


@given(st.lists(st.tuples(WAITS, st.sampled_from([1, 50, 99, 100, 101, 199, 200, 400])), min_size=1, max_size=15))
def test_tiers_are_those_of_a_slow_model(steps):
    account = program_of("a month and the next").account("m-1")
    counted = []
    for at in history(account, [(wait, ("stay", n)) for wait, n in steps]):
        counted.append((at, steps[len(counted)][1]))
        for days in (0, 1, 15, 31, 45, 62, 100):
            upto = at + timedelta(days)
            assert account.tier(at=upto) == slowly(counted, upto)


@given(ANY_LADDER, HISTORIES)
def test_an_account_stands_where_its_entries_say_at_every_step(name, steps):
    program = program_of(name)
    account = program.account("m-1")
    for at in history(account, steps):
        again = program.account("m-1", entries=account.entries)
        later = program.account("m-1", snapshot=account.snapshot()) if account.entries else again
        for day in (at, at + timedelta(30), at + timedelta(100)):
            assert stands(again, day) == stands(later, day) == stands(account, day)
        assert again.tiers_held == account.tiers_held


@given(ANY_LADDER, HISTORIES)
def test_advancing_more_often_changes_no_tier(name, steps):
    often, seldom = program_of(name).account("m-1"), program_of(name).account("m-1")
    for at, before in zip(history(often, steps), [None, *history(seldom, steps)], strict=False):
        for hours in range(0, 24 * 5, 7):
            if before is not None and at > before:
                break
            often.tier(at=at + timedelta(hours=hours))
    last = often.entries[-1].at if often.entries else BEGIN
    for day in range(0, 120, 5):
        often.advance(last + timedelta(day))
    seldom.advance(last + timedelta(115))
    assert often.entries == seldom.entries


@given(ANY_LADDER, HISTORIES)
def test_questions_about_tiers_leave_no_trace(name, steps):
    asked, left_alone = program_of(name).account("m-1"), program_of(name).account("m-1")
    for at in history(asked, steps):
        for days in (0, 31, 400, -3):
            stands(asked, at + timedelta(days))
            asked.benefits(at=at + timedelta(days))
        asked.preview(Activity.purchase(1000, at=at + timedelta(1)))
    list(history(left_alone, steps))
    assert asked.entries == left_alone.entries
    assert asked.tiers_held == left_alone.tiers_held


@given(ANY_LADDER, HISTORIES, st.lists(EVENTS, min_size=2, max_size=4), st.randoms())
def test_I22_no_order_of_events_within_one_instant_changes_a_tier(name, before, together, random):  # noqa: N802
    told = []
    if name == "the next month":  # what is learnt late has happened at another instant, before which that month began
        together = [event for event in together if event[0] != "late"]
    shuffled = list(enumerate(together))
    for order in (list(shuffled), random.sample(shuffled, len(shuffled))):
        account = program_of(name).account("m-1")
        happen(account, BEGIN, "stay", 400, "the one to refund")
        *_, last = history(account, before)
        enough = {"reason": "so that all can be redeemed", "actor": "me", "id": "enough"}
        account.adjust(1000, unit="stars", at=last + timedelta(hours=12), **enough)
        at = last + timedelta(hours=24)
        for number, (what, n) in order:
            happen(account, at, what, n, f"together {number}")
        told.append([account.tier(at=at + timedelta(days)) for days in (0, 1, 10, 20, 31, 60, 90)])
    assert told[0] == told[1]


@given(st.sampled_from(list(LADDERS)), HISTORIES, st.integers(1, 200))
def test_I22_redeeming_lowers_no_tier(name, steps, points):  # noqa: N802
    account, spender = program_of(name).account("m-1"), program_of(name).account("m-1")
    for at, _ in zip(history(account, steps), history(spender, steps), strict=True):
        spender.redeem("gift", points=points, id=f"r-{at}", at=at)
        for days in (0, 31, 60):
            assert spender.tier(at=at + timedelta(days)) == account.tier(at=at + timedelta(days))


@given(st.sampled_from(list(LADDERS)), HISTORIES)
def test_I22_a_tier_is_lost_at_a_review_only(name, steps):  # noqa: N802
    account = program_of(name).account("m-1")
    names = ("", *LADDERS[name].names)
    *_, at = history(account, steps)
    account.advance(at + timedelta(120))
    changes = [entry for entry in account.entries if "tier" in entry.data]
    for entry in changes:
        if entry.id and entry.data["tier"] != entry.data["was"]:
            # a call lowers no tier, but for one that another of the same instant has just brought
            reviewed = [e.data["tier"] for e in changes if not e.id and e.at == entry.at and e.seq < entry.seq]
            before = reviewed[-1] if reviewed else account.tier(at=entry.at - timedelta.resolution)
            assert names.index(entry.data["tier"]) >= names.index(before)


SAYING_HOW_FAR = [name for name in (*LADDERS, *BALANCED) if name not in ("the next month", "deducted", "the term")]
"""Where no tier waits for a day, is paid for, or counts over another window than the one below it."""


@given(st.sampled_from(SAYING_HOW_FAR), HISTORIES)
def test_I22_progress_agrees_with_what_then_happens(name, steps):  # noqa: N802
    account = program_of(name).account("m-1")
    *_, at = history(account, steps)
    at += timedelta(hours=1)
    progress = account.tier_progress(at=at)
    if progress.to_next is None or progress.to_next.parts:
        return
    counted, missing = progress.to_next.what, progress.to_next.missing
    assert missing > 0
    enough, almost = (program_of(name).account("m-1", entries=account.entries) for _ in range(2))
    for one, n in ((enough, missing), (almost, missing - 1)):
        if n and counted == "spend":
            one.earn(Activity(Line(n), kind="stay", at=at, id="more"))
        elif n:
            one.adjust(int(n), unit=counted, reason="what is missing", actor="me", id="more", at=at)
    place = ("", *(LADDERS | BALANCED)[name].names).index
    assert place(enough.tier(at=at)) >= place(progress.next)
    assert almost.tier(at=at) == progress.tier


def test_a_new_version_is_judged_at_once_by_what_was_counted():
    metals = Program("Club", earning=PerSpend(1), tiers=TierLadder(SILVER_BY_SPEND, GOLD_BY_SPEND))
    plain = Program("Club", earning=PerSpend(1), tiers=TierLadder(SILVER_BY_SPEND))
    account = ProgramHistory(metals, ("2027-01-01", plain)).account("m-1")
    buy(account, 1000, "2026-03-01")
    assert tiers_on(account, "2026-12-31", "2027-01-01") == ["gold", "silver"]
    account.advance("2027-02-01")
    assert account.entries[-1].reason == "the program has changed: gold before, silver now"


def test_tiers_end_with_the_version_that_has_none_and_so_does_what_hangs_on_them():
    kept = Points(PerSpend(1), expiry=After(days=30).unless(InTier("gold")))
    metals = Program("Club", points={"stars": kept}, tiers=TierLadder(SILVER_BY_SPEND, GOLD_BY_SPEND))
    plain = Program("Club", points={"stars": kept})
    history = ProgramHistory(metals, ("2027-01-01", plain))
    account = history.account("m-1")
    buy(account, 1000, "2026-03-01", id="t-1")
    account.grant_tier("gold", at="2026-03-02", until="2027-06-30", id="g-1")
    assert account.balance(at="2026-12-31") == 1000
    assert (
        account.balance(at="2027-01-02")
        == history.account("m-1", entries=account.entries).balance(at="2027-01-02")
        == 0
    )
    account.advance("2028-01-01")
    assert [entry.reason for entry in account.entries if entry.kind == "tier_changed"][-1].startswith("the program has")


SILVER_BY_SPEND, GOLD_BY_SPEND = Tier("silver", Reach("spend", 500)), Tier("gold", Reach("spend", 1000))


def test_a_tier_that_ends_by_inactivity_is_refused():
    with pytest.raises(RuleError, match="a tier ends on a day that stays"):
        TierLadder(GOLD, keeps=After(months=24) | AfterInactivity(months=12))


def test_a_closed_account_is_not_reviewed():
    account = who_spends(METALS, ("2026-03-01", 500))
    account.close(id="c-1", at="2026-04-01")
    assert account.advance("2030-01-01") == ()
