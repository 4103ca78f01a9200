"""What if the program were another: what a comparison says is what replays and roll-forwards say, and why adds up."""

from fractions import Fraction
from importlib import import_module
from pathlib import Path
import sys

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._parts import parts_of
from loyaltycore.calls import Call
from loyaltycore.cli import main
from loyaltycore.datasets import make_history, read_transactions
from loyaltycore.liability import rollforward
from loyaltycore.reports import compare, sweep
from loyaltycore.testing import activities, members, rules

EXAMPLES = Path(__file__).parents[1] / "examples"
REWARDS = {"coffee": Item(60), "mug": Item(200)}
TODAY = Program(
    "Club",
    points={"points": Points(PerSpend(1) + Flat(20).when(MinSpend(60)), expiry=After(months=3))},
    rewards=REWARDS,
)
IDEA = Program(
    "Club",
    points={
        "points": Points(
            PerSpend(1) * by_tier(silver="1.25", gold="1.5")
            + PerSpend(2).when(Category("produce")).named("fresh").cap(60, per="month"),
            pending=After(days=14),
            expiry=After(months=4) | AfterInactivity(months=2),
            rounding=Rounding("half_up"),
        )
    },
    tiers=TierLadder(Tier("silver", Reach("spend", 150)), Tier("gold", Reach("spend", 500)),
                     window=Rolling(months=6), keeps=After(months=3), downgrade="one_level"),
    rewards=REWARDS,
)  # fmt: skip


def visit(amount, at, member, category="", id=""):
    return Activity.purchase(amount, at=at, member=member, category=category, id=id or f"{member} {at}")


@pytest.fixture(scope="module")
def history():
    return make_history(members=40, months=6, seed=3, rewards=["coffee", "mug"])


@pytest.fixture(scope="module")
def result(history):
    return compare({"today": TODAY, "idea": IDEA}, history, members=history.members, worth="0.01", rate="0.7")


# An award taken apart -----------------------------------------------------------------------------------------------

BASKET = Activity([Line(60, "meat"), Line(30, "produce"), Line("20.20", "grocery"), Line(10, "fuel")], at="2026-03-01")
GOLD = Member("m-1", tier="gold", tiers={"tiers": "gold"}, ladder=("silver", "gold"))


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        (PerSpend(1), {"PerSpend(1)": Fraction("120.2"), "rounding": Fraction("-0.2")}),
        (
            (PerSpend(1) + PerSpend(2).when(Category("produce"))).when(~Category("fuel")),
            {"PerSpend(1)": Fraction("110.2"), "PerSpend(2) on Category('produce')": 60, "rounding": Fraction("-0.2")},
        ),
        (
            PerSpend(4).when(Category("meat")).named("butcher").cap(200, per="month") + Flat(5),
            {"butcher": 200, "Flat(5)": 5},
        ),
        (
            (Flat(100) + Flat(40).named("more")) * by_tier(gold="1.5"),
            {"Flat(100)": 100, "more": 40, "by_tier(gold='1.5')": 70},
        ),
        ((Flat(100) + Flat(50)) * 3, {"Flat(100)": 300, "Flat(50)": 150}),
        ((Flat(100) + Flat(50)).cap(60), {"Flat(100)": 40, "Flat(50)": 20}),
        (best_of(Flat(10), Flat(30) + Flat(40)), {"Flat(30)": 30, "Flat(40)": 40}),
        (
            PerSpend(1).between(0, 50) + PerSpend(2).over(100),
            {
                "PerSpend(1) on the amount between 0 and 50": 50,
                "PerSpend(2) on the amount over 100": Fraction("40.4"),
                "rounding": Fraction("-0.4"),
            },
        ),
        (Flat(7).when(Category("toys")), {}),
    ],
)
def test_an_award_is_what_its_rules_gave(rule, parts):
    assert parts_of(rule.award(BASKET, GOLD)) == parts


@given(rules(), activities(), members())
def test_the_parts_of_an_award_add_up_to_its_points(rule, activity, member):
    award = rule.award(activity, member)

    assert sum(parts_of(award).values()) == award.points


# Outcomes -----------------------------------------------------------------------------------------------------------


def test_a_comparison_says_what_came_of_points_under_each_program():
    history = [
        visit(180, "2026-01-05", "Ada", "produce"), visit(40, "2026-02-05", "Ben"), visit(40, "2026-03-05", "Cleo"),
        Call("redeem", "coffee", member="Ada", id="r-1", at="2026-02-01"),
        Call("redeem", "mug", member="Ben", id="r-2", at="2026-03-01"),
    ]  # fmt: skip

    compared = compare({"today": TODAY, "idea": IDEA}, history, at="2026-03-25", worth="0.01", rate="0.5")

    assert str(compared) == (
        "today, idea: 5 events of 3 members up to 2026-03-25\n"
        "\n"
        "points               today  idea  difference\n"
        "-------------------  -----  ----  ----------\n"
        "earned                 280   320          40\n"
        "spent                   60    60           0\n"
        "lapsed                   0     0           0\n"
        "reversed                 0     0           0\n"
        "other                    0     0           0\n"
        "outstanding            220   260          40\n"
        "cost, USD             0.60  0.60        0.00\n"
        "liability, USD        1.10  1.30        0.20\n"
        "refused redemptions      1     1           0\n"
        "\n"
        "members by tier at the end\n"
        "\n"
        "tier     today  idea  difference\n"
        "-------  -----  ----  ----------\n"
        "no tier      3     2          -1\n"
        "silver       0     1           1\n"
        "gold         0     0           0\n"
        "\n"
        "members under idea instead of today\n"
        "\n"
        "            members  USD, in all\n"
        "----------  -------  -----------\n"
        "better off        1         0.40\n"
        "worse off         0         0.00\n"
        "the same          2         0.00\n"
        "\n"
        "the most affected, and why, in USD\n"
        "\n"
        "member                      today  idea  difference\n"
        "--------------------------  -----  ----  ----------\n"
        "Ada, no tier to silver       2.00  2.40       +0.40\n"
        "- fresh                      0.00  0.60       +0.60\n"
        "- Flat(20) on MinSpend(60)   0.20  0.00       -0.20"
    )


def test_a_comparison_agrees_with_the_roll_forward_of_each_replay(result):
    for name in ("today", "idea"):
        replay = result.replays[name]
        books = rollforward(replay, until=replay.at.date(), prices="0.007")
        outcome = result.outcome(name)

        assert books.ties_out
        assert (outcome.earned, outcome.lapsed) == (books.line("issued").points, -books.line("lapsed").points)
        assert outcome.spent == -books.line("redeemed").points
        assert (outcome.outstanding, outcome.liability) == books.line("closing")[2:]
        assert outcome.cost * 100 == outcome.spent


def test_tiers_are_counted_at_the_end(result):
    held = {row.member: row.tier for row in result.replays["idea"].balances()}

    assert [(row.program, row.tier) for row in result.tiers.rows] == [
        ("today", ""), ("idea", ""), ("idea", "silver"), ("idea", "gold"),
    ]  # fmt: skip
    for row in result.tiers.rows[1:]:
        assert row.members == sum(tier == row.tier for tier in held.values())


@pytest.mark.parametrize("form", ["file", "transactions", "iterator", "frame"])
def test_a_history_may_come_in_any_form(form):
    file = EXAMPLES / "transactions.csv"
    read = read_transactions(file)
    given_as = {"file": file, "transactions": read, "iterator": iter(read), "frame": None}[form]
    if form == "frame":
        pl = pytest.importorskip("polars")
        given_as = pl.read_csv(file, schema_overrides={"amount": pl.String})

    programs = {"a": Program("A", earning=PerSpend(1)), "b": Program("B", earning=PerSpend(2))}
    compared = compare(programs, given_as, amount_unit="major" if form == "frame" else None)

    assert [row.earned for row in compared.rows] == [62214, 125600]
    assert len(compared.members.better()) == 100


def test_several_workers_come_to_the_same(result, history):
    again = compare(
        {"today": TODAY, "idea": IDEA}, list(history), members=history.members, worth="0.01", rate="0.7", workers=2
    )

    assert again.rows == result.rows
    assert again.members.rows == result.members.rows


def test_more_than_two_programs_are_compared_with_the_first(history):
    double = Program("Club", earning=PerSpend(2), rewards=REWARDS)
    compared = compare({"today": TODAY, "idea": IDEA, "double": double}, history)

    assert "points                today    idea  double\n" in str(compared)
    assert {row.program for row in compared.members.rows} == {"idea", "double"}
    assert len(compared.members.better("double")) > len(compared.members.better("idea"))
    with pytest.raises(RuleError, match="name the one to compare with 'today': 'idea', 'double'"):
        compared.members.better()


# Members ------------------------------------------------------------------------------------------------------------


def test_everyone_is_better_off_worse_off_or_the_same(result):
    better, worse = result.members.better(), result.members.worse()
    same = [row for row in result.members.rows if not row.difference]

    assert len(better) > 0 < len(worse)
    assert len(better) + len(worse) + len(same) == 40
    assert [abs(row.difference) for row in result.members.rows] == sorted(
        (abs(row.difference) for row in result.members.rows), reverse=True
    )


def test_what_members_had_is_what_was_spent_and_is_left(result):
    for name, had in (("today", "before"), ("idea", "after")):
        outcome = result.outcome(name)

        assert sum(getattr(row, had) for row in result.members.rows) * 100 == outcome.spent + outcome.outstanding


def test_the_ten_most_affected_are_told_why_and_it_adds_up(result):
    told = list(dict.fromkeys(row.member for row in result.members.why.rows))

    assert told == [row.member for row in result.members.rows[:10]]
    for row in result.members.rows[:10]:
        parts = result.members.why.of(row.member)
        assert sum(part.before for part in parts) == row.before
        assert sum(part.after for part in parts) == row.after
        assert all(part.difference == part.after - part.before for part in parts)
    # both have that rule, and what else differs is told apart from it
    assert {part.difference for part in result.members.why.rows if part.part == "PerSpend(1)"} == {0}
    assert {"lapsed", "fresh", "Flat(20) on MinSpend(60)"} <= {row.part for row in result.members.why.rows}


@settings(max_examples=200)
@given(st.integers(0, 10**6))
def test_why_adds_up_and_books_tie_out_whatever_happened(seed):
    history = make_history(members=2, months=3, seed=seed, rewards=["coffee", "mug"])
    if not history.events:
        return
    end = "2025-04-15T23:59:59"
    compared = compare({"today": TODAY, "idea": IDEA}, history, at=end, members=history.members)

    for row in compared.members.rows:
        assert sum(part.difference for part in compared.members.why.of(row.member)) == row.difference
    for name, replay in compared.replays.items():
        books = rollforward(replay, since="2025-03-01", until="2025-04-15")
        assert books.ties_out
        assert books.line("closing").points == compared.outcome(name).outstanding


# What points are worth ----------------------------------------------------------------------------------------------

MILES = Program("Miles", points={"miles": Points(PerSpend(10))}, rewards={"seat": Item(400, unit="miles")})
TWO = Program("Two", points={"points": Points(PerSpend(1)), "stars": Points(PerSpend(3))})


def test_points_may_be_worth_something_else_under_each_program():
    history = [visit(30, "2026-01-05", "Ada")]
    worth = {"today": "0.01", "miles": {"miles": "0.002"}}

    compared = compare({"today": TODAY, "miles": MILES}, history, worth=worth)

    [ada] = compared.members.rows
    assert (ada.before, ada.after) == (Fraction("0.3"), Fraction("0.6"))
    assert [row.liability for row in compared.rows] == [Fraction("0.3"), Fraction("0.6")]
    assert "USD" in str(compared.members)
    assert "-" in str(compared).split("\n")[4]  # there are no miles today


def test_several_units_are_compared_by_what_they_are_worth():
    history = [visit(30, "2026-01-05", "Ada")]

    compared = compare({"today": TODAY, "two": TWO}, history, worth={"points": "0.01", "stars": "0.02"})

    assert compared.members.rows[0].after == Fraction("2.1")
    assert compared.outcome("two", "stars").liability == Fraction("1.8")
    assert {part.part for part in compared.members.why.rows} == {
        "points: PerSpend(1)", "stars: PerSpend(3)",
    }  # fmt: skip


def test_points_with_digits_after_the_point_are_shown_so():
    cash = Program("Cash", points={"cash": Points(PerSpend(2), places=2)})
    more = Program("Cash", points={"cash": Points(PerSpend(3), places=2)})

    compared = compare({"today": cash, "more": more}, [visit(50, "2026-01-05", "Ada")])

    assert compared.members.rows[0].difference == 50
    assert "Ada             1.00  1.50       +0.50" in str(compared)
    assert "earned        1.00  1.50        0.50" in str(compared)


def test_a_sweep_draws_whole_points_and_not_their_smallest_steps():
    rates = sweep(
        lambda rate: Program("Cash", points={"cash": Points(PerSpend(rate), places=2)}),
        [2, 3],
        [visit(50, "2026-01-05", "Ada")],
    )

    earned = rates.plot().get_lines()[0]

    assert [row.earned for row in rates.rows] == [100, 150]
    assert earned.get_ydata().tolist() == [1.0, 1.5]


def test_a_value_that_is_given_twice_is_refused():
    with pytest.raises(RuleError, match=r"values: 0\.5 is there more than once; give each value once"):
        sweep(lambda rate: Program("Club", earning=PerSpend(rate)), ["0.5", "1/2"], [visit(50, "2026-01-05", "Ada")])


@pytest.mark.parametrize(
    ("programs", "keywords", "said"),
    [
        ({"today": TODAY}, {}, "there is nothing to compare with"),
        ({"today": TODAY, "idea": "idea.toml"}, {}, r"programs\['idea'\]: 'idea.toml' is no program"),
        ({"today": TODAY, "two": TWO}, {}, "'two' has 2 units that can be redeemed, which do not add up"),
        ({"today": TODAY, "two": TWO}, {"worth": "0.01"}, "'two' has several units; give one for each of 'points'"),
        ({"today": TODAY, "miles": MILES}, {"worth": {"points": 1}}, "'miles' has none of the units that it names"),
        ({"today": TODAY, "idea": IDEA}, {"worth": 1, "rate": 2}, "rate: 2 is no share"),
        ({"today": TODAY, "idea": IDEA}, {"worth": "-1"}, "worth: -1 is below 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(programs, keywords, said):
    with pytest.raises(RuleError, match=said):
        compare(programs, [visit(30, "2026-01-05", "Ada")], **keywords)


def test_an_unknown_row_is_refused(result):
    with pytest.raises(RuleError, match="outcome: 'other', '' is no row"):
        result.outcome("other")


# One number after another -------------------------------------------------------------------------------------------


def rated(rate):
    return Program("Club", earning=PerSpend(rate), rewards=REWARDS)


def test_a_sweep_is_a_replay_of_each_value(history):
    swept = sweep(rated, ["0.5", 1, 2], history, worth="0.01")

    assert [row.value for row in swept.rows] == ["0.5", "1", "2"]
    for row, rate in zip(swept.rows, ("0.5", 1, 2), strict=True):
        total = rated(rate).replay(history).totals["points"]
        assert (row.earned, row.spent, row.outstanding) == (total.earned, total.spent, total.net)
        assert (row.cost * 100, row.liability * 100) == (row.spent, row.outstanding)
    assert "points  earned  spent  lapsed" in str(swept)
    assert swept.to_frame()["value"].to_list() == [0.5, 1, 2]


def test_values_need_not_be_numbers(history):
    swept = sweep(lambda name: {"today": TODAY, "idea": IDEA}[name], ["today", "idea"], history)

    assert [row.earned for row in swept.rows] == [
        row.earned for row in compare({"today": TODAY, "idea": IDEA}, history).rows
    ]
    assert swept.to_frame()["value"].to_list() == ["today", "idea"]


def test_a_sweep_needs_values_and_programs():
    with pytest.raises(RuleError, match="values: there are none"):
        sweep(rated, [], [])
    with pytest.raises(RuleError, match=r"make\(1\): None is no program"):
        sweep(lambda _: None, [1], [])


# How it looks -------------------------------------------------------------------------------------------------------


def test_every_part_has_a_frame_html_and_a_plot(result, history):
    from matplotlib.figure import Figure

    swept = sweep(rated, [1, 2], history)

    for part in (result, *result.parts, swept):
        ax = Figure().subplots()
        assert part.plot(ax) is ax
        assert ax.patches or ax.lines
        assert part.to_frame().height == len(part.rows)
        assert "<table>" in part._repr_html_()
        assert part.to_csv().count("\n") == len(part.rows) + 1
        assert len(part.to_data()["rows"]) == len(part.rows)


def test_the_command_compares_files(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(EXAMPLES)
    page = tmp_path / "page.html"

    assert main(["compare", "transactions.csv", "--program", "grocer.toml", "--with", "grocer_tiers.toml",
                 "--worth", "0.01", "--html", str(page)]) == 0  # fmt: skip

    printed = capsys.readouterr().out
    assert "points            grocer  grocer_tiers  difference\n" in printed
    assert "gold          0             8           8" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert "by_tier(silver=&#x27;1.2&#x27;, gold=&#x27;1.5&#x27;)" in page.read_text()


def test_the_command_needs_two_different_files(capsys, monkeypatch):
    monkeypatch.chdir(EXAMPLES)

    assert main(["compare", "transactions.csv", "--program", "grocer.toml", "--with", "grocer.toml"]) == 2
    assert "--with: grocer.toml is given again" in capsys.readouterr().err


def test_the_example_prints_what_a_year_of_a_grocery_chain_comes_to(capsys, monkeypatch):
    monkeypatch.chdir(EXAMPLES.parent)
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "argv", ["grocery_year.py", "--sample", "--workers", "1"])

    import_module("grocery_year").main()

    printed = capsys.readouterr().out
    assert "total    100,843  35,550       0         0      0  65,293\n" in printed
    assert "gold         0     8           8\n" in printed
    assert "in the ledger   65,293  391.76\ntie-out              0    0.00\n" in printed
