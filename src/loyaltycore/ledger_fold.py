"""The fold of entries: what each kind of them changes in the books of an account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from heapq import heappush
from typing import Any, Final, cast

from loyaltycore import automatic
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore.activity import Activity, Count, CounterKey, counts_of
from loyaltycore.books import Book, LotState
from loyaltycore.dates import DateRule
from loyaltycore.entries import ENTRY_KINDS, Entry
from loyaltycore.lot_ends import LotEnds
from loyaltycore.records import Seen, Taken


class LedgerFold(LotEnds):
    """The books of an account, into which entries are folded."""

    __slots__ = ()

    def apply(self, entry: Entry) -> None:
        """Fold one entry in."""
        if self.coming is not None and entry.posted >= self.coming:
            self._revise_before(entry)
        self.entries.append(entry)
        self.posted = entry.posted
        if entry.id:
            self.first_of.setdefault(entry.id, entry)
        _APPLY[entry.kind](self, entry)
        if self.by_itself:
            self.settled = automatic.passed(self.settled, entry)
        if self.standings is not None:
            self.standings.moved(entry)

    def _revise_before(self, entry: Entry) -> None:
        """Make the revisions before an entry: what is called at the instant of one finds it made already."""
        due = self.revision_at(entry.posted - timedelta.resolution if automatic.by_time(entry) else entry.posted)
        if due > self.revised:
            self.revise(due)

    def restore(self, lot: LotState) -> None:
        """Take in a lot as it stood at a snapshot."""
        book = self._enter(lot)
        book.held += lot.held
        if lot.ready:
            book.available += lot.points
        else:
            book.pending += lot.points
        self.put(book, lot)

    def put(self, book: Book, lot: LotState) -> None:
        """Put a lot of a snapshot in its place in a book."""
        if lot.ready or lot.extended is not None:
            self._set_end(book, lot)
        else:
            book.place(lot)

    def open(self, entry: Entry) -> None:
        """Take in a hold that is open."""
        until = entry.data["until"]
        self.holds[entry.id] = Taken(entry, entry.lots, until)
        heappush(self.by_timeout, (until, entry.id))

    # What several kinds do ------------------------------------------------------------------------------------------

    def _new_lot(
        self, unit: str, number: int, points: int, earned: date, born: datetime, activity: str,
        facts: FrozenMap[str, Any],
    ) -> LotState:  # fmt: skip
        policy = self._policies.get(unit)
        if policy is None:
            policy = self._policy(unit, born)
        lot = LotState(number, unit, points, earned, born, policy, activity, facts)
        book = self._enter(lot)
        if self._journal is not None:
            self._save_totals(book)
            self._journal.append(partial(self._forget, book, lot))
        return lot

    def _policy(self, unit: str, born: datetime) -> DateRule:
        """By what points that were earned at an instant lapse: all of a unit alike, in a program without a history."""
        policy = self.terms.expiry(unit, born, self.revised)
        if not self.changes:
            self._policies[unit] = policy
        return policy

    def _forget(self, book: Book, lot: LotState) -> None:
        """Take back a lot that was made."""
        del self.lots[lot.id]
        book.forget(lot)

    def _enter(self, lot: LotState) -> Book:
        book = self.books.get(lot.unit) or self.book(lot.unit)
        self.lots[lot.id] = book.at_hand[lot.id] = lot  # as `Book.enter`, which is a call for each lot
        if not lot.policy.fixed:
            book.sorted = False
        return book

    def _make_ready(self, lot: LotState, available: date, moment: datetime) -> None:
        book = self.books[lot.unit]
        lot.ready = True
        asks = lot.policy.hourly or not lot.policy.fixed or self.revisions
        lot.moment = moment.astimezone(self.zone) if asks else moment
        lot.available = available
        book.available += lot.points
        self._set_end(book, lot)

    def _move(self, entry: Entry, *, free: int = 0, held: int = 0) -> Book:
        """Change what is free and held of each lot of an entry; +1 gives, -1 takes."""
        book = self.book(entry.unit)
        self._save_totals(book)
        for number, points in entry.lots:
            lot = self.lots[number]
            self._save_lot(book, lot)
            lot.points += free * points
            lot.held += held * points
            if lot.ready:
                book.available += free * points
            else:
                book.pending += free * points
            book.held += held * points
            if free > 0 and lot.ready and not lot.policy.fixed:
                self._set_end(book, lot)  # nobody asked for it while it was empty
            elif free:
                book.place(lot)
        return book

    def _count(self, counts: Mapping[CounterKey, Count], sign: int = 1) -> None:
        counted = self.counted
        for key, count in counts.items():
            if self._journal is not None:
                self._journal.append(partial(_put_back, counted, key, counted.get(key)))
            change: Any = count if sign > 0 else -count
            before = counted.get(key)
            counted[key] = change if before is None else before + change
            if before is None and key.is_by_all():
                self.by_all.add(key)

    def _watch(self, activity: Activity) -> None:
        """Remember the day of the last activity for each rule that counts from it."""
        day = activity.day
        for key, resets in self.watches:
            if resets is None or resets.select(activity, self.member()).lines:
                before = self.last.get(key)
                if before is None or day > before:
                    if self._journal is not None:
                        self._journal.append(partial(_put_back, self.last, key, before))
                    self.last[key] = day

    def _save_totals(self, book: Book) -> None:
        if self._journal is None:
            return
        before = book.available, book.pending, book.held, book.owed

        def undo() -> None:
            book.available, book.pending, book.held, book.owed = before

        self._journal.append(undo)

    # One method for each kind of entry ------------------------------------------------------------------------------

    def _earned(self, entry: Entry) -> None:
        data = entry.data._items  # asked often, and a plain dict answers sooner
        activity: Activity = data["activity"]
        first = self.first_of[entry.id]
        if first is entry:
            event = "event" in data
            if event or self._journal is not None:
                self._count(counts_of(activity.kind, event=event))
            else:  # the same, sooner
                counted = self.counted
                for key in counts_of(activity.kind):
                    counted[key] = counted.get(key, 0) + 1
            if self.watches and not event:
                self._watch(activity)
        elif first.seq > self.before:
            self._more_of.setdefault(entry.id, []).append(entry)
        else:
            self._seen[entry.id].earn(entry)
        if "counts" in data:
            self._count(data["counts"])
        if self.standings is not None:
            self.standings.earned(entry, first=first is entry)
        if not entry.lots:
            self.book(entry.unit)
            return
        number, points = entry.lots[0]
        lot = self._new_lot(entry.unit, number, points, activity.day, entry.at, entry.id, activity.facts)
        if "available" not in data:
            self._make_ready(lot, lot.earned if entry.at == entry.posted else self.day(entry.posted), entry.posted)
            return
        until = data["available"]
        lot.pending_until = until
        book = self.books[entry.unit]
        book.pending += entry.points
        book.place(lot)

    def _activated(self, entry: Entry) -> None:
        for number, points in entry.lots:
            lot = self.lots[number]
            book = self.books[lot.unit]
            self._save_totals(book)
            self._save_lot(book, lot)
            book.pending -= points
            self._make_ready(lot, self.day(entry.at), entry.at)
            if self.standings is not None:
                self.standings.activated(lot)

    def _held(self, entry: Entry) -> None:
        self._move(entry, free=-1, held=1)
        self.open(entry)
        self._redeemed(entry)

    def _released(self, entry: Entry) -> None:
        self._move(entry, free=1, held=-1)
        hold = self.holds[entry.source]
        self._close(hold)
        if entry.points == hold.points:
            self._count(hold.entry.data.get("counts", EMPTY), -1)

    def _captured(self, entry: Entry) -> None:
        self._move(entry, held=-1)
        self._close(self.holds[entry.source])
        # a captured hold may be cancelled by its own id or by the capture's
        self._taken[entry.id] = self._taken[entry.source] = Taken(entry, entry.lots)

    def _close(self, hold: Taken) -> None:
        if hold.open and hold.until is not None and self._journal is not None:
            until, number = hold.until, hold.entry.id

            def undo() -> None:
                hold.open = True
                heappush(self.by_timeout, (until, number))

            self._journal.append(undo)
        hold.open = False

    def _spent(self, entry: Entry) -> None:
        self._move(entry, free=-1)
        self._redeemed(entry)

    def _redeemed(self, entry: Entry) -> None:
        """A redemption is an activity too, for counters and for inactivity."""
        self._count(entry.data.get("counts", EMPTY))
        if self.watches:
            self._watch(Activity.action("redeemed", at=entry.at.astimezone(self.zone), id=entry.id))

    def _cancelled(self, entry: Entry) -> None:
        self._move(entry, free=1)
        taken = cast("Taken", self.taken(entry.source))
        taken.back += entry.points
        if taken.back == taken.points:
            taken.open = False
            self._count(taken.entry.data.get("counts", EMPTY), -1)

    def _lapsed(self, entry: Entry) -> None:
        self._move(entry, free=-1)
        for number, points in entry.lots:
            self.lots[number].lapsed += points

    def _extended(self, entry: Entry) -> None:
        until: date = entry.data["until"]
        for number, _ in entry.lots:
            lot = self.lots[number]
            book = self.books[lot.unit]
            self._save_lot(book, lot)
            lot.extended = until
            self._set_end(book, lot)

    def _reinstated(self, entry: Entry) -> None:
        self._extended(entry)
        for number, points in entry.lots:
            self.lots[number].lapsed -= points
        self._move(entry, free=1)

    def _reversed(self, entry: Entry) -> None:
        self._move(entry, free=-1)
        seen = cast("Seen", self.seen(entry.source))
        before = seen.amount, seen.lines
        seen.reverse(entry)
        self._count(entry.data.get("counts", EMPTY))
        if self.standings is not None:
            self.standings.reversed(entry, seen, before)

    def _owed(self, entry: Entry) -> None:
        book = self.book(entry.unit)
        self._save_totals(book)
        book.owed += entry.points

    def _repaid(self, entry: Entry) -> None:
        self._move(entry, free=-1).owed -= entry.points

    def _adjusted(self, entry: Entry) -> None:
        """Points in as lots of their own, or out of the lots named."""
        if self.standings is not None and entry.kind == "adjusted":
            self.standings.adjusted(entry)
        if entry.points < 0:
            self._move(entry, free=-1)
            return
        ages: Any = entry.data.get("ages") or ({},) * len(entry.lots)
        for (number, points), age in zip(entry.lots, ages, strict=True):
            earned, activity = age.get("earned") or self.day(entry.at), age.get("of", entry.id)
            facts = age.get("facts", EMPTY)
            lot = self._new_lot(entry.unit, number, points, earned, age.get("born") or entry.at, activity, facts)
            lot.extended = age.get("extended")
            if "pending_until" in age:
                lot.pending_until = age["pending_until"]
                self.books[entry.unit].pending += points
                self.books[entry.unit].place(lot)
            else:
                self._make_ready(lot, age.get("available") or self.day(entry.at), age.get("moment", entry.at))

    def _transferred(self, entry: Entry) -> None:
        self._adjusted(entry)
        if "quote" in entry.data:  # a gift, which counts as what is redeemed does
            self._redeemed(entry)

    def _converted(self, entry: Entry) -> None:
        self._adjusted(entry)
        if entry.points < 0 and entry.id:  # what is converted by itself the member has not done
            self._redeemed(entry)

    def _tier_changed(self, entry: Entry) -> None:
        if self.standings is not None:  # the program may have had tiers once
            self.standings.changed(entry)

    def _noted(self, entry: Entry) -> None:
        if entry.data.get("closed"):
            self.closed = True
        if "counts" in entry.data:
            self._count(entry.data["counts"])
        if "counts of" in entry.data and self.standings is not None:
            self.standings.take_over(entry.data["counts of"], entry.data["carried of"])
        facts = entry.data.get("facts", EMPTY)
        if facts:
            self.notes.append((entry.at, facts))
            self._members.clear()
            self._in_tiers.clear()
            self.refresh()


_APPLY: Final[Mapping[str, Callable[[LedgerFold, Entry], object]]] = {
    kind: getattr(LedgerFold, f"_{kind}") for kind in ENTRY_KINDS
}


def _put_back(values: dict[Any, Any], key: Any, before: Any) -> None:
    """Make the value of a key again what it was; there was none, if it was `None`."""
    if before is None:
        values.pop(key, None)
    else:
        values[key] = before
