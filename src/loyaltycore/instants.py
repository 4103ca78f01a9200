"""Instants: where the days of date rules begin and end, in the program's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from loyaltycore._calendar import first_moment
from loyaltycore.errors import RuleError

FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)
"""Before and after all that happens."""


@lru_cache(maxsize=4096)
def end_of(day: date, where: ZoneInfo) -> datetime:
    """The exclusive instant at which the last day of use is over; a datetime is that moment itself."""
    if isinstance(day, datetime):
        return _instant(day, where)
    _check_date(day)
    return LAST if day == date.max else first_moment(day + timedelta(1), where)


@lru_cache(maxsize=4096)
def start_of(day: date, where: ZoneInfo) -> datetime:
    """The first instant of a day; a datetime is that moment itself."""
    if isinstance(day, datetime):
        return _instant(day, where)
    _check_date(day)
    return first_moment(day, where)


def _check_date(day: object) -> None:
    """What a rule of one's own answers is looked at where it is used."""
    if not isinstance(day, date):
        raise RuleError(f"{day!r} is no date; falls_on returns a date, or None for never")


def _instant(at: datetime, where: ZoneInfo) -> datetime:
    return (at.replace(tzinfo=where) if at.tzinfo is None else at).astimezone(UTC)
