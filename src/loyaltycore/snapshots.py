"""Snapshots: an account after so many entries, so that those need not be folded again.

A snapshot has the numbers: lots, counters, open holds. What a later call may refer back to (the activity that is
refunded, the redemption that is cancelled, the id of a call that is tried again) is looked up when it is asked for,
among the entries that the snapshot keeps for that, or in the store that has them all.

A program may count since what it did not count when the snapshot was taken: a new ladder, another qualification, an
expiry by inactivity. Or its days are those of another zone, or points wait by another rule. The entries tell it and the
snapshot does not, so `thaw` raises `OutdatedSnapshot`, before it has changed anything; whoever has all entries folds
those instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, TypeAlias, TypeVar

from attrs import evolve, field

from loyaltycore._exact import EMPTY, Exact, FrozenMap
from loyaltycore._strategy import Stored, frozen
from loyaltycore.activity import Count, CounterKey, FactValue
from loyaltycore.archive import Archive, ArchivedLots, LotRecord, LotsLeft, lots_left, record, state
from loyaltycore.entries import Entry, erased
from loyaltycore.errors import RuleError
from loyaltycore.instants import FIRST
from loyaltycore.ledger import Ledger
from loyaltycore.ledger_state import WHERE
from loyaltycore.records import Seen, Taken
from loyaltycore.standing import StandingRecord

V = TypeVar("V")

LookUp: TypeAlias = Callable[[str], Iterable[Entry]]
"""The entries of an account about an id: those that it is the `id` or the `source` of."""


class OutdatedSnapshot(RuleError):
    """A snapshot that was taken before the program was what it is now, in what only the entries can tell."""


@frozen
class Snapshot(Stored):
    """An account after its first *seq* entries; `program.account(id, snapshot=..., entries=...)` goes on from there.

    *past* are the entries that later calls may refer back to, `None` if the account could look them up.
    """

    _kind = "snapshot"

    seq: int
    posted: datetime | None = None
    lots: tuple[LotRecord, ...] = ()
    owed: FrozenMap[str, int] = EMPTY
    totals: FrozenMap[str, FrozenMap[str, int]] = EMPTY
    counted: FrozenMap[CounterKey, Count] = EMPTY
    last: FrozenMap[str, date] = EMPTY
    notes: tuple[tuple[datetime, FrozenMap[str, FactValue]], ...] = ()
    holds: tuple[Entry, ...] = ()
    saved: Exact = 0
    closed: bool = False
    past: tuple[Entry, ...] | None = field(default=(), repr=False)
    revised: datetime | None = field(default=None, kw_only=True)
    """The last revision that its lots have gone through, in a program with a history."""
    counts: FrozenMap[str, tuple[tuple[datetime, Exact], ...]] = field(default=EMPTY, kw_only=True)
    standings: tuple[StandingRecord, ...] = field(default=(), kw_only=True)
    settled: int = field(default=0, kw_only=True)
    """The place among what is due at *posted* up to where that is done, where accounts do something by themselves."""
    made: int = field(default=0, kw_only=True)
    """How many lots there were ever, if an archive has them."""
    watched: tuple[str, ...] = field(default=(), kw_only=True)
    """The activities whose last day was looked out for, by the names in *last*, whether there were any or not."""
    left: FrozenMap[str, LotsLeft] = field(default=EMPTY, kw_only=True)
    """Of each unit what there is in lots that are left out, though something is left of them."""
    zone: str = field(kw_only=True)
    """The zone of the days in it."""
    pending_rules: FrozenMap[str, str] = field(default=EMPTY, kw_only=True)
    """By unit, the code of the rules by which its pending points became available."""

    def erased(self, old: str, new: str) -> Snapshot:
        """The snapshot without what says who the member was; see `Account.erase`."""
        return evolve(
            self,
            notes=tuple((at, EMPTY) for at, _ in self.notes),
            holds=tuple(erased(entry, old, new) for entry in self.holds),
            past=None if self.past is None else tuple(erased(entry, old, new) for entry in self.past),
        )


def freeze(ledger: Ledger, past: tuple[Entry, ...] | None, saved: Exact) -> Snapshot:
    """The state of a ledger; *saved* is the worth of what was redeemed."""
    return _frozen(ledger, past, saved, tuple(map(record, ledger.lots.values())))


def freeze_without_lots(ledger: Ledger, saved: Exact) -> Snapshot:
    """The state of a ledger, for an archive that keeps its lots beside the snapshot."""
    return _frozen(ledger, None, saved, (), left=lots_left(ledger), made=len(ledger.lots))


def _frozen(
    ledger: Ledger, past: tuple[Entry, ...] | None, saved: Exact, lots: tuple[LotRecord, ...], **more: Any
) -> Snapshot:
    totals = {unit: {n: c for n, c in ledger.totals(unit).items() if c and n not in WHERE} for unit in ledger.books}
    return Snapshot(
        ledger.length,
        ledger.posted,
        lots,
        FrozenMap((unit, book.owed) for unit, book in ledger.books.items()),
        FrozenMap((unit, FrozenMap(total)) for unit, total in totals.items()),
        FrozenMap(ledger.counted),
        FrozenMap(ledger.last),
        tuple((at, FrozenMap(facts)) for at, facts in ledger.notes),
        tuple(hold.entry for hold in ledger.holds.values() if hold.open),
        saved,
        ledger.closed,
        past,
        revised=_revised(ledger),
        settled=ledger.settled[1] if ledger.by_itself else 0,
        counts=EMPTY if ledger.standings is None else ledger.standings.counts(),
        standings=() if ledger.standings is None else ledger.standings.records(),
        watched=tuple(key for key, _ in ledger.watches),
        zone=ledger.zone.key,
        pending_rules=FrozenMap((unit, code) for unit in ledger.books if (code := _pending_rules(ledger, unit))),
        **more,
    )


def _pending_rules(ledger: Ledger, unit: str) -> str:
    """By what the pending points of a unit become available, in each version of the program; "" if there are none."""
    rules = [ledger.terms.unit(unit, at).pending for at in (FIRST, *ledger.changes)]
    return ", then ".join(map(repr, rules)) if any(rule is not None for rule in rules) else ""


def _revised(ledger: Ledger) -> datetime | None:
    """The last revision that lots have gone through, as far as the entries go."""
    if ledger.posted is None or not ledger.revisions:
        return None
    last = min(ledger.revised, ledger.revision_at(ledger.posted))
    return last if last in ledger.revisions else None


def thaw(ledger: Ledger, snapshot: Snapshot, look_up: LookUp | None) -> None:
    """Bring a ledger that is still empty to the state of a snapshot.

    One that does not have what the program counts since is an `OutdatedSnapshot`.
    """
    reason = outdated(ledger, snapshot)
    if reason:
        raise OutdatedSnapshot(
            f"snapshot: {reason}; build the account from all of its entries instead: program.account(id, entries=...)"
        )
    ledger.before, ledger.posted, ledger.closed = snapshot.seq, snapshot.posted, snapshot.closed
    if ledger.by_itself and snapshot.posted is not None:
        ledger.settled = (snapshot.posted, snapshot.settled)
    ledger.totals_before, ledger.saved_before = snapshot.totals, snapshot.saved
    ledger.counted.update(snapshot.counted)
    ledger.by_all.update(filter(CounterKey.is_by_all, snapshot.counted))
    ledger.last.update(snapshot.last)
    ledger.notes.extend(snapshot.notes)
    ledger.revise(snapshot.revised or ledger.revised)
    if ledger.standings is not None:
        ledger.standings.take(snapshot.counts, snapshot.standings)
    for unit, owed in snapshot.owed.items():
        ledger.book(unit).owed = owed
    if isinstance(look_up, Archive):
        ledger.lots = lots = ArchivedLots(ledger, look_up, snapshot.made)
        lots.leave_out(snapshot.left, snapshot.holds)
    elif snapshot.made:
        raise RuleError("snapshot: it leaves out lots that only its store has; take one by account.snapshot()")
    for kept in snapshot.lots:
        ledger.restore(state(ledger, kept))
    past = Past(snapshot, look_up)
    ledger.past = past.about
    ledger.first_of = Recalled(past.first_of)
    ledger._seen = Recalled(past.seen)
    ledger.holds = Recalled(past.hold)
    ledger._taken = Recalled(past.spent)
    for entry in snapshot.holds:
        ledger.open(entry)


def outdated(ledger: Ledger, snapshot: Snapshot) -> str:
    """What the entries alone can tell, as the program has become another one; "" if there is nothing of the kind."""
    if not snapshot.seq:
        return ""
    missing = _not_counted(ledger, snapshot)
    if missing:
        return f"it has not counted {missing}, as the program does since it was taken"
    if snapshot.zone != ledger.zone.key:
        return f"its days are those of {snapshot.zone}, and the program's those of {ledger.zone.key}"
    for unit in snapshot.owed:
        if snapshot.pending_rules.get(unit, "") != _pending_rules(ledger, unit):
            return f"points of {unit!r} wait by another rule since it was taken"
    return ""


def _not_counted(ledger: Ledger, snapshot: Snapshot) -> str:
    """The first of what the program counts that the snapshot knows nothing of; "" if there is nothing of the kind."""
    if ledger.standings is not None:
        known = {record.name for record in snapshot.standings}
        for key in ledger.standings.series:
            if key not in snapshot.counts:
                return repr(key)
        for name in ledger.standings.ladders:
            if name not in known:
                return f"towards the ladder {name!r}"
    for key, _ in ledger.watches:
        if key not in snapshot.watched and key not in snapshot.last:
            return f"the days since the last activity of {key!r}"
    return ""


class Past:
    """What was before a snapshot, found when it is asked for."""

    def __init__(self, snapshot: Snapshot, look_up: LookUp | None) -> None:
        self._length = snapshot.seq
        self._taken: dict[int, Taken] = {}
        if look_up is None:
            if snapshot.past is None:
                raise RuleError("snapshot: it leaves out the entries of its account; give look_up= to find them")
            look_up = _by_id(snapshot.past)
        self._look_up = look_up

    def about(self, id: str) -> tuple[Entry, ...]:
        """The entries before the snapshot that the id is the id or the source of, as they were posted."""
        found = self._look_up(id) if id else ()
        if found == ():
            return ()  # as of every new id
        return tuple(sorted((entry for entry in found if entry.seq <= self._length), key=lambda entry: entry.seq))

    def first_of(self, id: str) -> Entry | None:
        """The first entry of a call."""
        return next((entry for entry in self.about(id) if entry.id == id), None) if self._look_up(id) else None

    def seen(self, id: str) -> Seen | None:
        """An activity, what it earned, and what of it was refunded."""
        seen = None
        for entry in self.about(id):
            if entry.kind == "earned" and entry.id == id:
                seen = seen or Seen(entry.data["activity"])
                seen.earn(entry)
            elif entry.kind == "reversed" and entry.source == id and seen is not None:
                seen.reverse(entry)
        return seen

    def hold(self, id: str) -> Taken | None:
        """A hold that was resolved; the open ones are in the snapshot."""
        held = next((entry for entry in self.about(id) if entry.kind == "held" and entry.id == id), None)
        if held is None:
            return None
        hold = Taken(held, held.lots)
        hold.open = False
        return hold

    def spent(self, id: str) -> Taken | None:
        """A redemption, and how much of it was cancelled; a captured hold goes by its own id and the capture's."""
        for entry in self.about(id):
            if entry.kind in ("spent", "captured") and id == entry.id:
                break
            if entry.kind == "captured" and id == entry.source:
                break
        else:
            return None
        if entry.seq in self._taken:
            return self._taken[entry.seq]
        names = {entry.id, entry.source} if entry.kind == "captured" else {entry.id}
        taken = self._taken[entry.seq] = Taken(entry, entry.lots)
        undone = [e for name in names for e in self.about(name) if e.kind == "cancelled" and e.source == name]
        taken.back = sum(entry.points for entry in undone)
        taken.open = not undone or taken.back < taken.points
        return taken


def _by_id(entries: Iterable[Entry]) -> LookUp:
    index: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        for name in {entry.id, entry.source}:
            index[name].append(entry)
    return lambda name: index.get(name, ())


class Recalled(dict[str, V]):
    """A dict that looks for what it does not have among what was before, which never changes."""

    def __init__(self, recall: Callable[[str], V | None]) -> None:
        super().__init__()
        self._recall = recall
        self._absent = ""  # what was last looked for in vain: a new id is asked about before it is put in

    def __missing__(self, id: str) -> V:
        found: V | None = self.get(id)
        if found is None:
            raise KeyError(id)
        return found

    def get(self, id: str, default: Any = None) -> Any:
        """As `dict.get`, of what was before too."""
        if id in self:
            return self[id]
        if id == self._absent:
            return default
        found = self._recall(id)
        if found is None:
            self._absent = id
            return default
        self[id] = found
        return found

    def setdefault(self, id: str, default: Any = None) -> Any:
        """As `dict.setdefault`, of what was before too."""
        found = None if id == self._absent else self.get(id)
        return dict.setdefault(self, id, default) if found is None else found
