"""Bulk: what a rule gives for many activities at once.

`earn`, `test`, `value` and `key` say what a strategy means. A built-in one says it again on columns, in a few lines of
`_lower` beside them, made of three things:

- `Columns`, the lines of the activities with their members, narrowed by conditions and bands as one activity is;
- `Column`, an exact number for each of them: a whole number over a denominator that all share;
- `Engine`, the few operations on whole numbers and masks that a place to compute has to offer.

There is a row for each line. What is said of a whole activity (its amount, its points) stands on each of its rows.

The engine decides what comes out: expressions of a data frame, the largest number that can come up, the source of a
function. A strategy without `_lower` is asked activity by activity.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from math import ceil, lcm
from typing import Any, ClassVar, Final, TypeAlias

from attrs import evolve, frozen

from loyaltycore._exact import EMPTY, Exact, divided, floor, reduced
from loyaltycore._strategy import Stored, Strategy

Term: TypeAlias = Any
"""A whole number of 0 or more for each activity, as the engine has it; an `int` is the same number for all."""

Mask: TypeAlias = Any
"""A truth value for each activity, as the engine has it."""

Key: TypeAlias = Any
"""What stretch of time each activity falls in, as the engine has it."""

Label: TypeAlias = tuple[str, str]
"""Something that is stated in words: what it is of, and its name; `("category", "")`, `("fact", "cabin")`."""

CATEGORY: Final = ("category", "")
SKU: Final = ("sku", "")
KIND: Final = ("kind", "")
TIER: Final = ("tier", "")
AT: Final = ("at", "")
MEMBER: Final = ("member", "")
LADDER: Final = ("ladder", "")
JOINED: Final = ("joined", "")

Scope: TypeAlias = tuple[str, ...]
"""What is judged as one: the lines alike in these facts of each activity, or a line by itself."""

LINE: Final = ("line",)
ACTIVITY: Final[Scope] = ()


class NotLowered(Exception):
    """A strategy, or a combination in words, that has no form on columns."""


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
    def exceeds(self, a: Term, b: Term) -> Mask:
        """`a > b`."""

    @abstractmethod
    def is_in(self, label: Label, values: tuple[Any, ...]) -> Mask:
        """Where a label is stated, and is one of the values if there are any."""

    @abstractmethod
    def measure(self, of: str) -> Column:
        """The amount, the quantity or a fact of each line."""

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
    def days(self, every: int, start: int) -> Key:
        """Stretches of so many days: 1 is the day, 7 the week from that ISO weekday on."""

    @abstractmethod
    def values(self, label: Label) -> Key:
        """A stretch for each value of a label; an activity that does not state it is asked by itself."""

    @abstractmethod
    def on_weekdays(self, days: tuple[int, ...]) -> Mask:
        """On these ISO weekdays."""

    @abstractmethod
    def in_minutes(self, start: int, end: int) -> Mask:
        """From one minute of the day until another."""

    @abstractmethod
    def compared(self, bound: date, *, late: bool) -> Mask:
        """Not before the bound, or, if `late`, not after it."""

    @abstractmethod
    def let_through(self, points: Term, most: int, per: tuple[Key, ...], scope: Scope) -> Term:
        """What of `points` still fits, where a member has at most `most` per stretch, first come first served."""

    @abstractmethod
    def place(self, mask: Mask, per: tuple[Key, ...], scope: Scope) -> Term:
        """How many of the member's, this one included, the mask holds for so far in the stretch."""

    @abstractmethod
    def ask_itself(self, mask: Mask) -> None:
        """Have the rule itself asked about these activities, since columns cannot tell what it says of them."""

    def single(self, label: Label) -> None:  # noqa: B027 (a column has one value a row)
        """Have the rule itself asked where a label has several values."""

    def find(
        self, labels: tuple[Label, ...], rows: Mapping[tuple[Any, ...], Exact], otherwise: Exact
    ) -> tuple[Column, Mask] | None:
        """The number of the row that has what the labels say, and where there is none; nothing if rows are tried."""
        return None

    def told(self, strategy: Strategy, function: Callable[..., bool], *labels: Label) -> Mask:
        """What a function says of labels."""
        raise NotLowered(strategy)

    # Where an activity has several lines ----------------------------------------------------------------------------

    baskets: ClassVar[bool] = False
    """Whether an activity may have several lines."""

    def total(self, a: Term, scope: Scope, inside: Scope = LINE) -> Term:
        """The sum over the lines of each `scope`, `a` being the same for all lines of one that is `inside` it."""
        return a

    def any(self, mask: Mask, scope: Scope) -> Mask:
        """Whether the mask holds for any line of the `scope`."""
        return mask

    def agreed(self, label: Label, scope: Scope) -> None:  # noqa: B027 (lines that are alone agree)
        """Have the rule itself asked where the lines of a `scope` state different values."""

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

    def is_multiple(self, n: int) -> Mask:
        """Where this, a whole number, is a multiple of `n`."""
        below = self.engine.times(self.engine.divided(self.top, n), n)
        return self.engine.negated(self.engine.exceeds(self.top, below))

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
    """The lines of activities, with their members. Where `kept` does not hold the line is gone."""

    engine: Engine
    kept: Mask = None  # all lines
    scope: Scope = ACTIVITY
    trimmed: Mapping[str, Column] = EMPTY
    """The measures that bands have trimmed; 0 where the line is gone."""
    parts: dict[str, Column] | None = None
    """What the named rules give, if anyone wants to know; always of whole activities."""

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

    def agreed(self, fact: str) -> Label:
        """A fact of the activity, which all its lines agree on or the rule itself is asked."""
        self._check_whole(("fact", fact))
        self.engine.agreed(("fact", fact), self.scope)
        return ("fact", fact)

    def _check_whole(self, label: Label) -> None:
        """Refuse to look at a number as a label where a band has made it smaller."""
        what, name = label
        if what == "fact" and name in self.trimmed and name not in ("amount", "quantity"):
            raise NotLowered(f"a band of the {name}, in which the fact itself is looked at")

    def keeps(self, condition: Stored) -> Mask:
        """Where a condition accepts any line."""
        return self._any(self._and_kept(self.where(condition)))

    def stretch(self, period: Stored) -> tuple[Key, ...]:
        """The keys that together say what stretch of a period each activity falls in."""
        keys: tuple[Key, ...] = _lowered(period, self)
        return keys

    def tell(self, name: str, points: Column) -> Column:
        """The points, remembered as those of a name."""
        if self.parts is not None:
            whole = self._total(points, ACTIVITY, self.scope)
            self.parts[name] = self.parts[name] + whole if name in self.parts else whole
        return points

    # How strategies make the activities smaller ---------------------------------------------------------------------

    def keeping(self, mask: Mask) -> Columns:
        """The lines where the mask holds too."""
        kept = {of: self.pick(mask, there, self.number(0)) for of, there in self.trimmed.items()}
        return evolve(self, kept=self._and_kept(mask), trimmed=kept)

    def between(self, low: Exact, high: Exact | None, of: str) -> Columns:
        """The part of a measure above `low` and up to `high`; where it does not reach that the lines are gone."""
        there = self.measure(of)
        part = there if high is None else there.up_to(high)
        inside = self.keeping(there.more_than(low))
        return evolve(inside, trimmed={**inside.trimmed, of: part.above(low)})

    def narrowed(self, scope: Scope) -> Columns:
        """The same with smaller groups of lines judged each by itself."""
        if self.trimmed and self._several:
            raise NotLowered("a band of the lines of a basket, each judged by itself")
        return evolve(self, scope=scope)

    def summed(self, points: Column, scope: Scope) -> Column:
        """Points of smaller groups of lines added up."""
        return self._total(points, self.scope, scope)

    # What strategies are made of ------------------------------------------------------------------------------------

    def number(self, number: Exact) -> Column:
        """The same number for all."""
        return Column(self.engine, number.numerator, number.denominator)

    def once(self, number: Column) -> Column:
        """The number where any line is kept, else 0."""
        return number if self.kept is None else self.pick(self._any(self.kept), number, self.number(0))

    def measure(self, of: str) -> Column:
        """The sum over the lines that are kept."""
        if of in self.trimmed:
            return self.trimmed[of]
        line = self.engine.measure(of)
        kept = line if self.kept is None else self.pick(self.kept, line, self.number(0))
        return self._total(kept, self.scope, LINE)

    def reaches(self, bound: Exact, of: str) -> Mask:
        """Where any line is kept and the measure is `bound` or more."""
        enough = self.measure(of).reaches(bound)
        return enough if self.kept is None else self.engine.both(self._any(self.kept), enough)

    def is_in(self, label: Label, values: tuple[Any, ...]) -> Mask:
        """Where a label of the line is stated, and is one of the values if there are any."""
        if self.trimmed and self._several:
            raise NotLowered(f"a band of a basket, of which lines are kept by {' '.join(label).strip()}")
        self._check_whole(label)
        return self.engine.is_in(label, values)

    def pick(self, mask: Mask, a: Column, b: Column) -> Column:
        """`a` where the mask holds, `b` elsewhere."""
        below = lcm(a.below, b.below)
        return Column(self.engine, self.engine.pick(mask, a._over(below), b._over(below)), below)

    def largest(self, a: Column, b: Column) -> Column:
        """The larger of both."""
        below = lcm(a.below, b.below)
        return self.pick(self.engine.exceeds(a._over(below), b._over(below)), a, b)

    def let_through(self, points: Column, most: Exact, per: Stored) -> Column:
        """Whole points as far as there is room, a member having at most `most` per period, first come first served."""
        # what is counted is whole, so the room is a whole number and what is left of `most`
        room = floor(most)
        whole = points.rounded().up_to(room)
        return Column(self.engine, self.engine.let_through(whole.top, room, self.stretch(per), self.scope))

    def place(self, mask: Mask, per: Stored | None = None) -> Column:
        """How many of the member's, this one included, the mask holds for so far in the period, or ever."""
        keys = () if per is None else self.stretch(per)
        return Column(self.engine, self.engine.place(mask, keys, ACTIVITY if per is None else self.scope))

    def look_up(self, label: Label, table: Mapping[Any, Exact], otherwise: Exact) -> Column:
        """The number that the table has for the label."""
        self.engine.single(label)
        # a truth value is no number here, and in a mapping it is one
        if not any(isinstance(value, bool) for value in table):
            found = self.engine.find((label,), {(value,): number for value, number in table.items()}, otherwise)
            if found is not None:
                return found[0]
        rows = [(self.engine.is_in(label, (value,)), number) for value, number in table.items()]
        return self.choose(rows, otherwise)

    def choose(self, rows: Iterable[tuple[Mask, Exact]], otherwise: Exact) -> Column:
        """The number of the first mask that holds."""
        rows = list(rows)
        if len(rows) > MOST_ROWS:
            raise NotLowered(f"a table of {len(rows):,} rows")
        below = lcm(otherwise.denominator, *(number.denominator for _, number in rows))
        top: Term = floor(otherwise * below)
        for mask, number in reversed(rows):
            top = self.engine.pick(mask, floor(number * below), top)
        return Column(self.engine, top, below)

    def ask_itself(self, mask: Mask) -> None:
        """Have the rule itself asked where the mask holds and any line is kept."""
        self.engine.ask_itself(mask if self.kept is None else self.engine.both(self._any(self.kept), mask))

    @property
    def _several(self) -> bool:
        """Whether several lines may be judged as one."""
        return self.engine.baskets and self.scope != LINE

    def _total(self, column: Column, scope: Scope, inside: Scope) -> Column:
        return column if scope == inside else evolve(column, top=self.engine.total(column.top, scope, inside))

    def _any(self, mask: Mask) -> Mask:
        return self.engine.any(mask, self.scope)

    def _and_kept(self, mask: Mask) -> Mask:
        return mask if self.kept is None else self.engine.both(self.kept, mask)


MOST_ROWS: Final = 100
"""Rows of a table that are looked up on columns, one after the other."""


def _lowered(strategy: Stored, columns: Columns) -> Any:
    # a subclass may have changed `earn`, so that what it inherits is no longer true of it
    lower = vars(type(strategy)).get("_lower")
    if lower is None:
        raise NotLowered(strategy)
    return lower(strategy, columns)


# How large numbers become -------------------------------------------------------------------------------------------


class _Most(int):
    """The largest that a term can be; a type of its own, since a plain `int` is a number that is the same for all."""


class Bounds(Engine):
    """An engine that computes nothing and follows the largest number that can come up on the way."""

    def __init__(self, rows: int, lines: int, measure: Callable[[str], tuple[int, int]]) -> None:
        self.rows = rows
        self.lines = lines
        self.baskets = lines > 1  # type: ignore[misc]
        self.largest = 0
        self._most_of = measure

    def measure(self, of: str) -> Column:
        most, below = self._most_of(of)
        return Column(self, self._at_most(most), below)

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

    def exceeds(self, a: Term, b: Term) -> Mask:
        pass

    def is_in(self, label: Label, values: tuple[Any, ...]) -> Mask:
        pass

    def both(self, a: Mask, b: Mask) -> Mask:
        pass

    def either(self, a: Mask, b: Mask) -> Mask:
        pass

    def negated(self, a: Mask) -> Mask:
        pass

    def months(self, every: int) -> Key:
        pass

    def days(self, every: int, start: int) -> Key:
        pass

    def values(self, label: Label) -> Key:
        pass

    def on_weekdays(self, days: tuple[int, ...]) -> Mask:
        pass

    def in_minutes(self, start: int, end: int) -> Mask:
        pass

    def compared(self, bound: date, *, late: bool) -> Mask:
        pass

    def let_through(self, points: Term, most: int, per: tuple[Key, ...], scope: Scope) -> Term:
        self._at_most(points * self.rows)
        return self.up_to(points, most)

    def place(self, mask: Mask, per: tuple[Key, ...], scope: Scope) -> Term:
        return self._at_most(self.rows)

    def ask_itself(self, mask: Mask) -> None:
        pass

    def weights(self, alone: Column) -> Term:
        """What points are split by: what lines earn alone, or their amounts, or 1."""
        amount = self.measure("amount")
        self._at_most(alone.top * self.lines)
        return self._at_most(max(alone.top, amount.top, 1))

    def split(self, points: Term, weights: Term) -> Term:
        """Points split by largest remainder."""
        self._at_most(points * weights * 2)
        return _Most(points)

    def total(self, a: Term, scope: Scope, inside: Scope = LINE) -> Term:
        return self._at_most(a * self.lines)

    def stage(self, a: Term) -> Term:
        self._at_most(a)  # which may be a number of the rule itself
        return a


def safe_up_to(largest: Callable[[int], int], limit: int) -> int:
    """The largest amount for which the largest number that comes up is not above `limit`; -1 if none is so small."""
    return bisect_left(range(limit), True, key=lambda amount: largest(amount) > limit) - 1  # noqa: FBT003 (is looked for)
