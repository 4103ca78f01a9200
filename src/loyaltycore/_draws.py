"""Hypothesis strategies for lines, activities, members, conditions, factors and rules; `loyaltycore.testing` has them.

Everything is drawn from a few words, so that conditions hit, and at the edges: month ends, midnight, 29 February,
amounts at the bounds that rules name. A rule drawn here answers for every activity and member drawn here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache, lru_cache
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar

from attrs import evolve
from hypothesis import strategies as st

from loyaltycore._exact import MODES, Exact, exact, tidy
from loyaltycore._strategy import Stored, Strategy
from loyaltycore.activity import Activity, CounterKey, Line, Member
from loyaltycore.conditions import (
    And,
    Anniversary,
    AtLeastTier,
    BirthMonth,
    Category,
    Condition,
    During,
    EveryNth,
    Fact,
    FirstTime,
    Has,
    InExperiment,
    InHours,
    InTier,
    MemberFact,
    Not,
    OfKind,
    OnWeekdays,
    Or,
    Sku,
)
from loyaltycore.counted import Cap, Cooldown, EveryNthTime, InARow, Limit, Running
from loyaltycore.earning import (
    AtLeast,
    BestOf,
    EachLine,
    EachOf,
    EarningRule,
    FirstOf,
    Named,
    Rounded,
    Sum,
    Times,
    When,
    Within,
)
from loyaltycore.earning_rules import Flat, PerItem, PerSpend, PerStep, PerUnit, PointsTable
from loyaltycore.factors import ByFact, ByMemberFact, ByTier, Constant, Factor, FactorWhen, Product, RateTable
from loyaltycore.periods import Calendar, Each, Every, Lifetime, MembershipYear, Period, Word
from loyaltycore.tables import OVER, Band

T = TypeVar("T")
Draw: TypeAlias = st.DrawFn

# The words that everything is drawn from ----------------------------------------------------------------------------

CATEGORIES: Final = ("dining", "food & drink", "base_fare")
SKUS: Final = ("latte", "gift card {50}")
TIERS: Final = ("silver", "gold", "top tier")
ACTIONS: Final = ("review", "stay")

ACTIVITY_FACTS: Final[dict[str, tuple[Any, ...]]] = {
    "channel": ("web", "store"),
    "cabin": ("economy", "first"),
    "ticket": ("T1", "T2"),
    "nights": (1, 2, 0),
    "distance": (500, 1200, Fraction(1, 2)),
}
"""Facts that are of the whole activity, with their values."""

LINE_FACTS: Final[dict[str, tuple[Any, ...]]] = {
    "brand": ("own", "other"),
    "organic": (True, False),
    "labels": (("new",), ("new", "sale")),
    "weight": (1, Fraction(5, 4), 0),
}
"""Facts that are of one line, with their values."""

MEMBER_FACTS: Final[dict[str, tuple[Any, ...]]] = {
    "plan": ("free", "pro"),
    "segments": (("student",), ("student", "new")),
    "employee": (True, False),
    "birth_month": (2, 12),
    "birthday": ("2000-02-29", "12-31"),
}
"""Facts that are known of a member, with their values."""

MEASURES: Final = ("amount", "quantity", "nights", "distance", "weight")
"""What a rule may add up."""

_DAYS: Final = tuple(
    map(
        date.fromisoformat,
        (
            "2026-03-02", "2026-03-01", "2026-02-28", "2026-01-31", "2026-01-01", "2025-12-31", "2026-03-31",
            "2026-04-01", "2026-06-30", "2024-02-29", "2024-02-28", "2024-03-01", "2025-02-28", "2026-03-07",
        ),
    )
)  # fmt: skip
_TIMES: Final = (time(0), time(12), time(15, 59), time(16), time(18), time(23, 59), time(23, 59, 59, 999_999))
_GAPS: Final = tuple(
    timedelta(days=days, minutes=minutes)
    for days, minutes in ((0, 0), (0, 1), (1, 0), (0, 60), (2, 0), (7, 0), (28, 0), (31, 0), (365, 0))
)


def _numbers(*values: str) -> tuple[Exact, ...]:
    return tuple(map(exact, values))


_POINTS: Final = st.sampled_from(_numbers("1", "0", "2", "5", "10", "100", "500", "0.5", "1.5", "1/3"))
_STEPS: Final = st.sampled_from(_numbers("1", "10", "50", "0.5", "3"))
_BOUNDS: Final = st.sampled_from(_numbers("50", "0.01", "1", "99.99", "100", "200"))
_FACTORS: Final = st.sampled_from(_numbers("2", "1", "0", "1.25", "1.5", "1/3"))
_QUANTITIES: Final = st.sampled_from(_numbers("1", "2", "3", "10", "0", "1.2"))
_EDGE_AMOUNTS: Final = _numbers(
    "0", "0.01", "1", "10", "49.99", "50", "50.01", "50.99", "99.99", "100", "100.01", "100.20", "120", "200", "200.55"
)
_AMOUNTS: Final = st.sampled_from(_EDGE_AMOUNTS) | st.integers(0, 50_000).map(lambda cents: tidy(Fraction(cents, 100)))
_FLAG: Final = st.booleans()


@lru_cache(maxsize=None, typed=True)  # typed: True is no 1 here
def _one_of(*values: T) -> st.SearchStrategy[T]:
    return st.sampled_from(values)


def _stated(draw: Draw, facts: dict[str, tuple[Any, ...]], names: Iterable[str]) -> dict[str, Any]:
    """A value or `None`, which is not stated, for each of the names."""
    return {name: draw(_one_of(None, *facts[name])) for name in names}


# Activities and members -----------------------------------------------------------------------------------------------


@st.composite
def moments(draw: Draw) -> datetime:
    """Naive moments at the edges: month and year ends, leap days, midnight and the moment before it."""
    return datetime.combine(draw(_one_of(*_DAYS)), draw(_one_of(*_TIMES)))


@st.composite
def lines(draw: Draw) -> Line:
    """Lines of a basket, with amounts in cents from 0 to 500 and often at the bounds that rules name."""
    return _line(draw)


def _line(draw: Draw) -> Line:
    return Line(
        draw(_AMOUNTS),
        draw(_one_of("", *CATEGORIES)),
        sku=draw(_one_of("", *SKUS)),
        quantity=draw(_QUANTITIES),
        facts=_stated(draw, LINE_FACTS, draw(_one_of((), ("brand", "weight"), ("organic", "labels")))),
    )


@st.composite
def activities(draw: Draw) -> Activity:
    """Purchases of a few lines (some returned, some split by tender), flights and actions, at the edges of time."""
    return _activity(draw, draw(moments()))


def _activity(draw: Draw, at: datetime, id: str = "") -> Activity:
    make: Callable[[Draw, datetime, str], Activity] = draw(_one_of(_purchase, _purchase, _flight, _action))
    return make(draw, at, id)


def _purchase(draw: Draw, at: datetime, id: str) -> Activity:
    basket = [_line(draw) for _ in range(draw(_one_of(1, 2, 3)))]
    total = sum(line.amount for line in basket)
    if draw(_one_of("none", "none", "returned")) == "returned":
        basket.append(evolve(_line(draw), amount=-min(draw(_AMOUNTS), total), quantity=-1))
    due = tidy(sum(line.amount for line in basket))
    card = draw(_one_of(None, None, None, Fraction(1), Fraction(1, 3))) if due else None
    tenders = None if card is None else {"card": due * card, "gift_card": due - due * card}
    return Activity.purchase(
        lines=basket,
        at=at,
        id=id,
        tenders=tenders,
        # a weight of the whole basket, beside those of its lines, is not counted
        **_stated(draw, ACTIVITY_FACTS | LINE_FACTS, draw(_one_of((), ("channel", "nights"), ("ticket", "weight")))),
    )


def _flight(draw: Draw, at: datetime, id: str) -> Activity:
    return Activity.flight(
        base_fare=draw(_AMOUNTS),
        carrier_fees=draw(_AMOUNTS),
        taxes=draw(_AMOUNTS),
        at=at,
        id=id,
        **_stated(draw, ACTIVITY_FACTS, ("ticket", "distance", "cabin")),
    )


def _action(draw: Draw, at: datetime, id: str) -> Activity:
    return Activity.action(
        draw(_one_of(*ACTIONS)), at=at, id=id, **_stated(draw, ACTIVITY_FACTS, ("nights", "channel"))
    )


@st.composite
def histories(draw: Draw, *, max_size: int = 5) -> tuple[Activity, ...]:
    """One member's activities in order of time, each with an id: at one moment, or days, months or years apart."""
    at = draw(moments())
    history = []
    for number in range(1, draw(st.integers(1, max_size)) + 1):
        history.append(_activity(draw, at, f"t-{number}"))
        at += draw(_one_of(*_GAPS))
    return tuple(history)


@st.composite
def members(draw: Draw) -> Member:
    """Members in a tier of the ladder or in none, who have joined, with facts and with activities counted before."""
    counted = {CounterKey("", kind, "activities", "ever"): draw(_one_of(0, 1, 2, 9)) for kind in ("", "purchase")}
    return Member(
        draw(_one_of("m-1", "m-2", "")),
        tier=draw(_one_of("", *TIERS)),
        ladder=TIERS,
        joined=draw(_one_of(*_DAYS)),
        facts=_stated(draw, MEMBER_FACTS, draw(_one_of((), ("plan", "birth_month"), tuple(MEMBER_FACTS)))),
        counted={key: times for key, times in counted.items() if times},
    )


# Conditions, factors and rules, one inside another ------------------------------------------------------------------

_NAMES: Final = st.shared(st.builds(count, st.just(1)), key="loyaltycore.testing: names")
"""One supply for all that an example draws: two rules that count under one name would share their counters."""


class _Maker:
    """Makes one value from draws, without some kinds of parts."""

    def __init__(self, draw: Draw, without: Iterable[type[Strategy]] = ()) -> None:
        self.draw = draw
        self.left_out = frozenset(without)

    def without(self, *kinds: type[Strategy]) -> _Maker:
        """One that leaves out these as well."""
        return _Maker(self.draw, self.left_out.union(kinds))

    def pick(self, *values: Any) -> Any:
        """One of them."""
        return self.draw(_one_of(*values))

    def flag(self) -> bool:
        """Yes or no."""
        return self.draw(_FLAG)

    def some(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """One or two of them."""
        return tuple(dict.fromkeys((self.pick(*values), self.pick(*values))))

    def stated(self, facts: dict[str, tuple[Any, ...]]) -> tuple[Any, ...]:
        """A fact's name and none, one or two of its values."""
        name, values = self.pick(*facts.items())
        each = [each for value in values for each in (value if isinstance(value, tuple) else (value,))]
        return (name, *(self.some(tuple(dict.fromkeys(each))) if self.flag() else ()))

    def name(self) -> str:
        """A name that nothing else has in this example."""
        return f"<rule {next(self.draw(_NAMES))}>"

    def one(self, base: Any, depth: int) -> Any:
        """A value of that class, with at most so many others one inside another."""
        return self.make(self.pick(*_kinds(base, self.left_out, leaves_only=depth <= 0)), depth)

    def make(self, kind: type[Any], depth: int) -> Any:
        """A value of exactly that kind."""
        return (_LEAVES.get(kind) or _NODES[kind])(self, depth - 1)


@cache
def _kinds(
    base: type[Strategy], left_out: frozenset[type[Strategy]], *, leaves_only: bool
) -> tuple[type[Strategy], ...]:
    kinds = tuple(_LEAVES) if leaves_only else (*_LEAVES, *_NODES)
    return tuple(kind for kind in kinds if issubclass(kind, base) and kind not in left_out)


def _during(m: _Maker, _: int) -> During:
    start, end = sorted(m.draw(moments()) for _ in range(2))
    if m.flag():
        return During(start, end)
    return During(m.pick(start.date(), None), m.pick(end.date(), None))


def _has(m: _Maker, depth: int) -> Has:
    condition = m.one(Condition, depth) if depth > 0 and m.flag() else None
    return Has(condition, at_least=m.draw(_BOUNDS), of=m.pick(*MEASURES))


def _table(m: _Maker, _: int) -> PointsTable:
    rows, band = _banded(m, _POINTS)
    return PointsTable(rows, by=band)


def _rates(m: _Maker, _: int) -> RateTable:
    rows, band = _banded(m, _FACTORS)
    return RateTable(rows, by=band)


def _banded(m: _Maker, numbers: st.SearchStrategy[Exact]) -> tuple[tuple[tuple[Any, Exact], ...], Band]:
    """A row for whatever comes, and the band that it is looked up by."""
    upto = m.pick((50, 100), (Fraction(1, 2),), (1, 2, 500))
    rows = tuple((bound, m.draw(numbers)) for bound in (*upto, OVER))
    return rows, Band(m.pick(*MEASURES), upto=upto)


def _by_fact(m: _Maker, _: int) -> ByFact:
    name, values = m.pick(*ACTIVITY_FACTS.items())
    return ByFact(name, {value: m.draw(_FACTORS) for value in m.some(values)}, otherwise=m.draw(_FACTORS))


def _by_member_fact(m: _Maker, _: int) -> ByMemberFact:
    plan = {value: m.draw(_FACTORS) for value in m.some(MEMBER_FACTS["plan"])}
    return ByMemberFact("plan", plan, otherwise=m.draw(_FACTORS))


def _product(m: _Maker, depth: int) -> Factor:
    product: Factor = m.without(Constant).one(Factor, depth) * m.one(Factor, depth)
    return m.draw(_FACTORS) * product if m.flag() else product


def _within(m: _Maker, depth: int) -> EarningRule:
    rule: EarningRule = m.one(EarningRule, depth)
    low, of = m.pick(0, m.draw(_BOUNDS)), m.pick(*MEASURES)
    return rule.between(low, low + m.draw(_BOUNDS), of=of) if m.flag() else rule.over(low, of=of)


def _running(m: _Maker, depth: int) -> Running:
    # over a period the lines disagree on facts, and what asks for one value of a fact has no answer
    inside = m.without(ByFact, Each).one(EarningRule, depth)
    return Running(inside.named(m.name()), per=m.one(Period, 1))


Make: TypeAlias = Callable[[_Maker, int], Any]

_LEAVES: Final[dict[type[Strategy], Make]] = {
    # periods
    Lifetime: lambda *_: Lifetime(),
    Calendar: lambda m, _: m.pick(
        Calendar("month"),
        Calendar("day"),
        Calendar("week"),
        Calendar("quarter"),
        Calendar("year"),
        Calendar("week", starts=7),
        Calendar("month", starts=31),
        Calendar("quarter", starts="02-01"),
        Calendar("year", starts="02-29"),
    ),
    MembershipYear: lambda *_: MembershipYear(),
    Each: lambda m, _: Each(m.pick("ticket", "channel")),
    Word: lambda m, _: Word(m.pick("activity", "line")),
    # conditions
    Category: lambda m, _: Category(*m.some(CATEGORIES)),
    Sku: lambda m, _: Sku(*m.some(SKUS)),
    Fact: lambda m, _: Fact(*m.stated(ACTIVITY_FACTS | LINE_FACTS)),
    OfKind: lambda m, _: OfKind(*m.some(("purchase", "flight", *ACTIONS))),
    Has: _has,
    During: _during,
    OnWeekdays: lambda m, _: OnWeekdays(*m.some((6, 7, 1))),
    InHours: lambda m, _: InHours(*m.pick(("16:00", "18:00"), ("23:59", "12:00"), ("00:00", "24:00"))),
    BirthMonth: lambda *_: BirthMonth(),
    Anniversary: lambda m, _: Anniversary(m.pick("birthday", "joined"), after=m.pick(0, 31)),
    MemberFact: lambda m, _: MemberFact(*m.stated(MEMBER_FACTS)),
    InTier: lambda m, _: InTier(*m.some(TIERS)),
    AtLeastTier: lambda m, _: AtLeastTier(m.pick(*TIERS)),
    FirstTime: lambda m, _: FirstTime(kind=m.pick(None, "purchase")),
    EveryNth: lambda m, _: EveryNth(m.pick(2, 3, 1), kind=m.pick(None, "purchase")),
    InExperiment: lambda m, _: InExperiment("trial", m.pick(Fraction(1, 2), 0, 1)),
    # factors
    Constant: lambda m, _: Constant(m.draw(_FACTORS)),
    ByTier: lambda m, _: ByTier({tier: m.draw(_FACTORS) for tier in m.some(TIERS)}, otherwise=m.draw(_FACTORS)),
    ByFact: _by_fact,
    ByMemberFact: _by_member_fact,
    RateTable: _rates,
    # rules
    Flat: lambda m, _: Flat(m.draw(_POINTS)),
    PerSpend: lambda m, _: PerSpend(m.draw(_POINTS), m.draw(_STEPS)),
    PerStep: lambda m, _: PerStep(m.draw(_POINTS), m.draw(_STEPS), m.pick(*MEASURES)),
    PerUnit: lambda m, _: PerUnit(m.draw(_POINTS), m.pick(*MEASURES)),
    PerItem: lambda m, _: PerItem(m.draw(_POINTS)),
    PointsTable: _table,
}
"""How to make what has no other value inside."""

_NODES: Final[dict[type[Strategy], Make]] = {
    # periods
    Every: lambda m, depth: Every(tuple(m.without(Word).one(Period, depth) for _ in range(2))),
    # conditions
    And: lambda m, depth: m.one(Condition, depth) & m.one(Condition, depth),
    Or: lambda m, depth: m.one(Condition, depth) | m.one(Condition, depth),
    Not: lambda m, depth: ~m.without(Not).one(Condition, depth),
    # factors
    Product: _product,
    FactorWhen: lambda m, depth: m.without(Constant).one(Factor, depth).when(m.one(Condition, depth)),
    # rules
    Sum: lambda m, depth: m.one(EarningRule, depth) + m.one(EarningRule, depth),
    BestOf: lambda m, depth: BestOf(m.one(EarningRule, depth), m.one(EarningRule, depth)),
    FirstOf: lambda m, depth: FirstOf(m.one(EarningRule, depth), m.one(EarningRule, depth)),
    Times: lambda m, depth: m.one(EarningRule, depth) * m.one(Factor, depth),
    When: lambda m, depth: m.one(EarningRule, depth).when(m.one(Condition, depth)),
    Within: _within,
    Named: lambda m, depth: m.one(EarningRule, depth).named(m.name()),
    AtLeast: lambda m, depth: m.one(EarningRule, depth).at_least(m.draw(_POINTS)),
    EachLine: lambda m, depth: m.one(EarningRule, depth).each_line(),
    EachOf: lambda m, depth: m.one(EarningRule, depth).each(m.pick("brand", "organic", "labels")),
    Rounded: lambda m, depth: m.one(EarningRule, depth).rounded(m.pick(*MODES), to=m.draw(_STEPS)),
    Cap: lambda m, depth: m.one(EarningRule, depth).named(m.name()).cap(m.draw(_BOUNDS), per=m.one(Period, 1)),
    Running: _running,
    Limit: lambda m, depth: m.one(EarningRule, depth).named(m.name()).limit(m.pick(1, 2), per=m.one(Period, 1)),
    EveryNthTime: lambda m, depth: m.one(EarningRule, depth).named(m.name()).every_nth(m.pick(2, 3, 1)),
    InARow: lambda m, depth: m.one(EarningRule, depth).named(m.name()).in_a_row(m.pick(2, 3, 1), per="day"),
    Cooldown: lambda m, depth: m.one(EarningRule, depth).named(m.name()).cooldown(days=m.pick(1, 7)),
}  # fmt: skip
"""How to make what has others inside."""


@st.composite
def _made(draw: Draw, base: type[Any], max_depth: int = 3, without: Iterable[type[Strategy]] = ()) -> Any:
    return _Maker(draw, without).one(base, max_depth)


def conditions(*, max_depth: int = 2, without: Iterable[type[Strategy]] = ()) -> st.SearchStrategy[Condition]:
    """Conditions on the facts, categories, tiers and times that the other values have, combined by `&`, `|` and `~`."""
    return _made(Condition, max_depth, without)


def factors(*, max_depth: int = 2, without: Iterable[type[Strategy]] = ()) -> st.SearchStrategy[Factor]:
    """Factors: numbers, by tier, by fact, products, and under a condition."""
    return _made(Factor, max_depth, without)


def rules(*, max_depth: int = 3, without: Iterable[type[Strategy]] = ()) -> st.SearchStrategy[EarningRule]:
    """Rules of every kind, one inside another *max_depth* deep, without some classes and what is made of them.

    In one example no two counters have the same name. Every rule answers for every activity and member drawn from here.

    >>> from hypothesis import find
    >>> find(rules(), lambda rule: rule.award(Activity.purchase(10, at="2026-03-01")).points > 4)
    Flat(5)
    """
    return _made(EarningRule, max_depth, without)


_VALUES: Final[dict[type[Stored], Callable[[], st.SearchStrategy[Any]]]] = {
    Line: lines,
    Activity: activities,
    Member: members,
    Condition: conditions,
    Factor: factors,
    EarningRule: rules,
}


def of_type(cls: type[Any]) -> st.SearchStrategy[Any]:
    """What `st.from_type` draws for a type of the library."""
    return _VALUES[cls]() if cls in _VALUES else _made(cls)
