"""A JSON Schema of program files, by which editors complete and check them.

It is read off the registry and the annotations, as `_reading.py` reads a file, so that own kinds are in it once their
modules are imported. Whatever a file may say is valid, but for a null where the field may be left out. What is valid
need not be a program: a schema cannot look into rules that are text, nor know that a reward's unit is one of the
program's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from inspect import cleandoc
import re
from types import NoneType
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import attrs

from loyaltycore import _calendar, _expressions
from loyaltycore._annotations import Slot, Wants, slots_of, wants_of
from loyaltycore._exact import MAX_DIGITS, MODES
from loyaltycore._reading import VERSION, Spot
from loyaltycore._strategy import KINDS, Part, Stored, is_name, parts_of
from loyaltycore._writing import write_field
from loyaltycore.errors import LoyaltyError
from loyaltycore.history import ProgramHistory
from loyaltycore.periods import CALENDAR_UNITS
from loyaltycore.points import LEVELS
from loyaltycore.program import Program
from loyaltycore.serialize import _SHARED, MOST_VERSIONS
from loyaltycore.tiers import APPLIES, DOWNGRADES, STARTS

Schema: TypeAlias = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

PERIODS: Final = ("activity", "line", *CALENDAR_UNITS, "ever")
"""The words that may stand for a period, where the field's converter knows them."""

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "calendar.unit": CALENDAR_UNITS,
    "end_of.unit": CALENDAR_UNITS[1:],
    "option_limit.among": ("member", "all"),
    "option_limit.of": ("times", "points"),
    "rounded.mode": MODES,
    "rounding.each": LEVELS,
    "rounding.mode": MODES,
    "tier_ladder.applies": APPLIES,
    "tier_ladder.downgrade": DOWNGRADES,
    "tier_ladder.starts": STARTS,
    "to_end_of.unit": CALENDAR_UNITS[1:],
    "word.word": PERIODS[:2],
}
"""The fields that take one of a few words, which their annotations do not tell."""

PATTERNS: Final[Mapping[str, str]] = {
    "program.currency": "^[A-Za-z]{3}$",
    "program.hold_timeout": "^[0-9]{1,6} ?(minute|hour|day|week)s?$",
}
"""The fields that take text of a form of its own."""

TEXT: Final[Schema] = {"pattern": r"""[('"]""", "maxLength": _expressions.LONGEST}
"""Of text that stands for a value: code that builds one, so it calls something."""

NUMBER: Final[Schema] = {
    "pattern": r"^([+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,9})?|[+-]?[0-9]+/[0-9]+)$",
    "maxLength": 2 * MAX_DIGITS,
}
"""Of text that is a number."""

_DAY: Final = "^[0-9]{4}-?([0-9]{2}-?[0-9]{2}|W[0-9]{2}(-?[0-9])?)"
DATE: Final[Schema] = {"pattern": f"{_DAY}$"}
MOMENT: Final[Schema] = {"pattern": _DAY, "maxLength": _calendar.LONGEST}

ANYTHING: Final[Schema] = {
    "type": ["null", "boolean", "integer", "string", "array", "object"],
    "items": {"$ref": "#/$defs/anything"},
    "additionalProperties": {"$ref": "#/$defs/anything"},
}
"""Where an annotation tells nothing; still no float, which is not exact."""


def program_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a program file: of one program, and of one with `[[versions]]`.

    >>> program_schema()["properties"]["grandfather"]["default"]
    True
    """
    return _Writer().root()


class _Writer:
    """One schema, and the definitions that it refers to."""

    def __init__(self) -> None:
        self.defs: dict[str, Schema] = {"anything": ANYTHING}

    def root(self) -> Schema:
        """A single table for both forms: editors that complete it need not know which one it will be."""
        table = self.table(Program)
        table["properties"] |= {
            "version": {"description": "The version of the file's format, not of the program.", "const": VERSION},
            "type": {"enum": [Program._kind, ProgramHistory._kind]},
            "versions": {
                "description": "The program as it was first, then as it is from a day on, each with all its tables.",
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_VERSIONS,
                "items": self.version(),
            },
        }
        single = {
            "properties": {"type": {"const": Program._kind}},
            "required": table.pop("required"),
            **{key: table.pop(key) for key in ONE_SPELLING},
        }
        root = {
            "$schema": DIALECT,
            **table,
            "title": "Loyalty program",
            "type": "object",
            "if": {"required": ["versions"]},
            "then": SEVERAL,
            "else": single,
        }
        for key in TEXT:
            del root[key]
        return {**root, "$defs": dict(sorted(self.defs.items()))}

    def version(self) -> Schema:
        """A version in a file: a program's table with its day, or as data has it, the pair of both."""
        table = self.table(Program)
        del table["required"]  # the name may stand above
        pair = self.items(wants_of(tuple[date, Program]))
        table["properties"]["from"] = {
            "description": "The day from which this version is in force; the first one has none.",
            **self.plain(wants_of(date)),
        }
        return {**table, **pair, "type": ["object", "string", "array"]}

    def stored(self, classes: tuple[type[Stored], ...]) -> Schema:
        """Values of these classes: each as a table of its kind, or as text."""
        kinds = sorted(kind for kind, cls in KINDS.items() if issubclass(cls, classes))
        only = classes[0]._kind if len(classes) == 1 else ""
        if kinds == [only]:
            return self.kind(only)
        name = "Or".join(cls.__name__ for cls in classes)
        if name not in self.defs:
            found = self.defs[name] = {}
            found |= {
                "title": " or ".join(cls.__name__ for cls in classes),
                "description": "As text, the code that builds it, or as a table with its type.",
                "type": ["string", "object"],
                **TEXT,
                "properties": {"type": {"enum": kinds}},
                **({"allOf": [{"if": _is_a(kind), "then": self.kind(kind)} for kind in kinds]} if kinds else {}),
            }
            if only:
                found |= {"if": {"type": "object", "not": {"required": ["type"]}}, "then": self.kind(only)}
            else:
                found["required"] = ["type"]
        return _ref(name)

    def kind(self, kind: str) -> Schema:
        """The definition of one kind."""
        if kind not in self.defs:
            self.defs[kind] = {}  # it may hold others of its kind
            self.defs[kind] |= self.table(KINDS[kind])
        return _ref(kind)

    def table(self, cls: type[Stored]) -> Schema:
        """The table of one class, with all that its constructor takes."""
        slots, parts = slots_of(cls), {part.keyword: part for part in parts_of(cls)}
        required = [key for key, slot in slots.items() if slot.required]
        return {
            "title": cls.__name__,
            "description": cleandoc(cls.__doc__ or "").partition("\n")[0],
            "type": ["object", "string"],
            **TEXT,
            "properties": {
                "type": {"const": cls._kind},
                **{key: self.slot(cls, key, slot, parts.get(key)) for key, slot in slots.items()},
            },
            **({"required": required} if required else {}),
            "additionalProperties": False,
            **(ONE_SPELLING if cls is Program else {}),
        }

    def slot(self, cls: type[Stored], key: str, slot: Slot, part: Part | None) -> Schema:
        """What may stand under one key of a table, and what is said of it."""
        default = attrs.NOTHING if part is None or part.star else part.default
        wants = wants_of(slot.hint)
        if not slot.required and (part is None or default is None):
            # nobody writes null for what may be left out, and without it editors see what else there is
            wants = wants._replace(plain=wants.plain - {NoneType})
        found = {**_said_of(cls, key), **self.field(f"{cls._kind}.{key}", slot, wants, own=not _is_ours(cls))}
        if any(field.validator is is_name for field in attrs.fields(cls) if (field.alias or field.name) == key):
            found["minLength"] = 1
        return found if default is attrs.NOTHING or default is None else {**found, **_default(default, slot)}

    def field(self, place: str, slot: Slot, wants: Wants, *, own: bool) -> Schema:
        """What may stand for a field: what its annotation allows, and what its converter knows besides."""
        if place in WORDS:
            return {"enum": list(WORDS[place])}
        if place in PATTERNS:
            return {"type": "string", "pattern": PATTERNS[place]}
        if not wants.stored or slot.convert is None:
            return self.of(wants)
        if _knows(slot, wants, 1):
            wants = wants._replace(plain=wants.plain | {Fraction})
        found = self.of(wants)
        words: Schema = {"enum": [word for word in PERIODS if _knows(slot, wants, word)]}
        if own:  # its converter may know any word
            words = {"type": "string", "pattern": r"^\w{1,80}$"}
        elif not words["enum"]:
            return found
        one = {"anyOf": [words, found]}
        if _knows(slot, wants, ["day", "month"]):
            return {"anyOf": [*one["anyOf"], {"type": "array", "minItems": 1, "items": one}]}
        return one

    def of(self, wants: Wants) -> Schema:
        """What an annotation allows."""
        if wants.free or wants == Wants():
            return _ref("anything")
        parts = [self.plain(wants)] if wants.plain else []
        parts += [self.items(wants)] if wants.items else [self.pairs(wants)] if wants.pairs else []
        parts += [self.stored(wants.stored)] if wants.stored else []
        *others, found = parts
        for other in reversed(others):  # `anyOf` would do, but then nothing says what is wrong inside of the last
            found = {"if": other, "else": found}
        return found

    def plain(self, wants: Wants) -> Schema:
        """Of the plain types, those that are allowed."""
        numbers = wants.plain & {Fraction, Decimal}
        types = [name for kind, name in ((NoneType, "null"), (bool, "boolean")) if kind in wants.plain]
        types += ["integer"] if numbers or int in wants.plain else []
        text: Schema | None = None
        if str in wants.plain:
            text = {}
        elif datetime in wants.plain:
            text = MOMENT
        elif date in wants.plain:
            text = DATE
        elif numbers:
            text = NUMBER
        types += ["string"] if text is not None else []
        schema = {"type": types if len(types) > 1 else types[0], **(text or {})}
        if not {str, Fraction} <= wants.plain:
            return schema
        self.defs["number"] = {
            "title": "Number",
            "description": "A number that is not whole, where its text would stay text.",
            "type": "object",
            "properties": {"type": {"const": "number"}, "value": {"type": ["integer", "string"], **NUMBER}},
            "required": ["type", "value"],
            "additionalProperties": False,
        }
        return {"if": schema, "else": _ref("number")}

    def items(self, wants: Wants) -> Schema:
        """A list."""
        if wants.items[1:] == (...,):
            return {"type": "array", "items": self.of(wants_of(wants.items[0]))}
        return {"type": "array", **self.exactly(wants.items)}

    def exactly(self, hints: tuple[Any, ...]) -> Schema:
        """As many items as there are annotations."""
        items = [self.of(wants_of(hint)) for hint in hints]
        return {"prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def pairs(self, wants: Wants) -> Schema:
        """A table with keys of its own, or a list of keys and values."""
        named = str in wants_of(wants.pairs[0]).plain
        return {
            "type": ["object", "array"],
            **({"additionalProperties": self.of(wants_of(wants.pairs[1]))} if named else {"maxProperties": 0}),
            "items": {"type": "array", **self.exactly(wants.pairs)},
        }


# The two forms of a file, and the short spellings of a program ------------------------------------------------------

FIRST: Final[Schema] = {"type": ["object", "string"], "properties": {"from": False}}
"""Of the versions the only one without a day."""

SEVERAL: Final[Schema] = {
    "propertyNames": {"enum": ["version", "type", "versions", *_SHARED]},
    "properties": {
        "type": {"const": ProgramHistory._kind},
        "versions": {"prefixItems": [FIRST], "contains": FIRST, "maxContains": 1},
    },
    "if": {"not": {"required": ["name"]}},
    "then": {"properties": {"versions": {"items": {"required": ["name"]}}}},
}
"""With versions: only what they share stands beside them, and each but the first has its day."""

ONE_SPELLING: Final[Schema] = {
    "if": {"required": ["points"], "properties": {"points": {"minProperties": 1, "minItems": 1}}},
    "then": {"properties": {"earning": {"type": "null"}}},
    "else": {"required": ["earning"], "properties": {"earning": {"not": {"type": "null"}}}},
    "dependentSchemas": {
        "tiers": {
            "if": {"properties": {"tiers": {"not": {"type": "null"}}}},
            "then": {"properties": {"ladders": {"maxProperties": 0, "maxItems": 0}}},
        }
    },
}
"""Either `earning` or `points`, and not both `tiers` and `ladders`."""


# What is known of a field besides its annotation --------------------------------------------------------------------


def _ref(name: str) -> Schema:
    return {"$ref": "#/$defs/" + quote(name.replace("~", "~0").replace("/", "~1"))}


def _is_a(kind: str) -> Schema:
    return {"type": "object", "properties": {"type": {"const": kind}}, "required": ["type"]}


def _is_ours(cls: type[Stored]) -> bool:
    return cls.__module__.startswith(f"{__package__}.")


def _knows(slot: Slot, wants: Wants, said: Any) -> bool:
    """Whether the field's converter makes a value of what would not be one by itself, as of a period's word."""
    try:
        return slot.convert is not None and isinstance(slot.convert(said), wants.stored)
    except _expressions.FAILURES:
        return False


def _default(value: object, slot: Slot) -> Schema:
    """What a field is if it is left out, as a file would say it."""
    try:
        return {"default": write_field(value, slot, Spot(), short=True)}
    except LoyaltyError:  # of an own class, and nothing that a file could say
        return {}


def _sentences(cls: type[Stored]) -> tuple[str, ...]:
    prose = cleandoc(cls.__doc__ or "").partition(">>>")[0]
    return tuple(re.split(r"(?<=\.)\s+(?=[A-Z*])", " ".join(prose.split())))


def _said_of(cls: type[Stored], key: str) -> Schema:
    """What the class's text says of a field, which it writes as *field*."""
    found = " ".join(sentence for sentence in _sentences(cls) if f"*{key}*" in sentence)
    return {"description": found} if found else {}
