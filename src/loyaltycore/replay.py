"""Replay: a whole history in real accounts, of all members, in any order of input.

Members are independent, so each account is built, asked and dropped by itself, and several processes can share the
work. What was finished can be kept in a file, from which a replay that was killed goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
import gc
import multiprocessing
from os import PathLike
from pathlib import Path
import sys
from typing import Any, Final, NamedTuple, TypeAlias, cast
import warnings

from attrs import evolve, frozen

from loyaltycore._calendar import in_zone, moment, show_moment
from loyaltycore._checkpoint import Checkpoint
from loyaltycore._exact import EMPTY, whole
from loyaltycore._lean import instant, micros
from loyaltycore._lives import Done, Job, chunks_of
from loyaltycore._show import HTML_ROWS, count, html_table, text_table
from loyaltycore._show import points as points_text
from loyaltycore._told import Told, ToldEvents
from loyaltycore.account import Account
from loyaltycore.activity import Member
from loyaltycore.calls import Calls, Event, FrameHistory, frame_like, is_frame, read_calls
from loyaltycore.datasets import Transactions
from loyaltycore.desk import When
from loyaltycore.errors import DataError, MissingExtra
from loyaltycore.history import AnyProgram

Source: TypeAlias = Iterable[Event] | str | PathLike[str] | Any
"""Events, a frame of them, or the path of a file."""

Progress: TypeAlias = bool | Callable[[int, int], object] | None
"""Whether to show a bar, or what is told how many events are done, and of how many."""


class MonthPoints(NamedTuple):
    """What became of points in a month, by when accounts learnt it; `net` is by how much all there are has changed.

    *spent* is less what was cancelled, *lapsed* less what was reinstated; *other* is what was adjusted, transferred
    and converted, in less out. `net == earned - spent - lapsed - reversed + other`.
    """

    month: str
    unit: str
    earned: int
    spent: int
    lapsed: int
    reversed: int
    other: int
    net: int


class ReplayedBalance(NamedTuple):
    """What a member has of one unit, and the tier held in the first ladder."""

    member: str
    tier: str
    unit: str
    available: int
    pending: int
    held: int
    owed: int

    @property
    def net(self) -> int:
        """All points there are, less what is owed."""
        return self.available + self.pending + self.held - self.owed


class EntryRow(NamedTuple):
    """An entry of a member's account as a row; see `Entry`. *activity* is the kind of the activity that earned."""

    member: str
    seq: int
    kind: str
    id: str
    at: datetime
    posted: datetime
    unit: str
    points: int
    source: str
    activity: str = ""


TABLES: Final = {
    "monthly": MonthPoints._fields,
    "balances": ReplayedBalance._fields,
    "entries": EntryRow._fields,
}
"""The tables of a replay, and their columns."""


@frozen(repr=False, eq=False)
class Replay:
    """A history as accounts have lived it, up to and with *at*. `print` it, or take one of the tables.

    *events* are how many there were up to then, of which *refused* were redemptions, holds and uses that were refused.
    Tables are tuples of named tuples, or frames if a frame was replayed. *problems* are rows that could not be read.
    """

    program: AnyProgram
    at: datetime
    events: int
    refused: int
    problems: tuple[DataError, ...]
    _job: Job
    _months: Sequence[MonthPoints]
    _done: Sequence[Done]
    _like: Any

    @property
    def members(self) -> int:
        """How many members there are."""
        return len(self._job.told.members)

    @property
    def totals(self) -> Mapping[str, MonthPoints]:
        """All months of each unit added up, as a row whose month is `"total"`."""
        return {unit: _sum_of(unit, [row for row in self._months if row.unit == unit]) for unit in self._units()}

    def monthly(self) -> Any:
        """A `MonthPoints` for each month of the program's zone in which something happened, and each unit in it."""
        return self._table(zip(*self._months, strict=True), MonthPoints)

    def balances(self, at: When | None = None) -> Any:
        """A `ReplayedBalance` for each member and unit, at the end or at another moment, for which all is done anew."""
        done: Iterable[Done] = self._done
        if at is not None and _asked(self.program, at) != self.at:
            done = evolve(self._job, upto=micros(_asked(self.program, at)), entries=False).all()
        rows = (row for each in done for row in each.balances)
        return self._table(zip(*rows, strict=True), ReplayedBalance)

    def entries(self) -> Any:
        """An `EntryRow` for each entry of each account; if the replay did not keep them, all is done anew."""
        job = evolve(self._job, entries=True)
        return self._table(job.entry_columns(self._done if self._job.entries else job.all()), EntryRow)

    def accounts(self) -> Iterator[Account]:
        """The accounts themselves, built anew one after the other, by their members' names."""
        return (self._job.account(n) for n in range(len(self._job.told.members)))

    def account(self, member: str) -> Account:
        """The account of one member, built anew."""
        if member not in self._job.told.members:
            raise DataError(f"{member!r} has no history; give one of the members there are", "member")
        return self._job.account(self._job.told.members.index(member))

    def __repr__(self) -> str:
        return f"<Replay of {self._title()}>"

    def __str__(self) -> str:
        tables = [text_table(header, [*rows, total]).split("\n") for header, rows, total in self._text()]
        ruled = ["\n".join([*table[:-1], table[1], table[-1]] if len(table) > 3 else table) for table in tables]  # noqa: PLR2004 (a header, a rule and the total)
        left_out = f"Not counted: {count(len(self.problems), 'problem')}; replay.problems says which and why."
        return "\n\n".join([self._title(), *ruled, *([left_out] if self.problems else [])])

    def _repr_html_(self) -> str:
        shown = ((header, [*rows[-HTML_ROWS:], total]) for header, rows, total in self._text())
        return "".join(html_table(header, rows, self._title()) for header, rows in shown)

    def _title(self) -> str:
        at = show_moment(self.at.replace(tzinfo=None))
        refused = f" ({self.refused:,} refused)" if self.refused else ""
        return (
            f"{self.program.name} up to {at}: {count(self.events, 'event')}{refused}, {count(self.members, 'member')}"
        )

    def _units(self) -> list[str]:
        """All units that there are, or were, in the order of the program."""
        return list(dict.fromkeys([*self.program.points, *(row.unit for row in self._months)]))

    def _text(self) -> Iterator[tuple[tuple[str, ...], list[tuple[str, ...]], tuple[str, ...]]]:
        """Of each unit the header, the rows and the total."""
        for unit, total in self.totals.items():
            places = self.program.unit(unit).places
            rows = [
                (row.month, *(points_text(n, places) for n in row[2:]))
                for row in (*(row for row in self._months if row.unit == unit), total)
            ]
            yield (unit, *MonthPoints._fields[2:]), rows[:-1], rows[-1]

    def _table(self, columns: Iterable[Sequence[Any]], row_type: Any) -> Any:
        cells = list(columns) or [()] * len(row_type._fields)
        if self._like is None:
            return tuple(map(row_type._make, zip(*cells, strict=True)))
        return frame_like(self._like, cells, row_type._fields)


def replay(
    program: AnyProgram,
    history: Source,
    *,
    at: When | None = None,
    members: Iterable[Member] = (),
    entries: bool = False,
    workers: int = 1,
    progress: Progress = None,
    checkpoint: str | PathLike[str] | None = None,
    columns: Mapping[str, str] = EMPTY,
    amount_unit: str | None = None,
) -> Replay:
    """The history as accounts of the program live it: what was earned, spent and lapsed, and what there is.

    *history* is activities, which are earned, and a `Call` for whatever else happened; or a frame, or a CSV file, of
    rows as `read_calls` reads them, with *columns* as there, and *amount_unit* as in `award_frame`. Any order will do:
    each account learns its events in the order (posted, at, id). *at* is the end, with all that is due by then; left
    out, it is when the last event was learnt. *members* are those of whom more is known than a name: when they joined,
    and facts.

    *entries* keeps every entry as a row, not the totals alone. *workers* are processes that share the members.
    *progress* is a bar (by tqdm where it is installed, and on a terminal only), `True` or `False` for one or none, or a
    function of the events done and all events. *checkpoint* is a file to keep what is finished; a replay of the same
    that finds it goes on from there.

    What an account raises is raised, with a note of the call, the member and the moment.

    >>> from loyaltycore.calls import Call
    >>> club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(30)})
    >>> visits = [Activity.purchase(50, at=f"2026-0{n}-05", id=f"t-{n}", member="Ada") for n in (2, 1)]
    >>> print(club.replay([*visits, Call("redeem", "coffee", member="Ada", id="r-1", at="2026-02-07")]))
    Club up to 2026-02-07: 3 events, 1 member
    <BLANKLINE>
    points   earned  spent  lapsed  reversed  other  net
    -------  ------  -----  ------  --------  -----  ---
    2026-01      50      0       0         0      0   50
    2026-02      50     30       0         0      0   20
    -------  ------  -----  ------  --------  -----  ---
    total       100     30       0         0      0   70
    """
    with _collecting_by_chunk():
        known = {member.id: member for member in members}
        told, problems, like = _told(program, history, known, columns, amount_unit)
        if told.last is None and at is None:
            raise DataError("there are no events, so no end; give one by at=...", "history")
        upto = cast("int", told.last) if at is None else micros(_asked(program, at))
        job = Job(program, told, known, upto, entries, chunks_of(told))
        done = [Done(*each) for each in _run(job, whole(workers, "workers", at_least=1), progress, checkpoint)]
    end = instant(upto).astimezone(program.zone)
    refused = sum(each.refused for each in done)
    return Replay(program, end, told.learnt(upto), refused, problems, job, _together(done), done, like)


@contextmanager
def _collecting_by_chunk() -> Iterator[None]:
    """Garbage is looked for after each chunk alone: a history of millions of objects would be looked through, too."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _told(
    program: AnyProgram,
    history: Source,
    known: Iterable[str],
    columns: Mapping[str, str],
    amount_unit: str | None,
) -> tuple[Told, tuple[DataError, ...], Any]:
    """The history by member, its problems, and the frame that it comes from, if it is one."""
    problems: tuple[DataError, ...] = ()
    like = history if is_frame(history) else None
    if isinstance(history, (str, PathLike)):
        history = csv_of(program, Path(history), columns) or read_calls(history, columns=columns)
    if isinstance(history, FrameHistory):
        told = _told_of_frame(program, history, known)
        if told is not None:
            return told, problems, like
        history = history.calls()
    if isinstance(history, Calls):
        problems, history = history.problems, history.events
    elif isinstance(history, Transactions):
        problems, history = history.problems, history.activities
    elif like is not None:
        frame = FrameHistory.of(program, history, columns, amount_unit)
        told = _told_of_frame(program, frame, known)
        if told is not None:
            return told, problems, like
        history = frame.calls().events
    if not isinstance(history, Iterable):
        raise DataError(f"{history!r} is no history; give activities and calls, a frame, or the path of a file")
    return ToldEvents(program, cast("Iterable[Event]", history), known), problems, like


def csv_of(program: AnyProgram, path: Path, columns: Mapping[str, str]) -> FrameHistory | None:
    """A CSV file as a frame, if it is a plain one and polars is there to read it."""
    try:
        from loyaltycore._told_frame import csv_history
    except ImportError:
        return None
    return csv_history(program, path, columns)


def _told_of_frame(program: AnyProgram, frame: FrameHistory, known: Iterable[str]) -> Told | None:
    """The history in a frame as columns, if it is so plain."""
    from loyaltycore._told_frame import told_frame  # it needs polars

    return told_frame(program, frame, known)


def _asked(program: AnyProgram, at: When) -> datetime:
    return in_zone(moment(at), program.zone)


# What is kept ------------------------------------------------------------------------------------------------------


def _month(month: str, unit: str, points: Sequence[int]) -> MonthPoints:
    earned, spent, lapsed, reversed_, other = points
    net = earned - spent - lapsed - reversed_ + other
    return MonthPoints(month, unit, earned, spent, lapsed, reversed_, other, net)


def _sum_of(unit: str, rows: Sequence[MonthPoints]) -> MonthPoints:
    return _month("total", unit, [sum(points) for points in zip(*(row[2:7] for row in rows), strict=True)] or [0] * 5)


def _together(done: Iterable[Sequence[Any]]) -> list[MonthPoints]:
    """The months of all members."""
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 5)
    for months, *_ in done:
        for month, unit, *points in months:
            found = sums[month, unit]
            for i, n in enumerate(points):
                found[i] += n
    return [_month(*key, points) for key, points in sorted(sums.items())]


# All members --------------------------------------------------------------------------------------------------------


def _run(job: Job, workers: int, progress: Progress, checkpoint: str | PathLike[str] | None) -> Iterator[Sequence[Any]]:
    """What is kept of all members, chunk by chunk in their order."""
    chunks = job.chunks
    sizes = [job.told.size(chunk) for chunk in chunks]
    file = None if checkpoint is None else Checkpoint(Path(checkpoint), job.identity())
    finished = [] if file is None else file.finished()
    done = sum(sizes[: len(finished)])
    with _shown(progress, sum(sizes)) as show, _workers(job, workers) as each:
        show(done)
        yield from finished
        for chunk, size in zip(each(chunks[len(finished) :]), sizes[len(finished) :], strict=True):
            if file is not None:
                file.add(chunk)
            done += size
            show(done)
            yield chunk


_job: Job | None = None
"""What a process of several works on."""


def _take(job: Job) -> None:
    global _job  # noqa: PLW0603 (one for each process, which lives for it)
    _job = job
    gc.disable()  # see `_collecting_by_chunk`
    gc.freeze()  # what is there stays, and looking through it would have it copied to this process


def _do(chunk: range) -> Done:
    return cast("Job", _job).done(chunk)


@contextmanager
def _workers(job: Job, workers: int) -> Iterator[Callable[[Iterable[range]], Iterator[Done]]]:
    """How the work is done: here, or by so many processes, which give their results in the same order."""
    if workers == 1:
        yield lambda chunks: map(job.done, chunks)
        return
    # where processes can be forked they need not be sent the history
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    with warnings.catch_warnings():
        # a fork is unsafe where the child goes on with what threads of the parent were at; this one runs Python, and of
        # polars only what needs no threads: parts of a column as lists, and single rows
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        pool = context.Pool(workers, _take, (job,))
    with pool:
        yield lambda chunks: pool.imap(_do, chunks)


@contextmanager
def _shown(progress: Progress, events: int) -> Iterator[Callable[[int], object]]:
    """What is told how many events are done."""
    if callable(progress):
        told = progress
        yield lambda done: told(done, events)
        return
    try:
        from tqdm import tqdm  # type: ignore[import-untyped]
    except ImportError:
        if progress:
            raise MissingExtra("progress", "tqdm", "replay(progress=True)") from None
        yield lambda _: None
        return
    # without an answer, tqdm itself looks for a terminal
    with tqdm(total=events, unit=" events", disable=None if progress is None else not progress) as bar:
        yield lambda done: bar.update(done - bar.n)
