"""What is in the books of one account, and what they say: lots, counters, holds, redemptions, and the member."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import proxy

from attrs import evolve

from loyaltycore import automatic, events
from loyaltycore._exact import EMPTY, Exact, FrozenMap
from loyaltycore.activity import CounterKey, Member
from loyaltycore.books import Book, LotState
from loyaltycore.dates import DateRule
from loyaltycore.entries import Entry
from loyaltycore.instants import FIRST, LAST, start_of
from loyaltycore.points import Terms
from loyaltycore.purse import Purse
from loyaltycore.records import Seen, Taken

if TYPE_CHECKING:
    from loyaltycore.lot_ends import LotEnds
    from loyaltycore.standings import Standings

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


class LedgerState:
    """The books, counters, holds and redemptions of one account."""

    __slots__ = (  # an object of more than thirty fields is slow to look into without; the dict is for `main_unit`
        "__dict__", "__weakref__", "_in_tiers", "_journal", "_members", "_more_of", "_noted_last", "_policies",
        "_seen", "_taken", "before", "books", "by_all", "by_itself", "by_timeout", "changes", "clock", "closed",
        "coming", "counted", "entries", "first_of", "given_facts", "holds", "joined", "joins", "last", "lots",
        "member_id", "notes", "past", "posted", "revised", "revisions", "routines", "saved_before", "settled",
        "standings", "terms", "totals_before", "watches", "zone",
    )  # fmt: skip

    def __init__(self, terms: Terms, member: str, joined: date | None, facts: Mapping[str, Any]) -> None:
        self.terms = terms
        self.zone = terms.zone
        self.watches = terms.watches
        self.revisions = terms.revisions
        self.revised = FIRST
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
        self.clock = FIRST
        """Up to when it was advanced."""
        self._members: dict[str, Member] = {}
        self._in_tiers: dict[str, tuple[Any, Member]] = {}
        self._noted_last = FIRST
        self._journal: list[Callable[[], None]] | None = None

    def let_go(self) -> None:
        """Be there for those alone who have it: what it has itself refers back weakly, as nobody goes on with it.

        In a circle it would stay until Python looks for circles, among all there is.
        """
        self._members, self._in_tiers = {}, {}
        if self.standings is not None:
            self.standings.ledger = proxy(self)

    # Entries --------------------------------------------------------------------------------------------------------

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
        past = self._written_before(first) if first.seq <= self.before else ()
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

    def _written_before(self, first: Entry) -> Iterator[Entry]:
        """The same of a call before a snapshot: what it brought is looked up by the call that it stems from."""
        names, found = [first.id], {first.seq: first}
        for name in names:
            for entry in self.past(name):
                if entry.id == name or events.is_event(entry):
                    found[entry.seq] = entry
                    names += [entry.id] * (entry.id not in names)
        seq = first.seq
        while seq in found:
            yield found[seq]
            seq += 1

    # The member -----------------------------------------------------------------------------------------------------

    def member(self, unit: str = "") -> Member:
        """The member as rules see them now; the counters in it are the live ones."""
        member = self._members.get(unit) or self._make_member(unit)
        return member if self.standings is None else self._with_tiers(member, max(self.clock, self.posted or FIRST))

    def _make_member(self, unit: str) -> Member:
        facts = self._facts(LAST)
        self._noted_last = max((since for since, _ in self.notes), default=FIRST)
        live: FrozenMap[Any, Any] = FrozenMap.over(self.counted)
        last: FrozenMap[Any, Any] = FrozenMap.over(self.last)
        member = self._members[unit] = Member(
            self.member_id, joined=self.joined, facts=facts, counted=live, last=last,
            lots=Purse(cast("LotEnds", self)), unit=unit,
        )  # fmt: skip
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

    def _facts(self, at: datetime) -> dict[str, Any]:
        facts = dict(self.given_facts)
        for since, noted in sorted(self.notes, key=itemgetter(0)):
            if since <= at:
                facts.update(noted)
        return facts

    # Books ----------------------------------------------------------------------------------------------------------

    def book(self, unit: str) -> Book:
        """The book of a unit."""
        book = self.books.get(unit)
        if book is None:
            book = self.books[unit] = Book(self.terms.unit(unit, self.revised).order)
        return book

    def available(self, unit: str) -> int:
        """Points that can be spent now, after what is owed."""
        book = self.book(unit)
        return max(0, book.available - book.owed)

    def day(self, instant: datetime) -> date:
        """The civil date of an instant."""
        return instant.astimezone(self.zone).date()

    def totals(self, unit: str) -> dict[str, int]:
        """Where the points of a unit are, and what became of all that were."""
        book = self.book(unit)
        total = {**dict.fromkeys(_NAMES, 0), **self.totals_before.get(unit, EMPTY)}
        for entry in self.entries:
            if entry.kind == "earned":  # as most are
                if entry.unit == unit:
                    total["earned"] += entry.points
                continue
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
