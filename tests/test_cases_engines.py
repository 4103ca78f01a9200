"""Numbers that the documentation of commercial loyalty engines states."""

from cases import balance, by_hand, case, gone, having, inputs, lasts, one_by_one, purchase, unaccounted
import pytest

from loyaltycore import *

# Square: what the base program gives, here a point a dollar, and one promotion on top of it ---------------------------

BASE = PerSpend(1)


def base_points(i):
    return purchase(i["base_program_points"])


# Oracle Siebel: hundredths of a point, each promotion's accrual rounded by itself, then added -------------------------

FIRST = (PerSpend(1) * 100).when(Category("promotion 1"))
SECOND = (PerSpend(1) * 100).when(Category("promotion 2"))
EACH_HALF_UP = Rounding("half_up", each="rule")


def accruals(i):
    return Activity([Line(n, f"promotion {k}") for k, n in enumerate(i["accruals"], 1)], at="2026-03-02")


# Voucherify, which names days without a year: here one that is no leap year ------------------------------------------


def in_2026(i):
    days = i["earned_on"]
    return f"2026-{days}" if isinstance(days, str) else [(f"2026-{day}", None) for day in days]


def end_of_day(day):
    return f"{day:%m-%d} (end of day)"


def first_moment(day):
    return f"{day:%m-%dT00:00}"


MONTHLY = Program(
    "Monthly",
    points={"points": Points(PerSpend(1), expiry=After(months=1))},
    rewards={"gift": Item(250), "pay": PayWithPoints(worth="0.01", at_most=2000)},
)


# Oracle: whatever earned points, a partner pays a tenth of a point for each -------------------------------------------

PARTNER_DEBIT = Points(PerUnit(1, of="points"), places=1)


def spent_from_lots(i):
    """Points that never lapse, the point item that lapses next, and a redemption of part of it."""
    [item] = i["point_items"]
    program = Program(
        "Point items",
        points={"points": Points(PerUnit(1, of="points"), expiry=AfterFact("ends"))},
        rewards={"gift": Item(i["redeem"])},
    )
    account = program.account("m-1")
    for n, ends in enumerate([None, "2026-06-30", "2026-12-31"]):
        earned = Activity.action("earning", at="2026-01-05", id=f"t-{n}", points=item["points"], ends=ends)
        account.earn(earned)
    account.redeem("gift", id="r-1", at="2026-02-01")
    return account, "2026-02-01"


TABLE = [
    # Points live to the end of the month in which their year is over, or to the end of a day
    case(
        "square-expiry-P12M-end-of-month",
        given=lambda i: i["earned_on"],
        last_valid_date=lasts(After(months=12).to_end_of("month")),
        expires_at_date=gone(After(months=12).to_end_of("month")),
    ),
    case(
        "voucherify-expiry-1month",
        given=in_2026,
        last_valid=lasts(After(months=1), end_of_day),
        expired_from=gone(After(months=1), first_moment),
    ),
    case("voucherify-expiry-0months", given=in_2026, expired_from=gone(After(months=0), first_moment)),
    case("voucherify-expiry-month-end-clamp", given=in_2026, last_valid=lasts(After(months=1), end_of_day)),
    case(
        "voucherify-expiry-roundup-month",
        given=in_2026,
        last_valid=lasts(After(months=1).to_end_of("month"), end_of_day),
    ),
    # Points as money, up to a limit
    case(
        "voucherify-v2-pay-with-points-cap",
        given=lambda i: (
            having(MONTHLY, 9000).redeem("pay", id="p-1", at="2026-01-05", order=purchase(50, at="2026-01-05")).quote,
            None,
        ),
        amount_paid_minor=lambda quote, _: quote.value * 100,
        points_spent=lambda quote, _: quote.points,
    ),
    # A debit takes part of the lot that lapses next, and leaves the rest
    case(
        "oracle-soonest-expiring-partial",
        given=spent_from_lots,
        used_from_item=lambda account, at: dict(account.entries[-1].lots)[2],
        remaining_in_item=lambda account, at: next(lot.points for lot in account.lots(at=at) if lot.id == 2),
    ),
    # A tenth of the points awarded is debited from the partner, tenths kept
    case(
        "oracle-partner-point-block",
        given=lambda i: Activity.action("award", at="2026-03-02", points=i["points_awarded"]),
        partner_block_debit=PARTNER_DEBIT,
    ),
    # 1 point for every $10 spent: complete multiples only
    case("square-spend-floor", given=lambda i: purchase(i["purchase_amount"]), points=PerStep(1, every=10)),
    # A promotion multiplies what the base gives, or adds to it
    case("square-promo-multiplier-int", given=base_points, total_points=BASE * 3, promotion_points_increment=BASE * 2),
    case("square-promo-multiplier-decimal", given=base_points, total_points=BASE * "1.5"),
    case("square-promo-addition", given=base_points, total_points=BASE + Flat(3)),
    case(
        "oracle-per-line-rounding-a",
        "oracle-per-line-rounding-b",
        given=accruals,
        lines=[Points(FIRST, rounding=EACH_HALF_UP, places=2), Points(SECOND, rounding=EACH_HALF_UP, places=2)],
        total=Points(FIRST + SECOND, rounding=EACH_HALF_UP, places=2),
    ),
    # Halves go up
    case(
        "oracle-half-up",
        given=lambda i: [purchase(raw) for raw in i["raw"]],
        points=Points(PerSpend(1), rounding=Rounding("half_up")),
    ),
]

NOT_YET = {
    "needs tiers": (
        "voucherify-midnight-tier-vs-expiry voucherify-auto-redeem-blocks-tier voucherify-tier-balance-sequence"
        " voucherify-period-tier-immediate voucherify-period-tier-next-start voucherify-period-tier-end-next"
        " voucherify-period-tier-extend-7d voucherify-v2-fixed-duration voucherify-v2-multilevel-downgrade-now"
        " voucherify-v2-grace-month-rounded voucherify-v2-grace-month oracle-siebel-tier-ladder"
    ),
    "needs a report of the liability": (
        "kpmg-ifrs15-10A-y2 kpmg-ifrs15-10A-y3 kpmg-ifrs15-10B-y3 ifrs15-scribd-allocation"
    ),
}


@pytest.mark.parametrize(("row", "key"), one_by_one(TABLE))
def test_rules_give_what_engines_state(row, key):
    assert row.answers(key) == row.stated(key)


def test_every_number_is_asked_or_left_with_a_reason():
    assert unaccounted("engines", TABLE, NOT_YET) == []


@by_hand("voucherify-expiry-fixed-day")
def test_a_day_of_the_year_is_the_last_each_year(published):
    i = inputs(published)
    rule = OnDate(f"{i['fixed_month']:02d}-{i['fixed_day']:02d}")
    days = [lasts(rule, end_of_day)(day, None) for day in ("2024-02-29", "2026-01-01", "2026-12-31")]
    assert {f"{day}, each year" for day in days} == {published["expected"]["last_valid"]}


@by_hand("voucherify-v2-expiry-date-inclusive")
def test_the_day_of_expiry_can_still_be_used(published):
    i, expected = inputs(published), published["expected"]
    expiry = On(i["expiration_date"])
    account = having(Program("Card", points={"points": Points(Flat(1), expiry=expiry)}), i["bucket_points"])
    assert balance(account, f"{i['expiration_date']}T23:59:59.999999") == i["bucket_points"]
    [lapsed] = account.advance(expected["expired_transaction_created_at"])  # their job runs some minutes later
    assert f"{lapsed.at:%Y-%m-%dT%H:%M}" == expected["expired_transaction_created_at"][:14] + "00"
    assert lapsed.points == expected["points_expired"]


@by_hand("voucherify-transfer-resets-expiry")
def test_points_that_are_transferred_are_new(published):
    day = f"2026-{inputs(published)['transferred_on']}"
    sender, receiver = having(MONTHLY, 100, at="2026-01-05"), MONTHLY.account("m-2")
    sender.transfer(100, receiver, id="x-1", at=day)
    [lot] = receiver.lots(at=day)
    assert f"{lot.expires_on:%m-%d}" == published["expected"]["expires"]


@by_hand("voucherify-pending-activation-date")
def test_pending_points_are_there_from_the_first_moment_of_their_day(published):
    day = inputs(published)["activation_date"]
    program = Program("Pending", timezone="Europe/Warsaw", points={"points": Points(PerSpend(1), pending=On(day))})
    account = program.account("m-1")
    account.earn(purchase(100, at="2025-12-20", id="t-1"))
    assert account.balance(at="2025-12-31T23:59:59.999999") == 0
    assert account.balance(at=published["expected"]["active_from"]) == 100
    [activated] = account.advance("2026-02-01")
    assert f"{activated.at.astimezone(program.zone):%Y-%m-%dT%H:%M}" == published["expected"]["active_from"]


@by_hand("voucherify-v2-lifetime-buckets-1", "voucherify-v2-lifetime-buckets-2")
def test_a_balance_is_what_came_less_what_went(published):
    i, expected = inputs(published), published["expected"]
    program = Program(
        "Card",
        points={"points": Points(PerSpend(1), pending=Never(), expiry=After(months=12))},
        rewards={"anything": Donation(worth="0.01", to="anyone")},
    )
    account = having(program, i["expired"], at="2025-01-01")  # gone a year later
    waiting = i["pending_total"] - i["pending_activated"]
    for name, points in (("activated", i["pending_activated"]), ("waiting", waiting)):
        account.earn(purchase(points, at="2026-02-01", id=name))
    account.activate("activated", id="a-1", at="2026-02-02")
    for name, points in (("added", i["added"] - i["expired"]), ("subtracted", -i["subtracted"])):
        account.adjust(points, reason=name, actor="the file", id=name, at="2026-02-02")
    account.hold("anything", points=i["locked"], id="locked", at="2026-02-03")
    account.release("locked", id="unlocked", at="2026-02-03")
    account.redeem("anything", points=i["spent"], id="spent", at="2026-02-03")
    totals = account.totals(at="2026-02-03")
    assert totals["earned"] - totals["pending"] + totals["adjusted_up"] == expected["total"]
    assert (totals["available"], totals["pending"]) == (expected["balance"], expected["pending_balance"])
    assert (totals["lapsed"], totals["spent"], totals["held"]) == (i["expired"], i["spent"], 0)


@by_hand("voucherify-v2-insufficient-balance")
def test_what_is_unavailable_says_why(published):
    quote = having(MONTHLY, inputs(published)["balance"]).quote("gift", at="2026-01-05")
    codes = {"insufficient_points": "insufficient_balance"}  # theirs for ours
    said = {"status": "UNAVAILABLE", "reason": codes[quote.refusal.code], **quote.refusal.numbers}
    assert said == published["expected"]


@by_hand("voucherify-v2-pay-with-points-zero")
def test_nothing_can_be_paid_with_no_points(published):
    account = having(MONTHLY, inputs(published)["balance"])
    redemption = account.redeem("pay", id="p-1", at="2026-01-05", order=purchase(50, at="2026-01-05"))
    codes = {"insufficient_points": {"error": "zero_card_balance", "http": 423}}  # theirs for ours
    assert codes[redemption.quote.refusal.code] == published["expected"]


@by_hand("voucherify-v2-gift-topup")
def test_a_gift_card_is_issued_with_or_topped_up_by_its_worth(published):
    cards = []
    for card in inputs(published):
        worth = Voucher(100, worth=card["gift_card_balance"]).quote(purchase(1)).value
        before = card.get("existing_card_balance") or card["campaign_initial"]
        cards.append({"card_balance": str(int(before) + worth)})
    assert cards == published["expected"]
