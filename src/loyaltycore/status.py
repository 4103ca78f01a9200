"""Status: the tier a member holds, how far the next one is, and what the tier brings."""

from __future__ import annotations

from datetime import date, datetime
from html import escape
from typing import Any, cast

from attrs import evolve, field

from loyaltycore._calendar import civil_date, show_moment
from loyaltycore._exact import FrozenMap, whole
from loyaltycore._strategy import Stored, frozen, text
from loyaltycore.activity import Activity, CounterKey
from loyaltycore.desk import Desk, When, verb
from loyaltycore.entries import Entry, call_data
from loyaltycore.errors import RuleError
from loyaltycore.instants import end_of
from loyaltycore.ledger import Ledger
from loyaltycore.periods import Balance, Lifetime, Span
from loyaltycore.redemption import Refusal
from loyaltycore.standing import Standing
from loyaltycore.standings import Standings, Term, staying_in
from loyaltycore.tiers import Benefit, Choice, Invitation, Progress, Qualification, Tier, TierLadder, reaches


@frozen
class TierHeld(Stored):
    """A tier that was held: *since* and *until* are civil moments, the latter the first at which it was over."""

    _kind = "tier_held"

    tier: str
    since: datetime | None = None
    until: datetime | None = None
    ladder: str = field(default="", kw_only=True)

    def __str__(self) -> str:
        since = "the beginning" if self.since is None else show_moment(self.since.replace(tzinfo=None))
        until = "" if self.until is None else f" until {show_moment(self.until.replace(tzinfo=None))}"
        return f"{self.tier or 'no tier'} since {since}{until}"


@frozen
class TierProgress(Stored):
    """Where a member stands in a ladder: the tier held, what the next one takes, and what it takes to stay.

    *until* is the last day of the tier, any grace included; `None` if nothing ends it, as where no tier is ever lost.
    *to_next* is what is missing to *next*, and *by* the last day on which all that there is still counts, if a period
    of its windows ends then. *to_stay* is what must have been met on the day *stay_by*, when the tier is reviewed.
    """

    _kind = "tier_progress"

    tier: str = ""
    since: date | None = None
    until: date | None = None
    next: str = ""
    to_next: Progress | None = None
    by: date | None = None
    to_stay: Progress | None = None
    stay_by: date | None = None
    ladder: str = field(default="", kw_only=True)

    def __str__(self) -> str:
        lines = [(self.tier or "no tier") + (f" until {self.until}" if self.until else "")]
        if self.to_next is not None:
            lines.append(f"{self.next}: {self.to_next}{_by(self.by)}")
        if self.to_stay is not None:
            lines.append(f"to stay {self.tier}: {self.to_stay}{_by(self.stay_by)}")
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        return "<p>" + escape(str(self)).replace("\n", "<br>") + "</p>"


def _by(day: date | None) -> str:
    return "" if day is None else f", by {day}"


@frozen
class BenefitHeld(Stored):
    """A benefit of the tier held: how many are left of a number, what was chosen of a choice.

    *left* is `None` where it can be used freely. *chosen* is the option taken, the default once the deadline *by* is
    over; empty as long as the choice is open, and for what is no choice.
    """

    _kind = "benefit_held"

    name: str
    tier: str
    used: int = 0
    left: int | None = None
    options: tuple[str, ...] = ()
    chosen: str = ""
    by: date | None = None

    def __str__(self) -> str:
        if self.options:
            return f"{self.name}: {self.chosen or 'choose ' + ' or '.join(self.options) + _by(self.by)}"
        return self.name if self.left is None else f"{self.name}: {self.left} left"


@frozen
class BenefitUse(Stored):
    """What came of using a benefit or of choosing one: the entries, or the refusal that says why not."""

    _kind = "benefit_use"

    id: str
    benefit: str
    refusal: Refusal | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it was granted."""
        return self.refusal is None

    def __str__(self) -> str:
        return self.benefit if self.refusal is None else f"{self.benefit}: {self.refusal}"


class Status(Desk):
    """The part of an account that knows tiers."""

    # Tiers ----------------------------------------------------------------------------------------------------------

    @verb
    def grant_tier(
        self, name: str, *, at: When, until: date | str | None = None, id: str, ladder: str = "",
        posted: When | None = None,
    ) -> tuple[Entry, ...]:  # fmt: skip
        """Give a tier by hand, or by invitation: a floor until the last day *until*, or without an end.

        Counting may bring a higher tier meanwhile, and goes on as if nothing had been given.
        """
        text(name, "name")
        last = None if until is None else civil_date(until, "until")
        content = {"tier": name, "until": last, "ladder": ladder}
        done, at, posted_at = self._start(id, at, posted, "grant_tier", **content)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        where, steps = self._ladder(ladder, at)
        if steps.index(name) < 0:
            raise RuleError(f"name: {name!r} is no tier of {where!r}; it has {', '.join(map(repr, steps.names))}")
        if last is not None and end_of(last, self._terms.zone) <= at:
            raise RuleError(f"until: {last} is over already; give a day that is still to come, or none")
        ledger = self._ledger
        ledger.advance(posted_at)
        standings = cast("Standings", ledger.standings)
        standing = standings.ladders[where]
        was = standing.tier_at(steps, posted_at)
        call = call_data("grant_tier", at=at, **content)
        data = FrozenMap({"call": call, "ladder": where, "floor": name, "until": last, "was": was})
        entries = [ledger.write("tier_changed", id, at, posted_at, why=("{} is granted", name), data=data)]
        entries += standings.rose(where, steps, was, standing.tier_at(steps, posted_at), posted_at, id)
        return self._finish(id, entries, at, posted_at, call)

    def tier(self, *, at: When, ladder: str = "") -> str:
        """The name of the tier held at that moment; empty if it is none."""
        instant = self._instant(at)
        where, steps = self._ladder(ladder, instant)
        with self._as_of(instant) as ledger:
            return _standing(ledger, where).tier_at(steps, instant)

    @property
    def tiers_held(self) -> tuple[TierHeld, ...]:
        """The tiers held one after another, in each ladder, as the entries tell them so far."""
        ledger = self._ledger
        if ledger.standings is None or ledger.posted is None:
            return ()
        found: list[TierHeld] = []
        for name in self._terms.ladder_names:
            begun = ledger.standings.held_through(name, ledger.posted)
            ends = [since for since, _ in begun[1:]] + [None]
            found += [TierHeld(t, s, e, ladder=name) for (s, t), e in zip(begun, ends, strict=True) if t]
        return tuple(found)

    def tier_progress(self, *, at: When, ladder: str = "") -> TierProgress:
        """The tier held, what is missing to the next one and by when, and what it takes to stay."""
        instant = self._instant(at)
        where, steps = self._ladder(ladder, instant)
        with self._as_of(instant) as ledger:
            return _progress(ledger, where, steps, instant)

    def _ladder(self, ladder: str, at: datetime) -> tuple[str, TierLadder]:
        """A ladder by its name, the first if none is given."""
        ladders = self._terms.version(at).ladders
        if not ladders:
            raise RuleError(f"{self._terms.name}: it has no tiers; give the program tiers=TierLadder(...)")
        name = ladder or next(iter(ladders))
        if name not in ladders:
            raise RuleError(f"ladder: {name!r} is no ladder; there is {', '.join(map(repr, ladders))}")
        return name, ladders[name]

    # Benefits -------------------------------------------------------------------------------------------------------

    def benefits(self, *, at: When) -> FrozenMap[str, BenefitHeld]:
        """What the tiers held at that moment bring, by name."""
        instant = self._instant(at)
        with self._as_of(instant) as ledger:
            return FrozenMap(
                (benefit.name, self._benefit(ledger, benefit, tier, since, instant))
                for benefit, tier, since in self._brought(ledger, instant)
            )

    def _brought(self, ledger: Ledger, at: datetime) -> list[tuple[Benefit | Choice, Tier, datetime | None]]:
        found: dict[str, tuple[Benefit | Choice, Tier, datetime | None]] = {}
        for name, steps in self._terms.version(at).ladders.items():
            standing = _standing(ledger, name)
            place = steps.index(standing.tier_at(steps, at))
            if place < 0:
                continue
            for given in steps.tiers[place].benefits:
                benefit = Benefit(given) if isinstance(given, str) else given
                found.setdefault(benefit.name, (benefit, steps.tiers[place], standing.held_since(steps, at)))
        return list(found.values())

    def _benefit(
        self, ledger: Ledger, benefit: Benefit | Choice, tier: Tier, since: datetime | None, at: datetime
    ) -> BenefitHeld:
        if isinstance(benefit, Choice):
            begun = ledger.day(at if since is None else since)
            by = None if benefit.within is None else benefit.within.falls_on(
                Term(begun, Lifetime(), begun), ledger.member()
            )  # fmt: skip
            chosen = next((o for o in benefit.options if ledger.counted.get(_chosen(benefit, o, since))), "")
            over = by is not None and end_of(by, self._terms.zone) <= at
            return BenefitHeld(
                benefit.name, tier.name, options=benefit.options, chosen=chosen or (benefit.default if over else ""),
                by=by,
            )  # fmt: skip
        used = int(ledger.counted.get(self._uses(ledger, benefit, at), 0))
        left = None if benefit.quantity is None else max(0, benefit.quantity - used)
        return BenefitHeld(benefit.name, tier.name, used, left)

    def _uses(self, ledger: Ledger, benefit: Benefit, at: datetime) -> CounterKey:
        """The counter of the uses of a benefit in a period."""
        day = Activity.action("use", at=at.astimezone(self._terms.zone))
        return CounterKey("", benefit.name, "uses", benefit.per.key(day, ledger.member()))

    @verb
    def use(self, benefit: str, *, id: str, at: When, quantity: int = 1, posted: When | None = None) -> BenefitUse:
        """Use a benefit of the tier held, so many times. A refused use raises nothing and writes nothing."""
        count = whole(quantity, "quantity", at_least=1)
        content = {"benefit": text(benefit, "benefit"), "quantity": count}
        done, at, posted_at = self._start(id, at, posted, "use", **content)
        if done is not None:
            return BenefitUse(id, benefit, entries=done)
        ledger = self._ledger
        with ledger.upto(posted_at):
            found = next((held for held in self._brought(ledger, at) if held[0].name == benefit), None)
            if found is None or not isinstance(found[0], Benefit):
                return BenefitUse(id, benefit, Refusal("not_eligible", f"the tier held does not bring {benefit!r}"))
            held = self._benefit(ledger, *found, at)
            if held.left is not None and held.left < count:
                numbers = FrozenMap({"left": held.left, "quantity": found[0].quantity})
                return BenefitUse(
                    id, benefit, Refusal("limit_reached", f"{held.left} of {found[0].quantity} left", numbers)
                )
            ledger.keep()
        counts = FrozenMap({self._uses(ledger, found[0], at): count})
        return self._counted(id, benefit, at, posted_at, call_data("use", at=at, **content), counts)

    @verb
    def choose(self, choice: str, option: str, *, id: str, at: When, posted: When | None = None) -> BenefitUse:
        """Choose one of a benefit's options, once while the tier is held and before its deadline is over."""
        content = {"choice": text(choice, "choice"), "option": text(option, "option")}
        done, at, posted_at = self._start(id, at, posted, "choose", **content)
        if done is not None:
            return BenefitUse(id, choice, entries=done)
        ledger = self._ledger
        with ledger.upto(posted_at):
            found = next((held for held in self._brought(ledger, at) if held[0].name == choice), None)
            if found is None or not isinstance(found[0], Choice):
                return BenefitUse(id, choice, Refusal("not_eligible", f"the tier held does not bring {choice!r}"))
            if option not in found[0].options:
                raise RuleError(f"option: {option!r} is none of {', '.join(map(repr, found[0].options))}; give one")
            held = self._benefit(ledger, *found, at)
            if held.chosen:
                return BenefitUse(id, choice, Refusal("limit_reached", f"{held.chosen!r} was chosen"))
            if held.by is not None and end_of(held.by, self._terms.zone) <= at:
                return BenefitUse(id, choice, Refusal("not_eligible", f"the last day to choose was {held.by}"))
            ledger.keep()
        counts = FrozenMap({_chosen(found[0], option, found[2]): 1})
        return self._counted(id, choice, at, posted_at, call_data("choose", at=at, **content), counts)

    def _counted(self, id: str, name: str, at: datetime, posted: datetime, call: Any, counts: Any) -> BenefitUse:
        data = FrozenMap({"call": call, "counts": counts})
        entry = self._ledger.write("noted", id, at, posted, why=name, data=data)
        return BenefitUse(id, name, entries=self._finish(id, [entry], at, posted, call))


def _chosen(choice: Choice, option: str, since: datetime | None) -> CounterKey:
    return CounterKey("", choice.name, f"chose {option}", "ever" if since is None else since.isoformat())


def _standing(ledger: Ledger, name: str) -> Standing:
    return cast("Standings", ledger.standings).ladders[name]


def progress_of(ledger: Ledger, at: datetime) -> tuple[TierProgress, ...]:
    """Where the member stands in each ladder."""
    ladders = ledger.terms.version(at).ladders
    return tuple(_progress(ledger, name, ladder, at) for name, ladder in ladders.items())


def _progress(ledger: Ledger, name: str, ladder: TierLadder, at: datetime) -> TierProgress:
    standings = cast("Standings", ledger.standings)
    standing = standings.ladders[name]
    tier = standing.tier_at(ladder, at)
    since = standing.held_since(ladder, at)
    held = standing.held
    earned = held.tier == tier
    ends = [f.until for f in standing.floors if f.tier == tier and (f.end is None or at < f.end)]
    if earned and tier:
        ends.append(_last_day(standings, ladder, standing))
    until = None if None in ends else max((day for day in ends if day), default=None)
    following = _next(ladder, tier)
    to_next, by = None, None
    if following is not None and following.qualification is not None:
        by = _counts_until(following.qualification, ladder, standings, at)
        to_next = _in_places(following.qualification.progress(standings.view(standing, ladder, at, held.proof)), ledger)
    to_stay, stay_by = None, None
    place = ladder.index(held.tier)
    if earned and place >= 0 and held.until is not None and ladder.downgrade != "none":
        stay_by = held.until if held.grace is None else held.grace
        staying = staying_in(ladder.tiers[place])
        if staying is not None:
            as_of = end_of(stay_by, ledger.zone) - datetime.resolution
            to_stay = _in_places(
                staying.progress(standings.view(standing, ladder, as_of, held.proof, anew=True)), ledger
            )
    return TierProgress(
        tier, None if since is None else ledger.day(since), until, "" if following is None else following.name, to_next,
        by, to_stay, stay_by, ladder=name,
    )  # fmt: skip


def promised(ledger: Ledger, name: str, at: datetime) -> tuple[tuple[str, date | None], ...]:
    """The tiers that a member has in a ladder, granted or counted, each with its last day; the highest first.

    A tier that follows the balance is no promise: it goes with the points.
    """
    ladder = ledger.terms.version(at).ladders[name]
    standings = cast("Standings", ledger.standings)
    standing = standings.ladders[name]
    found = [(floor.tier, floor.until) for floor in standing.floors if floor.end is None or at < floor.end]
    held = standing.held
    if not (isinstance(ladder.window, Balance) and held.until is None and ladder.downgrade != "none"):
        found.append((held.tier, _last_day(standings, ladder, standing)))
    known = [(tier, until) for tier, until in found if ladder.index(tier) >= 0]
    return tuple(sorted(known, key=lambda pair: ladder.index(pair[0]), reverse=True))


def brings_more(ladder: TierLadder, tier: str, until: date | None, than: tuple[tuple[str, date | None], ...]) -> bool:
    """Whether a tier until a day is higher than each of these, or is kept for longer."""
    place = ladder.index(tier)
    return place >= 0 and not any(
        ladder.index(t) >= place and (last is None or (until is not None and last >= until)) for t, last in than
    )


def _in_places(progress: Progress, ledger: Ledger) -> Progress:
    """The progress, with the digits that its units show after the point."""
    places = ledger.terms.unit(progress.what).places if ledger.terms.is_unit(progress.what) else 0
    parts = tuple(_in_places(part, ledger) for part in progress.parts)
    return evolve(progress, parts=parts, places=places) if places or parts else progress


def _last_day(standings: Standings, ladder: TierLadder, standing: Standing) -> date | None:
    held = standing.held
    if held.grace is not None or ladder.downgrade == "none":
        return held.grace
    return standings.last_day(ladder, held.until)


def _counts_until(qualification: Qualification, ladder: TierLadder, standings: Standings, at: datetime) -> date | None:
    """The last day on which all that was counted still counts, if a period ends with it."""
    own = [reach.window for reach in reaches(qualification)] or [None]
    windows = {ladder.window if window is None else window for window in own}
    return min((standings.last_of_period(w, at) for w in windows if isinstance(w, Span)), default=None)


def _next(ladder: TierLadder, tier: str) -> Tier | None:
    """The next tier that can be reached by counting."""
    above = ladder.tiers[ladder.index(tier) + 1 :]
    return next((t for t in above if t.qualification is not None and not isinstance(t.qualification, Invitation)), None)
