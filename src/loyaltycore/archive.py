"""Archives: what a store has of an account beside its snapshot, read when somebody needs it.

A snapshot in a store leaves out its lots. What most calls ask of them (how many points there are, what falls due next)
it says itself; whoever needs the lots has those read of which something is left, all at once, and those that are used
up one by one, as they are rarely asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import ItemsView, Iterable, Iterator, ValuesView
from datetime import UTC, date, datetime
from weakref import proxy

from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._strategy import Stored, frozen, walk
from loyaltycore.activity import FactValue
from loyaltycore.books import Book, Due, FixedBook, LotState, UnreadBook
from loyaltycore.dates import DateRule
from loyaltycore.entries import Entry
from loyaltycore.given import as_written, check_holds, check_lot, check_sums, fold
from loyaltycore.ledger import Ledger
from loyaltycore.standings import Standings


class LotsChanged(Exception):
    """The lots of an archive are no longer as they were at the snapshot, as there is a later one; its entries tell."""


class Archive(ABC):
    """A look-up that has everything: a store. With one, snapshots leave out the lots, too."""

    @abstractmethod
    def __call__(self, id: str) -> Iterable[Entry]:
        """The entries that this is the `id` or the `source` of."""

    @abstractmethod
    def entries(self) -> Iterable[Entry]:
        """The entries before the snapshot, for questions about that time."""

    @abstractmethod
    def lots(self) -> Iterable[LotRecord]:
        """The lots that the snapshot leaves out and of which something is left; `LotsChanged` if they are others."""

    @abstractmethod
    def lot(self, number: int) -> LotRecord | None:
        """A lot that the snapshot leaves out; `LotsChanged` if it is another one."""


@frozen
class LotRecord(Stored):
    """A lot as an account has to know it: `Lot` has what a member sees."""

    _kind = "lot_record"

    id: int
    unit: str
    size: int
    points: int
    born: datetime
    earned: date
    activity: str = ""
    facts: FrozenMap[str, FactValue] = EMPTY
    held: int = 0
    lapsed: int = 0
    available: date | None = None
    moment: datetime | None = None
    pending_until: datetime | None = None
    extended: date | None = None


@frozen
class LotsLeft(Stored):
    """What a snapshot says of the lots of a unit that it leaves out: where their points are, and what is due first.

    *ends* and *waits* are the moment and the lot that lapses first, or becomes available first: as the expiry *rule*
    has it. Without a rule, ends may have moved since.
    """

    _kind = "lots_left"

    available: int
    pending: int
    held: int
    rule: DateRule | None = None
    ends: tuple[datetime, int] | None = None
    waits: tuple[datetime, int] | None = None


def record(lot: LotState) -> LotRecord:
    """A lot as it is kept."""
    return LotRecord(
        lot.id, lot.unit, lot.size, lot.points, lot.born, lot.earned, lot.activity, lot.facts, lot.held, lot.lapsed,
        lot.available, lot.moment and lot.moment.astimezone(UTC), lot.pending_until, lot.extended,
    )  # fmt: skip


def state(ledger: Ledger, record: LotRecord) -> LotState:
    """A lot as an account has it, which is yet to be put in its book."""
    policy = ledger.terms.expiry(record.unit, record.born, ledger.revised)
    lot = LotState(
        record.id, record.unit, record.size, record.earned, record.born, policy, record.activity, record.facts,
    )  # fmt: skip
    lot.points, lot.held, lot.lapsed = record.points, record.held, record.lapsed
    lot.available, lot.pending_until, lot.extended = record.available, record.pending_until, record.extended
    lot.moment = record.moment and record.moment.astimezone(ledger.zone)
    lot.ready = record.available is not None
    return lot


def is_used_up(lot: LotState) -> bool:
    """Whether nothing is left of a lot."""
    return not lot.points and not lot.held


def lots_left(ledger: Ledger) -> FrozenMap[str, LotsLeft]:
    """What a snapshot says of the lots that it leaves out, by unit."""
    left = {}
    for unit, book in ledger.books.items():
        if book.available or book.pending or book.held:
            rule = _lasting_rule(ledger, unit)
            ends, waits = (None, None) if rule is None else (book.next_end(), book.next_pending())
            left[unit] = LotsLeft(book.available, book.pending, book.held, rule, _in_utc(ends), _in_utc(waits))
    return FrozenMap(left)


def _in_utc(due: Due) -> Due:
    return None if due is None else (due[0].astimezone(UTC), due[1])


def _lasting_rule(ledger: Ledger, unit: str) -> DateRule | None:
    """By what all lots of a unit lapse, if ends never move, and whoever reads the rule again reads the same code."""
    if ledger.changes:
        return None
    rule = ledger.terms.unit(unit).expiry
    ours = all(type(part).__module__.startswith("loyaltycore.") for _, part in walk(rule))
    return rule if rule.fixed and ours else None


def _check(records: tuple[LotRecord, ...], left: FrozenMap[str, LotsLeft], holds: Iterable[Entry]) -> None:
    """Raise if lots are not those that a snapshot leaves out."""
    sums: dict[str, Counter[str]] = {}
    for place, one in enumerate(records):
        check_lot(one, f"snapshot.lots[{place}]")
        where = "pending" if one.available is None else "available"
        sums.setdefault(one.unit, Counter()).update({where: one.points, "held": one.held})
    told = {unit: Counter(available=one.available, pending=one.pending, held=one.held) for unit, one in left.items()}
    check_sums({unit: dict(+sum_) for unit, sum_ in sums.items()}, {unit: dict(+sum_) for unit, sum_ in told.items()})
    check_holds(holds, {one.id for one in records})


class ArchivedLots(dict[int, LotState]):
    """The lots of an account of which an archive has most; they are read when they are asked for."""

    def __init__(self, ledger: Ledger, archive: Archive, made: int) -> None:
        super().__init__()
        self._ledger = ledger
        self._archive = archive
        self._elsewhere = made
        """How many are not here."""
        self._left: FrozenMap[str, LotsLeft] = EMPTY
        """Of those not here, what is said of those of which something is left; nothing once they were read."""
        self._held: tuple[Entry, ...] = ()

    def leave_out(self, left: FrozenMap[str, LotsLeft], holds: tuple[Entry, ...]) -> None:
        """Go on without the lots of which something is left, as long as that is possible."""
        self._left, self._held = left, holds
        ledger = self._ledger
        for unit, lots in left.items():
            before = ledger.books[unit]
            book = UnreadBook(before.order, self.read)
            if lots.rule is not None and lots.rule == _lasting_rule(ledger, unit):
                book = FixedBook(before.order, self.read, lots.ends, lots.waits)
            book.available, book.pending, book.held = lots.available, lots.pending, lots.held
            book.owed = before.owed
            ledger.books[unit] = book

    def take_from(self, ledger: Ledger) -> None:
        """Take the lots from the ledger that the snapshot was made of, as far as they were read there."""
        if any(isinstance(book, UnreadBook) for book in ledger.books.values()):
            return
        self._left = EMPTY
        self._ledger.books.update(ledger.books)
        self.update(dict.items(ledger.lots))
        for number in {number for entry in ledger.entries for number, _ in entry.lots}:
            lot = self[number]
            if is_used_up(lot):
                del self[number]
                self._ledger.books[lot.unit].forget(lot)
        self._elsewhere -= super().__len__()

    def let_go(self) -> None:
        """As `LedgerState.let_go`."""
        self._ledger = proxy(self._ledger)

    def read(self) -> None:
        """Read the lots of which something is left."""
        ledger, left = self._ledger, self._left
        try:
            records = tuple(self._archive.lots())
            _check(records, left, self._held)
        except LotsChanged:
            records = tuple(record(lot) for lot in self._anew().values() if not is_used_up(lot))
        unread = {unit: book for unit, book in ledger.books.items() if isinstance(book, UnreadBook)}
        full = {unit: Book(book.order) for unit, book in unread.items()}
        found = {}
        with as_written():
            for one in records:
                lot = found[one.id] = state(ledger, one)
                full[one.unit].enter(lot)
                ledger.put(full[one.unit], lot)
        self._left, self._elsewhere = EMPTY, self._elsewhere - len(found)
        for unit, book in unread.items():
            book.fill(full[unit])
        since = dict(dict.items(self))
        self.clear()
        self.update(found)
        self.update(since)

    def _anew(self) -> dict[int, LotState]:
        """The lots at the snapshot, as the entries tell them."""
        ledger = self._ledger
        anew = Ledger(ledger.terms, ledger.member_id, ledger.joined, ledger.given_facts)
        if ledger.standings is not None:
            anew.standings = Standings(anew)
        fold(anew, self._archive.entries())
        return anew.lots

    def __len__(self) -> int:
        """How many there were ever: lots are numbered by it."""
        return dict.__len__(self) + self._elsewhere

    def __missing__(self, number: int) -> LotState:
        if self._left:
            self.read()
            return self[number]
        if not self._elsewhere:
            raise KeyError(number)
        try:
            found = self._archive.lot(number)
        except LotsChanged:
            lot = self._anew().get(number)
            found = None if lot is None else record(lot)
        if found is None:
            raise KeyError(number)
        self._elsewhere -= 1
        self._ledger.restore(state(self._ledger, found))
        for lots in (self, self._ledger.books[found.unit].lots):  # as if it had been there all along
            in_order = sorted(lots.items())
            lots.clear()
            lots.update(in_order)
        return self[number]

    def __contains__(self, number: object) -> bool:
        try:
            return super().__contains__(number) or bool(self[number])  # type: ignore[index]
        except KeyError:
            return False

    def __iter__(self) -> Iterator[int]:
        self._all()
        return super().__iter__()

    def items(self) -> ItemsView[int, LotState]:  # type: ignore[override]
        """All of which something is left, and those that were looked for."""
        self._all()
        return super().items()

    def values(self) -> ValuesView[LotState]:  # type: ignore[override]
        """As `items`."""
        self._all()
        return super().values()

    def _all(self) -> None:
        if self._left:
            self.read()
