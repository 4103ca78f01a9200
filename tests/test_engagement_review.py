"""What a review of engagement found: streaks after refunds, experiments at their edges, and words that were not so."""

import pytest

from loyaltycore import *
from loyaltycore.reports import experiment_report

STREAK = Flat(50).when(OfKind("workout")).named("streak")


def workout(day, id=""):
    return Activity.action("workout", at=f"2026-03-{day:02}", id=id or f"day {day}")


def after_workouts(rule, *days):
    account = Program("Club", earning=rule).account("m-1")
    for day in days:
        account.earn(workout(day))
    return account


# Streaks --------------------------------------------------------------------------------------------------------------


def test_a_day_that_was_paid_for_in_one_row_does_not_make_another_after_a_refund():
    account = after_workouts(STREAK.in_a_row(2, per="day"), 1, 2)
    account.reverse("day 1", id="back", at="2026-03-02")

    # of the 2nd to the 4th two days are a row, which the 2nd has been paid for
    assert [account.earn(workout(day)).points for day in (3, 4, 5)] == [0, 0, 50]


def test_a_row_is_paid_again_once_what_paid_it_is_taken_back():
    account = after_workouts(STREAK.in_a_row(2, per="day"), 1, 2)
    account.reverse("day 2", id="back", at="2026-03-02")

    assert account.earn(workout(2, "again")).points == 50
    assert account.balance(at="2026-03-03") == 50


def test_a_row_whose_pay_was_taken_back_is_paid_by_its_next_day():
    account = after_workouts(STREAK.in_a_row(2, per="day"), 1, 2)
    account.earn(workout(2, "the second that day"))
    account.reverse("day 2", id="back", at="2026-03-02")

    assert account.earn(workout(3)).points == 50


@pytest.mark.parametrize("rest", [{"days": 7}, {"months": 1}])
def test_a_rule_rests_before_a_day_it_has_earned_on_as_well_if_that_was_learnt_first(rest):
    account = after_workouts(STREAK.cooldown(**rest), 8)

    assert account.earn(workout(5)).points == 0
    assert "earned on 2026-03-08" in str(account.preview(workout(6)))
    assert after_workouts(STREAK.cooldown(days=3), 8).earn(workout(5)).points == 50


# Experiments ----------------------------------------------------------------------------------------------------------


def report_of(share="0.5", **options):
    visits = [Activity.purchase(10 + n % 7, at="2026-03-01", member=f"m-{n}") for n in range(40)]
    return experiment_report(Program("Club", earning=PerSpend(1)), visits, "lounge", share, **options)


@pytest.mark.parametrize("level", ["0.99999999999999999999", "1", "0"])
def test_a_level_that_no_interval_is_sure_to_is_refused(level):
    with pytest.raises(RuleError, match="level"):
        report_of(level=level)


def test_members_are_a_list_of_ids_and_not_the_letters_of_one():
    with pytest.raises(RuleError, match="members"):
        report_of(members="m-1")


def test_nobody_is_measured_but_the_members_that_it_is_about():
    assert report_of("1", members=["m-1", "m-2", "who did nothing"]).members == (3, 0)


@pytest.mark.parametrize("share", ["0", "1"])
def test_a_group_without_members_has_no_mean_and_no_difference(share):
    _, spend, *_ = str(report_of(share)).splitlines()[-3:]

    assert spend.split() in (["spend", "-", "12.88", "-", "-"], ["spend", "12.88", "-", "-", "-"])


# In plain words -------------------------------------------------------------------------------------------------------


def test_what_is_not_for_the_first_purchase_is_for_other_kinds_of_activities_as_well():
    rule = Flat(5).when(~FirstTime("purchase"))

    assert rule.award(Activity.action("review", at="2026-03-01")).points == 5
    assert explain(rule) == "5 points for all but the member's first purchase"


def test_points_that_can_be_given_away_are_not_only_counted():
    points = {
        "to give": Points(Flat(100), redeemable=False),
        "kudos": Points(Flat(0)),
        "status": Points(Flat(1), redeemable=False),
    }
    said = explain(Program("Thanks", points=points, rewards={"thanks": Gift(unit="to give", into="kudos")}))

    assert "They cannot be spent, only given away." in said
    assert said.count("They are only counted, and cannot be spent.") == 1


def test_a_tier_by_invitation_is_kept_for_as_long_as_the_invitation_says():
    ladder = TierLadder(Tier("Basic"), Tier("Pro", Invitation()))
    account = Program("Plan", earning=PerSpend(1), tiers=ladder).account("m-1")
    account.grant_tier("Pro", until="2026-04-30", id="g-1", at="2026-03-04")

    assert account.tier(at="2026-05-01") == "Basic"
    said = explain(Program("Plan", earning=PerSpend(1), tiers=ladder))
    assert "A tier is kept for good, or until the day that the invitation says." in said
    assert "invitation says" not in explain(
        Program("Plan", earning=PerSpend(1), tiers=TierLadder(Tier("A", Reach("spend", 9))))
    )


def test_a_limit_of_gifts_is_for_each_who_gets_them():
    gift = Gift(at_most=50).limit(2, per=("month", Each("to")))

    assert (
        explain(gift) == "a gift to another member, at most 50 points at a time, at most twice a month to each member"
    )


def test_a_version_that_begins_to_review_tiers_says_what_follows():
    def club(**kept):
        return Program("Club", earning=PerSpend(1), tiers=TierLadder(Tier("gold", Reach("spend", 9)), **kept))

    said = explain(ProgramHistory(club(), ("2026-03-01", club(keeps=After(months=12)))))
    change, follows = said.splitlines()[-2:]
    assert change.startswith("- tiers: the time that a tier is kept is “until it is reviewed 12 months after")
    assert follows == "- tiers: members who do not qualify again move to the highest tier that they qualify for"


# Differences ----------------------------------------------------------------------------------------------------------

NAMED = PerSpend(1).named("bonus")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            NAMED.limit(5, per="year"),
            NAMED.limit(5, per="month"),
            "the period of the limit of bonus is “a month” instead of “a year”",
        ),
        (
            NAMED.every_nth(5, per="year"),
            NAMED.every_nth(5, per="month"),
            "the period of the count of bonus is “a month” instead of “a year”",
        ),
        (
            NAMED.running(per="year"),
            NAMED.running(per="month"),
            "the period that is counted over of bonus is “a month” instead of “a year”",
        ),
        (
            NAMED.in_a_row(5, per="week"),
            NAMED.in_a_row(5, per="day"),
            "the period of the row of bonus is “a day” instead of “a week”",
        ),
    ],
)
def test_a_period_is_not_called_per(before, after, text):
    one, other = (Program("Club", points={"stars": Points(rule)}) for rule in (before, after))

    assert [str(found) for found in diff(one, other)] == [f"stars: {text}"]


def test_of_several_conversions_it_is_said_which_one_differs():
    def club(n, day):
        several = (Convert(100, into="euros", gives=5).every("month"), Convert(n, into="miles", gives=9).on(day))
        return Program(
            "Club",
            points={"stars": Points(PerSpend(1), converts=several), "euros": Points(Flat(0)), "miles": Points(Flat(0))},
        )

    what = "of “every 200 stars become 9 miles, at the end of every 1 November”"
    assert [str(found) for found in diff(club(200, "11-01"), club(250, "12-01"))] == [
        f"stars: the day {what} is “1 December” instead of “1 November”",
        f"stars: the number to convert {what} goes from 200 to 250",
    ]


def test_what_a_gift_becomes_is_told():
    def thanks(into):
        rewards = {"thanks": Gift(unit="stars", into=into)}
        return Program("Club", points={"stars": Points(PerSpend(1)), "kudos": Points(Flat(0))}, rewards=rewards)

    assert [str(found) for found in diff(thanks("kudos"), thanks(""))] == [
        "thanks: the unit that it becomes is left out, which was kudos"
    ]


# Gifts ----------------------------------------------------------------------------------------------------------------


def test_a_gift_that_fails_half_way_takes_nothing_of_what_all_members_share(monkeypatch):
    program = Program("Club", earning=PerSpend(1), rewards={"gift": Gift().stock(1)})
    shared = {}
    ada, ben, cem = (program.account(name, shared=shared) for name in ("ada", "ben", "cem"))
    for account in (ada, ben):
        account.earn(Activity.purchase(100, at="2026-03-01", id="t-1"))

    def fails(*_, **__):
        raise OSError("the power went off")

    with monkeypatch.context() as broken:
        broken.setattr(type(cem), "_receive", fails)
        with pytest.raises(OSError, match="power"):
            ada.give("gift", cem, points=10, id="g-1", at="2026-03-02")

    assert ada.balance(at="2026-03-02") == 100
    assert ben.give("gift", cem, points=10, id="g-2", at="2026-03-02").ok
    assert not ada.give("gift", cem, points=10, id="g-1", at="2026-03-02").ok
