"""What differs between two programs: each difference by itself, in plain words, at a place that exists."""

import re
import warnings

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from pages import ROOT
import pytest
from stored import STRATEGIES

from loyaltycore import *
from loyaltycore._strategy import parts_of
from loyaltycore.cli import main
from loyaltycore.redemption import automatic_in
from loyaltycore.testing import rules

FILES = sorted([*(ROOT / "examples").glob("*.toml"), *(ROOT / "examples/gallery").glob("*.toml")])
STARS = Points(PerSpend(1))


def program(earning=None, *, unit=STARS, **others):
    """A club that earns stars, and miles to convert into."""
    stars = unit if earning is None else evolve(unit, earning=earning)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Program("Club", **{"points": {"stars": stars, "miles": Points(Flat(0), redeemable=False)}, **others})


def told(before, after):
    """What is said of two programs, or of two rules by which their stars are earned."""
    pair = [side if isinstance(side, (Program, ProgramHistory)) else program(side) for side in (before, after)]
    return [str(difference) for difference in diff(*pair)]


# Rules --------------------------------------------------------------------------------------------------------------

GROCERIES = PerSpend(4).when(Category("groceries")).named("groceries").cap(1500, per="month")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            GROCERIES,
            PerSpend(3).when(Category("groceries")).named("groceries").cap(1500, per="month"),
            "the rate of groceries goes from 4 to 3",
        ),
        (
            GROCERIES,
            PerSpend(4).when(Category("groceries")).named("groceries").cap(1000, per="month"),
            "the cap of groceries goes from 1,500 to 1,000",
        ),
        (
            GROCERIES,
            PerSpend(4).when(Category("groceries")).named("groceries").cap(1500, per="year"),
            "the period of the cap of groceries is “a year” instead of “a month”",
        ),
        (PerSpend(1), PerSpend(2), "the rate of “1 star for each dollar” goes from 1 to 2"),
        (PerSpend(1), PerSpend(1) + Flat(5), "a rule is added: 5 stars for each activity"),
        (PerSpend(1) + Flat(5), Flat(5), "a rule is removed: 1 star for each dollar"),
        (PerSpend(1) + Flat(5), Flat(5) + PerSpend(1), "the rules stand in another order"),
        (
            PerSpend(1),
            PerSpend(1).when(Category("food")),
            "“1 star for each dollar” becomes “1 star for each dollar on food”",
        ),
        (
            PerSpend(2).when(Category("food")),
            PerSpend(2).when(Category("food", "wine")),
            "the condition of “2 stars for each dollar on food” is “on food and wine” instead of “on food”",
        ),
        (
            PerSpend(2).when(Category("food")),
            PerSpend(3).when(Category("food", "wine")),
            "“2 stars for each dollar on food” becomes “3 stars for each dollar on food and wine”",
        ),
        (
            (PerSpend(1) * by_tier(gold=2)).named("base"),
            (PerSpend(1) * by_tier(gold=3)).named("base"),
            "the factor for gold of base goes from 2 to 3",
        ),
        (
            (PerSpend(1) * by_tier(gold=2)).named("base"),
            (PerSpend(1) * by_tier(gold=2, top=4)).named("base"),
            "the factor for top of base is now 4",
        ),
        (
            PointsTable({"near": 5, "far": 9}, by="zone").named("flown"),
            PointsTable({"near": 5, "far": 10}, by="zone").named("flown"),
            "the number for far of flown goes from 9 to 10",
        ),
        (
            PerSpend(1).over(100).named("dear"),
            PerSpend(1).over(150).named("dear"),
            "the lower bound of dear goes from $100 to $150",
        ),
        (
            (PerSpend(1) + Flat(5)).named("both").cap(50),
            (PerSpend(1) + Flat(5) + Flat(7).when(FirstTime())).named("both").cap(50),
            "a rule of both is added: 7 stars for the member's first activity",
        ),
        (
            best_of(PerSpend(1), Flat(5)),
            best_of(PerSpend(1), Flat(6)),
            "the number of “5 stars for each activity” goes from 5 to 6",
        ),
    ],
)  # fmt: skip
def test_one_change_of_a_rule_is_one_difference(before, after, text):
    assert told(before, after) == [f"stars: {text}"]


def test_rules_that_are_added_up_are_told_apart():
    before = PerSpend(1) + PerSpend(2).when(Category("food")) + PerSpend(3).when(Category("wine")) + GROCERIES
    after = GROCERIES * 2 + PerSpend(1) + PerSpend(2).when(Category("food")) + PerSpend(4).when(Category("wine"))

    assert told(
        before, PerSpend(1) + PerSpend(2).when(Category("food")) + PerSpend(4).when(Category("wine")) + GROCERIES
    ) == ["stars: the rate of “3 stars for each dollar on wine” goes from 3 to 4"]
    assert len(told(before, after)) == 3  # the rate, the factor, the order


# The rest of a program ----------------------------------------------------------------------------------------------

GOLD = Tier("gold", Reach("stars", 500), benefits=("lounge", Benefit("bag", 1)))


def in_tiers(*tiers, **ladder):
    return program(tiers=TierLadder(*tiers, **ladder))


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        (
            program(unit=evolve(STARS, expiry=After(months=24))),
            program(unit=evolve(STARS, expiry=After(months=12))),
            ["stars: the expiry is “12 months after they are earned” instead of “24 months after they are earned”"],
        ),
        (
            program(),
            program(unit=evolve(STARS, pending=After(days=14), at_most=900)),
            [
                "stars: the most that an account has is now 900",
                "stars: the wait until they become available is now 14 days after they are earned",
            ],
        ),
        (
            program(unit=evolve(STARS, converts=Convert(100, into="miles", gives=5).every("month"))),
            program(unit=evolve(STARS, converts=Convert(100, into="miles", gives=4).every("month"))),
            ["stars: the number that it gives goes from 5 to 4"],
        ),
        (
            program(unit=evolve(STARS, on_event=Flat(5).when(OfKind("joined")))),
            program(),
            ["stars: a rule for events is removed: 5 stars when the member joins"],
        ),
        (program(), program(currency="EUR"), ["the currency is “EUR” instead of “USD”"]),
        (
            program(rewards={"coffee": Item(150)}),
            program(rewards={"coffee": Item(175)}),
            ["coffee: the price goes from 150 to 175"],
        ),
        (
            program(rewards={"coffee": Item(150)}),
            program(rewards={"tea": Item(100)}),
            ["the reward coffee is removed", "the reward tea is added: 100 stars"],
        ),
        (
            program(rewards={"coffee": Item(150).limit(3, per="year")}),
            program(rewards={"coffee": Item(150).limit(5, per="year")}),
            ["coffee: the limit goes from 3 to 5"],
        ),
        (
            program(rewards={"pay": PayWithPoints(worth="0.01")}),
            program(rewards={"pay": PayWithPoints(worth="0.02", share="0.5")}),
            ["pay: the share of the order goes from 100% to 50%", "pay: the worth of a point goes from $0.01 to $0.02"],
        ),
        (
            program(rewards={"coffee": Item(150)}),
            program(rewards={"coffee": Item(150).when(InTier("gold"))}, tiers=TierLadder(GOLD)),
            [
                "coffee: the reward is “150 stars, for members in gold” instead of “150 stars”",
                "the tiers are added: gold",
            ],
        ),
        (
            program(rewards={"seat": AwardChart({"near": 5, "far": 9}, by="zone")}),
            program(rewards={"seat": AwardChart({"near": 6, "far": 9}, by="zone")}),
            ["seat: the price for near goes from 5 to 6"],
        ),
        (
            in_tiers(GOLD),
            in_tiers(evolve(GOLD, qualification=Reach("stars", 400), benefits=("lounge", "gift", Benefit("bag", 2)))),
            [
                "gold: it brings gift, too",
                "gold: it brings bag (2 a year) instead of bag (1 a year)",
                "gold: the threshold is “400 stars” instead of “500 stars”",
            ],
        ),
        (
            in_tiers(GOLD),
            in_tiers(GOLD, Tier("top", Reach("stars", 900), benefits=("gift",))),
            ["tiers: a tier is added, top: 900 stars. Benefits: gift"],
        ),
        (
            in_tiers(GOLD, keeps=After(years=1), downgrade="none"),
            in_tiers(GOLD, keeps=After(months=6), downgrade="none", applies="after"),
            [
                (
                    "tiers: the tier that an activity is judged in is “the one that it reaches” instead of"
                    " “that of earlier ones”"
                ),
                (
                    "tiers: the time that a tier is kept is “until it is reviewed 6 months after it is reached”"
                    " instead of “until it is reviewed 1 year after it is reached”"
                ),
            ],
        ),
        (program(), program(points={"stars": STARS}), ["the unit miles is removed"]),
    ],
)  # fmt: skip
def test_what_is_not_a_rule_is_told_as_well(before, after, texts):
    assert told(before, after) == texts


def test_of_histories_versions_of_the_same_day_are_compared():
    old = ProgramHistory(program(), ("2026-01-01", program(PerSpend(2))))
    new = ProgramHistory(program(), ("2026-01-01", program(PerSpend(3))), ("2027-01-01", program()))

    assert told(old, new) == [
        "from 1 January 2026 on, stars: the rate of “2 stars for each dollar” goes from 2 to 3",
        "the version from 1 January 2027 on is added",
    ]
    assert told(program(), new) == [
        "the version from 1 January 2026 on is added",
        "the version from 1 January 2027 on is added",
    ]
    assert told(program(), ProgramHistory(program())) == []


def test_a_difference_has_the_values_as_they_stand_in_the_programs():
    (difference,) = diff(program(), program(PerSpend(1) + Flat(5)))

    assert difference == Difference(
        "$.points.stars.earning.rules[1]", None, Flat(5), "stars: a rule is added: 5 stars for each activity"
    )


def test_places_are_sorted_as_they_are_counted():
    before = sum(Flat(n).when(Category(f"c{n}")) for n in range(1, 13))
    after = sum(Flat(n + 100).when(Category(f"c{n}")) for n in range(1, 13))

    assert [re.findall(r"\d+", found.place)[0] for found in diff(program(before), program(after))] == [
        str(n) for n in range(12)
    ]


# Laws ---------------------------------------------------------------------------------------------------------------


def at(program, place):
    """What a program has at a place; raises where it has nothing there."""
    value = program
    for name, key, index in re.findall(r"\.(\w+)|\[('[^']*'|\"[^\"]*\")\]|\[([^\]]+)\]", place.removeprefix("$")):
        if isinstance(value, ProgramHistory) and name == "versions":
            value = value._programs
        elif isinstance(value, Program) and name == "tiers":
            value = value.ladders["tiers"]
        elif name and hasattr(value, "keys"):
            value = value[name]
        elif name:
            (field,) = (part.name for part in parts_of(type(value)) if part.keyword == name)
            value = getattr(value, field)
        elif key or hasattr(value, "keys"):
            value = next(item for known, item in value.items() if repr(known) == (key or index))
        else:
            value = value[int(index)]
    return value


def keeps_the_laws(before, after):
    found = diff(before, after)

    assert bool(found) == (before != after)
    for difference in found:
        assert difference.text == difference.text.strip()
        at(before if difference.after is None else after, difference.place)


@given(rules(), rules())
def test_there_are_differences_where_programs_are_not_equal_and_nowhere_else(one, other):
    before, after = program(one), program(other)

    keeps_the_laws(before, before)
    keeps_the_laws(before, after)


@given(rules(max_depth=2), rules(max_depth=1), rules(max_depth=1))
def test_a_rule_more_is_one_difference(one, other, more):
    before, after = one + other, one + other + more
    found = diff(program(before), program(after))

    assert len(found) == (1 if not isinstance(more, type(before)) else len(more.rules))
    assert all(" is added: " in difference.text for difference in found)


def holding(strategy):
    """A program with that strategy in it."""
    if isinstance(strategy, EarningRule):
        return program(strategy)
    if isinstance(strategy, Condition):
        return program(PerSpend(1).when(strategy))
    if isinstance(strategy, RedemptionOption):
        by_itself = automatic_in(strategy) is not None
        unit = evolve(STARS, converts=strategy) if by_itself else STARS
        return program(unit=unit, rewards={} if by_itself else {"it": strategy})
    if isinstance(strategy, DateRule):
        if strategy == EndOfPeriod(1):
            return in_tiers(GOLD, window="year", keeps=strategy)
        return program(unit=evolve(STARS, expiry=strategy))
    return in_tiers(Tier("gold", strategy)) if isinstance(strategy, Qualification) else program(PerSpend(1) * strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_of_every_kind_are_compared(strategy):
    after = holding(strategy)

    keeps_the_laws(program(), after)
    keeps_the_laws(after, program())


@given(st.sampled_from(FILES), st.sampled_from(FILES))
def test_the_examples_keep_the_laws(one, other):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keeps_the_laws(ProgramHistory.load(one), ProgramHistory.load(other))


# The command --------------------------------------------------------------------------------------------------------


def file(tmp_path, name, rate):
    path = tmp_path / name
    path.write_text(f'name = "Club"\nearning = "PerSpend({rate})"\n')
    return str(path)


def test_the_command_prints_differences_and_exits_with_1(tmp_path, capsys):
    old, new = file(tmp_path, "old.toml", 1), file(tmp_path, "new.toml", 2)

    assert main(["diff", old, new]) == 1
    assert capsys.readouterr().out == "points: the rate of “1 point for each dollar” goes from 1 to 2\n"


def test_the_command_says_so_where_there_are_none_and_exits_with_0(tmp_path, capsys):
    same = file(tmp_path, "same.toml", 1)

    assert main(["diff", same, same]) == 0
    assert capsys.readouterr().out == "no differences\n"


def test_the_command_exits_with_2_where_it_cannot_read(tmp_path, capsys):
    assert main(["diff", file(tmp_path, "old.toml", 1), str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err
