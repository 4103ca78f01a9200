"""What every value of the library shares: a kind to be stored under, a repr that rebuilds it, and no truth value.

`Stored` is for all of them, `Strategy` for those that are asked to decide something. A subclass is written as

    @attrs.frozen
    class BirthdayBonus(EarningRule):
        kind = "birthday_bonus"
        bonus: int = 500
        ...

and has equality, hashing, pickling, repr and storage from that alone.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import partial
from operator import attrgetter
import sys
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, NoReturn, TypeVar

import attrs

from loyaltycore import _show
from loyaltycore._exact import Exact, Number, Ratio, above_zero, at_least_zero, whole
from loyaltycore.errors import RuleError, TruthValue

if TYPE_CHECKING:
    from attrs import frozen as frozen  # noqa: PLC0414 (exported from here)
else:
    # `Stored` has a repr and an equality for all; that attrs writes each class its own is half of the time of an import
    frozen = partial(attrs.frozen, repr=False, eq=False)

F = TypeVar("F", bound=Callable[..., Any])

STAR: Final = {"star": True}
"""Metadata of a tuple field whose items are the positional arguments: `Category(*names)`."""

KINDS: Final[dict[str, type[Stored]]] = {}
"""The classes that data may name, by kind."""

NAMES: Final[dict[str, Callable[..., Any]]] = {}
"""The names that a program file may call: classes with a kind, and functions marked `readable`."""

CLASHES: Final[dict[str, str]] = {}
"""Kinds and names that two own classes share, and what to say when data uses one."""

METHODS: Final[set[str]] = set()
"""The methods that a program file may call: those marked `composes`."""


def composes(function: F) -> F:
    """Mark a method as part of the algebra: it makes a strategy from strategies, so program files may call it."""
    METHODS.add(function.__name__)
    return function


def readable(function: F) -> F:
    """Mark a function that makes a strategy, so that program files may call it by name."""
    NAMES[function.__name__] = function
    return function


class Part(NamedTuple):
    """A field as the constructor takes it."""

    name: str
    keyword: str
    kw_only: bool
    star: bool
    default: object


@frozen
class Stored:
    """A frozen value that data may name; see the module's text."""

    _kind: ClassVar[str] = ""
    _finished: ClassVar[type | None] = None

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        if cls.__hash__ is None:
            raise RuleError(f"{cls.__name__} can change; decorate {cls.__name__} with attrs' @frozen")
        if "__repr__" in vars(cls) and cls.__repr__.__code__.co_filename.startswith("<attrs generated"):
            cls.__repr__ = Stored.__repr__  # type: ignore[method-assign]  # attrs made one all the same
        cls._finished = cls
        if vars(cls).get("_kind"):
            _register(cls)

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        values = _compared(self.__class__)
        return bool(values(self) == values(other))

    def __hash__(self) -> int:
        cls = self.__class__
        return hash((cls, _compared(cls)(self)))

    def __repr__(self) -> str:
        return self._code().text

    def _code(self) -> _show.Code:
        args, keywords = self._arguments()
        return _show.call(type(self).__name__, args, keywords)

    def _arguments(self) -> tuple[list[object], dict[str, object]]:
        """What the constructor is given to build the value again, by position and by keyword; defaults are left out."""
        args: list[object] = []
        keywords: dict[str, object] = {}
        for place, part in enumerate(parts_of(type(self))):
            value = getattr(self, part.name)
            if part.star:
                args.extend(map(_show.fact_code, value))
            elif part.default is not attrs.NOTHING and value == part.default:
                continue
            elif part.kw_only or (place and part.default is not attrs.NOTHING):
                keywords[part.keyword] = value  # what may be left out says its name, but for the first
            else:
                args.append(value)
        return args, keywords

    @classmethod
    def _build(cls, values: Mapping[str, Any]) -> Stored:
        """An instance from field values by constructor keyword; the reverse of reading its `parts_of`."""
        given = dict(values)
        args: list[Any] = []
        parts = parts_of(cls)
        for i, part in enumerate(parts):
            if part.star and part.keyword in given:  # what is before the star must be given by position too
                args = [given.pop(before.keyword) for before in parts[:i]]
                args.extend(given.pop(part.keyword))
        return cls(*args, **given)

    def _children(self) -> Iterator[tuple[str, Stored]]:
        """The values inside, each with its place: `rules[1]`, `condition`."""
        for part in parts_of(type(self)):
            value = getattr(self, part.name)
            if value.__class__ in _CHILDLESS:
                continue  # most fields
            if isinstance(value, Stored):
                yield part.keyword, value
            elif isinstance(value, tuple):
                yield from ((f"{part.keyword}[{i}]", v) for i, v in enumerate(value) if isinstance(v, Stored))
            elif isinstance(value, Mapping):
                yield from ((f"{part.keyword}{step(k)}", v) for k, v in value.items() if isinstance(v, Stored))


def _register(cls: type[Stored]) -> None:
    tables: tuple[tuple[dict[str, Any], str, str], ...] = ((KINDS, cls._kind, "kind"), (NAMES, cls.__name__, "name"))
    for table, key, what in tables:
        if key in table and _origin(table[key]) != _origin(cls) and _is_ours(table[key]):
            raise RuleError(
                f"the {what} {key!r} is taken by {_origin(table[key])}; give {cls.__qualname__} another {what}"
            )
    for table, key, what in tables:
        # the same class made again (attrs rebuilds slotted ones, notebooks run cells twice) takes its own place, and
        # one made in a function gives way: nothing else can reach it, and each call makes another
        known = _origin(table.get(key, cls))
        if known != _origin(cls) and "<locals>" not in known:
            # two own classes may share a name as long as no data uses it
            del table[key]
            CLASHES[key] = f"{key!r} is the {what} of {known} and of {_origin(cls)}; give one of them another"
        elif key not in CLASHES:
            table[key] = cls


def _origin(known: Any) -> str:
    return f"{known.__module__}.{known.__qualname__}"


def _is_ours(known: Any) -> bool:
    """Whether a class or function is the library's own, and not one that an example in a docstring makes."""
    module = sys.modules.get(known.__module__)
    return known.__module__.startswith("loyaltycore.") and vars(module).get(known.__name__) is known


def unlocked(cls: type[Stored]) -> Any:
    """A twin of a frozen class whose fields can be set, for values that are made by the thousand and need no checks.

    An instance gets its own class once it is filled in: `new.__class__ = Award`. A frozen class's constructor takes
    three times as long, nearly all of it to get past its own lock, field by field.
    """
    own = {"__slots__": cls.__slots__, "__init__": object.__init__}  # type: ignore[attr-defined]  # attrs made them
    return type(cls.__name__, cls.__bases__, own | {n: vars(object)[n] for n in ("__setattr__", "__delattr__")})


def check_finished(value: Stored) -> None:
    """Raise if the class of `value` was not decorated: its fields would be those of its base."""
    cls = type(value)
    if cls._finished is not cls:
        raise RuleError(f"{cls.__name__} is not finished; decorate {cls.__name__} with attrs' @frozen")


_COMPARED: Final[dict[type, Callable[[Any], Any]]] = {}


def _compared(cls: type) -> Callable[[Any], Any]:
    """What takes the values out of an instance that make it equal to another."""
    known = _COMPARED.get(cls)
    if known is None:
        fields = [field for field in attrs.fields(cls) if field.eq]
        if any(field.eq_key for field in fields):
            known = lambda it: tuple((f.eq_key or _same)(getattr(it, f.name)) for f in fields)  # noqa: E731
        else:
            known = attrgetter(*(field.name for field in fields)) if fields else lambda _: ()
        _COMPARED[cls] = known
    return known


def _same(value: Any) -> Any:
    return value


_PARTS: Final[dict[type, tuple[Part, ...]]] = {}
_CHILDLESS: Final = frozenset({str, int, bool, NoneType, Ratio, date, datetime})


def parts_of(cls: type[Stored]) -> tuple[Part, ...]:
    """The fields of a class that its constructor takes, in order."""
    known = _PARTS.get(cls)
    if known is None:
        known = tuple(_part(field) for field in attrs.fields(cls) if field.init)
        _PARTS[cls] = known
    return known


def _part(field: attrs.Attribute[Any]) -> Part:
    default: Any = field.default
    convert: Any = field.converter
    if hasattr(default, "factory"):  # attrs.Factory, which type checkers take for a function
        default = attrs.NOTHING if default.takes_self else default.factory()
    elif default is not attrs.NOTHING and convert is not None:
        default = convert(default)
    star = field.metadata.get("star", False)
    keyword = field.alias or field.name.lstrip("_")
    name = keyword if field.name.startswith("_") else field.name  # a private field is read by its property
    return Part(name, keyword, field.kw_only, star, default)


_SHOWN: Final = 40
"""Characters of a name that a place shows."""


def step(key: object) -> str:
    """The step to what a mapping has under a key: `.stars`, or `['free coffee']`."""
    key = key[:_SHOWN] if isinstance(key, str) else key
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def walk(value: Stored, place: str = "$") -> Iterator[tuple[str, Stored]]:
    """`value` and everything inside it, each with its place as in `$.earning.rules[1]`."""
    # with a generator inside a generator for each level, every part would take a step in each of them
    ahead = [(place, value)]
    while ahead:
        place, value = ahead.pop()
        yield place, value
        ahead += [(f"{place}.{name}", child) for name, child in value._children()][::-1]


@frozen
class Strategy(Stored, ABC):
    """A value that decides something; it holds no state and has no truth value."""

    kind: ClassVar[str] = ""
    _operators: ClassVar[str] = "its methods"

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        # values have a field named `kind` now and then (an activity's), strategies never: theirs is public
        kind = vars(cls).get("kind", "")
        if not isinstance(kind, str):
            raise RuleError(f"{cls.__name__}: kind is no field; write it without a type, as in kind = 'birthday_bonus'")
        cls._kind = kind
        super().__attrs_init_subclass__()

    def __bool__(self) -> NoReturn:
        raise TruthValue(
            f"{type(self).__name__} has no truth value: `and`, `or`, `not` and `if` cannot combine it;"
            f" use {self._operators}, and `is None` to test for absence"
        )

    def _repr_html_(self) -> str:
        from loyaltycore._notebook import strategy_html

        return strategy_html(self)


# What fields take ---------------------------------------------------------------------------------------------------
# A converter names its field in the error, so there is one for each name; those that several modules need are here.


def texts(values: object, what: str) -> tuple[str, ...]:
    """A tuple of non-empty strings, at least one."""
    found = tuple(values) if isinstance(values, (tuple, list)) else (values,)
    for value in found:
        if not isinstance(value, str) or not value:
            several = isinstance(value, (tuple, list, set, frozenset))
            remedy = "give the names one by one, or put * before it" if several else "give text that is not empty"
            raise RuleError(f"{what}: {value!r} is not a name; {remedy}")
    if not found:
        raise RuleError(f"{what}: no name is given; give at least one")
    return found


def text(value: object, what: str) -> str:
    """A non-empty string."""
    return value if isinstance(value, str) and value else texts((value,), what)[0]


def is_name(_: object, field: attrs.Attribute[str], value: object) -> None:
    """Validate that a field is a non-empty string."""
    text(value, field.alias or field.name)


def as_points(value: Number) -> Exact:
    """Points of a rule: 0 or more."""
    return at_least_zero(value, "points")


def as_multiple(value: Number) -> Exact:
    """What is rounded *to*: above 0."""
    return above_zero(value, "to")


def as_count(value: int) -> int:
    """An *n* that is counted up to: 1 or more."""
    return whole(value, "n", at_least=1)
