"""What points there are: when they lapse, who has them, and the lots of one member over time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from attrs import frozen

from loyaltycore._accounting import percent
from loyaltycore._accounts import Accounts, source_of
from loyaltycore._calendar import show_moment
from loyaltycore._exact import Exact, tidy
from loyaltycore._lives import COLUMN_OF
from loyaltycore._months import check_by, first_day, label, period_of
from loyaltycore._result import Table
from loyaltycore._show import count
from loyaltycore.account import Account
from loyaltycore.desk import When
from loyaltycore.flows import OfUnit, share
from loyaltycore.history import AnyProgram
from loyaltycore.instants import start_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_TICK: Final = timedelta.resolution


def _shown(at: datetime) -> str:
    civil = at.replace(tzinfo=None)
    return f"the end of {civil.date()}" if (civil + _TICK).date() > civil.date() else show_moment(civil)


# When points lapse --------------------------------------------------------------------------------------------------

WITHOUT_END: Final = ("never", "pending", "held")
"""The rows of an expiry wall that are no periods: what never lapses, is not available yet, or is held."""


class ExpiryPeriod(NamedTuple):
    """How many points have their last day in a period, which may be one of `WITHOUT_END`."""

    period: str
    points: int


@frozen(repr=False)
class ExpiryWall(OfUnit):
    """The points there are, by when they lapse. `print` it, or take `rows`, `total` or `plot()`."""

    row: ClassVar[type[Any]] = ExpiryPeriod

    program: str
    unit: str
    at: datetime
    by: str
    rows: tuple[ExpiryPeriod, ...]
    places: int = 0

    @property
    def total(self) -> int:
        """All points there are: available, pending and held. What members owe is not taken off."""
        return sum(row.points for row in self.rows)

    def _title(self) -> str:
        return self._title_of(f"{self._points(self.total)} {self.unit} at {_shown(self.at)}, by {self.by} of expiry")

    def _tables(self) -> Iterator[Table]:
        rows = [(row.period, self._points(row.points)) for row in (*self.rows, ExpiryPeriod("total", self.total))]
        yield self._title(), ("last day in", self.unit), rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        points = [row.points / 10**self.places for row in self.rows]
        apart = sum(row.period in WITHOUT_END for row in self.rows)
        labels = [row.period for row in self.rows]
        return plots.bars(ax, labels, {self.unit: points}, apart=apart, title=self._title(), unit=self.unit)


def expiry_wall(
    accounts: Accounts, *, at: When | None = None, by: str = "month", unit: str = "", program: AnyProgram | None = None
) -> ExpiryWall:
    """The points that there are at a moment, by the period in which their last day is, if nobody does anything.

    *accounts* are a replay, a store, accounts of one program, or the entries of each member with the *program* that
    they are of; a frame of entries does not know lots. *at* may be left out for a replay, *unit* where one can be
    redeemed. Only a day that is known counts: where inactivity makes points lapse, a later visit moves it.

    >>> from loyaltycore.reports import expiry_wall
    >>> club = Program("Club", points={"beans": Points(PerSpend(1), expiry=After(months=2))})
    >>> visits = [Activity.purchase(50, at=f"2026-0{n}-05", id=f"t-{n}", member="Ada") for n in (1, 2)]
    >>> [tuple(row) for row in expiry_wall(club.replay(visits), at="2026-02-10").rows]
    [('2026-03', 50), ('2026-04', 50)]
    """
    check_by(by)
    source = source_of(accounts, program)
    unit, end = source.unit(unit), source.until(at)
    ending: Counter[int] = Counter()
    others: Counter[str] = Counter()
    for _, ledger in source.opened(end):
        for lot in ledger.fresh_book(unit).lots.values():
            others["held"] += lot.held
            if not lot.ready:
                others["pending"] += lot.points
            elif lot.expires_on is None:
                others["never"] += lot.points
            elif lot.points:
                ending[period_of(lot.expires_on, by)] += lot.points
    periods = range(min(ending), max(ending) + 1) if ending else range(0)
    rows = [ExpiryPeriod(label(period, by), ending[period]) for period in periods]
    rows += [ExpiryPeriod(what, others[what]) for what in WITHOUT_END if others[what]]
    return ExpiryWall(source.name, unit, end, by, tuple(rows), source.places(unit))


# Who has them -------------------------------------------------------------------------------------------------------


class BalanceBand(NamedTuple):
    """The members whose balance is from *low* up to and with *high*, and what they have together.

    *low* is `None` for all that is below 0; *share* is that of the members.
    """

    low: int | None
    high: int
    members: int
    points: int
    share: Exact


@frozen(repr=False)
class BalanceDistribution(OfUnit):
    """How many members have how much. `print` it, or take `rows`, `mean`, `median` or `plot()`."""

    row: ClassVar[type[Any]] = BalanceBand

    program: str
    unit: str
    at: datetime
    balances: tuple[int, ...]
    rows: tuple[BalanceBand, ...]
    places: int = 0

    @property
    def mean(self) -> Exact | None:
        """What members have on average; `None` of nobody."""
        return share(sum(self.balances), len(self.balances))

    @property
    def median(self) -> Exact | None:
        """What the member in the middle has; `None` of nobody."""
        return tidy(median(map(Fraction, self.balances))) if self.balances else None

    @property
    def top_tenth(self) -> Exact | None:
        """The share of all points above 0 that the tenth of members with the most has."""
        most = sorted((n for n in self.balances if n > 0), reverse=True)
        return share(sum(most[: -(-len(self.balances) // 10)]), sum(most))

    def _title(self) -> str:
        members = count(len(self.balances), "member")
        return self._title_of(f"balances of {self.unit} at {_shown(self.at)}, {members}")

    def _tables(self) -> Iterator[Table]:
        rows = [(self._band(row), row.members, percent(row.share), self._points(row.points)) for row in self.rows]
        yield self._title(), (self.unit, "members", "share", "points together"), rows

    def _band(self, row: BalanceBand) -> str:
        if row.low is None:
            return "below 0"
        return self._points(row.low) if row.low == row.high else f"{self._points(row.low)} to {self._points(row.high)}"

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        members = {self._band(row): row.members for row in self.rows}
        return plots.ranked(ax, members, [percent(row.share) for row in self.rows], title=self._title(), unit="members")


def balance_distribution(
    accounts: Accounts,
    *,
    at: When | None = None,
    unit: str = "",
    above: Sequence[int] = (),
    program: AnyProgram | None = None,
) -> BalanceDistribution:
    """How many members have how much at a moment: all points there are, pending and held ones, less what is owed.

    *accounts* are as for `points_flow`, a frame included. *above* are the balances with which a new band begins, in
    the smallest step of the unit; left out, it is steps of about 1, 2.5 and 5 up to the largest balance.

    >>> from loyaltycore.reports import balance_distribution
    >>> club = Program("Club", earning=PerSpend(1))
    >>> visits = [Activity.purchase(n * 10, at="2026-01-05", id=f"t-{n}", member=f"m-{n}") for n in range(1, 6)]
    >>> [row.members for row in balance_distribution(club.replay(visits), above=[25, 50]).rows]
    [0, 2, 2, 1]
    """
    source = source_of(accounts, program)
    unit, end = source.unit(unit), source.until(at)
    balances = []
    for life in source.lives(end):
        moved = (e for e in life.entries if e.unit == unit and e.kind in COLUMN_OF)
        balances.append(sum(_sign(entry.kind) * entry.points for entry in moved))
    balances.sort()
    edges = sorted({0, 1, *(above or _steps(max(balances, default=0)))})
    rows = _bands(balances, edges)
    return BalanceDistribution(source.name, unit, end, tuple(balances), tuple(rows), source.places(unit))


def _sign(kind: str) -> int:
    """Whether an entry adds its points to what there is, or takes them away."""
    column, sign = COLUMN_OF[kind]
    return sign if column in (0, 4) else -sign


def _steps(most: int) -> list[int]:
    """1, 2.5 and 5 times powers of ten, from about a tenth of the largest balance up."""
    lowest = 10 ** max(0, len(str(most)) - 2)
    steps = [lowest * 10**decade * n // 10 for decade in range(3) for n in (10, 25, 50)]
    return sorted({step for step in steps if 1 < step <= most})


def _bands(balances: list[int], edges: list[int]) -> list[BalanceBand]:
    """The bands between the edges; that below 0 only if someone owes."""
    top = max(balances, default=0)
    found = []
    for n in range(len(edges) + 1):
        low = edges[n - 1] if n else None
        high = edges[n] - 1 if n < len(edges) else max(top, edges[-1])
        own = [b for b in balances if bisect_right(edges, b) == n]
        if n or own:
            found.append(BalanceBand(low, high, len(own), sum(own), share(len(own), len(balances)) or 0))
    return found


# The lots of one member ---------------------------------------------------------------------------------------------


class LotAt(NamedTuple):
    """What was left of a lot at the end of a period; pending points count, held ones do not."""

    period: str
    lot: int
    earned: date
    expires_on: date | None
    points: int


@frozen(repr=False)
class LotsOverTime(OfUnit):
    """A member's lots at the end of each period. `print` it, or take `rows` or `plot()`."""

    row: ClassVar[type[Any]] = LotAt

    program: str
    member: str
    unit: str
    by: str
    periods: tuple[str, ...]
    rows: tuple[LotAt, ...]
    places: int = 0

    def _title(self) -> str:
        return self._title_of(f"lots of {self.unit} of {self.member} at the end of each {self.by}")

    def _tables(self) -> Iterator[Table]:
        rows = [(f"{row.lot}, earned {row.earned}", row.expires_on or "never", *map(self._points, points))
                for row, points in self._by_lot()]  # fmt: skip
        yield self._title(), ("lot", "last day", *self.periods), rows

    def _by_lot(self) -> list[tuple[LotAt, list[int]]]:
        """Each lot as it was last, and what was left of it at the end of each period."""
        last = {row.lot: row for row in self.rows}
        left = {(row.period, row.lot): row.points for row in self.rows}
        return [(row, [left.get((period, lot), 0) for period in self.periods]) for lot, row in sorted(last.items())]

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        lots = {
            f"{row.earned} (lot {row.lot})": [points / 10**self.places for points in left]
            for row, left in self._by_lot()
        }
        return plots.layers(ax, self.periods, lots, title=self._title(), unit=self.unit)


def lots_over_time(account: Account, *, at: When, by: str = "month", unit: str = "") -> LotsOverTime:
    """What was left of each lot of an account at the end of each period since its first entry, and at *at*.

    The account is that of `replay.account("Ada")`, `store.look("Ada")` or your own; *unit* is as for `points_flow`.

    >>> from loyaltycore.reports import lots_over_time
    >>> club = Program("Club", earning=PerSpend(1))
    >>> visits = [Activity.purchase(50, at=f"2026-0{n}-05", id=f"t-{n}", member="Ada") for n in (1, 2)]
    >>> [row.points for row in lots_over_time(club.replay(visits).account("Ada"), at="2026-02-10").rows]
    [50, 50, 50]
    """
    check_by(by)
    source = source_of(account)
    unit, end = source.unit(unit), source.until(at)
    account._needs_entries(None)
    begun = [entry.posted for entry in account.entries if entry.posted <= end]
    first = period_of(min(begun, default=end).astimezone(source.zone), by)
    periods, rows = [], []
    for period in range(first, period_of(end, by) + 1) if begun else ():
        over = start_of(first_day(period + 1, by), source.zone) - _TICK
        periods.append(label(period, by))
        lots = sorted(account.lots(unit, at=min(over, end.astimezone(UTC))), key=lambda lot: lot.id)
        rows += [LotAt(label(period, by), lot.id, lot.earned, lot.expires_on, lot.points) for lot in lots]
    return LotsOverTime(source.name, account.id, unit, by, tuple(periods), tuple(rows), source.places(unit))
