"""The README shows what happens."""

import re
import shlex

from pages import ROOT, blocks, shown_as

from loyaltycore.cli import main

README = ROOT / "README.md"
SHELL = [block.text for block in blocks(README, "sh")]
SHOWN = [block.text for block in blocks(README, "text")]

REPORT = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e . && "
    ".venv/bin/loyaltycore report examples/transactions.csv --program examples/classic.toml"
)
TEST = 'python3 -m venv .venv && .venv/bin/pip install -q -e ".[dev]" && .venv/bin/pytest'


def test_two_commands_do_all_the_set_up():
    assert [command.strip() for command in SHELL] == [REPORT, TEST]


def test_the_example_is_short_and_prints_what_is_shown(capsys):
    (example,) = (block.text for block in blocks(README, "python"))

    assert len(example.splitlines()) <= 15
    exec(example, {})  # noqa: S102 (a user would run it, too)
    assert capsys.readouterr().out == SHOWN[0]


def test_the_first_command_reports_what_is_shown(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    _, *arguments = shlex.split(REPORT.rpartition("&& ")[2])

    main(arguments)

    assert shown_as(SHOWN[1], capsys.readouterr().out)


def test_all_that_is_linked_is_there():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README.read_text()) if "://" not in link]

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
