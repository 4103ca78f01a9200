"""What a constructor takes, read off its signature and its class's annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from inspect import Parameter, get_annotations, signature
import sys
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

import attrs

from loyaltycore._strategy import Stored, parts_of
from loyaltycore.errors import RuleError

PLAIN: Final[Mapping[Any, str]] = {
    NoneType: "null",
    bool: "true or false",
    int: "a whole number",
    str: "text",
    Fraction: "a number (as text, if it is not whole)",
    Decimal: "a number (as text, if it is not whole)",
    date: "a date as in '2026-03-01'",
    datetime: "a moment as in '2026-03-01T12:30'",
}
"""The plain types that data can say, and how a person is asked for one."""


class Wants(NamedTuple):
    """What an annotation allows."""

    plain: frozenset[Any] = frozenset()
    """Keys of `PLAIN`."""
    stored: tuple[type[Stored], ...] = ()
    items: tuple[Any, ...] = ()
    """The annotations of a tuple's items: one for each place, or one and `...` for any number."""
    make: Callable[[Iterable[Any]], Any] = tuple
    """What the items become."""
    pairs: tuple[Any, ...] = ()
    """The annotations of a mapping's keys and values."""
    free: bool = False
    """Whether nothing is said, so that data itself must say what plain text could not."""

    def each(self, items: Sized) -> tuple[Any, ...]:
        """The annotation of each of these items, or of as many as there may be."""
        return self.items[:1] * len(items) if self.items[1:] == (...,) else self.items

    def __str__(self) -> str:
        implied = {int, NoneType} if Fraction in self.plain else {NoneType}
        kinds = [asked for kind, asked in PLAIN.items() if kind in self.plain - implied]
        kinds += [f"{cls.__name__} as a table, or as text" for cls in self.stored if cls is not Stored]
        kinds += ["a table with a type"] * (Stored in self.stored)
        kinds += ["a list"] * bool(self.items) + ["a table"] * bool(self.pairs)
        return " or ".join(dict.fromkeys(kinds))


ANYTHING: Final = Wants(
    frozenset({NoneType, bool, int, str, Fraction}), (Stored,), (Any, ...), tuple, (str, Any), free=True
)
"""For an annotation that tells nothing: whatever data can say without one."""


@cache
def wants_of(hint: Any) -> Wants:
    """An annotation taken apart."""
    kind, args = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        return _either([wants_of(option) for option in args])
    if kind in PLAIN:
        return Wants(frozenset({kind}))
    if not isinstance(kind, type):
        return ANYTHING
    if issubclass(kind, Stored):
        return Wants(stored=(kind,))
    if issubclass(kind, tuple) and hasattr(kind, "_make"):  # a NamedTuple
        return Wants(items=tuple(get_type_hints(kind).values()), make=kind._make)
    if issubclass(kind, tuple):
        return Wants(items=args or (Any, ...))
    if issubclass(kind, frozenset):
        return Wants(items=(args[0] if args else Any, ...), make=frozenset)
    return Wants(pairs=args or (str, Any)) if issubclass(kind, Mapping) else ANYTHING


def _either(options: list[Wants]) -> Wants:
    listed = next((option for option in options if option.items), Wants())
    return Wants(
        frozenset[Any]().union(*(option.plain for option in options)),
        tuple(cls for option in options for cls in option.stored),
        listed.items,
        listed.make,
        next((option.pairs for option in options if option.pairs), ()),
        any(option.free for option in options),
    )


class Slot(NamedTuple):
    """What a constructor takes under one keyword."""

    hint: Any
    required: bool
    convert: Callable[[Any], Any] | None


_SLOTS: Final[dict[type, Mapping[str, Slot]]] = {}


def slots_of(cls: type[Stored]) -> Mapping[str, Slot]:
    """What the constructor takes, by keyword: the fields, and short forms such as the `earning` of a program."""
    if cls not in _SLOTS:
        _SLOTS[cls] = _slots(cls)
    return _SLOTS[cls]


def _slots(cls: type[Stored]) -> Mapping[str, Slot]:
    slots: dict[str, Slot] = {}
    taken = signature(cls).parameters
    converters: dict[str, Any] = {field.alias or field.name: field.converter for field in attrs.fields(cls)}
    for part in parts_of(cls):
        convert = converters[part.keyword]
        required = not part.star and taken[part.keyword].default is Parameter.empty
        slots[part.keyword] = Slot(_hint(cls, part.name), required, convert if callable(convert) else None)
    for name, parameter in taken.items():
        if name not in slots and parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            hint = _resolved(parameter.annotation, cls.__module__)
            slots[name] = Slot(hint, parameter.default is Parameter.empty, None)
    if "type" in slots or "version" in slots:
        raise RuleError(f"{cls.__name__}: data keeps the names type and version for itself; rename the field")
    return slots


def _hint(cls: type, name: str) -> Any:
    """The annotation of a field, or of the property that reads a private one."""
    for base in cls.__mro__:
        note = get_annotations(base).get(name)
        getter = getattr(vars(base).get(name), "fget", None)
        if note is None and getter is not None:
            note = get_annotations(getter).get("return")
        if note is not None:
            return _resolved(note, base.__module__)
    return Any


def _resolved(note: Any, module: str) -> Any:
    """The type that an annotation means; `Any` where that cannot be told, as of names in a local scope."""
    names = vars(sys.modules[module]) if module in sys.modules else {}
    try:
        return get_type_hints(SimpleNamespace(__annotations__={"it": note}), names)["it"]
    except (NameError, AttributeError, TypeError, SyntaxError):
        return Any
