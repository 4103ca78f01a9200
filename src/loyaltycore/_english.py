"""English for numbers, money, days and lists, as `words` puts them into sentences."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

from loyaltycore._calendar import month_day
from loyaltycore._exact import Exact, show, tidy

_MONEY: Final = {"USD": ("$", "dollar"), "EUR": ("€", "euro"), "GBP": ("£", "pound"), "JPY": ("¥", "yen")}
"""Currencies whose sign and name everyone knows; others go by their code."""

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


# Numbers ------------------------------------------------------------------------------------------------------------


def number(value: Exact) -> str:
    """A number with its thousands grouped: `'1,234.5'`, `'1/3'`."""
    text = show(value)
    if "/" in text:
        return text
    whole, point, rest = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}{point}{rest}"


def money(value: Exact, currency: str) -> str:
    """An amount of money: `'$1,500'`, `'$0.10'`, `'20 CHF'`."""
    text = number(value)
    if "/" not in text and len(text.partition(".")[2]) == 1:
        text += "0"  # as prices are written
    sign = _MONEY.get(currency, ("", ""))[0]
    return f"{sign}{text}" if sign else f"{text} {currency}"


def coin(currency: str) -> str:
    """The currency's main unit as a noun: `'dollar'`, `'CHF'`."""
    return _MONEY.get(currency, ("", currency))[1]


def percent(share: Exact) -> str:
    """A share as text: `'12.5%'`."""
    return f"{number(tidy(share * Fraction(100)))}%"


def ordinal(n: int) -> str:
    """`'1st'`, `'12th'`, `'23rd'`."""
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{ending}"


# Nouns --------------------------------------------------------------------------------------------------------------


def plain(name: str) -> str:
    """A name as people read it: `'base_fare'` is a base fare."""
    return name.replace("_", " ")


def is_plural(noun: str) -> bool:
    """Whether a noun looks like several things."""
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is"))


def singular(noun: str) -> str:
    """One of what a plural noun has several of; any other noun as it is."""
    if not is_plural(noun):
        return noun
    if noun.endswith("ies") and len(noun) > len("dies"):
        return f"{noun[:-3]}y"
    return noun[:-2] if noun.endswith(("sses", "shes", "ches", "xes")) else noun[:-1]


def plural(noun: str) -> str:
    """Several of what a noun is one of."""
    if is_plural(noun):
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "sh", "ch", "x")) else f"{noun}s"


def counted(n: Exact, noun: str) -> str:
    """So many of something that a singular noun names: `'1 day'`, `'2 days'`."""
    return f"{number(n)} {noun if n == 1 else plural(noun)}"


def stated(value: Any) -> str:
    """A fact's value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, Fraction)):
        return number(value)
    return str(value)


# Lists and sentences ------------------------------------------------------------------------------------------------


def listed(words: Iterable[str], last: str = "and") -> str:
    """`'a, b and c'`."""
    *others, final = words
    return f"{', '.join(others)} {last} {final}" if others else final


def sentence(text: str) -> str:
    """Text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


# Time ---------------------------------------------------------------------------------------------------------------


def day(value: date) -> str:
    """A date, with its time if it has one: `'1 March 2026'`, `'1 March 2026, 12:30'`."""
    text = f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    if not isinstance(value, datetime):
        return text
    clock = value.isoformat(timespec="auto" if value.second or value.microsecond else "minutes").partition("T")[2]
    return f"{text}, {clock}"


def day_of_year(value: str) -> str:
    """A day of any year: `'31 December'` of `'12-31'`."""
    month, of_month = month_day(value, "day")
    return f"{of_month} {_MONTHS[month - 1]}"


def length(*, years: int = 0, months: int = 0, days: int = 0, hours: int = 0) -> str:
    """A length of time: `'2 years and 1 day'`; empty if there is none."""
    parts = [(years, "year"), (months, "month"), (days, "day"), (hours, "hour")]
    given = [counted(n, noun) for n, noun in parts if n]
    return listed(given) if given else ""
