"""Standings: what a member has counted towards tiers, and which tier of each ladder follows from it.

What was counted is kept by the instant at which it happened, so that any window can be asked about at any moment.
A tier is judged when a count has changed, and reviewed when its time is over; what comes of it is an entry of kind
`tier_changed`, and folding those entries is all it takes to know the tiers again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any, Final, cast

from attrs import evolve

from loyaltycore._calendar import add_months, days_on, in_utc
from loyaltycore._exact import EMPTY, Exact, FrozenMap, show, tidy
from loyaltycore._strategy import frozen
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.conditions import Condition
from loyaltycore.entries import Entry
from loyaltycore.errors import RuleError
from loyaltycore.events import is_event
from loyaltycore.instants import end_of, start_of
from loyaltycore.ledger import Ledger
from loyaltycore.periods import Balance, Lifetime, Period, PeriodLike, Rolling, Span, TierTerm
from loyaltycore.records import Seen
from loyaltycore.standing import Change, Floor, Held, Judged, Series, Standing, StandingRecord
from loyaltycore.tiers import (
    Counted,
    Invitation,
    Qualification,
    Tier,
    TierLadder,
    met_by,
    name_of,
    reaches,
    tier_window,
)

_TICK: Final = timedelta.resolution
_FIRST: Final = datetime.min.replace(tzinfo=UTC)


@frozen
class Term:
    """A tier as the subject of the rule for how long it is kept."""

    since: date
    window: Period
    earned: date
    facts: Mapping[str, Any] = EMPTY


class View:
    """Counts as of an instant, as the qualifications of a ladder ask for them."""

    def __init__(
        self, standings: Standings, standing: Standing, ladder: TierLadder, as_of: datetime, proof: datetime | None,
        *, anew: bool = False,
    ) -> None:  # fmt: skip
        self.standings = standings
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
            return self.standings.balance(key)
        series = self.standings.series.get(key)
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
            return self.standings.back(self.as_of, period)
        first = start_of(self.standings.span(period, self.as_of)[0], self.standings.zone)
        begin = max(first, _FIRST + _TICK) - _TICK
        return max(begin, self.proof) if self.anew and self.proof is not None else begin


class Standings:
    """What an account counts towards tiers, and where its member stands in each ladder."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.terms = ledger.terms
        self.zone = ledger.zone
        self.series: dict[str, Series] = {key: Series() for key in self.terms.counted}
        self.units = frozenset(key for key in self.series if self.terms.is_unit(key))
        self.measured = {key: what for key, what in self.terms.counted.items() if key not in self.units}
        self.ladders = {name: Standing(name) for name in self.terms.ladder_names}
        self.balances = frozenset(key for key in self.units if self.terms.counted_as_balance(key))
        self.turns = {name: tuple(at for at in self.terms.changes if self._turns(name, at)) for name in self.ladders}
        """When a later version of the program has another ladder of that name, or none."""
        self.touched: dict[str, datetime] = {}
        """By count, the earliest instant at which it has changed since tiers were judged."""
        self.shifted: set[str] = set()
        """The units of which the balance has changed since."""
        self._latest: tuple[Any, datetime, tuple[tuple[str, ...], FrozenMap[str, str]]] | None = None
        """What is held after the last change, where nothing was granted: it is asked for again and again."""

    def counts(self) -> FrozenMap[str, tuple[tuple[datetime, Exact], ...]]:
        """What was counted, for a snapshot."""
        return FrozenMap({key: tuple(zip(s.instants, s.values, strict=True)) for key, s in self.series.items()})

    def carried(self) -> FrozenMap[str, tuple[tuple[Any, ...], ...]]:
        """What each ladder carried over, for an account that takes this one over; it deducts for itself."""
        return FrozenMap({name: tuple(map(tuple, standing.carried)) for name, standing in self.ladders.items()})

    def take_over(
        self,
        counts: Mapping[str, tuple[tuple[datetime, Exact], ...]],
        carried: Mapping[str, tuple[tuple[Any, ...], ...]],
    ) -> None:
        """Go on with what another account counted and carried over."""
        self.take(counts, ())
        for name, changes in carried.items():
            self.ladders.setdefault(name, Standing(name)).carried += tuple(Change(*change) for change in changes)
        instants = {(key, at) for key, counted in counts.items() for at, _ in counted}
        for key, at in instants | {(key, at) for changes in carried.values() for at, key, _ in changes}:
            self._schedule(key, at)

    def records(self) -> tuple[StandingRecord, ...]:
        """Where the member stands, for a snapshot."""
        return tuple(standing.record() for standing in self.ladders.values())

    def take(
        self, counts: Mapping[str, tuple[tuple[datetime, Exact], ...]], standings: tuple[StandingRecord, ...]
    ) -> None:
        """Go on from what was recorded."""
        for key, counted in counts.items():
            series = self.series.setdefault(key, Series())
            for at, value in counted:
                series.add(at, value)
                self._touch(key, at)
        for record in standings:
            self.ladders.setdefault(record.name, Standing(record.name)).take(record)

    # Counting -------------------------------------------------------------------------------------------------------

    def add(self, key: str, at: datetime, value: Exact) -> None:
        """Count so much at that instant."""
        if value:
            series = self.series[key]
            series.add(at, value)
            if self.ledger._journal is not None:
                self.ledger._journal.append(partial(series.take_out, at, value))
            self._touch(key, at)
            self._schedule(key, at)

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

    def moved(self, entry: Entry) -> None:
        """Points came or went: a balance may have changed."""
        if entry.unit in self.balances:
            self.shifted.add(entry.unit)
        if entry.seq == 1:
            for standing in self.ladders.values():
                self._save(standing)
                standing.turned = entry.posted

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

    # Asking ---------------------------------------------------------------------------------------------------------

    def tiers_at(self, at: datetime, *, strictly: bool = False) -> tuple[tuple[str, ...], FrozenMap[str, str]]:
        """The tiers of the first ladder, and the tier held in each at a moment, or by changes before it alone."""
        ladders = self.terms.version(at).ladders
        if self._latest is not None and self._latest[0] is ladders and at > self._latest[1]:
            return self._latest[2]
        held = {n: self.ladders[n].tier_at(ladder, at, strictly=strictly) for n, ladder in ladders.items()}
        found = next((ladder.names for ladder in ladders.values()), ()), FrozenMap(held)
        changed = max(
            (standing.history[-1][0] for standing in self.ladders.values() if standing.history), default=_FIRST
        )
        if at > changed and not any(standing.floors for standing in self.ladders.values()):
            self._latest = ladders, changed, found
        return found

    def held_through(self, name: str, upto: datetime) -> list[tuple[datetime | None, str]]:
        """The tiers of a ladder one after another, as the versions of their time had them, and when each began."""
        first = self.ladder(name, _FIRST)
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

    def ladder(self, name: str, at: datetime) -> TierLadder | None:
        """The ladder of that name as it was at an instant."""
        found: TierLadder | None = self.terms.version(at).ladders.get(name)
        return found

    # Judging: after counts have changed -----------------------------------------------------------------------------

    def judge(self, now: datetime, id: str = "") -> list[Entry]:
        """Write the tiers that the counts bring now; what they bring in turn may count, too."""
        written: list[Entry] = []
        while self.touched or self.shifted:
            touched, shifted = self.touched, self.shifted
            self.judged()
            for standing in self.ladders.values():
                ladder = self.ladder(standing.name, now)
                if ladder is None:
                    continue
                changed = [touched[key] for key in ladder.counted if key in touched]
                if shifted & ladder.balances:
                    changed.append(now)
                if changed:
                    written += self._judge(standing, ladder, min(changed), now, id)
        return written

    def judged(self) -> None:
        """All that has changed was judged."""
        self.touched, self.shifted = {}, set()

    def judge_after(self, at: datetime) -> bool:
        """Whether an activity is judged in the tier that it reaches itself."""
        return any(ladder.applies == "after" for ladder in self.terms.version(at).ladders.values())

    def members_after(
        self, activity: Activity, at: datetime, members: Mapping[str, Member], awards: Mapping[str, Award]
    ) -> dict[str, Member]:
        """The member in each unit, in the tiers that these awards bring where a ladder applies them after."""
        counts = {key: self._measure(what, activity, at) for key, what in self.measured.items()}
        waits = {unit for unit, points in self.terms.version(at).points.items() if points.pending is not None}
        counts |= {unit: award.points for unit, award in awards.items() if unit in self.units and unit not in waits}
        for key, n in counts.items():
            self.series[key].add(at, n)
        names, held = self.tiers_at(at, strictly=True)
        tiers = dict(held)
        for name, ladder in self.terms.version(at).ladders.items():
            if ladder.applies == "after":
                standing = self.ladders[name]
                raised, _ = self._raised(standing, ladder, standing.held, at, at)
                tiers[name] = max(held[name], raised.tier, key=ladder.index)
        for key, n in counts.items():
            self.series[key].take_out(at, n)
        first = next(iter(tiers.values()))
        return {unit: evolve(m, tier=first, tiers=FrozenMap(tiers), ladder=names) for unit, m in members.items()}

    def _judge(self, standing: Standing, ladder: TierLadder, since: datetime, now: datetime, id: str) -> list[Entry]:
        before = standing.judged
        if before is None or before.at != now:
            before = Judged(now, since, standing.held, standing.deducted)
        was = standing.held, standing.deducted, before.since
        since, held, standing.deducted = min(since, before.since), before.held, before.deducted
        moments = self._moments(standing, ladder, since, now) if ladder.starts == "at_once" else []
        for moment in moments:
            held, standing.deducted = self._raised(standing, ladder, held, moment, now)
        if isinstance(ladder.window, Balance):
            held = self._balanced(standing, ladder, held, now)
        deducted, standing.deducted = standing.deducted, was[1]
        if (held, deducted, since) == was:
            return []
        deducted = deducted[len(before.deducted) :]
        return self._write(standing, ladder, held, now, now, id, judged=since, deducted=deducted)

    def _moments(self, standing: Standing, ladder: TierLadder, since: datetime, now: datetime) -> list[datetime]:
        """The instants to judge as of: now, and where something was learnt late, those since it happened."""
        if since >= now or ladder.balances:
            return [now]
        counted = {at for key in ladder.counted for at in self._counted_in(key, since, now)}
        return sorted({now, *counted, *(at for at, _, _ in standing.carried if since <= at <= now)})

    def _counted_in(self, key: str, since: datetime, now: datetime) -> list[datetime]:
        series = self.series.get(key)
        return [] if series is None else series.between(since, now)

    def _raised(
        self, standing: Standing, ladder: TierLadder, held: Held, as_of: datetime, now: datetime
    ) -> tuple[Held, tuple[Change, ...]]:
        """The tier that was reached as of an instant, if it is higher than what is held and was held then.

        With it comes all that is deducted then.
        """
        as_it_is = held, standing.deducted
        reached, deducted = self._reached(standing, ladder, held, as_of)
        if reached is None:
            return as_it_is
        if as_of < now and self._was_held(standing, ladder, reached, as_of):
            return as_it_is
        until = self._keeps(ladder, reached, self.ledger.day(as_of))
        if until is not None and self._over(ladder, until) <= now:
            return as_it_is
        return Held(reached.name, now, as_of, until), deducted

    @staticmethod
    def _was_held(standing: Standing, ladder: TierLadder, tier: Tier, at: datetime) -> bool:
        """Whether counting had brought it then: what is learnt late does not bring it a second time."""
        return ladder.index(standing.earned_at(at)) >= ladder.index(tier.name)

    def _reached(
        self, standing: Standing, ladder: TierLadder, held: Held, as_of: datetime
    ) -> tuple[Tier | None, tuple[Change, ...]]:
        """The highest tier above the one held whose qualification is met; deductions are made level by level."""
        reached = None
        view = self.view(standing, ladder, as_of, held.proof)
        for tier in ladder.tiers[ladder.index(held.tier or ladder.base) + 1 :]:
            qualification = tier.qualification
            if qualification is not None and qualification.progress(view).met:
                reached = tier
                if tier.deducts:
                    taken = met_by(qualification, view)
                    view.deducted += tuple(Change(as_of, name_of(reach.what), -reach.n) for reach in taken)
        return reached, view.deducted

    def _balanced(self, standing: Standing, ladder: TierLadder, held: Held, now: datetime) -> Held:
        """On a balance every change is a review, unless it is said how long a tier is kept."""
        place = ladder.index(held.tier)
        if place < 0 or held.until is not None or ladder.downgrade == "none":
            return held
        tier = ladder.tiers[place]
        if self._met(standing, ladder, staying_in(tier), now, held.proof):
            return held._replace(grace=None)
        if ladder.grace is not None:
            return held if held.grace is not None else held._replace(grace=self._grace(ladder, self.ledger.day(now)))
        return self._lowered(standing, ladder, held, now, (now,), self.ledger.day(now))

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

    # Reviewing: when a time is over ---------------------------------------------------------------------------------

    def next_due(self) -> tuple[datetime, str] | None:
        """When something about a tier falls due next, and in which ladder; a closed account is not reviewed."""
        if self.ledger.closed:
            return None
        return min(
            ((due, name) for name, standing in self.ladders.items() for due in self._dues(standing)), default=None
        )

    def _dues(self, standing: Standing) -> Iterator[datetime]:
        last = standing.held.until if standing.held.grace is None else standing.held.grace
        if last is not None:
            yield end_of(last, self.zone)
        if standing.boundary is not None:
            yield standing.boundary
        yield from standing.ends()[:1]
        if self.ledger.posted is not None:
            turned = standing.turned
            yield from [at for at in self.turns.get(standing.name, ()) if turned is None or at > turned][:1]

    def _turns(self, name: str, at: datetime) -> bool:
        return self.ladder(name, at) != self.ladder(name, at - _TICK)

    def settle(self, name: str, due: datetime, now: datetime) -> None:
        """Do what falls due about a ladder at one instant; what was counted up to then is what counts."""
        standing = self.ladders[name]
        ladder = self.ladder(name, due - _TICK)
        if ladder is not None:
            self._settle(standing, ladder, due, now)
        else:
            self._save(standing)
            standing.boundary, standing.ended = None, standing.ended + (due in standing.ends())
        if due in self.turns[name] and (standing.turned is None or standing.turned < due):
            self._turn(standing, due, now)

    def _turn(self, standing: Standing, due: datetime, now: datetime) -> None:
        """Another version of the program has another ladder: a tier that it lacks is lost, one it brings begins."""
        old, new = self.ladder(standing.name, due - _TICK), self.ladder(standing.name, due)
        was = "" if old is None else standing.tier_at(old, due - _TICK)
        held, deducted = standing.held, standing.deducted
        if new is None or (held.tier and new.index(held.tier) < 0):
            held = Held("", due, due - _TICK)
        if new is not None and new.starts == "at_once":
            held, deducted = self._raised(standing, new, held, due, now)
        if new is not None and isinstance(new.window, Balance):
            held = self._balanced(standing, new, held, now)
        ladder = cast("TierLadder", new or old)
        self._write(standing, ladder, held, due, now, was=was, turned=True, deducted=deducted[len(standing.deducted) :])

    def _settle(self, standing: Standing, ladder: TierLadder, due: datetime, now: datetime) -> None:
        as_of = due - _TICK
        if due in standing.ends():
            self._end_floor(standing, ladder, due, now)
        if standing.boundary == due:
            self._begin_period(standing, ladder, due, now)
        held = standing.held
        if held.until is None and held.grace is None:
            return
        if held.grace is not None and end_of(held.grace, self.zone) <= due:
            first = due if held.until is None else end_of(held.until, self.zone)
            self._review(standing, ladder, now, due, (as_of, first - _TICK))
        elif held.grace is None and held.until is not None and end_of(held.until, self.zone) <= due:
            self._review(standing, ladder, now, due, (as_of,))

    def _review(
        self, standing: Standing, ladder: TierLadder, now: datetime, due: datetime, moments: tuple[datetime, ...]
    ) -> None:
        """Keep the tier if it is met anew, else let the grace begin, else lower it."""
        held, as_of = standing.held, moments[0]
        place = ladder.index(held.tier)
        last = held.until if held.until is not None and held.grace is None else self.ledger.day(as_of)
        if place >= 0 and ladder.downgrade == "none":
            new = held._replace(until=None, grace=None)
        elif place >= 0 and self._met(standing, ladder, staying_in(ladder.tiers[place]), as_of, held.proof):
            until = self._next_until(ladder, ladder.tiers[place], last, due)
            new = Held(held.tier, held.since, as_of, until)
        elif place >= 0 and ladder.grace is not None and held.grace is None:
            new = held._replace(grace=self._grace(ladder, last))
            if end_of(new.grace or last, self.zone) <= due:
                new = self._lowered(standing, ladder, held, due, moments, last)
        else:
            new = self._lowered(standing, ladder, held, due, moments, held.until or last)
        self._write(standing, ladder, new, due, now)

    def _lowered(
        self, standing: Standing, ladder: TierLadder, held: Held, due: datetime, moments: tuple[datetime, ...],
        last: date,
    ) -> Held:  # fmt: skip
        """The tier below that is left."""
        place = ladder.index(held.tier) - 1
        if ladder.downgrade == "requalify":
            while place >= 0 and not any(
                self._meets(standing, ladder, ladder.tiers[place], at, held.proof) for at in moments
            ):
                place -= 1
        while place >= 0 and isinstance(ladder.tiers[place].qualification, Invitation):
            place -= 1
        if place < 0 or ladder.tiers[place].qualification is None:
            return Held("", due, moments[0])
        tier = ladder.tiers[place]
        return Held(tier.name, due, moments[0], self._next_until(ladder, tier, last, due))

    def _meets(
        self, standing: Standing, ladder: TierLadder, tier: Tier, as_of: datetime, proof: datetime | None
    ) -> bool:
        qualifications = (tier.qualification, tier.renewal)
        return any(q is not None and self._met(standing, ladder, q, as_of, proof) for q in qualifications)

    def _met(
        self, standing: Standing, ladder: TierLadder, qualification: Qualification | None, as_of: datetime, proof: Any
    ) -> bool:
        return qualification is None or qualification.progress(self.view(standing, ladder, as_of, proof, anew=True)).met

    def view(
        self, standing: Standing, ladder: TierLadder, as_of: datetime, proof: datetime | None, *, anew: bool = False
    ) -> View:
        """The counts as of an instant; *anew* are those since the tier was reached or last kept."""
        return View(self, standing, ladder, as_of, proof, anew=anew)

    def _end_floor(self, standing: Standing, ladder: TierLadder, due: datetime, now: datetime) -> None:
        was, tier = standing.tier_at(ladder, due - _TICK), standing.tier_at(ladder, due)
        data = FrozenMap({"ladder": standing.name, "was": was, "tier": tier, "ended": True})
        self.ledger.write("tier_changed", "", now, now, why=("{} was granted until then", was), data=data)

    def _begin_period(self, standing: Standing, ladder: TierLadder, due: datetime, now: datetime) -> None:
        """A period of the window begins: tiers that wait for it, and what is carried over into it."""
        self._save(standing)
        standing.boundary = self._boundary_after(standing, ladder, due)
        as_of, held = due - _TICK, standing.held
        deducted = standing.deducted
        if ladder.starts == "next_period":
            reached, taken = self._reached(standing, ladder, held, as_of)
            if reached is not None and not (due < now and self._was_held(standing, ladder, reached, due)):
                until = self._keeps(ladder, reached, self.ledger.day(due))
                if until is None or self._over(ladder, until) > now:
                    held, deducted = Held(reached.name, due, as_of, until), taken
        carried = self._carried(standing, ladder, held, due, deducted)
        if carried or held != standing.held:
            deducted = deducted[len(standing.deducted) :]
            self._write(standing, ladder, held, due, now, deducted=deducted, carried=carried)

    def _carried(
        self, standing: Standing, ladder: TierLadder, held: Held, due: datetime, deducted: tuple[Change, ...]
    ) -> FrozenMap[str, Exact]:
        """What is carried over into the period that begins, where that is not what it was: things are learnt late."""
        tier = standing.earned_at(due, strictly=True)
        if held.proof is not None and held.proof < due:  # met before, though it may have been learnt since
            tier = max(tier, held.tier, key=ladder.index)
        before = {key: n for at, key, n in standing.carried if at == due}
        surplus = self._surplus(standing, ladder, tier, due - _TICK, deducted)
        return FrozenMap({key: n for key, n in surplus.items() if n != before.get(key, 0)})

    def _surplus(
        self, standing: Standing, ladder: TierLadder, name: str, as_of: datetime, deducted: tuple[Change, ...]
    ) -> dict[str, Exact]:
        """What was counted beyond the qualification of a tier, as far as it is carried over."""
        place = ladder.index(name)
        tier = ladder.tiers[place] if place >= 0 else None
        if tier is None or tier.carry is None:
            return {}
        view = self.view(standing, ladder, as_of, None)
        view.deducted = deducted
        begin = view.begin(ladder.window)
        taken = {(key, -n) for at, key, n in deducted if begin is None or begin < at <= as_of}  # is off the count
        counted = ((r, name_of(r.what)) for r in reaches(tier.qualification) if r.window is None)
        left = {key: view.count(r.what, None) - (0 if (key, r.n) in taken else r.n) for r, key in counted}
        return {key: tidy(max(0, min(tier.carry, more))) for key, more in left.items()}

    # Days -----------------------------------------------------------------------------------------------------------

    def _keeps(self, ladder: TierLadder, tier: Tier, since: date) -> date | None:
        subject = Term(since, ladder.window, since)
        return ladder.keeps_of(tier).falls_on(subject, self.ledger.member())

    def _next_until(self, ladder: TierLadder, tier: Tier, last: date, due: datetime) -> date | None:
        """How long a tier is kept that goes on from another's last day."""
        for since in (last, self.ledger.day(due)):
            until = self._keeps(ladder, tier, since)
            if until is None or end_of(until, self.zone) > due:
                return until
        return None

    def _grace(self, ladder: TierLadder, last: date) -> date | None:
        grace: Any = ladder.grace
        day: date | None = grace.falls_on(Term(last, ladder.window, last), self.ledger.member())
        return day

    def last_day(self, ladder: TierLadder, until: date | None) -> date | None:
        """The last day of a tier that is kept until a day, its grace included."""
        return until if until is None or ladder.grace is None else self._grace(ladder, until)

    def _over(self, ladder: TierLadder, until: date) -> datetime:
        last = self.last_day(ladder, until)
        return datetime.max.replace(tzinfo=UTC) if last is None else end_of(last, self.zone)

    # Writing and folding --------------------------------------------------------------------------------------------

    def _write(
        self, standing: Standing, ladder: TierLadder, held: Held, due: datetime, now: datetime, id: str = "", *,
        judged: datetime | None = None, deducted: tuple[Change, ...] = (), carried: Mapping[str, Exact] = EMPTY,
        was: str | None = None, turned: bool = False,
    ) -> list[Entry]:  # fmt: skip
        was = standing.tier_at(ladder, now) if was is None else was
        trial = [held.tier, ladder.base, *(f.tier for f in standing.floors if f.end is None or now < f.end)]
        tier = max(trial, key=ladder.index)
        data = {
            "ladder": standing.name, "was": was, "tier": tier, "earned": held.tier, "since": held.since,
            "proof": held.proof, "until": held.until, "grace": held.grace, "due": due,
        }  # fmt: skip
        more: dict[str, Any] = {"judged": judged, "deducted": tuple(map(tuple, deducted)), "carried": carried}
        more["turned"] = turned
        data |= {name: value for name, value in more.items() if value}
        why = _why(ladder, was, tier, held, at_once=judged is not None and standing.judged is not None)
        if carried and held == standing.held:
            why = ("carried over: {}", ", ".join(f"{show(n)} {key}" for key, n in carried.items()))
        if turned:
            why = ("the program has changed: {} before, {} now", was or "no tier", tier or "no tier")
        entries = [self.ledger.write("tier_changed", id, now, now, why=why, data=FrozenMap(data))]
        return entries + self.rose(standing.name, ladder, was, tier, now, id)

    def rose(self, name: str, ladder: TierLadder, was: str, tier: str, now: datetime, id: str) -> list[Entry]:
        """What the account's own event brings, if the tier is a higher one than any that was held at this instant."""
        history = self.ladders[name].history
        at_once = history[bisect_left(history, now, key=itemgetter(0)) : -1]
        if ladder.index(tier) <= ladder.index(ladder.highest((was, *(earned for _, _, earned in at_once)))):
            return []
        cause = id or f"{now.isoformat()}"
        facts = {"tier": tier, "was": was, "ladder": name}
        return self.ledger.event("tier_up", f"{cause}/tier_up {tier}", now, now, cause=id, **facts)

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
            ladder = self.ladder(standing.name, due if data.get("turned") else due - _TICK)
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


def _waits(ladder: TierLadder) -> bool:
    """Whether something may begin or be carried over with a period of the window."""
    return ladder.starts == "next_period" or any(tier.carry is not None for tier in ladder.tiers)


def staying_in(tier: Tier) -> Qualification | None:
    """What it takes to stay in a tier."""
    return tier.qualification if tier.renewal is None else tier.renewal


def _why(ladder: TierLadder, was: str, tier: str, held: Held, *, at_once: bool) -> tuple[Any, ...]:
    if held.grace is not None:
        return ("{} is not met anew, and kept in grace until {}", held.tier, held.grace)
    if tier == was:
        return ("{} is kept until {}", tier, held.until) if held.until else ("{} is kept", tier or "no tier")
    if ladder.index(tier) > ladder.index(was):
        return ("{} is reached", tier)
    return ("{} is not reached after all", was) if at_once else ("{} was not met anew", was)


def _rest(activity: Activity, amount: Exact, lines: frozenset[int]) -> Activity:
    """What is left of an activity after a refund."""
    kept = activity.keeping(tuple(line for n, line in enumerate(activity.lines) if n not in lines))
    if not amount or not kept.lines:
        return kept
    left = tidy(kept.amount - amount)
    return kept.scaled("amount", left, kept.amount) if left > 0 else activity.keeping(())
