"""What conditions are, and how they combine: by `&`, `|` and `~`, whose sides see the same activity."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import reduce
from typing import ClassVar, final

from attrs import field

from loyaltycore import _show
from loyaltycore._columns import Columns, Mask
from loyaltycore._strategy import Strategy, check_finished, frozen
from loyaltycore.activity import Activity, Line, Member
from loyaltycore.errors import RuleError


@frozen
class Condition(Strategy):
    """Base of conditions. Implement `test`; call `select`.

    >>> @frozen
    ... class Premium(Condition):
    ...     kind = "premium"
    ...     def test(self, line, activity, member):
    ...         return line.amount >= 100
    >>> basket = Activity([Line(150), Line(40)], at="2026-03-01")
    >>> Premium().select(basket, Member()).amount, (~Premium()).select(basket, Member()).amount
    (150, 40)
    """

    _operators: ClassVar[str] = "& | ~"

    @abstractmethod
    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether this line of the activity is meant. The activity is as narrowed so far."""

    @final
    def select(self, activity: Activity, member: Member) -> Activity:
        """The activity with the lines that pass; there may be none."""
        mask = self._mask(activity, member)
        if all(mask):
            return activity
        return activity.keeping(tuple(line for line, kept in zip(activity.lines, mask, strict=True) if kept))

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        """`test` for each line."""
        check_finished(self)
        return [bool(self.test(line, activity, member)) for line in activity.lines]

    def __and__(self, other: Condition) -> Condition:
        return And((self, other)) if isinstance(other, Condition) else NotImplemented

    def __or__(self, other: Condition) -> Condition:
        return Or((self, other)) if isinstance(other, Condition) else NotImplemented

    def __invert__(self) -> Condition:
        return self.condition if isinstance(self, Not) else Not(self)


def as_condition(value: Condition) -> Condition:
    """`value`, if it is a condition."""
    if isinstance(value, Condition):
        return value
    hint = "; wrap a function in matching(...)" if callable(value) else "; give one such as Category('dining')"
    raise RuleError(f"condition: {value!r} is no condition{hint}")


@frozen
class Whole(Condition):
    """Base of conditions that accept every line of an activity or none. Implement `holds`."""

    @abstractmethod
    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the activity, as narrowed so far, is meant."""

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """`holds`, whatever the line."""
        return self.holds(activity, member)

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        check_finished(self)
        return [bool(self.holds(activity, member))] * len(activity.lines)


# Of several conditions ----------------------------------------------------------------------------------------------


def _operands(of: type[And | Or], condition: Condition) -> tuple[Condition, ...]:
    return condition.conditions if isinstance(condition, of) else (condition,)


def _conditions(value: Sequence[Condition], of: type[And | Or]) -> tuple[Condition, ...]:
    given = map(as_condition, value if isinstance(value, (tuple, list)) else (value,))
    found = tuple(operand for condition in given for operand in _operands(of, condition))
    if len(found) < 2:  # noqa: PLR2004 (a pair)
        raise RuleError("conditions: give at least two to combine")
    return found


def _both(value: Sequence[Condition]) -> tuple[Condition, ...]:
    return _conditions(value, And)


def _either(value: Sequence[Condition]) -> tuple[Condition, ...]:
    return _conditions(value, Or)


def _to_invert(value: Condition) -> Condition:
    if isinstance(value, Not):
        raise RuleError(f"not: {value!r} is inverted already; give the condition inside it")
    return as_condition(value)


@frozen
class And(Condition):
    """Lines that all the conditions accept, written `a & b`."""

    kind = "and"

    conditions: tuple[Condition, ...] = field(converter=_both)

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether all accept the line."""
        return all(c.test(line, activity, member) for c in self.conditions)

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        return [all(row) for row in zip(*(c._mask(activity, member) for c in self.conditions), strict=True)]

    def _lower(self, columns: Columns) -> Mask:
        return reduce(columns.engine.both, map(columns.where, self.conditions))

    def _code(self) -> _show.Code:
        return _show.infix("&", _show.AND, self.conditions)


@frozen
class Or(Condition):
    """Lines that at least one of the conditions accepts, written `a | b`."""

    kind = "or"

    conditions: tuple[Condition, ...] = field(converter=_either)

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether one accepts the line."""
        return any(c.test(line, activity, member) for c in self.conditions)

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        return [any(row) for row in zip(*(c._mask(activity, member) for c in self.conditions), strict=True)]

    def _lower(self, columns: Columns) -> Mask:
        return reduce(columns.engine.either, map(columns.where, self.conditions))

    def _code(self) -> _show.Code:
        return _show.infix("|", _show.OR, self.conditions)


@frozen
class Not(Condition):
    """Lines that the condition does not accept, written `~a`."""

    kind = "not"

    condition: Condition = field(converter=_to_invert)

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether it refuses the line."""
        return not self.condition.test(line, activity, member)

    def _mask(self, activity: Activity, member: Member) -> Sequence[bool]:
        return [not kept for kept in self.condition._mask(activity, member)]

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.negated(columns.where(self.condition))

    def _code(self) -> _show.Code:
        return _show.Code(f"~{_show.within(self.condition, _show.NOT)}", _show.NOT)


# Of a function ------------------------------------------------------------------------------------------------------


@frozen
class Matching(Condition):
    """Lines that a function accepts, for a one-off; see `matching`."""

    function: Callable[[Line, Activity, Member], bool] = field()

    def __attrs_post_init__(self) -> None:
        if not callable(self.function):
            raise RuleError(f"matching: {self.function!r} is no function; give one of (line, activity, member)")

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """What the function says."""
        return bool(self.function(line, activity, member))

    def _code(self) -> _show.Code:
        name = getattr(self.function, "__qualname__", repr(self.function))
        return _show.Code(f"matching({name})")


def matching(function: Callable[[Line, Activity, Member], bool]) -> Condition:
    """A condition from a function of (line, activity, member); the only one that cannot be stored.

    >>> several = matching(lambda line, activity, member: line.quantity > 2)
    >>> several.select(Activity(Line(9), at="2026-03-01"), Member()).lines
    ()
    """
    return Matching(function)
