"""Points per member and period, and why an activity earned what it did."""

from collections import defaultdict
import csv
from datetime import date
from io import StringIO
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._show import HTML_ROWS
from loyaltycore.datasets import read_transactions
from loyaltycore.reports import explain, points_report

EXAMPLES = Path(__file__).parents[1] / "examples"


def visit(amount, at, member="Ada", id="", **more):
    return Activity.purchase(amount, at=at, member=member, id=id, **more)


def points(report):
    return {row.member: row.points for row in report.rows}


# What is counted where ----------------------------------------------------------------------------------------------


def test_one_row_per_member_one_column_per_month_and_the_total():
    report = Program("Club", earning=PerSpend(1)).report(
        [visit(9, "2026-01-31", "Ben"), visit(5, "2026-03-01", "Ada"), visit(4, "2026-01-02", "Ben")]
    )

    assert report.periods == ("2026-01", "2026-02", "2026-03")
    assert points(report) == {"Ada": (0, 0, 5), "Ben": (13, 0, 0)}
    assert [row.member for row in report.rows] == ["Ada", "Ben"]
    assert [row.total for row in report.rows] == [5, 13]
    assert report.total == 18


@pytest.mark.parametrize(
    ("by", "periods", "expected"),
    [
        ("month", ("2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04"), (1, 2, 0, 0, 4, 8)),
        ("quarter", ("2025-Q4", "2026-Q1", "2026-Q2"), (3, 4, 8)),
        ("year", ("2025", "2026"), (3, 12)),
    ],
)
def test_periods_are_of_the_calendar_with_the_year_and_without_gaps(by, periods, expected):
    dates = {"2025-11-30": 1, "2025-12-31": 2, "2026-03-31": 4, "2026-04-01": 8}
    report = Program("Club", earning=PerSpend(1)).report((visit(n, at) for at, n in dates.items()), by=by)

    assert report.periods == periods
    assert points(report) == {"Ada": expected}


def test_the_month_is_that_of_the_programs_zone():
    new_years_eve = visit(9, "2026-01-01T03:00+00:00")

    def periods(zone):
        return Program("Club", earning=PerSpend(1), timezone=zone).report([new_years_eve]).periods

    assert periods("UTC") == ("2026-01",)
    assert periods("America/New_York") == ("2025-12",)


def test_a_member_who_earned_nothing_has_a_row():
    assert points(Program("Club", earning=PerSpend(1).over(50)).report([visit(9, "2026-01-01")])) == {"Ada": (0,)}


def test_activities_that_name_no_member_are_one_row():
    report = Program("Club", earning=PerSpend(1)).report([visit(9, "2026-01-01", ""), visit(5, "2026-01-02", "")])

    assert points(report) == {"": (14,)}


def test_without_activities_there_is_nothing_in_it():
    report = Program("Club", earning=PerSpend(1)).report([])

    assert (report.periods, report.rows, report.total) == ((), (), 0)
    assert str(report) == "Club: points by month, 0 months, 0 members\n\nmember  total\n------  -----\ntotal       0"


def test_it_is_by_month_quarter_or_year():
    with pytest.raises(RuleError, match="by: 'week' is no period of a report; give one of month, quarter, year"):
        Program("Club", earning=PerSpend(1)).report([], by="week")


def test_what_is_no_activity_is_refused():
    with pytest.raises(DataError, match="9 is no activity; give activities, or the path of a CSV file"):
        Program("Club", earning=PerSpend(1)).report([9])


# The members' stories -----------------------------------------------------------------------------------------------


def test_a_cap_per_month_holds_per_member_and_month_whatever_order_activities_come_in():
    club = Program("Club", earning=PerSpend(1).named("base").cap(10, per="month"))
    visits = [visit(8, "2026-01-01"), visit(8, "2026-01-09"), visit(8, "2026-02-01"), visit(8, "2026-01-01", "Ben")]

    assert points(club.report(visits)) == points(club.report(visits[::-1])) == {"Ada": (10, 8), "Ben": (8, 0)}


def test_a_welcome_bonus_is_for_the_first_activity_in_time_not_in_the_file():
    club = Program("Club", earning=PerSpend(1) * 10 + Flat(1).when(FirstTime()))

    report = club.report([visit(2, "2026-02-01"), visit(1, "2026-01-01"), visit(3, "2026-03-01")])

    assert points(report) == {"Ada": (11, 20, 30)}


def test_of_one_moment_the_lower_id_is_first():
    club = Program("Club", earning=PerSpend(1).when(FirstTime()))
    one, two = visit(1, "2026-01-01", id="t-1"), visit(2, "2026-01-01", id="t-2")

    assert club.report([one, two]).total == club.report([two, one]).total == 1


def test_when_clocks_go_back_the_earlier_instant_is_first():
    club = Program("Club", earning=PerSpend(1).when(FirstTime()), timezone="America/New_York")
    summer, winter = visit(1, "2026-11-01T01:50-04:00", id="t-2"), visit(2, "2026-11-01T01:10-05:00", id="t-1")

    assert club.report([winter, summer]).total == 1


@st.composite
def histories(draw):
    """Visits of two members on few days, so that moments coincide; each with an id of its own, or none has one."""
    visits = draw(
        st.lists(
            st.builds(
                visit,
                st.integers(0, 30),
                st.dates(date(2026, 1, 30), date(2026, 2, 2)),
                st.sampled_from(["Ada", "Ben"]),
                category=st.sampled_from(["", "dining"]),
            ),
            max_size=8,
        )
    )
    if draw(st.booleans()):
        visits = [visit(a.amount, a.at, a.member, id=f"t-{i}") for i, a in enumerate(visits)]
    return visits, draw(st.permutations(visits))


@given(histories())
def test_the_order_of_the_input_never_changes_a_number(orders):
    rule = (
        (PerSpend(3, every=2).named("base").cap(20, per="month") + Flat(5).when(FirstTime()))
        + (PerSpend(1) * 7).when(EveryNth(2))
        + PerSpend(2).when(Category("dining")).named("lunch").limit(1, per="day")
    )
    club = Program("Club", points={"stars": Points(earning=rule), "status": Points(earning=PerItem(1))})
    one, other = orders

    assert club.report(one) == club.report(other)


def test_an_activity_given_again_counts_once_and_is_told():
    report = Program("Club", earning=PerSpend(1)).report([visit(9, "2026-01-01", id="t-1")] * 2)

    assert report.total == 9
    assert [str(problem) for problem in report.problems] == ["activity 't-1': given again, with the same content"]


@pytest.mark.parametrize(
    ("other", "what"),
    [(visit(8, "2026-01-01", id="t-1"), "lines"), (visit(9, "2026-01-02", id="t-1"), "at")],
)
def test_an_id_with_two_contents_is_a_conflict(other, what):
    club = Program("Club", earning=PerSpend(1))

    with pytest.raises(Conflict, match=f"activity 't-1' of member 'Ada' is given again with other {what}; give each"):
        club.report([visit(9, "2026-01-01", id="t-1"), other])


def test_ids_are_each_members_own():
    report = Program("Club", earning=PerSpend(1)).report(
        [visit(9, "2026-01-01", "Ada", id="1"), visit(5, "2026-01-01", "Ben", id="1")]
    )

    assert points(report) == {"Ada": (9,), "Ben": (5,)}


def test_what_a_rule_raises_says_of_which_activity():
    club = Program("Club", earning=PerSpend(1).named("base").cap(10, per=MembershipYear()))

    with pytest.raises(RuleError, match="MembershipYear counts from the day the member joined") as raised:
        club.report([visit(9, "2026-01-01T12:00", id="t-1")])

    assert raised.value.__notes__ == ["(activity 't-1' of member 'Ada' at 2026-01-01T12:00)"]


# Real baskets, counted by hand ---------------------------------------------------------------------------------------


def rows_of_the_example():
    with (EXAMPLES / "transactions.csv").open(encoding="utf-8", newline="") as file:
        return [row | {"cents": int(row["amount"].replace(".", ""))} for row in csv.DictReader(file)]


def as_table(counted, months=("2017-01", "2017-02", "2017-03")):
    return {member: tuple(counted[member, month] for month in months) for member, _ in counted}


def test_the_classic_program_on_real_baskets_gives_what_integers_give():
    baskets = defaultdict(int)
    for row in rows_of_the_example():
        baskets[row["member"], row["date"][:7], row["id"]] += row["cents"]
    counted = defaultdict(int)
    for (member, month, _), cents in baskets.items():
        counted[member, month] += (max(0, min(cents, 10_000) - 5_000) + 2 * max(0, cents - 10_000)) // 100

    report = Program.load(EXAMPLES / "classic.toml").report(EXAMPLES / "transactions.csv")

    assert points(report) == as_table(counted)
    assert report.total == 20_700
    assert len(report.rows) == 100


def test_the_grocers_program_on_real_baskets_gives_what_integers_give():
    baskets = defaultdict(list)
    for row in rows_of_the_example():
        baskets[row["date"], row["id"], row["member"]].append((row["category"], row["cents"]))
    counted, butcher = defaultdict(int), defaultdict(int)
    for (at, _, member), lines in sorted(baskets.items()):

        def cents(*categories, lines=lines):
            return sum(cents for category, cents in lines if category in categories)

        fuel = cents("fuel")
        food = sum(cents for _, cents in lines) - fuel - cents("gift cards")
        meat = min(4 * cents("meat", "packaged meat") // 100, 200 - butcher[member, at[:7]])
        butcher[member, at[:7]] += meat
        # in half cents, so that a point per two dollars is whole
        half_cents = 2 * food + 4 * cents("produce", "salad bar", "seafood") + fuel
        whole = meat + (50 if food >= 10_000 else 0)
        counted[member, at[:7]] += whole + (half_cents + 100) // 200

    report = Program.load(EXAMPLES / "grocer.toml").report(EXAMPLES / "transactions.csv")

    assert points(report) == as_table(counted)
    assert max(butcher.values()) == 200


# What it looks like -------------------------------------------------------------------------------------------------

CLUB = Program(
    "Club",
    points={
        "stars": Points(earning=PerSpend(100)),
        "cash": Points(earning=PerSpend(2), places=2),
    },
)
VISITS = [visit("12.50", "2026-01-31", "Ada"), visit(700, "2026-02-01", "Ben"), visit("0.07", "2026-02-02", "Ben")]


def test_a_table_per_unit_with_thousands_grouped_and_a_row_of_totals():
    assert str(CLUB.report(VISITS)) == (
        "Club: stars by month, 2 months, 2 members\n"
        "\n"
        "member  2026-01  2026-02   total\n"
        "------  -------  -------  ------\n"
        "Ada       1,250        0   1,250\n"
        "Ben           0   70,007  70,007\n"
        "------  -------  -------  ------\n"
        "total     1,250   70,007  71,257\n"
        "\n"
        "Club: cash by month, 2 months, 2 members\n"
        "\n"
        "member  2026-01  2026-02  total\n"
        "------  -------  -------  -----\n"
        "Ada        0.25     0.00   0.25\n"
        "Ben        0.00    14.00  14.00\n"
        "------  -------  -------  -----\n"
        "total      0.25    14.00  14.25"
    )


def test_csv_has_a_row_per_member_and_unit_with_plain_numbers():
    text = CLUB.report(VISITS).to_csv()

    assert text.splitlines()[0] == "member,unit,2026-01,2026-02,total"
    assert list(csv.reader(StringIO(text)))[1:] == [
        ["Ada", "stars", "1250", "0", "1250"],
        ["Ada", "cash", "0.25", "0.00", "0.25"],
        ["Ben", "stars", "0", "70007", "70007"],
        ["Ben", "cash", "0.00", "14.00", "14.00"],
    ]


def test_data_has_whole_points_and_goes_through_json():
    report = Program("Club", earning=PerSpend(1)).report([visit(9, "2026-01-01", id="t-1")] * 2)

    assert json.loads(json.dumps(report.to_data())) == {
        "program": "Club",
        "by": "month",
        "units": [{"unit": "points", "places": 0, "total": 9}],
        "periods": ["2026-01"],
        "rows": [{"member": "Ada", "unit": "points", "points": {"2026-01": 9}, "total": 9}],
        "problems": [{"place": "activity 't-1'", "problem": "given again, with the same content"}],
    }


def test_points_of_several_units_do_not_add_up():
    report = CLUB.report(VISITS)

    assert report.totals == {"stars": 71_257, "cash": 1_425}
    with pytest.raises(RuleError, match=r"points of stars, cash do not add up; take them from totals\[unit\]"):
        _ = report.total


def test_a_report_says_what_it_does_not_count(tmp_path):
    sales = tmp_path / "sales.csv"
    sales.write_text("member,date,amount\nAda,2026-01-01,9\nAda,2026-01-01,nine\nBen,2026-01-01,x\n")

    report = Program("Club", earning=PerSpend(1)).report(sales)

    assert [problem.path for problem in report.problems] == [f"{sales}:3", f"{sales}:4"]
    assert str(report).endswith("\n\nNot counted: 2 problems; report.problems says which and why.")
    assert "Not counted: 2 problems" in report._repr_html_()


def test_a_report_is_the_same_from_a_path_a_reading_and_its_activities():
    club, path = Program("Club", earning=PerSpend(1)), EXAMPLES / "transactions.csv"
    transactions = read_transactions(path)

    assert club.report(path) == club.report(str(path)) == club.report(transactions) == club.report(list(transactions))


def test_its_repr_says_what_it_is_about():
    assert repr(CLUB.report(VISITS[:1])) == (
        "<PointsReport: Club: stars by month, 1 month, 1 member; Club: cash by month, 1 month, 1 member>"
    )


def test_html_is_escaped_and_shows_the_first_members():
    visits = [visit(1, "2026-01-01", f"<b>{i:03}</b>") for i in range(HTML_ROWS + 1)]
    html = Program("<Club>", earning=PerSpend(1)).report(visits)._repr_html_()

    assert "&lt;Club&gt;: points by month, 1 month, 101 members." in html
    assert "&lt;b&gt;099&lt;/b&gt;" in html
    assert "&lt;b&gt;100&lt;/b&gt;" not in html
    assert "<b>" not in html
    assert "The first 100 members are shown, and all of them added up." in html
    assert html.count(">101<") == 2  # the row of totals has them all


# Why ----------------------------------------------------------------------------------------------------------------


def test_an_activity_is_explained_as_of_its_moment():
    rule = PerSpend(4).when(Category("meat")).named("butcher").cap(100, per="month") + PerSpend(1)
    club = Program("Club", earning=rule, timezone="America/New_York")
    dinner = Activity(
        [Line("20.50", "meat", quantity="1.2"), Line(9)], at="2026-01-10T03:30+00:00", id="t-2", member="Ada"
    )
    visits = [
        visit(5, "2026-01-01", "Ben"),
        visit(30, "2026-01-20", id="t-3"),
        dinner,
        visit(10, "2026-01-01", id="t-1", category="meat"),
    ]

    explanation = explain(club, visits, "t-2")

    assert explanation.awards["points"].points == 89
    assert str(explanation) == (
        "t-2: purchase of member Ada at 2026-01-09T22:30, 29.50 USD\n"
        "\n"
        "line  quantity  amount\n"
        "----  --------  ------\n"
        "meat       1.2   20.50\n"
        "-            1    9.00\n"
        "\n"
        "points: 89\n"
        f"{explanation.awards['points']}\n"
        "\n"
        "counted before        what    unit            period  so far\n"
        "--------------  ----------  ------  ----------------  ------\n"
        "all kinds       activities                      ever       1\n"
        "purchase        activities                      ever       1\n"
        "butcher             points  points  month 2026-01-01      40"
    )
    assert explanation.awards["points"].parts[0].reason == "at most 100 per 'month', of which 60 were left"


def test_each_unit_is_explained_and_a_running_total_is_counted_in_lines():
    running = PerSpend(6).between(0, 100).named("band").running(per="year")
    club = Program("Club", points={"stars": Points(earning=running), "miles": Points(earning=Flat("1/3"))})

    text = str(explain(club, [visit(90, "2026-01-01", ""), visit("0.333", "2026-01-02", "", "t-2")], "t-2"))

    assert text.startswith("t-2: purchase at 2026-01-02, 0.333 USD\n")
    assert "\n\nstars: 1\n" in text
    assert "\n\nmiles: 0\n" in text
    assert [row.split() for row in text.splitlines()[-2:]] == [
        ["band", "lines", "stars", "year", "2026-01-01", "lines"],
        ["band", "paid", "stars", "year", "2026-01-01", "540"],
    ]


def test_what_has_no_end_is_shown_as_a_fraction():
    thirds = Activity([Line("1/3"), Line("2/3"), Line(1)], at="2026-01-01", id="t")

    text = str(explain(Program("Club", earning=PerSpend(1)), [thirds], "t"))

    assert [row.split()[-1] for row in text.splitlines()[4:7]] == ["1/3", "2/3", "1"]


def test_only_what_is_counted_can_be_explained():
    with pytest.raises(DataError, match=r"^there is no activity 't-9'; give the id of one that is counted"):
        explain(Program("Club", earning=PerSpend(1)), [visit(9, "2026-01-01", id="t-1")], "t-9")


def test_a_report_made_from_the_function_and_from_the_program_are_equal():
    assert points_report(CLUB, VISITS, by="year") == CLUB.report(VISITS, by="year")
