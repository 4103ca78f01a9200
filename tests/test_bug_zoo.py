"""Defects that loyalty programs really had, each as a test that it is not one here.

The first part are those of others, with where they were reported. The second are our own, found by the tests of the
ledger's promises and kept here in the shape in which they were found.
"""

from datetime import UTC, date, datetime
from fractions import Fraction

from attrs import frozen
import pytest

from loyaltycore import *

IN = ("earned", "adjusted_up", "transferred_in", "converted_in", "reinstated", "owed", "repaid")
OUT = (
    "available", "pending", "held", "spent", "lapsed", "reversed", "repaid",
    "adjusted_down", "transferred_out", "converted_out",
)  # fmt: skip

gift = Donation(worth="0.01", to="the school")
coffee = Item(100, sku="coffee")


def club(*, rewards=None, **points):
    rewards = rewards or {"gift": gift, "coffee": coffee}
    return Program("Club", points={"stars": Points(PerSpend(1), **points)}, rewards=rewards)


def bought(amount=100, at="2026-01-05", id="t-1", **facts):
    return Activity.purchase(amount, at=at, id=id, **facts)


def with_points(program, n=100, id="m-1", **more):
    account = program.account(id, **more)
    account.earn(bought(n))
    return account


def conserved(account, at):
    totals = account.totals(at=at)
    return sum(totals[name] for name in IN) == sum(totals[name] for name in OUT)


# Of others ------------------------------------------------------------------------------------------------------------


def test_fuint_71_twenty_gifts_of_100_from_100_points():
    giver, taker = with_points(club()), club().account("m-2")
    for n in range(20):
        try:
            giver.transfer(100, taker, id=f"gift-{n}", at="2026-01-06")
        except RuleError as refused:
            assert "0 points are available" in str(refused)  # noqa: PT017 (all but the first)

    assert giver.balance(at="2026-01-06") == 0
    assert taker.balance(at="2026-01-06") == 100


def test_leetcode_city_690_a_rollback_gives_back_what_was_taken_not_what_it_finds():
    account = with_points(club())
    account.redeem("coffee", id="r-1", at="2026-01-06")
    account.earn(bought(40, "2026-01-07", "t-2"))
    for _ in range(3):
        account.cancel("r-1", id="rollback", at="2026-01-08")

    assert account.balance(at="2026-01-08") == 140


def test_flocafe_78_balance_collapse():
    account = with_points(club(expiry=After(months=1)))
    account.redeem("gift", points=80, id="r-1", at="2026-01-20")
    account.earn(bought(50, "2026-01-21", "t-2"))

    assert account.balance(at="2026-02-10") == 50


def test_liberu_1056_points_lapse_however_they_came():
    program = Program(
        "Club",
        points={name: Points(PerSpend(1), expiry=After(months=1)) for name in ("stars", "miles")},
        rewards={"into miles": Convert(10, into="miles", gives=1, unit="stars"), "gift": Item(1, unit="stars")},
    )
    account, other = program.account("m-1"), program.account("m-2")
    account.earn(bought())
    other.earn(bought())
    account.adjust(10, unit="stars", reason="by hand", actor="clerk", id="a-1", at="2026-01-05")
    account.convert("into miles", points=50, id="c-1", at="2026-01-05")
    other.transfer(20, account, unit="stars", id="x-1", at="2026-01-05")

    assert {unit: account.balance(unit, at="2026-02-05") for unit in program.points} == {"stars": 80, "miles": 105}
    assert {unit: account.balance(unit, at="2026-02-06") for unit in program.points} == {"stars": 0, "miles": 0}


def test_odoo_257854_buying_and_refunding_again_and_again_earns_nothing():
    account = club().account("m-1")
    for n in range(5):
        account.earn(bought(100, "2026-01-05", f"t-{n}"))
        account.reverse(f"t-{n}", id=f"refund-{n}", at="2026-01-06")

    assert account.balance(at="2026-01-06") == 0


def test_odoo_212922_a_refund_does_not_take_redeemed_points_a_second_time():
    account = with_points(club(), 200)
    account.redeem("coffee", id="r-1", at="2026-01-06")
    account.reverse("t-1", amount=50, id="refund", at="2026-01-07")

    assert account.balance(at="2026-01-07") == 200 - 100 - 50


def test_erpnext_32951_a_return_takes_its_points_back():
    account = with_points(club())
    account.reverse("t-1", amount="33.33", id="refund", at="2026-01-07")

    assert account.balance(at="2026-01-07") == 67


def test_erpnext_30242_a_return_of_what_was_paid_with_points():
    account = with_points(club(rewards={"pay": PayWithPoints(worth="0.01")}), 1000)
    order = Activity.purchase(50, at="2026-01-10", id="t-2", tenders={"card": 45, "points": 5})
    account.redeem("pay", points=500, order=order, id="r-1", at="2026-01-10")
    account.earn(order)
    account.reverse("t-2", id="refund", at="2026-01-12")
    account.cancel("r-1", id="points back", at="2026-01-12")

    assert account.balance(at="2026-01-12") == 1000
    assert conserved(account, "2026-01-12")


def test_odoo_271032_a_discount_of_everything_leaves_nothing():
    order = Activity.purchase(lines=[Line("0.99")] * 7 + [Line("33.34")], at="2026-01-05")

    assert PercentOff(100, percent=100).quote(order).value == order.amount
    assert PayWithPoints(worth="0.01").quote(order, points=10_000).value == order.amount


def test_prestashop_42502_a_partial_refund_bears_its_share_of_the_discount():
    """150 and 60 with 42 off: what comes back for the 150 is 120, not 108."""
    tenders = {"card": 168, "points": 42}
    paid = Activity.purchase(lines=[Line(150), Line(60)], at="2026-01-05", id="t-1", tenders=tenders)
    account = Program("Club", earning=PerSpend(1).when(Fact("tender", "card"))).account("m-1")
    account.earn(paid)
    of_first = [n for n, line in enumerate(paid.lines) if line.fact("tender") == "card" and line.amount == 120]
    account.reverse("t-1", lines=of_first, id="refund", at="2026-01-06")

    assert account.balance(at="2026-01-06") == 168 - 120


def test_spree_14467_two_halves_are_the_whole():
    account = with_points(Program("Club", earning=PerSpend(100)), "1.03")
    back = [account.reverse("t-1", amount="0.515", id=f"r-{n}", at="2026-01-06")[0].points for n in (1, 2)]

    assert back == [51, 52]


def test_kademi_4759_the_last_day_is_a_day_where_the_program_is():
    stars = Points(PerSpend(1), expiry=OnDate("12-31"))
    program = Program("Club", timezone="Pacific/Auckland", points={"stars": stars})
    account = with_points(program)

    assert account.lots(at="2026-06-01")[0].expires_on == date(2026, 12, 31)
    assert account.balance(at="2026-12-31T23:59:59") == 100
    assert account.balance(at="2027-01-01") == 0
    assert account.balance(at=datetime(2026, 12, 31, 10, 59, 59, tzinfo=UTC)) == 100
    assert account.balance(at=datetime(2026, 12, 31, 11, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    ("rule", "last"),
    [(After(years=1), "2025-02-28"), (After(years=4), "2028-02-29"), (OnDate("02-29", years=1), "2025-02-28")],
    ids=repr,
)
def test_civicrm_27198_perun_1053_leap_days(rule, last):
    account = club(expiry=rule).account("m-1")
    account.earn(bought(10, "2024-02-29"))

    assert [lot.expires_on for lot in account.lots(at="2024-02-29")] == [date.fromisoformat(last)]


def test_paid_memberships_pro_1353_one_end_date_wherever_it_is_shown():
    program = Program("Club", timezone="America/New_York", points={"stars": Points(PerSpend(1), expiry=After(days=60))})
    account = program.account("m-1")
    account.earn(bought(100, "2024-02-01T23:30"))  # the clocks change before the end
    (lot,) = account.lots(at="2024-02-02")
    (unit,) = account.statement(at="2024-02-02").units
    (lapsed,) = account.advance("2024-05-01")

    assert lot.expires_on == date(2024, 4, 1)
    assert unit.expires == ((date(2024, 4, 1), 100),)
    assert "2024-04-01" in lapsed.reason
    assert lapsed.at == datetime(2024, 4, 2, 4, tzinfo=UTC)


def test_odoo_222372_confirming_twice_earns_once():
    account = club().account("m-1")
    for _ in range(2):
        account.earn(bought())

    assert account.balance(at="2026-01-06") == 100


def test_erpnext_59050_no_points_are_spent_without_a_debit():
    account = with_points(club(), 150)
    for n in range(3):
        account.redeem("coffee", id=f"r-{n}", at="2026-01-06")

    assert [entry.id for entry in account.entries if entry.kind == "spent"] == ["r-0"]
    assert account.balance(at="2026-01-06") == 50


def test_medusa_16347_a_gift_card_is_not_redeemed_twice():
    account = with_points(club(rewards={"card": Voucher(100, worth=10)}), 150)
    bought_card = [account.redeem("card", id=name, at="2026-01-06") for name in ("r-1", "r-1", "r-2")]

    assert [card.ok for card in bought_card] == [True, True, False]
    assert bought_card[1].entries == bought_card[0].entries
    assert account.balance(at="2026-01-06") == 50


def test_erpnext_apply_loyalty_points_a_lot_is_not_drawn_beyond_what_is_left_of_it():
    """What was spent of a lot was subtracted twice with the wrong sign, so that it could be spent again."""
    account = with_points(club(expiry=After(months=1)))
    account.earn(bought(30, "2026-01-06", "t-2"))
    for n, points in enumerate((70, 40, 20)):
        account.redeem("gift", points=points, id=f"r-{n}", at="2026-01-07")

    assert [entry.lots for entry in account.entries if entry.kind == "spent"] == [
        ((1, 70),),
        ((1, 30), (2, 10)),
        ((2, 20),),
    ]


def test_setono_redeeming_and_cancelling_does_not_make_points_immortal():
    account = with_points(club(expiry=After(months=1)))
    account.redeem("coffee", id="r-1", at="2026-02-04")
    account.cancel("r-1", id="c-1", at="2026-02-05")

    assert account.balance(at="2026-02-05") == 100
    assert account.balance(at="2026-02-06") == 0


def test_setono_points_past_their_end_cannot_be_spent_though_nobody_swept_them():
    account = with_points(club(expiry=After(months=1)))

    assert account.redeem("coffee", id="r-1", at="2026-02-06").quote.refusal.code == "insufficient_points"


def test_open_loyalty_lots_are_spent_in_order_however_many_there_are():
    """Its order compared by true and false, which is none."""
    account = club(expiry=OnDate("12-31")).account("m-1")
    years = (2027, 2024, 2026, 2023, 2025, 2022)
    for year in sorted(years):
        account.adjust(1, reason="by hand", actor="clerk", id=f"a-{year}", at="2022-01-01")
    account.redeem("gift", points=5, id="r-0", at="2022-01-01")
    account.cancel("r-0", id="c-0", at="2022-01-01")  # they have been put in an order that holds no more
    for lot, year in enumerate(years, 1):
        account.extend(lot, f"{year}-06-30", id=f"e-{year}", at="2022-01-01")
    account.redeem("gift", points=6, id="r-1", at="2022-01-02")

    assert account.entries[-1].lots == ((6, 1), (4, 1), (2, 1), (5, 1), (3, 1), (1, 1))


def test_posnext_a_part_of_a_redemption_gives_back_only_that_part():
    account = with_points(club())
    account.redeem("gift", points=80, id="r-1", at="2026-01-06")
    account.cancel("r-1", points=20, id="c-1", at="2026-01-07")

    assert account.balance(at="2026-01-07") == 40


def test_posnext_a_return_is_not_blocked_because_the_points_are_spent():
    account = with_points(club())
    account.redeem("gift", points=80, id="r-1", at="2026-01-06")
    account.reverse("t-1", id="refund", at="2026-01-07", on_shortfall="owe")

    assert account.balance(at="2026-01-07") == -80


def test_odoo_222428_the_day_is_the_programs_not_that_of_utc():
    program = Program("Club", timezone="America/New_York", points={"stars": Points(PerSpend(1), expiry=After(days=1))})
    account = program.account("m-1")
    account.earn(bought(100, "2026-01-05T23:30"))  # the 6th in UTC

    assert account.balance(at="2026-01-06T23:59") == 100
    assert account.balance(at="2026-01-07") == 0


def test_odoo_111670_tenths_leave_no_dust():
    account = with_points(Program("Club", earning=PerSpend(10)), "0.3")
    for n in range(3):
        account.reverse("t-1", amount="0.1", id=f"r-{n}", at="2026-01-06")

    assert account.balance(at="2026-01-06") == 0
    with pytest.raises(RuleError, match="0 of the activity is left"):
        account.reverse("t-1", amount="0.01", id="r-3", at="2026-01-06")


def test_prestashop_4034_points_are_given_as_they_were_shown():
    account = Program("Club", earning=PerSpend("0.5")).account("m-1")
    shown = account.preview(bought("1.99")).points

    assert account.earn(bought("1.99")).points == shown == account.balance(at="2026-01-06")


# Our own --------------------------------------------------------------------------------------------------------------


def test_a_conversion_behind_a_limit_still_gives_what_it_promises():
    """It was taken for an ordinary reward: the points were gone and nothing came for them."""
    program = Program(
        "Club",
        points={"stars": Points(PerSpend(1)), "miles": Points(Flat(0))},
        rewards={"once": Convert(10, into="miles", gives=1, unit="stars").limit(1, per="year")},
    )
    account = with_points(program)
    account.convert("once", points=50, id="c-1", at="2026-01-06")

    assert (account.balance("stars", at="2026-01-07"), account.balance("miles", at="2026-01-07")) == (50, 5)
    assert account.quote("once", points=50, at="2026-01-07").refusal.code == "limit_reached"


def test_points_on_their_way_into_another_unit_cannot_be_held():
    """They were converted at once, and the hold was none."""
    program = Program(
        "Club",
        points={"stars": Points(PerSpend(1)), "miles": Points(Flat(0))},
        rewards={"miles": Convert(10, into="miles", gives=1, unit="stars")},
    )
    account = with_points(program)

    with pytest.raises(RuleError, match="cannot be held"):
        account.hold("miles", points=50, id="h-1", at="2026-01-06")
    assert account.balance("miles", at="2026-01-06") == 0


def test_a_stock_for_all_members_is_not_counted_twice_for_the_one_who_took_it():
    together = {}
    program = club(rewards={"mug": Item(1).stock(3)})
    one, other = (with_points(program, id=name, shared=together) for name in ("m-1", "m-2"))

    assert [one.redeem("mug", id=f"r-{n}", at="2026-01-06").ok for n in range(3)] == [True, True, True]
    assert not other.redeem("mug", id="r-1", at="2026-01-06").ok


def test_a_hold_that_times_out_gives_the_stock_back():
    together = {}
    program = club(rewards={"mug": Item(1).stock(1)})
    one, other = (with_points(program, id=name, shared=together) for name in ("m-1", "m-2"))
    one.hold("mug", id="h-1", at="2026-01-06")
    assert other.quote("mug", at="2026-01-06").refusal.code == "out_of_stock"

    assert one.quote("mug", at="2026-01-08").ok
    one.advance("2026-01-08")
    assert other.quote("mug", at="2026-01-08").ok


def test_an_account_that_is_rebuilt_does_not_count_its_stock_anew():
    together = {}
    program = club(rewards={"mug": Item(1).stock(2)})
    account = with_points(program, shared=together)
    account.redeem("mug", id="r-1", at="2026-01-06")
    account = program.account("m-1", entries=account.entries, shared=together)
    assert account.redeem("mug", id="r-2", at="2026-01-06").ok
    account.cancel("r-1", id="c-1", at="2026-01-06")

    assert list(together.values()) == [1]


def test_debts_are_paid_from_points_that_a_hold_gives_back():
    """They stayed beside the debt, and lapsed while it did not."""
    account = with_points(club(expiry=After(months=1)))
    account.hold("coffee", id="h-1", at="2026-01-06")
    account.reverse("t-1", id="refund", at="2026-01-06", on_shortfall="owe")
    assert account.balance(at="2026-01-06") == -100

    totals = account.totals(at="2026-01-07")  # by then the hold has timed out
    assert (totals["available"], totals["owed"], totals["repaid"]) == (0, 0, 100)


def test_questions_about_later_do_not_make_the_account_grow():
    account = club(expiry=After(months=1), pending=After(days=2)).account("m-1")
    for n in range(5):
        account.earn(bought(id=f"t-{n}"))
    for _ in range(300):
        account.balance(at="2026-09-01")
    book = account._ledger.books["stars"]

    assert max(map(len, (book.by_order, book.by_ends, book.by_pending))) <= 100


def test_a_question_that_a_rule_cannot_answer_leaves_the_account_as_it_was():
    @frozen
    class Moody(DateRule):
        def falls_on(self, subject, member):
            if subject.facts.get("mood") == "bad":
                raise RuleError("not today")

    account = club(expiry=Moody(), pending=After(days=3)).account("m-1")
    account.earn(bought(id="t-1"))
    account.earn(bought(id="t-2", mood="bad"))
    written = account.entries

    for _ in range(2):
        with pytest.raises(RuleError, match="not today"):
            account.balance(at="2026-02-01")
    assert account.entries == written
    assert account.totals(at="2026-01-06")["pending"] == 200


def test_a_basket_whose_lines_mean_nothing_alone_can_be_earned_for_and_refunded():
    """The points of each line were asked of a rule that only answers for the whole."""
    program = Program("Club", earning=PointsTable([("first", 100)], by=("cabin",)))
    account = program.account("m-1")
    ticket = Activity([Line(300, "fare", facts={"cabin": "first"}), Line(100, "tax")], at="2026-01-05", id="t-1")
    assert account.earn(ticket).points == 100

    account.reverse("t-1", lines=[1], id="refund", at="2026-01-06")
    assert account.balance(at="2026-01-06") == 75


def test_merging_into_a_new_account():
    """It raised where the other had a unit that this one had not, with the other closed already."""
    program = club()
    old, new = program.account("old"), program.account("new")
    old.earn(bought(0))
    new.merge(old, id="merge", at="2026-01-06")
    with pytest.raises(RuleError, match="the account is closed"):
        old.earn(bought(10, "2026-01-07", "t-2"))

    assert new.balance(at="2026-01-06") == 0


def test_merging_takes_lots_with_their_age_what_waits_and_what_is_owed():
    program = club(expiry=After(months=2), pending=AfterFact("from", days=0))
    old, new = program.account("old"), program.account("new")
    old.earn(bought(100, "2026-01-05", "t-1", **{"from": "2026-01-05"}))
    old.earn(bought(50, "2026-01-06", "t-2", **{"from": "2026-02-06"}))
    old.earn(bought(30, "2026-01-07", "t-3"))
    new.earn(bought(7, "2026-01-08", "t-9", **{"from": "2026-01-08"}))
    new.merge(old, id="merge", at="2026-01-10")
    new.activate("t-3", id="delivered", at="2026-01-12")

    assert [(lot.points, lot.earned.day, lot.expires_on) for lot in new.lots(at="2026-01-12")] == [
        (100, 5, date(2026, 3, 5)),
        (7, 8, date(2026, 3, 8)),
        (30, 7, date(2026, 3, 12)),
        (50, 6, None),
    ]
    assert new.balance(at="2026-02-06") == 187
    assert conserved(old, "2026-02-06")
    assert conserved(new, "2026-02-06")


def test_a_debt_that_is_merged_is_conserved_on_both_sides():
    program = club()
    old, new = with_points(program, id="old"), with_points(program, 30, id="new")
    old.redeem("coffee", id="r-1", at="2026-01-06")
    old.reverse("t-1", id="refund", at="2026-01-07", on_shortfall="owe")
    new.merge(old, id="merge", at="2026-01-08")

    assert (old.balance(at="2026-01-08"), new.balance(at="2026-01-08")) == (0, -70)
    assert conserved(old, "2026-01-08")
    assert conserved(new, "2026-01-08")


def test_a_merge_or_transfer_that_broke_off_in_the_middle_is_completed_by_trying_again():
    """Points that one account had given and the other had not taken were gone."""
    program = club()
    for move in (
        lambda one, other: one.merge(other, id="move", at="2026-01-06"),
        lambda one, other: other.transfer(100, one, id="move", at="2026-01-06"),
    ):
        one, other = program.account("one"), with_points(program, id="other")
        before = one.entries
        move(one, other)
        one = program.account("one", entries=before)  # what it wrote was lost
        other = program.account("other", entries=other.entries)
        for _ in range(2):
            move(one, other)

        assert one.balance(at="2026-01-06") == 100
        assert other.balance(at="2026-01-06") == 0


def test_an_account_is_merged_once():
    program = club()
    old = with_points(program, id="old")
    program.account("new").merge(old, id="merge", at="2026-01-06")

    with pytest.raises(RuleError, match="old: the account is closed"):
        program.account("another").merge(old, id="merge-2", at="2026-01-06")


@pytest.mark.parametrize("expiry", [After(hours=30), After(hours=30) | AfterInactivity(days=9)])
def test_points_of_one_day_that_lapse_by_the_hour_do_not_end_together(expiry):
    account = club(expiry=expiry).account("m-1")
    account.earn(bought(at="2026-01-05T08:00", id="early"))
    account.earn(bought(at="2026-01-05T12:00", id="late"))
    account.redeem("gift", points=10, id="r-1", at="2026-01-05T13:00")

    ends = ("2026-01-06T13:59", "2026-01-06T14:00", "2026-01-06T17:59", "2026-01-06T18:00")
    assert [account.balance(at=at) for at in ends] == [190, 100, 100, 0]


def test_points_that_move_with_their_age_keep_their_hour():
    program = club(expiry=After(hours=30))
    one, other = program.account("one"), program.account("other")
    one.earn(bought(100, "2026-01-05T23:00"))
    one.transfer(10, other, id="move", at="2026-01-06", keep_age=True)

    assert other.balance(at="2026-01-07T04:59") == 10
    assert other.balance(at="2026-01-07T05:00") == 0


def test_an_own_date_rule_is_asked_about_days():
    """A rule that adds to the day a lot is from must give a day, whatever the hour."""

    @frozen
    class InThreeDays(DateRule):
        def falls_on(self, subject, member):
            return subject.since + 3 * (date(2026, 1, 2) - date(2026, 1, 1))

    account = club(expiry=InThreeDays(), pending=InThreeDays()).account("m-1")
    account.earn(bought(10, "2026-01-05T15:00"))

    assert account.balance(at="2026-01-08") == 10
    assert account.balance(at="2026-01-11T23:59") == 10
    assert account.balance(at="2026-01-12") == 0


def test_a_part_of_a_point_is_never_given_back():
    account = with_points(Program("Club", earning=PerSpend("0.3")), 10)
    back = [account.reverse("t-1", amount=Fraction(10, 7), id=f"r-{n}", at="2026-01-06")[0].points for n in range(7)]

    assert sum(back) == 3
    assert account.balance(at="2026-01-06") == 0


def test_a_reward_priced_by_lines_that_are_only_returns_is_refused():
    """It raised: the price of lines that come to less than nothing."""
    by_dining = Item(PerSpend(10)).when(Category("dining"))
    order = Activity([Line(20), Line(-5, "dining")], at="2026-01-05")

    assert by_dining.quote(order).refusal.code == "not_eligible"


def test_a_clock_that_goes_back_does_not_take_the_account_with_it():
    account = with_points(club())
    account.earn(bought(50, "2026-01-10", "t-2"))
    account.redeem("coffee", id="r-1", at="2026-01-08")

    assert [account.balance(at=f"2026-01-{day:02}") for day in (8, 9, 10)] == [100, 100, 50]
