"""Past one machine: rules over frames of Apache Spark, and the replay of a history by all its workers.

`award_frame` and `points_by` are those of `loyaltycore.frames`: what columns can express runs in Spark itself, and what
they cannot in Python beside it. `replay_spark` gives each worker whole members, which it replays as `Program.replay`
does. Needs the extra `spark`, and Java.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, get_type_hints

from attrs import evolve, frozen

from loyaltycore._calendar import in_zone, moment, show_moment
from loyaltycore._exact import EMPTY
from loyaltycore._frame_sql import Spark, is_spark
from loyaltycore._spark import BATCH, map_in_arrow
from loyaltycore.activity import Member
from loyaltycore.calls import ROW_COLUMNS
from loyaltycore.datasets import _find_columns
from loyaltycore.desk import When
from loyaltycore.errors import DataError
from loyaltycore.frames import award_frame, points_by
from loyaltycore.history import AnyProgram
from loyaltycore.replay import EntryRow, MonthPoints, ReplayedBalance

import narwhals as nw  # isort: skip  (what is missing is said with its extra by frames)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SparkReplay", "award_frame", "points_by", "replay_spark"]

CHUNK: Final = 100_000
"""How many events, about, a partition has, which a worker replays at a time."""


class Counts(NamedTuple):
    """How many events there were up to the end, of which so many were refused, and how many members."""

    events: int
    refused: int
    members: int


_KINDS: Final = {"month": MonthPoints, "balance": ReplayedBalance, "entry": EntryRow, "done": Counts}
"""What a worker says of some members: each row has one of these columns, and the others are null."""

_SQL_TYPES: Final = {str: "string", int: "bigint", datetime: "timestamp_ltz"}


def replay_spark(
    program: AnyProgram,
    df: DataFrame,
    *,
    at: When | None = None,
    members: Iterable[Member] = (),
    entries: bool = False,
    columns: Mapping[str, str] = EMPTY,
    amount_unit: str | None = None,
) -> SparkReplay:
    """The history in a frame of Spark as accounts of the program live it, the members shared by all workers.

    The rows are read as `Program.replay` reads those of a frame, and mean the same; *at*, *members*, *entries*,
    *columns* and *amount_unit* are as there. The moments have to be dates or timestamps, and an id belongs to one
    member. Of *members* those without a row are left out. What an account raises is raised by Spark when it computes.

    Nothing is computed before it is asked for, but for how many rows there are and, without *at*, the last moment. A
    worker needs memory for about 100,000 events, or for one member's if those are more.

    Raises `DataError` for what is no frame of Spark, for a column that is missing, and for moments that are text.
    """
    frame = nw.from_native(df, pass_through=True)
    if not isinstance(frame, nw.LazyFrame) or not is_spark(frame):
        raise DataError(f"{type(df).__name__} is no frame of Spark; give one, or use program.replay(...)", "df")
    header = frame.collect_schema().names()
    places = _find_columns(header, columns, "the frame", "", ROW_COLUMNS)
    read = {what: header[places[what]] if what in places else "" for what in ROW_COLUMNS}
    texts = {what: Spark().quoted(name) for what, name in read.items() if name}
    for what in ("date", "posted"):
        dtype = frame.collect_schema().get(read[what], nw.Date())
        if dtype not in (nw.Date, nw.Datetime):
            raise DataError(f"{dtype} is no moment; convert it, as in F.to_timestamp({read[what]!r})", read[what])
    moments = [texts[what] for what in ("date", "posted") if what in texts]
    rows, last = _extent(program, df, moments if at is None else [])
    upto = last if at is None else in_zone(moment(at), program.zone)
    if upto is None:
        raise DataError("there are no events, so no end; give one by at=...", "df")
    known = {member.id: member for member in members}
    # Spark would not make fewer of its usual ones, since what comes of them is kept; each empty one takes time
    parts = max(1, round(rows / CHUNK))
    chosen = df.select(*dict.fromkeys(texts.values())).repartition(parts, df[texts["member"]])
    return SparkReplay(_Job(program, chosen, read, known, upto, amount_unit, entries))


def _extent(program: AnyProgram, df: DataFrame, moments: Iterable[str]) -> tuple[int, datetime | None]:
    """How many rows there are, and the last of some moments."""
    asked = df.selectExpr("count(*) AS rows", *(f"max({name}) AS m{n}" for n, name in enumerate(moments)))
    [row] = asked.toArrow().to_pylist()
    rows: int = row.pop("rows")
    return rows, max((in_zone(moment(at), program.zone) for at in row.values() if at is not None), default=None)


@frozen(eq=False)
class _Job:
    """Rows of which those of a member are in one partition, and what to do with them."""

    program: AnyProgram
    rows: Any
    read: Mapping[str, str]
    known: Mapping[str, Member]
    upto: datetime
    amount_unit: str | None
    entries: bool

    def done(self) -> DataFrame:
        """What the workers say."""
        schema = ", ".join(f"{what} struct<{_fields(row_type)}>" for what, row_type in _KINDS.items())
        return map_in_arrow(self.rows, self._worker(), schema)  # type: ignore[no-any-return]  # pyspark is not typed

    def _worker(self) -> Callable[[Iterator[Any]], Iterator[Any]]:
        # what is sent to the workers, which is neither the rows nor the session
        program, read, known, upto = self.program, dict(self.read), dict(self.known), self.upto
        how = {"entries": self.entries, "columns": read, "amount_unit": self.amount_unit}

        def work(batches: Iterator[Any]) -> Iterator[Any]:
            import pyarrow as pa  # type: ignore[import-untyped]

            rows = list(batches)
            if not rows:
                return
            table = pa.Table.from_batches(rows)
            there = (str(member) for member in table[read["member"]].unique().to_pylist()) if known else ()
            members = [known[member] for member in there if member in known]
            replay = program.replay(table, at=upto, members=members, progress=False, **how)
            tables = {"month": replay.monthly(), "balance": replay.balances()}
            if how["entries"]:
                tables["entry"] = replay.entries()
            counts = [[n] for n in (replay.events, replay.refused, replay.members)]
            yield from _rows_of({**tables, "done": pa.table(counts, names=Counts._fields)})

        return work


def _fields(row_type: type) -> str:
    return ", ".join(f"{name}: {_SQL_TYPES[kind]}" for name, kind in get_type_hints(row_type).items())


def _rows_of(tables: Mapping[str, Any]) -> Iterator[Any]:
    """The rows of tables, each in the column of its kind."""
    import pyarrow as pa

    arrow = {str: pa.string(), int: pa.int64(), datetime: pa.timestamp("us", "UTC")}
    types = {
        what: pa.struct([(name, arrow[kind]) for name, kind in get_type_hints(row_type).items()])
        for what, row_type in _KINDS.items()
    }
    for what, table in tables.items():
        rows = table.cast(pa.schema(types[what])).to_struct_array()
        cells = [rows if other == what else pa.nulls(len(table), types[other]) for other in _KINDS]
        yield from pa.Table.from_arrays(cells, names=list(_KINDS)).to_batches(max_chunksize=BATCH)


class SparkReplay:
    """A history as accounts have lived it, in frames of Spark; the tables and their columns are those of `Replay`.

    What the workers find out is kept (`persist`) when it is first asked for, until `close`, or the end of a `with`.
    """

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._kept = job.done().persist()

    @property
    def program(self) -> AnyProgram:
        """The program."""
        return self._job.program

    @property
    def at(self) -> datetime:
        """The end, in the program's zone."""
        return self._job.upto

    def monthly(self) -> DataFrame:
        """A row for each month in which something happened, and each unit in it; see `MonthPoints`."""
        months = _rows(self._kept, "month")
        sums = [f"CAST(sum({name}) AS BIGINT) AS {name}" for name in MonthPoints._fields[2:]]
        from pyspark.sql.functions import expr

        return months.groupBy("month", "unit").agg(*map(expr, sums)).orderBy("month", "unit")

    def balances(self, at: When | None = None) -> DataFrame:
        """A row for each member and unit, at the end or at another moment, for which all is done anew."""
        when = self.at if at is None else in_zone(moment(at), self.program.zone)
        return _rows(self._kept if when == self.at else evolve(self._job, upto=when, entries=False).done(), "balance")

    def entries(self) -> DataFrame:
        """A row for each entry of each account; if the replay did not keep them, all is done anew."""
        return _rows(self._kept if self._job.entries else evolve(self._job, entries=True).done(), "entry")

    @cached_property
    def counts(self) -> Counts:
        """How many events, refusals and members there were."""
        [row] = _rows(self._kept, "done").groupBy().sum().collect()
        return Counts(*(int(n or 0) for n in row))

    def close(self) -> None:
        """Let go of what is kept."""
        self._kept.unpersist()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SparkReplay of {self.program.name} up to {show_moment(self.at.replace(tzinfo=None))}>"


def _rows(done: Any, what: str) -> DataFrame:
    return done.where(f"{what} IS NOT NULL").select(f"{what}.*")  # type: ignore[no-any-return]  # as above
