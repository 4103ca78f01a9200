"""Values as data and back: every kind survives, and whatever is wrong with data is an error that names the place."""

from copy import deepcopy
from datetime import date, datetime
from fractions import Fraction
import json
import pickle
import warnings

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest
from stored import EVERYTHING

from loyaltycore import *
from loyaltycore._strategy import KINDS, walk
from loyaltycore.testing import activities, conditions, factors, histories, lines, members, rules


def of_the_library(kinds):
    return {kind for kind in kinds if KINDS[kind].__module__.startswith("loyaltycore.")}


def test_every_kind_is_among_them():
    met = {type(part)._kind for value in EVERYTHING for _, part in walk(value.values[0])}

    assert of_the_library(met) == of_the_library(KINDS)


# Round trips ----------------------------------------------------------------------------------------------------------


def survives(value):
    data = to_data(value)
    assert json.loads(json.dumps(data)) == data
    for back in (from_data(data), from_json(to_json(value)), pickle.loads(pickle.dumps(value))):  # noqa: S301 (our own)
        assert back == value
        assert type(back) is type(value)
        assert hash(back) == hash(value)


@pytest.mark.parametrize("value", EVERYTHING)
def test_it_is_the_same_after_data_json_and_pickle(value):
    survives(value)


@given(st.one_of(rules(max_depth=4), conditions(), factors(), activities(), lines(), members()))
def test_whatever_is_drawn_is_the_same_after_data_json_and_pickle(value):
    survives(value)


@given(rules(), histories(), members())
def test_awards_and_counters_are_the_same_after_data(rule, history, member):
    for activity in history:
        award = rule.award(activity, member)
        assert from_data(to_data(award)).reason == award.reason
        survives(award)
        member = member.after(award).seen(activity)
    survives(member)


# What data looks like -------------------------------------------------------------------------------------------------

SHAPES = [
    (PerSpend(1), {"type": "per_spend", "points": 1}),
    (PerSpend("1.5", every=10), {"type": "per_spend", "points": "1.5", "every": 10}),
    (PerSpend("1/3"), {"type": "per_spend", "points": "1/3"}),
    (Flat(10**40 - 1), {"type": "flat", "points": 10**40 - 1}),
    (FirstTime("purchase"), {"type": "first_time", "kind": "purchase"}),
    (Category("a", "b"), {"type": "category", "names": ["a", "b"]}),
    (
        PerSpend(1) + Flat(5).when(~InTier("gold")),
        {
            "type": "sum",
            "rules": [
                {"type": "per_spend", "points": 1},
                {
                    "type": "when",
                    "rule": {"type": "flat", "points": 5},
                    "condition": {"type": "not", "condition": {"type": "in_tier", "tiers": ["gold"]}},
                },
            ],
        },
    ),
    (During("2026-03-01", "2026-03-01T00:00"), {"type": "during", "start": "2026-03-01", "end": "2026-03-01T00:00:00"}),
    (by_fact("x", {"a": "1.5"}), {"type": "by_fact", "name": "x", "factors": {"a": "1.5"}}),
    (by_fact("x", {1: 2, "a": 3}), {"type": "by_fact", "name": "x", "factors": [[1, 2], ["a", 3]]}),
    (Fact("x", "1.5", True), {"type": "fact", "name": "x", "values": ["1.5", True]}),
    (Fact("x", Fraction(3, 2)), {"type": "fact", "name": "x", "values": [{"type": "number", "value": "1.5"}]}),
    (Award("1.5", reason="a gift"), {"type": "award", "exact": "1.5", "points": 1, "reason": "a gift"}),
    (Award(0, reason=("{} of {!r}", 1, Flat(2))), {"type": "award", "exact": 0, "points": 0, "reason": "1 of Flat(2)"}),
]


@pytest.mark.parametrize(("value", "data"), SHAPES, ids=lambda x: repr(x)[:60])
def test_data_is_what_a_person_would_write(value, data):
    assert to_data(value) == {"version": 1, **data}


def test_counters_are_pairs_of_a_key_and_a_count():
    award = Flat(5).named("gift").cap(2, per="day").award(Activity.purchase(1, at="2026-03-01"))

    assert to_data(award)["counts"] == [[["", "gift", "points", "day 2026-03-01"], 2]]
    assert all(type(key) is CounterKey for key in from_data(to_data(award)).counts)


def test_there_may_be_many_counters():
    member = Member(counted={CounterKey("stars", "visits", "times", f"day {n}"): 1 for n in range(1_500)})

    assert from_data(to_data(member)) == member


def test_json_is_text_that_people_can_read():
    assert to_json(Category("caf\u00e9")) == '{"version": 1, "type": "category", "names": ["caf\u00e9"]}'
    assert to_json(Flat(1), indent=1).splitlines()[1] == ' "version": 1,'


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"type": "times", "rule": "Flat(1)", "factor": "1.5"}, Flat(1) * "1.5"),
        ({"type": "times", "rule": "Flat(1)", "factor": 2}, Flat(1) * 2),
        ({"type": "times", "rule": "Flat(1)", "factor": "by_tier(gold=2)"}, Flat(1) * by_tier(gold=2)),
        (
            {"type": "cap", "rule": "Flat(1).named('a')", "points": 5, "per": "month"},
            Flat(1).named("a").cap(5, per="month"),
        ),
        (
            {"type": "cap", "rule": "Flat(1).named('a')", "points": 5, "per": ["month", {"type": "each", "fact": "x"}]},
            Flat(1).named("a").cap(5, per=("month", Each("x"))),
        ),
        (
            {"type": "cap", "rule": "Flat(1).named('a')", "points": 5, "per": "('month', Each('x'))"},
            Flat(1).named("a").cap(5, per=("month", Each("x"))),
        ),
        ({"type": "item", "price": 5}, Item(5)),
        ({"type": "item", "price": "1.5"}, Item("1.5")),
        ({"type": "item", "price": "PerSpend(2)"}, Item(PerSpend(2))),
        ({"type": "flat", "points": "1e2"}, Flat(100)),
        ({"type": "activity", "lines": [{"amount": 5}], "at": "2026-03-01"}, Activity(Line(5), at="2026-03-01")),
        (
            {"type": "points", "earning": "Flat(1)", "rounding": {"mode": "ceil"}},
            Points(Flat(1), rounding=Rounding("ceil")),
        ),
        ({"type": "program", "name": "Club", "earning": "Flat(1)"}, Program("Club", earning=Flat(1))),
        ({"type": "has", "condition": None, "at_least": 5}, MinSpend(5)),
        ({"type": "during", "start": date(2026, 3, 1)}, During("2026-03-01", None)),
        ({"type": "during", "start": datetime(2026, 3, 1)}, During("2026-03-01T00:00", None)),
        ({"type": "activity", "lines": [{"amount": 5}], "at": date(2026, 3, 1)}, Activity(Line(5), at="2026-03-01")),
    ],
    ids=repr,
)
def test_data_may_also_be_written_so(data, value):
    assert from_data({"version": 1, **data}) == value


# What is wrong with data ----------------------------------------------------------------------------------------------

NOT_DATA = [
    (5, "$", "the number 5 is not what goes here"),
    (None, "$", "null is not"),
    ([], "$", "a list is not"),
    ({}, "$.version", "null is no version that is read here; give 1"),
    ({"version": 2, "type": "flat", "points": 1}, "$.version", "the number 2 is no version"),
    ({"version": True, "type": "flat", "points": 1}, "$.version", "true is no version"),
    ({"version": "1", "type": "flat", "points": 1}, "$.version", "the text '1' is no version"),
    ({1: 2}, "$", "the number 1 is no key; keys are text"),
]
WRONG = [
    # kinds
    ({"points": 5}, "$.type", "nothing says what this is; give one of activity, after"),
    ({"type": "flt", "points": 5}, "$.type", "the text 'flt' is no kind that goes here; did you mean 'flat'?"),
    ({"type": 5}, "$.type", "the number 5 is no kind"),
    ({"type": ["flat"]}, "$.type", "a list is no kind"),
    ({"type": "loyaltycore.earning_rules.Flat", "points": 5}, "$.type", "is no kind that goes here"),
    ({"type": "not", "condition": {"type": "flat", "points": 1}}, "$.condition.type", "'flat' is no kind that goes"),
    ({"type": "not", "condition": {"names": ["a"]}}, "$.condition.type", "give one of and, anniversary, at_least_tier"),
    # fields
    ({"type": "flat", "points": 5, "pionts": 6}, "$.pionts", "'flat' has no such field; did you mean 'points'?"),
    ({"type": "flat", "points": 5, "x y": 6}, "$['x y']", "'flat' has no such field; it has points"),
    ({"type": "flat", "points": 5, "_kind": "x"}, "$._kind", "no such field"),
    ({"type": "birth_month", "month": 5}, "$.month", "it has none"),
    ({"type": "not", "condition": {"type": "birth_month", "version": 1}}, "$.condition.version", "no such field"),
    ({"type": "flat"}, "$.points", "it is missing; give a number (as text, if it is not whole)"),
    ({"type": "fact"}, "$.name", "it is missing; give text"),
    # types
    ({"type": "flat", "points": True}, "$.points", "true is not what goes here; give a number"),
    ({"type": "flat", "points": None}, "$.points", "null is not what goes here"),
    ({"type": "flat", "points": [1]}, "$.points", "a list is not what goes here"),
    ({"type": "flat", "points": {"value": 1}}, "$.points", "a table is not what goes here"),
    ({"type": "flat", "points": b"1"}, "$.points", "a bytes is not what goes here"),
    ({"type": "flat", "points": date(2026, 3, 1)}, "$.points", "a date is not what goes here"),
    ({"type": "flat", "points": 1.5}, "$.points", 'the float 1.5 is not exact; write it as text: "1.5"'),
    ({"type": "flat", "points": float("nan")}, "$.points", "give a finite number"),
    ({"type": "flat", "points": float("inf")}, "$.points", "give a finite number"),
    ({"type": "flat", "points": "one"}, "$.points", "'one' is not a number; write digits"),
    ({"type": "flat", "points": "\uff11"}, "$.points", "is not a number"),
    ({"type": "flat", "points": "1_000"}, "$.points", "is not a number"),
    ({"type": "flat", "points": "1e999999"}, "$.points", "more than 40 digits"),
    ({"type": "flat", "points": 10**5000}, "$.points", "more than 40 digits"),
    ({"type": "every_nth_activity", "n": "2"}, "$.n", "the text '2' is not what goes here; give a whole number"),
    ({"type": "every_nth_activity", "n": True}, "$.n", "true is not what goes here; give a whole number"),
    ({"type": "category", "names": [5]}, "$.names[0]", "the number 5 is not what goes here; give text"),
    ({"type": "category", "names": [10**50]}, "$.names[0]", "a whole number of more than 40 digits"),
    ({"type": "category", "names": "dining"}, "$.names", "the text 'dining' is not what goes here; give a list"),
    ({"type": "category", "names": ["\ud800"]}, "$.names[0]", "half of a surrogate pair"),
    ({"type": "not", "condition": 5}, "$.condition", "5 is no condition"),
    ({"type": "not", "condition": ["a"]}, "$.condition", "is no condition"),
    ({"type": "award", "exact": 1, "reason": 5}, "$.reason", "the number 5 is not what goes here; give text"),
    ({"type": "points", "earning": "Flat(1)", "redeemable": 1}, "$.redeemable", "give true or false"),
    ({"type": "member", "joined": "soon"}, "$.joined", "the text 'soon' is not what goes here; give a date"),
    ({"type": "member", "joined": datetime(2026, 3, 1)}, "$.joined", "a datetime is not what goes here"),
    ({"type": "activity", "lines": [{"amount": 1}], "at": "March"}, "$.at", "give a moment as in '2026-03-01T12:30'"),
    ({"type": "activity", "lines": [{"amount": 1}], "at": "2026-03-01T12:00+05:00[UTC]"}, "$.at", "the offset"),
    ({"type": "member", "joined": "2026-03-01T12:00"}, "$.joined", "give a date as in '2026-03-01'"),
    # facts and mappings
    ({"type": "line", "amount": 1, "facts": {"a": None}}, "$.facts.a", "null is not what goes here"),
    ({"type": "line", "amount": 1, "facts": {"a": {"b": 1}}}, "$.facts.a", "a table is not what goes here"),
    ({"type": "line", "amount": 1, "facts": {"a": [1.5]}}, "$.facts.a[0]", "the float 1.5"),
    ({"type": "line", "amount": 1, "facts": {"a b": 1.5}}, "$.facts['a b']", "the float 1.5"),
    ({"type": "line", "amount": 1, "facts": {"a": {"type": "number"}}}, "$.facts.a", "its type and its value"),
    ({"type": "line", "amount": 1, "facts": {"a": {"type": "number", "value": "x"}}}, "$.facts.a.value", "no"),
    ({"type": "line", "amount": 1, "facts": {"a": {"type": "date", "value": "2026-03-01"}}}, "$.facts.a", "a table"),
    ({"type": "by_fact", "name": "x", "factors": [[1, 1], [True, 2]]}, "$.factors[1][0]", "this key stands twice"),
    ({"type": "by_fact", "name": "x", "factors": [[1]]}, "$.factors[0]", "a list is no pair"),
    ({"type": "by_fact", "name": "x", "factors": [5]}, "$.factors[0]", "the number 5 is no pair"),
    ({"type": "by_fact", "name": "x", "factors": {"a": "b"}}, "$.factors.a", "'b' is not a number"),
    ({"type": "by_fact", "name": "x", "factors": [[i * (2**61 - 1), 1] for i in range(21)]}, "$.factors", "one hash"),
    ({"type": "increments", "table": {"100": 3}}, "$.table", "the keys here are not text"),
    ({"type": "member", "counted": {"a": 1}}, "$.counted", "the keys here are not text; give a list of pairs"),
    ({"type": "member", "counted": [[["a", "b"], 1]]}, "$.counted[0][0]", "there are 2 items; give 4"),
    ({"type": "member", "counted": [[["a", "b", "c", "d"], []]]}, "$.counted[0][1]", "a list is not what goes here"),
    # what constructors say
    ({"type": "per_spend", "points": 1, "every": 0}, "$.every", "0 is not above 0; give a number above 0"),
    ({"type": "category", "names": []}, "$", "no name is given"),
    ({"type": "rounded", "rule": "Flat(1)", "mode": "x" * 9_000}, "$.mode", "x ... x"),
    ({"type": "sum", "rules": []}, "$.rules", "there is none; give at least one"),
    ({"type": "in_hours", "start": "25", "end": "3"}, "$.start", "is no time of day"),
    ({"type": "in_hours", "start": "3", "end": "3"}, "$", "is no time at all"),
    ({"type": "cap", "rule": "Flat(1)", "points": 5, "per": "month"}, "$", "write .named('...') before it"),
    ({"type": "cap", "rule": "Flat(1)", "points": 5, "per": "moth"}, "$.per", "'moth' is no period"),
    ({"type": "word", "word": "month"}, "$.word", "is no period of one activity"),
    ({"type": "every", "periods": [{"type": "lifetime"}]}, "$.periods", "give at least two"),
    ({"type": "product", "factors": []}, "$.factors", "two or more"),
    ({"type": "activity", "lines": [], "at": "2026-03-01"}, "$.lines", "at least one line"),
    ({"type": "activity", "lines": [{"amount": -1}], "at": "2026-03-01"}, "$.lines", "never below 0"),
    ({"type": "calendar", "unit": "week", "starts": {"a": 1}}, "$.starts", "is not a number"),
    ({"type": "points_table", "rows": [["a", 1], ["a", 2]], "by": ["x"]}, "$.rows[1]", "stands twice"),
    ({"type": "points", "earning": "Flat(1)", "rounding": {"mode": "up"}}, "$.rounding.mode", "'up' is no mode"),
    ({"type": "program", "name": "Club"}, "$", "give either earning=... or points={...}"),
    ({"type": "program", "name": "", "earning": "Flat(1)"}, "$.name", "is not a name"),
    ({"type": "program", "name": "Club", "earning": "Flat(1)", "timezone": "Mars"}, "$.timezone", "is not known here"),
    (
        {
            "type": "program",
            "name": "Club",
            "earning": "Flat(1).named('a').cap(1, per='day') + Flat(1).named('a').cap(2, per='day')",
        },
        "$.points.points.earning.rules[1]",
        "give one of them another name",
    ),
    (
        {
            "type": "program",
            "name": "Club",
            "points": {
                "stars": {
                    "earning": {"type": "sum", "rules": ["Flat(1)", {"type": "per_spend", "points": 1, "every": -1}]}
                }
            },
        },
        "$.points.stars.earning.rules[1].every",
        "-1 is not above 0",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        *NOT_DATA,
        *(pytest.param({"version": 1, **data}, *rest, id=f"{i} {rest[0]}") for i, (data, *rest) in enumerate(WRONG)),
    ],
)
def test_wrong_data_is_an_error_that_names_the_place(data, path, message):
    with pytest.raises(DataError) as caught:
        from_data(data)

    assert caught.value.path == path
    assert message in caught.value.message


def test_the_error_of_a_constructor_is_its_cause():
    with pytest.raises(DataError) as caught:
        from_data({"version": 1, "type": "flat", "points": -1})

    assert str(caught.value) == "$.points: -1 is below 0; give 0 or more"
    assert isinstance(caught.value.__cause__, RuleError)


def test_data_may_nest_50_deep_and_no_deeper():
    rule, data = Flat(1), {"type": "flat", "points": 1}
    for _ in range(49):
        rule, data = rule.each_line(), {"type": "each_line", "rule": data}

    with pytest.raises(DataError, match="nests more than 50 deep"):
        from_data({"version": 1, **data})
    with pytest.raises(DataError, match="nests more than 50 deep"):
        to_data(rule)
    assert from_data({"version": 1, **data["rule"]}) == rule.rule


def test_data_that_holds_itself_is_too_deep():
    data = {"version": 1, "type": "not"}
    data["condition"] = data["condition"] = {"type": "and", "conditions": []}
    data["condition"]["conditions"] = [data["condition"]]

    with pytest.raises(DataError, match="nests more than 50 deep"):
        from_data(data)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ('{"version": 1, "type": "flat", "points": 1, "points": 999}', "$.points", "this key stands twice"),
        ('{"version": 1, "version": 1, "type": "flat", "points": 1}', "$.version", "this key stands twice"),
        ('{"version": 1, "type": "by_tier", "factors": {"gold": 1, "gold": 2}}', "$.factors.gold", "stands twice"),
        ('{"version": 1, "type": "flat", "points": NaN}', "$.points", "give a finite number"),
        ('{"version": 1, "type": "flat", "points": -Infinity}', "$.points", "give a finite number"),
        ('{"version": 1, "type": "flat", "points": 1.50}', "$.points", 'write it as text: "1.5"'),
        ('{"version": 1, "type": "category", "names": ["\\ud800"]}', "$.names[0]", "half of a surrogate pair"),
        ('{"version": 1', "", "this is no JSON"),
        ("", "", "this is no JSON"),
        ("[" * 100_000, "", "it nests too deep"),
        (b"{}", "", "bytes is no text"),
    ],
)
def test_wrong_json_is_an_error_that_names_the_place(text, path, message):
    with pytest.raises(DataError) as caught:
        from_json(text)

    assert caught.value.path == path
    assert message in caught.value.message


# Whatever comes -------------------------------------------------------------------------------------------------------

WORDS = sorted(
    {*KINDS, "version", "value", "number", *(key for value in EVERYTHING for key in to_data(value.values[0]))}
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.binary(max_size=2),
    st.just(10**50),
    st.text(max_size=4),
    st.sampled_from(
        [*WORDS, "Flat(1)", "~Sku('a')", "month", "1.5", "1/3", "2026-01-01", "2026-03-01T00:00", "('a',)"]
    ),
)
NAMES = st.sampled_from(WORDS) | st.text(max_size=3)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
fuzzed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def answer_to(data):
    try:
        return from_data(data)
    except DataError as error:
        return error


def is_answered(data):
    """The data is a value that can be stored again, or an error that names the place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        answer = answer_to(data)
        if isinstance(answer, DataError):
            assert answer.path.startswith("$")
            assert len(str(answer)) < 3_000
        else:
            assert from_data(to_data(answer)) == answer
            assert hash(from_data(to_data(answer))) == hash(answer)
            assert repr(answer)


@fuzzed
@given(ANYTHING)
def test_any_data_is_a_value_or_an_error(data):
    is_answered(data)
    if isinstance(data, dict):
        is_answered({**data, "version": 1})


def places(data, place=()):
    yield place
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*place, key))


def at(data, place):
    for key in place:
        data = data[key]
    return data


@st.composite
def spoilt(draw):
    """The data of something, with one or two changes: something else put somewhere, left out, or added."""
    value = draw(st.one_of(rules(), conditions(), factors(), activities(), members()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)  # a drawn factor may stand outside a cap
        whole = Program("Club", points={"a": Points(value)}) if isinstance(value, EarningRule) else value
    data = json.loads(to_json(whole))
    for _ in range(draw(st.integers(1, 2))):
        *above, last = draw(st.sampled_from(list(places(data))[1:]))
        parent = at(data, above)
        change = draw(st.sampled_from(["put", "move", "leave out", "add"]))
        if change == "leave out":
            del parent[last]
        elif change == "add" and isinstance(parent, dict):
            parent[draw(st.sampled_from(WORDS))] = draw(ANYTHING)
        else:
            other = deepcopy(at(data, draw(st.sampled_from(list(places(data))))))
            parent[last] = other if change == "move" else draw(ANYTHING)
    return data


@fuzzed
@given(spoilt().filter(lambda data: len(data) > 1))
def test_spoilt_data_is_a_value_or_an_error(data):
    is_answered(data)
