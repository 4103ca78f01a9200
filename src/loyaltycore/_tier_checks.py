"""What is checked of the tiers of a program, and of what names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from loyaltycore._exact import Exact, show
from loyaltycore._strategy import walk
from loyaltycore.conditions import AtLeastTier, Fact, Has, InTier
from loyaltycore.earning import Within
from loyaltycore.earning_rules import PerStep, PerUnit
from loyaltycore.factors import ByFact, ByTier
from loyaltycore.periods import Balance, Each, Period, TierTerm
from loyaltycore.problems import ERROR, MANY, Check, Problem, Seen, listed
from loyaltycore.redemption_options import AwardChart
from loyaltycore.tables import Band, Table
from loyaltycore.tiers import AllOf, AnyOf, Qualification, Reach, Tier, TierLadder


def _ladders(seen: Seen) -> Iterator[tuple[str, TierLadder]]:
    return ((place, value) for place, value in seen.parts if isinstance(value, TierLadder))


def _tiers_are_known(seen: Seen) -> Iterator[Problem]:
    """Tiers that are named are the program's; where it has no ladder they are the application's."""
    ladders = [ladder.names for _, ladder in _ladders(seen)]
    if not ladders:
        return
    first, every = ladders[0], [name for names in ladders for name in names]
    for place, value in seen.parts:
        if isinstance(value, InTier):
            yield from _unknown_tiers(f"{place}.tiers", value.tiers, every, "of the program")
        elif isinstance(value, ByTier):
            yield from _unknown_tiers(f"{place}.factors", value.factors, first, "of the program's first ladder")
        elif isinstance(value, AtLeastTier):
            yield from _unknown_tiers(f"{place}.tier", (value.tier,), first, "of the program's first ladder")


def _unknown_tiers(place: str, names: Iterable[str], known: Sequence[str], whose: str) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(place, f"{name!r} is no tier {whose}; it has {listed(known)}", ERROR)


def _every_tier_is_reached(seen: Seen) -> Iterator[Problem]:
    """No tier is passed over because what it takes always brings a higher one."""
    for place, ladder in _ladders(seen):
        for i, tier in enumerate(ladder.tiers):
            above = ladder.tiers[i + 1 : i + 1 + MANY]
            higher = next((other for other in above if _brings(tier, other, ladder)), None)
            if higher is not None:
                text = (
                    f"{tier.name!r} is never reached: whoever meets {tier.qualification!r} also meets that of"
                    f" {higher.name!r}, {higher.qualification!r}; list the tiers from the lowest up, or let"
                    f" {higher.name!r} take more"
                )
                yield Problem(f"{place}.tiers[{i}].qualification", text)


def _brings(tier: Tier, higher: Tier, ladder: TierLadder) -> bool:
    """Whether whoever qualifies for a tier qualifies for a higher one in the same moment."""
    mine, other = tier.qualification, higher.qualification
    if mine is None or other is None or tier.deducts:  # what is deducted no longer counts for the next
        return False
    return _implies(mine, other, ladder.window)


def _implies(this: Qualification, other: Qualification, window: Period) -> bool:
    if isinstance(this, Reach) and isinstance(other, Reach):
        mine, theirs = _window(this, window), _window(other, window)
        # in one term a tier is reached after the other, so the same count is not the same points
        return this.what == other.what and this.n >= other.n and mine == theirs != TierTerm()
    if isinstance(this, AnyOf):
        return all(_implies(part, other, window) for part in this.qualifications)
    if isinstance(other, AllOf):
        return all(_implies(this, part, window) for part in other.qualifications)
    if isinstance(this, AllOf) and any(_implies(part, other, window) for part in this.qualifications):
        return True
    return isinstance(other, AnyOf) and any(_implies(this, part, window) for part in other.qualifications)


def _window(reach: Reach, usual: Period) -> Period:
    return usual if reach.window is None else reach.window


def _reaches(seen: Seen) -> Iterator[tuple[str, str, Exact, Period]]:
    """What the tiers count by a name: the place, the name, how much is needed, and the window."""
    for root, ladder in _ladders(seen):
        for place, value in walk(ladder, root):
            if isinstance(value, Reach) and isinstance(value.what, str):
                yield place, value.what, value.n, _window(value, ladder.window)


def _what_tiers_count_is_earned(seen: Seen) -> Iterator[Problem]:
    """A unit that a tier counts is earned."""
    for place, what, _, _ in _reaches(seen):
        if what in seen.empty:
            text = f"{what!r} is never reached: nothing earns it; let a rule earn it, or convert into it"
            yield Problem(f"{place}.what", text)


def _balances_can_be_reached(seen: Seen) -> Iterator[Problem]:
    """A balance that a tier looks at is of a unit, and an account can have as much."""
    for place, what, n, window in _reaches(seen):
        if not isinstance(window, Balance):
            continue
        unit = seen.program.points.get(what)
        if unit is None:
            text = f"{what!r} has no balance; name a unit, of {listed(seen.program.points)}"
            yield Problem(f"{place}.what", text, ERROR)
        elif unit.at_most is not None and n > unit.at_most:
            most = f"an account has at most {unit.at_most:,} {what!r}"
            yield Problem(f"{place}.n", f"nobody can have {show(n)}: {most}; lower it, or raise at_most")


def _what_tiers_count_is_spelt_right(seen: Seen) -> Iterator[Problem]:
    """A fact that only a tier knows is not all but the name of a unit, or of a fact that rules look at."""
    places = {what: place for place, what, _, _ in _reaches(seen)}
    known = {*seen.program.points, "spend", "activities", *_facts(seen)} if places else set()
    places = {what: place for what, place in places.items() if what not in known}
    if len(known) * len(places) < MANY**3:  # each is compared with each
        for what, place in places.items():
            meant = _close_to(what, known)
            if meant:
                text = f"{what!r} is no unit, and no rule looks at such a fact; did you mean {meant!r}?"
                yield Problem(f"{place}.what", text)


def _facts(seen: Seen) -> Iterator[str]:
    """The facts that the rules, conditions and tables of the program look at."""
    for _, value in seen.parts:
        if isinstance(value, (PerUnit, PerStep, Within, Has, Band)):
            yield value.of
        elif isinstance(value, (Fact, ByFact)):
            yield value.name
        elif isinstance(value, Each):
            yield value.fact
        elif isinstance(value, (Table, AwardChart)):
            yield from (by for by in value.by if isinstance(by, str))


_CLOSE: Final = 0.81
"""How alike two names are that one is taken for the other: 'nigths' and 'nights' are, 'stays' and 'stars' are not."""

_LONG: Final = 40
"""Characters of a name that are compared."""


def _close_to(name: str, known: Iterable[str]) -> str:
    """What is known and all but the same; empty where nothing is."""
    from difflib import get_close_matches

    lower = {other.lower(): other for other in sorted(known)}
    found = get_close_matches(name.lower()[:_LONG], lower, n=1, cutoff=_CLOSE)
    return lower[found[0]] if found else ""


CHECKS: Final[tuple[Check, ...]] = (
    _tiers_are_known,
    _every_tier_is_reached,
    _what_tiers_count_is_earned,
    _balances_can_be_reached,
    _what_tiers_count_is_spelt_right,
)
"""In the order in which they tell."""
