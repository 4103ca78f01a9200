"""Beyond spend and earn: events, referrals, challenges, streaks, partners, gifts, plans, experiments."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._calendar import add_months
from loyaltycore.reports import experiment_report

SPEND = PerSpend(1)


def club(earning=SPEND, *, rewards=None, **points):
    return Program("Club", points={"stars": Points(earning, **points)}, rewards=rewards or {})


def account_of(earning, *activities, **known):
    account = club(earning).account("m-1", **known)
    for activity in activities:
        account.earn(activity)
    return account


def in_turn(rule, *activities, member=ANYONE):
    """What each of the activities earns, one after the other."""
    paid = []
    for activity in activities:
        award = rule.award(activity, member)
        member = member.after(award).seen(activity)
        paid.append(award.points)
    return paid


def action(kind, at, id="", **facts):
    return Activity.action(kind, at=at, id=id or f"{kind} {at} {sorted(facts.items())}", **facts)


def purchase(amount, at, id="", **facts):
    return Activity.purchase(amount, at=at, id=id or f"{amount} {at} {sorted(facts.items())}", **facts)


# Bonuses for what happens ---------------------------------------------------------------------------------------------


def test_a_welcome_bonus_is_earned_by_joining():
    account = club(on_event=Flat(100).when(OfKind("joined"))).account("m-1", joined="2026-01-05")

    assert account.balance(at="2026-01-04") == 0
    assert account.balance(at="2026-01-05") == 100


def test_the_first_flight_earns_more_and_a_stay_before_it_is_no_flight():
    rule = PerUnit(1, of="distance") + Flat(1000).when(FirstTime("flight"))
    flights = [Activity.flight(at=f"2026-03-0{n}", distance=500) for n in (2, 3)]

    assert in_turn(rule, action("stay", "2026-03-01"), *flights) == [0, 1500, 500]


def test_a_birthday_gift_comes_once_a_year_in_the_month_of_birth():
    gift = Flat(200).when(BirthMonth()).named("birthday").limit(1, per="year")
    visits = [purchase(5, at) for at in ("2026-04-30", "2026-05-02", "2026-05-20", "2027-05-01")]

    assert in_turn(gift, *visits, member=Member(facts={"birthday": "1990-05-17"})) == [0, 200, 0, 200]


def test_points_are_doubled_on_the_very_birthday():
    rule = PerSpend(1) + PerSpend(1).when(Anniversary("birthday"))
    days = [purchase(30, f"2026-05-{day}") for day in (16, 17, 18)]

    assert in_turn(rule, *days, member=Member(facts={"birthday": "1990-05-17"})) == [30, 60, 30]
    assert in_turn(rule, *days) == [30, 30, 30]


@pytest.mark.parametrize(
    ("born", "days"),
    [
        ("1992-02-29", ["2026-02-28", "2027-02-28", "2028-02-29"]),
        ("02-29", ["2026-02-28", "2027-02-28", "2028-02-29"]),
        ("1990-12-31", ["2026-12-31", "2027-12-31", "2028-12-31"]),
    ],
)
def test_a_birthday_on_29_february_is_on_the_28th_in_other_years(born, days):
    member, first = Member(facts={"birthday": born}), date(2026, 1, 1)
    every_day = (first + timedelta(n) for n in range(3 * 365 + 1))

    assert [str(day) for day in every_day if Anniversary().holds(action("visit", day), member)] == days


def test_a_birthday_week_goes_past_the_end_of_the_year():
    week = Anniversary("birthday", before=2, after=3)
    member = Member(facts={"birthday": "1990-12-30"})
    days = ["2025-12-27", "2025-12-28", "2026-01-01", "2026-01-02", "2026-01-03"]

    assert [week.holds(action("visit", day), member) for day in days] == [False, True, True, True, False]


def test_an_anniversary_of_joining_is_not_the_day_of_joining():
    yearly = Anniversary("joined")
    member = Member(joined="2025-06-10")

    assert [yearly.holds(action("visit", f"{year}-06-10"), member) for year in (2024, 2025, 2026, 2027)] == [
        *(False, False),
        *(True, True),
    ]
    assert not yearly.holds(action("visit", "2026-06-10"), Member())


@pytest.mark.parametrize("wrong", [{"before": -1}, {"after": 181}, {"of": ""}, {"after": "1.5"}])
def test_an_anniversary_has_a_name_and_whole_days(wrong):
    with pytest.raises(LoyaltyError):
        Anniversary(**wrong)


def test_a_date_that_is_none_is_told():
    with pytest.raises(LoyaltyError, match="birthday"):
        Anniversary().holds(action("visit", "2026-05-17"), Member(facts={"birthday": "in May"}))


def test_every_ten_nights_of_a_year_earn_a_bonus_and_the_rest_counts_on():
    rule = PerStep(2_000, every=10, of="nights").named("nights").running(per="year")
    stays = [action("stay", f"2026-0{month}-01", nights=nights) for month, nights in enumerate((4, 7, 8, 21), start=1)]

    assert in_turn(rule, *stays, action("stay", "2027-01-01", nights=9)) == [0, 2000, 0, 6000, 0]


def test_the_nights_of_milestones_rise():
    every_ten = PerStep(10_000, every=10, of="nights").over(30, of="nights")
    rule = (every_ten + Flat(30_000).when(Has(at_least=60, of="nights"))).named("milestones").running(per="year")

    assert [rule.award(action("stay", "2026-03-01", nights=n)).points for n in (39, 40, 49, 50, 60, 70, 365)] == [
        *(0, 10_000, 10_000, 20_000, 60_000, 70_000),
        360_000,
    ]


def test_a_tier_reached_earns_once_in_a_life():
    event = Flat(500).when(OfKind("tier_up") & Fact("tier", "gold")).named("gold").limit(1, per="ever")
    points = {"stars": Points(PerSpend(1), on_event=event)}
    ladder = TierLadder(Tier("gold", Reach("spend", 100)), window="year", keeps=EndOfPeriod(0))
    account = Program("Club", points=points, tiers=ladder).account("m-1")
    for year in (2026, 2028):
        account.earn(purchase(150, f"{year}-03-01"))

    assert [held.tier for held in account.tiers_held] == ["gold", "gold"]
    assert account.balance(at="2028-03-01") == 150 + 500 + 150


def test_a_part_of_the_points_that_are_redeemed_comes_back():
    rebate = PerUnit("0.1", of="points").when(OfKind("redeemed"))
    account = club(on_event=rebate, rewards={"flight": Item(7_500)}).account("m-1")
    account.earn(purchase(8_000, "2026-03-01"))
    account.redeem("flight", id="r-1", at="2026-03-02")

    assert account.balance(at="2026-03-02") == 500 + 750


# Referrals ------------------------------------------------------------------------------------------------------------


def dropbox():
    """500 MB for each friend, 1 GB on the paid plan, for 32 friends; the friend gets 500 MB, too."""
    advocate = Flat(500) * by_member_fact("plan", {"pro": 2}, otherwise=1)
    advocate = advocate.when(OfKind("referral")).named("friend").limit(1, per=Each("friend")).limit(32, per="ever")
    return Program("Storage", earning=advocate + Flat(500).when(OfKind("referred")))


def test_both_sides_of_a_referral_earn_by_an_activity_each():
    program = dropbox()
    ada, ben = program.account("ada"), program.account("ben")
    for account, kind, who in ((ada, "referral", {"friend": "ben"}), (ben, "referred", {"advocate": "ada"})):
        account.earn(action(kind, "2026-03-01", id="referral ada ben", **who))

    assert (ada.balance(at="2026-03-01"), ben.balance(at="2026-03-01")) == (500, 500)


@pytest.mark.parametrize(
    ("plan", "friends", "megabytes"), [("basic", 10, 5000), ("basic", 40, 16000), ("pro", 32, 32000)]
)
def test_an_advocate_earns_for_so_many_friends(plan, friends, megabytes):
    ada = dropbox().account("ada", facts={"plan": plan})
    for n in range(friends):
        ada.earn(action("referral", "2026-03-01", id=f"f-{n}", friend=n))

    assert ada.balance(at="2026-03-01") == megabytes


def test_a_friend_counts_once():
    ada = dropbox().account("ada")
    for n in range(3):
        ada.earn(action("referral", f"2026-03-0{n + 1}", friend="ben"))

    assert ada.balance(at="2026-03-03") == 500


def test_a_referral_counts_once_the_friend_has_bought_something_within_a_month():
    program = Program(
        "Club", earning=PerSpend(1) + Flat(300).when(OfKind("referral")).named("friend").limit(2, per="month")
    )
    ada, ben = program.account("ada"), program.account("ben", facts={"advocate": "ada"})
    for day in ("2026-03-02", "2026-03-05"):
        first = ben.member(at=day).times("purchase") == 0
        ben.earn(purchase(40, day))
        if first:
            ada.earn(action("referral", day, id="referral ben", friend="ben"))

    assert ada.balance(at="2026-03-05") == 300
    others = [action("referral", at, friend=at) for at in ("2026-03-06", "2026-03-07", "2026-04-01")]
    assert [ada.earn(other).points for other in others] == [300, 0, 300]


def test_twenty_friends_bring_more_than_twenty_times_one():
    each = Flat(100).when(OfKind("referral"))
    milestones = Flat(1_000).when(Has(at_least=20, of="quantity")) + Flat(5_000).when(Has(at_least=50, of="quantity"))
    rule = each + milestones.when(OfKind("referral")).named("friends").running(per="ever")
    paid = in_turn(rule, *(action("referral", "2026-03-01", friend=n) for n in range(50)))

    assert (paid[18], paid[19], paid[20], paid[49]) == (100, 1100, 100, 5100)


# User content, and how often ------------------------------------------------------------------------------------------


def test_an_interaction_earns_once_a_week_each():
    worth = {"login": 1, "favourites_list": 2, "workshop": 20, "planning_session": 25}
    rule = sum(Flat(n).when(OfKind(kind)).named(kind).limit(1, per="week") for kind, n in worth.items())
    days = [("login", 3), ("login", 5), ("favourites_list", 5), ("login", 12), ("workshop", 12)]

    assert sum(in_turn(rule, *(action(kind, date(2025, 3, day)) for kind, day in days))) == 24


def test_a_review_earns_once_a_product_and_three_times_a_month():
    review = Flat(50).when(OfKind("review") & Fact("stars")).named("review")
    rule = review.limit(1, per=Each("sku")).limit(3, per="month")
    skus = ["tea", "tea", "mug", "pot", "jar"]

    assert in_turn(rule, *(action("review", "2026-03-01", sku=sku, stars=5) for sku in skus)) == [50, 0, 50, 50, 0]
    assert in_turn(rule, action("review", "2026-03-01", sku="tea")) == [0]


def test_a_rule_rests_for_some_days_after_it_has_earned():
    rule = Flat(50).when(OfKind("review")).named("review").cooldown(days=30)
    days = ["2026-03-01", "2026-03-01", "2026-03-15", "2026-03-30", "2026-03-31", "2026-04-29", "2026-04-30"]

    assert in_turn(rule, *(action("review", day) for day in days)) == [50, 0, 0, 0, 50, 0, 50]


def test_a_welcome_offer_comes_again_after_two_years():
    rule = Flat(60_000).when(OfKind("card opened")).named("welcome").cooldown(months=24)
    days = ["2024-02-29", "2026-02-27", "2026-02-28", "2028-02-27", "2028-02-28"]

    assert in_turn(rule, *(action("card opened", day) for day in days)) == [60_000, 0, 60_000, 0, 60_000]


@given(
    st.lists(st.integers(0, 150), max_size=12).map(sorted),
    st.sampled_from([{"days": 1}, {"days": 30}, {"months": 1}, {"months": 3}]),
    st.sampled_from([date(2026, 1, 29), date(2023, 12, 31), date(2, 1, 1)]),
)
def test_a_rule_rests_until_so_many_days_or_months_after(days, rests, first):
    rests_until = date.min
    expected = []
    for day in (first + timedelta(n) for n in days):
        expected.append(50 if day >= rests_until else 0)
        if expected[-1]:
            rests_until = add_months(day, rests["months"]) if "months" in rests else day + timedelta(rests["days"])

    rule = Flat(50).named("review").cooldown(**rests)
    assert in_turn(rule, *(action("review", first + timedelta(n)) for n in days)) == expected


def test_what_earned_nothing_needs_no_rest():
    rule = Flat(50).when(MinSpend(20)).named("visit").cooldown(days=7)

    assert in_turn(rule, purchase(5, "2026-03-01"), purchase(20, "2026-03-02"), purchase(20, "2026-03-03")) == [
        0,
        50,
        0,
    ]


def test_what_was_taken_back_needs_no_rest():
    account = account_of(Flat(50).named("visit").cooldown(days=7), purchase(9, "2026-03-01", "t-1"))
    account.reverse("t-1", id="back", at="2026-03-02")

    assert account.earn(purchase(9, "2026-03-03", "t-2")).points == 50


@pytest.mark.parametrize("wrong", [{}, {"days": 1, "months": 1}, {"days": -1}, {"months": 1_000_000}])
def test_a_rest_is_days_or_months(wrong):
    with pytest.raises(RuleError):
        Flat(1).named("a").cooldown(**wrong)


def test_a_rest_and_a_row_count_under_a_name():
    with pytest.raises(RuleError, match="named"):
        Flat(1).cooldown(days=1)
    with pytest.raises(RuleError, match="named"):
        Flat(1).in_a_row(2, per="day")


# Punch cards and streaks ----------------------------------------------------------------------------------------------


def test_the_tenth_coffee_is_free_also_when_twelve_are_bought_at_once():
    card = PerStep(1, every=10, of="quantity").when(Category("coffee")).named("card").running(per="ever")
    account = Program("Café", points={"coffees": Points(card)}, rewards={"coffee": Item(1, sku="coffee")}).account(
        "m-1"
    )
    cups = [4, 12, 3, 1]
    receipts = [
        account.earn(Activity.purchase(4 * n, at="2026-03-01", category="coffee", quantity=n, id=f"t-{i}"))
        for i, n in enumerate(cups)
    ]

    assert [receipt.points for receipt in receipts] == [0, 1, 0, 1]
    assert account.redeem("coffee", id="r-1", at="2026-03-01").ok
    account.reverse("t-1", id="back", at="2026-03-02", on_shortfall="owe")
    assert account.balance(at="2026-03-02") == 0


WORKOUT = Flat(50).when(OfKind("workout")).named("streak")


def days_of_march(*days):
    return [action("workout", date(2026, 3, day), id=f"{i}") for i, day in enumerate(days)]


def test_seven_days_in_a_row_earn_a_bonus_and_the_next_seven_another():
    rule = WORKOUT.in_a_row(7, per="day")

    assert in_turn(rule, *days_of_march(*range(1, 16))) == [0] * 6 + [50] + [0] * 6 + [50, 0]


def test_a_day_left_out_begins_anew_and_two_on_one_day_are_one():
    rule = WORKOUT.in_a_row(3, per="day")

    assert in_turn(rule, *days_of_march(1, 2, 4, 5, 5, 6, 6, 7)) == [0, 0, 0, 0, 0, 50, 0, 0]


@pytest.mark.parametrize(
    ("per", "days"),
    [
        ("week", ["2025-12-31", "2026-01-04", "2026-01-05", "2026-01-12"]),
        ("month", ["2025-11-30", "2025-12-01", "2025-12-31", "2026-01-31"]),
        ("quarter", ["2025-09-30", "2025-12-31", "2025-12-31", "2026-03-31"]),
    ],
)
def test_weeks_and_months_in_a_row(per, days):
    assert in_turn(WORKOUT.in_a_row(3, per=per), *(action("workout", day) for day in days)) == [0, 0, 0, 50]


def test_membership_years_in_a_row():
    rule = WORKOUT.in_a_row(2, per=MembershipYear())
    days = ["2024-03-05", "2025-03-04", "2025-03-05"]

    assert in_turn(rule, *(action("workout", day) for day in days), member=Member(joined="2024-03-05")) == [0, 0, 50]


def test_a_day_that_is_learnt_late_closes_the_gap():
    assert in_turn(WORKOUT.in_a_row(4, per="day"), *days_of_march(1, 2, 4, 3)) == [0, 0, 0, 50]


@given(st.permutations(range(1, 12)), st.integers(1, 5), st.sets(st.integers(1, 11)))
def test_in_whatever_order_days_are_learnt_as_much_is_paid(days, n, left_out):
    there = [day for day in days if day not in left_out]
    rows = "".join("x" if day in there else " " for day in range(1, 12)).split()

    paid = in_turn(WORKOUT.in_a_row(n, per="day"), *days_of_march(*there))
    assert sum(paid) == 50 * sum(len(row) // n for row in rows)


def test_a_workout_that_is_taken_back_breaks_the_row():
    account = account_of(WORKOUT.in_a_row(3, per="day"), *days_of_march(1, 2))
    account.reverse("1", id="back", at="2026-03-02")

    assert account.earn(action("workout", "2026-03-03")).points == 0


def test_the_award_says_how_long_the_row_is():
    account = account_of(WORKOUT.in_a_row(3, per="day"), *days_of_march(1))

    assert "2 in a row of 3 per 'day'" in str(account.preview(action("workout", "2026-03-02")))


def test_a_row_needs_periods_that_follow_one_another():
    for per in ("activity", "ever", Each("store"), Rolling(days=7), ("day", Each("store"))):
        with pytest.raises(RuleError, match="in a row"):
            WORKOUT.in_a_row(3, per=per)


# Challenges -----------------------------------------------------------------------------------------------------------

SUMMER = During("2026-06-01", "2026-08-31")


def test_a_challenge_counts_from_the_enrolment_until_its_deadline():
    enrolled = MemberFact("challenge", "summer")
    rule = Flat(500).when(Has(at_least=300)).named("summer").running(per="ever").when(enrolled & SUMMER)
    account = account_of(rule, purchase(200, "2026-06-10"))
    account.note(challenge="summer", at="2026-06-15")
    amounts = [(200, "2026-06-20"), (100, "2026-07-01"), (400, "2026-07-02")]

    assert [account.earn(purchase(amount, at)).points for amount, at in amounts] == [0, 500, 0]


def test_what_is_bought_after_the_deadline_is_too_late():
    rule = Flat(500).when(Has(at_least=300)).named("summer").running(per="ever").when(SUMMER)

    assert in_turn(rule, purchase(299, "2026-08-31T23:59"), purchase(10, "2026-09-01")) == [0, 0]


def test_a_bonus_is_retroactive_once_enrolled_if_the_enrolment_is_asked_inside():
    enrolled = MemberFact("enrolled", True)
    rule = PerSpend(2).when(enrolled).named("summer").running(per="ever").when(SUMMER)
    account = account_of(rule, purchase(200, "2026-06-10"))
    account.note(enrolled=True, at="2026-06-15")

    assert account.earn(purchase(10, "2026-06-20")).points == 2 * (200 + 10)


def test_five_percent_on_the_quarter_from_its_first_day_for_those_who_activate_in_time():
    # Chase Freedom: 1% always, 4% more on the first 1,500 a quarter, activated until the 14th of its third month
    bonus = (
        PerSpend(4).between(0, 1500).when(MemberFact("activated", "2022-Q2")).named("rotating").running(per="quarter")
    )
    program = Program("Card", points={"cash": Points(PerSpend(1) + bonus, places=2)})

    def cash_back(activated):
        account = program.account("m-1")
        account.earn(purchase(2000, "2022-05-01"))
        if activated and activated <= "2022-06-14":
            account.note(activated="2022-Q2", at=activated)
            account.earn(action("activate", activated))
        return account.balance(at="2022-07-01")

    assert [cash_back(day) for day in ("2022-06-14", "2022-06-15", None)] == [8000, 2000, 2000]


def test_a_campaign_pays_at_its_end_what_all_of_it_came_to():
    # IKEA Family: three times the points on top for 600 in the period, at most 3,000, paid afterwards
    campaign = PerSpend(3).when(Has(at_least=600)).cap(3000).when(OfKind("campaign over"))
    rule = PerSpend(1) + campaign.named("campaign").running(per="ever")
    for receipts, bonus in (((200, 150, 250), 1800), ((300,) * 5, 3000), ((599,), 0)):
        bought = [purchase(amount, f"2020-02-0{day}") for day, amount in enumerate(receipts, start=1)]
        paid = in_turn(rule, *bought, action("campaign over", "2020-03-02"))
        assert (sum(paid[:-1]), paid[-1]) == (sum(receipts), bonus)


# At the end of a period -----------------------------------------------------------------------------------------------

CATEGORIES = ("grocery", "gas", "dining")


def test_the_category_with_most_spend_of_the_month_earns_five_times():
    # Citi Custom Cash: 5% on the first 500 of the top category, 1% else
    best = best_of(*(PerSpend(4).between(0, 500).when(Category(name)) for name in CATEGORIES))
    rule = PerSpend(1) + best.named("top").running(per="month")
    spend = [("gas", 300), ("grocery", 620), ("other", 400)]
    paid = in_turn(rule, *(purchase(amount, "2026-03-05", category=category) for category, amount in spend))

    assert sum(paid) == 3320


def test_the_top_category_is_paid_when_the_month_is_over():
    best = best_of(*(PerSpend(4).between(0, 500).when(Category(name)) for name in CATEGORIES))
    rule = PerSpend(1) + best.when(OfKind("month over")).named("top").running(per="month")
    bought = [purchase(300, "2026-03-05", category="gas"), purchase(620, "2026-03-06", category="grocery")]

    assert in_turn(rule, *bought, action("month over", "2026-03-31T23:59")) == [300, 620, 2000]
    assert in_turn(rule, *bought, action("month over", "2026-04-01")) == [300, 620, 0]


def test_the_spend_of_a_quarter_earns_by_its_level():
    levels = best_of(Flat(500).when(MinSpend(300)), Flat(1500).when(MinSpend(600)))
    rule = levels.named("quarter").running(per="quarter")
    days = [(200, "2026-01-10"), (150, "2026-02-10"), (250, "2026-03-31"), (500, "2026-04-01")]

    assert in_turn(rule, *(purchase(amount, at) for amount, at in days)) == [0, 500, 1000, 500]


# Partners -------------------------------------------------------------------------------------------------------------

COALITION = PerSpend(1) * by_fact("partner", {"grocer": 1, "fuel": "0.5", "bank": "0.2"})


def coalition(**rewards):
    return Program("Coalition", earning=COALITION, rewards={"mug": Item(60), **rewards})


def a_coalition_member():
    account = coalition().account("m-1")
    for n, (partner, amount) in enumerate([("grocer", 50), ("fuel", 60), ("bank", 100), ("grocer", 10)]):
        account.earn(purchase(amount, f"2026-03-0{n + 1}", f"t-{n}", partner=partner))
    return account


def test_each_partner_has_a_rate_and_funds_what_was_earned_with_it():
    account = a_coalition_member()
    account.redeem("mug", id="r-1", at="2026-03-05")

    funded = account.totals_by("partner", at="2026-03-05")
    assert {partner: (sums["earned"], sums["spent"]) for partner, sums in funded.items()} == {
        "grocer": (60, 50),
        "fuel": (30, 10),
        "bank": (20, 0),
    }


def test_the_totals_by_a_fact_add_up_to_all_whatever_happened():
    account = a_coalition_member()
    account.adjust(25, reason="sorry", actor="desk", id="a-1", at="2026-03-05")
    account.redeem("mug", id="r-1", at="2026-03-06")
    account.cancel("r-1", id="c-1", at="2026-03-07", points=20)
    account.hold("mug", id="h-1", at="2026-03-08", until="2026-04-01")
    account.reverse("t-0", id="b-1", at="2026-03-09", on_shortfall="owe")
    account.reverse("t-1", id="b-2", at="2026-03-09", on_shortfall="owe")
    for at in ("2026-03-04", "2026-03-08", "2026-03-09", "2026-05-01"):
        by_partner = account.totals_by("partner", at=at)
        totals = account.totals(at=at)
        assert {name: sum(sums[name] for sums in by_partner.values()) for name in totals} == totals
    assert account.totals_by("partner", at="2026-03-09")[None]["owed"] == account.totals(at="2026-03-09")["owed"] > 0


def test_totals_by_a_fact_need_all_entries():
    account = a_coalition_member()
    later = coalition().account("m-1", snapshot=account.snapshot())

    with pytest.raises(RuleError, match="entries are needed"):
        later.totals_by("partner", at="2026-04-01")


def test_the_points_of_one_partner_buy_its_reward():
    program = coalition(fuel_voucher=Voucher(20, worth=5).from_lots(Fact("partner", "fuel")))
    account = program.account("m-1", entries=a_coalition_member().entries)
    quotes = [account.redeem("fuel_voucher", id=f"r-{n}", at="2026-03-10").quote for n in range(2)]

    assert [(quote.ok, quote.missing) for quote in quotes] == [(True, 0), (False, 10)]


def test_points_become_miles_of_another_program_in_blocks():
    bank = Program(
        "Bank",
        points={"points": Points(PerSpend(1)), "sent to air": Points(Flat(0), redeemable=False)},
        rewards={"air": Convert(1_000, into="sent to air", gives=600, at_least=2_000)},
    )
    bonus = PerUnit(1, of="points") * "1.25"
    air = Program("Air", earning=PerUnit(5, of="distance") + bonus.when(OfKind("transfer") & Fact("partner", "bank")))
    card, flyer = bank.account("card 7"), air.account("flyer 9")
    card.earn(purchase(3_500, "2026-03-01"))
    for _ in range(2):  # a retry changes nothing
        moved = card.convert("air", id="x-1", at="2026-03-02")
        flyer.earn(action("transfer", "2026-03-02", id="x-1", points=moved.quote.grants["points"], partner="bank"))

    assert card.balance(at="2026-03-02") == 500
    assert flyer.balance(at="2026-03-02") == 3 * 600 * Fraction(5, 4)


def test_a_partner_gives_away_the_block_of_points_that_it_has_bought():
    program = club(rewards={"to a guest": Gift(at_most=500)})
    hotel, guest = program.account("partner hotel"), program.account("m-1")
    hotel.adjust(600, reason="block 7 bought", actor="sales", id="block 7", at="2026-03-01")
    gifts = [hotel.give("to a guest", guest, points=400, id=f"stay {n}", at="2026-03-02") for n in range(2)]

    assert [gift.ok for gift in gifts] == [True, False]
    assert gifts[1].quote.missing == 200
    assert (hotel.balance(at="2026-03-02"), guest.balance(at="2026-03-02")) == (200, 400)


# A share for a school -------------------------------------------------------------------------------------------------


def box_tops():
    """10 cents each, paid on 15 December and 15 April; less than 20 dollars by 1 November wait until April."""
    tops = PerUnit(1, of="tops").when(OfKind("scan")).named("a year").cap(200_000, per="year")
    payouts = [
        Convert(1, into="payout", gives=10, at_least=200).on("11-01"),
        Convert(1, into="payout", gives=10).on("03-01"),
    ]
    return Program("Box Tops", points={"tops": Points(tops, converts=payouts), "payout": Points(Flat(0), places=2)})


@pytest.mark.parametrize(("autumn", "winter", "december", "april"), [(196, 50, 0, 2460), (200, 50, 2000, 500)])
def test_a_school_is_paid_from_twenty_dollars_on_or_in_spring(autumn, winter, december, april):
    school = box_tops().account("school 12")
    school.earn(action("scan", "2025-10-01", tops=autumn, member="family 3"))
    school.earn(action("scan", "2025-12-01", tops=winter))

    assert school.balance("payout", at="2025-12-15") == december
    assert school.balance("payout", at="2026-04-15") == december + april


def test_a_school_gets_no_more_than_its_cap_a_year():
    school = box_tops().account("school 12")

    assert school.earn(action("scan", "2025-10-01", tops=250_000)).points == 200_000


def test_half_a_percent_goes_to_the_charity_that_the_member_has_chosen():
    share = PerSpend("0.5").when(~Category("shipping", "subscription") & Fact("charity"))
    program = Program("Smile", points={"cents": Points(share, places=2, redeemable=False)})
    account = program.account("m-1")
    lines = [Line(100), Line(40, "subscription"), Line("5.99", "shipping"), Line(60)]
    account.earn(Activity(lines, at="2026-03-01", id="t-1", facts={"charity": "whales"}))
    account.reverse("t-1", lines=[3], id="back", at="2026-03-09")

    given = account.totals_by("charity", "cents", at="2026-03-31")["whales"]
    assert given["earned"] - given["reversed"] == 50


def test_points_are_given_to_a_charity_from_a_minimum_on():
    account = club(rewards={"charity": Donation(worth="0.01", to="the school", at_least=100)}).account("m-1")
    account.earn(purchase(250, "2026-03-01"))
    refused, given = (account.redeem("charity", id=f"{n}", at="2026-03-02", points=n) for n in (99, 150))

    assert refused.quote.refusal.code == "below_minimum"
    assert (given.quote.value, given.quote.grants) == (Fraction(3, 2), {"to": "the school"})


# Gifts ----------------------------------------------------------------------------------------------------------------


def recognition():
    """100 points a month to give to colleagues; what is not given by the month's end is lost, what was can be spent."""
    allowance = Flat(100).when(OfKind("allowance"))
    return Program(
        "Thanks",
        points={
            "to give": Points(allowance, redeemable=False, converts=CarryOver(0).every("month")),
            "kudos": Points(Flat(0), expiry=After(months=12)),
        },
        rewards={
            "thanks": Gift(into="kudos", unit="to give", at_least=5).limit(2, per=("month", Each("to"))),
            "lunch": Item(50),
        },
    )


def colleagues():
    ada, ben, cem = (recognition().account(name) for name in ("ada", "ben", "cem"))
    ada.earn(action("allowance", "2026-03-01"))
    return ada, ben, cem


def test_an_allowance_is_given_away_and_what_was_given_is_spent():
    ada, ben, _ = colleagues()

    assert ada.give("thanks", ben, points=60, id="g-1", at="2026-03-10").ok
    assert (ada.balance("to give", at="2026-03-10"), ben.balance("kudos", at="2026-03-10")) == (40, 60)
    assert ben.redeem("lunch", id="r-1", at="2026-03-11").ok
    assert ada.balance("to give", at="2026-04-01") == 0
    assert ben.lots("kudos", at="2026-04-01")[0].expires_on == date(2027, 3, 10)


def test_a_gift_that_is_refused_writes_nothing_and_says_why():
    ada, ben, cem = colleagues()
    before = ada.entries
    refusals = [ada.give("thanks", ben, points=n, id="g-1", at="2026-03-10").quote.refusal.code for n in (4, 101)]

    assert refusals == ["below_minimum", "insufficient_points"]
    assert (ada.entries, ben.entries) == (before, ())
    given = [
        ada.give("thanks", who, points=10, id=f"g-{n}", at="2026-03-10") for n, who in enumerate((ben, ben, ben, cem))
    ]
    assert [(gift.ok, gift.quote.refusal and gift.quote.refusal.code) for gift in given] == [
        *[(True, None)] * 2,
        (False, "limit_reached"),
        (True, None),
    ]


def test_a_gift_may_be_tried_again_and_reaches_the_other_account_once():
    ada, ben, cem = colleagues()
    first = ada.give("thanks", ben, points=60, id="g-1", at="2026-03-10")
    lost = recognition().account("ben")  # it was not stored
    again = ada.give("thanks", lost, points=60, id="g-1", at="2026-03-10")
    ada.give("thanks", ben, points=60, id="g-1", at="2026-03-10")

    assert again == first
    assert [who.balance("kudos", at="2026-03-10") for who in (ben, lost)] == [60, 60]
    assert ada.balance("to give", at="2026-03-10") == 40
    with pytest.raises(Conflict):
        ada.give("thanks", cem, points=60, id="g-1", at="2026-03-10")


def test_the_accounts_are_the_same_from_their_entries():
    ada, ben, _ = colleagues()
    ada.give("thanks", ben, points=60, id="g-1", at="2026-03-10")
    for account in (ada, ben):
        again = recognition().account(account.id, entries=[from_data(to_data(entry)) for entry in account.entries])
        units = ("to give", "kudos")
        assert [again.totals(unit, at="2026-05-01") for unit in units] == [
            account.totals(unit, at="2026-05-01") for unit in units
        ]
        assert again.member(at="2026-03-10").counted == account.member(at="2026-03-10").counted


def test_gifts_are_limited_by_day_and_by_points_a_month():
    gift = Gift(at_least=10, at_most=200).limit(2, per="day").limit(500, per="month", of="points")
    program = club(rewards={"gift": gift})
    ada, ben = program.account("ada"), program.account("ben")
    ada.earn(purchase(2_000, "2026-03-01"))
    calls = [
        (201, "03-01"),
        (200, "03-01"),
        (200, "03-01"),
        (50, "03-01"),
        (150, "03-02"),
        (100, "03-02"),
        (200, "04-01"),
    ]
    gifts = [ada.give("gift", ben, points=n, id=f"g-{i}", at=f"2026-{day}") for i, (n, day) in enumerate(calls)]

    assert [gift.ok for gift in gifts] == [False, True, True, False, False, True, True]
    assert gifts[4].quote.refusal.text == "100 points are left of the limit of 500 per 'month'"
    assert gifts[4].quote.refusal.numbers == {"limit": 500, "used": 400}
    assert ben.balance(at="2026-04-01") == 700


def test_a_gift_may_cost_a_fee_and_be_for_some_only():
    program = Program(
        "Club",
        earning=PerSpend(1),
        rewards={"gift": (Gift() * "1.1").when(InTier("gold"))},
        tiers=TierLadder(Tier("gold", Reach("spend", 100))),
    )
    ada, ben = program.account("ada"), program.account("ben")
    ada.earn(purchase(150, "2026-03-01"))
    ben.earn(purchase(50, "2026-03-01"))

    assert ada.give("gift", ben, points=100, id="g-1", at="2026-03-02").quote.points == 110
    assert (ada.balance(at="2026-03-02"), ben.balance(at="2026-03-02")) == (40, 150)
    assert ben.give("gift", ada, points=10, id="g-2", at="2026-03-02").quote.refusal.code == "not_eligible"


def test_a_gift_is_given_and_nothing_else_is():
    program = club(rewards={"gift": Gift(), "mug": Item(5)})
    ada, ben = program.account("ada"), program.account("ben")
    ada.earn(purchase(100, "2026-03-01"))
    for call in (ada.redeem, ada.hold):
        with pytest.raises(RuleError, match="give"):
            call("gift", id="r-1", at="2026-03-02")
    with pytest.raises(RuleError, match="no Gift"):
        ada.give("mug", ben, points=5, id="g-1", at="2026-03-02")
    with pytest.raises(RuleError, match="this very account"):
        ada.give("gift", ada, points=5, id="g-1", at="2026-03-02")
    ben.close(id="bye", at="2026-03-02")
    with pytest.raises(RuleError, match="closed"):
        ada.give("gift", ben, points=5, id="g-1", at="2026-03-03")
    assert ada.balance(at="2026-03-03") == 100


@pytest.mark.parametrize("wrong", [{"at_least": 0}, {"at_least": 5, "at_most": 4}])
def test_a_gift_has_bounds_in_order(wrong):
    with pytest.raises(RuleError):
        Gift(**wrong)


def test_a_gift_of_a_unit_that_there_is_not_is_refused_with_the_program():
    for gift, place in ((Gift(into="kudoz"), "into"), (Gift(unit="start"), "unit")):
        with pytest.raises(RuleError, match=rf"\$\.rewards\.gift\.{place}"):
            club(rewards={"gift": gift})


def test_a_limit_of_points_holds_for_other_rewards_and_for_all_together():
    program = club(rewards={"pay": PayWithPoints(worth="0.01").limit(100, per="day", of="points", among="all")})
    shared = {}
    ada, ben = (program.account(name, shared=shared) for name in ("ada", "ben"))
    for account in (ada, ben):
        account.earn(purchase(500, "2026-03-01"))
    calls = [(ada, 60), (ben, 41), (ben, 40), (ada, 1)]

    assert [who.redeem("pay", id=f"r-{n}", points=n, at="2026-03-02").ok for who, n in calls] == [
        True,
        False,
        True,
        False,
    ]
    ben.cancel("r-40", id="c-1", at="2026-03-02")
    assert ada.redeem("pay", id="r-2", points=40, at="2026-03-02").ok
    with pytest.raises(RuleError, match="of: 'money'"):
        Item(1).limit(1, per="day", of="money")


# Plans, invitations, segments -----------------------------------------------------------------------------------------


def test_a_plan_has_its_rate_from_the_day_it_is_noted():
    account = account_of(PerSpend(1) * by_member_fact("plan", {"pro": 2}, otherwise=1), purchase(10, "2026-03-01"))
    account.note(plan="pro", at="2026-03-15")
    account.note(plan="free", at="2026-04-15")

    assert [account.earn(purchase(10, at)).points for at in ("2026-03-20", "2026-04-20")] == [20, 10]


def test_credits_roll_over_up_to_the_limit_of_the_plan():
    renewal = PerUnit(1, of="credits").when(OfKind("renewal"))
    rolls_over = [
        CarryOver(limit).when(MemberFact("plan", plan)).every("month") for plan, limit in (("free", 0), ("pro", 500))
    ]
    program = Program("Cloud", points={"credits": Points(renewal, converts=rolls_over)}, rewards={"call": Item(1)})

    def after_a_month(plan):
        account = program.account("m-1", facts={"plan": plan})
        account.earn(action("renewal", "2026-01-01", credits=800))
        return account.balance(at="2026-02-01")

    assert [after_a_month(plan) for plan in ("free", "pro", "enterprise")] == [0, 500, 800]


def test_a_paid_membership_is_a_tier_that_is_granted_until_it_is_paid_for():
    ladder = TierLadder(
        Tier("free"), Tier("plus", Invitation(), benefits=("free_shipping", Benefit("returns", 2, per="month")))
    )
    program = Program("Shop", earning=PerSpend(1) * by_tier(plus=2), tiers=ladder)
    account = program.account("m-1")
    account.grant_tier("plus", at="2026-03-01", until="2026-03-31", id="plus March")

    assert [account.earn(purchase(10, at)).points for at in ("2026-03-31T23:59", "2026-04-01")] == [20, 10]
    assert list(account.benefits(at="2026-03-15")) == ["free_shipping", "returns"]
    assert list(account.benefits(at="2026-04-15")) == []


def test_the_top_tier_is_by_invitation_only():
    ladder = TierLadder(Tier("silver", Reach("spend", 1_000)), Tier("eip", Invitation()))
    account = Program("Shop", earning=PerSpend(1), tiers=ladder).account("m-1")
    account.earn(purchase(50_000, "2026-03-01"))
    assert account.tier(at="2026-03-02") == "silver"

    account.grant_tier("eip", at="2026-03-03", id="invited")
    assert account.tier(at="2026-03-04") == "eip"


def test_a_segment_sees_a_sale_first():
    early = Item(0, grants="early access").when(MemberFact("segment", "ambassador")).during("2026-03-01", "2026-03-02")
    program = club(rewards={"early access": early})
    ambassador = program.account("m-1", facts={"segment": ("ambassador", "runner")})

    assert ambassador.redeem("early access", id="r-1", at="2026-03-01").ok
    assert program.account("m-2").quote("early access", at="2026-03-01").refusal.code == "not_eligible"


# Experiments ----------------------------------------------------------------------------------------------------------


def drawn(name, share, members=10_000):
    return {n for n in range(members) if InExperiment(name, share).draws(f"m-{n}")}


@pytest.mark.parametrize("share", ["0.01", "0.1", "0.5", "0.9"])
def test_about_the_share_is_drawn(share):
    expected = Fraction(share) * 10_000
    # five standard deviations
    assert abs(len(drawn("lounge", share)) - expected) <= 5 * float(expected * (1 - Fraction(share))) ** 0.5


def test_two_experiments_draw_independently():
    a, b = drawn("lounge", "0.2"), drawn("double points", "0.3")
    cells = [len(a & b), len(a - b), len(b - a), 10_000 - len(a | b)]
    expected = [600, 1400, 2400, 5600]

    assert (
        sum((found - mean) ** 2 / mean for found, mean in zip(cells, expected, strict=True)) < 16.27
    )  # p = 0.001, 3 df


def test_a_larger_share_only_adds_members_so_that_variants_can_be_told_apart():
    small, large = drawn("colour", "0.25"), drawn("colour", "0.5")
    assert small < large

    red = InExperiment("colour", "0.25")
    blue = InExperiment("colour", "0.5") & ~red
    rule = Flat(10).when(red) + Flat(20).when(blue)
    paid = {n: rule.award(action("visit", "2026-03-01"), Member(f"m-{n}")).points for n in range(200)}
    assert paid == {n: 10 if n in small else 20 if n in large else 0 for n in range(200)}


def test_who_is_held_out_of_everything_is_in_no_experiment():
    everyone = ~InExperiment("held out", "0.05")
    rule = PerSpend(1) + PerSpend(1).when(everyone & InExperiment("double", "0.5"))
    member = next(f"m-{n}" for n in drawn("held out", "0.05") & drawn("double", "0.5"))

    assert Program("Club", earning=rule).account(member).earn(purchase(10, "2026-03-01")).points == 10


def test_a_perk_is_tried_on_a_few_members():
    lounge = Item(0, grants="lounge").when(InExperiment("lounge", "0.1")).limit(1, per="month")
    program = club(rewards={"lounge": lounge})
    inside, outside = (f"m-{min(n)}" for n in (drawn("lounge", "0.1"), set(range(99)) - drawn("lounge", "0.1")))

    assert program.account(inside).redeem("lounge", id="r-1", at="2026-03-01").ok
    assert not program.account(outside).redeem("lounge", id="r-1", at="2026-03-01").ok


def test_nobody_in_particular_is_in_no_experiment():
    assert not InExperiment("lounge", 1).draws("")


def test_a_report_compares_the_groups_as_it_is_done_by_hand():
    # 'trial' draws a, b and c, and leaves out e and f. Spend is 10, 20, 30 (mean 20, variance 100) against 5, 15 (mean
    # 10, variance 50): a standard error of sqrt(100/3 + 50/2) = 7.6376, of which 1.9600 are 14.9695
    spend = {"a": 10, "b": 20, "c": 30, "e": 5, "f": 15}
    double = PerSpend(1) + PerSpend(1).when(InExperiment("trial", "0.5"))
    bought = [Activity.purchase(n, at="2026-03-01", member=member, id=member) for member, n in spend.items()]
    report = experiment_report(club(double), reversed(bought), "trial", "0.5")

    assert report.members == (3, 2)
    row = report["spend"]
    assert (row.inside, row.outside, row.difference, row.differs) == (20, 10, 10, False)
    assert (row.low, row.high) == pytest.approx((10 - 14.96949, 10 + 14.96949), abs=1e-4)
    assert (report["stars"].inside, report["stars"].outside) == (40, 10)
    assert report["activities"][1:] == (1, 1, 0, 0)
    assert str(report).splitlines() == [
        "Club: InExperiment('trial', '0.5'), 3 members inside and 2 outside",
        "",
        "per member  inside  outside  difference    95% interval",
        "----------  ------  -------  ----------  --------------",
        "activities    1.00     1.00        0.00    0.00 to 0.00",
        "spend        20.00    10.00       10.00  -4.97 to 24.97",
        "stars        40.00    10.00       30.00   5.34 to 54.66",
    ]
    assert experiment_report(club(double), bought, "trial", "0.5") == report


def test_members_who_did_nothing_count_and_what_was_before_does_not():
    bought = [
        Activity.purchase(n, at=at, member=member)
        for member, n, at in (("a", 50, "2026-02-28"), ("a", 10, "2026-03-01"), ("e", 8, "2026-03-02"))
    ]
    report = experiment_report(club(), bought, "trial", "0.5", members=list("abefg"), since="2026-03-01")

    assert report.members == (2, 3)
    assert (report["spend"].inside, report["spend"].outside) == (5, Fraction(8, 3))


def test_a_difference_that_is_there_is_seen():
    bought = [
        Activity.purchase(
            100 + n % 10 + 20 * InExperiment("trial", "0.5").draws(f"m-{n}"), at="2026-03-01", member=f"m-{n}"
        )
        for n in range(200)
    ]
    row = experiment_report(club(), bought, "trial", "0.5", level="0.99")["spend"]

    assert row.differs
    assert row.low < 20 < row.high


def test_one_member_has_no_interval():
    bought = [Activity.purchase(9, at="2026-03-01", member=member) for member in "ae"]
    report = experiment_report(club(), bought, "trial", "0.5")

    assert (report["spend"].low, report["spend"].differs) == (None, False)
    assert "-" in str(report)


def test_what_was_not_measured_is_told():
    report = experiment_report(club(), [], "trial", "0.5")

    assert report.members == (0, 0)
    with pytest.raises(KeyError, match="'stars'"):
        report["miles"]
    with pytest.raises(RuleError, match="level"):
        experiment_report(club(), [], "trial", "0.5", level=95)
