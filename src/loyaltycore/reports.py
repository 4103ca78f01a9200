"""Reports: what members earned in each period, and why an activity earned what it did.

Each member's activities are judged in the order of their moments (of one moment in the order of their ids), whatever
order they come in, and what rules count is carried from one to the next. So caps and first times hold, and the order of
the input never changes a number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
import csv
from datetime import date, datetime
from fractions import Fraction
from io import StringIO
from itertools import groupby
from math import sqrt
from operator import itemgetter
from os import PathLike
from statistics import NormalDist
from typing import Any, Final, NamedTuple

from attrs import frozen

from loyaltycore._calendar import civil_date, show_moment
from loyaltycore._exact import Exact, FrozenMap, Number, exact, show, tidy
from loyaltycore._show import html_table, text_table
from loyaltycore._show import points as points_text
from loyaltycore.activity import Activity, Member, Tally
from loyaltycore.awards import Award
from loyaltycore.conditions import InExperiment
from loyaltycore.datasets import Transactions, read_transactions
from loyaltycore.errors import Conflict, DataError, LoyaltyError, RuleError
from loyaltycore.history import AnyProgram

MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
"""What a report may be by, and how many months it has."""

HTML_ROWS: Final = 100
"""How many members a notebook shows; `str`, `to_csv` and `to_data` have all of them."""


class MemberPoints(NamedTuple):
    """A row of a report: what a member earned of one unit in each period."""

    member: str
    unit: str
    points: tuple[int, ...]

    @property
    def total(self) -> int:
        """The sum over the periods."""
        return sum(self.points)


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
        file = StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("member", "unit", *self.periods, "total"))
        for row in self.rows:
            points = (points_text(n, self.units[row.unit], thousands="") for n in (*row.points, row.total))
            writer.writerow((row.member, row.unit, *points))
        return file.getvalue()

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
            f"{self.program}: {unit} by {self.by}, {_count(len(self.periods), self.by)},"
            f" {_count(self.members, 'member')}"
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
        count = _count(len(self.problems), "problem")
        return [f"Not counted: {count}; report.problems says which and why."] if self.problems else []


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
    if by not in MONTHS:
        raise RuleError(f"by: {by!r} is no period of a report; give one of {', '.join(MONTHS)}")
    activities, problems = _given(transactions)
    earned: dict[tuple[str, str], Counter[int]] = {}
    seen: set[int] = set()
    for member, history in sorted(_histories(activities).items()):
        earned.update({(member, unit): Counter() for unit in program.points})
        for judged in _judge(program, member, _each_once(history, problems)):
            period = _period(judged.activity.at, by)
            seen.add(period)
            for unit, award in judged.awards.items():
                earned[member, unit][period] += award.points
    periods = range(min(seen), max(seen) + 1) if seen else range(0)
    return PointsReport(
        program.name,
        by,
        FrozenMap({unit: points.places for unit, points in program.points.items()}),
        tuple(_label(period, by) for period in periods),
        tuple(
            MemberPoints(member, unit, tuple(sums[period] for period in periods))
            for (member, unit), sums in earned.items()
        ),
        tuple(problems),
    )


def _period(at: datetime, by: str) -> int:
    """Which month, quarter or year since the year 0."""
    return (at.year * 12 + at.month - 1) // MONTHS[by]


def _label(period: int, by: str) -> str:
    """`"2017-01"`, `"2017-Q1"` or `"2017"`."""
    year, place = divmod(period, 12 // MONTHS[by])
    return f"{year:04}" + {"month": f"-{place + 1:02}", "quarter": f"-Q{place + 1}", "year": ""}[by]


# Judging, in order --------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """An activity at civil time of the program's zone, the member as known before it, and what it earned, by unit."""

    activity: Activity
    member: Member
    awards: Mapping[str, Award]


def _given(transactions: Iterable[Activity] | str | PathLike[str]) -> tuple[Iterable[Activity], list[DataError]]:
    """The activities, and the problems that came with them."""
    if isinstance(transactions, (str, PathLike)):
        transactions = read_transactions(transactions)
    return transactions, list(transactions.problems) if isinstance(transactions, Transactions) else []


def _histories(activities: Iterable[Activity]) -> dict[str, list[Activity]]:
    """The activities of each member."""
    histories = defaultdict(list)
    for activity in activities:
        if not isinstance(activity, Activity):
            raise DataError(f"{activity!r} is no activity; give activities, or the path of a CSV file", "transactions")
        histories[activity.member].append(activity)
    return histories


def _each_once(history: Iterable[Activity], problems: list[DataError]) -> Iterator[Activity]:
    """The activities, without those that are given again."""
    known: dict[str, Activity] = {}
    for activity in history:
        first = known.get(activity.id)
        if first is None:
            if activity.id:
                known[activity.id] = activity
            yield activity
        elif first == activity:
            problems.append(DataError("given again, with the same content", f"activity {activity.id!r}"))
        else:
            what = next(n for n in ("at", "kind", "lines", "facts") if getattr(first, n) != getattr(activity, n))
            raise Conflict(
                f"activity {activity.id!r} of member {activity.member!r} is given again with other {what};"
                " give each activity an id of its own"
            )


def _judge(program: AnyProgram, member: str, history: Iterable[Activity]) -> Iterator[Judged]:
    """A member's activities in order, each judged with what was counted before it."""
    known = Member(member)
    for activity in _in_order(program, history):
        try:
            awards = program.award(activity, known)
        except LoyaltyError as error:
            at = show_moment(activity.at.replace(tzinfo=None))
            error.add_note(f"(activity {activity.id!r} of member {member!r} at {at})")
            raise
        yield Judged(activity, known, awards)
        for award in awards.values():
            known = known.after(award)
        known = known.seen(activity)


def _in_order(program: AnyProgram, history: Iterable[Activity]) -> Iterator[Activity]:
    """At civil time of the program's zone; by instant, then id, then (where there is none) content."""
    zone = program.zone
    local = [activity.in_zone(zone) for activity in history]
    placed = sorted((activity.at.timestamp(), activity.id, n) for n, activity in enumerate(local))
    for _, ties in groupby(placed, key=itemgetter(0, 1)):
        alike = [local[n] for _, _, n in ties]
        yield from alike if len(alike) == 1 else sorted(alike, key=repr)


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
    activities, _ = _given(transactions)
    histories = _histories(activities)
    member = next((member for member, history in histories.items() if any(a.id == id for a in history)), None)
    if member is None:
        raise DataError(f"there is no activity {id!r}; give the id of one that is counted")
    history = _each_once(histories[member], [])
    judged = next(judged for judged in _judge(program, member, history) if judged.activity.id == id)
    return Explanation(judged.activity, judged.member, judged.awards, program.currency)


def _counters_table(member: Member) -> str:
    rows = [
        (key.name or "all kinds", key.what, key.unit, key.period, "lines" if isinstance(count, Tally) else show(count))
        for key, count in sorted(member.counted.items())
    ]
    return text_table(("counted before", "what", "unit", "period", "so far"), rows)


# Experiments --------------------------------------------------------------------------------------------------------


class GroupsCompared(NamedTuple):
    """A row of an experiment's report: what was measured, per member of each group, and by how much it differs.

    *inside* and *outside* are the exact means, 0 of a group without members. *low* and *high* are the ends of the
    interval of their difference; `None` where a group has fewer than two members.
    """

    measure: str
    inside: Exact
    outside: Exact
    low: float | None
    high: float | None

    @property
    def difference(self) -> Exact:
        """By how much the mean inside is above that outside."""
        return tidy(self.inside - self.outside)

    @property
    def differs(self) -> bool:
        """Whether 0 is not within the interval."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@frozen(repr=False)
class ExperimentReport:
    """The members inside an experiment against those outside, per member. `print` it, or take `rows`.

    *members* are how many there are inside and outside, *level* how sure the intervals are.
    """

    program: str
    experiment: InExperiment
    members: tuple[int, int]
    level: Exact
    rows: tuple[GroupsCompared, ...]
    problems: tuple[DataError, ...] = ()

    def __getitem__(self, measure: str) -> GroupsCompared:
        """The row of a measure: the name of a unit, `"activities"` or `"spend"`."""
        found = next((row for row in reversed(self.rows) if row.measure == measure), None)
        if found is None:
            raise KeyError(f"{measure!r} is not measured; there is {', '.join(repr(row.measure) for row in self.rows)}")
        return found

    def __str__(self) -> str:
        inside, outside = (f"{n:,}" for n in self.members)
        head = f"{self.program}: {self.experiment!r}, {inside} members inside and {outside} outside"
        header = ("per member", "inside", "outside", "difference", f"{show(self.level * 100)}% interval")
        return "\n\n".join([head, text_table(header, [self._cells(row) for row in self.rows])])

    def __repr__(self) -> str:
        return f"<ExperimentReport: {self.experiment!r}, {self.members[0]:,} inside, {self.members[1]:,} outside>"

    def _cells(self, row: GroupsCompared) -> tuple[str, ...]:
        inside, outside = (n > 0 for n in self.members)  # of nobody there is no mean
        given = ((row.inside, inside), (row.outside, outside), (row.difference, inside and outside))
        means = (f"{float(mean):,.2f}" if known else "-" for mean, known in given)
        known = row.low is not None and row.high is not None
        return (row.measure, *means, f"{row.low:,.2f} to {row.high:,.2f}" if known else "-")


def experiment_report(
    program: AnyProgram,
    transactions: Iterable[Activity] | str | PathLike[str],
    name: str,
    share: Number,
    *,
    members: Iterable[str] = (),
    since: date | str | None = None,
    level: Number = "0.95",
) -> ExperimentReport:
    """The members that `InExperiment(name, share)` draws against all others: activities, spend and points per member.

    *transactions* are as for `points_report`; what happened before the civil date *since* is judged but not measured.
    *members* are the ids of all that the experiment is about, and no others are measured. Without them, those who did
    nothing are left out, which misleads where the experiment changes who comes at all. Points are in the smallest step
    of their unit.

    The interval is that of Welch, with the normal approximation: the difference of the means, and on both sides so many
    standard errors, sqrt(s1**2 / n1 + s2**2 / n2), as the *level* has, 1.96 for 0.95. With fewer than about thirty
    members in a group it is too narrow. Who looks every day, or at many measures, will find a difference by chance.

    >>> from loyaltycore.reports import experiment_report
    >>> club = Program("Club", earning=PerSpend(1))
    >>> visits = [Activity.purchase(10 + n % 7, at="2026-03-01", member=f"m-{n}") for n in range(100)]
    >>> report = experiment_report(club, visits, "lounge", "0.5")
    >>> report.members, report["spend"].differs
    ((45, 55), False)
    """
    drawn = InExperiment(name, share)
    sure = exact(level, "level")
    if not 0 < sure < 1 or float(sure) == 1:
        raise RuleError(f"level: {show(sure)} is no share; give one between 0 and 1, such as '0.95'")
    first = None if since is None else civil_date(since, "since")
    activities, problems = _given(transactions)
    if isinstance(members, str):
        raise RuleError(f"members: {members!r} is one text; give a list of ids")
    histories = _histories(activities)
    asked = tuple(members)
    if asked:
        histories = {member: histories.get(member, []) for member in asked}
    histories.pop("", None)  # whoever that is, it is not one member
    measured: dict[bool, list[list[Exact]]] = {True: [], False: []}
    for member, history in sorted(histories.items()):
        sums: list[Exact] = [0] * (2 + len(program.points))
        for activity, _, awards in _judge(program, member, _each_once(history, problems)):
            if first is None or activity.day >= first:
                earned = (awards[unit].points if unit in awards else 0 for unit in program.points)
                sums = [a + b for a, b in zip(sums, (1, activity.amount, *earned), strict=True)]
        measured[drawn.draws(member)].append(sums)
    inside, outside = measured[True], measured[False]
    rows = tuple(
        _compared(what, [values[i] for values in inside], [values[i] for values in outside], sure)
        for i, what in enumerate(("activities", "spend", *program.points))
    )
    return ExperimentReport(program.name, drawn, (len(inside), len(outside)), sure, rows, tuple(problems))


def _compared(measure: str, inside: Sequence[Exact], outside: Sequence[Exact], level: Exact) -> GroupsCompared:
    """Both groups' means, and the interval of their difference."""
    mine, theirs = _mean(inside), _mean(outside)
    if min(len(inside), len(outside)) < 2:  # noqa: PLR2004 (one value has no spread)
        return GroupsCompared(measure, mine, theirs, None, None)
    squared = _spread(inside) / len(inside) + _spread(outside) / len(outside)
    margin = NormalDist().inv_cdf((1 + float(level)) / 2) * sqrt(squared)
    difference = float(mine - theirs)
    return GroupsCompared(measure, mine, theirs, difference - margin, difference + margin)


def _mean(values: Sequence[Exact]) -> Exact:
    return tidy(Fraction(sum(values), len(values))) if values else 0


def _spread(values: Sequence[Exact]) -> Fraction:
    """The variance of a sample, exactly."""
    mean = _mean(values)
    return Fraction(sum((value - mean) ** 2 for value in values)) / (len(values) - 1)


# Text ---------------------------------------------------------------------------------------------------------------


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _aligned(amounts: Sequence[Exact]) -> list[str]:
    """Amounts with equally many digits after the point, as far as they end: none if all are whole, else two or more."""
    texts = [show(amount) for amount in amounts]
    places = max(len(text.partition(".")[2]) for text in texts)
    if not places or any("/" in text for text in texts):
        return texts
    return [f"{whole}.{rest:0<{max(2, places)}}" for whole, _, rest in (text.partition(".") for text in texts)]
