"""Months, quarters and years as numbers in a row, which is what reports are by."""

from __future__ import annotations

from datetime import date
from typing import Final

from loyaltycore.errors import RuleError

MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
"""What a report may be by, and how many months it has."""


def check_by(by: str) -> None:
    """Refuse what a report cannot be by."""
    if by not in MONTHS:
        raise RuleError(f"by: {by!r} is no period of a report; give one of {', '.join(MONTHS)}")


def period_of(day: date, by: str) -> int:
    """Which month, quarter or year since the year 0; of a moment, that of its civil day."""
    return (day.year * 12 + day.month - 1) // MONTHS[by]


def label(period: int, by: str) -> str:
    """`"2017-01"`, `"2017-Q1"` or `"2017"`."""
    year, place = divmod(period, 12 // MONTHS[by])
    return f"{year:04}" + {"month": f"-{place + 1:02}", "quarter": f"-Q{place + 1}", "year": ""}[by]


def first_day(period: int, by: str) -> date:
    """The day it begins with."""
    year, month = divmod(period * MONTHS[by], 12)
    return date(year, month + 1, 1)
