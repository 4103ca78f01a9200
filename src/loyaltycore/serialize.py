"""Values as plain data, JSON and files, and back.

Data is dicts, lists, text, whole numbers and truth values. It names a kind under `"type"`, which a registry resolves
(never a class path), and a version at the root. What a field may hold is read off its annotation, so that an own class
is stored like the built-in ones. A number that is not whole is text, and so is a date; a mapping whose keys are not all
text is a list of pairs. Whatever is wrong is a `DataError` whose path is the place:
`$.points.stars.earning.rules[1].every`.
"""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
import re
from typing import TYPE_CHECKING, Any, Final, cast

from loyaltycore import account as _account  # noqa: F401 (so that the kinds of entries and statements are known)
from loyaltycore._exact import MAX_DIGITS
from loyaltycore._json import Unusual, text_of
from loyaltycore._parsing import value_of
from loyaltycore._reading import VERSION, Object, Spot, read_root
from loyaltycore._strategy import KINDS, Stored
from loyaltycore._toml import read_toml, write_toml
from loyaltycore._writing import write_fields
from loyaltycore.errors import DataError
from loyaltycore.tables import limited_keys

if TYPE_CHECKING:
    from loyaltycore.history import ProgramHistory
    from loyaltycore.program import Program

LONGEST: Final = 64_000
"""Bytes in a program file."""

MOST_MARKS: Final = 2_500
"""Commas, dots, brackets and the like in a program file: how long it takes to read one grows with what they divide."""

MOST_KEYS: Final = 5_000
"""Keys that the tables of a program file stand for together: few values in a row are many keys."""

MOST_VERSIONS: Final = 200
"""Versions of a program in one file."""

_MARKS: Final = ",.:=([{+*&|"


def to_data(value: Stored) -> dict[str, Any]:
    """A rule, condition, activity, award, program or any other value as plain data.

    Fields that are as by default are left out. Raises `DataError` for what has no kind, such as `matching(function)`.

    >>> to_data(PerSpend("1.5"))
    {'version': 1, 'type': 'per_spend', 'points': '1.5'}
    """
    return {"version": VERSION, **write_fields(value, Spot())}


def from_data(data: Any) -> Any:
    """The value that `to_data` made data of; a strategy inside may also be text, its own repr.

    Raises `DataError`, with the place, for anything that is not known or not of the right type.

    >>> from_data({"version": 1, "type": "when", "rule": "PerSpend(2)", "condition": "Category('dining')"})
    PerSpend(2).when(Category('dining'))
    """
    return read_root(data, Stored)


def to_json(value: Stored, *, indent: int | None = None) -> str:
    """`to_data` as JSON text.

    >>> to_json(Flat(5))
    '{"version": 1, "type": "flat", "points": 5}'
    """
    if indent is None:
        try:
            return text_of(value)
        except Unusual:
            pass  # its data can tell what it is
    return json.dumps(to_data(value), ensure_ascii=False, indent=indent)


def from_json(text: str) -> Any:
    """`from_data` of JSON text; a key that stands twice is refused, and so are NaN and infinities.

    >>> from_json('{"version": 1, "type": "flat", "points": 5}')
    Flat(5)
    """
    try:
        return value_of(text)
    except Unusual:
        return from_data(_parse_json(text))  # which can tell what is wrong with it, and where


def _parse_json(text: str) -> Any:
    if not isinstance(text, str):
        raise DataError(f"{type(text).__name__} is no text; decode it first")
    try:
        # of an endless number so much is read that it is refused as too long, with its place
        return json.loads(text, object_pairs_hook=Object, parse_int=lambda digits: int(digits[: MAX_DIGITS + 2]))
    except ValueError as error:
        raise DataError(f"this is no JSON: {error}") from error
    except RecursionError as error:
        raise DataError("it nests too deep to be read; make it flatter") from error


# Program files ------------------------------------------------------------------------------------------------------

_PARSERS: Final[dict[str, Callable[[str], Any]]] = {".toml": read_toml, ".json": _parse_json}


def load_program(path: str | Path) -> Program:
    """The program in a TOML or JSON file, whose version and type may be left out.

    Raises `DataError`, with the file and the place, for what is wrong in it, and `OSError` if there is no such file.
    """
    program: Program = _load(path, "program")
    return program


def load_history(path: str | Path) -> Program | ProgramHistory:
    """The history in such a file, which has a program's tables under each of its `[[versions]]`, or its only program.

    Their name, currency, zone and time-out may stand above them, for those that do not say otherwise.
    """
    found: Program | ProgramHistory = _load(path, "program", "program_history")
    return found


def _load(path: str | Path, *kinds: str) -> Any:
    """What is in a file, of one of these kinds."""
    file = Path(path)
    parse = _parser(file)
    try:
        data = parse(_text_of(file))
        with limited_keys(MOST_KEYS):
            return read_root(data, KINDS[_prepared(data, kinds)])
    except DataError as error:
        place = place_in_file(error.path)
        raise DataError(error.message, f"{file}: {place}" if place else str(file)) from error


_SHARED: Final = ("name", "currency", "timezone", "hold_timeout")
"""What all versions of a file may have in common."""

_PAIRED = re.compile(r"^(\$\.versions\[\d+\])\[([01])\]")
"""Where data has the day of a version and its program; a file has them in one table."""


def place_in_file(place: str) -> str:
    """Where a program file has what data has at that place."""
    return _PAIRED.sub(lambda found: found[1] + ("" if int(found[2]) else ".from"), place)


def _prepared(data: Any, kinds: tuple[str, ...]) -> str:
    """The kind of what is in a file, once it says all that data has to say."""
    if not isinstance(data, dict):
        return kinds[0]
    data.setdefault("version", VERSION)
    kind = data.setdefault("type", "program_history" if "versions" in data else kinds[0])
    if kind == "program_history":
        if kind not in kinds:
            raise DataError("it has several versions of a program; read it by ProgramHistory.load", "$.versions")
        _pair_versions(data)
    return kind if kind in kinds else kinds[0]


def _pair_versions(data: dict[str, Any]) -> None:
    """Turn the table of each version in a file into the pair of its day and its program, as data has it."""
    versions = data.get("versions")
    if not isinstance(versions, list):
        return
    if len(versions) > MOST_VERSIONS:
        message = f"there are {len(versions)} versions, more than {MOST_VERSIONS}; build so long a history in Python"
        raise DataError(message, "$.versions")
    shared = {key: data.pop(key) for key in _SHARED if key in data}
    for i, table in enumerate(versions):
        if isinstance(table, dict):
            for key, value in shared.items():
                table.setdefault(key, value)
            if "from" in table:
                versions[i] = [table.pop("from"), table]


def dump_program(program: Program | ProgramHistory, path: str | Path | None = None) -> str:
    """The program as TOML, or as JSON for a path that ends so; written to the path if there is one."""
    if path is None:
        return write_toml(_tables(program))
    file = Path(path)
    text = to_json(program, indent=2) + "\n" if _parser(file) is _parse_json else write_toml(_tables(program))
    file.write_text(text, encoding="utf-8", newline="\n")
    return text


def _parser(file: Path) -> Callable[[str], Any]:
    parser = _PARSERS.get(file.suffix.lower())
    if parser is None:
        raise DataError("a program file ends in .toml or .json; name it so", str(file))
    return parser


def _text_of(file: Path) -> str:
    with file.open("rb") as opened:
        content = opened.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise DataError(f"it has more than {LONGEST:,} bytes; build so large a program in Python")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    marks = sum(map(text.count, _MARKS))
    if marks > MOST_MARKS:
        raise DataError(
            f"it has {marks:,} commas, dots, brackets and other marks, more than {MOST_MARKS:,};"
            " build so large a program in Python"
        )
    return text


def _tables(program: Program | ProgramHistory) -> dict[str, Any]:
    """As a person would write it: what all versions share stands above them."""
    versions = getattr(program, "versions", None)
    if versions is None:
        return {"version": VERSION, **_table(cast("Program", program))}
    tables = [
        {"from": version[0], **_table(version[1])} if isinstance(version, tuple) else _table(version)
        for version in versions
    ]
    first = tables[0]
    above = {key: first[key] for key in _SHARED if all(key in table and table[key] == first[key] for table in tables)}
    below = [{key: value for key, value in table.items() if key not in above} for table in tables]
    return {"version": VERSION, **above, "versions": below}


def _table(program: Program) -> dict[str, Any]:
    """A program as a person would write it: rules as text of their own, an only unit or ladder without a table."""
    data = write_fields(program, Spot(), short=True)
    del data["type"]
    units = data["points"]
    if list(units) == ["points"] and list(units["points"]) == ["earning"]:
        del data["points"]
        data["earning"] = units["points"]["earning"]
    if tuple(data.get("ladders", ())) == ("tiers",):
        data["tiers"] = data.pop("ladders")["tiers"]
    return data
