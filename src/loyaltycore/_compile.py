"""The one-event fast path: a rule as a generated function of plain values.

`rule.compiled()` takes what the rule reads of one activity of one line, by position or keyword, in the order of
`.fields`, and returns whole points:

    points = (PerSpend(1) * by_tier(gold=2)).compiled()
    points.fields            # ("amount", "tier")
    points(120_00, "gold")   # 240

What it takes comes in this order, first what is of the activity and then what is of the member:

- `amount`, which is always there: a whole number of 0 or more, in parts of the currency's unit: hundredths, or as many
  digits after the point as `decimals` says;
- `quantity`, as a line states it; `None` is 1;
- `category`, `sku`, `kind`: text, `""` where there is none;
- `at`: a `datetime` in civil time;
- `facts.NAME`, by name: values as a line or an activity states them; `None` is not stated;
- `member`, the id, and `tier`, that of the first ladder: text;
- `ladder`, the tuple of tiers from the lowest up; `joined`, a `date` or `None`;
- `member_facts.NAME`, by name.

With `parts=True` the result is a tuple: the points, then what each of the named parts in `.parts` gives, rounded down.
`compile_` makes the same of `Points`, with their rounding.

What is computed is whole numbers of any size. Where a value is not what is computed with (an amount that is no `int`
or below 0, a quantity of 1.2, a key that a table does not have) the rule itself is asked, and gives or raises what it
would of the activity: the points are the same as those of `award` for everything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from loyaltycore._columns import Column, Columns, Label, NotLowered
from loyaltycore._exact import divided, exact, floor, whole
from loyaltycore._source import Source, made
from loyaltycore._strategy import Stored, walk
from loyaltycore.activity import Activity, Line, Member
from loyaltycore.awards import Award, told_by_name
from loyaltycore.conditions import Condition, EveryNth, FirstTime
from loyaltycore.counted import Cap
from loyaltycore.earning import Counted, EarningRule
from loyaltycore.errors import RuleError
from loyaltycore.factors import Factor
from loyaltycore.periods import Word


class Compiled(Protocol):
    """A rule as a function of plain values."""

    fields: tuple[str, ...]
    """What it takes, in this order: `"amount"` first, then such as `"category"`, `"tier"` or `"facts.cabin"`."""
    parts: tuple[str, ...]
    """The names of the parts that it tells after the points; none if it was not asked to."""
    source: str
    """The text that was generated."""

    def __call__(self, *values: Any, **named: Any) -> Any:
        """The points, or the points and those of the parts."""


_MOST_DECIMALS: Final = 18

_SOME_TIME: Final = datetime(2000, 1, 1)
"""The moment of an activity where it is not looked at."""


class Awarding(Protocol):
    """What awards: an earning rule, or the points of a unit."""

    def award(self, activity: Activity, member: Member) -> Award:
        """What the activity earns."""


def compile_(rule: Any, *, parts: bool = False, decimals: int = 2) -> Compiled:
    """The function of a rule, or of `Points`; see `EarningRule.compiled`."""
    below = 10 ** whole(decimals, "decimals", at_least=0, at_most=_MOST_DECIMALS)
    source, told = Source(below), dict[str, Column]()
    try:
        points = Columns(source, parts=told if parts else None).earned(rule).rounded()
    except (NotLowered, RecursionError) as error:
        raise _refused(rule, error if isinstance(error, NotLowered) else "a rule so deep") from error
    takes, names = source.takes(), tuple(told)
    given = ", ".join(takes)
    lines, results = source.body([points.top, *(told[name].rounded().top for name in names)], f"return ask({given})")
    lines.append(f"return {', '.join(results)}{',' if parts else ''}")
    ask = _asker(rule, tuple(takes.values()), below, names if parts else None)
    function, text = made("points", given, lines, {"ask": ask, **source.constants})
    function.fields = tuple(f"{what}s.{name}" if name else what for what, name in takes.values())
    function.parts = names
    function.source = text
    return function  # type: ignore[no-any-return]  # with what was set above


def _refused(rule: Stored, why: object) -> RuleError:
    """That a rule cannot be compiled, by the part of it that cannot if there is one."""
    parts = [part for _, part in walk(rule) if not has_form(part)]
    return RuleError(
        f"compiled: {parts[0] if parts else why} has no form as a function of one activity; ask the rule itself, by"
        " .award(activity)"
    )


def has_form(part: Stored) -> bool:
    """Whether a part of a rule looks at one activity alone, and is the library's own."""
    if isinstance(part, Counted):
        return type(part) is Cap and isinstance(part.per, Word)
    own = isinstance(part, (EarningRule, Factor, Condition)) and "_lower" not in vars(type(part))
    return not (own or isinstance(part, (FirstTime, EveryNth)))


# Where the rule itself is asked ---------------------------------------------------------------------------------------


def _asker(rule: Awarding, labels: tuple[Label, ...], below: int, names: tuple[str, ...] | None) -> Callable[..., Any]:
    """What gives the same from the rule itself."""

    def ask(*values: Any) -> Any:
        award = rule.award(*_event(dict(zip(labels, values, strict=True)), below))
        if names is None:
            return award.points
        told = told_by_name(award, names)
        return (award.points, *(floor(told[name]) for name in names))

    return ask


def _event(values: dict[Label, Any], below: int) -> tuple[Activity, Member]:
    """The activity and the member that values are of."""
    amount = divided(exact(values["amount", ""], "amount"), below)
    line = Line(amount, facts=_facts(values, "fact"), **_stated(values, "category", "sku", "quantity"))
    return Activity(line, **{"at": _SOME_TIME, **_stated(values, "at", "kind")}), member_of(values)


def member_of(values: dict[Label, Any]) -> Member:
    """The member that values are of."""
    known = _stated(values, "tier", "ladder", "joined")
    return Member(values.get(("member", "")) or "", facts=_facts(values, "member_fact"), **known)


def _stated(values: dict[Label, Any], *words: str) -> dict[str, Any]:
    return {word: values[word, ""] for word in words if values.get((word, "")) is not None}


def _facts(values: dict[Label, Any], of: str) -> dict[str, Any]:
    return {name: value for (what, name), value in values.items() if what == of}
