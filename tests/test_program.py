"""A program: its units, its rounding, its zone, and what is checked when it is built."""

from fractions import Fraction
import pickle
import warnings

import pytest

from loyaltycore import *

SALE = Activity.purchase("10.50", at="2026-03-01")
STARS = PerSpend(1).named("stars")


# What it awards -----------------------------------------------------------------------------------------------------


def test_a_program_of_one_rule_has_one_unit():
    club = Program("Club", earning=PerSpend(1))
    assert club == Program("Club", points={"points": Points(earning=PerSpend(1))})
    assert list(club.award(SALE)) == ["points"]
    assert club.award(SALE)["points"].points == 10


def test_every_unit_earns_by_its_own_rule_and_rounding():
    club = Program(
        "Club",
        points={
            "stars": Points(PerSpend(2)),
            "status": Points(PerSpend(1), rounding=Rounding("half_up"), redeemable=False),
            "cash": Points(PerSpend("0.03") * 100, places=2),
        },
    )
    assert {unit: award.points for unit, award in club.award(SALE).items()} == {"stars": 21, "status": 11, "cash": 31}
    assert club.award(SALE)["cash"].exact == Fraction(63, 2)


def test_each_unit_counts_for_itself_under_the_same_name():
    rule = STARS.cap(15, per="month")
    club = Program("Club", points={"stars": Points(rule), "status": Points(rule)})
    first = club.award(SALE)
    assert {key.unit for award in first.values() for key in award.counts} == {"stars", "status"}
    member = Member()
    for award in first.values():
        member = member.after(award)
    assert {unit: award.points for unit, award in club.award(SALE, member).items()} == {"stars": 5, "status": 5}


# Rounding -----------------------------------------------------------------------------------------------------------

TILL = Activity([Line("4.99"), Line("4.99"), Line("0.50")], at="2026-03-01")


@pytest.mark.parametrize(
    ("rounding", "points"),
    [
        (Rounding(), 20),
        (Rounding("ceil"), 21),
        (Rounding("half_up"), 21),
        (Rounding("half_up", each="line"), 20 + 1),
        (Rounding(each="line"), 9 + 9 + 1),
        (Rounding("ceil", each="rule"), 11 + 11),
        (Rounding(each="rule"), 10 + 10),
        (Rounding(to=5), 20),
        (Rounding("ceil", to=25), 25),
        (Rounding("ceil", to=5, each="rule"), 15 + 15),
    ],
    ids=str,
)
def test_what_is_rounded_how_and_of_what_each(rounding, points):
    rule = PerSpend(1) + PerSpend(1)
    assert rounding.award(rule, TILL).points == points
    assert Program("Club", points={"x": Points(rule, rounding=rounding)}).award(TILL)["x"].points == points


def test_the_award_keeps_what_it_was_before_it_was_rounded_as_a_whole():
    award = Rounding("half_up").award(PerSpend(1), SALE)
    assert (award.exact, award.points) == (Fraction(21, 2), 11)
    assert str(award).startswith("       11  rounded from 10.5")


@pytest.mark.parametrize("to", ["0.25", "1.5"])
def test_multiples_that_are_no_whole_points_are_refused_when_built(to):
    with pytest.raises(RuleError, match=rf"to: {to} is not a whole number; give an int"):
        Rounding(to=to)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((100,), "award: 100 is no activity; write Activity.purchase(100, at=...)"),
        ((SALE, "m-1"), "award: 'm-1' is no member; give Member(...), or leave it out"),
        ((SALE, None), "award: None is no member; give Member(...), or leave it out"),
    ],
)
def test_a_program_is_asked_about_an_activity_and_a_member(given, message):
    with pytest.raises(RuleError) as refused:
        Program("Club", earning=STARS).award(*given)
    assert str(refused.value) == message


# What cannot be meant -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("Program('Club')", "a program earns by one rule or by several units; give either earning=... or points={...}"),
        (
            "Program('Club', earning=Flat(1), points={'x': Points(Flat(1))})",
            "a program earns by one rule or by several units; give either earning=... or points={...}",
        ),
        ("Program('', earning=Flat(1))", "name: '' is not a name; give text that is not empty"),
        ("Program('Club', earning=5)", "rule: 5 is no earning rule; give one such as PerSpend(1) or Flat(50)"),
        (
            "Program('Club', points=[1])",
            "points: [1] is no mapping; give units by name as in {'stars': Points(earning=...)}",
        ),
        ("Program('Club', points={'x': Flat(1)})", "points.x: Flat(1) is no unit; give Points(earning=...)"),
        ("Program('Club', points={'': Points(Flat(1))})", "points: '' is not a name; give text that is not empty"),
        (
            "Program('Club', earning=Flat(1), currency='dollars')",
            "currency: 'dollars' is no ISO 4217 code; give one such as 'USD'",
        ),
        (
            "Program('Club', earning=Flat(1), currency='€€€')",
            "currency: '€€€' is no ISO 4217 code; give one such as 'USD'",
        ),
        ("Points(Flat(1), rounding='floor')", "rounding: 'floor' is no rounding; give one such as Rounding('half_up')"),
        ("Points(Flat(1), redeemable=1)", "redeemable: 1 is neither True nor False; give one of them"),
        ("Points(Flat(1), places=-1)", "places: -1 is below 0; give 0 or more"),
        ("Rounding('up')", "rounding: 'up' is no mode; give one of floor, ceil, half_up, half_down, half_even"),
        ("Rounding(each='basket')", "each: 'basket' is no level; give one of activity, line, rule"),
        ("Rounding(to=0)", "to: 0 is below 1; give 1 or more"),
    ],
)
def test_what_a_program_cannot_be_is_refused_with_the_remedy(code, message):
    with pytest.raises(RuleError) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


def test_two_rules_that_count_under_one_name_are_refused():
    rule = STARS.cap(100, per="month") + PerSpend(2).named("stars").cap(50, per="month")
    with pytest.raises(RuleError) as refused:
        Program("Club", earning=rule)
    assert str(refused.value) == (
        "$.points.points.earning.rules[1]: PerSpend(2).named('stars').cap(50, per='month') counts as 'stars' per"
        " 'month', and so does PerSpend(1).named('stars').cap(100, per='month') at $.points.points.earning.rules[0];"
        " give one of them another name"
    )


@pytest.mark.parametrize(
    "rule",
    [
        STARS.cap(100, per="month") + STARS.cap(100, per="month"),  # the same rule twice shares its counter
        STARS.cap(50, per="day").cap(100, per="month"),  # other stretches
        STARS.cap(50, per="month").limit(3, per="month"),  # other things counted
        STARS.cap(50) + PerSpend(2).named("stars").cap(60),  # nothing is counted over one activity
        best_of(STARS.cap(50, per="day"), PerSpend(2).named("other").cap(50, per="day")),
    ],
    ids=repr,
)
def test_names_that_do_not_collide(rule):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Program("Club", earning=rule).award(SALE)["points"].points > 0


@pytest.mark.parametrize(
    "rule",
    [
        PerSpend(1).cap(50) * 2,
        (PerSpend(1).cap(50).named("x") * by_tier(gold=2)).when(Category("dining")),
        Flat(1) + PerSpend(1).named("x").cap(50, per="month").at_least(5) * 2,
        (PerSpend(1).named("x").cap(50, per="month") + Flat(1)) * 2,
        best_of(PerSpend(1).cap(50), Flat(1)) * by_tier(gold=2),
    ],
    ids=repr,
)
def test_a_factor_outside_a_cap_multiplies_past_it_which_is_a_warning(rule):
    with pytest.warns(
        LoyaltyWarning, match=r"multiplies past the cap inside it; write the factor before \.cap"
    ) as caught:
        Program("Club", earning=rule)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_factor_inside_a_cap_is_no_warning():
    club = Program("Club", earning=(PerSpend(1) * 2).cap(15))
    assert club.award(SALE)["points"].points == 15


# As a value ---------------------------------------------------------------------------------------------------------


def test_a_program_is_a_value():
    club = Program("Club", earning=PerSpend(1) * by_tier(gold=2), currency="eur", timezone="Europe/London")
    assert repr(club) == (
        "Program('Club', earning=PerSpend(1) * by_tier(gold=2), currency='EUR', timezone='Europe/London')"
    )
    assert eval(repr(club)) == club  # noqa: S307 (our own)
    assert pickle.loads(pickle.dumps(club)) == club  # noqa: S301 (our own)
    assert len({club, eval(repr(club))}) == 1  # noqa: S307 (our own)
    several = Program("Club", points={"a": Points(Flat(1)), "b": Points(Flat(2), rounding=Rounding(to=5), places=2)})
    assert eval(repr(several)) == several  # noqa: S307 (our own)


def test_a_program_whose_name_looks_like_its_points_reads_back():
    odd = Program("points={'points': Points(Flat(1))}", earning=Flat(1))
    assert eval(repr(odd)) == odd  # noqa: S307 (our own)
