"""Values to plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
import re
from typing import Any, Final

import attrs

from loyaltycore._annotations import Slot, Wants, slots_of, wants_of
from loyaltycore._calendar import moment_text
from loyaltycore._exact import show
from loyaltycore._expressions import laid_out
from loyaltycore._reading import TAGS, Spot, is_number, is_text, read
from loyaltycore._strategy import Stored, Strategy, parts_of
from loyaltycore.activity import CounterKey
from loyaltycore.errors import LoyaltyError

_QUOTED: Final = re.compile(r"'(\w+)'")
"""A word that stands for a value, such as a period: it goes without its quotes."""


def write_fields(value: Any, spot: Spot, *, short: bool = False) -> dict[str, Any]:
    """The kind of a value and its fields, but those that are as by default.

    In *short*, as people write files, a strategy is its own text where that reads back, and a kind that goes without
    saying is left out.
    """
    cls = type(value)
    kind = vars(cls).get("_kind")
    if not isinstance(value, Stored) or not kind:
        raise spot.error(
            f"{cls.__name__} has no kind, so data cannot name it; write kind = '...' in the class, under attrs' @frozen"
            " (a function in matching(...) needs a class of its own)"
        )
    if kind in TAGS:
        raise spot.error(f"data keeps the kind {kind!r} for plain values; give {cls.__name__} another one")
    data = {"type": kind}
    slots = slots_of(cls)
    for part in parts_of(cls):
        field = getattr(value, part.name)
        if part.default is attrs.NOTHING or field != part.default:
            data[part.keyword] = write_field(field, slots[part.keyword], spot.inside(part.keyword), short=short)
    return data


def write_field(value: Any, slot: Slot, spot: Spot, *, short: bool = False) -> Any:
    """What stands under the keyword of a field."""
    return (_as_text(value, slot.hint, slot.convert) if short else None) or _write(value, slot.hint, spot, short=short)


def _write(value: Any, hint: Any, spot: Spot, *, short: bool) -> Any:
    wants = wants_of(hint)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return is_text(value, spot)
    if isinstance(value, (int, Fraction, Decimal)):
        number = is_number(value, spot)
        if isinstance(number, int):
            return number
        return _tagged("number", show(number)) if str in wants.plain else show(number)
    if isinstance(value, date):
        tag, text = ("moment", moment_text(value)) if isinstance(value, datetime) else ("date", value.isoformat())
        if TAGS[tag] in wants.plain:
            return text
        if wants.free:
            return _tagged(tag, text)
    return _write_several(value, wants, spot, short=short)


def _write_several(value: Any, wants: Wants, spot: Spot, *, short: bool) -> Any:
    if isinstance(value, Stored):
        data = write_fields(value, spot, short=short)
        if short and wants.stored == (type(value),):
            del data["type"]
        return data
    if isinstance(value, CounterKey) and wants.free:
        return _tagged("counter", list(value))
    if isinstance(value, (tuple, frozenset)) and wants.items:
        listed = sorted(value, key=repr) if isinstance(value, frozenset) else value
        items = zip(listed, wants.each(listed), strict=True)
        return [_write_item(item, hint, spot.inside(i), short=short) for i, (item, hint) in enumerate(items)]
    if isinstance(value, Mapping) and wants.pairs:
        if all(isinstance(key, str) for key in value) and not (wants.free and "type" in value):
            hint = wants.pairs[1]
            return {is_text(k, spot): _write_item(item, hint, spot.inside(k), short=short) for k, item in value.items()}
        if wants.free:
            return _tagged("mapping", _pairs(value, (Any, Any), spot.inside("value"), short=short))
        return _pairs(value, wants.pairs, spot, short=short)
    raise spot.error(
        f"a {type(value).__name__} cannot be stored in this field; keep text, exact numbers, dates, tuples, mappings or"
        " values with a kind, and annotate the field so"
    )


def _write_item(value: Any, hint: Any, spot: Spot, *, short: bool) -> Any:
    return (_as_text(value, hint) if short else None) or _write(value, hint, spot, short=short)


def _pairs(value: Mapping[Any, Any], hints: tuple[Any, ...], spot: Spot, *, short: bool) -> list[list[Any]]:
    return [
        [
            _write_item(part, hint, spot.inside(i).inside(j), short=short)
            for j, (part, hint) in enumerate(zip(pair, hints, strict=True))
        ]
        for i, pair in enumerate(value.items())
    ]


def _tagged(tag: str, value: Any) -> dict[str, Any]:
    return {"type": tag, "value": value}


def _as_text(value: Any, hint: Any, convert: Callable[[Any], Any] | None = None) -> str | None:
    """The text of a strategy, if it reads back as the same; what only holds strategies is better as a table."""
    if not isinstance(value, Stored) or not (isinstance(value, Strategy) or next(value._children(), None) is None):
        return None
    try:
        text = laid_out(repr(value))
        text += "\n" * ("\n" in text)
        word = _QUOTED.fullmatch(text)
        said = word[1] if word else text
        return said if read(said, hint, Spot(convert=convert)) == value else None
    except LoyaltyError:
        return None
