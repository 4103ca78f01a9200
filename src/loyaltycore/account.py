"""Accounts: the verbs, and the questions.

Every verb looks first whether its id was used before: the same content gives the same result and writes nothing,
other content is a `Conflict`. Then it brings the account up to its moment, decides, and appends entries; what is
refused writes nothing. Every question answers as if `advance` had just been called, and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from typing import Any, cast

from attrs import evolve

from loyaltycore._calendar import civil_date
from loyaltycore._exact import EMPTY, FrozenMap, whole
from loyaltycore._strategy import text
from loyaltycore.activity import Activity, FactValue, Member, fact_map
from loyaltycore.archive import Archive
from loyaltycore.books import LotState
from loyaltycore.desk import When, several, verb
from loyaltycore.earnings import Earning
from loyaltycore.entries import Entry, Redemption, call_data, erased
from loyaltycore.errors import RuleError
from loyaltycore.instants import end_of
from loyaltycore.ledger import Ledger
from loyaltycore.lots import Lot
from loyaltycore.redemption import Quote
from loyaltycore.redemption_options import gift_in
from loyaltycore.snapshots import Snapshot, freeze
from loyaltycore.spending import Spending
from loyaltycore.statement import Statement, saved, unit_statements
from loyaltycore.status import Status, brings_more, progress_of, promised


class Account(Earning, Spending, Status):
    """A member's points in one program: entries, and what follows from them.

    Made by `program.account(id)`. Verbs take the caller's *id*, so that a retry is safe, and *at*, when it happened;
    *posted* is when the account learns it, by default then. Nothing here reads the machine's clock.

    >>> club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(150)})
    >>> account = club.account("m-1")
    >>> receipt = account.earn(Activity.purchase("200.00", at="2026-01-05T12:00", id="t-1"))
    >>> account.redeem("coffee", id="r-1", at="2026-02-01").ok, account.balance(at="2026-02-01")
    (True, 50)
    """

    def _repr_html_(self) -> str:
        from loyaltycore._notebook import account_html

        return account_html(self)

    # By hand --------------------------------------------------------------------------------------------------------

    @verb
    def adjust(
        self, points: int, *, unit: str = "", reason: str, actor: str, id: str, at: When, posted: When | None = None
    ) -> tuple[Entry, ...]:
        """Give points by hand, or take them if below 0: with a reason, who did it, and never more than there is."""
        count = whole(points, "points")
        text(reason, "reason")
        text(actor, "actor")
        unit = self._unit(unit)
        content = {"points": count, "unit": unit, "reason": reason, "actor": actor}
        done, at, posted_at = self._start(id, at, posted, "adjust", **content)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        if not count:
            raise RuleError("points: an adjustment of 0 changes nothing; give another number")
        lots = self._in_or_out(unit, count, posted_at, "adjust")
        data = FrozenMap({"call": call_data("adjust", at=at, **content)})
        entry = self._ledger.write("adjusted", id, at, posted_at, unit, count, lots, reason, actor=actor, data=data)
        return self._finish(id, [entry, *self._ledger.repay(unit, at, posted_at, id)], at, posted_at, None)

    def _in_or_out(self, unit: str, count: int, posted: datetime, verb: str) -> tuple[tuple[int, int], ...]:
        """A new lot for points in, or the lots that points out are taken from."""
        ledger = self._ledger
        if count > 0:
            ledger.advance(posted)
            return ((self._new_lot(), count),)
        with ledger.upto(posted):
            book = ledger.book(unit)
            there = max(0, book.available - book.owed)
            if there < -count:
                raise RuleError(f"{verb}: {there:,} points are available and {-count:,} were to go; take at most those")
            lots = ledger.plan(unit, -count)
            ledger.keep()
        return lots

    @verb
    def transfer(
        self,
        points: int,
        to: Account,
        *,
        unit: str = "",
        id: str,
        at: When,
        keep_age: bool = False,
        posted: When | None = None,
    ) -> tuple[Entry, ...]:
        """Move points to another account of the program: as new points there, or with *keep_age* as old as they are.

        Both accounts get entries under the same id, so a retry after a crash between the two completes it.
        """
        count = whole(points, "points", at_least=1)
        unit = self._unit(unit)
        self._check_other(to, "to")
        to._unit(unit)
        content = {"points": count, "unit": unit, "to": to.id, "keep_age": keep_age}
        done, at, posted_at = self._start(id, at, posted, "transfer", **content)
        if done is None:
            to._again(id, "receive", of=self.id, points=count, unit=unit, at=at)
            lots = self._in_or_out(unit, -count, posted_at, "transfer")
            ages = tuple(_age(self._ledger.lots[number]) for number, _ in lots) if keep_age else ()
            data = FrozenMap({"call": call_data("transfer", at=at, **content), "moved": (lots, ages)})
            entry = self._ledger.write("transferred", id, at, posted_at, unit, -count, lots, ("to {}", to.id),
                                       source=to.id, data=data)  # fmt: skip
            done = self._finish(id, [entry], at, posted_at, None)
        moved, ages = done[0].data["moved"]
        to._receive(self.id, unit, count, moved, ages, id=id, at=at, posted=posted)
        return cast("tuple[Entry, ...]", done)

    @verb
    def give(
        self, reward: str, to: Account, *, points: int, id: str, at: When, posted: When | None = None
    ) -> Redemption:
        """Give points to another account by a `Gift` among the rewards, within its limits.

        A refused gift raises nothing, writes nothing, and says why in its quote. The option is asked about an activity
        of the kind `gift` with the fact `to`, the other's id. Both accounts get entries under the same id, so a retry
        after a crash between the two completes it.
        """
        count = whole(points, "points", at_least=1)
        self._check_other(to, "to")
        content = {"reward": reward, "to": to.id, "points": count}
        done, at, posted_at = self._start(id, at, posted, "give", **content)
        if done is None:
            if gift_in(self._option(reward, at)) is None:
                raise RuleError(f"{reward!r} is no Gift; use redeem, or transfer")
            ledger = self._ledger
            order = self._order(Activity.action("gift", at=at, to=to.id), at)
            with ledger.upto(posted_at):
                quote = self._quote(ledger, reward, order, count)
                if quote.ok:
                    into, given = _given(to, quote)
                    to._again(id, "receive", of=self.id, points=given, unit=into, at=at)
                    lots = ledger.plan(quote.unit, quote.points, quote.lots)
                    ledger.keep()
            if not quote.ok:
                return Redemption(id, reward, quote)
            data = FrozenMap({"call": call_data("give", at=at, **content), "quote": quote, "counts": quote.counts})
            entry = ledger.write("transferred", id, at, posted_at, quote.unit, -quote.points, lots, ("to {}", to.id),
                                 source=to.id, data=data)  # fmt: skip
            done = Redemption(id, reward, quote, self._finish(id, [entry], at, posted_at, None))
        into, given = _given(to, done.quote)
        to._receive(self.id, into, given, (), (), id=id, at=at, posted=posted)
        return cast("Redemption", done)

    def _check_other(self, other: object, what: str) -> None:
        if not isinstance(other, Account):
            raise RuleError(f"{what}: {other!r} is no account; give the other one, from program.account(id)")
        if other.id == self.id:
            raise RuleError(f"{what}: {self.id!r} is this very account; give the other one")
        if other._terms.name != self._terms.name:
            raise RuleError(
                f"{what}: {other.id!r} is an account of {other._terms.name!r} and this one of {self._terms.name!r};"
                " give one of the same program"
            )

    @verb
    def _receive(
        self, sender: str, unit: str, count: int, moved: Any, ages: Any, *, id: str, at: datetime, posted: When | None
    ) -> None:
        done, at, posted_at = self._start(id, at, posted, "receive", of=sender, points=count, unit=unit)
        if done is not None:
            return
        ledger = self._ledger
        ledger.advance(posted_at)
        first = self._new_lot()
        parts = [n for _, n in moved] if ages else [count]
        lots = tuple((first + i, n) for i, n in enumerate(parts))
        call = call_data("receive", of=sender, points=count, unit=unit, at=at)
        data = FrozenMap({"call": call, **({"ages": ages} if ages else {})})
        entry = ledger.write("transferred", id, at, posted_at, unit, count, lots, ("from {}", sender), source=sender,
                             data=data)  # fmt: skip
        self._finish(id, [entry, *ledger.repay(unit, at, posted_at, id)], at, posted_at, None)

    @verb
    def merge(self, other: Account, *, id: str, at: When, posted: When | None = None) -> tuple[Entry, ...]:
        """Take over another account: all its lots with their age, pending ones and what it owes; it is closed then.

        What it counted towards tiers counts here as well. A tier that it held, by counting or granted, is a floor until
        its last day, where it is higher or lasts longer than what is held here; tiers of the balance are not.

        Open holds of the other must be resolved before. Both accounts get entries under the same id, so a retry after a
        crash between the two completes it. Points that wait can still be activated; what was earned in the other can no
        longer be reversed, as only the account that earned it knows what for.
        """
        self._check_other(other, "other")
        done, at, posted_at = self._start(id, at, posted, "merge", other=other.id)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        for unit in other._ledger.books:
            self._unit(unit)
        handed = other._hand_over(self.id, id=id, at=at, posted=posted)
        note = next(entry for entry in handed if entry.kind == "noted")
        moves = tuple(entry for entry in handed if entry.kind in ("transferred", "owed"))
        ledger = self._ledger
        posted_at = max(posted_at, note.posted)
        ledger.advance(posted_at)
        call = call_data("merge", other=other.id, at=at)
        entries: list[Entry] = []
        for given in moves:
            first = self._new_lot()
            lots = tuple((first + i, n) for i, (_, n) in enumerate(given.lots))
            ages = given.data.get("ages")
            data = FrozenMap({"call": call, **({"ages": ages} if ages else {})})
            entries.append(ledger.write(given.kind, id, at, posted_at, given.unit, -given.points, lots,
                                        ("from {}", other.id), source=other.id, data=data))  # fmt: skip
        for unit in dict.fromkeys(given.unit for given in moves):
            entries += ledger.repay(unit, at, posted_at, id)
        entries += self._take_over_tiers(note, other.id, id, at, posted_at, call)
        return self._finish(id, entries, at, posted_at, call)

    def _take_over_tiers(
        self, handed: Entry, other: str, id: str, at: datetime, posted: datetime, call: Any
    ) -> list[Entry]:
        """What the other counted towards tiers; what it held is a floor as long as it was kept, if that is any more."""
        ledger = self._ledger
        if ledger.standings is None or "counted" not in handed.data:
            return []  # also if the program has tiers only since the other was closed
        why = ("from {}", other)
        data = FrozenMap({"call": call, "counts of": handed.data["counted"], "carried of": handed.data["carried"]})
        entries = [ledger.write("noted", id, at, posted, why=why, source=other, data=data)]
        for name, ladder in self._terms.version(posted).ladders.items():
            for tier, until in handed.data["held"].get(name, ()):
                if brings_more(ladder, tier, until, promised(ledger, name, posted)):
                    data = FrozenMap({"call": call, "ladder": name, "floor": tier, "until": until})
                    entries.append(ledger.write("tier_changed", id, at, posted, why=why, source=other, data=data))
        return entries

    @verb
    def _hand_over(self, into: str, *, id: str, at: datetime, posted: When | None) -> tuple[Entry, ...]:
        """Give everything to another account, and close."""
        done, at, posted_at = self._start(id, at, posted, "merged", into=into)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        ledger = self._ledger
        with ledger.upto(posted_at):
            if any(hold.open for hold in ledger.holds.values()):
                raise RuleError(f"{self.id}: it has open holds; capture or release them before the merge")
            ledger.keep()
        call = call_data("merged", into=into, at=at)
        why = ("to {}", into)
        entries: list[Entry] = []
        for unit, book in list(ledger.books.items()):
            lots = [lot for lot in book.lots.values() if lot.points]
            if lots:
                moved = tuple((lot.id, lot.points) for lot in lots)
                data = FrozenMap({"call": call, "ages": tuple(map(_age, lots))})
                points = sum(lot.points for lot in lots)
                entries.append(ledger.write("transferred", id, at, posted_at, unit, -points, moved, why, source=into,
                                            data=data))  # fmt: skip
            if book.owed:
                # a debt goes as points that come in against it
                for kind, points in (("transferred", book.owed), ("owed", -book.owed)):
                    entries.append(ledger.write(kind, id, at, posted_at, unit, points, (), why, source=into,
                                                data=FrozenMap({"call": call})))  # fmt: skip
        note = {"call": call, "closed": True}
        if ledger.standings is not None:
            held = {name: promised(ledger, name, posted_at) for name in self._terms.version(posted_at).ladders}
            note |= {
                "counted": ledger.standings.counts(),
                "carried": ledger.standings.carried(),
                "held": FrozenMap(held),
            }
        entries.append(ledger.write("noted", id, at, posted_at, why=("merged into {}", into), data=FrozenMap(note)))
        return self._finish(id, entries, at, posted_at, call)

    @verb
    def extend(
        self, lots: Lot | int | Iterable[Lot | int], until: date | str, *, id: str, at: When, posted: When | None = None
    ) -> tuple[Entry, ...]:
        """Make *until* the last day of those lots; of lapsed ones, what had lapsed comes back."""
        day = civil_date(until, "until")
        given = (lots,) if isinstance(lots, (Lot, int)) else several(lots, "lots")
        numbers = tuple(sorted({lot.id if isinstance(lot, Lot) else whole(lot, "lots") for lot in given}))
        done, at, posted_at = self._start(id, at, posted, "extend", lots=numbers, until=day)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        ledger = self._ledger
        for number in numbers:
            if number not in ledger.lots:
                raise RuleError(f"lots: {number} is no lot of this account; give lots as account.lots() lists them")
        if end_of(day, self._terms.zone) <= posted_at:
            raise RuleError(f"until: {day} is over already; give a day that is still to come")
        ledger.advance(posted_at)
        call = call_data("extend", lots=numbers, until=day, at=at)
        data = FrozenMap({"call": call, "until": day})
        entries: list[Entry] = []
        for number in numbers:
            lot = ledger.lots[number]
            why = ("until {}", day)
            if lot.lapsed:
                back = ((number, lot.lapsed),)
                entries.append(
                    ledger.write("reinstated", id, at, posted_at, lot.unit, lot.lapsed, back, why, data=data)
                )
                entries += ledger.repay(lot.unit, at, posted_at, id)
            else:
                same = ((number, lot.points),)
                entries.append(ledger.write("extended", id, at, posted_at, lot.unit, lot.points, same, why, data=data))
        return self._finish(id, entries, at, posted_at, call)

    @verb
    def note(self, *, at: When, id: str = "", posted: When | None = None, **facts: Any) -> tuple[Entry, ...]:
        """Remember facts of the member from then on: a plan, a segment, the day a card was closed."""
        noted = fact_map(facts)
        instant = self._instant(at)
        if id:
            done = self._again(id, "note", at=instant, facts=noted)
            if done is not None:
                return cast("tuple[Entry, ...]", done)
        self._check_open()
        posted_at = self._posted(instant, posted)
        self._ledger.advance(posted_at)
        data = FrozenMap({"call": call_data("note", at=instant, facts=noted), "facts": noted})
        entry = self._ledger.write("noted", id, instant, posted_at, data=data)
        self._publish()
        return (entry,)

    @verb
    def close(self, *, id: str, at: When, posted: When | None = None) -> tuple[Entry, ...]:
        """Close the account: open holds are released, what is left lapses, and nothing can be written after."""
        done, at, posted_at = self._start(id, at, posted, "close")
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        ledger = self._ledger
        ledger.advance(posted_at)
        call = FrozenMap({"call": call_data("close", at=at)})
        why = "the account was closed"
        entries = [
            ledger.release(hold, id, at, posted_at, why, data=call) for hold in list(ledger.holds.values()) if hold.open
        ]
        for unit, book in ledger.books.items():
            lots = tuple((lot.id, lot.points) for lot in book.lots.values() if lot.points)
            points = sum(n for _, n in lots)
            if points:
                entries.append(ledger.write("lapsed", id, at, posted_at, unit, points, lots, why, data=call))
        data = FrozenMap({**call, "closed": True})
        entries.append(ledger.write("noted", id, at, posted_at, why="closed", data=data))
        return self._finish(id, entries, at, posted_at, None)

    def erase(self, new_id: str) -> None:
        """Forget who the member was: another id, and no facts of the person; every number stays as it is.

        Entries are rewritten without the member's id, the facts noted, and who is named in activities and reasons of
        adjustments. Ids of calls are the application's; it should not make them of personal data.
        """
        old, new = self.id, text(new_id, "new_id")
        entries = tuple(erased(entry, old, new) for entry in self._ledger.entries)
        self._snapshot = None if self._snapshot is None else self._snapshot.erased(old, new)
        self.id, self._facts = new, EMPTY
        self._awards.clear()
        self._ledger = self._fold(entries)

    @verb
    def advance(self, at: When) -> tuple[Entry, ...]:
        """Write what has fallen due up to and with that moment: points available, points lapsed, holds timed out."""
        before = len(self._ledger.entries)
        self._ledger.advance(self._instant(at))
        self._publish()
        return tuple(self._ledger.entries[before:])

    def snapshot(self) -> Snapshot:
        """The account as it stands, to go on from: `program.account(id, snapshot=..., entries=later)` is the same.

        It keeps the entries that a later call may refer back to, unless the account was given a `look_up`.

        >>> club = Program("Club", earning=PerSpend(1))
        >>> account = club.account("m-1")
        >>> receipt = account.earn(Activity.purchase("200.00", at="2026-01-05", id="t-1"))
        >>> club.account("m-1", snapshot=account.snapshot()).balance(at="2026-01-06")
        200
        """
        if isinstance(self._look_up, Archive):
            self._needs_entries(None)  # an archive has lots that are not here
        past = None
        if self._look_up is None:
            before = () if self._snapshot is None else self._snapshot.past or ()
            # a call has an id; what time alone did is referred to where it resolved a hold
            past = (*before, *(entry for entry in self._ledger.entries if entry.id or entry.kind == "released"))
        return freeze(self._ledger, past, saved(self._ledger))

    # Questions ------------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything that happened, in the order the account learnt it; since the snapshot, if it began with one."""
        return tuple(self._ledger.entries)

    def balance(self, unit: str = "", *, at: When, known: When | None = None) -> int:
        """Points that can be spent at that moment, less what is owed: below 0 for a debt.

        *known* asks what the account could have said then: entries posted after it are left out.
        """
        unit = self._unit(unit)
        with self._known(self._instant(at), known) as ledger:
            book = ledger.book(unit)
            return book.available - book.owed

    def totals(self, unit: str = "", *, at: When, known: When | None = None) -> Mapping[str, int]:
        """Points by where they are now (available, pending, held, owed) and by what became of them.

        What came in equals what is there and what went:
        earned + adjusted_up + transferred_in + converted_in + reinstated + owed + repaid ==
        available + pending + held + spent + lapsed + reversed + repaid + adjusted_down + transferred_out
        + converted_out.
        """
        unit = self._unit(unit)
        instant = self._instant(at)
        with self._known(instant, known) as ledger:
            return FrozenMap(ledger.totals(unit))

    def totals_by(self, fact: str, unit: str = "", *, at: When) -> Mapping[FactValue | None, Mapping[str, int]]:
        """The `totals` for each value of a fact that activities stated, such as the partner who funds the points.

        Points keep the facts of the activity that earned them, wherever they go to. Those of `None` have none: what was
        given by hand, converted or transferred as new points, and what is owed.

        >>> club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(30)})
        >>> account = club.account("m-1")
        >>> for n, partner in enumerate(("fuel", "grocer")):
        ...     receipt = account.earn(Activity.purchase(20, at="2026-01-05", id=f"t-{n}", partner=partner))
        >>> redemption = account.redeem("coffee", id="r-1", at="2026-02-01")
        >>> {partner: total["spent"] for partner, total in account.totals_by("partner", at="2026-02-01").items()}
        {'fuel': 20, 'grocer': 10}
        """
        text(fact, "fact")
        unit = self._unit(unit)
        self._needs_entries(None)
        with self._as_of(self._instant(at)) as ledger:
            return FrozenMap((value, FrozenMap(totals)) for value, totals in ledger.totals_by(unit, fact).items())

    def _known(self, at: datetime, known: When | None) -> AbstractContextManager[Ledger]:
        limit = None if known is None else self._instant(known)
        if limit is None or self._ledger.posted is None or limit >= self._ledger.posted:
            return self._as_of(at)
        ledger = self._posted_upto(min(limit, at))
        ledger.advance(at)
        return nullcontext(ledger)

    def lots(self, unit: str = "", *, at: When) -> tuple[Lot, ...]:
        """The lots with points at that moment, in the order they would be spent; pending ones last."""
        unit = self._unit(unit)
        with self._as_of(self._instant(at)) as ledger:
            book = ledger.fresh_book(unit)
            pending = [lot for lot in book.lots.values() if lot.points and not lot.ready]
            return tuple(lot.frozen() for lot in (*book.in_order(), *pending))

    def statement(self, *, at: When, since: When | None = None) -> Statement:
        """What a member is sent: for each unit what there was, what changed it and what is there, and what is coming.

        *since* is where it begins, with the balance just before that moment; left out, with the account.
        """
        instant = self._instant(at)
        start = None if since is None else self._instant(since)
        if start is not None and start > instant:
            raise RuleError(
                f"since: {self._shown(start)} is after {self._shown(instant)}, the end; give an earlier one"
            )
        self._needs_entries(start)
        with self._as_of(instant) as ledger:
            program = self._terms.version(instant)
            had = (unit for unit, book in ledger.books.items() if book.lots)  # also if they were dropped
            known = {**program.points, **{unit: self._terms.unit(unit, instant) for unit in had}}
            units = unit_statements(ledger, self._fold(()), known, instant, start)
            value = saved(ledger)
            tiers = progress_of(ledger, instant)
        return Statement(
            self.id, program.name, instant.astimezone(self._terms.zone),
            None if start is None else start.astimezone(self._terms.zone), units, value, self._terms.currency,
            self.next_reward(at=instant), tiers,
        )  # fmt: skip

    def member(self, *, at: When) -> Member:
        """The member as rules see them at that moment."""
        with self._as_of(self._instant(at)) as ledger:
            seen = ledger.member()
            lots = tuple(lot.frozen() for unit in ledger.books for lot in ledger.fresh_book(unit).in_order())
            return evolve(seen, counted=FrozenMap(seen.counted), last=FrozenMap(seen.last), lots=lots)


def _given(to: Account, quote: Quote) -> tuple[str, int]:
    """What a gift is to the other account: the unit, and how many points."""
    return to._unit(quote.grants.get("into", quote.unit)), quote.grants["points"]


def _age(lot: LotState) -> FrozenMap[str, Any]:
    """What a lot keeps when it moves to another account."""
    age: dict[str, Any] = {"earned": lot.earned, "born": lot.born, "of": lot.activity, "facts": lot.facts}
    if lot.available is not None:
        age["available"] = lot.available
    if lot.moment is not None:
        age["moment"] = lot.moment.astimezone(UTC)
    if not lot.ready:
        age["pending_until"] = lot.pending_until
    if lot.extended is not None:
        age["extended"] = lot.extended
    return FrozenMap(age)
