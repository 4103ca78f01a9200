"""Civil dates and zones: reading `at`, adding months from an anchor, and the first moment of a day.

Rules read civil fields (the day, the weekday, the hour of the program's zone). Only a ledger needs instants.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
import re
from typing import Final
from zoneinfo import ZoneInfo

from loyaltycore.errors import DataError, RuleError

LONGEST: Final = 100
"""Characters of a moment, the name of its zone among them."""

_ZONED = re.compile(r"([^\[]*)\[([^\[\]]*)\]")
_MONTH_DAY = re.compile(r"(\d{2})-(\d{2})", re.ASCII)


def moment(value: object, what: str = "at") -> datetime:
    """A date, a datetime or ISO text as a datetime; a date is its first moment.

    A naive datetime is civil time, read in the program's zone; an aware one keeps its zone until a program converts
    it. Moments that civil time has twice keep their `fold`.

    >>> moment("2026-03-01"), moment("2026-03-01T12:30")
    (datetime.datetime(2026, 3, 1, 0, 0), datetime.datetime(2026, 3, 1, 12, 30))
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        try:
            return text_moment(value)
        except RuleError as error:
            raise DataError(str(error), what) from error
        except ValueError:
            pass
        raise DataError(f"{value[:40]!r} is not a date; write ISO as in '2026-03-01' or '2026-03-01T12:30'", what)
    raise DataError(f"{type(value).__name__} is not a date; give a date, a datetime or ISO text", what)


def civil_date(value: object, what: str = "date") -> date:
    """A date, or ISO text of one; a time of day is refused."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
        raise RuleError(f"{what}: {value[:40]!r} is not a date; write it as in '2026-03-01'")
    raise RuleError(f"{what}: {type(value).__name__} is not a date; give a date, or text such as '2026-03-01'")


def show_moment(at: datetime) -> str:
    """ISO text that `moment` reads back: midnight as the bare date, seconds only where there are any."""
    if at.tzinfo is None and not (at.hour or at.minute or at.second or at.microsecond):
        return at.date().isoformat()
    return at.isoformat(timespec="auto" if at.second or at.microsecond else "minutes")


def moment_text(at: datetime) -> str:
    """ISO text, with the name of the zone behind it if it has one, as RFC 9557 writes it.

    >>> moment_text(datetime(2026, 7, 5, 12, tzinfo=zone("Europe/London")))
    '2026-07-05T12:00:00+01:00[Europe/London]'
    """
    where = at.tzinfo
    return f"{at.isoformat()}[{where.key}]" if isinstance(where, ZoneInfo) and where.key else at.isoformat()


UTC_TEXTS: Final[dict[int, tuple[datetime, str, str]]] = {}
"""Moments in UTC by where they are in memory: with the ISO text of each, in quotes, and the one of a single length."""

_MOST_UTC_TEXTS: Final = 1000


def utc_texts(at: datetime) -> tuple[datetime, str, str]:
    """What `UTC_TEXTS` has of a moment in UTC, from now on: that of an entry is written several times."""
    if len(UTC_TEXTS) >= _MOST_UTC_TEXTS:
        UTC_TEXTS.clear()
    naive = at.replace(tzinfo=None)
    text = naive.isoformat()
    whole = not at.microsecond and at.__class__ is datetime  # others may have text of their own
    full = f"{text}.000000" if whole else naive.isoformat(timespec="microseconds")
    known = UTC_TEXTS[id(at)] = at, f'"{text}+00:00"', f"{full}+00:00"
    return known


def text_moment(text: str) -> datetime:
    """The moment of `moment_text`, exactly: its zone, and which of two hours that civil time has twice.

    Raises `ValueError` for what is no ISO text, and for an offset that the zone does not have then.
    """
    if len(text) > LONGEST:  # Python reads as many digits as there are, and drops those that it has no use for
        raise ValueError(f"{len(text):,} characters are no moment")
    found = _ZONED.fullmatch(text) if text.endswith("]") else None
    if found is None:
        return datetime.fromisoformat(text)
    at, where = datetime.fromisoformat(found[1]), zone(found[2])
    for fold in (0, 1):
        civil = at.replace(tzinfo=where, fold=fold)
        if civil.utcoffset() == at.utcoffset():
            return civil
    raise RuleError(f"{text[:60]!r} is no moment of {where.key}; give the offset that it has then")


def month_day(value: object, what: str) -> tuple[int, int]:
    """`'12-31'` as `(12, 31)`; 29 February is allowed and means the 28th in other years."""
    found = _MONTH_DAY.fullmatch(value) if isinstance(value, str) else None
    if found:
        month, day = int(found[1]), int(found[2])
        if 1 <= month <= 12 and 1 <= day <= days_in_month(2024, month):  # noqa: PLR2004 (months; a leap year)
            return month, day
    shown = repr(value) if isinstance(value, str) else type(value).__name__
    raise RuleError(f"{what}: {shown} is no day of the year; write month and day as in '03-01'")


def days_in_month(year: int, month: int) -> int:
    """How many days the month has."""
    return 31 if month == 12 else (date(year + month // 12, month % 12 + 1, 1) - timedelta(1)).day  # noqa: PLR2004


def on_day(year: int, month: int, day: int) -> date:
    """That day, or the month's last where the month is shorter."""
    if not 1 <= year <= 9999:  # noqa: PLR2004 (what a date can say)
        raise RuleError(f"the year {year} is none that a date can say; stay within the years 1 to 9999")
    return date(year, month, min(day, days_in_month(year, month)))


def days_on(day: date, days: int) -> date:
    """`day` so many days on, or back."""
    try:
        return day + timedelta(days)
    except OverflowError:
        raise RuleError(f"{day} and {days} days is none that a date can say; stay within the years 1 to 9999") from None


@lru_cache(maxsize=4096)
def add_months(anchor: date, months: int) -> date:
    """`anchor` so many months on, clamped to the month's end; count from the anchor, never from a clamped day.

    >>> add_months(date(2026, 1, 31), 1), add_months(date(2024, 2, 29), 48)
    (datetime.date(2026, 2, 28), datetime.date(2028, 2, 29))
    """
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    if not 1 <= year <= 9999:  # noqa: PLR2004 (what a date can say)
        raise RuleError(f"{anchor} and {months} months is in the year {year}; stay within the years 1 to 9999")
    return on_day(year, month + 1, anchor.day)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of that name; an unknown one is a `RuleError`."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise RuleError(
            f"timezone: {name!r} is not known here; give a name such as 'Europe/London' or 'UTC'"
            " (on a system without zone data: pip install tzdata)"
        ) from error


def in_zone(at: datetime, where: tzinfo) -> datetime:
    """`at` as civil time of that zone: a naive one is taken to be, an aware one is converted."""
    if at.tzinfo is None:
        return datetime.combine(at, at.time(), where)  # `at.replace(tzinfo=where)` takes four times as long
    return at if at.tzinfo is where else at.astimezone(where)


def in_utc(at: datetime) -> datetime:
    """The instant in UTC; the first or last that there is, where it would be before or after that."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if at.year == 1 else datetime.max.replace(tzinfo=UTC)


_CIVIL_START = datetime(1970, 1, 1)
_START = datetime(1970, 1, 1, tzinfo=UTC)


def as_utc(at: datetime) -> datetime:
    """A naive moment that is civil time in UTC, as one in UTC; in a third of the time that `in_zone` takes."""
    return _START + (at - _CIVIL_START)


def first_moment(day: date, where: ZoneInfo) -> datetime:
    """The instant (in UTC) at which the day begins there: not always midnight, which some zones skip.

    >>> first_moment(date(2018, 11, 4), zone("America/Sao_Paulo")).isoformat()
    '2018-11-04T03:00:00+00:00'
    """
    return in_utc(datetime.combine(day, time.min, where))
