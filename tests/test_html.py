"""How values look in a notebook: all that a reader wants of them, and escaped."""

from html.parser import HTMLParser

import pytest

from loyaltycore import *

CLUB = Program(
    "Coffee <Club>",
    currency="EUR",
    timezone="Europe/Paris",
    points={
        "stars": Points(
            PerSpend(1) + PerSpend(2).when(Category("dining", "travel")),
            pending=After(days=14),
            expiry=After(months=12),
        ),
        "cash": Points(PerSpend(1), places=2),
    },
    tiers=TierLadder(Tier("member"), Tier("gold", Reach("spend", 200)), window="year", keeps=EndOfPeriod(1)),
    rewards={"latte": Item(150, unit="stars"), "pay": PayWithPoints(worth="0.01", unit="cash")},
)


class Page(HTMLParser):
    """The text of HTML, and of its tables the rows; every tag that opens must close."""

    def __init__(self, html):
        super().__init__()
        self.open, self.rows, self.text = [], [], ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def page(value):
    return Page(value._repr_html_())


def test_a_rule_is_its_code_and_what_it_means():
    shown = page(PerSpend(1).between(50, 100) + PerSpend(2).over(100)).text

    assert "PerSpend(1).between(50, 100) + PerSpend(2).over(100)" in shown
    assert "1 point for each dollar on the amount between $50 and $100; 2 points for each dollar" in shown


@pytest.mark.parametrize(
    "part",
    [
        Category("dining") & ~Sku("x"),
        by_tier(gold="1.5"),
        After(months=3) | AfterInactivity(months=12),
        Item(150).limit(2, per="year"),
        Reach("spend", 500) | Reach("nights", 3),
        OldestFirst(),
        matching(lambda line, activity, member: True),
    ],
    ids=lambda part: type(part).__name__,
)
def test_so_are_the_other_parts_of_a_program(part):
    assert repr(part) in page(part).text


def test_a_long_rule_is_on_several_lines():
    long = PerSpend(1) + sum(PerSpend(n).when(Category(f"category {n}")) for n in range(2, 9))

    assert long._repr_html_().count("\n+ ") == 7


def test_a_program_is_its_units_tiers_and_rewards():
    shown = page(CLUB)

    assert [row[:2] for row in shown.rows] == [
        ["stars", "earning"],
        ["", "pending"],
        ["", "expiry"],
        ["cash", "earning"],
        ["", "places"],
        ["tiers", "tier"],
        ["", "tier"],
        ["", "window"],
        ["", "keeps"],
        ["rewards", "latte"],
        ["", "pay"],
    ]
    assert shown.rows[2][2] == "After(months=12)"
    assert explain(CLUB) in shown.text


def test_of_a_program_that_changes_each_version_is_shown():
    history = ProgramHistory(Program("Card", earning=PerSpend(4)), ("2023-05-01", Program("Card", earning=PerSpend(3))))

    shown = page(history)

    assert "The first version" in shown.text
    assert "From 1 May 2023 on" in shown.text
    assert [row[2] for row in shown.rows] == ["PerSpend(4)", "PerSpend(3)"]


def test_an_activity_is_its_lines():
    basket = Activity(
        [Line(80, "dining"), Line("9.95", sku="mug", quantity=2, facts={"color": "red"})],
        at="2026-03-01T17:40", id="t-1", member="m-1", facts={"channel": "web"},
    )  # fmt: skip

    shown = page(basket)

    assert "t-1, purchase of m-1, 2026-03-01 17:40, channel: web" in shown.text
    assert shown.rows[1:] == [["dining", "1", "80", ""], ["mug", "2", "9.95", "color: red"]]


@pytest.fixture
def account():
    account = CLUB.account("m-1", joined="2026-01-01")
    for n in range(1, 16):
        account.earn(Activity.purchase(30, at=f"2026-03-{n:02}", id=f"t-{n}"))
    account.redeem("latte", id="r-1", at="2026-03-28")
    return account


def test_an_account_is_what_there_is_and_what_happened_last(account):
    shown = page(account)

    assert "Coffee <Club>: m-1" in shown.text
    assert "as of 2026-03-28, gold" in shown.text
    assert ["stars", "270", "30", "0", "0"] in shown.rows
    assert ["cash", "4.50", "0.00", "0.00", "0.00"] in shown.rows
    assert "the first 10 of 25" in shown.text
    assert shown.rows[-1] == ["2026-03-28  spent: latte", "150 stars"]
    assert ["2026-03-27  activated", "30 stars"] in shown.rows


def test_what_was_earned_is_told_by_the_activity_and_not_by_the_rule():
    account = CLUB.account("m-1")
    account.earn(Activity.purchase("29.5", at="2026-03-01", id="t-1"))

    assert page(account).rows[-2:] == [
        ["2026-03-01  earned: purchase 29.50 (pending)", "29 stars"],
        ["2026-03-01  earned: purchase 29.50", "0.29 cash"],
    ]


def test_an_account_without_entries_says_so():
    assert "no entries yet" in page(CLUB.account("m-1")).text


def test_looking_at_an_account_does_not_change_it(account):
    before = account.entries
    account._repr_html_()

    assert account.entries == before


def test_a_receipt_is_the_award_of_each_unit_and_what_followed():
    receipt = CLUB.account("m-1").earn(Activity.purchase(300, at="2026-03-01", id="t-1"))

    shown = page(receipt)

    assert "stars" in shown.text
    assert "cash" in shown.text
    assert ["300", "on the amount"] not in shown.rows
    assert [number for number, _ in shown.rows if number == "300"] == ["300", "300", "300"]
    assert "then " in shown.text
    assert "gold" in shown.text


def test_a_redemption_says_what_it_cost_or_why_not(account):
    bought = account.redeem("latte", id="r-2", at="2026-03-28")
    refused = account.redeem("latte", id="r-3", at="2026-03-28")

    assert "latte: 150 stars" in page(bought).text
    assert "refused, 120 points are available and 150 are needed" in page(refused).text
    assert page(account.quote("latte", at="2026-03-28")).text == page(refused).text


def test_progress_towards_a_tier_is_told(account):
    assert page(account.tier_progress(at="2026-03-28")).text.startswith("gold until 2027-12-31")


HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "value",
    [
        PerSpend(1).when(Category(HOSTILE)),
        Program(HOSTILE, points={HOSTILE: Points(PerSpend(1))}, rewards={HOSTILE: Item(5, sku=HOSTILE)}),
        ProgramHistory(Program(HOSTILE, earning=PerSpend(1))),
        Activity.purchase(5, category=HOSTILE, at="2026-03-01", id=HOSTILE, **{HOSTILE: HOSTILE}),
        Quote(HOSTILE, 5, HOSTILE).refused("not_eligible", HOSTILE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_looks_like_html_is_shown_as_text(value):
    html = value._repr_html_()

    assert "<script" not in html
    assert HOSTILE in Page(html).text


def test_so_it_is_in_an_account():
    program = Program(
        HOSTILE, points={HOSTILE: Points(PerSpend(1))}, tiers=TierLadder(Tier(HOSTILE, Reach("spend", 5)))
    )
    account = program.account(HOSTILE)
    receipt = account.earn(Activity.purchase(5, at="2026-03-01", id=HOSTILE))
    account.adjust(5, reason=HOSTILE, actor=HOSTILE, id="a-1", at="2026-03-02")

    for value in (account, receipt, account.tier_progress(at="2026-03-02"), account.statement(at="2026-03-02")):
        assert "<script" not in value._repr_html_()
        assert HOSTILE in page(value).text
