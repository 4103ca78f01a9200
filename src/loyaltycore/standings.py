"""Standings: which tier of each ladder follows from what a member has counted.

What was counted is in `counting.py`, and what was written of it in `held_tiers.py`. Here a tier is judged when a count
has changed, and reviewed when its time is over; what comes of it is an entry of kind `tier_changed`, and folding those
entries is all it takes to know the tiers again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from operator import itemgetter
from typing import Any, cast

from attrs import evolve

from loyaltycore._exact import EMPTY, Exact, FrozenMap, show, tidy
from loyaltycore._strategy import frozen
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.counting import TICK, View
from loyaltycore.entries import Entry
from loyaltycore.held_tiers import HeldTiers
from loyaltycore.instants import LAST, end_of
from loyaltycore.periods import Balance, Period
from loyaltycore.standing import Change, Held, Judged, Standing
from loyaltycore.tiers import Invitation, Qualification, Tier, TierLadder, met_by, name_of, reaches


@frozen
class Term:
    """A tier as the subject of the rule for how long it is kept."""

    since: date
    window: Period
    earned: date
    facts: Mapping[str, Any] = EMPTY


class Standings(HeldTiers):
    """What an account counts towards tiers, and where its member stands in each ladder."""

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

    def settle(self, name: str, due: datetime, now: datetime) -> None:
        """Do what falls due about a ladder at one instant; what was counted up to then is what counts."""
        standing = self.ladders[name]
        ladder = self.ladder(name, due - TICK)
        if ladder is not None:
            self._settle(standing, ladder, due, now)
        else:
            self._save(standing)
            standing.boundary, standing.ended = None, standing.ended + (due in standing.ends())
        if due in self.turns[name] and (standing.turned is None or standing.turned < due):
            self._turn(standing, due, now)

    def _turn(self, standing: Standing, due: datetime, now: datetime) -> None:
        """Another version of the program has another ladder: a tier that it lacks is lost, one it brings begins."""
        old, new = self.ladder(standing.name, due - TICK), self.ladder(standing.name, due)
        was = "" if old is None else standing.tier_at(old, due - TICK)
        held, deducted = standing.held, standing.deducted
        if new is None or (held.tier and new.index(held.tier) < 0):
            held = Held("", due, due - TICK)
        if new is not None and new.starts == "at_once":
            held, deducted = self._raised(standing, new, held, due, now)
        if new is not None and isinstance(new.window, Balance):
            held = self._balanced(standing, new, held, now)
        ladder = cast("TierLadder", new or old)
        self._write(standing, ladder, held, due, now, was=was, turned=True, deducted=deducted[len(standing.deducted) :])

    def _settle(self, standing: Standing, ladder: TierLadder, due: datetime, now: datetime) -> None:
        as_of = due - TICK
        if due in standing.ends():
            self._end_floor(standing, ladder, due, now)
        if standing.boundary == due:
            self._begin_period(standing, ladder, due, now)
        held = standing.held
        if held.until is None and held.grace is None:
            return
        if held.grace is not None and end_of(held.grace, self.zone) <= due:
            first = due if held.until is None else end_of(held.until, self.zone)
            self._review(standing, ladder, now, due, (as_of, first - TICK))
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
        was, tier = standing.tier_at(ladder, due - TICK), standing.tier_at(ladder, due)
        data = FrozenMap({"ladder": standing.name, "was": was, "tier": tier, "ended": True})
        self.ledger.write("tier_changed", "", now, now, why=("{} was granted until then", was), data=data)

    def _begin_period(self, standing: Standing, ladder: TierLadder, due: datetime, now: datetime) -> None:
        """A period of the window begins: tiers that wait for it, and what is carried over into it."""
        self._save(standing)
        standing.boundary = self._boundary_after(standing, ladder, due)
        as_of, held = due - TICK, standing.held
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
        surplus = self._surplus(standing, ladder, tier, due - TICK, deducted)
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
        return LAST if last is None else end_of(last, self.zone)

    # Writing --------------------------------------------------------------------------------------------------------

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
