"""How many points will be redeemed at last, and how many never: from what became of those that were issued before.

Two estimates of the ultimate redemption rate, of which breakage is the rest: the chain ladder on a triangle of cohorts,
and the survival of lots by the estimator of Aalen and Johansen. Both are exact. None of it is accounting advice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from attrs import field, frozen

from loyaltycore._accounting import Calculation, money, percent, whole_points
from loyaltycore._accounts import Accounts, source_of
from loyaltycore._calendar import civil_date
from loyaltycore._exact import Exact, FrozenMap, Number, above_zero, tidy, whole
from loyaltycore._months import check_by, label, period_of
from loyaltycore._result import Plotted, Table
from loyaltycore.entries import Entry
from loyaltycore.errors import RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.ledger import Ledger

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What became of points, by when they were issued ---------------------------------------------------------------------


class _Fate(NamedTuple):
    """How many points of one period of issue were redeemed, lapsed and were withdrawn, and are left, each by age."""

    redeemed: Counter[int]
    lapsed: Counter[int]
    withdrawn: Counter[int]
    left: Counter[int]

    @property
    def issued(self) -> int:
        """Those that could be redeemed: all but what was withdrawn by refunds, transfers, conversions and by hand."""
        return sum(map(sum, (self.redeemed.values(), self.lapsed.values(), self.left.values())))


def _fates(
    accounts: Accounts, until: date | str, by: str, unit: str, program: AnyProgram | None
) -> tuple[dict[int, _Fate], int, str]:
    """By period of issue what became of its points up to and with *until*; the period that this is in; the unit."""
    check_by(by)
    last = civil_date(until, "until")
    found: dict[int, _Fate] = {}
    for account, ledger in source_of(accounts, program).opened_at_end(last):
        unit = account._unit(unit)
        lots = {number: lot for number, lot in ledger.lots.items() if lot.unit == unit}
        issued = {number: period_of(lot.earned, by) for number, lot in lots.items()}
        gone = _gone(ledger, unit, issued, by)
        for number, period in issued.items():
            fate = found.setdefault(period, _Fate(Counter(), Counter(), Counter(), Counter()))
            for counter, ages in zip(fate, gone.get(number, ()), strict=False):
                for age, points in ages:
                    counter[age] += points
            fate.left[max(0, period_of(last, by) - period)] += lots[number].points + lots[number].held
    return dict(sorted(found.items())), period_of(last, by), unit


def _gone(ledger: Ledger, unit: str, issued: Mapping[int, int], by: str) -> dict[int, tuple[list[list[int]], ...]]:
    """By lot the pairs of age and points that were redeemed, lapsed and were withdrawn, without what was undone."""
    gone: defaultdict[int, tuple[list[list[int]], ...]] = defaultdict(lambda: ([], [], []))
    for entry in ledger.entries:
        where, back = _leaves(entry) if entry.unit == unit else (None, False)
        if where is None:
            continue
        now = period_of(ledger.day(entry.posted), by)
        for number, points in entry.lots:
            if back:
                _take_back(gone[number][where], points)
            else:
                gone[number][where].append([max(0, now - issued[number]), points])
    return gone


_LEAVES: Final = {
    "spent": 0, "captured": 0, "cancelled": 0, "lapsed": 1, "reinstated": 1, "reversed": 2, "repaid": 2,
    "adjusted": 2, "transferred": 2, "converted": 2,
}  # fmt: skip
"""Among which of the ways to leave a lot the points of an entry are, by its kind."""


def _leaves(entry: Entry) -> tuple[int | None, bool]:
    """In which way points left their lots, and whether they came back instead; `None` where they did neither."""
    came = entry.kind in ("adjusted", "transferred", "converted") and entry.points > 0
    return None if came else _LEAVES.get(entry.kind), entry.kind in ("cancelled", "reinstated")


def _take_back(parts: list[list[int]], points: int) -> None:
    """Take so many points out, the last first."""
    while points:
        part = min(points, parts[-1][1])
        points -= part
        parts[-1][1] -= part
        if not parts[-1][1]:
            parts.pop()


# The chain ladder ---------------------------------------------------------------------------------------------------


class UltimateRate(NamedTuple):
    """A row of a triangle: what was *redeemed* of a cohort, what will have been *at_last*, and the *rate* of that.

    *low* and *high* are the rates with the smallest and the largest factors that any one cohort has shown. *by_age* is
    what was redeemed in all at each age.
    """

    cohort: str
    issued: int
    redeemed: int
    at_last: Exact
    rate: Exact
    low: Exact
    high: Exact
    by_age: tuple[int, ...]


def _cohorts(value: Mapping[str, tuple[int, Sequence[int]]]) -> FrozenMap[str, tuple[int, tuple[int, ...]]]:
    found = {}
    for cohort, (issued, by_age) in value.items():
        ages = tuple(whole(n, f"cohorts[{cohort!r}]", at_least=0) for n in by_age)
        if not ages or any(a > b for a, b in zip(ages, (*ages[1:], issued), strict=True)):
            raise RuleError(f"cohorts[{cohort!r}]: give what was redeemed in all at each age, up to what was issued")
        found[str(cohort)] = (whole(issued, f"cohorts[{cohort!r}]", at_least=1), ages)
    if not found:
        raise RuleError("cohorts: there are none; give the points that were issued in at least one period")
    return FrozenMap(found)


def _tail(value: Number) -> Exact:
    return above_zero(value, "tail")


@frozen(repr=False)
class Triangle(Calculation, Plotted):
    """The ultimate redemption rate of each cohort by the chain ladder. `print` it, or take `rows`, `factors`, `rate`.

    *cohorts* are the points issued in each period, and those of them redeemed in all at each age: one number for each
    period from the first to the last that is over. The factor from an age to the next is what cohorts that reached the
    next had redeemed at it, by what they had redeemed before; where that is 0 there is none, and 1 is taken. *tail* is
    the factor after the oldest age. No more is redeemed than was issued.

    >>> from loyaltycore.breakage import Triangle
    >>> redeemed = {"2023": [320, 520, 620], "2024": [280, 480], "2025": [310]}
    >>> triangle = Triangle({year: (1000, by_age) for year, by_age in redeemed.items()})
    >>> triangle.factors, f"{float(triangle.rows[-1].rate):.3f}"
    ((Fraction(5, 3), Fraction(31, 26)), '0.616')
    """

    row: ClassVar[type[Any]] = UltimateRate

    cohorts: FrozenMap[str, tuple[int, tuple[int, ...]]] = field(converter=_cohorts)
    unit: str = "points"
    by: str = "year"
    tail: Exact = field(default=1, converter=_tail, kw_only=True)

    @property
    def factors(self) -> tuple[Exact, ...]:
        """From each age to the next, by all cohorts that have reached it."""
        sums = ((sum(after for _, after in pairs), sum(before for before, _ in pairs)) for pairs in self._steps())
        return tuple(tidy(Fraction(after, before)) if before else 1 for after, before in sums)

    @property
    def rows(self) -> tuple[UltimateRate, ...]:
        """The cohorts, in order."""
        single = [[Fraction(after, before) for before, after in pairs if before] for pairs in self._steps()]
        smallest: list[Exact] = [min(each, default=Fraction(1)) for each in single]
        largest: list[Exact] = [max(each, default=Fraction(1)) for each in single]
        factors, found = self.factors, []
        for cohort, (issued, by_age) in self.cohorts.items():
            at_last, low, high = (self._at_last(issued, by_age, each) for each in (factors, smallest, largest))
            rate, low, high = (tidy(Fraction(points) / issued) for points in (at_last, low, high))
            found.append(UltimateRate(cohort, issued, by_age[-1], at_last, rate, low, high, by_age))
        return tuple(found)

    @property
    def rate(self) -> Exact:
        """The ultimate redemption rate of all cohorts together."""
        rows = self.rows
        return tidy(Fraction(sum(row.at_last for row in rows)) / sum(row.issued for row in rows))

    def _steps(self) -> list[list[tuple[int, int]]]:
        """For each age but the oldest the pairs of what cohorts had redeemed at it and at the next."""
        ages = [by_age for _, by_age in self.cohorts.values()]
        return [
            [(row[age], row[age + 1]) for row in ages if len(row) > age + 1] for age in range(max(map(len, ages)) - 1)
        ]

    def _at_last(self, issued: int, by_age: tuple[int, ...], factors: Sequence[Exact]) -> Exact:
        """What will have been redeemed, by those factors."""
        found = by_age[-1] * self.tail
        for factor in factors[len(by_age) - 1 :]:
            found = found * factor
        return min(tidy(found), issued)

    def _title(self) -> str:
        return f"{self.unit} by {self.by} of issue, {percent(self.rate)} redeemed at last"

    def _tables(self) -> Iterator[Table]:
        ages = range(max(len(by_age) for _, by_age in self.cohorts.values()))
        redeemed: list[tuple[object, ...]] = [
            (cohort, issued, *by_age, *[""] * (len(ages) - len(by_age)))
            for cohort, (issued, by_age) in self.cohorts.items()
        ]
        factors = [money(factor, 4) for factor in (*self.factors, self.tail)]
        redeemed.append(("factor to the next age", "", *factors))
        yield f"{self.unit} redeemed in all, by age in {self.by}s", (self.by, "issued", *map(str, ages)), redeemed
        rates = [
            (row.cohort, row.issued, row.redeemed, whole_points(row.at_last), *map(percent, row[4:7]))
            for row in self.rows
        ]
        yield self._title(), (self.by, "issued", "redeemed", "at last", "rate", "low", "high"), rates

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        rates = {cohort: [n / issued for n in by_age] for cohort, (issued, by_age) in self.cohorts.items()}
        ages = [str(age) for age in range(max(map(len, rates.values())))]
        unit = f"share redeemed, by age in {self.by}s"
        return plots.lines(ax, ages, rates, title=self._title(), unit=unit, percent=True, ordered=True)


def triangle(
    accounts: Accounts, *, until: date | str, by: str = "year", unit: str = "", program: AnyProgram | None = None
) -> Triangle:
    """The triangle of redemptions by period of issue, from what became of each lot up to and with the day *until*.

    *accounts* and *program* are as for `rollforward`; *until* is best the last day of a period, or the youngest cohort
    looks worse than it is. Periods are long enough if something of each was redeemed, as the ladder multiplies that. A
    redemption that was cancelled is none. Points that were refunded, transferred, converted or taken by hand do not
    count as issued.
    """
    found, last, unit = _fates(accounts, until, by, unit, program)
    cohorts = {}
    for period, fate in found.items():
        if fate.issued:
            at_each_age = (fate.redeemed[age] for age in range(last - period + 1))
            cohorts[label(period, by)] = (fate.issued, tuple(accumulate(at_each_age)))
    return Triangle(cohorts, unit, by)


# Survival of lots ---------------------------------------------------------------------------------------------------


class SurvivalAge(NamedTuple):
    """A row of a survival: of the points that had reached an age, what became of them at it.

    *censored* are those of which no more is known: they are open at that age, or were withdrawn. *left* is the share of
    all points that outlives the age, *rate* the share that is redeemed up to it.
    """

    age: int
    at_risk: int
    redeemed: int
    lapsed: int
    censored: int
    left: Exact
    rate: Exact


@frozen(repr=False)
class Survival(Calculation, Plotted):
    """How long points live, and what becomes of them. `print` it, or take `rows`, `rate`, `low` and `high`."""

    row: ClassVar[type[Any]] = SurvivalAge

    rows: tuple[SurvivalAge, ...]
    unit: str = "points"
    by: str = "month"

    @property
    def low(self) -> Exact:
        """The ultimate redemption rate if no more of what outlives the oldest age is ever redeemed."""
        return self.rows[-1].rate if self.rows else 0

    @property
    def high(self) -> Exact:
        """The ultimate redemption rate if all that outlives the oldest age is redeemed."""
        return tidy(self.low + self.rows[-1].left) if self.rows else 1

    @property
    def rate(self) -> Exact:
        """The ultimate redemption rate if what outlives the oldest age does as what does not."""
        decided = 1 - self.rows[-1].left if self.rows else 0
        return tidy(Fraction(self.low) / decided) if decided else 0

    def _title(self) -> str:
        bounds = f" ({percent(self.low)} to {percent(self.high)})" if self.low != self.high else ""
        return f"survival of {self.unit} by {self.by}, {percent(self.rate)} redeemed at last{bounds}"

    def _tables(self) -> Iterator[Table]:
        rows = [(str(row.age), *row[1:5], *map(percent, row[5:])) for row in self.rows]
        header = (f"age in {self.by}s", "at risk", "redeemed", "lapsed", "censored", "left", "redeemed in all")
        yield self._title(), header, rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        series = {"still there": [row.left for row in self.rows], "redeemed": [row.rate for row in self.rows]}
        labels = [str(row.age) for row in self.rows]
        return plots.lines(ax, labels, series, title=self._title(), unit=f"share, by age in {self.by}s", percent=True)


def survival(
    accounts: Accounts, *, until: date | str, by: str = "month", unit: str = "", program: AnyProgram | None = None
) -> Survival:
    """The survival of lots up to and with the day *until*: each point is redeemed, lapses, or is open and censored.

    The estimator is that of Aalen and Johansen, with points as what is counted: at each age, the share of those still
    there that is redeemed, and the share that lapses. *accounts*, *until* and what counts are as for `triangle`.
    """
    found, _, unit = _fates(accounts, until, by, unit, program)
    at = [Counter[int](), Counter[int](), Counter[int]()]
    for fate in found.values():
        for counter, ages in zip((*at, at[2]), fate, strict=True):
            counter.update(ages)
    redeemed, lapsed, censored = at
    at_risk = sum(sum(counter.values()) for counter in at)
    left, rate = Fraction(1), Fraction(0)
    rows = []
    for age in range(max((a for counter in at for a, n in counter.items() if n), default=-1) + 1):
        rate += left * redeemed[age] / at_risk
        left *= 1 - Fraction(redeemed[age] + lapsed[age], at_risk)
        rows.append(SurvivalAge(age, at_risk, redeemed[age], lapsed[age], censored[age], tidy(left), tidy(rate)))
        at_risk -= redeemed[age] + lapsed[age] + censored[age]
    return Survival(tuple(rows), unit, by)
