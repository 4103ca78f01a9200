"""The documentation is complete, and shows what happens; `conftest.py` runs its blocks of Python."""

import ast
from contextlib import suppress
from importlib import import_module
from itertools import chain
from pathlib import Path
import re
import shlex

from pages import DOCS, ROOT, blocks, shown_as
import pytest

import loyaltycore
from loyaltycore import *
from loyaltycore.cli import main
from loyaltycore.entries import ENTRY_KINDS
from loyaltycore.redemption import CODES
from loyaltycore.statement import COLUMNS
import loyaltycore.testing

REFERENCE = "\n".join(page.read_text() for page in DOCS if page.parent.name == "reference")
ENTRIES = re.findall(r"^::: ([\w.]+)$", REFERENCE, re.MULTILINE)
ROUNDINGS = re.findall(r"^\| (\d.*) \|$", (ROOT / "docs/explanation/rounding.md").read_text(), re.MULTILINE)


def commands():
    """The runs of the command line that the docs show: the command, and what it is shown to print."""
    for block in chain.from_iterable(blocks(page, "console") for page in DOCS):
        for command, shown in re.findall(r"^\$ loyaltycore (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
            yield pytest.param(command, shown, id=block.place)


def test_every_public_name_has_one_entry_in_the_reference():
    names = [f"loyaltycore.{name}" for name in loyaltycore.__all__]
    names += [f"loyaltycore.testing.{name}" for name in loyaltycore.testing.__all__]

    entries = [entry for entry in ENTRIES if entry.count(".") == 1 or entry.startswith("loyaltycore.testing.")]

    assert sorted(entries) == sorted(names)


@pytest.mark.parametrize(
    "module",
    ["reports", "whatif", "liability", "breakage", "plots", "datasets", "balances", "frames", "spark", "store"],
)
def test_every_public_name_of_a_module_has_an_entry_in_the_reference(module):
    found = import_module(f"loyaltycore.{module}")
    own = {name for name, value in vars(found).items() if getattr(value, "__module__", "") == found.__name__}
    public = {name for name in own if callable(getattr(found, name)) and not name.startswith("_")}
    said = {name for name in getattr(found, "__all__", ()) if not name.isupper()}  # of constants a docstring is enough

    assert (public | said) - {entry.rpartition(".")[2] for entry in ENTRIES} == set()


def test_every_method_that_makes_a_rule_has_an_entry_in_the_reference():
    methods = {name for name in vars(EarningRule) if not name.startswith("_")} - {"award", "earn", "kind", "monotone"}

    assert {f"loyaltycore.EarningRule.{name}" for name in methods} <= set(ENTRIES)


def table(page, column=0):
    """The words in code in a column of the tables of a page."""
    rows = re.findall(r"^\| (.*) \|$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`(\w+)`", row.split(" | ")[column])]


def test_every_verb_and_question_of_an_account_is_in_its_table():
    public = {name for name in dir(Account) if not name.startswith("_")}

    assert sorted(table("reference/accounts.md", 1)) == sorted(public)


def test_every_kind_of_entry_is_in_its_table():
    assert table("reference/entries.md") == [
        kind for kind in ENTRY_KINDS if kind != "tier_changed"
    ]  # accounts have none yet


def test_every_reason_for_a_refusal_is_in_its_table_in_order():
    assert table("how-to/rewards.md") == list(CODES)


def test_every_change_of_a_balance_is_in_its_table():
    assert table("reference/statements.md") == list(COLUMNS)


# Promises, and the tests that hold them -----------------------------------------------------------------------------

PROMISES = {
    part.partition('"')[0]: re.findall(r"^- `(?:(\w+\.py)::)?(\w+)`$", part, re.MULTILINE)
    for part in (ROOT / "docs/explanation/promises.md").read_text().split('<a id="')[1:]
}
MOST_PROMISES = "test_ledger_promises.py"


def defined(file):
    """The functions and classes of a file of tests, those that are assigned among them."""
    for node in ast.parse((ROOT / "tests" / file).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def test_the_ledger_promises_what_it_has_to():
    assert sorted(PROMISES, key=lambda i: int(i[1:])) == [f"i{n}" for n in (1, 3, *range(5, 29))]


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_is_held_by_tests_that_exist(promise):
    held = PROMISES[promise]

    assert held
    assert [name for file, name in held if name not in defined(file or MOST_PROMISES)] == []


def test_every_test_that_names_a_promise_is_listed_with_it():
    named = {
        (promise.lower(), "" if file.name == MOST_PROMISES else file.name, name)
        for file in (ROOT / "tests").glob("test_*.py")
        for name in defined(file.name)
        for promise in re.findall(r"_([iI]\d+)(?=_|$)", name)
    }

    assert named <= {(promise, file, name) for promise, held in PROMISES.items() for file, name in held}


def test_every_test_that_the_page_on_security_names_exists():
    page = (ROOT / "docs/explanation/security.md").read_text()
    named = re.findall(r"`(test_\w+\.py)::(\w+)`", page)

    assert named
    assert [name for file, name in named if name not in defined(file)] == []


def test_the_page_on_performance_has_no_numbers_of_its_own():
    """They are those of the benchmarks, which it includes."""
    page = (ROOT / "docs/explanation/performance.md").read_text()

    assert page.count("\n<!-- include benchmarks/RESULTS.md -->\n") == 1
    assert re.findall(r"\d[\d.,]*\s*(?:ns|µs|ms|s|seconds|MB|%|times|events)\b", page) == []


@pytest.mark.parametrize(("command", "shown"), list(commands()))
def test_the_command_line_prints_what_is_shown(command, shown, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)

    main(shlex.split(command))

    assert shown_as(shown, capsys.readouterr().out)


@pytest.mark.parametrize("block", [b for page in DOCS for b in blocks(page, "toml")], ids=lambda block: block.place)
def test_every_program_file_that_is_shown_loads(block, tmp_path):
    file = tmp_path / "club.toml"
    file.write_text(block.text)

    assert ProgramHistory.load(file).points


def test_the_tutorial_builds_the_example_that_comes_with_the_library():
    (shown,) = blocks(ROOT / "docs/tutorial/program.md", "toml")

    assert shown.text in (ROOT / "examples/grocer.toml").read_text()


def test_the_tutorial_shows_what_a_misspelt_name_ends_in(tmp_path, monkeypatch):
    (shown,) = blocks(ROOT / "docs/tutorial/program.md", "text")
    monkeypatch.chdir(tmp_path)
    Path("grocer.toml").write_text((ROOT / "examples/grocer.toml").read_text().replace("Category", "Categry"))

    with pytest.raises(DataError, match=re.escape(shown.text.strip())):
        Program.load("grocer.toml")


def test_the_options_of_the_command_line_are_in_the_reference(capsys):
    page = (ROOT / "docs/reference/command-line.md").read_text()

    commands = "report balances statement replay liability compare check explain diff schema"
    for command in commands.split():
        with suppress(SystemExit):
            main([command, "--help"])

    assert set(re.findall(r"^\| `(--[\w-]+)", page, re.MULTILINE)) == set(
        re.findall(r"^ +(--[\w-]+)", capsys.readouterr().out, re.MULTILINE)
    )


@pytest.mark.parametrize("row", ROUNDINGS)
def test_the_table_of_roundings_holds(row):
    amount, exact, floor, whole_dollars, half_up = row.split(" | ")
    purchase = Activity.purchase(amount, at="2026-03-01")
    classic = PerSpend(1).between(50, 100) + PerSpend(2).over(100)
    steps = PerStep(1, every=1).between(50, 100) + PerStep(2, every=1).over(100)

    assert classic.award(purchase).exact == Award(exact).exact
    assert classic.award(purchase).points == int(floor)
    assert steps.award(purchase).points == int(whole_dollars)
    assert Rounding("half_up").award(classic, purchase).points == int(half_up)
