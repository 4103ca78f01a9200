"""What was earned, and why: the explanation is the return value."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from html import escape
from typing import Any

from attrs import field, frozen

from loyaltycore._exact import EMPTY, Exact, FrozenMap, exact, floor, show
from loyaltycore._strategy import Stored
from loyaltycore.activity import Count, CounterKey
from loyaltycore.errors import RuleError

Why = str | tuple[Any, ...]
"""A reason, or a template and its arguments, which become text only when someone reads it."""


def _earned(value: object) -> Exact:
    number = value if type(value) is int else exact(value, "exact")
    if number < 0:
        raise RuleError(f"exact: {show(number)} points is below 0; a rule earns 0 or more")
    return number


def _counts(value: object) -> FrozenMap[CounterKey, Count]:
    return value if isinstance(value, FrozenMap) else FrozenMap(value)  # type: ignore[arg-type]


@frozen
class Award(Stored):
    """Points for one activity, with the tree of rules that gave them or did not.

    *exact* is what the rule gives before rounding, *points* the whole points after it (rounded down unless said
    otherwise), *parts* what it was made of, *counts* what the rule counted, to be folded into the member.

    An own rule may return one instead of a number, to give its reason in words:

    >>> print(Award(50, reason="a birthday gift"))
           50  a birthday gift
    """

    _kind = "award"

    exact: Exact = field(converter=_earned)
    points: int = field()
    _why: Why = field(default="", alias="reason", eq=False, kw_only=True)
    parts: tuple[Award, ...] = field(default=(), kw_only=True)
    counts: FrozenMap[CounterKey, Count] = field(default=EMPTY, converter=_counts, kw_only=True)

    @points.default
    def _whole_points(self) -> int:
        return floor(self.exact)

    @property
    def reason(self) -> str:
        """Why, in words."""
        why = self._why
        return why if isinstance(why, str) else why[0].format(*why[1:])

    def __str__(self) -> str:
        rows = list(self._rows())
        width = max(9, *(len(number) for number, _, _ in rows))
        return "\n".join(f"{number:>{width}}  {'  ' * depth}{reason}".rstrip() for number, depth, reason in rows)

    def _rows(self) -> Iterator[tuple[str, int, str]]:
        """Number, depth and reason of each line of the tree; the rounding, if it changed anything, comes first."""
        rounded = self.points != self.exact
        if rounded:
            yield f"{self.points:,}", 0, f"rounded from {_show(self.exact)}"
        yield from self._tree(1 if rounded else 0)

    def _tree(self, depth: int) -> Iterator[tuple[str, int, str]]:
        yield _show(self.exact), depth, self.reason
        for part in self.parts:
            yield from part._tree(depth + 1)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:right">{escape(number)}</td>'
            f'<td style="text-align:left;padding-left:{1 + 1.5 * depth}em">{escape(reason)}</td></tr>'
            for number, depth, reason in self._rows()
        )
        return f"<table><thead><tr><th>points</th><th>why</th></tr></thead><tbody>{rows}</tbody></table>"


def _show(value: Exact) -> str:
    """A number for people: thousands grouped, endless fractions cut after three places and marked."""
    if isinstance(value, int):
        return f"{value:,}"
    text = show(value)
    if "/" in text:
        thousandths = value.numerator * 1000 // value.denominator
        return f"{thousandths // 1000:,}.{thousandths % 1000:03d}…"
    before, _, after = text.partition(".")
    return f"{int(before):,}.{after}"


def explained(value: object, why: Why) -> Award:
    """What a rule returned as an award: a number with the reason *why*, or the award it made itself."""
    if type(value) is Award:
        return value
    if type(value) is int and value >= 0:
        return Award(value, value, reason=why)
    if isinstance(value, Fraction) and value >= 0:
        number: Exact = value if value.denominator != 1 else value.numerator
        return Award(number, reason=why)
    return Award(exact(value, "earn"), reason=why)  # type: ignore[arg-type]
