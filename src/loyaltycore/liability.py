"""The liability for points, for those who close the books: its roll-forward, and what it is at other redemption rates.

Allocation and recognition, in `revenue.py`, and the journal that all of them end in, in `journal.py`, are offered here,
too. Everything is exact. Money is rounded once, half up, to the smallest coin, and what one part of a sum is rounded by
is carried to the next, so that all add up to the coin. None of it is accounting advice. Estimates of how many points
will be redeemed are in `breakage.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from attrs import frozen

from loyaltycore._accounting import MoneyResult, digits, in_coins, number_of, percent, share_of
from loyaltycore._accounts import Accounts, source_of
from loyaltycore._calendar import civil_date
from loyaltycore._exact import EMPTY, Exact, FrozenMap, Number, above_zero, show, tidy, whole
from loyaltycore._result import Plotted, Table, csv_text
from loyaltycore._show import count
from loyaltycore._show import points as points_text
from loyaltycore.errors import DataError, RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.instants import end_of, start_of
from loyaltycore.journal import NAMES, Journal, JournalLine, posting
from loyaltycore.revenue import Allocation, Obligation, Recognised, Recognition, allocate, recognise, recognised_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "LINES",
    "NAMES",
    "Allocation",
    "Journal",
    "JournalLine",
    "Obligation",
    "Recognised",
    "Recognition",
    "RollForward",
    "RollForwardLine",
    "Sensitivity",
    "SensitivityLine",
    "allocate",
    "recognise",
    "rollforward",
    "sensitivity",
]

# Roll-forward -------------------------------------------------------------------------------------------------------

_MOVES: Final[Mapping[str, tuple[str, int]]] = {
    "earned": ("issued", 1),
    "reversed": ("reversed", -1),
    "spent": ("redeemed", -1),
    "captured": ("redeemed", -1),
    "cancelled": ("redeemed", 1),
    "lapsed": ("lapsed", -1),
    "reinstated": ("lapsed", 1),
    "adjusted": ("adjusted", 1),
    "transferred": ("transferred", 1),
    "converted": ("converted", 1),
}
"""The line that an entry moves, by its kind, and whether its points add to what there is. All others move points
between what is available, pending, held and owed, which together are the liability."""

LINES: Final = (
    "opening", "repriced", "issued", "reversed", "redeemed", "lapsed", "adjusted", "transferred", "converted",
    "closing", "in the ledger", "tie-out",
)  # fmt: skip
"""The lines of a roll-forward, in order. What is in the ledger is counted from its lots."""


class RollForwardLine(NamedTuple):
    """A row of a roll-forward; *money* is `None` for a unit without a price."""

    unit: str
    line: str
    points: int
    money: Exact | None


@frozen(repr=False)
class RollForward(MoneyResult, Plotted):
    """What points there were, what became of them, and what there are. `print` it, or take `rows` or `journal()`.

    Opening and all changes add up to *closing*, in points and in money. The last line is *closing* less what the lots
    of the ledger say, and is 0. *units* maps each unit to the digits that stand after the point when it is shown.
    """

    row: ClassVar[type[Any]] = RollForwardLine

    program: str
    currency: str
    since: date | None
    until: date
    members: int
    units: Mapping[str, int]
    rows: tuple[RollForwardLine, ...]
    places: int = 2

    @property
    def ties_out(self) -> bool:
        """Whether every tie-out line is 0."""
        return all(not row.points and not row.money for row in self.rows if row.line == "tie-out")

    def line(self, line: str, unit: str = "") -> RollForwardLine:
        """One row, such as `"closing"`; the unit may be left out where there is one."""
        if not unit and len(self.units) > 1:
            raise RuleError(f"unit: there are several; name one of {', '.join(map(repr, self.units))}")
        found = [row for row in self.rows if row.line == line and (not unit or row.unit == unit)]
        if not found:
            raise RuleError(f"there is no line {line!r} of {unit or 'any unit'}; the lines are {', '.join(LINES)}")
        return found[0]

    def journal(self, names: Mapping[str, str] = EMPTY) -> Journal:
        """Each change in money against the liability for points, on the last day; units without a price have none."""
        if all(row.money is None for row in self.rows):
            raise RuleError("journal: there are no prices, so no money; give them to rollforward(..., prices=...)")
        called, day = {**NAMES, **names}, self.until.isoformat()
        lines: list[JournalLine] = []
        for row in self.rows:
            if row.line in LINES[1:-3] and row.money:
                text = f"{row.unit} {row.line}"
                lines += posting(day, called[row.line], called["liability"], row.money, text)
        return Journal(tuple(lines), self.places)

    def to_csv(self) -> str:
        """One row per unit and line; money with all digits of the coin."""
        return csv_text(
            self.columns,
            (
                (
                    row.unit,
                    row.line,
                    points_text(row.points, self.units[row.unit], thousands=""),
                    self._plain_money(row.money),
                )
                for row in self.rows
            ),
        )

    def _title(self) -> str:
        period = f"up to {self.until}" if self.since is None else f"{self.since} to {self.until}"
        return f"{self.program}: liability for points, {period}, {count(self.members, 'member')}"

    def _tables(self) -> Iterator[Table]:
        for unit, places in self.units.items():
            rows = [row for row in self.rows if row.unit == unit and (row.line != "repriced" or row.money)]
            priced = any(row.money is not None for row in rows)
            cells = [
                (row.line, points_text(row.points, places), *([self._money(row.money or 0)] if priced else []))
                for row in rows
            ]
            yield self._title(), (unit, "points", *([self.currency] if priced else [])), cells

    def _draw(self, ax: Axes) -> Axes:
        """The first unit."""
        from loyaltycore import plots

        unit, places = next(iter(self.units.items()))
        ends = ("opening", "closing")
        steps = {
            row.line: row.points / 10**places
            for row in self.rows
            if row.unit == unit and row.line in LINES[:-2] and (row.points or row.line in ends)
        }
        return plots.waterfall(ax, steps, totals=ends, title=self._title(), unit=unit)


def rollforward(
    accounts: Accounts,
    *,
    since: date | str | None = None,
    until: date | str,
    prices: Mapping[str, Number] | Number | None = None,
    before: Mapping[str, Number] | Number | None = None,
    program: AnyProgram | None = None,
    places: int = 2,
) -> RollForward:
    """From what was owed to members when a period began to what is owed when it ends.

    *accounts* are all accounts of a program, or the entries of each member with the *program* that they are of. The
    period is from the day *since*, or from the beginning, to the day *until*, both included, by when the accounts
    learnt what happened: what is learnt later changes no period that is over. Points whose last day is *until* lapse
    at the first moment of the next day, and so in the next period.

    *prices* is the money that a point (the smallest step of its unit) is carried at when the period ends, for each
    unit, or one number where there is one unit; *before* when it began, if that was another. It may be a cost, or a
    share expected to be redeemed times a cost. *places* is how many digits of money stand after the point.

    >>> from loyaltycore.liability import rollforward
    >>> club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(30)})
    >>> account = club.account("m-1")
    >>> receipt = account.earn(Activity.purchase(75, at="2026-01-05", id="t-1"))
    >>> redemption = account.redeem("coffee", id="r-1", at="2026-02-03")
    >>> february = rollforward([account], since="2026-02-01", until="2026-02-28", prices=2)
    >>> [(row.line, row.points, row.money) for row in february.rows if row.points]
    [('opening', 75, 150), ('redeemed', -30, -60), ('closing', 45, 90), ('in the ledger', 45, 90)]
    """
    digits(places)
    last = civil_date(until, "until")
    first = None if since is None else civil_date(since, "since")
    if first is not None and first > last:
        raise RuleError(f"since: {first} is after {last}, where the period ends; give an earlier day")
    moves: defaultdict[tuple[str, str], int] = defaultdict(int)
    source, members = source_of(accounts, program), 0
    begin = None if first is None else start_of(first, source.zone)
    for _, ledger in source.opened_at_end(last):
        members += 1
        for entry in ledger.entries:
            line, sign = _MOVES.get(entry.kind, ("", 0))
            if line:
                line = "opening" if begin is not None and entry.posted < begin else line
                moves[entry.unit, line] += sign * entry.points
        for unit, book in ledger.books.items():
            left = sum(lot.points + lot.held for lot in book.lots.values())
            moves[unit, "in the ledger"] += left - book.owed
    if not members:
        raise DataError("there are no accounts, so nothing to roll forward; give those of the program", "accounts")
    terms = source.program
    names = dict.fromkeys([*terms.points, *(unit for unit, _ in moves)])
    units = {unit: terms.unit(unit, end_of(last, terms.zone)).places for unit in names}
    worth = _prices(prices, units, "prices")
    opened = worth if before is None else _prices(before, units, "before")
    if opened.keys() != worth.keys():
        raise RuleError("before: it has prices of other units than prices; give both for the same units")
    rows = [row for unit in units for row in _roll(unit, moves, opened.get(unit), worth.get(unit), places)]
    return RollForward(terms.name, terms.currency, first, last, members, FrozenMap(units), tuple(rows), places)


def _prices(prices: Mapping[str, Number] | Number | None, units: Mapping[str, int], what: str) -> dict[str, Exact]:
    if prices is None:
        return {}
    if not isinstance(prices, Mapping):
        if len(units) > 1:
            raise RuleError(f"{what}: there are several units; give a price for each of {', '.join(map(repr, units))}")
        prices = dict.fromkeys(units, prices)
    unknown = [unit for unit in prices if unit not in units]
    if unknown:
        raise RuleError(f"{what}: {unknown[0]!r} is no unit; there is {', '.join(map(repr, units))}")
    return {unit: number_of(price, what) for unit, price in prices.items()}


def _roll(
    unit: str, moves: Mapping[tuple[str, str], int], before: Exact | None, price: Exact | None, places: int
) -> Iterator[RollForwardLine]:
    """The lines of a unit; money is the rounded worth of all points so far, less what it was on the line before."""

    def worth(points: int, each: Exact | None = price) -> Exact | None:
        return None if each is None else in_coins(points * each, places)

    sofar = moves.get((unit, "opening"), 0)
    money = worth(sofar, before)
    yield RollForwardLine(unit, "opening", sofar, money)
    for line in LINES[1:-3]:
        points = moves.get((unit, line), 0)
        sofar += points
        after = worth(sofar)
        yield RollForwardLine(unit, line, points, None if after is None or money is None else tidy(after - money))
        money = after
    yield RollForwardLine(unit, "closing", sofar, money)
    there = moves.get((unit, "in the ledger"), 0)
    held = worth(there)
    yield RollForwardLine(unit, "in the ledger", there, held)
    yield RollForwardLine(unit, "tie-out", sofar - there, None if money is None or held is None else tidy(money - held))


# Sensitivity --------------------------------------------------------------------------------------------------------


class SensitivityLine(NamedTuple):
    """A row of a sensitivity: the liability if the rate were *change* percentage points higher."""

    change: Exact
    rate: Exact
    liability: Exact
    difference: Exact


@frozen(repr=False)
class Sensitivity(MoneyResult, Plotted):
    """The liability at other redemption rates. `print` it, or take `rows`; of `change` 0 is the estimate itself."""

    row: ClassVar[type[Any]] = SensitivityLine

    rows: tuple[SensitivityLine, ...]
    places: int = 2

    def _title(self) -> str:
        estimate = next(row for row in self.rows if not row.change)
        return f"liability of {self._money(estimate.liability)} at {percent(estimate.rate)}, and at other rates"

    def _tables(self) -> Iterator[Table]:
        rows = [
            (f"{'+' if row.change > 0 else ''}{show(row.change)}", percent(row.rate), *map(self._money, row[2:]))
            for row in self.rows
        ]
        yield self._title(), ("points of the rate", "rate", "liability", "difference"), rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        amounts = [float(row.liability) for row in self.rows]
        labels = [percent(row.rate) for row in self.rows]
        return plots.bars(ax, labels, {"liability": amounts}, title=self._title(), unit="liability")


def sensitivity(
    *,
    rate: Number,
    issued: int,
    redeemed: int,
    worth: Number | None = None,
    deferred: Number | None = None,
    changes: Sequence[Number] = (1, 5, 10),
    places: int = 2,
) -> Sensitivity:
    """The liability if the redemption rate were some percentage points lower or higher.

    Of *issued* points the share *rate* is expected to be redeemed, and *redeemed* were. With *worth*, money for each
    point, the liability is what those to come will cost; with *deferred*, what was allocated to them, it is what of it
    is not recognised yet. Rates end at 0 and 1.

    >>> from loyaltycore.liability import sensitivity
    >>> by_rate = sensitivity(rate="0.65", issued=10_000, redeemed=4_000, worth="0.01", changes=[5])
    >>> [(row.change, row.liability) for row in by_rate.rows]
    [(-5, 20), (0, 25), (5, 30)]
    """
    if (worth is None) == (deferred is None):
        raise RuleError("sensitivity: give either worth, what a point costs, or deferred, what was allocated to points")
    digits(places)
    estimate = share_of(rate)
    all_, done = whole(issued, "issued", at_least=0), whole(redeemed, "redeemed", at_least=0)
    cost = number_of(0 if worth is None else worth, "worth")
    amount = None if deferred is None else number_of(deferred, "deferred")

    def liability(share: Exact) -> Exact:
        expected = all_ * share
        if amount is None:
            return in_coins(max(0, expected - done) * cost, places)
        return tidy(amount - recognised_of(amount, done, expected, places))

    steps = sorted({above_zero(change, "changes") for change in changes})
    base = liability(estimate)
    rows = []
    for change in (*(-step for step in reversed(steps)), 0, *steps):
        other = tidy(min(Fraction(1), max(Fraction(0), estimate + Fraction(change) / 100)))
        rows.append(SensitivityLine(change, other, liability(other), tidy(liability(other) - base)))
    return Sensitivity(tuple(rows), places)
