"""What happened, and to whom: lines, activities, tenders, flights, tallies and members."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
import pickle

from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *

BASKET = Activity([Line("30.50", "dining", sku="D-1", quantity=2), Line("9.50", "fuel")], at="2026-03-01", id="t-1")


# Lines and activities -----------------------------------------------------------------------------------------------


def test_a_line_is_an_amount_and_what_it_was_for():
    line = Line("12.50", "dining", sku="D-1", quantity="1.2", facts={"organic": True, "brand": "x"})
    assert (line.amount, line.category, line.sku, line.quantity) == (Fraction(25, 2), "dining", "D-1", Fraction(6, 5))
    assert line.fact("organic") is True
    assert line.fact("colour") is None
    assert line.fact("colour", "red") == "red"


def test_an_activity_adds_up_its_lines():
    assert BASKET.amount == 40
    assert BASKET.quantity == 3
    assert BASKET.day == date(2026, 3, 1)
    assert BASKET.kind == "purchase"
    assert Activity(Line(5), at="2026-03-01") == Activity([Line(5)], at="2026-03-01")
    assert Activity((Line(n) for n in (1, 2)), at="2026-03-01").amount == 3


def test_values_do_not_change_hash_and_pickle():
    with pytest.raises(FrozenInstanceError):
        BASKET.kind = "flight"
    with pytest.raises(FrozenInstanceError):
        BASKET.lines[0].amount = 5
    twin = pickle.loads(pickle.dumps(BASKET))  # noqa: S301 (our own)
    assert twin == BASKET
    assert hash(twin) == hash(BASKET)
    assert twin.amount == 40
    assert evolve(BASKET, lines=[Line(1)]).amount == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("Line(5, 7)", "category: 7 is not text; give a str"),
        ("Line(5, sku=None)", "sku: None is not text; give a str"),
        ("Line(5, facts=[1])", "facts: list is no mapping; give names and values as in {'cabin': 'first'}"),
        ('Line(5, facts={"": 1})', "facts: '' is no name; name facts by text that is not empty"),
        ("Line(5, facts={5: 1})", "facts: 5 is no name; name facts by text that is not empty"),
        (
            'Line(5, facts={"x": b"y"})',
            "facts.x: bytes is no fact; give text, a number, a truth value or a tuple of them",
        ),
        (
            'Line(5, facts={"x": [["nested"]]})',
            "facts.x: list is no fact; give text, a number, a truth value or a tuple of them",
        ),
        (
            'Activity([], at="2026-03-01")',
            "lines: an activity has at least one line; for one without an amount use Activity.action",
        ),
        (
            'Activity(None, at="2026-03-01")',
            "lines: an activity has at least one line; for one without an amount use Activity.action",
        ),
        ('Activity([Line(1), 5], at="2026-03-01")', "lines[1]: 5 is no line; give Line(amount, category)"),
        ('Activity(Line(1), at="2026-03-01", id=5)', "id: 5 is not text; give a str"),
        (
            'Activity.purchase(at="2026-03-01")',
            "lines: an activity has at least one line; for one without an amount use Activity.action",
        ),
        (
            'Activity.purchase(at="2026-03-01", lines=[Line(1)], category="x")',
            "amount: category, sku and quantity belong to an amount; say them of each line",
        ),
    ],
)
def test_what_an_activity_cannot_be_is_refused_with_place_and_remedy(code, message):
    with pytest.raises(DataError) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


def test_a_negative_amount_is_refused_at_the_top_with_the_remedy():
    with pytest.raises(DataError, match=r"the lines come to -5, .* reverse the activity: account\.reverse\("):
        Activity.purchase(-5, at="2026-03-01")
    with pytest.raises(DataError, match=r"the lines come to -0\.5, and an activity's amount is never below 0"):
        Activity([Line(10), Line("-10.50")], at="2026-03-01")


def test_a_returned_line_inside_a_larger_basket_nets():
    basket = Activity([Line(100, "shoes"), Line(-30, "shirts")], at="2026-03-01")
    assert basket.amount == 70
    assert PerSpend(1).award(basket).points == 70


# Facts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ("first", "first"),
        (True, True),
        (5, 5),
        (Decimal("1.50"), Fraction(3, 2)),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 9), "2026-03-01T09:00:00"),
        (["b", "a"], ("b", "a")),
        pytest.param({"b", "a"}, ("a", "b"), id="a set"),
        (("x", 1, False), ("x", 1, False)),
    ],
    ids=repr,
)
def test_a_fact_has_one_form(given, fact):
    assert Activity.action("visit", at="2026-03-01", it=given).fact("it") == fact
    assert type(Activity.action("visit", at="2026-03-01", it=given).fact("it")) in (
        type(fact),
        type(Line("1.5").amount),
    )


def test_a_fact_of_none_is_not_stated():
    assert Activity.action("visit", at="2026-03-01", seat=None) == Activity.action("visit", at="2026-03-01")


def test_a_float_as_a_fact_is_refused_with_its_name():
    with pytest.raises(InexactNumber, match=r"facts\.weight: the float 1\.5 is not exact; write '1\.5'"):
        Activity.action("visit", at="2026-03-01", weight=1.5)


def test_a_fact_is_the_activitys_or_what_its_lines_agree_on():
    activity = Activity(
        [Line(1, facts={"store": "a", "brand": "x"}), Line(2, facts={"store": "a", "brand": "y"}), Line(3)],
        at="2026-03-01",
        facts={"channel": "web"},
    )
    assert activity.fact("channel") == "web"
    assert activity.fact("store") == "a"
    assert activity.fact("colour", "none") == "none"
    with pytest.raises(DataError, match=r"the lines disagree on 'brand'; judge them one by one with \.each_line\(\)"):
        activity.fact("brand")


# Measures -----------------------------------------------------------------------------------------------------------


def test_a_measure_is_the_amount_the_quantity_or_a_fact_summed():
    stay = Activity([Line(80, facts={"nights": 2}), Line(50, facts={"nights": 1}), Line(9)], at="2026-03-01")
    assert [stay.measure(of) for of in ("amount", "quantity", "nights", "miles")] == [139, 3, 3, 0]
    flight = Activity.flight(base_fare=300, taxes=20, at="2026-03-01", distance=800)
    assert flight.measure("distance") == 800


@pytest.mark.parametrize("value", ["far", True, ("a", "b")])
def test_a_fact_that_is_no_number_cannot_be_measured(value):
    ride = Activity.action("ride", at="2026-03-01", distance=value)
    with pytest.raises(DataError, match="is not a number; state 'distance' as an int, a Decimal or a Fraction"):
        PerUnit(1).award(ride)


def test_trimming_scales_a_fact_of_the_lines_and_of_the_activity():
    ride = Activity([Line(10, facts={"km": 6}), Line(20, facts={"km": 4})], at="2026-03-01", facts={"km": 100})
    half = ride.scaled("km", 5, 10)
    assert [line.facts["km"] for line in half.lines] == [3, 2]
    assert [line.amount for line in half.lines] == [10, 20]
    assert half.amount == 30
    assert half.fact("km") == 50


def test_trimming_the_amount_leaves_a_fact_of_that_name_alone():
    odd = Activity([Line(10), Line(20)], at="2026-03-01", facts={"amount": 7, "quantity": 8})
    assert odd.scaled("amount", 15, 30).facts == {"amount": 7, "quantity": 8}
    assert odd.scaled("quantity", 1, 2).facts == {"amount": 7, "quantity": 8}


@given(st.lists(st.integers(0, 10**6), min_size=1).filter(any), st.integers(0, 100), st.integers(1, 100))
def test_trimmed_lines_add_up_to_the_part(cents, part, whole):
    basket = Activity([Line(Fraction(n, 100), quantity=2) for n in cents], at="2026-03-01")
    part = basket.amount * min(part, whole) / Fraction(whole)
    trimmed = basket.scaled("amount", part, basket.amount)
    assert trimmed.amount == part
    assert sum(line.amount for line in trimmed.lines) == part
    assert trimmed.quantity == basket.quantity


# Purchases, tenders, actions ----------------------------------------------------------------------------------------


def test_a_purchase_is_an_amount_or_lines_or_both():
    alone = Activity.purchase("8.50", at="2026-03-01", category="dining", sku="D", quantity=2, id="t", store="x")
    assert alone.lines == (Line("8.50", "dining", sku="D", quantity=2),)
    assert alone.facts == {"store": "x"}
    both = Activity.purchase(5, at="2026-03-01", lines=[Line(3, "fuel")])
    assert both.lines == (Line(5), Line(3, "fuel"))


def test_tenders_split_each_line_in_proportion():
    lines = [Line(60, "food", quantity=3, facts={"organic": True}), Line(40)]
    paid = Activity.purchase(at="2026-03-01", lines=lines, tenders={"card": 75, "gift": 25})
    assert [(line.fact("tender"), line.amount, line.quantity) for line in paid.lines] == [
        ("card", 45, Fraction(9, 4)),
        ("gift", 15, Fraction(3, 4)),
        ("card", 30, Fraction(3, 4)),
        ("gift", 10, Fraction(1, 4)),
    ]
    assert [line.fact("organic") for line in paid.lines] == [True, True, None, None]
    assert PerSpend(1).when(~Fact("tender", "gift")).award(paid).points == 75


@pytest.mark.parametrize(
    ("amount", "tenders", "message"),
    [
        (100, {"card": 75, "gift": 20}, "tenders: they come to 95 and the lines to 100; give all there were"),
        (100, {}, "tenders: they come to 0 and the lines to 100; give all there were"),
        (0, {"card": 5, "gift": -4}, "tenders: they come to 1 and the lines to 0; give all there were"),
    ],
)
def test_tenders_that_do_not_add_up_are_refused(amount, tenders, message):
    with pytest.raises(DataError) as refused:
        Activity.purchase(amount, at="2026-03-01", tenders=tenders)
    assert str(refused.value) == message


def test_where_nothing_was_due_no_line_says_how_it_was_paid():
    free = Activity.purchase(0, at="2026-03-01", tenders={"card": 0})
    assert free == Activity.purchase(0, at="2026-03-01")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (Activity.purchase, "kind"),
        (Activity.purchase, "facts"),
        (Activity.flight, "lines"),
        (partial(Activity.action, "review"), "facts"),
    ],
    ids=["kind of a purchase", "facts of a purchase", "lines of a flight", "facts of an action"],
)
def test_what_is_no_fact_is_not_taken_for_one(make, name):
    with pytest.raises(
        DataError, match=f"{name}: this would be a fact of that name; give facts one by one as keywords"
    ):
        make(at="2026-03-01", **{name: {"store": "x"}})


def test_an_action_has_one_line_without_an_amount():
    review = Activity.action("review", at="2026-03-01", id="r-1", member="m", stars=5)
    assert (review.kind, review.amount, len(review.lines), review.fact("stars")) == ("review", 0, 1, 5)
    assert Flat(50).when(OfKind("review")).award(review).points == 50


# Flights ------------------------------------------------------------------------------------------------------------

JFK, LHR = ("JFK", "40.6398", "-73.7789"), ("LHR", "51.4706", "-0.461941")


def test_a_flight_has_its_fare_fees_and_taxes_as_lines_and_its_journey_as_facts():
    flight = Activity.flight(
        base_fare=300,
        carrier_fees="50.50",
        taxes="62.40",
        at="2026-03-01",
        id="f-1",
        member="m",
        ticket="T1",
        origin=JFK,
        destination=LHR,
        cabin="first",
        booking_class="F",
        carrier="XX",
        partner=True,
    )
    assert [(line.category, line.amount) for line in flight.lines] == [
        ("base_fare", 300),
        ("carrier_fee", Fraction(101, 2)),
        ("tax", Fraction(312, 5)),
    ]
    assert flight.kind == "flight"
    assert flight.facts == {
        "ticket": "T1",
        "distance": 3442,
        "origin": "JFK",
        "destination": "LHR",
        "cabin": "first",
        "booking_class": "F",
        "carrier": "XX",
        "partner": True,
    }


def test_a_flight_states_only_what_is_known():
    flight = Activity.flight(at="2026-03-01", origin="JFK", destination=(51.5, -0.5))
    assert flight.facts == {"origin": "JFK"}
    assert flight.lines == (Line(0, "base_fare"),)
    assert Activity.flight(at="2026-03-01", distance="800.5").fact("distance") == "800.5"


@pytest.mark.parametrize(
    ("origin", "destination", "miles"),
    [
        ((0, 0), (0, 180), 12437),  # half way around
        ((90, 0), (-90, 0), 12437),  # from pole to pole
        ((0, 0), (0, 0), 0),
        (("A", 0, 0), ("B", 0, 90), 6218),
        ((0.0, -179.5), (0.0, 179.5), 69),  # across the date line
        ("JFK", (0, 0), None),
        ((0, 0), "", None),
    ],
)
def test_great_circles(origin, destination, miles):
    assert great_circle_miles(origin, destination) == miles


@pytest.mark.parametrize(
    "place", [(91, 0), (0, 181), ("far", "away"), (float("nan"), 0), (1,), (), ("A", "B", 0, 0), None, 5], ids=repr
)
def test_what_is_no_place(place):
    with pytest.raises(DataError, match=r"is no place; give \(latitude, longitude\) in degrees, a code, or"):
        great_circle_miles((0, 0), place)


# Tallies ------------------------------------------------------------------------------------------------------------


def test_a_tally_merges_lines_alike_and_adds_their_numbers():
    one = Activity([Line(10, "food", facts={"kg": 1}), Line(5, "food", facts={"kg": 2}), Line(7)], at="2026-03-01")
    tally = Tally.of(one)
    assert tally.lines == (Line(7), Line(15, "food", quantity=2, facts={"kg": 3}))
    assert (tally + tally).lines == (Line(14, quantity=2), Line(30, "food", quantity=4, facts={"kg": 6}))
    assert tally + -tally == Tally()
    assert tally.scaled(2) == tally + tally
    assert tally.scaled(-1) == -tally


def test_a_tally_keeps_what_the_activity_says_of_its_lines():
    flight = Activity.flight(base_fare=300, taxes=20, at="2026-03-01", distance=800, cabin="first")
    lines = Tally.of(flight).lines
    assert [(line.category, line.fact("cabin"), line.fact("distance")) for line in lines] == [
        ("base_fare", "first", 800),
        ("tax", "first", None),
    ]
    whole = Tally.of(flight).activity(flight)
    assert whole.measure("distance") == 800
    assert (whole.amount, whole.kind, whole.day) == (320, "flight", date(2026, 3, 1))


activities = st.lists(
    st.builds(
        lambda cents, category, facts: Line(Fraction(cents, 100), category, facts=facts),
        st.integers(0, 10_000),
        st.sampled_from(["", "food", "fuel"]),
        st.fixed_dictionaries({}, optional={"brand": st.sampled_from("xy"), "kg": st.integers(1, 3)}),
    ),
    min_size=1,
    max_size=4,
).map(lambda lines: Activity(lines, at="2026-03-01"))


@given(activities, activities, activities)
def test_tallies_add_up_in_any_order(a, b, c):
    x, y, z = map(Tally.of, (a, b, c))
    assert x + y == y + x
    assert (x + y) + z == x + (y + z)
    assert (x + y) + -y == x
    with pytest.raises(TypeError):
        x + 5


# Members ------------------------------------------------------------------------------------------------------------


def test_of_a_member_nothing_need_be_known():
    assert Member() == ANYONE
    assert (ANYONE.id, ANYONE.tier, ANYONE.joined, dict(ANYONE.facts), ANYONE.times()) == ("", "", None, {}, 0)


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("Member(id=5)", DataError, "id: 5 is not text; give a str"),
        ("Member(tier=None)", DataError, "tier: None is not text; give a str"),
        (
            'Member(ladder="gold")',
            DataError,
            "ladder: 'gold' is one name; give all tiers from the lowest up, as in ('silver', 'gold')",
        ),
        (
            'Member(joined="soon")',
            RuleError,
            "joined: 'soon' is not a date; write it as in '2026-03-01'",
        ),
        (
            "Member(facts=None)",
            DataError,
            "facts: NoneType is no mapping; give names and values as in {'cabin': 'first'}",
        ),
    ],
)
def test_what_a_member_cannot_be(code, error, message):
    with pytest.raises(error) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


def test_a_member_counts_activities_by_kind_and_all_together():
    member = Member("m-1")
    for kind in ("review", "visit", "review"):
        member = member.seen(Activity.action(kind, at="2026-03-01"))
    assert [member.times(), member.times("review"), member.times("visit"), member.times("survey")] == [3, 2, 1, 0]


def test_an_award_without_counts_leaves_the_member_as_it_is():
    member = Member("m-1")
    assert member.after(Flat(5).award(BASKET, member)) is member


@pytest.mark.parametrize(
    ("facts", "month"),
    [
        ({}, None),
        ({"birth_month": 5}, 5),
        ({"birthday": "1990-05-17"}, 5),
        ({"birthday": "05-17"}, 5),
        ({"birthday": date(1992, 2, 29)}, 2),
        ({"birth_month": 6, "birthday": "05-17"}, 6),
        ({"birth_month": "5"}, 5),
    ],
)
def test_the_month_of_birth(facts, month):
    assert Member(facts=facts).birth_month == month
    party = Activity.action("party", at="2026-05-02")
    assert (Flat(1).when(BirthMonth()).award(party, Member(facts=facts)).points == 1) == (month == 5)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"birth_month": "May"}, "birth_month: 'May' is not a number; write digits as in '12.50', '1/3' or '-7'"),
        ({"birth_month": 13}, "birth_month: 13 is no month; give 1 to 12"),
        ({"birthday": "17.5.1990"}, "birthday: '17.5.1990' is not a date; write it as in '2026-03-01'"),
    ],
)
def test_a_month_of_birth_that_cannot_be_read_is_no_silent_never(facts, message):
    with pytest.raises(LoyaltyError) as refused:
        Flat(1).when(BirthMonth()).award(Activity.action("party", at="2026-05-02"), Member(facts=facts))
    assert str(refused.value) == message
