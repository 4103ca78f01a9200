"""What became of points: earned, spent and lapsed by period; redemption and breakage; the mix of rewards."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from attrs import frozen

from loyaltycore._accounting import money, number_of, percent
from loyaltycore._accounts import Accounts, Life, Source, source_of
from loyaltycore._exact import EMPTY, Exact, FrozenMap, Number, tidy
from loyaltycore._lives import COLUMN_OF
from loyaltycore._months import check_by, label, period_of
from loyaltycore._result import Plotted, Table
from loyaltycore._show import count
from loyaltycore._show import points as points_text
from loyaltycore.desk import When
from loyaltycore.errors import RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.points_reports import MemberPoints, PointsReport
from loyaltycore.replay import EntryRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def share(part: Exact, whole: Exact) -> Exact | None:
    """A part of a whole; `None` of nothing."""
    return tidy(Fraction(part) / whole) if whole else None


def percent_or_dash(value: Exact | None) -> str:
    """A share as text."""
    return "-" if value is None else percent(value)


class OfUnit(Plotted):
    """Base of results on one unit, *places* digits of which stand after the point when points are shown."""

    program: str
    unit: str
    places: int

    def _points(self, points: int) -> str:
        return points_text(points, self.places)

    def _title_of(self, what: str) -> str:
        return f"{self.program}: {what}" if self.program else what


# Earned, spent and lapsed -------------------------------------------------------------------------------------------


class PeriodPoints(NamedTuple):
    """What became of points in a period, as in `MonthPoints`, and what there is at its end, less what is owed."""

    period: str
    earned: int
    spent: int
    lapsed: int
    reversed: int
    other: int
    net: int
    balance: int


@frozen(repr=False)
class PointsFlow(OfUnit):
    """Points earned, spent and lapsed by period. `print` it, or take `rows`, `plot()`, `to_frame()` or `to_csv()`."""

    row: ClassVar[type[Any]] = PeriodPoints

    program: str
    unit: str
    by: str
    rows: tuple[PeriodPoints, ...]
    places: int = 0

    def _title(self) -> str:
        return self._title_of(f"{self.unit} earned, spent and lapsed by {self.by}")

    def _tables(self) -> Iterator[Table]:
        rows = [(row.period, *map(self._points, row[1:])) for row in self.rows]
        yield self._title(), (self.by, *PeriodPoints._fields[1:]), rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        scale = 10**self.places
        parts = {name: [getattr(row, name) / scale for row in self.rows] for name in ("earned", "spent", "lapsed")}
        undone = [(row.reversed - row.other) / scale for row in self.rows]
        series = {"earned": parts["earned"]} | {name: [-n for n in parts[name]] for name in ("spent", "lapsed")}
        if any(undone):
            series["other"] = [-n for n in undone]
        net = [row.net / scale for row in self.rows]
        return plots.stacked(
            ax, [row.period for row in self.rows], series, line=("net", net), title=self._title(), unit=self.unit
        )


def points_flow(
    accounts: Accounts, *, at: When | None = None, by: str = "month", unit: str = "", program: AnyProgram | None = None
) -> PointsFlow:
    """Points earned, spent, lapsed and net in each period, by when the accounts learnt it.

    *accounts* are a replay, a store, accounts of one program, the entries of each member with the *program* that they
    are of, or a frame as `replay.entries()` gives it. Reports end with the moment *at*, included; left out, with the
    end of the replay, or of the frame. *unit* may be left out where one can be redeemed. *by* is `"month"`,
    `"quarter"` or `"year"` of the program's zone, UTC for a frame without a program. There are no gaps.

    >>> from loyaltycore.reports import points_flow
    >>> club = Program("Club", earning=PerSpend(1))
    >>> visits = [Activity.purchase(50, at=f"2026-0{n}-05", id=f"t-{n}", member="Ada") for n in (1, 3)]
    >>> [(row.period, row.net) for row in points_flow(club.replay(visits)).rows]
    [('2026-01', 50), ('2026-02', 0), ('2026-03', 50)]
    """
    check_by(by)
    source = source_of(accounts, program)
    unit = source.unit(unit)
    moved: defaultdict[int, list[int]] = defaultdict(lambda: [0] * 5)
    for period, kind, points in _moves(source, at, by, unit):
        place, sign = COLUMN_OF[kind]
        moved[period][place] += sign * points
    rows, balance = [], 0
    for period in _all(moved):
        earned, spent, lapsed, reversed_, other = moved[period]
        net = earned - spent - lapsed - reversed_ + other
        balance += net
        rows.append(PeriodPoints(label(period, by), earned, spent, lapsed, reversed_, other, net, balance))
    return PointsFlow(source.name, unit, by, tuple(rows), source.places(unit))


def _moves(source: Source, at: When | None, by: str, unit: str) -> Iterator[tuple[int, str, int]]:
    """The period, kind and points of every entry that changes what there is."""
    zone = source.zone
    for life in source.lives(source.until(at)):
        for entry in life.entries:
            if entry.unit == unit and entry.points and entry.kind in COLUMN_OF:
                yield period_of(entry.posted.astimezone(zone), by), entry.kind, entry.points


def _all(periods: Mapping[int, object]) -> range:
    """All periods from the first to the last."""
    return range(min(periods), max(periods) + 1) if periods else range(0)


def points_by_member(
    accounts: Accounts, *, at: When | None = None, by: str = "month", program: AnyProgram | None = None
) -> PointsReport:
    """What each member earned of each unit in each period, by when the accounts learnt it.

    *accounts*, *at*, *by* and *program* are as for `points_flow`. Points of activities and of the account's own events
    count, and what was reversed later is not taken off.

    >>> from loyaltycore.reports import points_by_member
    >>> club = Program("Club", earning=PerSpend(1))
    >>> visits = [Activity.purchase(50, at=f"2026-0{n}-05", id=f"t-{n}", member="Ada") for n in (1, 3)]
    >>> points_by_member(club.replay(visits)).rows
    (MemberPoints(member='Ada', unit='points', points=(50, 0, 50)),)
    """
    check_by(by)
    source = source_of(accounts, program)
    zone = source.zone
    units = {} if source.program is None else dict.fromkeys(source.program.points)
    earned: dict[str, defaultdict[str, Counter[int]]] = {}
    seen: dict[int, None] = {}
    for life in source.lives(source.until(at)):
        own = earned[life.member] = defaultdict(Counter)
        for entry in life.entries:
            if entry.kind == "earned":
                period = period_of(entry.posted.astimezone(zone), by)
                own[entry.unit][period] += entry.points
                seen[period] = units[entry.unit] = None
    units = units or {source.unit(""): None}
    periods = _all(seen)
    rows = [
        MemberPoints(member, unit, tuple(own[unit][period] for period in periods))
        for member, own in sorted(earned.items())
        for unit in units
    ]
    places = FrozenMap((unit, source.places(unit)) for unit in units)
    return PointsReport(source.name, by, places, tuple(label(period, by) for period in periods), tuple(rows))


# Redemption and breakage --------------------------------------------------------------------------------------------


class RedemptionRate(NamedTuple):
    """What was issued, redeemed and lapsed in a period; *rate* and *breakage* are shares of all issued up to its end.

    *issued* is less what was reversed. *rate* is the share redeemed, *breakage* the share lapsed; `None` of nothing.
    """

    period: str
    issued: int
    redeemed: int
    lapsed: int
    rate: Exact | None
    breakage: Exact | None


@frozen(repr=False)
class RedemptionRates(OfUnit):
    """How much of what was issued was redeemed, and how much has lapsed. `print` it, or take `rows` or `rate`."""

    row: ClassVar[type[Any]] = RedemptionRate

    program: str
    unit: str
    by: str
    rows: tuple[RedemptionRate, ...]
    places: int = 0

    @property
    def rate(self) -> Exact | None:
        """The share of all points issued that was redeemed."""
        return self.rows[-1].rate if self.rows else None

    @property
    def breakage(self) -> Exact | None:
        """The share of all points issued that has lapsed; how much of the rest will, `breakage.triangle` estimates."""
        return self.rows[-1].breakage if self.rows else None

    def _title(self) -> str:
        rates = f"{percent_or_dash(self.rate)} redeemed and {percent_or_dash(self.breakage)} lapsed so far"
        return self._title_of(f"{self.unit}, {rates}")

    def _tables(self) -> Iterator[Table]:
        rows = [(row.period, *map(self._points, row[1:4]), *map(percent_or_dash, row[4:])) for row in self.rows]
        yield self._title(), (self.by, "issued", "redeemed", "lapsed", "redeemed so far", "lapsed so far"), rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        lines = {"redeemed": [row.rate for row in self.rows], "lapsed": [row.breakage for row in self.rows]}
        labels = [row.period for row in self.rows]
        return plots.lines(ax, labels, lines, title=self._title(), unit="share of all issued", percent=True)


def redemption_rates(
    accounts: Accounts, *, at: When | None = None, by: str = "month", unit: str = "", program: AnyProgram | None = None
) -> RedemptionRates:
    """The share of points issued that was redeemed, and that has lapsed, in all up to the end of each period.

    Arguments are as for `points_flow`. Redeemed is less what was cancelled, lapsed less what was reinstated.

    >>> from loyaltycore.reports import redemption_rates
    >>> club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(30)})
    >>> account = club.account("Ada")
    >>> receipt = account.earn(Activity.purchase(50, at="2026-01-05", id="t-1"))
    >>> redemption = account.redeem("coffee", id="r-1", at="2026-01-06")
    >>> redemption_rates([account], at="2026-02-01").rate
    Fraction(3, 5)
    """
    flow = points_flow(accounts, at=at, by=by, unit=unit, program=program)
    rows = []
    issued = redeemed = lapsed = 0
    for row in flow.rows:
        new = row.earned - row.reversed
        issued, redeemed, lapsed = issued + new, redeemed + row.spent, lapsed + row.lapsed
        rates = share(redeemed, issued), share(lapsed, issued)
        rows.append(RedemptionRate(row.period, new, row.spent, row.lapsed, *rates))
    return RedemptionRates(flow.program, flow.unit, by, tuple(rows), flow.places)


# The mix of rewards -------------------------------------------------------------------------------------------------


class RewardShare(NamedTuple):
    """What was redeemed for a reward: how often, for how many points, what share of all, and what that cost.

    *cost_per_point* is the cost by the points, `None` where the cost is not known.
    """

    reward: str
    redemptions: int
    points: int
    share: Exact
    cost: Exact | None
    cost_per_point: Exact | None


@frozen(repr=False)
class RewardMix(OfUnit):
    """What points were redeemed for, the most points first. `print` it, or take `rows`, `cost` or `cost_per_point`."""

    row: ClassVar[type[Any]] = RewardShare

    program: str
    unit: str
    rows: tuple[RewardShare, ...]
    places: int = 0
    currency: str = ""

    @property
    def points(self) -> int:
        """All points redeemed."""
        return sum(row.points for row in self.rows)

    @property
    def cost(self) -> Exact | None:
        """What all rewards cost together; `None` where it is not known of one."""
        costs = [row.cost for row in self.rows]
        return None if None in costs else tidy(sum(cost for cost in costs if cost is not None))

    @property
    def cost_per_point(self) -> Exact | None:
        """What a point that was redeemed cost."""
        cost = self.cost
        return None if cost is None else share(cost, self.points)

    def _title(self) -> str:
        return self._title_of(f"{self._points(self.points)} {self.unit} redeemed, {count(len(self.rows), 'reward')}")

    def _tables(self) -> Iterator[Table]:
        together = sum(row.redemptions for row in self.rows)
        whole = tidy(Fraction(1)) if self.points else 0
        total = RewardShare("total", together, self.points, whole, self.cost, self.cost_per_point)
        rows = [
            (row.reward, row.redemptions, self._points(row.points), percent(row.share), _money(row.cost, 2),
             _money(row.cost_per_point, 4))
            for row in (*self.rows, total)
        ]  # fmt: skip
        cost = f"cost, {self.currency}" if self.currency else "cost"
        yield self._title(), ("reward", "redemptions", "points", "share", cost, "per point"), rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        points = {row.reward: row.points / 10**self.places for row in self.rows}
        notes = [percent(row.share) for row in self.rows]
        return plots.ranked(ax, points, notes, title=self._title(), unit=self.unit)


def _money(amount: Exact | None, places: int) -> str:
    return "-" if amount is None else money(amount, places)


def reward_mix(
    accounts: Accounts,
    *,
    at: When | None = None,
    unit: str = "",
    costs: Mapping[str, Number] = EMPTY,
    program: AnyProgram | None = None,
) -> RewardMix:
    """What points of a unit were redeemed for, less what was cancelled, and what it cost.

    Other arguments are as for `points_flow`. *costs* is the money that one redemption of a reward costs, by the
    reward's name; one that is not there costs what its quote says it is worth, which is 0 for an `Item`. Of what was
    cancelled in part, or captured in part, the same part of the cost counts. A frame does not say what quotes were
    worth, so there the cost of other rewards is `None`.

    >>> from loyaltycore.reports import reward_mix
    >>> club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(30)})
    >>> account = club.account("Ada")
    >>> receipt = account.earn(Activity.purchase(50, at="2026-01-05", id="t-1"))
    >>> redemption = account.redeem("coffee", id="r-1", at="2026-01-06")
    >>> mix = reward_mix([account], at="2026-02-01", costs={"coffee": "1.20"})
    >>> mix.cost_per_point, mix.rows[0].redemptions
    (Fraction(1, 25), 1)
    """
    source = source_of(accounts, program)
    unit = source.unit(unit)
    each = {reward: number_of(cost, f"costs of {reward!r}") for reward, cost in costs.items()}
    sums: dict[str, list[Any]] = {}
    for life, values in source.valued(source.until(at)):
        for of, (reward, points, part) in _redeemed(life, unit).items():
            found = sums.setdefault(reward, [0, 0, 0])
            value = each.get(reward, None if values is None else values.get(of, 0))
            found[0] += part > 0
            found[1] += points
            found[2] = None if value is None or found[2] is None else found[2] + value * part
    if set(each) - set(sums) and source.program is not None:
        unknown = [reward for reward in each if reward not in sums and reward not in source.program.rewards]
        if unknown:
            raise RuleError(f"costs: {unknown[0]!r} is no reward of {source.name}")
    total = sum(points for _, points, _ in sums.values())
    rows = [
        RewardShare(
            reward, times, points, share(points, total) or 0, None if cost is None else tidy(cost),
            None if cost is None else share(cost, points),
        )
        for reward, (times, points, cost) in sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
        if times
    ]  # fmt: skip
    currency = "" if source.program is None else source.program.currency
    return RewardMix(source.name, unit, tuple(rows), source.places(unit), currency)


def _redeemed(life: Life, unit: str) -> dict[str, tuple[str, int, Fraction]]:
    """By the id of each redemption or hold: the reward, the points that it took in the end, and what part they are."""
    asked: dict[str, EntryRow] = {}
    taken: Counter[str] = Counter()
    holds: dict[str, str] = {}
    for entry in life.entries:
        if entry.unit != unit:
            continue
        if entry.kind in ("spent", "held"):
            asked[entry.id] = entry
            taken[entry.id] += entry.points if entry.kind == "spent" else 0
        elif entry.kind == "captured":
            holds[entry.id] = entry.source
            taken[entry.source] += entry.points
        elif entry.kind == "cancelled":
            taken[holds.get(entry.source, entry.source)] -= entry.points
    return {
        of: (entry.source, taken[of], Fraction(taken[of], entry.points) if entry.points else Fraction(1))
        for of, entry in asked.items()
    }
