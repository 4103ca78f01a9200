"""What is asked for awards often is compiled, and not before: most rules are asked a few times or never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award

Judging: TypeAlias = Callable[[Activity, Member], Award]

QUICK: Final[dict[int, Judging]] = {}
"""What judges for the rule of an identity; it holds the rule, so that nothing else comes by that identity."""

_ASKED: Final[dict[int, list[Any]]] = {}
"""Rules that are judged by themselves yet, with how often they were asked."""

OFTEN: Final = 100
"""Awards of a rule by itself that take about as long as to compile it."""

_MOST: Final = 250
"""Rules that are remembered; then all are forgotten, and those that are asked often come again."""


def often(rule: object, slow: Judging, compiled: Callable[[], Judging]) -> Judging:
    """What judges for a rule: itself, *slow*, and what it is *compiled* to once it was asked often."""
    asked = _ASKED.setdefault(id(rule), [rule, 0])
    asked[1] += 1
    if asked[1] <= OFTEN:
        if len(_ASKED) > _MOST:
            _ASKED.clear()
        return slow
    if len(QUICK) >= _MOST:
        QUICK.clear()
    quick = QUICK[id(rule)] = compiled()
    _ASKED.pop(id(rule), None)
    return quick
