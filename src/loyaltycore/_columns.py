"""Bulk: what a rule gives for many activities at once, each of one line.

`earn`, `test`, `value` and `key` say what a strategy means. A built-in one says it again on columns, in a few lines of
`_lower` beside them, made of three things:

- `Columns`, the activities with their members, narrowed by conditions and bands as one activity is;
- `Column`, an exact number for each of them: a whole number over a denominator that all share;
- `Engine`, the few operations on whole numbers and masks that a place to compute has to offer.

The engine decides what comes out: expressions of a data frame, the largest number that can come up, the source of a
function. A strategy without `_lower` is asked activity by activity.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Mapping
from math import ceil, lcm
from typing import Any, TypeAlias

from attrs import evolve, frozen

from loyaltycore._exact import Exact, divided, floor, reduced
from loyaltycore._strategy import Stored

Term: TypeAlias = Any
"""A whole number of 0 or more for each activity, as the engine has it; an `int` is the same number for all."""

Mask: TypeAlias = Any
"""A truth value for each activity, as the engine has it."""

Key: TypeAlias = Any
"""What stretch of time each activity falls in, as the engine has it."""


class NotLowered(Exception):
    """A strategy, or a combination, that has no form on columns."""


class Engine(ABC):
    """The operations that bulk is made of. No number is ever below 0, so bounds of results follow from bounds."""

    @abstractmethod
    def plus(self, a: Term, b: Term) -> Term:
        """`a + b`."""

    @abstractmethod
    def times(self, a: Term, b: Term) -> Term:
        """`a * b`."""

    @abstractmethod
    def divided(self, a: Term, by: int) -> Term:
        """`a // by`."""

    @abstractmethod
    def up_to(self, a: Term, most: int) -> Term:
        """`min(a, most)`."""

    @abstractmethod
    def above(self, a: Term, low: int) -> Term:
        """`max(a - low, 0)`."""

    @abstractmethod
    def more_than(self, a: Term, bound: int) -> Mask:
        """`a > bound`."""

    @abstractmethod
    def pick(self, mask: Mask, a: Term, b: Term) -> Term:
        """`a` where the mask holds, `b` elsewhere."""

    @abstractmethod
    def is_in(self, label: str, names: tuple[str, ...]) -> Mask:
        """Where a label, `"category"` or `"tier"`, is one of the names."""

    @abstractmethod
    def both(self, a: Mask, b: Mask) -> Mask:
        """`a and b`."""

    @abstractmethod
    def either(self, a: Mask, b: Mask) -> Mask:
        """`a or b`."""

    @abstractmethod
    def negated(self, a: Mask) -> Mask:
        """`not a`."""

    @abstractmethod
    def months(self, every: int) -> Key:
        """Calendar stretches of so many months: 1 is the month, 3 the quarter, 12 the year."""

    @abstractmethod
    def let_through(self, points: Term, most: int, per: tuple[Key, ...]) -> Term:
        """What of `points` still fits, where a member has at most `most` per stretch, first come first served."""

    @abstractmethod
    def stage(self, a: Term) -> Term:
        """`a` under a name of its own, so that expressions made of it stay short."""


@frozen
class Column:
    """An exact number for each activity: the whole number `top` over `below`, which all share."""

    engine: Engine
    top: Term
    below: int = 1

    def __add__(self, other: Column) -> Column:
        below = lcm(self.below, other.below)
        return Column(self.engine, self.engine.plus(self._over(below), other._over(below)), below)

    def __mul__(self, other: Column | Exact) -> Column:
        if isinstance(other, Column):
            if type(other.top) is not int:
                return Column(self.engine, self.engine.times(self.top, other.top), self.below * other.below)
            other = reduced(other.top, other.below)
        ratio = divided(other, self.below)
        top = self.top if ratio.numerator == 1 else self.engine.times(self.top, ratio.numerator)
        return Column(self.engine, top, ratio.denominator)

    def up_to(self, most: Exact) -> Column:
        """The smaller of this and `most`."""
        below = lcm(self.below, most.denominator)
        return Column(self.engine, self.engine.up_to(self._over(below), floor(most * below)), below)

    def above(self, low: Exact) -> Column:
        """What this has over `low`, or 0."""
        below = lcm(self.below, low.denominator)
        return Column(self.engine, self.engine.above(self._over(below), floor(low * below)), below)

    def more_than(self, bound: Exact) -> Mask:
        """Where this is more than `bound`."""
        return self.engine.more_than(self.top, floor(bound * self.below))

    def reaches(self, bound: Exact) -> Mask:
        """Where this is `bound` or more."""
        return self.engine.more_than(self.top, ceil(bound * self.below) - 1)

    def rounded(self, mode: str = "floor", to: Exact = 1) -> Column:
        """This rounded to a multiple of `to`, as `round_to` does it."""
        steps = self * divided(1, to)
        below = steps.below
        if below == 1:
            return self

        def share(add: int, by: int) -> Term:
            twice = self.engine.times(steps.top, 2)
            return self.engine.divided(self.engine.plus(twice, add), by)

        if mode == "floor":
            whole = self.engine.divided(steps.top, below)
        elif mode == "half_even":
            # x to the even neighbour is floor(x/2 + 1/4) + ceil(x/2 - 1/4)
            whole = self.engine.plus(share(below, 4 * below), share(3 * below - 1, 4 * below))
        else:
            add = {"ceil": 2 * below - 1, "half_up": below, "half_down": below - 1}[mode]
            whole = share(add, 2 * below)
        return Column(self.engine, whole) * to

    def _over(self, below: int) -> Term:
        """The whole number of this over a multiple of its denominator."""
        return self.top if below == self.below else self.engine.times(self.top, below // self.below)


@frozen
class Columns:
    """Activities of one line each, with their members. Where `kept` does not hold the line is gone, its amount 0."""

    engine: Engine
    amount: Column
    kept: Mask = None  # all lines

    # What the strategies inside say ---------------------------------------------------------------------------------

    def earned(self, rule: Stored) -> Column:
        """The points of an earning rule."""
        points: Column = _lowered(rule, self)
        return evolve(points, top=self.engine.stage(points.top))

    def factor(self, factor: Stored) -> Column:
        """The values of a factor."""
        value: Column = _lowered(factor, self)
        return value

    def where(self, condition: Stored) -> Mask:
        """Where a condition accepts the line."""
        return _lowered(condition, self)

    def stretch(self, period: Stored) -> tuple[Key, ...]:
        """The keys that together say what stretch of a period each activity falls in."""
        keys: tuple[Key, ...] = _lowered(period, self)
        return keys

    # How strategies make the activities smaller ---------------------------------------------------------------------

    def keeping(self, mask: Mask) -> Columns:
        """The lines where the mask holds too."""
        amount = evolve(self.amount, top=self.engine.pick(mask, self.amount.top, 0))
        return evolve(self, amount=amount, kept=self._and_kept(mask))

    def between(self, low: Exact, high: Exact | None) -> Columns:
        """The part of the amounts above `low` and up to `high`; lines that do not reach it are gone."""
        part = self.amount if high is None else self.amount.up_to(high)
        return evolve(self, amount=part.above(low), kept=self._and_kept(self.amount.more_than(low)))

    # What strategies are made of ------------------------------------------------------------------------------------

    def number(self, number: Exact) -> Column:
        """The same number for all."""
        return Column(self.engine, number.numerator, number.denominator)

    def once(self, number: Exact) -> Column:
        """The number where the line is kept, 0 where it is gone."""
        return self.number(number) if self.kept is None else self.pick(self.kept, self.number(number), self.number(0))

    def reaches(self, bound: Exact) -> Mask:
        """Where a line is kept and its amount is `bound` or more."""
        return self._and_kept(self.amount.reaches(bound))

    def pick(self, mask: Mask, a: Column, b: Column) -> Column:
        """`a` where the mask holds, `b` elsewhere."""
        below = lcm(a.below, b.below)
        return Column(self.engine, self.engine.pick(mask, a._over(below), b._over(below)), below)

    def let_through(self, points: Column, most: Exact, per: Stored) -> Column:
        """Whole points as far as there is room, a member having at most `most` per period, first come first served."""
        # what is counted is whole, so the room is a whole number and what is left of `most`
        room = floor(most)
        whole = points.rounded().up_to(room)
        return Column(self.engine, self.engine.let_through(whole.top, room, self.stretch(per)))

    def look_up(self, label: str, table: Mapping[str, Exact], otherwise: Exact) -> Column:
        """The number that the table has for the label."""
        below = lcm(otherwise.denominator, *(number.denominator for number in table.values()))
        top: Term = floor(otherwise * below)
        for name, number in table.items():
            top = self.engine.pick(self.engine.is_in(label, (name,)), floor(number * below), top)
        return Column(self.engine, top, below)

    def _and_kept(self, mask: Mask) -> Mask:
        return mask if self.kept is None else self.engine.both(self.kept, mask)


def _lowered(strategy: Stored, columns: Columns) -> Any:
    # a subclass may have changed `earn`, so that what it inherits is no longer true of it
    lower = vars(type(strategy)).get("_lower")
    if lower is None:
        raise NotLowered(repr(strategy))
    return lower(strategy, columns)


# How large numbers become -------------------------------------------------------------------------------------------


class _Most(int):
    """The largest that a term can be; a type of its own, since a plain `int` is a number that is the same for all."""


class Bounds(Engine):
    """An engine that computes nothing and follows the largest number that can come up on the way."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.largest = 0

    def _at_most(self, number: int) -> _Most:
        self.largest = max(self.largest, number)
        return _Most(number)

    def plus(self, a: Term, b: Term) -> Term:
        return self._at_most(a + b)

    def times(self, a: Term, b: Term) -> Term:
        return self._at_most(a * b)

    def divided(self, a: Term, by: int) -> Term:
        self._at_most(by)
        return _Most(a // by)

    def up_to(self, a: Term, most: int) -> Term:
        self._at_most(most)
        return _Most(min(a, most))

    def above(self, a: Term, low: int) -> Term:
        self._at_most(low)
        return _Most(max(a - low, 0))

    def more_than(self, a: Term, bound: int) -> Mask:
        self._at_most(bound)

    def pick(self, mask: Mask, a: Term, b: Term) -> Term:
        return self._at_most(max(a, b))

    def is_in(self, label: str, names: tuple[str, ...]) -> Mask:
        pass

    def both(self, a: Mask, b: Mask) -> Mask:
        pass

    def either(self, a: Mask, b: Mask) -> Mask:
        pass

    def negated(self, a: Mask) -> Mask:
        pass

    def months(self, every: int) -> Key:
        pass

    def let_through(self, points: Term, most: int, per: tuple[Key, ...]) -> Term:
        self._at_most(points * self.rows)
        return self.up_to(points, most)

    def stage(self, a: Term) -> Term:
        return a


def safe_up_to(lower: Callable[[Columns], object], below: int, *, rows: int, limit: int) -> int:
    """The largest amount, a whole number over `below`, for which nothing that `lower` computes is above `limit`.

    There are at most so many rows; -1 means that no amount is small enough.
    """

    def too_large(amount: int) -> bool:
        engine = Bounds(rows)
        lower(Columns(engine, Column(engine, _Most(amount), below)))
        return engine.largest > limit

    return bisect_left(range(limit), True, key=too_large) - 1  # noqa: FBT003 (what is looked for)
