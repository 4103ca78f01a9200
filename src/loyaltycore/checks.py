"""What is checked of a program when it is built: a function for each mistake, told with its place and the remedy.

A mistake that no program can mean is an error, one that is seldom meant a warning. A check that could be wrong about a
program that works says nothing: it looks only at what the library's own classes say, and at no class of somebody else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from attrs import field

from loyaltycore._exact import Exact, show
from loyaltycore._show import code_of
from loyaltycore._strategy import Stored, frozen, step, walk
from loyaltycore.conditions import AtLeastTier, Condition, Fact, Has, InTier
from loyaltycore.counted import Cap
from loyaltycore.earning import BestOf, Counted, EarningRule, FirstOf, Sum, Times, When, Within, Wrapped
from loyaltycore.earning_rules import Flat, PerItem, PerSpend, PerStep, PerUnit
from loyaltycore.errors import RuleError
from loyaltycore.factors import ByFact, ByTier, Constant, Factor, FactorWhen, FactTable, Product, RateTable
from loyaltycore.periods import Balance, Each, Period, TierTerm, Word
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
from loyaltycore.tables import OVER, Band, Table
from loyaltycore.tiers import AllOf, AnyOf, Qualification, Reach, Tier, TierLadder

if TYPE_CHECKING:
    from loyaltycore.points import Points
    from loyaltycore.program import Program

ERROR: Final = "error"
WARNING: Final = "warning"


def _severity(value: str) -> str:
    if value in (ERROR, WARNING):
        return value
    raise RuleError(f"severity: {value!r} is none; give {ERROR!r} or {WARNING!r}")


@frozen
class Problem(Stored):
    """What is wrong with a program, or doubtful: the place in it, and a sentence that ends in the remedy.

    *severity* is `"error"` for what no program can mean, which it is refused for, and `"warning"` for what is allowed
    and seldom meant.

    >>> print(Problem("$.rewards.coffee.unit", "'star' is no unit of the program; it has 'stars'", "error"))
    error $.rewards.coffee.unit: 'star' is no unit of the program; it has 'stars'
    """

    _kind = "problem"

    place: str = field()
    text: str = field()
    severity: str = field(default=WARNING, converter=_severity)

    def __str__(self) -> str:
        return f"{self.severity} {self.place}: {self.text}"


_MANY: Final = 20
"""Names that an error lists, and tiers that one is compared with: files may have thousands, people's have fewer."""


class Seen(NamedTuple):
    """A program gone through once, for all checks together."""

    program: Program
    parts: tuple[tuple[str, Stored], ...]
    """Everything in it, each with its place."""
    options: tuple[tuple[str, RedemptionOption, str], ...]
    """What `_options` says of it."""
    empty: frozenset[str]
    """The units that no rule earns and nothing is converted into."""


def problems_of(program: Program) -> tuple[Problem, ...]:
    """All that the checks find."""
    parts = tuple(walk(program))
    seen = Seen(program, parts, tuple(_options(program)), frozenset(_empty_units(program, parts)))
    return tuple(problem for check in CHECKS for problem in check(seen))


def refusal(problems: Iterable[Problem]) -> RuleError | None:
    """What to raise for the errors among the problems: it says the first, and has all of them; `None` without one."""
    found = tuple(problems)
    first = next((problem for problem in found if problem.severity == ERROR), None)
    if first is None:
        return None
    error = RuleError(f"{first.place}: {first.text}")
    error.problems = found
    return error


def _listed(names: Iterable[str]) -> str:
    """The first names, so that an error about many of them can still be read."""
    first = list(islice(names, _MANY + 1))
    return ", ".join([*map(repr, first[:_MANY]), *(["and more"] if len(first) > _MANY else [])]) or "none"


# Earning ------------------------------------------------------------------------------------------------------------


def _one_rule_for_each_counter(seen: Seen) -> Iterator[Problem]:
    """A second rule under the name of a counter would eat the room of the first."""
    for unit, points in seen.program.points.items():
        owners: dict[tuple[str, str, Any], tuple[str, EarningRule]] = {}
        for place, value in walk(points, f"$.points{step(unit)}"):
            # per activity or line nothing is counted, so a name may stand there as often as it likes
            if isinstance(value, Counted) and value.counter_name is not None and not isinstance(value.per, Word):
                counter = (value.counter_name, value.kind, value.per)
                first, owner = owners.setdefault(counter, (place, value))
                if owner != value:
                    text = (
                        f"{value!r} counts as {value.counter_name!r} per {value.per!r}, and so does {owner!r} at"
                        f" {first}; give one of them another name"
                    )
                    yield Problem(place, text, ERROR)


def _no_factor_outside_a_cap(seen: Seen) -> Iterator[Problem]:
    """A factor outside a cap multiplies past it; of several around one, the outermost is told."""
    caps = sorted(place for place, value in seen.parts if isinstance(value, Cap))
    told = ""
    for place, value in seen.parts:
        if not (isinstance(value, Times) and place.startswith("$.points")) or (told and place.startswith(f"{told}.")):
            continue
        if any(cap.startswith(f"{place}.rule") for cap in caps[bisect_left(caps, f"{place}.rule") :][:1]):
            told = place
            text = (
                f"{value!r} multiplies past the cap inside it; write the factor before .cap(...) if the cap should hold"
            )
            yield Problem(place, text)


_LEAVES: Final = (PerSpend, PerStep, PerUnit, PerItem, Flat)


def _never_earns(rule: EarningRule) -> bool:
    """Whether a rule is 0 whatever happens; not known of somebody else's."""
    if isinstance(rule, _LEAVES):
        return rule.points == 0
    if isinstance(rule, (Sum, BestOf, FirstOf)):
        return all(map(_never_earns, rule.rules))
    if isinstance(rule, Cap) and rule.points == 0:
        return True
    if isinstance(rule, Times) and rule.factor == Constant(0):
        return True
    return isinstance(rule, Wrapped) and _never_earns(rule.rule)


def _empty_units(program: Program, parts: Iterable[tuple[str, Stored]]) -> Iterator[str]:
    filled = {value.into for _, value in parts if isinstance(value, (Convert, Gift))}
    return (unit for unit, points in program.points.items() if unit not in filled and _is_never_earned(points))


def _is_never_earned(points: Points) -> bool:
    return _never_earns(points.earning) and (points.on_event is None or _never_earns(points.on_event))


# Tables and bands ---------------------------------------------------------------------------------------------------

_SHOWN: Final = 3
"""Gaps of one table that are told one by one."""


def _no_gap_in_a_table(seen: Seen) -> Iterator[Problem]:
    """Every band of a table has a row; a table that is full but for very little has a row for that, too."""
    for place, value in seen.parts:
        if isinstance(value, (Table, AwardChart)) and getattr(value, "otherwise", None) is None:
            gaps = list(islice(_gaps_in_bands(value), _SHOWN + 1)) or list(islice(_holes(value), _SHOWN + 1))
            if gaps:
                more = " and more" if len(gaps) > _SHOWN else ""
                yield Problem(f"{place}.rows", f"there is no row for {'; '.join(gaps[:_SHOWN])}{more}; add it")


def _gaps_in_bands(table: Table | AwardChart) -> Iterator[str]:
    """The bands without a row. What a chart says nothing of before its first band or after its last is not sold."""
    for i, by in enumerate(table.by):
        if not isinstance(by, Band):
            continue
        bands = (*by.upto, OVER)
        places = {band: n for n, band in enumerate(bands)}
        covered: dict[tuple[Any, ...], set[Any]] = {}
        for row in table.rows:
            covered.setdefault((*row[:i], *row[i + 1 : -1]), set()).add(row[i])
        for others, there in covered.items():
            wanted = bands
            if isinstance(table, AwardChart):
                have = [places[band] for band in there]
                wanted = bands[min(have) : max(have) + 1]
            among = f" with {code_of(others[0] if len(others) == 1 else others).text}" if others else ""
            yield from (f"{by} {_stretch(by, band)}{among}" for band in wanted if band not in there)


def _stretch(band: Band, cell: Any) -> str:
    place = len(band.upto) if cell == OVER else band.upto.index(cell)
    over = f"over {show(band.upto[place - 1])}" if place else ""
    upto = "" if cell == OVER else f"up to {show(cell)}"
    return " ".join(filter(None, (over, upto)))


def _holes(table: Table | AwardChart) -> Iterator[str]:
    """The keys without a row, where one or few are missing: with many, a table is not meant to have them all.

    A chart has none: what it has no row for is not sold.
    """
    if isinstance(table, AwardChart) or any(isinstance(by, Band) for by in table.by):
        return
    axes = [dict.fromkeys(row[i] for row in table.rows) for i in range(len(table.by))]
    cells = prod(map(len, axes))
    missing = cells - len(table.rows)
    if missing == 1 or 0 < 10 * missing <= cells:
        there = {row[:-1] for row in table.rows}
        yield from (code_of(key).text for key in product(*axes) if key not in there)


_SLIP: Final = 1
"""Up to so much money between two bands is a slip: 4,000 and 4,001, or 99.99 and 100."""


def _bands_meet(seen: Seen) -> Iterator[Problem]:
    """The bands that are added up begin where the one before ends."""
    for place, value in seen.parts:
        if not isinstance(value, Sum):
            continue
        ladders: dict[Any, list[tuple[Exact, int, Within]]] = {}
        for i, rule in enumerate(value.rules):
            band, among = _band(rule)
            if band is not None and band.of == "amount":
                ladders.setdefault(among, []).append((band.low, i, band))
        for bands in ladders.values():
            for (_, _, below), (low, i, above) in pairwise(sorted(bands, key=lambda found: found[:2])):
                high = below.high
                if high is not None and _is_slip(high, low, below, above):
                    first, last = sorted((low, high))
                    what = "earns nothing" if low > high else "earns twice"
                    text = (
                        f"the amount between {show(first)} and {show(last)} {what}: one band ends at {show(high)} and"
                        f" this one begins at {show(low)}; let it begin at {show(high)}"
                    )
                    yield Problem(f"{place}.rules[{i}]", text)


def _is_slip(high: Exact, low: Exact, *bands: Within) -> bool:
    """Whether what is between two bounds is too little to be meant, beside the bands themselves."""
    between = max(high - low, low - high)
    return 0 < between <= _SLIP and all(b.high is None or 10 * between <= b.high - b.low for b in bands)


def _band(rule: EarningRule) -> tuple[Within | None, tuple[Condition | None, ...]]:
    """The band that a rule is on, and what else says which amount that is: the conditions before it, and after."""
    band: Within | None = None
    among: list[Condition | None] = []
    while isinstance(rule, Wrapped):
        if isinstance(rule, When):
            among.append(rule.condition)
        if isinstance(rule, Within) and band is None:
            band = rule
            among.append(None)
        rule = rule.rule
    return band, tuple(among)


# Rewards ------------------------------------------------------------------------------------------------------------

_NAMING_A_UNIT: Final = (Item, Voucher, PercentOff, AwardChart, PayWithPoints, Increments, Donation, Gift, Convert)


def _options(program: Program) -> Iterator[tuple[str, RedemptionOption, str]]:
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
    for place, option, _ in _options(program):
        if place.startswith("$.rewards") and isinstance(option, _NAMING_A_UNIT) and not option.unit:
            yield place


def _units_are_known(seen: Seen) -> Iterator[Problem]:
    """What a reward costs, or turns into, is a unit of the program, and what it costs can be redeemed."""
    program = seen.program
    known, redeemable = _listed(program.points), _listed(_redeemable(program))
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


# Tiers --------------------------------------------------------------------------------------------------------------


def _ladders(seen: Seen) -> Iterator[tuple[str, TierLadder]]:
    return ((place, value) for place, value in seen.parts if isinstance(value, TierLadder))


def _tiers_are_known(seen: Seen) -> Iterator[Problem]:
    """Tiers that are named are the program's; where it has no ladder they are the application's."""
    ladders = [ladder.names for _, ladder in _ladders(seen)]
    if not ladders:
        return
    first, every = ladders[0], [name for names in ladders for name in names]
    for place, value in seen.parts:
        if isinstance(value, InTier):
            yield from _unknown_tiers(f"{place}.tiers", value.tiers, every, "of the program")
        elif isinstance(value, ByTier):
            yield from _unknown_tiers(f"{place}.factors", value.factors, first, "of the program's first ladder")
        elif isinstance(value, AtLeastTier):
            yield from _unknown_tiers(f"{place}.tier", (value.tier,), first, "of the program's first ladder")


def _unknown_tiers(place: str, names: Iterable[str], known: Sequence[str], whose: str) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(place, f"{name!r} is no tier {whose}; it has {_listed(known)}", ERROR)


def _every_tier_is_reached(seen: Seen) -> Iterator[Problem]:
    """No tier is passed over because what it takes always brings a higher one."""
    for place, ladder in _ladders(seen):
        for i, tier in enumerate(ladder.tiers):
            above = ladder.tiers[i + 1 : i + 1 + _MANY]
            higher = next((other for other in above if _brings(tier, other, ladder)), None)
            if higher is not None:
                text = (
                    f"{tier.name!r} is never reached: whoever meets {tier.qualification!r} also meets that of"
                    f" {higher.name!r}, {higher.qualification!r}; list the tiers from the lowest up, or let"
                    f" {higher.name!r} take more"
                )
                yield Problem(f"{place}.tiers[{i}].qualification", text)


def _brings(tier: Tier, higher: Tier, ladder: TierLadder) -> bool:
    """Whether whoever qualifies for a tier qualifies for a higher one in the same moment."""
    mine, other = tier.qualification, higher.qualification
    if mine is None or other is None or tier.deducts:  # what is deducted no longer counts for the next
        return False
    return _implies(mine, other, ladder.window)


def _implies(this: Qualification, other: Qualification, window: Period) -> bool:
    if isinstance(this, Reach) and isinstance(other, Reach):
        mine, theirs = _window(this, window), _window(other, window)
        # in one term a tier is reached after the other, so the same count is not the same points
        return this.what == other.what and this.n >= other.n and mine == theirs != TierTerm()
    if isinstance(this, AnyOf):
        return all(_implies(part, other, window) for part in this.qualifications)
    if isinstance(other, AllOf):
        return all(_implies(this, part, window) for part in other.qualifications)
    if isinstance(this, AllOf) and any(_implies(part, other, window) for part in this.qualifications):
        return True
    return isinstance(other, AnyOf) and any(_implies(this, part, window) for part in other.qualifications)


def _window(reach: Reach, usual: Period) -> Period:
    return usual if reach.window is None else reach.window


def _reaches(seen: Seen) -> Iterator[tuple[str, str, Exact, Period]]:
    """What the tiers count by a name: the place, the name, how much is needed, and the window."""
    for root, ladder in _ladders(seen):
        for place, value in walk(ladder, root):
            if isinstance(value, Reach) and isinstance(value.what, str):
                yield place, value.what, value.n, _window(value, ladder.window)


def _what_tiers_count_is_earned(seen: Seen) -> Iterator[Problem]:
    """A unit that a tier counts is earned."""
    for place, what, _, _ in _reaches(seen):
        if what in seen.empty:
            text = f"{what!r} is never reached: nothing earns it; let a rule earn it, or convert into it"
            yield Problem(f"{place}.what", text)


def _balances_can_be_reached(seen: Seen) -> Iterator[Problem]:
    """A balance that a tier looks at is of a unit, and an account can have as much."""
    for place, what, n, window in _reaches(seen):
        if not isinstance(window, Balance):
            continue
        unit = seen.program.points.get(what)
        if unit is None:
            text = f"{what!r} has no balance; name a unit, of {_listed(seen.program.points)}"
            yield Problem(f"{place}.what", text, ERROR)
        elif unit.at_most is not None and n > unit.at_most:
            most = f"an account has at most {unit.at_most:,} {what!r}"
            yield Problem(f"{place}.n", f"nobody can have {show(n)}: {most}; lower it, or raise at_most")


def _what_tiers_count_is_spelt_right(seen: Seen) -> Iterator[Problem]:
    """A fact that only a tier knows is not all but the name of a unit, or of a fact that rules look at."""
    places = {what: place for place, what, _, _ in _reaches(seen)}
    known = {*seen.program.points, "spend", "activities", *_facts(seen)} if places else set()
    places = {what: place for what, place in places.items() if what not in known}
    if len(known) * len(places) < _MANY**3:  # each is compared with each
        for what, place in places.items():
            meant = _close_to(what, known)
            if meant:
                text = f"{what!r} is no unit, and no rule looks at such a fact; did you mean {meant!r}?"
                yield Problem(f"{place}.what", text)


def _facts(seen: Seen) -> Iterator[str]:
    """The facts that the rules, conditions and tables of the program look at."""
    for _, value in seen.parts:
        if isinstance(value, (PerUnit, PerStep, Within, Has, Band)):
            yield value.of
        elif isinstance(value, (Fact, ByFact)):
            yield value.name
        elif isinstance(value, Each):
            yield value.fact
        elif isinstance(value, (Table, AwardChart)):
            yield from (by for by in value.by if isinstance(by, str))


_CLOSE: Final = 0.81
"""How alike two names are that one is taken for the other: 'nigths' and 'nights' are, 'stays' and 'stars' are not."""


_LONG: Final = 40
"""Characters of a name that are compared."""


def _close_to(name: str, known: Iterable[str]) -> str:
    """What is known and all but the same; empty where nothing is."""
    from difflib import get_close_matches

    lower = {other.lower(): other for other in sorted(known)}
    found = get_close_matches(name.lower()[:_LONG], lower, n=1, cutoff=_CLOSE)
    return lower[found[0]] if found else ""


CHECKS: Final[tuple[Callable[[Seen], Iterator[Problem]], ...]] = (
    _one_rule_for_each_counter,
    _no_factor_outside_a_cap,
    _no_gap_in_a_table,
    _bands_meet,
    _units_are_known,
    _rewards_can_be_had,
    _payments_fit_their_steps,
    _conversions_are_done_by_themselves,
    _tiers_are_known,
    _every_tier_is_reached,
    _what_tiers_count_is_earned,
    _balances_can_be_reached,
    _what_tiers_count_is_spelt_right,
)
"""In the order in which they tell."""
