"""The liability for points, for those who close the books: allocation, recognition, roll-forward, journal.

Everything is exact. Money is rounded once, half up, to the smallest coin, and what one part of a sum is rounded by is
carried to the next, so that all add up to the coin. None of it is accounting advice.

Sources: IFRS 15 with its Example 52, and ASC 606, which has the same. Estimates of how many points will be redeemed are
in `breakage.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from attrs import frozen

from loyaltycore._accounting import (
    Calculation,
    digits,
    in_coins,
    money,
    number_of,
    percent,
    share_of,
    whole_points,
)
from loyaltycore._accounts import Accounts, source_of
from loyaltycore._calendar import civil_date
from loyaltycore._exact import EMPTY, Exact, FrozenMap, Number, above_zero, apportion, show, tidy, whole
from loyaltycore._result import Plotted, Table, csv_text
from loyaltycore._show import count
from loyaltycore._show import points as points_text
from loyaltycore.errors import DataError, RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.instants import end_of, start_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class _MoneyResult(Calculation):
    """A result with amounts, whose smallest coin has *places* digits after the point."""

    places: int

    def _money(self, amount: Exact) -> str:
        return money(amount, self.places)

    def _plain_money(self, amount: Exact | None) -> str:
        return "" if amount is None else money(amount, self.places, thousands="")


# Journal ------------------------------------------------------------------------------------------------------------

NAMES: Final[Mapping[str, str]] = FrozenMap(
    {
        "cash": "Cash",
        "revenue": "Revenue",
        "liability": "Liability for points",
        "issued": "Cost of points issued",
        "reversed": "Cost of points issued",
        "redeemed": "Rewards provided",
        "lapsed": "Breakage",
        "adjusted": "Points adjusted",
        "transferred": "Points transferred",
        "converted": "Points converted",
        "repriced": "Change of estimate",
    }
)
"""What the accounts of a journal are called, unless `names` says otherwise."""


class JournalLine(NamedTuple):
    """A line of a journal: one of *debit* and *credit* is above 0, the other is 0."""

    day: str
    account: str
    debit: Exact
    credit: Exact
    text: str


@frozen(repr=False)
class Journal(_MoneyResult):
    """Journal lines, whose debits and credits are equal. Journals add up: `sales.journal(...) + revenue.journal()`."""

    row: ClassVar[type[Any]] = JournalLine

    rows: tuple[JournalLine, ...]
    places: int = 2

    def __attrs_post_init__(self) -> None:
        less = tidy(self.total - sum(row.credit for row in self.rows))
        if less:
            raise RuleError(f"journal: debits less credits are {show(less)}; give lines that come to 0")

    def __add__(self, other: Journal) -> Journal:
        return Journal(self.rows + other.rows, max(self.places, other.places))

    @property
    def total(self) -> Exact:
        """All debits, which are all credits."""
        return tidy(sum(row.debit for row in self.rows))

    def balance(self, account: str) -> Exact:
        """Debits less credits of an account."""
        return tidy(sum(row.debit - row.credit for row in self.rows if row.account == account))

    def to_csv(self) -> str:
        """One line each, amounts with all digits of the coin; the side without one is empty."""
        return csv_text(
            self.columns,
            (
                (row.day, row.account, *(self._plain_money(n or None) for n in (row.debit, row.credit)), row.text)
                for row in self.rows
            ),
        )

    def _title(self) -> str:
        return f"journal, {count(len(self.rows), 'line')}, {self._money(self.total)} on each side"

    def _tables(self) -> Iterator[Table]:
        rows = [
            (f"{row.day}  {row.account}: {row.text}", *(self._money(n) if n else "" for n in (row.debit, row.credit)))
            for row in self.rows
        ]
        yield self._title(), ("account", "debit", "credit"), rows


def _posting(day: str, debit: str, credit: str, amount: Exact, text: str) -> list[JournalLine]:
    """Two lines, the other way round for an amount below 0, or none for 0."""
    if amount < 0:
        debit, credit, amount = credit, debit, -amount
    return [JournalLine(day, debit, amount, 0, text), JournalLine(day, credit, 0, amount, text)] if amount else []


# Allocation at the sale ---------------------------------------------------------------------------------------------


class Obligation(NamedTuple):
    """A row of an allocation: what is promised, the price at which it would sell alone, its part of what was paid."""

    obligation: str
    alone: Exact
    amount: Exact


@frozen(repr=False)
class Allocation(_MoneyResult):
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
            *_posting(on, called["cash"], called["revenue"], self.goods, "sale: goods"),
            *_posting(on, called["cash"], called["liability"], self.points, "sale: points deferred"),
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
class Recognition(_MoneyResult, Plotted):
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
            for line in _posting(row.period, called["liability"], called["revenue"], row.revenue, "points redeemed")
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
        recognised = _recognised(amount, done, ever, places)
        revenue, left = tidy(recognised - before), tidy(amount - recognised)
        rows.append(Recognised(str(period), done, ever, recognised, revenue, left))
        before = recognised
    return Recognition(amount, tuple(rows), places)


def _recognised(deferred: Exact, redeemed: Exact, expected: Exact, places: int) -> Exact:
    """How much of what was deferred is revenue; all of it, to the last part of a coin, when all are redeemed."""
    return deferred if redeemed >= expected else in_coins(Fraction(deferred) * redeemed / expected, places)


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
class RollForward(_MoneyResult, Plotted):
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
                lines += _posting(day, called[row.line], called["liability"], row.money, text)
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
class Sensitivity(_MoneyResult, Plotted):
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
        return tidy(amount - _recognised(amount, done, expected, places))

    steps = sorted({above_zero(change, "changes") for change in changes})
    base = liability(estimate)
    rows = []
    for change in (*(-step for step in reversed(steps)), 0, *steps):
        other = tidy(min(Fraction(1), max(Fraction(0), estimate + Fraction(change) / 100)))
        rows.append(SensitivityLine(change, other, liability(other), tidy(liability(other) - base)))
    return Sensitivity(tuple(rows), places)
