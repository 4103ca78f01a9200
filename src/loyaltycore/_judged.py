"""Awards by compiled rules: the numbers first, and the reasons when someone asks for them.

What a rule gives is computed by a generated function, which reads the activity and the member itself. The award that
it makes knows its points, and what it has to ask for the rest: the rule itself, once more. An activity of several
lines, or one that says something else than the function computes with, goes to the rule itself in the first place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from attrs import frozen

from loyaltycore._columns import Columns, Label, NotLowered
from loyaltycore._compile import has_form, member_of
from loyaltycore._exact import EMPTY
from loyaltycore._often import Judging
from loyaltycore._source import OF_MEMBERS, Source, made
from loyaltycore._strategy import walk
from loyaltycore.activity import ANYONE, Activity, Member
from loyaltycore.awards import Award, Later, Raw, UnlockedAward
from loyaltycore.earning import Combined, EarningRule

_SCALE: Final = 10_000
"""Amounts with no more digits after the point than this has are computed with."""

_PARTS: Final = {below: _SCALE // below for below in range(2, _SCALE + 1) if _SCALE % below == 0}
"""How many of these parts there are to one of others."""

_READ: Final = {
    "quantity": "line.quantity",
    "category": "line.category",
    "sku": "line.sku",
    "kind": "activity.kind",
    "at": "activity.at",
    "member": "whose.id",
    "tier": "whose.tier",
    "ladder": "whose.ladder",
    "joined": "whose.joined",
}
"""Where what the function takes is said, but for amounts and facts."""

_MOST: Final = 500
"""Parts of a rule; one of more takes so long to compile that it would be noticed."""


def judging(rule: EarningRule, slow: Judging, mode: str = "floor", to: int = 1) -> Judging:
    """What awards what *rule* does, rounded so, with reasons when someone asks for them; *slow* where it cannot."""
    parts = list(islice(walk(rule), _MOST + 1))
    if len(parts) > _MOST or not all(has_form(part) for _, part in parts):
        return slow
    source = Source(_SCALE)
    try:
        exact_points = Columns(source).earned(rule)
        points = exact_points.rounded(mode, to)
    except (NotLowered, RecursionError):
        return slow
    ask = "return slow(activity, whose)"
    reading = list(_reading(source, ask))
    steps, (whole, exact) = source.body([points.top, exact_points.top], ask)
    told = {name: label for name, label in source.takes().items() if label[0] in OF_MEMBERS}
    judge = _Judge(rule, tuple(told.values()), exact_points.below, isinstance(rule, Combined))
    lines = [
        *reading, *steps, f"exact = {exact}", f"points = {whole}",
        "made = new()", "made.points = points", "if points * below == exact:", "    made.exact = points",
        f"made._why = later(judge, exact, activity, ({''.join(f'{name}, ' for name in told)}))",
        "made.counts = empty", "made.__class__ = award", "return made",
    ]  # fmt: skip
    bound = {
        "slow": slow, "new": UnlockedAward, "award": Award, "later": Later, "empty": EMPTY, "judge": judge,
        "below": judge.below, "scale": _SCALE, "parts": _PARTS, "differ": _differ,
    }  # fmt: skip
    return made("judged", "activity, whose", lines, {**bound, **source.constants})[0]  # type: ignore[no-any-return]


def _reading(source: Source, ask: str) -> Iterator[str]:
    """What reads from an activity and a member what the function takes."""
    takes = source.takes()
    yield from ("lines = activity.lines", "if len(lines) != 1:", f"    {ask}", "line = lines[0]")
    yield from ("amount = line.amount", "if amount.__class__ is int:", "    amount *= scale")
    yield from ("elif amount._denominator in parts:", "    amount = amount._numerator * parts[amount._denominator]")
    for name, (what, fact) in takes.items():
        if what in _READ:
            yield f"{name} = {_READ[what]}"
        elif what != "amount":
            key = source.constant(fact)
            yield f"{name} = {'whose' if what == 'member_fact' else 'line'}.facts.get({key})"
            if what == "fact":
                yield from (f"if {name} is None:", f"    {name} = activity.facts.get({key})")
                yield from (f"elif {key} in activity.facts:", f"    {ask}")
    if "tier" in takes:
        yield from ("if whose.tiers and differ(whose):", f"    {ask}")


def _differ(member: Member) -> bool:
    """Whether a member is in several tiers, of several ladders."""
    return any(tier != member.tier for tier in member.tiers.values())


@frozen
class _Judge:
    """A rule, and what of a member it was told."""

    rule: EarningRule
    labels: tuple[Label, ...]
    below: int
    has_parts: bool

    def again(self, activity: Activity, told: tuple[Any, ...]) -> Raw:
        """The whole award."""
        member = member_of(dict(zip(self.labels, told, strict=True))) if told else ANYONE
        return self.rule._raw(activity, member)
