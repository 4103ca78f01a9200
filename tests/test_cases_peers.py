"""Numbers that other libraries' tests assert: the classic exercise in all its readings, and the rules of a shop plugin.

Where peers disagree (`conflicts_with` in the file), each row has its own policy.
"""

from datetime import date, timedelta
from fractions import Fraction

from attrs import frozen
from cases import balance, by_hand, case, having, inputs, one_by_one, purchase, rows, total, unaccounted
import pytest

from loyaltycore import *

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


# Accounts: points that are credited with a last day, and taken for anything ------------------------------------------

LEDGER = Program(
    "A ledger",
    points={"points": Points(PerUnit(1, of="points"), expiry=AfterFact("last_day"))},
    rewards={"anything": Donation(worth="0.01", to="anyone")},
)


def credit(account, points, at, id, *, expires=None, last_day=None):
    """Points that lapse at the first moment of a day, or after their last one."""
    if expires is not None:
        last_day = date.fromisoformat(expires[:10]) - timedelta(1)
    return account.earn(Activity.action("credit", at=at, id=id, points=points, last_day=last_day))


def ledger(i):
    """The account to which all of the events have happened, and the moment of the last."""
    account = LEDGER.account("m-1")
    for n, event in enumerate(i["events"]):
        at = event["at"]
        if event["op"] == "credit":
            credit(account, event["points"], at, event.get("id", f"credit {n}"), expires=event.get("expires_at"))
        elif event["op"] == "debit":
            assert account.redeem("anything", points=event["points"], id=f"debit {n}", at=at).ok
        else:
            account.advance(at)
    return account, at


def swept(i):
    """The same, after each run of a sweep that takes what is due."""
    account, _ = ledger(i)
    for at in i["expire_runs_at"]:
        account.advance(at)
    return account, at


def open_lots(account, at):
    return [lot.points for lot in account.lots(at=at)]


def gone_on(lot):
    """The first day on which a lot is gone, as text."""
    return "never" if lot.expires_on is None else (lot.expires_on + timedelta(1)).isoformat()


def remaining(*days):
    """What is left of the lots that are gone on these days."""

    def of(account, at):
        return {day: sum(lot.points for lot in account.lots(at=at) if gone_on(lot) == day) for day in days}

    return of


SHORTFALLS = {"allow_negative": "owe", "clamp_to_zero": "clamp"}


def clawed_back(i):
    """An order that is paid, whose points are spent in part, and that is cancelled so many times."""
    account, at = LEDGER.account("m-1"), "2026-01-05"
    credit(account, i["earn_for_order"], at, "order")
    if i["then_debit"]:
        account.redeem("anything", points=i["then_debit"], id="debit", at=at)
    for n in range(i["clawback_times"]):
        account.reverse("order", id=f"cancelled {n}", at=at, on_shortfall=SHORTFALLS[i["policy"]])
    return account, at


def redeemed(i):
    """A balance, and redemptions that go by the ids of their orders."""
    account = having(LEDGER, i["opening"])
    for one in i["redeem"]:
        account.redeem("anything", points=one["points"], id=one["order"], at="2026-01-05")
    for _ in range(i.get("rollback_times", 0)):
        account.cancel("O1", id="rollback", at="2026-01-06")
    return account, "2026-01-06"


def earned(i):
    account = LEDGER.account("m-1")
    for one in i["earn"]:
        credit(account, one["points"], "2026-01-05", one["key"])
    return account, "2026-01-05"


# Points as money: so many minor units for so many points -------------------------------------------------------------


def pay(i, **limits):
    points, minor = i["conversion"]["points"], i["conversion"]["amount_minor"]
    return PayWithPoints(worth=Fraction(minor, 100 * points), step=points, **limits)


def checkout(i):
    """What may be paid with points: as many as are asked for or there are, in whole steps; 0 if that is refused."""
    option = pay(i, at_least=i["min_redeem_points"], share=Fraction(i["max_percent_of_order"], 100))
    order = purchase(Fraction(i["order_total_minor"], 100))
    asked = min(i["requested"], i["balance"])
    quote = option.quote(order, points=asked)
    if not quote.ok and quote.refusal.code == "not_in_increment":
        quote = option.quote(order, points=quote.refusal.numbers["nearest"])
    return quote


def points_of(quote, _):
    return quote.points if quote.ok else 0


# Points of several payers, the oldest spent first --------------------------------------------------------------------


def payers(i):
    """Rows as they happened, and then one redemption; a row below 0 takes back what its payer paid for."""
    names = {payer for payer, _, _ in i["rows"]}
    program = Program(
        "Payers",
        points={"points": Points(PerUnit(1, of="points"), order=OldestFirst())},
        rewards={"all": Donation(worth="0.01", to="the member")}
        | {payer: Donation(worth="0.01", to=payer).from_lots(Fact("payer", payer)) for payer in names},
    )
    account = program.account("m-1")
    for n, (payer, points, at) in enumerate(sorted(i["rows"], key=lambda row: row[2])):
        if points > 0:
            account.earn(Activity.action("credit", at=at, id=f"row {n}", points=points, payer=payer))
        else:
            assert account.redeem(payer, points=-points, id=f"row {n}", at=at).ok
    return account


def by_payer(account, names, at):
    found = dict.fromkeys(names, 0)
    for lot in account.lots(at=at):
        found[lot.facts["payer"]] += lot.points
    return found


def spending(i):
    """The account after the rows, and what came of spending."""
    account = payers(i)
    return account, account.redeem("all", points=i["spend"], id="spend", at="2023-01-01")


def taken_from(account, redemption):
    """What was spent, by payer."""
    paid_by = {
        entry.lots[0][0]: entry.data["activity"].facts["payer"] for entry in account.entries if entry.kind == "earned"
    }
    taken = {}
    for number, points in redemption.entries[0].lots:
        taken[paid_by[number]] = taken.get(paid_by[number], 0) - points
    return taken


def left_to(account, redemption):
    names = {entry.data["activity"].facts["payer"] for entry in account.entries if entry.kind == "earned"}
    return by_payer(account, names, "2023-01-01")


def trials_by_hand(i):
    """Credits, and then an adjustment that takes points away."""
    for trial in i["trials"]:
        account = LEDGER.account("m-1")
        for n, points in enumerate(trial["credits"]):
            credit(account, points, "2026-01-05", f"credit {n}")
        account.adjust(-trial["debit"], reason="a negative row", actor="the payer", id="debit", at="2026-01-06")
        yield account, "2026-01-06"


# Transfers between accounts ------------------------------------------------------------------------------------------


@frozen
class Both:
    """The two accounts of a transfer."""

    sender: Account
    receiver: Account


def transferred(i):
    sender, receiver = LEDGER.account("sender"), LEDGER.account("receiver")
    for n, lot in enumerate(i["sender_lots"]):
        points, last_day = (lot["points"], lot["expires"]) if isinstance(lot, dict) else (lot, None)
        credit(sender, points, "2026-01-05", f"lot {n}", last_day=last_day)
    keep_age = i.get("mode") == "preserve"
    sender.transfer(i["transfer"], receiver, id="transfer", at="2026-02-01", keep_age=keep_age)
    return Both(sender, receiver)


def of(name, asked):
    return lambda both, _: asked(getattr(both, name), "2026-02-01")


def all_lots(account, at):
    """What is left of each lot that there ever was, in the order they came."""
    left = {lot.id: lot.points for lot in account.lots(at=at)}
    return [left.get(number, 0) for entry in account.entries if entry.kind == "earned" for number, _ in entry.lots]


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
    # A ledger of lots: debits take what expires soonest, what never expires last
    case("SYL-20", "SYL-24", given=ledger, balance=balance, open_lots=open_lots),
    case("SYL-21", given=ledger, balance=balance, remaining_by_expiry=remaining("2027-06-01", "2027-01-01")),
    case("SYL-22", given=ledger, balance=balance, remaining=remaining("never", "2027-01-01")),
    case(
        "SYL-23",
        given=ledger,
        balance=balance,
        open_lots=lambda account, at: [
            {"remaining": lot.points, "expires_at": gone_on(lot)} for lot in account.lots(at=at)
        ],
    ),
    case(
        "SYL-26",
        given=lambda i: [(ledger(i)[0], moment) for moment in i["moments"]],
        expiring=lambda account, at: account.totals(at=at)["lapsed"],
    ),
    # A sweep takes what is due and nothing else, once
    case(
        "SYL-27",
        "SYL-28",
        "SYL-29",
        "SYL-31",
        "SYL-32",
        "SYL-33",
        given=swept,
        balance=balance,
        expire_rows=rows("lapsed"),
    ),
    case("SYL-30", given=swept, balance=balance, expire_row_count=lambda account, at: len(rows("lapsed")(account, at))),
    case("SYL-34", given=swept, balance=balance, expired_points=lambda account, at: account.totals(at=at)["lapsed"]),
    # A cancelled order takes back what it earned: down to 0, or into a debt
    case("SYL-35", "SYL-36", "SYL-37", given=clawed_back, balance=balance, clawback_rows=rows("reversed")),
    # The same key twice is one redemption, one rollback, one award
    case("SYL-40", given=redeemed, balance=balance, redeem_rows=rows("spent")),
    case(
        "SYL-43",
        given=redeemed,
        balance=balance,
        rollback_row_count=lambda account, at: len(rows("cancelled")(account, at)),
    ),
    case("SYL-44", given=earned, lifetime_earned=lambda account, at: account.totals(at=at)["earned"]),
    case("SYL-44", "SYL-45", given=earned, balance=balance, rows=lambda account, at: len(account.entries)),
    # Redeemable points: limited by the balance, a share of the order, whole steps and a minimum
    case("SYL-47", "SYL-48", "SYL-49", "SYL-50", "SYL-51", given=checkout, points=points_of),
    case(
        "SYL-52",
        given=lambda i: pay(i).quote(purchase(1000), points=i["points"]),
        amount_minor=lambda quote, _: quote.value * 100,
    ),
    # Payers: the oldest points first, and rows below 0 take back a payer's own
    case("FET-01", "FET-04", "FET-05", given=spending, spent=taken_from, balances=left_to),
    case("FET-02", "FET-03", given=spending, balances=left_to),
    case("FET-06", given=spending, error=lambda account, redemption: not redemption.ok, balances=left_to),
    case(
        "FET-09",
        given=lambda i: (payers(i), sorted({row[0] for row in i["rows"]})),
        balances_before=lambda account, names: by_payer(account, names, "2023-01-01"),
    ),
    case("FET-09", given=spending, spent=taken_from, balances=left_to),
    case(
        "FET-07",
        given=lambda i: list(trials_by_hand(i)),
        balances=balance,
        rows_kept=lambda account, at: len(account.entries),
    ),
    # Transfers: as one new lot, or as the lots that were taken
    case(
        "AIR-04",
        given=transferred,
        sender_balance=of("sender", balance),
        receiver_balance=of("receiver", balance),
        receiver_new_lots=of("receiver", lambda account, at: len(account.lots(at=at))),
        sum_out_rows=of("sender", lambda account, at: sum(rows("transferred")(account, at))),
        sum_in_rows=of("receiver", lambda account, at: sum(rows("transferred")(account, at))),
    ),
    case(
        "AIR-05",
        given=transferred,
        sender_lots=of("sender", all_lots),
        receiver_lots=of(
            "receiver",
            lambda account, at: [
                {"points": lot.points, "expires": lot.expires_on.isoformat()} for lot in account.lots(at=at)
            ],
        ),
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


@by_hand("SYL-38", "SYL-39")
def test_taking_back_more_than_was_earned_or_less_than_nothing_is_refused(published):
    i, expected = inputs(published), published["expected"]
    account, at = LEDGER.account("m-1"), "2026-01-05"
    credit(account, i["earn_for_order"], at, "order")
    with pytest.raises(RuleError, match="points: "):
        account.reverse("order", id="hooked", at=at, points=i["hook_sets_points"])
    if "clawback_rows" in expected:  # what is left to take back is all of it
        account.reverse("order", id="hooked", at=at)
        assert rows("reversed")(account, at) == expected["clawback_rows"]
    else:
        assert account.totals(at=at)["reversed"] == expected["clawed_back"]
    assert balance(account, at) == expected["balance"]


# What peers clamp is refused, with the numbers; who does not say how many points spends what there is -----------------


@by_hand("SYL-41", "SYL-42")
def test_a_redemption_above_the_balance(published):
    i, expected = inputs(published), published["expected"]
    account, at = having(LEDGER, i["opening"]), "2026-01-05"
    asked = i.get("hook_sets_points", i["redeem"][0]["points"])
    assert account.redeem("anything", points=asked, id="O1", at=at).quote.missing == asked - i["opening"]
    assert account.redeem("anything", id="O1", at=at).ok
    assert (balance(account, at), rows("spent")(account, at)) == (expected["balance"], expected["redeem_rows"])


@by_hand("FET-08")
def test_taking_more_than_there_is_is_refused(published):
    i, expected = inputs(published), published["expected"]
    account, at = LEDGER.account("m-1"), "2026-01-05"
    for n, points in enumerate(i["credits"]):
        credit(account, points, at, f"credit {n}")
    with pytest.raises(RuleError, match="100 points are available and 200 were to go"):
        account.adjust(-i["debit"], reason="a negative row", actor="the payer", id="debit", at=at)
    assert (balance(account, at), True) == (expected["balance"], expected["error"])


@by_hand("SYL-25")
def test_what_is_owed_is_paid_by_the_next_credit(published):
    """Nobody can spend points that are not there, but who has spent those of an order that is returned owes them."""
    first, debit, last = inputs(published)["events"]
    account = LEDGER.account("m-1")
    credit(account, debit["points"], first["at"], "returned")
    account.redeem("anything", points=debit["points"], id="spent", at=first["at"])
    credit(account, first["points"], first["at"], "first")
    account.reverse("returned", id="debit", at=debit["at"], on_shortfall="owe")
    assert balance(account, debit["at"]) == first["points"] - debit["points"]
    credit(account, last["points"], last["at"], "last")
    expected, at = published["expected"], last["at"]
    assert (balance(account, at), open_lots(account, at)) == (expected["balance"], expected["open_lots"])
    assert account.totals(at=at)["owed"] == expected["deficit"]


@by_hand("AIR-03")
def test_transfers_that_are_refused_change_nothing(published):
    i, expected = inputs(published), published["expected"]
    sender, receiver, at = having(LEDGER, i["sender_balance"]), LEDGER.account("m-2"), "2026-01-05"
    to = {"to_self": sender, "no_receiver": None, "unknown_receiver": "m-9"}
    accepted = []
    for n, attempt in enumerate(i["attempts"]):
        whom, points = attempt.split()
        with pytest.raises(RuleError):
            sender.transfer(int(points), to.get(whom, receiver), id=f"transfer {n}", at=at)
        accepted.append(False)
    assert accepted == expected["accepted"]
    assert (balance(sender, at), balance(receiver, at)) == (expected["sender"], expected["receiver"])


@by_hand("AIR-01")
def test_an_activity_is_judged_in_the_tier_of_its_day_however_late_it_is_learnt(published):
    i, expected = inputs(published), published["expected"]
    program = Program(
        "Airline",
        earning=PerUnit(1, of="distance") * by_tier(Silver="0.1", otherwise=0),
        tiers=TierLadder(Tier("Silver", Invitation()), Tier("Gold", Invitation())),
    )
    account = program.account("m-1")
    for held in i["tier_history"]:
        account.grant_tier(held["tier"], at=held["from"], until=held.get("to"), id=held["from"])
    receipts = [
        account.earn(Activity.flight(at=day, distance=1234, id=f"flight {day}"), posted="2026-03-01")
        for day in i["activities"]
    ]
    assert [account.tier(at=day) or None for day in i["activities"]] == expected["tier_on_date"]
    assert [receipt.points == 123 for receipt in receipts] == expected["silver_bonus_applies"]


@by_hand("AIR-06")
def test_a_cancelled_redemption_puts_points_back_where_they_were(published):
    i, expected, at = inputs(published), published["expected"], "2026-02-01"
    account = LEDGER.account("m-1")
    for n, lot in enumerate(i["lots"]):
        credit(account, lot["points"], "2026-01-05", f"lot {n}", last_day=lot["expires"])
    before = account.lots(at=at)
    redemption = account.redeem("anything", points=i["redeem"], id="r-1", at=at)
    assert [points for _, points in redemption.entries[0].lots] == expected["breakdown"]
    assert balance(account, at) == expected["balance_after_redeem"]
    account.cancel("r-1", id="x-1", at=at)
    assert balance(account, at) == expected["balance_after_delete"]
    assert open_lots(account, at) == expected["lots_after_delete"]
    assert account.lots(at=at) == before


@by_hand("AIR-07")
def test_events_of_one_moment_all_count(published):
    account, at = LEDGER.account("m-1"), "2026-01-05"
    for n, points in enumerate(inputs(published)["parallel_credits"]):
        credit(account, points, at, f"credit {n}")
    expected = published["expected"]
    assert (len(account.entries), balance(account, at)) == (expected["rows"], expected["balance_delta"])
