"""What is wrong with a program, or doubtful, and what those who look for it go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from attrs import field

from loyaltycore._strategy import Stored, frozen
from loyaltycore.errors import RuleError
from loyaltycore.redemption import RedemptionOption

if TYPE_CHECKING:
    from loyaltycore.program import Program

ERROR: Final = "error"
WARNING: Final = "warning"


def _severity(value: str) -> str:
    if value in (ERROR, WARNING):
        return value
    raise RuleError(f"severity: {value!r} is none; give {ERROR!r} or {WARNING!r}")


@frozen
class Problem(Stored):
    """What is wrong with a program, or doubtful: the place in it, and a sentence that ends in the remedy.

    *severity* is `"error"` for what no program can mean, which it is refused for, and `"warning"` for what is allowed
    and seldom meant.

    >>> print(Problem("$.rewards.coffee.unit", "'star' is no unit of the program; it has 'stars'", "error"))
    error $.rewards.coffee.unit: 'star' is no unit of the program; it has 'stars'
    """

    _kind = "problem"

    place: str = field()
    text: str = field()
    severity: str = field(default=WARNING, converter=_severity)

    def __str__(self) -> str:
        return f"{self.severity} {self.place}: {self.text}"


def refusal(problems: Iterable[Problem]) -> RuleError | None:
    """What to raise for the errors among the problems: it says the first, and has all of them; `None` without one."""
    found = tuple(problems)
    first = next((problem for problem in found if problem.severity == ERROR), None)
    if first is None:
        return None
    error = RuleError(f"{first.place}: {first.text}")
    error.problems = found
    return error


# What checks go by --------------------------------------------------------------------------------------------------

MANY: Final = 20
"""Names that an error lists, and tiers that one is compared with: files may have thousands, people's have fewer."""


class Seen(NamedTuple):
    """A program gone through once, for all checks together."""

    program: Program
    parts: tuple[tuple[str, Stored], ...]
    """Everything in it, each with its place."""
    options: tuple[tuple[str, RedemptionOption, str], ...]
    """What `options_of` says of it."""
    empty: frozenset[str]
    """The units that no rule earns and nothing is converted into."""


Check: TypeAlias = Callable[[Seen], Iterator[Problem]]
"""One mistake: where it is made."""


def listed(names: Iterable[str]) -> str:
    """The first names, so that an error about many of them can still be read."""
    first = list(islice(names, MANY + 1))
    return ", ".join([*map(repr, first[:MANY]), *(["and more"] if len(first) > MANY else [])]) or "none"
