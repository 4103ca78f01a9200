"""What members have at a moment: a report over accounts."""

from pathlib import Path
import random

import pytest

from loyaltycore import *
from loyaltycore._show import HTML_ROWS
from loyaltycore.balances import BalancesReport, account_of, balances_report
from loyaltycore.datasets import read_transactions

EXAMPLES = Path(__file__).parents[1] / "examples"
CLUB = Program(
    "Club",
    timezone="America/New_York",
    points={"stars": Points(PerSpend(1).named("base").cap(100, per="month"), pending=After(days=10))},
)


def visit(amount, at, member="m-1", id=""):
    return Activity.purchase(amount, at=at, member=member, id=id)


VISITS = [
    visit(60, "2026-01-05", id="t-1"),
    visit(60, "2026-01-06", id="t-2"),
    visit(30, "2026-01-06T12:00", "m-2", id="t-1"),
    visit(60, "2026-02-01", id="t-3"),
    visit(500, "2026-03-01", id="t-4"),
]


def test_balances_of_real_baskets_are_what_was_earned():
    """The grocer's points, each pending, available or lapsed, add up to those of the report."""
    program = Program.load(EXAMPLES / "grocer.toml")
    transactions = read_transactions(EXAMPLES / "transactions.csv")
    earned = {row.member: row.total for row in program.report(transactions).rows}
    for at in ("2017-04-01", "2017-04-15", "2018-01-01"):
        report = balances_report(program, transactions, at=at)
        assert {row.member: row.earned for row in report.rows} == earned
        assert all(row.earned == row.pending + row.available + row.lapsed for row in report.rows)
        assert all(row.lapse_soon <= row.available for row in report.rows)
    total = report.totals["points"]
    assert (total.earned, total.available, total.lapsed, report.members) == (100_843, 0, 100_843, 100)


def test_balances_go_by_what_had_happened_then():
    assert balances_report(CLUB, VISITS, at="2026-01-04").totals["stars"].earned == 0
    rows = balances_report(CLUB, VISITS, at="2026-02-05").rows
    assert [(row.member, row.earned, row.pending, row.available) for row in rows] == [
        ("m-1", 160, 60, 100),
        ("m-2", 30, 0, 30),
    ]


def test_the_order_of_the_transactions_does_not_matter():
    report = balances_report(CLUB, VISITS, at="2026-02-05")
    shuffled = list(VISITS)
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)  # noqa: S311 (an order, not a secret)
        assert balances_report(CLUB, shuffled, at="2026-02-05") == report


def test_activities_without_ids_are_each_their_own():
    twice = [visit(30, "2026-01-05"), visit(30, "2026-01-05")]
    assert balances_report(CLUB, twice, at="2026-02-01").totals["stars"].available == 60


def test_an_activity_that_is_given_again_counts_once():
    report = balances_report(CLUB, [*VISITS, VISITS[0]], at="2026-02-05")
    assert report.rows == balances_report(CLUB, VISITS, at="2026-02-05").rows
    assert [str(problem) for problem in report.problems] == ["activity 't-1': given again, with the same content"]
    assert str(report).endswith("Not counted: 1 problem; report.problems says which and why.")
    with pytest.raises(Conflict, match="given again with other lines"):
        balances_report(CLUB, [*VISITS, visit(61, "2026-01-05", id="t-1")], at="2026-02-05")


def test_what_a_rule_raises_says_for_which_activity():
    program = Program("Club", earning=PerUnit(1, of="nights"))
    stay = Activity.action("stay", at="2026-01-05", id="t-1", member="m-1", nights="two")
    with pytest.raises(DataError, match="'two' is not a number") as raised:
        balances_report(program, [stay], at="2026-02-01")
    assert raised.value.__notes__ == ["(activity 't-1' of member 'm-1' at 2026-01-05)"]


def test_nobody_has_nothing():
    report = balances_report(CLUB, [], at="2026-02-01")
    assert (report.rows, report.totals["stars"].earned, report.members) == ((), 0, 0)
    assert str(report).endswith("total        0        0          0       0           0")
    assert balances_report(CLUB, [visit(5, "2026-01-01", "")], at="2026-02-01").rows[0].member == "nobody"


def test_in_a_notebook_so_many_members_are_shown_and_all_are_added_up():
    many = [visit(1, "2026-01-05", f"m-{n:03}", id="t-1") for n in range(HTML_ROWS + 5)]
    report = balances_report(CLUB, [*many, visit(1, "2026-01-05", "<b>", id="t-1")], at="2026-02-01")
    html = report._repr_html_()
    assert html.count("<tr>") == 1 + HTML_ROWS + 1
    assert f"The first {HTML_ROWS} members are shown" in html
    assert "&lt;b&gt;" in html
    assert ">106</td>" in html
    assert repr(report) == "<BalancesReport: Club: stars at 2026-02-01, 106 members>"
    assert isinstance(report, BalancesReport)


def test_the_account_of_one_member():
    account = account_of(CLUB, VISITS, "m-1", at="2026-02-05")
    assert (account.id, account.balance(at="2026-02-05")) == ("m-1", 100)
    assert [entry.id for entry in account.entries if entry.kind == "earned"] == ["t-1", "t-2", "t-3"]
    with pytest.raises(DataError, match="'m-9' has no transactions"):
        account_of(CLUB, VISITS, "m-9", at="2026-02-05")
