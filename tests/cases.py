"""Published cases: numbers that real programs, peers and engines state, read from `data/cases`.

A row of a table asks rules for them. The names after `given` are those of the published numbers:

    case("SB-04", given=lambda i: for_tiers(purchase(i["eligible"]), "Green", "Gold", "Reserve"),
         stars=PerSpend(1) * by_tier(Gold="1.2", Reserve="1.7"))

reads: what SB-04 has as input earns, under this rule, what SB-04 states as its `stars`. Only the rule is written here;
inputs and expected numbers come from the file.

What is given is an activity, or a list of them that happen in turn to one member, whose counters are carried along, or
either of these with the member as a pair. Lists and dicts of any of these are answered one by one. What is asked is a
rule, a unit, a condition, or a function of what is given and the member.

An account is given with a moment as a pair; what is asked is a function of the two, such as `balance`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
import json
from pathlib import Path
from textwrap import shorten
from typing import Any

from attrs import frozen
import pytest

from loyaltycore import *

FILES: dict[str, dict[str, Any]] = {
    path.stem: {record["id"]: record for record in json.loads(path.read_text("utf-8"))}
    for path in sorted((Path(__file__).parent / "data" / "cases").glob("*.json"))
}
RECORDS = {key: record for file in FILES.values() for key, record in file.items()}


@frozen
class Case:
    """A row of a table: the ids it is about, what their inputs are as activities, and what each number is asked of."""

    ids: tuple[str, ...]
    given: Callable[[Any], Any]
    numbers: Mapping[str, Any]

    def answers(self, key: str) -> dict[str, Any]:
        told = self.given(inputs(RECORDS[key]))
        return {name: answer(asked, told) for name, asked in self.numbers.items()}

    def stated(self, key: str) -> dict[str, Any]:
        return {name: exactly(RECORDS[key]["expected"][name]) for name in self.numbers}


def case(*ids: str, given: Callable[[Any], Any], **numbers: Any) -> Case:
    return Case(ids, given, numbers)


def one_by_one(table: Iterable[Case]) -> list[Any]:
    """The table as parameters (row, id), so that each id is a test of its own, called by what is expected."""
    return [pytest.param(row, key, id=_title(row, key)) for row in table for key in row.ids]


def _title(row: Case, key: str) -> str:
    stated = RECORDS[key]["expected"]
    return shorten(f"{key}: {', '.join(f'{name} = {stated[name]}' for name in row.numbers)}", 100)


def inputs(record: Mapping[str, Any]) -> Any:
    return record["inputs"] if "inputs" in record else record["input"]


def exactly(stated: Any) -> Any:
    """What a file states, with the text of numbers read as numbers."""
    if isinstance(stated, dict):
        return {name: exactly(value) for name, value in stated.items()}
    if isinstance(stated, list):
        return [exactly(value) for value in stated]
    try:
        return tidy(Fraction(stated))
    except (ValueError, TypeError):
        return stated


def tidy(number: Fraction) -> int | Fraction:
    """Whole numbers as `int`: they are easier to read where a test fails."""
    return int(number) if number.denominator == 1 else number


# What a rule says ---------------------------------------------------------------------------------------------------


def answer(asked: Any, told: Any, member: Member = ANYONE) -> Any:
    """What is asked, of all that is told: in the shape of what is told, or in that of what is asked."""
    if isinstance(asked, dict):
        return {name: answer(one, told, member) for name, one in asked.items()}
    if isinstance(asked, list):
        each = told if isinstance(told, list) else [told] * len(asked)
        return [answer(one, what, member) for one, what in zip(asked, each, strict=True)]
    if isinstance(told, dict):
        return {name: answer(asked, one, member) for name, one in told.items()}
    if isinstance(told, tuple):
        return answer(asked, *told)
    if isinstance(told, list) and any(isinstance(one, (list, tuple, dict)) for one in told):
        return [answer(asked, one, member) for one in told]
    if callable(asked):
        return asked(told, member)
    return in_turn(asked, told, member) if isinstance(told, list) else in_turn(asked, [told], member)[0]


def in_turn(
    asked: EarningRule | Points | Condition, activities: Iterable[Activity | None], member: Member
) -> list[Any]:
    """What is asked of each activity, the member's counters carried along; a refused one, `None`, earns 0."""
    if isinstance(asked, Condition):
        return [bool(asked.select(activity, member).lines) for activity in activities]
    unit = asked if isinstance(asked, Points) else Points(asked)
    said = []
    for activity in activities:
        points = 0
        if activity is not None:
            award = unit.award(activity, member)
            points, member = award.points, member.after(award).seen(activity)
        said.append(tidy(Fraction(points, 10**unit.places)))
    return said


def total(asked: EarningRule | Points) -> Callable[[list[Activity], Member], Any]:
    """Of activities in turn, the sum."""
    return lambda activities, member: sum(in_turn(asked, activities, member))


def last(asked: EarningRule | Points) -> Callable[[list[Activity], Member], Any]:
    """Of activities in turn, what the last one earns."""
    return lambda activities, member: in_turn(asked, activities, member)[-1]


# What happened ------------------------------------------------------------------------------------------------------


def purchase(amount: Any, category: str = "", *, at: str = "2026-03-02", **facts: Any) -> Activity:
    return Activity.purchase(amount, category=category, at=at, **facts)


def for_tiers(told: Any, *tiers: str) -> dict[str, Any]:
    """The same for a member of each tier."""
    return {tier: (told, Member(tier=tier)) for tier in tiers}


# Accounts -----------------------------------------------------------------------------------------------------------

OPENED = "2026-01-01"


def having(program: Program, points: int, unit: str = "", at: str = OPENED) -> Account:
    """A new account of the program that has so many points."""
    account = program.account("m-1")
    if points:
        account.adjust(points, unit=unit, reason="the opening balance", actor="the file", id="opening", at=at)
    return account


def balance(account: Account, at: Any) -> int:
    """What can be spent, less what is owed."""
    return account.balance(at=at)


def tier(account: Account, at: Any) -> str:
    """The tier that is held."""
    return account.tier(at=at)


def kept_through(account: Account, at: Any) -> str:
    """The last day of the tier that is held."""
    return str(account.tier_progress(at=at).until)


def rows(*kinds: str) -> Callable[[Account, Any], list[int]]:
    """The points of the entries of these kinds, below 0 for what went."""
    went = {"spent", "lapsed", "reversed"}

    def of(account: Account, at: Any) -> list[int]:
        entries = [entry for entry in account.entries if entry.kind in kinds and entry.points]
        return [-entry.points if entry.kind in went else entry.points for entry in entries]

    return of


def lasts(expiry: DateRule, show: Callable[[date], str] = date.isoformat) -> Callable[[str, Any], str]:
    """The last day on which points of a day can be used."""

    def of(day: str, _: Any) -> str:
        account = Program("Expiry", points={"points": Points(Flat(1), expiry=expiry)}).account("m-1")
        account.earn(Activity.action("earning", at=day, id="t-1"))
        [lot] = account.lots(at=day)
        return show(lot.expires_on)

    return of


def gone(expiry: DateRule, show: Callable[[date], str] = date.isoformat) -> Callable[[str, Any], str]:
    """The first day on which points of a day are gone."""
    return lasts(expiry, lambda day: show(day + timedelta(1)))


# Nothing is left out in silence -------------------------------------------------------------------------------------

_BY_HAND: set[str] = set()


def by_hand(*ids: str) -> Any:
    """Mark a test that takes `published`, the record of each id in turn, and accounts for all of its numbers."""
    _BY_HAND.update(number for key in ids for number in numbers_of(RECORDS[key]))
    return pytest.mark.parametrize("published", [pytest.param(RECORDS[key], id=key) for key in ids])


def numbers_of(record: Mapping[str, Any]) -> list[str]:
    """`"IK-07.points"`, `"IK-07.expires"`; the id alone where the file has no names for them."""
    stated = record["expected"]
    return [f"{record['id']}.{name}" for name in stated] if isinstance(stated, dict) else [record["id"]]


def unaccounted(file: str, table: Iterable[Case], not_yet: Mapping[str, str]) -> list[str]:
    """What is wrong with the account of a file: each number is asked in the table or by hand, or is left with a reason.

    *not_yet* has a reason, and ids or single numbers (`"IK-07.expires"`) separated by spaces.
    """
    stated = {number: key for key, record in FILES[file].items() for number in numbers_of(record)}
    asked = {f"{key}.{name}" for row in table for key in row.ids for name in row.numbers} | (_BY_HAND & stated.keys())
    left = [word for words in not_yet.values() for word in words.split()]
    return sorted(
        [f"{word} stands twice in NOT_YET" for word in set(left) if left.count(word) > 1]
        + [f"{word} in NOT_YET is in no file" for word in set(left) - stated.keys() - set(stated.values())]
        + list(_contradictions(stated, asked, set(left)))
    )


def _contradictions(stated: Mapping[str, str], asked: set[str], left: set[str]) -> Iterator[str]:
    for number, key in stated.items():
        is_left = number in left or key in left
        if number in asked and is_left:
            yield f"{number} is asked now: take it out of NOT_YET"
        if number not in asked and not is_left:
            yield f"{number} is neither asked nor left with a reason in NOT_YET"
