"""Plain data to values: strict, with the place of whatever is wrong.

Whoever made the data is not trusted. A kind is looked up in the registry, a field is read as its annotation says, and
only then is the constructor asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from math import isfinite
import re
from typing import Any, Final, NamedTuple

from loyaltycore import _calendar, _expressions
from loyaltycore._annotations import Slot, Wants, slots_of, wants_of
from loyaltycore._exact import MAX_DIGITS, Exact, FrozenMap, check_hashes, exact, show
from loyaltycore._expressions import DEEPEST, FAILURES, SURROGATE, close_to
from loyaltycore._strategy import CLASHES, KINDS, Stored
from loyaltycore.activity import CounterKey
from loyaltycore.errors import DataError, InexactNumber, LoyaltyError, RuleError

VERSION: Final = 1
"""The version of the data, at its root."""

TAGS: Final[dict[str, Any]] = {
    "number": Fraction,
    "date": date,
    "moment": datetime,
    "counter": CounterKey,
    "mapping": Mapping[Any, Any],
}
"""The types of `{"type": "number", "value": "1.5"}` and its like: what stands where plain text would stay text."""

_MOST_SHARED: Final = 100_000
"""Values that data may stand for beyond those it has: with aliases, as YAML has them, few can stand for billions."""

_SHOWN: Final = 40
"""Characters of the data's own text that an error repeats."""

_SAID: Final = 500
"""Characters of a constructor's error that are kept at each end."""

_WORD = re.compile(r"\w{1,80}|-?[\d.]{1,80}(/\d{1,40})?")
"""A word or a number, which a field's converter may know; what is longer is neither."""

_NAMED = re.compile(r"(\w+)((?:[.\[]\S*?)?): ")


class Object(dict[str, Any]):
    """A JSON object that remembers a key which stood in it twice."""

    twice: str | None = None

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        for key, value in pairs:
            if key in self:
                self.twice = key
            self[key] = value


class Spot(NamedTuple):
    """Where in the data we are; the path becomes text only when something is wrong."""

    above: Spot | None = None
    step: str | int = ""
    depth: int = 1
    convert: Callable[[Any], Any] | None = None
    """The field's converter, which may know words and numbers: `per = "month"`, `factor = "1.5"`."""

    def inside(self, step: str | int, convert: Callable[[Any], Any] | None = None) -> Spot:
        """The spot under a key, or of a list's item."""
        if self.depth == DEEPEST:
            raise self.error(f"it nests more than {DEEPEST} deep; make it flatter")
        return Spot(self, step, self.depth + 1, convert)

    @property
    def path(self) -> str:
        """As in `$.rules[1].factors['first class']`."""
        if self.above is None:
            return "$"
        plain = isinstance(self.step, str) and self.step.isidentifier() and len(self.step) <= _SHOWN
        step = self.step if isinstance(self.step, int) else self.step[:_SHOWN]
        return f"{self.above.path}.{step}" if plain else f"{self.above.path}[{step!r}]"

    def error(self, message: str) -> DataError:
        """What is wrong here."""
        return DataError(_cut(message), self.path)

    def wrong(self, data: Any, wants: Wants) -> DataError:
        """`data` is not of the type that is wanted here."""
        if isinstance(data, float):
            remedy = f'write it as text: "{data:.15g}"' if isfinite(data) else "give a finite number"
            return self.error(f"the float {data!r} is not exact; {remedy}")
        return self.error(f"{_shown(data)} is not what goes here; give {wants}")


def _shown(data: Any) -> str:
    """Untrusted data in an error: short, and never a number too long to print."""
    if data is None or isinstance(data, bool):
        return {None: "null", True: "true", False: "false"}[data]
    if isinstance(data, str):
        return f"the text {data[:_SHOWN]!r}"
    if isinstance(data, int):
        return f"the number {data}" if abs(data) < 10**MAX_DIGITS else "so long a number"
    if isinstance(data, Stored):
        return repr(data)[:_SHOWN]
    return "a table" if isinstance(data, Mapping) else f"a {type(data).__name__}"


# By the type of the data --------------------------------------------------------------------------------------------


def read_root(data: Any, cls: type[Stored]) -> Any:
    """A value of that class, from data with a version."""
    spot, wants = Spot(), Wants(stored=(cls,))
    if not isinstance(data, dict):
        raise spot.wrong(data, wants)
    _check_shared(data, spot)
    _check_keys(data, spot)
    if type(data.get("version")) is not int or data["version"] != VERSION:
        raise spot.inside("version").error(
            f"{_shown(data.get('version'))} is no version that is read here; give {VERSION}"
        )
    try:
        return _read_fields({key: value for key, value in data.items() if key != "version"}, wants, spot)
    except RecursionError as error:  # whoever asks may be deep down already
        raise spot.error("it nests too deep to be read from here; make it flatter") from error


def _check_shared(data: Any, spot: Spot) -> None:
    """Refuse what is short only because its parts stand in many places."""
    known: dict[int, int] = {}
    there = 0

    def size(data: Any, depth: int) -> int:
        nonlocal there
        found = known.get(id(data))
        if found is None:
            known[id(data)] = 0  # what holds itself is too deep, and refused for that
            items = data.values() if isinstance(data, dict) else data
            there += len(items)
            inner = [item for item in items if isinstance(item, (dict, list))] if depth < DEEPEST else ()
            found = known[id(data)] = len(items) + sum([size(item, depth + 1) for item in inner])
        return found

    if size(data, 1) > there + _MOST_SHARED:
        raise spot.error(f"some of it stands in so many places that this is {_MOST_SHARED:,} values more; write less")


def read(data: Any, hint: Any, spot: Spot) -> Any:
    """The value of `data` where the annotation `hint` is wanted."""
    wants = wants_of(hint)
    if data is None or isinstance(data, bool):
        if type(data) in wants.plain:
            return data
    else:
        for kind in type(data).__mro__:
            if kind in _READERS:
                return _READERS[kind](data, wants, spot)
    raise spot.wrong(data, wants)


def _read_text(text: str, wants: Wants, spot: Spot) -> Any:
    is_text(text, spot)
    if str in wants.plain:
        return text
    if date in wants.plain or datetime in wants.plain:
        return _read_date(text, wants, spot)
    numbers = Fraction in wants.plain or Decimal in wants.plain
    if wants.stored and not (numbers and _WORD.fullmatch(text)):
        return _read_expression(text, wants, spot)
    if numbers:
        return _read_number(text, wants, spot)
    raise spot.wrong(text, wants)


def _read_expression(text: str, wants: Wants, spot: Spot) -> Any:
    if spot.convert and _WORD.fullmatch(text):
        return _converted(text, wants, spot)
    try:
        value = _expressions.read(text)
    except DataError as error:
        raise spot.error(error.message) from error
    return value if isinstance(value, wants.stored) else _converted(value, wants, spot)


def _converted(value: Any, wants: Wants, spot: Spot) -> Any:
    """What the field's converter makes of something that is not of the class wanted, if that is."""
    try:
        found = spot.convert(value) if spot.convert else None
    except FAILURES as error:
        raise spot.error(_said(error).removeprefix(f"{spot.step}: ")) from error
    if isinstance(found, wants.stored):
        return found
    raise spot.error(f"{_shown(value)} is not what goes here; give {wants}")


def _read_number(said: int | str, wants: Wants, spot: Spot) -> Any:
    number = is_number(said, spot)
    if Fraction in wants.plain or (int in wants.plain and not isinstance(said, str)):
        return number
    if Decimal in wants.plain and "/" not in show(number):
        return Decimal(show(number))
    if wants.stored and not isinstance(said, str):
        return _converted(number, wants, spot)
    raise spot.wrong(said, wants)


def _read_date(said: str | date, wants: Wants, spot: Spot) -> date:
    days, moments = date in wants.plain, datetime in wants.plain
    if isinstance(said, str):
        if len(said) > _calendar.LONGEST:
            raise spot.wrong(said, wants)
        try:
            bare = days and (not moments or len(said) <= len("2026-03-01"))
            return date.fromisoformat(said) if bare else _calendar.text_moment(said)
        except RuleError as error:
            raise spot.error(str(error)) from error
        except ValueError:
            raise spot.wrong(said, wants) from None
    if moments if isinstance(said, datetime) else days:  # TOML has dates of its own
        return said
    if moments:
        return datetime.combine(said, time())
    raise spot.wrong(said, wants)


def _read_list(data: list[Any], wants: Wants, spot: Spot) -> Any:
    if not wants.items:
        if wants.pairs:
            return _read_pairs(data, wants, spot)
        if wants.stored and spot.convert:  # per = ["month", "day"]
            return _converted(read(data, Any, spot), wants, spot)
        raise spot.wrong(data, wants)
    hints = wants.each(data)
    if len(hints) != len(data):
        raise spot.error(f"there are {len(data)} items; give {len(hints)}")
    return wants.make(
        [read(item, hint, spot.inside(i)) for i, (item, hint) in enumerate(zip(data, hints, strict=True))]
    )


def _read_pairs(data: list[Any], wants: Wants, spot: Spot) -> FrozenMap[Any, Any]:
    key_hint, hint = wants.pairs
    keys: list[Any] = []
    for i, pair in enumerate(data):
        if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 (a pair)
            raise spot.inside(i).error(f"{_shown(pair)} is no pair; give a list of a key and its value")
        keys.append(read(pair[0], key_hint, spot.inside(i).inside(0)))
    try:
        check_hashes(keys, "keys")
    except RuleError as error:
        raise spot.error(str(error).removeprefix("keys: ")) from error
    found: dict[Any, Any] = {}
    for i, (key, pair) in enumerate(zip(keys, data, strict=True)):
        at = spot.inside(i)
        if key in found:
            raise at.inside(0).error("this key stands twice; keep one")
        found[key] = read(pair[1], hint, at.inside(1))
    return FrozenMap(found)


def _read_table(data: dict[Any, Any], wants: Wants, spot: Spot) -> Any:
    _check_keys(data, spot)
    tag = data.get("type")
    if isinstance(tag, str) and tag in TAGS and (wants.free or (tag == "number" and {str, Fraction} <= wants.plain)):
        if data.keys() != {"type", "value"}:
            raise spot.error(f"a {tag} has its type and its value; give both and no more")
        return read(data["value"], TAGS[tag], spot.inside("value"))
    if wants.stored and ("type" in data or not wants.pairs):
        return _read_fields(data, wants, spot)
    if not wants.pairs:
        raise spot.wrong(data, wants)
    key_hint, hint = wants.pairs
    if data and str not in wants_of(key_hint).plain:
        raise spot.error("the keys here are not text; give a list of pairs of a key and its value")
    return FrozenMap((key, read(value, hint, spot.inside(key))) for key, value in data.items())


_READERS: Final[dict[type, Callable[[Any, Wants, Spot], Any]]] = {
    str: _read_text,
    int: _read_number,
    date: _read_date,
    list: _read_list,
    dict: _read_table,
}


# Stored values ------------------------------------------------------------------------------------------------------


def _read_fields(data: dict[str, Any], wants: Wants, spot: Spot) -> Stored:
    cls = _class_of(data, wants, spot)
    slots = slots_of(cls)
    for key in data:
        if key not in slots and key != "type":
            hint = close_to(key, slots) or f"; it has {', '.join(slots) or 'none'}"
            raise spot.inside(key).error(f"{cls._kind!r} has no such field{hint}")
    values = {}
    for key, slot in slots.items():
        if key in data:
            values[key] = read(data[key], slot.hint, spot.inside(key, slot.convert))
        elif slot.required:
            raise spot.inside(key).error(f"it is missing; give {wants_of(slot.hint)}")
    try:
        return cls._build(values)
    except FAILURES as error:
        raise _placed(error, slots, values, spot.path) from error


def _class_of(data: dict[str, Any], wants: Wants, spot: Spot) -> type[Stored]:
    """The class that the data names, or the only one there can be."""
    if "type" not in data and len(wants.stored) == 1 and wants.stored[0]._kind:
        return wants.stored[0]
    kind = data.get("type")
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is not None and issubclass(cls, wants.stored):
        return cls
    if isinstance(kind, str) and kind in CLASHES:
        raise spot.inside("type").error(CLASHES[kind])
    known = sorted(name for name, other in KINDS.items() if issubclass(other, wants.stored))
    what = f"{_shown(kind)} is no kind that goes here" if "type" in data else "nothing says what this is"
    close = close_to(kind, known) if isinstance(kind, str) else ""
    raise spot.inside("type").error(f"{what}{close}; give one of {', '.join(known)}")


def _placed(error: Exception, slots: Mapping[str, Slot], values: Mapping[str, Any], path: str) -> DataError:
    """A constructor's error, with the field that it is about in its path instead of its message."""
    culprit = ""
    for key, value in values.items():
        convert = slots[key].convert
        try:
            if convert is not None:
                convert(value)
        except FAILURES as found:
            error, culprit = found, key
            break
    first = next((p for p in getattr(error, "problems", ()) if p.severity == "error"), None)
    if first is not None:  # a program says the place itself
        return DataError(_cut(first.text), f"{path}{first.place[1:]}")
    message = _said(error)
    named = _NAMED.match(message)
    if named and named[1] in ([culprit] if culprit else slots):
        return DataError(message[named.end() :], f"{path}.{named[1]}{named[2]}")
    return DataError(message, f"{path}.{culprit}" if culprit else path)


def _said(error: Exception) -> str:
    """What an error says, without the middle of what is too long to read."""
    return _cut(str(error if isinstance(error, LoyaltyError) else (*error.args, type(error).__name__)[0]))


def _cut(said: str) -> str:
    return said if len(said) <= 2 * _SAID else f"{said[:_SAID]} ... {said[-_SAID:]}"


# Checks that writing shares -----------------------------------------------------------------------------------------


def is_text(text: str, spot: Spot) -> str:
    """`text`, if a file can hold it."""
    if not text.isascii() and SURROGATE.search(text):
        raise spot.error("half of a surrogate pair is no text; write the character itself")
    return text


def is_number(value: Any, spot: Spot) -> Exact:
    """`value` as an exact number."""
    try:
        return exact(value)
    except InexactNumber as error:
        raise spot.error(str(error).removeprefix("number: ")) from error


def _check_keys(data: dict[Any, Any], spot: Spot) -> None:
    for key in data:
        if not isinstance(key, str):
            raise spot.error(f"{_shown(key)} is no key; keys are text, and others are written as a list of pairs")
        is_text(key, spot)
    if isinstance(data, Object) and data.twice is not None:
        raise spot.inside(data.twice).error("this key stands twice; keep one")
