"""A program: its units with their rules, its currency and zone, and the two questions asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from datetime import date, datetime, timedelta
from functools import lru_cache
import re
from typing import TYPE_CHECKING, Any
import warnings
from zoneinfo import ZoneInfo

from attrs import field

from loyaltycore import _calendar
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._strategy import Stored, frozen, is_name, text, walk
from loyaltycore.activity import ANYONE, Activity, CounterKey, Member
from loyaltycore.awards import Award
from loyaltycore.conditions import Condition
from loyaltycore.dates import AfterInactivity
from loyaltycore.earning import Cap, Counted, EarningRule, Times, wrongly_asked
from loyaltycore.errors import LoyaltyWarning, RuleError
from loyaltycore.periods import Word
from loyaltycore.points import Points
from loyaltycore.redemption import RedemptionOption, as_option

if TYPE_CHECKING:
    from pathlib import Path

    from loyaltycore.account import Account
    from loyaltycore.entries import Entry
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


@frozen(init=False)
class Program(Stored):
    """A loyalty program: what may be earned, checked when it is built.

    `earning=R` is short for one unit, `points={"points": Points(earning=R)}`. *currency* is the ISO code of the money
    that activities are in; *timezone* is where the program's days begin and end. Two different rules that count under
    one name are a `RuleError`; a factor outside a cap, which multiplies past it, is a `LoyaltyWarning`.

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
    ) -> None:
        if (earning is None) == (not points):
            raise RuleError("a program earns by one rule or by several units; give either earning=... or points={...}")
        units = points if earning is None else {"points": Points(earning=earning)}
        self.__attrs_init__(
            name, points=units, currency=currency, timezone=timezone, rewards=rewards, hold_timeout=hold_timeout
        )
        _check_counters(self)
        _check_rewards(self)

    def _arguments(self) -> tuple[list[object], dict[str, object]]:
        args, keywords = super()._arguments()
        only = self.points.get("points")
        if only is not None and len(self.points) == 1 and only == Points(earning=only.earning):
            del keywords["points"]
            keywords = {"earning": only.earning, **keywords}
        return args, keywords

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
    def hold_for(self) -> timedelta:
        """How long a hold lasts that names no end."""
        return _duration(self.hold_timeout)

    @property
    def watches(self) -> tuple[tuple[str, Condition | None], ...]:
        """The activities that expiry rules count inactivity from."""
        rules = (value for unit in self.points.values() for _, value in walk(unit.expiry))
        return tuple({rule.watch: rule.resets for rule in rules if isinstance(rule, AfterInactivity)}.items())

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

    @classmethod
    def load(cls, path: str | Path) -> Program:
        """The program in a TOML or JSON file; a `DataError` names the place of what is wrong."""
        from loyaltycore.serialize import load_program

        return load_program(path)

    def dump(self, path: str | Path | None = None) -> str:
        """The program as TOML (as JSON to a path that ends so), written to *path* if one is given."""
        from loyaltycore.serialize import dump_program

        return dump_program(self, path)


# Checks when built --------------------------------------------------------------------------------------------------


def _check_counters(program: Program) -> None:
    """Every counter belongs to one rule: a second one under its name would eat its room."""
    for unit, points in program.points.items():
        owners: dict[tuple[str, str, Any], tuple[str, EarningRule]] = {}
        for place, value in walk(points.earning, f"$.points.{unit}.earning"):
            # per activity or line nothing is counted, so a name may stand there as often as it likes
            if isinstance(value, Counted) and value.counter_name is not None and not isinstance(value.per, Word):
                counter = (value.counter_name, value.kind, value.per)
                first, owner = owners.setdefault(counter, (place, value))
                if owner != value:
                    raise RuleError(
                        f"{place}: {value!r} counts as {value.counter_name!r} per {value.per!r}, and so does"
                        f" {owner!r} at {first}; give one of them another name"
                    )
            if isinstance(value, Times) and any(isinstance(inside, Cap) for _, inside in walk(value.rule)):
                warnings.warn(
                    f"{place}: {value!r} multiplies past the cap inside it; write the factor before .cap(...)"
                    " if the cap should hold",
                    LoyaltyWarning,
                    stacklevel=3,
                )


def _check_rewards(program: Program) -> None:
    """Every unit that a reward names is one of the program, and what it costs can be redeemed."""
    for name, reward in program.rewards.items():
        for place, value in walk(reward, f"$.rewards.{name}"):
            if not isinstance(value, RedemptionOption):
                continue
            for part, unit in (("unit", value._unit), ("into", getattr(value, "into", ""))):
                if unit and unit not in program.points:
                    known = ", ".join(map(repr, program.points))
                    raise RuleError(f"{place}.{part}: {unit!r} is no unit of the program; it has {known}")
                if part == "unit" and unit and not program.points[unit].redeemable:
                    raise RuleError(f"{place}.unit: {unit!r} cannot be redeemed; name a redeemable unit")
