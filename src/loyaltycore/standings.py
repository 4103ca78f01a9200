"""Standings: what a member has counted towards tiers, and which tier of each ladder follows from it.

What was counted is kept by the instant at which it happened, so that any window can be asked about at any moment.
A tier is judged when a count has changed, and reviewed when its time is over; what comes of it is an entry of kind
`tier_changed`, and folding those entries is all it takes to know the tiers again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple, cast

from attrs import evolve

from loyaltycore._calendar import add_months, days_on, in_utc
from loyaltycore._exact import EMPTY, Exact, FrozenMap, tidy
from loyaltycore._strategy import Stored, frozen
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.conditions import Condition
from loyaltycore.entries import Entry
from loyaltycore.errors import RuleError
from loyaltycore.events import is_event
from loyaltycore.ledger import Ledger, Seen, end_of, start_of
from loyaltycore.periods import Balance, Lifetime, Period, PeriodLike, Rolling, Span, TierTerm
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


class Series:
    """Numbers by the instant they belong to, added up over any stretch."""

    __slots__ = ("_sums", "instants", "values")

    def __init__(self) -> None:
        self.instants: list[datetime] = []
        self.values: list[Exact] = []
        self._sums: list[Any] = []

    def add(self, at: datetime, value: Exact) -> None:
        """One more, after those of the same instant."""
        place = bisect_right(self.instants, at)
        self.instants.insert(place, at)
        self.values.insert(place, value)
        del self._sums[place:]

    def take_out(self, at: datetime, value: Exact) -> None:
        """One that was added."""
        place = bisect_right(self.instants, at) - 1
        while self.values[place] != value:
            place -= 1
        del self.instants[place], self.values[place], self._sums[place:]

    def total(self, after: datetime | None, upto: datetime) -> Exact:
        """The sum of what came after one instant, up to and with another."""
        if after is not None and after >= upto:
            return 0
        return tidy(self._sum(bisect_right(self.instants, upto)) - self._sum(self._after(after)))

    def between(self, first: datetime, last: datetime) -> list[datetime]:
        """The instants from one to another, both included."""
        return self.instants[bisect_left(self.instants, first) : bisect_right(self.instants, last)]

    def first_from(self, first: datetime) -> datetime | None:
        """The first instant from one on."""
        place = bisect_left(self.instants, first)
        return self.instants[place] if place < len(self.instants) else None

    def _after(self, instant: datetime | None) -> int:
        return 0 if instant is None else bisect_right(self.instants, instant)

    def _sum(self, count: int) -> Any:
        """Of the first so many."""
        sums = self._sums
        while len(sums) < count:
            sums.append((sums[-1] if sums else 0) + self.values[len(sums)])
        return sums[count - 1] if count else 0


class Held(NamedTuple):
    """The tier that counting has brought: since when, by what was counted up to when, and until which day."""

    tier: str = ""
    since: datetime | None = None
    proof: datetime | None = None
    until: date | datetime | None = None
    grace: date | datetime | None = None
    """The last day, once a review at the end of *until* was not passed."""


class Floor(NamedTuple):
    """A tier that was granted: counting may bring a higher one, but no lower."""

    tier: str
    since: datetime
    seq: int
    until: date | None
    end: datetime | None


@frozen
class StandingRecord(Stored):
    """Where a member stands in one ladder, as a snapshot keeps it."""

    _kind = "standing_record"

    name: str
    held: Held
    history: tuple[tuple[datetime, int, str], ...]
    floors: tuple[Floor, ...]
    ended: int
    boundary: datetime | None
    changed: tuple[datetime, datetime] | None
    before: Held
    deducted: tuple[datetime, FrozenMap[str, Exact]]
    carried: tuple[datetime, FrozenMap[str, Exact]]


class Standing:
    """Where a member stands in one ladder."""

    __slots__ = ("before", "boundary", "carried", "changed", "deducted", "ended", "floors", "held", "history", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.held = Held()
        self.history: list[tuple[datetime, int, str]] = []
        """The tiers that counting brought, each with the instant and the number of its entry."""
        self.floors: list[Floor] = []
        self.ended = 0
        """How many ends of floors were written down."""
        self.boundary: datetime | None = None
        """When the next period of the window begins, if anything hangs on it."""
        self.changed: tuple[datetime, datetime] | None = None
        """When counting changed it last, and from which instant on the counts were looked at."""
        self.before = Held()
        """What was held before the instant of the last change: of what happens at once, no order counts."""
        self.deducted: tuple[datetime, Mapping[str, Exact]] = (_FIRST, EMPTY)
        """What was deducted at that instant, and as of when."""
        self.carried: tuple[datetime, Mapping[str, Exact]] = (_FIRST, EMPTY)
        """What was carried over into a period, of the last into which anything was, and when that began."""

    def record(self) -> StandingRecord:
        """All of it, to go on from."""
        return StandingRecord(
            self.name, self.held, tuple(self.history), tuple(self.floors), self.ended, self.boundary, self.changed,
            self.before, (self.deducted[0], FrozenMap(self.deducted[1])),
            (self.carried[0], FrozenMap(self.carried[1])),
        )  # fmt: skip

    def take(self, record: StandingRecord) -> None:
        """Go on from a record."""
        self.held, self.history, self.floors = record.held, list(record.history), list(record.floors)
        self.ended, self.boundary, self.changed = record.ended, record.boundary, record.changed
        self.before, self.deducted, self.carried = record.before, record.deducted, record.carried

    def state(self) -> tuple[Any, ...]:
        """All of it, to go back to."""
        return (self.held, len(self.history), len(self.floors), self.ended, self.boundary, self.changed, self.before,
                self.deducted, self.carried)  # fmt: skip

    def restore(self, state: tuple[Any, ...]) -> None:
        """Go back to what it was."""
        (self.held, events, floors, self.ended, self.boundary, self.changed, self.before, self.deducted,
         self.carried) = state  # fmt: skip
        del self.history[events:], self.floors[floors:]

    def earned_at(self, at: datetime, *, strictly: bool = False) -> str:
        """The tier that counting had brought at a moment, or by changes before it alone."""
        find = bisect_left if strictly else bisect_right
        place = find(self.history, at, key=itemgetter(0))
        return self.history[place - 1][2] if place else ""

    def tier_at(self, ladder: TierLadder, at: datetime, *, strictly: bool = False) -> str:
        """The tier held at a moment, granted or earned; the ladder's lowest if everyone is in it."""
        held = [self.earned_at(at, strictly=strictly), ladder.base]
        for floor in self.floors:
            begun = floor.since < at or (floor.since == at and not strictly)
            if begun and (floor.end is None or at < floor.end):
                held.append(floor.tier)
        return max(held, key=ladder.index)

    def tier_by(self, ladder: TierLadder, seq: int, at: datetime) -> str:
        """The tier held by the entries before one."""
        place = bisect_left(self.history, seq, key=itemgetter(1))
        held = [self.history[place - 1][2] if place else "", ladder.base]
        held += [f.tier for f in self.floors if f.seq < seq and (f.end is None or at < f.end)]
        return max(held, key=ladder.index)

    def held_since(self, ladder: TierLadder, at: datetime) -> datetime | None:
        """When the tier of a moment began; `None` if it was always so."""
        return next((since for since, _ in reversed(self.tenures(ladder, at))), None)

    def tenures(self, ladder: TierLadder, upto: datetime) -> list[tuple[datetime, str]]:
        """The tiers held one after another, each with the instant at which it began."""
        changes = {at for at, _, _ in self.history} | {floor.since for floor in self.floors}
        changes |= {floor.end for floor in self.floors if floor.end is not None}
        found: list[tuple[datetime, str]] = []
        for at in sorted(at for at in changes if at <= upto):
            tier = self.tier_at(ladder, at)
            if tier != (found[-1][1] if found else ladder.base):
                found.append((at, tier))
        return found

    def ends(self) -> list[datetime]:
        """When granted tiers end of which that was not written down yet."""
        return sorted(floor.end for floor in self.floors if floor.end is not None)[self.ended :]


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
        self, standings: Standings, ladder: TierLadder, as_of: datetime, proof: datetime | None, *,
        taken: dict[str, Exact] | None = None, anew: bool = False,
    ) -> None:  # fmt: skip
        self.standings = standings
        self.ladder = ladder
        self.as_of = as_of
        self.proof = proof
        self.taken = taken or {}
        self.anew = anew

    def count(self, what: Counted, window: PeriodLike | None) -> Exact:
        """How much was counted of it over the window; see `Counts`."""
        key = name_of(what)
        period = self.ladder.window if window is None else tier_window(window)
        if isinstance(period, Balance):
            return self.standings.balance(key)
        series = self.standings.series.get(key)
        if series is None:
            raise RuleError(f"{key!r} is not counted; a qualification asks for the same counts whatever they are")
        total = series.total(self._after(period), self.as_of) - self.taken.get(key, 0)
        return tidy(max(0, total))

    def _after(self, period: Period) -> datetime | None:
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
        self.touched: datetime | None = None
        """The earliest instant at which a count has changed since tiers were judged."""
        self._latest: tuple[Any, datetime, tuple[tuple[str, ...], FrozenMap[str, str]]] | None = None
        """What is held after the last change, where nothing was granted: it is asked for again and again."""

    def counts(self) -> FrozenMap[str, tuple[tuple[datetime, Exact], ...]]:
        """What was counted, for a snapshot."""
        return FrozenMap({key: tuple(zip(s.instants, s.values, strict=True)) for key, s in self.series.items()})

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
                self._touch(at)
        for record in standings:
            self.ladders.setdefault(record.name, Standing(record.name)).take(record)

    # Counting -------------------------------------------------------------------------------------------------------

    def add(self, key: str, at: datetime, value: Exact) -> None:
        """Count so much at that instant."""
        if value:
            self._put(key, at, value)
            self._touch(at)
            self._schedule(at)

    def _put(self, key: str, at: datetime, value: Exact) -> None:
        series = self.series[key]
        series.add(at, value)
        if self.ledger._journal is not None:
            self.ledger._journal.append(partial(series.take_out, at, value))

    def _touch(self, at: datetime) -> None:
        if self.touched is None or at < self.touched:
            self.touched = at

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
            self._touch(entry.posted)

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
        changed = max((standing.history[-1][0] for standing in self.ladders.values() if standing.history), default=_FIRST)
        if at > changed and not any(standing.floors for standing in self.ladders.values()):
            self._latest = ladders, changed, found
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
        while self.touched is not None:
            since, self.touched = self.touched, None
            for standing in self.ladders.values():
                ladder = self.ladder(standing.name, now)
                if ladder is not None:
                    written += self._judge(standing, ladder, since, now, id)
        return written

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
                raised = self._raised(standing, ladder, standing.held, at, at, {})
                tiers[name] = max(held[name], raised.tier, key=ladder.index)
        for key, n in counts.items():
            self.series[key].take_out(at, n)
        first = next(iter(tiers.values()))
        return {unit: evolve(m, tier=first, tiers=FrozenMap(tiers), ladder=names) for unit, m in members.items()}

    def _judge(self, standing: Standing, ladder: TierLadder, since: datetime, now: datetime, id: str) -> list[Entry]:
        taken: dict[str, Exact] = {}
        held = standing.held
        if standing.changed is not None and standing.changed[0] == now:
            since = min(since, standing.changed[1])
            held, taken = standing.before, {key: -n for key, n in standing.deducted[1].items()}
        again = dict(taken)
        moments = self._moments(ladder, since, now) if ladder.starts == "at_once" else []
        for moment in moments:
            held = self._raised(standing, ladder, held, moment, now, taken)
        if isinstance(ladder.window, Balance):
            held = self._balanced(ladder, held, now)
        if held == standing.held:
            return []
        deducted = FrozenMap({key: n - again.get(key, 0) for key, n in taken.items() if n - again.get(key, 0)})
        return self._write(standing, ladder, held, now, now, id, judged=since, deducted=deducted)

    def _moments(self, ladder: TierLadder, since: datetime, now: datetime) -> list[datetime]:
        """The instants to judge as of: now, and where something was learnt late, those since it happened."""
        if since >= now or any(key in self.balances for key in ladder.counted):
            return [now]
        return sorted({now, *(at for key in ladder.counted for at in self._counted_in(key, since, now))})

    def _counted_in(self, key: str, since: datetime, now: datetime) -> list[datetime]:
        series = self.series.get(key)
        return [] if series is None else series.between(since, now)

    def _raised(
        self,
        standing: Standing,
        ladder: TierLadder,
        held: Held,
        as_of: datetime,
        now: datetime,
        taken: dict[str, Exact],
    ) -> Held:
        """The tier that was reached as of an instant, if it is higher than what is held and was held then."""
        trial = dict(taken)
        reached = self._reached(ladder, held, as_of, trial)
        if reached is None:
            return held
        if as_of < now and ladder.index(standing.earned_at(as_of)) >= ladder.index(reached.name):
            return held
        until = self._keeps(ladder, reached, self.ledger.day(as_of))
        if until is not None and self._over(ladder, until) <= now:
            return held
        taken.update(trial)
        return Held(reached.name, now, as_of, until)

    def _reached(self, ladder: TierLadder, held: Held, as_of: datetime, taken: dict[str, Exact]) -> Tier | None:
        """The highest tier above the one held whose qualification is met; deductions are made level by level."""
        reached = None
        view = View(self, ladder, as_of, held.proof, taken=taken)
        view.taken = taken
        for tier in ladder.tiers[ladder.index(held.tier or ladder.base) + 1 :]:
            qualification = tier.qualification
            if qualification is not None and qualification.progress(view).met:
                reached = tier
                if tier.deducts:
                    for reach in tuple(met_by(qualification, view)):
                        key = name_of(reach.what)
                        taken[key] = taken.get(key, 0) + reach.n
        return reached

    def _balanced(self, ladder: TierLadder, held: Held, now: datetime) -> Held:
        """On a balance every change is a review, unless it is said how long a tier is kept."""
        place = ladder.index(held.tier)
        if place < 0 or held.until is not None or ladder.downgrade == "none":
            return held
        tier = ladder.tiers[place]
        if self._met(ladder, staying_in(tier), now, held.proof):
            return held._replace(grace=None)
        if ladder.grace is not None:
            return held if held.grace is not None else held._replace(grace=self._grace(ladder, self.ledger.day(now)))
        return self._lowered(ladder, held, now, (now,), self.ledger.day(now))

    def _schedule(self, since: datetime) -> None:
        """Look again when the next period begins, where something may begin or be carried over with it."""
        for standing in self.ladders.values():
            ladder = self.ladder(standing.name, self.ledger.posted or since)
            if ladder is not None and _waits(ladder):
                begins = start_of(self.span(ladder.window, since)[1], self.zone)
                if standing.boundary is None or begins < standing.boundary:
                    self._save(standing)
                    standing.boundary = begins

    def _boundary_after(self, ladder: TierLadder, due: datetime) -> datetime | None:
        """When the next period begins into which anything can come, once one has begun."""
        begun = start_of(self.span(ladder.window, due)[0], self.zone)
        counted = (self.series[key].first_from(begun) for key in ladder.counted)
        first = min((at for at in counted if at is not None), default=None)
        return None if first is None else start_of(self.span(ladder.window, first)[1], self.zone)

    # Reviewing: when a time is over ---------------------------------------------------------------------------------

    def next_due(self) -> tuple[datetime, str] | None:
        """When something about a tier falls due next, and in which ladder."""
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

    def settle(self, name: str, due: datetime, now: datetime) -> None:
        """Do what falls due about a ladder at one instant; what was counted up to then is what counts."""
        standing = self.ladders[name]
        as_of = due - _TICK
        ladder = self.ladder(name, as_of)
        if ladder is None:
            self._save(standing)
            standing.boundary, standing.held = None, Held()
            return
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
        elif place >= 0 and self._met(ladder, staying_in(ladder.tiers[place]), as_of, held.proof):
            until = self._next_until(ladder, ladder.tiers[place], last, due)
            new = Held(held.tier, held.since, as_of, until)
        elif place >= 0 and ladder.grace is not None and held.grace is None:
            new = held._replace(grace=self._grace(ladder, last))
            if end_of(new.grace or last, self.zone) <= due:
                new = self._lowered(ladder, held, due, moments, last)
        else:
            new = self._lowered(ladder, held, due, moments, held.until or last)
        self._write(standing, ladder, new, due, now)

    def _lowered(
        self, ladder: TierLadder, held: Held, due: datetime, moments: tuple[datetime, ...], last: date
    ) -> Held:
        """The tier below that is left."""
        place = ladder.index(held.tier) - 1
        if ladder.downgrade == "requalify":
            while place >= 0 and not any(self._meets(ladder, ladder.tiers[place], at, held.proof) for at in moments):
                place -= 1
        while place >= 0 and isinstance(ladder.tiers[place].qualification, Invitation):
            place -= 1
        if place < 0 or ladder.tiers[place].qualification is None:
            return Held("", due, moments[0])
        tier = ladder.tiers[place]
        return Held(tier.name, due, moments[0], self._next_until(ladder, tier, last, due))

    def _meets(self, ladder: TierLadder, tier: Tier, as_of: datetime, proof: datetime | None) -> bool:
        qualifications = (tier.qualification, tier.renewal)
        return any(q is not None and self._met(ladder, q, as_of, proof) for q in qualifications)

    def _met(self, ladder: TierLadder, qualification: Qualification | None, as_of: datetime, proof: Any) -> bool:
        return qualification is None or qualification.progress(self.view(ladder, as_of, proof, anew=True)).met

    def view(self, ladder: TierLadder, as_of: datetime, proof: datetime | None, *, anew: bool = False) -> View:
        """The counts as of an instant; *anew* are those since the tier was reached or last kept."""
        return View(self, ladder, as_of, proof, anew=anew)

    def _end_floor(self, standing: Standing, ladder: TierLadder, due: datetime, now: datetime) -> None:
        was, tier = standing.tier_at(ladder, due - _TICK), standing.tier_at(ladder, due)
        data = FrozenMap({"ladder": standing.name, "was": was, "tier": tier, "ended": True})
        self.ledger.write("tier_changed", "", now, now, why=("{} was granted until then", was), data=data)

    def _begin_period(self, standing: Standing, ladder: TierLadder, due: datetime, now: datetime) -> None:
        """A period of the window begins: tiers that wait for it, and what is carried over into it."""
        self._save(standing)
        standing.boundary = self._boundary_after(ladder, due)
        as_of, held = due - _TICK, standing.held
        taken: dict[str, Exact] = {}
        if ladder.starts == "next_period":
            reached = self._reached(ladder, held, as_of, taken)
            if reached is not None:
                until = self._keeps(ladder, reached, self.ledger.day(due))
                if until is None or self._over(ladder, until) > now:
                    held = Held(reached.name, due, as_of, until)
        carried = self._carried(standing, ladder, held, due)
        if carried or held != standing.held:
            deducted = FrozenMap(taken) if held != standing.held else EMPTY
            self._write(standing, ladder, held, due, now, deducted=deducted, carried=carried)

    def _carried(self, standing: Standing, ladder: TierLadder, held: Held, due: datetime) -> FrozenMap[str, Exact]:
        """What is carried over into the period that begins, beyond what was; below 0 where a surplus was refunded."""
        tier = standing.earned_at(due, strictly=True)
        if held.proof is not None and held.proof < due:  # met before, though it may have been learnt since
            tier = max(tier, held.tier, key=ladder.index)
        begun, before = standing.carried
        if due < begun:
            return EMPTY
        if due > begun:
            before = EMPTY
        surplus = self._surplus(ladder, tier, due - _TICK)
        return FrozenMap({key: n - before.get(key, 0) for key, n in surplus.items() if n != before.get(key, 0)})

    def _surplus(self, ladder: TierLadder, name: str, as_of: datetime) -> dict[str, Exact]:
        """What was counted beyond the qualification of a tier, as far as it is carried over."""
        place = ladder.index(name)
        tier = ladder.tiers[place] if place >= 0 else None
        if tier is None or tier.carry is None:
            return {}
        view = self.view(ladder, as_of, None)
        return {
            name_of(reach.what): tidy(max(0, min(tier.carry, view.count(reach.what, None) - reach.n)))
            for reach in reaches(tier.qualification)
            if reach.window is None
        }

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
        judged: datetime | None = None, deducted: Mapping[str, Exact] = EMPTY, carried: Mapping[str, Exact] = EMPTY,
    ) -> list[Entry]:  # fmt: skip
        was = standing.tier_at(ladder, now)
        trial = [held.tier, ladder.base, *(f.tier for f in standing.floors if f.end is None or now < f.end)]
        tier = max(trial, key=ladder.index)
        data = {
            "ladder": standing.name, "was": was, "tier": tier, "earned": held.tier, "since": held.since,
            "proof": held.proof, "until": held.until, "grace": held.grace, "due": due,
        }  # fmt: skip
        data |= {name: n for name, n in (("judged", judged), ("deducted", deducted), ("carried", carried)) if n}
        why = _why(ladder, was, tier, held)
        entries = [self.ledger.write("tier_changed", id, now, now, why=why, data=FrozenMap(data))]
        return entries + self.rose(standing.name, ladder, was, tier, now, id)

    def rose(self, name: str, ladder: TierLadder, was: str, tier: str, now: datetime, id: str) -> list[Entry]:
        """What the account's own event brings, if the tier is a higher one."""
        if ladder.index(tier) <= ladder.index(was):
            return []
        event: Callable[..., list[Entry]] | None = getattr(self.ledger, "event", None)
        cause = id or f"{now.isoformat()}"
        facts = {"tier": tier, "was": was} | ({"ladder": name} if name else {})
        return [] if event is None else event("tier_up", f"{cause}/tier_up {tier}", now, now, cause=id, **facts)

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
        judged: datetime | None = data.get("judged")
        if judged is not None and standing.changed is not None and standing.changed[0] == at:
            standing.changed = at, judged
            for key, n in standing.deducted[1].items():
                self._count_back(key, standing.deducted[0], n)
        elif judged is not None:
            standing.before, standing.changed = standing.held, (at, judged)
        else:
            standing.changed = None  # what falls due does so before what happens at the same instant
        standing.deducted = data["proof"] or at, data.get("deducted", EMPTY)
        for key, n in standing.deducted[1].items():
            self._count_back(key, standing.deducted[0], -n)
        standing.held = Held(data["earned"], data["since"], data["proof"], data["until"], data["grace"])
        standing.history.append((at, entry.seq, data["earned"]))
        due, carried = data["due"], data.get("carried", EMPTY)
        if standing.boundary is not None and standing.boundary <= due and judged is None:
            ladder = self.ladder(standing.name, due - _TICK)
            standing.boundary = None if ladder is None or not _waits(ladder) else self._boundary_after(ladder, due)
        if carried:
            before = standing.carried[1] if standing.carried[0] == due else EMPTY
            standing.carried = due, {**before, **{key: n + before.get(key, 0) for key, n in carried.items()}}
        for key, n in carried.items():
            self.add(key, due, n)

    def _count_back(self, key: str, at: datetime, value: Exact) -> None:
        """Change a count for a reason that asks for no judgement of its own."""
        if value:
            self._put(key, at, value)

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


def _why(ladder: TierLadder, was: str, tier: str, held: Held) -> tuple[Any, ...]:
    if held.grace is not None:
        return ("{} is not met anew, and kept in grace until {}", held.tier, held.grace)
    if tier == was:
        return ("{} is kept until {}", tier, held.until) if held.until else ("{} is kept", tier or "no tier")
    if ladder.index(tier) > ladder.index(was):
        return ("{} is reached", tier)
    return ("{} was not met anew", was)


def _rest(activity: Activity, amount: Exact, lines: frozenset[int]) -> Activity:
    """What is left of an activity after a refund."""
    kept = activity.keeping(tuple(line for n, line in enumerate(activity.lines) if n not in lines))
    if not amount or not kept.lines:
        return kept
    left = tidy(kept.amount - amount)
    return kept.scaled("amount", left, kept.amount) if left > 0 else activity.keeping(())
