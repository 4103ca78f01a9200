"""Factors: what a rule's points, or a reward's price, are multiplied by.

A number is a factor as it stands: `rule * "1.5"`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from keyword import iskeyword
from math import prod
from typing import Any, ClassVar, final

from attrs import field

from loyaltycore import _show
from loyaltycore._columns import TIER, Column, Columns
from loyaltycore._exact import Exact, FrozenMap, Number, at_least_zero, check_hashes, returned, show
from loyaltycore._strategy import Strategy, check_finished, composes, frozen, is_name, readable, texts
from loyaltycore.activity import Activity, FactValue, Member, fact_value, same_fact
from loyaltycore.conditions import Condition, as_condition
from loyaltycore.errors import RuleError
from loyaltycore.tables import Table


@frozen
class Factor(Strategy):
    """Base of factors. Implement `value`; use with `*`.

    >>> @frozen
    ... class Weekend(Factor):
    ...     kind = "weekend"
    ...     def value(self, activity, member):
    ...         return 2 if activity.day.isoweekday() > 5 else 1
    >>> Weekend().when(OfKind("purchase")) * "1.5"
    Weekend().when(OfKind('purchase')) * '1.5'
    """

    _operators: ClassVar[str] = "* and .when(condition)"

    @abstractmethod
    def value(self, activity: Activity, member: Member) -> Number:
        """The factor for this activity, 0 or more."""

    @final
    def _exactly(self, activity: Activity, member: Member) -> Exact:
        check_finished(self)
        value = returned(self.value(activity, member), self, "value")
        if value < 0:
            raise RuleError(f"{self!r} is {show(value)} for this activity; a factor is 0 or more")
        return value

    def __mul__(self, other: Factor | Number) -> Factor:
        factor = as_factor(other)
        return NotImplemented if factor is None else Product((self, factor))

    def __rmul__(self, other: Number) -> Factor:
        factor = as_factor(other)
        return NotImplemented if factor is None else Product((factor, self))

    @composes
    def when(self, condition: Condition) -> Factor:
        """This factor where the condition keeps a line of the activity, and 1 elsewhere."""
        return FactorWhen(self, condition)


def _factors(factor: Factor) -> tuple[Factor, ...]:
    return factor.factors if isinstance(factor, Product) else (factor,)


def as_factor(value: Factor | Number) -> Factor | None:
    """A factor from a factor or a number; `None` for what can be neither."""
    if isinstance(value, Factor):
        return value
    return None if isinstance(value, Strategy) else Constant(value)


def a_factor(value: Factor | Number) -> Factor:
    """A factor, or a `RuleError`."""
    factor = as_factor(value)
    if factor is None:
        raise RuleError(f"factor: {value!r} is no factor; give a number, by_tier(...) or by_fact(...)")
    return factor


def _factor(value: Number) -> Exact:
    return at_least_zero(value, "factor")


@frozen
class Constant(Factor):
    """A number, the same for everyone."""

    kind = "constant"

    number: Exact = field(converter=_factor)

    def value(self, activity: Activity, member: Member) -> Number:
        """The number."""
        return self.number

    def _lower(self, columns: Columns) -> Column:
        return columns.number(self.number)

    def _code(self) -> _show.Code:
        return _show.code_of(self.number)


def _several(values: Iterable[Factor | Number]) -> tuple[Factor, ...]:
    several = tuple(inner for value in values for inner in _factors(a_factor(value)))
    if len(several) < 2 or all(isinstance(factor, Constant) for factor in several):  # noqa: PLR2004 (a pair)
        raise RuleError("factors: a product has two or more, not all of them numbers; give the one factor by itself")
    return several


@frozen
class Product(Factor):
    """Factors multiplied, written `a * b`."""

    kind = "product"

    factors: tuple[Factor, ...] = field(converter=_several)

    def value(self, activity: Activity, member: Member) -> Number:
        """All of them, multiplied."""
        result: Exact = 1
        for factor in self.factors:
            result *= factor._exactly(activity, member)
        return result

    def _lower(self, columns: Columns) -> Column:
        return prod(map(columns.factor, self.factors), start=columns.number(1))

    def _code(self) -> _show.Code:
        first, second, *_ = self.factors
        if isinstance(first, Constant) and isinstance(second, Constant):
            # Python would multiply the two numbers
            return _show.infix("*", _show.PRODUCT, (first, Product(self.factors[1:])))
        return _show.infix("*", _show.PRODUCT, self.factors)


@frozen
class FactorWhen(Factor):
    """A factor that holds where a condition does; see `Factor.when`."""

    kind = "factor_when"

    factor: Factor = field(converter=a_factor)
    condition: Condition = field(converter=as_condition)

    def value(self, activity: Activity, member: Member) -> Number:
        """The factor, or 1 where the condition keeps no line."""
        return self.factor._exactly(activity, member) if self.condition.select(activity, member).lines else 1

    def _lower(self, columns: Columns) -> Column:
        return columns.pick(columns.keeps(self.condition), columns.factor(self.factor), columns.number(1))

    def _code(self) -> _show.Code:
        number = isinstance(self.factor, Constant)  # which has no methods
        owner = _show.call("Constant", (self.factor,)) if number else self.factor
        return _show.method(owner, "when", self.condition)


def _table(value: Mapping[Any, Number]) -> FrozenMap[Any, Exact]:
    if not isinstance(value, Mapping) or not value:
        raise RuleError(f"factors: {value!r} is no table of factors; give one as in {{'gold': '1.5'}}")
    return FrozenMap((fact_value(k, "factors"), at_least_zero(v, f"factors[{k!r}]")) for k, v in value.items())


def _by_value(value: Mapping[Any, Number]) -> FrozenMap[FactValue, Exact]:
    """A table by a fact; a tuple of values stands for each of them."""
    rows = [(key if isinstance(key, tuple) else (key,), factor) for key, factor in _table(value).items()]
    if any(not values for values, _ in rows):
        raise RuleError("factors: a factor is for any of no values; give at least one")
    check_hashes((key for values, _ in rows for key in values), "factors")
    factors: dict[FactValue, Exact] = {}
    for values, factor in rows:
        for key in values:
            if key in factors:
                raise RuleError(f"factors: {key!r} stands twice; give each value one factor")
            factors[key] = factor
    return FrozenMap(factors)


def _tiers(value: Mapping[str, Number]) -> FrozenMap[str, Exact]:
    table = _table(value)
    texts(tuple(table), "by_tier")
    return table


def _otherwise(value: Number) -> Exact:
    return at_least_zero(value, "otherwise")


@frozen
class ByTier(Factor):
    """A factor for each tier; see `by_tier`."""

    kind = "by_tier"

    factors: FrozenMap[str, Exact] = field(converter=_tiers)
    otherwise: Exact = field(default=1, converter=_otherwise, kw_only=True)

    def value(self, activity: Activity, member: Member) -> Number:
        """The factor of the member's tier."""
        factor: Exact = self.factors.get(member.tier, self.otherwise)
        return factor

    def _lower(self, columns: Columns) -> Column:
        return columns.look_up(TIER, self.factors, self.otherwise)

    def _code(self) -> _show.Code:
        other = {} if self.otherwise == 1 else {"otherwise": self.otherwise}
        if all(name.isidentifier() and not iskeyword(name) and name != "otherwise" for name in self.factors):
            return _show.call("by_tier", (), {**self.factors, **other})
        return _show.call("by_tier", (_show.table(self.factors),), other)


@readable
def by_tier(factors: Mapping[str, Number] | None = None, /, *, otherwise: Number = 1, **named: Number) -> Factor:
    """A factor for each tier of the program's first ladder, as a mapping or as keywords.

    A tier that is not named has *otherwise*; bonuses that are added to a base use `otherwise=0`.

    >>> by_tier({"silver": "1.25"}, gold="1.5")
    by_tier(silver='1.25', gold='1.5')
    """
    return ByTier({**(factors or {}), **named}, otherwise=otherwise)


def _rate_or_none(value: Number | None) -> Exact | None:
    return None if value is None else _otherwise(value)


@frozen
class RateTable(Table, Factor):
    """A factor looked up by several facts: shares of the distance by carrier and booking class, rates by band.

    *rows* and *by* are those of `PointsTable`. A key without a row has the factor *otherwise*; left out, it is a
    `RuleError` that names the key.

    >>> shares = RateTable({"SN": {("J", "C"): "1.25", "Q": "0.5"}, "TK": {"C": "1.5"}}, by=("carrier", "letter"))
    >>> flight = Activity.flight(at="2026-03-01", distance=800, carrier="SN", letter="C")
    >>> (PerUnit(1, of="distance") * shares).award(flight).points
    1000
    """

    kind = "rate_table"
    _number = "factor"

    otherwise: Exact | None = field(default=None, converter=_rate_or_none, kw_only=True)

    def value(self, activity: Activity, member: Member) -> Number:
        """The factor of the activity's row."""
        keys = self._stated(activity)
        factor: Exact | None = self._numbers.get(keys, self.otherwise)
        if factor is None:
            raise self._missing(keys)
        return factor

    def _lower(self, columns: Columns) -> Column:
        return self._looked_up(columns, self.otherwise)


def _told_apart(factors: Mapping[FactValue, Exact]) -> frozenset[tuple[bool, FactValue, Exact]]:
    """What tables by a fact are compared by: in Python `True == 1`, but here they are two facts."""
    return frozenset((isinstance(value, bool), value, factor) for value, factor in factors.items())


@frozen
class FactTable(Factor):
    """Base of the factors for each value of a fact. Implement `stated`; the function that makes one bears its kind."""

    name: str = field(validator=is_name)
    factors: FrozenMap[FactValue, Exact] = field(converter=_by_value, eq=_told_apart)
    otherwise: Exact = field(default=1, converter=_otherwise, kw_only=True)

    @abstractmethod
    def stated(self, activity: Activity, member: Member) -> FactValue | None:
        """The fact's value, if it has one."""

    def value(self, activity: Activity, member: Member) -> Number:
        """The factor of the fact's value; the first that is listed, if the fact is a tuple."""
        stated = self.stated(activity, member)
        values = stated if isinstance(stated, tuple) else (stated,)
        known = self.factors.items()
        return next((factor for v in values for key, factor in known if same_fact(key, v)), self.otherwise)

    def _code(self) -> _show.Code:
        other = {} if self.otherwise == 1 else {"otherwise": self.otherwise}
        return _show.call(self.kind, (self.name, _show.table(self.factors)), other)


@frozen
class ByFact(FactTable):
    """A factor for each value of a fact of the activity; see `by_fact`."""

    kind = "by_fact"

    def stated(self, activity: Activity, member: Member) -> FactValue | None:
        """What the activity states."""
        stated: FactValue | None = activity.fact(self.name)
        return stated

    def _lower(self, columns: Columns) -> Column:
        return columns.look_up(columns.agreed(self.name), self.factors, self.otherwise)


@frozen
class ByMemberFact(FactTable):
    """A factor for each value of a fact of the member; see `by_member_fact`."""

    kind = "by_member_fact"

    def stated(self, activity: Activity, member: Member) -> FactValue | None:
        """What is known of the member."""
        known: FactValue | None = member.facts.get(self.name)
        return known

    def _lower(self, columns: Columns) -> Column:
        return columns.look_up(("member_fact", self.name), self.factors, self.otherwise)


@readable
def by_fact(name: str, factors: Mapping[Any, Number], *, otherwise: Number = 1) -> Factor:
    """A factor for each value of a fact of the activity; *otherwise* where it is not stated or not listed.

    A tuple of values stands for each of them. Where what is not listed should be an error, see `RateTable`.

    >>> by_fact("booking_class", {("F", "J"): "1.5", "Q": "0.25"})
    by_fact('booking_class', {'F': '1.5', 'J': '1.5', 'Q': '0.25'})
    """
    return ByFact(name, factors, otherwise=otherwise)


@readable
def by_member_fact(name: str, factors: Mapping[Any, Number], *, otherwise: Number = 1) -> Factor:
    """A factor for each value of a fact of the member, such as a plan; *otherwise* where it is not known or not listed.

    >>> rule = PerSpend(1) * by_member_fact("plan", {"pro": 2})
    >>> rule.award(Activity.purchase(30, at="2026-03-01"), Member(facts={"plan": "pro"})).points
    60
    """
    return ByMemberFact(name, factors, otherwise=otherwise)
