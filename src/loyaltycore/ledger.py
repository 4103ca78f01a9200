"""The state of one account: a fold over its entries.

Each entry is applied the same way whether a verb has just made it or a store has brought it back, so an account that
is rebuilt from its entries is the account. What time alone brings (points that become available, lapse, holds that
time out) are entries too, made by `advance` at the instant they are due, however late it is called.

The state itself is in `ledger_state.py`, when its lots end in `lot_ends.py`, and what entries change in it in
`ledger_fold.py`; here entries are written. These and `account.py` are the only modules whose objects change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import heappop
from typing import TYPE_CHECKING, Any, Final, cast

from loyaltycore import automatic, events
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore.books import LotState
from loyaltycore.entries import Entry, UnlockedEntry
from loyaltycore.instants import FIRST
from loyaltycore.ledger_fold import LedgerFold
from loyaltycore.records import Taken

if TYPE_CHECKING:
    from loyaltycore.standings import Standings

ACTIVATE, REVIEW, LAPSE = 1, 3, 4
REVISE: Final = 6
RELEASE: Final = 0
"""The order of what is due at one instant: holds time out, points become available, tiers are reviewed, points lapse,
and those that are left come under other rules. What the account does by itself is between them."""


class Ledger(LedgerFold):
    """The books, counters, holds and redemptions of one account; see the module's text."""

    __slots__ = ()

    def write(
        self, kind: str, id: str, at: datetime, posted: datetime, unit: str = "", points: int = 0,
        lots: tuple[tuple[int, int], ...] = (), why: Any = "", *, actor: str = "", source: str = "",
        data: FrozenMap[str, Any] = EMPTY,
    ) -> Entry:  # fmt: skip
        """Append an entry and apply it."""
        entry = UnlockedEntry()
        entry.seq = self.before + len(self.entries) + 1
        entry.kind = kind
        entry.id = id
        entry.at = at
        entry.posted = posted
        entry.unit = unit
        entry.points = points
        entry.lots = lots
        entry._why = why
        entry.actor = actor
        entry.source = source
        entry.data = data
        entry.__class__ = Entry
        self.apply(entry)
        return entry  # type: ignore[no-any-return]  # it is one now

    def event(
        self, kind: str, id: str, at: datetime, posted: datetime, *, cause: str = "", **facts: Any
    ) -> list[Entry]:
        """Write what the account's own event earns, under an id of its own; *cause* is the id of the call behind it."""
        return events.fire(self, kind, id, at, posted, cause, facts) if self.by_itself else []

    def upto(self, to: datetime) -> Tentative:
        """The account advanced to an instant, for a question or a decision: taken back at the end, unless kept."""
        return Tentative(self, to)

    def keep(self) -> None:
        """Keep what was written within `upto`."""
        self._journal = None

    # Time -----------------------------------------------------------------------------------------------------------

    def advance(self, to: datetime) -> None:
        """Write what has fallen due up to and with this instant, in the order it did."""
        if self.revised > to:
            # it was advanced further than this, and nothing was written that would have kept it there
            self.revise(min(self.revised, self.revision_at(max(to, self.posted or FIRST))))
        tried = automatic.BEFORE_ALL
        while True:
            due = self._next_due(to, tried)
            if due is None or due[0] > to:
                if self.clock < to:  # noqa: PLR1730 (`max` takes longer)
                    self.clock = to
                return
            written = len(self.entries)
            self._settle(*due)
            if self.by_itself:
                # where an option had nothing to take it is not asked again, until something has changed
                tried = automatic.after(due[:2], tried) if len(self.entries) == written else automatic.BEFORE_ALL
            if self.standings is not None:
                self.standings.judge(self.posted or due[0])

    def _next_due(
        self, to: datetime, tried: automatic.Place = automatic.BEFORE_ALL
    ) -> tuple[datetime, int, str, Any] | None:
        """What falls due first; lots of which none can before *to* are not looked at."""
        best: tuple[datetime, int, str, Any] | None = None
        while self.by_timeout and not self.holds[self.by_timeout[0][1]].open:
            heappop(self.by_timeout)
        if self.by_timeout:
            best = (self.by_timeout[0][0], RELEASE, "", self.by_timeout[0][1])
        for unit, book in self.books.items():
            pending = book.by_pending and book.by_pending[0][0] <= to and book.next_pending()
            if pending and (best is None or (pending[0], ACTIVATE) < best[:2]):
                best = (pending[0], ACTIVATE, unit, pending[1])
            soonest = book.soonest
            end = soonest is not None and soonest <= to and book.next_end()
            if end and (best is None or (end[0], LAPSE) < best[:2]):
                best = (end[0], LAPSE, unit, end[1])
        if self.standings is not None or self.coming is not None or self.by_itself:  # most accounts only hold points
            for due in self._due_beside(tried):
                if best is None or due[:2] < best[:2]:
                    best = due
        return best

    def _due_beside(self, tried: automatic.Place) -> Iterator[tuple[datetime, int, str, Any]]:
        """What is due next beside points and holds: a review of tiers, a revision, what the account does by itself."""
        if self.standings is not None:
            tier = self.standings.next_due()
            if tier:
                yield (tier[0], REVIEW, "", tier[1])
        if self.coming is not None:
            yield (self.coming, REVISE, "", None)
        if self.by_itself and not self.closed:
            own = automatic.next_due(self, tried)
            if own is not None:
                yield own

    def _settle(self, due: datetime, what: int, unit: str, subject: Any) -> None:
        # nothing happens before the account has learnt of it
        at = due if self.posted is None or due > self.posted else self.posted
        if what == RELEASE:
            hold = self.holds[subject]
            self.release(hold, "", at, at, "the hold timed out")
            self.repay(hold.entry.unit, at, at)
            return
        if what == REVISE:
            self.revise(due)
            return
        if what == REVIEW:
            cast("Standings", self.standings).settle(subject, due, at)
            return
        if what in automatic.PLACES:
            automatic.settle(self, due, subject, at)
            return
        lot = self.lots[subject]
        if what == ACTIVATE:
            self.activate(lot, "", at, at)
        elif self._end_moved(lot):
            self._save_lot(self.books[unit], lot)
            self._set_end(self.books[unit], lot)
        else:
            why = ("the last day was {}", lot.expires_on)
            self.write("lapsed", "", at, at, unit, lot.points, ((lot.id, lot.points),), why, source=lot.activity)

    # What several verbs do ------------------------------------------------------------------------------------------

    def activate(self, lot: LotState, id: str, at: datetime, posted: datetime) -> list[Entry]:
        """Make a pending lot available, and pay debts from it first."""
        written = [
            self.write("activated", id, at, posted, lot.unit, lot.points, ((lot.id, lot.points),), source=lot.activity)
        ]
        return written + self.repay(lot.unit, at, posted, id)

    def repay(self, unit: str, at: datetime, posted: datetime, id: str = "") -> list[Entry]:
        """Pay what is owed from what is available."""
        book = self.book(unit)
        due = min(book.owed, book.available)
        if due <= 0:
            return []
        return [self.write("repaid", id, at, posted, unit, due, self.plan(unit, due), "debts are paid first")]

    def release(
        self, hold: Taken, id: str, at: datetime, posted: datetime, why: str, lots: Any = None,
        data: FrozenMap[str, Any] = EMPTY,
    ) -> Entry:  # fmt: skip
        """Give held points back to their lots; a hold that gives back everything also frees what it counted."""
        back = tuple(hold.lots if lots is None else lots)
        points = sum(part for _, part in back)
        unit, source = hold.entry.unit, hold.entry.id
        return self.write("released", id, at, posted, unit, points, back, why, source=source, data=data)


class Tentative:
    """See `Ledger.upto`."""

    __slots__ = ("books", "clock", "ledger", "length", "posted", "settled", "to")

    def __init__(self, ledger: Ledger, to: datetime) -> None:
        self.ledger = ledger
        self.to = to

    def __enter__(self) -> Ledger:
        ledger = self.ledger
        self.length, self.posted, self.clock = len(ledger.entries), ledger.posted, ledger.clock
        self.settled, self.books = ledger.settled, len(ledger.books)
        ledger._journal = []
        try:
            ledger.advance(self.to)
        except BaseException:
            self.__exit__()
            raise
        return ledger

    def __exit__(self, *error: object) -> None:
        ledger = self.ledger
        journal, ledger._journal = ledger._journal, None
        if journal is None:
            return
        ledger.clock = self.clock
        if len(ledger.entries) != self.length or journal:
            self._take_back(journal)
        for unit in list(ledger.books)[self.books :]:
            del ledger.books[unit]  # units are settled in the order in which there were entries of them

    def _take_back(self, journal: list[Callable[[], None]]) -> None:
        """Drop the entries, and undo what they and the time have changed."""
        ledger = self.ledger
        for entry in ledger.entries[self.length :]:
            if ledger.first_of.get(entry.id) is entry:
                del ledger.first_of[entry.id]
                ledger._seen.pop(entry.id, None)
                ledger._more_of.pop(entry.id, None)
        del ledger.entries[self.length :]
        ledger.posted, ledger.settled = self.posted, self.settled
        for undo in reversed(journal):
            undo()
