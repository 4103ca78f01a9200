"""Refunds: what goes back, and what it frees of the counters."""

from fractions import Fraction

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


def by_lines(program, *lines):
    """What each line of a basket gives back, one after the other."""
    account = program.account("m-1")
    account.earn(Activity(lines, at="2026-01-05", id="t-1"))
    return [
        sum(entry.points for entry in account.reverse("t-1", id=f"x-{n}", at="2026-01-06", lines=[n]))
        for n in range(len(lines))
    ]


def test_lines_give_back_what_each_earned():
    program = Program("Club", earning=PerSpend(1) + PerSpend(2).when(Category("dining")))
    assert by_lines(program, Line(10), Line(10, "dining"), Line(5)) == [10, 30, 5]


def test_what_no_line_would_earn_alone_goes_by_their_amounts():
    program = Program("Club", earning=Flat(50).when(MinSpend(100)))
    assert by_lines(program, Line(90), Line(30)) == [38, 12]


def test_what_goes_by_no_amount_is_shared_alike():
    program = Program("Club", earning=Flat(51).when(Has(at_least=3, of="quantity")))
    assert by_lines(program, Line(0), Line(0), Line(0)) == [17, 17, 17]


def test_a_line_without_an_amount_keeps_what_it_earned():
    program = Program("Club", earning=PerSpend(1) + Flat(20).when(Category("gift")))
    assert by_lines(program, Line(100), Line(0, "gift")) == [100, 20]


def test_a_line_that_was_returned_within_the_basket_changes_nothing():
    program = Program("Club", earning=PerSpend(1))
    assert by_lines(program, Line(100), Line(-20), Line(20)) == [83, 0, 17]


def test_a_partial_refund_frees_its_share_of_what_was_counted():
    rule = (
        PerSpend(1).named("capped").cap(100, per="month")
        + PerSpend("0.5").named("running").running(per="month")
        + Flat(1).named("visits").limit(1, per="month")
    )
    account = Program("Club", earning=rule).account("m-1")
    account.earn(Activity.purchase(99, at="2026-01-05", id="t-1"))
    before = dict(account.member(at="2026-01-05").counted)
    account.reverse("t-1", id="x-1", at="2026-01-06", amount=33)
    after = account.member(at="2026-01-06").counted
    freed = {key.name or key.what: (before[key], after.get(key, 0)) for key in before if key.what != "lines"}
    assert freed["capped"] == (99, 66)
    assert freed["running"] == (Fraction(99, 2), 33)
    assert freed["visits"] == (1, 1)  # there was a visit all the same
    [tally] = [after[key] for key in before if key.what == "lines"]
    assert tally.lines[0].amount == 66
    account.reverse("t-1", id="x-2", at="2026-01-07")
    assert not any(account.member(at="2026-01-07").counted[key] for key in before if key.what != "lines")


def test_a_refund_frees_the_caps_of_every_unit():
    """Once only those of the first: the entry of the first unit said that all was refunded already."""
    capped = {unit: Points(PerSpend(1).named("spend").cap(100, per="month")) for unit in ("stars", "miles")}
    account = Program("Club", points=capped).account("m-1")
    account.earn(Activity.purchase(80, at="2026-01-05", id="t-1"))
    account.reverse("t-1", id="x-1", at="2026-01-06")
    awards = account.earn(Activity.purchase(100, at="2026-01-07", id="t-2")).awards
    assert {unit: award.points for unit, award in awards.items()} == {"stars": 100, "miles": 100}


def test_lines_free_what_they_took_of_a_cap_and_not_their_share_of_the_amount():
    rule = PerSpend(1).when(Category("groceries")).named("groceries").cap(100, per="month")
    account = Program("Club", earning=rule).account("m-1")
    account.earn(Activity([Line(90, "groceries"), Line(90, "wine")], at="2026-01-05", id="t-1"))
    account.reverse("t-1", id="x-1", at="2026-01-06", lines=[1])
    assert account.earn(Activity.purchase(50, at="2026-01-07", id="t-2", category="groceries")).points == 10


def test_lines_are_taken_out_of_a_running_total_as_they_were():
    rule = PerSpend(6).between(0, 100).when(Category("groceries")).named("groceries").running(per="year")
    account = Program("Club", earning=rule).account("m-1")
    account.earn(Activity([Line(60, "groceries"), Line(90, "wine"), Line(30, "groceries")], at="2026-01-05", id="t-1"))
    account.reverse("t-1", id="x-1", at="2026-01-06", lines=[1, 2])
    assert account.balance(at="2026-01-06") == 360
    assert account.earn(Activity.purchase(50, at="2026-01-07", id="t-2", category="groceries")).points == 240


def test_what_little_is_left_of_a_cap_is_shared_by_what_the_lines_would_have_earned():
    account = Program("Club", earning=PerSpend(1).named("spend").cap(100, per="month")).account("m-1")
    account.earn(Activity.purchase(90, at="2026-01-05", id="t-1"))
    assert account.earn(Activity([Line(90), Line(10)], at="2026-01-06", id="t-2")).by_line() == (9, 1)


def test_what_is_shared_by_line_stays_so_through_data():
    account = Program("Club", earning=PerSpend(1).named("spend").cap(100, per="month")).account("m-1")
    account.earn(Activity([Line(90), Line(60)], at="2026-01-06", id="t-1"))
    stored = from_json(to_json(account.entries[0]))
    assert stored == account.entries[0]
    assert list(stored.data["counts_by_line"].values()) == [(60, 40)]
