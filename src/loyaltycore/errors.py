"""Errors and warnings: lowercase sentences that end in the remedy.

`LoyaltyError` is the root; each error also derives from the built-in it specialises, so that code which knows
nothing of loyalty programs still catches it. A customer who cannot have something is never an error: that is a
value (an `Award` of 0, a refused `Quote`) that says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loyaltycore.checks import Problem


class LoyaltyError(Exception):
    """Root of all errors of this library."""


class InexactNumber(LoyaltyError, TypeError):
    """A number that cannot be taken exactly: a float, a bool, NaN, or one too long to be meant.

    >>> import loyaltycore as lc
    >>> lc.PerSpend(1.5)
    Traceback (most recent call last):
    loyaltycore.errors.InexactNumber: points: the float 1.5 is not exact; write '1.5' or Decimal('1.5')
    """


class RuleError(LoyaltyError, ValueError):
    """A rule, condition, factor or program that cannot mean what it says, found when it is built or first used.

    `problems` are all that the checks of a program found, a `Problem` each; the message is the first error of them.
    """

    problems: tuple[Problem, ...] = ()


class TruthValue(LoyaltyError, TypeError):
    """A rule or condition was used as a truth value, as `and`, `or`, `not` and `if` do."""


class Conflict(LoyaltyError, ValueError):
    """An id that was used before, now with other content."""


class DataError(LoyaltyError, ValueError):
    """Data that does not say what it should.

    `path` is the place: `$.points.stars.earning` in a program, `lines[2].amount` in an activity, `sales.csv:17` in
    a file.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.message = message
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class LoyaltyWarning(UserWarning):
    """Something allowed that is seldom meant."""


class MissingExtra(LoyaltyError, ImportError):
    """An optional part was asked for whose packages are not installed.

    >>> print(MissingExtra("frames", "polars"))
    loyaltycore.frames needs polars, which is not installed; pip install 'loyaltycore[frames]'
    """

    def __init__(self, extra: str, package: str, module: str = "") -> None:
        super().__init__(extra, package, module)
        self.extra = extra
        self.package = package
        self.module = module or f"loyaltycore.{extra}"

    def __str__(self) -> str:
        needs = f"{self.module} needs {self.package}, which is not installed"
        return f"{needs}; pip install 'loyaltycore[{self.extra}]'"
