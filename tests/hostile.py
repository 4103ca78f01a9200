"""Hostile input by name: how each bomb is made, how it is read, and the place that its error must name.

`test_bombs.py` reads them all, `benchmarks/bombs.py` prints what each costs.
"""

from collections import OrderedDict, UserDict
from collections.abc import Callable
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from loyaltycore import Program, ProgramHistory, from_data, from_json

K = 60_000
"""Characters that still fit into a program file."""

FEW = 2_400
"""Marks that still fit into a program file."""

P = 2**61 - 1
"""Whole numbers have their remainder by this as their hash."""

LONG = "9" * 40
"""As many digits as a number may have."""


class Bomb(NamedTuple):
    """How one is made, how it is read, the place of its error (`None` if it is a value), and what the error says."""

    make: Callable[[], Any]
    read: Callable[[Any], Any]
    place: str | None
    says: str

    def lit(self, folder: Path) -> Callable[[], Any]:
        """The reading of it, ready to be done and timed; it may be done again."""
        made = self.make()
        if self.read not in _SUFFIXES:
            return lambda: self.read(made)
        file = folder / f"club{_SUFFIXES[self.read]}"
        file.write_bytes(made if isinstance(made, bytes) else made.encode())
        return lambda: self.read(file)


def load_toml(file: Path) -> Any:
    """A program from a TOML file."""
    return Program.load(file)


def load_json(file: Path) -> Any:
    """A program from a JSON file."""
    return Program.load(file)


def load_history(file: Path) -> Any:
    """All versions of a program from a TOML file."""
    return ProgramHistory.load(file)


_SUFFIXES = {load_toml: ".toml", load_json: ".json", load_history: ".toml"}

BOMBS: dict[str, Bomb] = {}


def bomb(name: str, make: Any, place: str | None, says: str = "", read: Callable[[Any], Any] = load_toml) -> None:
    """One more; whatever is large is made only when it is needed."""
    assert name not in BOMBS, name
    BOMBS[name] = Bomb(make if callable(make) else lambda: make, read, place, says)


def club(rest: str) -> str:
    """A file of a program without a rule, and the rest."""
    return f"name = 'Club'\n{rest}"


def code(text: str) -> str:
    """A file of a program whose rule is that text."""
    return f'name = "Club"\nearning = {json.dumps(text)}'


def tables(earning: Any, **rest: Any) -> str:
    """A JSON file of a program with that rule."""
    return json.dumps({"name": "Club", "earning": earning, **rest})


def within(layer: Callable[[Any], Any], depth: int, core: Any) -> Any:
    """Something in so many layers."""
    for _ in range(depth):
        core = layer(core)
    return core


def flat(points: Any) -> dict[str, Any]:
    """The data of a rule that gives so many points."""
    return {"version": 1, "type": "flat", "points": points}


def fact(value: Any) -> dict[str, Any]:
    """The data of a line with that fact."""
    return {"version": 1, "type": "line", "amount": 1, "facts": {"x": value}}


# Size ---------------------------------------------------------------------------------------------------------------

bomb("10 MB of comments", lambda: "#" * 10_000_000, "", "more than 64,000 bytes; build so large a program in Python")
bomb("10 MB of digits", lambda: "name = " + "9" * 10_000_000, "", "more than 64,000 bytes")
bomb("10 MB in the name", lambda: f"name = '{'a' * 10_000_000}'", "", "more than 64,000 bytes")
bomb(
    "100,000 rows",
    lambda: tables({"type": "points_table", "by": ["x"], "rows": [["a", 1]] * 100_000}),
    "",
    "more than 64,000 bytes",
    load_json,
)
bomb("100,000 addends", lambda: code(" + ".join(["Flat(1)"] * 100_000)), "", "more than 64,000 bytes")
bomb("many numbers", lambda: club(f"a = [{'1,' * (K // 2)}]"), "", "30,003 commas, dots, brackets and other marks")
bomb("many tables", lambda: "[[a]]\n" * (K // 6), "", "more than 2,500; build so large a program in Python")
bomb("many keys", lambda: "".join(f"a{i} = 1\n" for i in range(4_000)), "", "4,000 commas, dots, brackets")
bomb("many rules as text", lambda: tables({"type": "sum", "rules": ["Flat(1)"] * 4_000}), "", "marks", load_json)
bomb("many units", lambda: club("".join(f"points.u{i}.earning = 'Flat(1)'\n" for i in range(1_500))), "", "marks")
bomb("many numbers, in JSON", lambda: tables([1] * 15_000), "", "marks", load_json)
bomb("many lines", lambda: "#\n" * (K // 2), "$.name", "it is missing")
bomb("many spaces", lambda: " " * K, "$.name", "it is missing")
bomb("a long name", lambda: club("earning = 'Flat(1)'").replace("Club", "a" * K), None)
bomb("a text that never ends", lambda: f'name = """{"a" * K}', "", "this is no TOML")
bomb("nothing", "", "$.name", "it is missing; give text")

# As much as a file may hold -------------------------------------------------------------------------------------------


def full(piece: Callable[[int], Any], marks: int) -> list[Any]:
    """As many pieces of so many marks as a file may hold."""
    return [piece(n) for n in range(FEW // marks)]


bomb(
    "a file full of rules as text",
    lambda: tables({"type": "sum", "rules": full(lambda n: f"Flat({n})", 2)}),
    None,
    read=load_json,
)
bomb(
    "a file full of rules as tables",
    lambda: tables({"type": "sum", "rules": full(flat, 9)}).replace('"version": 1, ', ""),
    None,
    read=load_json,
)
bomb("a file full of calls", lambda: code(f"best_of({','.join(['Flat(1)'] * 1_100)})"), None)
bomb(
    "a file full of bands",
    lambda: tables({"type": "sum", "rules": full(lambda n: f"Flat(1).over({n})", 4)}),
    None,
    read=load_json,
)
bomb(
    "a file full of caps",
    lambda: tables({"type": "sum", "rules": full(lambda n: f"(Flat({n}).cap(1) * 2)", 6)}),
    None,
    read=load_json,
)
bomb(
    "a file full of counters of one name",
    lambda: tables({"type": "sum", "rules": full(lambda n: f"Flat({n}).named('a').cap(1, per='day')", 8)}),
    "$.points.points.earning.rules[1]",
    "another name",
    load_json,
)
bomb(
    "a file full of units",
    lambda: tables(None, points=dict(full(lambda n: (f"u{n}", {"earning": "Flat(1)"}), 5))),
    None,
    read=load_json,
)
bomb(
    "a file full of rewards without their unit",
    lambda: tables(
        None,
        points=dict(full(lambda n: (f"u{n}", "Points(Flat(1))"), 9)),
        rewards=dict(full(lambda n: (f"r{n}", "Item(5, unit='x')"), 9)),
    ),
    "$.rewards.r0.unit",
    "'x' is no unit",
    load_json,
)
bomb(
    "a file full of conversions",
    lambda: tables(
        None,
        points=dict(
            full(
                lambda n: (f"u{n}", f"Points(Flat(1), converts=Convert(1, into='u{n + 1}', gives=1).every('month'))"),
                13,
            )
        ),
    ),
    "$.points.u183.converts[0].option.into",
    "'u184' is no unit",
    load_json,
)
bomb(
    "a file full of rows",
    lambda: tables({"type": "points_table", "by": ["x"], "rows": full(lambda n: [f"a{n}", n], 3)}),
    None,
    read=load_json,
)
bomb(
    "a file full of keys",
    lambda: tables({"type": "points_table", "by": ["x", "y"], "rows": [[[f"a{n}" for n in range(70)]] * 2 + [1]]}),
    None,
    read=load_json,
)
bomb(
    "a file full of facts",
    lambda: tables(
        {"type": "when", "rule": "Flat(1)", "condition": {"type": "fact", "name": "x", "values": full(str, 1)}}
    ),
    None,
    read=load_json,
)
bomb("a file full of numbers in TOML", lambda: club(f"a = [{'1,' * FEW}]"), "$.a", "no such field")
bomb(
    "a file full of lines and rules",
    lambda: (
        "#\n" * 15_000
        + club(f"earning = {{ type = 'sum', rules = [{','.join(full(lambda n: f'{chr(34)}Flat({n}){chr(34)}', 2))}] }}")
    ),
    None,
)
bomb(
    "a file full of versions",
    lambda: (
        "[[versions]]\nname = 'a'\nearning = 'Flat(1)'\n"
        + "".join(f"[[versions]]\nfrom = {2000 + n}-01-01\nname = 'a'\nearning = 'Flat(1)'\n" for n in range(199))
    ),
    None,
    read=load_history,
)

# Depth --------------------------------------------------------------------------------------------------------------

bomb("deep lists", lambda: "a = " + "[" * FEW, "", "it nests too deep to be read")
bomb("deep lists that end", lambda: f"a = {'[' * FEW}{']' * FEW}", "", "it nests too deep to be read")
bomb("deep inline tables", lambda: "a = " + "{a=" * (FEW // 2), "", "it nests too deep to be read")
bomb("a key of many parts", lambda: "a." * FEW + "a = 1", "", "a key of more than 50 parts; nest less")
bomb("a table of many parts", lambda: f"[{'a.' * FEW}a]", "", "a key of more than 50 parts")
bomb("a key of many parts inside", lambda: "a = { " + "a." * FEW + "a = 1 }", "", "a key of more than 50 parts")
bomb("a quoted key of many parts", lambda: '"a" . ' * FEW + "a = 1", "", "a key of more than 50 parts")
bomb("many keys of many parts", lambda: "".join(f"{'a.' * 48}b{i} = 1\n" for i in range(FEW // 50)), "$.a", "no such")
bomb("deep tables", lambda: "\n".join(f"[{'.'.join('a' * n)}]" for n in range(1, 50)), "$.a", "no such field")
bomb("deep JSON", lambda: "[" * FEW, "", "it nests too deep to be read", load_json)
bomb("deep JSON that ends", lambda: "[" * FEW + "]" * FEW, "", "it nests too deep to be read", load_json)
bomb("deep objects", lambda: '{"a":' * (FEW // 2), "", "it nests too deep to be read", load_json)
bomb(
    "rules in rules",
    lambda: tables(within(lambda r: {"type": "each_line", "rule": r}, 200, "Flat(1)")),
    "$.earning" + ".rule" * 48,
    "nests more than 50 deep",
    load_json,
)
bomb(
    "lists in lists in a fact",
    lambda: fact(within(lambda x: [x], 500, 1)),
    "$.facts.x" + "[0]" * 47,
    "nests more than 50 deep",
    from_data,
)
bomb("deep brackets", code("(" * 2_000), "$.earning", "column 51: brackets nest too deep")
bomb("deep brackets that end", code("(" * 1_400 + ")" * 1_400), "$.earning", "brackets nest too deep")
bomb("deep calls", code("Flat(" * 49), "$.earning", "is never closed")
bomb("deep mappings", code("{1:" * 49), "$.earning", "is never closed")
bomb("deep mixture", code("[(a{" * 12), "$.earning", "is never closed")
bomb("bands in bands in bands", code("PerSpend(1)" + ".between(0, 1)" * 600), "$.earning", "nests more than 50 deep")
bomb("many methods", code("Flat(1)" + ".each_line()" * 800), "$.earning", "it nests more than 50 deep")
bomb("many attributes", code("a" + ". (a)" * 60), "$.earning", "invalid syntax")
bomb("many factors", code("Flat(1)" + "*2" * FEW), "$.earning", "more than 250 in a chain of operators")
bomb("many addends", code("Flat(1)+" * 1_200 + "Flat(1)"), "$.earning", "more than 250 in a chain of operators")
bomb("many sums in a sum", lambda: code("+".join([f"({'+'.join(['Flat(1)'] * 5)})"] * 220)), None)
bomb("many tildes", code("~" * 9_000), "$.earning", "too deep")
bomb("many signs", code("-" * 9_000 + "1"), "$.earning")
bomb("many nots", code("not " * 2_400), "$.earning", "invalid syntax")
bomb("many lambdas", code("lambda:" * 1_400), "$.earning")
bomb("many conditionals", code("1 if 1 else " * 800), "$.earning", "invalid syntax")
bomb("many powers", code("9**" * 900 + "9"), "$.earning")
bomb("many braces in a text", code("f'{" * FEW), "$.earning")
bomb("many escaped quotes", lambda: code("'" + "\\'" * 4_900), "$.earning", "unterminated string")
bomb("many escaped double quotes", lambda: code('"' + '\\"' * 4_900), "$.earning", "unterminated string")
bomb(
    "a rule around a rule around a cap",
    lambda: tables(
        within(
            lambda r: {"type": "times", "factor": 2, "rule": r},
            46,
            {"type": "sum", "rules": ["Flat(1)"] * 1_000 + ["Flat(1).cap(1)"]},
        )
    ),
    None,
    read=load_json,
)

# Numbers ------------------------------------------------------------------------------------------------------------

bomb("a large exponent", "name = 1e999999999", "$.name", "give a finite number")
bomb(
    "a large exponent as text",
    club("earning = { type = 'flat', points = '1e999999999' }"),
    "$.earning.points",
    "more than 40 digits before or after the point",
)
bomb("a large exponent in code", code("Flat('1e999999')"), "$.earning", "column 1: points: 1e+999999 has more than 40")
bomb("a small exponent", code("Flat('1e-999999')"), "$.earning", "more than 40 digits before or after the point")
bomb("an exponent of many digits", code(f"Flat('1e{'9' * 30}')"), "$.earning", "is not a number")
bomb(
    "many digits as text",
    lambda: tables(flat("9" * K) | {"version": 1}),
    "$.earning.version",
    "no such field",
    load_json,
)
bomb(
    "many digits as points",
    lambda: tables({"type": "flat", "points": "9" * K}),
    "$.earning.points",
    "is not a number",
    load_json,
)
bomb("a long number", lambda: "name = " + "9" * K, "", "this is no TOML")
bomb("a long hexadecimal number", lambda: "name = 0x" + "f" * K, "$.name", "more than 40 digits")
bomb("a long float", lambda: "name = " + "9" * K + ".5", "$.name", "give a finite number")
bomb(
    "a long number in JSON",
    lambda: tables({"type": "flat", "points": 1}).replace("1", "9" * K),
    "$.earning.points",
    "a whole number of more than 40 digits",
    load_json,
)
bomb(
    "10 MB of digits in JSON",
    lambda: '{"version": 1, "type": "flat", "points": ' + "9" * 10_000_000 + "}",
    "$.points",
    "a whole number of more than 40 digits",
    from_json,
)
bomb("a number of 16 million digits", lambda: flat(1 << 54_000_000), "$.points", "more than 40 digits", from_data)
bomb("a long number in code", code(f"Flat({'9' * 9_000})"), "$.earning", "Exceeds the limit")
bomb("a long hexadecimal number in code", code(f"Flat(0x{'f' * 9_000})"), "$.earning", "more than 40 digits")
bomb("a large power", code("9**9**9**9"), "$.earning", "is not read here")
bomb(
    "a long denominator",
    tables({"type": "flat", "points": f"1/{'9' * K}"}),
    "$.earning.points",
    "is not a number",
    load_json,
)
bomb("a denominator of 0", code("Flat('1/0')"), "$.earning", "divides by zero")
bomb("NaN", "name = nan", "$.name", "give a finite number")
bomb(
    "NaN in JSON",
    tables({"type": "flat", "points": float("nan")}),
    "$.earning.points",
    "give a finite number",
    load_json,
)
bomb(
    "infinity", tables({"type": "flat", "points": float("-inf")}), "$.earning.points", "give a finite number", load_json
)
bomb("NaN as text", code("Flat('NaN')"), "$.earning", "'NaN' is not a number")
bomb(
    "a truth value for a number",
    club("points.a = { earning = 'Flat(1)', places = true }"),
    "$.points.a.places",
    "true is not what goes here",
)
bomb("a truth value in code", code("Flat(True)"), "$.earning", "True is a truth value, not a number")
bomb(
    "a number for a truth value",
    club("points.a = { earning = 'Flat(1)', redeemable = 1 }"),
    "$.points.a.redeemable",
    "give true or false",
)
bomb("digits of another script", code("Flat('\uff11\u0661')"), "$.earning", "is not a number; write digits as in")
bomb("digits of another script, bare", code("Flat(\uff11)"), "$.earning", "invalid character")
bomb(
    "digits with underscores",
    tables({"type": "flat", "points": "1_000"}),
    "$.earning.points",
    "is not a number",
    load_json,
)
bomb(
    "as many places as there are",
    club("points.a = { earning = 'Flat(1)', places = 99999999 }"),
    "$.points.a.places",
    "99999999 is above 18",
)
bomb(
    "numbers of one hash",
    lambda: tables(
        {
            "type": "times",
            "rule": "Flat(1)",
            "factor": {"type": "by_fact", "name": "x", "factors": [[n * P, 1] for n in range(750)]},
        }
    ),
    "$.earning.factor.factors",
    "more than 20 of the numbers have one hash",
    load_json,
)
bomb(
    "rows of one hash",
    lambda: tables({"type": "points_table", "by": ["x"], "rows": [[n * P, 1] for n in range(750)]}),
    "$.earning.rows",
    "more than 20 of the numbers have one hash",
    load_json,
)
bomb(
    "bounds of one hash",
    lambda: tables(
        {
            "type": "points_table",
            "rows": [["over", 1]],
            "by": [{"type": "band", "of": "x", "upto": [n * P for n in range(FEW)]}],
        }
    ),
    "$.earning.by[0].upto",
    "more than 20 of the numbers have one hash",
    load_json,
)
bomb(
    "few values that are many keys",
    tables(
        {
            "type": "best_of",
            "rules": [
                {"type": "points_table", "by": ["x", "y", "z"], "rows": [[[f"{n}" for n in range(16)]] * 3 + [1]]}
            ]
            * 20,
        }
    ),
    "$.earning.rules[1].rows[0]",
    "the rows stand for more than 904 keys",
    load_json,
)

# Text ---------------------------------------------------------------------------------------------------------------

bomb("invalid UTF-8", b"name = '\xff'", "", "byte 8 is not UTF-8; save the file as UTF-8")
bomb("UTF-16", "name = 'Club'".encode("utf-16"), "", "byte 0 is not UTF-8")
bomb("zeros", b"\0" * K, "", "this is no TOML")
bomb("two byte-order marks", "\ufeff\ufeffname = 'Club'", "", "this is no TOML")
bomb("NUL", "name = 'a\0'", "", "this is no TOML")
bomb("NUL in code", code("Flat(\0)"), "$.earning", "null bytes")
bomb("control characters", "name = '\x1b[2J'", "", "this is no TOML")
bomb("half of a surrogate pair in TOML", 'name = "\\ud800"', "", "this is no TOML")
bomb(
    "half of a surrogate pair in JSON",
    tables("Flat(1)", rewards={"\ud800": "Item(1)"}),
    "$.rewards",
    "half of a surrogate pair",
    load_json,
)
bomb("half of a surrogate pair in code", code("Flat(1).named('\\ud800')"), "$.earning", "is not read here")
bomb("a surrogate pair written as bytes", b"name = '\xed\xa0\x80'", "", "byte 8 is not UTF-8")
bomb("an escape of a long name", code("Flat('\\N{" + "A" * 9_000 + "}')"), "$.earning", "unicodeescape")
bomb("quotes", '"' * K, "", "this is no TOML")
bomb("a text that never ends in code", code("'" + "a" * 9_000), "$.earning", "unterminated string")
bomb("three quotes that never end in code", code("'''" + "(" * 2_000), "$.earning", "unterminated triple-quoted")
bomb("a long text times", code("'a' * 1000000000"), "$.earning", "neither side is a rule")
bomb("a long tuple times", code("(1,) * 1000000000"), "$.earning", "neither side is a rule")
bomb(
    "a text with places to fill in",
    code("Flat(1).named('{0.__class__.__init__.__globals__}' % 1)"),
    "$.earning",
    "is not read here",
)

# Keys, kinds and fields ---------------------------------------------------------------------------------------------

bomb("a key that stands twice", club(club("")), "", "this is no TOML: Cannot overwrite a value")
bomb("a table that stands twice", club("[rewards]\n[rewards]\n"), "", "this is no TOML: Cannot declare")
bomb(
    "a key that stands twice in JSON",
    '{"name": "Club", "earning": "Flat(1)", "earning": "Flat(2)"}',
    "$.earning",
    "this key stands twice; keep one",
    load_json,
)
bomb("a key that stands twice in a mapping", code("by_fact('x', {1: 2, True: 3})"), "$.earning", "stands twice")
bomb("both spellings", club("earning = 'Flat(1)'\npoints.a.earning = 'Flat(1)'"), "$", "give either earning=... or")
bomb(
    "both spellings of tiers",
    club("earning = 'Flat(1)'\ntiers.tiers = [{ name = 'a' }]\nladders.a.tiers = [{ name = 'a' }]"),
    "$.ladders",
    "give either tiers",
)
bomb("neither spelling", club(""), "$", "give either earning=... or")
bomb("no type", tables({"points": 1}), "$.earning.type", "nothing says what this is", load_json)
bomb("no type at all", {"version": 1}, "$.type", "nothing says what this is", from_data)
bomb("no version", {"type": "flat", "points": 1}, "$.version", "no version that is read here; give 1", from_data)
bomb("a version to come", club("version = 1e3"), "$.version", "is no version that is read here")
bomb("an unknown kind", tables({"type": "flt", "points": 1}), "$.earning.type", "did you mean 'flat'?", load_json)
bomb("a long kind", lambda: tables({"type": "a" * K}), "$.earning.type", "is no kind that goes here", load_json)
bomb("a kind that is a list", tables({"type": ["flat"]}), "$.earning.type", "a list is no kind", load_json)
bomb(
    "a class path",
    tables({"type": "loyaltycore.earning_rules.Flat", "points": 1}),
    "$.earning.type",
    "is no kind that goes here",
    load_json,
)
bomb("a kind of something else", tables({"type": "member"}), "$.earning.type", "is no kind that goes here", load_json)
bomb("another kind at the root", "type = 'flat'\npoints = 1", "$.type", "give one of program")
bomb("an unknown field", club("earnings = 'Flat(1)'"), "$.earnings", "did you mean 'earning'?")
bomb("a long unknown field", lambda: f"{'n' * K} = 1", f"$['{'n' * 40}']", "'program' has no such field")
bomb(
    "a private field",
    tables({"type": "flat", "points": 1, "_kind": "x"}),
    "$.earning._kind",
    "no such field",
    load_json,
)
bomb(
    "a long name of a unit",
    lambda: f"{club('')}points.{'n' * K}.earning = 5",
    f"$.points['{'n' * 40}'].earning",
    "5 is no earning rule",
)
bomb(
    "long names of units that are refused together",
    lambda: tables(None).replace(
        '"earning": null',
        json.dumps({"points": {"n" * (K // 2): "Points(Flat(1))"}, "rewards": {"r" * (K // 3): "Item(5, unit='x')"}})[
            1:-1
        ],
    ),
    f"$.rewards.{'r' * 40}.unit",
    "'x' is no unit of the program",
    load_json,
)
bomb("a list for a table", "[[points]]\nearning = 'Flat(1)'\n[[points]]", "$.name", "it is missing")
bomb("a list for a name", "name = ['Club']\nearning = 'Flat(1)'", "$.name", "a list is not what goes here; give text")
bomb("a date for a name", "name = 2026-03-01\nearning = 'Flat(1)'", "$.name", "a date is not what goes here")
bomb("a time for a number", club("[earning]\ntype = 'flat'\npoints = 12:30:00"), "$.earning.points", "a time is not")
bomb("a float for a number", club("[earning]\ntype = 'flat'\npoints = 1.5"), "$.earning.points", 'text: "1.5"')
bomb("a table for a rule", club("[earning.earning.earning]"), "$.earning.type", "nothing says what this is")
bomb("null", tables({"type": "flat", "points": None}), "$.earning.points", "null is not what goes here", load_json)
bomb("a list for a program", "[]", "$", "a list is not what goes here; give Program", load_json)
bomb("a number for a program", "1", "$", "the number 1 is not what goes here; give Program", load_json)
bomb("half a program", "{", "", "this is no JSON", load_json)
bomb("a name that stands for itself", code("earning"), "$.earning", "'earning' stands alone")
bomb(
    "two counters of one name",
    code("Flat(1).named('a').cap(1, per='day') + Flat(2).named('a').cap(2, per='day')"),
    "$.points.points.earning.rules[1]",
    "give one of them another name",
)

# Code ---------------------------------------------------------------------------------------------------------------

bomb("an import", code("__import__('os').system('true')"), "$.earning", "the name '__import__' is not known")
bomb("evaluation", code("eval('1')"), "$.earning", "the name 'eval' is not known")
bomb("a file", code("open('/etc/passwd').read()"), "$.earning", "the name 'open' is not known")
bomb("a module", code("os.system('true')"), "$.earning", "'os' stands alone")
bomb("a private attribute", code("Flat(1).__class__"), "$.earning", "is not read here")
bomb("a private method", code("Flat(1).__reduce__()"), "$.earning", "has no method '__reduce__'")
bomb("a method of a text", code("'{}'.format(1)"), "$.earning", "str has no method 'format'; it has none")
bomb("a verb", code("Flat(1).award(1)"), "$.earning", "Flat has no method 'award'")
bomb("a function", code("lambda: Flat(1)"), "$.earning", "column 1: 'lambda: Flat(1)' is not read here")
bomb("a comprehension", code("[x for x in range(10**9) for y in range(10**9)]"), "$.earning", "is not read here")
bomb("a text with values", code("Flat(f'{1}')"), "$.earning", "is not read here")
bomb("an assignment", code("(x := Flat(1))"), "$.earning", "is not read here")
bomb("an argument with a star", code("Flat(*(1,))"), "$.earning", "column 6: '*(1,)' is not read here")
bomb("arguments with two stars", code("Flat(**{'points': 1})"), "$.earning", "** is not read here")
bomb("an unknown keyword", code("Flat(pints=1)"), "$.earning", "it takes (points)")
bomb("a keyword twice", code("Flat(points=1, points=2)"), "$.earning", "'points' is given twice; keep one")
bomb("an index", code("Flat(1)['points']"), "$.earning", "is not read here")
bomb("a set", code("Flat({1})"), "$.earning", "is not read here")
bomb("bytes", code("Flat(b'1')"), "$.earning", "is not read here")
bomb("dots for a value", code("Flat(...)"), "$.earning", "is not read here")
bomb("a statement", code("import os"), "$.earning", "invalid syntax")
bomb("a second expression", code("Flat(1); Flat(2)"), "$.earning", "invalid syntax")
bomb("our own bracket", code("Flat(1)) + (Flat(2)"), "$.earning", "')' is one too many; remove it")
bomb("a mapping as a key", code("by_fact('x', {{1: 2}: 3})"), "$.earning", "FrozenMap is no fact")
bomb("text that is long as code and short as a name", lambda: code("a" * 9_000), "$.earning", "stands alone")
bomb("code that is too long", lambda: code("Flat(1)" + " " * 10_000), "$.earning", "an expression of 10,007 characters")

# Dates, periods and zones -------------------------------------------------------------------------------------------

bomb(
    "a long time",
    club("points.a = { earning = 'Flat(1)', expiry = 'After(months=1000000000)' }"),
    "$.points.a.expiry",
    "months: 1000000000 is above 12,000",
)
bomb(
    "a longer time",
    club(f"points.a = {{ earning = 'Flat(1)', expiry.type = 'after', expiry.days = {LONG[1:]} }}"),
    "$.points.a.expiry.days",
    "is above 366,000; give 366,000 or less",
)
bomb(
    "many months on",
    club("points.a = { earning = 'Flat(1)', expiry = 'EndOf(\"month\", plus=99999999)' }"),
    "$.points.a.expiry",
    "plus: 99999999 is above 1,000",
)
bomb(
    "a long window",
    club(
        "earning = 'Flat(1)'\n[[tiers.tiers]]\nname = 'gold'\n"
        "qualification = \"Reach('points', 1, window=Rolling(days=99999999999999))\""
    ),
    "$.tiers.tiers[0].qualification",
    "days: 99999999999999 is above 366,000",
)
bomb(
    "a day that there is not",
    club("points.a.earning = 'Flat(1)'\npoints.a.expiry = \"On('2026-02-30')\""),
    "$.points.a.expiry",
    "'2026-02-30' is not a date",
)
bomb("a day that TOML has not", club("start = 2026-02-30"), "", "this is no TOML")
bomb(
    "a year that there is not",
    club("points.a = { earning = 'Flat(1)', expiry = { type = 'on', day = '99999-01-01' } }"),
    "$.points.a.expiry.day",
    "is not what goes here; give a date",
)
bomb(
    "a long date",
    lambda: club(f"earning = {{ type = 'when', condition = {{ type = 'during', start = '{'1' * K}' }} }}"),
    "$.earning.rule",
    "it is missing",
)
bomb(
    "a long text for a date",
    lambda: tables(
        {"type": "when", "rule": "Flat(1)", "condition": {"type": "during", "start": "1" * (K // 2), "end": None}}
    ),
    "$.earning.condition.start",
    "give a date",
    load_json,
)
bomb(
    "a zone that is a path",
    club("timezone = '../../etc/passwd'\nearning = 'Flat(1)'"),
    "$.timezone",
    "'../../etc/passwd' is not known here",
)
bomb("a zone from the root", club("timezone = '/etc/passwd'\nearning = 'Flat(1)'"), "$.timezone", "is not known here")
bomb("a zone that is a folder", club("timezone = 'America'\nearning = 'Flat(1)'"), "$.timezone", "is not known here")
bomb("a zone with NUL", club('timezone = "UTC\\u0000"\nearning = "Flat(1)"'), "$.timezone", "is not known here")
bomb("a long zone", lambda: club(f"timezone = '{'a/' * (K // 2)}'\nearning = 'Flat(1)'"), "$.timezone", "is not known")
bomb("a zone of one long name", lambda: club(f"timezone = '{'a' * K}'\nearning = 'Flat(1)'"), "$.timezone", "is not")

# Tiers and versions -------------------------------------------------------------------------------------------------


def ladder(*tiers: Any, **rest: Any) -> str:
    """A JSON file of a program with those tiers."""
    return tables("Flat(1)", tiers={"tiers": list(tiers), **rest})


def version(**fields: Any) -> dict[str, Any]:
    """The table of a version of a program."""
    return {"name": "Club", "earning": "Flat(1)", **fields}


def grown(depth: int, width: int, kind: str, other: str) -> Any:
    """A qualification of qualifications of qualifications."""
    if not depth:
        return "Reach('points', 1)"
    return {"type": kind, "qualifications": [grown(depth - 1, width, other, kind)] * width}


bomb("no tiers", ladder(), "$.tiers.tiers", "there is none; give at least one", load_json)
bomb(
    "a tier that stands twice",
    ladder({"name": "a"}, {"name": "a", "qualification": "Reach('points', 1)"}),
    "$.tiers.tiers",
    "'a' stands twice",
    load_json,
)
bomb(
    "many tiers of one name",
    lambda: ladder(*[{"name": "a", "qualification": "Invitation()"}] * 350),
    "$.tiers.tiers",
    "'a' stands twice",
    load_json,
)
bomb(
    "many tiers",
    lambda: ladder(*({"name": f"t{n}", "qualification": f"Reach('points', {n + 1})"} for n in range(330))),
    None,
    read=load_json,
)
bomb(
    "many tiers that one count brings",
    lambda: ladder(*({"name": f"t{n}", "qualification": f"Reach('points', {330 - n})"} for n in range(330))),
    None,
    read=load_json,
)
bomb(
    "qualifications that grow",
    lambda: ladder(
        {"name": "a", "qualification": grown(4, 4, "all_of", "any_of")},
        {"name": "b", "qualification": grown(4, 4, "any_of", "all_of")},
    ),
    None,
    read=load_json,
)
bomb(
    "many tiers of many units' names",
    lambda: ladder(*({"name": f"t{n}", "qualification": f"Reach('{'a' * 30}{n}', 1)"} for n in range(330))),
    None,
    read=load_json,
)
bomb("a tier as text", ladder("Tier('a')"), None, read=load_json)
bomb("a tier that is a number", ladder(5), "$.tiers.tiers[0]", "the number 5 is not what goes here", load_json)
bomb(
    "a count that is a large exponent",
    ladder({"name": "a", "qualification": "Reach('points', '1e999999')"}),
    "$.tiers.tiers[0].qualification",
    "more than 40 digits",
    load_json,
)
bomb(
    "a count that is a truth value",
    ladder({"name": "a", "qualification": {"type": "reach", "what": "x", "n": True}}),
    "$.tiers.tiers[0].qualification.n",
    "true is not what goes here",
    load_json,
)
bomb(
    "a count of something unknown",
    ladder({"name": "a", "qualification": "Reach(Flat(1), 1)"}),
    "$.tiers.tiers[0].qualification",
    "is not a name",
    load_json,
)
bomb("a window of something else", ladder({"name": "a"}, window="moth"), "$.tiers.window", "'moth' is no", load_json)
bomb(
    "a benefit that is a list",
    ladder({"name": "a", "benefits": [["b"]]}),
    "$.tiers.tiers[0].benefits[0]",
    "a list is not what goes here",
    load_json,
)
bomb(
    "a tier that nobody has",
    tables(
        {"type": "when", "rule": "Flat(1)", "condition": {"type": "in_tier", "tiers": [f"t{n}" for n in range(1_800)]}},
        tiers={"tiers": [{"name": "a"}]},
    ),
    "$.points.points.earning.condition.tiers",
    "'t0' is no tier of the program",
    load_json,
)
bomb("versions in a program's file", "[[versions]]\n", "$.versions", "read it by ProgramHistory.load")
bomb(
    "a version without a day",
    "[[versions]]\nname = 'a'\nearning = 'Flat(1)'\n" * 2,
    "$.versions[1]",
    "give a pair",
    load_history,
)
bomb(
    "a first version with a day",
    "[[versions]]\nfrom = 2026-03-01\nname = 'a'\nearning = 'Flat(1)'\n",
    "$.versions[0]",
    "the first version has always been in force",
    load_history,
)
bomb(
    "a version from the first day of all",
    "[[versions]]\nname = 'a'\nearning = 'Flat(1)'\n[[versions]]\nfrom = 0001-01-01\nname = 'a'\nearning = 'Flat(1)'",
    "$.versions[1]",
    "there is nothing before",
    load_history,
)
bomb(
    "a version from a large exponent",
    "[[versions]]\nname = 'a'\nearning = 'Flat(1)'\n[[versions]]\nfrom = '1e999999'\nname = 'a'\nearning = 'Flat(1)'",
    "$.versions[1].from",
    "give a date",
    load_history,
)
bomb("versions that are a number", "versions = 5", "$.versions", "the number 5 is not what goes here", load_history)
bomb("no versions", "versions = []", "$.versions[0]", "the first version has always been in force", load_history)
bomb(
    "versions in versions",
    "[[versions]]\n[[versions.versions]]\nname = 'a'",
    "$.versions[0].versions",
    "no such field",
    load_history,
)
bomb(
    "many versions",
    lambda: (
        "[[versions]]\nname = 'a'\nearning = 'Flat(1)'\n"
        + "".join(f"[[versions]]\nfrom = {2000 + n}-01-01\nname = 'a'\nearning = 'Flat(1)'\n" for n in range(400))
    ),
    "$.versions",
    "there are 401 versions, more than 200",
    load_history,
)

# Data that no file says ---------------------------------------------------------------------------------------------


def holding_itself() -> dict[str, Any]:
    """A dict in itself."""
    data: dict[str, Any] = {"type": "not"}
    data["condition"] = data
    return {"version": 1, **data}


def list_in_itself() -> list[Any]:
    """A list in itself, many times."""
    data: list[Any] = []
    data.extend([data] * 1_000)
    return data


class Sly(dict[str, Any]):
    """A dict that says it has other things than it has."""

    def __getitem__(self, key: str) -> Any:
        return "1e999999"


bomb("data that holds itself", holding_itself, "$" + ".condition" * 49, "nests more than 50 deep", from_data)
bomb(
    "a list that holds itself",
    lambda: fact(list_in_itself()),
    "$.facts.x" + "[0]" * 47,
    "nests more than 50 deep",
    from_data,
)
bomb(
    "lists that share lists", lambda: fact(within(lambda x: [x, x], 40, 1)), "$", "stands in so many places", from_data
)
bomb(
    "rules that share rules",
    lambda: {"version": 1, **within(lambda r: {"type": "best_of", "rules": [r, r]}, 20, flat(1))},
    "$",
    "stands in so many places",
    from_data,
)
bomb("a fact that is a table", fact({"a": 1}), "$.facts.x", "a table is not what goes here", from_data)
bomb("a fact that is a set", fact({1}), "$.facts.x", "a set is not what goes here", from_data)
bomb("a generator", fact(n for n in range(10**9)), "$.facts.x", "a generator is not what goes here", from_data)
bomb("a range", fact(range(10**9)), "$.facts.x", "a range is not what goes here", from_data)
bomb("a generator for data", (n for n in range(10**9)), "$", "a generator is not what goes here", from_data)
bomb("bytes for data", b"{}", "$", "a bytes is not what goes here", from_data)
bomb("bytes for a number", flat(b"1"), "$.points", "a bytes is not what goes here", from_data)
bomb("a complex number", flat(1j), "$.points", "a complex is not what goes here", from_data)
bomb("a mapping that is no dict", MappingProxyType(flat(1)), "$", "a table is not what goes here", from_data)
bomb("another mapping that is no dict", UserDict(flat(1)), "$", "a table is not what goes here", from_data)
bomb("a dict of another class", OrderedDict(flat(1)), None, read=from_data)
bomb("a dict that lies", Sly(flat(1)), "$.version", "is no version that is read here", from_data)
bomb("a key that is a number", {"version": 1, 5: 5}, "$", "the number 5 is no key; keys are text", from_data)
bomb("a key that is a tuple", {"version": 1, (1,): 5}, "$", "a tuple is no key", from_data)
bomb("a key that is half of a surrogate pair", flat(1) | {"\ud800": 1}, "$", "half of a surrogate pair", from_data)
bomb(
    "a member with a name of 10 MB",
    lambda: {"version": 1, "type": "member", "id": "a" * 10_000_000},
    None,
    read=from_data,
)
bomb(
    "a date with a name of 10 MB",
    lambda: {"version": 1, "type": "member", "joined": "a" * 10_000_000},
    "$.joined",
    "give a date",
    from_data,
)
bomb("a number with a name of 10 MB", lambda: flat("a" * 10_000_000), "$.points", "is not a number", from_data)
bomb(
    "a rule with a name of 10 MB",
    lambda: {"version": 1, "type": "each_line", "rule": "a" * 10_000_000},
    "$.rule",
    "10,000,000 characters, more than 10,000",
    from_data,
)
bomb("a kind with a name of 10 MB", lambda: {"version": 1, "type": "a" * 10_000_000}, "$.type", "is no kind", from_data)
bomb(
    "a field with a name of 10 MB",
    lambda: flat(1) | {"a" * 10_000_000: 1},
    f"$['{'a' * 40}']",
    "no such field",
    from_data,
)
bomb("10 MB of brackets", lambda: "[" * 10_000_000, "", "it nests too deep to be read", from_json)
bomb("bytes for JSON", b"{}", "", "bytes is no text; decode it first", from_json)
bomb("no JSON", "", "", "this is no JSON", from_json)
bomb(
    "lines whose amounts have no common denominator",
    lambda: {
        "version": 1,
        "type": "activity",
        "at": "2026-03-01",
        "lines": [{"amount": f"1/{2 * n + 1}"} for n in range(1_000)],
    },
    "$",
    "denominator",
    from_data,
)
bomb(
    "the first moment",
    {"version": 1, "type": "activity", "at": "0001-01-01", "lines": [{"amount": 1}]},
    "$.at",
    "leaves no room for the periods around it",
    from_data,
)
