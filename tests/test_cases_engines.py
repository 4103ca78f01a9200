"""Numbers that the documentation of commercial loyalty engines states."""

from cases import case, one_by_one, purchase, unaccounted
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


TABLE = [
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
    "needs an account: expiry, pending, spending, transfers, balances": (
        "square-expiry-P12M-end-of-month voucherify-expiry-1month voucherify-expiry-0months"
        " voucherify-expiry-month-end-clamp voucherify-expiry-roundup-month voucherify-expiry-fixed-day"
        " voucherify-v2-expiry-date-inclusive voucherify-transfer-resets-expiry voucherify-pending-activation-date"
        " voucherify-midnight-tier-vs-expiry voucherify-v2-lifetime-buckets-1 voucherify-v2-lifetime-buckets-2"
        " oracle-soonest-expiring-partial"
    ),
    "needs redemption options": (
        "voucherify-v2-insufficient-balance voucherify-v2-pay-with-points-zero voucherify-v2-pay-with-points-cap"
        " voucherify-v2-gift-topup"
    ),
    "needs tiers": (
        "voucherify-auto-redeem-blocks-tier voucherify-tier-balance-sequence voucherify-period-tier-immediate"
        " voucherify-period-tier-next-start voucherify-period-tier-end-next voucherify-period-tier-extend-7d"
        " voucherify-v2-fixed-duration voucherify-v2-multilevel-downgrade-now voucherify-v2-grace-month-rounded"
        " voucherify-v2-grace-month oracle-siebel-tier-ladder"
    ),
    "needs points converted into another unit": "oracle-partner-point-block",
    "needs a report of the liability": (
        "kpmg-ifrs15-10A-y2 kpmg-ifrs15-10A-y3 kpmg-ifrs15-10B-y3 ifrs15-scribd-allocation"
    ),
}


@pytest.mark.parametrize(("row", "key"), one_by_one(TABLE))
def test_rules_give_what_engines_state(row, key):
    assert row.answers(key) == row.stated(key)


def test_every_number_is_asked_or_left_with_a_reason():
    assert unaccounted("engines", TABLE, NOT_YET) == []
