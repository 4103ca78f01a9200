"""What DuckDB and Spark are told in words of their own, where what narwhals would say is slow or not exact.

A text here is SQL for one number or date of each row. Days are counted from 1 January of the year 1, as
`date.toordinal` does, so that none is below 0 and a remainder means the same to both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import narwhals as nw

_BEFORE_1970: Final = date(1970, 1, 1).toordinal()


def frame_of(native: Any) -> nw.LazyFrame[Any]:
    """A lazy frame as narwhals sees it."""
    frame: nw.LazyFrame[Any] = nw.from_native(native)
    return frame


def sql_of(frame: nw.LazyFrame[Any]) -> Sql | None:
    """The words for a frame; nothing for polars, which narwhals says all to."""
    if frame.implementation.is_duckdb():
        return DuckDb()
    return Spark() if is_spark(frame) else None


def is_spark(frame: nw.LazyFrame[Any]) -> bool:
    """Whether it is one of Spark, or of Spark elsewhere."""
    known = frame.implementation
    return bool(known.is_pyspark() or known.is_pyspark_connect())


class Sql(ABC):
    """The words of one engine."""

    places: str
    """A whole number for each row, none twice, in the order of the rows as far as there is one."""
    civil: str
    """The type of civil time."""

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A name."""

    @abstractmethod
    def with_columns(self, frame: nw.LazyFrame[Any], columns: Mapping[str, str]) -> nw.LazyFrame[Any]:
        """The frame with more columns."""

    @abstractmethod
    def divided(self, a: str, by: str) -> str:
        """Whole numbers that are not below 0, rounded down."""

    @abstractmethod
    def in_zone(self, at: str, zone: str) -> str:
        """The civil time of an instant."""

    @abstractmethod
    def day(self, civil: str) -> str:
        """The number of the day."""

    @abstractmethod
    def first_day(self, civil: str, period: str) -> str:
        """The date that a period begins on; weeks do on Mondays."""

    def months(self, civil: str, every: int) -> str:
        """The number of the stretch of so many months."""
        day = f"CAST({civil} AS DATE)"
        return self.divided(f"(year({day}) * 12 + month({day}) - 1)", str(every))

    def week(self, civil: str, start: int) -> str:
        """The number of the week that begins on an ISO weekday."""
        return self.divided(f"({self.day(civil)} + {7 - start})", "7")

    def weekday(self, civil: str) -> str:
        """The ISO weekday."""
        return f"CAST(({self.day(civil)} + 6) % 7 + 1 AS BIGINT)"

    def minute(self, civil: str) -> str:
        """The minute of the day."""
        return f"hour({civil}) * 60 + minute({civil})"

    def is_past(self, civil: str, bound: date, *, late: bool) -> str:
        """Whether it is not before a civil day or moment, or, if `late`, not after it."""
        kind = self.civil if isinstance(bound, datetime) else "DATE"
        return f"CAST({civil} AS {kind}) {'<=' if late else '>='} {kind} '{bound}'"


class DuckDb(Sql):
    """The words of DuckDB."""

    places = "row_number() over () - 1"
    civil = "TIMESTAMP"

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def with_columns(self, frame: nw.LazyFrame[Any], columns: Mapping[str, str]) -> nw.LazyFrame[Any]:
        added = (f"{what} AS {self.quoted(name)}" for name, what in columns.items())
        return frame_of(frame.to_native().project(", ".join(["*", *added])))

    def divided(self, a: str, by: str) -> str:
        return f"{a} // {by}"

    def in_zone(self, at: str, zone: str) -> str:
        return f"timezone('{zone}', {at})"

    def day(self, civil: str) -> str:
        return f"(CAST({civil} AS DATE) - DATE '1970-01-01' + {_BEFORE_1970})"

    def first_day(self, civil: str, period: str) -> str:
        return f"CAST(date_trunc('{period}', CAST({civil} AS DATE)) AS DATE)"


class Spark(Sql):
    """The words of Spark. Its instants have the zone of the session, and what it calls NTZ is civil time."""

    places = "monotonically_increasing_id()"
    civil = "TIMESTAMP_NTZ"

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def with_columns(self, frame: nw.LazyFrame[Any], columns: Mapping[str, str]) -> nw.LazyFrame[Any]:
        added = (f"{what} AS {self.quoted(name)}" for name, what in columns.items())
        return frame_of(frame.to_native().selectExpr("*", *added))

    def divided(self, a: str, by: str) -> str:
        return f"{a} div {by}"

    def in_zone(self, at: str, zone: str) -> str:
        # a civil time that is cast goes through the zone of the session, which may not have it or have it twice
        seconds = f"CAST(unix_micros(from_utc_timestamp({at}, '{zone}')) AS DECIMAL(20, 0)) / 1000000"
        return f"TIMESTAMP_NTZ '1970-01-01 00:00:00' + make_dt_interval(0, 0, 0, CAST({seconds} AS DECIMAL(18, 6)))"

    def day(self, civil: str) -> str:
        return f"(unix_date(CAST({civil} AS DATE)) + {_BEFORE_1970})"

    def first_day(self, civil: str, period: str) -> str:
        day = f"CAST({civil} AS DATE)"
        return day if period == "day" else f"trunc({day}, '{period}')"
