"""What the library's own source never does, as the page on security and privacy says."""

import ast
from datetime import datetime
from pathlib import Path
import re

import duckdb
import pytest

import loyaltycore
from loyaltycore import *
from loyaltycore import _json, _parsing
from loyaltycore._strategy import parts_of
from loyaltycore.archive import LotRecord
from loyaltycore.entries import Entry
from loyaltycore.frames import award_frame

SOURCE = sorted(Path(loyaltycore.__file__).parent.glob("*.py"))


def used(tree):
    """The modules that are imported, and the names and attributes that are called, as in `pickle.loads`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)


USED = {path.name: set(used(ast.parse(path.read_text("utf-8")))) for path in SOURCE}


def uses(*names):
    """Where any of these is used, a module with all that is in it."""
    return {
        (file, found)
        for file, all_used in USED.items()
        for found in all_used
        if any(found == name or found.startswith(f"{name}.") for name in names)
    }


def test_the_source_is_seen_for_what_it_is():
    code = "import pickle\nfrom os import system\ndef f():\n    return eval(pickle.loads(x)), datetime.now(UTC)"

    assert set(used(ast.parse(code))) == {"pickle", "os.system", "eval", "pickle.loads", "datetime.now"}


def test_nothing_reaches_for_the_network():
    network = uses("socket", "ssl", "http", "urllib", "requests", "httpx", "asyncio", "ftplib", "smtplib", "subprocess")

    assert network == {("schema.py", "urllib.parse.quote")}  # which writes an address, and opens none


def test_nothing_of_what_is_read_is_ever_run():
    runs = uses(
        "eval", "exec", "compile", "pickle", "marshal", "shelve", "yaml", "__import__", "importlib", "import_module"
    )

    assert runs == {
        ("__init__.py", "importlib.import_module"),  # parts of the library when they are first asked for
        ("__init__.py", "import_module"),
        ("__init__.py", "importlib.metadata.version"),
        ("cli.py", "importlib.metadata.version"),
        ("_source.py", "compile"),  # source that the library made, in which there is no data
        ("_source.py", "exec"),
        ("_json.py", "exec"),  # how values of a class are written: the names of its fields, and no data
        ("_parsing.py", "exec"),  # and how they are read
        ("_laws.py", "eval"),  # `check_rule` on a rule of the caller's, in a test of theirs
        ("_laws.py", "pickle"),
        ("_laws.py", "pickle.dumps"),
        ("_laws.py", "pickle.loads"),
    }


def test_nothing_reads_the_clock_or_draws_at_random():
    clocks = {
        (file, found)
        for file, all_used in USED.items()
        for found in all_used
        if found.rpartition(".")[2] in ("now", "today", "utcnow", "time_ns", "localtime") or found == "time.time"
    }
    chance = uses("random", "secrets", "uuid", "os.urandom")

    assert clocks == {("store.py", "datetime.now")}  # `store.expiring`, where no moment is given
    assert chance == {
        ("_made.py", "random.Random"),  # from a seed
        ("store.py", "secrets.token_hex"),  # the new id of a member who is erased, where none is given
    }


HOSTILE = "x'\"\\\n); __import__('os').abort() #"


@pytest.mark.parametrize(
    "rule",
    [
        PerSpend(1).when(Category(HOSTILE)),
        PerSpend(1) * by_fact(HOSTILE, {HOSTILE: 2}),
        PerSpend(1) * by_tier({HOSTILE: "1.5"}),
        PointsTable({HOSTILE: 5}, by=HOSTILE),
        PerSpend(1).when(MemberFact(HOSTILE, HOSTILE)).named(HOSTILE),
    ],
    ids=str,
)
def test_no_data_is_in_generated_source(rule):
    assert "abort" not in rule.compiled().source


@pytest.mark.parametrize(("module", "make"), [(_json, _json._writer_of_class), (_parsing, _parsing._simple)])
def test_how_a_class_is_written_and_read_has_only_its_own_names(monkeypatch, module, make):
    sources = []

    def seen(code, names):
        sources.append(code)
        exec(code, names)  # noqa: S102 (as the module does)

    monkeypatch.setattr(module, "exec", seen, raising=False)
    for cls in (Activity, Entry, LotRecord):
        if module is _parsing and not _parsing._is_simple(cls):
            continue
        make(cls)
        own = {"type", cls._kind, *(part.keyword for part in parts_of(cls))}
        texts = [node.value for node in ast.walk(ast.parse(sources[-1])) if isinstance(node, ast.Constant)]
        assert {word for text in texts if isinstance(text, str) for word in re.findall(r"\w+", text)} <= own
        assert {text for text in texts if not isinstance(text, str)} <= {1, 2, 20}
    assert sources


def test_columns_of_any_name_and_content_are_only_data():
    hostile = 'x" AS y; DROP TABLE sales; --'
    database = duckdb.connect()
    database.execute("CREATE TABLE sales (amount INT, day TIMESTAMP, member TEXT, category TEXT)")
    database.execute("INSERT INTO sales VALUES (1200, '2026-03-02', ?, ?)", [hostile, hostile])
    quoted = hostile.replace('"', '""')
    sales = database.sql(f'SELECT * EXCLUDE (day), day AS "{quoted}" FROM sales')  # noqa: S608 (that is the test)
    rule = PerSpend(1).when(Category(hostile)) + PerSpend(1).when(OnWeekdays("mon")).named("n").cap(100, per="month")

    awarded = award_frame(rule, sales, at=hostile, out=f"points {hostile}")

    assert awarded.fetchall() == [(1200, hostile, hostile, datetime(2026, 3, 2), 24)]
    assert database.sql("SELECT count(*) FROM sales").fetchall() == [(1,)]
