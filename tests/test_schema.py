"""The JSON Schema of program files: what is read is valid, and what has a wrong form is not."""

from copy import deepcopy
from datetime import date, time
import json
from pathlib import Path
import re
import tomllib
import warnings

from attrs import field, frozen
from hostile import BOMBS, load_history, load_json, load_toml
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pages import DOCS, ROOT, blocks
import pytest
from stored import EVERYTHING

from loyaltycore import *
from loyaltycore import schema, serialize
from loyaltycore._annotations import slots_of, wants_of
from loyaltycore._reading import Spot
from loyaltycore._strategy import KINDS
from loyaltycore._writing import write_fields
from loyaltycore.cli import main
from loyaltycore.schema import PATTERNS, PERIODS, WORDS, program_schema
from loyaltycore.testing import rules

SCHEMA = program_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        yield


def as_editors_see_it(data):
    """The data of a file without what only TOML has: a date is its text."""
    if isinstance(data, dict):
        return {key: as_editors_see_it(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_editors_see_it(item) for item in data]
    return data.isoformat() if isinstance(data, date | time) else data


def without_nulls(data):
    """The same without what is left out when it is null: a schema would rather have it so."""
    if isinstance(data, dict):
        return {key: without_nulls(value) for key, value in data.items() if value is not None}
    return [without_nulls(item) for item in data] if isinstance(data, list) else data


def wrong(data, validator=VALIDATOR):
    """Where the schema finds something wrong first, if it does."""
    error = best_match(validator.iter_errors(as_editors_see_it(data)))
    return error and (error.json_path, error.message[:300])


def toml(text):
    return tomllib.loads(text)


def loaded(data):
    """What a program file with this data holds."""
    data = deepcopy(data)
    return serialize.read_root(data, KINDS[serialize._prepared(data, ("program", "program_history"))])


def test_it_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


# What is read is valid ------------------------------------------------------------------------------------------------

PROGRAM_FILES = sorted([*ROOT.glob("examples/*.toml"), *ROOT.glob("examples/gallery/*.toml")])
FILES = {str(file.relative_to(ROOT)): file.read_text() for file in PROGRAM_FILES}
FILES |= {block.place: block.text for page in DOCS for block in blocks(page, "toml")}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_every_program_file_is_valid(text):
    assert wrong(toml(text)) is None


def of_kind(kind):
    """What checks a value of that kind by itself."""
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]})


IN_FILES = [sample for sample in EVERYTHING if sample.values[0]._kind in SCHEMA["$defs"]]


@pytest.mark.parametrize("value", IN_FILES)
def test_what_is_written_of_a_value_is_valid(value):
    data = to_data(value)
    del data["version"]

    assert wrong(data, of_kind(value._kind)) is None
    assert wrong(write_fields(value, Spot(), short=True), of_kind(value._kind)) is None


PROGRAMS = [sample for sample in EVERYTHING if isinstance(sample.values[0], Program | ProgramHistory)]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_written_of_a_program_is_valid(program):
    assert wrong(to_data(program)) is None
    assert wrong(toml(program.dump())) is None


@st.composite
def programs(draw):
    """A program, or several versions of one."""

    def one(**more):
        return Program("Club", points={"a": Points(draw(rules()), places=2), "b": Points(Flat(1))}, **more)

    try:
        if draw(st.booleans()):
            return one()
        return ProgramHistory(one(), (draw(st.dates(date(2020, 1, 1), date(2030, 1, 1))), one(grandfather=False)))
    except RuleError:  # two counters of one name
        assume(False)


@given(programs())
def test_any_program_is_valid_as_data_and_as_toml(program):
    assert wrong(to_data(program)) is None
    assert wrong(toml(program.dump())) is None


@pytest.mark.parametrize(
    "file",
    [
        {"name": "Club", "earning": "Flat(1)", "tiers": {"tiers": ["Tier('a')"], "window": "month"}},
        {"name": "Club", "points": {"a": "Points(Flat(1))"}, "rewards": {"tea": {"type": "item", "price": "1.5"}}},
        {"name": "Club", "points": {"a": {"type": "points", "earning": {"type": "flat", "points": "1/3"}}}},
        {"name": "Club", "earning": {"type": "times", "rule": "Flat(1)", "factor": 2}},
        {"name": "Club", "earning": {"type": "times", "rule": "Flat(1)", "factor": "1.5"}},
        {"name": "Club", "earning": {"type": "cap", "rule": "Flat(1).named('a')", "points": 5, "per": ["day"]}},
        {"name": "Club", "earning": {"type": "cap", "rule": "Flat(1)", "points": 5, "per": "'line'"}},
        {"name": "Club", "points": {}, "earning": "Flat(1)", "ladders": {}, "tiers": {"tiers": ["Tier('a')"]}},
        {"name": "Club", "versions": [{"earning": "Flat(1)"}, {"from": "2026-03-01", "earning": "Flat(2)"}]},
        {"versions": [{"name": "Club", "earning": "Flat(1)"}, ["2026-03-01", {"name": "B", "earning": "Flat(2)"}]]},
        {"versions": ["Program('Club', earning=Flat(1))"]},
    ],
)
def test_every_way_to_say_it_is_valid(file):
    assert loaded(file)
    assert wrong(file) is None


# What has a wrong form is not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "place", "says"),
    [
        ("earnings = 'Flat(1)'", "$", "'earnings' was unexpected"),
        ("", "$", "'earning' is a required property"),
        ("earning = 'Flat'", "$.earning", "does not match"),
        ("earning = 5", "$.earning", "5 is not of type 'string', 'object'"),
        ("earning.type = 'flt'", "$.earning.type", "'flt' is not one of ['at_least',"),
        ("earning = { type = 'flat', points = 1.5 }", "$.earning.points", "1.5 is not of type 'integer', 'string'"),
        ("earning = { type = 'flat', points = 'a' }", "$.earning.points", "does not match"),
        ("earning = { type = 'flat' }", "$.earning", "'points' is a required property"),
        ("earning = { type = 'flat', points = 1, every = 2 }", "$.earning", "'every' was unexpected"),
        ("earning = { type = 'sum', rules = ['Flat(1)', { type = 'flat' }] }", "$.earning.rules[1]", "'points' is a"),
        ("earning = 'Flat(1)'\npoints.a.earning = 'Flat(1)'", "$.earning", "is not of type 'null'"),
        ("points.a = { earning = 'Flat(1)', expirry = 'Never()' }", "$.points.a", "'expirry' was unexpected"),
        ("points.a = { earning = 'Flat(1)', rounding.mode = 'up' }", "$.points.a.rounding.mode", "not one of ['floor'"),
        ("points.a = { earning = 'Flat(1)', expiry = { type = 'on', day = 5 } }", "$.points.a.expiry.day", "'string'"),
        (
            "points.a = { earning = 'Flat(1)', expiry = { type = 'flat', points = 1 } }",
            "$.points.a.expiry.type",
            "flat",
        ),
        ("earning = 'Flat(1)'\ntiers = { window = 'moth', tiers = [] }", "$.tiers.window", "'moth' is not valid"),
        ("earning = 'Flat(1)'\ntiers.tiers = [{ nam = 'a' }]", "$.tiers.tiers[0]", "'nam' was unexpected"),
        ("earning = 'Flat(1)'\nhold_timeout = 'soon'", "$.hold_timeout", "'soon' does not match"),
        ("version = 2\nearning = 'Flat(1)'", "$.version", "1 was expected"),
        ("earning = 'Flat(1)'\n[[versions]]\nearning = 'Flat(1)'", "$", "'earning' is not one of ['version',"),
        ("[[versions]]\nfrom = 2026-03-01\nearning = 'Flat(1)'", "$.versions", "does not contain items"),
        ("[[versions]]\nearning = 'Flat(1)'\n[[versions]]\nearning = 'Flat(1)'", "$.versions", "Too many items match"),
        ("[[versions]]\nearning = 'Flat'", "$.versions[0].earning", "does not match"),
    ],
)
def test_it_says_where_and_what_is_wrong(file, place, says):
    data = toml(f"name = 'Club'\n{file}")
    with pytest.raises(DataError):
        loaded(data)

    found = {error.json_path: error.message for error in VALIDATOR.iter_errors(as_editors_see_it(data))}

    assert place in found
    assert says in "\n".join(e.message for e in VALIDATOR.iter_errors(as_editors_see_it(data)) if e.json_path == place)


def test_versions_need_a_name_that_they_share_or_each_have():
    assert wrong({"versions": [{"earning": "Flat(1)"}]}) == ("$.versions[0]", "'name' is a required property")


FORM = re.compile(
    "(the (text|number) .*|null|true|false|a list|a table|a time) is not what goes here|.* has no such field"
    "|it is missing|.*is no kind|nothing says what|the float|the keys here are not text|.* is no pair|.* a list is no"
    "|there are \\d+ (items|versions)|.* is no version|give either|a whole number of more than"
)
"""What errors say that are about the form of the data, and not about what it means or what text in it says."""


FORMED = 10_000
"""Characters of a file; what is wrong with longer ones is their size."""


def bombs():
    """The bombs that are files whose data can be read, with that data."""
    for name, bomb in BOMBS.items():
        text = bomb.make() if bomb.read in (load_toml, load_json, load_history) else b""
        if 0 < len(text) <= FORMED:
            try:
                text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
                yield pytest.param(
                    (serialize._parse_json if bomb.read is load_json else serialize.read_toml)(text), id=name
                )
            except (UnicodeDecodeError, DataError):
                continue


FREE = re.compile(r"\.(rows|by|starts|values)[.\[]")
"""Places inside of fields that may hold anything, of which the schema does not say more."""


def refusal(data):
    """What reading says is wrong with the data, if anything is, and whether that is its form."""
    try:
        loaded(data)
    except DataError as error:
        return error.message, bool(FORM.match(error.message) and not FREE.search(error.path))
    return "", False


NAMED = list(bombs())


@pytest.mark.parametrize("data", NAMED)
def test_a_bomb_of_a_wrong_form_is_not_valid_and_what_is_read_is(data):
    said, form = refusal(data)

    if not said:
        assert wrong(without_nulls(data)) is None
    elif form:
        assert wrong(data)


def test_enough_of_the_bombs_have_a_wrong_form():
    assert sum(refusal(bomb.values[0])[1] for bomb in NAMED) >= 30


SPOILT = [1, -1, "1.5", 1.5, True, None, "", "a", "month", "Flat(1)", "2026-03-01", [], {}, ["a"], {"type": "flat"}]
TEXTS = [*FILES.values(), *(sample.values[0].dump() for sample in PROGRAMS)]
DATA = [*map(toml, TEXTS), *(to_data(loaded(toml(text))) for text in TEXTS)]


def places(data, place=()):
    yield place
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*place, key))


@st.composite
def spoilt_data(draw):
    """The data of a file with one thing left out, renamed, added or put in its place."""
    data = deepcopy(draw(st.sampled_from(DATA)))
    *above, last = draw(st.sampled_from(list(places(data))[1:]))
    parent = data
    for key in above:
        parent = parent[key]
    change = draw(st.sampled_from(["put", "leave out", "rename", "add"]))
    if change == "leave out":
        del parent[last]
    elif change == "put" or isinstance(parent, list):
        parent[last] = draw(st.sampled_from(SPOILT))
    else:
        new = draw(st.sampled_from([*SLOTS, "nothing"]))
        parent[new] = parent.pop(last) if change == "rename" else draw(st.sampled_from(SPOILT))
    return data


SLOTS = sorted(
    {"type", "version", "from", *(key for kind in SCHEMA["$defs"] if kind in KINDS for key in slots_of(KINDS[kind]))}
)


@given(spoilt_data())
def test_what_has_a_wrong_form_is_not_valid_and_what_is_read_is(data):
    said, form = refusal(data)  # never anything but an error of ours

    if not said:
        assert wrong(without_nulls(data)) is None
    elif form:
        assert wrong(data)


# Words, patterns, own kinds -------------------------------------------------------------------------------------------

HOLDERS = {
    "calendar": {},
    "end_of": {},
    "option_limit": {"option": "Item(1)", "n": 1, "per": "day"},
    "rounded": {"rule": "Flat(1)"},
    "rounding": {},
    "tier_ladder": {"tiers": ["Tier('a')"], "window": "year"},
    "to_end_of": {"rule": "Never()"},
    "word": {},
}


def holder(place, word):
    kind, _, key = place.partition(".")
    return {"version": 1, "type": kind, **HOLDERS[kind], key: word}


@pytest.mark.parametrize(("place", "words"), WORDS.items(), ids=WORDS)
def test_words_are_those_that_are_read(place, words):
    assert all(from_data(holder(place, word)) is not None for word in words)
    for other in {"nothing", *PERIODS, *(w for others in WORDS.values() for w in others)} - set(words):
        with pytest.raises(DataError):
            from_data(holder(place, other))


def test_no_field_of_words_or_of_a_form_of_its_own_is_forgotten():
    def refuses(convert):
        try:
            return not convert("no such word")
        except LoyaltyError:
            return True

    chosen = {
        f"{kind}.{key}"
        for kind in SCHEMA["$defs"]
        if kind in KINDS and schema._is_ours(KINDS[kind])
        for key, slot in slots_of(KINDS[kind]).items()
        if wants_of(slot.hint).plain == {str} and slot.convert and refuses(slot.convert)
    }

    assert chosen - {"program.timezone", "in_hours.start", "in_hours.end"} <= {*WORDS, *PATTERNS}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("currency", ["USD", "eur"], ["EURO", "US", "U$D"]),
        ("hold_timeout", ["1 day", "30minutes"], ["soon", "1 month"]),
    ],
)
def test_patterns_are_those_of_what_is_read(field, good, bad):
    club = {"name": "Club", "earning": "Flat(1)"}
    for text in good:
        assert loaded({**club, field: text})
        assert wrong({**club, field: text}) is None
    for text in bad:
        with pytest.raises(DataError):
            loaded({**club, field: text})
        assert wrong({**club, field: text})


def test_a_period_has_its_words():
    per = SCHEMA["$defs"]["cap"]["properties"]["per"]
    window = SCHEMA["$defs"]["tier_ladder"]["properties"]["window"]

    assert per["anyOf"][0] == {"enum": list(PERIODS)}
    assert per["default"] == "activity"
    assert window["anyOf"][0] == {"enum": ["day", "week", "month", "quarter", "year", "ever"]}


def test_it_says_what_the_docs_of_a_class_say():
    points = SCHEMA["$defs"]["points"]

    assert points["title"] == "Points"
    assert points["description"] == "One loyalty currency of a program: how it is earned, rounded and shown."
    assert points["properties"]["expiry"] == {
        "description": "*expiry* says the last day, counted from then.",
        "$ref": "#/$defs/DateRule",
        "default": "Never()",
    }


def test_defaults_are_valid():
    for kind, table in SCHEMA["$defs"].items():
        for key, slot in table.get("properties", {}).items():
            if "default" in slot:
                assert wrong(slot["default"], VALIDATOR.evolve(schema={**slot, "$defs": SCHEMA["$defs"]})) is None, (
                    kind,
                    key,
                )


def test_own_kinds_are_in_it_once_they_are_made():
    @frozen
    class Lucky(EarningRule):
        """Points on one day of the month.

        *day* is that day.
        """

        kind = "lucky/~ day"
        day: int = 7
        per: Period = field(default="mood", converter=lambda word: Calendar("day") if word == "mood" else word)

        def earn(self, activity, member):
            return 77

    club = {"name": "Club", "earning": {"type": "lucky/~ day", "day": 8, "per": "mood"}}
    own = Draft202012Validator(program_schema())

    assert loaded(club)
    assert wrong(club, own) is None
    assert wrong(club) == ("$.earning.type", wrong(club)[1])
    assert own.schema["$defs"]["lucky/~ day"]["properties"]["day"] == {
        "description": "*day* is that day.", "type": "integer", "default": 7,
    }  # fmt: skip
    assert wrong({"name": "Club", "earning": {"type": "lucky/~ day", "day": "8"}}, own)


# From the command line ------------------------------------------------------------------------------------------------


def test_the_command_prints_it(capsys):
    assert main(["schema"]) == 0

    out, err = capsys.readouterr()
    assert json.loads(out) == program_schema()
    assert err == ""


def test_the_command_writes_it(capsys, tmp_path):
    file = tmp_path / "club.schema.json"

    assert main(["schema", "--out", str(file)]) == 0

    assert json.loads(file.read_text("utf-8")) == program_schema()
    assert capsys.readouterr() == ("", "")


def test_the_command_says_where_it_cannot_write(capsys, tmp_path):
    assert main(["schema", "--out", str(Path(tmp_path, "nowhere", "club.json"))]) == 2

    assert capsys.readouterr().err.endswith("club.json: No such file or directory\n")
