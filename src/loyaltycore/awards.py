"""What was earned, and why: the explanation is the return value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from attrs import field

from loyaltycore._exact import EMPTY, Exact, FrozenMap, Number, Ratio, exact, floor, reduced, returned, show
from loyaltycore._strategy import Stored, Strategy, frozen, unlocked
from loyaltycore.activity import Activity, Count, CounterKey
from loyaltycore.errors import RuleError

Why: TypeAlias = "str | tuple[Any, ...] | Strategy | Later"
"""A reason, a template and its arguments, the rule itself, or what knows: text is made only when someone reads it."""

Raw: TypeAlias = "tuple[Exact, Why, tuple[Raw | Award, ...], FrozenMap[CounterKey, Count]]"
"""An award before it is made into one: exact points, why, parts and counts. Parts stay raw until someone reads them."""


class Later:
    """Why an award is what it is, which nobody has asked for yet.

    *top* is its exact points in parts that the judge knows the size of, *told* what is known of the member.
    """

    __slots__ = ("activity", "judge", "told", "top")

    def __init__(self, judge: Judge, top: int, activity: Activity, told: tuple[Any, ...]) -> None:
        self.judge = judge
        self.top = top
        self.activity = activity
        self.told = told

    @property
    def exact(self) -> Exact:
        """The exact points."""
        return reduced(self.top, self.judge.below)

    def raw(self) -> Raw:
        """The whole award, as the rule itself makes it."""
        return self.judge.again(self.activity, self.told)

    def __repr__(self) -> str:
        return in_words(self.raw()[1])

    def __reduce__(self) -> tuple[Any, ...]:
        return resolved, (resolved(self),)


def resolved(why: Why) -> Why:
    """The reason itself, asked for if nobody has."""
    while isinstance(why, Later):
        why = why.raw()[1]
    return why


class Judge(Protocol):
    """Who gave points without a reason, and has one when it is asked."""

    below: int
    """How many of the parts that *top* counts make a point."""
    has_parts: bool
    """Whether there are parts to tell of."""

    def again(self, activity: Activity, told: tuple[Any, ...]) -> Raw:
        """The whole award."""


def in_words(why: Why) -> str:
    """The reason as text."""
    if isinstance(why, str):
        return why
    if isinstance(why, Later):
        return in_words(why.raw()[1])
    known = _CODES.get(id(why))  # before what it is, which takes longer to ask
    if known is not None and known[0] is why:
        return known[1]
    if isinstance(why, tuple):
        template, *values = why
        return str(template).format(*(show(v) if isinstance(v, Fraction) else v for v in values))
    return _code_of(why) if isinstance(why, Strategy) else repr(why)


_CODES: Final[dict[int, tuple[Strategy, str]]] = {}
_MOST_CODES: Final = 1000


def _code_of(rule: Strategy) -> str:
    """The code of a rule, which is the reason of many awards, and so is remembered."""
    if len(_CODES) >= _MOST_CODES:
        _CODES.clear()
    code = repr(rule)
    _CODES[id(rule)] = rule, code
    return code


def _earned(value: Number) -> Exact:
    number = exact(value, "exact")
    if number < 0:
        raise RuleError(f"exact: {show(number)} points is below 0; a rule earns 0 or more")
    return number


def _counts(value: Mapping[CounterKey, Count]) -> FrozenMap[CounterKey, Count]:
    if not value:
        return EMPTY
    return value if isinstance(value, FrozenMap) else FrozenMap(value)


def _awards(parts: tuple[Raw | Award, ...]) -> tuple[Award, ...]:
    return tuple([part if isinstance(part, Award) else award_of(part) for part in parts])


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
    _parts: tuple[Raw | Award, ...] = field(default=(), alias="parts", eq=_awards, kw_only=True)
    counts: FrozenMap[CounterKey, Count] = field(default=EMPTY, converter=_counts, kw_only=True)

    @points.default
    def _whole_points(self) -> int:
        return floor(self.exact)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            # what nobody has asked for yet
            if name not in ("exact", "_parts"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            later = self._why
            if not isinstance(later, Later):  # another thread has asked meanwhile
                return object.__getattribute__(self, name)
            if name == "exact":
                found = later.exact
                object.__setattr__(self, name, found)
            else:
                _, why, found, _ = later.raw()
                self.exact  # noqa: B018 (which goes by what it is later)
                object.__setattr__(self, name, found)
                object.__setattr__(self, "_why", why)  # last: whoever sees it finds all the rest
            return found

    @property
    def reason(self) -> str:
        """Why, in words."""
        self._parts  # noqa: B018 (with which the reason comes, where nobody has asked for it yet)
        return in_words(self._why)

    @property
    def _has_parts(self) -> bool:
        """Whether it was made of others, which nobody is asked for here."""
        return self._why.judge.has_parts if isinstance(self._why, Later) else bool(self._parts)

    @property
    def parts(self) -> tuple[Award, ...]:
        """The awards that this one was made of."""
        return _awards(self._parts)

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
        head = '<th>points</th><th style="text-align:left">why</th>'
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


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


def told_by_name(award: Award, names: Iterable[str]) -> dict[str, Exact]:
    """What the parts of each name give in all, before they are rounded."""
    sums: dict[str, Exact] = dict.fromkeys(names, 0)
    ahead = [award] if sums else []
    while ahead:
        part = ahead.pop()
        inside, why = part.parts, resolved(part._why)
        # a name stands alone as the reason of what bears it
        if len(inside) == 1 and why.__class__ is str and why in sums:
            sums[why] += part.exact
        ahead += inside
    return sums


UnlockedAward: Final = unlocked(Award)


def award_of(raw: Raw) -> Award:
    """The award itself: its constructor, without the checks of what is known to be right."""
    new = UnlockedAward()
    new.exact, new._why, new._parts, new.counts = raw
    new.points = floor(new.exact)
    new.__class__ = Award
    return new  # type: ignore[no-any-return]  # it is one now


def raw_of(earned: object, rule: Strategy, hook: str = "earn") -> Raw:
    """What the hook of a rule returned: a number, whose reason is the rule, or an award that it made itself."""
    if (type(earned) is int and earned >= 0) or (type(earned) is Ratio and earned._numerator >= 0):
        return earned, rule, (), EMPTY
    if isinstance(earned, Award):
        return earned.exact, earned._why, earned._parts, earned.counts
    number = returned(earned, rule, hook)
    if number < 0:
        raise RuleError(f"{rule!r} gave {show(number)} points; a rule earns 0 or more")
    return number, rule, (), EMPTY
