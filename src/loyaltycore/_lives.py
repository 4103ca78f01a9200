"""Many members' accounts, lived a stretch of members at a time: lean where that will do, whole where it takes more.

A `Job` is a replay as `replay` does it, in one process or several. Members are independent, so a part of a history
that has all events of its members is replayed by itself, as in `program.replay(table, at=end)`, and its tables are
added to the others.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
import gc
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias, cast

from attrs import evolve, frozen

from loyaltycore._calendar import show_moment
from loyaltycore._checkpoint import fingerprint
from loyaltycore._exact import EMPTY
from loyaltycore._lean import EARNED, KINDS, LAPSED, SPENT, Lean, Lives, NeedsAccount, Span, instant, live, month_of
from loyaltycore._told import Named, Told
from loyaltycore.account import Account
from loyaltycore.activity import Member
from loyaltycore.calls import Call, Placed
from loyaltycore.entries import Entry
from loyaltycore.history import AnyProgram

CHUNK: Final = 10_000
"""How many events, at least, are done at a time: between two steps of the progress, and lines of a checkpoint."""

Months: TypeAlias = defaultdict[tuple[str, str], list[int]]
"""By month and unit: earned, spent, lapsed, reversed and other points, as `MonthPoints` has them."""


class Done(NamedTuple):
    """What is kept of some members, as JSON can have it."""

    months: list[list[Any]]
    """Of all of them together, the first numbers of `MonthPoints`."""
    refused: int
    balances: list[list[Any]]
    """As `ReplayedBalance`."""
    entries: list[Any]
    """The `sizes` and the `log` of `Lives`, and the rows of each member who took an account, by its number."""


def chunks_of(told: Told) -> list[range]:
    """The members in groups that have about as many events each, the same however many processes there are."""
    found, first, events = [], 0, 0
    for n, (start, stop) in enumerate(pairwise(told.starts)):
        events += stop - start + 1
        if events >= CHUNK or n + 1 == len(told.members):
            found.append(range(first, n + 1))
            first, events = n + 1, 0
    return found


@frozen(eq=False)
class Job:
    """All members, and what to do with each of them."""

    program: AnyProgram
    told: Told
    known: Mapping[str, Member]
    upto: int
    """The end, in microseconds."""
    entries: bool
    chunks: Sequence[range]
    """The members in groups, as `chunks_of` makes them."""

    def done(self, chunk: range) -> Done:
        """What is kept of some members."""
        told, zone, end, lean = self.told, self.program.zone, instant(self.upto), cast("Lean", self.told.lean)
        lives, accounts = self._lean_lives(chunk)
        months = self._months_of(lives)
        left = iter(lives.left)
        refused, balances, rows = lives.refused, [], []
        for n in chunk:
            name = told.members[n]
            if n not in accounts:
                place, available = next(left)
                balances.append([name, lean.tiers[place], lean.unit, available, 0, 0, 0])
                continue
            account, refusals = self._live(n, keeps_lines=False)
            refused += refusals
            balances += ([name, *row] for row in _balances_of(account, end))
            if self.entries:
                rows.append([n, [_row_of(entry) for entry in account.entries]])
            for entry in account._ledger.entries:
                if entry.points and entry.kind in COLUMN_OF:
                    place, sign = COLUMN_OF[entry.kind]
                    months[_month(month_of(entry.posted.astimezone(zone))), entry.unit][place] += sign * entry.points
        if accounts:
            gc.collect(0)  # which a replay keeps from happening by itself
        kept = [[*key, *points] for key, points in months.items()]
        return Done(kept, refused, balances, [lives.sizes, array("q", lives.log), rows])

    def all(self) -> Iterator[Done]:
        """What is kept of all members."""
        return map(self.done, self.chunks)

    def account(self, n: int, *, keeps_lines: bool = True) -> Account:
        """The account of a member as it stands at the end, with what each line earned or, which is quicker, without."""
        return self._live(n, keeps_lines=keeps_lines)[0]

    # Lean -----------------------------------------------------------------------------------------------------------

    def _lean_lives(self, chunk: range) -> tuple[Lives, set[int]]:
        """What came of the members that lean accounts will do for, and which others there are."""
        if self.told.lean is None:
            return Lives(), set(chunk)
        rows, accounts = self.told.rows(chunk)
        while True:
            spans = self._spans(chunk, rows.ats, accounts)
            try:
                return live(self.told.lean, rows, spans, self.upto, entries=self.entries), accounts
            except NeedsAccount as needs:
                accounts.add(needs.args[0])

    def _spans(self, chunk: range, ats: Sequence[int], accounts: set[int]) -> Iterator[Span]:
        """Where among the rows of a chunk each member's are that count."""
        starts = self.told.starts
        before = starts[chunk.start]
        whole = self.told.last is None or self.upto >= self.told.last
        for n in chunk:
            if n not in accounts:
                start, stop = starts[n] - before, starts[n + 1] - before
                stop = stop if whole else bisect_right(ats, self.upto, start, stop)
                yield Span(n, start, stop, self.known.get(self.told.members[n]) if self.known else None)

    def _months_of(self, lives: Lives) -> Months:
        months: Months = defaultdict(lambda: [0] * 5)
        lean = self.told.lean
        if lean is not None:
            by_month: defaultdict[int, int] = defaultdict(int)
            for at, points in lives.lapsed.items():
                by_month[lean.months[at]] += points
            for place, points_of in enumerate((lives.earned, lives.spent, by_month)):
                for month, points in points_of.items():
                    months[_month(month), lean.unit][place] += points
        return months

    # Accounts -------------------------------------------------------------------------------------------------------

    def _live(self, n: int, *, keeps_lines: bool = True) -> tuple[Account, int]:
        """The account of a member at the end, and how many calls were refused."""
        name, placed = self.told.members[n], self.told.placed(n)
        known = self.known.get(name)
        joined, facts = (None, EMPTY) if known is None else (known.joined, known.facts)
        account = self.program.account(name or "nobody", joined=joined, facts=facts)
        if not keeps_lines:
            account._returned = _returned_in(placed)
        end = instant(self.upto)
        refused = 0
        for number, (posted, _, _, event) in enumerate(placed, start=1):
            if posted > end:
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
        account.advance(end)
        return account, refused

    # Together -------------------------------------------------------------------------------------------------------

    def entry_columns(self, done: Iterable[Done]) -> list[list[Any]]:
        """The columns of `EntryRow`, of all entries."""
        columns: list[list[Any]] = [[] for _ in range(ENTRY_COLUMNS)]
        for chunk, (*_, (sizes, log, rows)) in zip(self.chunks, done, strict=True):
            others, size = dict(rows), iter(sizes)
            named, first = self.told.named(chunk), 0
            for n in chunk:
                name = self.told.members[n]
                if n in others:
                    entries: Any = (_row_from(row) for row in others[n])
                else:
                    last = first + 4 * next(size)
                    entries = self._logged(log[first:last], named)
                    first = last
                for entry in entries:
                    for column, cell in zip(columns, (name, *entry), strict=True):
                        column.append(cell)
        return columns

    def _logged(self, log: Sequence[int], named: Named) -> Iterator[tuple[Any, ...]]:
        """The rows of one member's log."""
        ids, sources, kinds = named
        unit = cast("Lean", self.told.lean).unit
        numbers = iter(log)
        for seq, (kind, row, micro, points) in enumerate(zip(numbers, numbers, numbers, numbers, strict=True), 1):
            at, what = instant(micro), KINDS[kind]
            if kind == EARNED:
                yield seq, what, ids[row], at, at, unit, points, sources[row], kinds[row]
            elif kind == SPENT:
                yield seq, what, ids[row], at, at, unit, points, sources[row], ""
            elif kind == LAPSED:
                yield seq, what, "", at, at, unit, points, ids[row], ""
            else:
                yield seq, what, "" if row < 0 else ids[row], at, at, "", 0, "", ""

    def identity(self) -> dict[str, Any]:
        """What tells it from any other, whatever the order of the input."""
        return {
            "program": fingerprint([repr(self.program)]),
            "history": fingerprint(self.told.texts()),
            "members": fingerprint([repr(self.known.get(name, name)) for name in self.told.members]),
            "at": instant(self.upto).isoformat(),
            "entries": self.entries,
            "chunk": CHUNK,
        }


# What is kept of an account ------------------------------------------------------------------------------------------

COLUMN_OF: Final[Mapping[str, tuple[int, int]]] = {
    "earned": (0, 1),
    "spent": (1, 1), "captured": (1, 1), "cancelled": (1, -1),
    "lapsed": (2, 1), "reinstated": (2, -1),
    "reversed": (3, 1),
    "adjusted": (4, 1), "transferred": (4, 1), "converted": (4, 1),
}  # fmt: skip
"""The number of a month that an entry adds to, by its kind, and whether it does or takes away."""

ENTRY_COLUMNS: Final = 10


def _month(number: int) -> str:
    year, month = divmod(number, 12)
    return f"{year:04}-{month + 1:02}"


def _returned_in(placed: Iterable[Placed]) -> frozenset[str]:
    """The activities that are returned: what each line earned matters of these alone."""
    calls = (event for *_, event in placed if isinstance(event, Call) and event.verb == "reverse")
    return frozenset(str(of) for call in calls for of in (*call.args, call.facts.get("activity_id")))


def _balances_of(account: Account, at: datetime) -> list[list[Any]]:
    ledger = account._ledger
    tier = account.tier(at=at) if account._terms.version(at).ladder_names else ""
    units = dict.fromkeys([*account._terms.points, *ledger.books])
    books = ((unit, ledger.book(unit)) for unit in units)
    return [[tier, unit, book.available, book.pending, book.held, book.owed] for unit, book in books]


def _row_of(entry: Entry) -> list[Any]:
    return [
        entry.seq, entry.kind, entry.id, entry.at, entry.posted, entry.unit, entry.points, entry.source,
        entry.data["activity"].kind if entry.kind == "earned" else "",
    ]  # fmt: skip


def _row_from(row: Sequence[Any]) -> Sequence[Any]:
    seq, kind, call, at, posted, *rest = row
    if isinstance(at, str):  # as a checkpoint has them
        at, posted = datetime.fromisoformat(at), datetime.fromisoformat(posted)
    return seq, kind, call, at, posted, *rest
