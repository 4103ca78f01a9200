"""Values as plain data and back: dicts, lists, texts, whole numbers and truth values, strictly.

Data names a kind under `"type"`, which a registry resolves (never a class path), and a version at the root. What a
field may hold is read off its annotation, so that an own class is stored like the built-in ones. A number that is not
whole is text, and so is a date; a mapping whose keys are not all text is a list of pairs. Whatever is wrong is a
`DataError` whose path is the place: `$.points.stars.earning.rules[1].every`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from loyaltycore._annotations import Slot, Wants, slots_of, wants_of
from loyaltycore._exact import show
from loyaltycore._expressions import DEEPEST
from loyaltycore._strategy import Stored, parts_of
from loyaltycore.errors import DataError

if TYPE_CHECKING:
    pass

VERSION: Final = 1
"""The version of the data, at its root."""

LONGEST: Final = 1_000_000
"""Characters in one JSON or TOML text."""

NUMBER: Final = "number"
"""The type of `{"type": "number", "value": "1.5"}`, a fraction where plain text would stay text: in facts."""

_WORD = re.compile(r"\w+|-?[\d.]+(/\d+)?")
"""Text that a field's converter takes as it stands: a word, or a number."""


# Values to data -----------------------------------------------------------------------------------------------------


def to_data(value: Stored) -> dict[str, Any]:
    """A rule, condition, activity, award, program or any other value as data for JSON and the like.

    Fields that are as by default are left out. Raises `DataError` for what has no kind, such as `matching(function)`.

    >>> to_data(PerSpend("1.5"))
    {'version': 1, 'type': 'per_spend', 'points': '1.5'}
    """
    return {"version": VERSION, **_write_fields(value, "$", 1)}


def _write_fields(value: Any, place: str, depth: int, *, short: bool = False) -> dict[str, Any]:
    """The kind and the fields; in *short*, as files have it, a strategy is text where that reads back."""
    cls = type(value)
    kind = vars(cls).get("_kind")
    if not isinstance(value, Stored) or not kind:
        raise DataError(
            f"{cls.__name__} has no kind, so data cannot name it; write kind = '...' in the class, under attrs' @frozen"
            " (a function in matching(...) needs a class of its own)",
            place,
        )
    data = {"type": kind}
    for part in parts_of(cls):
        field = getattr(value, part.name)
        if part.default is attrs.NOTHING or field != part.default:
            slot = slots_of(cls)[part.keyword]
            said = _as_text(field, slot.hint, slot.convert) if short else None
            data[part.keyword] = said or _write(field, slot.hint, f"{place}.{part.keyword}", depth + 1, short=short)
    return data


def _write(value: Any, hint: Any, place: str, depth: int, *, short: bool = False) -> Any:
    wants = wants_of(hint)
    if depth > DEEPEST:
        raise DataError(f"it nests more than {DEEPEST} deep; make it flatter", place)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Stored):
        data = _write_fields(value, place, depth, short=short)
        if short and wants.stored == (type(value),):
            del data["type"]  # it goes without saying
        return data
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, (int, Fraction, Decimal)):
        number = _number(value, place)
        if isinstance(number, int):
            return number
        return {"type": NUMBER, "value": show(number)} if str in wants.plain else show(number)
    if isinstance(value, date) and (datetime if isinstance(value, datetime) else date) in wants.plain:
        return value.isoformat()
    if isinstance(value, (tuple, frozenset)) and wants.items:
        items = sorted(value, key=repr) if isinstance(value, frozenset) else value
        hints = enumerate(zip(items, wants.each(items), strict=True))
        return [_write_item(item, hint, f"{place}[{i}]", depth + 1, short=short) for i, (item, hint) in hints]
    if isinstance(value, Mapping) and wants.pairs:
        return _write_mapping(value, wants, place, depth, short=short)
    raise DataError(
        f"{type(value).__name__} cannot be stored here; keep text, exact numbers, dates, tuples, mappings or values with"
        " a kind, and annotate the field so",
        place,
    )


def _write_item(value: Any, hint: Any, place: str, depth: int, *, short: bool) -> Any:
    return (_as_text(value, hint) if short else None) or _write(value, hint, place, depth, short=short)


def _write_mapping(value: Mapping[Any, Any], wants: Wants, place: str, depth: int, *, short: bool) -> Any:
    key_hint, hint = wants.pairs
    if all(isinstance(key, str) for key in value):
        if "type" in value and wants.stored:
            raise DataError("a key 'type' would be taken for a kind; annotate the field as a mapping", place)
        return {
            _text(key, place): _write_item(item, hint, _in(place, key), depth + 1, short=short)
            for key, item in value.items()
        }
    return [
        [_write(key, key_hint, f"{place}[{i}][0]", depth + 2), _write(item, hint, f"{place}[{i}][1]", depth + 2)]
        for i, (key, item) in enumerate(value.items())
    ]


# Data to values -----------------------------------------------------------------------------------------------------


def from_data(data: Any) -> Any:
    """The value that `to_data` made data of; a strategy inside may also be text, its own repr.

    Raises `DataError`, with the place, for anything it does not know or that is not of the right type.

    >>> from_data({"version": 1, "type": "when", "rule": "PerSpend(2)", "condition": "Category('dining')"})
    PerSpend(2).when(Category('dining'))
    """
    return _read_root(data, Stored)


def _read_root(data: Any, cls: type[Stored]) -> Any:
    if not isinstance(data, dict):
        raise _wrong(data, Wants(stored=(cls,)), "$")
    _check_keys(data, "$")
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        raise DataError(f"{_shown(version)} is no version that is read here; give {VERSION}", "$.version")
    return _read_fields({key: item for key, item in data.items() if key != "version"}, Wants(stored=(cls,)), "$", 1)


def _read(data: Any, hint: Any, place: str, depth: int, *, converts: bool = False) -> Any:
    """The value of `data` where `hint` is wanted; for a converter, also the words and numbers that it takes."""
    wants = wants_of(hint)
    if depth > DEEPEST:
        raise DataError(f"it nests more than {DEEPEST} deep; make it flatter", place)
    if data is None or isinstance(data, bool):
        if type(data) in wants.plain:
            return data
    elif isinstance(data, str):
        return _read_text(_text(data, place), wants, place, converts=converts)
    elif isinstance(data, int):
        if not wants.plain.isdisjoint((int, Fraction, Decimal)) or (converts and wants.stored):
            return _wanted_number(_number(data, place), wants, place)
    elif isinstance(data, date):
        return _read_date(data, wants, place)
    elif isinstance(data, list):
        if converts and wants.stored and not wants.items:
            return _read(data, Any, place, depth)
        return _read_list(data, wants, place, depth, converts=converts)
    elif isinstance(data, dict):
        return _read_table(data, wants, place, depth)
    raise _wrong(data, wants, place)


def _read_text(text: str, wants: Wants, place: str, *, converts: bool) -> Any:
    if str in wants.plain:
        return text
    if date in wants.plain or datetime in wants.plain:
        return _read_date(text, wants, place)
    if wants.stored and not (wants.plain and _WORD.fullmatch(text)):
        return _read_expression(text, wants, place, converts=converts)
    if Fraction in wants.plain or Decimal in wants.plain:
        return _wanted_number(_number(text, place), wants, place)
    raise _wrong(text, wants, place)


def _read_expression(text: str, wants: Wants, place: str, *, converts: bool) -> Any:
    if converts and _WORD.fullmatch(text):
        return text
    try:
        value = _expressions.read(text)
    except DataError as error:
        raise DataError(error.message, place) from error
    if converts or isinstance(value, wants.stored):
        return value
    raise DataError(f"{value!r} is not what goes here; give {wants}", place)


def _read_date(said: str | date, wants: Wants, place: str) -> date:
    days, moments = date in wants.plain, datetime in wants.plain
    if isinstance(said, str):
        try:
            whole_day = days and (not moments or len(said) <= len("2026-03-01"))
            return date.fromisoformat(said) if whole_day else datetime.fromisoformat(said)
        except ValueError:
            raise _wrong(said, wants, place) from None
    if moments if isinstance(said, datetime) else days:
        return said
    if moments:
        return datetime.combine(said, time())
    raise _wrong(said, wants, place)


def _read_list(data: list[Any], wants: Wants, place: str, depth: int, *, converts: bool) -> Any:
    if wants.items:
        hints = wants.each(data)
        if len(hints) != len(data):
            raise DataError(f"there are {len(data)} items; give {len(hints)}", place)
        pairs = enumerate(zip(data, hints, strict=True))
        return wants.make([_read(item, h, f"{place}[{i}]", depth + 1, converts=converts) for i, (item, h) in pairs])
    if not wants.pairs:
        raise _wrong(data, wants, place)
    found: dict[Any, Any] = {}
    for i, pair in enumerate(data):
        if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 (a pair)
            raise DataError("this is no pair; give a list of a key and its value", f"{place}[{i}]")
        key = _read(pair[0], wants.pairs[0], f"{place}[{i}][0]", depth + 2)
        if key in found:
            raise DataError(f"the key {_shown(pair[0])} stands twice; keep one", f"{place}[{i}][0]")
        found[key] = _read(pair[1], wants.pairs[1], f"{place}[{i}][1]", depth + 2)
    return FrozenMap(found)


def _read_table(data: dict[Any, Any], wants: Wants, place: str, depth: int) -> Any:
    _check_keys(data, place)
    if data.get("type") == NUMBER and {str, Fraction} <= wants.plain:
        if data.keys() == {"type", "value"} and isinstance(data["value"], str):
            return _number(data["value"], f"{place}.value")
        raise DataError('a number is written {"type": "number", "value": "1.5"}; write it so', place)
    if wants.stored and ("type" in data or not wants.pairs):
        return _read_fields(data, wants, place, depth)
    if not wants.pairs:
        raise _wrong(data, wants, place)
    key_hint, hint = wants.pairs
    if data and str not in wants_of(key_hint).plain:
        raise DataError("the keys here are not text; give a list of pairs of key and value", place)
    return FrozenMap((key, _read(item, hint, _in(place, key), depth + 1)) for key, item in data.items())


def _read_fields(data: dict[str, Any], wants: Wants, place: str, depth: int) -> Stored:
    cls = _class_of(data, wants, place)
    slots = slots_of(cls)
    for key in data:
        if key not in slots and key != "type":
            hint = close_to(key, slots) or f"; it has {', '.join(slots) or 'none'}"
            raise DataError(f"{cls._kind!r} has no such field{hint}", _in(place, key))
    for key, slot in slots.items():
        if slot.required and key not in data:
            raise DataError(f"it is missing; give {wants_of(slot.hint)}", _in(place, key))
    values = {
        key: _read(data[key], slot.hint, f"{place}.{key}", depth + 1, converts=slot.convert is not None)
        for key, slot in slots.items()
        if key in data
    }
    try:
        return cls._build(values)
    except FAILURES as error:
        raise _placed(error, slots, values, place) from error


def _class_of(data: dict[str, Any], wants: Wants, place: str) -> type[Stored]:
    kind = data.get("type")
    if kind is None and len(wants.stored) == 1 and wants.stored[0]._kind:
        return wants.stored[0]
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is not None and issubclass(cls, wants.stored):
        return cls
    known = sorted(name for name, cls in KINDS.items() if issubclass(cls, wants.stored))
    close = close_to(kind, known) if isinstance(kind, str) else ""
    raise DataError(f"{_shown(kind)} is no kind known here{close}; the known ones are {', '.join(known)}", f"{place}.type")


def _placed(error: Exception, slots: Mapping[str, Slot], values: Mapping[str, Any], place: str) -> DataError:
    """The error of a constructor, with the field it is about in its path and not in its message."""
    field = None
    for key, value in values.items():
        try:
            (slots[key].convert or bool)(value)
        except FAILURES as found:
            error, field = found, key
            break
    ...
