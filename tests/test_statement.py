"""Statements: what a member is sent, as text, as HTML and as data."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
import pytest
from stories import CLUB, STORIES, Teller

from loyaltycore import *

SHOP = Program(
    "Shop",
    timezone="Europe/London",
    currency="GBP",
    points={
        "stars": Points(PerSpend(1), pending=After(days=14), expiry=After(days=100)),
        "cash": Points(PerSpend(1), places=2, expiry=EndOf("year")),
    },
    rewards={
        "coffee": Item(50, unit="stars"),
        "voucher": Voucher(100, worth="2.50", unit="stars"),
        "pay": PayWithPoints(worth="0.01", unit="cash"),
        "dinner": Item(5_000, unit="cash"),
    },
)


@pytest.fixture
def account():
    """A member with 120 stars and 1.20 in cash since January, and as much again on its way since March."""
    account = SHOP.account("m-1", joined="2026-01-01")
    account.earn(Activity.purchase(120, at="2026-01-05T12:00", id="t-1"))
    account.redeem("coffee", id="r-1", at="2026-02-01")
    account.earn(Activity.purchase("120.50", at="2026-03-01T12:00", id="t-2"))
    return account


def unit_of(statement, name="stars"):
    return next(unit for unit in statement.units if unit.unit == name)


# What it says --------------------------------------------------------------------------------------------------------


def test_a_statement_is_read_like_a_letter(account):
    assert str(account.statement(at="2026-03-10")).split("\n") == [
        "Shop: statement of m-1, 2026-03-10",
        "",
        "stars",
        "-------  ---",
        "opening    0",
        "earned   120",
        "spent    -50",
        "closing   70",
        "",
        "what happened                                  points  balance",
        "---------------------------------------------  ------  -------",
        "2026-01-05  earned: purchase 120.00 (pending)       0        0",
        "2026-01-19  activated                             120      120",
        "2026-02-01  spent: coffee                         -50       70",
        "2026-03-01  earned: purchase 120.50 (pending)       0       70",
        "",
        "120 pending, available from 2026-03-15",
        "70 lapse within 60 days",
        "70 lapse within 90 days",
        "",
        "cash",
        "-------  ----",
        "opening  0.00",
        "earned   2.40",
        "closing  2.40",
        "",
        "what happened                        points  balance",
        "-----------------------------------  ------  -------",
        "2026-01-05  earned: purchase 120.00    1.20     1.20",
        "2026-03-01  earned: purchase 120.50    1.20     2.40",
        "",
        "next reward: voucher, stars to go: 30",
    ]


def test_an_empty_account_has_a_statement_too():
    assert str(SHOP.account("m-1").statement(at="2026-03-10")).split("\n") == [
        "Shop: statement of m-1, 2026-03-10",
        "",
        "stars",
        "-------  -",
        "opening  0",
        "closing  0",
        "",
        "cash",
        "-------  ----",
        "opening  0.00",
        "closing  0.00",
        "",
        "next reward: pay, cash to go: 0.01",
    ]


def test_a_statement_since_a_day_begins_with_what_there_was(account):
    statement = account.statement(at="2026-03-10", since="2026-01-19")
    assert "statement of m-1, 2026-01-19 to 2026-03-10" in str(statement)
    stars = unit_of(statement)
    assert (stars.opening, dict(stars.changes)["earned"], stars.closing) == (0, 120, 70)
    stars = unit_of(account.statement(at="2026-03-10", since="2026-01-19T00:00:00.000001"))
    assert (stars.opening, dict(stars.changes)["earned"], stars.closing) == (120, 0, 70)
    assert [line.id for line in stars.lines] == ["r-1", "t-2"]


def test_a_statement_that_ends_before_it_begins_is_refused(account):
    with pytest.raises(RuleError, match="since: 2026-04-01 is after 2026-03-10, the end; give an earlier one"):
        account.statement(at="2026-03-10", since="2026-04-01")


def test_a_statement_of_the_past_knows_nothing_of_what_came_after(account):
    then = account.statement(at="2026-02-01")
    account.earn(Activity.purchase(500, at="2026-03-05", id="t-3"))
    assert account.statement(at="2026-02-01") == then
    assert unit_of(then).closing == 70


def test_a_statement_leaves_no_trace(account):
    before = account.entries
    account.statement(at="2030-01-01")
    assert account.entries == before


def test_every_change_has_its_column():
    sender, account = SHOP.account("m-2"), SHOP.account("m-1")
    at = "2026-01-20"
    for one in (sender, account):
        one.adjust(300, unit="stars", reason="a gift", actor="ann", id="a-1", at="2026-01-05")
    account.adjust(-20, unit="stars", reason="a mistake", actor="ann", id="a-2", at="2026-01-06")
    account.earn(Activity.purchase(40, at="2026-01-05T12:00", id="t-1"))
    account.redeem("coffee", id="r-1", at=at)
    account.hold("coffee", id="h-1", at=at, until="2026-01-22")
    account.redeem("coffee", id="r-2", at=at)
    account.cancel("r-2", id="x-1", at=at)
    account.reverse("t-1", id="x-2", at=at, amount=10)
    sender.transfer(30, account, unit="stars", id="x-3", at=at)
    stars = unit_of(account.statement(at=at))
    assert dict(stars.changes) == {
        "earned": 40,
        "spent": -100,
        "lapsed": 0,
        "reversed": -10,
        "adjusted": 280,
        "moved": 30,
    }
    assert (stars.closing, stars.held) == (240, 50)
    later = unit_of(account.statement(at="2027-01-01"))
    assert (later.changes["spent"], later.changes["lapsed"], later.closing, later.held) == (-50, -290, 0, 0)
    assert "50 held" in str(stars)


def test_a_debt_is_owed_and_paid_by_what_comes():
    account = SHOP.account("m-1")
    account.earn(Activity.purchase(90, at="2026-01-05", id="t-1"))
    account.redeem("pay", id="r-1", at="2026-01-06", points=60)
    account.reverse("t-1", id="x-1", at="2026-01-07", on_shortfall="owe")
    cash = unit_of(account.statement(at="2026-01-08"), "cash")
    assert (cash.closing, cash.owed, cash.changes["reversed"]) == (-60, 60, -90)
    assert "-0.60" in str(cash)
    assert "0.60 owed" in str(cash)
    account.earn(Activity.purchase(100, at="2026-01-09", id="t-2"))
    cash = unit_of(account.statement(at="2026-01-09"), "cash")
    assert (cash.closing, cash.owed) == (40, 0)


# What is coming ------------------------------------------------------------------------------------------------------


def test_pending_points_of_a_day_are_together_and_those_without_one_come_last():
    program = Program("Slow", points={"p": Points(PerSpend(1), pending=AfterFact("arrives", days=1))})
    account = program.account("m-1")
    for n, (points, arrives) in enumerate([(10, "2026-03-03"), (20, "2026-03-01"), (30, None), (40, "2026-03-03")]):
        account.earn(Activity.purchase(points, at="2026-02-01", id=f"t-{n}", arrives=arrives))
    unit = unit_of(account.statement(at="2026-02-02"), "p")
    assert unit.pending == ((date(2026, 3, 2), 20), (date(2026, 3, 4), 50), (None, 30))
    assert "20 pending, available from 2026-03-02\n50 pending, available from 2026-03-04\n" in str(unit)
    assert "30 pending, available when they are activated" in str(unit)


@pytest.mark.parametrize(
    ("asked", "within"),
    [
        ("2026-07-01", {30: 0, 60: 0, 90: 0}),
        ("2026-07-02", {30: 0, 60: 0, 90: 7}),
        ("2026-07-31", {30: 0, 60: 0, 90: 7}),
        ("2026-08-01", {30: 0, 60: 7, 90: 7}),
        ("2026-08-30", {30: 0, 60: 7, 90: 7}),
        ("2026-08-31", {30: 7, 60: 7, 90: 7}),
        ("2026-09-30T23:59", {30: 7, 60: 7, 90: 7}),
        ("2026-10-01", {30: 0, 60: 0, 90: 0}),
    ],
)
def test_points_lapse_within_so_many_days_if_their_last_one_is_so_near(asked, within):
    program = Program("Club", timezone="America/New_York", points={"p": Points(Flat(7), expiry=On("2026-09-30"))})
    account = program.account("m-1")
    account.earn(Activity.purchase(10, at="2026-01-05", id="t-1"))
    assert unit_of(account.statement(at=asked), "p").expiring == within


def test_what_lapses_when_is_told_by_day():
    account = SHOP.account("m-1")
    for n, day in enumerate(("2026-01-05", "2026-01-05", "2026-01-06")):
        account.earn(Activity.purchase(10 + n, at=day, id=f"t-{n}"))
    unit = unit_of(account.statement(at="2026-02-01"))
    assert unit.expires == ((date(2026, 4, 29), 21), (date(2026, 4, 30), 12))


def test_an_inactive_member_is_told_what_would_lapse_if_nothing_happened():
    program = Program("Club", points={"p": Points(Flat(7), expiry=AfterInactivity(days=50))})
    account = program.account("m-1")
    account.earn(Activity.purchase(10, at="2026-01-01", id="t-1"))
    account.earn(Activity.purchase(10, at="2026-01-31", id="t-2"))
    assert unit_of(account.statement(at="2026-02-01"), "p").expires == ((date(2026, 3, 22), 14),)


# What was saved, and what is next ------------------------------------------------------------------------------------


def test_what_was_saved_is_what_was_taken_and_not_cancelled(account):
    account.adjust(1000, unit="stars", reason="a gift", actor="ann", id="a-1", at="2026-03-01")
    account.adjust(1000, unit="cash", reason="a gift", actor="ann", id="a-2", at="2026-03-01")

    def saved(at="2026-03-10"):
        return account.statement(at=at).saved

    assert saved() == 0
    account.redeem("voucher", id="v-1", at="2026-03-02")
    assert saved() == Fraction(5, 2)
    account.hold("voucher", id="v-2", at="2026-03-02")
    assert saved("2026-03-02") == Fraction(5, 2)
    account.capture("v-2", id="k-2", at="2026-03-02", points=40)
    assert saved() == Fraction(7, 2)
    account.cancel("k-2", id="x-2", at="2026-03-03", points=20)
    assert saved() == 3
    account.cancel("v-2", id="x-3", at="2026-03-03", points=20)
    assert saved() == Fraction(5, 2)
    account.cancel("v-1", id="x-1", at="2026-03-03")
    assert saved() == 0
    account.redeem("pay", id="p-1", at="2026-03-04", points=455, order=Activity.purchase(10, at="2026-03-04"))
    assert saved() == Fraction(455, 100)
    assert "saved so far: 4.55 GBP" in str(account.statement(at="2026-03-10"))
    assert "saved so far: 3.50 GBP" in str(account.statement(at="2026-03-02"))


def test_what_a_share_of_a_third_saves_is_told_as_it_is():
    program = Program("Club", earning=PerSpend(1), rewards={"pay": PayWithPoints(worth="1/3")})
    account = program.account("m-1")
    account.earn(Activity.purchase(10, at="2026-01-05", id="t-1"))
    account.redeem("pay", id="r-1", at="2026-01-06", points=1)
    assert "saved so far: 1/3 USD" in str(account.statement(at="2026-01-06"))


def test_the_next_reward_is_in_the_places_of_its_unit(account):
    account.adjust(1000, unit="stars", reason="a gift", actor="ann", id="a-1", at="2026-03-01")
    assert str(account.statement(at="2026-03-10")).endswith("next reward: dinner, cash to go: 47.60")


def test_what_is_given_away_is_no_reward_to_save_for():
    rewards = {"thanks": Gift(into="kudos", unit="to give", at_least=5), "lunch": Item(50, unit="kudos")}
    points = {"to give": Points(PerSpend(1), redeemable=False), "kudos": Points(Flat(0))}
    account = Program("Thanks", points=points, rewards=rewards).account("m-1")

    assert account.next_reward(at="2026-03-10").option == "lunch"


def test_what_was_earned_in_one_unit_is_no_line_of_another():
    points = {name: Points(Flat(1).when(OfKind(name, "both"))) for name in ("stars", "cups")}
    account = Program("Café", points=points).account("m-1")
    for kind in ("stars", "cups", "both", "neither"):
        account.earn(Activity.action(kind, at="2026-03-01", id=kind))
    lines = {unit.unit: [line.id for line in unit.lines] for unit in account.statement(at="2026-03-02").units}

    assert lines == {"stars": ["stars", "both", "neither"], "cups": ["cups", "both"]}


def test_there_is_no_next_reward_if_all_can_be_had(account):
    account.adjust(1000, unit="stars", reason="a gift", actor="ann", id="a-1", at="2026-03-01")
    account.adjust(5000, unit="cash", reason="a gift", actor="ann", id="a-2", at="2026-03-01")
    assert account.statement(at="2026-03-10").next_reward is None
    assert "next reward" not in str(account.statement(at="2026-03-10"))


# It adds up ----------------------------------------------------------------------------------------------------------


@given(STORIES, st.floats(0, 1), st.floats(0, 1))
def test_opening_and_changes_are_closing_whatever_it_begins_with(steps, begin, end):
    teller = Teller()
    start = teller.now
    teller.tell(steps)
    account = teller.account
    span = teller.now - start
    since, at = sorted((start + span * begin, start + span * end))
    statement = account.statement(at=at, since=since)
    before = account.statement(at=at).units
    for unit, whole in zip(statement.units, before, strict=True):
        assert unit.opening + sum(unit.changes.values()) == unit.closing == account.balance(unit.unit, at=at)
        assert unit.opening == account.balance(unit.unit, at=since - timedelta(microseconds=1))
        assert [line.balance for line in unit.lines] == running(unit.opening, unit.lines)
        assert unit.lines == whole.lines[len(whole.lines) - len(unit.lines) :]
        assert unit.held == account.totals(unit.unit, at=at)["held"]
        assert sum(points for _, points in unit.pending) == account.totals(unit.unit, at=at)["pending"]
        assert sum(points for _, points in unit.expires) <= account.totals(unit.unit, at=at)["available"]
        assert unit.expiring[30] <= unit.expiring[60] <= unit.expiring[90]


def running(opening, lines):
    balances = []
    for line in lines:
        opening += line.points
        balances.append(opening)
    return balances


@given(STORIES, st.floats(0, 1))
def test_two_statements_one_after_the_other_are_one(steps, middle):
    teller = Teller()
    start = teller.now
    teller.tell(steps)
    cut = start + (teller.now - start) * middle
    whole = teller.account.statement(at=teller.now)
    first = teller.account.statement(at=cut - timedelta(microseconds=1))
    second = teller.account.statement(at=teller.now, since=cut)
    for name in CLUB.points:
        a, b, both = unit_of(first, name), unit_of(second, name), unit_of(whole, name)
        assert a.closing == b.opening
        assert a.lines + b.lines == both.lines
        assert {n: a.changes[n] + b.changes[n] for n in both.changes} == both.changes


# HTML and data -------------------------------------------------------------------------------------------------------


class Balanced(HTMLParser):
    """Collects the text of a page, and fails if a tag is not closed."""

    def __init__(self):
        super().__init__()
        self.open, self.texts = [], []

    def handle_starttag(self, tag, attributes):
        if tag != "br":  # which is never closed
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def page(statement):
    parser = Balanced()
    parser.feed(statement._repr_html_())
    parser.close()
    assert parser.open == []
    return parser.texts


def test_in_a_notebook_it_says_what_the_text_says(account):
    statement = account.statement(at="2026-03-10")
    texts = page(statement)
    for words in (
        "Shop: statement of m-1, 2026-03-10",
        "2026-02-01  spent: coffee",
        "120 pending, available from 2026-03-15",
        "70 lapse within 60 days",
        "2.40",
        "next reward: voucher, stars to go: 30",
    ):
        assert words in texts


def test_what_looks_like_html_is_shown_as_text():
    evil = "<script>alert(1)</script>"
    program = Program(evil, points={evil: Points(PerSpend(1))}, rewards={evil: Item(500)})
    account = program.account(evil)
    account.adjust(5, reason=evil, actor=evil, id=evil, at="2026-01-05")
    account.earn(Activity.action(evil, at="2026-01-06", id="t-1"))
    statement = account.statement(at="2026-01-07")
    assert "<script" not in statement._repr_html_()
    assert any(evil in text for text in page(statement))


def test_as_data_and_back(account):
    account.hold("pay", id="h-1", at="2026-03-02", points=10)
    account.redeem("voucher", id="v-1", at="2026-03-20")
    for statement in (account.statement(at="2026-03-10"), account.statement(at="2026-03-31", since="2026-03-05")):
        again = from_json(to_json(statement))
        assert (again, str(again)) == (statement, str(statement))
    data = to_data(statement)
    assert (data["version"], data["type"], data["member"], data["at"]) == (
        1, "statement", "m-1", "2026-03-31T00:00:00+01:00[Europe/London]",
    )  # fmt: skip
    assert data["units"][0]["closing"] == 90


def test_its_moments_are_in_the_programs_zone(account):
    statement = account.statement(at=datetime.fromisoformat("2026-06-30T23:30+00:00"))
    assert (statement.at.isoformat(), statement.at.date()) == ("2026-07-01T00:30:00+01:00", date(2026, 7, 1))
