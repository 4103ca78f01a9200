"""Conditions on what was bought or done: the lines of an activity, and the activity as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field

from loyaltycore import _show
from loyaltycore._columns import CATEGORY, KIND, SKU, Columns, Mask
from loyaltycore._exact import Exact, Number, exact
from loyaltycore._strategy import STAR, frozen, is_name, readable, text, texts
from loyaltycore.activity import Activity, FactValue, Line, Member, fact_value, same_fact
from loyaltycore.condition import Condition, Whole, as_condition
from loyaltycore.errors import RuleError

# Of the line --------------------------------------------------------------------------------------------------------


@frozen(init=False)
class Category(Condition):
    """Lines of one of these categories.

    >>> Category("dining", "travel").select(Activity([Line(30, "dining"), Line(9)], at="2026-03-01"), Member()).amount
    30
    """

    kind = "category"

    names: tuple[str, ...] = field(metadata=STAR)

    def __init__(self, *names: str) -> None:
        self.__attrs_init__(texts(names, "Category"))

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether the line's category is one of the names."""
        return line.category in self.names

    def _lower(self, columns: Columns) -> Mask:
        return columns.is_in(CATEGORY, self.names)


@frozen(init=False)
class Sku(Condition):
    """Lines of one of these stock-keeping units."""

    kind = "sku"

    skus: tuple[str, ...] = field(metadata=STAR)

    def __init__(self, *skus: str) -> None:
        self.__attrs_init__(texts(skus, "Sku"))

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether the line's sku is one of them."""
        return line.sku in self.skus

    def _lower(self, columns: Columns) -> Mask:
        return columns.is_in(SKU, self.skus)


def matches(stated: object, wanted: tuple[FactValue, ...]) -> bool:
    """Whether a fact is stated, and is (or, a tuple, contains) one of the values if any are wanted."""
    if stated is None:
        return False
    if not wanted:
        return True
    values = stated if isinstance(stated, tuple) else (stated,)
    return any(same_fact(v, w) for v in values for w in wanted)


def values_of(values: Sequence[object], what: str) -> tuple[FactValue, ...]:
    """What a fact may be, one value or several; raises `RuleError` for a value that is several itself."""
    wanted = tuple(fact_value(value, what) for value in values)
    for value in wanted:
        if isinstance(value, tuple):
            raise RuleError(f"{what}: {value!r} is several values; give them one by one")
    return wanted


def told_apart(values: tuple[FactValue, ...]) -> tuple[tuple[bool, FactValue], ...]:
    """What values are compared by: in Python `True == 1`, but a condition that wants the one refuses the other."""
    return tuple((isinstance(value, bool), value) for value in values)


@frozen(init=False)
class Fact(Condition):
    """Lines that state a fact, of themselves or else of their activity, with one of these values (any, if none).

    >>> flight = Activity.flight(base_fare=300, at="2026-03-01", cabin="first")
    >>> Fact("cabin", "first", "business").select(flight, Member()).amount
    300
    """

    kind = "fact"

    name: str = field()
    values: tuple[FactValue, ...] = field(metadata=STAR, eq=told_apart)

    def __init__(self, name: str, *values: object) -> None:
        self.__attrs_init__(text(name, "Fact"), values_of(values, "Fact"))

    def test(self, line: Line, activity: Activity, member: Member) -> bool:
        """Whether the fact is stated so."""
        stated = line.facts.get(self.name)
        return matches(activity.facts.get(self.name) if stated is None else stated, self.values)

    def _lower(self, columns: Columns) -> Mask:
        return columns.is_in(("fact", self.name), self.values)


# Of the whole activity ----------------------------------------------------------------------------------------------


@frozen(init=False)
class OfKind(Whole):
    """Activities of one of these kinds, such as `"purchase"`, `"flight"` or `"review"`."""

    kind = "of_kind"

    kinds: tuple[str, ...] = field(metadata=STAR)

    def __init__(self, *kinds: str) -> None:
        self.__attrs_init__(texts(kinds, "OfKind"))

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the activity's kind is one of them."""
        return activity.kind in self.kinds

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.is_in(KIND, self.kinds)


def _condition_or_none(value: Condition | None) -> Condition | None:
    return None if value is None else as_condition(value)


def _at_least(value: Number) -> Exact:
    return exact(value, "at_least")


@frozen
class Has(Whole):
    """The selection as a whole has enough: of its amount, its quantity, or a fact summed.

    With a *condition*, only the lines it keeps count towards it; all lines pass, or none. *at_least* is inclusive.

    >>> basket = Activity([Line(90, "dining"), Line(40)], at="2026-03-01")
    >>> [Has(Category("dining"), at_least=n).holds(basket, Member()) for n in (90, 91)]
    [True, False]
    """

    kind = "has"

    condition: Condition | None = field(default=None, converter=_condition_or_none)
    at_least: Exact = field(default=1, converter=_at_least, kw_only=True)
    of: str = field(default="amount", validator=is_name, kw_only=True)

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether there is enough."""
        kept = activity if self.condition is None else self.condition.select(activity, member)
        return bool(kept.lines) and kept.measure(self.of) >= self.at_least

    def _lower(self, columns: Columns) -> Mask:
        kept = columns if self.condition is None else columns.keeping(columns.where(self.condition))
        return kept.reaches(self.at_least, self.of)

    def _code(self) -> _show.Code:
        if self == Has(at_least=self.at_least):
            return _show.call("MinSpend", (self.at_least,))
        return super()._code()


@readable
def MinSpend(amount: Number) -> Has:  # noqa: N802 (reads as the conditions beside it)
    """The selection comes to at least this much money: `Has(at_least=amount)`."""
    return Has(at_least=amount)
