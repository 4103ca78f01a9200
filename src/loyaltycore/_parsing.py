"""JSON text to values in one pass, for what the library itself has written: entries, snapshots, lots.

It is as strict as `_reading` is, and says nothing: what is wrong, or only out of the ordinary (a key that stands twice,
an expression as text, a number too long, what is nested deep) is `Unusual` and left to plain data, which knows what to
say of it and where.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from functools import cache, lru_cache
from json import JSONDecoder
from typing import Any, Final, NoReturn, TypeAlias, cast

import attrs

from loyaltycore import _calendar
from loyaltycore._annotations import Wants, slots_of, wants_of
from loyaltycore._exact import MAX_DIGITS, Exact, FrozenMap, check_hashes, exact
from loyaltycore._expressions import FAILURES, SURROGATE
from loyaltycore._json import Unusual
from loyaltycore._reading import TAGS, VERSION
from loyaltycore._strategy import KINDS, Stored, parts_of, unlocked

Reader: TypeAlias = Callable[[Any, int], Any]
"""The value of data that stands so deep."""

_DEEP: Final = 20
_LARGE: Final = 10**MAX_DIGITS
_BARE: Final = len("2026-03-01")


def value_of(text: str) -> Stored:
    """The value of its JSON text; raises `Unusual` for what is left to plain data."""
    try:
        data = _decode(text)
        if (not text.isascii() and SURROGATE.search(text)) or "\\u" in text:
            raise Unusual
        version = data.pop("version")
        if version.__class__ is not int or version != VERSION:
            raise Unusual
        value: Stored = _stored(data, (Stored,), 1)
    except (*FAILURES, AttributeError, RecursionError) as error:
        raise Unusual from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Unusual  # a key stands twice
    return made


_decode: Final = JSONDecoder(object_pairs_hook=_object).decode


# Stored values --------------------------------------------------------------------------------------------------------


def _stored(data: dict[str, Any], among: tuple[type[Stored], ...], depth: int) -> Any:
    """The value of a table that names its kind."""
    cls = KINDS.get(data["type"])
    if cls is None or depth > _DEEP or not issubclass(cls, among):
        raise Unusual
    return (_BY_CLASS.get(cls) or _of_class(cls))(data, depth)


_BY_CLASS: Final[dict[type, Reader]] = {}


def _of_class(cls: type[Stored]) -> Reader:
    """How a value of that class is read."""
    if _is_simple(cls):
        return _BY_CLASS.setdefault(cls, _simple(cls))
    slots = slots_of(cls)
    readers = {key: _reader(slot.hint) for key, slot in slots.items()}
    readers["type"] = _nothing
    required = [key for key, slot in slots.items() if slot.required]

    def read(data: dict[str, Any], depth: int) -> Any:
        values = {key: readers[key](it, depth + 1) for key, it in data.items()}
        del values["type"]
        for key in required:
            if key not in values:
                raise Unusual
        return cls._build(values)

    return _BY_CLASS.setdefault(cls, read)


def _is_simple(cls: type[Stored]) -> bool:
    """Whether a value of ours is its fields and no more, so that they can be set one after the other."""
    fields = attrs.fields(cls)
    return (
        cls.__bases__ == (Stored,)
        and cls.__module__.startswith("loyaltycore.")
        and cls.__init__.__code__.co_filename.startswith("<attrs generated")
        and not any(field.metadata or isinstance(field.converter, attrs.Converter) for field in fields)
        and all(hasattr(field.default, "factory") is False for field in fields)
    )


def _simple(cls: type[Stored]) -> Reader:
    """A function that reads one field after the other, made for it: the constructor takes twice the time."""
    slots, lines = slots_of(cls), ["def read(data, depth):", "  take, new = data.pop, twin()", "  take('type')"]
    names: dict[str, Any] = {"twin": unlocked(cls), "cls": cls, "Unusual": Unusual, "missing": object()}
    names |= {"LARGE": _LARGE, "moment": _moment}
    fields = [field for field in attrs.fields(cls) if field.init]
    for n, (field, part) in enumerate(zip(fields, parts_of(cls), strict=True)):
        hint = slots[part.keyword].hint
        plain = wants_of(hint).plain
        names[f"read_{n}"], names[f"default_{n}"], names[f"field_{n}"] = _reader(hint), part.default, field
        names[f"convert_{n}"], names[f"validate_{n}"] = field.converter, field.validator
        otherwise = "raise Unusual" if slots[part.keyword].required else f"it = default_{n}"
        said = f"read_{n}(it, depth + 1)"
        if str in plain:
            said = f"it if it.__class__ is str else {said}"
        elif int in plain:
            said = f"it if it.__class__ is int and -LARGE < it < LARGE else {said}"
        elif datetime in plain and date not in plain:
            said = f"moment(it) if it.__class__ is str else {said}"
        lines += [f"  it = take({part.keyword!r}, missing)", f"  if it is missing: {otherwise}", "  else:"]
        lines += [f"    it = {said}"]
        lines += [f"    it = convert_{n}(it)"] * (field.converter is not None)
        lines += [f"    validate_{n}(new, field_{n}, it)"] * (field.validator is not None)
        lines += [f"  new.{field.name} = it"]
    lines += ["  if data: raise Unusual", "  new.__class__ = cls"]
    lines += ["  new.__attrs_post_init__()"] * hasattr(cls, "__attrs_post_init__")
    exec("\n".join([*lines, "  return new"]), names)  # noqa: S102 (names of fields alone)
    return cast("Reader", names["read"])


def _nothing(_: Any, __: int) -> None:
    """What is known already."""


# By annotation --------------------------------------------------------------------------------------------------------


@cache
def _reader(hint: Any) -> Reader:
    """How data is read where that annotation is wanted."""
    wants = wants_of(hint)
    plain, large = wants.plain, _LARGE
    text, number = _text_reader(wants), bool({int, Fraction} & plain)
    items, table = _list_reader(wants), _table_reader(wants)

    def read(it: Any, depth: int) -> Any:
        cls = it.__class__
        if cls is str:
            return text(it)
        if cls is int:
            if number and -large < it < large:
                return it
        elif cls is dict:
            return table(it, depth)
        elif cls is list:
            return items(it, depth)
        elif cls in plain and cls is not float:
            return it  # true, false or null
        raise Unusual

    return read


def _text_reader(wants: Wants) -> Callable[[str], Any]:
    plain = wants.plain
    if str in plain:
        return str
    if datetime in plain:
        return _day_or_moment if date in plain else _moment
    if date in plain:
        return _day
    return _number if Fraction in plain and not wants.stored else _unusual


def _unusual(_: Any) -> NoReturn:
    raise Unusual


def _number(text: str) -> Exact:
    return exact(text)


def _day(text: str) -> date:
    if len(text) != _BARE:
        raise Unusual
    return date.fromisoformat(text)


@lru_cache(1000)
def _moment(text: str) -> datetime:
    """A moment; that of an entry often stands in it several times."""
    return _calendar.text_moment(text)


def _day_or_moment(text: str) -> date:
    return date.fromisoformat(text) if len(text) <= _BARE else _moment(text)


def _list_reader(wants: Wants) -> Reader:
    if not wants.items:
        return _pairs_reader(wants)
    several, make = wants.items[1:] == (...,), wants.make
    inside: list[Reader] = []  # found when it is first asked for: what is wanted may have itself inside

    def read(data: list[Any], depth: int) -> Any:
        if depth > _DEEP:
            raise Unusual
        if not inside:
            inside.extend(_reader(hint) for hint in wants.items if hint is not ...)
        if several:
            [each] = inside
            return make([each(it, depth + 1) for it in data])
        if len(data) != len(inside):
            raise Unusual
        return make([one(it, depth + 1) for one, it in zip(inside, data, strict=True)])

    return read


def _pairs_reader(wants: Wants) -> Reader:
    def read(data: list[Any], depth: int) -> FrozenMap[Any, Any]:
        if depth > _DEEP or not wants.pairs:
            raise Unusual
        one, other = map(_reader, wants.pairs)
        keys = [one(key, depth + 2) for key, _ in data]
        check_hashes(keys, "keys")
        found = {key: other(pair[1], depth + 2) for key, pair in zip(keys, data, strict=True)}
        if len(found) != len(data):
            raise Unusual
        return FrozenMap(found)

    return read


def _table_reader(wants: Wants) -> Reader:
    stored, pairs, plain = wants.stored, wants.pairs, wants.plain
    numbers = {str, Fraction} <= plain
    inside: list[Reader] = []

    def read(data: dict[str, Any], depth: int) -> Any:
        if depth > _DEEP:
            raise Unusual
        if stored and "type" in data:
            kind = data["type"]
            return _tagged(data, depth) if kind in TAGS and wants.free else _stored(data, stored, depth)
        if not pairs or (stored and not wants.free):
            raise Unusual
        if not inside:
            if data and str not in wants_of(pairs[0]).plain:
                raise Unusual
            inside.append(_reader(pairs[1]))
        [one] = inside
        return FrozenMap.over({key: one(it, depth + 1) for key, it in data.items()})

    return _number_reader if numbers and not wants.free else read


def _number_reader(data: dict[str, Any], depth: int) -> Any:
    if data.get("type") != "number":
        raise Unusual
    return _tagged(data, depth)


def _tagged(data: dict[str, Any], depth: int) -> Any:
    """What would stay text, or be a list, if it did not say what it is."""
    if len(data) != 2:  # noqa: PLR2004 (a type and a value)
        raise Unusual
    return _reader(TAGS[data["type"]])(data["value"], depth + 1)
