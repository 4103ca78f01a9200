"""Balances: what members have at a moment, each in an account that their transactions were earned in.

Transactions alone are known here, so nothing was spent. What waits, what lapsed and what will follows from the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
import csv
from datetime import datetime, timedelta
from io import StringIO
from os import PathLike
from typing import Any, Final, NamedTuple

from attrs import evolve, frozen

from loyaltycore._calendar import in_zone, moment, show_moment
from loyaltycore._exact import FrozenMap
from loyaltycore._judging import each_once, given, histories, in_order
from loyaltycore._result import frame_of
from loyaltycore._show import HTML_ROWS, count, html_table, text_table
from loyaltycore._show import points as points_text
from loyaltycore.account import Account
from loyaltycore.activity import Activity
from loyaltycore.desk import When
from loyaltycore.errors import DataError, LoyaltyError
from loyaltycore.history import AnyProgram

SOON: Final = 30
"""How many days ahead a report looks for points that will lapse."""

COLUMNS: Final = ("earned", "pending", "available", "lapsed", "lapse soon")


class MemberBalance(NamedTuple):
    """A row of a report: what a member has of one unit.

    What was earned is pending, available or lapsed, or was converted where the unit does that by itself.
    """

    member: str
    unit: str
    earned: int
    pending: int
    available: int
    lapsed: int
    lapse_soon: int

    @property
    def points(self) -> tuple[int, ...]:
        """The numbers, in the order of the columns."""
        return self[2:]


@frozen(repr=False)
class BalancesReport:
    """What each member has at a moment. `print` it, or take `rows`, `totals`, `to_csv()` or `to_data()`.

    *units* maps each unit to the digits that stand after the point when it is shown; points themselves are whole
    numbers of its smallest step. Of those available `lapse_soon` have their last day within 30 days. *rows* are sorted
    by member; one who has nothing has a row, too. *problems* are what is not counted, and why.
    """

    program: str
    at: datetime
    units: Mapping[str, int]
    rows: tuple[MemberBalance, ...]
    problems: tuple[DataError, ...] = ()

    @property
    def members(self) -> int:
        """How many members there are."""
        return len(self.rows) // len(self.units)

    @property
    def totals(self) -> Mapping[str, MemberBalance]:
        """All members of each unit added up, as a row whose member is `"total"`."""
        totals = {}
        for unit in self.units:
            rows = self._of(unit)
            totals[unit] = MemberBalance(
                "total", unit, *(sum(row.points[i] for row in rows) for i in range(len(COLUMNS)))
            )
        return FrozenMap(totals)

    def to_csv(self) -> str:
        """One row per member and unit; no row of totals."""
        file = StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(MemberBalance._fields)
        for row in self.rows:
            points = (points_text(n, self.units[row.unit], thousands="") for n in row.points)
            writer.writerow((row.member, row.unit, *points))
        return file.getvalue()

    def to_frame(self, backend: str = "polars") -> Any:
        """A row for each member and unit, points in its smallest step, as `Result.to_frame` makes it."""
        return frame_of(MemberBalance, self.rows, backend)

    def to_data(self) -> dict[str, Any]:
        """All of it as plain data, for JSON; points are in the smallest step of their unit."""
        totals = self.totals
        return {
            "program": self.program,
            "at": self.at.isoformat(),
            "units": [
                {"unit": unit, "places": places, "total": totals[unit].available} for unit, places in self.units.items()
            ],
            "rows": [row._asdict() for row in self.rows],
            "problems": [{"place": problem.path, "problem": problem.message} for problem in self.problems],
        }

    def __str__(self) -> str:
        tables = []
        for unit in self.units:
            table = text_table(("member", *COLUMNS), self._cells(unit, self.members)).split("\n")
            ruled = [*table[:-1], table[1], table[-1]] if self.rows else table
            tables.append("\n".join([self._title(unit), "", *ruled]))
        return "\n\n".join([*tables, *self._left_out()])

    def __repr__(self) -> str:
        return f"<BalancesReport: {'; '.join(self._title(unit) for unit in self.units)}>"

    def _repr_html_(self) -> str:
        tables = []
        for unit in self.units:
            left_out = self._left_out()
            if self.members > HTML_ROWS:
                left_out.insert(0, f"The first {HTML_ROWS} members are shown, and all of them added up.")
            title = " ".join([f"{self._title(unit)}.", *left_out])
            tables.append(html_table(("member", *COLUMNS), self._cells(unit, HTML_ROWS), title))
        return "".join(tables)

    def _of(self, unit: str) -> list[MemberBalance]:
        return [row for row in self.rows if row.unit == unit]

    def _cells(self, unit: str, most: int) -> list[tuple[str, ...]]:
        rows = [*self._of(unit)[:most], self.totals[unit]]
        return [(row.member, *(points_text(n, self.units[unit]) for n in row.points)) for row in rows]

    def _title(self, unit: str) -> str:
        at = show_moment(self.at.replace(tzinfo=None))
        return f"{self.program}: {unit} at {at}, {count(self.members, 'member')}"

    def _left_out(self) -> list[str]:
        left_out = f"Not counted: {count(len(self.problems), 'problem')}; report.problems says which and why."
        return [left_out] if self.problems else []


def balances_report(
    program: AnyProgram, transactions: Iterable[Activity] | str | PathLike[str], *, at: When
) -> BalancesReport:
    """What each member has at that moment, of the *transactions* up to and with it.

    *transactions* are activities in any order, or the path of a CSV file, read as `points_report` does.

    >>> from loyaltycore.balances import balances_report
    >>> club = Program("Coffee Club", points={"beans": Points(PerSpend(1), pending=After(days=14))})
    >>> visits = [Activity.purchase(n, at=day, member="m-1") for n, day in ((9, "2026-01-05"), (5, "2026-01-20"))]
    >>> balances_report(club, visits, at="2026-01-21").rows
    (MemberBalance(member='m-1', unit='beans', earned=14, pending=5, available=9, lapsed=0, lapse_soon=0),)
    """
    activities, problems = given(transactions)
    asked = in_zone(moment(at), program.zone)
    rows = [
        _balance(account, unit, asked)
        for account in _accounts(program, activities, asked, problems)
        for unit in program.points
    ]
    places = FrozenMap({unit: points.places for unit, points in program.points.items()})
    return BalancesReport(program.name, asked, places, tuple(rows), tuple(problems))


def account_of(
    program: AnyProgram, transactions: Iterable[Activity] | str | PathLike[str], member: str, *, at: When
) -> Account:
    """The account of one member in which their transactions up to and with that moment were earned.

    A member who is not among the *transactions* is a `DataError`.
    """
    activities, problems = given(transactions)
    own = [activity for activity in activities if activity.member == member]
    if not own:
        raise DataError(f"{member!r} has no transactions; give one of the members there are", "member")
    return next(_accounts(program, own, in_zone(moment(at), program.zone), problems))


def _accounts(
    program: AnyProgram, activities: Iterable[Activity], at: datetime, problems: list[DataError]
) -> Iterator[Account]:
    """An account for each member, by their names."""
    for member, history in sorted(histories(activities).items()):
        account = program.account(member or "nobody")
        for n, activity in enumerate(in_order(program, each_once(history, problems)), start=1):
            if activity.at.timestamp() > at.timestamp():
                break
            try:
                account.earn(activity if activity.id else evolve(activity, id=f"activity {n}"))
            except LoyaltyError as error:
                when = show_moment(activity.at.replace(tzinfo=None))
                error.add_note(f"(activity {activity.id!r} of member {member!r} at {when})")
                raise
        yield account


def _balance(account: Account, unit: str, at: datetime) -> MemberBalance:
    totals = account.totals(unit, at=at)
    soon = at.date() + timedelta(SOON)
    lots = [lot.points for lot in account.lots(unit, at=at) if lot.expires_on is not None and lot.expires_on <= soon]
    return MemberBalance(
        account.id, unit, totals["earned"], totals["pending"], totals["available"], totals["lapsed"], sum(lots)
    )
