"""A program: its units with their rules, its currency and zone, and the two questions asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
import warnings
from zoneinfo import ZoneInfo

from attrs import evolve, field, frozen

from loyaltycore import _calendar, _show
from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._strategy import Stored, text, walk
from loyaltycore.activity import ANYONE, Activity, Member
from loyaltycore.awards import Award
from loyaltycore.earning import Cap, Counted, EarningRule, Times, Wrapped
from loyaltycore.errors import LoyaltyWarning, RuleError
from loyaltycore.points import Points

if TYPE_CHECKING:
    from loyaltycore.reports import PointsReport


def _units(value: object) -> FrozenMap[str, Points]:
    if not isinstance(value, Mapping):
        raise RuleError(f"points: {value!r} is no mapping; give units by name as in {{'stars': Points(earning=...)}}")
    for name, unit in value.items():
        text(name, "points")
        if not isinstance(unit, Points):
            raise RuleError(f"points.{name}: {unit!r} is no unit; give Points(earning=...)")
    return FrozenMap(value)


def _zone_name(value: object) -> str:
    name = text(value, "timezone")
    _calendar.zone(name)
    return name


def _currency(value: object) -> str:
    code = text(value, "currency")
    if len(code) != 3 or not code.isascii() or not code.isalpha():  # noqa: PLR2004 (ISO 4217)
        raise RuleError(f"currency: {code!r} is no ISO 4217 code; give one such as 'USD'")
    return code.upper()


@frozen
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

    name: str = field(converter=lambda v: text(v, "name"))
    points: FrozenMap[str, Points] = field(converter=_units, kw_only=True)
    currency: str = field(default="USD", converter=_currency, kw_only=True)
    timezone: str = field(default="UTC", converter=_zone_name, kw_only=True)

    def __init__(
        self,
        name: str,
        *,
        earning: EarningRule | None = None,
        points: Mapping[str, Points] = EMPTY,
        currency: str = "USD",
        timezone: str = "UTC",
    ) -> None:
        if (earning is None) == (not points):
            raise RuleError("a program earns by one rule or by several units; give either earning=... or points={...}")
        units = points if earning is None else {"points": Points(earning=earning)}
        self.__attrs_init__(name, points=units, currency=currency, timezone=timezone)  # type: ignore[attr-defined]
        _check_counters(self)

    def _code(self) -> _show.Code:
        code = super()._code()
        only = self.points.get("points")
        if len(self.points) == 1 and only == Points(earning=only.earning):
            return _show.Code(code.text.replace(f"points={self.points!r}", f"earning={only.earning!r}", 1))
        return code

    @property
    def zone(self) -> ZoneInfo:
        """The program's time zone."""
        return _calendar.zone(self.timezone)

    def award(self, activity: Activity, member: Member = ANYONE) -> Mapping[str, Award]:
        """What the activity earns, by unit."""
        local = activity.in_zone(self.zone)
        return FrozenMap((unit, points.award(local, _for_unit(member, unit))) for unit, points in self.points.items())

    def report(self, transactions: Iterable[Activity], *, by: str = "month") -> PointsReport:
        """Points per member and month (or quarter, or year) of the program's zone, and in total.

        *transactions* are activities in any order, or the path of a CSV file.
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


def _for_unit(member: Member, unit: str) -> Member:
    """The member as rules of that unit see them: their counters carry its name."""
    return member if member.unit == unit else evolve(member, unit=unit)


# Checks when built --------------------------------------------------------------------------------------------------


def _check_counters(program: Program) -> None:
    """Every counter belongs to one rule: a second one under its name would eat its room."""
    for unit, points in program.points.items():
        owners: dict[tuple[str, str, Any], tuple[str, EarningRule]] = {}
        for place, value in walk(points.earning, f"$.points.{unit}.earning"):
            if isinstance(value, Counted) and value.counter_name is not None:
                counter = (value.counter_name, value.kind, value.per)
                first, owner = owners.setdefault(counter, (place, value))
                if owner != value:
                    raise RuleError(
                        f"{place}: {value!r} counts as {value.counter_name!r} per {value.per!r}, and so does"
                        f" {owner!r} at {first}; give one of them another name"
                    )
            if isinstance(value, Times) and _capped_inside(value.rule):
                warnings.warn(
                    f"{place}: {value!r} multiplies past the cap inside it; write the factor before .cap(...)"
                    " if the cap should hold",
                    LoyaltyWarning,
                    stacklevel=4,
                )


def _capped_inside(rule: EarningRule) -> bool:
    while isinstance(rule, Wrapped):
        if isinstance(rule, Cap):
            return True
        rule = rule.rule
    return False
