"""The history of a program: its versions, each in force from a day on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias
import warnings
from zoneinfo import ZoneInfo

from attrs import evolve, field

from loyaltycore._calendar import civil_date, first_moment, in_zone, moment
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._strategy import STAR, Stored, frozen, step
from loyaltycore.activity import ANYONE, Activity, CounterKey, Member
from loyaltycore.awards import Award
from loyaltycore.checks import ERROR, Problem, refusal, unnamed_units
from loyaltycore.conditions import Condition
from loyaltycore.dates import DateRule, On
from loyaltycore.earning import wrongly_asked
from loyaltycore.errors import LoyaltyWarning, RuleError
from loyaltycore.points import Points
from loyaltycore.program import Program
from loyaltycore.redemption import RedemptionOption

if TYPE_CHECKING:
    from pathlib import Path

    from loyaltycore.account import Account
    from loyaltycore.entries import Entry
    from loyaltycore.replay import Replay
    from loyaltycore.reports import PointsReport
    from loyaltycore.snapshots import LookUp, Snapshot

Version: TypeAlias = Program | tuple[date, Program]
"""The first program, or a later one with the day from which it is in force."""


def _versions(value: Iterable[Any]) -> tuple[Version, ...]:
    first, *later = tuple(value) or (None,)
    if not isinstance(first, Program):
        raise RuleError(
            "versions[0]: the first version has always been in force; give its Program alone, without a day"
        )
    return (first, *(_version(version, f"versions[{i}]") for i, version in enumerate(later, start=1)))


def _version(value: Any, what: str) -> tuple[date, Program]:
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not isinstance(value[1], Program):  # noqa: PLR2004
        raise RuleError(
            f"{what}: give a pair of the day from which it is in force and the Program; in a file, from = ..."
        )
    day = civil_date(value[0], what)
    if day == date.min:
        raise RuleError(f"{what}: there is nothing before {day}; make it the first version, without a day")
    return day, value[1]


@frozen(init=False)
class ProgramHistory(Stored):
    """A program that changes: its first version, then each later one with the day from which it is in force.

    It is used as a program is. An activity is judged by the version in force at its `at`, however late it is learnt,
    and so are orders and holds. Points keep the expiry of the version that they were earned under, until one says
    `grandfather=False`: from its day on it holds for the points that are there, too. Those that would have lapsed
    before by its rules lapse on that day, and those that were extended keep their date.

    A version begins with the first moment of its day in the program's zone. All of them share the zone, the currency
    and the *places* of units; units and rewards may come and go. Counters of one name go on through all versions.

    >>> card = ProgramHistory(
    ...     Program("Card", earning=PerSpend(4)),
    ...     ("2023-05-01", Program("Card", earning=PerSpend(3))),
    ... )
    >>> [card.award(Activity.purchase(12, at=day))["points"].points for day in ("2023-04-30", "2023-05-01")]
    [48, 36]
    """

    _kind = "program_history"

    versions: tuple[Version, ...] = field(converter=_versions, metadata=STAR)
    _programs: tuple[Program, ...] = field(init=False, eq=False)
    changes: tuple[datetime, ...] = field(init=False, eq=False)
    """The instants at which the versions after the first come into force."""
    _units: Mapping[str, tuple[Points, ...]] = field(init=False, eq=False)
    """Each unit as it was in each version; where one does not have it, as in the last that did."""
    _taken: Mapping[str, tuple[DateRule | None, ...]] = field(init=False, eq=False)
    """By what each version lets the points of each unit lapse that were there before it."""
    revisions: tuple[datetime, ...] = field(init=False, eq=False)
    """The instants at which points that are there come under other rules."""

    def __init__(self, *versions: Program | tuple[date | str, Program]) -> None:
        self.__attrs_init__(versions)
        problems = tuple(_problems(self))
        refused = refusal(problems)
        if refused is not None:
            raise refused
        for problem in problems:
            warnings.warn(f"{problem.place}: {problem.text}", LoyaltyWarning, stacklevel=2)

    def __attrs_post_init__(self) -> None:
        programs = tuple(version if isinstance(version, Program) else version[1] for version in self.versions)
        days = (version[0] for version in self.versions if not isinstance(version, Program))
        starts = tuple(first_moment(day, programs[0].zone) for day in days)
        units = {name: tuple(_through(name, programs)) for name in dict.fromkeys(n for p in programs for n in p.points)}
        taken = {name: tuple(_taken(name, version) for version in self.versions) for name in units}
        revisions = (
            start
            for i, start in enumerate(starts, start=1)
            if not programs[i].grandfather or any(unit[i].order != unit[i - 1].order for unit in units.values())
        )
        put = partial(object.__setattr__, self)  # frozen as it is
        put("_programs", programs)
        put("changes", starts)
        put("_units", units)
        put("_taken", taken)
        put("revisions", tuple(dict.fromkeys(revisions)))

    def _repr_html_(self) -> str:
        from loyaltycore._notebook import history_html

        return history_html(self)

    def _children(self) -> Iterator[tuple[str, Stored]]:
        yield from ((place[2:], program) for place, program in _places(self))

    @property
    def name(self) -> str:
        """The name it goes by now: that of the last version."""
        return self._programs[-1].name

    @property
    def currency(self) -> str:
        """The currency of all versions."""
        return self._programs[0].currency

    @property
    def timezone(self) -> str:
        """The name of the zone of all versions."""
        return self._programs[0].timezone

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of all versions."""
        return self._programs[0].zone

    @property
    def points(self) -> FrozenMap[str, Points]:
        """All units that there ever are, each as it was last."""
        return FrozenMap((name, versions[-1]) for name, versions in self._units.items())

    @property
    def rewards(self) -> FrozenMap[str, RedemptionOption]:
        """All rewards that there ever are, each as it was last; which of them can be had when, the versions say."""
        return FrozenMap(pair for program in self._programs for pair in program.rewards.items())

    # What an account asks -------------------------------------------------------------------------------------------

    def version(self, at: date | str) -> Program:
        """The program in force at a moment: a date (its first moment), a datetime, or ISO text of either."""
        known = isinstance(at, datetime) and at.tzinfo is not None
        return self._programs[self._index(at if known else in_zone(moment(at), self.zone))]

    def _index(self, at: Any) -> int:
        return bisect_right(self.changes, at)

    @property
    def main_unit(self) -> str:
        """The only unit that can be redeemed in any version; a `RuleError` where there is none or there are several."""
        units = self._redeemable()
        if len(units) == 1:
            return units[0]
        raise RuleError(f"{self.name}: its versions have {len(units)} redeemable units, {units}; name one by unit=")

    def _redeemable(self) -> list[str]:
        return [name for name in self._units if any(_redeems(program, name) for program in self._programs)]

    @property
    def watches(self) -> tuple[tuple[str, Condition | None], ...]:
        """The activities that expiry rules of any version count inactivity from."""
        return tuple(dict(watched for program in self._programs for watched in program.watches).items())

    @property
    def by_itself(self) -> bool:
        """Whether accounts do something by themselves in any version."""
        return any(program.by_itself for program in self._programs)

    @property
    def ladder_names(self) -> tuple[str, ...]:
        """The names of the ladders of tiers of any version."""
        return tuple(dict.fromkeys(name for program in self._programs for name in program.ladder_names))

    @property
    def counted(self) -> Mapping[str, Any]:
        """What is counted towards the tiers of any version, by the name that it is kept under."""
        return {name: what for program in self._programs for name, what in program.counted.items()}

    def is_unit(self, name: str) -> bool:
        """Whether there is, or was, a unit of that name."""
        return name in self._units

    def counted_as_balance(self, name: str) -> bool:
        """Whether a tier of any version looks at what there is of a unit."""
        return any(program.counted_as_balance(name) for program in self._programs)

    def unit(self, name: str, at: datetime | None = None) -> Points:
        """The unit of that name as it was at that instant, or as it is last; a `RuleError` lists those there are."""
        found = self._units.get(name)
        if found is None:
            raise RuleError(f"unit: {name!r} is no unit of {self.name}; it has {', '.join(map(repr, self._units))}")
        return found[-1 if at is None else self._index(at)]

    def expiry(self, unit: str, born: datetime, now: datetime) -> DateRule:
        """By what points that were earned at one instant lapse, as things are at another."""
        earned = self._index(born)
        for i in range(self._index(now), earned, -1):
            taken = self._taken[unit][i]
            if taken is not None:
                return taken
        return self._units[unit][earned].expiry

    def account(
        self,
        id: str,
        *,
        joined: date | str | None = None,
        facts: Mapping[str, Any] = EMPTY,
        entries: Iterable[Entry] = (),
        shared: MutableMapping[CounterKey, int] | None = None,
        snapshot: Snapshot | None = None,
        look_up: LookUp | None = None,
    ) -> Account:
        """A member's account, as `Program.account` makes it."""
        from loyaltycore.account import Account

        return Account(
            self, id, joined=joined, facts=facts, entries=entries, shared=shared, snapshot=snapshot, look_up=look_up
        )

    # What anyone asks -----------------------------------------------------------------------------------------------

    def award(self, activity: Activity, member: Member = ANYONE) -> Mapping[str, Award]:
        """What the activity earns under the version of its `at`, by unit."""
        if not (isinstance(activity, Activity) and isinstance(member, Member)):
            raise wrongly_asked(activity, member)
        return self.version(activity.at).award(activity, member)

    def report(self, transactions: Iterable[Activity] | str | Path, *, by: str = "month") -> PointsReport:
        """Points per member and month (or quarter, or year), as `Program.report` tells them."""
        from loyaltycore.reports import points_report

        return points_report(self, transactions, by=by)

    def replay(self, history: Any, **keywords: Any) -> Replay:
        """The history of all members as their accounts live it, as `Program.replay` does."""
        from loyaltycore.replay import replay

        return replay(self, history, **keywords)

    def check(self) -> tuple[Problem, ...]:
        """What is doubtful about the versions, and about how one follows the other."""
        of_each = (
            evolve(problem, place=f"{place}{problem.place[1:]}")
            for place, program in _places(self)
            for problem in program.check()
        )
        return (*of_each, *_problems(self))

    @classmethod
    def load(cls, path: str | Path) -> ProgramHistory:
        """The history in a TOML or JSON file; that of a program without versions is the history of this one alone.

        A `DataError` names the place of what is wrong.
        """
        from loyaltycore.serialize import load_history

        found = load_history(path)
        return found if isinstance(found, ProgramHistory) else ProgramHistory(found)

    def dump(self, path: str | Path | None = None) -> str:
        """The history as TOML (as JSON to a path that ends so), written to *path* if one is given."""
        from loyaltycore.serialize import dump_program

        return dump_program(self, path)


AnyProgram: TypeAlias = Program | ProgramHistory
"""What accounts and reports are made for."""


def _places(history: ProgramHistory) -> Iterator[tuple[str, Program]]:
    """Each version, and its place in the data."""
    for i, program in enumerate(history._programs):
        yield f"$.versions[{i}]", program


def _redeems(program: Program, unit: str) -> bool:
    return unit in program.points and program.points[unit].redeemable


def _through(name: str, programs: tuple[Program, ...]) -> Iterator[Points]:
    """A unit in each version: as it was before where one has dropped it, as it will be where it is still to come."""
    found = next(program.points[name] for program in programs if name in program.points)
    for program in programs:
        found = program.points.get(name, found)
        yield found


def _taken(name: str, version: Version) -> DateRule | None:
    """By what a version lets earlier points lapse, never before it begins; nothing if they keep what they had."""
    if isinstance(version, Program):
        return None
    day, program = version
    if program.grandfather or name not in program.points:
        return None
    return program.points[name].expiry & On(day - timedelta(1))


# Checks when built --------------------------------------------------------------------------------------------------


def _problems(history: ProgramHistory) -> Iterator[Problem]:
    """What is wrong, or doubtful, about how one version follows the other."""
    yield from _in_order(history)
    yield from _share_what_points_are(history)
    yield from _say_what_rewards_cost(history)
    yield from _leave_nothing_behind(history)


def _in_order(history: ProgramHistory) -> Iterator[Problem]:
    days = [(i, version[0]) for i, version in enumerate(history.versions) if not isinstance(version, Program)]
    for (_, before), (i, day) in pairwise(days):
        if day == before:
            yield Problem(f"$.versions[{i}]", f"two versions begin on {day}; keep one of them", ERROR)
        elif day < before:
            text = f"it begins on {day}, and the one before it on {before}; give them in their order"
            yield Problem(f"$.versions[{i}]", text, ERROR)


def _share_what_points_are(history: ProgramHistory) -> Iterator[Problem]:
    """Amounts, days and points mean the same in all versions, or the entries of an account could not be added up."""
    first = history._programs[0]
    for place, program in _places(history):
        for what in ("timezone", "currency"):
            mine, other = getattr(program, what), getattr(first, what)
            if mine != other:
                text = f"{mine!r}, and the first version says {other!r}; an account has one, so keep it"
                yield Problem(f"{place}.{what}", text, ERROR)
        for unit, points in program.points.items():
            places = history._units[unit][0].places
            if points.places != places:
                text = f"{points.places}, and before it was {places}; points there are mean that, so keep it"
                yield Problem(f"{place}.points{step(unit)}.places", text, ERROR)


def _say_what_rewards_cost(history: ProgramHistory) -> Iterator[Problem]:
    """Where versions have different units, each reward says which of them it costs."""
    redeemable = history._redeemable()
    if len(redeemable) > 1:
        for root, program in _places(history):
            for place in unnamed_units(program):
                text = f"it names no unit, and versions have {', '.join(map(repr, redeemable))}; name one"
                yield Problem(f"{root}{place[1:]}.unit", text, ERROR)


def _leave_nothing_behind(history: ProgramHistory) -> Iterator[Problem]:
    """Points that members have can still be spent."""
    for (_, before), (place, after) in pairwise(_places(history)):
        for unit in before.points:
            if _redeems(before, unit) and unit not in after.points:
                text = (
                    f"{unit!r} is gone, so what members have of it can no longer be spent; keep it, with its rule"
                    " ended by .during(None, ...), and a reward, or let it lapse first"
                )
                yield Problem(f"{place}.points", text)
