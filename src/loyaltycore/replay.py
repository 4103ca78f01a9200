"""Replay: a whole history in real accounts, of all members, in any order of input.

Members are independent, so each account is built, asked and dropped by itself, and several processes can share the
work. What was finished can be kept in a file, from which a replay that was killed goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
import gc
import multiprocessing
from os import PathLike
from pathlib import Path
import sys
from typing import Any, Final, NamedTuple, TypeAlias, cast
import warnings

from attrs import evolve, frozen

from loyaltycore._calendar import in_zone, moment, show_moment
from loyaltycore._checkpoint import Checkpoint, fingerprint
from loyaltycore._exact import EMPTY, whole
from loyaltycore._lean import Lean
from loyaltycore._show import html_table, text_table
from loyaltycore._show import points as points_text
from loyaltycore.account import Account
from loyaltycore.activity import Member
from loyaltycore.calls import Call, Calls, Event, Placed, frame_calls, frame_like, histories, is_frame, read_calls
from loyaltycore.datasets import Transactions
from loyaltycore.desk import When
from loyaltycore.entries import Entry
from loyaltycore.errors import DataError, MissingExtra
from loyaltycore.history import AnyProgram
from loyaltycore.reports import HTML_ROWS, _count

CHUNK: Final = 2_000
"""How many events, at least, are done at a time: between two steps of the progress, and lines of a checkpoint."""

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
    """An entry of a member's account as a row; see `Entry`."""

    member: str
    seq: int
    kind: str
    id: str
    at: datetime
    posted: datetime
    unit: str
    points: int
    source: str


TABLES: Final = {
    "monthly": MonthPoints._fields,
    "balances": ReplayedBalance._fields,
    "entries": EntryRow._fields,
}
"""The tables of a replay, and their columns."""


class Lived(NamedTuple):
    """What is kept of a member's account, as JSON can have it."""

    member: str
    refused: int
    balances: list[list[Any]]
    entries: list[list[Any]]


class Done(NamedTuple):
    """What is kept of some members: the first numbers of `MonthPoints` of all of them together, and each of them."""

    months: list[list[Any]]
    members: list[Lived]


Moved: TypeAlias = tuple[datetime, str, str, int]
"""When points moved, of which unit, the kind of the entry, and how many."""


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
    _lived: Sequence[Lived]
    _like: Any

    @property
    def members(self) -> int:
        """How many members there are."""
        return len(self._lived)

    @property
    def totals(self) -> Mapping[str, MonthPoints]:
        """All months of each unit added up, as a row whose month is `"total"`."""
        return {unit: _sum_of(unit, [row for row in self._months if row.unit == unit]) for unit in self._units()}

    def monthly(self) -> Any:
        """A `MonthPoints` for each month of the program's zone in which something happened, and each unit in it."""
        return self._table(self._months, MonthPoints)

    def balances(self, at: When | None = None) -> Any:
        """A `ReplayedBalance` for each member and unit, at the end or at another moment, for which all is done anew."""
        lived: Iterable[Lived] = self._lived
        if at is not None and _asked(self.program, at) != self.at:
            job = evolve(self._job, upto=_asked(self.program, at).astimezone(UTC), entries=False)
            lived = job.all()
        rows = [ReplayedBalance(one.member, *row) for one in lived for row in one.balances]
        return self._table(rows, ReplayedBalance)

    def entries(self) -> Any:
        """An `EntryRow` for each entry of each account; if the replay did not keep them, all is done anew."""
        lived = self._lived if self._job.entries else evolve(self._job, entries=True).all()
        rows = [_entry_row(one.member, row) for one in lived for row in one.entries]
        return self._table(rows, EntryRow)

    def accounts(self) -> Iterator[Account]:
        """The accounts themselves, built anew one after the other, by their members' names."""
        return (self._job.account(n) for n in range(len(self._job.members)))

    def account(self, member: str) -> Account:
        """The account of one member, built anew."""
        if member not in self._job.members:
            raise DataError(f"{member!r} has no history; give one of the members there are", "member")
        return self._job.account(self._job.members.index(member))

    def __repr__(self) -> str:
        return f"<Replay of {self._title()}>"

    def __str__(self) -> str:
        tables = [text_table(header, [*rows, total]).split("\n") for header, rows, total in self._text()]
        ruled = ["\n".join([*table[:-1], table[1], table[-1]] if len(table) > 3 else table) for table in tables]  # noqa: PLR2004 (a header, a rule and the total)
        left_out = f"Not counted: {_count(len(self.problems), 'problem')}; replay.problems says which and why."
        return "\n\n".join([self._title(), *ruled, *([left_out] if self.problems else [])])

    def _repr_html_(self) -> str:
        shown = ((header, [*rows[-HTML_ROWS:], total]) for header, rows, total in self._text())
        return "".join(html_table(header, rows, self._title()) for header, rows in shown)

    def _title(self) -> str:
        at = show_moment(self.at.replace(tzinfo=None))
        refused = f" ({self.refused:,} refused)" if self.refused else ""
        return (
            f"{self.program.name} up to {at}: {_count(self.events, 'event')}{refused}, {_count(self.members, 'member')}"
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

    def _table(self, rows: Sequence[Any], row_type: Any) -> Any:
        return tuple(rows) if self._like is None else frame_like(self._like, rows, row_type._fields)


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
        found, like = _events(program, history, columns, amount_unit)
        known = {member.id: member for member in members}
        by_member = histories(program, found.events)
        names = sorted(by_member | known)
        last = max((each[-1][0] for each in by_member.values()), default=None)
        upto = last if at is None else _asked(program, at).astimezone(UTC)
        if upto is None:
            raise DataError("there are no events, so no end; give one by at=...", "history")
        told = [by_member.get(name, []) for name in names]
        job = Job(program, Lean.of(program), names, told, known, upto, entries)
        done = list(_run(job, whole(workers, "workers", at_least=1), progress, checkpoint))
        lived = [Lived(*one) for _, members_done in done for one in members_done]
    counted = sum(posted <= upto for each in told for posted, *_ in each)
    end = upto.astimezone(program.zone)
    refused = sum(one.refused for one in lived)
    return Replay(program, end, counted, refused, found.problems, job, _together(done), lived, like)


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


def _events(
    program: AnyProgram,
    history: Source,
    columns: Mapping[str, str],
    amount_unit: str | None,
) -> tuple[Calls, Any]:
    """The events, and the frame that they come from, if it is one."""
    if isinstance(history, (str, PathLike)):
        return read_calls(history, columns=columns), None
    if isinstance(history, Calls):
        return history, None
    if isinstance(history, Transactions):
        return Calls(history.activities, history.problems), None
    if is_frame(history):
        return frame_calls(program, history, columns, amount_unit), history
    if not isinstance(history, Iterable):
        raise DataError(f"{history!r} is no history; give activities and calls, a frame, or the path of a file")
    return Calls(tuple(cast("Iterable[Event]", history))), None


def _asked(program: AnyProgram, at: When) -> datetime:
    return in_zone(moment(at), program.zone)


# One member at a time -----------------------------------------------------------------------------------------------


@frozen(eq=False)
class Job:
    """All members, and what to do with each of them."""

    program: AnyProgram
    lean: Lean | None
    members: list[str]
    histories: list[list[Placed]]
    known: Mapping[str, Member]
    upto: datetime
    entries: bool

    def account(self, n: int) -> Account:
        """The account of a member as it stands at the end."""
        return self._live(n)[0]

    def all(self) -> Iterator[Lived]:
        """What is kept of each member, one after the other."""
        return map(self.lived, range(len(self.members)))

    def lived(self, n: int) -> Lived:
        """What is kept of one member."""
        return self._kept(n)[0]

    def done(self, chunk: range) -> Done:
        """What is kept of some members."""
        zone = self.program.zone
        in_utc = zone.key == "UTC"
        months: dict[tuple[int, int, str], list[int]] = {}
        members = []
        for n in chunk:
            lived, moved = self._kept(n)
            members.append(lived)
            for posted, unit, kind, points in moved:
                civil = posted if in_utc else posted.astimezone(zone)
                key = (civil.year, civil.month, unit)
                place, sign = _COLUMN[kind]
                (months.get(key) or months.setdefault(key, [0] * 5))[place] += sign * points
        rows = [[f"{year:04}-{month:02}", unit, *points] for (year, month, unit), points in months.items()]
        return Done(rows, members)

    def _kept(self, n: int) -> tuple[Lived, Iterable[Moved]]:
        """What is kept of one member, and the points that moved: by a lean account where that will do."""
        name = self.members[n]
        if self.lean is not None:
            known, history = self.known.get(name), self.histories[n]
            life = self.lean.live(known, history, self.upto, entries=self.entries)
            if life is not None:
                balances = [[life.tier, self.lean.unit, life.available, 0, 0, 0]]
                return Lived(name, life.refused, balances, life.entries), life.moved
        account, refused = self._live(n)
        rows = [_row_of(entry) for entry in account.entries] if self.entries else []
        return Lived(name, refused, _balances_of(account, self.upto), rows), _moved(account)

    def _live(self, n: int) -> tuple[Account, int]:
        """The account of a member at the end, and how many calls were refused."""
        name = self.members[n]
        known = self.known.get(name)
        joined, facts = (None, EMPTY) if known is None else (known.joined, known.facts)
        account = self.program.account(name or "nobody", joined=joined, facts=facts)
        refused = 0
        for number, (posted, _, _, event) in enumerate(self.histories[n], start=1):
            if posted > self.upto:
                break
            try:
                if isinstance(event, Call):
                    refused += not getattr(event.tell(account), "ok", True)
                else:
                    account.earn(event if event.id else evolve(event, id=f"activity {number}"))
            except Exception as error:
                what = event.verb if isinstance(event, Call) else event.kind
                when = show_moment(event.at.replace(tzinfo=None))
                error.add_note(f"({what} {event.id!r} of member {name!r} at {when})")
                raise
        account.advance(self.upto)
        return account, refused

    def chunks(self) -> list[range]:
        """The members in groups that have about as many events each, the same however many processes there are."""
        found, first, events = [], 0, 0
        for n, history in enumerate(self.histories):
            events += len(history) + 1
            if events >= CHUNK or n + 1 == len(self.members):
                found.append(range(first, n + 1))
                first, events = n + 1, 0
        return found

    def identity(self) -> dict[str, Any]:
        """What tells it from any other, whatever the order of the input."""
        events = (repr(event) for history in self.histories for *_, event in history)
        return {
            "program": fingerprint([repr(self.program)]),
            "history": fingerprint(events),
            "members": fingerprint([repr(self.known.get(name, name)) for name in self.members]),
            "at": self.upto.isoformat(),
            "entries": self.entries,
            "chunk": CHUNK,
        }


# What is kept ------------------------------------------------------------------------------------------------------

_COLUMN: Final[Mapping[str, tuple[int, int]]] = {
    "earned": (0, 1),
    "spent": (1, 1), "captured": (1, 1), "cancelled": (1, -1),
    "lapsed": (2, 1), "reinstated": (2, -1),
    "reversed": (3, 1),
    "adjusted": (4, 1), "transferred": (4, 1), "converted": (4, 1),
}  # fmt: skip
"""The number of a month that an entry adds to, by its kind, and whether it does or takes away."""


def _month(month: str, unit: str, points: Sequence[int]) -> MonthPoints:
    earned, spent, lapsed, reversed_, other = points
    net = earned - spent - lapsed - reversed_ + other
    return MonthPoints(month, unit, earned, spent, lapsed, reversed_, other, net)


def _sum_of(unit: str, rows: Sequence[MonthPoints]) -> MonthPoints:
    return _month("total", unit, [sum(points) for points in zip(*(row[2:7] for row in rows), strict=True)] or [0] * 5)


def _moved(account: Account) -> Iterator[Moved]:
    for entry in account._ledger.entries:
        if entry.points and entry.kind in _COLUMN:
            yield entry.posted, entry.unit, entry.kind, entry.points


def _together(done: Iterable[Sequence[Any]]) -> list[MonthPoints]:
    """The months of all members."""
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 5)
    for months, _ in done:
        for month, unit, *points in months:
            found = sums[month, unit]
            for i, n in enumerate(points):
                found[i] += n
    return [_month(*key, points) for key, points in sorted(sums.items())]


def _balances_of(account: Account, at: datetime) -> list[list[Any]]:
    ledger = account._ledger
    tier = account.tier(at=at) if account._terms.version(at).ladder_names else ""
    units = dict.fromkeys([*account._terms.points, *ledger.books])
    books = ((unit, ledger.book(unit)) for unit in units)
    return [[tier, unit, book.available, book.pending, book.held, book.owed] for unit, book in books]


def _row_of(entry: Entry) -> list[Any]:
    return [
        entry.seq, entry.kind, entry.id, entry.at, entry.posted, entry.unit, entry.points, entry.source,
    ]  # fmt: skip


def _entry_row(member: str, row: Sequence[Any]) -> EntryRow:
    seq, kind, call, at, posted, *rest = row
    if isinstance(at, str):  # as a checkpoint has them
        at, posted = datetime.fromisoformat(at), datetime.fromisoformat(posted)
    return EntryRow(member, seq, kind, call, at, posted, *rest)


# All members --------------------------------------------------------------------------------------------------------


def _run(job: Job, workers: int, progress: Progress, checkpoint: str | PathLike[str] | None) -> Iterator[Sequence[Any]]:
    """What is kept of all members, chunk by chunk in their order."""
    chunks = job.chunks()
    sizes = [sum(len(job.histories[n]) for n in chunk) for chunk in chunks]
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
    return _do_here(cast("Job", _job), chunk)


def _do_here(job: Job, chunk: range) -> Done:
    done = job.done(chunk)
    gc.collect(0)
    return done


@contextmanager
def _workers(job: Job, workers: int) -> Iterator[Callable[[Iterable[range]], Iterator[Done]]]:
    """How the work is done: here, or by so many processes, which give their results in the same order."""
    if workers == 1:
        yield lambda chunks: (_do_here(job, chunk) for chunk in chunks)
        return
    # where processes can be forked they need not be sent the history
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    with warnings.catch_warnings():
        # a fork is unsafe where the child goes on with what threads of the parent were at; this one runs Python alone
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
