"""Bulk: the same rules on data frames, with exactly the same points.

A rule made of what columns can express runs on all rows at once. One that is not, and rows with numbers too large for
a column, are judged one by one. Needs the extra `frames`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal
import warnings

from attrs import evolve, frozen

from loyaltycore._columns import LINE, Bounds, Column, Columns, NotLowered, safe_up_to
from loyaltycore._exact import EMPTY, apportion, floor
from loyaltycore._frame import (
    LABELS,
    LIMIT,
    ROLES,
    Source,
    as_lazy,
    as_relation,
    fact_columns,
    first_day,
    in_a_zone,
    unit_of,
    with_civil,
)
from loyaltycore._frame_engine import MEASURED, Expressions, numbers_of
from loyaltycore._frame_sql import sql_of
from loyaltycore._spark import with_points
from loyaltycore._strategy import walk
from loyaltycore.activity import Activity, Line, Member
from loyaltycore.awards import Award, told_by_name
from loyaltycore.counted import EveryNthTime, Limit
from loyaltycore.earning import Counted, EarningRule, Named
from loyaltycore.errors import DataError, LoyaltyError, LoyaltyWarning, RuleError
from loyaltycore.history import ProgramHistory
from loyaltycore.periods import CALENDAR_UNITS, Word
from loyaltycore.points import Points
from loyaltycore.program import Program
from loyaltycore.refunds import weights_of

import narwhals as nw  # isort: skip  (what is missing is said with its extra by _frame)

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

ROWS: Final = 2**32
"""More rows than a polars frame has."""

_SOME_TIME: Final = datetime(2000, 1, 1)
"""The moment of activities where it is not looked at."""


def award_frame(
    rule_or_program: EarningRule | Program,
    df: IntoFrameT,
    *,
    amount: str = "amount",
    amount_unit: Literal["minor", "major"] | None = None,
    amount_decimals: int | None = None,
    id: str | None = None,
    member: str = "member",
    at: str = "at",
    category: str = "category",
    sku: str = "sku",
    kind: str = "kind",
    quantity: str = "quantity",
    tier: str = "tier",
    facts: Mapping[str, str] | Iterable[str] = EMPTY,
    member_facts: Mapping[str, str] | Iterable[str] = EMPTY,
    out: str = "points",
    explain: bool = False,
) -> IntoFrameT:
    """The frame with a column of points: what each row, read as an activity of one line, is awarded.

    *df* is a frame of polars (eager or lazy), pandas, pyarrow or Spark, or a DuckDB relation, and so is the result.
    What is lazy stays lazy, though its amounts are looked at once. The rows stay as they are, and so does their order,
    which a relation and a frame of Spark do not have.

    *id* names a column: rows with one id are the lines of one activity. Its points are split over its rows as those of
    an account are by line: in proportion to what each line would earn alone without caps, by largest remainder, so
    that the column adds up.

    *amount*, *member*, *at*, *category*, *sku*, *kind*, *quantity* and *tier* name columns; one that the rule does not
    read need not be there. *tier* is the member's at that moment; a label that is null is `""`, a quantity 1. *at* is a
    date or a datetime. *facts* are facts of the lines and *member_facts* those of the members: a column for each, or
    the names of columns; null is not stated. Caps per period are filled in the order of *at*, and at equal moments in
    the order of the rows.

    *amount_unit* says what amounts count: the currency's smallest coin (`"minor"`; hundredths for a bare rule), as
    whole numbers do if it is left out, or its main unit (`"major"`), as decimals, text and floats do. Floats are
    refused unless *amount_decimals* says to how many decimals to round them.

    *out* names the new column; a program of several units has one for each, such as `points_stars`. With *explain*
    there is one for each named part too, such as `points_dining`: what it gives, rounded down, before the factors and
    caps around it.

    Raises `InexactNumber` for amounts that are floats, and `DataError` for one that is null or below 0 (in a basket, a
    line may be below 0), for a column that the rule reads and the frame does not have, and where the rows of one id
    differ in their member or moment. Where columns cannot express a rule, such as one of your own, each row is judged
    by itself, and a `LoyaltyWarning` says so.

    >>> import polars as pl
    >>> from loyaltycore.frames import award_frame
    >>> award_frame(PerSpend(1).over(50), pl.DataFrame({"amount": [49_99, 75_50]}))["points"].to_list()
    [0, 25]
    """
    return _awarded(  # type: ignore[no-any-return]  # of the library that was given
        rule_or_program, df, amount=amount, amount_unit=amount_unit, amount_decimals=amount_decimals, id=id,
        member=member, at=at, category=category, sku=sku, kind=kind, quantity=quantity, tier=tier, facts=facts,
        member_facts=member_facts, out=out, explain=explain, stacklevel=4,
    )  # fmt: skip


def _awarded(
    rule_or_program: EarningRule | Program,
    df: Any,
    *,
    stacklevel: int,
    amount_unit: str | None = None,
    amount_decimals: int | None = None,
    id: str | None = None,
    facts: Mapping[str, str] | Iterable[str] = EMPTY,
    member_facts: Mapping[str, str] | Iterable[str] = EMPTY,
    out: str = "points",
    explain: bool = False,
    **columns: str,
) -> Any:
    names = {role: columns.pop(role, role) for role in ROLES}
    if columns:
        raise TypeError(f"award_frame takes no {', '.join(columns)}")
    program = rule_or_program if isinstance(rule_or_program, Program) else None
    wanted = _units(rule_or_program, out, explain=explain)

    def source_of(frame: Any) -> Source:
        return Source.of(
            frame, names, program, id=id, facts=facts, member_facts=member_facts,
            amount_unit=amount_unit, amount_decimals=amount_decimals,
        )  # fmt: skip

    def again(table: Any) -> Any:
        return _awarded(
            rule_or_program, table, stacklevel=stacklevel, amount_unit=amount_unit, amount_decimals=amount_decimals,
            id=id, facts=facts, member_facts=member_facts, out=out, explain=explain, **names,
        )  # fmt: skip

    source = source_of(df)
    # a table that is made of it may have whole numbers as decimals, which count coins all the same
    amount_unit = unit_of(source.schema[names["amount"]], amount_unit)
    plan = _Plan.of(source, _not_taken(wanted, source))
    plan.say_what_goes_by_rows(stacklevel)
    return plan.result(source_of, again)


def points_by(
    df: IntoFrameT,
    rule_or_program: EarningRule | Program,
    *,
    by: str | Iterable[str] = ("member", "month"),
    **keywords: Any,
) -> IntoFrameT:
    """The points of a frame added up: by columns, and by `"day"`, `"week"`, `"month"`, `"quarter"` or `"year"`.

    A period is told by its first day. *keywords* are those of `award_frame`. Groups are sorted, but for those of what
    is lazy, which come as they may.

    >>> import polars as pl
    >>> from loyaltycore.frames import points_by
    >>> sales = pl.DataFrame({"member": ["Ada", "Ben", "Ada"], "amount": [10_50, 20_00, 10_50]})
    >>> points_by(sales, PerSpend(1), by="member").rows()
    [('Ada', 20), ('Ben', 20)]
    """
    names: dict[str, str] = {role: keywords.get(role, role) for role in ROLES}
    groups = [names.get(group, group) for group in ([by] if isinstance(by, str) else by)]
    needed = [*names.values(), *groups, keywords.get("id")]
    for facts in ("facts", "member_facts"):
        needed += fact_columns(keywords.get(facts, EMPTY), facts).values()
    lazy, given_back = as_lazy(df, needed)
    columns = lazy.collect_schema().names()
    frame = nw.from_native(_awarded(rule_or_program, lazy.to_native(), stacklevel=4, **keywords))
    outs = [name for name in frame.collect_schema().names() if name not in columns]
    for group in groups:
        if group not in columns:
            frame = _with_first_day(frame, rule_or_program, names["at"], group)
    summed = frame.group_by(groups).agg(*(nw.col(name).sum().cast(nw.Int64) for name in outs))
    return given_back(summed, groups)  # type: ignore[no-any-return]  # of the library that was given


def _with_first_day(frame: nw.LazyFrame[Any], rule_or_program: object, at: str, period: str) -> nw.LazyFrame[Any]:
    """The frame with the first day of the period that a row is in."""
    if period not in CALENDAR_UNITS:
        periods = ", ".join(CALENDAR_UNITS)
        raise DataError(f"the frame has no such column; give by=... the names of columns, or of {periods}", period)
    dtype = frame.collect_schema().get(at)
    if dtype is None:
        raise DataError(f"there is no such column to tell the {period} by; name it with at=...", at)
    program = rule_or_program if isinstance(rule_or_program, Program) else None
    if sql := sql_of(frame):
        civil = sql.quoted(at)
        if program and in_a_zone(program, dtype):
            civil = sql.in_zone(civil, program.timezone)
        return sql.with_columns(frame, {period: sql.first_day(civil, period)})
    if in_a_zone(program, dtype):
        frame, at = with_civil(frame, at, program, period), period
    first = first_day(nw.col(at), period)
    return frame.with_columns((first if dtype == nw.Date else first.dt.date()).alias(period))


@frozen
class _Unit:
    """Points to compute: the column they go to, and the unit's name in the program (`""` for a bare rule)."""

    column: str
    name: str
    points: Points
    parts: Mapping[str, str]
    """The columns of the named parts, by their names."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are added."""
        return (self.column, *self.parts.values())

    def lowered(self, engine: Any) -> list[Column]:
        """The points on columns, then those of the parts."""
        parts: dict[str, Column] | None = {} if self.parts else None
        whole = Columns(engine, parts=parts).earned(self.points)
        found = [whole, *((parts or {})[name].rounded() for name in self.parts)]
        if not engine.baskets:
            return found
        for _, part in walk(self.points.earning):
            if isinstance(part, (Limit, EveryNthTime)):
                # what a line would earn alone goes by the baskets before it, not by the lines
                raise NotLowered(f"{part!r} of baskets")
        alone = Columns(engine, scope=LINE).earned(self.points.earning._uncapped())
        weights = engine.weights(alone)
        return [Column(engine, engine.split(column.top, weights)) for column in found]

    def check_counters(self) -> None:
        """Refuse a counter that two rules fill: each would have to see what the other takes, row by row."""
        counters = Counter(
            (part.counter_name, part.per, type(part))
            for _, part in walk(self.points.earning)
            if isinstance(part, Counted) and not isinstance(part.per, Word)
        )
        for (name, per, _), rules in counters.items():
            if rules > 1:
                raise NotLowered(f"{rules} rules that count as {name!r} per {per!r}")


def _units(rule_or_program: object, out: str, *, explain: bool) -> tuple[_Unit, ...]:
    if isinstance(rule_or_program, EarningRule):
        units = {"": (out, Points(earning=rule_or_program))}
    elif isinstance(rule_or_program, Program):
        points = rule_or_program.points
        units = {name: (f"{out}_{name}" if len(points) > 1 else out, unit) for name, unit in points.items()}
    elif isinstance(rule_or_program, ProgramHistory):
        raise RuleError("award_frame: a history has several versions; give one, as in history.version('2026-03-01')")
    else:
        raise RuleError(f"award_frame: {rule_or_program!r} is neither an earning rule nor a program; give one of them")
    return tuple(
        _Unit(column, name, unit, {part: f"{column}_{part}" for part in _names_in(unit)} if explain else {})
        for name, (column, unit) in units.items()
    )


def _names_in(points: Points) -> Iterable[str]:
    """The names of the parts, in their order."""
    return dict.fromkeys(part.name for _, part in walk(points.earning) if isinstance(part, Named))


def _not_taken(units: tuple[_Unit, ...], source: Source) -> tuple[_Unit, ...]:
    # DuckDB does not tell small letters from capital ones
    given = nw.from_native(source.given).collect_schema().names()
    taken = {str(name).lower() for name in given}
    for column in (column for unit in units for column in unit.columns):
        if column.lower() in taken:
            raise DataError("there is a column of that name; give another one with out=...", column)
        taken.add(column.lower())
    return units


# What is computed where ---------------------------------------------------------------------------------------------


@frozen
class _Plan:
    """What is computed on columns, for amounts of at most which whole number, and what row by row."""

    source: Source
    units: tuple[_Unit, ...]
    lowered: Mapping[str, Column]
    """The columns of the units that are computed on columns."""
    engine: Expressions
    most: int
    unlike: tuple[str, ...]
    reads: frozenset[str]

    @classmethod
    def of(cls, source: Source, units: tuple[_Unit, ...]) -> _Plan:
        """How to compute the units."""
        engine = Expressions(source)
        lowered: dict[str, Column] = {}
        most, unlike = source.amounts.most, list[str]()
        for unit in units:
            try:
                unit.check_counters()
                unit.lowered(Expressions(source))
            except NotLowered as what:
                unlike.append(str(what))
                continue
            safe = _safe(source, unit)
            if safe >= 0:
                lowered |= zip(unit.columns, unit.lowered(engine), strict=True)
                most = min(most, safe)
        reads = _known_reads(source, units)
        if unlike:
            # it may look at anything, and an activity has a moment
            reads |= {"at"} | {role for role in ("member", "quantity", *LABELS) if source.names[role] in source.schema}
        return cls(source, units, lowered, engine, most, tuple(unlike), frozenset(reads | engine.reads))

    def say_what_goes_by_rows(self, stacklevel: int) -> None:
        """Warn, once, that the rule itself is asked about every row."""
        if self.unlike:
            warnings.warn(
                f"columns cannot express {', '.join(self.unlike)};"
                " each row is judged by itself, which takes far longer",
                LoyaltyWarning,
                stacklevel=stacklevel,
            )

    def result(self, source_of: Any, again: Any) -> Any:
        """The frame with the columns; `again` does it for a part of the rows, which has to be a table."""
        source, by_rows = self.source, len(self.lowered) < len([c for unit in self.units for c in unit.columns])
        columns = [column for unit in self.units for column in unit.columns]
        some = _check(self)
        frame: Any = self.on_columns
        if not (some or by_rows):
            return source.finished(frame, columns)
        if source.library == "duckdb":
            # the rows in one order, once and for all
            table = source.given.to_arrow_table()
            return as_relation(source.given, _Plan.of(source_of(table), self.units).result(source_of, again))
        if source.library == "spark":
            # what one row of a member takes of a cap is missing to the others; a basket has one member
            together = source.read("member") if "member" in self.reads else source.id
            return with_points(source.given, again, columns, together, source.row)
        return source.finished(_on_rows(self, frame.collect(), by_rows=by_rows), columns)

    @property
    def doubt(self) -> str:
        """The column of where columns cannot tell."""
        return f"{self.source.prefix}doubt"

    @cached_property
    def on_columns(self) -> nw.LazyFrame[Any]:
        """The frame with the points of every unit, 0 where they go by rows, and where columns cannot tell."""
        source = self.source
        frame = source.frame.with_columns(source.amounts.whole(self.most).alias(f"{source.prefix}whole"))
        frame = self.engine.staged(frame)
        doubt = _unlike(self)
        for mask in self.engine.doubts:
            doubt |= mask
        tops = {
            column: self.lowered[column].top if column in self.lowered else 0
            for u in self.units
            for column in u.columns
        }
        outs: dict[str, Any] = {name: nw.lit(top, nw.Int64) if type(top) is int else top for name, top in tops.items()}
        return frame.with_columns(**outs, **{self.doubt: doubt.fill_null(value=True)})


def _safe(source: Source, unit: _Unit) -> int:
    """The largest whole number of the amounts for which nothing that is computed goes beyond a column."""

    def largest(amount: int) -> int:
        def most_of(of: str) -> tuple[int, int]:
            numbers = numbers_of(source, of)
            return (amount if of == "amount" else MEASURED * 10**numbers.places), numbers.below

        bounds = Bounds(ROWS, source.lines, most_of)
        unit.lowered(bounds)
        return bounds.largest

    return safe_up_to(largest, LIMIT)


def _known_reads(source: Source, units: Iterable[_Unit]) -> set[str]:
    """What the parts of the rules read of the columns that have roles; they have to be there."""
    engine = Expressions(source)
    for unit in units:
        for _, part in walk(unit.points.earning):
            with suppress(NotLowered):
                Columns(engine).where(part)
    return engine.reads


def _unlike(plan: _Plan) -> nw.Expr:
    """Where an amount is one that columns do not take."""
    amounts = plan.source.amounts
    large = amounts.too_large(plan.most)
    return large if plan.source.id is None else large | (amounts.value() < 0)


def _check(plan: _Plan) -> bool:
    """Refuse rows that are no activities; say whether there are any that columns cannot tell about."""
    source, amounts = plan.source, plan.source.amounts
    needed = [
        amounts.name,
        *((source.id,) if source.id else ()),
        *(source.read(r) for r in ("member", "at") if r in plan.reads),
    ]
    fill = "fill them in or leave them out"
    problems = [(name, nw.col(name).is_null(), "null", fill) for name in needed]
    if source.id is None:
        below = "leave them out: a refund is no activity, it reverses one"
        problems.append((amounts.name, amounts.value() < 0, "below 0", below))
    frame = source.frame
    if source.lines > 1:
        engine, differing = Expressions(source), dict[str, nw.Expr]()
        whose = [source.read(role) for role in ("member", "at", "kind", "tier") if role in plan.reads]
        for name in (*whose, *sorted(plan.engine.of_members)):
            differs = engine.differs(name)
            column = f"{source.prefix}differs{len(problems)}"
            differing[column] = differs
            remedy = f"give all rows of one {source.id!r} the same"
            problems.append((name, nw.col(column), f"not the same as in other rows with that {source.id!r}", remedy))
        if differing:
            frame = engine.staged(frame).with_columns(**differing)
    if plan.engine.doubts:
        unlike, asked = nw.col(plan.doubt), plan.on_columns.select(plan.doubt)
        some = bool(_counts(asked, [unlike])[0])
        counts = _counts(frame, [mask for _, mask, _, _ in problems])
    else:
        *counts, doubtful = _counts(frame, [*(mask for _, mask, _, _ in problems), _unlike(plan)])
        some = bool(doubtful)
    for (name, mask, what, remedy), count in zip(problems, counts, strict=True):
        if count:
            first = frame.filter(mask).select(nw.col(source.row).min()).collect("polars").item()
            rows = "1 row" if count == 1 else f"{count:,} rows, of which this is the first"
            raise DataError(f"{what} in {rows}; {remedy}", f"{name}[{first}]")
    return some


def _counts(frame: nw.LazyFrame[Any], masks: list[nw.Expr]) -> list[int]:
    """How many rows each mask holds for."""
    sums = {f"n{i}": mask.cast(nw.Int64).sum() for i, mask in enumerate(masks)}
    return [int(n or 0) for n in frame.select(**sums).collect("polars").row(0)]


# Row by row ---------------------------------------------------------------------------------------------------------


def _on_rows(plan: _Plan, table: nw.DataFrame[Any], *, by_rows: bool) -> nw.DataFrame[Any]:
    """The frame with the points of those rows that columns cannot compute."""
    source = plan.source
    some = table.filter(nw.col(plan.doubt))
    # what one row of a basket has, or of a member takes of a cap, is missing to the others
    for name in (*((source.id,) if source.id else ()), *((source.read("member"),) if "member" in plan.reads else ())):
        some = table.filter(nw.col(name).is_in(some[name].unique().to_list()))
    for unit in plan.units:
        on_columns = unit.column in plan.lowered
        if by_rows and not on_columns:
            rows = table
        elif len(some):
            rows = some
        else:
            continue
        places, found = _judged(plan, unit, rows)
        for column in unit.columns:
            table = table.with_columns(table[column].scatter(places, found[column]))
    return table


def _judged(plan: _Plan, unit: _Unit, rows: nw.DataFrame[Any]) -> tuple[list[int], dict[str, list[int]]]:
    """The points of rows, by their places: each activity for its member, in the order of time."""
    members: dict[str, Member] = {}
    places: list[int] = []
    found: dict[str, list[int]] = {column: [] for column in unit.columns}
    for lines in _activities(plan, rows):
        row = lines[0]
        try:
            activity, member = _read(plan, unit, lines, members.get(row["member"]))
            award = unit.points.award(activity, member)
            told = {unit.column: award.points, **_parts(award, unit)}
            split: Any = weights_of(unit.points.earning, activity, member) if len(lines) > 1 else ()
        except LoyaltyError as error:
            error.add_note(f"(row {row['row']} of the frame)")
            raise
        for column, points in told.items():
            if points > LIMIT:
                raise DataError(
                    f"{points:,} points are more than a column holds; ask the rule itself by .award(activity)",
                    f"{column}[{row['row']}]",
                )
            found[column] += apportion(points, split) if len(lines) > 1 else [points]
        places += [line["row"] for line in lines]
        members[row["member"]] = member.after(award).seen(activity)
    return places, found


def _activities(plan: _Plan, rows: nw.DataFrame[Any]) -> Iterator[list[dict[str, Any]]]:
    """The rows of each activity, in the order of time."""
    source = plan.source
    shown = rows.select(
        at=nw.col(source.read("at")) if "at" in plan.reads else nw.lit(_SOME_TIME),
        row=nw.col(source.row),
        id=nw.col(source.id or source.row),
        amount=nw.col(source.amounts.name),
        quantity=nw.col(source.read("quantity")).fill_null(1) if "quantity" in plan.reads else nw.lit(1),
        **{role: source.label(role) if role in plan.reads else nw.lit("") for role in ("member", *LABELS)},
        **{f"fact {name}": nw.col(column) for name, column in source.facts.items()},
        **{f"known {name}": nw.col(column) for name, column in source.member_facts.items()},
    ).sort("at", "row")
    together: dict[Any, list[dict[str, Any]]] = {}
    for line in shown.iter_rows(named=True):
        together.setdefault(line["id"], []).append(line)
    # lines of one activity are of one moment, so that activities come in the order of their first lines
    yield from together.values()


def _read(plan: _Plan, unit: _Unit, rows: list[dict[str, Any]], before: Member | None) -> tuple[Activity, Member]:
    """The activity of some rows, and its member as of that moment."""
    source, first = plan.source, rows[0]
    lines = [
        Line(
            source.amounts.exact(row["amount"]), row["category"], sku=row["sku"], quantity=row["quantity"],
            facts={name: row[f"fact {name}"] for name in source.facts},
        )
        for row in rows
    ]  # fmt: skip
    kind = {"kind": first["kind"]} if "kind" in plan.reads else {}
    activity = Activity(lines, at=first["at"], member=first["member"], **kind)
    ladder: tuple[str, ...] = ()
    if source.program:
        activity = activity.in_zone(source.program.zone)
        ladder = next((tuple(t.name for t in ladder.tiers) for ladder in source.program.ladders.values()), ())
    known = before or Member(first["member"], unit=unit.name, ladder=ladder)
    if source.member_facts:
        known = evolve(known, facts={name: first[f"known {name}"] for name in source.member_facts})
    return activity, known if known.tier == first["tier"] else evolve(known, tier=first["tier"])


def _parts(award: Award, unit: _Unit) -> dict[str, int]:
    """What each named part gives, rounded down."""
    sums = told_by_name(award, unit.parts)
    return {unit.parts[name]: floor(points) for name, points in sums.items()}
