"""Numbers that other libraries' tests assert: the classic exercise in all its readings, and the rules of a shop plugin.

Where peers disagree (`conflicts_with` in the file), each row has its own policy.
"""

from fractions import Fraction

from cases import by_hand, case, inputs, one_by_one, purchase, total, unaccounted
import pytest

from loyaltycore import *
from loyaltycore.serialize import from_data, to_data

# The classic exercise: 2 points for every dollar over 100, 1 point for every dollar between 50 and 100 ---------------

CLASSIC = PerSpend(1).between(50, 100) + PerSpend(2).over(100)
WHOLE_DOLLARS = PerStep(1, every=1).between(50, 100) + PerStep(2, every=1).over(100)
HALF_UP = Points(CLASSIC, rounding=Rounding("half_up"))
HUNDREDTHS = Points(CLASSIC * 100, places=2)


def spent(amount):
    """A purchase; one that is refused (a negative amount, or no number at all) can earn nothing."""
    try:
        return purchase(amount)
    except LoyaltyError:
        return None


def each_amount(i):
    return [spent(amount) for amount in i["amounts"]]


# A shop plugin (Sylius): amounts in minor units ----------------------------------------------------------------------

CENTS = PerSpend(100)
"""A point a cent, to see the amount that a condition leaves."""


def basket(i):
    return purchase(Fraction(i["basis_minor"], 100), at=i.get("at", "2026-06-01"))


def trials(i):
    return [purchase(Fraction(trial["basis_minor"], 100), quantity=trial.get("quantity", 1)) for trial in i["trials"]]


def moments(i):
    at = i.get("at") or [trial["at"] for trial in i["trials"]]
    return [purchase(10, at=one) for one in at] if isinstance(at, list) else purchase(10, at=at)


def taxed_order(i):
    """An order as lines: its items and their tax, what else it was charged for and the tax on that."""
    minor = i["order"]
    items, items_tax = minor["items_total_minor"], minor["items_tax_minor"]
    other, other_tax = minor["order_total_minor"] - items, minor["order_tax_minor"] - items_tax
    amounts = {
        "items": items - items_tax,
        "items tax": items_tax,
        "shipping": other - other_tax,
        "shipping tax": other_tax,
    }
    return Activity([Line(Fraction(n, 100), category) for category, n in amounts.items()], at="2026-06-01")


YES, NO = OfKind("purchase"), OfKind("review")


TABLE = [
    # Dollars floored first, points floored last, exact, and half up last: four policies for the cents
    case("TAK-01", "TAK-05", "TAK-06", given=each_amount, points=WHOLE_DOLLARS),
    case("TAK-02", "TAK-08", "TAK-09", "TAK-13", given=each_amount, points=CLASSIC),
    case("TAK-03", "TAK-15", given=each_amount, points=HUNDREDTHS),
    case("TAK-04", "TAK-14", given=each_amount, points=HALF_UP),
    case(
        "TAK-07",
        given=lambda i: {name: [spent(amount) for amount in paid] for name, paid in i["transactions"].items()},
        total=total(WHOLE_DOLLARS),
    ),
    case(
        "TAK-12",
        given=each_amount,
        band_50_100=PerStep(1, every=1).between(50, 100),
        band_over_100=PerStep(2, every=1).over(100),
        points=WHOLE_DOLLARS,
    ),
    # Any marginal bands: each pays on the part of the amount that falls in it
    case(
        "TAK-16",
        given=lambda i: [purchase(trial["amount"]) for trial in i["trials"]],
        points=[
            Flat(0),
            PerSpend(1).over(200),
            PerSpend(1).over(60),
            PerSpend(1).between(60, 120) + PerSpend(2).over(120),
            PerSpend(1).between(60, 120) + PerSpend(2).over(120),
            PerSpend(1).between(60, 120) + PerSpend(2).between(120, 180) + PerSpend(3).over(180),
        ],
    ),
    case("TAK-17", given=lambda i: purchase(Fraction(i["amount_minor"], 100)), points_hundredths=CLASSIC * 100),
    # The edges at which public answers go wrong
    case("TAK-18", "TAK-19", "TAK-20", "TAK-21", "TAK-22", given=lambda i: purchase(i["amount"]), points=CLASSIC),
    # Once per matching unit, and once where nothing says how many
    case("SYL-01", given=trials, points=best_of(PerItem(100), Flat(100))),
    # So many points per dollar, the rest of a dollar dropped
    case("SYL-03", given=trials, points=[PerSpend(1, every=1), PerSpend(3, every=1)]),
    # Rules add up, each rounded by itself
    case(
        "SYL-05",
        given=basket,
        points=Points(PerSpend(1) + PerSpend(1, every=2), rounding=Rounding(each="rule")),
        per_rule=[PerSpend(1), PerSpend(1, every=2)],
    ),
    # A rule that does not stack applies alone; of several, the first in order of priority
    case("SYL-06", given=basket, points=first_of(PerItem(100), PerSpend(1))),
    case("SYL-07", given=basket, points=first_of(PerItem(200), PerItem(50))),
    # A multiplier scales the sum of the base rules, each of them floored
    case("SYL-08", given=basket, base=PerSpend(1).rounded(), points=PerSpend(1).rounded() * 2),
    case(
        "SYL-09",
        given=basket,
        points={
            "floor": Points(PerSpend(1).rounded() * "1.5", rounding=Rounding("floor")),
            "round": Points(PerSpend(1).rounded() * "1.5", rounding=Rounding("half_up")),
            "ceil": Points(PerSpend(1).rounded() * "1.5", rounding=Rounding("ceil")),
        },
    ),
    # Switched off, and not yet begun
    case("SYL-10", given=basket, points=PerSpend(1) * 0 + PerSpend(1).during("2099-01-01", None)),
    # The basis: items or the whole order, with or without taxes
    case(
        "SYL-12",
        given=taxed_order,
        basis_minor=[CENTS.when(Category("items", "items tax")), CENTS.when(Category("items"))],
    ),
    case("SYL-13", given=taxed_order, basis_minor=[CENTS, CENTS.when(~Category("items tax", "shipping tax"))]),
    # Conditions
    case(
        "SYL-14",
        given=lambda i: purchase(Fraction(i["order_total_minor"], 100)),
        satisfied=[MinSpend("50.00"), MinSpend("49.99"), MinSpend("50.01")],
    ),
    case("SYL-15", given=moments, satisfied=During("2026-11-27T00:00:00", "2026-11-28T00:00:00")),
    case(
        "SYL-16",
        given=moments,
        satisfied=[During("2026-01-01", None), During(None, "2026-01-01"), During(None, None)],
    ),
    case("SYL-17", given=moments, satisfied=[OnWeekdays(4), OnWeekdays(1, 4), OnWeekdays("fri", "sat"), OnWeekdays()]),
    # All of the conditions, or any of them; a rule without any always applies
    case(
        "SYL-18",
        given=lambda i: purchase(10),
        matches=[Flat(1), Flat(1), Flat(1).when(YES), Flat(1).when(YES & NO), Flat(1).when(NO | YES), Flat(1).when(NO)],
    ),
    # A hook that doubles what is written
    case(
        "SYL-46",
        given=lambda i: [Activity.action(one["key"], at="2026-06-01") for one in i["earn"]],
        balance=total(Flat(150).when(OfKind("newsletter-signup")) * 2),
    ),
    # A guest earns nothing
    case(
        "SYL-53",
        given=lambda i: [(purchase(10), Member(trial["customer"] or "")) for trial in i["trials"]],
        points=Flat(150).when(matching(lambda line, activity, member: member.id != "")),
    ),
    # For one kind of event, to members whose account is enabled
    case(
        "SYL-54",
        given=lambda i: [
            (
                Activity.action(trial["trigger"], at="2026-06-01"),
                Member(facts={"account": "open" if trial["enabled"] else "disabled"}),
            )
            for trial in i["trials"]
        ],
        points=Flat(250).when(OfKind("customer_registered") & MemberFact("account", "open")),
    ),
    # An airline: a tier bonus of 10% of the base miles, floored
    case(
        "AIR-02",
        given=lambda i: [
            (Activity.flight(at="2025-12-15", distance=base), Member(tier="Silver")) for base in i["bases"]
        ],
        bonus=PerUnit(1) * by_tier(Silver="0.1", otherwise=0),
    ),
    # A promotion that is off on Mondays
    case(
        "AIR-08",
        given=lambda i: [purchase(10, at=day) for day in i["activities"]],
        counter=Flat(1).when(~OnWeekdays("mon")),
    ),
]

NOT_YET = {
    "needs an account: lots, expiry, spending, reversal, retries": (
        "SYL-20 SYL-21 SYL-22 SYL-23 SYL-24 SYL-25 SYL-26 SYL-27 SYL-28 SYL-29 SYL-30 SYL-31 SYL-32 SYL-33 SYL-34"
        " SYL-35 SYL-36 SYL-37 SYL-38 SYL-39 SYL-40 SYL-41 SYL-42 SYL-43 SYL-44 SYL-45"
        " FET-01 FET-02 FET-03 FET-04 FET-05 FET-06 FET-07 FET-08 FET-09 AIR-03 AIR-04 AIR-05 AIR-06 AIR-07"
    ),
    "needs redemption options": "SYL-47 SYL-48 SYL-49 SYL-50 SYL-51 SYL-52",
    "needs a ladder of tiers that an account keeps by date": "AIR-01",
    "is an input told again": "SYL-08.multiplier",
}


@pytest.mark.parametrize(("row", "key"), one_by_one(TABLE))
def test_rules_give_what_peers_assert(row, key):
    assert row.answers(key) == row.stated(key)


def test_every_number_is_asked_or_left_with_a_reason():
    assert unaccounted("peers", TABLE, NOT_YET) == []


@by_hand("TAK-11")
def test_points_per_customer_and_month(published):
    club = Program("The classic", points={"points": Points(CLASSIC), "purchases": Points(Flat(1))})
    rows = inputs(published)["transactions"]
    report = club.report([purchase(row["amount"], at=row["date"], member=str(row["customer"])) for row in rows])

    def monthly(unit):
        months = {row.member: zip(report.periods, row.points, strict=True) for row in report.rows if row.unit == unit}
        return {member: {month: points for month, points in row if points} for member, row in months.items()}

    totals = {row.member: row.total for row in report.rows if row.unit == "points"}
    expected = published["expected"]
    assert monthly("points") == expected["monthly"]
    assert monthly("purchases")["1"] == expected["monthly_transaction_count"]["1"]
    assert totals == expected["total"]
    assert totals.get("nobody", 0) == expected["unknown_customer_total"]


@by_hand("SYL-11")
def test_an_award_says_which_rule_gave_what(published):
    award = (PerSpend(1).rounded().named("7") + Flat(5).named("9")).award(basket(inputs(published)))
    assert award.points == published["expected"]["points"]
    assert {part.reason: part.points for part in award.parts} == published["expected"]["breakdown"]


# What peers let earn 0 is refused when it is written or read: it is not awarded either --------------------------------


@by_hand("TAK-10")
def test_what_is_no_number_is_refused(published):
    amounts = inputs(published)["amounts"]
    for amount in [*amounts, float("inf"), float("-inf"), float("nan")]:
        with pytest.raises(LoyaltyError):
            purchase(amount)


@by_hand("SYL-02")
def test_points_that_are_no_number_are_refused(published):
    worthless, nonsense = (trial["rule"]["points"] for trial in inputs(published)["trials"])
    assert PerItem(worthless).award(purchase(50, quantity=4)).points == 0
    with pytest.raises(InexactNumber, match="'not-a-number' is not a number"):
        PerItem(nonsense)


@by_hand("SYL-04")
def test_points_for_every_nothing_are_refused(published):
    for trial in inputs(published)["trials"]:
        with pytest.raises(LoyaltyError, match="every: "):
            PerSpend(trial["rule"]["points"], every=trial["rule"].get("per_minor"))


@by_hand("SYL-19")
def test_an_unknown_condition_is_refused(published):
    for trial in inputs(published)["trials"]:
        data = to_data(Flat(1).when(YES & NO if trial["mode"] == "all" else YES | NO))
        data["condition"]["conditions"][1]["type"] = trial["conditions"][-1]
        with pytest.raises(DataError, match="'<unregistered>' is no kind"):
            from_data(data)
