"""What members earned in each period, and why an activity earned what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import frozen

from loyaltycore._calendar import show_moment
from loyaltycore._exact import Exact, FrozenMap, show
from loyaltycore._judging import each_once, given, histories, judge
from loyaltycore._months import check_by, label, period_of
from loyaltycore._result import csv_text, frame_of
from loyaltycore._show import HTML_ROWS, count, html_table, text_table
from loyaltycore._show import points as points_text
from loyaltycore.activity import Activity, Member, Tally
from loyaltycore.awards import Award
from loyaltycore.errors import DataError, RuleError
from loyaltycore.history import AnyProgram

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class MemberPoints(NamedTuple):
    """A row of a report: what a member earned of one unit in each period."""

    member: str
    unit: str
    points: tuple[int, ...]

    @property
    def total(self) -> int:
        """The sum over the periods."""
        return sum(self.points)


class PointsIn(NamedTuple):
    """A row of the frame of a report: what a member earned of a unit in a period."""

    member: str
    unit: str
    period: str
    points: int


@frozen(repr=False)
class PointsReport:
    """Points per member and period. `print` it, or take `rows`, `total`, `to_csv()` or `to_data()`.

    *program* is the program's name. *units* maps each unit to the digits that stand after the point when it is shown;
    points themselves are whole numbers of its smallest step. *periods* are all from the first to the last that has an
    activity: `"2017-01"`, `"2017-Q1"` or `"2017"`. *rows* are sorted by member; one who earned nothing has a row, too.
    *problems* are what is not counted, and why.
    """

    program: str
    by: str
    units: Mapping[str, int]
    periods: tuple[str, ...]
    rows: tuple[MemberPoints, ...]
    problems: tuple[DataError, ...] = ()

    @property
    def total(self) -> int:
        """All points of the program's unit; with several units they do not add up, and `totals` has each."""
        if len(self.units) > 1:
            raise RuleError(f"points of {', '.join(self.units)} do not add up; take them from totals[unit]")
        return sum(self.totals.values())

    @property
    def totals(self) -> Mapping[str, int]:
        """All points of each unit."""
        return FrozenMap({unit: sum(row.total for row in self._of(unit)) for unit in self.units})

    @property
    def members(self) -> int:
        """How many members there are."""
        return len(self.rows) // len(self.units)

    def to_csv(self) -> str:
        """One row per member and unit, one column per period, and the total; no row of totals."""
        plain = {unit: partial(points_text, places=places, thousands="") for unit, places in self.units.items()}
        rows = ((row.member, row.unit, *map(plain[row.unit], (*row.points, row.total))) for row in self.rows)
        return csv_text(("member", "unit", *self.periods, "total"), rows)

    def to_frame(self, backend: str = "polars") -> Any:
        """A row for each member, unit and period, as `Result.to_frame` makes it."""
        rows = [
            PointsIn(row.member, row.unit, period, points)
            for row in self.rows
            for period, points in zip(self.periods, row.points, strict=True)
        ]
        return frame_of(PointsIn, rows, backend)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the points of all members by period, on these axes or on new ones, and return them."""
        from loyaltycore import plots

        totals = {
            unit: [sum(points) / 10**places for points in zip(*(row.points for row in self._of(unit)), strict=True)]
            for unit, places in self.units.items()
        }
        title = f"{self.program}: points earned by {self.by}" if self.program else f"points earned by {self.by}"
        return plots.bars(plots.axes(ax), self.periods, totals, title=title, unit=" and ".join(self.units))

    def to_data(self) -> dict[str, Any]:
        """All of it as plain data, for JSON; points are in the smallest step of their unit."""
        return {
            "program": self.program,
            "by": self.by,
            "units": [
                {"unit": unit, "places": places, "total": self.totals[unit]} for unit, places in self.units.items()
            ],
            "periods": list(self.periods),
            "rows": [
                {
                    "member": row.member,
                    "unit": row.unit,
                    "points": dict(zip(self.periods, row.points, strict=True)),
                    "total": row.total,
                }
                for row in self.rows
            ],
            "problems": [{"place": problem.path, "problem": problem.message} for problem in self.problems],
        }

    def __str__(self) -> str:
        tables = []
        for unit in self.units:
            table = text_table(self._header(), [*self._cells(unit), self._sums(unit)]).split("\n")
            ruled = [*table[:-1], table[1], table[-1]] if self.rows else table
            tables.append("\n".join([self._title(unit), "", *ruled]))
        return "\n\n".join([*tables, *self._left_out()])

    def __repr__(self) -> str:
        return f"<PointsReport: {'; '.join(self._title(unit) for unit in self.units)}>"

    def _repr_html_(self) -> str:
        tables = []
        for unit in self.units:
            shown = [*self._cells(unit)[:HTML_ROWS], self._sums(unit)]
            left_out = self._left_out()
            if self.members > HTML_ROWS:
                left_out.insert(0, f"The first {HTML_ROWS} members are shown, and all of them added up.")
            tables.append(html_table(self._header(), shown, " ".join([f"{self._title(unit)}.", *left_out])))
        return "".join(tables)

    def _of(self, unit: str) -> list[MemberPoints]:
        return [row for row in self.rows if row.unit == unit]

    def _title(self, unit: str) -> str:
        return (
            f"{self.program}: {unit} by {self.by}, {count(len(self.periods), self.by)}, {count(self.members, 'member')}"
        )

    def _header(self) -> tuple[str, ...]:
        return ("member", *self.periods, "total")

    def _cells(self, unit: str) -> list[tuple[str, ...]]:
        places = self.units[unit]
        return [(row.member, *(points_text(n, places) for n in (*row.points, row.total))) for row in self._of(unit)]

    def _sums(self, unit: str) -> tuple[str, ...]:
        rows = self._of(unit)
        sums = [sum(row.points[i] for row in rows) for i in range(len(self.periods))]
        return ("total", *(points_text(n, self.units[unit]) for n in (*sums, sum(sums))))

    def _left_out(self) -> list[str]:
        left_out = f"Not counted: {count(len(self.problems), 'problem')}; report.problems says which and why."
        return [left_out] if self.problems else []


def points_report(
    program: AnyProgram, transactions: Iterable[Activity] | str | PathLike[str], *, by: str = "month"
) -> PointsReport:
    """Points per member and period of the program's zone, and in total; *by* is `"month"`, `"quarter"` or `"year"`.

    *transactions* are activities in any order, all of which are held, or the path of a CSV file. Activities that name
    no member are one row without a name. An activity that is given again counts once; with the same id and other
    content it is a `Conflict`. What a rule raises is raised, with a note of the activity.

    >>> from loyaltycore.reports import points_report
    >>> club = Program("Coffee Club", earning=PerSpend(1))
    >>> visits = [Activity.purchase(n, at=at, member="m-1") for n, at in ((9, "2026-01-31"), (5, "2026-03-01"))]
    >>> report = points_report(club, visits)
    >>> report.periods, report.rows[0].points, report.total
    (('2026-01', '2026-02', '2026-03'), (9, 0, 5), 14)
    """
    check_by(by)
    activities, problems = given(transactions)
    earned: dict[tuple[str, str], Counter[int]] = {}
    seen: set[int] = set()
    for member, history in sorted(histories(activities).items()):
        earned.update({(member, unit): Counter() for unit in program.points})
        for judged in judge(program, member, each_once(history, problems)):
            period = period_of(judged.activity.at, by)
            seen.add(period)
            for unit, award in judged.awards.items():
                earned[member, unit][period] += award.points
    periods = range(min(seen), max(seen) + 1) if seen else range(0)
    return PointsReport(
        program.name,
        by,
        FrozenMap({unit: points.places for unit, points in program.points.items()}),
        tuple(label(period, by) for period in periods),
        tuple(
            MemberPoints(member, unit, tuple(sums[period] for period in periods))
            for (member, unit), sums in earned.items()
        ),
        tuple(problems),
    )


# Explaining one activity --------------------------------------------------------------------------------------------


@frozen(repr=False)
class Explanation:
    """Why an activity earned what it did: its lines, the award of each unit, and what was counted before it.

    *activity* is at civil time of the program's zone, *member* as known before it.
    """

    activity: Activity
    member: Member
    awards: Mapping[str, Award]
    currency: str

    def __str__(self) -> str:
        what = self.activity
        whose = f" of member {what.member}" if what.member else ""
        at = show_moment(what.at.replace(tzinfo=None))
        amount, *amounts = _aligned([what.amount, *(line.amount for line in what.lines)])
        lines = [
            (line.category or line.sku or "-", show(line.quantity), each)
            for line, each in zip(what.lines, amounts, strict=True)
        ]
        parts = [
            f"{what.id}: {what.kind}{whose} at {at}, {amount} {self.currency}",
            text_table(("line", "quantity", "amount"), lines),
        ]
        parts += [f"{unit}: {award.points:,}\n{award}" for unit, award in self.awards.items()]
        if self.member.counted:
            parts.append(_counters_table(self.member))
        return "\n\n".join(parts)


def explain(program: AnyProgram, transactions: Iterable[Activity] | str | PathLike[str], id: str) -> Explanation:
    """Why the activity with that id earned what it did, after all that its member did before.

    >>> from loyaltycore.reports import explain
    >>> club = Program("Coffee Club", earning=PerSpend(1).named("base").cap(10, per="month"))
    >>> visits = [Activity.purchase(8, at=f"2026-01-0{day}", id=f"t-{day}", member="m-1") for day in (1, 2)]
    >>> explain(club, visits, "t-2").awards["points"].points
    2
    """
    activities, _ = given(transactions)
    found = histories(activities)
    member = next((member for member, history in found.items() if any(a.id == id for a in history)), None)
    if member is None:
        raise DataError(f"there is no activity {id!r}; give the id of one that is counted")
    history = each_once(found[member], [])
    judged = next(judged for judged in judge(program, member, history) if judged.activity.id == id)
    return Explanation(judged.activity, judged.member, judged.awards, program.currency)


def _counters_table(member: Member) -> str:
    rows = [
        (key.name or "all kinds", key.what, key.unit, key.period, "lines" if isinstance(count, Tally) else show(count))
        for key, count in sorted(member.counted.items())
    ]
    return text_table(("counted before", "what", "unit", "period", "so far"), rows)


def _aligned(amounts: Sequence[Exact]) -> list[str]:
    """Amounts with equally many digits after the point, as far as they end: none if all are whole, else two or more."""
    texts = [show(amount) for amount in amounts]
    places = max(len(text.partition(".")[2]) for text in texts)
    if not places or any("/" in text for text in texts):
        return texts
    return [f"{whole}.{rest:0<{max(2, places)}}" for whole, _, rest in (text.partition(".") for text in texts)]
