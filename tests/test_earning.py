"""Earning rules: what each leaf gives, how rules combine, and what is counted over time."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._strategy import KINDS, NAMES

CLASSIC = PerSpend(1).between(50, 100) + PerSpend(2).over(100)


def spend(amount, category="", *, at="2026-03-01", **facts):
    return Activity.purchase(amount, at=at, category=category, **facts)


def points(rule, *activities, member=ANYONE):
    """What the activities earn one after another, the counters carried along."""
    earned = []
    for activity in activities:
        award = rule.award(activity, member)
        member = member.after(award)
        earned.append(award.points)
    return earned


@frozen
class NotAsked(EarningRule):
    """A rule that must not be asked."""

    kind = "test_never_asked"

    def earn(self, activity, member):
        raise AssertionError(f"asked about {activity!r}")


# The classic exercise -----------------------------------------------------------------------------------------------

AMOUNTS = ("120", "100.20", "50.99", "99.99", "200.55")


@pytest.mark.parametrize(
    ("rule", "rounding", "expected"),
    [
        (CLASSIC, Rounding("floor"), [90, 50, 0, 49, 251]),
        (
            (PerStep(1, every=1).between(50, 100) + PerStep(2, every=1).over(100)),
            Rounding("floor"),
            [90, 50, 0, 49, 250],
        ),
        (CLASSIC, Rounding("half_up"), [90, 50, 1, 50, 251]),
    ],
    ids=["floor at the end", "whole dollars first", "half up at the end"],
)
def test_cents_in_the_three_readings(rule, rounding, expected):
    assert [rounding.award(rule, spend(amount)).points for amount in AMOUNTS] == expected


def test_the_default_is_floor_at_the_end():
    assert [CLASSIC.award(spend(amount)).points for amount in AMOUNTS] == [90, 50, 0, 49, 251]
    club = Program("Club", earning=CLASSIC)
    assert [club.award(spend(amount))["points"].points for amount in AMOUNTS] == [90, 50, 0, 49, 251]


@pytest.mark.parametrize(
    ("amount", "expected"), [(0, 0), (50, 0), ("50.01", 0), (51, 1), (100, 50), (101, 52), (10**9, 2 * 10**9 - 150)]
)
def test_bounds_of_the_bands(amount, expected):
    assert CLASSIC.award(spend(amount)).points == expected


# Leaves -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "activity", "exact"),
    [
        (PerSpend(1), spend(105), 105),
        (PerSpend("0.5"), spend(105), "52.5"),
        (PerSpend(Fraction(1, 3)), spend(10), "10/3"),
        (PerSpend(Decimal("1.25")), spend("80.40"), "100.5"),
        (PerSpend(3, every=10), spend(105), "31.5"),
        (PerSpend(1, every="0.5"), spend("1.25"), "2.5"),
        (PerSpend(0), spend(105), 0),
        (PerStep(1, every=10), spend(105), 10),
        (PerStep(1), spend("9.99"), 0),
        (PerStep(5, every="2.50"), spend("12.49"), 20),
        (PerStep(1, every=2, of="quantity"), spend(1, quantity=7), 3),
        (PerStep(1, every=500, of="distance"), Activity.flight(at="2026-03-01", distance=1499), 2),
        (PerUnit(1), Activity.flight(at="2026-03-01", distance=800), 800),
        (PerUnit("1.5"), Activity.flight(at="2026-03-01", distance=801), "1201.5"),
        (PerUnit(100, of="nights"), spend(300, nights=3), 300),
        (PerUnit(1), spend(300), 0),  # a fact that is missing is 0
        (PerItem(5), spend(30, quantity=3), 15),
        (PerItem(5), spend(30, quantity="1.2"), 6),
        (Flat(50), spend(0), 50),
        (Flat("0.5"), spend(9), "0.5"),
    ],
    ids=repr,
)
def test_what_a_leaf_gives(rule, activity, exact):
    assert rule.award(activity).exact == Fraction(exact)


def test_a_step_is_one_of_the_total_only():
    basket = Activity([Line("9.99"), Line("9.99")], at="2026-03-01")
    assert PerStep(1, every=10).award(basket).points == 1
    assert PerStep(1, every=10).each_line().award(basket).points == 0


def test_flat_and_per_unit_count_once_an_activity_however_many_lines_it_has():
    flight = Activity.flight(base_fare=100, carrier_fees=50, taxes=20, at="2026-03-01", distance=800)
    assert len(flight.lines) == 3
    assert Flat(50).award(flight).points == 50
    assert PerUnit(1).award(flight).points == 800
    assert Flat(50).each_line().award(flight).points == 150


def test_a_quantity_that_nets_below_0_earns_0():
    basket = Activity([Line(50), Line(10, quantity=-3)], at="2026-03-01", facts={"km": -5})
    assert PerItem(5).award(basket).points == 0
    assert PerUnit(5, of="km").award(basket).points == 0
    assert PerStep(5, every=1, of="km").award(basket).points == 0


def test_a_float_amount_is_refused_with_the_remedy():
    with pytest.raises(InexactNumber, match=r"amount: the float 9\.99 is not exact; write '9\.99' or Decimal"):
        spend(9.99)


# Tables -------------------------------------------------------------------------------------------------------------

ZONES = PointsTable({"domestic": {"economy": 500, "business": 600}, "abroad": {"economy": 1000}}, by=("zone", "cabin"))


def flight(**facts):
    return Activity.flight(base_fare=100, at="2026-03-01", **facts)


def test_a_table_gives_the_points_of_its_row():
    assert ZONES.award(flight(zone="domestic", cabin="business")).points == 600
    assert ZONES == PointsTable(  # noqa: SIM300 (they are all alike)
        {("domestic", "economy"): 500, ("domestic", "business"): 600, ("abroad", "economy"): 1000}, by=("zone", "cabin")
    )
    assert ZONES == PointsTable(  # noqa: SIM300
        [("domestic", "economy", 500), ["domestic", "business", 600], ("abroad", "economy", "1000")],
        by=["zone", "cabin"],
    )
    assert (
        str(ZONES.award(flight(zone="abroad", cabin="economy"))) == "    1,000  PointsTable: zone abroad, cabin economy"
    )


def test_a_tuple_in_the_place_of_one_key_is_any_of_its_values():
    table = PointsTable({"domestic": {("light", "basic"): 250, "flex": 500}}, by=("zone", "brand"))
    assert table == PointsTable(
        {("domestic", ("light", "basic")): 250, ("domestic", "flex"): 500}, by=("zone", "brand")
    )
    assert table == PointsTable(
        [("domestic", ("light", "basic"), 250), ("domestic", "flex", 500)], by=("zone", "brand")
    )
    assert PointsTable({("a", "b"): 5}, by="x") == PointsTable({"a": 5, "b": 5}, by="x")
    assert table.rows == (("domestic", "light", 250), ("domestic", "basic", 250), ("domestic", "flex", 500))
    assert eval(repr(table)) == table  # noqa: S307 (our own)


def test_a_large_table_needs_no_values_that_multiply():
    assert len(PointsTable({str(n): n for n in range(10_001)}, by="route").rows) == 10_001


def test_a_table_by_a_band():
    table = PointsTable({600: 500, 1200: 750, "over": 1000}, by=Band("distance", upto=[600, 1200]))
    assert [table.award(flight(distance=miles)).points for miles in (0, 600, 601, 1200, 1201)] == [
        500,
        500,
        750,
        750,
        1000,
    ]
    assert eval(repr(table)) == table  # noqa: S307 (our own)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"zone": "moon", "cabin": "economy"},
            (
                "the table by zone, cabin has no row for ('moon', 'economy'); it has ('domestic', 'economy'),"
                " ('domestic', 'business'), ('abroad', 'economy')"
            ),
        ),
        (
            {"zone": "domestic"},
            (
                "the table by zone, cabin has no row for ('domestic', None); it has ('domestic', 'economy'),"
                " ('domestic', 'business'), ('abroad', 'economy')"
            ),
        ),
    ],
)
def test_a_missing_row_is_an_error_that_names_it(facts, message):
    with pytest.raises(RuleError) as missing:
        ZONES.award(flight(**facts))
    assert str(missing.value) == message


def test_a_band_without_a_row_is_an_error_that_names_it():
    table = PointsTable({600: 500}, by=Band("distance", upto=[600]))
    with pytest.raises(RuleError, match="the table by distance has no row for 'over'; it has 600"):
        table.award(flight(distance=601))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("PointsTable({}, by='zone')", "rows: the table is empty; give at least one row"),
        ("PointsTable(5, by='zone')", "rows: the table is empty; give at least one row"),
        ("PointsTable('abc', by='zone')", "rows: the table is empty; give at least one row"),
        ("PointsTable([()], by='zone')", "rows: there is an empty one; give its keys and its points"),
        ("PointsTable([5], by='zone')", "rows[0]: (5,) does not have 1 keys and its points; give all of them"),
        ("PointsTable({'a': 5}, by=())", "by: there is no key; name a fact or a Band"),
        ("PointsTable({'a': 5}, by=[''])", "by: '' is not a name; give text that is not empty"),
        ("PointsTable([('a', 5), ('a', 6)], by='zone')", "rows[1]: ('a',) stands twice; give each key one row"),
        ("PointsTable({'a': -5}, by='zone')", "rows[['a']]: -5 is below 0; give 0 or more"),
        (
            "PointsTable({700: 5}, by=Band('distance', upto=[600]))",
            "rows[0]: 700 is no bound of Band('distance', upto=(600,)); give one of them, or 'over'",
        ),
        ("Band('distance', upto=[])", "upto: [] is no row of bounds; give them from the lowest up, as in [600, 1200]"),
        (
            "Band('distance', upto=[2, 1])",
            "upto: [2, 1] is no row of bounds; give them from the lowest up, as in [600, 1200]",
        ),
        ("Band('', upto=[1])", "of: '' is not a name; give text that is not empty"),
        ("PointsTable({('a', 'b'): 5, 'b': 6}, by='zone')", "rows[2]: ('b',) stands twice; give each key one row"),
        (
            "PointsTable({('a', 'b'): 5}, by=['x', 'y', 'z'])",
            "rows[0]: ('a', 'b', 5) does not have 3 keys and its points; give all of them",
        ),
        ("PointsTable({'a': {(): 5}}, by=['x', 'y'])", "rows[0]: a key is any of no values; give at least one"),
        (
            "PointsTable([[[[['a']], 'b'], 'c', 5]], by=['x', 'y'])",
            "rows: tuple is no fact; give text, a number, a truth value or a tuple of them",
        ),
        (
            "PointsTable([[tuple(range(101)), tuple(range(100)), 5]], by=['x', 'y'])",
            "rows[0]: the rows stand for more than 10,000 keys; give fewer values in a row",
        ),
        (
            "RateTable({'a': 5}, by=['x', 'y'])",
            "rows[0]: ('a', 5) does not have 2 keys and its factor; give all of them",
        ),
        (
            "PointsTable([[tuple(n * (2**61 - 1) for n in range(21)), 5]], by='x')",
            "rows: more than 20 of the numbers have one hash; use text instead of numbers",
        ),
        (
            "by_fact('x', {tuple(n * (2**61 - 1) for n in range(21)): 5})",
            "factors: more than 20 of the numbers have one hash; use text instead of numbers",
        ),
        ("by_fact('x', {(): 5})", "factors: a factor is for any of no values; give at least one"),
    ],
)
def test_what_a_table_cannot_be(code, message):
    with pytest.raises((RuleError, DataError)) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


# Outer methods act first --------------------------------------------------------------------------------------------


def test_a_band_outside_a_condition_trims_the_basket_and_then_the_condition_keeps_its_lines():
    basket = Activity([Line(120, "dining"), Line(80, "fuel")], at="2026-03-01")
    dining = PerSpend(1).when(Category("dining"))
    assert dining.over(100).award(basket).points == 60  # half of the basket is over 100, and so half of the 120
    assert PerSpend(1).over(100).when(Category("dining")).award(basket).points == 20  # of the 120, what is over 100


def test_trimming_scales_amounts_in_proportion_and_not_quantities():
    seen = []
    watch = matching(lambda line, activity, member: seen.append((line.amount, line.quantity)) or True)
    basket = Activity([Line(150, quantity=3), Line(50, quantity=7)], at="2026-03-01")
    assert PerItem(1).when(watch).over(100).award(basket).points == 10
    assert seen == [(75, 3), (25, 7)]


def test_a_band_of_a_quantity_or_a_fact_scales_that_alone():
    basket = Activity([Line(60, quantity=6, facts={"km": 30}), Line(40, quantity=2, facts={"km": 10})], at="2026-03-01")
    assert PerItem(1).over(6, of="quantity").award(basket).points == 2
    assert PerSpend(1).over(6, of="quantity").award(basket).points == 100
    assert PerUnit(1, of="km").between(10, 30, of="km").award(basket).points == 20
    assert PerUnit(1, of="km").over(40, of="km").award(basket).points == 0


def test_a_selection_that_keeps_no_line_earns_0_and_the_rule_inside_is_not_asked():
    for rule in (
        NotAsked().when(Category("travel")),
        NotAsked().when(MinSpend(1000)),
        NotAsked().over(100),
        NotAsked().between(100, 200),
        NotAsked().over(5, of="distance"),
        NotAsked().during("2027-01-01", None),
        NotAsked().over(50).when(Category("travel")),
        NotAsked().when(Category("travel")).over(50),
    ):
        assert rule.award(spend(100, "dining")).exact == 0


def test_a_selection_below_0_earns_0_and_the_rule_inside_is_not_asked():
    basket = Activity([Line(100, "shoes"), Line(-30, "shirts")], at="2026-03-01")
    for rule in (
        NotAsked().when(Category("shirts")),
        (PerSpend(1).when(Category("shoes")) + NotAsked().when(Category("shirts"))),
    ):
        assert rule.award(basket).points in (0, 100)
    award = PerSpend(1).each_line().award(basket)
    assert award.points == 100
    assert "nothing: what is left comes to -30, below 0" in str(award)


def test_bands_of_one_basket_add_up_to_the_whole():
    rule = PerSpend(1).between(0, 50) + PerSpend(1).between(50, 100) + PerSpend(1).over(100)
    for amount in ("0", "49.99", "50", "77.7", "100", "200.55"):
        assert rule.award(spend(amount)).exact == PerSpend(1).award(spend(amount)).exact


def test_bands_inside_bands_see_the_trimmed_amount():
    # over 100 leaves 50 of 150; over 20 leaves 30 of those
    assert PerSpend(1).over(20).over(100).award(spend(150)).points == 30


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("PerSpend(1).between(100, 100)", "between: 100 is not below 100; give the lower bound first"),
        ("PerSpend(1).between(100, '50.5')", "between: 100 is not below 50.5; give the lower bound first"),
        ("PerSpend(1).between(-1, 5)", "low: -1 is below 0; give 0 or more"),
        ("PerSpend(1).between(0, 0)", "high: 0 is not above 0; give a number above 0"),
        ("PerSpend(1).over(-1)", "low: -1 is below 0; give 0 or more"),
        ("PerSpend(1).over(1, of='')", "of: '' is not a name; give text that is not empty"),
        ("PerSpend(-1)", "points: -1 is below 0; give 0 or more"),
        ("PerSpend(1, every=0)", "every: 0 is not above 0; give a number above 0"),
        ("PerStep(1, every='-0.5')", "every: -0.5 is not above 0; give a number above 0"),
        ("PerUnit(1, of=None)", "of: None is not a name; give text that is not empty"),
        ("PerItem('-1/3')", "points: -1/3 is below 0; give 0 or more"),
        ("Flat(-1)", "points: -1 is below 0; give 0 or more"),
        ("Flat(1).named('')", "name: '' is not a name; give text that is not empty"),
        ("Flat(1).named(5)", "name: 5 is not a name; give text that is not empty"),
        ("Flat(1).at_least(-1)", "points: -1 is below 0; give 0 or more"),
        ("Flat(1).cap(-1)", "points: -1 is below 0; give 0 or more"),
        ("Flat(1).rounded('up')", "rounding: 'up' is no mode; give one of floor, ceil, half_up, half_down, half_even"),
        ("Flat(1).rounded(to=0)", "to: 0 is not above 0; give a number above 0"),
        ("Flat(1).named('x').limit(0, per='day')", "n: 0 is below 1; give 1 or more"),
        ("Flat(1).named('x').every_nth('1.5')", "n: 1.5 is not a whole number; give an int"),
        ("best_of()", "rules: there is none; give at least one"),
        ("first_of()", "rules: there is none; give at least one"),
        ("best_of(5)", "rule: 5 is no earning rule; give one such as PerSpend(1) or Flat(50)"),
        ("best_of(Flat(1), None)", "rule: None is no earning rule; give one such as PerSpend(1) or Flat(50)"),
        ("Points(5)", "rule: 5 is no earning rule; give one such as PerSpend(1) or Flat(50)"),
        ("Flat(1).award(100)", "award: 100 is no activity; write Activity.purchase(100, at=...)"),
        ("Flat(1).award(spend(1), 'm-1')", "award: 'm-1' is no member; give Member(...), or leave it out"),
    ],
)
def test_what_a_rule_cannot_be_is_refused_with_the_remedy(code, message):
    with pytest.raises(RuleError) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


# Sums and factors ---------------------------------------------------------------------------------------------------


def test_rules_add_up():
    rule = PerSpend(1) + Flat(50).when(MinSpend(200)) + PerItem(5)
    assert rule.award(spend(200, quantity=2)).points == 260
    assert (PerSpend(1) + (Flat(1) + Flat(2))) == ((PerSpend(1) + Flat(1)) + Flat(2))


def test_what_a_method_counts_by_may_be_given_by_position():
    assert PerSpend(1).cap(5, "line") == PerSpend(1).cap(5, per="line")
    assert PerUnit(1).between(100, 500, "distance") == PerUnit(1).between(100, 500, of="distance")
    assert PerUnit(1).over(100, "distance") == PerUnit(1).over(100, of="distance")
    assert PerSpend(1).rounded("ceil", 5) == PerSpend(1).rounded("ceil", to=5)


def test_a_sum_of_a_list_is_the_sum_of_its_rules():
    assert sum([PerSpend(1), Flat(2), Flat(3)]) == PerSpend(1) + Flat(2) + Flat(3)
    assert sum([Flat(1)]) == Flat(1)
    assert sum(Flat(n) for n in range(100)).award(spend(1)).points == 4950
    for other in (1, 0.0, False, "x", None):
        with pytest.raises(TypeError):
            other + Flat(1)
        with pytest.raises(TypeError):
            Flat(1) + other


def test_fractions_are_rounded_once_and_at_the_end():
    third = PerSpend("1/3")
    assert (third + third + third).award(spend(10)).points == 10
    assert (third * 3).award(spend(10)).points == 10
    assert sum([third.rounded()] * 3).award(spend(10)).points == 9


@pytest.mark.parametrize(
    "use", [lambda a: a and a, lambda a: a or a, lambda a: not a, bool], ids=["and", "or", "not", "bool"]
)
def test_a_rule_has_no_truth_value_and_says_what_to_use(use):
    with pytest.raises(
        TruthValue, match=r"PerSpend has no truth value: .*; use \+ \* best_of first_of \.when\(\.\.\.\)"
    ):
        use(PerSpend(1))


def test_methods_read_from_the_inside_out():
    rule = (PerSpend(5).when(Category("base_fare", "carrier_fee")) * by_tier(gold="1.4")).named("flown").cap(1000)
    ticket = Activity.flight(base_fare=100, carrier_fees=20, taxes=62, at="2026-03-01")
    assert rule.award(ticket).points == 600
    assert rule.award(ticket, Member(tier="gold")).points == 840
    assert points(rule, Activity.flight(base_fare=1000, at="2026-03-01")) == [1000]


# At least, at most, rounded, line by line ---------------------------------------------------------------------------


def test_at_least_lifts_only_an_award_above_0():
    flown = PerUnit(1).at_least(500)
    assert [flown.award(flight(distance=miles)).points for miles in (0, 1, 499, 500, 501)] == [0, 500, 500, 500, 501]
    assert flown.award(spend(10)).points == 0
    assert flown.when(Fact("cabin")).award(flight(distance=5)).points == 0


def test_a_cap_per_activity_needs_no_name_and_lets_fractions_through():
    assert PerSpend("0.5").cap(10).award(spend(15)).exact == Fraction(15, 2)
    assert PerSpend("0.5").cap(10).award(spend(25)).exact == 10
    assert PerSpend(1).cap("7.5").award(spend(25)).exact == Fraction(15, 2)
    assert PerSpend(1).cap(0).award(spend(25)).exact == 0


def test_a_cap_per_line():
    basket = Activity([Line(30), Line(5), Line("12.5")], at="2026-03-01")
    assert PerSpend(1).cap(10, per="line").award(basket).points == 25
    assert PerSpend(1).cap(10, per="line").award(spend(30)).points == 10


def test_rounding_inside_a_rule_is_part_of_the_rule():
    basket = Activity([Line("4.99"), Line("4.99")], at="2026-03-01")
    assert PerSpend(1).award(basket).points == 9
    assert PerSpend(1).each_line().award(basket).exact == Fraction(998, 100)
    assert PerSpend(1).rounded().each_line().award(basket).points == 8
    assert PerSpend(1).each_line().rounded("ceil").award(basket).points == 10
    assert (PerSpend(1).rounded("half_up") * "1.5").award(spend("2.38")).points == 3
    assert (PerSpend(1) * "1.5").rounded("half_up").award(spend("2.38")).points == 4
    assert PerSpend(1).rounded(to=50).award(spend(149)).points == 100


def test_lines_are_judged_one_after_another_with_their_counters():
    rule = PerSpend(1).named("x").cap(10, per="day").each_line()
    award = rule.award(Activity([Line(7, "a"), Line(7, "b"), Line(7)], at="2026-03-01"))
    assert [part.points for part in award.parts] == [7, 3, 0]
    assert [part.reason for part in award.parts] == ["line 1 (a)", "line 2 (b)", "line 3"]
    assert sum(award.counts.values()) == 10


# Best of and first of -----------------------------------------------------------------------------------------------


def test_best_of_gives_most_and_ties_go_to_the_first():
    rule = best_of(PerSpend(2), Flat(100), PerSpend(1) + Flat(50))
    assert [rule.award(spend(amount)).points for amount in (0, 50, 60, 200)] == [100, 100, 120, 400]
    assert [rule.award(spend(amount)).reason for amount in (0, 50, 60)] == [
        "the best of 3, number 2",
        "the best of 3, number 1",
        "the best of 3, number 1",
    ]


def test_where_none_earns_none_is_called_the_first():
    assert first_of(PerSpend(1).over(100), Flat(0)).award(spend(60)).reason == "none of 2 earns"


def test_the_winner_is_named_if_it_has_a_name():
    double, bonus = PerSpend(2).named("double").cap(100), Flat(100)
    assert best_of(double, bonus).award(spend(40)).reason == "the best of 2, number 2"
    assert best_of(double, bonus * "0.5").award(spend(60)).reason == "the best of 2: double"
    assert first_of(PerSpend(1).over(100), double).award(spend(60)).reason == "the first of 2 that earns: double"


def test_best_of_forwards_only_what_the_winner_counts():
    rule = best_of(PerSpend(2).named("a").cap(100, per="month"), PerSpend(1).named("b").cap(1000, per="month"))
    first = rule.award(spend(60))
    assert first.points == 100
    assert {key.name for key in first.counts} == {"a"}
    second = rule.award(spend(60), Member().after(first))
    assert second.points == 60
    assert {key.name for key in second.counts} == {"b"}
    tie = best_of(Flat(5).named("a").cap(9, per="month"), Flat(5).named("b").cap(9, per="month")).award(spend(1))
    assert {key.name for key in tie.counts} == {"a"}


def test_first_of_gives_the_first_that_earns_and_asks_no_further():
    rule = first_of(Flat(5).when(Category("dining")), PerSpend(1), NotAsked())
    assert rule.award(spend(30, "dining")).points == 5
    assert rule.award(spend(30)).points == 30
    assert rule.award(spend(30)).reason == "the first of 3 that earns, number 2"
    assert first_of(PerSpend(1), PerItem(0)).award(spend(0)).points == 0


# Over a period ------------------------------------------------------------------------------------------------------


def test_a_cap_per_period_must_be_named():
    with pytest.raises(RuleError) as refused:
        PerSpend(4).cap(1500, per="month")
    assert str(refused.value) == "per='month' counts under a name; write .named('...') before it on PerSpend(4)"
    for unnamed in (
        lambda: Flat(1).running(per="year"),
        lambda: Flat(1).limit(3, per="week"),
        lambda: Flat(1).every_nth(3),
        lambda: (Flat(1).named("x") + Flat(2)).cap(5, per="day"),
    ):
        with pytest.raises(RuleError, match=r"counts under a name; write \.named\('\.\.\.'\) before it"):
            unnamed()


def test_a_cap_per_period_floors_what_it_lets_through_and_counts_exactly_that():
    rule = PerSpend("0.5").named("half").cap(10, per="month")
    first = rule.award(spend("5.50"))  # 2.75
    assert (first.exact, first.points) == (2, 2)
    assert dict(first.counts) == {CounterKey("", "half", "points", "month 2026-03-01"): 2}
    assert points(rule, *[spend("5.50")] * 7) == [2, 2, 2, 2, 2, 0, 0]


def test_what_is_left_of_a_cap_is_said():
    rule = PerSpend(4).named("groceries").cap(1500, per="month")
    member = Member().after(rule.award(spend(300)))
    assert str(rule.award(spend(100), member)).splitlines() == [
        "      300  at most 1500 per 'month', of which 300 were left",
        "      400    groceries",
        "      400      PerSpend(4)",
    ]


def test_a_cap_begins_anew_with_each_stretch_and_the_day_of_the_activity_counts():
    rule = PerSpend(1).named("x").cap(100, per="month")
    story = [spend(80, at=at) for at in ("2026-01-31", "2026-01-31T23:59", "2026-02-01", "2026-01-15", "2026-02-28")]
    assert points(rule, *story) == [80, 20, 80, 0, 20]


def test_a_cap_for_each_value_of_a_fact():
    miles = PerSpend(5).named("flown").cap(75_000, per=Each("ticket"))
    legs = [Activity.flight(base_fare=10_000, at="2026-03-01", ticket=ticket) for ticket in ("A", "A", "B", "")]
    assert points(miles, *legs) == [50_000, 25_000, 50_000, 50_000]
    assert miles.award(legs[3]).counts == {}  # without a ticket it is capped by itself


def test_caps_over_several_periods_nest_under_one_name():
    rule = PerSpend(1).named("x").cap(50, per="day").cap(120, per="month")
    story = [spend(40, at=f"2026-03-0{day}") for day in (1, 1, 2, 3, 4)]
    assert points(rule, *story) == [40, 10, 40, 30, 0]


def test_the_same_rule_twice_in_a_sum_shares_its_counter():
    rule = PerSpend(1).named("x").cap(100, per="month")
    assert points(rule + rule, spend(60), spend(60)) == [100, 0]


def test_a_limit_counts_the_times_it_earned():
    rule = PerSpend(1).when(MinSpend(10)).named("x").limit(2, per="day")
    story = [
        spend(amount, at=at)
        for amount, at in (
            (20, "2026-03-01"),
            (5, "2026-03-01"),
            (30, "2026-03-01"),
            (40, "2026-03-01"),
            (50, "2026-03-02"),
        )
    ]
    assert points(rule, *story) == [20, 0, 30, 0, 50]
    member = Member().after(rule.award(story[0])).after(rule.award(story[2]))
    assert str(rule.award(story[3], member)) == "        0  nothing: it has earned 2 times per 'day' already"


def test_a_limit_per_activity_never_runs_out():
    assert points(Flat(5).limit(1, per="activity"), spend(1), spend(1)) == [5, 5]


def test_every_nth_time_that_it_would_earn():
    tenth = Flat(100).when(Category("coffee")).named("stamp").every_nth(3)
    story = [spend(3, category) for category in ("coffee", "tea", "coffee", "coffee", "coffee", "coffee", "coffee")]
    assert points(tenth, *story) == [0, 0, 0, 100, 0, 0, 100]
    assert str(tenth.award(story[0])) == "        0  nothing yet: time 1 of 3"


def test_every_nth_counts_what_is_inside_only_when_it_earns():
    rule = Flat(60).named("x").cap(100, per="month").every_nth(2)
    assert points(rule, *[spend(1)] * 6) == [0, 60, 0, 40, 0, 0]


# Running totals -----------------------------------------------------------------------------------------------------


def test_bands_over_a_running_total_and_a_purchase_that_straddles_the_line():
    cash = (
        (PerSpend(6).between(0, 6000) + PerSpend(1).over(6000))
        .when(Category("groceries"))
        .named("grocery")
        .running(per="year")
    )
    story = [spend(5900, "groceries"), spend(250, "groceries"), spend(50, "fuel"), spend(100, "groceries")]
    assert points(cash, *story) == [35_400, 600 + 150, 0, 100]
    assert points(cash, *story, spend(100, "groceries", at="2027-01-01"))[-1] == 600


def test_a_milestone_and_a_bonus_that_reaches_back():
    milestone = Flat(500).when(MinSpend(1000)).named("thousand").running(per="year")
    assert points(milestone, spend(600), spend(399), spend(1), spend(5000)) == [0, 0, 500, 0]
    back = (PerSpend(1) + PerSpend(1).when(MinSpend(100))).named("double").running(per="month")
    assert points(back, spend(60), spend(30), spend(10), spend(5)) == [60, 30, 110, 10]


def test_a_stamp_card_that_carries_over():
    card = PerStep(100, every=10, of="quantity").named("coffees").running(per="ever")
    cups = [spend(4, quantity=n) for n in (4, 7, 8, 12)]  # 4, 11, 19, 31 in all
    assert points(card, *cups) == [0, 100, 0, 200]


def test_running_never_pays_less_than_0():
    rule = PerSpend(1).when(Has(at_least=0) & ~MinSpend(100)).named("small").running(per="month")
    assert points(rule, spend(60), spend(30), spend(50), spend(1)) == [60, 30, 0, 0]


def test_a_condition_inside_running_reads_the_lines_so_far_and_their_facts():
    rule = PerUnit(1).when(Fact("cabin", "first")).named("first").running(per="year")
    legs = [flight(distance=miles, cabin=cabin) for miles, cabin in ((800, "first"), (500, "economy"), (200, "first"))]
    assert points(rule, *legs) == [800, 0, 200]


def test_the_first_activity_inside_running_is_the_first_of_the_account():
    rule = Flat(100).when(FirstTime()).named("welcome").running(per="month")
    member = Member().seen(spend(5, at="2026-01-01"))
    assert points(rule, spend(5), member=member) == [0]
    assert points(rule, spend(5)) == [100]


def test_nothing_so_far_is_nothing_to_judge():
    assert points(Flat(5).named("x").running(per="month"), Activity([Line(0, quantity=0)], at="2026-03-01")) == [0]


def test_running_per_a_fact_that_is_not_stated_judges_alone():
    rule = PerSpend(1).over(10).named("x").running(per=Each("trip"))
    assert points(rule, spend(8, trip=1), spend(8, trip=1), spend(18), spend(18)) == [0, 6, 8, 8]


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=8))
def test_running_pays_in_all_what_the_whole_would_earn(cents):
    rule = (PerSpend(2).between(0, 100) + PerSpend(1).over(100)).named("x")
    story = [spend(Fraction(n, 100)) for n in cents]
    member = Member()
    total = 0
    for activity in story:
        award = rule.running(per="month").award(activity, member)
        member, total = member.after(award), total + award.exact
    assert total == rule.award(spend(Fraction(sum(cents), 100))).exact


# One's own ----------------------------------------------------------------------------------------------------------


@frozen
class BirthdayGift(EarningRule):
    kind = "test_birthday_gift"
    bonus: int = 500

    def earn(self, activity, member):
        return self.bonus if activity.day.month == member.facts.get("birth_month") else 0


def test_a_rule_of_ones_own_composes_and_explains_itself():
    rule = (PerSpend(1) + BirthdayGift().when(MinSpend(20))) * 2
    award = rule.award(spend(30, at="2026-05-02"), Member(facts={"birth_month": 5}))
    assert award.points == 1060
    assert "BirthdayGift()" in str(award)
    assert repr(BirthdayGift(100).cap(50)) == "BirthdayGift(100).cap(50)"


def given_by(value):
    """What a rule gives whose `earn` returns that."""

    @frozen
    class Returning(EarningRule):
        kind = "test_returning"

        def earn(self, activity, member):
            return value

    return Returning().award(spend(1)).exact


@pytest.mark.parametrize(
    ("value", "exact"),
    [(5, 5), ("2.5", Fraction(5, 2)), (Decimal("1.0"), 1), (Fraction(4, 2), 2), (Award(7), 7)],
    ids=repr,
)
def test_what_earn_may_return(value, exact):
    assert given_by(value) == exact


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            1.5,
            InexactNumber,
            (
                "Returning.earn returned the float 1.5;"
                " divide as in Fraction(x) / 2 or x // 2, and write numbers as in '0.5'"
            ),
        ),
        (True, InexactNumber, "Returning.earn: True is a truth value, not a number; write 1 or 0 if that is meant"),
        (
            None,
            InexactNumber,
            "Returning.earn: NoneType is not a number; give an int, a str such as '12.50', a Decimal or a Fraction",
        ),
        (-5, RuleError, "Returning() gave -5 points; a rule earns 0 or more"),
        (Fraction(-1, 2), RuleError, "Returning() gave -0.5 points; a rule earns 0 or more"),
        ("-1e3", RuleError, "Returning() gave -1000 points; a rule earns 0 or more"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_earn_may_not_return(value, error, message):
    with pytest.raises(error) as refused:
        given_by(value)
    assert str(refused.value) == message


def test_earn_of_a_rule_made_of_rules_is_its_award():
    for rule in (CLASSIC, PerSpend(1) * 2, best_of(Flat(1), Flat(2)), Flat(5).when(Category("x")), Flat(1).named("x")):
        assert rule.earn(spend(120), ANYONE) == rule.award(spend(120))


@pytest.mark.parametrize(
    ("rule", "monotone"),
    [
        (PerSpend(1), True),
        (PerStep(1), True),
        (Flat(1), True),
        (PerUnit(1), False),
        (BirthdayGift(), False),
        (PerSpend(1) + Flat(1), True),
        (PerSpend(1) + BirthdayGift(), False),
        (best_of(PerSpend(1), Flat(1)), True),
        (first_of(PerSpend(1), Flat(1)), False),
        (PerSpend(1) * 2, True),
        (PerSpend(1) * by_tier(gold=2), False),
        (PerSpend(1).over(5).cap(10).named("x").rounded().at_least(1), True),
        (PerSpend(1).when(MinSpend(5)), False),
        (PerSpend(1).each_line(), False),
        (PerSpend(1).named("x").cap(5, per="month"), True),
        (PerSpend(1).named("x").running(per="month"), False),
        (PerSpend(1).named("x").limit(5, per="month"), False),
        (PerSpend(1).named("x").every_nth(5), False),
    ],
    ids=repr,
)
def test_a_rule_says_whether_more_spent_never_earns_less(rule, monotone):
    assert rule.monotone is monotone


def test_a_forgotten_frozen_is_said_wherever_the_rule_stands():
    class Forgotten(EarningRule):
        kind = "test_forgotten_rule"

        def earn(self, activity, member):
            return 1

    for rule in (Forgotten(), Forgotten() + Flat(1), Forgotten().named("x").cap(5, per="month"), best_of(Forgotten())):
        with pytest.raises(RuleError, match="Forgotten is not finished; decorate Forgotten with attrs' @frozen"):
            rule.award(spend(1))


def test_a_subclass_of_a_built_in_must_be_decorated_too():
    class Double(PerSpend):
        def earn(self, activity, member):
            return 2 * super().earn(activity, member)

    with pytest.raises(RuleError, match="decorate Double with attrs' @frozen"):
        Double(1).award(spend(1))


def test_a_kind_that_is_taken_is_refused_and_nothing_else_changes():
    with pytest.raises(
        RuleError, match=r"the kind 'flat' is taken by loyaltycore\.earning_rules\.Flat; give .*Mine an"
    ):

        @frozen
        class Mine(EarningRule):
            kind = "flat"

            def earn(self, activity, member):
                return 1

    with pytest.raises(
        RuleError, match=r"the name 'Flat' is taken by loyaltycore\.earning_rules\.Flat; give .*Flat an"
    ):

        @frozen
        class Flat(EarningRule):
            kind = "test_my_flat"

            def earn(self, activity, member):
                return 1

    assert KINDS["flat"] is NAMES["Flat"]
    assert "test_my_flat" not in KINDS


def test_a_kind_that_became_a_field_is_refused():
    with pytest.raises(RuleError, match="kind is no field; write it without a type, as in kind = 'birthday_bonus'"):

        @frozen
        class Typed(EarningRule):
            kind: str = "typed"

            def earn(self, activity, member):
                return 1


def test_a_rule_that_implements_nothing_cannot_be_made():
    @frozen
    class Empty(EarningRule):
        kind = "test_empty"

    with pytest.raises(TypeError, match="abstract"):
        Empty()


# Large and nested ---------------------------------------------------------------------------------------------------


def test_a_year_of_activities_carries_its_counters_along():
    rule = PerSpend(1).named("x").cap(100, per="week") + Flat(10).named("y").limit(1, per="month")
    story = [spend(30, at=date(2026, 1, 1) + timedelta(day)) for day in range(365)]
    # the year begins and ends with a week of 4 days, which is enough to reach the cap
    assert sum(points(rule, *story)) == 53 * 100 + 12 * 10


def test_rules_nest_deeply_and_sums_are_flat():
    deep = PerSpend(1)
    for _ in range(100):
        deep = deep.rounded("half_up").named("x")
    assert deep.award(spend("1.50")).points == 2
    assert len(str(deep.award(spend(2))).splitlines()) == 201
    wide = sum([PerSpend(1)] * 2000)
    assert wide.award(spend(1)).points == 2000


def test_a_basket_of_thousands_of_lines():
    basket = Activity([Line(Fraction(n, 100), "a" if n % 2 else "b") for n in range(5000)], at="2026-03-01")
    rule = PerSpend(1).when(Category("a")).over(100) + PerSpend(1).when(Category("b")).over(100)
    assert rule.award(basket).exact == basket.amount - 100


def test_the_largest_and_the_smallest_numbers_stay_exact():
    tiny = "0." + "0" * 39 + "1"
    huge = "9" * 40
    assert PerSpend(tiny).award(spend(huge)).exact == Fraction(int(huge), 10**40)
    assert (PerSpend(huge) * huge).award(spend(huge)).points == int(huge) ** 3
    assert str((PerSpend(huge) * huge).award(spend(huge))).startswith("999,999")
