"""What the reports for accountants have in common: their money, and how it is shown."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Final

from loyaltycore._exact import Exact, at_least_zero, round_to, show, tidy, whole
from loyaltycore._result import Result
from loyaltycore._show import points as points_text
from loyaltycore.errors import RuleError

NO_ADVICE: Final = "A calculation, and no accounting advice."


class Calculation(Result):
    """Base of these results."""

    note: ClassVar[str] = NO_ADVICE


class MoneyResult(Calculation):
    """A result with amounts, whose smallest coin has *places* digits after the point."""

    places: int

    def _money(self, amount: Exact) -> str:
        return money(amount, self.places)

    def _plain_money(self, amount: Exact | None) -> str:
        return "" if amount is None else money(amount, self.places, thousands="")


# Numbers ------------------------------------------------------------------------------------------------------------


def in_coins(amount: Exact, places: int) -> Exact:
    """An amount rounded half up to the smallest coin, which has so many digits after the point."""
    return tidy(Fraction(int(round_to(amount * 10**places, "half_up")), 10**places))


def money(amount: Exact, places: int, *, thousands: str = ",") -> str:
    """An amount as text."""
    return points_text(int(round_to(amount * 10**places, "half_up")), places, thousands=thousands)


def whole_points(points: Exact) -> str:
    """Points as text, rounded if they are estimated."""
    return money(points, 0)


def percent(share: Exact) -> str:
    """A share as text."""
    return f"{money(share * 100, 1)}%"


def number_of(value: object, what: str) -> Exact:
    """A number of 0 or more; a fraction may have more digits than what people write, as estimates do."""
    if not isinstance(value, Fraction):
        return at_least_zero(value, what)
    if value < 0:
        raise RuleError(f"{what}: {show(value)} is below 0; give 0 or more")
    return tidy(value)


def share_of(value: object) -> Exact:
    """A share, from 0 to 1."""
    number = number_of(value, "rate")
    if number > 1:
        raise RuleError(f"rate: {show(number)} is no share; give one from 0 to 1, such as '0.95'")
    return number


def digits(places: object) -> int:
    """How many digits of money stand after the point."""
    return whole(places, "places", at_least=0, at_most=4)
