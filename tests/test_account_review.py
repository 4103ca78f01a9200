"""Accounts as their callers may use them wrongly, or late."""

from attrs import frozen
import pytest

from loyaltycore import *

STARS = {"stars": Points(PerSpend(1))}


def club(name="Club", **parts):
    return Program(name, points=parts.pop("points", STARS), rewards={"coffee": Item(60, unit="stars")}, **parts)


def account_with(points, program=None, id="m-1"):
    account = (program or club()).account(id)
    account.earn(Activity.purchase(points, at="2026-01-01", id="t-1"))
    return account


# Two times ----------------------------------------------------------------------------------------------------------


def test_a_late_activity_is_judged_by_the_facts_of_its_day():
    with_plan = Points(PerSpend(1) + Flat(20).when(MemberFact("plan", "gold")))
    account = club(points={"stars": with_plan}).account("m-1")
    account.note(at="2026-02-01", id="n-1", plan="gold")
    late = account.earn(Activity.purchase(10, at="2026-01-15", id="t-1"), posted="2026-02-10")
    after = account.earn(Activity.purchase(10, at="2026-02-15", id="t-2"))
    assert (late.points, after.points) == (10, 30)


def test_a_fact_noted_late_is_known_for_activities_from_its_day_on():
    with_plan = Points(PerSpend(1) + Flat(20).when(MemberFact("plan", "gold")))
    account = club(points={"stars": with_plan}).account("m-1", facts={"plan": "basic"})
    account.note(at="2026-02-01", id="n-1", posted="2026-03-01", plan="gold")
    days = ("2026-01-31T23:59:59", "2026-02-01")
    receipts = [account.earn(Activity.purchase(10, at=day, id=day), posted="2026-03-02") for day in days]
    assert [receipt.points for receipt in receipts] == [10, 30]


def test_points_that_wait_for_a_fact_know_what_was_noted_by_the_time_they_come():
    waiting = Points(PerSpend(1), pending=AfterFact("verified"))
    account = club(points={"stars": waiting}).account("m-1")
    account.note(at="2026-02-01", id="n-1", verified="2026-02-01")
    account.earn(Activity.purchase(10, at="2026-01-15", id="t-1"), posted="2026-02-10")
    assert account.balance(at="2026-02-10") == 10


# Between accounts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [club("Other"), Program("Club", earning=PerSpend(1))])
def test_points_do_not_move_to_an_account_of_another_program(other):
    account, foreign = account_with(100), other.account("m-2")
    before = account.entries
    with pytest.raises(LoyaltyError):
        account.transfer(50, foreign, id="x-1", at="2026-01-02")
    assert (account.entries, foreign.entries) == (before, ())


@pytest.mark.parametrize("other", [club("Other"), Program("Club", earning=PerSpend(1))])
def test_an_account_of_another_program_is_not_taken_over(other):
    account, foreign = account_with(100), other.account("m-2")
    before = account.entries
    with pytest.raises(LoyaltyError):
        foreign.merge(account, id="x-1", at="2026-01-02")
    assert (account.entries, foreign.entries) == (before, ())


# Retries ------------------------------------------------------------------------------------------------------------


def test_a_conflict_in_the_order_says_that_it_is_the_orders():
    account = account_with(100)
    account.redeem("coffee", id="r-1", at="2026-02-01", order=Activity.purchase(20, at="2026-02-01"))
    with pytest.raises(Conflict, match=r"with order\.lines="):
        account.redeem("coffee", id="r-1", at="2026-02-01", order=Activity.purchase(21, at="2026-02-01"))


# Rewards ------------------------------------------------------------------------------------------------------------


def test_a_reward_priced_by_the_order_does_not_keep_a_statement_from_being_made():
    program = Program(
        "Club",
        earning=PerSpend(1),
        rewards={"upgrade": Item(PointsTable({"near": 50, "far": 90}, by="zone")), "coffee": Item(150)},
    )
    account = account_with(100, program)
    assert account.statement(at="2026-02-01").next_reward.option == "coffee"
    near, far = (Activity.action("flight", at="2026-02-01", zone=zone) for zone in ("near", "far"))
    assert [{q.option: q.points for q in account.options(order)}["upgrade"] for order in (near, far)] == [50, 90]
    unpriced = {quote.option: quote.refusal.code for quote in account.options(at="2026-02-01")}
    assert unpriced == {"coffee": "insufficient_points", "upgrade": "not_eligible"}


# Wrong arguments ----------------------------------------------------------------------------------------------------

WRONG_CALLS = {
    "quote of an order that is none": lambda a: a.quote("coffee", "order", at="2026-02-01"),
    "options of an order that is none": lambda a: a.options(5, at="2026-02-01"),
    "redeem for an order that is none": lambda a: a.redeem("coffee", id="r-1", at="2026-02-01", order={}),
    "hold for an order that is none": lambda a: a.hold("coffee", id="h-1", at="2026-02-01", order=[]),
    "quote of a reward that is no name": lambda a: a.quote(["coffee"], at="2026-02-01"),
    "redeem a reward that is no name": lambda a: a.redeem({}, id="r-1", at="2026-02-01"),
    "preview of no activity": lambda a: a.preview(None),
    "reverse no id": lambda a: a.reverse(["t-1"], id="v-1", at="2026-02-01"),
    "reverse a line not in a list": lambda a: a.reverse("t-1", id="v-1", at="2026-02-01", lines=0),
    "capture no id": lambda a: a.capture({}, id="c-1", at="2026-02-01"),
    "release no id": lambda a: a.release([], id="c-1", at="2026-02-01"),
    "cancel no id": lambda a: a.cancel([None], id="k-1", at="2026-02-01"),
    "activate no id": lambda a: a.activate([], id="a-1", at="2026-02-01"),
    "a unit that is no name": lambda a: a.balance(["stars"], at="2026-02-01"),
    "extend no lots": lambda a: a.extend(None, "2027-01-01", id="e-1", at="2026-02-01"),
    "entries that are none": lambda a: club().account("m-2", entries=[1]),
    "entries that are not several": lambda a: club().account("m-2", entries=5),
    "a moment past the last there is": lambda a: club(timezone="America/New_York").account("m").balance(
        at="9999-12-31T23:00"
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", WRONG_CALLS.values(), ids=WRONG_CALLS.keys())
def test_a_wrong_argument_is_an_error_of_the_library_and_writes_nothing(call):
    account = account_with(100)
    before = account.entries
    with pytest.raises(LoyaltyError):
        call(account)
    assert account.entries == before


@frozen
class InWords(DateRule):
    def falls_on(self, subject, member):
        return "2026-03-01"


@pytest.mark.parametrize("part", ["expiry", "pending"])
def test_a_date_rule_that_says_no_date_is_named(part):
    account = club(points={"stars": Points(PerSpend(1), **{part: InWords()})}).account("m-1")
    with pytest.raises(RuleError, match="'2026-03-01' is no date"):
        account.earn(Activity.purchase(10, at="2026-01-01", id="t-1"))
    assert account.entries == ()


@pytest.mark.parametrize(
    "rule",
    [After(years=1000), OnDate("12-31", years=1000), EndOf("year", plus=1000), EndOfBirthMonth(years=1000)],
    ids=lambda rule: rule.kind,
)
def test_a_date_past_the_last_year_there_is_is_an_error_of_the_rule(rule):
    with pytest.raises(RuleError, match=r"the years? .*9999"):
        rule.falls_on(Lot(1, "stars", 5, earned="9500-01-01"), Member(facts={"birth_month": 3}))
