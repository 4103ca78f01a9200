"""What is checked of the rules by which a program earns, and of its tables and bands."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any, Final

from loyaltycore._exact import Exact, show
from loyaltycore._show import code_of
from loyaltycore._strategy import Stored, step, walk
from loyaltycore.conditions import Condition
from loyaltycore.counted import Cap
from loyaltycore.earning import BestOf, Counted, EarningRule, FirstOf, Sum, Times, When, Within, Wrapped
from loyaltycore.earning_rules import Flat, PerItem, PerSpend, PerStep, PerUnit
from loyaltycore.factors import Constant
from loyaltycore.periods import Word
from loyaltycore.problems import ERROR, Check, Problem, Seen
from loyaltycore.redemption_options import AwardChart, Convert, Gift
from loyaltycore.tables import OVER, Band, Table

if TYPE_CHECKING:
    from loyaltycore.points import Points
    from loyaltycore.program import Program

# Rules --------------------------------------------------------------------------------------------------------------


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


def empty_units(program: Program, parts: Iterable[tuple[str, Stored]]) -> Iterator[str]:
    """The units that no rule earns and nothing is converted into."""
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


CHECKS: Final[tuple[Check, ...]] = (
    _one_rule_for_each_counter,
    _no_factor_outside_a_cap,
    _no_gap_in_a_table,
    _bands_meet,
)
"""In the order in which they tell."""
