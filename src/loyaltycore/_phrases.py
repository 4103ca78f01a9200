"""Plain words for what stands inside rules and rewards: periods, conditions and factors; `_terms` has dates and tiers.

There is a small function for each kind, found by its class; a class of somebody else is told by its repr. Each phrase
fits behind what is earned or priced: `on dining and travel`, `times 1.5 for gold`, `24 months after they are earned`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import singledispatch
from typing import Any, Final, NamedTuple

from loyaltycore._english import (
    WEEKDAYS,
    coin,
    counted,
    day,
    day_of_year,
    is_plural,
    length,
    listed,
    money,
    number,
    ordinal,
    percent,
    plain,
    singular,
    stated,
)
from loyaltycore._exact import EMPTY, Exact, divided
from loyaltycore._show import text_table
from loyaltycore._strategy import Stored
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
    Matching,
    MemberFact,
    Not,
    OfKind,
    OnWeekdays,
    Or,
    Sku,
)
from loyaltycore.factors import (
    ByFact,
    ByMemberFact,
    ByTier,
    Constant,
    Factor,
    FactorWhen,
    FactTable,
    Product,
    RateTable,
)
from loyaltycore.periods import (
    Balance,
    Calendar,
    Each,
    Every,
    Lifetime,
    MembershipYear,
    Period,
    Rolling,
    TierTerm,
    Word,
)
from loyaltycore.tables import OVER, Band, Table

EARNED: Final = "they are earned"


class Talk(NamedTuple):
    """What words depend on: the money, the units with their places, the one that is spoken of, where dates count from.

    *window* is that of the ladder of tiers, if one is spoken of. *once* is whether what is earned is for the activity
    as a whole: 50 points are `for each review`, and a point for each dollar is `on reviews`.
    """

    currency: str = "USD"
    places: Mapping[str, int] = EMPTY
    unit: str = "points"
    since: str = EARNED
    window: Period = Lifetime()
    once: bool = False

    def amount(self, n: Exact, unit: str = "") -> str:
        """Points as a number, as they are shown: with `places=2` 150 of them are 1.5."""
        return number(divided(n, 10 ** self.places.get(unit or self.unit, 0)))

    def points(self, n: Exact, unit: str = "") -> str:
        """So many points: `'1 star'`, `'500 miles'`, `'25 cash'`."""
        amount = self.amount(n, unit)
        return f"{amount} {singular(self.noun(unit)) if amount == '1' else self.noun(unit)}"

    def noun(self, unit: str = "") -> str:
        """What several of a unit are called."""
        return plain(unit or self.unit)

    def money(self, amount: Exact) -> str:
        """An amount in the program's currency."""
        return money(amount, self.currency)

    def measure(self, n: Exact, of: str) -> str:
        """So much of a measure: `'$100'`, `'3 items'`, `'60 nights'`, `'500 of distance'`."""
        if of == "amount":
            return self.money(n)
        if of == "quantity":
            return counted(n, "item")
        noun = plain(of)
        return counted(n, singular(noun)) if is_plural(noun) else f"{number(n)} of {noun}"

    def each(self, n: Exact, of: str, whole: str = "") -> str:
        """What something is for: `'for each dollar'`, `'for every $10'`, `'for each night'`."""
        if n == 1:
            noun = {"amount": coin(self.currency), "quantity": "item"}.get(of) or singular(plain(of))
            noun = noun if of in ("amount", "quantity") or is_plural(plain(of)) else f"unit of {plain(of)}"
            return f"for each {whole}{noun}"
        return f"for every {whole}{self.measure(n, of)}"


def own(value: Stored) -> str:
    """What can be said of a class of somebody else: the first line of its docstring, and its repr, which has all."""
    lines = (type(value).__doc__ or "").strip().splitlines()
    return f"{value!r} ({lines[0].strip().rstrip('.')})" if lines else repr(value)


# Periods ------------------------------------------------------------------------------------------------------------


@singledispatch
def each_period(period: Period) -> str:
    """How often, behind `at most 500 points`: `a month`, `for each ticket`, `altogether`."""
    return f"per {own(period)}"


@each_period.register
def _(period: Word) -> str:
    return "at a time" if period.word == "activity" else "a line"


@each_period.register(Calendar)
@each_period.register(MembershipYear)
def _(period: Calendar | MembershipYear) -> str:
    return f"a {stretch(period)}"


@each_period.register
def _(period: Lifetime) -> str:
    return "altogether"


@each_period.register
def _(period: Each) -> str:
    return f"for each {plain(period.fact)}"


@each_period.register
def _(period: Every) -> str:
    return " and ".join(map(each_period, period.periods)).replace(" and for each ", " for each ")


@singledispatch
def stretch(period: Period) -> str:
    """A stretch as a noun: `month`, `year (from 1 March)`."""
    return f"period of {own(period)}"


@stretch.register
def _(period: Calendar) -> str:
    if period.starts is None:
        return period.unit
    if period.unit == "week":
        first = WEEKDAYS[period.starts - 1]
    else:
        first = f"the {ordinal(period.starts)}" if period.unit == "month" else day_of_year(period.starts)
    return f"{period.unit} (from {first})"


@stretch.register
def _(period: MembershipYear) -> str:
    return "membership year"


@stretch.register
def _(period: Lifetime) -> str:
    return "membership"


@stretch.register
def _(period: Each) -> str:
    return plain(period.fact)


@stretch.register
def _(period: Every) -> str:
    return " and ".join(stretch(inner) for inner in period.periods)


@stretch.register
def _(period: Word) -> str:
    return period.word


@singledispatch
def window(period: Period) -> str:
    """Over what a tier is counted: `in a calendar year`, `in the last 12 months`."""
    return f"in a {stretch(period)}"


@window.register
def _(period: Calendar) -> str:
    return f"in a calendar {period.unit}" if period.starts is None else f"in a {stretch(period)}"


@window.register
def _(period: Lifetime) -> str:
    return "altogether"


@window.register
def _(period: Rolling) -> str:
    return f"in the last {length(months=period.months, days=period.days)}"


@window.register
def _(period: TierTerm) -> str:
    return "since the tier was reached or last kept"


@window.register
def _(period: Balance) -> str:
    return "in the account at the time"


# Conditions ---------------------------------------------------------------------------------------------------------


def condition(value: Condition, talk: Talk) -> str:
    """Which lines, activities or members are meant: `on dining`, `for members in gold`."""
    return pair(value, talk)[0]


@singledispatch
def pair(value: Condition, talk: Talk) -> tuple[str, str]:
    """The phrase of a condition, and that of its opposite."""
    return f"where {own(value)} holds", f"where {own(value)} does not hold"


@pair.register
def _(value: And, talk: Talk) -> tuple[str, str]:
    return _all_and_any([pair(inner, talk) for inner in value.conditions])


@pair.register
def _(value: Or, talk: Talk) -> tuple[str, str]:
    opposite, phrase = _all_and_any([pair(inner, talk)[::-1] for inner in value.conditions])
    return phrase, opposite


@pair.register
def _(value: Not, talk: Talk) -> tuple[str, str]:
    phrase, opposite = pair(value.condition, talk)
    return opposite, phrase


def _all_and_any(pairs: list[tuple[str, str]]) -> tuple[str, str]:
    """All of the phrases, and any of their opposites."""
    phrases = [f"({phrase})" if phrase.startswith(_EITHER) else phrase for phrase, _ in pairs]
    return ", ".join(phrases), _any(*(opposite for _, opposite in pairs))


_EITHER: Final = "either "
_MEMBERS: Final = "for members "


def _any(*phrases: str) -> str:
    if all(phrase.startswith(_MEMBERS) and ", " not in phrase for phrase in phrases):
        return _MEMBERS + listed((phrase.removeprefix(_MEMBERS) for phrase in phrases), "or")
    apart = (f"({phrase})" if ", " in phrase or phrase.startswith(_EITHER) else phrase for phrase in phrases)
    return f"{_EITHER}{listed(apart, 'or')}"


@pair.register
def _(value: Category, talk: Talk) -> tuple[str, str]:
    names = listed(map(plain, value.names))
    return f"on {names}", f"on all but {names}"


@pair.register
def _(value: Sku, talk: Talk) -> tuple[str, str]:
    names = f"{'article' if len(value.skus) == 1 else 'articles'} {listed(value.skus)}"
    return f"on {names}", f"on all but {names}"


@pair.register
def _(value: Fact, talk: Talk) -> tuple[str, str]:
    name, values = plain(value.name), _any_of(value.values)
    if not values:
        return f"where {name} is stated", f"where {name} is not stated"
    return f"where {name} is {values}", f"where {name} is not {values}"


@pair.register
def _(value: MemberFact, talk: Talk) -> tuple[str, str]:
    name, values = plain(value.name), _any_of(value.values)
    if not values:
        return f"for members whose {name} is known", f"for members whose {name} is not known"
    return f"for members whose {name} is {values}", f"for members whose {name} is not {values}"


def _any_of(values: Iterable[Any]) -> str:
    texts = [stated(value) for value in values]
    return listed(texts, "or") if texts else ""


_EVENTS: Final = {
    "joined": "when the member joins",
    "tier_up": "when the member reaches a higher tier",
    "redeemed": "when points are redeemed",
    "converted": "when points are converted",
}
"""The kinds of an account's own events."""

_KNOWN: Final = {"purchase": "purchases", "flight": "flights"}
"""The kinds of activities that the library makes itself."""


@pair.register
def _(value: OfKind, talk: Talk) -> tuple[str, str]:
    if all(kind in _EVENTS for kind in value.kinds):
        phrase = listed((_EVENTS[kind] for kind in value.kinds), "or")
        return phrase, f"except {phrase}"
    if all(kind in _KNOWN for kind in value.kinds):
        names = listed(_KNOWN[kind] for kind in value.kinds)
    else:
        names = f"activities of the kind {listed(map(plain, value.kinds), 'or')}"
    phrase = f"for each {listed(map(plain, value.kinds), 'or')}" if talk.once else f"on {names}"
    return phrase, f"on all but {names}"


@pair.register
def _(value: Has, talk: Talk) -> tuple[str, str]:
    enough = talk.measure(value.at_least, value.of)
    on = "" if value.condition is None else f" {condition(value.condition, talk._replace(once=False))}"
    if value.of == "amount":
        return f"where at least {enough} is spent{on}", f"where less than {enough} is spent{on}"
    return f"with at least {enough}{on}", f"with less than {enough}{on}"


@pair.register
def _(value: During, talk: Talk) -> tuple[str, str]:
    if value.start is None and value.end is None:
        return "at any time", "at no time"
    start = "" if value.start is None else f"from {day(value.start)}"
    if value.end is None:
        phrase = f"{start} on"
    elif isinstance(value.end, datetime):
        phrase = f"{start} until {day(value.end)}".strip()
    else:
        phrase = f"{start} to {day(value.end)}" if start else f"until the end of {day(value.end)}"
    return phrase, f"except {phrase}"


@pair.register
def _(value: OnWeekdays, talk: Talk) -> tuple[str, str]:
    days = listed(f"{WEEKDAYS[number - 1]}s" for number in value.days) if value.days else ""
    return (f"on {days}", f"except on {days}") if days else ("on no day of the week", "on any day of the week")


@pair.register
def _(value: InHours, talk: Talk) -> tuple[str, str]:
    return f"between {value.start} and {value.end}", f"except between {value.start} and {value.end}"


@pair.register
def _(value: BirthMonth, talk: Talk) -> tuple[str, str]:
    return "in the month of the member's birthday", "except in the month of the member's birthday"


@pair.register
def _(value: Anniversary, talk: Talk) -> tuple[str, str]:
    that = {"birthday": "the member's birthday", "joined": "the day of the year the member joined"}.get(
        value.of, f"the anniversary of {plain(value.of)}"
    )
    sides = [(value.before, "before"), (value.after, "after")]
    given = [f"{counted(days, 'day')} {side}" for days, side in sides if days]
    phrase = f"on {that}" if not given else f"on {that} or up to {listed(given, 'or')}"
    return phrase, f"except {phrase}"


@pair.register
def _(value: InTier, talk: Talk) -> tuple[str, str]:
    tiers = listed(value.tiers, "or")
    return f"for members in {tiers}", f"for members not in {tiers}"


@pair.register
def _(value: AtLeastTier, talk: Talk) -> tuple[str, str]:
    return f"for members in {value.tier} or above", f"for members below {value.tier}"


@pair.register
def _(value: FirstTime, talk: Talk) -> tuple[str, str]:
    kind = plain(value.of_kind or "activity")
    return f"for the member's first {kind}", f"for all but the member's first {kind}"


@pair.register
def _(value: EveryNth, talk: Talk) -> tuple[str, str]:
    kind = plain(value.of_kind or "activity")
    return f"for every {ordinal(value.n)} {kind}", f"for all but every {ordinal(value.n)} {kind}"


@pair.register
def _(value: InExperiment, talk: Talk) -> tuple[str, str]:
    share = f"the {percent(value.share)} of members in the experiment {plain(value.name)}"
    return f"for {share}", f"for all but {share}"


@pair.register
def _(value: Matching, talk: Talk) -> tuple[str, str]:
    name = getattr(value.function, "__name__", "")
    who = f"the function {name}" if name.isidentifier() else "a function of the application"
    return f"where {who} says yes", f"where {who} says no"


# Factors ------------------------------------------------------------------------------------------------------------


@singledispatch
def factor(value: Factor, talk: Talk) -> str:
    """What is multiplied by: `times 1.5`, `times 1.25 for silver and 1.5 for gold`."""
    return f"times {own(value)}"


@factor.register
def _(value: Constant, talk: Talk) -> str:
    return f"times {number(value.number)}"


@factor.register
def _(value: Product, talk: Talk) -> str:
    return ", ".join(factor(inner, talk) for inner in value.factors)


@factor.register
def _(value: FactorWhen, talk: Talk) -> str:
    return f"{factor(value.factor, talk)} {condition(value.condition, talk)}"


@factor.register
def _(value: ByTier, talk: Talk) -> str:
    return _by(value, "for {}", "for everyone else")


@factor.register
def _(value: ByFact, talk: Talk) -> str:
    return _by(value, "where it is {}", "otherwise").replace("it is", f"{plain(value.name)} is", 1)


@factor.register
def _(value: ByMemberFact, talk: Talk) -> str:
    phrase = "where it is {}"
    return _by(value, phrase, "for everyone else").replace(
        "where it is", f"for members whose {plain(value.name)} is", 1
    )


def _by(value: ByTier | FactTable, phrase: str, others: str) -> str:
    """A table by tier or fact in a line: values with the same factor stand together."""
    alike: dict[Exact, list[str]] = {}
    for key, n in value.factors.items():
        alike.setdefault(n, []).append(stated(key))
    parts = [f"{number(n)} {phrase.replace('{}', listed(keys, 'or'))}" for n, keys in alike.items()]
    if value.otherwise != 1:
        parts.append(f"{number(value.otherwise)} {others}")
    return f"times {listed(parts, ', and' if ' or ' in ''.join(parts[:-1]) else 'and')}".replace(" , and", ", and")


@factor.register
def _(value: RateTable, talk: Talk) -> str:
    otherwise = "" if value.otherwise is None else f", and {number(value.otherwise)} where it has no row"
    return f"times the factor by {listed(plain(str(by)) for by in value.by)} in the table{otherwise}"


def rate_tables(value: Factor) -> list[RateTable]:
    """The tables that a factor looks numbers up in."""
    if isinstance(value, RateTable):
        return [value]
    inside = value.factors if isinstance(value, Product) else (value.factor,) if isinstance(value, FactorWhen) else ()
    return [table for inner in inside for table in rate_tables(inner)]


def table_lines(table: Table, header: str, talk: Talk) -> tuple[str, ...]:
    """The lines of a small table: a column for each key, and the number; keys with the same number share a row."""
    rows: list[tuple[tuple[str, ...], Exact]] = [
        (tuple(cell(by, key) for by, key in zip(table.by, keys, strict=True)), n) for keys, n in table._numbers.items()
    ]
    for column in reversed(range(len(table.by))):
        alike: dict[tuple[tuple[str, ...], Exact], list[str]] = {}
        for cells, n in rows:
            alike.setdefault(((*cells[:column], "", *cells[column + 1 :]), n), []).append(cells[column])
        rows = [((*c[:column], ", ".join(same), *c[column + 1 :]), n) for (c, n), same in alike.items()]
    shown = talk.amount if table._number == "points" else number
    header_row = (*(plain(str(by)) for by in table.by), header)
    return tuple(text_table(header_row, [(*cells, shown(n)) for cells, n in rows]).splitlines())


def cell(by: str | Band, key: Any) -> str:
    """A key of a table as text: of a band the stretch it ends."""
    if not isinstance(by, Band):
        return stated(key)
    return f"over {number(by.upto[-1])}" if key == OVER else f"up to {number(key)}"
