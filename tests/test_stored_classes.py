"""Classes of one's own are stored by their annotations, and what cannot be stored says what to do."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from attrs import field, frozen
import pytest
from stored import read_as_text

from loyaltycore import *
from loyaltycore._strategy import KINDS, NAMES


class Pair(NamedTuple):
    """A tuple with names."""

    low: int
    high: Fraction


@frozen
class Everything(EarningRule):
    """A field of every type that data knows."""

    kind = "stored_everything"

    number: Fraction
    money: Decimal
    flag: bool
    names: tuple[str, ...] = ()
    pair: Pair = Pair(1, Fraction(2))  # noqa: RUF009 (it cannot change)
    both: tuple[int, str] = (0, "")
    tags: frozenset[str] = frozenset()
    days: dict[date, int] = field(factory=dict)
    at: datetime | None = None
    day: date | None = None
    inside: EarningRule | None = None
    word: Literal["a", "b"] = "a"
    anything: object = None
    unsaid = 5

    def earn(self, activity, member):
        return 0


@pytest.mark.parametrize(
    "rule",
    [
        Everything(Fraction(1, 3), Decimal("1.50"), True),
        Everything(Fraction(3), Decimal(2), False, names=("a", "b"), pair=Pair(3, Fraction(1, 2)), both=(5, "x")),
        Everything(1, Decimal(-1), True, tags=frozenset("ab"), days={date(2026, 3, 1): 2}, inside=Flat(5), word="b"),
        Everything(1, Decimal(1), True, at=datetime(2026, 3, 1, tzinfo=UTC), day=date(2026, 3, 1)),
        Everything(1, Decimal(1), True, at=datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))),
        *(
            Everything(1, Decimal(1), True, anything=anything)
            for anything in [
                "text", 5, True, Fraction(1, 2), date(2026, 3, 1), datetime(2026, 3, 1, 12), ("a", (1, Fraction(1, 2))),
                {"a": 1, "b": ("x",)}, {1: "x"}, {"type": "flat"}, {("a", 1): date(2026, 3, 1)}, (Flat(5), {"x": 1}),
                CounterKey("a", "b", "c", "d"), {CounterKey("a", "b", "c", "d"): 5},
            ]
        ),
    ],
    ids=repr,
)  # fmt: skip
def test_an_own_class_is_stored_by_its_annotations(rule):
    back = from_json(to_json(rule))

    assert back == rule
    assert [type(value) for value in (back.money, back.pair)] == [Decimal, Pair]
    assert type(back.anything) is type(rule.anything) or back.anything == rule.anything


@pytest.mark.parametrize(
    ("field", "value", "path", "message"),
    [
        ("money", "1/3", "$.money", "the text '1/3' is not what goes here"),
        ("flag", 1, "$.flag", "the number 1 is not what goes here; give true or false"),
        ("both", [1, "a", "b"], "$.both", "there are 3 items; give 2"),
        ("both", ["a", 1], "$.both[0]", "give a whole number"),
        ("pair", [1], "$.pair", "there are 1 items; give 2"),
        ("inside", "InTier('a')", "$.inside", "InTier('a') is not what goes here; give EarningRule"),
        ("inside", "word", "$.inside", "column 1: 'word' stands alone"),
        ("inside", 5, "$.inside", "the number 5 is not what goes here"),
        ("inside", ["Flat(1)"], "$.inside", "a list is not what goes here"),
        ("anything", {"type": "mapping", "value": [[1]]}, "$.anything.value[0]", "is no pair"),
        ("anything", {"type": "date", "value": 5}, "$.anything.value", "give a date"),
        ("anything", {"type": "counter", "value": ["a"]}, "$.anything.value", "there are 1 items; give 4"),
        ("anything", {"type": "nonsense"}, "$.anything.type", "is no kind that goes here"),
        ("anything", 1.5, "$.anything", "the float 1.5"),
        ("anything", date(2026, 3, 1), "$.anything", "a date is not what goes here"),
    ],
)
def test_an_own_class_is_as_strict(field, value, path, message):
    data = to_data(Everything(Fraction(1, 3), Decimal("1.50"), True)) | {field: value}

    with pytest.raises(DataError) as caught:
        from_data(data)

    assert caught.value.path == path
    assert message in caught.value.message


def test_a_class_of_a_local_scope_is_stored_too():
    @frozen
    class StoredLocal(Condition):
        kind = "stored_local"

        inner: "Condition"
        unknown: "NoSuchName" = 5
        other: "StoredLocal | None" = None

        def test(self, line, activity, member):
            return True

    value = StoredLocal(Category("a"), unknown=("x", 1), other=StoredLocal(Category("b")))

    assert from_json(to_json(value)) == value
    assert read_as_text(value) == value


def test_a_field_without_an_annotation_is_stored_too():
    @frozen
    class Bare(EarningRule):
        kind = "stored_bare"

        word = field()
        one_of = field(default=(Fraction(1, 2), date(2026, 3, 1)))

        def earn(self, activity, member):
            return 0

    for value in (Bare("x"), Bare(Flat(1), {"a": CounterKey("a", "b", "c", "d")})):
        assert from_json(to_json(value)) == value


def test_a_converter_is_not_trusted_to_make_what_is_wanted():
    @frozen
    class Careless(EarningRule):
        kind = "stored_careless"

        rule: EarningRule = field(converter=lambda value: value)
        several: tuple[EarningRule, ...] = field(default=(), converter=tuple)

        def earn(self, activity, member):
            return 0

    assert from_json(to_json(Careless(Flat(1), (Flat(2),)))) == Careless(Flat(1), (Flat(2),))
    for data in ({"rule": "word"}, {"rule": 5}, {"rule": "Flat(1)", "several": ["word"]}):
        with pytest.raises(DataError):
            from_data({"version": 1, "type": "stored_careless", **data})


@pytest.mark.parametrize("error", [TypeError, ValueError, KeyError, ZeroDivisionError, AttributeError])
def test_whatever_an_own_constructor_raises_is_an_error_of_the_data(error):
    @frozen
    class Picky(EarningRule):
        kind = "stored_picky"

        points: int

        def __attrs_post_init__(self):
            if self.points == 13:
                raise error("13 is bad luck")

        def earn(self, activity, member):
            return self.points

    with pytest.raises(DataError, match="13 is bad luck"):
        from_data({"version": 1, "type": "stored_picky", "points": 13})
    with pytest.raises(DataError, match=r"column 1: .*13 is bad luck"):
        from_data({"version": 1, "type": "points", "earning": "Picky(13)"})


@frozen
class Nameless(EarningRule):
    """A rule without a kind."""

    def earn(self, activity, member):
        return 0


class Undecorated(PerSpend):
    """A rule whose author forgot attrs."""


@frozen
class Holder(EarningRule):
    """A rule whose fields are told nothing of."""

    kind = "stored_holder"

    anything: object
    number: int = 0

    def earn(self, activity, member):
        return 0


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        (Nameless(), "$", "Nameless has no kind, so data cannot name it; write kind = '...' in the class"),
        (Undecorated(1), "$", "Undecorated has no kind"),
        (Flat(1).when(matching(print)), "$.condition", "a function in matching(...) needs a class of its own"),
        (Program("Club", earning=Flat(1) + Nameless()), "$.points.points.earning.rules[1]", "Nameless has no kind"),
        (5, "$", "int has no kind"),
        (Holder(1.5), "$.anything", "a float cannot be stored in this field"),
        (Holder([1]), "$.anything", "a list cannot be stored"),
        (Holder({"a": {1}}), "$.anything.a", "a set cannot be stored"),
        (Holder(print), "$.anything", "cannot be stored in this field"),
        (Holder(1, number=date(2026, 3, 1)), "$.number", "a date cannot be stored"),
        (Holder(1, number=10**40), "$.number", "more than 40 digits"),
        (Category("\ud800"), "$.names[0]", "half of a surrogate pair"),
    ],
    ids=repr,
)
def test_what_data_cannot_say_is_refused_with_the_remedy(value, path, message):
    with pytest.raises(DataError) as caught:
        to_data(value)

    assert caught.value.path == path
    assert message in caught.value.message


def test_names_that_data_needs_are_refused():
    @frozen
    class Typed(EarningRule):
        kind = "stored_typed"

        type: str = "x"

        def earn(self, activity, member):
            return 0

    @frozen
    class Tagged(EarningRule):
        kind = "number"

        def earn(self, activity, member):
            return 0

    with pytest.raises(RuleError, match="data keeps the names type and version for itself; rename the field"):
        to_data(Typed())
    with pytest.raises(DataError, match="data keeps the kind 'number' for plain values; give Tagged another one"):
        to_data(Tagged())
    del KINDS["number"], NAMES["Tagged"], KINDS["stored_typed"], NAMES["Typed"]
