"""What a member has counted towards tiers, kept by the instant at which it happened.

So any window can be asked about at any moment, and what is learnt late counts when it happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from loyaltycore._calendar import add_months, days_on, in_utc
from loyaltycore._exact import Exact, FrozenMap, tidy
from loyaltycore.activity import Activity
from loyaltycore.conditions import Condition
from loyaltycore.entries import Entry
from loyaltycore.errors import RuleError
from loyaltycore.events import is_event
from loyaltycore.instants import FIRST, start_of
from loyaltycore.ledger import Ledger
from loyaltycore.periods import Balance, Lifetime, Period, PeriodLike, Rolling, Span, TierTerm
from loyaltycore.records import Seen
from loyaltycore.standing import Series, Standing
from loyaltycore.tiers import Counted, TierLadder, name_of, tier_window

TICK: Final = timedelta.resolution


class Counting:
    """What an account counts: units and balances, what is spent, activities, facts and conditions."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.terms = ledger.terms
        self.zone = ledger.zone
        self.series: dict[str, Series] = {key: Series() for key in self.terms.counted}
        self.units = frozenset(key for key in self.series if self.terms.is_unit(key))
        self.measured = {key: what for key, what in self.terms.counted.items() if key not in self.units}
        self.balances = frozenset(key for key in self.units if self.terms.counted_as_balance(key))
        self.touched: dict[str, datetime] = {}
        """By count, the earliest instant at which it has changed since tiers were judged."""
        self.shifted: set[str] = set()
        """The units of which the balance has changed since."""

    def counts(self) -> FrozenMap[str, tuple[tuple[datetime, Exact], ...]]:
        """What was counted, for a snapshot."""
        return FrozenMap({key: tuple(zip(s.instants, s.values, strict=True)) for key, s in self.series.items()})

    def take_counts(self, counts: Mapping[str, tuple[tuple[datetime, Exact], ...]]) -> None:
        """Go on from what was recorded."""
        for key, counted in counts.items():
            series = self.series.setdefault(key, Series())
            for at, value in counted:
                series.add(at, value)
                self._touch(key, at)

    def _counted_in(self, key: str, since: datetime, now: datetime) -> list[datetime]:
        series = self.series.get(key)
        return [] if series is None else series.between(since, now)

    # What happens, and counts ---------------------------------------------------------------------------------------

    def add(self, key: str, at: datetime, value: Exact) -> None:
        """Count so much at that instant."""
        if value:
            series = self.series[key]
            series.add(at, value)
            if self.ledger._journal is not None:
                self.ledger._journal.append(partial(series.take_out, at, value))
            self._touch(key, at)

    def _touch(self, key: str, at: datetime) -> None:
        self.touched[key] = min(at, self.touched.get(key, at))

    def earned(self, entry: Entry, *, first: bool) -> None:
        """An activity was earned for, in one unit."""
        activity: Activity = entry.data["activity"]
        if first and not is_event(entry):
            for key, what in self.measured.items():
                self.add(key, entry.at, self._measure(what, activity, entry.at))
        if entry.unit in self.units and "available" not in entry.data:
            self.add(entry.unit, entry.at, entry.points)

    def activated(self, lot: Any) -> None:
        """Points became available, and count from when they were earned."""
        if lot.unit in self.units:
            seen = self.ledger.seen(lot.activity)
            earned = None if seen is None else seen.units.get(lot.unit)
            if earned is not None and earned.lot == lot.id:
                self.add(lot.unit, self._at(lot.activity), earned.points - earned.reversed)
            else:  # earned in an account that was taken over
                self.add(lot.unit, lot.born, lot.points)

    def reversed(self, entry: Entry, seen: Seen, before: tuple[Exact, frozenset[int]]) -> None:
        """What an activity earned was taken back: so is what it counted, at the instant at which it did."""
        at, earned = self._at(entry.source), seen.units[entry.unit]
        if entry.unit in self.units and (earned.lot is None or self.ledger.lots[earned.lot].ready):
            self.add(entry.unit, at, -entry.data["due"])
        if before == (seen.amount, seen.lines) or seen.event:
            return
        was, rest = _rest(seen.activity, *before), _rest(seen.activity, seen.amount, seen.lines)
        for key, what in self.measured.items():
            self.add(key, at, self._measure(what, rest, at) - self._measure(what, was, at))

    def adjusted(self, entry: Entry) -> None:
        """Points were given or taken by hand."""
        if entry.unit in self.units:
            self.add(entry.unit, entry.at, entry.points)

    def _at(self, activity_id: str) -> datetime:
        return self.ledger.first_of[activity_id].at

    def _measure(self, what: Counted, activity: Activity, at: datetime) -> Exact:
        if not activity.lines:
            return 0
        if isinstance(what, Condition):
            return int(bool(what.select(activity, self.ledger.member_at("", at)).lines))
        if what == "activities":
            return 1
        return activity.measure("amount" if what == "spend" else what)

    def balance(self, unit: str) -> int:
        """What can be spent now, less what is owed."""
        book = self.ledger.book(unit)
        return book.available - book.owed

    # Windows --------------------------------------------------------------------------------------------------------

    def span(self, window: Period, at: datetime) -> tuple[date, date]:
        """The stretch of the window that an instant falls in."""
        return cast("Span", window).span(self.ledger.day(at), self.ledger.member())

    def last_of_period(self, window: Period, at: datetime) -> date:
        """The last day of the stretch of the window that an instant falls in."""
        return self.span(window, at)[1] - timedelta(1)

    def back(self, at: datetime, window: Rolling) -> datetime:
        """The instant so many months or days of civil time before."""
        civil = at.astimezone(self.zone)
        day = days_on(add_months(civil.date(), -window.months), -window.days)
        return in_utc(datetime.combine(day, civil.time(), self.zone).replace(fold=civil.fold))


class View:
    """Counts as of an instant, as the qualifications of a ladder ask for them."""

    def __init__(
        self, counting: Counting, standing: Standing, ladder: TierLadder, as_of: datetime, proof: datetime | None,
        *, anew: bool = False,
    ) -> None:  # fmt: skip
        self.counting = counting
        self.ladder = ladder
        self.as_of = as_of
        self.proof = proof
        self.anew = anew
        self.deducted = standing.deducted
        self.carried = standing.carried

    def count(self, what: Counted, window: PeriodLike | None) -> Exact:
        """How much was counted of it over the window; see `Counts`."""
        key = name_of(what)
        period = self.ladder.window if window is None else tier_window(window)
        if isinstance(period, Balance):
            return self.counting.balance(key)
        series = self.counting.series.get(key)
        if series is None:
            raise RuleError(f"{key!r} is not counted; a qualification asks for the same counts whatever they are")
        after = self.begin(period)
        own = (*self.deducted, *(self.carried if window is None else ()))
        more = sum(n for at, k, n in own if k == key and (after is None or after < at) and at <= self.as_of)
        return tidy(max(0, series.total(after, self.as_of) + more))

    def begin(self, period: Period) -> datetime | None:
        """What the window begins after; nothing for all time."""
        if isinstance(period, Lifetime):
            return None
        if isinstance(period, TierTerm):
            return self.proof
        if isinstance(period, Rolling):
            return self.counting.back(self.as_of, period)
        first = start_of(self.counting.span(period, self.as_of)[0], self.counting.zone)
        begin = max(first, FIRST + TICK) - TICK
        return max(begin, self.proof) if self.anew and self.proof is not None else begin


def _rest(activity: Activity, amount: Exact, lines: frozenset[int]) -> Activity:
    """What is left of an activity after a refund."""
    kept = activity.keeping(tuple(line for n, line in enumerate(activity.lines) if n not in lines))
    if not amount or not kept.lines:
        return kept
    left = tidy(kept.amount - amount)
    return kept.scaled("amount", left, kept.amount) if left > 0 else activity.keeping(())
