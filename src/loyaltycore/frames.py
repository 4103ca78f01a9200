"""Bulk: the same rules on data frames, with exactly the same points.

A rule made of what columns can express runs on all rows at once. One that is not, and rows with numbers too large for
a column, are judged one by one. Needs the extra `frames`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal
import warnings

from attrs import evolve, frozen

from loyaltycore._columns import Column, Columns, Engine, Key, Mask, NotLowered, Term, safe_up_to
from loyaltycore._exact import Exact, divided, exact
from loyaltycore._strategy import walk
from loyaltycore.activity import Activity, Line, Member
from loyaltycore.earning import Counted, EarningRule
from loyaltycore.errors import DataError, InexactNumber, LoyaltyError, LoyaltyWarning, MissingExtra, RuleError
from loyaltycore.history import ProgramHistory
from loyaltycore.periods import Word
from loyaltycore.points import Points
from loyaltycore.program import Program

try:
    import narwhals as nw
except ImportError as error:
    raise MissingExtra("frames", "narwhals") from error

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

LIMIT: Final = 2**63 - 1
"""The largest whole number of a column; polars adds, multiplies and divides exactly up to there."""

ROWS: Final = 2**32
"""More rows than a polars frame has."""

_SOME_TIME: Final = datetime(2000, 1, 1)
"""The moment of activities where it is not looked at."""

LABELS: Final = ("category", "tier")
"""What is read as text, nothing as `""`."""

_DECIMAL_DIGITS: Final = 38

_COINS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""The currencies of ISO 4217 that do not have two digits after the point, by how many they have."""


def award_frame(
    rule_or_program: EarningRule | Program,
    df: IntoFrameT,
    *,
    amount: str = "amount",
    amount_unit: Literal["minor", "major"] | None = None,
    member: str = "member",
    at: str = "at",
    category: str = "category",
    tier: str = "tier",
    out: str = "points",
) -> IntoFrameT:
    """The frame with a column of points: what each row, read as an activity of one line, is awarded.

    *df* is a polars `DataFrame` or `LazyFrame`. A lazy one stays lazy, though its amounts are looked at once. The rows
    and their order stay as they are.

    *amount*, *member*, *at*, *category* and *tier* name columns; one that the rule does not read need not be there.
    *tier* is the member's at that moment; a category or tier that is null is `""`. *at* is a date or a datetime. Caps
    per period are filled in its order, and at equal moments in the order of the rows.

    *amount_unit* says what amounts count: the currency's smallest coin (`"minor"`; hundredths for a bare rule), as
    whole numbers do if it is left out, or its main unit (`"major"`), as decimals and text do.

    *out* names the new column; a program of several units has one for each, such as `points_stars`.

    Raises `InexactNumber` for amounts that are floats, and `DataError` for one that is null or below 0, and for a
    column that the rule reads and the frame does not have. Where columns cannot express a rule, such as one of your
    own, each row is judged by itself, and a `LoyaltyWarning` says so.

    >>> import polars as pl
    >>> from loyaltycore.frames import award_frame
    >>> award_frame(PerSpend(1).over(50), pl.DataFrame({"amount": [49_99, 75_50]}))["points"].to_list()
    [0, 25]
    """
    names = {"amount": amount, "member": member, "at": at, "category": category, "tier": tier}
    source = _Source.of(df, names, rule_or_program, amount_unit)
    plan = _Plan.of(source, _units(source, rule_or_program, out))
    if plan.unlike:
        warnings.warn(
            f"columns cannot express {', '.join(plan.unlike)}; each row is judged by itself, which takes far longer",
            LoyaltyWarning,
            stacklevel=2,
        )
    too_large = _check(plan)
    frame: Any = plan.on_columns()
    if too_large or plan.by_rows:
        frame = _on_rows(plan, frame.collect(), too_large=too_large)
    frame = frame.select(*source.schema, *(unit.column for unit in plan.units))
    lazy: Any = frame.lazy().to_native()
    result: IntoFrameT = lazy if source.lazy else lazy.collect()
    return result


@frozen
class _Unit:
    """Points to compute: the column they go to, and the unit's name in the program (`""` for a bare rule)."""

    column: str
    name: str
    points: Points

    def lowered(self, columns: Columns) -> Column:
        """The points on columns."""
        return columns.earned(self.points)

    def check_counters(self) -> None:
        """Refuse a counter that two rules fill: each would have to see what the other takes, row by row."""
        counters = Counter(
            (part.counter_name, part.per)
            for _, part in walk(self.points.earning)
            if isinstance(part, Counted) and not isinstance(part.per, Word)
        )
        for (name, per), rules in counters.items():
            if rules > 1:
                raise NotLowered(f"{rules} rules that count as {name!r} per {per!r}")


def _units(source: _Source, rule_or_program: object, out: str) -> tuple[_Unit, ...]:
    if isinstance(rule_or_program, EarningRule):
        units: tuple[_Unit, ...] = (_Unit(out, "", Points(earning=rule_or_program)),)
    elif isinstance(rule_or_program, Program):
        points = rule_or_program.points
        units = tuple(_Unit(f"{out}_{name}" if len(points) > 1 else out, name, unit) for name, unit in points.items())
    elif isinstance(rule_or_program, ProgramHistory):
        raise RuleError("award_frame: a history has several versions; give one, as in history.version('2026-03-01')")
    else:
        raise RuleError(f"award_frame: {rule_or_program!r} is neither an earning rule nor a program; give one of them")
    taken = {name.lower() for name in source.schema}
    for unit in units:
        if unit.column.lower() in taken:
            raise DataError("the frame has a column of that name; give another one with out=...", unit.column)
    return units


# What is in the frame -----------------------------------------------------------------------------------------------


@frozen
class _Amounts:
    """How a column of amounts is read, exactly: as whole numbers over `below`, in the currency's main unit."""

    name: str
    dtype: nw.dtypes.DType
    places: int
    """Digits after the point that a value may have."""
    shift: int
    """Digits from the unit of the amounts to the currency's main unit."""

    @classmethod
    def of(cls, name: str, dtype: nw.dtypes.DType, unit: str | None, coin: int) -> _Amounts:
        if dtype.is_float():
            raise InexactNumber(
                f"{name}: {dtype} is not exact; give the smallest coins as whole numbers,"
                f' as in (pl.col("{name}") * {10**coin}).round().cast(pl.Int64)'
            )
        if not (dtype.is_integer() or dtype in (nw.Decimal, nw.String, nw.Unknown)):
            raise DataError(f"{dtype} is no amount; give whole numbers, decimals or text", name)
        if unit not in (None, "minor", "major"):
            raise RuleError(f"amount_unit: {unit!r} is no unit; give 'minor' or 'major'")
        minor = unit == "minor" or (unit is None and dtype not in (nw.Decimal, nw.String))
        places = dtype.scale if isinstance(dtype, nw.Decimal) else coin if dtype == nw.String and not minor else 0
        return cls(name, dtype, places, coin if minor else 0)

    @property
    def below(self) -> int:
        """The denominator."""
        below: int = 10 ** (self.places + self.shift)
        return below

    @property
    def most(self) -> int:
        """The largest whole number that columns read."""
        most: int = 10 ** (_DECIMAL_DIGITS - self.places) - 1
        return min(LIMIT, most)

    def plain(self) -> nw.Expr:
        """Where text is written as most amounts are, with no more digits than columns read."""
        after = rf"(\.[0-9]{{1,{self.places}}})?" if self.places else ""
        return nw.col(self.name).str.contains(f"^-?[0-9]{{1,18}}{after}$")

    def value(self) -> nw.Expr:
        """The amounts as numbers; 0 for text that is not plain."""
        amount = nw.col(self.name)
        if self.dtype == nw.String:
            plain = nw.when(self.plain()).then(amount).otherwise(nw.lit("0"))
            return plain.cast(nw.Decimal(_DECIMAL_DIGITS, self.places))
        return amount.cast(nw.Int64) if self.dtype == nw.Unknown else amount

    def too_large(self, most: int) -> nw.Expr:
        """Where the whole number is above `most`, or the text not plain."""
        above = self.value() > (Decimal(f"{most}e-{self.places}") if self.places else most)
        return above | ~self.plain() if self.dtype == nw.String else above

    def whole(self, most: int) -> nw.Expr:
        """The whole numbers; 0 where they are too large."""
        value = nw.when(self.too_large(most)).then(nw.lit(0)).otherwise(self.value())
        return (value * 10**self.places if self.places else value).cast(nw.Int64)

    def exact(self, value: object) -> Exact:
        """One amount, in the main unit."""
        return divided(exact(value, self.name), 10**self.shift)


@frozen
class _Source:
    """A frame, with the place of each row, and where in it to find what."""

    frame: nw.LazyFrame[Any]
    lazy: bool
    schema: nw.Schema
    names: Mapping[str, str]
    amounts: _Amounts
    program: Program | None
    prefix: str

    @classmethod
    def of(cls, df: Any, names: Mapping[str, str], rule_or_program: object, amount_unit: str | None) -> _Source:
        given = nw.from_native(df, pass_through=True)
        if not isinstance(given, (nw.DataFrame, nw.LazyFrame)) or not given.implementation.is_polars():
            raise DataError(f"{type(df).__name__} is no polars frame; convert it, as in pl.from_pandas(df)", "df")
        schema = given.collect_schema()
        if names["amount"] not in schema:
            raise DataError(
                "the frame has no such column; name the one of the amounts with amount=...", names["amount"]
            )
        program = rule_or_program if isinstance(rule_or_program, Program) else None
        coin = next((n for n, currencies in _COINS.items() if program and program.currency in currencies), 2)
        amounts = _Amounts.of(names["amount"], schema[names["amount"]], amount_unit, coin)
        prefix = "_lc"
        while any(name.lower().startswith(prefix) for name in schema):
            prefix += "_"
        placed = nw.from_native(df.lazy().with_row_index(f"{prefix}row"))
        return cls(placed, isinstance(given, nw.LazyFrame), schema, names, amounts, program, prefix)

    @property
    def row(self) -> str:
        """The column of the rows' places."""
        return f"{self.prefix}row"

    @property
    def whole(self) -> str:
        """The column of the amounts as whole numbers."""
        return f"{self.prefix}whole"

    def columns(self, engine: Engine) -> Columns:
        """All rows as activities."""
        return Columns(engine, Column(engine, nw.col(self.whole), self.amounts.below))

    def read(self, role: str) -> str:
        """The column that has the member, the moment, the category or the tier."""
        name = self.names[role]
        if name not in self.schema:
            raise DataError(
                f"the rule reads the {role} and the frame has no such column; name it with {role}=...", name
            )
        if role == "at" and self.schema[name] not in (nw.Date, nw.Datetime, nw.Unknown):
            raise DataError(
                f"{self.schema[name]} is no date; convert it, as in pl.col({name!r}).str.to_datetime()", name
            )
        return name

    def label(self, role: str) -> nw.Expr:
        """A category or tier as text; null is empty."""
        return nw.col(self.read(role)).cast(nw.String).fill_null("")

    def civil(self) -> nw.Expr:
        """The moment in civil time: a program's zone, else as it is."""
        name = self.read("at")
        at, dtype = nw.col(name), self.schema[name]
        if self.program and isinstance(dtype, nw.Datetime) and dtype.time_zone:
            return at.dt.convert_time_zone(self.program.timezone)
        return at.cast(nw.Date) if dtype == nw.Unknown else at


# Rules as expressions -----------------------------------------------------------------------------------------------


class _Expressions(Engine):
    """Rules as expressions of a frame. Their parts are `stages`: columns added one after the other."""

    def __init__(self, source: _Source) -> None:
        self.source = source
        self.stages: list[nw.Expr] = []
        self.reads: set[str] = set()
        self._made: dict[object, str] = {}
        self._staged: list[nw.Expr] = []

    def plus(self, a: Term, b: Term) -> Term:
        return a + b

    def times(self, a: Term, b: Term) -> Term:
        return a * b

    def divided(self, a: Term, by: int) -> Term:
        return a // by

    def up_to(self, a: Term, most: int) -> Term:
        return min(a, most) if type(a) is int else a.clip(upper_bound=most)

    def above(self, a: Term, low: int) -> Term:
        return max(a - low, 0) if type(a) is int else a.clip(lower_bound=low) - low

    def more_than(self, a: Term, bound: int) -> Mask:
        return a > bound

    def pick(self, mask: Mask, a: Term, b: Term) -> Term:
        return nw.when(mask).then(_int64(a)).otherwise(_int64(b))

    def is_in(self, label: str, names: tuple[str, ...]) -> Mask:
        self.reads.add(label)
        column = nw.col(self._once(label, lambda: self.source.label(label)))
        return column == names[0] if len(names) == 1 else column.is_in(names)

    def both(self, a: Mask, b: Mask) -> Mask:
        return a & b

    def either(self, a: Mask, b: Mask) -> Mask:
        return a | b

    def negated(self, a: Mask) -> Mask:
        return ~a

    def months(self, every: int) -> Key:
        civil = self.source.civil()
        month = civil.dt.year().cast(nw.Int64) * 12 + civil.dt.month() - 1
        return self._once(every, lambda: month // every)

    def let_through(self, points: Term, most: int, per: tuple[Key, ...]) -> Term:
        self.reads |= {"member", "at"}
        source = self.source
        points = self.stage(_int64(points))
        running = points.cum_sum().over(source.read("member"), *per, order_by=[source.read("at"), source.row])
        so_far = nw.col(self._named(running))
        return so_far.clip(upper_bound=most) - (so_far - points).clip(upper_bound=most)

    def stage(self, a: Term) -> Term:
        if type(a) is int or any(a is known for known in self._staged):
            return a
        self._staged.append(nw.col(self._named(a)))
        return self._staged[-1]

    def _named(self, expression: nw.Expr) -> str:
        name = f"{self.source.prefix}{len(self.stages)}"
        self.stages.append(expression.alias(name))
        return name

    def _once(self, what: object, make: Callable[[], nw.Expr]) -> str:
        """The name of a column that is made when it is first wanted."""
        if what not in self._made:
            self._made[what] = self._named(make())
        return self._made[what]


def _int64(term: Term) -> Term:
    # a bare number would be of 32 bits, and so would what is made of it
    return nw.lit(term, nw.Int64) if type(term) is int else term


# What is computed where ----------------------------------------------------------------------------------------------


@frozen
class _Plan:
    """What is computed on columns, for amounts of at most which whole number, and what row by row."""

    source: _Source
    units: tuple[_Unit, ...]
    points: Mapping[str, Column]
    stages: tuple[nw.Expr, ...]
    most: int
    unlike: tuple[str, ...]
    reads: frozenset[str]

    @classmethod
    def of(cls, source: _Source, units: tuple[_Unit, ...]) -> _Plan:
        engine = _Expressions(source)
        points, most, unlike = {}, source.amounts.most, []
        for unit in units:
            try:
                unit.check_counters()
                safe = safe_up_to(unit.lowered, source.amounts.below, rows=ROWS, limit=LIMIT)
            except NotLowered as what:
                unlike.append(str(what))
                continue
            if safe >= 0:
                points[unit.column] = unit.lowered(source.columns(engine))
                most = min(most, safe)
        reads = _known_reads(source, units)
        if unlike:
            # it may look at anything, and an activity has a moment
            reads |= {"at"} | {role for role in ("member", *LABELS) if source.names[role] in source.schema}
        return cls(source, units, points, tuple(engine.stages), most, tuple(unlike), frozenset(reads))

    @property
    def by_rows(self) -> bool:
        """Whether there is a unit that columns do not compute."""
        return len(self.points) < len(self.units)

    def on_columns(self) -> nw.LazyFrame[Any]:
        """The frame with the points of every unit; 0 where they go by rows."""
        source = self.source
        frame = source.frame.with_columns(source.amounts.whole(self.most).alias(source.whole))
        for stage in self.stages:
            frame = frame.with_columns(stage)
        points = {unit.column: self.points[unit.column].top if unit.column in self.points else 0 for unit in self.units}
        return frame.with_columns(**{name: _int64(term) for name, term in points.items()})


def _known_reads(source: _Source, units: Iterable[_Unit]) -> set[str]:
    """What the parts of the rules read of `member`, `at`, `category` and `tier`; it has to be there."""
    engine = _Expressions(source)
    for unit in units:
        for _, part in walk(unit.points.earning):
            with suppress(NotLowered):
                source.columns(engine).where(part)
    return engine.reads


def _check(plan: _Plan) -> bool:
    """Refuse rows that are no activities; say whether amounts are too large for columns."""
    source, amounts = plan.source, plan.source.amounts
    read = [source.read(role) for role in ("member", "at") if role in plan.reads]
    problems = [
        *((name, nw.col(name).is_null(), "null", "fill them in or leave them out") for name in (amounts.name, *read)),
        (amounts.name, amounts.value() < 0, "below 0", "leave them out: a refund is no activity, it reverses one"),
    ]
    masks = [*(mask for _, mask, _, _ in problems), amounts.too_large(plan.most)]
    *counts, too_large = source.frame.select(**{str(i): mask.sum() for i, mask in enumerate(masks)}).collect().row(0)
    for (name, mask, what, remedy), count in zip(problems, counts, strict=True):
        if count:
            first = source.frame.filter(mask).select(nw.col(source.row).min()).collect().item()
            rows = "1 row" if count == 1 else f"{count:,} rows, of which this is the first"
            raise DataError(f"{what} in {rows}; {remedy}", f"{name}[{first}]")
    return bool(too_large)


# Row by row -----------------------------------------------------------------------------------------------------------


def _on_rows(plan: _Plan, table: nw.DataFrame[Any], *, too_large: bool) -> nw.DataFrame[Any]:
    """The frame with the points of those rows that columns cannot compute."""
    source = plan.source
    some = table
    if too_large:
        large = source.amounts.too_large(plan.most)
        if "member" in plan.reads:
            # what one row of a member takes of a cap is missing to the others
            member = source.read("member")
            large = nw.col(member).is_in(table.filter(large)[member].unique().to_list())
        some = table.filter(large)
    for unit in plan.units:
        if too_large or unit.column not in plan.points:
            judged = _judged(plan, unit, some if unit.column in plan.points else table)
            table = table.with_columns(table[unit.column].scatter(list(judged), list(judged.values())))
    return table


def _judged(plan: _Plan, unit: _Unit, rows: nw.DataFrame[Any]) -> dict[int, int]:
    """The points of rows, by their places: each an activity of its member, in the order of time."""
    source, name = plan.source, plan.source.amounts.name
    shown = rows.select(
        at=nw.col(source.read("at")) if "at" in plan.reads else nw.lit(_SOME_TIME),
        row=nw.col(source.row),
        amount=nw.col(name),
        **{role: source.label(role) if role in plan.reads else nw.lit("") for role in ("member", *LABELS)},
    ).sort("at", "row")
    members: dict[str, Member] = {}
    judged = {}
    for at, row, amount, who, category, tier in shown.iter_rows():
        member = evolve(members.get(who) or Member(who, unit=unit.name), tier=tier)
        try:
            activity = Activity(Line(source.amounts.exact(amount), category), at=at, member=who)
            if source.program:
                activity = activity.in_zone(source.program.zone)
            award = unit.points.award(activity, member)
        except LoyaltyError as error:
            error.add_note(f"(row {row} of the frame)")
            raise
        if award.points > LIMIT:
            raise DataError(
                f"{award.points:,} points are more than a column holds; ask the rule itself by .award(activity)",
                f"{unit.column}[{row}]",
            )
        members[who] = member.after(award).seen(activity)
        judged[row] = award.points
    return judged
