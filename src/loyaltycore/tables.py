"""Tables: rows of keys and a number each, looked up by the facts of an activity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import reduce
from itertools import pairwise, product
from math import prod
from typing import Any, ClassVar, Final

from attrs import field

from loyaltycore._columns import MOST_ROWS, Column, Columns, Mask
from loyaltycore._exact import Exact, FrozenMap, at_least_zero, check_hashes, exact
from loyaltycore._show import code_of
from loyaltycore._strategy import Stored, frozen, is_name, text
from loyaltycore.activity import Activity, FactValue, fact_value
from loyaltycore.errors import RuleError

OVER: Final = "over"
"""The key of a `Band` for what is above its last bound."""

_MOST: Final = 10_000
"""Keys that the rows of a table may stand for together, unless it has so many rows: a few values multiply quickly."""

_left: ContextVar[list[int] | None] = ContextVar("_left", default=None)
"""How many more keys tables may stand for, where somebody has set a limit."""


@contextmanager
def limited_keys(most: int) -> Iterator[None]:
    """Let all tables that are made meanwhile stand for so many keys together, as those of a file that nobody knows."""
    token = _left.set([most])
    try:
        yield
    finally:
        _left.reset(token)


def _bounds(value: object) -> tuple[Exact, ...]:
    bounds = tuple(at_least_zero(v, "upto") for v in value) if isinstance(value, (tuple, list)) else ()
    check_hashes(bounds, "upto")
    if not bounds or any(low >= high for low, high in pairwise(bounds)):
        raise RuleError(f"upto: {value!r} is no row of bounds; give them from the lowest up, as in [600, 1200]")
    return bounds


@frozen
class Band(Stored):
    """A key of a table: the upper bound, included, of the band that a measure falls in.

    What is above the last bound has the key `"over"`.

    >>> band = Band("distance", upto=[600, 1200])
    >>> [band.key(Activity.flight(at="2026-03-01", distance=miles)) for miles in (600, 601, 1201)]
    [600, 1200, 'over']
    """

    _kind = "band"

    of: str = field(validator=is_name)
    upto: tuple[Exact, ...] = field(converter=_bounds, kw_only=True)

    def key(self, activity: Activity) -> FactValue:
        """The bound of the activity's band."""
        there = activity.measure(self.of)
        return next((bound for bound in self.upto if there <= bound), OVER)

    def __str__(self) -> str:
        return self.of


def _keys(value: object) -> tuple[str | Band, ...]:
    keys = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    for key in keys:
        if not isinstance(key, Band):
            text(key, "by")
    if not keys:
        raise RuleError("by: there is no key; name a fact or a Band")
    return keys


def _rows(value: object) -> tuple[tuple[FactValue, ...], ...]:
    """Rows of cells and a number, from a mapping, a nested mapping, or rows."""
    if isinstance(value, Mapping):
        return tuple(_unfold((), value))
    rows = value if isinstance(value, Iterable) and not isinstance(value, str) else ()
    return tuple(_row(*row) if isinstance(row, (tuple, list)) else _row(row) for row in rows)


def _unfold(above: tuple[Any, ...], table: Mapping[Any, Any]) -> Iterator[tuple[FactValue, ...]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _unfold((*above, key), value)
        else:
            yield _row(*above, key, value)


def _row(*cells: object) -> tuple[FactValue, ...]:
    if not cells:
        raise RuleError("rows: there is an empty one; give its keys and its points")
    *keys, number = cells
    return (*map(_cell, keys), at_least_zero(number, f"rows[{keys}]"))


def _cell(value: object) -> FactValue:
    """A fact; or a tuple, of which the table knows what it stands for once it knows how many keys it has."""
    return tuple(map(_cell, value)) if isinstance(value, (tuple, list)) else fact_value(value, "rows")


@frozen
class Table(Stored):
    """Base of what is looked up by facts; see `PointsTable` for what *rows* and *by* may be."""

    _number: ClassVar[str] = "number"

    rows: tuple[tuple[FactValue, ...], ...] = field(converter=_rows)
    by: tuple[str | Band, ...] = field(converter=_keys, kw_only=True)
    _numbers: FrozenMap[tuple[FactValue, ...], Exact] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.rows:
            raise RuleError("rows: the table is empty; give at least one row")
        rows = self._spelt_out()
        check_hashes((row[:-1] for row in rows), "rows")
        bands = [frozenset((*by.upto, OVER)) if isinstance(by, Band) else None for by in self.by]
        numbers: dict[tuple[FactValue, ...], Exact] = {}
        for i, row in enumerate(rows):
            if row[:-1] in numbers:
                raise RuleError(f"rows[{i}]: {row[:-1]!r} stands twice; give each key one row")
            numbers[row[:-1]] = exact(row[-1], self._number)
            for key, band, cell in zip(self.by, bands, row, strict=False):
                if band is not None and cell not in band:
                    raise RuleError(f"rows[{i}]: {cell!r} is no bound of {key!r}; give one of them, or {OVER!r}")
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "_numbers", FrozenMap(numbers))

    def _spelt_out(self) -> tuple[tuple[FactValue, ...], ...]:
        """The rows with one value for each key."""
        rows: list[tuple[FactValue, ...]] = []
        left = _left.get()
        most = max(_MOST, len(self.rows)) if left is None else left[0]
        for i, (*cells, number) in enumerate(self.rows):
            choices = self._choices(i, tuple(cells), number)
            if len(rows) + prod(map(len, choices)) > most:
                raise RuleError(f"rows[{i}]: the rows stand for more than {most:,} keys; give fewer values in a row")
            rows += ((*keys, number) for keys in product(*choices))
        if left is not None:
            left[0] -= len(rows)
        return tuple(rows)

    def _choices(self, i: int, cells: tuple[Any, ...], number: FactValue) -> list[tuple[FactValue, ...]]:
        """For each key what it may be: a tuple is several keys where there are too few, and else any of its values."""
        if len(cells) != len(self.by):
            cells = tuple(key for cell in cells for key in (cell if isinstance(cell, tuple) else (cell,)))
        if len(cells) != len(self.by):
            raise RuleError(
                f"rows[{i}]: {(*cells, number)!r} does not have {len(self.by)} keys and its {self._number};"
                " give all of them"
            )
        facts = [fact_value(cell, "rows") for cell in cells]
        if () in facts:
            raise RuleError(f"rows[{i}]: a key is any of no values; give at least one")
        return [fact if isinstance(fact, tuple) else (fact,) for fact in facts]

    def _arguments(self) -> tuple[list[object], dict[str, object]]:
        args, keywords = super()._arguments()
        args[0] = tuple((*keys, code_of(number)) for *keys, number in self.rows)  # a number is none that stays text
        return args, keywords

    def _stated(self, activity: Activity) -> tuple[Any, ...]:
        """What the activity states of each key."""
        return tuple(by.key(activity) if isinstance(by, Band) else activity.fact(by) for by in self.by)

    def _missing(self, keys: tuple[Any, ...]) -> RuleError:
        known = ", ".join(code_of(row[:-1] if len(self.by) > 1 else row[0]).text for row in self.rows[:8])
        wanted = code_of(keys if len(self.by) > 1 else keys[0]).text
        return RuleError(f"the table by {', '.join(map(str, self.by))} has no row for {wanted}; it has {known}")

    def _looked_up(self, columns: Columns, otherwise: Exact | None) -> Column:
        """The number of the activity's row; without *otherwise*, the table itself is asked where there is none."""
        if not any(isinstance(by, Band) for by in self.by):
            found = columns.engine.find(tuple(columns.agreed(str(by)) for by in self.by), self._numbers, otherwise or 0)
            if found is not None:
                number, unlisted = found
                if otherwise is None:
                    columns.ask_itself(unlisted)
                return number
        keys = [_key_masks(columns, by, {row[i] for row in self._numbers}) for i, by in enumerate(self.by)]
        rows = [
            (reduce(columns.engine.both, (masks[cell] for masks, cell in zip(keys, cells, strict=True))), number)
            for cells, number in self._numbers.items()
        ]
        if otherwise is None and len(rows) <= MOST_ROWS:
            known = reduce(columns.engine.either, (mask for mask, _ in rows))
            columns.ask_itself(columns.engine.negated(known))
        return columns.choose(rows, otherwise or 0)


def _key_masks(columns: Columns, by: str | Band, cells: Iterable[FactValue]) -> Mapping[FactValue, Mask]:
    """Where an activity has each of some keys."""
    if isinstance(by, Band):
        return {cell: _in_band(columns, by, cell) for cell in cells}
    label = columns.agreed(by)
    return {cell: columns.engine.is_in(label, (cell,)) for cell in cells}


def _in_band(columns: Columns, band: Band, key: Any) -> Mask:
    there, engine = columns.measure(band.of), columns.engine
    place = len(band.upto) if key == OVER else band.upto.index(key)
    upto = None if key == OVER else engine.negated(there.more_than(band.upto[place]))
    if not place:
        return upto
    over = there.more_than(band.upto[place - 1])
    return over if upto is None else engine.both(over, upto)
