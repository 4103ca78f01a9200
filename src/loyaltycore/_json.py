"""Values to JSON text in one pass: the same text as of their plain data, in a fifth of the time.

How a field is written follows from its annotation, so that is worked out once for each class. What is out of the
ordinary (text that is none, numbers too long, what cannot be stored, or is nested deep) is left to plain data, which
knows what to say of it and where.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cache
from json.encoder import encode_basestring
from typing import Any, Final, TypeAlias, cast

import attrs

from loyaltycore._annotations import Wants, slots_of, wants_of
from loyaltycore._calendar import moment_text
from loyaltycore._exact import MAX_DIGITS, FrozenMap, Ratio, show
from loyaltycore._reading import TAGS, VERSION
from loyaltycore._strategy import Stored, parts_of
from loyaltycore.activity import CounterKey

Writer: TypeAlias = Callable[[Any, int], str]
"""The text of a value that stands so deep."""

_DEEP: Final = 20
_TEXT: Final = frozenset({str})
_LARGE: Final = 10**MAX_DIGITS

_quoted: Callable[[str], str] = encode_basestring


class Unusual(Exception):
    """A value that is left to plain data."""


def text_of(value: Any, kind: type[Stored] | None = None) -> str:
    """The JSON text of a value, with its version; raises `Unusual` for what is left to plain data.

    The value is of that *kind*, or has what a value of it has, under the same names.
    """
    text = f'{{"version": {VERSION}, {_writer_of(kind or type(value))(value, 1)[1:]}'
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unusual from None
    return text


_BY_CLASS: Final[dict[type, Writer]] = {}


def _writer_of(cls: type) -> Writer:
    """How a value of that class is written."""
    known = _BY_CLASS.get(cls)
    return known if known is not None else _BY_CLASS.setdefault(cls, _writer_of_class(cls))


def _writer_of_class(cls: type) -> Writer:
    """A function that writes one field after the other, made for it: to go through a list takes twice the time."""
    kind = vars(cls).get("_kind")
    if not issubclass(cls, Stored) or not kind or kind in TAGS:
        raise Unusual
    slots = slots_of(cls)
    names: dict[str, Any] = {"quoted": _quoted, "Unusual": Unusual, "LARGE": _LARGE}
    names |= {"moment": _moment, "datetime": datetime, "FrozenMap": FrozenMap}
    lines = ["def write(value, depth):", f"  if depth > {_DEEP}: raise Unusual", f"  text = {_head(kind)!r}"]
    for n, part in enumerate(parts_of(cls)):
        hint = slots[part.keyword].hint
        names[f"write_{n}"], names[f"default_{n}"] = _writer(hint), part.default
        said, key = f"write_{n}(it, depth + 1)", f', "{part.keyword}": '
        plain = wants_of(hint).plain
        if str in plain:
            said = f"quoted(it) if it.__class__ is str else {said}"
        elif datetime in plain:
            said = f"moment(it) if it.__class__ is datetime else {said}"
        elif int in plain:
            said = f"repr(it) if it.__class__ is int and -LARGE < it < LARGE else {said}"
        elif (wants := wants_of(hint)).items:
            names[f"items_{n}"] = _items_writer(wants)
            said = f"items_{n}(it, depth + 2) if it.__class__ is tuple and depth < {_DEEP} else {said}"
        elif wants.pairs:
            names[f"mapping_{n}"] = _mapping_writer(wants)
            said = f"mapping_{n}(it, depth + 2) if it.__class__ is FrozenMap and depth < {_DEEP} else {said}"
        lines.append(f"  it = value.{part.name}")
        if part.default is attrs.NOTHING:
            lines.append(f"  text += {key!r} + ({said})")
        else:
            lines.append(f"  if it is not default_{n} and it != default_{n}: text += {key!r} + ({said})")
    exec("\n".join([*lines, "  return text + '}'"]), names)  # noqa: S102 (names of fields alone)
    return cast("Writer", names["write"])


def _head(kind: str) -> str:
    return f'{{"type": {_quoted(kind)}'


@cache
def _writer(hint: Any) -> Writer:
    """How a value is written where that annotation is wanted."""
    wants = wants_of(hint)
    items, mapping = _items_writer(wants), _mapping_writer(wants)

    def write(value: Any, depth: int) -> str:
        cls = value.__class__
        if cls is str:
            return _quoted(value)
        if cls is int and -_LARGE < value < _LARGE:
            return repr(value)
        if depth > _DEEP:
            raise Unusual
        if cls is tuple:
            return items(value, depth + 1)
        if cls in _BY_CLASS:
            return _BY_CLASS[cls](value, depth)
        if cls in _PLAIN:
            return _PLAIN[cls](value, wants)
        if isinstance(value, FrozenMap):
            return mapping(value, depth + 1)
        if isinstance(value, tuple):  # one with names
            text = items(tuple(value), depth + 1)
            return _tagged("counter", text) if cls is CounterKey and wants.free else text
        return _writer_of(cls)(value, depth)

    return write


def _items_writer(wants: Wants) -> Writer:
    if wants.items == (tuple[int, int], ...):
        return _pairs
    inside: list[Writer] = []  # found when it is first asked for: what is wanted may have itself inside

    def write(values: tuple[Any, ...], depth: int) -> str:
        if not wants.items:
            raise Unusual
        if not inside:
            inside.extend(_writer(hint) for hint in wants.items if hint is not ...)
        if wants.items[1:] != (...,):
            return f"[{', '.join([one(value, depth) for one, value in zip(inside, values, strict=True)])}]"
        [each] = inside
        return f"[{', '.join([each(value, depth) for value in values])}]"

    return write


def _pairs(values: tuple[Any, ...], _: int) -> str:
    """Pairs of whole numbers: the lots of an entry, of which there are many."""
    for one, other in values:
        if one.__class__ is not int or other.__class__ is not int:
            raise Unusual
        if not (-_LARGE < one < _LARGE and -_LARGE < other < _LARGE):
            raise Unusual
    return f"[{', '.join([f'[{one}, {other}]' for one, other in values])}]"


def _mapping_writer(wants: Wants) -> Writer:
    inside: list[Writer] = []

    def write(values: FrozenMap[Any, Any], depth: int) -> str:
        if not wants.pairs:
            raise Unusual
        if not inside:
            pair = (Any, Any) if wants.free else wants.pairs
            inside.extend([_writer(wants.pairs[1]), _items_writer(Wants(items=pair))])
        one, write_pair = inside
        items = values._items if values.__class__ is FrozenMap else dict(values.items())  # a plain dict answers sooner
        texts = []
        for key, value in items.items():
            if key.__class__ is not str or (wants.free and key == "type"):
                break
            writer = _BY_CLASS.get(value.__class__)
            texts.append(f"{_quoted(key)}: {writer(value, depth) if writer is not None else one(value, depth)}")
        else:
            return "{" + ", ".join(texts) + "}"
        pairs = f"[{', '.join([write_pair(pair, depth + 1) for pair in items.items()])}]"
        return _tagged("mapping", pairs) if wants.free else pairs

    return write


# What has nothing inside ----------------------------------------------------------------------------------------------


def _word(value: object, _: Wants) -> str:
    return "null" if value is None else "true" if value else "false"


def _fraction(value: Fraction, wants: Wants) -> str:
    if value.numerator.bit_length() + value.denominator.bit_length() >= MAX_DIGITS:
        raise Unusual
    text = show(value)
    if value.denominator == 1:
        return text
    return _tagged("number", f'"{text}"') if str in wants.plain else f'"{text}"'


def _date(value: date, wants: Wants) -> str:
    text = f'"{value.isoformat()}"'
    if date in wants.plain:
        return text
    if not wants.free:
        raise Unusual
    return _tagged("date", text)


def _datetime(value: datetime, wants: Wants) -> str:
    if datetime in wants.plain:
        return _moment(value)
    if not wants.free:
        raise Unusual
    return _tagged("moment", _moment(value))


_PLAIN: Final[dict[type, Callable[[Any, Wants], str]]] = {
    bool: _word, type(None): _word, Ratio: _fraction, Fraction: _fraction, date: _date, datetime: _datetime,
}  # fmt: skip

_last: Final[list[tuple[datetime | None, str]]] = [(None, "")]


def _moment(at: datetime) -> str:
    """A moment as text; that of an entry often stands in it several times."""
    known, text = _last[0]
    if known is not at:
        text = f'"{at.isoformat() if at.tzinfo is UTC or at.tzinfo is None else moment_text(at)}"'
        _last[0] = at, text
    return text


def _tagged(tag: str, text: str) -> str:
    return f'{{"type": "{tag}", "value": {text}}}'
