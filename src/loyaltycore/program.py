"""A program: its units with their rules, its currency and zone, and the two questions asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import date, datetime, timedelta
from functools import lru_cache
import re
from typing import TYPE_CHECKING, Any
import warnings
from zoneinfo import ZoneInfo

from attrs import Attribute, field

from loyaltycore import _calendar
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._strategy import Stored, frozen, is_name, text, walk
from loyaltycore.activity import ANYONE, Activity, CounterKey, Member
from loyaltycore.awards import Award
from loyaltycore.checks import Problem, problems_of, refusal
from loyaltycore.conditions import Condition
from loyaltycore.dates import AfterInactivity, DateRule
from loyaltycore.earning import EarningRule, wrongly_asked
from loyaltycore.errors import LoyaltyWarning, RuleError
from loyaltycore.points import Points
from loyaltycore.redemption import RedemptionOption, as_option
from loyaltycore.tiers import TierLadder

if TYPE_CHECKING:
    from pathlib import Path

    from loyaltycore.account import Account
    from loyaltycore.entries import Entry
    from loyaltycore.replay import Replay
    from loyaltycore.reports import PointsReport
    from loyaltycore.snapshots import LookUp, Snapshot


def _units(value: Mapping[str, Points]) -> FrozenMap[str, Points]:
    if not isinstance(value, Mapping):
        raise RuleError(f"points: {value!r} is no mapping; give units by name as in {{'stars': Points(earning=...)}}")
    for name, unit in value.items():
        text(name, "points")
        if not isinstance(unit, Points):
            raise RuleError(f"points.{name}: {unit!r} is no unit; give Points(earning=...)")
    return FrozenMap(value)


def _zone_name(value: str) -> str:
    name = text(value, "timezone")
    _calendar.zone(name)
    return name


def _currency(value: str) -> str:
    code = text(value, "currency")
    if len(code) != 3 or not code.isascii() or not code.isalpha():  # noqa: PLR2004 (ISO 4217)
        raise RuleError(f"currency: {code!r} is no ISO 4217 code; give one such as 'USD'")
    return code.upper()


def _rewards(value: Mapping[str, RedemptionOption]) -> FrozenMap[str, RedemptionOption]:
    if not isinstance(value, Mapping):
        raise RuleError(f"rewards: {value!r} is no mapping; give options by name as in {{'coffee': Item(150)}}")
    for name, option in value.items():
        text(name, "rewards")
        as_option(option)
    return FrozenMap(value)


def _ladders(value: Mapping[str, TierLadder]) -> FrozenMap[str, TierLadder]:
    if not isinstance(value, Mapping):
        raise RuleError(
            f"tiers: {value!r} is no ladder; give TierLadder(...), or several by name as in {{'status': ...}}"
        )
    for name, ladder in value.items():
        text(name, "ladders")
        if not isinstance(ladder, TierLadder):
            raise RuleError(f"ladders.{name}: {ladder!r} is no ladder; give TierLadder(Tier(...), ...)")
    return FrozenMap(value)


_DURATION = re.compile(r"(\d{1,6}) ?(minute|hour|day|week)s?", re.ASCII)


@lru_cache(maxsize=64)
def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or found[1].strip("0") == "":
        raise RuleError(f"hold_timeout: {text!r} is no length of time; write it as in '1 day' or '30 minutes'")
    return timedelta(**{f"{found[2]}s": int(found[1])})


def _timeout(value: str | timedelta) -> str:
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds() // 60)} minutes"
    _duration(text(value, "hold_timeout"))
    return value


def _is_bool(_: object, field: Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):
        raise RuleError(f"{field.name}: {value!r} is neither True nor False; give one of them")


@frozen(init=False)
class Program(Stored):
    """A loyalty program: what may be earned, checked when it is built.

    `earning=R` is short for one unit, `points={"points": Points(earning=R)}`; *tiers* is the ladder of tiers, and
    *ladders* are several by name. *currency* is the ISO code of the money that activities are in; *timezone* is where
    the program's days begin and end. *grandfather* is for a version of a `ProgramHistory`: whether points from before
    it keep the expiry that they had.

    What cannot be meant, such as a reward in a unit that there is not, is a `RuleError`, which has all `problems` that
    were found; what is seldom meant is a `LoyaltyWarning` each.

    >>> club = Program("Coffee Club", earning=PerSpend(1) + Flat(50).when(MinSpend(200)))
    >>> club.award(Activity.purchase(200, at="2026-03-01"))["points"].points
    250
    """

    _kind = "program"

    name: str = field(validator=is_name)
    points: FrozenMap[str, Points] = field(converter=_units, kw_only=True)
    currency: str = field(default="USD", converter=_currency, kw_only=True)
    timezone: str = field(default="UTC", converter=_zone_name, kw_only=True)
    rewards: FrozenMap[str, RedemptionOption] = field(default=EMPTY, converter=_rewards, kw_only=True)
    hold_timeout: str = field(default="1 day", converter=_timeout, kw_only=True)
    ladders: FrozenMap[str, TierLadder] = field(default=EMPTY, converter=_ladders, kw_only=True)
    grandfather: bool = field(default=True, validator=_is_bool, kw_only=True)

    def __init__(
        self,
        name: str,
        *,
        earning: EarningRule | None = None,
        points: Mapping[str, Points] = EMPTY,
        currency: str = "USD",
        timezone: str = "UTC",
        rewards: Mapping[str, RedemptionOption] = EMPTY,
        hold_timeout: str | timedelta = "1 day",
        tiers: TierLadder | None = None,
        ladders: Mapping[str, TierLadder] = EMPTY,
        grandfather: bool = True,
    ) -> None:
        if (earning is None) == (not points):
            raise RuleError("a program earns by one rule or by several units; give either earning=... or points={...}")
        units = points if earning is None else {"points": Points(earning=earning)}
        if tiers is not None:
            if ladders:
                raise RuleError("ladders: tiers is one of them already; give either tiers=... or ladders={...}")
            ladders = tiers if isinstance(tiers, Mapping) else {"tiers": tiers}
        self.__attrs_init__(
            name, points=units, currency=currency, timezone=timezone, rewards=rewards, hold_timeout=hold_timeout,
            ladders=ladders, grandfather=grandfather,
        )  # fmt: skip
        problems = self.check()
        refused = refusal(problems)
        if refused is not None:
            raise refused
        for problem in problems:
            warnings.warn(f"{problem.place}: {problem.text}", LoyaltyWarning, stacklevel=2)

    def _arguments(self) -> tuple[list[object], dict[str, object]]:
        args, keywords = super()._arguments()
        only = self.points.get("points")
        if only is not None and len(self.points) == 1 and only == Points(earning=only.earning):
            del keywords["points"]
            keywords = {"earning": only.earning, **keywords}
        if tuple(self.ladders) == ("tiers",):
            del keywords["ladders"]
            keywords["tiers"] = self.ladders["tiers"]
        return args, keywords

    def _children(self) -> Iterator[tuple[str, Stored]]:
        for place, part in super()._children():
            yield ("tiers" if tuple(self.ladders) == ("tiers",) and part is self.ladders["tiers"] else place), part

    def _repr_html_(self) -> str:
        from loyaltycore._notebook import program_html

        return program_html(self)

    @property
    def zone(self) -> ZoneInfo:
        """The program's time zone."""
        return _calendar.zone(self.timezone)

    # What an account asks -------------------------------------------------------------------------------------------

    @property
    def main_unit(self) -> str:
        """The only redeemable unit; a `RuleError` where there is none or there are several."""
        units = [name for name, unit in self.points.items() if unit.redeemable]
        if len(units) == 1:
            return units[0]
        raise RuleError(f"{self.name}: it has {len(units)} redeemable units, {units}; name one by unit=")

    @property
    def revisions(self) -> tuple[datetime, ...]:
        """The instants at which points that are there come under other rules: none, in a program alone."""
        return ()

    def expiry(self, unit: str, born: datetime, now: datetime) -> DateRule:
        """By what points lapse: all alike, whenever they were earned."""
        return self.unit(unit).expiry

    @property
    def hold_for(self) -> timedelta:
        """How long a hold lasts that names no end."""
        return _duration(self.hold_timeout)

    @property
    def watches(self) -> tuple[tuple[str, Condition | None], ...]:
        """The activities that expiry rules count inactivity from."""
        rules = (value for unit in self.points.values() for _, value in walk(unit.expiry))
        return tuple({rule.watch: rule.resets for rule in rules if isinstance(rule, AfterInactivity)}.items())

    @property
    def by_itself(self) -> bool:
        """Whether accounts do something by themselves: convert, let points not carry over, or earn on events."""
        return any(unit.converts or unit.on_event is not None for unit in self.points.values())

    @property
    def changes(self) -> tuple[datetime, ...]:
        """The instants at which another version comes into force: none."""
        return ()

    @property
    def ladder_names(self) -> tuple[str, ...]:
        """The names of the ladders of tiers; the only one, given as `tiers=`, is `"tiers"`."""
        return tuple(self.ladders)

    @property
    def counted(self) -> Mapping[str, Any]:
        """What is counted towards tiers, by the name that it is kept under."""
        return {name: what for ladder in self.ladders.values() for name, what in ladder.counted.items()}

    def is_unit(self, name: str) -> bool:
        """Whether there is a unit of that name."""
        return name in self.points

    def counted_as_balance(self, name: str) -> bool:
        """Whether a tier looks at what there is of a unit, not at what was counted."""
        return any(name in ladder.balances for ladder in self.ladders.values())

    def version(self, at: datetime) -> Program:
        """The program in force at that instant: this one, always."""
        return self

    def unit(self, name: str, at: datetime | None = None) -> Points:
        """The unit of that name; a `RuleError` lists those there are."""
        found: Points | None = self.points.get(name)
        if found is None:
            raise RuleError(f"unit: {name!r} is no unit of {self.name}; it has {', '.join(map(repr, self.points))}")
        return found

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
        """A member's account: new, or as its *entries* tell it, those after the *snapshot* if one is given.

        *id* is opaque: accounts refer to people by it alone. *facts* are what the application knows of the member.
        *shared* holds the counters of stocks and of limits among all members, for all accounts of the program.
        *look_up* finds the entries before a snapshot that an id is the `id` or the `source` of, as a store can; its
        snapshots then need not keep them.
        """
        from loyaltycore.account import Account

        return Account(
            self, id, joined=joined, facts=facts, entries=entries, shared=shared, snapshot=snapshot, look_up=look_up
        )

    # What anyone asks -----------------------------------------------------------------------------------------------

    def award(self, activity: Activity, member: Member = ANYONE) -> Mapping[str, Award]:
        """What the activity earns, by unit."""
        if not (isinstance(activity, Activity) and isinstance(member, Member)):
            raise wrongly_asked(activity, member)
        local = activity.in_zone(self.zone)
        return FrozenMap.over({u: points.award(local, member.in_unit(u)) for u, points in self.points.items()})

    def report(self, transactions: Iterable[Activity] | str | Path, *, by: str = "month") -> PointsReport:
        """Points per member and month (or quarter, or year) of the program's zone, and in total.

        *transactions* are activities in any order, or the path of a CSV file; see `loyaltycore.reports.points_report`.
        """
        from loyaltycore.reports import points_report

        return points_report(self, transactions, by=by)

    def replay(self, history: Any, **keywords: Any) -> Replay:
        """The history of all members as their accounts live it: what was earned, spent and lapsed, and what there is.

        *history* is activities and calls in any order, a frame of them, or the path of a CSV file; the keywords are
        those of `loyaltycore.replay.replay`.
        """
        from loyaltycore.replay import replay

        return replay(self, history, **keywords)

    def check(self) -> tuple[Problem, ...]:
        """What is doubtful about the program: what warned when it was built.

        >>> club = Program("Club", earning=PerSpend(1), rewards={"tea": PayWithPoints(worth="0.01", at_most=50)})
        >>> club.check()
        ()
        """
        return problems_of(self)

    @classmethod
    def load(cls, path: str | Path) -> Program:
        """The program in a TOML or JSON file; a `DataError` names the place of what is wrong."""
        from loyaltycore.serialize import load_program

        return load_program(path)

    def dump(self, path: str | Path | None = None) -> str:
        """The program as TOML (as JSON to a path that ends so), written to *path* if one is given."""
        from loyaltycore.serialize import dump_program

        return dump_program(self, path)
