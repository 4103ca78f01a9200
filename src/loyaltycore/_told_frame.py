"""A history in a frame: its rows go to lean accounts as the columns they are, without an object for each.

What is plain is seen from the columns alone: each row is an activity of one line, or a call. Where a row is not (it
cannot be read, or is a line of a larger basket), `told_frame` leaves the frame to `FrameHistory.calls`, which reads it
row by row and says what is wrong. The rows of members who need accounts are read so, too.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen
import polars as pl

from loyaltycore._lean import EARNS, NEEDS, Lean, Rows
from loyaltycore._told import Named, Told
from loyaltycore.calls import ROW_VERBS, Calls, FrameHistory, Placed, histories, read_calls
from loyaltycore.datasets import YEARS
from loyaltycore.errors import LoyaltyError

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_SECOND: Final = 1_000_000
_LIMIT: Final = 2**62
_ISO: Final = r"^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{6})?)?)?$"
_WAYS: Final = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f")
_ODD: Final = (b'"', b"\r", b"\n\n", b"\x00")
"""What is not simply cells, commas and ends of lines."""
_NUMBERED: Final = ("member", "id")
"""What may be said in whole numbers as well as in text."""

_READ: Final = frozenset({"amount", "category", "sku", "quantity", "kind", "at"})
"""What a rule may read of a row; no other facts are in it."""


class NotPlain(Exception):
    """A frame that is to be read row by row."""


def told_frame(program: Any, history: FrameHistory, known: Iterable[str]) -> Told | None:
    """The history in a frame that is plain, where lean accounts live it."""
    lean = Lean.of(program, len(str(history.amounts.below)) - 1)
    if lean is None or not lean.takes or not _READ.issuperset(lean.takes):
        return None
    try:
        return ToldFrame(program, lean, history, known)
    except (NotPlain, LoyaltyError, pl.exceptions.InvalidOperationError):
        return None


@frozen(eq=False)
class CsvHistory(FrameHistory):
    """A CSV file as a frame of text, which is read row by row if that is not plain."""

    path: Path = field(kw_only=True)
    columns: Mapping[str, str] = field(kw_only=True)

    def calls(self) -> Calls:
        return read_calls(self.path, columns=self.columns)


def csv_history(program: Any, path: Path, columns: Mapping[str, str]) -> CsvHistory | None:
    """A CSV file in UTF-8 that is cells, commas and ends of lines alone; nothing for another."""
    try:
        text = path.read_bytes().removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")
        if any(odd in text for odd in _ODD):
            return None
        frame = pl.read_csv(text, infer_schema=False)
        plain = FrameHistory.of(program, frame, columns, "major")
    except (OSError, LoyaltyError, pl.exceptions.PolarsError):
        return None
    rows_are_whole = text.count(b",") == (frame.width - 1) * (len(frame) + 1)
    header = text.partition(b"\n")[0].decode().split(",")
    if frame.columns != header or not rows_are_whole or True in frame.select(_has_spaces()).row(0):
        return None
    return CsvHistory(plain.frame, plain.places, plain.amounts, "line {}", 2, path=path, columns=columns)


def _has_spaces() -> pl.Expr:
    return (pl.all() != pl.all().str.strip_chars()).any()


class ToldFrame(Told):
    """A plain frame in the order of members and time: columns, of which a few rows at a time are made into lists."""

    def __init__(self, program: Any, lean: Lean, history: FrameHistory, known: Iterable[str]) -> None:
        self.lean: Lean = lean
        self._program, self._history = program, history
        self._frame = history.frame.to_polars()
        reader = _Plain(self._frame, history, program.zone)
        plain = reader.columns(lean)
        self.members = sorted({*plain["member"].unique().to_list(), *known})
        plain = plain.with_columns(member=plain["member"].cast(pl.Enum(self.members)).to_physical().cast(pl.Int64))
        self._check(plain)
        self._order = _order(plain)
        self._named = plain.select("id", "reward", "kind")
        rows = plain.select("member", "at", "month", "end", "what", "counts", *_given(lean))[self._order]
        self.starts = rows["member"].search_sorted(pl.Series(range(len(self.members) + 1))).to_list()
        self._needs = _members_with_needs(rows, None if reader.ids_are_unique else plain)
        self._rows = rows.with_columns(sums=pl.col("counts").cum_sum())
        self._late = plain.filter(pl.col("posted") > pl.col("at")).select("at", "posted")
        lasts: list[Any] = [rows["at"].max(), self._late["posted"].max()]
        self.last = max((last for last in lasts if last is not None), default=None)

    def _check(self, plain: pl.DataFrame) -> None:
        """Rows that say what is no activity must be readable, and sums small enough."""
        events = self._events(plain.with_row_index("row").filter(pl.col("what") == NEEDS)["row"])
        for _ in events:
            pass
        if plain["counts"].cast(pl.Float64).sum() > _LIMIT:
            raise NotPlain

    def _events(self, rows: pl.Series) -> Iterator[Any]:
        # one by one, since a process that was forked has no threads of polars
        return self._history.events((n, self._frame.row(n)) for n in sorted(rows.to_list()))

    def placed(self, member: int) -> list[Placed]:
        events = self._events(self._order[self.starts[member] : self.starts[member + 1]])
        return histories(self._program, events).get(self.members[member], [])

    def rows(self, members: range) -> tuple[Rows, set[int]]:
        start, stop = self._span(members)
        these = self._rows[start:stop]
        at, month, end, what = (these[name].to_list() for name in ("at", "month", "end", "what"))
        given = [these[name].to_list() for name in _given(self.lean)]
        sums = these["sums"].to_list()
        before = [sums[0] - these["counts"][0]] if sums else [0]
        rows = Rows(
            at, month, end, what, given[0] if len(given) == 1 else list(zip(*given, strict=True)), before + sums
        )
        return rows, self._needs.intersection(members)

    def _span(self, members: range) -> tuple[int, int]:
        return self.starts[members.start], self.starts[members.stop]

    def named(self, members: range) -> Named:
        start, stop = self._span(members)
        names = [self.members[n] for n in members for _ in range(self.starts[n + 1] - self.starts[n])]
        ids, rewards, kinds = (column.to_list() for column in self._named[self._order[start:stop]])
        sources = [
            reward if kind == "redeem" else name for name, reward, kind in zip(names, rewards, kinds, strict=True)
        ]
        return Named(ids, sources, kinds)

    def learnt(self, end: int) -> int:
        late = self._late.filter((pl.col("at") <= end) & (pl.col("posted") > end))
        return int((self._rows["at"] <= end).sum()) - len(late)

    def texts(self) -> Iterator[str]:
        for start in range(0, len(self._order), 10_000):
            yield from map(repr, self._frame[self._order[start : start + 10_000]].iter_rows())


def _given(lean: Lean) -> list[str]:
    """The columns that the rule takes; the amount is the first."""
    return ["civil" if name == "at" else f"given {name}" for name in lean.takes]


def _members_with_needs(rows: pl.DataFrame, plain: pl.DataFrame | None) -> set[int]:
    """Members with a row that only an account knows, an id that comes twice, or points that lapse before others."""
    sooner = (pl.col("end") < pl.col("end").shift()) & (pl.col("member") == pl.col("member").shift())
    needs = set(rows.filter((pl.col("what") == NEEDS) | (pl.col("end") <= pl.col("at")) | sooner)["member"].to_list())
    if plain is not None:
        again = plain.group_by("member", "id").len().filter(pl.col("len") > 1)
        needs |= set(again["member"].to_list())
    return needs


def _order(plain: pl.DataFrame) -> pl.Series:
    """The rows by member, instant and id."""
    member, at = plain["member"], plain["at"]
    if not len(plain):
        return pl.Series([], dtype=pl.UInt32)
    first: Any = at.min()
    if not (at % _SECOND != 0).any():
        at, first = at // _SECOND, first // _SECOND
    width: Any = at.max() - first + 1
    if (member.max() + 1) * width < _LIMIT:  # type: ignore[operator]
        # one number is sorted in half the time that two take
        key = member * width + (at - first)
        order: pl.Series = key.arg_sort()
        if not (key.gather(order).diff() == 0).any():
            return order
    return plain.select(pl.arg_sort_by("member", "at", "id")).to_series()


class _Plain:
    """The columns of a frame as lean accounts read them."""

    def __init__(self, frame: pl.DataFrame, history: FrameHistory, zone: Any) -> None:
        self._frame, self._zone, self._history = frame, zone, history
        self._names = {what: frame.columns[place] for what, place in history.places.items()}
        self._places = history.amounts.places
        self.ids_are_unique = True

    def columns(self, lean: Lean) -> pl.DataFrame:
        """A row for each of the frame; `NotPlain` where one is not."""
        at, civil = self._moments("date")
        posted, _ = self._moments("posted")
        number = pl.format(self._history.unnamed, pl.int_range(pl.len()) + self._history.first)
        others = [name for name in lean.takes if name in ("category", "sku")]
        plain = self._frame.select(
            member=self._text("member"),
            id=self._text("id") if "id" in self._names else number,
            at=at,
            civil=civil,
            posted=posted,
            kind=pl.when(self._text("kind") == "").then(pl.lit("purchase")).otherwise(self._text("kind")),
            reward=self._text("reward"),
            amount=self._amount(),
            points=self._is_stated("points"),
            **{"is posted": self._is_stated("posted")},
            **{f"given {name}": self._text(name) for name in others},
            **{"given quantity": self._quantity()},
        )
        self._check(plain)
        amount, kind = pl.col("amount").fill_null(0), pl.col("kind")
        price = pl.col("reward").replace_strict(lean.prices, default=NEEDS, return_dtype=pl.Int64)
        what = (
            pl.when(pl.col("posted").is_not_null() | pl.col("points")).then(NEEDS)
            .when(~kind.is_in(list(ROW_VERBS))).then(EARNS)
            .when(kind == "redeem").then(price)  # which the order that is paid does not change
            .otherwise(NEEDS)
        )  # fmt: skip
        counted = pl.lit(0) if lean.steps is None else amount if lean.steps.counts_spend else pl.lit(1)
        return plain.with_columns(
            *_by_day(plain["civil"], lean),
            what=what.cast(pl.Int64),
            counts=pl.when(what == EARNS).then(counted).otherwise(0).cast(pl.Int64),
            **{"given amount": amount, "given kind": kind},
        )

    def _check(self, plain: pl.DataFrame) -> None:
        """What makes a row bad, or a line of a larger basket."""
        calls = pl.col("kind").is_in(list(ROW_VERBS))
        bad = plain.select(
            member=(pl.col("member") == "").any(),
            id=(pl.col("id") == "").any(),
            at=pl.col("at").is_null().any(),
            year=~pl.col("civil").is_between(datetime(YEARS.start, 1, 1), datetime(YEARS.stop, 1, 1), "left").all(),
            amount=((pl.col("amount").is_null() & ~calls) | (pl.col("amount") < 0)).any(),
            points=(pl.col("points") & ~calls).any(),
            posted=(pl.col("is posted") & pl.col("posted").is_null()).any(),
        )
        if True in bad.row(0):
            raise NotPlain
        self.ids_are_unique = "id" not in self._names or plain["id"].hash().n_unique() == len(plain)
        if not self.ids_are_unique and plain.filter(~calls)["id"].is_duplicated().any():
            raise NotPlain

    def _dtype(self, what: str) -> pl.DataType:
        return self._frame.schema[self._names[what]] if what in self._names else pl.Null()

    def _text(self, what: str) -> pl.Expr:
        """A column of text or, as names and ids may be, of whole numbers; nothing is empty."""
        dtype = self._dtype(what)
        if dtype == pl.Null:
            return pl.lit("")
        if not (dtype in (pl.String, pl.Categorical, pl.Enum) or (dtype.is_integer() and what in _NUMBERED)):
            raise NotPlain
        text = pl.col(self._names[what]).cast(pl.String).fill_null("")
        return text.replace("0", "") if dtype.is_integer() and what == "id" else text  # 0 is no id

    def _is_stated(self, what: str) -> pl.Expr:
        """Where a cell is not empty."""
        dtype = self._dtype(what)
        if dtype == pl.Null:
            return pl.lit(value=False)
        cell = pl.col(self._names[what])
        return cell.is_not_null() & (cell != "") if dtype == pl.String else cell.is_not_null()

    def _quantity(self) -> pl.Expr:
        """Whole numbers; 1 where there is none."""
        dtype = self._dtype("quantity")
        if dtype == pl.Null:
            return pl.lit(1)
        column = pl.col(self._names["quantity"])
        if dtype == pl.String:
            column = pl.when(column != "").then(column)
            if not self._frame.select(column.str.contains(r"^\d{1,9}$").all()).item():
                raise NotPlain
        elif not dtype.is_integer():
            raise NotPlain
        quantity = column.cast(pl.Int64).fill_null(1)
        return quantity if dtype == pl.String else quantity.replace(0, 1)

    def _amount(self) -> pl.Expr:
        """Whole numbers of the smallest parts that amounts have."""
        dtype, places = self._dtype("amount"), self._places
        column = pl.col(self._names["amount"])
        if dtype.is_integer():
            return column.cast(pl.Int64)
        if dtype == pl.String:
            column = pl.when(column != "").then(column)
            digits = rf"(\.\d{{1,{places}}})?" if places else ""
            if not self._frame.select(column.str.contains(rf"^-?\d{{1,15}}{digits}$").all()).item():
                raise NotPlain
            column = column.cast(pl.Decimal(38, places))
        elif not dtype.is_decimal():
            raise NotPlain
        return column.to_physical().cast(pl.Int64)

    def _moments(self, what: str) -> tuple[pl.Expr, pl.Expr]:
        """The instants of a column, in microseconds, and the civil time of the program that they are."""
        dtype = self._dtype(what)
        if dtype == pl.Null:
            return pl.lit(None, dtype=pl.Int64), pl.lit(None, dtype=pl.Datetime("us"))
        column, key = pl.col(self._names[what]), self._zone.key
        if dtype == pl.String:
            column = pl.lit(self._frame.select(_read_moments(column)).to_series())  # once
        elif dtype != pl.Date and not isinstance(dtype, pl.Datetime):
            raise NotPlain
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
            column = column.dt.cast_time_unit("us").dt.convert_time_zone(key)
            return column.to_physical(), column.dt.replace_time_zone(None)
        civil = column.cast(pl.Datetime("us"))
        zoned = civil.dt.replace_time_zone(key, ambiguous="earliest", non_existent="null")
        return (civil if key == "UTC" else zoned).to_physical(), civil


def _by_day(civil: pl.Series, lean: Lean) -> pl.DataFrame:
    """The month of each moment, and the instant at which points of its day lapse."""
    day = civil.dt.date().to_physical()
    if not len(day):
        return pl.DataFrame(schema={"month": pl.Int64, "end": pl.Int64})
    first: Any = day.min()
    known = dict.fromkeys(day.unique())
    of_day = [lean.days[n + _EPOCH_DAY] if n in known else (0, 0) for n in range(first, max(known) + 1)]
    found: pl.DataFrame = pl.DataFrame(of_day, schema={"month": pl.Int64, "end": pl.Int64}, orient="row")[day - first]
    return found


def _read_moments(column: pl.Expr) -> pl.Expr:
    """ISO text: days, minutes, seconds or microseconds; nothing where it is written in another way."""
    text = column.str.replace(" ", "T", literal=True)
    read = [text.str.to_datetime(way, time_unit="us", strict=False) for way in _WAYS]
    return pl.when(text.str.contains(_ISO)).then(pl.coalesce(read))
