"""Numbers that the documentation of commercial loyalty engines states."""

from datetime import timedelta

from cases import (
    balance,
    by_hand,
    case,
    gone,
    having,
    inputs,
    lasts,
    one_by_one,
    purchase,
    tier,
    unaccounted,
)
import pytest

from loyaltycore import *
from loyaltycore.liability import allocate, recognise

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


# Tiers by what was collected in a month, and by what there is ---------------------------------------------------------


def monthly(**ladder):
    """Silver for 100 points of a calendar month."""
    return Program(
        "Monthly tiers",
        earning=PerSpend(1),
        tiers=TierLadder(Tier("Silver", Reach("points", 100)), window="month", **ladder),
    )


NEVER = Never()


def by_balance(*, keeps=NEVER, grace=None, **tiers):
    """Tiers by the points that there are; the lowest is for everyone."""
    steps = [Tier(name, Reach("points", n) if n else None) for name, n in tiers.items()]
    return Program(
        "Balance tiers",
        earning=PerSpend(1),
        tiers=TierLadder(*steps, window=Balance(), keeps=keeps, grace=grace),
        rewards={"anything": Donation(worth="0.01", to="anyone")},
    )


def reached(program):
    """The account of a member who reaches the threshold on a day, a week after half of it."""

    def given(i):
        day = f"2026-{i['threshold_reached_on']}"
        account = program.account("m-1")
        account.earn(purchase(50, at="2026-03-03", id="t-1"))
        account.earn(purchase(50, at=day, id="t-2"))
        return account, "2026-06-01"

    return given


def first_day(account, at):
    account.advance(at)
    return f"{account.tiers_held[0].since:%m-%d}"


def last_day(account, at):
    account.advance(at)
    return f"{account.tiers_held[0].until - timedelta.resolution:%m-%d}"


def happened(program, events):
    """The account to which points have come and from which they have gone."""
    account = program.account("m-1")
    for n, event in enumerate(events):
        day = event["date"] if len(event["date"]) > 5 else f"2026-{event['date']}"
        if "earn" in event:
            account.earn(purchase(event["earn"], at=day, id=f"t-{n}"))
        else:
            account.redeem("anything", points=event["spend"], id=f"r-{n}", at=day)
    return account


BALANCE = by_balance(Basic=0, Silver=100, Gold=500, Platinum=1000)
BRONZE_TO_GOLD = {"Bronze": 50, "Silver": 100, "Gold": 250}

SIEBEL = Program(
    "Siebel",
    earning=PerUnit(1, of="points"),
    tiers=TierLadder(
        Tier("Base"),
        Tier("Silver", Reach("points", 60_000)),
        Tier("Gold", Reach("points", 120_000) | Reach("segments", 40)),
        Tier("Platinum", Reach("points", 250_000) | Reach("segments", 60)),
        window="year",
        keeps=EndOfPeriod(1),
    ),
)


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
    # Tiers of a month's points: at once or from the next month, to the end of the month or of the next, with grace
    case(
        "voucherify-period-tier-immediate",
        given=reached(monthly(keeps=EndOfPeriod())),
        tier_from=first_day,
        tier_until=last_day,
    ),
    case(
        "voucherify-period-tier-next-start",
        given=reached(monthly(keeps=EndOfPeriod(), starts="next_period")),
        tier_from=first_day,
    ),
    case(
        "voucherify-period-tier-end-next",
        given=reached(monthly(keeps=EndOfPeriod(1))),
        tier_from=first_day,
        tier_until=last_day,
    ),
    case(
        "voucherify-period-tier-extend-7d",
        given=reached(monthly(keeps=EndOfPeriod(), grace=After(days=7))),
        tier_until=last_day,
    ),
    # Tiers of the balance go up and down with it, unless they are kept for so many days
    case(
        "voucherify-tier-balance-sequence",
        given=lambda i: (happened(BALANCE, i["events"]), [event["date"] for event in i["events"]]),
        states=lambda account, days: [
            {"date": day, "balance": account.balance(at=day), "tier": account.tier(at=day)} for day in days
        ],
    ),
    case(
        "voucherify-v2-multilevel-downgrade-now",
        given=lambda i: (happened(by_balance(**BRONZE_TO_GOLD), i["events"]), "2026-07-25"),
        balance=balance,
        tier=tier,
        downgraded_on=lambda account, at: f"{account.tiers_held[-1].since:%m-%d}",
    ),
    case(
        "voucherify-v2-fixed-duration",
        given=lambda i: (
            happened(
                by_balance(Basic=0, Silver=100, keeps=After(days=i["duration_days"])),
                [
                    {"date": i["reached_silver_on"], "earn": i["points_at_entry"]},
                    {"date": i["falls_below_on"], "spend": 100},
                ],
            ),
            "2026-09-01",
        ),
        tier_ends_at=lambda account, at: account.advance(at) and f"{account.tiers_held[1].until:%m-%dT%H:%M}",
    ),
    case(
        "voucherify-v2-grace-month-rounded",
        given=lambda i: (
            happened(
                by_balance(**BRONZE_TO_GOLD, grace=After(months=1).to_end_of("month")),
                [{"date": i["reached_gold_on"], "earn": 250}, {"date": i["spend_200_on"], "spend": 200}],
            ),
            "2026-10-01",
        ),
        keeps_gold_until=lambda account, at: (
            account.advance(at) and f"{account.tiers_held[0].until - timedelta(seconds=1):%m-%dT%H:%M:%S}"
        ),
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
    # Revenue from points: part of the price at the sale, then as they are redeemed
    case(
        "ifrs15-scribd-allocation",
        given=lambda i: allocate(i["sales"], points=i["expected_points"], worth=i["ssp_per_point"], rate=1, places=0),
        revenue_products=lambda sale, _: sale.goods,
        deferred_points=lambda sale, _: sale.points,
    ),
    case(
        "kpmg-ifrs15-10A-y2",
        "kpmg-ifrs15-10A-y3",
        "kpmg-ifrs15-10B-y3",
        given=lambda i: (
            recognise(i["deferred"], {"year": (i["redeemed_cumulative"], i["expected_total"])}, places=0),
            i["recognised_before"],
        ),
        revenue=lambda recognition, before: recognition.rows[-1].recognised - before,
    ),
]

NOT_YET = {
    "ends a month of grace that begins on the 25th before the 20th: a quirk of theirs": "voucherify-v2-grace-month",
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


@by_hand("voucherify-midnight-tier-vs-expiry")
def test_what_is_due_at_midnight_has_its_order(published):
    i, expected = inputs(published), published["expected"]
    last = i["points_expiration_date"]
    program = Program(
        "Midnight",
        points={
            "points": Points(PerSpend(1), expiry=On(last)),
            "waiting": Points(PerSpend(1), pending=On(i["pending_activation_date"])),
            "stamps": Points(PerSpend(1), converts=Convert(10, into="gifts", gives=1).every("year")),
            "gifts": Points(Flat(0)),
        },
        ladders={
            "year": TierLadder(Tier("yearly", Reach("points", 100)), window="year", keeps=EndOfPeriod()),
            "now": TierLadder(Tier("rich", Reach("points", 100)), window=Balance()),
        },
    )
    account = program.account("m-1")
    account.earn(purchase(100, at="2025-12-01", id="t-1"))
    made = account.advance("2026-01-02")
    assert {f"{entry.at:%Y-%m-%dT%H:%M}" for entry in made} == {expected["all_effective_at"]}
    names = {"activated": "pending_activation", "converted": "auto_redeem", "lapsed": "points_expiry"}
    names |= {"year": "tier_recalc", "now": "tier_recalc_on_balance"}
    order = [names[entry.data["ladder"] if entry.kind == "tier_changed" else entry.kind] for entry in made]
    assert list(dict.fromkeys(order)) == expected["order"]


@by_hand("voucherify-auto-redeem-blocks-tier")
def test_points_that_are_converted_at_once_are_no_balance(published):
    i, expected = inputs(published), published["expected"]
    program = Program(
        "Converted",
        points={
            "points": Points(PerSpend(1), converts=Convert(100, into="gifts", gives=1).every("activity")),
            "gifts": Points(Flat(0)),
            "bonus": Points(Flat(0), on_event=Flat(1).when(OfKind("tier_up"))),
        },
        tiers=TierLadder(Tier("X", Reach("points", 100)), window=Balance()),
    )
    account = having(program, i["balance_before"], "points")
    account.earn(purchase(i["points_earned"], at="2026-02-01", id="t-1"))
    assert (account.balance("gifts", at="2026-02-01") == 1) == expected["auto_redeemed"]
    assert account.balance("points", at="2026-02-01") == expected["balance_after"]
    assert {"X": "X", "": "not X"}[account.tier(at="2026-02-01")] == expected["tier"]
    assert account.balance("bonus", at="2026-02-01") == 0  # not for a moment either


@by_hand("oracle-siebel-tier-ladder")
def test_a_tier_takes_points_or_segments(published):
    """Silver for what was counted in the year before; what the next one brings, when it is over."""
    for year, expected in zip(inputs(published), published["expected"], strict=True):
        account = SIEBEL.account("m-1")
        account.earn(Activity.action("flights", at="2025-06-01", id="t-1", points=60_000))
        counted = {"points": year["points"], "segments": year["segments"]}
        account.earn(Activity.action("flights", at="2026-06-01", id="t-2", **counted))
        assert account.tier(at="2027-01-01") == expected["tier"]
    account = SIEBEL.account("m-2")
    account.earn(Activity.action("flights", at="2025-06-01", id="t-1", points=60_000))
    assert account.tier(at="2027-01-01") == "Base"


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
