"""Judging transactions in order: what every report on transactions, rather than on accounts, begins with.

Each member's activities are judged in the order of their moments (of one moment in the order of their ids), whatever
order they come in, and what rules count is carried from one to the next. So caps and first times hold, and the order of
the input never changes a number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from os import PathLike
from typing import NamedTuple

from loyaltycore._calendar import show_moment
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.datasets import Transactions, read_transactions
from loyaltycore.errors import Conflict, DataError, LoyaltyError
from loyaltycore.history import AnyProgram


class Judged(NamedTuple):
    """An activity at civil time of the program's zone, the member as known before it, and what it earned, by unit."""

    activity: Activity
    member: Member
    awards: Mapping[str, Award]


def given(transactions: Iterable[Activity] | str | PathLike[str]) -> tuple[Iterable[Activity], list[DataError]]:
    """The activities, and the problems that came with them."""
    if isinstance(transactions, (str, PathLike)):
        transactions = read_transactions(transactions)
    return transactions, list(transactions.problems) if isinstance(transactions, Transactions) else []


def histories(activities: Iterable[Activity]) -> dict[str, list[Activity]]:
    """The activities of each member."""
    found = defaultdict(list)
    for activity in activities:
        if not isinstance(activity, Activity):
            raise DataError(f"{activity!r} is no activity; give activities, or the path of a CSV file", "transactions")
        found[activity.member].append(activity)
    return found


def each_once(history: Iterable[Activity], problems: list[DataError]) -> Iterator[Activity]:
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


def judge(program: AnyProgram, member: str, history: Iterable[Activity]) -> Iterator[Judged]:
    """A member's activities in order, each judged with what was counted before it."""
    known = Member(member)
    for activity in in_order(program, history):
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


def in_order(program: AnyProgram, history: Iterable[Activity]) -> Iterator[Activity]:
    """At civil time of the program's zone; by instant, then id, then (where there is none) content."""
    zone = program.zone
    local = [activity.in_zone(zone) for activity in history]
    placed = sorted((activity.at.timestamp(), activity.id, n) for n, activity in enumerate(local))
    for _, ties in groupby(placed, key=itemgetter(0, 1)):
        alike = [local[n] for _, _, n in ties]
        yield from alike if len(alike) == 1 else sorted(alike, key=repr)
