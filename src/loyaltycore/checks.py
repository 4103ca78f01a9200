"""What is checked of a program when it is built: a function for each mistake, told with its place and the remedy.

A mistake that no program can mean is an error, one that is seldom meant a warning. A check that could be wrong about a
program that works says nothing: it looks only at what the library's own classes say, and at no class of somebody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loyaltycore import _earning_checks, _reward_checks, _tier_checks
from loyaltycore._earning_checks import empty_units
from loyaltycore._reward_checks import options_of, unnamed_units
from loyaltycore._strategy import walk
from loyaltycore.problems import ERROR, WARNING, Check, Problem, Seen, refusal

if TYPE_CHECKING:
    from loyaltycore.program import Program

__all__ = ["CHECKS", "ERROR", "WARNING", "Problem", "Seen", "problems_of", "refusal", "unnamed_units"]

CHECKS: Final[tuple[Check, ...]] = (*_earning_checks.CHECKS, *_reward_checks.CHECKS, *_tier_checks.CHECKS)
"""In the order in which they tell."""


def problems_of(program: Program) -> tuple[Problem, ...]:
    """All that the checks find."""
    parts = tuple(walk(program))
    seen = Seen(program, parts, tuple(options_of(program)), frozenset(empty_units(program, parts)))
    return tuple(problem for check in CHECKS for problem in check(seen))
