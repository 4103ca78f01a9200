"""What happened, and to whom: lines, activities and members.

An activity is a tuple of lines at a moment. A condition keeps lines, a band trims their amounts, and the rule inside
sees the smaller activity: there is one level of evaluation and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import asin, cos, inf, radians, sin, sqrt
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeGuard
from zoneinfo import ZoneInfo

import attrs
from attrs import field

from loyaltycore._calendar import civil_date, in_zone, moment, month_day
from loyaltycore._exact import EMPTY, Exact, FrozenMap, Number, divided, exact, frozen_map, show, total, whole
from loyaltycore._strategy import Stored, frozen, unlocked
from loyaltycore.errors import DataError, RuleError

if TYPE_CHECKING:
    from loyaltycore.awards import Award

_MEASURES: Final = ("amount", "quantity")

FactValue: TypeAlias = str | int | Fraction | bool | tuple[Any, ...]
"""What a fact may be: text, an exact number, a truth value, or a tuple of them (which matches on any)."""

Place: TypeAlias = str | tuple[Any, Any] | tuple[str, Any, Any]
"""A code such as `"JFK"`, a pair of degrees (latitude, longitude), or both as (code, latitude, longitude)."""


def fact_value(value: object, what: str) -> FactValue:
    """A fact in its one form: numbers exact, dates as ISO text, lists and sets as tuples."""
    if isinstance(value, (set, frozenset)):
        return tuple(sorted((_one_fact(v, what) for v in value), key=repr))
    if isinstance(value, (tuple, list)):
        return tuple(_one_fact(v, what) for v in value)
    return _one_fact(value, what)


def _one_fact(value: object, what: str) -> FactValue:
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, Decimal, Fraction, float)):
        return exact(value, what)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise DataError(f"{type(value).__name__} is no fact; give text, a number, a truth value or a tuple of them", what)


def same_fact(a: object, b: object) -> bool:
    """Whether two facts are the same: `True` is no 1 here, though Python thinks so."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def fact_map(facts: Mapping[str, object], what: str = "facts") -> FrozenMap[str, FactValue]:
    """A mapping of facts; a fact that is `None` is left out, since it is not stated."""
    if isinstance(facts, (dict, FrozenMap)) and not facts:
        return EMPTY
    if not isinstance(facts, Mapping):
        raise DataError(f"{type(facts).__name__} is no mapping; give names and values as in {{'cabin': 'first'}}", what)
    for name in facts:
        if not isinstance(name, str) or not name:
            raise DataError(f"{name!r} is no name; name facts by text that is not empty", what)
    return FrozenMap((n, fact_value(v, f"{what}.{n}")) for n, v in facts.items() if v is not None)


def _is_number(value: object) -> TypeGuard[Exact]:
    return isinstance(value, (int, Fraction)) and not isinstance(value, bool)


def _is_text(_: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str):
        raise DataError(f"{value!r} is not text; give a str", field.name)


def _amount(value: Number) -> Exact:
    return exact(value, "amount")


def _quantity(value: Number) -> Exact:
    return exact(value, "quantity")


@frozen
class Line(Stored):
    """One line of a basket: an amount of money and what it was for.

    *amount* is in the currency's main unit (12.50 dollars) and may be below 0 for something returned. *quantity* may
    be a fraction (1.2 kg). *facts* say anything else of the line, for `Fact` and `PerUnit`.

    >>> Line("12.50", "dining", quantity=2)
    Line('12.5', category='dining', quantity=2)
    """

    _kind = "line"

    amount: Exact = field(converter=_amount)
    category: str = field(default="", validator=_is_text)
    sku: str = field(default="", validator=_is_text, kw_only=True)
    quantity: Exact = field(default=1, converter=_quantity, kw_only=True)
    facts: FrozenMap[str, FactValue] = field(default=EMPTY, converter=fact_map, kw_only=True)

    def fact(self, name: str, default: Any = None) -> Any:
        """A fact of this line, or *default*."""
        return self.facts.get(name, default)

    def _with(self, amount: Exact, quantity: Exact, facts: FrozenMap[str, FactValue]) -> Line:
        """The same line with other numbers, unchecked."""
        new = _UnlockedLine()
        new.amount = amount
        new.category = self.category
        new.sku = self.sku
        new.quantity = quantity
        new.facts = facts
        new.__class__ = Line
        return new  # type: ignore[no-any-return]  # it is one now

    def _scaled(self, of: str, ratio: Exact) -> Line:
        """The same line with its measure *of* scaled."""
        amount = self.amount * ratio if of == "amount" else self.amount
        quantity = self.quantity * ratio if of == "quantity" else self.quantity
        return self._with(amount, quantity, _scaled_facts(self.facts, of, ratio))


_UnlockedLine: Final = unlocked(Line)


def _at(value: date | datetime | str) -> datetime:
    at = moment(value)
    if MINYEAR < at.year < MAXYEAR:
        return at
    raise DataError(f"the year {at.year} leaves no room for the periods around it; give the date it happened", "at")


def _same_moment(at: datetime) -> datetime:
    """What moments are compared by: the instant, which Python's own comparison misses where civil time comes twice."""
    return at if at.tzinfo is None else at.astimezone(UTC)


def _lines(value: Line | Iterable[Line]) -> tuple[Line, ...]:
    lines = (value,) if isinstance(value, Line) else tuple(value) if isinstance(value, Iterable) else ()
    for i, line in enumerate(lines):
        if not isinstance(line, Line):
            raise DataError(f"{line!r} is no line; give Line(amount, category)", f"lines[{i}]")
    if not lines:
        raise DataError("an activity has at least one line; for one without an amount use Activity.action", "lines")
    return lines


@frozen
class Activity(Stored):
    """Something a member did that a program may reward: a purchase, a flight, a review.

    *at* is a date, a datetime or ISO text: civil time in the program's zone if naive, converted to it if aware; a
    date is its first moment. *id* identifies the activity to an account; *facts* say anything that is not of one
    line. Amounts that come to less than 0 are refused: a refund is no activity, it reverses one.

    >>> Activity([Line("80", "dining"), Line("40")], at="2026-03-01").amount
    120
    """

    _kind = "activity"

    lines: tuple[Line, ...] = field(converter=_lines)
    at: datetime = field(converter=_at, eq=_same_moment, kw_only=True)
    kind: str = field(default="purchase", validator=_is_text, kw_only=True)
    id: str = field(default="", validator=_is_text, kw_only=True)
    member: str = field(default="", validator=_is_text, kw_only=True)
    facts: FrozenMap[str, FactValue] = field(default=EMPTY, converter=fact_map, kw_only=True)
    amount: Exact = field(init=False, eq=False, repr=False)
    """The sum of the lines' amounts, in the currency's main unit."""

    def __attrs_post_init__(self) -> None:
        amount = total([line.amount for line in self.lines])
        if amount < 0:
            raise DataError(
                f"the lines come to {show(amount)}, and an activity's amount is never below 0;"
                " to take points back for a refund, reverse the activity: account.reverse(activity_id, amount=...)",
                "lines",
            )
        object.__setattr__(self, "amount", amount)

    # How activities are made ----------------------------------------------------------------------------------------

    @classmethod
    def purchase(
        cls,
        amount: Number | None = None,
        *,
        at: date | datetime | str,
        lines: Iterable[Line] = (),
        category: str = "",
        sku: str = "",
        quantity: Number = 1,
        tenders: Mapping[str, Number] | None = None,
        id: str = "",
        member: str = "",
        **facts: object,
    ) -> Activity:
        """A purchase: one *amount*, or *lines*, or both (the amount is then a line of its own).

        *tenders* says how it was paid, as amounts by name that add up to the whole. Each line is split in that
        proportion, amount and quantity, and each part states the fact `tender`.

        >>> paid = Activity.purchase("8.50", at="2026-03-01", tenders={"card": "5.00", "cash": "3.50"})
        >>> [(line.fact("tender"), line.amount) for line in paid.lines]
        [('card', 5), ('cash', Fraction(7, 2))]
        """
        basket = list(lines)
        if amount is not None:
            basket.insert(0, Line(amount, category, sku=sku, quantity=quantity))
        elif category or sku or quantity != 1:
            raise DataError("category, sku and quantity belong to an amount; say them of each line", "amount")
        if tenders is not None:
            basket = _split_by_tender(_lines(basket), tenders)
        return cls(basket, at=at, id=id, member=member, facts=_one_by_one(facts))

    @classmethod
    def flight(
        cls,
        *,
        base_fare: Number = 0,
        carrier_fees: Number = 0,
        taxes: Number = 0,
        at: date | datetime | str,
        id: str = "",
        member: str = "",
        ticket: str = "",
        distance: Number | None = None,
        origin: Place = "",
        destination: Place = "",
        cabin: str = "",
        booking_class: str = "",
        carrier: str = "",
        **facts: object,
    ) -> Activity:
        """A flight: lines of category `base_fare`, `carrier_fee` and `tax`, and facts of the journey.

        *distance* is in whatever unit the program counts. Left out, it is the great-circle distance in statute miles
        when *origin* and *destination* carry coordinates: (latitude, longitude) in degrees, or with the code first.

        >>> jfk, lhr = ("JFK", "40.6398", "-73.7789"), ("LHR", "51.4706", "-0.461941")
        >>> Activity.flight(base_fare=300, at="2026-03-01", origin=jfk, destination=lhr).fact("distance")
        3442
        """
        if distance is None:
            distance = great_circle_miles(origin, destination)
        stated = {
            "ticket": ticket,
            "distance": distance,
            "origin": _place_code(origin),
            "destination": _place_code(destination),
            "cabin": cabin,
            "booking_class": booking_class,
            "carrier": carrier,
        }
        amounts = {"base_fare": base_fare, "carrier_fee": carrier_fees, "tax": taxes}
        lines = [Line(amount, category) for category, amount in amounts.items()]
        return cls(
            [line for line in lines if line.amount] or lines[:1],
            at=at,
            kind="flight",
            id=id,
            member=member,
            facts={name: value for name, value in stated.items() if value not in ("", None)} | _one_by_one(facts),
        )

    @classmethod
    def action(
        cls, kind: str, *, at: date | datetime | str, id: str = "", member: str = "", **facts: object
    ) -> Activity:
        """Something without an amount, such as a review: one line of 0, so that `Flat` can reward it.

        >>> Activity.action("review", at="2026-03-01", stars=5).kind
        'review'
        """
        return cls(Line(0), at=at, kind=kind, id=id, member=member, facts=_one_by_one(facts))

    # What rules read ------------------------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        from loyaltycore._notebook import activity_html

        return activity_html(self)

    @property
    def quantity(self) -> Exact:
        """The sum of the lines' quantities."""
        return total([line.quantity for line in self.lines])

    @property
    def day(self) -> date:
        """The civil date."""
        return self.at.date()

    def fact(self, name: str, default: Any = None) -> Any:
        """A fact of the activity, or one that every line that states it agrees on."""
        value = self.facts.get(name)
        if value is not None:
            return value
        stated = [line.facts[name] for line in self.lines if name in line.facts]
        if not stated:
            return default
        if any(value != stated[0] for value in stated):
            raise DataError(
                f"the lines disagree on {name!r}; judge them one by one with .each_line(),"
                f" or by it with .each({name!r})",
                "lines",
            )
        return stated[0]

    def measure(self, of: str) -> Exact:
        """How much: the `"amount"`, the `"quantity"`, or a fact summed (over the lines that state it, or once).

        A fact that nothing states is 0; one that is no number is an error.

        >>> Activity.flight(at="2026-03-01", distance=800).measure("distance")
        800
        """
        if of == "amount":
            return self.amount
        if of == "quantity":
            return self.quantity
        stated = [line.facts[of] for line in self.lines if of in line.facts] or [self.facts.get(of, 0)]
        return total([_counted(value, of) for value in stated])

    # How rules make it smaller --------------------------------------------------------------------------------------

    def keeping(self, lines: tuple[Line, ...]) -> Activity:
        """The same activity with these lines of it only; there may be none."""
        if len(lines) == len(self.lines):
            return self
        return self._with(lines, self.facts, total([line.amount for line in lines]))

    def scaled(self, of: str, part: Exact, whole: Exact) -> Activity:
        """The same activity with its measure *of* scaled to *part* of *whole*, in proportion on every line."""
        if of == "amount" and len(self.lines) == 1:
            only = self.lines[0]
            return self._with((only._with(part, only.quantity, only.facts),), self.facts, part)
        ratio = divided(part, whole)
        lines = tuple([line._scaled(of, ratio) for line in self.lines])
        return self._with(lines, _scaled_facts(self.facts, of, ratio), part if of == "amount" else self.amount)

    def in_zone(self, where: ZoneInfo) -> Activity:
        """The same activity with its moment in civil time of that zone."""
        at = in_zone(self.at, where)
        return self if at is self.at else self.moved(at)

    def moved(self, at: datetime) -> Activity:
        """The same activity at another moment, unchecked."""
        return self._with(self.lines, self.facts, self.amount, at)

    def _with(
        self, lines: tuple[Line, ...], facts: FrozenMap[str, FactValue], amount: Exact, at: datetime | None = None
    ) -> Activity:
        """The same activity with other lines, unchecked: a narrowed one may have none, or come to less than 0."""
        new = _UnlockedActivity()
        new.lines = lines
        new.at = at or self.at
        new.kind = self.kind
        new.id = self.id
        new.member = self.member
        new.facts = facts
        new.amount = amount
        new.__class__ = Activity
        return new  # type: ignore[no-any-return]  # it is one now


_UnlockedActivity: Final = unlocked(Activity)


def _scaled_facts(facts: FrozenMap[str, FactValue], of: str, ratio: Exact) -> FrozenMap[str, FactValue]:
    if of in _MEASURES or of not in facts:
        return facts
    return FrozenMap({**facts, of: _counted(facts[of], of) * ratio})


def _counted(value: FactValue, of: str) -> Exact:
    """A fact that is a number."""
    if _is_number(value):
        return value
    raise DataError(f"{value!r} is not a number; state {of!r} as an int, a Decimal or a Fraction", f"facts.{of}")


def _one_by_one(facts: dict[str, object]) -> dict[str, object]:
    """Facts given as keywords; none is called what is something else of an activity."""
    for name in ("kind", "lines", "facts"):
        if name in facts:
            raise DataError(
                "this would be a fact of that name; give facts one by one as keywords, and the rest to Activity", name
            )
    return facts


def _split_by_tender(lines: Iterable[Line], tenders: Mapping[str, Number]) -> list[Line]:
    paid = {name: exact(amount, f"tenders.{name}") for name, amount in tenders.items()}
    due, given = total([line.amount for line in lines]), total(list(paid.values()))
    if given != due:
        raise DataError(f"they come to {show(given)} and the lines to {show(due)}; give all there were", "tenders")
    if not given:  # nothing was paid, so nothing says how
        return list(lines)
    shares = {name: divided(part, given) for name, part in paid.items()}
    return [
        line._with(line.amount * share, line.quantity * share, FrozenMap({**line.facts, "tender": name}))
        for line in lines
        for name, share in shares.items()
    ]


# Great circles ------------------------------------------------------------------------------------------------------

EARTH_MILES: Final = 3958.7613
"""The mean radius of the earth, 6371.0088 km (IUGG), in statute miles."""


def great_circle_miles(origin: Place, destination: Place) -> int | None:
    """Whole statute miles between two places with coordinates, or `None` where one has none.

    The haversine formula on a sphere, rounded to the nearest mile; real programs publish their own distances, within
    about half a percent of it.

    >>> great_circle_miles((0, 0), (0, 180))
    12437
    """
    start, end = _coordinates(origin, "origin"), _coordinates(destination, "destination")
    if start is None or end is None:
        return None
    (lat1, lon1), (lat2, lon2) = start, end
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_MILES * asin(sqrt(min(1.0, half))))


def _coordinates(place: Place, what: str) -> tuple[float, float] | None:
    if isinstance(place, str):
        return None
    try:
        *code, lat, lon = place
        # degrees are measured, not counted: floats are fine here and nowhere else
        lat, lon = float(lat), float(lon)
    except (TypeError, ValueError):
        code, lat, lon = [], inf, inf
    if len(code) <= 1 and abs(lat) <= 90 and abs(lon) <= 180:  # noqa: PLR2004 (degrees)
        return radians(lat), radians(lon)
    raise DataError(f"{place!r} is no place; give (latitude, longitude) in degrees, a code, or (code, lat, lon)", what)


def _place_code(place: Place) -> str:
    return place if isinstance(place, str) else place[0] if len(place) == 3 else ""  # noqa: PLR2004


# Counters -----------------------------------------------------------------------------------------------------------


class CounterKey(NamedTuple):
    """What a counter counts: a unit of the program, the rule's name, what of it, and the period of the activity."""

    unit: str
    name: str
    what: str
    period: str

    def is_by_all(self) -> bool:
        """Whether all members count together: a stock, or a limit among all."""
        return self.what.endswith("by all")


def _tuple_of_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(lines)


@frozen
class Tally(Stored):
    """Lines added up over a period: lines alike in category, sku and facts are one, with their numbers added.

    Two facts about facts: numbers add up, and a line also has the facts of its activity, so that `Fact("cabin",
    "first")` still means the flight it was of.
    """

    _kind = "tally"

    lines: tuple[Line, ...] = field(default=(), converter=_tuple_of_lines)

    @classmethod
    def of(cls, activity: Activity) -> Tally:
        """The lines of one activity."""
        labels = {n: v for n, v in activity.facts.items() if not _is_number(v)}
        lines = sorted((_with_facts(line, {**labels, **line.facts}) for line in activity.lines), key=_place)
        # a number of the activity (its distance) counts once, and not where lines state it: the first line carries it
        stated = {n for line in lines for n in line.facts}
        once = {n: v for n, v in activity.facts.items() if n not in stated}
        lines[:1] = [_with_facts(line, {**line.facts, **once}) for line in lines[:1]]
        return cls() + cls(lines)

    def __add__(self, other: Tally) -> Tally:
        if not isinstance(other, Tally):
            return NotImplemented
        merged: dict[Any, Line] = {}
        for line in (*self.lines, *other.lines):
            labels = frozenset((n, v) for n, v in line.facts.items() if not _is_number(v))
            key = (line.category, line.sku, labels)
            merged[key] = _add_lines(merged[key], line) if key in merged else line
        lines = map(_without_zeros, merged.values())
        kept = [line for line in lines if line.amount or line.quantity or any(map(_is_number, line.facts.values()))]
        return Tally(sorted(kept, key=_place))

    def __neg__(self) -> Tally:
        return Tally(
            line._with(
                -line.amount, -line.quantity, FrozenMap({n: -v if _is_number(v) else v for n, v in line.facts.items()})
            )
            for line in self.lines
        )

    def scaled(self, ratio: Exact) -> Tally:
        """So many times all of it; a ratio below 0 takes it away."""
        return Tally(line._with(*_scaled(line, ratio)) for line in self.lines)

    def activity(self, like: Activity) -> Activity:
        """All of it as one activity, at the moment and of the kind of *like*."""
        return like._with(self.lines, EMPTY, total([line.amount for line in self.lines]))


def _without_zeros(line: Line) -> Line:
    """The line without facts that came to 0, so that taking away again what was added leaves no trace."""
    facts = {n: v for n, v in line.facts.items() if v or not _is_number(v)}
    return line if len(facts) == len(line.facts) else _with_facts(line, facts)


def _with_facts(line: Line, facts: Mapping[str, FactValue]) -> Line:
    return line._with(line.amount, line.quantity, FrozenMap(facts))


def _place(line: Line) -> tuple[str, str, str]:
    """What lines of a tally are sorted by."""
    return line.category, line.sku, repr(sorted(line.facts.items(), key=str))


def _scaled(line: Line, ratio: Exact) -> tuple[Exact, Exact, FrozenMap[str, FactValue]]:
    facts = FrozenMap((n, v * ratio if _is_number(v) else v) for n, v in line.facts.items())
    return line.amount * ratio, line.quantity * ratio, facts


def _add_lines(a: Line, b: Line) -> Line:
    facts: dict[str, Any] = dict(a.facts)
    for name, value in b.facts.items():
        facts[name] = facts.get(name, 0) + value if _is_number(value) else value
    return a._with(a.amount + b.amount, a.quantity + b.quantity, FrozenMap(facts))


Count: TypeAlias = int | Fraction | Tally
Counts: TypeAlias = Mapping[CounterKey, Count]


def add_counts(a: FrozenMap[CounterKey, Count], b: Counts) -> FrozenMap[CounterKey, Count]:
    """Both, added key by key."""
    if not b:
        return a
    sums: dict[CounterKey, Any] = {}
    for key, count in b.items():
        before = a.get(key)
        sums[key] = count if before is None else before + count
    return a.replacing(sums)


# Members ------------------------------------------------------------------------------------------------------------


def _joined(value: date | str | None) -> date | None:
    return None if value is None else civil_date(value, "joined")


def _dates(value: Mapping[str, date | str]) -> FrozenMap[str, date]:
    if isinstance(value, FrozenMap):
        return value
    return FrozenMap((name, civil_date(day, f"last.{name}")) for name, day in value.items())


def _ladder(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise DataError(f"{value!r} is one name; give all tiers from the lowest up, as in ('silver', 'gold')", "ladder")
    return tuple(value)


def _lots_or_none(value: Any) -> Any:
    return value if value is None or hasattr(value, "available") else tuple(value)


@frozen
class Member(Stored):
    """Who an activity is judged for, as of that moment: all that a rule may know besides the activity.

    *tier* is the tier in the program's first ladder, *tiers* the tier in each by name, *ladder* the names of the first
    from the lowest up; *joined* is a civil date. *counted* holds the counters that rules left in earlier awards. *lots*
    are the lots of points that can be spent; `None`, unlike `()`, says that they are not known.
    """

    _kind = "member"

    id: str = field(default="", validator=_is_text)
    tier: str = field(default="", validator=_is_text, kw_only=True)
    tiers: FrozenMap[str, str] = field(default=EMPTY, converter=frozen_map, kw_only=True)
    ladder: tuple[str, ...] = field(default=(), converter=_ladder, kw_only=True)
    joined: date | None = field(default=None, converter=_joined, kw_only=True)
    facts: FrozenMap[str, FactValue] = field(default=EMPTY, converter=fact_map, kw_only=True)
    counted: FrozenMap[CounterKey, Count] = field(default=EMPTY, converter=frozen_map, kw_only=True)
    last: FrozenMap[str, date] = field(default=EMPTY, converter=_dates, kw_only=True)
    lots: Any = field(default=None, converter=_lots_or_none, kw_only=True)
    unit: str = field(default="", validator=_is_text, kw_only=True)

    def after(self, award: Award) -> Member:
        """The member once the award's counters are folded in."""
        return self.counting(award.counts)

    def counting(self, counts: Counts) -> Member:
        """The member with these added to the counters."""
        return self._with(add_counts(self.counted, counts), self.lots, self.unit) if counts else self

    def seen(self, activity: Activity) -> Member:
        """The member once the activity itself is counted, for `FirstTime` and `EveryNth`."""
        return self.counting(counts_of(activity.kind))

    def in_unit(self, unit: str) -> Member:
        """The member as rules of that unit see them: their counters carry its name."""
        return self if self.unit == unit else self._with(self.counted, self.lots, unit)

    @property
    def lots_known(self) -> bool:
        """Whether *lots* were given at all; an account always gives them."""
        return self.lots is not None

    def available(self, unit: str) -> int:
        """How many points of the unit the lots have."""
        count: Any = getattr(self.lots, "available", None)
        return count(unit) if count else sum(lot.points for lot in self.lots or () if unit in ("", lot.unit))

    def owed(self, unit: str) -> int:
        """How many points of the unit are owed beyond those that are available."""
        count: Any = getattr(self.lots, "owed", None)
        return count(unit) if count else 0

    def only_lots(self, condition: Any) -> Member:
        """The member with those lots alone whose facts the condition accepts."""
        narrow: Any = getattr(self.lots, "only", None)
        lots = narrow(condition) if narrow else [lot for lot in self.lots or () if lot.accepted(condition, self)]
        return self._with(self.counted, _lots_or_none(lots), self.unit)

    def _with(self, counted: FrozenMap[CounterKey, Count], lots: Any, unit: str) -> Member:
        """The same member with other counters, lots or unit, unchecked."""
        new = _UnlockedMember()
        new.id = self.id
        new.tier = self.tier
        new.tiers = self.tiers
        new.ladder = self.ladder
        new.joined = self.joined
        new.facts = self.facts
        new.counted = counted
        new.last = self.last
        new.lots = lots
        new.unit = unit
        new.__class__ = Member
        return new  # type: ignore[no-any-return]  # it is one now

    @property
    def birth_month(self) -> int | None:
        """The month the member was born (1 to 12), from the facts `birth_month` or `birthday` (`"1990-05-17"`)."""
        if "birth_month" in self.facts:
            month = whole(self.facts["birth_month"], "birth_month", at_least=1)
            if month > 12:  # noqa: PLR2004 (months)
                raise RuleError(f"birth_month: {month} is no month; give 1 to 12")
            return month
        if "birthday" not in self.facts:
            return None
        born = str(self.facts["birthday"])
        return month_day(born, "birthday")[0] if len(born) == len("05-17") else civil_date(born, "birthday").month

    def times(self, kind: str | None = None) -> int:
        """How many activities of that kind (of any, if `None`) were counted before this one."""
        return int(self.counted.get(_seen_key(kind or ""), 0))


_UnlockedMember: Final = unlocked(Member)

SEEN: Final = "activities"
"""What the counters of activities themselves count, which no rule keeps."""


def _seen_key(kind: str) -> CounterKey:
    return CounterKey("", kind, SEEN, "ever")


@lru_cache(maxsize=256)
def counts_of(kind: str, *, event: bool = False) -> Mapping[CounterKey, int]:
    """What an activity of that kind itself counts, for `FirstTime` and `EveryNth`; an account's own event, its kind."""
    return {_seen_key(name): 1 for name in ({kind} if event else {"", kind})}


ANYONE: Final = Member()
"""A member of whom nothing is known."""
