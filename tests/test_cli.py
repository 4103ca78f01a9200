"""The command: what it prints, where, and how it ends."""

import csv
from importlib.metadata import version
from io import StringIO
import json
import os
from pathlib import Path
import subprocess
import sys

import pytest

from loyaltycore import *
from loyaltycore.cli import main

ROOT = Path(__file__).parents[1]
EXAMPLE = (str(ROOT / "examples" / "transactions.csv"), "--program", str(ROOT / "examples" / "classic.toml"))

CLUB = 'name = "Club"\ntimezone = "America/New_York"\nearning = "PerSpend(1)"\n'
SALES = (
    "member,date,id,amount\n"
    "Ada,2026-01-01,t-1,12.50\n"
    "Ben,2026-02-28,t-2,1200\n"
    "Ada,2026-01-01,t-1,7.50\n"
    "Ben,2026-02-28,t-3,$9\n"
)


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("club.toml").write_text(CLUB)
    Path("sales.csv").write_text(SALES)
    Path("good.csv").write_text(SALES.replace("$", ""))


@pytest.fixture
def run(capsys):
    """Run `loyaltycore report` on these arguments: the exit code, what was printed, and what was said beside it."""

    def report(*arguments, program="club.toml"):
        code = main(["report", *arguments, "--program", program])
        return code, *capsys.readouterr()

    return report


# A report -----------------------------------------------------------------------------------------------------------


def test_it_prints_points_per_member_and_month_and_in_total(run):
    code, out, err = run("good.csv")

    assert (code, err) == (0, "")
    assert out == (
        "Club: points by month, 2 months, 2 members\n"
        "\n"
        "member  2026-01  2026-02  total\n"
        "------  -------  -------  -----\n"
        "Ada          20        0     20\n"
        "Ben           0    1,209  1,209\n"
        "------  -------  -------  -----\n"
        "total        20    1,209  1,229\n"
    )


def test_it_prints_csv_and_json_for_other_programs(run):
    _, as_csv, _ = run("good.csv", "--format", "csv", "--by", "quarter")
    _, as_json, _ = run("good.csv", "--format", "json", "--by", "year")

    assert list(csv.DictReader(StringIO(as_csv))) == [
        {"member": "Ada", "unit": "points", "2026-Q1": "20", "total": "20"},
        {"member": "Ben", "unit": "points", "2026-Q1": "1209", "total": "1209"},
    ]
    assert json.loads(as_json) == Program.load("club.toml").report("good.csv", by="year").to_data()


def test_it_prints_why_an_activity_earned_what_it_did(run):
    code, out, err = run("good.csv", "--explain", "t-1")

    assert (code, err) == (0, "")
    assert out == (
        "t-1: purchase of member Ada at 2026-01-01, 20.00 USD\n"
        "\n"
        "line  quantity  amount\n"
        "----  --------  ------\n"
        "-            1   12.50\n"
        "-            1    7.50\n"
        "\n"
        "points: 20\n"
        "       20  PerSpend(1)\n"
    )


def test_without_ids_an_activity_is_called_by_its_line(run):
    code, out, _ = run("good.csv", "--id-column", "", "--explain", "line 4")

    assert code == 0
    assert out.startswith("line 4: purchase of member Ada at 2026-01-01, 7.50 USD\n")
    assert "counted before" in out


@pytest.mark.parametrize("delimiter", [";", "tab", "\\t"])
def test_columns_delimiter_and_encoding_can_be_told(run, delimiter):
    rows = "card,when,paid,amount\nZoë,2026-01-01,9,1\n".replace(",", ";" if delimiter == ";" else "\t")
    Path("other.csv").write_text(rows, encoding="latin-1")

    code, out, err = run(
        "other.csv",
        *("--member-column", "card", "--date-column", "when", "--amount-column", "paid"),
        *("--delimiter", delimiter, "--encoding", "latin-1", "--format", "csv"),
    )

    assert (code, err) == (0, "")
    assert out == "member,unit,2026-01,total\nZoë,points,9,9\n"


def test_it_says_what_it_guessed(run):
    Path("guess.csv").write_text("Household ID,date,Sales,category\nm,2026-01-01,9,a\n")

    code, out, err = run("guess.csv")

    assert code == 0
    assert out.splitlines()[-1].split() == ["total", "9", "9"]
    assert err == "loyaltycore: reading member from 'Household ID', amount from 'Sales'\n"


# What goes wrong ----------------------------------------------------------------------------------------------------


def test_bad_rows_are_told_beside_the_report(run):
    code, out, err = run("sales.csv")

    assert code == 0
    assert out.endswith(
        "total        20    1,200  1,220\n\nNot counted: 1 problem; report.problems says which and why.\n"
    )
    first, last = err.splitlines()
    assert first.startswith("sales.csv:5: amount: '$9' is not a number; write digits")
    assert last == "loyaltycore: bad rows that are not counted: 1 (--strict stops at the first)"


def test_strict_stops_at_the_first_bad_row(run):
    code, out, err = run("sales.csv", "--strict")

    assert (code, out) == (1, "")
    assert err.startswith("loyaltycore: error: sales.csv:5: amount: '$9' is not a number")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "program", "why"),
    [
        (["nowhere.csv"], "club.toml", "nowhere.csv: No such file or directory"),
        (["."], "club.toml", ".: Is a directory"),
        (["club.toml"], "club.toml", "club.toml:1: no column looks like the member"),
        (["good.csv", "--delimiter", ";;"], "club.toml", "delimiter: ';;' separates no cells"),
        (["good.csv", "--encoding", "klingon"], "club.toml", "encoding: 'klingon' is not known"),
        (["good.csv", "--member-column", "card"], "club.toml", "good.csv:1: there is no column 'card' for the member"),
        (
            ["good.csv", "--explain", "t-9"],
            "club.toml",
            "there is no activity 't-9'; give the id of one that is counted",
        ),
        (["good.csv"], "nowhere.toml", "nowhere.toml: "),
        (["good.csv"], "good.csv", "good.csv"),
        (["good.csv"], "broken.toml", "broken.toml"),
        (["good.csv"], "since.toml", "MembershipYear counts from the day the member joined"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line_and_ends_in_2(run, arguments, program, why):
    Path("broken.toml").write_text('name = "Club"\nearning = "PerSpend(1.5)"\n')
    Path("since.toml").write_text(
        'name = "Club"\nearning = "PerSpend(1).named(\'base\').cap(10, per=MembershipYear())"\n'
    )

    code, out, err = run(*arguments, program=program)

    assert (code, out) == (2, "")
    assert err.startswith(f"loyaltycore: error: {why}")
    assert err.count("\n") == 1


def test_what_a_rule_raises_names_the_activity(run):
    Path("since.toml").write_text(
        'name = "Club"\nearning = "PerSpend(1).named(\'base\').cap(10, per=MembershipYear())"\n'
    )

    _, _, err = run("good.csv", program="since.toml")

    assert err.endswith("(activity 't-1' of member 'Ada' at 2026-01-01)\n")


def test_a_programs_warnings_are_told_in_one_line(run):
    Path("club.toml").write_text("name = \"Club\"\nearning = \"PerSpend(1).named('base').cap(10, per='month') * 2\"\n")

    code, _, err = run("good.csv")

    assert code == 0
    assert err.startswith("loyaltycore: warning: ")
    assert "multiplies past the cap inside it" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["repport"], ["report"], ["report", "good.csv"], ["report", "good.csv", "--by", "week"]]
)
def test_a_wrong_call_ends_in_2_with_its_usage(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: loyaltycore")


# The process --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["report", "balances", "statement", "replay", "liability", "compare", "check", "explain", "diff", "schema"],
)
def test_help_fits_a_terminal(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(SystemExit):
        main([command, "--help"])

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"usage: loyaltycore {command} ")


def test_it_says_its_version_and_shows_an_example_in_each_help(capsys):
    said = []
    for arguments in (["--version"], ["--help"], ["report", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        said.append(capsys.readouterr().out)

    assert said[0] == f"loyaltycore {version('loyaltycore')}\n"
    assert "example:\n  loyaltycore report transactions.csv --program club.toml\n" in said[1]
    assert "example:\n  loyaltycore report sales.csv --program club.toml \\\n    --by quarter" in said[2]


def process(*arguments, **more):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False, **more)


def test_it_is_a_module_too():
    ended = process("-m", "loyaltycore", "report", *EXAMPLE)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Classic: points by month, 3 months, 100 members\n")
    assert ended.stdout.splitlines()[-1].split() == ["total", "6,597", "7,021", "7,082", "20,700"]


def test_a_reader_that_has_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody_reads:
        ended = subprocess.run(
            [sys.executable, "-m", "loyaltycore", "report", *EXAMPLE],
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_output_that_cannot_be_written_is_told():
    Path("good.csv").write_text("member,date,amount\nZoë,2026-01-01,9\n", encoding="utf-8")

    ended = process(
        *("-m", "loyaltycore", "report", "good.csv", "--program", "club.toml"),
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )

    assert ended.returncode == 2
    assert ended.stderr == "loyaltycore: error: the output cannot be written as ascii; set PYTHONIOENCODING=utf-8\n"


# Balances and statements --------------------------------------------------------------------------------------------

WAITING = """
name = "Club"
timezone = "America/New_York"

[points.points]
earning = "PerSpend(1)"
pending = "After(days=14)"
expiry = "After(days=30)"

[points.cash]
earning = "PerSpend(1)"
places = 2

[rewards]
coffee = "Item(50, unit='points')"
"""


@pytest.fixture
def asked(capsys):
    """Run `loyaltycore` on these arguments and the file of good sales: the exit code, and what was printed and said."""
    Path("waiting.toml").write_text(WAITING)

    def run(command, *arguments):
        code = main([command, "good.csv", "--program", "waiting.toml", *arguments])
        return code, *capsys.readouterr()

    return run


def test_it_prints_what_each_member_has(asked):
    code, out, err = asked("balances", "--at", "2026-02-10")

    assert (code, err) == (0, "")
    assert out == (
        "Club: points at 2026-02-10, 2 members\n"
        "\n"
        "member  earned  pending  available  lapsed  lapse soon\n"
        "------  ------  -------  ---------  ------  ----------\n"
        "Ada         20        0         20       0          20\n"
        "Ben          0        0          0       0           0\n"
        "------  ------  -------  ---------  ------  ----------\n"
        "total       20        0         20       0          20\n"
        "\n"
        "Club: cash at 2026-02-10, 2 members\n"
        "\n"
        "member  earned  pending  available  lapsed  lapse soon\n"
        "------  ------  -------  ---------  ------  ----------\n"
        "Ada       0.20     0.00       0.20    0.00        0.00\n"
        "Ben       0.00     0.00       0.00    0.00        0.00\n"
        "------  ------  -------  ---------  ------  ----------\n"
        "total     0.20     0.00       0.20    0.00        0.00\n"
    )


@pytest.mark.parametrize(
    ("at", "ada", "ben"),
    [
        ("2026-01-01", (20, 20, 0, 0, 0), (0, 0, 0, 0, 0)),
        ("2025-12-31T23:59", (0, 0, 0, 0, 0), (0, 0, 0, 0, 0)),
        ("2026-01-15", (20, 0, 20, 0, 20), (0, 0, 0, 0, 0)),
        ("2026-02-14T23:59", (20, 0, 20, 0, 20), (0, 0, 0, 0, 0)),
        ("2026-02-15", (20, 0, 0, 20, 0), (0, 0, 0, 0, 0)),
        ("2026-03-01", (20, 0, 0, 20, 0), (1209, 1209, 0, 0, 0)),
    ],
)
def test_balances_are_those_of_that_moment(asked, at, ada, ben):
    _, out, _ = asked("balances", "--at", at, "--format", "csv")

    points = {row["member"]: row for row in csv.DictReader(StringIO(out)) if row["unit"] == "points"}
    names = ("earned", "pending", "available", "lapsed", "lapse_soon")
    assert {who: tuple(int(row[name]) for name in names) for who, row in points.items()} == {"Ada": ada, "Ben": ben}


def test_balances_as_data(asked):
    code, out, _ = asked("balances", "--at", "2026-02-10", "--format", "json")

    data = json.loads(out)
    assert (code, data["program"], data["at"], data["problems"]) == (0, "Club", "2026-02-10T00:00:00-05:00", [])
    assert data["units"] == [{"unit": "points", "places": 0, "total": 20}, {"unit": "cash", "places": 2, "total": 20}]
    assert data["rows"][0] == {
        "member": "Ada", "unit": "points", "earned": 20, "pending": 0, "available": 20, "lapsed": 0, "lapse_soon": 20,
    }  # fmt: skip


def test_it_prints_a_statement(asked):
    code, out, err = asked("statement", "--member", "Ada", "--at", "2026-02-10", "--since", "2026-01-15")

    assert (code, err) == (0, "")
    assert out == (
        "Club: statement of Ada, 2026-01-15 to 2026-02-10\n"
        "\n"
        "points\n"
        "-------  --\n"
        "opening   0\n"
        "earned   20\n"
        "closing  20\n"
        "\n"
        "what happened          points  balance\n"
        "---------------------  ------  -------\n"
        "2026-01-15  activated      20       20\n"
        "\n"
        "20 lapse within 30 days\n"
        "20 lapse within 60 days\n"
        "20 lapse within 90 days\n"
        "\n"
        "cash\n"
        "-------  ----\n"
        "opening  0.20\n"
        "closing  0.20\n"
        "\n"
        "next reward: coffee, points to go: 30\n"
    )


def test_a_statement_as_data_is_the_statement(asked):
    _, out, _ = asked("statement", "--member", "Ben", "--at", "2026-03-31", "--format", "json")
    _, text, _ = asked("statement", "--member", "Ben", "--at", "2026-03-31")

    assert f"{from_json(out)}\n" == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("statement", "--member", "Eve", "--at", "2026-03-31"), "member: 'Eve' has no transactions"),
        (("statement", "--member", "Ada", "--at", "soon"), "at: 'soon' is not a date"),
        (("balances", "--at", "2026-02-30"), "at: '2026-02-30' is not a date"),
        (("statement", "--member", "Ada", "--at", "2026-01-01", "--since", "2026-01-02"), "since: 2026-01-02 is after"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_line(asked, arguments, said):
    code, out, err = asked(*arguments)

    assert (code, out) == (2, "")
    assert err.startswith(f"loyaltycore: error: {said}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("balances",), ("statement", "--at", "2026-01-01"), ("statement", "--member", "A")]
)
def test_what_must_be_given_is_asked_for(asked, arguments):
    with pytest.raises(SystemExit) as ended:
        asked(*arguments)
    assert ended.value.code == 2


def test_bad_rows_are_told_beside_balances(capsys):
    Path("waiting.toml").write_text(WAITING)
    assert main(["balances", "sales.csv", "--program", "waiting.toml", "--at", "2026-02-10"]) == 0
    out, err = capsys.readouterr()
    assert "sales.csv:5: " in err
    assert "Not counted: 1 problem" in out
    assert main(["balances", "sales.csv", "--program", "waiting.toml", "--at", "2026-02-10", "--strict"]) == 1
