"""What every verb of an account does first and last: two times, and one id.

The same id with the same content gives the same result and writes nothing; with other content it is a `Conflict`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, TypeVar, cast

from attrs import fields

from loyaltycore._calendar import as_utc, civil_date, in_zone, moment, show_moment
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._strategy import text
from loyaltycore.activity import Activity, CounterKey, fact_map
from loyaltycore.archive import Archive
from loyaltycore.awards import Award
from loyaltycore.entries import Entry, Receipt, Redemption, call_data, receipt_of
from loyaltycore.errors import Conflict, RuleError
from loyaltycore.given import check_lots, checked, fold, reading
from loyaltycore.ledger import Ledger
from loyaltycore.snapshots import LookUp, Snapshot, thaw
from loyaltycore.standings import Standings

F = TypeVar("F", bound=Callable[..., Any])

When = date | datetime | str
"""A moment: a date (its first moment), a datetime, or ISO text; naive is civil time in the program's zone."""


def verb(method: F) -> F:
    """Mark a call that writes all its entries or, where anything goes wrong on the way, none."""

    @wraps(method)
    def all_or_nothing(self: Desk, *args: Any, **keywords: Any) -> Any:
        if self._shut:
            raise RuleError(f"{self.id}: {self._shut}")
        ledger = self._ledger
        before = ledger.before + len(ledger.entries)
        try:
            return method(self, *args, **keywords)
        except BaseException:
            if self._ledger.length != before:
                self._ledger = self._fold([entry for entry in self._ledger.entries if entry.seq <= before])
                self._share()
            raise

    return cast("F", all_or_nothing)


class Desk:
    """The state of an account and the plumbing of its verbs; `Account` is the whole."""

    _shut = ""
    """Why nothing can be written, once a store has taken the account back."""

    _returned: Container[str] | None = None
    """The activities that will be returned, in part or all, where that is known: of others lines need not be told."""

    def __init__(
        self,
        terms: Any,
        id: str,
        *,
        joined: date | str | None = None,
        facts: Mapping[str, Any] = EMPTY,
        entries: Iterable[Entry] = (),
        shared: MutableMapping[CounterKey, int] | None = None,
        snapshot: Snapshot | None = None,
        look_up: LookUp | None = None,
    ) -> None:
        self.id = text(id, "id")
        self._terms = terms
        self._joined = None if joined is None else civil_date(joined, "joined")
        self._facts = fact_map(facts)
        self._shared = shared
        self._snapshot = snapshot
        self._look_up = look_up
        self._in_utc = terms.zone.key == "UTC"  # where civil time is the instant, conversions can be spared
        self._awards: dict[tuple[str, str], Award] = {}
        """By activity and unit, as long as the account lives: entries do not keep the parts and their reasons."""
        before, posted = (0, None) if snapshot is None else (snapshot.seq, snapshot.posted)
        self._ledger = self._fold(checked(several(entries, "entries"), before, posted))
        check_lots(self._ledger)
        self._published = self._own_by_all(self._ledger)

    def __repr__(self) -> str:
        return f"<Account {self.id!r} of {self._terms.name!r}: {self._ledger.length} entries>"

    def _fold(self, entries: Iterable[Entry]) -> Ledger:
        ledger = Ledger(self._terms, self.id, self._joined, self._facts)
        if self._terms.ladder_names:
            ledger.standings = Standings(ledger)
        if self._snapshot is not None:
            with reading(self._snapshot):
                thaw(ledger, self._snapshot, self._look_up)
        fold(ledger, entries)
        if ledger.standings is not None:
            ledger.standings.judged()  # they were judged when the entries were made
        return ledger

    def _posted_upto(self, limit: datetime) -> Ledger:
        """The entries that were posted up to and with an instant, folded again."""
        if self._snapshot is not None and self._snapshot.posted != limit:
            self._needs_entries(limit)
        return self._fold(entry for entry in self._ledger.entries if entry.posted <= limit)

    def _needs_entries(self, since: datetime | None) -> None:
        """Raise if the account began with a snapshot that has what happened since then (since ever, if `None`)."""
        begin = None if self._snapshot is None else self._snapshot.posted
        if begin is not None and (since is None or since <= begin):
            if isinstance(self._look_up, Archive):
                entries = (*self._look_up.entries(), *self._ledger.entries)
                self._snapshot = None
                self._ledger = self._fold(entries)
                return
            raise RuleError(
                f"{self.id}: this asks about {'the time' if since is None else self._shown(since)} before the snapshot"
                f" that the account began with, of {self._shown(begin)}; the entries are needed: give all of them to"
                " program.account(id, entries=...)"
            )

    def _shown(self, at: datetime) -> str:
        return show_moment(at.astimezone(self._terms.zone).replace(tzinfo=None))

    # Before each verb -----------------------------------------------------------------------------------------------

    def _instant(self, at: When) -> datetime:
        found = at if isinstance(at, datetime) else moment(at)
        if found.tzinfo is UTC:
            return found
        if self._in_utc and found.tzinfo is None:
            return as_utc(found)
        try:
            return in_zone(found, self._terms.zone).astimezone(UTC)
        except OverflowError:
            raise RuleError(f"at: {found} is no moment in UTC; give one within the years 1 to 9999") from None

    def _posted(self, at: datetime, posted: When | None) -> datetime:
        """When the account learns it: never before it happened, nor before the last entry."""
        learnt = at if posted is None else max(at, self._instant(posted))
        last = self._ledger.posted
        return learnt if last is None or learnt >= last else last

    def _again(self, id: str, verb: str, **content: Any) -> Any:
        """The result of an earlier call with this id, or `None`; a `Conflict` if it said something else."""
        first = self._first_of(id)
        return None if first is None else self._same(id, first, call_data(verb, **content))

    def _first_of(self, id: str) -> Entry | None:
        """The first entry of an earlier call with this id; where there is none, the account is to be open."""
        if not isinstance(id, str) or not id:
            raise RuleError(f"id: {id!r} is no id; give text of your own that names this call, so that a retry is safe")
        first = self._ledger.first_of.get(id)
        if first is None and self._ledger.closed:
            self._check_open()
        return first

    def _same(self, id: str, first: Entry, now: Mapping[str, Any]) -> Any:
        """The result of the earlier call, if it said the same as one does now."""
        before = first.data.get("call") or call_data("earn", activity=first.data.get("activity"))
        for name, said in now.items():
            if before.get(name) != said and not self._same_activity(before.get(name), said):
                raise Conflict(_conflict(id, name, before.get(name), said))
        return self._result(id, first)

    def _check_open(self) -> None:
        if self._ledger.closed:
            raise RuleError(f"{self.id}: the account is closed; nothing can be written to it")

    def _same_activity(self, before: object, now: object) -> bool:
        """Whether both are one activity, whose moment was written in two ways."""
        if not isinstance(before, Activity) or not isinstance(now, Activity):
            return False
        return before.in_zone(self._terms.zone) == now.in_zone(self._terms.zone)

    def _result(self, id: str, first: Entry) -> Any:
        """The result of a call as its entries tell it."""
        entries = self._ledger.written(id)
        if first.kind == "earned":
            earned = {entry.unit: entry for entry in entries if entry.kind == "earned" and entry.id == id}
            units = self._terms.version(first.at).points
            awards = {unit: self._awards.get((id, unit)) or _award(earned.get(unit)) for unit in units}
            return self._receipt(awards, entries)
        if "quote" in first.data:
            return Redemption(id, first.data["call"]["reward"], first.data["quote"], entries)
        return entries

    def _receipt(self, awards: dict[str, Award], entries: tuple[Entry, ...]) -> Receipt:
        standings = self._ledger.standings
        if standings is None:
            return receipt_of(awards, entries)
        before, after = standings.tier_by(entries[0]), standings.tier_by(entries[-1], after=True)
        return receipt_of(awards, entries, before, after)

    def _judged(self, id: str) -> tuple[Entry, ...]:
        """The entries of a call, with those of the tiers and events that it brings."""
        ledger = self._ledger
        if ledger.standings is not None and ledger.posted is not None:
            if ledger.by_itself and ledger.standings.balances:
                ledger.advance(ledger.posted)  # points that are converted at once were never a balance
            ledger.standings.judge(ledger.posted, id)
        return ledger.written(id)

    def _as_of(self, at: datetime) -> AbstractContextManager[Ledger]:
        """The ledger as it stood, or will stand, at that instant; changes to it are taken back."""
        ledger = self._ledger
        if ledger.posted is None or at >= ledger.posted:
            return ledger.upto(at)
        past = self._posted_upto(at)
        past.advance(at)
        return nullcontext(past)

    def _unit(self, unit: str) -> str:
        if not unit:
            return self._ledger.main_unit
        self._terms.unit(text(unit, "unit"))
        return unit

    def _new_lot(self) -> int:
        return len(self._ledger.lots) + 1

    def _start(
        self, id: str, at: When, posted: When | None, verb: str, **content: Any
    ) -> tuple[Any, datetime, datetime]:
        """An earlier result if there is one, and the two times as instants."""
        instant = self._instant(at)
        return self._again(id, verb, at=instant, **content), instant, self._posted(instant, posted)

    def _finish(self, id: str, entries: list[Entry], at: datetime, posted: datetime, call: Any) -> tuple[Entry, ...]:
        """The result of a call; one that changed nothing is noted, so that its id is used up."""
        if not entries:
            entries = [self._ledger.write("noted", id, at, posted, data=FrozenMap({"call": call}))]
        found = self._judged(id)
        self._publish()
        return found

    # What all members count together ----------------------------------------------------------------------------------

    @staticmethod
    def _own_by_all(ledger: Ledger) -> dict[CounterKey, int]:
        """What this account has counted of stocks and of limits among all members."""
        return {key: ledger.counted.get(key, 0) for key in ledger.by_all}

    def _counted_by_all(self, ledger: Ledger, reward: str) -> dict[CounterKey, Any]:
        """What all members have counted of a reward, this account as *ledger* has it."""
        find = getattr(self._shared, "of", None)  # a store locks the counters of this reward alone
        together = dict(self._shared or EMPTY) if find is None else dict(find(reward))
        for key, count in self._own_by_all(ledger).items():
            if key.name == reward:
                together[key] = together.get(key, 0) + count - self._published.get(key, 0)
        return together

    def _publish(self) -> None:
        """What a call does last: what is due at once, and what this account has counted, for all to count together."""
        if self._ledger.by_itself:
            self._go_on()
        if self._shared is not None and (self._ledger.by_all or self._published):
            self._share()

    def _go_on(self) -> None:
        """What the account does by itself as soon as something was called."""
        ledger = self._ledger
        if ledger.by_itself and ledger.posted is not None:
            ledger.advance(ledger.posted)

    def _share(self) -> None:
        """Tell what this account has counted since it last told."""
        if self._shared is not None:
            own = self._own_by_all(self._ledger)
            for key in {**self._published, **own}:  # what was taken back is not among its own any more
                more = own.get(key, 0) - self._published.get(key, 0)
                if more:
                    self._shared[key] = self._shared.get(key, 0) + more
            self._published = own


def several(values: Iterable[Any], what: str) -> tuple[Any, ...]:
    """The values of a list or any other iterable, text and mappings aside."""
    if isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping)):
        return tuple(values)
    raise RuleError(f"{what}: {values!r} is not several; give a list")


def _conflict(id: str, name: str, before: object, now: object) -> str:
    """Which field of a call differs from what was said under its id before."""
    if isinstance(before, Activity) and isinstance(now, Activity):
        for part in fields(Activity):
            old, new = getattr(before, part.name), getattr(now, part.name)
            if part.init and old != new:
                name, before, now = f"order.{part.name}" if name == "order" else part.name, old, new
                break
    was, is_now = (repr(show_moment(v) if isinstance(v, datetime) else v) for v in (before, now))
    return f"{id}: it was used before with {name}={was} and now with {is_now}; give a new call an id of its own"


def _award(entry: Entry | None) -> Award:
    """What an entry tells of an award; there is none where nothing was earned."""
    if entry is None:
        return Award(0)
    data = entry.data
    points = data.get("points", entry.points)
    return Award(data["exact"], points, reason=entry.reason, counts=data.get("counts", EMPTY))
