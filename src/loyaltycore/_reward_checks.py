"""What is checked of the rewards of a program, and of what it converts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from loyaltycore._exact import Exact, show
from loyaltycore._strategy import Stored, step, walk
from loyaltycore.earning import EarningRule
from loyaltycore.factors import ByTier, Constant, Factor, FactorWhen, FactTable, Product, RateTable
from loyaltycore.problems import ERROR, Check, Problem, Seen, listed
from loyaltycore.redemption import OptionAround, Priced, RedemptionOption, automatic_in, inside
from loyaltycore.redemption_options import (
    AwardChart,
    CarryOver,
    Convert,
    Donation,
    Gift,
    Increments,
    Item,
    PayWithPoints,
    PercentOff,
    Voucher,
)

if TYPE_CHECKING:
    from loyaltycore.program import Program

_NAMING_A_UNIT: Final = (Item, Voucher, PercentOff, AwardChart, PayWithPoints, Increments, Donation, Gift, Convert)


def options_of(program: Program) -> Iterator[tuple[str, RedemptionOption, str]]:
    """The rewards and conversions, without what is around them: place, option, and the unit it costs if it names none.

    That is empty where the program has no such unit.
    """
    main = _main_unit(program)
    roots: list[tuple[str, Stored, str]] = [
        *((f"$.rewards{step(name)}", reward, main) for name, reward in program.rewards.items()),
        *((f"$.points{step(name)}", points, name) for name, points in program.points.items()),
    ]
    for root, whole, usual in roots:
        for place, value in walk(whole, root):
            if isinstance(value, RedemptionOption) and not isinstance(value, OptionAround):
                yield place, value, usual


def _main_unit(program: Program) -> str:
    redeemable = _redeemable(program)
    return redeemable[0] if len(redeemable) == 1 else ""


def _redeemable(program: Program) -> list[str]:
    return [name for name, points in program.points.items() if points.redeemable]


def _costs(option: RedemptionOption, usual: str) -> str:
    """The unit that an option costs."""
    return option._unit if isinstance(option._unit, str) and option._unit else usual


def unnamed_units(program: Program) -> Iterator[str]:
    """The places of the rewards that leave it to the program which unit they cost."""
    for place, option, _ in options_of(program):
        if place.startswith("$.rewards") and isinstance(option, _NAMING_A_UNIT) and not option.unit:
            yield place


def _units_are_known(seen: Seen) -> Iterator[Problem]:
    """What a reward costs, or turns into, is a unit of the program, and what it costs can be redeemed."""
    program = seen.program
    known, redeemable = listed(program.points), listed(_redeemable(program))
    for place, option, usual in seen.options:
        into = option.into if isinstance(option, (Convert, Gift)) else ""
        if into and into not in program.points:
            yield Problem(f"{place}.into", f"{into!r} is no unit of the program; it has {known}", ERROR)
        unit = option._unit
        if unit and not (isinstance(unit, str) and unit in program.points):
            yield Problem(f"{place}.unit", f"{unit!r} is no unit of the program; it has {known}", ERROR)
        elif unit and not program.points[unit].redeemable and not isinstance(option, Gift):
            yield Problem(f"{place}.unit", f"{unit!r} cannot be redeemed; name a redeemable unit", ERROR)
        elif not unit and not usual and isinstance(option, _NAMING_A_UNIT):
            which = f"it says none of the redeemable units; name one of {redeemable}"
            yield Problem(f"{place}.unit", which, ERROR)


def _rewards_can_be_had(seen: Seen) -> Iterator[Problem]:
    """What a reward costs is earned at all, and is never more than an account may have."""
    program, usual_unit = seen.program, _main_unit(seen.program)
    for place, option, usual in seen.options:
        unit = _costs(option, usual)
        free = isinstance(option, (Item, Voucher, PercentOff)) and option.cost == 0
        if unit in seen.empty and not free and place.startswith("$.rewards"):
            yield Problem(place, f"it costs {unit!r}, which nothing earns; let a rule earn it, or convert into it")
    for name, reward in program.rewards.items():
        unit = _costs(reward, usual_unit)
        most = program.points[unit].at_most if unit in program.points else None
        price = _least_price(reward)
        if most is not None and price > most:
            text = (
                f"nobody can afford it: it costs {show(price)} points, and an account has at most {most:,}"
                f" {unit!r}; lower the price, or raise at_most"
            )
            yield Problem(f"$.rewards{step(name)}", text)


def _least_price(option: RedemptionOption) -> Exact:
    """The fewest points that an option can cost; 0 where it is not known."""
    if isinstance(option, Priced):
        return _least_price(option.option) * _least_factor(option.factor)
    if isinstance(option, OptionAround):
        return _least_price(option.option)
    if isinstance(option, (Item, Voucher, PercentOff)):
        return 0 if isinstance(option.cost, EarningRule) else option.cost
    if isinstance(option, AwardChart):
        cheapest: Exact = min(row[-1] for row in option.rows)
        return cheapest
    if isinstance(option, Increments):
        return min(option.table)
    if isinstance(option, PayWithPoints):
        return _least_payment(option)
    if isinstance(option, (Donation, Gift)):
        return option.at_least
    return option.fewest if isinstance(option, Convert) else 0


def _least_factor(factor: Factor) -> Exact:
    """The least that a factor can be; 0 where it is not known."""
    if isinstance(factor, Constant):
        return factor.number
    if isinstance(factor, (ByTier, FactTable)):
        return min(factor.otherwise, *factor.factors.values())
    if isinstance(factor, RateTable):
        rates: list[Any] = [row[-1] for row in factor.rows]
        lowest: Exact = min(rates if factor.otherwise is None else [factor.otherwise, *rates])
        return lowest
    if isinstance(factor, Product):
        least: Exact = 1
        for part in factor.factors:
            least *= _least_factor(part)
        return least
    return min(1, _least_factor(factor.factor)) if isinstance(factor, FactorWhen) else 0


def _least_payment(pay: PayWithPoints) -> int:
    return max(1, -(-pay.at_least // pay.step)) * pay.step


def _payments_fit_their_steps(seen: Seen) -> Iterator[Problem]:
    """The points that can be paid with include a whole number of steps."""
    for place, option, _ in seen.options:
        if isinstance(option, PayWithPoints) and option.at_most is not None and option.at_most < _least_payment(option):
            text = (
                f"nobody can pay with it: with steps of {option.step:,} the least is {_least_payment(option):,} points,"
                f" and at most {option.at_most:,} can be spent; raise at_most, or lower step or at_least"
            )
            yield Problem(f"{place}.at_most", text)


def _conversions_are_done_by_themselves(seen: Seen) -> Iterator[Problem]:
    """What a unit is converted into by itself is another, and never comes back; rewards are asked for."""
    program = seen.program
    turns = _turns(program)
    for name, points in program.points.items():
        for i, option in enumerate(points.converts):
            place, core = f"$.points{step(name)}.converts[{i}]", inside(option)[-1]
            if not isinstance(core, Convert):
                continue
            if core.unit not in ("", name):
                yield Problem(place, f"it stands in {name!r} and takes {core.unit!r}; leave unit out", ERROR)
            if name in _made_of(core.into, turns):
                yield Problem(place, f"{name!r} turns into {core.into!r} and comes back; leave one of them out", ERROR)
    for name, reward in program.rewards.items():
        if automatic_in(reward) is not None or isinstance(inside(reward)[-1], CarryOver):
            text = "a reward is asked for; put what is done by itself in Points(converts=...)"
            yield Problem(f"$.rewards{step(name)}", text, ERROR)


def _turns(program: Program) -> dict[str, list[str]]:
    """What each unit turns into by itself."""
    cores = {name: [inside(option)[-1] for option in points.converts] for name, points in program.points.items()}
    return {name: [core.into for core in options if isinstance(core, Convert)] for name, options in cores.items()}


def _made_of(unit: str, turns: Mapping[str, Sequence[str]]) -> set[str]:
    """A unit, and all that it turns into by itself, and that into."""
    found, ahead = set(), [unit]
    while ahead:
        name = ahead.pop()
        if name in turns and name not in found:
            found.add(name)
            ahead += turns[name]
    return found


CHECKS: Final[tuple[Check, ...]] = (
    _units_are_known,
    _rewards_can_be_had,
    _payments_fit_their_steps,
    _conversions_are_done_by_themselves,
)
"""In the order in which they tell."""
