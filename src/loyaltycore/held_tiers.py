"""Which tier of each ladder a member is in: a fold over the entries of kind `tier_changed`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from loyaltycore._exact import EMPTY, Exact, FrozenMap
from loyaltycore.counting import TICK, Counting
from loyaltycore.entries import Entry
from loyaltycore.instants import FIRST, end_of, start_of
from loyaltycore.ledger import Ledger
from loyaltycore.standing import Change, Floor, Held, Judged, Standing, StandingRecord
from loyaltycore.tiers import TierLadder


class HeldTiers(Counting):
    """What an account has counted, and the tiers that were written of it."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.ladders = {name: Standing(name) for name in self.terms.ladder_names}
        self.turns = {name: tuple(at for at in self.terms.changes if self._turns(name, at)) for name in self.ladders}
        """When a later version of the program has another ladder of that name, or none."""
        self._latest: tuple[Any, datetime, tuple[tuple[str, ...], FrozenMap[str, str]]] | None = None
        """What is held after the last change, where nothing was granted: it is asked for again and again."""

    def _turns(self, name: str, at: datetime) -> bool:
        return self.ladder(name, at) != self.ladder(name, at - TICK)

    def ladder(self, name: str, at: datetime) -> TierLadder | None:
        """The ladder of that name as it was at an instant."""
        found: TierLadder | None = self.terms.version(at).ladders.get(name)
        return found

    # Asking ---------------------------------------------------------------------------------------------------------

    def tiers_at(self, at: datetime, *, strictly: bool = False) -> tuple[tuple[str, ...], FrozenMap[str, str]]:
        """The tiers of the first ladder, and the tier held in each at a moment, or by changes before it alone."""
        ladders = self.terms.version(at).ladders
        if self._latest is not None and self._latest[0] is ladders and at > self._latest[1]:
            return self._latest[2]
        held = {n: self.ladders[n].tier_at(ladder, at, strictly=strictly) for n, ladder in ladders.items()}
        found = next((ladder.names for ladder in ladders.values()), ()), FrozenMap(held)
        changed = max(
            (standing.history[-1][0] for standing in self.ladders.values() if standing.history), default=FIRST
        )
        if at > changed and not any(standing.floors for standing in self.ladders.values()):
            self._latest = ladders, changed, found
        return found

    def held_through(self, name: str, upto: datetime) -> list[tuple[datetime | None, str]]:
        """The tiers of a ladder one after another, as the versions of their time had them, and when each began."""
        first = self.ladder(name, FIRST)
        found: list[tuple[datetime | None, str]] = [(None, "" if first is None else first.base)]
        for at in sorted(at for at in {*self.ladders[name].edges(), *self.terms.changes} if at <= upto):
            ladder = self.ladder(name, at)
            tier = "" if ladder is None else self.ladders[name].tier_at(ladder, at)
            if tier != found[-1][1]:
                found.append((at.astimezone(self.zone), tier))
        return found

    def tier_by(self, entry: Entry, *, after: bool = False) -> str:
        """The tier in the first ladder by the entries before one, or with it."""
        name, ladder = next(iter(self.terms.version(entry.posted).ladders.items()), ("", None))
        if ladder is None:
            return ""
        return self.ladders[name].tier_by(ladder, entry.seq + after, entry.posted)

    # Going on from what was recorded --------------------------------------------------------------------------------

    def records(self) -> tuple[StandingRecord, ...]:
        """Where the member stands, for a snapshot."""
        return tuple(standing.record() for standing in self.ladders.values())

    def carried(self) -> FrozenMap[str, tuple[tuple[Any, ...], ...]]:
        """What each ladder carried over, for an account that takes this one over; it deducts for itself."""
        return FrozenMap({name: tuple(map(tuple, standing.carried)) for name, standing in self.ladders.items()})

    def take(
        self, counts: Mapping[str, tuple[tuple[datetime, Exact], ...]], standings: tuple[StandingRecord, ...]
    ) -> None:
        """Go on from what was recorded."""
        self.take_counts(counts)
        for record in standings:
            self.ladders.setdefault(record.name, Standing(record.name)).take(record)

    def take_over(
        self,
        counts: Mapping[str, tuple[tuple[datetime, Exact], ...]],
        carried: Mapping[str, tuple[tuple[Any, ...], ...]],
    ) -> None:
        """Go on with what another account counted and carried over."""
        self.take_counts(counts)
        for name, changes in carried.items():
            self.ladders.setdefault(name, Standing(name)).carried += tuple(Change(*change) for change in changes)
        instants = {(key, at) for key, counted in counts.items() for at, _ in counted}
        for key, at in instants | {(key, at) for changes in carried.values() for at, key, _ in changes}:
            self._schedule(key, at)

    # Folding --------------------------------------------------------------------------------------------------------

    def changed(self, entry: Entry) -> None:
        """Fold in a change of tier; whoever depends on it is asked anew once it is there."""
        self._fold(entry)
        self.ledger.tiers_changed()

    def _fold(self, entry: Entry) -> None:
        data = entry.data
        standing = self.ladders.setdefault(data["ladder"], Standing(data["ladder"]))
        self._save(standing)
        if data.get("ended"):
            standing.ended += 1
            return
        if "floor" in data:
            until = data["until"]
            end = None if until is None else end_of(until, self.zone)
            standing.floors.append(Floor(data["floor"], entry.at, entry.seq, until, end))
            return
        at = entry.at
        deducted = tuple(Change(*change) for change in data.get("deducted", ()))
        judged: datetime | None = data.get("judged")
        if judged is not None:
            before = standing.judged
            if before is None or before.at != at:
                before = Judged(at, judged, standing.held, standing.deducted)
            standing.judged = before._replace(since=judged)
            standing.deducted = before.deducted
        else:
            standing.judged = None  # what falls due does so before what happens at the same instant
        standing.deducted += deducted
        standing.held = Held(data["earned"], data["since"], data["proof"], data["until"], data["grace"])
        standing.history.append((at, entry.seq, data["earned"]))
        due, carried = data["due"], data.get("carried", EMPTY)
        standing.carried = (
            *(change for change in standing.carried if change.at != due or change.key not in carried),
            *(Change(due, key, n) for key, n in carried.items()),
        )
        for key in carried:
            self._touch(key, due)
        if data.get("turned"):
            standing.turned = due
            standing.boundary = None
        if (standing.boundary is None or standing.boundary <= due) and judged is None:
            ladder = self.ladder(standing.name, due if data.get("turned") else due - TICK)
            standing.boundary = (
                None if ladder is None or not _waits(ladder) else self._boundary_after(standing, ladder, due)
            )

    def _save(self, standing: Standing) -> None:
        self._latest = None
        if self.ledger._journal is not None:
            self.ledger._journal.append(partial(self._go_back, standing, standing.state()))

    def _go_back(self, standing: Standing, state: tuple[Any, ...]) -> None:
        self._latest = None
        standing.restore(state)

    def moved(self, entry: Entry) -> None:
        """Points came or went: a balance may have changed."""
        if entry.unit in self.balances:
            self.shifted.add(entry.unit)
        if entry.seq == 1:
            for standing in self.ladders.values():
                self._save(standing)
                standing.turned = entry.posted

    # When the next period of a window begins ------------------------------------------------------------------------

    def add(self, key: str, at: datetime, value: Exact) -> None:
        """Count so much at that instant, and look again when the period is over in which it is."""
        super().add(key, at, value)
        if value:
            self._schedule(key, at)

    def _schedule(self, key: str, since: datetime) -> None:
        """Look again when the next period begins, where something may begin or be carried over with it."""
        for standing in self.ladders.values():
            ladder = self.ladder(standing.name, self.ledger.posted or since)
            if ladder is not None and _waits(ladder) and key in ladder.counted:
                begins = start_of(self.span(ladder.window, since)[1], self.zone)
                if standing.boundary is None or begins < standing.boundary:
                    self._save(standing)
                    standing.boundary = begins

    def _boundary_after(self, standing: Standing, ladder: TierLadder, due: datetime) -> datetime | None:
        """When the next period begins into which anything can come, once one has begun."""
        begun = start_of(self.span(ladder.window, due)[0], self.zone)
        counted = [self.series[key].first_from(begun) for key in ladder.counted]
        counted += [at for at, _, _ in standing.carried if at >= begun]
        first = min((at for at in counted if at is not None), default=None)
        return None if first is None else start_of(self.span(ladder.window, first)[1], self.zone)


def _waits(ladder: TierLadder) -> bool:
    """Whether something may begin or be carried over with a period of the window."""
    return ladder.starts == "next_period" or any(tier.carry is not None for tier in ladder.tiers)
