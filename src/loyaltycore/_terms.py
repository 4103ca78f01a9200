"""Plain words for dates and tiers: when points become available and lapse, what a tier takes and brings.

As in `_phrases` there is a small function for each kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
import re
from typing import Final

from loyaltycore._english import counted, day, day_of_year, length, listed, number, ordinal, plain
from loyaltycore._phrases import EARNED, Talk, condition, each_period, own, stretch, window
from loyaltycore.conditions import Condition, OfKind
from loyaltycore.dates import (
    After,
    AfterFact,
    AfterInactivity,
    DateRule,
    Earliest,
    EndOf,
    EndOfBirthMonth,
    EndOfPeriod,
    FromEarning,
    Latest,
    Never,
    On,
    OnDate,
    Plus,
    ToEndOf,
    Unless,
)
from loyaltycore.periods import Lifetime
from loyaltycore.tiers import AllOf, AnyOf, Benefit, Brings, Choice, Invitation, Qualification, Reach

AVAILABLE: Final = "they become available"
REACHED: Final = "it is reached"
REVIEWED: Final = "the tier is reviewed"
"""What dates count from, beside `EARNED`: of points, and of tiers."""


# Dates --------------------------------------------------------------------------------------------------------------


@singledispatch
def when(rule: DateRule, talk: Talk) -> str:
    """When it is: `24 months after they are earned`, `on 31 December 2026`, `never`."""
    return f"when {own(rule)} says"


@when.register
def _(rule: Never, talk: Talk) -> str:
    return "never"


@when.register
def _(rule: After, talk: Talk) -> str:
    time = length(years=rule.years, months=rule.months, days=rule.days, hours=rule.hours)
    return f"{time} after {talk.since}" if time else f"on the day {talk.since}"


@when.register
def _(rule: AfterInactivity, talk: Talk) -> str:
    time = length(years=rule.years, months=rule.months, days=rule.days)
    return f"after {time} without {_activity(rule.resets, talk)}"


_DOINGS: Final = {
    "joined": "the member joining",
    "tier_up": "a rise to a higher tier",
    "redeemed": "a redemption",
    "converted": "a conversion",
}


def _activity(resets: Condition | None, talk: Talk) -> str:
    if resets is None:
        return "any activity"
    if isinstance(resets, OfKind):
        return listed((_DOINGS.get(kind) or _a(plain(kind)) for kind in resets.kinds), "or")
    return f"activity {condition(resets, talk)}"


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


@when.register
def _(rule: AfterFact, talk: Talk) -> str:
    time = length(years=rule.years, months=rule.months, days=rule.days)
    that = f"the date stated as {plain(rule.name)}"
    return f"{time} after {that}" if time else f"on {that}"


@when.register
def _(rule: OnDate, talk: Talk) -> str:
    next_one = f"the next {day_of_year(rule.day)}"
    return f"{length(years=rule.years)} after {next_one}" if rule.years else f"on {next_one}"


@when.register
def _(rule: On, talk: Talk) -> str:
    return f"on {day(rule.day)}"


@when.register
def _(rule: EndOf, talk: Talk) -> str:
    return _end_of(rule.unit, rule.more, talk)


@when.register
def _(rule: EndOfPeriod, talk: Talk) -> str:
    return _end_of(stretch(talk.window), rule.more, talk)


def _end_of(noun: str, more: int, talk: Talk) -> str:
    if more == 0:
        return f"at the end of the {noun} in which {talk.since}"
    which = noun if more == 1 else f"{ordinal(more)} {noun}"
    return f"at the end of the {which} after the one in which {talk.since}"


@when.register
def _(rule: EndOfBirthMonth, talk: Talk) -> str:
    later = f"{length(years=rule.years)} after " if rule.years else "at "
    return f"{later}the end of the member's next birth month"


@when.register
def _(rule: Earliest, talk: Talk) -> str:
    phrases = [f"({phrase})" if _FIRST in phrase else phrase for phrase in (when(inner, talk) for inner in rule.rules)]
    between, end = ("; or ", ";") if any(_BUT in phrase for phrase in phrases) else (", or ", ",")
    return f"{between.join(phrases)}{end}{_FIRST}"


@when.register
def _(rule: Latest, talk: Talk) -> str:
    first, *others = [when(inner, talk) for inner in rule.rules]
    first = f"({first})" if _FIRST in first else first
    return f"{first}{_BUT}{listed(map(_only_then, others))}"


_FIRST: Final = " whichever comes first"
_BUT: Final = ", but "


def _only_then(phrase: str) -> str:
    """`not before the end of the month`, of what is `at the end of the month`."""
    if _FIRST in phrase or phrase.startswith("when "):
        return f"not before that is so ({phrase})"
    at = re.match(r"on |at ", phrase)
    return f"only {phrase}" if phrase.startswith("after ") else f"not before {phrase[at.end() :] if at else phrase}"


@when.register
def _(rule: Plus, talk: Talk) -> str:
    time = length(years=rule.years, months=rule.months, days=rule.days)
    inside = when(rule.rule, talk)
    return f"{time} later than {inside}" if time else inside


@when.register
def _(rule: ToEndOf, talk: Talk) -> str:
    return f"{when(rule.rule, talk)}, at the end of that {rule.unit}"


@when.register
def _(rule: Unless, talk: Talk) -> str:
    return f"{when(rule.rule, talk)}{_BUT}never {condition(rule.condition, talk)}"


@when.register
def _(rule: FromEarning, talk: Talk) -> str:
    return when(rule.rule, talk._replace(since=EARNED))


# Tiers --------------------------------------------------------------------------------------------------------------


@singledispatch
def takes(value: Qualification, talk: Talk) -> str:
    """What a tier takes: `500 stars`, `60 nights or $18,000 spent`."""
    return own(value)


@takes.register
def _(value: Reach, talk: Talk) -> str:
    over = "" if value.window is None else f" {window(value.window)}"
    return f"{_so_much(value, talk)}{over}"


def _so_much(value: Reach, talk: Talk) -> str:
    if isinstance(value.what, Condition):
        if isinstance(value.what, OfKind) and len(value.what.kinds) == 1:
            return counted(value.n, plain(value.what.kinds[0]))
        return f"{counted(value.n, 'activity')} {condition(value.what, talk)}"
    if value.what in talk.places:
        return talk.points(value.n, value.what)
    if value.what == "spend":
        return f"{talk.money(value.n)} spent"
    return talk.measure(value.n, value.what)


@takes.register
def _(value: Invitation, talk: Talk) -> str:
    return "by invitation"


@takes.register
def _(value: AllOf, talk: Talk) -> str:
    return _several(value.qualifications, "and", talk)


@takes.register
def _(value: AnyOf, talk: Talk) -> str:
    return _several(value.qualifications, "or", talk)


def _several(values: Iterable[Qualification], last: str, talk: Talk) -> str:
    texts = [(value, takes(value, talk)) for value in values]
    return listed((f"({text})" if isinstance(value, (AllOf, AnyOf)) else text for value, text in texts), last)


def brings(value: Brings, talk: Talk) -> str:
    """What a tier brings: `free shipping`, `extra bag (2 a year)`."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Benefit):
        if value.quantity is None:
            return plain(value.name)
        often = "while in the tier" if value.per == Lifetime() else each_period(value.per)
        return f"{plain(value.name)} ({number(value.quantity)} {often})"
    return _to_choose(value, talk)


def _to_choose(value: Choice, talk: Talk) -> str:
    until = "" if value.within is None else f", at the latest {when(value.within, talk)}"
    default = f"; {value.default} if none is chosen" if value.default else ""
    return f"{plain(value.name)} (a choice of {listed(value.options, 'or')}{until}{default})"
