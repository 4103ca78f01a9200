"""The liability for points: golden numbers of the standards, and roll-forwards that tie out."""

# ruff: noqa: N802 (a promise is written with a capital)

import csv
from datetime import timedelta
from fractions import Fraction
from io import StringIO
import json
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
import pytest
from stories import BEGIN, CLUB, STORIES, Step, Teller

from loyaltycore import *
from loyaltycore.breakage import Triangle, survival, triangle
from loyaltycore.cli import main
from loyaltycore.liability import Journal, JournalLine, allocate, recognise, rollforward, sensitivity

COFFEE_CLUB = Program(
    "Coffee Club",
    points={"beans": Points(PerSpend(1), expiry=After(months=2))},
    rewards={"coffee": Item(30), "gift": Donation(worth="0.01", to="the school")},
)


def member(name="Ada"):
    """75 beans on the 5th of each month from January to June, and a coffee on each 25th."""
    account = COFFEE_CLUB.account(name)
    for month in range(1, 7):
        account.earn(Activity.purchase(75, at=f"2026-0{month}-05", id=f"t-{month}"))
        account.redeem("coffee", id=f"r-{month}", at=f"2026-0{month}-25")
    return account


def column(report, name="points", unit=""):
    return {row.line: getattr(row, name) for row in report.rows if row.unit == (unit or row.unit)}


# The examples of the standard ---------------------------------------------------------------------------------------


def test_ifrs_15_example_52():
    sale = allocate(100_000, points=10_000, worth=1, rate="0.95", places=0)
    years = recognise(sale.points, {"1": (4_500, 9_500), "2": (8_500, 9_700)}, places=0)

    assert (sale.goods, sale.points) == (91_324, 8_676)
    assert [(year.revenue, year.left) for year in years.rows] == [(4_110, 4_566), (3_493, 1_073)]
    assert years.left == 1_073


def test_kpmg_example_10a_year_after_year():
    years = recognise(9_000, {"2": (4_500, 9_700), "3": (8_500, 9_900)}, places=0)

    assert [year.revenue for year in years.rows] == [4_175, 3_552]


def test_an_allocation_adds_up_to_the_price_to_the_coin():
    sale = allocate("99.99", points=100, worth="0.01", rate="0.8")

    assert (sale.goods, sale.points) == (Fraction("99.20"), Fraction("0.79"))
    assert sale.goods + sale.points == Fraction("99.99")


def test_goods_that_are_sold_below_their_own_price_share_the_discount_with_the_points():
    sale = allocate(90, points=10, worth=1, rate=1, goods=90)
    discounted = allocate(90, points=10, worth=1, rate=1, goods=110)

    assert (sale.goods, sale.points) == (81, 9)
    assert (discounted.goods, discounted.points) == (Fraction("82.50"), Fraction("7.50"))


def test_when_more_is_redeemed_than_was_expected_all_is_recognised_and_no_more():
    periods = recognise("8.67", {"1": (5, 10), "2": (12, 10), "3": (13, 13)})

    assert [period.revenue for period in periods.rows] == [Fraction("4.34"), Fraction("4.33"), 0]
    assert periods.left == 0


def test_an_estimate_that_rises_takes_revenue_back():
    periods = recognise(1_000, {"1": (400, 500), "2": (400, 1_000)}, places=0)

    assert [period.revenue for period in periods.rows] == [800, -400]


@given(
    st.integers(0, 10**7),
    st.lists(st.tuples(st.integers(0, 1_000), st.integers(1, 1_500)), min_size=1, max_size=8),
)
def test_revenue_and_what_is_left_are_always_what_was_deferred(cents, periods):
    deferred = Fraction(cents, 100)
    rows = recognise(deferred, {str(n): period for n, period in enumerate(periods)}).rows

    assert sum(row.revenue for row in rows) + rows[-1].left == deferred
    assert all(0 <= row.left <= deferred and row.left * 100 % 1 == 0 for row in rows)


# Roll-forward -------------------------------------------------------------------------------------------------------


def test_a_roll_forward_says_what_became_of_points():
    quarter = rollforward([member()], since="2026-04-01", until="2026-06-30", prices="0.01")

    assert str(quarter) == (
        "Coffee Club: liability for points, 2026-04-01 to 2026-06-30, 1 member\n"
        "\n"
        "beans          points    USD\n"
        "-------------  ------  -----\n"
        "opening           120   1.20\n"
        "issued            225   2.25\n"
        "reversed            0   0.00\n"
        "redeemed          -90  -0.90\n"
        "lapsed           -135  -1.35\n"
        "adjusted            0   0.00\n"
        "transferred         0   0.00\n"
        "converted           0   0.00\n"
        "closing           120   1.20\n"
        "in the ledger     120   1.20\n"
        "tie-out             0   0.00\n"
        "\n"
        "A calculation, and no accounting advice."
    )
    assert quarter.ties_out


def test_what_fell_due_in_the_period_lapsed_in_it_though_nobody_has_asked_since():
    account = COFFEE_CLUB.account("Ada")
    account.earn(Activity.purchase(75, at="2026-01-05", id="t-1"))

    assert column(rollforward([account], until="2026-03-05"))["lapsed"] == 0  # the last day, which is not over
    assert column(rollforward([account], until="2026-03-06"))["lapsed"] == -75
    assert [entry.kind for entry in account.entries] == ["earned"]


def test_what_is_learnt_later_changes_no_period_that_is_over():
    account = member()
    before = rollforward([account], until="2026-06-30", prices="0.01").rows
    late = Activity.purchase(50, at="2026-06-20", id="late")
    account.earn(late, posted="2026-07-03")

    assert rollforward([account], until="2026-06-30", prices="0.01").rows == before
    assert column(rollforward([account], since="2026-07-01", until="2026-07-31"))["issued"] == 50


def test_a_debt_is_what_the_member_owes():
    account = COFFEE_CLUB.account("Ada")
    account.earn(Activity.purchase(30, at="2026-01-05", id="t-1"))
    account.redeem("coffee", id="r-1", at="2026-01-06")
    account.reverse("t-1", id="x-1", at="2026-01-07", on_shortfall="owe")
    owing = rollforward([account], until="2026-01-31")
    account.earn(Activity.purchase(50, at="2026-02-05", id="t-2"))
    paid = rollforward([account], since="2026-02-01", until="2026-02-28")

    assert [column(owing)[line] for line in ("issued", "redeemed", "reversed", "closing")] == [30, -30, -30, -30]
    assert [column(paid)[line] for line in ("opening", "issued", "closing")] == [-30, 50, 20]
    assert owing.ties_out
    assert paid.ties_out


def test_merged_accounts_tie_out_with_their_debts():
    debtor, other = COFFEE_CLUB.account("Ada"), member("Ben")
    debtor.earn(Activity.purchase(30, at="2026-01-05", id="t-1"))
    debtor.redeem("coffee", id="r-1", at="2026-01-06")
    debtor.reverse("t-1", id="x-1", at="2026-01-07", on_shortfall="owe")
    other.merge(debtor, id="m-1", at="2026-06-28")
    report = rollforward([debtor, other], since="2026-06-01", until="2026-06-30", prices="0.01")

    assert column(report)["transferred"] == 0
    assert report.ties_out


def test_gifts_and_points_that_convert_by_themselves_tie_out():
    club = Program(
        "Club",
        points={
            "points": Points(PerSpend(1), converts=Convert(100, into="miles", gives=5).every("month")),
            "miles": Points(Flat(0)),
        },
        rewards={"thanks": Gift(into="miles", unit="points")},
    )
    giver, other = club.account("Ada"), club.account("Ben")
    giver.earn(Activity.purchase(250, at="2026-01-05", id="t-1"))
    giver.give("thanks", other, points=30, id="g-1", at="2026-01-06")
    report = rollforward([giver, other], until="2026-02-01", prices={"points": "0.01", "miles": "0.20"})

    assert report.ties_out
    points, miles = (column(report, unit=unit) for unit in ("points", "miles"))
    assert [points[line] for line in ("issued", "transferred", "converted", "closing")] == [250, -30, -200, 20]
    assert [miles[line] for line in ("issued", "transferred", "converted", "closing")] == [0, 30, 10, 40]


def test_a_new_price_is_a_line_of_its_own():
    report = rollforward([member()], since="2026-06-01", until="2026-06-30", prices="0.02", before="0.01")
    money = column(report, "money")

    assert (money["opening"], money["repriced"]) == (Fraction("1.20"), Fraction("1.20"))
    assert money["closing"] == Fraction(120 * 2, 100)


def test_units_without_a_price_have_points_alone():
    account = Teller().account
    report = rollforward([account], until=BEGIN.date(), prices={"stars": "0.01"})

    assert column(report, "money", "stars")["closing"] == Fraction("3.20")
    assert set(column(report, "money", "cash").values()) == {None}
    assert report.line("closing", "stars").points == 320
    with pytest.raises(RuleError, match="unit: there are several; name one of 'stars', 'cash', 'status'"):
        report.line("closing")
    with pytest.raises(RuleError, match="prices: there are several units; give a price for each of"):
        rollforward([account], until="2026-02-01", prices="0.01")


def test_entries_by_member_say_the_same_as_their_accounts():
    accounts = [member("Ada"), member("Ben")]
    entries = {account.id: account.entries for account in accounts}

    assert rollforward(entries, until="2026-06-30", program=COFFEE_CLUB) == rollforward(accounts, until="2026-06-30")
    with pytest.raises(RuleError, match="program: entries alone do not say what they are of; give the program"):
        rollforward(entries, until="2026-06-30")


# The promise --------------------------------------------------------------------------------------------------------

SOMETIME = st.integers(0, 400).map(lambda days: BEGIN.date() + timedelta(days))
PRICES = {"stars": "1/3", "cash": "0.017"}
EVERYTHING = [
    *(Step(verb, 24, n) for n, verb in enumerate(("earn", "earn", "hold", "redeem", "capture", "cancel"), start=4)),
    *(Step("redeem", 24, 4), Step("reverse", 24, 15), Step("receive", 24, 3), Step("send", 24, 4)),
    *(Step("adjust", 24, 3), Step("extend", 24, 15), Step("earn", 24 * 41, 8), Step("advance", 24 * 41, 0)),
]
INTO_DEBT = [Step("earn", 24, 16), Step("advance", 24 * 7, 0), Step("redeem", 0, 16), Step("reverse", 1, 12)]
HISTORIES = st.builds(lambda story, end: story + end, STORIES, st.sampled_from([[], INTO_DEBT]))


def lived(steps):
    """The accounts that a story is about, and the day after its end."""
    teller = Teller()
    teller.tell(steps)
    return [teller.account, teller.other], teller.now.date() + timedelta(4)


def there(accounts, unit, day):
    """What accounts say there is when a day ends, asked one by one."""
    at = f"{day}T23:59:59.999999"
    total = 0
    for account in accounts:
        totals = account.totals(unit, at=at)
        total += totals["available"] + totals["pending"] + totals["held"] - totals["owed"]
    return total


@settings(max_examples=200)
@given(HISTORIES)
@example(EVERYTHING)
@example(INTO_DEBT)
def test_I28_a_roll_forward_ties_out_to_the_ledger(steps):
    both, end = lived(steps)
    for accounts in (both, both[:1], both[1:]):
        report = rollforward(accounts, until=end, prices=PRICES)
        assert report.ties_out
        for unit in CLUB.points:
            points = column(report, unit=unit)
            changes = [n for line, n in points.items() if line not in ("closing", "in the ledger", "tie-out")]
            assert sum(changes) == points["closing"] == there(accounts, unit, end)
            assert points["transferred"] == 0 or accounts != both


@settings(max_examples=100)
@given(HISTORIES, SOMETIME)
@example(EVERYTHING, BEGIN.date() + timedelta(10))
def test_I28_each_period_begins_as_the_one_before_ended(steps, day):
    accounts, end = lived(steps)
    end = max(end, day + timedelta(1))
    first = rollforward(accounts, until=day, prices=PRICES)
    second = rollforward(accounts, since=day + timedelta(1), until=end, prices=PRICES)
    both = rollforward(accounts, until=end, prices=PRICES)

    assert first.ties_out
    assert second.ties_out
    for unit in CLUB.points:
        for name in ("points", "money"):
            one, two, all_ = (column(report, name, unit) for report in (first, second, both))
            assert one["closing"] == two["opening"]
            assert two["closing"] == all_["closing"]
        assert column(first, unit=unit)["closing"] == there(accounts, unit, day)


@settings(max_examples=100)
@given(HISTORIES)
@example(EVERYTHING)
def test_I28_money_adds_up_to_the_last_coin(steps):
    accounts, end = lived(steps)
    report = rollforward(accounts, since=BEGIN.date() + timedelta(2), until=end, prices=PRICES)
    journal = report.journal()

    change = 0
    for unit in PRICES:
        money = column(report, "money", unit)
        assert (
            sum(n for line, n in money.items() if line not in ("closing", "in the ledger", "tie-out"))
            == (money["closing"])
        )
        assert all(n * 100 % 1 == 0 for n in money.values())
        change += money["closing"] - money["opening"]
    assert journal.balance("Liability for points") == -change


# How many are redeemed at last --------------------------------------------------------------------------------------


def test_the_chain_ladder_of_four_years():
    redeemed = {"2022": [300, 500, 600, 640], "2023": [320, 520, 620], "2024": [280, 480], "2025": [310]}
    ladder = Triangle({year: (1000, by_age) for year, by_age in redeemed.items()})

    assert [f"{float(factor):.5f}" for factor in ladder.factors] == ["1.66667", "1.19608", "1.06667"]
    assert [f"{float(row.rate):.1%}" for row in ladder.rows] == ["64.0%", "66.1%", "61.2%", "65.9%"]
    assert all(row.low <= row.rate <= row.high for row in ladder.rows)
    assert "65.9%" in str(ladder)


def test_estimates_of_any_length_can_be_recognised_by():
    large = 10**15 + 7
    ladder = Triangle({str(n): (3 * large + n, [large - 5**n * k for k in range(12 - n, 0, -1)]) for n in range(11)})
    cohort = ladder.rows[-1]
    sale = allocate(1_000, points=cohort.issued, worth=1, rate=cohort.rate)

    assert len(str(cohort.at_last)) > 80
    assert recognise(sale.points, {"1": (cohort.redeemed, cohort.at_last)}).left < sale.points
    assert sensitivity(rate=ladder.rate, issued=9, redeemed=0, worth=ladder.rate).rows[3].liability > 0


def test_a_tail_goes_on_after_the_oldest_age_and_no_more_is_redeemed_than_was_issued():
    ladder = Triangle({"2024": (100, [40, 80]), "2025": (100, [60])}, tail="1.1")

    assert [row.at_last for row in ladder.rows] == [88, 100]


def test_a_triangle_of_accounts_is_what_they_redeemed():
    found = triangle([member()], until="2026-06-30", by="quarter")

    # the coffee of April is paid with beans of March, those after it with beans of their own quarter
    assert [(row.cohort, row.issued, row.by_age) for row in found.rows] == [
        ("2026-Q1", 225, (90, 120)),
        ("2026-Q2", 225, (60,)),
    ]


def test_a_cancelled_redemption_is_none_and_refunded_points_were_never_issued():
    account = COFFEE_CLUB.account("Ada")
    account.earn(Activity.purchase(75, at="2026-01-05", id="t-1"))
    account.redeem("coffee", id="r-1", at="2026-02-01")
    account.cancel("r-1", id="c-1", at="2026-03-01")
    account.reverse("t-1", id="x-1", at="2026-03-01", points=25)
    [row] = triangle([account], until="2026-03-31", by="month").rows

    assert (row.issued, row.by_age) == (50, (0, 0, 0))


@settings(max_examples=100)
@given(HISTORIES)
@example(EVERYTHING)
def test_a_triangle_and_a_survival_count_what_the_roll_forward_does(steps):
    accounts, end = lived(steps)
    points = column(rollforward(accounts, until=end), unit="stars")
    cohorts = triangle(accounts, until=end, unit="stars", by="month")
    ages = survival(accounts, until=end, unit="stars")

    for counted in (cohorts.rows, ages.rows):
        assert sum(row.redeemed for row in counted) == -points["redeemed"]
    assert sum(row.lapsed for row in ages.rows) == -points["lapsed"]
    assert ages.rows[0].at_risk == sum(row.redeemed + row.lapsed + row.censored for row in ages.rows)
    assert 0 <= ages.low <= ages.high <= 1


def test_survival_with_every_lot_at_its_end_is_the_share_that_was_redeemed():
    ages = survival([member()], until="2027-01-31")

    assert ages.low == ages.high == ages.rate == Fraction(6 * 30, 6 * 75)


def test_survival_leaves_open_lots_out_from_the_age_they_have():
    account = COFFEE_CLUB.account("Ada")
    for month, spent in ((1, 50), (2, 40)):
        account.earn(Activity.purchase(100, at=f"2026-0{month}-05", id=f"t-{month}"))
        account.redeem("gift", points=spent, id=f"r-{month}", at=f"2026-0{month}-06")
    # a month later 50 and 100 are there, of which 40 of the first go
    ages = survival([account], until="2026-02-28").rows

    assert [(age.at_risk, age.redeemed, age.lapsed, age.censored) for age in ages] == [
        (200, 50, 0, 100),
        (50, 40, 0, 10),
    ]
    assert ages[-1].rate == Fraction(50, 200) + Fraction(150, 200) * Fraction(40, 50)
    assert ages[-1].left == Fraction(150, 200) * Fraction(10, 50)


# Sensitivity and journal --------------------------------------------------------------------------------------------


def test_a_point_of_the_rate_is_a_hundredth_of_what_was_issued():
    table = sensitivity(rate="0.65", issued=1_000_000, redeemed=400_000, worth="0.01")

    assert [row.change for row in table.rows] == [-10, -5, -1, 0, 1, 5, 10]
    assert [row.liability for row in table.rows] == [1_500, 2_000, 2_400, 2_500, 2_600, 3_000, 3_500]
    assert [row.difference for row in table.rows] == [-1_000, -500, -100, 0, 100, 500, 1_000]


def test_the_deferred_part_at_other_rates():
    table = sensitivity(rate="0.95", issued=10_000, redeemed=4_500, deferred=8_676, changes=[2, 10], places=0)

    assert [(row.change, row.rate, row.liability) for row in table.rows] == [
        (-10, Fraction("0.85"), 8_676 - 4_593),
        (-2, Fraction("0.93"), 8_676 - 4_198),
        (0, Fraction("0.95"), 4_566),
        (2, Fraction("0.97"), 8_676 - 4_025),
        (10, 1, 8_676 - 3_904),  # no rate is above 1
    ]


def test_journals_of_a_sale_and_of_what_is_redeemed_add_up():
    sale = allocate(100_000, points=10_000, worth=1, rate="0.95", places=0)
    year = recognise(sale.points, {"2026-12-31": (4_500, 9_500)}, places=0)
    journal = sale.journal("2026-01-31") + year.journal({"revenue": "4000 Revenue"})

    assert list(csv.DictReader(StringIO(journal.to_csv()))) == [
        dict(zip(JournalLine._fields, row, strict=True))
        for row in (
            ("2026-01-31", "Cash", "91324", "", "sale: goods"),
            ("2026-01-31", "Revenue", "", "91324", "sale: goods"),
            ("2026-01-31", "Cash", "8676", "", "sale: points deferred"),
            ("2026-01-31", "Liability for points", "", "8676", "sale: points deferred"),
            ("2026-12-31", "Liability for points", "4110", "", "points redeemed"),
            ("2026-12-31", "4000 Revenue", "", "4110", "points redeemed"),
        )
    ]
    assert journal.balance("Liability for points") == -year.left


def test_a_journal_that_does_not_balance_is_none():
    with pytest.raises(RuleError, match="debits less credits are 5; give lines that come to 0"):
        Journal((JournalLine("2026-01-31", "Cash", 5, 0, "half of it"),))


# From the command line ----------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run `loyaltycore liability` for February on a small history: the exit code, and what was printed."""
    monkeypatch.chdir(tmp_path)
    Path("club.toml").write_text('name = "Club"\nearning = "PerSpend(1)"\n[rewards]\ncoffee = "Item(30)"\n')
    Path("history.csv").write_text(
        "member,date,id,amount,kind,reward\n"
        "Ada,2026-01-05,t-1,75,,\n"
        "Ada,2026-02-03,r-1,,redeem,coffee\n"
        "Ben,2026-02-07,t-2,40,,\n"
        "Ben,2026-03-01,t-3,40,,\n"
    )

    def liability(*arguments):
        period = ("--since", "2026-02-01", "--until", "2026-02-28")
        code = main(["liability", "history.csv", "--program", "club.toml", *period, *arguments])
        return code, *capsys.readouterr()

    return liability


def test_the_command_prints_a_roll_forward(run):
    code, out, err = run("--price", "0.01")

    assert (code, err) == (0, "")
    assert out == (
        "Club: liability for points, 2026-02-01 to 2026-02-28, 2 members\n"
        "\n"
        "points         points    USD\n"
        "-------------  ------  -----\n"
        "opening            75   0.75\n"
        "issued             40   0.40\n"
        "reversed            0   0.00\n"
        "redeemed          -30  -0.30\n"
        "lapsed              0   0.00\n"
        "adjusted            0   0.00\n"
        "transferred         0   0.00\n"
        "converted           0   0.00\n"
        "closing            85   0.85\n"
        "in the ledger      85   0.85\n"
        "tie-out             0   0.00\n"
        "\n"
        "A calculation, and no accounting advice.\n"
    )


def test_the_command_needs_prices_for_a_journal(run):
    code, out, err = run("--journal")

    assert (code, out) == (2, "")
    assert err == "loyaltycore: error: --journal: there are no prices, so no money; give them by --price\n"


def test_the_command_prints_csv_json_and_a_journal(run):
    _, as_csv, _ = run("--price", "points=2", "--places", "0", "--format", "csv")
    _, as_json, _ = run("--format", "json")
    _, journal, _ = run("--price", "0.01", "--journal", "--format", "csv")

    assert as_csv.splitlines()[:4] == [
        "unit,line,points,money",
        "points,opening,75,150",
        "points,repriced,0,0",
        "points,issued,40,80",
    ]
    assert json.loads(as_json)["rows"][0] == {"unit": "points", "line": "opening", "points": 75, "money": None}
    assert journal == (
        "day,account,debit,credit,text\n"
        "2026-02-28,Cost of points issued,0.40,,points issued\n"
        "2026-02-28,Liability for points,,0.40,points issued\n"
        "2026-02-28,Liability for points,0.30,,points redeemed\n"
        "2026-02-28,Rewards provided,,0.30,points redeemed\n"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--price", "x=1"], "prices: 'x' is no unit; there is 'points'"),
        (["--price", "a bit"], "prices: 'a bit' is not a number"),
        (["--journal"], "journal: there are no prices"),
        (["--until", "2026-01-01"], "since: 2026-02-01 is after 2026-01-01"),
    ],
)
def test_the_command_says_what_is_wrong(run, arguments, says):
    code, out, err = run(*arguments)

    assert (code, out) == (2, "")
    assert says in err


# All of them --------------------------------------------------------------------------------------------------------


def results():
    sale = allocate("99.99", points=100, worth="0.01", rate="0.8")
    return [
        sale,
        sale.journal("2026-01-31"),
        recognise("8.67", {"2026": (5, 11)}),
        rollforward([member("<b>")], until="2026-06-30", prices="0.01"),
        sensitivity(rate="0.65", issued=7, redeemed=3, worth="0.01"),
        triangle([member()], until="2026-06-30"),
        survival([member()], until="2026-06-30"),
    ]


@pytest.mark.parametrize("result", results(), ids=lambda result: type(result).__name__)
def test_each_result_is_text_html_csv_and_data_and_no_advice(result):
    assert str(result).endswith("\n\nA calculation, and no accounting advice.")
    assert "no accounting advice" in result._repr_html_()
    assert result._repr_html_().startswith("<table>")
    rows = list(csv.reader(StringIO(result.to_csv())))
    assert len(rows) == len(result.rows) + 1
    assert {len(row) for row in rows} == {len(result.columns)}
    data = json.loads(json.dumps(result.to_data()))
    assert list(data["rows"][0]) == list(result.columns)
    assert data["note"] == "A calculation, and no accounting advice."
    assert repr(result).startswith(f"<{type(result).__name__}: ")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: allocate("0.001", points=1, worth=1, rate=1), "price in coins: 0.1 is not a whole number"),
        (lambda: allocate(1, points=1, worth=1, rate="1.1"), "rate: 1.1 is no share; give one from 0 to 1"),
        (lambda: allocate(0, points=0, worth=1, rate=1), "neither goods nor points are worth anything"),
        (lambda: allocate(1, points=1, worth=0.5, rate=1), "worth: the float 0.5 is not exact"),
        (lambda: recognise(1, {"1": (0, 0)}), "expected: of '1' it is 0; give the points expected"),
        (lambda: recognise(1, {}, places=9), "places: 9 is above 4"),
        (lambda: rollforward([], until="2026-01-31"), "there are no accounts, so nothing to roll forward"),
        (lambda: rollforward([1], until="2026-01-31"), "1 is no account; give accounts, or entries by member"),
        (lambda: rollforward([member()], since="2026-02-01", until="2026-01-31"), "since: 2026-02-01 is after"),
        (lambda: rollforward([member()], until="2026-01-31", prices={"x": 1}), "prices: 'x' is no unit; there is"),
        (lambda: rollforward([member()], until="2026-01-31", before=1), "before: it has prices of other units"),
        (lambda: rollforward([member(), Teller().account], until="2026-01-31"), "is an account of 'Club' and others"),
        (lambda: rollforward([member()], until="2026-01-31").line("left"), "there is no line 'left' of any unit"),
        (lambda: rollforward([member()], until="2026-01-31").journal(), "journal: there are no prices, so no money"),
        (lambda: triangle([member()], until="2026-01-31", by="day"), "by: 'day' is no period of a report"),
        (lambda: Triangle({}), "cohorts: there are none"),
        (lambda: Triangle({"2025": (100, [50, 40])}), "give what was redeemed in all at each age"),
        (lambda: Triangle({"2025": (100, [101])}), "at each age, up to what was issued"),
        (lambda: sensitivity(rate=1, issued=1, redeemed=0), "give either worth, what a point costs, or deferred"),
    ],
)
def test_what_cannot_be_reported_says_why(wrong, says):
    with pytest.raises(LoyaltyError, match=says):
        wrong()


def test_an_account_that_began_with_a_snapshot_needs_its_entries():
    snapshot = member().snapshot()
    account = COFFEE_CLUB.account("Ada", snapshot=snapshot)

    with pytest.raises(RuleError, match="the entries are needed"):
        rollforward([account], until="2026-07-31")
