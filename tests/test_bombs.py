"""Whatever comes in ends in a value, or in an error that names the place: bombs by name, and files that are spoilt."""

# ruff: noqa: N802 (a promise is written with a capital)

from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
import json
import re
from time import process_time
import warnings

from hostile import BOMBS, load_history, load_json, load_toml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import DOCS, ROOT, blocks
import pytest
from stored import EVERYTHING, STRATEGIES

from loyaltycore import *
from loyaltycore import _exact, _expressions, _toml, periods, serialize
from loyaltycore._strategy import KINDS

HANGS = 1
"""Seconds. `benchmarks/bombs.py` shows that each takes under 0.05; here one is only to be told from a hang."""

LONGEST = 1_200
"""Characters of what an error says beside the place."""

fuzzed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library, and Python's own of text that is nearly a number
        yield


# Bombs by name --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_I27_a_bomb_ends_in_a_value_or_in_an_error_that_names_the_place(bomb, tmp_path):
    read = bomb.lit(tmp_path)
    start = process_time()
    try:
        read()
        path = message = None
    except DataError as error:
        path, message = error.path, error.message
    took = process_time() - start

    if bomb.place is None:
        assert path is None, message
    else:
        assert path == in_file(bomb, tmp_path)
        assert bomb.says in message
        assert len(message) <= LONGEST
    assert took < HANGS


def in_file(bomb, folder):
    """The place that the error must name, with the file if it is one."""
    files = {load_toml: "club.toml", load_json: "club.json", load_history: "club.toml"}
    file = str(folder / files[bomb.read]) if bomb.read in files else ""
    return ": ".join(filter(None, [file, bomb.place]))


def test_there_are_enough_of_them():
    assert len(BOMBS) >= 40
    assert sum(bomb.place is not None for bomb in BOMBS.values()) >= 200


def test_what_is_refused_has_not_been_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        from_data({"version": 1, "type": "each_line", "rule": "__import__('pathlib').Path('owned').touch()"})

    assert not list(tmp_path.iterdir())


# A bound for each thing that can be large: this, and no clock, is what the time depends on ----------------------------


def program_file(tmp_path, text, name="club.toml"):
    (tmp_path / name).write_text(text)
    return Program.load(tmp_path / name)


def test_the_limits_are_in_the_docs_as_they_are():
    page = (ROOT / "docs/how-to/program-files.md").read_text()
    shown = [int(n.replace(",", "")) for n in re.findall(r"^\| .* \| ([\d,]+) \|$", page, re.MULTILINE)]

    assert shown == [
        serialize.LONGEST, serialize.MOST_MARKS, _expressions.LONGEST, _expressions.LONGEST_CHAIN, _expressions.DEEPEST,
        _toml.MOST_PARTS, serialize.MOST_KEYS, serialize.MOST_VERSIONS, _exact.MOST_ALIKE, _exact.MAX_DIGITS,
        periods.LONGEST,
    ]  # fmt: skip


def padded(size):
    text = "name = 'Club'\nearning = 'Flat(1)'\n#"
    return text + "x" * (size - len(text))


def test_a_file_may_have_so_many_bytes_and_no_more(tmp_path):
    assert program_file(tmp_path, padded(serialize.LONGEST)) == Program("Club", earning=Flat(1))
    with pytest.raises(DataError, match="more than 64,000 bytes; build so large a program in Python"):
        program_file(tmp_path, padded(serialize.LONGEST + 1))


def marked(n):
    text = "name = 'Club'\nearning = 'Flat(1)'\n#"  # two signs of equality and a bracket
    return text + ":" * (n - 3)


def test_a_file_may_have_so_many_marks_and_no_more(tmp_path):
    assert program_file(tmp_path, marked(serialize.MOST_MARKS)) == Program("Club", earning=Flat(1))
    with pytest.raises(DataError, match="2,501 commas, dots, brackets and other marks, more than 2,500"):
        program_file(tmp_path, marked(serialize.MOST_MARKS + 1))


def keyed(*sizes):
    """Tables whose rows stand for so many keys."""
    values = [{"type": "points_table", "by": ["x"], "rows": [[[str(i) for i in range(n)], 1]]} for n in sizes]
    return json.dumps({"name": "Club", "earning": {"type": "best_of", "rules": values}})


def test_the_tables_of_a_file_may_stand_for_so_many_keys_together(tmp_path, monkeypatch):
    monkeypatch.setattr(serialize, "MOST_KEYS", 100)

    assert program_file(tmp_path, keyed(60, 40), "club.json").points
    with pytest.raises(DataError, match=r"rules\[1\].rows\[0\]: the rows stand for more than 40 keys"):
        program_file(tmp_path, keyed(60, 41), "club.json")
    assert program_file(tmp_path, keyed(60, 40), "club.json").points


def test_points_have_so_many_places_and_no_more():
    assert Points(Flat(1), places=18).show(1) == "0.000000000000000001"
    with pytest.raises(RuleError, match="places: 19 is above 18"):
        Points(Flat(1), places=19)


def test_a_date_rule_counts_a_thousand_years():
    longest = [After(years=1000), After(months=12_000), EndOf("week", plus=1000), Rolling(days=366_000)]
    assert [from_data(to_data(rule)) for rule in longest] == longest
    for make in (
        lambda: After(years=1001),
        lambda: After(days=366_001),
        lambda: After(hours=8_784_001),
        lambda: Never().plus(months=12_001),
        lambda: EndOf("week", plus=1001),
        lambda: Rolling(months=12_001),
    ):
        with pytest.raises(RuleError, match=r"is above [\d,]+; give [\d,]+ or less"):
            make()


def test_few_keys_share_a_hash():
    numbers = [n * (2**61 - 1) for n in range(21)]

    for few in (range(5_000), numbers[:20]):
        assert from_data(to_data(by_fact("x", dict.fromkeys(few, 2)))) == by_fact("x", dict.fromkeys(few, 2))
    for make in (
        lambda: by_fact("x", dict.fromkeys(numbers, 2)),
        lambda: PointsTable(dict.fromkeys(numbers, 2), by="x"),
    ):
        with pytest.raises(RuleError, match="more than 20 of the numbers have one hash; use text instead of numbers"):
            make()


def test_data_may_share_its_parts():
    line = {"amount": 1, "facts": {"tags": ["a", "b"]}}

    assert (
        len(from_data({"version": 1, "type": "activity", "at": "2026-03-01", "lines": [line] * 1_000}).lines) == 1_000
    )


def test_whoever_reads_from_deep_down_is_told_that_it_is_too_deep():
    data = {"version": 1, "type": "flat", "points": 1}
    for _ in range(40):
        data = {"version": 1, "type": "each_line", "rule": {k: v for k, v in data.items() if k != "version"}}

    def asked(levels):
        return asked(levels - 1) if levels else from_data(data)

    outcomes = set()
    for levels in range(0, 1_000, 20):
        try:
            outcomes.add(type(asked(levels)).__name__)
        except DataError as error:
            outcomes.add(error.message)
        except RecursionError:  # it did not even get so far
            break

    assert outcomes == {"EachLine", "it nests too deep to be read from here; make it flatter"}


# Every place of everything that is stored -----------------------------------------------------------------------------

NUMBERS = ["1e999999", "-1e-999999", 10**50, -(10**50), "\uff11", "1_0", 1.5, float("nan"), float("inf"), True, None]
OTHERS = [
    "",
    "a" * 5_000,
    "\0",
    [],
    [[]],
    {},
    {"type": []},
    {"type": "number", "value": "1e999999"},
    b"",
    1j,
    (1,),
    {1},
]


def places(data, place=()):
    yield place
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*place, key))


def at(data, place):
    for key in place:
        data = data[key]
    return data


@contextmanager
def put(other, data, place):
    """Put something else at that place for a while."""
    *above, last = place
    parent = at(data, above)
    before, parent[last] = parent[last], other
    yield
    parent[last] = before


def answer_to(read, *args):
    """What comes of reading; the error must be short and name a place."""
    try:
        return read(*args)
    except DataError as error:
        answer = error
    assert answer.path
    assert len(answer.message) <= LONGEST
    return answer


@pytest.mark.long
@pytest.mark.parametrize("value", EVERYTHING)
def test_I27_anything_else_in_any_place_is_an_error_or_a_value(value):
    data = json.loads(to_json(value))
    for place in list(places(data))[1:]:
        for other in chain(NUMBERS, OTHERS):
            with put(other, data, place):
                answer = answer_to(from_data, data)
            assert isinstance(answer, DataError) or from_data(to_data(answer)) == answer


@pytest.mark.parametrize("value", EVERYTHING)
def test_I27_a_large_exponent_is_refused_wherever_there_is_a_number(value):
    data = json.loads(to_json(value))
    numbers = [p for p in places(data) if p and is_number(at(data, p))]

    for place in numbers:
        with put("1e999999", data, place):
            answer = answer_to(from_data, data)
        # a fact, a key that may be one, and what an entry notes can be text as well
        assert isinstance(answer, DataError) or {"facts", "values", "rows", "factors", "data"} & set(place)


def is_number(leaf):
    return type(leaf) is int or (isinstance(leaf, str) and re.fullmatch(r"\d+(\.\d+|/\d+)", leaf) is not None)


# Files that are spoilt ------------------------------------------------------------------------------------------------


def files():
    """The text of every program file that there is: the examples, the gallery, and those that the docs show."""
    files = sorted([*ROOT.glob("examples/*.toml"), *ROOT.glob("examples/gallery/*.toml")])
    yield from ((str(file.relative_to(ROOT)), file.read_text()) for file in files)
    yield from ((block.place, block.text) for page in DOCS for block in blocks(page, "toml"))


FILES = dict(files())
CLUBS = [
    Program("Club", points={"stars": Points(s), "miles": Points(Flat(1), redeemable=False)})
    if isinstance(s, EarningRule)
    else Program("Club", earning=Flat(5).when(s))
    if isinstance(s, Condition)
    else Program("Club", earning=Flat(5) * s)
    if isinstance(s, Factor)
    else Program("Club", points={"stars": Points(Flat(5), expiry=s), "miles": Points(Flat(5), pending=s)})
    for s in (value.values[0] for value in STRATEGIES)
    if isinstance(s, EarningRule | Condition | Factor | DateRule)
]
TEXTS = [*FILES.values(), *(club.dump() for club in CLUBS)]
PIECES = [
    "", "\0", "\ufeff", "\ud7ff", "\uff11", "'", '"', "'''", "(", ")", "[", "]", "{", "}", ".", ",", "=", "\n", "\\",
    "#", "*", "+", "&", "|", "~", "-", "-1", "0", "1.5", "'1.5'", "'1/3'", "nan", "inf", "1e999999", "9" * 41,
    "true", "\\ud800", "2026-03-01", "'9999-12-31'", "'0001-01-01'", "'week'", "month", "'ever'", "PerSpend(1)",
    "Never()", "Category('a')", "InTier('a')", "Rolling(days=1)", "Balance()", ".each_line()", ".cap(1)",
    ".cap(1, per='month')", ".named('a')", ".to_end_of('week')", ".running(per='year')", ".over(1, of='x')",
    "lambda: 0", "**{}", "x := 1", "points", "type", "version", "from", "[[versions]]", "places = 400", "tiers = []",
]  # fmt: skip
TOKEN = re.compile(r"'[^'\n]*'|\w+|\S")


@st.composite
def spoilt_text(draw):
    """A program file with a few bytes changed: left out, doubled, swapped, or something else put there."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 3))):
        cut = [(token.start(), token.end()) for token in TOKEN.finditer(text)] or [(0, 0)]
        (start, end), (other, until) = sorted(draw(st.sampled_from(cut)) for _ in range(2))
        change = draw(st.sampled_from(["leave out", "double", "swap", "put", "insert", "cut off"]))
        if change == "leave out":
            text = text[:start] + text[end:]
        elif change == "double":
            text = text[:until] + text[start:until] + text[until:]
        elif change == "swap" and end <= other:
            text = text[:start] + text[other:until] + text[end:other] + text[start:end] + text[until:]
        elif change == "cut off":
            text = text[:start] + text[other:]
        else:
            text = text[:start] + draw(st.sampled_from(PIECES)) + text[end if change == "put" else start :]
    return text


def toml(text):
    """A program or a history in a TOML text, as a file of it is read."""
    return read_file(serialize.read_toml(text))


def read_file(data):
    kinds = ("program", "program_history")
    return serialize.read_root(data, KINDS[serialize._prepared(data, kinds)])


@fuzzed
@given(text=spoilt_text())
def test_I27_a_spoilt_file_is_a_program_or_an_error_that_names_the_place(text, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "spoilt.toml"
    file.write_bytes(text.encode(errors="surrogatepass"))

    answer = answer_to(ProgramHistory.load, file)

    if isinstance(answer, DataError):
        assert answer.path.startswith(str(file))
    else:
        assert answer.dump()
        lives(answer)


DATA = [to_data(toml(text)) for text in TEXTS]
WORDS = sorted({*KINDS, "version", "type", "value", *(str(p[-1]) for data in DATA for p in places(data) if p)})
LEAVES = st.one_of(
    st.sampled_from(
        [*NUMBERS, *OTHERS, *PIECES, 0, 1, -1, 2**61 - 1, {"type": "flat", "points": 1}, {"type": "never"}]
    ),
    st.sampled_from(WORDS),
    st.dates(),
    st.datetimes(),
    st.text(max_size=3),
)


@st.composite
def spoilt_data(draw):
    """The data of a program with a few values changed: other types, others' values, left out, doubled, renamed."""
    data = deepcopy(draw(st.sampled_from(DATA)))
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(list(places(data))[1:] or [("version",)]))
        parent = at(data, above)
        if last not in parent and not isinstance(last, int):
            continue
        change = draw(st.sampled_from(["put", "move", "leave out", "double", "rename"]))
        if change == "leave out":
            del parent[last]
        elif change == "double" and isinstance(parent, list):
            parent.append(deepcopy(parent[last]))
        elif change in ("double", "rename") and isinstance(parent, dict):
            parent[draw(st.sampled_from(WORDS))] = deepcopy(parent[last]) if change == "double" else parent.pop(last)
        elif change == "move":
            parent[last] = deepcopy(at(data, draw(st.sampled_from(list(places(data))))))
        else:
            parent[last] = draw(LEAVES)
    return data


@fuzzed
@given(spoilt_data())
def test_I27_spoilt_data_is_a_program_or_an_error_that_names_the_place(data):
    answer = answer_to(from_data, data)

    if isinstance(answer, DataError):
        assert answer.path.startswith("$")
    else:
        assert from_data(to_data(answer)) == answer
        if isinstance(answer, Program | ProgramHistory):
            lives(answer)


# What is left of a program still works --------------------------------------------------------------------------------

RETURNS = [
    Line(80, "dining", sku="gift card", quantity="1.2", facts={"organic": True}),
    Line(-5),
    Line("0.01", quantity=-3),
]
FARE = {"base_fare": "99.99", "carrier_fees": 5, "taxes": 7, "distance": 1000, "cabin": "first", "booking_class": "F"}
HISTORY = [
    Activity.purchase("1/7", at="0002-01-01", id="old", x="a", customs=(1, "a", True)),
    Activity.action("review", at="2024-02-29T02:30", id="review"),
    Activity.purchase("120.50", at="2026-03-01", id="meal", category="dining", quantity=3),
    Activity(RETURNS, at="2026-03-29T01:30:00+00:00", id="basket", facts={"shipped": "2026-04-01", "\ud800": "\ud800"}),
    Activity.flight(at="2026-07-01", id="flight", ticket="T", zone="domestic", **FARE),
    Activity.purchase(10**30, at="2026-12-31T23:59:59", id="huge", store="x", x=1, weight="1/3"),
    Activity.purchase(5, at="9998-12-31", id="last"),
]
KNOWN = {"birth_month": 2, "plan": "pro"}
MEMBERS = [ANYONE, Member("\ud800", tier="gold", ladder=("gold",), joined="2024-02-29", facts=KNOWN)]


def lives(club):
    """Whatever is asked of a program ends in an answer or in a `LoyaltyError`."""
    for activity in HISTORY:
        for member in MEMBERS:
            for award in tried(club.award, activity, member, otherwise={}).values():
                assert str(award)
                assert award.points >= 0
    account = club.account("m-1", joined="2024-02-29", facts=KNOWN)
    for activity in HISTORY[:-1]:
        tried(account.earn, activity)
    for name in club.rewards:
        tried(account.redeem, name, id=f"redeem {name}", at="2027-01-01", order=HISTORY[2])
    tried(account.reverse, "meal", amount=5, id="back", at="2027-01-02", on_shortfall="owe")
    for when in ("2027-06-01", "2040-01-01", "9999-12-31"):
        assert str(tried(account.statement, at=when))
        for name in club.ladder_names:
            tried(account.tier_progress, at=when, ladder=name)
    tried(account.advance, "2040-01-01")
    tried(account.earn, HISTORY[-1])


def tried(verb, *args, otherwise=None, **keywords):
    try:
        return verb(*args, **keywords)
    except LoyaltyError:
        return otherwise


@pytest.mark.parametrize("text", TEXTS, ids=[*FILES, *map(repr, CLUBS)])
def test_every_program_lives(text):
    lives(toml(text))


def test_a_number_too_long_to_be_meant_is_refused_before_it_takes_minutes():
    odd = [f"1/{10**39 + 2 * n + 1}" for n in range(200)]

    with pytest.raises(InexactNumber, match="the sum's denominator: a whole number of more than 40 digits"):
        sum(map(Flat, odd)).award(Activity.purchase(1, at="2026-03-01"))
    with pytest.raises(InexactNumber, match="the sum's denominator"):
        PerItem(1).each_line().award(Activity([Line(1, quantity=n) for n in odd], at="2026-03-01"))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Pacific/Kiritimati", "America/New_York", "Etc/GMT+12"])
@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "0002-01-01", "9998-12-31", "9999-12-30", "9999-12-31"])
def test_an_account_lives_at_the_ends_of_time(zone, day):
    club = Program(
        "Club",
        points={
            "stars": Points(Flat(10), expiry=After(hours=5) | AfterInactivity(days=3), pending=After(days=1)),
            "miles": Points(Flat(1), expiry=On(day).to_end_of("week"), pending=On(day), redeemable=False),
        },
        timezone=zone,
        rewards={"tea": Item(5), "voucher": Voucher(1, worth=1, expiry=EndOf("year"))},
        tiers=TierLadder(Tier("gold", Reach("stars", 5)), window=Rolling(months=12), keeps=EndOf("year")),
    )
    account = club.account("m-1")
    for when in (day, f"{day}T23:59:59"):
        tried(lambda at: account.earn(Activity.purchase(5, at=at, id=at)), when)
        tried(account.adjust, 5, unit="stars", reason="gift", actor="a", id=f"gift {when}", at=when)
        for name in club.rewards:
            tried(account.redeem, name, id=f"{name} {when}", at=when)
            tried(account.hold, name, id=f"hold {name} {when}", at=when)
        tried(account.statement, at=when)
        tried(account.tier_progress, at=when)
        tried(account.advance, when)
