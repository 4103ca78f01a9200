"""The state of one account: a fold over its entries.

Each entry is applied the same way whether a verb has just made it or a store has brought it back, so an account that
is rebuilt from its entries is the account. What time alone brings (points that become available, lapse, holds that
time out) are entries too, made by `advance` at the instant they are due, however late it is called.

This module and `account.py` are the only ones whose objects change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from heapq import heappop, heappush
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from attrs import evolve

from loyaltycore import automatic, events
from loyaltycore._exact import EMPTY, Exact, FrozenMap
from loyaltycore.activity import Activity, Count, CounterKey, Member, counts_of
from loyaltycore.books import CHANGING, Book, LotState
from loyaltycore.conditions import Condition
from loyaltycore.dates import DateRule
from loyaltycore.entries import ENTRY_KINDS, Entry, UnlockedEntry
from loyaltycore.instants import end_of, start_of
from loyaltycore.lots import Lot, accepts
from loyaltycore.points import Terms
from loyaltycore.records import Seen, Taken

if TYPE_CHECKING:
    from loyaltycore.standings import Standings

ACTIVATE, REVIEW, LAPSE = 1, 3, 4
REVISE: Final = 6
RELEASE: Final = 0
"""The order of what is due at one instant: holds time out, points become available, tiers are reviewed, points lapse,
and those that are left come under other rules. What the account does by itself is between them."""


_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)

End: TypeAlias = tuple[datetime | None, date | None]
"""When a lot ends: the instant at which it is too late, and the last day."""

WHERE: Final = ("available", "pending", "held", "owed")
"""Where points are now."""

_TOTALS: Final[dict[str, tuple[str, ...]]] = {
    "earned": ("earned",),
    "reinstated": ("reinstated",),
    "spent": ("spent",),
    "captured": ("spent",),
    "cancelled": ("spent",),
    "lapsed": ("lapsed",),
    "reversed": ("reversed",),
    "repaid": ("repaid",),
    "adjusted": ("adjusted_up", "adjusted_down"),
    "transferred": ("transferred_in", "transferred_out"),
    "converted": ("converted_in", "converted_out"),
}
"""What became of the points of an entry, by its kind; two names for what goes both ways."""


_NAMES: Final = (
    "earned", "adjusted_up", "transferred_in", "converted_in", "reinstated",
    "spent", "lapsed", "reversed", "repaid", "adjusted_down", "transferred_out", "converted_out",
)  # fmt: skip


def _becomes(entry: Entry, unit: str) -> tuple[str, int]:
    """What became of the points of an entry, and whether that adds to it; no name if nothing, or in another unit."""
    names = _TOTALS.get(entry.kind, ()) if entry.unit == unit else ()
    if not names:
        return "", 0
    if len(names) == 1:
        return names[0], -1 if entry.kind == "cancelled" else 1
    return names[entry.points < 0], 1


def _nothing_past(_: str) -> tuple[Entry, ...]:
    """What was before there was anything: an account whose entries are all at hand."""
    return ()


class Ledger:
    """The books, counters, holds and redemptions of one account; see the module's text."""

    __slots__ = (  # an object of more than thirty fields is slow to look into without; the dict is for `main_unit`
        "__dict__", "_in_tiers", "_journal", "_members", "_more_of", "_noted_last", "_policies", "_seen", "_taken",
        "before", "books", "by_all", "by_itself", "by_timeout", "changes", "clock", "closed", "coming", "counted",
        "entries", "first_of", "given_facts", "holds", "joined", "joins", "last", "lots", "member_id", "notes",
        "past", "posted", "revised", "revisions", "routines", "saved_before", "settled", "standings", "terms",
        "totals_before", "watches", "zone",
    )  # fmt: skip

    def __init__(self, terms: Terms, member: str, joined: date | None, facts: Mapping[str, Any]) -> None:
        self.terms = terms
        self.zone = terms.zone
        self.watches = terms.watches
        self.revisions = terms.revisions
        self.revised = _FIRST
        self.coming = min(self.revisions, default=None)
        """The last of the revisions that was made, and the next one."""
        self.member_id = member
        self.joined = joined
        self.by_itself = terms.by_itself
        self.joins = start_of(joined, self.zone) if joined is not None and self.by_itself else None
        """When it is an event that the member joined, where events may earn."""
        self.changes = terms.changes
        self._policies: dict[str, DateRule] = {}
        self.routines: dict[int, tuple[automatic.Routine, ...]] = {}
        """What units convert by themselves, by the program that says so."""
        self.settled = automatic.BEFORE_ALL
        """Up to where what the account does by itself is done; only kept where it does anything."""
        self.given_facts = facts
        self.before = 0
        self.past: Callable[[str], tuple[Entry, ...]] = _nothing_past
        self.totals_before: Mapping[str, Mapping[str, int]] = EMPTY
        self.saved_before: Exact = 0
        self.entries: list[Entry] = []
        self.first_of: dict[str, Entry] = {}
        self.posted: datetime | None = None
        self.books: dict[str, Book] = {}
        self.lots: dict[int, LotState] = {}
        self.counted: dict[CounterKey, Any] = {}
        self.by_all: set[CounterKey] = set()
        self.last: dict[str, date] = {}
        self.notes: list[tuple[datetime, Mapping[str, Any]]] = []
        self._seen: dict[str, Seen] = {}
        self._more_of: dict[str, list[Entry]] = {}
        """What activities earned in further units, after the first entry of each."""
        self.holds: dict[str, Taken] = {}
        self._taken: dict[str, Taken] = {}
        self.by_timeout: list[tuple[datetime, str]] = []
        self.closed = False
        self.standings: Standings | None = None
        """What counts towards tiers; nothing where the program has none."""
        self.clock = _FIRST
        """Up to when it was advanced."""
        self._members: dict[str, Member] = {}
        self._in_tiers: dict[str, tuple[Any, Member]] = {}
        self._noted_last = _FIRST
        self._journal: list[Callable[[], None]] | None = None

    # Reading --------------------------------------------------------------------------------------------------------

    @cached_property
    def main_unit(self) -> str:
        """The only redeemable unit."""
        return self.terms.main_unit

    @property
    def length(self) -> int:
        """How many entries there are, those before a snapshot included."""
        return self.before + len(self.entries)

    def about(self, id: str) -> tuple[Entry, ...]:
        """The entries that this is the id or the source of."""
        return (*self.past(id), *(entry for entry in self.entries if id in (entry.id, entry.source)))

    def seen(self, id: str) -> Seen | None:
        """An activity that was earned for, put together from its entries when it is first asked for."""
        seen = self._seen.get(id)
        first = self.first_of.get(id)
        if seen is None and first is not None and first.kind == "earned":
            seen = self._seen[id] = Seen(first.data["activity"])
            for entry in (first, *self._more_of.get(id, ())):
                seen.earn(entry)
        return seen

    def taken(self, id: str) -> Taken | None:
        """A redemption, put together from its entry when it is first asked for."""
        taken = self._taken.get(id)
        first = self.first_of.get(id)
        if taken is None and first is not None and first.kind == "spent":
            taken = self._taken[id] = Taken(first, first.lots)
        return taken

    def written(self, id: str) -> tuple[Entry, ...]:
        """The entries of one call, which stand together, those of the events that it has brought among them."""
        first = self.first_of[id]
        if self.entries and self.entries[-1] is first:
            return (first,)  # as most calls have just written one
        past = (entry for entry in self.past(id) if entry.id == id) if first.seq <= self.before else ()
        ids, start = {id}, max(0, first.seq - self.before - 1)
        end = start
        while end < len(self.entries):
            entry = self.entries[end]
            if entry.id not in ids:
                if entry.source not in ids or not events.is_event(entry):
                    break
                ids.add(entry.id)
            end += 1
        return (*past, *self.entries[start:end])

    def book(self, unit: str) -> Book:
        """The book of a unit."""
        book = self.books.get(unit)
        if book is None:
            book = self.books[unit] = Book(self.terms.unit(unit, self.revised).order)
        return book

    def member(self, unit: str = "") -> Member:
        """The member as rules see them now; the counters in it are the live ones."""
        member = self._members.get(unit) or self._make_member(unit)
        return member if self.standings is None else self._with_tiers(member, max(self.clock, self.posted or _FIRST))

    def _make_member(self, unit: str) -> Member:
        facts = self._facts(_LAST)
        self._noted_last = max((since for since, _ in self.notes), default=_FIRST)
        live: FrozenMap[Any, Any] = FrozenMap.over(self.counted)
        last: FrozenMap[Any, Any] = FrozenMap.over(self.last)
        member = self._members[unit] = Member(
            self.member_id, joined=self.joined, facts=facts, counted=live, last=last, lots=Purse(self), unit=unit
        )
        return member

    def member_at(self, unit: str, at: datetime) -> Member:
        """The member as rules see them for what happened then: without what was only so later."""
        member = self._members.get(unit) or self._make_member(unit)
        if self.standings is not None:
            member = self._with_tiers(member, at, strictly=True)
        return member if at >= self._noted_last else evolve(member, facts=self._facts(at))

    def _with_tiers(self, member: Member, at: datetime, *, strictly: bool = False) -> Member:
        """The member in the tiers of a moment, or of those before it alone."""
        held = cast("Standings", self.standings).tiers_at(at, strictly=strictly)
        known = self._in_tiers.get(member.unit)
        if known is None or known[0] is not held:
            names, tiers = held
            first = next(iter(tiers.values()), "")
            known = self._in_tiers[member.unit] = held, evolve(member, tier=first, tiers=tiers, ladder=names)
        return known[1]

    def tiers_changed(self) -> None:
        """Ask anew whoever depends on the tier of the member."""
        self.refresh()

    def _facts(self, at: datetime) -> dict[str, Any]:
        facts = dict(self.given_facts)
        for since, noted in sorted(self.notes, key=itemgetter(0)):
            if since <= at:
                facts.update(noted)
        return facts

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

    def day(self, instant: datetime) -> date:
        """The civil date of an instant."""
        return instant.astimezone(self.zone).date()

    def totals(self, unit: str) -> dict[str, int]:
        """Where the points of a unit are, and what became of all that were."""
        book = self.book(unit)
        total = {**dict.fromkeys(_NAMES, 0), **self.totals_before.get(unit, EMPTY)}
        for entry in self.entries:
            name, sign = _becomes(entry, unit)
            if name:
                total[name] += sign * abs(entry.points)
        return {**{name: getattr(book, name) for name in WHERE}, **total}

    def totals_by(self, unit: str, fact: str) -> dict[Any, dict[str, int]]:
        """The same for each value of a fact of the lots; what is of no lot has none."""
        book = self.book(unit)
        values = {number: lot.facts.get(fact) for number, lot in book.lots.items()}
        found = {value: dict.fromkeys((*WHERE, *_NAMES), 0) for value in (*values.values(), None)}
        for lot in book.lots.values():
            found[values[lot.id]]["available" if lot.ready else "pending"] += lot.points
            found[values[lot.id]]["held"] += lot.held
        found[None]["owed"] = book.owed
        for entry in self.entries:
            name, sign = _becomes(entry, unit)
            if name:
                for number, points in entry.lots:
                    found[values[number]][name] += sign * points
                found[None][name] += sign * (abs(entry.points) - sum(points for _, points in entry.lots))
        return {value: totals for value, totals in found.items() if value is not None or any(totals.values())}

    # Writing --------------------------------------------------------------------------------------------------------

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

    def upto(self, to: datetime) -> Tentative:
        """The account advanced to an instant, for a question or a decision: taken back at the end, unless kept."""
        return Tentative(self, to)

    def keep(self) -> None:
        """Keep what was written within `upto`."""
        self._journal = None

    def _save_lot(self, book: Book, lot: LotState) -> None:
        if self._journal is None:
            return
        before = [getattr(lot, name) for name in CHANGING]

        def undo() -> None:
            for name, value in zip(CHANGING, before, strict=True):
                setattr(lot, name, value)
            book.live.pop(lot.id, None)
            book.rekey(lot)

        self._journal.append(undo)

    def _save_totals(self, book: Book) -> None:
        if self._journal is None:
            return
        before = book.available, book.pending, book.held, book.owed

        def undo() -> None:
            book.available, book.pending, book.held, book.owed = before

        self._journal.append(undo)

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

    # Time -----------------------------------------------------------------------------------------------------------

    def advance(self, to: datetime) -> None:
        """Write what has fallen due up to and with this instant, in the order it did."""
        if self.revised > to:
            # it was advanced further than this, and nothing was written that would have kept it there
            self.revise(min(self.revised, self.revision_at(max(to, self.posted or _FIRST))))
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
            end = book.soonest is not None and book.soonest <= to and book.next_end()
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
        for book in self.books.values():
            self._refresh(book)
            if book.pending:
                self._ask_pending(book)

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

    def event(
        self, kind: str, id: str, at: datetime, posted: datetime, *, cause: str = "", **facts: Any
    ) -> list[Entry]:
        """Write what the account's own event earns, under an id of its own; *cause* is the id of the call behind it."""
        return events.fire(self, kind, id, at, posted, cause, facts) if self.by_itself else []

    # Revisions: points that are there come under other rules --------------------------------------------------------

    def revision_at(self, at: datetime) -> datetime:
        """The last revision up to and with an instant."""
        return max((revision for revision in self.revisions if revision <= at), default=_FIRST)

    def _revise_before(self, entry: Entry) -> None:
        """Make the revisions before an entry: what is called at the instant of one finds it made already."""
        due = self.revision_at(entry.posted - timedelta.resolution if automatic.by_time(entry) else entry.posted)
        if due > self.revised:
            self.revise(due)

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

    # One method for each kind of entry ------------------------------------------------------------------------------

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
        self.lots[lot.id] = book.lots[lot.id] = lot
        if not lot.policy.fixed:
            book.sorted = False
        return book

    def restore(self, lot: LotState) -> None:
        """Take in a lot as it stood at a snapshot."""
        book = self._enter(lot)
        book.held += lot.held
        if lot.ready:
            book.available += lot.points
        else:
            book.pending += lot.points
        if lot.ready or lot.extended is not None:
            self._set_end(book, lot)
        else:
            book.place(lot)

    def open(self, entry: Entry) -> None:
        """Take in a hold that is open."""
        until = entry.data["until"]
        self.holds[entry.id] = Taken(entry, entry.lots, until)
        heappush(self.by_timeout, (until, entry.id))

    def _make_ready(self, lot: LotState, available: date, moment: datetime) -> None:
        book = self.books[lot.unit]
        lot.ready = True
        if lot.policy.hourly or not lot.policy.fixed or self.revisions:
            lot.moment = moment.astimezone(self.zone)
        lot.available = available
        book.available += lot.points
        self._set_end(book, lot)

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


_APPLY: Final[Mapping[str, Callable[[Ledger, Entry], object]]] = {
    kind: getattr(Ledger, f"_{kind}") for kind in ENTRY_KINDS
}


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


def _put_back(values: dict[Any, Any], key: Any, before: Any) -> None:
    """Make the value of a key again what it was; there was none, if it was `None`."""
    if before is None:
        values.pop(key, None)
    else:
        values[key] = before


class Purse:
    """The lots of an account as an option sees them: how many points there are, of all lots or of some."""

    __slots__ = ("condition", "ledger", "unit")

    def __init__(self, ledger: Ledger, condition: Condition | None = None, unit: str = "") -> None:
        self.ledger = ledger
        self.condition = condition
        self.unit = unit
        """The unit that is meant where none is named; the only redeemable one if this says none either."""

    def available(self, unit: str) -> int:
        """Points that can be spent now, after what is owed."""
        book = self.ledger.book(unit or self.unit or self.ledger.main_unit)
        if self.condition is None:
            return max(0, book.available - book.owed)
        accepted = self.accepted()
        return max(0, sum(lot.points for lot in book.live.values() if accepted(lot)) - book.owed)

    def owed(self, unit: str) -> int:
        """Points that are owed beyond all that can be spent now."""
        book = self.ledger.book(unit or self.unit or self.ledger.main_unit)
        return max(0, book.owed - book.available)

    def accepted(self) -> Callable[[LotState], bool]:
        """Whether a lot is one of these."""
        condition = self.condition
        member = self.ledger.member()
        return lambda lot: condition is None or accepts(condition, lot.earned, lot.facts, member)

    def only(self, condition: Condition) -> Purse:
        """Those of the lots whose facts the condition accepts."""
        return Purse(self.ledger, condition if self.condition is None else self.condition & condition, self.unit)

    def of(self, unit: str) -> Purse:
        """The same lots, where those of that unit are meant if none is named."""
        return Purse(self.ledger, self.condition, unit)

    def __iter__(self) -> Iterator[Lot]:
        accepted = self.accepted()
        return (lot.frozen() for book in self.ledger.books.values() for lot in book.in_order() if accepted(lot))
