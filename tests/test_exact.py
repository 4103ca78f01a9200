"""Numbers: what may come in, what is refused and how fast, rounding, splitting, and the frozen mapping."""

import copy
from decimal import Decimal
from fractions import Fraction
import pickle
from time import perf_counter

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._exact import (
    EMPTY,
    MODES,
    FrozenMap,
    apportion,
    divided,
    exact,
    floor,
    reduced,
    round_to,
    share_between,
    show,
    tidy,
    total,
)

# What comes in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (7, 7),
        ("7", 7),
        ("+7", 7),
        ("-7", -7),
        ("12.50", Fraction(25, 2)),
        ("2.0", 2),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("1/3", Fraction(1, 3)),
        ("-4/2", -2),
        ("0/9", 0),
        ("1e3", 1000),
        ("1.5E-2", Fraction(3, 200)),
        ("-0", 0),
        (Decimal("0.10"), Fraction(1, 10)),
        (Decimal("-0"), 0),
        (Decimal("1E+2"), 100),
        (Fraction(6, 3), 2),
        (Fraction(1, 3), Fraction(1, 3)),
        ("9" * 40, int("9" * 40)),
    ],
    ids=repr,
)
def test_a_number_is_taken_exactly_and_whole_ones_are_int(given, number):
    assert exact(given) == number
    assert isinstance(exact(given), int) == (number == int(number))


BOMBS = {
    "a huge exponent": "1e999999",
    "the hugest exponent": "1e999999999",
    "a tiny exponent": "1e-999999999",
    "one digit too many": "9" * 41,
    "a million digits": "9" * 1_000_000,
    "a long denominator": f"1/{'9' * 41}",
    "an int one digit too long": 10**40,
    "an int that str() refuses": 10**100_000,
    "a huge Decimal": Decimal("1e999999"),
    "a tiny Decimal": Decimal("1e-999999"),
    "a long Decimal": Decimal("0." + "1" * 41),
    "a Decimal of a million digits": Decimal("0." + "1" * 1_000_000),
    "a tiny Fraction": Fraction(1, 10**40),
    "a huge Fraction": Fraction(10**40, 7),
}

NO_NUMBERS = [
    "",
    " 5",
    "5 ",
    "5\n",
    "1_000",
    "1,000",
    "１２３",  # noqa: RUF001 (digits, but not ASCII ones)
    "٣",
    "0x10",
    "--1",
    "1e",
    "1/2/3",
    "1/-2",
    "1.5/2",
    "1/0",
    "0/0",
    "nan",
    "NaN",
    "sNaN",
    "inf",
    "Infinity",
    "one",
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal("-Infinity"),
    float("nan"),
    float("inf"),
    float("-inf"),
    0.1,
    1.0,
    True,
    False,
    None,
    1j,
    b"5",
    [5],
    (1, 2),
    object,
]


@pytest.mark.parametrize("value", [*BOMBS.values(), *NO_NUMBERS], ids=[*BOMBS, *map(ascii, NO_NUMBERS)])
@pytest.mark.parametrize(
    "use",
    [PerSpend, Line, lambda value: PerSpend(1) * value, lambda value: PerSpend(1).over(value)],
    ids=["points", "amount", "factor", "bound"],
)
def test_what_is_no_exact_number_is_refused_at_once_wherever_it_comes_in(value, use):
    start = perf_counter()
    with pytest.raises(InexactNumber) as refused:
        use(value)
    assert perf_counter() - start < 0.1
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, "points: the float 1.5 is not exact; write '1.5' or Decimal('1.5')"),
        (0.1 + 0.2, "points: the float 0.30000000000000004 is not exact; write '0.3' or Decimal('0.3')"),
        (float("nan"), "points: nan is not a number that can be counted; give a finite one"),
        (Decimal("Infinity"), "points: Infinity is not a number that can be counted; give a finite one"),
        (True, "points: True is a truth value, not a number; write 1 or 0 if that is meant"),
        ("1/0", "points: '1/0' divides by zero; give a denominator above 0"),
        ("ten", "points: 'ten' is not a number; write digits as in '12.50', '1/3' or '-7'"),
        (
            None,
            "points: NoneType is not a number; give an int, a str such as '12.50', a Decimal or a Fraction",
        ),
        (
            "1e999999",
            "points: 1e+999999 has more than 40 digits before or after the point; round it, or give it in another unit",
        ),
        (10**40, "points: a whole number of more than 40 digits; give the amount in a larger unit"),
    ],
)
def test_the_message_names_the_place_and_the_remedy(value, message):
    with pytest.raises(InexactNumber) as refused:
        Flat(value)
    assert str(refused.value) == message


@frozen
class PerNight(EarningRule):
    """Somebody's own rule that divides as floats do."""

    def earn(self, activity, member):
        return 320 / 2


def test_a_float_that_a_rule_returns_is_refused_with_what_to_write_instead():
    with pytest.raises(InexactNumber) as refused:
        PerNight().award(Activity.purchase(1, at="2026-03-01"))
    assert str(refused.value) == (
        "PerNight.earn returned the float 160.0; divide as in Fraction(x) / 2 or x // 2, and write numbers as in '0.5'"
    )


@frozen
class HalfPrice(RedemptionOption):
    """Somebody's own option that divides as floats do."""

    def price(self, order, member):
        return 150 / 2


def test_a_float_that_a_price_is_names_the_price():
    with pytest.raises(InexactNumber, match=r"^HalfPrice\.price returned the float 75\.0; divide as in Fraction"):
        HalfPrice().quote(Activity.action("order", at="2026-03-01"))


class Cents(int):
    """Somebody's own whole number."""


class Price(Decimal):
    """Somebody's own decimal."""


class Rate(Fraction):
    """Somebody's own fraction."""


class Text(str):
    """Somebody's own text."""

    __slots__ = ()


def test_subclasses_of_the_number_types_are_taken_as_plain_numbers():
    for value in (Cents(3), Price("3"), Rate(3), Text("3")):
        assert type(exact(value)) is int
    assert type(exact(Rate(1, 2))) is type(exact("1/2"))


@given(st.fractions(max_denominator=10**6) | st.integers())
def test_shown_numbers_read_back(number):
    number = exact(number) if abs(number) < 10**30 else 0
    assert exact(show(number)) == number


# Arithmetic ---------------------------------------------------------------------------------------------------------

numbers = st.integers(-(10**6), 10**6) | st.fractions(-(10**4), 10**4, max_denominator=1000)


@given(numbers, numbers)
def test_arithmetic_is_that_of_fractions_and_a_whole_result_is_an_int(a, b):
    x, y = exact(a), exact(b)
    for got, expected in [
        (x + y, Fraction(a) + b),
        (x - y, Fraction(a) - b),
        (x * y, Fraction(a) * b),
        (-x, -Fraction(a)),
        (total([x, y]), Fraction(a) + b),
    ]:
        assert got == expected
        assert hash(got) == hash(expected)
        assert isinstance(got, int) == (expected.denominator == 1)
    assert [x < y, x <= y, x > y, x >= y, x == y] == [a < b, a <= b, a > b, a >= b, a == b]
    assert floor(x) == Fraction(a) // 1
    if b > 0:
        assert divided(x, y) == Fraction(a) / b


@given(numbers, st.fractions(-100, 100), st.floats(-1e6, 1e6))
def test_arithmetic_with_other_kinds_of_numbers_is_that_of_fractions(a, fraction, real):
    x = exact(a)
    for other in (fraction, real):
        assert x + other == Fraction(a) + other
        assert other + x == other + Fraction(a)
        assert x - other == Fraction(a) - other
        assert other - x == other - Fraction(a)
        assert x * other == Fraction(a) * other
        assert other * x == other * Fraction(a)
        assert (x < other) == (Fraction(a) < other)
        assert (x >= other) == (Fraction(a) >= other)
    assert x + True == Fraction(a) + 1


def test_a_fraction_looks_copies_and_pickles_as_one():
    half = exact("0.5")
    assert isinstance(half, Fraction)
    assert repr(half) == "Fraction(1, 2)"
    assert str(half) == "1/2"
    assert half == 0.5 == Fraction(1, 2)
    for twin in (pickle.loads(pickle.dumps(half)), copy.copy(half), copy.deepcopy(half)):  # noqa: S301 (our own)
        assert twin == half
        assert twin + half == 1
    with pytest.raises(TypeError):
        half + "1"
    with pytest.raises(TypeError):
        half * None


def test_a_quotient_of_whole_numbers_is_in_lowest_terms():
    assert [tidy(Fraction(6, 3)), tidy(Fraction(6, 4)), tidy(3)] == [2, Fraction(3, 2), 3]
    assert [type(tidy(Fraction(6, 3))), type(tidy(Fraction(6, 4)))] == [int, type(exact("1.5"))]
    assert [reduced(6, 4), reduced(6, 3), reduced(0, 7), reduced(-6, 4)] == [Fraction(3, 2), 2, 0, Fraction(-3, 2)]


# Rounding -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "rounded"),
    [  #  floor, ceil, half_up, half_down, half_even
        ("2", [2, 2, 2, 2, 2]),
        ("2.4", [2, 3, 2, 2, 2]),
        ("2.5", [2, 3, 3, 2, 2]),
        ("3.5", [3, 4, 4, 3, 4]),
        ("2.6", [2, 3, 3, 3, 3]),
        ("-2.4", [-3, -2, -2, -2, -2]),
        ("-2.5", [-3, -2, -3, -2, -2]),
        ("-3.5", [-4, -3, -4, -3, -4]),
        ("-2.6", [-3, -2, -3, -3, -3]),
        ("0", [0, 0, 0, 0, 0]),
    ],
)
def test_five_modes(value, rounded):
    assert MODES == ("floor", "ceil", "half_up", "half_down", "half_even")
    assert [round_to(exact(value), mode) for mode in MODES] == rounded


@pytest.mark.parametrize(
    ("value", "to", "floored", "half_up"),
    [(149, 50, 100, 150), (150, 50, 150, 150), (7, "2.5", 5, "7.5"), ("0.26", "0.1", "0.2", "0.3"), (9, "1/3", 9, 9)],
)
def test_rounding_to_multiples(value, to, floored, half_up):
    value, to, floored, half_up = map(exact, (value, to, floored, half_up))
    assert round_to(value, to=to) == floored
    assert round_to(value, "half_up", to) == half_up


def test_a_mode_that_is_none_lists_those_there_are():
    with pytest.raises(RuleError, match="'up' is no mode; give one of floor, ceil, half_up, half_down, half_even"):
        PerSpend(1).rounded("up")


# Splitting ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_parts_add_up_and_are_within_one_of_their_exact_share(total, weights):
    parts = apportion(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part - Fraction(total * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_say_nothing_are_refused(weights):
    with pytest.raises(RuleError, match="give weights of 0 or more"):
        apportion(100, weights)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 1000), min_size=1).filter(any))
def test_steps_of_any_size_add_up_to_the_whole(total, steps):
    done, paid = 0, 0
    for step in steps:
        paid += share_between(total, done, done + step, sum(steps))
        done += step
    assert paid == total


# The frozen mapping -------------------------------------------------------------------------------------------------


def test_a_frozen_map_is_a_mapping_that_does_not_change():
    facts = {"cabin": "first", "miles": 800}
    frozen = FrozenMap(facts)
    facts["cabin"] = "economy"
    assert frozen["cabin"] == "first"
    assert dict(frozen) == {"cabin": "first", "miles": 800}
    assert list(frozen) == ["cabin", "miles"]
    assert len(frozen) == 2
    assert "cabin" in frozen
    assert frozen.get("seat") is None
    assert frozen.get("seat", "12A") == "12A"
    with pytest.raises(KeyError):
        frozen["seat"]
    with pytest.raises(TypeError):
        frozen["cabin"] = "economy"
    with pytest.raises(AttributeError, match="make a new one instead of setting '_items'"):
        frozen._items = {}
    with pytest.raises(AttributeError, match="make a new one instead of deleting '_items'"):
        del frozen._items
    assert repr(frozen) == repr({"cabin": "first", "miles": 800})


def test_frozen_maps_are_equal_by_content_in_any_order():
    one, other = FrozenMap({"a": 1, "b": 2}), FrozenMap([("b", 2), ("a", 1)])
    assert one == other
    assert one == {"b": 2, "a": 1}
    assert not one != {"a": 1, "b": 2}  # noqa: SIM202 (asks `!=`)
    assert one != {"a": 1}
    assert one != [("a", 1), ("b", 2)]
    assert len({one, other}) == 1
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 (our own)
    assert copy.deepcopy(one) == one
    assert not EMPTY


def test_a_face_over_a_dict_shows_what_its_owner_does():
    counted = {"a": 1}
    face = FrozenMap.over(counted)
    counted["b"] = 2
    assert face == {"a": 1, "b": 2}


@given(st.lists(st.dictionaries(st.integers(0, 9), st.integers(), max_size=6), max_size=12))
def test_a_map_with_values_replaced_is_the_map_with_those_values(changes):
    frozen, plain = EMPTY, {}
    for change in changes:
        before = dict(plain)
        earlier, frozen = frozen, frozen.replacing(dict(change))
        plain |= change
        assert frozen == plain
        assert earlier == before
        assert [frozen.get(key, "none") for key in range(10)] == [plain.get(key, "none") for key in range(10)]
        assert [key in frozen for key in range(10)] == [key in plain for key in range(10)]
        assert len(frozen) == len(plain)
        assert hash(frozen) == hash(FrozenMap(plain))
        assert pickle.loads(pickle.dumps(frozen)) == plain  # noqa: S301 (our own)
        for key in plain:
            assert frozen[key] == plain[key]
    with pytest.raises(KeyError):
        frozen[10]
