"""The laws that every value of the library keeps, and how a law is held, for `loyaltycore.testing`."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
import pickle
from typing import Any, Final, TypeVar

import attrs

import loyaltycore
from loyaltycore._strategy import NAMES, Strategy, check_finished, walk
from loyaltycore.errors import LoyaltyError, RuleError
from loyaltycore.factors import Factor, a_factor
from loyaltycore.periods import Period, as_period
from loyaltycore.serialize import from_data, from_json, to_data, to_json

T = TypeVar("T")


def hold(law: Callable[..., None], value: Strategy, *where: Any) -> None:
    """Hold a value to a law; a broken one is told with the value's name and what it shows for."""
    try:
        law(value, *where)
    except AssertionError as broken:
        shown = "".join(f"\n  {type(what).__name__.lower()}: {what!r}" for what in where)
        raise AssertionError(f"{type(value).__name__} {broken}{shown}") from broken.__cause__


def said(error: Exception) -> str:
    """What went wrong, in a few words."""
    return f"{type(error).__name__}: {error}"


def copied(value: T) -> T:
    """The value as another process has it."""
    try:
        copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301 (our own bytes)
    except Exception as error:
        raise AssertionError(
            f"cannot be pickled ({said(error)}); define its class at the top of a module and hold plain values"
        ) from error
    return copy


# Laws of values: frozen, equal, shown and stored by content -----------------------------------------------------------


def is_frozen(value: Strategy) -> None:
    """Its class is decorated, and its fields cannot be assigned to."""
    try:
        check_finished(value)
    except RuleError as error:
        raise AssertionError(f"can change: {error}") from error
    for field in attrs.fields(type(value)):
        try:
            setattr(value, field.name, getattr(value, field.name))
        except AttributeError:
            continue
        raise AssertionError(f"can change: its field {field.name!r} can be assigned to; let @frozen forbid it")


def is_hashable(value: Strategy) -> None:
    """It can be a key."""
    try:
        hash(value)
    except TypeError as error:
        raise AssertionError(f"cannot be hashed ({error}); hold tuples instead of lists, dicts and sets") from error


def equals_its_copy(value: Strategy) -> None:
    """A pickled copy, as another process has, is equal and hashes alike."""
    copy = copied(value)
    if copy != value or hash(copy) != hash(value):
        raise AssertionError("is not equal to its copy, or hashes otherwise; let @frozen do both by its fields")


def is_rebuilt_by_its_repr(value: Strategy) -> None:
    """Its repr is the code that builds it, from the library's names, `Fraction`, and those of the classes inside it."""
    code = repr(value)
    try:
        rebuilt = _taken(value, eval(code, _names(value)))  # noqa: S307 (it is the caller's own)
    except Exception as error:
        raise AssertionError(f"has a repr that is not its code: {code} raises {said(error)}") from error
    if rebuilt != value:
        raise AssertionError(f"has a repr that builds something else: {code} gives {rebuilt!r}")


def _taken(value: Strategy, given: Any) -> Any:
    """What is meant by `given` where such a value is wanted: a number for a factor, a word for a period."""
    return a_factor(given) if isinstance(value, Factor) else as_period(given) if isinstance(value, Period) else given


def _names(value: Strategy) -> dict[str, Any]:
    public = {name: getattr(loyaltycore, name) for name in loyaltycore.__all__}
    own = {type(part).__name__: type(part) for _, part in walk(value)}  # last: another test may have one of that name
    return NAMES | public | {"Fraction": Fraction} | own


def is_stored(value: Strategy) -> None:
    """Where it and all inside it have a kind, it comes back from data and from JSON as it was."""
    if not all(part._kind for _, part in walk(value)):
        return
    try:
        stored = from_data(to_data(value)), from_json(to_json(value))
    except LoyaltyError as error:
        raise AssertionError(f"cannot be stored: {error}") from error
    if stored != (value, value):
        raise AssertionError(f"is stored as something else: {stored[0]!r}; a converter must leave alone what it made")


VALUE_LAWS: Final = (is_frozen, is_hashable, equals_its_copy, is_stored, is_rebuilt_by_its_repr)
"""What every rule, condition and factor keeps; each takes the value."""
