"""When points lapse: the end of each lot, and what moves it.

A rule may depend on the member or on what was done last, and another version of the program may bring another rule; so
lots are asked anew when they are needed and when something has changed.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from loyaltycore._exact import EMPTY
from loyaltycore.books import CHANGING, Book, LotState
from loyaltycore.conditions import Condition
from loyaltycore.instants import FIRST, end_of, start_of
from loyaltycore.ledger_state import LedgerState
from loyaltycore.purse import Purse

End: TypeAlias = tuple[datetime | None, date | None]
"""When a lot ends: the instant at which it is too late, and the last day."""


class LotEnds(LedgerState):
    """The books of an account, whose lots end."""

    __slots__ = ()

    def plan(self, unit: str, points: int, condition: Condition | None = None) -> tuple[tuple[int, int], ...]:
        """Which lots so many points are taken from."""
        book = self.fresh_book(unit)
        accepted = None if condition is None else Purse(self, condition).accepted()
        return tuple(book.plan(points, accepted))

    def fresh_book(self, unit: str) -> Book:
        """The book of a unit, its lots asked anew when they end if that can have moved."""
        book = self.book(unit)
        if not book.sorted:
            self._refresh(book)
        return book

    def _end_moved(self, lot: LotState) -> bool:
        """Whether a rule that can move has moved the lot's end since it was last looked at."""
        return not lot.policy.fixed and lot.extended is None and self.end(self._end_day(lot)) != lot.ends

    def _end_day(self, lot: LotState) -> date | None:
        return lot.extended or lot.policy.falls_on(lot, self.member(lot.unit))

    def start(self, day: date | None) -> datetime | None:
        """The first instant of a day; a datetime is that moment itself."""
        return None if day is None else start_of(day, self.zone)

    def end(self, day: date | None) -> datetime | None:
        """When a last day is over; a datetime is that moment itself."""
        return None if day is None else end_of(day, self.zone)

    def _set_end(self, book: Book, lot: LotState) -> None:
        """Ask when a lot ends, and put it in its place."""
        if lot.policy.fixed and lot.extended is None and (lot.facts is EMPTY or not lot.facts):
            # lots of one day end together, so most need not be asked
            if book.policy is not lot.policy:
                book.policy, book.hourly, book.ends = lot.policy, lot.policy.hourly, {}
            day = (lot.available, lot.earned, lot.moment if book.hourly else None)
            known = book.ends.get(day)
            if known is None:
                known = book.ends[day] = self._ask_end(lot)
            lot.ends, lot.expires_on = known
        else:
            lot.ends, lot.expires_on = self._ask_end(lot)
        book.rekey(lot)

    def _ask_end(self, lot: LotState) -> End:
        day = self._end_day(lot)
        ends = self.end(day)
        if ends is not None and isinstance(day, datetime):
            return ends, self.day(ends - timedelta.resolution)  # the end is the first moment at which it is too late
        return ends, day

    def refresh(self) -> None:
        """Ask anew all lots whose dates depend on the member, after the member changed."""
        for unit, book in self.books.items():
            if not book.sorted:
                self._refresh(book)
            if book.pending and self.wait_may_move(unit):
                self._ask_pending(book)

    def wait_may_move(self, unit: str) -> bool:
        """Whether it depends on the member when points of a unit become available."""
        if self.changes:
            return True
        rule = self.terms.unit(unit).pending
        return rule is not None and not rule.fixed

    def _ask_pending(self, book: Book) -> None:
        for lot in book.lots.values():
            if lot.ready or not lot.points:
                continue
            rule = self.terms.unit(lot.unit, lot.born).pending
            if rule is not None and not rule.fixed:
                day = rule.falls_on(lot, self.member(lot.unit))
                self._save_lot(book, lot)
                lot.pending_until = None if day is None else start_of(day, self.zone)
                book.place(lot)

    def _refresh(self, book: Book) -> None:
        asked: dict[Any, End] = {}
        policy, fixed, hourly = None, True, False
        for lot in list(book.live.values()):
            if lot.policy is not policy:
                policy, fixed, hourly = lot.policy, lot.policy.fixed, lot.policy.hourly
            if fixed or lot.extended is not None:
                continue
            # lots of one day end together, unless their facts differ
            alike = lot.id if lot.facts else (id(policy), lot.available, lot.earned, hourly and lot.moment)
            end = asked.get(alike) or asked.setdefault(alike, self._ask_end(lot))
            if end[0] != lot.ends:
                self._save_lot(book, lot)
                lot.ends, lot.expires_on = end
                book.rekey(lot)

    def tiers_changed(self) -> None:
        """Ask anew whoever depends on the tier of the member."""
        self.refresh()

    def _save_lot(self, book: Book, lot: LotState) -> None:
        if self._journal is None:
            return
        before = [getattr(lot, name) for name in CHANGING]

        def undo() -> None:
            for name, value in zip(CHANGING, before, strict=True):
                setattr(lot, name, value)
            book.put_back(lot)

        self._journal.append(undo)

    # Revisions: points that are there come under other rules --------------------------------------------------------

    def revision_at(self, at: datetime) -> datetime:
        """The last revision up to and with an instant."""
        return max((revision for revision in self.revisions if revision <= at), default=FIRST)

    def revise(self, at: datetime) -> None:
        """Put all lots under the rules of a revision: by what they lapse, and in what order they are spent."""
        if at == self.revised:
            return
        if self._journal is not None:
            self._journal.append(partial(self.revise, self.revised))
        self.revised, self.coming = at, min((later for later in self.revisions if later > at), default=None)
        for unit, book in self.books.items():
            book.spend_in(self.terms.unit(unit, at).order)
            for lot in book.lots.values():
                lot.policy = self.terms.expiry(unit, lot.born, at)
                book.sorted = book.sorted and lot.policy.fixed
                if lot.ready or lot.extended is not None:
                    self._set_end(book, lot)
