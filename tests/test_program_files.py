"""Programs in files: what people write is read, what is read is written so again, and errors name file and place."""

from datetime import date
from fractions import Fraction
import json
from pathlib import Path
import tomllib
import warnings

from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest
from stored import STRATEGIES

from loyaltycore import *
from loyaltycore.redemption import automatic_in
from loyaltycore.testing import rules

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """The program in a file of that text, in the working directory."""
    monkeypatch.chdir(tmp_path)

    def load(text, name="club.toml"):
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return Program.load(name)

    return load


# What is read ---------------------------------------------------------------------------------------------------------

CLUB = "name = 'Club'\n"
PER_SPEND = Program("Club", earning=PerSpend(1))
BOTH = Program("Club", earning=PerSpend(1) + Flat(50).when(MinSpend(200)))


@pytest.mark.parametrize(
    ("text", "program"),
    [
        (CLUB + "earning = 'PerSpend(1)'", PER_SPEND),
        ("version = 1\ntype = 'program'\nname = 'Club'\nearning = 'PerSpend(1)'", PER_SPEND),
        (CLUB + "points.points.earning = 'PerSpend(1)'", PER_SPEND),
        (CLUB + "[points.points]\nearning = 'PerSpend(1)'", PER_SPEND),
        (CLUB + "[earning]\ntype = 'per_spend'\npoints = 1", PER_SPEND),
        ("\ufeffname = 'Club'\r\nearning = 'PerSpend(1)'\r\n", PER_SPEND),
        (CLUB + "earning = '''\n    PerSpend(1)\n    + Flat(50).when(MinSpend(200))\n'''", BOTH),
        (CLUB + "[earning]\ntype = 'sum'\nrules = ['PerSpend(1)', 'Flat(50).when(MinSpend(200))']", BOTH),
        (
            """
            name = "Club"
            currency = "EUR"
            timezone = "Europe/London"
            [points.stars]
            earning = "PerSpend(1)"
            rounding = 'Rounding("half_up")'
            expiry = "After(months=12) | Never()"
            [points.status]
            earning = "PerSpend(1)"
            rounding.mode = "ceil"
            redeemable = false
            places = 2
            [rewards]
            latte = "Item(150)"
            [rewards.voucher]
            type = "voucher"
            price = 1000
            worth = "10.50"
            expiry = { type = "on", day = 2027-05-20 }
            """,
            Program(
                "Club",
                currency="EUR",
                timezone="Europe/London",
                points={
                    "stars": Points(PerSpend(1), rounding=Rounding("half_up"), expiry=After(months=12) | Never()),
                    "status": Points(PerSpend(1), rounding=Rounding("ceil"), redeemable=False, places=2),
                },
                rewards={"latte": Item(150), "voucher": Voucher(1000, worth="10.50", expiry=On("2027-05-20"))},
            ),
        ),
    ],
)  # fmt: skip
def test_a_program_is_read_as_it_is_written(loaded, text, program):
    assert loaded(text) == program


@pytest.mark.parametrize(("moment", "at"), [("2026-03-01", "2026-03-01"), ("2026-03-01T12:30:00", "2026-03-01T12:30")])
def test_the_dates_of_toml_are_dates(loaded, moment, at):
    during = f"{{ type = 'during', start = {moment} }}"
    club = loaded(f"{CLUB}earning = {{ type = 'when', rule = 'Flat(1)', condition = {during} }}")

    assert club == Program("Club", earning=Flat(1).during(at, None))


def test_json_is_read_too(loaded):
    text = json.dumps({"name": "Club", "points": {"stars": {"earning": "PerSpend(1)"}}})

    assert loaded(text, "club.json") == Program("Club", points={"stars": Points(PerSpend(1))})


def test_the_examples_are_read():
    classic, grocer = (Program.load(EXAMPLES / f"{name}.toml") for name in ("classic", "grocer"))

    assert classic.award(Activity.purchase(120, at="2026-03-01"))["points"].points == 90
    assert grocer.points["points"].rounding == Rounding("half_up")


def test_an_own_class_is_known_once_it_is_imported(loaded):
    @frozen
    class Lucky(EarningRule):
        kind = "files_lucky"

        def earn(self, activity, member):
            return 77

    assert loaded(CLUB + "earning = 'Flat(1) + Lucky()'") == Program("Club", earning=Flat(1) + Lucky())
    assert Program("Club", earning=Lucky()).dump() == 'version = 1\nname = "Club"\nearning = "Lucky()"\n'  # fmt: skip


# What is written ------------------------------------------------------------------------------------------------------


def test_a_single_unit_is_written_without_its_table():
    club = Program("Club", points={"points": Points(PerSpend(1).when(Category("dining")))}, currency="EUR")

    assert club.dump() == (
        "version = 1\n"
        'name = "Club"\n'
        'currency = "EUR"\n'
        "earning = \"PerSpend(1).when(Category('dining'))\"\n"
    )  # fmt: skip


def test_units_and_rewards_are_tables():
    club = Program(
        "Coffee Club",
        points={
            "stars": Points(PerSpend(1), rounding=Rounding("half_up"), expiry=After(months=12), order=NewestFirst()),
            "base points": Points(Flat(1), redeemable=False, places=2),
        },
        rewards={"latte": Item(150, sku="latte"), "10 %": PercentOff(100, percent=10)},
    )

    assert club.dump() == (
        """\
version = 1
name = "Coffee Club"

[points.stars]
earning = "PerSpend(1)"
rounding = "Rounding('half_up')"
expiry = "After(months=12)"
order = "NewestFirst()"

[points."base points"]
earning = "Flat(1)"
redeemable = false
places = 2

[rewards]
latte = "Item(150, sku='latte')"
"10 %" = "PercentOff(100, percent=10)"
"""
    )


def test_a_long_sum_is_written_on_several_lines():
    grocer = Program.load(EXAMPLES / "grocer.toml")

    assert grocer.dump() == (
        '''\
version = 1
name = "Fresh Club"
timezone = "America/New_York"

[points.points]
earning = """
(
    PerSpend(1)
    + PerSpend(2).when(Category('produce', 'salad bar', 'seafood'))
    + PerSpend(4).when(Category('meat', 'packaged meat')).named('butcher').cap(200, per='month')
    + Flat(50).when(MinSpend(100))
).when(~Category('fuel', 'gift cards'))
+ PerSpend(1, every=2).when(Category('fuel'))
"""
rounding = "Rounding('half_up')"
pending = "After(days=14)"
expiry = "EndOf('month', plus=2)"

[rewards]
coffee = "Item(150, sku='coffee')"
pay = "PayWithPoints(worth='0.01', step=100, share='0.5')"
turkey = "Item(2500, sku='turkey').limit(1, per='year')"
"food bank" = "Donation(worth='0.01', to='the food bank', at_least=100)"
'''
    )


def test_a_rule_that_is_too_long_for_text_is_written_as_tables(loaded):
    club = Program("Club", earning=sum(Flat(n).when(Category(f"category {n}")) for n in range(1, 301)))

    assert '[earning]\ntype = "sum"\nrules = ["Flat(1).when(Category(\'category 1\'))", ' in club.dump()
    assert loaded(club.dump()) == club


@frozen
class Odd(EarningRule):
    """A rule whose repr does not build it."""

    kind = "files_odd"

    rule: EarningRule
    day: date | None = None
    facts: tuple[object, ...] = ()

    def earn(self, activity, member):
        return 0

    def __repr__(self):
        return "odd"


def test_a_rule_whose_text_does_not_build_it_is_written_as_tables(loaded):
    club = Program(
        "Club", earning=Flat(1) + Odd(Odd(Flat(2), date(2026, 3, 1)), None, (True, 5, Fraction(1, 2), 'a\n\x7f\\"'))
    )

    text = club.dump()

    assert (
        'rules = ["Flat(1)", { type = "files_odd", rule = { type = "files_odd", rule = "Flat(2)", day = "2026-03-01" }'
        in text
    )
    assert loaded(text) == club


def test_toml_has_no_null():
    @frozen
    class Nothing(EarningRule):
        kind = "files_nothing"

        rule: EarningRule | None

        def earn(self, activity, member):
            return 0

        def __repr__(self):
            return "nothing"

    with pytest.raises(DataError, match="TOML has no null; write JSON, or give the field None as its default"):
        Program("Club", earning=Nothing(None)).dump()


def test_json_is_written_to_a_path_that_ends_so(tmp_path):
    text = PER_SPEND.dump(tmp_path / "club.json")

    assert text == to_json(PER_SPEND, indent=2) + "\n"
    assert (tmp_path / "club.json").read_text() == text
    assert Program.load(tmp_path / "club.json") == PER_SPEND


def test_what_is_written_is_returned_and_stays_as_it_is(tmp_path):
    cafe = Program('Caf\u00e9 \U0001f600 "Club"\nof\ttwo lines', earning=Flat(1).named("\u2028"))

    text = cafe.dump(str(tmp_path / "club.toml"))

    assert (tmp_path / "club.toml").read_bytes() == text.encode()
    assert Program.load(str(tmp_path / "club.toml")) == cafe
    assert Program.load(tmp_path / "club.toml").dump() == text


@pytest.mark.parametrize(
    "strategy", [s for s in STRATEGIES if isinstance(s.values[0], EarningRule | DateRule | RedemptionOption)]
)
@pytest.mark.parametrize("name", ["club.toml", "club.json"])
def test_any_strategy_is_the_same_from_a_file(strategy, name, tmp_path):
    earning = strategy if isinstance(strategy, EarningRule) else Flat(1)
    expiry = strategy if isinstance(strategy, DateRule) else Never()
    by_itself = isinstance(strategy, RedemptionOption) and automatic_in(strategy) is not None
    rewards = {"it": strategy} if isinstance(strategy, RedemptionOption) and not by_itself else {}
    stars = Points(earning, expiry=expiry, converts=strategy if by_itself else ())
    miles = Points(Flat(1), redeemable=False)
    club = Program("Club", points={"stars": stars, "miles": miles}, rewards=rewards)

    text = club.dump(tmp_path / name)

    assert Program.load(tmp_path / name) == club
    assert name == "club.json" or "type" not in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules(max_depth=4), st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.booleans())
def test_whatever_is_drawn_is_the_same_from_a_file(tmp_path, rule, name, single):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        club = Program(name, points={"points" if single else name: Points(rule)})
        for file in (tmp_path / "club.toml", tmp_path / "club.json"):
            club.dump(file)
            assert Program.load(file) == club


# What is wrong --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (CLUB + "earning = 'PerSpnd(1)'", "$.earning", "column 1: the name 'PerSpnd' is not known; did you mean"),
        (CLUB + "earning = '''\nFlat(1)\n+ Nope(1)'''", "$.earning", "line 2, column 3: the name 'Nope'"),
        (CLUB + "earning = 5", "$.earning", "the number 5 is not what goes here; give EarningRule"),
        (CLUB + "earning = 'Category(\"a\")'", "$.earning", "Category('a') is not what goes here"),
        (CLUB + "earnings = 'Flat(1)'", "$.earnings", "'program' has no such field; did you mean 'earning'?"),
        (CLUB + "points.stars.earning = 'Flat('", "$.points.stars.earning", "column 5: '(' is never closed"),
        (CLUB + "points.stars.rounding.mode = 'ceil'", "$.points.stars.earning", "it is missing; give EarningRule"),
        (CLUB + "points.stars = 'Flat(1)'", "$.points.stars", "Flat(1) is not what goes here; give Points"),
        (CLUB + "[earning]\ntype = 'flat'\npoints = 1.5", "$.earning.points", 'write it as text: "1.5"'),
        (CLUB + "[earning]\ntype = 'flat'\npoints = nan", "$.earning.points", "give a finite number"),
        (CLUB + "[earning]\ntype = 'flat'\npoints = 2026-03-01", "$.earning.points", "a date is not what goes here"),
        (CLUB + "[earning]\ntype = 'flat'\npoints = 12:30:00", "$.earning.points", "a time is not what goes here"),
        ("name = 2026-03-01\nearning = 'Flat(1)'", "$.name", "a date is not what goes here; give text"),
        ("earning = 'Flat(1)'", "$.name", "it is missing; give text"),
        ("name = 'Club'", "$", "give either earning=... or points={...}"),
        ("", "$.name", "it is missing"),
        ("version = 2\nname = 'Club'\nearning = 'Flat(1)'", "$.version", "the number 2 is no version that is read"),
        ("version = true\nname = 'Club'", "$.version", "true is no version"),
        ("type = 'flat'\npoints = 1", "$.type", "the text 'flat' is no kind that goes here; give one of program"),
        (CLUB + CLUB, "", "this is no TOML: Cannot overwrite a value "),
        ("name = ", "", "this is no TOML: Invalid value"),
        (b"name = '\xff'", "", "byte 8 is not UTF-8; save the file as UTF-8"),
        ("a." * 50 + "a = 1", "", "a key of more than 50 parts"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_an_error_that_names_file_and_place(loaded, text, path, message):
    with pytest.raises(DataError) as caught:
        loaded(text)

    assert caught.value.path == (f"club.toml: {path}" if path else "club.toml")
    assert message in caught.value.message
    assert str(caught.value).startswith("club.toml: ")


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            '{"name": "Club", "earning": "Flat(1)", "earning": "Flat(2)"}',
            "club.json: $.earning",
            "this key stands twice",
        ),
        ('{"name": "Club", "points": {"a": {"earning": 1.5}}}', "club.json: $.points.a.earning", "the float 1.5"),
        ("[]", "club.json: $", "a list is not what goes here; give Program"),
        ("{", "club.json", "this is no JSON"),
    ],
)
def test_a_wrong_json_file_too(loaded, text, path, message):
    with pytest.raises(DataError) as caught:
        loaded(text, "club.json")

    assert caught.value.path == path
    assert message in caught.value.message


def test_other_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="a program file ends in") as caught:
        Program.load("club.yaml")
    with pytest.raises(DataError, match="a program file ends in"):
        PER_SPEND.dump(tmp_path / "club")
    with pytest.raises(FileNotFoundError):
        Program.load(tmp_path / "club.toml")

    assert caught.value.path == "club.yaml"
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_stored_is_not_written(tmp_path):
    with pytest.raises(DataError, match="matching"):
        Program("Club", earning=Flat(1).when(matching(print))).dump(tmp_path / "club.toml")

    assert not list(tmp_path.iterdir())


def test_what_is_read_is_what_toml_says(loaded):
    text = Program.load(EXAMPLES / "grocer.toml").dump()

    assert tomllib.loads(text)["points"]["points"]["earning"].startswith("(\n    PerSpend(1)\n")
    assert loaded(text).dump() == text
