"""The documentation is complete, and shows what happens; `conftest.py` runs its blocks of Python."""

from contextlib import suppress
from itertools import chain
from pathlib import Path
import re
import shlex

from pages import DOCS, ROOT, blocks, shown_as
import pytest

import loyaltycore
from loyaltycore import *
from loyaltycore.cli import main
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


def test_every_method_that_makes_a_rule_has_an_entry_in_the_reference():
    methods = {name for name in vars(EarningRule) if not name.startswith("_")} - {"award", "earn", "kind", "monotone"}

    assert {f"loyaltycore.EarningRule.{name}" for name in methods} <= set(ENTRIES)


@pytest.mark.parametrize(("command", "shown"), list(commands()))
def test_the_command_line_prints_what_is_shown(command, shown, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)

    main(shlex.split(command))

    assert shown_as(shown, capsys.readouterr().out)


@pytest.mark.parametrize("block", [b for page in DOCS for b in blocks(page, "toml")], ids=lambda block: block.place)
def test_every_program_file_that_is_shown_loads(block, tmp_path):
    file = tmp_path / "club.toml"
    file.write_text(block.text)

    assert Program.load(file).points


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

    with suppress(SystemExit):
        main(["report", "--help"])

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
