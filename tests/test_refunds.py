"""Refunds: what goes back, and what it frees of the counters."""

from loyaltycore import *

REVIEWS = Program("Reviews", earning=Flat(50).when(OfKind("review")).named("reviews").limit(1, per="year"))


def review(id, at):
    return Activity.action("review", at=at, id=id)


def test_a_full_refund_of_what_cost_nothing_frees_its_limit():
    account = REVIEWS.account("m-1")
    assert account.earn(review("r-1", "2026-01-05")).points == 50
    assert account.earn(review("r-2", "2026-01-06")).points == 0
    account.reverse("r-1", id="x-1", at="2026-01-07")
    assert account.earn(review("r-3", "2026-01-08")).points == 50


def test_a_full_refund_of_what_cost_nothing_is_done_once():
    account = REVIEWS.account("m-1")
    account.earn(review("r-1", "2026-01-05"))
    account.reverse("r-1", id="x-1", at="2026-01-07")
    account.reverse("r-1", id="x-2", at="2026-01-08")
    assert account.balance(at="2026-01-08") == 0
    assert account.earn(review("r-2", "2026-01-08")).points == 50
    assert account.earn(review("r-3", "2026-01-09")).points == 0


def test_a_full_refund_also_undoes_that_there_was_such_an_activity():
    club = Program("First", earning=Flat(100).when(FirstTime("review")))
    account = club.account("m-1")
    account.earn(review("r-1", "2026-01-05"))
    account.reverse("r-1", id="x-1", at="2026-01-07")
    assert account.earn(review("r-2", "2026-01-08")).points == 100


def test_a_full_refund_after_a_partial_one_takes_the_rest():
    account = Program("Club", earning=PerSpend(1)).account("m-1")
    basket = Activity([Line(60), Line(40)], at="2026-01-05", id="t-1")
    account.earn(basket)
    account.reverse("t-1", id="x-1", at="2026-01-06", amount=25)
    [rest] = account.reverse("t-1", id="x-2", at="2026-01-07")
    assert (rest.points, account.balance(at="2026-01-07")) == (75, 0)


def test_what_is_owed_is_part_of_what_is_missing_to_a_reward():
    account = Program("Club", earning=PerSpend(1), rewards={"mug": Item(60)}).account("m-1")
    account.earn(Activity.purchase(100, at="2026-01-05", id="t-1"))
    account.redeem("mug", id="r-1", at="2026-01-06")
    account.reverse("t-1", id="x-1", at="2026-01-07", on_shortfall="owe")
    assert account.balance(at="2026-01-07") == -60

    refusal = account.redeem("mug", id="r-2", at="2026-01-07").quote.refusal
    assert str(refusal) == "0 points are available, 60 are owed and 60 are needed; 120 are missing"
    assert dict(refusal.numbers) == {"required": 60, "available": 0, "owed": 60, "missing": 120}
    assert account.next_reward(at="2026-01-07").missing == 120

    account.earn(Activity.purchase(120, at="2026-01-08", id="t-2"))
    assert account.redeem("mug", id="r-2", at="2026-01-08").ok
