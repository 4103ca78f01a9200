"""Which rule gave what: an award taken apart into the rules that were added up.

Sums are taken apart, whatever stands around them. A factor that looks something up, such as a tier, is a part of its
own; caps, minimums and constant factors are shared over what is inside, in proportion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from loyaltycore._exact import Exact, tidy
from loyaltycore.account import Account
from loyaltycore.awards import Award, in_words, resolved
from loyaltycore.conditions import Condition
from loyaltycore.events import is_event
from loyaltycore.factors import Factor

_NO_NAMES: Final = ("total of", "for each line", "without one")
"""Reasons that are text and do not name a rule."""

_CHANGES: Final[Mapping[str, int]] = {
    "lapsed": -1, "reinstated": 1, "reversed": -1, "adjusted": 1, "transferred": 1, "converted": 1,
}  # fmt: skip
"""What else changes how much a member has had, by the kind of the entry, and whether it adds."""


def parts_of(award: Award) -> dict[str, Exact]:
    """What each rule of an award gave, by its name, else by its code; it all adds up to the award's points.

    >>> from loyaltycore._parts import parts_of
    >>> rule = (PerSpend(1) + PerSpend(2).when(Category("tea"))).cap(60) + Flat(10).named("welcome")
    >>> parts_of(rule.award(Activity([Line(20, "tea"), Line(20)], at="2026-03-01")))
    {'PerSpend(1)': 30, "PerSpend(2) on Category('tea')": 30, 'welcome': 10}
    """
    found: defaultdict[str, Exact] = defaultdict(int)
    for name, points in _given(award, 1, ""):
        found[name] = tidy(found[name] + points)
    rest = tidy(award.points - sum(found.values()))
    return {**found, **({"rounding": tidy(found.get("rounding", 0) + rest)} if rest else {})}


def had(account: Account) -> dict[tuple[str, str], Exact]:
    """What a member had of each unit, spent or left, by what gave or took it: rules, lapse, refunds and the rest."""
    found: defaultdict[tuple[str, str], Exact] = defaultdict(int)
    for entry in account.entries:
        if entry.kind in _CHANGES:
            found[entry.unit, entry.kind] += _CHANGES[entry.kind] * entry.points
        elif is_event(entry):
            found[entry.unit, f"when {entry.data['activity'].kind}"] += entry.points
        elif entry.kind == "earned":
            award = account.earn(entry.data["activity"]).awards[entry.unit]  # asked again, it tells the same
            for name, points in parts_of(award).items():
                found[entry.unit, name] += points
            found[entry.unit, "more than the balance can take"] += entry.points - award.points
    return {key: tidy(points) for key, points in found.items() if points}


def _given(award: Award, scale: Exact, around: str) -> Iterator[tuple[str, Exact]]:
    """The rules of an award and what they gave, times *scale*; *around* is the condition next outside."""
    if not award.exact or not scale:
        return
    inside = [part for part in award.parts if part.exact]
    why = resolved(award._why)
    if isinstance(why, str) and why not in _NO_NAMES:
        yield why, award.exact * scale
    elif not inside:
        yield f"{in_words(why)}{around}", award.exact * scale
    elif isinstance(why, tuple) and isinstance(why[-1], Factor):
        [part] = inside
        yield from _given(part, scale, around)
        yield repr(why[-1]), (award.exact - part.exact) * scale
    else:
        made = _made_of(award, inside)
        share = Fraction(award.exact) / sum(part.exact for part in made)
        for part in made:
            yield from _given(part, tidy(scale * share), _around(why, around) if len(award.parts) == 1 else "")


def _made_of(award: Award, inside: list[Award]) -> list[Award]:
    """Of several parts, those that the award is made of: all that add up to it, else the one that won."""
    winner = next((part for part in inside if part.exact == award.exact), None)
    return inside if winner is None or sum(part.exact for part in inside) == award.exact else [winner]


def _around(why: object, around: str) -> str:
    """The condition or the band that a part is behind."""
    if isinstance(why, tuple) and str(why[0]).startswith("on "):
        return f" on {why[1]!r}" if isinstance(why[1], Condition) else f" {in_words(why)}"
    return around
