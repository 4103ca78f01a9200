"""TOML: Python's reader behind two bounds, and a writer for our data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
import json
import re
from typing import Any, Final

from loyaltycore.errors import DataError

MOST_PARTS: Final = 50
"""Parts of one dotted key: the reader's time grows with their square."""

_PART = r"""(?:"[^"\n]*"|'[^'\n]*'|(?<![\w-])[\w-]+)[ \t]*"""
_LONG_KEY = re.compile(rf"(?:{_PART}\.[ \t]*){{{MOST_PARTS}}}")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def read_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text; what cannot be read is a `DataError` that says where."""
    import tomllib

    if text.count(".") >= MOST_PARTS and _LONG_KEY.search(text):
        raise DataError(f"there is a key of more than {MOST_PARTS} parts; nest less")
    try:
        return tomllib.loads(text)
    except ValueError as error:  # its own errors, and whole numbers of thousands of digits
        raise DataError(f"this is no TOML: {error}") from error
    except RecursionError as error:
        raise DataError("it nests too deep to be read; nest less") from error


def write_toml(data: Mapping[str, Any]) -> str:
    """Tables, lists, texts, whole numbers, dates and truth values as TOML text.

    A text of several lines is written on them, and each of a list of tables under a title of its own.

    >>> print(write_toml({"name": "Club", "points": {"stars": {"earning": "PerSpend(1)"}}}), end="")
    name = "Club"
    <BLANKLINE>
    [points.stars]
    earning = "PerSpend(1)"
    """
    return "\n".join(_lines(data, ())) + "\n"


def _lines(table: Mapping[str, Any], name: tuple[str, ...], *, listed: bool = False) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if isinstance(value, dict) or _are_tables(value)}
    values = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in inner]
    if name and (listed or values or not inner):
        title = f"[{'.'.join(map(_key, name))}]"
        yield from ("", f"[{title}]" if listed else title)
    yield from values
    for key, value in inner.items():
        if isinstance(value, dict):
            yield from _lines(value, (*name, key))
        else:
            for item in value:
                yield from _lines(item, (*name, key), listed=True)


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, date)):
        return str(value)
    if isinstance(value, str):
        lines = [_quoted(line) for line in value.split("\n")]
        return '"""\n' + "\n".join(line[1:-1] for line in lines) + '"""' if len(lines) > 1 else lines[0]
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }" if value else "{}"
    raise DataError("TOML has no null; write JSON, or give the field None as its default")


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    # TOML escapes as JSON does, but for one control character that JSON lets through
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
