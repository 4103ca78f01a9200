"""Revenue from sales that earn points: what is deferred at the sale, and when it is recognised.

Sources: IFRS 15 with its Example 52, and ASC 606, which has the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from attrs import frozen

from loyaltycore._accounting import MoneyResult, digits, in_coins, number_of, share_of, whole_points
from loyaltycore._calendar import civil_date
from loyaltycore._exact import EMPTY, Exact, Number, apportion, tidy, whole
from loyaltycore._result import Plotted, Table
from loyaltycore._show import count
from loyaltycore.errors import RuleError
from loyaltycore.journal import NAMES, Journal, posting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Allocation at the sale ---------------------------------------------------------------------------------------------


class Obligation(NamedTuple):
    """A row of an allocation: what is promised, the price at which it would sell alone, its part of what was paid."""

    obligation: str
    alone: Exact
    amount: Exact


@frozen(repr=False)
class Allocation(MoneyResult):
    """A price shared out between goods and points. `print` it, or take `goods`, `points`, `rows` or `journal(...)`."""

    row: ClassVar[type[Any]] = Obligation

    rows: tuple[Obligation, ...]
    places: int = 2

    @property
    def goods(self) -> Exact:
        """What is revenue at once."""
        return self.rows[0].amount

    @property
    def points(self) -> Exact:
        """What is deferred until points are redeemed."""
        return self.rows[1].amount

    def journal(self, day: date | str, names: Mapping[str, str] = EMPTY) -> Journal:
        """The sale: cash against revenue, and against the liability for points."""
        on, called = civil_date(day, "day").isoformat(), {**NAMES, **names}
        lines = [
            *posting(on, called["cash"], called["revenue"], self.goods, "sale: goods"),
            *posting(on, called["cash"], called["liability"], self.points, "sale: points deferred"),
        ]
        return Journal(tuple(lines), self.places)

    def _title(self) -> str:
        return f"allocation of {self._money(self.goods + self.points)}"

    def _tables(self) -> Iterator[Table]:
        rows = [(row.obligation, self._money(row.alone), self._money(row.amount)) for row in self.rows]
        yield self._title(), ("obligation", "sold alone", "amount"), rows


def allocate(
    price: Number, *, points: int, worth: Number, rate: Number, goods: Number | None = None, places: int = 2
) -> Allocation:
    """Share a price out between goods and points, in proportion to what they would sell for alone.

    *points* were earned with it, each *worth* so much money, and the share *rate* of them is expected to be redeemed:
    alone they would sell for `points * worth * rate`, and the goods for *goods*, by default the price. Both parts are
    rounded to *places* digits and add up to the price, which has no more digits than that. IFRS 15.74 and B42.

    >>> from loyaltycore.liability import allocate
    >>> sale = allocate(100_000, points=10_000, worth=1, rate="0.95", places=0)
    >>> sale.goods, sale.points
    (91324, 8676)
    """
    coin, paid = 10 ** digits(places), number_of(price, "price")
    alone = (
        paid if goods is None else number_of(goods, "goods"),
        tidy(whole(points, "points", at_least=0) * number_of(worth, "worth") * share_of(rate)),
    )
    if not any(alone):
        raise RuleError("allocate: neither goods nor points are worth anything; give a price, or what goods sell for")
    parts = (tidy(Fraction(part, coin)) for part in apportion(whole(paid * coin, "price in coins"), alone))
    return Allocation(tuple(map(Obligation, ("goods", "points"), alone, parts)), places)


# Recognition --------------------------------------------------------------------------------------------------------


class Recognised(NamedTuple):
    """A row of a recognition: *redeemed* and *expected* are points in all up to then, *revenue* is of the period."""

    period: str
    redeemed: Exact
    expected: Exact
    recognised: Exact
    revenue: Exact
    left: Exact


@frozen(repr=False)
class Recognition(MoneyResult, Plotted):
    """Revenue period by period. `print` it, or take `rows`, `left` or `journal()`."""

    row: ClassVar[type[Any]] = Recognised

    deferred: Exact
    rows: tuple[Recognised, ...]
    places: int = 2

    @property
    def left(self) -> Exact:
        """What is still deferred."""
        return self.rows[-1].left if self.rows else self.deferred

    def journal(self, names: Mapping[str, str] = EMPTY) -> Journal:
        """The liability for points against revenue, a pair of lines for each period."""
        called = {**NAMES, **names}
        lines = [
            line
            for row in self.rows
            for line in posting(row.period, called["liability"], called["revenue"], row.revenue, "points redeemed")
        ]
        return Journal(tuple(lines), self.places)

    def _title(self) -> str:
        return f"recognition of {self._money(self.deferred)}, {count(len(self.rows), 'period')}"

    def _tables(self) -> Iterator[Table]:
        rows = [
            (row.period, *(whole_points(n) for n in row[1:3]), *(self._money(n) for n in row[3:])) for row in self.rows
        ]
        header = ("period", "redeemed", "expected", "recognised", "revenue", "left")
        yield self._title(), header, rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        amounts = {
            "recognised": [float(row.recognised) for row in self.rows],
            "left": [float(row.left) for row in self.rows],
        }
        return plots.stacked(ax, [row.period for row in self.rows], amounts, title=self._title(), unit="money")


def recognise(deferred: Number, periods: Mapping[str, tuple[Number, Number]], *, places: int = 2) -> Recognition:
    """Revenue from deferred points, in proportion to those redeemed in all to those expected in all.

    *periods* maps each period, in order, to the points redeemed up to its end and to those expected to be redeemed
    ever, as they are estimated then. What was deferred never changes: a new estimate changes how much of it is
    recognised, with what was missed or too much caught up in its period, so revenue can be below 0. Breakage is
    recognised with it. IFRS 15 B44 to B47 and Example 52.

    >>> from loyaltycore.liability import recognise
    >>> [row.revenue for row in recognise(8676, {"1": (4500, 9500), "2": (8500, 9700)}, places=0).rows]
    [4110, 3493]
    """
    digits(places)
    amount = number_of(deferred, "deferred")
    rows: list[Recognised] = []
    before: Exact = 0
    for period, (redeemed, expected) in periods.items():
        done, ever = number_of(redeemed, "redeemed"), number_of(expected, "expected")
        if not ever:
            raise RuleError(f"expected: of {period!r} it is 0; give the points expected to be redeemed ever, above 0")
        recognised = recognised_of(amount, done, ever, places)
        revenue, left = tidy(recognised - before), tidy(amount - recognised)
        rows.append(Recognised(str(period), done, ever, recognised, revenue, left))
        before = recognised
    return Recognition(amount, tuple(rows), places)


def recognised_of(deferred: Exact, redeemed: Exact, expected: Exact, places: int) -> Exact:
    """How much of what was deferred is revenue; all of it, to the last part of a coin, when all are redeemed."""
    return deferred if redeemed >= expected else in_coins(Fraction(deferred) * redeemed / expected, places)
