"""Experiments: the members that a condition draws against all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from math import sqrt
from os import PathLike
from statistics import NormalDist
from typing import Any, ClassVar, NamedTuple

from attrs import frozen

from loyaltycore._calendar import civil_date
from loyaltycore._exact import Exact, Number, exact, show, tidy
from loyaltycore._judging import each_once, given, histories, judge
from loyaltycore._result import Result, Table
from loyaltycore.activity import Activity
from loyaltycore.conditions import InExperiment
from loyaltycore.errors import DataError, RuleError
from loyaltycore.history import AnyProgram


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
class ExperimentReport(Result):
    """The members inside an experiment against those outside, per member. `print` it, or take `rows`.

    *members* are how many there are inside and outside, *level* how sure the intervals are.
    """

    row: ClassVar[type[Any]] = GroupsCompared

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

    def _title(self) -> str:
        inside, outside = (f"{n:,}" for n in self.members)
        return f"{self.program}: {self.experiment!r}, {inside} members inside and {outside} outside"

    def _tables(self) -> Iterator[Table]:
        header = ("per member", "inside", "outside", "difference", f"{show(self.level * 100)}% interval")
        yield self._title(), header, [self._cells(row) for row in self.rows]

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
    activities, problems = given(transactions)
    if isinstance(members, str):
        raise RuleError(f"members: {members!r} is one text; give a list of ids")
    by_member = histories(activities)
    asked = tuple(members)
    if asked:
        by_member = {member: by_member.get(member, []) for member in asked}
    by_member.pop("", None)  # whoever that is, it is not one member
    measured: dict[bool, list[list[Exact]]] = {True: [], False: []}
    for member, history in sorted(by_member.items()):
        sums: list[Exact] = [0] * (2 + len(program.points))
        for activity, _, awards in judge(program, member, each_once(history, problems)):
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
