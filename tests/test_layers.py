"""The layers: which file may import which, what importing the package brings along, and what it offers."""

import ast
from pathlib import Path
import subprocess
import sys

import pytest

import loyaltycore

SOURCE = Path(loyaltycore.__file__).parent

# A file imports from rows above, or from files left of it in its row.
ROWS = [
    ["errors", "_exact", "_calendar", "_show"],
    ["_strategy", "_columns", "activity", "awards", "_often"],
    [
        *["periods", "condition", "activity_conditions", "time_conditions", "member_conditions", "conditions"],
        *["tables", "factors", "dates"],
    ],
    [
        *["earning", "earning_rules", "counted", "_nodes", "_source", "_compile", "_judged"],
        *["redemption", "redemption_options", "tiers"],
    ],
    [
        *["lots", "points", "entries", "books", "given", "earned", "events", "automatic", "instants", "records"],
        *["purse", "ledger_state", "lot_ends", "ledger_fold", "ledger"],
        *["standing", "counting", "held_tiers", "standings", "archive", "snapshots", "desk"],
        *["refunds", "earnings", "spending", "status", "statement", "account"],
    ],
    [
        *["_annotations", "_expressions", "_toml", "_reading", "_writing", "_json", "_parsing", "serialize"],
        *["problems", "_earning_checks", "_reward_checks", "_tier_checks", "checks", "program", "history"],
    ],
    [
        *["datasets", "plots", "_result", "_page", "_months", "_judging", "balances"],
        *["_frame_sql", "_frame", "_frame_engine", "_spark", "frames"],
        *["calls", "_made", "_checkpoint", "_lean", "_told", "_told_frame", "_lives", "replay", "spark"],
        *["_accounting", "_accounts", "journal", "revenue", "liability", "breakage"],
        *["points_reports", "experiments", "flows", "outstanding", "membership", "surveys", "overview"],
        *["_parts", "comparisons", "whatif", "reports"],
        *["_database", "_tables", "_statements", "_loaded", "_opened", "_written", "_outbox", "_programs"],
        *["_verifying", "_moving", "store"],
        *["_draws", "_laws", "_machine", "_policies", "testing", "schema"],
        *["_english", "_phrases", "_terms", "words", "differences", "explaining", "_notebook", "cli"],
    ],
]
ABOVE_ALL = {"__init__", "__main__"}  # they import what they like, and nothing imports them
PLACES = {name: (row, place) for row, names in enumerate(ROWS) for place, name in enumerate(names)}

DOWNWARD = {
    "program.report": "reports",
    "history.report": "reports",
    "program.replay": "replay",
    "datasets.make_history": "_made",
    "history.replay": "replay",
    "earning.compiled": "_compile",
    "earning._judging": "_judged",
    "earning.cap": "counted",
    "earning.running": "counted",
    "earning.limit": "counted",
    "earning.every_nth": "counted",
    "earning.in_a_row": "counted",
    "earning.cooldown": "counted",
    **{
        f"{file}._repr_html_": "_notebook"
        for file in ("_strategy", "activity", "entries", "account", "program", "history")
    },
}
"""What these functions may import from below or from their right, each inside itself."""


def imports(tree, inside=""):
    """The files that a file imports, each with the function that does, but for those that only types are read from."""
    for node in tree.body if hasattr(tree, "body") else []:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from (found for other in node.orelse for found in imports(ast.Module([other], []), inside))
        elif isinstance(node, ast.ImportFrom) and node.module == "loyaltycore":
            yield from ((alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("loyaltycore."):
            yield node.module.split(".")[1], inside
        elif isinstance(node, ast.Import):
            yield from ((a.name.split(".")[1], inside) for a in node.names if a.name.startswith("loyaltycore."))
        else:
            named = node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else inside
            yield from imports(node, named)
            for part in ("orelse", "finalbody", "handlers"):
                for other in getattr(node, part, []):
                    yield from imports(other if part == "handlers" else ast.Module([other], []), named)


FILES = sorted(path.stem for path in SOURCE.glob("*.py"))


def test_every_file_has_its_place():
    assert set(FILES) - ABOVE_ALL == set(PLACES)


@pytest.mark.parametrize("file", [file for file in FILES if file not in ABOVE_ALL])
def test_a_file_imports_from_above_or_from_its_left(file):
    tree = ast.parse((SOURCE / f"{file}.py").read_text("utf-8"))
    wrong = [
        f"{file}.py imports {other}" + (f" in {function}()" if function else "")
        for other, function in imports(tree)
        if PLACES.get(other, (99, 99)) >= PLACES[file] and DOWNWARD.get(f"{file}.{function}") != other
    ]
    assert not wrong


def test_the_import_graph_is_seen_wherever_an_import_stands():
    code = """
from loyaltycore import _show
import loyaltycore.errors
if TYPE_CHECKING:
    from loyaltycore.program import Program
else:
    from loyaltycore.points import Points
try:
    from loyaltycore.frames import a
except ImportError:
    from loyaltycore.datasets import b
class Some:
    def report(self):
        with open("x"):
            from loyaltycore.reports import c
"""
    assert list(imports(ast.parse(code))) == [
        ("_show", ""),
        ("errors", ""),
        ("points", ""),
        ("frames", ""),
        ("datasets", ""),
        ("reports", "report"),
    ]


def fresh_python(code):
    """What a new interpreter prints."""
    return subprocess.check_output([sys.executable, "-c", code], text=True).split()


def test_importing_the_package_brings_nothing_but_attrs_and_typing_extensions():
    code = "import sys; before = set(sys.modules); import loyaltycore; print(*set(sys.modules) - before)"
    packages = {name.partition(".")[0] for name in fresh_python(code) if not name.startswith("_sysconfigdata")}
    assert packages - sys.stdlib_module_names <= {"loyaltycore", "attr", "attrs", "typing_extensions"}


def test_importing_the_package_leaves_out_what_takes_long_and_few_need():
    code = "import sys, loyaltycore; print(*sys.modules)"
    slow = {"importlib.metadata", "email", "csv", "argparse", "tomllib", "hashlib", "unittest", "asyncio", "sqlite3"}
    below = {f"loyaltycore.{name}" for name in ROWS[-1]}
    assert not set(fresh_python(code)) & (slow | below)


def test_all_is_sorted_and_complete():
    names = loyaltycore.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert all(hasattr(loyaltycore, name) for name in names)
    public = {
        name
        for name, value in vars(loyaltycore).items()
        if not name.startswith("_") and type(value).__name__ != "module" and name != "annotations"
    }
    assert public <= set(names)


def test_the_version_is_that_of_the_installation():
    from importlib.metadata import version

    assert loyaltycore.__version__ == version("loyaltycore")
    with pytest.raises(AttributeError, match="module 'loyaltycore' has no attribute 'nothing'"):
        loyaltycore.nothing  # noqa: B018 (it raises)
