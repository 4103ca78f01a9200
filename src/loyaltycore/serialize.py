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
from typing import TYPE_CHECKING, Any, Final

from loyaltycore import account as _account  # noqa: F401 (so that the kinds of entries and statements are known)
from loyaltycore._exact import MAX_DIGITS
from loyaltycore._reading import VERSION, Object, Spot, read_root
from loyaltycore._strategy import KINDS, Stored
from loyaltycore._toml import read_toml, write_toml
from loyaltycore._writing import write_fields
from loyaltycore.errors import DataError

if TYPE_CHECKING:
    from loyaltycore.program import Program

LONGEST: Final = 100_000
"""Bytes in a program file."""


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
    return json.dumps(to_data(value), ensure_ascii=False, indent=indent)


def from_json(text: str) -> Any:
    """`from_data` of JSON text; a key that stands twice is refused, and so are NaN and infinities.

    >>> from_json('{"version": 1, "type": "flat", "points": 5}')
    Flat(5)
    """
    return from_data(_parse_json(text))


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
    file = Path(path)
    parse = _parser(file)
    try:
        data = parse(_text_of(file))
        if isinstance(data, dict):
            data.setdefault("version", VERSION)
            data.setdefault("type", "program")
        program: Program = read_root(data, KINDS["program"])
    except DataError as error:
        raise DataError(error.message, f"{file}: {error.path}" if error.path else str(file)) from error
    return program


def dump_program(program: Program, path: str | Path | None = None) -> str:
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
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error


def _tables(program: Program) -> dict[str, Any]:
    """As a person would write it: rules as their own text, and an only unit without its table."""
    data = {"version": VERSION, **write_fields(program, Spot(), short=True)}
    del data["type"]
    units = data["points"]
    if list(units) == ["points"] and list(units["points"]) == ["earning"]:
        del data["points"]
        data["earning"] = units["points"]["earning"]
    return data
